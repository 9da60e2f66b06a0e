"""What the pages on disparity, dynamics and space share: rows of the slice shown, names, intervals and p as words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import duckdb

from dagster_project.publish.site import words
from dagster_project.publish.site.pages.base import Meta, has_rows, rows
from dagster_project.publish.site.queries import SCHEME
from python_models.estimates import Interval

Row = dict[str, Any]
POINTS = 100.0  # a score of 1 on the base window is 100 points
ALPHA = 0.05
SCHEME_NAMES = {
    "all": "All cities",
    "four_region": "Four regions",
    "east_vs_cw": "East and Central-West",
    "east_vs_cw_exne": "East and Central-West without the Northeast",
    "cluster": "In and outside city clusters",
    "core": "Core and periphery",
    "province": "Provinces",
}
SPLITS = ("east_vs_cw", "cluster", "core")  # the three splits of centre and periphery
W_NAMES = {
    "queen_row": "contiguity (queen)",
    "knn6_row": "6 nearest cities",
    "invd_row": "inverse distance",
    "invd500_row": "inverse distance up to 500 km",
    "expd_row": "exponential decay",
    "nested_row": "distance and economy",
    "none": "none",
}
HEADLINE_W = "queen_row"


class Marts:
    """Reads the marts of one slice: the index, basis and weights of the page."""

    def __init__(self, con: duckdb.DuckDBPyConnection, meta: Meta) -> None:
        self.con, self.meta = con, meta
        self._names: dict[tuple[str, str], tuple[str, str]] | None = None

    def read(
        self, table: str, columns: str, more: str = "true", params: Sequence[Any] = (), order: str = ""
    ) -> list[Row]:
        """Rows of mart.`table` for the slice; none if the table is absent. `columns`, `more`, `order` are SQL."""
        if not has_rows(self.con, table):
            return []
        tail = f" order by {order}" if order else ""
        sql = (
            f"select {columns} from mart.{table} "
            f"where index_code = ? and basis = ? and weight_scheme = ? and ({more}){tail}"
        )
        return rows(self.con, sql, [self.meta.index_code, self.meta.basis, SCHEME, *params])

    def group(self, scheme: str, code: str) -> str:
        """English name of a group, its code if it has no name."""
        return "All cities" if code == "all" else self.named(scheme, code)[0]

    def named(self, scheme: str, code: str) -> tuple[str, str]:
        """English and Chinese name of a group."""
        if self._names is None:
            known = "dim_group_membership"
            found = rows(
                self.con, f"select distinct scheme, group_code, group_name_en, group_name_zh from mart.{known}"
            )
            self._names = {(r["scheme"], r["group_code"]): (r["group_name_en"], r["group_name_zh"]) for r in found}
        return self._names.get((scheme, code), (code, ""))

    def cities(self) -> dict[str, tuple[str, str]]:
        """city_id -> English and Chinese name."""
        found = rows(self.con, "select city_id, name_en, name_zh from mart.dim_city")
        return {r["city_id"]: (r["name_en"] or r["city_id"], r["name_zh"] or "") for r in found}

    def core_cities(self) -> set[str]:
        """Cities that are core cities in the last year."""
        year = self.meta.last_year
        sql = (
            "select city_id from mart.dim_group_membership where scheme = 'core' and group_code = 'core' "
            "and valid_from <= ? and (valid_to is null or valid_to >= ?)"
        )
        return {r["city_id"] for r in rows(self.con, sql, [year, year])}


def log_growth(first: float, last: float, years: int) -> float:
    """(ln last - ln first) / years."""
    return math.log(last / first) / years


def interval(row: Row, value: str, lo: str = "", hi: str = "", factor: float = 1.0) -> Interval:
    """Estimate with its limits from the fields `value`, `value`_lo and `value`_hi (or as named), times `factor`."""
    found = [row.get(field) for field in (value, lo or f"{value}_lo", hi or f"{value}_hi")]
    return Interval(*(math.nan if x is None else float(x) * factor for x in found))


def cell(
    row: Row, value: str, digits: int = 3, *, lo: str = "", hi: str = "", factor: float = 1.0, sign: bool = False
) -> str:
    """value [lo, hi] as a cell of a table."""
    return words.with_limits(interval(row, value, lo, hi, factor), digits, sign)


def p_phrase(p: float | None) -> str:
    """p = 0.012 or p < 0.001, for sentences."""
    text = words.p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def scaled(value: float | None, factor: float = 1.0, digits: int = 4) -> float | None:
    """value x factor, rounded for a chart; None stays None."""
    return None if value is None else round(value * factor, digits)


def n_draws(found: Sequence[Row], field: str = "n_perm") -> str:
    """Number of draws behind the rows, as text: 999, or 499 to 999."""
    known = sorted({int(r[field]) for r in found if r.get(field)})
    if not known:
        return "no"
    return words.number(known[0]) if len(known) == 1 else f"{words.number(known[0])} to {words.number(known[-1])}"


def n_text(found: Sequence[Row], field: str = "n_obs") -> str:
    """Number of cities (or what n_obs counts) behind the rows: 276, or 31 to 86."""
    return n_draws(found, field)


def compared(first: Interval, last: Interval) -> str:
    """What two separate intervals allow to say of the move from the first to the last: lower, higher or unclear."""
    if not (first.is_known and last.is_known):
        return "unclear"
    return "lower" if last.high < first.low else "higher" if last.low > first.high else "unclear"


def w_name(code: str) -> str:
    return W_NAMES.get(code, code)


def basis_note(meta: Meta) -> str:
    """Which scores the figures describe."""
    return f"Basis {meta.basis}, index {meta.index_code}, weights {SCHEME}."
