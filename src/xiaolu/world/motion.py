"""Motion: one tick of all bodies of one branch. Users decide, then move; the ego has already moved."""

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.rates import TICK_S
from xiaolu.world.acting import change_shape, direct, hold, intend, play
from xiaolu.world.alarm import take_in
from xiaolu.world.angles import full_turn, half_turn
from xiaolu.world.averting import STOPS_DEAD_MPS, avert, would_meet, would_touch
from xiaolu.world.backing import BACK_MPS, back_up
from xiaolu.world.behind import before as before_way
from xiaolu.world.borrowing import borrowed, held
from xiaolu.world.clearing import keep_clear
from xiaolu.world.contact import touches_ego
from xiaolu.world.deciding import careless, draw_paths, heed_bodies, heed_paths
from xiaolu.world.draws import draw
from xiaolu.world.hands import gesticulate
from xiaolu.world.looking import FORGET_Z_M, gather, look
from xiaolu.world.meeting import settle
from xiaolu.world.paths import PATH, PATH_POINT, POINTS, Paths, choose_next, lay_out
from xiaolu.world.places import ego_way
from xiaolu.world.signals import entry_lamp
from xiaolu.world.temper import (
    EMERGENCY_MPS2,
    ON_FOOT,
    STRIDE_M,
    TURN_BACK_BLOCKED_PER_S,
    TURN_BACK_HESITATING_PER_S,
    TURN_BACK_PER_S,
    TURN_BACK_WAITED_S,
    TURN_RADIUS_M,
    TURN_RATE_RADPS,
)
from xiaolu.world.town import LaneKind
from xiaolu.world.waiting import under_orders
from xiaolu.world.yielding import by_right_of_way, shared_spot

_RED, _TURN = int(LampColour.RED), int(Purpose.TURN)
_CROSSING = int(LaneKind.CROSSING)
_HALF_LENGTH = EGO_BODY.length_m / 2
STEEPEST = 0.35  # the slope at which bodies move over in their lane; at a standstill they slide
DEAD_END_M = 2.0  # where a way ends, people turn round so far before the end
# A body whose tail would swing out into somebody first goes straight on, where it heads less than this off its way,
# this much per metre away from the other, and so far beyond its way's room at most, in a junction. Tuned by eye.
STRAIGHT_RAD, AWAY, BEYOND_M = 0.8, 0.3, 1.2
_BRAKING_MPS2 = (0.0, 1.0, 2.0, 3.0, 5.0)  # tried one after the other before the hardest
_LENGTH, _WIDTH, _CENTRE = EGO_BODY.length_m, EGO_BODY.width_m, EGO_BODY.centre_x_m


@njit(cache=True)
def _advance(ways, programs, table, bodies, i, u, seed, ds, moved, clock, turns):
    """Put a user ds metres further along its chain of ways and `moved` metres to the left; it may turn if `turns`."""
    kind, speed = table.row[u].kind, abs(table.row[u].speed_mps)
    way, along, offset = table.row[u].way, table.row[u].along_m + ds, table.row[u].offset_m + moved
    while along < 0.0:
        previous = before_way(ways, way, seed, table.row[u].uid, table.row[u].junctions, kind)
        if previous < 0:
            along, table.row[u].speed_mps = 0.0, 0.0
            break
        way = previous
        along += ways.way[way].length
        table.row[u].junctions -= 1
    while along > ways.way[way].length:
        following = choose_next(ways, way, seed, table.row[u].uid, table.row[u].junctions, kind)
        if following < 0:
            along = ways.way[way].length
            table.row[u].speed_mps = 0.0
            break
        along -= ways.way[way].length
        if ways.way[following].signal >= 0 and not ON_FOOT[kind] and ways.way[following].signal != ways.way[way].signal:
            since = (bodies[i].half_length + max(ways.way[way].length - ways.way[way].stop_s, 0.0)) / max(speed, 1.0)
            red = entry_lamp(programs, ways.way[following].signal, clock - since) == _RED
            table.row[u].ran_red = red and not ways.way[following].red_right
        elif ways.way[following].junction < 0:
            table.row[u].ran_red = False
        if ways.way[following].lane == ways.way[way].lane and ways.way[following].back != ways.way[way].back:
            offset = -offset
        way = following
        table.row[u].junctions += 1
    table.row[u].way, table.row[u].along_m, table.row[u].offset_m = way, along, offset
    slope = moved / ds if abs(ds) > 0.02 else 0.0
    most = min(TURN_RATE_RADPS[kind] * TICK_S, abs(ds) / TURN_RADIUS_M[kind] + (0.4 if ON_FOOT[kind] else 0.0))
    place_on_way(ways, table, u, min(max(slope, -STEEPEST), STEEPEST), most if turns else 0.0)


