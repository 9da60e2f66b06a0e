"""What catalogues and other systems read: a Frictionless data package, SDMX-CSV of the panel, schema easy for Ossie.

All from the comments of the published file, the one dictionary. docs/sql.md says which reads what.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import yaml

from dagster_project.paths import PROJECT
from dagster_project.publish.citation import TITLE, Cited
from dagster_project.publish.paper.described import parts
from dagster_project.publish.questions.catalogue import questions
from dagster_project.publish.release.dictionary import in_chinese
from dagster_project.publish.release.folder import file_of, kinds_of
from dagster_project.published import TABLES, open_side_by_side, sql_path, statements

PACKAGE, SDMX, OSSIE = "datapackage.json", "panel.sdmx.csv", "easy.ossie.json"
# Of what is the project's: the demo, and names, definitions and documentation of every release (LICENSE-DATA.md).
LICENCE = {"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/", "title": "CC BY 4.0"}
DESCRIPTION = (
    "Yearly statistics of Chinese cities, as printed and as used, and what was computed from them: an index of new"
    " quality productive forces, disparities, dynamics, spatial structure and models."
)
TERMS = (
    "The figures carry the terms that each of the sources states; names, definitions and documentation are CC BY 4.0"
    " (LICENSE-DATA.md)."
)
SQL = statements(__file__)
# duckdb -> Frictionless. A list is one text in a CSV.
TYPES = {"BOOLEAN": "boolean", "DATE": "date", "DOUBLE": "number", "INTEGER": "integer", "BIGINT": "integer"}
OSSIE_VERSION = "0.2.0.dev0"
OSSIE_TYPES = {"BOOLEAN": "Boolean", "DATE": "Date", "DOUBLE": "Float", "INTEGER": "Integer", "BIGINT": "Integer"}


@dataclass(frozen=True)
class _Table:
    name: str
    about: str
    columns: Sequence[tuple[Any, ...]]  # name, type, whether it may be null, comment


def write_exchange(
    snapshot: Path, folder: Path, exports: Mapping[str, Mapping[str, object]], loads: str = "true"
) -> None:
    """Write datapackage.json, and where they are exported the panel and schema easy, beside the exported tables.

    `loads`: SQL of the loads that they come from. `exports`: rows and sha256 by table, of `export_tables`. The data
    package holds all tables that are exports: the CSV of each, else its Parquet.
    """
    with open_side_by_side({"published": snapshot}, may_write=[folder]) as con:
        con.execute("use published")
        release, vintage, method, is_synthetic, start = con.execute(SQL["run"]).fetchall()[0]
        sources = con.execute(SQL["sources"].format(loads=loads)).fetchall()
        columns = con.execute(SQL["columns"].format(tables=TABLES)).fetchall()
        if {"easy.ranking", "easy.panel_long"} <= set(exports):
            con.execute(f"copy ({SQL['sdmx']}) to '{sql_path(folder / SDMX)}' (header)")
    tables = [
        _Table(name, about or "", [row[2:] for row in rows])
        for (name, about), rows in groupby(columns, key=itemgetter(0, 1))
        if kinds_of(exports.get(name, {}))
    ]
    source = Cited(release, vintage, method, start.year, bool(is_synthetic))
    content = data_package(folder, tables, exports, source, start.date().isoformat(), sources)
    (folder / PACKAGE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    easy = [table for table in tables if table.name.startswith("easy.")]
    if easy:
        text = json.dumps(semantic_model(easy, source), indent=1, ensure_ascii=False)
        (folder / OSSIE).write_text(f"{text}\n", encoding="utf-8")


def semantic_model(tables: Sequence[_Table], source: Cited) -> dict[str, Any]:
    """Schema easy as Apache Ossie has it: fields, keys, words in both languages, units, traps and questions as context.

    It holds no metric: ranks, Gini indices and effects may not be summed, whatever an engine would make of them.
    """
    models = yaml.load((PROJECT / "dbt" / "models" / "easy" / "_easy.yml").read_text("utf-8"), yaml.CSafeLoader)[
        "models"
    ]
    keys = {f"easy.{model['name']}": model["config"]["meta"]["key"] for model in models}
    mark = "SYNTHETIC demo data: says nothing about China. " if source.is_synthetic else ""
    context = {
        "instructions": " ".join(dict.fromkeys(q.trap for q in questions().values() if q.trap)),
        "examples": [text for q in questions().values() if "easy." in (q.sql or "") for text in (q.en, q.zh)],
    }
    datasets = [
        {
            "name": table.name.removeprefix("easy."),
            "source": f"city.{table.name}",
            "primary_key": keys[table.name],
            "description": table.about,
            "fields": [_semantic_field(table.name, *column) for column in table.columns],
        }
        for table in tables
    ]
    model = {"name": "nqpf_easy", "description": f"{mark}{TITLE}, release {source.release}", "ai_context": context}
    return {"version": OSSIE_VERSION, "semantic_model": [{**model, "datasets": datasets}]}


def _semantic_field(table: str, name: str, kind: str, is_nullable: bool, comment: str | None) -> dict[str, Any]:
    text, unit = parts(comment or "")
    chinese = in_chinese(table, name)
    context = {**({"synonyms": [chinese]} if chinese else {}), **({"unit": unit} if unit else {})}
    return {
        "name": name,
        "expression": {"dialects": [{"dialect": "ANSI_SQL", "expression": name}]},
        **({"dimension": {"is_time": True}} if name == "year" else {}),
        "description": text,
        "datatype": OSSIE_TYPES.get(kind, "String"),
        **({"ai_context": context} if context else {}),
    }


def data_package(
    folder: Path,
    tables: Iterable[_Table],
    exports: Mapping[str, Mapping[str, object]],
    source: Cited,
    day: str,
    sources: Iterable[tuple[str, str]],
) -> dict[str, Any]:
    """A tabular data package: one resource a table, each column with type, words and unit.

    `sources`: what the figures come from, and under which terms. Only the demo as a whole is under the licence of the
    project; other figures belong to their sources.
    """
    return {
        "profile": "data-package",
        "name": f"nqpf-{source.release.lower()}",
        "title": f"{'SYNTHETIC: ' if source.is_synthetic else ''}{TITLE}",
        "description": DESCRIPTION if source.is_synthetic else f"{DESCRIPTION} {TERMS}",
        "version": source.release,
        "created": f"{day}T00:00:00Z",
        **({"licenses": [LICENCE]} if source.is_synthetic else {}),
        "sources": [{"title": title, "licence": terms} for title, terms in sources],
        "keywords": ["China", "cities", "new quality productive forces", "composite index"],
        "resources": [_resource(folder, table, exports[table.name]) for table in tables],
    }


def _resource(folder: Path, table: _Table, facts: Mapping[str, object]) -> dict[str, Any]:
    kind = kinds_of(facts)[0]
    file, is_csv = file_of(folder, table.name, kind), kind != "parquet"
    return {
        "name": table.name.lower(),
        "title": table.name,
        "description": table.about,
        "path": file.relative_to(folder).as_posix(),
        "profile": "tabular-data-resource" if is_csv else "data-resource",
        "format": kind.removesuffix(".gz"),
        "mediatype": "text/csv" if is_csv else "application/vnd.apache.parquet",
        **({"encoding": "utf-8-sig"} if is_csv else {}),
        "bytes": file.stat().st_size,
        "hash": f"sha256:{facts[f'{kind}_sha256']}",
        "schema": {"fields": [_field(*column) for column in table.columns], "missingValues": [""]},
        "rows": facts["rows"],
    }


def _field(name: str, kind: str, is_nullable: bool, comment: str | None) -> dict[str, Any]:
    """An empty text and a missing one look alike in a CSV, so that no text is required."""
    text, unit = parts(comment or "")
    type_of = TYPES.get(kind, "string")
    return {
        "name": name,
        "type": type_of,
        "description": text,
        **({"unit": unit} if unit else {}),
        **({"constraints": {"required": True}} if not is_nullable and type_of != "string" else {}),
    }
