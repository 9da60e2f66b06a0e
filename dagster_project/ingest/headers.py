"""From sheets to cells with a part and columns with a header path: geometry, no city, unit or variable.

Pure functions. `wide` and `tables` sheets have a title block, bilingual header rows with merged ranges, and a
body that starts with the first city or province; `long` sheets have their header in row 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

import numpy as np
import pandas as pd

from dagster_project.errors import IngestError
from dagster_project.ingest.header_paths import Geometry, has_chinese, header_paths, tidy, without_spaces
from dagster_project.ingest.sheet import Sheet, cell_address
from dagster_project.ingest.sidecar import Sidecar

CELL_COLUMNS = ["source", "data_year", "vintage", "file", "sheet", "row_no", "col_no", "part", "text"]
PLACE = "place"  # a column of cells that were read from a page
HEADER_COLUMNS = ["source", "data_year", "vintage", "file", "sheet", "col_no", "role", "path"]

_TITLE_ROWS = 60  # a header lower than this is not searched for
_CITIES_OF_A_COLUMN = 5  # texts such as 石家庄市 that make it a column of cities
_SAME_HEADER = 0.6  # of the signs: pages of one table differ by misread signs
_LABEL_LENGTH = 20  # longer texts in the city column are footnotes
_CITY = {"城市", "地区", "地级市", "城市名称", "地区名称", "地市", "城市city", "地区city", "地区region"}
_ROLES = {
    "city_en": {"city", "cityname", "region", "城市英文名", "英文名"},
    "code": {"代码", "城市代码", "地区代码", "行政区划代码", "code", "citycode"},
    "year": {"年份", "年度", "year"},
    "province": {"省份", "省", "province"},
}
_CITY_ENDINGS = ("市", "地区", "盟", "州")
_PLACE_ENDINGS = (*_CITY_ENDINGS, "省", "区")
_NOTE_STARTS = ("注", "资料来源", "数据来源", "说明", "备注", "note", "source", "*", "＊")


def geometry_of(file: str, sheets: Iterable[Sheet], sidecar: Sidecar) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(cells, header) of one landing file without what its sidecar says; sheets without city are out.

    IngestError: no sheet has a city, a city column without header, a second header inside the body, a key
    column of a long file that does not exist.
    """
    problems = []
    for sheet in sheets if sidecar.layout == "long" else (block for whole in sheets for block in _side_by_side(whole)):
        where = file if not sheet.name else f"{file}, sheet {sheet.name}"
        geometry = _long(sheet, sidecar, where) if sidecar.layout == "long" else _printed(sheet, where)
        if geometry is not None:
            problems.append((_cells(sheet, geometry), _header(sheet, geometry)))
    if not problems:
        raise IngestError("A sheet without cities", file, "Check the file, or name the right 'sheet' in the sidecar")
    if len(problems) == 1:
        return problems[0]
    return pd.concat([cells for cells, _ in problems]), pd.concat([header for _, header in problems])


def stamped(frame: pd.DataFrame, columns: list[str], file: str, sidecar: Sidecar) -> pd.DataFrame:
    """The frame with source, year, vintage and file; columns: CELL_COLUMNS or HEADER_COLUMNS."""
    rows = frame.reset_index(drop=True).assign(
        source=sidecar.source, data_year=sidecar.data_year, vintage=sidecar.vintage, file=file
    )
    return rows[[*columns, *(name for name in (PLACE,) if name in frame)]]


def _cells(sheet: Sheet, geometry: Geometry) -> pd.DataFrame:
    part = np.full(len(sheet.text), "body", dtype=object)
    note = np.isin(sheet.row_no, sorted(geometry.note_rows)) | np.isin(sheet.col_no, sorted(geometry.note_cols))
    part[note] = "note"
    in_header = np.isin(sheet.row_no, sorted(geometry.header_rows))
    part[in_header | (sheet.row_no < geometry.body_row)] = "header"
    part[sheet.row_no < geometry.header_row] = "title"
    place = {} if sheet.place is None else {PLACE: sheet.place}
    return pd.DataFrame(
        {"sheet": sheet.name, "row_no": sheet.row_no, "col_no": sheet.col_no, "part": part, "text": sheet.text} | place
    )


