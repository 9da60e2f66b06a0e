"""Every number of a document against the published file: passages in, findings out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from typing import Any

from dagster_project.publish.check import beside
from dagster_project.publish.check.cells import Cells, Query, tokens
from dagster_project.publish.check.facts import OF_PARTS, OF_SCORES, UNITS, Facts, Subject, kept
from dagster_project.publish.check.finding import Finding
from dagster_project.publish.check.gaps import Gaps
from dagster_project.publish.check.heads import of_cell
from dagster_project.publish.check.moves import Moves
from dagster_project.publish.check.pages import Pages, figures, figures_of, pages_of, tables
from dagster_project.publish.check.pages import verdict as verdict_of
from dagster_project.publish.check.passages import KEY, TITLE_LEVEL, Passage
from dagster_project.publish.check.recognise import RE, WIDE_SIGNS, Mention, Number, Vocabulary, numbers, sentences
from dagster_project.publish.check.resolve import loosely, targets, widened
from dagster_project.publish.check.results import Results
from dagster_project.publish.check.rows import judge as judge_rows
from dagster_project.publish.check.sentence import Context, Sentence, carried, is_changed, statistic
from dagster_project.publish.check.verdicts import DIFFERS, RIGHT, Judge, Target, Verdict
from dagster_project.publish.exhibits.exhibit import Grid, exhibits, read_grid
from dagster_project.publish.exhibits.reader import ExportError, Reader
from dagster_project.publish.locale import languages

NEXT_TO = 3  # letters from a figure to the words of its year
CLOSE = 20  # letters from a figure to its year
BESIDE = 10_000  # columns from the first figure of a cell to the next
EXACT = 0.02  # how exactly two figures must give a third, as a share of it
OFTEN = 0.3  # of the names of cities those of the city that a document is about
KNOWN = 0.125  # of the figures of a document that is about the release


def check_passages(passages: Sequence[Passage], facts: Facts, older: Sequence[Facts] = ()) -> list[Finding]:
    words = copy(kept(facts, Vocabulary))
    checker = _Checker(facts, words, Judge(facts, older, words))
    checker.dated.update(int(year) for one in passages for year in RE["YEAR"].findall(one.text))
    findings = {(id(one.passage), one.start): one for one in checker.each(passages)}
    of_pages = {(id(one.passage), one.start): one for one in checker.of_pages(passages)}
    for assumed in checker.assumed.values():
        if sum(not one.differs for one in assumed) >= max(2, len(assumed) / 3):
            findings |= {(id(one.passage), one.start): one for one in assumed}
    findings |= {(id(one.passage), one.start): one for one in checker.of_lines([*findings.values()])}
    for change in checker.of_changes(passages, findings):
        findings.setdefault((id(change.passage), change.start), change)
    misprints, n_numbers = list[tuple[int, int]](), len(findings)
    for group in filter(None, checker.groups):
        keys = [(id(passage), at + query.number.start) for passage, at, _, query in group]
        n_numbers += len(set(keys) - findings.keys())
        if of_pages.keys() >= set(keys):
            continue
        queries = [query for *_, query in group]
        verdicts = judge_rows(kept(facts, Cells), queries, is_table=group[0][0].is_cell)
        for k, (passage, at, text, query) in enumerate(group):
            one, verdict = findings.get(keys[k]), verdicts.get(k)
            if keys[k] in checker.passed:
                continue
            if (
                one
                and one.of_all
                and query.is_held
                and query.number.decimals
                and not RE["ALL_CITIES"].search(re.split("[,，;；]", text[: query.number.start])[-1])
                and kept(facts, Cells).may_be(query, one.of_all, one.candidates[0])
            ):
                del findings[keys[k]]
            if verdict and keys[k] not in findings:
                findings[keys[k]] = checker.finding(passage, text, at, query.number, verdict)
                misprints += [keys[k]] if verdict.verdict == "not_ours" else []
    for change in [*checker.of_changes(passages, findings)]:  # beside what only the rows have told
        was = findings.get((id(change.passage), change.start))
        if was is None or (was.differs and not any(one["key"].startswith("nqpf:") for one in was.candidates)):
            findings[id(change.passage), change.start] = change
    findings |= {(id(one.passage), one.start): one for one in beside.given_by_others([*findings.values()])}
    for misprint in beside.misprints([*findings.values()], checker.unknown):
        was = findings.get((id(misprint.passage), misprint.start))
        if was is None or was.is_guess:
            findings[id(misprint.passage), misprint.start] = misprint
    if len(findings) < KNOWN * n_numbers:  # the document is about something else
        findings = {key: one for key, one in findings.items() if key not in misprints}
    for key, one in of_pages.items():
        if key not in findings or findings[key].differs or one.differs:
            findings[key] = one
    order = {id(passage): k for k, passage in enumerate(passages)}
    return sorted(findings.values(), key=lambda one: (order[id(one.passage)], one.start))


class _Checker:
    def __init__(self, facts: Facts, words: Vocabulary, judge: Judge) -> None:
        self.facts, self.words, self.judge = facts, words, judge
        self.by_name = kept(facts, Results), kept(facts, Moves), kept(facts, Gaps)  # results that words name in full
        self.provinces = {*words.provinces.values()}
        self.titles: dict[int, Context] = {}
        self.titles_text: list[str] = []
        self.dated = Counter[int]()  # years that the document names
        self.years = Counter[int]()
        self.unknown: list[tuple[Finding, Sentence]] = []  # numbers of sentences without a sure verdict
        self.passed = set[tuple[int, int]]()  # numbers that may be a figure of other words
        self.cells: list[tuple[Passage, str, Number, Target]] = []  # of tables, without a verdict
        self.heads: dict[str, Sentence] = {}
        self.cities = Counter[str]()
        self.title_cities: tuple[str, ...] = ()
        self.grids: dict[tuple[str, str, str], Grid | None] = {}
        self.last = Passage("", "")
        self.groups: list[list[tuple[Passage, int, str, Query]]] = []  # numbers of a paragraph, or of a table
        self.assumed: dict[int, list[Finding]] = defaultdict(list)  # in tables of cities that do not say what of them

    def each(self, passages: Sequence[Passage]) -> Iterator[Finding]:
        last = Context()
        for passage in passages:
            self._group(passage)
            text = passage.text.translate(WIDE_SIGNS)
            keyed = list(self._keyed(passage, text))
            yield from keyed
            text = KEY.sub(lambda match: " " * len(match[0]), text)
            covered = [finding.start for finding in keyed]
            if passage.table and (grid := self._grid(self.facts, *passage.table[:2])):
                yield from self._printed(passage, text, grid)
                continue
            if passage.is_cell and passage.heads and len(text) < 40:
                yield from self._cell(passage, text, last, covered)
                continue
            level = passage.level or (7 if RE["HEADING"].match(text) else 0)
            context = Context() if level else self._under(last)
            for at, sentence_text in sentences(text):
                newest = max((year for year in self.dated if year <= self.facts.scope.last_year), default=None)
                or_year = context.or_year or next(iter(self.often), None)
                context = replace(context, or_year=or_year, document_year=newest)
                context = replace(context, document_cities=self.words.document_cities)
                self.words.last = context.cities
                sentence = self._sentence(sentence_text, context)
                self._ask(passage, at, sentence, covered)
                self.words.document_cities = self._city_of_document(sentence if level else None, level)
                readings = dict(targets(self.facts, sentence))
                for number in sentence.numbers:
                    if at + number.start in covered:
                        continue
                    known = self._verdict(sentence, number, readings.get(number))
                    if not known or known[1].verdict not in RIGHT:
                        by_name = (one.verdict(sentence, number) for one in self.by_name)
                        if verdict := next(filter(None, by_name), None):
                            yield self.finding(passage, sentence_text, at, number, verdict)
                            continue
                    if not known:
                        self.unknown.append((self.finding(passage, sentence_text, at, number, Verdict("")), sentence))
                        continue
                    target, verdict = known
                    if self._is_misread(number, sentence, target, verdict):
                        self.passed.add((id(passage), at + number.start))
                    elif verdict.verdict != "other_year" or self._is_dated(sentence, number, verdict):
                        finding = self.finding(passage, sentence_text, at, number, verdict)
                        yield finding
                        self.unknown += [(finding, sentence)] if finding.is_guess else []
                context = carried(sentence)
                self.years.update({m.value for m in sentence.of("year") if not sentence.is_base(m)})
            if level:
                self.titles_text.append(text)
                self.titles = {k: held for k, held in self.titles.items() if k < level}
                is_of_two = len({m.value for m in sentence.of("index")}) > 1  # production forces and relations
                self.titles[level] = replace(context, index="") if is_of_two else context
                often = next((year for year, _ in self.years.most_common(1)), None)
                context = Context() if self._above().year else Context(year=last.year, or_year=often)
            last = context

    def _city_of_document(self, title: Sentence | None, level: int) -> tuple[str, ...]:
        """The city that the first title with a city names, or a later title of a whole text; else the one that is named
        most, if it is often."""
        cities = {tuple(m.value) for m in title.of("city")} if title else set()
        if len(cities) == 1 and (level in (1, TITLE_LEVEL) or not self.title_cities):
            self.title_cities = next(iter(cities))
        often = [city for city, n in self.cities.most_common(1) if n > OFTEN * self.cities.total()]
        return self.title_cities or tuple(often)

    def _group(self, passage: Passage) -> None:
        """Begin a group of numbers with a paragraph or table; items of a list are one group."""
        was, self.last = self.last, passage
        is_item = passage.at >= was.at if passage.is_cell else RE["ITEM"].match(passage.text)
        if not self.groups or was.is_cell != passage.is_cell or not is_item:
            self.groups.append([])

    def _verdict(self, s: Sentence, number: Number, target: Target | None) -> tuple[Target, Verdict] | None:
        """What a number is said to be, and whether it is; where its words leave that open only a sure misprint."""
        if target and (verdict := self.judge.judge(number, target)):
            return target, verdict
        target = loosely(self.facts, s, number)
        verdict = self.judge.judge(number, target) if target else None
        return (target, verdict) if target and verdict and verdict.verdict in DIFFERS else None

    def _is_misread(self, number: Number, sentence: Sentence, target: Target, verdict: Verdict) -> bool:
        """Whether a number that is called wrong is a figure of other words of the text."""
        if number.is_rank or not (verdict.verdict == "other_city" or verdict.note.startswith("the published")):
            return False
        other = self.judge.judge(number, widened(sentence, number, target))
        return other is not None and other.verdict in RIGHT

    def _is_dated(self, s: Sentence, number: Number, verdict: Verdict) -> bool:
        """Whether the words before a number say its year, so that the figure of another is a slip."""
        base = RE["FROM"].search(s.text[: number.start])
        if RE["WITHIN_YEAR"].search(s.text) and base and not base["year"]:  # 一年之内由第15位跃居第4位
            ends = {m.value for m in s.of("year")} or {*self.often, max(self.dated, default=0)}
            return not any(f"that of {year - 1}" in verdict.note for year in ends)
        if RE["SAME_TIME"].search(s.text) or RE["THAT_YEAR"].search(s.text[: number.start]):
            return True
        left, (start, end) = s.text[: number.start], s.zones[s.numbers.index(number)]
        if any(RE[name].search(s.text[start:end]) for name in ("BEGINNING", "END")):
            return True
        if any(len(left) - match.end() < NEXT_TO for match in RE["AGO"].finditer(left)):
            return True  # 上年的49.50分
        before = max([0, *(one.end for one in s.numbers if one.end <= number.start)])
        if any(before <= m.start < number.start and f"that of {m.value}" in verdict.note for m in s.of("year")):
            return False
        in_zone = any(start <= m.start < number.start and not s.is_base(m) for m in s.of("year"))
        if (base := RE["FROM"].search(left)) and base["year"]:
            return True
        if base or (RE["TO"].search(left) and not in_zone):
            years = {m.value for m in s.of("year")}
            is_one_span = len(years) == 2 or (len(years) == 1 and bool(base) and s.is_base(s.of("year")[0]))
            return (
                bool(s.ranges) or is_one_span or any(number.end <= m.start < number.end + CLOSE for m in s.of("year"))
            )
        for m in s.of("year"):
            gap = s.gap(m.end, number.start) if m.start < number.start else s.gap(number.end, m.start)
            if not re.search("[;；]", gap) and (m.start < number.start or not s.between(number.end, m.start)):
                return True
        often = {*self.often, max(self.dated, default=0)}
        agos = [m for m in RE["AGO"].finditer(left) if m.start() >= start or not RE["OF_BASE"].search(left[: m.end()])]
        years = {*often, *(year - 1 for year in often if agos)}
        return not any(f"that of {year}" in verdict.note for year in years)

    @property
    def often(self) -> list[int]:
        """The year that the document names most, if it names any."""
        return [year for year, _ in self.dated.most_common(1)]

    def _ask(self, passage: Passage, at: int, sentence: Sentence, covered: Sequence[int]) -> None:
        """Note the numbers of a sentence for the rows of the result tables."""
        every = numbers(sentence.text, sentence.mentions, every=True)
        whole = Sentence(sentence.text, sentence.mentions, every, sentence.before)
        far = tokens(passage.text) | tokens(" ".join(self.titles_text[-2:]))
        years = sentence.of("year")
        group, first = self.groups[-1], len(self.groups[-1])
        for k, number in enumerate(every):
            start, end = whole.zones[k]
            near = dict.fromkeys(far, 0.25) | dict.fromkeys(tokens(sentence.text), 0.5)
            near |= dict.fromkeys(tokens(sentence.text[start:end]), 1.0)
            role = statistic(whole, k) or ("p" if RE["OF_P"].search(sentence.text[: number.start]) else "")
            role = role or (
                "n" if RE["DRAWS"].search(sentence.text[max(0, number.start - 8) : number.end + 24]) else ""
            )
            role = role or ("n" if number.unit == UNITS["points"] and is_changed(whole, k) else "")  # in no table
            is_of_part = RE["PART"].search(sentence.text) and not sentence.of("index")  # which one?
            role = role or ("n" if is_of_part or RE["OF_CITIES"].match(sentence.text[number.end :]) else "")
            falls = bool(RE["FALLS"].search(sentence.text[start : number.start]))
            in_view = sorted(whole.in_view(number, years), key=lambda m: abs(m.end - number.start))
            now = [m.value for m in in_view] or ([sentence.before.year] if sentence.before.year else [])
            now = [] if RE["FROM"].search(sentence.text[: number.start]) else now
            if at + number.start not in covered and not any(start <= m.start < end for m in sentence.of("city")):
                group.append((passage, at, sentence.text, Query(number, (first, 0), now, near, role=role, falls=falls)))

    def _ask_cell(self, passage: Passage, where: str, cell: Sentence, heads: Sequence[Sentence]) -> None:
        near = dict.fromkeys(tokens(passage.heads[2]), 0.25) | dict.fromkeys(tokens(" ".join(passage.heads[:2])), 1.0)
        years = [m.value for head in heads[:2] for m in head.of("year")] or [m.value for m in heads[2].of("year")]
        of_lines = tokens(passage.heads[1]), tokens(passage.heads[0])
        row, column = passage.at
        for k, number in enumerate(numbers(cell.text, cell.mentions, every=True)):
            at = row, column + k * BESIDE  # the error of an estimate is a column of its own
            self.groups[-1].append((passage, 0, where, Query(number, at, years, near, of_lines)))

    def _under(self, last: Context) -> Context:
        """What the headings say, and where they are silent the text since the last of them."""
        above = self._above()
        cities, year = above.cities or (() if above.year else last.cities), last.year or above.year
        or_year = (above.year or last.or_year) if last.year else None
        return replace(last, cities=cities, year=year, index=above.index, or_year=or_year)

    def _above(self) -> Context:
        """What the headings above say, the nearest first."""
        results = Context()
        for _, title in sorted(self.titles.items(), reverse=True):
            results = Context(
                results.cities or title.cities, results.year or title.year, results.since, results.index or title.index
            )
        return results

    def _sentence(self, text: str, before: Context) -> Sentence:
        mentions = self.words.mentions(text)
        is_of_provinces = any(one in self.provinces for m in mentions if m.kind == "place" for one in m.value)
        if RE["PROVINCES"].search(text) or (is_of_provinces and self._are_namesakes(text, mentions)):
            mentions = [
                replace(m, kind="place", value=(province,))
                if (province := self.words.namesakes.get(text[m.start : m.end].lower()))
                else m
                for m in mentions
            ]
        self.cities.update(city for m in mentions if m.kind == "city" for city in m.value)
        return Sentence(text, mentions, numbers(text, mentions), before)

    def _are_namesakes(self, text: str, mentions: Sequence[Mention]) -> bool:
        """Whether each city of a sentence has the name of a province: Jilin, beside Heilongjiang."""
        cities = [text[m.start : m.end].lower() for m in mentions if m.kind == "city"]
        return bool(cities) and all(city in self.words.namesakes for city in cities)

    def _head(self, text: str) -> Sentence:
        """The same head serves many cells."""
        if text not in self.heads:
            is_region = RE["CENTRE_HEAD"].fullmatch(text.strip())
            self.heads[text] = self._sentence("the Centre" if is_region else text.translate(WIDE_SIGNS), Context())
        return self.heads[text]

    def _cell(self, passage: Passage, text: str, last: Context, covered: list[int]) -> Iterator[Finding]:
        heads = [self._head(head) for head in passage.heads]
        province = self.words.namesakes.get(passage.heads[1].strip().lower(), "") if passage.heads[1:] else ""
        if province and any(RE["PROVINCES"].search(head) for head in passage.heads):
            heads[1] = Sentence(heads[1].text, [Mention("place", 0, len(heads[1].text), (province,))], [])
        sentence = self._sentence(text, Context())
        if RE["YEAR"].fullmatch(text) and any(m.kind == "variable" for m in heads[0].mentions):  # 2004 patents
            sentence = Sentence(text, [], [Number(0, len(text), text, float(text), 0)])
        where = passage.with_heads
        is_of_some = any(RE["CUT_HEAD"].search(head) for head in passage.heads[:2])  # cities above a line
        if passage.heads[2:] == ("head",) or (is_of_some and not any(number.decimals for number in sentence.numbers)):
            return
        if not covered and not any(head.of("city") for head in heads[:2]):
            self._ask_cell(passage, where, sentence, heads)
        if text.strip().startswith(("[", "(")):
            return
        above = self._above()
        context = Context(above.cities or last.cities, above.year or last.year, None, above.index)
        for number in sentence.numbers[:1]:
            target = of_cell(self.facts, [sentence, *heads] if sentence.mentions else heads, number, context)
            if target is not None and "since" in target.ways:  # a sign that is printed
                unsigned = 1 if target.subjects[0][0] == "score" and not RE["FALLS"].search(passage.heads[0]) else 0
                target.direction = {"+": 1, "-": -1, "−": -1}.get(text.strip()[0], unsigned)
            if covered:
                continue
            if verdict := kept(self.facts, Results).of_cell(passage.heads, text, self.words.mentions):
                yield self.finding(passage, where, 0, number, verdict)
                continue
            if target is None:
                continue
            if (verdict := self.judge.judge(number, target)) is None:
                self.cells.append((passage, where, number, target))
            else:
                finding = self.finding(passage, where, 0, number, verdict)
                if target.is_assumed:
                    self.assumed[len(self.groups)].append(finding)
                else:
                    yield finding

    def of_lines(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        """Cells that their heads leave open: of the measure and year of the right figures in their row or column."""
        votes: dict[tuple[int, str], Counter[tuple[Subject, int]]] = defaultdict(Counter)
        of_cells = [one for one in findings if one.passage and one.passage.is_cell and one.verdict in RIGHT]
        for one, passage in ((one, one.passage) for one in of_cells if one.candidates and one.passage):
            if key := self._key(one.candidates[0]["key"]):
                for side in (0, 1):
                    votes[side, passage.heads[side]][key[0], key[2]] += 1
        for passage, where, number, target in self.cells:
            for side in (0, 1):
                best = votes[side, passage.heads[side]].most_common(2)
                if best and best[0][1] > max(1, sum(n for _, n in best[1:])):
                    (subject, year), _ = best[0]
                    sure = Target([subject], target.places, [year], unit=target.unit, is_certain=True)
                    if verdict := self.judge.judge(number, sure):
                        yield self.finding(passage, where, 0, number, verdict)
                    break

    def of_changes(self, passages: Sequence[Passage], findings: Mapping[tuple[int, int], Finding]) -> Iterator[Finding]:
        """Figures of a column of changes, beside two columns whose heads differ by their year alone."""
        for cells in tables(passages):
            heads = {cell.at[1]: cell.heads[0] for cell in cells}
            years = {k: [int(year) for year in RE["YEAR"].findall(head)] for k, head in heads.items()}
            changes = [k for k, head in heads.items() if RE["CHANGE_HEAD"].search(head) and len(years[k]) != 1]
            bare = {k: RE["YEAR"].sub("", heads[k]) for k in heads if len(years[k]) == 1}
            span = years[changes[0]] if changes else []
            pairs = [
                (a, b)
                for a in bare
                for b in bare
                if bare[a] == bare[b] and years[a] < years[b] and span in ([], [*years[a], *years[b]])
            ]
            at = {cell.at: cell for cell in cells}
            for (row, k), cell in at.items() if len(pairs) == len(changes) == 1 else ():
                sides = [_figure_of(findings.get((id(at.get((row, side))), 0))) for side in pairs[0]]
                of = numbers(cell.text.translate(WIDE_SIGNS), ())
                if k != changes[0] or len(of) != 1 or not of[0].decimals or "%" in cell.heads[0] + cell.text:
                    continue
                known = [side for side in sides if side]
                if len(known) == 2:
                    (first, here), (second, there) = known
                    gap, places = second - first, of[0].decimals
                    is_right = abs(gap - of[0].value) <= 1.5 * 10.0**-places  # of rounded figures
                    note = "from published figures" if is_right else f"the published figures give {gap:.{places}f}"
                    verdict = Verdict("rounded" if is_right else "not_ours", note, [there, here])
                    yield self.finding(cell, cell.with_heads, 0, of[0], verdict)

    def _grid(self, facts: Facts, code: str, language: str) -> Grid | None:
        """The paper table as this file prints it; None where it does not."""
        key = (facts.release, code, language)
        if key not in self.grids:
            self.grids[key] = None
            if (exhibit := exhibits().get(code)) and language in languages():
                with suppress(ExportError):
                    self.grids[key] = read_grid(Reader(facts.con, facts.scope, language), exhibit)
        return self.grids[key]

    def of_pages(self, passages: Sequence[Passage]) -> Iterator[Finding]:
        """Figures of sentences and tables that stand in the report of the release, or of an older one."""
        han, latin = (sum(len(re.findall(kind, one.text)) for one in passages) for kind in ("[\u4e00-\u9fff]", "[a-z]"))
        language = "zh" if han > latin / 2 else "en"
        cities = [city for city, _ in self.cities.most_common()]
        releases = [(one, pages_of(one, cities, language)) for one in (self.facts, *self.judge.older)]
        for passage in passages:
            for at, text in () if passage.is_cell else sentences(passage.text):
                yield from self._copied(passage, at, text, [(r, _sentence_in(pages, text)) for r, pages in releases])
        for cells in tables(passages):
            there = [(r, _table_in(pages, cells)) for r, pages in releases]
            for k, cell in enumerate(cells):
                yield from self._copied(cell, 0, cell.text, [(r, figures_of(of.get(k, ""))) for r, of in there])

    def _copied(
        self, passage: Passage, at: int, text: str, there: Sequence[tuple[Facts, tuple[str, ...]]]
    ) -> Iterator[Finding]:
        """The figures of a text against those that each release, the newest first, has in their places."""
        numbers = figures(text)
        there = [(facts, ours) for facts, ours in there if len(ours) == len(numbers)]
        for k, number in enumerate(numbers):
            then = {facts.release: verdict_of(ours[k], number.text) for facts, ours in there}
            now = then.get(self.facts.release, "")
            note = ""
            if now == "not_ours":
                note = f"the report of {self.facts.release} has {there[0][1][k]}"
                older = next((release for release, was in then.items() if was in RIGHT), "")
                now, note = ("revised", f"right in {older}; {note}") if older else (now, note)
            if now:
                whole = passage.with_heads if passage.is_cell else text
                yield self.finding(passage, whole, at, number, Verdict(now, note))

    def _printed(self, passage: Passage, text: str, grid: Grid) -> Iterator[Finding]:
        """A figure of an exported table against the same cell of the same table."""
        assert passage.table is not None
        code, language, row, column = passage.table

        def cell(of: Grid | None) -> str:
            rows = of.rows if of else ()
            return rows[row].cells[column] if row < len(rows) and rows[row].kind != "panel" else ""

        expected = cell(grid)
        figures = numbers(text, self.words.mentions(text))
        if grid.is_text[min(column, len(grid.is_text) - 1)] or not figures or not expected:
            return
        if text == expected.translate(WIDE_SIGNS):
            verdict = Verdict("equal", "")
        else:
            older = (facts for facts in self.judge.older if cell(self._grid(facts, code, language)) == passage.text)
            then = next((facts.release for facts in older), "")
            note = f"{code} of {self.facts.release} has {expected}"
            verdict = Verdict("revised", f"right in {then}; {note}") if then else Verdict("not_ours", note)
        yield self.finding(passage, text, 0, figures[0], verdict)

    def finding(self, passage: Passage, text: str, at: int, number: Number, verdict: Verdict) -> Finding:
        is_whole = number.decimals == 0 and number.value.is_integer()
        return Finding(
            passage.place, " ".join(text.split()), int(number.value) if is_whole else number.value, verdict.verdict,
            verdict.candidates, verdict.note, number, at + number.start, passage, verdict.right
        )  # fmt: skip

    def _keyed(self, passage: Passage, text: str) -> Iterator[Finding]:
        """Numbers with a key, in a comment on them or behind them: checked exactly."""
        spots = [(start, end, key) for start, end, key in passage.keys]
        spots += [(0, match.start(), match[0]) for match in KEY.finditer(text)]
        for start, end, key in spots:
            part = text[start:end]
            results = numbers(part, self.words.mentions(part))
            parsed = self._key(key)
            if not results or parsed is None:
                continue
            number, (subject, city, year, release) = results[-1], parsed
            target = Target([subject], [(city,)], [year], unit=number.unit)
            verdict = self.judge.judge(number, target)
            if verdict is None:
                verdict = Verdict("unknown", f"{key} is not in release {self.facts.release}")
            elif verdict.verdict == "revised" and release not in verdict.note:
                verdict = replace(verdict, note=f"{verdict.note}; the key names release {release}")
            yield self.finding(passage, part, start, number, verdict)

    def _key(self, key: str) -> tuple[Subject, str, int, str] | None:
        if not key.startswith("nqpf:"):  # of a table of results
            return None
        what, city, year, release = re.split(r"[/@]", key.removeprefix("nqpf:"), maxsplit=3)
        kind, _, name = what.partition(".")
        city = "" if city == "CN" else city
        if kind in OF_SCORES:
            return (kind, name or self.facts.scope.index), city, int(year), release
        if kind == "nation" or kind in OF_PARTS:
            return (kind, name), city, int(year), release
        return (("value", what), city, int(year), release) if what in self.facts.units else None


def _figure_of(one: Finding | None) -> tuple[float, dict[str, Any]] | None:
    """The published mean or score that a cell should be, or the right figure of another table as it is printed."""
    if one is None or not one.candidates:
        return None
    key, value = (one.candidates[0][name] for name in ("key", "value"))
    if key.startswith(("nqpf:nation", "nqpf:score")):
        return value, one.candidates[0]
    figure = 0.0 if key.startswith("nqpf:") else one.published
    return (figure, one.candidates[0]) if figure else None


def _sentence_in(pages: Sequence[Pages], text: str) -> tuple[str, ...]:
    return next((ours for one in pages if (ours := one.sentence(text))), ())


def _table_in(pages: Sequence[Pages], cells: Sequence[Passage]) -> dict[int, str]:
    return max((one.table(cells) for one in pages), key=len, default={})
