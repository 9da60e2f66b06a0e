"""A refresh killed at any moment: what is published is whole, no raw row is gone, the next one needs no hand work.

Many kills for the price of few refreshes: a refresh is frozen at many moments, and each time its disk is copied. The
copy is the warehouse that a SIGKILL would have left; it is judged, and the next refresh begins in one of them.
NQPF_KILLS sets how many random moments the long campaign looks at (200), NQPF_KILLS_SEED its seed.
"""

import os
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from house import House
from killing import Refresh, State, land_a_change, nothing_half_made, nothing_is_lost, published_is_whole
from landing_tools import vintage_of

from dagster_project.publish.release.folder import file_hashes

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

KILLS, SEED = int(os.environ.get("NQPF_KILLS", "200")), int(os.environ.get("NQPF_KILLS_SEED", "1"))
A_REFRESH = 7  # so many moments of one refresh


def disk_of(house, target):
    """The warehouse folder as it is now, file by file. Releases are never written to again: they are linked."""
    releases = house.paths.releases

    def copy_or_link(source, destination):
        inside = Path(source).relative_to(releases).parts[0] if Path(source).is_relative_to(releases) else "."
        (shutil.copy2 if inside.startswith(".") else os.link)(source, destination)

    shutil.copytree(house.paths.warehouse, target, copy_function=copy_or_link)
    return House(replace(house.paths, warehouse=target))


class Campaign:
    """Freezes of one warehouse's refreshes; see the module."""

    def __init__(self, house, scratch):
        self.house, self.scratch, self.rng = house, scratch, random.Random(SEED)
        self.seconds = 0.0  # how long a refresh is at work, about
        self.moments = []  # where each freeze was
        self.refreshes = 0

    def refresh(self, freezes=None):
        """Land a change and refresh to the end, frozen on the way; the copied disks, each found whole."""
        self.refreshes += 1
        land_a_change(self.house, self.refreshes)
        before, old = State.of(self.house), published_is_whole(self.house)
        run, copies, frozen = Refresh(self.house), [], 0.0

        def copy():
            nonlocal frozen
            began = time.monotonic()
            run.freeze()
            try:
                copies.append(self._copy(run, began - run.started - frozen))
            finally:
                run.thaw()
            frozen += time.monotonic() - began

        if freezes:
            freezes(run, copy)
        assert run.wait(1800) == 0, run.text[-2000:]
        self.seconds = time.monotonic() - run.started - frozen
        self._goes_through(before)
        for disk in copies:
            self._is_whole(disk, before, old)
        return copies

    def at_random(self, times):
        """Freezes at moments that are uniform over the time at work; one that comes after the end is none."""

        def freezes(run, copy):
            at = 0.0
            for moment in sorted(self.rng.uniform(0, self.seconds) for _ in range(times)):
                if run.wait(moment - at) is not None:
                    return
                at = moment
                copy()

        return freezes

    def go_on_from(self, disk):
        """The kill that happened: the warehouse is what that copy holds."""
        shutil.rmtree(self.house.paths.warehouse)
        disk.rename(self.house.paths.warehouse)

    def _copy(self, run, seconds):
        self.moments.append(f"{seconds:.1f} s, after {run.steps[-1] if run.steps else 'start'}")
        return disk_of(self.house, self.scratch / f"disk_{len(self.moments)}").paths.warehouse

    def _is_whole(self, disk, before, old):
        """The old release or the new one, byte by byte, and every raw row that was there."""
        house = House(replace(self.house.paths, warehouse=disk))
        now, after = published_is_whole(house), State.of(house)
        assert (after.published == before.published) == (now == old), f"{now} and {old} at {self.moments[-1]}"
        nothing_is_lost(before, after)

    def _goes_through(self, before):
        """Without hand work: what was landed is published, nothing is lost, nothing half-made is left."""
        published_is_whole(self.house, by_table=True)
        nothing_is_lost(before, State.of(self.house))
        sidecar = self.house.paths.landing / "yearbook" / "2014" / f"edition_{self.refreshes}.yml"
        used = self.house.published(
            "select distinct vintage from mart.mart_source_value where source = 'yearbook' and year = 2014"
        )
        assert list(used["vintage"]) == [vintage_of(sidecar)]
        assert nothing_half_made(self.house)
        print(f"{self.refreshes} refreshes went through, {len(self.moments)} moments looked at", flush=True)


@pytest.fixture
def campaign(house, tmp_path):
    (tmp_path / "disks").mkdir()
    return Campaign(house, tmp_path / "disks")


def test_frozen_disk_is_the_disk_of_a_kill(house, tmp_path):
    """What the campaign rests on; the moment is one at which dbt writes, in a process of its own."""
    land_a_change(house, 1)
    old = published_is_whole(house)
    run = Refresh(house)
    run.wait_for_step(4)
    run.wait(random.Random(SEED).uniform(0, 3))
    run.freeze()
    copy = disk_of(house, tmp_path / "disk")
    run.kill()
    assert len(run.steps) >= 4
    assert file_hashes(copy.paths.warehouse) == file_hashes(house.paths.warehouse)
    assert published_is_whole(house) == old


def test_killed_at_every_asset_boundary_and_at_random_moments(campaign):
    """Each boundary of one refresh, then random moments of those that go on from there (or, when there are no more
    boundaries, from a random moment of the one before)."""

    def every_boundary(run, copy):
        number = 0
        while run.wait(0) is None:
            run.wait_for_step(number)
            if run.wait(0) is None:
                copy()
            number = max(number, len(run.steps)) + 1

    starts = campaign.refresh(every_boundary)
    boundaries = len(starts)
    while len(campaign.moments) < boundaries + KILLS:
        made = campaign.refresh(campaign.at_random(min(A_REFRESH, boundaries + KILLS - len(campaign.moments))))
        chosen = starts.pop(0) if starts else campaign.rng.choice(made)
        campaign.go_on_from(chosen)
        for disk in set(made) - {chosen}:
            shutil.rmtree(disk)
    campaign.refresh()
    print(f"{boundaries} boundaries, {KILLS} random moments, {campaign.refreshes} refreshes went through:")
    print(*campaign.moments, sep="\n")
    assert boundaries >= 20
    assert len(campaign.moments) == boundaries + KILLS
