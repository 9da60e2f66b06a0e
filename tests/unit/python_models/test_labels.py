"""What every public function promises: labels decide, row order never does, and nothing is left to luck.

A public function is one in the `__all__` of a subpackage. Each needs an entry in CASES, or in NO_UNITS with the
reason why it has no rows to shuffle; without one the test fails. `U` marks values with units on the first axis,
`P` pairs of units on both. Three properties:

labels   U and P are given as Series and frames; with the rows (and columns) of one of them shuffled nothing changes.
order    all U and P are permuted together as plain arrays: the numbers that come out are the same, in another order.
again    a second call with the same seed gives the same bits, and no argument of the caller is written to.
"""

import dataclasses
import inspect
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from examples import MODULES

from python_models.inequality import dagum, gini
from python_models.regression import SpatialWeights
from python_models.regression.core import fit_panel
from tests.random_graph import random_knn_weights

N, T = 24, 7
CITIES = pd.Index([f"c{i:02d}" for i in np.random.default_rng(8).permutation(N)])
YEARS = list(range(2001, 2001 + T))
RNG = np.random.default_rng(7)
W = random_knn_weights(N, 4, rng=np.random.default_rng(1))
POINTS = np.c_[RNG.uniform(100, 110, N), RNG.uniform(25, 35, N)]
GAP = np.sqrt(((POINTS[:, None] - POINTS[None]) ** 2).sum(axis=2)) * 100
X = RNG.normal(size=(N, T)) + RNG.normal(size=(N, 1))
Y = np.linalg.solve(np.eye(N) - 0.3 * W, X + 0.4 * W @ X + RNG.normal(size=(N, 1)) + RNG.normal(size=(N, T)))
C = RNG.normal(size=(N, T, 1))
Q = RNG.uniform(size=N)
START = np.where(np.arange(N) < 4, 2004.0, np.nan)
HALF = np.arange(N) % 2 == 0
GROUP = np.array(["a", "b", "c"])[np.arange(N) % 3]
REGION = np.array(["r", "s"])[np.arange(N) % 6 // 3]
PROVINCE = np.array([f"p{i}" for i in np.arange(N) % 6])
POSITIVE, POPULATION = np.exp(0.3 * Y), np.exp(RNG.normal(size=N))
V = POSITIVE[:, 0]
STATES = np.argsort(np.argsort(Y, axis=0), axis=0) * 4 // N
CUBE = RNG.uniform(0.05, 0.95, size=(N, T, 4))
SYSTEMS = CUBE[:, :, :2]


@dataclass(frozen=True)
class U:
    """Values with units on the first axis."""

    values: Any


@dataclass(frozen=True)
class P:
    """Values with units on both axes."""

    values: Any


@dataclass(frozen=True)
class Case:
    """Arguments of a call; what is not true of it: labels (arrays only), order (draws use it), arrays (frames only)."""

    given: dict[str, Any] = field(default_factory=dict)
    labels: bool = True
    order: bool = True
    arrays: bool = True


def case(*, labels=True, order=True, arrays=True, **given):
    return Case(given, labels, order, arrays)


def rng():
    return np.random.default_rng(3)


panel_ = {"y": U(Y), "x": U(X), "W": P(W), "controls": U(C)}
spec_ = {"y": U(Y), "x": U(np.stack([X, C[:, :, 0]], axis=2)), "w": P(W)}
even_ = {"y": U(np.exp(0.2 * Y)), "x": U(np.exp(0.2 * X)), "W": P(W)}
pilots_ = {"y": U(Y), "start": U(START), "points": U(POINTS), "years": YEARS, "edges": [0.0, 100.0]}
z_ = {"Z": U(CUBE)}

CASES = {
    "inequality.gini": case(y=U(V), weights=U(POPULATION)),
    "inequality.dagum": case(y=U(V), groups=U(GROUP), weights=U(POPULATION)),
    "inequality.theil": case(y=U(V), groups=U(GROUP), weights=U(POPULATION)),
    "inequality.theil_nested": case(y=U(V), region=U(REGION), province=U(PROVINCE), weights=U(POPULATION)),
    "inequality.between_groups": case(y=U(V), groups=U(GROUP), weights=U(POPULATION)),
    "inequality.disparity_change": case(
        Y=U(POSITIVE), groups=U(GROUP), weights=U(POPULATION), n_bootstrap=49, order=False
    ),
    "dynamics.sigma_convergence": case(Y=U(POSITIVE), n_bootstrap=49, order=False),
    "influence.lead_lag": case(**panel_),
    "dynamics.beta_convergence": case(Y=U(POSITIVE), groups=U(GROUP)),
    "dynamics.find_clubs": case(Y=U(POSITIVE)),
    "dynamics.kernel_density": case(y=U(V)),
    "dynamics.log_t": case(Y=U(POSITIVE)),
    "dynamics.markov": case(states=U(STATES), n_states=4),
    "dynamics.sigma_trend": case(Y=U(POSITIVE), n_bootstrap=49, order=False),
    "dynamics.spatial_markov": case(states=U(STATES), lag_states=U(STATES[::-1]), n_states=4, n_lag_states=4),
    "dynamics.stochastic_kernel": case(u=U(V), v=U(POSITIVE[:, 3]), n_grid=24),
    "dynamics.unimodality": case(y=U(V), n_bootstrap=19, order=False),
    "space.center_ellipse": case(points=U(POINTS), y=U(POSITIVE)),
    "space.global_statistics": case(y=U(POSITIVE[:, 0]), w=P(W), permutations=0),
    "space.getis_ord": case(y=U(V), w=P(W)),
    "space.gravity_network": case(points=U(POINTS), y=U(V), group=U(GROUP), is_centre=U(HALF), order=False),
    "space.lisa": case(y=U(V), w=P(W), permutations=0),
    "space.moran": case(y=U(V), w=P(W), permutations=0),
    "space.normalise": case(graph=P(W)),
    "space.to_graph": case(matrix=P(W), labels=False),
    "space.to_sparse": case(w=P(W), labels=False),
    "influence.adjusted_threshold": case(**even_, q=U(Q), n_grid=4, draws=19, rng=rng, order=False),
    "influence.barrier_split": case(**panel_, is_behind=P(PROVINCE[:, None] != PROVINCE[None, :])),
    "influence.block_spillover": case(**panel_, is_centre=U(HALF)),
    "influence.border_barrier": case(**panel_, area=U(GROUP)),
    "influence.curve_summary": case(
        curve=U(pd.DataFrame({"sign_agrees": HALF, "significant_5": ~HALF}).astype("boolean")),
        comparable=U(Q),
        order=False,
        arrays=False,
    ),
    "influence.distance_decay": case(
        y=U(Y), x=U(X), distance=P(GAP), controls=U(C), edges=[0.0, 400.0, 800.0], rng=rng
    ),
    "influence.fit_spillover": case(**panel_, matrices={"lag": P(W), "far": P(GAP / 1000)}),
    "influence.group_effects": case(**panel_, groups=U(GROUP)),
    "influence.level_adjusted": case(**even_, matrices={"lag": P(W)}),
    "influence.pilot_effects": case(**pilots_),
    "influence.placebo_dates": case(**pilots_, shift=1),
    "influence.placebo_pilots": case(**pilots_, draws=19, seed=1, order=False),
    "influence.placebo_weights": case(**panel_, draws=19, seed=1, order=False),
    "influence.spatial_threshold": case(**panel_, q=U(Q), n_grid=5, draws=19, rng=rng, order=False),
    "influence.specification_curve": case(estimate=U(Q), p=U(Q[::-1]), headline=0.5, order=False, arrays=False),
    "influence.threshold_regression": case(y=U(Y), x=U(X), q=U(Q), controls=U(C), n_grid=20),
    "regression.fit_dynamic": case(**spec_),
    "regression.fit_panel": case(y=U(Y), X=U(X[:, :, None]), W=P(W)),
    "regression.hausman": case(**spec_),
    "regression.lm_tests": case(**spec_),
    "regression.pesaran_cd": case(residuals=U(Y)),
    "regression.residual_moran": case(residuals=U(Y), w=P(W)),
    "regression.residual_tests": case(fit=fit_panel(Y, X[:, :, None], W), y=U(Y), x=U(X[:, :, None]), order=False),
    "regression.spatial_2sls": case(y=U(Y), x=U(X[:, :, None]), w=P(W)),
    "regression.spatial_weights": case(W=P(W)),
    "regression.specification_search": case(**spec_),
    "regression.variance_inflation": case(x=U(spec_["x"].values), w=P(W)),
    "measurement.agreement": case(a=U(V), b=U(Q), top=5),
    "measurement.agreement_by_year": case(a=U(Y), b=U(X), years=tuple(YEARS), top=5),
    "measurement.pairwise_agreement": case(scores={"one": U(Y), "two": U(X)}, years=tuple(YEARS), top=5),
    "measurement.topsis_score": case(**z_, w=np.full(4, 0.25)),
    "measurement.validity": case(score=U(Y), outside=U(X), years=tuple(YEARS), clusters=U(PROVINCE)),
    "production.common_scale": case(scores=U(Y)),
    "production.coordination_class": case(d=U(Q)),
    "production.coupling": case(systems=U(SYSTEMS)),
    "production.krugman": case(employment=U(POSITIVE)),
    "production.lead_lag": case(forces=U(CUBE[:, :, 0]), relations=U(CUBE[:, :, 1])),
    "production.location_quotient": case(part=U(V), whole=U(POSITIVE[:, 1]), total_part=3.0, total_whole=9.0),
    "production.misallocation": case(output=U(V), factor=U(POSITIVE[:, 1]), elasticity=U(Q)),
    "production.output_elasticities": case(
        output=U(POSITIVE), capital=U(np.exp(0.3 * X)), labour=U(np.exp(C[:, :, 0])), groups=U(HALF.astype(int))
    ),
    "production.perpetual_inventory": case(investment=U(POSITIVE), price=U(POSITIVE), growth=0.05),
    "policy.base_cuts": case(inputs=U(RNG.uniform(size=(N, T, 6))), base=np.ones(T, bool), d_cut=0.5),
    "policy.year_cuts": case(inputs=U(RNG.uniform(size=(N, T, 6))), base=np.ones(T, bool), d_cut=0.5),
    "policy.gower_distance": case(themes=[U(RNG.uniform(size=(N, 3)))]),
    "policy.nearest_better": case(distance=P(GAP), p=U(Q), order=False),
    "policy.path_inputs": case(
        u=U(CUBE[:, :, 0]), p=U(CUBE[:, :, 1]), d=U(CUBE[:, :, 2]), barrier=U(Q), w=P(W), years=YEARS, labels=False
    ),
    "policy.spells": case(path=U((STATES % 4).astype(np.int8)), years=YEARS, labels=False),
    "policy.transition_table": case(path=U((STATES % 4).astype(np.int8)), n_boot=0, seed=1, labels=False),
    ".entropy_weights": case(**z_),
}

NO_UNITS = {
    "dynamics.club_stability": "takes a finished result; `other` is matched with its labels (tested beside clubs)",
    "dynamics.ergodic": "one matrix of states",
    "dynamics.merge_clubs": "takes a finished result",
    "measurement.audit": "takes an index",
    "space.adjust": "p-values",
    "space.build_weights": "makes the labels: its arguments are matched in test_weights",
    "regression.average_effects": "takes a finished fit",
    "regression.by_segment": "an array of years and their segments, by position",
    "regression.city_effects": "takes a finished fit",
    "influence.honest_bounds": "numbers of a finished fit",
    "regression.robustness_value": "numbers of a finished fit",
    "regression.dynamic_effects": "takes a finished fit",
    "production.digital_attention": "one text",
    "production.segmentation": "pairs by position",
    "policy.city_monitor": "labels are an argument of their own",
    "policy.classify": "one row at a time (see decide)",
    "policy.draw_paths": "draws whole cities (test_policy)",
    "policy.margin": "one row at a time",
    "policy.n_in_window": "years",
    "policy.replay_differences": "one stored table",
    "policy.share_table": "masks of members by position",
    "policy.single_monitor": "one stored table",
}


FUNCTIONS = {
    f"{module.__name__.removeprefix('python_models').removeprefix('.')}.{name}": getattr(module, name)
    for module in MODULES
    for name in module.__all__
    if inspect.isfunction(getattr(module, name))
}


def test_every_public_function_has_an_entry():
    assert set(FUNCTIONS) == set(CASES) | set(NO_UNITS)
    assert not set(CASES) & set(NO_UNITS)


def mapped(value, change):
    """The value with `change` applied to every U and P inside."""
    if isinstance(value, U | P):
        return change(value)
    if isinstance(value, dict):
        return {k: mapped(v, change) for k, v in value.items()}
    if isinstance(value, list) and any(isinstance(v, U | P) for v in value):
        return [mapped(v, change) for v in value]
    return value() if value is rng else value


def plain(value):
    return value.values


def labelled(value):
    v = value.values
    if isinstance(value, P):
        return pd.DataFrame(v, index=CITIES, columns=CITIES)
    if isinstance(v, pd.DataFrame):
        return v.set_axis(CITIES)
    if np.ndim(v) == 1:
        return pd.Series(v, index=CITIES)
    if np.ndim(v) == 2:
        columns = YEARS if v.shape[1] == T else [f"k{j}" for j in range(v.shape[1])]
        return pd.DataFrame(v, index=CITIES, columns=columns)
    return v


def shuffled(value):
    """Rows in another order, of pairs the columns in a third one; of years the columns too."""
    frame = labelled(value)
    if not isinstance(frame, pd.Series | pd.DataFrame):
        return frame
    order = np.random.default_rng(5).permutation(N)
    frame = frame.iloc[order]
    if isinstance(value, P):
        return frame.iloc[:, np.random.default_rng(6).permutation(N)]
    if isinstance(frame, pd.DataFrame) and list(frame.columns) == YEARS:
        return frame[np.random.default_rng(6).permutation(YEARS)]
    return frame


# what is not a result: the data themselves, machinery of the fit, names
SKIPPED = {"weights", "data", "conv", "optimum", "spectrum", "factor", "cities", "labels", "years", "design", "key"}


def numbers(result, path=""):
    """All numbers of a result: the path of their field -> a vector."""
    if isinstance(result, SpatialWeights):
        result = result.matrix
    elif hasattr(result, "unique_ids"):  # a graph
        result = result.sparse
    elif dataclasses.is_dataclass(result):
        result = {f.name: getattr(result, f.name) for f in dataclasses.fields(result) if f.name not in SKIPPED}
    elif isinstance(result, tuple | list) and any(not isinstance(v, int | float | np.number) for v in result):
        result = dict(enumerate(result))
    elif isinstance(result, pd.DataFrame):
        result = result.select_dtypes("number")
    elif hasattr(result, "to_frame") and not isinstance(result, pd.Index | pd.Series):
        return numbers(result.to_frame(), path)
    if isinstance(result, dict):
        return {k: v for key, own in result.items() for k, v in numbers(own, f"{path}.{key}").items()}
    try:
        return {path: np.asarray(result.toarray() if hasattr(result, "toarray") else result, dtype=float).ravel()}
    except (TypeError, ValueError):
        return {}


def compare(one, two, *, in_order):
    assert set(one) == set(two)
    for path, a in one.items():
        b = two[path]
        if not in_order:
            a, b = np.sort(a), np.sort(b)
        assert b == pytest.approx(a, rel=1e-7, abs=1e-9, nan_ok=True), path


def marked(value):
    """Paths to every U and P."""
    if isinstance(value, U | P):
        return [value]
    if isinstance(value, dict | list):
        return [m for v in (value.values() if isinstance(value, dict) else value) for m in marked(v)]
    return []


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c.labels])
def test_shuffled_rows_of_one_argument_change_nothing(name):
    function, given = FUNCTIONS[name], CASES[name].given
    own = [m for m in marked(given) if np.ndim(m.values) <= 2]
    if not own:
        pytest.skip("its units come with a cube, which has no labels")
    call = partial(mapped, given)
    base = numbers(function(**call(labelled)))
    # with an unlabelled cube among the arguments the first labelled one gives the order
    moved = own[1:] if len(own) > 1 else []
    for one in moved:
        again = function(**call(lambda v, one=one: shuffled(v) if v is one else labelled(v)))
        compare(base, numbers(again), in_order=True)
    if not moved and CASES[name].order and len(marked(given)) == 1:  # alone: the same numbers in another order
        compare(base, numbers(function(**call(shuffled))), in_order=False)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c.order])
