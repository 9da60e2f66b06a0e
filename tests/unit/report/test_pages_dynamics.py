"""The page on dynamics: transitions with n and p, what neighbours add, convergence and exploratory clubs."""

from __future__ import annotations

import json
from dataclasses import replace

import duckdb
import pytest
from mart_rows import CITIES, YEARS, Rows, blank, embedded, meta, places, published, texts

from dagster_project.publish.site.pages import dynamics
from dagster_project.publish.site.pages._dynamics_convergence import half_life
from dagster_project.publish.site.pages.base import MAX_ROWS, Page

TABLES = (
    "mart_kde_curve",
    "mart_kde_feature",
    "mart_markov_transition",
    "mart_markov_spatial_transition",
    "mart_markov_test",
    "mart_markov_summary",
    "mart_markov_passage",
    "mart_rank_mobility",
    "mart_stochastic_kernel",
    "mart_beta_convergence",
    "mart_club_logt",
    "mart_club_membership",
)
CHAIN = {"discretisation": "relative", "lag": 1}
NEIGHBOURS = {"w_code": "queen_row", "lag_cuts": "quantiles"}
ALL = {"scheme": "all", "group_code": "all"}
STATES = (1, 2, 3, 4)


def rows(*, p_perm: float = 0.001, beta: float | None = -0.2, n_modes_p: float = 0.3) -> Rows:
    steps = [
        {"state_from": a, "state_to": b, "p": 0.7 if a == b else 0.1, "n": 5, "n_row": 20, "thin": False}
        for a in STATES
        for b in STATES
    ]
    helps = {
        "upward_help_1": 0.2,
        "upward_help_1_lo": 0.1,
        "upward_help_1_hi": 0.3,
        "upward_help_2": 0.1,
        "upward_help_2_lo": -0.1,
        "upward_help_2_hi": 0.2,
        "upward_help_3": None,
    }
    made: Rows = {
        "mart_kde_curve": [
            {"year": y, "bw_rule": "h_common", "grid_id": k, "x": k / 512, "density": 1.0 + (k == 256), **ALL}
            for y in YEARS
            for k in range(0, 512, 2)
        ],
        "mart_kde_feature": [
            {"year": y, "bw_rule": "silverman", "p_unimodal": n_modes_p, "n_modes": 3, **ALL} for y in YEARS
        ],
        "mart_markov_transition": [{**CHAIN, **ALL, **step} for step in steps],
        "mart_markov_spatial_transition": [
            {**CHAIN, **NEIGHBOURS, **step, "lag_state": s, "thin": s == 4 and step["state_from"] == 1}
            for s in STATES
            for step in steps
        ],
        "mart_markov_test": [
            {
                **CHAIN,
                **NEIGHBOURS,
                "scheme": "none",
                "test_code": "spatial_homog",
                "p_perm": p_perm,
                "p_chi2": 1e-9,
                "p_perm_kind": "trajectory_permutation",
            },
            {
                **CHAIN,
                "w_code": "none",
                "lag_cuts": "none",
                "scheme": "none",
                "test_code": "time_homog",
                "p_perm": 0.7,
                "p_perm_kind": "simulation_from_pooled_chain",
            },
        ],
        "mart_markov_summary": [
            {
                **CHAIN,
                **ALL,
                "matrix_id": "m",
                "w_code": "none",
                "lag_cuts": "none",
                "lag_state": 0,
                "n_closed_classes": 1,
            },
            {**CHAIN, **ALL, **NEIGHBOURS, "matrix_id": "s", "lag_state": 0, **helps},
        ],
        "mart_markov_passage": [{"matrix_id": "m", "state_from": a, "state_to": b} for a in STATES for b in STATES],
        "mart_rank_mobility": [{"lag": 1, **ALL}],
        "mart_stochastic_kernel": [
            {
                "kind": kind,
                "lag": lag,
                "u_id": u,
                "v_id": v,
                "u": u / 64,
                "v": v / 64,
                "is_supported": True,
                "density_conditional": 1.0 / (1 + abs(u - v)),
            }
            for kind, lag in dynamics.KERNELS
            for u in range(0, 128, 4)
            for v in range(0, 128, 4)
        ],
        "mart_beta_convergence": [
            {
                **ALL,
                "estimator": "pooled_ols",
                "is_headline": True,
                "beta": -0.05,
                "lo": -0.06,
                "hi": -0.04,
                "half_life_years": 13.5,
            },
            {
                **ALL,
                "estimator": "nickell_inversion",
                "is_headline": True,
                "beta": beta,
                "lo": -0.3,
                "hi": 0.1,
                "half_life_years": 3.1,
            },
        ],
        "mart_club_logt": [
            {
                "trend_filter": "no_filter",
                "stage": "whole",
                "club_id": 0,
                "t": -7.0,
                "converges": False,
                "is_exploratory": True,
            },
            {
                "trend_filter": "no_filter",
                "stage": "merged",
                "club_id": 1,
                "t": 1.0,
                "converges": True,
                "is_exploratory": True,
            },
        ],
        "mart_club_membership": [
            {"city_id": city, "club_id_final": k % 2 + 1, "is_exploratory": True} for k, city in enumerate(CITIES)
        ],
        "mart_index_score": [
            {"spec_code": "nqpf", "city_id": city, "year": y, "score": 0.1 * (k + 1), "score_100": 10.0 * (k + 1)}
            for k, city in enumerate(CITIES)
            for y in YEARS
        ],
    }
    return made | places()


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return published(rows())


