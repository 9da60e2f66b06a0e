"""A quiet, ephemeral Great Expectations context: no files, no analytics, no progress bars.

The environment is set before the import because Great Expectations reads it while loading.
"""

import logging
import os
import warnings
from functools import cache
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


@cache
def _whole_frame() -> BatchDefinition[Any]:
    """A batch definition of frames, made once, in a context that sends nothing and draws no progress bars."""
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    frames = context.data_sources.add_pandas(name="load").add_dataframe_asset("frame")
    return frames.add_batch_definition_whole_dataframe("whole")


def run_suite(suite: ExpectationSuite, frame: pd.DataFrame) -> ExpectationSuiteValidationResult:
    """Validate one frame (its index must be 0..n-1) against one suite."""
    batch = _whole_frame().get_batch({"dataframe": frame})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return batch.validate(suite, result_format=RESULT_FORMAT)
