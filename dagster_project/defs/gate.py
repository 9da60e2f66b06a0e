"""The gate: raw/load and raw/series_load say whether a load may become current.

SQL models have read the cells; Great Expectations judges; here frames are fetched, verdicts are written and turned
into blocking checks. Rows are committed before a check result is returned, so a refused load stays inspectable.

Does not belong here: limits and sentences of rules (gate_rule.csv).
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import dagster as dg
import pandas as pd

from dagster_project.defs.asset_groups import POOL, group
from dagster_project.defs.state import (
    Record,
    content_by_load,
    content_of,
    digest,
    record_of,
    step_of_load,
    write_records,
)
from dagster_project.ingest.sidecar import Landed, Sidecar
from dagster_project.paths import Paths
from dagster_project.published import statements
from dagster_project.run.ready_rows import ready_rows_sentence, write_ready_rows
from dagster_project.run.versions import gate_hash, rules_hash
from dagster_project.store import Warehouse
from expectations.contract import Baseline, Frames, ResultRow
from expectations.findings import ACCEPTED, outcome_of_load, rows_to_review
from expectations.run import is_accepted, validate, write_index
from expectations.suggest import city_rows, city_suggestions, header_rows, name_suggestions, ready_answers

MAX_PROBLEMS = 200  # lines that a refused run prints
SHOWN_PROBLEMS = 6  # of them that the page of the check shows at once
GATE = (
    "May these loads become current? Great Expectations judges what the views have read. A refused load stays in raw"
    " and out of everything after the gate; correct the file, or a seed in dbt/seeds, and run again. Every rule and"
    " what it found is in the Data Docs."
)

SQL = statements(__file__)
# frame of a load -> table, order of its rows
OF_A_LOAD = {
    "headers": ("gate.gate_header", "file, sheet, col_no"),
    "rows": ("gate.gate_row", "file, sheet, row_no"),
    "values": ("gate.gate_value", "file, sheet, year, city_id, variable_code, scope, cell"),
    "totals": ("gate.gate_printed_total", "file, sheet, year, city_id, variable_code, scope, cell"),
    "across": ("gate.gate_observation", "rule_id, observed desc, subject"),
    "edits": ("gate.gate_edit", "influence desc, city_id, variable_code, scope"),
}
OF_ALL_LOADS = {
    "identities": "from seed.identity",
    "units": "from seed.unit",
    "rules": "from seed.gate_rule",
    "parameters": SQL["parameters"],
}


def _rows_of(table: str) -> str:
    return f"from {table} where source = ? and data_year = ? and vintage = ?"


@dataclass(frozen=True)
class Verdict:
    """Outcome of one load."""

    sidecar: Sidecar
    outcome: str  # "accepted", "waits for 3 answers", "refused"
    was_judged: bool
    problems: list[str]
    n_values: int = 0
    to_review: tuple[tuple[str, str, str], ...] = ()  # seed, ready-made row, comment

    @property
    def accepted(self) -> bool:
        return self.outcome == ACCEPTED


def build_gate_assets(
    paths: Paths, warehouse: Warehouse, years: dg.PartitionsDefinition[str], reading: Sequence[dg.AssetKey]
) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=["raw", "load"],
        deps=[dg.AssetKey(["raw", "cells"]), dg.AssetKey(["raw", "header"]), *reading],
        partitions_def=years,
        pool=POOL,
        group_name=group("gate"),
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[dg.AssetCheckSpec("gate", asset=["raw", "load"], blocking=True, description=GATE)],
        kinds={"duckdb"},
        description="One row per yearly load: accepted or refused by the gate (Great Expectations).",
    )
    def load(context: dg.AssetExecutionContext, landed: dg.ResourceParam[Landed]) -> Iterator[Any]:
        years = context.partition_keys
        sidecars = landed.yearly([int(year) for year in years])
        yield from _judge_all(context, paths, warehouse, sidecars, "", years)

    @dg.asset(
        key=["raw", "series_load"],
        deps=[dg.AssetKey(["raw", "series_cells"]), dg.AssetKey(["raw", "series_header"]), *reading],
        pool=POOL,
        group_name=group("gate"),
        kinds={"duckdb"},
        check_specs=[dg.AssetCheckSpec("gate", asset=["raw", "series_load"], blocking=True, description=GATE)],
        description="One row per load of a multi-year source: accepted or refused by the gate.",
    )
    def series_load(context: dg.AssetExecutionContext, landed: dg.ResourceParam[Landed]) -> Iterator[Any]:
        yield from _judge_all(context, paths, warehouse, landed.multi_year(), "series_")

    return [load, series_load]


def _judge_all(
    context: dg.AssetExecutionContext,
    paths: Paths,
    warehouse: Warehouse,
    sidecars: list[Sidecar],
    prefix: str,
    years: Sequence[str] = (),
) -> Iterator[Any]:
    """Judge, then say so: all years green, or those of accepted loads green and the step failed with the reason."""
    start = time.monotonic()
    key = gate_hash(paths)
    with warehouse.held():
        faults = warehouse.read_frame("select sentence from edit.int_edit_faults order by 1")["sentence"].tolist()
        if faults:
            raise dg.Failure(description="\n".join(faults))
        rests_on = judged_on(paths, warehouse)
        verdicts = [_judge(context.run.run_id, paths, warehouse, sidecar, key, rests_on) for sidecar in sidecars]
        write_index(paths.data_docs, warehouse.read_frame(SQL["loads"]))
    refusals = {verdict.sidecar.label: verdict.outcome for verdict in verdicts if not verdict.accepted}
    reasons = [sentence for verdict in verdicts if not verdict.accepted for sentence in verdict.problems]
    problems = [*_outcomes(refusals), *reasons]
    rows = [row for verdict in verdicts for row in verdict.to_review]
    if rows:
        file = paths.reports / "to_review" / f"{context.run.run_id[:8]}_{prefix}load.csv"
        write_ready_rows(file, paths.seeds, rows)
        if refusals:
            problems = [*problems[: MAX_PROBLEMS - 1], ready_rows_sentence(file, len(rows))]
    metadata: dict[str, Any] = {
        "data_docs": dg.MetadataValue.path(str(paths.data_docs / "index.html")),
        "seconds": round(time.monotonic() - start, 2),
    }
    why = "\n".join(f"- {sentence}" for sentence in problems[:MAX_PROBLEMS]) or "Every load is accepted."
    in_short = _in_short(problems) if refusals else f"{len(verdicts)} loads accepted."
    if not refusals:
        for year in years:
            context.add_asset_metadata(_of_loads([v for v in verdicts if _year(v) == year]), partition_key=year)
        yield dg.MaterializeResult(metadata=metadata if years else {**metadata, **_of_loads(verdicts)})
    for year in years if refusals else ():
        of_year = [verdict for verdict in verdicts if _year(verdict) == year]
        if all(verdict.accepted for verdict in of_year):
            loads = {**metadata, **_of_loads(of_year)}
            yield dg.AssetMaterialization(context.asset_key, partition=year, metadata=loads)
    yield dg.AssetCheckResult(
        check_name="gate",
        passed=not refusals,
        description=in_short,
        metadata={
            "why": dg.MetadataValue.md(why),
            "refused": list(refusals),
            "problems": problems[:MAX_PROBLEMS],
            "data_docs": metadata["data_docs"],
        },
    )
    if refusals:
        raise dg.Failure(description=in_short, metadata={"data_docs": metadata["data_docs"]}, allow_retries=False)


def _year(verdict: Verdict) -> str:
    return str(verdict.sidecar.data_year)


def _of_loads(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Metadata of the loads of one year, or of all multi-year loads."""
    return {
        "loads": len(verdicts),
        "judged_now": sum(v.was_judged for v in verdicts),
        "files": [file.path for v in verdicts for file in v.sidecar.files],
        "values": sum(v.n_values for v in verdicts),
    }


