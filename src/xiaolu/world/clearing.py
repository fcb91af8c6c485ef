"""Clearing: nobody drives into a junction that it could not leave again. Distances along a user's own chain of ways."""

import numpy as np
from numba import njit

from xiaolu.world.paths import SIGNAL_MPS2, choose_next
from xiaolu.world.temper import ON_FOOT, STANDSTILL_GAP_M, TWO_WHEELER

ROOM_M = 1.5  # kept at least behind the last vehicle beyond a junction, more than a car's length; tuned by eye
FLOWS_MPS = 1.0  # traffic beyond a junction that goes this fast makes room by itself
EGO_PATIENCE_S = 6.0  # so long one waits behind an ego that stands beyond a junction; then one goes to pass it
PATIENCE_S = 45.0  # a junction's exit that stays full for so long is tried all the same
_CHAIN = 12


@njit(cache=True)
def keep_clear(ways, table, bodies, paths, o, users, seed):
    """Let every vehicle whose junction has no room behind it wait at its line: sets `stop` and `leader`."""
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
