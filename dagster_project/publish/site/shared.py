"""What all pages share: scores, map, weights and words as classic scripts; rows of every exhibit as CSV; a ranking."""

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from dagster_project.publish.exhibits import map as maps
from dagster_project.publish.exhibits.exhibit import exhibits, read_notes, read_rows
from dagster_project.publish.exhibits.reader import ExportError, Reader, Record
from dagster_project.publish.explain.cities import aliases
from dagster_project.publish.inert import plain_cell
from dagster_project.publish.paper.excel import frame_to_excel
from dagster_project.publish.whatif import presets
from dagster_project.published import statements

TEMPLATES = Path(__file__).parent / "templates"
BOM = "\ufeff"
SQL = statements(__file__)
NAMES = (
    *("indicator", "variable", "unit", "origin", "source", "group", "path", "tier", "part", "province"),
    *("weight_scheme", "edit_action"),
)


def as_script(name: str, value: Any) -> str:
    """window.NAME = value; as JSON that cannot end a script element it may be put into."""
    return f"window.{name}={as_json(value)};\n"


def as_json(value: Any) -> str:
    """JSON without a character that could end an element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def scores(reader: Reader) -> dict[str, Any]:
    """Years, cities, and by part the scores and ranks (a row a city, a column a year), with the ranges of the ranks."""
    years = list(range(reader.scope.first_year, reader.scope.last_year + 1))
    groups: dict[str, dict[str, str]] = {}
    for row in reader.rows(SQL["groups"]):
        groups.setdefault(row["city_id"], {})[row["scheme"]] = row["group_code"]
    for row in reader.rows(SQL["paths"]) if reader.has("mart_city_path") else []:
        groups.setdefault(row["city_id"], {})["path"] = row["path"]
    schemes = sorted({scheme for of_city in groups.values() for scheme in of_city})
    cities = reader.rows(SQL["cities"])
    places = [row["city_id"] for row in cities]

    def table(frame: pd.DataFrame, value: str, whole: Callable[[float], float] = int) -> list[list[Any]]:
        whole_rows = frame.assign(**{value: [whole(one) for one in frame[value]]}).astype({value: object})
        wide = whole_rows.pivot(index="city_id", columns="year", values=value).reindex(index=places, columns=years)
        return wide.astype(object).where(wide.notna(), None).to_numpy().tolist()

    parts = {  # the page rounds once more, to one decimal
        str(part): {"score": table(rows, "score", lambda score: round(score, 5)), "rank": table(rows, "rank")}
        for part, rows in reader.frame(SQL["scores"]).groupby("part")
    }
    columns = ["city_id", "year", "rank_p05", "rank_p95"]
    ranges = reader.frame(SQL["ranges"]) if reader.has("mart_index_uncertainty") else pd.DataFrame(columns=columns)
    facts = ("city_id", "city_code", "name_en", "name_zh", "province_en", "province_name")
    short = ("name_short_en", "name_short_zh")
    return {
        "years": years,
        "parts": ["composite", *sorted(set(parts) - {"composite"})],
        "schemes": schemes,
        "cities": [
            [
                *(row[name] for name in facts),
                [groups.get(row["city_id"], {}).get(scheme) for scheme in schemes],
                *(row[name] for name in short),
                sorted(aliases().get(row["city_id"], set()) - {row["name_short_zh"], row["name_zh"]}),
            ]
            for row in cities
        ],
        "by": parts,
        "lo": table(ranges, "rank_p05"),
        "hi": table(ranges, "rank_p95"),
        "strip": _strips(reader, places),
    }


def _strips(reader: Reader, places: list[str]) -> dict[str, list[Any]]:
    """indicator -> place of each city among the scored ones in the last year, 0 (lowest z) to 100."""
    strips: dict[str, dict[str, int]] = {}
    for row in reader.rows(SQL["places"]):
        strips.setdefault(row["indicator_code"], {})[row["city_id"]] = row["place"]
    return {code: [place.get(city) for city in places] for code, place in strips.items()}


def usable_presets(reader: Reader) -> list[dict[str, Any]]:
    """The weight schemes that the page of weights can take: without negative weights."""
    return [row for row in presets(reader) if min(row["weights"].values()) >= 0]


def panel(reader: Reader) -> dict[str, Any]:
    """What the page of weights computes with: z of all cities, years and indicators as float64, and the presets."""
    indicators = reader.rows(SQL["indicators"])
    codes = [row["code"] for row in indicators]
    frame = pd.DataFrame(reader.rows(SQL["z"]), columns=["city_id", "year", "indicator_code", "z"])
    years = sorted({int(year) for year in frame["year"]})
    cities = sorted(set(frame["city_id"]))
    places = pd.MultiIndex.from_product([years, cities])
    cube = frame.pivot(index=["year", "city_id"], columns="indicator_code", values="z").reindex(places, columns=codes)
    presets = usable_presets(reader)
    return {
        "indicators": [[row["code"], row["tier"], row["dimension"]] for row in indicators],
        "years": years,
        "cities": cities,
        "z": base64.b64encode(cube.to_numpy().astype("<f8").tobytes()).decode(),
        "presets": [[row["scheme"], [row["weights"].get(code, 0.0) for code in codes]] for row in presets],
    }


def outlines() -> dict[str, Any]:
    """The map for scripts: paths and the frame of the South China Sea."""
    return {
        "size": [maps.UNITS, maps.HEIGHT],
        "inset": [*maps.INSET, maps.INSET_WIDTH],
        "shapes": [list(shape) for shape in maps.shapes()],
    }


def words(reader: Reader) -> dict[str, Any]:
    """What scripts say in the language: their messages, and names of codes."""
    script = (TEMPLATES / "app.js").read_text(encoding="utf-8")
    messages = {text: reader.words.gettext(text) for text in script_messages(script)}
    names = {kind: reader.names(kind) for kind in NAMES}
    return {"tag": reader.words.tag, "language": reader.words.language, "text": messages, "names": names}


def script_messages(script: str) -> list[str]:
    """The messages of a script: the texts in t("…")."""
    return list(dict.fromkeys(json.loads(f'"{text}"') for text in re.findall(r'\bt\(\s*"((?:[^"\\]|\\.)+)"', script)))


def as_csv(rows: list[Record]) -> str:
    """Rows as CSV for spreadsheets: UTF-8 with its mark, no text that would be computed."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = list(rows[0])
    writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in rows)
    return BOM + buffer.getvalue()


