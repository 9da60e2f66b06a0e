"""The published file at its weakest moments: a publisher is killed, ten readers ask, another program writes into it.

Whoever opens it has the old release or the new one, as a whole, or is told in a sentence why not.
"""

import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest
from house import held_open
from killing import Publisher, change_a_score, nothing_half_made, published_is_whole
from tiny import tiny_warehouse
from typer.testing import CliRunner

from dagster_project.cli.main import app
from dagster_project.operations.doctor import diagnose
from dagster_project.operations.promote import Signature, promote
from dagster_project.operations.rebuild import read_manifest
from dagster_project.publish.release.record import waiting
from dagster_project.publish.release.snapshot import write_snapshot
from dagster_project.publish.release.verify import verify_release
from dagster_project.published import stray_log
from dagster_project.store import Warehouse

# each publishes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

KILLS, SEED = 3, 20261124


@pytest.fixture
def publisher(house):
    started = Publisher(house)
    yield started
    started.process.communicate(timeout=30)


# ---- killed at publishing --------------------------------------------------------------------------------------


def test_killed_at_any_moment_of_publishing_leaves_one_whole_release(house, publisher):
    rng = random.Random(SEED)
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
    assert nothing_half_made(house)


def test_killed_at_any_moment_of_building_a_candidate_readers_see_the_old_release_and_no_half_candidate(
    house, publisher
):
    rng, before = random.Random(SEED), house.published_sha256
    house.paths.settings_file.write_text("publish: by_hand\n", encoding="utf-8")
    change_a_score(house, 1)
    code, seconds = publisher.run("to the end")
    assert code == 0
    change_a_score(house, 2)
    for _ in range(KILLS):
        publisher.run(f"{rng.uniform(0, seconds):.3f}")
        assert house.published_sha256 == before
        for name in waiting(house.paths):
            folder = house.paths.candidates / name
            assert verify_release(folder, read_manifest(folder)).problems == ()
    assert publisher.run("to the end")[0] == 0
    assert len(waiting(house.paths)) == 2
    promote(house.paths, None, Signature("head of section", all_seen=True))
    assert waiting(house.paths) == []  # the other one was compared with a release that is no longer current
    assert published_is_whole(house, by_table=True) == house.releases[-1].name
    assert nothing_half_made(house)


@pytest.mark.parametrize("when", ["before the swap", "after the swap"])
def test_kill_around_the_swap_leaves_one_whole_file_and_the_next_run_completes_the_release(house, publisher, when):
    before = house.published_sha256
    change_a_score(house, 1)
    assert publisher.run(when)[0] == -9
    assert (house.published_sha256 == before) == (when == "before the swap")
    assert house.value("select count(score) from mart.mart_index_score") > 0
    assert publisher.run("to the end")[0] == 0
    assert published_is_whole(house) == house.releases[-1].name
    assert len(house.releases) == 2
    assert nothing_half_made(house)


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


# ---- readers of every kind -------------------------------------------------------------------------------------

OTHER_DUCKDB = os.environ.get("NQPF_OTHER_DUCKDB_PYTHON", "")  # a Python with another DuckDB, if there is one
READERS, RELEASES = 8, 20
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

    def __init__(self, python, file):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen([python, "-c", READER, str(file), *QUERIES], **pipes, text=True)
        self.version = self.process.stdout.readline().strip()
        self.lines = []
        # a full pipe would hold the reader up: what it says is taken from it all the time
        self.taker = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.taker.start()

    def stop(self):
        """All answers; an error would have ended the process."""
        self.process.stdin.close()
        errors = self.process.stderr.read()
        assert self.process.wait(60) == 0, errors
        self.taker.join(60)
        return [tuple(line.split()) for line in self.lines]


class CommandReader(threading.Thread):
    """`nqpf sql` over and over."""

    SQL = f"select ({QUERIES[0]}) as a, ({QUERIES[1]}) as b, ({QUERIES[2]}) as c, ({QUERIES[3]}) as d"

    def __init__(self, house):
        super().__init__(daemon=True)
        self.house, self.is_over, self.answers = house, threading.Event(), []

    def run(self):
        while not self.is_over.is_set():
            self.answers.append(self.house.run_reading("sql", self.SQL, "--format", "json"))
            self.is_over.wait(2.0)


def change_both(house, number):
    """Two tables that must move together."""
    change_a_score(house, number)
    with Warehouse(house.paths.build_file).connect() as con:
        con.execute("update mart.city_ranking set score_100 = score_100 + 0.01")
        con.execute("update ops.run_log set release = (select release from ops.run_context)")


def truth(house):
    """Release -> the answers that its own file gives."""
    found = {}
    for folder in house.releases:
        with duckdb.connect(str(folder / "city.duckdb"), read_only=True) as con:
            answers = [con.execute(query).fetchall()[0][0] for query in QUERIES]
        found[str(answers[0])] = tuple(str(answer) for answer in answers)
    return found


