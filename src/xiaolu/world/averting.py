"""Averting: the last look before two bodies touch. World frame.

Everything else keeps distance by corridors and right of way. Where outlines would meet within the next second or so all
the same, whoever can still prevent it brakes (`avert`). And nobody does what could not be stopped in time: after every
move all who heed each other can brake as hard as they can, at once, and nobody touches anybody (`would_meet`). Who has
moved already this tick is taken at its word; who has not, as braking. So there is always one thing that is safe: to
brake. What is left are outlines that turn or step aside where two stand flank to flank; these stay put (`would_touch`).
The ego is outside of that: what it does is seen, and reacted to as people react (`xiaolu.world.alarm`).
"""

import numpy as np
from numba import njit

from xiaolu.core.rates import TICK_S
from xiaolu.world.contact import boxes_meet
from xiaolu.world.temper import EMERGENCY_MPS2, ON_FOOT

LOOK_S, LOOKS = 1.25, 5  # how far ahead, in so many samples
SURE_S = 0.5  # nearer than this both brake, later only the one that goes second
STOPS_DEAD_MPS = 1.5  # a body this slow stands within a tick or two
_SPARE_M = 0.05
_STEP_S = 0.35  # of a plan to brake, swept straight; tuned: bends are slow, and a tick's motion is checked exactly


@njit(cache=True)
def _pose_on(bodies, paths, i, s):
    """Return (x, y, yaw) of a body when it has gone s metres along its path; straight on where it has none."""
    if s < 0.05:
        return bodies[i].x, bodies[i].y, bodies[i].yaw
    row = paths.row[i]
    if row.count < 2:
        return bodies[i].x + s * bodies[i].cos, bodies[i].y + s * bodies[i].sin, bodies[i].yaw
    k = min(int(s / row.step), row.count - 2)
    a, b = paths.point[i, k], paths.point[i, k + 1]
    share = s / row.step - k
    return a.x + share * (b.x - a.x), a.y + share * (b.y - a.y), np.arctan2(b.y - a.y, b.x - a.x)


@njit(cache=True)
def _braked(speed, braking, seconds):
    """Return how far a body goes in so many seconds while it brakes, m."""
    t = min(seconds, speed / braking)
    return speed * t - 0.5 * braking * t * t


@njit(cache=True)
def _meet_braking(bodies, paths, i, gone, speed, j):
    """Return whether i, having gone so far this tick and braking then, meets j, who brakes as well."""
    hard_i, hard_j = EMERGENCY_MPS2[bodies[i].kind], EMERGENCY_MPS2[bodies[j].kind]
    gone_j, speed_j = bodies[j].gone, bodies[j].then
    if np.isnan(gone_j):  # it has not moved yet: it may brake from now on
        speed_j = max(bodies[j].speed, 0.0)
        gone_j = _braked(speed_j, hard_j, TICK_S)
        speed_j = max(speed_j - hard_j * TICK_S, 0.0)
    hl, hw = bodies[i].half_length, bodies[i].half_width
    hlj, hwj = bodies[j].half_length, bodies[j].half_width
    x, y, yaw = bodies[i].x, bodies[i].y, bodies[i].yaw
    u, v, turn = bodies[j].x, bodies[j].y, bodies[j].yaw
    if boxes_meet(x, y, yaw, hl + _SPARE_M, hw + _SPARE_M, u, v, turn, hlj, hwj, 0.0, 0.0):
        return False  # flank to flank already: `would_touch` watches over these
    lasts = max(speed / hard_i, speed_j / hard_j)
    steps = 1 + int(lasts / _STEP_S)
    for n in range(steps + 1):  # first the tick itself, then the braking
        t = lasts * n / steps
        next_x, next_y, next_yaw = _pose_on(bodies, paths, i, gone + _braked(speed, hard_i, t))
        next_u, next_v, next_turn = _pose_on(bodies, paths, j, gone_j + _braked(speed_j, hard_j, t))
        mx, my = next_u - u - next_x + x, next_v - v - next_y + y
        if boxes_meet(x, y, yaw, hl + _SPARE_M, hw + _SPARE_M, u, v, turn, hlj, hwj, mx, my):
            return True
        x, y, yaw, u, v, turn = next_x, next_y, next_yaw, next_u, next_v, next_turn
    return boxes_meet(x, y, yaw, hl + _SPARE_M, hw + _SPARE_M, u, v, turn, hlj, hwj, 0.0, 0.0)


