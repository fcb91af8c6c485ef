"""A tiny closed loop for the teacher: the real vehicle and tracker, users that stand or move by a rule of the test."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xiaolu.core.conditions import SUN
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Decision
from xiaolu.core.frames import relative
from xiaolu.core.observation import EgoState, Observation
from xiaolu.core.rates import TICK_NS, TICK_S
from xiaolu.core.scene import Scene
from xiaolu.core.users import Kind, Users, empty_users
from xiaolu.vehicle.dynamics import advance, start
from xiaolu.vehicle.tracker import Tracker
from xiaolu.world.routing import RoutePlan
from xiaolu.world.signals import head_states
from xiaolu.world.town import Town

BODY_OF = {Kind.CAR: (4.6, 1.82, 1.5), Kind.PEDESTRIAN: (0.4, 0.5, 1.7), Kind.BICYCLE: (1.75, 0.6, 1.7)}
BODY_OF |= {Kind.OFFICER: BODY_OF[Kind.PEDESTRIAN], Kind.WORKER: BODY_OF[Kind.PEDESTRIAN]}
BODY_OF |= {Kind.VAN: (5.2, 1.92, 2.0), Kind.CHILD: (0.35, 0.4, 1.2)}


@dataclass(frozen=True)
class Trace:
    """The ego, a row a tick: stamp_s, pose (T, 3), speed, acceleration; the decisions; the users' tables."""

    time_s: np.ndarray
    pose: np.ndarray
    speed_mps: np.ndarray
    acceleration_mps2: np.ndarray
    decisions: list[Decision]
    users: list[Users]

    @property
    def front(self) -> np.ndarray:
        heading = np.stack([np.cos(self.pose[:, 2]), np.sin(self.pose[:, 2])], axis=1)
        return self.pose[:, :2] + EGO_BODY.front_x_m * heading

    @property
    def boxes(self) -> np.ndarray:
        """Outlines (T, 5) of the ego."""
        heading = np.stack([np.cos(self.pose[:, 2]), np.sin(self.pose[:, 2])], axis=1)
        middle = self.pose[:, :2] + EGO_BODY.centre_x_m * heading
        size = np.broadcast_to([EGO_BODY.length_m, EGO_BODY.width_m], (len(middle), 2))
        return np.concatenate([middle, self.pose[:, 2:], size], axis=1)


def people(*rows: tuple) -> Users:
    """Return users from rows (kind, x, y, yaw, speed[, lane, s, offset])."""
    table = empty_users(max(len(rows), 1))
    for k, (kind, x, y, yaw, speed, *place) in enumerate(rows):
        table.uid[k], table.active[k], table.kind[k] = k + 1, True, kind
        table.x_m[k], table.y_m[k], table.yaw_rad[k], table.speed_mps[k] = x, y, yaw, speed
        table.length_m[k], table.width_m[k], table.height_m[k] = BODY_OF[kind]
        if place:
            table.lane[k], table.s_m[k], table.offset_m[k] = place
    return table


def scene_of(town: Town, route: RoutePlan, tick: int, pose, speed=0.0, users=None, **more) -> Scene:
    """Return a scene in which everybody is visible."""
    users = people() if users is None else users
    colour, countdown = head_states(town, tick * TICK_S)
    fields = {"acceleration": 0.0, "yaw_rate": 0.0, "steering": 0.0, **more}
    return Scene(
        tick * TICK_NS,
        0,
        "test",
        np.asarray(pose, float),
        0.0,
        float(speed),
        fields["acceleration"],
        fields["yaw_rate"],
        fields["steering"],
        0,
        users,
        users.active.copy(),
        np.zeros(len(users), bool),
        np.zeros(len(users), bool),
        fields.get("colour", colour),
        fields.get("countdown", countdown),
        route.lanes,
        route.goal_s_m,
        SUN,
    )


def drive(
    teacher, pose, seconds: float, users: Callable[[float], Users] | None = None, speed: float = 0.0, **more
) -> Trace:
    """Let the teacher drive from a pose; users: a function of time."""
    vehicle, tracker = start(np.asarray([pose], float), speed), Tracker()
    rows, decisions, tables = [], [], []
    in_force = None
    for tick in range(round(seconds / TICK_S)):
        now = vehicle.pose[0]
        odometry = relative(np.asarray(pose, float), now)
        ego = EgoState(
            tick * TICK_NS,
            float(vehicle.speed_mps[0]),
            float(vehicle.acceleration_mps2[0]),
            float(vehicle.yaw_rate_radps[0]),
            float(vehicle.steering_rad[0]),
            odometry,
        )
        table = people() if users is None else users(tick * TICK_S)
        scene = scene_of(
            teacher.town,
            teacher.route,
            tick,
            now,
            ego.speed_mps,
            table,
            acceleration=ego.acceleration_mps2,
            yaw_rate=ego.yaw_rate_radps,
            steering=ego.steering_rad,
            **more,
        )
        decision = teacher.drive_scene(scene, Observation(tick * TICK_NS, (), ego))
        rows.append([tick * TICK_S, *now, ego.speed_mps, ego.acceleration_mps2])
        decisions.append(decision)
        tables.append(table)
        plan, planned_at = in_force or (decision.plan, ego)
        control = tracker.control(plan, planned_at, ego, (tick + 2) * TICK_NS)
        in_force = decision.plan, ego
        vehicle, _ = advance(vehicle, [control])
    table_of = np.array(rows)
    return Trace(table_of[:, 0], table_of[:, 1:4], table_of[:, 4], table_of[:, 5], decisions, tables)
