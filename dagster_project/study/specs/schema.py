"""Reads the YAML specs into frozen dataclasses. Unknown keys and empty entries are errors, never ignored."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

_KEYS = {
    "title_zh",
    "title_en",
    "dimensions",
    "variant_of",
    "add",
    "drop",
    "window_start",
    "window_end",
    "min_city_share",
    "fill_policy",
    "edit_policy",
    "weight_scheme",
}
_POLICIES = {
    "fill_policy": ("with_fills", "without_fills"),
    "edit_policy": ("edited", "as_printed", "registered"),
    "weight_scheme": ("entropy_flat", "two_stage_equal"),
}


class SpecError(Exception):
    """A spec file that cannot be used: says which entry and what to do."""


@dataclass(frozen=True)
class IndexSpec:
    """One index: which indicators in which dimension and tier, and its base window."""

    index_code: str
    title_zh: str
    title_en: str
    dimensions: dict[str, dict[str, list[str]]]
    window_start: int
    window_end: int
    min_city_share: float
    fill_policy: str
    edit_policy: str
    weight_scheme: str
    variant_of: str = ""

    @property
    def spec_hash(self) -> str:
        content = json.dumps(self.__dict__, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def rows(self) -> list[dict[str, object]]:
        return [
            {
                "index_code": self.index_code,
                "title_zh": self.title_zh,
                "title_en": self.title_en,
                "dimension": dimension,
                "tier": tier,
                "indicator_code": code,
                "variant_of": self.variant_of,
                "fill_policy": self.fill_policy,
                "edit_policy": self.edit_policy,
                "weight_scheme": self.weight_scheme,
                "window_start": self.window_start,
                "window_end": self.window_end,
                "min_city_share": self.min_city_share,
                "spec_hash": self.spec_hash,
            }
            for dimension, tiers in self.dimensions.items()
            for tier, codes in tiers.items()
            for code in codes
        ]


@dataclass(frozen=True)
class StudySettings:
    """What holds for the study as a whole."""

    seed: int
    boundary_vintage: int


def read_study_settings(file: Path) -> StudySettings:
    """The entry `study` of the index specs."""
    entry = yaml.safe_load(file.read_text(encoding="utf-8")).get("study", {})
    if set(entry) != {"seed", "boundary_vintage"} or any(type(value) is not int for value in entry.values()):
        raise SpecError(f"{file.name}: `study` needs the whole numbers seed and boundary_vintage, has {entry}.")
    return StudySettings(**entry)


def read_index_specs(file: Path) -> list[IndexSpec]:
    """All index definitions of the file, variants resolved against their parents."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    entries: dict[str, dict[str, Any]] = content["indexes"]
    return [_build(code, entries, content.get("defaults", {}), file) for code in entries]


def spec_frame(specs: list[IndexSpec]) -> pd.DataFrame:
    """One row per index and indicator."""
    return pd.DataFrame([row for spec in specs for row in spec.rows()])


def _build(code: str, entries: dict[str, dict[str, Any]], defaults: dict[str, Any], file: Path) -> IndexSpec:
    entry = entries[code]
    unknown = set(entry) - _KEYS
    if unknown:
        raise SpecError(f"{file.name}: index {code} has unknown keys {sorted(unknown)}; known are {sorted(_KEYS)}.")
    settings = {**defaults, **{key: entry[key] for key in defaults if key in entry}}
    for key, known in _POLICIES.items():
        if settings[key] not in known:
            raise SpecError(f"{file.name}: index {code}: {key} must be one of {known}.")
    spec = IndexSpec(
        index_code=code,
        title_zh=entry["title_zh"],
        title_en=entry["title_en"],
        dimensions=_dimensions(code, entries, file),
        variant_of=entry.get("variant_of", ""),
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
