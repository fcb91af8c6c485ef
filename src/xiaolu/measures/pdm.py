"""PDMS-, EPDMS- and nuPlan-style scores of a motion: parts first, then how they are put together.

Axes: T samples at `tick_s`, N others. Boxes (..., 5): x, y, yaw, length, width, metres and radians. A part is 1 when
all is well and 0 when it is not. "-style": a figure of ours is not a NAVSIM or nuPlan result, whose scenes are others.
Sources: NAVSIM (Dauner et al. 2024), NAVSIM v2 (Cao et al. 2025), nuPlan (Caesar et al. 2021).
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from xiaolu.core.rates import TICK_S
from xiaolu.core.score import Score
from xiaolu.measures.comfort import NUPLAN, Bounds, breaches, motion_of
from xiaolu.measures.geometry import boxes_overlap

PROJECTED_S = (0.0, 0.3, 0.6, 0.9)
LITTLE_PROGRESS_M = 5.0
STANDING_MPS = 0.005
BEHIND_COS = float(np.cos(np.deg2rad(150.0)))  # whoever meets the ego in this cone behind it runs into it
LANE_KEEPING_M, LANE_KEEPING_S = 0.5, 2.0
OVERSPEED_MPS = 2.23
# Metres driven against the lane within a second: up to the first it is forgiven, up to the second it costs half.
AGAINST_M, AGAINST_FAR_M, AGAINST_S = 2.0, 6.0, 1.0
CHANGE_BOUNDS = (0.7, 0.5, 0.1, 0.1)  # r.m.s. of acceleration, jerk, yaw rate, yaw acceleration between plans


@dataclass(frozen=True, slots=True)
class Parts:
    """What every one of these scores is made of, each 0 to 1. NaN: there was nothing to judge."""

    no_collision: float
    drivable_area: float
    progress: float
    time_to_collision: float
    comfort: float
    direction: float = 1.0
    traffic_light: float = 1.0
    lane_keeping: float = 1.0
    extended_comfort: float = 1.0
    speed: float = 1.0
    progressing: float = 1.0


@njit(cache=True)
def _fault(ego, speed_mps, other):
    """Whether the ego (5,) overlaps another (5,), moving, and is not hit from behind."""
    if abs(speed_mps) <= STANDING_MPS:
        return False
    dx, dy = other[0] - ego[0], other[1] - ego[1]
    away = np.hypot(dx, dy)
    if away > 0.5 * (np.hypot(ego[3], ego[4]) + np.hypot(other[3], other[4])):
        return False  # too far off to touch, whichever way it is turned
    behind = np.cos(ego[2]) * dx + np.sin(ego[2]) * dy < away * BEHIND_COS
    return not behind and boxes_overlap(ego, other)


@njit(cache=True)
def _faults(ego, speed_mps, others, out):
    for t in range(len(ego)):
        for n in range(others.shape[1]):
            out[t, n] = _fault(ego[t], speed_mps[t], others[t, n])


@njit(cache=True)
def _comes_to_fault(ego, speed_mps, others, other_velocity, ahead_s):
    """Whether there is a fault at any sample so many seconds ahead (K,), everybody going straight on."""
    mine, theirs = np.empty(5), np.empty(5)
    for t in range(len(ego)):
        for n in range(others.shape[1]):
            for s in ahead_s:
                mine[:], theirs[:] = ego[t], others[t, n]
                mine[0] += s * speed_mps[t] * np.cos(ego[t, 2])
                mine[1] += s * speed_mps[t] * np.sin(ego[t, 2])
                theirs[0] += s * other_velocity[t, n, 0]
                theirs[1] += s * other_velocity[t, n, 1]
                if _fault(mine, speed_mps[t], theirs):
                    return True
    return False


def at_fault(ego: np.ndarray, speed_mps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return (T, N) bool: the ego (T, 5) at speed (T,) overlaps others (T, N, 5), moving, and not hit from behind."""
    out = np.zeros(others.shape[:2], bool)
    ego, speed_mps, others = _floats(ego, speed_mps, others)
    _faults(ego, speed_mps, others, out)
    return out


def _floats(*values: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.ascontiguousarray(value, np.float64) for value in values)


def no_collision(faults: np.ndarray, is_user: np.ndarray) -> float:
    """Return 0 for a collision at fault (T, N) with a road user (N,), 0.5 with an object only, else 1."""
    hit = faults.any(axis=0)
    return 0.0 if (hit & is_user).any() else 0.5 if hit.any() else 1.0


def drivable_area(corner_off_m: np.ndarray) -> float:
    """Return 0 when any corner (T, 4) of the outline is off the drivable surface, metres, else 1."""
    return float(not (np.asarray(corner_off_m) > 0.0).any())


def projected_time_to_collision(
    ego: np.ndarray, speed_mps: np.ndarray, others: np.ndarray, other_velocity: np.ndarray
) -> float:
    """Return 0 if at any sample the ego, going straight on at its speed, would be at fault within 0.9 s; else 1.

    ego (T, 5), speed (T,), others (T, N, 5), other_velocity (T, N, 2) m/s; all projected at constant velocity.
    """
    ego, speed_mps, others, other_velocity = _floats(ego, speed_mps, others, other_velocity)
    return float(not _comes_to_fault(ego, speed_mps, others, other_velocity, np.array(PROJECTED_S)))


