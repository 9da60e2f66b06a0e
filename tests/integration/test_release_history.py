"""`nqpf release ...` on two releases: one city's figure was revised between them."""

import json
import shutil
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from house import House, paths_below, said

from dagster_project.cli import releases
from dagster_project.files import sha256_of
from dagster_project.operations.rebuild import lay_out, read_manifest
from dagster_project.paths import Paths
from dagster_project.publish.release.diff import diff_frames
from dagster_project.publish.release.folder import file_before
from dagster_project.published import open_read_only
from dagster_project.run.lock import refresh_lock
from dagster_project.store import Warehouse

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

TAIAN = "CN370900"
ROUNDING = 1e-12


@pytest.fixture
def copied(revised, tmp_path):
    """The published folder alone, to be spoilt, without what is large."""
    published, fresh = revised.house.paths.published, tmp_path / "warehouse" / "published"
    shutil.copytree(published, fresh, ignore=shutil.ignore_patterns("csv", "parquet", "docs"))
    return replace(revised.house.paths, warehouse=tmp_path / "warehouse")


@pytest.fixture(scope="module")
def frames(revised):
    old, new = (folder / "city.duckdb" for folder in revised.house.releases)
    return diff_frames(old, new)


# ---- diff ------------------------------------------------------------------------------------------------


def test_the_one_revised_figure_is_the_one_cell_that_differs(frames):
    cells = frames["cells"].query("index_code == 'nqpf'")
    assert cells[["indicator_code", "city_id", "year", "what"]].values.tolist() == [
        ["q1_scishare", TAIAN, 2014, "revised"]
    ]
    assert cells["value_new"].item() > cells["value_old"].item()


def test_the_new_edition_is_added_and_the_old_one_superseded(frames, revised):
    found = frames["sources"]
    assert found[["what", "source", "data_year", "vintage"]].values.tolist() == [
        ["added", "yearbook", 2014, revised.vintage_new],
        ["superseded", "yearbook", 2014, revised.vintage_old],
    ]


def test_the_bridge_explains_every_moved_score_of_a_headline_index(frames, revised):
    scores = frames["scores"]
    headline = revised.house.published("select index_code from mart.dim_index where coalesce(variant_of, '') = ''")
    own = scores[scores["index_code"].isin(headline["index_code"])]
    parts = own[["part_revision", "part_bounds", "part_weights", "part_method"]]
    assert len(own) > 0
    assert parts.notna().all(axis=None)
    assert (parts.sum(axis=1) - own["change"]).abs().max() <= ROUNDING
    assert (own["part_method"].abs() <= ROUNDING).all()  # only a figure was revised


def test_headline_coefficients_stand_side_by_side_with_their_intervals(frames, revised):
    found = frames["coefficients"]
    old, new = revised.house.releases
    for side, folder in (("old", old), ("new", new)):
        with open_read_only(folder / "city.duckdb") as con:
            mart = con.execute(
                "select model_id, basis, term, coef, lo, hi from mart.mart_panel_coef"
                " where model_id in (select model_id from mart.dim_model_spec where is_headline)"
            ).df()
        both = found[found["kind"] == "coefficient"].merge(mart, on=["model_id", "basis", "term"], validate="1:1")
        assert len(both) == len(mart) > 0
        for name, column in (("estimate", "coef"), ("lo", "lo"), ("hi", "hi")):
            assert (both[f"{name}_{side}"] == both[column]).all()


def test_the_release_holds_the_page_in_both_forms_and_the_command_prints_it(revised, capsys):
    old, new = revised.house.releases
    page = (new / "diff.md").read_text(encoding="utf-8")
    paths = revised.house.paths
    for names in ((old.name, new.name), (new.name, None), (None, None)):
        assert said(releases.diff_releases, paths, *names, format="markdown", out=None).exit_code == 0
        assert capsys.readouterr().out == page
    html = (new / "diff.html").read_text(encoding="utf-8")
    assert BeautifulSoup(html, "html.parser").find("h1").text == f"{new.name}, compared with {old.name}"
    assert BeautifulSoup(html, "html.parser").find(["script", "link", "img"]) is None


