"""How much is drawn: one file with all sizes, an environment variable, mistakes in words."""

import pickle

import pytest
import yaml
from typer.testing import CliRunner

from dagster_project.cli import main
from dagster_project.defs.settings import VARIABLE, current_settings, export_depth
from dagster_project.paths import demo_paths
from dagster_project.study import influence, robustness
from dagster_project.study.markov import Effort
from dagster_project.study.registry import REGISTRY
from dagster_project.study.settings import DepthName, SpecError, read_depths


def test_every_step_has_its_sizes_and_they_grow_with_the_depth():
    depths = read_depths(demo_paths().depth_specs)
    assert set(depths) == {"quick", "default", "paper"}
    quick, default, paper = (depths[name].sizes for name in DepthName)
    for step, sizes in default.items():
        for size, number in sizes.items():
            assert quick[step][size] < number <= paper[step][size], (step, size)
    assert influence.Sizes(**default["influence"]).spatial_grid == 25
    assert robustness.Sizes(**default["robustness"]).placebo == 999
    assert Effort(**default["markov"]).draws(2) == 199


def test_depth_comes_from_the_environment_and_is_default_without(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    paths = demo_paths()
    assert current_settings(paths).depth.name == "default"
    monkeypatch.setenv(VARIABLE, "quick")
    assert current_settings(paths).sizes("policy") == {"draws": 100}
    export_depth("paper")
    assert current_settings(paths).depth.name == "paper"
    monkeypatch.setenv(VARIABLE, "deep")
    with pytest.raises(SpecError, match="NQPF_DEPTH is 'deep': choose quick, default, paper"):
        current_settings(paths)


def test_settings_and_analyses_can_be_handed_to_another_process():
    made = current_settings(demo_paths())
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    assert again.seed == made.study.seed == 20211231
    assert list(made.base_window) == list(range(2012, 2022))
    for entry in pickle.loads(pickle.dumps(REGISTRY)):
        assert callable(entry.build)


def test_the_command_line_offers_the_depths_of_the_file():
    assert [d.value for d in main.Depth] == list(DepthName)
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
def test_mistakes_are_said_in_words(tmp_path, row, message):
    file = tmp_path / "depth.yml"
    file.write_text(yaml.safe_dump({"policy": {"draws": row}}), encoding="utf-8")
    with pytest.raises(SpecError, match=message):
        read_depths(file)
