"""What the network proposes, and its meaning: paths by choice, speeds by pace, and what it perceived.

`encode` turns a teacher's plan into targets, `plan_of` turns a proposal into a Plan; the two are inverse for every
plan that a car can drive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from xiaolu.codec.people import ALONG_M
from xiaolu.core.decision import LampColour, Pace, PathMode
from xiaolu.core.plan import PATH_DISTANCES_M, PATH_POINTS, SPEED_KNOTS, SPEED_TIMES_S, Plan

MAX_CURVATURE_1PM = 0.25  # of a planned path: the steering's limit is about 0.24
MAX_PLANNED_MPS = 16.7  # 60 km/h: rides stay off faster roads
MAX_ACCELERATION_MPS2 = 2.5
MAX_BRAKING_MPS2 = 4.0  # what is harder is the guardian's
MAX_LATERAL_MPS2 = 3.0  # ISO 11270
NEAR_SCALE_M = 20.0  # distances are told as nearness, exp(-distance / NEAR_SCALE_M): 1 here, 0 far away
FARTHEST_M = 60.0
STANDSTILL_MPS = 0.2  # a planned speed below this means standing
TURN_RAD = 0.4  # a kept lane that bends by more than this within TURN_SPAN_M is a turn
TURN_SPAN_M = (16.0, 24.0)


class PathChoice(IntEnum):
    """The paths proposed side by side. A kept lane has three, so that a fork in the road is not averaged away."""

    KEEP_AHEAD = 0
    KEEP_LEFT = 1
    KEEP_RIGHT = 2
    NUDGE_LEFT = 3
    NUDGE_RIGHT = 4
    CHANGE_LEFT = 5
    CHANGE_RIGHT = 6
    PULL_OVER = 7


PATH_CHOICES = tuple(choice.name for choice in PathChoice)
MODE_OF = (PathMode.KEEP,) * 3 + (
    PathMode.NUDGE_LEFT,
    PathMode.NUDGE_RIGHT,
    PathMode.CHANGE_LEFT,
    PathMode.CHANGE_RIGHT,
    PathMode.PULL_OVER,
)


@dataclass(frozen=True, slots=True)
class Proposals:
    """The graph's answer for one moment, float32; C path choices, paces in the order of `Pace`.

    path_logits (C,); paths (C, PATH_POINTS, 2) m; pace_logits (4,); speeds_mps (4, SPEED_KNOTS), never negative;
    signal_logits (len(LampColour),); signal_near, hazard_near (1,) nearness in 0 to 1; cause_logits (len(Cause),).
    """

    path_logits: np.ndarray
    paths: np.ndarray
    pace_logits: np.ndarray
    speeds_mps: np.ndarray
    signal_logits: np.ndarray
    signal_near: np.ndarray
    hazard_near: np.ndarray
    cause_logits: np.ndarray


OUTPUTS = tuple(f.name for f in fields(Proposals))


def nearness(distance_m: float | np.ndarray) -> np.ndarray:
    """Return exp(-distance / NEAR_SCALE_M), 0 for inf."""
    return np.exp(-np.asarray(distance_m, dtype=np.float64) / NEAR_SCALE_M)


def distance_of(near: float | np.ndarray) -> np.ndarray:
    """Return the distance in metres that a nearness tells, inf beyond FARTHEST_M."""
    distance = -NEAR_SCALE_M * np.log(np.clip(np.asarray(near, dtype=np.float64), 1e-9, 1.0))
    return np.where(distance > FARTHEST_M, np.inf, distance)


def path_choice(mode: PathMode, path: np.ndarray) -> PathChoice:
    """Return which proposal a path (PATH_POINTS, 2) of that mode is an example of; ValueError for reverse.

    A path that turns is a turn first, whatever it passes on the way: no proposal has to mean left and right at once.
    """
    if mode == PathMode.REVERSE:
        raise ValueError("a path driven in reverse has no proposal yet; leave such moments out")
    low, high = np.searchsorted(PATH_DISTANCES_M, TURN_SPAN_M)
    across = path[high] - path[low]
    bend = np.arctan2(across[1], across[0])
    if mode != PathMode.PULL_OVER and abs(bend) > TURN_RAD:
        return PathChoice.KEEP_LEFT if bend > 0.0 else PathChoice.KEEP_RIGHT
    return PathChoice.KEEP_AHEAD if mode == PathMode.KEEP else PathChoice(MODE_OF.index(mode))


def path_curvature(path: np.ndarray) -> np.ndarray:
    """Return the curvature (PATH_POINTS,) between neighbours of a path (PATH_POINTS, 2), 1/m, first from the ego."""
    xy = np.concatenate([[[0.0, 0.0]], path])
    step = np.diff(xy, axis=0)
    heading = np.concatenate([[0.0], np.unwrap(np.arctan2(step[:, 1], step[:, 0]))])
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-3)
    middle = np.concatenate([[length[0]], 0.5 * (length[:-1] + length[1:])])
    return np.diff(heading) / middle


def bounded_speeds(
    speed_mps: np.ndarray,
    path: np.ndarray,
    speed_now_mps: float,
    braking_mps2: float = MAX_BRAKING_MPS2,
    free_mps: np.ndarray | None = None,
) -> np.ndarray:
    """Return a profile (SPEED_KNOTS,) that a car can follow from its present speed along a path.

    Bounded by acceleration, braking, where the path bends by lateral acceleration, and by free_mps, the greatest
    speed at people.ALONG_M; next to nothing means standing.
    """
    curvature = np.abs(path_curvature(path))
    curvature = np.convolve(np.pad(curvature, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    corner_mps = np.sqrt(MAX_LATERAL_MPS2 / np.maximum(curvature, 1e-4))
    knot_s = float(SPEED_TIMES_S[0])
    bounded = np.empty(SPEED_KNOTS)
    before, along = max(speed_now_mps, 0.0), 0.0
    for knot in range(SPEED_KNOTS):
        wanted = min(float(speed_mps[knot]), MAX_PLANNED_MPS, float(np.interp(along, PATH_DISTANCES_M, corner_mps)))
        if free_mps is not None:
            wanted = min(wanted, float(np.interp(along + 0.5 * before * knot_s, ALONG_M, free_mps)))
        wanted = 0.0 if wanted < STANDSTILL_MPS else wanted
        low, high = before - braking_mps2 * knot_s, before + MAX_ACCELERATION_MPS2 * knot_s
        bounded[knot] = min(max(wanted, low, 0.0), high)
        along += 0.5 * (before + bounded[knot]) * knot_s
        before = bounded[knot]
    return bounded


def plan_of(
    path: np.ndarray,
    speed_mps: np.ndarray,
    speed_now_mps: float,
    braking_mps2: float = MAX_BRAKING_MPS2,
    free_mps: np.ndarray | None = None,
) -> Plan:
    """Return the plan of one proposed path (PATH_POINTS, 2) and profile (SPEED_KNOTS,), within the decoder's bounds."""
    path, speed_mps = np.asarray(path, dtype=np.float64), np.asarray(speed_mps, dtype=np.float64)
    return Plan(path, bounded_speeds(speed_mps, path, speed_now_mps, braking_mps2, free_mps))


def proposals_of(outputs: Mapping[str, np.ndarray], row: int = 0) -> Proposals:
    """Return one row of a batch of graph outputs, by name."""
    return Proposals(**{name: np.asarray(outputs[name][row]) for name in OUTPUTS})


def output_shapes() -> dict[str, tuple[int, ...]]:
    """Return each output's shape without the batch axis."""
    choices, paces = len(PathChoice), len(Pace)
    return {
        "path_logits": (choices,),
        "paths": (choices, PATH_POINTS, 2),
        "pace_logits": (paces,),
        "speeds_mps": (paces, SPEED_KNOTS),
        "signal_logits": (len(LampColour),),
        "signal_near": (1,),
        "hazard_near": (1,),
        "cause_logits": (10,),
    }
