"""F27, the dashboard of the four principles: every national monitor, year by year, with its light and its value."""

from __future__ import annotations

from typing import Any

import duckdb

from dagster_project.publish.site.queries import Meta

KEY = "policy/principles"
PRINCIPLES = ("compatibility", "collaborative_networks", "multi_level_diffusion", "regional_integration")
# Told apart by shape too. The colours are those of the theme.
LIGHTS = {
    "green": ("circle", "var(--d)"),
    "amber": ("diamond", "var(--b)"),
    "red": ("square", "var(--alarm)"),
    "no band": ("cross", "var(--muted)"),
}
ROWS_SQL = """
select principle, monitor_code, case year when 0 then 'all years' else year::varchar end as year,
    value, lo, hi, unit, coalesce(light, 'no band') as light, n
from mart.mart_principle_monitor
where index_code = ? and basis = ? and level = 'national' and value is not null
order by list_position(?, principle), monitor_code, mart_principle_monitor.year = 0, mart_principle_monitor.year
"""


def dashboard(con: duckdb.DuckDBPyConnection, meta: Meta, note: str) -> dict[str, Any] | None:
    """The chart, or None where the monitors are absent or empty.

    Lights follow preset bands, a convention on how a value is read. 95 % limits stand behind the values of all years;
    those of single years are in the table.
    """
    known = con.execute("select count(*) from duckdb_tables() where table_name = 'mart_principle_monitor'").fetchall()
    if known[0][0] == 0:
        return None
    con.execute(ROWS_SQL, [meta.index_code, meta.basis, list(PRINCIPLES)])
    names = [column[0] for column in con.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in con.fetchall()]
    if not rows:
        return None
    for row in rows:
        row["monitor"] = f"{_words(row['principle'])}: {_words(row['monitor_code'])}"
        row["shown"] = f"{row['value']:.3g}" + _limits(row)
    place = {
        "y": {
            "field": "monitor",
            "type": "ordinal",
            "title": None,
            "sort": list(dict.fromkeys(row["monitor"] for row in rows)),
            "axis": {"labelLimit": 420},
        },
        "x": {"field": "year", "type": "ordinal", "title": None, "axis": {"orient": "top", "labelAngle": 0}},
    }
    light = {"field": "light", "type": "nominal", "title": None, "legend": {"orient": "bottom"}}
    mark = {
        "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
        "encoding": {
            **place,
            "color": {**light, "scale": {"domain": list(LIGHTS), "range": [colour for _, colour in LIGHTS.values()]}},
            "shape": {**light, "scale": {"domain": list(LIGHTS), "range": [shape for shape, _ in LIGHTS.values()]}},
            "tooltip": [{"field": name} for name in ("monitor", "year", "value", "lo", "hi", "unit", "light", "n")],
        },
    }
    text = {
        "mark": {"type": "text", "align": "left", "dx": 9, "fontSize": 10},
        "encoding": {**place, "text": {"field": "shown"}},
    }
    return {
        "title": {"text": "Monitors of the four principles, the nation", "subtitle": note or ""},
        "description": f"{len(rows)} values of national monitors with their lights; bands are conventions, no tests.",
        "data": {"values": rows},
        "height": {"step": 24},
        "layer": [mark, text],
    }


def _limits(row: dict[str, Any]) -> str:
    """The 95 % limits, where one value stands for all years; those of yearly values would not fit."""
    is_given = row["lo"] is not None and row["hi"] is not None
    return f" [{row['lo']:.3g}, {row['hi']:.3g}]" if is_given and not row["year"].isdigit() else ""


def _words(code: str) -> str:
    return code.replace("_", " ")
