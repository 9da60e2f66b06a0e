"""The toolkit against COINr and Compind (ASEM in every clone), its audit, its degenerate cases."""

import numpy as np
import pandas as pd
import pytest
from checks import refused

from python_models import CompositeIndex, Panel
from python_models.measurement import audit
from python_models.measurement.aggregation import aggregate, copeland, flat_weights
from python_models.measurement.critic import correlation
from python_models.measurement.frontier import benefit_of_the_doubt
from python_models.measurement.importance import correlation_ratio, cronbach_alpha, level_table, optimised_weights
from python_models.measurement.imputation import em_normal, multiple_imputation
from python_models.measurement.normalisation import normalise, positive
from python_models.measurement.pca import pca_index
from python_models.measurement.smaa import smaa
from python_models.measurement.sobol import sobol_shares
from python_models.measurement.treatment import treat
from python_models.measurement.uncertainty import ranked
from python_models.scores import ranks
from tests.golden.cases import asem, expected
from tests.shared_files import oracle_files

LEVELS = {"n1": ("a", "x"), "n2": ("a", "x"), "n3": ("b", "x"), "q1": ("c", "y"), "q2": ("c", "y")}


@pytest.fixture(scope="module")
def index(panel, spec):
    return CompositeIndex(panel, **{**spec, "levels": LEVELS})


@pytest.fixture(scope="module")
def audited(index):
    return audit(index, draws=660, seed=2)


SCORES, PATHS = np.random.default_rng(1).random((20, 2, 5)) + 0.1, tuple(LEVELS.values())


def test_a_value_far_below_the_others_still_has_a_mean_that_needs_values_above_0():
    z = normalise(np.append(np.linspace(1.0, 1.01, 399), -50.0).reshape(400, 1, 1), "zscore", np.ones(1))
    assert z.min() < -10.0
    assert positive(z, "zscore").min() > 0.0


@pytest.mark.parametrize("rule", ["arithmetic", "geometric", "harmonic"])
def test_one_mean_at_all_levels_is_the_flat_mean(rule):
    w = flat_weights({"x": 2.0, "q1": 3.0}, tuple(LEVELS), PATHS)
    assert w.sum() == pytest.approx(1.0)
    deep, flat = (aggregate(SCORES, w, paths, rule)[-1].scores for paths in (PATHS, ((),) * 5))
    np.testing.assert_allclose(deep, flat, rtol=1e-12)


def test_the_order_of_means_holds_and_a_mean_that_needs_values_above_0_says_so():
    w, mixed = np.full(5, 0.2), ("arithmetic", "arithmetic", "geometric")
    means = [aggregate(SCORES, w, PATHS, rule)[-1].scores for rule in ("harmonic", "geometric", mixed, "arithmetic")]
    assert (np.diff(means, axis=0) >= 0).all()
    refused("values above 0", aggregate, SCORES - 1.0, w, PATHS, "geometric")


def test_the_audit_has_ten_steps_and_every_figure_a_verdict(audited):
    table = audited.table
    assert set(table["step"]) == set(range(1, 11)) - {9}  # nothing outside was given
    assert set(table["verdict"]) <= {"holds", "weak", "fails", "told"}
    assert not table.duplicated(["check", "item"]).any()
    assert audited.drawn.n_failed == 0
    sums = table.groupby("check")["value"].sum()
    assert sums[["effective_ratio", "share_of_variance"]].tolist() == pytest.approx([1.0, 1.0])


def test_an_indicator_turned_the_wrong_way_is_said():
    rng, names = np.random.default_rng(4), tuple(LEVELS)
    x = rng.normal(size=(60, 1, 1)) + 0.3 * rng.normal(size=(60, 3, 5))
    panel = Panel(x, tuple(f"u{i}" for i in range(60)), (1, 2, 3), names)
    signs = {**dict.fromkeys(names, 1), "n2": -1}
    found = audit(CompositeIndex(panel, signs, LEVELS, scheme="equal"), draws=44).failures()
    assert {("r_index", "n2"), ("alpha", "a")} <= set(zip(found["check"], found["item"], strict=True))


