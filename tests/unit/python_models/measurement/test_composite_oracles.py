"""The toolkit against COINr and Compind: ASEM in every clone; the Better Life Index where its data are."""

import numpy as np
import pandas as pd
import pytest

from python_models import CompositeIndex, Panel
from python_models.measurement.aggregation import aggregate, copeland, flat_weights
from python_models.measurement.critic import correlation
from python_models.measurement.frontier import benefit_of_the_doubt
from python_models.measurement.importance import cronbach_alpha, level_table, optimised_weights
from python_models.measurement.normalisation import normalise
from python_models.measurement.pca import pca_index
from python_models.measurement.smaa import smaa
from python_models.measurement.sobol import sobol_shares
from python_models.measurement.treatment import treat
from tests.golden.cases import asem, expected
from tests.shared_files import oracle_files

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
def levels(data, z):
    w = flat_weights(data.weights, tuple(data.values.columns), data.paths)
    return aggregate(z, w, data.paths, "arithmetic")


def by_name(levels):
    return {name: level.scores[:, 0, g] for level in levels for g, name in enumerate(level.names)}


def test_the_rule_of_skewness_and_kurtosis_treats_the_same_points(treated):
    moved = treated.table[treated.table["action"] != ""].set_index("name")
    assert set(moved.index) == set(ASEM["treatment"])
    for name, answer in ASEM["treatment"].items():
        row = moved.loc[name]
        assert (row["action"], row["n_moved"]) == ("winsorised", answer["n_winsorised"])
        found = row[["skewness", "kurtosis", "skewness_after", "kurtosis_after"]].to_numpy(float)
        np.testing.assert_allclose(found, [answer[k] for k in ("skew0", "kurt0", "skew1", "kurt1")], **CLOSE)


def test_scores_of_every_level_are_those_of_coinr(data, levels):
    found = by_name(levels)
    for name, answer in ASEM["aggregated_arithmetic"].items():
        np.testing.assert_allclose(found[name.replace("Index", "index")], answer, **CLOSE)
    place = pd.Series(found["index"]).rank(ascending=False, method="min").astype(int).tolist()
    assert place == ASEM["rank_index_best1"]
    assert found["index"][data.units.index("CHE")] == pytest.approx(68.3837242, abs=5e-8)
    assert found["index"][data.units.index("AUT")] == pytest.approx(61.9018034, abs=5e-8)


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
def test_other_means_on_a_scale_of_1_to_100(data, z, rule, key):
    w = flat_weights(data.weights, tuple(data.values.columns), data.paths)
    found = by_name(aggregate(1.0 + 0.99 * z, w, data.paths, rule))
    for name, answer in ASEM[key].items():
        np.testing.assert_allclose(found[name.replace("Index", "index")], answer, **CLOSE)


@pytest.mark.parametrize(
    ("method", "key", "scale"),
    [
        ("zscore", "zscore_sd_n_minus_1", 1),
        ("rank", "rank", 1),
        ("percentile", "percentile_rank", 1),
        ("borda", "borda", 1),
        ("distance", "distance_to_max", 1),
    ],
)
def test_other_normalisations(data, treated, method, key, scale):
    found = scale * normalise(treated.values[:, None, :], method, data.directions)
    answers = ASEM["other_normalisations_of_treated"][key]
    for name in COLUMNS:
        np.testing.assert_allclose(found[:, 0, list(data.values.columns).index(name)], answers[name], **CLOSE)


@pytest.mark.parametrize("is_capped", [False, True])
def test_distance_to_target_of_untreated_values(data, is_capped):
    raw = data.values.to_numpy()[:, None, :]
    found = normalise(raw, "target", data.directions, targets=data.targets, is_capped=is_capped)
    answers = ASEM["distance_to_target_capped_at_1" if is_capped else "distance_to_target_of_untreated"]
    for name in COLUMNS:
        np.testing.assert_allclose(found[:, 0, list(data.values.columns).index(name)], answers[name], **CLOSE)


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


def test_alpha_and_correlations_by_level(data, z, levels):
    table = level_table(
        tuple(data.values.columns), z, flat_weights(data.weights, tuple(data.values.columns), data.paths), levels
    ).set_index("name")
    answers = ASEM["cronbach_alpha"]
    for part in answers.values():
        for name, alpha in part.items():
            assert table.loc[name, "alpha"] == pytest.approx(alpha, rel=1e-9)
    for part, column in (
        ("indicator_with_own_pillar", "r_parent"),
        ("pillar_with_own_subindex", "r_parent"),
        ("pillar_with_index", "r_index"),
        ("subindex_with_index", "r_index"),
    ):
        for pair, r in ASEM["pearson"][part].items():
            assert table.loc[pair.split("|")[1], column] == pytest.approx(r, rel=1e-9)
    assert np.isnan(cronbach_alpha(np.ones((5, 1))))


def test_components_of_a_pillar(data, z):
    names = list(data.values.columns)
    for pillar, answer in ASEM["pca_of_normalised_standardised"].items():
        own = [k for k, path in enumerate(data.paths) if path[0] == pillar]
        found = pca_index(z[..., own])
        np.testing.assert_allclose(found.eigenvalues, answer["variances"], **CLOSE)
        first = answer["loadings_first_component"]
        np.testing.assert_allclose(found.loadings[:, 0], [first[names[k]] for k in own], **CLOSE)


def test_optimised_weights(levels):
    pillars, subs = levels[0].scores[:, 0], levels[1].scores[:, 0]
    for columns, level, key in (
        (subs, levels[1], "subindexes_equal_importance"),
        (pillars, levels[0], "eight_pillars_directly_to_index_equal_importance"),
    ):
        answer = ASEM["optimised_weights"][key]
        w = optimised_weights(columns, np.ones(columns.shape[1]))
        np.testing.assert_allclose(w, [answer[name] for name in level.names], rtol=0, atol=1e-6)
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


# ---- the Better Life Index: data under the GPL, not in the repository ----------------------------------------------


@pytest.fixture(scope="module")
def better_life():
    return pd.read_csv(oracle_files() / "data" / "bli2017.csv", index_col="country")


def test_benefit_of_the_doubt_of_compind(better_life):
    answer, y = expected("better_life"), better_life.to_numpy()[:, None, :]
    free, bound = benefit_of_the_doubt(y), benefit_of_the_doubt(y, low=0.02, high=0.30)
    np.testing.assert_allclose(free.score[:, 0], answer["bod"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(bound.score[:, 0], answer["bod_constrained_low_02_up_30"], rtol=0, atol=1e-8)
    assert (free.n_failed, int((free.score > 1 - 1e-8).sum())) == (0, answer["n_efficient"])
    assert (bound.shares >= 0.02 - 1e-9).all()
    assert (bound.shares <= 0.30 + 1e-9).all()


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


# ---- twins that a clone runs ---------------------------------------------------------------------------------------


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
