"""Effects of cities by segment of years: what dummies give, and the refit that needs nothing of this project."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from python_models.regression import by_segment, fit_panel
from python_models.regression.within import within
from python_models.simulation import small_panel

SEGMENTS = [0, 0, 0, 1, 1, 3, 3, 3]
REFIT = Path(__file__).resolve().parents[4] / "docs" / "refit" / "refit.py"


@pytest.fixture(scope="module")
def world():
    """y, x (N, T) and W; each city jumps by a number of its own at the cuts."""
    y, x, w = small_panel(30, len(SEGMENTS))
    jumps = np.random.default_rng(1).normal(0, 5, (2, len(y), 4))[:, :, SEGMENTS]
    return y + jumps[0], x + jumps[1], w


def test_slopes_are_those_of_dummies_of_city_by_segment_and_year(world):
    y, x, w = world
    n, t = y.shape
    city, year = np.indices(y.shape)
    of_city = 10 * city.ravel() + np.array(SEGMENTS)[year.ravel()]
    dummies = [pd.get_dummies(codes).to_numpy(dtype=float) for codes in (of_city, year.ravel())]
    want = np.linalg.lstsq(np.column_stack([x.ravel(), (w @ x).ravel(), *dummies]), y.ravel(), rcond=None)[0][:2]
    free_y, free_x = (by_segment(plane, SEGMENTS) for plane in (y, x))
    assert free_y.shape == (n, t - 2)  # two cuts
    fit = fit_panel(free_y, free_x[:, :, None], w, model="slx")
    assert fit.params[:2] == pytest.approx(want, rel=1e-9)
    assert within(free_y, "entity") == pytest.approx(free_y, abs=1e-9)
    assert by_segment(y, [4] * t) is y


def test_a_durbin_model_is_that_of_the_script_that_referees_run(world):
    y, x, w = world
    spec = importlib.util.spec_from_file_location("refit", REFIT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    long = [
        pd.DataFrame(plane).reset_index(names="city_id").melt("city_id", var_name="year").assign(term=term, role=role)
        for term, role, plane in (("y", "y", y), ("x", "x", x))
    ]
    data = pd.concat(long)
    data["segment"] = np.array(SEGMENTS)[data["year"].astype(int)]
    i, j = np.nonzero(w)
    mine = script.refit(data, pd.DataFrame({"city_i": i, "city_j": j, "w": w[i, j]}))
    fit = fit_panel(by_segment(y, SEGMENTS), by_segment(x, SEGMENTS)[:, :, None], w, names=["x"])
    got = dict(zip(fit.names, fit.params, strict=True)) | {"lnl": fit.loglik}
    assert {name: got[name] for name in mine.index} == pytest.approx(mine.to_dict(), rel=1e-7)
