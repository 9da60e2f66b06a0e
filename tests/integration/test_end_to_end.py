"""The full SYNTHETIC demo against its planted truth, and one with nothing planted (slow: two full refreshes).

Without slips: what they cost is for `mart_edit_recall`. How often intervals hold their truth: docs/recovery.md.
"""

import pytest
from house import House, paths_below
from scipy import stats

from dagster_project.demo import generate_demo
from python_models.simulation import EFFECTS, Truth

pytestmark = pytest.mark.slow
BORDER_TRUTH = 0.6  # 1 - border factor of the demo's spillovers


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return _refreshed(tmp_path_factory.mktemp("full"), Truth(), is_damaged=True)


@pytest.fixture(scope="module")
def null(tmp_path_factory):
    """A country in which no city influences another."""
    return _refreshed(tmp_path_factory.mktemp("null"), Truth().without(*EFFECTS), is_damaged=False)


def _refreshed(root, truth, *, is_damaged):
    house = House(paths_below(root))
    generate_demo(house.paths.landing, truth=truth, is_damaged=is_damaged, has_slips=False)
    house.must_refresh()
    return house


TESTS = "from mart.mart_level_adjusted_test where model_id = 'nqpf_sdm'"


@pytest.mark.parametrize(("index", "least"), [("nqpf", 0.95), ("pr", 0.9)])
@pytest.mark.parametrize("country", ["full", "null"])
def test_scores_rank_the_cities_as_their_latents_do(country, index, least, request):
    frame = request.getfixturevalue(country).published(
        "select s.score, t.value from mart.mart_index_score as s join ops.synthetic_truth as t"
        " on t.kind = 'latent' and t.name = s.index_code and t.city_id = s.city_id and t.year = s.year"
        " where s.index_code = ? and s.basis like 'frozen%' and s.weight_scheme = 'entropy_flat'",
        [index],
    )
    assert frame["score"].corr(frame["value"], method="spearman") > least


def test_every_indicator_points_the_right_way(full):
    """A swapped direction would turn the sign of its scaled values against the latent."""
    frame = full.published(
        "select v.indicator_code, corr(v.z, t.value) as r from mart.mart_indicator_value as v"
        " join ops.synthetic_truth as t on t.kind = 'latent' and t.name = 'nqpf' and t.city_id = v.city_id"
        " and t.year = v.year where v.index_code = 'nqpf' and v.basis like 'frozen%' group by 1 order by 2"
    )
    assert len(frame) == 22
    assert (frame["r"] > 0.1).all(), frame.head(3).to_string()


def test_production_relations_lift_forces_here_and_next_door(full):
    frame = full.published(
        "select effect, lo from mart.mart_panel_effect where model_id = 'nqpf_sdm' and variable = 'pr'"
    ).set_index("effect")
    assert (frame["lo"] > 0).all()


def test_centres_give_more_to_the_periphery_than_they_get(full):
    frame = full.published("from mart.mart_block_spillover where scheme = 'core' and model_id = 'nqpf_sdm'")
    theta = frame.set_index(frame["receiver"] + frame["emitter"])["theta_block"]
    assert theta["pc"] > theta["cp"]
    assert frame["asymmetry_lo"].iloc[0] > 0


def test_border_interval_covers_the_planted_factor(full):
    row = full.published(
        "from mart.mart_border_barrier where ring_id = 'all' and barrier_code = 'province' and model_id = 'nqpf_sdm'"
    ).iloc[0]
    assert row["lo"] <= BORDER_TRUTH <= row["hi"]
    assert row["p_equal"] < 0.05


def test_spillover_has_a_threshold_in_the_emitter(full):
    row = full.published(
        "from mart.mart_threshold_result where kind = 'spatial_emitter' and model_id = 'nqpf_sdm'"
    ).iloc[0]
    assert row["p_boot"] < 0.05
    assert row["slope_high"] > row["slope_low"]


def test_no_headline_analysis_was_skipped(full):
    skipped = full.published(
        "select analysis, variant, skip_reason from mart.mart_influence_run"
        " where status = 'skipped' and model_id = 'nqpf_sdm'"
    )
    assert skipped.empty, skipped.to_string()


def test_what_was_planted_is_found_again_and_the_loss_is_told(full):
    """Effects against the draw, border factor against its parameter, and every statistic of the index against that of
    sound files: gaps, misprints, boundaries and revisions leave next to nothing behind."""
    table = full.published("from mart.mart_truth_recovery where model_id = 'nqpf_sdm'").set_index("quantity")
    assert len(table) >= 50
    assert 0.8 < table.loc["direct_effect", "ratio"] < 1.25
    assert 0.8 < table.loc["asymmetry_index", "ratio"] < 1.25
    assert table.loc["asymmetry_index", "lo"] > 0
    assert table.loc["barrier_index", "truth"] == pytest.approx(BORDER_TRUTH)
    assert table.loc[["direct_effect", "given_by_core", "barrier_index"], "covers_truth"].astype(bool).all()
    sound = table[(table["truth_kind"] == "sound") & (table["status"] == "compared")]
    assert len(sound) >= 20
    assert sound["covers_truth"].astype(bool).mean() > 0.9, sound[["truth", "lo", "hi"]].to_string()
    assert table.loc["rank_correlation", "published"] > 0.999


def test_planted_effects_are_found_between_cities_of_one_level(full):
    p = full.published(TESTS).set_index(["analysis", "variant"])["p"]
    planted = [("direct effect", "direct"), ("spatial lag", "rho"), ("spillover", "theta and rho")]
    planted += [("asymmetry", "core"), ("border", "province")]
    assert (p[planted] < 0.05).all(), p.to_string()


def test_without_planted_effects_the_tests_reject_at_their_nominal_rate(null):
    """No more often than as many independent tests at 5 % do but for a chance of 0.5 %."""
    tests = null.published(TESTS).query("analysis != 'direct effect'")  # which is planted here too
    assert len(tests) >= 21
    assert tests["p"].notna().all(), tests.to_string()
    assert (tests["p"] < 0.05).sum() <= stats.binom.isf(0.005, len(tests), 0.05), tests.to_string()
    # on the index as it is, which is convex in what it measures, most of them are taken in
    assert (tests["p_unadjusted"] < 0.05).sum() >= 10


def test_without_planted_effects_intervals_cover_no_difference(null):
    tests = null.published(TESTS).set_index(["analysis", "variant"])
    named = [("spatial lag", "rho"), ("spillover", "theta"), ("asymmetry", "core"), ("border", "province:rings")]
    assert ((tests.loc[named, "lo"] <= 0) & (tests.loc[named, "hi"] >= 0)).all(), tests.to_string()
    with_interval = tests.dropna(subset="lo")
    assert ((with_interval["lo"] > 0) | (with_interval["hi"] < 0)).sum() <= 4


def test_recovery_says_that_nothing_is_covered_where_nothing_was_planted(null):
    table = null.published("from mart.mart_truth_recovery where model_id = 'nqpf_sdm'").set_index("quantity")
    zero = [f"{q}_level_adjusted" for q in ("spatial_lag", "spillover", "asymmetry", "border")]
    assert (table.loc[[*zero, "indirect_effect"], "truth"] == 0).all()
    assert table.loc[zero, "covers_truth"].astype(bool).all(), table.to_string()
    # that of the index takes in a part of its convexity, see the tests above; of the latents it is told beside it
    assert abs(table.loc["indirect_effect", "on_latent"]) < 0.05
    # without a spillover there is nothing that a border bars or a threshold lifts
    assert table.loc[["barrier_index", "synergy_threshold"], "truth"].isna().all()
