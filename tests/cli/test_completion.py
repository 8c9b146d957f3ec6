"""fastcore completion: each shell that is here completes a line as its user would see it."""

import shlex
import shutil
import subprocess

import pytest

from fastcore.cli import COMMANDS


def script(fastcore, shell, tmp_path):
    done = fastcore("completion", shell)
    assert (done.code, done.err) == (0, "")
    path = tmp_path / f"completion.{shell}"
    path.write_text(done.out)
    return path


@pytest.fixture
def bash(fastcore, tmp_path):
    if not shutil.which("bash"):
        pytest.skip("no bash here")
    path = script(fastcore, "bash", tmp_path)

    def complete(*words):
        code = (
            f". {path}; COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}\n"
            '_fastcore; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(
            ["bash", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
        )
        assert done.stderr == ""
        return set(done.stdout.split())

    return complete


def test_bash_completes_commands(bash):
    assert bash("fastcore", "") == {*COMMANDS, "--help", "--version"}
    assert bash("fastcore", "in") == {"ingest"}


def test_bash_completes_actions_options_and_choices(bash):
    assert bash("fastcore", "json", "se") == {"select"}
    assert bash("fastcore", "ingest", "--matc") == {"--match", "--match-file", "--match-field"}
    assert bash("fastcore", "json", "select", "x", "--output", "") == {"ndjson", "csv", "arrow"}
    assert bash("fastcore", "completion", "z") == {"zsh"}


def test_bash_completes_files(bash, tmp_path):
    (tmp_path / "some.ndjson").touch()
    assert bash("fastcore", "ingest", "some") == {"some.ndjson"}
    assert bash("fastcore", "nonsense", "some") == set()


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish(fastcore, tmp_path):
    path = script(fastcore, "fish", tmp_path)

    def complete(line):
        code = f"source {path}; complete -C {shlex.quote(line)}"
        environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            ["fish", "-c", code], capture_output=True, text=True, check=True, env=environment
        )
        return {row.split("\t")[0] for row in done.stdout.splitlines()}

    assert complete("fastcore ing") == {"ingest"}
    assert complete("fastcore json se") >= {"select"}
    assert complete("fastcore json select x --output ") == {"ndjson", "csv", "arrow"}
    assert "--match-file" in complete("fastcore ingest --match")


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh here")
def test_zsh_parses_the_script_and_defines_the_function(fastcore, tmp_path):
    path = script(fastcore, "zsh", tmp_path)
    code = f"autoload -U compinit; compinit -D -u; . {path}; print ${{_comps[fastcore]}}"
    done = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("_fastcore\n", "")


def test_a_shell_that_is_not_there(fastcore):
    done = fastcore("completion", "tcsh")
    assert done.code == 2
    assert "'bash', 'zsh', 'fish'" in done.err
