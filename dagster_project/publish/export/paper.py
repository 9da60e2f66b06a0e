"""Paper tables: what one is made of, and how it is read from a published file."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from dagster_project.publish.export.errors import ExportError
from dagster_project.publish.export.grid import STAR_NOTE, Column, Grid, Record, is_missing, lay_out
from dagster_project.publish.export.scope import SYNTHETIC, Scope, tables_of
from dagster_project.publish.export.words import SE_TYPES


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper: one query over the marts.

    `marts`: what the query reads; all must be published. `across`, `panel`: see grid.lay_out. `note`: how to read it.
    `note_sql`: a second query whose one text column gives more lines of the note (tests, limits, lists).
    `brackets`: what stands in brackets, if not standard errors in round and 95 % intervals in square ones.
    Queries may use $index, $basis, $scheme, $model; fields n_obs, seed and se_type go into the note.
    """

    code: str
    title_en: str
    title_zh: str
    marts: tuple[str, ...]
    sql: str
    columns: tuple[Column, ...]
    note: str
    panel: str = ""
    across: str = ""
    note_sql: str = ""
    brackets: str = ""


def read_frame(con: duckdb.DuckDBPyConnection, table: PaperTable, scope: Scope) -> pd.DataFrame:
    """The unrounded rows. Raises ExportError, with the reason, if a mart is missing or there is no row."""
    missing = [name for name in table.marts if name not in tables_of(con)]
    if missing:
        raise ExportError(
            f"{table.code} needs {', '.join(missing)}, which release {scope.release} does not hold: it was built"
            f" without that step. Refresh with a version that has it, or name a later release."
        )
    frame = con.execute(table.sql, scope.parameters(table.sql)).df()
    if frame.empty:
        raise ExportError(_why_empty(con, table, scope))
    return frame


def read_grid(con: duckdb.DuckDBPyConnection, table: PaperTable, scope: Scope) -> Grid:
    """The printed table. Raises ExportError as `read_frame` does."""
    frame = read_frame(con, table, scope)
    records: list[Record] = frame.astype(object).where(frame.notna(), None).to_dict("records")  # type: ignore[assignment]
    heads, rows = lay_out(records, table.columns, panel=table.panel, across=table.across)
    labels = table.columns[:-1] if table.across else table.columns
    n_values = len(heads) - len(labels)
    is_text = tuple(column.kind == "text" for column in labels) + (False,) * n_values
    is_zh = tuple(column.is_zh for column in labels) + (False,) * n_values
    extra = con.execute(table.note_sql, scope.parameters(table.note_sql)).fetchall() if table.note_sql else []
    notes = (table.note, *_facts(records, table), *(str(row[0]) for row in extra if row[0]), f"{scope.origin}.")
    if scope.is_synthetic:
        notes = (f"{SYNTHETIC}.", *notes)
    mark = ("SYNTHETIC: ", "合成数据：") if scope.is_synthetic else ("", "")
    return Grid(
        table.code,
        mark[0] + table.title_en,
        mark[1] + table.title_zh,
        heads,
        is_text,
        is_zh,
        rows,
        tuple(note for note in notes if note),
    )


def _facts(records: list[Record], table: PaperTable) -> list[str]:
    """What the figures in brackets are, stars, n, seed: one sentence each, only where they apply."""
    brackets = [table.brackets] if table.brackets else []
    if not table.brackets and any(column.se for column in table.columns):
        types = sorted(
            {SE_TYPES.get(str(row["se_type"]), str(row["se_type"])) for row in records if row.get("se_type")}
        )
        brackets.append("(standard errors" + (f", {' and '.join(types)})" if types else ")"))
    if not table.brackets and any(column.lo for column in table.columns):
        brackets.append("[95 % intervals]")
    said = [f"In brackets: {' '.join(brackets)}."] if brackets else []
    if any(column.p for column in table.columns):
        said.append(f"{STAR_NOTE}.")
    for field, text in (("n_obs", "n"), ("seed", "Seed of the draws")):
        found = sorted({int(row[field]) for row in records if not is_missing(row.get(field))})
        if found:
            spell = format(found[0], ",d" if field == "n_obs" else "d")
            until = f" to {found[-1]:,d}" if len(found) > 1 else ""
            said.append(f"{text} = {spell}{until}.")
    return said


def _why_empty(con: duckdb.DuckDBPyConnection, table: PaperTable, scope: Scope) -> str:
    """Reasons that the build wrote down for the regressions and analyses behind a table without rows."""
    known = tables_of(con)
    reasons: list[str] = []
    is_model = any(name.startswith(("mart_panel", "mart_iv", "mart_dynamic")) for name in table.marts)
    is_influence = "mart_influence_run" in known and _analyses(table.marts)
    if (is_model or is_influence) and not scope.model:
        reasons.append(f"no regression of panel.yml explains index {scope.index}")
    if scope.model and "mart_panel_fit" in known and (is_model or is_influence):
        reasons += _texts(
            con,
            "select model_id || ': ' || skip_reason from mart.mart_panel_fit"
            " where status <> 'fitted' and (model_id = $model or model_id in"
            " (select model_id from mart.dim_model_spec where variant_of = $model)) order by model_id <> $model, 1",
            scope,
        )
    if scope.model and is_influence:
        reasons += _texts(
            con,
            "select analysis || ' ' || variant || ': ' || skip_reason from mart.mart_influence_run"
            f" where model_id = $model and status <> 'done' and analysis in {_analyses(table.marts)}",
            scope,
        )
    said = "; ".join(dict.fromkeys(reasons)) or "the build wrote down no reason"
    return f"{table.code} has no rows for index {scope.index} in release {scope.release}: {said}."


def _texts(con: duckdb.DuckDBPyConnection, sql: str, scope: Scope) -> list[str]:
    return [str(row[0]).rstrip(".") for row in con.execute(sql, scope.parameters(sql)).fetchall() if row[0]]


def _analyses(marts: tuple[str, ...]) -> str:
    """SQL list of the analyses of mart_influence_run that fill these marts; "" if none does."""
    of = {
        "mart_panel_heterogeneity": "heterogeneity",
        "mart_block_spillover": "blocks",
        "mart_distance_decay": "reach",
        "mart_border_barrier": "barrier",
        "mart_threshold_result": "threshold",
    }
    names = [of[name] for name in marts if name in of]
    return f"('sample', {', '.join(repr(name) for name in names)})" if names else ""
