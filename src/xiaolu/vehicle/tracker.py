"""Plan in, Control out, at 10 Hz. All geometry is in the ego frame of the plan's stamp.

Steering: the path is smoothed, its curvature is fed forward, and offset and heading errors are fed back with gains
placed in distance travelled (well damped within a length that grows with speed). The pose is first carried forward over
the steering's own lateness, so that a command acts where it was meant. Speed: the profile is tracked half a second
ahead with feedback on speed and place; comfort limits the jerk, and braking beyond 2.5 m/s² passes through at once.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xiaolu.core.control import Control
from xiaolu.core.frames import relative, wrap_angle
from xiaolu.core.observation import EgoState
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_TIMES_S, Plan
from xiaolu.core.rates import SECOND_NS, TICK_S
from xiaolu.vehicle.parameters import EGO_VEHICLE, VehicleParameters

GRID_M = 0.5
_NOMINAL_M = np.diff(PATH_DISTANCES_M, prepend=0.0)
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
    jerk_down_mps3: float = 3.5
    hard_mps2: float = 2.5  # braking beyond this is not softened
    hold_mps2: float = 1.5  # at standstill
    stop_within_s: float = 3.0  # a stop this near is braked for by its distance
    standing_mps: float = 0.1


class Tracker:
    """Tracks plans. Its memory is the last command, for the limits on jerk and steering rate."""

    def __init__(self, parameters: VehicleParameters = EGO_VEHICLE, settings: TrackerSettings | None = None) -> None:
        self.parameters = parameters
        self.settings = settings or TrackerSettings()
        self._steering_rad = 0.0
        self._acceleration_mps2 = 0.0

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
        line = smoothed(plan.path * way)
        steering = self._steer(line, pose, now, way)
        elapsed_s = (now.stamp_ns - planned_at.stamp_ns) / SECOND_NS
        travelled_m = _project(line, pose[0], pose[1])[0]
        profile = np.concatenate([[planned_at.speed_mps], plan.speed_mps]) * way
        acceleration = self._accelerate(profile, elapsed_s, travelled_m, now.speed_mps * way)
        self._steering_rad, self._acceleration_mps2 = steering, acceleration
        return Control(steering, acceleration, valid_until_ns, reverse)

    def _steer(self, line: np.ndarray, pose: np.ndarray, now: EgoState, way: float) -> float:
        p, tuned = self.parameters, self.settings
        speed = now.speed_mps * way
        late_s = p.steering_latency_s + 0.5 * TICK_S
        turned = now.yaw_rate_radps * late_s
        x = pose[0] + speed * late_s * np.cos(pose[2] + 0.5 * turned)
        y = pose[1] + speed * late_s * np.sin(pose[2] + 0.5 * turned)
        s, offset = _project(line, x, y)
        place = min(s / GRID_M, len(line) - 1.0)
        heading = np.interp(place, np.arange(len(line)), line[:, 2])
        curvature = np.interp(place, np.arange(len(line)), line[:, 3])
        error = float(wrap_angle(pose[2] + turned - heading))
        settle = max(tuned.settle_min_m, tuned.settle_s * abs(speed))
        curvature -= offset / settle**2 + 1.8 * np.sin(error) / settle
        angle = way * np.arctan(curvature * (p.wheelbase_m + p.understeer_s2pm * speed**2))
        rate = min(p.steering_rate_radps, tuned.lateral_jerk_mps3 * p.wheelbase_m / max(speed**2, 1.0))
        low, high = self._steering_rad - rate * TICK_S, self._steering_rad + rate * TICK_S
        limit = p.steering_max_rad
        return float(np.clip(np.clip(angle, low, high), -limit, limit))

    def _accelerate(self, profile: np.ndarray, elapsed_s: float, travelled_m: float, speed: float) -> float:
        """profile: (1 + SPEED_KNOTS,) speeds along the way, from the plan's stamp on."""
        tuned = self.settings
        times = _knots()
        aim_s = elapsed_s + tuned.ahead_s
        soon = np.interp([elapsed_s, aim_s, aim_s + 0.5], times, profile)
        if abs(speed) < 2.0 * tuned.standing_mps and soon[1:].max() < tuned.standing_mps:
            return -tuned.hold_mps2
        inner = times[times < elapsed_s]
        passed = np.append(inner, elapsed_s)
        due_m = float(np.trapezoid(np.interp(passed, times, profile), passed)) if elapsed_s > 0.0 else 0.0
        wanted = (soon[1] - speed) / tuned.ahead_s + tuned.place_gain_1ps2 * np.clip(due_m - travelled_m, -1.0, 1.0)
        stop_m = _stop_m(times, profile)
        if np.isfinite(stop_m) and speed > tuned.standing_mps:
            # A stop is a place. In comfort, braking a lag's way early ends it gently; when it is hard already, only
            # the lag of braking that is yet to come counts, or it would grow harder and harder.
            left_m = max(stop_m - travelled_m, 0.05)
            needed = 0.5 * speed**2 / left_m
            early = 1.0 if needed < tuned.hard_mps2 else np.clip(1.0 + self._acceleration_mps2 / needed, 0.0, 1.0)
            left_m = max(left_m - speed * self.parameters.brake_lag_s * early, 0.05)
            if left_m < tuned.stop_within_s * speed:
                wanted = min(wanted, -0.5 * speed**2 / left_m)
        if wanted > -tuned.hard_mps2:
            low = min(self._acceleration_mps2 - tuned.jerk_down_mps3 * TICK_S, 0.0)
            high = max(self._acceleration_mps2, -tuned.hard_mps2) + tuned.jerk_up_mps3 * TICK_S
            wanted = min(max(wanted, low), high)
        return float(np.clip(wanted, -self.parameters.brake_max_mps2, self.parameters.drive_max_mps2))