def _header(sheet: Sheet, geometry: Geometry) -> pd.DataFrame:
    columns = sorted(geometry.paths)
    roles, paths = ([geometry.roles.get(col, "value") for col in columns], [geometry.paths[col] for col in columns])
    return pd.DataFrame({"sheet": sheet.name, "col_no": columns, "role": roles, "path": paths})


# ---- wide and tables ----------------------------------------------------------------------------


def _printed(sheet: Sheet, where: str) -> Geometry | None:
    """Geometry of a printed sheet; None when it holds no city."""
    top = sheet.rows(1, _TITLE_ROWS)
    place = _city_header(sheet, top)
    if place is None:
        _refuse_cities_without_header(sheet, where)
        return None
    header_row, city_col = place
    labels = {row: without_spaces(text) for row, text in sheet.column(city_col).items()}
    after = max([r2 for r1, c1, r2, c2 in sheet.merged if (r1, c1) == place], default=header_row)
    body_row = next((row for row in sorted(labels) if row > after and _is_label(labels[row])), None)
    if body_row is None:
        return None
    roles = {city_col: "city", **_other_roles(top, header_row, city_col)}
    geometry = Geometry(header_row, body_row, roles, {})
    figures = set(sheet.row_no[~np.isin(sheet.col_no, [c for c, role in roles.items() if role != "value"])].tolist())
    _mark_rows(geometry, sheet, labels, figures, where)
    body = (sheet.row_no >= body_row) & ~np.isin(sheet.row_no, sorted(geometry.note_rows | geometry.header_rows))
    if not any(labels[row].endswith(_CITY_ENDINGS) or row in figures for row in set(sheet.row_no[body]) & set(labels)):
        return None
    columns = np.unique(sheet.col_no[body]).tolist()
    geometry.paths = header_paths(sheet, geometry, columns)
    return geometry


def _side_by_side(sheet: Sheet) -> list[Sheet]:
    """A printed page of two or more blocks, each with its own column of cities, as one sheet a block.

    The title stands over all of them. Blocks after the first are named after their columns, so that addresses stay.
    """
    top = sheet.rows(1, _TITLE_ROWS)
    place = _city_header(sheet, top)
    if place is None or not _holds_cities(sheet, place[1]):
        return [sheet]
    name = without_spaces(top.get(place, ""))
    starts = [
        c for r, c in sorted(top) if r == place[0] and without_spaces(top[r, c]) == name and _holds_cities(sheet, c)
    ]
    blocks = []
    for at, first in enumerate(starts):
        end = starts[at + 1] if at + 1 < len(starts) else int(sheet.col_no.max()) + 1
        low = first if at else 1
        inside = (sheet.col_no < end) & ((sheet.col_no >= low) | (sheet.row_no < place[0]))
        merged = tuple(one for one in sheet.merged if one[1] < end and (one[1] >= low or one[0] < place[0]))
        letters = (cell_address(1, column)[:-1] for column in (first, end - 1))
        title = f"{sheet.name} {':'.join(letters)}".strip() if at else sheet.name
        places = None if sheet.place is None else sheet.place[inside]
        blocks.append(Sheet(title, sheet.row_no[inside], sheet.col_no[inside], sheet.text[inside], merged, places))
    return blocks or [sheet]


def _city_header(sheet: Sheet, top: Mapping[tuple[int, int], str]) -> tuple[int, int] | None:
    """Address of the cell that heads the city column: the first 城市 or 地区, else the first City.

    Where only the English head is left, the Chinese names may stand in the column before it.
    """
    for names in (_CITY, {"city"}):
        for row, col in sorted(top):
            if without_spaces(top[row, col]) in names:
                return (row, col - 1) if names is not _CITY and _holds_cities(sheet, col - 1) else (row, col)
    return None


def _holds_cities(sheet: Sheet, col: int) -> bool:
    texts = [without_spaces(text) for text in sheet.column(col).values()]
    return sum(text.endswith("市") and len(text) <= _LABEL_LENGTH for text in texts) >= _CITIES_OF_A_COLUMN


def _refuse_cities_without_header(sheet: Sheet, where: str) -> None:
    """Five or more texts like 石家庄市 in one column, but no 城市 above them: a person must look."""
    for col in np.unique(sheet.col_no).tolist():
        if _holds_cities(sheet, col):
            raise IngestError(
                f"Column {col} holds cities but no column is headed 城市 or 地区",
                where,
                "Check that the header rows are there",
            )


