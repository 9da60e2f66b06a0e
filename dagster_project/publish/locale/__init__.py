"""Sentences in the reader's language: gettext catalogues, read from the .po files beside this module.

A message is a whole English sentence with named holes, `{n:,} cities`; its twin stands in `<language>.po`. A further
language is one more file. `make i18n` collects the messages of code, templates, scripts and exhibits. Names of codes
and descriptions of columns do not belong here (label.csv, dbt).
"""

import gettext
import io
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from dagster_project.figures import grouped

FOLDER = Path(__file__).parent


class Number(float):
    """A float that formats with thousands separators, a true minus sign and a dash where there is no value.

    The format `p` is for p-values: = 0.043, < 0.001.
    """

    def __format__(self, spec: str) -> str:
        if not math.isfinite(self):
            return "–"
        if spec == "p":
            return "< 0.001" if self < 0.001 else f"= {self:.3f}"
        digits = re.fullmatch(r",?\.(\d+)g", spec or ",.4g")
        text = grouped(float(self), int(digits[1])) if digits else super().__format__(spec)
        if re.fullmatch(r"[+-]?[0.,]+%?", text):
            text = text.lstrip("+-")
        return text.replace("-", "−")


class Catalogue:
    """The messages of one language. `language` is the name of its file, `tag` what HTML calls it, e.g. zh-CN."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._translations = _read(FOLDER / f"{language}.po") if language != "en" else gettext.NullTranslations()
        self.tag = self._translations.info().get("language", language).replace("_", "-")

    def gettext(self, message: str) -> str:
        """The translation of `message`, or itself."""
        return self._translations.gettext(" ".join(message.split()))

    def ngettext(self, one: str, many: str, n: float) -> str:
        """The translation for `n` things."""
        return self._translations.ngettext(one, many, int(n))

    def say(self, message: str, many: str | None = None, /, **values: Any) -> str:
        """The sentence with its holes filled. With `many`, `n` decides between one and many.

        Numbers get separators and a true minus sign. If a value is Markup, the sentence is: the rest is escaped.
        """
        text = self.gettext(message) if many is None else self.ngettext(message, many, values["n"])
        fields = {key: numbered(value) for key, value in values.items()}
        if any(isinstance(value, Markup) for value in fields.values()):
            return Markup(escape(text)).format(**fields)
        return text.format(**fields)


def _read(file: Path) -> gettext.GNUTranslations:
    """A catalogue of messages, without those that are marked fuzzy."""
    from babel.messages.mofile import write_mo  # here: English does without
    from babel.messages.pofile import read_po

    buffer = io.BytesIO()
    with file.open("rb") as source:
        write_mo(buffer, read_po(source))
    buffer.seek(0)
    return gettext.GNUTranslations(buffer)


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