def _cell(value: Any) -> Any:
    """Figures with ten digits, text that no program computes."""
    return f"{value:.10g}" if isinstance(value, float) else plain_cell(value) if isinstance(value, str) else value


def write_downloads(reader: Reader, folder: Path, row_store: dict[str, list[Record]]) -> None:
    """One CSV an exhibit (English names and codes), one an indicator (a column a year), the ranking as a workbook too.

    `contents.csv` says of each file what it shows, in which unit, with which caveats, and where it is from.

    `row_store`: rows by code that are read already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents: list[Record] = []
    for code, exhibit in exhibits().items():
        try:
            rows = row_store.get(code) or read_rows(reader, exhibit)
        except ExportError:
            continue
        name = "ranking" if code == "R1" else code
        heads = {"title": exhibit.title, "unit": exhibit.unit}
        with_source = [{**row, **heads, "release": reader.scope.release} for row in rows]
        notes = " ".join(read_notes(reader, exhibit, rows))
        contents.append({"file": f"{name}.csv", **heads, "notes": notes, "source": reader.origin})
        (folder / f"{name}.csv").write_text(as_csv(with_source), encoding="utf-8")
        if code == "R1":
            (folder / "ranking.xlsx").write_bytes(frame_to_excel(pd.DataFrame(with_source)))
    text, values = reader.ready(SQL["values"])
    for indicator, values_of in reader.con.execute(text, values).df().groupby("indicator_code"):
        name = f"indicator-{indicator}.csv"
        by_year = values_of.pivot(index=["city_id", "name_en", "name_zh", "unit"], columns="year", values="value")
        by_year.to_csv(folder / name, encoding="utf-8-sig", lineterminator="\n")
    (folder / "contents.csv").write_text(as_csv(contents), encoding="utf-8")
