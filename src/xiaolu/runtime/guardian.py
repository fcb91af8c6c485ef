"""The guardian: small, separate code between driver and controller. It trusts nothing it is handed.

In: each decision as it is made, the ego's state, and the guardian's own short-range sense. Out: the decision, or one
that brakes instead, and the reason in words ("" when the driver's went through). All in the ego frame of the moment.

It checks that a decision is one, is fresh and finite, and can be driven; that it does not throw the car sideways; and
that it does not run into what the ultrasonic cones see. It owns the minimal-risk manoeuvre. A driver that fails
outright, or talks nonsense for a second, has failed for good: the car stops and stays stopped until somebody else
drives.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, Decision, Pace, PathMode, Strategy
from xiaolu.core.frames import relative, to_child
from xiaolu.core.observation import EgoState, RangeScan
from xiaolu.core.plan import PATH_DISTANCES_M, PATH_POINTS, SPEED_KNOTS, SPEED_TIMES_S, Plan
from xiaolu.core.rates import SECOND_NS
from xiaolu.vehicle.tracker import GRID_M, is_reverse, smoothed

_FRONT_M, _REAR_M, _SIDE_M = EGO_BODY.front_x_m, -EGO_BODY.rear_overhang_m, EGO_BODY.width_m / 2
# Where the twelve cones are mounted, x, y in the ego frame, in the order of a RangeScan; their half angle.
MOUNTS_M = np.array(
    [
        *((_FRONT_M, 0.35), (_FRONT_M, -0.35), (_FRONT_M - 0.15, 0.8), (_FRONT_M - 0.15, -0.8)),
        *((_REAR_M, 0.35), (_REAR_M, -0.35), (_REAR_M + 0.15, 0.8), (_REAR_M + 0.15, -0.8)),
        *((_FRONT_M - 0.8, _SIDE_M), (_FRONT_M - 0.8, -_SIDE_M), (_REAR_M + 0.8, _SIDE_M), (_REAR_M + 0.8, -_SIDE_M)),
    ]
)
MOUNTS_M.flags.writeable = False
HALF_CONE_RAD = 0.35
RANGE_MAX_M = 5.0


@dataclass(frozen=True, slots=True)
class GuardianLimits:
    """All are this project's choice unless said. Wider than any good driver needs: a veto means something is wrong."""

    speed_max_mps: float = 25.0
    acceleration_max_mps2: float = 4.5  # between knots of the profile; drive cannot follow beyond 3
    lateral_max_mps2: float = 6.0  # ISO 11270 asks for 3; tyres give way near 9
    lateral_capped_mps2: float = 3.0  # what is left of it once the guardian has slowed the plan
    wrong_way_mps: float = 0.5
    stale_s: float = 0.5
    nonsense_s: float = 1.0
    minimal_risk_mps2: float = 4.0  # UN R157
    needed_mps2: float = 4.0  # braking that a comfortable driver would not have let come so far
    emergency_mps2: float = 8.0
    contact_gap_m: float = 0.10
    ahead_s: float = 0.8


