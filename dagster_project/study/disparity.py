"""Regional disparity of the headline indexes: summaries, Dagum, nested Theil, sigma trends, gradients between groups.

Cities are drawn within groups, whole trajectories together; `lo` and `hi` are 95 % percentile limits, `bca_` the bias-
corrected ones, `band_` simultaneous over the years; those of parts of an index leave out whole provinces. Group lists
are those of the year; strata those of the last year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from dagster_project.study.frames import LIMITS, Frames, Rows, Tables, plane, stacked, words
from dagster_project.study.groups import ALL, PROVINCE, Groups, ObjectArray
from dagster_project.study.panels import ScorePanel, copies, score_panels, twins
from dagster_project.study.queries import GROUP_FRAMES, candidate_scores, queries
from dagster_project.study.settings import Settings
from python_models._types import BoolArray, FloatArray
from python_models.dynamics.sigma import sigma_convergence, sigma_trend
from python_models.inequality import _batch
from python_models.inequality._inputs import Groups as Codes
from python_models.inequality._inputs import as_groups
from python_models.inequality._weights import Weights
from python_models.inequality.bootstrap import Resampled, resampled
from python_models.inequality.change import BetweenGroups, between_groups, disparity_change
from python_models.inequality.dagum import DagumResult, dagum
from python_models.inequality.jackknife import Limits, jackknifed
from python_models.inequality.theil import Kind, theil_nested

type Row = dict[str, object]

INPUTS = {**queries(__file__), "scores": candidate_scores(), **GROUP_FRAMES}
TABLES = words(
    "disparity_summary dagum_within dagum_between dagum_component theil_nested sigma_trend disparity_change"
    " group_gradient"
)
LEAST_CITIES = 2
MEASURES = ("mean", "median", "sd", "cv", "p10", "p90", "gini", "gini_unbiased", "theil_t", "theil_l")
COMPONENTS = ("g_total", "g_w", "g_nb", "g_t", "share_w", "share_nb", "share_t")
# column of the pairs of groups -> what the table calls it
PAIR = {
    "gini_between": "g_jh",
    "gross_affluence": "d_jh_gross",
    "transvariation": "q_jh_transvariation",
    "mean_difference": "delta_jh",
    "relative_affluence": "rel_affluence_d",
}
MOST_PAIRED_GROUPS = 8  # more groups (provinces) get no table of pairs
THEIL_PARTS = ("total", "between_region", "between_province", "within_province")
THEIL_COLUMNS = (*THEIL_PARTS, *(f"share_{name}" for name in THEIL_PARTS[1:]))
KINDS: tuple[Kind, ...] = ("T", "L")


def build(frames: Frames, settings: Settings) -> Tables:
    """Tables of every candidate and basis; empty ones if no city is scored."""
    groups, rows = Groups.read(frames), Rows()
    for same in twins(score_panels(frames["scores"])):
        tables = _of_panel(same[0], groups, frames["population"], settings.seed, settings.sizes("disparity"))
        rows.add(copies(tables, same), seed=settings.seed)
    return rows.tables(TABLES)


def _of_panel(
    panel: ScorePanel, groups: Groups, population: pd.DataFrame, seed: int, sizes: Mapping[str, int]
) -> Tables:
    options = {"seed": seed, "n_replicates": sizes["bootstrap"]}
    people, region = plane(population, "population", panel.cities, panel.years), groups.main("region")
    rows = Rows()
    for scheme in (ALL, *groups.splits(), PROVINCE):
        codes = groups.of(scheme, panel.cities, panel.years[-1])
        inside = np.array([code is not None for code in codes])
        part, labels = panel.rows(inside), codes[inside]
        strata = labels if scheme != ALL else groups.of(region, part.cities, part.years[-1])
        if scheme != PROVINCE:
            for weights in (None, people[inside]):
                rows.add({"disparity_summary": _summaries(part, labels, strata, weights, options)}, scheme=scheme)
            rows.add({"sigma_trend": _sigma(part, labels, seed, sizes["trend"])}, scheme=scheme)
            changes = _change(part, None if scheme == ALL else labels, seed, sizes["trend"])
            rows.add({"disparity_change": changes}, scheme=scheme)
        if scheme != ALL:
            by_year = [groups.of(scheme, part.cities, year) for year in part.years]
            clusters = _provinces(part, groups, scheme if scheme in groups.regions() else region)
            rows.add(_dagum(part, by_year, labels, clusters, options), scheme=scheme)
        if scheme not in (ALL, PROVINCE):
            provinces = groups.of(PROVINCE, part.cities, part.years[-1])
            centre = groups.centre_of(scheme)
            gradient = _gradient(part, labels, provinces, centre, seed=seed, n_permutations=sizes["bootstrap"])
            rows.add({"group_gradient": gradient}, scheme=scheme)
    for nesting in groups.regions():
        rows.add({"theil_nested": nested_theil(panel, groups, nesting)}, scheme=nesting)
    return rows.tables(TABLES)


# ---- summaries and their trends -------------------------------------------------------------------------


def _summaries(
    panel: ScorePanel, labels: ObjectArray, strata: ObjectArray, weights: FloatArray | None, options: Mapping[str, int]
) -> pd.DataFrame:
    """One row per year and group. Weighted measures rest on the cities whose population is known in every year."""
    rows: list[Row] = []
    for group in sorted(set(labels)):
        inside = labels == group
        if weights is not None:
            inside &= np.isfinite(weights).all(axis=1)
        if inside.sum() < LEAST_CITIES:
            continue
        split = as_groups(np.where(strata[inside] == None, "", strata[inside]), int(inside.sum()))  # noqa: E711
        base = None if weights is None else weights[inside] / weights[inside].mean(axis=0)
        resamples = _summary_measures(panel.scores[inside], split, base, options)
        n = int(inside.sum())
        key = {"group_code": group, "weighted": weights is not None, "n": n, "n_obs": n}
        rows += [{"year": year, **key, **_limits(resamples, t)} for t, year in enumerate(panel.years)]
    return pd.DataFrame(rows)


def _summary_measures(Y: FloatArray, split: Codes, base: FloatArray | None, options: Mapping[str, int]) -> Resampled:
    factor = Y.shape[0] / (Y.shape[0] - 1.0)

    def of_year(t: int, W: Weights) -> FloatArray:
        y, w = Y[:, t], W if base is None else W.times(base[:, t])
        median, p10, p90 = (_batch.quantile(y, w, share) for share in (0.5, 0.1, 0.9))
        mean, sd, gini = _batch.mean(y, w), _batch.sd(y, w), _batch.gini(y, w)
        with np.errstate(invalid="ignore", divide="ignore"):
            cv = sd / mean
        theil = _batch.theil_t(y, w), _batch.theil_l(y, w)
        return np.column_stack([mean, median, sd, cv, p10, p90, gini, factor * gini, *theil])

    return resampled(of_year, Y.shape[1], split, **options)


def _ends(resamples: Resampled, t: int, q: int, name: str, *kinds: str) -> Row:
    """Percentile limits of a statistic in a year, and those of other kinds (bca, band)."""
    row: Row = {f"{name}_lo": resamples.lo[t, q], f"{name}_hi": resamples.hi[t, q]}
    for kind in kinds:
        row |= {f"{name}_{kind}_{end}": getattr(resamples, f"{kind}_{end}")[t, q] for end in ("lo", "hi")}
    return row


def _limits(resamples: Resampled, t: int) -> Row:
    """Estimate with percentile limits for every measure; BCa and simultaneous limits for the indices."""
    kinds = {"gini": ("bca", "band"), "theil_t": ("bca",), "theil_l": ("bca",)}
    row: Row = {}
    for q, name in enumerate(MEASURES):
        row |= {name: resamples.estimate[t, q], **_ends(resamples, t, q, name, *kinds.get(name, ()))}
    return row


def _sigma(panel: ScorePanel, labels: ObjectArray, seed: int, n_trend: int) -> pd.DataFrame:
    trends = []
    for group in sorted(set(labels)):
        Y = panel.scores[labels == group]
        if Y.shape[0] < LEAST_CITIES or Y.shape[1] < 3 or not (Y > 0.0).all():
            continue
        options = {"n_bootstrap": n_trend, "seed": seed}
        both = sigma_convergence(Y, **options)
        cv = sigma_trend(Y, measure="cv", **options).to_frame()
        for trend in (both.to_frame(), cv.assign(joint=both.verdict)):
            trends.append(trend.assign(group_code=group, p=trend["p_value"]))
    return stacked(trends).assign(first_year=panel.years[0], last_year=panel.years[-1])


def _change(panel: ScorePanel, labels: ObjectArray | None, seed: int, n_bootstrap: int) -> pd.DataFrame:
    """Every measure of the first and the last year: parts and gaps of groups, without groups the whole measures."""
    if len(panel.cities) < 3 or len(panel.years) < 2 or (labels is not None and len(set(labels)) < 2):
        return pd.DataFrame()
    groups = None if labels is None else np.array([str(code) for code in labels])
    changes = disparity_change(panel.scores, groups, n_bootstrap=n_bootstrap, seed=seed).to_frame()
    if labels is not None:  # what does not depend on the groups stands with all cities
        changes = changes[changes["measure"].str.contains("^dagum|^gap|_within|_between")]
    ends = {**LIMITS, "first": "value_first", "last": "value_last"}
    return changes.rename(columns=ends).assign(first_year=panel.years[0], last_year=panel.years[-1])


# ---- Dagum's decomposition ------------------------------------------------------------------------------


def _dagum(
    panel: ScorePanel,
    by_year: Sequence[ObjectArray],
    strata: ObjectArray,
    clusters: tuple[Codes, Codes],
    options: Mapping[str, int],
) -> Tables:
    """dagum_within, dagum_between and dagum_component of one scheme; by_year: group code of each city, by year."""
    n = len(panel.cities)
    labels = sorted(set(strata))
    splits = [as_groups(pd.Categorical(codes, categories=labels), n) for codes in by_year]
    plan = _DagumPlan(len(labels), is_paired=len(labels) <= MOST_PAIRED_GROUPS)

    def parts_of_year(t: int, W: Weights) -> FloatArray:
        parts, _ = _batch.dagum_components(panel.scores[:, t], W, splits[t])
        return np.column_stack([parts, _percent(parts[:, 1:], parts[:, 0])])

    def of_year(t: int, W: Weights) -> FloatArray:
        return plan.statistics(panel.scores[:, t], W, splits[t])

    is_share = np.array([name.startswith("share") for name in COMPONENTS])
    limits = jackknifed(parts_of_year, len(panel.years), *clusters, is_share)
    limits = limits._replace(hi=np.where(is_share, limits.hi, np.minimum(limits.hi, 1.0)))  # no Gini index is above 1
    if all(np.unique(clusters[0].codes[split.codes == j]).size < 2 for split in splits for j in range(split.size)):
        limits.lo[:, 1:], limits.hi[:, 1:] = np.nan, np.nan  # a group that goes as a whole leaves other parts
    resamples = resampled(of_year, len(panel.years), as_groups(strata, n), **options)
    rows: dict[str, list[Row]] = {"dagum_within": [], "dagum_between": [], "dagum_component": []}
    for t, year in enumerate(panel.years):
        exact = dagum(panel.scores[:, t], pd.Categorical(by_year[t], categories=labels))
        by_chance = _by_chance(panel.scores[:, t], by_year[t])
        rows["dagum_component"].append({"year": year, **_components(exact, limits, t), **by_chance, "n_obs": n})
        rows["dagum_within"] += [{"year": year, **row} for row in _within(exact, resamples, t)]
        if plan.is_paired:
            rows["dagum_between"] += [{"year": year, **row} for row in _pairs(exact, resamples, t, plan)]
    return {name: pd.DataFrame(part) for name, part in rows.items()}


def _provinces(panel: ScorePanel, groups: Groups, region: str) -> tuple[Codes, Codes]:
    """Provinces and the regions that they lie in, by city; a city without a province is one of its own."""
    n = len(panel.cities)
    provinces, regions = (groups.of(name, panel.cities, panel.years[-1]) for name in (PROVINCE, region))
    alone = [city if code is None else code for city, code in zip(panel.cities, provinces, strict=True)]
    return as_groups(alone, n), as_groups(["" if code is None else code for code in regions], n)


@dataclass(frozen=True)
class _DagumPlan:
    """Where each statistic stands in the vector of a replicate: G_jj, then G_jh and D_jh for j < h."""

    k: int
    is_paired: bool

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return list(combinations(range(self.k), 2)) if self.is_paired else []

    def at_pair(self, j: int, h: int) -> tuple[int, int, float]:
        """Place of G_jh, place of D_jh, and the sign that turns D towards (j, h)."""
        place = self.pairs.index((min(j, h), max(j, h)))
        first = self.k
        return first + place, first + len(self.pairs) + place, 1.0 if j < h else -1.0

    def statistics(self, y: FloatArray, W: Weights, split: Codes) -> FloatArray:
        if not self.is_paired:
            return _batch.dagum_components(y, W, split)[1]
        full = _batch.dagum(y, W, split)
        inside = np.einsum("bjj->bj", full.gini_matrix)
        at = tuple(np.array(self.pairs, dtype=np.int64).reshape(-1, 2).T)
        pairs = full.gini_matrix[:, at[0], at[1]], full.affluence_matrix[:, at[0], at[1]]
        return np.column_stack([inside, *pairs])


def _percent(parts: FloatArray, total: FloatArray) -> FloatArray:
    """Columns in percent of a total; nan where that is 0."""
    return np.asarray(100.0 * parts / np.where(total > 0.0, total, np.nan)[:, None])


def _components(exact: DagumResult, limits: Limits, t: int) -> Row:
    values = [exact.total, exact.within, exact.between, exact.transvariation, *exact.shares]
    return _parts_row(COMPONENTS, values, limits, t)


def _parts_row(names: Sequence[str], values: Sequence[float], limits: Limits, t: int) -> Row:
    row: Row = {}
    for q, (name, value) in enumerate(zip(names, values, strict=True)):
        row |= {name: value, f"{name}_lo": limits.lo[t, q], f"{name}_hi": limits.hi[t, q]}
    return row


def _by_chance(y: FloatArray, codes: ObjectArray) -> Row:
    """The net part between groups less what groups of equal means would show, and the test of equal means."""
    empty: Row = dict.fromkeys(("g_nb_corrected", "share_nb_corrected", "p_equal_means"), np.nan)
    inside = np.array([code is not None for code in codes])
    labels = codes[inside].astype(str)
    if len(set(labels)) < 2 or min(pd.Series(labels).value_counts()) < 2:
        return empty
    expected: BetweenGroups = between_groups(y[inside], labels)
    share = expected.shares[1] if expected.total > 0.0 else np.nan
    return {"g_nb_corrected": expected.corrected, "share_nb_corrected": share, "p_equal_means": expected.p}


def _within(exact: DagumResult, resamples: Resampled, t: int) -> list[Row]:
    rows: list[Row] = []
    for j, group in enumerate(exact.labels):
        n = int(exact.counts[j])
        row: Row = {"group_code": group, "g_jj": exact.gini_matrix[j, j], "n_j": n, "n_obs": n}
        row |= {"p_j": exact.population_share[j], "s_j": exact.value_share[j], "mean_j": exact.means[j]}
        row |= {"lo": resamples.lo[t, j] if n else np.nan, "hi": resamples.hi[t, j] if n else np.nan}
        rows.append(row)
    return rows


def _pairs(exact: DagumResult, resamples: Resampled, t: int, plan: _DagumPlan) -> list[Row]:
    rows: list[Row] = []
    for (j, h), pair in zip(exact.pairs(), exact.pairs_frame().rename(columns=PAIR).to_dict("records"), strict=True):
        at_gini, at_affluence, sign = plan.at_pair(j, h)
        low, high = sorted((sign * resamples.lo[t, at_affluence], sign * resamples.hi[t, at_affluence]))
        limits = {"lo": resamples.lo[t, at_gini], "hi": resamples.hi[t, at_gini], "d_lo": low, "d_hi": high}
        rows.append({**pair, **limits, "n_obs": int(exact.counts[j] + exact.counts[h])})  # type: ignore[dict-item]
    return rows


# ---- Theil's decomposition ------------------------------------------------------------------------------


def nested_theil(panel: ScorePanel, groups: Groups, scheme: str) -> pd.DataFrame:
    """One row a year, of T and L, all cities and without the municipalities; limits leave out whole provinces."""
    rows: list[Row] = []
    keep = np.array([code is not None for code in groups.of(scheme, panel.cities, panel.years[-1])])
    for sample in ("all", "no_municipality"):
        part = panel.rows(keep & ~groups.is_municipality(panel.cities) if sample == "no_municipality" else keep)
        n = len(part.cities)
        if n < 2:
            continue
        region, province = (groups.of(name, part.cities, part.years[-1]) for name in (scheme, PROVINCE))
        for kind in KINDS:
            limits = _theil_limits(part, as_groups(region, n), as_groups(province, n), kind)
            for t, year in enumerate(part.years):
                exact = theil_nested(part.scores[:, t], region, province, kind)
                parts = [float(getattr(exact, name)) for name in THEIL_PARTS]
                values = [*parts, *_percent(np.array([parts[1:]]), np.array([exact.total]))[0]]
                row = _parts_row(THEIL_COLUMNS, values, limits, t)
                key: Row = {"year": year, "kind": kind, "sample": sample}
                rows.append({**key, **row, "has_zero": exact.has_zero, "n_obs": n})
    return pd.DataFrame(rows)


def _theil_limits(panel: ScorePanel, region: Codes, province: Codes, kind: Kind) -> Limits:
    def of_year(t: int, W: Weights) -> FloatArray:
        b = _batch.theil_nested(panel.scores[:, t], W, region, province, kind)
        parts = np.column_stack([b.total, b.between_region, b.between_province, b.within_province])
        return np.column_stack([parts, _percent(parts[:, 1:], b.total)])

    is_share = np.array([name.startswith("share") for name in THEIL_COLUMNS])
    return jackknifed(of_year, len(panel.years), province, region, is_share)


# ---- gradients between groups ---------------------------------------------------------------------------


def _gradient(
    panel: ScorePanel, labels: ObjectArray, provinces: ObjectArray, centre: str, *, seed: int, n_permutations: int
) -> pd.DataFrame:
    """One row per measure, period and pair of groups: means, difference, ratio, Welch t, permutation p.

    level: the score of each year. growth: (ln y_T - ln y_1) / (T - 1), a year. trend: least-squares slope of ln y on
    the year of each city; its difference is the group x trend coefficient with city effects, and Welch's variance the
    one clustered by city. p_perm: labels permuted inside provinces that have cities of both groups; nan if none has.
    Two groups are always centre minus periphery, more of them the one with the higher mean minus the other.
    """
    rows: list[Row] = []
    rng = np.random.default_rng(seed)
    for high, low in _ordered_pairs(panel, labels, centre):
        inside = (labels == high) | (labels == low)
        is_high = (labels == high)[inside]
        if min(is_high.sum(), (~is_high).sum()) < 2:
            continue
        permutations = _permuted(is_high, provinces[inside], rng, n_permutations)
        key: Row = {"group_high": high, "group_low": low, "n_obs": int(inside.sum())}
        for measure, period, values in _measures(panel):
            row = _contrast(values[inside], is_high, permutations)
            rows.append({"measure": measure, "period": period, **key, **row})
    return pd.DataFrame(rows)


def _ordered_pairs(panel: ScorePanel, labels: ObjectArray, centre: str) -> list[tuple[str, str]]:
    means = {group: float(panel.scores[labels == group].mean()) for group in sorted(set(labels))}
    order = sorted(means, key=lambda g: (not (len(means) == 2 and g == centre), -means[g], g))
    return list(combinations(order, 2))


def _measures(panel: ScorePanel) -> Iterator[tuple[str, str, FloatArray]]:
    for t, year in enumerate(panel.years):
        yield "level", str(year), panel.scores[:, t]
    if len(panel.years) > 2 and (panel.scores > 0.0).all():
        period, logs = f"{panel.years[0]}-{panel.years[-1]}", np.log(panel.scores)
        time = np.array(panel.years, dtype=np.float64)
        yield "growth", period, (logs[:, -1] - logs[:, 0]) / (time[-1] - time[0])
        time -= time.mean()
        yield "trend", period, logs @ time / (time @ time)


def _contrast(values: FloatArray, is_high: BoolArray, permutations: FloatArray | None) -> Row:
    a, b = values[is_high], values[~is_high]
    diff = float(a.mean() - b.mean())
    ratio = a.mean() / b.mean() if b.mean() > 0.0 else np.nan
    row: Row = {"mean_high": a.mean(), "mean_low": b.mean(), "diff": diff, "ratio": ratio}
    row |= dict.fromkeys(("t", "p", "lo", "hi", "p_perm"), np.nan)
    if np.ptp(a) > 0.0 or np.ptp(b) > 0.0:
        test = stats.ttest_ind(a, b, equal_var=False)
        interval = test.confidence_interval(0.95)
        row |= {"t": test.statistic, "p": test.pvalue, "lo": interval.low, "hi": interval.high}
    if permutations is not None:
        differences = permutations @ values / is_high.sum() - (1.0 - permutations) @ values / (~is_high).sum()
        # the labels of whole provinces cannot move: compare with the centre of what can be drawn
        middle = float(differences.mean())
        extreme = np.abs(differences - middle) >= abs(diff - middle) - 1e-12
        row["p_perm"] = float((1 + extreme.sum()) / (1 + differences.size))
    return row


def _permuted(is_high: BoolArray, provinces: ObjectArray, rng: np.random.Generator, n: int) -> FloatArray | None:
    """Labels (n, cities) permuted inside provinces; None if no province has both kinds."""
    result = np.repeat(is_high[None].astype(np.float64), n, axis=0)
    is_mixed = False
    for province in sorted({str(p) for p in provinces}):
        at = np.flatnonzero(provinces.astype(str) == province)
        if 0 < is_high[at].sum() < at.size:
            is_mixed = True
            result[:, at] = rng.permuted(result[:, at], axis=1)
    return result if is_mixed else None
