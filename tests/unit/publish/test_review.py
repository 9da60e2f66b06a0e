"""What must be looked at before a release is signed: from two small files that differ in known places."""

import json

import duckdb
import pandas as pd
import pytest
import yaml
from promised_marts import MARTS, promised

from dagster_project.publish.release.review import read_lines, review_lines, write_lines
from dagster_project.publish.release.review_page import review_page, summary

INDEX = "nqpf_yearbook"
OF_INDEX = {"index_code": INDEX, "basis": "frozen_2012_2021"}
HEFEI = {"city_id": "CN340100", "name_zh": "合肥市", "name_en": "Hefei"}
TAIAN = {"city_id": "CN370900", "name_zh": "泰安市", "name_en": "Tai'an"}
EASY = {
    model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
    for model in yaml.safe_load((MARTS.parent / "easy" / "_easy.yml").read_text("utf-8"))["models"]
}


def release_file(file, vintage, **tables):
    """A published file with the tables that the list reads; rows by table."""
    with duckdb.connect(str(file)) as con:
        for schema, columns in (("mart", promised()), ("easy", EASY)):
            con.execute(f"create schema {schema}")
            for table, kinds in columns.items():
                flag = {"is_headline": "boolean"} if schema == "mart" else {}
                names = ", ".join(f'"{name}" {kind}' for name, kind in {**kinds, **flag}.items())
                con.execute(f"create table {schema}.{table} ({names})")
        con.execute("create schema ops; create table ops.run_context (data_vintage varchar)")
        con.execute("insert into ops.run_context values (?)", [vintage])
        tables["dim_index"] = [{**OF_INDEX, "is_headline": True}]
        for table, rows in tables.items():
            place = table if table.startswith("easy.") else f"mart.{table}"
            for row in rows:
                names = ", ".join(f'"{name}"' for name in row)
                con.execute(f"insert into {place} ({names}) values ({', '.join('?' * len(row))})", list(row.values()))
    return file


def ranked(city, rank, low, high, score):
    return {**city, "year": 2021, "rank_year": rank, "rank_p05": low, "rank_p95": high, "score_100": score}


def parts(value, contribution):
    same = {"indicator_code": "q1", "indicator_en": "science share", "unit": "%", "value_origin": "observed"}
    where = {"source": "yearbook", "file": "a.xlsx", "cell": "C7"}
    return {**OF_INDEX, **HEFEI, "year": 2021, **same, **where, "value_raw": value, "contribution": contribution}


def printed(value):
    figure = {"variable_code": "fiscal_science", "source": "yearbook", "text": "12,3", "value": value}
    return {**OF_INDEX_ONLY, "city_id": "CN340100", "year": 2021, "indicator_code": "q1", **figure}


OF_INDEX_ONLY = {"index_code": INDEX}


def effect(variable, point, low, high):
    return {
        "variable": variable,
        "effect": "direct",
        "is_of_interest": True,
        "points_per_unit": point,
        "lo": low,
        "hi": high,
    }


def gap(year, point, low, high):
    groups = {"group_high": "east", "group_low": "west", "group_high_en": "East", "group_low_en": "West"}
    return {"scheme": "region", "year": year, **groups, "gap_100": point, "gap_lo_100": low, "gap_hi_100": high}


def decision(city, action, places, **more):
    figure = {"variable_code": "gdp_nom", "source": "yearbook", "rule": "E3", "unit": "yuan10k", "printed_text": "5"}
    values = {
        "printed_value": 5.0,
        "used_value": None,
        "evidence": "the years beside it",
        "cell": "B2",
        "file": "a.xlsx",
    }
    moves = {"influence": float(places), "rank_change": places, "score_change": 1.0, "is_selected": True}
    index = {"index_code": INDEX, "is_headline": True}
    return {**city, "year": 2020, "action": action, **figure, **values, **moves, **index, **more}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    same = decision(TAIAN, "replace", 30, used_value=7.0)
    old = release_file(
        folder / "old.duckdb",
        "2021A",
        why_this_number=[parts(1.0, 0.10)],
        mart_indicator_source=[printed(1.0)],
        mart_edit=[same],
        mart_lisa=[{"city_id": "CN340100"}],
        **{
            "easy.ranking": [ranked(HEFEI, 3, 2, 6, 50.0), ranked(TAIAN, 9, 5, 12, 40.0)],
            "easy.effects": [effect("pr", 1.0, 0.5, 1.5), effect("wage", 1.0, 0.5, 1.5)],
            "easy.gap": [gap(2020, 5.0, 4.0, 6.0), gap(2021, 5.0, 4.0, 6.0)],
        },
    )
    new = release_file(
        folder / "new.duckdb",
        "2021B",
        why_this_number=[parts(3.0, 0.05)],
        mart_indicator_source=[printed(3.0)],
        mart_index_restatement=[
            {
                **OF_INDEX_ONLY, "city_id": "CN340100", "year": 2021, "vintage_old": "2021A", "vintage_new": "2021B",
                "basis_old": "frozen", "basis_new": "frozen", "score_new": 0.45, "part_revision": -0.06,
                "part_bounds": 0.01, "part_weights": 0.0, "part_method": 0.0,
            }
        ],
        mart_edit=[
            same,
            decision(HEFEI, "quarantine", 25),
            decision(TAIAN, "pending", 40, index_code="pr", is_headline=False),
            decision(TAIAN, "quarantine", 0, year=2019, rule="E4"),
        ],
        mart_check_result=[
            {"check_id": f"{place}", "severity": severity, "passed": False, "message": "sums differ"}
            for place, severity in (("gate/yearbook/2021/v2/a/value_is_near_last", "warn"), ("core/sums", "error"))
        ],
        **{
            "easy.ranking": [ranked(HEFEI, 11, 7, 14, 45.0), ranked(TAIAN, 10, 5, 12, 39.0)],
            "easy.effects": [effect("pr", 0.4, -0.1, 0.9), effect("wage", 1.1, 0.5, 1.6)],
            "easy.gap": [gap(2020, 5.5, 4.0, 6.0), gap(2021, 6.5, 5.0, 7.0)],
        },
    )  # fmt: skip
    return old, new


