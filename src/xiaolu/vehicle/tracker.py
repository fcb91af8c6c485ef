"""Plan in, Control out, at 10 Hz. All geometry is in the ego frame of the plan's stamp.

Steering: the path is smoothed, its curvature is fed forward, and offset and heading errors are fed back with gains
placed in distance travelled (well damped within a length that grows with speed). The pose is first carried forward over
the steering's own lateness, so that a command acts where it was meant. Speed: the profile is tracked half a second
ahead with feedback on speed and place; comfort limits the jerk, and braking beyond 2.5 m/s² passes through at once.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.control import Control
from xiaolu.core.frames import relative
from xiaolu.core.observation import EgoState
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_TIMES_S, Plan
from xiaolu.core.rates import SECOND_NS, TICK_S
from xiaolu.vehicle.parameters import EGO_VEHICLE, VehicleParameters

GRID_M = 0.5
_NOMINAL_M = np.diff(PATH_DISTANCES_M, prepend=0.0)
REACH = 41  # of the grid's steps: nobody is further than 20 m along a plan before the next one
STOPPED_MPS = 0.1  # a profile that ends below this means standing still
SMOOTHING_M = 0.8  # waves of a path shorter than a few of these are noise; tuned on 2 cm noise and a 6 m hairpin


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """Gains and limits. All tuned on the proving ground (proving.py) with EGO_VEHICLE."""

    settle_s: float = 0.7  # an error dies out over this time's travel
    settle_min_m: float = 1.8
    lateral_jerk_mps3: float = 12.0  # bounds the steering rate at speed; the plan's shape decides comfort below it
    ahead_s: float = 0.5  # the speed profile is aimed at this far ahead
    place_gain_1ps2: float = 0.8
    jerk_up_mps3: float = 2.5
    # Onto the brake and off it: the plan's shape decides comfort; who is slow at that has to brake harder, and longer.
    jerk_brake_mps3: float = 7.0
    hard_mps2: float = 2.5  # braking beyond this is not softened
    hold_mps2: float = 1.5  # at standstill
    stop_within_s: float = 1.0  # a stop this near is braked for by its distance; before, by the profile
    standing_mps: float = 0.1


class Gains(NamedTuple):
    """Gains, and limits of the car, for compiled loops; all numbers."""

    steers_late_s: float
    settle_s: float
    settle_min_m: float
    wheelbase_m: float
    understeer_s2pm: float
    steering_rate_radps: float
    side_jerk_m2ps3: float
    steering_max_rad: float
    ahead_s: float
    standing_mps: float
    place_gain_1ps2: float
    jerk_up_mps3: float
    jerk_brake_mps3: float
    hard_mps2: float
    hold_mps2: float
    stop_within_s: float
    brake_lag_s: float
    brake_max_mps2: float
    drive_max_mps2: float


def gains_of(p: VehicleParameters, tuned: TrackerSettings) -> Gains:
    return Gains(
        p.steering_latency_s + 0.5 * TICK_S, tuned.settle_s, tuned.settle_min_m, p.wheelbase_m, p.understeer_s2pm,
        p.steering_rate_radps, tuned.lateral_jerk_mps3 * p.wheelbase_m, p.steering_max_rad, tuned.ahead_s,
        tuned.standing_mps, tuned.place_gain_1ps2, tuned.jerk_up_mps3, tuned.jerk_brake_mps3, tuned.hard_mps2,
        tuned.hold_mps2, tuned.stop_within_s, p.brake_lag_s, p.brake_max_mps2, p.drive_max_mps2,
    )  # fmt: skip


class Tracker:
    """Tracks plans. Its memory is the last command, for the limits on jerk and steering rate; and the plan it smoothed
    last, which saves time and changes nothing."""

    def __init__(self, parameters: VehicleParameters = EGO_VEHICLE, settings: TrackerSettings | None = None) -> None:
        self.parameters = parameters
        self.settings = settings or TrackerSettings()
        self._gains = gains_of(self.parameters, self.settings)
        self._steering_rad = 0.0
        self._acceleration_mps2 = 0.0
        self._smoothed: tuple[Plan | None, np.ndarray] = (None, np.empty((0, 4)))

    def reset(self) -> None:
        self._steering_rad = self._acceleration_mps2 = 0.0

    def snapshot(self) -> tuple[float, float]:
        return self._steering_rad, self._acceleration_mps2

    def restore(self, snapshot: tuple[float, float]) -> None:
        self._steering_rad, self._acceleration_mps2 = snapshot

    def control(self, plan: Plan, planned_at: EgoState, now: EgoState, valid_until_ns: int) -> Control:
        """Return the command for the coming tick.

        plan: in the ego frame at `planned_at`; where the ego is in it by now is told by the two odometry poses.
        """
        reverse = is_reverse(plan)
        way = -1.0 if reverse else 1.0
        pose = relative(planned_at.odometry, now.odometry) * np.array([way, way, 1.0])
        if self._smoothed[0] is not plan:
            self._smoothed = (plan, smoothed(plan.path * way))
        line = self._smoothed[1]
        elapsed_s = (now.stamp_ns - planned_at.stamp_ns) / SECOND_NS
        profile = np.concatenate([[planned_at.speed_mps], plan.speed_mps]) * way
        speed = now.speed_mps * way
        p, tuned = self.parameters, self.settings
        rate = min(p.steering_rate_radps, tuned.lateral_jerk_mps3 * p.wheelbase_m / max(speed**2, 1.0))
        before = self._steering_rad, self._acceleration_mps2
        steering, acceleration = command(
            knots_s(), line, profile, way, pose, elapsed_s, speed, now.yaw_rate_radps, rate, before, self._gains
        )
        self._steering_rad, self._acceleration_mps2 = steering, acceleration
        return Control(steering, acceleration, valid_until_ns, reverse)


@njit(cache=True)
def steering_rate_radps(gains: Gains, speed_mps: float) -> float:
    """Return how fast the wheels may turn at a speed."""
    return min(gains.steering_rate_radps, gains.side_jerk_m2ps3 / max(speed_mps * speed_mps, 1.0))


@njit(cache=True)
def command(times, line, profile, way, pose, elapsed_s, speed_mps, yaw_rate, rate_radps, before, gains):
    """Return (steering, acceleration) for the coming tick, within all limits.

    line (n, 4): see `smoothed`; profile (K,): speeds at times (K,) since the plan; both as driven forwards, for which
    way is 1, in reverse -1; pose (3,): the ego's in that line's frame; speed_mps, yaw_rate: signed, the speed along the
    way; before: the last command, as returned.
    """
    angle = way * _steering(
        line, pose, speed_mps, yaw_rate, gains.steers_late_s, gains.settle_s, gains.settle_min_m, gains.wheelbase_m,
        gains.understeer_s2pm,
    )  # fmt: skip
    low, high = before[0] - rate_radps * TICK_S, before[0] + rate_radps * TICK_S
    limit = gains.steering_max_rad
    steering = min(max(min(max(angle, low), high), -limit), limit)
    travelled_m = _project(line, pose[0], pose[1])[0]
    wanted, stands = _acceleration(
        times, profile, elapsed_s, travelled_m, speed_mps, before[1], gains.ahead_s, gains.standing_mps,
        gains.place_gain_1ps2, gains.hard_mps2, gains.stop_within_s, gains.brake_lag_s,
    )  # fmt: skip
    if stands:
        return steering, -gains.hold_mps2
    if wanted > -gains.hard_mps2:
        low = before[1] - gains.jerk_brake_mps3 * TICK_S
        off = min(max(before[1], -gains.hard_mps2) + gains.jerk_brake_mps3 * TICK_S, 0.0)
        high = max(before[1] + gains.jerk_up_mps3 * TICK_S, off)
        wanted = min(max(wanted, low), high)
    return steering, min(max(wanted, -gains.brake_max_mps2), gains.drive_max_mps2)


@njit(cache=True)
def _steering(line, pose, speed, yaw_rate, late_s, settle_s, settle_min_m, wheelbase_m, understeer):
    """Return the steering angle (rad, before its limits) that follows a line (n, 4) from a pose (3,), forwards."""
    turned = yaw_rate * late_s
    x = pose[0] + speed * late_s * np.cos(pose[2] + 0.5 * turned)
    y = pose[1] + speed * late_s * np.sin(pose[2] + 0.5 * turned)
    s, offset = _project(line, x, y)
    place = min(max(s / GRID_M, 0.0), len(line) - 1.0)
    low = min(int(place), len(line) - 2)
    share = place - low
    heading = line[low, 2] + share * (line[low + 1, 2] - line[low, 2])
    curvature = line[low, 3] + share * (line[low + 1, 3] - line[low, 3])
    error = (pose[2] + turned - heading + np.pi) % (2.0 * np.pi) - np.pi
    settle = max(settle_min_m, settle_s * abs(speed))
    curvature -= offset / settle**2 + 1.8 * np.sin(error) / settle
    return np.arctan(curvature * (wheelbase_m + understeer * speed**2))


@njit(cache=True)
def _acceleration(
    times, profile, elapsed_s, travelled_m, speed, before_mps2, ahead_s, standing_mps, place_gain, hard_mps2,
    stop_within_s, brake_lag_s,
):  # fmt: skip
    """Return (acceleration wanted before comfort and the car limit it, whether to stand and hold)."""
    aim_s = elapsed_s + ahead_s
    at_aim, after = np.interp(aim_s, times, profile), np.interp(aim_s + 0.5, times, profile)
    if abs(speed) < 2.0 * standing_mps and max(at_aim, after) < standing_mps:
        return 0.0, True
    due_m = _travelled_m(times, profile, elapsed_s)
    wanted = (at_aim - speed) / ahead_s + place_gain * min(max(due_m - travelled_m, -1.0), 1.0)
    stop_m = _stop_m(times, profile)
    if np.isfinite(stop_m) and speed > standing_mps:
        # A stop is a place. Only the lag of braking that is yet to come counts: a whole lag's way each time would
        # make it harder and harder to the end.
        left_m = max(stop_m - travelled_m, 0.05)
        needed = 0.5 * speed**2 / left_m
        early = min(max(1.0 + before_mps2 / needed, 0.0), 1.0)
        left_m = max(left_m - speed * brake_lag_s * early, 0.05)
        if left_m < stop_within_s * speed:
            wanted = min(wanted, -0.5 * speed**2 / left_m)
    return wanted, False


@njit(cache=True)
def _travelled_m(times, profile, until_s):
    """Return the metres a profile (K,) at times (K,) goes until a moment; none before its first."""
    total, last_s, last_mps = 0.0, times[0], profile[0]
    for k in range(1, len(times) + 1):
        if last_s >= until_s:
            break
        next_s = times[k] if k < len(times) and times[k] < until_s else until_s
        next_mps = np.interp(next_s, times, profile)
        total += 0.5 * (last_mps + next_mps) * (next_s - last_s)
        last_s, last_mps = next_s, next_mps
    return total


@njit(cache=True)
def _stop_m(times, profile):
    """Return how far from the plan's start a profile comes to a stop for good; inf when it does not."""
    if profile[-1] >= STOPPED_MPS:
        return np.inf
    total, moved_m = 0.0, 0.0
    for k in range(1, len(times)):
        total += 0.5 * (profile[k - 1] + profile[k]) * (times[k] - times[k - 1])
        if profile[k - 1] >= STOPPED_MPS:
            moved_m = total
    return moved_m


