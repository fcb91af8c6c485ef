"""How fast the road and what stands beside the path allow: bends, junctions, parked cars, people. In m/s, along it."""

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause
from xiaolu.core.users import Kind
from xiaolu.expert.bodies import STANDING_MPS, TALL_M
from xiaolu.expert.conflict import passing_gaps
from xiaolu.expert.course import Course, steady_speeds
from xiaolu.expert.limits import Limits
from xiaolu.expert.path import FRONT_M, PATH_STEP_M, PATH_STEPS
from xiaolu.expert.reasons import NAMES, Reason, standing
from xiaolu.expert.speed import ENVELOPE_MPS2, envelope
from xiaolu.expert.tick import Tick

TOP_MPS = 11.0  # a plan's path reaches 60 m in its 5 s
LATERAL_MPS2 = 1.6
SIGMA_M = np.arange(PATH_STEPS + 1) * PATH_STEP_M
DRAWS_UP_MPS = 3.3  # Autoware's goal planner draws up to a kerb with 3.0
GIVE_WAY_MPS, OPEN_JUNCTION_MPS, UNLIT_MPS = 4.0, 7.5, 4.5
HUMBLE_MPS = 2.5  # over a red stop line to the right, giving way to everybody
READY_M = 4.0  # before a junction where others go first it is as slow as there: a look, and no hard braking
# Speed past somebody or something at a side gap: DUT drivers near walkers, nuScenes past standing cars.
PERSON_GAPS_M, PERSON_SPEEDS_MPS = (0.35, 0.5, 0.7, 1.2, 2.0), (0.7, 1.8, 4.0, 7.0, 11.0)
# Past who is crossing the road, and has left the ego's way or not come into it: he may turn back, or start. Tuned.
CROSSING_GAPS_M, CROSSING_SPEEDS_MPS = (0.35, 1.0, 2.0, 3.0), (0.7, 1.6, 2.5, 4.5)
CROSSING_SIN = 0.6
# Past who walks towards the ego, so near beside its middle, and from so far before him: both may step to the same side.
# Tuned.
FACING_GAPS_M, FACING_SPEEDS_MPS = (0.35, 0.7, 1.0, 1.5, 2.0), (0.9, 1.3, 2.2, 4.5, 7.0)
FACING_M, FACING_BEFORE_M = 2.0, 3.0
# A child at the kerb that faces the road may run: it is slow from so far before it. Tuned.
CHILD_GAPS_M, CHILD_SPEEDS_MPS, CHILD_BEFORE_M = (0.35, 0.7, 1.2, 2.0, 3.0), (0.7, 2.0, 3.0, 3.8, 7.0), 7.0
PARKED_GAPS_M, PARKED_SPEEDS_MPS = (0.1, 0.3, 0.6, 1.0), (1.5, 3.5, 6.5, 9.0)
BETWEEN_M, BETWEEN_SHARE = 0.8, 0.65
# Before a bus or van that stands somebody may step out, and the cameras sit 2 m behind the bumper: past its far end.
HIDING_GAPS_M, HIDING_SPEEDS_MPS, HIDING_END_M = (0.3, 1.0, 2.0, 3.0), (1.5, 1.9, 3.5, 7.0), 3.0
# Past a vehicle that waits, and may set off any moment. Tuned.
WAITING_GAPS_M, WAITING_SPEEDS_MPS = (0.32, 0.5, 0.8, 1.2), (0.8, 2.5, 6.0, 11.0)
WAVERS_M = 0.12  # a rider who comes towards us may come so much nearer than he heads; tuned
SLOWEST_MPS, QUEUES_RAD = 0.7, 1.2
FACES_RAD, SQUEEZES_MPS = 2.4, 3.0
_HIDES, _PARKED, _WALKS, _CROSSES, _RIDES, _WAITS, _MAY_RUN, _FACES = 0, 1, 2, 3, 4, 5, 6, 7
_OBJECT, _CHILD = int(Kind.OBJECT), int(Kind.CHILD)
_LENGTH_M, _WIDTH_M = EGO_BODY.length_m, EGO_BODY.width_m
# Of what hides people, is parked, walks, crosses, rides, waits, may run, walks towards us: each filled up to the same
# length by its last pair.
_GAPS = (HIDING_GAPS_M, PARKED_GAPS_M, PERSON_GAPS_M, CROSSING_GAPS_M, PERSON_GAPS_M, WAITING_GAPS_M, CHILD_GAPS_M,
         FACING_GAPS_M)  # fmt: skip
_SPEEDS = (HIDING_SPEEDS_MPS, PARKED_SPEEDS_MPS, PERSON_SPEEDS_MPS, CROSSING_SPEEDS_MPS, PERSON_SPEEDS_MPS,
           WAITING_SPEEDS_MPS, CHILD_SPEEDS_MPS, FACING_SPEEDS_MPS)  # fmt: skip
GAPS_M = np.array([(*gaps, *gaps[-1:] * (5 - len(gaps))) for gaps in _GAPS])
SPEEDS_MPS = np.array([(*mps, *mps[-1:] * (5 - len(mps))) for mps in _SPEEDS])
# Into a junction whose arms it cannot see; where those have to give way; where a lamp holds them, if they keep to it.
BLIND_MPS, BLIND_FIRST_MPS, BLIND_GREEN_MPS = 2.0, 4.2, 8.3


