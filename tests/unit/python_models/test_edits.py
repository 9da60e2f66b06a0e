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


def scored(slips=SLIPS, edits=EDITS):
    table = edit_recall(slips, edits, n_values=1007)
    assert list(table) == RECALL_COLUMNS
    return table.set_index(["kind", "name"])


def of_all(slips=SLIPS, edits=EDITS):
    return scored(slips, edits).loc[("all", "all")]


def test_recall_by_class_counts_events_and_cells():
    table = scored().loc["class"]
    assert table.loc["spike", ["n_events", "n_events_found", "event_recall"]].tolist() == pytest.approx([3, 2, 2 / 3])
    cells = ["n_cells", "n_cells_touched", "event_recall"]
    assert table.loc[["run", "level"], cells].values.tolist() == [[2, 1, 1.0], [1, 0, 1.0]]
    assert table.loc["run", "cell_recall"] == 0.5


def test_sound_figures_that_are_touched_count_against_the_rule_and_their_class():
    table = scored()
    assert table.loc[("class", "jump"), ["n_sound", "n_sound_touched", "n_events"]].tolist() == [2, 1, 0]
    assert np.isnan(table.loc[("class", "jump"), "event_recall"])
    assert table.loc["rule", "n_sound_touched"].to_dict() == {"E3": 1, "E4": 1, "E9": 0}
    counts = ["n_sound", "n_sound_touched", "sound_touched_per_2000", "n_events", "n_events_found"]
    assert of_all()[counts].tolist() == [1000, 2, 4.0, 5, 4]


def test_error_of_what_replaces_slips():
    table = scored().loc["class", ["n_replaced", "mean_abs_error"]]
    assert table.loc["spike"].tolist() == pytest.approx([1, 0.1])
    assert table.loc["run"].tolist() == pytest.approx([1, 2.0])  # a flag that leaves a figure three times too large
    assert np.isnan(table.loc["level", "mean_abs_error"])


def test_scores_depend_on_the_source_not_on_the_order_of_rows_and_a_missing_column_is_named():
    shuffled = scored(SLIPS.sample(frac=1, random_state=1), EDITS.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled, scored())
    slips = SLIPS.assign(source="book")
    recall = [of_all(slips, EDITS.assign(source=source))["event_recall"] for source in ("other", "book")]
    assert recall == pytest.approx([0, 4 / 5])
    refused("slips lacks the column.*true_value", scored, SLIPS.drop(columns="true_value"))
    refused("edits lacks the column.*rule, action", scored, edits=EDITS.drop(columns=["rule", "action"]))


def test_perfect_editing_and_none_at_all():
    wrong = SLIPS[SLIPS["true_value"] != SLIPS["printed_value"]]
    perfect = of_all(edits=wrong.assign(used_value=wrong["true_value"], rule="E3", action="replace")[EDIT_COLUMNS])
    columns = ["event_recall", "cell_recall", "n_sound_touched", "mean_abs_error"]
    assert perfect[columns].tolist() == [1, 1, 0, 0]
    nothing = of_all(edits=EDITS.iloc[:0])
    assert nothing[["event_recall", "n_sound_touched", "n_replaced"]].tolist() == [0, 0, 0]
    assert np.isnan(nothing["mean_abs_error"])


def test_a_break_is_found_where_its_series_is_relinked_and_other_links_count_against_the_rule():
    """The printed level of the later years is moved; the edit stands on the years before."""
    slips = pd.DataFrame(
        [(city, "definition_break", city, 2019, "retail", 10.0, 8.0) for city in ("c1", "c2")], columns=SLIP_COLUMNS
    )
    links = [("c1", 2018, "retail", 9.0, 7.2, "E8", "relink"), ("c3", 2018, "retail", 9.0, 7.2, "E8", "relink")]
    table = scored(slips, pd.DataFrame(links, columns=EDIT_COLUMNS))
    assert table.loc[("class", "definition_break"), ["n_events", "n_events_found"]].tolist() == [2, 1]
    assert table.loc[("rule", "E8"), "n_sound_touched"] == 1
