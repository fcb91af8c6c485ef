"""Futures of one moment of a ride, driven side by side: world, cars and trackers of all of them in one compiled call.

Drivers are asked on every `every`-th tick; their plans are tracked in between, as a ride with `driver_every` does.
What a ride has and these have not: a guardian, ranges, a passenger, drift in the odometry; the phone stays as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Decision
from xiaolu.core.frames import compose, relative, wrap_angle
from xiaolu.core.observation import EgoState, Observation
from xiaolu.core.plan import Plan
from xiaolu.core.protocols import SceneDriver
from xiaolu.core.rates import TICK_NS, TICK_S, ticks_of
from xiaolu.core.scene import Scene
from xiaolu.core.users import Gesture
from xiaolu.ride.progress import ARRIVED_S, OFF_ROUTE_M, Progress
from xiaolu.ride.ride import Ride
from xiaolu.ride.stretch import Cars, Log, Plans, Way, drive
from xiaolu.runtime.lamps import indicator_of
from xiaolu.vehicle.dynamics import VehicleState, constants_of
from xiaolu.vehicle.parameters import EGO_VEHICLE
from xiaolu.vehicle.tracker import TrackerSettings, gains_of, is_reverse, knots_s, smoothed, smoothed_each
from xiaolu.world.signals import clock_s, lane_colour
from xiaolu.world.state import Ego, WorldState, fork
from xiaolu.world.table import split, table_of

ALERT_S, SINCE_TICKS = 6.0, 5  # who would be met so soon, all going straight on, within the last ticks: tuned
CHANGES_M, BEHIND_M = 40.0, 5.0  # who is so near is watched for another lane, indicator or gesture: tuned
NEVER_NS, LONG_AGO = np.iinfo(np.int64).max, -(10**6)
_GAINS, _CONSTANTS = gains_of(EGO_VEHICLE, TrackerSettings()), constants_of(EGO_VEHICLE)


@dataclass(frozen=True, slots=True)
class Futures:
    """B branches over T ticks; row 0 is the common start. pose (T + 1, B, 3): rear axle, world; speed_mps,
    acceleration_mps2 (T + 1, B); progress_m (T + 1, B) along the way; lasts (B,): ticks until a branch's ride ended (T:
    it did not). touched, ttc_s (T, B): see `stretch.Log`; first (B,): what each driver decided at the start; asked
    (B,): how often each was."""

    pose: np.ndarray
    speed_mps: np.ndarray
    acceleration_mps2: np.ndarray
    progress_m: np.ndarray
    lasts: np.ndarray
    touched: np.ndarray
    ttc_s: np.ndarray
    first: tuple[Decision, ...]
    asked: np.ndarray


def futures(
    ride: Ride,
    drivers: Sequence[SceneDriver],
    ticks: int,
    every: int,
    kept: np.ndarray | None = None,
    longest: int = 0,
) -> Futures:
    """Return what comes of each driver at the wheel from the present moment of a ride, which goes on untouched.

    kept (slots,) bool: the road users that take part, None for all of them and whoever comes. longest: with more than
    `every`, a driver is asked after so many ticks at the latest, and before that only where its branch has something to
    decide, see `_Branches.due`. Raises ValueError for a ride that has ended.
    """
    if ride.done:
        raise ValueError(f"futures: the ride has ended ({ride.state.end}), nothing can be driven from here")
    branches = _Branches(ride, len(drivers), ticks, kept)
    for tick in range(0, ticks, every):
        for b in map(int, np.flatnonzero((branches.lasts > tick) & branches.due(longest))):
            branches.ask(b, drivers[b])
        branches.drive(min(every, ticks - tick))
    return branches.futures()


@dataclass(frozen=True, slots=True)
class _Tracked:
    """A plan as it is tracked, see `stretch.Plans`."""

    from_ns: int
    stamp_ns: int
    pose: np.ndarray
    line: np.ndarray
    profile: np.ndarray
    sense: float
    lamp: int


class _Branches:
    """All that moves, and what has been written down of it. k: ticks driven so far; lasts (B,): see `Futures`."""

    def __init__(self, ride: Ride, count: int, ticks: int, kept: np.ndarray | None) -> None:
        start = ride.state
        self.ride, self.count, self.ticks, self.k = ride, count, ticks, 0
        self.world, one = (ride.world, start.world) if kept is None else ride.world.excerpt(start.world, kept)
        world = fork(one, 0, count)
        self.seed, self.tick, self.uid, self.z_m = (
            world.seed,
            world.tick.copy(),
            world.next_uid.copy(),
            world.ego.z_m.copy(),
        )
        self.clock_start_s = np.array([clock_s(0.0, int(seed), ride.world.signals_start_s) for seed in world.seed])
        self.table = table_of(world.users, world.minds)
        self.touching, self.caused = world.touching.copy(), world.caused_by_user.copy()
        self.cars = _cars(start.vehicle, world.ego, ride.tracker.snapshot(), start.progress)
        self.way = Way(ride.path.points, float(ride.path.s_m[1]), ride.path.length_m)
        self.route = None if ride.config.route_absent else start.phone.route
        before = self._before()
        self.queues = [list(before) for _ in range(count)]
        self._new: list[tuple[int, Decision]] = []
        shape = (ticks, count)
        self.log = Log(
            np.empty((*shape, 3)), np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape),
            np.empty(shape, np.int64), np.empty(shape, bool), np.empty(shape),
        )  # fmt: skip
        self.lasts = np.full(count, ticks)
        self.first: dict[int, Decision] = {}
        self.asked, self.asked_at = np.zeros(count, np.int64), np.full(count, LONG_AGO)
        self._means = self._meanings()
        self.meant = self._means.copy()
        signals = ride.config.town.lane_signal[ride.path.plan.lanes]
        self._signals, self._shown = np.unique(signals[signals >= 0]), b""
        self._seen: tuple[int, WorldState] | None = None
        self._odometry: tuple[int, np.ndarray] = (-1, np.empty((0, 3)))
        self._common = self._scene(0)

    @property
    def stamp_ns(self) -> int:
        return self.ride.stamp_ns + self.k * TICK_NS

    def due(self, longest: int) -> np.ndarray:
        """Return (B,) bool: whether a plan is so many ticks old, somebody is about to be met, a signal of the way has
        changed, or somebody near means something else than when the plan was made."""
        colours, self._means = self._colours(), self._meanings()
        changed = colours != self._shown
        self._shown = colours
        if changed:
            return np.ones(self.count, bool)
        since = self.log.ttc_s[max(self.k - SINCE_TICKS, 0) : self.k]
        alert = since.min(axis=0, initial=np.inf) < ALERT_S
        return (self.k - self.asked_at >= longest) | alert | self._others_changed()

    def ask(self, b: int, driver: SceneDriver) -> None:
        """Have a branch's driver decide."""
        scene = self._common if self.k == 0 else self._scene(b)
        decision = driver.drive_scene(scene, Observation(self.stamp_ns, (), self._ego(b), None, None))
        self.first.setdefault(b, decision)
        self.asked[b] += 1
        self.asked_at[b] = self.k
        self.meant[b] = self._means[b]
        self._new.append((b, decision))

    def drive(self, ticks: int) -> None:
        """Go on by so many ticks."""
        log, now = self.log, self.stamp_ns
        self._take_up()
        self.queues = [_acting(queue, now) for queue in self.queues]
        drive(
            *self.world.tables(int(self.seed[0])), self.table, self.world.users, self.world.density, self.seed,
            self.tick, self.clock_start_s, self.uid, self.z_m, now, ticks, knots_s(), _plans(self.queues), self.cars,
            _GAINS, _CONSTANTS, self.way, self.touching, self.caused,
            Log(*(part[self.k : self.k + ticks] for part in log)),
        )  # fmt: skip
        for k in range(self.k, self.k + ticks):
            stays = (log.standing[k] >= ticks_of(ARRIVED_S)) | (log.away_m[k] > OFF_ROUTE_M)
            for b in map(int, np.flatnonzero(stays & (self.lasts > k))):
                progress = Progress(log.s_m[k, b], 0.0, log.away_m[k, b], int(log.standing[k, b]))
                if progress.ended(self.ride.path):
                    self.lasts[b] = k + 1
        self.k += ticks

    def futures(self) -> Futures:
        start, log = self.ride.state, self.log

        def whole(first: np.ndarray | float, rest: np.ndarray) -> np.ndarray:
            return np.concatenate([np.broadcast_to(first, (1, *rest.shape[1:])), rest])

        car = start.vehicle
        return Futures(
            whole(car.pose[0], log.pose),
            whole(car.speed_mps[0], log.speed_mps),
            whole(car.acceleration_mps2[0], log.acceleration_mps2),
            whole(start.progress.s_m, log.s_m),
            self.lasts,
            log.touched,
            log.ttc_s,
            tuple(self.first[b] for b in range(self.count)),
            self.asked,
        )

    def _before(self) -> list[_Tracked]:
        """Return what was decided before the branches parted. Odometry has drifted since as it has."""
        start, out = self.ride.state, []
        for entry in start.queue:
            pose = compose(start.vehicle.pose[0], relative(start.odometry, entry.ego.odometry))
            plan, sense, profile, lamp = self._sensed(entry.decision, entry.ego.speed_mps)
            line = smoothed(plan.path * sense)
            out.append(_Tracked(entry.from_ns, entry.ego.stamp_ns, pose, line, profile, sense, lamp))
        return out

    def _take_up(self) -> None:
        """Queue what has just been decided."""
        acts_ns, motion = self.stamp_ns + self.ride.config.latency_ns, self.cars.motion
        found = [self._sensed(decision, float(motion[b, 3])) for b, decision in self._new]
        if found:
            lines = smoothed_each(np.stack([plan.path * sense for plan, sense, _, _ in found]))
            for (b, _), (_, sense, profile, lamp), line in zip(self._new, found, lines, strict=True):
                pose = motion[b, :3].copy()
                self.queues[b].append(_Tracked(acts_ns, self.stamp_ns, pose, line, profile, sense, lamp))
        self._new.clear()

    def _sensed(self, decision: Decision, speed_mps: float) -> tuple[Plan, float, np.ndarray, int]:
        plan = decision.plan
        sense = -1.0 if is_reverse(plan) else 1.0
        profile = np.concatenate([[speed_mps], plan.speed_mps]) * sense
        return plan, sense, profile, int(indicator_of(decision, self.route))

    def _meanings(self) -> np.ndarray:
        """Return (B, slots) what users can be seen to be about to do: the lane they are in, indicators, hands."""
        row = self.table.row.reshape(self.count, -1)
        shown = row["lane"].astype(np.int64) * len(Gesture) + row["gesture"]
        return 2 * (4 * shown + (row["lights"] >> 1)) + row["active"]

    def _others_changed(self) -> np.ndarray:
        """Return (B,) bool: whether somebody near, and not behind, means something else than at the last plan."""
        row, motion = self.table.row.reshape(self.count, -1), self.cars.motion
        dx, dy, yaw = row["x_m"] - motion[:, :1], row["y_m"] - motion[:, 1:2], motion[:, 2:3]
        near = (np.hypot(dx, dy) < CHANGES_M) & (dx * np.cos(yaw) + dy * np.sin(yaw) > -BEHIND_M)
        return ((self._means != self.meant) & near).any(axis=1)

    def _scene(self, b: int) -> Scene:
        ride, state = self.ride, self._state()
        assert ride.config.route is not None
        lanes = ride.path.lanes_from(float(self.cars.s_m[b]))
        return self.world.scene(state, b, self.stamp_ns, lanes, ride.config.route.goal_s_m, ride.config.conditions)

    def _colours(self) -> bytes:
        """Return what the signals of the way order now."""
        world, time_s = self.ride.world, float(self.tick[0]) * TICK_S
        seed, start_s = int(self.seed[0]), world.signals_start_s
        return lane_colour(world.town, time_s, seed, world.faults, start_s, self._signals).tobytes()

    def _state(self) -> WorldState:
        """Return the world's state now."""
        if self._seen is None or self._seen[0] != self.k:
            ego, motion = self.cars.ego, self.cars.motion
            yaw = ego[:, 2]
            x, y = ego[:, 0] - EGO_BODY.centre_x_m * np.cos(yaw), ego[:, 1] - EGO_BODY.centre_x_m * np.sin(yaw)
            lamp = ego[:, 5].astype(np.int8)
            now = Ego(x, y, self.z_m, yaw, ego[:, 3], motion[:, 4], ego[:, 4], motion[:, 7], lamp)
            users, minds = split(self.table, self.count)
            self._seen = (
                self.k,
                WorldState(self.seed, self.tick, self.uid, now, users, minds, self.touching, self.caused),
            )
        return self._seen[1]

    def _ego(self, b: int) -> EgoState:
        _, _, _, speed, acceleration, _, yaw_rate, steering = self.cars.motion[b].tolist()
        if self._odometry[0] != self.k:
            start = self.ride.state
            self._odometry = self.k, _carried(start.odometry, start.vehicle.pose[0], self.cars.motion[:, :3])
        return EgoState(self.stamp_ns, speed, acceleration, yaw_rate, steering, self._odometry[1][b])


