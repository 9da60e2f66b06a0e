"""How a refresh speaks: lines for people, JSON lines for collectors of logs, or only when something is wrong."""

import datetime as dt
import json
import os
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from rich.console import Console

from dagster_project.run.status import RunStatus, StepRecord


@dataclass(frozen=True)
class Voice:
    """progress: for lines that a good run prints; trouble: for failures; sink: for JSON lines, None in text mode."""

    progress: Console
    trouble: Console
    sink: TextIO | None = None

    def started(self, warehouse: object, log: object) -> None:
        self._line("started", {"warehouse": str(warehouse), "log": str(log)})

    def step(self, step: StepRecord) -> None:
        self._line("step", {**asdict(step), "seconds": round(step.seconds, 2)})

    def ended(self, status: RunStatus) -> None:
        """The content of last_run.json without the steps, which were said one by one."""
        self._line("ended", {key: value for key, value in status.content().items() if key != "steps"})

    def _line(self, event: str, fields: dict[str, Any]) -> None:
        if self.sink is not None:
            moment = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            level = "error" if fields.get("exit_code") or fields.get("passed") is False else "info"
            line = {"time": moment, "level": level, "event": event, **fields}
            print(json.dumps(line, ensure_ascii=False), file=self.sink, flush=True)


def voice(console: Console, log_format: str = "text", *, quiet: bool = False) -> Voice:
    """text: console says all, with quiet failures only. json: one object a line on stdout, nothing else."""
    silent = Console(quiet=True)
    if log_format == "json":  # stdout of now: a refresh sends its own stdout to the log file
        return Voice(silent, silent, os.fdopen(os.dup(1), "w", encoding="utf-8"))
    return Voice(silent if quiet else console, console)
