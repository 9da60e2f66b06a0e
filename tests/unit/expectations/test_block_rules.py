"""Rules about whole columns: each fault refuses its own column, for its own reason, and no other column."""

import numpy as np
import pytest
from loads import BASELINE, country_load

from expectations.contract import Frames
from expectations.judged import judged_blocks
from expectations.suites import PREPARE

YEAR = 2019
SLIP, PLACE, RANKS = "value_is_no_unit_slip", "block_stands_in_its_place", "block_ranks_hold"
MEDIAN, BAND, IDENTITY = "block_median_is_usual", "block_is_inside_band", "block_meets_identities"
WITH_AND_WITHOUT_PAST = pytest.mark.parametrize("has_past", [True, False], ids=["with a past", "first year"])


def row_of(frames, block):
    found = judged_blocks(frames, BASELINE)
    return found.set_index("block").loc[f"{block}/{YEAR}"]


@WITH_AND_WITHOUT_PAST
def test_a_good_file_is_refused_nowhere(figures, refused, has_past):
    assert refused(country_load(figures, has_past=has_past)) == {}


@pytest.mark.parametrize("power", [1, -1, 2, -2, 3, -3, 4, -4, 8, -8])
def test_a_power_of_ten_against_the_past_is_a_unit_slip(figures, refused, power):
    figures["mobile_subscribers/city", YEAR] *= 10.0**power
    assert refused(country_load(figures)) == {"mobile_subscribers/city": SLIP}


def test_a_slip_names_the_unit_that_would_fit_and_gives_its_row(figures, refused):
    figures["gdp_nom/city", YEAR] /= 1e4
    frames = country_load(figures)
    assert refused(frames) == {"gdp_nom/city": SLIP}
    row = row_of(frames, "gdp_nom/city")
    assert "unit slip of x1/10,000: 120 of 120 cities" in row["why"]
    assert "would fit with 亿元 instead of 万元" in row["why"]
    unit, ignore = row["paste_rows"].splitlines()
    assert unit == "yearbook,2019,2019,表2/gdp_nom/city,gdp_nom,city,亿元,2019: the figures are in 亿元"
    assert ignore.startswith("yearbook,2019,2019,表2/gdp_nom/city,ignore,city,万元,")
    frames["headers"]["header_unit"] = frames["headers"]["unit"]  # printed there, the map cannot replace it
    assert ",ignore,city," in row_of(frames, "gdp_nom/city")["paste_rows"].splitlines()[0]


@WITH_AND_WITHOUT_PAST
def test_swapped_scopes_refuse_both_columns_and_no_innocent_one(figures, refused, has_past):
    """Population and GDP per head hang on GDP by an identity and are not blamed for it."""
    swap(figures, "gdp_nom/city", "gdp_nom/district")
    rule = PLACE if has_past else IDENTITY
    found = refused(country_load(figures, has_past=has_past))
    assert found == {"gdp_nom/city": rule, "gdp_nom/district": rule}


def test_a_swap_of_variables_says_whose_figures_they_are(figures, refused):
    swap(figures, "fiscal_expenditure/city", "mobile_subscribers/city")
    frames = country_load(figures)
    assert refused(frames) == {"fiscal_expenditure/city": PLACE, "mobile_subscribers/city": PLACE}
    why = row_of(frames, "fiscal_expenditure/city")["why"]
    assert "follow mobile_subscribers (city) of 2018" in why
    assert "wrong header" in why


@pytest.mark.parametrize("shift", [1, -1, 2])
@WITH_AND_WITHOUT_PAST
def test_a_column_off_by_rows_is_found(figures, refused, shift, has_past):
    """Without a past the other columns of the file tell: this column is in no identity."""
    move(figures, "fiscal_expenditure/city", shift)
    frames = country_load(figures, has_past=has_past)
    assert refused(frames) == {"fiscal_expenditure/city": PLACE}
    rows = {1: "one row too low", -1: "one row too high", 2: "2 rows too low"}[shift]
    assert rows in row_of(frames, "fiscal_expenditure/city")["why"]


def test_rows_that_slip_from_the_middle_on_are_named(figures, refused):
    column = figures["mobile_subscribers/city", YEAR]
    column[61:] = column[60:-1].copy()
    frames = country_load(figures)
    assert refused(frames) == {"mobile_subscribers/city": PLACE}
    why = row_of(frames, "mobile_subscribers/city")["why"]
    first = int(why.split("rows K")[1].split(" ")[0])
    assert 50 < first < 75  # the fault begins in row 67
    assert "to K125 stand one row too low against 2018" in why


def test_all_columns_off_by_a_row_need_the_past(figures, refused):
    """Names and figures are shifted against each other: inside the file everything still agrees."""
    for block, year in figures:
        if year == YEAR:
            move(figures, block, 1)
    assert set(refused(country_load(figures)).values()) == {PLACE}
    assert refused(country_load(figures, has_past=False)) == {}


@pytest.mark.parametrize(
    ("block", "noise", "is_refused"),
    [
        ("mobile_subscribers/city", 1.2, True),  # a stock whose order is half lost
        ("mobile_subscribers/city", 0.15, False),
        ("gdp_per_capita_nom/city", 0.15, False),  # ranks of a rate move more
    ],
)
def test_the_order_of_the_cities_lasts(figures, refused, block, noise, is_refused):
    figures[block, YEAR] = figures[block, YEAR] * np.exp(np.random.default_rng(5).normal(0, noise, 120))
    frames = country_load(figures)
    frames["identities"] = frames["identities"].head(0)
    assert refused(frames) == ({block: RANKS} if is_refused else {})


