"""What a hand with authority means for traffic that comes from somewhere: a police officer's, or a road worker's.

The eight commands of Chinese traffic police (in force since 1 October 2007) bind by where the officer faces: their
meaning and whom they address are those of the regulation's table. An officer outranks signals, a road worker too;
a passer-by commands nobody.
"""

from enum import IntEnum

import numpy as np
from numba import njit

from xiaolu.core.users import Gesture, Kind
from xiaolu.world.angles import half_turn
from xiaolu.world.looking import perceives
from xiaolu.world.town import Town, Turn

REACH_M = 25.0  # a command concerns those whose stop line is no further than this [this project's choice]
SIDE_RAD = np.pi / 4  # front, left, right and back are quarters of the circle [this project's choice]


class Command(IntEnum):
    """What a command means for one approach and its movement. ADVANCE: up to the waiting line, and wait there."""

    NONE = 0
    PASS = 1
    STOP = 2
    SLOW = 3
    PULL_OVER = 4
    ADVANCE = 5


# An officer as compiled loops see one: where, which way it faces, what it does.
OFFICER = np.dtype([("x", np.float64), ("y", np.float64), ("yaw", np.float64), ("gesture", np.int64)])

_NONE, _PASS, _STOP, _SLOW = int(Command.NONE), int(Command.PASS), int(Command.STOP), int(Command.SLOW)
_PULL_OVER, _ADVANCE = int(Command.PULL_OVER), int(Command.ADVANCE)
_STRAIGHT, _LEFT, _RIGHT, _U_TURN = int(Turn.STRAIGHT), int(Turn.LEFT), int(Turn.RIGHT), int(Turn.U_TURN)
_OFFICER, _WORKER = int(Kind.OFFICER), int(Kind.WORKER)
# What a gesture means for the traffic that is faced, where that is all there is to it.
_FACED = {
    Gesture.STOP: Command.STOP,
    Gesture.PADDLE_STOP: Command.STOP,
    Gesture.POLICE_STOP: Command.STOP,
    Gesture.GO: Command.PASS,
    Gesture.BECKON: Command.PASS,
    Gesture.PADDLE_GO: Command.PASS,
    Gesture.SLOW_DOWN: Command.SLOW,
    Gesture.PADDLE_SLOW: Command.SLOW,
    Gesture.POLICE_CHANGE_LANE: Command.SLOW,
    Gesture.PULL_OVER: Command.PULL_OVER,
    Gesture.POLICE_PULL_OVER: Command.PULL_OVER,
}
_MEANS_FACED = np.array([_FACED.get(gesture, Command.NONE) for gesture in Gesture], np.int64)
_POLICE_STRAIGHT, _POLICE_SLOW = int(Gesture.POLICE_STRAIGHT), int(Gesture.POLICE_SLOW)
_POLICE_LEFT, _POLICE_LEFT_WAITING = int(Gesture.POLICE_LEFT), int(Gesture.POLICE_LEFT_WAITING)
_POLICE_RIGHT = int(Gesture.POLICE_RIGHT)


@njit(cache=True)
def commands(kind, gesture):
    """Return whether a user of a kind commands traffic by what its arms do."""
    if kind not in (_OFFICER, _WORKER):
        return False
    sided = gesture in (_POLICE_STRAIGHT, _POLICE_SLOW, _POLICE_LEFT, _POLICE_LEFT_WAITING, _POLICE_RIGHT)
    return sided or _MEANS_FACED[gesture] != _NONE


@njit(cache=True)
def meaning(yaw, gesture, heading, turn):
    """Return the Command that a gesture is for traffic of a heading (rad) that is about to make a Turn.

    yaw: where the officer faces. The side one comes from is told by one's heading, not by where the officer stands.
    Stop, pull over and change lane bind those who come from the front; straight lets those from the officer's right go
    straight on; left turn those from the left turn left, or round; left-turn waiting lets those pull up; right turn
    those from the right turn right; slow binds the right front. While one stream is waved on, the streams that come
    from the front (and for straight from behind), which it crosses, are held: the raised palm of the turns says so, for
    straight it is this project's reading.
    """
    side = half_turn(heading + np.pi - yaw)  # where it comes from, left of where he faces
    front, back = abs(side) <= SIDE_RAD, abs(side) >= np.pi - SIDE_RAD
    left, right = SIDE_RAD < side < np.pi - SIDE_RAD, SIDE_RAD < -side < np.pi - SIDE_RAD
    if gesture == _POLICE_STRAIGHT:
        if right and turn == _STRAIGHT:
            return _PASS
        return _STOP if front or back else _NONE
    if gesture == _POLICE_LEFT:
        if left and turn in (_LEFT, _U_TURN):
            return _PASS
        return _STOP if front else _NONE
    if gesture == _POLICE_LEFT_WAITING:
        return _ADVANCE if left and turn == _LEFT else _NONE
    if gesture == _POLICE_RIGHT:
        if right and turn == _RIGHT:
            return _PASS
        return _STOP if front else _NONE
    if gesture == _POLICE_SLOW:
        return _SLOW if -np.pi / 2.0 - 0.3 <= side <= 0.3 else _NONE
    return _MEANS_FACED[gesture] if front else _NONE


@njit(cache=True)
def ordered(officers, x, y, heading, turn):
    """Return the Command for a line at x, y that traffic of a heading reaches, of officers (n,): the nearest counts."""
    best, order = REACH_M, _NONE
    for officer in officers:
        away = np.hypot(officer.x - x, officer.y - y)
        if away <= best:
            said = meaning(officer.yaw, officer.gesture, heading, turn)
            if said != _NONE:
                best, order = away, said
    return order


@njit(cache=True)
def officers_of(table, o, users):
    """Return the slots (n,) of the users of a branch that command traffic now."""
    slots = np.empty(users, np.int64)
    count = 0
    for i in range(users):
        row = table.row[o + i]
        if row.active and commands(row.kind, row.gesture):
            slots[count] = i
            count += 1
    return slots[:count]


@njit(cache=True)
def officers_seen(table, o, users, slots, i):
    """Return (n,) OFFICER of those in `slots` that user i has seen."""
    out = np.zeros(len(slots), OFFICER)
    count = 0
    for j in slots:
        if j != i and perceives(table, o, users, i, j):
            row = table.row[o + j]
            out[count].x, out[count].y, out[count].yaw = row.x_m, row.y_m, row.yaw_rad
            out[count].gesture = row.gesture
            count += 1
    return out[:count]


def command_at(town: Town, lane: int, onward: int, users, visible: np.ndarray) -> Command:
    """Return what officers and road workers order those on an approach lane, about to take junction lane `onward`.

    users: a scene's `Users` (N,); visible (N,) bool: those that the driver concerned can see.
    """
    known = [
        k
        for k in np.flatnonzero(users.active & visible & ((users.kind == _OFFICER) | (users.kind == _WORKER)))
        if commands(int(users.kind[k]), int(users.gesture[k]))
    ]
    if not known:
        return Command.NONE
    officers = np.zeros(len(known), OFFICER)
    officers["x"], officers["y"], officers["yaw"] = users.x_m[known], users.y_m[known], users.yaw_rad[known]
    officers["gesture"] = users.gesture[known]
    stop = town.stop_s_m[lane]
    x, y, _, heading = town.pose_at(lane, float(stop) if np.isfinite(stop) else float(town.lane_length_m[lane]))
    turn = int(town.lane_turn[onward]) if onward >= 0 else int(Turn.STRAIGHT)
    return Command(int(ordered(officers, x, y, heading, turn)))
