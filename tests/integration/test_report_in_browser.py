"""The report as a reader meets it: opened from disk in headless Chromium, under its own content security policy."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from house import House

from dagster_project.publish.site import language, pages
from dagster_project.publish.site.site import CITIES

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from axe_playwright_python.sync_playwright import Axe  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("NQPF_CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: set NQPF_CHROMIUM to its path")

HEFEI = "CN340100"
SLUGS = ("index", CITIES, *pages.NAMES, "data", "downloads", f"{CITIES}/{HEFEI}")
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
FIRST_PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
  const found = list.getEntriesByName("first-contentful-paint")[0];
  if (found) done(found.startTime);
}).observe({ type: "paint", buffered: true }))"""
PARAGRAPHS = re.compile(r"<p(?: class=\"note\")?>(.*?)</p>", re.S)
SPOKEN = re.compile(
    r'<(h1|h2|dt|summary|caption|figcaption|th scope="col")[^>]*>(.*?)</(?:h1|h2|dt|summary|caption|'
    "figcaption|th)>",
    re.DOTALL,
)
SEVERE = ("serious", "critical")
SHORTEN = """() => document.querySelectorAll("tbody").forEach((body) => {
  while (body.rows.length > 4) body.deleteRow(4);
}) || document.querySelectorAll("[data-state] svg > g").forEach((marks) => marks.replaceChildren())"""
FILLS = """() => [...document.querySelectorAll('[data-chart="spec-map"] path[fill^="var(--c"]')]
  .map((path) => path.getAttribute("fill")).sort().join()"""

LABELS = """() => [...document.querySelectorAll("[data-chart]")].flatMap((chart) =>
  [...chart.querySelectorAll("svg text, .vega-bind-name")].map((label) => label.textContent))"""
# names that Chinese papers leave as they are
LEFT_AS_THEY_ARE = {
    "Albers",
    "Driscoll",
    "Elhorst",
    "Fieller",
    "Hansen",
    "Kraay",
    "Nickell",
    "Sobol",
    "Spearman",
    "SYNTHETIC",
    "logit",
    "nqpf",
    "queen",
}
CUT_OFF = """() => {
  document.body.style.width = "170mm";
  const width = (chart) => chart.querySelector("svg").getBoundingClientRect().width;
  const charts = [...document.querySelectorAll("[data-chart]")];
  return charts.filter((chart) => width(chart) > chart.clientWidth + 1).map((chart) => chart.dataset.chart);
}"""
SHAPE_OF = """(letter) => {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  pen.font = `40px ${getComputedStyle(document.querySelector("[data-chart] svg text")).fontFamily}`;
  pen.fillText(letter, 10, 60);
  return canvas.toDataURL();
}"""


@pytest.fixture(scope="module")
def docs(small_warehouse: House) -> Path:
    """Pages of the release of the small warehouse."""
    return small_warehouse.releases[-1] / "docs"


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright_api.Browser]:
    with playwright_api.sync_playwright() as tools:
        started = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def context(browser: playwright_api.Browser) -> Iterator[playwright_api.BrowserContext]:
    made = browser.new_context(viewport=DESK, locale="en-GB", color_scheme="light")
    yield made
    made.close()


@pytest.fixture
def page(context: playwright_api.BrowserContext) -> playwright_api.Page:
    return context.new_page()


def opened(page: playwright_api.Page, docs: Path, slug: str) -> playwright_api.Page:
    """The page with all its charts drawn."""
    page.goto((docs / f"{slug}.html").as_uri())
    page.wait_for_selector("[data-chart]:not([data-state])", state="detached")
    return page


def severe(page: playwright_api.Page, rules: list[str] | None = None) -> list[str]:
    """What axe-core finds of serious or critical impact, with the first place of each."""
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = rules
    found = Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v["impact"] in SEVERE]


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("slug", SLUGS)
def test_page_opens_alone_on_desk_and_phone_in_light_and_dark(
    browser: playwright_api.Browser, docs: Path, slug: str, locale: str
) -> None:
    context = browser.new_context(viewport=DESK, locale=locale, color_scheme="light")
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    opened(page, docs, slug)
    assert not said
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.locator('[data-state="failed"]').count() == 0
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.set_viewport_size(DESK)
    page.evaluate(SHORTEN)  # more rows are like the first ones; marks are hidden from assistive software
    assert severe(page) == []
    page.emulate_media(color_scheme="dark")
    assert severe(page, ["color-contrast"]) == []
    context.close()


