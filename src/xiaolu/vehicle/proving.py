"""The proving ground: slalom, hairpin, stop at a mark, and backing up, driven by dynamics and tracker alone.

Each run plans at 10 Hz along a known line, with the loop's decision latency, and returns a dict of figures:
lateral error in metres (largest and root mean square, rear axle to the line), longitudinal and lateral jerk in m/s³
(largest of 0.5 s means), and the gap to the mark.
"""

import numpy as np

from xiaolu.core.frames import to_child
from xiaolu.core.observation import EgoState
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_TIMES_S, Plan
from xiaolu.core.rates import TICK_NS, TICK_S, VEHICLE_STEP_S
from xiaolu.vehicle.dynamics import advance, start
from xiaolu.vehicle.tracker import Tracker

LINE_STEP_M = 0.1


class Line:
    """A line to follow: points (n, 2) every LINE_STEP_M, in the world, with its heading."""

    def __init__(self, points: np.ndarray) -> None:
        gaps = np.hypot(*np.diff(points, axis=0).T)
        s = np.concatenate([[0.0], np.cumsum(gaps)])
        self.s_m = np.arange(0.0, s[-1], LINE_STEP_M)
        self.points = np.column_stack([np.interp(self.s_m, s, points[:, 0]), np.interp(self.s_m, s, points[:, 1])])
        tangent = np.gradient(self.points, LINE_STEP_M, axis=0)
        self.heading = np.unwrap(np.arctan2(tangent[:, 1], tangent[:, 0]))
        self.normal = np.column_stack([-np.sin(self.heading), np.cos(self.heading)])

    def project(self, x_m: float, y_m: float, near_s_m: float = 0.0) -> tuple[float, float]:
        """Return (s, offset to the left) of the place nearest to a point, looked for within 10 m of near_s."""
        low = max(int((near_s_m - 10.0) / LINE_STEP_M), 0)
        part = self.points[low : low + round(20.0 / LINE_STEP_M)]
        index = low + int(np.argmin(((part - (x_m, y_m)) ** 2).sum(axis=1)))
        gap = np.array([x_m, y_m]) - self.points[index]
        along = gap @ np.array([np.cos(self.heading[index]), np.sin(self.heading[index])])
        return float(self.s_m[index] + along), float(gap @ self.normal[index])

    def plan(self, pose: np.ndarray, s_m: float, offset_m: float, speed_mps: np.ndarray, rejoin_m: float = 8.0) -> Plan:
        """Return a plan from a rear axle pose (3,) back onto the line within rejoin_m, at speeds (SPEED_KNOTS,)."""
        reverse = speed_mps.min() < 0.0
        along = s_m + PATH_DISTANCES_M * (-1.0 if reverse else 1.0)
        place = np.clip(along, 0.0, self.s_m[-1])
        beyond = (along - place)[:, None]
        index = np.minimum((place / LINE_STEP_M).round().astype(int), len(self.s_m) - 1)
        direction = np.column_stack([np.cos(self.heading[index]), np.sin(self.heading[index])])
        left = offset_m * np.clip(1.0 - PATH_DISTANCES_M / rejoin_m, 0.0, 1.0) ** 2
        exact = self.points[index] + (place - self.s_m[index])[:, None] * direction
        return Plan(to_child(pose, exact + beyond * direction + left[:, None] * self.normal[index]), speed_mps)


def slalom(speed_mps: float = 8.0) -> dict[str, float]:
    """Gates 18 m apart, 1.2 m to either side, eased in and out over 27 m."""
    x = np.arange(0.0, 220.0, 0.05)
    fade = np.clip((x - 20.0) / 27.0, 0.0, 1.0) * np.clip((190.0 - x) / 27.0, 0.0, 1.0)
    y = 1.2 * np.sin(np.pi * (x - 20.0) / 18.0) * fade**2 * (3.0 - 2.0 * fade)
    return _drive(Line(np.column_stack([x, y])), lambda s: speed_mps, until_s_m=200.0, speed_mps=speed_mps)


def hairpin(radius_m: float = 6.0, speed_mps: float = 3.0) -> dict[str, float]:
    """Half a turn of 6 m radius, its curvature rising and falling over 5 m."""
    s = np.arange(0.0, 90.0, 0.05)
    ease, arc = 5.0, np.pi * radius_m - 5.0
    curvature = np.interp(s, [30.0, 30.0 + ease, 30.0 + ease + arc, 30.0 + 2 * ease + arc], [0, 1, 1, 0]) / radius_m
    heading = np.cumsum(curvature) * 0.05
    points = np.column_stack([np.cumsum(np.cos(heading)), np.cumsum(np.sin(heading))]) * 0.05
    return _drive(Line(points), lambda s: speed_mps, until_s_m=80.0, speed_mps=speed_mps)


