"""The yearly refresh and a monthly look for what should have arrived. Both are off until switched on."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.ingest.errors import IngestError
from dagster_project.jobs import AssetJob
from dagster_project.paths import Paths
from dagster_project.run_state import landed_sidecars, yearly


def build_schedules(paths: Paths, refresh: AssetJob) -> list[dg.ScheduleDefinition]:
    """Yearbooks of year Y print the figures of Y-1 and appear around the turn of the year."""

    @dg.schedule(
        name="yearly_refresh", cron_schedule="0 6 15 1 *", job=refresh, execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="15 January: refresh with the newest landed data year.",
    )  # fmt: skip
    def yearly_refresh(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        try:
            years = [s.data_year for s in yearly(landed_sidecars(paths))]
        except IngestError as error:
            yield dg.SkipReason(str(error))
            return
        if not years:
            yield dg.SkipReason("No yearly sidecar is landed.")
            return
        tick = context.scheduled_execution_time
        yield dg.RunRequest(run_key=f"yearly-{tick:%Y-%m-%d}", partition_key=str(max(years)))

    return [yearly_refresh]
