"""Methods: every choice with where it comes from, what else could be chosen, and where it is tried."""

from __future__ import annotations

import json
from collections import Counter

import duckdb
from markupsafe import Markup

from dagster_project.publish.site import words
from dagster_project.publish.site.language import said
from dagster_project.publish.site.pages.base import Meta, Page, Section, Table, Text, has_rows, rows

TAGS = {
    "seed": ("study", "研究设定", "stands in the study's own abstract", "见研究摘要"),
    "source": ("literature", "文献", "common in the studies of the topic", "同类研究通用"),
    "standard": ("standard", "标准方法", "the usual rule of the field", "学界通行做法"),
    "reconstruction": ("own", "自定", "chosen here; others are possible", "本项目自行选择，可有其他方案"),
}


def build(con: duckdb.DuckDBPyConnection, meta: Meta) -> Page | None:
    """The page, or None without the table of choices."""
    made = [
        _choices(con),
        _indicators(con, meta),
        _schemes(con),
        _indexes(con),
        _models(con),
        _breaks(con),
        _draws(con),
    ]
    sections = tuple(section for section in made if section is not None)
    if not sections:
        return None
    intro = said(
        "Every choice behind the figures, with a tag that says where it comes from. A tag of own means: another choice "
        "would be as fair; what it would change is on the pages on measurement and robustness where it was tried.",
        "数字背后的每项选择及其来源标签。标为“自定”的选择并非唯一合理方案；换一种选择的影响见“测度”与“模型”页。",
    )
    return Page("methods", "Methods", "方法", intro, sections)


def _tag(code: str | None) -> Text:
    en, zh, *_ = TAGS.get(code or "", (code or words.NONE, code or words.NONE))
    return Markup('<span class="tag tag-{}">{}</span>').format(code if code in TAGS else "other", said(en, zh))


def _choices(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "dim_method_choice"):
        return None
    found = rows(con, "select * from mart.dim_method_choice")
    found.sort(key=lambda r: ([int(p) if p.isdigit() else 0 for p in str(r["section"]).split(".")], r["choice_id"]))
    counts = Counter(r["provenance"] for r in found)
    listed_en = "; ".join(f"{counts[c]} {en} ({what})" for c, (en, _, what, _) in TAGS.items() if counts[c])
    listed_zh = "；".join(f"{zh} {counts[c]} 项（{what}）" for c, (_, zh, _, what) in TAGS.items() if counts[c])
    text = said(f"{words.count(len(found), 'choice')}: {listed_en}.", f"共 {len(found)} 项选择：{listed_zh}。")
    body = [
        (
            str(r["section"]),
            Markup("<code>{}</code>").format(r["choice_id"]),
            r["choice"],
            _tag(r["provenance"]),
            r["source_ref"] or "",
            r["alternatives"] or "",
        )
        for r in found
    ]
    heads = [
        "Section",
        "Choice",
        "wide:What is done",
        "Tag",
        "mid:Where it is written",
        "wide:What else could be chosen",
    ]
    table = Table.of("choices", "Choices of the method", heads, body, n_text=6)
    return Section("choices", "Choices", "方法选择", (text,), (), (table,))


def _draws(con: duckdb.DuckDBPyConnection) -> Section | None:
    """How much was drawn for the release: sizes of every bootstrap, permutation and simulation."""
    sql = "select depth, depth_json from mart.mart_run_manifest where depth_json is not null order by started_at desc"
    found = rows(con, sql) if has_rows(con, "mart_run_manifest") else []
    if not found:
        return None
    depth, sizes = str(found[0]["depth"]), json.loads(str(found[0]["depth_json"]))
    text = said(
        f"Drawn at depth {depth}. "
        + ("A quick run is a trial: its intervals and p values are rough." if depth == "quick" else ""),
        f"抽样规模：{depth}。" + ("quick 为试运行，区间与 p 值较粗略。" if depth == "quick" else ""),
    )
    body = [
        (step, size.replace("_", " "), words.number(n))
        for step, own in sorted(sizes.items())
        for size, n in own.items()
    ]
    table = Table.of("draws", "Sizes of what is drawn", ["Step", "What", "Number"], body, n_text=2)
    return Section("draws", "How much is drawn", "抽样规模", (text,), (), (table,))


