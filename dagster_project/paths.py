"""Every path of the project, from three roots. No other module spells a path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CODE = Path(__file__).resolve().parent.parent  # the folder of the three packages
RESOURCES = Path(__file__).resolve().parent / "resources"  # only in a wheel: the rest of the checkout
IS_INSTALLED = RESOURCES.is_dir()
PROJECT = RESOURCES if IS_INSTALLED else CODE


@dataclass(frozen=True)
class Paths:
    """Where a run reads and writes.

    warehouse: the folder that holds build, published, reports; landing: root that sidecars point into;
    sidecars: folder searched for sidecars.
    """

    warehouse: Path
    landing: Path
    sidecars: Path
    project: Path = PROJECT

    @property
    def build_file(self) -> Path:
        return self.warehouse / "build" / "city.duckdb"

    @property
    def kind_file(self) -> Path:
        """One word: what kind of data this warehouse holds."""
        return self.warehouse / "build" / "kind.txt"

    @property
    def inputs_file(self) -> Path:
        """Digest of what the last refresh that went through had read."""
        return self.warehouse / "build" / "inputs.json"

    @property
    def lock_file(self) -> Path:
        return self.warehouse / "build" / "refresh.lock"

    @property
    def published(self) -> Path:
        return self.warehouse / "published"

    @property
    def published_file(self) -> Path:
        return self.published / "city.duckdb"

    @property
    def fresh_file(self) -> Path:
        """The next published file. With a dot: `city.duckdb.tmp` is where DuckDB spills what a reader asks for."""
        return self.published / ".city.duckdb.tmp"

    @property
    def releases(self) -> Path:
        return self.published / "releases"

    @property
    def candidates(self) -> Path:
        """Releases that wait for a signature: outside the folder that readers open."""
        return self.warehouse / "candidates"

    @property
    def settings_file(self) -> Path:
        """How this warehouse publishes: `run/publishing.py`."""
        return self.warehouse / "settings.yml"

    @property
    def reports(self) -> Path:
        return self.warehouse / "reports"

    @property
    def logs(self) -> Path:
        return self.reports / "logs"

    @property
    def dagster_home(self) -> Path:
        return self.warehouse / "dagster_home"

    @property
    def dbt_project(self) -> Path:
        return self.project / "dbt"

    @property
    def dbt_target(self) -> Path:
        """dbt's own output belongs to the warehouse, so that two warehouses never share a manifest."""
        return self.warehouse / "build" / "dbt"

    @property
    def dbt_manifest(self) -> Path:
        return self.dbt_target / "manifest.json"

    @property
    def seeds(self) -> Path:
        return self.dbt_project / "seeds"

    @property
    def code(self) -> Path:
        """The folder of the packages: that of the project in a checkout, else the one that they are installed in."""
        return self.project if (self.project / "dagster_project").is_dir() else CODE

    @property
    def package(self) -> Path:
        return self.code / "dagster_project"

    def name_of(self, file: Path) -> str:
        """Where a file of the project stands in a checkout, whether this is one or not."""
        root = self.project if file.is_relative_to(self.project) else self.code
        return file.relative_to(root).as_posix()

    @property
    def specs(self) -> Path:
        return self.package / "study" / "specs"

    @property
    def index_specs(self) -> Path:
        return self.specs / "index.yml"

    @property
    def data_docs(self) -> Path:
        """A page of the gate for each load, and their index."""
        return self.reports / "data_docs"


def default_warehouse() -> Path:
    """`warehouse` in the checkout; in the current folder where the program is installed."""
    return (Path.cwd() if IS_INSTALLED else PROJECT) / "warehouse"


def demo_paths() -> Paths:
    """The embedded synthetic demo: a warehouse of its own below the real one."""
    root = default_warehouse() / "demo"
    return Paths(warehouse=root, landing=root / "landing", sidecars=root / "landing")


def real_paths(landing: Path, warehouse: Path | None = None, sidecars: Path | None = None) -> Paths:
    """A warehouse over a landing folder. Sidecars: beside the files if any are there, else the tracked ones."""
    landing = landing.resolve()
    if sidecars is None:
        has_own = landing.is_dir() and any(landing.rglob("*.yml"))
        sidecars = landing if has_own else PROJECT / "warehouse" / "landing"
    return Paths(warehouse=(warehouse or default_warehouse()).resolve(), landing=landing, sidecars=sidecars.resolve())


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/nqpf, else ~/.cache/nqpf."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(f"{root}/nqpf")


def paths_from_environment() -> Paths:
    """Paths for Dagster's own processes: NQPF_LANDING, NQPF_WAREHOUSE and NQPF_SIDECARS, else the demo."""
    landing = os.environ.get("NQPF_LANDING")
    if not landing:
        demo = demo_paths()
        warehouse = os.environ.get("NQPF_WAREHOUSE")
        return demo if not warehouse else Paths(Path(warehouse).resolve(), demo.landing, demo.sidecars)
    warehouse = os.environ.get("NQPF_WAREHOUSE")
    sidecars = os.environ.get("NQPF_SIDECARS")
    return real_paths(Path(landing), Path(warehouse) if warehouse else None, Path(sidecars) if sidecars else None)


def export_to_environment(paths: Paths) -> None:
    """Hand the paths to every process that this one starts (dbt, Dagster's UI)."""
    os.environ["NQPF_LANDING"] = str(paths.landing)
    os.environ["NQPF_WAREHOUSE"] = str(paths.warehouse)
    os.environ["NQPF_SIDECARS"] = str(paths.sidecars)
    os.environ["NQPF_BUILD_FILE"] = str(paths.build_file)
    os.environ["DAGSTER_HOME"] = str(paths.dagster_home)
