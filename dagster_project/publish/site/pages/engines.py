"""Sections on the engines of production relations: misallocation, market segmentation, attention and others."""

from __future__ import annotations

import duckdb
import pandas as pd

from dagster_project.publish.site import words
from dagster_project.publish.site.charts import Row
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages.base import Figure, Meta, Section, Table, Text, has_rows, rows
from python_models import estimates

BAND = (
    "Band: 95 % interval of the mean over the cities, mean ± t · s / √n; cities near each other are alike, so it is "
    "a lower limit."
)


def sections(con: duckdb.DuckDBPyConnection, meta: Meta) -> list[Section]:
    """Those whose marts hold rows."""
    found = [_misallocation(con, meta), _segmentation(con, meta), _attention(con, meta), _others(con, meta)]
    return [section for section in found if section is not None]


def mean_rows(frame: pd.DataFrame, column: str, series: str) -> list[Row]:
    """One row a year: mean of `column` over the cities with its 95 % interval, as plots.lines reads it."""
    data: list[Row] = []
    for year, cell in frame.dropna(subset=[column]).groupby("year"):
        found = estimates.interval(estimates.mean(cell[column]))
        limits = (found.low, found.high) if found.is_known else (None, None)
        data.append(
            {"x": int(year), "y": found.value, "lo": limits[0], "hi": limits[1], "n": len(cell), "series": series}
        )
    return data


def _frame(con: duckdb.DuckDBPyConnection, table: str, columns: str, where: str = "true") -> pd.DataFrame:
    if not has_rows(con, table):
        return pd.DataFrame()
    return con.execute(f"select {columns} from mart.{table} where {where} order by year, city_id").df()


def _change(frame: pd.DataFrame, column: str, what: str, digits: int) -> str:
    """A sentence on the change of the mean over the same cities; a direction only if the interval allows it."""
    first, last = int(frame["year"].min()), int(frame["year"].max())
    wide = frame.pivot(index="city_id", columns="year", values=column)
    if first == last:
        return f"{what}: {words.number(wide[last].mean(), digits)} in {last} ({words.cities(wide[last].count())})."
    pair = wide[[first, last]].dropna()
    found = estimates.interval(estimates.mean(pair[last] - pair[first]))
    verb = {1: "rose", -1: "fell", 0: "shows no clear change"}[found.sign()]
    return (
        f"{what} {verb} from {first} to {last}: {words.number(pair[first].mean(), digits)} and "
        f"{words.number(pair[last].mean(), digits)} in the mean of {words.cities(len(pair))}, mean change "
        f"{words.spelled(found, digits=digits)}."
    )


