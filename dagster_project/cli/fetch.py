"""`nqpf fetch`: the one command that downloads."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from dagster_project.errors import EXIT_FAILED, EXIT_OK, IngestError, Refusal
from dagster_project.ingest.sidecar import find_sidecars
from dagster_project.operations.fetch import Wanted, collect, download, is_open, list_files
from dagster_project.paths import Paths
from dagster_project.run.failures import answering, say
from dagster_project.run.versions import project_version


@answering
def fetch_files(paths: Paths, console: Console, sources: Sequence[str], *, folder: Path | None, dry_run: bool) -> int:
    """Exit: 0 every file is there, 1 some are not, 2 bad input."""
    try:
        sidecars = find_sidecars(paths.sidecars)
    except IngestError as error:
        raise Refusal(str(error)) from error
    unknown = sorted(set(sources) - {sidecar.source for sidecar in sidecars})
    if unknown:
        source_names = ", ".join(sorted({sidecar.source for sidecar in sidecars}))
        raise Refusal(f"No sidecar in {paths.sidecars} has the source {', '.join(unknown)}. Sources: {source_names}.")
    if folder is not None and not folder.is_dir():
        raise Refusal(f"There is no folder {folder}. Name the folder in which the files may lie.")
    items = list_files([s for s in sidecars if not sources or s.source in sources], paths.landing)
    n_there = sum(item.state == "there" for item in items)
    for item in items:
        if item.state == "differs":
            say(console, f"Left alone: {paths.landing / item.file.path} has other bytes than {item.sidecar.path} says.")
    missing = [item for item in items if item.state == "missing"]
    if folder is not None and not dry_run:
        place_of = collect(missing, folder, paths.landing, lambda line: say(console, line))
        for path, place in place_of.items():
            say(console, f"Copied: {path} from {place}")
        missing = [item for item in missing if item.file.path not in place_of]
    left, n_open = [], 0
    for item in missing:
        if not is_open(item.sidecar):
            left.append(item)
        elif dry_run:
            n_open += 1
            say(console, f"Would download: {item.file.path} ({item.sidecar.licence})")
        elif reason := download(item, paths.landing, f"nqpf/{project_version()}"):
            say(console, f"Not downloaded: {item.file.path}: {reason}. Nothing was written.")
            left.append(item)
        else:
            say(console, f"Downloaded: {item.file.path} ({item.sidecar.licence})")
    _say_how(console, [item for item in left if not is_open(item.sidecar)])
    n_left = len(left) + n_open + sum(item.state == "differs" for item in items)
    say(
        console,
        f"Files: {len(items)}; there before: {n_there}, new: {len(items) - n_there - n_left}, missing: {n_left}.",
    )
    return EXIT_FAILED if n_left else EXIT_OK


def _say_how(console: Console, items: Sequence[Wanted]) -> None:
    """By load: how its files can be had, under which names they must lie, where the same bytes were seen."""
    for sidecar in dict.fromkeys(item.sidecar for item in items):
        obtain = sidecar.obtain
        say(console, f"{sidecar.label}: {sidecar.title}, {sidecar.producer}; licence: {sidecar.licence}")
        if obtain is None:
            say(console, "  how: its sidecar does not say (key obtain)")
        else:
            bar = " (not downloaded: no licence is stated)" if obtain.how == "http" else ""
            say(console, f"  how: {obtain.how}, {obtain.words}{bar}")
            for copy in obtain.copies:
                say(console, f"  the same bytes were seen in: {copy.repository} @ {copy.commit[:12]}, {copy.path}")
        for file in [item.file for item in items if item.sidecar is sidecar]:
            say(console, f"  as {file.path}  sha256 {file.sha256}")
