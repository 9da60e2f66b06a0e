"""The process behind the demo country and the Monte Carlo tests, drawn from one explicit generator (nothing is fitted).

Row receives and column emits in every weight matrix; arrays have the axes (N, T): cities, years.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from python_models._types import ArrayLike, BoolArray, FloatArray

EFFECTS = ("spatial_lag", "spillover", "asymmetry", "border", "threshold")
# what makes the country hard to estimate: each can be left out as well
COMPLICATIONS = ("serial_errors", "uneven_errors", "common_factor", "feedback", "near_weights")
BURN_IN = 50


@dataclass(frozen=True)
class Truth:
    """Parameters of the simulated country; theta_<receiver><emitter>, c = centre, p = periphery.

    Errors: AR(shock_persistence), log sd rising by shock_level per sd of the city effect, plus one AR factor with
    loadings N(0, factor_sd^2). feedback: what the distance of y from its own path adds to x a year later. See
    `near_weights`.
    """

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
    shock_persistence: float = 0.6
    shock_level: float = 0.35
    factor_sd: float = 0.08
    factor_persistence: float = 0.7
    feedback: float = 0.03
    far_share: float = 0.15
    distance_power: float = 0.5
    dimension_sd: float = 0.35

    def __post_init__(self) -> None:
        """Raise ValueError where the model would not be stable or a share leaves [0, 1]."""
        for name in ("rho", "pr_persistence", "pr_spatial", "shock_persistence", "factor_persistence"):
            if not -1 < getattr(self, name) < 1:
                raise ValueError(f"{name} must lie between -1 and 1 for a stable model, got {getattr(self, name)}.")
        for name in ("border_factor", "synergy_threshold", "far_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")

    def without(self, *effects: str) -> "Truth":
        """Return the same truth without planted effects or complications, by the names of EFFECTS and COMPLICATIONS."""
        truth, names = self, (*EFFECTS, *COMPLICATIONS)
        for effect in effects:
            if effect not in names:
                raise ValueError(f"unknown effect '{effect}': choose from {', '.join(names)}.")
            truth = replace(truth, **truth._off(effect))
        return truth

    def _off(self, effect: str) -> dict[str, float]:
        """Parameters that turn one effect off and leave what is off already."""
        blocks = ("theta_cc", "theta_cp", "theta_pc", "theta_pp")
        switches: dict[str, dict[str, float]] = {
            "spatial_lag": {"rho": 0.0},
            "asymmetry": dict.fromkeys(blocks, sum(getattr(self, b) for b in blocks) / 4),
            "border": {"border_factor": 1.0},
            "threshold": {"synergy_multiplier": 1.0},
            "spillover": dict.fromkeys(blocks, 0.0),
            "serial_errors": {"shock_persistence": 0.0},
            "uneven_errors": {"shock_level": 0.0},
            "common_factor": {"factor_sd": 0.0},
            "feedback": {"feedback": 0.0},
            "near_weights": {"far_share": 0.0, "distance_power": 0.0},
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
        """(I - rho W) y - beta x - K x - mu - lambda: the drawn errors up to rounding, shape (N, T)."""
        mean = self.truth.beta * self.pr + self.spillover @ self.pr + self.city_effect[:, None] + self.year_effect
        return self.nqpf - self.truth.rho * self.weights @ self.nqpf - mean

    def multiplier(self) -> FloatArray:
        """S = (I - rho W)^-1 (beta I + K), (N, N): what x of the column city does to y of the row city."""
        identity = np.eye(len(self.weights))
        inner = self.truth.beta * identity + self.spillover
        return np.asarray(np.linalg.solve(identity - self.truth.rho * self.weights, inner))

    def effects(self, groups: Mapping[str, ArrayLike]) -> pd.DataFrame:
        """name, value of averages of S over cities: direct, indirect and total, of all and of emitters in a group (1)
        and out of it (0); given_pc and given_cp: what a member gives to the others together, and the reverse."""
        s = self.multiplier()
        diagonal, emissions = np.diag(s), s.sum(axis=0)
        averages = {"direct": diagonal.mean(), "indirect": (emissions - diagonal).mean(), "total": emissions.mean()}
        for name, flags in groups.items():
            inside = np.asarray(flags, dtype=np.bool_)
            for side, members in (("1", inside), ("0", ~inside)):
                averages |= {
                    f"direct:{name}={side}": diagonal[members].mean(),
                    f"total:{name}={side}": emissions[members].mean(),
                }
            averages[f"given_pc:{name}"] = s[np.ix_(~inside, inside)].sum() / inside.sum()
            averages[f"given_cp:{name}"] = s[np.ix_(inside, ~inside)].sum() / (~inside).sum()
        return pd.DataFrame(list(averages.items()), columns=["name", "value"])

    def to_frame(self, cities: Sequence[str], years: Sequence[int]) -> pd.DataFrame:
        """One row per city and year: city_id, year, nqpf, nqpf_new, nqpf_quality, pr."""
        frame = pd.DataFrame({"city_id": np.repeat(list(cities), len(years)), "year": np.tile(years, len(cities))})
        for name in ("nqpf", "nqpf_new", "nqpf_quality", "pr"):
            frame[name] = getattr(self, name).ravel()
        return frame


def contiguity_weights(n: int, edges: Sequence[tuple[int, int]], coordinates: ArrayLike) -> FloatArray:
    """Row-normalised weights of an undirected graph of n nodes with `edges` as pairs of positions.

    A node without edges is tied to its nearest by `coordinates` (N, 2), both ways.
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


