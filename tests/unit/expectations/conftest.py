"""A clean load whose frames a test breaks in one thing, a country of 120 cities, and the verdict on them."""

from dataclasses import replace

import pytest
from loads import BASELINE, clean_load, draw_country

from expectations import validate
from expectations.judged import judged_blocks


@pytest.fixture
def frames():
    return clean_load()


@pytest.fixture
def figures():
    """Figures of 120 cities, (block, year) -> array; a test spoils one and loads them with `country_load`."""
    return draw_country()


@pytest.fixture
def judge():
    """judge(frames, **changes of the baseline): the failed rows by rule."""

    def run(frames, docs_dir=None, **changes):
        rows = validate(frames, replace(BASELINE, **changes), docs_dir=docs_dir, name="small load")
        return {row.rule_id: row for row in rows if not row.passed}

    return run


@pytest.fixture
def refused():
    """refused(frames): block -> rule that refuses it."""

    def run(frames):
        blocks = judged_blocks(frames, replace(BASELINE, rows_min=100, rows_max=130, required_variables=()))
        blocks = blocks[blocks["fault"] != ""]
        return dict(zip(blocks["block"].str.rsplit("/", n=1).str[0], blocks["fault"], strict=True))

    return run
