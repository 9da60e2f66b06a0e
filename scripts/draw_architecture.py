"""Draw docs/architecture.svg from the imports of the code: rooms as boxes, arrows to what they import.

    python -m scripts.draw_architecture

A room is a package below dagster_project, a module beside them, python_models or expectations. It stands one floor
below the lowest room that imports it, so every arrow leads down; a circle of imports is an error. An arrow that follows
from others (A imports B, B imports C, A imports C) is left out, and so are those to the ground: modules that everyone
may use and that import no package.
"""

import ast
import itertools
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
DRAWING = ROOT / "docs" / "architecture.svg"
TOP = "dagster_project"
OTHERS = ("expectations", "python_models")
BOX_W, BOX_H, GAP_X, GAP_Y, MARGIN = 196, 104, 26, 58, 24
LANE_W = 14  # where an arrow passes a floor
WRAP, MOST_LINES, SWEEPS = 32, 4, 12


class Lane(NamedTuple):
    """Where an arrow passes a floor between its two rooms."""

    high: str
    low: str
    floor: int


type Node = str | Lane


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
            # a module of the standard library may be called like a room: `inspect`
            target = rest[0] if first == TOP and rest else first if first in OTHERS else ""
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


def chains(of: dict[str, set[str]], depth: dict[str, int]) -> list[list[Node]]:
    """Each arrow as the nodes that it passes: the two rooms, and a lane on each floor between them."""
    return [
        [high, *(Lane(high, low, floor) for floor in range(depth[high] + 1, depth[low])), low]
        for high in sorted(of)
        for low in sorted(of[high])
    ]


def places(floors: list[list[Node]], paths: list[list[Node]]) -> dict[Node, tuple[float, float]]:
    """Centre of each node; inside a floor the nodes stand near those that they have arrows with."""
    widths = [[BOX_W + GAP_X if isinstance(node, str) else LANE_W for node in floor] for floor in floors]
    whole = max(sum(width) for width in widths)
    steps = [step for path in paths for step in itertools.pairwise(path)]
    at: dict[Node, tuple[float, float]] = {}
    for _ in range(SWEEPS):
        for level, floor in enumerate(floors):
            near: dict[Node, list[float]] = {node: [] for node in floor}
            for high, low in steps:
                if high in near and low in at:
                    near[high].append(at[low][0])
                if low in near and high in at:
                    near[low].append(at[high][0])
            floor.sort(key=lambda n: (sum(near[n]) / len(near[n]) if near[n] else whole / 2, str(n)))
            x = MARGIN + (whole - sum(widths[level])) / 2
            for node in floor:
                width = BOX_W + GAP_X if isinstance(node, str) else LANE_W
                at[node] = (x + width / 2, MARGIN + level * (BOX_H + GAP_Y) + BOX_H / 2)
                x += width
    return at


def arrow(path: list[Node], at: dict[Node, tuple[float, float]]) -> str:
    """From the foot of one box to the head of another, straight through the lanes between them."""
    (x, y), half = at[path[0]], BOX_H / 2
    text = f"M{x:.0f} {y + half:.0f}"
    for (a, b), (c, d) in itertools.pairwise(at[node] for node in path):
        top, bottom = b + half, d - half
        text += f"C{a:.0f} {top + 0.8 * GAP_Y:.0f} {c:.0f} {bottom - 0.8 * GAP_Y:.0f} {c:.0f} {bottom - 2:.0f}"
        if (c, d) != at[path[-1]]:
            text += f"L{c:.0f} {d + half:.0f}"
    return text


def draw() -> str:
    """The drawing as SVG text."""
    of = rooms()
    every = arrows(of)
    ground = {room for room in of if len(of[room]) == 1 and all(len(of[low]) == 1 for low in every[room])}
    kept = reduced({room: lows - ground for room, lows in every.items() if room not in ground})
    depth = depths(kept)
    paths = chains(kept, depth)
    lanes = [node for path in paths for node in path[1:-1]]
    floors: list[list[Node]] = [
        [*(room for room in sorted(kept) if depth[room] == level), *(n for n in lanes if n[2] == level)]
        for level in range(max(depth.values()) + 1)
    ]
    at = places([*floors, [*sorted(ground)]], paths)
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
    parts += [f'<path class="arrow" marker-end="url(#tip)" d="{arrow(path, at)}"/>' for path in paths]
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
