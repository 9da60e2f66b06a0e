"""Engines of the production relations: misallocation, segmentation, protection, attention, specialisation."""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames, Tables, stacked, words
from dagster_project.study.queries import NEIGHBOURS, queries
from dagster_project.study.settings import Settings
from python_models import production as methods

INPUTS = {**queries(__file__), "neighbours": NEIGHBOURS}
TABLES = words("misallocation market_segmentation market_segmentation_pair gov_digital_attention engine_indicator")
SECTOR, GOOD = "emp_sector_", "cpi_"
# indicator -> (result, column): what the engines hand to the index
INDICATORS = {
    "p1_digatt": ("gov_digital_attention", "share_pct"),
    "p1_special": ("specialisation", "krugman"),
    "p2_tauk": ("misallocation", "abs_tau_k"),
    "p2_taul": ("misallocation", "abs_tau_l"),
    "p3_seg": ("market_segmentation", "seg"),
    "p3_ip": ("ip_protection", "ip_lq"),
}
TOKENIZER = f"jieba {importlib.metadata.version('jieba')}"


def build(frames: Frames, settings: Settings) -> Tables:
    """Nothing here is drawn. Indicators also of values whose breaks are not bridged.

    A table whose raw columns are absent comes out empty: an index that needs it is then skipped with that reason.
    """
    values, parts = frames["values"], []
    attention = _attention(frames["texts"], frames["keyword"])
    tables: Tables = {**_segmentation(values, frames), "gov_digital_attention": attention}
    for policy, column in (("unbridged", "value_unbridged"), ("edited", "value")):
        cells = values.assign(value=values[column])
        tables["misallocation"] = _misallocation(cells, frames, settings.base_year)
        others = {"ip_protection": _ip_protection(cells, frames["nation"]), "specialisation": _specialisation(cells)}
        parts.append(_indicators({**tables, **others}).assign(edit_policy=policy))
    return {**tables, "engine_indicator": stacked(parts)}


def _indicators(tables: Tables) -> pd.DataFrame:
    parts = []
    for code, (table, column) in INDICATORS.items():
        if len(tables[table]):
            frame = tables[table][["city_id", "year", column]].rename(columns={column: "value"})
            parts.append(frame.assign(indicator_code=code).astype({"value": "float64"}).dropna(subset=["value"]))
    return stacked(parts)


def wide(values: pd.DataFrame, codes: list[str]) -> pd.DataFrame:
    """Rows (city_id, year), one column a variable; absent variables are NaN."""
    rows = values[values["variable_code"].isin(codes)]
    table = rows.pivot(index=["city_id", "year"], columns="variable_code", values="value")
    return table.reindex(columns=codes).astype("float64").sort_index()


def _misallocation(values: pd.DataFrame, frames: Frames, base_year: int) -> pd.DataFrame:
    table = wide(values, ["gdp_nom", "emp_total"])
    deflator = frames["deflator"].set_index(["city_id", "year"])["deflator"]
    table["y_real"] = table["gdp_nom"] / deflator.reindex(table.index)
    table["labour"] = table["emp_total"]
    table = table[(table["y_real"] > 0) & (table["labour"] > 0)].drop(columns=["gdp_nom", "emp_total"])
    if table.empty:
        return pd.DataFrame()
    table["k_real"] = _capital(frames["investment"], base_year).reindex(table.index)
    table = table.join(_elasticities(table, frames["region"]), on="city_id")
    parts = [_one_year(part) for _, part in table.groupby(level="year")]
    return pd.concat(parts).reset_index()


def _capital(investment: pd.DataFrame, base_year: int) -> pd.Series:
    """Stock in prices of the base year; cities whose investment and its price (previous year = 100) have no gap."""
    table = wide(investment, ["fai_nom", "price_investment"]).dropna()
    flow, price = (table[name].unstack("year") for name in ("fai_nom", "price_investment"))
    if flow.empty:
        return pd.Series(dtype="float64", index=table.index)
    full = flow.notna().all(axis=1) & (flow.iloc[:, 0] > 0)
    if not full.any():
        return pd.Series(dtype="float64", index=table.index[:0])
    level = (price[full] / 100).cumprod(axis=1)
    base = level[base_year] if base_year in level else level.iloc[:, 0]
    stock = methods.perpetual_inventory(flow[full].to_numpy(), level.div(base, axis=0).to_numpy())
    long = pd.DataFrame(stock, index=flow.index[full], columns=flow.columns).reset_index().melt(id_vars="city_id")
    return long.set_index(["city_id", "year"])["value"]


def _elasticities(table: pd.DataFrame, region: pd.DataFrame) -> pd.DataFrame:
    """beta_k by region on the cities that are complete; the national slope where a region has none; else NaN."""
    cube = table[["y_real", "k_real", "labour"]].unstack("year")
    full = cube.dropna()
    group = region.set_index("city_id")["group_code"]
    out = pd.DataFrame(index=table.index.get_level_values("city_id").unique())
    if len(full) < 10 or cube["y_real"].shape[1] < 3:
        return out.assign(beta_k=np.nan, beta_k_se=np.nan, beta_basis="one_elasticity")
    codes = group.reindex(full.index).fillna("none").to_numpy()
    numbers = (full[name].to_numpy() for name in ("y_real", "k_real", "labour"))
    fit = methods.output_elasticities(*numbers, groups=codes)
    slopes = pd.DataFrame({"group": codes, "beta_k": fit.beta_k, "se": fit.std_error, "replaced": fit.is_replaced})
    by_group = slopes.groupby("group").first()
    where = group.reindex(out.index).fillna("none")
    out["beta_k"] = where.map(by_group["beta_k"]).fillna(fit.national)
    out["beta_k_se"] = where.map(by_group["se"]).fillna(fit.national_std_error)
    is_national = where.map(by_group["replaced"]).astype("boolean").fillna(True)
    out["beta_basis"] = np.where(is_national.to_numpy(dtype=bool), "national", "region")
    return out


