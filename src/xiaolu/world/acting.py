"""Acting: what actors do at one tick. They come to their acts here; then they move like everybody."""

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.rates import TICK_S
from xiaolu.core.users import Gesture
from xiaolu.world.angles import half_turn
from xiaolu.world.hands import take_up
from xiaolu.world.places import ego_way
from xiaolu.world.script import NEAREST_LANE, Heed, Hinge, When
from xiaolu.world.sight import first_wall
from xiaolu.world.signals import lamp
from xiaolu.world.temper import ACCELERATION_MPS2, BRAKING_MPS2, ON_FOOT, TURN_RATE_RADPS
from xiaolu.world.yielding import follow_gap

STANDS_MPS, GOES_MPS = 0.1, 0.5
GATE_REACH_M, GATE_ASIDE_M = 40.0, 10.0  # a gate is passed within this far beyond it and to its sides
BESIDE_M = 0.5  # so far behind its bumper one is still beside the ego
GONE_M = 60.0  # from here on a walker may vanish in plain sight

_HALF_LENGTH, _HALF_WIDTH = EGO_BODY.length_m / 2, EGO_BODY.width_m / 2
SEES_STANDING_M = 25.0  # whoever stands so near across the way is not driven into
_GREEN, _FLASHING = int(LampColour.GREEN), int(LampColour.FLASHING_GREEN)
_NO_GESTURE, _WALK = int(Gesture.NONE), int(Gesture.WALK)
_AT_ONCE, _AFTER, _WITHIN, _ARRIVES = (
    int(When.AT_ONCE),
    int(When.AFTER_S),
    int(When.EGO_WITHIN_M),
    int(When.EGO_ARRIVES_S),
)
_PAST, _STANDS, _GOES, _OWN = int(When.EGO_PAST), int(When.EGO_STANDS_S), int(When.EGO_GOES), int(When.OWN_M)
_AHEAD = int(When.AHEAD_OF_EGO_M)
_LAMP, _ACTOR = int(When.LAMP), int(When.ACTOR)
_NOT_EGO, _NOT_SIGNALS, _BLIND = int(Heed.NOT_EGO), int(Heed.NOT_SIGNALS), int(Heed.NONE)
_FRONT, _BACK = int(Hinge.FRONT), int(Hinge.BACK)


@njit(cache=True)
def present_act(stage, row):
    """Return the index of the act that a user of a table row is at; row.actor must not be -1."""
    return stage.start[row.actor] + row.act


@njit(cache=True)
def _wrong_side(stage, row, k):
    """Return whether a user is on its way there when its act is done on the way back, or the reverse."""
    way = row.way
    return stage.twin[way] >= 0 and stage.second[way] != (stage.act[k].twin == 1)


@njit(cache=True)
def _fires(stage, programs, table, o, row, k, ego, clock):
    """Return whether act k's trigger holds for the user of a table row. ego (6,): see `tick_branch`."""
    act = stage.act[k]
    dx, dy = row.x_m - ego[0], row.y_m - ego[1]
    if dx * dx + dy * dy > act.within * act.within:
        return False
    when, value = act.when, act.value
    cos, sin = np.cos(ego[2]), np.sin(ego[2])
    if when == _AT_ONCE:
        return True
    if when == _AFTER:
        return row.act_s >= value
    if when == _WITHIN:
        return dx * dx + dy * dy <= value * value
    if when == _ARRIVES and not np.isnan(act.gate_x):
        fx, fy = act.gate_x - ego[0] - _HALF_LENGTH * cos, act.gate_y - ego[1] - _HALF_LENGTH * sin
        passed = fx * act.gate_cos + fy * act.gate_sin < -2.0
        return ego[3] > GOES_MPS and not passed and np.hypot(fx, fy) < value * ego[3]
    if when == _ARRIVES:
        ahead = dx * cos + dy * sin - _HALF_LENGTH
        return ego[3] > GOES_MPS and -2.0 < ahead < value * ego[3]
    if when == _PAST:
        fx, fy = ego[0] + _HALF_LENGTH * cos - act.gate_x, ego[1] + _HALF_LENGTH * sin - act.gate_y
        along, aside = fx * act.gate_cos + fy * act.gate_sin, -fx * act.gate_sin + fy * act.gate_cos
        return 0.0 <= along < GATE_REACH_M and abs(aside) < GATE_ASIDE_M
    if when == _STANDS:
        return row.stood_s >= value
    if when == _GOES:
        return row.stood_s >= 0.5 and abs(ego[3]) > GOES_MPS
    if when == _AHEAD:
        return dx * cos + dy * sin - _HALF_LENGTH - 0.5 * row.length_m >= value
    if when == _OWN:
        if _wrong_side(stage, row, k - 1):
            return False  # it has yet to turn onto its way back: its metres are the other way's
        if act.at_way < 0 or row.way == act.at_way:
            return row.along_m >= value
        return not act.from_way <= row.way < act.at_way
    if when == _LAMP:
        colour = lamp(programs, act.signal, clock)[0]
        return colour == value or (colour == _FLASHING and value == _GREEN)
    other = table.row[o + act.other]
    return other.actor == act.other and other.act >= act.other_act


