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
from xiaolu.world.paths import choose_next, empty_paths, follow_heading, follow_ways, lapsing, lay_out
from xiaolu.world.places import ego_way
from xiaolu.world.sight import enters_box, first_wall
from xiaolu.world.signals import lamp
from xiaolu.world.temper import EMERGENCY_MPS2, HIDES, LAPSE_S, ON_FOOT, STRIDE_M, TURN_RATE_RADPS, TWO_WHEELER
from xiaolu.world.yielding import Bodies, by_right_of_way, follow_gap, give_way, goes_first, in_the_way, shared_spot
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
    m = users + 1
    bodies = Bodies(
        np.zeros(m, np.bool_), np.zeros(m, np.bool_), np.full(m, -1, np.int64), np.zeros(m, np.int64), np.zeros(m),
        np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m),
        np.full(m, np.inf), np.full(m, -1, np.int64), np.zeros(m),
    )  # fmt: skip
    for i in range(users):
        u = o + i
        if not table.active[u]:
            continue
        bodies.present[i], bodies.moving[i] = True, not table.parked[u]
        bodies.uid[i], bodies.kind[i] = table.uid[u], table.kind[u]
        bodies.x[i], bodies.y[i], bodies.z[i], bodies.yaw[i] = table.x_m[u], table.y_m[u], table.z_m[u], table.yaw_rad[u]
        bodies.half_length[i], bodies.half_width[i] = 0.5 * table.length_m[u], 0.5 * table.width_m[u]
        bodies.speed[i], bodies.waited[i] = table.speed_mps[u], table.waited_s[u]
        bodies.offset[i] = table.offset_m[u]
    bodies.present[users] = bodies.moving[users] = True
    bodies.x[users], bodies.y[users], bodies.z[users], bodies.yaw[users] = ego[0], ego[1], ego_z, ego[2]
    bodies.half_length[users], bodies.half_width[users], bodies.speed[users] = _HALF_LENGTH, _HALF_WIDTH, ego[3]
    return bodies


@njit(cache=True)
def _look(table, bodies, walls, o, users, tick):
    """Refresh who sees whom: a rotating share of the pairs, the ego more often."""
    for i in range(users):
        if not bodies.moving[i]:
            continue
        seen = table.seen[o + i]
        for j in range(users + 1):
            if j == i or not bodies.present[j]:
                continue
            if seen[j] > 0 and seen[j] < 100:
                seen[j] += 1
            turn = (i + tick) % 2 if j == users else (7 * i + j + tick) % REFRESH_TICKS
            if turn != 0:
                continue
            if abs(bodies.x[i] - bodies.x[j]) > SIGHT_M or abs(bodies.y[i] - bodies.y[j]) > SIGHT_M:
                continue
            if _line_of_sight(table, bodies, walls, o, users, i, j):
                seen[j] = max(seen[j], 1)
            else:
                seen[j] = 0


@njit(cache=True)
def _line_of_sight(table, bodies, walls, o, users, i, j):
    ax, ay, bx, by = bodies.x[i], bodies.y[i], bodies.x[j], bodies.y[j]
    if (ax - bx) ** 2 + (ay - by) ** 2 < 36.0:
        return True
    if first_wall(walls, ax, ay, bx, by) <= 1.0:
        return False
    tall = 2.0 if j == users else table.height_m[o + j]
    for k in range(users):
        if k == i or k == j or not bodies.present[k] or HIDES[bodies.kind[k]] == 0:
            continue
        if table.height_m[o + k] < tall:
            continue
        r = bodies.half_length[k] + 1.0
        if min(ax, bx) - r > bodies.x[k] or max(ax, bx) + r < bodies.x[k]:
            continue
        if min(ay, by) - r > bodies.y[k] or max(ay, by) + r < bodies.y[k]:
            continue
        hl, hw = bodies.half_length[k], bodies.half_width[k]
        if enters_box(ax, ay, bx, by, bodies.x[k], bodies.y[k], bodies.yaw[k], 2.0 * hl, 2.0 * hw) <= 1.0:
            return False
    return True


