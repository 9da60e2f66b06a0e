"""Specs and depths: the shipped files are sound, and mistakes are refused in words."""

import pickle
import shutil
import textwrap
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from dagster_project.cli import main
from dagster_project.defs.settings import VARIABLE, current_settings, export_depth
from dagster_project.paths import demo_paths
from dagster_project.study import influence, settings
from dagster_project.study.markov import Effort
from dagster_project.study.registry import BY_NAME, REGISTRY
from dagster_project.study.settings import (
    FILTERS,
    DepthName,
    SpecError,
    read_depths,
    read_index_specs,
    read_study_facts,
    spec_frame,
)
from dagster_project.study.weights import CATALOGUE

HEAD = """
study: {seed: 1, boundary_vintage: 2021, headline: {base: other}}
defaults:
  {window_start: 2012, window_end: 2021, min_city_share: 0.7, edit_policy: edited,
   weight_scheme: entropy_flat}
indexes:
  base:
    title_zh: 甲
    title_en: A
    dimensions: {new: {N1: [a, b]}, quality: {Q1: [c]}}
  other:
    title_zh: 丙
    title_en: C
    dimensions: {exchange: {P1: [x]}}
"""


def read(tmp_path, extra: str = ""):
    file = tmp_path / "index.yml"
    file.write_text(HEAD + textwrap.indent(textwrap.dedent(extra), "  "), encoding="utf-8")
    return {spec.index_code: spec for spec in read_index_specs(file)}


def codes(spec) -> list[str]:
    return [row["indicator_code"] for row in spec.rows()]


def test_shipped_specs_have_22_and_13_indicators_and_known_variants():
    specs = {s.index_code: s for s in read_index_specs(demo_paths().index_specs)}
    assert len(codes(specs["nqpf"])) == 22
    assert len(codes(specs["nqpf_yearbook"])) == 13
    assert "q2_labprod" in codes(specs["nqpf_yearbook_labprod"])
    assert "q3_pm25" not in codes(specs["nqpf_yearbook_nopm25"])
    for name in ("nqpf", "nqpf_yearbook", "pr_yearbook"):
        policies = [specs[name + suffix].edit_policy for suffix in ("", "_asprinted", "_registered")]
        assert policies == ["edited", "as_printed", "registered"]
        assert codes(specs[f"{name}_asprinted"]) == codes(specs[name])


def test_variants_add_and_drop_and_the_base_window_names_the_basis(tmp_path):
    specs = read(tmp_path, "v: {title_zh: 乙, title_en: B, variant_of: base, add: {quality: {Q1: [d]}}, drop: [a]}")
    assert codes(specs["v"]) == ["b", "c", "d"]
    assert codes(specs["base"]) == ["a", "b", "c"]
    assert specs["v"].spec_hash != specs["base"].spec_hash
    frame = spec_frame(list(read(tmp_path).values())).drop_duplicates("index_code").set_index("index_code")
    assert set(frame["basis"]) == {"frozen_2012_2021"}
    assert frame.loc["base", ["headline_rank", "relations_code"]].tolist() == [1, "other"]
    assert frame.loc["other", ["headline_rank", "relations_code"]].isna().all()
    moved = HEAD.replace("window_start: 2012", "window_start: 2014")
    file = tmp_path / "moved.yml"
    file.write_text(moved, encoding="utf-8")
    assert {spec.basis for spec in read_index_specs(file)} == {"frozen_2014_2021"}


