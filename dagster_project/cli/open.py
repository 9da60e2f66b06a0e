"""`nqpf open`: a release on a web server or a file share, read from here."""

import os
import re
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from dagster_project.cli import output
from dagster_project.cli.sql import ask_lines, print_answers, query_text
from dagster_project.errors import Refusal
from dagster_project.paths import Paths
from dagster_project.publish.questions.guard import PERSON, Limits
from dagster_project.publish.release.disk import human
from dagster_project.publish.remote.read import Opened, connect, open_release, whole
from dagster_project.publish.remote.transport import SECONDS, Place
from dagster_project.run.failures import answering, say
from dagster_project.run.versions import project_version

CACHE = "NQPF_CACHE"
ROOM = {"easy": "for readers", "mart": "all results", "ops": "the run"}


@answering
def open_place(
    paths: Paths,
    console: Console,
    address: str,
    query: str | None,
    *,
    file: Path | None = None,
    release: str | None = None,
    key: Path | None = None,
    form: str | None = None,
    is_shell: bool = False,
    is_whole: bool = False,
    seconds: float = SECONDS,
    limits: Limits = PERSON,
) -> int:
    """Answer a query from the tables that it names; without one say what is there. No warehouse is read.

    Exit: 0 done, 2 the place, the key or the query cannot be used; nothing wrong is ever kept or answered from.
    """
    form = form or ("table" if console.is_terminal else "csv")
    output.check_form(form)
    text = query_text(query, file) if query is not None or file is not None else None
    place = Place(_address(address), f"nqpf/{project_version()}", seconds)
    opened = open_release(place, _cache(), release, _key(key))
    voice = Console(stderr=True)
    _announce(voice, opened)
    if is_whole:
        _say_whole(console, whole(opened))
    elif is_shell:
        return ask_lines(lambda line: _answer_line(paths, console, opened, line, form, limits))
    elif text is None:
        _show(console, opened)
    else:
        with connect(opened, text, limits.settings) as con:
            print_answers(con, console, text, form, limits)
    say(voice, f"{place.n_requests} requests, {human(place.n_bytes)} read from there; the rest from the cache.")
    return 0


@answering
def _answer_line(paths: Paths, console: Console, opened: Opened, line: str, form: str, limits: Limits) -> None:
    with connect(opened, line, limits.settings) as con:
        print_answers(con, console, line, form, limits)


def _address(text: str) -> str:
    """A web address, or a folder. Raises Refusal for another kind of address."""
    if re.match(r"https?://[^/]", text):
        return text.rstrip("/")
    if "://" in text and not text.startswith("file://"):
        raise Refusal(f"{text} is neither http(s)://... nor a folder.")
    folder = Path(text.removeprefix("file://")).expanduser().absolute()
    if not folder.is_dir():
        raise Refusal(f"There is no folder {folder}. Name a web address (https://...) or the folder with latest.json.")
    return str(folder)


def _key(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}.") from error


def _cache() -> Path:
    folder = os.environ.get(CACHE, "").strip()
    return Path(folder) if folder else Path(typer.get_app_dir("nqpf-warehouse")) / "opened"


def _announce(voice: Console, opened: Opened) -> None:
    manifest = opened.manifest
    mark = "[bold yellow]SYNTHETIC demo data[/], " if manifest.get("is_synthetic") else ""
    voice.print(
        f"{mark}release {opened.release}, data vintage {escape(str(manifest.get('data_vintage')))},"
        f" {escape(opened.address)}",
        highlight=False,
        soft_wrap=True,
    )
    say(voice, *opened.notes)


def _show(console: Console, opened: Opened) -> None:
    """Versions, tables and how to cite: what one asks before the first query."""
    for row in opened.channels.get("releases", []):
        states = [name for name, release in opened.channels.get("channels", {}).items() if release == row["release"]]
        state = f"withdrawn: {row['withdrawn']}" if "withdrawn" in row else ", ".join(states)
        say(console, f"{row['release']}  built {row.get('built', '')}  {state}".rstrip())
    say(console, "")
    tables = opened.manifest["tables"]
    for schema, words in ROOM.items():
        names = [name for name in tables if name.startswith(f"{schema}.")]
        if names:
            alone = sum("sha256" not in tables[name] for name in names)
            note = f"; {alone} of them in the whole file alone (--whole)" if alone else ""
            say(console, f"{schema} ({words}): {len(names)} tables{note}")
            if schema == "easy":
                for name in names:
                    about = str(tables[name].get("about", "")).split(". ")[0]
                    say(console, f"  {name.split('.')[1]}  {tables[name].get('rows') or '?'} rows  {about}"[:160])
    say(console, "", opened.manifest["cite"]["text"])


def _say_whole(console: Console, warehouse: Path) -> None:
    say(
        console,
        f"The whole release lies in {warehouse}. `nqpf use {warehouse}` makes every command ask it: sql, ask, mcp,"
        " whatif, check, explain.",
    )
