"""What no linter of the project sees: a statement that stands twice, and names that do not say what they hold."""

import ast
import itertools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("benchmarks", "dagster_project", "expectations", "python_models", "scripts")


def parsed(*packages):
    for package in packages:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def repeated(tree):
    """Lines of statements that equal the statement before them."""
    blocks = [value for node in ast.walk(tree) for _, value in ast.iter_fields(node) if isinstance(value, list)]
    pairs = [(a, b) for block in blocks for a, b in itertools.pairwise(block) if isinstance(b, ast.stmt)]
    alike = [(a, b) for a, b in pairs if type(a) is type(b) and a.end_col_offset == b.end_col_offset]
    return [b.lineno for a, b in alike if ast.dump(a) == ast.dump(b) and not isinstance(b, ast.AugAssign)]


def test_no_statement_stands_twice_in_a_row():
    assert [f"{name}:{line}" for name, tree in parsed(*PACKAGES) for line in repeated(tree)] == []


@pytest.mark.parametrize(
    ("text", "lines"), [("check(a)\ncheck(a)\n", [2]), ("x += 1\nx += 1\n", []), ("f(1)\nf(2)", [])]
)
def test_a_repeated_statement_is_seen(text, lines):
    assert repeated(ast.parse(text)) == lines


def exported(tree):
    """Names of an `__all__`."""
    lists = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    return {name for names in lists for name in ast.literal_eval(names)}


def used(tree):
    """Names that code loads or imports; a definition alone is no use."""
    nodes = [*ast.walk(tree)]
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return names | {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_a_public_name_of_the_library_has_a_user():
    trees = dict(parsed("benchmarks", "dagster_project", "python_models"))
    rooms = {name: tree for name, tree in trees.items() if name.endswith("__init__.py")}
    public = {name for file, tree in rooms.items() if file.startswith("python_models") for name in exported(tree)}
    users = set().union(*(used(tree) for name, tree in trees.items() if name not in rooms))
    assert len(public) > 150
    assert public - users == set()


# a name says of what
VAGUE = {"asked", "begun", "done", "found", "given", "gone", "lost", "made", "marked", "meant", "met", "needed", "own"}
VAGUE |= {"said", "seen", "shown", "taken", "told", "touched", "used", "wanted"}


def bound(tree):
    """Line and name of every variable, argument, function, attribute and alias that a program names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            yield node.lineno, node.name or ""


def test_no_name_is_a_participle_that_does_not_say_of_what():
    names = [(file, line, name) for file, tree in parsed(*PACKAGES) for line, name in bound(tree)]
    assert len(names) > 5_000
    vague = [(file, line, name) for file, line, name in names if name.strip("_") in VAGUE]
    assert vague == []


def test_a_vague_name_is_seen():
    text = "def _said(told, *asked, **own):\n for made in x: found = y\nself.kept_ = 1\nimport a as taken"
    assert {name.strip("_") for _, name in bound(ast.parse(text))} - VAGUE == {"kept"}
