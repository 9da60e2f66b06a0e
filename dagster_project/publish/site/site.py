"""Write the report: static files in every language, made from the published file only, that work without a network.

Does not belong here: charts and tables (exhibits), sentences (pages.yml), numbers (marts).
"""

import base64
import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache, cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import yaml
from markupsafe import Markup

from dagster_project.files import sha256_of
from dagster_project.publish.citation import Cited, citation
from dagster_project.publish.exhibits import chart, exhibit
from dagster_project.publish.exhibits import map as maps
from dagster_project.publish.exhibits.reader import ExportError, Reader, Record, read_scope
from dagster_project.publish.locale import catalogue, languages, msg
from dagster_project.publish.paper.figures import svg_of
from dagster_project.publish.site import cities, findings, indicators, shared, yearbook
from dagster_project.published import open_read_only

TEMPLATES = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; script-src {script}; style-src {style}; "
    "img-src file: 'self' data: blob:"
)
OWN = "file: 'self'"  # browsers take a file beside the page for another origin: the scheme is named too
FILES = {
    "city.duckdb": msg("all tables in one file, for DuckDB"),
    "csv/easy.panel_wide.csv": msg("the indicators, a row a city and year"),
    "datapackage.json": msg("all tables as CSV and Parquet with their types, for programs"),
    "dictionary.csv": msg("every table and column with description and unit"),
    "tables.html": msg("tables, columns and lineage"),
    "diff.html": msg("what changed since the release before"),
    "formulas.md": msg("every formula and symbol with its source"),
    "LICENSE": msg("licence of the code (BSD-3-Clause)"),
    "LICENSE-DATA.md": msg("licence of seeds and documentation (CC BY 4.0), notices of third parties"),
    "CITATION.cff": msg("how to cite, for reference managers"),
}


class ReportError(ExportError):
    """The published file does not hold what the report needs; says what is missing and what to do."""


def write_report(
    snapshot: Path, folder: Path, *, release: str, previous: str | None = None, changed: Mapping[str, Any] | None = None
) -> None:
    """Write `folder`/index.html and the other pages, a folder for each further language, `assets` and `data`.

    `snapshot` is the published DuckDB file, opened read-only. If `folder` lies in a release folder, the pages also list
    its files, and say what changed since the release `previous` (`changed`: frames of release.diff). Raises
    ReportError (with what to do) if it holds no headline index.
    """
    with open_read_only(snapshot) as con:
        Site(con, folder, release, previous, changed).write()


def single_file(snapshot: Path, language: str = "en") -> str:
    """Overview, cities, weights, findings and trust in one file for mailing: scripts, styles and data inside."""
    with open_read_only(snapshot) as con:
        return Site(con, Path("docs")).in_one(language)


