"""Paths: where each body is going over the next seconds, as points along its chain of ways. World frame."""

from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose
from xiaolu.core.decision import LampColour
from xiaolu.core.users import Kind
from xiaolu.world.draws import draw
from xiaolu.world.signals import lamp
from xiaolu.world.temper import BRAKING_MPS2, LATERAL_MPS2, ON_FOOT, OWN_SPEED_MPS, TWO_WHEELER
from xiaolu.world.town import LaneKind, RoadClass, Turn

POINTS = 28
NARROW_M = 4.3  # a shared surface narrower than this lets no two cars past each other: cars stay out if they can
LOOK_SPEED_MPS = 5.5  # at which one enters a junction where others go first, tuned by eye

_TURN, _LAPSE = int(Purpose.TURN), int(Purpose.LAPSE)
_RED, _YELLOW, _DARK, _NONE = int(LampColour.RED), int(LampColour.YELLOW), int(LampColour.DARK), int(LampColour.NONE)
_GREEN, _FLASHING = int(LampColour.GREEN), int(LampColour.FLASHING_GREEN)
_LEFT, _RIGHT, _U_TURN = int(Turn.LEFT), int(Turn.RIGHT), int(Turn.U_TURN)
_DRIVE, _CYCLE, _FOOT = int(LaneKind.DRIVE), int(LaneKind.CYCLE), int(LaneKind.FOOT)
_CROSSING = int(LaneKind.CROSSING)
_TRUNK, _RESIDENTIAL = int(RoadClass.TRUNK), int(RoadClass.RESIDENTIAL)
_BUS = int(Kind.BUS)


class Paths(NamedTuple):
    """For the bodies of one branch, the ego in the last row: (M, POINTS) each, `count` (M,) of them valid.

    line_x, line_y, yaw: the way's line; x, y: with the body's own offset from it. way: which way each point is on.
    left, right: room either side. step (M,): spacing, the first point being abreast of the body. stop (M,): how far
    its middle may go before it must wait (a red light, the end of a dead end). pace (M,): the speed it would like now.
    keep (M,): where it would like to be, left of the line. lights (M,): indicators. low_*, high_* (M,): the extent.
    """

    count: np.ndarray
    step: np.ndarray
    stop: np.ndarray
    pace: np.ndarray
    keep: np.ndarray
    aim: np.ndarray
    slope: np.ndarray
    lights: np.ndarray
    line_x: np.ndarray
    line_y: np.ndarray
    yaw: np.ndarray
    x: np.ndarray
    y: np.ndarray
    way: np.ndarray
    left: np.ndarray
    right: np.ndarray
    low_x: np.ndarray
    low_y: np.ndarray
    high_x: np.ndarray
    high_y: np.ndarray


@njit(cache=True)
def empty_paths(bodies):
    """Return room for the paths of so many bodies."""

    def one():
        return np.zeros(bodies)

    def many():
        return np.zeros((bodies, POINTS))

    whole = np.zeros(bodies, np.int64)
    ways = np.zeros((bodies, POINTS), np.int64)
    lights = np.zeros(bodies, np.int64)
    return Paths(
        whole, one(), one(), one(), one(), one(), one(), lights, many(), many(), many(), many(), many(), ways, many(),
        many(), one(), one(), one(), one(),
    )  # fmt: skip


