"""Who goes first: forecasts that meet the ego's path become limits on its speed, or are passed before."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause
from xiaolu.core.users import Kind
from xiaolu.expert.bodies import STANDING_MPS, Counted
from xiaolu.expert.conflict import occupancy
from xiaolu.expert.course import Course
from xiaolu.expert.encounter import comes_at_us, crosses, cut_off, faces, from_behind, let_by, own_half_m, tail_of
from xiaolu.expert.forecast import MOMENTS, MOMENTS_S, STEP_S, Moves
from xiaolu.expert.limits import FIRM_BRAKE_MPS2, Limits
from xiaolu.expert.margins import (
    EASY_BRAKE_MPS2,
    LATE_S,
    LEAST_GAP_M,
    PATIENCE_S,
    margins,
    swing_m,
    swings_back_m,
    too_late,
)
from xiaolu.expert.path import FRONT_M, PATH_STEP_M
from xiaolu.expert.priority import entry_at, priority
from xiaolu.expert.reasons import NAMES, Reason, standing
from xiaolu.expert.speed import DT_S, HARDEST_MPS2, STEPS, easy_stop_m
from xiaolu.measures.interventions import required_clearance_m
from xiaolu.world.town import LaneKind

BEFORE_S, AFTER_S = 0.9, 0.6  # the ego is gone this long before the other comes; comes this long after it left
STOP_SHORT_M, STOP_SHORT_OF_PEOPLE_M = 0.9, 1.6
# Nobody on foot is driven past nearer than so, be it at a crawl; nor who has been waited for; tuned.
BESIDE_PEOPLE_M, AFTER_PATIENCE_M = 0.27, 0.18
LETS_PASS_M, LETS_PASS_MPS = 0.32, 1.5  # from a crawl, who comes faster than that by nearer than so is stood for; tuned
STEADY_BEFORE_S, STEADY_AFTER_S = 0.5, 0.3  # more of both for whom the ego gave way to a moment ago: no to and fro
GIVEN_NS = 600_000_000
# Who should yield to us and would have to brake harder than this may not be going to.
TRUSTED_BRAKE_MPS2, RIDER_TRUST_MPS2 = 1.5, 0.8
LATER_S, LATER_BRAKE_MPS2 = (
    4.0,
    0.8,
)  # what somebody on foot may do later is not yet stopped for, where it is easy; tuned
MAYBE_BRAKE_MPS2 = 1.8  # the ego brakes this hard for what somebody on foot might do, not harder
LAST_PATIENCE_S = 14.0
ROUNDS = 6
FACES_US_RAD = 2.4
BACK_AT_US_M = 0.5  # who backs up, and will be so much nearer than now, comes at the ego; tuned
EASY_PEOPLE_MPS2, PEOPLE_BRAKE_MPS2 = 1.65, 2.9
SHORT_OF_PEOPLE_M = 0.6  # comfort may cost so much of the room before people, not all; tuned
HOME_BRAKE_MPS2 = 2.2  # who has to wait for somebody who comes brakes so hard to do so in its own half; tuned
FACED_BRAKES_MPS2 = (EASY_BRAKE_MPS2, 1.8, FIRM_BRAKE_MPS2)
SURE_M = 0.06  # more than the clearance that is asked for beside people and riders
# A stop for who is gone all at once is held so long, where it is easy; tuned.
HELD_NS, HELD_BRAKE_MPS2 = 250_000_000, 1.5
ROLLED_S = np.arange(STEPS + 1) * DT_S
GLANCE_S = 1.5  # a rider may go straight on instead of along its lane: counted this far ahead


def resolve(
    course: Course,
    path: np.ndarray,
    s0_m: float,
    speed_mps: float,
    acceleration_mps2: float,
    here: Counted,
    moves: Moves,
    limits: Limits,
    waited_s: float,
    given: frozenset[int] = frozenset(),
    humble: frozenset[int] = frozenset(),
    unlit: frozenset[int] = frozenset(),
    pulls_out: bool = False,
    held: Mapping[int, float] = MappingProxyType({}),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add to `limits` what other users ask for, and return the rollout (sigma, speed, cause) under all of them.

    path (n, 4) from `path.drive_line`; waited_s: how long the ego has stood for somebody; given: uids it gave way to a
    moment ago; humble: junction lanes of the way that it takes on red, where everybody else goes first; unlit: those
    whose lamp orders nothing; pulls_out: it leaves the kerb, where those behind go first; held: uids it gave way to
    only just now, with where along the course.
    """
    if not len(moves.owner):
        return limits.roll(speed_mps, acceleration_mps2)
    u = here.users
    along, across = margins(here, moves, waited_s)
    length, width = u.length_m[moves.owner], u.width_m[moves.owner]
    # Between two moments a body sweeps on; for one that drives our way, the front is what counts.
    sweeps = np.where(np.abs(here.turned_rad) > 0.5, np.abs(u.speed_mps) * STEP_S, 0.0)
    length = length + sweeps[moves.owner]
    body = EGO_BODY.length_m, EGO_BODY.width_m
    low, high = occupancy(path, PATH_STEP_M, 1, *body, moves.poses, length, width, along, across)
    comes_by = (np.abs(here.turned_rad) > FACES_US_RAD) & (u.speed_mps > LETS_PASS_MPS) & ~here.on_foot
    tight = np.flatnonzero(low[:, 0] < 0.5)
    if len(tight):
        # So near already that the margins touch: only what is really in the way counts.
        beside_m = BESIDE_PEOPLE_M if waited_s < PATIENCE_S else AFTER_PATIENCE_M
        few = np.full(len(tight), 0.1), np.where(here.on_foot[moves.owner[tight]], beside_m, 0.02)
        if speed_mps < LETS_PASS_MPS:
            # Who comes by towards us will be gone in a moment: the ego stands meanwhile.
            few[1][comes_by[moves.owner[tight]]] = LETS_PASS_M
        low[tight], high[tight] = occupancy(
            path, PATH_STEP_M, 1, *body, moves.poses[tight], length[tight], width[tight], *few
        )
    stays = np.flatnonzero(here.at_flank[moves.owner]) if waited_s > PATIENCE_S else np.empty(0, np.int64)
    if len(stays):
        few = np.full(len(stays), 0.1), np.full(len(stays), 0.02)
        poses = np.repeat(moves.poses[stays, :1], MOMENTS, axis=1)
        low[stays], high[stays] = occupancy(path, PATH_STEP_M, 1, *body, poses, length[stays], width[stays], *few)
    late = too_late(here, moves, low, along, speed_mps)
    if len(late):
        # Too late to keep all of the margin by stopping: no reason to slam on the brakes if enough is left of it.
        kept = np.where(
            here.vulnerable[moves.owner[late]], required_clearance_m(np.array(speed_mps)) + SURE_M, LEAST_GAP_M
        )
        some, _ = occupancy(
            path, PATH_STEP_M, 1, *body, moves.poses[late], length[late], width[late],
            np.minimum(along[late], 0.3), np.minimum(across[late], kept),
        )  # fmt: skip
        low[late[np.isnan(some).all(axis=1)]] = np.nan
    half_m = own_half_m(course, path, s0_m)
    if pulls_out and speed_mps < STANDING_MPS:
        for k, until_s in let_by(here, moves, path):
            limits.stop(0.0, 0.0, until_s + AFTER_S, _reason(here, k, 0.0, False))
    pending = []
    for h in np.flatnonzero(~np.isnan(low).all(axis=1)).tolist():
        k = int(moves.owner[h])
        if here.ahead_m[k] < 0.5 and not pulls_out and waited_s < LAST_PATIENCE_S:
            across = cut_off(here, moves, h, path, low[h])
            if across.any():
                low[h, ~across] = np.nan  # beside each other they ride on
                pending.append(h)
                continue
        if from_behind(here, k) and not (pulls_out and low[h, 0] != 0.0):
            continue  # it comes from behind: it sees us
        if here.ahead_m[k] < -1.0 - 0.5 * u.length_m[k] and not pulls_out:
            continue
        crossing = low[h, 0] > 0.0 and np.isnan(low[h]).sum() > 0 and crosses(moves.poses[h], path, low[h, 0])
        if low[h, 0] > 0.0 and not (crossing or comes_by[k]):
            swings_m = swings_back_m(here, k)
            if here.backs[k] and low[h, 0] - np.nanmin(low[h]) + swings_m > BACK_AT_US_M:
                # It backs towards us: room is left for all the way it may come.
                firm_m = LATE_S * speed_mps + 0.5 * speed_mps**2 / FIRM_BRAKE_MPS2
                stop_m = max(float(np.nanmin(low[h])) - STOP_SHORT_M - swings_m, firm_m)
                limits.stop(stop_m, 0.0, np.inf, _reason(here, k, float(low[h, 0]), True))
            tail = tail_of(low[h], moves.poses[h], path)
            limits.lead(
                tail - swing_m(course, here, k, s0_m, speed_mps, low[h]), _reason(here, k, float(low[h, 0]), True)
            )
        else:
            pending.append(h)
    sigma, speed, cause = limits.roll(speed_mps, acceleration_mps2)
    for _ in range(ROUNDS):
        added = False
        for h in list(pending):
            asked = _limit_for(
                course,
                path,
                s0_m,
                speed_mps,
                here,
                moves,
                h,
                low[h],
                high[h],
                sigma,
                limits,
                waited_s,
                given,
                humble,
                unlit,
                float(along[h]),
                half_m,
                acceleration_mps2,
            )
            if asked:
                pending.remove(h)
                added = True
        if not added:
            break
        sigma, speed, cause = limits.roll(speed_mps, acceleration_mps2)
    if _hold(here, s0_m, speed_mps, limits, held):
        return limits.roll(speed_mps, acceleration_mps2)
    return sigma, speed, cause


