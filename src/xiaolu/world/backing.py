"""Backing: how one that backs up drives, along a line that is free: to its place, where it waits, or off a thing."""

import numpy as np
from numba import njit

from xiaolu.core.rates import TICK_S
from xiaolu.world.behind import line_back, place_behind
from xiaolu.world.facing import code_of, facing
from xiaolu.world.shunting import room_to_turn

BACK_MPS = 1.5  # the fastest one drives backwards
BACK_MPS2 = 0.8
BEHIND_M = 3.0  # who stands so close behind one that backs up is in its way
EGO_ROOM_M = 8.0  # what whoever queues behind an ego that backs up leaves it
IN_VAIN_S, FURTHER_M = 8.0, 5.0  # where the other has not gone by for so long is no place: so much further back
GIVE_UP_S = 15.0  # one that cannot get out of the way for so long leaves it to the other
SHORT_M, LEAST_M = 0.6, 1.0  # it stops so far short of what is behind it; with less room than this it does not begin


@njit(cache=True)
def back_up(ways, table, bodies, paths, o, users, seed):
    """Set acceleration and place in the lane of everyone that backs up: to its place, or until it can steer round."""
    for i in range(users):
        if bodies[i].backs_for == 0:
            if bodies[i].moving and bodies[i].speed < 0.0:
                bodies[i].acceleration = BACK_MPS2  # it has done: it stops before it goes on
            continue
        j = users
        for k in range(users):
            if bodies[k].present and code_of(bodies[k].uid) == bodies[i].backs_for:
                j = k
        fixed = not bodies[j].moving  # what it has stood against
        ahead = bodies[i].leader
        least = 0.0
        if ahead == users and bodies[ahead].backs_for != 0 and not facing(bodies, i, ahead):
            least = EGO_ROOM_M
        elif 0 <= ahead < users and bodies[ahead].backs_for != 0 and not facing(bodies, i, ahead):
            # It makes room for the one before it, also for one that stands against something and cannot begin.
            waits = fixed and bodies[i].lead_gap < BEHIND_M
            least = 7.0 if bodies[ahead].speed < -0.05 or waits else 0.0
        if fixed:
            far, aside = room_to_turn(bodies, i, j), bodies[i].offset
            far = max(far + SHORT_M if far > 0.0 else 0.0, least)  # it comes to a stand before it has gone all of it
        else:
            if bodies[i].waited > IN_VAIN_S and abs(bodies[j].speed) < 0.3:
                least = max(least, FURTHER_M)
            far, aside = place_behind(ways, table, bodies, paths, o, users, seed, i, j, least)
        speed = bodies[i].speed
        nowhere = far == np.inf
        if nowhere:
            far, aside = 0.0, bodies[i].offset
        paths.row[i].slope = 0.25
        off = abs(bodies[i].offset - aside)
        if far < 1.0 and off > 0.15:
            far = 2.0  # it is abreast of its place: on until it stands well aside
        line, behind = line_back(ways, table, bodies, o, users, seed, i, aside, far, True)
        paths.row[i].aim = line
        behind -= SHORT_M
        room = min(far, behind)
        stands = abs(speed) < 0.05 and bodies[i].waited % GIVE_UP_S < TICK_S
        if stands and (nowhere or (far > (0.0 if fixed else 1.5) and behind < LEAST_M - SHORT_M)):
            bodies[i].backs_for = 0  # it gets nowhere: whose turn it is, is worked out again
        fastest = min(BACK_MPS, np.sqrt(2.0 * BACK_MPS2 * max(room - 0.3, 0.0)))
        bodies[i].acceleration = min(max((-fastest - speed) / 0.4, -BACK_MPS2), 2.0)
