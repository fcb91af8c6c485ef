"""Hands: what people on foot do with them, by chance and by what is around. Most of it means nothing to a driver.

A gesture that is over does not end at once: arms come down for LOWER_S first, and gesture_s is negative for as long.
"""

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose
from xiaolu.core.rates import TICK_S
from xiaolu.core.users import Gesture, Kind
from xiaolu.world.draws import draw
from xiaolu.world.temper import ON_FOOT
from xiaolu.world.town import LaneKind

LOWER_S = 0.6  # arms were measured to need 0.37 to 0.70 s for the middle eight tenths of their way down
# Of people crossing on two campuses (10,543 watched; Wells, McClure, Porter, Schwebel 2018) 5 % talked on a phone and
# 8 % wrote on one.
PHONE_SHARE, READ_SHARE = 0.05, 0.08
PHONE_TICKS = 300  # who is on the phone is drawn anew this often
CARRY_SHARE, PARASOL_SHARE = 0.14, 0.03  # tuned; there is no weather in the world, so an umbrella is against the sun
# Chances at each of a person's moments, which come every MOMENT_TICKS. In JAAD, 18 gestures by 686 pedestrians who had
# to do with a car were labelled, 0.42 to 1.8 s long: palms out and thanks are rare. Tuned to be rare, but to be met
# in a ride of some minutes all the same.
MOMENT_TICKS = 40
STOP_SHARE, THANK_SHARE, HAIL_SHARE = 0.12, 0.25, 0.04
POINT_SHARE, WAVE_SHARE = 0.15, 0.04  # of those beside somebody, and of those with somebody to greet
COMPANION_M, GREET_M = 2.5, 18.0
NEAR_S, NEAR_M, YIELDS_M, LANE_M = 4.0, 25.0, 10.0, 3.5  # whom a crossing person speaks to

_NONE, _WALK, _PHONE, _READ = (int(g) for g in (Gesture.NONE, Gesture.WALK, Gesture.PHONE, Gesture.READ_PHONE))
_STOP, _THANK, _HAIL, _POINT, _WAVE = (
    int(g) for g in (Gesture.STOP, Gesture.THANK, Gesture.HAIL, Gesture.POINT, Gesture.WAVE)
)
_CARRY, _UMBRELLA, _PEDESTRIAN, _CHILD = (
    int(g) for g in (Gesture.CARRY, Gesture.UMBRELLA, Kind.PEDESTRIAN, Kind.CHILD)
)
_CROSSING, _PURPOSE = int(LaneKind.CROSSING), int(Purpose.GESTURE)
# Shortest and longest, s: raising and a hold of 0.7 to 1.5 s for a stop; hailing is held for 2 to 8 s; thanking and
# pointing end by themselves.
_LASTS_S = np.zeros((len(Gesture), 2))
_LASTS_S[_STOP], _LASTS_S[_HAIL], _LASTS_S[_WAVE] = (1.3, 2.1), (2.6, 8.6), (1.4, 2.8)
_LASTS_S[_THANK], _LASTS_S[_POINT] = (2.6, 2.6), (3.0, 3.0)


