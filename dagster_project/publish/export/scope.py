"""Which slice of a published file an export shows: index, basis, weight scheme, headline regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from dagster_project.publish.export.errors import ExportError
from dagster_project.publish.site.queries import HEADLINES, SCHEME

SYNTHETIC = "SYNTHETIC demo data: says nothing about China"


@dataclass(frozen=True)
class Scope:
    """What every query is asked for, and where the file comes from. `model` is "" where no regression is headline."""

    index: str
    basis: str
    scheme: str
    model: str
    release: str
    data_vintage: str
    method_version: str
    is_synthetic: bool
    built: Any

    def parameters(self, sql: str) -> dict[str, str]:
        """The named parameters that `sql` uses: $index, $basis, $scheme, $model."""
        known = {"index": self.index, "basis": self.basis, "scheme": self.scheme, "model": self.model}
        return {name: value for name, value in known.items() if f"${name}" in sql}

    @property
    def origin(self) -> str:
        """One sentence: release, data vintage, method version, basis, weights."""
        return (
            f"Release {self.release}, data vintage {self.data_vintage}, method {self.method_version}; "
            f"index {self.index}, basis {self.basis}, weights {self.scheme}"
        )


def read_scope(con: duckdb.DuckDBPyConnection, index: str | None) -> Scope:
    """Scope of `index`, or of the first headline index that is computed.

    Raises ExportError for an index that is unknown or was not computed (with the reason the build gave).
    """
    run = con.execute(
        "select release, data_vintage, method_version, is_synthetic, started_at from mart.mart_run_manifest"
        " order by started_at desc limit 1"
    ).fetchone()
    if run is None:
        raise ExportError("The published file has no run manifest: run `nqpf refresh` again.")
    bases = dict(
        con.execute(
            "select index_code, max(basis) from mart.mart_index_score"
            " where weight_scheme = ? and basis like 'frozen%' and score is not null group by 1",
            [SCHEME],
        ).fetchall()
    )
    chosen = index or next((code for code in HEADLINES if code in bases), None)
    if chosen is None or chosen not in bases:
        raise ExportError(_no_index(con, chosen, sorted(bases)))
    model = (
        con.execute(
            "select min(model_id) from mart.dim_model_spec where is_headline and y_code = ?", [chosen]
        ).fetchall()[0][0]
        if has_table(con, "dim_model_spec")
        else None
    )
    return Scope(chosen, bases[chosen], SCHEME, model or "", *run)


def has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether mart.`name` is in the file."""
    return name in tables_of(con)


def tables_of(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of all tables of schema mart."""
    found = con.execute(
        "select table_name from information_schema.tables where table_schema = 'mart' order by 1"
    ).fetchall()
    return [str(row[0]) for row in found]


def _no_index(con: duckdb.DuckDBPyConnection, index: str | None, known: list[str]) -> str:
    listed = f"Indexes with scores: {', '.join(known) or 'none'}."
    if index is None:
        return f"No headline index ({' or '.join(HEADLINES)}) has scores in this file. {listed}"
    why = con.execute("select skip_reason from mart.dim_index where index_code = ?", [index]).fetchone()
    if why is None:
        return f"No index is called '{index}'. {listed}"
    return f"Index {index} has no scores in this file: {why[0] or 'no reason given'}. {listed}"
