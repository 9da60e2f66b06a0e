"""The data-generating process behind the demo country and the Monte Carlo tests.

Everything is drawn from one explicit generator; nothing here looks like, or is fitted to, a real figure.
Row receives and column emits in every weight matrix; arrays have the axes (N, T): cities, years.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from python_models._types import ArrayLike, BoolArray, FloatArray

EFFECTS = ("spatial_lag", "spillover", "asymmetry", "border", "threshold")


@dataclass(frozen=True)
class Truth:
    """Parameters of the simulated country; theta_<receiver><emitter>, c = centre, p = periphery."""

    rho: float = 0.35
    beta: float = 0.6
    theta_cc: float = 0.5
    theta_cp: float = 0.1
    theta_pc: float = 0.8
    theta_pp: float = 0.2
    border_factor: float = 0.4
    synergy_threshold: float = 0.5
    synergy_multiplier: float = 1.75
    synergy_skew: float = 0.3
    pr_persistence: float = 0.9
    pr_spatial: float = 0.3
    pr_move: float = 0.3
    pr_trend: float = 0.06
    core_effect: float = 1.3
    cluster_effect: float = 0.4
    east_effect: float = 0.5
    city_sd: float = 0.6
    year_step: float = 0.11
    shock_sd: float = 0.12
    dimension_sd: float = 0.35

    def __post_init__(self) -> None:
        """Raise ValueError where the model would not be stable or a share leaves [0, 1]."""
        for name in ("rho", "pr_persistence", "pr_spatial"):
            if not -1 < getattr(self, name) < 1:
                raise ValueError(f"{name} must lie between -1 and 1 for a stable model, got {getattr(self, name)}.")
        for name in ("border_factor", "synergy_threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")

    def without(self, *effects: str) -> "Truth":
        """Return the same truth with planted effects turned off; the names are in `EFFECTS`."""
        changed = self
        for effect in effects:
            if effect not in EFFECTS:
                raise ValueError(f"unknown effect '{effect}': choose from {', '.join(EFFECTS)}.")
            changed = replace(changed, **changed._off(effect))
        return changed

    def _off(self, effect: str) -> dict[str, float]:
        """Parameters that turn one effect off and leave what is off already."""
        blocks = ("theta_cc", "theta_cp", "theta_pc", "theta_pp")
        switches: dict[str, dict[str, float]] = {
            "spatial_lag": {"rho": 0.0},
            "asymmetry": dict.fromkeys(blocks, sum(getattr(self, b) for b in blocks) / 4),
            "border": {"border_factor": 1.0},
            "threshold": {"synergy_multiplier": 1.0},
            "spillover": dict.fromkeys(blocks, 0.0),
        }
        return switches[effect]

    def to_frame(self) -> pd.DataFrame:
        """One row per parameter: name, value."""
        return pd.DataFrame(list(asdict(self).items()), columns=["name", "value"])


@dataclass(frozen=True)
class SimulatedCountry:
    """Latent panel: pr, nqpf, its two sides, shock (N, T); synergy, city_effect (N,); year_effect (T,)."""

    pr: FloatArray
    nqpf: FloatArray
    nqpf_new: FloatArray
    nqpf_quality: FloatArray
    shock: FloatArray
    synergy: FloatArray
    city_effect: FloatArray
    year_effect: FloatArray
    weights: FloatArray
    spillover: FloatArray
    truth: Truth

    def residual(self) -> FloatArray:
        """(I - rho W) y - beta x - K x - mu - lambda: the drawn shock up to rounding, shape (N, T)."""
        mean = self.truth.beta * self.pr + self.spillover @ self.pr + self.city_effect[:, None] + self.year_effect
        return self.nqpf - self.truth.rho * self.weights @ self.nqpf - mean

    def to_frame(self, cities: Sequence[str], years: Sequence[int]) -> pd.DataFrame:
        """One row per city and year: city_id, year, nqpf, nqpf_new, nqpf_quality, pr."""
        frame = pd.DataFrame({"city_id": np.repeat(list(cities), len(years)), "year": np.tile(years, len(cities))})
        for name in ("nqpf", "nqpf_new", "nqpf_quality", "pr"):
            frame[name] = getattr(self, name).ravel()
        return frame


@dataclass(frozen=True)
class SimulatedPanel:
    """A Monte Carlo panel: y (N, T), x (N, T, k), shock (N, T) and the weights behind them."""

    y: FloatArray
    x: FloatArray
    shock: FloatArray
    weights: FloatArray


def contiguity_weights(n: int, edges: Sequence[tuple[int, int]], coordinates: ArrayLike) -> FloatArray:
    """Row-normalised weights of an undirected graph; a node without edges is tied to its nearest, both ways.

    n nodes, `edges` as pairs of positions, `coordinates` (N, 2) in any plane or lon/lat (used for islands
    only).
    """
    points = np.asarray(coordinates, dtype=np.float64)
    if points.shape != (n, 2):
        raise ValueError(f"coordinates need the shape ({n}, 2), got {points.shape}.")
    links = np.zeros((n, n), dtype=np.float64)
    for i, j in edges:
        links[i, j] = links[j, i] = 1.0
    np.fill_diagonal(links, 0.0)
    if n > 1:
        for island in np.flatnonzero(links.sum(axis=1) == 0):
            nearest = int(cKDTree(points).query(points[island], k=2)[1][1])
            links[island, nearest] = links[nearest, island] = 1.0
    return links / np.maximum(links.sum(axis=1, keepdims=True), 1.0)


def random_knn_weights(n: int, k: int, *, rng: np.random.Generator) -> FloatArray:
    """Row-normalised k-nearest-neighbour weights of n uniform points in the unit square, shape (N, N)."""
    if not 0 < k < n:
        raise ValueError(f"k must lie between 1 and n - 1 = {n - 1}, got {k}.")
    points = rng.random((n, 2))
    nearest = cKDTree(points).query(points, k=k + 1)[1][:, 1:]
    weights = np.zeros((n, n), dtype=np.float64)
    weights[np.repeat(np.arange(n), k), nearest.ravel()] = 1.0 / k
    return weights


def split_blocks(weights: FloatArray, is_centre: ArrayLike) -> dict[str, FloatArray]:
    """W_cc, W_cp, W_pc, W_pp by receiver and emitter, not re-normalised: the four sum to W."""
    centre: BoolArray = np.asarray(is_centre, dtype=np.bool_)
    groups = {"c": centre, "p": ~centre}
    return {r + e: weights * np.outer(groups[r], groups[e]) for r in "cp" for e in "cp"}


def spillover_matrix(
    weights: FloatArray, *, is_centre: ArrayLike, province: Sequence[str], synergy: FloatArray, truth: Truth
) -> FloatArray:
    """K = [sum_b theta_b (W_b o B)] diag(s): B is the border factor on links across provinces, s_j the
    multiplier of emitters whose synergy is at or above the threshold (1 below it). Shape (N, N)."""
    blocks = split_blocks(weights, is_centre)
    total: FloatArray = sum((getattr(truth, f"theta_{b}") * w for b, w in blocks.items()), np.zeros_like(weights))
    labels = np.asarray(province)
    same = labels[:, None] == labels[None, :]
    strength = np.where(synergy >= truth.synergy_threshold, truth.synergy_multiplier, 1.0)
    return total * np.where(same, 1.0, truth.border_factor) * strength[None, :]


def simulate_country(
    weights: FloatArray,
    *,
    is_core: ArrayLike,
    is_cluster: ArrayLike,
    is_east: ArrayLike,
    province: Sequence[str],
    n_years: int,
    truth: Truth,
    rng: np.random.Generator,
) -> SimulatedCountry:
    """Draw y_t = rho W y_t + beta x_t + K x_t + mu + lambda_t 1 + e_t, with x = PR and y = NQPF, both latent.

    x_it = a_i + trend t + u_it, u_t = phi u_{t-1} + (I - psi W)^-1 v_t; mu and a are higher in core, cluster
    and east; lambda rises. The new and the quality side are y + d and y - d with a slow city term d.
    """
    n = weights.shape[0]
    lift = truth.core_effect * np.asarray(is_core, dtype=np.float64)
    lift += truth.cluster_effect * np.asarray(is_cluster, dtype=np.float64)
    lift += truth.east_effect * np.asarray(is_east, dtype=np.float64)
    smooth = np.linalg.inv(np.eye(n) - truth.pr_spatial * weights)
    own = rng.standard_normal((2, n))
    city_effect = lift + truth.city_sd * (smooth @ own[0])
    pr_level = 0.8 * lift + truth.city_sd * (smooth @ (0.5 * own[0] + own[1]))
    pr = pr_level[:, None] + truth.pr_trend * np.arange(n_years) + _moves(n_years, smooth, truth, rng)
    synergy = coordination(_skewed(city_effect, truth.synergy_skew), _skewed(pr_level, truth.synergy_skew))
    spillover = spillover_matrix(weights, is_centre=is_core, province=province, synergy=synergy, truth=truth)
    steps = np.arange(n_years)
    year_effect = truth.year_step * steps * (1 + 0.02 * steps)
    shock = truth.shock_sd * rng.standard_normal((n, n_years))
    mean = truth.beta * pr + spillover @ pr + city_effect[:, None] + year_effect + shock
    nqpf = np.linalg.solve(np.eye(n) - truth.rho * weights, mean)
    tilt = truth.dimension_sd * (rng.standard_normal((n, 1)) + 0.05 * rng.standard_normal((n, n_years)).cumsum(axis=1))
    return SimulatedCountry(
        pr, nqpf, nqpf + tilt, nqpf - tilt, shock, synergy, city_effect, year_effect, weights, spillover, truth
    )


def coordination(first: FloatArray, second: FloatArray) -> FloatArray:
    """Corrected coupling coordination D = sqrt(C T) of two vectors after min-max to [.01, .99], shape (N,).

    T is the mean of both, C = sqrt((1 - |U1 - U2|) min(U1, U2)/max(U1, U2)).
    """
    u1, u2 = _unit_interval(first), _unit_interval(second)
    coupling = np.sqrt((1 - np.abs(u1 - u2)) * np.minimum(u1, u2) / np.maximum(u1, u2))
    return np.sqrt(coupling * (u1 + u2) / 2)


def simulate_sdm(
    weights: FloatArray,
    *,
    beta: ArrayLike,
    theta: ArrayLike,
    rho: float,
    sigma2: float,
    n_years: int,
    rng: np.random.Generator,
) -> SimulatedPanel:
    """Draw a spatial Durbin panel with two-way effects that are correlated with x.

    y_t = rho W y_t + X_t beta + W X_t theta + mu + lambda_t 1 + e_t; beta, theta (k,).
    `theta` may also be a (k, N, N) stack of spillover matrices, which gives the block model.
    """
    slopes, spill = np.asarray(beta, dtype=np.float64), np.asarray(theta, dtype=np.float64)
    n, k = weights.shape[0], slopes.size
    if spill.shape not in ((k,), (k, n, n)):
        raise ValueError(f"theta needs the shape ({k},) or ({k}, {n}, {n}), got {spill.shape}.")
    kernels = spill[:, None, None] * weights if spill.ndim == 1 else spill
    city, year = rng.standard_normal((n, 1, k)), rng.standard_normal((1, n_years, k))
    x = rng.standard_normal((n, n_years, k)) + 0.5 * city + 0.5 * year
    mu = city.sum(axis=2) + rng.standard_normal((n, 1))
    lam = year.sum(axis=2) + rng.standard_normal((1, n_years))
    shock = np.sqrt(sigma2) * rng.standard_normal((n, n_years))
    mean = x @ slopes + np.einsum("kij,jtk->it", kernels, x) + mu + lam + shock
    y = np.linalg.solve(np.eye(n) - rho * weights, mean)
    return SimulatedPanel(y, x, shock, weights)


def _moves(n_years: int, smooth: FloatArray, truth: Truth, rng: np.random.Generator) -> FloatArray:
    n = smooth.shape[0]
    moves = np.empty((n, n_years))
    # the first year comes from the stationary law, so that no year is special
    moves[:, 0] = smooth @ rng.standard_normal(n) * truth.pr_move / np.sqrt(1 - truth.pr_persistence**2)
    for t in range(1, n_years):
        moves[:, t] = truth.pr_persistence * moves[:, t - 1] + truth.pr_move * (smooth @ rng.standard_normal(n))
    return moves


def _skewed(values: FloatArray, skew: float) -> FloatArray:
    """exp(skew * standardised values): few high and many low cities, as in a composite index."""
    return np.exp(skew * (values - values.mean()) / values.std())


def _unit_interval(values: FloatArray) -> FloatArray:
    low, high = values.min(), values.max()
    if high == low:
        raise ValueError("a constant vector has no min-max scale: give at least two different values.")
    return 0.01 + 0.98 * (values - low) / (high - low)
