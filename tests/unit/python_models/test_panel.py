"""Panel: the only place that pivots. Same cells in any order give the same panel."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from checks import refused

from python_models import Panel

LONG = pd.DataFrame(
    {
        "city_id": list("BAAAABBB"),
        "year": [2013, 2012, 2012, 2013, 2013, 2012, 2012, 2013],
        "indicator_code": list("yxyxyxyx"),
        "value": [8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
    }
)


def test_from_long_puts_city_year_indicator_on_axes_0_1_2():
    panel = Panel.from_long(LONG)
    assert (panel.cities, panel.years, panel.names) == (("A", "B"), (2012, 2013), ("x", "y"))
    np.testing.assert_array_equal(panel.values, [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
    turned = Panel.from_long(LONG, order=["y", "x"])
    assert turned.names == ("y", "x")
    np.testing.assert_array_equal(turned.values, panel.values[..., ::-1])
    refused(r"differ in .'w'", Panel.from_long, LONG, order=["y", "x", "w"])


def test_a_mask_is_true_where_the_flag_of_a_row_is():
    panel = Panel.from_long(LONG)
    flagged = LONG.assign(is_odd=LONG["value"] % 2 == 1).drop(index=3).astype({"is_odd": "boolean"})
    flagged.loc[1, "is_odd"] = pd.NA
    np.testing.assert_array_equal(panel.mask(flagged, "is_odd"), np.isin(panel.values, [5, 7]))
    assert not panel.mask(flagged, "is_even").any()


@pytest.mark.parametrize("seed", range(5))
def test_from_long_any_row_order_gives_the_same_panel(seed, panel):
    shuffled = panel.to_long().sample(frac=1, random_state=seed)
    assert Panel.from_long(shuffled).equals(panel)


def test_a_missing_cell_is_one_row_of_the_long_form():
    panel = Panel.from_long(LONG.drop(index=3))
    frame = panel.to_long()
    assert list(frame.columns) == list(LONG.columns)
    assert len(frame) == 8
    assert frame[frame["value"].isna()].iloc[:, :3].values.tolist() == [["A", 2013, "x"]]


def test_from_long_reads_other_column_names_and_number_types():
    renamed = LONG.set_axis(["c", "t", "k", "v"], axis=1)
    for values in (renamed["v"].astype("Int64"), renamed["v"].map(lambda v: Decimal(int(v)))):
        panel = Panel.from_long(renamed.assign(v=values), city="c", year="t", name="k", value="v")
        assert panel.equals(Panel.from_long(LONG))


def test_from_long_names_what_is_twice_and_what_is_no_year():
    twice = pd.concat([LONG, LONG.iloc[[5]].assign(value=9.0)])
    refused("city B, year 2012, indicator x", Panel.from_long, twice)
    refused(r"2012\.5", Panel.from_long, LONG.assign(year=2012.5))
    refused("no row", Panel.from_long, LONG.iloc[:0])


@pytest.mark.parametrize("bad", ["12", "…", np.inf, -np.inf])
def test_from_long_text_or_infinity_raises_and_names_the_cell(bad):
    frame = LONG.astype({"value": object})
    frame.loc[5, "value"] = bad
    refused("city B, year 2012, indicator x", Panel.from_long, frame)


@pytest.mark.parametrize(("column", "bad"), [("city_id", None), ("year", np.nan), ("indicator_code", None)])
def test_from_long_an_empty_key_raises(column, bad):
    frame = LONG.astype({column: object})
    frame.loc[2, column] = bad
    refused(f"'{column}' has 1 empty", Panel.from_long, frame)


def test_a_window_holds_both_of_its_years(panel):
    np.testing.assert_array_equal(panel.in_window((2013, 2014)), [False, True, True, False])
    refused("1990-1995", panel.in_window, (1990, 1995))


def test_panel_owns_read_only_values():
    mine = np.ones((1, 2, 1))
    panel = Panel(mine, ("A",), (2012, 2013), ("x",))
    mine[:] = 5.0
    assert (panel.values == 1.0).all()
    with pytest.raises(ValueError, match="read-only"):
        panel.values[0, 0, 0] = 2.0


def test_panel_refuses_labels_and_values_that_do_not_fit():
    refused("labels count", Panel, np.ones((1, 2, 1)), ("A", "B"), (2012, 2013), ("x",))
    refused("ascend", Panel, np.ones((1, 2, 1)), ("A",), (2013, 2012), ("x",))
    refused("year '2012' occurs twice", Panel, np.ones((1, 2, 1)), ("A",), (2012, 2012), ("x",))
    refused("infinite", Panel, np.full((1, 1, 1), np.inf), ("A",), (2012,), ("x",))
    refused("axes", Panel, np.ones((1, 1)), ("A",), (2012,), ("x",))
