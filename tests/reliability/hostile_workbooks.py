"""Small honest files, one of each kind that is landed, with the cells that they hold; and mutations of the .xlsx.

A mutation gives bytes and a verdict: the cells that are allowed, or that the file must be refused. Flipped bytes inside
an XML part make another, possibly honest file: for them the truth is a strict reading of the changed part by the rules
of the format (`strict_cells`), written here once more with the XML library of Python and nothing of the reader.
"""

import datetime as dt
import io
import re
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_cell_to_rowcol

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "ingest"))

from old_excel import write_xls

type Cells = dict[tuple[str, int, int], str]  # (sheet, row, column) -> text

CITIES = [
    *(("北京市", "Beijing"), ("天津市", "Tianjin"), ("石家庄市", "Shijiazhuang")),
    *(("唐山市", "Tangshan"), ("吉林市", "Jilin"), ("拉萨市", "Lhasa")),
]
LONG: list[list[object]] = [["城市", "年份", "地区生产总值（亿元）", "户数"]] + [
    [name, year, round(1000.37 * (at + 1) + year, 2), 12345 + 17 * at]
    for at, (name, _) in enumerate(CITIES)
    for year in (2018, 2019)
]
WIDE: list[list[object]] = [
    ["2019年地级以上城市数据", None, "2-1 人口", None, "2-2 经济", None],
    ["城市", "City", "户籍人口（万人）", None, "地区生产总值（亿元）", "备注"],
    [None, None, "全市", "市辖区", "全市", None],
    *(
        [zh, en, 1397 + at, round(1397.5 + 0.37 * at, 2), round(35371.3 * (at + 1), 1), None]
        for at, (zh, en) in enumerate(CITIES)
    ),
]
DAY, NOTE_ROW = dt.date(2020, 2, 29), 12


def cells_of(rows, sheet=""):
    return {
        (sheet, row, col): str(value)
        for row, values in enumerate(rows, 1)
        for col, value in enumerate(values, 1)
        if value is not None
    }


def workbook():
    """Two printed sheets with merged headers, texts, numbers and a formatted day below the table."""
    stream = io.BytesIO()
    truth: Cells = {}
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name in ("数据", "续表"):
            sheet = book.add_worksheet(name)
            sheet.merge_range("A2:A3", "")
            sheet.merge_range("C1:D1", "")
            sheet.merge_range("C2:D2", "")
            for row, values in enumerate(WIDE):
                for col, value in enumerate(values):
                    if value is not None:
                        sheet.write(row, col, value)
            sheet.write_datetime(NOTE_ROW - 1, 2, dt.datetime(DAY.year, DAY.month, DAY.day), day)
            truth |= cells_of(WIDE, name) | {(name, NOTE_ROW, 3): DAY.isoformat()}
    return stream.getvalue(), truth


def csv(encoding):
    text = "\r\n".join(",".join(str(value) for value in row) for row in LONG) + "\r\n"
    return text.encode(encoding), cells_of(LONG)


def old_workbook(folder):
    path = write_xls(folder / "original.xls", {"S": (WIDE, [(1, 2, 0, 0), (0, 0, 2, 3)])})
    return path.read_bytes(), cells_of(WIDE, "S")


def stata(folder):
    rows = [["city", "year", "gdp", "households"], *LONG[1:]]
    path = folder / "original.dta"
    pd.DataFrame(rows[1:], columns=rows[0]).to_stata(path, write_index=False, version=118)
    return path.read_bytes(), cells_of(rows)


# ---- mutations of the workbook -----------------------------------------------------------------------------


NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
SHEET, STRINGS, STYLES, BOOK = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"
TYPES, RELATIONS = "[Content_Types].xml", "xl/_rels/workbook.xml.rels"
LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]>"
)
XXE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
HOSTILE_TEXTS = [
    *("'; drop table raw.cells; --", "=cmd|'/c calc'!A1", "+1+1", "@SUM(A1)", "<script>alert(1)</script>"),
    *("{{ 7 * 7 }}", "${jndi:ldap://x}", "北京\u200b市", "\u202e市京北", "\ufeff天津市", "a\u0301"),
    *("../../etc/passwd", "%s%n", "[red]x[/]", "\U0001f600", "N/A", "null", "1e999"),
]
WRONG = {
    "shared string out of range": (b't="s"><v>0</v>', b't="s"><v>9999</v>'),
    "shared string below 0": (b't="s"><v>0</v>', b't="s"><v>-1</v>'),
    "format out of range": (b'<c r="C5"', b'<c r="C5" s="99"'),
    "format is no number": (b'<c r="C5"', b'<c r="C5" s="x"'),
    "other namespace": (b"spreadsheetml/2006/main", b"spreadsheetml/2006/mein"),
    "shared string is no number": (b't="s"><v>0</v>', b't="s"><v>x</v>'),
    "merged ranges overlap": (b'<mergeCell ref="C1:D1"/>', b'<mergeCell ref="C1:D1"/><mergeCell ref="D1:E2"/>'),
    "cell twice": (b'<c r="C5"', b'<c r="C5"><v>77</v></c><c r="C5"'),
    "row twice": (b'<row r="5"', b'<row r="5"><c r="C5"><v>77</v></c></row><row r="5"'),
    "cell in another row": (b'<c r="C5"', b'<c r="C6"'),
    "cell at no address": (b'<c r="C5"', b'<c r="5C"'),
    "cell out of the grid": (b'<c r="D5"', b'<c r="XFE5"'),
    "row out of the grid": (b'<row r="12"', b'<row r="1048577"'),
    "cells far away": (b"</sheetData>", b'<row r="20000"><c r="XFD20000"><v>1</v></c></row></sheetData>'),
    "tags in a comment": (b"<sheetData>", b'<sheetData><!-- <row r="1"><c r="A1"/></row> -->'),
    "CDATA": (b"<v>1397</v>", b"<v><![CDATA[1397]]></v>"),
    "unknown entity": (b"<v>1397</v>", b"<v>&x;1397</v>"),
    "lone surrogate": (b"<v>1397</v>", b"<v>&#xD800;</v>"),
    "zero byte": (b"<v>1397</v>", b"<v>13\x0097</v>"),
    "two values": (b"<v>1397</v>", b"<v>1397</v><v>1398</v>"),
    "sheet in latin-1": (b"UTF-8", b"ISO-8859-1"),
    "entities within entities": (b"<worksheet ", LAUGHS + b"<worksheet "),
    "external entity": (b"<worksheet ", XXE + b"<worksheet "),
}
LOST = {
    "formula without result": (b"<f>B1+1</f>", "#FORMULA"),
    "formula with empty result": (b"<f>B1+1</f><v></v>", "#FORMULA"),
    "formula never worked out": (b"<f>B1+1</f><v>0</v>", "#FORMULA"),
    "array formula": (b'<f t="array" ref="C4"/>', "#FORMULA"),
    "not a number": (b"<v>NaN</v>", "#ERROR"),
    "a number with a letter": (b"<v>13x97</v>", "13x97"),
}


class Malformed(Exception):
    """Not a workbook by the rules: the reader must refuse it (or not have needed what is broken)."""


class Mutant(NamedTuple):
    """kind: what was done; allowed: readings that are right; an empty list: it must be refused."""

    kind: str
    content: bytes
    allowed: list[Cells]
    may_refuse: bool = True


def unzip(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezip(parts, also=()):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*parts.items(), *also]:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def with_part(original, name, change):
    """The workbook with one part changed: change(bytes) gives the new ones."""
    parts = unzip(original)
    return rezip({**parts, name: change(parts[name])})


def mutant(original, truth, rng):
    """One mutation, the kind and the place drawn by rng."""
    return rng.choices([*KINDS], [*KINDS.values()])[0](original, truth, rng)


# ---- the container -------------------------------------------------------------------------------------------------


def flip_container(original, truth, rng):
    data = bytearray(original)
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    return Mutant("bytes flipped in the zip", bytes(data), [truth])


def cut(original, truth, rng):
    a, b = sorted(rng.randrange(len(original)) for _ in range(2))
    how = rng.choice(["cut short", "piece lost", "piece twice", "garbage behind", "garbage before"])
    data = {
        "cut short": original[:a],
        "piece lost": original[:a] + original[b:],
        "piece twice": original[:b] + original[a:],
        "garbage behind": original + rng.randbytes(rng.randrange(1, 5000)),
        "garbage before": original[:4] + rng.randbytes(rng.randrange(1, 500)) + original,
    }[how]
    return Mutant(f"zip: {how}", data or b"PK", [truth])


def lose_part(original, truth, rng):
    parts = unzip(original)
    name = rng.choice(sorted(parts))
    del parts[name]
    return Mutant(f"part removed: {name}", rezip(parts), [truth])


def two_parts_of_one_name(original, truth, rng):
    parts = unzip(original)
    name = rng.choice([SHEET, STRINGS, BOOK])
    changed = parts[name].replace(b"1397", b"9999").replace("北京市".encode(), "南京市".encode())
    return Mutant("one part twice", rezip(parts, [(rng.choice([name, name.upper()]), changed)]), [])


LINK = (
    b'<Relationship Id="rId77" Type="http://x/externalLink" Target="http://192.0.2.1/x.xlsx" TargetMode="External"/>'
    b"</Relationships>"
)


