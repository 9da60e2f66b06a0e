"""What is said of one number of a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dagster_project.publish.check.passages import Passage
from dagster_project.publish.check.recognise import Number
from dagster_project.publish.check.verdicts import DIFFERS, RIGHT, is_like


@dataclass
class Finding:
    """A number, where it stands, and what is to be said of it."""

    place: str
    text: str
    number: float | int
    verdict: str
    candidates: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""
    of: Number | None = None
    start: int = 0
    passage: Passage | None = None
    right: str = ""

    @property
    def differs(self) -> bool:
        return self.verdict in DIFFERS

    @property
    def printed(self) -> str:
        return self.of.text if self.of else ""

    @property
    def published(self) -> float:
        """The figure that the number is, or should be, as it is printed; 0: not known."""
        return float(self.number) if self.verdict in RIGHT else float(self.right or 0)

    @property
    def is_guess(self) -> bool:
        """Whether it is called wrong, but is no likely misprint of what it should be."""
        return self.verdict == "not_ours" and not (self.of and self.right and is_like(self.of, float(self.right)))

    @property
    def of_all(self) -> str:
        """The figure of all cities or of a group because of which it is called wrong, by no sure sign; else nothing."""
        keys = [one["key"] for one in self.candidates] or [""]
        is_wrong = self.verdict == "not_ours" and "swapped" not in self.note and keys[0].startswith("nqpf:nation.")
        is_of_named = self.note.startswith("the published") and not any("/CN/" in key for key in keys)
        return keys[0].removeprefix("nqpf:nation.").partition("/")[0] if is_wrong and not is_of_named else ""

    def record(self) -> dict[str, Any]:
        """What --json prints."""
        return {name: getattr(self, name) for name in ("place", "text", "number", "verdict", "candidates", "note")}