def _carried(odometry: np.ndarray, start: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Return the odometry (B, 3) at poses (B, 3), for that at a start (3,), without drift. Read-only."""
    turned = odometry[2] - start[2]
    cos, sin = np.cos(turned), np.sin(turned)
    x, y = pose[:, 0] - start[0], pose[:, 1] - start[1]
    place = odometry[0] + cos * x - sin * y, odometry[1] + sin * x + cos * y
    out = np.column_stack([*place, wrap_angle(pose[:, 2] + turned)])
    out.flags.writeable = False
    return out


def _cars(car: VehicleState, ego: Ego, before: tuple[float, float], progress: Progress) -> Cars:
    """Return as many cars as there are egos, all of them this one."""
    count = len(ego.x_m)
    motion = np.concatenate(
        [
            car.pose[0],
            [car.speed_mps[0], car.acceleration_mps2[0], car.lateral_mps[0]],
            car.yaw_rate_radps,
            car.steering_rad,
        ]
    )
    yaw, ahead = ego.yaw_rad, EGO_BODY.centre_x_m
    columns = (
        ego.x_m + ahead * np.cos(yaw), ego.y_m + ahead * np.sin(yaw), yaw, ego.speed_mps, ego.yaw_rate_radps,
        ego.indicator,
    )  # fmt: skip
    return Cars(
        np.repeat(motion[None], count, axis=0),
        np.repeat(car.pending_rad, count, axis=0),
        np.repeat(car.reverse, count),
        np.stack(columns, axis=1).astype(np.float64),
        np.repeat(np.array([before], np.float64), count, axis=0),
        np.full(count, progress.s_m),
        np.full(count, progress.away_m),
        np.full(count, progress.standing, np.int64),
    )


def _acting(queue: list[_Tracked], stamp_ns: int) -> list[_Tracked]:
    """Return the queue (oldest first) without the plans that a newer one in force has replaced."""
    acting = [i for i, entry in enumerate(queue) if entry.from_ns <= stamp_ns]
    return queue[acting[-1] :] if acting else queue


def _plans(queues: list[list[_Tracked]]) -> Plans:
    most = max(1, *(len(queue) for queue in queues))
    some = next((queue[0] for queue in queues if queue), None)
    assert some is not None, "every driver is asked before it drives"
    shape = (most, len(queues))
    out = Plans(
        np.full(shape, NEVER_NS), np.zeros(shape, np.int64), np.zeros((*shape, 3)),
        np.zeros((*shape, *some.line.shape)), np.zeros((*shape, *some.profile.shape)), np.ones(shape), np.zeros(shape),
    )  # fmt: skip
    for b, queue in enumerate(queues):
        for p, plan in enumerate(queue):
            out.from_ns[p, b], out.stamp_ns[p, b], out.pose[p, b] = plan.from_ns, plan.stamp_ns, plan.pose
            out.line[p, b], out.profile[p, b] = plan.line, plan.profile
            out.sense[p, b], out.lamp[p, b] = plan.sense, plan.lamp
    return out
