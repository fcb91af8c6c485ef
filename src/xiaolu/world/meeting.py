"""Meeting: two vehicles face each other where the surface is too narrow for both. One backs up to where both pass.

One rule, worked out alike for either: whoever has the nearer wide place behind itself backs up, each vehicle queueing
behind it counting as further; of equals the one that came later. It remembers for whom (`backs_for`, a code of the
other's uid) until that one has gone by. Whoever queues behind it backs up too. The ego counts as one of them.
"""

import numpy as np
from numba import njit

from xiaolu.core.rates import TICK_S
from xiaolu.world.angles import half_turn
from xiaolu.world.contact import boxes_meet
from xiaolu.world.paths import choose_next
from xiaolu.world.temper import ON_FOOT, TWO_WHEELER
from xiaolu.world.waiting import RING, ring_of, under_orders
from xiaolu.world.yielding import shared_spot

NEAR_M = 10.0  # vehicles that stand this close face to face have met
SETTLE_S = 2.0  # how long both stand before one backs up
EGO_SETTLE_S, EGO_NEAR_M = 4.0, 5.0  # before an ego they wait longer, and come nearer: it may know a way
# An ego that stands face to face with one who has no way back for so long, or that drives backwards, is made room for
# by whoever queues behind it. Tuned on a few village rides.
EGO_LOCKED_S, EGO_BACKS_MPS, EGO_ROOM_M = 8.0, -0.1, 8.0
BACK_MPS = 1.5  # the fastest one drives backwards
BACK_MPS2 = 0.8
FARTHEST_M = 120.0
QUEUE_M = 9.0  # what a vehicle behind costs the one that would back up
ASIDE_M = 0.3  # between two vehicles that pass each other at a walking pace
STRAIGHT_RAD = 0.8  # an ego that drives on turns by less than this
EDGE_M = 0.05
WEAVE_M = 4.0  # before and behind a body that stands aside, what the other needs to swing out and back in
IN_VAIN_S, FURTHER_M = 8.0, 5.0  # where the other has not gone by for so long is no place: so much further back
GIVE_UP_S = 15.0  # one that cannot get out of the way for so long leaves it to the other
ROOM_M, _ROOM_STEP_M = 8.0, 0.5  # how far one looks behind oneself while backing
ALONG_M = 3.0  # in which a body that backs comes to lie along its way
# What stands beside its way may keep it from where it wants to be: then it backs along another line, so far to the left
# (in m, tuned by eye) of the one it is on, which leads back farther by so much at least.
_LINES_M = (0.0, 0.4, -0.4, 0.8, -0.8)
_BETTER_M = 1.0
SHORT_M, LEAST_M = 0.6, 1.0  # it stops so far short of what is behind it; with less room than this it does not begin
BESIDE_M = 3.0  # two that are turned to each other, in a bend, may have met flank to flank, so far past their noses
NOWHERE_S = 20.0  # who has stood so long with no good place behind makes do with one round the corner; tuned
LOCKED_S = 7.0  # a ring in which nobody could be waved through stands for so long before one backs out of it

_STEP_M = 1.0


@njit(cache=True)
def code_of(uid):
    """Return what `backs_for` holds for a body's uid (the ego's is -1): above 0, where 0 means nobody."""
    return uid + 2


@njit(cache=True)
def _fills_lane(bodies, users, i):
    return i == users or (bodies[i].moving and not ON_FOOT[bodies[i].kind] and not TWO_WHEELER[bodies[i].kind])


@njit(cache=True)
def _facing(bodies, i, j):
    return bodies[i].cos * bodies[j].cos + bodies[i].sin * bodies[j].sin < -0.5


@njit(cache=True)
def _met(bodies, i, j, beside, near):
    """Return whether i stands face to face with j: nose to nose, or one in the other's way though aside of its nose.

    beside, near: how far j's front may be before i's front, m, at least and at most.
    """
    gap, lat = _gap_ahead(bodies, i, j)
    if not _facing(bodies, i, j) or gap < beside or gap > near or abs(bodies[i].z - bodies[j].z) > 3.0:
        return False
    in_the_way = bodies[i].leader == j or bodies[j].leader == i
    return in_the_way or abs(lat) <= bodies[i].half_width + bodies[j].half_width + 0.25


