"""`nqpf sidecar`: the sidecar that a file needs, with what the file itself tells. Who made it is for people to say."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from dagster_project.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, IngestError
from dagster_project.files import sha256_of
from dagster_project.ingest.sidecar import LandingFile, Sidecar, find_sidecars
from dagster_project.inspect.command import named
from dagster_project.inspect.frames import Draft, Request, read_draft
from dagster_project.inspect.guess import GuessError
from dagster_project.inspect.template import template_file, throw_away_copy
from dagster_project.paths import PROJECT


@dataclass(frozen=True)
class Statements:
    """What no file tells: None is left open, and a refresh asks for it."""

    producer: str | None = None
    title: str | None = None
    licence: str | None = None
    maturity: str = "first_print"
    edition: int | None = None


def draft_sidecar(
    files: Sequence[Path], request: Request, landing: Path, statements: Statements, *, write: bool
) -> int:
    """Print the sidecar, or write it beside the first file; words for people go to stderr.

    Exit: 0 complete, 1 something is left open, 2 not possible.
    """
    console = Console(stderr=True)
    try:
        draft = _with_source(read_draft(request, PROJECT / "warehouse" / "landing"), console.print)
        sidecar = replace(draft.sidecar, files=tuple(_landed(file, landing) for file in files))
        content = content_of(sidecar, statements, title_of(draft), find_sidecars(landing) if landing.is_dir() else [])
    except (IngestError, GuessError) as error:
        console.print(str(error), highlight=False, markup=False, soft_wrap=True)
        return EXIT_BAD_INPUT
    for guess in draft.remarks:
        console.print(f"Guessed, please check: {guess}", highlight=False, markup=False, soft_wrap=True)
    if "supersedes" in content:
        earlier_load = f"{content['supersedes']} of {sidecar.source} {sidecar.data_year}"
        console.print(f"It replaces the load {earlier_load}.", highlight=False, style="yellow")
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120).replace(": null\n", ":\n")
    if not write:
        print(text, end="")
    else:
        console.print(f"Written: {_write(text, files[0].parent, sidecar)}", highlight=False, soft_wrap=True)
    is_open = [key for key, value in content.items() if value is None]
    if is_open:
        console.print(f"For you to fill in: {', '.join(is_open)}.", highlight=False, style="yellow")
    return EXIT_FAILED if is_open else EXIT_OK


def content_of(load: Sidecar, statements: Statements, title: str, others: Sequence[Sidecar]) -> dict[str, Any]:
    """The keys of the sidecar in reading order; an earlier vintage of the same source and year is superseded.

    IngestError where that one is of another layout: a table is no new version of a whole edition.
    """
    before = [one for one in others if (one.source, one.data_year) == (load.source, load.data_year)]
    superseded_vintages = {one.supersedes for one in before}
    last = [one for one in before if one.vintage not in {*superseded_vintages, load.vintage}][-1:]
    if last and last[0].layout != load.layout:
        raise IngestError(
            f"It would replace {last[0].vintage} of {load.source} {load.data_year}, which is {last[0].layout}, not"
            f" {load.layout}",
            ", ".join(file.path for file in load.files),
            "Name the source it is of with --source",
        )
    content: dict[str, Any] = {
        "source": load.source,
        "layout": load.layout,
        "data_year": load.data_year or None,
        "edition_year": statements.edition,
        "files": [{"path": file.path, "sha256": file.sha256} for file in load.files],
        "sheet": load.sheet,
        "keys": dict(load.keys) or None,
        "supersedes": last[0].vintage if last else None,
    }
    fields = {key: value for key, value in content.items() if value is not None}
    return fields | {
        "producer": statements.producer,
        "title": statements.title or title,
        "licence": statements.licence,
        "accessed": load.accessed,
        "maturity": statements.maturity,
        "is_synthetic": load.is_synthetic,
    }


def title_of(draft: Draft) -> str:
    """The first printed title, else the name of the file."""
    titles = draft.cells.loc[draft.cells["part"] == "title", "text"].tolist()
    return " ".join(str(titles[0]).split()) if titles else draft.sidecar.title


def _with_source(draft: Draft, say: Callable[[str], None]) -> Draft:
    if draft.has_source:
        return draft
    with tempfile.TemporaryDirectory(prefix="nqpf-sidecar-") as folder:
        return named(draft, throw_away_copy(template_file(say), Path(folder)))


def _landed(file: Path, landing: Path) -> LandingFile:
    path = file.resolve()
    if not path.is_relative_to(landing.resolve()):
        raise IngestError("The file does not lie below the landing folder", str(file), f"Put it below {landing}")
    return LandingFile(path.relative_to(landing.resolve()).as_posix(), sha256_of(path))


def _write(text: str, folder: Path, sidecar: Sidecar) -> Path:
    """Beside the file, as <source>.yml; a second vintage has its vintage in the name."""
    target = folder / f"{sidecar.source}.yml"
    if target.exists():
        target = folder / f"{sidecar.source}_{sidecar.vintage}.yml"
    target.write_text(text, encoding="utf-8")
    return target
