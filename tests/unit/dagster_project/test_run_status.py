"""How the end of a run is written down and told: last_run.json and the webhook."""

import datetime as dt
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dagster_project.run import status as run_status
from dagster_project.run.status import WEBHOOK, RunStatus, StepRecord, known_seconds, read_status, write_status

LOADED = StepRecord("ingest", "raw__load", "judge yearly loads", 2.345, True)
STEPS = [LOADED, StepRecord("rebuild", "py_index", "weights and scores", 3.0, False)]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.headers["Content-Type"], json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(self.server.answer)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


def listen(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv(WEBHOOK, f"http://127.0.0.1:{port}/hook?token=secret")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def receiver(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.taken, server.answer = [], 204
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    listen(monkeypatch, server.server_port)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def raw_server(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        listen(monkeypatch, server.getsockname()[1])
        yield server


@pytest.fixture(autouse=True)
def no_webhook(monkeypatch):
    monkeypatch.delenv(WEBHOOK, raising=False)


def ended(tmp_path, **changes):
    steps, started = STEPS, dt.datetime(2026, 1, 15, 6, 0, tzinfo=dt.UTC)
    fields = {"status": "refused", "exit_code": 3, "started": started, "seconds": 12.34, "release": "2026.1.0"}
    fields |= {"message": ["合肥市 2021: too large"], "warehouse": tmp_path, "steps": steps}
    return RunStatus(**{**fields, **changes})


def test_all_of_it_is_written_and_read_back_and_only_the_finished_file_is_ever_there(tmp_path):
    for exit_code in (0, 3):
        assert write_status(tmp_path, ended(tmp_path, exit_code=exit_code)) == []
        assert [file.name for file in tmp_path.iterdir()] == ["last_run.json"]
    content = read_status(tmp_path)
    expected = {"job": "nqpf refresh", "status": "refused", "exit_code": 3, "started": "2026-01-15T06:00:00+00:00"}
    expected |= {"seconds": 12.3, "release": "2026.1.0", "message": ["合肥市 2021: too large"]}
    assert {key: content[key] for key in expected} == expected
    steps = [(step["step"], step["seconds"], step["passed"]) for step in content["steps"]]
    assert steps == [("raw__load", 2.35, True), ("py_index", 3.0, False)]


def test_seconds_of_steps_that_a_run_did_not_reach_are_kept_for_the_next_estimate(tmp_path):
    write_status(tmp_path, ended(tmp_path, steps=[StepRecord("rebuild", "py_index", "", 7.0, True)]))
    write_status(tmp_path, ended(tmp_path))  # py_index failed after 3 s: that says nothing about how long it takes
    assert known_seconds(tmp_path) == {"rebuild/py_index": 7.0, "ingest/raw__load": 2.35}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"step_seconds": 3}'])
def test_a_file_that_is_none_is_nothing_known_and_in_place_of_the_folder_a_warning(tmp_path, text):
    (tmp_path / "last_run.json").write_text(text, encoding="utf-8")
    assert known_seconds(tmp_path) == {}
    (warning,) = write_status(tmp_path / "last_run.json", ended(tmp_path))
    assert "could not be written" in warning


def test_the_webhook_gets_the_same_content_and_its_refusal_is_a_warning_that_keeps_its_secret(tmp_path, receiver):
    assert write_status(tmp_path, ended(tmp_path)) == []
    ((kind, sent),) = receiver.taken  # type: ignore[attr-defined]
    assert kind == "application/json; charset=utf-8"
    assert sent == ended(tmp_path).content()
    assert "step_seconds" not in sent
    receiver.answer = 500  # type: ignore[attr-defined]
    (warning,) = write_status(tmp_path, ended(tmp_path))
    assert "it answered 500" in warning
    assert "secret" not in warning
    assert read_status(tmp_path)["status"] == "refused"


HOSTILE = {
    "garbage": b"\x00\xff\x00 not http at all\r\n\r\n",
    "a status line of 70 kB": b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n",
    "two hundred headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"h%d: 1\r\n" % n for n in range(200)) + b"\r\n",
    "a redirect elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://localhost:9/secret\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_broken_server_answers_is_one_warning_without_the_secret(tmp_path, raw_server, answer):
    def speak() -> None:
        line, _ = raw_server.accept()
        with line:
            line.recv(65536)
            line.sendall(answer)

    thread = threading.Thread(target=speak)
    thread.start()
    warnings = write_status(tmp_path, ended(tmp_path))
    thread.join()
    assert len(warnings) == 1
    assert "secret" not in warnings[0]
    assert "could not be sent" in warnings[0]


def test_a_server_that_drips_does_not_hold_the_run_up(tmp_path, raw_server, monkeypatch):
    monkeypatch.setattr(run_status, "WEBHOOK_SECONDS", 0.5)
    done = threading.Event()

    def drip() -> None:
        line, _ = raw_server.accept()
        with line:
            while not done.wait(0.1):  # says nothing, then one byte after the other
                try:
                    line.sendall(b"a")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        (warning,) = write_status(tmp_path, ended(tmp_path))
    finally:
        done.set()
        thread.join()
    assert "did not answer within" in warning


MALFORMED = ("host name/secret", "host:port/secret", "host/\x07secret", "[::1/secret", "/secret")


@pytest.mark.parametrize("address", MALFORMED)
def test_a_malformed_address_is_a_warning_that_does_not_print_it(tmp_path, monkeypatch, address):
    monkeypatch.setenv(WEBHOOK, f"http://{address}")
    (warning,) = write_status(tmp_path, ended(tmp_path))
    assert "secret" not in warning
    assert "not a valid address" in warning
