"""Seconds and memory of the audit of an index with 10,000 draws: python benchmarks/audit.py (two threads).

Asked for on two idle cores: 280 units x 12 years x 10 indicators below 5 s; 2,850 x 22 x 20 below 60 s and 2 GB.
CPU seconds over two stand beside, as they depend less on what else runs.
"""

from __future__ import annotations

import resource
import time

import numpy as np

from python_models import CompositeIndex, Panel

CASES = ((280, 12, 10), (2850, 22, 20))
DRAWS, THREADS = 10_000, 2


def index(n: int, t: int, m: int) -> CompositeIndex:
    """A panel with one common factor, skewed, five in a hundred cells imputed."""
    rng = np.random.default_rng(1)
    x = np.exp(0.7 * rng.normal(size=(n, 1, 1)) + 0.7 * rng.normal(size=(n, 1, m)) + 0.3 * rng.normal(size=(n, t, m)))
    names = tuple(f"v{k}" for k in range(m))
    panel = Panel(x, tuple(f"u{i}" for i in range(n)), tuple(range(2000, 2000 + t)), names)
    return CompositeIndex(
        panel,
        dict.fromkeys(names, 1),
        {name: (f"t{k % (m // 2)}", f"d{k % (m // 2) % 2}") for k, name in enumerate(names)},
        winsor=dict.fromkeys(names, True),
        imputed=rng.random(x.shape) < 0.05,
    )


def main() -> None:
    for case in CASES:
        one = index(*case)
        wall, cpu = time.perf_counter(), time.process_time()
        drawn = one.audit(draws=DRAWS, seed=1, n_jobs=THREADS).drawn
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        size = " x ".join(map(str, case))
        print(f"{size}: {drawn.n_evaluations} indexes, {wall:.1f} s, CPU / 2 {cpu / 2:.1f} s, peak {peak:.2f} GB")


if __name__ == "__main__":
    main()
