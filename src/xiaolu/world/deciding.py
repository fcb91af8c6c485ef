"""Deciding: every user's acceleration and place in its lane for one tick, from what it perceives."""

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose
from xiaolu.core.decision import LampColour
from xiaolu.core.rates import TICK_S
from xiaolu.world.acting import lawless
from xiaolu.world.alarm import presses_on
from xiaolu.world.draws import draw
from xiaolu.world.looking import FORGET_Z_M, perceives
from xiaolu.world.officer import officers_of, officers_seen
from xiaolu.world.passing import choose_offset
from xiaolu.world.paths import follow_ego, follow_heading, follow_ways, lay_out
from xiaolu.world.signals import lamp
from xiaolu.world.temper import LAPSE_S, ON_FOOT
from xiaolu.world.waiting import GOING_MPS, WAVED, waved_through
from xiaolu.world.yielding import (
    LATE_MPS2,
    LEAVES_S,
    apart,
    follow_gap,
    give_way,
    goes_first,
    in_the_way,
    shared_spot,
    stop_within,
)

STOP_LINE_GAP_M = 0.6
BESIDE_M = 0.09  # what is nearer than this to a vehicle's flank is in its way: less than the least that it passes with

_RED, _LAPSE = int(LampColour.RED), int(Purpose.LAPSE)
_LAPSE_TICKS = round(LAPSE_S / TICK_S)


