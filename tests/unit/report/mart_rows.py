"""An in-memory published file with only the marts that a page needs: columns from the contracts, made-up figures."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import yaml

from dagster_project.publish.site.queries import Meta

ROOT = Path(__file__).parents[3]
BASIS = "frozen_2012_2021"
KEY = {"basis": BASIS, "index_code": "nqpf", "weight_scheme": "entropy_flat"}
YEARS = (2012, 2013, 2014)
GROUPS = {
    "four_region": ("east", "central", "west", "northeast"),
    "east_vs_cw": ("east", "central_west"),
    "cluster": ("cluster", "non_cluster"),
    "core": ("core", "periphery"),
}
CITIES = ("CN110000", "CN120000", "CN130100", "CN130200", "CN130300", "CN130400")
Rows = dict[str, list[dict[str, Any]]]


def meta(*, is_synthetic: bool = True) -> Meta:
    """What the pages know of the published file."""
    return Meta(
        release="test",
        index_code="nqpf",
        basis=BASIS,
        data_vintage="2014A",
        method_version="test",
        boundary_vintage=2021,
        cut_date="2026-01-01",
        n_loads=1,
        is_synthetic=is_synthetic,
        window_start=YEARS[0],
        window_end=YEARS[-1],
        first_year=YEARS[0],
        last_year=YEARS[-1],
        unscored={},
        n_sample=len(CITIES),
    )


def published(rows: Rows) -> duckdb.DuckDBPyConnection:
    """A file whose schema mart holds every table of the contracts, with these rows. A column that a row does not name
    gets a value of its type, see `_default`; name it with None for NULL."""
    con = duckdb.connect()
    con.execute("create schema mart")
    for table, columns in _contracts().items():
        con.execute(f"create table mart.{table} ({', '.join(f'{n} {t}' for n, t in columns.items())})")
        if table in rows:
            unknown = {name for row in rows[table] for name in row} - set(columns)
            assert not unknown, f"{table} has no column {unknown}"
            default = {name: _default(name, kind) for name, kind in columns.items()}
            frame = pd.DataFrame([default | row for row in rows[table]], columns=list(columns), dtype=object)
            con.register("frame", frame)
            con.execute(f"insert into mart.{table} select * from frame")
            con.unregister("frame")
    return con


def places() -> Rows:
    """Cities with names and groups."""
    members = [
        {
            "city_id": city,
            "scheme": scheme,
            "valid_from": 0,
            "valid_to": None,
            "group_code": codes[k % len(codes)],
            "group_name_en": f"Group {codes[k % len(codes)]}",
            "group_name_zh": "组",
        }
        for scheme, codes in GROUPS.items()
        for k, city in enumerate(CITIES)
    ]
    cities = [{"city_id": city, "name_en": f"City {k}", "name_zh": "城市"} for k, city in enumerate(CITIES)]
    return {"dim_city": cities, "dim_group_membership": members}


def blank(rows: Rows, tables: tuple[str, ...]) -> Rows:
    """The same rows with NULL in every number of these tables that is no key: what a degenerate file may hold."""
    contracts = _contracts()
    made = dict(rows)
    for table in tables:
        empty = {name: None for name, kind in contracts[table].items() if kind == "double"}
        made[table] = [{**row, **empty} for row in rows[table]]
    return made


def embedded(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The rows that a chart carries, one list a data set."""
    return list(spec["datasets"].values())


def texts(page: Any) -> str:
    """Everything a reader of the page sees or hears, in one string."""
    parts = [str(page.intro)]
    for section in page.sections:
        parts += [section.title_en, section.title_zh, *map(str, section.text), str(section.note)]
        for figure in section.figures:
            parts += [str(figure.caption), str(figure.spec["title"]), figure.spec["description"]]
        for table in section.tables:
            parts += [
                str(table.caption),
                *(head for head, _ in table.heads),
                *(str(c) for row in table.rows for c in row),
            ]
    return "\n".join(parts)


@cache
def _contracts() -> dict[str, dict[str, str]]:
    files = sorted((ROOT / "dbt" / "models" / "marts").glob("*/_*.yml"))
    models = [m for file in files for m in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]]
    return {m["name"]: {c["name"]: c["data_type"] for c in m["columns"]} for m in models}


def _default(name: str, kind: str) -> Any:
    """Interval limits around 0.5, small p; n of 24."""
    if name in KEY:
        return KEY[name]
    if kind == "boolean":
        return False
    if kind in ("integer", "bigint"):
        return 24
    if kind == "double":
        return 0.4 if name.endswith("lo") else 0.6 if name.endswith("hi") else 0.03 if name.startswith("p_") else 0.5
    return "text" if kind == "varchar" else None
