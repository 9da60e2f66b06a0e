"""The site of `make docs`: every page is in it, every link leads somewhere, and nothing of it is fetched."""

import importlib
import re
from urllib.parse import unquote

import pytest

from dagster_project.paths import PROJECT
from dagster_project.publish.questions.catalogue import questions
from scripts import docs_site

pytestmark = pytest.mark.filterwarnings("ignore:'myst_parser")  # it asks Sphinx in a way that Sphinx 11 will not know
LINK = re.compile(r'<(\w+)[^>]*?\b(?:href|src)="([^"]*)"')
TARGET = re.compile(r'\b(?:id|name)="([^"]+)"')


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("staged")
    docs_site.stage(folder)
    return folder


# ---- quick: the pages before they are set --------------------------------------------------------------------------


def test_the_menu_names_every_page_once(staged):
    menu = re.findall(r"^[\w/.-]+\.md$", (staged / "index.md").read_text("utf-8"), flags=re.MULTILINE)
    pages = {path.relative_to(staged).as_posix() for path in staged.rglob("*.md")}
    assert sorted(menu) == sorted(pages - {"index.md"})
    own = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "docs").rglob("*.md")} - {"docs/README.md"}
    assert own <= set(menu)
    for notebook in (PROJECT / "docs" / "notebooks").glob("*.ipynb"):
        assert f"docs/notebooks/{notebook.stem}.md" in menu


def test_the_dictionary_has_every_column_of_every_published_table(staged):
    text = "\n".join(path.read_text("utf-8") for path in (staged / "made" / "dictionary").glob("*.md"))
    for _, name, entry in docs_site.tables():
        start = text.index(f"## {name}\n")
        section = text[start : text.find("\n## ", start + 1)]
        columns = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
        assert columns == [column["name"] for column in entry.get("columns", [])], name


def test_each_query_stands_beside_its_tables(staged):
    text = (staged / "made" / "questions.md").read_text("utf-8")
    for question in questions().values():
        row = next((line for line in text.splitlines() if f"`{question.line}`" in line), "")
        assert (question.sql is None) or re.search(r"\((?:#mart|#easy)\.", row), question.id


def test_every_room_of_the_library_has_a_page(staged):
    pages = {path.stem for path in (staged / "made" / "api").glob("*.md")}
    assert pages >= {f"python_models{room}" for room in ("", ".regression", ".inequality", ".dynamics", ".space")}
    assert all(importlib.import_module(page).__all__ for page in pages)


def test_words_are_not_markup():
    lines = ["y_itk and *W*; `n` > 0", "", ">>> 1 + 1", "2"]
    docs_site.as_written(None, "", "", None, None, lines)
    assert [line for line in lines if line.startswith("..")] == [".. code-block:: text", ".. code-block:: pycon"]
    assert docs_site.in_cell("a_b | c\n*d*") == r"a\_b \| c \*d\*"


# ---- slow: the site ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Built; any warning of Sphinx raises."""
    folder = tmp_path_factory.mktemp("site")
    docs_site.build(folder)
    return folder


@pytest.mark.slow
def test_every_link_of_the_site_leads_somewhere_and_nothing_is_fetched(site):
    pages = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    targets = {path: set(TARGET.findall(text)) for path, text in pages.items()}
    dead, fetched = [], []
    for page, text in pages.items():
        for tag, address in LINK.findall(text):
            if re.match(r"https?:|//|mailto:", address):
                fetched += [address] * (tag != "a")
                continue
            name, _, anchor = address.partition("#")
            target = (page.parent / unquote(name.partition("?")[0])).resolve() if name else page
            if not target.exists() or (anchor and target in targets and unquote(anchor) not in targets[target]):
                dead.append((page.name, address))
    assert dead == []
    assert fetched == []
    assert not re.search(r"url\(['\"]?https?:", "".join(p.read_text("utf-8") for p in site.rglob("*.css")))


@pytest.mark.slow
def test_every_public_name_and_example_of_the_library_is_on_the_site(site):
    for page in sorted((site / "made" / "api").glob("*.html")):
        text = page.read_text("utf-8")
        for name in importlib.import_module(page.stem).__all__:
            assert f'id="{page.stem}.{name}"' in text or not callable(
                getattr(importlib.import_module(page.stem), name)
            ), f"{page.stem}.{name}"
    assert "&gt;&gt;&gt; " in (site / "made" / "api" / "python_models.inequality.html").read_text("utf-8")
