"""`nqpf brief`: one or two pages of Word on a city or a province, or on all of them."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dagster_project.paths import Paths
from dagster_project.publish.citation import Cited, citation
from dagster_project.publish.exhibits.reader import SYNTHETIC, Reader, read_scope
from dagster_project.publish.locale import languages
from dagster_project.publish.questions.answer import file_hash
from dagster_project.published import open_published
from dagster_project.run.failures import Refusal, answering, nothing_published


@answering
def brief(
    paths: Paths, console: Console, name: str | None, year: int | None, language: str, is_all: bool, out: Path | None
) -> None:
    """Write the brief of `name` to `out`, or all into the folder `out`. Exit code: 0 done, 2 not possible, with why."""
    from dagster_project.publish.site.brief import Briefs, place, scope_of

    if language not in languages():
        raise Refusal(f"There is no language '{language}'. Languages: {', '.join(languages())}.")
    if is_all == (name is not None):
        raise Refusal("Name a city or a province, or give --all.")
    if out is None or (not is_all and out.suffix.lower() != ".docx"):
        raise Refusal("Give --out: " + ("a folder." if is_all else "a file that ends in .docx."))
    for kept in (paths.published, paths.build_file.parent):
        if out.resolve().is_relative_to(kept.resolve()):
            raise Refusal(f"{kept} belongs to the warehouse: write the brief elsewhere.")
    if not is_all and not out.resolve().parent.is_dir():
        raise Refusal(f"There is no folder {out.resolve().parent}: create it first.")
    con = open_published(paths)
    if con is None:
        raise nothing_published(paths)
    with con:
        scope = scope_of(read_scope(con), year)
        form = "gbt7714" if language == "zh" else "text"
        digest = file_hash(paths, scope.release)
        built = int(str(scope.built)[:4])
        cited = Cited(scope.release, scope.data_vintage, scope.method_version, built, scope.is_synthetic, digest)
        briefs = Briefs(Reader(con, scope, language), citation(cited, form))
        if is_all:
            out.mkdir(parents=True, exist_ok=True)
            n = 0
            for n, (code, content) in enumerate(briefs.every(), start=1):  # noqa: B007
                _write(out / f"{code}_{scope.last_year}_{language}.docx", content)
            text = f"{n:,} briefs in {out}"
        else:
            _write(out, briefs.of(*place(con, name or "")))
            text = str(out)
    mark = f" [bold yellow]{SYNTHETIC}[/]" if scope.is_synthetic else ""
    console.print(f"{escape(text)}, {scope.release}{mark}", highlight=False, soft_wrap=True)


def _write(out: Path, content: bytes) -> None:
    fresh = out.with_name(f".{out.name}.part")  # whole or not at all
    fresh.write_bytes(content)
    fresh.replace(out)