def test_ranks_of_an_index_are_not_asked_and_a_variable_that_moves_more_says_so(figures, refused):
    block, rng = "mobile_subscribers/city", np.random.default_rng(5)
    figures[block, YEAR] = figures[block, YEAR] * np.exp(rng.normal(0, 0.6, 120))
    for column, value in (("min_rho", 0.4), ("min_rho", -1), ("unit", "index_prev100")):
        frames = country_load(figures)
        assert refused(frames) == {block: RANKS}
        values = frames["values"]
        values.loc[values["variable_code"] == "mobile_subscribers", column] = value
        assert refused(frames) == {}


def test_first_year_is_held_against_the_usual_median_but_not_a_province_alone(figures, refused):
    figures["mobile_subscribers/city", YEAR] /= 1e4
    frames = country_load(figures, has_past=False)
    assert refused(frames) == {"mobile_subscribers/city": MEDIAN}
    why = row_of(frames, "mobile_subscribers/city")["why"]
    assert "usual is 1,000,000 to 9,000,000, about x1/10,000 of the usual" in why
    figures["mobile_subscribers/city", YEAR] *= 10  # inside the band
    frames = country_load(figures, has_past=False)
    frames["values"] = frames["values"].groupby(["variable_code", "scope"]).head(60)
    assert refused(frames) == {}


def test_many_cities_outside_the_band_are_a_matter_of_the_column_and_a_few_their_own(figures, refused, judge):
    figures["mobile_subscribers/city", YEAR][:4] *= 5e4
    frames = country_load(figures, has_past=False)
    assert refused(frames) == {}
    failed = judge(frames, rows_max=130, required_variables=())
    assert failed["value_is_inside_band"].n_unexpected == 4
    figures["mobile_subscribers/city", YEAR][4:8] *= 5e4
    frames = country_load(figures, has_past=False)
    assert refused(frames) == {"mobile_subscribers/city": BAND}
    failed = judge(frames, rows_max=130, required_variables=())
    assert set(failed) == {BAND}  # and not once more city by city
    assert "8 of 120 cities lie outside the band 1,000 to 9,000,000,000 accounts" in failed[BAND].sentence


def test_identity_blames_the_column_that_breaks_most(figures, refused):
    """Population breaks two identities, its partners one: no past is needed to tell."""
    move(figures, "population_resident/city", 60)
    assert refused(country_load(figures, has_past=False)) == {"population_resident/city": IDENTITY}


def test_identity_blames_the_column_that_leaves_its_past_and_all_where_there_is_none(figures, refused):
    figures["tertiary_share/city", YEAR] = figures["tertiary_share/city", YEAR] * 1.35
    assert refused(country_load(figures)) == {"tertiary_share/city": IDENTITY}
    shares = {f"{name}_share/city" for name in ("primary", "secondary", "tertiary")}
    assert refused(country_load(figures, has_past=False)) == dict.fromkeys(shares, IDENTITY)


def test_single_cities_that_break_an_identity_only_warn_and_not_again_once_kept(figures, judge):
    figures["tertiary_share/city", YEAR][:4] += 20
    frames = country_load(figures, has_past=False)
    failed = judge(frames, rows_max=130, required_variables=())
    assert {rule: row.severity for rule, row in failed.items()} == {"identity_holds": "warn"}
    row = failed["identity_holds"]
    assert row.n_unexpected == 4
    assert "城0 2019: shares_sum_to_100 is 1.2" in row.sentence
    assert "[H6]" in row.sentence
    values = frames["values"]
    kept = (values["variable_code"] == "tertiary_share") & values["city_name"].isin(["城0", "城1", "城2", "城3"])
    values.loc[kept, "is_corrected"] = True
    assert judge(frames, rows_max=130, required_variables=()) == {}


def test_ignore_rows_of_the_message_let_the_rest_pass(figures, refused):
    swap(figures, "gdp_nom/city", "gdp_nom/district")
    frames = country_load(figures)
    found = judged_blocks(frames, BASELINE)
    pasted = [row for text in found.loc[found["fault"] != "", "paste_rows"] for row in text.splitlines()]
    keys = {row.split(",")[3] for row in pasted}
    assert all(row.startswith("yearbook,2019,2019,") and row.split(",")[4] == "ignore" for row in pasted)
    heads = frames["headers"].set_index("header_key").loc[sorted(keys)]
    names = set(heads["variable_code"] + "/" + heads["scope"])
    values = frames["values"]
    frames["values"] = values[~(values["variable_code"] + "/" + values["scope"]).isin(names)]
    frames["headers"] = frames["headers"][~frames["headers"]["header_key"].isin(keys)]
    assert refused(frames) == {}


def test_a_rule_counts_only_columns_that_it_could_judge(figures):
    frame = PREPARE["blocks"](Frames(country_load(figures, has_past=False)), BASELINE)
    assert frame[SLIP].isna().all()  # no past
    assert frame[RANKS].isna().all()
    assert frame[MEDIAN].eq(True).all()
    assert frame[IDENTITY].notna().sum() == 8  # GDP and population twice, GDP per head, three shares


def swap(figures, one, other):
    figures[one, YEAR], figures[other, YEAR] = figures[other, YEAR], figures[one, YEAR]


def move(figures, block, rows):
    figures[block, YEAR] = np.roll(figures[block, YEAR], rows)
