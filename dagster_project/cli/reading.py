"""Commands that only read the published file or the releases."""

from __future__ import annotations

import dataclasses

import duckdb
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dagster_project.cli import output
from dagster_project.paths import Paths
from dagster_project.publish.explain.cities import NoAnswer, the_city
from dagster_project.publish.release.disk import disk_use, human
from dagster_project.published import open_published
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_OK, nothing_published

TEXT_SHOWN = 40

VALUE_SQL = """
select v.index_code, i.name_zh, i.name_en, i.unit, i.formula_sql, v.value_raw, v.value_final, v.z, v.value_origin,
    v.is_winsorised, v.is_capped, c.weight, c.contribution
from mart.mart_indicator_value as v
join mart.dim_index as x on v.index_code = x.index_code and v.basis = x.basis
join mart.dim_indicator as i on v.index_code = i.index_code and v.indicator_code = i.indicator_code
left join mart.mart_index_contribution as c
    on v.index_code = c.index_code and v.basis = c.basis and v.city_id = c.city_id and v.year = c.year
    and v.indicator_code = c.indicator_code
where v.city_id = ? and v.year = ? and v.indicator_code = ? and v.index_code = coalesce(?, v.index_code)
order by not x.is_headline, x.variant_of is not null, v.index_code limit 1
"""
TRAIL_SQL = """
select s.variable_code, s.value, s.unit, s.text as printed, s.source, s.file, s.sheet, s.cell,
    coalesce(v.vintage, regexp_extract(s.source_cell_id, '@([0-9a-f]+):', 1)) as vintage,
    coalesce(v.is_corrected, false) as is_corrected, v.correction_reason, v.fill_rule, s.used_value, s.edit_rule,
    s.edit_action, s.edit_evidence
from mart.mart_indicator_source as s
left join mart.mart_source_value as v using (source_cell_id)  -- texts are no figures and have no row there
where s.index_code = ? and s.city_id = ? and s.year = ? and s.indicator_code = ?
order by coalesce(v.year, s.year) = s.year desc, s.variable_code, v.year, s.source
"""
# edits of the year whose cell is not among the printed cells behind the value: left out, replaced, or no cell at all
EDITED_SQL = """
with parts as (
    select unnest(list_transform(raw_columns, lambda c: split_part(c, ' ', 1))) as variable_code, formula_sql
    from mart.dim_indicator where index_code = ? and indicator_code = ?
)
select e.variable_code, e.printed_value as value, e.unit, e.printed_text as printed, e.file, e.sheet, e.cell, e.source,
    e.used_value, e.rule as edit_rule, e.action as edit_action, e.evidence as edit_evidence
from mart.mart_edit as e
where e.city_id = ? and e.year = ? and e.is_selected and e.action in ('quarantine', 'replace', 'relink')
    and (
        e.variable_code in (select variable_code from parts)
        or (e.variable_code = 'population_resident' and 'population' in (select variable_code from parts))
        or (e.variable_code = 'gdp_deflator' and exists (select 1 from parts where contains(formula_sql, '/ deflator')))
        or (
            replace(e.variable_code, '_share', '') in ('secondary', 'tertiary')
            and 'va_' || replace(e.variable_code, '_share', '_nom') in (select variable_code from parts)
        )
    )
    and not exists (
        select 1 from mart.mart_indicator_source as s
        where s.index_code = ? and s.city_id = ? and s.year = ? and s.indicator_code = ?
            and s.source_cell_id = e.source_cell_id
    )
order by e.influence desc
"""
WHY_NOT_SQL = """
select index_code, drop_reason from mart.mart_sample_city where city_id = ? and not in_sample order by index_code
"""


def explain_value(paths: Paths, console: Console, city: str, year: int, indicator: str, index: str | None) -> int:
    """The trail of one indicator value."""
    con = open_published(paths)
    if con is None:
        return nothing_published(paths, console)
    with con:
        try:
            city_id, name_zh, name_en, *_ = the_city(con, city)
        except NoAnswer as answer:
            console.print(escape(str(answer)), highlight=False, soft_wrap=True)
            return EXIT_BAD_INPUT
        found = con.execute(VALUE_SQL, [city_id, year, indicator, index]).df()
        if found.empty:
            return _no_value(con, console, city_id, f"{name_zh} {name_en}", year, indicator)
        row = found.iloc[0]
        trail = con.execute(TRAIL_SQL, [row["index_code"], city_id, year, indicator]).df()
        keys = [row["index_code"], indicator, city_id, year, row["index_code"], city_id, year, indicator]
        edited = con.execute(EDITED_SQL, keys).df()
    console.print(f"{name_zh} {name_en} {year}: {row['name_zh']} / {row['name_en']}", highlight=False)
    console.print(f"  value {row['value_raw']:,.6g} {row['unit']}  ({row['value_origin']})", highlight=False)
    console.print(f"  = {row['formula_sql']}", highlight=False, soft_wrap=True)
    marks = [word for word in ("is_winsorised", "is_capped") if bool(row[word])]
    console.print(
        f"  in {row['index_code']}: z {row['z']:.4f} x weight {row['weight']:.4f}"
        f" = contribution {row['contribution']:.4f}"
        + (f"  [{', '.join(marks)}: {row['value_final']:,.6g}]" if marks else ""),
        highlight=False,
        markup=False,
    )
    console.print("Printed cells:" if not str(row["value_origin"]).startswith("interp") else "Interpolated between:")
    for _, cell in trail.iterrows():
        _say_cell(console, cell)
    if not edited.empty:
        console.print("Not used as printed:")
        for _, cell in edited.iterrows():
            _say_cell(console, cell.reindex(trail.columns).fillna({"is_corrected": False}))
    return EXIT_OK


