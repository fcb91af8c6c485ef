"""What a checkpoint and the car must agree on, written beside the weights. A mismatch is refused by name."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xiaolu.codec.ego import EGO_SIZE, SPEED_SCALE_MPS
from xiaolu.codec.moment import CELL_PX
from xiaolu.codec.proposals import MAX_CURVATURE_1PM, MAX_PLANNED_MPS, NEAR_SCALE_M, PATH_CHOICES
from xiaolu.codec.route import FADE_M, POINT_SCALE_M, ROUTE_SAMPLES_M, ROUTE_SIZE
from xiaolu.codec.text import TEXT_BUCKETS, TEXT_IDS
from xiaolu.core.camera import CameraModel
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_TIMES_S
from xiaolu.core.rates import MEMORY_S, PLAN_HORIZON_S, TICK_HZ, TRAINING_HZ

CODEC_VERSION = 1  # raise when the meaning of any number in a tensor changes
FILE = "contract.json"
CELL_CLASSES = 24  # PixelClass values the dense head can tell apart
TOKEN_PX = 32  # a token sees a square of this side, and what surrounds it

# What is remembered: (camera, age in seconds). The narrow camera gets about half of the tokens.
DEFAULT_SLOTS = (
    ("narrow", 0.0),
    ("narrow", 0.5),
    ("narrow", 1.0),
    ("narrow", 1.5),
    ("wide", 0.0),
    ("wide", 0.5),
    ("wide", 1.0),
    ("left", 0.0),
    ("right", 0.0),
    ("rear", 0.0),
)


class ContractError(ValueError):
    """A checkpoint and this car, or this code, disagree; the message names the field and both values."""


def codec_hash() -> str:
    """Return a short hash of everything that gives the tensors their meaning."""
    meaning = {
        "version": CODEC_VERSION,
        "ego": [EGO_SIZE, SPEED_SCALE_MPS],
        "route": [ROUTE_SIZE, POINT_SCALE_M, ROUTE_SAMPLES_M, FADE_M],
        "text": [TEXT_IDS, TEXT_BUCKETS],
        "path": [PATH_DISTANCES_M.tolist(), MAX_CURVATURE_1PM, [str(choice) for choice in PATH_CHOICES]],
        "speed": [SPEED_TIMES_S.tolist(), MAX_PLANNED_MPS],
        "distance": NEAR_SCALE_M,
        "cells": [CELL_PX, CELL_CLASSES, TOKEN_PX],
    }
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Contract:
    """cameras in the order of their places; slots of memory as (camera, age in s); token_dim numbers a token."""

    cameras: tuple[CameraModel, ...]
    token_dim: int
    slots: tuple[tuple[str, float], ...] = DEFAULT_SLOTS
    camera_hz: int = TICK_HZ
    training_hz: int = TRAINING_HZ
    memory_s: float = MEMORY_S
    horizon_s: float = PLAN_HORIZON_S
    frame: str = "ISO 8855, origin below the rear axle; camera x right, y down, z forward"
    codec: str = ""

    def __post_init__(self) -> None:
        if not self.codec:
            object.__setattr__(self, "codec", codec_hash())
        names = [camera.name for camera in self.cameras]
        for camera in self.cameras:
            if camera.width_px % TOKEN_PX or camera.height_px % TOKEN_PX:
                raise ValueError(
                    f"camera {camera.name}: {camera.width_px} x {camera.height_px} px is not a multiple of {TOKEN_PX}"
                )
        for name, _ in self.slots:
            if name not in names:
                raise ValueError(f"a memory slot asks for camera {name!r}; the rig has {', '.join(names)}")

    def camera(self, name: str) -> CameraModel:
        """Return a camera by name; KeyError names the ones there are."""
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise KeyError(f"no camera {name!r}; the contract has {', '.join(c.name for c in self.cameras)}")


def contract_for(cameras: Sequence[CameraModel], token_dim: int) -> Contract:
    """Return the contract of a rig: the default slots, of those cameras that it has."""
    names = {camera.name for camera in cameras}
    return Contract(tuple(cameras), token_dim, tuple(slot for slot in DEFAULT_SLOTS if slot[0] in names))


def to_json(contract: Contract) -> dict[str, Any]:
    """Return the contract as plain JSON values."""
    record = {name: getattr(contract, name) for name in Contract.__slots__ if name not in ("cameras", "slots")}
    record["slots"] = [list(slot) for slot in contract.slots]
    record["cameras"] = {camera.name: camera_record(camera) for camera in contract.cameras}
    return record


def camera_record(camera: CameraModel) -> dict[str, Any]:
    """Return a camera as plain JSON values, matrices row by row."""
    return {
        "width_px": camera.width_px,
        "height_px": camera.height_px,
        "intrinsics": np.round(camera.intrinsics, 9).tolist(),
        "ego_from_camera": np.round(camera.ego_from_camera, 9).tolist(),
    }


def save_contract(contract: Contract, folder: Path) -> None:
    """Write contract.json into a checkpoint folder."""
    (Path(folder) / FILE).write_text(json.dumps(to_json(contract), indent=1) + "\n", encoding="utf-8")


def load_contract(folder: Path) -> Contract:
    """Read contract.json and hold it against this code.

    Raises FileNotFoundError, or ContractError naming the first field on which file and code disagree.
    """
    path = Path(folder) / FILE
    record = json.loads(path.read_text(encoding="utf-8"))
    missing = [name for name in Contract.__slots__ if name not in record]
    if missing:
        raise ContractError(f"{path}: {', '.join(missing)} is missing")
    cameras = tuple(
        CameraModel(
            name,
            camera["width_px"],
            camera["height_px"],
            np.array(camera["intrinsics"]),
            np.array(camera["ego_from_camera"]),
        )
        for name, camera in record["cameras"].items()
    )
    ours = Contract(cameras, record["token_dim"], tuple((str(n), float(a)) for n, a in record["slots"]))
    refuse_mismatch(record, to_json(ours), str(path))
    return ours


def refuse_mismatch(theirs: Any, ours: Any, where: str, field: str = "") -> None:
    """Raise ContractError naming the first field on which two records differ; numbers may differ by 1e-6."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted({*theirs, *ours}):
            inner = f"{field}.{name}" if field else name
            if name not in theirs or name not in ours:
                raise ContractError(
                    f"{where}: {inner} is {'missing' if name not in theirs else 'unknown here'}; "
                    f"use a checkpoint made for this rig and this version"
                )
            refuse_mismatch(theirs[name], ours[name], where, inner)
        return
    numeric = isinstance(theirs, (int, float, list)) and isinstance(ours, (int, float, list))
    if numeric and np.shape(theirs) == np.shape(ours) and np.asarray(theirs).dtype.kind in "if":
        same = bool(np.allclose(theirs, ours, rtol=0.0, atol=1e-6))
    else:
        same = theirs == ours
    if not same:
        raise ContractError(
            f"{where}: {field} is {theirs} in the checkpoint and {ours} here; "
            f"use a checkpoint made for this rig and this version, or train one"
        )
