"""The library as a thing of its own: its wheel, what its results show of themselves, and every example of its pages."""

import ast
import dataclasses
import inspect
import itertools
import sys
import tomllib

import numpy as np
import pandas as pd
import pytest
from checks import panel_refused, ring
from examples import FUNCTIONS, MODULES, CloseOutput, examples_of, failures

from dagster_project.paths import PROJECT
from python_models import CompositeIndex, Panel
from python_models._show import Shown
from python_models.inequality import dagum, theil
from python_models.regression import Cluster, SpatialPanel, fit_dynamic, fit_panel, spatial_2sls
from python_models.space import build_weights


def test_the_wheel_asks_for_what_is_imported_in_the_versions_of_the_project():
    own = tomllib.loads((PROJECT / "packaging" / "nqpf-models" / "pyproject.toml").read_text("utf-8"))["project"]
    whole = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {own["version"], own["requires-python"]} == {whole["version"], whole["requires-python"]}
    asked = [*own["dependencies"], *(name for extra in own["optional-dependencies"].values() for name in extra)]
    assert set(asked) <= {*whole["dependencies"], *whole["optional-dependencies"]["dask"]}
    imported = set()
    for file in (PROJECT / "python_models").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            imported |= {name.partition(".")[0] for name in names}
    assert imported - set(sys.stdlib_module_names) - {"python_models"} == {name.split(">")[0] for name in asked}


@pytest.fixture
def wide():
    """y and x (cities x years) and a graph."""
    rng = np.random.default_rng(4)
    cities = [f"c{k:02}" for k in range(20)]
    points = pd.DataFrame(rng.normal(size=(20, 2)), index=cities)
    graph = build_weights("knn", points=points, k=3, metric="euclidean")
    x = pd.DataFrame(rng.normal(size=(20, 5)), cities, range(2010, 2015))
    return x + rng.normal(size=(20, 5)), x, graph


def index_of(y: pd.DataFrame, **options) -> CompositeIndex:
    """An index of one indicator."""
    panel = Panel(y.to_numpy()[..., None], tuple(y.index), tuple(y), ("a",))
    return CompositeIndex(panel, directions={"a": 1}, levels={"a": "d"}, **options)


def test_wide_frames_give_what_long_ones_give_in_any_order(wide):
    y, x, graph = wide
    long = SpatialPanel(y.stack().rename("y"), x.stack().rename("x"), graph).fit()
    for own in (SpatialPanel(y, {"x": x}, graph), SpatialPanel(y.iloc[::-1, ::-1], {"x": x.iloc[::-1]}, graph)):
        pd.testing.assert_series_equal(own.fit().params, long.params)
    panel_refused("must be wide", SpatialPanel, y.rename(columns=str), {"x": x}, graph)


def test_a_result_shows_a_table_and_never_its_arrays(wide):
    y, x, graph = wide
    fit = SpatialPanel(y, {"x": x}, graph).fit()
    values, groups = np.arange(1.0, 31.0), list("abc") * 10
    results = fit, fit.effects(), dagum(values, groups), theil(values, groups)
    assert all("<table" in shown._repr_html_() for shown in results)
    for result in results:
        assert repr(result).startswith(type(result).__name__)
        assert "array(" not in repr(result)
    many = repr(index_of(y).fit())
    assert "more rows: to_frame()" in many
    assert len(many) < 3000


def test_every_public_result_shows_itself_in_short():
    """A dataclass that a room exports and that holds arrays or has a table never prints its arrays."""
    exported = [vars(room)[name] for room in MODULES for name in room.__all__]
    held = [kind for kind in exported if dataclasses.is_dataclass(kind) and _holds_arrays(kind)]
    assert {"CoreFit", "IVFit", "DynamicFit", "Panel"} <= {kind.__name__ for kind in held}
    assert [kind for kind in held if kind.__repr__ is not Shown.__repr__ and "_repr_html_" not in vars(kind)] == []


def _holds_arrays(kind: type) -> bool:
    types = " ".join(str(field.type) for field in dataclasses.fields(kind))
    return hasattr(kind, "to_frame") or any(word in types for word in ("rray", "sparse", "DataFrame", "Series"))


