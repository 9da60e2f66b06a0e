"""`make docs`: docs/ as a static site in build/site, which opens from the folder and asks no network for anything.

Pages are copied to a folder that mirrors the repository, so that links between them stay as they are. Three kinds are
made here, each from the one place where the words stand: the library from its docstrings, the dictionary from the YAML
of the tables, the map of tables by question from the worked queries. Any warning ends the build.
"""

import importlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.search.en import SearchEnglish

import python_models
from dagster_project.publish.questions.catalogue import questions
from dagster_project.publish.release.dictionary import in_chinese

PROJECT = Path(__file__).resolve().parents[1]
SITE = PROJECT / "build" / "site"
COPIED = ("*.md", "LICENSE*", "CITATION.cff", "docs/**/*", "dbt/analyses/*.sql")
ANCHOR = re.compile(r'^<a id="([\w-]+)"></a>$', re.MULTILINE)
TABLE = re.compile(r"\b(?:easy|mart)\.[a-z_]+")
EXAMPLE = re.compile(r"^ *>>> ")
MODELS = PROJECT / "dbt" / "models"
ROOMS = ("", *(f".{p.parent.name}" for p in sorted(Path(python_models.__file__).parent.glob("*/__init__.py"))))
SETTINGS: dict[str, Any] = {
    "project": "NQPF warehouse",
    "copyright": "The NQPF warehouse contributors, CC BY 4.0",
    "extensions": ["myst_parser", "sphinx.ext.autodoc"],
    "root_doc": "index",
    "html_theme": "furo",
    "html_title": "NQPF warehouse",
    "html_show_search_summary": False,  # it fetches pages, which browsers refuse to files
    "html_static_path": ["_static"],
    "html_css_files": ["site.css"],
    "html_show_sourcelink": False,
    "suppress_warnings": ["misc.highlighting_failure"],  # drawings stand as text
    "html_copy_source": False,
    "myst_heading_anchors": 4,
    "autodoc_member_order": "bysource",
    "autodoc_typehints_format": "short",
    "autodoc_default_options": {"members": True},
}
CSS = """
pre { white-space: pre-wrap; } td strong { white-space: nowrap; } .words { font-size: .9em; } .content { width: 62em; }
.words .highlight, .words pre { background: none; border: 0; padding: 0; margin: 0; font: inherit; }
"""


