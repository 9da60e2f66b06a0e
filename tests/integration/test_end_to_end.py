"""The full SYNTHETIC demo against its planted truth: what the pipeline must find again (slow: one full refresh)."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import House

from dagster_project.demo import generate_demo
from dagster_project.paths import Paths

pytestmark = pytest.mark.slow
BORDER_TRUTH = 0.6  # 1 - border factor of the demo's spillovers


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> House:
    root: Path = tmp_path_factory.mktemp("full")
    paths = Paths(root / "warehouse", root / "landing", root / "landing")
    generate_demo(paths.landing)
    house = House(paths)
    outcome = house.refresh()
    assert outcome.exit_code == 0, outcome.text
    return house


@pytest.mark.parametrize(("index", "latent", "least"), [("nqpf", "nqpf", 0.95), ("pr", "pr", 0.9)])
def test_scores_rank_the_cities_as_their_latents_do(full: House, index: str, latent: str, least: float) -> None:
    frame = full.published(
        "select s.score, t.value from mart.mart_index_score as s join ops.synthetic_truth as t"
        " on t.kind = 'latent' and t.name = ? and t.city_id = s.city_id and t.year = s.year"
        " where s.index_code = ? and s.basis like 'frozen%' and s.weight_scheme = 'entropy_flat'",
        [latent, index],
    )
    assert frame["score"].corr(frame["value"], method="spearman") > least


def test_every_indicator_points_the_right_way(full: House) -> None:
    """A swapped direction would turn the sign of its scaled values against the latent."""
    frame = full.published(
        "select v.indicator_code, corr(v.z, t.value) as r from mart.mart_indicator_value as v"
        " join ops.synthetic_truth as t on t.kind = 'latent' and t.name = 'nqpf' and t.city_id = v.city_id"
        " and t.year = v.year where v.index_code = 'nqpf' and v.basis like 'frozen%' group by 1 order by 2"
    )
    assert len(frame) == 22
    assert (frame["r"] > 0.1).all(), frame.head(3).to_string()


def test_production_relations_lift_forces_here_and_next_door(full: House) -> None:
    frame = full.published(
        "select effect, lo from mart.mart_panel_effect where model_id = 'nqpf_sdm' and variable = 'pr'"
    ).set_index("effect")
    assert (frame["lo"] > 0).all()


def test_centres_give_more_to_the_periphery_than_they_get(full: House) -> None:
    frame = full.published("from mart.mart_block_spillover where scheme = 'core' and model_id = 'nqpf_sdm'")
    theta = frame.set_index(frame["receiver"] + frame["emitter"])["theta_block"]
    assert theta["pc"] > theta["cp"]
    assert frame["asymmetry_lo"].iloc[0] > 0


def test_border_interval_covers_the_planted_factor(full: House) -> None:
    row = full.published(
        "from mart.mart_border_barrier where ring_id = 'all' and barrier_code = 'province' and model_id = 'nqpf_sdm'"
    ).iloc[0]
    assert row["lo"] <= BORDER_TRUTH <= row["hi"]
    assert row["p_equal"] < 0.05


def test_spillover_has_a_threshold_in_the_emitter(full: House) -> None:
    row = full.published(
        "from mart.mart_threshold_result where kind = 'spatial_emitter' and model_id = 'nqpf_sdm'"
    ).iloc[0]
    assert row["p_boot"] < 0.05
    assert row["slope_high"] > row["slope_low"]


def test_no_headline_analysis_was_skipped(full: House) -> None:
    skipped = full.published(
        "select analysis, variant, skip_reason from mart.mart_influence_run"
        " where status = 'skipped' and model_id = 'nqpf_sdm'"
    )
    assert skipped.empty, skipped.to_string()


def test_what_was_planted_is_found_again_and_the_loss_is_told(full: House) -> None:
    """CHECKS 10: attenuation against the same model on the latents, border factor and threshold against the truth."""
    table = full.published("from mart.mart_truth_recovery where model_id = 'nqpf_sdm'").set_index("quantity")
    assert table.loc[["direct_effect", "indirect_effect", "total_effect"], "ratio"].between(0.8, 1.25).all()
    assert table.loc["asymmetry_index", "lo"] > 0
    assert 0.8 < table.loc["asymmetry_index", "ratio"] < 1.25
    assert table.loc["barrier_index", "truth"] == pytest.approx(BORDER_TRUTH)
    assert table.loc[["barrier_index", "synergy_threshold"], "covers_truth"].astype(bool).all(), table.to_string()
