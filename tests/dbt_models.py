"""Models and macros of the dbt project as plain SQL, for tests in a throw-away DuckDB."""

import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import yaml
from jinja2 import Environment

DBT = Path(__file__).resolve().parents[1] / "dbt"
REF = re.compile(r"ref\('(\w+)'\)")
VARS = yaml.safe_load((DBT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]


def rendered(model: str) -> str:
    """SQL of a model, references as plain names."""
    return with_macros((DBT / "models" / f"{model}.sql").read_text(encoding="utf-8"))


def in_order(*folders: str) -> list[str]:
    """The models of these folders, parents before children."""
    files = {file.stem: file for folder in folders for file in (DBT / "models" / folder).glob("*.sql")}
    parents = {name: REF.findall(file.read_text(encoding="utf-8")) for name, file in files.items()}
    order = TopologicalSorter({name: set(found) & set(files) for name, found in parents.items()})
    return list(order.static_order())


@cache  # a test asks for the same models again and again
def with_macros(text: str) -> str:
    """A template with the macros of the project; not those that only dbt can read (`materialization`)."""
    return Environment(autoescape=False).from_string(text, globals=_macros()).render()


@cache
def _macros() -> dict[str, object]:
    files = (file.read_text(encoding="utf-8") for file in sorted((DBT / "macros").glob("*.sql")))
    text = "".join(file for file in files if "{% materialization" not in file)
    names = {"ref": lambda name: name, "source": lambda _, name: name, "config": lambda **_: "", "var": VARS.get}
    return names | vars(Environment(autoescape=False).from_string(text, globals=names).module)
