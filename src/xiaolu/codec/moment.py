"""One recorded moment as training sees it: what a car could know, and beside it what the teacher did and saw.

A moment is all cameras once, at TRAINING_HZ. Whoever stores moments is a `MomentSource`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from xiaolu.core.camera import CameraModel
from xiaolu.core.check import freeze
from xiaolu.core.decision import Cause, LampColour, Strategy
from xiaolu.core.observation import EgoState, Route
from xiaolu.core.plan import PATH_POINTS, SPEED_KNOTS

CELL_PX = 8  # dense labels are kept per square of this many pixels


@dataclass(frozen=True, slots=True)
class Moment:
    """Inputs first, labels after. Ego frame at the exposure, metres, radians, m/s, right-handed, y left.

    episode, index: which recorded ride, and which moment of it (0, 1, 2, ... every 1 / TRAINING_HZ seconds).
    window: moments of one episode with the same window were seen by one rig: unshifted (window 0), or all moved by
      the same shift (a recovery window of a few seconds, numbered from 1). Only they may serve each other as memory.
    stamp_ns: the exposure of every image, and the stamp of `ego`.
    images: camera name -> (H, W, 3) uint8 RGB; empty when the source was asked for no pixels.
    ego: as the car measured it. In a shifted window its odometry is that of the *shifted* ego (odometry composed
      with the shift), so that the route's centre line lands where that ego would see it.
    route: None where there was none. instruction: the active wish, "" for none.

    path: (PATH_POINTS, 2) the teacher's path from this (shifted) ego, at core.plan.PATH_DISTANCES_M.
    speed_mps: (SPEED_KNOTS,) the teacher's speed profile. strategy, cause: the teacher's.
    signal: what the governing head ahead shows, NONE without one within 60 m (or none in sight); signal_m: how far
      its stop line is, inf without one. hazard_m: distance to the user that limits the teacher's plan, inf for none.
    class_map: camera name -> (H / CELL_PX, W / CELL_PX) uint8 PixelClass; see training.labels.cell_labels.
    depth_map: camera name -> the same shape, float16 metres along the camera's z, inf where there is sky.
    """

    episode: int
    index: int
    window: int
    stamp_ns: int
    images: Mapping[str, np.ndarray]
    ego: EgoState
    route: Route | None
    instruction: str
    path: np.ndarray
    speed_mps: np.ndarray
    strategy: Strategy
    cause: Cause
    signal: LampColour = LampColour.NONE
    signal_m: float = float("inf")
    hazard_m: float = float("inf")
    class_map: Mapping[str, np.ndarray] = field(default_factory=dict)
    depth_map: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        freeze(self, "path", (PATH_POINTS, 2))
        freeze(self, "speed_mps", (SPEED_KNOTS,))


class MomentSource(Protocol):
    """Stored moments, in order of (episode, window, index): a moment's memory lies just before it."""

    @property
    def cameras(self) -> tuple[CameraModel, ...]:
        """The cameras every moment was seen by."""
        ...

    def __len__(self) -> int: ...

    def moment(self, number: int, pixels: bool = True) -> Moment:
        """Return one moment; without pixels, images and both maps are empty, and it is fast (no decoding).

        Called from several threads at once.
        """
        ...