@njit(cache=True)
def _turned(bodies, i, j):
    return bodies[i].cos * bodies[j].cos + bodies[i].sin * bodies[j].sin < 0.7


@njit(cache=True)
def _gap_ahead(bodies, i, j):
    """Return (gap m, lateral m) from i's front to j, in i's frame."""
    dx, dy = bodies[j].x - bodies[i].x, bodies[j].y - bodies[i].y
    lon, lat = dx * bodies[i].cos + dy * bodies[i].sin, -dx * bodies[i].sin + dy * bodies[i].cos
    return lon - bodies[i].half_length - bodies[j].half_length, lat


@njit(cache=True)
def before(ways, way, seed, uid, count, kind):
    """Return the way a user backs into at the start of another, -1 for none: one it would leave again for this."""
    first, last = ways.before_start[way], ways.before_start[way + 1]
    for index in range(first, last):
        if choose_next(ways, ways.before_way[index], seed, uid, count - 1, kind) == way:
            return ways.before_way[index]
    return ways.before_way[first] if last > first else -1


@njit(cache=True)
def _stands_in(bodies, users, i, j, x, y, cos, sin, half_length, low, high):
    """Return whether a body that stands, other than i and j, is in a box about a place: lateral from low to high."""
    for k in range(users + 1):
        if k in (i, j) or not bodies[k].present or abs(bodies[k].speed) > 0.5:
            continue
        dx, dy = bodies[k].x - x, bodies[k].y - y
        if abs(dx) + abs(dy) > 14.0 or abs(bodies[k].z - bodies[i].z) > 3.0:
            continue
        lon, lat = dx * cos + dy * sin, -dx * sin + dy * cos
        c, s = abs(bodies[k].cos * cos + bodies[k].sin * sin), abs(bodies[k].sin * cos - bodies[k].cos * sin)
        along = c * bodies[k].half_length + s * bodies[k].half_width
        across = s * bodies[k].half_length + c * bodies[k].half_width
        if abs(lon) < half_length + along and lat + across > low and lat - across < high:
            return True
    return False


@njit(cache=True)
def _clears(bodies, paths, i, j, x, y, yaw):
    """Return whether j, along its path, leaves a box like i's at a place alone."""
    long, wide = bodies[i].half_length + ASIDE_M, bodies[i].half_width + ASIDE_M
    hl, hw = bodies[j].half_length, bodies[j].half_width
    for k in range(paths.row[j].count):
        point = paths.point[j, k]
        if abs(point.x - x) + abs(point.y - y) > 1.5 * (long + hl):
            continue
        turned = bodies[j].yaw if k == 0 else point.yaw
        if boxes_meet(x, y, yaw, long, wide, point.x, point.y, turned, hl, hw, 0.0, 0.0):
            return False
    return True


@njit(cache=True)
def _goes_there(ways, table, bodies, o, users, seed, j, way):
    """Return whether body j is going to drive into the other direction of a way.

    Of the ego, whose way nobody knows, that is where it comes to by driving straight on.
    """
    if not ways.way[way].shared:
        return False
    if j == users:
        out = ways.point[ways.way[way].end - 1].yaw + np.pi
        return abs(half_turn(out - bodies[j].yaw)) < STRAIGHT_RAD
    row = table.row[o + j]
    at, count = row.way, row.junctions
    for _ in range(4):
        at = choose_next(ways, at, seed, row.uid, count, row.kind)
        count += 1
        if at < 0:
            return False
        if ways.way[at].junction < 0:
            return ways.twin[way] == at
    return False


@njit(cache=True)
def place_behind(ways, table, bodies, paths, o, users, seed, i, j, least):
    """Return (how far back, offset there) of the nearest place where i stands aside and j passes; inf where none is.

    Not nearer than `least` m. Who finds none for long, or has begun, goes round a corner though j may follow there.
    """
    back, aside = _place(ways, table, bodies, paths, o, users, seed, i, j, least, True)
    if back == np.inf and (bodies[i].waited > NOWHERE_S or bodies[i].backs_for == code_of(bodies[j].uid)):
        back, aside = _place(ways, table, bodies, paths, o, users, seed, i, j, least, False)
    return back, aside


