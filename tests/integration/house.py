"""A warehouse as the tests see it: what a person does with it, and what may be looked at afterwards."""

import hashlib
import io
import os
import pickle
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
from filelock import FileLock
from rich.console import Console
from typer.testing import CliRunner

from dagster_project.paths import PROJECT, Paths

CITIES, YEARS = 12, range(2012, 2017)  # of the small warehouse
# Secrets that a machine may hold in its environment: the small warehouse is refreshed with them, none may be written.
PLANTED = {
    "NQPF_WEBHOOK_URL": "http://127.0.0.1:9/hook-planted-4c1f9e",
    "AWS_SECRET_ACCESS_KEY": "planted-aws-93be07",
    "DATABASE_PASSWORD": "planted-password-5d20aa",
    "GITHUB_TOKEN": "planted-token-e8817b",
}
CODE = ("dbt", "dagster_project", "expectations", "python_models")
PAPERS = ("docs/formulas.md", "LICENSE", "LICENSE-DATA.md", "CITATION.cff")  # every release holds them


def made_once(factory, name, make):
    """What `make(folder)` gives: the first worker of pytest-xdist makes it, the others read it (it is pickled)."""
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, kept = base / name, base / f"{name}.pickle"
    with FileLock(base / f"{name}.lock"):
        if not kept.exists():
            assert not folder.exists(), f"{name} could not be made: see the test that asked for it first"
            folder.mkdir()
            kept.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(kept.read_bytes())


def copy_of_project(folder):
    """A checkout that a test may change, apart from the one that the other tests use."""
    for name in CODE:
        skip = shutil.ignore_patterns("__pycache__", "target", "logs", "dbt_packages")
        shutil.copytree(PROJECT / name, folder / name, ignore=skip)
    (folder / "docs").mkdir()
    for name in PAPERS:
        shutil.copyfile(PROJECT / name, folder / name)
    return folder


def paths_below(root):
    """Warehouse and landing folder side by side."""
    return Paths(root / "warehouse", root / "landing", root / "landing")


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code and everything it printed."""

    exit_code: int
    text: str

    @property
    def lines(self):
        return [line.strip() for line in self.text.splitlines() if line.strip()]


def said(command, paths, *arguments, **options):
    """A command of `nqpf` in this process."""
    console = Console(record=True, width=4000, file=io.StringIO())
    code = command(paths, console, *arguments, **options)
    return Outcome(code, console.export_text())


@dataclass(frozen=True)
class House:
    """One warehouse with its landing folder."""

    paths: Paths

    def refresh(self, *, year=None, environment=None):
        """The main job in this process; `environment`: variables that are set while it runs."""
        from dagster_project.cli.refresh import refresh

        with unchanged_environment():
            os.environ.update(environment or {})
            return said(refresh, self.paths, year=year, is_demo=False)

    def must_refresh(self, **how):
        """It goes through."""
        outcome = self.refresh(**how)
        assert outcome.exit_code == 0, outcome.text
        return outcome

    def command(self, *arguments):
        """`nqpf <command> ...` for this warehouse, as a user types it."""
        nqpf, paths = Path(sys.executable).with_name("nqpf"), self.paths
        places = ("--landing", paths.landing, "--warehouse", paths.warehouse, "--sidecars", paths.sidecars)
        return [str(word) for word in (nqpf, *arguments, *places)]

    def run(self, *arguments, **how):
        """The same through the command line, in a process of its own."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False, **how)
        return Outcome(done.returncode, done.stdout + done.stderr)

    def run_reading(self, *arguments):
        """A command that only reads the published file or the releases: its answer; where it has none, all it says."""
        done = self._invoked(arguments)
        return Outcome(done.exit_code, done.output if done.exit_code else done.stdout)

    def stderr_of_reading(self, *arguments):
        """What such a command says beside its answer: the release that it asks."""
        done = self._invoked(arguments)
        assert done.exit_code == 0, done.output
        return done.stderr

    def _invoked(self, arguments):
        """In this process: starting another takes seconds."""
        from dagster_project.cli.main import app

        with unchanged_environment():
            return CliRunner().invoke(app, [*map(str, arguments), "--warehouse", str(self.paths.warehouse)])

    def run_job(self, name, partition_key=None, years=None):
        """One of Dagster's jobs, as its schedule or a person at its web page starts it; True if it went through."""
        from dagster_project.definitions import build_defs
        from dagster_project.defs.execute import RANGE_END, RANGE_START

        with unchanged_environment():
            job = build_defs(self.paths).resolve_job_def(name)
            tags = {RANGE_START: str(years[0]), RANGE_END: str(years[-1])} if years else {}
            with dg.DagsterInstance.get() as instance:
                run = job.execute_in_process(
                    instance=instance, partition_key=partition_key, tags=tags, raise_on_error=False
                )
        return run.success

    @property
    def published_sha256(self):
        return hashlib.sha256(self.paths.published_file.read_bytes()).hexdigest()

    @property
    def releases(self):
        """Release folders, oldest first."""
        return sorted(p for p in self.paths.releases.iterdir() if not p.name.startswith("."))

    def published(self, sql, parameters=None):
        """A query against the file that analysts open."""
        return _query(self.paths.published_file, sql, parameters)

    def value(self, sql, parameters=None):
        """The one figure that a query against the published file gives."""
        return self.published(sql, parameters).squeeze()

    def build(self, sql, parameters=None):
        """A query against the private build file."""
        return _query(self.paths.build_file, sql, parameters)

    def copy(self, root):
        """A warehouse of its own with the same content: landing, build, published, reports."""
        other = House(paths_below(root))
        shutil.copytree(self.paths.landing, other.paths.landing)
        skip = shutil.ignore_patterns("runs", "logs", "storage")
        shutil.copytree(self.paths.warehouse, other.paths.warehouse, ignore=skip)
        return other


def _query(file, sql, parameters):
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql, parameters or []).df()


HOLDER = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reading")
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_open(file, mode):
    """Another process has the database file open, `reading` or `writing`."""
    command = [sys.executable, "-c", HOLDER, str(file), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "open\n"
        yield
        holder.communicate(timeout=30)


@contextmanager
def unchanged_environment():
    """A refresh tells its children by environment variables where the warehouse is; the next test must not see them."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
