"""What an analysis is told besides its frames: the spec files, read into frozen settings.

Unknown keys, empty entries and unknown parents are errors, never ignored. Spec once, by who runs the analyses, which
hands the folder of the files in. Constants of a single method do not belong here: they stand beside it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum, auto
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from python_models.regression.convention import ESTIMATORS, MODELS
from python_models.regression.core import COVARIANCES
from python_models.regression.within import EFFECTS


class SpecError(Exception):
    """A spec file that cannot be used: says which entry and what to do."""


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return content


def _refuse_unknown(entry: dict[str, Any], keys: set[str], what: str) -> None:
    if unknown := set(entry) - keys:
        raise SpecError(f"{what} has unknown keys {sorted(unknown)}; known are {sorted(keys)}.")


def _checked[Spec](make: Callable[..., Spec], file: Path, **settings: Any) -> Spec:
    try:
        return make(**settings)
    except (ValueError, TypeError) as wrong:
        raise SpecError(f"{file.name}: {wrong}") from wrong


def _one_of(value: str, names: tuple[str, ...], what: str) -> None:
    if value not in names:
        raise ValueError(f"{what} must be one of {', '.join(filter(None, names))}, got {value!r}.")


# ---- specs/index.yml ------------------------------------------------------------------------------------------------

_STUDY_KEYS = {"seed", "boundary_vintage", "headline"}
_INDEX_KEYS = {
    *("title_zh", "title_en", "dimensions", "variant_of", "add", "drop"),
    *("window_start", "window_end", "min_city_share", "edit_policy", "weight_scheme"),
}
_POLICIES = {"edit_policy": ("edited", "as_printed", "registered", "unbridged")}
RESTATED = "restated"


@dataclass(frozen=True)
class IndexSpec:
    """One index: which indicators in which dimension and tier, and its base window.

    weight_scheme : that its score is published with; the others stand beside it.
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
    edit_policy: str
    weight_scheme: str
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
        about = asdict(self)
        dimensions, relations = about.pop("dimensions"), about.pop("relations") or None
        about |= {"headline_rank": self.headline_rank or None, "relations_code": relations}
        about |= {"basis": self.basis, "spec_hash": self.spec_hash}
        return [
            {**about, "dimension": dimension, "tier": tier, "indicator_code": code}
            for dimension, tiers in dimensions.items()
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
    content = _read(file)
    entry, indexes = content.get("study", {}), content["indexes"]
    numbers = [entry.get(key) for key in ("seed", "boundary_vintage")]
    if set(entry) != _STUDY_KEYS or any(type(value) is not int for value in numbers):
        words = "`study` needs the whole numbers seed and boundary_vintage, and headline"
        raise SpecError(f"{file.name}: {words}: {entry}.")
    pairs = entry["headline"]
    codes = [*pairs, *pairs.values()] if isinstance(pairs, dict) else []
    unknown = [code for code in codes if code not in indexes or "variant_of" in indexes[code]]
    if not codes or unknown:
        words = "`headline` pairs indexes of this file that are no variants (forces: relations)"
        raise SpecError(f"{file.name}: {words}; check {', '.join(map(str, unknown)) or pairs}.")
    return StudyFacts(**entry)


def read_index_specs(file: Path) -> list[IndexSpec]:
    """All index definitions of the file, variants resolved against their parents, and of the files beside it.

    A further index has a file of its own, `index_<code>.yml`, whose content is its entry. It is no candidate for the
    headline, and has no variants.
    """
    content = _read(file)
    entries: dict[str, dict[str, Any]] = dict(content["indexes"])
    for other in sorted(file.parent.glob("index_*.yml")):
        code, entry = other.stem.removeprefix("index_"), _read(other)
        if code in entries:
            raise SpecError(f"{other.name}: index {code} is defined in {file.name} already.")
        if "variant_of" in entry:
            raise SpecError(f"{other.name}: a file of its own is for an index, not for a variant.")
        entries[code] = entry
    headline = read_study_facts(file).headline
    return [_index_spec(code, entries, content.get("defaults", {}), headline, file) for code in entries]


def spec_frame(specs: Sequence[IndexSpec]) -> pd.DataFrame:
    """One row per index and indicator."""
    frame = pd.DataFrame([row for spec in specs for row in spec.rows()])
    return frame.astype({"headline_rank": "Int32", "relations_code": "string"})


def schemes_of_scores(indexes: Sequence[IndexSpec]) -> dict[str, str]:
    """Score of an index or of one of its dimensions -> the weight scheme that the index is published with."""
    return {
        f"{spec.index_code}{part}": spec.weight_scheme
        for spec in indexes
        for part in ("", *(f"_{name}" for name in spec.dimensions))
    }


def _index_spec(
    code: str, entries: dict[str, dict[str, Any]], defaults: dict[str, Any], headline: dict[str, str], file: Path
) -> IndexSpec:
    entry = entries[code]
    _refuse_unknown(entry, _INDEX_KEYS, f"{file.name}: index {code}")
    all_fields = {**entries.get(entry.get("variant_of", ""), {}), **entry}  # a variant has what its parent has
    settings = {**defaults, **{key: all_fields[key] for key in defaults if key in all_fields}}
    for key, policies in _POLICIES.items():
        if settings.get(key) not in policies:
            raise SpecError(f"{file.name}: index {code}: {key} must be one of {policies}.")
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
            dimensions.setdefault(dimension, {}).setdefault(tier, []).extend(codes)
    left_out = set(entry.get("drop", []))
    return {d: {t: [c for c in codes if c not in left_out] for t, codes in ts.items()} for d, ts in dimensions.items()}


# ---- specs/panel.yml: what a panel regression is --------------------------------------------------------------------

SOURCES = ("score", "indicator")
TRANSFORMS = ("none", "ln", "logit")
FILTERS = ("no_municipality", "no_covid", "no_imputed")
BY_CENTRE = re.compile(r"(no|only)_\w+")  # cities of the centre of a group scheme left out, or no others
LAST_YEAR = 9999

_CHOICES = {
    "method": ("static", "dynamic", "gmm", "iv", "interactive"),
    "model": MODELS,
    "effects": EFFECTS,
    "estimator": ESTIMATORS,
    "cov": COVARIANCES,
    "basis": ("frozen", "restated"),
    "instrument": ("", "external"),
    "breaks": ("split", "crossed", "first segment", "second segment"),
}

_MODEL_KEYS = {
    *("title", "y", "x", "controls", "w", "method", "model", "effects", "estimator", "cov", "basis", "lag", "sample"),
    *("boot_draws", "with_tests", "is_headline", "instrument", "variant_of", "change", "winsor", "years", "breaks"),
}
_OWN = {"is_headline", "with_tests", "boot_draws", "change", "variant_of"}  # never inherited from a parent
_VARIABLE_KEYS = {"source", "code", "unit", "scale", "transform", "winsor", "weight_scheme", "without"}


@dataclass(frozen=True)
class PanelVariable:
    """One column of a regression: a score or an indicator, transformed, winsorised over all cells, then scaled.

    code : index_code or indicator_code.   weight_scheme : of a score, by default its index's.   winsor : share cut
    at each tail (0 = none).   without : an indicator that is left out of a score, the weights of the others raised in
    proportion.   unit : of the column as the regression sees it.
    """

    name: str
    source: str
    code: str
    unit: str
    scale: float = 1.0
    transform: str = "none"
    winsor: float = 0.0
    weight_scheme: str = ""
    without: str = ""

    def __post_init__(self) -> None:
        _one_of(self.source, SOURCES, f"variable {self.name}: source")
        _one_of(self.transform, TRANSFORMS, f"variable {self.name}: transform")
        if not 0.0 <= self.winsor < 0.5:
            raise ValueError(f"variable {self.name}: winsor must lie in [0, 0.5), got {self.winsor}.")
        if self.source == "score" and not self.weight_scheme:
            raise ValueError(f"variable {self.name}: no index has the score '{self.code}', so name its weight_scheme.")


@dataclass(frozen=True)
class PanelSpec:
    """One regression. x are the regressors of interest, controls the others; all of them enter as W x in Durbin models.

    years : first and last.   lag : years by which x and controls are lagged (negative: led, a placebo).
    sample : filters, of FILTERS or by the centre of a group scheme (no_ or only_ and its group code).
    boot_draws : panels of the block bootstrap for its column of errors (0 = none).   with_tests : also make the
    specification search and the effects by city.   instrument : of x, for method iv; with 'external' the variables of
    `external` and W times them, at least one for each x.   breaks : split (effects of cities by segment of years
    between the breaks of y and x; a model with the y of the year before takes the longest segment), crossed (as if
    there were none), or one segment alone.   variant_of : the entry it differs from; change : in what,
    for the robustness table.   left_out_years : what the filter no_covid leaves out.
    """

    model_id: str
    title: str
    y: PanelVariable
    x: tuple[PanelVariable, ...]
    controls: tuple[PanelVariable, ...]
    w_code: str
    method: str = "static"
    model: str = "sdm"
    effects: str = "twoways"
    estimator: str = "lee_yu"
    cov: str = "cluster"
    basis: str = "frozen"
    years: tuple[int, int] = (0, LAST_YEAR)
    lag: int = 0
    sample: tuple[str, ...] = ()
    boot_draws: int = 0
    with_tests: bool = False
    is_headline: bool = False
    instrument: str = ""
    external: tuple[PanelVariable, ...] = ()
    variant_of: str = ""
    change: str = ""
    breaks: str = "split"
    left_out_years: tuple[int, ...] = field(default=(), metadata={"follows_from": "sample"})

    def __post_init__(self) -> None:
        for name, allowed_names in _CHOICES.items():
            _one_of(getattr(self, name), allowed_names, f"model {self.model_id}: {name}")
        if wrong := [name for name in self.sample if not BY_CENTRE.fullmatch(name)]:
            words = f"sample must be of {', '.join(FILTERS)}, or no_ or only_ with the centre group of a scheme"
            raise ValueError(f"model {self.model_id}: {words}, got {wrong[0]!r}.")
        if not self.x:
            raise ValueError(f"model {self.model_id} has no x: name at least one regressor of interest.")
        if (self.instrument == "external") != bool(self.external) or 0 < len(self.external) < len(self.x):
            raise ValueError(f"model {self.model_id}: external instruments are variables, at least one for each x.")
        names = [v.name for v in (*self.x, *self.controls, *self.external)]
        if len(set(names)) < len(names) or self.y.name in names:
            raise ValueError(f"model {self.model_id} uses a variable twice: {sorted(names)} with y {self.y.name}.")

    @property
    def variables(self) -> tuple[PanelVariable, ...]:
        """y, x, controls, external instruments."""
        return (self.y, *self.x, *self.controls, *self.external)

    @property
    def regressors(self) -> tuple[str, ...]:
        return tuple(v.name for v in (*self.x, *self.controls))

    @property
    def spec_hash(self) -> str:
        """Twelve digits that change with any setting."""
        text = repr([(f.name, getattr(self, f.name)) for f in fields(self) if not f.metadata])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_panel_specs(
    file: Path, *, schemes: Mapping[str, str], first_year: int, block_bootstrap: int
) -> list[PanelSpec]:
    """All regressions of the file in its order, variants resolved against their parents.

    schemes: see `schemes_of_scores`. first_year: of the samples that name none. block_bootstrap: panels where an entry
    says `boot_draws: depth`.
    """
    content = _read(file)
    defaults: dict[str, Any] = {"years": [first_year, LAST_YEAR], **content.get("defaults", {})}
    covid = tuple(defaults.pop("covid_years", ()))
    variables = {name: _variable(name, entry, schemes, file) for name, entry in content["variables"].items()}
    models: dict[str, dict[str, Any]] = content["models"]
    for entry in models.values():
        if entry.get("boot_draws") == "depth":
            entry["boot_draws"] = block_bootstrap
    return [_panel_spec(model_id, models, defaults, variables, covid, file) for model_id in models]


def _variable(name: str, entry: dict[str, Any], schemes: Mapping[str, str], file: Path) -> PanelVariable:
    _refuse_unknown(entry, _VARIABLE_KEYS, f"{file.name}: variable {name}")
    missing = {"source", "code", "unit"} - set(entry)
    if missing:
        raise SpecError(f"{file.name}: variable {name} needs {', '.join(sorted(missing))}.")
    if "without" in entry and entry["source"] != "score":
        raise SpecError(f"{file.name}: variable {name}: `without` is for scores.")
    scheme = schemes.get(entry["code"], "") if entry["source"] == "score" else ""
    return _checked(PanelVariable, file, name=name, **{"weight_scheme": scheme, **entry})


def _panel_spec(
    model_id: str,
    models: dict[str, dict[str, Any]],
    defaults: Mapping[str, Any],
    variables: Mapping[str, PanelVariable],
    covid: tuple[int, ...],
    file: Path,
) -> PanelSpec:
    entry = models[model_id]
    _refuse_unknown(entry, _MODEL_KEYS, f"{file.name}: model {model_id}")
    settings: dict[str, Any] = {**defaults, **entry}
    if parent := entry.get("variant_of"):
        if parent not in models or models[parent].get("variant_of"):
            raise SpecError(f"{file.name}: model {model_id} is a variant of {parent}, which is not a main entry there.")
        of_parent = {key: value for key, value in models[parent].items() if key not in _OWN}
        settings = {**defaults, **of_parent, **entry}
    missing = {"title", "y", "x", "w"} - set(settings)
    if missing:
        raise SpecError(f"{file.name}: model {model_id} needs {', '.join(sorted(missing))}.")

    def find(name: str) -> PanelVariable:
        if name not in variables:
            raise SpecError(f"{file.name}: model {model_id} uses the variable '{name}', which is not defined there.")
        return variables[name]

    cut = settings.pop("winsor", None)  # of a variant: other tails for every indicator among its regressors

    def find_cut(name: str) -> PanelVariable:
        variable = find(name)
        return variable if cut is None or variable.source != "indicator" else replace(variable, winsor=cut)

    if isinstance(settings.get("instrument"), list):  # variables of this file, argued for by who names them
        settings["external"] = tuple(find(name) for name in settings["instrument"])
        settings["instrument"] = "external"
    if parent and not settings.get("change"):
        raise SpecError(f"{file.name}: model {model_id} is a variant: say in `change` what differs.")
    if parent and "title" not in entry:
        settings["title"] = f"{settings['title']}; {settings['change']}"
    sample = tuple(settings.get("sample", ()))
    settings |= {
        "y": find(settings["y"]),
        "x": tuple(find_cut(name) for name in settings["x"]),
        "controls": tuple(find_cut(name) for name in settings.get("controls", [])),
        "years": tuple(settings["years"]),
        "sample": sample,
        "left_out_years": covid if "no_covid" in sample else (),
    }
    return _checked(PanelSpec, file, model_id=model_id, w_code=settings.pop("w"), **settings)


# ---- specs/recovery.yml ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quantity:
    """A published figure of the SYNTHETIC demo and where its truth comes from: see the head of the file."""

    name: str
    table: str
    value: str
    truth: str
    where: str = ""
    lo: str = ""
    hi: str = ""
    unit: str = "1"

    def __post_init__(self) -> None:
        if self.truth != "sound" and self.truth.split(" ")[0] not in ("multiplier", "parameter"):
            raise ValueError(f"quantity {self.name}: truth must be sound, or multiplier or parameter with a name.")

    @property
    def filters(self) -> dict[str, str]:
        """Column -> value."""
        return dict(part.split("=", 1) for part in filter(None, self.where.split("; ")))


def read_quantities(file: Path) -> tuple[Quantity, ...]:
    """All quantities of the file. SpecError: one that is listed twice, or an entry with other keys."""
    quantities = tuple(_checked(Quantity, file, **entry) for entry in _read(file)["quantities"])
    if len({quantity.name for quantity in quantities}) < len(quantities):
        raise SpecError(f"{file.name}: a quantity is listed twice.")
    return quantities


# ---- specs/pilots.yml -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PilotSpec:
    """How policies with pilot cities are looked at: see the head of the file."""

    edges_km: tuple[float, ...]
    horizon: int
    leads: int
    shift: int
    least_controls: int

    def __post_init__(self) -> None:
        edges = list(self.edges_km)
        if len(edges) < 2 or edges[0] != 0 or edges != sorted(set(edges)):
            raise ValueError(f"edges_km must rise from 0 on, got {edges}.")
        for name in ("horizon", "leads", "shift", "least_controls"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number above 0, got {getattr(self, name)!r}.")


def read_pilot_spec(file: Path) -> PilotSpec:
    """SpecError: a key that is missing or unknown, or a value that cannot be used."""
    entries = _read(file)
    return _checked(PilotSpec, file, **{**entries, "edges_km": tuple(entries.get("edges_km", ()))})


# ---- specs/findings.yml ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """A test that the study declares beforehand: see the head of the file."""

    code: str
    analysis: str
    variant: str
    rings_km: tuple[float, ...] = ()


def read_findings(file: Path) -> tuple[Finding, ...]:
    """SpecError: a key that is unknown or missing, or a test that is declared twice."""
    entries = {code: {**entry, "rings_km": tuple(entry.get("rings_km", ()))} for code, entry in _read(file).items()}
    findings = tuple(_checked(Finding, file, code=code, **entry) for code, entry in entries.items())
    if len({(finding.analysis, finding.variant) for finding in findings}) < len(findings):
        raise SpecError(f"{file.name}: a test is declared twice.")
    return findings


# ---- specs/county.yml -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ratio:
    """multiplier times the sum of numerators over the denominator; `area` is that of the outline of a unit."""

    numerator: tuple[str, ...]
    denominator: str
    multiplier: float
    dimension: str = ""


@dataclass(frozen=True)
class CountySpec:
    """The index of county-level units and its regression: see the head of the file."""

    weight_scheme: str
    least_share: float
    indicators: dict[str, Ratio]
    model: str
    neighbours: int
    x: dict[str, Ratio]

    def __post_init__(self) -> None:
        if not self.indicators or not all(ratio.dimension for ratio in self.indicators.values()):
            raise ValueError("every indicator needs a dimension, and there must be one.")
        if not 0 < self.least_share <= 1:
            raise ValueError(f"least_share must be above 0 and at most 1, got {self.least_share!r}.")

    def weights(self) -> dict[str, float]:
        """Share of the indicators and regressors that each variable goes into."""
        terms = [{*ratio.numerator, ratio.denominator} for ratio in (*self.indicators.values(), *self.x.values())]
        return {code: sum(code in term for term in terms) / len(terms) for code in sorted(set().union(*terms))}


def read_county_spec(file: Path, *, weight_scheme: str) -> CountySpec:
    """weight_scheme: of the headline index. SpecError: a key that is missing or unknown, or a value of no use."""
    entries = _read(file)
    regression = entries.pop("regression", {})

    def ratios(entries_of: dict[str, dict[str, Any]]) -> dict[str, Ratio]:
        parts = {code: {**entry, "numerator": tuple(entry.get("numerator", ()))} for code, entry in entries_of.items()}
        return {code: _checked(Ratio, file, **entry) for code, entry in parts.items()}

    settings = {**entries, **regression, "indicators": ratios(entries.get("indicators", {}))}
    settings |= {"x": ratios(regression.get("x", {})), "weight_scheme": weight_scheme}
    return _checked(CountySpec, file, **settings)


# ---- specs/depth.yml, and all of them together ----------------------------------------------------------------------


class DepthName(StrEnum):
    """quick: the headline alone, to try a correction; trial: everything, drawn as little as quick draws; default:
    releases; paper: numbers that are printed once."""

    quick = auto()
    trial = auto()
    default = auto()
    paper = auto()


@dataclass(frozen=True)
class Depth:
    """Sizes of every bootstrap, permutation and simulation: name and, by step, size by its name."""

    name: DepthName
    sizes: dict[str, dict[str, int]]

    @property
    def is_headline_only(self) -> bool:
        """No variants and further indexes, and no analyses but those `of_headline`."""
        return self.name == DepthName.quick

    def to_json(self) -> str:
        return json.dumps(self.sizes)


@dataclass(frozen=True)
class Settings:
    """Frozen, and of plain values only: it can be handed to another process."""

    study: StudyFacts
    depth: Depth
    indexes: tuple[IndexSpec, ...]
    regressions: tuple[PanelSpec, ...]
    quantities: tuple[Quantity, ...]
    pilots: PilotSpec
    findings: tuple[Finding, ...]
    county: CountySpec

    @property
    def seed(self) -> int:
        """Of everything that is drawn."""
        return self.study.seed

    @property
    def base_year(self) -> int:
        """First year of the base windows: the price base. SQL reads the same from ops.index_spec."""
        return min(spec.window_start for spec in self.indexes)

    @property
    def base_window(self) -> range:
        """Years from the first to the last of the base windows."""
        return range(self.base_year, max(spec.window_end for spec in self.indexes) + 1)

    def sizes(self, step: str) -> dict[str, int]:
        """How much a step draws."""
        return self.depth.sizes[step]

    def with_sizes(self, **steps: dict[str, int]) -> Settings:
        """The same with other sizes of some steps."""
        return replace(self, depth=replace(self.depth, sizes={**self.depth.sizes, **steps}))


def read_settings(specs: Path, depth: DepthName) -> Settings:
    """The spec files of a folder at one depth. Raises SpecError in words."""
    sizes, indexes = read_depths(specs / "depth.yml")[depth], read_index_specs(specs / "index.yml")
    regressions = read_panel_specs(
        specs / "panel.yml",
        schemes=schemes_of_scores(indexes),
        first_year=min(spec.window_start for spec in indexes),
        block_bootstrap=sizes.sizes["panel"]["block_bootstrap"],
    )
    headline, study = next(spec for spec in indexes if spec.headline_rank == 1), read_study_facts(specs / "index.yml")
    if sizes.is_headline_only:
        pairs = {*study.headline, *study.headline.values()}
        indexes = [spec for spec in indexes if spec.index_code in pairs]
        regressions = [spec for spec in regressions if spec.is_headline]
    return Settings(
        study=study,
        depth=sizes,
        indexes=tuple(indexes),
        regressions=tuple(regressions),
        quantities=read_quantities(specs / "recovery.yml"),
        pilots=read_pilot_spec(specs / "pilots.yml"),
        findings=read_findings(specs / "findings.yml"),
        county=read_county_spec(specs / "county.yml", weight_scheme=headline.weight_scheme),
    )


def read_depths(file: Path) -> dict[DepthName, Depth]:
    """All depths of the file. SpecError: a depth that is missing or unknown, a size that is no whole number above 0,
    or sizes that fall from quick to default to paper."""
    content = _read(file)
    columns = {name: DepthName.quick if name == DepthName.trial else name for name in DepthName}
    for step, sizes in content.items():
        for size, by_depth in sizes.items():
            what = f"{file.name}: {step}, {size}"
            if set(by_depth) != set(columns.values()):
                names = ", ".join(dict.fromkeys(columns.values()))
                raise SpecError(f"{what} needs a number for each of {names}, has {', '.join(by_depth)}.")
            numbers = [by_depth[name] for name in dict.fromkeys(columns.values())]
            if any(type(number) is not int or number < 1 for number in numbers) or numbers != sorted(numbers):
                raise SpecError(f"{what} needs whole numbers that do not fall from quick to paper, got {numbers}.")
    return {
        name: Depth(name, {step: {size: row[column] for size, row in sizes.items()} for step, sizes in content.items()})
        for name, column in columns.items()
    }
