"""Yielding: whose swept shape meets whose, when, and who then goes first. One mechanism for all, the ego included.

A body in the way is followed or stopped for (`follow`); a body whose path meets mine is met by an order of precedence
that both work out alike (`goes_first`), and the one that yields stops short of where the paths meet (`give_way`).
"""

import numpy as np
from numba import njit

from xiaolu.world.temper import ACCELERATION_MPS2, BRAKING_MPS2, EMERGENCY_MPS2, ON_FOOT, STANDSTILL_GAP_M
from xiaolu.world.town import LaneKind
from xiaolu.world.waiting import RING_S

PATIENCE_S = 2.5  # a body that stands although it may go is passed after so long
NO_ROOM_M = 0.8  # a body that has stood so close behind another for that long is not waited for: it cannot go on
STOP_SHORT_M = 0.6
SOFT_MPS2 = 1.8  # the usual peak of braking (medians 1.2 to 1.5, nuScenes and WOMD)
# 95 % of measured braking stays below: who would have to brake harder goes first, and nobody decides to brake harder
# for other users. Where that would not do, the last rule of `averting` brakes as hard as it takes.
LATE_MPS2 = 3.0
LEAVES_S = 0.4  # who has crossed one's way so long before one gets there is not waited for, tuned by eye
INSIDE_M = -0.25  # a front bumper this far into the other's corridor, its margin included, is on the shared spot

_CROSSING = int(LaneKind.CROSSING)


@njit(cache=True)
def follow_gap(kind, speed, pace, gap, closing, headway_s, room=1.0, vigour=1.0):
    """Return an acceleration in m/s² by the intelligent driver model (Treiber, Hennecke, Helbing 2000).

    room, vigour: see `Minds`.
    """
    a, b = ACCELERATION_MPS2[kind] * vigour, BRAKING_MPS2[kind] * vigour
    pace = max(pace, 0.1)
    free = 1.0 - (speed / pace) ** 4 if speed <= pace else max(1.0 - (speed / pace) ** 2, -b / a)
    if gap == np.inf:
        return a * free
    still = STANDSTILL_GAP_M[kind] * room
    wanted = still + max(0.0, speed * headway_s + speed * closing / (2.0 * np.sqrt(a * b)))
    model = a * min(free, 1.0 - (wanted / max(gap, 0.05)) ** 2)
    if gap > 0.5 * still:
        # The model panics at a gap that opens or closes at a stroke: half as much again as is needed will do.
        # Who comes towards it brakes as well: of the gap it has its share.
        needed = max(closing, 0.0) * min(closing, speed) / (2.0 * (gap - 0.5 * still) + 0.01)
        model = max(model, -max(1.2 * b, 1.5 * needed))
    else:  # close already: what is closing is stopped within the rest, and the gap opens by itself
        needed = max(closing, 0.0) * min(closing, speed) / (2.0 * max(gap - 0.05, 0.1))
        model = max(model, -max(1.2 * b, 1.5 * needed))
    return max(model, -EMERGENCY_MPS2[kind])


@njit(cache=True)
def stop_within(kind, speed, pace, gap, vigour=1.0):
    """Return an acceleration in m/s² that comes to rest at the end of a gap, and no sooner than needed."""
    free = follow_gap(kind, speed, pace, np.inf, 0.0, 1.0, 1.0, vigour)
    if gap <= 0.02:
        return -EMERGENCY_MPS2[kind] if speed > 2.0 else -(0.8 + 1.1 * speed)
    needed = speed * speed / (2.0 * gap)
    comfortable = BRAKING_MPS2[kind]
    if needed > 0.75 * comfortable:
        return max(min(-needed, free), -EMERGENCY_MPS2[kind] if speed > 2.0 else -(0.8 + 1.1 * speed))
    # Creep up to the line: never faster than comfortable braking from the next moment on allows.
    reachable = np.sqrt(2.0 * 0.75 * comfortable * gap)
    return min(free, (reachable - speed) / 0.5)


@njit(cache=True)
def travel_s(distance, speed, pace, a):
    """Return how long a body takes over a distance when it speeds up to its pace; 0 when it is there already."""
    if distance <= 0.0:
        return 0.0
    top = max(pace, speed, 0.3)
    run_up = (top * top - speed * speed) / (2.0 * a)
    if distance <= run_up:
        return (np.sqrt(speed * speed + 2.0 * a * distance) - speed) / a
    return (top - speed) / a + (distance - run_up) / top


