"""Large tables of the published file: each fact once in schema store, under a view that shows the table as it was.

A table of several indices repeats what does not depend on the index. Its rows fall into blocks (the rows of one index,
basis and year, say); blocks that hold the same are kept once, and a small table says which key has which block. A
column that a formula gives (of its row, or of the row that it was made from) is kept only in rows where the formula
does not give it, bit by bit. So a view never says anything else than the build, whatever the data.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import duckdb

STORE = "store"
PARTS = ("", "_block", "_row")  # ends of the names under which schema store keeps a table


@dataclass(frozen=True)
class Origin:
    """The packed table whose row a row was made from: its name in formulas, the columns of both that find it among
    those rows of the origin that fulfil `where`."""

    name: str
    table: str
    key: tuple[str, ...]
    where: str = "true"
    is_everywhere: bool = False  # every row has its origin, so that a filter on rows reaches the origin's


@dataclass(frozen=True)
class Packed:
    """How a table is kept.

    block: columns that name a block; none where no block comes twice. order: of the kept rows, so that equal values
    stand side by side. helpers: columns that formulas need, as SQL over the rows of the build. formulas: column -> SQL
    over `f` (the kept row), the names of the origins and `{column}`, a column as it is shown or a helper. reads: tables
    of the build that helpers look into. in_hundredths: figures with two decimals, in whatever column, are kept so.
    """

    order: tuple[str, ...]
    block: tuple[str, ...] = ()
    helpers: Mapping[str, str] = field(default_factory=dict)
    origins: tuple[Origin, ...] = ()
    formulas: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    in_hundredths: bool = False


def _in_hundredths(column: str) -> str:
    """Whole hundredths, which pack, of figures that are printed with at most two decimals; else nothing."""
    return f"if(round(100 * {column}) / 100.0 = {column}, try_cast(round(100 * {column}) as integer), null)"


def _address(column: str) -> dict[str, str]:
    """Letters and row number of the address of a cell, which pack: F289."""
    return {
        "cell_letters": f"regexp_extract({column}, '([A-Z]*)[0-9]*$', 1)",
        "cell_row": f"try_cast(regexp_extract({column}, '[1-9][0-9]*$') as integer)",
    }


ADDRESS = "f.cell_letters || f.cell_row"
CELL = "split_part(source_cell_id, '!', -1)"  # the last part of source@vintage:file!sheet!cell
BOUNDS_OF = ("mart.mart_index_bounds", "mart.dim_indicator")
# Scaling is linear: these two values of an indicator have the z 0 and 1.
BOUNDS = {
    name: f"""(
        select if((d.direction > 0) = {is_low}, x.min_value, x.max_value)
        from build.mart.mart_index_bounds as x join build.mart.dim_indicator as d using (index_code, indicator_code)
        where x.index_code = b.index_code and x.basis = b.basis and x.indicator_code = b.indicator_code
    )"""
    for name, is_low in (("value_of_0", "true"), ("value_of_1", "false"))
}
Z = "({value} - {{value_of_0}}) / ({{value_of_1}} - {{value_of_0}})"
OF_THE_CELL = (
    *("source_cell_id", "variable_code", "source", "file", "sheet", "cell", "text", "unit_printed", "value", "unit"),
    *("used_value", "edit_rule", "edit_action"),
)
OF_THE_BUILD = ("data_vintage", "method_version", "boundary_vintage")
OF_A_SCORE = "over (partition by index_code, basis, weight_scheme, year)"
OF_THE_PARTS = "over (partition by index_code, basis, weight_scheme, city_id, year)"
OF_THE_HEADLINE = "index_code = (select index_code from build.mart.dim_index where is_headline)"
OF_A_KERNEL = "over (partition by index_code, basis, weight_scheme, kind, lag)"
OF_A_CURVE = "over (partition by index_code, basis, weight_scheme, year, scheme, group_code, bw_rule)"
# In this order: an origin goes before what is made from it.
PACKED = {
    "mart.mart_source_value": Packed(
        order=("variable_code", "source", "year", "city_id"),
        helpers={"hundredths": _in_hundredths("value"), **_address("cell")},
        formulas={
            "cell": ADDRESS,
            "source_cell_id": "f.source || '@' || f.vintage || ':' || f.file || '!' || f.sheet || '!' || {cell}",
            "value": "f.hundredths / 100.0",
            "value_printed": "{value}",
            "used_value": "{value}",
        },
    ),
    "mart.mart_indicator_value": Packed(
        block=("index_code", "basis", "indicator_code", "year", *BOUNDS),
        order=("indicator_code", "city_id", "year", "index_code", "basis"),
        helpers={
            "cell_sheet": f"left(source_cell_id, length(source_cell_id) - length({CELL}))",
            **_address(CELL),
            **BOUNDS,
        },
        formulas={
            "source_cell_id": f"f.cell_sheet || {ADDRESS}",
            "value_final": "f.value_raw",
            "z": Z.format(value="{value_final}"),
        },
        reads=BOUNDS_OF,
    ),
    "mart.mart_index_contribution": Packed(
        block=("index_code", "basis", "weight_scheme", "indicator_code", "year", "weight"),
        order=("city_id", "year", "index_code", "basis", "indicator_code"),
        helpers={"shortfall": f"mode(weight * (1 - z) / obstacle_degree) {OF_THE_PARTS}"},
        formulas={"contribution": "{weight} * {z}", "obstacle_degree": "{weight} * (1 - {z}) / f.shortfall"},
    ),
    "mart.mart_index_score": Packed(
        block=("index_code", "spec_code", "basis", "weight_scheme", "year"),
        order=("index_code", "basis", "weight_scheme", "year", "share_imputed_weight", "city_id"),
        helpers={
            "n_other": f"(count(score) {OF_A_SCORE} - 1)::integer",
            "mean_year": f"mode(score / score_relative) {OF_A_SCORE}",
        },
        formulas={
            "score_100": "100 * f.score",
            "pct_year": "100.0 * (f.n_other + 1 - f.rank_year) / f.n_other",
            "score_relative": "f.score / f.mean_year",
        },
    ),
    "mart.mart_indicator_source": Packed(
        block=("index_code", "indicator_code", "city_id"),
        order=("indicator_code", "city_id", "year", "source_cell_id", "index_code"),
        origins=(Origin("c", "mart.mart_source_value", ("source_cell_id",)),),
        formulas={name: f"c.{name}" for name in OF_THE_CELL},
    ),
    "mart.why_this_number": Packed(
        block=(
            *("basis", "index_code", "weight_scheme", "city_id", "name_zh", "name_en"),
            *("indicator_code", "indicator_zh", "indicator_en", "unit"),
        ),
        order=("index_code", "indicator_code", "city_id", "year"),
        helpers={**_address("cell"), **BOUNDS},
        formulas={
            "value_final": "f.value_raw",
            "z": Z.format(value="{value_final}"),
            "contribution": "{weight} * {z}",
            "cell": ADDRESS,
        },
        reads=BOUNDS_OF,
    ),
    "mart.mart_kde_curve": Packed(
        block=("index_code", "basis", "weight_scheme", "scheme", "group_code", "bw_rule", "year"),
        order=("index_code", "basis", "weight_scheme", "scheme", "group_code", "bw_rule", "year", "grid_id"),
        helpers={"x_first": f"min(x) {OF_A_CURVE}", "x_step": f"(max(x) {OF_A_CURVE} - min(x) {OF_A_CURVE}) / 511"},
        formulas={"x": "f.x_first + f.grid_id * f.x_step"},
    ),
    "mart.mart_stochastic_kernel": Packed(
        order=("index_code", "basis", "weight_scheme", "kind", "lag", "v_id", "u_id"),
        helpers={"u_first": f"min(u) {OF_A_KERNEL}", "u_step": f"(max(u) {OF_A_KERNEL} - min(u) {OF_A_KERNEL}) / 127"},
        formulas={"u": "f.u_first + f.u_id * f.u_step"},
    ),
    "mart.mart_spatial_weight_edge": Packed(
        order=("w_code", "city_id_receiver", "city_id_emitter"),
        helpers={"row_sum": "mode(weight_raw / weight_norm) over (partition by w_code, city_id_receiver)"},
        formulas={"weight_raw": "1 / f.distance_km", "weight_norm": "{weight_raw} / f.row_sum"},
    ),
    "mart.mart_coupling": Packed(
        order=("basis", "index_code", "relations_code", "weight_scheme", "city_id", "year", "scale", "form"),
        formulas={"t_index": "(f.u1 + f.u2) / 2", "d": "sqrt(f.c * {t_index})"},
    ),
    "mart.mart_index_uncertainty": Packed(order=("index_code", "basis", "year", "city_id"), in_hundredths=True),
    "easy.city_variable_wide": Packed(order=("city_id", "year"), in_hundredths=True),
    "easy.city_variable": Packed(
        block=(
            *("city_id", "name_zh", "name_en", "province_name", "province_en"),
            *("variable_code", "variable_zh", "variable_en", "unit", "is_indicator"),
        ),
        order=("variable_code", "city_id", "year"),
        helpers={"hundredths": _in_hundredths("value"), **_address("cell")},
        formulas={"value": "f.hundredths / 100.0", "value_as_printed": "{value}", "cell": ADDRESS},
    ),
    "easy.panel_long": Packed(
        block=(
            *("city_id", "name_zh", "name_en", "province_name", "province_en", "dimension", "direction"),
            *("indicator_code", "indicator_zh", "indicator_en", "unit", "weight"),
        ),
        order=("city_id", "year", "indicator_code"),
        origins=(Origin("w", "mart.why_this_number", ("city_id", "year", "indicator_code"), OF_THE_HEADLINE),),
        formulas={
            "z_100": "100 * w.z",
            "contribution_100": "100 * w.contribution",
            **{
                name: f"w.{name}"
                for name in ("value_raw", "value_final", "value_origin", "source", "file", "sheet", "cell")
            },
        },
    ),
}


class PackError(Exception):
    """A view that does not show what the build holds."""


def is_packable(con: duckdb.DuckDBPyConnection, table: str, columns: Iterable[str]) -> bool:
    """All columns that the plan speaks of are there (an older build may lack some), and so are the origins."""
    plan = PACKED.get(table)
    if plan is None:
        return False
    keys = {column for origin in plan.origins for column in origin.key}
    there = con.execute(
        "select database_name || '.' || schema_name || '.' || table_name from duckdb_tables()"
        " where database_name in ('build', 'snapshot')"
    ).fetchall()
    needed = {f"snapshot.{STORE}.{_bare(origin.table)}" for origin in plan.origins}
    needed |= {f"build.{table}" for table in plan.reads}
    named = {*plan.block, *plan.order, *plan.formulas, *keys} - set(plan.helpers)
    return named <= set(columns) and needed <= {row[0] for row in there}


def pack(con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], extra: str) -> None:
    """Write the kept rows of build.<table> to snapshot.store, and the view snapshot.<table> that shows the table.

    columns: name -> type, in their order. extra: one more column of the view, as SQL over its own (", x as y"), or
    nothing. Raises PackError if the view has other rows than the build.
    """
    plan, stored_as = _plan(con, table, columns), f"{STORE}.{_bare(table)}"
    _take_rows(con, table, plan)
    plan = replace(plan, origins=tuple(replace(o, is_everywhere=_is_everywhere(con, o)) for o in plan.origins))
    own = _empty_what_is_given(con, plan, columns)
    kept = [c for c in columns if c not in plan.block and (c in own or c not in plan.formulas)]
    kept += [
        *(h for h in plan.helpers if h not in plan.block),
        *(_number(origin) for origin in plan.origins),
        *(_flag(column) for column in own),
    ]
    if plan.block:
        _keep_one_of_equal_blocks(con, plan, kept, stored_as)
    numbers = [*(["row_no"] if _keys(table) else []), *(["block_no"] if plan.block else [])]
    shown = ", ".join([*(f"{name}::integer as {name}" for name in numbers), *(f'"{c}"' for c in kept)])
    con.execute(f"create table snapshot.{stored_as} as select {shown} from packed_rows order by row_no")
    con.execute("drop table packed_rows")
    _create_views(con, table, plan, columns, own, extra)
    _number_rows(con, table)
    if _sum(con, f"build.{table}", columns) != _sum(con, f"snapshot.{table}", columns):
        raise PackError(f"{table}: the packed rows are not those of the build.")


def _plan(con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> Packed:
    """The plan of a table: what all its rows share goes with the keys of blocks, hundredths with the formulas."""
    plan = PACKED[table]
    if plan.block:
        plan = replace(plan, block=(*(name for name in OF_THE_BUILD if name in columns), *plan.block))
    figures = [column for column, kind in columns.items() if kind == "DOUBLE"] if plan.in_hundredths else []
    if not figures:
        return plan
    shares = ", ".join(f'count({_in_hundredths(column)}) >= 0.6 * count("{column}")' for column in figures)
    is_whole = con.execute(f"select {shares} from build.{table}").fetchall()[0]
    whole = [column for column, is_so in zip(figures, is_whole, strict=True) if is_so]
    return replace(
        plan,
        helpers={**plan.helpers, **{f"{column}_hundredths": _in_hundredths(column) for column in whole}},
        formulas={**plan.formulas, **{column: f'f."{column}_hundredths" / 100.0' for column in whole}},
    )


def _take_rows(con: duckdb.DuckDBPyConnection, table: str, plan: Packed) -> None:
    """packed_rows: the rows of the build in the order of the plan, with helpers and the numbers of their origins."""
    helpers = "".join(f", {sql} as {name}" for name, sql in plan.helpers.items())
    numbers = "".join(f", {o.name}.row_no as {_number(o)}" for o in plan.origins)
    joins = "".join(f" left join {_numbers(o.table)} as {o.name} using ({', '.join(o.key)})" for o in plan.origins)
    # numbered as they come: all cores sort, while a window with an order of its own is one core's
    con.execute(
        "create temp table packed_rows as select row_number() over () as row_no, *"
        f" from (select b.*{helpers}{numbers} from build.{table} as b{joins} order by {', '.join(plan.order)})"
    )


def _empty_what_is_given(con: duckdb.DuckDBPyConnection, plan: Packed, columns: Iterable[str]) -> list[str]:
    """Empty a column where its formula gives it; returns the columns that have rows of their own, which are flagged."""
    as_built = {column: f'f."{column}"' for column in (*columns, *plan.helpers)}
    flags = "".join(
        f', {as_built[column]} is distinct from ({sql.format_map(as_built)}) as "{_flag(column)}"'
        for column, sql in plan.formulas.items()
    )
    emptied = ", ".join(f'if("{_flag(column)}", "{column}", null) as "{column}"' for column in plan.formulas)
    con.execute(
        f"create temp table packed_own as select * replace ({emptied})"
        f" from (select f.*{flags} from packed_rows as f{_origins(plan, 'snapshot.')})"
    )
    con.execute("drop table packed_rows; alter table packed_own rename to packed_rows")
    found = ", ".join(f'coalesce(bool_or("{_flag(column)}"), false)' for column in plan.formulas)
    has_own = con.execute(f"select {found} from packed_rows").fetchall()[0]
    return [column for column, has in zip(plan.formulas, has_own, strict=True) if has]


def _keep_one_of_equal_blocks(con: duckdb.DuckDBPyConnection, plan: Packed, kept: list[str], stored_as: str) -> None:
    """packed_rows: those of the first of all equal blocks, numbered anew; which key has which block is stored."""
    key = ", ".join(f'"{column}"' for column in plan.block)
    con.execute(
        f"create temp table packed_block as select {key}, min(first_no) over (partition by n, content) as block_no,"
        " block_no = first_no as is_kept from"
        f" (select {key}, count(*) as n, {_content(con, kept)} as content, min(row_no) as first_no"
        f" from packed_rows group by {key})"
    )
    con.execute(
        "create temp table packed_own as select * replace (row_number() over () as row_no) from"
        f" (select r.*, b.block_no from packed_rows as r join packed_block as b using ({key}) where b.is_kept"
        " order by r.row_no)"
    )
    con.execute("drop table packed_rows; alter table packed_own rename to packed_rows")
    con.execute(
        f"create table snapshot.{stored_as}_block as"
        f" select {key}, block_no::integer as block_no from packed_block order by all"
    )
    con.execute("drop table packed_block")


def _content(con: duckdb.DuckDBPyConnection, kept: list[str]) -> str:
    """SQL: what the rows of a block say, as two sums of hashes of 64 bits, whatever the order of the rows.

    DuckDB hashes 0.0 and -0.0 alike: the sign of a figure counts for itself.
    """
    types = dict(con.execute("select column_name, column_type from (describe packed_rows)").fetchall())
    parts = [f'"{column}"' for column in kept] + [
        f'signbit("{column}")' for column in kept if types[column] == "DOUBLE"
    ]
    sums = (f"sum(hash({', '.join(order)})::hugeint)" for order in (parts, ["'again'", *reversed(parts)]))
    return f"({', '.join(sums)})"


def _create_views(
    con: duckdb.DuckDBPyConnection, table: str, plan: Packed, columns: Mapping[str, str], own: list[str], extra: str
) -> None:
    """<table>: all that is kept or given; store.<name>_row: a kept row without the keys of its block, as an origin."""
    stored_as = f"{STORE}.{_bare(table)}"
    shown = {c: f'k."{c}"' if c in plan.block else f'f."{c}"' for c in (*columns, *plan.helpers)}
    for column, sql in plan.formulas.items():
        formula = f"({sql.format_map(shown)})::{columns[column]}"  # no if(): clients of 1.2 do not know it
        shown[column] = (
            f'case when f."{_flag(column)}" then {shown[column]} else {formula} end' if column in own else formula
        )
    parts = {column: f'{shown[column]} as "{column}"' for column in columns}
    block = f" join {stored_as}_block as k using (block_no)" if plan.block else ""
    con.execute("use snapshot")  # a view names its tables without the file, which has another name for each reader
    con.execute(
        f"create view {table} as select *{extra} from"
        f" (select {', '.join(parts.values())} from {stored_as} as f{block}{_origins(plan)})"
    )
    if _keys(table):
        own_parts = ", ".join(sql for sql in parts.values() if 'k."' not in sql)
        con.execute(
            f"create view {stored_as}_row as select f.row_no, {own_parts} from {stored_as} as f{_origins(plan)}"
        )
    con.execute("use memory")


def _number_rows(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Key of every row of the build -> number of the kept row, where something is made from it."""
    stored_as = f"snapshot.{STORE}.{_bare(table)}"
    key_of_block = f" join {stored_as}_block using (block_no)" if PACKED[table].block else ""
    for key, where in _keys(table):
        names = ", ".join(f'"{column}"' for column in key)
        rows = f"(select r.*, f.block_no from {stored_as}_row as r join {stored_as} as f using (row_no))"
        con.execute(
            f"create temp table {_numbers(table)} as select {names}, row_no"
            f" from {rows if key_of_block else f'{stored_as}_row'}{key_of_block} where {where}"
        )


