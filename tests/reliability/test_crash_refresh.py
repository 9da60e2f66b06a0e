"""A refresh killed at any moment: what is published is whole, no raw row is gone, the next one needs no hand work.

NQPF_KILLS sets how many random kills the long campaign makes (200), NQPF_KILLS_SEED its seed.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from house import House
from killing import Campaign, Refresh

KILLS, SEED = int(os.environ.get("NQPF_KILLS", "200")), int(os.environ.get("NQPF_KILLS_SEED", "1"))
EVERY = 4  # so many kills in a row, each of what the one before left; then the refresh is let through


def campaign(house: House) -> Campaign:
    run = Refresh(house)
    assert run.wait(1800) == 0, run.text
    return Campaign(house, random.Random(SEED), time.monotonic() - run.started)


@pytest.mark.slow
def test_killed_at_random_moments(copy_of_small_warehouse: House) -> None:
    made = campaign(copy_of_small_warehouse)
    for number in range(1, KILLS + 1):
        made.kill_at_random()
        if number % EVERY == 0 or number == KILLS:
            made.recover()
    print(f"{made.n_kills} kills, {made.recoveries} recoveries:", *made.kills, sep="\n")
    assert made.n_kills == KILLS


@pytest.mark.slow
def test_killed_at_every_asset_boundary(copy_of_small_warehouse: House) -> None:
    run = Refresh(copy_of_small_warehouse)
    assert run.wait(1800) == 0, run.text
    made = Campaign(copy_of_small_warehouse, random.Random(SEED), time.monotonic() - run.started)
    for number in range(len(run.steps)):
        made.kill_after_step(number)
        made.recover()
    assert made.recoveries == len(run.steps)
