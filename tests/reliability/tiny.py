"""The smallest warehouse that the doctor can look at: the right files with hardly anything in."""

import json

import duckdb
from landing_tools import entry, write_sidecar

from dagster_project.operations.database_file import damage_of
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.folder import write_manifest
from dagster_project.published import open_read_only

RELEASE = "2026.11.0-SYNTHETIC"
SIDECAR = {
    "source": "registry",
    "layout": "long",
    "keys": {"city": "city", "year": "year"},
    "producer": "SYNTHETIC",
    "title": "SYNTHETIC",
    "licence": "CC0",
    "accessed": "2026-01-01",
    "maturity": "final",
    "is_synthetic": True,
}


def tiny_warehouse(root):
    """Published, one release, a build file of some blocks, one landing file with its sidecar."""
    paths = Paths(root / "warehouse", root / "landing", root / "landing")
    for folder in (paths.build_file.parent, paths.releases, paths.reports, paths.dagster_home, paths.landing):
        folder.mkdir(parents=True)
    with duckdb.connect(str(paths.build_file)) as con:
        con.execute(
            "create schema raw; create table raw.cells as select range as n, hash(range)::varchar as text"
            " from range(60000)"
        )
    with duckdb.connect(str(paths.published_file)) as con:
        con.execute(
            "create schema mart; create table mart.dim_vintage as select '2014A' as data_vintage,"
            " true as is_synthetic, range as n from range(30000)"
        )
    folder = paths.releases / RELEASE
    folder.mkdir()
    (folder / "city.duckdb").write_bytes(paths.published_file.read_bytes())
    with open_read_only(paths.published_file) as con:
        tables = {name: {"content": content} for name, content in table_contents(con).items()}
    run = {"data_vintage": "2014A", "method_version": "1", "started_at": "2026-11-01 00:00:00", "git_commit": "unknown"}
    write_manifest(folder, {"release": RELEASE, "run": run, "tables": tables, "inputs": []})
    (paths.build_file.with_name("kind.txt")).write_text("synthetic\n", encoding="utf-8")
    (paths.reports / "last_run.json").write_text(json.dumps({"status": "published"}), encoding="utf-8")
    file = paths.landing / "registry.csv"
    file.write_text("city,year,value\n合肥市,2014,1\n", encoding="utf-8")
    write_sidecar(file.with_suffix(".yml"), {**SIDECAR, "files": [entry(paths.landing, file)]})
    assert damage_of(paths.build_file) is damage_of(paths.published_file) is None
    return paths
