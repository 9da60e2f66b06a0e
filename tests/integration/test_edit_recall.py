"""The rules of editing on all files of the SYNTHETIC demo: what they find of the planted slips, and what they spoil."""

import pytest
import recovery

SPIKES = ("beside_jump", "lost_digit", "ten_times", "tenth", "transposed")
OTHERS = ("concept_switch", "denominator", "hard_bound", "level_break", "registered")
LEAST = {0.95: (*SPIKES, *OTHERS), 0.85: ("edge", "run")}


@pytest.fixture(scope="module")
def recall(tmp_path_factory):
    return recovery.found_slips(tmp_path_factory.mktemp("slips"))


def test_planted_slips_are_found(recall):
    found = recall[recall["kind"] == "class"].set_index("name")
    assert found["n_events"].sum() >= 300
    missed = {
        name: found.loc[name, "event_recall"]
        for least, names in LEAST.items()
        for name in names
        if not found.loc[name, "event_recall"] >= least
    }
    assert not missed
    assert found.loc[["definition_break", "fill_midpoint", "fill_repeat"], "event_recall"].eq(1.0).all()


def test_sound_figures_are_left_alone(recall):
    total = recall[recall["kind"] == "all"].iloc[0]
    assert total["n_sound"] > 200_000
    assert total["sound_touched_per_2000"] <= 1.0
    jumps = recall[recall["name"].isin(["true_jump", "redistricted"])]
    assert jumps["n_sound"].sum() > 200
    assert jumps["sound_touched_per_2000"].max() <= 10.0, jumps.to_string()


def test_what_replaces_a_slip_is_near_the_truth(recall):
    errors = recall[recall["kind"] == "class"].set_index("name")["mean_abs_error"]
    assert errors["concept_switch"] < 0.01
    assert errors["level_break"] < 0.1
