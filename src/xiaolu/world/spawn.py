"""Spawning: who moves about the ego. Users appear and vanish out of the ego's sight, or far away."""

from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose
from xiaolu.core.users import Kind
from xiaolu.world.contact import boxes_meet
from xiaolu.world.draws import draw, draw_normal
from xiaolu.world.looking import FORGET_Z_M
from xiaolu.world.motion import place_on_way
from xiaolu.world.paths import ease, keep_of
from xiaolu.world.sight import first_wall
from xiaolu.world.table import clear_slot
from xiaolu.world.temper import (
    ALIKE,
    HASTE,
    HEADWAY_S,
    HEADWAY_SPREAD_S,
    HEIGHT_M,
    INATTENTIVE_SHARE,
    LENGTH_M,
    MARGIN_SPREAD_S,
    ON_FOOT,
    OWN_SPEED_MPS,
    ROOM_SPREAD,
    SPEED_SPREAD,
    TWO_WHEELER,
    VIGOUR_SPREAD,
    WIDTH_M,
)
from xiaolu.world.town import LaneKind, RoadClass
from xiaolu.world.ways import Ways

RADIUS_M = 120.0  # users live within this distance of the ego
LEAVE_M = 135.0  # and go when they are further away than this
HIDDEN_M = 90.0  # from here on they may appear in plain sight
CLEAR_M = 12.0  # at the start of a ride nobody is nearer than this
ROOM_M, ROOM_S = 0.4, 1.5  # a newcomer is this far from everybody, and stays so for so long if all go straight on
AGAINST_SHARE = 0.1  # of the riders on a road come against its flow, tuned by eye

_CELL_M = 40.0
_SPACING_M = 2.0
# Users per km of way by road class, motorway first, at density 1: vehicles on drive lanes, people on footways.
_VEHICLES_PER_KM = np.array([18.0, 18.0, 16.0, 14.0, 12.0, 9.0, 6.0, 3.0])
_PEOPLE_PER_KM = 16.0
_TWO_WHEELERS_PER_KM = 4.0
_KINDS_MIX = np.array([0.55, 0.15, 0.30])  # of slots: cars, vans and buses; two-wheelers; people

_SPAWN, _KIND, _SHAPE, _TEMPER = int(Purpose.SPAWN), int(Purpose.KIND), int(Purpose.SHAPE), int(Purpose.TEMPER)
_REACTION, _LATERAL, _STYLE = int(Purpose.REACTION), int(Purpose.LATERAL), int(Purpose.STYLE)
_CAR, _VAN, _BUS, _BICYCLE, _E_BIKE = (int(k) for k in (Kind.CAR, Kind.VAN, Kind.BUS, Kind.BICYCLE, Kind.E_BIKE))
_PEDESTRIAN, _CHILD = int(Kind.PEDESTRIAN), int(Kind.CHILD)
_SECONDARY = int(RoadClass.SECONDARY)


class Spots(NamedTuple):
    """Where users may appear: points every 2 m of way, for each of three groups (vehicles, two-wheelers, people).

    start (3, cells + 1) into way, s; share (n,): the density there over the group's greatest; per_point (3,): users
    a point stands for at that greatest density.
    """

    low_x: float
    low_y: float
    columns: int
    rows: int
    start: np.ndarray
    way: np.ndarray
    s: np.ndarray
    x: np.ndarray
    y: np.ndarray
    share: np.ndarray
    per_point: np.ndarray


