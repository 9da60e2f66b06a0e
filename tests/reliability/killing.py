"""Processes that are killed or frozen at their work, a refresh or a publisher, and what must hold afterwards."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import duckdb
from landing_tools import changed_copy, supersede

from dagster_project.publish.release.content import table_contents
from dagster_project.published import open_read_only
from dagster_project.store import Warehouse

RAW_TABLES = ("cells", "header", "load", "series_cells", "series_header", "series_load")


class Refresh:
    """`nqpf refresh` of one warehouse in a process group of its own; its steps are heard as they end."""

    def __init__(self, house):
        self.started, self.events = time.monotonic(), []
        self.process = subprocess.Popen(
            house.command("refresh", "--log-format", "json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.heard = threading.Condition()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self):
        for line in self.process.stdout:
            with self.heard:
                self.events.append(line)
                self.heard.notify_all()

    def wait_for_step(self, number):
        """Until that many steps have ended, or the process has."""
        with self.heard:
            while len(self.events) - 1 < number and self.process.poll() is None:
                self.heard.wait(timeout=0.2)

    def wait(self, seconds=None):
        """Exit code; None if it is still at work after that many seconds."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        self.listener.join(timeout=10)
        return code

    def freeze(self):
        """SIGSTOP to the group, until every process of it stands still: what is on the disk then is what a SIGKILL
        would leave (see `test_frozen_disk_is_the_disk_of_a_kill`)."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        while self._states() - {"T", "Z"}:
            time.sleep(0.002)

    def thaw(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def _states(self):
        """Letters of /proc for the processes of the group: T stands still, Z is gone."""
        found = set()
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = file.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
            except OSError:  # ended between the two
                continue
            if int(group) == self.process.pid:
                found.add(state)
        return found

    def kill(self):
        """SIGKILL to the group: dbt goes with it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.listener.join(timeout=10)

    @property
    def steps(self):
        """'job/step' of the steps that ended."""
        lines = [json.loads(line) for line in self.events if line.startswith("{")]
        return [f"{line['job']}/{line['step']}" for line in lines if line["event"] == "step"]

    @property
    def text(self):
        return "".join(self.events)


# Publishes in children that are killed after so many seconds, or at the swap; "to the end" lets one through. Pages are
# not drawn: that is most of the time and writes into the same half-made folder as everything before it.
PUBLISHER = """
import os, signal, sys, time
from pathlib import Path
from dagster_project.defs import publish as publishing
from dagster_project.ingest.sidecar import landed_sidecars
from dagster_project.paths import Paths
from dagster_project.store import Warehouse

def draw(_fresh, folder, **_):
    folder.mkdir()
    (folder / "index.html").write_text("<html></html>")

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

swap = publishing.swap_in
swaps = {"before the swap": kill, "after the swap": lambda *files: (swap(*files), kill())}
publishing.write_report = draw
root = Path(sys.argv[1])
paths = Paths(root / "warehouse", root / "landing", root / "landing")
print("ready", flush=True)
for line in sys.stdin:
    how = line.strip()
    publishing.swap_in = swaps.get(how, swap)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)  # DuckDB shows a progress bar on a slow machine
        try:
            publishing.publish(paths, Warehouse(paths.build_file), landed_sidecars(paths))
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if how[0].isdigit():
        time.sleep(float(how))
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    print(os.waitstatus_to_exitcode(status), time.monotonic() - began, flush=True)
"""


class Publisher:
    """Another process that publishes when it is told to, and can be killed at it."""

    def __init__(self, house):
        command = [sys.executable, "-c", PUBLISHER, str(house.paths.landing.parent)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self.process.stdout.readline() == "ready\n"

    def run(self, how):
        """Exit code (negative: killed) and seconds."""
        self.process.stdin.write(f"{how}\n")
        code, seconds = self.process.stdout.readline().split()
        return int(code), float(seconds)


class State(NamedTuple):
    """published: the sha256 of the file; raw: (table, source, year, vintage) -> rows."""

    published: str
    raw: dict[tuple[object, ...], int]

    @classmethod
    def of(cls, house):
        counts = "select '{0}', source, data_year, vintage, count(*) from raw.{0} group by all"
        with duckdb.connect(str(house.paths.build_file), read_only=True) as con:
            rows = [row for table in RAW_TABLES for row in con.execute(counts.format(table)).fetchall()]
        return cls(house.published_sha256, {row[:-1]: row[-1] for row in rows})


def published_is_whole(house, *, by_table=False):
    """The published file opens and is, byte by byte, that of a whole release (by_table: each mart too); its name."""
    with open_read_only(house.paths.published_file) as con:
        release = str(con.execute("select release from ops.run_context").fetchall()[0][0])
        contents = table_contents(con) if by_table else {}
    manifest = json.loads((house.paths.releases / release / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["files"]["city.duckdb"] == house.published_sha256
    assert all(manifest["tables"][name]["content"] == content for name, content in contents.items())
    return release


def nothing_half_made(house):
    return not [path for path in house.paths.published.rglob("*") if ".tmp" in path.name]


def nothing_is_lost(before, after):
    """No vintage has fewer rows than it had."""
    fewer = {key: (n, after.raw.get(key, 0)) for key, n in before.raw.items() if after.raw.get(key, 0) < n}
    assert not fewer, fewer


def land_a_change(house, number):
    """A new edition of the yearbook of 2014 whose one changed cell makes a new release."""
    folder = house.paths.landing / "yearbook" / "2014"
    old = folder / (f"edition_{number - 1}.yml" if number > 1 else "yearbook.yml")

    def change(page):
        at, column = page.row_of("泰安市"), page.column_of("科学技术支出")
        page.rows[at][column] = round(float(page.rows[at][column]) * (1 + number / 1000))

    file = changed_copy(folder / "synthetic_yearbook_2014.xlsx", f"edition_{number}.xlsx", change)
    supersede(house.paths.landing, old, file, maturity="revised")


def change_a_score(house, number):
    """As if a run had computed something new, under a new name."""
    with Warehouse(house.paths.build_file).connect() as con:
        con.execute("update mart.mart_index_score set score = score + 0.001 where year = 2016")
        con.execute(
            "update ops.run_context set release = regexp_replace(release, '[0-9]+(-[A-Z]+)$', ?)", [f"{number}\\1"]
        )
