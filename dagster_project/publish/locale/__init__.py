"""Sentences in the reader's language: gettext catalogues, read from the .po files beside this module.

A message is a whole English sentence with named holes, `{n:,} cities`; its twin stands in `<language>.po`. A further
language is one more file. `make i18n` collects the messages of code, templates, scripts and exhibits.
"""

import ast
import gettext
import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

FOLDER = Path(__file__).parent
ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d+\])?)?\s*(".*")$')


class Number(float):
    """A float that formats with thousands separators, a true minus sign and a dash where there is no value.

    The format `p` is for p-values: = 0.043, < 0.001.
    """

    def __format__(self, spec: str) -> str:
        if not math.isfinite(self):
            return "–"
        if spec == "p":
            return "< 0.001" if self < 0.001 else f"= {self:.3f}"
        text = super().__format__(spec or ",.4g")
        if re.fullmatch(r"[+-]?[0.,]+%?", text):
            text = text.lstrip("+-")
        return text.replace("-", "−")


class Catalogue:
    """The messages of one language. `language` is the name of its file, `tag` what HTML calls it, e.g. zh-CN."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.entries: dict[str, list[str]] = {}
        self._plural: Callable[[int], int] = lambda n: int(n != 1)
        self.tag = language
        if language != "en":
            self._read((FOLDER / f"{language}.po").read_text(encoding="utf-8"))

    def _read(self, text: str) -> None:
        for block in re.split(r"\n\s*\n", text):
            if re.search(r"^#,.*\bfuzzy\b", block, re.M) or re.search(r"^#~", block, re.M):
                continue
            found: dict[str, str] = {}
            key = ""
            for line in block.splitlines():
                if match := ENTRY.match(line):
                    key = match[1] or key
                    found[key] = found.get(key, "") + ast.literal_eval(match[2])
            texts = [found[key] for key in sorted(found) if key.startswith("msgstr")]
            if found.get("msgid") and all(texts):
                self.entries[found["msgid"]] = texts
            elif found.get("msgid") == "":
                header = dict(line.split(": ", 1) for line in texts[0].splitlines() if ": " in line)
                self.tag = header.get("Language", self.language).replace("_", "-")
                if rule := re.search(r"plural=([^;]+)", header.get("Plural-Forms", "")):
                    self._plural = gettext.c2py(rule[1])

    def gettext(self, message: str) -> str:
        """The twin of `message`, or itself."""
        found = self.entries.get(" ".join(message.split()), None) if self.entries else None
        return found[0] if found else " ".join(message.split())

    def ngettext(self, one: str, many: str, n: float) -> str:
        """The twin for `n` things."""
        found = self.entries.get(one)
        forms = found if found else [one, many]
        return forms[min(self._plural(int(n)), len(forms) - 1)]

    def say(self, message: str, many: str | None = None, /, **values: Any) -> str:
        """The sentence with its holes filled. With `many`, `n` decides between one and many.

        Numbers get separators and a true minus sign. If a value is Markup, the sentence is: the rest is escaped.
        """
        text = self.gettext(message) if many is None else self.ngettext(message, many, values["n"])
        held = {key: numbered(value) for key, value in values.items()}
        if any(isinstance(value, Markup) for value in held.values()):
            return Markup(escape(text)).format(**held)
        return text.format(**held)


def numbered(value: Any) -> Any:
    """Floats, and the lack of a value, as numbers that format themselves."""
    return Number("nan") if value is None else Number(value) if isinstance(value, float) else value


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language that `languages` names."""
    return Catalogue(language)


def languages() -> list[str]:
    """English and every language that has a file."""
    return ["en", *sorted(file.stem for file in FOLDER.glob("*.po"))]


def msg(message: str) -> str:
    """Marks a message that is said later."""
    return message