@njit(cache=True)
def in_the_way(bodies, paths, i, j, margin):
    """Return (gap m, speed of j along i's path, cosine of their headings, in how many s it has left that path sideways)
    for a body in i's swept corridor, inf gap if it is not there. The gap is from i's front bumper. A body abreast of i
    counts only where i's path would sweep i's flank into it while it is there; behind i's middle it does not count:
    whoever is ahead leaves, its tail cannot be waited out. Nor does it, but for the ego, once i has stood for a while.
    """
    reach = bodies[j].half_length + bodies[j].half_width
    row = paths.row[i]
    if (
        bodies[j].x < row.low_x - reach
        or bodies[j].x > row.high_x + reach
        or bodies[j].y < row.low_y - reach
        or bodies[j].y > row.high_y + reach
    ):
        return np.inf, 0.0, 0.0, np.inf
    half_step = 0.5 * row.step
    half_length, half_width = bodies[i].half_length, bodies[i].half_width
    abreast = behind = False
    stood = bodies[i].waited > RING_S
    for k in range(row.count):
        point = paths.point[i, k]
        dx, dy = bodies[j].x - point.x, bodies[j].y - point.y
        far = reach + half_step + half_width + margin + (half_length if abreast or k == 0 else 0.0)
        if abs(dx) > far or abs(dy) > far:
            if abreast:
                break
            continue
        # Where it is now it lies as it lies; its turns lag behind its path's.
        c, q = (bodies[i].cos, bodies[i].sin) if k == 0 and i < len(bodies) - 1 else (point.cos, point.sin)
        lon, lat = dx * c + dy * q, -dx * q + dy * c
        cos = bodies[j].cos * c + bodies[j].sin * q
        sin = bodies[j].sin * c - bodies[j].cos * q
        across = abs(sin) * bodies[j].half_length + abs(cos) * bodies[j].half_width
        along = abs(cos) * bodies[j].half_length + abs(sin) * bodies[j].half_width
        if k == 0 and abs(lon) < along + half_length:
            if abs(lat) < half_width + across:  # in contact already: whoever is ahead may leave
                return (0.05 if lon > 0.0 else np.inf), bodies[j].speed * cos, cos, np.inf
            abreast, behind = True, lon < 0.0
        if abreast:
            passes = behind or (bodies[j].speed > 0.5 and cos < 0.3) or (j < len(bodies) - 1 and stood)
            if k > 0 and abs(lat) < half_width + across + 0.03 and abs(lon) < along + half_length and not passes:
                return max((k - 1) * row.step, 0.05), bodies[j].speed * cos, cos, np.inf
            continue
        if abs(lat) > half_width + across + margin or lon < -half_step - along or lon > half_step + along:
            continue
        aside = bodies[j].speed * sin
        leaves_s = np.inf
        if abs(aside) > 0.5:
            leaves_s = max(half_width + across + margin - lat * np.sign(aside), 0.0) / abs(aside)
        return max(k * row.step + lon - along - half_length, 0.05), bodies[j].speed * cos, cos, leaves_s
    return np.inf, 0.0, 0.0, np.inf


@njit(cache=True)
def apart(paths, i, j):
    """Return whether the extents of two paths do not meet."""
    a, b = paths.row[i], paths.row[j]
    return a.low_x > b.high_x or b.low_x > a.high_x or a.low_y > b.high_y or b.low_y > a.high_y


@njit(cache=True)
def shared_spot(bodies, paths, i, j, spot):
    """Fill spot with where the swept corridors of i and j meet: first and last point of i, then of j.

    Returns whether they do.
    """
    if apart(paths, i, j):
        return False
    aside = 0.1 if ON_FOOT[bodies[i].kind] or ON_FOOT[bodies[j].kind] else 0.25
    reach = bodies[i].half_width + bodies[j].half_width + aside
    near = reach * reach
    found = False
    end_i = paths.row[i].stop - bodies[i].half_length
    end_j = paths.row[j].stop - bodies[j].half_length
    count_j = paths.row[j].count
    while count_j > 0 and (count_j - 1) * paths.row[j].step > max(end_j, 0.0) + bodies[j].half_length:
        count_j -= 1
    for a in range(paths.row[i].count):
        if a * paths.row[i].step > max(end_i, 0.0) + bodies[i].half_length:
            break
        x, y = paths.point[i, a].x, paths.point[i, a].y
        hit = False
        if not (
            x < paths.row[j].low_x - reach or x > paths.row[j].high_x + reach or y < paths.row[j].low_y - reach
            or y > paths.row[j].high_y + reach
        ):  # fmt: skip
            b = 0
            while b < count_j:
                dx, dy = paths.point[j, b].x - x, paths.point[j, b].y - y
                square = dx * dx + dy * dy
                if square < near:
                    if not hit and not found:
                        spot[0], spot[2], spot[3] = a, b, b
                    hit = True
                    spot[2], spot[3] = min(spot[2], b), max(spot[3], b)
                    b += 1
                else:
                    # The next points cannot be nearer than the distance less what they move on.
                    skip = int((np.sqrt(square) - reach) / max(paths.row[j].step, 0.05))
                    b += max(skip, 1)
        if hit:
            found = True
            spot[1] = a
        elif found:
            break
    return found


