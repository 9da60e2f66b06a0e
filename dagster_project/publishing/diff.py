"""What changed between two published files, in words and counts. Used by the release and by `nqpf release diff`."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

CELLS_SQL = """
with new as (from new.mart.mart_indicator_value where basis like 'frozen%'),
old as (from old.mart.mart_indicator_value where basis like 'frozen%')
select
    coalesce(new.index_code, old.index_code) as index_code,
    count(*) filter (where old.value_raw is null and new.value_raw is not null) as added,
    count(*) filter (where old.value_raw is not null and new.value_raw is null) as removed,
    count(*) filter (where abs(new.value_raw - old.value_raw) > 1e-12 * abs(old.value_raw)) as changed
from new full join old using (index_code, city_id, year, indicator_code)
group by 1 order by 1
"""
SCORES_SQL = """
select
    new.index_code, new.basis, new.city_id, c.name_zh, c.name_en, new.year,
    old.score as score_old, new.score as score_new, new.score - old.score as change,
    old.rank_year as rank_old, new.rank_year as rank_new
from new.mart.mart_index_score as new
join old.mart.mart_index_score as old using (index_code, basis, weight_scheme, city_id, year)
join new.mart.dim_city as c on new.city_id = c.city_id
where new.weight_scheme = 'entropy_flat' and abs(new.score - old.score) > 1e-12
order by abs(new.score - old.score) desc, index_code, basis, city_id, year
"""
SOURCES_SQL = """
select new.* from new.mart.mart_source_load as new
anti join old.mart.mart_source_load as old using (source, data_year, vintage)
order by source, data_year
"""
WEIGHTS_SQL = """
select index_code, basis, indicator_code, old.weight as weight_old, new.weight as weight_new
from new.mart.mart_index_weight as new
join old.mart.mart_index_weight as old using (index_code, basis, weight_scheme, indicator_code)
where new.weight_scheme = 'entropy_flat' and abs(new.weight - old.weight) > 1e-12
order by abs(new.weight - old.weight) desc
"""


def diff_frames(old: Path, new: Path) -> dict[str, pd.DataFrame]:
    """cells, scores, weights, sources: what differs between two published files."""
    queries = {"cells": CELLS_SQL, "scores": SCORES_SQL, "weights": WEIGHTS_SQL, "sources": SOURCES_SQL}
    with duckdb.connect() as con:
        con.execute(f"attach '{str(old).replace(chr(39), chr(39) * 2)}' as old (read_only)")
        con.execute(f"attach '{str(new).replace(chr(39), chr(39) * 2)}' as new (read_only)")
        return {name: con.execute(sql).df() for name, sql in queries.items()}


def diff_markdown(old_name: str | None, new_name: str, frames: dict[str, pd.DataFrame] | None) -> str:
    """A page that a person reads before trusting a release."""
    if frames is None:
        return f"# {new_name}\n\nFirst release: there is nothing to compare it with.\n"
    moved = frames["scores"]
    lines = [f"# {new_name}, compared with {old_name}", "", "## Indicator cells", "", _table(frames["cells"])]
    lines += ["", "## New or changed source files", "", _table(frames["sources"])]
    lines += ["", f"## Scores that moved ({len(moved)})", "", _table(moved.head(20))]
    lines += ["", f"## Weights that moved ({len(frames['weights'])})", "", _table(frames["weights"].head(20))]
    return "\n".join(lines) + "\n"


def _table(frame: pd.DataFrame) -> str:
    return frame.to_markdown(index=False) if not frame.empty else "None."
