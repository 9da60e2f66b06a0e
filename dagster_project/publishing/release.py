"""A release folder: Parquet, CSV, dictionary, manifest. All from the snapshot file."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from pathlib import Path

import duckdb

from dagster_project.publishing.snapshot import RUN_TABLES

DICTIONARY_SQL = """
    select table_name, column_name, data_type, comment as description from duckdb_columns()
    where schema_name = 'mart' order by table_name, column_index
"""
BOM = b"\xef\xbb\xbf"


def next_release(releases: Path, today: dt.date, *, is_synthetic: bool) -> str:
    """CalVer name YYYY.M.N; N counts the releases of the month. Synthetic data says so in the name."""
    stem = f"{today.year}.{today.month}."
    pattern = re.compile(re.escape(stem) + r"(\d+)(-SYNTHETIC)?")
    taken = [int(m.group(1)) for p in releases.glob("*") if (m := pattern.fullmatch(p.name))]
    return f"{stem}{max(taken, default=-1) + 1}{'-SYNTHETIC' if is_synthetic else ''}"


def latest_release(releases: Path) -> str | None:
    """The newest release by its numbers, or None."""
    found = [p.name for p in releases.glob("*") if re.fullmatch(r"\d+\.\d+\.\d+(-SYNTHETIC)?", p.name)]
    return max(found, key=lambda name: [int(n) for n in name.split("-")[0].split(".")], default=None)


def export_tables(snapshot: Path, folder: Path) -> dict[str, dict[str, object]]:
    """Parquet and CSV (UTF-8 with BOM, formula-like text escaped) of every mart; rows and sha256 by table."""
    (folder / "parquet").mkdir(parents=True)
    (folder / "csv").mkdir()
    exported: dict[str, dict[str, object]] = {}
    with duckdb.connect(str(snapshot), read_only=True) as con:
        for (name,) in con.execute(
            "select table_name from duckdb_tables() where schema_name = 'mart' order by 1"
        ).fetchall():
            parquet, csv = folder / "parquet" / f"{name}.parquet", folder / "csv" / f"{name}.csv"
            con.execute(f"copy (from mart.{name} order by all) to '{_sql_path(parquet)}' (format parquet)")
            selected = f"select {_csv_columns(con, name)} from mart.{name} order by all"
            con.execute(f"copy ({selected}) to '{_sql_path(csv)}' (header)")
            csv.write_bytes(BOM + csv.read_bytes())
            rows = int(con.execute(f"select count(*) from mart.{name}").fetchall()[0][0])
            exported[name] = {"rows": rows, "parquet_sha256": _sha256(parquet), "csv_sha256": _sha256(csv)}
        dictionary = folder / "dictionary.csv"
        con.execute(f"copy ({DICTIONARY_SQL}) to '{_sql_path(dictionary)}' (header)")
    dictionary.write_bytes(BOM + dictionary.read_bytes())
    return exported


def write_manifest(folder: Path, content: dict[str, object]) -> None:
    (folder / "manifest.json").write_text(
        json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
    )


def manifest_content(
    snapshot: Path, release: str, exported: dict[str, dict[str, object]], sidecars: list[dict[str, object]],
    hashes: dict[str, str],
) -> dict[str, object]:  # fmt: skip
    """Everything that is needed to say what made this release."""
    with duckdb.connect(str(snapshot), read_only=True) as con:
        context = con.execute("from ops.run_context").df().iloc[0].to_dict()
    packages = json.loads(context.pop("package_json"))
    return {
        "release": release, "is_synthetic": bool(context["is_synthetic"]), "run": context, "packages": packages,
        "hashes": hashes, "inputs": sidecars, "tables": exported, "not_compared": list(RUN_TABLES),
    }  # fmt: skip


def _csv_columns(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """Text that a spreadsheet would take for a formula gets a leading apostrophe; lists become one text."""
    columns = con.execute(
        "select column_name, data_type from duckdb_columns()"
        " where schema_name = 'mart' and table_name = ? order by column_index",
        [table],
    ).fetchall()
    return ", ".join(_csv_column(name, kind) for name, kind in columns)


def _csv_column(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        is_formula = f"regexp_matches({name}, '^[=+@\\t\\r-]') and try_cast({name} as double) is null"
        return f"case when {is_formula} then chr(39) || {name} else {name} end as {name}"
    return f"array_to_string({name}, '; ') as {name}" if kind.endswith("[]") else name


def _sql_path(path: Path) -> str:
    return str(path).replace("'", "''")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
