"""Dependency rules: python_models is pure arithmetic, expectations judges frames, Dagster only orchestrates."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "python_models": {
        "numpy",
        "scipy",
        "pandas",
        "libpysal",
        "esda",
        "giddy",
        "inequality",
        "spreg",
        "cloudpickle",
        "distributed",
        "joblib",
        "threadpoolctl",
        "jieba",
        "altair",
        "python_models",
    },
    "expectations": {"great_expectations", "pandas", "numpy", "jinja2", "rapidfuzz", "expectations"},
}
FORBIDDEN_STANDARD = {
    "python_models": {"pathlib", "os", "io", "time", "datetime", "random", "subprocess", "shutil", "logging"},
    "expectations": {"sqlite3", "subprocess"},
}


def imported(file: Path) -> set[str]:
    """Top-level names of everything that a file imports, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_package_imports_only_what_its_room_allows(package):
    for file in modules(package):
        foreign = imported(file) - ALLOWED[package] - set(sys.stdlib_module_names)
        assert not foreign, f"{file.relative_to(ROOT)} imports {sorted(foreign)}"


@pytest.mark.parametrize("package", sorted(FORBIDDEN_STANDARD))
def test_package_touches_no_files_clock_or_processes(package):
    for file in modules(package):
        used = imported(file) & FORBIDDEN_STANDARD[package]
        assert not used, f"{file.relative_to(ROOT)} imports {sorted(used)}"


def test_only_the_reader_and_its_guard_open_landing_files():
    readers = {f.relative_to(ROOT).as_posix() for f in modules("dagster_project") if "python_calamine" in imported(f)}
    assert readers == {"dagster_project/ingest/workbook.py"}


def test_dbt_is_never_imported_in_process():
    for file in modules("dagster_project"):
        if file.name == "dbt_server.py":  # it is that process
            continue
        assert "dbt" not in imported(file), f"{file.relative_to(ROOT)} imports dbt: it must stay a subprocess"


def test_dbt_folder_is_not_a_python_package():
    assert not list((ROOT / "dbt").rglob("*.py")), "a Python file below dbt/ shadows dbt-core or holds project code"