@njit(cache=True)
def _go_over(ways, stage, grid, table, u, way):
    """Put a user onto another way where it is: abreast of its place, at its offset from the way's line."""
    x, y = table.row[u].x_m, table.row[u].y_m
    if way == NEAREST_LANE:
        found = ego_way(ways, grid, x, y, table.row[u].z_m, table.row[u].yaw_rad)
        if found[0] < 0.0:
            return
        table.row[u].way, table.row[u].along_m, table.row[u].offset_m = int(found[0]), found[1], found[2]
        return
    first, last = ways.way[way].start, ways.way[way].end
    best, item = np.inf, first
    for p in range(first, last):
        square = (ways.point[p].x - x) ** 2 + (ways.point[p].y - y) ** 2
        if square < best:
            best, item = square, p
    yaw = ways.point[item].yaw
    dx, dy = x - ways.point[item].x, y - ways.point[item].y
    along = (item - first) * ways.way[way].spacing + dx * np.cos(yaw) + dy * np.sin(yaw)
    table.row[u].way = way
    table.row[u].along_m = min(max(along, 0.0), ways.way[way].length)
    table.row[u].offset_m = -dx * np.sin(yaw) + dy * np.cos(yaw)


@njit(cache=True)
def _abreast(x, y, ego):
    """Return whether a place lies beside the ego, or right behind it."""
    along = (x - ego[0]) * np.cos(ego[2]) + (y - ego[1]) * np.sin(ego[2])
    return -_HALF_LENGTH - BESIDE_M < along < _HALF_LENGTH


@njit(cache=True)
def _stands_before(row, ego):
    """Return whether the ego stands across what lies straight before a user of a table row."""
    if abs(ego[3]) > STANDS_MPS:
        return False
    cos, sin = np.cos(row.yaw_rad), np.sin(row.yaw_rad)
    dx, dy, turned = ego[0] - row.x_m, ego[1] - row.y_m, ego[2] - row.yaw_rad
    along, aside = dx * cos + dy * sin, -dx * sin + dy * cos
    half = abs(_HALF_LENGTH * np.sin(turned)) + abs(_HALF_WIDTH * np.cos(turned)) + 0.5 * row.width_m
    return 0.0 < along < SEES_STANDING_M and abs(aside) < half


