"""Data of the golden cases: from packages that the tests install, or drawn here. None of them is in the repository.

    python tests/golden/cases.py FOLDER     writes them as CSV, for the recipes in R

W is a (n, n) array of weights, row i receives; every row sums to 1.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import splu, spsolve
from scipy.spatial import cKDTree

HERE = Path(__file__).parent
# districts that touch in PySAL's edition of Columbus and not in that of R's spData (0-based)
NOT_IN_SPDATA = [(4, 15), (24, 29), (30, 38)]


def expected(case: str, part: str = "expected") -> dict[str, Any]:
    """The answers of another program, from `<case>/<part>.json`."""
    content: dict[str, Any] = json.loads((HERE / case / f"{part}.json").read_text(encoding="utf-8"))
    return content["expected"]


def columbus() -> tuple[pd.DataFrame, np.ndarray]:
    """CRIME, HOVAL, INC of 49 districts (Anselin 1988), with the neighbours of R's spData."""
    import libpysal

    table = libpysal.io.open(libpysal.examples.get_path("columbus.dbf"))
    links, _ = libpysal.io.open(libpysal.examples.get_path("columbus.gal")).read().full()
    for i, j in NOT_IN_SPDATA:
        links[i, j] = links[j, i] = 0.0
    return pd.DataFrame({name: table.by_col(name) for name in ("CRIME", "HOVAL", "INC")}), _by_row(links)


def us_states() -> pd.DataFrame:
    """Income per head of 48 states, columns 1929 to 2009, rows named; a built-in example of libpysal."""
    import libpysal

    return pd.read_csv(libpysal.examples.get_path("usjoin.csv")).set_index("Name").drop(columns="STATE_FIPS")


def us_areas() -> pd.DataFrame:
    """region (Bureau of Economic Analysis) and division (Bureau of the Census) of each state, as `us_states`."""
    return pd.read_csv(HERE / "us_states" / "areas.csv", index_col="state").loc[us_states().index]


def us_weights() -> np.ndarray:
    """Contiguity of the 48 states in alphabetical order; a built-in example of libpysal."""
    import libpysal

    return _by_row(libpysal.io.open(libpysal.examples.get_path("states48.gal")).read().full()[0])


def munnell() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Munnell (1990), 48 states 1970-86: y log gsp; x log public capital, private capital, employment; unemployment.

    y (48, 17), x (48, 17, 4). Data of linearmodels; W as `us_weights`, which is R's splm::usaww.
    """
    from linearmodels.datasets import munnell as data

    d = data.load().sort_values(["STATE", "YR"])
    logs = np.log(d[["GSP", "P_CAP", "PC", "EMP"]].to_numpy(dtype=float))
    x = np.column_stack([logs[:, 1:], d["UNEMP"]]).reshape(48, 17, 4)
    return logs[:, 0].reshape(48, 17), x, us_weights()


def dummy_ml(case: str) -> tuple[pd.DataFrame, dict[str, sparse.csr_array]]:
    """Simulated panel of 40 points and 8 years (id, t, prov, y, x1, x2) with its W and, in `two_w`, the W of the error.

    `holes`: 278 of 320 rows; `two_w`: two different W; `group_year`: shocks of provinces by year.
    """
    folder = HERE / "dummy_ml"
    links = {key: pd.read_csv(folder / f"{case}_{key}.csv") for key in (("w", "w2") if case == "two_w" else ("w",))}
    graphs = {k: sparse.csr_array((d["w"], (d["row"], d["col"])), shape=(40, 40)) for k, d in links.items()}
    return pd.read_csv(folder / f"{case}.csv"), graphs


def gini_change() -> pd.DataFrame:
    """300 simulated units of four groups in two years: region, y1, y2."""
    return pd.read_csv(HERE / "gini_change" / "inputs.csv", index_col="unit")


def countries() -> pd.DataFrame:
    """Labour productivity of 108 countries, 1990-2014 (Penn World Table 9.0); data of convergence-clubs."""
    import convergence_clubs

    return convergence_clubs.load_productivity()


def trend(levels: pd.DataFrame, smoothing: float = 400.0) -> pd.DataFrame:
    """Hodrick-Prescott trend of the logarithms along the years: (I + smoothing D'D)^-1 ln x, D second differences."""
    t = levels.shape[1]
    second = sparse.diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(t - 2, t))
    system = (sparse.eye_array(t) + smoothing * second.T @ second).tocsc()
    smooth = spsolve(system, np.log(levels.to_numpy(dtype=float)).T).T
    return pd.DataFrame(smooth, index=levels.index, columns=levels.columns)


