"""How fast the road and what stands beside the path allow: bends, junctions, parked cars, people. In m/s, along it."""

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause
from xiaolu.core.users import Kind
from xiaolu.expert.bodies import STANDING_MPS, TALL_M
from xiaolu.expert.conflict import passing_gaps
from xiaolu.expert.course import Course
from xiaolu.expert.path import FRONT_M, PATH_STEP_M, PATH_STEPS
from xiaolu.expert.reasons import NAMES, Reason, standing
from xiaolu.expert.speed import envelope
from xiaolu.expert.tick import Tick
from xiaolu.expert.yielding import HUMBLE_MPS, Limits

TOP_MPS = 11.0  # a plan's path reaches 60 m in its 5 s
LATERAL_MPS2 = 1.6
GIVE_WAY_MPS, OPEN_JUNCTION_MPS, UNLIT_MPS = 4.0, 7.5, 4.5
READY_M = 4.0  # before a junction where others go first it is as slow as there: a look, and no hard braking
# Speed past somebody or something at a side gap: DUT drivers near walkers, nuScenes past standing cars.
PERSON_GAPS_M, PERSON_SPEEDS_MPS = (0.2, 0.4, 0.7, 1.2, 2.0), (0.8, 2.0, 4.0, 7.0, 11.0)
PARKED_GAPS_M, PARKED_SPEEDS_MPS = (0.1, 0.3, 0.6, 1.0), (1.5, 3.5, 6.5, 9.0)
BETWEEN_M, BETWEEN_SHARE = 0.8, 0.7
# Before a bus or van that stands somebody may step out, and the cameras sit 2 m behind the bumper: past its far end.
HIDING_GAPS_M, HIDING_SPEEDS_MPS, HIDING_END_M = (0.3, 1.0, 2.0, 3.0), (1.5, 1.9, 3.5, 7.0), 3.0
BLIND_MPS, BLIND_FIRST_MPS = 2.0, 4.5  # into a junction whose arms it cannot see; where those have to give way


def road_limits(course: Course, tick: Tick, path: np.ndarray, goal_s_m: float) -> Limits:
    """Return the limits that do not depend on how others move: the road's, and what is passed beside.

    goal_s_m: where along the course it stops for good.
    """
    s0_m = tick.s0_m
    sigma = np.arange(PATH_STEPS + 1) * PATH_STEP_M
    index = np.clip(((s0_m + sigma) / course.step_m).astype(np.int64), 0, course.n - 1)
    reasons = [Reason(Cause.FREE, "speed limit", 0.0)]
    allowed = np.minimum(course.limit_mps[index], TOP_MPS)
    ruling = np.zeros(len(allowed), np.int64)

    def cap(limit: np.ndarray, reason: Reason) -> None:
        lower = limit < allowed
        if lower.any():
            allowed[lower] = limit[lower]
            ruling[lower] = len(reasons)
            at_m = float(sigma[np.argmin(limit)])
            reasons.append(Reason(reason.cause, reason.what, at_m, reason.side, reason.uid, reason.visible))

    curvature = np.convolve(np.abs(path[:, 3]), np.full(5, 0.2), "same")
    cap(np.sqrt(LATERAL_MPS2 / np.maximum(curvature, 1e-4)), Reason(Cause.CURVE, "bend", 0.0))
    for entry in course.entries:
        at_m = entry.from_s_m - s0_m - FRONT_M
        on_red, unlit = entry.lane in tick.humble, entry.lane in tick.unlit
        if not -8.0 < at_m < 70.0 or (entry.signalled and not on_red and not unlit):
            continue
        top = HUMBLE_MPS if on_red else UNLIT_MPS if unlit else GIVE_WAY_MPS if entry.first else OPEN_JUNCTION_MPS
        from_m = at_m - (READY_M if top == GIVE_WAY_MPS else 1.0)
        if unlit:
            lines = [line.s_m - s0_m - FRONT_M for line in course.stop_lines if line.lane == entry.lane]
            from_m = min([from_m, *(line - 1.0 for line in lines)])
        inside = (sigma > from_m) & (sigma < at_m + 6.0)
        cap(np.where(inside, top, np.inf), Reason(Cause.RIGHT_OF_WAY, "junction", at_m))
    blind = course.blind[index]
    if blind.any():
        at_m = float(sigma[np.argmax(blind > 0)])
        cap(np.choose(blind, (np.inf, BLIND_FIRST_MPS, BLIND_MPS)), Reason(Cause.RIGHT_OF_WAY, "blind junction", at_m))
    _beside(tick, path, cap)
    allowed, ruling = envelope(allowed, ruling, PATH_STEP_M)
    limits = Limits(allowed, ruling, reasons)
    goal_m = goal_s_m - s0_m
    if goal_m < 75.0:
        limits.stop(goal_m, 0.0, np.inf, Reason(Cause.ARRIVAL, "destination", goal_m))
    return limits


