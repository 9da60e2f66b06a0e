"""Landing files of a SYNTHETIC country with or without planted effects, to try methods on a known truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dagster_project.demo import generate_demo
from dagster_project.operations.preflight import is_writable
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_OK
from python_models.simulation import COMPLICATIONS, EFFECTS, Truth

SLIPS = "slips"


def write_demo(console: Console, folder: Path, *, without: Sequence[str], seed: int, cities: int | None) -> int:
    """Write clean files into a new or empty folder. Exit: 0 written, 2 a folder or an effect that cannot be."""
    known = (*EFFECTS, SLIPS, *COMPLICATIONS)
    if unknown := [name for name in without if name not in (*known, "all")]:
        return _refuse(console, f"unknown effect '{unknown[0]}': choose from {', '.join(known)}, all.")
    planted_off = (*EFFECTS, SLIPS) if "all" in without else ()
    off = tuple(dict.fromkeys((*planted_off, *(name for name in without if name != "all"))))
    parent = next(p for p in (folder, *folder.parents) if p.exists())
    if not folder.is_dir() and folder.exists():
        return _refuse(console, f"{folder} is a file: name a new folder.")
    if folder.exists() and any(folder.iterdir()):
        return _refuse(console, f"{folder} is not empty: name a new folder, so that no file is mixed with others.")
    if not is_writable(parent):
        return _refuse(console, f"{folder} cannot be written: name another folder.")
    try:
        truth = Truth().without(*(name for name in off if name != SLIPS))
        generate_demo(folder, seed=seed, cities=cities, truth=truth, is_damaged=False, has_slips=SLIPS not in off)
    except ValueError as error:
        return _refuse(console, str(error))
    planted = f"without {', '.join(off)}" if off else "with all effects"
    for line in (
        f"Written: SYNTHETIC landing files in {folder}, {planted}.",
        f"The truth, in csv files: {folder / 'truth'}",
        f"Next: nqpf refresh --landing {folder} --warehouse FOLDER; then mart.mart_truth_recovery",
    ):
        console.print(escape(line), highlight=False, soft_wrap=True)
    return EXIT_OK


def _refuse(console: Console, sentence: str) -> int:
    console.print(escape(sentence), highlight=False, soft_wrap=True)
    return EXIT_BAD_INPUT
