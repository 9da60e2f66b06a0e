"""Printed tables as a Word document: three-line tables that Word, WPS and LibreOffice set alike.

Only plain constructs: real tables, captions with a number field, right indents that bring the points of a column under
each other. Letters are measured as Times New Roman sets them; a Chinese character is square.
"""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt

from dagster_project.publish.exhibits.exhibit import Grid, Row
from dagster_project.publish.inert import UNSEEN
from dagster_project.publish.locale import Catalogue, msg

SIZES = (10.5, 9, 7.5)  # 五号, 小五, 六号
LINE, LONG_LINE = 453.0, 700.0  # points between the margins of A4, upright and on its side
GAP = 6.0  # points on both sides of a cell together
BROKEN = 150.0  # points: longer texts are broken inside their column
EM = {**dict.fromkeys(".,;:' |/()[]!-", 0.3), "−": 0.564, "–": 0.5, "%": 0.833, "…": 1.0, "m": 0.78, "w": 0.72}


def document(words: Catalogue, title: str, date: Any) -> Any:
    """An empty A4 document in SimSun and Times New Roman, 10.5 points."""
    doc = Document()
    section = doc.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    section.top_margin = section.bottom_margin = Cm(2.54)
    for name, size, above, below in (
        ("Normal", 10.5, 0, 0), ("Caption", 10.5, 6, 3), ("Title", 16, 0, 6), ("Heading 1", 12, 8, 3)
    ):  # fmt: skip
        style = doc.styles[name]
        style.font.name, style.font.size, style.font.italic = "Times New Roman", Pt(size), False
        style.font.bold = name != "Normal"
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):
            del fonts.attrib[key]
        for key in ("ascii", "hAnsi", "cs"):
            fonts.set(qn(f"w:{key}"), "Times New Roman")
        fonts.set(qn("w:eastAsia"), "宋体" if name in ("Normal", "Caption") else "黑体")
        for colour in style.element.rPr.findall(qn("w:color")):
            style.element.rPr.remove(colour)
        for border in style.element.pPr.findall(qn("w:pBdr")) if style.element.pPr is not None else ():
            style.element.pPr.remove(border)
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(above), Pt(below)
    doc.styles["Caption"].paragraph_format.keep_with_next = True
    for language in doc.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "en-US")
        language.set(qn("w:eastAsia"), "zh-CN")
    about = doc.core_properties
    about.title, about.author, about.comments, about.language = title, "NQPF warehouse", "", words.tag
    if isinstance(date, datetime):
        about.created = about.modified = date.replace(tzinfo=None)
    return doc


def as_bytes(doc: Any) -> bytes:
    buffer = io.BytesIO()
    doc.save(buffer)
    return buffer.getvalue()


def to_docx(grids: Sequence[Grid], words: Catalogue, release: str, date: Any, *, appendix: bool = False) -> bytes:
    """The tables, each under its caption and over its note. `appendix`: 附表 1, 附表 2, ... and a page for each."""
    doc = document(words, "; ".join(grid.title for grid in grids[:3]), date)
    label = words.gettext(msg("Appendix table") if appendix else msg("Table"))
    for k, grid in enumerate(grids, start=1):
        add_table(doc, grid, label, k, f"nqpf:table/{grid.code}/{words.language}@{release}", new_page=k > 1)
    return as_bytes(doc)


def add_table(
    doc: Any,
    grid: Grid,
    label: str,
    number: int,
    source: str,
    *,
    new_page: bool = False,
    size: float | None = None,
    keys: Mapping[tuple[int, int], str] | None = None,
) -> None:
    """The table at the end of the document, on a page on its side where its line needs it. `size`: of the type, on the
    page as it is. `keys`: (row, column) -> what `nqpf check` is to compare the figure with."""
    ways = [(size, line) for line in (LINE, LONG_LINE) for size in SIZES[: 2 if line == LINE else 3]]
    if size is not None:
        ways = [(size, LINE)]
    size, line = next((way for way in ways if sum(_widths(grid, way[0])) <= way[1]), ways[-1])
    if len(ways) > 1:
        turn_page(doc, line == LONG_LINE, new_page)
    caption = doc.add_paragraph(style="Caption")
    caption.alignment = 1
    caption.add_run(f"{label} ")
    field = (
        f'<w:fldSimple {nsdecls("w")} w:instr=" SEQ {label.replace(" ", "_")} \\* ARABIC ">'
        f"<w:r><w:t>{number}</w:t></w:r></w:fldSimple>"
    )
    caption._p.append(parse_xml(field))
    caption.add_run(f"  {_plain(grid.title)}")
    doc.element.body.insert_element_before(parse_xml(_table(grid, size, line, source, keys or {})), "w:sectPr")
    note = doc.add_paragraph()
    note.paragraph_format.keep_together = True  # and with the last rows
    note.paragraph_format.space_before, note.paragraph_format.space_after = Pt(3), Pt(6)
    note.add_run(f"{grid.note_word} {_plain(' '.join(grid.notes))}").font.size = Pt(9)


