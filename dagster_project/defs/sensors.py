"""Sensors: a landing file that is complete and not yet accepted asks for a run; a run's end is written down."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dagster as dg

from dagster_project.defs.dead_runs import is_by_command
from dagster_project.defs.gate import is_judged
from dagster_project.defs.outcome import failure_of
from dagster_project.errors import EXIT_OK, IngestError
from dagster_project.ingest.sidecar import Sidecar, check_files, landed_sidecars
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import latest_release
from dagster_project.run.failures import STATUS_OF_EXIT
from dagster_project.run.status import RunStatus, StepRecord, write_status
from dagster_project.run.steps import step_words
from dagster_project.run.versions import gate_hash
from dagster_project.store import Warehouse, WarehouseBusy

LOAD_SQL = "select is_accepted, decided_at from raw.load where source = ? and data_year = ? and vintage = ?"


def build_sensors(paths: Paths, warehouse: Warehouse) -> list[dg.SensorDefinition]:
    @dg.sensor(
        name="landing_sensor",
        job_name="refresh",
        minimum_interval_seconds=3600,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Each hour: a landed file whose sidecar and hash fit, and that the gate has neither accepted nor"
        " refused as things are, asks for one run of its year. Otherwise the tick says why nothing runs.",
    )
    def landing_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        requests, reasons = [], []
        try:
            gate = gate_hash(paths)
            for sidecar in (s for s in landed_sidecars(paths) if s.data_year):
                is_accepted, reason = _verdict(paths, warehouse, sidecar, gate)
                if reason:
                    reasons.append(reason)
                elif not is_accepted:
                    run_key = f"{sidecar.label} {sidecar.vintage} {gate}"  # corrected seeds: it may run once more
                    requests.append(dg.RunRequest(run_key=run_key, partition_key=str(sidecar.data_year)))
        except (IngestError, WarehouseBusy) as error:
            yield dg.SkipReason(str(error))
            return
        if requests:  # a tick may ask for runs or give a reason, not both
            for reason in reasons:
                context.log.warning(reason)
            yield from requests
        else:
            yield dg.SkipReason(" ".join(reasons) or "Every landed file is accepted.")

    return [landing_sensor, *build_end_sensors(paths)]


def _verdict(paths: Paths, warehouse: Warehouse, sidecar: Sidecar, gate: str) -> tuple[bool, str | None]:
    """Whether the load is accepted, and why a run would be of no use."""
    load = _load_row(warehouse, sidecar)
    if load and load["is_accepted"]:
        return True, None
    try:
        check_files(sidecar, paths.landing)
    except IngestError as error:
        return False, str(error)
    if load and is_judged(warehouse, sidecar, gate):
        return False, (
            f"{sidecar.label} was refused by the gate on {load['decided_at']:%Y-%m-%d %H:%M} (UTC)."
            f" Correct the seeds or the file; the reasons are in {paths.data_docs}."
        )
    return False, None


def _load_row(warehouse: Warehouse, sidecar: Sidecar) -> dict[str, Any] | None:
    if not warehouse.file.exists():
        return None
    frame = warehouse.read_frame(LOAD_SQL, [sidecar.source, sidecar.data_year, sidecar.vintage])
    return next(({str(name): value for name, value in row.items()} for row in frame.to_dict("records")), None)


def build_end_sensors(paths: Paths) -> list[dg.SensorDefinition]:
    """Runs that Dagster started are written down as those of the command are: last_run.json and the webhook."""
    sensors: list[dg.SensorDefinition] = []
    for name, status in (("run_went_well", dg.DagsterRunStatus.SUCCESS), ("run_failed", dg.DagsterRunStatus.FAILURE)):

        @dg.run_status_sensor(
            name=name,
            run_status=status,
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=30,
            description="Writes reports/last_run.json and tells the webhook, if one is named, when such a run ends.",
        )
        def run_ended(context: dg.RunStatusSensorContext) -> None:
            if is_by_command(context.dagster_run):
                return  # `nqpf refresh` writes down its own end
            for warning in write_status(paths.reports, status_of_run(paths, context.instance, context.dagster_run)):
                context.log.warning(warning)

        sensors.append(run_ended)
    return sensors


def status_of_run(paths: Paths, instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunStatus:
    """From the event log of a run that has ended."""
    entries = [entry for entry in instance.all_logs(run.run_id) if entry.dagster_event]
    events = [entry.dagster_event for entry in entries if entry.dagster_event]
    first, last = (entries[0].timestamp, entries[-1].timestamp) if entries else (0.0, 0.0)
    if run.is_success:
        status, exit_code, message = _what_was_published(events), EXIT_OK, [f"Job {run.job_name} ended well."]
    else:
        failure = failure_of(events)
        status, exit_code, message = failure.status, failure.exit_code, failure.sentences
    return RunStatus(
        status,
        exit_code,
        dt.datetime.fromtimestamp(first, dt.UTC),
        last - first,
        latest_release(paths.releases),
        message,
        paths.warehouse,
        steps=_steps(entries, run.job_name),
        job=run.job_name,
    )


def _what_was_published(events: list[dg.DagsterEvent]) -> str:
    for event in events:
        if event.is_step_materialization and event.asset_key == dg.AssetKey(["published", "city"]):
            metadata = event.step_materialization_data.materialization.metadata
            is_new, is_candidate = (metadata.get(name) for name in ("is_new", "is_candidate"))
            if is_new is None or not is_new.value:
                return "unchanged"
            return "candidate" if is_candidate is not None and is_candidate.value else "published"
    return STATUS_OF_EXIT[EXIT_OK]


def _steps(entries: list[dg.EventLogEntry], job: str) -> list[StepRecord]:
    start_of: dict[str, float] = {}
    steps = []
    for entry in entries:
        event = entry.dagster_event
        if event is None or event.step_key is None:
            continue
        key = event.step_key
        if event.is_step_start:
            start_of[key] = entry.timestamp
        elif event.is_step_success or event.is_step_failure:
            seconds = entry.timestamp - start_of.get(key, entry.timestamp)
            steps.append(StepRecord(job, key, step_words(key), seconds, event.is_step_success))
    return steps
