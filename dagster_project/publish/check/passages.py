"""Read a document as passages: paragraphs, headings and cells of tables with their heads. The file is never changed.

docx, md, txt, html, xlsx, and pdf with text. What cannot be read, or might do harm, is refused with one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from dagster_project.errors import IngestError, Refusal

MAX_BYTES = 50_000_000
MAX_LETTERS = 5_000_000
OLE = bytes.fromhex("d0cf11e0a1b11ae1")


WRAPPED = 45  # width of a line that may go on in the next
ENDS = re.compile(r"[。！？.!?:：;；][\"”’』」)）*_]*\s*$")
ITEM = re.compile(
    r"\s*$|\s*[-*•·#>=+`~]|\s*(?:\d{1,2}[.)]\s|\d{1,2}、|[（(]\d|[一二三四五六七八九十]+、)|\u3000|\s{2}"
)  # begins anew
PARTS = re.compile(r"\t|[|│]|\S(?:\s{2,}|\u3000+)\S")  # of a row of a table
TITLE_LEVEL = 6  # of a line of its own in a text without styles
RULE = re.compile(r"\s*(?:[-=*_—─━]\s*){3,}")
SECOND_LINE = re.compile(r"——[^—]")  # of a title
TITLE = re.compile(
    r"(?!(?i:table|figure|表|图)\s*\d|\s*[一二三四五六七八九十（(]+[、)）]|注|.{0,4}(?:来源|单位))"
    r"(?:[^\d。！？.!?;；:]|(?:19|20)\d\d(?:年\d\d?月(?:\d\d?日)?)?){2,60}"
)  # no figures but years and dates


@dataclass(frozen=True)
class Passage:
    """A text at its place. `heads` of a cell: of its column, of its row, of the table, strongest first. `level`: of a
    heading, else 0. `runs`: what a Word comment can be tied to. `keys`: (start, end, key) that a comment states.
    `table`: of a cell of an exported paper table: its code, language, row below the head and column."""

    place: str
    text: str
    heads: tuple[str, ...] = ()
    is_cell: bool = False
    level: int = 0
    runs: tuple[tuple[int, int, Any], ...] = ()
    keys: tuple[tuple[int, int, str], ...] = ()
    table: tuple[str, str, int, int] | None = None
    at: tuple[int, int] = (0, 0)  # row and column of a cell

    @property
    def with_heads(self) -> str:
        """The text of a cell with its heads, the row first."""
        return " | ".join(part for part in (*reversed(self.heads[:2]), self.text) if part)


def read_passages(file: Path) -> list[Passage]:
    """All passages in order. Raises Refusal with what is wrong and what to do."""
    kind = file.suffix.lower()
    if kind not in READERS:
        raise Refusal(f"{file.name}: nqpf check reads {', '.join(sorted(READERS))}; save the document as one of them.")
    if not file.is_file():
        raise Refusal(f"There is no file {file}.")
    size = file.stat().st_size
    if size == 0 or size > MAX_BYTES:
        what = "is empty" if size == 0 else f"has {size / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read"
        raise Refusal(f"{file.name} {what}: check that it is the document, and leave pictures out.")
    if kind in (".docx", ".xlsx") and file.read_bytes()[:8] == OLE:
        raise Refusal(
            f"{file.name} is locked by a password or an old Office file: open it and save it as {kind} without."
        )
    try:
        passages = list(READERS[kind](file))
    except IngestError as error:
        raise Refusal(str(error)) from error
    if sum(len(passage.text) for passage in passages) > MAX_LETTERS:
        raise Refusal(f"{file.name} has more than {MAX_LETTERS:,} letters: split it.")
    return passages


def table_passages(
    rows: Sequence[Sequence[str]], place: str, above: str, name: Callable[[int, int], str]
) -> Iterator[Passage]:
    """The cells of a table: the first rows without figures are heads of columns, the first columns those of rows."""
    grid = [list(map(str, row)) for row in rows]
    width = max(map(len, grid), default=0)
    if not width:
        return
    rows = grid = [row + [""] * (width - len(row)) for row in grid]
    body = next((k for k, row in enumerate(rows) if k and sum(map(_is_figure, row)) * 2 >= sum(map(bool, row[1:]))), 1)
    spread = [_spread(row) for row in rows[:body]]
    heads = [" ".join(dict.fromkeys(head for row in spread if (head := row[k].strip()))) for k in range(width)]
    labels = [k for k in range(width) if not any(_is_figure(row[k]) for row in rows[body:])] or [0]
    labels = [k for k in labels if k <= 2 or not any(_is_figure(row[j]) for row in rows[body:] for j in range(k))]
    is_year = re.compile(r"年份|年度|^\s*(?:year|年)\s*$", re.IGNORECASE).search
    labels += [k for k in range(width) if k not in labels and is_year(heads[k])]
    for i, row in enumerate(rows):
        for k, text in enumerate(row):
            if not text.strip():
                continue
            if i < body or k in labels:
                yield Passage(name(i, k), text, is_cell=True, heads=("", "", "head"), at=(i, k))
                continue
            of_row = ", ".join(
                f"{row[j]}年" if re.fullmatch(r"(?:19|20)\d\d", row[j].strip()) else row[j] for j in labels
            )
            yield Passage(name(i, k), text, (heads[k], of_row, above), is_cell=True, at=(i, k))


def _spread(row: Sequence[str]) -> list[str]:
    """A head over several columns stands in the first of them: it holds for the empty ones beside it."""
    last, spread = "", []
    for text in row:
        last = text.strip() or last
        spread.append(last)
    return spread if row and row[0].strip() else ["", *spread[1:]] if spread else []


def _is_figure(text: str) -> bool:
    text = text.strip()
    return bool(re.fullmatch(r"[+\-−]?[\d,]*\.?\d+\s*(?:%|\*+|\([^)]*\))?", text)) and not re.fullmatch(
        r"(?:19|20)\d\d", text
    )


def _docx(file: Path) -> Iterator[Passage]:
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    from dagster_project.ingest.xlsx_guard import check_docx

    check_docx(file)
    try:
        document = docx.Document(str(file))
    except (PackageNotFoundError, KeyError, ValueError) as error:
        raise Refusal(f"{file.name} is damaged: open it in Word, look at it and save it again.") from error
    yield from docx_passages(document)


def docx_passages(document: Any) -> Iterator[Passage]:
    """Paragraphs and tables of an open Word document, with keys in comments and the alt texts of pictures; then what
    stands in headers, footers, footnotes and endnotes."""
    from docx.oxml.ns import qn

    comments = {str(comment.comment_id): comment.text for comment in document.comments}
    styles = {style.style_id: style.name or "" for style in document.styles}
    n_paragraph = n_table = 0
    above, has_title = "", False
    for node in document.element.body.iter(qn("w:p"), qn("w:tbl")):
        if any(parent.tag in (qn("w:tbl"), qn("w:p")) for parent in node.iterancestors()):
            continue
        if node.tag == qn("w:tbl"):
            n_table += 1
            yield from _docx_table(node, f"table {n_table}", above, comments)
            continue
        n_paragraph += 1
        text, runs, keys = _run_text(node, comments)
        style = node.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        name = styles.get(style.get(qn("w:val")), "") if style is not None else ""
        heading = re.match(r"(?:Heading|heading|标题) ?(\d)", name)
        has_title = has_title or name == "Title"  # then all headings are below it
        level = int(heading[1]) + has_title if heading else int(name == "Title")
        above = text or above
        place = f"paragraph {n_paragraph}"
        yield Passage(place, text, level=level, runs=runs, keys=keys)
        for alt in node.xpath(".//wp:docPr/@descr"):
            yield Passage(f"{place}, alt text", str(alt))
    yield from _beside(document)


def _beside(document: Any) -> Iterator[Passage]:
    """Paragraphs beside the text. Word takes no comment there."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import qn

    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in ("header", "footer", "footnotes", "endnotes") and not relation.is_external:
            for k, node in enumerate(parse_xml(relation.target_part.blob).iter(qn("w:p")), start=1):
                text, _, keys = _run_text(node)
                if text.strip():
                    yield Passage(f"{kind}, paragraph {k}", text, keys=keys)


