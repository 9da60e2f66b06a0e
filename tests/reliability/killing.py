"""A refresh in a process group of its own that is killed, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

import duckdb
from house import House
from landing_tools import changed_copy, supersede, vintage_of

from dagster_project.publishing.content import table_contents
from dagster_project.publishing.reader import open_read_only

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
            house.command("refresh", "--log-format", "json"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True, env=environment,
        )  # fmt: skip
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


@dataclass
class Campaign:
    """Kills of one warehouse. After each: the published file is whole, no raw row is gone, and now and then the
    interrupted refresh is run to its end and must succeed by itself."""

    house: House
    rng: random.Random
    seconds: float  # how long a refresh takes, about
    kills: list[str] = field(default_factory=list)
    recoveries: int = 0
    editions: int = 0

    def kill_at_random(self) -> None:
        self._kill(moment=self.rng.uniform(0, self.seconds))

    def kill_after_step(self, number: int) -> None:
        self._kill(step=number)

    def _kill(self, moment: float | None = None, step: int = 0) -> None:
        if not self.kills or self.kills[-1] == "recovered":
            self.editions += 1
            land_a_change(self.house, self.editions)
        before = State.of(self.house)
        old = published_is_whole(self.house)
        run = Refresh(self.house)
        if moment is None:
            run.wait_for_step(step)
        else:
            run.wait(moment)
        run.kill()
        where = run.steps[-1] if run.steps else "start"
        self.kills.append(f"{time.monotonic() - run.started:.1f} s, after {where}")
        now = published_is_whole(self.house)
        after = State.of(self.house)
        assert (after.published == before.published) == (now == old), f"{now} and {old} at {self.kills[-1]}"
        nothing_is_lost(before, after)

    def recover(self) -> None:
        """The next refresh goes through without hand work and publishes what was landed."""
        before = State.of(self.house)
        run = Refresh(self.house)
        code = run.wait(self.seconds * 5 + 300)
        if code is None:
            run.kill()
        assert code == 0, run.text[-2000:]
        published_is_whole(self.house, by_table=True)
        after = State.of(self.house)
        nothing_is_lost(before, after)
        sidecar = self.house.paths.landing / "yearbook" / "2014" / f"edition_{self.editions}.yml"
        used = self.house.published("select distinct vintage from mart.mart_source_value where source = 'yearbook'"
                                    " and year = 2014")  # fmt: skip
        assert list(used["vintage"]) == [vintage_of(sidecar)]
        left = [path for path in self.house.paths.published.rglob("*") if ".tmp" in path.name]
        assert left == []
        self.seconds = 0.5 * self.seconds + 0.5 * (time.monotonic() - run.started)
        self.recoveries += 1
        self.kills.append("recovered")

    @property
    def n_kills(self) -> int:
        return sum(kill != "recovered" for kill in self.kills)
