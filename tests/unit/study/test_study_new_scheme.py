"""A new group scheme is rows of seeds: every analysis that compares groups then shows it, without a line of code."""

from dataclasses import replace

import city_frames
import influence_worlds
import numpy as np
import pandas as pd
import policy_worlds
import pytest
import test_study_coupling as coupling_world
import test_study_scores as scores_world
from study_tools import settings, with_schemes

from dagster_project.study import convergence, coupling, disparity, influence, markov, panel, policy
from dagster_project.study.samples import read_sample

COAST = {"scheme": "coast", "sort_no": 90, "role": "region", "is_main": False, "is_split": True}
PORT = {**COAST, "scheme": "port", "sort_no": 91, "role": "centre", "centre_group": "harbour"}


def with_coast_and_port(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same country with two coasts, and with harbours and their hinterland: rows of the two seeds."""
    cities = sorted(frames["groups"]["city_id"].unique())
    places = frames.get("city", pd.DataFrame({"city_id": cities, "province_code": cities}))
    province = pd.factorize(places.set_index("city_id")["province_code"].reindex(cities))[0]
    coast = np.array(["a", "b"])[province % 2]  # provinces nest in regions
    sides = {"coast": coast, "port": np.where(np.arange(len(cities)) % 4 == 1, "harbour", "hinterland")}
    dated = pd.DataFrame({"city_id": cities, **sides}).melt("city_id", None, "scheme", "group_code")
    grown = pd.concat([frames["groups"], dated.assign(valid_from=0)], ignore_index=True)
    return with_schemes({name: f for name, f in frames.items() if name != "schemes"} | {"groups": grown}, COAST, PORT)


def assert_everywhere(tables: dict[str, pd.DataFrame], *, but: tuple[str, ...] = ()) -> None:
    found = {name: set(table["scheme"]) for name, table in tables.items() if "scheme" in table and len(table)}
    assert found
    assert {name for name, schemes in found.items() if not {"coast", "port"} <= schemes} <= set(but)


def test_disparity_convergence_chains_and_paths_compare_the_new_groups():
    frames = with_coast_and_port(scores_world.country())
    tables = disparity.build(frames, settings(disparity={"bootstrap": 9, "trend": 9}))
    assert_everywhere(tables, but=("theil_nested",))  # a centre is no region that provinces nest in
    assert "coast" in set(tables["theil_nested"]["scheme"])
    assert "port" not in set(tables["theil_nested"]["scheme"])
    gradient = tables["group_gradient"].query("scheme == 'port'")
    assert set(gradient["group_high"]) == {"harbour"}  # the centre of the seed comes first
    assert_everywhere(convergence.build(frames, settings(convergence={"bootstrap": 5, "draws": 3})))
    sizes = {"resamples": 9, "permutations": 9, "long_lag": 9}
    tables = markov.build(with_coast_and_port(city_frames.frames()), settings(markov=sizes))
    assert_everywhere(tables, but=("markov_spatial_transition",))
    assert {"coast", "port"} <= set(tables["markov_test"].query("test_code == 'region_homog'")["scheme"])
    country = with_coast_and_port(policy_worlds.frames())
    assert_everywhere(policy.build(country, settings(policy={"draws": 3})))


def test_coupling_is_summed_up_and_a_sample_may_be_cut_by_the_new_groups():
    assert_everywhere(coupling.build(with_coast_and_port(coupling_world.country()), settings()))
    frames = with_coast_and_port(influence_worlds.warehouse())
    spec, sizes = influence_worlds.specs()[0], {}
    for name in ("only_harbour", "no_harbour"):
        cut = replace(spec, sample=(name,))
        sizes[name] = len(read_sample(frames, cut).cities)
    assert sizes == {"only_harbour": 10, "no_harbour": 30}


@pytest.fixture(scope="module")
def found():
    specs = influence_worlds.specs()
    frames = with_coast_and_port(influence_worlds.warehouse())
    frames |= {
        "truth": pd.DataFrame(columns=["kind", "city_id", "year", "name", "value"]),
        "segmentation_pair": pd.DataFrame(columns=["unit_i", "unit_j", "year", "v_ij"]),
    }
    sizes = {"multipliers": 20, "threshold_bootstrap": 2, "spatial_grid": 5}
    made = settings(specs, panel={"effects": 50}, influence=sizes)
    frames["panel_effect"] = panel.build(frames, made)["panel_effect"]
    jobs = influence._jobs
    wanted = {"heterogeneity", "blocks"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(influence, "_jobs", lambda *a, **k: [j for j in jobs(*a, **k) if j[0] in wanted])
        return influence.build(frames, made)


def test_spillovers_are_told_apart_by_the_new_groups_and_from_the_new_centre(found):
    assert (found["influence_run"]["status"] == "done").all(), found["influence_run"].to_string()
    assert {"coast", "port"} <= set(found["panel_heterogeneity"]["scheme"])
    assert set(found["panel_heterogeneity"].query("scheme == 'coast'")["group_code"]) >= {"a", "b"}
    assert "port" in set(found["block_spillover"]["scheme"])
    assert "coast" not in set(found["block_spillover"]["scheme"])  # it has no centre