FRAMES = {
    "members": pd.DataFrame([{**TAIAN, "what": "left", "reason": "no wages"}]),
    "sources": pd.DataFrame(
        [{"what": "added", "source": "yearbook", "data_year": 2021, "vintage": "v2", "files": "b.xlsx"}]
    ),
}


def test_the_list_has_what_moved_with_its_reason_most_influential_first(files):
    lines = review_lines(*files, FRAMES)
    assert [(line.no, line.kind) for line in lines] == [
        (no, kind)
        for no, kind in enumerate(
            ("missing", "missing", "verdict", "city", "edit", "rank", "question", "load", "figure", "edits"), start=1
        )
    ]
    table, check, verdict, city, edit, rank, question, load, figure, small = lines
    assert (table.subject, table.before, table.after) == ("table mart.mart_lisa", "1 rows", "no row")
    assert (check.subject, check.after) == ("check core/sums", "sums differ")
    assert (verdict.before, verdict.after) == ("1 [0.5, 1.5] points per unit", "0.4 [-0.1, 0.9] points per unit")
    assert verdict.why == "was above zero, is not distinguishable from zero"
    assert (city.before, city.after, city.why) == ("in", "out", "no wages")
    assert (edit.after, edit.places, edit.hangs) == ("left out", 25.0, f"{INDEX}: +1.00 points, +25 places")
    assert (rank.before, rank.after) == ("3, range 2 to 6 (50.00 points)", "11 (45.00 points)")
    assert rank.why == "revision -6.00, bounds +1.00; science share -5.00 points: 1 -> 3 % (a.xlsx C7)"
    assert rank.figure == {
        "source": "yearbook", "city_id": "CN340100", "year": 2021, "variable": "fiscal_science", "printed": "12,3",
        "action": "drop",
    }  # fmt: skip
    assert (question.places, question.index, question.figure["action"]) == (40.0, "pr", "drop")
    assert (load.after, load.why) == ("added", "1 rules of the gate warn: value_is_near_last")
    assert figure.subject == "gap region, East less West, 2021"
    assert small.subject == "1 decisions, left out by E4"


def test_a_first_release_is_listed_by_what_it_covers_and_by_its_edits(files):
    lines = review_lines(None, files[1], None)
    assert [line.kind for line in lines] == ["edit", "edit", "question", "coverage", "edits"]
    assert lines[3].after == "no scores"


def test_an_older_file_without_a_table_is_compared_by_the_rest(files, tmp_path):
    old = tmp_path / "older.duckdb"
    old.write_bytes(files[0].read_bytes())
    with duckdb.connect(str(old)) as con:
        con.execute("drop table easy.effects; alter table easy.ranking drop column rank_p05")
    kinds = {line.kind for line in review_lines(old, files[1], FRAMES)}
    assert {"edit", "city", "load", "figure"} <= kinds
    assert not {"rank", "verdict"} & kinds


def test_the_list_is_kept_and_its_page_shows_both_sides_and_the_answers(files, tmp_path):
    lines = review_lines(*files, FRAMES)
    write_lines(tmp_path, "2026.11.1", "2026.11.0", lines)
    content, kept = read_lines(tmp_path)
    assert (content["previous"], kept) == ("2026.11.0", lines)
    assert json.loads((tmp_path / "review.json").read_text(encoding="utf-8"))["lines"][0]["kind"] == "missing"
    answers = {6: {"answer": "back", "by": "reviewer", "why": "<b>digit</b>"}}
    page = review_page("2026.11.1", "2026.11.0", lines, answers, files)
    assert page.count("<svg xmlns") == 2  # one map, one rank chart
    assert page.index("Score in 2021, before and after") < page.index("Ranks of 2021 that moved most")
    assert "back (reviewer): &lt;b&gt;digit&lt;/b&gt;" in page
    assert "1 sent back, 9 open. Loads: yearbook 2021." in summary(lines, answers)
    assert "<svg" not in review_page("2026.11.0", None, lines, {}, files[1:])
