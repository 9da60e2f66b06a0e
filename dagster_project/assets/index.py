"""Index tables: for each computed index and each basis, frames of python_models.index side by side."""

import numpy as np
import pandas as pd

from python_models.index import IndexResult, build_index
from python_models.panel import Panel

SCHEMES = ("entropy", "equal")
SCHEME_NAMES = {"entropy": "entropy_flat", "equal": "equal"}
TABLES = ("index_bounds", "index_weight", "index_value", "index_score", "index_contribution", "index_check")
RESTATED = "restated"
COMPLETE_SHARE = 0.8  # a later year joins the restated window once this share of the cities has every indicator
IDENTITY_TOLERANCE = 1e-12


def build_index_tables(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Frames `panel`, `spec`, `indicator`, `judged` -> the tables of TABLES."""
    parts: dict[str, list[pd.DataFrame]] = {table: [] for table in TABLES}
    computed = frames["judged"].loc[frames["judged"]["is_computed"], "index_code"]
    for index_code in sorted(computed):
        spec = frames["spec"][frames["spec"]["index_code"] == index_code]
        cells = frames["panel"][frames["panel"]["index_code"] == index_code]
        for basis, window in _bases(spec, cells).items():
            # the restated basis knows no year outside its window; the frozen one also scores later years
            seen = cells[cells["year"] <= window[1]] if basis == RESTATED else cells
            for scheme in SCHEMES:
                result = _one(seen, spec, frames["indicator"], window, scheme)
                for table, frame in _tables(result, index_code, basis, scheme).items():
                    parts[table].append(frame)
    return {table: pd.concat(parts[table], ignore_index=True) for table in TABLES}


def _bases(spec: pd.DataFrame, cells: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """The two windows: the base window for ever, and up to the last year that most of the sample completes."""
    start, end = int(spec["window_start"].iloc[0]), int(spec["window_end"].iloc[0])
    n_indicator, n_city = len(spec), cells["city_id"].nunique()
    is_full = cells.groupby(["year", "city_id"]).size() == n_indicator
    share = is_full.groupby("year").sum() / n_city
    complete = [int(year) for year in share.index[share >= COMPLETE_SHARE]]
    return {f"frozen_{start}_{end}": (start, end), RESTATED: (start, max([end, *complete]))}


def _one(
    cells: pd.DataFrame, spec: pd.DataFrame, indicator: pd.DataFrame, window: tuple[int, int], scheme: str
) -> IndexResult:
    facts = indicator.set_index("indicator_code").loc[spec["indicator_code"]]
    panel = Panel.from_long(cells)
    imputed = Panel.from_long(cells.assign(flag=cells["is_imputed"].astype(float)), value="flag")
    return build_index(
        panel,
        directions={code: int(d) for code, d in facts["direction"].items()},
        dimensions=dict(zip(spec["indicator_code"], spec["dimension"], strict=True)),
        window=window,
        winsor={code: bool(flag) for code, flag in facts["is_winsorised"].items()},
        caps={code: float(c) for code, c in facts["cap_high"].dropna().items()},
        scheme=scheme,
        imputed=np.nan_to_num(imputed.values).astype(bool),
    )


def _tables(result: IndexResult, index_code: str, basis: str, scheme: str) -> dict[str, pd.DataFrame]:
    keys = {"basis": basis, "spec_code": index_code, "weight_scheme": SCHEME_NAMES[scheme]}
    scores = result.scores.assign(index_code=index_code + result.scores["index_suffix"]).drop(columns="index_suffix")
    tables = {
        "index_weight": result.weights.assign(index_code=index_code),
        "index_score": scores,
        "index_check": _identities(result, index_code),
    }
    if scheme == "entropy":
        tables["index_bounds"] = result.bounds.assign(index_code=index_code)
        tables["index_value"] = result.values.assign(index_code=index_code)
        tables["index_contribution"] = result.contributions.assign(index_code=index_code)
    return {name: frame.assign(**keys) for name, frame in tables.items()}


def _identities(result: IndexResult, index_code: str) -> pd.DataFrame:
    """Observed and expected of CHECKS 2.1-2.3; `passed` is judged by the mart."""
    total = result.contributions.groupby(["city_id", "year"])["contribution"].sum(min_count=len(result.names))
    score = result.scores.query("index_suffix == ''").set_index(["city_id", "year"])["score"]
    gap = float((total - score).abs().max())
    rows = [
        ("weights_sum_to_one", float(result.w.sum()), 1.0),
        ("smallest_weight_not_negative", min(float(result.w.min()), 0.0), 0.0),
        ("contributions_sum_to_score", gap, 0.0),
    ]
    frame = pd.DataFrame(rows, columns=["rule", "observed", "expected"])
    warnings = "; ".join(result.warnings)
    return frame.assign(index_code=index_code, tolerance=IDENTITY_TOLERANCE, note=warnings)
