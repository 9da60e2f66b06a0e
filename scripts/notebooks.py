"""Run the notebooks of docs/notebooks on the demo and write their outputs into them.

    python -m scripts.notebooks [NOTEBOOK ...]

No kernel is needed: cells run one after the other in this process, in the folder of the notebook. The last expression
of a cell is shown as a notebook shows it; a chart is kept as a picture, so that it is seen without a network.
"""

import ast
import contextlib
import hashlib
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import vl_convert

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "notebooks"
VEGA_LITE = "6.4"  # of the Altair that is pinned


def run(notebook: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The notebook with the outputs of its code cells, run in `folder`. Whatever a cell raises is raised."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, count = [], 0
    with contextlib.chdir(folder):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                count += 1
                outputs = list(outputs_of("".join(cell["source"]), names, count))
                cell = {**cell, "execution_count": count, "outputs": outputs}
            cells.append(cell)
    return {**notebook, "cells": cells, "metadata": {**notebook["metadata"], "run": code_hash(notebook)}}


def code_hash(notebook: dict[str, Any]) -> str:
    """Of the code alone: kept with the outputs, so that a test sees code that was changed and not run."""
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256("\n\n".join(code).encode()).hexdigest()


def outputs_of(source: str, names: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """What a cell prints, then what its last expression is."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    if printed.getvalue():
        yield {"output_type": "stream", "name": "stdout", "text": lines_of(printed.getvalue())}
    if value is not None:
        yield {"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": by_media_type(value)}


def by_media_type(value: Any) -> dict[str, Any]:
    """A value as a notebook keeps it, by media type."""
    if hasattr(value, "to_dict") and type(value).__module__.startswith("altair"):
        drawing = vl_convert.vegalite_to_svg(json.dumps(value.to_dict()), vl_version=VEGA_LITE)
        return {"image/svg+xml": [drawing], "text/plain": [f"{type(value).__name__}(...)"]}
    formats = {"text/plain": lines_of(repr(value))}
    if hasattr(value, "_repr_html_"):
        formats["text/html"] = lines_of(value._repr_html_())
    return formats


def lines_of(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main(paths: list[Path]) -> None:
    for path in paths:
        notebook = run(json.loads(path.read_text(encoding="utf-8")), path.parent)
        path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    main([Path(name).resolve() for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")))
