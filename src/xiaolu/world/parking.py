"""Parking: which of a town's parked cars, and of the props that stand in its roads, are there around the ego."""

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from xiaolu.core.chance import Purpose
from xiaolu.core.users import Kind, Thing
from xiaolu.world.contact import boxes_meet
from xiaolu.world.draws import draw
from xiaolu.world.spawn import ROOM_M, ROOM_S
from xiaolu.world.standing import standing_of
from xiaolu.world.table import clear_slot
from xiaolu.world.temper import HEIGHT_M, LENGTH_M, WIDTH_M
from xiaolu.world.town import PropKind, Town

LEAST_PARKED_SLOTS, MOST_PARKED_SLOTS = 24, 40  # for parked cars and props in the road; villages need the most
PROP_AWAY = 2.0  # a prop counts as so much further away: it is drawn with the town, and matters only near the ego
PARKED_SHARE = 0.6
PARKED_M = 85.0
PARKED_AHEAD_M = 20.0
PARKED_CLEAR_M = 7.0  # none stands nearer than this where a ride begins
PARKED_HIDDEN_M = 40.0  # they come and go no nearer than this
PARKED_UID = 1 << 40  # a parked car's identity is this plus its prop's index: the same whenever one comes by

_PARKING = int(Purpose.PARKING)
_CAR, _VAN, _OBJECT = int(Kind.CAR), int(Kind.VAN), int(Kind.OBJECT)


class Parking(NamedTuple):
    """Places where a car may stand, and props that stand in the road, (n,) each: prop index, x, y, z, yaw, style.

    length, width, height: of a prop, which is always there; 0 where it is a car that is drawn by chance.
    """

    prop: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    yaw: np.ndarray
    style: np.ndarray
    length: np.ndarray
    width: np.ndarray
    height: np.ndarray


def parking_of(town: Town) -> Parking:
    """Return a town's parking places; their height is the ground's, 0 on layer 0."""
    cars = np.flatnonzero((town.prop_kind == PropKind.PARKED_CAR) & (town.prop_layer == 0)).astype(np.int64)
    standing, size = standing_of(town)
    prop = np.concatenate([cars, standing])
    pose = np.asarray(town.prop_pose, np.float64).reshape(-1, 3)[prop]
    x, y, yaw = (np.ascontiguousarray(pose[:, n]) for n in range(3))
    style = np.concatenate([town.prop_style[cars].astype(np.int64), np.full(len(standing), int(Thing.PROP))])
    size = np.concatenate([np.zeros((len(cars), 3)), size])
    length, width, height = (np.ascontiguousarray(size[:, n]) for n in range(3))
    return Parking(prop, x, y, np.zeros(len(prop)), yaw, style, length, width, height)


def parked_slots(parking: Parking) -> int:
    """Return how many slots a town needs so that all that is parked near is there, at nine of ten of its places."""
    if not len(parking.prop):
        return LEAST_PARKED_SLOTS
    where = np.stack([parking.x, parking.y], axis=-1)
    prop = parking.length > 0.0
    needed = np.zeros(len(where))
    for members, share, reach_m in ((~prop, PARKED_SHARE, PARKED_M), (prop, 1.0, PARKED_M / PROP_AWAY)):
        if members.any():
            needed += share * cKDTree(where[members]).query_ball_point(where, reach_m, return_length=True)
    return int(np.clip(np.ceil(np.percentile(needed, 90)), LEAST_PARKED_SLOTS, MOST_PARKED_SLOTS))


def without(parking: Parking, circles: np.ndarray) -> Parking:
    """Return the places of cars outside all circles (K, 3) x, y, radius, and all props."""
    if not len(circles):
        return parking
    dx, dy = parking.x[:, None] - circles[:, 0], parking.y[:, None] - circles[:, 1]
    free = (dx**2 + dy**2 > circles[:, 2] ** 2).all(axis=1) | (parking.length > 0.0)
    return Parking(*(np.ascontiguousarray(column[free]) for column in parking))


