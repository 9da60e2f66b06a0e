"""How a run ends: exit codes that a scheduler can act on, and the sentences for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate

from rich.console import Console

from dagster_project.errors import EXIT_BUSY, EXIT_OK, Refusal
from dagster_project.paths import Paths

STATUS_OF_EXIT = {0: "done", 1: "failed", 2: "bad_input", 3: "refused", 4: "busy"}


@dataclass(frozen=True)
class Failure:
    """Why a run did not end well: an exit code and sentences. `details`: the whole text of a program's error."""

    exit_code: int
    sentences: list[str]
    details: str = ""
    is_interrupted: bool = False

    @property
    def status(self) -> str:
        """The word for it in last_run.json."""
        return "interrupted" if self.is_interrupted else STATUS_OF_EXIT[self.exit_code]


def nothing_published(paths: Paths) -> Refusal:
    """The refusal of every command that asks a published file where there is none."""
    return Refusal(f"Nothing is published in {paths.published}. Run `nqpf refresh` first.")


def say(console: Console, *lines: object) -> None:
    """Lines as they are: nothing in them is markup, and none is broken."""
    for line in lines:
        console.print(str(line), highlight=False, markup=False, soft_wrap=True)


def answering[**P](
    command: Callable[Concatenate[Paths, Console, P], int | None],
) -> Callable[Concatenate[Paths, Console, P], int]:
    """The command with its exit code: 0, or that of a refusal, or 4 where another process has the warehouse."""

    @wraps(command)
    def run(paths: Paths, console: Console, /, *args: P.args, **options: P.kwargs) -> int:
        from dagster_project.store import WarehouseBusy  # here: it loads DuckDB, and `nqpf --help` is quick

        try:
            return command(paths, console, *args, **options) or EXIT_OK
        except Refusal as refusal:
            say(console, refusal)
            return refusal.exit_code
        except WarehouseBusy as busy:
            say(console, busy)
            return EXIT_BUSY

    return run