def test_first_paint_from_disk_takes_less_than_a_second(page: playwright_api.Page, docs: Path) -> None:
    """The best of three, since other programs may hold the machine: of the largest page and of a profile."""
    largest = max(docs.glob("*.html"), key=lambda path: path.stat().st_size)
    for path in (largest, docs / CITIES / f"{HEFEI}.html"):
        times = []
        for _ in range(3):
            page.goto(path.as_uri())
            times.append(page.evaluate(FIRST_PAINT))
        assert min(times) < 1000, f"{path.name}: {times}"


@pytest.mark.parametrize("typed", ["合肥", "hefei", "He Fei", "340100"])
def test_city_is_found_with_the_keyboard(page: playwright_api.Page, docs: Path, typed: str) -> None:
    opened(page, docs, "methods")
    box = page.get_by_role("combobox", name="Find a city")
    box.fill(typed)
    assert box.get_attribute("aria-expanded") == "true"
    first = page.get_by_role("option").first
    assert "合肥市 Hefei" in first.inner_text()
    box.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == first.get_attribute("id")
    assert first.get_attribute("aria-selected") == "true"
    box.press("Enter")
    page.wait_for_url(f"**/{CITIES}/{HEFEI}.html")
    assert "Hefei" in page.locator("h1").inner_text()


def test_search_works_from_a_profile_and_says_when_nothing_fits(page: playwright_api.Page, docs: Path) -> None:
    opened(page, docs, f"{CITIES}/{HEFEI}")
    box = page.get_by_role("combobox", name="Find a city")
    box.fill("Atlantis")
    assert box.get_attribute("aria-expanded") == "false"
    assert page.locator("#status").inner_text() == "0 cities found"
    box.fill("beijing")
    page.get_by_role("option").first.click()
    page.wait_for_url("**/CN110000.html")


def test_language_is_switched_and_kept(page: playwright_api.Page, docs: Path) -> None:
    opened(page, docs, "policy")
    english = page.locator("h1").inner_text()
    assert english == "Policy"
    page.get_by_role("button", name="中文").click()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.locator("h1").inner_text() == "政策分析"
    assert "政策分析" in page.title()
    head = page.locator("#paths thead th").first.inner_text()
    assert head.startswith("路径")
    opened(page, docs, "space")
    assert page.locator("h1").inner_text() == "空间格局"
    page.get_by_role("button", name="English").click()
    assert page.locator("h1").inner_text() == "Space"


def in_chinese(page: playwright_api.Page) -> None:
    """The page after its switch, with all charts drawn again."""
    page.get_by_role("button", name="中文").click()
    page.wait_for_selector("[data-chart]:not([data-state])", state="detached")


def english_words(text: str) -> set[str]:
    words = re.findall(r"[A-Za-z]\w+", text)
    return {word for word in words if word not in LEFT_AS_THEY_ARE and not language.SYMBOL.fullmatch(word)}


@pytest.mark.parametrize("slug", SLUGS)
def test_charts_speak_chinese_on_the_chinese_page(page: playwright_api.Page, docs: Path, slug: str) -> None:
    """A word that is missing: add a row to report/assets/dictionary.csv."""
    opened(page, docs, slug)
    in_english = page.evaluate(LABELS)
    in_chinese(page)
    assert page.locator('[data-state="failed"]').count() == 0
    labels = page.evaluate(LABELS)
    assert {label: words for label in labels if (words := english_words(label))} == {}
    assert not labels or re.search("[一-鿿]", "".join(labels))
    page.get_by_role("button", name="English").click()
    page.wait_for_selector("[data-chart]:not([data-state])", state="detached")
    assert page.evaluate(LABELS) == in_english