def _beside(tick: Tick, path: np.ndarray, cap) -> None:
    here, u, speed_mps = tick.here, tick.here.users, tick.speed_mps
    hides = ~here.vulnerable & (u.height_m > TALL_M) & (np.abs(u.speed_mps) < STANDING_MPS) & (u.kind != Kind.OBJECT)
    slow = np.flatnonzero(here.vulnerable | here.parked | hides)
    slow = slow[(here.ahead_m[slow] > -3.0 - 0.5 * u.length_m[slow]) & (here.ahead_m[slow] < 70.0)]
    if not len(slow):
        return
    boxes = np.stack([u.x_m, u.y_m, u.yaw_rad, u.length_m, u.width_m], axis=1)[slow]
    # A cyclist rides on while the ego catches up: where they are abreast is what matters.
    along = u.speed_mps[slow] * np.cos(here.turned_rad[slow])
    until_s = np.clip((here.ahead_m[slow] - FRONT_M) / np.maximum(max(speed_mps, 4.0) - along, 1.0), 0.0, 4.0)
    rides = np.where(here.on_foot[slow] | hides[slow], 0.0, u.speed_mps[slow] * until_s)
    boxes[:, 0] += np.cos(boxes[:, 2]) * 0.5 * rides
    boxes[:, 1] += np.sin(boxes[:, 2]) * 0.5 * rides
    boxes[:, 3] += rides
    # Of what hides others only the far end slows: until there nobody can come out.
    ends = hides[slow] & (u.length_m[slow] > HIDING_END_M)
    back = 0.5 * (boxes[:, 3] - HIDING_END_M) * np.sign(np.cos(here.turned_rad[slow])) * ends
    boxes[:, 0] += np.cos(boxes[:, 2]) * back
    boxes[:, 1] += np.sin(boxes[:, 2]) * back
    boxes[:, 3] = np.where(ends, HIDING_END_M, boxes[:, 3])
    gaps = passing_gaps(path, PATH_STEP_M, 2, EGO_BODY.length_m, EGO_BODY.width_m, boxes, 3.0)
    full = np.repeat(gaps, 2, axis=1)[:, : len(path)]
    # Between two things one cannot keep away from either: slower than past one.
    sides = [here.parked[slow] & (sign * here.left_m[slow] > 0.0) for sign in (1.0, -1.0)]
    nearest = [full[side].min(axis=0, initial=np.inf) for side in sides]
    between = (nearest[0] < BETWEEN_M) & (nearest[1] < BETWEEN_M)
    for row, k in zip(full, slow, strict=True):
        if not np.isfinite(row).any():
            continue
        name, side = NAMES[Kind(int(u.kind[k]))], "left" if here.left_m[k] > 0 else "right"
        uid, visible = int(u.uid[k]), bool(here.visible[k])
        # What is struck is not passed: there the ego stops, by `resolve`.
        row = np.where(row <= 0.0, 0.1, row)
        if hides[k]:
            limit = np.where(row < HIDING_GAPS_M[-1], np.interp(row, HIDING_GAPS_M, HIDING_SPEEDS_MPS), np.inf)
            cap(limit, Reason(Cause.OBSTACLE, f"standing {name}", 0.0, side, uid, visible))
        elif here.parked[k]:
            row = np.where(between & (row < BETWEEN_M), BETWEEN_SHARE * row, row)
            limit = np.where(row < 1.0, np.interp(row, PARKED_GAPS_M, PARKED_SPEEDS_MPS), np.inf)
            cap(limit, Reason(Cause.OBSTACLE, standing(Kind(int(u.kind[k]))), 0.0, side, uid, visible))
        else:
            limit = np.where(row < 2.0, np.interp(row, PERSON_GAPS_M, PERSON_SPEEDS_MPS), np.inf)
            if here.on_foot[k]:
                cap(limit, Reason(Cause.PEDESTRIAN, name, 0.0, side, uid, visible))
            else:
                # Never slower than it rides: then the ego follows instead.
                pace = max(float(u.speed_mps[k] * np.cos(here.turned_rad[k])) - 0.5, 1.0)
                cap(np.maximum(limit, pace), Reason(Cause.OBSTACLE, name, 0.0, side, uid, visible))
