"""What the doctor says: what is wrong, where, what to do, and what `--fix` may do about it."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `fix`: remove, set_aside or republish what is at `where`; "" if a person must act."""

    what: str
    where: Path
    do: str
    fix: str = ""


@dataclass
class Diagnosis:
    """findings: something is wrong. notes: what was not looked at, and why."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
