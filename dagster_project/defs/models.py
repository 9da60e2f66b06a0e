"""One Dagster asset for each analysis of the study: frames are fetched, the analysis is called, tables are written.

Does not belong here: what an analysis computes (study).
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
from threadpoolctl import threadpool_limits

from dagster_project.defs.asset_groups import POOL, group
from dagster_project.defs.descriptions import SCHEMA, Contract, preview
from dagster_project.defs.scheduler import FrameCache, Scheduler, urgency
from dagster_project.defs.settings import current_settings
from dagster_project.defs.state import (
    Record,
    content_of_table,
    digest,
    forget,
    is_forced,
    key_of_analysis,
    read_records,
    unchanged,
    write_records,
)
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import file_before
from dagster_project.published import open_read_only
from dagster_project.store import Warehouse
from dagster_project.study.registry import REGISTRY, Analysis
from dagster_project.study.settings import Settings


def build_model_assets(
    paths: Paths, warehouse: Warehouse, results: Mapping[str, Contract]
) -> list[dg.AssetsDefinition]:
    scheduler = Scheduler(lambda entry, cache: frames_of(entry, paths, warehouse, cache))
    return [_build(entry, paths, warehouse, results, scheduler) for entry in REGISTRY]


def frames_of(
    entry: Analysis, paths: Paths, warehouse: Warehouse, cache: FrameCache | None = None
) -> dict[str, pd.DataFrame]:
    """What an analysis reads: of the build file, and of the published file of the data vintage before this one.

    cache: frames that other analyses of the run read too.
    """
    if entry.is_left_out(current_settings(paths)):
        return {}
    queries, in_cache = entry.queries(), {}
    if cache is not None:
        in_cache = {label: cache.frames[text] for label, text in queries.items() if text in cache.frames}
    read = warehouse.read_frames({label: text for label, text in queries.items() if label not in in_cache})
    if cache is not None:
        cache.keep(entry.name, {queries[label]: frame for label, frame in read.items()})
    frames = {**read, **in_cache}
    if entry.before:
        file = file_of_vintage_before(entry, paths, warehouse)
        if file is None:
            return {**frames, **{label: pd.DataFrame() for label in entry.before}}
        with open_read_only(file) as con:
            frames |= {label: con.execute(query).df() for label, query in entry.before.items()}
    return frames


def file_of_vintage_before(entry: Analysis, paths: Paths, warehouse: Warehouse) -> Path | None:
    """The published file that an analysis looks back to; None where it does not look back, or there is none."""
    if not entry.before:
        return None
    return file_before(paths, str(warehouse.read_value("select data_vintage from ops.run_context")))


def columns_of(entry: Analysis, results: Mapping[str, Contract]) -> dict[str, dict[str, str]]:
    """Table -> column -> type, of everything that an analysis writes."""
    return {f"py.{table}": dict(results[table].types) for table in entry.writes}


def key_of_step(
    con: duckdb.DuckDBPyConnection,
    entry: Analysis,
    settings: Settings,
    paths: Paths,
    results: Mapping[str, Contract],
    before: Path | None,
    contents: dict[str, str] | None = None,
) -> str:
    """What the tables of an analysis are made of: its own key, and the columns that are kept."""
    looked_back = before.parent.name if before else ""
    return digest(columns_of(entry, results), key_of_analysis(con, entry, settings, paths, looked_back, contents))


def _build(
    entry: Analysis, paths: Paths, warehouse: Warehouse, results: Mapping[str, Contract], scheduler: Scheduler
) -> dg.AssetsDefinition:
    lacking = [table for table in entry.writes if table not in results or not results[table].types]
    if lacking:
        raise LookupError(
            f"The analysis {entry.name} writes {', '.join(lacking)}, whose columns nobody says: publish it by a mart"
            " with a contract, or list its columns in dbt/models/_sources.yml."
        )
    specs = [
        dg.AssetSpec(
            ["py", table],
            deps=[*entry.parents, ["ops", "run_context"]],
            group_name=group(entry.group),
            description=results[table].description,
            metadata={SCHEMA: results[table].schema},
            kinds={"python"},
        )
        for table in entry.writes
    ]
    columns = columns_of(entry, results)

    @dg.multi_asset(
        name=f"py_{entry.name}", specs=specs, pool=POOL, op_tags={"dagster/priority": str(-urgency(entry.name))}
    )
    def run(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        start = time.monotonic()
        scheduler.begin(context.run_id, analyses_of_run(context))
        settings = current_settings(paths)

        def key_if_due(step: Analysis) -> str | None:
            """What the tables of a step are made of; None where they are made of it already."""
            with warehouse.held(), warehouse.connect() as con:
                before = file_of_vintage_before(step, paths, warehouse)
                key = key_of_step(con, step, settings, paths, results, before, scheduler.contents)
                tables = [f"py.{table}" for table in step.writes]
                is_kept = not is_forced(context) and is_unchanged(read_records(con), f"py_{step.name}", key, tables)
                return None if is_kept else key

        previews: dict[str, str] = {}
        # opening the file costs as much as a headline alone; what takes longer leaves it to others meanwhile
        with warehouse.held() if settings.depth.is_headline_only else nullcontext():
            key = key_if_due(entry)
            if key is not None:
                tables = None if entry.in_parts else scheduler.result(entry, settings, key_if_due)
                with warehouse.held(), warehouse.connect() as con, threadpool_limits(limits=1):
                    forget(con, [f"py_{entry.name}", *columns])
                    # in parts: too large for one frame, so built and written chunk by chunk
                    result = entry.result(frames_of(entry, paths, warehouse), settings) if tables is None else tables
                    parts = result if isinstance(result, Iterator) else iter([result])
                    rows = warehouse.replace_in_parts((_by_name(part, entry, previews) for part in parts), columns)
                    records = {table: Record(key, content_of_table(con, table)) for table in columns}
                    write_records(con, {**records, f"py_{entry.name}": Record(key, "")})
        scheduler.written(entry.name)
        if key is None:
            yield from (unchanged(["py", table]) for table in entry.writes)
            return
        seconds = round(time.monotonic() - start, 2)
        for table in entry.writes:
            yield dg.MaterializeResult(
                asset_key=["py", table],
                data_version=dg.DataVersion(records[f"py.{table}"].content),
                metadata={
                    "dagster/row_count": rows[f"py.{table}"],
                    "seconds": seconds,
                    "preview": dg.MetadataValue.md(previews[table]),
                },
            )

    return run


def analyses_of_run(context: dg.AssetExecutionContext) -> list[str]:
    """Names of the analyses that the run has."""
    steps = context.run.step_keys_to_execute or [node.name for node in context.job_def.nodes]
    return [entry.name for entry in REGISTRY if f"py_{entry.name}" in steps]


def is_unchanged(records: Mapping[str, Record], step: str, key: str, tables: Iterable[str]) -> bool:
    """The step was made by this key, and all that it made is still there."""
    return step in records and records[step].key == key and all(table in records for table in tables)


def _by_name(part: Mapping[str, pd.DataFrame], entry: Analysis, previews: dict[str, str]) -> dict[str, pd.DataFrame]:
    """The frames of a part by the full name of their table. The first rows of each table are kept in `previews`."""
    for table in entry.writes:
        first = part[table].head(5)
        previews.setdefault(table, preview(first.columns, first.itertuples(index=False)))
    return {f"py.{table}": part[table] for table in entry.writes}
