"""Meeting: two vehicles face each other where the surface is too narrow for both. One backs up to where both pass.

One rule, worked out alike for either: whoever has the nearer wide place behind itself (`xiaolu.world.behind`) backs up,
each vehicle queueing behind it counting as further; of equals the one that came later. It remembers for whom
(`backs_for`, a code of the other's uid) until that one has gone by. Whoever queues behind it backs up too. The ego
counts as one of them. How they drive then is `xiaolu.world.backing`.
"""

import numpy as np
from numba import njit

from xiaolu.world.backing import BEHIND_M, GIVE_UP_S, LEAST_M
from xiaolu.world.behind import line_back, place_behind
from xiaolu.world.facing import code_of, facing, fills_lane, gap_ahead, met, queue_behind, turned
from xiaolu.world.shunting import room_to_turn, wedged
from xiaolu.world.temper import ON_FOOT
from xiaolu.world.waiting import RING, ring_of, under_orders
from xiaolu.world.yielding import shared_spot

NEAR_M = 10.0  # vehicles that stand this close face to face have met
SETTLE_S = 2.0  # how long both stand before one backs up
EGO_SETTLE_S, EGO_NEAR_M = 4.0, 5.0  # before an ego they wait longer, and come nearer: it may know a way
# An ego that stands face to face with one who has no way back for so long, or that drives backwards, is made room for
# by whoever queues behind it. Tuned on a few village rides.
EGO_LOCKED_S, EGO_BACKS_MPS = 8.0, -0.1
QUEUE_M = 9.0  # what a vehicle behind costs the one that would back up
BESIDE_M = 3.0  # two that are turned to each other, in a bend, may have met flank to flank, so far past their noses
LOCKED_S = 7.0  # a ring in which nobody could be waved through stands for so long before one backs out of it


@njit(cache=True)
def _can_begin(ways, table, bodies, o, users, seed, i, aside, far):
    """Return whether i has room to drive back to a place far m behind it: who queues there will back up as well."""
    _, room = line_back(ways, table, bodies, o, users, seed, i, aside, far, queue_behind(bodies, users, i) < 0)
    return room > LEAST_M


@njit(cache=True)
def cost_of_backing(ways, table, bodies, paths, o, users, seed, i, j):
    """Return how many metres it takes i to get out of j's way backwards, those behind it included; inf: it cannot."""
    cost, aside = place_behind(ways, table, bodies, paths, o, users, seed, i, j, 0.0)
    if LEAST_M < cost < np.inf and not _can_begin(ways, table, bodies, o, users, seed, i, aside, cost):
        return np.inf
    k = i
    for _ in range(4):
        k = queue_behind(bodies, users, k)
        if k < 0:
            break
        cost += np.inf if k == users else QUEUE_M  # the ego is not pushed back
    return cost


@njit(cache=True)
def _still_there(bodies, paths, users, i, spot):
    """Return whether the one that i backs up for has yet to go by, or what it stood against to be clear of it."""
    for j in range(users + 1):
        if bodies[j].present and code_of(bodies[j].uid) == bodies[i].backs_for:
            if not bodies[j].moving:
                return room_to_turn(bodies, i, j) > 0.0
            if j < users and bodies[j].backs_for != 0:
                return False  # it makes room itself, for somebody else: two queues would back away from each other
            gap, lat = gap_ahead(bodies, i, j)
            length = 2.0 * (bodies[i].half_length + bodies[j].half_length)
            if not facing(bodies, i, j):
                return -length < gap < 6.0 and abs(lat) < 8.0 and shared_spot(bodies, paths, i, j, spot)
            return -length < gap < 60.0 and abs(lat) < 8.0
    return False


@njit(cache=True)
def _queues_back(bodies, users, i):
    """Return whether i backs up only because the one close before it does."""
    leader = bodies[i].leader
    if leader < 0 or bodies[leader].backs_for != bodies[i].backs_for or facing(bodies, i, leader):
        return False
    gap, _ = gap_ahead(bodies, i, leader)
    return gap < QUEUE_M


@njit(cache=True)
def _locked(ways, table, bodies, paths, o, users, seed, i):
    """Return who waits for i if i is the one to back up out of a ring of bodies, each in the way of the one before.

    -1 where there is no such ring, or another of it has to back up.
    """
    if bodies[i].waited < LOCKED_S:
        return -1
    ring = np.empty(RING, np.int64)
    members = ring_of(bodies, users, i, ring)
    for n in range(members):
        k = ring[n]
        if bodies[k].waited < LOCKED_S or bodies[k].backs_for != 0 or under_orders(bodies, paths, k):
            return -1
    best, chosen, behind = np.inf, -1, -1
    for n in range(members):
        last, k = ring[n], ring[(n + 1) % members]
        if n == members - 1 and bodies[last].waited_for == users:
            last = users  # the ego closes the ring, if the first one is in its way
            if bodies[users].leader != k:
                continue
        if not turned(bodies, last, k) or ON_FOOT[bodies[k].kind]:
            continue
        cost = cost_of_backing(ways, table, bodies, paths, o, users, seed, k, last)
        if cost < best or (cost == best and chosen >= 0 and bodies[k].uid > bodies[chosen].uid):
            best, chosen, behind = cost, k, last
    return behind if chosen == i else -1


