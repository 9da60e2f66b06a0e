"""What a person must look at before a release is signed: one list, the most influential first.

Each line has the figure before and after, why it moved, and what hangs on it. Numbers come from the two published
files; nothing is computed anew. The list is kept as review.json in the candidate, so that its lines keep their numbers.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.publish.exhibits.exhibit import is_missing
from dagster_project.publish.exhibits.reader import ExportError, Reader, Record, read_scope
from dagster_project.publish.inert import figure
from dagster_project.publish.release.diff import Frames
from dagster_project.publish.site import findings
from dagster_project.published import open_read_only, open_side_by_side, statements

REVIEW = "review.json"
SQL = statements(__file__)
SMALL = 1.0  # places: decisions that move a rank by less are counted by rule
EDITED = {"quarantine": "left out", "replace": "replaced", "relink": "relinked", "keep": "kept"}
# The order of the list; of one kind, and among ranks and decisions, what moves most places comes first.
ORDER = (
    ("missing",),
    ("verdict",),
    ("city",),
    ("rank", "edit", "question"),
    ("coverage",),
    ("load",),
    ("check",),
    ("figure",),
    ("sentence",),
    ("edits", "questions"),
)
FIRST_PAGE = "the first page"
MOST_TEXT = 300  # letters of a message of a check


@dataclass(frozen=True)
class Line:
    """One line. `places`: by how many places it moves a rank of the headline index, or of the other `index`. `figure`:
    the printed figure that a correction answers, as arguments of `run.ready_rows.correction_row` but the reason."""

    kind: str
    subject: str
    before: str = ""
    after: str = ""
    why: str = ""
    hangs: str = ""
    places: float = 0.0
    index: str = ""
    figure: dict[str, Any] = field(default_factory=dict)
    no: int = 0


def review_lines(old: Path | None, new: Path, frames: Frames | None) -> list[Line]:
    """The list of `new` against `old` (None: a first release); frames: of release.diff. Parts whose tables an older
    file lacks are left out."""
    with open_side_by_side({"old": old or new, "new": new}) as con:
        if old is None:
            lines = [*_coverage(con), *_decisions(con, is_first=True)]
        else:
            sentences = _sentences(old, new)
            first_page = " ".join(line.after for line in sentences if line.hangs == FIRST_PAGE)
            lines = [*_missing(con), *_loads(con, frames or {}), *_cities(frames or {}), *sentences, *_estimates(con)]
            lines += [*_ranks(con, first_page), *_decisions(con, is_first=False)]
    place = {kind: k for k, kinds in enumerate(ORDER) for kind in kinds}
    lines.sort(key=lambda line: (place[line.kind], line.index != "", -line.places))
    return [replace(line, no=no) for no, line in enumerate(lines, start=1)]


def write_lines(folder: Path, release: str, previous: str | None, lines: list[Line]) -> None:
    content = {"release": release, "previous": previous, "lines": [asdict(line) for line in lines]}
    (folder / REVIEW).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_lines(folder: Path) -> tuple[dict[str, Any], list[Line]]:
    """What review.json says, and its lines."""
    content: dict[str, Any] = json.loads((folder / REVIEW).read_text(encoding="utf-8"))
    return content, [Line(**line) for line in content["lines"]]


def rows_of(con: duckdb.DuckDBPyConnection, sql: str) -> list[Record]:
    """Nothing where an older file lacks a table or a column of the query."""
    try:
        result = con.execute(sql)
    except (duckdb.CatalogException, duckdb.BinderException):
        return []
    names = [column[0] for column in result.description or []]
    return [{n: None if v != v else v for n, v in zip(names, row, strict=True)} for row in result.fetchall()]


# ---- tables, indexes, cities


def _missing(con: duckdb.DuckDBPyConnection) -> Iterator[Line]:
    """Tables that had rows, indexes that had scores."""
    tables = {"old": set[str](), "new": set[str]()}
    for table, side in con.execute(SQL["tables"]).fetchall():
        tables[side].add(table)
    for table in sorted(tables["old"]):
        n_old, n_new = (_count(con, f"{side}.{table}") if table in tables[side] else None for side in ("old", "new"))
        if n_old and not n_new:
            after = "not published" if n_new is None else "no row"
            yield Line("missing", f"table {table}", f"{n_old:,} rows", after, "", "every page and query that reads it")
    for row in rows_of(con, SQL["lost_indexes"]):
        reason = row["skip_reason"] or "it is not among the specifications any more"
        yield Line("missing", f"index {row['index_code']}", "has scores", "has none", reason, "its variants")


def _loads(con: duckdb.DuckDBPyConnection, frames: Frames) -> Iterator[Line]:
    """What came in, each with the checks that do not pass for it; then other checks that passed before."""
    checks = {row["check_id"]: row for row in rows_of(con, SQL["checks"])}
    sources = frames.get("sources")
    for row in [] if sources is None else sources.to_dict("records"):
        head = f"gate/{row['source']}/{row['data_year']}/{row['vintage']}/"
        rules = sorted({name.rpartition("/")[2] for name in checks if name.startswith(head)})
        checks = {name: check for name, check in checks.items() if not name.startswith(head)}
        warning = f"{len(rules)} rules of the gate warn: {', '.join(rules)}" if rules else ""
        files = str(row["files"]).split(", ")
        names = files[0] if len(files) == 1 else f"{len(files)} files"
        yield Line("load", f"load {row['source']} {row['data_year']}", "", row["what"], warning, names)
    for name, check in checks.items():
        kind = "missing" if check["severity"] == "error" else "check"
        yield Line(kind, f"check {name}", "passed", str(check["message"])[:MOST_TEXT])


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"select count(*) from {table}").fetchall()[0][0])


def _coverage(con: duckdb.DuckDBPyConnection) -> Iterator[Line]:
    """A first release: which indexes have scores, and which have none."""
    for row in rows_of(con, SQL["coverage"]):
        after = "no scores"
        if row["n_city"]:
            after = f"{row['n_city']} cities, {row['first_year']} to {row['last_year']}: {row['n_score']:,} scores"
        yield Line("coverage", f"index {row['index_code']}, {row['title_en']}", "", after, row["skip_reason"] or "")


def _cities(frames: Frames) -> Iterator[Line]:
    members = frames.get("members")
    for row in [] if members is None else members.to_dict("records"):
        was, now = ("out", "in") if row["what"] == "joined" else ("in", "out")
        reason = "" if is_missing(row["reason"]) else str(row["reason"])
        subject = f"{row['name_zh']} {row['name_en']}: sample of the headline index"
        yield Line("city", subject, was, now, reason, "every rank and mean of the index")


# ---- sentences of the report and estimates with an interval


def _sentences(old: Path, new: Path) -> list[Line]:
    """Sentences that changed: a verdict where the direction did, or the words of the first page."""
    before, after = (_sentences_of(file) for file in (old, new))
    lines = []
    for place in dict.fromkeys([*after, *before]):
        was, now = before.get(place), after.get(place)
        if was is None or (now is not None and was.text == now.text):
            continue
        page = FIRST_PAGE if place[0] == "index" else f"page {place[0]}"
        if now is None:
            lines.append(Line("verdict", f"sentence of {page}", was.text, "not said", "its figures are gone", page))
            continue
        is_turned, other = was.says != now.says, _words(was.text) != _words(now.text)
        why = "its figures allow another direction" if is_turned else "other words" if other else "other figures"
        kind = "verdict" if is_turned or (other and page == FIRST_PAGE) else "sentence"
        lines.append(Line(kind, f"sentence of {page}", was.text, now.text, why, page))
    return lines


def _words(text: str) -> str:
    """A sentence without its figures."""
    return re.sub(r"[−+-]?\d[\d.,]*", "#", text)


def _sentences_of(file: Path) -> dict[tuple[str, str, int], findings.Said]:
    """(page, question, number) -> sentence, as the report in English has it; without those whose tables an older file
    lacks."""
    sentences: dict[tuple[str, str, int], findings.Said] = {}

    def read(page: str, question: str, call: Callable[[], list[findings.Said]]) -> None:
        with suppress(ExportError, duckdb.CatalogException, duckdb.BinderException):
            sentences.update({(page, question, k): one for k, one in enumerate(call())})

    with open_read_only(file) as con, suppress(ExportError, duckdb.CatalogException, duckdb.BinderException):
        reader = Reader(con, read_scope(con))
        read("index", "title", lambda: [findings.headline(reader)])
        read("index", "findings", lambda: findings.findings_held(reader))
        read("index", "cards", lambda: [card["said"] for card in findings.cards(reader)])
        for slug, page in findings.pages().items():
            for number, question in enumerate(page["questions"]):
                for place, claim in enumerate(question["claims"]):
                    read(slug, f"{number}.{place}", partial(findings.sentences_of, reader, claim))
    return sentences


def _estimates(con: duckdb.DuckDBPyConnection) -> Iterator[Line]:
    """Of each row of estimates the year that matters most: another verdict, else moved by more than its interval."""
    for name in ("effects", "gaps", "inequality", "transitions"):
        groups: dict[str, list[Record]] = {}
        for row in rows_of(con, SQL[name]):
            if row["est_old"] is not None and row["est_new"] is not None:
                groups.setdefault(row["subject"], []).append(row)
        for subject, rows in groups.items():
            reversals = [
                row for row in rows if name in ("effects", "gaps") and _verdict(row, "old") != _verdict(row, "new")
            ]
            beyond = [row for row in rows if not _between(row["est_new"], row["lo_old"], row["hi_old"])]
            for kind, estimates in (("verdict", reversals), ("figure", [] if reversals else beyond)):
                if estimates:
                    yield _estimate(kind, subject, estimates)


def _estimate(kind: str, subject: str, rows: list[Record]) -> Line:
    row = rows[0]
    why = "moved by more than its 95 % interval"
    if kind == "verdict":
        words = {1: "above zero", -1: "below zero", 0: "not distinguishable from zero"}
        why = f"was {words[_verdict(row, 'old')]}, is {words[_verdict(row, 'new')]}"
    before, after = (_interval(*(row[f"{part}_{side}"] for part in ("est", "lo", "hi"))) for side in ("old", "new"))
    years = f"; so in {len(rows)} years" if len(rows) > 1 else ""
    unit = f" {row['unit']}" if row["unit"] else ""
    return Line(
        kind,
        f"{subject}{f', {row["span"]}' if row['span'] else ''}",
        f"{before}{unit}",
        f"{after}{unit}",
        why + years,
        "the sentences of the report on it",
    )


def _verdict(row: Record, side: str) -> int:
    return findings.side({"est": row[f"est_{side}"], "lo": row[f"lo_{side}"], "hi": row[f"hi_{side}"]})


def _between(value: float, low: float | None, high: float | None) -> bool:
    return low is None or high is None or low <= value <= high


def _interval(estimate: float, low: float | None, high: float | None) -> str:
    between = "" if low is None or high is None else f" [{figure(low)}, {figure(high)}]"
    return figure(estimate) + between


# ---- ranks, edits, questions


def _ranks(con: duckdb.DuckDBPyConnection, first_page: str) -> Iterator[Line]:
    """One line a city; `first_page`: sentences of the first page, which may name it."""
    for row in rows_of(con, SQL["ranks"]):
        limits = "" if row["rank_p05"] is None else f", range {row['rank_p05']:.0f} to {row['rank_p95']:.0f}"
        hangs = [f"{row['n_year']} years of its ranks"] if row["n_year"] > 1 else []
        hangs += ["a sentence of the first page"] if row["name_en"] in first_page else []
        key = (row["source_printed"], row["city_id"], row["year"], row["variable_code"], row["printed"])
        action = "keep" if row["edit_rule"] else "drop"
        yield Line(
            "rank",
            f"{row['name_zh']} {row['name_en']}, rank {row['year']}",
            f"{row['rank_old']}{limits} ({row['score_old']:.2f} points)",
            f"{row['rank_new']} ({row['score_new']:.2f} points)",
            _why_moved(row),
            ", ".join(hangs),
            row["places"],
            figure=_figure(key, action),
        )


def _why_moved(row: Record) -> str:
    """Parts of the bridge where there is one, then the indicator that moved most, from where to where."""
    parts = {name: row[name] for name in ("revision", "bounds", "weights", "method") if row[name] is not None}
    words = [", ".join(f"{name} {value:+.2f}" for name, value in parts.items() if abs(value) >= 0.005)]
    if row["indicator_code"]:
        was, now = (figure(value) if value is not None else "none" for value in (row["value_old"], row["value_new"]))
        change = f"{was} -> {now} {row['unit']}" if was != now else f"{now} {row['unit']} as before"
        place = " ".join(str(part) for part in (row["file"], row["cell"]) if part)
        words.append(f"{row['indicator_en']} {row['points']:+.2f} points: {change} ({place or row['origin']})")
    if row["edit_rule"] and row["edit_action"] in EDITED:
        words.append(f"{row['variable_code']} {EDITED[row['edit_action']]} by {row['edit_rule']}")
    return "; ".join(filter(None, words)) or "other cities moved"


def _decisions(con: duckdb.DuckDBPyConnection, *, is_first: bool) -> Iterator[Line]:
    """Edits and questions of this load; those that move hardly anything are counted by rule."""
    sql = SQL["decisions"]
    if is_first:
        sql = sql.replace("where o.is_selected", "where false and o.is_selected")
    small: dict[tuple[bool, str, str], int] = {}
    for row in rows_of(con, sql):
        is_open = row["action"] == "pending"
        places = abs(row["rank_change"] or 0)
        if (row["influence"] or 0) < SMALL or places < SMALL:
            key = (is_open, row["rule"], row["action"])
            small[key] = small.get(key, 0) + 1
            continue
        outcome = "left out" if row["used_value"] is None else figure(row["used_value"])
        if is_open:
            expected = "" if row["expected"] is None else f", about {figure(row['expected'])} expected"
            outcome = f"used as printed{expected}"
        source_key = (row["source"], row["city_id"], row["year"], row["variable_code"], row["printed"])
        more = f" and {row['n_year'] - 1} more years" if row["n_year"] > 1 else ""
        yield Line(
            "question" if is_open else "edit",
            f"{row['name_zh']} {row['name_en']}, {row['variable_code']} {row['year']}{more}",
            f"printed {figure(row['printed_value'])} {row['unit']}" if row["printed_value"] is not None else "printed",
            outcome,
            f"{row['rule']}: {row['evidence']} [{row['source']}]",
            f"{row['index_code']}: {row['score_change'] or 0:+.2f} points, {row['rank_change'] or 0:+d} places",
            float(places),
            "" if row["is_headline"] else str(row["index_code"]),
            _figure(source_key, "drop" if is_open else "keep") if row["cell"] else {},
        )
    for (is_open, rule, action), n in sorted(small.items()):
        subject = f"{n:,} {'questions' if is_open else f'decisions, {EDITED.get(action, action)}'} by {rule}"
        yield Line("questions" if is_open else "edits", subject, "", "", "none moves a rank by a place", "")


def _figure(key: Iterable[Any], action: str) -> dict[str, Any]:
    names = ("source", "city_id", "year", "variable", "printed")
    fields = dict(zip(names, key, strict=True))
    return {**fields, "action": action} if all(fields[name] for name in names) else {}