@pytest.mark.parametrize("pairs", ["{}", "[base]", "{base: nobody}", "{v: other}"])
def test_the_headline_is_a_pair_of_indexes_that_are_no_variants(tmp_path, pairs):
    file = tmp_path / "index.yml"
    variant = "  v: {title_zh: 乙, title_en: B, variant_of: base}\n"
    file.write_text(HEAD.replace("{base: other}", pairs) + variant, encoding="utf-8")
    with pytest.raises(SpecError, match="`headline` pairs indexes of this file"):
        read_study_facts(file)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("variant_of: base, windows: 3", "unknown keys"),
        ("variant_of: nobody", "not a headline index"),
        ("variant_of: base, add: {new: {N1: [a]}}", "each indicator once"),
        ("variant_of: base, drop: [a, b, c]", "each indicator once"),
        ("variant_of: base, edit_policy: maybe", "edit_policy"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(tmp_path, entry, words):
    with pytest.raises(SpecError, match=words) as error:
        read(tmp_path, f"v: {{title_zh: 乙, title_en: B, {entry}}}")
    assert "index v" in str(error.value)


VARIABLES = {code: {"source": "score", "code": code, "unit": "points"} for code in ("nqpf", "pr")}
MAIN = {"title": "SDM", "y": "nqpf", "x": ["pr"], "is_headline": True, "boot_draws": 99}
DEFAULTS = {"w": "queen_row", "years": [2012, 2021]}
SCHEMES = settings.schemes_of_scores(read_index_specs(demo_paths().index_specs))


def read_panel_specs(file: Path, block_bootstrap: int = 2) -> list[settings.PanelSpec]:
    return settings.read_panel_specs(file, schemes=SCHEMES, first_year=2012, block_bootstrap=block_bootstrap)


def write(folder: Path, models: dict, variables: dict = VARIABLES) -> Path:
    file = folder / "panel.yml"
    content = {"variables": variables, "defaults": DEFAULTS, "models": models}
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


def test_shipped_specs_use_known_weights_scores_and_centres():
    specs = read_panel_specs(demo_paths().specs / "panel.yml")
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
    specs, seeds = read_panel_specs(demo_paths().specs / "panel.yml"), demo_paths().seeds
    schemes = pd.read_csv(seeds / "group_scheme.csv")
    centres = {f"{way}_{centre}" for centre in schemes["centre_group"].dropna() for way in ("no", "only")}
    assert {name for spec in specs for name in spec.sample} <= centres | set(FILTERS)
    assert {spec.years for spec in specs} == {(2012, 9999)}
    without = {spec.model_id: spec.left_out_years for spec in specs if spec.left_out_years}
    assert without == {"nqpf_no_covid": (2020, 2021), "yearbook_no_covid": (2020, 2021)}


def test_a_scheme_stands_in_the_index_specs_alone_and_reaches_regressions_and_counties(tmp_path):
    """A scheme that panel.yml names is another one than that of the index: no repetition that could go stale."""
    specs = demo_paths().index_specs.parent
    variables = yaml.safe_load((specs / "panel.yml").read_text("utf-8"))["variables"]
    named = {name: v for name, v in variables.items() if "weight_scheme" in v}
    assert {name for name, v in named.items() if v["weight_scheme"] == SCHEMES[v["code"]]} == set()
    shutil.copytree(specs, tmp_path, dirs_exist_ok=True)
    text = (specs / "index.yml").read_text("utf-8")
    text = text.replace("weight_scheme: entropy_flat", "weight_scheme: critic")
    text = text.replace("weight_scheme: two_stage_equal", "weight_scheme: equal_dimension")
    (tmp_path / "index.yml").write_text(text, encoding="utf-8")
    before, after = (settings.read_settings(folder, DepthName.default) for folder in (specs, tmp_path))
    moved = {"entropy_flat": "critic", "two_stage_equal": "equal_dimension"}
    for old, new in zip(before.regressions, after.regressions, strict=True):
        for one, two in zip(old.variables, new.variables, strict=True):
            is_kept = one.source != "score" or one.name in named
            assert two.weight_scheme == (one.weight_scheme if is_kept else moved[one.weight_scheme]), one.name
        assert old.spec_hash != new.spec_hash
    assert (before.county.weight_scheme, after.county.weight_scheme) == ("entropy_flat", "critic")
    schemes = {spec.index_code: spec.weight_scheme for spec in after.indexes}
    assert {schemes[name] for name in ("pr_yearbook", "pr_yearbook_fdi")} == {"equal_dimension"}  # a variant inherits


def test_instruments_are_variables_of_the_file_and_an_indicator_is_left_out_of_scores_only(tmp_path):
    variables = VARIABLES | {"wind": {"source": "indicator", "code": "wind", "unit": "m/s"}}
    iv = {**MAIN, "is_headline": False, "method": "iv", "instrument": ["wind"]}
    (spec,) = read_panel_specs(write(tmp_path, {"m": iv}, variables))
    assert (spec.instrument, [v.code for v in spec.external]) == ("external", ["wind"])
    assert "wind" in {v.name for v in spec.variables}
    assert "wind" not in spec.regressors
    other = {**VARIABLES["pr"], "without": "p1", "source": "indicator"}
    with pytest.raises(SpecError, match="variable pr: `without` is for scores"):
        read_panel_specs(write(tmp_path, {"main": MAIN}, {**VARIABLES, "pr": other}))


def test_every_change_of_the_suite_is_there_for_both_headlines():
    """The axes of docs/formulas.md#robustness."""
    axes = {"W", "estimator", "errors", "y", "basis", "winsor", "regressors", "sample", "split", "PR", "method"}
    for headline in ("nqpf_sdm", "yearbook_sdm"):
        own = [s for s in read_panel_specs(demo_paths().specs / "panel.yml") if s.variant_of == headline]
        assert axes <= {s.change.partition(":")[0] for s in own}
        assert len({s.w_code for s in own}) >= 8
        assert {"spectral" in s.w_code for s in own} == {True, False}
        assert {0.0, 0.01, 0.05} <= {v.winsor for s in own for v in s.controls}
        assert {s.lag for s in own} == {0, 1}
        assert {s.cov for s in own} == {"cluster", "info", "block_bootstrap", "driscoll_kraay"}
        assert {"sdem", "sem", "sar"} <= {s.model for s in own}
        assert {s.method for s in own} == {"static", "dynamic", "gmm", "iv", "interactive"}


def test_sizes_come_from_the_depth_tails_reach_every_indicator_and_each_one_of_pr_is_left_out_once():
    specs = {s.model_id: s for s in read_panel_specs(demo_paths().specs / "panel.yml", block_bootstrap=77)}
    assert specs["nqpf_sdm"].boot_draws == specs["nqpf_boot"].boot_draws == 77
    assert {v.winsor for v in specs["nqpf_winsor_5"].controls} == {0.05}
    assert specs["nqpf_winsor_5"].x == specs["nqpf_sdm"].x
    for index, headline in (("pr", "nqpf_sdm"), ("pr_yearbook", "yearbook_sdm")):
        spec = next(s for s in read_index_specs(demo_paths().index_specs) if s.index_code == index)
        known = {code for tiers in spec.dimensions.values() for codes in tiers.values() for code in codes}
        own = [s for s in read_panel_specs(demo_paths().specs / "panel.yml") if s.variant_of == headline]
        assert sorted(s.x[0].without for s in own if s.x[0].without) == sorted(known)


def test_a_variant_needs_one_line_and_inherits_everything_but_the_extras(tmp_path):
    models = {"main": MAIN, "knn": {"variant_of": "main", "change": "W: 6 nearest", "w": "knn6_row"}}
    main, variant = read_panel_specs(write(tmp_path, models))
    assert (variant.y, variant.x, variant.years) == (main.y, main.x, main.years)
    assert variant.w_code == "knn6_row"
    assert variant.title == "SDM; W: 6 nearest"
    assert (variant.is_headline, variant.boot_draws) == (False, 0)
    assert variant.spec_hash != main.spec_hash


@pytest.mark.parametrize(
    ("main", "variant", "message"),
    [
        ({"estimater": "direct"}, None, "unknown keys"),
        ({"x": ["fdi"]}, None, "variable 'fdi', which is not defined"),
        ({"model": "gns"}, None, "model must be one of"),
        ({"title": None}, None, "needs title"),
        ({"x": []}, None, "has no x"),
        ({}, {"variant_of": "mian", "change": "x"}, "not a main entry"),
        ({}, {"variant_of": "main", "w": "knn6_row"}, "say in `change`"),
        ({"method": "iv", "instrument": ["wind"]}, None, "'wind', which is not defined"),
        ({"method": "iv", "instrument": ["pr"]}, None, "uses a variable twice"),
        ({"method": "iv", "instrument": []}, None, "at least one for each x"),
        ({"method": "iv", "instrument": "external"}, None, "at least one for each x"),
    ],
)
def test_mistakes_are_refused_in_words(tmp_path, main, variant, message):
    entry = {key: value for key, value in {**MAIN, **main}.items() if value is not None}
    with pytest.raises(SpecError, match=message):
        read_panel_specs(write(tmp_path, {"main": entry, **({"v": variant} if variant else {})}))


def test_every_step_has_its_sizes_and_they_grow_with_the_depth():
    depths = read_depths(demo_paths().specs / "depth.yml")
    assert set(depths) == {"quick", "trial", "default", "paper"}
    quick, trial, default, paper = (depths[name].sizes for name in DepthName)
    assert trial == quick
    for step, sizes in default.items():
        for size, number in sizes.items():
            assert quick[step][size] < number <= paper[step][size], (step, size)
    assert influence.Sizes(**default["influence"]).spatial_grid == 25
    assert default["robustness"] == {"placebo": 999, "multiverse": 999}
    assert Effort(**default["markov"]).draws(2) == 199


def test_depth_quick_has_the_headline_alone():
    specs = demo_paths().specs
    quick, trial = (settings.read_settings(specs, name) for name in (DepthName.quick, DepthName.trial))
    pairs = quick.study.headline
    assert (
        {spec.index_code for spec in quick.indexes} == {*pairs, *pairs.values()} < {s.index_code for s in trial.indexes}
    )
    assert quick.regressions == tuple(spec for spec in trial.regressions if spec.is_headline)
    assert quick.base_window == trial.base_window
    made = {entry.name for entry in REGISTRY if not entry.is_left_out(quick)}
    assert made == {"production", "index", "panel", "influence"}
    assert set(BY_NAME["policy"].result({}, quick)) == set(BY_NAME["policy"].writes)
    assert not any(entry.is_left_out(trial) for entry in REGISTRY)


def test_depths_come_from_the_environment_or_the_command_and_settings_can_be_handed_on(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    paths = demo_paths()
    assert current_settings(paths).depth.name == "default"
    monkeypatch.setenv(VARIABLE, "quick")
    assert current_settings(paths).sizes("policy") == {"draws": 100}
    export_depth("paper")
    assert current_settings(paths).depth.name == "paper"
    monkeypatch.setenv(VARIABLE, "deep")
    with pytest.raises(SpecError, match="NQPF_DEPTH is 'deep': choose quick, trial, default, paper"):
        current_settings(paths)
    monkeypatch.undo()
    made = current_settings(demo_paths())
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    assert again.seed == made.study.seed == 20211231
    assert list(made.base_window) == list(range(2012, 2022))
    for entry in pickle.loads(pickle.dumps(REGISTRY)):
        assert callable(entry.build)
    assert list(get_args(main.Depth)) == list(DepthName)
    wrong = CliRunner().invoke(main.app, ["refresh", "--depth", "deep"])
    assert wrong.exit_code == 2
    assert "deep" in wrong.output


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"quick": 1, "default": 2}, "needs a number for each"),
        ({"quick": 1, "default": 2, "paper": 3, "deep": 4}, "needs a number for each"),
        ({"quick": 3, "default": 2, "paper": 3}, "do not fall"),
        ({"quick": 0, "default": 2, "paper": 3}, "do not fall"),
        ({"quick": 1.5, "default": 2, "paper": 3}, "do not fall"),
    ],
)
def test_mistakes_of_a_depth_are_said_in_words(tmp_path, row, message):
    file = tmp_path / "depth.yml"
    file.write_text(yaml.safe_dump({"policy": {"draws": row}}), encoding="utf-8")
    with pytest.raises(SpecError, match=message):
        read_depths(file)
