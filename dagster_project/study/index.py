"""The indexes: for each computed one and each basis, every weight scheme of weight_scheme.csv side by side.

The one that the spec of the index names as its own is published whole. All share the scaled indicators of their basis.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames, Rows, Tables, rows_with
from dagster_project.study.settings import RESTATED, Settings
from python_models.measurement.choices import IMPUTATIONS, imputed_as
from python_models.measurement.composite import CompositeIndex, IndexResult
from python_models.measurement.time_varying import year_frames
from python_models.panel import Panel

INPUTS = {
    "panel": "int.int_panel_balanced",
    "spec": "ops.index_spec",
    "indicator": "seed.indicator",
    "judged": "int.int_indexes_judged",
    "weighting": "select weight_scheme, method, delta, has_parts, is_for_variants from seed.weight_scheme",
}
TABLES = ("index_bounds", "index_weight", "index_value", "index_score", "index_contribution", "index_check")
COMPLETE_SHARE = 0.8  # a later year joins the restated window once this share of the cities has every indicator
IDENTITY_TOLERANCE = 1e-12
YEARLY = "yearly_entropy"  # the one method whose weights are of a year


class NoIndexError(ValueError):
    """The landed files are too few for a headline index: a matter of the input, not of the program."""


def build(frames: Frames, settings: Settings) -> Iterator[Tables]:
    """The tables in parts: an index on one basis at a time. Nothing here is drawn.

    In parts, since every contribution of every city and year is a row: thousands of units would not fit in memory.
    """
    index_codes = frames["judged"].loc[frames["judged"]["is_computed"], "index_code"]
    headlines = frames["spec"].loc[frames["spec"]["headline_rank"].notna(), "index_code"]
    if not index_codes.isin(headlines).any():
        judged = frames["judged"][frames["judged"]["index_code"].isin(headlines)]
        reasons = [f"{row.index_code}: {row.skip_reason}" for row in judged.itertuples()]
        needs = (
            "An index needs its indicators in every year of its base window that has landed: land the files that are"
            " missing, or give columns that are left out their variable in header_map.csv"
        )
        raise NoIndexError(f"no headline index can be computed. {'; '.join(reasons) or 'no value at all'}. {needs}")
    is_small = settings.depth.is_headline_only
    return (part for index_code in sorted(index_codes) for part in _parts(frames, index_code, is_small=is_small))


def _parts(frames: Frames, index_code: str, *, is_small: bool) -> Iterator[Tables]:
    """The tables of one index, basis by basis. is_small: with the weight schemes of variants alone."""
    spec, cells = (rows_with(frames[name], index_code=index_code) for name in ("spec", "panel"))
    published, weighting = str(spec["weight_scheme"].iloc[0]), frames["weighting"]
    if is_small:
        weighting = weighting[weighting["is_for_variants"] | (weighting["weight_scheme"] == published)]
    # candidates for the headline, and what they are paired with, get every weight scheme
    specs = frames["spec"]
    study_codes = {*specs.loc[specs["headline_rank"].notna(), "index_code"], *specs["relations_code"].dropna()}
    is_side = bool(spec["variant_of"].iloc[0]) or index_code not in study_codes
    tables_of: dict[tuple[tuple[int, int], int], Tables] = {}  # two bases with one window need one computation
    for basis, window in _bases(spec, cells).items():
        # the restated basis knows no year outside its window; the frozen one also scores later years
        within = cells[cells["year"] <= window[1]] if basis == RESTATED else cells
        if (window, len(within)) not in tables_of:
            rows = Rows()
            index = composite(within, spec, frames["indicator"], window)
            _schemes(index, weighting, published, rows, is_variant=is_side)
            tables = {name: table.assign(index_code=index_code) for name, table in rows.tables(TABLES).items()}
            tables["index_score"]["index_code"] += tables["index_score"]["index_suffix"]  # of a dimension or tier
            tables_of[window, len(within)] = tables
        tables = tables_of[window, len(within)]
        yield {name: table.assign(basis=basis, spec_code=index_code) for name, table in tables.items()}


def _bases(spec: pd.DataFrame, cells: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """The two windows: the base window for ever, and up to the last year that most of the sample completes."""
    start, end = int(spec["window_start"].iloc[0]), int(spec["window_end"].iloc[0])
    n_indicator, n_city = len(spec), cells["city_id"].nunique()
    is_full = cells.groupby(["year", "city_id"]).size() == n_indicator
    share = is_full.groupby("year").sum() / n_city
    complete = [int(year) for year in share.index[share >= COMPLETE_SHARE]]
    return {str(spec["basis"].iloc[0]): (start, end), RESTATED: (start, max([end, *complete]))}


def composite(
    cells: pd.DataFrame,
    spec: pd.DataFrame,
    indicator: pd.DataFrame,
    window: tuple[int, int],
    imputation: str = IMPUTATIONS[0],
) -> CompositeIndex:
    """One index (cells: city_id, year, indicator_code, value, masks if any) with the bounds of `window`.

    imputation: how the marked cells are filled, see `imputed_as`; as they are by default.
    """
    facts = indicator.set_index("indicator_code").loc[spec["indicator_code"]]
    panel = Panel.from_long(cells)
    imputed, provisional = (panel.mask(cells, flag) for flag in ("is_imputed", "is_provisional"))
    panel = replace(panel, values=imputed_as(panel.values, imputed, imputation))
    tiers = spec["tier"].str.lower()
    return CompositeIndex(
        panel,
        directions={str(code): int(d) for code, d in facts["direction"].items()},
        levels=dict(zip(spec["indicator_code"], zip(tiers, spec["dimension"], strict=True), strict=True)),
        window=window,
        winsor={str(code): bool(flag) for code, flag in facts["is_winsorised"].items()},
        caps={str(code): float(c) for code, c in facts["cap_high"].dropna().items()},
        imputed=imputed,
        provisional=provisional,
    )


def _schemes(index: CompositeIndex, weighting: pd.DataFrame, published: str, rows: Rows, *, is_variant: bool) -> None:
    """Rows of every weight scheme of the seed; only the index's own has bounds, values and contributions."""
    dimensions = set(index.labels.dimensions)
    for run in weighting.fillna({"delta": 0.0}).to_dict("records"):
        is_own = run["weight_scheme"] == published
        if is_variant and not (run["is_for_variants"] or is_own):
            continue
        method, delta = str(run["method"]), float(run["delta"])
        if is_own:
            tables = _full(index.fit(method), is_variant=is_variant)
        elif method == YEARLY:
            weights, scores = year_frames(index)
            tables = {"index_weight": weights, "index_score": scores}
        else:
            groups = dimensions if run["has_parts"] else ()
            weights_of_scheme, weights, scores = index.scores(method, delta=delta, groups=groups)
            checks = _weight_checks(weights_of_scheme.weights, method, weights_of_scheme.flags)
            tables = {"index_weight": weights, "index_score": scores, "index_check": checks}
        rows.add(tables, weight_scheme=run["weight_scheme"])


