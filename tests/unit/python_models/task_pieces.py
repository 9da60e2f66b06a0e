"""What the tests of tasks hand to other processes, which load no more than this."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np

from python_models.tasks import run_tasks


def solved(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(150, 150))
    return np.linalg.solve(a.T @ a, rng.normal(size=150))


def in_place(values: np.ndarray) -> np.ndarray:
    values += 1.0
    return values


def dies_once(k: int, mark: Path, deadly: int) -> int:
    """Kills its worker half-way through the list, the first time."""
    if k == deadly and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return k * k


def dies_elsewhere(k: int, home_process: int) -> int:
    if k == 1 and os.getpid() != home_process:
        os.kill(os.getpid(), signal.SIGKILL)
    return k


def refuses(k: int) -> int:
    if k == 2:
        raise ValueError("the third one")
    return k


def nested(k: int) -> list[int]:
    return run_tasks([partial(pow, k, power) for power in range(3)])
