"""The drawing in docs/architecture.md, from the imports of the code: `python -m scripts.architecture` renews it.

A room is a package or module directly below dagster_project, or another package. An arrow that follows from others
(A imports B, B imports C, A imports C) is left out.
"""

import re
from pathlib import Path

import grimp

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"
PACKAGES = ("dagster_project", "expectations", "python_models")
DRAWING = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)


def import_graph() -> grimp.ImportGraph:
    """Every module of ours and what it imports, of ours and of others."""
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def room_imports() -> dict[str, set[str]]:
    """Room -> the rooms that it imports, short names."""
    graph = import_graph()
    rooms = [*graph.find_children(PACKAGES[0]), *PACKAGES[1:]]
    for room in rooms:
        graph.squash_module(room)
    return {
        room.split(".")[-1]: {
            low.split(".")[-1] for low in graph.find_modules_directly_imported_by(room) & {*rooms} - {room}
        }
        for room in rooms
    }


def reduced(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Without the arrows that follow from others. The rooms must not import each other in a circle."""

    def reach(room: str) -> set[str]:
        return imports[room].union(*map(reach, imports[room]))

    return {
        room: {low for low in lows if not any(low in reach(other) for other in lows - {low})}
        for room, lows in imports.items()
    }


def drawing() -> str:
    """The block of the page, in Mermaid."""
    arrows = [f"  {room} --> {low}" for room, lows in sorted(reduced(room_imports()).items()) for low in sorted(lows)]
    return "\n".join(["```mermaid", "flowchart TD", *arrows, "```", ""])


if __name__ == "__main__":
    PAGE.write_text(DRAWING.sub(drawing(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