def _outcomes(refusals: dict[str, str]) -> list[str]:
    """What the loads that are not accepted come to, a sentence for each outcome with the loads that it is of."""
    labels: dict[str, list[str]] = {}
    for label, outcome in refusals.items():
        labels.setdefault(outcome, []).append(label)
    return [f"{outcome.capitalize()}: {', '.join(of)}." for outcome, of in sorted(labels.items())]


def _in_short(problems: list[str]) -> str:
    """What the page of the check shows at once: what the loads come to, and the first reasons."""
    more = len(problems) - SHOWN_PROBLEMS
    lines = [*problems[:SHOWN_PROBLEMS], f"And {more} more, see `why`." * (more > 0)]
    return "\n\n".join(line for line in lines if line)


def key_of_verdict(sidecar: Sidecar, gate: str) -> str:
    """gate: `gate_hash`. While the key is the same an accepted load is not even looked at."""
    return f"{gate}-{sidecar.content_hash}"


def is_judged(warehouse: Warehouse, sidecar: Sidecar, gate: str) -> bool:
    """Whether this gate has judged the load as it is landed, whatever the verdict."""
    return record_of(warehouse, step_of_load("judge", sidecar)).key == key_of_verdict(sidecar, gate)


def waits(warehouse: Warehouse, sidecar: Sidecar, gate: str) -> bool:
    """Whether the load needs a verdict: it is not accepted, or not by this gate."""
    return _accepted(warehouse, sidecar).empty or not is_judged(warehouse, sidecar, gate)