@njit(cache=True)
def direct(ways, programs, walls, grid, stage, table, o, users, ego, clock):
    """Bring the actors of one branch to the acts whose triggers hold. Returns nothing."""
    for i in range(users):
        u = o + i
        if table.row[u].actor < 0 or not table.row[u].active:
            continue
        last = stage.start[table.row[u].actor + 1]
        table.row[u].act_s += TICK_S
        k = present_act(stage, table.row[u])
        awaited = stage.act[k + 1].when if k + 1 < last else _AT_ONCE
        if abs(ego[3]) < STANDS_MPS:
            table.row[u].stood_s += TICK_S
        elif awaited != _GOES:
            table.row[u].stood_s = 0.0
        while k + 1 < last and _fires(stage, programs, table, o, table.row[u], k + 1, ego, clock):
            k += 1
            table.row[u].act += 1
            table.row[u].act_s = table.row[u].stood_s = 0.0
            if stage.act[k].way != -1:
                _go_over(ways, stage, grid, table, u, stage.act[k].way)
                table.row[u].backwards = False
            if stage.act[k].style >= 0:
                table.row[u].style = stage.act[k].style
        if not table.row[u].parked and _wrong_side(stage, table.row[u], k) and abs(table.row[u].speed_mps) < 0.2:
            way = table.row[u].way
            table.row[u].way = stage.twin[way]
            table.row[u].along_m = ways.way[way].length - table.row[u].along_m
            table.row[u].offset_m = -table.row[u].offset_m
            table.row[u].backwards = stage.act[k].backwards
            table.row[u].speed_mps = 0.0
        heed = stage.act[k].heed
        if heed == _NOT_EGO:
            # To insist on one's way before a car's front is one thing; nobody walks, or drives, into its side.
            walks_into_it = ON_FOOT[table.row[u].kind] and _abreast(table.row[u].x_m, table.row[u].y_m, ego)
            drives_into_it = not ON_FOOT[table.row[u].kind] and _stands_before(table.row[u], ego)
            table.seen[u, users] = 100 if walks_into_it or drives_into_it else 0
        elif heed == _BLIND:
            table.seen[u, :] = 0
        if stage.act[k].vanishes:
            away = np.hypot(table.row[u].x_m - ego[0], table.row[u].y_m - ego[1])
            if away > GONE_M or first_wall(walls, ego[0], ego[1], table.row[u].x_m, table.row[u].y_m, 1.0) <= 1.0:
                table.row[u].active, table.row[u].uid, table.row[u].lane, table.row[u].actor = False, -1, -1, -1
                table.row[u].parked, table.row[u].backwards = False, False
                for j in range(users):
                    table.seen[o + j, i] = 0
                table.seen[u, :] = 0


@njit(cache=True)
def lawless(stage, row):
    """Return whether a user ignores signals because its act says so."""
    if row.actor < 0:
        return False
    heed = stage.act[present_act(stage, row)].heed
    return heed in (_NOT_SIGNALS, _BLIND)


@njit(cache=True)
def _target(stage, row, k):
    """Return the speed an act asks for, NaN for the user's own mind's."""
    return 0.0 if _wrong_side(stage, row, k) else stage.act[k].speed


@njit(cache=True)
def intend(stage, table, paths, bodies, o, users):
    """Set the pace and the place in the lane that acts ask for, before others are heeded."""
    for i in range(users):
        row = table.row[o + i]
        if row.actor < 0 or not bodies[i].moving:
            continue
        k = present_act(stage, row)
        target = _target(stage, row, k)
        if not np.isnan(target):
            paths.row[i].pace = max(target, 0.1)
            if target == 0.0 and abs(row.speed_mps) < 0.05:
                # It means to stand: nobody need wait for it to go.
                paths.row[i].stop = min(paths.row[i].stop, bodies[i].half_length)
                paths.row[i].ordered = 1
        if not np.isnan(stage.act[k].offset):
            paths.row[i].keep = -stage.act[k].offset if stage.act[k].twin == 1 else stage.act[k].offset


@njit(cache=True)
def hold(stage, table, paths, bodies, o, users):
    """Set the accelerations that acts ask for, where heeding others does not ask for less."""
    for i in range(users):
        u = o + i
        row = table.row[u]
        if row.actor < 0 or not bodies[i].moving:
            continue
        k = present_act(stage, row)
        target, most = _target(stage, row, k), stage.act[k].acceleration
        speed, kind = bodies[i].speed, bodies[i].kind
        if not np.isnan(stage.act[k].offset):
            paths.row[i].slope = stage.act[k].sideways / max(speed, 0.5)
        if np.isnan(target):
            continue
        free = follow_gap(kind, speed, paths.row[i].pace, np.inf, 0.0, 1.0)
        up = ACCELERATION_MPS2[kind] if np.isnan(most) else most
        down = BRAKING_MPS2[kind] if np.isnan(most) else most
        wish = min(max((target - speed) / TICK_S, -down), up)
        held = bodies[i].acceleration < free - 1e-9
        bodies[i].acceleration = min(bodies[i].acceleration, wish) if held else wish
        if target == 0.0:
            table.row[u].waited_s = 0.0