def test_the_order_of_units_changes_no_number(name):
    function, given = FUNCTIONS[name], CASES[name].given
    order = np.random.default_rng(9).permutation(N)

    def moved(value):
        v = value.values
        if isinstance(v, pd.DataFrame):
            return v.iloc[order].reset_index(drop=True)
        v = np.asarray(v)[order]
        return v[:, order] if isinstance(value, P) else v

    base, other = (numbers(function(**mapped(given, change))) for change in (plain, moved))
    compare(base, other, in_order=False)


@pytest.mark.parametrize("name", CASES)
def test_a_second_call_gives_the_same_bits_and_leaves_its_arguments_alone(name):
    given, change = CASES[name].given, plain if CASES[name].arrays else labelled
    before = [np.array(m.values, copy=True) for m in marked(given)]
    one, two = (numbers(FUNCTIONS[name](**mapped(given, change))) for _ in range(2))
    assert set(one) == set(two)
    for path, values in one.items():
        np.testing.assert_array_equal(values, two[path], err_msg=path)
    for old, new in zip(before, marked(given), strict=True):
        np.testing.assert_array_equal(old, np.array(new.values))


def test_labels_that_do_not_agree_are_named():
    y, group = pd.Series(V, index=CITIES), pd.Series(GROUP, index=CITIES)
    with pytest.raises(ValueError, match="groups has no row for 'c05'"):
        dagum(y, group.drop("c05"))
    with pytest.raises(ValueError, match="names 'c07' twice"):
        gini(y, pd.Series(POPULATION, index=CITIES).rename({"c03": "c07"}))
    assert gini(y, POPULATION) == gini(V, POPULATION)  # an array is in the order of what has labels
    default = pd.Series(POPULATION)  # 0, 1, ..: no unit is named
    assert gini(y, default) == gini(V, POPULATION)
    assert gini(pd.Series(V).sample(frac=1, random_state=1), default) == pytest.approx(gini(V, POPULATION))
