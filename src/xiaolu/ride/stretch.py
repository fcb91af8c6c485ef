"""Stretches: several ticks of branches of one ride in one compiled call, between two moments at which drivers decide.

Tracker, car and world are those of the loop; the plans are given. World frame; B branches, P plans of each.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.core.rates import SECOND_NS, SUBSTEPS, TICK_NS, TICK_S
from xiaolu.measures.geometry import meeting_s
from xiaolu.ride.progress import STANDING_MPS
from xiaolu.vehicle.dynamics import substeps
from xiaolu.vehicle.pursuit import asked_of
from xiaolu.world.routing import project_each
from xiaolu.world.world import tick_branches

NEAR_M = 40.0  # who is further away is met by nobody
MEETS_S = 10.0
WINDOW_M = 30.0  # of the way, about where the ego was

_CENTRE_M, _LENGTH_M, _WIDTH_M = EGO_BODY.centre_x_m, EGO_BODY.length_m, EGO_BODY.width_m
_TICK_NS, _SECOND_NS, _SUBSTEPS = int(TICK_NS), int(SECOND_NS), int(SUBSTEPS)
HAS_NO_PLAN_MPS2 = -1.0  # who has not decided yet stands still


class Plans(NamedTuple):
    """The plans of each branch, oldest first. from_ns, stamp_ns (P, B): acts from, was made at; pose (P, B, 3): the
    ego's then; line (P, B, n, 4), profile (P, B, K): as driven forwards, see `vehicle.tracker.command`; sense (P, B):
    1, -1 in reverse; lamp (P, B): the indicator shown."""

    from_ns: np.ndarray
    stamp_ns: np.ndarray
    pose: np.ndarray
    line: np.ndarray
    profile: np.ndarray
    sense: np.ndarray
    lamp: np.ndarray


class Cars(NamedTuple):
    """The egos of all branches, written to in place. motion (B, 8): see `vehicle.dynamics.substeps`; pending (B, D);
    reverse (B,); ego (B, 6): see `world.motion.tick_branch`; before (B, 2): the tracker's last command; s_m, away_m
    (B,): along and from the way; standing (B,): ticks in a row."""

    motion: np.ndarray
    pending: np.ndarray
    reverse: np.ndarray
    ego: np.ndarray
    before: np.ndarray
    s_m: np.ndarray
    away_m: np.ndarray
    standing: np.ndarray


class Log(NamedTuple):
    """What is written down of every tick, (T, B) each, pose (T, B, 3): of the rear axle; touched: by the ego's own
    doing; ttc_s: least time to collision with anybody near, all going straight on."""

    pose: np.ndarray
    speed_mps: np.ndarray
    acceleration_mps2: np.ndarray
    s_m: np.ndarray
    away_m: np.ndarray
    standing: np.ndarray
    touched: np.ndarray
    ttc_s: np.ndarray


class Way(NamedTuple):
    """The line of a ride, see `RoutePath`: points (n, 3) every step_m."""

    points: np.ndarray
    step_m: float
    length_m: float


@njit(cache=True)
def _steer(knots_s, plans, cars, gains, stamp_ns, steering, acceleration, reverse):
    """Fill (B,) what each branch's plan in force asks of its car."""
    for b in range(len(steering)):
        p = -1
        for later in range(len(plans.from_ns)):
            if plans.from_ns[later, b] <= stamp_ns:
                p = later
        if p < 0:
            steering[b], acceleration[b], reverse[b] = 0.0, HAS_NO_PLAN_MPS2, False
            cars.ego[b, 5] = 0.0
            continue
        sense = plans.sense[p, b]
        steering[b], acceleration[b] = asked_of(
            knots_s, plans.line[p, b], plans.profile[p, b], sense, plans.pose[p, b],
            (stamp_ns - plans.stamp_ns[p, b]) / _SECOND_NS, cars.motion[b], cars.before[b], gains,
        )  # fmt: skip
        cars.before[b, 0], cars.before[b, 1] = steering[b], acceleration[b]
        reverse[b] = sense < 0.0
        cars.ego[b, 5] = plans.lamp[p, b]


