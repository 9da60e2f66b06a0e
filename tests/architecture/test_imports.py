"""Walls that import-linter does not see: what a room may import of other people's, and which names no program knows."""

import ast
import csv
import re
import sys
from pathlib import Path

import pytest
import yaml

from dagster_project.study.registry import REGISTRY
from scripts.architecture import DRAWING, PAGE, drawing, import_graph, reduced

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "dagster_project" / "study"
SPECS = STUDY / "specs"
ALLOWED = {
    "python_models": {
        *("numpy", "scipy", "pandas", "libpysal", "jieba"),
        *("cloudpickle", "distributed", "joblib", "threadpoolctl", "python_models"),
    },
    "expectations": {
        *("great_expectations", "pandas", "numpy", "scipy", "rapidfuzz", "jinja2", "markupsafe", "xlsxwriter"),
        "expectations",
    },
    "dagster_project.study": {"numpy", "pandas", "scipy", "yaml", "python_models", "dagster_project"},
}
FORBIDDEN_STANDARD = {
    "python_models": {"pathlib", "os", "io", "time", "datetime", "random", "subprocess", "shutil", "logging"},
    "expectations": {"sqlite3", "subprocess"},
    "dagster_project.study": {
        *("os", "io", "time", "datetime", "random", "subprocess", "shutil", "tempfile", "logging", "socket")
    },
}
READERS_OF_SPECS = {"dagster_project.study.settings"}  # their path is handed in
GRAPH = import_graph()


def modules(package):
    return sorted({package, *GRAPH.find_descendants(package)})


def imports_of(module):
    return GRAPH.find_modules_directly_imported_by(module)


def packages_of(module):
    return {name.split(".")[0] for name in imports_of(module)}


@pytest.mark.parametrize("package", ALLOWED)
def test_a_room_imports_only_what_it_may_and_touches_no_file_clock_or_process(package):
    for module in modules(package):
        used = packages_of(module)
        assert used - ALLOWED[package] <= set(sys.stdlib_module_names), module
        assert not used & FORBIDDEN_STANDARD[package], module


def test_the_study_knows_no_path_and_no_other_room():
    for module in modules("dagster_project.study"):
        ours = {name for name in imports_of(module) if name.startswith("dagster_project")}
        ours -= {"dagster_project.statements", "dagster_project.statements.statements"}  # queries lie beside modules
        assert all(name.startswith("dagster_project.study") for name in ours), module
        assert "pathlib" not in imports_of(module) or module in READERS_OF_SPECS, module


def test_only_the_reader_and_its_guard_open_landing_files():
    assert GRAPH.find_modules_that_directly_import("python_calamine") == {"dagster_project.ingest.workbook"}


def test_dbt_folder_is_not_a_python_package():
    assert not list((ROOT / "dbt").rglob("*.py")), "a Python file below dbt/ shadows dbt-core or holds project code"


def test_every_table_is_written_by_one_analysis():
    tables = [table for entry in REGISTRY for table in entry.writes]
    assert len(tables) == len(set(tables)) > 80


def test_no_module_of_the_study_is_a_fragment():
    """A short file has several readers; what only one module reads stands in that module."""
    short = [file.stem for file in STUDY.rglob("*.py") if len(file.read_text("utf-8").splitlines()) < 60]
    readers = {n: GRAPH.find_modules_that_directly_import(f"dagster_project.study.{n}") for n in short if n[0] != "_"}
    assert {name: len(found) for name, found in readers.items() if len(found) < 2} == {}


# ---- the drawing ----------------------------------------------------------------------------------------


def test_the_drawing_of_the_page_is_current():
    assert DRAWING.findall(PAGE.read_text(encoding="utf-8")) == [drawing()], "run: python -m scripts.architecture"


def test_an_arrow_that_follows_from_others_is_left_out():
    assert reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


# ---- what the study is about stands in its seeds and specs alone ------------------------------------------


