"""Digital attention, coupling, segmentation, specialisation, misallocation, capital, elasticities."""

import marshal
import tempfile

import numpy as np
import pytest
from checks import refused
from scipy import stats

from python_models.production import (
    Dictionary,
    attention,
    common_scale,
    coordination_class,
    coupling,
    digital_attention,
    krugman,
    lead_lag,
    location_quotient,
    misallocation,
    output_elasticities,
    perpetual_inventory,
    segmentation,
)

TERMS = Dictionary("test-1", {"data": ("大数据", "大数据中心", "云计算"), "industry": ("数字经济", "工业互联网")})


def test_a_term_inside_another_counts_once_and_line_breaks_hide_none():
    found = digital_attention("建设大数据中心,发展大数据。", TERMS)
    assert (found.hits, found.hits_by_group) == (2, {"data": 2, "industry": 0})
    assert digital_attention("数字\n经济", TERMS).hits == 1


def test_groups_add_up_and_share_is_a_percentage_that_a_repeated_text_does_not_move():
    text = "加快发展数字经济,推动工业互联网和云计算应用,改善民生。"
    found = digital_attention(text, TERMS)
    assert sum(found.hits_by_group.values()) == found.hits == 3
    assert 0 < found.share_pct < 100
    assert found.tokens == 10  # 加快 发展 数字经济 推动 工业互联网 和 云计算 应用 改善 民生
    assert digital_attention(text * 2, TERMS).share_pct == pytest.approx(found.share_pct)


def test_a_report_without_a_term_has_share_zero_and_a_dictionary_its_digest():
    assert digital_attention("改善民生。", TERMS).share_pct == 0
    refused("missing and not 0", digital_attention, "  \n", TERMS)
    other = Dictionary("test-1", {**TERMS.groups, "data": ("大数据", "云计算")})
    assert TERMS.digest != other.digest
    assert len(TERMS.digest) == 64
    refused("two places", Dictionary, "x", {"a": ("云",), "b": ("云",)})


def test_words_do_not_come_from_a_cache_that_any_program_may_write(tmp_path, monkeypatch):
    text, dictionary = "北京大学和清华大学合作研究", Dictionary("v3", {"data": ("大数据",)})
    before = digital_attention(text, dictionary).tokens
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "jieba.cache").write_bytes(marshal.dumps(({text: 10**9}, 10**9)))  # all of it one word
    attention._tokeniser.cache_clear()
    assert digital_attention(text, dictionary).tokens == before > 1
    assert [file.name for file in tmp_path.iterdir()] == ["jieba.cache"]


SCORES = np.array([[0.5, 0.5], [0.8, 0.2], [0.3, 0.6], [0, 0.4], [1, 1]])


def test_printed_fixtures():
    classic, corrected = coupling(SCORES, form="classic"), coupling(SCORES)
    assert classic.c == pytest.approx([1, 0.8, 0.94280904, 0, 1], abs=1e-8)
    assert corrected.c == pytest.approx([1, 0.31622777, 0.59160798, 0, 1], abs=1e-8)
    assert classic.d[1] == pytest.approx(0.63245553, abs=1e-8)
    assert corrected.d[1:3] == pytest.approx([0.39763536, 0.51596859], abs=1e-8)
    three = np.array([[0.2, 0.5, 0.8]])
    assert coupling(three, form="classic").c == pytest.approx([0.8617738760], abs=1e-10)
    assert coupling(three).c == pytest.approx([0.4870018732], abs=1e-10)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_equal_systems_are_fully_coupled_and_without_any_score_nothing_is(n):
    for form in ("corrected", "classic"):
        assert coupling(np.full((1, n), 0.37), form=form).c == pytest.approx([1])
    nothing = coupling([[0.0] * n])
    assert np.isnan(nothing.c[0])
    assert nothing.d[0] == 0


@pytest.mark.parametrize(("bad", "what"), [([[0.5, 1.2]], "one common scale"), ([[0.5, np.nan]], "missing")])
def test_scores_off_the_unit_interval_are_refused(bad, what):
    refused(what, coupling, bad)


