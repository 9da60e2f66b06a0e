"""SpatialPanel: labels decide, results are labelled, and bad input is refused with the city, year or column."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from checks import panel_refused
from libpysal.graph import Graph
from libpysal.weights import WSP
from spec_worlds import draw, knn

from python_models.regression import MODELS, PanelInputError, SpatialPanel, fit_panel

N, T = 40, 6
CITIES = [f"CN{110000 + 7 * i}" for i in range(N)]
YEARS = list(range(2012, 2012 + T))


@pytest.fixture(scope="module")
def arrays():
    w = knn(N)
    y, x = draw(w, t=T, rng=np.random.default_rng(51), rho=0.4, theta=(0.3, 0.2))
    return y, x, w


@pytest.fixture
def frames(arrays):
    y, x, w = arrays
    index = pd.MultiIndex.from_product([CITIES, YEARS], names=["city_id", "year"])
    return (
        pd.Series(y.ravel(), index, name="nqpf"),
        pd.DataFrame(x.reshape(-1, 2), index, ["pr", "fdi"]),
        (w.matrix, CITIES),
    )


@pytest.fixture
def fit(frames):
    return SpatialPanel(*frames).fit()


@pytest.mark.parametrize("model", MODELS)
def test_any_row_order_gives_the_same_estimates(arrays, frames, model):
    y, x, w = arrays
    left, right, graph = frames
    rng, core = np.random.default_rng(1), fit_panel(y, x, w, model=model)
    for _ in range(3):
        shuffled = left.iloc[rng.permutation(N * T)], right.iloc[rng.permutation(N * T)]
        fit = SpatialPanel(*shuffled, graph, model=model).fit()
        assert fit.params.to_numpy() == pytest.approx(core.params, abs=1e-12)
    order = rng.permutation(N)
    fit = SpatialPanel(left, right, (w.matrix[order][:, order], [CITIES[i] for i in order]), model=model).fit()
    assert fit.params.to_numpy() == pytest.approx(core.params, abs=1e-8)
    assert fit.residuals.loc[left.index].to_numpy().reshape(N, T) == pytest.approx(core.residuals, abs=1e-8)


def test_every_kind_of_graph_is_read_and_keeps_its_own_values(arrays, frames, fit):
    w, (left, right, _) = arrays[2], frames
    cells, dense, names = w.matrix.tocoo(), w.matrix.toarray(), np.array(CITIES)
    graphs = (
        pd.DataFrame(dense, index=CITIES, columns=CITIES),
        Graph.from_arrays(names[cells.row], names[cells.col], cells.data),
        WSP(w.matrix, id_order=CITIES).to_W(silence_warnings=True),
        (w, CITIES),
        (dense, pd.Index(CITIES)),
        (sp.csr_array(w.matrix), CITIES),
    )
    for other in graphs:
        assert SpatialPanel(left, right, other).fit().params.to_numpy() == pytest.approx(
            fit.params.to_numpy(), abs=1e-8
        )
    binary = Graph.from_arrays(names[cells.row], names[cells.col], np.ones(len(cells.data)))
    panel_refused("normalise the rows", SpatialPanel, left, right, binary)
    SpatialPanel(left, right, binary.transform("r")).fit()
    assert (binary.adjacency == 1.0).all()


def test_names_and_statistics(frames, fit):
    assert list(fit.params.index) == ["pr", "fdi", "W:pr", "W:fdi", "rho", "sigma2"]
    assert list(fit.to_frame()["role"]) == ["beta", "beta", "theta", "theta", "rho", "sigma2"]
    assert (fit.rho, fit.lam) == (fit.params["rho"], None)
    rows = (N - 1) * (T - 1)
    assert fit.dof == rows - 4
    assert (fit.aic, fit.bic) == pytest.approx((-2 * fit.loglik + 2 * 6, -2 * fit.loglik + 6 * np.log(rows)))
    assert 0.0 < fit.r2_within < 1.0
    assert np.sqrt(np.diagonal(fit.cov)) == pytest.approx(fit.std_errors.to_numpy())
    sem = SpatialPanel(*frames, model="sem").fit()
    assert (sem.rho, sem.lam) == (None, sem.params["lambda"])
    chosen = SpatialPanel(*frames, durbin=["pr"]).fit()
    assert list(chosen.params.index) == ["pr", "fdi", "W:pr", "rho", "sigma2"]
    panel_refused("'gdp' is not a regressor", SpatialPanel, *frames, durbin=["gdp"])


def test_effects_carry_labels_scale_and_both_errors(frames, fit):
    left, right, _ = frames
    effects = fit.effects("simulation", draws=1000, rng=np.random.default_rng(1))
    frame = effects.to_frame()
    assert list(frame["variable"]) == ["pr"] * 3 + ["fdi"] * 3
    assert list(frame["effect"]) == ["direct", "indirect", "total"] * 2
    numbers = ["point", "mean_draws", "se", "lower", "upper", "p", "se_delta", "share_rejected"]
    assert frame[numbers].notna().all(axis=None)
    assert frame["standardised"].iloc[0] == pytest.approx(frame["point"].iloc[0] * right["pr"].std() / left.std())
    assert list(effects.by_city("fdi")["city"]) == CITIES
    assert "Share of rejected draws" in effects.summary()
    panel_refused("'gdp' is not a regressor; there are pr, fdi", effects.by_city, "gdp")


def test_summaries_as_text_and_html(frames):
    left, right, graph = frames
    fit = SpatialPanel(left, right.rename(columns={"pr": "a_b", "fdi": "x<y&z"}), graph).fit(cov="qml")
    text = fit.summary()
    for piece in ("Spatial panel: SDM, twoways", "lee_yu", "qml", "W:a_b", f"{fit.rho:.4g}", f"{fit.loglik:.4f}"):
        assert piece in text
    assert "eigenvalues" in text  # how the log-determinant was found
    assert "x&lt;y&amp;z" in fit._repr_html_()


def refused(message, left, right, graph, **request):
    with pytest.raises(PanelInputError, match=message):
        SpatialPanel(left, right, graph, **request).fit()


def test_an_unbalanced_panel_and_frames_without_the_two_labels_are_refused(frames):
    left, right, graph = frames
    hole = (CITIES[5], 2014)
    refused("dependent: city 'CN110035', year 2014 has no row", left.drop(hole), right, graph)
    refused("exog: city 'CN110035', year 2014 has no row", left, right.drop(hole), graph)
    twice = pd.concat([left, left.loc[[hole]]])
    refused("city 'CN110035', year 2014 occurs more than once", twice, right, graph)
    early = right[right.index.get_level_values(1) < 2017]
    refused("dependent and exog differ in their years, first 2017", left, early, graph)
    left, right, graph = frames
    refused("MultiIndex with the two levels", left.reset_index(drop=True), right, graph)
    refused("must be one column, got 2", right, right, graph)
    refused("must be a Series or DataFrame", left.to_numpy(), right, graph)
    refused("is empty", left.iloc[:0], right, graph)
    one = left[left.index.get_level_values(1) == 2012]
    refused("T = 1 year", one, right[right.index.get_level_values(1) == 2012], graph)


def test_cities_that_do_not_match_the_graph_are_named(frames, arrays):
    left, right, _ = frames
    w, renamed, shifted = arrays[2].matrix, [*CITIES[:-1], "CN999999"], [CITIES[0], *CITIES[:-1]]
    inside = left.index.get_level_values(0) != CITIES[4]
    cut = "1 cities of the graph have no row in the panel, first 'CN110028'"
    refused(cut, left[inside], right[inside], (w, CITIES))
    island, loop = w.toarray(), w.toarray()
    island[7], loop[4, 4] = 0.0, 0.2
    turned = pd.DataFrame(w.toarray(), index=CITIES, columns=CITIES[::-1])
    for message, graph in (
        ("1 cities are missing from the graph, first 'CN110273'", (w, renamed)),
        (r"40 cities are missing from the graph.*'CN110000' in the panel and 0 in the graph", (w, range(N))),
        ("names city 'CN110000' twice", (w, shifted)),
        ("39 labels for a weight matrix of 40 rows", (w, CITIES[1:])),
        ("without labels its rows cannot be matched", w),
        (r"islands\), first city 'CN110049'", (island, CITIES)),
        (r"1 diagonal weights, first city 'CN110028' \(0.2\)", (loop, CITIES)),
        ("same labels in the same order", turned),
    ):
        refused(message, left, right, graph)


def test_values_and_columns_that_cannot_be_used_are_named(frames):
    left, right, graph = frames
    bad, worse = right.copy(), left.copy()
    bad.loc[(CITIES[2], 2013), "fdi"], worse.iloc[3] = np.nan, np.inf
    refused("exog: 1 missing or infinite values, first city 'CN110014', year 2013, column 'fdi'", left, bad, graph)
    refused("dependent: 1 missing or infinite values, first city 'CN110000', year 2015", worse, right, graph)
    refused("column 'pr' holds str, no numbers", left, right.assign(pr="1.5"), graph)
    left, right, graph = frames
    area = pd.Series(np.arange(N, dtype=float), index=CITIES).reindex(right.index.get_level_values(0)).to_numpy()
    refused(r"'area' does not vary over time within any city \(time-invariant\)", left, right.assign(area=area), graph)
    refused("'double' is collinear with 'pr'", left, right.assign(double=2 * right["pr"]), graph, model="sar")
    refused("'rho' is a name that the results use", left, right.rename(columns={"pr": "rho"}), graph)
    refused("regressor 'pr' occurs twice", left, right.set_axis(["pr", "pr"], axis=1), graph)


def test_input_frames_are_not_changed(frames):
    before = [part.copy() for part in (*frames[:2], frames[2][0])]
    SpatialPanel(*frames, model="sac").fit(cov="qml").effects("delta")
    pd.testing.assert_series_equal(frames[0], before[0])
    pd.testing.assert_frame_equal(frames[1], before[1])
    assert (frames[2][0] != before[2]).nnz == 0