def test_tooltips_and_alternative_texts_speak_chinese(page: playwright_api.Page, docs: Path) -> None:
    opened(page, docs, "index")
    in_chinese(page)
    chart = page.locator('[data-chart="spec-national-composite"]')
    assert chart.locator("svg").get_attribute("aria-label").startswith("折线图，综合，2012 至 2016 年")
    chart.locator(".mark-symbol path").last.hover()
    tooltip = page.locator("#vg-tooltip-element")
    playwright_api.expect(tooltip).to_be_visible()
    assert {"年份", "均值，分", "城市数"} <= set(re.split(r"\s+", tooltip.inner_text()))


def test_the_year_of_the_slider_stays_when_the_language_changes(page: playwright_api.Page, docs: Path) -> None:
    opened(page, docs, "index")
    chart = page.locator('[data-chart="spec-map"]')
    chart.get_by_role("slider").press("Home")
    playwright_api.expect(chart).to_contain_text("Composite score, 2012")
    in_chinese(page)
    playwright_api.expect(chart).to_contain_text("2012 年综合得分")


def test_chinese_letters_of_the_charts_have_shapes_of_their_own(page: playwright_api.Page, docs: Path) -> None:
    """A font without them would draw one box for all of them."""
    opened(page, docs, "index")
    in_chinese(page)
    assert len({page.evaluate(SHAPE_OF, letter) for letter in ("新", "质", "力", "\U0010fffd")}) == 4


@pytest.mark.parametrize("slug", ["index", "space"])
def test_drawings_made_for_the_screen_fit_the_paper(page: playwright_api.Page, docs: Path, slug: str) -> None:
    opened(page, docs, slug)
    page.emulate_media(media="print")
    assert page.evaluate(CUT_OFF) == []


def test_map_follows_its_slider(page: playwright_api.Page, docs: Path) -> None:
    opened(page, docs, "index")
    chart = page.locator('[data-chart="spec-map"]')
    slider = chart.get_by_role("slider")
    assert "Composite score, 2016" in chart.inner_text()
    before = page.evaluate(FILLS)
    slider.press("Home")
    playwright_api.expect(chart).to_contain_text("Composite score, 2012")
    assert before
    assert page.evaluate(FILLS) != before


def test_chart_tells_its_figures(page: playwright_api.Page, docs: Path) -> None:
    opened(page, docs, "index")
    page.locator('[data-chart="spec-national-composite"] .mark-symbol path').last.hover()
    tooltip = page.locator("#vg-tooltip-element")
    playwright_api.expect(tooltip).to_be_visible()
    assert "2016" in tooltip.inner_text()


def test_table_is_sorted_and_copied(page: playwright_api.Page, docs: Path) -> None:
    opened(page, docs, CITIES)
    head = page.locator("#cities thead th", has_text="Score, points")
    scores = "[...document.querySelectorAll('#cities tbody tr')].map(r => r.cells[r.cells.length - 2].textContent)"
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    rising = [float(text) for text in page.evaluate(scores) if text != "–"]
    assert len(rising) > 5
    assert rising == sorted(rising)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in page.evaluate(scores) if text != "–"] == rising[::-1]
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.held = text; }")
    page.get_by_role("button", name="Copy table").click()
    lines = page.evaluate("window.held").splitlines()
    assert lines[0].split("\t")[0] == "City"
    assert len(lines) == 1 + page.locator("#cities tbody tr").count()
    assert {line.count("\t") for line in lines} == {lines[0].count("\t")}


@pytest.mark.parametrize(("slug", "figure"), [("index", "#weights figure"), (f"{CITIES}/{HEFEI}", "#scores figure")])
def test_drawing_is_saved_as_svg_and_png(page: playwright_api.Page, docs: Path, slug: str, figure: str) -> None:
    opened(page, docs, slug)
    shown = page.locator(figure).first
    width = shown.locator("svg").first.bounding_box()["width"]
    held = {}
    for kind in ("SVG", "PNG"):
        with page.expect_download() as download:
            shown.get_by_role("button", name=kind).click()
        held[kind] = Path(download.value.path()).read_bytes()
    assert held["SVG"].startswith(b"<svg")
    assert b"var(--" not in held["SVG"]
    assert held["PNG"].startswith(b"\x89PNG")
    assert int.from_bytes(held["PNG"][16:20], "big") == pytest.approx(width * 300 / 96, abs=2)


