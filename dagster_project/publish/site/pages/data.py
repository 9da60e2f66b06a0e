"""Data quality: how the gate judged each load, what is imputed, corrected, in conflict, and which checks failed."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
from markupsafe import Markup

from dagster_project.publish.site import words
from dagster_project.publish.site.city_parts import linked
from dagster_project.publish.site.language import said
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages._marts import Row
from dagster_project.publish.site.pages.base import Figure, Meta, Page, Section, Table, Text, has_rows, rows

# from the pages of a release to the reports of the gate in the same warehouse
DATA_DOCS = Path("../../../../reports/data_docs")
SHOWN = 30


def build(con: duckdb.DuckDBPyConnection, meta: Meta, folder: Path) -> Page | None:
    """The page, or None if no load was judged and nothing is known of the cells. `folder`: where the page stands."""
    made = [_gate(con, folder), _coverage(con, meta), _imputed(con), _corrected(con), _conflicts(con), _revised(con)]
    sections = tuple(section for section in made if section is not None)
    if not sections:
        return None
    intro = said(
        "How the files were judged before their figures were used, and what was filled, corrected or is in conflict. "
        "Coverage by year, the sample and the sources are on the overview.",
        "各文件入库前的检验结果，以及插补、更正与冲突情况。分年覆盖、样本与来源见首页。",
    )
    return Page("data", "Data quality", "数据质量", intro, sections)


def _gate(con: duckdb.DuckDBPyConnection, folder: Path) -> Section | None:
    if not has_rows(con, "mart_check_result"):
        return None
    found = rows(con, _GATE)
    others = rows(con, _OTHER_CHECKS)
    if not found and not others:
        return None
    linked_docs = _beside(folder, DATA_DOCS).is_dir()
    failed = sum(r["n_warn"] + r["n_error"] for r in found)
    text: list[Text] = [
        said(
            f"{words.count(sum(r['n'] for r in found), 'rule')} on {words.count(len(found), 'load')}; "
            f"{words.number(failed)} did not pass. A load with a failed rule of severity error is not used unless a "
            "person accepts it with a reason.",
            f"共对 {len(found)} 批数据执行 {sum(r['n'] for r in found)} 条规则，{failed} 条未通过。"
            "出现错误级别的数据不予采用，"
            "除非有人说明理由后接受。",
        )
    ]
    if linked_docs:
        text.append(
            said(
                "The links lead to the gate's reports in this warehouse; a release that was copied elsewhere "
                "does not carry "
                "them.",
                "链接指向本仓库中的检验报告；复制到别处的版本不包含这些报告。",
            )
        )
    body = [
        (
            _load(r, folder if linked_docs else None),
            _year(r["data_year"]),
            words.number(r["n"]),
            words.number(r["n_error"]),
            words.number(r["n_warn"]),
        )
        for r in found
    ]
    heads = [("Load", "mid"), ("Year", ""), ("Rules", "num"), ("Errors", "num"), ("Warnings", "num")]
    tables = [Table("gate", "Loads and the rules of the gate", tuple(heads), tuple(body))] if body else []
    tables += _failed(con)
    if others:
        held = [
            (r["kind"].replace("_", " "), r["severity"], words.number(r["n"]), words.number(r["n_failed"]))
            for r in others
        ]
        tables.append(
            Table.of(
                "checks",
                "Checks of the figures that were built",
                ["Check", "Severity", "Checks", "Not passed"],
                held,
                n_text=2,
            )
        )
    return Section("gate", "The gate", "入库检验", tuple(text), (), tuple(tables))


def _failed(con: duckdb.DuckDBPyConnection) -> list[Table]:
    found = rows(con, _FAILED)
    if not found:
        return []
    body = [
        (
            Markup("<code>{}</code>").format("/".join(r["check_id"].split("/")[1:])),
            r["severity"],
            r["observed"] or "",
            r["expected"] or "",
            _short(r["message"]),
        )
        for r in found
    ]
    heads = ["wide:Rule", "Severity", "mid:Observed", "mid:Expected", "wide:Message"]
    return [
        Table.of("failed", "Rules that did not pass", heads, body, n_text=5, fold=f"All {len(found)} that did not pass")
    ]


def _short(text: str | None) -> str:
    full = text or ""
    return full if len(full) <= 240 else full[:240].rsplit(" ", 1)[0] + " …"


def _load(row: Row, folder: Path | None) -> Text:
    """Name of a load, as a link to its report where that stands in this warehouse."""
    name = f"{row['source']}_{row['data_year']}_{row['vintage']}"
    label = f"{row['source']} {row['vintage']}"
    if folder is None:
        return label
    year = str(row["data_year"]) if row["data_year"] else "multi_year"
    for suite in (row["first_failed"], "values", "rows", "headers"):
        target = DATA_DOCS / year / name / f"{suite}.html"
        if suite and _beside(folder, target).is_file():
            return Markup('<a href="{}">{}</a>').format(target.as_posix(), label)
    index = DATA_DOCS / year / "index.html"
    return Markup('<a href="{}">{}</a>').format(index.as_posix(), label) if _beside(folder, index).is_file() else label


def _beside(folder: Path, target: Path) -> Path:
    """Where a link from `folder` leads, also before the folder is there: no system walks up from a missing one."""
    return Path(os.path.normpath(folder / target))


def _year(year: int) -> Text:
    return str(year) if year else said("several", "多年")


def _coverage(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    if not has_rows(con, "mart_indicator_coverage"):
        return None
    found = rows(con, _COVERAGE, [meta.index_code, meta.first_year, meta.last_year])
    if not found:
        return None
    parts = {"observed": "n_observed", "imputed": "n_imputed", "missing": "n_missing"}
    data = [
        {"x": r["indicator_code"], "y": round(100 * r[column] / r["n_cell"], 2), "series": name, "n": r["n_cell"]}
        for r in found
        for name, column in parts.items()
    ]
    worst = max(found, key=lambda r: (r["n_missing"] / r["n_cell"], r["indicator_code"]))
    spec = plots.bars(
        data,
        title=f"Cells of each indicator, {meta.first_year}–{meta.last_year}",
        note=plots.synthetic(meta),
        x_title=None,
        y_title="share of the cells (%)",
        series=list(parts),
        tips=[("n", "Cells", ",d")],
        alt_text=f"Bars: observed, imputed and missing cells of {len(found)} indicators.",
    )
    kinds = ("n_observed", "n_imputed", "n_suspected_fill", "n_missing")
    body = [
        (
            words.both(r["name_en"] or r["indicator_code"], r["name_zh"]),
            Markup("<code>{}</code>").format(r["indicator_code"]),
            words.number(r["n_cell"]),
            *(words.number(100 * r[kind] / r["n_cell"], 1) for kind in kinds),
        )
        for r in found
    ]
    heads = [
        "wide:Indicator",
        "Code",
        "Cells",
        "Observed, %",
        "Imputed, %",
        "Of these suspected fills, %",
        "Missing, %",
    ]
    table = Table.of("cells", "Cells of the frame by indicator: every judged city and year", heads, body, n_text=2)
    share = words.number(100 * worst["n_missing"] / worst["n_cell"], 1)
    text = said("No cell of the frame is missing.", "框架内没有缺失的单元格。")
    if worst["n_missing"]:
        en, zh = worst["name_en"] or worst["indicator_code"], worst["name_zh"] or worst["indicator_code"]
        text = said(f"Most missing: {en}, {share} % of its cells.", f"缺失最多的指标：{zh}，占其单元格的 {share}%。")
    figure = Figure(
        "cells",
        spec,
        "Imputed: interpolated or suspected fill. n in the tooltips: city-years.",
        plots.legend(list(parts), "box"),
    )
    return Section("coverage", "Coverage", "覆盖率", (text,), (figure,), (table,))


def _imputed(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "mart_indicator_imputation"):
        return None
    by_method = rows(con, _IMPUTED)
    counts = ("n", "n_city", "n_indicator", "longest")
    body = [(r["method"].replace("_", " "), *(words.number(r[name]) for name in counts)) for r in by_method]
    total = sum(r["n"] for r in by_method)
    cells = rows(con, _IMPUTED_INDICATORS)
    listed = [
        (
            Markup("<code>{}</code>").format(r["indicator_code"]),
            words.years(r["years"]),
            words.number(r["n"]),
            words.number(r["n_city"]),
        )
        for r in cells
    ]
    text = said(
        f"{words.count(total, 'cell')} were filled from the years around them; every one is in "
        "mart_indicator_imputation with its anchors.",
        f"共有 {total} 个单元格由前后年份插补；每个单元格及其锚点见 mart_indicator_imputation。",
    )
    tables = (
        Table.of(
            "imputed",
            "Imputed cells by method",
            ["Method", "Cells", "Cities", "Indicators", "Longest gap, years"],
            body,
        ),
        Table.of(
            "imputed-indicators",
            "Imputed cells by indicator",
            ["Indicator", "mid:Years", "Cells", "Cities"],
            listed,
            n_text=2,
            fold="By indicator",
        ),
    )
    return Section("imputed", "Imputed cells", "插补单元格", (text,), (), tables)


def _corrected(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "mart_source_value"):
        return None
    found = rows(con, _CORRECTED)
    if not found:
        return Section(
            "corrected", "Corrections", "更正", (said("No printed figure was corrected.", "没有更正任何原始数字。"),)
        )
    body = [
        (
            _city(r),
            str(r["year"]),
            r["variable_code"],
            _printed(r),
            words.number(r["value"], 2),
            r["unit"] or "",
            r["correction_reason"] or "",
            " ".join(p for p in (r["file"], r["sheet"], r["cell"]) if p),
        )
        for r in found[:SHOWN]
    ]
    heads = [
        ("City", ""),
        ("Year", "num"),
        ("Variable", ""),
        ("As printed", "num"),
        ("Used", "num"),
        ("Unit", ""),
        ("Reason", "wide"),
        ("Cell", "wide"),
    ]
    text = said(
        f"{words.count(len(found), 'printed figure')} corrected, each with a reason and a guard that rings "
        "when the "
        "producer mends it.",
        f"共更正 {len(found)} 个原始数字，每项均附理由，并设有来源修正后的提示。",
    )
    table = Table(
        "corrected", f"Corrections{'' if len(found) <= SHOWN else f', the first {SHOWN}'}", tuple(heads), tuple(body)
    )
    return Section("corrected", "Corrections", "更正", (text,), (), (table,))


def _conflicts(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "mart_source_disagreement"):
        return None
    n = rows(
        con, "select count(*) as n, count(*) filter (concept_a = concept_b) as same from mart.mart_source_disagreement"
    )[0]
    found = rows(con, _CONFLICTS, [SHOWN])
    body = [
        (
            _city(r),
            str(r["year"]),
            r["variable_code"],
            f"{r['source_a']} ({_concept(r['concept_a'])})",
            words.number(r["value_a"], 2),
            f"{r['source_b']} ({_concept(r['concept_b'])})",
            words.number(r["value_b"], 2),
            words.number(100 * r["difference"], 1),
        )
        for r in found
    ]
    heads = [
        ("City", ""),
        ("Year", "num"),
        ("Variable", ""),
        ("Source", "mid"),
        ("Figure", "num"),
        ("Other source", "mid"),
        ("Other figure", "num"),
        ("Difference, %", "num"),
    ]
    text = said(
        f"{words.count(n['n'], 'pair')} of figures for the same city, year and variable differ by more than 1 %; "
        f"{words.number(n['same'])} of them claim the same concept. One source gives a city's whole series; they are "
        "never "
        "mixed.",
        f"同一城市、年份与变量的数字相差超过 1% 的共有 {n['n']} 对，其中 {n['same']} 对口径相同。"
        "每个城市的序列只取一个来源，不混用。",
    )
    table = Table("conflicts", f"Largest differences between sources, at most {SHOWN}", tuple(heads), tuple(body))
    return Section("conflicts", "Conflicts between sources", "来源冲突", (text,), (), (table,) if body else ())


def _revised(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "mart_revision_log"):
        return None
    body = [
        (
            "newer file of the same source" if r["kind"] == "file" else "another source took its place",
            r["source_old"] or "",
            r["source_new"] or "",
            words.number(r["n"]),
            words.number(r["n_city"]),
            words.number(r["middle"], 2),
        )
        for r in rows(con, _REVISED)
    ]
    heads = ["mid:Why", "Source before", "Source now", "Figures", "Cities", "Median change, %"]
    return Section(
        "revised",
        "Revisions",
        "数据修订",
        (),
        (),
        (Table.of("revised", "Revised figures by source", heads, body, n_text=3),),
    )


def _city(row: Row) -> Text:
    named = {**row, "name_en": row["name_en"] or row["city_id"]}
    return linked(named, "cities/") if row["has_page"] else words.both(named["name_en"], named["name_zh"])


def _printed(row: Row) -> str:
    """The figure as it stands in the file; its text where that is no number."""
    return words.number(row["value_printed"], 2) if row["value_printed"] is not None else (row["text"] or words.NONE)


def _concept(text: str | None) -> str:
    return (text or "").replace("_", " ")


_GATE = """
select split_part(check_id, '/', 2) as source, try_cast(split_part(check_id, '/', 3) as integer) as data_year,
    split_part(check_id, '/', 4) as vintage, count(*) as n,
    count(*) filter (not passed and severity = 'error') as n_error,
    count(*) filter (not passed and severity = 'warn') as n_warn,
    min(split_part(check_id, '/', 5)) filter (not passed) as first_failed
