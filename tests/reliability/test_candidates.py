"""A candidate is examined, sent back, signed or rejected; readers see the old release until it is signed, whole."""

import datetime as dt
import json
import os
import shutil
import signal
import sys
from contextlib import suppress
from dataclasses import replace

import dagster as dg
import pytest
from tiny import CANDIDATE, RELEASE, tiny_candidate, tiny_warehouse
from typer.testing import CliRunner

from dagster_project.cli.main import app
from dagster_project.defs.outcome import failure_of
from dagster_project.defs.promote import build_promote_job
from dagster_project.defs.publish import PUBLISHED
from dagster_project.files import sha256_of
from dagster_project.operations import promote as promoting
from dagster_project.operations.doctor import diagnose
from dagster_project.operations.promote import (
    PromoteError,
    Signature,
    answer_lines,
    corrections_file,
    promote,
    read_review,
    reject,
)
from dagster_project.operations.retention import plan_prune, prune
from dagster_project.operations.withdraw import withdraw
from dagster_project.paths import PROJECT
from dagster_project.publish.release.folder import known_releases, latest_release, manifest_of, next_release
from dagster_project.publish.release.record import is_unbroken, last_entry, list_of_releases, seal_of, waiting
from dagster_project.publish.release.verify import verify_release
from dagster_project.run.kind import WrongKindError
from dagster_project.run.lock import refresh_lock
from dagster_project.run.publishing import SettingsError, publish_by_hand, read_publishing
from dagster_project.run.ready_rows import read_ready_rows

HEAD = Signature("head of section", role="industry section", note="as agreed", all_seen=True)
REVIEWER = "reviewer"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    paths = tiny_warehouse(tmp_path_factory.mktemp("made"))
    tiny_candidate(paths)
    return paths


def copied(made, folder):
    shutil.copytree(made.warehouse, folder / "warehouse")
    return replace(made, warehouse=folder / "warehouse")


@pytest.fixture
def paths(made, tmp_path):
    """The tiny warehouse with a candidate."""
    return copied(made, tmp_path)


def ask(paths, *words):
    done = CliRunner().invoke(app, ["release", *words, "--warehouse", str(paths.warehouse)])
    return done.exit_code, " ".join(done.output.split())


# ---- examined, signed


def test_an_examined_and_signed_candidate_is_published_and_says_so_everywhere(paths):
    folder, before = paths.candidates / CANDIDATE, sha256_of(paths.published_file)
    seen, new = seal_of(folder), sha256_of(folder / "city.duckdb")
    assert [latest_release(paths.releases), waiting(paths)] == [RELEASE, [CANDIDATE]]
    assert "Candidate" in (folder / "docs" / "index.html").read_text(encoding="utf-8")
    answer_lines(paths, CANDIDATE, [1, 2], "ok", REVIEWER)
    answer_lines(paths, CANDIDATE, [], "ok", "second reviewer", all_open=True)
    assert [sha256_of(paths.published_file), seal_of(folder)] == [before, seen]
    assert promote(paths, None, HEAD) == CANDIDATE
    released = paths.releases / CANDIDATE
    assert [sha256_of(paths.published_file), sha256_of(released / "city.duckdb")] == [new, new]
    assert [latest_release(paths.releases), waiting(paths)] == [CANDIDATE, []]
    assert list(paths.candidates.iterdir()) == []
    manifest = manifest_of(released)
    assert [entry["step"] for entry in manifest["record"]] == ["candidate", "examined", "published"]
    examined, published = manifest["record"][1:]
    assert (examined["by"], examined["answered"], examined["seen"]) == ([REVIEWER, "second reviewer"], 3, seen)
    assert (published["by"], published["role"], published["seen"]) == ("head of section", "industry section", seen)
    assert verify_release(released, manifest).problems == ()
    english, chinese = (
        (released / "docs" / place).read_text(encoding="utf-8") for place in ("index.html", "zh/index.html")
    )
    assert "Examined by reviewer, second reviewer, signed by head of section (industry section) on " in english
    assert "审核：reviewer, second reviewer；签发：head of section (industry section)，" in chinese
    assert "data-candidate" not in english + chinese
    package = json.loads((released / "datapackage.json").read_text(encoding="utf-8"))
    assert [(one["title"], one["role"]) for one in package["contributors"]][-1] == ("head of section", "publisher")
    assert package["record"] == manifest["record"]
    assert read_review(released).open == []
    assert not [finding for finding in diagnose(paths).findings if CANDIDATE in finding.what]