@njit(cache=True)
def play(stage, table, u, ego, before_yaw):
    """Set what an actor shows after it has moved: where it looks, its hands, its lights."""
    row = table.row[u]
    act = stage.act[present_act(stage, row)]
    kind = row.kind
    if act.facing != 0 and abs(row.speed_mps) < 0.3:
        wanted = act.faces if act.facing == 1 else np.arctan2(ego[1] - row.y_m, ego[0] - row.x_m)
        turn = half_turn(wanted - before_yaw)
        most = TURN_RATE_RADPS[kind] * TICK_S
        turn = min(max(turn, -most), most)
        table.row[u].yaw_rad = half_turn(before_yaw + turn)
        table.row[u].yaw_rate_radps = turn / TICK_S
    if act.lights >= 0:
        table.row[u].lights = act.lights
    if ON_FOOT[kind] or act.gesture >= 0:
        gesture = act.gesture
        if gesture < 0:
            gesture = np.int8(_WALK) if abs(row.speed_mps) > 0.2 else np.int8(_NO_GESTURE)
        take_up(table, u, gesture, table.row[u].act_s < 0.5 * TICK_S and act.gesture > _WALK)


@njit(cache=True)
def change_shape(stage, table, u):
    """Turn or resize a thing about its hinge: on its way from what the act before asked for to what this one does."""
    row = table.row[u]
    k = present_act(stage, row)
    if row.act == 0:
        return
    act, before = stage.act[k], stage.act[k - 1]
    share = min(row.act_s / act.in_s, 1.0)
    yaw = before.yaw + share * half_turn(act.yaw - before.yaw)
    length = before.length + share * (act.length - before.length)
    x, y = stage.actor[row.actor].x, stage.actor[row.actor].y
    hinge = stage.actor[row.actor].hinge
    if hinge in (_FRONT, _BACK):
        sign = 1.0 if hinge == _FRONT else -1.0
        reach = 0.5 * sign * stage.actor[row.actor].length
        x += reach * np.cos(stage.actor[row.actor].yaw) - 0.5 * sign * length * np.cos(yaw)
        y += reach * np.sin(stage.actor[row.actor].yaw) - 0.5 * sign * length * np.sin(yaw)
    table.row[u].x_m, table.row[u].y_m = x, y
    table.row[u].yaw_rad = half_turn(yaw)
    table.row[u].length_m = length
    table.row[u].width_m = before.width + share * (act.width - before.width)
    table.row[u].height_m = before.height + share * (act.height - before.height)


@njit(cache=True)
def enter(ways, stage, table, o, slots):
    """Put the actors of one branch into its first slots, at the beginning of a ride."""
    for a in range(len(stage.actor)):
        u, actor = o + a, stage.actor[a]
        row = table.row[u]
        row.uid, row.active, row.kind, row.parked, row.actor = a, True, actor.kind, actor.parked, a
        row.act, row.act_s, row.stood_s, row.backwards = 0, 0.0, 0.0, False
        row.x_m, row.y_m, row.z_m, row.yaw_rad = actor.x, actor.y, actor.z, actor.yaw
        row.length_m, row.width_m, row.height_m, row.style = actor.length, actor.width, actor.height, actor.style
        row.way, row.along_m, row.offset_m = actor.way, actor.along, actor.offset
        row.haste, row.headway_s, row.reaction_s, row.attentive = 1.0, actor.headway, actor.reaction, True
        row.vigour = row.room = row.margin_s = 1.0
        row.offset_target_m, row.junctions, row.waited_s, row.ran_red = 0.0, 0, 0.0, False
        row.lane, row.s_m = -1, 0.0
        if not actor.parked:
            row.lane = ways.way[actor.way].lane
            row.s_m = actor.along
        row.speed_mps = 0.0 if actor.parked else actor.speed
        row.acceleration_mps2 = row.yaw_rate_radps = row.gesture_s = row.stride_rad = 0.0
        row.gesture, row.lights = 0, 0
        for j in range(slots):
            table.seen[o + j, a] = 100
            table.seen[u, j] = 100
        table.seen[u, slots] = 100
