"""The same files and the same code give the same numbers, bit by bit: whatever the order of rows, the number of
workers, or the day."""

import csv
import io
import shutil
from contextlib import suppress

import duckdb
import pandas as pd
import pytest
from house import House, paths_below, said

from dagster_project.cli.releases import rebuild_release
from dagster_project.files import sha256_of
from dagster_project.store import Warehouse
from dagster_project.study import measurement
from dagster_project.study.registry import REGISTRY

SHUFFLED_SCHEMAS = ("seed", "reading", "edit", "int", "py", "ops")
# Where a figure was printed, and which file: these follow the rows and the content of a file, so they must change.
ADDRESS = {"vintage", "cell_no", "source_cell_id", "source_cell_ids", "source_cell_id_a", "source_cell_id_b", "cell"}
ADDRESS_IN = {
    "mart_check_result": {"check_id", "message", "run_id"},
    "mart_revision_log": {"vintage_old", "vintage_new"},
}


# ---- what a method reads -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shuffled(small_warehouse, tmp_path_factory):
    """A build file with the same tables, whose rows lie in another order."""
    file = tmp_path_factory.mktemp("shuffled") / "city.duckdb"
    shutil.copyfile(small_warehouse.paths.build_file, file)
    with duckdb.connect(str(file)) as con:
        tables = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where list_contains(?, schema_name)",
            [list(SHUFFLED_SCHEMAS)],
        ).fetchall()
        for (table,) in tables:
            con.execute(f"create temp table other as from {table} order by hash(rowid)")
            con.execute(f"delete from {table}; insert into {table} from other; drop table other")
    return Warehouse(file)


def test_the_other_file_has_the_same_rows_in_another_order(small_warehouse, shuffled):
    sql = "select city_id, year, indicator_code, value from int.int_panel_balanced"
    mine, other = small_warehouse.build(sql), shuffled.read_frame(sql)
    assert not mine.equals(other)
    keys = ["city_id", "year", "indicator_code", "value"]
    pd.testing.assert_frame_equal(
        mine.sort_values(keys, ignore_index=True), other.sort_values(keys, ignore_index=True), check_exact=True
    )


@pytest.mark.parametrize("entry", REGISTRY, ids=lambda entry: entry.name)
def test_a_method_reads_the_same_frames_wherever_rows_lie(small_warehouse, shuffled, entry):
    assert entry.queries()
    for label, sql in entry.queries().items():
        pd.testing.assert_frame_equal(small_warehouse.build(sql), shuffled.read_frame(sql), check_exact=True, obj=label)


# ---- whole builds (each refreshes a warehouse) ---------------------------------------------------------------


@pytest.fixture(params=["two workers", "a Dask cluster"])
def elsewhere(request, monkeypatch):
    """Every method that can share its work shares it between two."""
    monkeypatch.setattr(measurement, "WORKERS", 2)
    monkeypatch.setenv("NQPF_WORKERS", "2")
    if request.param == "two workers":
        yield
        return
    distributed = pytest.importorskip("distributed", reason="the extra nqpf[dask] is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        monkeypatch.setenv("NQPF_CLUSTER", cluster.scheduler_address)
        yield


@pytest.mark.slow
def test_a_release_made_again_from_its_manifest_elsewhere_is_equal_in_every_mart(small_warehouse, elsewhere):
    (release,) = small_warehouse.releases
    outcome = said(rebuild_release, small_warehouse.paths, release.name, into=None)
    assert outcome.exit_code == 0, outcome.text
    n = len(tables(small_warehouse, "mart")) + len(tables(small_warehouse, "easy")) - 1  # the runs are no result
    assert f"all {n} tables are equal" in outcome.text


def tables(house, schema):
    names = "select table_name from information_schema.tables where table_schema = ?"
    return house.published(names, [schema])["table_name"]


def decoded(content):
    """The text of a landed CSV, and its encoding: the demo writes several."""
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding), encoding
    raise ValueError("The landed file is in no encoding that the demo writes.")


def shuffle_rows(file, sidecar):
    """The records below the header of a landed CSV from last to first; the sidecar gets its new hash."""
    before, content = sha256_of(file), file.read_bytes()
    text, encoding = decoded(content)
    head, *records = list(csv.reader(io.StringIO(text, newline="")))
    made = io.StringIO(newline="")
    csv.writer(made, lineterminator="\r\n" if "\r\n" in text else "\n").writerows([head, *records[::-1]])
    file.write_bytes(made.getvalue().encode(encoding))
    sidecar.write_text(sidecar.read_text(encoding="utf-8").replace(before, sha256_of(file)), encoding="utf-8")


def values_of(house):
    """Every mart without the columns that say where a figure stood."""
    found = {}
    for table in set(tables(house, "mart")) - {"mart_run_manifest"}:
        names = house.published(f"select * from mart.{table} limit 0").columns
        kept = [name for name in names if name not in ADDRESS | ADDRESS_IN.get(table, set())]
        found[table] = house.published(f"select {', '.join(kept)} from mart.{table} order by all")
    return found


@pytest.mark.slow
def test_landed_rows_in_another_order_give_the_same_values(small_warehouse, tmp_path):
    house = House(paths_below(tmp_path))
    landing = house.paths.landing
    shutil.copytree(small_warehouse.paths.landing, landing)
    turned = [file for file in sorted(landing.glob("*/*.csv")) if file.parent.name != "truth"]
    assert len(turned) > 5
    for file in turned:
        shuffle_rows(file, next(file.parent.glob("*.yml")))
    house.must_refresh()
    mine, other = values_of(small_warehouse), values_of(house)
    assert mine.keys() == other.keys()
    assert [table for table in mine if not mine[table].equals(other[table])] == []
    addresses = "select source_cell_id from mart.mart_source_value where source <> 'yearbook' order by all"
    assert not small_warehouse.published(addresses).equals(house.published(addresses))  # the rows did move