def durbin(n: int = 280, t: int = 10, seed: int = 1, k: int = 6) -> tuple[np.ndarray, np.ndarray, sparse.csr_array]:
    """y (n, t), x (n, t, 3), W of a two-way spatial Durbin model: y = rho W y + x beta + W x theta + mu + gamma + e.

    rho .4, beta (1, -.5, .3), theta (.4, .2, -.1), e standard normal; W the k nearest of uniform points; mu goes with
    the city mean of the first regressor; gamma a random walk. The order of draws is part of the case.
    """
    rng = np.random.default_rng(seed)
    points = rng.random((n, 2))
    near = cKDTree(points).query(points, k=k + 1)[1][:, 1:]
    w = sparse.csr_array((np.full(n * k, 1.0 / k), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))
    x = rng.standard_normal((t, n, 3)) + 0.5 * rng.standard_normal((1, n, 3))
    city = 0.8 * x.mean(axis=0)[:, 0] + rng.standard_normal(n)
    year = np.cumsum(0.3 * rng.standard_normal(t))
    solve = splu(sparse.csc_array(sparse.eye_array(n) - 0.4 * w)).solve
    y = np.empty((t, n))
    for s in range(t):
        mean = x[s] @ np.array([1.0, -0.5, 0.3]) + (w @ x[s]) @ np.array([0.4, 0.2, -0.1]) + city + year[s]
        y[s] = solve(mean + rng.standard_normal(n))
    return y.T, x.transpose(1, 0, 2), w


def _by_row(links: np.ndarray) -> np.ndarray:
    return links / links.sum(axis=1, keepdims=True)


def write(folder: Path) -> None:
    """The cases as CSV: what the recipes in R read."""
    folder.mkdir(parents=True, exist_ok=True)
    districts, w = columbus()
    districts.to_csv(folder / "columbus.csv", index=False)
    _links(w, folder / "columbus_w.csv")
    us_states().assign(region=us_areas()["region"]).to_csv(folder / "us_states.csv")
    trend(us_states()).to_csv(folder / "us_states_trend.csv", float_format="%.17g")
    trend(countries()).to_csv(folder / "countries_trend.csv", float_format="%.17g")
    y, x, w = munnell()
    panel(y, x).to_csv(folder / "munnell.csv", index=False, float_format="%.17g")
    _links(w, folder / "us_w.csv")
    y, x, sparse_w = durbin()
    panel(y, x).to_csv(folder / "durbin_280.csv", index=False, float_format="%.17g")
    _links(sparse_w.toarray(), folder / "durbin_280_w.csv")


def panel(y: np.ndarray, x: np.ndarray) -> pd.DataFrame:
    """Long panel: id, t, y, x1, ..., sorted by id and t."""
    n, t = y.shape
    long = {"id": np.repeat(np.arange(n), t), "t": np.tile(np.arange(t), n), "y": y.ravel()}
    return pd.DataFrame(long | {f"x{i + 1}": x[:, :, i].ravel() for i in range(x.shape[2])})


def _links(w: np.ndarray, path: Path) -> None:
    row, col = np.nonzero(w)
    pd.DataFrame({"row": row, "col": col, "w": w[row, col]}).to_csv(path, index=False, float_format="%.17g")


if __name__ == "__main__":
    write(Path(sys.argv[1]))


class Asem(NamedTuple):
    """51 countries x 49 indicators, divided by their denominators, holes filled with the mean of Europe or Asia."""

    units: list[str]
    values: pd.DataFrame
    directions: list[float]
    targets: list[float]
    weights: dict[str, float]
    paths: tuple[tuple[str, ...], ...]


def asem() -> Asem:
    """Sustainable connectivity of the ASEM countries (European Commission's JRC 2018, MIT licence of COINr)."""
    data, meta = (pd.read_csv(HERE / "asem" / f"{name}.csv") for name in ("idata", "imeta"))
    data = data.set_index("uCode", drop=False).loc[json.loads((HERE / "asem/expected.json").read_text())["units"]]
    own = meta[meta["Type"] == "Indicator"].set_index("iCode")
    raw = data[list(own.index)].astype(float)
    for name, denominator in own["Denominator"].dropna().items():
        raw[name] /= data[denominator]
    values = raw.fillna(raw.groupby(data["EurAsia_group"]).transform("mean"))
    parent = meta.set_index("iCode")["Parent"]
    paths = tuple((p, parent[p]) for p in own["Parent"])
    weights = meta.set_index("iCode")["Weight"].dropna().drop("Index").to_dict()
    return Asem(list(data.index), values, own["Direction"].tolist(), own["Target"].tolist(), weights, paths)