class Search(SearchEnglish):  # type: ignore[misc]  # of a package without types here
    """English, and Chinese character by character: no dictionary decides what a word is."""

    js_splitter_code = (
        r'var splitQuery = (q) => q.replace(/[\u4e00-\u9fff]/g, " $& ").split(/[^\p{L}\p{N}_]+/gu).filter(Boolean);'
    )

    def split(self, input: str) -> list[str]:
        return re.findall(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+", input)


def build(site: Path) -> None:
    """Write the site. SphinxError: a link that leads nowhere, or anything else that Sphinx warns of."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        stage(source)
        shutil.rmtree(site, ignore_errors=True)
        app = Sphinx(
            srcdir=source,
            confdir=None,
            outdir=site,
            doctreedir=Path(folder) / "doctrees",
            buildername="html",
            confoverrides=SETTINGS | {"html_static_path": [str(source / "_static")]},
            status=None,
            warningiserror=True,
        )
        app.connect("autodoc-process-docstring", as_written)
        app.add_search_language(Search)
        app.build()
        if app.statuscode:
            raise SphinxError("see the warnings above")


def stage(source: Path) -> None:
    """All pages as Sphinx reads them."""
    for path in sorted({p for pattern in COPIED for p in PROJECT.glob(pattern) if p.is_file()}):
        target = source / path.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            text = ANCHOR.sub(r"(\1)=", path.read_text(encoding="utf-8"))
            text = text.replace(".ipynb)", ".md)").replace("](docs/README.md)", "](index.md)")
            target.write_text(text, encoding="utf-8")
        elif path.suffix == ".ipynb":
            target.with_suffix(".md").write_text(notebook_page(path, target.parent), encoding="utf-8")
        else:
            shutil.copyfile(path, target)
    pages = {**api_pages(), **dictionary_pages(), "made/questions.md": questions_page(), "_static/site.css": CSS}
    for name, text in pages.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
    (source / "index.md").write_text(index_page(source, sorted(pages)), encoding="utf-8")


# ---- pages that are made -------------------------------------------------------------------------------------------


def notebook_page(path: Path, folder: Path) -> str:
    """A notebook as Markdown, pictures in files beside it."""
    parts = []
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
        for output in cell.get("outputs", []):
            data = {kind: "".join(lines) for kind, lines in output.get("data", {}).items()}
            if "image/svg+xml" in data:
                picture = folder / f"{path.stem}-{number}.svg"
                picture.write_text(data["image/svg+xml"], encoding="utf-8")
                parts.append(f"![{data['text/plain']}]({picture.name})")
            elif "text/html" in data:
                parts.append(f"```{{raw}} html\n{data['text/html']}\n```")
            else:
                parts.append(f"```text\n{data.get('text/plain') or ''.join(output['text'])}\n```")
    return "\n\n".join(parts) + "\n"


def api_pages() -> dict[str, str]:
    """A page for each room of the library: what it exports, from the docstrings."""
    pages = {}
    for room in ROOMS:
        name = f"python_models{room}"
        names = getattr(importlib.import_module(name), "__all__", ())
        if names:
            body = f".. automodule:: {name}"
            pages[f"made/api/{name}.md"] = f"# {name}\n\n```{{eval-rst}}\n{body}\n```\n"
    return pages


def as_written(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text, not markup: words stay as they are written, examples are shown as such."""
    text, blocks = "\n".join(lines).strip().splitlines(), []
    cut = next((n for n, line in enumerate(text) if EXAMPLE.match(line)), len(text))
    for kind, option, part in (("text", "words", text[:cut]), ("pycon", "example", text[cut:])):
        if part:
            blocks += [f".. code-block:: {kind}", f"   :class: {option}", "", *(f"   {line}" for line in part), ""]
    lines[:] = blocks


def tables() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(topic, full name, entry) of every published table, from the YAML beside its model."""
    for schema, folder in (("easy", MODELS / "easy"), ("mart", MODELS / "marts")):
        for path in sorted(folder.rglob("_*.yml")):
            for entry in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader).get("models", []):
                topic = "easy" if schema == "easy" else path.parent.name
                yield topic, f"{schema}.{entry['name']}", entry


def dictionary_pages() -> dict[str, str]:
    """A page for each topic: its tables, and every column with type and meaning."""
    pages: dict[str, list[str]] = {}
    for topic, name, entry in tables():
        page = pages.setdefault(f"made/dictionary/{topic}.md", [f"# Tables: {topic}", ""])
        page += [f"({name})=", f"## {name}", "", in_cell(entry.get("description", "")), ""]
        page += ["| column | type | meaning | 含义 |", "|---|---|---|---|"]
        for column in entry.get("columns", []):
            words, chinese = in_cell(column.get("description", "")), in_cell(in_chinese(name, column["name"]) or "")
            page.append(f"| `{column['name']}` | {column.get('data_type', '')} | {words} | {chinese} |")
        page.append("")
    return {name: "\n".join(lines) for name, lines in pages.items()}


def questions_page() -> str:
    """The map of tables by question: each worked query in both languages, with the tables that it asks."""
    names = {name for _, name, _ in tables()}
    rows = ["# Which table for which question", "", "| question | 问题 | tables | line |", "|---|---|---|---|"]
    for question in questions().values():
        links = [f"[{name}](#{name})" for name in dict.fromkeys(TABLE.findall(question.sql or "")) if name in names]
        if links:
            words = (in_cell(question.en), in_cell(question.zh), ", ".join(links), f"`{question.line}`")
            rows.append(f"| {' | '.join(words)} |")
    return "\n".join(rows) + "\n"


def in_cell(text: str) -> str:
    """Words of a table as Markdown shows them: on one line, nothing of them taken for markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", " ".join(text.split()))


def index_page(source: Path, new_pages: list[str]) -> str:
    """docs/README.md as the first page, and the menu."""
    first = source / "docs" / "README.md"
    start = re.sub(r"\]\((?!https?:|\.\./|#)", "](docs/", first.read_text(encoding="utf-8")).replace("](../", "](")
    first.unlink()
    order = re.findall(r"\]\(([\w/.-]+)\.(?:md|ipynb)\)", start)  # pages stand in the menu as the first page names them
    rank = {f"{name}.md": place for place, name in reversed([*enumerate(order)])}
    doc_pages = sorted({p.relative_to(source).as_posix() for p in source.rglob("*.md")} - set(new_pages))
    doc_pages.sort(key=lambda page: rank.get(page, len(order)))
    menu: dict[str, list[str]] = {"documentation": [], "how to": [], "reference": [], "notebooks": [], "中文": []}
    for page in doc_pages:
        menu.setdefault(caption_of(page), []).append(page)
    menu["tables"] = [page for page in new_pages if page.startswith(("made/dictionary", "made/questions"))]
    menu["python_models"] = [page for page in new_pages if page.startswith("made/api")]
    menu["project"] = menu.pop("project")  # last
    trees = [
        "\n".join(["```{toctree}", ":hidden:", ":maxdepth: 1", f":caption: {caption}", "", *pages, "```"])
        for caption, pages in menu.items()
    ]
    return "\n\n".join([start, *trees]) + "\n"


def caption_of(page: str) -> str:
    """Under which heading of the menu a page of the repository stands."""
    if page.endswith(".zh.md"):
        return "中文"
    top, _, rest = page.partition("/")
    folder = rest.partition("/")[0] if "/" in rest else ""
    return {"howto": "how to", "zh": "中文", "": "documentation" if top == "docs" else "project"}.get(folder, folder)


if __name__ == "__main__":
    try:
        build(SITE)
    except SphinxError as error:
        sys.exit(f"The site was not built: {error}")
    print(f"Open {SITE / 'index.html'} in a browser.")