def test_common_scale_is_frozen_on_the_base_and_clips_what_comes_later():
    scores = np.array([[2.0, 3.0, 9.0], [4.0, 6.0, 5.0]])
    base = np.array([True, True, False])
    scaled = common_scale(scores, base=base)
    assert scaled[:, :2].min() == pytest.approx(0.01)
    assert scaled[:, :2].max() == pytest.approx(0.99)
    assert scaled[0, 2] == 1.0
    assert common_scale(3 * scores + 7, base=base) == pytest.approx(scaled, abs=1e-12)
    assert common_scale([0.1, 0.2, 0.4], scale="rank") == pytest.approx([1 / 6, 0.5, 5 / 6])
    refused("no scale", common_scale, [1.0, 1.0])


def test_rank_scale_is_the_percentile_of_scipy_with_ties_and_with_cells_after_the_base():
    rng = np.random.default_rng(7)
    x = rng.integers(0, 40, (60, 5)) / 40
    base = np.arange(5) < 3
    expected = stats.percentileofscore(x[:, :3].ravel(), x, kind="mean") / 100
    np.testing.assert_allclose(common_scale(x, base=base, scale="rank"), expected, rtol=0, atol=1e-15)


def test_class_and_lead():
    steps = {
        "extreme_imbalance": [0, 0.0999],
        "mild_imbalance": [0.3],
        "intermediate_coordination": [0.7],
        "good_coordination": [0.8999],
        "quality_coordination": [0.9, 1.0],
    }
    for name, values in steps.items():
        assert set(coordination_class(values)) == {name}
    assert lead_lag([0.5, 0.2, 0.4], [0.3, 0.5, 0.45]) == ["pr_lagging", "nqpf_lagging", "synchronous"]


RATIOS = np.array([[1.02, 1.05], [1.01, 1.00], [1.04, 1.06]])
PAIRS = [(0, 1), (0, 2), (1, 2)]


def test_segmentation_by_hand():
    result = segmentation(RATIOS, PAIRS)
    assert result.v.ravel() == pytest.approx([1.921882e-4, 4.28416e-4, 4.67175e-5], rel=1e-6)
    assert result.seg.ravel() == pytest.approx([3.103021e-4, 1.194528e-4, 2.375667e-4], rel=1e-6)
    assert result.integ.ravel() == pytest.approx(1 / np.sqrt(result.seg.ravel()), rel=1e-12)


def test_same_inflation_everywhere_is_one_market_and_a_unit_without_a_pair_has_no_value():
    result = segmentation(np.tile([1.02, 1.07, 0.99], (3, 1)), PAIRS)
    assert not result.v.any()
    assert not result.seg.any()
    assert np.isnan(result.integ).all()
    alone = segmentation(RATIOS, [(0, 1)])
    assert np.isnan(alone.seg[2]).all()
    assert alone.n_pairs.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("pairs", "what"), [([(0, 0)], "itself"), ([(0, 3)], "outside"), ([(0, 1), (1, 0)], "twice"), ([], "at least one")]
)
def test_segmentation_refuses_bad_pairs(pairs, what):
    refused(what, segmentation, RATIOS, pairs)


def test_location_quotients_by_hand():
    cases, gdp = np.array([5.0, 0, 20]), np.array([10.0, 30, 40])
    lq = location_quotient(cases, gdp, 50, 100)
    assert (gdp / 100) @ lq == pytest.approx(cases.sum() / 50, abs=1e-12)
    whole = location_quotient(cases, gdp, cases.sum(), gdp.sum())
    assert (gdp / gdp.sum()) @ whole == pytest.approx(1, abs=1e-12)
    assert location_quotient(gdp, gdp, gdp.sum(), gdp.sum()) == pytest.approx(np.ones(3))


def test_krugman_is_zero_at_the_national_structure_below_two_and_blind_to_size():
    assert krugman(np.outer([1, 10, 3], [5.0, 3, 2])) == pytest.approx(np.zeros(3), abs=1e-12)
    assert krugman(np.eye(3)) == pytest.approx(np.full(3, 4 / 3), abs=1e-12)  # < 2
    e = np.random.default_rng(0).uniform(1, 9, size=(5, 4))
    assert krugman(1000 * e) == pytest.approx(krugman(e), abs=1e-12)


