"""Paths: where each body is going over the next seconds, as points along its chain of ways. World frame."""

from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose
from xiaolu.core.decision import LampColour
from xiaolu.core.users import Kind
from xiaolu.world.angles import half_turn
from xiaolu.world.draws import draw
from xiaolu.world.officer import Command, ordered
from xiaolu.world.signals import entry_lamp, lamp
from xiaolu.world.temper import BRAKING_MPS2, LATERAL_MPS2, ON_FOOT, OWN_SPEED_MPS, TWO_WHEELER
from xiaolu.world.town import LaneKind, RoadClass, Turn
from xiaolu.world.ways import LOOK_FOR_VEHICLES_MPS

POINTS = 28
SIGNAL_MPS2 = 2.6  # who would have to brake harder than this before a yellow light goes on
# Who walks or rides over a junction and has stood for so long before what stands there goes round it over open ground,
# looking further and further out. Tuned by eye.
ROUND_S, ROUND_MPS, ROUND_M = 4.0, 0.5, 3.5
EXIT_M = 6.0  # who leaves a junction goes round what stands so near beyond it
# Between what stands on a surface: from NARROW_M on two cars pass each other, with TIGHT_M one gets through slowly. Few
# drive into what is narrow.
NARROW_M, TIGHT_M = 4.3, 2.6

_ALLEY = 0.1  # of the cars that could take a narrow alley, so many do; tuned by eye
# Ways that are taken where there is no other; into what leads nowhere one turns round sooner than drive.
_RELUCTANT, _NOWHERE = 0.001, 1e-7
_TURN = int(Purpose.TURN)
_RED, _YELLOW, _DARK, _NONE = int(LampColour.RED), int(LampColour.YELLOW), int(LampColour.DARK), int(LampColour.NONE)
_GREEN, _FLASHING = int(LampColour.GREEN), int(LampColour.FLASHING_GREEN)
_LEFT, _RIGHT, _U_TURN = int(Turn.LEFT), int(Turn.RIGHT), int(Turn.U_TURN)
_DRIVE, _CYCLE, _FOOT = int(LaneKind.DRIVE), int(LaneKind.CYCLE), int(LaneKind.FOOT)
_CROSSING = int(LaneKind.CROSSING)
_TRUNK, _RESIDENTIAL = int(RoadClass.TRUNK), int(RoadClass.RESIDENTIAL)
_BUS = int(Kind.BUS)
_PASS, _STOP, _SLOW = int(Command.PASS), int(Command.STOP), int(Command.SLOW)
_PULL_OVER, _ADVANCE, _NO_COMMAND = int(Command.PULL_OVER), int(Command.ADVANCE), int(Command.NONE)


PATH = np.dtype(
    [
        (name, np.float64)
        for name in (
            "step",
            "stop",
            "pace",
            "keep",
            "aim",
            "slope",
            "over",
            "over_from",
            "over_to",
            "low_x",
            "low_y",
            "high_x",
            "high_y",
        )
    ]
    + [("count", np.int64), ("lights", np.int64), ("ordered", np.int64)]
)
PATH_POINT = np.dtype(
    [(name, np.float64) for name in ("line_x", "line_y", "yaw", "cos", "sin", "x", "y", "left", "right")]
    + [("way", np.int64)]
)


class Paths(NamedTuple):
    """For the bodies of one branch, the ego last: row (M,) of PATH, point (M, POINTS) of PATH_POINT, `count` valid.

    line_x, line_y, yaw, cos, sin: the way's line; x, y: with the body's own offset from it; way: which way each point
    is on; left, right: room either side. step: spacing, the first point being abreast of the body. stop: how far its
    middle may go before it must wait (a red light, a dead end, a full junction); ordered: 1 where a light or a script
    says so, and patience does not count. pace: the speed it would like now. keep: where it would
    like to be, left of the line; aim, slope: where it now goes, and how fast. lights: indicators. low_*, high_*: the
    extent. over, over_from, over_to: the room in the oncoming lane, from where on and how far.
    """

    row: np.ndarray
    point: np.ndarray


