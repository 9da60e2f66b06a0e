"""Other projects are used by their public names: nothing private is imported, read or overridden, nothing patched."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dagster_project", "python_models", "expectations", "scripts", "benchmarks")
OURS = {*PACKAGES, *(file.stem for file in (ROOT / "benchmarks").glob("*.py")), *sys.stdlib_module_names}
PENDING = {"expectations/context.py"}  # patches Expectation.configuration
COPIES = {"externals", "vendor"}  # other people's projects inside a project


def is_private(name):
    return any(part in COPIES or (part.startswith("_") and not part.startswith("__")) for part in name.split("."))


def root(node):
    """'dg' of dg.Definitions.x"""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def private_uses(text):
    """Private names of other projects that a program imports, reads or overrides, and attributes that it sets."""
    nodes = [*ast.walk(ast.parse(text))]
    names, uses = set(), []  # names: what the program calls the modules and classes of others
    for node in nodes:
        if isinstance(node, ast.Import):
            imported = [(alias.name, alias.asname or alias.name.split(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported = [(f"{node.module}.{alias.name}", alias.asname or alias.name) for alias in node.names]
        else:
            continue
        foreign = [(module, name) for module, name in imported if module.split(".")[0] not in OURS]
        names |= {name for _, name in foreign}
        uses += [module for module, _ in foreign if is_private(module)]
    for node in nodes:
        if isinstance(node, ast.Attribute) and root(node) in names:
            if not isinstance(node.ctx, ast.Load) or is_private(node.attr):
                uses.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("setattr", "delattr", "vars") and node.args:
            if root(node.args[0]) in names:
                uses.append(ast.unparse(node))
        elif isinstance(node, ast.ClassDef) and any(root(base) in names for base in node.bases):
            own = [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
            uses += [f"{node.name}.{name}" for name in own if is_private(name)]  # it may be a method of the base
    return uses


def test_other_projects_are_used_by_their_public_names():
    files = {file.relative_to(ROOT).as_posix(): file for package in PACKAGES for file in (ROOT / package).rglob("*.py")}
    assert len(files) > 250
    uses = {name: private_uses(file.read_text(encoding="utf-8")) for name, file in files.items()}
    assert {name: found for name, found in uses.items() if found and name not in PENDING} == {}


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("from dagster._core.storage.tags import X", "dagster._core.storage.tags.X"),
        ("import dagster as dg\ndg._core.x()", "dg._core"),
        ("from joblib.externals.loky import Pool", "joblib.externals.loky.Pool"),
        ("from gx import E\nE.configuration = property(f)", "E.configuration"),
        ("import a.b as c\nvars(c)['f'] = 1", "vars(c)"),
        ("from a import B\nclass C(B):\n    def _run(self): ...", "C._run"),
    ],
)
def test_the_rule_sees_what_it_is_for(text, use):
    assert private_uses(text) == [use]
    assert private_uses("import os, dagster as dg\nos._exit(0)\nself._x = dg.asset.__doc__") == []
