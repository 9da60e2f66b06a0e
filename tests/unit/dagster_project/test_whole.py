"""What has changed since the last refresh: nothing, only pages, or something that decides a number."""

import pytest

from dagster_project.paths import Paths
from dagster_project.run.whole import Changed, remember, what_changed, whole_key

FILES = (
    *("dagster_project/publish/site/page.html", "dagster_project/study/gini.py", "python_models/gini.py"),
    *("expectations/run.py", "dbt/models/a.sql", "dbt/seeds/city.csv", "docs/formulas.md", "LICENSE"),
    *("landing/a.csv", "warehouse/build/city.duckdb", "warehouse/published/city.duckdb"),
)


@pytest.fixture
def paths(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing", tmp_path)
    remember(paths, whole_key(paths), "R1")
    return paths


def found(paths: Paths, release: str | None = "R1") -> Changed:
    return what_changed(paths, whole_key(paths), release)


def test_the_same_files_are_nothing_new_unless_another_release_is_current(paths):
    assert found(paths) == Changed.nothing
    assert found(paths, "R0") == found(paths, None) == Changed.numbers


@pytest.mark.parametrize("name", FILES)
def test_each_file_counts_for_what_it_decides(paths, name):
    file = paths.project / name
    file.write_text("another text", encoding="utf-8")
    is_page = name.startswith(("dagster_project/publish", "docs", "LICENSE"))
    is_build = name == "warehouse/build/city.duckdb"  # what it holds is asked only where it is shown anew
    assert found(paths) == (Changed.pages if is_page else Changed.nothing if is_build else Changed.numbers)


@pytest.mark.parametrize(
    "touch",
    [
        lambda paths: paths.build_file.write_text("a step ran alone", encoding="utf-8"),
        lambda paths: paths.build_file.unlink(),
        lambda paths: paths.whole_file.write_text("{", encoding="utf-8"),
        lambda paths: paths.published_file.unlink(),
    ],
)
def test_pages_alone_are_made_only_over_what_that_refresh_left(paths, touch):
    (paths.project / FILES[0]).write_text("a new sentence", encoding="utf-8")
    assert found(paths) == Changed.pages
    touch(paths)
    assert found(paths) == Changed.numbers
