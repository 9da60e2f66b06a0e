"""The Chinese words of the charts of a page: what its script puts into a spec when the reader chooses Chinese.

A page holds each spec once, in English, and one list of the words in it that the dictionary knows. The script puts
the twins in wherever people read a text: titles, the data behind labels and tooltips, orders and domains that must
fit the data, and quoted words of expressions. Data and the expressions that ask for them change alike, so that a
filter on a word finds it in both languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from dagster_project.publish.site.language import chinese

TEXTS = ("title", "subtitle", "text", "description", "name", "domain", "sort", "equal", "oneOf")
EXPRESSIONS = ("expr", "calculate", "filter", "labelExpr", "test")
DATA = ("values", "datasets")  # every text below these
LITERAL = r"""(\[?)(["'])((?:(?!\2)[^\\])*)\2"""  # with the bracket of datum['field'], which is no text
BILINGUAL = re.compile(r"[^\u4e00-\u9fff]*[^\s\u4e00-\u9fff] ([\u4e00-\u9fff]+)")  # Hefei 合肥市


def of(specs: Iterable[dict[str, Any]], names: dict[str, str]) -> dict[str, Any]:
    """What the script needs: the places of texts in a spec, and English text -> Chinese text.

    `names`: what the published file itself names in both languages, in English -> in Chinese.
    """
    said = dict.fromkeys(text for spec in specs for text in texts(spec))
    twins = {text: names.get(text) or twin_of(text) for text in said}
    found = {text: twin for text, twin in twins.items() if twin not in (None, text)}
    return {"texts": TEXTS, "expressions": EXPRESSIONS, "data": DATA, "literal": LITERAL, "words": found}


def twin_of(text: str) -> str | None:
    """The Chinese text: of a name in both languages its Chinese half, else what the dictionary has."""
    both = BILINGUAL.fullmatch(text)
    return both[1] if both else chinese(text)


def texts(node: Any, key: str = "", in_data: bool = False) -> Iterator[str]:
    """Every text of a spec that people may read, in the places that the script looks at."""
    if isinstance(node, dict):
        for name, part in node.items():
            yield from texts(part, name, in_data or name in DATA)
    elif isinstance(node, list):
        if node and isinstance(node[0], int | float):  # outlines of a map
            return
        for part in node:
            yield from texts(part, key, in_data)
    elif isinstance(node, str):
        if in_data or key in TEXTS:
            yield node
        elif key in EXPRESSIONS:
            yield from (word for bracket, _, word in re.findall(LITERAL, node) if not bracket)
