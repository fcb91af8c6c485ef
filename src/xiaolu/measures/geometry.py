"""Distances and times between boxes on the ground. A box is (x, y, yaw, length, width): middle, metres and radians.

Everything is exact for rectangles; only the turning time to collision is sampled in time.
"""

import numpy as np
from numba import njit


@njit(cache=True)
def _corners(x: float, y: float, yaw: float, length: float, width: float, out: np.ndarray) -> None:
    cos, sin = np.cos(yaw), np.sin(yaw)
    for i in range(4):
        along = 0.5 * length if i == 0 or i == 3 else -0.5 * length
        across = 0.5 * width if i < 2 else -0.5 * width
        out[i, 0] = x + cos * along - sin * across
        out[i, 1] = y + sin * along + cos * across


@njit(cache=True)
def _outside_m(px: float, py: float, box: np.ndarray) -> float:
    """Distance of a point to a box, 0 inside."""
    cos, sin = np.cos(box[2]), np.sin(box[2])
    dx, dy = px - box[0], py - box[1]
    along = max(abs(cos * dx + sin * dy) - 0.5 * box[3], 0.0)
    across = max(abs(-sin * dx + cos * dy) - 0.5 * box[4], 0.0)
    return float(np.sqrt(along * along + across * across))


@njit(cache=True)
def _reach(box: np.ndarray, cos: float, sin: float, ux: float, uy: float) -> float:
    """Half the length of a box's shadow on the unit axis (ux, uy); cos, sin: of its yaw."""
    return float(0.5 * box[3] * abs(ux * cos + uy * sin) + 0.5 * box[4] * abs(-ux * sin + uy * cos))


@njit(cache=True)
def boxes_overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two boxes (5,) overlap. For compiled loops."""
    cos_a, sin_a, cos_b, sin_b = np.cos(a[2]), np.sin(a[2]), np.cos(b[2]), np.sin(b[2])
    for axis in range(4):
        cos, sin = (cos_a, sin_a) if axis < 2 else (cos_b, sin_b)
        ux, uy = (cos, sin) if axis % 2 == 0 else (-sin, cos)
        reach = _reach(a, cos_a, sin_a, ux, uy) + _reach(b, cos_b, sin_b, ux, uy)
        if abs(ux * (b[0] - a[0]) + uy * (b[1] - a[1])) > reach:
            return False
    return True


@njit(cache=True)
def box_clearance(a: np.ndarray, b: np.ndarray, corners: np.ndarray) -> float:
    """Least distance between two boxes (5,); corners (4, 2) is room to work in. For compiled loops."""
    if boxes_overlap(a, b):
        return 0.0
    # Two boxes apart are nearest at a corner of one of them.
    best = np.inf
    _corners(a[0], a[1], a[2], a[3], a[4], corners)
    for i in range(4):
        best = min(best, _outside_m(corners[i, 0], corners[i, 1], b))
    _corners(b[0], b[1], b[2], b[3], b[4], corners)
    for i in range(4):
        best = min(best, _outside_m(corners[i, 0], corners[i, 1], a))
    return best


@njit(cache=True)
def _clearances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    out = np.empty(len(b))
    corners = np.empty((4, 2))
    for i in range(len(b)):
        out[i] = box_clearance(a[i], b[i], corners)
    return out


@njit(cache=True)
def meeting_s(a: np.ndarray, va: np.ndarray, b: np.ndarray, vb: np.ndarray, horizon: float) -> float:
    """Seconds until a box (5,) going straight on at va (2,) meets another, inf if not within horizon. For compiled
    loops; see `time_to_collision_s`."""
    enter, leave = 0.0, horizon
    cos_a, sin_a, cos_b, sin_b = np.cos(a[2]), np.sin(a[2]), np.cos(b[2]), np.sin(b[2])
    for axis in range(4):
        cos, sin = (cos_a, sin_a) if axis < 2 else (cos_b, sin_b)
        ux, uy = (cos, sin) if axis % 2 == 0 else (-sin, cos)
        reach = _reach(a, cos_a, sin_a, ux, uy) + _reach(b, cos_b, sin_b, ux, uy)
        gap = ux * (b[0] - a[0]) + uy * (b[1] - a[1])
        rate = ux * (vb[0] - va[0]) + uy * (vb[1] - va[1])
        if abs(rate) < 1e-9:
            if abs(gap) > reach:
                enter = np.inf
            continue
        first, last = (-reach - gap) / rate, (reach - gap) / rate
        enter = max(enter, min(first, last))
        leave = min(leave, max(first, last))
    return enter if enter <= leave else np.inf


@njit(cache=True)
def _times(a: np.ndarray, va: np.ndarray, b: np.ndarray, vb: np.ndarray, horizon: float) -> np.ndarray:
    out = np.empty(len(b))
    for i in range(len(b)):
        out[i] = meeting_s(a[i], va[i], b[i], vb[i], horizon)
    return out


def clearance_m(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the least distance between boxes (..., 5) and others (..., 5), shapes broadcast; 0 where they overlap."""
    shape = np.broadcast_shapes(np.shape(boxes), np.shape(others))
    a, b = (np.array(np.broadcast_to(value, shape), np.float64, order="C") for value in (boxes, others))
    return _clearances(a.reshape(-1, 5), b.reshape(-1, 5)).reshape(shape[:-1])


