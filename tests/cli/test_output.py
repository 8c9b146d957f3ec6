"""json select: the three formats, and what is inferred for Arrow."""

import csv
import io
import json
import subprocess

import pytest

from .conftest import COMMAND, ndjson
from .test_commands import on_terminal

ROWS = [
    {"n": 1, "s": 'a,"b"\n\\', "f": 1.5, "deep": {"x": [1, {"y": None}]}, "b": True},
    {"n": -(2**63), "s": "", "f": 2, "b": False},
    {"s": "東京", "f": None, "deep": None, "extra": 1},
]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.ndjson"
    path.write_bytes(ndjson(ROWS))
    return path


def raw(*arguments, stdin=None):
    return subprocess.run(
        [*COMMAND, "json", "select", *map(str, arguments)], input=stdin, capture_output=True
    )


def test_csv_is_what_csv_readers_read(source):
    done = raw(source, "n", "s", "f", "x=deep.x", "b", "--output", "csv")
    assert (done.returncode, done.stderr) == (0, b"")
    header, *rows = csv.reader(io.StringIO(done.stdout.decode(), newline=""))
    assert header == ["n", "s", "f", "x", "b"]
    assert rows == [
        ["1", 'a,"b"\n\\', "1.5", '[1,{"y":null}]', "true"],
        ["-9223372036854775808", "", "2", "", "false"],
        ["", "東京", "", "", ""],
    ]


def test_csv_of_nothing_is_a_header():
    done = raw("-", "a", "b", "-o", "csv", stdin=b"")
    assert (done.returncode, done.stdout) == (1, b"a,b\n")


def test_ndjson_is_the_default(source):
    done = raw(source, "n", "b")
    assert done.stdout == raw(source, "n", "b", "--output", "ndjson").stdout
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"n": row.get("n"), "b": row.get("b")} for row in ROWS
    ]


def arrow(done):
    pa = pytest.importorskip("pyarrow")
    assert (done.returncode, done.stderr) == (0, b"")
    return pa.ipc.open_stream(io.BytesIO(done.stdout)).read_all()


def test_arrow_types_are_inferred(source):
    pytest.importorskip("nanoarrow")
    table = arrow(raw(source, "n", "s", "f", "deep", "b", "none", "-o", "arrow"))
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "n": "int64",
        "s": "large_string",
        "f": "double",
        "deep": "large_string",
        "b": "bool",
        "none": "large_string",
    }
    assert table["n"].to_pylist() == [1, -(2**63), None]
    assert table["s"].to_pylist() == [row["s"] for row in ROWS]
    assert table["f"].to_pylist() == [1.5, 2.0, None]
    assert json.loads(table["deep"][0].as_py()) == ROWS[0]["deep"]
    assert table["none"].to_pylist() == [None] * 3


def test_arrow_types_can_be_named_and_names_can_be_anything():
    pytest.importorskip("nanoarrow")
    done = raw(
        "-", "a/b~c=$['a/b~c']", "t", "-o", "arrow", "--type", "a/b~c=float32",
        "--type", "t=timestamp[ms]", stdin=b'{"a/b~c":1,"t":"1970-01-01T00:00:01Z"}',
    )  # fmt: skip
    table = arrow(done)
    assert [str(field.type) for field in table.schema][:1] == ["float"]
    assert table["t"].cast("int64").to_pylist() == [1000]


def test_arrow_of_nothing_is_a_schema():
    pytest.importorskip("nanoarrow")
    done = raw("-", "a", "-o", "arrow", stdin=b"")
    assert done.returncode == 1
    pa = pytest.importorskip("pyarrow")
    assert pa.ipc.open_stream(io.BytesIO(done.stdout)).read_all().num_rows == 0


def test_arrow_of_many_batches():
    pytest.importorskip("nanoarrow")
    table = arrow(raw("-", "i", "-o", "arrow", stdin=ndjson([{"i": i} for i in range(150_000)])))
    assert table["i"].to_pylist() == list(range(150_000))


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (["a", "x=a", "x=b"], b"{}", "field 'x' is selected twice"),
        (["a", "--type", "a=int64"], b"{}", "--type is for --output arrow"),
        (["a", "-o", "arrow", "--type", "b=int64"], b"{}", "no such field; there are: a"),
        (["a", "-o", "arrow", "--type", "a=int63"], b"{}", "--type a=int63: "),
        (["a", "-o", "arrow", "--type", "int64"], b"{}", "write NAME=TYPE"),
        (["a", "-o", "xml"], b"{}", "invalid choice: 'xml'"),
        (
            ["a", "-o", "arrow"],
            b'{"a":1}\n' * 70_000 + b'{"a":"x"}\n',
            "as in --type NAME=json",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, stdin, says):
    pytest.importorskip("nanoarrow")
    done = raw("-", *arguments, stdin=stdin)
    assert done.returncode == 2
    assert says in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_arrow_is_not_for_a_terminal(source):
    pytest.importorskip("nanoarrow")
    code, screen = on_terminal(["json", "select", source, "n", "-o", "arrow"])
    assert code == 2
    assert "send it to a file or a pipe" in screen