def turn_page(doc: Any, is_wide: bool, new_page: bool) -> None:
    """The paper as the table needs it, from a new page where one has begun."""
    section = doc.add_section(WD_SECTION.NEW_PAGE) if new_page else doc.sections[-1]
    section.orientation = WD_ORIENT.LANDSCAPE if is_wide else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Cm(29.7), Cm(21)) if is_wide else (Cm(21), Cm(29.7))


def letters(text: str, size: float) -> float:
    """Points that the text takes."""
    return size * sum(EM.get(c, 1.0 if ord(c) > 0x2E7F else 0.7 if c.isupper() else 0.5) for c in text)


def _widths(grid: Grid, size: float, longest: float = BROKEN, of_head: float = 60.0) -> list[float]:
    """Points of the columns; panels go over all. Texts over `longest`, heads of figures over `of_head` are broken."""
    widths = []
    for k, head in enumerate(grid.heads):
        texts = [row.cells[k] for row in grid.rows if row.kind != "panel"]
        whole = max((letters(text, size) for text in texts), default=0.0)
        if grid.is_text[k]:
            widths.append(min(max(letters(head, size), whole), longest) + GAP)
            continue
        before, after = _around_the_point(texts, size)
        word = max((letters(part, size) for part in head.split()), default=0.0)
        figure_width = max(before, default=0.0) + max(after, default=0.0) if _is_aligned(texts) else whole
        widths.append(max(min(letters(head, size), max(word, of_head)), figure_width) + GAP)
    return widths


def _is_aligned(texts: Sequence[str]) -> bool:
    """Whether the points of a column can stand under each other: not with intervals."""
    return not any("[" in text or "," in _behind(text) for text in texts)


def _around_the_point(texts: Sequence[str], size: float) -> tuple[list[float], list[float]]:
    """Points that each text takes before its decimal point, and from there on."""
    after = [letters(_behind(text), size) for text in texts]
    return [letters(text, size) - tail for text, tail in zip(texts, after, strict=True)], after


def _plain(text: str) -> str:
    return UNSEEN.sub(" ", text)


def _behind(text: str) -> str:
    """What stands from the point on, or behind the last digit where there is no point."""
    at = text.find(".")
    return text[at:] if at >= 0 else text[len(text.rstrip("*)]")) :]


