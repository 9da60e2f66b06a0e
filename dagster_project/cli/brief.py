"""`nqpf brief`: one or two pages of Word on a city or a province, or on all of them."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dagster_project.cli import output
from dagster_project.errors import Refusal
from dagster_project.paths import Paths
from dagster_project.publish.citation import Cited, citation
from dagster_project.publish.exhibits.reader import SYNTHETIC, Reader, read_scope
from dagster_project.publish.locale import languages
from dagster_project.publish.questions.answer import file_hash
from dagster_project.run.failures import answering


@answering
def brief(
    paths: Paths, console: Console, name: str | None, year: int | None, language: str, is_all: bool, out: Path | None
) -> None:
    """Write the brief of `name` to `out`, or all into the folder `out`. Exit code: 0 done, 2 not possible, with why."""
    from dagster_project.publish.site.brief import Briefs, place, scope_of, write_all, write_whole

    if language not in languages():
        raise Refusal(f"There is no language '{language}'. Languages: {', '.join(languages())}.")
    if is_all == (name is not None):
        raise Refusal("Name a city or a province, or give --all.")
    if out is None or (not is_all and out.suffix.lower() != ".docx"):
        raise Refusal("Give --out: " + ("a folder." if is_all else "a file that ends in .docx."))
    for folder in (paths.published, paths.build_file.parent):
        if out.resolve().is_relative_to(folder.resolve()):
            raise Refusal(f"{folder} belongs to the warehouse: write the brief elsewhere.")
    if not is_all and not out.resolve().parent.is_dir():
        raise Refusal(f"There is no folder {out.resolve().parent}: create it first.")
    with output.opened(paths) as con:
        scope = scope_of(read_scope(con), year)
        form = "gbt7714" if language == "zh" else "text"
        digest = file_hash(paths, scope.release)
        year_built = int(str(scope.built)[:4])
        source = Cited(scope.release, scope.data_vintage, scope.method_version, year_built, scope.is_synthetic, digest)
        briefs = Briefs(Reader(con, scope, language), citation(source, form))
        if is_all:
            out.mkdir(parents=True, exist_ok=True)
            file = paths.releases / scope.release / paths.published_file.name  # which no refresh swaps
            text = f"{write_all(file if file.exists() else paths.published_file, briefs, out):,} briefs in {out}"
        else:
            write_whole(out, briefs.of(*place(con, name or "")))
            text = str(out)
    mark = f" [bold yellow]{SYNTHETIC}[/]" if scope.is_synthetic else ""
    console.print(f"{escape(text)}, {scope.release}{mark}", highlight=False, soft_wrap=True)
