"""Hands for the landing folder: change cells of a workbook, write a file's sidecar with its true hash."""

import hashlib
from dataclasses import dataclass

import xlsxwriter
import yaml
from python_calamine import CalamineWorkbook

type Cell = str | float


@dataclass
class Page:
    """The first sheet of a workbook as a grid, rows and columns from 0."""

    name: str
    rows: list[list[Cell]]
    merged: list[tuple[tuple[int, int], tuple[int, int]]]

    def row_of(self, city):
        """Row number of a city by its printed name."""
        return next(at for at, row in enumerate(self.rows) if str(row[0]).strip() == city)

    def column_of(self, header, leaf=""):
        """Column below the first header text that starts with `header`; with a leaf such as 全市 the one of it."""
        head = self.rows[:8]
        columns = range(2, len(head[0]))
        first = next(at for row in head for at in columns if str(row[at]).strip().startswith(header))
        return next(at for at in columns[first - 2 :] if any(str(row[at]).startswith(leaf or header) for row in head))

    @property
    def city_rows(self):
        """Rows that hold figures of a city."""
        first = 1 + max(at for at, row in enumerate(self.rows) if "全市" in [str(cell).strip()[:2] for cell in row])
        return [at for at in range(first, len(self.rows)) if any(cell != "" for cell in self.rows[at][2:])]

    def replace_text(self, old, new):
        """In every header text."""
        for row in self.rows[:8]:
            row[:] = [cell.replace(old, new) if isinstance(cell, str) else cell for cell in row]


def read_page(file):
    """The first sheet of a workbook, read by the library itself and not by the project's reader."""
    sheet = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0)
    return Page(sheet.name, sheet.to_python(skip_empty_area=False), list(sheet.merged_cell_ranges or []))


def write_page(page, file):
    """Write the grid back, merged ranges included."""
    with xlsxwriter.Workbook(str(file)) as book:
        sheet = book.add_worksheet(page.name)
        for (top, left), (bottom, right) in page.merged:
            sheet.merge_range(top, left, bottom, right, "")
        for at, row in enumerate(page.rows):
            for col, value in enumerate(row):
                if value != "":
                    (sheet.write_string if isinstance(value, str) else sheet.write_number)(at, col, value)


def changed_copy(file, name, change):
    """A workbook beside `file` with one thing changed."""
    page = read_page(file)
    change(page)
    target = file.with_name(name)
    write_page(page, target)
    return target


def read_sidecar(sidecar):
    content = yaml.safe_load(sidecar.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def write_sidecar(sidecar, content):
    sidecar.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return sidecar


def entry(landing, file):
    """One line of `files`: path below the landing folder and true sha256."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"path": file.relative_to(landing).as_posix(), "sha256": digest}


def vintage_of(sidecar):
    """Vintage of a load of one file: the first twelve hex digits of its hash."""
    (only,) = read_sidecar(sidecar)["files"]
    return str(only["sha256"])[:12]


def supersede(landing, old, file, **changes):
    """A sidecar beside `old` that says: this file replaces the vintage of `old`."""
    content = {**read_sidecar(old), "files": [entry(landing, file)], "supersedes": vintage_of(old), **changes}
    return write_sidecar(old.with_name(f"{file.stem}.yml"), content)


def renew_hash(landing, sidecar, **changes):
    """The sidecar takes the hashes that its files have now."""
    content = read_sidecar(sidecar)
    files = [entry(landing, landing / one["path"]) for one in content["files"]]
    write_sidecar(sidecar, {**content, "files": files, **changes})
