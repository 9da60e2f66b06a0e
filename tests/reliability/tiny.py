"""The smallest warehouse that the doctor can look at: the right files with hardly anything in."""

import json

import duckdb
from landing_tools import entry, write_sidecar

from dagster_project.operations.faults import damage_of
from dagster_project.operations.promote import keep_seal
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.folder import write_manifest
from dagster_project.publish.release.record import say_on_pages, with_entry
from dagster_project.publish.release.review import Line, write_lines
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


CANDIDATE = "2026.11.1-SYNTHETIC"
PAGE = '<html lang="{0}" data-language="{0}"><body class="x"><p>numbers</p>\n<footer>\n</footer></body></html>'
FIGURE = {"source": "yearbook", "city_id": "CN340100", "year": 2014, "variable": "gdp_nom", "printed": "12,3"}


def tiny_candidate(paths, name=CANDIDATE, previous=RELEASE):
    """A candidate of three lines beside the release of the tiny warehouse: another file, pages in two languages."""
    folder = paths.candidates / name
    (folder / "docs" / "zh").mkdir(parents=True)
    with duckdb.connect(str(folder / "city.duckdb")) as con:
        con.execute(
            "create schema mart; create table mart.dim_vintage as select '2015A' as data_vintage, true as is_synthetic"
        )
    for place, language in (("index.html", "en"), ("zh/index.html", "zh")):
        (folder / "docs" / place).write_text(PAGE.format(language), encoding="utf-8")
    (folder / "datapackage.json").write_text(json.dumps({"name": "tiny"}), encoding="utf-8")
    lines = [
        Line("rank", "合肥市 Hefei, rank 2014", "1", "9", "GDP", places=8.0, figure={**FIGURE, "action": "drop"}, no=1),
        Line("edit", "泰安市 Tai'an, gdp_nom 2014", "printed 1", "left out", no=2),
        Line("sentence", "sentence of page disparity", "a <b>", "c", no=3),
    ]
    write_lines(folder, name, previous, lines)
    with open_read_only(folder / "city.duckdb") as con:
        tables = {table: {"content": content} for table, content in table_contents(con).items()}
    run = {"data_vintage": "2015A", "method_version": "1", "started_at": "2026-11-02 00:00:00", "git_commit": "unknown"}
    content = {"release": name, "previous": previous, "is_synthetic": True, "run": run, "tables": tables, "inputs": []}
    manifest = with_entry({**content, "hashes": {}}, "candidate")
    say_on_pages(folder, manifest)
    write_manifest(folder, manifest)
    keep_seal(folder, name)
    return folder
