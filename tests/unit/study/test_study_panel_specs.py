"""specs/panel.yml: the shipped file is sound, and mistakes are refused in words."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from dagster_project.paths import demo_paths
from dagster_project.study import settings
from dagster_project.study.settings import FILTERS, SpecError, read_index_specs
from dagster_project.study.weights import CATALOGUE

VARIABLES = {
    "nqpf": {"source": "score", "code": "nqpf", "unit": "points"},
    "pr": {"source": "score", "code": "pr", "unit": "points"},
}
MAIN = {"title": "SDM", "y": "nqpf", "x": ["pr"], "is_headline": True, "boot_draws": 99}
DEFAULTS = {"w": "queen_row", "years": [2012, 2021], "weight_scheme": "entropy_flat"}


def read_panel_specs(file: Path, block_bootstrap: int = 2) -> list[settings.PanelSpec]:
    return settings.read_panel_specs(file, first_year=2012, block_bootstrap=block_bootstrap)


def write(folder: Path, models: dict, variables: dict = VARIABLES) -> Path:
    file = folder / "panel.yml"
    content = {"variables": variables, "defaults": DEFAULTS, "models": models}
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


def test_shipped_specs_use_known_weights_and_scores_of_known_indexes():
    specs = read_panel_specs(demo_paths().panel_specs)
    ids = [spec.model_id for spec in specs]
    assert len(set(ids)) == len(ids)
    assert {spec.w_code for spec in specs} <= set(CATALOGUE)
    assert {"nqpf_sdm", "yearbook_sdm"} == {spec.model_id for spec in specs if spec.is_headline}
    indexes = {}
    for spec in read_index_specs(demo_paths().index_specs):
        indexes[spec.index_code] = {f"{spec.index_code}_{dimension}" for dimension in spec.dimensions}
    known = set(indexes) | set().union(*indexes.values())
    for spec in specs:
        scores = {v.code for v in spec.variables if v.source == "score"}
        assert scores <= known, (spec.model_id, scores - known)


def test_instruments_are_variables_of_the_file(tmp_path):
    variables = VARIABLES | {"wind": {"source": "indicator", "code": "wind", "unit": "m/s"}}
    iv = {**MAIN, "is_headline": False, "method": "iv", "instrument": ["wind"]}
    (spec,) = read_panel_specs(write(tmp_path, {"m": iv}, variables))
    assert (spec.instrument, [v.code for v in spec.external]) == ("external", ["wind"])
    assert "wind" in {v.name for v in spec.variables}
    assert "wind" not in spec.regressors


@pytest.mark.parametrize(
    ("instrument", "words"),
    [
        (["wind"], "'wind', which is not defined"),
        (["pr"], "uses a variable twice"),
        ([], "at least one for each x"),
        ("external", "at least one for each x"),
    ],
)
def test_instruments_that_cannot_be_are_refused(tmp_path, instrument, words):
    with pytest.raises(SpecError, match=words):
        read_panel_specs(write(tmp_path, {"m": {**MAIN, "method": "iv", "instrument": instrument}}))


def test_every_change_of_the_suite_is_there_for_both_headlines():
    """The axes of docs/formulas.md#robustness."""
    axes = {"W", "estimator", "errors", "y", "basis", "winsor", "regressors", "sample", "split", "PR", "method"}
    for headline in ("nqpf_sdm", "yearbook_sdm"):
        own = [s for s in read_panel_specs(demo_paths().panel_specs) if s.variant_of == headline]
        assert axes <= {s.change.partition(":")[0] for s in own}
        assert len({s.w_code for s in own}) >= 8
        assert {"spectral" in s.w_code for s in own} == {True, False}
        assert {0.0, 0.01, 0.05} <= {v.winsor for s in own for v in s.controls}
        assert {s.lag for s in own} == {0, 1}
        assert {s.cov for s in own} == {"cluster", "info", "block_bootstrap", "driscoll_kraay"}
        assert {"sdem", "sem", "sar"} <= {s.model for s in own}
        assert {s.method for s in own} == {"static", "dynamic", "gmm", "iv"}


