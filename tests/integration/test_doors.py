"""Whoever starts a run (command, page, schedule, a single node): the warehouse is guarded behind every door."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from house import House

from dagster_project.definitions import build_defs
from dagster_project.paths import PROJECT
from dagster_project.run.kind import WrongKindError
from dagster_project.store import Warehouse

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

FILES = ("raw.cells", "raw.series_cells", "raw.load", "raw.series_load", "ops.run_log")


@pytest.fixture
def marked_real(copy_of_small_warehouse):
    """A warehouse that holds real data, as far as its mark says, while the landing folder is the demo's."""
    copy_of_small_warehouse.paths.kind_file.write_text("real\n", encoding="utf-8")
    return copy_of_small_warehouse


def content(house: House) -> tuple[str, list[int]]:
    with Warehouse(house.paths.build_file).connect(read_only=True) as con:
        counts = [con.execute(f"select count(*) from {name}").fetchall()[0][0] for name in FILES]
    return house.published_sha256, counts


@pytest.mark.parametrize("job", ["ingest", "rebuild", "refresh"])
def test_a_job_that_dagster_starts_never_mixes_demo_and_real(marked_real, job, monkeypatch):
    before = content(marked_real)
    paths = marked_real.paths
    for name, value in (("LANDING", paths.landing), ("WAREHOUSE", paths.warehouse), ("SIDECARS", paths.sidecars)):
        monkeypatch.setenv(f"NQPF_{name}", str(value))
    monkeypatch.setenv("DAGSTER_HOME", str(paths.dagster_home))
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "job", "execute", "-m", "dagster_project.definitions", "-j", job]
    if job != "rebuild":
        command += [
            "--tags",
            '{"dagster/asset_partition_range_start": "2014", "dagster/asset_partition_range_end": "2014"}',
        ]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "This warehouse holds real data and the landing files are synthetic" in done.stdout + done.stderr
    assert content(marked_real) == before


def test_a_single_node_never_mixes_them_either(marked_real):
    """In this process, without the executor of the jobs: as a test or a notebook would start it."""
    before = content(marked_real)
    defs = build_defs(marked_real.paths)
    node = defs.get_assets_def(dg.AssetKey(["raw", "series_cells"]))
    with pytest.raises(WrongKindError):
        dg.materialize([node], selection=[*node.keys], resources=dict(defs.resources or {}))
    assert content(marked_real) == before


def test_a_warehouse_named_by_half_reads_its_own_landing_folder_or_nothing(marked_real, monkeypatch):
    """NQPF_WAREHOUSE without NQPF_LANDING: the demo's files must not enter a real warehouse."""
    before = content(marked_real)
    monkeypatch.delenv("NQPF_LANDING", raising=False)
    monkeypatch.delenv("NQPF_SIDECARS", raising=False)
    monkeypatch.setenv("NQPF_WAREHOUSE", str(marked_real.paths.warehouse))
    monkeypatch.setenv("DAGSTER_HOME", str(marked_real.paths.dagster_home))
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "job", "execute", "-m", "dagster_project.definitions", "-j", "rebuild"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert content(marked_real) == before