def _hold(here: Counted, s0_m: float, speed_mps: float, limits: Limits, held: Mapping[int, float]) -> bool:
    """Add the stops of a moment ago for whom nothing is asked all at once, where they are easy; say whether any was.

    Forecasts come and go from moment to moment: who lets go of the brake each time drives in jerks.
    """
    some = False
    for uid, s_m in held.items():
        found = np.flatnonzero(here.users.uid == uid)
        room_m = s_m - s0_m
        if uid not in limits.given and len(found) and speed_mps**2 < 2.0 * HELD_BRAKE_MPS2 * room_m:
            limits.stop(room_m, 0.0, np.inf, _reason(here, int(found[0]), room_m + 1.0, False))
            some = True
    return some


def _reason(here: Counted, k: int, sigma_m: float, leading: bool) -> Reason:
    name = NAMES[Kind(int(here.users.kind[k]))]
    side = "left" if here.left_m[k] > 1.0 else "right" if here.left_m[k] < -1.0 else ""
    away, who = max(sigma_m, 0.0), (int(here.users.uid[k]), bool(here.visible[k]))
    if here.on_foot[k]:
        return Reason(Cause.PEDESTRIAN, name, away, "", *who)
    if leading and here.parked[k]:
        return Reason(Cause.OBSTACLE, standing(Kind(int(here.users.kind[k]))), away, side, *who)
    if abs(here.turned_rad[k]) > 2.4:
        return Reason(Cause.RIGHT_OF_WAY, f"oncoming {name}", away, "", *who)
    if leading:
        return Reason(Cause.LEAD, name, away, "", *who)
    return Reason(Cause.RIGHT_OF_WAY, name, away, side, *who)


