"""Linear probe: can signals and raised arms be read from single tokens by one linear map? A frozen backbone must pass.

A token's cells (codec.moment.CELL_PX) say what it should know; ridge regression on half of the moments, measured on
the other half.
"""

import json
from pathlib import Path

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.codec.contract import Contract
from xiaolu.codec.memory import MemoryLayout
from xiaolu.model.backbone import CELLS
from xiaolu.training.loader import FrameStore

PROBED = {
    "red": (PixelClass.LAMP_RED,),
    "yellow": (PixelClass.LAMP_YELLOW,),
    "green": (PixelClass.LAMP_GREEN,),
    "person": (PixelClass.PERSON, PixelClass.PERSON_ARM_RAISED),
    "raised arm": (PixelClass.PERSON_ARM_RAISED,),
    "vehicle": (PixelClass.VEHICLE,),
}
RIDGE = 1.0
FEWEST = 20  # positive tokens in either half: below that a figure would mean nothing


def token_shows(class_map_NHW: np.ndarray, classes: tuple[int, ...]) -> np.ndarray:
    """Return (N, tokens) bool: which tokens have a cell of one of these classes, row by row."""
    count, rows, columns = class_map_NHW.shape
    hit = np.isin(class_map_NHW, classes).reshape(count, rows // CELLS, CELLS, columns // CELLS, CELLS)
    return hit.any(axis=(2, 4)).reshape(count, -1)


def auc(score: np.ndarray, true: np.ndarray) -> float:
    """Return the chance that a positive scores above a negative (area under the ROC curve); no ties expected."""
    order = np.argsort(score, kind="stable")
    rank = np.empty(len(score))
    rank[order] = np.arange(1, len(score) + 1)
    positives = int(true.sum())
    negatives = len(true) - positives
    return float((rank[true].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def ridge(x_ND: np.ndarray, true_N: np.ndarray) -> np.ndarray:
    """Return (D + 1,) weights, the last one constant, that tell true from false; both weigh the same."""
    x = np.concatenate([x_ND, np.ones((len(x_ND), 1))], axis=1)
    share = true_N.mean()
    weight = np.where(true_N, 0.5 / share, 0.5 / (1.0 - share))
    gram = (x * weight[:, None]).T @ x + RIDGE * np.eye(x.shape[1])
    return np.linalg.solve(gram, x.T @ (weight * np.where(true_N, 1.0, -1.0)))


def linear_probe(
    contract: Contract, store: FrameStore, tokens: np.ndarray, numbers: np.ndarray, out: Path | None = None
) -> dict[str, dict[str, float]]:
    """Return per thing: auc, recall (at the threshold 0), false_alarms, and positive tokens of the measured half.

    tokens: (N, places, D) of all moments; numbers: which to use, in order: the first half fits. Things seen too
    rarely are left out. out: where to write the result as JSON.
    """
    layout = MemoryLayout(contract)
    camera = "narrow" if "narrow" in layout.camera_span else contract.cameras[0].name
    start, end = layout.camera_span[camera]
    maps = np.concatenate(
        [store.batch(part).classes[camera] for part in np.array_split(numbers, len(numbers) // 64 + 1)]
    )
    x_ND = tokens[numbers, start:end].astype(np.float64).reshape(-1, tokens.shape[-1])
    half = len(numbers) // 2 * (end - start)
    result = {}
    for name, classes in PROBED.items():
        true = token_shows(maps, classes).ravel()
        if min(true[:half].sum(), true[half:].sum()) < FEWEST:
            continue
        weights = ridge(x_ND[:half], true[:half])
        score = x_ND[half:] @ weights[:-1] + weights[-1]
        result[name] = {
            "auc": round(auc(score, true[half:]), 4),
            "recall": round(float((score[true[half:]] > 0).mean()), 4),
            "false_alarms": round(float((score[~true[half:]] > 0).mean()), 4),
            "tokens": float(true[half:].sum()),
        }
    if out is not None:
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result