@njit(cache=True)
def turns_back(ways, row, seed, tick):
    """Return whether somebody on foot changes its mind within this second, and goes back the way it came.

    Seldom on a footway; more often where it hesitates in the first part of a crossing, or cannot get on; always where
    its way ends.
    """
    if ways.twin[row.way] < 0:
        return False
    way = ways.way[row.way]
    if way.next_start == way.next_end and row.along_m > way.length - DEAD_END_M:
        return True
    rate = TURN_BACK_PER_S
    if ways.way[row.way].kind == _CROSSING:
        hesitates = row.speed_mps < 0.6 and row.along_m < 0.45 * ways.way[row.way].length
        rate = TURN_BACK_HESITATING_PER_S if hesitates else 0.0
    elif row.waited_s > TURN_BACK_WAITED_S and row.waits_for >= 0 and row.speed_mps < 0.3:
        rate = TURN_BACK_BLOCKED_PER_S
    return draw(seed, row.uid, tick, _TURN, 1) < rate


@njit(cache=True)
def _averted(bodies, paths, users, i, before, acceleration):
    """Return the acceleration after which i can still brake without touching anybody: as wanted, or braking gently.

    Whoever is in the way is waited for.
    """
    kind = bodies[i].kind
    for least in _BRAKING_MPS2:
        wanted = min(acceleration, -least) if least > 0.0 else acceleration
        wanted = max(wanted, -EMERGENCY_MPS2[kind])
        if least > 0.0 and least < -acceleration:
            continue
        speed = max(before + wanted * TICK_S, 0.0)
        gone = 0.5 * (before + speed) * TICK_S
        other = would_meet(bodies, paths, users, i, gone, speed)
        if other < 0:
            return wanted
        aim = paths.row[i].aim
        if least == 0.0 and before > 1.0 and abs(aim - bodies[i].offset) > 0.05:
            paths.row[i].aim = bodies[i].offset  # straight on rather than over to where somebody is
            lay_out(paths, i, bodies[i].offset, bodies[i].half_width)
            if would_meet(bodies, paths, users, i, gone, speed) < 0:
                return wanted
            paths.row[i].aim = aim
            lay_out(paths, i, bodies[i].offset, bodies[i].half_width)
        bodies[i].waits_for = other
    return -EMERGENCY_MPS2[kind]


@njit(cache=True)
def _straighten(ways, table, bodies, u, i, ds, x, y, other_x, other_y):
    """Shift a user, just gone ds metres along its way from (x, y) without turning, to where it went straight on.

    A little further from a body at (other_x, other_y) than that. Returns False where it heads too far off its way, or
    would leave it.
    """
    row = table.row[u]
    yaw = row.yaw_rad + (np.pi if row.backwards else 0.0)
    cos, sin = np.cos(yaw), np.sin(yaw)
    heading = heading_at(ways, row.way, row.along_m)
    if abs(half_turn(yaw - heading)) > STRAIGHT_RAD:
        return False
    aside = -AWAY * abs(ds) * np.sign((other_y - y) * cos - (other_x - x) * sin)
    dx, dy = x + ds * cos - aside * sin - row.x_m, y + ds * sin + aside * cos - row.y_m
    moved = dy * np.cos(heading) - dx * np.sin(heading)
    way = ways.way[row.way]
    beyond = (BEYOND_M if way.junction >= 0 else 0.0) - bodies[i].half_width
    after = row.offset_m + moved
    if (moved > 0.0 and after > way.left_room + beyond) or (moved < 0.0 and after < -way.right_room - beyond):
        return False
    table.row[u].offset_m = after
    place_on_way(ways, table, u, 0.0, 0.0)
    return True


