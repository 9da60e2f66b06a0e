"""Sections of a city profile on where its figures come from: revisions, trail to the printed cells, sources."""

from __future__ import annotations

from typing import Any

from dagster_project.publish.site import words
from dagster_project.publish.site.city_facts import Row
from dagster_project.publish.site.language import said
from dagster_project.publish.site.pages.base import Section, Table, Text
from dagster_project.publish.site.queries import Meta

SHOWN = 40
KINDS = {"file": "newer file of the same source", "source": "another source took its place"}


def revisions(found: list[Row], restated: list[Row], meta: Meta) -> Section | None:
    """Figures that changed, and what a new basis does to the score."""
    if not found and not restated:
        return None
    tables = []
    text: list[Text] = []
    if found:
        text.append(
            said(
                f"{words.count(len(found), 'printed figure')} of this city changed or gave way to another source.",
                f"该城市有 {len(found)} 个原始数字被修订或被其他来源取代。",
            )
        )
        body = [
            (
                r["variable_code"],
                str(r["year"]),
                _plain(r["value_old"]),
                _plain(r["value_new"]),
                r["unit"] or "",
                words.number(r["pct_change"], 2, sign=True),
                _sources(r),
                KINDS.get(r["kind"], r["kind"] or ""),
            )
            for r in found[:SHOWN]
        ]
        heads = ["Variable", "Year", "Before", "Now", "Unit", "Change, %", "Sources", "Why"]
        kinds = ["", "num", "num", "num", "", "num", "", "mid"]
        fold = "Revised figures" if len(found) <= SHOWN else f"The {SHOWN} largest of {len(found)} revisions"
        caption = "Revised figures, largest relative change first"
        tables.append(Table("revisions", caption, tuple(zip(heads, kinds, strict=True)), tuple(body), fold))
    else:
        text.append(said("No figure of this city was revised.", "该城市没有修订过的数字。"))
    if restated:
        body = [
            (
                f"{r['basis_new']}, {r['vintage_new']}",
                *(words.number(r[k], 2) for k in ("score_old", "score_new")),
                *(words.number(r[f"part_{k}"], 2, sign=True) for k in ("revision", "bounds", "weights", "method")),
            )
            for r in restated
        ]
        heads = [
            "New basis, data vintage",
            "Score before, points",
            "Score now, points",
            "Revised data",
            "New bounds",
            "New weights",
            "Changed method",
        ]
        tables.append(
            Table.of("restated", f"Score of {meta.last_year} on another basis, and what moved it", heads, body)
        )
    return Section("revisions", "Revisions", "数据修订", tuple(text), (), tuple(tables))


def _sources(row: Row) -> str:
    if row["source_old"] == row["source_new"]:
        return row["source_new"] or ""
    return f"{row['source_old']} → {row['source_new']}"


def trail(found: list[Row], meta: Meta) -> Section | None:
    """Printed figures of the last year with file, sheet and cell; the script of the page shows other years."""
    if not found:
        return None
    years = sorted({row["year"] for row in found})
    body = [
        (
            r["variable_code"],
            r["uses"],
            r["text"] or _plain(r["value"]),
            r["unit"] or "",
            _origin(r),
            r["file"] or "",
            r["sheet"] or "",
            r["cell"] or "",
        )
        for r in found
        if r["year"] == years[-1]
    ]
    heads = ["Variable", "Used by", "As printed", "Unit", "Origin", "File", "Sheet", "Cell"]
    kinds = ["", "wide", "num", "", "", "wide", "", ""]
    table = Table(
        "trail",
        "Printed figures behind the indicators, as they stand in the files",
        tuple(zip(heads, kinds, strict=True)),
        tuple(body),
    )
    text = said(
        f"Each figure with the file, sheet and cell it was read from. Without scripts: the year {years[-1]}; all years "
        "are in mart_indicator_source.",
        f"每个数字均列出其所在文件、工作表与单元格。无脚本时仅显示 {years[-1]} 年；全部年份见 mart_indicator_source。",
    )
    return Section("trail", "Trail to the printed cells", "数据溯源", (text,), (), (table,))


def trail_data(found: list[Row]) -> dict[str, Any]:
    """All years for the script: texts once in `words`, rows of numbers into them by year. See page.js."""
    known: dict[str, int] = {}
    years: dict[str, list[list[Any]]] = {}

    def at(text: str) -> int:
        return known.setdefault(text, len(known))

    for r in found:
        line = [
            at(r["variable_code"]),
            at(r["uses"] or ""),
            r["text"] or _plain(r["value"]),
            at(r["unit"] or ""),
            at(_origin(r)),
            at(r["file"] or ""),
            at(r["sheet"] or ""),
            r["cell"] or "",
        ]
        years.setdefault(str(r["year"]), []).append(line)
    return {"words": list(known), "years": years}


def sources(found: list[Row], loads: list[Row]) -> Section | None:
    """The files that hold the figures of this city, with producer and licence."""
    if not found:
        return None
    used: dict[tuple[str, str], set[int]] = {}
    for row in found:
        used.setdefault((row["source"], row["file"] or ""), set()).add(row["year"])
    by_file = {(load["source"], file.strip()): load for load in loads for file in str(load["files"] or "").split(",")}
    by_source = {load["source"]: load for load in loads}
    held: dict[tuple[str, ...], set[int]] = {}
    for (source, file), years in used.items():
        load = by_file.get((source, file)) or by_source.get(source) or {}
        key = (
            source,
            load.get("producer") or "",
            load.get("title") or "" if (source, file) in by_file else "",
            load.get("licence") or "",
            load.get("maturity") or "",
        )
        held.setdefault(key, set()).update(years)
    body = [
        (source, words.years(years), title, producer, licence, maturity.replace("_", " "))
        for (source, producer, title, licence, maturity), years in sorted(held.items())
    ]
    heads = ["Source", "mid:Years", "wide:Title", "wide:Producer", "wide:Licence", "Maturity"]
    table = Table.of("sources", "Sources of the figures of this city", heads, body, n_text=6)
    return Section("sources", "Sources", "资料来源", (), (), (table,))


def _origin(row: Row) -> str:
    return (row["origin"] or "").replace("_", " ")


def _plain(value: float | None) -> str:
    if value is None:
        return words.NONE
    return words.number(value, 0 if abs(value) >= 1000 else 2 if abs(value) >= 1 else 4)
