"""The pages besides the index: present only with data, marked, safe, self-contained, and careful with their words."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from dagster_project.publish.site.pages import influences, measurement, models, relations
from dagster_project.publish.site.pages.base import MAX_ROWS, Page, Section, Table
from dagster_project.publish.site.queries import Meta, read_facts
from dagster_project.publish.site.site import write_report

BASIS, INDEX = "frozen_2012_2021", "nqpf_yearbook"
KEY = {"basis": BASIS, "index_code": INDEX, "weight_scheme": "entropy_flat", "n_obs": 40, "seed": 1}
YEARS = (2012, 2015)
OWN = {"measurement": measurement, "relations": relations, "models": models, "influences": influences}


def put(con: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    known = {row[0] for row in con.execute(f"describe mart.{table}").fetchall()}
    for row in rows:
        full = {k: v for k, v in KEY.items() if k in known} | row
        assert set(full) <= known, f"{table} has no {set(full) - known}"
        marks = ", ".join("?" for _ in full)
        con.execute(f"insert into mart.{table} ({', '.join(full)}) values ({marks})", list(full.values()))


def fill(path: Path, name: str = "Chain") -> None:
    with duckdb.connect(str(path)) as con:
        cities = [row[0] for row in con.execute("select city_id from mart.dim_city order by 1").fetchall()]
        con.execute("update mart.mart_index_weight set weight_p05 = weight - .02, weight_p95 = weight + .02")
        _fill_measurement(con, cities)
        _fill_relations(con, cities)
        _fill_models(con, name)
        _fill_influences(con, name)


def _fill_measurement(con: duckdb.DuckDBPyConnection, cities: list[str]) -> None:
    draws = {"n_draws": 100, "n_obs": len(cities)}
    put(
        con,
        "mart_index_uncertainty",
        [
            {
                "city_id": c,
                "year": 2015,
                "rank_year": k,
                "rank_p05": k - 1.0,
                "rank_p50": float(k),
                "rank_p95": k + 2.0,
                "p_top20": 1.0 if k < 5 else 0.4,
                "score_p05": 0.1,
                "score_p50": 0.2,
                "score_p95": 0.3,
                **draws,
            }
            for k, c in enumerate(cities, start=1)
        ],
    )
    put(
        con,
        "mart_index_uncertainty_factor",
        [
            {
                "factor": f,
                "sobol_first": 0.3,
                "sobol_total": t,
                "sobol_first_p05": 0.2,
                "sobol_first_p95": 0.4,
                "sobol_total_p05": t - 0.1,
                "sobol_total_p95": t + 0.1,
                **draws,
            }
            for f, t in (("scheme", 0.7), ("delta", 0.2))
        ],
    )
    put(
        con,
        "mart_index_rank_agreement",
        [
            {
                "scheme_a": "entropy_flat",
                "scheme_b": "equal",
                "year": 2015,
                "spearman": 0.9,
                "spearman_low": 0.8,
                "spearman_high": 0.95,
                "kendall_tau_b": 0.8,
                "mean_abs_rank_shift": 2.0,
                "max_abs_rank_shift": 5.0,
                "top20_jaccard": 0.9,
                "bottom20_jaccard": 0.9,
            }
        ],
    )
    put(
        con,
        "mart_index_restatement",
        [
            {
                "vintage_old": "2014A",
                "vintage_new": "2015A",
                "basis_old": BASIS,
                "basis_new": "restated",
                "city_id": c,
                "year": y,
                "score_old": 0.3,
                "score_new": 0.33,
                "part_revision": 0.01,
                "part_bounds": 0.005,
                "part_weights": 0.015,
                "part_method": 0.0,
                "total_change": 0.03,
                "n_obs": 40,
            }
            for c in cities
            for y in YEARS
        ],
    )


def _fill_relations(con: duckdb.DuckDBPyConnection, cities: list[str]) -> None:
    rng = np.random.default_rng(4)
    put(
        con,
        "mart_coupling",
        [
            {
                "relations_code": "pr",
                "city_id": c,
                "year": y,
                "form": form,
                "scale": "minmax01",
                "u1": 0.4,
                "u2": 0.5,
                "c": base + float(rng.uniform(0, 0.1)),
                "t_index": 0.5,
                "d": 0.3 + float(rng.uniform(0, 0.3)),
                "class_10": "near_imbalance" if form == "classic" else "bare_coordination",
                "lead_lag": "pr_lagging",
                "synergy_high": False,
                "is_clipped": False,
            }
            for c in cities
            for y in YEARS
            for form, base in (("classic", 0.9), ("corrected", 0.6))
        ],
    )
    put(
        con,
        "mart_misallocation",
        [
            {
                "city_id": c,
                "year": y,
                "tau_k": 0.3,
                "tau_l": -0.1,
                "abs_tau_k": 0.3 + float(rng.normal(0, 0.05)),
                "abs_tau_l": 0.1 + 0.1 * (y == 2015) + float(rng.normal(0, 0.01)),
                "beta_k": 0.6,
                "beta_k_se": 0.1,
            }
            for c in cities
            for y in YEARS
        ],
    )


def _fill_models(con: duckdb.DuckDBPyConnection, name: str) -> None:
    shared = {
        "y_code": INDEX,
        "y_unit": "points",
        "method": "static",
        "w_code": "queen_row",
        "fe": "twoways",
        "estimator": "lee_yu",
        "se_type": "info",
        "status": "fitted",
    }
    specs = [
        {
            "model_id": "m_sdm",
            "title": name,
            "model_type": "sdm",
            "is_headline": True,
            "variant_of": "",
            "change": "",
            **shared,
        },
        {
            "model_id": "m_sar",
            "title": name,
            "model_type": "sar",
            "is_headline": False,
            "variant_of": "m_sdm",
            "change": "model: SAR",
            **shared,
        },
    ]
    put(con, "dim_model_spec", specs)
    fit = {"rho": 0.4, "lnl": -10.0, "aic": 30.0, "n_used": 20, "t_used": 2, "first_year": 2012, "last_year": 2015}
    put(
        con,
        "mart_panel_fit",
        [
            *({"model_id": s["model_id"], "status": "fitted", "skip_reason": "", **fit} for s in specs),
            {"model_id": "m_w", "status": "skipped", "skip_reason": f"no such W: {name}"},
        ],
    )
    put(
        con,
        "mart_panel_coef",
        [
            {"model_id": s["model_id"], "term": t, "role": role, "coef": 0.3, "se": 0.1, "lo": 0.1, "hi": 0.5}
            for s in specs
            for t, role in (("pr", "beta"), ("rho", "rho"))
        ],
    )
    put(
        con,
        "mart_panel_effect",
        [
            {
                "model_id": s["model_id"],
                "variable": "pr",
                "effect": e,
                "horizon": "static",
                "point": 0.2,
                "lo": lo,
                "hi": 0.5,
                "p": 0.04,
                "se_sim": 0.1,
                "se_delta": 0.1,
            }
            for s in specs
            for e, lo in (("direct", 0.1), ("indirect", -0.1), ("total", 0.05))
        ],
    )
    put(
        con,
        "mart_panel_test",
        [
            {
                "model_id": "m_sdm",
                "test_code": "lr_sar",
                "statistic": 9.0,
                "df": 1.0,
                "p": 0.003,
                "outcome": "rejected",
            },
            {"model_id": "m_sdm", "test_code": "rule_verdict", "outcome": "sdm", "note": "both rejected"},
        ],
    )


def _fill_influences(con: duckdb.DuckDBPyConnection, name: str) -> None:
    m = {"model_id": "m_sdm"}
    put(
        con,
        "mart_panel_heterogeneity",
        [
            {
                **m,
                "scheme": "core",
                "side": "receiver",
                "group_code": g,
                "effect": "total",
                "variable": "pr",
                "point": b,
                "se": 0.1,
                "lo": b - 0.2,
                "hi": b + 0.2,
                "p": 0.01,
                "p_equal": 0.001,
                "p_level_adjusted": 0.3,
            }
            for g, b in (("core", 0.5), ("periphery", 0.4))
        ],
    )
    put(
        con,
        "mart_block_spillover",
        [
            {
                **m,
                "scheme": "core",
                "emitter": e,
                "receiver": r,
                "theta_block": 0.1,
                "se": 0.1,
                "e_per_emitter": 0.1,
                "e_lo": 0.0,
                "e_hi": 0.2,
                "r_per_receiver": 0.1,
                "r_lo": 0.0,
                "r_hi": 0.2,
                "per_link": 0.1,
                "per_link_lo": 0.0,
                "per_link_hi": 0.2,
                "p_asymmetry": 0.3,
                "p_level_adjusted": 0.2,
                "asymmetry_index": 0.2,
                "asymmetry_lo": 0.1,
                "asymmetry_hi": 0.4,
            }
            for e in "cp"
            for r in "cp"
        ],
    )
    put(
        con,
        "mart_distance_decay",
        [
            {
                **m,
                "method": "ring",
                "step_km": 100,
                "synergy_class": "all",
                "band_id": k,
                "d_from_km": 100.0 * k,
                "d_to_km": 100.0 * (k + 1),
                "coef": 0.3 - 0.15 * k,
                "se": 0.05,
                "p": 0.01,
                "p_holm": 0.03,
                "n_cities_with_neighbour": 20,
            }
            for k in range(4)
        ],
    )
    put(
        con,
        "mart_threshold_result",
        [
            {
                **m,
                "kind": "hansen",
                "n_threshold": 1,
                "gamma": 0.4,
                "ci_lo": 0.35,
                "ci_hi": 0.45,
                "f_stat": 50.0,
                "p_boot": 0.0,
                "n_boot": 9,
                "slope_low": 0.0,
                "slope_se_low": 0.1,
                "slope_high": 0.5,
                "slope_se_high": 0.1,
            }
        ],
    )
    put(
        con,
        "mart_threshold_grid",
        [
            {
                **m,
                "kind": "hansen_step_1",
                "n_threshold": 1,
                "grid_id": k,
                "gamma": 0.3 + 0.05 * k,
                "lr": 10.0 * abs(k - 2),
                "in_ci": k == 2,
            }
            for k in range(5)
        ],
    )
    put(
        con,
        "mart_border_barrier",
        [
            {
                **m,
                "barrier_code": "province",
                "ring_id": "all",
                "theta_in": 0.3,
                "se_in": 0.1,
                "theta_out": 0.2,
                "se_out": 0.1,
                "p_equal": 0.01,
            }
        ],
    )
    put(
        con,
        "mart_level_adjusted_test",
        [
            {
                **m,
                "analysis": analysis,
                "variant": "core",
                "null_hypothesis": "equal",
                "difference": 0.1,
                "lo": 0.05,
                "hi": 0.15,
                "dof": 1,
                "p": p,
                "p_unadjusted": 0.001,
            }
            for analysis, p in (("asymmetry", 0.01), ("border", None))
        ],
    )
    put(
        con,
        "mart_block_lag",
        [
            {
                **m,
                "scheme": "core",
                "emitter": e,
                "receiver": r,
                "rho_block": 0.3,
                "lo": 0.1,
                "hi": 0.5,
                "theta_block": 0.1,
                "p_equal": 0.4,
                "p_lr": 0.3,
                "condition": 40.0,
            }
            for e in "cp"
            for r in "cp"
        ],
    )
    put(
        con,
        "mart_barrier_moderation",
        [
            {
                **m,
                "barrier_code": "province",
                "moderator": "pr_first_year",
                "at_percentile": f"p{q}",
                "at_value": 20.0,
                "theta_in": 0.3,
                "se_in": 0.1,
                "theta_out": 0.2,
                "se_out": 0.1,
                "p_moderation": 0.6,
            }
            for q in (10, 90)
        ],
    )
    put(
        con,
        "mart_robustness_placebo_years",
        [
            {
                **m,
                "term": "beta",
                "actual": 0.4,
                "mean_draws": 0.0,
                "lo": -0.1,
                "hi": 0.1,
                "covers_zero": True,
                "p": 0.01,
                "n_draws": 99,
                "n_refused": 0,
            }
        ],
    )
    put(
        con,
        "mart_gmm_diagnostic",
        [
            {
                **m,
                "kind": "system",
                "n_instruments": 30,
                "n_city": 24,
                "hansen_j": 9.0,
                "hansen_p": 0.4,
                "ar1_p": 0.01,
                "ar2_p": 0.02,
                "tau": 0.5,
                "tau_se": 0.1,
                "rho": 0.3,
                "rho_se": 0.1,
                "spectral_radius": 0.8,
            }
        ],
    )
    put(
        con,
        "mart_truth_recovery",
        [
            {
                **m,
                "quantity": q,
                "unit": "1",
                "truth": t,
                "on_latent": 0.5,
                "published": 0.4,
                "lo": 0.2,
                "hi": 0.5,
                "covers_truth": inside,
                "ratio": 0.8,
            }
            for q, t, inside in (("barrier_index", 0.6, False), ("direct_effect", None, None))
        ],
    )
    run = {**m, "analysis": "blocks", "variant": "core", "status": "done", "skip_reason": name}
    con.execute(f"insert into mart.mart_influence_run ({', '.join(run)}) values (?, ?, ?, ?, ?)", list(run.values()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, build_published: Callable[..., Path]) -> Path:
    where = tmp_path_factory.mktemp("pages")
    fill(build_published(where / "city.duckdb"))
    write_report(where / "city.duckdb", where / "docs", release="2026.11.0-SYNTHETIC")
    return where


@cache
def built(snapshot: Path, slug: str) -> Page:
    with duckdb.connect(str(snapshot), read_only=True) as con:
        page = OWN[slug].build(con, meta_of(snapshot))
    assert page is not None
    return page


def meta_of(snapshot: Path) -> Meta:
    return read_facts(snapshot, release="2026.11.0-SYNTHETIC").meta


def section(page: Page, anchor: str) -> Section:
    return next(s for s in page.sections if s.anchor == anchor)


def html_of(folder: Path, slug: str) -> str:
    return (folder / "docs" / f"{slug}.html").read_text(encoding="utf-8")


def test_without_their_marts_there_are_no_pages(tmp_path: Path, build_published: Callable[..., Path]) -> None:
    write_report(build_published(tmp_path / "city.duckdb"), tmp_path / "docs", release="r")
    assert not {f"{slug}.html" for slug in OWN} & {p.name for p in (tmp_path / "docs").iterdir()}


@pytest.mark.parametrize("slug", OWN)
def test_navigation_leads_to_every_page_and_back(folder: Path, slug: str) -> None:
    links = set(re.findall(r'href="([a-z]+\.html)"', html_of(folder, "index")))
    assert f"{slug}.html" in links
    assert links == set(re.findall(r'href="([a-z]+\.html)"', html_of(folder, slug)))
    assert all((folder / "docs" / link).is_file() for link in links)
    assert f'href="{slug}.html" aria-current="page"' in html_of(folder, slug)


@pytest.mark.parametrize("slug", OWN)
def test_pages_ask_nothing_from_a_network(folder: Path, slug: str) -> None:
    body = re.sub(r"<(script|style|pre)[^>]*>.*?</\1>", "", html_of(folder, slug), flags=re.S)
    assert "http://" not in body.replace("http://www.w3.org", "")
    assert "https://" not in body
    assert not re.search(r"\ssrc=", body)
    assert "default-src 'none'" in html.unescape(body)


@pytest.mark.parametrize("slug", OWN)
def test_synthetic_stands_on_page_captions_and_charts(folder: Path, slug: str) -> None:
    text = html_of(folder, slug)
    assert "<title>SYNTHETIC" in text
    assert 'class="banner"' in text
    captions = re.findall(r"<(?:caption|figcaption)[^>]*>(.*?)</(?:caption|figcaption)>", text, re.S)
    assert captions
    assert all("SYNTHETIC" in caption for caption in captions)
    for figure in built(folder / "city.duckdb", slug).figures:
        assert "SYNTHETIC" in json.dumps(figure.spec["title"])


@pytest.mark.parametrize("slug", OWN)
def test_both_languages_and_no_broken_number(folder: Path, slug: str) -> None:
    main = re.search(r"<main.*</main>", html_of(folder, slug), re.S)
    assert main
    words = re.sub(r"<[^>]+>", " ", main.group())
    assert not re.search(r"\b(nan|None|inf)\b", words)
    page = built(folder / "city.duckdb", slug)
    assert all(re.search(r"[一-鿿]", s.title_zh) and s.title_en for s in page.sections)


@pytest.mark.parametrize("slug", OWN)
def test_charts_are_small_and_described(folder: Path, slug: str) -> None:
    for figure in built(folder / "city.duckdb", slug).figures:
        data = list(figure.spec.get("datasets", {}).values()) or [figure.spec["data"]["values"]]
        assert max(len(rows) for rows in data) <= MAX_ROWS
        assert len(figure.spec["description"]) > 20
        assert figure.caption


def test_real_data_never_say_synthetic_and_text_of_the_database_stays_text(
    tmp_path: Path, build_published: Callable[..., Path]
) -> None:
    hostile = "</script><img src=x onerror=alert(1)>"
    fill(build_published(tmp_path / "city.duckdb", is_synthetic=False, name=hostile), hostile)
    write_report(tmp_path / "city.duckdb", tmp_path / "docs", release="2026.11.0")
    for slug in OWN:
        assert "SYNTHETIC" not in html_of(tmp_path, slug)
        text = re.sub(r"<script>.*?</script>", "", html_of(tmp_path, slug), flags=re.S)  # Vega itself names elements
        assert "<img" not in text
    profiles = list((tmp_path / "docs" / "cities").iterdir())
    assert len(profiles) == 24
    for path in [*profiles, tmp_path / "docs" / "cities.html"]:
        assert "<img" not in re.sub(r"<script[^>]*>.*?</script>", "", path.read_text(encoding="utf-8"), flags=re.S)


def test_weights_are_compared_with_equal_ones_only_where_the_range_allows(folder: Path) -> None:
    """Weights .1 .2 .3 .4 with +-.02: one below a quarter ... two on each side, none undecided."""
    text = " ".join(map(str, section(built(folder / "city.duckdb", "measurement"), "weights").text))
    assert "For 2 of 4 indicators the 90 % range lies above it, for 2 below it" in text


def test_rank_probability_is_counted(folder: Path) -> None:
    text = " ".join(map(str, section(built(folder / "city.duckdb", "measurement"), "ranks").text))
    assert "4 cities of 24 are among the first 20" in text
    assert "For 20 cities more" in text


def test_restatement_bridge_ends_at_the_new_mean(folder: Path) -> None:
    bridge = section(built(folder / "city.duckdb", "measurement"), "restatement").figures[0].spec
    steps = [row for data in bridge["datasets"].values() for row in data if "label" in row]
    held = {row["label"]: row for row in steps}
    assert held["changed method"]["point"] == pytest.approx(held["new mean"]["point"])
    assert held["revised data"]["lo"] == pytest.approx(held["old mean"]["point"])
    assert held["new weights"]["point"] - held["new weights"]["lo"] == pytest.approx(1.5)


def test_direction_words_need_an_interval_without_zero(folder: Path) -> None:
    engines = section(built(folder / "city.duckdb", "relations"), "misallocation").text
    assert "capital shows no clear change" in str(engines[0])
    assert "labour rose" in str(engines[1])
    said = " ".join(map(str, section(built(folder / "city.duckdb", "models"), "headline").text))
    assert "direct 0.200 [0.100, 0.500], positive for certain" in said
    assert "indirect 0.200 [−0.100, 0.500], not told from 0" in said


def test_moved_classes_are_counted(folder: Path) -> None:
    text = " ".join(map(str, section(built(folder / "city.duckdb", "relations"), "forms").text))
    assert "24 cities of 24 would stand in another class" in text


def test_influences_claim_no_more_than_tests_and_intervals(folder: Path) -> None:
    page = built(folder / "city.duckdb", "influences")
    groups = str(section(page, "groups").text[0])
    assert "a difference between cities of one level is not shown" in groups
    assert "(level-adjusted p 0.300; p of the index as it is 0.001)" in groups  # the small one proves nothing
    assert "no side gives more for certain" in str(section(page, "blocks").text[0])
    assert "inside and across are not told apart (no level-adjusted test" in str(section(page, "barrier").text[0])
    threshold = str(section(page, "threshold").text[0])
    assert "bootstrap p at most 0.100" in threshold  # 9 draws cannot show more
    assert "no threshold is shown" in threshold


def test_checks_behind_the_findings_say_what_they_can(folder: Path) -> None:
    page = built(folder / "city.duckdb", "influences")
    assert "lags of 4 blocks are not told apart" in str(section(page, "blocklags").text[0])
    assert "is not told to change with pr first year" in str(section(page, "moderated").text[0])
    assert "[−0.100, 0.100], which holds 0" in str(section(page, "placeboyears").text[0])
    assert "The truth lies in 0 of 1 interval" in str(section(page, "recovery").text[0])
    gmm = section(built(folder / "city.duckdb", "models"), "gmm")
    assert "AR(2) speaks against it (p 0.400 and 0.020)" in str(gmm.text[0])


def test_level_adjusted_tests_are_counted_and_named(folder: Path) -> None:
    found = section(built(folder / "city.duckdb", "influences"), "equality")
    assert "1 test of 1 has a level-adjusted p below 0.05: centre, periphery: core cities and periphery." in str(
        found.text[0]
    )
    assert len(found.tables[0].rows) == 1  # where there was no test there is no row


def test_critical_value_of_the_likelihood_ratio() -> None:
    assert pytest.approx(-2 * np.log(1 - np.sqrt(0.95)), abs=0.005) == influences.LR_5


def test_skipped_models_are_named_with_their_reason(folder: Path) -> None:
    (table,) = section(built(folder / "city.duckdb", "models"), "skipped").tables
    assert table.rows == (("m_w", "no such W: Chain"),)


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="has 1 cells, the head 2"):
        Table.of("t", "caption", ["a", "b"], [["only one"]])
