"""A release is taken back: the one before it is current, the withdrawn one says why, nothing counts it any more."""

import dataclasses
import datetime as dt
import json
import shutil

import duckdb
import pytest
from house import said
from tiny import RELEASE, tiny_warehouse
from typer.testing import CliRunner

from dagster_project.cli.main import app
from dagster_project.cli.refresh import show_plan
from dagster_project.defs.plan import Plan
from dagster_project.files import sha256_of
from dagster_project.operations.doctor import diagnose
from dagster_project.operations.rebuild import read_manifest
from dagster_project.operations.withdraw import WithdrawError, withdraw
from dagster_project.publish.release.folder import known_releases, latest_release, next_release
from dagster_project.publish.release.folder import write_manifest as sealed
from dagster_project.publish.release.verify import verify_release
from dagster_project.run.up_to_date import InputDigest

WHY = "the wage column was read twice <b>"


@pytest.fixture
def two(tmp_path):
    """The tiny warehouse with a second release whose file differs; returns its name."""
    paths = tiny_warehouse(tmp_path)
    name = next_release(paths.releases, dt.date(2026, 11, 26), is_synthetic=True)
    first, second = paths.releases / RELEASE, paths.releases / name
    shutil.copytree(first, second)
    (second / "docs").mkdir()
    (second / "docs" / "index.html").write_text("<html><body class='x'><p>numbers</p></body></html>", encoding="utf-8")
    (second / "note.txt").write_text("second", encoding="utf-8")
    content = json.loads((second / "manifest.json").read_text(encoding="utf-8"))
    sealed(second, {**content, "release": name, "previous": RELEASE})
    assert latest_release(paths.releases) == name
    return paths, name


def test_the_release_before_is_current_again_and_the_withdrawn_one_says_why(two):
    """Byte for byte; in its manifest and on its pages; it still verifies, and its number is never used again."""
    paths, name = two
    folder, before = paths.releases / name, sha256_of(paths.releases / RELEASE / "city.duckdb")
    assert withdraw(paths, name, WHY) == RELEASE
    assert latest_release(paths.releases) == RELEASE
    assert sha256_of(paths.published_file) == before
    assert not paths.fresh_file.exists()
    manifest = read_manifest(folder)
    assert manifest["withdrawn"]["why"] == WHY
    page = (folder / "docs" / "index.html").read_text(encoding="utf-8")
    assert 0 < page.index("was withdrawn on") < page.index("numbers")
    assert "&lt;b&gt;" in page
    assert not verify_release(folder, manifest).problems
    assert not [f for f in diagnose(paths).findings if name in f.what]
    assert next_release(paths.releases, dt.date(2026, 11, 27), is_synthetic=True) > name


def test_a_crash_after_the_decisive_step_is_found_and_mended(two, monkeypatch):
    paths, name = two

    def killed(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("dagster_project.operations.withdraw.swap_in", killed)
    (paths.published_file).chmod(0o644)
    paths.published_file.write_bytes((paths.releases / name / "city.duckdb").read_bytes() + b" ")
    with pytest.raises(KeyboardInterrupt):
        withdraw(paths, name, WHY)
    assert latest_release(paths.releases) == RELEASE
    assert any(str(paths.published_file) in f"{f.what} {f.where}" for f in diagnose(paths).findings)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": RELEASE}, "only the current one can be withdrawn"),
        ({"name": "2020.1.0"}, "There is no release 2020.1.0"),
        ({"why": "  "}, "Say why"),
    ],
)
def test_what_cannot_be_withdrawn_is_refused_in_a_sentence(two, change, sentence):
    paths, name = two
    before = sha256_of(paths.published_file)
    with pytest.raises(WithdrawError, match=sentence):
        withdraw(paths, **{"name": name, "why": WHY, **change})
    assert sha256_of(paths.published_file) == before
    assert latest_release(paths.releases) == name


def test_the_only_release_stays(tmp_path):
    paths = tiny_warehouse(tmp_path)
    with pytest.raises(WithdrawError, match="the only release"):
        withdraw(paths, RELEASE, WHY)


def test_the_command_takes_it_back_and_the_list_says_why(two):
    paths, name = two
    where = ["--warehouse", str(paths.warehouse)]
    done = CliRunner().invoke(app, ["release", "withdraw", name, "--why", "read twice", *where])
    assert done.exit_code == 0, done.output
    assert f"{name} is withdrawn. {RELEASE} is current again" in " ".join(done.output.split())
    assert {row["release"]: row["withdrawn"] for row in known_releases(paths)}[name] == "read twice"
    again = CliRunner().invoke(app, ["release", "withdraw", name, "--why", "again", *where])
    assert again.exit_code == 2


def test_a_dry_run_says_what_stays_withdrawn_and_which_new_corrections_meet_a_figure(two, monkeypatch):
    paths, name = two
    withdraw(paths, name, "read twice")
    columns = "source, city_id, year, variable_code, scope, action, expect, status"
    rows = [("book", "C1", 2014, "gdp_nom", "city", "drop", text, "open") for text in ("1", "2", "3")]
    seeds = paths.landing.parent / "project" / "dbt" / "seeds"
    seeds.mkdir(parents=True)
    text = "\n".join([columns.replace(" ", ""), *(",".join(map(str, row)) for row in rows)])
    (seeds / "correction.csv").write_text(text, encoding="utf-8")
    with duckdb.connect(str(paths.build_file)) as con:
        con.execute("create schema seed; create schema reading")
        con.execute(f"create table seed.correction ({columns.replace(', ', ' varchar, ')} varchar)")
        con.execute("insert into seed.correction values ('book', 'C1', 2014, 'gdp_nom', 'city', 'drop', '1', 'open')")
        con.execute("create table reading.int_values_converted_to_units as select *, '2' as text from seed.correction")
    monkeypatch.setattr("dagster_project.defs.plan.plan_refresh", lambda *_: Plan((), (), (), ()))
    project = dataclasses.replace(paths, project=seeds.parents[1])
    monkeypatch.setattr("dagster_project.cli.refresh.input_digest", lambda *_: InputDigest("1", "1"))
    text = said(show_plan, project).text
    assert f"{name} was withdrawn (read twice)" in text
    assert "1 meet their figure" in text
    assert "book C1 2014 gdp_nom: '2' is printed, not '3'" in text
