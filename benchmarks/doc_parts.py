"""Parts of a page of the documentation that a benchmark writes anew, each between two marks of its name."""

from pathlib import Path

import pandas as pd


def table(frame: pd.DataFrame) -> str:
    """A Markdown table of texts and numbers as they are, which are empty where they are missing."""
    rows = frame.astype(object).where(frame.notna(), "").to_numpy()
    head = "| " + " | ".join(map(str, frame.columns)) + " |\n|" + "---|" * len(frame.columns)
    return "\n".join([head, *("| " + " | ".join(map(str, row)) + " |" for row in rows)]) + "\n"


def write_part(page: Path, name: str, text: str) -> None:
    """Put `text` between the two marks of `name`. ValueError: a page without them."""
    before, start, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not (start and end):
        raise ValueError(f"{page} has no part between '<!-- {name} -->' and '<!-- end of {name} -->': add both lines.")
    page.write_text(f"{before}{start}{text}{end}{after}", encoding="utf-8")