def test_profile_shows_the_figures_of_the_file(page: playwright_api.Page, docs: Path, small_warehouse: House) -> None:
    opened(page, docs, f"{CITIES}/{HEFEI}")
    (row,) = small_warehouse.published(
        "select year, score_100, rank_year from mart.mart_index_score where index_code = 'nqpf' "
        "and basis <> 'restated' and weight_scheme = 'entropy_flat' and city_id = ? "
        "order by year desc limit 1",
        [HEFEI],
    ).itertuples()
    cells = page.locator("#scores tbody tr").first.locator("th, td").all_inner_texts()
    assert cells[0] == str(row.year)
    assert cells[1] == f"{row.score_100:.1f}"
    assert cells[5] == str(row.rank_year)


def test_trail_leads_to_the_cells_of_each_year(page: playwright_api.Page, docs: Path, small_warehouse: House) -> None:
    opened(page, docs, f"{CITIES}/{HEFEI}")
    wanted = small_warehouse.published(
        "select distinct variable_code, file, cell from mart.mart_indicator_source "
        "where index_code = 'nqpf' and city_id = ? and year = 2013",
        [HEFEI],
    )
    page.get_by_label("Year of the trail").select_option("2013")
    rows = page.locator("#trail tbody tr").all()
    shown = {tuple(row.locator("th, td").all_inner_texts()[k] for k in (0, 5, 7)) for row in rows}
    assert shown == set(wanted.itertuples(index=False, name=None))
    assert len(shown) > 20


def test_page_is_complete_without_scripts(browser: playwright_api.Browser, docs: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((docs / "index.html").as_uri())
    assert page.locator(".static svg").first.is_visible()
    assert "National line 全国走势" in page.locator("#h-national").inner_text()
    assert not page.locator("#find").is_visible()
    page.goto((docs / CITIES / f"{HEFEI}.html").as_uri())
    assert page.locator("#scores svg.plot").first.is_visible()
    assert page.locator("#trail tbody tr").count() > 20
    context.close()


def test_every_link_leads_somewhere(docs: Path) -> None:
    """Also those to the files of the release and to the reports of the gate in the same warehouse."""
    broken = [
        f"{path.relative_to(docs)}: {link}"
        for path in docs.rglob("*.html")
        for link in re.findall(r'<a [^>]*href="([^"#]+)', path.read_text(encoding="utf-8"))
        if not (path.parent / unquote(urlsplit(link).path)).is_file()
    ]
    assert broken == []
    gate = (docs / "data.html").read_text(encoding="utf-8")
    assert len(re.findall(r'href="\.\./\.\./\.\./\.\./reports/data_docs/', gate)) > 5


def test_heads_and_captions_speak_both_languages(docs: Path) -> None:
    """What the dictionary lacks is shown in English: add a row to report/assets/dictionary.csv."""
    files = [*docs.glob("*.html"), docs / CITIES / f"{HEFEI}.html"]
    texts = [text for file in files for _, text in SPOKEN.findall(file.read_text(encoding="utf-8"))]
    assert len(texts) > 500
    english = {re.sub(r"<[^>]+>|SYNTHETIC.", "", text) for text in texts if 'lang="zh-CN"' not in text}
    assert {text for text in english if re.search("[A-Za-z]{2}", text)} == set()


def test_paragraphs_speak_both_languages(docs: Path) -> None:
    """What the dictionaries lack is shown in English: add a row to report/assets/sentences.csv."""
    found: dict[str, list[str]] = {}
    for slug in SLUGS:
        page = (docs / f"{slug}.html").read_text(encoding="utf-8")
        main = page[page.index("<main") : page.index("</main>")]
        found[slug] = [text for text in PARAGRAPHS.findall(main) if re.search("[A-Za-z]{2} [a-z]{2}", text)]
    assert sum(len(texts) for texts in found.values()) > 100
    assert {slug: left for slug, texts in found.items() if (left := [t for t in texts if 'class="zh"' not in t])} == {}


def test_downloads_name_each_file_with_its_hash(docs: Path) -> None:
    from hashlib import sha256

    text = (docs / "downloads.html").read_text(encoding="utf-8")
    files = [docs.parent / "city.duckdb", *sorted((docs.parent / "parquet").iterdir())]
    assert all(sha256(file.read_bytes()).hexdigest() in text for file in files)