def _table(grid: Grid, size: float, line: float, source: str, keys: Mapping[tuple[int, int], str]) -> str:
    widths = _widths(grid, size)
    if sum(widths) > line:
        widths = _widths(grid, size, of_head=0.0)
    total = sum(widths)
    if total > line:  # texts give way, figures do not
        texts = sum(width for width, is_text in zip(widths, grid.is_text, strict=True) if is_text)
        rate = max(0.3, (line - total + texts) / texts) if texts else line / total
        widths = [w * rate if is_text or not texts else w for w, is_text in zip(widths, grid.is_text, strict=True)]
    else:  # what is left goes to texts that are broken, then to all
        whole = _widths(grid, size, line)
        room = line - total
        excess = sum(whole) - total
        widths = [w + (b - w) * min(1.0, room / excess) if excess else w for w, b in zip(widths, whole, strict=True)]
        widths = [width + max(0.0, room - excess) / len(widths) for width in widths]
    indents = [_indents(grid, k, widths[k], size) for k in range(len(widths))]
    grid_columns = "".join(f'<w:gridCol w:w="{round(20 * width)}"/>' for width in widths)
    head = "".join(
        _cell(text, width, size, "left" if is_text else "center", border=True)
        for text, width, is_text in zip(grid.heads, widths, grid.is_text, strict=True)
    )
    rows = [f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{head}</w:tr>"]
    for k, row in enumerate(grid.rows):
        keep = row.kind == "panel" or k > len(grid.rows) - 3 or grid.rows[k + 1].kind == "below"
        right = [None if column_indents is None else column_indents[k] for column_indents in indents]
        row_keys = [keys.get((k, column), "") for column in range(len(widths))]
        rows.append(
            f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{_row(row, widths, grid, right, size, keep, row_keys)}</w:tr>"
        )
    return (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="{round(20 * sum(widths))}" w:type="dxa"/><w:jc w:val="center"/>'
        '<w:tblBorders><w:top w:val="single" w:sz="12" w:space="0" w:color="auto"/>'
        '<w:bottom w:val="single" w:sz="12" w:space="0" w:color="auto"/></w:tblBorders><w:tblLayout w:type="fixed"/>'
        '<w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/></w:tblCellMar>'
        f'<w:tblCaption w:val="{escape(_plain(grid.title))}"/><w:tblDescription w:val="{escape(source)}"/></w:tblPr>'
        f"<w:tblGrid>{grid_columns}</w:tblGrid>{''.join(rows)}</w:tbl>"
    )


def _indents(grid: Grid, k: int, width: float, size: float) -> list[float] | None:
    """Points at the right of each cell that bring the points of a column under each other; None: centred."""
    texts = [row.cells[k] if row.kind != "panel" else "" for row in grid.rows]
    if grid.is_text[k] or not _is_aligned(texts):
        return None
    before, after = _around_the_point(texts, size)
    widest = max(after, default=0.0)
    room = max(0.0, (width - GAP - max(before, default=0.0) - widest) / 2)
    return [room + widest - tail for tail in after]


def _row(
    row: Row, widths: list[float], grid: Grid, right: list[float | None], size: float, keep: bool, keys: Sequence[str]
) -> str:
    if row.kind == "panel":
        return _cell(row.cells[0], sum(widths), size, "left", span=len(widths), keep=keep, is_bold=True)
    return "".join(
        _cell(
            text,
            width,
            size,
            "left" if is_text else "center" if indent is None else "right",
            keep=keep,
            indent=indent,
            key=key,
            place="top" if sum(grid.is_text) > 1 else "bottom",  # under the figures of a row stand their errors
        )
        for text, width, is_text, indent, key in zip(row.cells, widths, grid.is_text, right, keys, strict=True)
    )


def _cell(
    text: str,
    width: float,
    size: float,
    align: str,
    *,
    span: int = 1,
    border: bool = False,
    keep: bool = False,
    indent: float | None = None,
    is_bold: bool = False,
    key: str = "",
    place: str = "bottom",
) -> str:
    line = '<w:tcBorders><w:bottom w:val="single" w:sz="6" w:space="0" w:color="auto"/></w:tcBorders>' if border else ""
    merged = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    right = f'<w:ind w:right="{round(20 * indent)}"/>' if indent else ""
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{round(20 * width)}" w:type="dxa"/>{merged}{line}<w:vAlign w:val="{place}"/>'
        f'</w:tcPr><w:p><w:pPr>{"<w:keepNext/>" if keep else ""}{right}<w:jc w:val="{align}"/>'
        f"<w:rPr>{_type(size)}</w:rPr></w:pPr>{_run(text, size, is_bold=is_bold, key=key)}</w:p></w:tc>"
    )


def _type(size: float) -> str:
    """The size of a run, and of the mark of a paragraph, which makes a line as high as it is."""
    return f'<w:sz w:val="{round(2 * size)}"/><w:szCs w:val="{round(2 * size)}"/>'


def _run(text: str, size: float, *, is_bold: bool = False, key: str = "") -> str:
    """A run; with a key inside a content control that has it as tag, which nobody sees and copies keep."""
    font = "<w:b/>" if is_bold else ""
    run = f'<w:r><w:rPr>{font}{_type(size)}</w:rPr><w:t xml:space="preserve">{escape(_plain(text))}</w:t></w:r>'
    if not key:
        return run
    return f'<w:sdt><w:sdtPr><w:tag w:val="{escape(key)}"/></w:sdtPr><w:sdtContent>{run}</w:sdtContent></w:sdt>'


def add_text(paragraph: Any, text: str, keys: Sequence[tuple[str, str]], *, size: float, is_bold: bool = False) -> None:
    """The text at the end of the paragraph; the first standing of each figure of `keys` that is not yet taken has its
    key."""
    spots: list[tuple[int, int, str]] = []
    for figure, key in keys:
        for match in re.finditer(rf"(?<![\d.,]){re.escape(figure)}(?!\d|[.,]\d|\s?%)", text):
            if not any(a < match.end() and match.start() < b for a, b, _ in spots):
                spots.append((*match.span(), key))
                break
    at, parts = 0, []
    for start, end, key in [*sorted(spots), (len(text), len(text), "")]:
        parts += [(text[at:start], ""), (text[start:end], key)]
        at = end
    for part, key in parts:
        if part:
            run = _run(part, size, is_bold=is_bold, key=key)
            paragraph._p.append(parse_xml(run.replace(">", f" {nsdecls('w')}>", 1)))
