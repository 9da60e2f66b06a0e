"""A hash that claims to cover what decides a number or a verdict covers all of it, and nothing of presentation."""

import re

import pytest
from house import copy_of_project

from dagster_project.paths import PROJECT, Paths
from dagster_project.run.versions import gate_files, gate_hash, method_files, params_hash
from scripts.architecture import PACKAGES, import_graph

# They hand frames and files from one place to another, and are read by everything: no number or verdict is made there.
CARRIERS = {f"dagster_project/{name}.py" for name in ("files", "paths", "published", "statements", "store")}


def file_of(module):
    """Below the project, as text."""
    path = PROJECT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.relative_to(PROJECT).as_posix()


def relative(files):
    return {file.relative_to(PROJECT).as_posix() for file in files}


def closure(*modules, without=()):
    """Every file of ours that the modules reach by imports, not through the packages `without`."""
    graph = import_graph()
    for package in without:
        for name in graph.find_descendants(package) - {*modules}:
            graph.remove_module(name)
    reached = set(modules).union(*map(graph.find_upstream_modules, modules))
    return {file_of(name) for name in reached if name.split(".")[0] in PACKAGES}


HERE = Paths(warehouse=PROJECT, landing=PROJECT, sidecars=PROJECT)
STUDY = closure("dagster_project.study.registry", "dagster_project.study.settings")
ORCHESTRATION = ("dagster_project.defs", "dagster_project.run")  # hands over and writes down, decides nothing
GATE = closure("dagster_project.defs.gate", "dagster_project.ingest.load", without=ORCHESTRATION)
SQL_OF_GATE = {f"dbt/models/{folder}" for folder in ("staging", "reading", "edit", "gate")}


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
    exposure = (PROJECT / "dbt" / "models" / "gate" / "_gate.yml").read_text(encoding="utf-8").partition("\nmodels:")[0]
    by_name = {file.stem: file for file in (PROJECT / "dbt" / "models").rglob("*.sql")}
    found, new = set(), set(re.findall(r"ref\('(\w+)'\)", exposure)) & set(by_name)
    assert len(new) > 5
    while new:
        found |= new
        text = "".join(by_name[model].read_text(encoding="utf-8") for model in new)
        new = (set(re.findall(r"ref\('(\w+)'\)", text)) & set(by_name)) - found
    assert {by_name[model].relative_to(PROJECT).as_posix() for model in found} <= relative(gate_files(HERE))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = copy_of_project(tmp_path_factory.mktemp("project"))
    return Paths(warehouse=root, landing=root, sidecars=root, project=root)


def without_effect(paths, files, hash_of):
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
    *("dbt/dbt_project.yml", "dagster_project/defs/gate.sql"),
}
MODELS = {file.relative_to(PROJECT).as_posix() for file in (PROJECT / "dbt" / "models").rglob("*.sql")}
SPECS = {f"dagster_project/study/specs/{file.name}" for file in HERE.specs.glob("*.yml")}
SPECS |= {f"dagster_project/study/{file.name}" for file in HERE.specs.parent.glob("*.sql")}


DOCSTRINGS_ONLY = {"dagster_project/__init__.py", "dagster_project/defs/__init__.py"}


NUMBERS = STUDY | GATE | SEEDS_AND_SQL | MODELS | SPECS
VERDICTS = GATE | SEEDS_AND_SQL | {file for file in MODELS if file.rpartition("/")[0] in SQL_OF_GATE}


@pytest.mark.parametrize(
    ("files", "covered", "hash_of"), [(NUMBERS, method_files, params_hash), (VERDICTS, gate_files, gate_hash)]
)
def test_one_byte_in_a_file_that_decides_a_number_or_a_verdict_moves_its_hash(copy, files, covered, hash_of):
    """The hash is over the files that it lists: all of these, of which every twentieth is changed."""
    deciding = sorted(files - CARRIERS - DOCSTRINGS_ONLY)
    assert len(files & MODELS) > 5
    assert set(deciding) <= relative(covered(HERE))
    assert without_effect(copy, deciding[::20], hash_of) == []


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
