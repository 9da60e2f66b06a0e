"""Identities: how a row of the seed is read, checked, and who is blamed."""

import pandas as pd
import pytest

from expectations.contract import FRAME_COLUMNS
from expectations.identity import blame, breaks_block, check, looks_swapped, read_identities


def seed(**changes):
    row = {"identity_code": "sum", "left_side": "a + b", "right_side": "c", "scopes": "city", "low": 0.9, "high": 1.1}
    return pd.DataFrame([row | changes], columns=FRAME_COLUMNS["identities"])


def identity(**changes):
    return read_identities(seed(**changes))[0]


def wide(**columns):
    return pd.DataFrame({name.replace("_", "/"): column for name, column in columns.items()})


def test_sides_are_sums_of_products_and_scopes_are_taken_in_turn():
    both = read_identities(seed(left_side="2 * a * b + c", right_side="10000 * d", scopes="city district"))
    assert [one.scope for one in both] == ["city", "district"]
    assert both[0].left == ((2.0, ("a/city", "b/city")), (1.0, ("c/city",)))
    assert both[1].right == ((10000.0, ("d/district",)),)
    assert both[1].blocks == ("a/district", "b/district", "c/district", "d/district")


def test_a_term_may_name_its_own_scope():
    part = identity(left_side="a@district", right_side="a@city", scopes=None, low=None, high=1.001)
    assert part.blocks == ("a/district", "a/city")
    assert part.compares_scopes
    assert part.words == "(a@district) / (a@city) must be at most 1.001"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"low": None, "high": None}, "sum has neither low nor high"),
        ({"scopes": None}, "sum gives no scope for 'a'"),
        ({"left_side": "a + "}, "sum has an empty term"),
    ],
)
def test_a_row_that_says_nothing_is_named(changes, says):
    with pytest.raises(ValueError, match=says):
        read_identities(seed(**changes))


def test_cities_with_all_figures_are_checked_and_no_other():
    frame = wide(a_city=[1.0, 40, 40, None], b_city=[1.0, 60, 80, 1], c_city=[0.0, 100, 100, 1])
    found = check(identity(), frame)
    assert found.index.tolist() == [1, 2]
    assert found["ratio"].tolist() == [1.0, 1.2]
    assert found["is_broken"].tolist() == [False, True]


def test_an_identity_of_a_column_that_is_not_there_checks_nothing():
    assert check(identity(), wide(a_city=[1.0], b_city=[1.0])).empty


def test_one_unit_of_a_count_is_rounding_and_one_per_cent_is_not():
    part = identity(left_side="a", right_side="b", low=None, high=1.001)
    assert check(part, wide(a_city=[3.0, 5], b_city=[2.0, 2]))["is_broken"].tolist() == [False, True]
    shares = identity(left_side="a + b", right_side="100", low=0.995, high=1.005)
    assert check(shares, wide(a_city=[50.0, 50], b_city=[50.4, 50.9]))["is_broken"].tolist() == [False, True]


@pytest.mark.parametrize(("broken", "of", "is_block"), [(2, 10, False), (3, 10, True), (3, 60, False), (4, 60, True)])
def test_more_than_five_per_cent_and_three_cities_are_a_block(broken, of, is_block):
    assert breaks_block(pd.DataFrame({"is_broken": [True] * broken + [False] * (of - broken)})) is is_block


def test_a_guilty_column_explains_its_identities():
    assert blame([identity()], [], ["b/city"]) == {}


def test_blame_goes_to_the_column_that_breaks_most_then_to_the_one_that_meets_fewest():
    first, second = identity(), identity(identity_code="other", left_side="a", right_side="d")
    assert set(blame([first, second], [], [])) == {"a/city"}
    met = [identity(left_side="b", right_side="x"), identity(left_side="c", right_side="y")]
    assert set(blame([first], met, [])) == {"a/city"}


def test_blame_is_shared_where_nothing_tells_and_spares_the_cleared():
    assert set(blame([identity()], [], [])) == {"a/city", "b/city", "c/city"}
    assert set(blame([identity()], [], [], ["a/city", "c/city"])) == {"b/city"}
    assert set(blame([identity()], [], [], ["a/city", "b/city", "c/city"])) == {"a/city", "b/city", "c/city"}


def test_two_scopes_that_contradict_each_other_in_most_cities_are_swapped():
    part = identity(left_side="a@district", right_side="a@city", scopes=None, low=None, high=1.001)
    frame = pd.DataFrame({"a/district": [20.0, 20, 20, 1], "a/city": [10.0, 10, 10, 10]})
    checked = check(part, frame)
    assert looks_swapped(part, checked)
    assert not looks_swapped(identity(), checked)
    other = identity(left_side="a", right_side="b")
    assert set(blame([part, other], [], [])) == {"a/city"}
    assert set(blame([part, other], [], [], swapped=[part])) == {"a/city", "a/district"}
