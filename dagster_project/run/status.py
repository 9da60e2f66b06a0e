"""How the last refresh ended: `reports/last_run.json` for schedulers; the same goes to a webhook if one is named.

Nothing here may change how a run ends: what cannot be written or sent is a warning.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

WEBHOOK = "NQPF_WEBHOOK_URL"
WEBHOOK_SECONDS = 5.0
BY_COMMAND = {"nqpf/started_by": "nqpf refresh"}  # tag of runs whose end the command itself writes down


@dataclass(frozen=True)
class StepRecord:
    """One step of a run: job and step as Dagster names them, what a person reads, how long it took."""

    job: str
    step: str
    words: str
    seconds: float
    passed: bool
    is_unchanged: bool = False  # nothing that it reads had changed, so nothing was made

    @property
    def key(self) -> str:
        return f"{self.job}/{self.step}"


@dataclass(frozen=True)
class Listener:
    """Callbacks for run progress. planned: 'job/step' of all jobs, once; started: job, step; ended: what a step did."""

    planned: Callable[[set[str]], None]
    started: Callable[[str, str], None]
    ended: Callable[[StepRecord], None]


@dataclass(frozen=True)
class RunStatus:
    """A run that has ended. `job`: the command or Dagster's job. `status`: published, unchanged, candidate, done (a job
    that does not publish), bad_input, refused, busy, failed or interrupted.
    """

    status: str
    exit_code: int
    started: dt.datetime
    seconds: float
    release: str | None
    message: list[str]
    warehouse: Path
    log: Path | None = None
    steps: list[StepRecord] = field(default_factory=list)
    job: str = "nqpf refresh"

    def content(self) -> dict[str, Any]:
        """What is written and sent: plain JSON values; times are UTC."""
        return {
            "job": self.job,
            "status": self.status,
            "exit_code": self.exit_code,
            "started": self.started.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "release": self.release,
            "message": self.message,
            "warehouse": str(self.warehouse),
            "log": str(self.log) if self.log else None,
            "steps": [{**asdict(step), "seconds": round(step.seconds, 2)} for step in self.steps],
        }


def status_file(reports: Path) -> Path:
    return reports / "last_run.json"


def read_status(reports: Path) -> dict[str, Any]:
    """The last run as it was written; empty if there is none, or if it cannot be read."""
    try:
        content = json.loads(status_file(reports).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def known_seconds(reports: Path) -> dict[str, float]:
    """Seconds of each step when it last ran, by 'job/step': what the time left is estimated from."""
    seconds = read_status(reports).get("step_seconds", {})
    return {str(key): float(value) for key, value in seconds.items()} if isinstance(seconds, dict) else {}


def write_status(reports: Path, status: RunStatus) -> list[str]:
    """Write last_run.json by one rename, then tell the webhook. Returns warnings, never raises.

    `step_seconds` also keeps the steps that this run did not reach, so that a run which stops early forgets nothing.
    """
    content = status.content()
    seconds = known_seconds(reports) | {step.key: round(step.seconds, 2) for step in status.steps if step.passed}
    warnings = []
    try:
        reports.mkdir(parents=True, exist_ok=True)
        fresh = reports / f".last_run.{os.getpid()}.tmp"
        text = json.dumps({**content, "step_seconds": seconds}, ensure_ascii=False, indent=2)
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(status_file(reports))
    except OSError as error:
        warnings.append(f"The run status could not be written to {status_file(reports)}: {error}.")
    url = os.environ.get(WEBHOOK, "").strip()
    if url:
        problem = send(url, content)
        if problem:
            warnings.append(f"The run status could not be sent to the address in {WEBHOOK}: {problem}.")
    return warnings


def send(url: str, content: dict[str, Any]) -> str | None:
    """POST the content as JSON; None if it was taken, else why not.

    The address may hold a secret: nothing beyond its host is ever said. Redirects are not followed. One limit of time
    holds for the whole call, however slowly the other side speaks.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "it is not a valid address"
    if parts.scheme not in ("http", "https"):
        return "it must begin with http:// or https://"
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        return "it is not a valid address"
    body = json.dumps(content, ensure_ascii=False).encode("utf-8")
    answers: list[str | None] = []
    caller = threading.Thread(target=lambda: answers.append(_post(url, body)), daemon=True)
    caller.start()
    caller.join(WEBHOOK_SECONDS)
    return answers[0] if answers else f"{host} did not answer within {WEBHOOK_SECONDS:.0f} s"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Do not follow redirects: the message must go only to the configured host."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def _post(url: str, body: bytes) -> str | None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    try:
        request = urllib.request.Request(url, data=body, headers=headers)
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=WEBHOOK_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}" + (" (redirects are not followed)" if 300 <= error.code < 400 else "")
    except urllib.error.URLError as error:
        reason = error.reason
        return reason.strerror or type(reason).__name__ if isinstance(reason, OSError) else type(reason).__name__
    except Exception as error:  # whatever a broken server makes of HTTP must not change how the run ends
        return f"its answer is not valid HTTP ({type(error).__name__})"
