"""Specs are read strictly: variants inherit, unknown keys and doubled indicators are errors."""

import textwrap

import pytest

from dagster_project.paths import demo_paths
from dagster_project.study.settings import SpecError, read_index_specs, read_study_facts, spec_frame

HEAD = """
study: {seed: 1, boundary_vintage: 2021, headline: {base: other}}
defaults:
  {window_start: 2012, window_end: 2021, min_city_share: 0.7, fill_policy: with_fills, edit_policy: edited,
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
    assert specs["nqpf_yearbook_nofill"].fill_policy == "without_fills"
    for name in ("nqpf", "nqpf_yearbook", "pr_yearbook"):
        policies = [specs[name + suffix].edit_policy for suffix in ("", "_asprinted", "_registered")]
        assert policies == ["edited", "as_printed", "registered"]
        assert codes(specs[f"{name}_asprinted"]) == codes(specs[name])


def test_variant_adds_and_drops_and_leaves_its_parent_alone(tmp_path):
    specs = read(tmp_path, "v: {title_zh: 乙, title_en: B, variant_of: base, add: {quality: {Q1: [d]}}, drop: [a]}")
    assert codes(specs["v"]) == ["b", "c", "d"]
    assert codes(specs["base"]) == ["a", "b", "c"]
    assert specs["v"].spec_hash != specs["base"].spec_hash


def test_the_base_window_names_the_basis_and_the_pairs_rank_the_candidates(tmp_path):
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
        ("v: {title_zh: 乙, title_en: B, variant_of: base, windows: 3}", "unknown keys"),
        ("v: {title_zh: 乙, title_en: B, variant_of: nobody}", "not a headline index"),
        ("v: {title_zh: 乙, title_en: B, variant_of: base, add: {new: {N1: [a]}}}", "each indicator once"),
        ("v: {title_zh: 乙, title_en: B, variant_of: base, drop: [a, b, c]}", "each indicator once"),
        ("v: {title_zh: 乙, title_en: B, variant_of: base, fill_policy: maybe}", "fill_policy"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(tmp_path, entry, words):
    with pytest.raises(SpecError, match=words) as error:
        read(tmp_path, entry)
    assert "index v" in str(error.value)
