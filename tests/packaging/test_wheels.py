"""Both wheels, each built and installed with the locked versions into an environment that holds nothing else."""

import os
import re
import subprocess
import sys

import pytest
import uv

from dagster_project.paths import PROJECT

pytestmark = pytest.mark.slow
UV = uv.find_uv_bin()
FIT = """
import numpy as np, pandas as pd
from python_models.space import build_weights
rng = np.random.default_rng(4)
cities = [f"c{k:02}" for k in range(20)]
graph = build_weights("knn", points=pd.DataFrame(rng.normal(size=(20, 2)), cities), k=3, metric="euclidean")
x = pd.DataFrame(rng.normal(size=(20, 5)), cities, range(2010, 2015))
y = x + rng.normal(size=(20, 5))
"""


def run(*words, cwd, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NQPF_", "PYTHON"))}
    environment = {**kept, "XDG_CACHE_HOME": str(cwd / "cache"), "XDG_CONFIG_HOME": str(cwd / "config"), **variables}
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(folder, project, extras=""):
    """The folder of programs of a new environment with the wheel of a project."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "wheel", cwd=project)
    (wheel,) = (folder / "wheel").glob("*.whl")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    words = [UV, "pip", "install", "--quiet", "--python", python, "-c", PROJECT / "requirements.lock"]
    subprocess.run([*words, f"{wheel}{extras}"], check=True)
    return python.parent


def test_the_warehouse_runs_where_only_its_wheel_is_installed(tmp_path):
    programs = installed(tmp_path, PROJECT)
    nqpf = programs / "nqpf"
    run(nqpf, "demo", "country", "--cities", "12", cwd=tmp_path)
    assert (tmp_path / "country" / "truth").is_dir()
    published = tmp_path / "warehouse" / "demo" / "published"
    first = run(nqpf, "refresh", "--depth", "quick", cwd=tmp_path)
    assert "Published" in first
    assert (published / "city.duckdb").is_file()
    assert "Nothing changed" in run(nqpf, "refresh", "--depth", "quick", cwd=tmp_path)
    query = "select count(distinct year) as n from easy.ranking"
    assert run(nqpf, "sql", query, "--format", "csv", cwd=tmp_path).split() == ["n", "10"]
    releases = published / "releases"
    assert next(releases.glob("*/formulas.md")).read_bytes() == (PROJECT / "docs" / "formulas.md").read_bytes()
    assert '"git_commit": "unknown"' in next(releases.glob("*/manifest.json")).read_text(encoding="utf-8")
    code = "from dagster_project.paths import *; from dagster_project.run.versions import *; p = demo_paths();"
    code += "print(params_hash(p), gate_hash(p), presentation_hash(p))"
    assert run(programs / "python", "-c", code, cwd=tmp_path) == run(sys.executable, "-c", code, cwd=PROJECT)


def test_the_library_runs_where_only_its_wheel_is_installed(tmp_path):
    programs = installed(tmp_path, PROJECT / "packaging" / "nqpf-models", "[plot,text]")
    examples = PROJECT / "tests" / "unit" / "python_models" / "examples.py"
    where, number = run(programs / "python", examples, cwd=tmp_path).split()
    assert where.startswith(str(tmp_path)), where
    assert number == run(sys.executable, examples, cwd=PROJECT).split()[1] != "0"  # as many as in the checkout
    section = (PROJECT / "README.md").read_text(encoding="utf-8").partition("## The library")[2]
    (example,) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)[:1]
    *imports, last = example.strip().splitlines()
    script = "\n".join([FIT, *imports, f"print(({last.partition('#')[0]}).to_string())"])
    assert "indirect" in run(programs / "python", "-c", script, cwd=tmp_path)
    absent = (
        "import importlib.util as u; print([n for n in ('duckdb', 'dagster', 'dagster_project') if u.find_spec(n)])"
    )
    assert run(programs / "python", "-c", absent, cwd=tmp_path).strip() == "[]"
