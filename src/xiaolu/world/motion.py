"""Motion: one tick of all bodies of one branch. Users decide, then move; the ego has already moved."""

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.rates import TICK_S
from xiaolu.core.users import Gesture
from xiaolu.world.contact import touches_ego
from xiaolu.world.draws import draw
from xiaolu.world.passing import choose_offset
from xiaolu.world.paths import (
    PATH,
    PATH_POINT,
    POINTS,
    Paths,
    choose_next,
    follow_heading,
    follow_ways,
    lapsing,
    lay_out,
)
from xiaolu.world.places import ego_way
from xiaolu.world.sight import enters_box, first_wall
from xiaolu.world.signals import lamp
from xiaolu.world.temper import EMERGENCY_MPS2, HIDES, LAPSE_S, ON_FOOT, STRIDE_M, TURN_RATE_RADPS, TWO_WHEELER
from xiaolu.world.yielding import BODY, by_right_of_way, follow_gap, give_way, goes_first, in_the_way, shared_spot
from xiaolu.world.yielding import stop_within as _stop_within

SIGHT_M = 60.0  # how far users look out for each other
REFRESH_TICKS = 5  # each pair's line of sight is looked at this often
FORGET_Z_M = 3.0  # bodies further apart in height are on different layers

_RED = int(LampColour.RED)
_NO_GESTURE, _WALK, _PHONE = int(Gesture.NONE), int(Gesture.WALK), int(Gesture.PHONE)
_GESTURE = int(Purpose.GESTURE)
_LAPSE_TICKS = round(LAPSE_S / TICK_S)
_CENTRE, _HALF_LENGTH, _HALF_WIDTH = EGO_BODY.centre_x_m, EGO_BODY.length_m / 2, EGO_BODY.width_m / 2


@njit(cache=True)
def _gather(table, o, users, ego, ego_z):
    """Return the bodies of the branch whose slots begin at o; ego (6,): middle x, y, yaw, speed, yaw rate, indicator."""
    bodies = np.zeros(users + 1, BODY)
    for i in range(users + 1):
        bodies[i].uid, bodies[i].leader, bodies[i].lead_gap = -1, -1, np.inf
    for i in range(users):
        u = o + i
        if not table.row[u].active:
            continue
        bodies[i].present, bodies[i].moving = True, not table.row[u].parked
        bodies[i].uid, bodies[i].kind = table.row[u].uid, table.row[u].kind
        bodies[i].x, bodies[i].y, bodies[i].z, bodies[i].yaw = (
            table.row[u].x_m,
            table.row[u].y_m,
            table.row[u].z_m,
            table.row[u].yaw_rad,
        )
        bodies[i].half_length, bodies[i].half_width = 0.5 * table.row[u].length_m, 0.5 * table.row[u].width_m
        bodies[i].speed, bodies[i].waited = table.row[u].speed_mps, table.row[u].waited_s
        bodies[i].offset = table.row[u].offset_m
    bodies[users].present = bodies[users].moving = True
    bodies[users].x, bodies[users].y, bodies[users].z, bodies[users].yaw = ego[0], ego[1], ego_z, ego[2]
    bodies[users].half_length, bodies[users].half_width, bodies[users].speed = _HALF_LENGTH, _HALF_WIDTH, ego[3]
    return bodies


@njit(cache=True)
def _look(table, bodies, walls, o, users, tick):
    """Refresh who sees whom: a rotating share of the pairs, the ego more often."""
    for i in range(users):
        if not bodies[i].moving:
            continue
        seen = table.seen[o + i]
        for j in range(users + 1):
            if j == i or not bodies[j].present:
                continue
            if seen[j] > 0 and seen[j] < 100:
                seen[j] += 1
            turn = (i + tick) % 2 if j == users else (7 * i + j + tick) % REFRESH_TICKS
            if turn != 0:
                continue
            if abs(bodies[i].x - bodies[j].x) > SIGHT_M or abs(bodies[i].y - bodies[j].y) > SIGHT_M:
                continue
            if _line_of_sight(table, bodies, walls, o, users, i, j):
                seen[j] = max(seen[j], 1)
            else:
                seen[j] = 0