def is_reverse(plan: Plan) -> bool:
    """Return whether a plan drives backwards: its path lies behind the rear axle."""
    return bool(plan.path[0, 0] < 0.0 and plan.path[1, 0] < 0.0)


def smoothed(path: np.ndarray) -> np.ndarray:
    """Return (n, 4) x, y, heading, curvature every GRID_M of a path (PATH_POINTS, 2) that starts at the origin.

    A path whose points pile up (clamped at a route's end) is taken to go straight on from there.
    """
    stacked = _smoother() @ _unpiled(np.concatenate([[[0.0, 0.0]], path]))
    points, first, second = stacked.reshape(3, -1, 2)
    heading = np.arctan2(first[:, 1], first[:, 0])
    heading[1:] -= 2.0 * np.pi * np.cumsum(np.rint(np.diff(heading) / (2.0 * np.pi)))
    stretch = np.maximum(np.hypot(first[:, 0], first[:, 1]), 0.2)
    curvature = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / stretch**3
    return np.column_stack([points, heading, curvature])


def _stop_m(times: np.ndarray, profile: np.ndarray) -> float:
    """Return how far from the plan's start a profile comes to a stop for good; inf when it does not."""
    if profile[-1] >= STOPPED_MPS:
        return float("inf")
    moving = np.flatnonzero(profile >= STOPPED_MPS)
    last = moving[-1] + 2 if len(moving) else 1
    return float(np.trapezoid(profile[:last], times[:last]))


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


def _project(line: np.ndarray, x: float, y: float) -> tuple[float, float]:
    """Return how far along a smoothed line the nearest place is, and how far left of it (x, y) lies."""
    reach = 41  # nobody is further than 20 m along a plan before the next one
    ahead = np.diff(line[: reach + 1, :2], axis=0)
    back = np.array([x, y]) - line[:reach, :2]
    squared = np.maximum((ahead**2).sum(axis=1), 1e-9)
    share = np.clip((back * ahead).sum(axis=1) / squared, 0.0, 1.0)
    gap = back - share[:, None] * ahead
    nearest = int(np.argmin((gap**2).sum(axis=1)))
    if nearest == 0 and share[0] == 0.0:
        share[0] = (back[0] * ahead[0]).sum() / squared[0]  # before the start: as if the line came from behind
    left = (ahead[nearest, 0] * back[nearest, 1] - ahead[nearest, 1] * back[nearest, 0]) / np.sqrt(squared[nearest])
    return float((nearest + share[nearest]) * GRID_M), float(left)


@lru_cache(maxsize=1)
def _knots() -> np.ndarray:
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
