"""The direct effect of a headline regression under every combination of the choices behind it.

Each fit is the headline without its spatial lag: least squares of y on x, W x, controls and W controls with effects of
city and year, errors by city. Effects are compared in standard deviations of y per standard deviation of x
(docs/formulas.md#multiverse).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames, Tables, rows_with, words
from dagster_project.study.samples import PanelSample, SampleReader, Skipped, read_weights
from dagster_project.study.settings import PanelSpec, Settings
from python_models._types import FloatArray
from python_models.inference import normal
from python_models.influence.specification_curve import joint_test, shares_of_spread
from python_models.regression.core import fit_panel
from python_models.regression.weights import SpatialWeights

TABLES = words("multiverse multiverse_choice")
ALL, NONE = "all", "none"
LEVEL = 0.05
EDITIONS = ("edited", "asprinted", "registered")  # but for the first also the suffix of the indexes of both sides
SCALES = ("points", "y_log", "both_log")
SAMPLES = (ALL, "no_core", "no_municipality", "no_covid")
WEIGHTS = ("queen_row", "knn6_row", "invd500_row")

type Row = dict[str, object]
type Choices = dict[str, str]


@dataclass(frozen=True, eq=False)
class Crossing:
    """A headline regression with its data, the years that no_covid leaves out, and the weights read so far."""

    reader: SampleReader
    spec: PanelSpec
    covid: tuple[int, ...]
    _weights: dict[tuple[str, tuple[str, ...]], SpatialWeights] = field(default_factory=dict)

    def decisions(self) -> dict[str, list[str]]:
        """Decision -> its choices, that of the headline first. contents, controls: what is left out."""
        relations = rows_with(self.reader.frames["contributions"], index_code=self.spec.x[0].code)
        indicators = sorted(map(str, relations["indicator_code"].unique()))
        names = [control.name for control in self.spec.controls]
        return {
            "edition": list(EDITIONS),
            "scale": list(SCALES),
            "contents": [ALL, *(indicators if len(indicators) > 1 else [])],
            "sample": [name for name in SAMPLES if self.covid or name != "no_covid"],
            "controls": [ALL, *(names if len(names) > 1 else []), *([NONE] if names else [])],
            "weights": [self.spec.w_code, *(code for code in WEIGHTS if code != self.spec.w_code)],
        }

    def variant(self, choices: Choices) -> PanelSpec:
        """The headline with these choices."""
        spec, suffix = self.spec, "" if choices["edition"] == EDITIONS[0] else f"_{choices['edition']}"
        scale, contents, left_out = choices["scale"], choices["contents"], choices["controls"]
        y, x = (replace(variable, code=f"{variable.code}{suffix}") for variable in (spec.y, spec.x[0]))
        x = x if contents == ALL else replace(x, without=contents)
        no_covid = choices["sample"] == "no_covid"
        return replace(
            spec,
            y=y if scale == SCALES[0] else replace(y, transform="ln"),
            x=(
                replace(
                    x, transform="ln" if scale == SCALES[2] else "none", without="" if contents == ALL else contents
                ),
            ),
            controls=() if left_out == NONE else tuple(c for c in spec.controls if c.name != left_out),
            sample=() if choices["sample"] == ALL else (choices["sample"],),
            left_out_years=self.covid if no_covid else (),
            w_code=choices["weights"],
        )

    def sample(self, choices: Choices) -> PanelSample:
        return self.reader.read(self.variant(choices))

    def weights(self, choices: Choices, sample: PanelSample) -> SpatialWeights:
        key = (choices["weights"], sample.cities)
        if key not in self._weights:
            self._weights[key] = read_weights(self.reader.frames, self.variant(choices), sample)
        return self._weights[key]

    def allowed(self) -> dict[str, list[str]]:
        """The decisions without choices that the data do not allow beside the other choices of the headline."""
        decisions = self.decisions()
        first = {decision: choices[0] for decision, choices in decisions.items()}
        self.sample(first)  # a headline that cannot be fitted says why
        return {
            decision: [choice for choice in choices if self._is_possible({**first, decision: choice})]
            for decision, choices in decisions.items()
        }

    def _is_possible(self, choices: Choices) -> bool:
        try:
            self.weights(choices, self.sample(choices))
        except Skipped:
            return False
        return True

    def fits(self, allowed: Mapping[str, list[str]]) -> Iterator[tuple[Row, tuple[str, ...], FloatArray]]:
        """Row of each combination in the order of `allowed`, its cities, and what each adds to its estimate."""
        *others, last = allowed
        for values in product(*(allowed[decision] for decision in others)):
            choices = {**dict(zip(others, values, strict=True)), last: self.spec.w_code}
            sample = self.sample(choices)
            for code in allowed[last]:
                selection = {**choices, last: code}
                yield _fit(selection, sample, self.weights(selection, sample), self.spec.effects)


def build(frames: Frames, spec: PanelSpec, settings: Settings) -> Tables:
    """One row a combination, and one a choice with the share of the spread that its decision explains.

    Skipped: the headline itself cannot be fitted.
    """
    covid = next((one.left_out_years for one in settings.regressions if one.left_out_years), ())
    crossing = Crossing(SampleReader(frames), spec, covid)
    allowed = crossing.allowed()
    fits = list(crossing.fits(allowed))
    table = pd.DataFrame([row for row, *_ in fits])
    samples = dict.fromkeys(of_sample for _, of_sample, _ in fits)
    cities = pd.Index(dict.fromkeys(city for of_sample in samples for city in of_sample))
    influence = np.zeros((len(cities), len(fits)))
    for number, (_, of_sample, added) in enumerate(fits):
        influence[cities.get_indexer(pd.Index(of_sample)), number] = added
    rng = np.random.default_rng([settings.seed, zlib.crc32(f"{spec.model_id}:multiverse".encode())])
    draws = settings.sizes("robustness")["multiverse"]
    scaled = influence * table["ratio"].to_numpy()
    test = joint_test(table["standardised"].to_numpy(), scaled, draws=draws, rng=rng)
    choices = _choices(table, allowed)
    choices.loc[choices["decision"] == ALL, list(test)] = list(test.values())
    rank = table["standardised"].rank(method="first").astype("Int64")
    runs = table.drop(columns="ratio").assign(run_no=np.arange(len(table)), curve_rank=rank)
    return {"multiverse": runs, "multiverse_choice": choices.assign(n_draws=draws)}


def _fit(
    choices: Choices, sample: PanelSample, weights: SpatialWeights, effects: str
) -> tuple[Row, tuple[str, ...], FloatArray]:
    fit = fit_panel(sample.y, sample.x, weights, model="slx", effects=effects, cov="cluster")
    assert fit.influence is not None  # errors clustered by city
    point, error, ratio = float(fit.params[0]), float(np.sqrt(fit.cov[0, 0])), float(sample.sd_ratio[0])
    row: Row = {**choices, "estimate": point, "se": error, "p": float(normal(point, error).p), "n_obs": sample.n_obs}
    row |= {"standardised": point * ratio, "ratio": ratio}
    return row, sample.cities, fit.influence[:, 0]


def _choices(table: pd.DataFrame, allowed: Mapping[str, list[str]]) -> pd.DataFrame:
    """One row a choice of a decision, and one for all combinations."""
    sizes = [len(choices) for choices in allowed.values()]
    spread = shares_of_spread(table["standardised"].to_numpy().reshape(sizes))
    rows = [_counts(table, ALL, ALL)]
    for (decision, choices), (main, total) in zip(allowed.items(), spread, strict=True):
        parts = [_counts(table[table[decision] == choice], decision, choice) for choice in choices]
        rows += [{**part, "share_main": main, "share_spread": total} for part in parts]
    return pd.DataFrame(rows)


def _counts(part: pd.DataFrame, decision: str, choice: str) -> Row:
    clear, positive = part["p"] < LEVEL, part["estimate"] > 0
    row: Row = {"decision": decision, "choice": choice, "n_runs": len(part), "n_obs": int(part["n_obs"].max())}
    row |= {"share_positive": float(positive.mean()), "share_positive_5": float((clear & positive).mean())}
    row |= {"share_negative_5": float((clear & ~positive).mean()), "median": float(part["standardised"].median())}
    return row | dict.fromkeys(("share_main", "share_spread", "p_median", "p_share", "p_average"), np.nan)
