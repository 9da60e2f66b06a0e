"""A warehouse as the tests see it: what a person does with it, and what may be looked at afterwards."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
from rich.console import Console

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


def copy_of_project(folder: Path) -> Path:
    """A checkout that a test may change, apart from the one that the other tests use."""
    for name in CODE:
        skip = shutil.ignore_patterns("__pycache__", "target", "logs", "dbt_packages")
        shutil.copytree(PROJECT / name, folder / name, ignore=skip)
    (folder / "docs").mkdir()
    for name in PAPERS:
        shutil.copyfile(PROJECT / name, folder / name)
    return folder


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code and everything it printed."""

    exit_code: int
    text: str

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.text.splitlines() if line.strip()]


@dataclass(frozen=True)
class House:
    """One warehouse with its landing folder."""

    paths: Paths

    def refresh(
        self, *, year: int | None = None, is_demo: bool = False, environment: Mapping[str, str] | None = None
    ) -> Outcome:
        """The main job in this process; `environment`: variables that are set while it runs."""
        from dagster_project.cli.refresh import refresh

        console = Console(record=True, width=4000, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        with unchanged_environment():
            os.environ.update(environment or {})
            code = refresh(self.paths, console, year=year, is_demo=is_demo)
        console.file.close()
        return Outcome(code, console.export_text())

    def command(self, *arguments: str) -> list[str]:
        """`nqpf <command> ...` for this warehouse, as a user types it."""
        nqpf, paths = str(Path(sys.executable).with_name("nqpf")), self.paths
        places = {"--landing": paths.landing, "--warehouse": paths.warehouse, "--sidecars": paths.sidecars}
        return [nqpf, *arguments, *(part for pair in places.items() for part in map(str, pair))]

    def run(self, *arguments: str) -> Outcome:
        """The same through the command line, in a process of its own."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        return Outcome(done.returncode, done.stdout + done.stderr)

    def run_reading(self, *arguments: str) -> Outcome:
        """A command that only reads the published file or the releases: its answer; where it has none, all it says."""
        nqpf = str(Path(sys.executable).with_name("nqpf"))
        command = [nqpf, *arguments, "--warehouse", str(self.paths.warehouse)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return Outcome(done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr)

    def run_job(self, name: str, partition_key: str | None = None, years: range | None = None) -> bool:
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
    def published_sha256(self) -> str:
        return hashlib.sha256(self.paths.published_file.read_bytes()).hexdigest()

    @property
    def releases(self) -> list[Path]:
        """Release folders, oldest first."""
        return sorted(p for p in self.paths.releases.iterdir() if not p.name.startswith("."))

    def published(self, sql: str, parameters: list[object] | None = None) -> pd.DataFrame:
        """A query against the file that analysts open."""
        return _query(self.paths.published_file, sql, parameters)

    def build(self, sql: str, parameters: list[object] | None = None) -> pd.DataFrame:
        """A query against the private build file."""
        return _query(self.paths.build_file, sql, parameters)

    def copy(self, root: Path) -> House:
        """A warehouse of its own with the same content: landing, build, published, reports."""
        other = House(Paths(root / "warehouse", root / "landing", root / "landing"))
        shutil.copytree(self.paths.landing, other.paths.landing)
        skip = shutil.ignore_patterns("runs", "logs", "storage")
        shutil.copytree(self.paths.warehouse, other.paths.warehouse, ignore=skip)
        return other


def _query(file: Path, sql: str, parameters: list[object] | None) -> pd.DataFrame:
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql, parameters or []).df()


@contextmanager
def unchanged_environment() -> Iterator[None]:
    """A refresh tells its children by environment variables where the warehouse is; the next test must not see them."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
