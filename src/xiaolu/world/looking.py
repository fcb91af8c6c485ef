"""Looking: the bodies around, and who sees whom. Users know only what is in sight, and that after a moment."""

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.core.rates import TICK_S
from xiaolu.world.sight import enters_turned_box, first_wall
from xiaolu.world.temper import GAP_S, GAP_SPREAD_S, HASTE, HIDES, ON_FOOT, SPEED_SPREAD

SIGHT_M = 60.0  # how far users look out for each other
REFRESH_TICKS = 3  # each pair's line of sight is looked at this often
FORGET_Z_M = 3.0  # bodies further apart in height are on different layers

_HALF_LENGTH, _HALF_WIDTH = EGO_BODY.length_m / 2, EGO_BODY.width_m / 2

# The bodies of one branch, the ego last. moving: follows a path of its own. lead_gap: to the body in its way, inf
# without; leader: which that is, -1 without. acceleration: decided so far. red: turns right on red. way, along: where
# it is, -1 on no way. backs_for, waits_for: as in `Minds`; waited_for: waits_for of the tick before;
# beside: who stands where it would pull out or go by. gone, then: how far
# it has gone this tick and its speed then, NaN before it has moved. dares_s: of people, how far away in time a vehicle
# is before which they step out. alarmed, startled: see `xiaolu.world.alarm`.
BODY = np.dtype(
    [(name, np.float64) for name in ("x", "y", "z", "yaw", "cos", "sin", "half_length", "half_width", "speed")]
    + [
        (name, np.float64)
        for name in ("offset", "waited", "lead_gap", "acceleration", "along", "gone", "then", "dares_s")
    ]
    + [(name, np.int64) for name in ("uid", "leader", "way", "backs_for", "waits_for", "waited_for", "beside")]
    + [("kind", np.int8)]
    + [(name, np.bool_) for name in ("present", "moving", "red", "alarmed", "startled")],
    align=True,
)
# What stands in lines of sight: a body that hides others, and the slot it is in.
HIDING = np.dtype(
    [(name, np.float64) for name in ("x", "y", "cos", "sin", "half_length", "half_width", "height")]
    + [("slot", np.int64)]
)


@njit(cache=True)
def gather(table, o, users, ego, ego_z):
    """Return the bodies of the branch whose slots begin at o; ego (6,): see `tick_branch`."""
    bodies = np.zeros(users + 1, BODY)
    for i in range(users + 1):
        bodies[i].uid, bodies[i].leader, bodies[i].way, bodies[i].lead_gap = -1, -1, -1, np.inf
        bodies[i].waits_for = bodies[i].waited_for = bodies[i].beside = -1
        bodies[i].gone = np.nan
    for i in range(users):
        u = o + i
        if not table.row[u].active:
            continue
        bodies[i].present, bodies[i].moving = True, not table.row[u].parked
        bodies[i].uid, bodies[i].kind = table.row[u].uid, table.row[u].kind
        bodies[i].x, bodies[i].y, bodies[i].z, bodies[i].yaw = (
            table.row[u].x_m,
            table.row[u].y_m,
            table.row[u].z_m,
            table.row[u].yaw_rad,
        )
        bodies[i].half_length, bodies[i].half_width = 0.5 * table.row[u].length_m, 0.5 * table.row[u].width_m
        bodies[i].speed, bodies[i].waited = table.row[u].speed_mps, table.row[u].waited_s
        if table.row[u].backwards:  # a body heads where it goes
            bodies[i].yaw, bodies[i].speed = bodies[i].yaw + np.pi, -bodies[i].speed
        bodies[i].offset, bodies[i].backs_for = table.row[u].offset_m, table.row[u].backs_for
        if ON_FOOT[bodies[i].kind]:
            hurry = (table.row[u].haste - HASTE) / SPEED_SPREAD[bodies[i].kind]
            bodies[i].dares_s = min(max(GAP_S - GAP_SPREAD_S * hurry, 0.9), 4.0)
        if bodies[i].moving:
            bodies[i].startled = table.row[u].alarmed_s >= table.row[u].reaction_s
            bodies[i].waited_for = table.row[u].waits_for
            bodies[i].way, bodies[i].along = table.row[u].way, table.row[u].along_m
    bodies[users].present = bodies[users].moving = True
    bodies[users].x, bodies[users].y, bodies[users].z, bodies[users].yaw = ego[0], ego[1], ego_z, ego[2]
    bodies[users].half_length, bodies[users].half_width, bodies[users].speed = _HALF_LENGTH, _HALF_WIDTH, ego[3]
    for i in range(users + 1):
        bodies[i].cos, bodies[i].sin = np.cos(bodies[i].yaw), np.sin(bodies[i].yaw)
    return bodies


@njit(cache=True)
def look(table, bodies, walls, o, users, tick):
    """Refresh who sees whom: a rotating share of the pairs, the ego more often."""
    hiding = _hiding(table, bodies, o, users)
    for i in range(users):
        if not bodies[i].moving:
            continue
        seen = table.seen[o + i]
        for j in range(users + 1):
            if j == i or not bodies[j].present:
                continue
            if seen[j] > 0 and seen[j] < 100:
                seen[j] += 1
            turn = (i + tick) % 2 if j == users else (7 * i + j + tick) % REFRESH_TICKS
            if turn != 0:
                continue
            if abs(bodies[i].x - bodies[j].x) > SIGHT_M or abs(bodies[i].y - bodies[j].y) > SIGHT_M:
                continue
            tall = 2.0 if j == users else table.row[o + j].height_m
            if _line_of_sight(bodies, hiding, walls, i, j, tall):
                seen[j] = max(seen[j], 1)
            else:
                seen[j] = 0


@njit(cache=True)
def _hiding(table, bodies, o, users):
    """Return (n,) HIDING: the bodies of the branch that hide others."""
    out = np.empty(users, HIDING)
    count = 0
    for k in range(users):
        body = bodies[k]
        if not body.present or HIDES[body.kind] == 0:
            continue
        out[count].x, out[count].y, out[count].cos, out[count].sin = body.x, body.y, body.cos, body.sin
        out[count].half_length, out[count].half_width = body.half_length, body.half_width
        out[count].height, out[count].slot = table.row[o + k].height_m, k
        count += 1
    return out[:count]


@njit(cache=True)
def _line_of_sight(bodies, hiding, walls, i, j, tall):
    """Return whether nothing that is as tall as body j hides it from body i. Whoever is within 6 m is seen."""
    ax, ay, bx, by = bodies[i].x, bodies[i].y, bodies[j].x, bodies[j].y
    if (ax - bx) ** 2 + (ay - by) ** 2 < 36.0:
        return True
    low_x, high_x, low_y, high_y = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
    for n in range(len(hiding)):
        box = hiding[n]
        r = box.half_length + 1.0
        if low_x - r > box.x or high_x + r < box.x or low_y - r > box.y or high_y + r < box.y:
            continue
        if box.height < tall or box.slot == i or box.slot == j:
            continue
        hl, hw = box.half_length, box.half_width
        if enters_turned_box(ax, ay, bx, by, box.x, box.y, box.cos, box.sin, hl, hw) <= 1.0:
            return False
    return first_wall(walls, ax, ay, bx, by, 1.0) > 1.0


@njit(cache=True)
def perceives(table, o, users, i, j):
    """Return whether user i has seen body j for its reaction time. Whoever stands close is noticed at once."""
    seen = table.seen[o + i, j]
    return seen > 0 and seen * TICK_S >= table.row[o + i].reaction_s