@pytest.fixture(scope="module")
def page(con: duckdb.DuckDBPyConnection) -> Page:
    return dynamics.build(con, meta())


def only(made: Rows, *tables: str) -> Rows:
    return places() | {table: made[table] for table in tables}


def section(page: object, anchor: str):
    return next(s for s in page.sections if s.anchor == anchor)


def test_every_section_of_a_full_file(page: Page) -> None:
    assert [s.anchor for s in page.sections] == [
        "density",
        "markov",
        "neighbours",
        "long-run",
        "kernel",
        "beta",
        "clubs",
    ]
    assert all(s.title_en and s.title_zh for s in page.sections)


def test_bumps_are_no_modes_unless_the_test_says_so(page: Page) -> None:
    assert "no year shows more than one mode" in section(page, "density").text[0]
    sure = dynamics.build(published(only(rows(n_modes_p=0.001), "mart_kde_feature")), meta())
    assert "more than one mode is shown" in section(sure, "density").text[0]


def test_matrix_holds_probability_count_and_thin_mark(page: Page) -> None:
    found = section(page, "neighbours")
    (values,) = embedded(found.figures[3].spec)
    thin = {v["row"] for v in values if v["thin"]}
    assert thin == {"1 low"}
    assert {(v["p"], v["n"]) for v in values} == {(0.7, 5), (0.1, 5)}
    assert "1 row of these matrices has fewer than 5 transitions" in found.text[1]


def test_difference_by_neighbours_rests_on_the_permutation_not_on_chi2(page: Page) -> None:
    assert "differ by class of the neighbours" in section(page, "neighbours").text[0]
    unclear = dynamics.build(
        published(only(rows(p_perm=0.3), "mart_markov_spatial_transition", "mart_markov_test")), meta()
    )
    assert "are not shown to differ" in section(unclear, "neighbours").text[0]


def test_upward_help_is_named_only_where_its_interval_excludes_zero(page: Page) -> None:
    first, second = section(page, "neighbours").text[2:]
    assert "is higher by 20.0 percentage points (95 % interval: 10.0 to 30.0)" in first
    assert "no difference in the chance to rise" in second


def test_kernel_is_thinned_and_has_the_diagonal(page: Page) -> None:
    figure = section(page, "kernel").figures[0]
    line, cells = sorted(embedded(figure.spec), key=len)
    assert 0 < len(cells) <= dynamics.KERNEL_CELLS**2
    assert all(end["x"] == end["y"] for end in line)


def test_headline_that_is_null_is_explained() -> None:
    text = section(dynamics.build(published(only(rows(beta=None), "mart_beta_convergence")), meta()), "beta").text
    assert any("no headline estimate" in t and "steady state" in t for t in text)


def test_slope_whose_interval_holds_zero_is_no_convergence(page: Page) -> None:
    absolute, conditional = section(page, "beta").text
    assert "lower scores grow faster" in absolute
    assert "no link of growth and level is shown" in conditional


def test_half_life_has_no_upper_end_if_beta_may_be_zero() -> None:
    assert half_life({"half_life_years": 13.5, "lo": -0.5, "hi": 0.1}) == "13.5 [1.0, no end]"
    assert half_life({"half_life_years": None, "lo": None, "hi": None}) == "–"


def test_clubs_of_few_years_are_called_exploratory_everywhere(page: Page) -> None:
    found = section(page, "clubs")
    named = [found.title_en, *(str(f.spec["title"]) for f in found.figures), *(t.caption for t in found.tables)]
    assert len(named) == 5
    assert all("exploratory" in name.lower() for name in named)


def test_clubs_of_many_years_are_not() -> None:
    made = rows()
    for table in ("mart_club_logt", "mart_club_membership"):
        made[table] = [row | {"is_exploratory": False} for row in made[table]]
    built = dynamics.build(published(only(made, "mart_club_logt", "mart_club_membership", "mart_index_score")), meta())
    assert "exploratory" not in texts(built).lower()


def test_charts_are_small_carry_the_mark_and_their_n_and_ask_for_nothing(
    con: duckdb.DuckDBPyConnection, page: Page
) -> None:
    for figure in page.figures:
        spec = json.dumps(figure.spec, ensure_ascii=False, allow_nan=False)
        assert "SYNTHETIC" in figure.spec["title"]["subtitle"]
        assert "n = " in figure.caption
        assert "http" not in spec.replace(figure.spec["$schema"], "")
        assert 0 < sum(map(len, embedded(figure.spec))) <= MAX_ROWS
    assert "SYNTHETIC" not in json.dumps([f.spec for f in dynamics.build(con, meta(is_synthetic=False)).figures])


def test_no_page_without_rows_or_for_another_index(con: duckdb.DuckDBPyConnection) -> None:
    assert dynamics.build(published(places()), meta()) is None
    assert dynamics.build(duckdb.connect(), meta()) is None
    assert dynamics.build(con, replace(meta(), index_code="nqpf_yearbook")) is None


def test_numbers_that_are_null_leave_no_trace_of_nan() -> None:
    page = dynamics.build(published(blank(rows(), TABLES)), meta())
    assert page is not None
    assert "nan" not in texts(page).lower().split()
    assert "None" not in texts(page)