def _accepted(warehouse: Warehouse, sidecar: Sidecar) -> pd.DataFrame:
    """The row of the load if it is accepted."""
    return warehouse.read_frame(
        f"select decided_at, n_cells, left_out from {_table(sidecar)}"
        " where source = ? and data_year = ? and vintage = ? and is_accepted",
        list(_identity(sidecar).values()),
    )


def _table(sidecar: Sidecar) -> str:
    return "raw.load" if sidecar.data_year else "raw.series_load"


def judged_on(paths: Paths, warehouse: Warehouse) -> Callable[[Sidecar, Baseline], str]:
    """Hash of all that the verdict of a load rests on: the rules, the baseline, the rows that they look at, who
    overrode them. What no verdict changes is read once for all loads, when the first is asked for."""

    @cache
    def shared() -> tuple[str, list[dict[tuple[object, ...], str]], list[str]]:
        with warehouse.connect(read_only=True) as con:
            rows = [content_by_load(con, table) for table, _ in OF_A_LOAD.values()]
            return rules_hash(paths), rows, [content_of(con, sql) for sql in OF_ALL_LOADS.values()]

    def of_load(sidecar: Sidecar, baseline: Baseline) -> str:
        (rules, rows, seeds), identity = shared(), tuple(_identity(sidecar).values())
        with warehouse.connect(read_only=True) as con:
            last = content_of(con, SQL["last"], (sidecar.source, sidecar.data_year, sidecar.data_year))
            years = con.execute(SQL["years"], identity[:2]).fetchall()
        read = [*(content.get(identity, "") for content in rows), last, *seeds]
        return digest(rules, read, years, repr(baseline), sidecar.accepted_by)

    return of_load


def same_rows_and_rules(warehouse: Warehouse, sidecar: Sidecar, content: str) -> bool:
    """Whether the last verdict rests on the same, e.g. where a seed changed that says nothing of the load."""
    return record_of(warehouse, step_of_load("judge", sidecar)).content == content


