"""The pages of the Data Docs that lead to the others: one a year, and one of all years on top, each in two languages.

They are made from what was kept of each load (`summary.json`), so they need no Great Expectations.
"""

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from expectations.style import STYLE

MAX_LISTED = 20
LANGUAGES = {"en": ("English", ".html"), "zh-CN": ("中文", ".zh.html")}  # tag -> name, end of a file's name
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


@dataclass(frozen=True)
class Words:
    """What a page says: English as the code has it, or its twin in zh.json."""

    tag: str

    def __call__(self, text: str, **values: object) -> str:
        own = self._own["words"].get(text, text)
        return str(own).format(**values) if values else str(own)

    def rule(self, rule_id: str) -> tuple[str, str]:
        """What a rule asks and what to do where it is broken; nothing in English, where the sentence says both."""
        asks, advice = self._own["rules"].get(rule_id, ("", ""))
        return asks, advice

    def counted(self, n: int, word: str) -> str:
        return self(f"{{n}} {word}{'s' * (n > 1)}", n=n)

    @property
    def end(self) -> str:
        """How the names of the files end."""
        return LANGUAGES[self.tag][1]

    @property
    def _own(self) -> dict[str, dict[str, Any]]:
        return {"words": {}, "rules": {}} if self.tag == "en" else _chinese()


@cache
def _chinese() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("zh.json").read_text(encoding="utf-8"))
    return found


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
    """All loads below a folder, those refused and the newest first; returns the path of the English page."""
    summaries = [json.loads(path.read_text(encoding="utf-8")) for path in docs_dir.glob("*/summary.json")]
    summaries.sort(key=lambda one: (one["checked_at"], one["name"]), reverse=True)
    summaries.sort(key=lambda one: bool(one["accepted"]))
    is_below = (docs_dir.parent / "index.html").exists()

    def body(words: Words) -> Iterable[str]:
        if is_below:
            yield f'<p><a href="../index{words.end}">{words("All years")}</a></p>'
        yield f"<h1>{words('Data Docs: loads judged by the gate')}</h1>"
        for one in summaries:
            yield from _load(one, words, docs_dir)

    return _written(docs_dir, "Data Docs", body)


