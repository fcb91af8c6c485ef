"""Road users as arrays. One table for all of them; leading shape (B, N) in the world, (N,) in a scene."""

from dataclasses import dataclass, fields
from enum import IntEnum
from operator import attrgetter

import numpy as np


class Kind(IntEnum):
    CAR = 0
    VAN = 1
    BUS = 2
    BICYCLE = 3
    E_BIKE = 4
    PEDESTRIAN = 5
    CHILD = 6
    OFFICER = 7
    WORKER = 8
    OBJECT = 9  # a thing on the road; which one is its style, a `Thing`


class Thing(IntEnum):
    """What an OBJECT is: its user's style."""

    CONE = 0
    BARRIER = 1
    BOX = 2
    CAR_DOOR = 3
    GATE_ARM = 4
    PROP = 5  # one of the town's own props that reaches into the road (a bollard, a stall): drawn with the town


VULNERABLE = (Kind.BICYCLE, Kind.E_BIKE, Kind.PEDESTRIAN, Kind.CHILD, Kind.OFFICER, Kind.WORKER)
ON_FOOT = (Kind.PEDESTRIAN, Kind.CHILD, Kind.OFFICER, Kind.WORKER)


class Gesture(IntEnum):
    """What arms do. Motion over time comes from gesture_s, the seconds since it began.

    STOP to SLOW_DOWN, PULL_OVER and BECKON are anybody's; PADDLE_* a road worker's with a sign in hand; POLICE_* the
    eight commands of Chinese traffic police (in force since October 2007), which bind by where the officer faces.
    """

    NONE = 0
    WALK = 1
    STOP = 2
    GO = 3
    SLOW_DOWN = 4
    HAIL = 5
    PHONE = 6
    WAVE = 7
    PULL_OVER = 8
    BECKON = 9
    THANK = 10
    POINT = 11
    READ_PHONE = 12
    CARRY = 13
    UMBRELLA = 14
    PADDLE_STOP = 15
    PADDLE_SLOW = 16
    PADDLE_GO = 17
    POLICE_STOP = 18
    POLICE_STRAIGHT = 19
    POLICE_LEFT = 20
    POLICE_LEFT_WAITING = 21
    POLICE_RIGHT = 22
    POLICE_CHANGE_LANE = 23
    POLICE_SLOW = 24
    POLICE_PULL_OVER = 25


@dataclass(frozen=True, slots=True)
class Users:
    """Road users, world frame. (x, y) is the middle of the outline, yaw where the body points, speed along it.

    uid: identity, never reused in a ride; -1 in an empty slot. lane: index into the town's lanes, -1 for a user on
    none (a parked car). s_m: along that lane; offset_m: left of its centre line. style: picks colour, clothes, model.
    stride_rad: phase of the walk or the pedals. lights: bit 0 brake, bit 1 left, bit 2 right indicator.
    """

    uid: np.ndarray
    active: np.ndarray
    kind: np.ndarray
    x_m: np.ndarray
    y_m: np.ndarray
    z_m: np.ndarray
    yaw_rad: np.ndarray
    speed_mps: np.ndarray
    acceleration_mps2: np.ndarray
    yaw_rate_radps: np.ndarray
    length_m: np.ndarray
    width_m: np.ndarray
    height_m: np.ndarray
    lane: np.ndarray
    s_m: np.ndarray
    offset_m: np.ndarray
    style: np.ndarray
    gesture: np.ndarray
    gesture_s: np.ndarray
    stride_rad: np.ndarray
    lights: np.ndarray

    def __getitem__(self, index) -> "Users":
        """Return the same table indexed along its leading axes, e.g. one branch, or the active users of a scene."""
        return Users(*[column[index] for column in _COLUMNS(self)])

    def __len__(self) -> int:
        return len(self.uid)


_COLUMNS = attrgetter(*Users.__slots__)
USER_DTYPES = {
    "uid": np.int64,
    "active": np.bool_,
    "kind": np.int8,
    "lane": np.int32,
    "style": np.int32,
    "gesture": np.int8,
    "lights": np.int8,
}


def empty_users(*shape: int) -> Users:
    """Return a table of empty slots; writable, for building the next one."""
    table: dict[str, np.ndarray] = {f.name: np.zeros(shape, USER_DTYPES.get(f.name, np.float64)) for f in fields(Users)}
    table["uid"] -= 1
    table["lane"] -= 1
    return Users(**table)
