"""The page of the yearbook: which concept is printed in which year, for how many units, and the figures of a city."""

from typing import Any

from dagster_project.publish.exhibits.chart import by
from dagster_project.publish.exhibits.reader import Reader, Record
from dagster_project.publish.locale import msg
from dagster_project.published import statements

SQL = statements(__file__)
TABLE = "select 1 from information_schema.tables where table_schema = 'easy' and table_name = 'yearbook'"
SCOPES = {"city": msg("city"), "district": msg("districts"), "built_up": msg("built-up")}
COUNTY = msg("county-level")
STEPS = (0.5, 0.9)  # share of the units of a year that print a concept, from which a mark is darker


def is_landed(reader: Reader) -> bool:
    """Whether the file holds figures of the yearbook."""
    return bool(reader.rows(TABLE) and reader.rows("from easy.yearbook limit 1"))


def matrix(reader: Reader) -> dict[str, Any]:
    """Years, and concepts with their scopes: each a mark a year, by the share of the units that print it."""
    counts = {(row["code"], row["level"], row["scope"], row["year"]): row for row in reader.rows(SQL["counts"])}
    most: dict[tuple[str, int], int] = {}
    for (_, level, _, year), row in counts.items():
        most[level, year] = max(most.get((level, year), 0), row["n"])
    years = sorted({year for *_, year in counts})
    language = "zh" if reader.words.language == "zh" else "en"

    def mark(row: Record, year: int) -> dict[str, Any]:
        count = counts.get((row["code"], row["level"], row["scope"], year))
        n = count["n"] if count else 0
        step = 1 + sum(n >= share * most[row["level"], year] for share in STEPS) if n else 0
        is_break = bool(count and count["is_break"])
        return {
            "step": step,
            "is_break": is_break,
            "said": f"{year}: {n}" + (f" ({row['breaks']})" if is_break else ""),
        }

    concepts = []
    for code, rows in by(reader.rows(SQL["concepts"]), "code").items():
        scopes = [
            {
                "key": f"{code}.{row['scope']}" if row["level"] == "city" else "",
                "name": _scope(reader, row),
                "marks": [mark(row, year) for year in years],
            }
            for row in rows
        ]
        find = " ".join((code, rows[0]["en"], rows[0]["zh"], rows[0]["breaks"])).lower()
        concepts.append({"name": rows[0][language], "unit": rows[0]["unit"], "find": find, "scopes": scopes})
    return {"years": years, "concepts": concepts}


def _scope(reader: Reader, row: Record) -> str:
    of_county = [COUNTY] if row["level"] == "county" else []
    of_part = [] if of_county and row["scope"] == "city" else [SCOPES[row["scope"]]]
    return ", ".join(reader.words.gettext(text) for text in (*of_county, *of_part))


def figures(reader: Reader) -> dict[str, dict[str, Any]]:
    """City -> years, and by concept and scope the figures that may be used: five digits, null where there is none."""
    rows = reader.rows(SQL["figures"])
    years = sorted({year for row in rows for year in row["years"]})
    series: dict[str, dict[str, Any]] = {}
    for row in rows:
        cells = {year: float(f"{y:.5g}") for year, y in zip(row["years"], row["values"], strict=True) if y is not None}
        of_city = series.setdefault(row["city_id"], {"years": years, "of": {}})
        of_city["of"][row["key"]] = [cells.get(year) for year in years]
    return series