@njit(cache=True)
def careless(row, seed, tick):
    """Return whether a user looks away at this tick: half of the time, where it is of the inattentive kind."""
    return not row.attentive and draw(seed, row.uid, tick // _LAPSE_TICKS, _LAPSE, 0) < 0.5


@njit(cache=True)
def draw_paths(ways, programs, stage, table, bodies, paths, o, users, seed, tick, clock, ego, ego_on):
    """Fill the lines of all paths, the ego's from ego (6,) and ego_on (4,), see `follow_ego`; mark turns on red."""
    slots = officers_of(table, o, users)
    for i in range(users):
        if not bodies[i].moving:
            paths.row[i].count = 0
            continue
        row = table.row[o + i]
        # Whoever looks away misses signals, but for drivers of motor vehicles; and some actors do not care.
        away = (row.kind >= 3 and careless(row, seed, tick)) or lawless(stage, row)
        officers = officers_seen(table, o, users, slots, i)
        follow_ways(ways, programs, paths, i, row, bodies[i].half_length, seed, away, clock, officers)
        if paths.row[i].count < 2:
            paths.row[i].count = 0
    e = users
    if ego_on[0] >= 0.0:
        # The ego is taken at its indicator's word: a fork is chosen as it shows. Signals are its own affair.
        follow_ego(ways, paths, e, ego, ego_on, bodies[e].half_length)
    else:
        follow_heading(paths, e, ego[0], ego[1], ego[2], ego[3], ego[4], bodies[e].half_length)
        bodies[e].offset = 0.0
    for i in range(users + 1):
        bodies[i].red = False
        for k in range(paths.row[i].count):
            way = paths.point[i, k].way
            if way >= 0 and ways.way[way].red_right:
                bodies[i].red = lamp(programs, ways.way[way].signal, clock)[0] == _RED
                break


@njit(cache=True)
def _worth_a_look(table, bodies, paths, o, users, i, near):
    """Fill near with the bodies about i's line that it perceives; return how many."""
    low_x, low_y = np.inf, np.inf
    high_x, high_y = -np.inf, -np.inf
    for k in range(paths.row[i].count):
        point = paths.point[i, k]
        low_x, high_x = min(low_x, point.line_x), max(high_x, point.line_x)
        low_y, high_y = min(low_y, point.line_y), max(high_y, point.line_y)
    count = 0
    for j in range(users + 1):
        if j == i or not bodies[j].present or abs(bodies[i].z - bodies[j].z) > FORGET_Z_M:
            continue
        reach = 3.5 + bodies[j].half_length
        if not (low_x - reach < bodies[j].x < high_x + reach and low_y - reach < bodies[j].y < high_y + reach):
            continue
        if i == users or perceives(table, o, users, i, j):
            near[count] = j
            count += 1
    return count


@njit(cache=True)
def heed_bodies(table, bodies, paths, o, users):
    """Set every user's place in its lane, path and acceleration from what is in its way, and from signals."""
    near = np.empty(users + 1, np.int64)
    for i in range(users + 1):
        if paths.row[i].count == 0:
            continue
        own = i < users
        kind, speed, pace = bodies[i].kind, bodies[i].speed, paths.row[i].pace
        count = _worth_a_look(table, bodies, paths, o, users, i, near)
        passing = choose_offset(bodies, paths, i, near, count) if own else False
        lay_out(paths, i, bodies[i].offset, bodies[i].half_width)
        margin = 0.04 if ON_FOOT[kind] else BESIDE_M
        headway, own_room, vigour = 1.0, 1.0, 1.0
        if own:
            headway, own_room, vigour = table.row[o + i].headway_s, table.row[o + i].room, table.row[o + i].vigour
        acceleration = follow_gap(kind, speed, pace, np.inf, 0.0, headway, own_room, vigour)
        for n in range(count):
            j = near[n]
            gap, along, cos, leaves_s = in_the_way(bodies, paths, i, j, margin)
            if gap == np.inf or leaves_s + LEAVES_S < gap / max(speed, 1.0):
                continue
            both_walk = ON_FOOT[kind] and j < users and ON_FOOT[bodies[j].kind]
            if both_walk and gap < 0.3 and bodies[i].uid < bodies[j].uid and bodies[i].waited > 1.0:
                continue  # people in each other's way slip past: the elder goes on, the other waits a moment
            if gap < bodies[i].lead_gap:
                bodies[i].lead_gap, bodies[i].leader, bodies[i].waits_for = gap, j, j
            # Room to pull out is kept before what stands and can be passed.
            impatience = min(max(0.15 * (bodies[i].waited - 3.0), 0.0), 1.0)
            spare = 1.5 * (1.0 - impatience) if passing and not ON_FOOT[kind] and bodies[j].speed < 0.3 else 0.0
            keeps = own_room if cos > 0.7 else 1.0 - 0.7 * impatience  # who blocks another's way is crept up to
            followed = follow_gap(kind, speed, pace, max(gap - spare, 0.05), speed - along, headway, keeps, vigour)
            if j == users and followed < -LATE_MPS2:
                bodies[i].alarmed = True
            hard = j == users and (not own or bodies[i].startled)
            acceleration = min(acceleration, followed if hard else max(followed, -LATE_MPS2))
        leader = bodies[i].leader
        if bodies[i].beside >= 0 and (leader < 0 or not bodies[leader].moving):
            bodies[i].waits_for = bodies[i].beside
        if paths.row[i].stop < np.inf:
            room = paths.row[i].stop - bodies[i].half_length - (0.2 if ON_FOOT[kind] else STOP_LINE_GAP_M)
            acceleration = min(acceleration, stop_within(kind, speed, pace, max(room, 0.0), vigour))
        bodies[i].acceleration = acceleration


@njit(cache=True)
def heed_paths(ways, table, bodies, paths, o, users, seed, tick):
    """Lower accelerations where paths meet: of every pair one goes first, the other gives way if it has seen it."""
    spot = np.empty(4, np.int64)
    away, waved = np.zeros(users, np.bool_), np.zeros(users + 1, np.bool_)
    for i in range(users):
        away[i] = bodies[i].moving and careless(table.row[o + i], seed, tick)
        waved[i] = bodies[i].moving and waved_through(bodies, paths, users, i)
        if waved[i]:
            bodies[i].waits_for = WAVED
    for i in range(users):
        if paths.row[i].count == 0:
            continue
        walks = ON_FOOT[bodies[i].kind]
        for j in range(i + 1, users + 1):
            if paths.row[j].count == 0 or apart(paths, i, j) or abs(bodies[i].z - bodies[j].z) > FORGET_Z_M:
                continue
            if walks and j < users and ON_FOOT[bodies[j].kind]:
                continue
            sees = not away[i] and perceives(table, o, users, i, j)
            seen = j < users and not away[j] and perceives(table, o, users, j, i)
            if not (sees or seen):
                continue
            if paths.point[i, 0].way == paths.point[j, 0].way and paths.point[i, 0].way >= 0:
                continue
            follows = bodies[i].leader == j or bodies[j].leader == i
            if follows and bodies[i].cos * bodies[j].cos + bodies[i].sin * bodies[j].sin > 0.7:
                continue
            if not shared_spot(bodies, paths, i, j, spot):
                continue
            if j == users and presses_on(bodies, j, spot[2] * paths.row[j].step - bodies[j].half_length):
                bodies[i].alarmed = True
            if goes_first(ways, bodies, paths, i, j, spot):
                if seen and not (waved[j] and abs(bodies[i].speed) < GOING_MPS):
                    yielded = give_way(bodies, paths, j, i, spot[2], spot[3], spot[0], spot[1], table.row[o + j])
                    yielded = max(yielded, -LATE_MPS2)
                    if yielded < min(bodies[j].acceleration, 0.0):
                        bodies[j].waits_for = i
                    bodies[j].acceleration = min(bodies[j].acceleration, yielded)
            elif sees and not (waved[i] and abs(bodies[j].speed) < GOING_MPS):
                yielded = give_way(bodies, paths, i, j, spot[0], spot[1], spot[2], spot[3], table.row[o + i])
                if j == users and yielded < -LATE_MPS2:
                    bodies[i].alarmed = True
                yielded = yielded if j == users and bodies[i].startled else max(yielded, -LATE_MPS2)
                if yielded < min(bodies[i].acceleration, 0.0):
                    bodies[i].waits_for = j
                bodies[i].acceleration = min(bodies[i].acceleration, yielded)