@njit(cache=True)
def _draw_paths(ways, programs, table, bodies, paths, o, users, seed, tick, clock, ego, ego_on, reds):
    for i in range(users):
        if not bodies.moving[i]:
            paths.count[i] = 0
            continue
        u = o + i
        careless = lapsing(seed, table.uid[u], tick, table.attentive[u], _LAPSE_TICKS)
        follow_ways(
            ways, programs, paths, i, table.way[u], table.along_m[u], table.speed_mps[u], table.offset_m[u],
            table.kind[u], bodies.half_length[i], table.uid[u], seed, table.junctions[u], table.haste[u],
            table.reaction_s[u], table.offset_target_m[u], careless, clock,
        )  # fmt: skip
        if paths.count[i] < 2:
            paths.count[i] = 0
    e = users
    if ego_on[0] >= 0.0:
        # The ego is taken at its indicator's word: a fork is chosen as it shows. Signals are its own affair.
        _follow_ego(ways, paths, e, ego, ego_on)
    else:
        follow_heading(paths, e, ego[0], ego[1], ego[2], ego[3], ego[4], _HALF_LENGTH)
        bodies.offset[e] = 0.0
    for i in range(users + 1):
        reds[i] = False
        for k in range(paths.count[i]):
            way = paths.way[i, k]
            if way >= 0 and ways.red_right[way]:
                reds[i] = lamp(programs, ways.signal[way], clock)[0] == _RED
                break


@njit(cache=True)
def _follow_ego(ways, paths, e, ego, ego_on):
    way, along, offset = int(ego_on[0]), ego_on[1], ego_on[2]
    step = min(_HALF_LENGTH + 6.0 + 4.0 * max(ego[3], 0.0), 55.0) / 27.0
    begin, count = -along, 0
    indicator = int(ego[5])
    for k in range(28):
        s = k * step - begin
        while s > ways.length[way]:
            first, last = ways.next_start[way], ways.next_start[way + 1]
            if first == last:
                break
            chosen = ways.next_way[first]
            for index in range(first, last):
                turn = ways.turn[ways.next_way[index]]
                if (indicator == 1 and turn == 2) or (indicator == 2 and turn == 3):
                    chosen = ways.next_way[index]
            begin += ways.length[way]
            s = k * step - begin
            way = chosen
        if s > ways.length[way]:
            break
        place = s / ways.spacing[way]
        a = ways.start[way]
        index = min(int(place), ways.start[way + 1] - a - 2)
        share = place - index
        a += index
        yaw = ways.yaw[a] + share * ((ways.yaw[a + 1] - ways.yaw[a] + np.pi) % (2.0 * np.pi) - np.pi)
        paths.line_x[e, k] = ways.x[a] + share * (ways.x[a + 1] - ways.x[a])
        paths.line_y[e, k] = ways.y[a] + share * (ways.y[a + 1] - ways.y[a])
        paths.yaw[e, k], paths.way[e, k] = yaw, way
        count = k + 1
    paths.count[e], paths.step[e], paths.stop[e] = count, step, np.inf
    paths.pace[e] = max(ego[3], 3.0)
    paths.keep[e] = paths.aim[e] = offset
    paths.slope[e] = 0.1


@njit(cache=True)
def _perceives(table, o, users, i, j):
    """Return whether user i has seen body j for its reaction time. Whoever stands close is noticed at once."""
    seen = table.seen[o + i, j]
    return seen > 0 and seen * TICK_S >= table.reaction_s[o + i]