def near_weights(weights: FloatArray, coordinates: ArrayLike, truth: Truth) -> FloatArray:
    """A W near `weights`: (1 - far_share) A + far_share B, row-normalised, (N, N).

    A: the links of `weights` times distance^-distance_power, B: the neighbours of neighbours alike; coordinates (N, 2).
    """
    points = np.asarray(coordinates, dtype=np.float64)
    gap = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    strength = np.maximum(gap, gap[gap > 0].min()) ** -truth.distance_power
    first = (weights > 0).astype(np.float64)
    second = ((first @ first > 0) & (first == 0)).astype(np.float64)
    np.fill_diagonal(second, 0.0)
    near, far = (_row_normalised(links * strength) for links in (first, second))
    return _row_normalised((1 - truth.far_share) * near + truth.far_share * far)


def _row_normalised(links: FloatArray) -> FloatArray:
    sums = links.sum(axis=1, keepdims=True)
    return np.asarray(links / np.where(sums > 0, sums, 1.0))


def small_panel(n: int = 12, n_years: int = 6) -> tuple[FloatArray, FloatArray, FloatArray]:
    """y, x (n, n_years) and W (n, n) of the examples: y = 2 x + W x + noise of sd 0.1, cities on a circle."""
    rng = np.random.default_rng(1)
    W = np.roll(np.eye(n), 1, axis=1) / 2 + np.roll(np.eye(n), -1, axis=1) / 2
    x = rng.normal(size=(n, n_years))
    return 2 * x + W @ x + rng.normal(scale=0.1, size=(n, n_years)), x, W


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

    x_it = a_i + trend t + u_it, u_t = phi u_{t-1} + feedback (y_{t-1} - its path) + (I - psi W)^-1 v_t; the path of y
    is what it would be with u = e = 0. mu and a are higher in core, cluster and east; lambda rises; e as in `Truth`.
    The new and the quality side are y + d and y - d with a slow city term d. ValueError: the feedback makes x explode.
    """
    n = weights.shape[0]
    lift = truth.core_effect * np.asarray(is_core, dtype=np.float64)
    lift += truth.cluster_effect * np.asarray(is_cluster, dtype=np.float64)
    lift += truth.east_effect * np.asarray(is_east, dtype=np.float64)
    smooth = np.linalg.inv(np.eye(n) - truth.pr_spatial * weights)
    noise = rng.standard_normal((2, n))
    city_effect = lift + truth.city_sd * (smooth @ noise[0])
    pr_level = 0.8 * lift + truth.city_sd * (smooth @ (0.5 * noise[0] + noise[1]))
    synergy = coordination(_skewed(city_effect, truth.synergy_skew), _skewed(pr_level, truth.synergy_skew))
    spillover = spillover_matrix(weights, is_centre=is_core, province=province, synergy=synergy, truth=truth)
    steps = np.arange(n_years)
    year_effect = truth.year_step * steps * (1 + 0.02 * steps)
    shock = _errors(city_effect, n_years, truth, rng)
    inverse = np.linalg.inv(np.eye(n) - truth.rho * weights)
    multiplier = inverse @ (truth.beta * np.eye(n) + spillover)
    moves = _moves(inverse @ shock, multiplier, smooth, truth, rng)
    pr = pr_level[:, None] + truth.pr_trend * steps + moves
    nqpf = multiplier @ pr + inverse @ (city_effect[:, None] + year_effect + shock)
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


def _errors(level: FloatArray, n_years: int, truth: Truth, rng: np.random.Generator) -> FloatArray:
    """e_it = AR(1) of sd shock_sd exp(shock_level z_i), z the standardised level, + loading_i times an AR(1) factor."""
    n = len(level)
    sd = truth.shock_sd * np.exp(truth.shock_level * (level - level.mean()) / level.std())
    lasting = sd[:, None] * stationary_ar1(n, n_years, truth.shock_persistence, rng)
    factor = stationary_ar1(1, n_years, truth.factor_persistence, rng)
    return np.asarray(lasting + truth.factor_sd * rng.standard_normal((n, 1)) * factor)


def stationary_ar1(n: int, n_years: int, persistence: float, rng: np.random.Generator) -> FloatArray:
    """AR(1) paths of variance 1 from their stationary law, so that no year is special, (n, n_years)."""
    paths = rng.standard_normal((n, n_years))
    paths[:, 1:] *= np.sqrt(1 - persistence**2)
    for t in range(1, n_years):
        paths[:, t] += persistence * paths[:, t - 1]
    return paths


def _moves(
    error_part: FloatArray, multiplier: FloatArray, smooth: FloatArray, truth: Truth, rng: np.random.Generator
) -> FloatArray:
    """u (N, T); error_part: what the errors do to y. Years before the window are drawn and left out."""
    n, n_years = error_part.shape
    step = truth.pr_persistence * np.eye(n) + truth.feedback * multiplier
    if np.abs(np.linalg.eigvals(step)).max() >= 1:
        raise ValueError(f"feedback {truth.feedback} beside pr_persistence {truth.pr_persistence} makes PR explode.")
    shocks = truth.pr_move * (smooth @ rng.standard_normal((n, BURN_IN + n_years)))
    moves = np.empty_like(shocks)
    moves[:, 0] = shocks[:, 0]
    for t in range(1, BURN_IN + n_years):
        before = error_part[:, t - 1 - BURN_IN] if t > BURN_IN else 0.0
        moves[:, t] = step @ moves[:, t - 1] + truth.feedback * before + shocks[:, t]
    return moves[:, BURN_IN:]


def _skewed(values: FloatArray, skew: float) -> FloatArray:
    """exp(skew * standardised values): few high and many low cities, as in a composite index."""
    return np.exp(skew * (values - values.mean()) / values.std())


def _unit_interval(values: FloatArray) -> FloatArray:
    low, high = values.min(), values.max()
    if high == low:
        raise ValueError("a constant vector has no min-max scale: give at least two different values.")
    return 0.01 + 0.98 * (values - low) / (high - low)