@njit(cache=True)
def _place(ways, table, bodies, paths, o, users, seed, i, j, least, choosy):
    """Do what `place_behind` does; choosy: not round a corner where j is going to go."""
    row = table.row[o + i]
    way, along, count = row.way, row.along_m, row.junctions
    half, wide = bodies[i].half_length, bodies[i].half_width
    other = 2.0 * bodies[j].half_width + ASIDE_M
    back, left_junction, facing = 0.0, False, _facing(bodies, i, j)
    while back <= FARTHEST_M:
        place = along / ways.way[way].spacing
        a = ways.way[way].start
        index = min(max(int(place), 0), ways.way[way].end - a - 2)
        share = place - index
        a += index
        yaw = ways.point[a].yaw
        x = ways.point[a].x + share * (ways.point[a + 1].x - ways.point[a].x)
        y = ways.point[a].y + share * (ways.point[a + 1].y - ways.point[a].y)
        left, right = ways.way[way].left_room, ways.way[way].right_room
        aside = -right + wide + EDGE_M
        cos, sin = np.cos(yaw), np.sin(yaw)
        clear_of_junction = not left_junction or along + half < ways.way[way].length + 0.5
        if back >= least and not facing:
            own = bodies[i].offset
            if _clears(bodies, paths, i, j, x - own * sin, y + own * cos, yaw):
                return back, own
        elif back >= least and ways.way[way].junction < 0 and clear_of_junction:
            # On a line of an actor's own nothing is known of the room beside it.
            one_way = not ways.way[way].shared and ways.way[way].lane >= 0
            free = aside + wide + other + EDGE_M <= left or one_way
            # Round the corner it is out of the way whatever the width, unless that is where the other wants to go.
            if not free and left_junction:
                free = not choosy or not _goes_there(ways, table, bodies, o, users, seed, j, way)
            if (
                free
                and not _stands_in(bodies, users, i, j, x, y, cos, sin, half + 0.3, aside - wide, aside + wide + 0.1)
                and (
                    not ways.way[way].shared
                    or left_junction
                    or not _stands_in(
                        bodies, users, i, j, x, y, cos, sin, half + WEAVE_M, aside + wide, aside + wide + other
                    )
                )
            ):
                return back, aside
        back += _STEP_M
        along -= _STEP_M
        while along < 0.0:
            previous = before(ways, way, seed, row.uid, count, row.kind)
            if previous < 0:
                return np.inf, 0.0
            left_junction = left_junction or ways.way[way].junction >= 0
            way, count = previous, count - 1
            along += ways.way[way].length
    return np.inf, 0.0


@njit(cache=True)
def _queue_behind(bodies, users, i):
    """Return the body that stands close behind i in its lane, -1 where none does."""
    for k in range(users + 1):
        if k == i or not bodies[k].present or ON_FOOT[bodies[k].kind]:
            continue
        dx, dy = bodies[k].x - bodies[i].x, bodies[k].y - bodies[i].y
        lon, lat = dx * bodies[i].cos + dy * bodies[i].sin, -dx * bodies[i].sin + dy * bodies[i].cos
        reach = bodies[i].half_length + bodies[k].half_length
        if (
            -reach - 4.0 < lon < -reach * 0.5
            and abs(lat) < bodies[i].half_width + bodies[k].half_width
            and bodies[i].cos * bodies[k].cos + bodies[i].sin * bodies[k].sin > 0.5
            and (bodies[k].moving or k == users)
        ):
            return k
    return -1


