"""The page as a whole: one file, no network, marked if synthetic, safe with hostile text, equal to the database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.publish.site.queries import ReportError
from dagster_project.publish.site.site import write_report

HOSTILE = "</script><b>bold</b><img src=x onerror=alert(1)>'\"{{7*7}}"
SPECS = [
    "national-composite",
    "national-new",
    "national-quality",
    "split-east_vs_cw",
    "split-cluster",
    "split-core",
    "map",
    "weights",
    "coverage",
]


class Page(HTMLParser):
    """What a browser would make of the page: elements, text of scripts and of the rest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.elements, self.scripts, self.captions, self.text = html, [], {}, [], ""
        self._inside: list[str] = []
        self._id: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style", "caption", "title"):
            self._inside.append(tag)
            self._id = dict(attrs).get("id")
        if tag == "caption":
            self.captions.append("")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        inside = self._inside[-1] if self._inside else ""
        if inside == "script" and self._id:
            self.scripts[self._id] = self.scripts.get(self._id, "") + data
        elif inside == "caption":
            self.captions[-1] += data
        if inside not in ("script", "style"):
            self.text += data

    def spec(self, key: str) -> dict[str, Any]:
        return json.loads(self.scripts[f"spec-{key}"])


@pytest.fixture(scope="session")
def page_of(build_published: Callable[..., Path]) -> Callable[..., Page]:
    def make(folder: Path, release: str = "2026.11.0", **options: Any) -> Page:
        write_report(build_published(folder / "city.duckdb", **options), folder / "docs", release=release)
        return Page((folder / "docs" / "index.html").read_text(encoding="utf-8"))

    return make


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory, page_of: Callable[..., Page]) -> Page:
    return page_of(tmp_path_factory.mktemp("synthetic"), "2026.11.0-SYNTHETIC")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, page_of: Callable[..., Page]) -> Page:
    return page_of(tmp_path_factory.mktemp("real"), is_synthetic=False)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, page_of: Callable[..., Page]) -> Page:
    return page_of(tmp_path_factory.mktemp("hostile"), is_synthetic=False, name=HOSTILE)


def test_small_files_one_for_each_city(tmp_path: Path, page_of: Callable[..., Page]) -> None:
    """Without the marts of analyses: the overview, the cities, the data, the methods; no Vega in the small pages."""
    page_of(tmp_path)
    docs = tmp_path / "docs"
    assert {p.name for p in docs.glob("*.html")} == {"index.html", "cities.html", "data.html", "methods.html"}
    assert len(list((docs / "cities").iterdir())) == 24
    assert (docs / "index.html").stat().st_size < 4_000_000
    assert max(p.stat().st_size for p in (docs / "cities").iterdir()) < 60_000


