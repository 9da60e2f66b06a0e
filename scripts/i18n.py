"""`make i18n`: collect the messages of the published words into publish/locale/*.po; `--check` says what is amiss.

Messages stand in Python as say("…"), gettext("…") and msg("…"), in templates as _("…"), in scripts as t("…"), and in
the YAML files of exhibits, pages and methods. Whole sentences with named holes are the unit; a language is one file.
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from dagster_project.publish.site.shared import script_messages

PUBLISH = Path(__file__).parents[1] / "dagster_project" / "publish"
LOCALE = PUBLISH / "locale"
CALLS = ("say", "gettext", "msg")
IN_YAML = (
    "title",
    "unit",
    "note",
    "brackets",
    "say",
    "head",
    "x_title",
    "y_title",
    "tip",
    "lead",
    "ask",
    "sure",
    "text",
)
CLAIMS = ("up", "down", "none", "adds")
# Lines that say nothing here: dates, addresses, and marks of a format that is checked by `updated`.
SKIPPED = re.compile(r'"(Report-Msgid|POT-Creation|PO-Revision|Last-Translator|Language-Team|Generated-By)|#, python-')
Message = tuple[str | tuple[str, str], str]


def messages() -> Iterator[Message]:
    """Every message with the file it stands in; a pair where one and many differ."""
    for file in sorted(PUBLISH.rglob("*.py")):
        for message in _in_python(ast.parse(file.read_text(encoding="utf-8"))):
            yield message, file.name
    templates = PUBLISH / "site" / "templates"
    for file in sorted(templates.glob("*.j2")):
        with file.open("rb") as source:
            for _, _, texts, _ in babel_extract(source, ["_"], [], {}):
                yield _clean(texts), file.name
    for text in script_messages((templates / "app.js").read_text(encoding="utf-8")):
        yield text, "app.js"
    for file in sorted({*PUBLISH.rglob("*.yml")} - {*(PUBLISH / "check").glob("*.yml")}):
        for text in _in_yaml(yaml.safe_load(file.read_text(encoding="utf-8"))):
            yield text, file.name


def _clean(message: Any) -> str | tuple[str, str]:
    texts = [message] if isinstance(message, str) else [text for text in message if isinstance(text, str)]
    clean = [" ".join(text.split()) for text in texts]
    return clean[0] if len(clean) == 1 else (clean[0], clean[1])


def _in_python(tree: ast.AST) -> Iterator[str | tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in CALLS:
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if texts:
                yield _clean(tuple(texts))


def _in_yaml(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _in_yaml(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _in_yaml(
                inner.split(": ", 1)[1] if key == "legend" else inner, "text" if key == "legend" else key
            )
    elif isinstance(value, str) and key in (*IN_YAML, *CLAIMS):
        least = 4 if key == "tip" else 1  # letters of a word: a tip of figures alone is no message
        if re.search(rf"[^\W\d_]{{{least},}}", re.sub(r"\{[^}]*\}", "", value)):
            yield " ".join(value.split())


def collected() -> Catalog:
    """A catalogue of all messages, in the order of the files."""
    catalog = Catalog()
    for message, file in messages():
        catalog.add(message, locations=[(file, 0)])
    return catalog


def updated(file: Path) -> tuple[Catalog, list[str]]:
    """The catalogue of a language with today's messages, and what is amiss: untranslated, stale, holes that differ."""
    with file.open("rb") as source:
        catalogue = read_po(source, locale=file.stem)
    before = {message.id for message in catalogue if message.id}
    template = collected()
    catalogue.update(template, no_fuzzy_matching=True)
    amiss = [f"stale: {_first(key)}" for key in before - {m.id for m in template}]
    for message in catalogue:
        if not message.id:
            continue
        texts = [message.string] if isinstance(message.string, str) else list(message.string or [""])
        if not all(texts):
            amiss.append(f"untranslated: {_first(message.id)}")
        elif any(not _holes(text) <= _holes(_first(message.id)) | {"n"} for text in texts):
            amiss.append(f"holes differ: {_first(message.id)}")
        elif not _holes(_first(message.id)) <= _holes(" ".join(texts)) | {"n"}:
            amiss.append(f"a hole is lost: {_first(message.id)}")
    return catalogue, amiss


def _first(key: Any) -> str:
    return key if isinstance(key, str) else str(key[0])


def _holes(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)", text))


def main(arguments: list[str]) -> int:
    """Write the catalogues, or with --check only say what is amiss. Exit: 0 nothing, 1 something."""
    n_amiss = 0
    for file in sorted(LOCALE.glob("*.po")):
        catalog, amiss = updated(file)
        for line in amiss:
            print(f"{file.name}: {line}")
        n_amiss += len(amiss)
        if "--check" not in arguments:
            text = io.BytesIO()
            write_po(text, catalog, width=0, include_lineno=False, ignore_obsolete=True)
            lines = [line for line in text.getvalue().decode().splitlines() if not SKIPPED.match(line)]
            file.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return int(n_amiss > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
