"""The reader of pictures: where words stand, and what they say. The models lie in the wheel of rapidocr."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dagster_project.ingest.pages.document import Grey

FINDING_SIDE = 1_700  # words are found on a smaller picture and read on the full one
_SETTINGS: dict[str, Any] = {
    "Global.log_level": "critical",
    "Global.use_cls": False,
    "Global.return_word_box": True,
    "Global.max_side_len": 10_000,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # sums in one order, whatever the machine
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Rec.rec_img_shape": [3, 48, 96],  # figures are short
    "Rec.rec_batch_num": 1,  # a word is read alike whatever stands beside it
}


def engine_version() -> str:
    """Name and version of engine and models."""
    return f"rapidocr {version('rapidocr')} PP-OCRv6 small, onnxruntime {version('onnxruntime')}"


@cache
def _engine() -> Any:
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"  # named, so that nothing is looked for elsewhere
    paths = {f"{part}.model_path": str(models / f"PP-OCRv6_{part.lower()}_small.onnx") for part in ("Det", "Rec")}
    return rapidocr.RapidOCR(params={**_SETTINGS, **paths})


def find(image: Grey) -> NDArray[np.float64]:
    """Boxes of words, (n, 4): x0, y0, x1, y1."""
    scale = min(1.0, FINDING_SIDE / max(image.shape))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    boxes = _engine()(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR), use_det=True, use_cls=False, use_rec=False).boxes
    if boxes is None or len(boxes) == 0:
        return np.zeros((0, 4))
    corners = np.asarray(boxes, dtype=np.float64) / scale
    return np.hstack([corners.min(axis=1), corners.max(axis=1)])


def read(crops: Sequence[Grey]) -> list[tuple[str, float]]:
    """Text and score of the least certain sign (blanks aside) of each picture of one word."""
    if not crops:
        return []
    result = _engine().recognize_txt([cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR) for crop in crops])
    texts = []
    for text, words in zip(result.txts, result.word_results, strict=True):
        scores = [score for sign, score in zip(text, words.confs, strict=True) if sign != " "] if text else []
        texts.append((text, float(min(scores, default=0.0))))
    return texts
