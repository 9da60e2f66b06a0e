"""Tables, columns, tests and lineage as dbt shows them, on one page that needs no network."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from dagster_project.paths import Paths
from dagster_project.run.dbt import DbtCommand, parse
from dagster_project.run.kind import SYNTHETIC, marker

BANNER = (  # at the foot: the page's own head stands still over whatever is above it
    '<div role="note" style="position:fixed;bottom:0;left:0;right:0;z-index:9999;background:#b00020;color:#fff;'
    'text-align:center;padding:4px">SYNTHETIC: what these tables hold is made up by the demo. None of it says anything '
    "about China or any city.</div>"
)


class DbtDocsError(RuntimeError):
    """dbt could not make its page; holds its last words."""


class DbtDocs:
    """The page in the making: dbt works in a process of its own, which opens the build file, until `page` is asked for.

    No connection to the build file may be open meanwhile.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths, self._target = paths, paths.dbt_target / "docs"
        self._lay_out_manifest()
        words = ("docs", "generate", "--static", "--no-compile")
        self._command = DbtCommand(paths, *words, DBT_TARGET_PATH=str(self._target))

    def page(self) -> str:
        """The page, without the folder of this machine in it. Raises DbtDocsError."""
        output = self._command.output()
        file = self._target / "static_index.html"
        if not self._command.is_ok or not file.exists():
            raise DbtDocsError(f"dbt could not make its page of tables:\n{output.strip()[-2000:]}")
        page = file.read_text(encoding="utf-8").replace(str(self._paths.dbt_project.resolve()), "dbt")
        if marker(self._paths) != SYNTHETIC:
            return page
        return re.sub(r"(<body[^>]*>)", rf"\1{BANNER}", page, count=1)

    def stop(self) -> None:
        """Leave no process behind."""
        self._command.stop()

    def _lay_out_manifest(self) -> None:
        """The project as it was parsed for the graph: dbt need not do it a second time."""
        parse(self._paths)
        shutil.rmtree(self._target, ignore_errors=True)
        self._target.mkdir(parents=True)
        for name in ("manifest.json", "partial_parse.msgpack"):
            if (self._paths.dbt_target / name).exists():
                shutil.copyfile(self._paths.dbt_target / name, self._target / name)


def write_page(paths: Paths, target: Path) -> None:
    """Make the page and put it there. Raises DbtDocsError."""
    docs = DbtDocs(paths)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(docs.page(), encoding="utf-8")
