"""Where to stop for the passenger: a place at the kerb near the goal, free of whatever stands there. Metres.

For a passenger the door side lies 0.15 to 0.5 m from the kerb and the car within 3 degrees of it (this project's own
figures); a goal whose kerb is taken is left for the next free place near by, and for the lane's own middle where there
is none.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.expert.course import Course
from xiaolu.world.ground import Ground
from xiaolu.world.town import Town

DOOR_M = 0.32  # between the body and the kerb
NEARBY_M = 9.0  # a ride has arrived within 10 m of its goal
STEP_M = 0.5
FINE_M, REACH_M = 0.05, 5.0
STRAIGHT_M = 0.3  # a kerb that jumps by more than this along the car is no place to draw up
BEFORE_M, AFTER_M = 6.0, 1.0  # of free kerb to draw up, and before the bumper
DRAW_UP_M, PARALLEL_M = 24.0, 4.5  # how far before the berth it begins to move over, and is parallel again
NEAR_ENOUGH_M, STRAIGHT_END_M = 0.4, 3.0  # of the move over, what may be left, and what it ends with; tuned
STEEP, STEEPEST = 0.1, 0.25  # of the move over, metres aside a metre: an easy one; where only that leads there; tuned
LATER_M = 1.0  # or so much later, and later
OUT_OF_TURN_M = 8.0  # behind a junction it may begin to move over in the last metres of the turn
PASSING_M = 0.25  # between the body and the kerb on the way there


@dataclass(frozen=True, slots=True)
class Berth:
    """s_m: where the rear axle stops along the way; left_m: how far left of it (negative: at the right kerb);
    from_s_m: where it begins to move over."""

    s_m: float
    left_m: float
    from_s_m: float

    def offset_m(self, at_s_m: np.ndarray) -> np.ndarray:
        """Return how far left of the way it drives at places along it, any shape; 0 before it moves over."""
        length = max(self.s_m - PARALLEL_M - self.from_s_m, 1e-6)
        share = np.clip((at_s_m - self.from_s_m) / length, 0.0, 1.0)
        return self.left_m * share * share * (3.0 - 2.0 * share)

    def needs_m(self, left_m: float) -> float:
        """Return how far before it an ego so far left of the way can at the latest move over; 0 for one that is near
        enough to its line."""
        aside_m = left_m - self.left_m - NEAR_ENOUGH_M
        return 1.5 / STEEPEST * aside_m + STRAIGHT_END_M if aside_m > 0.0 else 0.0


def berths(course: Course, ground: Ground, town: Town) -> tuple[Berth, ...]:
    """Return the places where the ego may draw up, the goal itself first, then by their distance from it; those that
    take a steep move over last."""
    from_s, to_s = course.goal_s_m - NEARBY_M - DRAW_UP_M, course.goal_s_m + NEARBY_M + EGO_BODY.length_m + AFTER_M
    index = np.arange(max(int(from_s / course.step_m), 0), min(int(to_s / course.step_m) + 1, course.n))
    aside = np.arange(0.5, REACH_M, FINE_M)
    right = np.stack([np.sin(course.yaw_rad[index]), -np.cos(course.yaw_rad[index])], axis=1)
    points = course.xy[index][:, None] + aside[:, None] * right[:, None]
    layer = int(town.lane_layer[course.lane[index[0]]])
    off = ground.off_road_m(points.reshape(-1, 2), layer).reshape(len(index), len(aside)) > 0.02
    kerb = np.where(off.any(axis=1), aside[off.argmax(axis=1)], np.inf)
    inside = [(entry.from_s_m - 2.0, entry.to_s_m + 2.0) for entry in course.entries]
    easy: list[Berth] = []
    steep: list[Berth] = []
    for shift in sorted(np.arange(-NEARBY_M, NEARBY_M + 0.1, STEP_M), key=lambda m: (abs(m), m)):
        s_m = course.goal_s_m + shift
        back, front = s_m - EGO_BODY.rear_overhang_m, s_m + EGO_BODY.front_x_m
        along = kerb[(index * course.step_m >= back) & (index * course.step_m <= front)]
        if not len(along) or not np.isfinite(along).all() or np.ptp(along) > STRAIGHT_M:
            continue
        if any(low < front and back < high for low, high in inside):
            continue
        left_m = min(EGO_BODY.width_m / 2.0 + DOOR_M - float(along.min()), 0.0)
        junction_m = max((high for low, high in inside if low < s_m), default=-np.inf)
        first_m = max(s_m - DRAW_UP_M, junction_m - OUT_OF_TURN_M)
        # As early as the kerb on the way there leaves room for it: out of a turn that may be late.
        for from_s_m in np.arange(first_m, max(s_m - PARALLEL_M, first_m + 0.1), LATER_M):
            berth = Berth(float(s_m), left_m, float(from_s_m))
            # 1.5: a smooth step is that much steeper in its middle than on the whole.
            slope = 1.5 * -left_m / max(s_m - PARALLEL_M - berth.from_s_m, 0.1)
            moving = (index * course.step_m >= berth.from_s_m) & (index * course.step_m <= front)
            room = kerb[moving] + berth.offset_m(index[moving] * course.step_m) - EGO_BODY.width_m / 2.0
            if slope >= STEEPEST:
                break
            if (room > PASSING_M).all():
                (easy if slope < STEEP else steep).append(berth)
                break
    return (*easy, *steep)


def beside(course: Course, s0_m: float, s_m: float) -> Berth:
    """Return the place at the road's right edge near s_m, for an ego at s0_m that is told to pull over."""
    index = np.clip(np.arange(int(s_m - 1.0), int(s_m + EGO_BODY.front_x_m) + 2) / course.step_m, 0, course.n - 1)
    room_m = float(course.room_right_m[index.astype(np.int64)].min())
    left_m = min(EGO_BODY.width_m / 2.0 + DOOR_M - room_m, 0.0)
    return Berth(s_m, left_m, s0_m + 1.0)


def free_berth(options: tuple[Berth, ...], goal_s_m: float, boxes: np.ndarray) -> Berth:
    """Return the first berth that nothing stands in and that what stands before it leaves room to draw up to; where
    none has enough, the one that lacks least; the lane's middle at the goal where all are taken.

    boxes (k, 4): s from, s to, d from, d to of what stands still, along the whole way.
    """
    half = EGO_BODY.width_m / 2.0 + 0.2
    best, least_m = Berth(goal_s_m, 0.0, goal_s_m), np.inf
    for berth in options:
        back, front = berth.s_m - EGO_BODY.rear_overhang_m, berth.s_m + EGO_BODY.front_x_m + AFTER_M
        beside = (boxes[:, 2] < berth.left_m + half) & (boxes[:, 3] > berth.left_m - half)
        if (beside & (boxes[:, 0] < front) & (boxes[:, 1] > back - BEFORE_M)).any():
            continue
        # Past what stands before it, and only then over to the kerb: at the steepest.
        before = beside & (boxes[:, 1] <= back - BEFORE_M)
        aside_m = np.maximum(boxes[before, 3] + half - berth.left_m, 0.0)
        lacks_m = 1.5 / STEEPEST * aside_m + PARALLEL_M - (back - boxes[before, 1])
        lack_m = float(lacks_m.max(initial=0.0))
        if lack_m < least_m - 0.1:
            best, least_m = berth, lack_m
        if lack_m <= 0.0:
            break
    return best
