"""What the pages tell people to type works: the README's commands and every block that follows `<!-- run -->`.

The quick tests run the commands that only read, in this process, against the small warehouse; the slow one types the
whole tutorial into a shell. The pages speak of the demo and its last year 2021; the small warehouse ends in 2016.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import typer
from house import CITIES, YEARS, House, copy_of_project, paths_below
from typer.testing import CliRunner

from dagster_project import paths as project_paths
from dagster_project.cli import reference
from dagster_project.cli.main import app
from dagster_project.paths import PROJECT
from python_models.space import build_weights

DOCS = PROJECT / "docs"
PAGES = [PROJECT / "README.md", PROJECT / "README.zh.md", *sorted(DOCS.rglob("*.md"))]
LAST_OF_PAGES, LAST_HERE = 2021, YEARS[-1]
BLOCK = re.compile(r"(?P<mark><!-- run -->\n)?^```(?P<kind>sh|python)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_HERE = re.compile(r"\bDIR2?\b|\.\.\.|warehouse/mine")  # placeholders; what only the whole tutorial makes


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    kind: str
    text: str
    is_marked: bool

    @property
    def commands(self):
        """Each `nqpf` command of a shell block, in words; a command may go over several lines inside its quotes."""
        found, open_text = [], ""
        for line in self.text.splitlines():
            open_text += line + "\n"
            try:
                words = shlex.split(here(open_text), comments=True)
            except ValueError:  # a quote is still open
                continue
            open_text = ""
            if words and words[0] == ".venv/bin/nqpf":
                found.append(words[1:])
        return found


def here(text):
    """The same for the small warehouse: its years end earlier."""
    return text.replace(f"{LAST_OF_PAGES + 1}", f"{LAST_HERE + 1}").replace(f"{LAST_OF_PAGES}", f"{LAST_HERE}")


def blocks(page, kind):
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(page, m["kind"], m["text"], bool(m["mark"])) for m in found if m["kind"] == kind]


def commands_of(page):
    """Commands that only read: of marked blocks; in the README of all blocks without a placeholder."""
    taken = [b for b in blocks(page, "sh") if b.is_marked or page == PROJECT / "README.md"]
    every = [words for block in taken for words in block.commands]
    return [words for words in every if words[0] in READING and not NOT_HERE.search(" ".join(words))]


READING = (
    *("sql", "explain", "status", "release", "compare", "whatif", "edits", "tables", "describe", "cite", "export"),
    *("index", "model", "ask"),
)
EVERY = [(page, words) for page in PAGES for words in commands_of(page)]


@pytest.fixture(scope="module")
def checkout(small_warehouse, tmp_path_factory):
    """A checkout whose demo is the small warehouse (linked: nothing here writes into it)."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "warehouse").mkdir()
    (root / "warehouse" / "demo").symlink_to(small_warehouse.paths.warehouse)
    (root / "docs").symlink_to(DOCS)
    (root / "dbt").symlink_to(PROJECT / "dbt")
    return root


@pytest.fixture
def in_checkout(checkout, monkeypatch):
    monkeypatch.setattr(project_paths, "PROJECT", checkout)
    monkeypatch.chdir(checkout)
    return checkout


# ---- quick: commands that read -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "words"), EVERY, ids=[f"{p.name}-{n}-{w[0]}" for n, (p, w) in enumerate(EVERY)])
def test_command_of_a_page_works(page, words, in_checkout):
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, f"{page.name}: nqpf {shlex.join(words)}\n{result.output}"
    assert result.output.strip(), f"{page.name}: nqpf {shlex.join(words)} says nothing"


def test_the_readme_answers_why_hefei_moved(in_checkout):
    words = next(w for page, w in EVERY if page.name == "README.md" and w[0] == "explain")
    text = CliRunner().invoke(app, words).output
    assert re.search(r"^  score  [\d.]+ of 100, [+-][\d.]+ since \d{4}", text, flags=re.MULTILINE), text
    assert re.search(r"^What moved it most since \d{4}.*\n +[+-][\d.]+  \w+", text, flags=re.MULTILINE), text
    assert len(text.splitlines()) <= 24, "more than a screen"


