"""What catalogues and statistical systems read: Frictionless data package, Croissant, SDMX-CSV of the panel.

All from the comments of the published file, the one dictionary. docs/sql.md says which reads what.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.publish.citation import TITLE, Cited, citation
from dagster_project.publish.paper.described import parts
from dagster_project.publish.release.folder import file_of, kinds_of
from dagster_project.published import TABLES

PACKAGE, CROISSANT, SDMX = "datapackage.json", "croissant.json", "panel.sdmx.csv"
LICENCE = {"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/", "title": "CC BY 4.0"}
DESCRIPTION = (
    "Yearly statistics of Chinese cities, as printed and as used, and what was computed from them: an index of new"
    " quality productive forces, disparities, dynamics, spatial structure and models."
)
COLUMNS_SQL = f"""
select if(c.schema_name = 'mart', '', c.schema_name || '.') || c.table_name as name, t.comment, c.column_name,
    c.data_type, c.is_nullable, c.comment
from duckdb_columns() as c join {TABLES} as t using (database_name, schema_name, table_name)
where c.schema_name in ('easy', 'mart') order by 1, c.column_index
"""
RUN_SQL = """
select release, data_vintage, method_version, is_synthetic, started_at from mart.mart_run_manifest
order by started_at desc limit 1
"""
# duckdb -> Frictionless, Croissant. A list is one text in a CSV.
TYPES = {
    "BOOLEAN": ("boolean", "sc:Boolean"),
    "DATE": ("date", "sc:Date"),
    "TIMESTAMP": ("string", "sc:DateTime"),
    "DOUBLE": ("number", "sc:Float"),
    "INTEGER": ("integer", "sc:Integer"),
    "BIGINT": ("integer", "sc:Integer"),
}
# terms of Croissant, as its specification lists them: what is no term of its own vocabulary stands apart
CROISSANT_TERMS = (
    *("citeAs", "column", "extract", "field", "fileObject", "fileProperty", "fileSet", "format", "includes"),
    *("isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated"),
    *("replace", "samplingRate", "separator", "source", "subField", "transform", "equivalentProperty"),
)
CROISSANT_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in CROISSANT_TERMS},
}
# The SDMX code list of observation status: A normal, E estimated, I imputed.
SDMX_SQL = """
select 'dataflow' as STRUCTURE, 'NQPF:PANEL(1.0.0)' as STRUCTURE_ID, 'I' as ACTION, * from (
    select 'A' as FREQ, city_id as REF_AREA, 'score' as INDICATOR, year as TIME_PERIOD, score_100 as OBS_VALUE,
        if(is_provisional, 'P', 'A') as OBS_STATUS, 'points' as UNIT_MEASURE
    from easy.ranking
    union all
    select 'A', city_id, indicator_code, year, value_raw,
        case when value_origin = 'suspected_fill' then 'E'
            when value_origin in ('interpolated_linear', 'interpolated_loglinear', 'donor_growth', 'intercensal',
                'constant_carried') then 'I' else 'A' end,
        unit
    from easy.panel_long where value_raw is not null
) order by INDICATOR, REF_AREA, TIME_PERIOD
"""


@dataclass(frozen=True)
class _Table:
    name: str
    about: str
    columns: tuple[tuple[str, str, bool, str], ...]


def write_exchange(snapshot: Path, folder: Path, exported: Mapping[str, Mapping[str, object]]) -> None:
    """Write datapackage.json, croissant.json and panel.sdmx.csv beside the exported tables.

    `exported`: rows and sha256 by table, of `export_tables`. The data package holds all tables that are exported,
    Croissant those of schema easy: the CSV of each, else its Parquet.
    """
    with duckdb.connect(str(snapshot), read_only=True) as con:
        release, vintage, method, is_synthetic, started = con.execute(RUN_SQL).fetchall()[0]
        cited = Cited(release, vintage, method, started.year, bool(is_synthetic))
        found: dict[str, _Table] = {}
        for name, about, column, kind, is_nullable, comment in con.execute(COLUMNS_SQL).fetchall():
            own = found.get(name, _Table(name, about or "", ()))
            found[name] = _Table(name, own.about, (*own.columns, (column, kind, is_nullable, comment or "")))
        if {"easy.ranking", "easy.panel_long"} <= set(found):
            con.execute(f"copy ({SDMX_SQL}) to '{str(folder / SDMX).replace(chr(39), chr(39) * 2)}' (header)")
    tables = [found[name] for name, facts in exported.items() if name in found and kinds_of(facts)]
    day = started.date().isoformat()
    _write(folder / PACKAGE, data_package(folder, tables, exported, cited, day))
    _write(folder / CROISSANT, croissant(folder, tables, exported, cited, day))


def data_package(
    folder: Path, tables: list[_Table], exported: Mapping[str, Mapping[str, object]], cited: Cited, day: str
) -> dict[str, Any]:
    """A tabular data package: one resource a table, each column with type, words and unit."""
    return {
        "profile": "data-package",
        "name": f"nqpf-{cited.release.lower()}",
        "title": _title(cited),
        "description": DESCRIPTION,
        "version": cited.release,
        "created": f"{day}T00:00:00Z",
        "licenses": [LICENCE],
        "keywords": ["China", "cities", "new quality productive forces", "composite index"],
        "resources": [_resource(folder, table, exported[table.name]) for table in tables],
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


def _field(name: str, kind: str, is_nullable: bool, comment: str) -> dict[str, Any]:
    """An empty text and a missing one look alike in a CSV, so that no text is required."""
    text, unit = parts(comment)
    type_of = TYPES.get(kind, ("string", ""))[0]
    return {
        "name": name,
        "type": type_of,
        "description": text,
        **({"unit": unit} if unit else {}),
        **({"constraints": {"required": True}} if not is_nullable and type_of != "string" else {}),
    }


def croissant(
    folder: Path, tables: list[_Table], exported: Mapping[str, Mapping[str, object]], cited: Cited, day: str
) -> dict[str, Any]:
    """The front room for machine learning: files with sha256, one record set a table."""
    front = [table for table in tables if table.name.startswith("easy.")]
    kinds = {table.name: kinds_of(exported[table.name])[0] for table in front}
    files = [(table, file_of(folder, table.name, kinds[table.name])) for table in front]
    return {
        "@context": CROISSANT_CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": re.sub(r"[^A-Za-z0-9_-]", "_", f"nqpf_{cited.release}"),
        "description": f"{_title(cited)}. {DESCRIPTION}",
        "license": LICENCE["path"],
        "url": "https://creativecommons.org/licenses/by/4.0/",
        "version": ".".join(cited.release.split("-")[0].split(".")),
        "datePublished": day,
        "citeAs": citation(cited, "bibtex"),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file.name,
                "name": file.name,
                "contentUrl": file.relative_to(folder).as_posix(),
                "contentSize": f"{file.stat().st_size} B",
                "encodingFormat": "text/csv" if file.suffix == ".csv" else "application/x-parquet",
                "sha256": exported[table.name][f"{kinds[table.name]}_sha256"],
            }
            for table, file in files
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": table.name,
                "name": table.name,
                "description": table.about,
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"{table.name}/{name}",
                        "name": name,
                        "description": comment,
                        "dataType": TYPES.get(kind, ("", "sc:Text"))[1],
                        "source": {"fileObject": {"@id": file.name}, "extract": {"column": name}},
                    }
                    for name, kind, _, comment in table.columns
                ],
            }
            for table, file in files
        ],
    }


def _title(cited: Cited) -> str:
    return f"{'SYNTHETIC: ' if cited.is_synthetic else ''}{TITLE}"


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
