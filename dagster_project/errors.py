"""What is wrong, where, and what to do about it: the two errors that become a sentence, and the exit codes.

A scheduler acts on the code, a person on the sentence. Everything may import this; it imports nothing of ours.
"""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (zero width, direction), surrogates, line ends
_LONGEST = 2_000

EXIT_OK, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_REFUSED, EXIT_BUSY = 0, 1, 2, 3, 4


class Refusal(Exception):
    """What a command cannot do, why, and what to do instead; one or two sentences for people."""

    def __init__(self, text: str, exit_code: int = EXIT_BAD_INPUT) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class IngestError(Exception):
    """A landing file or its sidecar cannot be used.

    what: the fact, without a final dot; where: file, sheet, row or column; remedy: what a person can do.
    str() gives "<what> [<where>]. <remedy>.", on one line and with signs that do not show written out.
    """

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what = what.rstrip(". ")
        self.where = where
        self.remedy = remedy.rstrip(". ")
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f" [{self.where}]" if self.where else ""
        advice = f" {self.remedy}." if self.remedy else ""
        return printable(f"{_cut(self.what)}{_cut(place)}.{_cut(advice)}")


def printable(text: str) -> str:
    r"""Text of a file for a terminal: what does not show, turns the writing round or steers the screen is \uXXXX."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(sign) if unicodedata.category(sign) in _HIDDEN else sign for sign in text)


def _escaped(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
