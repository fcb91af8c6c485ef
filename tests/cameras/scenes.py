"""Scenes by hand for the cameras' tests."""

import numpy as np

from xiaolu.core.conditions import SUN, Conditions
from xiaolu.core.decision import LampColour
from xiaolu.core.scene import Scene
from xiaolu.core.users import Kind, Users, empty_users
from xiaolu.world.town import Town

SIZE_M = {
    Kind.CAR: (4.6, 1.85, 1.5),
    Kind.VAN: (5.3, 1.95, 2.1),
    Kind.BUS: (10.5, 2.5, 3.1),
    Kind.BICYCLE: (1.75, 0.6, 1.72),
    Kind.E_BIKE: (1.8, 0.7, 1.65),
    Kind.PEDESTRIAN: (0.4, 0.5, 1.72),
    Kind.CHILD: (0.35, 0.4, 1.2),
    Kind.OFFICER: (0.4, 0.5, 1.75),
    Kind.WORKER: (0.4, 0.5, 1.74),
    Kind.OBJECT: (0.7, 0.7, 1.1),
}


def users_of(rows: list[dict], slots: int = 40) -> Users:
    """Return a table; each row names a kind and any of the table's columns. uid is 1000 + its place, unless given."""
    users = empty_users(slots)
    for slot, row in enumerate(rows):
        users.uid[slot], users.active[slot], users.kind[slot] = 1000 + slot, True, row["kind"]
        users.length_m[slot], users.width_m[slot], users.height_m[slot] = SIZE_M[row["kind"]]
        for name, value in row.items():
            getattr(users, name)[slot] = value
    return users


def scene_of(
    town: Town,
    pose: tuple[float, float, float],
    rows: list[dict] | None = None,
    conditions: Conditions = SUN,
    stamp_ns: int = 0,
    lamp: LampColour = LampColour.RED,
    countdown_s: float = np.nan,
    z_m: float = 0.0,
    seed: int = 1,
    speed_mps: float = 0.0,
) -> Scene:
    """Return a scene with the ego's rear axle at pose, and all signals showing one lamp."""
    users = users_of(rows or [])
    none = np.zeros(len(users), bool)
    heads = len(town.head_lane)
    return Scene(
        stamp_ns=stamp_ns,
        seed=seed,
        town="test",
        ego_pose=np.array(pose, float),
        ego_z_m=z_m,
        ego_speed_mps=speed_mps,
        ego_acceleration_mps2=0.0,
        ego_yaw_rate_radps=0.0,
        ego_steering_rad=0.0,
        ego_indicator=0,
        users=users,
        visible=none,
        touching=none,
        caused_by_user=none,
        signal_colour=np.full(heads, lamp, np.int8),
        signal_countdown_s=np.full(heads, countdown_s),
        route_lanes=np.zeros(1, np.int32),
        goal_s_m=0.0,
        conditions=conditions,
    )
