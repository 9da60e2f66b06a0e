"""The throw-away database: a copy of a template that dbt fills once with the seeds and the reading models."""

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb

from dagster_project.errors import IngestError
from dagster_project.files import hash_of_files
from dagster_project.paths import PROJECT, Paths, cache_folder
from dagster_project.run.dbt import DbtCommand, models_of_the_gate
from dagster_project.run.versions import dbt_files
from dagster_project.store import SCHEMA_SQL, Warehouse

KEPT = 3  # templates of older seeds and models that stay in the cache

READ = {"dbt_project.yml", "profiles.yml", "macros", "seeds", "models"}  # of the dbt project
MODELS = {"_sources.yml", "staging", "reading", "edit", "gate"}  # up to the verdict


def reading_files(project: Path) -> list[Path]:
    """The part of the dbt project that reads: a mart that is being worked on does not stand in the way."""
    paths = Paths(project, project, project, project)
    parts = {file: file.relative_to(paths.dbt_project).parts for file in dbt_files(paths)}
    return [file for file, part in parts.items() if part[0] in READ and (part[0] != "models" or part[1] in MODELS)]


def template_key(project: Path = PROJECT) -> str:
    """Changes when a seed, a reading model, a macro or the database changes."""
    return f"{hash_of_files([*reading_files(project), SCHEMA_SQL])[:16]}-{duckdb.__version__}"


def template_file(say: Callable[[str], None], project: Path = PROJECT) -> Path:
    """The template, built first if it is not there; `say` gets one line when it is built.

    IngestError: the cache folder cannot be written, or dbt could not build the models.
    """
    folder = cache_folder()
    file = folder / f"reading-{template_key(project)}.duckdb"
    if file.is_file():
        return file
    say("Building the reading models once (about 15 seconds of a processor); later calls use the copy in the cache.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="build-") as scratch:
            new_file = _build(Path(scratch), project)
            new_file.replace(file)  # two first calls at the same time: the last one wins, both are the same
    except OSError as error:
        raise IngestError(
            f"The reading models cannot be built in the cache ({error})", str(folder), "Set XDG_CACHE_HOME to a folder"
        ) from None
    _forget_old(folder)
    return file


def _build(scratch: Path, project: Path) -> Path:
    paths = Paths(warehouse=scratch, landing=scratch, sidecars=scratch, project=scratch)
    for file in reading_files(project):
        copy = paths.dbt_project / file.relative_to(project / "dbt")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    Warehouse(paths.build_file).prepare()
    select = ("--select", "+exposure:gate", "--exclude-resource-type", "unit_test", "test")
    with DbtCommand(paths, "build", *select, DBT_WRITE_JSON="true") as command:
        lines = [line.strip() for line in command.lines()]
    if not command.is_ok:
        at = next((at for at, line in enumerate(lines) if "Error" in line), 0)
        reason = " ".join(lines[at : at + 3]) or "it gave no reason"
        raise IngestError(f"dbt could not build the reading models ({reason})", str(project / "dbt"), "Correct them")
    models = models_of_the_gate(json.loads(paths.dbt_manifest.read_text(encoding="utf-8")))
    with Warehouse(paths.build_file).connect() as con:
        # there are no cells yet: the tables are empty, and made again from these queries for each file
        con.execute(
            "create table ops.gate_model"
            " (position integer, schema varchar, name varchar, folder varchar, query varchar)"
        )
        con.executemany(
            "insert into ops.gate_model values (?, ?, ?, ?, ?)",
            [(at, m["schema"], m["name"], m["fqn"][-2], m["compiled_code"]) for at, m in enumerate(models)],
        )
    return paths.build_file


def _forget_old(folder: Path) -> None:
    files = sorted(folder.glob("reading-*.duckdb"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[KEPT:]:
        with suppress(OSError):
            file.unlink()


def throw_away_copy(template: Path, folder: Path) -> Warehouse:
    """A copy in a folder that the caller deletes, under the name by which the queries of dbt call the build file."""
    file = folder / "city.duckdb"
    shutil.copyfile(template, file)
    return Warehouse(file)
