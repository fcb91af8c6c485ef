"""Passing: where within its lane's room a body goes to clear what stands or creeps or comes towards it there."""

import numpy as np
from numba import njit

from xiaolu.world.contact import boxes_meet
from xiaolu.world.temper import ON_FOOT, TWO_WHEELER

SQUEEZE_M = 0.35  # how far who has stood for long leans over the surface's edge, tuned by eye
# Who has stood so long within so little of a thing steps aside from it, so far at a time: its corner is in the way.
CORNER_WAIT_S, CORNER_M, CORNER_STEP_M = 6.0, 0.3, 0.3
LOOK_M = 7.0  # one looks at least so far ahead of one's front
RIDER_PATIENCE_S = 2.0  # a rider who has stood so long passes on whichever side there is room
SHY_M, FLANK_M = 0.6, 0.15  # so near nobody on foot steps to a vehicle that drives by; who leans over to others keeps
EGO_ROLLS_MPS = 0.5  # an ego that goes faster is followed like anybody else, not passed
OVER_WAIT_S = 2.5  # so long one stands behind what blocks the lane before one goes round by the oncoming one
OVER_M, OVER_S = 22.0, 6.0  # that lane is to be free this far, and for so long of who comes; tuned by eye

_MOST = 16


@njit(cache=True)
def _merged(low, high, gaps, within, count, keep):
    """Return the union (low, high) of the blocked intervals around `keep`; low > high where it is free.

    Only bodies nearer than `within` m count.
    """
    union_low, union_high = np.inf, -np.inf
    grown = True
    while grown:
        grown = False
        for n in range(count):
            if gaps[n] > within:
                continue
            touches = low[n] < keep < high[n] if union_low > union_high else low[n] < union_high and high[n] > union_low
            if touches and (low[n] < union_low or high[n] > union_high):
                union_low, union_high = min(union_low, low[n]), max(union_high, high[n])
                grown = True
    return union_low, union_high


@njit(cache=True)
def _blocker(bodies, low, high, gaps, who, count, union_low, union_high):
    """Return the nearest of those who leave no room between two edges and could go somewhere else, -1 without one."""
    best, found = np.inf, -1
    for n in range(count):
        if bodies[who[n]].moving and low[n] < union_high and high[n] > union_low and gaps[n] < best:
            best, found = gaps[n], who[n]
    return found


@njit(cache=True)
def _is_vehicle(kind):
    """Return whether a kind fills a lane: not on foot, not on two wheels."""
    return not ON_FOOT[kind] and not TWO_WHEELER[kind]


@njit(cache=True)
def _at_corner(bodies, i, j):
    """Return whether i has stood for long all but touching j, a thing that does not move."""
    if bodies[j].moving or bodies[i].waited < CORNER_WAIT_S:
        return False
    a, b = bodies[i], bodies[j]
    hl, hw = a.half_length + CORNER_M, a.half_width + CORNER_M
    return boxes_meet(a.x, a.y, a.yaw, hl, hw, b.x, b.y, b.yaw, b.half_length, b.half_width, 0.0, 0.0)


@njit(cache=True)
def _free_over(bodies, i, point, low, high):
    """Return whether nobody is in the oncoming lane for as long as it takes to pass something there.

    point: of i's path, where that lane begins; low, high: where it is, left of i's line. Who stands there counts as far
    as one has to go.
    """
    for j in range(len(bodies)):
        if j == i or not bodies[j].present or abs(bodies[j].z - bodies[i].z) > 3.0:
            continue
        dx, dy = bodies[j].x - point.line_x, bodies[j].y - point.line_y
        lon, aside = dx * point.cos + dy * point.sin, -dx * point.sin + dy * point.cos
        far = OVER_M + (OVER_S * abs(bodies[j].speed) if _is_vehicle(bodies[j].kind) else 0.0)
        if -6.0 < lon < far and low - 0.3 < aside + bodies[j].half_width and aside - bodies[j].half_width < high + 0.3:
            return False
    return True