@njit(cache=True)
def _leads_to(ways, way):
    first = ways.way[way].next_start
    return ways.next_way[first] if ways.way[way].junction >= 0 and ways.way[way].next_end > first else way


@njit(cache=True)
def _after(ways, way):
    first = ways.way[way].next_start
    return ways.next_way[first] if ways.way[way].next_end > first else way


@njit(cache=True)
def ease(free):
    """Return (0 to 1) how readily cars drive where so many metres are free: not at all where one hardly fits."""
    share = np.minimum(np.maximum((free - TIGHT_M) / (NARROW_M - TIGHT_M), 0.0), 1.0)
    return share * share


@njit(cache=True)
def _liking_of_road(ways, option, kind):
    """Return how readily a driver or rider takes a way, whatever comes after the next street."""
    turn, beyond = ways.way[option].turn, _leads_to(ways, option)
    liking = 0.5 if turn == _LEFT else (0.6 if turn == _RIGHT else (0.01 if turn == _U_TURN else 1.0))
    if TWO_WHEELER[kind]:
        if ways.way[option].kind == _CYCLE:
            return liking * 4.0
        return liking * (_RELUCTANT if ways.way[beyond].road <= _TRUNK else 1.0)
    if ways.way[option].kind != _DRIVE:
        return 0.0
    if ways.way[beyond].free < NARROW_M:
        return liking * (_RELUCTANT if kind == _BUS else max(ease(ways.way[beyond].free), _ALLEY))
    if kind == _BUS and ways.way[beyond].road >= _RESIDENTIAL:
        return liking * 0.01
    return liking


@njit(cache=True)
def _liking(ways, option, kind):
    """Return how readily a user of a kind takes a way at a fork, 0 for not at all."""
    if ON_FOOT[kind]:
        return 0.02 if ways.way[option].on_road or ways.way[_after(ways, option)].on_road else 1.0
    if ways.way[option].dead:
        return _NOWHERE * _liking_of_road(ways, option, kind)
    return _liking_of_road(ways, option, kind)


@njit(cache=True)
def choose_next(ways, way, seed, uid, count, kind):
    """Return the way a user takes at the end of another, by chance keyed (seed, uid, count); -1 where none is."""
    first, last = ways.way[way].next_start, ways.way[way].next_end
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
def _ruling(programs, signal, time_s, inside):
    return lamp(programs, signal, time_s)[0] if inside else entry_lamp(programs, signal, time_s)


@njit(cache=True)
def must_wait(programs, signal, time_s, reaction_s, may_turn, can_stop, walking, inside):
    """Return whether a user must stay before a signal: red, a yellow it can stop for, a green not yet noticed.

    inside: at the second line, beyond a left-turn waiting area.
    """
    colour = _ruling(programs, signal, time_s, inside)
    if colour in (_NONE, _DARK):
        return False
    if colour == _RED:
        return not may_turn
    if colour == _YELLOW:
        return can_stop
    if walking and colour == _FLASHING:
        return True
    return _ruling(programs, signal, time_s - reaction_s, inside) == _RED and (walking or not may_turn)


@njit(cache=True)
def halts(ways, programs, officers, way, following, time_s, reaction_s, can_stop, walking, heedless):
    """Return whether a user on `way` must stop before `following`: an officer it sees outranks the signal."""
    if heedless:
        return False
    if len(officers) and not walking:
        last = ways.way[way].end - 1
        order = ordered(
            officers, ways.point[last].x, ways.point[last].y, ways.point[last].yaw, ways.way[following].turn
        )
        if order == _PASS or (order == _ADVANCE and ways.way[following].wait_s < np.inf):
            return False
        if order in (_STOP, _PULL_OVER, _ADVANCE):
            return True
    signal = ways.way[following].signal
    if signal < 0 or ways.way[way].signal == signal:
        return False
    return must_wait(programs, signal, time_s, reaction_s, ways.way[following].red_right, can_stop, walking, False)


