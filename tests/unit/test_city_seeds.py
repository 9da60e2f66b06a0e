"""The city seeds and the map file: keys, references, one group a city, no ambiguous label."""

import json
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "dbt" / "seeds"
MAP_FILE = ROOT / "dagster_project" / "publish" / "exhibits" / "city_boundaries.json"
OPEN_SCHEMES = {"east_vs_cw_exne"}  # north-eastern cities are left out of this one


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(SEEDS / f"{name}.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def city():
    return read("city")


@pytest.fixture(scope="module")
def current(city):
    return city[(city.level == "city") & (city.valid_to == "")]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("city", ["city_id"]),
        ("city_change", ["event_id"]),
        ("county", ["county_id"]),
        ("county_change", ["effective_year", "old_county_id", "new_county_id"]),
        ("city_neighbour", ["city_id_a", "city_id_b"]),
        ("city_group", ["scheme", "city_id", "valid_from"]),
        ("method_choice", ["choice_id"]),
    ],
)
def test_seed_key_is_unique_and_file_is_plain_utf8(name, key):
    raw = (SEEDS / f"{name}.csv").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert not read(name).duplicated(key).any()


def test_roster_has_the_units_of_2021(city, current):
    assert len(current) == 337
    assert city.level.value_counts().to_dict() == {"city": 339, "province": 27, "county": 4, "nation": 1}
    assert (city.is_province_unit == "true").sum() == 31
    assert (current.is_core36 == "true").sum() == 36
    tiers = current.admin_tier.value_counts()
    assert tiers[["municipality", "sub_provincial"]].tolist() == [4, 15]
    assert (city.city_id == "CN" + city.city_code).all()
    assert (current[["centroid_lon", "centroid_lat", "area_km2"]] != "").all(axis=None)


# units at each year end, from the administrative division lists of the Ministry of Civil Affairs
COUNTIES = {2012: 2852, 2013: 2853, 2014: 2854, 2015: 2850, 2016: 2851, 2017: 2851}
COUNTIES |= {2018: 2851, 2019: 2846, 2020: 2844, 2021: 2843}


def in_year(county: pd.DataFrame, year: int) -> pd.Series:
    first, last = (pd.to_numeric(county[column]) for column in ("valid_from", "valid_to"))
    return (first.fillna(0) <= year) & (last.fillna(9999) >= year)


COUNTIES |= {2018: 2851, 2019: 2846, 2020: 2844, 2021: 2843}


def test_county_units_are_as_many_as_the_ministry_lists_and_lead_to_one_of_the_base_boundary(city):
    county = read("county")
    assert {year: int(in_year(county, year).sum()) for year in COUNTIES} == COUNTIES
    assert set(county.parent_city_id) <= set(city.city_id)
    assert (county.county_id == "CN" + county.county_code).all()
    # a name that a table prints without a code names one county-level city in every year
    for year in COUNTIES:
        assert not county[in_year(county, year) & (county.kind == "county_city")].name_zh.duplicated().any(), year
    county, change = read("county"), read("county_change")
    onward = change[(change.is_main == "true") & (change.old_county_id != "")].set_index("old_county_id").new_county_id
    base = {*county[in_year(county, 2021)].county_id, "CN460400"}  # Danzhou became a city without counties
    for unit in county[pd.to_numeric(county.valid_to) < 2021].county_id:
        at, n_changes = unit, 0
        while at not in base and n_changes < 5:
            at, n_changes = onward[at], n_changes + 1
        assert at in base, unit


CHANGES = """
CN341521 CN340422 moved; CN220381 CN220184 moved; CN430124 CN430182 to_county_city; CN110228 CN110118 to_district;
CN310108 CN310106 merged; CN542231 CN540529 code_changed; CN371324 CN371324 renamed; CN130421 CN130402 split
"""


@pytest.mark.parametrize("known", [*CHANGES.split(";"), "CN330282 CN330282"])
def test_known_changes_of_counties_are_there(known):
    old, new, *kind = known.split()
    change = read("county_change")
    assert change[(change.old_county_id == old) & (change.new_county_id == new)].kind.tolist() == kind


NAMES = """
500000 Chongqing, 610100 Xi'an, 230100 Harbin, 141100 Luliang, 140400 Changzhi, 341500 Lu'an, 411100 Luohe,
331000 Taizhou, 350200 Xiamen, 540200 Shigatse
"""


