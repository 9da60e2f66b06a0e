"""How much of the disk each area of a warehouse takes."""

from pathlib import Path

import pandas as pd

from dagster_project.paths import Paths


def disk_use(paths: Paths) -> pd.DataFrame:
    """area, bytes, files, path: one row an area, those that are not there with 0; the rows do not overlap.

    Areas: landing (when it lies outside the warehouse folder, it is shown all the same), build, published (the file
    that analysts open), releases, candidates, reports, dagster (runs, logs), other (what is
    none of these in the warehouse folder).
    """
    parts = {
        "landing": paths.landing,
        "build": paths.build_file.parent,
        "published": paths.published_file,
        "releases": paths.releases,
        "candidates": paths.candidates,
        "reports": paths.reports,
        "dagster": paths.dagster_home,
    }
    rows = [(area, *size_of(path), str(path)) for area, path in parts.items()]
    whole = size_of(paths.warehouse)
    inside = [(n, files) for (_, n, files, path) in rows if Path(path).is_relative_to(paths.warehouse)]
    rest = (whole[0] - sum(n for n, _ in inside), whole[1] - sum(files for _, files in inside))
    rows.append(("other", *rest, str(paths.warehouse)))
    return pd.DataFrame(rows, columns=["area", "bytes", "files", "path"])


def size_of(path: Path) -> tuple[int, int]:
    """Bytes and number of the files at or below a path; links are not followed."""
    files = [path] if path.is_file() else (p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
    sizes = [file.stat().st_size for file in files]
    return sum(sizes), len(sizes)


def human(n_bytes: int) -> str:
    """1.2 GB, 34 MB, 5 kB: powers of 1000."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes} B"
