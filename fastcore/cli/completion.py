"""``fastcore completion``: what a shell needs to complete the command, made from its parsers.

Every command's parser is asked for its options, their choices and their help; a new command or
option is completed without a line here.
"""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from fastcore.cli.arguments import Parser

__all__ = ["parser", "run"]

EPILOG = """\
examples:
  fastcore completion bash >~/.local/share/bash-completion/completions/fastcore
  fastcore completion zsh >~/.zfunc/_fastcore   # a folder of $fpath, before compinit
  fastcore completion fish >~/.config/fish/completions/fastcore.fish
  source <(fastcore completion bash)            # for this shell alone
"""


def parser() -> Parser:
    """Return the parser of the arguments after ``fastcore completion``."""
    made = Parser(
        "completion",
        usage="{bash,zsh,fish}",
        description="Print a script that makes the shell complete commands, options and files.",
        epilog=EPILOG,
    )
    made.add_argument("shell", choices=list(_SCRIPTS), help="the shell to complete in")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    sys.stdout.write(_SCRIPTS[arguments.shell](list(_commands())))
    return 0


@dataclass
class Option:
    """An option: its spellings, what it says of itself, and what may follow it."""

    names: list[str]
    help: str
    takes_value: bool
    choices: list[str]


@dataclass
class Command:
    """A command: what it says of itself, the words its first argument may be, its options."""

    name: str
    help: str
    actions: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)


def _commands() -> Iterator[Command]:
    from fastcore.cli import COMMANDS

    for name, what in COMMANDS.items():
        command = Command(name, what)
        _read(importlib.import_module(f"fastcore.cli.{name}").parser(), command)
        yield command


def _read(made: argparse.ArgumentParser, command: Command) -> None:
    """Add what the parser takes; of a parser with sub-parsers, what any of them takes."""
    for action in made._actions:
        choices = list(map(str, action.choices or ()))
        if action.option_strings:
            known = {name for option in command.options for name in option.names}
            if known.isdisjoint(action.option_strings):
                said = " ".join((action.help or "").replace("%%", "%").split())
                takes_value = action.nargs != 0
                command.options.append(
                    Option(list(action.option_strings), said, takes_value, choices)
                )
        elif choices and not command.actions:
            command.actions = choices
            if isinstance(action, argparse._SubParsersAction):
                for inner in action.choices.values():
                    _read(inner, command)


def _first_line(text: str) -> str:
    """Return the part of a help text that fits beside an option."""
    return text.split(";")[0].split(" (default")[0]


def _bash(commands: list[Command]) -> str:
    cases, values = [], []
    for command in commands:
        names = [name for option in command.options for name in option.names]
        cases.append(f"        {command.name}) actions={shlex.quote(' '.join(command.actions))}")
        cases.append(f"            options={shlex.quote(' '.join(names))} ;;")
        values += [
            f"        {command.name}:{name}) choices={shlex.quote(' '.join(option.choices))} ;;"
            for option in command.options
            for name in option.names
            if option.choices
        ]
    names_of_all = shlex.quote(" ".join([*(c.name for c in commands), "--help", "--version"]))
    return f"""\
# bash completion of fastcore, made by `fastcore completion bash`
_fastcore() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
    local actions= options= choices=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W {names_of_all} -- "$word"))
        return
    fi
    case ${{COMP_WORDS[1]}} in
{chr(10).join(cases)}
        *) return ;;
    esac
    case ${{COMP_WORDS[1]}}:$before in
{chr(10).join(values)}
    esac
    if [ -n "$choices" ]; then
        COMPREPLY=($(compgen -W "$choices" -- "$word"))
    elif [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    elif [ "$COMP_CWORD" -eq 2 ] && [ -n "$actions" ]; then
        COMPREPLY=($(compgen -W "$actions" -- "$word"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -F _fastcore fastcore
"""


def _zsh(commands: list[Command]) -> str:
    def escaped(text: str) -> str:
        return re.sub(r"([\\\[\]:])", r"\\\1", text)

    def specs(command: Command) -> Iterator[str]:
        for option in command.options:
            value = f":value:({' '.join(option.choices)})" if option.choices else ":value:_files"
            for name in option.names:
                said = f"*{name}[{escaped(_first_line(option.help))}]"
                yield shlex.quote(said + (value if option.takes_value else ""))
        if command.actions:
            yield shlex.quote(f"1:action:({' '.join(command.actions)})")
        yield "'*:file:_files'"

    described = "\n".join(f"        {shlex.quote(f'{c.name}:{escaped(c.help)}')}" for c in commands)
    cases = "\n".join(f"        {c.name}) _arguments -s {' '.join(specs(c))} ;;" for c in commands)
    return f"""\
#compdef fastcore
# zsh completion of fastcore, made by `fastcore completion zsh`
_fastcore() {{
    local -a commands=(
{described}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
{cases}
    esac
}}
if [ "$funcstack[1]" = _fastcore ]; then _fastcore "$@"; else compdef _fastcore fastcore; fi
"""


def _fish(commands: list[Command]) -> str:
    def quoted(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    first = "complete -c fastcore -n __fish_use_subcommand"
    lines = [
        "# fish completion of fastcore, made by `fastcore completion fish`",
        f"{first} -f -s h -l help -d 'show the commands'",
        f"{first} -f -s V -l version -d 'show the version'",
    ]
    for command in commands:
        said = quoted(command.help)
        lines.append(f"{first} -f -a {command.name} -d {said}")
        here = f"'__fish_seen_subcommand_from {command.name}'"
        if command.actions:
            words = " ".join(command.actions)
            unless = quoted(f"not __fish_seen_subcommand_from {words}")
            lines.append(f"complete -c fastcore -n {here} -n {unless} -f -a {quoted(words)}")
        for option in command.options:
            spelt = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                for name in option.names
            )
            value = f" -x -a '{' '.join(option.choices)}'" if option.choices else " -r"
            lines.append(
                f"complete -c fastcore -n {here} {spelt} -d {quoted(_first_line(option.help))}"
                + (value if option.takes_value else "")
            )
    return "\n".join(lines) + "\n"


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
