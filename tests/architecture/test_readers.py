"""Every mart has a reader: a page, an exhibit, a command, an analysis, a worked query, another table."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "dbt" / "models"
MARTS = {file.stem for file in (MODELS / "marts").rglob("*.sql")}
# Looked up by people beside a table that holds the code, and by nothing else.
FOR_PEOPLE = {
    "dim_year": "which years are in the base window, of a census, or of the epidemic",
    "mart_header": "how the head of each printed column was read: looked up by whoever lands an edition",
    "dim_series_break": "years in which a definition changed: what a reviewer adds a row to (docs/editing.md, E8)",
}
READS = re.compile(r"\b(?:from|join)\s+(?:\w+\.)*(\w+)", re.IGNORECASE)
REFERS = re.compile(r"""\bref\(\s*['"](\w+)['"]\s*\)""")
CODE_BLOCK = re.compile(r"^```(?:sql|sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"--[^\n]*")


def readers() -> dict[str, set[str]]:
    """Mart -> the places that read it."""
    places: dict[str, set[str]] = {name: set() for name in MARTS}
    for place, tables in (*_dbt(), *_queries(), *_python(), *_docs()):
        for table in tables & MARTS:
            places[table].add(place)
    return places


def _tables(sql: str) -> set[str]:
    return set(READS.findall(COMMENT.sub("", sql)))


def _dbt() -> Iterator[tuple[str, set[str]]]:
    """Other models, and the query of dbt/analyses."""
    for file in MODELS.rglob("*.sql"):
        yield f"model {file.stem}", set(REFERS.findall(file.read_text("utf-8"))) - {file.stem}
    for file in (ROOT / "dbt" / "analyses").glob("*.sql"):
        yield f"worked query {file.stem}", _tables(file.read_text("utf-8"))


def _queries() -> Iterator[tuple[str, set[str]]]:
    """Queries in files: .sql beside a module, and what exhibits, pages and cards of YAML files ask."""
    for file in (ROOT / "dagster_project").rglob("*.sql"):
        yield str(file.relative_to(ROOT)), _tables(file.read_text("utf-8"))
    for file in (ROOT / "dagster_project" / "publish").rglob("*.yml"):
        for sql in _texts(yaml.safe_load(file.read_text("utf-8")), ("sql", "spark")):
            yield str(file.relative_to(ROOT)), _tables(sql)


def _texts(entry: Any, keys: tuple[str, ...]) -> Iterator[str]:
    if isinstance(entry, dict):
        for key, value in entry.items():
            if key in keys and isinstance(value, str):
                yield value
            else:
                yield from _texts(value, keys)
    elif isinstance(entry, list):
        for value in entry:
            yield from _texts(value, keys)


def _python() -> Iterator[tuple[str, set[str]]]:
    """Queries in strings, and names that a query is put together from. A docstring reads nothing."""
    for file in (ROOT / "dagster_project").rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield str(file.relative_to(ROOT)), _tables(node.value) | {node.value}


def _docs() -> Iterator[tuple[str, set[str]]]:
    """Code blocks of the documentation; a mention in prose reads nothing."""
    for file in (ROOT / "docs").rglob("*.md"):
        for block in CODE_BLOCK.findall(file.read_text("utf-8")):
            yield str(file.relative_to(ROOT)), _tables(block)


def test_every_mart_has_a_reader():
    unread = {mart for mart, places in readers().items() if not places}
    assert unread == set(FOR_PEOPLE), "a mart that nobody reads goes, with the code that only feeds it"


if __name__ == "__main__":  # who reads what: python tests/architecture/test_readers.py
    for mart, places in sorted(readers().items()):
        print(f"{mart}: {', '.join(sorted(places)) or '-'}")
