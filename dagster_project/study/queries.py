"""How the analyses ask for their frames: the .sql file beside a module, and what several queries have in common."""

from dagster_project.statements import statements

# composite scores, weights and contributions with the weight scheme that the spec of their index names as its own
OWN_WEIGHTS = "(index_code::varchar, weight_scheme::varchar) in (select index_code, weight_scheme from ops.index_spec)"
# candidates for the headline: indexes of productive forces, each with its index of production relations
PAIRS = "select index_code, relations_code, basis from mart.dim_index where relations_code is not null"
FORCES = f"(select index_code from ({PAIRS}))"
RELATIONS = f"(select relations_code from ({PAIRS}))"
WINDOWS = "select distinct index_code, window_start, window_end from ops.index_spec"
# every index that is no variant of another
MAIN_INDEXES = "(select index_code from ops.index_spec where variant_of = '')"
# variants that differ by what is done to printed figures only
OTHER_EDITIONS = "(select index_code from ops.index_spec where variant_of <> '' and edit_policy <> 'edited')"
SHARED = {
    "OWN_WEIGHTS": OWN_WEIGHTS,
    "PAIRS": PAIRS,
    "FORCES": FORCES,
    "RELATIONS": RELATIONS,
    "WINDOWS": WINDOWS,
    "MAIN_INDEXES": MAIN_INDEXES,
    "OTHER_EDITIONS": OTHER_EDITIONS,
}


def queries(module: str, **words: str) -> dict[str, str]:
    """The queries of the .sql file beside a module, by name; {PAIRS} in them is that of SHARED, or one of `words`."""
    return {name: text.format(**SHARED, **words) for name, text in statements(module).items()}


def candidate_scores(condition: str = OWN_WEIGHTS) -> str:
    """Composite scores of every candidate on every basis; is_frozen: on the basis of its base window."""
    return f"""
        select s.basis, s.index_code, s.weight_scheme, s.city_id, s.year, s.score, s.basis = i.basis as is_frozen
        from (select * from py.index_score where {condition}) as s
        join ({PAIRS}) as i on s.index_code = i.index_code
        order by all
    """


GROUP_FRAMES = {
    "schemes": "select * from mart.dim_group_scheme order by sort_no",
    "groups": "select city_id, scheme, group_code, valid_from, valid_to from mart.dim_group_membership order by all",
}
NEIGHBOURS = "select city_id_a, city_id_b from seed.city_neighbour order by 1, 2"
MASS = """
    select city_id, value from int.int_indicators_constructed
    where edit_policy = 'edited' and indicator_code = 'q2_gdppc' and value > 0
        and year = (select min(window_start) from ops.index_spec)
    order by city_id
"""
