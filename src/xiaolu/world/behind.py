"""Behind: where one that has to back up could go to let another pass, and how far it gets along its way.

Distances are metres backwards along the chain of ways it came by; the offset of a place is to the left of its line.
"""

import numpy as np
from numba import njit

from xiaolu.world.angles import half_turn
from xiaolu.world.contact import boxes_meet
from xiaolu.world.facing import code_of, facing
from xiaolu.world.paths import choose_next
from xiaolu.world.temper import ON_FOOT

FARTHEST_M = 120.0
ASIDE_M = 0.3  # between two vehicles that pass each other at a walking pace
STRAIGHT_RAD = 0.8  # an ego that drives on turns by less than this
EDGE_M = 0.05
WEAVE_M = 4.0  # before and behind a body that stands aside, what the other needs to swing out and back in
ROOM_M, ROOM_STEP_M = 8.0, 0.5  # how far one looks behind oneself while backing
ALONG_M = 3.0  # in which a body that backs comes to lie along its way
# What stands beside its way may keep it from where it wants to be: then it backs along another line, so far to the left
# (in m, tuned by eye) of the one it is on, which leads back farther by so much at least.
_LINES_M = (0.0, 0.4, -0.4, 0.8, -0.8)
_BETTER_M = 1.0
NOWHERE_S = 20.0  # who has stood so long with no good place behind makes do with one round the corner; tuned

_STEP_M = 1.0


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
    back, left_junction, face_to_face = 0.0, False, facing(bodies, i, j)
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
        if back >= least and not face_to_face:
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
def _room_back(ways, table, bodies, o, users, seed, i, aside, all_of_them):
    """Return how far i, backing along its way and over to `aside`, gets before it meets anything, up to ROOM_M.

    all_of_them: else only what does not move by itself.
    """
    row = table.row[o + i]
    way, along, count, kind = row.way, row.along_m, row.junctions, row.kind
    hl, hw, change = bodies[i].half_length, bodies[i].half_width, aside - bodies[i].offset
    turned = 0.0
    for n in range(int(ROOM_M / ROOM_STEP_M) + 1):
        back = n * ROOM_STEP_M
        while along - back < 0.0:
            previous = before(ways, way, seed, row.uid, count, kind)
            if previous < 0:
                return max(back - ROOM_STEP_M, 0.0)
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
                return back - ROOM_STEP_M
    return ROOM_M


@njit(cache=True)
def line_back(ways, table, bodies, o, users, seed, i, aside, far, all_of_them):
    """Return (offset, m): the line along which i backs to a place far m behind it, and how far that leads.

    all_of_them: as for `_room_back`.
    """
    line, room = aside, _room_back(ways, table, bodies, o, users, seed, i, aside, all_of_them)
    enough = min(far, ROOM_M) - ROOM_STEP_M
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
