"""Landing files of a SYNTHETIC country with or without planted effects, to try methods on a known truth."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from dagster_project.demo import generate_demo
from dagster_project.errors import EXIT_BAD_INPUT, EXIT_OK
from dagster_project.operations.preflight import is_writable
from dagster_project.run.failures import say
from python_models.simulation import COMPLICATIONS, EFFECTS, Truth

SLIPS = "slips"


def write_demo(console: Console, folder: Path, *, without: Sequence[str], seed: int, cities: int | None) -> int:
    """Write clean files into a new or empty folder. Exit: 0 written, 2 a folder or an effect that cannot be."""
    planted_off = (*EFFECTS, SLIPS) if "all" in without else ()
    off = tuple(dict.fromkeys((*planted_off, *(name for name in without if name != "all"))))
    problem = _problem(folder, off)
    if not problem:
        try:
            truth = Truth().without(*(name for name in off if name != SLIPS))
            generate_demo(folder, seed=seed, cities=cities, truth=truth, is_damaged=False, has_slips=SLIPS not in off)
        except ValueError as error:
            problem = str(error)
    if problem:
        say(console, problem)
        return EXIT_BAD_INPUT
    effects = f"without {', '.join(off)}" if off else "with all effects"
    say(
        console,
        f"Written: SYNTHETIC landing files in {folder}, {effects}.",
        f"The truth, in csv files: {folder / 'truth'}",
        f"Next: nqpf refresh --landing {folder} --warehouse FOLDER; then mart.mart_truth_recovery",
    )
    return EXIT_OK


def _problem(folder: Path, off: Sequence[str]) -> str:
    """Why nothing can be written; nothing where it can."""
    names = (*EFFECTS, SLIPS, *COMPLICATIONS)
    if unknown := [name for name in off if name not in names]:
        return f"unknown effect '{unknown[0]}': choose from {', '.join(names)}, all."
    if not folder.is_dir() and folder.exists():
        return f"{folder} is a file: name a new folder."
    if folder.exists() and any(folder.iterdir()):
        return f"{folder} is not empty: name a new folder, so that no file is mixed with others."
    return "" if is_writable(folder) else f"{folder} cannot be written: name another folder."