def write_overview(root: Path) -> Path:
    """One table of the loads of all years (folders below `root`), with a link to each, refused ones first.

    Renews the pages of the years, which lead back to it. Returns the path of the English page.
    """
    loads = [
        (path.parent, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(root.glob("*/*/summary.json"))
    ]
    loads.sort(key=lambda load: (bool(load[1]["accepted"]), -load[1]["data_year"], load[1]["name"]))
    n_refused = sum(not one["accepted"] for _, one in loads)

    def body(words: Words) -> Iterable[str]:
        rows = []
        for folder, one in loads:
            counts = [sum(found["severity"] == severity for found in one["failed"]) for severity in ("error", "warn")]
            link = f"{folder.parent.name}/index{words.end}#{folder.name}"
            verdict = "accepted" if one["accepted"] else "refused"
            rows.append(
                [
                    f'<a href="{esc(link)}">{esc(one["name"])}</a>',
                    f"<code>{esc(one['source'])}</code>",
                    esc(one["data_year"] or words("several")),
                    f'<span class="{verdict}">{words(verdict)}</span>',
                    *map(str, counts),
                    esc(one["checked_at"]),
                ]
            )
        said = "{n} loads judged, {n_refused} refused. A load that is not listed was never judged."
        yield f"<h1>{words('Data Docs of the gate')}</h1>"
        yield f"<p>{words(said, n=len(loads), n_refused=n_refused)}</p>"
        yield table(("load", "source", "year", "verdict", "errors", "warnings", "judged"), rows, words)

    root.mkdir(parents=True, exist_ok=True)
    index = _written(root, "Data Docs of the gate", body)
    for folder in {path.parent for path, _ in loads}:
        write_index(folder)  # with the way back
    return index


def _load(one: Mapping[str, Any], words: Words, docs_dir: Path) -> Iterable[str]:
    """One load: verdict, its suites with what failed in each, and a table of the cells of each error."""
    folder = folder_name(one["name"])
    # a load that was judged before there were pages in this language has English ones
    ends = {
        suite: words.end if (docs_dir / folder / f"{suite}{words.end}").exists() else ".html" for suite in one["suites"]
    }
    verdict = "accepted" if one["accepted"] else "refused"
    yield f'<section class="finding {"pass" if one["accepted"] else "error"}" id="{esc(folder)}">'
    yield f"<h2>{esc(one['name'])} <small>{words(verdict)}</small></h2>"
    said = words(
        "{source}, {year}{note}; {n_rules} rules; {checked_at}",
        source=one["source"],
        year=one["data_year"] or words("several years"),
        note=words(", synthetic") if one["is_synthetic"] else "",
        n_rules=one["n_rules"],
        checked_at=one["checked_at"],
    )
    yield f"<p>{esc(said)}</p>"
    links = []
    for suite in one["suites"]:
        failed = [found["severity"] for found in one["failed"] if found["suite"] == suite]
        counts = [(failed.count("error"), "error"), (failed.count("warn"), "warning")]
        found = ", ".join(words.counted(n, word) for n, word in counts if n)
        link = f'<a href="{esc(folder)}/{esc(suite)}{ends[suite]}">{esc(words(suite))}</a>'
        links.append(link + f" <b>({found})</b>" * bool(found))
    yield f"<p>{' · '.join(links)}</p>"
    for failed in sorted(one["failed"], key=lambda found: found["severity"] != "error"):
        link = f"{folder}/{failed['suite']}{ends[failed['suite']]}#{failed['rule_id']}"
        name = f'<a href="{esc(link)}"><code>{esc(failed["rule_id"])}</code></a>'
        yield f"<p><b>{words(failed['severity'])}</b> {name}</p>"
        yield from cell_table(failed.get("cells") or [], words)
        yield from said_of(failed["rule_id"], failed["sentence"], words)
    yield "</section>"


def said_of(rule_id: str, sentence: str, words: Words, *, passed: bool = False) -> Iterable[str]:
    """A finding in words; in Chinese what the rule asks and what to do, above the sentence with its figures."""
    asks, advice = words.rule(rule_id)
    if asks:
        yield f"<p>{esc(asks)}{'' if passed else esc(advice)}</p>"
    yield f'<p{" class=whole" * bool(asks)} lang="en">{esc(sentence)}</p>'


def cell_table(cells: Sequence[Mapping[str, str]], words: Words) -> Iterable[str]:
    """The cells of a finding, one a row; nothing where no place is known."""
    heads = [name for name in CELL_COLUMNS if any(name in cell for cell in cells)]
    if heads:
        yield table(heads, [[_coded(cell.get(head, "")) for head in heads] for cell in cells], words)


def _coded(text: str) -> str:
    """A text of the file or of the seeds: marked as code where it is no word of a language. Paths may break."""
    return f"<code>{esc(text).replace('/', '/<wbr>')}</code>" if re.search("[A-Za-z]", text) else esc(text)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]], words: Words) -> str:
    """A table that scrolls inside the page; `rows` are HTML."""
    head = "".join(f'<th scope="col">{esc(words(name))}</th>' for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _written(folder: Path, title: str, body: Callable[[Words], Iterable[str]]) -> Path:
    (folder / "style.css").write_text(STYLE, encoding="utf-8")
    write_pages(folder, "index", title, body, root="")
    return folder / "index.html"


def write_pages(folder: Path, name: str, title: str, body: Callable[[Words], Iterable[str]], *, root: str) -> None:
    """A page in each language, with a link to the others; `root` leads to the folder of the style."""
    for tag in LANGUAGES:
        words = Words(tag)
        links = [
            f'<a lang="{other}" hreflang="{other}" href="{name}{end}">{label}</a>'
            for other, (label, end) in LANGUAGES.items()
            if other != tag
        ]
        text = (
            f'<!DOCTYPE html>\n<html lang="{tag}">\n<head>\n<meta charset="UTF-8">\n'
            f"<title>{esc(words(title))}</title>\n"
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<link rel="icon" href="data:,">\n<link rel="stylesheet" href="{root}style.css">\n</head>\n<body>\n'
            f"<nav>{' '.join(links)}</nav>\n<main>\n" + "\n".join(body(words)) + "\n</main>\n</body>\n</html>\n"
        )
        (folder / f"{name}{words.end}").write_text(text, encoding="utf-8")


def esc(value: object) -> str:
    """Text for a page; nothing for None."""
    return "" if value is None else html.escape(str(value))
