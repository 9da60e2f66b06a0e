"""Small landing files and their sidecars, written for each test."""

from functools import partial
from pathlib import Path

import pytest
import xlsxwriter
from landing_files import write_sidecar_of
from reading import Reading

from dagster_project.ingest.sidecar import Sidecar, read_sidecar


@pytest.fixture(scope="session")
def reading():
    return Reading()


@pytest.fixture
def write_sidecar(tmp_path):
    """write_sidecar(files=[names], name=..., **changes): a sidecar in tmp_path; None removes a key."""
    return partial(write_sidecar_of, tmp_path)


@pytest.fixture
def sidecar_of(write_sidecar):

    def make(*names: str, **changes: object) -> Sidecar:
        return read_sidecar(write_sidecar(*names, **changes))

    return make


@pytest.fixture
def write_xlsx(tmp_path):
    """write_xlsx(name, {sheet: (rows, merged)}): rows are lists, None is empty; merged are A1 ranges."""

    def write(name: str, sheets: dict[str, tuple[list[list[object]], list[str]]]) -> Path:
        with xlsxwriter.Workbook(tmp_path / name) as book:
            for title, (rows, merged) in sheets.items():
                sheet = book.add_worksheet(title)
                for at in merged:
                    sheet.merge_range(at, "")
                for row, values in enumerate(rows):
                    for col, value in enumerate(values):
                        if value is not None:
                            sheet.write(row, col, value)
        return tmp_path / name

    return write
