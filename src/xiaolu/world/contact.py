"""Contact: whether two moving outlines met during a tick. Swept between 100 Hz poses, so that nothing tunnels."""

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.world.angles import half_turn

_HALF_LENGTH, _HALF_WIDTH = EGO_BODY.length_m / 2, EGO_BODY.width_m / 2
_CENTRE = EGO_BODY.centre_x_m


@njit(cache=True)
def _meet_on_axis(nx, ny, dx, dy, mx, my, reach, enter, leave):
    """Narrow the share of a relative motion (m) of a centre at (d) during which it is within reach along an axis."""
    d, m = dx * nx + dy * ny, mx * nx + my * ny
    if abs(m) < 1e-12:
        return (enter, leave) if abs(d) <= reach else (2.0, -1.0)
    first, second = (-reach - d) / m, (reach - d) / m
    return max(enter, min(first, second)), min(leave, max(first, second))


@njit(cache=True)
def boxes_meet(ax, ay, ayaw, ahl, ahw, bx, by, byaw, bhl, bhw, mx, my):
    """Return whether box b, moving by (mx, my) relative to box a, touches it on the way (or at either end).

    Boxes are centre, yaw, half length, half width. Exact for motion without turning (separating axes, swept).
    """
    dx, dy = bx - ax, by - ay
    enter, leave = 0.0, 1.0
    ca, sa, cb, sb = np.cos(ayaw), np.sin(ayaw), np.cos(byaw), np.sin(byaw)
    along, across = abs(ca * cb + sa * sb), abs(ca * sb - sa * cb)
    enter, leave = _meet_on_axis(ca, sa, dx, dy, mx, my, ahl + bhl * along + bhw * across, enter, leave)
    enter, leave = _meet_on_axis(-sa, ca, dx, dy, mx, my, ahw + bhl * across + bhw * along, enter, leave)
    enter, leave = _meet_on_axis(cb, sb, dx, dy, mx, my, bhl + ahl * along + ahw * across, enter, leave)
    enter, leave = _meet_on_axis(-sb, cb, dx, dy, mx, my, bhw + ahl * across + ahw * along, enter, leave)
    return enter <= leave


@njit(cache=True)
def touches_ego(pose, x0, y0, yaw0, x1, y1, yaw1, length, width):
    """Return whether a user's box met the ego's outline during one tick.

    pose (n, 3): the ego's rear axle x, y, yaw over the tick, both ends included; the user's centre and yaw at the
    tick's start (0) and end (1), straight in between; its length and width.
    """
    hl, hw = 0.5 * length, 0.5 * width
    reach = np.sqrt(hl * hl + hw * hw) + np.sqrt(_HALF_LENGTH**2 + _HALF_WIDTH**2)
    last = len(pose) - 1
    travel = abs(x1 - x0) + abs(y1 - y0) + abs(pose[last, 0] - pose[0, 0]) + abs(pose[last, 1] - pose[0, 1])
    ex, ey = pose[0, 0] + _CENTRE * np.cos(pose[0, 2]), pose[0, 1] + _CENTRE * np.sin(pose[0, 2])
    if (ex - x0) ** 2 + (ey - y0) ** 2 > (reach + travel + 1.0) ** 2:
        return False
    turn = half_turn(yaw1 - yaw0)
    for k in range(last):
        u0, u1 = k / last, (k + 1) / last
        bx, by = x0 + (x1 - x0) * u0, y0 + (y1 - y0) * u0
        nx, ny = pose[k + 1, 0] + _CENTRE * np.cos(pose[k + 1, 2]), pose[k + 1, 1] + _CENTRE * np.sin(pose[k + 1, 2])
        mx, my = (x1 - x0) * (u1 - u0) - (nx - ex), (y1 - y0) * (u1 - u0) - (ny - ey)
        if boxes_meet(ex, ey, pose[k, 2], _HALF_LENGTH, _HALF_WIDTH, bx, by, yaw0 + turn * u0, hl, hw, mx, my):
            return True
        ex, ey = nx, ny
    ends_yaw = pose[last, 2]
    return boxes_meet(ex, ey, ends_yaw, _HALF_LENGTH, _HALF_WIDTH, x1, y1, yaw1, hl, hw, 0.0, 0.0)
