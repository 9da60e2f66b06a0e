"""Size and coverage of the headline estimators and tests: the numbers of docs/simulation.md.

    python benchmarks/simulation.py [--replications 200] [--thresholds 100] [--page docs/simulation.md]

Slow (about half an hour of one core at 200 replications). Every number of the page comes from this run; a target that
is not reached is named on the page. Seeds are 0, 1, 2, ..: the same command gives the same page.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from doc_parts import table, write_part

from python_models.dynamics import find_clubs, log_t, merge_clubs
from python_models.inequality import _batch, between_groups, dagum, disparity_change, theil, theil_nested
from python_models.inequality._inputs import Groups
from python_models.inequality._weights import Weights
from python_models.inequality.bootstrap import resampled
from python_models.inequality.jackknife import jackknifed
from python_models.inference import half_width
from python_models.influence import (
    adjusted_threshold,
    block_spillover,
    group_effects,
    lead_lag,
    pilot_effects,
    spatial_threshold,
    threshold_regression,
)
from python_models.regression import (
    Cluster,
    Conley,
    CoreFit,
    DriscollKraay,
    PanelInputError,
    average_effects,
    fit_panel,
    hausman,
    lm_tests,
)
from python_models.regression.interactive import interactive_iv
from python_models.regression.spec_search import nested_tests
from python_models.regression.split_half import split_half
from python_models.regression.weights import spatial_weights

RHO, BETA, THETA = 0.4, 0.5, 0.3
COVERAGE, SIZE = (0.92, 0.98), (0.03, 0.08)


@dataclass(frozen=True)
class Design:
    """A world: cities, years, AR of the errors, how errors and x depend on the city's level, errors of neighbours."""

    code: str
    words: str
    n: int
    t: int
    ar: float = 0.0
    level: float = 0.0
    x_ar: float = 0.0
    near: float = 0.0


DESIGNS = (
    Design("iid", "independent errors of one variance, x independent over time", 280, 10),
    Design("ar", "errors AR(.7)", 280, 10, ar=0.7, x_ar=0.9),
    Design(
        "real",
        "like the real panel: x AR .95, errors AR(.7), both larger in cities of a high level",
        240,
        8,
        0.7,
        0.6,
        0.95,
    ),
    Design(
        "near", "`real`, and half of the error variance is shared by neighbours in a year", 240, 8, 0.7, 0.6, 0.95, 0.5
    ),
)


@dataclass(frozen=True)
class Country:
    """Places (n, 2) in a square of 1,500 km, W of the six nearest, solved multiplier; a split of the cities."""

    design: Design
    points: np.ndarray
    w: np.ndarray
    solve: np.ndarray
    smooth: np.ndarray
    centre: np.ndarray

    @classmethod
    def of(cls, design: Design) -> Country:
        rng = np.random.default_rng(12)
        n = design.n
        points = rng.uniform(0, 1500, (n, 2))
        gap = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
        w = np.zeros((n, n))
        near = np.argsort(gap + np.where(np.eye(n, dtype=bool), np.inf, 0), axis=1)[:, :6]
        w[np.repeat(np.arange(n), 6), near.ravel()] = 1 / 6
        smooth = (gap < 150).astype(float)
        smooth /= np.sqrt((smooth**2).sum(axis=1, keepdims=True))
        return cls(design, points, w, np.linalg.inv(np.eye(n) - RHO * w), smooth, np.arange(n) % 4 == 0)

    def draw(self, seed: int, *, rho: bool = True, theta: float = THETA) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """y, x (n, t) and the level of each city; without `rho` no spatial dependence but that of x."""
        d, rng = self.design, np.random.default_rng([seed, 5])
        level = rng.normal(size=d.n)
        size = np.exp(d.level * level)[:, None]
        x, e = rng.normal(size=(2, d.n, d.t))
        for s in range(1, d.t):
            x[:, s] = d.x_ar * x[:, s - 1] + np.sqrt(1 - d.x_ar**2) * x[:, s]
            e[:, s] = d.ar * e[:, s - 1] + np.sqrt(1 - d.ar**2) * e[:, s]
        if d.near:
            e = np.sqrt(1 - d.near) * e + np.sqrt(d.near) * self.smooth @ rng.normal(size=(d.n, d.t))
        x = 2 * size * x + level[:, None]
        mean = BETA * x + theta * self.w @ x + level[:, None] + rng.normal(size=(1, d.t)) + size * e
        return (self.solve @ mean if rho else mean), x, level


