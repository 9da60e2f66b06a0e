"""Tables and lists of words written as text, so that a test shows them as a person reads them."""

import io

import pandas as pd


def frame_of(text: str) -> pd.DataFrame:
    """The first line names the columns; blanks part the cells, and `-` is a missing value."""
    lines = io.StringIO(text.strip())
    return pd.read_csv(lines, sep=r"\s+", na_values="-", keep_default_na=False, float_precision="round_trip")


def words(text: str) -> list[str]:
    """The words of a text, for lists of codes that would fill a page one below the other."""
    return text.split()