def test_gains_and_whatif_speak_of_the_same_index(index, panel):
    unit, result = panel.cities[3], index.fit()
    told, z = index.explain(unit), result.z[:, -1]
    assert told["gain"].is_monotonic_decreasing
    gains = told.set_index("indicator").loc[list(panel.names), "gain"]
    np.testing.assert_allclose(gains, result.w * (z[3] - z.mean(axis=0)), atol=1e-12)
    assert (index.whatif()["shift"] == 0).all()
    moved = index.whatif({(unit, panel.years[-1], "n1"): float(panel.values[:, :, 0].max())})
    assert moved.set_index(["city_id", "year"]).loc[(unit, panel.years[-1]), "change"] != 0.0
    refused("unknown unit", index.explain, "nowhere")


def test_places_of_draws_are_places_and_importance_is_r_squared_for_a_line_and_more_for_a_curve():
    score = np.round(np.random.default_rng(1).random((40, 6)), 1)  # with ties
    np.testing.assert_array_equal(ranked(score.T).T, ranks(score))
    x, e = np.random.default_rng(2).normal(size=(2, 4000))
    assert correlation_ratio(x, x + e) == pytest.approx(np.corrcoef(x, x + e)[0, 1] ** 2, abs=0.02)
    assert correlation_ratio(x, x**2) > 0.95
    with np.errstate(over="raise"):  # no data lie between the last city and the others
        far = np.append(x[:60] / 100.0, 30.0)
        assert correlation_ratio(far, far + e[:61]) > 0.9
    assert np.isnan([correlation_ratio(np.ones(10), np.arange(10.0)), cronbach_alpha(np.ones((5, 1)))]).all()


def test_imputations_keep_what_is_observed_and_vary_where_it_is_not():
    rng = np.random.default_rng(3)
    full = rng.multivariate_normal([0, 5, 1], [[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]], size=300)
    holes = rng.random(full.shape) < 0.15
    seen = np.where(holes, np.nan, full)
    made = multiple_imputation(seen, copies=8, seed=1)
    assert (made.n_failed, len(made.values)) == (0, 8)
    assert (made.values[:, ~holes] == full[~holes]).all()
    assert (made.values.std(axis=0)[holes] > 0).all()
    between = 9 / 8 * made.values.mean(axis=1).var(axis=0, ddof=1)
    assert ((between > 0) & (between < 0.02)).all()
    mean, cov = em_normal(seen)
    np.testing.assert_allclose(mean, [0, 5, 1], atol=0.2)
    assert cov[0, 1] == pytest.approx(0.8, abs=0.15)


def test_bounds_and_factors_that_cannot_be_are_refused_and_only_those_asked_for_vary(index):
    refused("bounds of shares", benefit_of_the_doubt, np.ones((3, 1, 2)), low=0.6)
    refused("0 and more", benefit_of_the_doubt, -np.ones((3, 1, 2)))
    refused("unknown factor", audit, index, draws=40, factors=("colour",))
    assert audit(index, draws=40, factors=("normalisation",)).drawn.shares.names == ("normalisation",)


@pytest.mark.parametrize(("scale", "action"), [(1.2, "log"), (2.0, "fails"), (0.0, "")])
def test_a_column_that_winsorising_cannot_mend_is_logged(scale, action):
    x = np.exp(np.random.default_rng(5).normal(scale=scale, size=(400, 1)))
    assert treat(x, ("x",)).table.loc[0, "action"] == action


def test_benefit_of_the_doubt_and_given_weights_are_schemes_of_the_object(panel, spec):
    one = {**spec, "window": (2012, 2012)}
    first = Panel(panel.values[:, :1], panel.cities, panel.years[:1], panel.names)
    frontier = CompositeIndex(first, scheme="benefit_of_the_doubt", share_bounds=(0, 0.9), **one)
    assert frontier.fit().score.max() == pytest.approx(1.0)
    assert frontier.fit().contributions.empty
    given = CompositeIndex(panel, scheme="given", weights={"new": 3.0}, **spec).fit()
    np.testing.assert_allclose(given.w, [0.25, 0.25, 0.25, 0.125, 0.125])


CLOSE = {"rtol": 1e-9, "atol": 1e-12}
ASEM = expected("asem")
COLUMNS = ("LPI", "Flights", "Bord", "CostImpEx", "Tariff", "TIRcon", "TolMin")


@pytest.fixture(scope="module")
def data():
    return asem()


@pytest.fixture(scope="module")
def treated(data):
    return treat(data.values.to_numpy(), tuple(data.values.columns))


