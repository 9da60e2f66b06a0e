"""What a policy does to the cities that have it and to their neighbours (docs/formulas.md#pilots).

City and year effects are estimated on cells (city, year) that are neither pilot nor exposed yet; the others are held
against them. Errors hold both steps: an estimate is sum v_it y_it with known v, and a city adds
psi_i = sum_t v_it e_it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray, IntArray
from python_models.inference import holm, normal, wald
from python_models.influence.honest import honest_bounds
from python_models.regression import PanelInputError
from python_models.regression.covariance import Cluster, Conley, Robust, Rows, Scores, freed, group_codes, meat, sums_by
from python_models.space.distance import distance_matrix

type Metric = Literal["haversine", "euclidean"]

LEAST_CONTROLS = 2  # cities that are never a pilot nor exposed: one alone would be its own year effects
DIRECT = "direct"
LEAST_BEFORE = 5  # cities with a year before the leads: fewer would be all that the leads are compared with
HONEST = ("estimate_event", "lower_honest", "upper_honest", "breakdown")
BY_CITY = Cluster()  # the residuals behind psi are freed of their own city already
NO_RING, IS_PILOT, NOTHING = -1, -1, -2


@dataclass(frozen=True, eq=False)
class Exposure(Shown):
    """pilot (N, T); ring (N, T): number of the ring of the nearest other pilot, -1 for none in reach.

    first (N,): first year of either, inf for never.   came (N,): what came first, -1 the own start, else the ring; -2
    nothing.
    """

    pilot: BoolArray
    ring: IntArray
    first: FloatArray
    came: IntArray


@dataclass(frozen=True, eq=False)
class PilotEffects(Shown):
    """table: estimator (`imputation` or `twfe`), term, estimate, se (by cluster), z, p, lower, upper, se_conley,
    p_conley, n_cities, n_cells, p_pretrend (of the term's leads; NaN where there are too few years before); of the
    imputation estimate_event (mean over the years since the first event), lower_honest, upper_honest, breakdown.

    term: `direct`, a ring such as `0-100`, or `pilot:0-100`, what an effect on a pilot with another one in that ring is
    above that on a pilot alone.   events: term, event (years since the start or the first exposure; before it, leads on
    clean cells), the same numbers.   p_pretrend: the smallest of Holm's over the terms.
    n_controls: cities that are never a pilot nor exposed.   n_left_out: cities with y that have no clean year.
    """

    table: pd.DataFrame
    events: pd.DataFrame
    p_pretrend: float
    n_controls: int
    n_left_out: int

    def to_frame(self) -> pd.DataFrame:
        return self.table.copy()


def pilot_exposure(start: ArrayLike, distance: ArrayLike, edges: Sequence[float], years: Sequence[int]) -> Exposure:
    """Which cities are pilots, and in which ring of km the nearest other pilot is, in each year.

    start (N,): first year as a pilot, NaN or inf for never; distance (N, N) and edges: km.
    """
    begin, d, t = _starts(start), np.array(distance, dtype=np.float64), np.asarray(years, dtype=np.float64)
    cuts = [float(e) for e in edges]
    if cuts and (len(cuts) < 2 or cuts[0] != 0.0 or any(b <= a for a, b in itertools.pairwise(cuts))):
        raise PanelInputError(f"edges must rise from 0 on, at least two of them, or be empty; got {cuts}.")
    if d.shape != (len(begin), len(begin)):
        raise PanelInputError(f"distance must be ({len(begin)}, {len(begin)}), got shape {d.shape}.")
    np.fill_diagonal(d, np.inf)
    pilot = begin[:, None] <= t
    ring = np.full(pilot.shape, NO_RING, dtype=np.int64)
    if cuts:
        for k in range(len(t)):
            nearest = d[:, pilot[:, k]].min(axis=1, initial=np.inf)
            place = np.searchsorted(cuts, nearest, side="right") - 1
            ring[:, k] = np.where(place < len(cuts) - 1, place, NO_RING)
    is_near = pilot | (ring >= 0)
    at = np.argmax(is_near, axis=1)
    is_ever, row = is_near.any(axis=1), np.arange(len(begin))
    first = np.where(is_ever, t[at], np.inf)
    came = np.where(pilot[row, at], IS_PILOT, ring[row, at])
    return Exposure(pilot, ring, first, np.where(is_ever, came, NOTHING).astype(np.int64))


@aligned
def pilot_effects(
    y: ArrayLike,
    start: ArrayLike,
    points: ArrayLike,
    years: Sequence[int],
    edges: Sequence[float],
    *,
    horizon: int = 5,
    leads: int = 3,
    cutoff: float = 300.0,
    metric: Metric = "haversine",
    on_pilots: bool = False,
    clusters: ArrayLike | None = None,
) -> PilotEffects:
    """Effect of a policy on its pilots and, by ring of distance, on their neighbours (docs/formulas.md#pilots).

    Parameters
    ----------
    y : (N, T) array or frame
        Outcome in any unit, NaN where it is not known (a pilot without y still exposes its neighbours).
    start : (N,) array or Series
        First year as a pilot; NaN or inf for never.
    points : (N, 2) array or frame
        Longitude and latitude (km), or plane coordinates with `metric="euclidean"`.
    years : sequence of T int
        Years.
    edges : sequence of float
        Rising cut points of the rings from 0 on, in km; empty: no rings.
    horizon, leads : int
        Years after and before the start.
    cutoff : float
        Distance in km up to which the errors of two cities may go together.
    metric : {"haversine", "euclidean"}
        Distance of two points.
    on_pilots : bool
        Whether `direct` is the effect of a pilot alone, and what other pilots add to pilots is a term beside it.
    clusters : (N,) labels, optional
        Cities whose errors go together, e.g. provinces: limits and p are those of t with clusters less one degrees of
        freedom. Default: each city for itself, normal.

    Returns
    -------
    PilotEffects
        `direct`: mean of tau over pilots; a ring: mean over exposed cities that are no pilots; `twfe`: the regression
        of y on these indicators. Errors by cluster, and of cities up to `cutoff`.

    Raises
    ------
    PanelInputError
        No city starts inside the years, no year before, no city that is never a pilot nor exposed.

    Notes
    -----
    y_it = a_i + g_t + e_it on cells that are neither pilot nor exposed, tau_it = y_it - a_i - g_t on the others.

    References
    ----------
    Borusyak, Jaravel and Spiess (2024, Rev. Economic Studies 91), Gardner (2022), Butts (2021).

    Examples
    --------
    >>> from python_models.influence import pilot_effects
    >>> rng, place = np.random.default_rng(1), np.column_stack([np.arange(12.0) * 100, np.zeros(12)])
    >>> y, start = rng.normal(size=(12, 6)), np.where(np.arange(12) < 2, 2015.0, np.nan)
    >>> effects = pilot_effects(y, start, place, range(2012, 2018), [0, 150], metric="euclidean")
    >>> effects.to_frame()["term"].tolist()
    ['direct', '0-150', 'direct', '0-150']
    """
    panel = _Panel.of(y, start, points, years, edges, metric, clusters=clusters)
    errors = _Errors(panel.by_cluster, Conley(panel.points, cutoff, metric=metric), panel.dof)
    groups, slopes = panel.leads(leads)
    joint = {term: (slopes.pick(at), min(m, panel.dof + 1.0)) for term, (at, m) in groups.items() if at}
    tests = {term: _joint(part, panel.by_cluster, m) for term, (part, m) in joint.items()}
    estimates = {"imputation": panel.imputed(on_pilots), "twfe": panel.regressed(on_pilots)}
    frames = {name: estimate.frame(errors) for name, estimate in estimates.items()}
    table = pd.concat(frames, names=["estimator"]).reset_index("estimator").reset_index(drop=True)
    table["p_pretrend"] = table["term"].map(tests).where(table["estimator"] == "imputation").astype(float)
    table = table.join(panel.honest(leads, horizon), on="term")
    table.loc[table["estimator"] == "twfe", list(HONEST)] = np.nan
    events = pd.concat([slopes.frame(errors), panel.events(horizon).frame(errors)], ignore_index=True)
    order = {name: k for k, name in enumerate(panel.names)}
    events = events.sort_values(["term", "event"], key=lambda c: c.map(order) if c.name == "term" else c)
    p = float(np.nanmin(holm(list(tests.values())), initial=1.0)) if tests else float("nan")
    n_left_out = int((panel.is_known.any(axis=1) & ~panel.clean.any(axis=1)).sum())
    return PilotEffects(table, events.reset_index(drop=True), p, panel.n_controls, n_left_out)


class _TwoWay:
    """Effects a_i + g_t by least squares on the cells of a mask (N, T); cities are swept out, years solved for."""

    def __init__(self, mask: BoolArray) -> None:
        self.cells = mask.astype(np.float64)
        self.share = self.cells / np.maximum(self.cells.sum(axis=1), 1.0)[:, None]
        system = np.diag(self.cells.sum(axis=0)) - self.cells.T @ self.share
        values, vectors = np.linalg.eigh(system)
        nonzero = values > 1e-9 * max(float(values[-1]), 1.0)
        if nonzero.sum() < mask.any(axis=0).sum() - 1:
            raise PanelInputError("the clean years of the cities do not overlap: no chain leads from year to year.")
        self.inverse = (vectors[:, nonzero] / values[nonzero]) @ vectors[:, nonzero].T

    def effects(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """a (.., N) and g (.., T) of z (.., N, T); what z holds outside the mask is not looked at."""
        inside = z * self.cells
        mean = (z * self.share).sum(axis=-1)
        g = (inside - self.cells * mean[..., None]).sum(axis=-2) @ self.inverse
        return mean - g @ self.share.T, g

    def residual(self, z: FloatArray) -> FloatArray:
        """z less its effects on the mask, 0 elsewhere."""
        a, g = self.effects(z)
        return (z - a[..., None] - g[..., None, :]) * self.cells

    def weights(self, w: FloatArray) -> FloatArray:
        """v with sum v y = sum w (y - a - g), for w (.., N, T) off the mask."""
        total = w.sum(axis=-1)
        h = (w.sum(axis=-2) - total @ self.share) @ self.inverse
        mean = h @ self.share.T
        return w - self.share * total[..., None] - self.cells * (h[..., None, :] - mean[..., None])


@dataclass(frozen=True, eq=False)
class _Errors:
    """How the errors of cities go together, with degrees of freedom of t, and Conley's beside them."""

    kind: Robust
    beside: Robust
    dof: float


@dataclass(frozen=True, eq=False)
class _Estimates:
    """terms, events and estimates (p,); psi (N, p): what a city adds; cells: which cells each is about, (p, N, T)."""

    terms: list[str]
    event: list[int] | None
    value: FloatArray
    psi: FloatArray
    cells: BoolArray

    def pick(self, at: Sequence[int]) -> _Estimates:
        places = list(at)
        event = None if self.event is None else [self.event[k] for k in places]
        return _Estimates(
            [self.terms[k] for k in places], event, self.value[places], self.psi[:, places], self.cells[places]
        )

    def cov(self, kind: Robust) -> FloatArray:
        """(p, p); each city stands for all of its years, so that errors may last as long as they like."""
        n, p = self.psi.shape
        rows = Rows(np.arange(n), np.zeros(n, dtype=np.int64), n)
        scores = Scores(self.psi, np.zeros((n, 0)), (), p, np.zeros((n, 1)), 1.0, rows)
        return meat(scores, kind, dof=n)

    def frame(self, errors: _Errors) -> pd.DataFrame:
        estimable = np.flatnonzero(np.isfinite(self.psi).all(axis=0) & np.isfinite(self.value))
        se = np.full((2, len(self.terms)), np.nan)
        if estimable.size:
            for row, kind in zip(se, (errors.kind, errors.beside), strict=True):
                row[estimable] = np.sqrt(np.diagonal(self.pick(estimable.tolist()).cov(kind)))
        table = pd.DataFrame({"term": self.terms})
        if self.event is not None:
            table["event"] = self.event
        return table.assign(
            estimate=self.value,
            se=se[0],
            **normal(self.value, se[0], dof=errors.dof).columns(),
            se_conley=se[1],
            p_conley=normal(self.value, se[1]).p,
            n_cities=self.cells.any(axis=2).sum(axis=1),
            n_cells=self.cells.sum(axis=(1, 2)),
        )


def _joint(slopes: _Estimates, kind: Robust, m: float) -> float:
    """p that all are zero: Hotelling's F = (m - q) / (q (m - 1)) Wald with q and m - q degrees of freedom, for q leads
    and m cities (at most: clusters) to compare with: with few of them chi2 rejects too often. NaN where q >= m."""
    q = len(slopes.terms)
    if not 0 < q < m or not np.isfinite(slopes.psi).all():
        return float("nan")
    try:
        statistic = wald(slopes.value, slopes.cov(kind)).statistic
    except np.linalg.LinAlgError:
        return float("nan")
    return float(stats.f.sf((m - q) / (q * (m - 1.0)) * statistic, q, m - q))


@dataclass(frozen=True, eq=False)
class _Panel:
    """y with 0 where it is not known; clean: neither pilot nor exposed yet; names: direct, then the rings."""

    y: FloatArray
    is_known: BoolArray
    start: FloatArray
    points: FloatArray
    years: FloatArray
    exposure: Exposure
    names: list[str]
    clean: BoolArray
    cluster: IntArray  # of each city
    is_by_city: bool

    @classmethod
    def of(
        cls,
        y: ArrayLike,
        start: ArrayLike,
        points: ArrayLike,
        years: Sequence[int],
        edges: Sequence[float],
        metric: Metric,
        distance: FloatArray | None = None,
        clusters: ArrayLike | None = None,
    ) -> _Panel:
        values, begin, place = np.asarray(y, dtype=np.float64), _starts(start), np.asarray(points, dtype=np.float64)
        n, t = len(begin), len(years)
        if values.shape != (n, t):
            raise PanelInputError(f"y must be ({n}, {t}), cities of start by years, got shape {values.shape}.")
        if place.shape != (n, 2) or not np.isfinite(place).all():
            raise PanelInputError(f"points must be two known coordinates a city ({n}), got shape {place.shape}.")
        if any(b - a != 1 for a, b in itertools.pairwise(years)):
            raise PanelInputError(f"years must follow one another, got {list(years)}.")
        far = distance_matrix(place, metric) if distance is None else distance
        exposure = pilot_exposure(begin, far, edges, years)
        is_finite = np.isfinite(values)
        clean = is_finite & ~exposure.pilot & (exposure.ring < 0)
        names = [DIRECT, *(f"{low:g}-{high:g}" for low, high in itertools.pairwise(edges))]
        y0, t0 = np.where(is_finite, values, 0.0), np.array(years, dtype=float)
        codes = np.arange(n) if clusters is None else group_codes(clusters, n)[0]
        panel = cls(y0, is_finite, begin, place, t0, exposure, names, clean, codes, clusters is None)
        panel._check(edges)
        return panel

    @property
    def by_cluster(self) -> Cluster:
        return BY_CITY if self.is_by_city else Cluster(self.cluster)

    @property
    def dof(self) -> float:
        return np.inf if self.is_by_city else len(np.unique(self.cluster[self.is_known.any(axis=1)])) - 1.0

    @property
    def n_controls(self) -> int:
        return int((np.isinf(self.exposure.first) & self.is_known.any(axis=1)).sum())

    def _check(self, edges: Sequence[float]) -> None:
        span = f"{self.years[0]:g}-{self.years[-1]:g}"
        is_observed = self.is_known.any(axis=1)
        inside = is_observed & (self.start > self.years[0]) & (self.start <= self.years[-1])
        if (self.exposure.pilot[is_observed].any(axis=1)).all():
            raise PanelInputError("every city becomes a pilot: there is nobody to compare with.")
        if not inside.any():
            raise PanelInputError(f"no city with a year before becomes a pilot inside {span}.")
        if self.n_controls < LEAST_CONTROLS:
            reach = f"within {edges[-1]:g} km of one" if len(edges) else "near one"
            count = f"{self.n_controls} cities are never a pilot nor {reach} inside {span}"
            raise PanelInputError(f"{count}, at least {LEAST_CONTROLS} are needed: take nearer rings.")
        if not self.clean[inside].any():
            raise PanelInputError("no pilot has a year before its own start and before another pilot came near.")

    def terms(self, *, on_pilots: bool) -> tuple[list[str], BoolArray]:
        """Names and cells (p, N, T), all apart from each other."""
        ring, pilot = self.exposure.ring, self.exposure.pilot
        rings = np.arange(len(self.names) - 1)[:, None, None]
        theirs = (ring == rings) & ~pilot
        if not on_pilots:
            return self.names, np.concatenate([pilot[None], theirs])
        names = [*self.names, *(f"pilot:{name}" for name in self.names[1:])]
        return names, np.concatenate([(pilot & (ring < 0))[None], theirs, (ring == rings) & pilot])

    def imputed(self, on_pilots: bool) -> _Estimates:
        names, cells = self.terms(on_pilots=on_pilots)
        means = self._means(names, None, cells)
        if not on_pilots:
            return means
        change = np.eye(len(names))
        change[0, len(self.names) :] = -1.0  # above what a pilot alone has
        return _Estimates(names, None, means.value @ change, means.psi @ change, means.cells)

    def events(self, horizon: int) -> _Estimates:
        """Means of tau by years since the own start (pilots) or the first exposure (others)."""
        names, cells = self.terms(on_pilots=False)
        begins = [self.start, *([self.exposure.first] * (len(names) - 1))]
        sets = [
            (name, h, cell & (self.years - begin[:, None] == h))
            for name, cell, begin in zip(names, cells, begins, strict=True)
            for h in range(horizon + 1)
        ]
        usable = [one for one in sets if (one[2] & self._imputable).any()]
        return self._means([k[0] for k in usable], [k[1] for k in usable], np.array([k[2] for k in usable]))

    @property
    def _imputable(self) -> BoolArray:
        """Known cells, not clean, whose city and year both have clean cells."""
        return self.is_known & ~self.clean & self.clean.any(axis=1)[:, None] & self.clean.any(axis=0)

    def _means(self, names: list[str], event: list[int] | None, cells: BoolArray) -> _Estimates:
        """Mean of tau over each set of cells (p, N, T). A city is held against the mean of the other clusters of its
        set, so that few of them do not explain themselves; one alone has no error."""
        effects = _TwoWay(self.clean)
        a, g = effects.effects(self.y)
        tau = self.y - a[:, None] - g
        imputable = cells & self._imputable
        count = imputable.sum(axis=(1, 2)).astype(np.float64)
        w = imputable / np.maximum(count, 1.0)[:, None, None]
        value = np.where(count > 0, (w * tau).sum(axis=(1, 2)), np.nan)
        psi = (effects.weights(w) * effects.residual(self.y)).sum(axis=2) + self._gaps(tau, imputable)
        return _Estimates(names, event, value, psi.T, imputable)

    def _gaps(self, tau: FloatArray, cells: BoolArray) -> FloatArray:
        """(p, N): what a city adds to the mean of tau over a set, held against the mean of the other clusters."""
        sums, sizes = (cells * tau).sum(axis=2), cells.sum(axis=2).astype(np.float64)
        all_sums, count = sums.sum(axis=1)[:, None], sizes.sum(axis=1)[:, None]
        ours = [sums_by(part.T, self.cluster)[self.cluster].T for part in (sums, sizes)]
        with np.errstate(divide="ignore", invalid="ignore"):
            beside = np.where(count > ours[1], (all_sums - ours[0]) / (count - ours[1]), np.nan)
        return np.asarray(np.where(sizes > 0, sums - sizes * beside, 0.0) / np.maximum(count, 1.0))

    def honest(self, leads: int, horizon: int) -> pd.DataFrame:
        """Honest bounds of each term (index) at relative magnitude 1; NaN where a step has fewer than LEAST_BEFORE
        cities or one cluster alone."""
        rows = {name: self._bounds(k, leads, horizon) for k, name in enumerate(self.names)}
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(HONEST)).astype(float)

    def _bounds(self, k: int, leads: int, horizon: int) -> tuple[float, ...]:
        change = np.diff(self.y, axis=1)
        has_step = self.is_known[:, 1:] & self.is_known[:, :-1]
        never = has_step & np.isinf(self.exposure.first)[:, None]
        counts = never.sum(axis=0)
        net = change - (never * change).sum(axis=0) / np.maximum(counts, 1)
        comes_near = has_step & (self.exposure.came == k - 1)[:, None] & (counts >= LEAST_CONTROLS)
        if k:
            comes_near &= ~self.exposure.pilot[:, 1:]
        since = self.years[1:] - self.exposure.first[:, None]
        cells = {s: comes_near & (since == s) for s in range(-leads, horizon + 1)}
        enough = {s: int(cell.any(axis=1).sum()) >= LEAST_BEFORE for s, cell in cells.items()}
        before = list(itertools.takewhile(enough.__getitem__, range(-1, -leads - 1, -1)))[::-1]
        after = list(itertools.takewhile(enough.__getitem__, range(horizon + 1)))
        if not before or not after:
            return (np.nan,) * len(HONEST)
        step_cells = np.array([cells[s] for s in (*before, *after)])
        sizes = step_cells.sum(axis=(1, 2)).astype(np.float64)
        weight = step_cells.sum(axis=1) / sizes[:, None]  # of the years, by step
        spread = np.where(never, net / np.maximum(counts - 1, 1), 0.0)
        psi = self._gaps(net, step_cells) - np.einsum("pt,nt->pn", weight, spread)
        if not np.isfinite(psi).all():
            return (np.nan,) * len(HONEST)
        value = (step_cells * net).sum(axis=(1, 2)) / sizes
        steps = _Estimates([self.names[k]] * len(value), None, value, psi.T, step_cells)
        bounds = honest_bounds(value, steps.cov(self.by_cluster), len(before), dof=self.dof)
        return bounds.estimate, bounds.lower, bounds.upper, bounds.breakdown

    def regressed(self, on_pilots: bool) -> _Estimates:
        """Indicators of the terms in a regression with city and year effects, on all known cells."""
        names, cells = self.terms(on_pilots=on_pilots)
        x = cells.astype(np.float64)
        if on_pilots:  # the own start counts for all pilots, the ring adds to it
            x[0] = self.exposure.pilot
        return self._slopes(names, None, x, cells & self.is_known, self.is_known)

    def leads(self, leads: int) -> tuple[dict[str, tuple[list[int], int]], _Estimates]:
        """Years before the first event of a city on clean cells, as many as leave LEAST_BEFORE cities with earlier ones
        to compare with; term -> places of its leads, and the number of these cities."""
        names: list[str] = []
        event: list[int] = []
        cells: list[BoolArray] = []
        groups: dict[str, tuple[list[int], int]] = {}
        before = self.exposure.first[:, None] - self.years
        for k, name in enumerate(self.names):
            comes_near = self.clean & (self.exposure.came == k - 1)[:, None] & np.isfinite(before)
            counts = [int((comes_near & (before > h)).any(axis=1).sum()) for h in range(leads + 1)]
            last = max((h for h in range(leads + 1) if counts[h] >= LEAST_BEFORE), default=0)
            horizons = range(1, last + 1)
            groups[name] = (list(range(len(names), len(names) + last)), counts[last])
            names += [name] * last
            event += [-h for h in horizons]
            cells += [comes_near & (before == h) for h in horizons]
        indicators = np.array(cells).reshape(-1, *self.y.shape).astype(bool)
        return groups, self._slopes(names, event, indicators.astype(np.float64), indicators, self.clean)

    def _slopes(
        self, names: list[str], event: list[int] | None, x: FloatArray, cells: BoolArray, mask: BoolArray
    ) -> _Estimates:
        """OLS of y on x (p, N, T) with city and year effects; NaN for an indicator that they, or others, hold."""
        effects = _TwoWay(mask)
        z, rest = effects.residual(x), effects.residual(self.y)
        value, psi = np.full(len(names), np.nan), np.full((len(self.y), len(names)), np.nan)
        at = _independent(z.reshape(len(names), -1)) if names else []
        if at:
            flat = z[at].reshape(len(at), -1)
            bread = np.linalg.inv(flat @ flat.T)
            slopes = bread @ (flat @ rest.ravel())
            e = np.zeros_like(rest)
            # without the pull of the own city: indicators of a few cities fit them closely
            unit, time = np.nonzero(mask)
            rows = Rows(unit.astype(np.int64), time.astype(np.int64), len(mask))
            e[mask] = freed([z[at][:, mask].T], (rest - np.tensordot(slopes, z[at], axes=1))[mask], rows)
            value[at], psi[:, at] = slopes, (z[at] * e).sum(axis=2).T @ bread
        return _Estimates(names, event, value, psi, cells)


def _independent(z: FloatArray) -> list[int]:
    """Rows of z (p, m) that no earlier ones span."""
    basis: list[int] = []
    for k in range(len(z)):
        size = float(np.linalg.norm(z[k]))
        if size < 1e-9:
            continue
        rest = z[k] - z[basis].T @ np.linalg.lstsq(z[basis].T, z[k], rcond=None)[0] if basis else z[k]
        if float(np.linalg.norm(rest)) > 1e-7 * size:
            basis.append(k)
    return basis


def _starts(start: ArrayLike) -> FloatArray:
    begin = np.asarray(start, dtype=np.float64)
    if begin.ndim != 1:
        raise PanelInputError(f"start must be one year a city, got shape {begin.shape}.")
    return np.where(np.isnan(begin), np.inf, begin)
