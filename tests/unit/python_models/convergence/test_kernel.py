"""Kernel densities: mass, known features, bandwidths of R, the test of one mode; stochastic kernels."""

import numpy as np
import pytest
from checks import refused
from golden import cases
from scipy.stats import gaussian_kde

from python_models.dynamics import kernel, kernel_density, stochastic_kernel, unimodality
from python_models.dynamics.kernel import bandwidth_of, count_modes, features

Y = np.random.default_rng(1).lognormal(0.0, 0.5, 280)


@pytest.mark.parametrize("rule", ["silverman", "scott", "sheather_jones"])
@pytest.mark.parametrize("reflect", [False, True])
def test_density_has_mass_one_on_its_grid(rule, reflect):
    assert kernel_density(Y, bandwidth=rule, reflect=reflect).mass == pytest.approx(1.0, abs=1e-3)


def test_it_equals_scipy_with_the_same_bandwidth():
    found = kernel_density(Y)
    peer = gaussian_kde(Y, bw_method=found.bandwidth / Y.std(ddof=1))
    assert found.density == pytest.approx(peer(found.x), abs=1e-12)


def test_neither_small_blocks_nor_binned_distances_change_what_is_found(monkeypatch):
    whole, exact = kernel_density(Y).density, bandwidth_of(Y, "sheather_jones")
    monkeypatch.setattr(kernel, "CELLS", 512 * 7)
    monkeypatch.setattr(kernel, "EXACT_PAIRS", 10)
    assert kernel_density(Y).density == pytest.approx(whole, abs=1e-14)
    assert bandwidth_of(Y, "sheather_jones") == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("year", ["1929", "1969", "2009"])
def test_bandwidths_and_densities_of_us_state_incomes_are_those_of_r(year):
    """bw.nrd0, bw.nrd, bw.SJ and density() of relative incomes."""
    expected, y = cases.expected("us_states")["density"][year], cases.us_states()[year]
    y = y / y.mean()
    for rule, name, atol in (("silverman", "nrd0", 1e-12), ("scott", "nrd", 1e-12), ("sheather_jones", "SJ_ste", 1e-5)):
        assert bandwidth_of(y, rule) == pytest.approx(expected[name], abs=atol)
    density = kernel_density(y, grid=expected["grid"]).density
    assert density == pytest.approx(np.array(expected["dens_exact_nrd0"]), abs=1e-12)
    assert density == pytest.approx(np.array(expected["dens_R_density_nrd0"]), abs=1e-4)


def test_features_of_one_normal_hump_and_modes_on_a_curve():
    y = np.random.default_rng(2).normal(5.0, 1.0, 20_000)
    found = features(kernel_density(y), tail_from=float(np.quantile(y, 0.9)))
    assert found.mode_x == pytest.approx(5.0, abs=0.15)
    told = 1.0 / np.sqrt(2.0 * np.pi), 2.0 * np.sqrt(2.0 * np.log(2.0))
    assert (found.mode_height, found.width_half) == pytest.approx(told, rel=0.05)
    assert found.right_tail_mass == pytest.approx(0.1, abs=0.01)
    x = np.linspace(0.0, 4.0 * np.pi, 400)
    assert count_modes(np.vstack([np.sin(x) + 1.5, np.ones(400), x + 1.0])).tolist() == [3.0, 1.0, 1.0]
    assert count_modes(np.vstack([np.sin(x) + 1.5]), has_ends=False).tolist() == [2.0]


def test_two_humps_are_told_from_one():
    rng = np.random.default_rng(3)
    two = np.concatenate([rng.normal(0.0, 1.0, 140), rng.normal(5.0, 1.0, 140)])
    assert unimodality(two, seed=1).p_value < 0.05
    assert unimodality(rng.normal(size=280), seed=1).p_value > 0.1
    assert unimodality(np.ones(9), seed=1).p_value == 1.0
    # the critical bandwidth is where the second mode ends
    h, grid = unimodality(two, seed=1, n_bootstrap=9).critical_bandwidth, np.linspace(-6.0, 12.0, 4000)
    curves = [kernel_density(two, bandwidth=factor * h, grid=grid).density for factor in (1.01, 0.98)]
    assert count_modes(np.array(curves)).tolist() == [1.0, 2.0]


def test_bad_input_is_refused():
    refused("missing", kernel_density, [1.0, np.nan])
    refused("two values", kernel_density, [1.0])
    refused("bandwidth is 0", kernel_density, [2.0, 2.0])
    refused("needs values >= 0", kernel_density, [-1.0, 2.0], reflect=True)
    refused("unknown bandwidth rule", kernel_density, [1.0, 2.0], bandwidth="magic")


def moved(n: int = 800) -> tuple[np.ndarray, np.ndarray]:
    """Stationary first-order movement around 1: u today, v tomorrow."""
    rng = np.random.default_rng(5)
    u = 1.0 + 0.5 * rng.normal(size=n)
    return u, 1.0 + 0.8 * (u - 1.0) + 0.3 * rng.normal(size=n)


@pytest.mark.parametrize("adaptive", [False, True])
def test_conditional_density_has_mass_one_for_each_supported_start(adaptive):
    found = stochastic_kernel(*moved(), adaptive=adaptive)
    mass = np.trapezoid(found.conditional, found.grid, axis=1)[found.is_supported]
    assert mass == pytest.approx(np.ones(mass.size), abs=1e-3)
    assert np.trapezoid(np.trapezoid(found.joint, found.grid, axis=1), found.grid) == pytest.approx(1.0, abs=1e-3)


def test_a_lonely_pair_does_not_widen_the_grid_of_the_adaptive_kernel():
    u, v = (np.append(axis, 8.0) for axis in moved())
    adaptive = stochastic_kernel(u, v, adaptive=True)
    assert np.array_equal(adaptive.grid, stochastic_kernel(u, v).grid)
    mass = np.trapezoid(adaptive.conditional, adaptive.grid, axis=1)[adaptive.is_supported]
    assert mass == pytest.approx(np.ones(mass.size), abs=1e-9)


def test_long_run_density_is_a_fixed_point_near_the_truth():
    found = stochastic_kernel(*moved(4000))
    weight = np.gradient(found.grid)
    weight[[0, -1]] /= 2.0
    again = found.ergodic @ (np.nan_to_num(found.conditional) * weight[:, None])
    assert again == pytest.approx(found.ergodic, abs=1e-6)
    assert found.ergodic @ weight == pytest.approx(1.0, abs=1e-9)
    assert (found.grid * found.ergodic) @ weight == pytest.approx(1.0, abs=0.1)


def test_kernel_rows_are_the_starts():
    u = np.repeat([0.0, 10.0], 50) + np.random.default_rng(6).normal(0.0, 0.3, 100)
    found = stochastic_kernel(u, u + 1.0)
    row = int(np.argmin(np.abs(found.grid - 10.0)))
    assert found.grid[int(np.nanargmax(found.conditional[row]))] == pytest.approx(11.0, abs=1.5)
    frame = found.to_frame()
    assert len(frame) == 128 * 128
    assert frame.loc[frame["u_id"] == row, "u"].nunique() == 1
    refused("must be pairs", stochastic_kernel, [1.0, 2.0], [1.0, 2.0, 3.0])
    refused("does not vary", stochastic_kernel, [1.0, 1.0], [1.0, 2.0])