@njit(cache=True)
def lapsing(seed, uid, tick, attentive, period_ticks):
    """Return whether an inattentive user looks away at this tick."""
    return not attentive and draw(seed, uid, tick // period_ticks, _LAPSE, 0) < 0.5


@njit(cache=True)
def _leads_to(ways, way):
    first = ways.next_start[way]
    return ways.next_way[first] if ways.junction[way] >= 0 and ways.next_start[way + 1] > first else way


@njit(cache=True)
def _liking(ways, option, kind):
    """Return how readily a user of a kind takes a way at a fork, 0 for not at all."""
    if ON_FOOT[kind]:
        return 1.0
    turn, beyond = ways.turn[option], _leads_to(ways, option)
    liking = 0.5 if turn == _LEFT else (0.6 if turn == _RIGHT else (0.01 if turn == _U_TURN else 1.0))
    if TWO_WHEELER[kind]:
        if ways.kind[option] == _CYCLE:
            return liking * 4.0
        return liking * (0.001 if ways.road[beyond] <= _TRUNK else 1.0)
    if ways.kind[option] != _DRIVE:
        return 0.0
    if ways.shared[beyond] and ways.left_room[beyond] + ways.right_room[beyond] < NARROW_M:
        return liking * 0.001
    if kind == _BUS and ways.road[beyond] >= _RESIDENTIAL:
        return liking * 0.01
    if ways.next_start[beyond] == ways.next_start[beyond + 1]:
        return liking * 0.3
    return liking


@njit(cache=True)
def choose_next(ways, way, seed, uid, count, kind):
    """Return the way a user takes at the end of another, by chance keyed (seed, uid, count); -1 where none is."""
    first, last = ways.next_start[way], ways.next_start[way + 1]
    if last == first:
        return -1
    if last - first == 1:
        return ways.next_way[first]
    total = 0.0
    for index in range(first, last):
        total += _liking(ways, ways.next_way[index], kind)
    left = draw(seed, uid, count, _TURN, 0) * total
    for index in range(first, last):
        left -= _liking(ways, ways.next_way[index], kind)
        if left < 0.0:
            return ways.next_way[index]
    return ways.next_way[first]


@njit(cache=True)
def must_wait(programs, signal, time_s, reaction_s, may_turn, can_stop, walking):
    """Return whether a user must stay before a signal: red, a yellow it can stop for, a green not yet noticed."""
    colour, left = lamp(programs, signal, time_s)
    if colour == _NONE or colour == _DARK:
        return False
    if colour == _RED:
        return not may_turn
    if colour == _YELLOW:
        return can_stop
    if walking:
        return colour == _FLASHING or lamp(programs, signal, time_s - reaction_s)[0] == _RED
    return lamp(programs, signal, time_s - reaction_s)[0] == _RED and not may_turn


@njit(cache=True)
def follow_ways(ways, programs, paths, i, way, along, speed, offset, kind, half, uid, seed, count, haste, reaction_s,
                offset_target, careless, time_s):  # fmt: skip
    """Fill row i of `paths` for a body `along` metres down a way; its middle is there, `offset` to the left."""
    walking = ON_FOOT[kind]
    braking = BRAKING_MPS2[kind]
    if walking:
        horizon = 3.0 + 4.0 * speed
    else:
        horizon = min(half + 7.0 + 3.0 * speed + speed * speed / (2.0 * braking), 65.0)
    step = horizon / (POINTS - 1)
    own = OWN_SPEED_MPS[kind] * (haste if kind >= 3 else 1.0)
    paths.step[i] = step
    paths.stop[i] = np.inf
    paths.lights[i] = 0
    pace = np.inf
    start_s = -along  # where the present way begins, from the body
    first = way
    filled = 0
    limit = min(ways.limit[way] * haste, own)
    keep = 0.0
    width = ways.left_room[way] + ways.right_room[way]
    if walking:
        keep = offset_target * max(ways.right_room[way] - 0.35, 0.0)
    elif TWO_WHEELER[kind] and ways.kind[way] == _DRIVE:
        keep = -max(ways.right_room[way] - 0.65, 0.0) + 0.3 * offset_target
    else:
        keep = ways.keep_right[way] + offset_target
        if ways.shared[way]:
            keep = max(keep, -ways.right_room[way] + 1.15)
    paths.keep[i] = keep
    aim_yaw = 0.0
    for k in range(POINTS):
        s = k * step - start_s
        while s > ways.length[way]:
            following = choose_next(ways, way, seed, uid, count, kind)
            end = start_s + ways.length[way]
            if following < 0:
                paths.stop[i] = min(paths.stop[i], max(end - 0.5, 0.0))
                break
            if ways.signal[following] >= 0 and ways.signal[way] != ways.signal[following]:
                line = start_s + ways.stop_s[way]
                gap = line - half
                if gap > -1.0 and paths.stop[i] == np.inf:
                    can_stop = speed * speed < 2.0 * 3.0 * max(gap, 0.01)
                    if not (careless and kind >= 3) and must_wait(
                        programs, ways.signal[following], time_s, reaction_s, ways.red_right[following], can_stop, walking
                    ):
                        paths.stop[i] = max(line, 0.0)
            turn = ways.turn[following]
            if end < 35.0 and paths.lights[i] == 0:
                paths.lights[i] = 2 if (turn == _LEFT or turn == _U_TURN) else (4 if turn == _RIGHT else 0)
            start_s = end
            s = k * step - start_s
            way = following
            count += 1
            fast = min(ways.limit[way] * haste, own)
            if ways.slow[way] and not walking:
                fast = min(fast, LOOK_SPEED_MPS)
            pace = min(pace, np.sqrt(fast * fast + 2.0 * braking * 0.6 * max(start_s, 0.0)))
        if s > ways.length[way]:
            break
        place = s / ways.spacing[way]
        base = ways.start[way]
        last = ways.start[way + 1] - base - 2
        index = min(int(place), last)
        share = place - index
        a = base + index
        paths.line_x[i, k] = ways.x[a] + share * (ways.x[a + 1] - ways.x[a])
        paths.line_y[i, k] = ways.y[a] + share * (ways.y[a + 1] - ways.y[a])
        bend = (ways.yaw[a + 1] - ways.yaw[a] + np.pi) % (2.0 * np.pi) - np.pi
        yaw = ways.yaw[a] + share * bend
        paths.yaw[i, k] = yaw
        paths.way[i, k] = way
        paths.left[i, k], paths.right[i, k] = ways.left_room[way], ways.right_room[way]
        if k > 0 and not walking:
            turned = abs((yaw - aim_yaw + np.pi) % (2.0 * np.pi) - np.pi)
            curvature = turned / max(step, 1.0)
            if curvature > 0.01:
                bend_speed = max(np.sqrt(LATERAL_MPS2[kind] / curvature), 1.5)
                pace = min(pace, np.sqrt(bend_speed**2 + 2.0 * braking * 0.6 * max((k - 1) * step, 0.0)))
        aim_yaw = yaw
        filled = k + 1
    if not walking and ways.shared[first]:
        limit = min(limit, 4.0 + 1.5 * max(width - 3.5, 0.0)) if own > 8.0 else limit
    paths.count[i] = filled
    paths.pace[i] = min(pace, limit)


@njit(cache=True)
def follow_heading(paths, i, x, y, yaw, speed, yaw_rate, half):
    """Fill row i with what a body does that follows no way: it goes on turning as it does now."""
    step = min(half + 5.0 + 3.5 * abs(speed), 45.0) / (POINTS - 1)
    curvature = yaw_rate / speed if abs(speed) > 1.0 else 0.0
    sense = 1.0 if speed >= -0.1 else -1.0
    heading = yaw
    for k in range(POINTS):
        paths.line_x[i, k], paths.line_y[i, k] = x, y
        paths.yaw[i, k] = heading + (0.0 if sense > 0.0 else np.pi)
        paths.way[i, k] = -1
        if k * step < 25.0:
            heading += curvature * step * sense
        x += sense * step * np.cos(heading)
        y += sense * step * np.sin(heading)
    paths.count[i], paths.step[i], paths.stop[i], paths.pace[i] = POINTS, step, np.inf, abs(speed)
    paths.keep[i] = 0.0
    paths.lights[i] = 0


@njit(cache=True)
def lay_out(paths, i, offset, half_width):
    """Set x, y and the extent of row i: from its present offset it moves over to `aim` at `slope`, then keeps there."""
    low_x, low_y, high_x, high_y = np.inf, np.inf, -np.inf, -np.inf
    change = paths.aim[i] - offset
    for k in range(paths.count[i]):
        moved = min(abs(change), paths.slope[i] * k * paths.step[i])
        o = offset + (moved if change > 0.0 else -moved)
        x = paths.line_x[i, k] - o * np.sin(paths.yaw[i, k])
        y = paths.line_y[i, k] + o * np.cos(paths.yaw[i, k])
        paths.x[i, k], paths.y[i, k] = x, y
        low_x, low_y, high_x, high_y = min(low_x, x), min(low_y, y), max(high_x, x), max(high_y, y)
    paths.low_x[i], paths.low_y[i] = low_x - half_width, low_y - half_width
    paths.high_x[i], paths.high_y[i] = high_x + half_width, high_y + half_width
