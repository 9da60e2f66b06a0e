"""The notebooks of docs/notebooks: run, small, SYNTHETIC, and right on another warehouse too."""

import json
import re
import shutil
from typing import Any

import pytest

from dagster_project.paths import PROJECT
from scripts.notebooks import FOLDER, code_hash, run

NOTEBOOKS = {path.stem: path for path in sorted(FOLDER.glob("*.ipynb"))}
MOST_BYTES = 300_000


def read(name):
    notebook: dict[str, Any] = json.loads(NOTEBOOKS[name].read_text(encoding="utf-8"))
    return notebook


def outputs(notebook):
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def printed(notebook):
    return "".join("".join(output["text"]) for output in outputs(notebook) if "text" in output)


@pytest.fixture(scope="module")
def rerun(small_warehouse, tmp_path_factory):
    """The same notebooks in a folder that holds nothing but the published file of the small warehouse."""
    root = tmp_path_factory.mktemp("notebooks")
    here, there = root / "docs" / "notebooks", root / "warehouse" / "demo" / "published"
    here.mkdir(parents=True)
    there.mkdir(parents=True)
    shutil.copy(small_warehouse.paths.published / "city.duckdb", there)
    return {name: run(read(name), here) for name in NOTEBOOKS}


def test_there_are_three():
    assert sorted(NOTEBOOKS) == ["own_index", "ranking", "refit"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_with_the_outputs_of_its_code(name):
    notebook = read(name)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert notebook["metadata"]["run"] == code_hash(notebook), "changed and not run: python -m scripts.notebooks"
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert "SYNTHETIC" in printed(notebook)
    assert {output["output_type"] for output in outputs(notebook)} == {"stream", "execute_result"}
    assert NOTEBOOKS[name].stat().st_size < MOST_BYTES
    assert str(PROJECT) not in NOTEBOOKS[name].read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_the_published_file_alone(name, rerun):
    kinds = [[sorted(o.get("data", {})) for o in outputs(notebook)] for notebook in (read(name), rerun[name])]
    assert kinds[0] == kinds[1]
    assert not re.search(r"^(import|from) dagster_project", "".join(map(str, read(name)["cells"])))


@pytest.mark.parametrize("name", ["ranking", "refit"])
def test_what_a_notebook_computes_is_what_is_published(name, rerun):
    for notebook in (read(name), rerun[name]):
        apart = re.findall(r"(?:, to|: )\s?(\d+e[+-]\d+)$", printed(notebook), flags=re.MULTILINE)
        assert len(apart) == {"ranking": 1, "refit": 2}[name]
        assert max(map(float, apart)) < 1e-6