def test_the_record_is_appended_to_and_a_changed_entry_is_seen(paths):
    promote(paths, CANDIDATE, HEAD)
    withdraw(paths, CANDIDATE, "a wrong unit", "head of section")
    folder = paths.releases / CANDIDATE
    manifest = manifest_of(folder)
    assert [entry["step"] for entry in manifest["record"]] == ["candidate", "published", "withdrawn"]
    assert is_unbroken(manifest)
    assert last_entry(manifest, "published")["all_seen"] == 3  # lines that were signed for without an answer
    page = (folder / "docs" / "zh" / "index.html").read_text(encoding="utf-8")
    assert page.index("已于") < page.index("numbers") < page.index("签发")
    for change in ({"by": "somebody else"}, {"at": "2020-01-01"}):
        record = [{**entry, **change} if entry["step"] == "published" else entry for entry in manifest["record"]]
        problems = verify_release(folder, {**manifest, "record": record}).problems
        assert any("who examined and signed" in problem for problem in problems)


def test_a_figure_that_goes_back_becomes_a_ready_made_correction(paths):
    folder = paths.candidates / CANDIDATE
    code, said = ask(paths, "back", CANDIDATE, "1", "--why", 'a digit, "lost"', "--by", REVIEWER)
    assert code == 0, said
    assert f"nqpf accept {corrections_file(folder)}" in said
    (row,) = read_ready_rows(corrections_file(folder), PROJECT / "dbt" / "seeds")
    assert row.values["city_id"] == "CN340100"
    assert (row.values["action"], row.values["expect"], row.values["reason"]) == ("drop", "12,3", 'a digit, "lost"')
    code, said = ask(paths, "promote", CANDIDATE, "--by", "head of section", "--all-seen")
    assert (code, "sent back: line 1" in said) == (2, True)
    answer_lines(paths, CANDIDATE, [1], "ok", REVIEWER, why="the printed page has it")
    assert not corrections_file(folder).exists()
    assert promote(paths, CANDIDATE, HEAD) == CANDIDATE


def test_lines_that_were_ok_and_say_the_same_need_no_second_look(paths):
    answer_lines(paths, CANDIDATE, [1, 3], "ok", REVIEWER)
    later = "2026.11.2-SYNTHETIC"
    tiny_candidate(paths, later)
    assert ask(paths, "ok", later, "--as-in", CANDIDATE, "--by", REVIEWER)[0] == 0
    assert read_review(paths.candidates / later).open == [2]
    code, said = ask(paths, "ok", later, "--as-in", "2020.1.0", "--by", REVIEWER)
    assert (code, "There is no candidate 2020.1.0" in said) == (2, True)


def test_a_rejected_candidate_stays_out_with_its_reason_until_it_is_pruned(paths):
    assert ask(paths, "reject", CANDIDATE, "--why", "wrong edition <b>", "--by", "head of section")[0] == 0
    folder = paths.candidates / CANDIDATE
    entry = last_entry(manifest_of(folder), "rejected")
    assert (entry["why"], entry["by"]) == ("wrong edition <b>", "head of section")
    assert "wrong edition &lt;b&gt;" in (folder / "docs" / "index.html").read_text(encoding="utf-8")
    assert waiting(paths) == []
    code, said = ask(paths, "promote", CANDIDATE, "--by", "head of section")
    assert (code, "was rejected" in said) == (2, True)
    today = dt.date(2026, 11, 27)
    assert next_release(paths.releases, today, is_synthetic=True, candidates=paths.candidates) == "2026.11.2-SYNTHETIC"
    plan = plan_prune(paths, 1)
    assert [item.release for item in plan.going] == [CANDIDATE]
    prune(paths, plan)
    assert list(paths.candidates.iterdir()) == []