class Site:
    """The report of one published file."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        folder: Path,
        release: str = "",
        previous: str | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        try:
            self.scope = read_scope(con, release=release or None)
        except ExportError as error:
            raise ReportError(f"{error} Land the missing sources and refresh.") from error
        self.con, self.folder, self.previous, self.changed = con, folder, previous, changes
        self.reader = Reader(con, self.scope)
        self.facts = cities.CityFacts(self.reader)
        self.environments: dict[str, jinja2.Environment] = {}
        self.kept: dict[str, list[Record]] = {}

    # ---- what is written

    def write(self) -> None:
        """All files."""
        assets = self.folder / "assets"
        (assets / "figures").mkdir(parents=True, exist_ok=True)
        for name, text in self.assets().items():
            (assets / name).write_text(text, encoding="utf-8")
        shutil.copyfile(maps.FILE.with_name("ATTRIBUTION.md"), assets / "map-notice.txt")
        pictures = {file.name for file in (assets / "ink").glob("*.png")}
        for city, rows in self.facts.trail.items():
            text = shared.as_script("NQPF_TRAIL", cities.trail_data(rows, pictures))
            target = self.folder / "cities" / f"{city}.js"
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
        if yearbook.is_landed(self.reader):
            (self.folder / "yearbook").mkdir(exist_ok=True)
            for city, content in yearbook.figures(self.reader).items():
                text = shared.as_script("NQPF_YEARBOOK", content)
                (self.folder / "yearbook" / f"{city}.js").write_text(text, encoding="utf-8")
        for language in languages():
            reader = Reader(self.con, self.scope, language)
            (assets / f"words.{language}.js").write_text(
                shared.as_script("NQPF_WORDS", shared.words(reader)), encoding="utf-8"
            )
            self._write_maps(reader, assets / "figures")
            home = self.folder if language == "en" else self.folder / language
            for path, html in self.pages(reader):
                (home / path).parent.mkdir(parents=True, exist_ok=True)
                (home / path).write_text(html, encoding="utf-8")
            if language == "en":
                shared.write_downloads(reader, self.folder / "data", self.kept)

    def assets(self) -> dict[str, str]:
        """Scripts and styles that all pages share."""
        return {
            "style.css": styles(),
            "boot.js": _text("boot.js"),
            "app.js": _text("app.js"),
            "data.js": shared.as_script("NQPF", shared.scores(self.reader)),
            "map.js": shared.as_script("NQPF_MAP", shared.outlines()),
            "z.js": shared.as_script("NQPF_Z", shared.panel(self.reader)),
            "counties.js": shared.as_script(
                "NQPF_COUNTIES",
                [
                    [row["county"], row["city_id"], row["pinyin"], row["county_id"]]
                    for row in self._counties(self.reader)
                ],
            ),
        }

    @staticmethod
    def _counties(reader: Reader) -> list[Record]:
        return reader.rows(cities.SQL["counties"]) if reader.has("mart_county_index", "dim_county") else []

    def _write_maps(self, reader: Reader, folder: Path) -> None:
        """Maps as files, for readers without scripts."""
        for code, figure in exhibit.exhibits().items():
            if figure.chart and figure.chart.mark == "map":
                with suppress(ExportError):
                    svg = chart.in_light(svg_of(reader, figure))
                    (folder / f"{code}-{reader.words.language}.svg").write_text(svg, encoding="utf-8")

    def pages(self, reader: Reader) -> Iterator[tuple[str, str]]:
        """Path and text of every page in the language of the reader."""
        for path, template, title, context in self.contexts(reader):
            yield path, self.render(reader, path, template, title, context)

    def contexts(self, reader: Reader) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """Path, template, title and what is said, page by page; those of single indicators and cities come last."""
        words, scope, say = reader.words, self.scope, reader.words.gettext
        city_rows, profiles = reader.rows(cities.SQL["judged"]), indicators.Indicators(reader)
        parts = [{"code": code, "name": reader.name("part", code)} for code in ("composite", *profiles.dimensions)]
        later, headline = ", ".join(map(str, scope.unscored)), findings.headline(reader)
        first = {
            "headline": headline,
            "parts": parts,
            "top": reader.rows(cities.SQL["ranked"]),
            "findings": findings.findings_held(reader),
            "cards": findings.cards(reader),
            "n_indicators": len(profiles.rows),
            "tiers": [reader.name("tier", tier) for tier in sorted({row["tier"] for row in profiles.rows})],
            "n_out": sum(not row["in_sample"] for row in city_rows),
            "unscored": words.say("Years without complete figures: {years}.", years=later) if later else "",
        }
        city_list = {
            "rows": reader.rows(cities.SQL["listed"]),
            "choices": self._choices(reader),
            "part_names": [part["name"] for part in parts],
            "n_cities": len(self.facts.scores),
            "out": [row for row in city_rows if row["city_id"] not in self.facts.scores],
        }
        tiers = {"rows": profiles.listed(), "n_tiers": len({row["tier"] for row in profiles.rows})}
        yield "index.html", "index.html.j2", headline.text, first
        yield "cities.html", "cities.html.j2", say(msg("Cities")), city_list
        yield "compare.html", "compare.html.j2", say(msg("Cities side by side")), {"section": "cities"}
        yield "indicators.html", "indicators.html.j2", say(msg("Indicators")), tiers
        yield "weights.html", "weights.html.j2", say(msg("Weights")), self._weights(reader, parts)
        for slug in findings.pages():
            page = findings.page(reader, slug, self.kept if words.language == "en" else None)
            if not page["questions"]:
                continue
            more = self._data(reader) if slug == "data" else {"rows": self._counties(reader)}
            template = f"{slug}.html.j2" if slug in ("data", "counties") else "finding.html.j2"
            yield f"{slug}.html", template, page["title"], {"page": page, **more}
            if page["appendix"] or page["absent"]:
                title = words.say("Appendix: {title}", title=page["title"])
                yield f"appendix-{slug}.html", "appendix.html.j2", title, {"page": page, "section": slug}
        if yearbook.is_landed(reader):
            yield "yearbook.html", "yearbook.html.j2", say(msg("Yearbook")), yearbook.matrix(reader)
        for one in map(profiles.profile, profiles.rows):
            more = {"one": one, "section": "indicators"}
            yield f"indicators/{one['code']}.html", "indicator.html.j2", one["name"], more
        if scope.is_quick:  # a city is shown beside others
            return
        for city in map(cities.Profiles(reader, self.facts, city_rows).profile, city_rows):
            more = {"city": city, "section": "cities", "counties": self.facts.counties.get(city["city_id"], [])}
            yield f"cities/{city['city_id']}.html", "city.html.j2", city["full_name"], more

    def _choices(self, reader: Reader) -> list[dict[str, Any]]:
        """What the list of the cities can be narrowed by: province, groupings with many groups, path."""
        say = reader.words.gettext
        provinces = list(reader.names("province").items())
        choices = [{"code": "province", "title": say(msg("Province")), "options": provinces}]
        members: dict[str, set[str]] = {}
        for groups in self.facts.groups.values():
            for scheme, code in groups.items():
                members.setdefault(scheme, set()).add(code)
        wide = max(members, key=lambda scheme: len(members[scheme]), default="")
        if wide:
            options = [(code, name) for code, name in reader.names("group").items() if code in members[wide]]
            choices.append({"code": wide, "title": reader.name("scheme", wide), "options": options})
        if self.facts.paths:
            choices.append({"code": "path", "title": say(msg("Path")), "options": list(reader.names("path").items())})
        return choices

    def _weights(self, reader: Reader, parts: list[dict[str, str]]) -> dict[str, Any]:
        by_dimension = chart.by(reader.rows(indicators.SQL["list"]), "dimension")
        sides = [{**part, "indicators": by_dimension[part["code"]]} for part in parts[1:]]
        schemes = [(row["scheme"], row["name"]) for row in shared.usable_presets(reader)]
        return {"parts": sides, "schemes": schemes, "years": range(self.scope.first_year, self.scope.last_year + 1)}

    def _data(self, reader: Reader) -> dict[str, Any]:
        """Downloads, citation, methods."""
        words, release, up = reader.words, self.folder.parent, "../" if reader.words.language == "en" else "../../"
        is_release = (release / "diff.md").is_file()
        files = [
            {"href": f"{up}{name}", "name": name, "size": path.stat().st_size, "what": words.gettext(what)}
            for name, what in FILES.items()
            if is_release and (path := release / name).is_file()
        ]
        files_with_links = [{**one, "href": f"{up}{one['name']}"} for one in self.hashes] if is_release else []
        methods = yaml.load(Path(__file__).with_name("methods.yml").read_text(encoding="utf-8"), yaml.CSafeLoader)
        scope, form = self.scope, "gbt7714" if words.language == "zh" else "text"
        year = getattr(scope.built, "year", 0)
        source = Cited(scope.release, scope.data_vintage, scope.method_version, year, scope.is_synthetic)
        return {"files": files, "folders": files_with_links, "methods": methods, "cited": citation(source, form)}

    @cached_property
    def hashes(self) -> list[dict[str, Any]]:
        """Name, size and SHA-256 of every file of the release but these pages and the manifest, which comes last."""
        release = self.folder.parent
        files = sorted(p for p in release.rglob("*") if p.is_file() and p.name != "manifest.json")
        return [
            {"name": p.relative_to(release).as_posix(), "size": p.stat().st_size, "sha": sha256_of(p)}
            for p in files
            if self.folder not in p.parents
        ]

    # ---- rendering

    def render(self, reader: Reader, path: str, template: str, title: str, context: dict[str, Any]) -> str:
        """One page."""
        language = reader.words.language
        slug = path.removesuffix(".html").rpartition("/")[2] if "/" not in path else ""
        root = "../" * path.count("/")
        top = root if language == "en" else f"{root}../"  # where the pages in English begin
        scripts = [f"{top}assets/{name}.js" for name in (f"words.{language}", "data", "map")]
        scripts += [f"{top}assets/z.js"] if slug == "weights" else []
        if template == "city.html.j2" and context["city"]["has_trail"]:
            scripts.append(f"{'' if language == 'en' else '../../cities/'}{context['city']['city_id']}.js")
        others = [
            {
                "language": other,
                "tag": catalogue(other).tag,
                "name": catalogue(other).gettext("English"),
                "href": f"{top}{'' if other == 'en' else f'{other}/'}{path}",
            }
            for other in languages()
            if other != language
        ]
        page = self.environment(reader).get_template(template)
        return page.render(
            title=title,
            slug=slug,
            root=root,
            assets=f"{top}assets/",
            others=others,
            changes=self._changes(reader, top),
            home=path == "index.html" and language == "en",
            policy=POLICY.format(script=OWN, style=OWN),
            scripts=[*scripts, f"{top}assets/app.js"],
            **{"section": "", **context},
        )

    def environment(self, reader: Reader) -> jinja2.Environment:
        """Templates in the language of the reader."""
        words = reader.words
        if words.language not in self.environments:
            environment = self.environments[words.language] = jinja2.Environment(
                loader=jinja2.FileSystemLoader(TEMPLATES),
                autoescape=True,
                undefined=jinja2.StrictUndefined,
                auto_reload=False,
                trim_blocks=True,
                lstrip_blocks=True,
            )
            environment.globals |= {
                "_": words.say,
                "translated": words.gettext,
                "name": lambda kind, code: reader.name(kind, code or ""),
                "number": exhibit.number,
                "plain": exhibit.plain,
                "scope": self.scope,
                "city_page": ("compare.html#c={}" if self.scope.is_quick else "cities/{}.html").format,
                "synthetic": self.scope.is_synthetic,
                "language": words.language,
                "tag": words.tag,
                "index_name": reader.name("index", self.scope.index),
                "menu": self._menu(reader),
                "map_note": words.gettext(maps.note()),
                "has_counties": reader.has("mart_county_index"),
                "as_json": lambda value: Markup(shared.as_json(value)),
            }
        return self.environments[words.language]

    def _menu(self, reader: Reader) -> list[dict[str, Any]]:
        first = {
            "index": msg("Overview"),
            "cities": msg("Cities"),
            "indicators": msg("Indicators"),
            "weights": msg("Weights"),
        }
        middle = {slug: page["title"] for slug, page in findings.pages().items()}
        last = {"yearbook": msg("Yearbook")} if yearbook.is_landed(reader) else {}
        entries = {**first, **middle, **last}
        silent = {
            slug
            for slug, page in findings.pages().items()
            if not any(
                findings.sentences_of(reader, claim) for question in page["questions"] for claim in question["claims"]
            )
        }
        return [
            {"slug": slug, "title": reader.words.gettext(title), "is_left_out": slug in silent}
            for slug, title in entries.items()
            if slug not in silent or self.scope.is_quick
        ]

    def _changes(self, reader: Reader, top: str) -> str:
        """One line on what changed since the release before."""
        words = reader.words
        if not (self.folder.parent / "diff.html").is_file():
            return ""
        link = Markup('<a href="{}../diff.html">{}</a>').format(top, words.gettext(msg("What changed")))
        if self.previous is None or self.changed is None:
            return words.say("First release of this warehouse. {link}", link=link)
        frame = self.changed.get("scores")
        n = 0
        if frame is not None:
            n = int(((frame["index_code"] == self.scope.index) & (frame["basis"] == self.scope.basis)).sum())
        return words.say(
            "Since release {previous} one score or rank moved. {link}",
            "Since release {previous} {n:,} scores or ranks moved. {link}",
            n=n,
            previous=self.previous,
            link=link,
        )

    # ---- one file

    def in_one(self, language: str) -> str:
        """The main part of every page but those of single cities and indicators, shown one at a time by its address."""
        reader = Reader(self.con, self.scope, language)
        first_pages = takewhile(lambda page: not page[0].startswith(("indicators/", "cities/")), self.contexts(reader))
        pages = {page[0].removesuffix(".html"): self.render(reader, *page) for page in first_pages}
        main = re.compile(r'(.*)<main id="main">(.*)</main>(.*)', re.S)
        parts = {slug: main.sub(r"\2", html) for slug, html in pages.items()}
        mains = [f'<section class="one-page" id="page-{slug}">{part}</section>' for slug, part in parts.items()]
        head, tail = main.sub(r"\1", pages["index"]), main.sub(r"\3", pages["index"])
        texts = self.assets() | {"words.js": shared.as_script("NQPF_WORDS", shared.words(reader))}
        texts["boot.js"] = "document.documentElement.dataset.single='yes';\n" + texts["boot.js"]
        order = ["boot.js", "words.js", "data.js", "map.js", "z.js"]
        hashes = " ".join(_hash(texts[name]) for name in [*order, "app.js"])
        policy = POLICY.format(script=hashes, style="'unsafe-inline'").replace("'", "&#39;")
        inside = f"<style>{texts['style.css']}\n.language, .links a {{ display: none }}</style>" + "".join(
            f"<script>{texts[name]}</script>" for name in order
        )
        head = re.sub(r'<link rel="stylesheet".*?</head>', lambda _: f"{inside}</head>", head, flags=re.S)
        head = re.sub(r'(Content-Security-Policy" content=")[^"]*', lambda match: match[1] + policy, head)
        body = "".join(mains) + "</main>" + tail.replace("</body>", f"<script>{texts['app.js']}</script></body>")
        return _local(head + '<main id="main">' + body)


def _local(html: str) -> str:
    """Links between pages as links inside the file; those that lead out of it are taken away."""
    html = re.sub(
        r'href="(?:\.\./)*([a-z-]+)\.html(?:#([\w-]+))?"', lambda m: f'href="#{m[2] or "page-" + m[1]}"', html
    )
    return re.sub(r'<a href="(?!#)[^"]*"([^>]*)>', r"<a\1>", html)


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def styles() -> str:
    """Colours and style sheet; without scripts the colours follow the screen."""
    colours = chart.COLOURS.read_text(encoding="utf-8")
    dark = colours.split('[data-theme="dark"]')[1]
    fallback = f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme]){dark}}}\n"
    return colours + fallback + _text("style.css")


@cache
def _text(name: str) -> str:
    """A script or style without indents and lines that only comment."""
    lines = (line.strip() for line in (TEMPLATES / name).read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"
