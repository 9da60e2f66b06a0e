"""Mutated landing files: an error in words or the right cells; never a traceback, never a cell silently different.

The campaign draws mutations of small honest files of every kind (`hostile_workbooks`, `hostile_flat`) and reads them
the way a refresh does. Its short form is part of the quick tests, the long one of the slow ones.
"""

import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import hostile_flat
import hostile_workbooks as hostile
import pytest
from hostile_workbooks import LONG, cells_of, csv, old_workbook, stata, workbook

from dagster_project.files import sha256_of
from dagster_project.ingest import IngestError, Sidecar, read_load
from dagster_project.ingest.apart import reading_process
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.sidecar import LandingFile
from dagster_project.ingest.workbook import read_sheets

BROKE_OFF = re.compile("the reader failed")


@dataclass
class Tally:
    """What became of the mutants."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    most_seconds: float = 0.0
    most_mb: int = 0


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    return {"xlsx": workbook(), "xls": old_workbook(folder), "dta": stata(folder)}


def cells(sheets):
    return {
        (sheet.name, int(row), int(col)): text
        for sheet in sheets
        for row, col, text in zip(sheet.row_no, sheet.col_no, sheet.text, strict=True)
    }


def sidecar_of(path):
    is_long = path.suffix in (".csv", ".dta")
    city, year = ("city", "year") if path.suffix == ".dta" else ("城市", "年份")
    return Sidecar(
        path=path.with_suffix(".yml"),
        source="hostile",
        layout="long" if is_long else "wide",
        files=(LandingFile(path.name, sha256_of(path)),),
        producer="p",
        title="t",
        licence="l",
        accessed="2026-11-01",
        maturity="final",
        is_synthetic=True,
        data_year=0 if is_long else 2019,
        keys=(("city", city), ("year", year)) if is_long else (),
    )


def mutants(originals, numbers):
    """Number, kind of file, mutant; each number draws its own."""
    for number in numbers:
        rng = random.Random(number)
        kind = rng.choices(["xlsx", "csv", "xls", "dta"], [60, 25, 8, 7])[0]
        if kind == "csv":
            yield number, kind, hostile_flat.mutant_csv(rng)
        else:
            make = hostile.mutant if kind == "xlsx" else hostile_flat.mutant_binary
            yield number, kind, make(*originals[kind], rng)


def judge(kind, mutant, path, tally):
    """The outcome for one mutant, or what is wrong about it."""
    path.write_bytes(mutant.content)
    started = time.monotonic()
    try:
        found = cells(read_sheets(path))
    except IngestError as error:
        if not (error.where and error.remedy and str(error).isprintable()):
            return f"an error without place or remedy: {error}"
        if not mutant.may_refuse:
            return f"wrongly refused: {error}"
        if kind == "xlsx" and BROKE_OFF.search(str(error)):
            return f"the guard let it through to the library: {error}"
        return "refused"
    finally:
        tally.most_seconds = max(tally.most_seconds, time.monotonic() - started)
        tally.most_mb = max(tally.most_mb, peak_mb())
    if not any(is_right(found, allowed, mutant.kind) for allowed in mutant.allowed):
        truth = mutant.allowed[0] if mutant.allowed else {}
        return f"silently different: {sorted(set(found.items()) ^ set(truth.items()))[:3]}"
    return land(path, found)


def is_right(found, allowed, kind):
    if allowed is hostile_flat.ANYTHING:
        return True
    is_partial = kind.startswith("csv") and ("changed" in kind or "cut" in kind)
    return allowed.items() <= found.items() if is_partial else allowed == found


def land(path, found):
    """The same file by its sidecar, as a refresh reads it: the same cells or an error in words."""
    try:
        load = read_load(sidecar_of(path), path.parent)
    except IngestError as error:
        return "read, not landed" if error.where and error.remedy else f"an error without place or remedy: {error}"
    columns = load.cells[["sheet", "row_no", "col_no", "text"]]
    landed = {(sheet, row, col): text for sheet, row, col, text in columns.itertuples(index=False)}
    return "landed" if landed.items() <= found.items() else "landed otherwise than read"


def peak_mb():
    """The most memory that the reading process has had; 0 when it has just been replaced."""
    pid = reading_process()
    status = Path(f"/proc/{pid}/status")
    if pid is None or not status.exists():
        return 0
    found = re.search(r"VmHWM:\s*(\d+)", status.read_text())
    return int(found[1]) >> 10 if found else 0


def campaign(originals, numbers, folder):
    tally = Tally()
    for number, kind, mutant in mutants(originals, numbers):
        outcome = judge(kind, mutant, folder / f"m.{kind}", tally)
        if outcome in ("refused", "landed", "read, not landed"):
            tally.outcomes[outcome] += 1
        else:
            tally.faults.append(f"{number} {kind}, {mutant.kind}: {outcome}")
    return tally


def test_the_originals_are_read_as_they_are(originals, tmp_path):
    for kind, (content, truth) in originals.items():
        (tmp_path / f"a.{kind}").write_bytes(content)
        assert cells(read_sheets(tmp_path / f"a.{kind}")) == truth
        assert land(tmp_path / f"a.{kind}", truth) == "landed"
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        (tmp_path / "a.csv").write_bytes(csv(encoding)[0])
        assert cells(read_sheets(tmp_path / "a.csv")) == cells_of(LONG)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("numbers", [range(300), pytest.param(range(1_000, 11_000), marks=pytest.mark.slow)], ids=len)
def test_mutated_files_are_refused_in_words_or_read_right(originals, tmp_path, capsys, numbers):
    tally = campaign(originals, numbers, tmp_path)
    with capsys.disabled():
        print(f"\n{dict(tally.outcomes)}, at most {tally.most_seconds:.1f} s and {tally.most_mb} MB a file")
    assert not tally.faults
    assert sum(tally.outcomes.values()) == len(numbers)
    assert min(tally.outcomes["refused"], tally.outcomes["landed"]) > 50
    assert tally.most_seconds < 60
    assert tally.most_mb < 1024


@pytest.mark.parametrize("kind", sorted(hostile.WRONG))
def test_what_a_sheet_must_not_hold_is_refused(originals, tmp_path, kind):
    mutant = hostile.wrong_in_sheet(*originals["xlsx"], random.Random(1), kind)
    assert judge("xlsx", mutant, tmp_path / "a.xlsx", Tally()) == "refused"


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        (hostile.BOOK, b'sheet name="', b'sheet nme="'),
        (hostile.BOOK, 'name="续表"'.encode(), 'name="数据"'.encode()),
        (hostile.BOOK, b'r:id="rId2"', b'r:id="rId1"'),
        (hostile.BOOK, b"<sheet name=", b"<zheet name="),
        (hostile.BOOK, b"officeDocument/2006/relationships", b"officeDocument/2006/reLationships"),
        (hostile.BOOK, b"officeDocument/2006/relationships", b"officeDocument}2006/relationships"),
        (hostile.STYLES, b'<cellXfs count="2"><xf', b'<cellXfs count="2"><xd'),
        (hostile.STYLES, b'<xf numFmtId="164"', b'<xf numFmtId="=64"'),
        (hostile.STYLES, b'<numFmt numFmtId="164"', b'<numFmt numFmtId="165"'),
        (hostile.RELATIONS, b"worksheets/sheet2.xml", b"worksheets/sheet3.xml"),
        (hostile.STRINGS, b"spreadsheetml/2006/main", b"spreadsheetml/2006/mein"),
    ],
)
def test_what_the_other_parts_must_not_hold_is_refused(originals, tmp_path, part, old, new):
    """A sheet without name, twice, or not there; a format that is none: a day would come out as a number."""
    original = originals["xlsx"][0]
    assert old in hostile.unzip(original)[part]
    content = hostile.with_part(original, part, lambda data: data.replace(old, new))
    assert judge("xlsx", hostile.Mutant("one part wrong", content, []), tmp_path / "a.xlsx", Tally()) == "refused"


@pytest.mark.parametrize("kind", sorted(hostile.LOST))
def test_a_value_that_the_file_does_not_hold_is_seen(originals, tmp_path, kind):
    """Neither blank nor 0: the gate then names the cell as no number."""
    mutant = hostile.lost_values(*originals["xlsx"], random.Random(1), kind)
    assert judge("xlsx", mutant, tmp_path / "a.xlsx", Tally()) == "landed"


def test_a_result_of_zero_counts_where_formulas_were_worked_out(originals, tmp_path):
    """Excel itself stores results; only writers that leave them to Excel ask it to work all of them out on opening."""
    original, truth = originals["xlsx"]
    original = hostile.with_part(original, hostile.BOOK, lambda book: book.replace(b' fullCalcOnLoad="1"', b""))
    zero = b"<f>B1-B1</f><v>0</v>"
    content = hostile.with_part(original, hostile.SHEET, lambda sheet: sheet.replace(b"<v>1397</v>", zero))
    (tmp_path / "a.xlsx").write_bytes(content)
    assert cells(read_sheets(tmp_path / "a.xlsx")) == {**truth, ("数据", 4, 3): "0"}


def test_a_csv_that_mixes_encodings_says_where(tmp_path):
    lines = ["city,v", "大同市太原市,1", "天津,2", "吉林市长春市,3"]
    content = b"\n".join(line.encode("gb18030" if at == 2 else "utf-8") for at, line in enumerate(lines))
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(IngestError, match=r"mixes UTF-8 with another encoding \[.*line 2 is UTF-8"):
        read_sheets(tmp_path / "a.csv")


def test_a_million_empty_rows_change_nothing(originals, tmp_path):
    original, truth = originals["xlsx"]
    rows = b"".join(b'<row r="%d"/>' % number for number in range(100, 1_000_100)) + b"</sheetData>"
    content = hostile.with_part(original, hostile.SHEET, lambda sheet: sheet.replace(b"</sheetData>", rows))
    (tmp_path / "a.xlsx").write_bytes(content)
    assert cells(read_sheets(tmp_path / "a.xlsx", limits=Limits.for_layout("wide"))) == truth
