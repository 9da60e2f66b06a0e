"""docs/formulas.md: every cited work is listed, every listed one cited, every symbol of the table has one meaning."""

import re
from pathlib import Path

import pytest

from dagster_project.paths import PROJECT
from dagster_project.study.settings import read_findings

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "formulas.md").read_text(encoding="utf-8")
BODY_LINES = TEXT.partition("## References")[0]
BODY, _, LIST = TEXT.partition("## References")
BODY, LIST = " ".join(BODY.split()), " ".join(LIST.split())
YEAR = r"(?:19|20)\d{2}[a-z]?"
ENTRIES = LIST.split(" · ")
NO_AUTHORS = {"December"}


def cited():
    """(last name before the year, year) wherever the text has `Name (1990, 1992)` or `Name 1990)`."""
    pairs = set()
    for name, years in re.findall(rf"([A-Z][\w’'-]+)(?: et al\.)? \(?({YEAR}(?:, {YEAR})*)[);]", BODY):
        pairs |= {(name, year) for year in years.split(", ") if name not in NO_AUTHORS}
    return sorted(pairs)


def test_citations_are_found():
    assert len(cited()) > 80
    assert ("Anselin", "1995") in cited()


@pytest.mark.parametrize(("name", "year"), cited(), ids=lambda part: part)
def test_every_cited_work_is_listed(name, year):
    assert any(name in entry and re.search(rf"\(.*{year}|; \({year}|{year}", entry) for entry in ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry[:30])
def test_every_listed_work_is_cited(entry):
    names = re.split(r" \(", entry)[0]
    first = re.split(r",| and | et al", names)[0].split(" ")
    family = " ".join(first[:2]) if first[0] in {"von", "Montiel", "Bell"} and len(first) > 1 else first[0]
    years = [year for group in re.findall(rf"\(({YEAR}(?:, {YEAR})*)\)", entry) for year in group.split(", ")]
    assert years, entry
    for year in years:
        assert re.search(rf"{family}\b[^·]{{0,90}}?\b{year}", BODY), f"{family} {year} is listed and not cited"


def symbols():
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", TEXT[TEXT.index("### 1.2") : TEXT.index("### 1.3")], re.M)
    return [(names, meaning) for names, meaning in rows if names not in {"symbol", "---"}]


def test_every_symbol_of_the_table_is_defined_once():
    names = [re.split(r" = | \(", name)[0].strip() for row, _ in symbols() for name in re.split(r"[;,] ", row)]
    assert len(names) > 20
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)


@pytest.mark.parametrize("symbol", ["W", "T", "N", "S", "Γ", "Q", "J", "Ψ", "ρ", "θ"])
def test_no_section_gives_a_symbol_of_the_table_another_meaning(symbol):
    after = TEXT[TEXT.index("### 1.3") :]
    defined = re.findall(rf"(?<![\w⁻_'*/]){symbol} = [^\n]*", after)
    assert [text for text in defined if not is_the_same(symbol, text)] == []


def is_the_same(symbol, text):
    """Special cases of the table's meaning: W in its parts, Ψ written out for one model, G of scores."""
    allowed = {
        "W": ("W = W_",),
        "Ψ": ("Ψ = S⁻¹",),
        "ρ": ("ρ = λ", "ρ = 0"),
        "θ": ("θ = λ", "θ = 0"),
        "N": ("N = 1", "N = 2"),
        "T": ("T = 8", "T = 10"),
    }
    return text.startswith(allowed.get(symbol, ()))


def test_the_table_of_declared_findings_is_that_of_the_study():
    part = BODY_LINES[BODY_LINES.index("| finding | analysis |") :]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \| ([^|]*)\| ([^|]*)\|$", part, re.M)
    written = [tuple(cell.strip() for cell in row) for row in rows]
    findings = read_findings(PROJECT / "dagster_project" / "study" / "specs" / "findings.yml")
    schemes = {"heterogeneity", "asymmetry"}  # analyses that compare groups
    assert written == [
        (
            one.code,
            one.analysis,
            one.variant,
            one.variant.split(":")[0] if one.analysis in schemes else "",
            ", ".join(map(str, one.rings_km)),
        )
        for one in findings
    ]
