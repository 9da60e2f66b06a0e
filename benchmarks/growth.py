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
from typing import Any

from chain import ROOT, THREADS, own_peak_mb, slope

SIZES, YEARS, SEED = (1_000, 10_000, 100_000, 1_000_000), 5, 2026
METHODS = {"ml": "maximum likelihood", "2sls": "two-stage least squares"}
TABLE, PICTURE = ROOT / "docs" / "growth.csv", ROOT / "docs" / "growth.svg"
Row = dict[str, Any]


def cpu() -> float:
    return sum(time_of.ru_utime + time_of.ru_stime for time_of in map(resource.getrusage, (0, -1)))


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
    del mean, power
    before = cpu()
    if method == "ml":
        fit = fit_panel(y, x, weights)
        effects = average_effects(fit)
        rho = float(fit.params[fit.names.index("rho")])
        assert np.isfinite(effects.to_frame()["se"]).all()
    else:
        two = spatial_2sls(y, x, weights)
        rho = float(two.params[two.names.index("rho")])
    seconds, mb = round(cpu() - before, 3), round(own_peak_mb())
    return {"method": method, "n": n, "seconds": seconds, "mb": mb, "rho": round(rho, 4)}


def child(method: str, n: int) -> Row:
    environment = {**os.environ, **THREADS, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, "--measure", method, str(n)]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    row: Row = json.loads(process.stdout.splitlines()[-1])
    return row


def draw(rows: list[Row]) -> str:
    """Both axes in powers of ten; seconds on the left, memory on the right, n log n as a dashed line."""
    import altair as alt
    import pandas as pd
    import vl_convert

    frame = pd.DataFrame(rows).assign(method=lambda table: table["method"].map(METHODS))
    base = next(r for r in rows if r["method"] == "ml" and r["n"] == SIZES[1])
    scale = base["seconds"] / (base["n"] * math.log(base["n"]))
    ideal = pd.DataFrame([{"n": n, "seconds": scale * n * math.log(n), "method": "n log n"} for n in SIZES[1:]])
    color = alt.Color("method", type="nominal", sort=None, title=None, legend=alt.Legend(orient="bottom"))
    units = alt.X(
        "n", type="quantitative", title="units", scale=alt.Scale(type="log"), axis=alt.Axis(format=",", values=SIZES)
    )

    def panel(what: str, title: str) -> Any:
        figure = alt.Y(what, type="quantitative", title=title, scale=alt.Scale(type="log"))
        return alt.Chart(frame, width=380, height=250).mark_line(point=True).encode(x=units, y=figure, color=color)

    guide = (
        alt.Chart(ideal)
        .mark_line(strokeDash=[3, 4])
        .encode(x=units, y=alt.Y("seconds", type="quantitative"), color=color)
    )
    both = (panel("seconds", "processor seconds") + guide) | panel("mb", "peak memory, MB")
    what = "Seconds and memory of a spatial Durbin model, five years, from a thousand to a million units"
    drawing: str = vl_convert.vegalite_to_svg(both.properties(title=what).to_json())
    return drawing + "\n"


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
