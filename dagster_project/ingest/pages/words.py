"""A page as its words: text, box and what speaks against the reading of each."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MARKER = re.compile(r"[…⋯·.\-–—−_#*/一]+")
NUMBER = re.compile(r"[+\-–—−]?\d[\d,. ]*")


@dataclass(frozen=True)
class Word:
    """Box in pixels of the upright page; score: of the least certain sign; flag: why the reading is doubted."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    score: float = 1.0
    flag: str = ""

    @property
    def middle(self) -> tuple[float, float]:
        """Centre of the box."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def height(self) -> float:
        """Of the box."""
        return self.y1 - self.y0


@dataclass(frozen=True, eq=False)
class Page:
    """A page laid straight. back: 2 x 3 matrix from its pixels to the units of the page as it is shown."""

    number: int
    words: list[Word]
    lying: NDArray[np.float64]
    standing: NDArray[np.float64]
    back: NDArray[np.float64]
    shape: tuple[int, int]
    is_picture: bool

    def box(self, word: Word) -> tuple[float, float, float, float]:
        """Box of a word on the page as it is shown."""
        corners = np.array([[x, y, 1.0] for x in (word.x0, word.x1) for y in (word.y0, word.y1)]) @ self.back.T
        (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


def plain(text: str) -> str:
    """Full-width signs as ASCII, every minus as a hyphen."""
    return re.sub("[–—−]", "-", unicodedata.normalize("NFKC", text)).strip()


def is_number(text: str) -> bool:
    """Digits with points, commas or blanks, perhaps a minus."""
    return NUMBER.fullmatch(plain(text)) is not None


def is_marker(text: str) -> bool:
    """What stands where there is no figure."""
    return MARKER.fullmatch(text.strip()) is not None
