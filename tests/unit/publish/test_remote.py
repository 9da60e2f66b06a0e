"""`nqpf release export --web` and `nqpf open`: a release on servers that tell the truth, and others."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dagster_project.errors import Refusal
from dagster_project.files import sha256_of
from dagster_project.paths import Paths
from dagster_project.publish.remote import transport
from dagster_project.publish.remote.read import Opened, connect, open_release, tables_of, whole
from dagster_project.publish.remote.write import export_web

RANKING = "select * from (values (2020, '合肥', 31.5), (2021, '合肥', 33.25)) t(year, city, score_100)"
TABLES = {
    "easy.ranking": RANKING,
    "easy.gini": "select 2021 as year, 0.25 as gini",
    "mart.dim_city": "select '合肥' as city",
}
LATEST = "select city, score_100 from ranking where year = 2021"


@pytest.fixture
def house(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "house", tmp_path, tmp_path)
    make_release(paths, "2026.11.0")
    return paths


def make_release(paths: Paths, name: str, more: str = "", licence: str = "CC BY 4.0") -> Path:
    """A release folder as `publish` leaves it, of three small tables."""
    folder = paths.releases / name
    (folder / "parquet").mkdir(parents=True)
    (folder / "csv").mkdir()
    (folder / "docs").mkdir()
    (folder / "docs" / "index.html").write_text(f"<html>{name}</html>", encoding="utf-8")
    tables: dict[str, dict[str, Any]] = {"mart_long": {"rows": 900_000}}
    with duckdb.connect(str(folder / "city.duckdb")) as con:
        con.execute("create schema easy; create schema mart")
        for table, query in TABLES.items():
            con.execute(f"create table {table} as {query}{more if table == 'easy.ranking' else ''}")
            con.execute(f"comment on table {table} is 'One row of {table}, it''s small.'")
            short = table.removeprefix("mart.")
            file = folder / "parquet" / f"{short}.parquet"
            con.execute(f"copy {table} to '{file}' (format parquet)")
            n_rows = con.execute(f"select count(*) from {table}").fetchall()[0][0]
            tables[short] = {"rows": n_rows, "parquet_sha256": sha256_of(file)}
    files = {p.relative_to(folder).as_posix(): sha256_of(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    run = {"data_vintage": "2021A", "method_version": "1", "started_at": f"2026-11-{name[-1]}1 10:00:00"}
    inputs = [{"source": "yearbook", "licence": licence, "files": []}]
    content = {"release": name, "is_synthetic": False, "run": run, "inputs": inputs, "tables": tables, "files": files}
    (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@dataclass
class Answers:
    """What a server does besides telling the truth: path -> how it lies. asked: every path that was asked."""

    lies: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


class Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, answers: Answers, **options: Any) -> None:
        self.answers = answers
        super().__init__(*args, **options)

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.answers.asked.append(path)
        lie = self.answers.lies.get(path)
        if lie is None:
            super().do_GET()
            return
        content = Path(self.translate_path(self.path)).read_bytes() if "bytes" not in lie else lie["bytes"]
        time.sleep(lie.get("pause", 0))
        self.send_response(lie.get("status", 200))
        for name, value in lie.get("head", {"Content-Length": len(content)}).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content[: lie.get("sent", len(content))])
        self.close_connection = True
        if lie.get("once"):
            del self.answers.lies[path]


@dataclass(frozen=True)
class Site:
    address: str
    folder: Path
    cache: Path
    answers: Answers

    def open(self, release: str | None = None, key: bytes | None = None, seconds: float = 5) -> Opened:
        return open_release(transport.Place(self.address, "nqpf/test", seconds), self.cache, release, key)

    def rows(self, query: str = LATEST, **options: Any) -> list[tuple[Any, ...]]:
        with connect(self.open(**options), query, {}) as con:
            return con.execute(query).fetchall()

    def table(self, name: str = "ranking", release: str = "2026.11.0") -> str:
        return f"releases/{release}/tables/easy/{name}.parquet"


@pytest.fixture
def site(house: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(transport, "PAUSE", 0.01)
    folder, answers = tmp_path / "web", Answers()
    export_web(house, folder, None, None, is_inside=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, answers=answers, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", folder, tmp_path / "cache", answers)
    server.shutdown()
    server.server_close()


def key_pair(folder: Path) -> tuple[Path, bytes]:
    key = Ed25519PrivateKey.generate()
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "key.pem"
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return file, key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_a_query_reads_only_the_tables_that_it_names_and_the_second_time_none(site: Site) -> None:
    assert site.rows() == [("合肥", 33.25)]
    assert [path for path in site.answers.asked if "tables" in path] == [site.table()]
    site.answers.asked.clear()
    assert site.rows() == [("合肥", 33.25)]
    assert site.answers.asked == ["channels.json", "latest.json"]


def test_the_cache_alone_answers_without_the_network(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.rows()
    site.answers.lies = {name: {"status": 503, "bytes": b""} for name in ("channels.json", "latest.json")}
    assert site.rows() == [("合肥", 33.25)]
    assert "read from the cache" in site.open().notes[0]
    site.answers.lies[site.table("gini")] = {"status": 503, "bytes": b""}
    with pytest.raises(Refusal, match=r"easy\.gini is not in the cache, and .*it answered 503"):
        site.rows("from gini")


def test_a_share_is_read_as_a_server_is(site: Site) -> None:
    on_share = Site(str(site.folder), site.folder, site.cache, site.answers)
    assert on_share.rows() == [("合肥", 33.25)]


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ({"sent": 40}, "the line was cut"),
        ({"head": {"Content-Length": 10_000_000}}, "the line was cut"),
        ({"bytes": b"x" * 5_000_000, "head": {}}, "gives other bytes than its manifest says"),
        ({"status": 404, "bytes": b"gone"}, "is not there, though the manifest names it"),
        ({"status": 403, "bytes": b"no"}, "answered 403: it is not open to this reader"),
        ({"status": 500, "bytes": b""}, r"it answered 500\), tried 3 times"),
        ({"status": 302, "bytes": b"", "head": {"Location": "http://elsewhere.example/x"}}, "sends the reader on to"),
        ({"status": 302, "bytes": b"", "head": {"Location": "/again"}}, "is not there|redirects again"),
        ({"pause": 1.5}, "no answer in time"),
    ],
)
def test_what_a_server_does_wrong_with_a_table_is_one_sentence_and_nothing_is_kept(
    site: Site, lie: Mapping[str, Any], sentence: str
) -> None:
    site.answers.lies[site.table()] = lie
    with pytest.raises(Refusal, match=sentence):
        site.rows(seconds=0.5)
    assert not [path for path in (site.cache / "files").rglob("*") if path.is_file()]
    site.answers.lies.clear()
    assert site.rows() == [("合肥", 33.25)]


def test_a_line_that_is_cut_once_is_read_again(site: Site) -> None:
    site.answers.lies[site.table()] = {"sent": 40, "once": True}
    assert site.rows() == [("合肥", 33.25)]


def test_one_changed_byte_is_seen_on_the_server_and_in_the_cache(site: Site) -> None:
    file = site.folder / site.table()
    content = bytearray(file.read_bytes())
    content[60] ^= 1
    site.answers.lies[site.table()] = {"bytes": bytes(content)}
    with pytest.raises(Refusal, match="changed or damaged"):
        site.rows()
    site.answers.lies.clear()
    site.rows()
    kept = next(path for path in (site.cache / "files").rglob("*") if path.is_file())
    kept.write_bytes(bytes(content))
    assert site.rows() == [("合肥", 33.25)]
    assert kept.read_bytes() == file.read_bytes()


def test_an_old_latest_json_is_refused_unless_what_was_seen_was_withdrawn(site: Site, house: Paths) -> None:
    old = (site.folder / "latest.json").read_bytes()
    make_release(house, "2026.11.1", " union all select 2022, '合肥', 35.0")
    export_web(house, site.folder, None, None, is_inside=False)
    assert site.open().release == "2026.11.1"
    site.answers.lies["latest.json"] = {"bytes": old}
    with pytest.raises(Refusal, match=r"names 2026\.11\.0, but 2026\.11\.1 was read from there before"):
        site.open()
    site.answers.lies.clear()
    manifest = house.releases / "2026.11.1" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(
        json.dumps({**content, "withdrawn": {"at": "2026-11-30", "why": "a wrong column"}}), encoding="utf-8"
    )
    export_web(house, site.folder, "2026.11.1", None, is_inside=False)
    assert site.open().release == "2026.11.0"
    assert site.open("2026.11.1").notes[0] == "Release 2026.11.1 was withdrawn: a wrong column."


def test_a_manifest_that_is_not_the_listed_one_is_refused(site: Site) -> None:
    path = "releases/2026.11.0/manifest.json"
    content = json.loads((site.folder / path).read_text(encoding="utf-8"))
    content["tables"]["easy.ranking"]["sha256"] = "0" * 64
    site.answers.lies[path] = {"bytes": json.dumps(content).encode()}
    with pytest.raises(Refusal, match="one of the two was altered"):
        site.open()
    site.answers.lies.clear()
    assert site.rows() == [("合肥", 33.25)]


@pytest.mark.parametrize("lie", [b"<html>Welcome</html>", b"[]", b'{"releases": [{"release": "../../etc"}]}'])
def test_a_page_that_is_no_list_is_refused(site: Site, lie: bytes) -> None:
    site.answers.lies["channels.json"] = {"bytes": lie}
    with pytest.raises(Refusal, match=r"no JSON object|lists no releases"):
        site.open()


def test_no_manifest_can_name_a_path_of_its_own(site: Site, house: Paths) -> None:
    opened = site.open()
    opened.manifest["tables"]["easy.x/../../../secret"] = {"sha256": "0" * 64, "bytes": 1}
    with pytest.raises(Refusal, match="states no sha256"):
        opened.fetched("easy.x/../../../secret")
    with pytest.raises(Refusal, match="is no name of a release"):
        site.open("../../etc")
    with connect(opened, "select 1", {}) as con, pytest.raises(duckdb.Error):
        con.execute(f"from read_parquet('{site.folder / site.table()}')")


def test_a_signature_is_asked_for_once_a_key_was_given(site: Site, house: Paths, tmp_path: Path) -> None:
    private, public = key_pair(tmp_path)
    with pytest.raises(Refusal, match="carries no signature"):
        site.open(key=public)
    export_web(house, site.folder, None, private, is_inside=False)
    assert site.open(key=public).notes == []
    assert site.open().notes == []  # the key is kept
    (tmp_path / "other").mkdir()
    _, other = key_pair(tmp_path / "other")
    shutil.rmtree(site.cache)
    with pytest.raises(Refusal, match="is not that of the key"):
        site.open(key=other)
    with pytest.raises(Refusal, match="no public Ed25519 key"):
        site.open(key=b"not a key")


def test_openssl_verifies_the_signature_too(site: Site, house: Paths, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    private, public = key_pair(tmp_path)
    export_web(house, site.folder, None, private, is_inside=False)
    manifest = site.folder / "releases" / "2026.11.0" / "manifest.json"
    (tmp_path / "key.pub.pem").write_bytes(public)
    decoded = ["openssl", "base64", "-d", "-in", f"{manifest}.sig", "-out", str(tmp_path / "sig")]
    subprocess.run(decoded, check=True)
    keys = ["-pubin", "-inkey", str(tmp_path / "key.pub.pem")]
    checked = [
        "openssl",
        "pkeyutl",
        "-verify",
        *keys,
        "-rawin",
        "-in",
        str(manifest),
        "-sigfile",
        str(tmp_path / "sig"),
    ]
    assert subprocess.run(checked, capture_output=True, check=False).returncode == 0


def test_a_version_is_written_once_and_never_changed(site: Site, house: Paths) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.folder.rglob("*") if path.is_file()}
    assert export_web(house, site.folder, None, None, is_inside=False) == ("2026.11.0", False)
    assert {path: path.stat().st_mtime_ns for path in site.folder.rglob("*") if path.is_file()} == before
    file = site.folder / site.table()
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(Refusal, match=r"other content \(tables/easy/ranking\.parquet\)\. A version never changes"):
        export_web(house, site.folder, None, None, is_inside=False)


def test_figures_without_a_licence_leave_the_house_only_when_it_is_said(house: Paths, tmp_path: Path) -> None:
    make_release(house, "2026.11.2", licence="none stated")
    with pytest.raises(Refusal, match=r"1 sources of 2026\.11\.2 state no licence \(yearbook\)"):
        export_web(house, tmp_path / "web", None, None, is_inside=False)
    assert not (tmp_path / "web").exists()
    assert export_web(house, tmp_path / "web", None, None, is_inside=True) == ("2026.11.2", True)


def test_a_table_in_the_whole_file_alone_is_said_and_the_whole_is_a_warehouse(site: Site) -> None:
    with pytest.raises(Refusal, match="stands in the whole file alone"):
        site.rows("from mart_long")
    folder = whole(site.open())
    assert sha256_of(folder / "published" / "city.duckdb") == sha256_of(
        site.folder / "releases" / "2026.11.0" / "city.duckdb"
    )
    assert whole(site.open()) == folder


def test_two_readers_at_once(site: Site) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: site.rows(), range(4))) == [[("合肥", 33.25)]] * 4
    assert not list(site.cache.rglob(".open-*"))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("from ranking", ["easy.ranking"]),
        ("with ranking as (select 1) from ranking", []),
        ("with ranking as (from easy.ranking) from ranking", ["easy.ranking"]),
        ("with ranking as (from ranking) from ranking", ["easy.ranking"]),
        ("with a as (from gini), gini as (select 1) from gini, a", ["easy.gini"]),
        ("with recursive gini as (select 1 n union all select n + 1 from gini where n < 3) from gini", []),
        ("select (select max(gini) from easy.gini) from dim_city", ["easy.gini", "mart.dim_city"]),
        ("select 1 where exists (from EASY.Ranking)", ["easy.ranking"]),
        ("describe ranking", ["easy.ranking"]),
        ("summarize mart.dim_city", ["mart.dim_city"]),
        ("pivot ranking on year using max(score_100)", ["easy.ranking"]),
        ("from gini; from ranking", ["easy.ranking", "easy.gini"]),
        ("select 'ranking' as gini", []),
        ("from nothing_of_ours", []),
    ],
)
def test_tables_that_a_query_reads(query: str, names: list[str]) -> None:
    with duckdb.connect() as con:
        assert tables_of(con, query, list(TABLES)) == names
