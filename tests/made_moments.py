"""Moments made by hand for tests of training: pictures in which what to do can be seen, and nothing else can.

A bright column says where the road goes, a lamp in the corner is red or green, and red means stop.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.codec.moment import CELL_PX, Moment
from xiaolu.core.camera import CameraModel, pinhole
from xiaolu.core.decision import Cause, LampColour, Pace, PathMode, Strategy
from xiaolu.core.observation import EgoState, Manoeuvre, Route
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS

SMALL_RIG = (
    pinhole("narrow", 96, 64, 150.0, (1.6, 0.0, 1.5, 0.0, -0.05)),
    pinhole("wide", 64, 32, 30.0, (1.6, 0.0, 1.5, 0.0, 0.05)),
    pinhole("rear", 64, 32, 30.0, (-0.8, 0.0, 1.2, 3.14159, 0.1)),
)
PER_EPISODE = 8


def arc(curvature_1pm: float) -> np.ndarray:
    """Return the path (PATH_POINTS, 2) of a circle's arc from the ego."""
    turn = curvature_1pm * PATH_DISTANCES_M
    along = np.sinc(turn / np.pi) * PATH_DISTANCES_M
    across = np.sinc(turn / (2.0 * np.pi)) ** 2 * turn * PATH_DISTANCES_M / 2.0
    return np.stack([along, across], axis=-1)


@dataclass(frozen=True)
class MadeMoments:
    """A MomentSource of `count` made moments."""

    count: int
    cameras: tuple[CameraModel, ...] = SMALL_RIG
    seed: int = 0

    def __len__(self) -> int:
        return self.count

    def moment(self, number: int, pixels: bool = True) -> Moment:
        rng = np.random.default_rng([self.seed, number])
        curvature, red = float(rng.choice([-0.05, 0.0, 0.05])), bool(rng.random() < 0.5)
        stamp_ns = (number % PER_EPISODE) * 500_000_000
        odometry = np.array([1.0, 2.0, 0.3])
        ego = EgoState(stamp_ns, 5.0, 0.0, 0.0, 0.0, odometry)
        route = Route(stamp_ns, Manoeuvre.STRAIGHT, 40.0, np.array([[1.0, 2.0], [40.0, 20.0]]))
        images, classes, depths = {}, {}, {}
        for camera in self.cameras if pixels else ():
            image = rng.integers(90, 110, (camera.height_px, camera.width_px, 3)).astype(np.uint8)
            column = round(camera.width_px * (0.5 - 6.0 * curvature))
            image[:, max(column - 6, 0) : column + 6] = 240
            image[:16, :16] = (255, 0, 0) if red else (0, 255, 0)
            images[camera.name] = image
            cells = (camera.height_px // CELL_PX, camera.width_px // CELL_PX)
            classes[camera.name] = np.ones(cells, np.uint8)
            classes[camera.name][:2, :2] = 12 if red else 14
            depths[camera.name] = np.full(cells, 20.0, np.float16)
            depths[camera.name][0] = np.inf
        return Moment(
            episode=number // PER_EPISODE,
            index=number % PER_EPISODE,
            window=0,
            stamp_ns=stamp_ns,
            images=images,
            ego=ego,
            route=route,
            instruction="turn left" if number % 3 == 0 else "",
            path=arc(curvature),
            speed_mps=np.linspace(4.5, 0.0, SPEED_KNOTS) if red else np.full(SPEED_KNOTS, 6.0),
            strategy=Strategy(PathMode.KEEP, Pace.STOP if red else Pace.GO),
            cause=Cause.SIGNAL if red else Cause.FREE,
            signal=LampColour.RED if red else LampColour.GREEN,
            signal_m=20.0,
            hazard_m=float("inf"),
            class_map=classes,
            depth_map=depths,
        )
