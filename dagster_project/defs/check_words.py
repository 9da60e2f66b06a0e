"""What a check of dbt says on its page: one sentence a test, from its kind and its arguments."""

from collections.abc import Mapping
from typing import Any

from dagster_project.defs.column_words import read_words


def sentence_of(node: Mapping[str, Any], table: str) -> str:
    """Of a test node of dbt's manifest on `table`. LookupError for a kind of test that nobody has described."""
    told = node.get("test_metadata") or {}
    kind, given = str(told.get("name", "")), dict(told.get("kwargs", {}))
    column = f"`{given.get('column_name', node.get('column_name'))}`"
    if kind == "unique":
        text = f"{column} is unique in `{table}`."
    elif kind == "not_null":
        text = f"{column} of `{table}` is never empty."
    elif kind == "accepted_values":
        text = f"{column} of `{table}` is one of {', '.join(map(str, given['values']))}."
    elif kind == "relationships":
        text = f"Every {column} of `{table}` is a `{given['field']}` of {_plain(given['to'])}."
    elif kind == "unique_combination":
        text = f"`{table}` has one row per {', '.join(given['columns'])}."
    elif kind == "sums_to":
        text = f"{column} of `{table}` sums to {given['total']} within each {', '.join(given['group_by'])}."
    elif kind == "expression_is_true":
        where = f", where `{given['where']}`" if "where" in given else ""
        text = f"{_title(node)}: `{given['expression']}` in every row of `{table}`{where}."
    elif kind in (own := read_words("tests")):
        text = own[kind]
    else:
        raise LookupError(
            f"The test {node['name']} is of the kind '{kind}', which neither defs/check_words.py nor dbt/words.yml"
            " describes."
        )
    return text if node.get("config", {}).get("severity", "ERROR").upper() == "ERROR" else f"{text} It warns only."


def _title(node: Mapping[str, Any]) -> str:
    """'gap_is_the_difference' -> 'Gap is the difference'; a test without a name of its own is a condition."""
    name = str(node["name"])
    return "Condition" if name.startswith("expression_is_true") else name.replace("_", " ").capitalize()


def _plain(reference: object) -> str:
    """ "ref('dim_city')" -> '`dim_city`'."""
    return f"`{str(reference).replace(chr(34), chr(39)).split(chr(39))[-2]}`"