def spots_of(ways: Ways) -> Spots:
    """Return the spots of a town's ways."""
    way_table, points = ways.way, ways.point
    kind, junction, road, length = (way_table[name] for name in ("kind", "junction", "road", "length"))
    drive = (kind == LaneKind.DRIVE) & (junction < 0)
    onward = ~way_table["dead"] if (drive & ~way_table["dead"]).any() else np.ones(len(way_table), bool)
    drive &= onward
    vehicles = np.where(drive, _VEHICLES_PER_KM[road] * ease(way_table["free"]), 0.0)
    slow_road = (road >= _SECONDARY) & drive
    cycle = (kind == LaneKind.CYCLE) & (junction < 0) & onward
    against = cycle & way_table["back"]
    wheels = np.where(cycle & ~against, 3.0, 0.0) + np.where(slow_road, 1.0, 0.0)
    wheels += np.where(against, AGAINST_SHARE, 0.0)
    people = np.where((kind == LaneKind.FOOT) & (junction < 0) & ~way_table["on_road"], 0.5 * _PEOPLE_PER_KM, 0.0)
    densities = (vehicles, wheels * _TWO_WHEELERS_PER_KM, people)
    low_x, low_y = float(points["x"].min()), float(points["y"].min())
    columns, rows = int((points["x"].max() - low_x) / _CELL_M) + 1, int((points["y"].max() - low_y) / _CELL_M) + 1
    starts, parts, base = [], [], 0
    per_point = np.zeros(3)
    for group, density in enumerate(densities):
        chosen = np.flatnonzero((density > 0) & (length > 3.0))
        counts = np.maximum((way_table["length"][chosen] / _SPACING_M).astype(np.int64), 1)
        way = np.repeat(chosen, counts)
        s = (np.arange(len(way)) - np.repeat(np.cumsum(counts) - counts, counts) + 0.5) * _SPACING_M
        s = np.minimum(s, way_table["length"][way] - 0.5)
        point = way_table["start"][way] + np.minimum(
            (s / way_table["spacing"][way]).astype(np.int64), (way_table["end"] - way_table["start"])[way] - 1
        )
        x, y = points["x"][point], points["y"][point]
        cell = ((y - low_y) / _CELL_M).astype(np.int64) * columns + ((x - low_x) / _CELL_M).astype(np.int64)
        order = np.argsort(cell, kind="stable")
        starts.append(np.searchsorted(cell[order], np.arange(columns * rows + 1)) + base)
        greatest = float(density.max()) if len(chosen) else 1.0
        per_point[group] = greatest * _SPACING_M / 1000.0
        parts.append((way[order], s[order], x[order], y[order], density[way[order]] / greatest))
        base += len(way)
    way, s, x, y, share = (np.concatenate([part[n] for part in parts]) for n in range(5))
    return Spots(low_x, low_y, columns, rows, np.stack(starts).astype(np.int64), way, s, x, y, share, per_point)


