"""Clearing: nobody drives into a junction that it could not leave again, nor into a narrow mouth out of which somebody
comes. Distances along a user's own chain of ways.
"""

import numpy as np
from numba import njit

from xiaolu.world.paths import SIGNAL_MPS2, choose_next
from xiaolu.world.temper import ON_FOOT, STANDSTILL_GAP_M, TWO_WHEELER

ROOM_M = 1.5  # kept at least behind the last vehicle beyond a junction, more than a car's length; tuned by eye
FLOWS_MPS = 1.0  # traffic beyond a junction that goes this fast makes room by itself
EGO_PATIENCE_S = 6.0  # so long one waits behind an ego that stands beyond a junction; then one goes to pass it
OUT_M = 40.0  # who comes from within this far of a narrow street's mouth is let out before one drives in
OUT_MPS, OUT_S = 0.5, 4.0  # as long as it comes at all; who has stood for so long is not waited for
LET_OUT_S = 20.0  # and nobody lets others out for longer than this
ABREAST_M = 0.5  # what two that pass each other need besides their widths
PATIENCE_S = 45.0  # a junction's exit that stays full for so long is tried all the same
_CHAIN = 12


@njit(cache=True)
def _narrowest(ways, bodies, way, upto):
    """Return the least width, m, that what is parked leaves of a way's surface over its first so many metres."""
    first, last = ways.way[way].start, ways.way[way].end
    stride = max(int(2.0 / ways.way[way].spacing), 1)
    middle = 0.5 * (ways.way[way].left_room - ways.way[way].right_room)
    least = ways.way[way].left_room + ways.way[way].right_room
    for a in range(first, last, stride):
        if (a - first) * ways.way[way].spacing > upto:
            break
        cos, sin = np.cos(ways.point[a].yaw), np.sin(ways.point[a].yaw)
        low, high = -ways.way[way].right_room, ways.way[way].left_room
        for k in range(len(bodies) - 1):
            if not bodies[k].present or bodies[k].moving:
                continue
            dx, dy = bodies[k].x - ways.point[a].x, bodies[k].y - ways.point[a].y
            if abs(dx) + abs(dy) > 12.0:
                continue
            lon, lat = dx * cos + dy * sin, -dx * sin + dy * cos
            c, s = abs(bodies[k].cos * cos + bodies[k].sin * sin), abs(bodies[k].sin * cos - bodies[k].cos * sin)
            if abs(lon) > c * bodies[k].half_length + s * bodies[k].half_width + 1.0:
                continue
            across = s * bodies[k].half_length + c * bodies[k].half_width
            if lat > middle:
                high = min(high, lat - across)
            else:
                low = max(low, lat + across)
        least = min(least, high - low)
    return least


@njit(cache=True)
def _comes_out(ways, table, bodies, o, users, i, way):
    """Return who comes out of a way that i wants to drive into, too narrow there for the two; -1 for nobody."""
    for k in range(users + 1):
        if k == i or not bodies[k].present or bodies[k].way < 0 or ways.twin[way] != bodies[k].way:
            continue
        if k < users and (not bodies[k].moving or ON_FOOT[bodies[k].kind] or TWO_WHEELER[bodies[k].kind]):
            continue
        stands = bodies[k].speed < OUT_MPS
        if (stands and (k == users or bodies[k].waited > OUT_S)) or bodies[k].backs_for != 0:
            continue
        away = ways.way[bodies[k].way].length - bodies[k].along
        if away > OUT_M or table.seen[o + i, k] <= 0:
            continue
        if _narrowest(ways, bodies, way, away) < 2.0 * (bodies[i].half_width + bodies[k].half_width) + ABREAST_M:
            return k
    return -1


@njit(cache=True)
def keep_clear(ways, table, bodies, paths, o, users, seed):
    """Let every vehicle wait at its line whose junction has no room behind it, or that has to let somebody out first.

    Sets `stop`, and `leader` in a queue.
    """
    chain, begins = np.empty(_CHAIN, np.int64), np.empty(_CHAIN)
    for i in range(users):
        kind = bodies[i].kind
        if not bodies[i].moving or ON_FOOT[kind] or TWO_WHEELER[kind] or bodies[i].backs_for != 0:
            continue
        if ways.way[bodies[i].way].junction >= 0 or paths.row[i].stop < np.inf:
            continue
        half, speed = bodies[i].half_length, bodies[i].speed
        reach = half + 3.0 + 0.5 * speed + speed * speed / 3.0
        way, count, begin = bodies[i].way, table.row[o + i].junctions, -bodies[i].along
        line = np.inf
        while begin < reach:
            following = choose_next(ways, way, seed, bodies[i].uid, count, kind)
            if following < 0:
                break
            end = begin + ways.way[way].length
            if ways.way[following].junction >= 0:
                line = begin + ways.way[way].stop_s
                begin = end
                way, count = following, count + 1
                break
            begin, way, count = end, following, count + 1
        if line > reach or line - half < -0.5:
            continue
        if speed > 1.0 and speed * speed > 2.0 * SIGNAL_MPS2 * max(line - half, 0.01):
            continue  # too late to stop for it
        # The ways from the junction on, until there is room for the whole body outside of any junction.
        needed = 2.0 * half + max(ROOM_M, STANDSTILL_GAP_M[kind] * table.row[o + i].room)
        filled, room, until = 0, 0.0, begin
        while filled < _CHAIN:
            chain[filled], begins[filled] = way, begin
            filled += 1
            begin += ways.way[way].length
            if ways.way[way].junction >= 0:
                room, until = 0.0, begin
            else:
                room += ways.way[way].length
            if room >= needed:
                break
            way = choose_next(ways, way, seed, bodies[i].uid, count, kind)
            count += 1
            if way < 0:
                break
        for k in range(users + 1):
            if k == i or bodies[k].way < 0 or bodies[k].speed > FLOWS_MPS:
                continue
            if k < users and (ON_FOOT[bodies[k].kind] or TWO_WHEELER[bodies[k].kind]):
                continue
            if bodies[i].waited > (EGO_PATIENCE_S if k == users else PATIENCE_S):
                continue
            for c in range(filled):
                if ways.way[chain[c]].lane == ways.way[bodies[k].way].lane:
                    back = begins[c] + bodies[k].along - bodies[k].half_length
                    if line - half < back < until + needed:
                        paths.row[i].stop = max(line, 0.0)
                        bodies[i].leader = bodies[i].waits_for = k
                    break
        exit_way = chain[filled - 1]
        if bodies[i].waited < LET_OUT_S and ways.way[exit_way].shared and ways.way[exit_way].junction < 0:
            other = _comes_out(ways, table, bodies, o, users, i, exit_way)
            if other >= 0:
                paths.row[i].stop = max(line, 0.0)
                bodies[i].waits_for = other