@njit(cache=True)
def _queue_ahead(bodies, i, point, left, right):
    """Return whether a vehicle that heads i's way stands in i's lane, within what one would pass by the oncoming one.

    point: of i's path, where that lane begins; left, right: its room. Who stands behind it, the ego too, stands in a
    queue: beyond it there is no place to come back to.
    """
    for j in range(len(bodies) - 1):
        if j == i or not bodies[j].moving or not _is_vehicle(bodies[j].kind) or abs(bodies[j].z - bodies[i].z) > 3.0:
            continue
        if abs(bodies[j].speed) > 1.0 or point.cos * bodies[j].cos + point.sin * bodies[j].sin < 0.3:
            continue
        dx, dy = bodies[j].x - point.line_x, bodies[j].y - point.line_y
        lon, aside = dx * point.cos + dy * point.sin, -dx * point.sin + dy * point.cos
        if 0.0 < lon < OVER_M and -right < aside < left:
            return True
    return False


@njit(cache=True)
def choose_offset(bodies, paths, i, near, near_count):
    """Set aim and slope of row i: where in the lane to be, in metres left of its line, and how fast to get there.

    near: indices of bodies worth a look, of which there are near_count. Returns whether it wants to pass something.
    """
    walking = ON_FOOT[bodies[i].kind]
    speed, half_width, half_length = bodies[i].speed, bodies[i].half_width, bodies[i].half_length
    look = 4.0 if walking else half_length + min(max(3.0 * speed, LOOK_M), 24.0)
    left, right = paths.point[i, 0].left, paths.point[i, 0].right
    for k in range(paths.row[i].count):
        if k * paths.row[i].step > (1.5 if walking else 5.0):
            break
        left, right = min(left, paths.point[i, k].left), min(right, paths.point[i, k].right)
    # Who has stood for somebody long enough squeezes over the surface's edge: two that face each other get past.
    squeeze = min(max(0.1 * (bodies[i].waited - 4.0), 0.0), SQUEEZE_M)
    left, right = left + squeeze, right + squeeze
    edge = 0.0 if walking else 0.1
    lowest, highest = -right + half_width + edge, left - half_width - edge
    if TWO_WHEELER[bodies[i].kind] and bodies[i].waited < RIDER_PATIENCE_S:
        highest = min(highest, paths.row[i].keep + 1.0)  # riders pass near the kerb, not over on the left
    if lowest > highest:
        lowest = highest = 0.5 * (left - right)
    keep = min(max(paths.row[i].keep, lowest), highest)
    low, high = np.empty(_MOST), np.empty(_MOST)
    tight_low, tight_high = np.empty(_MOST), np.empty(_MOST)
    gaps, who = np.empty(_MOST), np.empty(_MOST, np.int64)
    count = 0
    nearest, stands, queue = np.inf, np.inf, False
    offset = bodies[i].offset
    least, most = -np.inf, np.inf
    by_least, by_most = -1, -1
    for n in range(near_count):
        j = near[n]
        if count == _MOST:
            break
        if j == bodies[i].waited_for and _at_corner(bodies, i, j):
            if (bodies[j].y - bodies[i].y) * bodies[i].cos > (bodies[j].x - bodies[i].x) * bodies[i].sin:
                most = min(most, offset - CORNER_STEP_M)
            else:
                least = max(least, offset + CORNER_STEP_M)
        oncoming = bodies[i].cos * bodies[j].cos + bodies[i].sin * bodies[j].sin < -0.5 and bodies[j].speed > 0.5
        farthest = 45.0 if oncoming and not walking else look
        for k in range(paths.row[i].count):
            if k * paths.row[i].step > farthest:
                break
            dx, dy = bodies[j].x - paths.point[i, k].line_x, bodies[j].y - paths.point[i, k].line_y
            if abs(dx) + abs(dy) > 14.0:
                continue
            c, s = paths.point[i, k].cos, paths.point[i, k].sin
            lon, lat = dx * c + dy * s, -dx * s + dy * c
            cos, sin = bodies[j].cos * c + bodies[j].sin * s, bodies[j].sin * c - bodies[j].cos * s
            along = abs(cos) * bodies[j].half_length + abs(sin) * bodies[j].half_width
            if abs(lon) > 0.5 * paths.row[i].step + along + (half_length if k == 0 else 0.0):
                continue
            across = abs(sin) * bodies[j].half_length + abs(cos) * bodies[j].half_width
            if k == 0 and abs(lon) < along + half_length:
                # Abreast: whatever it wants, it does not lean into whom it can touch.
                drives = _is_vehicle(bodies[j].kind) and abs(bodies[j].speed) > EGO_ROLLS_MPS
                flank = SHY_M if walking and drives else FLANK_M
                if lat > offset:
                    bound = max(lat - across - half_width - flank, offset)
                    most, by_most = (bound, j) if bound < most else (most, by_most)
                else:
                    bound = min(lat + across + half_width + flank, offset)
                    least, by_least = (bound, j) if bound > least else (least, by_least)
            if lat - across > left or lat + across < -right:
                if k == 0:
                    continue  # beside the lane here, and maybe in it further on, where that bends
                break
            ahead_speed = bodies[j].speed * cos
            if ahead_speed > 0.75 * paths.row[i].pace or (abs(sin) > 0.7 and bodies[j].speed > 0.4):
                break
            ego_stands = j == len(bodies) - 1 and bodies[j].speed < EGO_ROLLS_MPS
            queues = bodies[j].moving and not ego_stands and cos > 0.3 and _is_vehicle(bodies[j].kind)
            if queues and _is_vehicle(bodies[i].kind):
                queue = True
                break  # a queue is waited in, not overtaken: who does meets oncoming traffic face to face
            gap = k * paths.row[i].step + lon - along - half_length
            clear = 0.12 if walking else 0.4 + 0.05 * min(speed, 8.0)
            reach = across + half_width
            low[count], high[count] = lat - reach - clear, lat + reach + clear
            tight = 0.08 if walking else max(0.25 - 0.02 * max(bodies[i].waited - 4.0, 0.0), 0.1)
            tight_low[count], tight_high[count] = lat - reach - tight, lat + reach + tight
            gaps[count], who[count] = gap, j
            count += 1
            nearest = min(nearest, max(gap, 0.0))
            if not bodies[j].moving or (j == len(bodies) - 1 and bodies[j].speed < 0.2):
                stands = min(stands, max(gap, 0.0))
            break
    aim, passing = keep, False
    if _is_vehicle(bodies[i].kind) and paths.row[i].over > 0.0 and (offset > highest + 0.2 or stands < 20.0):
        over = left + paths.row[i].over - half_width - 0.2
        beyond = offset > highest + 0.2  # it is over there already, and goes on
        may = bodies[i].waited > OVER_WAIT_S and not queue and paths.row[i].stop == np.inf
        may = may and paths.row[i].over_to > stands + 15.0
        if may and not beyond:
            begin = int(np.ceil(paths.row[i].over_from / paths.row[i].step))
            point = paths.point[i, min(begin, paths.row[i].count - 1)]
            may = _free_over(bodies, i, point, left, over + half_width)
            may = may and not _queue_ahead(bodies, i, point, left, right)
        if beyond or may:
            highest = max(highest, over)
    for attempt in range(4):
        # With good clearance, then with little; then only what is near; then only what it is already beside.
        within = np.inf if attempt < 2 else (4.0 if attempt == 2 else 0.3)
        if attempt == 0:
            union_low, union_high = _merged(low, high, gaps, within, count, keep)
        else:
            union_low, union_high = _merged(tight_low, tight_high, gaps, within, count, keep)
        if attempt == 1 and speed < 0.3 and union_low < lowest and union_high > highest:
            bodies[i].beside = _blocker(bodies, tight_low, tight_high, gaps, who, count, union_low, union_high)
        if union_low > union_high:
            break
        by_left, by_right = union_high <= highest, union_low >= lowest
        if by_left or by_right:
            left_is_nearer = union_high - keep < keep - union_low
            aim = union_high if by_left and (not by_right or left_is_nearer) else union_low
            passing = attempt < 2
            break
        aim = offset if attempt == 3 else keep
    if passing and aim > most + 0.1 and by_most >= 0 and speed < 0.3:
        bodies[i].beside = by_most  # it would pull out, were it not for that one
    elif passing and aim < least - 0.1 and by_least >= 0 and speed < 0.3:
        bodies[i].beside = by_least
    aim = min(max(aim, least), most) if least <= most else offset
    paths.row[i].aim = aim
    change = abs(aim - offset)
    room = max(min(max(6.0, 2.2 * speed), max(nearest - 0.5, 3.0)), 2.5)
    over = max(min(nearest, 2.0), 0.8) if walking else room
    paths.row[i].slope = min(max(change / over, 0.05), 0.5 if walking else 0.35)
    return passing
