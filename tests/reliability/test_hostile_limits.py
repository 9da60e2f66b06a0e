"""Memory and time of reading one file are limited from outside, whatever a parser does; the limits are settings."""

import contextlib
import io
import os
import time
import zipfile

import hostile_workbooks as hostile
import pytest
from hostile_workbooks import workbook

from dagster_project.ingest import IngestError
from dagster_project.ingest.apart import apart, reading_process
from dagster_project.ingest.limits import MEMORY, SECONDS, Limits
from dagster_project.ingest.workbook import read_sheets

NORMAL = Limits()


def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_one_read():
    with pytest.raises(IngestError, match=rf"takes more than 1,024 MB of memory \[f\]\. .*{MEMORY}"):
        apart(bytearray, 3 << 30, where="f", limits=NORMAL)
    assert apart(sum, [1, 2], where="f", limits=NORMAL) == 3


def test_a_file_that_takes_too_long_is_refused_and_the_next_one_read():
    started = time.monotonic()
    with pytest.raises(IngestError, match=rf"takes more than 1 seconds \[f\]\. .*{SECONDS}"):
        apart(time.sleep, 60, where="f", limits=Limits(seconds=1))
    assert time.monotonic() - started < 10
    assert apart(sum, [1, 2], where="f", limits=NORMAL) == 3


def test_a_reader_that_breaks_off_is_an_error_in_words():
    with pytest.raises(IngestError, match=r"the reader failed \(SIGABRT\) \[f\]"):
        apart(os.abort, where="f", limits=NORMAL)
    with pytest.raises(IngestError, match=r"the reader failed \(ZeroDivisionError"):
        apart(divmod, 1, 0, where="f", limits=NORMAL)
    assert apart(sum, [1, 2], where="f", limits=NORMAL) == 3


def test_one_process_reads_one_file_after_the_other():
    apart(sum, [1], where="f", limits=NORMAL)
    before = reading_process()
    apart(sum, [2], where="f", limits=NORMAL)
    assert reading_process() == before != os.getpid()


def test_the_limits_are_settings(monkeypatch, tmp_path):
    assert (NORMAL.memory_mb, NORMAL.seconds) == (1024, 60)
    monkeypatch.setenv(MEMORY, "300")
    monkeypatch.setenv(SECONDS, "5")
    assert (Limits().memory_mb, Limits.for_layout("long").seconds) == (300, 5)
    (tmp_path / "a.csv").write_text("城市,v\n北京市,1\n", encoding="utf-8")
    assert read_sheets(tmp_path / "a.csv")[0].text.tolist() == ["城市", "v", "北京市", "1"]
    with pytest.raises(IngestError, match="takes more than 300 MB"):
        apart(bytearray, 400 << 20, where="f", limits=Limits())
    for wrong in ("0", "-1", "many", "1.5"):
        monkeypatch.setenv(SECONDS, wrong)
        with pytest.raises(IngestError, match=rf"{SECONDS} is '{wrong}' \[environment\]\. It must be a whole number"):
            Limits()


@pytest.mark.parametrize("part", [hostile.BOOK, hostile.RELATIONS, hostile.STRINGS, hostile.STYLES, hostile.SHEET])
@pytest.mark.parametrize("declaration", [hostile.LAUGHS, hostile.XXE])
def test_no_entity_is_ever_unfolded_or_fetched(tmp_path, part, declaration):
    parts = hostile.unzip(workbook()[0])
    at = parts[part].index(b"?>") + 2
    parts[part] = parts[part][:at] + declaration + parts[part][at:]
    (tmp_path / "a.xlsx").write_bytes(hostile.rezip(parts))
    with pytest.raises(IngestError, match="a document type declaration, which may define entities"):
        read_sheets(tmp_path / "a.xlsx")


@pytest.mark.slow
@pytest.mark.parametrize("part", [hostile.STRINGS, hostile.SHEET, "xl/media/zeros"])
def test_a_zip_bomb_of_almost_the_limit_stays_within_memory_and_time(tmp_path, part):
    """480 MB of sound XML from half a megabyte: refused or read, but never more than a minute and a gigabyte."""
    parts = hostile.unzip(workbook()[0])
    filler, end = {
        hostile.STRINGS: (b"<si><t>aaaaaaaaaaaaaaaaaaaaaaaaaaaa</t></si>", b"</sst>"),
        hostile.SHEET: (b"<row><c/><c/><c/><c/><c/><c/><c/></row>", b"</sheetData>"),
        "xl/media/zeros": (b"\0" * 40, b""),
    }[part]
    filler *= 480_000_000 // len(filler)
    old = parts.get(part, b"")
    cut = old.rindex(end) if end else 0
    path = tmp_path / "a.xlsx"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            if name != part:
                archive.writestr(name, data)
        archive.writestr(part, old[:cut] + filler + old[cut:])
    path.write_bytes(stream.getvalue())
    started = time.monotonic()
    with contextlib.suppress(IngestError):
        read_sheets(path)
    assert time.monotonic() - started < 66