def test_nothing_is_asked_from_a_network(real: Page) -> None:
    for tag, attrs in real.elements:
        for name in ("src", "href", "srcset", "action", "data", "xlink:href"):
            value = attrs.get(name) or ""
            own = value.startswith("#") or re.fullmatch(r"(cities/)?\w+\.html", value)
            assert not value or own, f"{tag} {name}={value}"
    own_style = real.html[real.html.index("<style>") : real.html.index("</style>")]
    assert "@import" not in own_style
    assert not re.search(r"url\((?!#)", own_style)
    policy = next(a["content"] for t, a in real.elements if t == "meta" and a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize("key", SPECS)
def test_each_chart_has_its_data(real: Page, key: str) -> None:
    spec = real.spec(key)
    rows = list(spec.get("datasets", {}).values()) or [spec["data"]["values"]]
    assert max(len(values) for values in rows) > 3
    holder = next(a for t, a in real.elements if a.get("data-chart") == f"spec-{key}")
    assert len(holder["aria-label"]) > 20


def test_synthetic_is_everywhere(synthetic: Page) -> None:
    assert "<title>SYNTHETIC" in synthetic.html
    assert any(attrs.get("class") == "banner" for _, attrs in synthetic.elements)
    assert synthetic.captions
    assert all("SYNTHETIC" in caption for caption in synthetic.captions)
    for key in SPECS:
        assert "SYNTHETIC" in json.dumps(synthetic.spec(key)["title"])


def test_real_data_never_say_synthetic(real: Page) -> None:
    assert "SYNTHETIC" not in real.html.upper()


def test_a_synthetic_file_is_marked_whatever_the_release_is_called(
    tmp_path: Path, page_of: Callable[..., Page]
) -> None:
    assert "<title>SYNTHETIC" in page_of(tmp_path, "2026.11.0", is_synthetic=True).html


def test_text_of_the_database_stays_text(hostile: Page) -> None:
    tags = {tag for tag, _ in hostile.elements}
    assert "img" not in tags
    assert not any(name.startswith("on") for _, attrs in hostile.elements for name in attrs)
    assert "<b>bold" not in hostile.html
    assert HOSTILE in hostile.text
    map_rows = [row for values in hostile.spec("map")["datasets"].values() for row in values]
    assert any(HOSTILE in str(shape.get("city")) for shape in map_rows)


def test_ranking_equals_the_database(tmp_path: Path, page_of: Callable[..., Page]) -> None:
    page = page_of(tmp_path, is_synthetic=False)
    with duckdb.connect(str(tmp_path / "city.duckdb"), read_only=True) as con:
        wanted = con.execute(
            "select rank_year, name_en, score_100 from mart.mart_index_score join mart.dim_city using (city_id) "
            "where index_code = 'nqpf_yearbook' and weight_scheme = 'entropy_flat' and year = 2015 order by rank_year"
        ).fetchall()
    table = page.html[page.html.index("The ten highest") : page.html.index("The ten lowest")]
    found = re.findall(
        r'<tr><td class="num">(\d+)</td><th[^>]*>([^<]+) <span[^<]*</span></th><td class="num">([\d.]+)', table
    )
    assert [(int(r), n, s) for r, n, s in found] == [(r, n, f"{s:.1f}") for r, n, s in wanted[:10]]


def test_queries_run_on_the_file(tmp_path: Path, page_of: Callable[..., Page]) -> None:
    page_of(tmp_path, is_synthetic=False)
    html = (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")
    found = re.findall(r"<pre[^>]*><code>(.*?)</code>", html, re.S)
    assert len(found) == 3
    with duckdb.connect(str(tmp_path / "city.duckdb"), read_only=True) as con:
        for sql in found:
            assert con.execute(sql.replace("&#39;", "'")).fetchall()


def test_licences_travel_with_the_page(real: Page) -> None:
    assert "Copyright (c) 2026 Clarmy" in real.text
    assert "University of Washington Interactive Data Lab" in real.text


def test_dropped_core_city_and_unscored_year_are_named(real: Page) -> None:
    callout = real.html[real.html.index('class="callout"') :][:600]
    assert "series ends early" in callout
    assert "2016: 0 of 22 cities have a composite score" in real.text
    assert "skipped: no firms" in real.text


@pytest.mark.parametrize("n_cities", [3, 4, 12])
def test_few_cities(tmp_path: Path, page_of: Callable[..., Page], n_cities: int) -> None:
    page = page_of(tmp_path, n_cities=n_cities)
    assert "nan" not in re.sub(r"[a-z]*nan[a-z]+|[a-z]+nan", "", page.text.lower())


def test_one_year_and_the_full_index(tmp_path: Path, page_of: Callable[..., Page]) -> None:
    page = page_of(tmp_path, years=(2012,), index_code="nqpf", n_cities=8)
    assert "Growth a year" not in page.text
    assert "nqpf" in page.text


def test_without_a_headline_index_there_is_one_clear_message(tmp_path: Path, page_of: Callable[..., Page]) -> None:
    with pytest.raises(ReportError, match=r"no score of nqpf or nqpf_yearbook.*skipped: no firms"):
        page_of(tmp_path, index_code="another")
