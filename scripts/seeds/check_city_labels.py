"""Print every city, province or code label of the landed real files that does not resolve to exactly one unit.

Reads the files as they circulate, cleans a label as the warehouse does (no blanks) and looks it up in
city_alias.csv by source and year. Ends with status 1 if a label is unresolved or ambiguous.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from python_calamine import CalamineWorkbook

from dagster_project.ingest.sidecar import find_sidecars
from dagster_project.paths import PROJECT

LANDING = PROJECT / "warehouse" / "landing"
Label = tuple[str, int, str, bool]  # source, year, label, is it a code

NAMES, CODES = ["城市", "省份"], ["城市代码", "省份代码"]
# fmt: off
# long files: source, pattern, sheet, header of the year, of names, of codes
LONG = [
    ("panel_policies", "panel/*_with_policies.csv", "", "year", ["city", "province"], ["city_code"]),
    ("panel_macro", "panel/*_macro_finance.csv", "", "year", ["city", "province"], ["city_code"]),
    ("gdp_revised", "components/*GDP*.xlsx", "Sheet1", "年份", ["城市", "省份"], []),
    ("fdi", "components/*FDI*.xlsx", "Sheet1", "year", ["地级市"], []),
    ("industry_structure", "components/*产业结构*.xlsx", "面板数据2000-2023", "年度标识",
     ["城市名称", "省份名称"], ["城市代码"]),
    ("population_density", "components/*人口密度*.xlsx", "面板数据", "年份", NAMES, CODES),
    ("road_area", "components/*道路面积*.xlsx", "地级市+县级市", "年份", NAMES, CODES),
    ("finance", "components/*金融*.xlsx", "Sheet1", "年份", NAMES, CODES),
    ("environment_pm25", "environment/*.dta", "", "year", ["city", "prov"], []),
    ("pku_dfi", "digital_finance/*_city.dta", "", "year", ["pref_name_year18", "pref_name_year14"],
     ["pref_code_year18", "pref_code_year14"]),
    ("pku_dfi_province", "digital_finance/*_province.dta", "", "year", ["prov_name", "prov_name_eng"],
     ["prov_code"]),
]
# fmt: on
COUNTY_SOURCES = {"road_area", "county"}  # these also list county-level cities, which are no units of the panel


def clean(value: Any) -> str:
    """A label without blanks; whole numbers without '.0'; full-width brackets as plain ones."""
    text = re.sub(r"\s+", "", "" if pd.isna(value) else str(value))
    return re.sub(r"\.0$", "", text).replace("（", "(").replace("）", ")")


def read_table(path: Path, sheet: str) -> pd.DataFrame:
    """A long file as text columns under its printed headers."""
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype=str)
    if path.suffix == ".dta":
        return pd.read_stata(path)
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()
    return pd.DataFrame(rows[1:], columns=[str(h).strip() or f"blank_{i}" for i, h in enumerate(rows[0])])


def long_labels(root: Path) -> Iterator[Label]:
    """Labels of the files with one row a city and year; rows without a year are notes."""
    for source, pattern, sheet, year, names, codes in LONG:
        table = read_table(next(root.glob(pattern)), sheet)
        years = pd.to_numeric(table[year], errors="coerce")
        for column in names + codes:
            pairs = pd.DataFrame({"y": years, "label": table[column].map(clean)}).dropna().drop_duplicates()
            for y, label in pairs.itertuples(index=False):
                yield source, int(y), label, column in codes


def yearbook_labels(root: Path) -> Iterator[Label]:
    """Chinese labels in the first column of every landed yearbook sheet; titles and units do not count."""
    landed = {file.path for sidecar in find_sidecars(LANDING) for file in sidecar.files}
    for path in sorted(root / name for name in landed if name.startswith("yearbook_")):
        edition = int(re.findall(r"20\d\d", str(path.relative_to(root)))[0])
        source = "county" if re.match(r"(.*-)?3-\d", path.stem) else "yearbook_wide"
        if re.match(r"1-2", path.stem):
            continue  # a list of city names in print columns, no data
        book = CalamineWorkbook.from_path(str(path))
        for row in book.get_sheet_by_name(book.sheet_names[0]).to_python():
            label = clean(row[0])
            if 2 <= len(label) <= 12 and re.fullmatch(r"[一-鿿]+", label) and label not in ("城市", "地区"):
                yield source, edition - 1, label, False


def resolve(labels: list[Label], aliases: pd.DataFrame) -> pd.DataFrame:
    """Number of alias rows and units that match each label."""
    frame = pd.DataFrame(labels, columns=["source", "year", "label", "is_code"]).drop_duplicates()
    frame = frame[frame.label != ""].reset_index(names="n")
    a = aliases.assign(is_code=aliases.kind == "code")
    joined = frame.merge(a, left_on=["label", "is_code"], right_on=["alias", "is_code"], suffixes=("", "_alias"))
    joined = joined[joined.source_alias.isna() | (joined.source_alias == joined.source)]
    joined = joined[joined.year.between(joined.valid_from.fillna(0), joined.valid_to.fillna(9999))]
    hits = joined.groupby("n").city_id.agg(rows="size", units="nunique")
    # an alias of this very source beats a general one
    city_of = joined[joined.source_alias.notna()].groupby("n").city_id.agg(own="size")
    return frame.join(hits, on="n").join(city_of, on="n").fillna({"rows": 0, "units": 0, "own": 0})


def all_labels(data: Path) -> list[Label]:
    """Every label of the real files."""
    return [*long_labels(data), *yearbook_labels(data)]


def failures(labels: list[Label], seeds: Path) -> pd.DataFrame:
    """Labels that match no alias or more than one."""
    aliases = pd.read_csv(seeds / "city_alias.csv", dtype=dict.fromkeys(("alias", "city_id", "kind", "source"), str))
    result = resolve(labels, aliases)
    return result[(result.rows == 0) | ((result.own != 1) & (result.rows > 1))]


def main() -> int:
    """Resolve all labels, print what fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=Path)
    parser.add_argument("data", type=Path)
    args = parser.parse_args()
    labels = all_labels(args.data)
    bad = failures(labels, args.seeds)
    county = bad.source.isin(COUNTY_SOURCES) & (bad.rows == 0)
    for (source, label), group in bad[~county].groupby(["source", "label"]):
        years = f"{group.year.min()}-{group.year.max()}"
        print(f"{source}: '{label}' {years} matches {int(group.rows.max())} aliases")
    for source, number in bad[county].groupby("source")["label"].nunique().items():
        print(f"{source!s}: {number} labels of county-level units stay unresolved on purpose")
    print(f"{len(set(labels))} labels (source, year, label), {int((~county).sum())} not resolved")
    return int((~county).any())


if __name__ == "__main__":
    raise SystemExit(main())