from mart.mart_check_result where check_id like 'gate/%' group by all order by data_year, source, vintage
"""
_OTHER_CHECKS = """
select split_part(check_id, '/', 1) as kind, severity, count(*) as n, count(*) filter (not passed) as n_failed
from mart.mart_check_result where check_id not like 'gate/%' group by all order by 1, 2
"""
_FAILED = """
select * from mart.mart_check_result where check_id like 'gate/%' and not passed and severity in ('warn', 'error')
order by severity, check_id
"""
_COVERAGE = """
select c.indicator_code, any_value(i.name_en) as name_en, any_value(i.name_zh) as name_zh, sum(c.n_city) as n_cell,
    sum(c.n_observed) as n_observed, sum(c.n_imputed) as n_imputed, sum(c.n_suspected_fill) as n_suspected_fill,
    sum(c.n_missing) as n_missing
from mart.mart_indicator_coverage as c
left join mart.dim_indicator as i using (index_code, indicator_code)
where c.index_code = ? and c.year between ? and ?
group by c.indicator_code having sum(c.n_city) > 0 order by 1
"""
_IMPUTED = """
select method, count(*) as n, count(distinct city_id) as n_city, count(distinct indicator_code) as n_indicator,
    max(n_gap) as longest
from mart.mart_indicator_imputation where fill_policy = (select min(fill_policy) from mart.mart_indicator_imputation)
group by method order by n desc, method
"""
_IMPUTED_INDICATORS = """
select indicator_code, count(*) as n, count(distinct city_id) as n_city, list_sort(list_distinct(list(year))) as years
from mart.mart_indicator_imputation where fill_policy = (select min(fill_policy) from mart.mart_indicator_imputation)
group by indicator_code order by n desc, indicator_code
"""
_NAMED = """
select v.*, c.name_en, c.name_zh,
    exists (select 1 from mart.mart_sample_city as s where s.city_id = v.city_id) as has_page
from {table} as v left join mart.dim_city as c using (city_id)
"""
_CORRECTED = (
    _NAMED.format(table="mart.mart_source_value") + "where v.is_corrected order by v.year, v.city_id, v.variable_code"
)
_CONFLICTS = (
    _NAMED.format(table="(select *, abs(relative_difference) as difference from mart.mart_source_disagreement)")
    + "order by v.concept_a = v.concept_b desc, difference desc, v.city_id, v.year, v.variable_code limit ?"
)
_REVISED = """
select kind, source_old, source_new, count(*) as n, count(distinct city_id) as n_city, median(abs(pct_change)) as middle
from mart.mart_revision_log group by all order by n desc, 1, 2, 3
"""
