"""The page docs/reference/cli.md, from the commands themselves: `python -m dagster_project.cli.reference` writes it."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from dagster_project.cli.main import app
from dagster_project.paths import PROJECT

PAGE = PROJECT / "docs" / "reference" / "cli.md"
HEAD = """# Commands of `nqpf`

<!-- written by `python -m dagster_project.cli.reference`; a test fails when it is stale -->

Run them as `.venv/bin/nqpf ...`, from any folder. Without `--landing` a command speaks of the SYNTHETIC demo; a command
that only reads takes the warehouse that you name, else `warehouse/` if something is published there, else the demo.

Exit codes: 0 done (or nothing changed), 2 bad input, 3 refused by the gate, 4 busy, 1 anything else.
"""


def commands(command: Any, name: str = "nqpf") -> Iterator[tuple[str, Any]]:
    """(full name, command) of every command that does something, in the order of the help."""
    if hasattr(command, "commands"):
        for child, inner in command.commands.items():
            if not inner.hidden:
                yield from commands(inner, f"{name} {child}")
    else:
        yield name, command


def page() -> str:
    """The whole page."""
    sections = [section(name, command) for name, command in commands(typer.main.get_command(app))]
    return "\n".join([HEAD, *sections])


def section(name: str, command: Any) -> str:
    """One command: how to type it, what it does, what it takes."""
    parameters = [one for one in command.params if one.name != "help"]
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    usage = " ".join(
        [name, *(_argument(one) for one in arguments), *(["[options]"] if parameters != arguments else [])]
    )
    lines = [f"## {name}", "", f"`{usage}`", "", inspect.cleandoc(command.help or ""), ""]
    if parameters:
        lines += ["| | | default |", "|---|---|---|", *(_row(one) for one in parameters), ""]
    return "\n".join(lines)


def _argument(one: Any) -> str:
    name = str(one.name).upper()
    return name if one.required else f"[{name}]"


def _row(one: Any) -> str:
    is_argument = one.param_type_name == "argument"
    name = _argument(one) if is_argument else ", ".join([*one.opts, *one.secondary_opts])
    default = "" if one.default in (None, False) or one.required or callable(one.default) else f"`{one.default}`"
    text = " ".join(str(getattr(one, "help", None) or "").split()).replace("|", "\\|")
    return f"| `{name}` | {text} | {default} |"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
