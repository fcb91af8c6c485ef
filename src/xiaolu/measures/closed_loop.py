"""nuPlan closed-loop-style scores of a driven ride: each part with the span of the ride that decides it.

In: a `Driven`, arrays over T ticks and N others; out: Scores, 0 to 1. "-style": the parts follow nuPlan's definitions
(Caesar et al. 2021, and its public code for the thresholds) on rides of this world. A part is 1 when all is well; its
span is the breach, or the whole ride where there is none.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.rates import TICK_S
from xiaolu.core.score import Score
from xiaolu.measures import pdm
from xiaolu.measures.comfort import JERK_WINDOW, NUPLAN, breaches, motion_of, spans

LEAST_TTC_S, TTC_HORIZON_S = 0.95, 3.0
PROGRESSING_SHARE = 0.2  # less than this of the way is no progress
CORNER_M = 0.05  # a corner's edge on the line has not left the surface


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """stamp_ns, speed_mps, yaw_rad (T,); progress_m (T,) along the way, whose length is route_m.

    at_fault (T, N) bool: touched, and the ego's doing; is_user (T, N) bool: a road user, not a thing. corner_off_m
    (T, 4): how far the outline's corners are off the drivable surface. against (T,) bool: driven against the lane.
    limit_mps (T,). ttc_s (T,): least time to collision, all going straight on. lane_offset_m (T,): from the lane's
    middle, NaN where there is none; in_junction (T,) bool; crossed_red (T,) bool: the tick of a crossing on red.
    """

    stamp_ns: np.ndarray
    speed_mps: np.ndarray
    yaw_rad: np.ndarray
    progress_m: np.ndarray
    route_m: float
    at_fault: np.ndarray
    is_user: np.ndarray
    corner_off_m: np.ndarray
    against: np.ndarray
    limit_mps: np.ndarray
    ttc_s: np.ndarray
    lane_offset_m: np.ndarray
    in_junction: np.ndarray
    crossed_red: np.ndarray

    def __len__(self) -> int:
        return len(self.stamp_ns)


def _part(d: Driven, name: str, value: float, bad: np.ndarray | None = None, why: str = "") -> Score:
    """A part's Score; bad (T,) bool: where it went wrong, which is then its evidence."""
    ticks = np.flatnonzero(bad) if bad is not None else np.empty(0, np.int64)
    first, last = (int(ticks[0]), int(ticks[-1])) if len(ticks) else (0, len(d) - 1)
    return Score(f"nuplan_style_{name}", float(value), "share", True, why if len(ticks) else "",
                 int(d.stamp_ns[first]), int(d.stamp_ns[last]))  # fmt: skip


def _none(d: Driven, name: str, why: str) -> Score:
    first, last = (int(d.stamp_ns[0]), int(d.stamp_ns[-1])) if len(d) else (0, 0)
    return Score(f"nuplan_style_{name}", None, "share", False, why, first, last)


def no_collision(d: Driven) -> Score:
    """Return 0 for a collision at fault with a road user, 0.5 with a thing only, else 1."""
    users, things = np.any(d.at_fault & d.is_user, axis=1), np.any(d.at_fault & ~d.is_user, axis=1)
    if users.any():
        return _part(d, "no_collision", 0.0, users, "touched a road user")
    return _part(d, "no_collision", 0.5 if things.any() else 1.0, things, "touched a thing")


def drivable_area(d: Driven) -> Score:
    """Return 0 when a corner of the outline leaves the drivable surface, else 1."""
    bad = np.any(d.corner_off_m > CORNER_M, axis=1)
    return _part(d, "drivable_area", float(not bad.any()), bad, f"a corner {d.corner_off_m.max(initial=0.0):.2f} m off")


def direction(d: Driven) -> Score:
    """Return 1, 0.5 or 0 by the furthest that is driven against the lane within any second: to 2 m, to 6 m, beyond."""
    within = pdm.against_lane_m(d.against, d.speed_mps)
    window = len(d) - len(within) + 1
    bad = np.zeros(len(d), bool)
    for k in np.flatnonzero(within > pdm.AGAINST_M):
        bad[k : k + window] |= d.against[k : k + window]
    most = float(within.max(initial=0.0))
    value = pdm.driving_direction(within)
    return _part(d, "direction", value, bad, f"{most:.1f} m against the lane in a second")