def _judge(
    run_id: str,
    paths: Paths,
    warehouse: Warehouse,
    sidecar: Sidecar,
    gate: str,
    rests_on: Callable[[Sidecar, Baseline], str],
) -> Verdict:
    """Judge one load unless it was accepted by the same gate, or on the same rows and rules (`judged_on`)."""
    before = _accepted(warehouse, sidecar)
    n_cells = int(before["n_cells"].sum())
    if not waits(warehouse, sidecar, gate):
        return Verdict(sidecar, ACCEPTED, False, [], n_cells)
    baseline = baseline_of(warehouse, sidecar)
    record = Record(key_of_verdict(sidecar, gate), rests_on(sidecar, baseline))
    if not before.empty and same_rows_and_rules(warehouse, sidecar, record.content):
        row = before.iloc[0]
        _write_load(
            warehouse,
            sidecar,
            record,
            is_accepted=True,
            decided_at=row["decided_at"],
            n_cells=n_cells,
            left_out=row["left_out"],
        )
        return Verdict(sidecar, ACCEPTED, False, [], n_cells)
    frames = gate_frames(warehouse, sidecar)
    name = f"{sidecar.source}_{sidecar.data_year or 'series'}_{sidecar.vintage}"
    rows = validate(frames, baseline, docs_dir=paths.data_docs, name=name)
    accepted = is_accepted(rows) or sidecar.accepted_by is not None
    n_cells = len(frames["values"])
    _record(warehouse, run_id, sidecar, record, rows, accepted, n_cells)
    failures = [row for row in rows if not row.passed and row.severity == "error"]
    problems = [f"{sidecar.label}: {row.rule_id}: {row.sentence}" for row in failures]
    ready_rows = rows_to_review(rows)
    problems += dict.fromkeys(f"{sidecar.label}: row for {seed}: {line}" for seed, line, _ in ready_rows)
    if any("header" in row.rule_id for row in failures):
        problems += [f"{sidecar.label}: {line}" for line in name_suggestions(frames["headers"], paths.seeds)]
    if any(row.rule_id == "row_city_is_known" for row in failures):
        problems += [f"{sidecar.label}: {line}" for line in city_suggestions(frames["rows"], paths.seeds)]
    if accepted:
        to_review = ready_rows if is_accepted(rows) else []
    else:
        to_review = [*ready_rows, *header_rows(frames["headers"], paths.seeds), *city_rows(frames["rows"], paths.seeds)]
    ready = {} if accepted else ready_answers(frames["headers"], frames["rows"], paths.seeds)
    outcome = ACCEPTED if accepted else str(outcome_of_load(rows, ready))
    return Verdict(sidecar, outcome, True, problems, n_cells, tuple(dict.fromkeys(to_review)))


def gate_frames(warehouse: Warehouse, sidecar: Sidecar) -> dict[str, pd.DataFrame]:
    """The frames that the gate judges (`expectations.contract`), with the last accepted figure of each cell."""
    identity: list[object] = [sidecar.source, sidecar.data_year, sidecar.vintage]
    with warehouse.connect(read_only=True) as con:
        frames = {
            name: con.execute(f"{_rows_of(table)} order by {order}", identity).df()
            for name, (table, order) in OF_A_LOAD.items()
        }
        frames["last"] = con.execute(SQL["last"], [sidecar.source, sidecar.data_year, sidecar.data_year]).df()
        frames["identities"] = con.execute(SQL["identities"], [sidecar.source]).df()
        frames |= {name: con.execute(sql).df() for name, sql in OF_ALL_LOADS.items() if name not in frames}
        first, final = con.execute(SQL["years"], [sidecar.source, sidecar.data_year]).fetchall()[0]
    rows, values = frames["rows"], frames["values"]
    if not sidecar.data_year:
        frames["rows"] = rows[rows["year"].isna() | rows["year"].between(first, final)]
        values = values[values["year"].between(first, final)]
        frames["values"] = with_own_past(values, Frames(frames).limits["years_back"])
    else:
        frames["values"] = values.merge(frames["last"], on=["city_id", "variable_code", "scope"], how="left")
    return frames


def with_own_past(values: pd.DataFrame, years_back: float) -> pd.DataFrame:
    """A file of several years looks back inside itself: the nearest figure that is not too many years back."""
    keys = ["city_id", "variable_code", "scope"]
    past = values.loc[values["value"].notna(), [*keys, "year", "value"]].drop_duplicates([*keys, "year"])
    past = past.sort_values([*keys, "year"])
    for name, column in (("value_last", "value"), ("year_last", "year")):
        past[name] = past.groupby(keys)[column].shift()
    is_near = past["year"] - past["year_last"] <= years_back
    past[["value_last", "year_last"]] = past[["value_last", "year_last"]].where(is_near)
    return values.merge(past.drop(columns="value"), on=[*keys, "year"], how="left")


