"""Small landing files and their sidecars, written for each test."""

import hashlib
from pathlib import Path

import pytest
import xlsxwriter
import yaml

from dagster_project.ingest.sidecar import Sidecar, read_sidecar

BASE = {
    "source": "yearbook",
    "layout": "wide",
    "data_year": 2019,
    "edition_year": 2020,
    "producer": "test office",
    "title": "a test table",
    "licence": "none stated",
    "accessed": "2026-11-01",
    "maturity": "first_print",
    "is_synthetic": True,
}


@pytest.fixture
def write_sidecar(tmp_path):
    """write_sidecar(files=[names], name=..., **changes): a sidecar in tmp_path; None removes a key."""

    def write(*names: str, name: str = "load.yml", **changes: object) -> Path:
        files = [{"path": one, "sha256": _sha(tmp_path / one)} for one in names]
        content = {**BASE, "files": files, **changes}
        path = tmp_path / name
        text = yaml.safe_dump({key: value for key, value in content.items() if value is not None}, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def sidecar_of(write_sidecar):
    """The same, parsed."""

    def make(*names: str, **changes: object) -> Sidecar:
        return read_sidecar(write_sidecar(*names, **changes))

    return make


@pytest.fixture
def write_xlsx(tmp_path):
    """write_xlsx(name, {sheet: (rows, merged)}): rows are lists, None is empty; merged are A1 ranges."""

    def write(name: str, sheets: dict[str, tuple[list[list[object]], list[str]]]) -> Path:
        path = tmp_path / name
        with xlsxwriter.Workbook(path) as book:
            for title, (rows, merged) in sheets.items():
                sheet = book.add_worksheet(title)
                for at in merged:
                    sheet.merge_range(at, "")
                for row, values in enumerate(rows):
                    for col, value in enumerate(values):
                        if value is not None:
                            sheet.write(row, col, value)
        return path

    return write


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "0" * 64