def _late_s(acceleration_mps2: float, braking_mps2: float) -> float:
    """Return how late brakes come on that are wanted to reach braking_mps2: those that are on already do not."""
    return LATE_S * (1.0 - float(np.clip(-acceleration_mps2 / braking_mps2, 0.0, 1.0)))


def _at(sigma: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    return np.interp(time_s, ROLLED_S, sigma)  # before and beyond them the first and the last one hold


def _limit_for(
    course: Course,
    path: np.ndarray,
    s0_m: float,
    speed_mps: float,
    here: Counted,
    moves: Moves,
    h: int,
    low: np.ndarray,
    high: np.ndarray,
    sigma: np.ndarray,
    limits: Limits,
    waited_s: float,
    given: frozenset[int],
    humble: frozenset[int],
    unlit: frozenset[int],
    along_m: float,
    half_m: float,
    acceleration_mps2: float,
) -> bool:
    """Add a limit for hypothesis h if the present rollout meets it and the ego has to give way; say whether.

    low, high (MOMENTS,): see `conflict.occupancy`, with along_m of margin before the bumper; half_m: see `own_half_m`.
    """
    u, k = here.users, int(moves.owner[h])
    valid = np.flatnonzero(~np.isnan(low))
    times = MOMENTS_S[valid]
    patience = waited_s > PATIENCE_S
    before_s, after_s = (0.4, 0.2) if patience else (BEFORE_S, AFTER_S)
    if here.on_foot[k]:
        before_s += 0.3
    steady = int(u.uid[k]) in given
    if steady and not patience:
        before_s, after_s = before_s + STEADY_BEFORE_S, after_s + STEADY_AFTER_S
    if (_at(sigma, times - before_s) > high[valid]).all() and times[0] > 0.0:
        return False
    if (_at(sigma, times + after_s) < low[valid] - 0.3).all():
        return False
    arrives_s, leaves_s = float(times[0]), float(times[-1])
    met = valid[_at(sigma, times + after_s) >= low[valid] - 0.3]
    place_m = float(np.min(low[valid]))
    towards_us = abs(here.turned_rad[k]) > FACES_US_RAD and u.speed_mps[k] > STANDING_MPS and not here.on_foot[k]
    oncoming = not here.on_foot[k] and len(met) > 0 and comes_at_us(here, moves, h, path, low, int(met[0]))
    if oncoming and place_m < float(low[met[0]]) - 1.0:
        # Wherever the ego stopped before it, they would meet: where they do if both go on is what matters.
        place_m = float(low[met[0]]) - 1.0
    entry = entry_at(course, s0_m + place_m, s0_m + float(np.nanmax(high)))
    if here.on_foot[k]:
        if not _counts_on_foot(course, here, moves, h, arrives_s, place_m, speed_mps, waited_s):
            return False
        if place_m < 0.5 * speed_mps**2 / HARDEST_MPS2 and times[0] > 0.0 and (_at(sigma, times) > high[valid]).all():
            return False  # who can no longer stop before him is gone in time: to stand in his way is worse
    else:
        if here.vulnerable[k] and moves.chain[h, 0] < 0 and here.users.lane[k] >= 0 and arrives_s > GLANCE_S:
            return False
        behind = from_behind(here, k)  # counted only while the ego pulls out
        there = min(int(max(low[met[0]], 0.0) / PATH_STEP_M), len(path) - 1)
        towards_rad = float(moves.poses[h, met[0], 2] - path[there, 2])
        right = -1 if behind else priority(course, entry, moves.chain[h], humble, unlit, towards_rad)
        way_m = max(float(np.hypot(*(moves.poses[h, valid[0], :2] - moves.poses[h, 0, :2]))), 0.1)
        braking = u.speed_mps[k] ** 2 / (2.0 * way_m)
        trusted = (RIDER_TRUST_MPS2 if here.vulnerable[k] else TRUSTED_BRAKE_MPS2) * (0.7 if steady else 1.0)
        yields = arrives_s > 2.0 or u.acceleration_mps2[k] < -0.3
        if right > 0 and yields and braking < trusted and u.speed_mps[k] > STANDING_MPS:
            limits.trusted.add(int(u.uid[k]))
            return False
        if right == 0 and waited_s > LAST_PATIENCE_S and braking < TRUSTED_BRAKE_MPS2:
            return False
        ours = float(np.interp(max(place_m, 0.0), sigma, ROLLED_S, right=99.0))
        first = right == 0 and entry is None and not (oncoming or towards_us) and ours + 0.3 < arrives_s
        if first and braking < TRUSTED_BRAKE_MPS2:
            return False
    stop_m = place_m - (STOP_SHORT_OF_PEOPLE_M if here.on_foot[k] else STOP_SHORT_M) - swings_back_m(here, k)
    if entry is not None and not here.on_foot[k] and waited_s < PATIENCE_S:
        line_m = entry.from_s_m - s0_m - FRONT_M - 0.5
        patient = not (entry.signalled and entry.turn.name == "LEFT")
        if patient and -0.5 < line_m < stop_m and stop_m - line_m < 12.0:
            stop_m = line_m
    spare_m = max(along_m - LEAST_GAP_M, 0.0)
    # What comes up late is stopped for gently, else firmly, as long as the margins leave room for that.
    easy_m = easy_stop_m(speed_mps, acceleration_mps2, EASY_BRAKE_MPS2)
    firm_m = LATE_S * speed_mps + 0.5 * speed_mps**2 / FIRM_BRAKE_MPS2
    home_m = _late_s(acceleration_mps2, HOME_BRAKE_MPS2) * speed_mps + 0.5 * speed_mps**2 / HOME_BRAKE_MPS2
    if towards_us and waited_s < PATIENCE_S and home_m < half_m < stop_m:
        stop_m = easy_m = half_m  # out there it would be in the way of the one it waits for
    if here.on_foot[k] and here.on_road[k] and moves.certain[h]:
        # Room before people is worth more than comfort. Brakes that are on already come on no more.
        late_s = _late_s(acceleration_mps2, PEOPLE_BRAKE_MPS2)
        easy_m, firm_m = (late_s * speed_mps + 0.5 * speed_mps**2 / b for b in (EASY_PEOPLE_MPS2, PEOPLE_BRAKE_MPS2))
        easy_m = min(easy_m, place_m - SHORT_OF_PEOPLE_M)
    stop_m = max(stop_m, min(easy_m, place_m + spare_m - 0.2), min(firm_m, place_m + spare_m))
    if firm_m > place_m + spare_m and not here.on_foot[k]:
        # Too near to stop before it: who stands by the time the other gets there need not brake harder than so.
        # Right behind one that has just gone by it would have to trust that it goes on.
        by_s = times + AFTER_S
        for braking in FACED_BRAKES_MPS2 if faces(moves, h, path, low) else (FIRM_BRAKE_MPS2,):
            slowed_s = np.clip(by_s - LATE_S, 0.0, speed_mps / braking)
            place = speed_mps * (np.minimum(by_s, LATE_S) + slowed_s) - 0.5 * braking * slowed_s**2
            meets_s = times[place > low[valid] + spare_m]
            if not len(meets_s) or meets_s[0] > LATE_S + speed_mps / braking:
                stop_m = max(stop_m, LATE_S * speed_mps + 0.5 * speed_mps**2 / braking)
                break
    slope = (low[valid[-1]] - low[valid[0]]) / max(leaves_s - arrives_s, 0.25)
    reason = _reason(here, k, place_m + 1.0, False)
    uid = int(u.uid[k])
    limits.given[uid] = min(limits.given.get(uid, np.inf), s0_m + stop_m)
    if slope > 0.8 and valid[-1] == MOMENTS - 1 and not here.on_foot[k]:
        # It joins our way: be behind it from the moment it does.
        limits.lead(tail_of(low, moves.poses[h], path), reason)
        if arrives_s > 0.0:
            limits.stop(stop_m, 0.0, arrives_s, reason, bool(here.vulnerable[k]))
        return True
    until_s = np.inf if valid[-1] == MOMENTS - 1 else leaves_s + after_s
    limits.stop(max(stop_m, -1.0), 0.0, until_s, reason, bool(here.vulnerable[k]))
    return True


def _counts_on_foot(
    course: Course,
    here: Counted,
    moves: Moves,
    h: int,
    arrives_s: float,
    place_m: float,
    speed_mps: float,
    waited_s: float,
) -> bool:
    """Whether to give way to what somebody on foot does in hypothesis h."""
    k = int(moves.owner[h])
    lane = int(here.users.lane[k])
    walking = lane >= 0 and course.town.lane_kind[lane] in (LaneKind.FOOT, LaneKind.FOOT_AREA)
    on_pavement = walking and not here.on_road[k]
    braking = speed_mps**2 / (2.0 * max(place_m - STOP_SHORT_M, 0.1))
    if not on_pavement:
        # What he may do much later can be seen in time, unless the ego would have to brake for it by then.
        return bool(moves.certain[h]) or arrives_s < LATER_S or braking > LATER_BRAKE_MPS2
    if waited_s > LAST_PATIENCE_S:
        return arrives_s < 1.0
    if moves.certain[h]:
        # Straight on from a pavement: most turn along it, and who does step out counts from then on.
        return arrives_s < 2.2 and braking < MAYBE_BRAKE_MPS2
    return braking < MAYBE_BRAKE_MPS2 and arrives_s < 5.0