def road_limits(course: Course, tick: Tick, path: np.ndarray, goal_s_m: float, draws_up_s_m: float = np.inf) -> Limits:
    """Return the limits that do not depend on how others move: the road's, and what is passed beside.

    goal_s_m: where along the course it stops for good; draws_up_s_m: from where on it draws up to the kerb for that.
    """
    s0_m = tick.s0_m
    sigma = SIGMA_M
    index = np.minimum(np.maximum(((s0_m + sigma) / course.step_m).astype(np.int64), 0), course.n - 1)
    reasons = [Reason(Cause.FREE, "speed limit", 0.0)]
    allowed = np.minimum(course.limit_mps[index], TOP_MPS)
    ruling = np.zeros(len(allowed), np.int64)

    def cap(limit: np.ndarray, reason: Reason) -> None:
        least = lower(limit, allowed, ruling, len(reasons))
        if least >= 0:
            at_m = float(sigma[least])
            reasons.append(Reason(reason.cause, reason.what, at_m, reason.side, reason.uid, reason.visible))

    curvature = np.convolve(np.abs(path[:, 3]), np.full(5, 0.2), "same")
    cap(np.sqrt(LATERAL_MPS2 / np.maximum(curvature, 1e-4)), Reason(Cause.CURVE, "bend", 0.0))
    cap(course.steady_mps[index], Reason(Cause.CURVE, "bend", 0.0))
    # The path round others sways as well; one that is new is slowed down for no harder than gently.
    gently = np.sqrt(np.maximum(tick.speed_mps**2 - 2.0 * ENVELOPE_MPS2 * sigma, 0.0))
    cap(np.maximum(steady_speeds(path[:, 3], PATH_STEP_M), gently), Reason(Cause.CURVE, "bend", 0.0))
    draws_up = np.where(s0_m + sigma > draws_up_s_m, DRAWS_UP_MPS, np.inf)
    cap(draws_up, Reason(Cause.ARRIVAL, "kerb", draws_up_s_m - s0_m))
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
        tops = (np.inf, BLIND_FIRST_MPS, BLIND_MPS, BLIND_GREEN_MPS)
        cap(np.choose(blind, tops), Reason(Cause.RIGHT_OF_WAY, "blind junction", at_m))
    _beside(tick, path, allowed, ruling, reasons)
    allowed, ruling = envelope(allowed, ruling, PATH_STEP_M)
    limits = Limits(allowed, ruling, reasons)
    goal_m = goal_s_m - s0_m
    if goal_m < 75.0:
        limits.stop(goal_m, 0.0, np.inf, Reason(Cause.ARRIVAL, "destination", goal_m))
    return limits


def _beside(tick: Tick, path: np.ndarray, allowed: np.ndarray, ruling: np.ndarray, reasons: list[Reason]) -> None:
    here, u = tick.here, tick.here.users
    how = _passed(
        here.vulnerable, here.parked, here.on_foot, here.on_road, here.hesitates, here.ahead_m, here.left_m,
        here.turned_rad, u.kind, u.speed_mps, u.length_m, u.height_m,
    )  # fmt: skip
    slow = np.flatnonzero(how >= 0)
    if not len(slow):
        return
    at = past_slowly(
        path, slow, how, here.parked, u.x_m, u.y_m, u.yaw_rad, u.speed_mps, u.length_m, u.width_m, here.ahead_m,
        here.left_m, here.turned_rad, tick.speed_mps, GAPS_M, SPEEDS_MPS, allowed, ruling, len(reasons),
    )  # fmt: skip
    for k, least in zip(slow[at >= 0].tolist(), at[at >= 0].tolist(), strict=True):
        kind, side = Kind(int(u.kind[k])), "left" if here.left_m[k] > 0 else "right"
        what = f"standing {NAMES[kind]}" if how[k] == _HIDES else standing(kind) if here.parked[k] else NAMES[kind]
        cause = Cause.PEDESTRIAN if here.on_foot[k] else Cause.OBSTACLE
        reasons.append(Reason(cause, what, least * PATH_STEP_M, side, int(u.uid[k]), bool(here.visible[k])))