def stop_at_mark(speed_mps: float = 8.0, mark_m: float = 60.0, brake_mps2: float = 1.5) -> dict[str, float]:
    """Approach a mark on a straight and stop with the rear axle on it; gap_m is what is left, negative when past."""
    line = Line(np.array([[0.0, 0.0], [mark_m + 40.0, 0.0]]))

    def wanted(s_m: float) -> float:
        return min(speed_mps, float(np.sqrt(2.0 * brake_mps2 * max(mark_m - s_m, 0.0))))

    result = _drive(line, wanted, until_s_m=mark_m + 30.0, speed_mps=speed_mps, limit_s=40.0)
    result["gap_m"] = mark_m - result["s_m"]
    return result


def back_up(distance_m: float = 12.0, speed_mps: float = 1.5) -> dict[str, float]:
    """Back up along a bend of 12 m radius and stop; gap_m is what is left."""
    s = np.arange(0.0, 60.0, 0.05)
    curvature = np.interp(s, [28.0, 34.0], [1.0 / 12.0, 0.0])
    heading = np.cumsum(curvature) * 0.05
    line = Line(np.column_stack([np.cumsum(np.cos(heading)), np.cumsum(np.sin(heading))]) * 0.05)
    goal = 40.0 - distance_m

    def wanted(s_m: float) -> float:
        return -min(speed_mps, float(np.sqrt(2.0 * 0.7 * max(s_m - goal, 0.0))))

    result = _drive(line, wanted, until_s_m=np.inf, speed_mps=0.0, start_s_m=40.0, limit_s=30.0)
    result["gap_m"] = result["s_m"] - goal
    return result


def prove() -> dict[str, dict[str, float]]:
    """Run everything once. Return figures by manoeuvre."""
    return {"slalom": slalom(), "hairpin": hairpin(), "stop_at_mark": stop_at_mark(), "back_up": back_up()}


def _drive(line: Line, wanted, until_s_m, speed_mps, start_s_m: float = 0.0, limit_s: float = 60.0) -> dict[str, float]:
    """wanted: place along the line -> signed speed. Ends beyond until_s_m, or standing for 1 s, or at limit_s."""
    index = round(start_s_m / LINE_STEP_M)
    state = start(np.array([[*line.points[index], line.heading[index]]]), speed_mps)
    tracker, queue, s_m = Tracker(), [], start_s_m
    offsets, speeds, lateral, accelerations = [], [], [], []
    still_s = 0.0
    for tick in range(round(limit_s / TICK_S)):
        pose, speed = state.pose[0], float(state.speed_mps[0])
        s_m, offset = line.project(pose[0], pose[1], s_m)
        if s_m > until_s_m or still_s >= 1.0:
            break
        ego = EgoState(
            tick * TICK_NS, speed, state.acceleration_mps2[0], state.yaw_rate_radps[0], state.steering_rad[0], pose
        )
        queue.append((line.plan(pose, s_m, offset, _profile(wanted, s_m, speed)), ego))
        plan, planned_at = queue[max(len(queue) - 2, 0)]
        control = tracker.control(plan, planned_at, ego, (tick + 1) * TICK_NS)
        state, motion = advance(state, [control])
        offsets.append(offset)
        lateral.append(speed * float(state.yaw_rate_radps[0]))
        accelerations.append(float(motion.acceleration_mps2[0]))
        speeds.append(speed)
        still_s = still_s + TICK_S if state.speed_mps[0] == 0.0 and tick * TICK_S > 2.0 else 0.0
    window = round(0.5 / TICK_S)
    return {
        "lateral_max_m": float(np.abs(offsets).max()),
        "lateral_rms_m": float(np.sqrt(np.mean(np.square(offsets)))),
        "jerk_max_mps3": _mean_slope(np.array(accelerations), window),
        "lateral_jerk_max_mps3": _mean_slope(np.array(lateral), window),
        "lateral_acceleration_max_mps2": float(np.abs(lateral).max()),
        "s_m": s_m,
        "took_s": len(speeds) * TICK_S,
    }


def _mean_slope(values: np.ndarray, window: int) -> float:
    """Return the largest change over `window` ticks, per second."""
    return float(np.abs(values[window:] - values[:-window]).max() / (window * TICK_S))


def _profile(wanted, s_m: float, speed_mps: float) -> np.ndarray:
    """Return the speeds (SPEED_KNOTS,) of rolling along the wish from here, at most 1.2 m/s² faster."""
    profile, speed = [], speed_mps
    per_knot = round(0.5 / VEHICLE_STEP_S / 10)
    for _ in SPEED_TIMES_S:
        for _ in range(per_knot):
            dt = 10 * VEHICLE_STEP_S
            goal = wanted(s_m)
            step = 1.2 * dt
            speed = float(np.clip(goal, speed - step, speed + step)) if abs(goal) > abs(speed) else goal
            s_m += speed * dt
        profile.append(speed)
    return np.array(profile)
