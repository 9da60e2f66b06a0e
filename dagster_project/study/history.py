"""What made the headline scores of the vintages that were published: kept in the build file, one block a vintage.

This is the memory of earlier builds, not a result of this one: it is no asset, and its name is quoted in queries so
that it makes no arrow in the asset graph. It stays in the schema `py`, which is never published.
"""

from dagster_project.store import Warehouse

PREVIOUS = """
    select h.* from "py"."index_history" as h
    where h.data_vintage = (
        select v.data_vintage from "ops"."vintage" as v
        where v.data_vintage <> (select data_vintage from ops.run_context)
            and v.data_vintage in (select data_vintage from "py"."index_history")
        order by v.created_at desc, v.data_vintage desc limit 1
    )
    order by index_code, basis, city_id, year, indicator_code
"""
CURRENT = """
    select k.data_vintage, v.index_code, v.basis, v.city_id, v.year, v.indicator_code, p.value, w.weight, b.min_value,
        b.max_value, b.winsor_low_value, b.winsor_high_value, i.direction, i.cap_high
    from py.index_value as v
    join int.int_panel_balanced as p using (index_code, city_id, year, indicator_code)
    join py.index_bounds as b using (index_code, basis, indicator_code)
    join py.index_weight as w
        on w.index_code = v.index_code and w.basis = v.basis and w.indicator_code = v.indicator_code
        and w.weight_scheme = 'entropy_flat'
    join seed.indicator as i on i.indicator_code = v.indicator_code
    cross join ops.run_context as k
    where v.index_code in (select index_code from ops.index_spec where variant_of = '')
    order by v.index_code, v.basis, v.city_id, v.year, v.indicator_code
"""


def remember_index(warehouse: Warehouse) -> None:
    """Keep what made the headline scores of the vintage that was just published; the same vintage is replaced."""
    vintage = str(warehouse.read_frame("select data_vintage from ops.run_context").iloc[0, 0])
    warehouse.replace_rows_by_query("py.index_history", CURRENT, {"data_vintage": vintage})