@njit(cache=True)
def _decide(ways, table, bodies, paths, o, users, seed, tick, reds):
    """Set every user's acceleration: what is in its way, then whose path meets its own."""
    m = users + 1
    near = np.empty(m, np.int64)
    spot = np.empty(4, np.int64)
    for i in range(m):
        if paths.count[i] == 0:
            continue
        own = i < users
        kind = bodies.kind[i]
        low_x, low_y = np.inf, np.inf
        high_x, high_y = -np.inf, -np.inf
        for k in range(paths.count[i]):
            low_x, high_x = min(low_x, paths.line_x[i, k]), max(high_x, paths.line_x[i, k])
            low_y, high_y = min(low_y, paths.line_y[i, k]), max(high_y, paths.line_y[i, k])
        count = 0
        for j in range(m):
            if j == i or not bodies.present[j] or abs(bodies.z[i] - bodies.z[j]) > FORGET_Z_M:
                continue
            if own and not _perceives(table, o, users, i, j):
                continue
            r = 3.5 + bodies.half_length[j]
            if low_x - r < bodies.x[j] < high_x + r and low_y - r < bodies.y[j] < high_y + r:
                near[count] = j
                count += 1
        passing = choose_offset(bodies, paths, i, near, count) if own else False
        lay_out(paths, i, bodies.offset[i], bodies.half_width[i])
        margin = 0.05 if ON_FOOT[kind] else 0.18
        headway = table.headway_s[o + i] if own else 1.0
        acceleration = follow_gap(kind, bodies.speed[i], paths.pace[i], np.inf, 0.0, headway)
        for n in range(count):
            j = near[n]
            gap, along, cos = in_the_way(bodies, paths, i, j, margin)
            if gap == np.inf:
                continue
            if ON_FOOT[kind] and j < users and ON_FOOT[bodies.kind[j]]:
                # People who get into each other's way slip past: the elder goes on, the other waits a moment.
                if gap < 0.3 and bodies.uid[i] < bodies.uid[j] and bodies.waited[i] > 1.0:
                    continue
            if gap < bodies.lead_gap[i]:
                bodies.lead_gap[i], bodies.leader[i] = gap, j
            along = max(along, 0.0) if passing and abs(cos) > 0.7 and along > -0.5 else along
            wanted = gap - 1.5 if passing and not ON_FOOT[kind] and bodies.speed[j] < 0.3 else gap
            closing = bodies.speed[i] - along
            acceleration = min(
                acceleration, follow_gap(kind, bodies.speed[i], paths.pace[i], max(wanted, 0.05), closing, headway)
            )
        if paths.stop[i] < np.inf:
            room = paths.stop[i] - bodies.half_length[i] - (0.2 if ON_FOOT[kind] else STOP_LINE_GAP_M)
            acceleration = min(acceleration, _stop_within(kind, bodies.speed[i], paths.pace[i], max(room, 0.0)))
        bodies.acceleration[i] = acceleration
    for i in range(users):
        if paths.count[i] == 0:
            continue
        for j in range(i + 1, m):
            if paths.count[j] == 0 or abs(bodies.z[i] - bodies.z[j]) > FORGET_Z_M:
                continue
            if ON_FOOT[bodies.kind[i]] and ON_FOOT[bodies.kind[j]] and j < users:
                continue
            sees = _perceives(table, o, users, i, j)
            seen = j < users and _perceives(table, o, users, j, i)
            if not (sees or seen):
                continue
            if paths.way[i, 0] == paths.way[j, 0] and paths.way[i, 0] >= 0:
                continue
            if not shared_spot(bodies, paths, i, j, spot):
                continue
            aligned = np.cos(bodies.yaw[i] - bodies.yaw[j]) > 0.7
            if aligned and (bodies.leader[i] == j or bodies.leader[j] == i):
                continue
            if goes_first(ways, bodies, paths, i, j, spot, reds):
                if seen and not _careless(table, o, j, seed, tick):
                    yielded = give_way(
                        bodies, paths, j, i, spot[2], spot[3], spot[0], spot[1], table.headway_s[o + j]
                    )
                    bodies.acceleration[j] = min(bodies.acceleration[j], yielded)
            elif sees and not _careless(table, o, i, seed, tick):
                yielded = give_way(bodies, paths, i, j, spot[0], spot[1], spot[2], spot[3], table.headway_s[o + i])
                bodies.acceleration[i] = min(bodies.acceleration[i], yielded)


STOP_LINE_GAP_M = 0.6


@njit(cache=True)
def _careless(table, o, i, seed, tick):
    return lapsing(seed, table.uid[o + i], tick, table.attentive[o + i], _LAPSE_TICKS)