def truth(country: Country) -> np.ndarray:
    """Direct, indirect and total effect, and rho."""
    s = country.solve @ (BETA * np.eye(country.design.n) + THETA * country.w)
    direct, total = np.trace(s) / len(s), s.sum() / len(s)
    return np.array([direct, total - direct, total, RHO])


def coverage(country: Country, count: int) -> Iterator[dict[str, object]]:
    """Share of intervals that hold the truth, by kind of errors."""
    points = country.points
    kinds: dict[str, object] = {
        "info": "info",
        "cluster (default)": "cluster",
        "two-way": Cluster(by_time=True),
        "Conley 300 km, 2 lags": Conley(points, 300.0, 2, metric="euclidean"),
        "Driscoll-Kraay": DriscollKraay(),
    }
    true, hits = truth(country), {name: np.zeros(4) for name in kinds}
    spread, errors = [], {name: np.zeros(4) for name in kinds}
    for seed in range(count):
        y, x, _ = country.draw(seed)
        for name, cov in kinds.items():
            fit = fit_panel(y, x[:, :, None], country.w, cov=cov)  # type: ignore[arg-type]
            effects = average_effects(fit)
            point, se = np.append(effects.point[0], fit.rho), np.append(effects.se[0], np.sqrt(fit.cov[2, 2]))
            hits[name] += np.abs(point - true) <= half_width() * se
            errors[name] += se / count
        spread.append(point)
    real = np.std(spread, axis=0)
    for name, hit in hits.items():
        share, ratio = hit / count, errors[name] / real
        yield {
            "design": country.design.code,
            "errors": name,
            **dict(zip(("direct", "indirect", "total", "rho"), share, strict=True)),
            "se / sd of direct": ratio[0],
            "se / sd of indirect": ratio[1],
        }


def rates(rows: dict[str, list[bool]], design: str) -> Iterator[dict[str, object]]:
    """Share of rejections of each test."""
    for name, hit in rows.items():
        yield {"design": design, "test": name, "rejected": float(np.mean(hit)), "replications": len(hit)}


def sizes(country: Country, count: int) -> Iterator[dict[str, object]]:
    """Rejections at 5 % where the hypothesis is true."""
    rows: dict[str, list[bool]] = {}
    n, w, centre = country.design.n, country.w, country.centre
    group = np.where(centre, "a", "b").tolist()

    def note(name: str, p: float) -> None:
        rows.setdefault(name, []).append(bool(p < 0.05))

    for seed in range(count):
        y, x, _ = country.draw(seed, rho=False, theta=0.0)
        tests = lm_tests(y, x[:, :, None], w)
        for code in ("lm_lag", "lm_err", "rlm_lag", "rlm_err"):
            note(f"{code}, plain", tests[code].p)
            note(f"{code}, clustered", tests[f"{code}_cluster"].p)
        y, x, _ = country.draw(seed, theta=0.0)
        for cov in ("info", "cluster"):
            fits = [fit_panel(y, x[:, :, None], w, model=m, cov=cov) for m in ("sdm", "sar", "sem")]
            wald_tests = nested_tests(*fits)
            note(f"Wald theta = 0, {cov}", wald_tests["wald_sar"].p)
            if cov == "info":
                note("LR theta = 0, plain", wald_tests["lr_sar"].p)
        y, x, level = country.draw(seed)
        for cov in ("info", "cluster"):
            note(f"equal slopes of two groups, {cov}", group_effects(y, x, w, group, cov=cov).p_equal)
            note(f"asymmetry of blocks, {cov}", block_spillover(y, x, w, centre, cov=cov).p_asymmetry)
        note("lead of x beside x and its lag, clustered", lead_lag(y, x, w).leads.p)
        rng = np.random.default_rng([seed, 6])
        # city effects that do not go with x in the place of those that do
        apart = y + country.solve @ (2 * rng.normal(size=(n, 1)) - level[:, None])
        note("Hausman, regression form", hausman(apart, x[:, :, None], w).p)
    yield from rates(rows, country.design.code)


