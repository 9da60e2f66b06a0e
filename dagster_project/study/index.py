"""Index tables: for each computed index and each basis, frames of python_models.index side by side.

The scheme that the spec names as the index's own is published whole. Entropy over all indicators and equal weights are
made for every index, the other schemes for the headline indexes only. All share the scaled indicators of their basis.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models.index import IndexResult, ScaledIndex, index_of_scheme, scale_index, scores_of_scheme
from python_models.measurement.time_varying import year_frames
from python_models.panel import Panel

TABLES = ("index_bounds", "index_weight", "index_value", "index_score", "index_contribution", "index_check")
RESTATED = "restated"
COMPLETE_SHARE = 0.8  # a later year joins the restated window once this share of the cities has every indicator
IDENTITY_TOLERANCE = 1e-12


class NoIndexError(ValueError):
    """The landed files are too few for any index: a matter of the input, not of the program."""


@dataclass(frozen=True)
class SchemeRun:
    """A weight scheme as it is published: its name there, its name in python_models, delta, and how much is kept."""

    code: str
    scheme: str
    delta: float = 0.0
    has_parts: bool = False  # scores of the dimensions beside the composite one
    is_for_all: bool = False  # variants of an index get it too


SCHEMES = (
    SchemeRun("entropy_flat", "entropy", has_parts=True, is_for_all=True),
    SchemeRun("equal", "equal", has_parts=True, is_for_all=True),
    SchemeRun("equal_dimension", "equal_dimension", has_parts=True),
    SchemeRun("two_stage_entropy", "two_stage_entropy", has_parts=True),
    SchemeRun("two_stage_equal", "two_stage_equal", has_parts=True),
    SchemeRun("critic", "critic"),
    SchemeRun("entropy_critic", "entropy_critic"),
    SchemeRun("entropy_topsis", "entropy_topsis"),
    SchemeRun("pca", "pca"),
    SchemeRun("vertical_horizontal", "vertical_horizontal"),
    SchemeRun("entropy_delta_1e4", "entropy", delta=1e-4),
    SchemeRun("entropy_delta_1e2", "entropy", delta=1e-2),
)
TIME_VARYING = "time_varying"


def build_index_tables(frames: dict[str, pd.DataFrame]) -> Iterator[dict[str, pd.DataFrame]]:
    """Frames `panel`, `spec`, `indicator`, `judged` -> the tables of TABLES, in parts: an index on one basis at a time.

    In parts, since every contribution of every city and year is a row: thousands of units would not fit in memory.
    """
    computed = frames["judged"].loc[frames["judged"]["is_computed"], "index_code"]
    if computed.empty:
        reasons = [f"{row.index_code}: {row.skip_reason}" for row in frames["judged"].itertuples()]
        raise NoIndexError(
            "no index can be computed. "
            + "; ".join(reasons or ["no indicator has a value"])
            + ". An index needs its indicators in every year of its base window: land the files that are missing"
        )
    return (part for index_code in sorted(computed) for part in _parts(frames, index_code))


def _parts(frames: dict[str, pd.DataFrame], index_code: str) -> Iterator[dict[str, pd.DataFrame]]:
    """The tables of one index, basis by basis."""
    spec = frames["spec"][frames["spec"]["index_code"] == index_code]
    cells = frames["panel"][frames["panel"]["index_code"] == index_code]
    for basis, window in _bases(spec, cells).items():
        # the restated basis knows no year outside its window; the frozen one also scores later years
        seen = cells[cells["year"] <= window[1]] if basis == RESTATED else cells
        scaled = _scaled(seen, spec, frames["indicator"], window)
        made: dict[str, list[pd.DataFrame]] = {table: [] for table in TABLES}
        headline, is_variant = str(spec["weight_scheme"].iloc[0]), bool(spec["variant_of"].iloc[0])
        for table, frame in _tables(scaled, index_code, basis, headline, is_variant=is_variant):
            made[table].append(frame)
        yield {table: pd.concat(made.pop(table), ignore_index=True) for table in TABLES}


def _bases(spec: pd.DataFrame, cells: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """The two windows: the base window for ever, and up to the last year that most of the sample completes."""
    start, end = int(spec["window_start"].iloc[0]), int(spec["window_end"].iloc[0])
    n_indicator, n_city = len(spec), cells["city_id"].nunique()
    is_full = cells.groupby(["year", "city_id"]).size() == n_indicator
    share = is_full.groupby("year").sum() / n_city
    complete = [int(year) for year in share.index[share >= COMPLETE_SHARE]]
    return {f"frozen_{start}_{end}": (start, end), RESTATED: (start, max([end, *complete]))}


def _scaled(cells: pd.DataFrame, spec: pd.DataFrame, indicator: pd.DataFrame, window: tuple[int, int]) -> ScaledIndex:
    facts = indicator.set_index("indicator_code").loc[spec["indicator_code"]]
    panel = Panel.from_long(cells)
    imputed = Panel.from_long(cells.assign(flag=cells["is_imputed"].astype(float)), value="flag")
    return scale_index(
        panel,
        directions={code: int(d) for code, d in facts["direction"].items()},
        dimensions=dict(zip(spec["indicator_code"], spec["dimension"], strict=True)),
        tiers=dict(zip(spec["indicator_code"], spec["tier"].str.lower(), strict=True)),
        window=window,
        winsor={code: bool(flag) for code, flag in facts["is_winsorised"].items()},
        caps={code: float(c) for code, c in facts["cap_high"].dropna().items()},
        imputed=np.nan_to_num(imputed.values).astype(bool),
    )


def _tables(
    scaled: ScaledIndex, index_code: str, basis: str, headline: str, *, is_variant: bool
) -> list[tuple[str, pd.DataFrame]]:
    """(table, frame) of every scheme."""
    made: list[tuple[str, str, pd.DataFrame]] = []
    for run in SCHEMES:
        if is_variant and not run.is_for_all and run.code != headline:
            continue
        if run.code == headline:
            result = index_of_scheme(scaled, scheme=run.scheme)
            made += [(run.code, table, frame) for table, frame in _full(result, is_variant=is_variant).items()]
            continue
        chosen, weights, scores = scores_of_scheme(scaled, scheme=run.scheme, delta=run.delta)
        kept = scores["index_suffix"].isin(["", *_dimension_suffixes(scaled)] if run.has_parts else [""])
        made.append((run.code, "index_weight", weights))
        made.append((run.code, "index_score", scores[kept]))
        made.append((run.code, "index_check", _weight_checks(chosen.weights, run.scheme, chosen.flags)))
    if not is_variant:
        weights, scores = year_frames(scaled)
        made += [(TIME_VARYING, "index_weight", weights), (TIME_VARYING, "index_score", scores)]
    return [(table, _keyed(frame, table, index_code, basis, scheme)) for scheme, table, frame in made]


def _full(result: IndexResult, *, is_variant: bool) -> dict[str, pd.DataFrame]:
    """Everything of the headline scheme; variants have no scores of tiers."""
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


def _dimension_suffixes(scaled: ScaledIndex) -> list[str]:
    return [f"_{name}" for name in dict.fromkeys(scaled.labels.dimensions)]


def _keyed(frame: pd.DataFrame, table: str, index_code: str, basis: str, scheme: str) -> pd.DataFrame:
    keyed = frame.assign(index_code=index_code, basis=basis, spec_code=index_code, weight_scheme=scheme)
    if table == "index_score":
        return keyed.assign(index_code=index_code + frame["index_suffix"]).drop(columns="index_suffix")
    if table == "index_weight" and "year" not in frame:
        return keyed.assign(year=pd.array([pd.NA] * len(frame), dtype="Int64"))
    return keyed


def _identities(result: IndexResult) -> pd.DataFrame:
    """Observed and expected of the identities (docs/formulas.md#checks); `passed` is judged by the mart."""
    total = result.contributions.groupby(["city_id", "year"])["contribution"].sum(min_count=len(result.names))
    score = result.scores.query("index_suffix == ''").set_index(["city_id", "year"])["score"]
    gap = float((total - score).abs().max())
    checks = _weight_checks(result.w, result.scheme, ())
    checks.loc[len(checks)] = ["contributions_sum_to_score", gap, 0.0, IDENTITY_TOLERANCE, ""]
    return checks.assign(note="; ".join(result.warnings))


def _weight_checks(w: np.ndarray, scheme: str, flags: tuple[str, ...]) -> pd.DataFrame:
    """Weights sum to 1 and none is negative; of principal components the absolute values do."""
    total = float(np.abs(w).sum() if scheme == "pca" else w.sum())
    least = 0.0 if scheme == "pca" else min(float(w.min()), 0.0)
    rows = [("weights_sum_to_one", total, 1.0), ("smallest_weight_not_negative", least, 0.0)]
    note = "; ".join(sorted({flag for flag in flags if flag}))
    return pd.DataFrame(rows, columns=["rule", "observed", "expected"]).assign(tolerance=IDENTITY_TOLERANCE, note=note)
