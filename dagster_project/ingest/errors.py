"""The one error of the ingest library: what is wrong, where, and what to do about it."""

from __future__ import annotations


class IngestError(Exception):
    """A landing file or its sidecar cannot be used.

    what: the fact, without a final dot; where: file, sheet, row or column; remedy: what a person can do.
    str() gives "<what> [<where>]. <remedy>."
    """

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what = what.rstrip(". ")
        self.where = where
        self.remedy = remedy.rstrip(". ")
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f" [{self.where}]" if self.where else ""
        advice = f" {self.remedy}." if self.remedy else ""
        return f"{self.what}{place}.{advice}"
