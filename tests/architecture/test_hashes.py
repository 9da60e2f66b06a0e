"""A hash that claims to cover what decides a number or a verdict covers all of it, and nothing of presentation."""

import ast
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from house import copy_of_project

from dagster_project.paths import PROJECT, Paths
from dagster_project.run.versions import gate_files, gate_hash, method_files, params_hash

OURS = ("dagster_project", "python_models", "expectations")
# They hand frames and files from one place to another, and are read by everything: no number or verdict is made there.
CARRIERS = {"dagster_project/paths.py", "dagster_project/store.py", "dagster_project/published.py"}


def module_file(name: str) -> Path | None:
    """The file of a module of ours, else None."""
    path = PROJECT.joinpath(*name.split("."))
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def imports_of(file: Path) -> set[Path]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found |= {file for name in names if name.split(".")[0] in OURS and (file := module_file(name))}
    return found


def closure(*modules: str) -> set[str]:
    """Every file of ours that the modules can reach by imports, as paths below the project."""
    new = {file for name in modules if (file := module_file(name))}
    assert len(new) == len(modules)
    found: set[Path] = set()
    while new:
        found |= new
        new = {target for file in new for target in imports_of(file)} - found
    return {file.relative_to(PROJECT).as_posix() for file in found}


def relative(files: list[Path]) -> set[str]:
    return {file.relative_to(PROJECT).as_posix() for file in files}


HERE = Paths(warehouse=PROJECT, landing=PROJECT, sidecars=PROJECT)
STUDY = closure("dagster_project.study.registry", "dagster_project.study.settings")
GATE_ASSET = PROJECT / "dagster_project" / "defs" / "gate.py"
ORCHESTRATION = ("dagster_project/defs/", "dagster_project/run/")  # asks and writes down, decides nothing


def reach(new: set[Path]) -> set[str]:
    """The same from files, without what lies behind the orchestration."""
    found: set[Path] = set()
    while new:
        found |= new
        new = {target for file in new for target in imports_of(file)} - found
        new = {file for file in new if not file.relative_to(PROJECT).as_posix().startswith(ORCHESTRATION)}
    return relative([*found])


GATE = reach({GATE_ASSET, *imports_of(PROJECT / "dagster_project" / "ingest" / "load.py")})
SQL_OF_GATE = {f"dbt/models/{folder}" for folder in ("staging", "reading")}


def test_the_closures_are_not_empty():
    assert len(STUDY) > 100
    assert len(GATE) > 20


def test_the_study_imports_nothing_that_its_hash_does_not_cover():
    assert STUDY - relative(method_files(HERE)) - CARRIERS == set()


def test_the_gate_imports_nothing_that_its_key_does_not_cover():
    packages = {f"{package}/__init__.py" for package in ("dagster_project", "dagster_project/defs")}
    assert GATE - relative(gate_files(HERE)) - CARRIERS - packages == set()


def test_every_model_that_the_gate_reads_is_in_its_key():
    """Upwards from what the gate asks for, along `ref`, as far as models go."""
    from dagster_project.defs.gate import READING

    by_name = {file.stem: file for file in (PROJECT / "dbt" / "models").rglob("*.sql")}
    found, new = set(), {key[-1] for key in READING if key[-1] in by_name}
    while new:
        found |= new
        text = "".join(by_name[model].read_text(encoding="utf-8") for model in new)
        new = (set(re.findall(r"ref\('(\w+)'\)", text)) & set(by_name)) - found
    assert {by_name[model].relative_to(PROJECT).as_posix() for model in found} <= relative(gate_files(HERE))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = copy_of_project(tmp_path_factory.mktemp("project"))
    return Paths(warehouse=root, landing=root, sidecars=root, project=root)


def without_effect(paths: Paths, files: Iterable[str], hash_of: Callable[[Paths], str]) -> list[str]:
    """Files that grow by one byte, one after the other, and leave the hash as it was."""
    found, before = [], hash_of(paths)
    for file in files:
        with (paths.project / file).open("ab") as stream:
            stream.write(b"\n")
        after = hash_of(paths)
        if after == before:
            found.append(file)
        before = after
    return found


SEEDS_AND_SQL = {
    *(f"dbt/seeds/{file.name}" for file in (PROJECT / "dbt" / "seeds").glob("*.csv") if file.name != "label.csv"),
    *(file.relative_to(PROJECT).as_posix() for file in (PROJECT / "dbt" / "macros").glob("*.sql")),
    "dbt/dbt_project.yml",
}
MODELS = {file.relative_to(PROJECT).as_posix() for file in (PROJECT / "dbt" / "models").rglob("*.sql")}
SPECS = {f"dagster_project/study/specs/{file.name}" for file in (HERE.specs).glob("*.yml")}


PACKAGES = {"dagster_project/__init__.py", "dagster_project/defs/__init__.py"}  # a sentence each


def test_one_byte_in_any_file_that_decides_a_number_moves_the_method_version(copy):
    files = (STUDY | GATE | SEEDS_AND_SQL | MODELS | SPECS) - CARRIERS - PACKAGES
    assert without_effect(copy, sorted(files), params_hash) == []


def test_one_byte_in_any_file_that_decides_a_verdict_moves_the_key_of_the_gate(copy):
    models = {file for file in MODELS if file.rpartition("/")[0] in SQL_OF_GATE}
    assert len(models) > 5
    files = (GATE | SEEDS_AND_SQL | models) - CARRIERS - PACKAGES
    assert without_effect(copy, sorted(files), gate_hash) == []


@pytest.mark.parametrize(
    "file",
    [
        "dagster_project/publish/site/site.py",
        "dagster_project/publish/paper/excel.py",
        "dagster_project/cli/main.py",
        "dbt/models/marts/index/_index.yml",
        "dbt/seeds/label.csv",
    ],
)
def test_a_file_of_presentation_moves_nothing(copy, file):
    for hash_of in (params_hash, gate_hash):
        assert without_effect(copy, [file], hash_of) == [file]
