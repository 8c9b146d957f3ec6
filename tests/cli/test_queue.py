"""``fastcore queue`` on the embedded backend: lines in, messages out."""

from __future__ import annotations

import json

from fastcore.cli import main


def test_lines_go_in_and_messages_come_out(tmp_path, capfdbinary):
    queue, lines = str(tmp_path / "queue"), tmp_path / "lines"
    lines.write_bytes(b'{"a": 1}\nplain text\n\xff\xfe\nlast without newline')
    assert main(["queue", "publish", queue, "jobs", "--file", str(lines)]) == 0
    assert b"published 4 messages to jobs" in capfdbinary.readouterr().err

    assert main(["queue", "pending", queue, "jobs", "g"]) == 0
    found = json.loads(capfdbinary.readouterr().out)
    assert (found["backend"], found["lag"], found["in_flight"]) == ("wal", 4, 0)

    assert main(["queue", "consume", queue, "jobs", "g", "-n", "1", "--no-ack"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["json"] == {"a": 1}

    assert main(["queue", "consume", queue, "jobs", "g"]) == 0
    messages = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    bodies = [{k: m[k] for k in m if k in ("json", "text", "base64")} for m in messages]
    assert bodies[:1] == [{"json": {"a": 1}}] or bodies[-1:] == [{"json": {"a": 1}}]
    assert sorted(map(str, bodies)) == sorted(
        map(
            str,
            [
                {"json": {"a": 1}},
                {"text": "plain text"},
                {"base64": "//4="},
                {"text": "last without newline"},
            ],
        )
    )
    assert main(["queue", "consume", queue, "jobs", "g"]) == 1
    assert main(["queue", "consume", queue, "jobs", "other", "--raw", "-n", "2"]) == 0
    assert capfdbinary.readouterr().out == b'{"a": 1}\nplain text\n'


def test_wrong_use_says_what_to_do(tmp_path, capfd, monkeypatch):
    monkeypatch.delenv("FASTCORE_QUEUE", raising=False)
    for arguments, text in [
        (["pending", "q", "jobs"], "needs a GROUP"),
        (["publish", "q", "jobs", "g"], "takes no GROUP"),
        (["pending", "http://x", "jobs", "g"], "not known"),
        (["pending", "-", "jobs", "g"], "FASTCORE_QUEUE"),
        (["pending", str(tmp_path / "q"), "a b", "g"], "no spaces"),
        (["pending", "redis://:secret@127.0.0.1:1/0", "jobs", "g"], "no Redis server answers"),
        (["pending", "nats://u:secret@127.0.0.1:1", "jobs", "g"], "no NATS server answers"),
    ]:
        assert main(["queue", *arguments]) == 2, arguments
        said = capfd.readouterr().err
        assert text in said
        assert said.count("\n") == 1
        assert "secret" not in said
