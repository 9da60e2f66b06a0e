"""Without planted effects, on indexes instead of latents: what the shape of an index alone makes appear.

The indicators are convex in the latents (counts per head). Then a city of a high level moves more for the same push,
which equality tests read as asymmetry or as different groups. Logarithms take most of it away. This is a limit of every
study on such an index; the test keeps it in sight. On the latents the tests keep their size (test_null_country).
"""

import numpy as np
import pytest

from dagster_project.demo.country import BASE_YEARS, draw_country, read_geography
from dagster_project.demo.indicators import MAPS, draw_indicators, draw_map, standardised_sides
from dagster_project.paths import demo_paths
from python_models.entropy import entropy_weights
from python_models.influence import block_spillover, group_effects
from python_models.simulation import EFFECTS, Truth

SIGN = np.array([np.sign(m.slope) for m in MAPS])


def index_of(columns):
    """Entropy-weighted score in points of min-max scaled indicators, less is better where the map falls."""
    z = np.stack([v[:, :BASE_YEARS] for v in columns], axis=2) * SIGN
    low, high = z.min(axis=(0, 1)), z.max(axis=(0, 1))
    z = (z - low) / (high - low)
    return 100 * z @ entropy_weights(z).weights


def p_values(seed, geography):
    """p of equal blocks and equal groups: on the latents, the indexes and their logarithms."""
    rng = np.random.default_rng(seed)
    country = draw_country(geography, Truth().without(*EFFECTS), rng)
    drawn = draw_indicators(standardised_sides(country), rng)
    base = country.pr[:, :BASE_YEARS]
    z = (country.pr - base.mean()) / base.std()
    y, x = index_of([drawn[m.code] for m in MAPS]), index_of([draw_map(m, z, rng) for m in MAPS])
    made = {
        "latent": (country.nqpf[:, :BASE_YEARS], base), "index": (y, x), "logarithm": (np.log(y), np.log(x)),
    }  # fmt: skip
    w, core, east = country.weights, geography.is_core == 1, geography.is_east.tolist()
    return {
        name: (
            block_spillover(*pair, w, core, draws=2, rng=rng).p_asymmetry,
            group_effects(*pair, w, east, draws=2, rng=rng).p_equal,
        )
        for name, pair in made.items()
    }


@pytest.mark.slow
def test_a_convex_index_looks_asymmetric_and_its_logarithm_much_less():
    geography = read_geography(demo_paths().seeds)
    drawn = [p_values(seed, geography) for seed in range(12)]
    rate = {name: np.mean([np.array(d[name]) < 0.05 for d in drawn], axis=0) for name in drawn[0]}
    assert (rate["latent"] <= 0.25).all(), rate
    assert (rate["index"] >= 0.9).all(), rate
    assert (rate["logarithm"] <= 0.75).all(), rate
    assert rate["logarithm"].mean() <= 0.6 * rate["index"].mean(), rate