@njit(cache=True)
def _move(ways, programs, table, bodies, paths, o, i, seed, tick, clock, ego_then):
    """Move user i by its acceleration over one tick, along its chain of ways; ego_then: see `would_touch`."""
    u = o + i
    kind = table.row[u].kind
    if ON_FOOT[kind] and table.row[u].actor < 0 and tick % 10 == 0 and turns_back(ways, table.row[u], seed, tick):
        way = table.row[u].way
        table.row[u].way, table.row[u].along_m = ways.twin[way], ways.way[way].length - table.row[u].along_m
        table.row[u].offset_m = -table.row[u].offset_m
        bodies[i].acceleration = -EMERGENCY_MPS2[kind]  # it stops, then goes the other way
    sense = -1.0 if table.row[u].backwards else 1.0
    before = sense * table.row[u].speed_mps
    acceleration = max(bodies[i].acceleration, -EMERGENCY_MPS2[kind])
    backs = bodies[i].backs_for != 0 or before < 0.0
    if not backs and before + acceleration * TICK_S > 0.0:
        acceleration = _averted(bodies, paths, len(bodies) - 1, i, before, acceleration)
    speed = max(before + acceleration * TICK_S, -BACK_MPS if backs else 0.0)
    if backs and bodies[i].backs_for == 0:
        speed = min(speed, 0.0)
    if paths.row[i].count == 0:
        speed = 0.0
    ds = 0.5 * (before + speed) * TICK_S
    if bodies[i].lead_gap < np.inf and before < 1.0:
        ds = min(ds, max(bodies[i].lead_gap - 0.05, 0.0))
    table.row[u].acceleration_mps2 = sense * (speed - before) / TICK_S
    table.row[u].speed_mps = sense * speed
    by_order = under_orders(bodies, paths, i) and paths.row[i].stop - bodies[i].half_length <= 3.0
    held = abs(speed) < 0.3 and not by_order
    table.row[u].backs_for, table.row[u].waits_for = bodies[i].backs_for, -2 if by_order else bodies[i].waits_for
    table.row[u].waited_s = (
        table.row[u].waited_s + TICK_S if held else (0.0 if abs(speed) > 1.0 else table.row[u].waited_s)
    )

    change = paths.row[i].aim - table.row[u].offset_m
    sideways = paths.row[i].slope * abs(ds)
    if abs(speed) < 0.3 and table.row[u].waited_s > 1.0:
        sideways = max(sideways, (0.04 if ON_FOOT[kind] else 0.012))
    moved = min(abs(change), sideways) * (1.0 if change > 0.0 else -1.0)
    row = table.row[u]
    way, along, offset, junctions, ran_red = row.way, row.along_m, row.offset_m, row.junctions, row.ran_red
    x, y, yaw = row.x_m, row.y_m, row.yaw_rad
    other = -1
    goes, steps = ds, moved
    first_aside = before < 0.5 and moved != 0.0
    # As it wants to; else along its way, or just aside where it hardly moves; else straight on without turning: a tail
    # that would swing out into somebody follows later; else it stays.
    for attempt in range(5):
        if attempt > 0:
            table.row[u].way, table.row[u].along_m, table.row[u].offset_m = way, along, offset
            table.row[u].junctions, table.row[u].ran_red = junctions, ran_red
            table.row[u].x_m, table.row[u].y_m, table.row[u].yaw_rad = x, y, yaw
        aside = attempt == (1 if first_aside else 2)
        if aside and steps == 0.0:
            continue
        ds = -AWAY * abs(steps) if aside else goes  # a hair back: what it stands against may be before it
        moved = steps if attempt == 0 or aside else 0.0
        if attempt == 4:
            ds, speed = 0.0, 0.0
            table.row[u].speed_mps, table.row[u].yaw_rate_radps = 0.0, 0.0
            table.row[u].acceleration_mps2 = -sense * before / TICK_S
            table.row[u].waits_for = other
            break
        _advance(ways, programs, table, bodies, i, u, seed, ds, moved, clock, attempt != 3)
        if attempt == 3 and not ON_FOOT[kind]:  # people step sideways and backwards
            by_x, by_y = ego_then[0], ego_then[1]
            if other < len(bodies) - 1:
                by_x, by_y = table.row[o + other].x_m, table.row[o + other].y_m
            if not _straighten(ways, table, bodies, u, i, ds, x, y, by_x, by_y):
                continue
        other = would_touch(table, o, len(bodies) - 1, u, x, y, yaw, ego_then)
        if other < 0 or (other == len(bodies) - 1 and abs(speed) > STOPS_DEAD_MPS):
            if aside:
                speed = 0.0
                table.row[u].speed_mps, table.row[u].acceleration_mps2 = 0.0, -sense * before / TICK_S
            break
    bodies[i].gone, bodies[i].then = ds, max(speed, 0.0)
    table.row[u].lights = (
        np.int8(paths.row[i].lights | (1 if acceleration < -0.6 or speed < 0.1 else 0)) if kind <= 2 else 0
    )
    table.row[u].stride_rad = full_turn(table.row[u].stride_rad + 2.0 * np.pi * ds / STRIDE_M[kind])
    if ON_FOOT[kind] and table.row[u].actor < 0:
        gesticulate(ways, table, bodies, u, i, seed, tick)


