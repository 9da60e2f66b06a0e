"""What only the build file knows of earlier releases, read back from the releases when the build file is new.

Cells, loads and verdicts come again from the landing files. The names of data vintages, the list of runs and what made
the scores of earlier vintages do not: without them the next vintage would take a name that is already used.
"""

from __future__ import annotations

import json
from pathlib import Path

from dagster_project.paths import Paths
from dagster_project.published import sql_path
from dagster_project.store import Warehouse

FROM_PUBLISHED = ("ops.vintage", "ops.run_log")
OF_RELEASE = "data_vintage in (select data_vintage from release.ops.run_context)"
HISTORY_SQL = """
    insert into py.index_history by name
    select v.data_vintage, v.index_code, v.basis, v.city_id, v.year, v.indicator_code, v.value_raw as "value", w.weight,
        b.min_value, b.max_value, b.winsor_low_value, b.winsor_high_value, i.direction, i.cap_high
    from release.mart.mart_indicator_value as v
    join release.mart.mart_index_bounds as b using (index_code, basis, indicator_code)
    join release.mart.mart_index_weight as w
        on w.index_code = v.index_code and w.basis = v.basis and w.indicator_code = v.indicator_code
        and w.weight_scheme = 'entropy_flat'
    join release.mart.dim_indicator as i on i.index_code = v.index_code and i.indicator_code = v.indicator_code
    where v.index_code in (select index_code from release.ops.index_spec where variant_of = '')
"""


def recall(paths: Paths, warehouse: Warehouse) -> list[str]:
    """Fill a new build file with the memory of the releases; returns the data vintages that are remembered again.

    The names of the vintages come last: a recall that was cut off begins anew.
    """
    files = _oldest_first(paths)
    with warehouse.connect() as con:
        if not files or con.execute("select count(*) from ops.vintage").fetchall() != [(0,)]:
            return []
        con.execute("delete from py.index_history")
        for file in files:
            con.execute(f"attach '{sql_path(file)}' as release (read_only)")
            con.execute(f"delete from py.index_history where {OF_RELEASE}")
            con.execute(HISTORY_SQL)
            if file == files[-1]:
                con.execute("begin")
                for table in FROM_PUBLISHED:
                    con.execute(f"delete from {table}")
                    con.execute(f"insert into {table} by name select * from release.{table}")
                con.execute("commit")
            con.execute("detach release")
        names = con.execute("select data_vintage from ops.vintage order by created_at").fetchall()
    return [str(row[0]) for row in names]


def _oldest_first(paths: Paths) -> list[Path]:
    """Files of the releases, in the order in which they were built."""
    found = []
    for manifest in paths.releases.glob("[!.]*/manifest.json"):
        file = manifest.with_name("city.duckdb")
        if file.exists():
            found.append((str(json.loads(manifest.read_text(encoding="utf-8"))["run"]["started_at"]), file))
    return [file for _, file in sorted(found)]