@njit(cache=True)
def would_meet(bodies, paths, users, i, gone, speed):
    """Return whom i, going so far this tick to be at a speed, could meet though both then brake hard; -1 for nobody."""
    far = bodies[i].half_length + bodies[i].half_width + gone + _braked(speed, EMERGENCY_MPS2[bodies[i].kind], 9.0)
    for j in range(users):
        if j == i or not bodies[j].present:
            continue
        dx, dy = bodies[j].x - bodies[i].x, bodies[j].y - bodies[i].y
        v = bodies[j].speed
        reach = (
            far + bodies[j].half_length + bodies[j].half_width + 0.5 + v * v / (2.0 * EMERGENCY_MPS2[bodies[j].kind])
        )
        if dx * dx + dy * dy > reach * reach or abs(bodies[i].z - bodies[j].z) > 3.0:
            continue
        if _meet_braking(bodies, paths, i, gone, speed, j):
            return j
    return -1


@njit(cache=True)
def first_touch_s(bodies, paths, i, j):
    """Return when i's and j's outlines meet if both go on as they do, s; inf if they do not within LOOK_S."""
    v_i, v_j = max(bodies[i].speed, 0.0), max(bodies[j].speed, 0.0)
    for n in range(1, LOOKS + 1):
        t = LOOK_S * n / LOOKS
        x, y, yaw = _pose_on(bodies, paths, i, v_i * t)
        u, v, turn = _pose_on(bodies, paths, j, v_j * t)
        if boxes_meet(
            x, y, yaw, bodies[i].half_length, bodies[i].half_width, u, v, turn, bodies[j].half_length,
            bodies[j].half_width, 0.0, 0.0,
        ):  # fmt: skip
            return t
    return np.inf


@njit(cache=True)
def _helps(bodies, paths, i, j, t):
    """Return whether i, if it stops, stays clear of j, who goes on for t seconds."""
    stop = 0.5 * bodies[i].speed * bodies[i].speed / EMERGENCY_MPS2[bodies[i].kind]
    x, y, yaw = _pose_on(bodies, paths, i, stop)
    u, v, turn = _pose_on(bodies, paths, j, max(bodies[j].speed, 0.0) * t)
    return not boxes_meet(
        x, y, yaw, bodies[i].half_length, bodies[i].half_width, u, v, turn, bodies[j].half_length,
        bodies[j].half_width, 0.0, 0.0,
    )  # fmt: skip