def test_json_has_every_row(frames, revised, tmp_path):
    out = tmp_path / "diff.json"
    said(releases.diff_releases, revised.house.paths, None, None, format="json", out=out)
    found = json.loads(out.read_text(encoding="utf-8"))
    assert {part: len(rows) for part, rows in found.items() if isinstance(rows, list)} == {
        part: len(frame) for part, frame in frames.items()
    }


# ---- verify, rebuild, prune: what each finds is tested in tests/unit, that a rebuild works in tests/reliability -----


def test_both_releases_are_what_their_manifests_say(revised):
    done = revised.house.run_reading("release", "verify", "--landing", str(revised.house.paths.landing))
    assert done.exit_code == 0, done.text
    assert len(done.lines) == 2
    assert all("hashes are those of the manifest" in line for line in done.lines)


def test_missing_and_changed_files_and_another_published_file_are_named(revised, copied):
    shutil.rmtree(copied.releases)
    shutil.copytree(revised.house.paths.releases, copied.releases)
    old, new = sorted(copied.releases.iterdir())
    (new / "dictionary.csv").write_bytes(b"?")
    (new / "docs" / "index.html").unlink()
    copied.published_file.unlink()  # it cannot be written
    shutil.copyfile(old / "city.duckdb", copied.published_file)
    answer = said(releases.verify_releases, copied, new.name, None)
    assert answer.exit_code == 1
    assert "dictionary.csv has another sha256" in answer.text
    assert "docs/index.html is missing" in answer.text
    assert "is not the city.duckdb of" in answer.text


