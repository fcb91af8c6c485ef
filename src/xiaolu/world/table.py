"""Table: users and minds of all branches as flat arrays, the form in which compiled loops read and write them."""

from dataclasses import fields
from typing import NamedTuple

import numpy as np

from xiaolu.core.users import Users
from xiaolu.world.state import Minds


class Table(NamedTuple):
    """Fields of `Users` and `Minds`, (B * N,) each; slot i of branch b is at b * N + i. seen is (B * N, N + 1)."""

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
    haste: np.ndarray
    headway_s: np.ndarray
    reaction_s: np.ndarray
    attentive: np.ndarray
    offset_target_m: np.ndarray
    junctions: np.ndarray
    waited_s: np.ndarray
    parked: np.ndarray
    way: np.ndarray
    along_m: np.ndarray
    ran_red: np.ndarray
    seen: np.ndarray


_USERS = tuple(f.name for f in fields(Users))
_MINDS = tuple(f.name for f in fields(Minds))


def table_of(users: Users, minds: Minds) -> Table:
    """Return a copy of users and minds (B, N) that may be written to."""
    flat = {name: getattr(users, name).flatten() for name in _USERS}
    flat |= {name: getattr(minds, name).flatten() for name in _MINDS[:-1]}
    return Table(**flat, seen=minds.seen.reshape(-1, minds.seen.shape[-1]).copy())


def split(table: Table, branches: int) -> tuple[Users, Minds]:
    """Return users and minds (B, N), read-only views of the table."""
    for array in table:
        array.flags.writeable = False
    users = Users(*(getattr(table, name).reshape(branches, -1) for name in _USERS))
    minds = [getattr(table, name).reshape(branches, -1) for name in _MINDS[:-1]]
    return users, Minds(*minds, seen=table.seen.reshape(branches, -1, table.seen.shape[-1]))