@njit(cache=True)
def _is_to_back(ways, table, bodies, paths, o, users, seed, i, j):
    """Return whether of i and j, who stand face to face, i is the one to back up."""
    beside = -0.5 if j == users or min(bodies[i].waited, bodies[j].waited) < LOCKED_S else -BESIDE_M
    if not met(bodies, i, j, beside, EGO_NEAR_M if j == users and bodies[i].waited < EGO_LOCKED_S else NEAR_M):
        return False
    mine = cost_of_backing(ways, table, bodies, paths, o, users, seed, i, j)
    if mine == np.inf or abs(bodies[j].speed) > 0.3:
        return False
    if j == users:
        # An ego that backs up has begun: one waits, and then goes on.
        return bodies[i].waited > EGO_SETTLE_S and bodies[j].speed > EGO_BACKS_MPS
    if bodies[j].waited < SETTLE_S:
        return False
    first = bodies[i].uid < bodies[j].uid
    its = cost_of_backing(ways, table, bodies, paths, o, users, seed, j, i)
    backs = mine < its - 0.5 if first else mine <= its + 0.5
    if its < np.inf and int(max(bodies[i].waited, bodies[j].waited) / GIVE_UP_S) % 2 == 1:
        return not backs  # it has tried for long, in vain
    return backs


@njit(cache=True)
def _makes_way_for(ways, table, bodies, paths, o, users, seed, i):
    """Return the first of those face to face with i for whom it is the one to back up, -1 for nobody."""
    if not fills_lane(bodies, users, i):
        return -1
    for j in range(users + 1):
        if j == i or not fills_lane(bodies, users, j) or (bodies[j].backs_for != 0 and j < users):
            continue
        if _is_to_back(ways, table, bodies, paths, o, users, seed, i, j):
            return j
    return -1


@njit(cache=True)
def _ego_backs_for(bodies, users):
    """Return the code of whom the ego has to make room for, backwards; 0 for nobody."""
    if bodies[users].speed > 0.3:
        return 0
    for j in range(users):
        if not fills_lane(bodies, users, j) or abs(bodies[j].speed) > 0.3:
            continue
        if bodies[j].backs_for != 0 and bodies[j].waited < GIVE_UP_S:
            continue  # it is to make room itself, and may still manage
        if not met(bodies, users, j, -0.5, NEAR_M):
            continue
        if bodies[users].speed < EGO_BACKS_MPS or bodies[j].waited > EGO_LOCKED_S:
            return code_of(bodies[j].uid)
    return 0


@njit(cache=True)
def settle(ways, table, bodies, paths, o, users, seed):
    """Decide who begins to back up, and who has done: sets `backs_for` of bodies.

    Somebody else to let by comes first, then what one stands against (`xiaolu.world.shunting`).
    """
    spot = np.empty(4, np.int64)
    bodies[users].backs_for = _ego_backs_for(bodies, users)
    for i in range(users):
        if not bodies[i].moving or ON_FOOT[bodies[i].kind]:
            continue
        if bodies[i].backs_for != 0:
            if not _still_there(bodies, paths, users, i, spot) and not _queues_back(bodies, users, i):
                bodies[i].backs_for = 0
            continue
        if abs(bodies[i].speed) > 0.3 or under_orders(bodies, paths, i):
            continue
        leader = bodies[i].leader
        if leader >= 0 and bodies[leader].backs_for != 0 and not facing(bodies, i, leader):
            gap, _ = gap_ahead(bodies, i, leader)
            if gap < BEHIND_M and bodies[leader].backs_for != code_of(bodies[i].uid):
                bodies[i].backs_for = bodies[leader].backs_for
            continue
        if bodies[i].waited < SETTLE_S:
            continue
        behind = _locked(ways, table, bodies, paths, o, users, seed, i)
        if behind >= 0:
            bodies[i].backs_for = code_of(bodies[behind].uid)
            continue
        other = _makes_way_for(ways, table, bodies, paths, o, users, seed, i)
        if other >= 0:
            bodies[i].backs_for = code_of(bodies[other].uid)
            continue
        against = wedged(bodies, users, i)
        if against >= 0:
            far = room_to_turn(bodies, i, against)
            if _can_begin(ways, table, bodies, o, users, seed, i, bodies[i].offset, far):
                bodies[i].backs_for = code_of(bodies[against].uid)