def _say_cell(console: Console, cell: pd.Series) -> None:
    place = " ".join(part for part in (cell["file"], cell["sheet"], cell["cell"]) if isinstance(part, str) and part)
    if _is_missing(cell["value"]):  # a text of which only the words are counted
        figure, printed = str(cell["variable_code"]), f"{str(cell['printed'])[:TEXT_SHOWN]}…"
    else:
        figure, printed = f"{cell['variable_code']} = {cell['value']:,.10g} {cell['unit']}", str(cell["printed"])
    source = cell["source"] if _is_missing(cell["vintage"]) else f"{cell['source']} @ {cell['vintage']}"
    lines = [f"  {figure}, printed '{printed}' in {place} [{source}]" if place else f"  {figure}, computed [{source}]"]
    if cell["is_corrected"]:
        lines.append(f"      corrected: {cell['correction_reason']}")
    if isinstance(cell["edit_rule"], str):
        used = "left out" if _is_missing(cell["used_value"]) else f"{cell['used_value']:,.10g} {cell['unit']} is used"
        if cell["edit_action"] in ("accept", "split", "pending", "keep"):
            used = "used as printed"
        lines.append(f"      {cell['edit_rule']} {cell['edit_action']}: {used}; {cell['edit_evidence']}")
    if isinstance(cell["fill_rule"], str):
        lines.append(f"      suspected fill: {cell['fill_rule']}")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _no_value(con: duckdb.DuckDBPyConnection, console: Console, city_id: str, name: str, year: int, code: str) -> int:
    known = {row[0] for row in con.execute("select distinct indicator_code from mart.mart_indicator_value").fetchall()}
    console.print(f"There is no value of {escape(code)} for {name} in {year}.", highlight=False)
    if code not in known:
        console.print(f"Indicators with values: {', '.join(sorted(known))}.", highlight=False, soft_wrap=True)
    for index_code, reason in con.execute(WHY_NOT_SQL, [city_id]).fetchall():
        console.print(f"  not in the sample of {index_code}: {reason}", highlight=False, soft_wrap=True)
    return EXIT_BAD_INPUT


def show_status(paths: Paths, console: Console) -> int:
    """Release, loads, checks."""
    con = open_published(paths)
    if con is None:
        return nothing_published(paths, console)
    with con:
        run = con.execute("from mart.mart_run_manifest order by started_at desc limit 1").df().iloc[0]
        loads = con.execute(
            "select source, data_year, vintage, is_current, n_cells, maturity"
            " from mart.mart_source_load order by 1, 2, load_no"
        ).df()
        checks = con.execute(
            "select severity, count(*) filter (where passed) as passed,"
            " count(*) filter (where not passed) as not_passed"
            " from mart.mart_check_result group by 1 order by 1"
        ).df()
    size = paths.published_file.stat().st_size / 1e6
    mark = " [bold yellow]SYNTHETIC[/]" if run["is_synthetic"] else ""
    console.print(f"{run['release']}{mark}, data vintage {run['data_vintage']}, {size:.1f} MB", highlight=False)
    console.print(f"{paths.published_file}", highlight=False, soft_wrap=True)
    console.print(table_of(loads), table_of(checks), table_of(_disk(paths)))
    return EXIT_OK


def _disk(paths: Paths) -> pd.DataFrame:
    """What each area of the warehouse folder takes; a landing folder elsewhere is not known here."""
    use = disk_use(dataclasses.replace(paths, landing=paths.warehouse / "landing"))
    return use[use["bytes"] > 0].assign(size=lambda rows: rows["bytes"].map(human))[["area", "size", "files"]]


def table_of(frame: pd.DataFrame, *, whole: tuple[str, ...] = ()) -> Table:
    """A frame for the screen; columns of `whole` are never broken over lines."""
    table = Table()
    for name in frame.columns:
        table.add_column(str(name), no_wrap=name in whole, overflow="fold")
    for row in frame.head(output.MAX_ROWS).itertuples(index=False):
        table.add_row(*["" if _is_missing(value) else escape(output.visible(str(value))) for value in row])
    return table


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)