@njit(cache=True)
def _room_back(ways, table, bodies, o, users, seed, i, aside, all_of_them):
    """Return how far i, backing along its way and over to `aside`, gets before it meets anything, up to ROOM_M.

    all_of_them: else only what does not move by itself.
    """
    row = table.row[o + i]
    way, along, count, kind = row.way, row.along_m, row.junctions, row.kind
    hl, hw, change = bodies[i].half_length, bodies[i].half_width, aside - bodies[i].offset
    turned = 0.0
    for n in range(int(ROOM_M / _ROOM_STEP_M) + 1):
        back = n * _ROOM_STEP_M
        while along - back < 0.0:
            previous = before(ways, way, seed, row.uid, count, kind)
            if previous < 0:
                return max(back - _ROOM_STEP_M, 0.0)
            way, count = previous, count - 1
            along += ways.way[way].length
        place = (along - back) / ways.way[way].spacing
        a = ways.way[way].start
        index = min(max(int(place), 0), ways.way[way].end - a - 2)
        share = place - index
        a += index
        yaw = ways.point[a].yaw
        if n == 0:
            turned = half_turn(bodies[i].yaw - yaw)  # it is not quite along its way, and will be
            continue
        offset = bodies[i].offset + min(abs(change), 0.25 * back) * np.sign(change)
        x = ways.point[a].x + share * (ways.point[a + 1].x - ways.point[a].x) - offset * np.sin(yaw)
        y = ways.point[a].y + share * (ways.point[a + 1].y - ways.point[a].y) + offset * np.cos(yaw)
        yaw += turned * max(1.0 - back / ALONG_M, 0.0)
        cos, sin = np.cos(yaw), np.sin(yaw)
        for k in range(users + 1):
            if k == i or not bodies[k].present or abs(bodies[k].z - bodies[i].z) > 3.0:
                continue
            if not all_of_them and (bodies[k].moving or k == users):
                continue
            dx, dy = bodies[k].x - x, bodies[k].y - y
            if abs(dx) + abs(dy) > 16.0 or dx * cos + dy * sin > 0.0:
                continue
            across = abs(bodies[k].sin * cos - bodies[k].cos * sin) * min(abs(bodies[k].speed), 3.0)
            spare = 0.12 + (0.5 if ON_FOOT[bodies[k].kind] else 0.0) + across if bodies[k].moving else EDGE_M
            if boxes_meet(
                x, y, yaw, hl, hw + spare, bodies[k].x, bodies[k].y, bodies[k].yaw, bodies[k].half_length,
                bodies[k].half_width, 0.0, 0.0,
            ):  # fmt: skip
                return back - _ROOM_STEP_M
    return ROOM_M


@njit(cache=True)
def _line_back(ways, table, bodies, o, users, seed, i, aside, far, all_of_them):
    """Return (offset, m): the line along which i backs to a place far m behind it, and how far that leads.

    all_of_them: as for `_room_back`.
    """
    line, room = aside, _room_back(ways, table, bodies, o, users, seed, i, aside, all_of_them)
    enough = min(far, ROOM_M) - _ROOM_STEP_M
    if room >= enough:
        return line, room
    way = ways.way[table.row[o + i].way]
    most, least = way.left_room - bodies[i].half_width, -way.right_room + bodies[i].half_width
    for left in _LINES_M:
        other = bodies[i].offset + left
        if left != 0.0 and not least <= other <= most:
            continue
        leads = _room_back(ways, table, bodies, o, users, seed, i, other, all_of_them)
        if leads > room + _BETTER_M or (leads > room and leads >= enough):
            line, room = other, leads
    return line, room


@njit(cache=True)
def cost_of_backing(ways, table, bodies, paths, o, users, seed, i, j):
    """Return how many metres it takes i to get out of j's way backwards, those behind it included; inf: it cannot."""
    cost, aside = place_behind(ways, table, bodies, paths, o, users, seed, i, j, 0.0)
    k = _queue_behind(bodies, users, i)
    if LEAST_M < cost < np.inf:
        # Who queues behind it will back up as well; what stands there will not.
        _, room = _line_back(ways, table, bodies, o, users, seed, i, aside, cost, k < 0)
        if room <= LEAST_M:
            return np.inf
    k = i
    for _ in range(4):
        k = _queue_behind(bodies, users, k)
        if k < 0:
            break
        cost += np.inf if k == users else QUEUE_M  # the ego is not pushed back
    return cost


@njit(cache=True)
def _still_there(bodies, paths, users, i, spot):
    """Return whether the one that i backs up for has yet to go by."""
    for j in range(users + 1):
        if bodies[j].present and code_of(bodies[j].uid) == bodies[i].backs_for and (j == users or bodies[j].moving):
            gap, lat = _gap_ahead(bodies, i, j)
            length = 2.0 * (bodies[i].half_length + bodies[j].half_length)
            if not _facing(bodies, i, j):
                return -length < gap < 6.0 and abs(lat) < 8.0 and shared_spot(bodies, paths, i, j, spot)
            return -length < gap < 60.0 and abs(lat) < 8.0
    return False