@njit(cache=True)
def heading_at(ways, way, along):
    """Return the heading of a way so far along it, rad."""
    a, place = ways.way[way].start, along / ways.way[way].spacing
    index = min(max(int(place), 0), ways.way[way].end - a - 2)
    first, second = ways.point[a + index].yaw, ways.point[a + index + 1].yaw
    return first + (place - index) * half_turn(second - first)


@njit(cache=True)
def place_on_way(ways, table, u, slope, most):
    """Set a user's place, heading and lane from its way, how far along it is, and its offset to the left.

    slope: how far it moves to the left per metre; most: how far it may turn, rad.
    """
    way, along, offset = table.row[u].way, table.row[u].along_m, table.row[u].offset_m
    a = ways.way[way].start
    place = along / ways.way[way].spacing
    index = min(max(int(place), 0), ways.way[way].end - a - 2)
    share = place - index
    a += index
    yaw = ways.point[a].yaw + share * half_turn(ways.point[a + 1].yaw - ways.point[a].yaw)
    table.row[u].x_m = ways.point[a].x + share * (ways.point[a + 1].x - ways.point[a].x) - offset * np.sin(yaw)
    table.row[u].y_m = ways.point[a].y + share * (ways.point[a + 1].y - ways.point[a].y) + offset * np.cos(yaw)
    table.row[u].z_m = ways.point[a].z + share * (ways.point[a + 1].z - ways.point[a].z)
    if table.row[u].backwards:
        yaw += np.pi
    wanted = half_turn(yaw + np.arctan(slope) - table.row[u].yaw_rad)
    turn = min(max(wanted, -most), most)
    table.row[u].yaw_rad = half_turn(table.row[u].yaw_rad + turn)
    table.row[u].yaw_rate_radps = turn / TICK_S
    table.row[u].lane = ways.way[way].lane
    back = ways.way[way].back
    table.row[u].s_m = ways.way[way].length - along if back else along