Y, K, B = np.array([100.0, 200, 300]), np.array([300.0, 300, 600]), np.array([0.4, 0.5, 0.6])


def test_misallocation_by_hand():
    result = misallocation(Y, K, B)
    assert result.gamma == pytest.approx([2, 0.8, 0.8888888889], abs=1e-10)
    assert result.tau == pytest.approx([-0.5, 0.25, 0.125], abs=1e-10)
    assert result.identity() == pytest.approx(1, abs=1e-12)
    assert misallocation(Y, 3 * Y, 0.5).tau == pytest.approx(np.zeros(3), abs=1e-12)  # one ratio, one elasticity
    assert misallocation(Y, K * [1, 2, 1], B).tau[1] < result.tau[1]  # more of the factor


@pytest.mark.parametrize("bad", [[100, 0, 300], [100, np.nan, 300], [100, -1, 300]])
def test_output_must_be_known_and_positive(bad):
    refused(r"output .* position \(1,\)", misallocation, bad, K, B)


def test_perpetual_inventory_by_hand_and_on_the_steady_path():
    stock = perpetual_inventory([[10.0, 20, 30]], 2.0, depreciation=0.1, growth=0.15)
    assert stock == pytest.approx(np.array([[20, 28, 40.2]]), abs=1e-12)
    steady = perpetual_inventory(np.full((2, 6), 5.0), depreciation=0.096)
    assert steady == pytest.approx(np.full((2, 6), 5 / 0.096), rel=1e-12)
    refused("investment of the first year", perpetual_inventory, [[0.0, 1.0]])
    refused("depreciation", perpetual_inventory, [[1.0, 1.0]], depreciation=1.2)
    refused("growth plus depreciation", perpetual_inventory, [[1.0, 1.0]], growth=-0.2)


def _panel(rng, beta, n=60, years=10, noise=0.02):
    k = np.exp(rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, years)).cumsum(axis=1))
    labour = np.exp(rng.normal(size=(n, 1)) + 0.1 * rng.normal(size=(n, years)))
    log_y = np.asarray(beta).reshape(-1, 1) * np.log(k / labour) + rng.normal(size=(n, 1)) + 0.03 * np.arange(years)
    return np.exp(log_y + noise * rng.normal(size=(n, years))) * labour, k, labour


def test_elasticities_of_groups_are_recovered_with_their_error():
    groups = np.repeat(["east", "west"], 30)
    y, k, labour = _panel(np.random.default_rng(1), np.where(groups == "east", 0.6, 0.35))
    result = output_elasticities(y, k, labour, groups=groups)
    for group, truth in (("east", 0.6), ("west", 0.35)):
        beta, error = result.beta_k[groups == group], result.std_error[groups == group]
        assert np.ptp(beta) == 0
        assert abs(beta[0] - truth) < 3 * error[0] < 0.06
    assert result.beta_l == pytest.approx(1 - result.beta_k)


def test_elasticity_outside_its_range_is_replaced_and_flagged():
    groups = np.repeat(["a", "b"], 30)
    y, k, labour = _panel(np.random.default_rng(3), np.where(groups == "a", 0.5, 1.4))
    result = output_elasticities(y, k, labour, groups=groups)
    assert result.is_replaced.tolist() == (groups == "b").tolist()
    assert (result.beta_k[groups == "b"] == result.national).all()


def test_elasticity_of_one_slope_equals_least_squares_with_dummies():
    y, k, labour = _panel(np.random.default_rng(4), 0.5, n=8, years=5, noise=0.2)
    n, years = y.shape
    x = np.log(k / labour).ravel()
    city, year = np.repeat(np.arange(n), years), np.tile(np.arange(years), n)
    design = np.column_stack([x, np.eye(n)[city], np.eye(years)[year][:, 1:]])
    slope = np.linalg.lstsq(design, np.log(y / labour).ravel(), rcond=None)[0][0]
    assert output_elasticities(y, k, labour, method="national").national == pytest.approx(slope, abs=1e-10)
