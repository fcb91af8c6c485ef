"""Futures of one moment of a ride, driven side by side: one step of world and cars for all of them.

Every driver is asked on every `every`-th tick; its plan is tracked in between, as a ride with `driver_every` does.
What a ride has and these have not: a guardian, ranges, a passenger, drift in the odometry; the phone stays as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xiaolu.core.control import Control
from xiaolu.core.decision import Decision
from xiaolu.core.frames import wrap_angle
from xiaolu.core.observation import EgoState, Observation, Route
from xiaolu.core.protocols import SceneDriver
from xiaolu.core.rates import TICK_NS
from xiaolu.core.scene import Scene
from xiaolu.ride.progress import Progress, progress_after
from xiaolu.ride.ride import InForce, Ride, acting
from xiaolu.runtime.lamps import indicator_of
from xiaolu.vehicle.dynamics import VehicleState, advance
from xiaolu.vehicle.tracker import Tracker
from xiaolu.world.state import WorldState, fork


@dataclass(frozen=True, slots=True)
class Futures:
    """B branches over T ticks; row 0 is the common start. pose (T + 1, B, 3): rear axle, world; speed_mps,
    acceleration_mps2 (T + 1, B); progress_m (T + 1, B) along the way; lasts (B,): ticks until a branch's ride ended (T:
    it did not). states (T + 1): the world's; first (B,): what each driver decided at the start."""

    pose: np.ndarray
    speed_mps: np.ndarray
    acceleration_mps2: np.ndarray
    progress_m: np.ndarray
    lasts: np.ndarray
    states: tuple[WorldState, ...]
    first: tuple[Decision, ...]


def futures(ride: Ride, drivers: Sequence[SceneDriver], ticks: int, every: int) -> Futures:
    """Return what comes of each driver at the wheel from the present moment of a ride, which goes on untouched.

    Raises ValueError for a ride that has ended.
    """
    if ride.done:
        raise ValueError(f"futures: the ride has ended ({ride.state.end}), nothing can be driven from here")
    count, start = len(drivers), ride.state
    world = fork(start.world, 0, count)
    car = _repeated(start.vehicle, count)
    trackers = [Tracker() for _ in drivers]
    for tracker in trackers:
        tracker.restore(ride.tracker.snapshot())
    route = None if ride.config.route_absent else start.phone.route
    queues = [start.queue] * count
    progress = [start.progress] * count
    lasts = np.full(count, ticks)
    first: list[Decision] = []
    cars, states, along = [car], [world], [np.full(count, start.progress.s_m)]
    for k in range(ticks):
        stamp_ns = ride.stamp_ns + k * TICK_NS
        odometry = _carried(start.odometry, start.vehicle.pose[0], car.pose)
        egos = [_ego(car, b, stamp_ns, odometry[b]) for b in range(count)]
        if k % every == 0:
            for b in map(int, np.flatnonzero(lasts > k)):
                scene = _scene(ride, world, b, stamp_ns, progress[b])
                decision = drivers[b].drive_scene(scene, Observation(stamp_ns, (), egos[b], None, None))
                queues[b] = (*queues[b], InForce(decision, egos[b], stamp_ns + ride.config.latency_ns))
                if k == 0:
                    first.append(decision)
        queues = [acting(queue, stamp_ns) for queue in queues]
        controls = [_control(trackers[b], queues[b], egos[b], route) for b in range(count)]
        car, motion = advance(car, controls)
        world = ride.world.step(world, motion)
        progress = progress_after(ride.path, progress, car.pose, car.speed_mps)
        lasts = np.where((lasts > k) & [bool(p.ended(ride.path)) for p in progress], k + 1, lasts)
        cars.append(car)
        states.append(world)
        along.append(np.array([p.s_m for p in progress]))
    return Futures(
        np.stack([c.pose for c in cars]),
        np.stack([c.speed_mps for c in cars]),
        np.stack([c.acceleration_mps2 for c in cars]),
        np.stack(along),
        lasts,
        tuple(states),
        tuple(first),
    )


def _repeated(state: VehicleState, count: int) -> VehicleState:
    return VehicleState(*(np.repeat(getattr(state, name), count, axis=0) for name in VehicleState.__slots__))


def _carried(odometry: np.ndarray, start: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Return the odometry (B, 3) at poses (B, 3), for that at a start (3,), without drift."""
    turned = odometry[2] - start[2]
    cos, sin = np.cos(turned), np.sin(turned)
    x, y = pose[:, 0] - start[0], pose[:, 1] - start[1]
    place = odometry[0] + cos * x - sin * y, odometry[1] + sin * x + cos * y
    return np.column_stack([*place, wrap_angle(pose[:, 2] + turned)])


def _ego(car: VehicleState, branch: int, stamp_ns: int, odometry: np.ndarray) -> EgoState:
    return EgoState(
        stamp_ns,
        float(car.speed_mps[branch]),
        float(car.acceleration_mps2[branch]),
        float(car.yaw_rate_radps[branch]),
        float(car.steering_rad[branch]),
        odometry,
    )


def _scene(ride: Ride, world: WorldState, branch: int, stamp_ns: int, progress: Progress) -> Scene:
    assert ride.config.route is not None
    lanes = ride.path.lanes_from(progress.s_m)
    return ride.world.scene(world, branch, stamp_ns, lanes, ride.config.route.goal_s_m, ride.config.conditions)


def _control(tracker: Tracker, queue: tuple[InForce, ...], ego: EgoState, route: Route | None) -> Control:
    until_ns = ego.stamp_ns + TICK_NS
    if not queue or queue[0].from_ns > ego.stamp_ns:
        return Control(0.0, -1.0, until_ns)  # nothing has been decided yet: stand still
    chosen = queue[0]
    control = tracker.control(chosen.decision.plan, chosen.ego, ego, until_ns)
    return replace(control, indicator=indicator_of(chosen.decision, route))