@njit(cache=True)
def _line_of_sight(table, bodies, walls, o, users, i, j):
    ax, ay, bx, by = bodies[i].x, bodies[i].y, bodies[j].x, bodies[j].y
    if (ax - bx) ** 2 + (ay - by) ** 2 < 36.0:
        return True
    if first_wall(walls, ax, ay, bx, by) <= 1.0:
        return False
    tall = 2.0 if j == users else table.row[o + j].height_m
    for k in range(users):
        if k == i or k == j or not bodies[k].present or HIDES[bodies[k].kind] == 0:
            continue
        if table.row[o + k].height_m < tall:
            continue
        r = bodies[k].half_length + 1.0
        if min(ax, bx) - r > bodies[k].x or max(ax, bx) + r < bodies[k].x:
            continue
        if min(ay, by) - r > bodies[k].y or max(ay, by) + r < bodies[k].y:
            continue
        hl, hw = bodies[k].half_length, bodies[k].half_width
        if enters_box(ax, ay, bx, by, bodies[k].x, bodies[k].y, bodies[k].yaw, 2.0 * hl, 2.0 * hw) <= 1.0:
            return False
    return True


@njit(cache=True)
def _draw_paths(ways, programs, table, bodies, paths, o, users, seed, tick, clock, ego, ego_on):
    for i in range(users):
        if not bodies[i].moving:
            paths.row[i].count = 0
            continue
        u = o + i
        careless = lapsing(seed, table.row[u].uid, tick, table.row[u].attentive, _LAPSE_TICKS)
        follow_ways(
            ways, programs, paths, i, table.row[u].way, table.row[u].along_m, table.row[u].speed_mps, table.row[u].offset_m,
            table.row[u].kind, bodies[i].half_length, table.row[u].uid, seed, table.row[u].junctions, table.row[u].haste,
            table.row[u].reaction_s, table.row[u].offset_target_m, careless, clock,
        )  # fmt: skip
        if paths.row[i].count < 2:
            paths.row[i].count = 0
    e = users
    if ego_on[0] >= 0.0:
        # The ego is taken at its indicator's word: a fork is chosen as it shows. Signals are its own affair.
        _follow_ego(ways, paths, e, ego, ego_on)
    else:
        follow_heading(paths, e, ego[0], ego[1], ego[2], ego[3], ego[4], _HALF_LENGTH)
        bodies[e].offset = 0.0
    for i in range(users + 1):
        bodies[i].red = False
        for k in range(paths.row[i].count):
            way = paths.point[i, k].way
            if way >= 0 and ways.way[way].red_right:
                bodies[i].red = lamp(programs, ways.way[way].signal, clock)[0] == _RED
                break


@njit(cache=True)
def _follow_ego(ways, paths, e, ego, ego_on):
    way, along, offset = int(ego_on[0]), ego_on[1], ego_on[2]
    step = min(_HALF_LENGTH + 6.0 + 4.0 * max(ego[3], 0.0), 55.0) / 27.0
    begin, count = -along, 0
    indicator = int(ego[5])
    for k in range(28):
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
        yaw = ways.point[a].yaw + share * ((ways.point[a + 1].yaw - ways.point[a].yaw + np.pi) % (2.0 * np.pi) - np.pi)
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
def _perceives(table, o, users, i, j):
    """Return whether user i has seen body j for its reaction time. Whoever stands close is noticed at once."""
    seen = table.seen[o + i, j]
    return seen > 0 and seen * TICK_S >= table.row[o + i].reaction_s


