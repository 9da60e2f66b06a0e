"""Tables of the policy page: shares of the paths, sub-types, groups, cities, moves."""

from __future__ import annotations

from collections import Counter

from dagster_project.publish.site import words
from dagster_project.publish.site.city_parts import INPUTS, PATHS, SUBTYPES, linked, path_name, subtype_name
from dagster_project.publish.site.language import said
from dagster_project.publish.site.pages._marts import SPLITS, Marts, Row
from dagster_project.publish.site.pages.base import Table, Text

GROUPED = ("four_region", *SPLITS)


def shares(marts: Marts, year: int) -> Table | None:
    """Cities and share of each path with its limits."""
    found = marts.read("mart_path_summary", "*", "year = ? and scheme = 'all'", [year])
    if not found:
        return None
    held = {r["path"]: r for r in found}
    body = [
        (
            path_name(code),
            words.number(r["n"]),
            _percent(r["share"]),
            words.between(_hundred(r["share_lo"]), _hundred(r["share_hi"]), 1),
            words.number(_hundred(r["mean_score"]), 1),
            words.number(r["mean_d"], 3),
        )
        for code in PATHS
        if (r := held.get(code))
    ]
    heads = ["Path", "Cities", "Share, %", "95 % limits", "Mean score, points", "Mean coordination"]
    return Table.of("shares", f"Paths in {year}", heads, body)


def subtypes(last: list[Row]) -> Table:
    """How many cities have each form of a path."""
    counts = Counter((r["path"], r["subtype"]) for r in last)
    body = [
        (path_name(path), subtype_name(form), words.number(counts[path, form]))
        for path in PATHS
        for form in SUBTYPES
        if counts[path, form]
    ]
    return Table.of("subtypes", "Sub-types of the paths", ["Path", "Sub-type", "Cities"], body, n_text=2)


def groups(marts: Marts, year: int) -> Table | None:
    """Shares of the paths by group of cities."""
    found = marts.read("mart_path_summary", "*", "year = ? and scheme <> 'all'", [year], "scheme, group_code")
    held: dict[tuple[str, str], dict[str, Row]] = {}
    for r in found:
        if r["scheme"] in GROUPED:
            held.setdefault((r["scheme"], r["group_code"]), {})[r["path"]] = r
    if not held:
        return None
    body = []
    for (scheme, code), by in held.items():
        cells = [
            f"{_percent(r['share'])} {words.between(_hundred(r['share_lo']), _hundred(r['share_hi']), 0)}"
            if (r := by.get(path))
            else words.NONE
            for path in PATHS
        ]
        n = next(iter(by.values()))["n_group"]
        body.append((said(*(part or code for part in marts.named(scheme, code))), words.number(n), *cells))
    heads = ["Group", "Cities", *(f"{PATHS[path][0]}, %" for path in PATHS)]
    return Table.of(
        "groups", f"Share of each path by group [95 % limits], {year}", heads, body, fold="By group of cities"
    )


def cities(marts: Marts, found: list[Row], key: str, caption: str, fold: str = "") -> Table:
    """One row a city, with links to the profiles."""
    names = marts.cities()
    heads = [
        "City",
        "Path",
        "Sub-type",
        "Certainty, % of draws",
        "Margin, sd",
        "Nearest cut",
        "Benchmark city",
        "Years on the path",
    ]
    kinds = ["", "", "", "num", "num", "", "", "num"]
    body = [
        (
            _link(names, r["city_id"]),
            path_name(r["path"]),
            subtype_name(r["subtype"]),
            _percent(r["p_path"]),
            words.number(r["margin"], 2),
            said(*INPUTS.get(r["margin_input"], (r["margin_input"] or words.NONE,) * 2)),
            _link(names, r["benchmark_city_id"]),
            words.number(r["years_in_path"]),
        )
        for r in found
    ]
    return Table(f"cities-{key}", caption, tuple(zip(heads, kinds, strict=True)), tuple(body), fold)


def changed(marts: Marts, found: list[Row]) -> Table | None:
    """Cities whose path in the last year is another one than in the year before."""
    year = found[-1]["year"] if found else 0
    before = {r["city_id"]: r["path"] for r in found if r["year"] == year - 1}
    names = marts.cities()
    body = [
        (
            _link(names, r["city_id"]),
            path_name(before[r["city_id"]]),
            path_name(r["path"]),
            _percent(r["p_path"]),
            words.number(r["margin"], 2),
        )
        for r in found
        if r["year"] == year and before.get(r["city_id"], r["path"]) != r["path"]
    ]
    if not body:
        return None
    heads = ["City", "Path before", "Path now", "Certainty, % of draws", "Margin, sd"]
    return Table.of("changed", f"Cities that changed the path in {year}", heads, body, n_text=3)


def transitions(moves: list[Row]) -> Table:
    """The matrix as a table with limits."""
    body = [
        (
            path_name(r["path_from"]),
            path_name(r["path_to"]),
            words.number(r["n"]),
            words.number(r["n_row"]),
            words.number(r["p"], 3),
            words.between(r["lo"], r["hi"]),
        )
        for r in moves
    ]
    heads = ["Path before", "Path now", "Moves", "Of the row", "Share", "95 % limits"]
    return Table.of("transitions", "Moves between the paths, all years", heads, body, n_text=2, fold="Figures")


def _link(names: dict[str, tuple[str, str]], city_id: str | None) -> Text:
    if not city_id:
        return words.NONE
    en, zh = names.get(city_id, (city_id, ""))
    return linked({"city_id": city_id, "name_en": en, "name_zh": zh}, "cities/")


def _percent(share: float | None) -> str:
    return words.number(_hundred(share), 1)


def _hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share
