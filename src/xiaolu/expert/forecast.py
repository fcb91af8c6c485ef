"""Where road users may be over the next seconds: each follows its lane, or keeps its heading, or turns off.

World frame. A user has one or more hypotheses; each is a row of poses at MOMENTS_S. Vehicles in a lane branch at
junctions (the indicator decides where it can); people may go straight on, follow their lane, or take a crossing.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.decision import LampColour
from xiaolu.core.users import Kind
from xiaolu.world.town import LaneKind, Town, Turn

STEP_S = 0.25
MOMENTS_S = np.arange(0.0, 7.0 + 1e-9, STEP_S)
MOMENTS_S.flags.writeable = False
MOMENTS = len(MOMENTS_S)
MAX_HYPOTHESES = 4
MAX_CHAIN = 10
STANDS_MPS, BACKS_S = 0.05, 3.0  # who is slower stands; who backs up goes on so long: tuned
RUNS_MPS2, RUNS_BRAKE_MPS2 = 3.5, 0.8  # who would have to brake so hard for a red line, and does not, runs it
# Who backs out: how fast at least, how tightly, how far round; its axle behind its middle, of its length: tuned.
SWING_MPS, SWING_RADIUS_M, SWING_RAD, AXLE_SHARE = 1.5, 6.0, 0.5 * np.pi, 0.28
# Who heads this far off its lane, outside junctions, moves over for so long: tuned on cut-ins.
DRIFTS_RAD, DRIFTS_S = 0.1, 1.5
WILD_RAD = 0.7  # a vehicle that points this far off its lane is not following it

_DRIVE, _CYCLE, _FOOT, _CROSSING = (int(k) for k in (LaneKind.DRIVE, LaneKind.CYCLE, LaneKind.FOOT, LaneKind.CROSSING))
_FOOT_AREA = int(LaneKind.FOOT_AREA)
_LEFT, _RIGHT, _U_TURN = int(Turn.LEFT), int(Turn.RIGHT), int(Turn.U_TURN)
_RED, _YELLOW = int(LampColour.RED), int(LampColour.YELLOW)
_BICYCLE, _E_BIKE = int(Kind.BICYCLE), int(Kind.E_BIKE)
_PEDESTRIAN, _CHILD, _OFFICER = int(Kind.PEDESTRIAN), int(Kind.CHILD), int(Kind.OFFICER)


@dataclass(frozen=True, slots=True)
class Moves:
    """What `forecasts` returns: owner (H,) rows of users, certain (H,), chain (H, MAX_CHAIN) lanes, and
    poses (H, MOMENTS, 3)."""

    owner: np.ndarray
    certain: np.ndarray
    chain: np.ndarray
    poses: np.ndarray


class Lanes(NamedTuple):
    """The lane tables of a town for compiled loops; see `Town`."""

    kind: np.ndarray
    turn: np.ndarray
    limit: np.ndarray
    length: np.ndarray
    start: np.ndarray
    points: np.ndarray
    next_start: np.ndarray
    next_lane: np.ndarray
    signal: np.ndarray
    stop_s: np.ndarray


def lanes_of(town: Town) -> Lanes:
    """Return the lane tables of a town."""
    return Lanes(
        np.ascontiguousarray(town.lane_kind, np.int64),
        np.ascontiguousarray(town.lane_turn, np.int64),
        np.ascontiguousarray(town.lane_limit_mps, np.float64),
        np.ascontiguousarray(town.lane_length_m, np.float64),
        np.ascontiguousarray(town.point_start, np.int64),
        np.ascontiguousarray(town.points[:, :2], np.float64),
        np.ascontiguousarray(town.next_start, np.int64),
        np.ascontiguousarray(town.next_lane, np.int64),
        np.ascontiguousarray(town.lane_signal, np.int64),
        np.ascontiguousarray(town.stop_s_m, np.float64),
    )


@njit(cache=True)
def _place(lanes, lane, s, offset, out):
    first, last = lanes.start[lane], lanes.start[lane + 1]
    at = min(max(s / max(lanes.length[lane], 1e-6), 0.0), 1.0) * (last - first - 1)
    i = min(int(at), last - first - 2)
    ax, ay = lanes.points[first + i, 0], lanes.points[first + i, 1]
    dx, dy = lanes.points[first + i + 1, 0] - ax, lanes.points[first + i + 1, 1] - ay
    length = max(np.hypot(dx, dy), 1e-9)
    share = at - i
    out[0] = ax + share * dx - offset * dy / length
    out[1] = ay + share * dy + offset * dx / length
    out[2] = np.arctan2(dy, dx)


@njit(cache=True)
def _closed(lanes, colours, lane):
    """Whether the signal of a junction lane or crossing forbids entering it."""
    signal = lanes.signal[lane]
    return signal >= 0 and (colours[signal] == _RED or colours[signal] == _YELLOW)


@njit(cache=True)
def _travelled(speed, acceleration, limit, on_foot, out):
    """Metres along the way at each moment: braking goes on to a stop, speeding up for 2 s and to the limit.

    Who drives backwards goes on so for BACKS_S.
    """
    if speed < -STANDS_MPS:
        for k in range(MOMENTS):
            out[k] = speed * min(k * STEP_S, BACKS_S)
        return
    s, v = 0.0, speed
    for k in range(MOMENTS):
        out[k] = s
        a = 0.0
        if not on_foot and (acceleration < -0.4 or (acceleration > 0.3 and k * STEP_S < 2.0 and v < limit)):
            a = acceleration
        new = max(v + a * STEP_S, 0.0)
        s += 0.5 * (v + new) * STEP_S
        v = new


@njit(cache=True)
def _swing(x, y, yaw, speed, length, side, out):
    """Fill out (MOMENTS, 3) with the poses of a vehicle that backs out and swings its tail round to one side, ±1."""
    axle = AXLE_SHARE * length
    ax, ay = x - axle * np.cos(yaw), y - axle * np.sin(yaw)
    for k in range(MOMENTS):
        back = max(-speed, SWING_MPS) * k * STEP_S
        turn = min(back / SWING_RADIUS_M, SWING_RAD)
        now, rest = yaw + side * turn, back - turn * SWING_RADIUS_M
        px = ax - SWING_RADIUS_M * side * (np.sin(now) - np.sin(yaw)) - rest * np.cos(now)
        py = ay + SWING_RADIUS_M * side * (np.cos(now) - np.cos(yaw)) - rest * np.sin(now)
        out[k, 0], out[k, 1], out[k, 2] = px + axle * np.cos(now), py + axle * np.sin(now), now


@njit(cache=True)
def _chains(lanes, colours, lane, s, reach, lights, on_foot, runs_m, chains, sizes):
    """Fill chains (MAX_HYPOTHESES, MAX_CHAIN) with the lanes ahead, return how many chains there are.

    A chain ends early where a signal forbids going on, unless its line is nearer than runs_m: nobody who comes so fast,
    and does not brake, stops there.
    """
    count = 1
    chains[0, 0] = lane
    sizes[0] = 1
    ahead = np.zeros(MAX_HYPOTHESES)
    ahead[0] = lanes.length[lane] - s
    done = 0
    while done < count:
        while ahead[done] < reach and sizes[done] < MAX_CHAIN:
            tip = chains[done, sizes[done] - 1]
            taken = -1
            for option in range(lanes.next_start[tip], lanes.next_start[tip + 1]):
                onward = lanes.next_lane[option]
                kind, turn = lanes.kind[onward], lanes.turn[onward]
                if on_foot and (kind in (_DRIVE, _CYCLE)) and lanes.kind[tip] != kind:
                    continue
                if _closed(lanes, colours, onward) and lanes.signal[tip] != lanes.signal[onward]:
                    line = lanes.stop_s[tip]
                    if on_foot or ahead[done] - (lanes.length[tip] - line if line == line else 0.0) > runs_m:
                        continue
                if not on_foot and turn != 0 and lanes.turn[tip] == 0:
                    if turn == _U_TURN:
                        continue
                    if (lights & 2) and turn != _LEFT:
                        continue
                    if (lights & 4) and turn != _RIGHT:
                        continue
                if taken < 0:
                    taken = onward
                elif count < MAX_HYPOTHESES:
                    for i in range(sizes[done]):
                        chains[count, i] = chains[done, i]
                    chains[count, sizes[done]] = onward
                    sizes[count] = sizes[done] + 1
                    ahead[count] = ahead[done] + lanes.length[onward]
                    count += 1
            if taken < 0:
                break
            chains[done, sizes[done]] = taken
            sizes[done] += 1
            ahead[done] += lanes.length[taken]
        done += 1
    return count


@njit(cache=True)
def forecasts(lanes, colours, kind, x, y, yaw, speed, acceleration, length, lane, s, offset, lights):
    """Return (owner (H,), certain (H,), chain (H, MAX_CHAIN) -1 padded, poses (H, MOMENTS, 3)) for users (U,) each.

    colours: (S + 1,) LampColour per signal column, see `Course.colours`. certain: the user's only or most direct
    hypothesis; the others are what it might do. Who backs out, off any lane's direction, goes straight or swings round.
    """
    users = len(x)
    most = users * (MAX_HYPOTHESES + 1)
    owner = np.empty(most, np.int64)
    certain = np.zeros(most, np.bool_)
    chain_out = np.full((most, MAX_CHAIN), -1, np.int64)
    poses = np.empty((most, MOMENTS, 3))
    chains = np.empty((MAX_HYPOTHESES, MAX_CHAIN), np.int64)
    sizes = np.empty(MAX_HYPOTHESES, np.int64)
    way = np.empty(MOMENTS)
    place = np.empty(3)
    count = 0
    for u in range(users):
        on_foot = kind[u] >= _PEDESTRIAN
        has_lane = lane[u] >= 0
        aligned, drift_mps = False, 0.0
        if has_lane:
            _place(lanes, lane[u], s[u], 0.0, place)
            turned = (yaw[u] - place[2] + np.pi) % (2.0 * np.pi) - np.pi
            aligned = abs(turned) < WILD_RAD
            if abs(turned) > DRIFTS_RAD and lanes.turn[lane[u]] == 0:
                drift_mps = speed[u] * np.sin(turned)
        limit = lanes.limit[lane[u]] * 1.1 if has_lane else 99.0
        _travelled(speed[u], acceleration[u], limit, on_foot, way)
        rider = kind[u] == _BICYCLE or kind[u] == _E_BIKE
        if on_foot or rider or not has_lane or not aligned or speed[u] < STANDS_MPS:
            owner[count] = u
            certain[count] = True
            if has_lane and not rider:
                chain_out[count, 0] = lane[u]
            for k in range(MOMENTS):
                poses[count, k, 0] = x[u] + np.cos(yaw[u]) * way[k]
                poses[count, k, 1] = y[u] + np.sin(yaw[u]) * way[k]
                poses[count, k, 2] = yaw[u]
            count += 1
            if speed[u] < -STANDS_MPS and not aligned and not on_foot and not rider:
                # It backs out of somewhere, and may turn either way as it comes.
                certain[count - 1] = False
                for side in (-1.0, 1.0):
                    owner[count] = u
                    _swing(x[u], y[u], yaw[u], speed[u], length[u], side, poses[count])
                    count += 1
            if not aligned or not has_lane or speed[u] < STANDS_MPS:
                continue
        brakes = acceleration[u] < -RUNS_BRAKE_MPS2
        runs_m = 0.0 if brakes else 0.5 * speed[u] ** 2 / RUNS_MPS2 + 0.5 * length[u]
        found = _chains(
            lanes, colours, lane[u], s[u], way[MOMENTS - 1] + 2.0, lights[u], on_foot, runs_m, chains, sizes
        )
        # The drift between lane and body is carried along, so that a forecast starts where the user is.
        _place(lanes, lane[u], s[u], offset[u], place)
        slip_x, slip_y = x[u] - place[0], y[u] - place[1]
        for c in range(found):
            owner[count] = u
            certain[count] = not on_foot and found == 1
            for i in range(sizes[c]):
                chain_out[count, i] = chains[c, i]
            at, base = 0, -s[u]
            bound = np.inf
            if not on_foot:
                # A chain that a red signal cut short ends at that line, if the user can still stop there.
                tip = chains[c, sizes[c] - 1]
                total = -s[u]
                for i in range(sizes[c]):
                    total += lanes.length[chains[c, i]]
                if total < way[MOMENTS - 1] + 2.0 and sizes[c] < MAX_CHAIN:
                    line = lanes.stop_s[tip]
                    bound = total - 0.5 * length[u] - (lanes.length[tip] - line if line == line else 0.0)
                    if bound < 0.0:
                        bound = np.inf if bound < -1.5 else 0.0
            for k in range(MOMENTS):
                target = min(way[k], bound)
                while at < sizes[c] - 1 and target - base > lanes.length[chains[c, at]]:
                    base += lanes.length[chains[c, at]]
                    at += 1
                along = target - base
                aside = offset[u] + drift_mps * min(k * STEP_S, DRIFTS_S)
                _place(lanes, chains[c, at], along, aside, place)
                over = max(along - lanes.length[chains[c, at]], 0.0)
                fade = max(1.0 - way[k] / 10.0, 0.0)
                poses[count, k, 0] = place[0] + np.cos(place[2]) * over + fade * slip_x
                poses[count, k, 1] = place[1] + np.sin(place[2]) * over + fade * slip_y
                poses[count, k, 2] = place[2] if target > 0.05 else yaw[u]
            count += 1
    return owner[:count], certain[:count], chain_out[:count], poses[:count]
