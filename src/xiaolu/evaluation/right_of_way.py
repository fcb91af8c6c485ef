"""Checks of who goes first, judged on the `Account` of a ride: when an actor is in what the ego will sweep."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xiaolu.core.rates import SECOND_NS, TICK_S
from xiaolu.evaluation.account import HALF_WIDTH_M, Account
from xiaolu.evaluation.findings import Cast, Finding, act_from, all_act_from, first_tick, found, nothing, passes_place

BESIDE_WAY_M = 0.2  # an actor whose outline is this far from the swept way is out of it
CONFLICT_M = 25.0  # how far beyond a place the swept way matters for who goes first: a large junction is this wide
SHORT_OF_M = 1.0  # who gives way may wait with its bumper so near to where the other comes through
ROLLS_ON_S, ROLLS_ON_M = 0.5, 1.5  # and may roll on so long, or so far, while the last of it leaves
GOES_ALONG_M = 5.0  # an actor that drives on along the way and is so far beyond the place, or where it joined, is out
ACROSS_M = 3.0
AMPLE_S = 5.0  # who comes so long after the ego has passed need not be waited for: gaps accepted are shorter


def _over_way(a: Account, uid: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (low (T,), high (T,)): from where to where along the route an actor's outline lies over what the ego
    sweeps there, NaN while it is beside that."""
    s, left, half_m = a.corner_s_m[:, uid], a.corner_left_m[:, uid], HALF_WIDTH_M + BESIDE_WAY_M
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
        along = way & (np.cos(a.actor_yaw_rad[:, uid]) > 0.7)
        if not along.any():
            return way
        # Where it joins the way counts: behind a wide bend that is far beyond the place.
        joins_m = max(float(low[first_tick(along)]), place_m)
        return way & ~(along & (low > joins_m + GOES_ALONG_M))


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
    begins = over + first_tick(way[over:])
    ends = first_tick(~way[begins:])
    return begins + ends if ends >= 0 else len(way)


def waits_for(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    place_m, over, leaves = v["place_m"], passes_place(a, v["place_m"]), False
    if over <= 0:
        return nothing(check, a, "s", "never passed the place" if over < 0 else "began beyond the place")
    if v.get("act"):
        free = all_act_from(a, cast, v["actor"], v["act"])
        if free < 0:
            return found(check, a, False, None, "s", f"passed, and {v['actor']} never came to {v['act']}", over, over)
    else:
        ways = [_in_swept_way(a, uid, place_m) for uid in cast.members(v["actor"])]
        came = [way for way in ways if way.any()]
        if not came:
            return nothing(check, a, "s", f"{v['actor']} was never in the way")
        # To be past the place is not yet to be in the actor's way, where that begins further on.
        met_m = min(_meets_from(a, uid, place_m) for uid in cast.members(v["actor"]))
        over = max(passes_place(a, max(place_m, met_m - SHORT_OF_M)), over)
        ample = round(AMPLE_S / TICK_S)
        if not any(way[: over + ample].any() for way in came):
            return nothing(check, a, "s", f"{v['actor']} came more than {AMPLE_S:g} s after the ego")
        free = max(_free_from(way, over) for way in came)
        leaves = any(way[over] for way in came)  # it came first, and is about to be through
    after_s = float(a.stamp_ns[over] - a.stamp_ns[min(free, len(a) - 1)]) / SECOND_NS
    why = f"passed {abs(after_s):.1f} s {'after' if free <= over else 'before'} the way was free"
    rolled_m = float(a.front_s_m[min(free, len(a) - 1)] - a.front_s_m[over])
    holds = after_s >= -ROLLS_ON_S or (leaves and free < len(a) and rolled_m <= ROLLS_ON_M)
    return found(check, a, holds, after_s, "s", why, min(free, over), max(min(free, len(a) - 1), over))


def goes_before(check: str, a: Account, cast: Cast, v: Mapping[str, Any]) -> Finding:
    place_m, over = v["place_m"], passes_place(a, v["place_m"])
    if over < 0:
        return found(check, a, False, None, "s", "never passed the place")
    if over == 0:
        return nothing(check, a, "s", "began beyond the place")
    ticks = []
    for uid in cast.members(v["actor"]):
        if v.get("act"):
            ticks.append(act_from(a, uid, cast.act(v["actor"], v["act"])))
        else:
            side = a.actor_s_m[:, uid] > place_m
            with np.errstate(invalid="ignore"):
                on_way = a.there[:, uid] & (np.abs(a.actor_left_m[:, uid]) < ACROSS_M)
            began = side[first_tick(a.there[:, uid])]
            ticks.append(first_tick(on_way & (side != began)))
    first = min((tick for tick in ticks if tick >= 0), default=len(a))
    ahead_s = float(a.stamp_ns[min(first, len(a) - 1)] - a.stamp_ns[over]) / SECOND_NS
    why = "went first" if first == len(a) else f"{abs(ahead_s):.1f} s {'before' if first > over else 'after'} it"
    return found(check, a, over < first, ahead_s, "s", why, over, min(max(first, over), len(a) - 1))