def extra_parts(original, truth, rng):
    parts = unzip(original)
    how = rng.choice(["macros", "external link", "nested zip", "many parts", "huge part"])
    if how == "many parts":
        return Mutant(how, rezip(parts, [(f"xl/media/{n}", b"") for n in range(10_001)]), [])
    if how == "huge part":
        is_true = rng.random() < 0.02
        zeros = [("xl/media/zeros", b"\0" * 520_000_000)] if is_true else []
        return Mutant(how, rezip(parts, zeros) if is_true else _lying_size(rezip(parts), rng), [])
    if how == "macros":
        parts["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0" + rng.randbytes(2000)
        parts[TYPES] = parts[TYPES].replace(b"spreadsheetml.sheet.main", b"ms-excel.sheet.macroEnabled.main")
    elif how == "external link":
        parts["xl/externalLinks/externalLink1.xml"] = b'<externalLink xmlns="x"><ddeLink/></externalLink>'
        parts[RELATIONS] = parts[RELATIONS].replace(b"</Relationships>", LINK)
    else:
        parts["xl/embeddings/inner.zip"] = rezip({f"{n}.zip": rezip({"x": b"\0" * 10**6}) for n in range(3)})
    return Mutant(how, rezip(parts), [truth], may_refuse=False)


def _lying_size(content, rng):
    """The directory says that a part unpacks to gigabytes."""
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 24] + rng.randrange(600_000_000, 4_000_000_000).to_bytes(4, "little") + content[at + 28 :]


# ---- the XML ---------------------------------------------------------------------------------------------------------


def flip_xml(original, truth, rng):
    parts = unzip(original)
    name = rng.choice([SHEET, SHEET, SHEET, STRINGS, STRINGS, STYLES, BOOK, RELATIONS])
    data = bytearray(parts[name])
    for _ in range(rng.choice([1, 1, 2, 3])):
        how, at = rng.choice(["flip", "flip", "lose", "twice", "letter"]), rng.randrange(len(data))
        if how == "flip":
            data[at] ^= 1 << rng.randrange(8)
        elif how == "letter":
            data[at] = rng.choice(b'<>/"=&0123456789AZrstcv ')
        elif how == "lose":
            del data[at : at + rng.choice([1, 1, 5, 40])]
        else:
            data[at:at] = data[at : at + rng.choice([1, 5, 40])]
    parts[name] = bytes(data)
    return Mutant(f"XML changed: {name}", rezip(parts), [truth, *strict_readings(parts)])


def wrong_in_sheet(original, truth, rng, kind=""):
    """Things that a sheet must not hold: refused, never guessed at."""
    kind = kind or rng.choice(sorted(WRONG))
    old, new = WRONG[kind]
    assert old in unzip(original)[SHEET], kind
    return Mutant(kind, with_part(original, SHEET, lambda sheet: sheet.replace(old, new, 1)), [])