@njit(cache=True)
def _wanted(spots, ego_x, ego_y, users, density):
    """Return how many users of each group the surroundings call for, (3,), within the slots there are."""
    wanted = np.zeros(3)
    for group in range(3):
        for row in range(spots.rows):
            y = spots.low_y + (row + 0.5) * _CELL_M
            if abs(y - ego_y) > RADIUS_M:
                continue
            for column in range(spots.columns):
                x = spots.low_x + (column + 0.5) * _CELL_M
                if (x - ego_x) ** 2 + (y - ego_y) ** 2 > RADIUS_M**2:
                    continue
                cell = row * spots.columns + column
                first, last = spots.start[group, cell], spots.start[group, cell + 1]
                if last > first:
                    wanted[group] += (last - first) * spots.per_point[group] * spots.share[(first + last) // 2]
        wanted[group] *= density
    total = wanted.sum()
    if total > users:
        # Too few slots: share them out by the mix, what one group cannot use going to the others.
        left = float(users)
        for _ in range(3):
            open_mix = 0.0
            for group in range(3):
                open_mix += _KINDS_MIX[group]
            for group in range(3):
                wanted[group] = min(wanted[group], users * _KINDS_MIX[group] / open_mix)
        left = users - wanted.sum()
        wanted[0] += left if wanted[0] > 0.0 else 0.0
    return wanted


@njit(cache=True)
def _seen_by_ego(walls, ego_x, ego_y, x, y):
    return first_wall(walls, ego_x, ego_y, x, y, 1.0) > 1.0


@njit(cache=True)
def _empty_slot(table, o, first, last):
    for i in range(first, last):
        if not table.row[o + i].active:
            return i
    return -1


@njit(cache=True)
def _clear_of_others(table, o, slots, x, y, z, yaw, kind, half, speed, ego_x, ego_y, ego_z):
    """Return whether a new user has room: no body near it, and none so close ahead or behind that one must brake."""
    near = 0.6 if ON_FOOT[kind] else half + 4.0 + 1.2 * speed
    aside = 0.5 if ON_FOOT[kind] else 1.8
    braking = 0.0 if ON_FOOT[kind] else speed * speed / 3.0
    c, s = np.cos(yaw), np.sin(yaw)
    for j in range(slots + 1):
        if j < slots:
            other = table.row[o + j]
            if not other.active or abs(other.z_m - z) > FORGET_Z_M:
                continue
            dx, dy, reach = other.x_m - x, other.y_m - y, 0.5 * other.length_m
            behind = 0.0 if other.parked or ON_FOOT[other.kind] else 1.2 * other.speed_mps
        else:
            if abs(ego_z - z) > FORGET_Z_M:
                continue
            dx, dy, reach, behind = ego_x - x, ego_y - y, 3.0, 15.0
        along = dx * c + dy * s
        if -near - reach - behind < along < near + reach + braking and abs(-dx * s + dy * c) < aside + min(reach, 2.6):
            return False
    return True


@njit(cache=True)
def _draw_kind(group, seed, uid):
    chance = draw(seed, uid, 0, _KIND, 0)
    if group == 0:
        return _CAR if chance < 0.90 else (_VAN if chance < 0.97 else _BUS)
    if group == 1:
        return _E_BIKE if chance < 0.7 else _BICYCLE
    return _PEDESTRIAN if chance < 0.9 else _CHILD


@njit(cache=True)
def _alike(hurry, seed, uid, index):
    """Return a normal draw for a user that goes along with its hurry, itself one."""
    return ALIKE * hurry + np.sqrt(1.0 - ALIKE * ALIKE) * draw_normal(seed, uid, 0, _TEMPER, index)


@njit(cache=True)
def _settle(ways, table, o, i, slots, uid, kind, way, s, seed):
    """Put a new user into a slot: body and temper drawn from its uid, place from the spot."""
    u = o + i
    size = 1.0 + 0.04 * min(max(draw_normal(seed, uid, 0, _SHAPE, 0), -2.0), 2.0)
    table.row[u].uid, table.row[u].active, table.row[u].kind, table.row[u].parked = uid, True, kind, False
    table.row[u].length_m = LENGTH_M[kind] * size
    table.row[u].width_m = WIDTH_M[kind] * (1.0 + 0.4 * (size - 1.0))
    table.row[u].height_m = HEIGHT_M[kind] * size
    table.row[u].style = np.int32(draw(seed, uid, 0, _STYLE, 0) * 2147483647)
    # Who is in a hurry is so in all it does, more or less.
    hurry = draw_normal(seed, uid, 0, _TEMPER, 0)
    table.row[u].haste = min(max(HASTE + SPEED_SPREAD[kind] * hurry, 0.7), 1.3)
    table.row[u].headway_s = min(max(HEADWAY_S + HEADWAY_SPREAD_S * _alike(-hurry, seed, uid, 1), 0.6), 2.4)
    table.row[u].vigour = min(max(np.exp(VIGOUR_SPREAD * _alike(hurry, seed, uid, 2)), 0.65), 1.5)
    table.row[u].margin_s = min(max(1.0 + MARGIN_SPREAD_S * _alike(-hurry, seed, uid, 3), 0.4), 1.8)
    table.row[u].room = min(max(1.3 * np.exp(ROOM_SPREAD * _alike(-hurry, seed, uid, 4)), 0.7), 2.8)
    if TWO_WHEELER[kind] or ON_FOOT[kind]:
        table.row[u].headway_s *= 0.65
        table.row[u].room = 1.0
    table.row[u].reaction_s = 0.4 + 1.1 * draw(seed, uid, 0, _REACTION, 0) ** 2
    table.row[u].attentive = draw(seed, uid, 0, _REACTION, 1) >= INATTENTIVE_SHARE
    aside = draw_normal(seed, uid, 0, _LATERAL, 0)
    table.row[u].offset_target_m = (
        min(max(0.5 * aside, -1.0), 1.0) if ON_FOOT[kind] else min(max(0.15 * aside, -0.3), 0.3)
    )
    table.row[u].junctions, table.row[u].waited_s, table.row[u].ran_red = 0, 0.0, False
    table.row[u].backs_for, table.row[u].waits_for, table.row[u].alarmed_s = 0, -1, 0.0
    table.row[u].way, table.row[u].along_m = way, s
    table.row[u].offset_m = keep_of(ways, way, kind, table.row[u].offset_target_m)
    table.row[u].acceleration_mps2 = table.row[u].gesture_s = 0.0
    table.row[u].gesture, table.row[u].lights = 0, 0
    table.row[u].stride_rad = 6.28 * draw(seed, uid, 0, _SHAPE, 1)
    place_on_way(ways, table, u, 0.0, np.pi)
    table.row[u].yaw_rate_radps = 0.0
    for j in range(slots):
        table.seen[o + j, i] = 100
        table.seen[u, j] = 100
    table.seen[u, slots] = 100


@njit(cache=True)
def _crowded(table, o, i, slots):
    """Return whether the user of slot i is in somebody's way, or soon will be if both go straight on."""
    row = table.row[o + i]
    hl, hw = 0.5 * row.length_m + ROOM_M, 0.5 * row.width_m + ROOM_M
    vx, vy = row.speed_mps * np.cos(row.yaw_rad), row.speed_mps * np.sin(row.yaw_rad)
    for j in range(slots):
        other = table.row[o + j]
        if j == i or not other.active or abs(other.z_m - row.z_m) > FORGET_Z_M:
            continue
        reach = hl + hw + 0.5 * (other.length_m + other.width_m) + ROOM_S * (row.speed_mps + abs(other.speed_mps))
        if abs(other.x_m - row.x_m) > reach or abs(other.y_m - row.y_m) > reach:
            continue
        mx = ROOM_S * (other.speed_mps * np.cos(other.yaw_rad) - vx)
        my = ROOM_S * (other.speed_mps * np.sin(other.yaw_rad) - vy)
        if boxes_meet(
            row.x_m, row.y_m, row.yaw_rad, hl, hw, other.x_m, other.y_m, other.yaw_rad, 0.5 * other.length_m,
            0.5 * other.width_m, mx, my,
        ):  # fmt: skip
            return True
    return False


@njit(cache=True)
def leave(ways, walls, table, o, users, slots, ego_x, ego_y):
    """Empty the slots of users who are far away, or out of sight at a dead end or stuck."""
    for i in range(users):
        u = o + i
        if not table.row[u].active or table.row[u].actor >= 0:
            continue
        away = np.hypot(table.row[u].x_m - ego_x, table.row[u].y_m - ego_y)
        way = table.row[u].way
        ended = ways.way[way].next_start == ways.way[way].next_end and table.row[u].along_m > ways.way[way].length - 8.0
        if away > LEAVE_M or (
            table.row[u].speed_mps < 0.3
            and (ended or table.row[u].waited_s > 40.0)
            and (away > HIDDEN_M or not _seen_by_ego(walls, ego_x, ego_y, table.row[u].x_m, table.row[u].y_m))
        ):
            clear_slot(table, u, i, o, slots)


@njit(cache=True)
def _on_stage(clear, x, y):
    inside = False
    for n in range(len(clear)):
        inside = inside or (clear[n, 0] - x) ** 2 + (clear[n, 1] - y) ** 2 < clear[n, 2] ** 2
    return inside


@njit(cache=True)
def appear(
    ways, walls, spots, clear, table, o, users, slots, seed, tick, uid, ego, ego_z, density, attempts, initial
):  # fmt: skip
    """Try so many times to bring in a user; returns the next free uid. ego (3,): its middle's x, y, its yaw.

    Nobody comes within the circles `clear` (K, 3).
    """
    free = _empty_slot(table, o, 0, users)
    if free < 0:
        return uid
    wanted = _wanted(spots, ego[0], ego[1], users, density)
    have = np.zeros(3)
    for i in range(users):
        if table.row[o + i].active and table.row[o + i].actor < 0:
            kind = table.row[o + i].kind
            have[2 if ON_FOOT[kind] else (1 if TWO_WHEELER[kind] else 0)] += 1.0
    for attempt in range(attempts):
        free = _empty_slot(table, o, 0, users)
        if free < 0:
            return uid
        group, need = -1, 0.0
        for g in range(3):
            need += max(wanted[g] - have[g] - 0.5, 0.0)
        if need == 0.0:
            return uid
        need *= draw(seed, uid, tick, _KIND, 1 + attempt)  # by chance: a group that finds no room keeps nobody out
        for g in range(3):
            lacks = max(wanted[g] - have[g] - 0.5, 0.0)
            if lacks > 0.0 and need >= 0.0:
                group, need = g, need - lacks
        # A point of the disc at random picks the cell, a second draw the spot in it: even over area, then over ways.
        angle = 2.0 * np.pi * draw(seed, uid, tick, _SPAWN, 4 * attempt)
        radius = RADIUS_M * np.sqrt(draw(seed, uid, tick, _SPAWN, 4 * attempt + 1))
        column = int((ego[0] + radius * np.cos(angle) - spots.low_x) / _CELL_M)
        row = int((ego[1] + radius * np.sin(angle) - spots.low_y) / _CELL_M)
        if not (0 <= column < spots.columns and 0 <= row < spots.rows):
            continue
        cell = row * spots.columns + column
        first, last = spots.start[group, cell], spots.start[group, cell + 1]
        if first == last:
            continue
        chance = draw(seed, uid, tick, _SPAWN, 4 * attempt + 2) * (last - first)
        spot = first + int(chance)
        if draw(seed, uid, tick, _SPAWN, 4 * attempt + 3) > spots.share[spot]:
            continue
        x, y, way = spots.x[spot], spots.y[spot], spots.way[spot]
        away = np.hypot(x - ego[0], y - ego[1])
        if away > RADIUS_M or away < CLEAR_M or _on_stage(clear, x, y):
            continue
        kind = _draw_kind(group, seed, uid)
        if kind == _BUS and ways.way[way].road > _SECONDARY + 1:
            kind = _CAR
        if not initial and away < HIDDEN_M and (away < 25.0 or _seen_by_ego(walls, ego[0], ego[1], x, y)):
            continue
        ends = ways.way[way].length - spots.s[spot]
        if group == 0 and ends < 7.0:
            continue
        z = ways.point[ways.way[way].start].z
        yaw = ways.point[ways.way[way].start + int(spots.s[spot] / ways.way[way].spacing)].yaw
        speed = min(0.7 * min(ways.way[way].limit, OWN_SPEED_MPS[kind]), np.sqrt(2.0 * max(ends - 5.0, 0.1)))
        if not _clear_of_others(
            table, o, slots, x, y, z, yaw, kind, 0.5 * LENGTH_M[kind], speed, ego[0], ego[1], ego_z
        ):
            continue
        _settle(ways, table, o, free, slots, uid, kind, way, spots.s[spot], seed)
        table.row[o + free].speed_mps = speed
        if _crowded(table, o, free, slots):
            clear_slot(table, o + free, free, o, slots)
            continue
        have[group] += 1.0
        uid += 1
    return uid
