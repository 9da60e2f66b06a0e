"""Specs are read strictly: variants inherit, unknown keys and doubled indicators are errors."""

import textwrap

import pytest

from dagster_project.paths import demo_paths
from dagster_project.study.specs.schema import SpecError, read_index_specs, spec_frame

HEAD = """
defaults: {window_start: 2012, window_end: 2021, min_city_share: 0.7, fill_policy: with_fills, edit_policy: edited, weight_scheme: entropy_flat}
indexes:
  base:
    title_zh: 甲
    title_en: A
    dimensions: {new: {N1: [a, b]}, quality: {Q1: [c]}}
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
    assert "q3_pm25" in codes(specs["nqpf_yearbook"])
    assert "q3_pm25" not in codes(specs["nqpf_yearbook_nopm25"])
    assert specs["nqpf_yearbook_nofill"].fill_policy == "without_fills"
    assert specs["nqpf_yearbook_asprinted"].edit_policy == "as_printed"
    assert specs["nqpf_yearbook_registered"].edit_policy == "registered"
    assert specs["pr_yearbook"].weight_scheme == "two_stage_equal"


def test_variant_adds_and_drops_and_leaves_its_parent_alone(tmp_path):
    specs = read(tmp_path, "v: {title_zh: 乙, title_en: B, variant_of: base, add: {quality: {Q1: [d]}}, drop: [a]}")
    assert codes(specs["v"]) == ["b", "c", "d"]
    assert codes(specs["base"]) == ["a", "b", "c"]
    assert specs["v"].spec_hash != specs["base"].spec_hash


def test_spec_frame_has_one_row_per_index_and_indicator(tmp_path):
    frame = spec_frame(list(read(tmp_path).values()))
    assert len(frame) == 3
    assert frame.groupby("dimension").size().to_dict() == {"new": 2, "quality": 1}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("v: {title_zh: 乙, title_en: B, variant_of: base, windows: 3}", "unknown keys"),
        ("v: {title_zh: 乙, title_en: B, variant_of: nobody}", "not a headline index"),
        ("v: {title_zh: 乙, title_en: B, variant_of: base, add: {new: {N1: [a]}}}", "each indicator once"),
        ("v: {title_zh: 乙, title_en: B, variant_of: base, drop: [a, b, c]}", "each indicator once"),
        ("v: {title_zh: 乙, title_en: B, variant_of: base, fill_policy: maybe}", "fill_policy"),
        ("v: {title_zh: 乙, title_en: B, variant_of: base, edit_policy: some}", "edit_policy"),
        ("v: {title_zh: 乙, title_en: B, variant_of: base, weight_scheme: guess}", "weight_scheme"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(tmp_path, entry, words):
    with pytest.raises(SpecError, match=words) as error:
        read(tmp_path, entry)
    assert "index v" in str(error.value)