def test_english_names_follow_common_use_and_bare_names_shared_with_a_province_need_a_source(city):
    name = city.set_index("city_code").name_en
    expected = dict(pair.split() for pair in NAMES.split(","))
    assert {code: name[code] for code in expected} == expected
    assert name.str.fullmatch(r"[A-Z][A-Za-z' ]+").all()
    alias = read("city_alias")
    assert (alias[alias.alias.isin(["吉林", "海南", "Jilin", "Hainan"])].source != "").all()
    assert not alias.alias.isin(["大理", "喀什", "恩施"]).any()


def test_each_scheme_gives_each_city_one_group(current):
    group = read("city_group")
    for scheme, rows in group.groupby("scheme"):
        assert rows.city_id.is_unique
        assert set(rows.city_id) <= set(current.city_id)
        if scheme not in OPEN_SCHEMES:
            assert len(rows) == len(current), scheme
    names = group.groupby(["scheme", "group_code"])[["group_name_zh", "group_name_en"]].nunique()
    assert not names.gt(1).any(axis=None)
    cores = group[(group.scheme == "core") & (group.group_code == "core")]
    assert set(cores.city_id) == set(current[current.is_core36 == "true"].city_id)


def test_changes_name_known_units_and_transfers_their_county(city):
    change = read("city_change")
    known = set(city.city_id) | {""}
    for column in ("from_city_id", "to_city_id", "county_city_id"):
        assert set(change[column]) <= known
    assert set(change.event_type) <= {"merge", "transfer", "rename", "recode", "new"}
    moved = change[(change.event_type == "transfer") & (change.effective_year.astype(int) >= 2012)]
    # Xixian is no unit of its own
    moved = moved[moved.event_id != "xixian_2017"]
    assert sorted(moved.county_city_id) == ["CN220184", "CN340422", "CN340722", "CN510185"]
    parent = city.set_index("city_id").parent_city_id
    assert (moved.county_city_id.map(parent) == moved.to_city_id).all()
    merged = change[change.event_type == "merge"].iloc[0]
    assert int(merged.effective_year) == int(city.set_index("city_id").valid_to[merged.from_city_id]) + 1


def test_no_label_can_match_two_aliases_and_method_choices_use_known_provenance(city):
    alias = read("city_alias").reset_index(names="n")
    of_counties = alias.source == "county_tables"
    assert set(alias[~of_counties].city_id) <= set(city.city_id)
    assert set(alias[of_counties].city_id) <= set(read("county").county_id)
    assert not alias.alias.str.contains(r"\s").any()
    alias["is_code"] = alias.kind == "code"
    alias["first"] = alias.valid_from.replace("", "0").astype(int)
    alias["last"] = alias.valid_to.replace("", "9999").astype(int)
    pair = alias.merge(alias, on=["alias", "is_code"])
    same_source = (pair.source_x == pair.source_y) | (pair.source_x == "") | (pair.source_y == "")
    overlap = (pair["first_x"] <= pair["last_y"]) & (pair["first_y"] <= pair["last_x"])
    clash = pair[(pair.n_x < pair.n_y) & same_source & overlap]
    assert clash.empty, clash[["alias", "city_id_x", "city_id_y"]].to_string()
    choice = read("method_choice")
    assert set(choice.provenance) <= {"seed", "source", "standard", "reconstruction"}
    assert (choice != "").all(axis=None)


def test_neighbours_are_pairs_with_four_islands_and_the_map_draws_every_city_once(current):
    pair = read("city_neighbour")
    assert len(pair) == 895
    assert (pair.city_id_a < pair.city_id_b).all()
    linked = set(pair.city_id_a) | set(pair.city_id_b)
    assert linked <= set(current.city_id)
    assert set(current.city_id) - linked == {"CN460100", "CN460200", "CN460300", "CN460400"}
    assert MAP_FILE.stat().st_size < 1_000_000
    features = json.loads(MAP_FILE.read_text(encoding="utf-8"))["features"]
    drawn = [f["properties"]["city_id"] for f in features if f["properties"]["kind"] == "city"]
    assert sorted(drawn) == sorted(current.city_id)
    others = {f["properties"]["name_zh"]: f["properties"]["kind"] for f in features if "city_id" not in f["properties"]}
    assert set(others.values()) == {"outline", "line"}
    assert {"台湾省", "香港特别行政区", "澳门特别行政区"} <= set(others)
