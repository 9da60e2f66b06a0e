"""An exhibit: one query with its title, columns, note and chart, read from the YAML files beside this module.

`read_grid` lays rows out as a printed table. Rounding: `digits` decimals, more where the standard error would lose its
second significant digit (at most 8). Stars follow the p-value: *** below 0.01, ** below 0.05, * below 0.10.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml

from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Reader, Record
from dagster_project.publish.locale import Catalogue, Number, catalogue, msg

Kind = Literal["text", "count", "number", "p"]
STARS = ((0.01, "***"), (0.05, "**"), (0.10, "*"))
STAR_NOTE = "*** p < 0.01, ** p < 0.05, * p < 0.10"


@dataclass(frozen=True)
class Column:
    """A printed column. `field` names the value in the query; `se`, `lo` and `hi` stand below it, in round and in
    square brackets; `p` decides the stars. A field `digits` in the query overrides `digits` row by row. `only`: the
    one language in which the column stands, for remarks that the build writes in English."""

    field: str
    head: str = ""
    kind: Kind = "text"
    digits: int = 3
    se: str = ""
    lo: str = ""
    hi: str = ""
    p: str = ""
    only: str = ""


@dataclass(frozen=True)
class Chart:
    """How the rows of an exhibit are drawn; every name is a field of its query.

    mark: line (x, y, lo, hi, series), range (label, x, lo, hi, series), dot (x, y), curve (x, y by series), bar (x, y),
    cell (label, series, y shade, x text), raster (x, y, label shade), map (city_id, y or series; points have lon, lat).
    `facet`: one panel each, `columns` side by side. `rule`: a line at this value, or at that of a field. `direct`:
    names at the ends of lines instead of a key. `free`: every panel has its own vertical axis. `equal`: one scale for
    both axes. `palette` of cells: step, light or sign. `legend`: more of the key, "how: words". `tip`: what a mark
    says when pointed at, a sentence with the fields as holes. A field `beside` is written beside its mark.
    """

    mark: str
    x: str = "x"
    y: str = "y"
    lo: str = "lo"
    hi: str = "hi"
    series: str = "series"
    facet: str = "facet"
    label: str = "label"
    x_title: str = ""
    y_title: str = ""
    rule: float | str | None = None
    direct: bool = False
    free: bool = False
    zero: bool = False
    diagonal: bool = False
    equal: bool = False
    palette: str = "step"
    years: bool = True
    columns: int = 2
    height: int = 200
    digits: int = 3
    legend: tuple[str, ...] = ()
    tip: str = ""


@dataclass(frozen=True)
class Exhibit:
    """One table or chart of the study.

    `marts`: what the query reads; all must be published. `across`, `panel`: see `lay_out`. `note`: how to read it.
    `facts`: further queries with a sentence for each row (tests, limits, lists). `brackets`: what stands in brackets,
    if not standard errors in round and 95 % intervals in square ones. Fields n_obs, seed and se_type of the query go
    into the note. `demo`: of the demo alone. `method`: the entry of methods.yml behind it.
    """

    code: str
    title: str
    sql: str
    marts: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    note: str = ""
    unit: str = ""
    panel: str = ""
    across: str = ""
    facts: tuple[dict[str, str], ...] = ()
    brackets: str = ""
    chart: Chart | None = None
    method: str = ""
    demo: bool = False


@dataclass(frozen=True)
class Row:
    """`kind`: "panel" (one cell over the whole width), "body", or "below" (what stands below the row before)."""

    kind: Literal["panel", "body", "below"]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table ready to print. `is_text[k]`: column k is text (left), else a number (right)."""

    code: str
    title: str
    heads: tuple[str, ...]
    is_text: tuple[bool, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    title_zh: str = ""
    note_word: str = field(default="Note.")


@cache
def exhibits() -> dict[str, Exhibit]:
    """All exhibits by code, in the order of the files. Raises ValueError for an entry that does not fit."""
    by_code: dict[str, Exhibit] = {}
    for file in sorted(Path(__file__).parent.glob("exhibits_*.yml")):
        for code, entry in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader).items():
            if code in by_code:
                raise ValueError(f"{file.name}: {code} is given twice.")
            by_code[code] = _exhibit(code, dict(entry))
    return by_code


def _exhibit(code: str, entry: dict[str, Any]) -> Exhibit:
    unknown = set(entry) - {item.name for item in fields(Exhibit)}
    if unknown:
        raise ValueError(f"Exhibit {code}: unknown entries {', '.join(sorted(unknown))}.")
    entry["columns"] = tuple(Column(**column) for column in entry.get("columns", ()))
    if chart := entry.get("chart"):
        entry["chart"] = Chart(**{**chart, "legend": tuple(chart.get("legend", ()))})
    return Exhibit(**{**entry, "code": code, "marts": tuple(entry["marts"]), "facts": tuple(entry.get("facts", ()))})