def baseline_of(warehouse: Warehouse, sidecar: Sidecar) -> Baseline:
    """Expected size and content of a load; a source without a baseline row is an error of its own."""
    rows = warehouse.read_frame(SQL["baseline"], [sidecar.source, sidecar.data_year])
    if len(rows) != 1:
        raise dg.Failure(
            f"{sidecar.label} has {len(rows)} baseline rows. Give it exactly one row in dbt/seeds/row_count.csv."
        )
    row = rows.iloc[0]
    weights = warehouse.read_frame(SQL["weights"], [sidecar.source])
    usual = warehouse.read_frame(SQL["usual"], [sidecar.source, sidecar.data_year])
    fewest, most = sidecar.expected_cities or (int(row["rows_min"]), int(row["rows_max"]))
    return Baseline(
        source=sidecar.source,
        data_year=sidecar.data_year,
        rows_min=fewest,
        rows_max=most,
        required_variables=tuple(str(row["required"]).split()),
        min_coverage=float(row["min_coverage"]),
        jump_limit_log=float(row["jump_limit_log"]),
        is_synthetic=sidecar.is_synthetic,
        weights=dict(zip(weights["variable_code"], weights["weight"].astype(float), strict=True)),
        usual=dict(zip(usual["rule_id"], zip(usual["fewest"], usual["most"], strict=True), strict=True)),
    )


def _record(
    warehouse: Warehouse,
    run_id: str,
    sidecar: Sidecar,
    record: Record,
    rows: list[ResultRow],
    accepted: bool,
    n_cells: int,
) -> None:
    now = pd.Timestamp.now("UTC").tz_localize(None)
    results = (
        pd.DataFrame([row.__dict__ for row in rows])
        .drop(columns=["details", "left_out"])
        .assign(
            run_id=run_id, checked_at=now, source=sidecar.source, data_year=sidecar.data_year, vintage=sidecar.vintage
        )
    )
    warehouse.replace_rows("ops.validation_result", results, **_identity(sidecar))
    left_out = json.dumps([one for row in rows for one in row.left_out], ensure_ascii=False)
    _write_load(warehouse, sidecar, record, is_accepted=accepted, decided_at=now, n_cells=n_cells, left_out=left_out)


def _identity(sidecar: Sidecar) -> dict[str, object]:
    return {"source": sidecar.source, "data_year": sidecar.data_year, "vintage": sidecar.vintage}


def _write_load(
    warehouse: Warehouse,
    sidecar: Sidecar,
    record: Record,
    *,
    is_accepted: bool,
    decided_at: pd.Timestamp,
    n_cells: int,
    left_out: str,
) -> None:
    identity = _identity(sidecar)
    load = pd.DataFrame(
        [
            {
                **identity,
                "is_accepted": is_accepted,
                "decided_at": decided_at,
                "n_cells": n_cells,
                "left_out": left_out,
                "files": ", ".join(file.path for file in sidecar.files),
                "is_synthetic": sidecar.is_synthetic,
                "maturity": sidecar.maturity,
                "producer": sidecar.producer,
                "title": sidecar.title,
                "licence": sidecar.licence,
                "accessed": sidecar.accessed,
                "supersedes": sidecar.supersedes,
                "accepted_by": sidecar.accepted_by,
                "accepted_reason": sidecar.accepted_reason,
                "load_no": _load_no(warehouse, sidecar),
            }
        ]
    )
    warehouse.replace_rows(_table(sidecar), load, **identity)
    with warehouse.connect() as con:
        write_records(con, {step_of_load("judge", sidecar): record})


def _load_no(warehouse: Warehouse, sidecar: Sidecar) -> int:
    """Order of loads: a load that is judged again keeps its number."""
    table = _table(sidecar)
    number = warehouse.read_value(
        f"select load_no from {table} where source = ? and data_year = ? and vintage = ?",
        list(_identity(sidecar).values()),
    )
    return int(number or warehouse.read_value(f"select coalesce(max(load_no), 0) + 1 from {table}"))
