"""Look into an .xlsx before the workbook library does: is it sound, and is it small enough?

The library lays a sheet out as one dense grid, so a single cell in the last row of Excel costs gigabytes; and it takes
what it cannot read for an empty cell. Here the zip is read as a stream (so its checksums are verified): bytes are
counted, the XML that matters must be well formed, tags are scanned, nothing is kept.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from dagster_project.errors import IngestError
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.xlsx_cells import CellScan, Marks

_BLOCK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
_DAMAGED = "The workbook is damaged or cut short"
_AGAIN = "Fetch the file again and compare its size and sha256"
_SAVE = "Open it in Office or LibreOffice, look at it and save it again"
_WORKBOOK, _RELATIONS, _TYPES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"
_STRINGS, _STYLES = "xl/sharedStrings.xml", "xl/styles.xml"
_LINKS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
_OWN_FORMATS = 164  # number formats from here on are the workbook's own, those below are Excel's
_MAIN = ("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main")
_IN_TEXT = re.compile(rb"<(?:[\w.-]+:)?t(?:\s[^<>]*)?(?<!/)>[^<]*<(?!/)")  # <t>north<t>
_STRING = re.compile(rb"<(?:[\w.-]+:)?si[\s/>]")
_NEEDED = ("worksheet", "sharedstrings", "styles")  # parts without which cells are lost or days become numbers


def check_xlsx(path: Path, *, sheet: str | None, limits: Limits) -> dict[str, Marks]:
    """The zip is whole, unpacks within the limits, and its sheets (or the one named) are sound and fit as a grid.

    Returns, by sheet, the cells whose value the library would show as empty or wrong, with the mark that stands for it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _check(archive, path, sheet, limits)
    except _DAMAGE:
        raise IngestError(_DAMAGED, str(path), _AGAIN) from None


