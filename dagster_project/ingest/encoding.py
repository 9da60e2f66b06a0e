"""The encoding of a csv file: recognised from its mark and its bytes, never assumed."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from dagster_project.errors import IngestError

_BLOCK = 1 << 20
_WRONG_ENCODING_HANZI = 4  # so many Chinese characters in lines of valid UTF-8 are no chance in a GB 18030 file
_HANZI = re.compile("[\u4e00-\u9fff]")


def encoding_of(path: Path) -> str:
    """Python's name of the encoding: 'utf-16' if marked, else 'utf-8-sig', else 'gb18030'.

    IngestError: none of them, zero bytes, UTF-8 and GB 18030 mixed in one file.
    """
    with path.open("rb") as stream:
        mark = stream.read(2)
    wide = mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        if _decodes(path, encoding):
            if encoding == "gb18030":
                _refuse_mixed(path)
            return encoding
    line = _first_bad_line(path) if not wide else None
    where = f"{path}, line {line}" if line else str(path)
    raise IngestError("The csv file is neither UTF-8, UTF-16 with mark, nor GB 18030", where, "Save it as UTF-8")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                _refuse_zero(decoder.decode(block), path)
            _refuse_zero(decoder.decode(b"", final=True), path)
    except UnicodeError:
        return False
    return True


def _refuse_zero(text: str, path: Path) -> None:
    if "\x00" in text:
        raise IngestError("The csv file holds zero bytes", str(path), "Save it as UTF-8 text")


def _refuse_mixed(path: Path) -> None:
    """Not UTF-8 as a whole, but with lines of it: read as GB 18030 those would become other characters."""
    hanzi, first = 0, 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.isascii():
                try:
                    n_hanzi = len(_HANZI.findall(line.decode("utf-8")))
                except UnicodeDecodeError:
                    continue
                first = first or (number if n_hanzi else 0)
                hanzi += n_hanzi
    if hanzi >= _WRONG_ENCODING_HANZI:
        what = "The csv file mixes UTF-8 with another encoding"
        raise IngestError(what, f"{path}, line {first} is UTF-8", "Save the whole file as UTF-8")


def _first_bad_line(path: Path) -> int | None:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return None