def _misallocation(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    frame = _frame(con, "mart_misallocation", "city_id, year, tau_k, tau_l, abs_tau_k, abs_tau_l, beta_k, beta_k_se")
    if frame.empty or frame["abs_tau_k"].isna().all():
        return None
    names = {"abs_tau_k": "capital", "abs_tau_l": "labour"}
    data = [row for column, name in names.items() for row in mean_rows(frame, column, name)]
    text: list[Text] = [_change(frame, c, f"The mean absolute distortion of {name}", 3) for c, name in names.items()]
    beta, se = frame["beta_k"].dropna(), frame["beta_k_se"].dropna()
    note = "Relative distortion of factor prices (Chen and Hu 2011); 0 means no distortion against the national mean. "
    if len(beta) and len(se) and beta.nunique() == 1:
        b, s = float(beta.iloc[0]), float(se.iloc[0])
        low, high = b - 1.96 * s, b + 1.96 * s
        note += f"It rests on the output elasticity of capital, {words.number(b, 3)} (95 % interval "
        note += f"{words.between(low, high)}); that doubt is not in the bands."
    spec = plots.lines(
        data,
        series=list(names.values()),
        title="Mean absolute distortion",
        note=plots.synthetic(meta),
        x_title=None,
        y_title="mean of |tau| (1)",
        height=260,
        alt_text="Mean absolute distortion of capital and labour by year.",
    )
    figure = Figure("misallocation", spec, BAND, plots.legend(list(names.values()), "line"))
    last = frame[frame["year"] == frame["year"].max()].dropna(subset=["abs_tau_k"])
    body = [
        (
            str(int(last["year"].iloc[0])),
            name,
            words.number(last[c].median(), 3),
            words.number(last[c].quantile(0.1), 3),
            words.number(last[c].quantile(0.9), 3),
            words.number(last[c].count()),
        )
        for c, name in (("tau_k", "capital"), ("tau_l", "labour"))
    ]
    table = Table.of(
        "misallocation",
        "Distortion tau over the cities",
        ["Year", "Factor", "Median", "10 % quantile", "90 % quantile", "Cities"],
        body,
        n_text=2,
    )
    return Section(
        "misallocation", "Misallocation of capital and labour", "要素错配", tuple(text), (figure,), (table,), note
    )


def _segmentation(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    rules = (
        [
            r["neighbour_rule"]
            for r in rows(con, "select distinct neighbour_rule from mart.mart_market_segmentation order by 1")
        ]
        if has_rows(con, "mart_market_segmentation")
        else []
    )
    if not rules:
        return None
    frame = con.execute(
        "select city_id, year, seg, integ from mart.mart_market_segmentation where neighbour_rule = ? and seg is "
        "not null "
        "order by year, city_id",
        [rules[0]],
    ).df()
    if frame.empty:
        return None
    text: list[Text] = [_change(frame, "seg", "Market segmentation", 3)]
    spec = plots.lines(
        mean_rows(frame, "seg", "segmentation"),
        title="Market segmentation, mean of the cities",
        series=["segmentation"],
        note=plots.synthetic(meta),
        x_title=None,
        height=260,
        y_title="variance of relative prices (x 10⁴)",
        alt_text="Mean segmentation by year with its interval.",
    )
    tables = []
    pairs = _frame_pairs(con)
    if not pairs.empty:
        year = int(pairs["year"].max())
        now = pairs[pairs["year"] == year]
        sides = {flag: 1e4 * now.loc[now["same_province"] == flag, "v_ij"] for flag in (True, False)}
        gap = estimates.interval(estimates.minus(*(estimates.mean(sides[flag]) for flag in (False, True))))
        verdict = {1: "higher across borders", -1: "lower across borders", 0: "not told apart"}[gap.sign()]
        text.append(
            f"In {year} the variance between neighbours across and inside province borders is {verdict}: "
            f"difference {words.spelled(gap, digits=3)} (x 10⁴)."
        )
        body = [
            (
                "same province" if flag else "across a border",
                words.number(side.mean(), 3),
                words.limits(estimates.interval(estimates.mean(side)), 3),
                words.number(len(side)),
            )
            for flag, side in sides.items()
        ]
        tables = [
            Table.of(
                "segmentation",
                f"Variance of relative prices between neighbours (x 10⁴), {year}",
                ["Pairs", "Mean", "95 % interval", "Pairs, n"],
                body,
            )
        ]
    note = f"Neighbours: {rules[0]}. Variance of the changes of relative prices over the goods, their means removed."
    figure = Figure("segmentation", spec, BAND)
    return Section("segmentation", "Market segmentation", "市场分割", tuple(text), (figure,), tuple(tables), note)


def _frame_pairs(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    if not has_rows(con, "mart_market_segmentation_pair"):
        return pd.DataFrame()
    return con.execute(
        "select year, same_province, v_ij from mart.mart_market_segmentation_pair where v_ij is not null "
        "and same_province is not null"
    ).df()


def _attention(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    if not has_rows(con, "mart_gov_digital_attention"):
        return None
    version = rows(con, "select max(dict_version) as v from mart.mart_gov_digital_attention")[0]["v"]
    frame = con.execute(
        "select city_id, year, share_pct, hits, tokens from mart.mart_gov_digital_attention "
        "where dict_version = ? order by year, city_id",
        [version],
    ).df()
    text = (_change(frame, "share_pct", "The share of digital terms in government work reports (%)", 2),)
    spec = plots.lines(
        mean_rows(frame, "share_pct", "share"),
        series=["share"],
        x_title=None,
        height=260,
        title="Digital attention, mean of the cities",
        note=plots.synthetic(meta),
        y_title="digital terms (% of words)",
        alt_text="Share of digital terms by year with its interval.",
    )
    note = f"Dictionary {version}, longest match, Chinese words cut with a pinned version of jieba."
    figure = Figure("attention", spec, BAND)
    return Section("attention", "Digital attention of governments", "政府数字关注度", text, (figure,), (), note)


def _others(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    wanted = {
        "mart_ip_protection": (("ip_lq", "Closed intellectual property cases, location quotient"),),
        "mart_specialisation": (
            ("krugman", "Krugman specialisation of employment"),
            ("functional_ratio", "Functional specialisation"),
        ),
    }
    body, text = [], []
    for table, columns in wanted.items():
        for column, name in columns:
            frame = _frame(con, table, f"city_id, year, {column}", f"{column} is not null")
            if frame.empty:
                continue
            text.append(_change(frame, column, name, 3))
            for row in mean_rows(frame, column, name):
                body.append(
                    (
                        name,
                        str(row["x"]),
                        words.number(row["y"], 3),
                        words.between(row["lo"], row["hi"]),
                        words.number(row["n"]),
                    )
                )
    if not body:
        return None
    table = Table.of(
        "engines",
        "Means over the cities by year",
        ["mid:Measure", "Year", "Mean", "95 % interval", "Cities"],
        body,
        n_text=2,
        fold="Figures by year",
    )
    return Section("others", "Rights and specialisation", "知识产权与专业化", tuple(text), (), (table,))