class Guardian:
    """One for each car. Its memory: the last plan that went through, the last ranges, since when it heard nonsense."""

    def __init__(self, limits: GuardianLimits | None = None) -> None:
        self.limits = limits or GuardianLimits()
        self.reset()

    def reset(self) -> None:
        """Forget everything, a failure included: somebody else drives from here."""
        self.failed = ""
        self._last: tuple[Plan, EgoState] | None = None
        self._ranges: tuple[int, np.ndarray, np.ndarray] | None = None
        self._nonsense_since_ns: int | None = None

    def snapshot(self) -> tuple:
        return self.failed, self._last, self._ranges, self._nonsense_since_ns

    def restore(self, snapshot: tuple) -> None:
        self.failed, self._last, self._ranges, self._nonsense_since_ns = snapshot

    def check(self, decision: Any, ego: EgoState, range_scan: RangeScan | None = None) -> tuple[Decision, str]:
        """Return the decision to act on, in the frame of `ego`, and why it is not the driver's ("" when it is)."""
        closing = self._closing(range_scan, ego)
        if self.failed:
            return self._brake(ego, self.limits.minimal_risk_mps2, self.failed), self.failed
        reason = self._nonsense(decision, ego)
        if reason:
            if self._nonsense_since_ns is None:
                self._nonsense_since_ns = ego.stamp_ns
            if ego.stamp_ns - self._nonsense_since_ns >= self.limits.nonsense_s * SECOND_NS:
                self.failed = reason
            return self._brake(ego, self.limits.minimal_risk_mps2, reason), reason
        self._nonsense_since_ns = None
        line = smoothed(decision.plan.path * (-1.0 if is_reverse(decision.plan) else 1.0))
        self._last = (decision.plan, ego)
        if range_scan is not None:
            reason, needed_mps2 = self._contact(decision.plan, line, ego, range_scan, closing)
            if reason:
                return self._brake(ego, needed_mps2, reason), reason
        return self._slowed(decision, line, ego)

    def fail(self, reason: str, ego: EgoState) -> Decision:
        """The driver is gone, for `reason`. Return the minimal-risk decision; every later `check` returns one too."""
        self.failed = self.failed or reason
        return self._brake(ego, self.limits.minimal_risk_mps2, self.failed)

    def minimal_risk(self, plan: Plan | None, ego: EgoState) -> Plan:
        """Return a plan that stops along the path of `plan`, or along the arc driven now, at 4 m/s²."""
        return _stopping(plan.path if plan is not None else _arc(ego), ego.speed_mps, self.limits.minimal_risk_mps2)

    def _brake(self, ego: EgoState, braking_mps2: float, reason: str) -> Decision:
        path = carried(self._last[0], self._last[1], ego).path if self._last is not None else _arc(ego)
        mode = PathMode.REVERSE if path[0, 0] < 0.0 else PathMode.KEEP
        return Decision(
            ego.stamp_ns,
            _stopping(path, ego.speed_mps, braking_mps2),
            Strategy(mode, Pace.STOP),
            Cause.GUARDIAN,
            why=f"guardian: {reason}",
        )

    def _nonsense(self, decision: Any, ego: EgoState) -> str:
        limits = self.limits
        if not isinstance(decision, Decision) or not isinstance(decision.plan, Plan):
            return f"the driver answered {type(decision).__name__}, not a decision"
        plan, age_s = decision.plan, (ego.stamp_ns - decision.stamp_ns) / SECOND_NS
        if age_s < 0.0 or age_s > limits.stale_s:
            return f"the decision is {age_s:.1f} s old"
        path, speed = np.asarray(plan.path), np.asarray(plan.speed_mps)
        if path.shape != (PATH_POINTS, 2) or speed.shape != (SPEED_KNOTS,):
            return "the plan has the wrong shape"
        if not (np.isfinite(path).all() and np.isfinite(speed).all()):
            return "the plan is not finite"
        if np.abs(speed).max() > limits.speed_max_mps:
            return f"the plan asks for {np.abs(speed).max():.0f} m/s"
        way = -1.0 if is_reverse(plan) else 1.0
        if (speed * way).min() < -limits.wrong_way_mps:
            return "the speed goes against the path"
        knots = np.concatenate([[ego.speed_mps], speed]) * way
        gain = np.diff(knots) / np.diff(np.concatenate([[0.0], SPEED_TIMES_S]))
        # Braking harder than tyres can is let through: it ends as the hardest braking there is.
        if gain.max() > limits.acceleration_max_mps2:
            return f"the speed grows by {gain.max():.1f} m/s²"
        steps = np.hypot(*np.diff(np.concatenate([[[0.0, 0.0]], path]), axis=0).T)
        nominal = np.diff(np.concatenate([[0.0], PATH_DISTANCES_M]))
        if (steps > 1.5 * nominal + 0.5).any():
            return "the path jumps"
        return ""

    def _slowed(self, decision: Decision, line: np.ndarray, ego: EgoState) -> tuple[Decision, str]:
        """Return the decision, slowed where its own path would throw the car sideways within two seconds."""
        limits, plan = self.limits, decision.plan
        times = np.arange(0.1, 2.01, 0.1)
        speed = np.abs(plan.speed_at(times, ego.speed_mps))
        along = np.cumsum(speed) * 0.1
        # Over 3 m: a path's noise is not a bend.
        half = round(1.5 / GRID_M)
        bend = np.abs(np.convolve(line[:, 3], np.ones(2 * half + 1) / (2 * half + 1), mode="same"))
        there = np.interp(along, np.arange(len(line)) * GRID_M, bend)
        sideways = speed**2 * there
        if sideways.max() <= limits.lateral_max_mps2:
            return decision, ""
        reason = f"too fast for the bend: {sideways.max():.1f} m/s² sideways"
        top = float(np.sqrt(limits.lateral_capped_mps2 / there.max()))
        slowest = np.maximum(abs(ego.speed_mps) - limits.emergency_mps2 * 0.5 * SPEED_TIMES_S, top)
        capped = np.clip(plan.speed_mps, -slowest, slowest)
        strategy = replace(decision.strategy, pace=Pace.CREEP if top < 2.0 else decision.strategy.pace)
        slowed = replace(decision, plan=Plan(plan.path, capped), strategy=strategy, cause=Cause.GUARDIAN)
        return replace(slowed, why=f"guardian: {reason}"), reason

    def _closing(self, scan: RangeScan | None, ego: EgoState) -> np.ndarray:
        """Return how fast each cone's echo comes nearer, (12,) m/s; the ego's own speed where that is not known yet."""
        speed = np.full(len(MOUNTS_M), abs(ego.speed_mps))
        if scan is None:
            self._ranges = None
            return speed
        rate = np.full(len(MOUNTS_M), np.nan)
        if self._ranges is not None and scan.stamp_ns > self._ranges[0]:
            raw = (self._ranges[1] - scan.range_m) / ((scan.stamp_ns - self._ranges[0]) / SECOND_NS)
            heard = (self._ranges[1] < RANGE_MAX_M) & (scan.range_m < RANGE_MAX_M)
            before = np.where(np.isnan(self._ranges[2]), raw, self._ranges[2])
            rate = np.where(heard, 0.5 * raw + 0.5 * before, np.nan)
        self._ranges = (scan.stamp_ns, scan.range_m, rate)
        # An echo that jumped is another body: an impossible rate tells nothing.
        known = np.isfinite(rate) & (np.abs(rate) < 20.0)
        return np.where(known, np.maximum(rate, 0.0), speed)

    def _contact(
        self, plan: Plan, line: np.ndarray, ego: EgoState, scan: RangeScan, closing: np.ndarray
    ) -> tuple[str, float]:
        """Return (reason, braking needed) for an echo that the swept outline is sure to meet, else ("", 0).

        A cone is wide: an echo may come from anywhere on its arc. Only when the whole arc lies in the ego's way is it
        certain; beside a parked row it never is, and the driver's eyes are better there.
        """
        limits = self.limits
        heard = np.flatnonzero(scan.range_m < RANGE_MAX_M)
        if not len(heard):
            return "", 0.0
        spread = np.linspace(-HALF_CONE_RAD, HALF_CONE_RAD, 5)
        bearing = scan.bearing_rad[heard, None] + spread
        reach = scan.range_m[heard, None]
        mounts = MOUNTS_M[heard, None]
        arcs = mounts + np.stack([np.cos(bearing) * reach, np.sin(bearing) * reach], axis=-1)
        way = -1.0 if is_reverse(plan) else 1.0
        gaps = _gap_to(arcs, line, way)  # (heard, 5): travel until the outline meets the point, inf when never
        gap = np.where(np.isfinite(gaps).all(axis=1), gaps.max(axis=1), np.inf)
        speed = ego.speed_mps * way
        times = np.arange(0.1, limits.ahead_s + 1e-9, 0.1)
        planned = np.maximum(plan.speed_at(times, ego.speed_mps) * way, 0.0)
        travel = np.cumsum(planned) * 0.1
        own_braking = max((speed - planned[4]) / 0.5, 0.0)
        for i in np.argsort(gap):
            if not np.isfinite(gap[i]):
                break
            rate = closing[heard[i]]
            away = max(speed - rate, 0.0)
            needed = rate**2 / (2.0 * max(gap[i] - limits.contact_gap_m, 0.05)) if rate > 0.3 else 0.0
            too_late = needed > max(limits.needed_mps2, 1.1 * own_braking)
            runs_in = planned.max() > 0.15 and (gap[i] + away * times - travel < limits.contact_gap_m).any()
            if too_late or (runs_in and (needed > own_braking or speed < 0.5)):
                hard = float(np.clip(1.3 * needed, limits.minimal_risk_mps2, limits.emergency_mps2))
                return f"something {gap[i]:.1f} m ahead in the way", hard
        return "", 0.0


