"""The page on space: what is more than chance, corrected for the number of tests, and what is not."""

from __future__ import annotations

import json
from dataclasses import replace

import duckdb
import pytest
from mart_rows import CITIES, YEARS, Rows, blank, embedded, meta, places, published, texts

from dagster_project.publish.site.pages import space
from dagster_project.publish.site.pages.base import Page

TABLES = ("mart_moran_global", "mart_lisa", "mart_center_ellipse", "mart_network_summary", "mart_lisa_markov")


def rows(holm: float = 0.01, classes: tuple[str, ...] = ("HH", "ns", "ns", "LL", "ns", "ns")) -> Rows:
    made: Rows = {
        "mart_moran_global": [
            {
                "year": y,
                "w_code": w,
                "statistic": s,
                "value": 0.4,
                "expected": -0.2,
                "lo": -0.1,
                "hi": 0.1,
                "p_holm": holm,
            }
            for y in YEARS
            for w in ("queen_row", "knn6_row")
            for s in ("moran", "geary")
        ],
        "mart_lisa": [
            {
                "year": y,
                "w_code": "queen_row",
                "city_id": city,
                "z": 0.1 * k,
                "lag_z": 0.2,
                "class_fdr": c,
                "class_raw": "HH",
                "quadrant": "HH",
                "gi_class": "hot" if k == 0 else "ns",
                "gi_star": 3.0 - k,
            }
            for y in YEARS
            for k, (city, c) in enumerate(zip(CITIES, classes, strict=True))
        ],
        "mart_center_ellipse": [
            {
                "year": y,
                "weight_kind": kind,
                "center_x": 1000.0 * y,
                "center_x_lo": 1000.0 * (y - 9),
                "center_x_hi": 1000.0 * (y + 9),
                "center_y": 5e6,
                "center_y_lo": 4e6,
                "center_y_hi": 6e6,
            }
            for y in YEARS
            for kind in ("score", "unweighted")
        ],
        "mart_network_summary": [{"year": y} for y in YEARS],
        "mart_lisa_markov": [
            {"variant": "quadrant", "lag": 1, "w_code": "queen_row", "state_from": a, "state_to": b, "thin": a == "HL"}
            for a in ("HH", "HL", "LH", "LL")
            for b in ("HH", "HL", "LH", "LL")
        ],
        "dim_weight_matrix": [{"w_code": w} for w in ("queen_row", "knn6_row")],
        "mart_spatial_weight_profile": [{"w_code": w} for w in ("queen_row", "knn6_row")],
    }
    return made | places()


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return published(rows())


@pytest.fixture(scope="module")
def page(con: duckdb.DuckDBPyConnection) -> Page:
    return space.build(con, meta())


def only(made: Rows, *tables: str) -> Rows:
    return places() | {table: made[table] for table in tables}


def test_every_section_of_a_full_file(page: Page) -> None:
    assert [s.anchor for s in page.sections] == ["moran", "lisa", "gi", "ellipse", "network", "weights"]
    assert all(s.title_en and s.title_zh for s in page.sections)


def test_likeness_is_claimed_only_with_a_small_holm_p(page: Page) -> None:
    assert "in 3 of 3 years" in page.sections[0].text[0]
    clear = space.build(published(only(rows(holm=0.4), "mart_moran_global")), meta()).sections[0].text[0]
    assert "In none of 3 years do neighbours differ from random places" in clear


def test_map_shows_the_corrected_class_and_says_what_chance_alone_gives(page: Page) -> None:
    section = page.sections[1]
    shapes = [s for rows in embedded(section.figures[0].spec) for s in rows if s.get("kind") == "in"]
    assert {s[f"code{YEARS[-1]}"] for s in shapes} == {"HH", "LL", "ns"}
    assert len(shapes) == len(CITIES)
    assert "2 of 6 cities have a local pattern" in section.text[0]
    assert "Without it 6 would pass" in section.text[0]


def test_no_city_passes_is_said_in_words() -> None:
    section = space.build(published(only(rows(classes=("ns",) * 6), "mart_lisa")), meta()).sections[0]
    assert "the map names no cluster" in section.text[0]


def test_map_names_its_source_and_keeps_the_drawing(page: Page) -> None:
    figure = page.sections[1].figures[0]
    assert "审图号" in figure.caption
    assert figure.ratio == pytest.approx(1.0, abs=0.6)


def test_a_move_of_the_centre_inside_its_intervals_is_not_claimed(page: Page) -> None:
    assert "do not show that the centre moved" in page.sections[3].text[0]
    apart = rows()
    for row in apart["mart_center_ellipse"]:
        row |= {"center_x_lo": row["center_x"] - 100, "center_x_hi": row["center_x"] + 100}
    text = space.build(published(only(apart, "mart_center_ellipse")), meta()).sections[0].text[0]
    assert "do not overlap on the east-west axis" in text


def test_thin_rows_are_marked(page: Page) -> None:
    table = next(t for s in page.sections for t in s.tables if t.key == "lisa-markov")
    assert {row[0]: "†" in row[2] for row in table.rows} == {"HH": False, "HL": True, "LH": False, "LL": False}


def test_charts_carry_the_mark_and_their_n_and_ask_for_nothing(con: duckdb.DuckDBPyConnection, page: Page) -> None:
    for figure in page.figures:
        spec = json.dumps(figure.spec, ensure_ascii=False, allow_nan=False)
        assert "SYNTHETIC" in figure.spec["title"]["subtitle"]
        assert "n = " in figure.caption
        assert "http" not in spec.replace(figure.spec["$schema"], "")
    assert "SYNTHETIC" not in json.dumps([f.spec for f in space.build(con, meta(is_synthetic=False)).figures])


def test_no_page_without_rows_or_for_another_index(con: duckdb.DuckDBPyConnection) -> None:
    assert space.build(published(places()), meta()) is None
    assert space.build(duckdb.connect(), meta()) is None
    assert space.build(con, replace(meta(), index_code="nqpf_yearbook")) is None


def test_numbers_that_are_null_leave_no_trace_of_nan() -> None:
    page = space.build(published(blank(rows(), TABLES)), meta())
    assert page is not None
    assert "nan" not in texts(page).lower().split()
    assert "None" not in [word.strip("[],;.") for word in texts(page).replace("\nNone\n", "\n").split()]
