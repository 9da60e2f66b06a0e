"""Reads specs/index.yml into frozen dataclasses. Unknown keys and empty entries are errors, never ignored."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

_STUDY_KEYS = {"seed", "boundary_vintage", "headline"}
_KEYS = {
    *("title_zh", "title_en", "dimensions", "variant_of", "add", "drop"),
    *("window_start", "window_end", "min_city_share", "fill_policy"),
}
_FILL_POLICIES = ("with_fills", "without_fills")
RESTATED = "restated"


class SpecError(Exception):
    """A spec file that cannot be used: says which entry and what to do."""


@dataclass(frozen=True)
class IndexSpec:
    """One index: which indicators in which dimension and tier, and its base window.

    headline_rank : place among the candidates for the headline, 0 for none.   relations : index of production
    relations that a candidate is paired with.
    """

    index_code: str
    title_zh: str
    title_en: str
    dimensions: dict[str, dict[str, list[str]]]
    window_start: int
    window_end: int
    min_city_share: float
    fill_policy: str
    variant_of: str = ""
    headline_rank: int = 0
    relations: str = ""

    @property
    def basis(self) -> str:
        """Name of the basis whose bounds and weights are those of the base window for ever."""
        return f"frozen_{self.window_start}_{self.window_end}"

    @property
    def spec_hash(self) -> str:
        content = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def rows(self) -> list[dict[str, object]]:
        """One row per indicator, columns of ops.index_spec."""
        shared = {
            "index_code": self.index_code,
            "title_zh": self.title_zh,
            "title_en": self.title_en,
            "variant_of": self.variant_of,
            "headline_rank": self.headline_rank or None,
            "relations_code": self.relations or None,
            "basis": self.basis,
            "fill_policy": self.fill_policy,
            "window_start": self.window_start,
            "window_end": self.window_end,
            "min_city_share": self.min_city_share,
            "spec_hash": self.spec_hash,
        }
        return [
            {**shared, "dimension": dimension, "tier": tier, "indicator_code": code}
            for dimension, tiers in self.dimensions.items()
            for tier, codes in tiers.items()
            for code in codes
        ]


@dataclass(frozen=True)
class StudyFacts:
    """What holds for the study as a whole. headline: forces -> relations, the candidates in their order."""

    seed: int
    boundary_vintage: int
    headline: dict[str, str]


def read_study_facts(file: Path) -> StudyFacts:
    """The entry `study` of the index specs."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    entry, indexes = content.get("study", {}), content["indexes"]
    numbers = [entry.get(key) for key in ("seed", "boundary_vintage")]
    if set(entry) != _STUDY_KEYS or any(type(value) is not int for value in numbers):
        raise SpecError(
            f"{file.name}: `study` needs the whole numbers seed and boundary_vintage, and headline: {entry}."
        )
    pairs = entry["headline"]
    codes = [*pairs, *pairs.values()] if isinstance(pairs, dict) else []
    unknown = [code for code in codes if code not in indexes or "variant_of" in indexes[code]]
    if not codes or unknown:
        raise SpecError(
            f"{file.name}: `headline` pairs indexes of this file that are no variants (forces: relations);"
            f" check {', '.join(map(str, unknown)) or pairs}."
        )
    return StudyFacts(**entry)


def read_index_specs(file: Path) -> list[IndexSpec]:
    """All index definitions of the file, variants resolved against their parents."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    entries: dict[str, dict[str, Any]] = content["indexes"]
    headline = read_study_facts(file).headline
    return [_build(code, entries, content.get("defaults", {}), headline, file) for code in entries]


def spec_frame(specs: list[IndexSpec]) -> pd.DataFrame:
    """One row per index and indicator."""
    frame = pd.DataFrame([row for spec in specs for row in spec.rows()])
    return frame.astype({"headline_rank": "Int32", "relations_code": "string"})


def _build(
    code: str, entries: dict[str, dict[str, Any]], defaults: dict[str, Any], headline: dict[str, str], file: Path
) -> IndexSpec:
    entry = entries[code]
    unknown = set(entry) - _KEYS
    if unknown:
        raise SpecError(f"{file.name}: index {code} has unknown keys {sorted(unknown)}; known are {sorted(_KEYS)}.")
    settings = {**defaults, **{key: entry[key] for key in defaults if key in entry}}
    if settings["fill_policy"] not in _FILL_POLICIES:
        raise SpecError(f"{file.name}: index {code}: fill_policy must be one of {_FILL_POLICIES}.")
    spec = IndexSpec(
        index_code=code,
        title_zh=entry["title_zh"],
        title_en=entry["title_en"],
        dimensions=_dimensions(code, entries, file),
        variant_of=entry.get("variant_of", ""),
        headline_rank=list(headline).index(code) + 1 if code in headline else 0,
        relations=headline.get(code, ""),
        **settings,
    )
    codes = [row["indicator_code"] for row in spec.rows()]
    twice = sorted({str(c) for c in codes if codes.count(c) > 1})
    if twice or not codes:
        raise SpecError(f"{file.name}: index {code} must list each indicator once; check {twice or 'its dimensions'}.")
    return spec


def _dimensions(code: str, entries: dict[str, dict[str, Any]], file: Path) -> dict[str, dict[str, list[str]]]:
    entry = entries[code]
    parent = entry.get("variant_of")
    if parent is None:
        return copy.deepcopy(entry["dimensions"])
    if parent not in entries or entries[parent].get("variant_of"):
        raise SpecError(f"{file.name}: index {code} is a variant of {parent}, which is not a headline index there.")
    dimensions: dict[str, dict[str, list[str]]] = copy.deepcopy(entries[parent]["dimensions"])
    for dimension, tiers in entry.get("add", {}).items():
        for tier, codes in tiers.items():
            dimensions[dimension].setdefault(tier, []).extend(codes)
    dropped = set(entry.get("drop", []))
    return {d: {t: [c for c in codes if c not in dropped] for t, codes in ts.items()} for d, ts in dimensions.items()}
