"""From Dagster's events to one clear sentence and an exit code."""

from __future__ import annotations

import re
from collections.abc import Sequence

import dagster as dg

from dagster_project.errors import EXIT_BAD_INPUT, EXIT_BUSY, EXIT_FAILED, EXIT_REFUSED
from dagster_project.run.failures import Failure

# Exceptions whose own text is written for people.
SPEAKING = {
    "IngestError": EXIT_BAD_INPUT,
    "SpecError": EXIT_BAD_INPUT,
    "Failure": EXIT_BAD_INPUT,
    "NoIndexError": EXIT_BAD_INPUT,
    "WrongKindError": EXIT_BAD_INPUT,
    "SettingsError": EXIT_BAD_INPUT,
    "WarehouseBusy": EXIT_BUSY,
    "PublishError": EXIT_FAILED,
    "PackError": EXIT_FAILED,
    "PublishedFileError": EXIT_FAILED,
    "SurroundingsError": EXIT_FAILED,
}


def read_failure(result: dg.ExecuteInProcessResult) -> Failure | None:
    """None if the run went through; gate refusals first, then exceptions that speak, then anything else."""
    return None if result.success else failure_of(result.all_events)


def failure_of(events: Sequence[dg.DagsterEvent]) -> Failure:
    """The same from the events of a run that failed."""
    refusals = [sentence for event in events for sentence in _refusals(event)]
    if refusals:
        return Failure(EXIT_REFUSED, refusals)
    for event in events:
        if event.event_type_value == "STEP_FAILURE":
            return _step_failure(event)
    return _run_failure(events)


def _run_failure(events: Sequence[dg.DagsterEvent]) -> Failure:
    """No step failed: what stopped the run as a whole, such as a lock that was not freed or an unreadable sidecar."""
    for event in events:
        error = event.job_failure_data.error if event.is_job_failure else None
        while error is not None:
            if error.cls_name in SPEAKING:
                return Failure(SPEAKING[str(error.cls_name)], [_message(error.message)])
            error = error.cause
    return Failure(EXIT_FAILED, ["The run failed before its first step."])


def _refusals(event: dg.DagsterEvent) -> list[str]:
    if event.event_type_value != "ASSET_CHECK_EVALUATION":
        return []
    check = event.asset_check_evaluation_data
    if check.passed or check.check_name != "gate":
        return []
    return [str(sentence) for sentence in check.metadata["problems"].value]  # type: ignore[union-attr]


def _step_failure(event: dg.DagsterEvent) -> Failure:
    error = event.step_failure_data.error
    while error is not None:
        name = error.cls_name or ""
        if name in SPEAKING:
            return Failure(SPEAKING[name], [_message(error.message)])
        if name == "DagsterExecutionInterruptedError":
            sentence = f"Interrupted in step {event.step_key}. The published file is unchanged; run it again."
            return Failure(EXIT_FAILED, [sentence], is_interrupted=True)
        if name == "DbtError":
            lines = [f"dbt stopped in step {event.step_key}.", *_dbt_lines(error.message)]
            return Failure(EXIT_FAILED, lines, error.message)
        if error.cause is None:
            break
        error = error.cause
    text = error.message.strip() if error else "no reason given"
    return Failure(EXIT_FAILED, [f"Step {event.step_key} failed: {text} (a fault of the program, see the log)"], text)


def _message(text: str) -> str:
    """The text without the class name that Python puts before it."""
    return re.sub(r"^[\w.]+(Error|Failure|Busy): ", "", text.strip())


def _dbt_lines(message: str) -> list[str]:
    """Which nodes failed and why: the reason stands below the node, indented and without a time."""
    kept: list[str] = []
    is_told = False
    for line in message.splitlines():
        words = line.strip()
        is_reason = is_told and line.startswith("  ") and words != "" and not words.startswith(">")
        is_told = is_reason or re.search(r"(Failure|Error) in ", line) is not None
        if is_told:
            kept.append(re.sub(r"^\d\d:\d\d:\d\d\s+", "", words))
    return kept[:20]