PYTHON_PAGES = [
    *(PROJECT / "README.md", PROJECT / "README.zh.md", DOCS / "own_index.md", DOCS / "own_model.md"),
    *(DOCS / "quickstart.md", DOCS / "zh" / "quickstart.md"),
]
PYTHON = [b for page in PYTHON_PAGES for b in blocks(page, "python")]


@pytest.mark.parametrize("block", PYTHON, ids=[f"{b.page.name}-{n}" for n, b in enumerate(PYTHON)])
def test_python_of_a_page_runs(block, in_checkout):
    exec(compile(block.text, block.page.name, "exec"), names_for(block))


def names_for(block):
    """What a block takes for granted: where it speaks of a panel, the frames of one."""
    if "SpatialPanel(y, x, graph" not in block.text:
        return {}
    rng = np.random.default_rng(5)
    cities, years = [f"CN{n:06d}" for n in range(25)], range(2012, 2022)
    points = pd.DataFrame({"lon": rng.uniform(110, 115, 25), "lat": rng.uniform(30, 35, 25)}, index=cities)
    labels = pd.MultiIndex.from_product([cities, years], names=["city", "year"])
    x = pd.DataFrame({"pr": rng.normal(size=len(labels))}, index=labels)
    return {"y": 0.5 * x["pr"] + rng.normal(size=len(labels)), "x": x, "graph": build_weights("knn", points=points)}


# ---- the pages themselves ----------------------------------------------------------------------------------------


def test_page_of_the_commands_is_fresh():
    """NQPF_RENEW=1 writes it anew."""
    if os.environ.get("NQPF_RENEW"):
        reference.PAGE.write_text(reference.page(), encoding="utf-8")
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_option_that_a_page_names_exists(page):
    found = dict(reference.commands(typer.main.get_command(app)))
    known = {name.removeprefix("nqpf "): {o for p in found[name].params for o in p.opts} for name in found}
    for block in blocks(page, "sh"):
        for words in block.commands:
            name = next((" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in known), None)
            assert name is not None, f"{page.name}: nqpf {shlex.join(words)}"
            asked = {word for word in words if re.match("--[a-z]", word)}
            assert asked <= known[name], f"{page.name}: nqpf {name} has no {asked - known[name]}"


# ---- slow: the whole tutorial ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_tutorial_runs_from_its_first_line_to_its_last(small_warehouse, tmp_path):
    """Typed into one shell, in a checkout of its own whose demo is the small warehouse."""
    copy_of_project(tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shutil.copytree(small_warehouse.paths.landing, tmp_path / "warehouse" / "demo" / "landing")
    (tmp_path / "warehouse" / "demo" / "published").symlink_to(small_warehouse.paths.published)
    page = DOCS / "tutorial.md"
    texts = [here(block.text) for block in blocks(page, "sh") if block.is_marked]
    # the small yearbook prints 12 cities: its sidecar has to say so
    own_sidecar = f"warehouse/mine/landing/yearbook/{LAST_HERE}/yearbook.yml"
    add = f"echo 'expected_cities: [{CITIES}, {CITIES + 1}]' >> {own_sidecar}\n"
    typed = "".join(text + add * ("nqpf sidecar" in text) for text in texts)
    own = {"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "200"}
    done = subprocess.run(
        ["sh", "-eu", "-c", typed], cwd=tmp_path, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    mine = House(replace(paths_below(tmp_path / "warehouse" / "mine"), warehouse=tmp_path / "warehouse" / "mine"))
    assert len(mine.releases) == 1
    assert mine.value("select max(year) from mart.mart_index_score where score is not null") == LAST_HERE
    assert done.stdout.count(f"(CN340100) in {LAST_HERE}") == 2  # of the demo, then of the new warehouse
