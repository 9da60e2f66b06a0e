"""What a column means where its own YAML does not say it: from a mart that says it, or from dbt/words.yml."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import yaml

from dagster_project.paths import PROJECT
from dagster_project.publish.release.dictionary import WIDE, names_of_codes

WORDS = PROJECT / "dbt" / "words.yml"
SHOWN = {
    "raw": "{} ({})",
    "z": "{}, standardised, higher is better",
    "control": "{} ({}), as a control",
    "group": "Group of the city in the scheme: {}",
}


@cache
def read_words(part: str = "columns") -> dict[str, str]:
    """Name -> meaning, of a part of dbt/words.yml: columns or tests."""
    return dict(yaml.safe_load(WORDS.read_text(encoding="utf-8"))[part])


def meanings(manifest: Mapping[str, Any]) -> Callable[[str], str | None]:
    """Column name -> what it means; None where nobody says it."""
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for node in manifest["nodes"].values():
        for name, column in node.get("columns", {}).items():
            if column.get("description"):
                said[name][str(column["description"])] += 1

    def meaning(column: str) -> str | None:
        if column in read_words():
            return read_words()[column]
        if column in said:
            return said[column].most_common(1)[0][0]
        match = WIDE.fullmatch(column)
        for what, code in ((None, column), (match["what"], match["code"]) if match else (None, column)):
            if code in names_of_codes():
                named = names_of_codes()[code]
                text = SHOWN.get(what or "", "{} ({})").format(named.en, named.unit).replace(" ()", "")
                return f"{text[0].upper()}{text[1:]}."
        return None

    return meaning
