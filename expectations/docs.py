"""Data Docs: a page for each load and an index of all, static and without network, rules in both languages.

Great Expectations renders its record of a suite; its own page frame loads styles and scripts from seven hosts.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaSectionView

from expectations.contract import ResultRow
from expectations.judge import JudgedSuite
from expectations.rules import Rule

MAX_LISTED = 20
VERDICTS = {"error": "error 错误", "warn": "warning 提醒", True: "accepted 接收", False: "refused 拒收"}
# heading of the table of places -> columns of a finding, the first that is there
PLACES: dict[str, tuple[str, ...]] = {
    "file 文件": ("file",),
    "sheet 工作表": ("sheet",),
    "cell 单元格": ("cell", "col_no", "row_no"),
    "place 地区": ("city_name", "city_text", "province_name"),
    "variable 变量": ("variable_code", "header_path"),
    "year 年份": ("year",),
    "printed 原文": ("text",),
    "figure 数值": ("value",),
    "used 采用": ("used_value",),
    "unit 单位": ("unit",),
    "before 上次": ("value_last",),
}
STYLE = """
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 0 auto; max-width: 1100px;
  padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2, h3, h4, h5, h6 { font-size: 1rem; } .error { color: #b3261e; } .warn { color: #9a6700; }
table { border-collapse: collapse; font-size: .9rem; } th, td { border: 1px solid #d5d9e0; padding: .15rem .5rem; }
.scroll, .table-responsive { overflow-x: auto; } pre { background: #f5f6f8; overflow-x: auto; padding: .3rem .6rem; }
.collapse:not(:target) { display: none; }
"""


def write_load(
    folder: Path,
    name: str,
    judged: Sequence[JudgedSuite],
    rows: Sequence[ResultRow],
    rules: Mapping[str, Rule],
    *,
    accepted: bool,
) -> Path:
    """The page of one load: what failed, with verdict, cells and ready-made rows, then the record of each suite."""
    return _write(folder / page_of(name), name, [*_findings(rows, rules, accepted), *_record(judged)])


def write_index(folder: Path, loads: pd.DataFrame) -> Path:
    """One table of all loads, refused ones first.

    loads: name, source, data_year, is_accepted, errors, warnings, checked_at.
    """
    order = loads.sort_values(["is_accepted", "data_year", "name"], ascending=[True, False, True])
    table = pd.DataFrame(
        {
            "load 批次": order["name"].map(lambda name: _link(folder, name)),
            "source 来源": order["source"].map(html.escape),
            "year 年份": order["data_year"].replace({0: "several 多年"}),
            "verdict 结论": order["is_accepted"].astype(bool).map(VERDICTS),
            "errors 错误": order["errors"],
            "warnings 提醒": order["warnings"],
            "judged 检验时间": order["checked_at"],
        }
    )
    n_refused = int((~order["is_accepted"].astype(bool)).sum())
    text = f"<p>{len(order)} loads judged, {n_refused} refused. 已检验 {len(order)} 批，拒收 {n_refused} 批。</p>"
    return _write(folder / "index.html", "Data Docs 入库检验", [text, _table(table, has_links=True)])


def _link(folder: Path, name: str) -> str:
    page, text = page_of(name), html.escape(name)
    return f'<a href="{html.escape(page)}">{text}</a>' if (folder / page).is_file() else text


def page_of(name: str) -> str:
    """File of a load's page (letters, digits, '.', '_', '-'); ValueError if nothing is left of the name."""
    safe = re.sub(r"[^\w.-]+", "_", name).strip("._")
    if not safe:
        raise ValueError(f"'{name}' cannot name a validation: it has no letter and no digit.")
    return f"{safe}.html"


def _write(file: Path, title: str, body: Iterable[str]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    head = f'<meta charset="UTF-8"><title>{html.escape(title)}</title><link rel="icon" href="data:,">'
    page = f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head><body>\n'
    text = "\n".join([f"<h1>{html.escape(title)}</h1>", *body])
    file.write_text(f"{page}{text}\n</body></html>\n", encoding="utf-8")
    return file


def _findings(rows: Sequence[ResultRow], rules: Mapping[str, Rule], accepted: bool) -> Iterator[str]:
    yield f'<p><a href="index.html">All loads 全部批次</a>: <b>{VERDICTS[accepted]}</b> ({len(rows)} rules 条规则)</p>'
    for row in rows:
        if row.passed:
            continue
        rule = rules[row.rule_id]
        heading = f'<code>{row.rule_id}</code> <span class="{row.severity}">{VERDICTS[row.severity]}</span>'
        yield f'<h2 id="{row.rule_id}">{heading}</h2>'
        yield f'<p lang="zh-CN">{html.escape(rule.sentence_zh + rule.advice_zh)}</p><p>{html.escape(row.sentence)}</p>'
        places = places_of(row.details, rule)
        if len(places):
            yield _table(places)
        for file, lines in _ready_rows(row.details).items():
            yield f"<p>{html.escape(file)}:</p><pre>{html.escape(chr(10).join(lines))}</pre>"


def places_of(details: Sequence[Mapping[str, Any]], rule: Rule) -> pd.DataFrame:
    """At most MAX_LISTED places of a finding by the headings of PLACES, what was observed there, and the limit."""
    columns = {**PLACES, "observed 观测": (rule.rule_id,), "limit 限值": (rule.limit_column,)}
    if rule.condition not in ("at most", "at least"):
        columns = PLACES
    places: list[Mapping[str, Any]] = []
    for detail in details:
        examples = detail.get("examples")
        places += [{**detail, **one} for one in examples] if isinstance(examples, list) and examples else [detail]
    rows = [
        {
            head: _cell(next((place[name] for name in names if place.get(name) is not None), None))
            for head, names in columns.items()
        }
        for place in places[:MAX_LISTED]
    ]
    table = pd.DataFrame(rows)
    return table.loc[:, (table != "").any()]


def _cell(value: Any) -> str:
    """A figure with as many digits as a person reads; texts as they are."""
    if not isinstance(value, float):
        return "" if value is None else str(value)
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:,.10g}"


def _ready_rows(details: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, None]]:
    """Rows that a person can paste into a seed file, one list a file."""
    files: dict[str, dict[str, None]] = {}
    for detail in details[:MAX_LISTED]:
        if detail.get("paste_rows"):
            lines = str(detail["paste_rows"]).splitlines()
            files.setdefault(str(detail["paste_into"]), {}).update(dict.fromkeys(lines))
    return files


def _table(frame: pd.DataFrame, *, has_links: bool = False) -> str:
    """A table that scrolls inside the page; texts are escaped unless the frame holds links."""
    with pd.option_context("display.max_colwidth", None):
        table = frame.to_html(index=False, border=0, escape=not has_links)
    return f'<div class="scroll" tabindex="0">{table}</div>'


def _record(judged: Sequence[JudgedSuite]) -> Iterator[str]:
    yield "<h2>Record of Great Expectations</h2>"
    for suite in judged:
        if suite.result is not None:
            yield from _gx_sections(suite.result)


def _gx_sections(result: ExpectationSuiteValidationResult) -> Iterator[str]:
    """The sections that Great Expectations renders for a validation result."""
    for outcome in result.results:
        _shorten(outcome.result)
    sections = ValidationResultsPageRenderer().render(result).to_json_dict()["sections"]
    for number, section in enumerate(sections, start=1):
        rendered = _view().render({"section": section, "section_loop": {"index": number}})
        plain = re.sub(r'<a href="[^"]*expectations/[^"]*"\s*>(.*?)</a>', r"\1", rendered, flags=re.DOTALL)
        yield re.sub(r"\n\s*\n+", "\n", plain.replace('table-responsive"', 'table-responsive" tabindex="0"'))


@cache
def _view() -> Any:
    """One view for all pages: it compiles its templates once, which is most of the time of a page."""
    return DefaultJinjaSectionView()


def _shorten(outcome: dict[str, Any]) -> None:
    """Drop the long lists (the table of places has the offenders) and escape texts: GX prints them raw."""
    for key in ("unexpected_index_list", "unexpected_index_query", "unexpected_list", "partial_unexpected_index_list"):
        outcome.pop(key, None)
    for count in outcome.get("partial_unexpected_counts") or []:
        count["value"] = _escaped(count["value"])
    for key in ("partial_unexpected_list", "observed_value"):
        if isinstance(outcome.get(key), list):
            outcome[key] = [_escaped(value) for value in outcome[key]]


def _escaped(value: Any) -> Any:
    return html.escape(value) if isinstance(value, str) else value
