"""Scores of an editing layer on hand-made frames: every count can be checked by eye."""

import numpy as np
import pandas as pd
import pytest
from checks import refused

from python_models.edits import EDIT_COLUMNS, RECALL_COLUMNS, SLIP_COLUMNS, edit_recall

SLIPS = pd.DataFrame(
    [
        ("a", "spike", "c1", 2014, "science", 10.0, 100.0),  # found, replaced by 11: error .1
        ("b", "spike", "c2", 2015, "science", 20.0, 2.0),  # found, taken out
        ("c", "spike", "c3", 2016, "science", 30.0, 300.0),  # missed
        ("d", "run", "c1", 2014, "phones", 5.0, 15.0),  # a run: one of its two cells found, flagged and kept
        ("d", "run", "c1", 2015, "phones", 5.0, 15.0),
        ("e", "level", "c4", 2012, "gdp", 50.0, 80.0),  # found in the year of its step
        ("e", "level", "c4", 2013, "gdp", 60.0, 60.0),  # the year of the step, in which nothing is wrong
        ("f", "jump", "c5", 2014, "science", 7.0, 7.0),  # true jumps: one is touched
        ("g", "jump", "c6", 2014, "science", 9.0, 9.0),
    ],
    columns=SLIP_COLUMNS,
)
EDITS = pd.DataFrame(
    [
        ("c1", 2014, "science", 100.0, 11.0, "E3", "replace"),
        ("c2", 2015, "science", 2.0, np.nan, "E3", "quarantine"),
        ("c3", 2016, "science", 300.0, 300.0, "E3", "pending"),
        ("c1", 2015, "phones", 15.0, 15.0, "E4", "flag"),
        ("c4", 2013, "gdp", 60.0, 60.0, "E9", "split"),
        ("c5", 2014, "science", 7.0, np.nan, "E3", "quarantine"),
        ("c9", 2014, "phones", 4.0, np.nan, "E4", "quarantine"),
        ("c9", 2015, "phones", 4.0, 5.0, "reviewed", "replace"),
    ],
    columns=EDIT_COLUMNS,
)
OPTIONS = {"n_values": 1007}


def scored(slips=SLIPS, edits=EDITS, **options):
    table = edit_recall(slips, edits, **{**OPTIONS, **options})
    assert list(table) == RECALL_COLUMNS
    return table.set_index(["kind", "name"])


def test_recall_by_class_counts_events_and_cells():
    table = scored()
    spike, run, level = (table.loc[("class", name)] for name in ("spike", "run", "level"))
    assert (spike["n_events"], spike["n_events_found"], spike["event_recall"]) == (3, 2, pytest.approx(2 / 3))
    assert (run["n_cells"], run["n_cells_touched"], run["event_recall"], run["cell_recall"]) == (2, 1, 1.0, 0.5)
    assert (level["n_cells"], level["n_cells_touched"], level["event_recall"]) == (1, 0, 1.0)


def test_sound_figures_that_are_touched_count_against_the_rule_and_their_class():
    table = scored()
    assert table.loc[("class", "jump"), ["n_sound", "n_sound_touched"]].tolist() == [2, 1]
    assert table.loc[("class", "jump"), "n_events"] == 0
    assert np.isnan(table.loc[("class", "jump"), "event_recall"])
    assert table.loc["rule", "n_sound_touched"].to_dict() == {"E3": 1, "E4": 1, "E9": 0}
    total = table.loc[("all", "all")]
    assert (total["n_sound"], total["n_sound_touched"], total["sound_touched_per_2000"]) == (1000, 2, 4.0)
    assert (total["n_events"], total["n_events_found"]) == (5, 4)


def test_error_of_what_replaces_slips():
    table = scored()
    assert table.loc[("class", "spike"), ["n_replaced", "mean_abs_error"]].tolist() == [1, pytest.approx(0.1)]
    # a flag that leaves a figure three times too large has an error of 2
    assert table.loc[("class", "run"), ["n_replaced", "mean_abs_error"]].tolist() == [1, pytest.approx(2.0)]
    assert np.isnan(table.loc[("class", "level"), "mean_abs_error"])


def test_scores_do_not_depend_on_the_order_of_rows():
    shuffled = scored(SLIPS.sample(frac=1, random_state=1), EDITS.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled, scored())


def test_perfect_editing_and_none_at_all():
    wrong = SLIPS[SLIPS["true_value"] != SLIPS["printed_value"]]
    perfect = wrong.assign(used_value=wrong["true_value"], rule="E3", action="replace")[EDIT_COLUMNS]
    total = scored(edits=perfect).loc[("all", "all")]
    assert (total["event_recall"], total["cell_recall"], total["n_sound_touched"], total["mean_abs_error"]) == (
        1,
        1,
        0,
        0,
    )
    nothing = scored(edits=EDITS.iloc[:0]).loc[("all", "all")]
    assert (nothing["event_recall"], nothing["n_sound_touched"], nothing["n_replaced"]) == (0, 0, 0)
    assert np.isnan(nothing["mean_abs_error"])


def test_the_source_tells_two_prints_of_one_figure_apart():
    slips, edits = SLIPS.assign(source="book"), EDITS.assign(source="other")
    assert scored(slips, edits).loc[("all", "all"), "event_recall"] == 0
    assert scored(slips, edits.assign(source="book")).loc[("all", "all"), "event_recall"] == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    ("slips", "edits", "named"),
    [
        (SLIPS.drop(columns="true_value"), EDITS, "slips lacks the column.*true_value"),
        (SLIPS, EDITS.drop(columns=["rule", "action"]), "edits lacks the column.*rule, action"),
    ],
)
def test_a_missing_column_is_named(slips, edits, named):
    refused(named, edit_recall, slips, edits, n_values=10)
