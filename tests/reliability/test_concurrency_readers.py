"""Readers of every kind ask while releases come and go: no error, and each answer is of one release as a whole."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest
from house import House
from killing import published_is_whole
from test_crash_publish import Publisher, change_a_score

from dagster_project.operations.check_files import check_leftovers
from dagster_project.store import Warehouse

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

OTHER_DUCKDB = os.environ.get("NQPF_OTHER_DUCKDB_PYTHON", "")  # a Python with another DuckDB, if there is one
READERS = 8
QUERIES = (
    "select release from ops.run_context",
    "select max(release) from mart.mart_run_manifest",
    "select cast(sum(score) as decimal(18, 6)) from mart.mart_index_score",
    "select cast(sum(score_100) as decimal(18, 6)) from mart.city_ranking",
)
# Opens the file anew for each round of questions, each question a query of its own, as people do. Where Python runs a
# text and no file, DuckDB takes it for a person's session and draws a bar among the answers of slow queries: not here.
READER = """
import sys, time, duckdb
file, queries = sys.argv[1], sys.argv[2:]
print(duckdb.__version__, flush=True)
stop = []
import threading
threading.Thread(target=lambda: (sys.stdin.read(), stop.append(1)), daemon=True).start()
while True:
    with duckdb.connect(file, read_only=True) as con:
        con.execute("set enable_progress_bar = false")
        print(*[con.execute(query).fetchone()[0] for query in queries], flush=True)
    if stop:
        break
    time.sleep(0.8)
"""


class Reader:
    """A process that asks until it is told to stop."""

    def __init__(self, python: str, file: Path) -> None:
        self.process = subprocess.Popen(
            [python, "-c", READER, str(file), *QUERIES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.version = self.process.stdout.readline().strip()
        self.lines: list[str] = []
        # a full pipe would hold the reader up: what it says is taken from it all the time
        self.taker = threading.Thread(target=lambda: self.lines.extend(self.process.stdout or ()), daemon=True)
        self.taker.start()

    def stop(self) -> list[tuple[str, ...]]:
        """All answers; an error would have ended the process."""
        assert self.process.stdin
        assert self.process.stderr
        self.process.stdin.close()
        errors = self.process.stderr.read()
        assert self.process.wait(60) == 0, errors
        self.taker.join(60)
        return [tuple(line.split()) for line in self.lines]


class CommandReader(threading.Thread):
    """`nqpf sql` over and over."""

    SQL = f"select ({QUERIES[0]}) as a, ({QUERIES[1]}) as b, ({QUERIES[2]}) as c, ({QUERIES[3]}) as d"

    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self.house, self.is_over, self.answers = house, threading.Event(), []

    def run(self) -> None:
        while not self.is_over.is_set():
            said = self.house.run_reading("sql", self.SQL, "--format", "json")
            self.answers.append((said.exit_code, said.text))
            self.is_over.wait(2.0)


@pytest.fixture
def publisher(copy_of_small_warehouse):
    started = Publisher(copy_of_small_warehouse)
    yield started
    started.process.communicate(timeout=30)


def change_both(house: House, number: int) -> None:
    """Two tables that must move together."""
    change_a_score(house, number)
    with Warehouse(house.paths.build_file).connect() as con:
        con.execute("update mart.city_ranking set score_100 = score_100 + 0.01")
        con.execute("update mart.mart_run_manifest set release = (select release from ops.run_context)")


def truth(house: House) -> dict[str, tuple[str, ...]]:
    """Release -> the answers that its own file gives."""
    found = {}
    for folder in house.releases:
        with duckdb.connect(str(folder / "city.duckdb"), read_only=True) as con:
            answers = [con.execute(query).fetchall()[0][0] for query in QUERIES]
        found[str(answers[0])] = tuple(str(answer) for answer in answers)
    return found


def ask_while_publishing(house: House, publisher: Publisher, releases: int) -> int:
    """Number of consistent answers that the readers got."""
    file = house.paths.published_file
    pythons = [sys.executable] * READERS + ([OTHER_DUCKDB] * 2 if OTHER_DUCKDB else [sys.executable])
    kept_open = duckdb.connect(str(file), read_only=True)
    first = [kept_open.execute(query).fetchall()[0][0] for query in QUERIES]
    readers, commands = [Reader(python, file) for python in pythons], CommandReader(house)
    commands.start()
    for number in range(1, releases + 1):
        change_both(house, number)
        assert publisher.run("to the end")[0] == 0  # nobody who reads stops it
    commands.is_over.set()
    answers = [answer for reader in readers for answer in reader.stop()]
    commands.join(timeout=60)
    assert [kept_open.execute(query).fetchall()[0][0] for query in QUERIES] == first
    kept_open.close()
    known = truth(house)
    assert len(known) == releases + 1
    for answer in answers:
        assert answer in known.values(), answer
    assert len({answer[0] for answer in answers}) > 1  # they did see releases change
    assert commands.answers
    for code, text in commands.answers:
        assert code == 0, text
        row = json.loads(text)[0]
        assert tuple(f"{v:.6f}" if isinstance(v, float) else str(v) for v in row.values()) == known[row["a"]]
    return len(answers) + len(commands.answers)


def test_ten_readers_see_one_release_each_time_they_ask(copy_of_small_warehouse, publisher):
    assert ask_while_publishing(copy_of_small_warehouse, publisher, 1) > 20
    published_is_whole(copy_of_small_warehouse)


def test_a_reader_whose_query_does_not_fit_in_memory_stops_no_release(copy_of_small_warehouse, publisher):
    """DuckDB puts what it cannot hold into a folder beside the published file, for as long as the reader lives."""
    house = copy_of_small_warehouse
    with duckdb.connect(str(house.paths.published_file), read_only=True) as con:
        con.execute("set threads = 1; set memory_limit = '60MB'")
        con.execute("create temp table large as select range as n, hash(range)::varchar as text from range(3000000)")
        spilled = house.paths.published / "city.duckdb.tmp"
        assert list(spilled.iterdir())
        change_both(house, 1)
        assert publisher.run("to the end")[0] == 0
        assert not list(check_leftovers(house.paths))  # so `nqpf doctor --fix` leaves it alone
        assert con.execute("select count(distinct text) > 2990000 from large").fetchall() == [(True,)]
    published_is_whole(house)


def test_ten_readers_during_twenty_releases(copy_of_small_warehouse, publisher):
    n = ask_while_publishing(copy_of_small_warehouse, publisher, 20)
    print(f"{n} answers, each of one release")
    assert n > 500


@pytest.mark.skipif(not OTHER_DUCKDB, reason="NQPF_OTHER_DUCKDB_PYTHON names no Python with another DuckDB")
def test_older_duckdb_reads_the_published_file(small_warehouse):
    reader = Reader(OTHER_DUCKDB, small_warehouse.paths.published_file)
    assert reader.version != duckdb.__version__
    (answer, *_) = reader.stop()
    assert answer == truth(small_warehouse)[answer[0]]
