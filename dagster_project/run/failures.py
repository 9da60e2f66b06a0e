"""How a run ends: exit codes that a scheduler can act on, and the sentences for people."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from dagster_project.paths import Paths

EXIT_OK, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_REFUSED, EXIT_BUSY = 0, 1, 2, 3, 4
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


def nothing_published(paths: Paths, console: Console) -> int:
    """Say so; exit code."""
    console.print(f"Nothing is published in {paths.published}. Run `nqpf refresh` first.", soft_wrap=True)
    return EXIT_BAD_INPUT
