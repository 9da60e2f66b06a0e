"""What changed since the last release, in a few sentences and the largest moves; the full account is diff.html."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from dagster_project.publish.site import words
from dagster_project.publish.site.language import said
from dagster_project.publish.site.queries import Meta

Frames = Mapping[str, "pd.DataFrame | None"]
SHOWN = 10


def view(meta: Meta, previous: str | None, frames: Frames | None, link: str) -> dict[str, Any] | None:
    """Sentences and rows for the overview; None if the report is not made for a release.

    `previous`: name of the release before, None for the first. `frames`: as publishing.diff gives them: cells (what),
    sources (what), scores (index_code, basis, city, year, ranks and scores old and new).
    """
    if not link:
        return None
    if previous is None or frames is None:
        first = said(
            "This is the first release of this warehouse: there is nothing to compare it with.",
            "这是本仓库的第一版，没有可比较的上一版。",
        )
        gone = said(
            f"The file of release {previous} is not in this warehouse any more: nothing was compared.",
            f"上一版 {previous} 的文件已不在本仓库中，未作比较。",
        )
        return {"sentences": [gone if previous else first], "rows": [], "link": link}
    sentences = [
        said(f"Compared with release {previous}.", f"与 {previous} 版相比。"),
        _cells(frames),
        _sources(frames),
        *_scores(meta, frames),
    ]
    return {"sentences": [s for s in sentences if s], "rows": _rows(meta, frames), "link": link}


def _counted(frame: pd.DataFrame | None, kinds: Mapping[str, str], en: str, zh: str) -> Markup | None:
    """A sentence with the rows of each kind; None without a frame. `kinds`: English -> Chinese."""
    if frame is None or "what" not in frame:
        return None
    counts = {name: words.number(int((frame["what"] == name).sum())) for name in kinds}
    return said(
        f"{en}: {', '.join(f'{n} {name}' for name, n in counts.items())}.",
        f"{zh}：{'，'.join(f'{kinds[name]} {n}' for name, n in counts.items())}。",
    )


def _cells(frames: Frames) -> Markup | None:
    kinds = {"added": "新增", "revised": "修订", "removed": "删除"}
    return _counted(frames.get("cells"), kinds, "Indicator cells of the frozen basis", "固定基准的指标单元格")


def _sources(frames: Frames) -> Markup | None:
    kinds = {"added": "新增", "superseded": "被取代", "removed": "移除"}
    return _counted(frames.get("sources"), kinds, "Source files", "来源文件")


def _moved(meta: Meta, frames: Frames) -> pd.DataFrame:
    found = frames.get("scores")
    if found is None or "rank_old" not in found:
        return pd.DataFrame()
    own = found[(found["index_code"] == meta.index_code) & (found["basis"] == meta.basis)].copy()
    own["shift"] = (own["rank_new"] - own["rank_old"]).abs()
    own["change"] = (own["score_new"] - own["score_old"]).abs()
    return own.sort_values(["shift", "change", "city_id", "year"], ascending=[False, False, True, True])


def _scores(meta: Meta, frames: Frames) -> list[Markup]:
    if frames.get("scores") is None:
        return [said("The release before holds no scores that could be compared.", "上一版没有可比较的得分。")]
    own = _moved(meta, frames)
    if own.empty:
        return [said("No score and no rank of the headline index moved.", "主指数的得分与排名均未变动。")]
    shifted = own[own["shift"] > 0]
    largest, n = words.number(100 * own["change"].max(), 2), words.number(len(shifted))
    en = (
        f"{words.count(len(own), 'city-year')} of the headline index moved in score, at most by {largest} points; "
        f"{n} of them also in rank"
    )
    zh = f"主指数有 {len(own)} 个城市—年份得分变动，最大 {largest} 分；其中 {n} 个排名变动"
    if not len(shifted):
        return [said(f"{en}.", f"{zh}。")]
    most = int(shifted["shift"].max())
    return [said(f"{en}, at most by {words.count(most, 'place')}.", f"{zh}，最多 {most} 位。")]


def _rows(meta: Meta, frames: Frames) -> list[list[Any]]:
    own = _moved(meta, frames)
    shown = own[own["shift"] > 0].head(SHOWN) if len(own) else own
    return [
        [
            words.both(r["name_en"], r["name_zh"]),
            str(r["year"]),
            words.number(r["rank_old"]),
            words.number(r["rank_new"]),
            words.number(100 * r["score_old"], 1),
            words.number(100 * r["score_new"], 1),
        ]
        for r in shown.to_dict("records")
    ]
