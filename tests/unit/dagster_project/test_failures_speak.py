"""Which failures are the user's to mend: exit code 2 and a sentence, no class names."""

import dagster as dg

from dagster_project.defs.outcome import read_failure
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_FAILED
from dagster_project.study.index import NoIndexError


def failure_after(error: Exception):
    @dg.op
    def step() -> None:
        raise error

    @dg.job
    def ingest() -> None:
        step()

    return read_failure(ingest.execute_in_process(raise_on_error=False))


def test_too_few_files_for_an_index_are_bad_input():
    failure = failure_after(NoIndexError("no index can be computed. nqpf: only 3 cities are complete"))
    assert failure.exit_code == EXIT_BAD_INPUT
    assert failure.sentences == ["no index can be computed. nqpf: only 3 cities are complete"]


def test_any_other_error_is_a_fault_of_the_program():
    failure = failure_after(ValueError("operands could not be broadcast"))
    assert failure.exit_code == EXIT_FAILED
    assert "a fault of the program" in failure.sentences[0]


def test_ctrl_c_is_an_interruption_and_no_fault():
    failure = failure_after(dg.DagsterExecutionInterruptedError())
    assert (failure.exit_code, failure.status) == (EXIT_FAILED, "interrupted")
    assert failure.sentences == ["Interrupted in step step. The published file is unchanged; run it again."]
