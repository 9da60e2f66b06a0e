"""The list of the cities and a page for each: score against others, what moved it, indicators, neighbours, trail."""

import re
from collections import defaultdict
from collections.abc import Container
from functools import cache, cached_property
from typing import Any

from markupsafe import Markup

from dagster_project.publish.exhibits.chart import Drawing, draw, tick_text, ticks, width_of
from dagster_project.publish.exhibits.exhibit import Chart, number, signed
from dagster_project.publish.exhibits.reader import Reader, Record
from dagster_project.publish.locale import msg
from dagster_project.publish.site.findings import Said, picture, side
from dagster_project.publish.site.ink import page_of, picture_of
from dagster_project.published import statements

MIDDLE = 420  # pixels: half a page, or a phone
SQL = statements(__file__)


class CityFacts:
    """Rows of all cities, read once: codes and figures, without words of a language."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.scores = self._by_city(SQL["scores"], "mart_index_score")
        self.values = self._by_city(SQL["values"], "mart_index_contribution")
        self.moved = self._by_city(SQL["moved"], "mart_index_contribution")
        self.neighbours = self._by_city(SQL["neighbours"], "mart_spatial_weight_edge")
        self.paths = self._by_city(SQL["benchmark"], "mart_city_path")
        self.effects = self._by_city(SQL["effects"], "mart_panel_effect_city")
        self.strengths = self._by_city(SQL["strengths"], "mart_index_contribution", "mart_source_value")
        self.revisions = self._by_city(SQL["revisions"], "mart_revision_log")
        self.edits = self._by_city(SQL["edits"], "mart_edit")

    def _by_city(self, sql: str, *tables: str) -> dict[str, list[Record]]:
        rows_of: dict[str, list[Record]] = defaultdict(list)
        for row in self.reader.rows(sql) if self.reader.has(*tables) else []:
            rows_of[row["city_id"]].append(row)
        return rows_of

    @cached_property
    def counties(self) -> dict[str, list[Record]]:
        """What the yearbook prints of counties in the last year that has them."""
        return self._by_city(SQL["county_figures"], "mart_county_index", "dim_county")

    @cached_property
    def groups(self) -> dict[str, dict[str, str]]:
        by_city = self._by_city(SQL["groups"], "dim_group_membership")
        return {city: {row["scheme"]: row["group_code"] for row in rows} for city, rows in by_city.items()}

    @cached_property
    def trail(self) -> dict[str, list[tuple[Any, ...]]]:
        """City -> (year, variable, text, printed unit, value, unit, rule, action, used, origin, source, file, sheet,
        cell, its address)."""
        rows_of: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        if self.reader.has("mart_indicator_source") and not self.reader.scope.is_quick:
            there = {row["column_name"] for row in self.reader.rows(SQL["columns"])}
            columns = {"printed": "unit_printed", "rule": "edit_rule", "action": "edit_action", "used": "used_value"}
            text, values = self.reader.ready(
                SQL["trail"].format(**{key: name if name in there else "null" for key, name in columns.items()})
            )
            for city, *row in self.reader.con.execute(text, values).fetchall():
                rows_of[city].append(tuple(row))
        return rows_of

    @cached_property
    def medians(self) -> dict[tuple[str, str], list[Record]]:
        """(scheme, group) -> median score a year; ("", "") for all cities."""
        medians_of: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for row in self.reader.rows(SQL["medians"]):
            medians_of[row["scheme"], row["group_code"]].append({"x": row["year"], "y": row["score"]})
        return medians_of


class Profiles:
    """The pages of the cities in one language."""

    def __init__(self, reader: Reader, facts: CityFacts, city_rows: list[Record]) -> None:
        self.reader, self.facts, self.judged = reader, facts, city_rows
        self.names = {row["city_id"]: row for row in city_rows}
        self.indicators = reader.rows(SQL["indicators"])
        self.n = len(facts.scores)

    def profile(self, city: Record) -> dict[str, Any]:
        """Everything on the page of a city."""
        key = city["city_id"]
        scores = self.facts.scores.get(key, [])
        codes = [c for c in self.facts.groups.get(key, {}).values() if c not in ("other", "outside", "no_cluster")]
        groups = [self.reader.name("group", code) for code in dict.fromkeys(codes)]
        about = " · ".join(filter(None, [city["province"], city["tier"], *groups]))
        parts = {**city, "about": about, "said": self._sentences(city, scores), "in_sample": bool(scores)}
        if scores:
            parts |= {
                "lines": self._lines(city, scores),
                "waterfall": self._waterfall(city, scores),
                "indicators": self.facts.values.get(key, []),
            }
        return {
            **parts,
            "neighbours": self._neighbours(key),
            "edits": self.facts.edits.get(key, []),
            "revisions": self.facts.revisions.get(key, []),
            "has_trail": key in self.facts.trail,
        }

    def _sentences(self, city: Record, scores: list[Record]) -> list[Said]:
        """Rank, side of the median, change since the first year (no more than the ranges allow), path, effects."""
        words, name = self.reader.words, city["name"]
        if not scores:
            codes = re.findall(r"\w+", city["drop_reason"] or "")
            missing = [self.reader.name("indicator", row["code"]) for row in self.indicators if row["code"] in codes]
            text = msg("{city} has no score: figures are missing in too many years ({names}).")
            return [Said(words.say(text, city=name, names=" · ".join(missing)))]
        first, last = scores[0], scores[-1]
        sentences, middle = [self.place_of(city, last)], (self.n + 1) / 2
        if last["lo"] is None:
            return sentences
        ends = {"est": middle - last["rank"], "lo": middle - last["hi"], "hi": middle - last["lo"]}
        says = side(ends)
        texts = {
            1: msg("It is above the median city in at least 95 % of the draws."),
            -1: msg("It is below the median city in at least 95 % of the draws."),
            0: msg("Its rank is not distinguishable from that of the median city."),
        }
        sentences.append(Said(words.gettext(texts[says]), says, **ends))
        if first["lo"] is not None and first["year"] < last["year"]:
            pairs = {"est": ("rank", "rank"), "lo": ("lo", "hi"), "hi": ("hi", "lo")}
            ends = {name: float(first[then] - last[now]) for name, (then, now) in pairs.items()}
            says = side(ends)
            texts = {
                1: msg("Since {year} it rose from rank {r0}, more than both ranges allow."),
                -1: msg("Since {year} it fell from rank {r0}, more than both ranges allow."),
                0: msg("Its move since {year}, from rank {r0}, is not distinguishable from zero: the ranges overlap."),
            }
            sentences.append(Said(words.say(texts[says], year=first["year"], r0=first["rank"]), says, **ends))
        sentences += self._against_peers(city["city_id"])
        for path in self.facts.paths.get(city["city_id"], []):
            if path["p_path"] is not None:
                text = words.say(
                    "Path by the stated rule: {path} ({share:.0f} % of the draws agree).",
                    path=self.reader.name("path", path["path"]),
                    share=100 * path["p_path"],
                )
                sentences.append(Said(text))
        for effect in self.facts.effects.get(city["city_id"], []):
            text = words.say(
                "{what}, by the headline regression: one point more here goes with {own:.2f} points of its own score"
                " (standard error {own_se:.2f}) and {emitted:.2f} ({emitted_se:.2f}) of all other cities together; one"
                " point more in every other city goes with {received:.2f} ({received_se:.2f}) here.",
                what=self.reader.name("term", effect["variable"]),
                **{name: value for name, value in effect.items() if name not in ("city_id", "variable")},
            )
            sentences.append(Said(text))
        return sentences

    def place_of(self, city: Record, last: Record) -> Said:
        """Rank and score of a year, with the range of the rank."""
        words = self.reader.words
        facts = {"city": city["name"], "n": self.n, **{name: last[name] for name in ("rank", "year", "score")}}
        if last["lo"] is None:
            return Said(words.say("{city} ranks {rank} of {n} in {year} with {score:.1f} points.", **facts))
        text = words.say(
            "{city} ranks {rank} of {n} in {year} with {score:.1f} points; in 90 % of the draws over all"
            " choices its rank is {lo} to {hi}.",
            **facts,
            lo=last["lo"],
            hi=last["hi"],
        )
        return Said(text)

    def _against_peers(self, key: str) -> list[Said]:
        """Three strengths and three weaknesses against the cities nearest in GDP per head, and the equal weights."""
        rows, words = self.facts.strengths.get(key, []), self.reader.words
        if not rows:
            return []

        def named(column: str, sign: int) -> str:
            best = [row for row in rows if row[column] <= 3 and sign * row["points"] >= 0.05]  # 0.0 is none
            best.sort(key=lambda row: row[column])
            pairs = ((self.reader.name("indicator", row["indicator_code"]), signed(row["points"])) for row in best)
            return " · ".join(f"{name} ({points})" for name, points in pairs)

        text = words.say(
            "Points against the mean of the 20 cities nearest in GDP per head: strongest in {strong};"
            " weakest in {weak}.",
            strong=named("from_top", 1) or "–",
            weak=named("from_bottom", -1) or "–",
        )
        sentences = [Said(text)]
        if rows[0]["equal_rank"] is not None:
            sentences.append(Said(words.say("With equal weights it would rank {rank}.", rank=rows[0]["equal_rank"])))
        return sentences

    def _lines(self, city: Record, scores: list[Record]) -> dict[str, Markup]:
        words, key = self.reader.words, city["city_id"]
        rows = [{"x": row["year"], "y": row["score"], "series": city["name"]} for row in scores]
        rows += [{**row, "series": words.gettext(msg("median city"))} for row in self.facts.medians["", ""]]
        groups = self.facts.groups.get(key, {})
        scheme = next((name for name in groups if ("four" in name or "region" in name)), next(iter(groups), ""))
        if scheme:
            label = words.say("median, {group}", group=self.reader.name("group", groups[scheme]))
            rows += [{**row, "series": label} for row in self.facts.medians.get((scheme, groups[scheme]), [])]
        for path in self.facts.paths.get(key, []):
            peer = self.facts.scores.get(path["other"] or "", [])
            label = words.say("{city} (peer)", city=self.names.get(path["other"], {}).get("name", ""))
            rows += [{"x": row["year"], "y": row["score"], "series": label} for row in peer]
        chart = Chart("line", columns=1, height=210, zero=True, tip="{series} {x}: {y:.1f}")
        label = words.gettext(msg("Score against others"))
        return picture(self.reader, draw(chart, rows, words, MIDDLE), f"{city['name']}: {label}", label, rows)

    def _waterfall(self, city: Record, scores: list[Record]) -> dict[str, Markup]:
        """From the first to the last score, tier by tier."""
        words, changes = self.reader.words, self.moved(city["city_id"])
        steps = [(str(scores[0]["year"]), 0.0, scores[0]["score"])]
        at = scores[0]["score"]
        for tier, change in changes.items():
            steps.append((self.reader.name("tier", tier), at, at + change))
            at += change
        steps.append((str(scores[-1]["year"]), 0.0, scores[-1]["score"]))
        label = words.gettext(msg("What moved the score"))
        rows: list[Record] = [{"step": name, "from": a, "to": b} for name, a, b in steps]
        return picture(self.reader, _steps(steps, MIDDLE), f"{city['name']}: {label}", label, rows)

    def moved(self, key: str) -> dict[str, float]:
        """Tier -> points that it moved the score by, from the first to the last score."""
        return {row["tier"]: row["points"] for row in self.facts.moved.get(key, [])}

    def _neighbours(self, key: str) -> list[dict[str, Any]]:
        neighbours = []
        for row in self.facts.neighbours.get(key, []):
            other, scores = self.names.get(row["other"]), self.facts.scores.get(row["other"], [])
            if other:
                last = scores[-1] if scores else {"rank": "–", "score": None}
                neighbours.append({**other, "rank": last["rank"], "score": last["score"], "km": row["distance_km"]})
        return neighbours


def trail_data(rows: list[tuple[Any, ...]], pictures: Container[str] = ()) -> dict[str, Any]:
    """All years of a trail for the script. See app.js.

    `kinds`: what many cells share, as places in `words`: (printed unit, unit, rule, action, origin, source) or (file,
    sheet). `years`: cells as variable (place in `words`), printed text, two places in `kinds`, cell, value, and what
    editing made of it; the value is left out where it is what is printed and not edited. A cell that was read from a
    page is [cell and page, its picture or ""]; `pictures`: those that there are.
    """
    words: dict[str, int] = {}
    kinds: dict[tuple[int, ...], int] = {}
    years: dict[int, list[list[Any]]] = defaultdict(list)

    @cache
    def kind_of(*texts: str | None) -> int:
        return kinds.setdefault(tuple(words.setdefault(word or "", len(words)) for word in texts), len(kinds))

    for (
        year,
        variable,
        text,
        print_text,
        value,
        unit,
        rule,
        action,
        used_value,
        origin,
        source,
        file,
        sheet,
        cell,
        address,
    ) in rows:
        kind, place = kind_of(print_text, unit, rule, action, origin, source), kind_of(file, sheet)
        numbers = [] if not rule and _is_printed(text, value) else [value, used_value] if rule else [value]
        variable_no = words.setdefault(variable, len(words))
        where: Any = cell or ""
        if page := page_of(address or ""):
            where = [f"{cell}, p{page}", name if (name := picture_of(address)) in pictures else ""]
        years[year].append([variable_no, text or "–", kind, place, where, *numbers])
    return {"words": list(words), "kinds": list(kinds), "years": years}


def _is_printed(text: str | None, value: float | None) -> bool:
    """The script reads the number out of the text: digits and a point, nothing else."""
    return value is not None and re.fullmatch(r"-?\d+(\.\d+)?", text or "") is not None and float(text or "") == value


def _steps(steps: list[tuple[str, float, float]], width: float) -> Drawing:
    """A waterfall: bars from one value to the next, whole bars at both ends."""
    drawing = Drawing(width)
    ends = [value for _, a, b in steps for value in (a, b)]
    low, high = min(0.0, *ends), max(ends) * 1.04 or 1.0
    left, right = max(width_of(name) for name, _, _ in steps) + 12, width - 50

    def x(value: float) -> float:
        return left + (right - left) * (value - low) / ((high - low) or 1)

    marks = ticks(low, high, 4)
    height = 25.0 * len(steps)
    for value in marks:
        drawing.line([(x(value), 4), (x(value), height)], "grid")
        drawing.text(x(value), height + 14, tick_text(value, marks), "middle")
    for k, (name, a, b) in enumerate(steps):
        y, is_end = 25.0 * k + 6, k in (0, len(steps) - 1)
        colour = "a" if is_end else "d" if b >= a else "b"
        drawing.text(left - 8, y + 13, name, "end")
        drawing.box(x(min(a, b)), y, x(max(a, b)) - x(min(a, b)), 17, colour)
        text = number(b, 1) if is_end else ("+" if b >= a else "") + number(b - a, 1)
        drawing.text(x(max(a, b)) + 5, y + 13, text)
    drawing.height = height + 22
    return drawing