def thresholds(country: Country, count: int) -> Iterator[dict[str, object]]:
    """Rejections of "no threshold" where there is none; q is the level of the city."""
    rows: dict[str, list[bool]] = {}
    for seed in range(count):
        y, x, level = country.draw(seed)
        q, rng = np.argsort(np.argsort(level)) / len(level), np.random.default_rng([seed, 7])
        for name, make in _threshold_tests(y, x, q, country.w, rng).items():
            try:
                rows.setdefault(name, []).append(make() < 0.05)
            except PanelInputError:
                rows.setdefault(name + " (refused)", []).append(True)
    yield from rates(rows, country.design.code)


def _threshold_tests(
    y: np.ndarray, x: np.ndarray, q: np.ndarray, w: np.ndarray, rng: np.random.Generator
) -> dict[str, Callable[[], float]]:
    up, right = np.exp(0.05 * y), np.exp(0.05 * x)  # a convex index of the same world

    def hansen(y: np.ndarray, x: np.ndarray, is_adjusted: bool) -> float:
        result = threshold_regression(y, x, q, n_grid=50, draws=199, rng=rng, is_level_adjusted=is_adjusted)
        return result.thresholds[0].p

    return {
        "Hansen, wild cluster bootstrap": lambda: hansen(y, x, False),
        "Hansen, not adjusted, on exp(y), exp(x)": lambda: hansen(up, right, False),
        "Hansen, level-adjusted, on exp(y), exp(x)": lambda: hansen(up, right, True),
        "spatial threshold, clustered multipliers": lambda: (
            spatial_threshold(y, x, q, w, n_grid=10, draws=199, rng=rng).p
        ),
        "spatial threshold, level-adjusted, on exp(y), exp(x)": lambda: (
            adjusted_threshold(up, right, q, w, n_grid=10, draws=199, rng=rng).p
        ),
    }


def disparity(count: int) -> Iterator[dict[str, object]]:
    """Changes of disparity measures between two years, and the between-group part of groups of equal means."""
    rng = np.random.default_rng(21)
    n, equal, shares = 280, [], []
    hits: dict[str, list[bool]] = {}
    whole, member = _two_years(np.random.default_rng(22), 400_000)
    first, last = (_values(whole[:, t], member) for t in (0, 1))
    for seed in range(count):
        y, g = _two_years(rng, n)
        change = disparity_change(y, g, n_bootstrap=299, seed=seed)
        for name, low, high in zip(change.names, change.lower, change.upper, strict=True):
            hits.setdefault(name, []).append(bool(low <= last[name] - first[name] <= high))
        flat = between_groups(rng.lognormal(sigma=0.4, size=n), g)
        equal.append(flat.p < 0.05)
        shares.append((flat.shares[0], 100 * flat.corrected / flat.total))
    for name, hit in hits.items():
        yield {"quantity": f"change of {name}, paired bootstrap", "coverage or size": float(np.mean(hit))}
    plain, corrected = np.mean(shares, axis=0)
    yield {"quantity": "test of equal group means, means equal (size)", "coverage or size": float(np.mean(equal))}
    yield {"quantity": "mean between-group share in percent, means equal: plain", "coverage or size": plain}
    yield {"quantity": "mean between-group share in percent, means equal: corrected", "coverage or size": corrected}


