"""One regression with its data: the balanced arrays of a spec, its weights, or the reason why there are none.

What the regressions, the influences, the robustness suite and the demo's truth look at.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import KEYS, PLACE, Frames, Rows, Tables, by_city, rows_with, wide
from dagster_project.study.groups import Groups, ObjectArray
from dagster_project.study.queries import GROUP_FRAMES, MASS, NEIGHBOURS, queries
from dagster_project.study.settings import PanelSpec, PanelVariable
from dagster_project.study.weights import CATALOGUE, NEEDS_MASS, refused_inverse, refused_kind, refused_links
from python_models._types import BoolArray, FloatArray
from python_models.regression import PanelInputError, by_segment
from python_models.regression.weights import SpatialWeights, spatial_weights
from python_models.regression.within import has_entity
from python_models.space import build_weights, normalise, to_sparse
from python_models.space.distance import distance_matrix
from python_models.tasks import run_tasks

type Job = tuple[str, str, Callable[[], Tables]]  # analysis, variant, what makes its tables
LONG = ("scores", "indicators", "contributions")  # frames that only `read_sample` looks at
LEAST_COVERAGE = 0.8  # a year counts if its complete cities are this share of those of the fullest year
LEAST_CITIES, LEAST_YEARS = 8, 3
IMPUTED_LIMIT = 0.10
MODEL_KEYS = (*KEYS, "model_id")

SAMPLE_FRAMES = {**queries(__file__), **GROUP_FRAMES, "neighbours": NEIGHBOURS, "mass": MASS}


class Skipped(Exception):
    """A regression that cannot be made from these frames; its text is the reason."""


@dataclass(frozen=True, eq=False)
class PanelSample:
    """y (N, T), x (N, T, k) in the order x, controls, z (N, T, m) of external instruments, a year a period.

    cities, years : labels.   segments : the segment between breaks of each year.   n_crossed : breaks inside a segment
    that are not bridged.   dropped : ids of cities with a y that were lost.   city : attributes in city order.
    """

    y_by_year: FloatArray
    x_by_year: FloatArray
    z_by_year: FloatArray
    cities: tuple[str, ...]
    years: tuple[int, ...]
    segments: tuple[int, ...]
    n_crossed: int
    dropped: tuple[str, ...]
    basis: str
    city: pd.DataFrame

    @cached_property
    def y(self) -> FloatArray:
        """y as estimators see it: free of what differs between the segments of a city."""
        return by_segment(self.y_by_year, self.segments)

    @cached_property
    def x(self) -> FloatArray:
        return by_segment(self.x_by_year, self.segments)

    @cached_property
    def z(self) -> FloatArray:
        return by_segment(self.z_by_year, self.segments)

    @property
    def n_obs(self) -> int:
        return self.y_by_year.size

    @property
    def longest(self) -> tuple[FloatArray, FloatArray]:
        """y and x of the longest segment, a year a period."""
        years = self.is_longest
        return self.y_by_year[:, years], self.x_by_year[:, years]

    @property
    def is_longest(self) -> BoolArray:
        """Which years make up the longest segment."""
        return np.asarray(np.array(self.segments) == max(self.segments, key=self.segments.count))

    @property
    def sd_ratio(self) -> FloatArray:
        """sd(x)/sd(y) over all cells: turns effects into standardised ones."""
        flat = self.x_by_year.reshape(-1, self.x_by_year.shape[2])
        return np.asarray(flat.std(axis=0, ddof=1) / self.y_by_year.std(ddof=1))

    @property
    def province(self) -> list[str]:
        return [str(code) for code in self.city["province_code"]]


@dataclass(frozen=True, eq=False)
class World:
    """One headline regression with its data; x is its first regressor, controls the others."""

    spec: PanelSpec
    sample: PanelSample
    weights: SpatialWeights
    frames: Frames
    seed: int

    @property
    def x(self) -> FloatArray:
        return self.sample.x[:, :, 0]

    @property
    def model(self) -> tuple[FloatArray, FloatArray, SpatialWeights]:
        """What a model of it starts from: y, x and W."""
        return self.sample.y, self.x, self.weights

    @property
    def controls(self) -> FloatArray | None:
        return self.sample.x[:, :, 1:] if self.sample.x.shape[2] > 1 else None

    @property
    def by_year(self) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """y, x and controls, a year a period: what a scale is fitted on, for those of `model` have no level."""
        every = self.sample.x_by_year
        return self.sample.y_by_year, every[:, :, 0], every[:, :, 1:] if every.shape[2] > 1 else None

    @property
    def distance(self) -> FloatArray:
        return distance_matrix(self.sample.city[PLACE].to_numpy(dtype=np.float64), "haversine")

    @property
    def schemes(self) -> Groups:
        return Groups.read(self.frames)

    def need_pairs(self, what: str) -> None:
        """Skipped where there are too many cities for a method that looks at every pair of them."""
        if reason := refused_inverse(what, self.weights.n):
            raise Skipped(reason)

    def rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(f"{self.spec.model_id}:{name}".encode())])

    def groups(self, scheme: str) -> ObjectArray:
        """Group code of every city of the sample."""
        codes = self.schemes.of(scheme, self.sample.cities)
        lacking = [city for city, code in zip(self.sample.cities, codes, strict=True) if code is None]
        if lacking:
            raise Skipped(f"city {lacking[0]} has no group in the scheme {scheme}.")
        return codes

    @property
    def synergy(self) -> FloatArray:
        """Coordination degree of the base year: fixed, so it may be a threshold."""
        degrees = rows_with(self.frames["synergy"], index_code=self.spec.y.code, basis=self.sample.basis)
        value = by_city(degrees, "d", self.sample.cities)
        if value.isna().any():
            raise Skipped("the coordination degree of the base year is not known for every city.")
        return value.to_numpy(dtype=np.float64)


def run_jobs(
    frames: Frames, specs: Iterable[PanelSpec], seed: int, jobs: Callable[[World], list[Job]], runs: str, rows: Rows
) -> None:
    """Every job of each headline spec into `rows`, and into its table `runs` whether it was done or why not.

    What the data do not allow never stops the others. Any other error is a fault of the program and is raised.
    """
    small = {name: frame for name, frame in frames.items() if name not in LONG}  # what a job still asks for
    about: list[tuple[str, str, dict[str, str], dict[str, int]]] = []
    tasks: list[Callable[[], tuple[Tables, str]]] = []
    for spec in (s for s in specs if s.is_headline):
        try:
            sample = read_sample(frames, spec)
            job_list = jobs(World(spec, sample, read_weights(frames, spec, sample), small, seed))
            keys, size = model_keys(spec, sample.basis), {"n_obs": sample.n_obs}
        except (Skipped, PanelInputError) as refused:
            job_list, keys, size = [("sample", "", partial(refuse, str(refused)))], model_keys(spec, spec.basis), {}
        about += [(analysis, variant, keys, size) for analysis, variant, _ in job_list]
        tasks += [partial(attempt, make) for _, _, make in job_list]
    for (analysis, variant, keys, size), (tables, reason) in zip(about, run_tasks(tasks), strict=True):
        status = {"status": "skipped" if reason else "done", "skip_reason": reason}
        tables[runs] = pd.DataFrame([{"analysis": analysis, "variant": variant, **status}])
        for name, table in tables.items():
            with_size = table if "n_obs" in table else table.assign(**size)
            rows.add({name: with_size}, **keys, seed=seed)


def attempt(make: Callable[[], Tables]) -> tuple[Tables, str]:
    """The tables, or none and the reason why the data do not allow them."""
    try:
        return dict(make()), ""
    except (Skipped, PanelInputError) as refused:
        return {}, str(refused)


def refuse(reason: str) -> Tables:
    """What stands for a regression without data."""
    raise Skipped(reason)


def model_keys(spec: PanelSpec, basis: str) -> dict[str, str]:
    """Values of MODEL_KEYS."""
    return dict(zip(MODEL_KEYS, (basis, spec.y.code, spec.y.weight_scheme, spec.model_id), strict=True))


def with_codes(frames: Frames) -> Frames:
    """The same frames, the labels of the long ones as categories: each regression searches them many times."""
    labels = {
        "scores": ["basis", "index_code", "weight_scheme"],
        "indicators": ["indicator_code"],
        "contributions": ["basis", "index_code", "indicator_code"],
    }
    categories = {name: columns for name, columns in labels.items() if name in frames}
    return {**frames, **{n: frames[n].astype(dict.fromkeys(columns, "category")) for n, columns in categories.items()}}


@dataclass(frozen=True, eq=False)
class SampleReader:
    """Samples of many regressions from the same frames (as SAMPLE_FRAMES): what they share is looked up once."""

    frames: Frames
    _known: dict[Hashable, Any] = field(default_factory=dict)

    def _once[V](self, key: Hashable, make: Callable[[], V]) -> V:
        if key not in self._known:
            self._known[key] = make()
        value: V = self._known[key]
        return value

    def read(self, spec: PanelSpec) -> PanelSample:
        """Balanced sample of `spec`: years that most cities complete, then the cities complete in all of them.

        The frame `contributions` is needed only for a variable `without` one. Raises Skipped with the reason.
        """
        frames = self.frames
        basis = self._once(("basis", spec.y.source, spec.y.code, spec.basis), lambda: basis_of(frames, spec))
        if basis not in self._once("bases", lambda: set(frames["scores"]["basis"].unique())):
            raise Skipped(f"no score on the basis '{spec.basis}'.")
        planes = {v: self._plane(v, basis) for v in spec.variables}
        lags = {v: 0 if v is spec.y else spec.lag for v in spec.variables}
        first, last = spec.years
        years = [t for t in map(int, planes[spec.y].columns) if first <= t <= last and t not in spec.left_out_years]
        years = [t for t in years if all(t - lags[v] in plane.columns for v, plane in planes.items())]
        chosen = (_as_stored(spec.y), basis, spec.sample)
        cities = self._once(("cities", *chosen), lambda: _filtered(frames, spec, planes[spec.y].index, basis))

        def cells(variable: PanelVariable) -> FloatArray:
            columns = [t - lags[variable] for t in years]
            key = ("cells", *chosen, _as_stored(variable), *columns)
            return self._once(key, lambda: planes[variable].reindex(index=cities, columns=columns).to_numpy())

        values = {v: cells(v) for v in spec.variables}
        full = ~np.logical_or.reduce([np.isnan(each) for each in values.values()])
        counts = full.sum(axis=0)
        complete = [t for t, n in zip(years, counts, strict=True) if n >= LEAST_COVERAGE * counts.max()]
        segments, n_crossed = self._segments(spec, complete)
        columns = [years.index(t) for t in segments]
        keep = full[:, columns].all(axis=1) & bool(columns)
        least = 2 if spec.breaks.endswith("segment") else LEAST_YEARS
        if keep.sum() < LEAST_CITIES or len(columns) < least:
            least_size = f"at least {LEAST_CITIES} cities and {least} years are needed"
            raise Skipped(f"{keep.sum()} cities are complete in {len(columns)} years: {least_size}.")
        arrays = {v.name: transformed(each[np.ix_(keep, columns)], v) for v, each in values.items()}
        z = np.array([arrays[v.name] for v in spec.external]).reshape(-1, keep.sum(), len(columns))
        index = cities[keep]
        names = tuple(map(str, index))
        return PanelSample(
            y_by_year=arrays[spec.y.name],
            x_by_year=np.stack([arrays[name] for name in spec.regressors], axis=2),
            z_by_year=np.moveaxis(z, 0, 2),
            cities=names,
            years=tuple(segments),
            segments=tuple(segments.values()),
            n_crossed=n_crossed,
            basis=basis,
            dropped=tuple(str(city) for city in cities.difference(index, sort=False)),
            city=self._once(("city", names), lambda: frames["city"].set_index("city_id").reindex(index)),
        )

    def _plane(self, variable: PanelVariable, basis: str) -> pd.DataFrame:
        return self._once(("plane", basis, _as_stored(variable)), lambda: _plane(self.frames, variable, basis))

    def _segments(self, spec: PanelSpec, years: list[int]) -> tuple[dict[int, int], int]:
        """Year -> segment between the breaks of y and x, and how many breaks that are not bridged a segment crosses.

        A segment of one year says nothing about changes: it is left out.
        """
        is_bridged = dict[int, bool]()
        for variable in (spec.y, *spec.x):
            lag = 0 if variable is spec.y else spec.lag
            key = ("breaks", variable.source, variable.code, variable.without)
            for year, has_bridge in self._once(key, partial(_breaks, self.frames["breaks"], variable)):
                is_bridged[year + lag] = has_bridge and is_bridged.get(year + lag, True)
        if spec.breaks == "crossed" or not has_entity(spec.effects):
            inside = [year for year in is_bridged if years and years[0] < year <= years[-1]]
            return dict.fromkeys(years, 0), sum(not is_bridged[year] for year in inside)
        segment = {year: sum(cut <= year for cut in is_bridged) for year in years}
        sizes = Counter(segment.values())
        usable = sorted(s for s in sizes if sizes[s] > 1 or len(sizes) == 1)
        if spec.breaks.endswith("segment"):
            place = int(spec.breaks == "second segment")
            usable = usable[place : place + 1]
        elif spec.method in ("dynamic", "gmm"):
            usable = [max(usable, key=lambda s: sizes[s])] if usable else []
        return {year: s for year, s in segment.items() if s in usable}, 0


def read_sample(frames: Frames, spec: PanelSpec) -> PanelSample:
    """The sample of one regression, see SampleReader."""
    return SampleReader(frames).read(spec)


def _as_stored(variable: PanelVariable) -> PanelVariable:
    """Before any transformation: variables that differ in no more have one table."""
    return replace(variable, name="", unit="", scale=1.0, transform="none", winsor=0.0)


def _breaks(breaks: pd.DataFrame, variable: PanelVariable) -> list[tuple[int, bool]]:
    """Years of breaks of a score, and whether they are bridged; a dimension of an index has those of the index."""
    if variable.source != "score" or breaks.empty:
        return []
    codes = [code for code in breaks["index_code"].unique() if f"{variable.code}_".startswith(f"{code}_")]
    rows = rows_with(breaks, index_code=max(codes, key=len, default=""))
    rows = rows[rows["indicator_code"] != variable.without]
    return [(int(year), bool(has_bridge)) for year, has_bridge in rows[["year", "is_bridged"]].to_numpy()]


def read_weights(frames: Frames, spec: PanelSpec, sample: PanelSample) -> SpatialWeights:
    """The W of the catalogue for the cities of the sample. Raises Skipped where its input is missing."""
    if spec.w_code not in CATALOGUE:
        raise Skipped(f"weight matrix '{spec.w_code}' is not in the catalogue: {', '.join(CATALOGUE)}.")
    kind, normalisation, options, _ = CATALOGUE[spec.w_code]
    labels = list(sample.cities)
    if options.get("k", 0) >= len(labels):
        raise Skipped(f"{spec.w_code} needs more than {options['k']} cities, the sample has {len(labels)}.")
    if reason := refused_kind(kind, options, len(labels)):
        raise Skipped(f"{spec.w_code}: {reason}")
    mass = by_city(frames["mass"], "value", labels).astype(float)
    if kind in NEEDS_MASS and not bool((mass > 0).all()):
        lacks = f"{mass.isna().sum()} lack it"
        raise Skipped(f"{spec.w_code} needs the GDP per head of each city in the base year; {lacks}.")
    inputs: dict[str, Any] = {"points": sample.city[PLACE], "edges": frames["neighbours"]}
    inputs |= {"group": sample.city["province_code"], "is_centre": Groups.read(frames).is_core(labels)}
    inputs["mass"] = mass if kind in NEEDS_MASS else None
    try:
        graph = build_weights(kind, labels=labels, normalisation="raw", **inputs, **options)
        matrix = to_sparse(normalise(graph, normalisation))
    except ValueError as refused:  # a map that does not give this W: an island, two cities at one point
        raise Skipped(f"{spec.w_code}: {refused}") from refused
    if reason := refused_links(matrix.nnz):
        raise Skipped(f"{spec.w_code}: {reason}")
    return spatial_weights(matrix, labels=labels)


def basis_of(frames: Frames, spec: PanelSpec) -> str:
    """The basis that the scores of the regression have, its name in full where there is one.

    That of the dependent index: another index may have a base window of its own.
    """
    scores = frames["scores"]
    of_y = scores[scores["index_code"] == spec.y.code] if spec.y.source == "score" else scores
    of_variable = of_y if len(of_y) else scores
    bases = sorted(str(b) for b in of_variable["basis"].dropna().unique() if str(b).startswith(spec.basis))
    return bases[0] if bases else spec.basis


def _plane(frames: Frames, variable: PanelVariable, basis: str) -> pd.DataFrame:
    """City x year table of one variable."""
    if variable.source == "score":
        keys = {"basis": basis, "index_code": variable.code, "weight_scheme": variable.weight_scheme}
        part, column = rows_with(frames["scores"], **keys), "score"
        what = f"index '{variable.code}' has no score ({variable.weight_scheme})"
    else:
        part, column = rows_with(frames["indicators"], indicator_code=variable.code), "value"
        what = f"indicator '{variable.code}' has no value"
    part = part[part[column].notna()]
    if part.empty:
        raise Skipped(f"{variable.name}: {what} in this warehouse.")
    plane = _whole(part, column)
    return _without(frames, variable, basis, plane) if variable.without else plane


def parts_of(frames: Frames, spec: PanelSpec, sample: PanelSample) -> FloatArray | None:
    """What each indicator gives to the first x, (N, T, m), in its unit; None where x is no plain sum of two or more."""
    x = spec.x[0]
    part = rows_with(frames["contributions"], basis=sample.basis, index_code=x.code)
    if x.source != "score" or x.without or part["indicator_code"].nunique() < 2:
        return None
    planes = [_whole(rows, "contribution") for _, rows in part.groupby("indicator_code", observed=True)]
    planes = [plane.rename(columns=lambda year: int(year) + spec.lag) for plane in planes]
    cells = [plane.reindex(index=list(sample.cities), columns=list(sample.years)).to_numpy() for plane in planes]
    parts = np.asarray(x.scale * np.stack(cells, axis=2), dtype=np.float64)
    # another transform, other tails or other weights: the parts are not those of x
    return parts if np.allclose(parts.sum(axis=2), sample.x_by_year[:, :, 0], rtol=1e-6, atol=1e-9) else None


def _whole(part: pd.DataFrame, column: str) -> pd.DataFrame:
    table = wide(part, column)
    return table.set_axis(table.columns.astype(int), axis=1).astype(float)


def _without(frames: Frames, variable: PanelVariable, basis: str, score: pd.DataFrame) -> pd.DataFrame:
    """(score - w_j z_j) / (1 - w_j): the score that the other indicators give with their weights in proportion."""
    keys = {"basis": basis, "index_code": variable.code, "indicator_code": variable.without}
    contributions = rows_with(frames["contributions"], **keys)
    if contributions.empty:
        raise Skipped(f"{variable.name}: index '{variable.code}' has no indicator '{variable.without}'.")
    part = _whole(contributions, "contribution").reindex(index=score.index, columns=score.columns)
    return (score - part) / (1.0 - float(contributions["weight"].iloc[0]))


def _filtered(frames: Frames, spec: PanelSpec, cities: pd.Index, basis: str) -> pd.Index:
    """Cities left by the filters of the sample."""
    groups = Groups.read(frames)
    by_centre = {centre: scheme for scheme, centre in groups.centres().items()}
    for name in spec.sample:
        way, _, part = name.partition("_")
        if name == "no_covid":  # a matter of the years
            continue
        if name == "no_municipality":
            passes = (by_city(frames["city"], "admin_tier", cities) != "municipality").to_numpy()
        elif name == "no_imputed":
            scores = rows_with(frames["scores"], basis=basis, index_code=spec.y.code)
            share = scores.groupby("city_id")["share_imputed_weight"].mean().reindex(cities).fillna(0.0)
            passes = (share <= IMPUTED_LIMIT).to_numpy()
        elif part in by_centre:
            passes = (groups.of(by_centre[part], list(cities)) == part) == (way == "only")
        else:
            raise Skipped(f"no group scheme has a centre '{part}': {', '.join(by_centre) or 'there is none'}.")
        cities = cities[passes]
    return cities


def transformed(values: FloatArray, variable: PanelVariable) -> FloatArray:
    """Transform, winsorise over all cells, scale."""
    if variable.transform == "ln":
        if (values <= 0).any():
            raise Skipped(f"{variable.name}: the logarithm needs positive values, {int((values <= 0).sum())} are not.")
        values = np.log(values)
    elif variable.transform == "logit":
        if ((values <= 0) | (values >= 1)).any():
            raise Skipped(f"{variable.name}: the logit needs values inside (0, 1).")
        values = np.log(values / (1.0 - values))
    if variable.winsor:
        low, high = np.quantile(values, [variable.winsor, 1.0 - variable.winsor])
        values = np.clip(values, low, high)
    return values * variable.scale