def rows(seed):
    with (ROOT / "dbt" / "seeds" / f"{seed}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


# scripts build seeds, the demo draws its own country; pages choose what they show until they ask dim_group_scheme
ROOMS = ("dagster_project", "python_models", "expectations", "dbt/models", "dbt/macros", "dbt/analyses", "dbt/tests")
EXEMPT = ("dagster_project/demo/", "dagster_project/publish/", "python_models/simulation.py")
COMMAND = {f"dagster_project/{name}.py" for name in ("cli/mcp", "cli/reference", "inspect/template")}  # named nqpf
AMBIGUOUS = {"core", "cluster"}  # schemes; also a group, and a kind of standard errors
CONTENT = yaml.safe_load((SPECS / "index.yml").read_text(encoding="utf-8"))
HEADLINE_WEIGHTS = {CONTENT["defaults"]["weight_scheme"]}
WINDOW = {str(CONTENT["defaults"][name]) for name in ("window_start", "window_end")}
SCHEMES = {row["scheme"] for row in rows("group_scheme")} - AMBIGUOUS
NAMES = SCHEMES | HEADLINE_WEIGHTS | set(CONTENT["indexes"]) | WINDOW
BY_SCHEME = re.compile(rf"scheme\b[^\n]{{0,20}}(?:=|in|==)\s*\(?['\"]({'|'.join(AMBIGUOUS)})['\"]")


def literals(file):
    """What a program says of the study's own names: strings that are one, strings in SQL, years."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".sql":
        code = re.sub(r"--[^\n]*|\{#.*?#\}", "", text, flags=re.DOTALL)
        return {*re.findall(r"'([^'\n]*)'", code), *re.findall(r"(?<![\w.])\d{4}(?![\w.])", code)}
    tree = ast.parse(text)
    with_doc = (node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)))
    docs = {node.body[0].value for node in with_doc if node.body and isinstance(node.body[0], ast.Expr)}
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in docs]
    texts = [value for value in values if isinstance(value, str)]
    inside = (part for value in texts for part in re.findall(r"'([^'\n]*)'", value))
    return {*texts, *inside, *(str(value) for value in values if type(value) is int)}


def named(file):
    found = literals(file)
    frozen = {text for text in found if re.match(r"frozen_\d", text)}
    return (found & NAMES) | frozen | set(BY_SCHEME.findall(file.read_text(encoding="utf-8")))


def test_no_program_names_a_group_scheme_an_index_the_headline_weights_or_the_base_window():
    every = [file for room in ROOMS for file in (ROOT / room).rglob("*") if file.suffix in (".py", ".sql")]
    files = {file.relative_to(ROOT).as_posix(): file for file in every}
    files = {name: file for name, file in files.items() if not name.startswith(EXEMPT)}
    assert len(files) > 250
    found = {name: words for name, file in files.items() if (words := named(file))}
    assert {name: words for name, words in found.items() if name not in COMMAND or words != {"nqpf"}} == {}


OWN = 'def f(t, window=(2012, 2020)):\n    """Of nqpf in 2021."""\n    return t["scheme"] == "core"\n'


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.sql", "select 1 from m where scheme = 'four_region' -- 'nqpf'\n", {"four_region"}),
        ("b.sql", "select 1 from m where m.scheme = 'core' and year >= 2012\n", {"core", "2012"}),
        ("c.py", "QUERY = \"select 1 where weight_scheme = 'entropy_flat'\"\n", {"entropy_flat"}),
        ("d.py", OWN, {"2012", "core"}),
        ("e.py", 'KIND, CODE = "cluster", "nqpf"\n', {"nqpf"}),
        ("f.sql", "where basis = 'frozen_2013_2020'\n", {"frozen_2013_2020"}),
    ],
)
def test_the_rule_sees_what_it_is_for(tmp_path, name, text, words):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert named(file) == words


def test_the_window_is_typed_once():
    """Variants with a window of their own stand deeper."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in SPECS.glob("*.yml"))
    assert [len(re.findall(rf"^ {{0,2}}window_{end}:", text, flags=re.MULTILINE)) for end in ("start", "end")] == [1, 1]
