"""Data Docs: a page for each load and an index of all, static and without network, rules in both languages.

Not by Great Expectations: its pages load styles and scripts from seven hosts.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from expectations.contract import ResultRow
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


@cache
def _page() -> jinja2.Template:
    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("docs.html.j2")


def write_load(
    folder: Path,
    name: str,
    rows: Sequence[ResultRow],
    by_rank: Sequence[ResultRow],
    rules: Mapping[str, Rule],
    *,
    accepted: bool,
) -> Path:
    """The page of one load: what failed, with verdict, cells and ready-made rows, then what each rule observed."""
    findings = [
        {
            "row": row,
            "rule": rules[row.rule_id],
            "verdict": VERDICTS[row.severity],
            "places": places_of(row.details, rules[row.rule_id]),
            "ready_rows": _ready_rows(row.details),
        }
        for row in by_rank
        if not row.passed
    ]
    record = [
        {
            "rule 规则": row.rule_id,
            "what must hold 要求": rules[row.rule_id].sentence,
            "要求": rules[row.rule_id].sentence_zh,
            "observed 观测": row.observed,
            "verdict 结论": "" if row.passed else VERDICTS[row.severity],
        }
        for row in rows
    ]
    verdict = VERDICTS[accepted]
    return _write(folder, name, verdict=verdict, n_rules=len(rows), findings=findings, record=record)


def write_index(folder: Path, loads: pd.DataFrame) -> Path:
    """One table of all loads, refused ones first.

    loads: name, source, data_year, is_accepted, errors, warnings, checked_at.
    """
    order = loads.sort_values(["is_accepted", "data_year", "name"], ascending=[True, False, True])
    table = pd.DataFrame(
        {
            "load 批次": order["name"].map(lambda name: _link(folder, name)),
            "source 来源": order["source"],
            "year 年份": order["data_year"].replace({0: "several 多年"}),
            "verdict 结论": order["is_accepted"].astype(bool).map(VERDICTS),
            "errors 错误": order["errors"],
            "warnings 提醒": order["warnings"],
            "judged 检验时间": order["checked_at"],
        }
    )
    n_refused = int((~order["is_accepted"].astype(bool)).sum())
    title = "Data Docs 入库检验"
    return _write(folder, "index", title=title, heads=table.columns, loads=table.to_numpy(), n_refused=n_refused)


def _link(folder: Path, name: str) -> Markup | str:
    page = page_of(name)
    return Markup('<a href="{}">{}</a>').format(page, name) if (folder / page).is_file() else name


def page_of(name: str) -> str:
    """File of a load's page (letters, digits, '.', '_', '-'); ValueError if nothing is left of the name."""
    safe = re.sub(r"[^\w.-]+", "_", name).strip("._")
    if not safe:
        raise ValueError(f"'{name}' cannot name a validation: it has no letter and no digit.")
    return f"{safe}.html"


def _write(folder: Path, name: str, **content: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / page_of(name)
    file.write_text(_page().render({"title": name, **content}), encoding="utf-8")
    return file


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