def coming_down(gesture_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (how long a gesture has lasted, s; how much of it is left, 1 to 0) for values of gesture_s."""
    gesture_s = np.asarray(gesture_s, float)
    ticks = np.floor(-gesture_s)
    over = gesture_s < 0.0
    return np.where(over, ticks * TICK_S, gesture_s), np.where(over, 2.0 * (-gesture_s - ticks), 1.0)


@njit(cache=True)
def take_up(table, u, gesture, again):
    """Let user u make a gesture for one more tick; arms that are up come down first. again: it begins anew.

    While they come down, gesture_s is minus the whole ticks the gesture has lasted, less half of the share that is
    left of the way: so the arms' pose at that moment is known (`coming_down`).
    """
    now, seconds = table.row[u].gesture, table.row[u].gesture_s
    if seconds < 0.0:
        ticks = np.floor(-seconds)
        left = 2.0 * (-seconds - ticks) - TICK_S / LOWER_S
        if left > 0.01:
            table.row[u].gesture_s = -(ticks + 0.5 * left)
        else:
            table.row[u].gesture, table.row[u].gesture_s = gesture, 0.0
    elif gesture == now and not again:
        table.row[u].gesture_s = seconds + TICK_S
    elif now > _WALK and seconds > 0.5 * TICK_S:
        table.row[u].gesture_s = -(np.floor(seconds / TICK_S + 0.5) + 0.5 * (1.0 - TICK_S / LOWER_S))
    else:
        table.row[u].gesture, table.row[u].gesture_s = gesture, 0.0


@njit(cache=True)
def _habit(seed, uid, tick, kind, speed):
    """Return what a person's hands do while nothing happens."""
    if kind == _PEDESTRIAN:
        own = draw(seed, uid, 0, _PURPOSE, 0)
        if own < PARASOL_SHARE:
            return _UMBRELLA
        if own < PARASOL_SHARE + CARRY_SHARE:
            return _CARRY
        busy = draw(seed, uid, (tick + 37 * uid) // PHONE_TICKS, _PURPOSE, 1)
        if busy < PHONE_SHARE:
            return _PHONE
        if busy < PHONE_SHARE + READ_SHARE:
            return _READ
    return _WALK if speed > 0.2 else _NONE


@njit(cache=True)
def _occasion(ways, table, bodies, u, i, seed, tick):
    """Return the gesture that a person begins at one of its moments, -1 for none."""
    row = table.row[u]
    chance = draw(seed, row.uid, tick, _PURPOSE, 2)
    speed = abs(row.speed_mps)
    in_road = ways.way[row.way].kind == _CROSSING or ways.way[row.way].on_road
    beside, to_greet = False, False
    for j in range(len(bodies)):
        if j == i or not bodies[j].present:
            continue
        dx, dy = row.x_m - bodies[j].x, row.y_m - bodies[j].y
        far = np.hypot(dx, dy)
        if far > NEAR_M + 5.0:
            continue
        if j < len(bodies) - 1 and ON_FOOT[bodies[j].kind]:
            beside = beside or far < COMPANION_M
            to_greet = to_greet or COMPANION_M < far < GREET_M
            continue
        if not in_road or speed < 0.4:
            continue
        ahead = dx * bodies[j].cos + dy * bodies[j].sin - bodies[j].half_length
        if not 0.0 < ahead < NEAR_M or abs(dy * bodies[j].cos - dx * bodies[j].sin) > LANE_M:
            continue
        if bodies[j].speed > 2.0 and ahead < NEAR_S * bodies[j].speed:
            return _STOP if chance < STOP_SHARE else -1
        # Who has a green light of their own owes nobody thanks.
        if bodies[j].speed < 1.0 and ahead < YIELDS_M and bodies[j].moving and ways.way[row.way].signal < 0:
            return _THANK if chance < THANK_SHARE else -1
    if in_road:
        return -1
    if speed < 0.2 and row.kind == _PEDESTRIAN and chance < HAIL_SHARE:
        return _HAIL
    if beside and chance > 1.0 - POINT_SHARE:
        return _POINT
    if to_greet and chance > 1.0 - WAVE_SHARE:
        return _WAVE
    return -1


@njit(cache=True)
def gesticulate(ways, table, bodies, u, i, seed, tick):
    """Set what the hands of a person on foot do at this tick; u: its row of the table, i: its body."""
    row = table.row[u]
    now, kind = row.gesture, row.kind
    speed = abs(row.speed_mps)
    if row.gesture_s >= 0.0 and _LASTS_S[now, 1] > 0.0:
        shortest, longest = _LASTS_S[now]
        lasts = shortest + (longest - shortest) * draw(seed, row.uid, 0, _PURPOSE, 3)
        if row.gesture_s < lasts and not (now == _HAIL and speed > 0.5):
            take_up(table, u, now, False)
            return
    if now <= _WALK and kind in (_PEDESTRIAN, _CHILD) and (tick + 11 * row.uid) % MOMENT_TICKS == 0:
        begun = _occasion(ways, table, bodies, u, i, seed, tick)
        if begun >= 0:
            take_up(table, u, begun, False)
            return
    take_up(table, u, _habit(seed, row.uid, tick, kind, speed), False)
