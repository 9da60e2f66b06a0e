"""Two-way estimators of the Munnell panel that no other installed program has: their definitions, in dense matrices.

Run: python tests/golden/munnell/recipe.py > tests/golden/munnell/definition.json

Independent of python_models on purpose. Q takes out city and year means, m = rows, d the slopes, s2 the variance:
lee_yu   maximise -(m/2) ln SSR(r) + T' [ln|I - r W| - ln(1 - r)], SSR of Q y - r Q W y on Q X, m = (N-1)(T-1), T' = T-1
direct   maximise -(m/2) ln SSR(r) + T ln|I - r W|, m = NT          elhorst   the same with W Q y in the place of Q W y
_bc      (1, .., 1, T/(T-1)) o {th + T I(th)^-1 (0, 1/(1-r), 1/(2 s2))}, I the information matrix of th = (d, r, s2):
         in I the term G Z d, G = W (I - r W)^-1, loses its year means in direct_bc and keeps them in elhorst_bc and in
         direct_bc_sdpdmod. On 46 states and 30 years of cigarette sales (in R's plm) these functions agree to 2e-8 with
         answers made in R 4.5.0 from the maximum of splm 1.6-5 and of spatialreg 1.3.6.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

sys.path.insert(0, str(Path(__file__).parents[1]))
from cases import munnell


def two_way(a: np.ndarray) -> np.ndarray:
    return a - a.mean(axis=0, keepdims=True) - a.mean(axis=1, keepdims=True) + a.mean(axis=(0, 1), keepdims=True)


def lag(w: np.ndarray, a: np.ndarray) -> np.ndarray:
    return np.einsum("ij,jt...->it...", w, a)


def fit(y: np.ndarray, x: np.ndarray, w: np.ndarray, estimator: str) -> np.ndarray:
    """(slopes, rho, s2) by maximum likelihood."""
    n, t = y.shape
    rows, years = ((n - 1) * (t - 1), t - 1) if estimator == "lee_yu" else (n * t, t)
    z = two_way(x).reshape(n * t, -1)
    own = two_way(y).ravel()
    near = (lag(w, two_way(y)) if estimator == "elhorst" else two_way(lag(w, y))).ravel()

    def residual(r: float) -> tuple[np.ndarray, np.ndarray]:
        left = own - r * near
        slopes = np.linalg.lstsq(z, left, rcond=None)[0]
        return slopes, left - z @ slopes

    def loss(r: float) -> float:
        jacobian = np.linalg.slogdet(np.eye(n) - r * w)[1] - (np.log(1.0 - r) if estimator == "lee_yu" else 0.0)
        return rows / 2.0 * float(np.log(np.sum(residual(r)[1] ** 2))) - years * jacobian

    rho = minimize_scalar(loss, bounds=(-0.9, 0.95), method="bounded", options={"xatol": 1e-13}).x
    slopes, e = residual(rho)
    return np.array([*slopes, rho, e @ e / rows])


def corrected(y: np.ndarray, x: np.ndarray, w: np.ndarray, theta: np.ndarray, *, keeps_means: bool) -> np.ndarray:
    (n, t), k = y.shape, x.shape[2]
    slopes, rho, s2 = theta[:k], theta[k], theta[k + 1]
    z, g = two_way(x), w @ np.linalg.inv(np.eye(n) - rho * w)
    moved = lag(g, z @ slopes)
    moved = (moved if keeps_means else two_way(moved)).ravel()
    z = z.reshape(n * t, k)
    information = np.zeros((k + 2, k + 2))
    information[:k, :k] = z.T @ z / s2
    information[:k, k] = information[k, :k] = z.T @ moved / s2
    information[k, k] = t * (np.trace(g @ g) + np.sum(g**2)) + moved @ moved / s2
    information[k, k + 1] = information[k + 1, k] = t * np.trace(g) / s2
    information[k + 1, k + 1] = n * t / (2.0 * s2**2)
    shift = np.zeros(k + 2)
    shift[k:] = 1.0 / (1.0 - rho), 1.0 / (2.0 * s2)
    theta = theta + t * np.linalg.solve(information, shift)
    theta[-1] *= t / (t - 1.0)
    return theta


def estimates(y: np.ndarray, x: np.ndarray, w: np.ndarray) -> dict[str, list[float]]:
    direct, elhorst = fit(y, x, w, "direct"), fit(y, x, w, "elhorst")
    return {
        "lee_yu": fit(y, x, w, "lee_yu").tolist(),
        "direct_bc": corrected(y, x, w, direct, keeps_means=False).tolist(),
        "direct_bc_sdpdmod": corrected(y, x, w, direct, keeps_means=True).tolist(),
        "elhorst_bc": corrected(y, x, w, elhorst, keeps_means=True).tolist(),
    }


if __name__ == "__main__":
    content = {"program": "munnell/recipe.py", "data": "cases.munnell()", "expected": estimates(*munnell())}
    print(json.dumps(content, indent=1))
