"""The spatial weights of the study, by code, and where a table stops for want of scale.

The methods themselves take any number of cities (`python_models.space`, `.regression`, `.influence`); a table of them
for thousands of cities would cost hours or more memory than a machine has, and hold more links than anyone reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# w_code: kind, normalisation, options, note
CATALOGUE: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "queen_row": ("queen", "row", {}, "contiguity; headline of description and models"),
    "invd_row": ("invd", "row", {}, "inverse distance, no cut-off"),
    "invd_spectral": ("invd", "spectral", {}, "inverse distance with its absolute meaning kept"),
    "invd_minmax": ("invd", "minmax", {}, "inverse distance over the smaller of the largest row and column sums"),
    "invd2_row": ("invd", "row", {"power": 2.0}, "inverse square distance"),
    "invd500_row": ("invd", "row", {"cutoff": 500.0}, "inverse distance up to 500 km"),
    "invdmin_row": ("invd", "row", {"cutoff": "no_island"}, "shortest cut-off that leaves no island"),
    "knn4_row": ("knn", "row", {"k": 4}, "4 nearest"),
    "knn6_row": ("knn", "row", {"k": 6}, "6 nearest"),
    "knn8_row": ("knn", "row", {"k": 8}, "8 nearest"),
    "knn10_row": ("knn", "row", {"k": 10}, "10 nearest"),
    "expd_row": ("expd", "row", {}, "exponential decay, scale = median nearest-neighbour distance"),
    "econ_row": ("econ", "row", {}, "inverse gap of GDP per head in the base year"),
    "nested_row": ("nested", "row", {}, "half inverse distance, half economic"),
    "geo_econ_row": ("geo_econ", "row", {}, "inverse distance times mass of the emitter"),
    "center_periphery_row": ("center_periphery", "row", {}, "as before, without periphery to centre"),
    "same_prov": ("same_prov", "raw", {}, "invd_row inside provinces; adds to diff_prov"),
    "diff_prov": ("diff_prov", "raw", {}, "invd_row across provinces; adds to same_prov"),
    "ring_0_150_row": ("band", "row", {"ring": (0.0, 150.0)}, "ring below 150 km; empty rows kept"),
    "ring_150_300_row": ("band", "row", {"ring": (150.0, 300.0)}, "ring of 150 to 300 km; empty rows kept"),
    "ring_300_600_row": ("band", "row", {"ring": (300.0, 600.0)}, "ring of 300 to 600 km; empty rows kept"),
}
NEEDS_MASS = {"econ", "nested", "geo_econ", "center_periphery"}
MOST_LINKS = 1_000_000  # of one weight matrix: every pair of 1,000 cities
# same_prov is sparse, but it is a mask of a matrix that is not
NO_CUTOFF = ("invd", "expd", "econ", "nested", "geo_econ", "center_periphery", "same_prov", "diff_prov")


def refused_kind(kind: str, options: Mapping[str, object], n: int) -> str:
    """Why weights of this kind are not made for n cities, '' where they may be."""
    return "" if kind not in NO_CUTOFF or "cutoff" in options else refused_links(n * (n - 1))


def refused_links(links: int) -> str:
    """Why weights with so many links are left out, '' where they are not."""
    if links <= MOST_LINKS:
        return ""
    return f"left out: {links:,} links, more than {MOST_LINKS:,}; weights of near neighbours serve so many cities."


def refused_inverse(what: str, n: int) -> str:
    """Why a method that needs the multiplier of every pair of cities is left out, '' where it is not."""
    if n * (n - 1) <= MOST_LINKS:
        return ""
    return f"{what} needs the multiplier of every pair of {n:,} cities, whose time grows with the cube: left out."