def _docx_table(table: Any, place: str, above: str, comments: dict[str, str]) -> Iterator[Passage]:
    """A merged cell is given once, and is empty where it goes on."""
    from docx.oxml.ns import qn

    about = table.find(f"{qn('w:tblPr')}/{qn('w:tblDescription')}")
    stated = TABLE_KEY.fullmatch(about.get(qn("w:val"), "")) if about is not None else None
    cells: list[list[Any]] = []
    for row in table.iter(qn("w:tr")):
        line: list[Any] = []
        for cell in row.iterchildren(qn("w:tc")):
            span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
            merged = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
            goes_on = merged is not None and merged.get(qn("w:val")) != "restart"
            line += [None if goes_on else cell] + [None] * (int(span.get(qn("w:val"))) - 1 if span is not None else 0)
        cells.append(line)
    texts = [["" if cell is None else " ".join(_run_text(cell)[0].split()) for cell in line] for line in cells]
    for passage in table_passages(texts, place, above, lambda i, k: f"{place}, row {i + 1}, column {k + 1}"):
        i, k = passage.at
        _, runs, keys = _run_text(cells[i][k], comments)
        of = (stated[1], stated[2], i - 1, k) if stated and i else None
        yield replace(passage, runs=runs, keys=keys, table=of)


def _run_text(
    element: Any, comments: dict[str, str] | None = None
) -> tuple[str, tuple[tuple[int, int, Any], ...], tuple[tuple[int, int, str], ...]]:
    """Text below an element without what is deleted, the runs it comes from, and the keys in comments on it and in tags
    of content controls."""
    from docx.oxml.ns import qn

    text, runs, keys, starts = "", [], [], dict[str, int]()
    for node in element.iter(qn("w:r"), qn("w:commentRangeStart"), qn("w:commentRangeEnd"), qn("w:p")):
        if node.tag == qn("w:p"):
            text += "\n" if text else ""
        elif node.tag == qn("w:commentRangeStart"):
            starts[node.get(qn("w:id"))] = len(text)
        elif node.tag == qn("w:commentRangeEnd"):
            for key in KEY.findall((comments or {}).get(node.get(qn("w:id")), "")):
                keys.append((starts.get(node.get(qn("w:id")), 0), len(text), key))
        elif not any(parent.tag in (qn("w:del"), qn("w:moveFrom")) for parent in node.iterancestors()):
            content = "".join(_node_text(child, qn) for child in node)
            if node.getparent().tag == qn("w:sdtContent"):
                tags = node.getparent().getparent().findall(f"{qn('w:sdtPr')}/{qn('w:tag')}")
                held = [tag.get(qn("w:val")) for tag in tags]
                keys += [(len(text), len(text) + len(content), key) for key in held if KEY.fullmatch(key or "")]
            runs.append((len(text), len(text) + len(content), node))
            text += content
    return text, tuple(runs), tuple(keys)


