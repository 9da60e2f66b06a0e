"""Whoever follows a citation arrives: no document or anchor is named that is not in the repository."""

import csv
import re
from pathlib import Path

import pytest
from test_repository import ROOT, tracked

DOCS = ROOT / "docs"
TEXT = {".py", ".sql", ".yml", ".yaml", ".csv", ".md", ".toml", ".j2", ".js", ".cff", ".ipynb", ".txt", ".R"}
FILES = [f for f in tracked() if f.suffix in TEXT or f.name == "Makefile"]
PAGES = [f for f in FILES if f.suffix == ".md"]
# plans that once stood beside the repository, by section
ELSEWHERE = re.compile(r"\b(METHODS|CHECKS|ARCHITECTURE|OUTPUTS|STYLE|INFERENCE|EDITING|HOUSE)(\.md\b| \d)")
CITED = re.compile(r"\b(docs/[\w./-]+\.md|formulas\.md|glossary\.md)(#[\w-]+)?")
PATHS = re.compile(r"`((?:dagster_project|python_models|expectations|dbt|docs|scripts|tests|benchmarks)/[\w./*-]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Explicit ids of a page, and those that a forge makes of its headings."""
    text = page.read_text(encoding="utf-8")
    heads = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}
    return slugs | set(re.findall(r'<a id="([\w-]+)">', text))


def test_no_plan_outside_the_repository_is_cited():
    found = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in FILES
        if file != Path(__file__)
        for match in ELSEWHERE.finditer(file.read_text(encoding="utf-8"))
    ]
    assert not found


def test_cited_documents_and_anchors_are_there():
    lost = []
    for file in FILES:
        for name, anchor in CITED.findall(file.read_text(encoding="utf-8")):
            page = ROOT / name if name.startswith("docs/") else DOCS / name
            if not page.is_file() or (anchor and anchor[1:] not in anchors(page)):
                lost.append(f"{file.relative_to(ROOT)}: {name}{anchor}")
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=lambda f: str(f.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda f: str(f.relative_to(ROOT)))
def test_files_that_a_page_names_are_there(page):
    for name in PATHS.findall(page.read_text(encoding="utf-8")):
        assert any(ROOT.glob(name.rstrip("/"))), name


def test_the_modules_that_the_formulas_name_are_there():
    roots = ("", "python_models", "dagster_project")
    named = re.findall(r"`([a-z_]+(?:/[a-z_*]+)*\.py)`", (DOCS / "formulas.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    # a bare name follows one of its own folder: `space/graph.py`, `profile.py`
    lost = {n for n in named if not any([*ROOT.glob(n), *(f for r in roots for f in (ROOT / r).glob(f"**/{n}"))])}
    assert not lost


def test_each_choice_of_the_method_names_its_section():
    """`section` is the number of the heading below the anchor that `source_ref` names first."""
    text = (DOCS / "formulas.md").read_text(encoding="utf-8")
    number = dict(re.findall(r'<a id="([\w-]+)"></a>\n### (\d+\.\d+) ', text))
    with (ROOT / "dbt" / "seeds" / "method_choice.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            first = CITED.search(row["source_ref"])
            assert first is not None, row["choice_id"]
            assert number[first[2][1:]] == row["section"], row["choice_id"]
