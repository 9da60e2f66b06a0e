"""Panel: the only place that pivots. Same cells in any order give the same panel."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from python_models import Panel

LONG = pd.DataFrame(
    [
        ("B", 2013, "y", 8.0),
        ("A", 2012, "x", 1.0),
        ("A", 2012, "y", 2.0),
        ("A", 2013, "x", 3.0),
        ("A", 2013, "y", 4.0),
        ("B", 2012, "x", 5.0),
        ("B", 2012, "y", 6.0),
        ("B", 2013, "x", 7.0),
    ],
    columns=["city_id", "year", "indicator_code", "value"],
)


def test_from_long_puts_city_year_indicator_on_axes_0_1_2():
    panel = Panel.from_long(LONG)
    assert (panel.cities, panel.years, panel.names) == (("A", "B"), (2012, 2013), ("x", "y"))
    np.testing.assert_array_equal(panel.values, [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])


@pytest.mark.parametrize("seed", range(5))
def test_from_long_any_row_order_gives_the_same_panel(seed, panel):
    shuffled = panel.to_long().sample(frac=1, random_state=seed)
    assert Panel.from_long(shuffled).equals(panel)


def test_to_long_has_every_cell_once_also_the_missing_ones():
    frame = Panel.from_long(LONG.drop(index=3)).to_long()
    assert list(frame.columns) == ["city_id", "year", "indicator_code", "value"]
    assert len(frame) == 8
    hole = frame[frame["value"].isna()]
    assert hole[["city_id", "year", "indicator_code"]].values.tolist() == [["A", 2013, "x"]]


def test_from_long_reads_other_column_names_and_number_types():
    renamed = LONG.set_axis(["c", "t", "k", "v"], axis=1)
    for values in (renamed["v"].astype("Int64"), renamed["v"].map(lambda v: Decimal(int(v)))):
        panel = Panel.from_long(renamed.assign(v=values), city="c", year="t", name="k", value="v")
        assert panel.equals(Panel.from_long(LONG))


def test_from_long_follows_the_given_indicator_order():
    panel = Panel.from_long(LONG, order=["y", "x"])
    assert panel.names == ("y", "x")
    np.testing.assert_array_equal(panel.values[0, 0], [2, 1])


def test_from_long_refuses_an_order_that_is_not_the_indicators_of_the_frame():
    with pytest.raises(ValueError, match=r"differ in .'w'"):
        Panel.from_long(LONG, order=["y", "x", "w"])


def test_from_long_a_duplicate_raises_and_names_city_year_indicator():
    twice = pd.concat([LONG, LONG.iloc[[5]].assign(value=9.0)])
    with pytest.raises(ValueError, match="city B, year 2012, indicator x"):
        Panel.from_long(twice)


@pytest.mark.parametrize("bad", ["12", "…", np.inf, -np.inf])
def test_from_long_text_or_infinity_raises_and_names_the_cell(bad):
    frame = LONG.astype({"value": object})
    frame.loc[5, "value"] = bad
    with pytest.raises(ValueError, match="city B, year 2012, indicator x"):
        Panel.from_long(frame)


@pytest.mark.parametrize(("column", "bad"), [("city_id", None), ("year", np.nan), ("indicator_code", None)])
def test_from_long_an_empty_key_raises(column, bad):
    frame = LONG.astype({column: object})
    frame.loc[2, column] = bad
    with pytest.raises(ValueError, match=f"'{column}' has 1 empty"):
        Panel.from_long(frame)


def test_from_long_half_a_year_or_no_row_raises():
    with pytest.raises(ValueError, match=r"2012\.5"):
        Panel.from_long(LONG.assign(year=2012.5))
    with pytest.raises(ValueError, match="no row"):
        Panel.from_long(LONG.iloc[:0])


def test_from_long_does_not_change_its_input():
    before = LONG.copy()
    Panel.from_long(LONG)
    pd.testing.assert_frame_equal(LONG, before)


def test_complete_rows_is_false_where_one_indicator_is_missing():
    panel = Panel.from_long(LONG.drop(index=3))
    np.testing.assert_array_equal(panel.complete_rows, [[True, False], [True, True]])


def test_select_years_and_cities_keep_labels_with_values(panel):
    part = panel.select_years([2014, 2012]).select_cities([panel.cities[7], panel.cities[2]])
    assert part.years == (2012, 2014)
    assert part.cities == (panel.cities[2], panel.cities[7])
    np.testing.assert_array_equal(part.values, panel.values[[2, 7]][:, [0, 2]])


def test_select_an_unknown_year_or_city_raises(panel):
    with pytest.raises(ValueError, match="unknown year 1999"):
        panel.select_years([2012, 1999])
    with pytest.raises(ValueError, match="unknown city 'Atlantis'"):
        panel.select_cities(["Atlantis"])


def test_panel_owns_read_only_values():
    mine = np.ones((1, 2, 1))
    panel = Panel(mine, ("A",), (2012, 2013), ("x",))
    mine[:] = 5.0
    assert (panel.values == 1.0).all()
    with pytest.raises(ValueError, match="read-only"):
        panel.values[0, 0, 0] = 2.0


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ((("A", "B"), (2012, 2013), ("x",)), "labels count"),
        ((("A",), (2013, 2012), ("x",)), "ascend"),
        ((("A",), (2012, 2012), ("x",)), "year '2012' occurs twice"),
    ],
)
def test_panel_refuses_labels_that_do_not_fit(labels, message):
    with pytest.raises(ValueError, match=message):
        Panel(np.ones((1, 2, 1)), *labels)


def test_panel_refuses_infinity_and_wrong_axes():
    with pytest.raises(ValueError, match="infinite"):
        Panel(np.array([[[np.inf]]]), ("A",), (2012,), ("x",))
    with pytest.raises(ValueError, match="axes"):
        Panel(np.ones((1, 1)), ("A",), (2012,), ("x",))


def test_in_window_includes_both_ends_and_refuses_an_empty_window(panel):
    np.testing.assert_array_equal(panel.in_window((2013, 2014)), [False, True, True, False])
    with pytest.raises(ValueError, match="1990-1995"):
        panel.in_window((1990, 1995))