@njit(cache=True)
def halts_inside(ways, programs, officers, way, time_s, reaction_s, can_stop):
    """Return whether a user must stop at the second line of a left-turn way with a waiting area."""
    if len(officers):
        first = ways.way[way].start
        order = ordered(officers, ways.point[first].x, ways.point[first].y, ways.point[first].yaw, _LEFT)
        if order != _NO_COMMAND and order != _SLOW:
            return order != _PASS
    return must_wait(programs, ways.way[way].signal, time_s, reaction_s, False, can_stop, False, True)


@njit(cache=True)
def keep_of(ways, way, kind, own_m):
    """Return where a user keeps on a way, m left of its line: its own liking, and the rule to keep right."""
    right = ways.way[way].right_room
    if ON_FOOT[kind]:
        return own_m * max(min(right, ways.way[way].left_room) - 0.35, 0.0)
    if TWO_WHEELER[kind] and ways.way[way].kind == _DRIVE:
        return -max(right - 0.65, 0.0) + 0.3 * own_m
    keep = ways.way[way].keep_right + own_m
    return max(keep, -right + 1.15) if ways.way[way].shared else keep


@njit(cache=True)
def follow_ways(ways, programs, paths, i, row, half, seed, away, time_s, officers):
    """Fill row i of `paths` for the user of a table row, half as long as `half`, on the signal clock at time_s.

    away: it ignores signals. officers (n,): those it sees who command traffic.
    """
    speed = max(-row.speed_mps if row.backwards else row.speed_mps, 0.0)
    way, along, kind, haste = row.way, row.along_m, row.kind, row.haste
    count = row.junctions
    walking = ON_FOOT[kind]
    braking = BRAKING_MPS2[kind]
    braked = half + 7.0 + 3.0 * speed + speed * speed / (2.0 * braking)
    horizon = 3.0 + 4.0 * speed if walking else min(braked, 65.0)
    step = horizon / (POINTS - 1)
    own = OWN_SPEED_MPS[kind] * (haste if kind >= 3 else 1.0)
    paths.row[i].step = step
    paths.row[i].over, paths.row[i].over_to = ways.way[way].over, ways.way[way].length - along
    paths.row[i].over_from = 0.0
    paths.row[i].stop = np.inf
    paths.row[i].lights = paths.row[i].ordered = 0
    pace = np.inf
    start_s = -along  # where the present way begins, from the body
    first = way
    waiting = -1  # the way whose second line has been looked at
    filled = 0
    limit = min(ways.way[way].limit * haste, own)
    paths.row[i].keep = keep_of(ways, way, kind, row.offset_target_m)
    aim_yaw = 0.0
    round_it = min(max(ROUND_MPS * (row.waited_s - ROUND_S), 0.0), ROUND_M)
    for k in range(POINTS):
        s = k * step - start_s
        while s > ways.way[way].length:
            following = choose_next(ways, way, seed, row.uid, count, kind)
            end = start_s + ways.way[way].length
            if following < 0:
                paths.row[i].stop = min(paths.row[i].stop, max(end - 0.5, 0.0))
                break
            signal = ways.way[following].signal
            enters = ways.way[following].junction >= 0 and ways.way[way].junction < 0
            if (signal >= 0 and ways.way[way].signal != signal) or (len(officers) and enters):
                line = start_s + ways.way[way].stop_s
                gap = line - half
                if gap > -1.0 and paths.row[i].stop == np.inf:
                    can_stop = speed * speed < 2.0 * SIGNAL_MPS2 * max(gap, 0.01)
                    if halts(ways, programs, officers, way, following, time_s, row.reaction_s, can_stop, walking, away):
                        paths.row[i].stop = max(line, 0.0)
                        paths.row[i].ordered = 1
            turn = ways.way[following].turn
            if end < 35.0 and paths.row[i].lights == 0:
                paths.row[i].lights = 2 if turn in (_LEFT, _U_TURN) else (4 if turn == _RIGHT else 0)
            start_s = end
            s = k * step - start_s
            if (
                ways.way[way].junction >= 0
                and way == first
                and ways.way[following].junction < 0
                and end < half + EXIT_M
            ):
                paths.row[i].over = ways.way[following].over
                paths.row[i].over_from, paths.row[i].over_to = end, end + ways.way[following].length
            way = following
            count += 1
            fast = min(ways.way[way].limit * haste, own)
            if not walking and signal < 0:
                fast = min(fast, ways.way[way].look)
            elif not walking and lamp(programs, signal, time_s)[0] == _DARK:
                fast = min(fast, LOOK_FOR_VEHICLES_MPS)  # right of way decides, and nobody is sure of it
            pace = min(pace, np.sqrt(fast * fast + 2.0 * braking * 0.6 * max(start_s, 0.0)))
        if s > ways.way[way].length:
            break
        if ways.way[way].wait_s < np.inf and way != waiting and not walking:
            waiting = way
            line = start_s + ways.way[way].wait_s
            gap = line - half
            if gap > -1.0 and paths.row[i].stop == np.inf and not away:
                can_stop = speed * speed < 2.0 * SIGNAL_MPS2 * max(gap, 0.01)
                if halts_inside(ways, programs, officers, way, time_s, row.reaction_s, can_stop):
                    paths.row[i].stop = max(line, 0.0)
                    paths.row[i].ordered = 1
        place = s / ways.way[way].spacing
        base = ways.way[way].start
        last = ways.way[way].end - base - 2
        index = min(int(place), last)
        share = place - index
        a = base + index
        paths.point[i, k].line_x = ways.point[a].x + share * (ways.point[a + 1].x - ways.point[a].x)
        paths.point[i, k].line_y = ways.point[a].y + share * (ways.point[a + 1].y - ways.point[a].y)
        bend = half_turn(ways.point[a + 1].yaw - ways.point[a].yaw)
        yaw = ways.point[a].yaw + share * bend
        paths.point[i, k].yaw, paths.point[i, k].cos, paths.point[i, k].sin = yaw, np.cos(yaw), np.sin(yaw)
        paths.point[i, k].way = way
        paths.point[i, k].left, paths.point[i, k].right = ways.way[way].left_room, ways.way[way].right_room
        if round_it > 0.0 and ways.way[way].junction >= 0 and (walking or TWO_WHEELER[kind]):
            paths.point[i, k].left += round_it
            paths.point[i, k].right += round_it
        if k > 0 and not walking:
            turned = abs(half_turn(yaw - aim_yaw))
            curvature = turned / max(step, 1.0)
            if curvature > 0.01:
                bend_speed = max(np.sqrt(LATERAL_MPS2[kind] * row.vigour / curvature), 1.5)
                pace = min(pace, np.sqrt(bend_speed**2 + 2.0 * braking * 0.6 * max((k - 1) * step, 0.0)))
        aim_yaw = yaw
        filled = k + 1
    if not walking and ways.way[first].shared:
        width = ways.way[first].left_room + ways.way[first].right_room
        limit = min(limit, 4.0 + 1.5 * max(width - 3.5, 0.0)) if own > 8.0 else limit
    paths.row[i].count = filled
    paths.row[i].pace = min(pace, limit)


