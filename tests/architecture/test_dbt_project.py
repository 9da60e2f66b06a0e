"""The dbt project keeps its promises: grain first, descriptions and units, contracts where users look."""

import csv
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from expectations.identity import read_identities

ROOT = Path(__file__).resolve().parents[2]
MARTS = ROOT / "dbt" / "models" / "marts"
SEEDS = ROOT / "dbt" / "seeds"
EASY = MARTS.parent / "easy"
SHOWN = [*MARTS.rglob("_*.yml"), *EASY.glob("_*.yml")]
MODELS = [model for file in SHOWN for model in yaml.safe_load(file.read_text("utf-8"))["models"]]
NUMERIC = {"double", "integer", "bigint"}
UNITLESS = {"boundary_vintage", "year"}


# dbt models by folder, in the order in which a number flows: a model reads no folder that comes after its own
FLOW = ("staging", "reading", "edit", "values", "panel")


def folder_of_models():
    return {file.stem: file.relative_to(MARTS.parent).parts[0] for file in MARTS.parent.rglob("*.sql")}


def reads():
    """(folder, model, folder of what it reads, what it reads)."""
    folders = folder_of_models()
    for file in MARTS.parent.rglob("*.sql"):
        for parent in set(re.findall(r"ref\('(\w+)'\)", file.read_text(encoding="utf-8"))) & set(folders):
            yield folders[file.stem], file.stem, folders[parent], parent


def test_the_gate_is_a_leaf():
    """It decides whether a load may become current, and nothing that a figure goes through depends on it."""
    found = list(reads())
    assert any(folder == "gate" and of == "edit" for folder, _, of, _ in found)
    assert [(model, parent) for folder, model, of, parent in found if of == "gate" != folder] == []


def test_models_flow_from_reading_to_the_panel():
    place = {folder: at for at, folder in enumerate(FLOW)}
    back = [(m, p) for folder, m, of, p in reads() if folder in place and place.get(of, 99) > place[folder]]
    assert back == []


def rows(seed):
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m["name"])
def test_grain_first_one_key_that_proves_it_and_a_unit_for_every_number(model):
    assert model["description"].startswith("One row per ")
    assert set(model["config"]["meta"]["key"]) <= {c["name"] for c in model["columns"]}
    for column in model["columns"]:
        assert len(column["description"]) > 5, column["name"]
        if column["data_type"] in NUMERIC and column["name"] not in UNITLESS:
            assert column.get("config", {}).get("meta", {}).get("unit"), f"{column['name']} has no unit"


def test_every_mart_has_a_contract_entry_every_entry_a_mart_and_every_seed_a_description():
    assert {m["name"] for m in MODELS} == {f.stem for f in (*MARTS.rglob("*.sql"), *EASY.glob("*.sql"))}
    described = {s["name"] for s in yaml.safe_load((SEEDS / "_seeds.yml").read_text("utf-8"))["seeds"]}
    assert described >= {f.stem for f in SEEDS.glob("*.csv")} - {"city_neighbour"}


def test_a_header_of_a_source_has_one_meaning_a_year():
    seen: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in rows("header_map"):
        span = (int(row["year_from"] or 0), int(row["year_to"] or 9999))
        for other in seen.setdefault((row["source"], row["header_key"]), []):
            is_apart = span[1] < other[0] or other[1] < span[0]
            # a row of fewer years may stand inside one of more years: it wins
            is_inside = span != other and (
                other[0] <= span[0] <= span[1] <= other[1] or span[0] <= other[0] <= other[1] <= span[1]
            )
            assert is_apart or is_inside, f"{row['source']} {row['header_key']} is mapped twice"
        seen[row["source"], row["header_key"]].append(span)


def test_header_map_speaks_of_known_variables_and_units_and_gives_reasons():
    variables = {row["variable_code"]: row["unit"] for row in rows("variable")}
    units = {row["symbol"]: row["canonical"] for row in rows("unit")}
    for row in rows("header_map"):
        if row["variable_code"] == "ignore":
            assert row["reason"], f"ignored without a reason: {row['header_key']}"
        else:
            assert units[row["unit"]] == variables[row["variable_code"]], row


def test_indicator_parts_speak_of_known_variables():
    derived = {"population", "robot_density", "fdi_nom"}
    variables = {row["variable_code"] for row in rows("variable")} | derived
    indicators = {row["indicator_code"] for row in rows("indicator")}
    parts = rows("indicator_part")
    assert {p["variable_code"] for p in parts} <= variables
    assert {p["indicator_code"] for p in parts} == indicators
    assert {p["role"] for p in parts} == {"content", "scale"}


def test_identities_speak_of_known_variables_and_are_well_formed():
    variables = {row["variable_code"] for row in rows("variable")}
    seed = pd.DataFrame(rows("identity")).replace("", None)
    for identity in read_identities(seed):
        names = {block.partition("/")[0] for block in identity.blocks}
        assert names <= variables, identity.code
        assert identity.low < identity.high, identity.code


def test_usual_median_lies_inside_the_band_of_a_cell():
    for row in rows("variable"):
        if row["median_low"] and row["band_low"]:
            low, high = float(row["median_low"]), float(row["median_high"])
            assert float(row["band_low"]) <= low < high <= float(row["band_high"]), row["variable_code"]


def test_corrections_carry_a_guard_a_reason_and_a_status():
    for row in rows("correction"):
        assert row["action"] in {"replace", "drop", "scale", "keep"}
        assert row["expect"], row
        assert row["reason"], row
        assert (row["value"] == "") == (row["action"] in {"drop", "keep"}), row
