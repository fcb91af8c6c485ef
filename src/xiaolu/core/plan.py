"""A plan is a path in space and a speed over time; the timed trajectory is derived from the two."""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.check import freeze
from xiaolu.core.frames import mirror_points
from xiaolu.core.rates import PLAN_HORIZON_S, TICK_S

# Arc lengths of a path's points from the ego's rear axle: dense where a car turns, far enough for 5 s at 12 m/s.
PATH_DISTANCES_M = np.array([*range(1, 11), *range(12, 31, 2), *range(35, 61, 5)], dtype=np.float64)
PATH_DISTANCES_M.flags.writeable = False
# Moments of a speed profile. The speed now is known; the profile starts half a second ahead.
SPEED_TIMES_S = np.arange(0.5, PLAN_HORIZON_S + 1e-9, 0.5)
SPEED_TIMES_S.flags.writeable = False

PATH_POINTS = len(PATH_DISTANCES_M)
SPEED_KNOTS = len(SPEED_TIMES_S)
MAX_SPEED_MPS = 40.0  # a plan beyond this is a fault, not a wish


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A timed motion of the rear axle in the ego frame of its plan's stamp: (T,) each; first entry one tick ahead."""

    time_s: np.ndarray
    x_m: np.ndarray
    y_m: np.ndarray
    yaw_rad: np.ndarray
    speed_mps: np.ndarray
    curvature_1pm: np.ndarray


@dataclass(frozen=True, slots=True)
class Plan:
    """path: (PATH_POINTS, 2) in metres, ego frame, at PATH_DISTANCES_M along the way (behind the ego for reverse).

    speed_mps: (SPEED_KNOTS,) signed, at SPEED_TIMES_S, linear in between, starting from the speed at the stamp.
    """

    path: np.ndarray
    speed_mps: np.ndarray

    def __post_init__(self) -> None:
        freeze(self, "path", (PATH_POINTS, 2))
        freeze(self, "speed_mps", (SPEED_KNOTS,))
        if np.abs(self.speed_mps).max() > MAX_SPEED_MPS:
            raise ValueError(f"Plan.speed_mps: {np.abs(self.speed_mps).max():.1f} m/s is beyond {MAX_SPEED_MPS} m/s")

    def mirrored(self) -> "Plan":
        """Return the plan seen in a mirror: left is right."""
        return Plan(mirror_points(self.path), self.speed_mps)

    def speed_at(self, time_s: np.ndarray | float, speed_now_mps: float) -> np.ndarray:
        """Return the planned speed at times since the stamp, for the speed driven at the stamp."""
        return np.interp(
            time_s, np.concatenate([[0.0], SPEED_TIMES_S]), np.concatenate([[speed_now_mps], self.speed_mps])
        )

    def trajectory(self, speed_now_mps: float) -> Trajectory:
        """Return the timed motion of this plan over its horizon, a point a tick, exact for piecewise linear speed."""
        time_s = np.arange(1, round(PLAN_HORIZON_S / TICK_S) + 1) * TICK_S
        speed = self.speed_at(time_s, speed_now_mps)
        before = np.concatenate([[speed_now_mps], speed[:-1]])
        travelled = np.cumsum(0.5 * (speed + before) * TICK_S)
        s = np.concatenate([[0.0], PATH_DISTANCES_M])
        xy = np.concatenate([[[0.0, 0.0]], self.path])
        along = np.abs(travelled)
        reverse = bool(self.path[0, 0] < 0.0)
        tangent = np.gradient(xy, s, axis=0) * (-1.0 if reverse else 1.0)
        heading = np.unwrap(np.arctan2(tangent[:, 1], tangent[:, 0]))
        heading[0] = 0.0
        beyond = np.maximum(along - s[-1], 0.0)[:, None] * (tangent[-1] * (-1.0 if reverse else 1.0))
        place = np.stack([np.interp(along, s, xy[:, 0]), np.interp(along, s, xy[:, 1])], axis=-1) + beyond
        curvature = np.gradient(heading, s) * (-1.0 if reverse else 1.0)
        return Trajectory(
            time_s, place[:, 0], place[:, 1], np.interp(along, s, heading), speed, np.interp(along, s, curvature)
        )