def _two_years(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    g = np.arange(n) % 4
    first = np.exp(0.15 * g + 0.4 * rng.normal(size=n))
    return np.column_stack([first, first**0.9 * np.exp(0.2 + 0.12 * rng.normal(size=n))]), g


def _values(y: np.ndarray, g: np.ndarray) -> dict[str, float]:
    """Every measure of one year in a population."""
    parts, t, low = dagum(y, g), theil(y, g), theil(y, g, "L")
    means = [y[g == j].mean() for j in range(4)]
    return {
        "mean": y.mean(),
        "sd": y.std(ddof=1),
        "cv": y.std(ddof=1) / y.mean(),
        "sd_log": np.log(y).std(ddof=1),
        "gini": parts.total,
        "dagum_within": parts.within,
        "dagum_between": parts.between,
        "dagum_transvariation": parts.transvariation,
        "theil_t": t.total,
        "theil_t_within": t.within,
        "theil_t_between": t.between,
        "theil_l": low.total,
        "theil_l_within": low.within,
        "theil_l_between": low.between,
        "gap": means[3] - means[0],
        "gap_log": np.log(means[3] / means[0]),
    }


PROVINCES, REGIONS = (10, 6, 3, 12), ("east", "central", "northeast", "west")  # as the four regions of the country
PARTS = (
    *(f"Theil, {part}" for part in ("between regions", "between provinces", "within provinces")),
    *(f"Dagum, {part}" for part in ("within", "net between", "overlap")),
)


def parts(count: int) -> Iterator[dict[str, object]]:
    """Shares of Theil and Dagum where provinces differ: truth is the same country with 300 times the provinces."""
    region = np.repeat(np.arange(4), PROVINCES)  # of a province
    size = 2 + np.arange(region.size) * 7 % 20  # cities of a province

    def country(rng: np.random.Generator, copies: int) -> tuple[np.ndarray, Groups, Groups]:
        home = np.tile(region, copies)
        province = np.repeat(np.arange(home.size), np.tile(size, copies))
        y = 0.1 * home[province] + 0.15 * rng.normal(size=home.size)[province] + 0.3 * rng.normal(size=province.size)
        return np.exp(y), Groups(province, tuple(range(home.size))), Groups(home[province], REGIONS)

    def shares(y: np.ndarray, province: Groups, groups: Groups, _: int, W: Weights) -> np.ndarray:
        t, d = _batch.theil_nested(y, W, groups, province, "T"), _batch.dagum_components(y, W, groups)[0]
        theil_shares = np.column_stack([t.between_region, t.between_province, t.within_province]) / t.total[:, None]
        return np.asarray(100 * np.column_stack([theil_shares, d[:, 1:] / d[:, :1]]))

    y, province, groups = country(np.random.default_rng(31), 300)
    t, d = theil_nested(y, groups.codes, province.codes), dagum(y, groups.codes)
    whole = [t.between_region, t.between_province, t.within_province]
    true = np.concatenate([100 * np.array(whole) / t.total, d.shares])
    hits = np.zeros((2, len(PARTS)))
    for seed in range(count):
        y, province, groups = country(np.random.default_rng([seed, 32]), 1)
        of_year = partial(shares, y, province, groups)
        left_out = jackknifed(of_year, 1, province, groups, np.ones(len(PARTS), dtype=bool))
        drawn = resampled(of_year, 1, province, n_replicates=299, seed=seed)
        hits += [(r.lo[0] <= true) & (true <= r.hi[0]) for r in (left_out, drawn)]
    for name, value, jackknife, bootstrap in zip(PARTS, true, *(hits / count), strict=True):
        yield {"share": name, "truth, %": value, "jackknife of provinces": jackknife, "cities drawn": bootstrap}


def pilots(count: int) -> Iterator[dict[str, object]]:
    """A policy that does nothing, drawn or given to cities of a high level whose figures grow faster anyway."""
    region = np.repeat(np.arange(4), PROVINCES)
    province = np.repeat(np.arange(region.size), 2 + np.arange(region.size) * 7 % 20)
    n, years = province.size, list(range(2012, 2022))
    ways = {"drawn": (0.0, 1.0), "drawn in few provinces": (0.0, 0.2), "of a high level, which grows": (0.1, 1.0)}
    for words, (trend, apart) in ways.items():
        hits: list[list[float]] = []
        for seed in range(count):
            rng = np.random.default_rng([seed, 33])
            level = rng.normal(size=n)
            y = level[:, None] * (3 + trend * np.arange(10)) + rng.normal(size=(region.size, 10))[province]
            e = rng.normal(size=(n, 10))
            for t in range(1, 10):
                e[:, t] = 0.6 * e[:, t - 1] + 0.8 * e[:, t]
            lot = rng.normal(size=region.size)[province] + apart * rng.normal(size=n) - (level if trend else 0.0)
            pilot_rows = np.argsort(lot)[:30]
            start = np.full(n, np.nan)
            start[pilot_rows] = rng.choice([2016, 2017], 30)
            points = rng.uniform(0, 1000, size=(n, 2))
            city, national = (
                pilot_effects(y + e, start, points, years, [], metric="euclidean", clusters=c).table.iloc[0]
                for c in (None, province)
            )
            hits.append(
                [
                    city["lower"] <= 0 <= city["upper"],
                    national["lower"] <= 0 <= national["upper"],
                    national["lower_honest"] <= 0 <= national["upper_honest"],
                    national["p_pretrend"] < 0.05,
                ]
            )
        names = ("by city", "by province, t(P - 1)", "honest bounds, m = 1", "years before differ at 5 %")
        yield {"pilots": words, **dict(zip(names, np.mean(hits, axis=0).tolist(), strict=True))}


def clubs(count: int) -> Iterator[dict[str, object]]:
    """Three true clubs of thirty cities over ten years: cities close in on their club at the rate 1/(ln(t + 1) t^a)."""
    member, years = np.repeat(np.arange(3), 30), np.arange(1, 11)
    for gap, noise in itertools.product((0.2, 0.5), (0.0, 0.02, 0.05)):
        exact, split, rejections = 0, 0, 0
        for seed in range(count):
            rng = np.random.default_rng([seed, 34])
            near = 0.35 * rng.uniform(-1, 1, size=(90, 1)) / (np.log(years + 1) * years**0.5)
            y = (1 + gap * member[:, None] + near) * np.exp(0.05 * years + noise * rng.normal(size=(90, 10)))
            labels = merge_clubs(find_clubs(y)).labels.to_numpy()
            number = len(set(labels[labels > 0]))
            exact, split = exact + (number == 3), split + (number > 3)
            rejections += log_t(y[member == 0]).t < -1.65
        rates = {"three clubs found": exact, "more than three": split, "a true club rejected": rejections}
        row = {name: value / count for name, value in rates.items()}
        yield {"gap of clubs": f"{gap:g}", "noise": f"{noise:g}", **row}


def error_in_x(count: int) -> Iterator[dict[str, object]]:
    """Slopes on an index of reliability .8 whose indicators have errors of their own: truth .5 and .3."""
    country, rng = Country.of(DESIGNS[2]), np.random.default_rng(0)
    near, nothing = spatial_weights(country.w), np.zeros((240, 8, 0))
    designs = {"4 equal parts": [0.25] * 4, "14 equal parts": [1 / 14] * 14, "parts of .4 to .1": [0.4, 0.3, 0.2, 0.1]}
    for words, weight in designs.items():
        noise = np.sqrt(0.25 / np.square(weight).sum())
        slopes, errors = np.empty((2, count)), np.empty(count)
        for seed in range(count):
            draw = np.random.default_rng([seed, 35])
            x, e = draw.normal(size=(240, 8)), draw.normal(size=(240, 8, len(weight)))
            y = BETA * x + THETA * country.w @ x + draw.normal(size=(240, 8))
            parts = np.asarray(weight) * (x[:, :, None] + noise * e)
            halves = split_half(y, parts, near, nothing, rng=rng)
            plain = fit_panel(y, parts.sum(axis=2)[:, :, None], near, model="slx")
            slopes[:, seed], errors[seed] = (plain.params[0], halves.coef[0]), halves.se[0]
        bias, inside = slopes.mean(axis=1) / BETA - 1, np.abs(slopes[1] - BETA) <= half_width() * errors
        names = ("least squares", "split halves")
        row = {f"bias of {name}, %": 100 * value for name, value in zip(names, bias.tolist(), strict=True)}
        yield {"index of": words, **row, "split halves cover": float(inside.mean())}


def common_factor(count: int) -> Iterator[dict[str, object]]:
    """Coverage of the direct effect where one factor of the years moves x and the errors."""
    country = Country.of(DESIGNS[2])
    true = truth(country)[0]
    fits: tuple[Callable[..., CoreFit], ...] = (fit_panel, interactive_iv)
    for words, together in (("drawn apart", 0.0), ("related by .3", 0.3)):
        hits = np.zeros(2)
        for seed in range(count):
            rng = np.random.default_rng([seed, 36])
            y, x, _ = country.draw(seed)
            f, (a, b) = 2 * rng.normal(size=y.shape[1]), rng.normal(size=(2, len(y), 1))
            in_x, in_y = a * f, (together * a + np.sqrt(1 - together**2) * b) * f
            y = y + country.solve @ (BETA * in_x + THETA * country.w @ in_x + in_y)
            for at, fit in enumerate(fits):
                try:
                    one = average_effects(fit(y, (x + in_x)[:, :, None], country.w))
                except PanelInputError:  # a rho outside its range: holds nothing
                    continue
                hits[at] += abs(one.point[0][0] - true) <= half_width() * one.se[0][0]
        fixed, interactive = (hits / count).tolist()
        row = {"direct effect, by city": fixed, "with interactive effects": interactive}
        yield {"loadings of x and of the errors": words, **row}


def rounded(rows: list[dict[str, object]]) -> str:
    frame = pd.DataFrame(rows)
    for name in frame.select_dtypes("float"):
        frame[name] = frame[name].map("{:.3f}".format)
    return table(frame)


def reading(effects: list[dict[str, object]], tests: list[dict[str, object]], change: list[dict[str, object]]) -> str:
    """What the targets say of the default errors, the robust tests and the changes of disparity."""
    lines = []
    for row in effects:
        if row["errors"] == "cluster (default)":
            misses = [
                k
                for k in ("direct", "indirect", "total", "rho")
                if not COVERAGE[0] <= float(str(row[k])) <= COVERAGE[1]
            ]
            verdict = "reached" if not misses else f"**not reached** for {', '.join(misses)}"
            lines.append(f"- Coverage of effects, design `{row['design']}`: {verdict}.")
    for design in dict.fromkeys(r["design"] for r in tests):
        robust = [
            r
            for r in tests
            if r["design"] == design
            and "info" not in str(r["test"])
            and "plain" not in str(r["test"])
            and "not adjusted" not in str(r["test"])
        ]
        off = [
            f"{r['test']} ({float(str(r['rejected'])):.3f})"
            for r in robust
            if not SIZE[0] <= float(str(r["rejected"])) <= SIZE[1]
        ]
        verdict = "all inside" if not off else "**outside**: " + "; ".join(off)
        lines.append(f"- Size of robust tests, design `{design}`: {verdict}.")
    shares = {
        str(r["quantity"]): float(str(r["coverage or size"])) for r in change if "change of" in str(r["quantity"])
    }
    low = [
        f"{name.removeprefix('change of ').split(',')[0]} ({share:.3f})"
        for name, share in shares.items()
        if not COVERAGE[0] <= share <= COVERAGE[1]
    ]
    lines.append(
        f"- Coverage of changes of disparity: {'reached' if not low else '**not reached** for ' + ', '.join(low)}."
    )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--thresholds", type=int, default=100)
    parser.add_argument("--page", type=Path, default=Path("docs/simulation.md"))
    args = parser.parse_args()
    countries = [Country.of(design) for design in DESIGNS]
    effects = [row for c in countries for row in coverage(c, args.replications)]
    tests = [row for c in countries for row in sizes(c, args.replications)]
    tests += [row for c in countries[2:3] for row in thresholds(c, args.thresholds)]
    change = list(disparity(args.replications))
    noise = half_width() * np.sqrt(0.05 * 0.95 / args.replications)
    texts = {
        "run": f"{args.replications} replications ({args.thresholds} for thresholds): a rate of 5 % is known to "
        f"+-{100 * noise:.1f} points.\n",
        "designs": rounded([{"design": d.code, "n": d.n, "T": d.t, "what": d.words} for d in DESIGNS]),
        "targets": reading(effects, tests, change),
        "coverage": rounded(effects),
        "rejections": rounded(tests),
        "disparity": rounded(change),
        "policy": rounded(list(pilots(args.replications))),
        "error in x": rounded(list(error_in_x(args.replications))),
        "common factor": rounded(list(common_factor(args.replications))),
        "clubs": rounded(list(clubs(args.replications))),
        "parts": rounded(list(parts(args.replications))),
    }
    for name, text in texts.items():
        write_part(args.page, name, text)


if __name__ == "__main__":
    main()
