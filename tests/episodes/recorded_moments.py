"""Moments made up without a world, for testing data sets."""

import numpy as np

from tests.episodes import made_steps
from xiaolu.codec.moment import CELL_PX, Moment
from xiaolu.core.camera import CameraModel, pinhole
from xiaolu.core.decision import Cause, LampColour, Pace, PathMode, Strategy
from xiaolu.core.observation import EgoState, Manoeuvre, Route

CAMERAS = (
    pinhole("narrow", 64, 32, 60.0, (1.6, 0.0, 1.5, 0.0, -0.05)),
    pinhole("wide", 32, 16, 10.0, (1.6, 0.0, 1.5, 0.0, 0.1)),
)


def moment(index: int, window: int = 0, seed: int = 0, cameras: tuple[CameraModel, ...] = CAMERAS) -> Moment:
    rng = np.random.default_rng([seed, index])
    stamp_ns = index * 500_000_000
    plan = made_steps.plan(index)
    line = rng.normal(size=(3 + index % 4, 2)).cumsum(axis=0) * 10
    shape = {c.name: (c.height_px // CELL_PX, c.width_px // CELL_PX) for c in cameras}
    depth = {name: (10 ** rng.uniform(0, 2.3, s)).astype(np.float16) for name, s in shape.items()}
    depth[cameras[0].name][0, 0] = np.inf
    return Moment(
        episode=0,
        index=index,
        window=window,
        stamp_ns=stamp_ns,
        images={c.name: made_steps.image(c, index, seed) for c in cameras},
        ego=EgoState(stamp_ns, 5.0 + index, 0.1, -0.02, 0.03, np.array([2.5 * index, 0.1, 0.001])),
        route=None if index % 5 == 4 else Route(stamp_ns - 300_000_000, Manoeuvre.TURN_RIGHT, 33.25, line),
        instruction="下一个路口左转" if index % 3 == 0 else "",
        path=plan.path,
        speed_mps=plan.speed_mps,
        strategy=Strategy(PathMode.NUDGE_RIGHT, Pace.YIELD),
        cause=Cause.SIGNAL,
        signal=LampColour.RED if index % 2 else LampColour.NONE,
        signal_m=22.5 if index % 2 else float("inf"),
        hazard_m=7.25,
        class_map={name: rng.integers(0, 18, s).astype(np.uint8) for name, s in shape.items()},
        depth_map=depth,
    )


def ride(length: int = 11, seed: int = 0) -> list[Moment]:
    """Return moments in time order; the middle third belongs to a shifted window."""
    return [moment(i, window=1 if length // 3 <= i < 2 * length // 3 else 0, seed=seed) for i in range(length)]