def progress(d: Driven) -> Score:
    """Return the share of the way that was driven: whoever drove it as it should be would have driven it all."""
    if d.route_m <= 0.0:
        return _none(d, "progress", f"a way of {d.route_m:g} m")
    return _part(d, "progress", float(np.clip(d.progress_m[-1] / d.route_m, 0.0, 1.0)))


def progressing(d: Driven) -> Score:
    """Return 1 when at least a fifth of the way was driven, else 0."""
    share = progress(d)
    if share.value is None:
        return _none(d, "progressing", share.why)
    return _part(d, "progressing", float(share.value >= PROGRESSING_SHARE))


def time_to_collision(d: Driven) -> Score:
    """Return 0 when a collision was nearer than 0.95 s, everybody going straight on; else 1."""
    bad = d.ttc_s < LEAST_TTC_S
    return _part(d, "time_to_collision", float(not bad.any()), bad, f"{d.ttc_s.min(initial=np.inf):.2f} s")


def comfort(d: Driven) -> Score:
    """Return 1 when the whole ride stays within nuPlan's comfort bounds, else 0."""
    if len(d) < JERK_WINDOW:
        return _none(d, "comfort", f"{len(d)} ticks, the smoothing needs {JERK_WINDOW}")
    bad = breaches(motion_of(d.speed_mps, d.yaw_rad), NUPLAN)
    return _part(d, "comfort", float(not bad.any()), bad, f"{bad.sum() * TICK_S:.1f} s beyond the bounds")


def speed(d: Driven) -> Score:
    """Return max(0, 1 - integral of overspeed / (2.23 T))."""
    over = np.abs(d.speed_mps) - d.limit_mps
    return _part(d, "speed", pdm.speed_compliance(np.abs(d.speed_mps), d.limit_mps), over > 0.0,
                 f"{over.max(initial=0.0):.1f} m/s too fast")  # fmt: skip


def lane_keeping(d: Driven) -> Score:
    """Return 0 when more than 0.5 m off the lane's middle for 2 s on end, junctions left out; else 1."""
    known = np.isfinite(d.lane_offset_m)
    if not (known & ~d.in_junction).any():
        return _none(d, "lane_keeping", "never in a lane outside junctions")
    off = (np.abs(np.where(known, d.lane_offset_m, 0.0)) > pdm.LANE_KEEPING_M) & ~d.in_junction
    bad = np.zeros(len(d), bool)
    for a, b in spans(off):
        bad[a : b + 1] = (b - a + 1) * TICK_S >= pdm.LANE_KEEPING_S - 1e-9
    return _part(d, "lane_keeping", float(not bad.any()), bad, f"{bad.sum() * TICK_S:.1f} s off the lane's middle")


def traffic_light(d: Driven) -> Score:
    """Return 0 when a stop line was crossed on red, else 1."""
    return _part(d, "traffic_light", float(not d.crossed_red.any()), d.crossed_red, "crossed on red")


PARTS = {
    "no_collision": no_collision,
    "drivable_area": drivable_area,
    "progress": progress,
    "time_to_collision": time_to_collision,
    "comfort": comfort,
    "direction": direction,
    "traffic_light": traffic_light,
    "lane_keeping": lane_keeping,
    "speed": speed,
    "progressing": progressing,
}


def closed_loop(d: Driven) -> tuple[Score, ...]:
    """Return the parts and, first, what nuPlan makes of them. Not valid where a part it needs is not."""
    if not len(d):
        return tuple(_none(d, name, "a ride without a tick") for name in ("closed_loop", *PARTS))
    found = {name: judge(d) for name, judge in PARTS.items()}
    values = {name: np.nan if score.value is None else score.value for name, score in found.items()}
    first, last = int(d.stamp_ns[0]), int(d.stamp_ns[-1])
    return (pdm.nuplan_closed_loop(pdm.Parts(**values), first, last), *found.values())
