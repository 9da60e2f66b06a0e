"""What a page of the report is made of, and how a page module reads the published file.

A page module has one public function, `build(con, meta) -> Page | None`. It returns None when its marts are absent or
empty: then neither the page nor its entry in the navigation exists. One template, page.html.j2, renders every page,
adds the SYNTHETIC mark to every caption and chart, numbers the sections and escapes all text that is not Markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from markupsafe import Markup

from dagster_project.publish.site.charts import Spec
from dagster_project.publish.site.queries import Meta

Text = str | Markup
MAX_ROWS = 3000  # rows that one chart may embed

__all__ = ["MAX_ROWS", "Figure", "Meta", "Page", "Section", "Spec", "Table", "Text", "has_rows", "rows"]


@dataclass(frozen=True)
class Figure:
    """A chart. `key` is unique on its page; `caption` says what the marks, the intervals and n are. `legend`:
    (kind, colour, label) with a kind of macros.html.j2 (line, dash, band, circle, diamond, square, box, hatch) and a
    colour of the theme; `plots.legend` makes it from the names of the series.
    `ratio`: height over width of a map, whose height follows the width it has."""

    key: str
    spec: Spec
    caption: Text = ""
    legend: tuple[tuple[str, str, str], ...] = ()
    ratio: float | None = None


@dataclass(frozen=True)
class Table:
    """A table. The first cell of a row is its head. `heads`: (text, class) with class "" text, "num" number (right),
    "wide" long text, "mid" text of middle length; see `Table.of`. `fold`: if not empty, the table stands in a
    <details> element with this summary."""

    key: str
    caption: Text
    heads: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Text, ...], ...]
    fold: str = ""

    @staticmethod
    def of(
        key: str,
        caption: Text,
        heads: Sequence[str],
        rows: Iterable[Sequence[Text]],
        *,
        n_text: int = 1,
        fold: str = "",
    ) -> Table:
        """The first `n_text` columns are text, the others numbers. Write "wide:Name" or "mid:Name" for another class.

        Raises ValueError if a row is not as long as `heads`.
        """
        split = [head.split(":", 1) if head.startswith(("wide:", "mid:")) else None for head in heads]
        named = [
            (cut[1], cut[0]) if cut else (head, "" if k < n_text else "num")
            for k, (head, cut) in enumerate(zip(heads, split, strict=True))
        ]
        body = tuple(tuple(row) for row in rows)
        for row in body:
            if len(row) != len(named):
                raise ValueError(f"Table {key}: a row has {len(row)} cells, the head {len(named)}: {row}")
        return Table(key, caption, tuple(named), body, fold)


@dataclass(frozen=True)
class Section:
    """`text`: paragraphs that say what the numbers show, never more than an interval allows. `note`: how it was
    made, what n is, what to beware of. `drawings`: (SVG that needs no script, caption); see city_drawing."""

    anchor: str
    title_en: str
    title_zh: str
    text: tuple[Text, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    note: Text = ""
    drawings: tuple[tuple[Markup, Text], ...] = ()


@dataclass(frozen=True)
class Page:
    """`slug`: the file is <slug>.html; also the word in the navigation is `title_en`."""

    slug: str
    title_en: str
    title_zh: str
    intro: Text
    sections: tuple[Section, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        return tuple(figure for section in self.sections for figure in section.figures)


def has_rows(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether mart.`table` is in the published file and holds a row."""
    found = con.execute(
        "select count(*) from information_schema.tables where table_schema = 'mart' and table_name = ?", [table]
    ).fetchone()
    return bool(found and found[0] and con.execute(f"select 1 from mart.{table} limit 1").fetchone())


def rows(con: duckdb.DuckDBPyConnection, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Rows of a query as dicts; NULL and NaN are None, so that a chart's JSON can hold them."""
    found = con.execute(sql, list(params))
    names = [column[0] for column in found.description]
    return [{n: _clean(v) for n, v in zip(names, row, strict=True)} for row in found.fetchall()]


def _clean(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def rows_shown(con: duckdb.DuckDBPyConnection, meta: Meta, table: str, order: str) -> list[dict[str, Any]]:
    """Rows of the index shown on its frozen basis; none if the mart is absent."""
    if not has_rows(con, table):
        return []
    return rows(
        con,
        f"select * from mart.{table} where index_code = ? and basis = ? order by {order}",
        [meta.index_code, meta.basis],
    )
