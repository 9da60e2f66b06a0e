"""What the codes of the marts are called in labels and sentences: groups, regimes, moderators, regressors.

A code that has no name here is said as it is, with blanks.
"""

from __future__ import annotations

GROUPS = {
    ("core", "core"): "core cities",
    ("core", "periphery"): "periphery",
    ("core", "other"): "periphery",
    ("cluster", "cluster"): "city clusters",
    ("cluster", "non_cluster"): "other cities",
    ("cluster", "other"): "other cities",
    ("east_vs_cw", "east"): "East",
    ("east_vs_cw", "central_west"): "Central-West",
    ("four_region", "east"): "East of four",
    ("four_region", "central"): "Central",
    ("four_region", "west"): "West",
    ("four_region", "northeast"): "Northeast",
    ("synergy", "high"): "high synergy",
    ("synergy", "low"): "lower synergy",
}
SCHEMES = {
    "core": "core cities and periphery",
    "cluster": "city clusters and other cities",
    "east_vs_cw": "East and Central-West",
    "four_region": "four regions",
    "synergy": "high and lower synergy",
}
MODERATORS = {
    "own_pr": "own production relations",
    "synergy_base": "synergy of the first year",
    "synergy_lag": "synergy of the year before",
    "synergy_high_lag": "high synergy the year before",
}
REGRESSORS = {"pr": "production relations", "pr_yearbook": "production relations"}


def scheme(code: str) -> str:
    """A split of the cities."""
    return SCHEMES.get(code, plain(code))


def group(scheme: str, code: str) -> str:
    """A group or regime of a split of the cities; the East stands in two splits, so it is told apart."""
    return GROUPS.get((scheme, code), plain(code))


def moderator(code: str) -> str:
    return MODERATORS.get(code, plain(code))


def regressor(code: str) -> str:
    return REGRESSORS.get(code, code)


def variant(code: str) -> str:
    """A version of an analysis: `core:emitter` is the split by core, groups taken from the emitting city."""
    split, _, side = code.partition(":")
    return f"{scheme(split)} ({side})" if side else scheme(split)


def sentence(text: str) -> str:
    """At the beginning of a sentence; names keep their capitals."""
    return text[:1].upper() + text[1:]


def plain(code: str) -> str:
    return code.replace("_", " ")
