"""The checks of scenarios, judged: pure functions on the `Account` of a ride. Names, parameters and ranges are those
of `xiaolu.world.scenarios.checks`.

Who goes first is judged in `right_of_way`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xiaolu.core.decision import LampColour
from xiaolu.core.rates import TICK_S
from xiaolu.evaluation.account import Account
from xiaolu.evaluation.findings import (
    MOVES_MPS,
    Cast,
    Finding,
    Judge,
    act_from,
    all_act_from,
    first_tick,
    found,
    moved_from,
    nothing,
    passes_place,
)
from xiaolu.evaluation.right_of_way import goes_before, waits_for
from xiaolu.measures.comfort import JERK_WINDOW, motion_of, spans
from xiaolu.measures.interventions import WRONG_WAY_RAD

STANDS_MPS, ROLLS_MPS = 0.1, 0.3  # who has nearly stood and rolls on has come to creep
NEAR_ACTOR_M = 25.0
ON_ROUTE_M = 2.5
END_M = 12.0  # standing so near the goal is arriving
LINE_REACH_M = 40.0  # a lamp whose line is farther ahead is not yet the ego's
HELD_M = 0.5  # who was stopped by a hand may still roll by this
AFTER_PULL_OUT_S = 3.0
GREEN = (LampColour.GREEN, LampColour.FLASHING_GREEN)


def _keeps_clearance(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    uids = cast.members(v["actor"]) if v.get("actor") else list(cast.actors.values())
    moving = np.abs(a.speed_mps) > v["above_mps"]
    gap = np.where(moving[:, None], a.clearance_m[:, uids], np.inf)
    if not np.isfinite(gap).any():
        return nothing(check, a, "m", f"never faster than {v['above_mps']:g} m/s with it there")
    tick = int(np.argmin(gap.min(axis=1)))
    least = float(gap[tick].min())
    return found(check, a, least >= v["least_m"], least, "m", f"least gap {least:.2f} m, at least {v['least_m']:g} m",
                  tick, tick)  # fmt: skip


def _slower_than(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    there = (a.front_s_m >= v["from_m"]) & (a.front_s_m <= v["to_m"])
    # A stretch shorter than a tick's way lies between two samples: both count.
    over = passes_place(a, v["to_m"])
    if over > 0 and not there.any() and a.front_s_m[over - 1] < v["from_m"]:
        there[over - 1 : over + 1] = True
    if not there.any():
        return nothing(check, a, "m/s", "never came to the stretch")
    tick = int(np.argmax(np.where(there, np.abs(a.speed_mps), -1.0)))
    most = float(abs(a.speed_mps[tick]))
    ticks = np.flatnonzero(there)
    return found(check, a, most <= v["most_mps"], most, "m/s", f"{most:.1f} m/s, at most {v['most_mps']:g} m/s",
                  int(ticks[0]), int(ticks[-1]))  # fmt: skip


def _stops_before(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    moved, over = moved_from(a), passes_place(a, v["place_m"])
    if moved < 0 or over == 0:
        return nothing(check, a, "m", "never drove" if moved < 0 else "began beyond the place")
    ticks = np.arange(len(a))
    before = (ticks > moved) & ((ticks < over) if over > 0 else True)
    gap = v["place_m"] - a.front_s_m
    stands = before & (np.abs(a.speed_mps) < STANDS_MPS)
    stood = stands & (gap <= v["most_gap_m"])
    queued = stands & a.held_by_signal & np.any(a.in_way, axis=1)
    if not stood.any() and queued.any():
        tick = first_tick(queued)
        return found(check, a, True, float(gap[tick]), "m", f"stood {gap[tick]:.2f} m before it, behind others", tick,
                      int(np.flatnonzero(queued)[-1]))  # fmt: skip
    if not stood.any():
        if over < 0:
            return found(check, a, False, None, "m", "never came so near the place, and stood")
        # Who comes up to a red slowly may see it turn green before it has to stand.
        red = (a.colour[:over] == LampColour.RED) & (a.line_ahead_m[:over] < LINE_REACH_M)
        turned = bool(red.any()) and a.colour[over] in GREEN
        why = f"passed at {a.speed_mps[over]:.1f} m/s without a stand{', on green' if turned else ''}"
        return found(check, a, turned, None, "m", why, over, over)
    tick = first_tick(stood)
    # The stand may be followed by a creep: the nearest one decides whether it went too far. On green it may go further.
    held = stood & ~np.isin(a.colour, GREEN)
    nearest = float(gap[held if held.any() else stood].min())
    holds = nearest >= v["least_gap_m"] or not held.any()
    why = f"stood {gap[tick]:.2f} m, nearest {nearest:.2f} m before it; {v['least_gap_m']:g} to {v['most_gap_m']:g} m"
    return found(check, a, holds, nearest, "m", why, tick, int(np.flatnonzero(stood)[-1]))


def _starts_within(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    if v["after"] == "act":
        tick = all_act_from(a, cast, v["actor"], v["act"])
        if tick < 0:
            return nothing(check, a, "s", f"{v['actor']} never came to {v['act']}")
    else:
        green = np.isin(a.colour, GREEN) & (a.line_ahead_m > 0.0) & (a.line_ahead_m < LINE_REACH_M)
        held = np.isin(a.colour, (LampColour.RED, LampColour.YELLOW, LampColour.DARK))
        tick = first_tick(np.asarray(green[1:] & held[:-1] & (a.line_ahead_m[:-1] > 0.0)))
        if tick < 0:
            return nothing(check, a, "s", "the lamp never turned green before it")
        tick += 1
    off = first_tick(np.abs(a.speed_mps[tick:]) > MOVES_MPS)
    end = tick + off if off >= 0 else len(a) - 1
    # While somebody else is right before it, it need not start.
    waited = float((~a.in_way[tick:end].any(axis=1)).sum() * TICK_S)
    if off < 0:
        return found(check, a, False, waited, "s", f"never moved in the {waited:.1f} s of free way after it", tick)
    why = f"moved after {waited:.1f} s of free way, at most {v['most_s']:g} s"
    return found(check, a, waited <= v["most_s"], waited, "s", why, tick, end)


def _creeps(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    red = (a.colour == LampColour.RED) & (a.line_ahead_m > 0.0) & (a.line_ahead_m < LINE_REACH_M)
    stand = first_tick(red & (np.abs(a.speed_mps) < ROLLS_MPS) & (np.arange(len(a)) > max(moved_from(a), 0)))
    if stand < 0:
        return nothing(check, a, "m", "never stood at a red")
    over = (a.line_ahead_m[1:] <= 0.0) & (a.line_ahead_m[:-1] > 0.0) & (a.colour[1:] == LampColour.RED)
    if over[stand:].any():
        tick = stand + first_tick(over[stand:])
        return found(check, a, False, None, "m", "went over the line on red", tick, tick)
    end = stand + first_tick(~red[stand:]) if (~red[stand:]).any() else len(a)
    crept = float(a.speed_mps[stand:end].clip(0.0).sum() * TICK_S)
    return found(check, a, crept >= v["least_m"], crept, "m", f"crept {crept:.2f} m, at least {v['least_m']:g} m",
                  stand, end - 1)  # fmt: skip


def _does_not_stop_for(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    uids = cast.members(v["actor"])
    with np.errstate(invalid="ignore"):
        near = np.any(np.hypot(a.ahead_m[:, uids], a.aside_m[:, uids]) < NEAR_ACTOR_M, axis=1)
    if not near.any():
        return nothing(check, a, "s", f"never came within {NEAR_ACTOR_M:g} m of {v['actor']}")
    others = np.any(a.in_way & ~np.isin(a.uid, uids), axis=1)
    moved = moved_from(a)
    drives = np.arange(len(a)) > moved if moved >= 0 else np.zeros(len(a), bool)
    stands = near & drives & (np.abs(a.speed_mps) < STANDS_MPS) & ~a.held_by_signal & ~others
    stands &= a.front_s_m < a.end_s_m - END_M
    stood = float(stands.sum() * TICK_S)
    ticks = np.flatnonzero(stands if stands.any() else near)
    why = f"stood {stood:.1f} s near it, at most {v['most_stand_s']:g} s"
    return found(check, a, stood <= v["most_stand_s"], stood, "s", why, int(ticks[0]), int(ticks[-1]))


def _stops_for_hand(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    uid, act = cast.members(v["actor"])[0], cast.act(v["actor"], v["act"])
    shown = act_from(a, uid, act)
    if shown < 0:
        return nothing(check, a, "m", f"{v['actor']} never came to {v['act']}")
    over = act_from(a, uid, act + 1)
    over = len(a) if over < 0 else over
    latest = min(shown + round(v["most_s"] / TICK_S), len(a) - 1)
    gap = a.actor_s_m[:, uid] - a.front_s_m
    ticks = np.arange(len(a))
    stood = (ticks >= shown) & (ticks <= latest) & (np.abs(a.speed_mps) < STANDS_MPS)
    with np.errstate(invalid="ignore"):
        fits = stood & (gap >= v["least_gap_m"]) & (gap <= v["most_gap_m"])
    if not fits.any():
        where = f"stood {gap[first_tick(stood)]:.1f} m from it" if stood.any() else "did not stand"
        asked = f"{v['least_gap_m']:g} to {v['most_gap_m']:g} m within {v['most_s']:g} s"
        return found(check, a, False, None, "m", f"{where}; asked: {asked}", shown, latest)
    # Who stood for something else before it came there rolls up to its place: the last stand in time is meant.
    tick = int(np.flatnonzero(fits & ~np.concatenate([[False], fits[:-1]]))[-1])
    rolled = float(np.abs(a.speed_mps[tick:over]).sum() * TICK_S) if over > tick else 0.0
    if rolled > HELD_M:
        return found(check, a, False, None, "m", f"stood, but drove {rolled:.1f} m before the hand was done", tick,
                      min(over, len(a) - 1))  # fmt: skip
    return found(check, a, True, float(gap[tick]), "m", f"stood {gap[tick]:.1f} m from it", shown, tick)


def _backs_up(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    back = a.speed_mps < 0.0
    driven = float(-a.speed_mps[back].sum() * TICK_S)
    ticks = np.flatnonzero(back) if back.any() else np.array([0, len(a) - 1])
    return found(check, a, driven >= v["least_m"], driven, "m", f"backed {driven:.1f} m, at least {v['least_m']:g} m",
                  int(ticks[0]), int(ticks[-1]))  # fmt: skip


def _passes(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    worst, first, last = np.inf, len(a), 0
    for uid in cast.members(v["actor"]):
        ahead, aside = a.ahead_m[:, uid], a.aside_m[:, uid]
        with np.errstate(invalid="ignore"):
            passed = np.flatnonzero((ahead[:-1] > 0.0) & (ahead[1:] <= 0.0))
        if not len(passed):
            return found(check, a, False, None, "m", f"never passed {v['actor']}")
        tick = int(passed[-1]) + 1
        side = "left" if aside[tick] > 0.0 else "right"
        if v["side"] not in ("any", side):
            return found(check, a, False, float(abs(aside[tick])), "m", f"it was on the {side}", tick, tick)
        worst, first, last = min(worst, float(abs(aside[tick]))), min(first, tick), max(last, tick)
    return found(check, a, True, worst, "m", f"passed, {worst:.2f} m between middles", first, last)


def _stays_behind(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    least, when = np.inf, 0
    for uid in cast.members(v["actor"]):
        with np.errstate(invalid="ignore"):
            on_way = a.there[:, uid] & (np.abs(a.actor_left_m[:, uid]) < ON_ROUTE_M)
            gap = a.actor_s_m[:, uid] - 0.5 * a.actor_size_m[:, uid, 0] - a.front_s_m
            led = np.maximum.accumulate(on_way & (gap > 0.0))
        gap = np.where(on_way & led, gap, np.inf)
        tick = int(np.argmin(gap))
        if gap[tick] < least:
            least, when = float(gap[tick]), tick
    if not np.isfinite(least):
        return nothing(check, a, "m", f"{v['actor']} was never ahead on the way")
    return found(check, a, least >= v["least_gap_m"], least, "m",
                  f"least gap {least:.2f} m, at least {v['least_gap_m']:g} m", when, when)  # fmt: skip


def _comfortable(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    if len(a) < JERK_WINDOW or moved_from(a) < 0:
        return nothing(check, a, "m/s²", "never drove" if len(a) >= JERK_WINDOW else "too short to be smoothed")
    motion = motion_of(a.speed_mps, a.pose[:, 2])
    # Backwards, speeding up has the sign of braking.
    braking = np.where(a.speed_mps >= 0.0, -motion.longitudinal_mps2, motion.longitudinal_mps2)
    jerk = np.abs(motion.longitudinal_jerk_mps3)
    holds = bool(braking.max() <= v["most_braking_mps2"] and jerk.max() <= v["most_jerk_mps3"])
    tick = int(np.argmax(np.maximum(braking / v["most_braking_mps2"], jerk / v["most_jerk_mps3"])))
    why = (
        f"braking {braking.max():.1f} m/s² (at most {v['most_braking_mps2']:g}), "
        f"jerk {jerk.max():.1f} m/s³ (at most {v['most_jerk_mps3']:g})"
    )
    return found(check, a, holds, float(braking.max()), "m/s²", why, tick, tick)


def _kerb_stop(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    if abs(a.speed_mps[-1]) >= STANDS_MPS or a.front_s_m[-1] < a.end_s_m - END_M:
        return found(check, a, False, None, "m", "does not stand at the goal", -1)
    yaw_deg = float(np.degrees(abs(a.yaw_rad[-1])))
    gap = a.kerb_gap_m
    if np.isnan(gap):
        return found(check, a, False, None, "m", "no kerb within 4 m of its right side", -1)
    holds = v["least_gap_m"] <= gap <= v["most_gap_m"] and yaw_deg <= v["most_yaw_deg"]
    why = f"{gap:.2f} m from the kerb ({v['least_gap_m']:g} to {v['most_gap_m']:g}), {yaw_deg:.1f}° off straight"
    return found(check, a, holds, gap, "m", f"{why} (at most {v['most_yaw_deg']:g})", -1)


def _pulls_out(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    moved = moved_from(a)
    if moved < 0:
        return found(check, a, False, None, "m/s²", "never moved")
    in_lane = (np.abs(a.left_m) < 0.5) & (np.abs(a.yaw_rad) < 0.25)
    reached = first_tick(in_lane & (np.arange(len(a)) >= moved))
    if reached < 0:
        return found(check, a, False, None, "m/s²", "never came to the lane's middle", moved)
    last = min(reached + round(AFTER_PULL_OUT_S / TICK_S), len(a) - 1)
    most = float(a.braking_behind_mps2[moved : last + 1].max())
    why = f"who followed braked with {most:.1f} m/s², at most {v['most_braking_mps2']:g}"
    return found(check, a, most <= v["most_braking_mps2"] + 1e-6, most, "m/s²", why, moved, last)


def _no_wrong_way(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    against = spans((np.abs(a.heading_error_rad) > WRONG_WAY_RAD) & (a.speed_mps > 0.2), 20)
    driven = [float(a.speed_mps[i : j + 1].sum() * TICK_S) for i, j in against]
    most = max(driven, default=0.0)
    first, last = against[int(np.argmax(driven))] if driven else (0, len(a) - 1)
    return found(check, a, most <= v["beyond_m"], most, "m", f"{most:.0f} m against the lane, at most "
                  f"{v['beyond_m']:g} m", int(first), int(last))  # fmt: skip


def _no_contact(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    uids = cast.members(v["actor"])
    tick = first_tick(np.any(a.touching & np.isin(a.uid, uids), axis=1))
    if tick < 0:
        return found(check, a, True, 0.0, "count", "never touched")
    return found(check, a, False, 1.0, "count", f"touched {v['actor']} at {a.speed_mps[tick]:.1f} m/s", tick, tick)


# Checks that the Account answers; those that the whole ride's judgement answers are in `verdict`.
JUDGES: dict[str, Judge] = {
    "no_contact": _no_contact,
    "no_wrong_way": _no_wrong_way,
    "keeps_clearance_m": _keeps_clearance,
    "slower_than": _slower_than,
    "stops_before": _stops_before,
    "starts_within_s": _starts_within,
    "creeps": _creeps,
    "waits_for": waits_for,
    "goes_before": goes_before,
    "does_not_stop_for": _does_not_stop_for,
    "stops_for_hand": _stops_for_hand,
    "backs_up": _backs_up,
    "passes": _passes,
    "stays_behind": _stays_behind,
    "comfortable": _comfortable,
    "kerb_stop": _kerb_stop,
    "pulls_out": _pulls_out,
}
