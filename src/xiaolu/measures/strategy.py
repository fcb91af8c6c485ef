"""What a plan is: one function names the strategy of any plan, whoever made it."""

import numpy as np

from xiaolu.core.decision import Pace, PathMode, Strategy
from xiaolu.core.plan import PATH_DISTANCES_M, Plan

# Tuned on the teacher's plans in Shanghai and by eye: what a person would call moving over.
NUDGE_M = 0.4
PULL_OVER_M = 0.8
REJOIN_M = 20.0  # a path that starts beside its line is given this long to come back
STANDING_MPS = 0.3
CREEP_MPS = 1.6  # just above the speed at which blind corners are crept around, 1.39 m/s
YIELD_SHARE = 0.65  # a profile that falls below this share of the present speed gives way


def deviation_m(path: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return (K,) metres that path points (K, 2) lie left of a reference line (n, 2), both in one frame.

    Points beyond the line's ends are measured from its first or last segment's extension.
    """
    path, reference = np.asarray(path, np.float64), np.asarray(reference, np.float64)
    start, step = reference[:-1], np.diff(reference, axis=0)
    size = np.maximum((step**2).sum(axis=1), 1e-12)
    along = ((path[:, None] - start) * step).sum(axis=2) / size
    foot = start + np.clip(along, 0.0, 1.0)[..., None] * step
    best = ((path[:, None] - foot) ** 2).sum(axis=2).argmin(axis=1)
    away = path - start[best]
    tangent = step[best] / np.sqrt(size[best])[:, None]
    return tangent[:, 0] * away[:, 1] - tangent[:, 1] * away[:, 0]


def pace_of(plan: Plan, speed_now_mps: float) -> Pace:
    """Return the pace of a plan's speed profile for the speed driven now (m/s, signed; its size counts).

    STOP ends standing; CREEP never exceeds walking pace; YIELD gives up a third of its speed without stopping, or
    stands for more than a second before it goes; GO is the rest.
    """
    speed, now = np.abs(plan.speed_mps), abs(speed_now_mps)
    if speed[-1] < STANDING_MPS:
        return Pace.STOP
    if max(now, speed.max()) <= CREEP_MPS:
        return Pace.CREEP
    waits = bool((speed[:3] < STANDING_MPS).all())
    slows = bool(speed.min() < YIELD_SHARE * now and now > 2.0)
    return Pace.YIELD if waits or slows else Pace.GO


def path_mode_of(plan: Plan, deviation: np.ndarray, lane_change: int = 0) -> PathMode:
    """Return the mode of a plan's path.

    deviation: (PATH_POINTS,) metres left of the route's line, see `deviation_m`; lane_change: 1 where the route's
    line itself changes to the left lane within the path, -1 to the right, 0 none. A path that only comes back to its
    line is KEEP.
    """
    if plan.path[0, 0] < 0.0:
        return PathMode.REVERSE
    if lane_change:
        return PathMode.CHANGE_LEFT if lane_change > 0 else PathMode.CHANGE_RIGHT
    reach = PATH_DISTANCES_M <= 45.0
    coming_back = deviation[0] * np.clip(1.0 - PATH_DISTANCES_M / REJOIN_M, 0.0, 1.0)
    on_its_side = np.sign(deviation) == np.sign(deviation[0])
    moved = np.where(on_its_side & (np.abs(deviation) <= np.abs(coming_back) + 0.2), 0.0, deviation)[reach]
    furthest = moved[np.abs(moved).argmax()]
    if furthest < -PULL_OVER_M and moved[-1] < -PULL_OVER_M and abs(plan.speed_mps[-1]) < STANDING_MPS:
        return PathMode.PULL_OVER
    if abs(furthest) < NUDGE_M:
        return PathMode.KEEP
    return PathMode.NUDGE_LEFT if furthest > 0.0 else PathMode.NUDGE_RIGHT


def strategy_of(plan: Plan, speed_now_mps: float, deviation: np.ndarray, lane_change: int = 0) -> Strategy:
    """Return the strategy of a plan: its path mode (see `path_mode_of`) and its pace (see `pace_of`)."""
    return Strategy(path_mode_of(plan, deviation, lane_change), pace_of(plan, speed_now_mps))