def test_ten_readers_see_one_release_each_time_they_ask(house, publisher):
    file = house.paths.published_file
    pythons = [sys.executable] * READERS + [OTHER_DUCKDB or sys.executable] * 2
    kept_open = duckdb.connect(str(file), read_only=True)
    first = [kept_open.execute(query).fetchall() for query in QUERIES]
    readers, commands = [Reader(python, file) for python in pythons], CommandReader(house)
    commands.start()
    for number in range(1, RELEASES + 1):
        change_both(house, number)
        assert publisher.run("to the end")[0] == 0  # nobody who reads stops it
    commands.is_over.set()
    answers = [answer for reader in readers for answer in reader.stop()]
    commands.join(timeout=60)
    assert [kept_open.execute(query).fetchall() for query in QUERIES] == first
    kept_open.close()
    known = truth(house)
    assert len(known) == RELEASES + 1
    for answer in answers:
        assert answer in known.values(), answer
    assert len({answer[0] for answer in answers}) > 1  # they did see releases change
    assert commands.answers
    for outcome in commands.answers:
        assert outcome.exit_code == 0, outcome.text
        row = json.loads(outcome.text)[0]
        assert tuple(f"{v:.6f}" if isinstance(v, float) else str(v) for v in row.values()) == known[row["a"]]
    print(f"{len(answers) + len(commands.answers)} answers, each of one release")
    assert len(answers) + len(commands.answers) > 500
    published_is_whole(house)


def test_a_reader_whose_query_does_not_fit_in_memory_stops_no_release(house, publisher):
    """DuckDB puts what it cannot hold into a folder beside the published file, for as long as the reader lives."""
    with duckdb.connect(str(house.paths.published_file), read_only=True) as con:
        con.execute("set threads = 1; set memory_limit = '60MB'")
        con.execute("create temp table large as select range as n, hash(range)::varchar as text from range(3000000)")
        spilled = house.paths.published / "city.duckdb.tmp"
        assert list(spilled.iterdir())
        change_both(house, 1)
        assert publisher.run("to the end")[0] == 0
        assert con.execute("select count(distinct text) > 2990000 from large").fetchall() == [(True,)]
    published_is_whole(house)


# ---- written into, damaged, or in use ----------------------------------------------------------------------------

# Opens the file as a tool does that was not told otherwise, writes into it and dies: what it wrote lies in the log.
WRITER = """
import os, signal, sys, duckdb
con = duckdb.connect(sys.argv[1])
con.execute("set checkpoint_threshold = '1TB'")
con.execute("create table mart.my_notes as select 'mine' as text")
con.execute(f"delete from mart.{sys.argv[2]}")  # an insert may not name computed columns
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def paths(tmp_path):
    return tiny_warehouse(tmp_path)


def write_into(file, table="dim_vintage"):
    file.chmod(0o644)  # as it was published before 2026.11, or for an administrator
    subprocess.run([sys.executable, "-c", WRITER, str(file), table], check=False)
    assert stray_log(file).exists()


@pytest.mark.parametrize("is_new", [True, False], ids=["a new release", "nothing to release"])
def test_what_a_program_wrote_into_the_published_file_does_not_reach_the_next_release(house, publisher, is_new):
    """DuckDB would replay the log of the old file into the new one of the same name."""
    before = published_is_whole(house)
    write_into(house.paths.published_file, "mart_index_score")
    if is_new:
        change_a_score(house, 1)
    assert publisher.run("to the end")[0] == 0
    assert (published_is_whole(house, by_table=True) != before) == is_new
    assert not stray_log(house.paths.published_file).exists()
    for file in (house.paths.published_file, house.releases[-1] / "city.duckdb") if is_new else ():
        assert not file.stat().st_mode & 0o222
        if os.geteuid() != 0:  # an administrator may write everywhere
            with pytest.raises(duckdb.Error, match="Permission denied"):
                duckdb.connect(str(file))


def test_doctor_names_what_was_written_and_how_to_take_it_away(paths):
    write_into(paths.published_file)
    (finding,) = diagnose(paths).findings
    assert "wrote into the published file" in finding.what
    assert "delete city.duckdb.wal" in finding.do
    stray_log(paths.published_file).unlink()
    assert diagnose(paths).findings == []


COMMANDS = (
    *(["status"], ["sql", "select 1"], ["explain", "合肥", "2014"]),
    ["export", "--format", "csv", "--table", "mart_index_score"],
)


def all_say(paths, *sentences):
    """What the commands print that cannot read the published file."""
    for command in COMMANDS:
        done = CliRunner().invoke(app, [*command, "--warehouse", str(paths.warehouse)])
        assert done.exit_code == 1, done.output
        assert "Traceback" not in done.output
        said = " ".join(done.output.split())
        assert all(sentence in said for sentence in sentences), said


def test_no_command_reads_what_another_program_wrote_into(paths):
    write_into(paths.published_file)
    all_say(paths, f"Another program wrote into {paths.published_file}", "delete that file or run `nqpf refresh`")


def test_damaged_file_is_named_with_what_to_do(paths):
    os.truncate(paths.published_file, paths.published_file.stat().st_size // 2)
    all_say(paths, f"{paths.published_file} cannot be read", "`nqpf doctor`")


def test_file_that_is_open_for_writing_is_named(paths):
    with held_open(paths.published_file, "writing"):
        all_say(paths, f"{paths.published_file} is open for writing in another program: close it there")