# ---- readers


def test_a_candidate_is_read_only_by_its_name(paths):
    assert [row["release"] for row in known_releases(paths)] == [RELEASE]
    code, said = ask(paths, "list")
    assert (code, "candidate" in said) == (0, True)
    code, said = ask(paths, "verify", CANDIDATE)
    assert (code, "all" in said) == (0, True)
    code, said = ask(paths, "review")
    assert code == 0
    assert said.index("1. 合肥市 Hefei, rank 2014") < said.index("2. 泰安市")
    content = json.loads(
        CliRunner().invoke(app, ["release", "review", "--json", "--warehouse", str(paths.warehouse)]).stdout
    )
    assert [content["open"], content["lines"][0]["places"]] == [3, 8.0]
    page = paths.warehouse / "page.html"
    assert ask(paths, "review", CANDIDATE, "--html", str(page))[0] == 0
    assert "a &lt;b&gt;" in page.read_text(encoding="utf-8")


# ---- refused, in one sentence, and nothing changes


def spoilt(paths):
    (paths.candidates / CANDIDATE / "docs" / "index.html").write_text("another", encoding="utf-8")


def spoilt_with_its_manifest(paths):
    folder = paths.candidates / CANDIDATE
    spoilt(paths)
    manifest = manifest_of(folder)
    manifest["files"]["docs/index.html"] = sha256_of(folder / "docs" / "index.html")
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def overtaken(paths):
    folder = paths.releases / "2026.11.2-SYNTHETIC"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"release": folder.name}), encoding="utf-8")


def of_two_persons(paths):
    paths.settings_file.write_text("publish: by_hand\ntwo_persons: true\n", encoding="utf-8")
    answer_lines(paths, CANDIDATE, [1], "ok", "head of section")


