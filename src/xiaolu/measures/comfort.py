"""Comfort of a motion sampled at a steady rate: nuPlan's bounds and the tighter ones people notice.

In: speed (T,) m/s along x, yaw (T,) rad, at `tick_s`. Source of the outer bounds and of the smoothing
(Savitzky-Golay, order 2, window 8 for acceleration and 15 for jerk at 10 Hz): nuPlan's comfort metric.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.signal import savgol_filter

from xiaolu.core.rates import TICK_S
from xiaolu.core.score import Score

ACCELERATION_WINDOW = 8
JERK_WINDOW = 15
HARD_BRAKE_MPS2 = 3.0  # "hard brake = beyond 3 m/s²": this project's choice
HARD_BRAKE_GAP_S = 2.0  # two dips closer than this are one braking

SHORT = 64  # samples


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a smoothed motion, SI units; None where a set has none. yaw limits in rad/s and rad/s²."""

    longitudinal_low_mps2: float
    longitudinal_high_mps2: float
    lateral_mps2: float
    longitudinal_jerk_mps3: float
    jerk_mps3: float | None = None
    lateral_jerk_mps3: float | None = None
    yaw_rate_radps: float | None = None
    yaw_acceleration_radps2: float | None = None


NUPLAN = Bounds(-4.05, 2.40, 4.89, 4.13, jerk_mps3=8.37, yaw_rate_radps=0.95, yaw_acceleration_radps2=1.93)
NOTICED = Bounds(-2.0, 1.5, 2.0, 2.0, lateral_jerk_mps3=1.5)


@dataclass(frozen=True, slots=True)
class Motion:
    """Smoothed motion, (T,) each: accelerations m/s², jerks m/s³, yaw rate rad/s, yaw acceleration rad/s²."""

    longitudinal_mps2: np.ndarray
    lateral_mps2: np.ndarray
    longitudinal_jerk_mps3: np.ndarray
    lateral_jerk_mps3: np.ndarray
    jerk_mps3: np.ndarray
    yaw_rate_radps: np.ndarray
    yaw_acceleration_radps2: np.ndarray


def _smooth(value: np.ndarray, window: int, derivative: int, tick_s: float, order: int = 2) -> np.ndarray:
    if len(value) <= SHORT:
        return _smoother(len(value), window, derivative, tick_s, order) @ value
    return savgol_filter(value, window, order, deriv=derivative, delta=tick_s, axis=0)


@lru_cache(maxsize=64)
def _smoother(count: int, window: int, derivative: int, tick_s: float, order: int) -> np.ndarray:
    """Return (count, count): the filter is linear, and for a plan's few samples it is quicker as a matrix."""
    return savgol_filter(np.eye(count), window, order, deriv=derivative, delta=tick_s, axis=0)


def motion_of(speed_mps: np.ndarray, yaw_rad: np.ndarray, tick_s: float = TICK_S) -> Motion:
    """Return the smoothed motion of (T,) samples; ValueError for fewer than 15, which no window fits."""
    speed, yaw = np.asarray(speed_mps, np.float64), np.unwrap(np.asarray(yaw_rad, np.float64))
    if speed.shape != yaw.shape or speed.ndim != 1 or len(speed) < JERK_WINDOW:
        raise ValueError(f"motion_of: speed {speed.shape} and yaw {yaw.shape}; need the same (T,), T >= {JERK_WINDOW}")
    yaw_rate = _smooth(yaw, JERK_WINDOW, 1, tick_s)
    # The derivative by the short odd window nearest to nuPlan's 8: an even one sits half a tick off its samples.
    longitudinal = _smooth(speed, ACCELERATION_WINDOW + 1, 1, tick_s)
    lateral = speed * yaw_rate
    along_jerk = _smooth(longitudinal, JERK_WINDOW, 1, tick_s)
    side_jerk = _smooth(lateral, JERK_WINDOW, 1, tick_s)
    return Motion(
        longitudinal,
        lateral,
        along_jerk,
        side_jerk,
        np.abs(_smooth(np.hypot(longitudinal, lateral), JERK_WINDOW, 1, tick_s)),
        yaw_rate,
        _smooth(yaw, JERK_WINDOW, 2, tick_s, order=3),
    )