def is_reverse(plan: Plan) -> bool:
    """Return whether a plan drives backwards: its path lies behind the rear axle."""
    return bool(plan.path[0, 0] < 0.0 and plan.path[1, 0] < 0.0)


def smoothed(path: np.ndarray) -> np.ndarray:
    """Return (n, 4) x, y, heading, curvature every GRID_M of a path (PATH_POINTS, 2) that starts at the origin.

    A path whose points pile up (clamped at a route's end) is taken to go straight on from there.
    """
    return smoothed_each(path[None])[0]


def smoothed_each(paths: np.ndarray) -> np.ndarray:
    """Return (B, n, 4) of paths (B, PATH_POINTS, 2): each as `smoothed` alone."""
    whole = np.stack([_unpiled(np.concatenate([[[0.0, 0.0]], path])) for path in paths])
    # One product each: of several at once the sums would run in another order.
    stacked = np.stack([_smoother() @ path for path in whole]).reshape(len(paths), 3, -1, 2)
    points, first, second = stacked[:, 0], stacked[:, 1], stacked[:, 2]
    heading = np.arctan2(first[..., 1], first[..., 0])
    heading[:, 1:] -= 2.0 * np.pi * np.cumsum(np.rint(np.diff(heading) / (2.0 * np.pi)), axis=1)
    stretch = np.maximum(np.hypot(first[..., 0], first[..., 1]), 0.2)
    curvature = (first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]) / stretch**3
    return np.concatenate([points, heading[..., None], curvature[..., None]], axis=-1)


