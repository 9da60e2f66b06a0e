"""Killed at any moment of publishing: the file that analysts open is the old release or the new one, as a whole."""

import random
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from house import House
from killing import published_is_whole

from dagster_project.publish.release.snapshot import write_snapshot
from dagster_project.store import Warehouse

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

KILLS, SEED = 3, 20261124
# Publishes in children that are killed after so many seconds; "to the end" lets one through. Pages are not drawn:
# that is most of the time and writes into the same half-made folder as everything before it.
PUBLISHER = """
import os, signal, sys, time
from pathlib import Path
from dagster_project.defs import publish as publishing
from dagster_project.paths import Paths
from dagster_project.store import Warehouse

def draw(_fresh, folder, **_):
    folder.mkdir()
    (folder / "index.html").write_text("<html></html>")

publishing.write_report = draw
root = Path(sys.argv[1])
paths = Paths(root / "warehouse", root / "landing", root / "landing")
print("ready", flush=True)
for line in sys.stdin:
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)  # DuckDB shows a progress bar on a slow machine
        try:
            publishing.publish(paths, Warehouse(paths.build_file))
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if line.strip() != "to the end":
        time.sleep(float(line))
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    print(os.waitstatus_to_exitcode(status), time.monotonic() - began, flush=True)
"""


class Publisher:
    """Another process that publishes when it is told to, and can be killed at it."""

    def __init__(self, house: House) -> None:
        root = str(house.paths.landing.parent)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def run(self, how: str) -> tuple[int, float]:
        """Exit code (negative: killed) and seconds."""
        assert self.process.stdin
        self.process.stdin.write(f"{how}\n")
        self.process.stdin.flush()
        code, seconds = self._line().split()
        return int(code), float(seconds)


@pytest.fixture
def publisher(copy_of_small_warehouse):
    started = Publisher(copy_of_small_warehouse)
    yield started
    started.process.communicate(timeout=30)


def change_a_score(house: House, number: int) -> None:
    """As if a run had computed something new, under a new name."""
    with Warehouse(house.paths.build_file).connect() as con:
        con.execute("update mart.mart_index_score set score = score + 0.001 where year = 2016")
        con.execute(
            "update ops.run_context set release = regexp_replace(release, '[0-9]+(-[A-Z]+)$', ?)", [f"{number}\\1"]
        )


def test_killed_at_any_moment_of_publishing_leaves_one_whole_release(copy_of_small_warehouse, publisher):
    house, rng = copy_of_small_warehouse, random.Random(SEED)
    first = published_is_whole(house)
    change_a_score(house, 1)
    code, seconds = publisher.run("to the end")
    assert code == 0
    old = published_is_whole(house)
    assert old != first
    new = f"{old.rpartition('.')[0]}.2-SYNTHETIC"
    change_a_score(house, 2)
    killed = 0
    for _ in range(KILLS):
        code, _ = publisher.run(f"{rng.uniform(0, seconds):.3f}")
        killed += code == -9
        assert published_is_whole(house) in (old, new)  # new: quicker than the kill, or killed after the swap
    assert killed >= KILLS - 1
    assert publisher.run("to the end")[0] == 0
    assert published_is_whole(house, by_table=True) == new
    left = [path for path in house.paths.published.rglob("*") if ".tmp" in path.name]
    assert left == []


def test_log_of_a_killed_snapshot_does_not_reach_the_next_one(tmp_path):
    """DuckDB would replay a write-ahead log that lies beside a new file of the same name."""
    build, target = tmp_path / "build.duckdb", tmp_path / "city.duckdb.tmp"
    with duckdb.connect(str(build)) as con:
        con.execute("create schema mart; create schema ops; create table ops.vintage (data_vintage varchar)")
        con.execute("create table mart.mart_run_manifest (run_id varchar, status varchar, ended_at timestamp)")
        for column in ("run_id", "status", "ended_at"):
            con.execute(f"comment on column mart.mart_run_manifest.{column} is 'as it says'")
    log = Path(f"{target}.wal")
    log.write_bytes(b"left by a killed run" * 100)
    target.write_bytes(b"half")
    counts = write_snapshot(build, target, run_id="none")
    assert counts == {"mart.mart_run_manifest": 0, "ops.vintage": 0, "mart.dim_column": 8}
    assert not log.exists()