def carried(plan: Plan, planned_at: EgoState, now: EgoState) -> Plan:
    """Return what is left of a plan, in the ego frame of `now`; its path is lengthened straight on at the far end."""
    pose = relative(planned_at.odometry, now.odometry)
    path = np.concatenate([[[0.0, 0.0]], plan.path])
    s = np.concatenate([[0.0], PATH_DISTANCES_M])
    fine = np.arange(0.0, 60.0, 0.1)
    dense = np.column_stack([np.interp(fine, s, path[:, i]) for i in (0, 1)])
    passed_m = fine[np.argmin(((dense - pose[:2]) ** 2).sum(axis=1))]
    wanted = passed_m + PATH_DISTANCES_M
    place = np.column_stack([np.interp(wanted, s, path[:, i]) for i in (0, 1)])
    last = path[-1] - path[-2]
    place += np.maximum(wanted - s[-1], 0.0)[:, None] * last / max(float(np.hypot(*last)), 1e-6)
    late_s = (now.stamp_ns - planned_at.stamp_ns) / SECOND_NS
    return Plan(to_child(pose, place), plan.speed_at(SPEED_TIMES_S + late_s, planned_at.speed_mps))


def _gap_to(points: np.ndarray, line: np.ndarray, way: float) -> np.ndarray:
    """Return for points (..., 2), ego frame, how far the ego can travel along a smoothed line until its outline meets
    them; inf when it does not within RANGE_MAX_M + 1. The line is in the direction of travel (turned round in reverse).
    """
    count = round((RANGE_MAX_M + 1.0) / GRID_M) + 1
    at, heading = line[:count, :2], line[:count, 2]
    gap = (points * way)[..., None, :] - at
    cos, sin = np.cos(heading), np.sin(heading)
    ahead = cos * gap[..., 0] + sin * gap[..., 1]
    left = -sin * gap[..., 0] + cos * gap[..., 1]
    front, rear = (_FRONT_M, _REAR_M) if way > 0.0 else (-_REAR_M, -_FRONT_M)
    inside = (ahead <= front) & (ahead >= rear) & (np.abs(left) <= _SIDE_M)
    first = np.argmax(inside, axis=-1)
    over = np.take_along_axis(front - ahead, first[..., None], axis=-1)[..., 0]
    met = np.maximum(first * GRID_M - np.clip(over, 0.0, GRID_M), 0.0)
    return np.where(inside.any(axis=-1), met, np.inf)


def _arc(ego: EgoState) -> np.ndarray:
    """Return the path (PATH_POINTS, 2) of holding the present steering for 10 m and then going straight."""
    curvature = np.tan(ego.steering_rad) / EGO_BODY.wheelbase_m
    s = np.arange(0.0, 60.01, 0.1)
    heading = curvature * np.minimum(s, 10.0)
    xy = np.column_stack([np.cumsum(np.cos(heading)), np.cumsum(np.sin(heading))]) * 0.1
    path = xy[np.rint(PATH_DISTANCES_M / 0.1).astype(int) - 1]
    return path * np.array([-1.0, 1.0]) if ego.speed_mps < 0.0 else path


def _stopping(path: np.ndarray, speed_mps: float, braking_mps2: float) -> Plan:
    slower = np.maximum(abs(speed_mps) - braking_mps2 * SPEED_TIMES_S, 0.0)
    return Plan(path, slower * (-1.0 if speed_mps < 0.0 else 1.0))