def _unpiled(path: np.ndarray) -> np.ndarray:
    """Return a path (n, 2) with its origin, its piled-up far end replaced by a straight continuation."""
    nominal = _NOMINAL_M
    steps = path[1:] - path[:-1]
    piled = np.flatnonzero(np.hypot(steps[:, 0], steps[:, 1]) < 0.3 * nominal)
    if not len(piled):
        return path
    first = int(piled[0])
    behind = path[first] - path[first - 1] if first > 0 else np.array([1.0, 0.0])
    direction = behind / max(float(np.hypot(*behind)), 1e-6)
    reach = np.cumsum(nominal[first:])[:, None]
    return np.concatenate([path[: first + 1], path[first] + reach * direction])


@njit(cache=True)
def _project(line, x, y):
    """Return how far along a smoothed line the nearest place is, and how far left of it (x, y) lies."""
    nearest_m, aside, best = 0.0, 0.0, np.inf
    for i in range(min(REACH, len(line) - 1)):
        ax, ay = line[i + 1, 0] - line[i, 0], line[i + 1, 1] - line[i, 1]
        bx, by = x - line[i, 0], y - line[i, 1]
        squared = max(ax * ax + ay * ay, 1e-9)
        along = (bx * ax + by * ay) / squared
        share = min(max(along, 0.0), 1.0)
        gap = (bx - share * ax) ** 2 + (by - share * ay) ** 2
        if gap < best:
            # Before the start: as if the line came from behind.
            best, nearest_m = gap, (i + (along if i == 0 and share == 0.0 else share)) * GRID_M
            aside = (ax * by - ay * bx) / np.sqrt(squared)
    return nearest_m, aside