@njit(cache=True)
def avert(table, bodies, paths, o, users, away):
    """Lower the accelerations of those who would touch somebody within a moment. away (users,): who looks away."""
    for i in range(users):
        if not bodies[i].moving:
            continue
        for j in range(users + 1):
            if j == i or not bodies[j].present:
                continue
            if j < i and bodies[j].moving:
                continue  # looked at as (j, i)
            dx, dy = bodies[j].x - bodies[i].x, bodies[j].y - bodies[i].y
            size = bodies[i].half_length + bodies[j].half_length + 1.0
            reach = size + LOOK_S * (abs(bodies[i].speed) + abs(bodies[j].speed))
            if abs(dx) > reach or abs(dy) > reach or abs(bodies[i].z - bodies[j].z) > 3.0:
                continue
            # Where they come nearest if both go straight on.
            vx = bodies[j].speed * bodies[j].cos - bodies[i].speed * bodies[i].cos
            vy = bodies[j].speed * bodies[j].sin - bodies[i].speed * bodies[i].sin
            closing = vx * vx + vy * vy
            if closing < 0.01:
                continue
            t = min(max(-(dx * vx + dy * vy) / closing, 0.0), LOOK_S)
            if (dx + t * vx) ** 2 + (dy + t * vy) ** 2 > size * size:
                continue
            t = first_touch_s(bodies, paths, i, j)
            if t == np.inf:
                continue
            i_helps = not away[i] and table.seen[o + i, j] > 0
            if j == users:
                bodies[i].alarmed = True
                i_helps = i_helps and bodies[i].startled
            i_helps = i_helps and _helps(bodies, paths, i, j, t)
            j_helps = j < users and bodies[j].moving and not away[j] and table.seen[o + j, i] > 0
            j_helps = j_helps and _helps(bodies, paths, j, i, t)
            if i_helps and j_helps and t > SURE_S:
                # The faster one that is behind or comes second brakes; of two alike the younger.
                walks_i, walks_j = ON_FOOT[bodies[i].kind], ON_FOOT[bodies[j].kind]
                first = bodies[i].acceleration > bodies[j].acceleration + 0.2
                if walks_i != walks_j:
                    first = walks_i
                elif abs(bodies[i].acceleration - bodies[j].acceleration) <= 0.2:
                    first = bodies[i].uid < bodies[j].uid
                i_helps, j_helps = not first, first
            for k, helps in ((i, i_helps), (j, j_helps)):
                if helps and bodies[k].speed > 0.0:
                    v = bodies[k].speed
                    needed = v * v / (2.0 * max(v * (t - 0.25), 0.1))
                    bodies[k].acceleration = min(bodies[k].acceleration, -min(needed, EMERGENCY_MPS2[bodies[k].kind]))


@njit(cache=True)
def would_touch(table, o, slots, u, was_x, was_y, was_yaw, ego):
    """Return the slot of the one whom the user of row u, now moved from a pose, has come to touch and did not before.

    slots: the ego; -1: nobody. ego (6,): the ego after the tick: its middle's x, y, its yaw, z, length and width; x is
    NaN where it does not count.
    """
    row = table.row[u]
    hl, hw, spare = 0.5 * row.length_m, 0.5 * row.width_m, 0.5 * _SPARE_M
    for j in range(slots + 1):
        if j == slots:
            x, y, yaw, z, length, width = ego[0], ego[1], ego[2], ego[3], ego[4], ego[5]
            if np.isnan(x):
                continue
        else:
            other = table.row[o + j]
            if o + j == u or not other.active:
                continue
            x, y, yaw, z, length, width = (
                other.x_m,
                other.y_m,
                other.yaw_rad,
                other.z_m,
                other.length_m,
                other.width_m,
            )
        reach = hl + hw + 2.0 * spare + 0.5 * (length + width)
        if abs(x - row.x_m) > reach or abs(y - row.y_m) > reach or abs(z - row.z_m) > 3.0:
            continue
        hlj, hwj = 0.5 * length, 0.5 * width
        if not boxes_meet(
            row.x_m, row.y_m, row.yaw_rad, hl + spare, hw + spare, x, y, yaw, hlj, hwj, 0.0, 0.0
        ):  # fmt: skip
            continue
        if not boxes_meet(was_x, was_y, was_yaw, hl + spare, hw + spare, x, y, yaw, hlj, hwj, 0.0, 0.0):
            return j
        # Nearer than the spare room before: it may go, but not into the other.
        now = boxes_meet(row.x_m, row.y_m, row.yaw_rad, hl, hw, x, y, yaw, hlj, hwj, 0.0, 0.0)
        if now and not boxes_meet(was_x, was_y, was_yaw, hl, hw, x, y, yaw, hlj, hwj, 0.0, 0.0):
            return j
    return -1
