"""A release folder: Parquet, CSV, dictionary, descriptions for catalogues, manifest. All from the snapshot file."""

import datetime as dt
import json
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.files import sha256_of
from dagster_project.paths import PROJECT, Paths
from dagster_project.publish.inert import csv_select
from dagster_project.publish.release.dictionary import described
from dagster_project.publish.release.snapshot import RUN_TABLES
from dagster_project.published import TABLES, open_read_only, open_side_by_side, sql_path, statements

SQL = statements(__file__)
MANIFEST = "manifest.json"
NAME = re.compile(r"\d+\.\d+\.\d+(-SYNTHETIC)?")
# formulas that dim_method_choice cites, and the terms of use
TEXTS = (PROJECT / "docs" / "formulas.md", *(PROJECT / name for name in ("LICENSE", "LICENSE-DATA.md", "CITATION.cff")))
KEEP_MARK = "keep.txt"  # a person puts it into a release folder that must stay, e.g. one that a paper cites
BOM = "\ufeff"  # Excel reads UTF-8 only behind this mark
MAX_CSV_ROWS = 20_000  # a longer table is Parquet only: a tenth of the size, and with types
ALWAYS_CSV = ("mart_model_data",)  # what the headline regression is fitted again from, with nothing but R
# A longer table stands in city.duckdb alone.
MAX_PARQUET_ROWS = 500_000
KINDS = ("csv", "csv.gz", "parquet")


def next_release(releases: Path, today: dt.date, *, is_synthetic: bool, candidates: Path | None = None) -> str:
    """CalVer name YYYY.M.N; N counts the releases of the month. Synthetic data says so in the name.

    Names never go back: while the clock shows an earlier month than the newest release, its month is counted on.
    Withdrawn releases and candidates keep their numbers.
    """
    names = [*_names(releases), *(_names(candidates) if candidates else [])]
    newest = max(map(_numbers, names), default=(0, 0, 0))
    year, month = max((today.year, today.month), newest[:2])
    number = newest[2] + 1 if (year, month) == newest[:2] else 0
    return f"{year}.{month}.{number}{'-SYNTHETIC' if is_synthetic else ''}"


def latest_release(releases: Path) -> str | None:
    """The current release: the newest by its numbers that was not withdrawn, or None."""
    names = releases_in_order(releases)
    return names[-1] if names else None


def releases_in_order(releases: Path) -> list[str]:
    """Releases that were not withdrawn, oldest first."""
    return sorted((name for name in _names(releases) if not is_withdrawn(releases / name)), key=_numbers)


def is_withdrawn(folder: Path) -> bool:
    """True if the manifest holds a tombstone."""
    return bool(_tombstone(folder))


def withdrawn_releases(releases: Path) -> list[dict[str, str]]:
    """Release, moment and reason of each release that was taken back, oldest first."""
    names = sorted(_names(releases), key=_numbers)
    return [{"release": name, **tombstone} for name in names if (tombstone := _tombstone(releases / name))]


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest; empty where there is none that can be read, which `nqpf doctor` reports."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content


def _tombstone(folder: Path) -> dict[str, str]:
    """Moment and reason; empty where there is none."""
    tombstone: dict[str, str] = manifest_of(folder).get("withdrawn", {})
    return tombstone


def _names(releases: Path) -> list[str]:
    return [path.name for path in releases.glob("*") if NAME.fullmatch(path.name)]


def _numbers(name: str) -> tuple[int, int, int]:
    """2026.11.10-SYNTHETIC -> (2026, 11, 10)"""
    year, month, number = name.split("-")[0].split(".")
    return int(year), int(month), int(number)


def known_releases(paths: Paths) -> list[dict[str, str]]:
    """Name, vintage, method version and date of each release, the last built first."""
    rows = []
    for manifest in paths.releases.glob("[!.]*/manifest.json"):
        content = json.loads(manifest.read_text(encoding="utf-8"))
        run = content["run"]
        rows.append(
            {
                "release": content["release"],
                "data_vintage": run["data_vintage"],
                "method_version": run["method_version"],
                "built": str(run["started_at"])[:19],
                "commit": str(run["git_commit"])[:10],
                "withdrawn": content.get("withdrawn", {}).get("why", ""),
            }
        )
    return sorted(rows, key=lambda row: (row["built"], row["release"]), reverse=True)


def folder_of(paths: Paths, name: str) -> Path | None:
    """The folder of a release, or of a candidate that is asked for by its name."""
    folders = (root / name for root in (paths.releases, paths.candidates) if NAME.fullmatch(name))
    return next((folder for folder in folders if (folder / MANIFEST).is_file()), None)


def release_as_of(paths: Paths, name: str) -> Path | None:
    """Folder of the release or candidate of that name, else of the last release from the data vintage of that name."""
    matching = [row["release"] for row in known_releases(paths) if row["data_vintage"] == name]
    return folder_of(paths, name) or (paths.releases / matching[0] if matching else None)


def file_before(paths: Paths, data_vintage: str) -> Path | None:
    """Published file of the newest release from another data vintage, where the bridge to this one starts.

    None if there is none, or if it is not there any more. A withdrawn release is no start.
    """
    for row in known_releases(paths):
        file = paths.releases / row["release"] / "city.duckdb"
        if row["data_vintage"] != data_vintage and not row["withdrawn"] and file.is_file():
            return file
    return None