def time_to_collision_s(
    boxes: np.ndarray, velocity: np.ndarray, others: np.ndarray, other_velocity: np.ndarray, horizon_s: float = 10.0
) -> np.ndarray:
    """Return seconds until boxes (..., 5) moving at velocity (..., 2) m/s meet others, everything held constant.

    Shapes broadcast. 0 where they overlap now, infinity where they do not meet within the horizon. Exact: by
    separating axes, whose overlap is an interval of time when nothing turns.
    """
    shape = np.broadcast_shapes(np.shape(boxes)[:-1], np.shape(others)[:-1])
    a, va, b, vb = (
        np.array(np.broadcast_to(value, (*shape, size)), np.float64, order="C").reshape(-1, size)
        for value, size in ((boxes, 5), (velocity, 2), (others, 5), (other_velocity, 2))
    )
    return _times(a, va, b, vb, float(horizon_s)).reshape(shape)


@njit(cache=True)
def _arc_times(box, ahead, speed, yaw_rate, b, vb, horizon, step):
    out = np.full(len(b), np.inf)
    now, other = box.copy(), np.empty(5)
    rear_x, rear_y = box[0] - ahead * np.cos(box[2]), box[1] - ahead * np.sin(box[2])
    steps = int(np.ceil(horizon / step))
    for k in range(steps + 1):
        t = k * step
        yaw = box[2] + yaw_rate * t
        if abs(yaw_rate) > 1e-6:
            x = rear_x + speed / yaw_rate * (np.sin(yaw) - np.sin(box[2]))
            y = rear_y - speed / yaw_rate * (np.cos(yaw) - np.cos(box[2]))
        else:
            x, y = rear_x + speed * t * np.cos(yaw), rear_y + speed * t * np.sin(yaw)
        now[0], now[1], now[2] = x + ahead * np.cos(yaw), y + ahead * np.sin(yaw), yaw
        for i in range(len(b)):
            if out[i] < np.inf:
                continue
            other[:] = b[i]
            other[0] += vb[i, 0] * t
            other[1] += vb[i, 1] * t
            if boxes_overlap(now, other):
                out[i] = t
    return out


def time_to_collision_turning_s(
    box: np.ndarray,
    middle_ahead_m: float,
    speed_mps: float,
    yaw_rate_radps: float,
    others: np.ndarray,
    other_velocity: np.ndarray,
    horizon_s: float = 3.0,
) -> np.ndarray:
    """Return seconds (N,) until a vehicle that holds its speed and yaw rate meets others (N, 5), infinity if never.

    box (5,): its outline now, whose middle lies middle_ahead_m ahead of the axle that turns without slipping;
    other_velocity (N, 2) m/s is held. Sampled every 0.05 s: that late at most. For a car that turns a corner, straight
    projection would run into everybody who waits there.
    """
    return _arc_times(
        np.array(box, np.float64),
        float(middle_ahead_m),
        float(speed_mps),
        float(yaw_rate_radps),
        np.array(others, np.float64, order="C"),
        np.array(np.broadcast_to(other_velocity, (len(others), 2)), np.float64, order="C"),
        float(horizon_s),
        0.05,
    )