def _keys(table: str) -> set[tuple[tuple[str, ...], str]]:
    """How the rows of a table are found by what is made from them."""
    return {(origin.key, origin.where) for plan in PACKED.values() for origin in plan.origins if origin.table == table}


def _origins(plan: Packed, database: str = "") -> str:
    """Joins of the rows that a row was made from."""

    def join(origin: Origin) -> str:
        rows = f"{database}{STORE}.{_bare(origin.table)}_row as {origin.name}"
        kind = "join" if origin.is_everywhere else "left join"
        return f" {kind} {rows} on f.{_number(origin)} = {origin.name}.row_no"

    return "".join(map(join, plan.origins))


def _is_everywhere(con: duckdb.DuckDBPyConnection, origin: Origin) -> bool:
    return con.execute(f"select 1 from packed_rows where {_number(origin)} is null limit 1").fetchall() == []


def _sum(con: duckdb.DuckDBPyConnection, table: str, columns: Iterable[str]) -> tuple[int, int]:
    """Number of rows and sum of their hashes, whatever their order."""
    names = ", ".join(f'"{column}"' for column in columns)
    n, total = con.execute(f"select count(*), coalesce(sum(hash({names})::hugeint), 0) from {table}").fetchall()[0]
    return int(n), int(total)


def _number(origin: Origin) -> str:
    return f"{origin.name}_no"


def _flag(column: str) -> str:
    return f"{column}_is_own"


def _numbers(table: str) -> str:
    return f"number_of_{_bare(table)}"


def _bare(table: str) -> str:
    return table.split(".")[1]
