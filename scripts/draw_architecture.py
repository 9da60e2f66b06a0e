"""Draw docs/architecture.svg from the imports of the code: rooms as boxes, arrows to what they import.

    python -m scripts.draw_architecture

A room is a package below dagster_project, a module beside them, python_models or expectations. It stands one floor
below the lowest room that imports it, so every arrow leads down; a circle of imports is an error. An arrow that follows
from others (A imports B, B imports C, A imports C) is left out, and so are those to the ground: modules that everyone
may use and that import no package.
"""

from __future__ import annotations

import ast
import itertools
import textwrap
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
DRAWING = ROOT / "docs" / "architecture.svg"
TOP = "dagster_project"
OTHERS = ("expectations", "python_models")
BOX_W, BOX_H, GAP_X, GAP_Y, MARGIN = 196, 104, 26, 58, 24
WRAP, MOST_LINES, SWEEPS = 32, 4, 6


def rooms() -> dict[str, list[Path]]:
    """Room -> its files."""
    found = {name: sorted((ROOT / name).rglob("*.py")) for name in OTHERS}
    for path in sorted((ROOT / TOP).iterdir()):
        if path.suffix == ".py" and path.name != "__init__.py":
            found[path.stem] = [path]
        elif (path / "__init__.py").is_file():
            found[path.name] = sorted(path.rglob("*.py"))
    return found


def imports(file: Path) -> Iterator[str]:
    """Full names of what a file imports, at any depth."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(of: dict[str, list[Path]]) -> dict[str, set[str]]:
    """Room -> the rooms that it imports."""
    found: dict[str, set[str]] = {room: set() for room in of}
    for room, files in of.items():
        for name in {name for file in files for name in imports(file)}:
            first, *rest = name.split(".")
            target = rest[0] if first == TOP and rest else first
            if target in of and target != room:
                found[room].add(target)
    return found


def depths(of: dict[str, set[str]]) -> dict[str, int]:
    """Longest chain of imports above each room; ValueError names a circle."""
    found = dict.fromkeys(of, 0)

    def visit(room: str, above: tuple[str, ...]) -> None:
        if room in above:
            raise ValueError(f"a circle of imports: {' -> '.join([*above[above.index(room) :], room])}")
        found[room] = max(found[room], len(above))
        for low in sorted(of[room]):
            visit(low, (*above, room))

    for room in sorted(of):
        visit(room, ())
    return found


def below(of: dict[str, set[str]], room: str) -> set[str]:
    """Everything that a room reaches."""
    return of[room] | {far for near in of[room] for far in below(of, near)}


def reduced(of: dict[str, set[str]]) -> dict[str, set[str]]:
    """Without the arrows that follow from others."""
    return {
        room: {low for low in lows if not any(low in below(of, o) for o in lows - {low})} for room, lows in of.items()
    }


def words(room: str, files: list[Path]) -> list[str]:
    """First sentence of the room's docstring, in lines."""
    head = next((file for file in files if file.name == "__init__.py"), files[0])
    text = ast.get_docstring(ast.parse(head.read_text(encoding="utf-8"))) or room
    sentence = " ".join(text.split("\n\n")[0].split()).split(". ")[0].rstrip(".").replace("`", "")
    lines = textwrap.wrap(sentence, WRAP)
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1][: WRAP - 2] + " …"]


def places(of: dict[str, set[str]], depth: dict[str, int], ground: set[str]) -> dict[str, tuple[float, float]]:
    """Centre of each box, floor by floor; inside a floor the rooms stand near those that they have arrows with."""
    upper = sorted(set(of) - ground)
    floors = [[r for r in upper if depth[r] == level] for level in range(max(depth[r] for r in upper) + 1)]
    floors.append(sorted(ground))
    width = max(len(floor) for floor in floors) * (BOX_W + GAP_X)
    at: dict[str, tuple[float, float]] = {}
    for _ in range(SWEEPS):
        for level, floor in enumerate(floors):
            near = {r: [at[o][0] for o in at if r in of[o] or o in of[r]] or [width / 2] for r in floor}
            floor.sort(key=lambda room: (sum(near[room]) / len(near[room]), room))
            step = width / len(floor)
            for place, room in enumerate(floor):
                at[room] = (MARGIN + step * (place + 0.5), MARGIN + level * (BOX_H + GAP_Y) + BOX_H / 2)
    return at


def arrow(high: tuple[float, float], low: tuple[float, float]) -> str:
    """From the foot of one box to the head of another; past boxes between them on their right."""
    (x1, y1), (x2, y2) = (high[0], high[1] + BOX_H / 2), (low[0], low[1] - BOX_H / 2 - 2)
    stops = [(x1, y1), (x2, y2)]
    if y2 - y1 > GAP_Y:
        x = max(x1, x2) + BOX_W / 2 + GAP_X / 2
        stops[1:1] = [(x, y1 + GAP_Y), (x, y2 - GAP_Y)]
    path = f"M{x1:.0f} {y1:.0f}"
    for (a, b), (c, d) in itertools.pairwise(stops):
        bend = min(d - b, GAP_Y) * 0.8
        path += f"C{a:.0f} {b + bend:.0f} {c:.0f} {d - bend:.0f} {c:.0f} {d:.0f}"
    return path


def draw() -> str:
    """The drawing as SVG text."""
    of = rooms()
    every = arrows(of)
    ground = {room for room in of if len(of[room]) == 1 and all(len(of[low]) == 1 for low in every[room])}
    kept = reduced({room: lows - ground for room, lows in every.items()})
    at = places(kept, depths(every), ground)
    w = max(x for x, _ in at.values()) + BOX_W / 2 + MARGIN
    h = max(y for _, y in at.values()) + BOX_H / 2 + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w:.0f}" height="{h:.0f}" viewBox="0 0 {w:.0f} {h:.0f}" '
        'font-family="sans-serif" role="img" aria-label="Rooms of the code and what imports what">',
        "<style>.box{fill:#f5f6f8;stroke:#5b6477}.far{fill:#eef4ee}.name{font-size:15px;font-weight:bold;fill:#1f2430}"
        ".text{font-size:11px;fill:#3a4254}.arrow{fill:none;stroke:#7a8296;stroke-width:1.3}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#7a8296"/></marker></defs>',
        f'<rect width="{w:.0f}" height="{h:.0f}" fill="#ffffff"/>',
    ]
    for room in sorted(kept):
        for low in sorted(kept[room]):
            parts.append(f'<path class="arrow" marker-end="url(#tip)" d="{arrow(at[room], at[low])}"/>')
    for room in sorted(of):
        x, y = at[room][0] - BOX_W / 2, at[room][1] - BOX_H / 2
        far = " far" if room in OTHERS else ""
        parts.append(f'<rect class="box{far}" x="{x:.0f}" y="{y:.0f}" width="{BOX_W}" height="{BOX_H}" rx="6"/>')
        title = room if room in OTHERS or len(of[room]) > 1 else f"{room}.py"
        parts.append(f'<text class="name" x="{x + 10:.0f}" y="{y + 22:.0f}">{escape(title)}</text>')
        for n, line in enumerate(words(room, of[room])):
            parts.append(f'<text class="text" x="{x + 10:.0f}" y="{y + 42 + 15 * n:.0f}">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    DRAWING.write_text(draw(), encoding="utf-8")
