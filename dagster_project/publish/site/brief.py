"""One or two pages of Word on a city or a province, for passing on: the sentences, chart and figures of its page.

Every figure of the text carries its key (a content control), so that `nqpf check` compares it exactly with this and any
later release.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cached_property
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import vl_convert
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm, Pt

from dagster_project.errors import Refusal
from dagster_project.publish.exhibits import map as maps
from dagster_project.publish.exhibits.chart import in_light
from dagster_project.publish.exhibits.exhibit import Grid, Row, number, plain, signed
from dagster_project.publish.exhibits.reader import SYNTHETIC, Reader, Record, Scope
from dagster_project.publish.explain.cities import NoAnswer, find_city, folded, the_city
from dagster_project.publish.locale import msg
from dagster_project.publish.paper import word
from dagster_project.publish.paper.figures import DPI
from dagster_project.publish.site.cities import MIDDLE, SQL, CityFacts, Profiles
from dagster_project.published import open_read_only

PROVINCE_KIND = ("省", "市", "自治区", "壮族自治区", "回族自治区", "维吾尔自治区")
EDITS = 5
SHARE = 32  # briefs from which a process more is worth its start
PICTURE = Cm(7.6)
Keys = Sequence[tuple[str, str]]  # printed figure -> key
_briefs: "Briefs"  # of a process of `write_all`


def scope_of(scope: Scope, year: int | None) -> Scope:
    """The scope that ends in `year`. Raises Refusal for a year without scores of all cities."""
    if year is None or year == scope.last_year:
        return scope
    if not scope.first_year <= year <= scope.last_year:
        raise Refusal(
            f"There are scores for {scope.first_year} to {scope.last_year}, none for {year}: name such a year."
        )
    return replace(scope, last_year=year)


def place(con: duckdb.DuckDBPyConnection, text: str) -> tuple[str, str]:
    """("city", city_id) or ("province", its Chinese name). Raises NoAnswer for a name that is neither, or both."""
    sql = "select province_name, any_value(province_en), count(*) from mart.dim_city group by 1 having count(*) > 1"
    key = folded(text)
    provinces = {}
    for zh, en, _ in con.execute(sql).fetchall():
        names = {folded(zh), folded(en or zh), *(folded(zh.removesuffix(kind)) for kind in PROVINCE_KIND)}
        if key in names:
            provinces[zh] = key == folded(zh)
    if not provinces:
        return "city", the_city(con, text).city_id
    (name, is_whole), how = provinces.popitem(), find_city(con, text)
    if not is_whole and how.how == "exact":
        raise NoAnswer(f"'{text}' is a city and a province: say {how.cities[0].name_zh} or {name}.")
    return "province", name


def write_all(file: Path, briefs: "Briefs", out: Path) -> int:
    """Write every brief of the published `file` into the folder `out`, on all processors; returns how many."""
    every = briefs.every()
    n_process = min(os.cpu_count() or 1, len(every) // SHARE + 1)
    begin = (file, briefs.scope, briefs.words.language, briefs.citation)
    with ProcessPoolExecutor(n_process, get_context("spawn"), _open, begin) as pool:
        for (_, code), content in zip(every, pool.map(_of, every, chunksize=SHARE // 4), strict=True):
            write_whole(out / f"{code}_{briefs.scope.last_year}_{briefs.words.language}.docx", content)
    return len(every)


def _open(file: Path, scope: Scope, language: str, citation: str) -> None:
    """What the processes of `write_all` begin with."""
    global _briefs
    _briefs = Briefs(Reader(open_read_only(file, {"threads": 1}), scope, language), citation)


def _of(one: tuple[str, str]) -> bytes:
    return _briefs.of(*one)


def write_whole(out: Path, content: bytes) -> None:
    """Whole or not at all."""
    fresh = out.with_name(f".{out.name}.part")
    fresh.write_bytes(content)
    fresh.replace(out)


class Briefs:
    """The briefs of one file in one language; what all of them need is read once."""

    def __init__(self, reader: Reader, citation: str) -> None:
        self.reader, self.scope, self.words, self.citation = reader, reader.scope, reader.words, citation
        self.judged = {row["city_id"]: row for row in reader.rows(SQL["judged"])}
        self.facts = CityFacts(reader)
        self.profiles = Profiles(reader, self.facts, list(self.judged.values()))

    @cached_property
    def scores(self) -> dict[str, Record]:
        """The scores of the year."""
        return {city: rows[-1] for city, rows in self.facts.scores.items() if rows[-1]["year"] == self.scope.last_year}

    @cached_property
    def of_province(self) -> dict[str, str]:
        """city_id -> Chinese name of its province."""
        sql = "select city_id, province_name from mart.dim_city where boundary_vintage = ?"
        return dict(self.reader.con.execute(sql, [self.scope.boundary_vintage]).fetchall())

    def every(self) -> list[tuple[str, str]]:
        """Kind and code of every brief: of every city, and of every province of two cities or more."""
        n_of = Counter(province for city, province in self.of_province.items() if city in self.scores)
        return [("city", city) for city in self.judged] + [
            ("province", name) for name, n in sorted(n_of.items()) if n > 1
        ]

    def of(self, kind: str, code: str) -> bytes:
        return self._city(code) if kind == "city" else self._province(code)

    # ---- a city

    def _city(self, key: str) -> bytes:
        city = self.judged.get(key)
        if city is None:
            raise NoAnswer(f"{key} is not among the cities that release {self.scope.release} judges: it has no brief.")
        words, year = self.words, self.scope.last_year
        profile = self.profiles.profile(city)
        scores = self.facts.scores.get(key, [])
        doc = self._begin(words.say("{city}: new quality productive forces, {year}", city=city["full_name"], year=year))
        self._paragraph(doc, profile["about"], size=9)
        for k, one in enumerate(profile["said"]):
            keys = self._keys_of(key, scores[-1:]) if k == 0 else []
            if k and str(scores[0]["year"]) in one.text:
                keys = [(str(scores[0]["rank"]), self._key("rank", key, scores[0]["year"]))]
            self._paragraph(doc, one.text, keys=keys)
        pictures = []
        if scores:
            self._changes(doc, city, scores)
            alt = "; ".join(
                f"{city['name']} {row['year']}: {row['score']:.1f} {self._key('score', key, row['year'])}"
                for row in scores
            )
            svg = str(profile["lines"]["svg"])
            pictures.append(
                (svg, f"{words.gettext(msg('Score against others'))} ({words.gettext(msg('points'))})", alt)
            )
        pictures.append(self._map(self.of_province[key], key))
        self._pictures(doc, pictures)
        if scores:
            grid, of_cells = self._indicators(city, profile["indicators"])
            word.add_table(doc, grid, words.gettext(msg("Table")), 1, grid.title, size=9, keys=of_cells)
        self._edits(doc, profile["edits"])
        return self._end(doc)

    def _changes(self, doc: Any, city: Record, scores: list[Record]) -> None:
        """What moved the score since the first year, by tier, the largest first."""
        first, last = scores[0], scores[-1]
        changes = sorted(self.profiles.moved(city["city_id"]).items(), key=lambda item: -abs(item[1]))
        moved = {self.scope.index: last["score"] - first["score"], **dict(changes)}
        parts = " · ".join(f"{self.reader.name('tier', tier)} {signed(change)}" for tier, change in changes)
        text = self.words.say(
            "From {y0} to {y1} its score changed by {change} points: {parts}.",
            y0=first["year"], y1=last["year"], change=signed(moved[self.scope.index]), parts=parts,
        )  # fmt: skip
        of_city = city["city_id"], last["year"]
        keys = [(signed(change), self._key(f"moved.{name}", *of_city)) for name, change in moved.items()]
        self._paragraph(doc, text, keys=keys)

    def _indicators(self, city: Record, rows: list[Record]) -> tuple[Grid, dict[tuple[int, int], str]]:
        words, scope, reader = self.words, self.scope, self.reader
        heads = (msg("Indicator"), msg("Unit"), msg("Value"), msg("Points"), msg("Since {year}"), msg("Place"))
        body = [
            Row("body", (
                reader.name("indicator", row["code"]), reader.name("unit", row["unit"]), plain(row["value"]),
                number(row["points"], 1), "" if row["change"] is None else signed(row["change"]),
                f"{row['n'] - row['place'] + 1}",
            ))
            for row in rows
        ]  # fmt: skip
        n_filled = sum(reader.name("origin", row["origin"]) != reader.name("origin", "observed") for row in rows)
        notes = [
            words.say("Values that are not printed but filled in or adjusted: {n} of {all}.", n=n_filled, all=len(rows))
        ]
        title = words.say("{city}: indicators, {year}", city=city["name"], year=scope.last_year)
        titles = tuple(words.say(head, year=scope.first_year) for head in heads)
        keys = {
            (k, column): self._key(f"{kind}{row['code']}", city["city_id"], scope.last_year)
            for k, row in enumerate(rows)
            for column, kind in ((2, ""), (3, "points."), (4, "moved."), (5, "place."))
        }
        is_text = (True, True, False, False, False, False)
        return Grid("", title, titles, is_text, tuple(body), tuple(notes), note_word=words.gettext(msg("Note."))), keys

    def _edits(self, doc: Any, edits: list[Record]) -> None:
        if not edits:
            return
        name = self.reader.name
        self._paragraph(doc, self.words.say("Edited or pending figures: {n}", n=len(edits)), is_bold=True)
        for row in edits[:EDITS]:
            text = self.words.say(
                "{variable}, {years}: {action} ({rule}); printed {printed}, used {used} ({unit})",
                variable=name("variable", row["variable_code"]),
                years=str(row["y0"]) if row["y0"] == row["y1"] else f"{row['y0']}–{row['y1']}",
                action=name("edit_action", row["action"]), rule=name("edit_rule", row["rule"]),
                printed=plain(row["printed"]), used=plain(row["used"]), unit=name("unit", row["unit"]),
            )  # fmt: skip
            self._paragraph(doc, text, size=9)

    # ---- a province

    def _province(self, name: str) -> bytes:
        words, scope, year = self.words, self.scope, self.scope.last_year
        members = [row for row in self.reader.rows(SQL["listed"]) if self.of_province[row["city_id"]] == name]
        if not members:
            raise NoAnswer(f"No city of {name} has a score in {year}: a figure is missing in too many years.")
        title = self._title_of(name)
        doc = self._begin(words.say("{city}: new quality productive forces, {year}", city=title, year=year))
        best, last = members[0], members[-1]
        facts = {"province": title, "k": len(members), "n": len(self.facts.scores), "year": year}
        ends = {"best": best["name"], "a": best["rank"], "last": last["name"], "b": last["rank"]}
        text = words.say(
            "Of the cities of {province}, {k} are among the {n} with a score in {year}: {best} ranks {a},"
            " {last} ranks {b}.",
            **facts, **ends,
        )  # fmt: skip
        keys = [(str(row["rank"]), self._key("rank", row["city_id"], year)) for row in (best, last)]
        self._paragraph(doc, text, keys=keys)
        for row in members[:3]:
            self._paragraph(
                doc, self.profiles.place_of(row, self.scores[row["city_id"]]).text,
                keys=self._keys_of(row["city_id"], [self.scores[row["city_id"]]]),
            )  # fmt: skip
        self._pictures(doc, [self._map(name, "")])
        heads = (msg("City"), msg("Rank"), msg("Rank, 5 %"), msg("Rank, 95 %"), msg("Score"), msg("Since {year}"))
        body, keys_of = list[Row](), dict[tuple[int, int], str]()
        for k, row in enumerate(members):
            change = row["score"] - row["scores"][0]
            ends_of = ["" if row[end] is None else f"{row[end]:.0f}" for end in ("lo", "hi")]
            body.append(Row("body", (row["name"], str(row["rank"]), *ends_of, number(row["score"], 1), signed(change))))
            kinds = ("rank", "low", "high", "score", f"moved.{scope.index}")
            keys_of |= {(k, column): self._key(kind, row["city_id"], year) for column, kind in enumerate(kinds, 1)}
        grid = Grid(
            "", words.say("{province}: ranks and scores of the cities, {year}", province=title, year=year),
            tuple(words.say(head, year=scope.first_year) for head in heads), (True, *(False,) * 5), tuple(body),
            (words.gettext(msg("Rank, 5 % to 95 %: where the city is in 90 % of the draws over all choices.")),),
            note_word=words.gettext(msg("Note.")),
        )  # fmt: skip
        word.add_table(doc, grid, words.gettext(msg("Table")), 1, grid.title, size=9, keys=keys_of)
        return self._end(doc)

    # ---- pieces

    def _key(self, what: str, city: str, year: int) -> str:
        return f"nqpf:{what}/{city}/{year}@{self.scope.release}"

    def _keys_of(self, city: str, rows: Iterable[Record]) -> Keys:
        """Printed figure -> key, for score, rank and its range."""
        keys = []
        for row in rows:
            for kind, text in (("score", f"{row['score']:.1f}"), ("rank", f"{row['rank']}")):
                keys.append((text, self._key(kind, city, row["year"])))
            if row["lo"] is not None:
                keys += [
                    (f"{row[end]:.0f}", self._key(kind, city, row["year"]))
                    for kind, end in (("low", "lo"), ("high", "hi"))
                ]
        return keys

    def _begin(self, title: str) -> Any:
        doc = word.document(self.words, title, self.scope.built)
        doc.add_paragraph(title, style="Title")
        if self.scope.is_synthetic:
            self._paragraph(doc, f"{self.words.gettext(SYNTHETIC)}.", is_bold=True)
        return doc

    def _paragraph(self, doc: Any, text: str, *, keys: Keys = (), size: float = 10.5, is_bold: bool = False) -> None:
        paragraph = doc.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(3)
        paragraph.paragraph_format.keep_with_next = is_bold
        word.add_text(paragraph, text, keys, size=size, is_bold=is_bold)

    def _pictures(self, doc: Any, pictures: Sequence[tuple[str, str, str]]) -> None:
        """Pictures of 300 dpi side by side, each with its title below and what it shows as alternative text."""
        table = doc.add_table(rows=2, cols=len(pictures))
        for k, (svg, title, alt) in enumerate(pictures):
            picture, caption = (table.cell(row, k).paragraphs[0] for row in (0, 1))
            png = vl_convert.svg_to_png(in_light(svg), ppi=DPI * PICTURE / Pt(MIDDLE))
            picture.add_run().add_picture(BytesIO(png), width=PICTURE)._inline.docPr.set("descr", alt)
            caption.add_run(title).font.size = Pt(9)
            picture.alignment = caption.alignment = WD_ALIGN_PARAGRAPH.CENTER

    def _map(self, province: str, city_id: str) -> tuple[str, str, str]:
        """The cities of the province by score, in the classes of all cities."""
        score_of = {city: row["score"] for city, row in self.scores.items()}
        near = [city for city, name in self.of_province.items() if name == province]
        names = {city: self.judged[city]["name"] for city in near if city in self.judged}
        drawing = maps.part_of_map(score_of, names, city_id, MIDDLE)
        title = self.words.say(
            "Scores in {province}, {year}", province=self._title_of(province), year=self.scope.last_year
        )
        return drawing.svg(title, framed=True), title, title

    def _title_of(self, province: str) -> str:
        return next(
            (row["province"] for city, row in self.judged.items() if self.of_province[city] == province), province
        )

    def _end(self, doc: Any) -> bytes:
        words, scope = self.words, self.scope
        lines = [
            words.say(
                "Scores from 0 to 100 between the lowest and highest values of {y0} to {y1}; bounds and weights of"
                " these years are frozen, so years can be compared. Boundaries of {boundary}.",
                y0=scope.window_start, y1=scope.window_end, boundary=scope.boundary_vintage,
            ),
            words.gettext(msg("Effects are those of a regression: they describe, and prove no cause.")),
            words.gettext(maps.note()),
            self.citation,
            words.gettext(msg("The figures carry keys: nqpf check compares them with this and later releases.")),
        ]  # fmt: skip
        for line in lines:
            self._paragraph(doc, line, size=8)
        return word.as_bytes(doc)
