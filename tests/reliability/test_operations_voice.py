"""`nqpf refresh --log-format json` is one object a line, nothing else; `--quiet` speaks if something is wrong."""

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from house import House, unchanged_environment
from rich.console import Console

from dagster_project.cli.refresh import refresh
from dagster_project.operations.voice import voice
from dagster_project.run.status import RunStatus, StepRecord

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_tell_the_start_each_step_and_the_end(capfd):
    says = voice(Console(), "json")
    says.started(Path("/w"), Path("/w/log"))
    says.step(StepRecord("ingest", "raw_yearly", "read yearly files", 0.5, True))
    says.step(StepRecord("ingest", "raw__load", "judge", 1.0, False))
    status = RunStatus("refused", 3, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 1.5, None, ["否"], Path("/w"))
    says.ended(status)
    says.progress.print("for people")
    said = lines(capfd.readouterr().out)
    assert [line["event"] for line in said] == ["started", "step", "step", "ended"]
    assert [line["level"] for line in said] == ["info", "info", "error", "error"]
    assert said[1]["step"] == "raw_yearly"
    assert said[3]["message"] == ["否"]
    assert "steps" not in said[3]
    assert all(dt.datetime.fromisoformat(str(line["time"])).tzinfo for line in said)


@pytest.fixture(scope="module")
def house(copy_small_warehouse):
    """A copy: even a refresh that is refused at once writes down how it ended."""
    return copy_small_warehouse("voice")


def refused_year(house: House, **how: Any) -> tuple[int, Console]:
    """A refresh that ends at once: there is no such year."""
    console = Console(record=True, width=4000, file=io.StringIO())
    with unchanged_environment():
        code = refresh(house.paths, console, year=1999, is_demo=False, **how)
    return code, console


def test_command_speaks_json_alone(house, capfd):
    code, console = refused_year(house, log_format="json")
    assert code == 2
    started, ended = lines(capfd.readouterr().out)
    assert started["event"] == "started"
    assert ended["status"] == "bad_input"
    assert "No sidecar has data_year 1999" in str(ended["message"])
    assert console.export_text() == ""


def test_quiet_command_says_what_is_wrong_and_nothing_else(house, capfd):
    code, console = refused_year(house, quiet=True)
    assert code == 2
    said = console.export_text()
    assert said.startswith("Not refreshed after")
    assert "No sidecar has data_year 1999" in said
    assert capfd.readouterr().out == ""


def test_command_without_options_also_says_where_the_log_is(house, capfd):
    assert refused_year(house)[0] == 2
    assert f"Refresh of {house.paths.warehouse}; details in" in capfd.readouterr().out


def test_quiet_voice_keeps_progress_to_itself(capsys):
    says = voice(Console(), quiet=True)
    says.progress.print("step")
    says.started("w", "log")
    assert capsys.readouterr().out == ""
    says.trouble.print("wrong")
    assert capsys.readouterr().out == "wrong\n"
