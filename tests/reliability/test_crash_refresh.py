"""A refresh killed at any moment: what is published is whole, no raw row is gone, the next one needs no hand work.

NQPF_KILLS sets how many random moments the long campaign looks at (200), NQPF_KILLS_SEED its seed.
"""

import hashlib
import os
import random
import shutil
from pathlib import Path

import pytest
from campaign import Campaign, disk_of
from killing import Refresh, land_a_change, published_is_whole

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

KILLS, SEED = int(os.environ.get("NQPF_KILLS", "200")), int(os.environ.get("NQPF_KILLS_SEED", "1"))
A_REFRESH = 7  # so many moments of one refresh


def contents(folder: Path) -> dict[str, str]:
    """File -> sha256."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def campaign(copy_of_small_warehouse, tmp_path):
    made = Campaign(copy_of_small_warehouse, random.Random(SEED), tmp_path / "disks")
    made.scratch.mkdir()
    return made


def test_frozen_disk_is_the_disk_of_a_kill(copy_of_small_warehouse, tmp_path):
    """What the campaign rests on; the moment is one at which dbt writes, in a process of its own."""
    house = copy_of_small_warehouse
    land_a_change(house, 1)
    old = published_is_whole(house)
    run = Refresh(house)
    run.wait_for_step(4)
    run.wait(random.Random(SEED).uniform(0, 3))
    run.freeze()
    copy = disk_of(house, tmp_path / "disk")
    run.kill()
    assert len(run.steps) >= 4
    assert contents(copy.paths.warehouse) == contents(house.paths.warehouse)
    assert published_is_whole(house) == old


def test_killed_at_every_asset_boundary_and_at_random_moments(campaign):
    """Each boundary of one refresh, then random moments of those that go on from there (or, when there are no more
    boundaries, from a random moment of the one before)."""

    def every_boundary(run: Refresh, copy) -> None:  # type: ignore[no-untyped-def]
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
    print(f"{boundaries} boundaries, {KILLS} random moments, {campaign.recoveries} refreshes went through:")
    print(*campaign.moments, sep="\n")
    assert boundaries >= 20
    assert len(campaign.moments) == boundaries + KILLS
