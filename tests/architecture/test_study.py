"""The study is pure, and what it is about stands in its seeds and specs alone."""

import ast
import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dagster_project.study.registry import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "dagster_project" / "study"
SPECS = STUDY / "specs"
READERS_OF_SPECS = {"settings.py"}  # their path is handed in
IMPURE = {"os", "io", "time", "datetime", "random", "subprocess", "shutil", "tempfile", "logging", "socket"}


def rows(seed: str) -> list[dict[str, str]]:
    with (ROOT / "dbt" / "seeds" / f"{seed}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


# ---- pure -----------------------------------------------------------------------------------------------


def imports_of(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, file
            names.add(str(node.module))
    return names


@pytest.mark.parametrize("file", sorted(STUDY.rglob("*.py")), ids=lambda file: file.stem)
def test_the_study_knows_no_path_no_environment_and_no_other_room(file):
    used = imports_of(file)
    ours = {name for name in used if name.split(".")[0] in ("dagster_project", "expectations")}
    assert {name for name in ours if not name.startswith("dagster_project.study")} == set()
    others = {name.split(".")[0] for name in used - ours} - {"python_models"}
    assert others - set(sys.stdlib_module_names) <= {"numpy", "pandas", "scipy", "yaml"}
    assert others & IMPURE == set()
    assert "pathlib" not in others or file.name in READERS_OF_SPECS


def test_every_table_is_written_by_one_analysis():
    tables = [table for entry in REGISTRY for table in entry.writes]
    assert len(tables) == len(set(tables)) > 80


def test_no_module_of_the_study_is_a_fragment():
    """A short file has several readers; what only one module reads stands in that module."""
    modules = [file for file in STUDY.rglob("*.py") if file.name != "__init__.py"]
    readers = {
        file: [other for other in modules if f"dagster_project.study.{file.stem}" in imports_of(other)]
        for file in modules
    }
    short = {file.name for file in modules if len(file.read_text("utf-8").splitlines()) < 60 and len(readers[file]) < 2}
    assert short == set()


# ---- one home a rule ------------------------------------------------------------------------------------

# scripts build seeds, the demo draws its own country; pages choose what they show until they ask dim_group_scheme
ROOMS = ("dagster_project", "python_models", "expectations", "dbt/models", "dbt/macros", "dbt/analyses", "dbt/tests")
EXEMPT = ("dagster_project/demo/", "dagster_project/publish/", "python_models/simulation.py")
COMMAND = {"dagster_project/cli/reference.py", "dagster_project/inspect/template.py"}  # `nqpf` is its name there
SCHEMES = {row["scheme"] for row in rows("group_scheme")}
AMBIGUOUS = {"core", "cluster"}  # also a group, and a kind of standard errors
HEADLINE_WEIGHTS = {row["weight_scheme"] for row in rows("weight_scheme") if row["is_headline"] == "true"}
CONTENT = yaml.safe_load((SPECS / "index.yml").read_text(encoding="utf-8"))
INDEXES = set(CONTENT["indexes"])
WINDOW = {CONTENT["defaults"][name] for name in ("window_start", "window_end")}
CODES = (SCHEMES - AMBIGUOUS) | HEADLINE_WEIGHTS | INDEXES
BY_SCHEME = re.compile(rf"scheme\b[^\n]{{0,20}}(=|in|==)\s*\(?['\"]({'|'.join(AMBIGUOUS)})['\"]")


def files() -> list[Path]:
    found = [f for room in ROOMS for f in (ROOT / room).rglob("*") if f.suffix in (".py", ".sql")]
    return [f for f in found if not f.relative_to(ROOT).as_posix().startswith(EXEMPT)]


def without_comments(text: str) -> str:
    return re.sub(r"--[^\n]*|\{#.*?#\}", "", text, flags=re.DOTALL)


def literals(file: Path) -> Iterator[str]:
    """What a program says of the study's own names: strings that are one, strings in SQL, years."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".sql":
        code = without_comments(text)
        yield from re.findall(r"'([^'\n]*)'", code)
        yield from re.findall(r"(?<![\w.])\d{4}(?![\w.])", code)
        yield from (match[2] for match in BY_SCHEME.finditer(code))
        return
    tree = ast.parse(text)
    docs = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, _WITH_DOC) and _has_doc(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docs:
            if isinstance(node.value, str):
                yield from (node.value, *re.findall(r"'([^'\n]*)'", node.value))
                yield from (match[2] for match in BY_SCHEME.finditer(node.value))
            elif type(node.value) is int:
                yield str(node.value)
    yield from (match[2] for match in BY_SCHEME.finditer(text))


_WITH_DOC = (ast.Module, ast.ClassDef, ast.FunctionDef)


def _has_doc(node: ast.AST) -> bool:
    body = getattr(node, "body", [])
    return bool(body) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)


def named(file: Path) -> set[str]:
    forbidden = CODES | AMBIGUOUS | {str(year) for year in WINDOW}
    found = set(literals(file))
    frozen = {text for text in found if re.match(r"frozen_\d", text)}
    return (found & (forbidden - AMBIGUOUS)) | frozen | ({m for m in found if m in AMBIGUOUS} & _by_scheme(file))


def _by_scheme(file: Path) -> set[str]:
    return {match[2] for match in BY_SCHEME.finditer(file.read_text(encoding="utf-8"))}


def test_no_program_names_a_group_scheme_an_index_the_headline_weights_or_the_base_window():
    assert len(files()) > 250
    found = {f.relative_to(ROOT).as_posix(): words for f in files() if (words := named(f))}
    assert {name: words for name, words in found.items() if name not in COMMAND or words != {"nqpf"}} == {}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.sql", "select 1 from m where scheme = 'four_region' -- 'core'\n", {"four_region"}),
        ("b.sql", "select 1 from m where m.scheme = 'core' and year >= 2012\n", {"core", "2012"}),
        ("c.py", "QUERY = \"select 1 where weight_scheme = 'entropy_flat'\"\n", {"entropy_flat"}),
        (
            "d.py",
            'def f(t, window=(2012, 2020)):\n    """Of nqpf in 2021."""\n    return t["scheme"] == "core"\n',
            {"2012", "core"},
        ),
        ("e.py", 'KIND, CODE = "cluster", "nqpf"\n', {"nqpf"}),
        ("f.sql", "where basis = 'frozen_2013_2020'\n", {"frozen_2013_2020"}),
    ],
)
def test_the_rule_sees_what_it_is_for(tmp_path, name, text, words):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert named(file) == words


def test_the_headline_weights_are_one_scheme_and_the_window_is_typed_once():
    assert len(HEADLINE_WEIGHTS) == 1
    text = "\n".join(file.read_text(encoding="utf-8") for file in SPECS.glob("*.yml"))
    assert [len(re.findall(rf"^\s*window_{end}:", text, flags=re.MULTILINE)) for end in ("start", "end")] == [1, 1]