def read_rows(reader: Reader, exhibit: Exhibit) -> list[Record]:
    """The unrounded rows. Raises ExportError, with the reason, if a mart is missing or there is no row."""
    missing = [name for name in exhibit.marts if name not in reader.tables]
    if missing:
        raise ExportError(
            f"{exhibit.code} needs {', '.join(missing)}, which release {reader.scope.release} does not hold: it was"
            " built without that step. Refresh with a version that has it, or name a later release."
        )
    try:
        rows = reader.rows(exhibit.sql)
    except duckdb.BinderException as error:
        raise ExportError(
            f"{exhibit.code} needs columns that release {reader.scope.release} does not hold: an older version built"
            " it. Refresh with this version, or name a later release."
        ) from error
    if not rows:
        raise ExportError(_why_empty(reader, exhibit))
    return rows


def read_grid(reader: Reader, exhibit: Exhibit, rows: list[Record] | None = None, *, origin: bool = True) -> Grid:
    """The printed table (of `rows`, if they are read). Raises ExportError as `read_rows` does. `origin`: with the
    release in the note."""
    words = reader.words
    rows = read_rows(reader, exhibit) if rows is None else rows
    columns = [column for column in exhibit.columns if column.only in ("", words.language)]
    heads, body = lay_out(rows, columns, words, panel=exhibit.panel, across=exhibit.across)
    labels = columns[:-1] if exhibit.across else columns
    notes = read_notes(reader, exhibit, rows)
    scope = reader.scope
    if origin:
        notes = [f"{words.gettext(SYNTHETIC)}." if scope.is_synthetic else "", *notes, reader.origin]
    title, zh = words.gettext(exhibit.title), catalogue("zh").gettext(exhibit.title) if origin else ""
    return Grid(
        exhibit.code,
        words.say("SYNTHETIC: {title}", title=title) if scope.is_synthetic and origin else title,
        heads,
        (*(column.kind == "text" for column in labels), *(False,) * (len(heads) - len(labels))),
        body,
        tuple(note for note in notes if note),
        ("合成数据：" if scope.is_synthetic else "") + zh,
        words.gettext(msg("Note.")),
    )


def read_notes(reader: Reader, exhibit: Exhibit, rows: list[Record]) -> list[str]:
    """How to read it, what stands in brackets, n and seed, and the sentences of `facts`."""
    words = reader.words
    notes = [words.gettext(exhibit.note)] if exhibit.note else []
    brackets = [words.gettext(exhibit.brackets)] if exhibit.brackets else []
    if not exhibit.brackets and any(column.se for column in exhibit.columns):
        kinds = sorted({reader.name("se", row["se_type"]) for row in rows if row.get("se_type")})
        kind_names = ", ".join(kinds)
        brackets.append(
            words.say("(standard errors: {kinds})", kinds=kind_names) if kinds else words.say("(standard errors)")
        )
    if not exhibit.brackets and any(column.lo for column in exhibit.columns):
        brackets.append(words.say("[95 % intervals]"))
    if brackets:
        notes.append(words.say("In brackets: {what}.", what=" ".join(brackets)))
    if any(column.p for column in exhibit.columns):
        notes.append(f"{STAR_NOTE}.")
    for name, text in (("n_obs", msg("n = {low:,}.")), ("seed", msg("Seed of the draws: {low}."))):
        years = sorted({int(row[name]) for row in rows if row.get(name) is not None})
        if len(years) > 1 and name == "n_obs":
            text = msg("n = {low:,} to {high:,}.")
        if years:
            notes.append(words.say(text, low=years[0], high=years[-1]))
    for fact in exhibit.facts:
        notes += [words.say(fact["say"], **row) for row in reader.rows(fact["sql"])]
    return notes