@njit(cache=True)
def _queues_back(bodies, users, i):
    """Return whether i backs up only because the one close before it does."""
    leader = bodies[i].leader
    if leader < 0 or bodies[leader].backs_for != bodies[i].backs_for or _facing(bodies, i, leader):
        return False
    gap, _ = _gap_ahead(bodies, i, leader)
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
        if not _turned(bodies, last, k) or ON_FOOT[bodies[k].kind]:
            continue
        cost = cost_of_backing(ways, table, bodies, paths, o, users, seed, k, last)
        if cost < best or (cost == best and chosen >= 0 and bodies[k].uid > bodies[chosen].uid):
            best, chosen, behind = cost, k, last
    return behind if chosen == i else -1


@njit(cache=True)
def _is_to_back(ways, table, bodies, paths, o, users, seed, i, j):
    """Return whether of i and j, who stand face to face, i is the one to back up."""
    beside = -0.5 if j == users or min(bodies[i].waited, bodies[j].waited) < LOCKED_S else -BESIDE_M
    if not _met(bodies, i, j, beside, EGO_NEAR_M if j == users and bodies[i].waited < EGO_LOCKED_S else NEAR_M):
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
def _ego_backs_for(bodies, users):
    """Return the code of whom the ego has to make room for, backwards; 0 for nobody."""
    if bodies[users].speed > 0.3:
        return 0
    for j in range(users):
        if not _fills_lane(bodies, users, j) or abs(bodies[j].speed) > 0.3:
            continue
        if bodies[j].backs_for != 0 and bodies[j].waited < GIVE_UP_S:
            continue  # it is to make room itself, and may still manage
        if not _met(bodies, users, j, -0.5, NEAR_M):
            continue
        if bodies[users].speed < EGO_BACKS_MPS or bodies[j].waited > EGO_LOCKED_S:
            return code_of(bodies[j].uid)
    return 0


@njit(cache=True)
def settle(ways, table, bodies, paths, o, users, seed):
    """Decide who begins to back up, and who has done: sets `backs_for` of bodies."""
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
        if leader >= 0 and bodies[leader].backs_for != 0 and not _facing(bodies, i, leader):
            gap, _ = _gap_ahead(bodies, i, leader)
            if gap < 3.0 and bodies[leader].backs_for != code_of(bodies[i].uid):
                bodies[i].backs_for = bodies[leader].backs_for
            continue
        if bodies[i].waited < SETTLE_S:
            continue
        behind = _locked(ways, table, bodies, paths, o, users, seed, i)
        if behind >= 0:
            bodies[i].backs_for = code_of(bodies[behind].uid)
            continue
        if not _fills_lane(bodies, users, i):
            continue
        for j in range(users + 1):
            if j == i or not _fills_lane(bodies, users, j) or (bodies[j].backs_for != 0 and j < users):
                continue
            if _is_to_back(ways, table, bodies, paths, o, users, seed, i, j):
                bodies[i].backs_for = code_of(bodies[j].uid)
                break


@njit(cache=True)
def back_up(ways, table, bodies, paths, o, users, seed):
    """Set acceleration and place in the lane of everyone that backs up: to its place, and there it waits."""
    for i in range(users):
        if bodies[i].backs_for == 0:
            if bodies[i].moving and bodies[i].speed < 0.0:
                bodies[i].acceleration = BACK_MPS2  # it has done: it stops before it goes on
            continue
        j = users
        for k in range(users):
            if bodies[k].present and code_of(bodies[k].uid) == bodies[i].backs_for:
                j = k
        ahead = bodies[i].leader
        least = 0.0
        if ahead == users and bodies[ahead].backs_for != 0 and not _facing(bodies, i, ahead):
            least = EGO_ROOM_M
        elif 0 <= ahead < users and bodies[ahead].backs_for != 0 and not _facing(bodies, i, ahead):
            least = 7.0 if bodies[ahead].speed < -0.05 else 0.0  # it makes room for the one before it
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
        line, behind = _line_back(ways, table, bodies, o, users, seed, i, aside, far, True)
        paths.row[i].aim = line
        behind -= SHORT_M
        room = min(far, behind)
        stands = abs(speed) < 0.05 and bodies[i].waited % GIVE_UP_S < TICK_S
        if stands and (nowhere or (far > 1.5 and behind < LEAST_M - SHORT_M)):
            bodies[i].backs_for = 0  # it gets nowhere: whose turn it is, is worked out again
        fastest = min(BACK_MPS, np.sqrt(2.0 * BACK_MPS2 * max(room - 0.3, 0.0)))
        bodies[i].acceleration = min(max((-fastest - speed) / 0.4, -BACK_MPS2), 2.0)
