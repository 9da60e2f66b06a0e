"""The pages of the Data Docs that lead to the others: one a year, and one of all years on top.

They are made from what was kept of each load (`summary.json`), so they need no Great Expectations.
"""

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from expectations.style import STYLE

MAX_LISTED = 20
# what the table of cells says of a place: heading -> columns of a finding, the first that is there
CELL_COLUMNS: dict[str, tuple[str, ...]] = {
    "file": ("file",),
    "sheet": ("sheet",),
    "cell": ("cell", "col_no", "row_no"),
    "place": ("city_name", "city_text", "province_name"),
    "variable": ("variable_code", "header_path"),
    "year": ("year",),
    "printed": ("text",),
    "figure": ("value",),
    "unit": ("unit",),
    "before": ("value_last",),
}


def cells_of(details: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The places of a finding, at most MAX_LISTED, by the headings of CELL_COLUMNS; examples of a column each."""
    places: list[Mapping[str, Any]] = []
    for detail in details:
        examples = detail.get("examples")
        places += [{**detail, **one} for one in examples] if isinstance(examples, list) and examples else [detail]
    found = []
    for place in places[:MAX_LISTED]:
        shown = {
            name: next((place[c] for c in columns if place.get(c) is not None), None)
            for name, columns in CELL_COLUMNS.items()
        }
        found.append({name: _shown(value) for name, value in shown.items() if value not in (None, "")})
    return found


def _shown(value: Any) -> str:
    """A figure with as many digits as a person reads; texts as they are."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:,.10g}"


def folder_name(name: str) -> str:
    """A name that is safe as a folder (letters, digits, '.', '_', '-'); ValueError if nothing is left."""
    safe = re.sub(r"[^\w.-]+", "_", name).strip("._")
    if not safe:
        raise ValueError(f"'{name}' cannot name a validation: it has no letter and no digit.")
    return safe


def write_index(docs_dir: Path) -> Path:
    """All loads below a folder, those refused and the newest first; returns the path of the page."""
    summaries = [json.loads(path.read_text(encoding="utf-8")) for path in docs_dir.glob("*/summary.json")]
    summaries.sort(key=lambda one: (one["checked_at"], one["name"]), reverse=True)
    summaries.sort(key=lambda one: bool(one["accepted"]))
    body = ['<p><a href="../index.html">All years</a></p>'] if (docs_dir.parent / "index.html").exists() else []
    body.append("<h1>Data Docs: loads judged by the gate</h1>")
    for one in summaries:
        body += _load(one)
    return _written(docs_dir, "Data Docs", body)


def write_overview(root: Path) -> Path:
    """One table of the loads of all years (folders below `root`), with a link to each, refused ones first.

    Renews the pages of the years, which lead back to it. Returns its path.
    """
    loads = [
        (path.parent, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(root.glob("*/*/summary.json"))
    ]
    loads.sort(key=lambda load: (bool(load[1]["accepted"]), -load[1]["data_year"], load[1]["name"]))
    rows = []
    for folder, one in loads:
        counts = [sum(found["severity"] == severity for found in one["failed"]) for severity in ("error", "warn")]
        link = f"{folder.parent.name}/index.html#{folder.name}"
        verdict = "accepted" if one["accepted"] else "refused"
        cells = [
            f'<a href="{esc(link)}">{esc(one["name"])}</a>',
            esc(one["source"]),
            esc(one["data_year"] or "several"),
            f'<span class="{verdict}">{verdict}</span>',
            *map(str, counts),
            esc(one["checked_at"]),
        ]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    heads = ("load", "source", "year", "verdict", "errors", "warnings", "judged")
    n_refused = sum(not one["accepted"] for _, one in loads)
    body = [
        "<h1>Data Docs of the gate</h1>",
        f"<p>{len(loads)} loads judged, {n_refused} refused. A load that is not listed was never judged.</p>",
        '<div class="scroll"><table><thead><tr>' + "".join(f"<th>{head}</th>" for head in heads) + "</tr></thead>",
        f"<tbody>{''.join(rows)}</tbody></table></div>",
    ]
    root.mkdir(parents=True, exist_ok=True)
    index = _written(root, "Data Docs of the gate", body)
    for folder in {path.parent for path, _ in loads}:
        write_index(folder)  # with the way back
    return index


def _load(one: Mapping[str, Any]) -> Iterable[str]:
    """One load: verdict, its suites with what failed in each, and a table of the cells of each error."""
    folder = folder_name(one["name"])
    verdict = "accepted" if one["accepted"] else "refused"
    note = ", synthetic" if one["is_synthetic"] else ""
    yield f'<section class="finding {"pass" if one["accepted"] else "error"}" id="{esc(folder)}">'
    yield f"<h2>{esc(one['name'])} <small>{verdict}</small></h2>"
    year = one["data_year"] or "several years"
    yield f"<p>{esc(one['source'])}, {year}{note}; {one['n_rules']} rules; {one['checked_at']}</p>"
    links = []
    for suite in one["suites"]:
        failed = [found["severity"] for found in one["failed"] if found["suite"] == suite]
        counts = [(failed.count("error"), "error"), (failed.count("warn"), "warning")]
        said = ", ".join(f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n)
        links.append(f'<a href="{esc(folder)}/{esc(suite)}.html">{esc(suite)}</a>' + (f" <b>({said})</b>" * bool(said)))
    yield f"<p>{' · '.join(links)}</p>"
    for found in sorted(one["failed"], key=lambda found: found["severity"] != "error"):
        link = f"{folder}/{found['suite']}.html#{found['rule_id']}"
        yield f'<p><b>{esc(found["severity"])}</b> <a href="{esc(link)}">{esc(found["rule_id"])}</a></p>'
        yield from _cells(found)
        yield f"<p>{esc(found['sentence'])}</p>"
    yield "</section>"


def _cells(found: Mapping[str, Any]) -> Iterable[str]:
    cells = found.get("cells") or []
    heads = [name for name in CELL_COLUMNS if any(name in cell for cell in cells)]
    if not heads:
        return
    yield (
        '<div class="scroll"><table><thead><tr>'
        + "".join(f"<th>{head}</th>" for head in heads)
        + "</tr></thead><tbody>"
    )
    for cell in cells:
        yield "<tr>" + "".join(f"<td>{esc(cell.get(head))}</td>" for head in heads) + "</tr>"
    yield "</tbody></table></div>"


def _written(folder: Path, title: str, body: Iterable[str]) -> Path:
    (folder / "style.css").write_text(STYLE, encoding="utf-8")
    index = folder / "index.html"
    index.write_text(page(title, body, root=""), encoding="utf-8")
    return index


def page(title: str, body: Iterable[str], *, root: str) -> str:
    """A whole page; `root` leads to the folder of the style."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="UTF-8">\n<title>{esc(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<link rel="stylesheet" href="{root}style.css">\n</head>\n<body>\n'
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def esc(value: object) -> str:
    """Text for a page; nothing for None."""
    return "" if value is None else html.escape(str(value))