@pytest.fixture(scope="module")
def z(data, treated):
    return 100.0 * normalise(treated.values[:, None, :], "minmax", data.directions)


@pytest.fixture(scope="module")
def w(data):
    return flat_weights(data.weights, tuple(data.values.columns), data.paths)


@pytest.fixture(scope="module")
def levels(data, z, w):
    return aggregate(z, w, data.paths, "arithmetic")


def compare_levels(levels, answers):
    """Scores of every group of every level with COINr's."""
    found = {name: level.scores[:, 0, g] for level in levels for g, name in enumerate(level.names)}
    for name, answer in answers.items():
        np.testing.assert_allclose(found[name.replace("Index", "index")], answer, **CLOSE)
    return found["index"]


def compare_columns(found, data, answers):
    """Normalised values of some indicators with COINr's."""
    for name in COLUMNS:
        np.testing.assert_allclose(found[:, 0, list(data.values.columns).index(name)], answers[name], **CLOSE)


def test_the_rule_of_skewness_and_kurtosis_treats_the_same_points(treated):
    moved = treated.table[treated.table["action"] != ""].set_index("name")
    assert set(moved.index) == set(ASEM["treatment"])
    for name, answer in ASEM["treatment"].items():
        row = moved.loc[name]
        assert (row["action"], row["n_moved"]) == ("winsorised", answer["n_winsorised"])
        found = row[["skewness", "kurtosis", "skewness_after", "kurtosis_after"]].to_numpy(float)
        np.testing.assert_allclose(found, [answer[k] for k in ("skew0", "kurt0", "skew1", "kurt1")], **CLOSE)


def test_scores_of_every_level_are_those_of_coinr(data, levels):
    index = compare_levels(levels, ASEM["aggregated_arithmetic"])
    assert pd.Series(index).rank(ascending=False, method="min").astype(int).tolist() == ASEM["rank_index_best1"]
    printed = {"CHE": 68.3837242, "AUT": 61.9018034}
    assert [index[data.units.index(unit)] for unit in printed] == pytest.approx(list(printed.values()), abs=5e-8)


def test_the_object_gives_the_same_index_as_its_parts(data):
    names = tuple(data.values.columns)
    index = CompositeIndex(
        Panel(data.values.to_numpy()[:, None, :], tuple(data.units), (2018,), names),
        directions=dict(zip(names, data.directions, strict=True)),
        levels=dict(zip(names, data.paths, strict=True)),
        treatment="rule",
        scheme="given",
        weights=data.weights,
    )
    result = index.fit()
    np.testing.assert_allclose(100 * result.score[:, 0], ASEM["aggregated_arithmetic"]["Index"], **CLOSE)
    effective = ASEM["effective_weights_equal"]
    np.testing.assert_allclose(result.w, [effective[name] for name in names], rtol=1e-12)
    for level in index.groups()[:-1]:
        np.testing.assert_allclose(level.weights, [effective[name] for name in level.names], rtol=1e-12)


@pytest.mark.parametrize(
    ("rule", "key"),
    [("harmonic", "harmonic_on_minmax_1_100"), ("power:0.5", "generalised_mean_p_half_on_minmax_1_100")],
)
def test_other_means_on_a_scale_of_1_to_100(data, z, w, rule, key):
    compare_levels(aggregate(1.0 + 0.99 * z, w, data.paths, rule), ASEM[key])


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("zscore", "zscore_sd_n_minus_1"),
        ("rank", "rank"),
        ("percentile", "percentile_rank"),
        ("borda", "borda"),
        ("distance", "distance_to_max"),
    ],
)
def test_other_normalisations(data, treated, method, key):
    found = normalise(treated.values[:, None, :], method, data.directions)
    compare_columns(found, data, ASEM["other_normalisations_of_treated"][key])


@pytest.mark.parametrize(
    ("is_capped", "key"), [(False, "distance_to_target_of_untreated"), (True, "distance_to_target_capped_at_1")]
)
def test_distance_to_target_of_untreated_values(data, is_capped, key):
    raw = data.values.to_numpy()[:, None, :]
    found = normalise(raw, "target", data.directions, targets=data.targets, is_capped=is_capped)
    compare_columns(found, data, ASEM[key])


