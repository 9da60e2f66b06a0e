"""What the command refuses and how it says so; charts as files."""

import struct
from pathlib import Path

import pytest
from rich.console import Console

from dagster_project.paths import Paths
from dagster_project.publish.export import figures
from dagster_project.publish.export.command import Asked, export
from dagster_project.publish.export.errors import ExportError


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")


def refused(paths: Paths, asked: Asked) -> str:
    console = Console(record=True, width=4000, quiet=False)
    assert export(paths, console, asked) == 2
    return console.export_text()


def test_without_a_published_file_it_says_what_to_do(paths):
    assert "Run `nqpf refresh` first" in refused(paths, Asked("latex", table="T1"))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Asked("docx", table="T1"), "There is no format 'docx'. Formats: latex, markdown"),
        (Asked("latex"), "Format latex needs --table. Paper tables: T1 Indicator system"),
        (Asked("svg"), "Format svg needs --figure"),
        (Asked("excel", table="T1"), "A table can be latex, markdown, html, csv, parquet, not excel"),
        (Asked("latex", figure="F09"), "A figure can be svg, png, not latex"),
        (Asked("latex", table="T1", figure="F09"), "not both"),
        (Asked("png", figure="F09"), "Format png needs --out FILE"),
        (Asked("latex", table="T1", release="old"), "There is no release 'old'. Known: none"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_what_would(paths, asked, sentence):
    assert sentence in refused(paths, asked)


def test_it_writes_neither_into_the_warehouse_nor_into_a_folder_that_is_not_there(paths, tmp_path):
    paths.published.mkdir(parents=True)
    paths.published_file.write_bytes(b"not opened")
    assert "belongs to the warehouse" in refused(paths, Asked("latex", table="T1", out=paths.published_file))
    assert paths.published_file.read_bytes() == b"not opened"
    assert "There is no folder" in refused(paths, Asked("latex", table="T1", out=tmp_path / "no" / "t.tex"))


SPEC = {
    "data": {"values": [{"x": 1, "s": "A"}, {"x": 2, "s": "B"}]},
    "mark": "point",
    "height": 80,
    "autosize": {"type": "fit", "contains": "padding"},
    "encoding": {
        "x": {"field": "x", "type": "quantitative"},
        "color": {
            "field": "s",
            "type": "nominal",
            "legend": None,
            "scale": {"domain": ["A", "B"], "range": ["var(--a)", "var(--b)"]},
        },
    },
}


def test_a_chart_on_its_own_has_the_legend_that_the_page_shows_in_html():
    drawn = figures.draw(figures._with_legend(SPEC, []), "svg").decode()
    assert ">A<" in drawn
    assert ">B<" in drawn
    assert SPEC["encoding"]["color"]["legend"] is None, "the spec of the report was changed"


def test_a_chart_as_a_file_knows_its_colours():
    drawn = figures.draw(SPEC, "svg").decode()
    assert "var(--" not in drawn
    assert figures.theme.LIGHT["a"] in drawn


def test_a_png_has_three_hundred_dots_an_inch():
    png = figures.draw(SPEC, "png")
    at = png.index(b"pHYs") + 4
    assert struct.unpack(">IIB", png[at : at + 9]) == (11811, 11811, 1)  # dots a metre
    width = struct.unpack(">I", png[16:20])[0]
    assert width == figures.WIDTH * 300 // 72


def test_a_figure_of_the_paper_finds_its_charts_and_an_unknown_one_the_list():
    found = {"disparity/gini": SPEC, "disparity/dagum-parts": SPEC, "disparity/theil": SPEC}
    assert list(figures.chosen(found, "f09")) == ["disparity/gini", "disparity/dagum-parts"]
    assert list(figures.chosen(found, "disparity/theil")) == ["disparity/theil"]
    with pytest.raises(ExportError, match=r"No chart is called 'F99'\. Charts: disparity/gini"):
        figures.chosen(found, "F99")
    with pytest.raises(ExportError, match="no chart for F26"):
        figures.chosen(found, "F26")
