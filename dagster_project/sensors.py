"""Sensors: a landing file that is complete and not yet accepted asks for a run; a run's end is written down."""

import json
from collections.abc import Iterator

import dagster as dg

from dagster_project.ingest.errors import IngestError
from dagster_project.ingest.sidecar import check_files
from dagster_project.jobs import AssetJob
from dagster_project.paths import Paths
from dagster_project.run_state import landed_sidecars, yearly
from dagster_project.warehouse import Warehouse, WarehouseBusy


def build_sensors(paths: Paths, warehouse: Warehouse, refresh: AssetJob) -> list[dg.SensorDefinition]:
    @dg.sensor(
        name="landing_sensor", job=refresh, minimum_interval_seconds=3600,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Sidecar, file and hash fit, and the vintage is not accepted yet: one run for its year.",
    )  # fmt: skip
    def landing_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        requests, reasons = [], []
        try:
            waiting = [s for s in yearly(landed_sidecars(paths)) if not _is_accepted(warehouse, s.source, s.vintage)]
        except (IngestError, WarehouseBusy) as error:
            yield dg.SkipReason(str(error))
            return
        for sidecar in waiting:
            try:
                vintage = check_files(sidecar, paths.landing)
            except IngestError as error:
                reasons.append(str(error))
                continue
            requests.append(dg.RunRequest(run_key=f"{sidecar.label} {vintage}", partition_key=str(sidecar.data_year)))
        if requests:  # a tick may ask for runs or give a reason, not both
            for reason in reasons:
                context.log.warning(reason)
            yield from requests
        else:
            yield dg.SkipReason(" ".join(reasons) or "Every landed file is accepted.")

    @dg.run_status_sensor(
        name="last_run", run_status=dg.DagsterRunStatus.SUCCESS, default_status=dg.DefaultSensorStatus.STOPPED,
        description="Writes reports/last_run.json when a run ends well.",
    )  # fmt: skip
    def last_run(context: dg.RunStatusSensorContext) -> None:
        run = context.dagster_run
        paths.reports.mkdir(parents=True, exist_ok=True)
        content = {
            "run_id": run.run_id,
            "job": run.job_name,
            "status": run.status.value,
            "tags": dict(run.tags),
        }
        (paths.reports / "last_run.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    return [landing_sensor, last_run]


def _is_accepted(warehouse: Warehouse, source: str, vintage: str) -> bool:
    if not warehouse.file.exists():
        return False
    found = warehouse.read_frame(
        "select 1 from raw.load where source = ? and vintage = ? and is_accepted", [source, vintage]
    )
    return not found.empty
