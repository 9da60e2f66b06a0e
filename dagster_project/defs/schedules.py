"""The yearly refresh. Off until switched on; the landing sensor looks for new files each hour."""

from collections.abc import Iterator

import dagster as dg

from dagster_project.errors import IngestError
from dagster_project.ingest.sidecar import landed_sidecars
from dagster_project.paths import Paths


def build_schedules(paths: Paths) -> list[dg.ScheduleDefinition]:
    """Yearbooks of year Y print the figures of Y-1 and appear around the turn of the year."""

    @dg.schedule(
        name="yearly_refresh",
        cron_schedule="0 6 15 1 *",
        job_name="refresh",
        execution_timezone="Asia/Shanghai",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="15 January, 06:00 in Shanghai: refresh with the newest landed data year. A run that finds nothing"
        " new publishes nothing. Without a yearly sidecar the tick is skipped and says so.",
    )
    def yearly_refresh(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        try:
            years = [s.data_year for s in landed_sidecars(paths) if s.data_year]
        except IngestError as error:
            yield dg.SkipReason(str(error))
            return
        if not years:
            yield dg.SkipReason(
                f"Below {paths.sidecars} there are sidecars of multi-year files only: a yearly refresh needs one with"
                " a data_year. Land a yearbook, or start the job `rebuild` by hand."
            )
            return
        tick = context.scheduled_execution_time
        yield dg.RunRequest(run_key=f"yearly-{tick:%Y-%m-%d}", partition_key=str(max(years)))

    return [yearly_refresh]
