"""Which city a person means by a name or a code: the one rule for every command that takes a city.

Exact before prefix before alike. Pinyin counts with or without its apostrophe (Xi'an, Xian), in any case; Chinese names
with or without 市, 地区, 盟, 自治州; former and spoken names (襄樊, Haerbin) too; a province beside the name tells
twins apart (Suzhou Anhui, 安徽宿州).
"""

import csv
import re
import unicodedata
from collections import defaultdict
from functools import cache
from typing import Literal, NamedTuple

import duckdb

from dagster_project.errors import Refusal
from dagster_project.paths import PROJECT

CITIES_SQL = """
select city_id, name_zh, name_en, province_name, city_code, province_en from mart.dim_city order by city_code, city_id
"""
KIND = re.compile("(市|地区|盟|自治州)$")
PROVINCE_KIND = re.compile("(省|市|(壮族|回族|维吾尔)?自治区)$")
NOT_SAID = re.compile(r"[\s'’‘ʼ`´,，、()（）·-]+")
ALIASES = PROJECT / "dbt" / "seeds" / "city_alias.csv"
NEAREST = 3
LISTED = 12
HOW_TO_NAME = "pinyin or English name, Chinese name, or code"


class NoAnswer(Refusal):
    """The published file does not answer the question; the text says why, and what can be asked instead."""


class City(NamedTuple):
    """One city of `mart.dim_city`."""

    city_id: str
    name_zh: str
    name_en: str
    province_name: str
    city_code: str

    @property
    def label(self) -> str:
        """Both names, and what tells it from a city of the same name."""
        return f"{self.name_zh} {self.name_en} ({self.province_name} {self.city_code})"


class CityMatch(NamedTuple):
    """The cities a text may mean. Only `exact` and `prefix` are answers; `near` are names that look alike."""

    how: Literal["exact", "prefix", "near"]
    cities: list[City]


def find_city(con: duckdb.DuckDBPyConnection, text: str) -> CityMatch:
    """The cities whose name or code is `text`, or else begins with it, or else the three most alike.

    `exact` and `prefix` hold one city or several (five pairs of cities share their English name); `near` may be empty.
    """
    pool = [(City(*row[:5]), row[5]) for row in con.execute(CITIES_SQL).fetchall()]
    key = folded(text)
    if key:
        pairs = [(city, _names(city, province_en) | aliases().get(city.city_id, set())) for city, province_en in pool]
        exact = [city for city, names in pairs if key in {*names, folded(city.city_id), city.city_code}]
        if exact:
            return CityMatch("exact", exact)
        prefix = [city for city, names in pairs if any(name.startswith(key) for name in names)]
        if prefix:
            return CityMatch("prefix", prefix)
    return CityMatch("near", _near(text, [city for city, _ in pool]))


def the_city(con: duckdb.DuckDBPyConnection, text: str) -> City:
    """The one city of that name, code or unambiguous beginning; NoAnswer names every candidate otherwise."""
    how, cities = find_city(con, text)
    if how != "near" and len(cities) == 1:
        return cities[0]
    names = ", ".join(city.label for city in cities[:LISTED])
    if how == "near":
        raise NoAnswer(f"No city is called '{text}' ({HOW_TO_NAME}). Nearest names: {names or 'none'}.")
    names += f" and {len(cities) - LISTED} more" if len(cities) > LISTED else ""
    verb = "are called" if how == "exact" else "begin with"
    raise NoAnswer(f"{len(cities)} cities {verb} '{text}': {names}. Say which by Chinese name or code.")


def folded(text: str) -> str:
    """A name as it is compared: lower case, without accents, apostrophes, blanks and commas."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return NOT_SAID.sub("", plain).casefold()


@cache
def aliases() -> dict[str, set[str]]:
    """City -> further names, as they are compared."""
    names: dict[str, set[str]] = defaultdict(set)
    with ALIASES.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["kind"] in ("former", "pinyin", "short"):
                names[row["city_id"]].add(folded(row["alias"]))
    return names


def _names(city: City, province_en: str | None) -> set[str]:
    """Every way to write the name, alone and beside its province."""
    zh = {city.name_zh, KIND.sub("", city.name_zh)}
    province = city.province_name or ""
    zh |= {beside + name for beside in (province, PROVINCE_KIND.sub("", province)) for name in zh}
    return {folded(name) for name in (*zh, city.name_en, city.name_en + (province_en or ""))}


def _near(text: str, cities: list[City]) -> list[City]:
    """Names and codes that look alike, the most alike first."""
    from rapidfuzz import fuzz, process, utils

    names = [(city, name) for city in cities for name in (city.name_zh, city.name_en, city.city_code) if name]
    matches = process.extract(
        text,
        [name for _, name in names],
        scorer=fuzz.ratio,
        processor=utils.default_process,
        limit=4 * NEAREST,
        score_cutoff=1,
    )
    return list(dict.fromkeys(names[place][0] for _, _, place in matches))[:NEAREST]
