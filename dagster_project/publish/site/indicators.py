"""A page for each indicator: definition, source, map, distribution, first and last cities, coverage, weights."""

import re
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from dagster_project.publish.exhibits.chart import by, draw
from dagster_project.publish.exhibits.exhibit import Chart, number, plain
from dagster_project.publish.exhibits.reader import Reader, Record
from dagster_project.publish.locale import msg
from dagster_project.publish.site.cities import MIDDLE
from dagster_project.publish.site.findings import map_data, picture
from dagster_project.published import statements

SQL = statements(__file__)
SHOWN = 8
BINS = 24


class Indicators:
    """The list and the pages of the indicators in one language."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.rows = reader.rows(SQL["list"])
        self.dimensions = sorted({row["dimension"] for row in self.rows})
        self.values = by(reader.rows(SQL["values"]), "code")
        self.coverage = by(reader.rows(SQL["coverage"]) if reader.has("mart_indicator_coverage") else [], "code")
        self.weights = by(reader.rows(SQL["weights"]), "code")
        self.edits = by(reader.rows(SQL["edits"]) if reader.has("mart_edit") else [], "code")
        self.sources = by(reader.rows(SQL["sources"]) if reader.has("mart_indicator_source") else [], "code")

    def _formula(self, sql: str) -> str:
        """The definition with the names of the variables."""
        text = re.sub(r"^1\.0 \* |\.0(?= \*)", "", sql).replace(" * ", " × ").replace(" / ", " ÷ ")
        return re.sub(r"[a-z]\w+", lambda code: self.reader.name("variable", code[0]), text)

    def listed(self) -> list[dict[str, Any]]:
        """One row an indicator."""
        listing = []
        for row in self.rows:
            coverage = self.coverage.get(row["code"], [])
            n_printed, all_ = (sum(one[name] for one in coverage) for name in ("n_observed", "n_city"))
            share = number(100 * n_printed / all_, 1) if all_ else "–"
            listing.append({**row, "printed": share})
        return listing

    def profile(self, row: Record) -> dict[str, Any]:
        """Everything on the page of an indicator."""
        words, code = self.reader.words, row["code"]
        last = self.values.get(code, [])
        ranking = sorted(last, key=lambda one: (-row["direction"] * one["y"], one["city_id"]))
        n_rows = min(SHOWN, len(ranking) // 2)
        ends = [{**one, "value": plain(one["y"])} for one in (*ranking[:n_rows], *ranking[len(ranking) - n_rows :])]
        source = self.sources.get(code, [{"sources": "", "variables": ""}])[0]
        weight = words.say(
            "{weight:.1f} % (90 % range {lo:.1f} to {hi:.1f})", **{k: row[k] for k in ("weight", "lo", "hi")}
        )
        return {
            **row,
            "weight": weight if row["lo"] is not None else f"{number(row['weight'], 1)} %",
            "formula": self._formula(row["formula"]),
            "variables": source["variables"],
            "sources": source["sources"],
            "map": map_data(last, plain) | {"say": {one["city_id"]: plain(one["y"]) for one in last}},
            "histogram": self._histogram(row, [one["y"] for one in last]),
            "ends": list(zip(ends[:n_rows], ends[n_rows:], strict=True)),
            "coverage": self.coverage.get(code, []),
            "weights": self._chart(
                Chart("range", digits=1, x_title=msg("weight (%)")),
                self.weights.get(code, []),
                row["name"],
                msg("Weight under all schemes"),
            ),
            "edits": self.edits[code][0]["n"] if code in self.edits else 0,
        }

    def _histogram(self, row: Record, values: list[float]) -> dict[str, Markup] | None:
        if not values or min(values) == max(values):
            return None
        low, side = min(values), (max(values) - min(values)) / BINS
        counts = [0] * BINS
        for value in values:
            counts[min(BINS - 1, int((value - low) / side))] += 1
        rows: list[Record] = [{"x": low + (k + 0.5) * side, "y": float(n)} for k, n in enumerate(counts)]
        chart = Chart(
            "bar", columns=1, years=False, zero=True, height=150, y_title=msg("cities"), tip="{x:,.4g}: {y:.0f}"
        )
        return self._chart(replace(chart, x_title=row["unit"]), rows, row["name"], msg("Distribution"))

    def _chart(self, chart: Chart, rows: list[Record], name: str, label: str) -> dict[str, Markup] | None:
        if not rows:
            return None
        words = self.reader.words
        title = words.gettext(label)
        return picture(self.reader, draw(chart, rows, words, MIDDLE), f"{name}: {title}", title, rows)
