"""Models and macros of the dbt project as plain SQL, for tests in a throw-away DuckDB."""

from pathlib import Path

import yaml
from jinja2 import Environment

DBT = Path(__file__).resolve().parents[1] / "dbt"
VARS = yaml.safe_load((DBT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]


def rendered(model: str, *macros: str) -> str:
    """SQL of a model with these files of macros, references as plain names."""
    return with_macros((DBT / "models" / f"{model}.sql").read_text(encoding="utf-8"), *macros)


def with_macros(text: str, *macros: str) -> str:
    known = "".join((DBT / "macros" / f"{name}.sql").read_text(encoding="utf-8") for name in macros)
    names = {"ref": lambda name: name, "source": lambda _, name: name, "config": lambda **_: "", "var": VARS.get}
    return Environment(autoescape=False).from_string(known + text).render(**names)