@njit(cache=True)
def _decide(ways, table, bodies, paths, o, users, seed, tick):
    """Set every user's acceleration: what is in its way, then whose path meets its own."""
    m = users + 1
    near = np.empty(m, np.int64)
    spot = np.empty(4, np.int64)
    for i in range(m):
        if paths.row[i].count == 0:
            continue
        own = i < users
        kind = bodies[i].kind
        low_x, low_y = np.inf, np.inf
        high_x, high_y = -np.inf, -np.inf
        for k in range(paths.row[i].count):
            low_x, high_x = min(low_x, paths.point[i, k].line_x), max(high_x, paths.point[i, k].line_x)
            low_y, high_y = min(low_y, paths.point[i, k].line_y), max(high_y, paths.point[i, k].line_y)
        count = 0
        for j in range(m):
            if j == i or not bodies[j].present or abs(bodies[i].z - bodies[j].z) > FORGET_Z_M:
                continue
            if own and not _perceives(table, o, users, i, j):
                continue
            r = 3.5 + bodies[j].half_length
            if low_x - r < bodies[j].x < high_x + r and low_y - r < bodies[j].y < high_y + r:
                near[count] = j
                count += 1
        passing = choose_offset(bodies, paths, i, near, count) if own else False
        lay_out(paths, i, bodies[i].offset, bodies[i].half_width)
        margin = 0.05 if ON_FOOT[kind] else 0.18
        headway = table.row[o + i].headway_s if own else 1.0
        acceleration = follow_gap(kind, bodies[i].speed, paths.row[i].pace, np.inf, 0.0, headway)
        for n in range(count):
            j = near[n]
            gap, along, cos = in_the_way(bodies, paths, i, j, margin)
            if gap == np.inf:
                continue
            if ON_FOOT[kind] and j < users and ON_FOOT[bodies[j].kind]:
                # People who get into each other's way slip past: the elder goes on, the other waits a moment.
                if gap < 0.3 and bodies[i].uid < bodies[j].uid and bodies[i].waited > 1.0:
                    continue
            if gap < bodies[i].lead_gap:
                bodies[i].lead_gap, bodies[i].leader = gap, j
            along = max(along, 0.0) if passing and abs(cos) > 0.7 and along > -0.5 else along
            wanted = gap - 1.5 if passing and not ON_FOOT[kind] and bodies[j].speed < 0.3 else gap
            closing = bodies[i].speed - along
            acceleration = min(
                acceleration, follow_gap(kind, bodies[i].speed, paths.row[i].pace, max(wanted, 0.05), closing, headway)
            )
        if paths.row[i].stop < np.inf:
            room = paths.row[i].stop - bodies[i].half_length - (0.2 if ON_FOOT[kind] else STOP_LINE_GAP_M)
            acceleration = min(acceleration, _stop_within(kind, bodies[i].speed, paths.row[i].pace, max(room, 0.0)))
        bodies[i].acceleration = acceleration
    for i in range(users):
        if paths.row[i].count == 0:
            continue
        for j in range(i + 1, m):
            if paths.row[j].count == 0 or abs(bodies[i].z - bodies[j].z) > FORGET_Z_M:
                continue
            if ON_FOOT[bodies[i].kind] and ON_FOOT[bodies[j].kind] and j < users:
                continue
            sees = _perceives(table, o, users, i, j)
            seen = j < users and _perceives(table, o, users, j, i)
            if not (sees or seen):
                continue
            if paths.point[i, 0].way == paths.point[j, 0].way and paths.point[i, 0].way >= 0:
                continue
            if not shared_spot(bodies, paths, i, j, spot):
                continue
            aligned = np.cos(bodies[i].yaw - bodies[j].yaw) > 0.7
            if aligned and (bodies[i].leader == j or bodies[j].leader == i):
                continue
            if goes_first(ways, bodies, paths, i, j, spot):
                if seen and not _careless(table, o, j, seed, tick):
                    yielded = give_way(
                        bodies, paths, j, i, spot[2], spot[3], spot[0], spot[1], table.row[o + j].headway_s
                    )
                    bodies[j].acceleration = min(bodies[j].acceleration, yielded)
            elif sees and not _careless(table, o, i, seed, tick):
                yielded = give_way(bodies, paths, i, j, spot[0], spot[1], spot[2], spot[3], table.row[o + i].headway_s)
                bodies[i].acceleration = min(bodies[i].acceleration, yielded)


STOP_LINE_GAP_M = 0.6