def export_tables(
    snapshot: Path, folder: Path, chosen: Collection[str] | None = None, *, has_files: bool = True
) -> dict[str, dict[str, object]]:
    """Parquet of the tables of schemas mart and easy, CSV of those that are not long: `_kinds`.

    chosen: only these, each as CSV and Parquet. has_files: else rows of tables are counted alone. Returns rows and
    sha256 by table and kind. A table of easy is called easy.<name>. Rows come in the order of the file, those of a view
    sorted.
    """
    (folder / "parquet").mkdir(parents=True)
    (folder / "csv").mkdir()
    exports: dict[str, dict[str, object]] = {}
    with open_side_by_side({"published": snapshot}, may_write=[folder]) as con:
        con.execute("use published")
        for table, name, is_view in con.execute(SQL["tables"].format(tables=TABLES)).fetchall():
            if chosen is not None and name not in chosen:
                continue
            if is_view and not has_files:  # its rows would cost its whole query
                exports[name] = {}
                continue
            rows = int(con.execute(f"select count(*) from {table}").fetchall()[0][0])
            exports[name] = {"rows": rows}
            rows_sql = f"from {table}{' order by all' if is_view or chosen else ''}"
            for kind in _kinds(name, rows) * has_files if chosen is None else ("csv", "parquet"):
                file = file_of(folder, name, kind)
                if kind == "parquet":
                    form = "format parquet, compression zstd, compression_level 9"
                    con.execute(f"copy ({rows_sql}) to '{sql_path(file)}' ({form})")
                else:
                    _write_csv(con, f"select {_csv_columns(con, table)} {rows_sql}", file)
                exports[name][f"{kind}_sha256"] = sha256_of(file)
        query = SQL["dictionary"].format(described=described(con))
        names = ", ".join(f"'{name}'" for name in exports)
        _write_csv(
            con, f"from ({query}) where table_name in ({names})" if exports else query, folder / "dictionary.csv"
        )
    for text in TEXTS:
        shutil.copyfile(text, folder / text.name)
    return exports


def _kinds(name: str, rows: int) -> tuple[str, ...]:
    """The front room as plain CSV, which a double click opens; others packed, as R, pandas and DuckDB read them."""
    kinds = []
    if rows <= MAX_CSV_ROWS or name in ALWAYS_CSV:
        kinds.append("csv" if name.startswith("easy.") else "csv.gz")
    return (*kinds, "parquet") if rows <= MAX_PARQUET_ROWS else tuple(kinds)


def kinds_of(facts: Mapping[str, object]) -> tuple[str, ...]:
    """In which of KINDS a table of a release was exported, by what its manifest says."""
    return tuple(kind for kind in KINDS if f"{kind}_sha256" in facts)


def file_of(folder: Path, name: str, kind: str) -> Path:
    """Where a release keeps a table: csv/<name>.csv.gz, parquet/<name>.parquet."""
    return folder / kind.removesuffix(".gz") / f"{name}.{kind}"


def _write_csv(con: duckdb.DuckDBPyConnection, sql: str, file: Path) -> None:
    """UTF-8 with a byte order mark, which goes before the first name of the header."""
    first = con.execute(f"describe {sql}").fetchall()[0][0]
    query = f'select * rename ({first} as "{BOM}{first}") from ({sql})'
    con.execute(f"copy ({query}) to '{sql_path(file)}' (header)")


def write_manifest(folder: Path, content: dict[str, object]) -> None:
    """The last file of a release: with the sha256 of every other one."""
    content = {**content, "files": file_hashes(folder)}
    (folder / MANIFEST).write_text(
        json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
    )


def file_hashes(folder: Path) -> dict[str, str]:
    """Path below the folder -> sha256, of every file but the manifest itself and a person's mark."""
    left_out = (folder / MANIFEST, folder / KEEP_MARK)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path not in left_out]
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


def manifest_content(
    snapshot: Path,
    release: str,
    exports: dict[str, dict[str, object]],
    sidecars: list[dict[str, object]],
    hashes: dict[str, str],
    previous: str | None,
    contents: Mapping[str, str],
) -> dict[str, object]:
    """Everything that is needed to say what made this release, and to make it again (`nqpf release rebuild`)."""
    with open_read_only(snapshot) as con:
        context = con.execute("from ops.run_context").df().iloc[0].to_dict()
        vintages = con.execute("from ops.vintage order by created_at").df().to_dict("records")
        load_no = {row[:3]: row[3] for row in con.execute(SQL["load_numbers"]).fetchall()}
    inputs = [
        {**load, "load_no": load_no.get((load["source"], load["data_year"], load["vintage"]))} for load in sidecars
    ]
    tables = {name: {**facts, "content": contents.get(name)} for name, facts in exports.items()}
    packages = json.loads(context.pop("package_json"))
    sizes = json.loads(context.pop("depth_json", None) or "null")
    return {
        "release": release,
        "previous": previous,
        "is_synthetic": bool(context["is_synthetic"]),
        "run": context,
        "packages": packages,
        "drawn": sizes,
        "hashes": hashes,
        "vintages": vintages,
        "inputs": inputs,
        "tables": tables,
        "not_compared": list(RUN_TABLES),
    }


def _csv_columns(con: duckdb.DuckDBPyConnection, table: str) -> str:
    return csv_select([(name, kind) for name, kind, *_ in con.execute(f"describe {table}").fetchall()])