@pytest.mark.parametrize(
    ("before", "words", "sentence"),
    [
        (None, ("promote", CANDIDATE, "--by", "head of section"), "3 of 3 lines are open"),
        (None, ("promote", "2020.1.0", "--by", "head of section"), "There is no candidate 2020.1.0"),
        (None, ("promote", f"../candidates/{CANDIDATE}", "--by", "head of section"), "There is no candidate ../"),
        (None, ("promote", RELEASE, "--by", "head of section"), f"{RELEASE} is published already"),
        (None, ("promote", CANDIDATE, "--by", " ", "--all-seen"), "Say who you are with --by"),
        (None, ("promote", CANDIDATE, "--by", "x", "--not-before", "tomorrow"), "write day, time and zone"),
        (None, ("promote", CANDIDATE, "--by", "x", "--not-before", "2999-12-01T09:00"), "write day, time and zone"),
        (
            None,
            ("promote", CANDIDATE, "--by", "x", "--not-before", "2999-12-01T09:00+08:00"),
            "under embargo until 2999",
        ),
        (spoilt, ("promote", CANDIDATE, "--by", "x", "--all-seen"), "docs/index.html differs"),
        (spoilt_with_its_manifest, ("promote", CANDIDATE, "--by", "x", "--all-seen"), "manifest.json differs"),
        (spoilt, ("ok", CANDIDATE, "1", "--by", "x"), "docs/index.html differs"),
        (overtaken, ("promote", CANDIDATE, "--by", "x", "--all-seen"), "2026.11.2-SYNTHETIC is current now"),
        (of_two_persons, ("promote", CANDIDATE, "--by", "head of section", "--all-seen"), "another one has to examine"),
        (None, ("ok", CANDIDATE, "4", "--by", "x"), "has no line 4"),
        (None, ("ok", CANDIDATE, "--by", "x"), "Name the lines"),
        (None, ("back", CANDIDATE, "1", "--why", " ", "--by", "x"), "Say what is wrong"),
        (None, ("reject", CANDIDATE, "--why", ""), "Say why"),
        (None, ("review", "2020.1.0"), "There is no release or candidate 2020.1.0"),
        (None, ("review", RELEASE), "has no list to review"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(paths, before, words, sentence):
    if before:
        before(paths)
    published = sha256_of(paths.published_file)
    code, said = ask(paths, *words)
    assert (code, sentence in said) == (2, True), said
    assert sha256_of(paths.published_file) == published
    assert not (paths.releases / CANDIDATE).exists()


def test_an_embargo_holds_for_who_forgets_it_and_nothing_runs_by_itself(paths, monkeypatch):
    late = Signature("x", all_seen=True, not_before="2999-12-01T09:00+08:00")
    for signature in (late, HEAD):
        with pytest.raises(PromoteError, match="under embargo until 2999"):
            promote(paths, CANDIDATE, signature)

    class Later(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2999, 12, 1, 1, 0, tzinfo=tz)

    monkeypatch.setattr(promoting.dt, "datetime", Later)
    assert promote(paths, CANDIDATE, HEAD) == CANDIDATE
    assert last_entry(manifest_of(paths.releases / CANDIDATE), "published")["not_before"] == "2999-12-01T09:00+08:00"


def test_of_two_promotes_at_once_one_wins_and_the_other_is_told(paths):
    with refresh_lock(paths):
        code, said = ask(paths, "promote", CANDIDATE, "--by", "x", "--all-seen")
    assert (code, "is running" in said) == (4, True)
    assert ask(paths, "promote", CANDIDATE, "--by", "x", "--all-seen")[0] == 0
    code, said = ask(paths, "promote", CANDIDATE, "--by", "y", "--all-seen")
    assert (code, "is published already" in said) == (2, True)
    assert last_entry(manifest_of(paths.releases / CANDIDATE), "published")["by"] == "x"


def test_a_candidate_of_the_demo_is_not_published_among_real_data(paths):
    paths.kind_file.write_text("real\n", encoding="utf-8")
    with pytest.raises(PromoteError, match="real data"):
        promote(paths, CANDIDATE, HEAD)
    assert issubclass(WrongKindError, Exception)


def test_the_job_of_dagster_signs_as_the_command_does_and_says_why_not(paths):
    job = build_promote_job(paths)
    with dg.DagsterInstance.ephemeral() as instance:

        def run(**config):
            run_config = {"ops": {"sign": {"config": config}}}
            return job.execute_in_process(instance=instance, run_config=run_config, raise_on_error=False)

        refused = failure_of(run(by="head of section").all_events)
        assert (refused.exit_code, "3 of 3 lines are open" in refused.sentences[0]) == (2, True)
        assert run(by="head of section", role="industry section", all_seen=True).success
        event = instance.get_latest_materialization_event(PUBLISHED)
        assert event.asset_materialization.metadata["signed_by"].value == "head of section"
        key = dg.AssetCheckKey(PUBLISHED, "signed")
        assert instance.get_latest_asset_check_evaluation_record(key).evaluation.passed
    assert last_entry(manifest_of(paths.releases / CANDIDATE), "published")["role"] == "industry section"


# ---- kept


def test_what_was_signed_is_never_pruned_and_a_candidate_that_waits_neither(paths):
    promote(paths, CANDIDATE, HEAD)
    for number in (2, 3):
        overtaking = paths.releases / f"2026.11.{number}-SYNTHETIC"
        overtaking.mkdir()
        run = manifest_of(paths.releases / CANDIDATE)["run"]
        (overtaking / "manifest.json").write_text(
            json.dumps({"release": overtaking.name, "previous": None, "run": run}), encoding="utf-8"
        )
    tiny_candidate(paths, "2026.11.4-SYNTHETIC", "2026.11.3-SYNTHETIC")
    reasons = {item.release: item.reason for item in plan_prune(paths, 1).items}
    assert reasons[CANDIDATE] == "signed by head of section"
    assert reasons["2026.11.2-SYNTHETIC"] == ""
    assert reasons["2026.11.4-SYNTHETIC"] == "a candidate that waits for a signature"
    tiny_candidate(paths, "2026.11.5-SYNTHETIC", RELEASE)
    states = {row["release"]: row["state"] for row in list_of_releases(paths)}
    assert [states[f"2026.11.{n}-SYNTHETIC"] for n in (1, 4, 5)] == ["published", "candidate", "overtaken"]
    assert {item.release: item.reason for item in plan_prune(paths, 1).items}["2026.11.5-SYNTHETIC"] == ""


def test_settings_say_how_a_warehouse_publishes(paths):
    assert not read_publishing(paths).by_hand
    publish_by_hand(paths)
    assert read_publishing(paths).by_hand
    for text, sentence in (
        ("publish: soon", "by_hand or by_itself"),
        ("two_persons: 2", "true or false"),
        ("publsh: by_hand", "unknown setting publsh"),
        ("[", "cannot be read"),
        ("- by_hand", "must hold lines"),
    ):
        paths.settings_file.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError, match=sentence):
            read_publishing(paths)
    paths.settings_file.write_text("publish: by_itself\n", encoding="utf-8")
    publish_by_hand(paths)  # a person said otherwise
    assert not read_publishing(paths).by_hand


# ---- killed


CHANGES = ("os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "shutil.copyfile")


def run_until(paths, number, act):
    """In a child that is killed before its change of that number; its exit code, and how many changes it made."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def at_event(event, arguments):
            nonlocal count
            is_written = event == "open" and isinstance(arguments[1], str) and arguments[1][:1] in "wa"
            if event in CHANGES or is_written:
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(at_event)
        try:
            act()
        finally:
            os.write(write, str(count).encode())
            os._exit(0)
    os.close(write)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    made = os.read(read, 20).decode()
    os.close(read)
    return code, int(made or 0)


def whole(paths):
    """The published file is the one of a release, and every release is what its manifest says."""
    files = {sha256_of(folder / "city.duckdb") for folder in paths.releases.glob("[!.]*")}
    problems = [verify_release(folder, manifest_of(folder)).problems for folder in paths.releases.glob("[!.]*")]
    return sha256_of(paths.published_file) in files and not any(problems)


@pytest.mark.slow
def test_killed_before_any_change_of_a_promote_leaves_old_or_new_and_the_next_one_ends_it(made, tmp_path):
    def fresh(name):
        paths = copied(made, tmp_path / name)
        answer_lines(paths, CANDIDATE, [1, 2, 3], "ok", REVIEWER)
        return paths, sha256_of(paths.candidates / CANDIDATE / "city.duckdb")

    paths, _ = fresh("counted")
    code, n = run_until(paths, 0, lambda: promote(paths, CANDIDATE, HEAD))
    assert (code, n > 20) == (0, True)
    for number in range(1, n + 1):
        paths, new = fresh(str(number))
        old = sha256_of(paths.published_file)
        code, _ = run_until(paths, number, lambda paths=paths: promote(paths, CANDIDATE, HEAD))
        assert code == -signal.SIGKILL
        assert sha256_of(paths.published_file) in (old, new), number
        assert whole(paths), number
        with suppress(PromoteError):  # killed when all was done but what is swept away
            promote(paths, CANDIDATE, HEAD)
        assert sha256_of(paths.published_file) == new, number
        assert whole(paths), number
        assert waiting(paths) == []
        assert not list(paths.releases.glob(".*")), number


@pytest.mark.slow
def test_killed_before_any_change_of_an_answer_or_a_rejection_the_candidate_waits_or_is_rejected(made, tmp_path):
    acts = (
        lambda paths: answer_lines(paths, CANDIDATE, [1], "back", REVIEWER, why="a digit is lost"),
        lambda paths: reject(paths, CANDIDATE, "wrong edition"),
    )
    for k, act in enumerate(acts):
        number, code = 0, -signal.SIGKILL
        while code == -signal.SIGKILL:
            number += 1
            paths = copied(made, tmp_path / f"{k}.{number}")
            old = sha256_of(paths.published_file)
            code, _ = run_until(paths, number, lambda paths=paths, act=act: act(paths))
            assert sha256_of(paths.published_file) == old
            if waiting(paths):
                act_again = acts[1]
                act_again(paths)
            assert waiting(paths) == []
        assert number > 2