@njit(cache=True)
def _along(way, cars):
    """Carry on how far each branch has come along the way."""
    count, segments = len(cars.s_m), len(way.points) - 1
    first, last, near = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count)
    for b in range(count):
        near[b] = min(max(cars.s_m[b], 0.0), way.length_m)
        first[b] = min(max(int(np.floor((near[b] - WINDOW_M) / way.step_m)), 0), segments - 1)
        last[b] = min(max(int(np.ceil((near[b] + WINDOW_M) / way.step_m)), first[b] + 1), segments)
    x, y, offset = cars.motion[:, 0], cars.motion[:, 1], np.empty(count)
    project_each(way.points, way.step_m, x, y, first, last, near, cars.s_m, offset)
    for b in range(count):
        place = min(max(cars.s_m[b] / way.step_m, 0.0), segments - 1e-9)
        i = int(place)
        share = place - i
        px = way.points[i, 0] + share * (way.points[i + 1, 0] - way.points[i, 0])
        py = way.points[i, 1] + share * (way.points[i + 1, 1] - way.points[i, 1])
        cars.away_m[b] = np.hypot(x[b] - px, y[b] - py)
        cars.standing[b] = cars.standing[b] + 1 if abs(cars.motion[b, 3]) < STANDING_MPS else 0


@njit(cache=True)
def _least_ttc_s(table, o, slots, motion):
    own, other, velocity, theirs = np.empty(5), np.empty(5), np.empty(2), np.empty(2)
    cos, sin = np.cos(motion[2]), np.sin(motion[2])
    own[0], own[1], own[2] = motion[0] + _CENTRE_M * cos, motion[1] + _CENTRE_M * sin, motion[2]
    own[3], own[4] = _LENGTH_M, _WIDTH_M
    velocity[0], velocity[1] = motion[3] * cos, motion[3] * sin
    least = np.inf
    for i in range(slots):
        row = table.row[o + i]
        if not row.active or np.hypot(row.x_m - motion[0], row.y_m - motion[1]) >= NEAR_M:
            continue
        other[0], other[1], other[2], other[3], other[4] = row.x_m, row.y_m, row.yaw_rad, row.length_m, row.width_m
        theirs[0], theirs[1] = row.speed_mps * np.cos(row.yaw_rad), row.speed_mps * np.sin(row.yaw_rad)
        least = min(least, meeting_s(own, velocity, other, theirs, MEETS_S))
    return least


@njit(cache=True)
def drive(ways, programs, walls, grid, spots, parking, stage, table, users, density, seed, tick, clock_start_s, uid, z,
          stamp_ns, ticks, knots_s, plans, cars, gains, constants, way, touching, caused, log):  # fmt: skip
    """Drive all branches on by so many ticks from stamp_ns, in place; log: filled. The first arguments are those of
    `world.tick_branches`, but for clock_start_s (B,): the signal clock at tick 0; touching, caused (B, slots): of the
    last tick."""
    count = len(seed)
    slots = len(table.row) // count
    steering, acceleration, reverse = np.empty(count), np.empty(count), np.empty(count, np.bool_)
    poses, clock = np.empty((count, _SUBSTEPS + 1, 3)), np.empty(count)
    for k in range(ticks):
        ego = cars.ego.copy()  # the world takes the ego as it was when the tick began
        _steer(knots_s, plans, cars, gains, stamp_ns + k * _TICK_NS, steering, acceleration, reverse)
        substeps(cars.motion, cars.pending, cars.reverse, poses, steering, acceleration, reverse, constants)
        for b in range(count):
            tick[b] += 1
            clock[b] = tick[b] * TICK_S + clock_start_s[b]
            touching[b] = False
            caused[b] = False
        tick_branches(
            ways, programs, walls, grid, spots, parking, stage, table, users, density, seed, tick, clock, uid, z, poses,
            ego, touching, caused,
        )  # fmt: skip
        _along(way, cars)
        for b in range(count):
            x, y, yaw = poses[b, -1]
            cars.ego[b, 0], cars.ego[b, 1] = x + _CENTRE_M * np.cos(yaw), y + _CENTRE_M * np.sin(yaw)
            cars.ego[b, 2], cars.ego[b, 3], cars.ego[b, 4] = yaw, cars.motion[b, 3], cars.motion[b, 6]
            log.pose[k, b] = cars.motion[b, :3]
            log.speed_mps[k, b], log.acceleration_mps2[k, b] = cars.motion[b, 3], cars.motion[b, 4]
            log.s_m[k, b], log.away_m[k, b], log.standing[k, b] = cars.s_m[b], cars.away_m[b], cars.standing[b]
            log.touched[k, b] = (touching[b] & ~caused[b]).any()
            log.ttc_s[k, b] = _least_ttc_s(table, b * slots, slots, cars.motion[b])
