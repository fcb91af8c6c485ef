"""The checks of scenarios, judged: pure functions on the `Account` of a ride. Names, parameters and ranges are those
of `xiaolu.world.scenarios.checks`.

A finding says whether a check holds, by which figure and on what evidence. What cannot be said (nobody came, the lamp
never turned) holds None: such a ride is INVALID, never a pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xiaolu.core.decision import LampColour
from xiaolu.core.rates import SECOND_NS, TICK_S
from xiaolu.core.score import Score
from xiaolu.evaluation.account import HALF_WIDTH_M, Account
from xiaolu.measures.comfort import JERK_WINDOW, motion_of, spans
from xiaolu.measures.interventions import WRONG_WAY_RAD

STANDS_MPS, ROLLS_MPS, MOVES_MPS = 0.1, 0.3, 0.5  # who has nearly stood and rolls on has come to creep
BESIDE_WAY_M = 0.2  # an actor whose outline is this far from the swept way is out of it
CONFLICT_M = 25.0  # how far beyond a place the swept way matters for who goes first: a large junction is this wide
SHORT_OF_M = 1.0  # who gives way may wait with its bumper so near to where the other comes through
ROLLS_ON_S, ROLLS_ON_M = 0.5, 1.5  # and may roll on so long, or so far, while the last of it leaves
GOES_ALONG_M = 5.0  # an actor that drives on along the way and is so far beyond the place, or where it joined, is out
NEAR_ACTOR_M = 25.0
ON_ROUTE_M = 2.5
ACROSS_M = 3.0
END_M = 12.0  # standing so near the goal is arriving
LINE_REACH_M = 40.0  # a lamp whose line is farther ahead is not yet the ego's
HELD_M = 0.5  # who was stopped by a hand may still roll by this
AFTER_PULL_OUT_S = 3.0
AMPLE_S = 5.0  # who comes so long after the ego has passed need not be waited for: gaps accepted are shorter
GREEN = (LampColour.GREEN, LampColour.FLASHING_GREEN)


@dataclass(frozen=True, slots=True)
class Finding:
    """holds: None where there was nothing to judge by; score.why says it in words."""

    check: str
    holds: bool | None
    score: Score


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is who: actors (name -> uid; those of a row are name-1, name-2, ...), acts (actor's name -> its acts)."""

    actors: Mapping[str, int]
    acts: Mapping[str, tuple[str, ...]]

    def members(self, name: str) -> list[int]:
        """Return the uids of an actor, or of all in a row; none where this draw has it not."""
        row = [uid for key, uid in self.actors.items() if key.startswith(f"{name}-") and key[len(name) + 1 :].isdigit()]
        return [self.actors[name]] if name in self.actors else row

    def act(self, name: str, act: str) -> int:
        """Return which of its acts that is, from 0."""
        known = self.acts.get(name) or self.acts[f"{name}-1"]
        return list(known).index(act)


Judge = Callable[[str, Account, Cast, Mapping[str, Any]], Finding]


def _found(
    check: str, a: Account, holds: bool | None, value: float | None, unit: str, why: str, first: int = 0, last: int = -1
) -> Finding:
    """first, last: the evidence's first and last tick."""
    begins, ends = int(a.stamp_ns[first]), int(a.stamp_ns[last])
    known = value is not None and bool(np.isfinite(value))
    holds = None if holds is None else bool(holds)  # NumPy's False is not False
    return Finding(check, holds, Score(check, float(value) if known and value is not None else None, unit, known, why,
                                       begins, ends))  # fmt: skip


def _nothing(check: str, a: Account, unit: str, why: str) -> Finding:
    return _found(check, a, None, None, unit, why)


def _first(condition: np.ndarray) -> int:
    """Return the first tick at which a condition (T,) holds, -1 if never."""
    index = np.flatnonzero(condition)
    return int(index[0]) if len(index) else -1


def _moved(a: Account) -> int:
    """Return the first tick at which the ego drives, -1 if it never does."""
    return _first(np.abs(a.speed_mps) > MOVES_MPS)


def _passes_place(a: Account, place_m: float) -> int:
    """Return the tick at which the front passes a place, -1 if never, 0 if it began beyond it."""
    return _first(a.front_s_m >= place_m)


