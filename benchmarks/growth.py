"""Growth: seconds and memory of a spatial Durbin model from a thousand to a million units, and the picture of them.

    python benchmarks/growth.py                all sizes (some ten minutes), docs/growth.csv and docs/growth.svg
    python benchmarks/growth.py --small        a thousand and ten thousand units, nothing is written
    python benchmarks/growth.py --draw         the picture again, from docs/growth.csv

Units at random places, six nearest neighbours, five years, three regressors, errors clustered by unit, direct and
indirect effects with errors. A process each; processor seconds of fit and effects, peak memory of the whole process.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from chain import ROOT, THREADS, slope

SIZES, YEARS, SEED = (1_000, 10_000, 100_000, 1_000_000), 5, 2026
METHODS = {"ml": "maximum likelihood", "2sls": "two-stage least squares"}
TABLE, PICTURE = ROOT / "docs" / "growth.csv", ROOT / "docs" / "growth.svg"
Row = dict[str, Any]


def cpu() -> float:
    return sum(time_of.ru_utime + time_of.ru_stime for time_of in map(resource.getrusage, (0, -1)))


def peak_mb() -> float:
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def measure(method: str, n: int) -> Row:
    """Fit one panel of n units in this process."""
    import numpy as np

    from python_models.regression import fit_panel, spatial_2sls
    from python_models.regression.effects import average_effects
    from python_models.space import build_weights, to_sparse

    rng = np.random.default_rng(SEED)
    weights = to_sparse(build_weights("knn", k=6, points=rng.uniform(20, 40, (n, 2))))
    x = rng.standard_normal((n, YEARS, 3))
    mean = x @ np.array([1.0, -0.5, 0.3]) + rng.standard_normal((n, 1)) + rng.standard_normal((n, YEARS))
    y, power = mean.copy(), mean
    for _ in range(60):  # (I - 0.4 W)^-1, to 1e-24
        power = 0.4 * (weights @ power)
        y += power
    before = cpu()
    if method == "ml":
        fit = fit_panel(y, x, weights)
        effects = average_effects(fit)
        rho = float(fit.params[fit.names.index("rho")])
        assert np.isfinite(effects.to_frame()["se"]).all()
    else:
        two = spatial_2sls(y, x, weights)
        rho = float(two.params[two.names.index("rho")])
    return {"method": method, "n": n, "seconds": round(cpu() - before, 3), "mb": round(peak_mb()), "rho": round(rho, 4)}


def child(method: str, n: int) -> Row:
    environment = {**os.environ, **THREADS, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, "--measure", method, str(n)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def draw(rows: list[Row]) -> str:
    """Both axes in powers of ten; seconds on the left, memory on the right, n log n as a dotted line."""
    width, height, left, top, gap = 380, 250, 56, 34, 90
    low, high = math.log10(SIZES[0]), math.log10(SIZES[-1])
    panels = (("seconds", "processor seconds", -2, 3), ("mb", "peak memory, MB", 2, 4))
    body = []
    for at, (what, title, bottom, ceiling) in enumerate(panels):
        x0 = left + at * (width + gap)

        def place(n: float, value: float, x0: int = x0, bottom: int = bottom, ceiling: int = ceiling) -> str:
            x = x0 + width * (math.log10(n) - low) / (high - low)
            y = top + height * (ceiling - math.log10(value)) / (ceiling - bottom)
            return f"{x:.1f},{y:.1f}"

        body.append(f'<text x="{x0}" y="{top - 14}" class="title">{title}</text>')
        for power in range(bottom, ceiling + 1):
            y = top + height * (ceiling - power) / (ceiling - bottom)
            body.append(f'<path d="M{x0} {y:.1f}h{width}" class="grid"/>')
            body.append(f'<text x="{x0 - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>')
        for n in SIZES:
            x = float(place(n, 1).split(",")[0])
            body.append(f'<text x="{x:.1f}" y="{top + height + 18}" text-anchor="middle">{n:,}</text>')
        body.append(f'<text x="{x0 + width / 2}" y="{top + height + 34}" text-anchor="middle">units</text>')
        for number, method in enumerate(METHODS):
            series = sorted((r for r in rows if r["method"] == method), key=lambda r: r["n"])
            points = " ".join(place(r["n"], r[what]) for r in series)
            body.append(f'<polyline points="{points}" class="m{number}"/>')
            last = place(series[-1]["n"], series[-1][what]).split(",")
            if what == "seconds" or method == "2sls":  # memory is much the same
                label = f"{series[-1][what]:,.0f}"
                body.append(f'<text x="{float(last[0]) + 7:.1f}" y="{float(last[1]) + 4:.1f}">{label}</text>')
            for r in series:
                across, down = place(r["n"], r[what]).split(",")
                body.append(f'<circle cx="{across}" cy="{down}" r="3.5" class="m{number}"/>')
        if what == "seconds":
            base = next(r for r in rows if r["method"] == "ml" and r["n"] == SIZES[1])
            scale = base[what] / (base["n"] * math.log(base["n"]))
            points = " ".join(place(n, scale * n * math.log(n)) for n in SIZES[1:])
            body.append(f'<polyline points="{points}" class="ideal"/>')
    foot = top + height + 58
    for number, (name, colour) in enumerate(zip((*METHODS.values(), "n log n"), ("m0", "m1", "ideal"), strict=True)):
        x = left + number * 230
        body.append(f'<path d="M{x} {foot - 4}h26" class="{colour}"/><text x="{x + 32}" y="{foot}">{name}</text>')
    style = (
        "text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.grid{stroke:#ddd;fill:none}"
        "polyline,path{fill:none;stroke-width:2}.m0{stroke:#1b6ca8}.m1{stroke:#c8553d}circle.m0{fill:#1b6ca8}"
        "circle.m1{fill:#c8553d}.ideal{stroke:#777;stroke-dasharray:3 4}.grid{stroke-width:1}"
    )
    size = f'viewBox="0 0 {left + 2 * width + gap + 60} {foot + 14}"'
    alt = "Seconds and memory of a spatial Durbin model, five years, from a thousand to a million units"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{alt}</title><style>{style}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(body)}</svg>\n'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="the two smallest sizes, nothing is written")
    parser.add_argument("--draw", action="store_true", help="the picture from the table")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure[0], int(arguments.measure[1]))))
        return
    if arguments.draw:
        with TABLE.open(encoding="utf-8", newline="") as stream:
            rows: list[Row] = [
                {**r, "n": int(r["n"]), "seconds": float(r["seconds"]), "mb": float(r["mb"])}
                for r in csv.DictReader(stream)
            ]
    else:
        rows = []
        for method in METHODS:
            for n in SIZES[: 2 if arguments.small else None]:
                rows.append(child(method, n))
                print(rows[-1], flush=True)
            mine = [r for r in rows if r["method"] == method]
            if len(mine) > 2:
                print(f"{method}: n^{slope([r['n'] for r in mine], [r['seconds'] for r in mine]):.2f} in seconds")
        if not arguments.small:
            with TABLE.open("w", encoding="utf-8", newline="") as stream:
                table = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
                table.writeheader()
                table.writerows(rows)
    if not arguments.small:
        PICTURE.write_text(draw(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
