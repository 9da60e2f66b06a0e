"""`nqpf fetch` against a server on this machine: what is open comes whole or not at all."""

import hashlib
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from typer.testing import CliRunner

from dagster_project.cli.main import app
from dagster_project.errors import IngestError
from dagster_project.ingest.sidecar import landed_sidecars, read_sidecar
from dagster_project.paths import PROJECT, real_paths

BODY = "city,year,population\n合肥,2020,937\n".encode()
SHA = hashlib.sha256(BODY).hexdigest()


class Server(BaseHTTPRequestHandler):
    """/good answers; /late breaks off the first time; /other gives other bytes; anything else is 404."""

    clients: list[str] = []  # noqa: RUF012
    n_late = 0

    def do_GET(self):
        self.clients.append(self.headers["User-Agent"])
        body = {"/good": BODY, "/late": BODY, "/other": b"moved"}.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        is_cut = self.path == "/late" and Server.n_late == 0
        Server.n_late += self.path == "/late"
        self.wfile.write((body or b"")[: 5 if is_cut else None])

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def content(url=None, **changes):
    obtain = {"how": "http", "words": "a public server", "urls": {"a/table.csv": url}} if url else None
    base = {
        "source": "census",
        "layout": "reference",
        "files": [{"path": "a/table.csv", "sha256": SHA}],
        "producer": "an office",
        "title": "A table",
        "licence": "MIT",
        "accessed": "2026-11-28",
        "maturity": "final",
        "is_synthetic": False,
    }
    return base | ({"obtain": obtain} if obtain else {}) | changes


@pytest.fixture
def run(tmp_path):
    def command(sidecar, *options):
        (tmp_path / "sidecars").mkdir(exist_ok=True)
        (tmp_path / "sidecars" / "a.yml").write_text(yaml.safe_dump(sidecar), encoding="utf-8")
        places = ["--landing", str(tmp_path / "landing"), "--sidecars", str(tmp_path / "sidecars")]
        return CliRunner().invoke(app, ["fetch", *options, *places], env={"COLUMNS": "300"})

    return command


def landed(tmp_path):
    return [path for path in (tmp_path / "landing").rglob("*") if path.is_file()]


@pytest.mark.parametrize("page", ["good", "late"])
def test_an_open_file_is_downloaded_whole_and_once(run, address, tmp_path, page):
    answer = run(content(f"{address}/{page}"))
    assert answer.exit_code == 0, answer.output
    (file,) = landed(tmp_path)
    assert file.read_bytes() == BODY
    assert Server.clients[-1].startswith("nqpf/")
    n = len(Server.clients)
    assert "there before: 1" in run(content(f"{address}/{page}")).output
    assert len(Server.clients) == n


@pytest.mark.parametrize(
    ("page", "words"), [("gone", "answered 404"), ("other", "gives other bytes"), (None, "cannot be reached")]
)
def test_what_does_not_come_as_the_sidecar_says_leaves_nothing(run, address, tmp_path, monkeypatch, page, words):
    monkeypatch.setattr("dagster_project.operations.fetch.RETRIES", 0)
    answer = run(content(f"{address}/{page}" if page else "http://127.0.0.1:9/x"))
    assert answer.exit_code == 1
    assert words in answer.output
    assert landed(tmp_path) == []


def test_without_a_stated_licence_nothing_is_downloaded_and_the_way_is_told(run, address, tmp_path):
    n = len(Server.clients)
    answer = run(content(f"{address}/good", licence="none stated"))
    assert answer.exit_code == 1
    assert "no licence is stated" in answer.output
    assert SHA in answer.output
    assert len(Server.clients) == n
    assert landed(tmp_path) == []


def test_a_file_of_another_content_is_left_alone(run, address, tmp_path):
    other = tmp_path / "landing" / "a" / "table.csv"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    answer = run(content(f"{address}/good"))
    assert answer.exit_code == 1
    assert "Left alone" in answer.output
    assert other.read_text() == "mine"


def test_what_somebody_has_is_found_by_hash_also_inside_a_zip(run, tmp_path):
    have = tmp_path / "have"
    have.mkdir()
    (have / "a.zip").write_bytes(b"PK\x03\x04 no archive")
    with zipfile.ZipFile(have / "b.zip", "w") as archive:
        archive.writestr("x/y.bin", BODY)
        archive.writestr("other.txt", "nothing")
    answer = run(content(), "--from", str(have))
    assert answer.exit_code == 0, answer.output
    assert "b.zip!x/y.bin" in answer.output
    assert "Passed over" in answer.output
    assert [path.read_bytes() for path in landed(tmp_path)] == [BODY]


def test_a_dry_run_downloads_nothing_and_unknown_names_are_refused(run, address, tmp_path):
    n = len(Server.clients)
    assert "Would download" in run(content(f"{address}/good"), "--dry-run").output
    assert len(Server.clients) == n
    assert landed(tmp_path) == []
    answer = run(content(), "cencus")
    assert answer.exit_code == 2
    assert "Sources: census" in answer.output
    assert run(content(), "--from", str(tmp_path / "nowhere")).exit_code == 2


@pytest.mark.parametrize(
    "obtain",
    [
        "by post",
        {"how": "post", "words": "x"},
        {"how": "http", "words": "x"},
        {"how": "http", "words": "x", "urls": {"a/table.csv": "file:///etc/passwd"}},
        {"how": "http", "words": "x", "urls": {"a/table.csv": "https://me:secret@host/x"}},
        {"how": "buy", "words": "x", "seen": [{"repository": "a/b", "commit": "123", "path": "c"}]},
    ],
)
def test_a_wrong_obtain_is_refused_with_its_key(tmp_path, obtain):
    file = tmp_path / "a.yml"
    file.write_text(yaml.safe_dump(content(obtain=obtain)), encoding="utf-8")
    with pytest.raises(IngestError, match="obtain"):
        read_sidecar(file)


def test_every_tracked_sidecar_says_how_its_files_can_be_had_and_references_are_not_landed():
    folder = PROJECT / "warehouse" / "landing"
    sidecars = [read_sidecar(path) for path in folder.glob("*.yml")]
    assert all(sidecar.obtain for sidecar in sidecars)
    references = {sidecar.source for sidecar in sidecars if sidecar.layout == "reference"}
    assert references
    assert not references & {sidecar.source for sidecar in landed_sidecars(real_paths(folder))}