def test_a_release_of_an_older_version_stays_readable(revised, copied, capsys):
    """Its manifest lacks what later ones hold, its file lacks tables and columns."""
    shutil.rmtree(copied.releases)
    shutil.copytree(revised.house.paths.releases, copied.releases)
    old, new = sorted(copied.releases.iterdir())
    content = read_manifest(old)
    for key in ("files", "previous", "vintages"):
        del content[key]
    for facts in content["tables"].values():
        del facts["content"]
    (old / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    (old / "city.duckdb").chmod(0o644)
    with Warehouse(old / "city.duckdb").connect() as con:
        con.execute("drop table mart.mart_index_restatement; alter table mart.mart_panel_coef drop column lo")
    assert said(releases.list_releases, copied).text.count("SYNTHETIC") == 2
    assert said(releases.verify_releases, copied, old.name, None).exit_code == 0
    assert said(releases.diff_releases, copied, old.name, new.name, format="markdown", out=None).exit_code == 0
    page = capsys.readouterr().out
    assert "published by an older version" in page  # the coefficients
    assert TAIAN in page  # the scores
    assert said(releases.diff_releases, copied, new.name, old.name, format="markdown", out=None).exit_code == 0
    assert TAIAN in capsys.readouterr().out


def test_a_missing_and_a_changed_landing_file_stop_a_rebuild(revised, tmp_path):
    paths = revised.house.paths
    landing = tmp_path / "landing"
    shutil.copytree(paths.landing, landing)
    (landing / "robot" / "synthetic_robot.csv").unlink()
    with (landing / "county" / "synthetic_county.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    shutil.rmtree(landing / "court")
    elsewhere = Paths(paths.warehouse, landing, landing)
    answer = said(releases.rebuild_release, elsewhere, revised.house.releases[-1].name, into=None)
    assert answer.exit_code == 2
    assert "synthetic_robot.csv is missing" in answer.text
    assert "synthetic_county.csv is not the one of the release" in answer.text
    assert "court of several years" in answer.text
    assert "no sidecar below" in answer.text


def test_other_code_stops_a_rebuild_and_names_the_commit(copied):
    newest = sorted(copied.releases.iterdir())[-1]
    content = read_manifest(newest)
    content["hashes"]["params"] = "0" * 12
    content["run"]["git_commit"] = "abc123+changes"
    (newest / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    answer = said(releases.rebuild_release, copied, newest.name, into=None)
    assert answer.exit_code == 2
    assert "000000000000 there" in answer.text
    assert "git worktree add ../rebuild abc123)" in answer.text
    assert "uncommitted changes" in answer.text


def test_a_folder_for_the_rebuild_holds_what_the_release_was_made_of_and_what_was_remembered(revised, tmp_path):
    old, new = revised.house.releases
    manifest = read_manifest(new)
    made = lay_out(manifest, revised.house.paths, tmp_path, old.name)
    listed = {file["path"] for load in manifest["inputs"] for file in load["files"]}
    laid = {p.relative_to(made.landing).as_posix() for p in made.landing.rglob("*") if p.suffix in (".xlsx", ".csv")}
    assert {name for name in laid if not name.startswith("truth/")} == listed
    start = file_before(made, manifest["run"]["data_vintage"])
    assert start is not None
    assert start.parent.name == old.name
    assert sha256_of(start) == sha256_of(old / "city.duckdb")
    vintages = "select data_vintage, set_hash from ops.vintage order by created_at"
    assert House(made).build(vintages).equals(revised.house.build(vintages))


def test_old_releases_go_only_when_it_is_said_and_no_refresh_runs(copied):
    old, new = sorted(copied.releases.iterdir())
    kept = said(releases.prune_releases, copied, 1, is_sure=True)
    assert kept.exit_code == 0
    assert "points to it" in kept.text  # the newest is compared with it
    assert "0 of 2 releases went" in kept.text
    content = {**read_manifest(new), "previous": None}
    (new / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    assert "Nothing was deleted" in said(releases.prune_releases, copied, 1, is_sure=False).text
    with refresh_lock(copied):
        answer = said(releases.prune_releases, copied, 1, is_sure=True)
    assert answer.exit_code == 4
    assert "is running" in answer.text
    assert old.is_dir()
    assert "1 of 2 releases went" in said(releases.prune_releases, copied, 1, is_sure=True).text
    assert [p.name for p in copied.releases.iterdir()] == [new.name]


def test_a_house_without_a_release_says_what_to_do(tmp_path):
    for command, options in ((releases.verify_releases, (None, None)), (releases.list_releases, ())):
        answer = said(command, paths_below(tmp_path), *options)
        assert answer.exit_code == 2
        assert "nqpf refresh" in answer.text


# ---- a document of the release before ------------------------------------------------------------------------------


def test_a_revised_figure_names_its_release(revised, tmp_path):
    old, new = (folder.name for folder in revised.house.releases[-2:])
    then, now = (dict(_science(revised.house.paths.releases / name / "city.duckdb")) for name in (old, new))
    city = next(city for city in then if then[city] != now[city])
    (tmp_path / "old.md").write_text(f"2014年{city}科学技术支出{then[city]:.0f}万元。\n", encoding="utf-8")
    said = revised.house.run_reading("check", str(tmp_path / "old.md"), "--json")
    (record,) = json.loads(said.text[said.text.index("[\n") : said.text.rindex("]") + 1])
    assert (said.exit_code, record["verdict"]) == (1, "revised")
    assert old in record["note"]
    assert revised.house.run_reading("check", str(tmp_path / "old.md"), "--release", old).exit_code == 0
    listed = revised.house.run_reading("release", "diff", old, new, "--documents", str(tmp_path))
    assert "old.md: 1 of 1 figures were revised" in listed.text


def _science(file):
    with open_read_only(file) as con:
        return con.execute(
            "select name_zh, value from easy.city_variable where variable_code = 'fiscal_science' and year = 2014"
        ).fetchall()