def _indicators(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    if not has_rows(con, "dim_indicator"):
        return None
    found = rows(
        con, "select * from mart.dim_indicator where index_code = ? order by tier, indicator_code", [meta.index_code]
    )
    if not found:
        return None
    keys = [
        key
        for key in ("transform", "winsor_low", "winsor_high", "interp_method", "zero_rule", "provenance")
        if key in found[0]
    ]
    names = {
        "transform": "Transform",
        "winsor_low": "Cut below",
        "winsor_high": "Cut above",
        "interp_method": "Filling of gaps",
        "zero_rule": "Zeros",
        "provenance": "Tag",
    }
    body = [
        (
            words.both(r["name_en"] or r["indicator_code"], r["name_zh"]),
            r["tier"] or "",
            r["unit"] or "",
            said("more is better", "正向") if r["direction"] == 1 else said("less is better", "逆向"),
            *(_tag(r[key]) if key == "provenance" else _words(r[key]) for key in keys),
        )
        for r in found
    ]
    heads = ["wide:Indicator", "Tier", "mid:Unit", "Direction", *(names[key] for key in keys)]
    table = Table.of("indicators", "Indicators of the headline index", heads, body, n_text=len(heads))
    return Section("indicators", "Indicators", "指标", (), (), (table,))


def _schemes(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "dim_weight_scheme"):
        return None
    found = rows(con, "select * from mart.dim_weight_scheme order by is_headline desc, weight_scheme")
    body = [
        (
            Markup("<code>{}</code>").format(r["weight_scheme"]),
            said(r["title_en"], r["title_zh"] or r["title_en"]),
            r["formula"] or "",
            _yes(r["is_headline"]),
            _yes(r["is_comparable_over_time"]),
            r["reference"] or "",
        )
        for r in found
    ]
    heads = ["Scheme", "wide:Description", "mid:Formula", "Headline", "Comparable over time", "mid:Reference"]
    return Section(
        "schemes", "Weight schemes", "赋权方案", (), (), (Table.of("schemes", "Weight schemes", heads, body, n_text=6),)
    )


def _indexes(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "dim_index"):
        return None
    body = [
        (
            Markup("<code>{}</code>").format(r["index_code"]),
            said(r["title_en"], r["title_zh"] or r["title_en"]),
            words.number(r["n_indicator"]),
            words.number(r["n_city_in_sample"]),
            _yes(r["is_computed"]),
            r["skip_reason"] or "",
        )
        for r in rows(con, "select * from mart.dim_index order by is_computed desc, index_code")
    ]
    heads = [
        ("Index", ""),
        ("Description", "wide"),
        ("Indicators", "num"),
        ("Cities in the sample", "num"),
        ("Computed", ""),
        ("Why not", "wide"),
    ]
    table = Table("indexes", "Indexes and variants", tuple(heads), tuple(body))
    return Section("indexes", "Indexes and variants", "指数与变体", (), (), (table,))


def _models(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "dim_model_spec"):
        return None
    found = rows(con, "select * from mart.dim_model_spec order by is_headline desc, model_id")
    keys = [key for key in ("model_type", "y_code", "w_code", "estimator", "se_type", "fe") if key in found[0]]
    names = {
        "model_type": "Type",
        "y_code": "Explained",
        "w_code": "W",
        "estimator": "Estimator",
        "se_type": "Standard errors",
        "fe": "Fixed effects",
    }
    body = [
        (Markup("<code>{}</code>").format(r["model_id"]), _yes(r["is_headline"]), *(_words(r[key]) for key in keys))
        for r in found
    ]
    heads = ["Model", "Headline", *(names[key] for key in keys)]
    table = Table.of(
        "models",
        "Specifications of the regressions",
        heads,
        body,
        n_text=len(heads),
        fold=f"All {len(found)} specifications",
    )
    return Section("models", "Regressions", "回归设定", (), (), (table,))


def _breaks(con: duckdb.DuckDBPyConnection) -> Section | None:
    if not has_rows(con, "dim_series_break"):
        return None
    found = rows(con, "select * from mart.dim_series_break")
    keys = list(found[0])
    body = [tuple("" if r[key] is None else str(r[key]) for key in keys) for r in found]
    table = Table.of(
        "breaks", "Known breaks of series", [key.replace("_", " ") for key in keys], body, n_text=len(keys)
    )
    return Section("breaks", "Breaks of series", "数据断点", (), (), (table,))


def _words(value: object) -> str:
    return "" if value is None else str(value).replace("_", " ")


def _yes(value: object) -> Text:
    return words.NONE if value is None else said("yes", "是") if value else said("no", "否")
