"""A refresh in a process group of its own that is killed or frozen, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from house import House
from landing_tools import changed_copy, supersede

from dagster_project.publish.release.content import table_contents
from dagster_project.published import open_read_only

RAW_SQL = """
    select '{table}', source, data_year, vintage, count(*) from raw.{table} group by all
"""
RAW_TABLES = ("cells", "header", "load", "series_cells", "series_header", "series_load")


class Refresh:
    """`nqpf refresh` of one warehouse in a process group of its own; its steps are heard as they end."""

    def __init__(self, house: House) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.started, self.events = time.monotonic(), []
        self.process = subprocess.Popen(
            house.command("refresh", "--log-format", "json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=environment,
        )
        self.heard = threading.Condition()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.heard:
                self.events.append(line)
                self.heard.notify_all()

    def wait_for_step(self, number: int) -> None:
        """Until that many steps have ended, or the process has."""
        with self.heard:
            while len(self.events) - 1 < number and self.process.poll() is None:
                self.heard.wait(timeout=0.2)

    def wait(self, seconds: float | None = None) -> int | None:
        """Exit code; None if it is still at work after that many seconds."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        self.listener.join(timeout=10)
        return code

    def freeze(self) -> None:
        """SIGSTOP to the group, until every process of it stands still: what is on the disk then is what a SIGKILL
        would leave (see `test_frozen_disk_is_the_disk_of_a_kill`)."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        while self._states() - {"T", "Z"}:
            time.sleep(0.002)

    def thaw(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)

    def _states(self) -> set[str]:
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

    def kill(self) -> None:
        """SIGKILL to the group: dbt goes with it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.listener.join(timeout=10)

    @property
    def steps(self) -> list[str]:
        """'job/step' of the steps that ended."""
        lines = [json.loads(line) for line in self.events if line.startswith("{")]
        return [f"{line['job']}/{line['step']}" for line in lines if line["event"] == "step"]

    @property
    def text(self) -> str:
        return "".join(self.events)


@dataclass(frozen=True)
class State:
    """published: the sha256 of the file; raw: (table, source, year, vintage) -> rows."""

    published: str
    raw: dict[tuple[object, ...], int]

    @classmethod
    def of(cls, house: House) -> State:
        with duckdb.connect(str(house.paths.build_file), read_only=True) as con:
            rows = [row for table in RAW_TABLES for row in con.execute(RAW_SQL.format(table=table)).fetchall()]
        return cls(house.published_sha256, {tuple(row[:-1]): int(row[-1]) for row in rows})


def published_is_whole(house: House, *, by_table: bool = False) -> str:
    """The published file opens and is, byte by byte, that of a whole release (by_table: each mart too); its name."""
    with open_read_only(house.paths.published_file) as con:
        release = str(con.execute("select release from ops.run_context").fetchall()[0][0])
        contents = table_contents(con) if by_table else {}
    manifest = json.loads((house.paths.releases / release / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["files"]["city.duckdb"] == house.published_sha256
    assert all(manifest["tables"][name]["content"] == content for name, content in contents.items())
    return release


def nothing_is_lost(before: State, after: State) -> None:
    """No vintage has fewer rows than it had."""
    fewer = {key: (n, after.raw.get(key, 0)) for key, n in before.raw.items() if after.raw.get(key, 0) < n}
    assert not fewer, fewer


def land_a_change(house: House, number: int) -> None:
    """A new edition of the yearbook of 2014 whose one changed cell makes a new release."""
    folder = house.paths.landing / "yearbook" / "2014"
    old = folder / (f"edition_{number - 1}.yml" if number > 1 else "yearbook.yml")

    def change(page) -> None:  # type: ignore[no-untyped-def]
        at, column = page.row_of("泰安市"), page.column_of("科学技术支出")
        page.rows[at][column] = round(float(page.rows[at][column]) * (1 + number / 1000))

    file = changed_copy(folder / "synthetic_yearbook_2014.xlsx", f"edition_{number}.xlsx", change)
    supersede(house.paths.landing, old, file, maturity="revised")
