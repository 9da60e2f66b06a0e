"""Coverage over 50 drawn countries: which intervals may be trusted where errors remember and grow with the level."""

import pandas as pd
import pytest
import recovery

SEEDS = range(1, 51)


def rows(estimates, half, drawn=1.0):
    found = pd.DataFrame({"estimate": estimates, "drawn": drawn, "where": "latents", "errors": "cluster"})
    return found.assign(quantity="direct_effect", lo=found["estimate"] - half, hi=found["estimate"] + half)


def test_coverage_counts_each_truth_and_moves_with_what_was_drawn():
    table = recovery.coverage(rows([0.0, 1.0, 2.0, 3.0], half=1.1)).iloc[0]
    assert (table["n"], table["estimate"], table["truth"]) == (4, 1.5, 1.0)
    assert table["covers_drawn"] == 0.75  # the interval of 3 does not hold 1
    assert table["covers_others"] == 0.5  # others of 0: 2; of 1: 5/3; of 2: 4/3; of 3: 1
    assert "| direct_effect | 4 | 1 | 1.5 |" in recovery.as_page(recovery.coverage(rows([0.0, 1.0, 2.0, 3.0], 1.1)))
    table = recovery.coverage(rows([0.0, 1.0], half=float("nan"), drawn=None)).iloc[0]
    assert pd.isna(table[["covers_drawn", "covers_others", "truth"]]).all()
    # Estimates that are always 0.5 too high, of truths far apart: no truth is held, every aim is
    table = recovery.coverage(rows([0.5, 10.5, 20.5], half=0.1, drawn=[0.0, 10.0, 20.0])).iloc[0]
    assert (table["covers_drawn"], table["covers_others"]) == (0.0, 1.0)


@pytest.fixture(scope="module")
def table():
    found = recovery.coverage(pd.concat([recovery.one(seed) for seed in SEEDS]))
    print(recovery.as_page(found))
    return found.set_index(["where", "errors", "quantity"])


EFFECTS = ("direct_effect", "indirect_effect", "total_effect", "rho")


@pytest.mark.slow
def test_errors_by_city_cover_what_the_model_aims_at_and_information_errors_do_not(table):
    """Of 50 at 95 %: fewer than 43 have a chance of 0.3 % each."""
    clustered = table.loc[("latents", "cluster")].loc[list(EFFECTS), "covers_others"]
    assert (clustered >= 0.86).all(), clustered
    information = table.loc[("latents", "info")].loc[list(EFFECTS), "covers_others"]
    assert (information <= clustered - 0.04).all(), information


@pytest.mark.slow
def test_the_direct_effect_survives_the_wrong_w(table):
    assert table.loc[("latents", "cluster", "direct_effect"), "covers_drawn"] >= 0.8


@pytest.mark.slow
def test_level_adjusted_differences_cover_zero_where_nothing_is_planted(table):
    """10 countries: fewer than 7 of 10 at 95 % have a chance of 0.1 % each."""
    null = table.loc[("indexes, nothing planted", "cluster"), "covers_drawn"]
    assert len(null) == 4
    assert (null >= 0.7).all(), null


@pytest.mark.slow
def test_every_quantity_with_a_truth_of_the_draw_is_in_the_table(table):
    asked = {q.name for q in recovery.settings().quantities if q.truth != "sound"}
    assert asked == set(table.index.get_level_values("quantity")[table["truth"].notna()])
