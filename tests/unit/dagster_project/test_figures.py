"""Numbers as people read them: no exponent, the value kept, all digits of the whole part."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.figures import grouped
from dagster_project.publish.locale import Number


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (87_020.0, 4, "87,020"),
        (999_999.5, 4, "1,000,000"),
        (9.9996, 4, "10"),
        (-0.000012, 6, "-0.000012"),
        (0.0, 4, "0"),
        (math.nan, 4, "–"),
        (math.inf, 4, "inf"),
    ],
)
def test_a_number_is_printed_as_a_person_would_write_it(value, digits, text):
    assert grouped(value, digits) == text


def test_a_number_of_a_sentence_without_a_format_has_no_exponent_and_a_true_minus():
    assert f"{Number(-87020.0)}" == f"{Number(-87020.0):,.4g}" == "−87,020"


@given(st.floats(-1e15, 1e15), st.integers(2, 10))
def test_it_reads_back_to_its_digits_and_has_an_exponent_only_below_a_thousand_millionth(value, digits):
    text = grouped(value, digits)
    assert math.isclose(float(text.replace(",", "")), value, rel_tol=0.51 * 10 ** (1 - digits), abs_tol=0)
    assert "e" not in text or abs(value) < 1e-9