def is_missing(value: Any) -> bool:
    """None, NaN, or infinite."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def stars(p: float | None) -> str:
    """Stars of a p-value; none without one."""
    if p is None or is_missing(p):
        return ""
    return next((mark for limit, mark in STARS if p < limit), "")


def decimals(digits: int, se: float | None) -> int:
    """Decimals that keep two significant digits of the standard error, at least `digits`, at most 8."""
    if se is None or is_missing(se) or se <= 0:
        return digits
    return max(digits, min(8, 1 - math.floor(math.log10(se))))


def number(value: float | None, digits: int) -> str:
    """1,234.568 with a true minus; nothing for a missing value; never "-0.000"."""
    return "" if value is None or is_missing(value) else format(Number(value), f",.{digits}f")


def plain(value: float | None) -> str:
    """A figure with the digits that its size needs."""
    if value is None:
        return "–"
    size = abs(value)
    return number(value, 0 if size >= 1000 or value == int(value) else 2 if size >= 1 else 4)


def signed(value: float) -> str:
    """+1.2 or −1.2"""
    return f"{value:+z.1f}".replace("-", "−")


def p_value(p: float | None) -> str:
    """Three decimals, "<0.001" below."""
    if p is None or is_missing(p):
        return ""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def cell(column: Column, row: Record) -> tuple[str, str]:
    """The figure and what stands below it."""
    value = row.get(column.field)
    if column.kind == "text":
        return ("" if is_missing(value) else str(value)), ""
    if column.kind == "p":
        return p_value(value), ""
    if column.kind == "count":
        return ("" if is_missing(value) else number(float(value), 0)), ""  # type: ignore[arg-type]
    se = row.get(column.se) if column.se else None
    digits_of_row = row.get("digits")
    digits = decimals(column.digits if is_missing(digits_of_row) else int(digits_of_row or 0), se)
    low, high = (row.get(name) if name else None for name in (column.lo, column.hi))
    interval = "" if is_missing(low) and is_missing(high) else f"[{number(low, digits)}, {number(high, digits)}]"
    if is_missing(value):
        return interval, ""
    below = [f"({number(se, digits)})" if not is_missing(se) else "", interval]
    text = number(value, digits) + stars(row.get(column.p) if column.p else None)
    return text, " ".join(part for part in below if part)


def lay_out(
    records: Sequence[Record], columns: Sequence[Column], words: Catalogue, *, panel: str = "", across: str = ""
) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Heads and rows. `panel`: field that starts a new panel where it changes. `across`: field whose values become
    the heads of the last column of `columns`, in the order they first appear; the columns before are the labels."""
    if not across:
        cells = [[cell(column, row) for column in columns] for row in records]
        names = [str(row.get(panel) or "") if panel else "" for row in records]
        return tuple(words.gettext(column.head) if column.head else "" for column in columns), _stack(names, cells)
    labels, value = columns[:-1], columns[-1]
    heads = list(dict.fromkeys(str(row[across]) for row in records))
    table_cells: dict[tuple[str, ...], dict[str, tuple[str, str]]] = {}
    for row in records:
        key = (str(row.get(panel) or "") if panel else "", *(cell(column, row)[0] for column in labels))
        there = table_cells.setdefault(key, {})
        if str(row[across]) in there:
            raise ValueError(f"Two rows for {key} and {across} {row[across]}: the query has a finer grain.")
        there[str(row[across])] = cell(value, row)
    cells = [
        [*((text, "") for text in key[1:]), *(there.get(h, ("", "")) for h in heads)]
        for key, there in table_cells.items()
    ]
    texts = (words.gettext(column.head) if column.head else "" for column in labels)
    return (*texts, *heads), _stack([key[0] for key in table_cells], cells)


def _stack(panels: Sequence[str], cells: Sequence[Sequence[tuple[str, str]]]) -> tuple[Row, ...]:
    rows: list[Row] = []
    last = ""
    for panel, line in zip(panels, cells, strict=True):
        if panel and panel != last:
            rows.append(Row("panel", (panel,)))
        last = panel
        rows.append(Row("body", tuple(top for top, _ in line)))
        if any(below for _, below in line):
            rows.append(Row("below", tuple(below for _, below in line)))
    return tuple(rows)


def _why_empty(reader: Reader, exhibit: Exhibit) -> str:
    """Reasons that the build wrote down for the regressions and analyses behind an exhibit without rows."""
    scope, reasons = reader.scope, []
    needs_model = "@model" in exhibit.sql or "$model" in exhibit.sql
    if needs_model and not scope.model:
        reasons.append(f"no regression of panel.yml explains index {scope.index}")
    elif needs_model:
        for table, text in (
            ("mart_panel_fit", "model_id || ': ' || skip_reason"),
            ("mart_influence_run", "analysis || ' ' || variant || ': ' || skip_reason"),
            ("mart_robustness_run", "analysis || ' ' || variant || ': ' || skip_reason"),
        ):
            if table in reader.tables:
                sql = f"select {text} as why from mart.{table} where model_id = $model and skip_reason <> ''"
                reasons += [str(row["why"]).rstrip(".") for row in reader.rows(sql)]
    if scope.is_quick and not reasons:
        reasons.append("depth quick makes the headline alone; refresh at depth default")
    why = "; ".join(dict.fromkeys(reasons)) or "the build wrote down no reason"
    return f"{exhibit.code} has no rows for index {scope.index} in release {scope.release}: {why}."