@njit(cache=True)
def _passed(vulnerable, parked, on_foot, on_road, hesitates, ahead, left, turned, kind, speed, length, height):
    """Return (U,) as what users are passed beside, -1 for who slows nobody: far away, behind, or on its way."""
    how = np.full(len(kind), -1)
    for k in range(len(kind)):
        if ahead[k] <= -3.0 - 0.5 * length[k] or ahead[k] >= 70.0:
            continue
        still = abs(speed[k]) < STANDING_MPS
        if not vulnerable[k] and kind[k] != _OBJECT and still and height[k] > TALL_M:
            how[k] = _HIDES
        elif parked[k]:
            how[k] = _PARKED
        elif on_foot[k]:
            crosses = on_road[k] and abs(np.sin(turned[k])) > CROSSING_SIN and abs(speed[k]) > STANDING_MPS
            faces_road = np.sin(turned[k]) * np.sign(left[k]) < -CROSSING_SIN
            towards = on_road[k] and speed[k] > STANDING_MPS and abs(turned[k]) > FACES_RAD and abs(left[k]) < FACING_M
            may_run = _MAY_RUN if kind[k] == _CHILD and faces_road else _FACES if towards else _WALKS
            how[k] = _CROSSES if crosses or hesitates[k] else may_run
        elif vulnerable[k]:
            how[k] = _RIDES
        elif kind[k] != _OBJECT and abs(turned[k]) > QUEUES_RAD:
            # Who heads our way is followed; who comes towards us at a crawl is squeezed past at one.
            crawls = abs(turned[k]) > FACES_RAD and abs(speed[k]) < SQUEEZES_MPS
            how[k] = _WAITS if still or crawls else -1
    return how


@njit(cache=True)
def past_slowly(path, slow, how, parked, x, y, yaw, speed, length, width, ahead, left, turned, own_mps, gaps_m,
                speeds_mps, allowed, ruling, number):  # fmt: skip
    """Lower allowed (n,) to the speeds at which users `slow` (M,) are passed beside; return (M,) where along the path
    each is passed slowest, -1 for who slows nobody. In ruling (n,) they are number, number + 1, ... in their order.

    how (U,): _HIDES, _PARKED, _WALKS, _CROSSES, _RIDES, _WAITS, _MAY_RUN or _FACES; gaps_m, speeds_mps (8, 5): speed
    at a gap, for these.
    """
    at, limit, boxes, pace = np.full(len(slow), -1), np.empty(len(path)), np.empty((len(slow), 5)), np.zeros(len(slow))
    for m in range(len(slow)):
        k, box = slow[m], boxes[m]
        box[0], box[1], box[2], box[3], box[4] = x[k], y[k], yaw[k], length[k], width[k]
        cos, sin, along = np.cos(yaw[k]), np.sin(yaw[k]), speed[k] * np.cos(turned[k])
        if how[k] == _PARKED or how[k] == _RIDES:
            # A cyclist rides on while the ego catches up: where they are abreast is what matters.
            until_s = min(max((ahead[k] - FRONT_M) / max(max(own_mps, 4.0) - along, 1.0), 0.0), 4.0)
            rides = speed[k] * until_s
            box[0] += cos * 0.5 * rides
            box[1] += sin * 0.5 * rides
            box[3] += rides
        if how[k] == _HIDES and length[k] > HIDING_END_M:
            # Of what hides others only the far end slows: until there nobody can come out.
            back = 0.5 * (box[3] - HIDING_END_M) * np.sign(np.cos(turned[k]))
            box[0] += cos * back
            box[1] += sin * back
            box[3] = HIDING_END_M
        if how[k] == _MAY_RUN:
            box[4] += 2.0 * CHILD_BEFORE_M  # it faces the road: its width lies along it
        if how[k] == _FACES:
            box[0] += cos * 0.5 * FACING_BEFORE_M
            box[1] += sin * 0.5 * FACING_BEFORE_M
            box[3] += FACING_BEFORE_M
        if how[k] == _RIDES:
            pace[m] = max(along - 0.5, SLOWEST_MPS)  # never slower than it rides: then the ego follows instead
    gaps = passing_gaps(path, PATH_STEP_M, 2, _LENGTH_M, _WIDTH_M, boxes, 3.0)
    # Between two things one cannot keep away from either: slower than past one.
    nearest = np.full((2, gaps.shape[1]), np.inf)
    for m in range(len(slow)):
        if parked[slow[m]] and left[slow[m]] != 0.0:
            side = 0 if left[slow[m]] > 0.0 else 1
            nearest[side] = np.minimum(nearest[side], gaps[m])
    for m in range(len(slow)):
        k = slow[m]
        table = how[k]
        for i in range(len(path)):
            # What is struck is not passed: there the ego stops, by `yielding.resolve`.
            gap = gaps[m, i // 2] if gaps[m, i // 2] > 0.0 else 0.1
            between = nearest[0, i // 2] < BETWEEN_M and nearest[1, i // 2] < BETWEEN_M
            if how[k] == _PARKED and between and gap < BETWEEN_M:
                gap *= BETWEEN_SHARE
            if how[k] == _RIDES and np.cos(turned[k]) * speed[k] < -0.3:
                gap = max(gap - WAVERS_M, 0.05)
            limit[i] = np.inf
            if gap < gaps_m[table, -1]:
                limit[i] = max(np.interp(gap, gaps_m[table], speeds_mps[table]), pace[m])
        at[m] = lower(limit, allowed, ruling, number)
        number += at[m] >= 0
    return at


@njit(cache=True)
def lower(limit, allowed, ruling, number):
    """Lower allowed (n,) to a limit, which is number in ruling (n,); return where it is least, -1 if it lowers none."""
    least, some = 0, False
    for i in range(len(limit)):
        if limit[i] < limit[least]:
            least = i
        if limit[i] < allowed[i]:
            allowed[i], ruling[i], some = limit[i], number, True
    return least if some else -1
