"""Result rows of specification tests: code, statistic, degrees of freedom, p-value, note."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from python_models._show import Shown
from python_models.inference import normal


@dataclass(frozen=True)
class SpecTest:
    """One test. `df` of the chi-squared (or numerator of F); `df_denominator` for F only; `p` in [0, 1]."""

    code: str
    statistic: float
    df: float
    p: float
    note: str = ""
    df_denominator: float = np.nan

    @classmethod
    def chi2(cls, code: str, statistic: float, df: float, note: str = "") -> "SpecTest":
        """A statistic that is chi-squared with `df` degrees of freedom under its hypothesis."""
        return cls(code, float(statistic), float(df), float(stats.chi2.sf(statistic, df)), note)

    @classmethod
    def f(cls, code: str, statistic: float, df: float, df_denominator: float, note: str = "") -> "SpecTest":
        """A statistic that is F(df, df_denominator) under its hypothesis."""
        p = float(stats.f.sf(statistic, df, df_denominator))
        return cls(code, float(statistic), float(df), p, note, float(df_denominator))

    @classmethod
    def normal(cls, code: str, statistic: float, note: str = "") -> "SpecTest":
        """A statistic that is standard normal under its hypothesis; two-sided p."""
        return cls(code, float(statistic), np.nan, float(normal(statistic, 1.0).p), note)

    def rejects(self, alpha: float = 0.05) -> bool:
        """True where p < alpha; a test that could not be made (p is NaN) never rejects."""
        return bool(self.p < alpha)


@dataclass(frozen=True)
class SpecTests(Shown):
    """Tests in the order they were made, found by their code."""

    tests: tuple[SpecTest, ...]

    def __getitem__(self, code: str) -> SpecTest:
        for test in self.tests:
            if test.code == code:
                return test
        raise KeyError(f"no test '{code}': there are {', '.join(self.codes)}.")

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(test.code for test in self.tests)

    def plus(self, more: "SpecTests | Iterable[SpecTest]") -> "SpecTests":
        """These tests followed by `more`."""
        return SpecTests((*self.tests, *(more.tests if isinstance(more, SpecTests) else more)))

    def to_frame(self) -> pd.DataFrame:
        """One row per test: test_code, statistic, df, df_denominator, p, note."""
        rows = [(t.code, t.statistic, t.df, t.df_denominator, t.p, t.note) for t in self.tests]
        return pd.DataFrame(rows, columns=["test_code", "statistic", "df", "df_denominator", "p", "note"])
