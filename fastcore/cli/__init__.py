"""The command ``fastcore``: one module per command, imported when it is called.

A command module has ``parser() -> ArgumentParser`` and ``run(arguments) -> int``,
the exit code: 0; 1 where nothing was found or the input is invalid; 2 for wrong
use and for errors, with one line on standard error that says what to do. What
can go wrong with a user's files and disks arrives here as an `OSError` or a
`fastcore.Error` and becomes that line; any other exception is a bug and keeps
its traceback.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence

from fastcore.cli import terminal
from fastcore.errors import Error

__all__ = ["main"]

# Name -> what it does, in the order of the help text.
COMMANDS = {
    "ingest": "decode JSON, select fields, keep the records that match, log them durably",
    "json": "look into JSON: count records, select fields",
    "grep": "print the lines of files that match",
    "wal": "look into a log: print its records, its state",
    "queue": "publish to a task queue, consume from it, count what is pending",
    "cpu": "show what this machine can run and which kernels are in use",
    "completion": "print a script that makes bash, zsh or fish complete all of this",
}

USAGE = "usage: fastcore [--version] [--help] COMMAND ...\n"

EXAMPLES = """
examples:
  fastcore ingest edits.ndjson.gz --select user page --match Berlin --wal log/
  zcat *.gz | fastcore ingest - --wal log/
  fastcore wal cat log/ --raw | head
  fastcore cpu

Each command explains itself: fastcore COMMAND --help.
Exit codes: 0; 1 nothing found, or the input is invalid; 2 wrong use or an error.
"""

EXIT_ERROR = 2
EXIT_SIGNAL = 128  # plus the signal's number, as shells say it
EXIT_BROKEN_PIPE = EXIT_SIGNAL + 13  # SIGPIPE, which Windows has no name for


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; `sys.argv` by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _dispatch(given)
        sys.stdout.flush()
    except BrokenPipeError:
        return _leave_broken_pipe()
    except KeyboardInterrupt as error:
        number = getattr(error, "number", signal.SIGINT)
        terminal.note(f"stopped by {signal.Signals(number).name}")
        return EXIT_SIGNAL + number
    except (Error, OSError) as error:
        terminal.note(describe(error))
        return EXIT_ERROR
    except MemoryError:
        terminal.note("out of memory")
        return EXIT_ERROR
    except SystemExit as leaving:  # argparse: its message is out already
        return leaving.code if isinstance(leaving.code, int) else EXIT_ERROR
    return code


def _dispatch(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help", "help"):
        print(_help(), end="")
        return 0 if given else EXIT_ERROR
    name = given[0]
    if name in ("-V", "--version"):
        from fastcore import __version__

        print(f"fastcore {__version__}")
        return 0
    if name not in COMMANDS:
        known = ", ".join(COMMANDS)
        terminal.note(f"there is no command {name!r}; the commands are: {known}")
        return EXIT_ERROR
    module = importlib.import_module(f"fastcore.cli.{name}")
    code: int = module.run(module.parser().parse_args(given[1:]))
    return code


def _help() -> str:
    lines = [f"  {name:<10} {what}" for name, what in COMMANDS.items()]
    return "\n".join([USAGE, "commands:", *lines, EXAMPLES])


def describe(error: BaseException) -> str:
    """Say in one line what went wrong, beginning with the file it went wrong with."""
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror[:1].lower() + error.strerror[1:]
        return f"{os.fsdecode(error.filename)}: {text}" if error.filename else text
    return str(error) or type(error).__name__


def _leave_broken_pipe() -> int:
    """Whoever read our output has gone: end quietly, also when the interpreter flushes."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    return EXIT_BROKEN_PIPE