def ego_progress(progress_m: float, best_safe_m: float) -> float:
    """Return progress as a share of the best safe one, 0 to 1; 1 where hardly any progress can be made safely."""
    return 1.0 if best_safe_m <= LITTLE_PROGRESS_M else float(np.clip(progress_m / best_safe_m, 0.0, 1.0))


def comfortable(speed_mps: np.ndarray, yaw_rad: np.ndarray, bounds: Bounds = NUPLAN, tick_s: float = TICK_S) -> float:
    """Return 1 when a motion (T,) stays within nuPlan's bounds throughout, else 0."""
    return float(not breaches(motion_of(speed_mps, yaw_rad, tick_s), bounds).any())


def lane_keeping(offset_m: np.ndarray, in_junction: np.ndarray, tick_s: float = TICK_S) -> float:
    """Return 0 when the ego is more than 0.5 m off its lane's middle for 2 s on end, junctions left out; else 1."""
    off = (np.abs(offset_m) > LANE_KEEPING_M) & ~np.asarray(in_junction, bool)
    run = 0
    for sample in off:
        run = run + 1 if sample else 0
        if run * tick_s >= LANE_KEEPING_S - 1e-9:
            return 0.0
    return 1.0


def extended_comfort(
    before: tuple[np.ndarray, np.ndarray], after: tuple[np.ndarray, np.ndarray], tick_s: float = TICK_S
) -> float:
    """Return 1 when two successive plans agree where they overlap, else 0.

    Each is (speed (T,), yaw (T,)) over the same span of time. Compared by the r.m.s. of the differences of their
    accelerations, jerks, yaw rates and yaw accelerations.
    """
    one, other = motion_of(*before, tick_s), motion_of(*after, tick_s)
    names = ("longitudinal_mps2", "longitudinal_jerk_mps3", "yaw_rate_radps", "yaw_acceleration_radps2")
    for name, bound in zip(names, CHANGE_BOUNDS, strict=True):
        difference = getattr(one, name) - getattr(other, name)
        if np.sqrt((difference**2).mean()) > bound:
            return 0.0
    return 1.0


def against_lane_m(against: np.ndarray, speed_mps: np.ndarray, tick_s: float = TICK_S) -> np.ndarray:
    """Return (T - n + 1,) metres driven against the lane (T,) bool within each second of n samples."""
    step = np.where(against, np.abs(speed_mps) * tick_s, 0.0)
    total = np.concatenate([[0.0], np.cumsum(step)])
    window = min(round(AGAINST_S / tick_s), len(step))
    return total[window:] - total[:-window]


def driving_direction(within_m: np.ndarray) -> float:
    """Return 1, 0.5 or 0 by the most of `against_lane_m`: to 2 m, to 6 m, beyond."""
    most = float(np.max(within_m, initial=0.0))
    return 1.0 if most <= AGAINST_M else 0.5 if most <= AGAINST_FAR_M else 0.0


def speed_compliance(speed_mps: np.ndarray, limit_mps: np.ndarray, tick_s: float = TICK_S) -> float:
    """Return max(0, 1 - integral of overspeed / (2.23 T)), 0 to 1 (nuPlan)."""
    over = np.maximum(np.asarray(speed_mps) - np.asarray(limit_mps), 0.0)
    return float(max(0.0, 1.0 - over.sum() * tick_s / max(OVERSPEED_MPS * len(over) * tick_s, 1e-9)))


def pdms(parts: Parts, from_ns: int = 0, to_ns: int = 0) -> Score:
    """Return the PDMS-style score, 0 to 1: NC x DAC x (5 EP + 5 TTC + 2 C) / 12."""
    sound = parts.no_collision * parts.drivable_area
    mean = (5.0 * parts.progress + 5.0 * parts.time_to_collision + 2.0 * parts.comfort) / 12.0
    return _score("pdms_style", sound * mean, from_ns, to_ns)


def epdms(parts: Parts, from_ns: int = 0, to_ns: int = 0) -> Score:
    """Return the EPDMS-style score, 0 to 1: four multipliers x (5 EP + 5 TTC + 2 LK + 2 C + 2 EC) / 16."""
    sound = parts.no_collision * parts.drivable_area * parts.direction * parts.traffic_light
    mean = 5.0 * parts.progress + 5.0 * parts.time_to_collision
    mean += 2.0 * (parts.lane_keeping + parts.comfort + parts.extended_comfort)
    return _score("epdms_style", sound * mean / 16.0, from_ns, to_ns)


def nuplan_closed_loop(parts: Parts, from_ns: int = 0, to_ns: int = 0) -> Score:
    """Return the nuPlan closed-loop-style score, 0 to 1: four multipliers x (5 EP + 5 TTC + 4 speed + 2 C) / 16."""
    sound = parts.no_collision * parts.drivable_area * parts.progressing * parts.direction
    mean = 5.0 * parts.progress + 5.0 * parts.time_to_collision + 4.0 * parts.speed + 2.0 * parts.comfort
    return _score("nuplan_style_closed_loop", sound * mean / 16.0, from_ns, to_ns)


def _score(name: str, value: float, from_ns: int, to_ns: int) -> Score:
    if np.isnan(value):
        return Score(name, None, "share", False, "a part of it had nothing to judge", from_ns, to_ns)
    return Score(name, float(value), "share", True, "", from_ns, to_ns)
