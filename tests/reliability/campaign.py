"""Many kills for the price of few refreshes.

A refresh is frozen at many moments, and each time its disk is copied: the copy is the warehouse that a SIGKILL would
have left at that moment. Each copy is judged; the next refresh begins in one of them and must go through.
"""

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from house import House
from killing import Refresh, State, land_a_change, nothing_is_lost, published_is_whole
from landing_tools import vintage_of

from dagster_project.paths import Paths


def disk_of(house: House, target: Path) -> House:
    """The warehouse folder as it is now, file by file. Releases are never written to again: they are linked."""
    releases = house.paths.releases

    def copy_or_link(source: str, destination: str) -> None:
        inside = Path(source).relative_to(releases).parts[0] if Path(source).is_relative_to(releases) else "."
        (shutil.copy2 if inside.startswith(".") else os.link)(source, destination)

    shutil.copytree(house.paths.warehouse, target, copy_function=copy_or_link)
    return House(Paths(target, house.paths.landing, house.paths.sidecars))


@dataclass
class Campaign:
    """Freezes of one warehouse's refreshes; see the module.

    seconds: how long a refresh is at work, about. moments: where each freeze was.
    """

    house: House
    rng: random.Random
    scratch: Path
    seconds: float = 0.0
    editions: int = 0
    moments: list[str] = field(default_factory=list)
    recoveries: int = 0

    def refresh(self, freezes: Callable[[Refresh, Callable[[], None]], None] | None = None) -> list[Path]:
        """Land a change and refresh to the end, frozen on the way; the copied disks, each found whole."""
        self.editions += 1
        land_a_change(self.house, self.editions)
        before, old = State.of(self.house), published_is_whole(self.house)
        run, copies, frozen = Refresh(self.house), [], 0.0

        def copy() -> None:
            nonlocal frozen
            began = time.monotonic()
            with standing_still(run):
                copies.append(self._copy(run, began - run.started - frozen))
            frozen += time.monotonic() - began

        if freezes:
            freezes(run, copy)
        assert run.wait(1800) == 0, run.text[-2000:]
        self.seconds = time.monotonic() - run.started - frozen
        self._goes_through(before)
        for disk in copies:
            self._is_whole(disk, before, old)
        return copies

    def at_random(self, times: int) -> Callable[[Refresh, Callable[[], None]], None]:
        """Freezes at moments that are uniform over the time at work; one that comes after the end is none."""

        def freezes(run: Refresh, copy: Callable[[], None]) -> None:
            at = 0.0
            for moment in sorted(self.rng.uniform(0, self.seconds) for _ in range(times)):
                if run.wait(moment - at) is not None:
                    return
                at = moment
                copy()

        return freezes

    def go_on_from(self, disk: Path) -> None:
        """The kill that happened: the warehouse is what that copy holds."""
        shutil.rmtree(self.house.paths.warehouse)
        disk.rename(self.house.paths.warehouse)

    def _copy(self, run: Refresh, seconds: float) -> Path:
        where = run.steps[-1] if run.steps else "start"
        self.moments.append(f"{seconds:.1f} s, after {where}")
        target = self.scratch / f"disk_{len(self.moments)}"
        disk_of(self.house, target)
        return target

    def _is_whole(self, disk: Path, before: State, old: str) -> None:
        """The old release or the new one, byte by byte, and every raw row that was there."""
        house = House(Paths(disk, self.house.paths.landing, self.house.paths.sidecars))
        now, after = published_is_whole(house), State.of(house)
        assert (after.published == before.published) == (now == old), f"{now} and {old} at {self.moments[-1]}"
        nothing_is_lost(before, after)

    def _goes_through(self, before: State) -> None:
        """Without hand work: what was landed is published, nothing is lost, nothing half-made is left."""
        published_is_whole(self.house, by_table=True)
        nothing_is_lost(before, State.of(self.house))
        sidecar = self.house.paths.landing / "yearbook" / "2014" / f"edition_{self.editions}.yml"
        used = self.house.published(
            "select distinct vintage from mart.mart_source_value where source = 'yearbook' and year = 2014"
        )
        assert list(used["vintage"]) == [vintage_of(sidecar)]
        assert [path for path in self.house.paths.published.rglob("*") if ".tmp" in path.name] == []
        self.recoveries += 1
        print(f"{self.recoveries} refreshes went through, {len(self.moments)} moments looked at", flush=True)


@contextmanager
def standing_still(run: Refresh) -> Iterator[None]:
    run.freeze()
    try:
        yield
    finally:
        run.thaw()
