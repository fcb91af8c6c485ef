"""CARLA leaderboard-style scores of one ride: route completion x infraction score. In: counts of what went wrong.

Two versions that cannot be compared: 2.1 divides by one plus a sum, 2.0 (as Bench2Drive uses it) multiplies. "-style":
a figure of ours is not a leaderboard result, whose routes, traffic and sensors are others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from xiaolu.core.episode import Event
from xiaolu.core.score import Score
from xiaolu.core.users import ON_FOOT, Kind

# What each infraction adds to the divisor (2.1), and what it multiplies by (2.0). Source: leaderboard.carla.org.
COSTS_21 = {
    "pedestrian": 1.0,
    "vehicle": 0.7,
    "static": 0.6,
    "red_light": 0.4,
    "stop_sign": 0.25,
    "timeout": 0.4,
    "yield": 0.4,
}
FACTORS_20 = {
    "pedestrian": 0.50,
    "vehicle": 0.60,
    "static": 0.65,
    "red_light": 0.70,
    "stop_sign": 0.80,
    "timeout": 0.70,
    "yield": 0.70,
}
MINIMUM_SPEED_COST = 0.4
COMPLETE_SHARE, COMPLETE_M = 0.99, 10.0
TIMED_OUT = ("stuck", "time is up", "called off: too slow")


@dataclass(frozen=True, slots=True)
class Infractions:
    """counts by the names of COSTS_21; outside_share: of the way driven outside the lane, 0 to 1.

    minimum_speed: for each place where speed is compared, the ego's speed as a share of the traffic's, 0 to 1.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    outside_share: float = 0.0
    minimum_speed: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        wrong = sorted(set(self.counts) - set(COSTS_21))
        if wrong:
            raise ValueError(f"Infractions: {', '.join(wrong)} unknown; known are {', '.join(COSTS_21)}")
        if not 0.0 <= self.outside_share <= 1.0 or any(not 0.0 <= share <= 1.0 for share in self.minimum_speed):
            raise ValueError(f"Infractions: shares {self.outside_share} and {self.minimum_speed} must be within 0 to 1")


def infractions_of(
    contacts: list[Event],
    kind_of: Mapping[int, int],
    red_lines: int,
    outside: np.ndarray,
    moved_m: np.ndarray,
    end: str,
) -> Infractions:
    """Return the infractions of one ride.

    contacts: the ego's own, as `interventions.contacts` finds them, one a body in 5 s; kind_of: uid -> Kind of who
    could be touched; red_lines: crossings on red; outside (T,) bool: outside its lane; moved_m (T,): driven each tick;
    end: why the ride ended ("stuck" and "time is up" are time-outs). Stop signs, yielding to emergency vehicles and
    minimum speed have no counterpart in this world: these counts stay empty.
    """
    counts: dict[str, int] = {}
    for event in contacts:
        kind = kind_of[int(event.detail.split()[1])]
        name = "pedestrian" if kind in ON_FOOT else "static" if kind == Kind.OBJECT else "vehicle"
        counts[name] = counts.get(name, 0) + 1
    if red_lines:
        counts["red_light"] = red_lines
    if end in TIMED_OUT:
        counts["timeout"] = 1
    total = float(np.sum(moved_m))
    share = float(np.sum(moved_m[np.asarray(outside, bool)])) / total if total > 0.0 else 0.0
    return Infractions(counts, min(share, 1.0))


def infraction_score_21(found: Infractions) -> float:
    """Return (1 - outside share) / (1 + sum of costs), 0 to 1."""
    cost = sum(COSTS_21[name] * count for name, count in found.counts.items())
    cost += sum(MINIMUM_SPEED_COST * (1.0 - share) for share in found.minimum_speed)
    return (1.0 - found.outside_share) / (1.0 + cost)


def infraction_score_20(found: Infractions) -> float:
    """Return the product of the factors, and of 1 less the outside share; minimum speed is not part of it."""
    score = 1.0 - found.outside_share
    for name, count in found.counts.items():
        score *= FACTORS_20[name] ** count
    return score


def driving_score_21(progress_m: float, route_m: float, found: Infractions, to_ns: int = 0) -> Score:
    """Return the leaderboard 2.1-style driving score, 0 to 100; invalid without a route."""
    return _driving_score("carla_2_1_style_driving_score", progress_m, route_m, infraction_score_21(found), to_ns)


def driving_score_20(progress_m: float, route_m: float, found: Infractions, to_ns: int = 0) -> Score:
    """Return the leaderboard 2.0-style (Bench2Drive-style) driving score, 0 to 100; invalid without a route."""
    return _driving_score("bench2drive_style_driving_score", progress_m, route_m, infraction_score_20(found), to_ns)


def success(progress_m: float, route_m: float, found: Infractions, to_ns: int = 0) -> Score:
    """Return Bench2Drive-style success, 1 or 0: completed, and no infraction other than minimum speed."""
    name = "bench2drive_style_success"
    if route_m <= 0.0:
        return Score(name, None, "share", False, f"a route of {route_m} m cannot be completed", 0, to_ns)
    clean = not any(found.counts.values()) and found.outside_share == 0.0
    return Score(name, float(clean and completed(progress_m, route_m)), "share", True, "", 0, to_ns)


def completed(progress_m: float, route_m: float) -> bool:
    """Return whether a route counts as complete: more than 99 % of it, and less than 10 m from its end."""
    return progress_m > COMPLETE_SHARE * route_m and route_m - progress_m < COMPLETE_M


def _driving_score(name: str, progress_m: float, route_m: float, infraction: float, to_ns: int) -> Score:
    if route_m <= 0.0:
        return Score(name, None, "points of 100", False, f"a route of {route_m} m has no completion", 0, to_ns)
    share = 1.0 if completed(progress_m, route_m) else min(max(progress_m / route_m, 0.0), 1.0)
    return Score(name, 100.0 * share * infraction, "points of 100", True, "", 0, to_ns)