def _one_year(part: pd.DataFrame) -> pd.DataFrame:
    beta = part["beta_k"].to_numpy(dtype=float)
    usable = np.isfinite(beta).all() and ((beta > 0) & (beta < 1)).all()
    share = 1 - beta if usable else np.ones(len(part))
    labour = methods.misallocation(part["y_real"].to_numpy(), part["labour"].to_numpy(), share)
    part = part.assign(gamma_l=labour.gamma, tau_l=labour.tau, abs_tau_l=np.abs(labour.tau), n_obs=len(part))
    has = (part["k_real"] > 0).to_numpy()
    part["capital_basis"] = np.where(has, "investment", "")
    if not has.any():
        return part.assign(gamma_k=np.nan, tau_k=np.nan, abs_tau_k=np.nan)
    with_capital = part[has]
    elasticity = with_capital["beta_k"].to_numpy() if usable else np.ones(len(with_capital))
    capital = methods.misallocation(with_capital["y_real"].to_numpy(), with_capital["k_real"].to_numpy(), elasticity)
    wedges = {"gamma_k": capital.gamma, "tau_k": capital.tau, "abs_tau_k": np.abs(capital.tau)}
    return part.join(pd.DataFrame(wedges, index=with_capital.index))


def _segmentation(values: pd.DataFrame, frames: Frames) -> dict[str, pd.DataFrame]:
    goods = sorted({str(v) for v in values["variable_code"] if str(v).startswith(GOOD)})
    prices = wide(values, goods).dropna() / 100
    province = frames["city"].set_index("city_id")["province_code"]
    units, pairs = [], []
    for year, part in prices.groupby(level="year") if len(goods) > 1 else ():
        cities = part.index.get_level_values("city_id")
        ends = [cities.get_indexer(pd.Index(frames["neighbours"][name])) for name in ("city_id_a", "city_id_b")]
        edges = [(a, b) for a, b in zip(*(end.tolist() for end in ends), strict=True) if a >= 0 and b >= 0]
        if not edges:
            continue
        result = methods.segmentation(part.to_numpy(), edges)
        unit = pd.DataFrame({"city_id": cities, "seg": 1e4 * result.seg[:, 0], "integ": result.integ[:, 0]})
        about: dict[str, Any] = {"year": year, "grain": "city", "neighbour_rule": "contiguous"}
        units.append(unit.assign(n_pairs=result.n_pairs.astype(int), **about).dropna(subset=["seg"]))
        pair = pd.DataFrame({"unit_i": cities[result.pairs[:, 0]], "unit_j": cities[result.pairs[:, 1]]})
        same = pair["unit_i"].map(province) == pair["unit_j"].map(province)
        pairs.append(pair.assign(year=about["year"], v_ij=result.v[:, 0], n_goods=len(goods), same_province=same))
    names, parts = ("market_segmentation", "market_segmentation_pair"), (units, pairs)
    return {name: pd.concat(part) if part else pd.DataFrame() for name, part in zip(names, parts, strict=True)}


def _ip_protection(values: pd.DataFrame, nation: pd.DataFrame) -> pd.DataFrame:
    codes = ["ip_cases_closed", "gdp_court_nom"]
    table = wide(values, codes).dropna(subset=["gdp_court_nom"])
    total = nation[nation["variable_code"].isin(codes)].pivot(index="year", columns="variable_code", values="value")
    if table.empty or total.empty:
        return pd.DataFrame()
    parts = []
    totals = {int(y): (float(a), float(b)) for y, a, b in total[codes].dropna().itertuples()}
    for year, part in table.dropna().groupby(level="year"):
        cases, gdp = totals.get(int(str(year)), (0.0, 0.0))
        if cases <= 0 or gdp <= 0:
            continue
        local = part["ip_cases_closed"].to_numpy(), part["gdp_court_nom"].to_numpy()
        parts.append(pd.DataFrame({"ip_lq": methods.location_quotient(*local, cases, gdp)}, index=part.index))
    return pd.concat(parts).reset_index() if parts else pd.DataFrame()


def _attention(texts: pd.DataFrame, keyword: pd.DataFrame) -> pd.DataFrame:
    active = keyword[keyword["is_active"].astype(bool)]
    if texts.empty or active.empty:
        return pd.DataFrame()
    rows = []
    for version, terms in active.groupby("dict_version"):
        words = {str(group): tuple(part["term"]) for group, part in terms.groupby("group_name")}
        dictionary = methods.Dictionary(str(version), words)
        for row in texts.itertuples(index=False):
            attention = methods.digital_attention(str(row.text), dictionary)
            row_of = {"city_id": row.city_id, "year": row.year, "dict_version": version, "tokenizer_version": TOKENIZER}
            row_of |= {name: getattr(attention, name) for name in ("tokens", "hits", "share_pct", "report_hash")}
            rows.append({**row_of, "hits_by_group": json.dumps(attention.hits_by_group, ensure_ascii=False)})
    return pd.DataFrame(rows)


def _specialisation(values: pd.DataFrame) -> pd.DataFrame:
    codes = sorted({str(v) for v in values["variable_code"] if str(v).startswith(SECTOR)})
    if len(codes) < 2:
        return pd.DataFrame()
    table = wide(values, codes).dropna()
    table = table[table.sum(axis=1) > 0]
    parts = [
        pd.DataFrame({"krugman": methods.krugman(part.to_numpy())}, index=part.index)
        for _, part in table.groupby(level="year")
    ]
    return pd.concat(parts).reset_index() if parts else pd.DataFrame()