def _act_from(a: Account, uid: int, act: int) -> int:
    """Return the tick at which an actor comes to an act, -1 if never."""
    return _first(a.act[:, uid] >= act)


def _actor_act_from(a: Account, cast: Cast, actor: str, act: str) -> int:
    """Return the tick at which the last one of an actor's row comes to an act, -1 if one of them never does."""
    ticks = [_act_from(a, uid, cast.act(actor, act)) for uid in cast.members(actor)]
    return -1 if min(ticks) < 0 else max(ticks)


def _keeps_clearance(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    uids = cast.members(v["actor"]) if v.get("actor") else list(cast.actors.values())
    moving = np.abs(a.speed_mps) > v["above_mps"]
    gap = np.where(moving[:, None], a.clearance_m[:, uids], np.inf)
    if not np.isfinite(gap).any():
        return _nothing(check, a, "m", f"never faster than {v['above_mps']:g} m/s with it there")
    tick = int(np.argmin(gap.min(axis=1)))
    least = float(gap[tick].min())
    return _found(check, a, least >= v["least_m"], least, "m", f"least gap {least:.2f} m, at least {v['least_m']:g} m",
                  tick, tick)  # fmt: skip


def _slower_than(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    there = (a.front_s_m >= v["from_m"]) & (a.front_s_m <= v["to_m"])
    # A stretch shorter than a tick's way lies between two samples: both count.
    over = _passes_place(a, v["to_m"])
    if over > 0 and not there.any() and a.front_s_m[over - 1] < v["from_m"]:
        there[over - 1 : over + 1] = True
    if not there.any():
        return _nothing(check, a, "m/s", "never came to the stretch")
    tick = int(np.argmax(np.where(there, np.abs(a.speed_mps), -1.0)))
    most = float(abs(a.speed_mps[tick]))
    ticks = np.flatnonzero(there)
    return _found(check, a, most <= v["most_mps"], most, "m/s", f"{most:.1f} m/s, at most {v['most_mps']:g} m/s",
                  int(ticks[0]), int(ticks[-1]))  # fmt: skip


def _stops_before(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    moved, over = _moved(a), _passes_place(a, v["place_m"])
    if moved < 0 or over == 0:
        return _nothing(check, a, "m", "never drove" if moved < 0 else "began beyond the place")
    ticks = np.arange(len(a))
    before = (ticks > moved) & ((ticks < over) if over > 0 else True)
    gap = v["place_m"] - a.front_s_m
    stands = before & (np.abs(a.speed_mps) < STANDS_MPS)
    stood = stands & (gap <= v["most_gap_m"])
    queued = stands & a.held_by_signal & np.any(a.in_way, axis=1)
    if not stood.any() and queued.any():
        tick = _first(queued)
        return _found(check, a, True, float(gap[tick]), "m", f"stood {gap[tick]:.2f} m before it, behind others", tick,
                      int(np.flatnonzero(queued)[-1]))  # fmt: skip
    if not stood.any():
        if over < 0:
            return _found(check, a, False, None, "m", "never came so near the place, and stood")
        # Who comes up to a red slowly may see it turn green before it has to stand.
        red = (a.colour[:over] == LampColour.RED) & (a.line_ahead_m[:over] < LINE_REACH_M)
        turned = bool(red.any()) and a.colour[over] in GREEN
        why = f"passed at {a.speed_mps[over]:.1f} m/s without a stand{', on green' if turned else ''}"
        return _found(check, a, turned, None, "m", why, over, over)
    tick = _first(stood)
    # The stand may be followed by a creep: the nearest one decides whether it went too far. On green it may go further.
    held = stood & ~np.isin(a.colour, GREEN)
    nearest = float(gap[held if held.any() else stood].min())
    holds = nearest >= v["least_gap_m"] or not held.any()
    why = f"stood {gap[tick]:.2f} m, nearest {nearest:.2f} m before it; {v['least_gap_m']:g} to {v['most_gap_m']:g} m"
    return _found(check, a, holds, nearest, "m", why, tick, int(np.flatnonzero(stood)[-1]))


def _starts_within(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    if v["after"] == "act":
        tick = _actor_act_from(a, cast, v["actor"], v["act"])
        if tick < 0:
            return _nothing(check, a, "s", f"{v['actor']} never came to {v['act']}")
    else:
        green = np.isin(a.colour, GREEN) & (a.line_ahead_m > 0.0) & (a.line_ahead_m < LINE_REACH_M)
        held = np.isin(a.colour, (LampColour.RED, LampColour.YELLOW, LampColour.DARK))
        tick = _first(np.asarray(green[1:] & held[:-1] & (a.line_ahead_m[:-1] > 0.0)))
        if tick < 0:
            return _nothing(check, a, "s", "the lamp never turned green before it")
        tick += 1
    off = _first(np.abs(a.speed_mps[tick:]) > MOVES_MPS)
    end = tick + off if off >= 0 else len(a) - 1
    # While somebody else is right before it, it need not start.
    waited = float((~a.in_way[tick:end].any(axis=1)).sum() * TICK_S)
    if off < 0:
        return _found(check, a, False, waited, "s", f"never moved in the {waited:.1f} s of free way after it", tick)
    why = f"moved after {waited:.1f} s of free way, at most {v['most_s']:g} s"
    return _found(check, a, waited <= v["most_s"], waited, "s", why, tick, end)


def _creeps(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    red = (a.colour == LampColour.RED) & (a.line_ahead_m > 0.0) & (a.line_ahead_m < LINE_REACH_M)
    stand = _first(red & (np.abs(a.speed_mps) < ROLLS_MPS) & (np.arange(len(a)) > max(_moved(a), 0)))
    if stand < 0:
        return _nothing(check, a, "m", "never stood at a red")
    over = (a.line_ahead_m[1:] <= 0.0) & (a.line_ahead_m[:-1] > 0.0) & (a.colour[1:] == LampColour.RED)
    if over[stand:].any():
        tick = stand + _first(over[stand:])
        return _found(check, a, False, None, "m", "went over the line on red", tick, tick)
    end = stand + _first(~red[stand:]) if (~red[stand:]).any() else len(a)
    crept = float(a.speed_mps[stand:end].clip(0.0).sum() * TICK_S)
    return _found(check, a, crept >= v["least_m"], crept, "m", f"crept {crept:.2f} m, at least {v['least_m']:g} m",
                  stand, end - 1)  # fmt: skip


def _over_way(a: Account, uid: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (low (T,), high (T,)): from where to where along the route an actor's outline lies over what the ego
    sweeps there, NaN while it is beside that."""
    yaw, size, half_m = a.actor_yaw_rad[:, uid], a.actor_size_m[:, uid], HALF_WIDTH_M + BESIDE_WAY_M
    ahead, aside = (
        0.5 * size[:, :1] * np.array([1.0, 1.0, -1.0, -1.0]),
        0.5 * size[:, 1:2] * np.array([1.0, -1.0, -1.0, 1.0]),
    )
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    s, left = (
        a.actor_s_m[:, uid, None] + cos * ahead - sin * aside,
        a.actor_left_m[:, uid, None] + sin * ahead + cos * aside,
    )
    run, rise = np.roll(s, -1, axis=1) - s, np.roll(left, -1, axis=1) - left
    steep = np.where(np.abs(rise) < 1e-9, 1e-9, rise)
    ends = np.sort(np.stack([(-half_m - left) / steep, (half_m - left) / steep]), axis=0)
    first, last = np.maximum(ends[0], 0.0), np.minimum(ends[1], 1.0)  # shares of each side that lie over it
    over = first <= last
    some = over.any(axis=1)
    low = np.where(over, np.minimum(s + first * run, s + last * run), np.inf).min(axis=1)
    high = np.where(over, np.maximum(s + first * run, s + last * run), -np.inf).max(axis=1)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)


def _in_swept_way(a: Account, uid: int, place_m: float) -> np.ndarray:
    """Return (T,) bool: an actor's outline is in what the ego will sweep beyond a place."""
    low, high = _over_way(a, uid)
    with np.errstate(invalid="ignore"):
        way = a.there[:, uid] & (high > place_m) & (low < place_m + CONFLICT_M)
        if not way.any():
            return way
        # Where it joins the way counts: behind a wide bend that is far beyond the place.
        joins_m = max(float(low[_first(way)]), place_m)
        return way & ~((np.cos(a.actor_yaw_rad[:, uid]) > 0.7) & (low > joins_m + GOES_ALONG_M))


def _meets_from(a: Account, uid: int, place_m: float) -> float:
    """Return where, beyond a place, an actor's outline first comes into the ego's way; the place if it never does."""
    way = _in_swept_way(a, uid, place_m)
    return float(_over_way(a, uid)[0][way].min()) if way.any() else place_m


def _free_from(way: np.ndarray, over: int) -> int:
    """Return from which tick a way (T,) bool was free, for an ego that passes at tick `over`.

    Whoever was in it and left before has been waited for, though he come back; else the end of what came is meant.
    """
    before = np.flatnonzero(way[: over + 1])
    if len(before) and not way[over]:
        return int(before[-1]) + 1
    begins = over + _first(way[over:])
    ends = _first(~way[begins:])
    return begins + ends if ends >= 0 else len(way)


def _waits_for(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    place_m, over, leaves = v["place_m"], _passes_place(a, v["place_m"]), False
    if over <= 0:
        return _nothing(check, a, "s", "never passed the place" if over < 0 else "began beyond the place")
    if v.get("act"):
        free = _actor_act_from(a, cast, v["actor"], v["act"])
        if free < 0:
            return _found(check, a, False, None, "s", f"passed, and {v['actor']} never came to {v['act']}", over, over)
    else:
        ways = [_in_swept_way(a, uid, place_m) for uid in cast.members(v["actor"])]
        came = [way for way in ways if way.any()]
        if not came:
            return _nothing(check, a, "s", f"{v['actor']} was never in the way")
        # To be past the place is not yet to be in the actor's way, where that begins further on.
        met_m = min(_meets_from(a, uid, place_m) for uid in cast.members(v["actor"]))
        over = max(_passes_place(a, max(place_m, met_m - SHORT_OF_M)), over)
        ample = round(AMPLE_S / TICK_S)
        if not any(way[: over + ample].any() for way in came):
            return _nothing(check, a, "s", f"{v['actor']} came more than {AMPLE_S:g} s after the ego")
        free = max(_free_from(way, over) for way in came)
        leaves = any(way[over] for way in came)  # it came first, and is about to be through
    after_s = float(a.stamp_ns[over] - a.stamp_ns[min(free, len(a) - 1)]) / SECOND_NS
    why = f"passed {abs(after_s):.1f} s {'after' if free <= over else 'before'} the way was free"
    rolled_m = float(a.front_s_m[min(free, len(a) - 1)] - a.front_s_m[over])
    holds = after_s >= -ROLLS_ON_S or (leaves and free < len(a) and rolled_m <= ROLLS_ON_M)
    return _found(check, a, holds, after_s, "s", why, min(free, over), max(min(free, len(a) - 1), over))


def _goes_before(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    place_m, over = v["place_m"], _passes_place(a, v["place_m"])
    if over < 0:
        return _found(check, a, False, None, "s", "never passed the place")
    if over == 0:
        return _nothing(check, a, "s", "began beyond the place")
    ticks = []
    for uid in cast.members(v["actor"]):
        if v.get("act"):
            ticks.append(_act_from(a, uid, cast.act(v["actor"], v["act"])))
        else:
            side = a.actor_s_m[:, uid] > place_m
            with np.errstate(invalid="ignore"):
                on_way = a.there[:, uid] & (np.abs(a.actor_left_m[:, uid]) < ACROSS_M)
            began = side[_first(a.there[:, uid])]
            ticks.append(_first(on_way & (side != began)))
    first = min((tick for tick in ticks if tick >= 0), default=len(a))
    ahead_s = float(a.stamp_ns[min(first, len(a) - 1)] - a.stamp_ns[over]) / SECOND_NS
    why = "went first" if first == len(a) else f"{abs(ahead_s):.1f} s {'before' if first > over else 'after'} it"
    return _found(check, a, over < first, ahead_s, "s", why, over, min(max(first, over), len(a) - 1))


def _does_not_stop_for(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    uids = cast.members(v["actor"])
    with np.errstate(invalid="ignore"):
        near = np.any(np.hypot(a.ahead_m[:, uids], a.aside_m[:, uids]) < NEAR_ACTOR_M, axis=1)
    if not near.any():
        return _nothing(check, a, "s", f"never came within {NEAR_ACTOR_M:g} m of {v['actor']}")
    others = np.any(a.in_way & ~np.isin(a.uid, uids), axis=1)
    moved = _moved(a)
    drives = np.arange(len(a)) > moved if moved >= 0 else np.zeros(len(a), bool)
    stands = near & drives & (np.abs(a.speed_mps) < STANDS_MPS) & ~a.held_by_signal & ~others
    stands &= a.front_s_m < a.end_s_m - END_M
    stood = float(stands.sum() * TICK_S)
    ticks = np.flatnonzero(stands if stands.any() else near)
    why = f"stood {stood:.1f} s near it, at most {v['most_stand_s']:g} s"
    return _found(check, a, stood <= v["most_stand_s"], stood, "s", why, int(ticks[0]), int(ticks[-1]))


def _stops_for_hand(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    uid, act = cast.members(v["actor"])[0], cast.act(v["actor"], v["act"])
    shown = _act_from(a, uid, act)
    if shown < 0:
        return _nothing(check, a, "m", f"{v['actor']} never came to {v['act']}")
    over = _act_from(a, uid, act + 1)
    over = len(a) if over < 0 else over
    latest = min(shown + round(v["most_s"] / TICK_S), len(a) - 1)
    gap = a.actor_s_m[:, uid] - a.front_s_m
    ticks = np.arange(len(a))
    stood = (ticks >= shown) & (ticks <= latest) & (np.abs(a.speed_mps) < STANDS_MPS)
    with np.errstate(invalid="ignore"):
        fits = stood & (gap >= v["least_gap_m"]) & (gap <= v["most_gap_m"])
    if not fits.any():
        where = f"stood {gap[_first(stood)]:.1f} m from it" if stood.any() else "did not stand"
        asked = f"{v['least_gap_m']:g} to {v['most_gap_m']:g} m within {v['most_s']:g} s"
        return _found(check, a, False, None, "m", f"{where}; asked: {asked}", shown, latest)
    tick = _first(fits)
    rolled = float(np.abs(a.speed_mps[tick:over]).sum() * TICK_S) if over > tick else 0.0
    if rolled > HELD_M:
        return _found(check, a, False, None, "m", f"stood, but drove {rolled:.1f} m before the hand was done", tick,
                      min(over, len(a) - 1))  # fmt: skip
    return _found(check, a, True, float(gap[tick]), "m", f"stood {gap[tick]:.1f} m from it", shown, tick)


def _backs_up(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    back = a.speed_mps < 0.0
    driven = float(-a.speed_mps[back].sum() * TICK_S)
    ticks = np.flatnonzero(back) if back.any() else np.array([0, len(a) - 1])
    return _found(check, a, driven >= v["least_m"], driven, "m", f"backed {driven:.1f} m, at least {v['least_m']:g} m",
                  int(ticks[0]), int(ticks[-1]))  # fmt: skip


def _passes(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    worst, first, last = np.inf, len(a), 0
    for uid in cast.members(v["actor"]):
        ahead, aside = a.ahead_m[:, uid], a.aside_m[:, uid]
        with np.errstate(invalid="ignore"):
            passed = np.flatnonzero((ahead[:-1] > 0.0) & (ahead[1:] <= 0.0))
        if not len(passed):
            return _found(check, a, False, None, "m", f"never passed {v['actor']}")
        tick = int(passed[-1]) + 1
        side = "left" if aside[tick] > 0.0 else "right"
        if v["side"] not in ("any", side):
            return _found(check, a, False, float(abs(aside[tick])), "m", f"it was on the {side}", tick, tick)
        worst, first, last = min(worst, float(abs(aside[tick]))), min(first, tick), max(last, tick)
    return _found(check, a, True, worst, "m", f"passed, {worst:.2f} m between middles", first, last)


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
        return _nothing(check, a, "m", f"{v['actor']} was never ahead on the way")
    return _found(check, a, least >= v["least_gap_m"], least, "m",
                  f"least gap {least:.2f} m, at least {v['least_gap_m']:g} m", when, when)  # fmt: skip


def _comfortable(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    if len(a) < JERK_WINDOW or _moved(a) < 0:
        return _nothing(check, a, "m/s²", "never drove" if len(a) >= JERK_WINDOW else "too short to be smoothed")
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
    return _found(check, a, holds, float(braking.max()), "m/s²", why, tick, tick)


def _kerb_stop(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    if abs(a.speed_mps[-1]) >= STANDS_MPS or a.front_s_m[-1] < a.end_s_m - END_M:
        return _found(check, a, False, None, "m", "does not stand at the goal", -1)
    yaw_deg = float(np.degrees(abs(a.yaw_rad[-1])))
    gap = a.kerb_gap_m
    if np.isnan(gap):
        return _found(check, a, False, None, "m", "no kerb within 4 m of its right side", -1)
    holds = v["least_gap_m"] <= gap <= v["most_gap_m"] and yaw_deg <= v["most_yaw_deg"]
    why = f"{gap:.2f} m from the kerb ({v['least_gap_m']:g} to {v['most_gap_m']:g}), {yaw_deg:.1f}° off straight"
    return _found(check, a, holds, gap, "m", f"{why} (at most {v['most_yaw_deg']:g})", -1)


def _pulls_out(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    moved = _moved(a)
    if moved < 0:
        return _found(check, a, False, None, "m/s²", "never moved")
    in_lane = (np.abs(a.left_m) < 0.5) & (np.abs(a.yaw_rad) < 0.25)
    reached = _first(in_lane & (np.arange(len(a)) >= moved))
    if reached < 0:
        return _found(check, a, False, None, "m/s²", "never came to the lane's middle", moved)
    last = min(reached + round(AFTER_PULL_OUT_S / TICK_S), len(a) - 1)
    most = float(a.braking_behind_mps2[moved : last + 1].max())
    why = f"who followed braked with {most:.1f} m/s², at most {v['most_braking_mps2']:g}"
    return _found(check, a, most <= v["most_braking_mps2"] + 1e-6, most, "m/s²", why, moved, last)


def _no_wrong_way(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    found = spans((np.abs(a.heading_error_rad) > WRONG_WAY_RAD) & (a.speed_mps > 0.2), 20)
    driven = [float(a.speed_mps[i : j + 1].sum() * TICK_S) for i, j in found]
    most = max(driven, default=0.0)
    first, last = found[int(np.argmax(driven))] if driven else (0, len(a) - 1)
    return _found(check, a, most <= v["beyond_m"], most, "m", f"{most:.0f} m against the lane, at most "
                  f"{v['beyond_m']:g} m", int(first), int(last))  # fmt: skip


def _no_contact(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    uids = cast.members(v["actor"])
    tick = _first(np.any(a.touching & np.isin(a.uid, uids), axis=1))
    if tick < 0:
        return _found(check, a, True, 0.0, "count", "never touched")
    return _found(check, a, False, 1.0, "count", f"touched {v['actor']} at {a.speed_mps[tick]:.1f} m/s", tick, tick)


# Checks that the Account answers; those that the whole ride's judgement answers are in `verdict`.
JUDGES: dict[str, Judge] = {
    "no_contact": _no_contact,
    "no_wrong_way": _no_wrong_way,
    "keeps_clearance_m": _keeps_clearance,
    "slower_than": _slower_than,
    "stops_before": _stops_before,
    "starts_within_s": _starts_within,
    "creeps": _creeps,
    "waits_for": _waits_for,
    "goes_before": _goes_before,
    "does_not_stop_for": _does_not_stop_for,
    "stops_for_hand": _stops_for_hand,
    "backs_up": _backs_up,
    "passes": _passes,
    "stays_behind": _stays_behind,
    "comfortable": _comfortable,
    "kerb_stop": _kerb_stop,
    "pulls_out": _pulls_out,
}