@njit(cache=True)
def follow_heading(paths, i, x, y, yaw, speed, yaw_rate, half):
    """Fill row i with what a body does that follows no way: it goes on turning as it does now."""
    step = min(half + 5.0 + 3.5 * abs(speed), 45.0) / (POINTS - 1)
    curvature = yaw_rate / speed if abs(speed) > 1.0 else 0.0
    sense = 1.0 if speed >= -0.1 else -1.0
    heading = yaw
    for k in range(POINTS):
        paths.point[i, k].line_x, paths.point[i, k].line_y = x, y
        paths.point[i, k].yaw = heading + (0.0 if sense > 0.0 else np.pi)
        paths.point[i, k].cos, paths.point[i, k].sin = sense * np.cos(heading), sense * np.sin(heading)
        paths.point[i, k].way = -1
        if k * step < 25.0:
            heading += curvature * step * sense
        x += sense * step * np.cos(heading)
        y += sense * step * np.sin(heading)
    paths.row[i].count, paths.row[i].step, paths.row[i].stop, paths.row[i].pace = POINTS, step, np.inf, abs(speed)
    paths.row[i].keep = 0.0
    paths.row[i].lights = 0


@njit(cache=True)
def follow_ego(ways, paths, e, ego, ego_on, half):
    """Fill row e with the ego's path: along the way it is on, taking forks as its indicator shows.

    ego (6,): middle x, y, yaw, speed, yaw rate, indicator; ego_on (4,): way, along, offset, z; half: its half length.
    """
    way, along, offset = int(ego_on[0]), ego_on[1], ego_on[2]
    step = min(half + 6.0 + 4.0 * max(ego[3], 0.0), 55.0) / (POINTS - 1)
    begin, count = -along, 0
    indicator = int(ego[5])
    for k in range(POINTS):
        s = k * step - begin
        while s > ways.way[way].length:
            first, last = ways.way[way].next_start, ways.way[way].next_end
            if first == last:
                break
            chosen = ways.next_way[first]
            for index in range(first, last):
                turn = ways.way[ways.next_way[index]].turn
                if (indicator == 1 and turn == 2) or (indicator == 2 and turn == 3):
                    chosen = ways.next_way[index]
            begin += ways.way[way].length
            s = k * step - begin
            way = chosen
        if s > ways.way[way].length:
            break
        place = s / ways.way[way].spacing
        a = ways.way[way].start
        index = min(int(place), ways.way[way].end - a - 2)
        share = place - index
        a += index
        yaw = ways.point[a].yaw + share * half_turn(ways.point[a + 1].yaw - ways.point[a].yaw)
        paths.point[e, k].line_x = ways.point[a].x + share * (ways.point[a + 1].x - ways.point[a].x)
        paths.point[e, k].line_y = ways.point[a].y + share * (ways.point[a + 1].y - ways.point[a].y)
        paths.point[e, k].yaw, paths.point[e, k].way = yaw, way
        paths.point[e, k].cos, paths.point[e, k].sin = np.cos(yaw), np.sin(yaw)
        count = k + 1
    paths.row[e].count, paths.row[e].step, paths.row[e].stop = count, step, np.inf
    paths.row[e].pace = max(ego[3], 3.0)
    paths.row[e].keep = paths.row[e].aim = offset
    paths.row[e].slope = 0.1


@njit(cache=True)
def lay_out(paths, i, offset, half_width):
    """Set x, y and the extent of row i: from its present offset it moves over to `aim` at `slope`, then keeps there."""
    low_x, low_y, high_x, high_y = np.inf, np.inf, -np.inf, -np.inf
    change = paths.row[i].aim - offset
    for k in range(paths.row[i].count):
        moved = min(abs(change), paths.row[i].slope * k * paths.row[i].step)
        o = offset + (moved if change > 0.0 else -moved)
        x = paths.point[i, k].line_x - o * paths.point[i, k].sin
        y = paths.point[i, k].line_y + o * paths.point[i, k].cos
        paths.point[i, k].x, paths.point[i, k].y = x, y
        low_x, low_y, high_x, high_y = min(low_x, x), min(low_y, y), max(high_x, x), max(high_y, y)
    paths.row[i].low_x, paths.row[i].low_y = low_x - half_width, low_y - half_width
    paths.row[i].high_x, paths.row[i].high_y = high_x + half_width, high_y + half_width