@njit(cache=True)
def _yields_to(ways, lane, other):
    if lane < 0 or other < 0:
        return False
    first, last = ways.yield_start[lane], ways.yield_start[lane + 1]
    return (ways.yield_lane[first:last] == other).any()


@njit(cache=True)
def _lane_at(ways, paths, i, k):
    way = paths.point[i, k].way
    return ways.way[way].lane if way >= 0 else -1


@njit(cache=True)
def by_right_of_way(ways, paths, i, j, spot):
    """Return 1 if the town's rules let i go first, -1 for j, 0 where they are silent."""
    verdict = 0
    for a in (spot[0], (spot[0] + spot[1]) // 2, spot[1]):
        for b in (spot[2], (spot[2] + spot[3]) // 2, spot[3]):
            lane_i, lane_j = _lane_at(ways, paths, i, a), _lane_at(ways, paths, j, b)
            if _yields_to(ways, lane_i, lane_j):
                verdict -= 1
            if _yields_to(ways, lane_j, lane_i):
                verdict += 1
    return 1 if verdict > 0 else (-1 if verdict < 0 else 0)


@njit(cache=True)
def _on_crossing(ways, paths, i, first, last):
    for k in range(first, last + 1):
        way = paths.point[i, k].way
        if way >= 0 and ways.way[way].kind == _CROSSING:
            return True
    return False


@njit(cache=True)
def _turns_on_red(ways, paths, i, first, last):
    for k in range(first, last + 1):
        way = paths.point[i, k].way
        if way >= 0 and ways.way[way].red_right:
            return True
    return False


@njit(cache=True)
def goes_first(ways, bodies, paths, i, j, spot):
    """Return whether i passes the shared spot before j. Both work it out alike: goes_first(j, i) is the contrary.

    The ego is j where it is one of them: that it is too late to stop counts once i has taken it in, or while i stands.
    """
    front_i = spot[0] * paths.row[i].step - bodies[i].half_length - 0.5 * paths.row[i].step
    front_j = spot[2] * paths.row[j].step - bodies[j].half_length - 0.5 * paths.row[j].step
    if (bodies[i].backs_for != 0) != (bodies[j].backs_for != 0):
        return bodies[j].backs_for != 0  # who backs up has let the other go first
    elder = bodies[i].uid < bodies[j].uid if bodies[j].uid >= 0 and bodies[i].uid >= 0 else bodies[i].uid < 0
    inside_i, inside_j = front_i <= INSIDE_M, front_j <= INSIDE_M
    if inside_i != inside_j:
        return inside_i
    v_i, v_j = bodies[i].speed, bodies[j].speed
    if inside_i:
        blocks_i, blocks_j = bodies[i].leader == j, bodies[j].leader == i
        if blocks_i != blocks_j:
            return blocks_j  # whoever stands in the other's way has to leave before it
        left_i = spot[1] * paths.row[i].step + bodies[i].half_length
        left_j = spot[3] * paths.row[j].step + bodies[j].half_length
        return left_i < left_j if abs(left_i - left_j) > 0.5 else elder
    standing_i, standing_j = v_i < 0.3, v_j < 0.3
    if standing_i and standing_j and max(bodies[i].waited, bodies[j].waited) > PATIENCE_S:
        return bodies[i].waited > bodies[j].waited if bodies[i].waited != bodies[j].waited else elder
    walks_i, walks_j = ON_FOOT[bodies[i].kind], ON_FOOT[bodies[j].kind]
    late_i = v_i * v_i > 2.0 * (2.0 if walks_i else LATE_MPS2) * max(front_i - 0.2, 0.05)
    late_j = v_j * v_j > 2.0 * (2.0 if walks_j else LATE_MPS2) * max(front_j - 0.2, 0.05)
    if bodies[j].uid < 0 and not standing_i and not bodies[i].startled:
        late_j = False
    if late_i != late_j:
        return late_i
    red_i = bodies[i].red and _turns_on_red(ways, paths, i, spot[0], spot[1])
    red_j = bodies[j].red and _turns_on_red(ways, paths, j, spot[2], spot[3])
    if red_i != red_j:
        return red_j
    if walks_i != walks_j:
        zebra = (
            _on_crossing(ways, paths, i, spot[0], spot[1])
            if walks_i
            else _on_crossing(ways, paths, j, spot[2], spot[3])
        )
        if zebra:
            return walks_i
    verdict = by_right_of_way(ways, paths, i, j, spot)
    if verdict != 0:
        return verdict > 0
    arrive_i = travel_s(front_i, v_i, paths.row[i].pace, ACCELERATION_MPS2[bodies[i].kind])
    arrive_j = travel_s(front_j, v_j, paths.row[j].pace, ACCELERATION_MPS2[bodies[j].kind])
    if walks_i != walks_j:
        vehicle_s = arrive_j if walks_i else arrive_i
        return walks_i if vehicle_s > (bodies[i].dares_s if walks_i else bodies[j].dares_s) else walks_j
    sway_i, sway_j = abs(paths.row[i].aim - paths.row[i].keep), abs(paths.row[j].aim - paths.row[j].keep)
    if abs(sway_i - sway_j) > 0.2 and np.cos(paths.point[i, spot[0]].yaw - paths.point[j, spot[2]].yaw) < -0.7:
        return sway_i < sway_j
    if abs(arrive_i - arrive_j) > 0.7:
        return arrive_i < arrive_j
    return elder


@njit(cache=True)
def give_way(bodies, paths, i, j, first_i, last_i, first_j, last_j, row):
    """Return the acceleration with which i lets j go first, inf where there is no need to: their times do not meet.

    row: of i in the table.
    """
    kind = bodies[i].kind
    front = first_i * paths.row[i].step - bodies[i].half_length - 0.5 * paths.row[i].step
    back = last_i * paths.row[i].step + bodies[i].half_length + 0.5 * paths.row[i].step
    other_front = first_j * paths.row[j].step - bodies[j].half_length - 0.5 * paths.row[j].step
    other_back = last_j * paths.row[j].step + bodies[j].half_length + 0.5 * paths.row[j].step
    v, other_v = bodies[i].speed, bodies[j].speed
    blocked = bodies[j].lead_gap < other_front and other_v < 1.0
    cannot = bodies[j].lead_gap < NO_ROOM_M and other_v < 0.1 and bodies[j].waited > PATIENCE_S
    # An ego that stands there is a body in the way, and heeded as one: nobody waits for what it might do.
    elsewhere = other_front > 0.1 or bodies[j].uid < 0
    if blocked or cannot or (other_v < 0.3 and elsewhere and bodies[i].waited > PATIENCE_S):
        return np.inf
    a, other_a = ACCELERATION_MPS2[kind], ACCELERATION_MPS2[bodies[j].kind]
    pace = min(paths.row[i].pace, 8.0)
    enter = travel_s(front, v, pace, a)
    leave = travel_s(back, v, pace, a)
    other_enter = travel_s(other_front, other_v, max(paths.row[j].pace, other_v), other_a)
    other_leave = other_back / max(other_v, 0.3) if other_v > 1.0 else travel_s(other_back, other_v, 3.0, other_a)
    cos = np.cos(paths.point[i, first_i].yaw - paths.point[j, first_j].yaw)
    merging = cos > 0.75 and (
        last_i >= paths.row[i].count - 2 or last_j >= paths.row[j].count - 2 or last_j - first_j > 6
    )
    if merging:
        if other_enter > enter + 3.0 + row.margin_s:
            return np.inf
        behind = (
            first_i * paths.row[i].step - first_j * paths.row[j].step - bodies[i].half_length - bodies[j].half_length
        )
        if behind > 0.5:
            return follow_gap(kind, v, paths.row[i].pace, behind, v - other_v, row.headway_s, row.room, row.vigour)
    elif leave + row.margin_s < other_enter or other_leave + 0.3 * row.margin_s < enter:
        return np.inf
    if front <= 0.1 and bodies[j].leader == i:
        return np.inf  # it stands in the other's way: clearing the spot helps both
    # It stops short of the spot; who decides late uses up part of that rather than brake hard.
    room = min(max(v * v / (2.0 * SOFT_MPS2), front - STOP_SHORT_M), front - 0.15)
    return stop_within(kind, v, paths.row[i].pace, max(room, 0.0), row.vigour)
