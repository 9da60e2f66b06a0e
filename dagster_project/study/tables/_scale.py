"""Where the tables stop for want of scale: too many links, or methods that need the influence of every city on every.

The methods themselves take any number of cities (`python_models.space`, `.regression`, `.influence`); a table of them
for thousands of cities would cost hours or more memory than a machine has, and hold more links than anyone reads.
"""

from __future__ import annotations

MOST_LINKS = 1_000_000  # of one weight matrix: every pair of 1,000 cities
NO_CUTOFF = ("invd", "expd", "econ", "nested", "geo_econ", "center_periphery", "same_prov", "diff_prov")
# same_prov is sparse, but it is a mask of a matrix that is not


def refused_kind(kind: str, options: object, n: int) -> str:
    """Why weights of this kind are not made for n cities, '' where they may be."""
    is_cut = isinstance(options, dict) and "cutoff" in options
    return "" if kind not in NO_CUTOFF or is_cut else refused_links(n * (n - 1))


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
