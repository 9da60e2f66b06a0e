"""What may be in the repository, and whoever follows a citation arrives."""

import csv
import itertools
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def tracked():
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_is_above_one_megabyte():
    assert not [f.name for f in tracked() if f.stat().st_size > 1_000_000]


def test_no_data_file_of_the_warehouse_is_tracked():
    data = [f for f in tracked() if f.is_relative_to(ROOT / "warehouse") and f.suffix not in {".yml", ".md"}]
    assert not data


@pytest.mark.parametrize(("name", "least"), [("requirements.lock", 100), ("requirements-pages.lock", 10)])
def test_the_lock_file_has_hashes_and_no_addresses(name, least):
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^([A-Za-z0-9._-]+)==", text, flags=re.MULTILINE)
    assert len(pins) > least
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text


def test_every_dependency_has_both_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in itertools.chain(project["dependencies"], *project["optional-dependencies"].values()):
        assert ">=" in line, line
        assert "<" in line, line


def test_version_and_licence_are_the_same_wherever_they_stand():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert f"\n## {project['version']}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert all((ROOT / name).is_file() for name in project["license-files"])


def test_the_forge_runs_what_a_person_runs():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_every_slow_test_belongs_to_one_part():
    make = ["make", "-C", str(ROOT), "--print-data-base", "--question", "help"]
    database = subprocess.run(make, capture_output=True, text=True, check=False).stdout
    parts = {part: roots.split() for part, roots in re.findall(r"^SLOW_(\w+) := (.+)", database, flags=re.MULTILINE)}
    mark = re.compile(r"^(@|pytestmark = )pytest\.mark\.slow", re.MULTILINE)
    marked = [f for f in tracked() if f.match("test_*.py") and mark.search(f.read_text(encoding="utf-8"))]
    homes = {
        f.name: [p for p, roots in parts.items() if any(f.is_relative_to(ROOT / r) for r in roots)] for f in marked
    }
    assert {part for its_parts in homes.values() for part in its_parts} == set(parts)
    assert not {name: its_parts for name, its_parts in homes.items() if len(its_parts) != 1}


SAME_BRANCHES = re.compile(r"\?\s*([^?:]+?)\s*:\s*\1\s*(?=[;,)\]}])")


@pytest.mark.parametrize("file", [f for f in tracked() if f.suffix == ".js"], ids=lambda f: f.name)
def test_scripts_have_lines_of_120_characters_and_no_choice_between_two_equal_branches(file):
    script = file.read_text(encoding="utf-8")
    assert [line for line in script.splitlines() if len(line) > 120] == []
    assert SAME_BRANCHES.findall(script) == []
    assert SAME_BRANCHES.search("f(Math.min(h, w) === h ? h + 2 * room : h + 2 * room, 1)")


# ---- citations ---------------------------------------------------------------------------------------------


DOCS = ROOT / "docs"
TEXT = {".py", ".sql", ".yml", ".yaml", ".csv", ".md", ".toml", ".j2", ".js", ".cff", ".ipynb", ".txt", ".R"}
FILES = [f for f in tracked() if f.suffix in TEXT or f.name == "Makefile"]
PAGES = [f for f in FILES if f.suffix == ".md"]
# plans that once stood beside the repository, by section
ELSEWHERE = re.compile(r"\b(METHODS|CHECKS|ARCHITECTURE|OUTPUTS|STYLE|INFERENCE|EDITING|HOUSE)(\.md\b| \d)")
CITED = re.compile(r"\b(docs/[\w./-]+\.md|formulas\.md|glossary\.md)(#[\w-]+)?")
PATHS = re.compile(r"`((?:dagster_project|python_models|expectations|dbt|docs|scripts|tests|benchmarks)/[\w./*-]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page):
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
    files = [file for file in tracked() if file.suffix == ".py"]
    named = re.findall(r"`([a-z_]+(?:/[a-z_*]+)*\.py)`", (DOCS / "formulas.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    # a bare name follows one of its own folder: `space/graph.py`, `profile.py`
    lost = {name for name in named if not any(file.match(name) for file in files)}
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