def test_each_indicator_of_pr_is_left_out_once():
    for index, headline in (("pr", "nqpf_sdm"), ("pr_yearbook", "yearbook_sdm")):
        spec = next(s for s in read_index_specs(demo_paths().index_specs) if s.index_code == index)
        known = {code for tiers in spec.dimensions.values() for codes in tiers.values() for code in codes}
        own = [s for s in read_panel_specs(demo_paths().panel_specs) if s.variant_of == headline]
        assert sorted(s.x[0].without for s in own if s.x[0].without) == sorted(known)


def test_sizes_come_from_the_depth_and_other_tails_reach_every_indicator():
    specs = {s.model_id: s for s in read_panel_specs(demo_paths().panel_specs, block_bootstrap=77)}
    assert specs["nqpf_sdm"].boot_draws == specs["nqpf_boot"].boot_draws == 77
    assert {v.winsor for v in specs["nqpf_winsor_5"].controls} == {0.05}
    assert specs["nqpf_winsor_5"].x == specs["nqpf_sdm"].x


def test_shipped_specs_name_known_centres_and_the_headline_weights():
    specs, seeds = read_panel_specs(demo_paths().panel_specs), demo_paths().seeds
    schemes = pd.read_csv(seeds / "group_scheme.csv")
    centres = {f"{way}_{centre}" for centre in schemes["centre_group"].dropna() for way in ("no", "only")}
    assert {name for spec in specs for name in spec.sample} <= centres | set(FILTERS)
    weights = pd.read_csv(seeds / "weight_scheme.csv").query("is_headline")["weight_scheme"].item()
    assert {spec.y.weight_scheme for spec in specs if spec.is_headline} == {weights}
    assert {spec.years for spec in specs} == {(2012, 9999)}
    without = {spec.model_id: spec.left_out_years for spec in specs if spec.left_out_years}
    assert without == {"nqpf_no_covid": (2020, 2021), "yearbook_no_covid": (2020, 2021)}


def test_an_indicator_is_left_out_of_scores_only(tmp_path):
    other = {**VARIABLES["pr"], "without": "p1", "source": "indicator"}
    with pytest.raises(SpecError, match="variable pr: `without` is for scores"):
        read_panel_specs(write(tmp_path, {"main": MAIN}, {**VARIABLES, "pr": other}))


def test_a_variant_needs_one_line_and_inherits_everything_but_the_extras(tmp_path):
    models = {"main": MAIN, "knn": {"variant_of": "main", "change": "W: 6 nearest", "w": "knn6_row"}}
    main, variant = read_panel_specs(write(tmp_path, models))
    assert (variant.y, variant.x, variant.years) == (main.y, main.x, main.years)
    assert variant.w_code == "knn6_row"
    assert variant.title == "SDM; W: 6 nearest"
    assert (variant.is_headline, variant.boot_draws) == (False, 0)
    assert variant.spec_hash != main.spec_hash


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({"main": {**MAIN, "estimater": "direct"}}, "unknown keys"),
        ({"main": {**MAIN, "x": ["fdi"]}}, "variable 'fdi', which is not defined"),
        ({"main": {**MAIN, "model": "gns"}}, "model must be one of"),
        ({"main": {"y": "nqpf", "x": ["pr"]}}, "needs title"),
        ({"main": MAIN, "v": {"variant_of": "mian", "change": "x"}}, "not a main entry"),
        ({"main": MAIN, "v": {"variant_of": "main", "w": "knn6_row"}}, "say in `change`"),
        ({"main": {**MAIN, "x": []}}, "has no x"),
    ],
)
def test_mistakes_are_refused_in_words(tmp_path, models, message):
    with pytest.raises(SpecError, match=message):
        read_panel_specs(write(tmp_path, models))