@njit(cache=True)
def _careless(table, o, i, seed, tick):
    return lapsing(seed, table.row[o + i].uid, tick, table.row[o + i].attentive, _LAPSE_TICKS)


@njit(cache=True)
def _move(ways, programs, table, bodies, paths, o, i, seed, tick, clock):
    """Move user i by its acceleration over one tick, along its chain of ways."""
    u = o + i
    kind = table.row[u].kind
    before = table.row[u].speed_mps
    acceleration = max(bodies[i].acceleration, -EMERGENCY_MPS2[kind])
    speed = max(before + acceleration * TICK_S, 0.0)
    if paths.row[i].count == 0:
        speed = 0.0
    ds = 0.5 * (before + speed) * TICK_S
    if bodies[i].lead_gap < np.inf and before < 1.0:
        ds = min(ds, max(bodies[i].lead_gap - 0.05, 0.0))
    table.row[u].acceleration_mps2 = (speed - before) / TICK_S
    table.row[u].speed_mps = speed
    held = speed < 0.3 and paths.row[i].stop - bodies[i].half_length > 3.0
    table.row[u].waited_s = table.row[u].waited_s + TICK_S if held else (0.0 if speed > 1.0 else table.row[u].waited_s)

    way, along = table.row[u].way, table.row[u].along_m + ds
    offset = table.row[u].offset_m
    change = paths.row[i].aim - offset
    sideways = paths.row[i].slope * ds
    if speed < 0.3 and table.row[u].waited_s > 1.0:
        sideways = max(sideways, (0.04 if ON_FOOT[kind] else 0.012))
    moved = min(abs(change), sideways) * (1.0 if change > 0.0 else -1.0)
    offset += moved
    while along > ways.way[way].length:
        following = choose_next(ways, way, seed, table.row[u].uid, table.row[u].junctions, kind)
        if following < 0:
            along = ways.way[way].length
            table.row[u].speed_mps = 0.0
            break
        along -= ways.way[way].length
        if ways.way[following].signal >= 0 and not ON_FOOT[kind] and ways.way[following].signal != ways.way[way].signal:
            since = (bodies[i].half_length + max(ways.way[way].length - ways.way[way].stop_s, 0.0)) / max(speed, 1.0)
            red = lamp(programs, ways.way[following].signal, clock - since)[0] == _RED
            table.row[u].ran_red = red and not ways.way[following].red_right
        elif ways.way[following].junction < 0:
            table.row[u].ran_red = False
        if ways.way[following].lane == ways.way[way].lane and ways.way[following].back != ways.way[way].back:
            offset = -offset
        way = following
        table.row[u].junctions += 1
    table.row[u].way, table.row[u].along_m, table.row[u].offset_m = way, along, offset
    place_on_way(ways, table, u, moved / max(ds, 0.02) if ds > 0.005 else 0.0)
    table.row[u].lights = (
        np.int8(paths.row[i].lights | (1 if acceleration < -0.6 or speed < 0.1 else 0)) if kind <= 2 else 0
    )
    table.row[u].stride_rad = (table.row[u].stride_rad + 2.0 * np.pi * ds / STRIDE_M[kind]) % (2.0 * np.pi)
    if ON_FOOT[kind]:
        phoning = draw(seed, table.row[u].uid, tick // 200, _GESTURE, 0) < 0.12
        gesture = _PHONE if phoning else (_WALK if speed > 0.2 else _NO_GESTURE)
        table.row[u].gesture_s = table.row[u].gesture_s + TICK_S if gesture == table.row[u].gesture else 0.0
        table.row[u].gesture = gesture


@njit(cache=True)
def place_on_way(ways, table, u, slope):
    """Set a user's place, heading, lane and offset from its way, how far along it is, and its offset to the left."""
    way, along, offset = table.row[u].way, table.row[u].along_m, table.row[u].offset_m
    a = ways.way[way].start
    place = along / ways.way[way].spacing
    index = min(max(int(place), 0), ways.way[way].end - a - 2)
    share = place - index
    a += index
    yaw = ways.point[a].yaw + share * ((ways.point[a + 1].yaw - ways.point[a].yaw + np.pi) % (2.0 * np.pi) - np.pi)
    table.row[u].x_m = ways.point[a].x + share * (ways.point[a + 1].x - ways.point[a].x) - offset * np.sin(yaw)
    table.row[u].y_m = ways.point[a].y + share * (ways.point[a + 1].y - ways.point[a].y) + offset * np.cos(yaw)
    table.row[u].z_m = ways.point[a].z + share * (ways.point[a + 1].z - ways.point[a].z)
    turn = (yaw + np.arctan(slope) - table.row[u].yaw_rad + np.pi) % (2.0 * np.pi) - np.pi
    most = TURN_RATE_RADPS[table.row[u].kind] * TICK_S
    turn = min(max(turn, -most), most)
    table.row[u].yaw_rad = (table.row[u].yaw_rad + turn + np.pi) % (2.0 * np.pi) - np.pi
    table.row[u].yaw_rate_radps = turn / TICK_S
    table.row[u].lane = ways.way[way].lane
    back = ways.way[way].back
    table.row[u].s_m = ways.way[way].length - along if back else along


@njit(cache=True)
def _to_blame(ways, table, bodies, paths, o, users, i, was_x, was_y, seed, tick):
    """Return whether a contact between user i and the ego is the user's doing."""
    u, e = o + i, users
    if table.row[u].parked or bodies[i].speed < 0.3:
        return False
    if abs(bodies[e].speed) < 0.3 or table.row[u].ran_red:
        return True
    c, s = np.cos(bodies[e].yaw), np.sin(bodies[e].yaw)
    lon = (was_x - bodies[e].x) * c + (was_y - bodies[e].y) * s
    ahead_speed = bodies[i].speed * np.cos(table.row[u].yaw_rad - bodies[e].yaw)
    if lon < -0.5 * _HALF_LENGTH and ahead_speed > bodies[e].speed:
        return True
    spot = np.empty(4, np.int64)
    if _careless(table, o, i, seed, tick) and shared_spot(bodies, paths, i, e, spot):
        return by_right_of_way(ways, paths, i, e, spot) < 0
    return False


@njit(cache=True)
def tick_branch(ways, programs, walls, index, table, o, users, seed, tick, clock, pose, ego, ego_z, touching, caused):
    """Move the users of one branch by one tick, in place. Returns nothing.

    o: the branch's first slot; pose (SUBSTEPS + 1, 3): the ego's rear axle over the tick; ego (6,): its middle's x, y,
    its yaw, speed, yaw rate and indicator at the tick's start; clock: the signal clock at the tick's end, s.
    touching, caused (users,): filled with contacts with the ego.
    """
    bodies = _gather(table, o, users, ego, ego_z)
    _look(table, bodies, walls, o, users, tick)
    paths = Paths(np.zeros(users + 1, PATH), np.zeros((users + 1, POINTS), PATH_POINT))
    ego_on = ego_way(ways, index, ego[0], ego[1], ego_z, ego[2])
    if ego_on[0] >= 0.0:
        bodies[users].offset = ego_on[2]
    _draw_paths(ways, programs, table, bodies, paths, o, users, seed, tick, clock, ego, ego_on)
    _decide(ways, table, bodies, paths, o, users, seed, tick)
    for i in range(users):
        touching[i] = caused[i] = False
        if not bodies[i].present:
            continue
        u = o + i
        x, y, yaw = table.row[u].x_m, table.row[u].y_m, table.row[u].yaw_rad
        if bodies[i].moving:
            _move(ways, programs, table, bodies, paths, o, i, seed, tick, clock)
        if (
            touches_ego(
                pose,
                x,
                y,
                yaw,
                table.row[u].x_m,
                table.row[u].y_m,
                table.row[u].yaw_rad,
                table.row[u].length_m,
                table.row[u].width_m,
            )
            and abs(table.row[u].z_m - ego_z) < FORGET_Z_M
        ):
            touching[i] = True
            caused[i] = _to_blame(ways, table, bodies, paths, o, users, i, x, y, seed, tick)
