"""A quiet, ephemeral Great Expectations context: no files, no analytics, no progress bars.

The environment is set before the import because Great Expectations reads it while loading.
"""

import logging
import os
import warnings
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "False"

import great_expectations as gx
import pandas as pd
from great_expectations.core import ExpectationSuite
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig

logging.getLogger("great_expectations").setLevel(logging.ERROR)

# COMPLETE without index column names: row positions are free, a dict for each of 60,000 rows costs seconds.
RESULT_FORMAT = {"result_format": "COMPLETE", "partial_unexpected_count": 20}


def new_context() -> gx.data_context.EphemeralDataContext:
    """An ephemeral context that sends nothing and draws no progress bars."""
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    return context


def run_suite(
    context: gx.data_context.EphemeralDataContext, suite: ExpectationSuite, frame: pd.DataFrame
) -> ExpectationSuiteValidationResult:
    """Validate one frame (its index must be 0..n-1) against one suite."""
    batch = _whole_frame(context).get_batch({"dataframe": _columns_of(frame, suite)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return batch.validate(suite, result_format=RESULT_FORMAT)


def _columns_of(frame: pd.DataFrame, suite: ExpectationSuite) -> pd.DataFrame:
    """The columns that the suite looks at: Great Expectations hashes a frame twice, and copies it for every rule."""
    names = {
        getattr(expectation, name, None)
        for expectation in suite.expectations
        for name in ("column", "column_A", "column_B")
    }
    return frame[[column for number, column in enumerate(frame.columns) if column in names or number == 0]]


def _whole_frame(context: gx.data_context.EphemeralDataContext) -> BatchDefinition[Any]:
    """Made once a context: each call that adds something writes the whole configuration as YAML."""
    if "load" not in context.data_sources.all():
        context.data_sources.add_pandas(name="load").add_dataframe_asset("frame").add_batch_definition_whole_dataframe(
            "whole"
        )
    batch: BatchDefinition[Any] = context.data_sources.get("load").get_asset("frame").get_batch_definition("whole")
    return batch