def _node_text(node: Any, qn: Callable[[str], str]) -> str:
    if node.tag == qn("w:t"):
        return node.text or ""
    return {qn("w:tab"): " ", qn("w:br"): " ", qn("w:noBreakHyphen"): "-"}.get(node.tag, "")


def _text(file: Path) -> str:
    content = file.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refusal(f"{file.name} is neither UTF-8 nor GB 18030 text: save it as UTF-8.")


def _paragraphs(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(number of its first line, text) of the paragraphs of a text that is cut into lines of one width."""
    first, text = 0, ""
    for k, (line, following) in enumerate(pairwise([*lines, ""])):
        first, text = (first, _in_one_line(f"{text}\n{line}")) if text else (k + 1, line)
        width = len(line) + len(re.findall("[\u2e80-\uffef]", line))
        is_row = PARTS.search(line.strip()) or PARTS.search(following.strip())
        is_wrapped = width > WRAPPED and not (ENDS.search(line) or ITEM.match(following) or is_row)
        if is_wrapped or (line.strip() and SECOND_LINE.match(following)):
            continue
        yield first, text
        text = ""


def _in_one_line(text: str) -> str:
    """Chinese lines are joined without a blank."""
    text = re.sub(
        r"(?<=[\u3000-\u9fff，。、；：）])\n(?=[\u3000-\u9fff\d（])|(?<=\d)\n(?=[\u4e00-\u9fff])", "", text.strip()
    )
    return " ".join(text.split())


def _plain(file: Path) -> Iterator[Passage]:
    """Lines; those that tabs, bars or several blanks cut into as many parts are the rows of a table."""
    above, rows, is_indented = "", list[tuple[int, list[str]]](), False
    level, before = 1, ""
    lines = [*_paragraphs(_text(file).splitlines()), (0, "")]
    for (k, line), (_, following) in pairwise([*lines, (0, "")]):
        is_title = not (before.strip() or following.strip()) and bool(TITLE.fullmatch(line))
        before = line
        parts = re.split(r"\s*[|│]\s*|\t+|\u3000+|\s{2,}", line.strip("|│ \t\u3000"))
        if len(rows) == 1 and is_indented and len(parts) == len(rows[0][1]) + 1:  # a head of columns, none of rows
            rows = [(rows[0][0], ["", *rows[0][1]])]
        if rows and len(parts) != len(rows[0][1]) and not re.fullmatch(r"[-=+─━\s]+", line):
            is_table = (
                len(rows) > 2 and sum(_is_figure(text) for _, row in rows[1:] for text in row) >= 2 * len(rows) - 2
            )
            name = [n for n, _ in rows]
            yield from (
                table_passages(
                    [row for _, row in rows],
                    "",
                    above,
                    lambda i, j, name=name: f"line {name[i]}, column {j + 1}",  # type: ignore[misc]
                )
                if is_table
                else (Passage(f"line {n}", "  ".join(row)) for n, row in rows)
            )
            above, rows = "" if is_table else "  ".join(rows[-1][1]), []
        if len(parts) > 2 or (not rows and len(parts) == 2 and line[:2].isspace()):
            is_indented = is_indented if rows else line[:2].isspace()
            rows.append((k, parts))
        elif RULE.fullmatch(line):
            level = 1  # what follows is a text of its own
        elif line.strip() and not rows:
            above = line
            yield Passage(f"line {k}", line, level=level if is_title else 0)
            level = TITLE_LEVEL if is_title else level


def _markdown(file: Path) -> Iterator[Passage]:
    return markdown_passages(_text(file))


def markdown_passages(content: str) -> Iterator[Passage]:
    """Of a Markdown text: without code, and without what an inline code or an address holds."""
    of_lines = [*_paragraphs(content.splitlines())]
    lines, k, above, n_table = [line for _, line in of_lines], 0, "", 0
    fence = ""
    while k < len(lines):
        (n, line), k = of_lines[k], k + 1
        mark = re.match(r"\s*(```+|~~~+)", line)
        if fence or mark:
            fence = "" if fence and mark and line.strip().startswith(fence) else fence or (mark[1] if mark else "")
            continue
        if "|" in line and k < len(lines) and re.fullmatch(r"\s*\|?[\s:|-]*-[\s:|-]*", lines[k]):
            first = n
            rows = [_pipe_cells(line)]
            k += 1
            while k < len(lines) and "|" in lines[k]:
                rows.append(_pipe_cells(lines[k]))
                k += 1
            n_table += 1
            place = f"table {n_table}"
            yield from table_passages(
                rows,
                place,
                above,
                lambda i, j, first=first: f"line {first + i + (1 if i else 0)}, column {j + 1}",  # type: ignore[misc]
            )
            continue
        head = re.match(r"(#{1,6})\s", line)
        text = _bare(line.lstrip("# ") if head else line)
        if text.strip():
            above = text
            yield Passage(f"line {n}", text, level=len(head[1]) if head else 0)


def _pipe_cells(line: str) -> list[str]:
    return [_bare(cell).strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _bare(text: str) -> str:
    """Blanks for code and addresses; marks of emphasis go; a key in an HTML comment stays."""
    text = re.sub(r"<!--(.*?)-->", lambda match: match[1] if "nqpf:" in match[1] else "", text)
    text = re.sub(r"`[^`]*`", " ", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\*\*|__|</?\w+[^>]*>", "", text)


def _html(file: Path) -> Iterator[Passage]:
    import lxml.html

    content = file.read_bytes()
    if not content.strip():
        return
    root = lxml.html.fromstring(
        content, parser=lxml.html.HTMLParser(encoding="utf-8" if b"charset" not in content[:2000] else None)
    )
    for node in root.xpath("//script|//style|//svg|//code|//pre|//template|//noscript|//option|//nav"):
        node.drop_tree()
    n = dict.fromkeys(("p", "table"), 0)
    above = ""
    for node in root.iter():
        if not isinstance(node.tag, str):
            if "nqpf:" in str(node.text or "") and node.getparent() is not None:
                yield Passage("comment", str(node.text))
            continue
        if node.tag == "table":
            n["table"] += 1
            place = f"table {n['table']}"
            caption = " ".join("".join(part.itertext()) for part in node.iter("caption"))
            rows = [[_squeezed(cell) for cell in row.iter("td", "th")] for row in node.iter("tr")]
            yield from table_passages(
                rows,
                place,
                caption or above,
                lambda i, k, place=place: f"{place}, row {i + 1}, column {k + 1}",  # type: ignore[misc]
            )
        elif _is_block(node):
            text = _squeezed(node)
            if not text or any(True for _ in node.iterancestors("table")):
                continue
            n["p"] += 1
            level = re.fullmatch(r"h([1-6])", node.tag)
            above = text
            yield Passage(
                f"paragraph {n['p']}", text, level=int(level[1]) if level else 1 if node.tag == "title" else 0
            )
        for name in ("alt", "title", "aria-label"):
            if "nqpf:" in (attribute := node.get(name) or ""):
                yield Passage(f"{name} of {node.tag}", attribute)


BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "p li h1 h2 h3 h4 h5 h6 title figcaption caption dt dd blockquote div section td th summary label article main"
        " header footer body aside figure",
    )
)


def _is_block(node: Any) -> bool:
    """The innermost element that holds text as a block."""
    return node.tag in BLOCKS and not any(
        child.tag in BLOCKS or child.tag == "table" for child in node.iterdescendants()
    )


def _squeezed(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())


def _xlsx(file: Path) -> Iterator[Passage]:
    from dagster_project.ingest.workbook import read_sheets

    for sheet in read_sheets(file):
        if not len(sheet.text):
            continue
        height, width = int(sheet.row_no.max()), int(sheet.col_no.max())
        if height * width > 2_000_000:
            raise Refusal(
                f"{file.name}, sheet {sheet.name}: {height:,} rows x {width:,} columns are no table of a report."
            )
        grid = [[""] * width for _ in range(height)]
        for row, column, text in zip(sheet.row_no.tolist(), sheet.col_no.tolist(), sheet.text, strict=True):
            grid[row - 1][column - 1] = str(text)
        title = [row for row in grid[:4] if sum(map(bool, row)) == 1 and not _is_figure("".join(row))]
        first = next((k for k, row in enumerate(grid) if sum(map(bool, row)) > 1), 0)
        above = " ".join([sheet.name or "", *("".join(row) for row in title)])
        yield from table_passages(
            grid[first:],
            "",
            above,
            lambda i, k, first=first, name=sheet.name: f"{name}!{_letters(k)}{first + i + 1}",  # type: ignore[misc]
        )


def _letters(k: int) -> str:
    text, k = "", k + 1
    while k:
        k, rest = divmod(k - 1, 26)
        text = chr(65 + rest) + text
    return text


def _pdf(file: Path) -> Iterator[Passage]:
    import pypdf
    from pypdf.errors import PyPdfError

    try:
        reader = pypdf.PdfReader(str(file))
        if reader.is_encrypted:
            raise Refusal(f"{file.name} is locked by a password: save a copy without.")
        pages = [page.extract_text() for page in reader.pages]
    except (PyPdfError, ValueError, KeyError, RecursionError, OSError) as error:
        raise Refusal(
            f"{file.name} cannot be read as a PDF: save it again, or check the document it was made from."
        ) from error
    if not any(page.strip() for page in pages):
        raise Refusal(f"{file.name} holds pictures of text, not text: check the document it was made from.")
    for k, page in enumerate(pages, start=1):
        for text in re.split(r"\n\s*\n|(?<=[。.!?！？])\s*\n", page):
            if joined := _in_one_line(text):
                yield Passage(f"page {k}", joined)


KEY = re.compile(r"nqpf:[\w.]+/[\w]+/\d{4}@[\w.\-]+")
TABLE_KEY = re.compile(r"nqpf:table/([\w.]+)/(\w+)@[\w.\-]+")
READERS: dict[str, Callable[[Path], Iterator[Passage]]] = {
    ".docx": _docx,
    ".md": _markdown,
    ".txt": _plain,
    ".html": _html,
    ".htm": _html,
    ".xlsx": _xlsx,
    ".pdf": _pdf,
}