def test_copeland_scores_are_exactly_equal(levels):
    pillars, subs, answers = levels[0], levels[1], ASEM["copeland"]
    for g, name in enumerate(subs.names):
        own = list(subs.members[g])
        found = copeland(pillars.scores[..., own], np.full(len(own), 1 / len(own)))[:, 0]
        assert found.tolist() == answers["subindex_from_pillar_scores_equal_weights"][name]
    w = np.array([1.0] * 5 + [2.0] * 3)
    assert pillars.names == ("Physical", "ConEcFin", "Political", "Instit", "P2P", "Environ", "Social", "SusEcFin")
    found = copeland(pillars.scores, w / w.sum())[:, 0]
    assert found.tolist() == answers["index_from_8_pillar_scores_weights_1_1_1_1_1_2_2_2"]


def test_alpha_and_correlations_by_level(data, z, w, levels):
    table = level_table(tuple(data.values.columns), z, w, levels).set_index("name")
    for part in ASEM["cronbach_alpha"].values():
        assert table.loc[list(part), "alpha"].to_dict() == pytest.approx(part, rel=1e-9)
    for part, column in (
        ("indicator_with_own_pillar", "r_parent"),
        ("pillar_with_own_subindex", "r_parent"),
        ("pillar_with_index", "r_index"),
        ("subindex_with_index", "r_index"),
    ):
        told = {pair.split("|")[1]: r for pair, r in ASEM["pearson"][part].items()}
        assert table.loc[list(told), column].to_dict() == pytest.approx(told, rel=1e-9)


def test_components_of_a_pillar(data, z):
    names = list(data.values.columns)
    for pillar, answer in ASEM["pca_of_normalised_standardised"].items():
        own = [k for k, path in enumerate(data.paths) if path[0] == pillar]
        found = pca_index(z[..., own])
        np.testing.assert_allclose(found.eigenvalues, answer["variances"], **CLOSE)
        first = answer["loadings_first_component"]
        np.testing.assert_allclose(found.loadings[:, 0], [first[names[k]] for k in own], **CLOSE)


@pytest.mark.parametrize(
    ("depth", "key"), [(1, "subindexes_equal_importance"), (0, "eight_pillars_directly_to_index_equal_importance")]
)
def test_optimised_weights(levels, depth, key):
    columns, answer = levels[depth].scores[:, 0], ASEM["optimised_weights"][key]
    w = optimised_weights(columns, np.ones(columns.shape[1]))
    np.testing.assert_allclose(w, [answer[name] for name in levels[depth].names], rtol=0, atol=1e-6)
    r = np.corrcoef(np.column_stack([columns, columns @ w]), rowvar=False)[-1, :-1]
    np.testing.assert_allclose(r, r[0], rtol=1e-9)


def test_sobol_estimators_on_ishigami():
    answer = ASEM["ishigami"]
    from scipy.stats import qmc

    u = qmc.Halton(6, scramble=False).random(answer["N"] + 1)[1:]
    a, b = u[:, :3], u[:, 3:]

    def f(v):
        x = 2 * np.pi * v - np.pi
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])

    mixed = [np.where(np.arange(3) == k, b, a) for k in range(3)]
    f_a, f_b, f_ab = f(a), f(b), np.stack([f(v) for v in mixed])
    found = sobol_shares(f_a, f_b, f_ab, ("x1", "x2", "x3"))
    # ours takes the mean out first and divides by n; the answers' estimators differ by these two terms
    both = np.concatenate([f_a, f_b])
    ratio = both.var() / both.var(ddof=1)
    shift = both.mean() * (f_ab - f_a).mean(axis=1) / both.var(ddof=1)
    np.testing.assert_allclose(found.total * ratio, answer["T"], rtol=1e-9)
    np.testing.assert_allclose(found.first * ratio + shift, answer["S"], rtol=1e-9)


# the Better Life Index: data under the GPL, not in the repository; a twin that a clone runs is below
@pytest.fixture(scope="module")
def better_life():
    return pd.read_csv(oracle_files() / "data" / "bli2017.csv", index_col="country")