def wrong_in_other_part(original, truth, rng):
    name = rng.choice([STRINGS, BOOK, RELATIONS, STYLES])
    how = rng.choice(["entities", "external entity", "UTF-16", "cut", "empty"])

    def change(data):
        at = data.index(b"?>") + 2
        return {
            "entities": data[:at] + LAUGHS + data[at:].replace(b"</t>", b"&j;</t>", 1),
            "external entity": data[:at] + XXE + data[at:].replace(b"</t>", b"&a;</t>", 1),
            "UTF-16": data.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
            "cut": data[: len(data) // 2],
            "empty": b"",
        }[how]

    return Mutant(f"{how} in {name}", with_part(original, name, change), [])


def harmless_in_sheet(original, truth, rng):
    """Things that change no value; a comment is refused wherever it stands in a sheet."""
    kinds = ["hidden sheet", "absurd dimension", "formula with result", "empty rows", "empty cells", "comment"]
    kind = rng.choice(kinds)
    state = rng.choice([b"hidden", b"veryHidden"])
    dimension = rng.choice([b"A1", b"A1:XFD1048576", b"ZZZ99:A1", b"", b"x", b"A0:B-1"])
    last = 1_000_000 if rng.random() < 0.02 else 5000
    if kind == "hidden sheet":
        old, new = b'sheetId="2"', b'sheetId="2" state="%s"' % state
    elif kind == "absurd dimension":
        (old,) = re.findall(rb'<dimension ref="[^"]*"', unzip(original)[SHEET])
        new = b'<dimension ref="%s"' % dimension
    elif kind == "formula with result":
        old, new = b"<v>1397</v>", b"<f>[1]Sheet1!A1+1&gt;2</f><v>1397</v>"
    elif kind == "empty rows":
        old, new = b"</sheetData>", b"".join(b'<row r="%d"/>' % n for n in range(100, last)) + b"</sheetData>"
    elif kind == "empty cells":
        row = b'<row r="%d"><c r="A%d" s="1"/><c r="XFD%d" s="1"/></row>'
        old, new = b"</sheetData>", b"".join(row % (n, n, n) for n in range(100, 400)) + b"</sheetData>"
    else:
        old, new = b"<sheetData>", b"<!-- nothing --><sheetData>"
    part = BOOK if kind == "hidden sheet" else SHEET
    content = with_part(original, part, lambda data: data.replace(old, new))
    return Mutant(kind, content, [truth], may_refuse=kind in ("absurd dimension", "comment"))


def lost_values(original, truth, rng, kind=""):
    """A formula without result, an error, a number that is none: seen as such, not as a blank or as 0."""
    kind = kind or rng.choice(sorted(LOST))
    new, mark = LOST[kind]
    content = with_part(original, SHEET, lambda sheet: sheet.replace(b"<v>1397</v>", new, 1))
    return Mutant(kind, content, [{**truth, ("数据", 4, 3): mark}], may_refuse=mark != "#FORMULA")


def hostile_text(original, truth, rng):
    """The name of a city, a header or a sheet is an attack: it comes out as it stands."""
    text, old = rng.choice(HOSTILE_TEXTS), rng.choice(["北京市", "市辖区", "2-1 人口"])
    new = b' xml:space="preserve">%s<' % escape(text).encode()
    content = with_part(original, STRINGS, lambda strings: strings.replace(b">%s<" % old.encode(), new))
    changed = {at: text if value == old else value for at, value in truth.items()}
    return Mutant("hostile text", content, [changed], may_refuse=False)


# mutation -> how often it is drawn
KINDS = {flip_container: 25, cut: 12, lose_part: 5, two_parts_of_one_name: 3, extra_parts: 6, flip_xml: 40}
KINDS |= {wrong_in_sheet: 14, wrong_in_other_part: 6, harmless_in_sheet: 6, lost_values: 4, hostile_text: 5}


# ---- a strict reading ----------------------------------------------------------------------------------------------


def strict_readings(parts):
    """What the file says by the rules, or nothing when it breaks them; a day may also stand as its number."""
    try:
        return [strict_cells(parts, dates=True), strict_cells(parts, dates=False)]
    except (Malformed, ElementTree.ParseError, LookupError, ValueError, OverflowError):
        return []


def strict_cells(parts, *, dates):
    targets = {r.get("Id"): r.attrib["Target"] for r in ElementTree.fromstring(parts[RELATIONS])}
    items = ElementTree.fromstring(parts[STRINGS]).iter(f"{NS}si")
    strings = ["".join(t.text or "" for t in item.iter(f"{NS}t")) for item in items]
    styles = ElementTree.fromstring(parts[STYLES])
    formats = [xf.get("numFmtId") for xf in styles.findall(f"{NS}cellXfs/{NS}xf")]
    cells: Cells = {}
    relation = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    for sheet in ElementTree.fromstring(parts[BOOK]).iter(f"{NS}sheet"):
        tree = ElementTree.fromstring(parts["xl/" + targets[sheet.attrib[relation]]])
        row_no = 0
        for row in tree.findall(f"{NS}sheetData/{NS}row"):
            row_no, col_no = int(row.get("r", row_no + 1)), 0
            for cell in row.findall(f"{NS}c"):
                col_no = _column(cell.get("r"), row_no, col_no)
                text = _strict_text(cell, strings, formats, dates=dates)
                if text.strip():
                    cells[sheet.attrib["name"], row_no, col_no] = text
    return cells


def _column(ref, row_no, before):
    if ref is None:
        return before + 1
    if not re.fullmatch(rf"[A-Z]{{1,3}}{row_no}", ref):
        raise Malformed(ref)
    return xl_cell_to_rowcol(ref)[1] + 1


def _strict_text(cell, strings, formats, *, dates):
    value = cell.findtext(f"{NS}v")
    kind, style = cell.get("t", "n"), formats[int(cell.get("s", "0"))]
    if value is None:
        return ""
    if kind == "s":
        if not 0 <= int(value) < len(strings):
            raise Malformed(value)
        return strings[int(value)]
    if kind == "str":
        return value
    if kind == "b":
        return {"0": "False", "1": "True"}[value]
    if kind == "e":
        return "#ERROR"
    if kind != "n":
        raise Malformed(kind)
    try:
        number = float(value)
    except ValueError:
        return value  # not a number, and seen to be none
    is_day = style is not None and (14 <= int(style) <= 22 or int(style) >= 164)
    if dates and is_day and 0 <= number < 2_958_466:  # up to the year 9999: beyond it stays a number
        day = dt.datetime(1899, 12, 30) + dt.timedelta(days=number)
        return day.date().isoformat() if day.time() == dt.time() else day.isoformat()
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