def _other_roles(top: Mapping[tuple[int, int], str], header_row: int, city_col: int) -> dict[int, str]:
    cells = {col: without_spaces(text) for (row, col), text in top.items() if row == header_row and col != city_col}
    return {col: role for col, text in cells.items() for role, names in _ROLES.items() if text in names}


def _is_label(text: str) -> bool:
    """A name in Chinese, no header word: the English line under 城市 is not the first city."""
    return text not in _CITY and has_chinese(text)


def _mark_rows(geometry: Geometry, sheet: Sheet, labels: dict[int, str], value_rows: set[int], where: str) -> None:
    """Find footnotes (at the end or between) and repeated headers from the first body row on."""
    rows = np.unique(sheet.row_no[sheet.row_no >= geometry.body_row]).tolist()
    places = [row for row in rows if _is_place(labels.get(row, ""), row in value_rows)]
    last = places[-1] if places else rows[-1]
    for row in rows:
        label = labels.get(row, "")
        if label in _CITY:
            _check_repeated_header(sheet, geometry.header_row, row, where)
            geometry.header_rows.add(row)
        elif row > last or (row not in value_rows and label.startswith(_NOTE_STARTS)):
            geometry.note_rows.add(row)


def _is_place(label: str, has_values: bool) -> bool:
    if not label or len(label) > _LABEL_LENGTH or label.startswith(_NOTE_STARTS):
        return False
    return has_values or label.endswith(_PLACE_ENDINGS)


def _check_repeated_header(sheet: Sheet, first: int, again: int, where: str) -> None:
    """A header repeated on a new page is harmless when it says the same, signs that a machine misread aside."""
    one, two = (
        {col: _words(text) for (_, col), text in sheet.rows(row, row).items()} for row in (first, again)
    )  # fmt: skip
    both = one.keys() & two.keys()
    is_alike = all(SequenceMatcher(None, one[col], two[col]).ratio() >= _SAME_HEADER for col in both)
    if one != two and not (is_alike and 2 * len(both) > max(len(one), len(two))):
        raise IngestError(
            f"A second table with other headers starts in row {again}",
            f"{where}, row {again}",
            "Save each table as a sheet of its own",
        )


def _words(text: str) -> str:
    """The Chinese of a header, where there is any: English is lost and misread most."""
    return "".join(sign for sign in text if has_chinese(sign)) or without_spaces(text)


# ---- long ---------------------------------------------------------------------------------------


def _long(sheet: Sheet, sidecar: Sidecar, where: str) -> Geometry | None:
    """Geometry of a long sheet: row 1 is the header; rows and columns that only carry remarks are notes."""
    names = {col: tidy(text) for (_, col), text in sheet.rows(1, 1).items()}
    if not names and sidecar.sheet is None and len(sheet.text) == 0:
        return None
    roles = {_key_column(names, header, role, where): role for role, header in sidecar.keys}
    geometry = Geometry(1, 2, roles, {})
    body = sheet.row_no > 1
    per_row = np.bincount(sheet.row_no[body], minlength=2)
    lines = int((per_row > 0).sum())
    for col in np.unique(sheet.col_no[body]).tolist():
        if col in names or 2 * int((sheet.col_no[body] == col).sum()) >= lines:
            geometry.paths[col] = names.get(col, "")
        else:
            geometry.note_cols.add(col)
    geometry.note_rows = _rows_without_key(sheet, roles, per_row)
    return geometry


def _key_column(names: Mapping[int, str], header: str, role: str, where: str) -> int:
    columns = [col for col, name in names.items() if without_spaces(name) == without_spaces(header)]
    if len(columns) == 1:
        return columns[0]
    what = f"The key column {header!r} ({role}) does not exist" if not columns else f"Two columns are headed {header!r}"
    raise IngestError(what, where, f"Columns: {', '.join(names.values())}. Correct 'keys' in the sidecar")


def _rows_without_key(sheet: Sheet, roles: Mapping[int, str], per_row: np.ndarray) -> set[int]:
    """Rows with at most two texts that lack the city or the year: remarks below the data, not data."""
    rows_of = {role: set(sheet.column(col)) for col, role in roles.items()}
    city_rows = rows_of["city"] | rows_of.get("code", set())
    key_rows = city_rows & rows_of["year"] if "year" in rows_of else city_rows
    return {row for row in np.flatnonzero((per_row > 0) & (per_row <= 2)).tolist() if row > 1 and row not in key_rows}