def test_benefit_of_the_doubt_of_compind(better_life):
    answer, y = expected("better_life"), better_life.to_numpy()[:, None, :]
    free, bound = benefit_of_the_doubt(y), benefit_of_the_doubt(y, low=0.02, high=0.30)
    np.testing.assert_allclose(free.score[:, 0], answer["bod"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(bound.score[:, 0], answer["bod_constrained_low_02_up_30"], rtol=0, atol=1e-8)
    assert (free.n_failed, int((free.score > 1 - 1e-8).sum())) == (0, answer["n_efficient"])
    assert ((bound.shares >= 0.02 - 1e-9) & (bound.shares <= 0.30 + 1e-9)).all()


def test_mazziotta_pareto_and_means_of_compind(better_life):
    answer, y = expected("better_life"), better_life.to_numpy()[:, None, :]
    m = y.shape[2]
    w, paths = np.full(m, 1 / m), ((),) * m
    z = normalise(y, "mpi", np.ones(m))
    for rule, key in (("mpi", "mpi_minus"), ("mpi+", "mpi_plus")):
        np.testing.assert_allclose(aggregate(z, w, paths, rule)[-1].scores[:, 0, 0], answer[key], rtol=1e-10)
    found = aggregate(y, w, paths, "geometric")[-1].scores[:, 0, 0]
    np.testing.assert_allclose(found, answer["geometric"], rtol=1e-10)
    eigenvalues = np.linalg.eigvalsh(correlation(y[:, 0]))[::-1]
    np.testing.assert_allclose(eigenvalues, answer["factor_1"]["eigenvalues"], rtol=1e-10)


def test_adjusted_mazziotta_pareto_of_compind():
    answer = expected("better_life")["ampi_hpi"]
    long = pd.read_csv(oracle_files() / "data" / "hpi.csv")
    wide = {name: long.pivot(index="ISO", columns="year", values=name) for name in answer["indicators"]}
    x = np.stack([frame.loc[answer["iso"]].to_numpy() for frame in wide.values()], axis=2)
    signs = [1.0 if p == "POS" else -1.0 for p in answer["polarity"]]
    found = aggregate(normalise(x, "goalposts", signs), np.full(3, 1 / 3), ((),) * 3, "ampi")[-1].scores[..., 0]
    for t, year in enumerate(("2017", "2018", "2019")):
        np.testing.assert_allclose(found[:, t], answer["ampi"][year], rtol=1e-10)


def test_acceptabilities_of_two_indicators(better_life):
    """Exact answers for two indicators; 4 errors of 20,000 draws."""
    answer = expected("better_life")["smaa"]
    x = better_life[["income", "health"]].to_numpy()
    found = smaa(x, draws=20_000, seed=3)
    for i, unit in enumerate(better_life.index):
        full = np.zeros(len(x))
        for rank, share in answer["rank_acceptability"][unit].items():
            full[int(rank) - 1] = share
        assert (np.abs(found.ranks[i] - full) <= 4 * np.sqrt(full * (1 - full) / 20_000) + 1e-12).all(), unit
    for unit, w in answer["central_weight_income_health"].items():
        np.testing.assert_allclose(found.central[better_life.index.get_loc(unit)], w, rtol=0, atol=0.01)


def test_benefit_of_the_doubt_of_two_indicators_is_the_best_of_both_ends_and_the_frontier(levels):
    y = levels[1].scores / 100
    found = benefit_of_the_doubt(y)
    # with two indicators the best weights are a vertex: 1 / max of one column, or where two units both have 1
    rows, candidates = y[:, 0], [np.array([1 / y[..., 0].max(), 0]), np.array([0, 1 / y[..., 1].max()])]
    for i in range(len(rows)):
        for j in range(i):
            if np.linalg.matrix_rank(rows[[i, j]]) == 2:
                candidates.append(np.linalg.solve(rows[[i, j]], np.ones(2)))
    fit = np.array([w for w in candidates if (w >= -1e-12).all() and (rows @ w <= 1 + 1e-9).all()])
    np.testing.assert_allclose(found.score[:, 0], (rows @ fit.T).max(axis=1), rtol=0, atol=1e-8)
    fixed = benefit_of_the_doubt(y, low=0.5, high=0.5)
    # with shares held at one half, w_j = s / (2 y_j): the score is bound by the largest mean ratio to another unit
    limit = 2 / (rows[:, None, :] / rows[None, :, :]).sum(axis=2).max(axis=0)
    np.testing.assert_allclose(fixed.score[:, 0], limit, rtol=0, atol=1e-8)