@njit(cache=True)
def _comes_by(row, parking, n):
    """Return whether a user is about to drive where something would stand."""
    long = parking.length[n] if parking.length[n] > 0.0 else LENGTH_M[_CAR] * 1.03
    wide = parking.width[n] if parking.length[n] > 0.0 else WIDTH_M[_CAR]
    reach = 0.5 * (long + wide + row.length_m + row.width_m) + 2.0 * ROOM_M + 2.0 * ROOM_S * abs(row.speed_mps)
    if abs(row.x_m - parking.x[n]) > reach or abs(row.y_m - parking.y[n]) > reach:
        return False
    ahead = 2.0 * ROOM_S * row.speed_mps
    return boxes_meet(
        parking.x[n], parking.y[n], parking.yaw[n], 0.5 * long + 2.0 * ROOM_M, 0.5 * wide + 2.0 * ROOM_M, row.x_m,
        row.y_m, row.yaw_rad, 0.5 * row.length_m, 0.5 * row.width_m, ahead * np.cos(row.yaw_rad),
        ahead * np.sin(row.yaw_rad),
    )  # fmt: skip


@njit(cache=True)
def _nearest_place(parking, table, o, users, slots, seed, x, y, ego_x, ego_y, initial):
    """Return (index, distance) of the occupied parking place nearest to (x, y) that no slot shows yet, -1 if none.

    Props are taken to be PROP_AWAY times as far.
    """
    best, least = -1, PARKED_M
    for n in range(len(parking.prop)):
        always = parking.length[n] > 0.0
        away = np.hypot(parking.x[n] - x, parking.y[n] - y) * (PROP_AWAY if always else 1.0)
        if away >= least or (not always and draw(seed, parking.prop[n], 0, _PARKING, 0) >= PARKED_SHARE):
            continue
        near = np.hypot(parking.x[n] - ego_x, parking.y[n] - ego_y)
        if near < (PARKED_CLEAR_M if initial else PARKED_HIDDEN_M):
            continue
        taken = False
        for i in range(slots):
            row = table.row[o + i]
            shown = i >= users and row.uid == PARKED_UID + parking.prop[n]
            taken = taken or shown or (row.active and i < users and _comes_by(row, parking, n))
        if not taken:
            best, least = n, away
    return best, least


@njit(cache=True)
def _place_parked(parking, table, o, i, slots, seed, n):
    prop, u = parking.prop[n], o + i
    row = table.row[u]
    row.uid, row.active, row.parked, row.way = PARKED_UID + prop, True, True, prop
    row.kind = _VAN if draw(seed, prop, 0, _PARKING, 1) < 0.08 else _CAR
    row.x_m, row.y_m, row.z_m, row.yaw_rad = parking.x[n], parking.y[n], parking.z[n], parking.yaw[n]
    size = 0.97 + 0.06 * draw(seed, prop, 0, _PARKING, 2)
    row.length_m, row.width_m, row.height_m = LENGTH_M[row.kind] * size, WIDTH_M[row.kind], HEIGHT_M[row.kind] * size
    if parking.length[n] > 0.0:
        row.kind = _OBJECT
        row.length_m, row.width_m, row.height_m = parking.length[n], parking.width[n], parking.height[n]
    row.style = np.int32(parking.style[n])
    row.lane, row.s_m, row.offset_m, row.lights = -1, 0.0, 0.0, 0
    row.speed_mps, row.acceleration_mps2, row.yaw_rate_radps = 0.0, 0.0, 0.0
    for j in range(slots):
        table.seen[o + j, i] = 100


@njit(cache=True)
def park(parking, table, o, users, slots, seed, ego, initial):
    """Show the parked cars nearest to a point a little ahead of the ego (3,), in the slots after the users'.

    During the ride (not initial) they appear no nearer than 40 m.
    """
    x, y = ego[0] + PARKED_AHEAD_M * np.cos(ego[2]), ego[1] + PARKED_AHEAD_M * np.sin(ego[2])
    for _ in range(slots - users if initial else 2):
        n, away = _nearest_place(parking, table, o, users, slots, seed, x, y, ego[0], ego[1], initial)
        if n < 0:
            return
        slot, farthest = -1, away + 10.0
        for i in range(users, slots):
            row = table.row[o + i]
            far = np.hypot(row.x_m - x, row.y_m - y) if row.active else np.inf
            far *= PROP_AWAY if row.kind == _OBJECT else 1.0
            if far > farthest and (not row.active or np.hypot(row.x_m - ego[0], row.y_m - ego[1]) > PARKED_HIDDEN_M):
                slot, farthest = i, far
        if slot < 0:
            return
        clear_slot(table, o + slot, slot, o, slots)
        _place_parked(parking, table, o, slot, slots, seed, n)