def test_fits_without_labels_are_a_short_table():
    rng = np.random.default_rng(2)
    given = rng.normal(size=(12, 8)), rng.normal(size=(12, 8, 1)), ring(12)
    for method, options in ((fit_panel, {}), (fit_dynamic, {}), (spatial_2sls, {})):
        fit = method(*given, names=["x"], **options)
        assert repr(fit).startswith(type(fit).__name__)
        assert "rho" in repr(fit)
        assert "array(" not in repr(fit)
        assert len(repr(fit)) < 2500
    assert repr(Cluster(np.arange(400))).startswith("Cluster(groups=ndarray (400,), by_time=False")
    index = index_of(pd.DataFrame(np.zeros((40, 3)), columns=[1, 2, 3]))
    assert repr(index).startswith("CompositeIndex(panel=Panel(...), directions={'a': 1}")


def test_no_window_is_the_window_of_all_years(wide):
    without, whole = index_of(wide[0]).fit(), index_of(wide[0], window=(2010, 2014)).fit()
    assert without.window == (2010, 2014)
    np.testing.assert_array_equal(without.z, whole.z)


@pytest.mark.parametrize(
    ("want", "got", "is_equal"),
    [
        ("[0.0, 1.5]", "[ 0.0,  1.5]", True),
        ("array([-0., 1.])", "array([0., 1.])", True),
        ("Interval(low=0.10265571467596439)", "Interval(low=0.10265571467596504)", True),
        ("0.1027", "0.1028", False),
        ("12 cities", "13 cities", False),
        ("a 1", "b 1", False),
        ("1 2", "12", False),
    ],
)
def test_examples_are_compared_as_numbers(want, got, is_equal):
    assert CloseOutput().check_output(want, got, 0) is is_equal


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_public_function_has_an_example_that_gives_what_it_says(name):
    assert examples_of(name), f"{name} has no example in its docstring"
    assert failures(name) == 0


SECTIONS = ("Parameters", "Returns", "Raises", "Notes", "References", "Examples")


def sections_of(function):
    """Section of a numpydoc docstring -> its lines, and what is wrong with the order or the underlines."""
    lines = (inspect.getdoc(function) or "").splitlines()
    starts = [at for at, line in enumerate(lines[:-1]) if line and set(lines[at + 1]) == {"-"}]
    names = [lines[at] for at in starts]
    faults = [name for name in names if name not in SECTIONS]
    faults += (
        ["order of sections"] if [s for s in SECTIONS if s in names] != [n for n in names if n in SECTIONS] else []
    )
    faults += [f"underline of {lines[at]}" for at in starts if len(lines[at + 1]) != len(lines[at])]
    bodies = [lines[a + 2 : b] for a, b in itertools.pairwise([*starts, len(lines)])]
    return dict(zip(names, bodies, strict=True)), faults


def lacking(function):
    """What the docstring of a public function does not say."""
    sections, faults = sections_of(function)
    described = [line for line in sections.get("Parameters", []) if line and not line.startswith(" ")]
    names = [name.strip().lstrip("*") for line in described for name in line.partition(" : ")[0].split(",")]
    if names != list(inspect.signature(function).parameters):
        faults.append(f"Parameters are {names}")
    faults += [f"no {name}" for name in ("Returns", "Examples") if not any(sections.get(name, []))]
    return faults


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_public_function_describes_each_argument_and_what_it_returns(name):
    assert lacking(inspect.unwrap(FUNCTIONS[name])) == []


DOCUMENTED = """Sum.

Parameters
----------
a, b : float
    Terms.
*more : float
    More terms.

Returns
-------
float
    The sum.

Examples
--------
>>> 1
"""


@pytest.mark.parametrize(
    ("old", "new", "is_lacking"),
    [
        ("", "", False),
        ("a, b", "a", True),
        ("Returns\n", "Return\n", True),
        (">>> 1", "", True),
        ("----------\na", "------\na", True),
        ("Sum.\n", "Sum.\n\nNotes\n-----\nNone.\n", True),
    ],
)
def test_a_lacking_description_is_seen(old, new, is_lacking):
    def add(a, b, *more):
        return a + b + sum(more)

    add.__doc__ = DOCUMENTED.replace(old, new, 1)
    assert bool(lacking(add)) is is_lacking