def check_docx(path: Path) -> None:
    """The same of a Word document: a sound zip of moderate size, well-formed XML without entities, no macros."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(archive, path, Limits(unpacked_bytes=200_000_000))
            if "word/document.xml" not in archive.namelist():
                raise IngestError("The file is no Word document", str(path), "Open it in Word and save it as .docx")
            for info in archive.infolist():
                if "vba" in info.filename.lower():
                    raise IngestError("The document holds macros", str(path), "Save it as .docx, which holds none")
                blocks = _blocks(archive, info)
                if info.filename.endswith((".xml", ".rels")):
                    _parse(blocks, f"{path}, part {info.filename}", _ignore, ())
                for _ in blocks:
                    pass
    except IngestError as error:
        what, remedy = (text.replace("workbook", "document") for text in (error.what, error.remedy))
        raise IngestError(what, error.where, remedy.replace("Excel", "Word").replace("spreadsheet", "word")) from None
    except _DAMAGE:
        raise IngestError("The document is damaged or cut short", str(path), _SAVE) from None


def _check(archive: zipfile.ZipFile, path: Path, sheet: str | None, limits: Limits) -> dict[str, Marks]:
    _check_parts(archive, path, limits)
    if _WORKBOOK not in archive.namelist():
        raise IngestError("The file is a zip but not an Excel workbook", str(path), "Unpack it, or name the workbook")
    names, is_uncomputed = _contents(archive, path)
    strings, styles = _count_strings(archive, path), _count_styles(archive, path)
    marks: dict[str, Marks] = {}
    for info in archive.infolist():
        name = names.get(info.filename)
        blocks = _blocks(archive, info)
        if name is not None and sheet in (None, name):
            where = f"{path}, sheet {name}"
            scan = CellScan(where, strings=strings, styles=styles, is_uncomputed=is_uncomputed)
            _parse(blocks, where, scan.feed, _MAIN)
            last_row, last_column = scan.finish()
            limits.check(last_row, last_column, where)
            marks[name] = scan.marks
        for _ in blocks:  # read to the end: a wrong checksum shows only there
            pass
    return marks


def _count_strings(archive: zipfile.ZipFile, path: Path) -> int:
    """How many texts the sheets share."""
    if _STRINGS not in archive.NameToInfo:
        return 0
    count, rest = 0, b""

    def add(block: bytes) -> None:
        nonlocal count, rest
        block = rest + block
        end = block.rfind(b"<")
        if _IN_TEXT.search(block):
            raise IngestError("A text of the workbook holds another tag", f"{path}, part {_STRINGS}", _SAVE)
        count += len(_STRING.findall(block, 0, max(end, 0)))
        rest = block[max(end, 0) :]

    _parse(_blocks(archive, archive.NameToInfo[_STRINGS]), f"{path}, part {_STRINGS}", add, _MAIN)
    return count


def _count_styles(archive: zipfile.ZipFile, path: Path) -> int:
    """How many formats cells have, each of which must exist; a workbook without any has the one of Excel."""
    if _STYLES not in archive.NameToInfo:
        return 1
    tree = _tree(archive, path, _STYLES, _MAIN)
    format_ids = {node.get("numFmtId") for node in tree.iter() if _local(node.tag) == "numFmt"}
    groups = [node for node in tree if _local(node.tag) == "cellXfs"]
    formats = [node.get("numFmtId", "0") for group in groups for node in group if _local(node.tag) == "xf"]
    for number in set(formats):
        if number not in format_ids and not (number.isdecimal() and int(number) < _OWN_FORMATS):
            what = f"A format of cells names number format {number[:40]!r}, which is not there"
            raise IngestError(what, f"{path}, part {_STYLES}", _SAVE)
    return len(formats) if groups else 1


def _check_parts(archive: zipfile.ZipFile, path: Path, limits: Limits) -> None:
    """Few parts, each once, packed as workbooks are, and not too large together."""
    parts = archive.infolist()
    unpacked_size = sum(info.file_size for info in parts)
    if unpacked_size > limits.unpacked_bytes:
        raise IngestError(
            f"The workbook unpacks to {unpacked_size:,} bytes; at most {limits.unpacked_bytes:,} are read",
            str(path),
            "Check where the file comes from; a workbook of this kind is far smaller",
        )
    if len(parts) > limits.parts:
        what = f"The workbook has {len(parts):,} parts; at most {limits.parts:,} are read"
        raise IngestError(what, str(path), "Check where the file comes from; a workbook has some dozens")
    names = set()
    for info in parts:
        key = info.filename.lower().lstrip("/")
        if key in names:
            raise IngestError(f"The workbook holds the part {info.filename!r} twice", str(path), _SAVE)
        if info.compress_type not in _METHODS:
            raise IngestError(f"The part {info.filename!r} is packed in a way that no workbook uses", str(path), _SAVE)
        names.add(key)


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as stream:
        while block := stream.read(_BLOCK):
            yield block


def _ignore(_: bytes) -> None:
    return


def _parse(blocks: Iterator[bytes], where: str, use: Callable[[bytes], None], namespaces: tuple[str, ...]) -> None:
    """Hand on the blocks of a part that is well-formed XML in UTF-8 without document type and CDATA.

    namespaces: what its root element may belong to; () is anything. Within such a root no comment may stand: programs
    differ in what they read of a value that one cuts in two.
    """

    def refuse(what: str) -> None:
        raise IngestError(f"The workbook holds {what}", where, f"No spreadsheet program writes that. {_SAVE}")

    def declared(_: str, encoding: str | None, __: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            refuse(f"text in the encoding {encoding}")

    def comment(text: str) -> None:
        if "<" in text:
            refuse("tags inside a comment")
        if namespaces and parser.StartElementHandler is None:
            refuse("a comment within its XML")

    def root(name: str, _: object) -> None:
        parser.StartElementHandler = None
        if namespaces and name.rpartition(" ")[0] not in namespaces:
            refuse("a part that does not belong to a workbook")

    parser = expat.ParserCreate(namespace_separator=" ")  # an unbound prefix is an error
    parser.XmlDeclHandler = declared
    parser.StartDoctypeDeclHandler = lambda *_: refuse("a document type declaration, which may define entities")
    parser.StartCdataSectionHandler = lambda: refuse("a CDATA section")
    parser.CommentHandler = comment
    parser.StartElementHandler = root
    parser.ProcessingInstructionHandler = lambda _, text: comment(text)
    first = True
    try:
        for block in blocks:
            if first and block.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00", b"<\x00")):
                refuse("text in UTF-16")
            first = False
            parser.Parse(block, False)
            use(block)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError) as error:
        raise IngestError(
            f"The workbook cannot be read (its XML is not well formed: {error})", where, f"{_AGAIN}, or: {_SAVE}"
        ) from None


def _contents(archive: zipfile.ZipFile, path: Path) -> tuple[dict[str, str], bool]:
    """Part of the zip -> sheet name, and whether the values of formulas were never worked out."""
    relations = _tree(archive, path, _RELATIONS)
    workbook = _tree(archive, path, _WORKBOOK, _MAIN)
    target = {}
    for node in relations:
        if node.get("TargetMode") != "External":
            part = posixpath.normpath(posixpath.join("/xl", node.get("Target", "").replace("\\", "/"))).lstrip("/")
            target[node.get("Id")] = part
            _require(archive, path, part, node.get("Type", ""))
    for node in _tree(archive, path, _TYPES):
        if "PartName" in node.attrib:
            _require(archive, path, node.get("PartName", "").lstrip("/"), node.get("ContentType", ""))
    names, earlier = {}, set()
    for node in (node for group in workbook if _local(group.tag) == "sheets" for node in group):
        link = next((node.get(f"{{{space}}}id") for space in _LINKS if node.get(f"{{{space}}}id")), None)
        name = node.get("name", "")
        is_sound = _local(node.tag) == "sheet" and name and link in target and target[link] not in names
        if not is_sound or name.lower() in earlier:
            raise IngestError(f"The list of sheets is damaged at sheet {name!r}", str(path), _SAVE)
        names[target[link]] = name
        earlier.add(name.lower())
    flags = [node.get("fullCalcOnLoad") for node in workbook.iter() if _local(node.tag) == "calcPr"]
    return names, any(flag in ("1", "true") for flag in flags)


def _require(archive: zipfile.ZipFile, path: Path, part: str, kind: str) -> None:
    kind = kind.rpartition("/")[2].lower()
    if any(word in kind for word in _NEEDED) and part not in archive.NameToInfo:
        raise IngestError(f"The workbook lacks its part {part!r}", str(path), f"{_AGAIN}, or: {_SAVE}")


def _tree(archive: zipfile.ZipFile, path: Path, part: str, namespaces: tuple[str, ...] = ()) -> ElementTree.Element:
    if part not in archive.NameToInfo:
        raise IngestError(f"The workbook lacks its part {part!r}", str(path), f"{_AGAIN}, or: {_SAVE}")
    content = archive.read(part)
    _parse(iter([content]), f"{path}, part {part}", _ignore, namespaces)
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError:  # a name space that Python cannot write down
        raise IngestError(_DAMAGED, f"{path}, part {part}", _AGAIN) from None


def _local(tag: str) -> str:
    return re.sub(r"^\{[^}]*\}", "", tag)