@lru_cache(maxsize=1)
def knots_s() -> np.ndarray:
    return np.concatenate([[0.0], SPEED_TIMES_S])


@lru_cache(maxsize=1)
def _smoother() -> np.ndarray:
    """Return a matrix: path with origin -> points every GRID_M, below them their first and second derivatives.

    The points minimise squared distance to the path's own points plus SMOOTHING_M^6 times the squared third derivative
    (a smoothing spline of order 3): straight lines and parabolas pass unchanged.
    """
    distances = np.concatenate([[0.0], PATH_DISTANCES_M])
    count = round(distances[-1] / GRID_M) + 1
    sample = np.zeros((len(distances), count))
    place = distances / GRID_M
    sample[np.arange(len(distances)), place.astype(int)] = 1.0
    # Sparse points far out weigh as much per metre as the dense ones near the car.
    weight = np.gradient(distances)
    weight[0] = 50.0  # the car is where it is
    third = np.diff(np.eye(count), 3, axis=0) / GRID_M**3
    smooth = SMOOTHING_M**6 * GRID_M * third.T @ third
    weighted = sample.T * weight
    operator = np.linalg.solve(weighted @ sample + smooth, weighted)
    slope = np.asarray(np.gradient(np.eye(count), GRID_M, axis=0))
    bend = np.zeros((count, count))
    bend[1:-1] = np.diff(np.eye(count), 2, axis=0) / GRID_M**2
    bend[0], bend[-1] = bend[1], bend[-2]
    return np.concatenate([operator, slope @ operator, bend @ operator])
