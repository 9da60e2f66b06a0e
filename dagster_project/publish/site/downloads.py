"""The page of the files of a release: what each is for, its size and its SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dagster_project.publish.site import words
from dagster_project.publish.site.language import said
from dagster_project.publish.site.pages.base import Page, Section, Table
from dagster_project.publish.site.queries import Meta

FILES = {
    "city.duckdb": said("All tables in one file, for DuckDB.", "全部数据表，供 DuckDB 打开。"),
    "dictionary.csv": said("Every table and column with its description and unit.", "全部表与字段的说明和单位。"),
    "tables.html": said(
        "Tables, columns, tests and lineage, as dbt shows them.", "数据表、字段、检验与血缘（dbt 页面）。"
    ),
    "diff.md": said("What changed since the last release, as text.", "与上一版相比的变化（文本）。"),
    "diff.html": said("What changed since the last release, as a page.", "与上一版相比的变化（网页）。"),
}
FOLDERS = {
    "parquet": said(
        "One Parquet file a table, for Python, R and DuckDB.", "每表一个 Parquet 文件，供 Python、R 与 DuckDB。"
    ),
    "csv": said(
        "One CSV file a table (UTF-8), for Excel, Stata and R.", "每表一个 CSV 文件（UTF-8），供 Excel、Stata 与 R。"
    ),
}
NOT_LISTED = ("docs", "manifest.json")  # these pages, and the file that is written after them


def built(folder: Path, meta: Meta) -> list[Page]:
    """The page, if `folder` lies in a release folder; else none."""
    release = folder.parent
    if not (release / "diff.md").is_file():
        return []
    found = sorted(path for path in release.iterdir() if path.name not in NOT_LISTED)
    sections = [_files(release, [path for path in found if path.is_file()])]
    sections += [_folder(release, path) for path in found if path.is_dir()]
    intro = said(
        f"The files of release {meta.release}, relative to this page. A file that has the size and hash below is the "
        "one that was published; nqpf release verify checks all of them.",
        f"第 {meta.release} 版的全部文件。文件大小与哈希值一致即为所发布的文件；可用 nqpf release verify 逐一核验。",
    )
    return [Page("downloads", "Downloads", "下载", intro, tuple(sections))]


def _files(release: Path, found: list[Path]) -> Section:
    body = [(*_line(release, path), FILES.get(path.name, "")) for path in found]
    heads = ["File", "Size", "SHA-256", "What it is for"]
    kinds = ["", "num", "wide", "mid"]
    table = Table("files", "Files of the release", tuple(zip(heads, kinds, strict=True)), tuple(body))
    manifest = said(
        Markup(
            '<a href="../manifest.json">manifest.json</a> names the inputs with their hashes, the packages and the '
            "run that made the release; it is written last, so its own hash cannot stand here."
        ),
        Markup(
            '<a href="../manifest.json">manifest.json</a> 记录输入文件及其哈希值、软件包与生成本版的运行信息；'
            "它最后写入，因此此处没有它自身的哈希值。"
        ),
    )
    return Section("files", "Files", "文件", (manifest,), (), (table,))


def _folder(release: Path, folder: Path) -> Section:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    heads = (("File", ""), ("Size", "num"), ("SHA-256", "wide"))
    body = tuple(_line(release, path) for path in files)
    table = Table(f"folder-{folder.name}", f"Files in {folder.name}", heads, body, "Show the files")
    total = size(sum(path.stat().st_size for path in files))
    text = said(f"{words.count(len(files), 'file')}, {total}.", f"{len(files)} 个文件，共 {total}。")
    what = FOLDERS.get(folder.name)
    name = folder.name
    return Section(f"in-{name}", f"Folder {name}", f"文件夹 {name}", (*([what] if what else []), text), (), (table,))


def _line(release: Path, path: Path) -> tuple[Any, ...]:
    name = path.relative_to(release).as_posix()
    link = Markup('<a href="../{}">{}</a>').format(name, name)
    exact = path.stat().st_size
    shown = Markup('<span title="{} bytes">{}</span>').format(words.number(exact), size(exact))
    return link, shown, Markup("<code>{}</code>").format(_sha256(path))


def size(n: int) -> str:
    """1.2 MB (1 MB = 1,000,000 bytes)."""
    for unit, each in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n >= each:
            return f"{words.number(n / each, 1)} {unit}"
    return f"{n} B"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