@njit(cache=True)
def _move(ways, programs, table, bodies, paths, o, i, seed, tick, clock):
    """Move user i by its acceleration over one tick, along its chain of ways."""
    u = o + i
    kind = table.kind[u]
    before = table.speed_mps[u]
    acceleration = max(bodies.acceleration[i], -EMERGENCY_MPS2[kind])
    speed = max(before + acceleration * TICK_S, 0.0)
    if paths.count[i] == 0:
        speed = 0.0
    ds = 0.5 * (before + speed) * TICK_S
    if bodies.lead_gap[i] < np.inf and before < 1.0:
        ds = min(ds, max(bodies.lead_gap[i] - 0.05, 0.0))
    table.acceleration_mps2[u] = (speed - before) / TICK_S
    table.speed_mps[u] = speed
    held = speed < 0.3 and paths.stop[i] - bodies.half_length[i] > 3.0
    table.waited_s[u] = table.waited_s[u] + TICK_S if held else (0.0 if speed > 1.0 else table.waited_s[u])

    way, along = table.way[u], table.along_m[u] + ds
    offset = table.offset_m[u]
    change = paths.aim[i] - offset
    sideways = paths.slope[i] * ds
    if speed < 0.3 and table.waited_s[u] > 1.0:
        sideways = max(sideways, (0.04 if ON_FOOT[kind] else 0.012))
    moved = min(abs(change), sideways) * (1.0 if change > 0.0 else -1.0)
    offset += moved
    while along > ways.length[way]:
        following = choose_next(ways, way, seed, table.uid[u], table.junctions[u], kind)
        if following < 0:
            along = ways.length[way]
            table.speed_mps[u] = 0.0
            break
        along -= ways.length[way]
        if ways.signal[following] >= 0 and not ON_FOOT[kind] and ways.signal[following] != ways.signal[way]:
            since = (bodies.half_length[i] + max(ways.length[way] - ways.stop_s[way], 0.0)) / max(speed, 1.0)
            red = lamp(programs, ways.signal[following], clock - since)[0] == _RED
            table.ran_red[u] = red and not ways.red_right[following]
        elif ways.junction[following] < 0:
            table.ran_red[u] = False
        if ways.lane[following] == ways.lane[way] and ways.back[following] != ways.back[way]:
            offset = -offset
        way = following
        table.junctions[u] += 1
    table.way[u], table.along_m[u], table.offset_m[u] = way, along, offset
    place_on_way(ways, table, u, moved / max(ds, 0.02) if ds > 0.005 else 0.0)
    table.lights[u] = np.int8(paths.lights[i] | (1 if acceleration < -0.6 or speed < 0.1 else 0)) if kind <= 2 else 0
    table.stride_rad[u] = (table.stride_rad[u] + 2.0 * np.pi * ds / STRIDE_M[kind]) % (2.0 * np.pi)
    if ON_FOOT[kind]:
        phoning = draw(seed, table.uid[u], tick // 200, _GESTURE, 0) < 0.12
        gesture = _PHONE if phoning else (_WALK if speed > 0.2 else _NO_GESTURE)
        table.gesture_s[u] = table.gesture_s[u] + TICK_S if gesture == table.gesture[u] else 0.0
        table.gesture[u] = gesture


@njit(cache=True)
def place_on_way(ways, table, u, slope):
    """Set a user's place, heading, lane and offset from its way, how far along it is, and its offset to the left."""
    way, along, offset = table.way[u], table.along_m[u], table.offset_m[u]
    a = ways.start[way]
    place = along / ways.spacing[way]
    index = min(max(int(place), 0), ways.start[way + 1] - a - 2)
    share = place - index
    a += index
    yaw = ways.yaw[a] + share * ((ways.yaw[a + 1] - ways.yaw[a] + np.pi) % (2.0 * np.pi) - np.pi)
    table.x_m[u] = ways.x[a] + share * (ways.x[a + 1] - ways.x[a]) - offset * np.sin(yaw)
    table.y_m[u] = ways.y[a] + share * (ways.y[a + 1] - ways.y[a]) + offset * np.cos(yaw)
    table.z_m[u] = ways.z[a] + share * (ways.z[a + 1] - ways.z[a])
    turn = (yaw + np.arctan(slope) - table.yaw_rad[u] + np.pi) % (2.0 * np.pi) - np.pi
    most = TURN_RATE_RADPS[table.kind[u]] * TICK_S
    turn = min(max(turn, -most), most)
    table.yaw_rad[u] = (table.yaw_rad[u] + turn + np.pi) % (2.0 * np.pi) - np.pi
    table.yaw_rate_radps[u] = turn / TICK_S
    table.lane[u] = ways.lane[way]
    back = ways.back[way]
    table.s_m[u] = ways.length[way] - along if back else along


@njit(cache=True)
def _to_blame(ways, table, bodies, paths, o, users, i, was_x, was_y, seed, tick, reds):
    """Return whether a contact between user i and the ego is the user's doing."""
    u, e = o + i, users
    if table.parked[u] or bodies.speed[i] < 0.3:
        return False
    if abs(bodies.speed[e]) < 0.3 or table.ran_red[u]:
        return True
    c, s = np.cos(bodies.yaw[e]), np.sin(bodies.yaw[e])
    lon = (was_x - bodies.x[e]) * c + (was_y - bodies.y[e]) * s
    ahead_speed = bodies.speed[i] * np.cos(table.yaw_rad[u] - bodies.yaw[e])
    if lon < -0.5 * _HALF_LENGTH and ahead_speed > bodies.speed[e]:
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
    paths = empty_paths(users + 1)
    reds = np.zeros(users + 1, np.bool_)
    ego_on = ego_way(ways, index, ego[0], ego[1], ego_z, ego[2])
    if ego_on[0] >= 0.0:
        bodies.offset[users] = ego_on[2]
    _draw_paths(ways, programs, table, bodies, paths, o, users, seed, tick, clock, ego, ego_on, reds)
    _decide(ways, table, bodies, paths, o, users, seed, tick, reds)
    for i in range(users):
        touching[i] = caused[i] = False
        if not bodies.present[i]:
            continue
        u = o + i
        x, y, yaw = table.x_m[u], table.y_m[u], table.yaw_rad[u]
        if bodies.moving[i]:
            _move(ways, programs, table, bodies, paths, o, i, seed, tick, clock)
        if touches_ego(
            pose, x, y, yaw, table.x_m[u], table.y_m[u], table.yaw_rad[u], table.length_m[u], table.width_m[u]
        ) and abs(table.z_m[u] - ego_z) < FORGET_Z_M:
            touching[i] = True
            caused[i] = _to_blame(ways, table, bodies, paths, o, users, i, x, y, seed, tick, reds)