def breaches(motion: Motion, bounds: Bounds) -> np.ndarray:
    """Return (T,) bool: some bound is exceeded at that moment."""
    bad = (motion.longitudinal_mps2 < bounds.longitudinal_low_mps2) | (
        motion.longitudinal_mps2 > bounds.longitudinal_high_mps2
    )
    for value, limit in (
        (motion.lateral_mps2, bounds.lateral_mps2),
        (motion.longitudinal_jerk_mps3, bounds.longitudinal_jerk_mps3),
        (motion.jerk_mps3, bounds.jerk_mps3),
        (motion.lateral_jerk_mps3, bounds.lateral_jerk_mps3),
        (motion.yaw_rate_radps, bounds.yaw_rate_radps),
        (motion.yaw_acceleration_radps2, bounds.yaw_acceleration_radps2),
    ):
        if limit is not None:
            bad |= np.abs(value) > limit
    return bad


def hard_brakes(speed_mps: np.ndarray, tick_s: float = TICK_S, limit_mps2: float = HARD_BRAKE_MPS2) -> np.ndarray:
    """Return spans (n, 2) of tick indices [from, to] in which smoothed braking exceeds the limit, near ones joined."""
    if len(speed_mps) < ACCELERATION_WINDOW + 1:
        return np.empty((0, 2), np.int64)
    braking = _smooth(np.asarray(speed_mps, np.float64), ACCELERATION_WINDOW + 1, 1, tick_s) < -limit_mps2
    return spans(braking, round(HARD_BRAKE_GAP_S / tick_s))


def spans(condition: np.ndarray, join_ticks: int = 0) -> np.ndarray:
    """Return (n, 2) first and last index of each run of True in (T,); runs up to join_ticks apart count as one."""
    index = np.flatnonzero(condition)
    if len(index) == 0:
        return np.empty((0, 2), np.int64)
    cut = np.flatnonzero(np.diff(index) > join_ticks + 1)
    return np.stack([index[np.r_[0, cut + 1]], index[np.r_[cut, len(index) - 1]]], axis=1)


def comfort(speed_mps: np.ndarray, yaw_rad: np.ndarray, stamp_ns: np.ndarray, tick_s: float = TICK_S) -> list[Score]:
    """Return the scores of one ride: share of time within each set of bounds, breach-free or not, hard brakes.

    speed_mps, yaw_rad, stamp_ns: (T,). Not valid for a ride shorter than the smoothing window.
    """
    first, last = (int(stamp_ns[0]), int(stamp_ns[-1])) if len(stamp_ns) else (0, 0)
    names = (
        "comfort_nuplan_style_time_share",
        "comfort_noticed_time_share",
        "comfort_nuplan_style_ride",
        "comfort_noticed_ride",
    )
    if len(speed_mps) < JERK_WINDOW:
        why = f"{len(speed_mps)} ticks, the smoothing needs {JERK_WINDOW}"
        return [Score(name, None, "share", False, why, from_ns=first, to_ns=last) for name in names] + [
            Score("hard_brakes", None, "count", False, why, from_ns=first, to_ns=last)
        ]
    motion = motion_of(speed_mps, yaw_rad, tick_s)
    outer, inner = breaches(motion, NUPLAN), breaches(motion, NOTICED)
    brakes = hard_brakes(speed_mps, tick_s)

    def score(name: str, value: float, ticks: np.ndarray, unit: str = "share") -> Score:
        """A figure whose evidence is where something went wrong, else the whole ride."""
        begins, ends = (ticks[0], ticks[-1]) if len(ticks) else (0, len(stamp_ns) - 1)
        return Score(name, value, unit, from_ns=int(stamp_ns[begins]), to_ns=int(stamp_ns[ends]))

    return [
        score(names[0], float(1.0 - outer.mean()), np.flatnonzero(outer)),
        score(names[1], float(1.0 - inner.mean()), np.flatnonzero(inner)),
        score(names[2], float(not outer.any()), np.flatnonzero(outer)),
        score(names[3], float(not inner.any()), np.flatnonzero(inner)),
        score("hard_brakes", float(len(brakes)), brakes.ravel(), "count"),
    ]