@njit(cache=True)
def _to_blame(ways, table, bodies, paths, o, users, i, was_x, was_y, seed, tick):
    """Return whether a contact between user i and the ego is the user's doing."""
    u, e = o + i, users
    if abs(bodies[e].speed) < 0.02:
        return not table.row[u].parked  # who stands touches nobody
    if table.row[u].parked or abs(bodies[i].speed) < 0.3:
        return False
    if abs(bodies[e].speed) < 0.3 or table.row[u].ran_red:
        return True
    c, s = np.cos(bodies[e].yaw), np.sin(bodies[e].yaw)
    lon = (was_x - bodies[e].x) * c + (was_y - bodies[e].y) * s
    ahead_speed = bodies[i].speed * np.cos(table.row[u].yaw_rad - bodies[e].yaw)
    if lon < -0.5 * _HALF_LENGTH and ahead_speed > bodies[e].speed:
        return True
    spot = np.empty(4, np.int64)
    if careless(table.row[o + i], seed, tick) and shared_spot(bodies, paths, i, e, spot):
        return by_right_of_way(ways, paths, i, e, spot) < 0
    return False


@njit(cache=True)
def tick_branch(
    ways, programs, walls, index, stage, table, o, users, seed, tick, clock, pose, ego, ego_z, touching, caused
):  # fmt: skip
    """Move the users of one branch by one tick, in place. Returns nothing.

    o: the branch's first slot; pose (SUBSTEPS + 1, 3): the ego's rear axle over the tick; ego (6,): its middle's x, y,
    its yaw, speed, yaw rate and indicator at the tick's start; clock: the signal clock at the tick's end, s.
    touching, caused (users,): filled with contacts with the ego.
    """
    own_bodies = gather(table, o, users, ego, ego_z)
    bodies = borrowed(own_bodies)
    look(table, bodies, walls, o, users, tick)
    if len(stage.actor):
        direct(ways, programs, walls, index, stage, table, o, users, ego, clock)
        own_bodies = gather(table, o, users, ego, ego_z)
        bodies = borrowed(own_bodies)
    own_paths = Paths(np.zeros(users + 1, PATH), np.empty((users + 1, POINTS), PATH_POINT))
    paths = borrowed(own_paths)
    ego_on = ego_way(ways, index, ego[0], ego[1], ego_z, ego[2])
    if ego_on[0] >= 0.0:
        bodies[users].offset = ego_on[2]
    draw_paths(ways, programs, stage, table, bodies, paths, o, users, seed, tick, clock, ego, ego_on)
    intend(stage, table, paths, bodies, o, users)
    if ego_on[0] >= 0.0:
        bodies[users].way, bodies[users].along = int(ego_on[0]), ego_on[1]
    keep_clear(ways, table, bodies, paths, o, users, seed)
    heed_bodies(table, bodies, paths, o, users)
    settle(ways, table, bodies, paths, o, users, seed)
    heed_paths(ways, table, bodies, paths, o, users, seed, tick)
    back_up(ways, table, bodies, paths, o, users, seed)
    away = np.zeros(users, np.bool_)
    for i in range(users):
        away[i] = bodies[i].moving and careless(table.row[o + i], seed, tick)
    avert(table, bodies, paths, o, users, away)
    take_in(table, bodies, o, users, away)
    hold(stage, table, paths, bodies, o, users)
    last = pose[-1]
    ego_then = np.array(
        [
            last[0] + _CENTRE * np.cos(last[2]),
            last[1] + _CENTRE * np.sin(last[2]),
            last[2],
            ego_z,
            _LENGTH,
            _WIDTH,
        ]
    )
    nobody = np.full(6, np.nan)
    for i in range(users):
        touching[i] = caused[i] = False
        if not bodies[i].present:
            continue
        u = o + i
        x, y, yaw = table.row[u].x_m, table.row[u].y_m, table.row[u].yaw_rad
        if bodies[i].moving:
            heeds_ego = not away[i] and (table.row[u].actor < 0 or table.seen[u, users] > 0)
            then = ego_then if heeds_ego else nobody
            _move(ways, programs, table, bodies, paths, o, i, seed, tick, clock, then)
            if table.row[u].actor >= 0:
                play(stage, table, u, ego, yaw)
        elif table.row[u].actor >= 0:
            change_shape(stage, table, u)
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
    held(own_bodies, own_paths)