def _full(result: IndexResult, *, is_variant: bool) -> Tables:
    """Everything of the own scheme; variants have no scores of tiers."""
    suffixes = ["", *(f"_{name}" for name in dict.fromkeys(result.weights["dimension"]))]
    scores = result.scores[result.scores["index_suffix"].isin(suffixes)] if is_variant else result.scores
    return {
        "index_weight": result.weights,
        "index_score": scores,
        "index_check": _identities(result),
        "index_bounds": result.bounds,
        "index_value": result.values,
        "index_contribution": result.contributions,
    }


def _identities(result: IndexResult) -> pd.DataFrame:
    """Observed and expected of the identities (docs/formulas.md#checks); `passed` is judged by the mart."""
    total = result.contributions.groupby(["city_id", "year"])["contribution"].sum(min_count=len(result.names))
    score = result.scores.query("index_suffix == ''").set_index(["city_id", "year"])["score"]
    gap = float((total - score).abs().max())
    sums = pd.DataFrame([{"rule": "contributions_sum_to_score", "observed": gap, "expected": 0.0}])
    checks = pd.concat([_weight_checks(result.w, result.scheme, ()), sums], ignore_index=True)
    return checks.assign(tolerance=IDENTITY_TOLERANCE, note="; ".join(result.warnings))


def _weight_checks(w: np.ndarray, scheme: str, flags: tuple[str, ...]) -> pd.DataFrame:
    """Weights sum to 1 and none is negative; of principal components the absolute values do."""
    total = float(np.abs(w).sum() if scheme == "pca" else w.sum())
    least = 0.0 if scheme == "pca" else min(float(w.min()), 0.0)
    rows = [("weights_sum_to_one", total, 1.0), ("smallest_weight_not_negative", least, 0.0)]
    note = "; ".join(sorted({flag for flag in flags if flag}))
    return pd.DataFrame(rows, columns=["rule", "observed", "expected"]).assign(tolerance=IDENTITY_TOLERANCE, note=note)
