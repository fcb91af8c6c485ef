"""Where to drive: a smooth offset from the route's line around what stands in the way, and the path a car can follow.

Along the route a place is (s, d): metres along the line, metres left of it. Two steps: `choose_offsets` finds the
cheapest d(s) by dynamic programming; `drive_line` lets a kinematic car with a steering-rate limit follow that line from
the ego's pose, so that every path is tangent to the ego and drivable, from wherever it is.
"""

import numpy as np
from numba import njit

from xiaolu.core.plan import PATH_DISTANCES_M

S_STEP_M = 2.0
S_CELLS = 36
D_STEP_M = 0.2
D_CELLS = 41  # -4 to 4 m
D_REACH_M = D_STEP_M * (D_CELLS // 2)
PATH_STEP_M = 0.5
PATH_STEPS = 160
PLANNED = np.rint(PATH_DISTANCES_M / PATH_STEP_M).astype(np.int64)  # a plan's points among those of a path
HALF_WIDTH_M = 0.94
FRONT_M, REAR_M = 3.75, 0.95  # of the ego's outline from the rear axle
MAX_CURVATURE_1PM = 1.0 / 5.6
STEERED_1PM = 1.0 / 4.9  # what a path may use to come back to its line; the wheels' stop is at 1 / 4.1
PREVIEW_M = 0.6  # tuned with STEERED_1PM on 60 empty rides in validation towns: widest miss of the line 0.7, was 1.2 m
CURVATURE_RATE_1PM2 = 0.09  # a car at walking pace turning its wheel at a brisk 0.5 rad/s
TURNS_1PMS, SETS_OFF_MPS2 = 0.5 / 2.8, 0.8  # the same rate in time, and how a car gathers speed that was slow
APPROACH_RAD = 0.45  # the steepest angle at which a far line is approached
SLOPE_CELLS = 3  # 0.6 m sideways in 2 m at most
HARD_COST = 1e4
EDGE_BAND_M = 0.2
OFF_ROAD = 6.0  # 1/m: the last decimetre before the edge may be used in need, no more; tuned

# Costs: tuned by looking at drawn rides in Shanghai and generated towns.
OFF_CENTRE, OVER_LINE, SLOPE, HABIT, TIGHT = 0.12, 1.2, 25.0, 0.25, 14.0


@njit(cache=True)
def choose_offsets(
    start_d: float,
    low_d: np.ndarray,
    high_d: np.ndarray,
    line_d: np.ndarray,
    habit_d: np.ndarray,
    wish_d: np.ndarray,
    pull: np.ndarray,
    swing_m: np.ndarray,
    keep_d: np.ndarray,
    bodies: np.ndarray,
) -> np.ndarray:
    """Return d (S_CELLS,) every S_STEP_M from the ego's place on.

    low_d, high_d (S_CELLS,): where the ego's middle may be; line_d (S_CELLS,): beyond it the opposite direction
    begins; habit_d (S_CELLS,): the offsets chosen a moment ago, NaN for none; wish_d, pull (S_CELLS,): where
    it would be by itself, and what a square metre away from that costs; swing_m (S_CELLS,): how far the front
    corner swings out to the right (left if negative) where the line turns; keep_d (S_CELLS,): how far from the line it
    may be where a lane is kept, whoever stands in it. bodies (M, 6): s from, s to, d from, d to of what is in the way,
    the least gap and the comfortable gap beside it, metres.
    """
    cost = np.empty((S_CELLS, D_CELLS))
    for i in range(S_CELLS):
        s = i * S_STEP_M
        for j in range(D_CELLS):
            d = -D_REACH_M + j * D_STEP_M
            c = pull[i] * (d - wish_d[i]) ** 2
            if d > line_d[i]:
                c += OVER_LINE * (d - line_d[i])
            # Near the edge only where that makes room.
            c += TIGHT * max(d - high_d[i] + EDGE_BAND_M, low_d[i] + EDGE_BAND_M - d, 0.0) ** 2
            # A wheel off the road is worse than any gap: where one does not pass, one stops.
            off = max(d - high_d[i], low_d[i] - d)
            if off > 0.0:
                c += HARD_COST * (0.2 + off + OFF_ROAD * off * off)
            if abs(d) > keep_d[i]:
                c += HARD_COST * (0.5 + abs(d) - keep_d[i])
            if not np.isnan(habit_d[i]):
                c += HABIT * (d - habit_d[i]) ** 2
            for m in range(len(bodies)):
                if s < bodies[m, 0] - FRONT_M - 1.0 or s > bodies[m, 1] + REAR_M + 1.0:
                    continue
                left_gap = bodies[m, 2] - d - max(-swing_m[i], 0.0)
                right_gap = d - bodies[m, 3] - max(swing_m[i], 0.0)
                gap = max(left_gap, right_gap) - HALF_WIDTH_M
                if gap < bodies[m, 4]:
                    c += 0.3 * HARD_COST * (0.3 + min(bodies[m, 4] - gap, 2.0))
                elif gap < bodies[m, 5]:
                    c += TIGHT * (bodies[m, 5] - gap) ** 2
            cost[i, j] = c
    best = np.full((S_CELLS, D_CELLS), np.inf)
    back = np.zeros((S_CELLS, D_CELLS), np.int64)
    first = round((min(max(start_d, -D_REACH_M), D_REACH_M) + D_REACH_M) / D_STEP_M)
    best[0, first] = 0.0
    for i in range(1, S_CELLS):
        for j in range(D_CELLS):
            for k in range(max(j - SLOPE_CELLS, 0), min(j + SLOPE_CELLS + 1, D_CELLS)):
                slope = (j - k) * D_STEP_M / S_STEP_M
                c = best[i - 1, k] + SLOPE * slope * slope + cost[i, j]
                if c < best[i, j]:
                    best[i, j] = c
                    back[i, j] = k
    chosen = np.empty(S_CELLS)
    j = int(np.argmin(best[S_CELLS - 1]))
    for i in range(S_CELLS - 1, -1, -1):
        chosen[i] = -D_REACH_M + j * D_STEP_M
        j = back[i, j]
    return chosen


@njit(cache=True)
def target_line(
    xy: np.ndarray, yaw: np.ndarray, step_m: float, from_index: int, count: int, s0_m: float, offsets: np.ndarray
) -> np.ndarray:
    """Return (count, 4) x, y, yaw, curvature: the route's points from an index on, shifted by smoothed offsets.

    offsets (S_CELLS,) begin s0_m along the route; before and behind them the first and the last one hold.
    """
    d = np.empty(count)
    for i in range(count):
        # A bell-shaped average over 8 m rounds the corners of the stepped offsets.
        total, weight = 0.0, 0.0
        for k in range(-4, 5):
            place = ((from_index + i + k) * step_m - s0_m) / S_STEP_M
            place = min(max(place, 0.0), S_CELLS - 1.000001)
            low = int(place)
            w = 5.0 - abs(k)
            total += w * (offsets[low] + (place - low) * (offsets[low + 1] - offsets[low]))
            weight += w
        d[i] = total / weight
    line = np.empty((count, 4))
    for i in range(count):
        at = from_index + i
        line[i, 0] = xy[at, 0] - np.sin(yaw[at]) * d[i]
        line[i, 1] = xy[at, 1] + np.cos(yaw[at]) * d[i]
    for i in range(count):
        a, b = max(i - 1, 0), min(i + 1, count - 1)
        line[i, 2] = np.arctan2(line[b, 1] - line[a, 1], line[b, 0] - line[a, 0])
    for i in range(1, count):
        turn = line[i, 2] - line[i - 1, 2]
        line[i, 2] = line[i - 1, 2] + (turn + np.pi) % (2.0 * np.pi) - np.pi
    for i in range(count):
        a, b = max(i - 1, 0), min(i + 1, count - 1)
        span = np.hypot(line[i, 0] - line[a, 0], line[i, 1] - line[a, 1])
        span += np.hypot(line[b, 0] - line[i, 0], line[b, 1] - line[i, 1])
        line[i, 3] = (line[b, 2] - line[a, 2]) / max(span, 1e-6)
    return line


@njit(cache=True)
def drive_line(
    x: float,
    y: float,
    yaw: float,
    curvature: float,
    line: np.ndarray,
    settle_m: float,
    calm_1pm2: float = CURVATURE_RATE_1PM2,
    calm_m: float = 0.0,
    speed_mps: float = np.inf,
    preview_m: float = PREVIEW_M,
) -> np.ndarray:
    """Return (PATH_STEPS + 1, 4) x, y, yaw, curvature every PATH_STEP_M: a car following a line (n, 4) from its pose.

    Feedback is placed in distance (critically damped over settle_m); curvature and its rate are limited. For the first
    calm_m, which are driven about as fast as now, the rate is calm_1pm2. From a stand, or slowly, the wheels turn as
    fast, in less of a way.
    """
    out = np.empty((PATH_STEPS + 1, 4))
    n = len(line)
    near, best = 0, 1e18
    for i in range(n):
        gap = (line[i, 0] - x) ** 2 + (line[i, 1] - y) ** 2
        if gap < best and (i < 30 or gap < best - 4.0):
            near, best = i, gap
    for step in range(PATH_STEPS + 1):
        out[step, 0], out[step, 1], out[step, 2], out[step, 3] = x, y, yaw, curvature
        while near + 1 < n - 1 and (
            (x - line[near + 1, 0]) * np.cos(line[near + 1, 2]) + (y - line[near + 1, 1]) * np.sin(line[near + 1, 2])
            >= 0.0
        ):
            near += 1
        cos, sin = np.cos(line[near, 2]), np.sin(line[near, 2])
        dx, dy = x - line[near, 0], y - line[near, 1]
        span = max(np.hypot(line[near + 1, 0] - line[near, 0], line[near + 1, 1] - line[near, 1]), 1e-6)
        share = min(max((cos * dx + sin * dy) / span, 0.0), 1.0)
        base = line[near, 2] + share * (line[near + 1, 2] - line[near, 2])
        slow_mps = np.sqrt(speed_mps**2 + 2.0 * SETS_OFF_MPS2 * step * PATH_STEP_M)
        rate = max(CURVATURE_RATE_1PM2, TURNS_1PMS / max(slow_mps, 0.3))
        # The wheel turns no faster than it can: it begins before the line does.
        soon = near + share + preview_m * CURVATURE_RATE_1PM2 / rate / span
        early = min(int(soon), n - 3)
        feed = line[early, 3] + min(soon - early, 1.0) * (line[early + 1, 3] - line[early, 3])
        offset = -sin * dx + cos * dy
        error = (yaw - base + np.pi) % (2.0 * np.pi) - np.pi
        aim = -np.arctan(offset / settle_m)
        aim = min(max(aim, -APPROACH_RAD), APPROACH_RAD)
        scale = 1.0 / max(1.0 - feed * offset, 0.3)
        wanted = feed * scale * np.cos(error) + 2.0 * (aim - error) / settle_m
        wanted = min(max(wanted, -STEERED_1PM), STEERED_1PM)
        if step * PATH_STEP_M < calm_m and rate == CURVATURE_RATE_1PM2:
            rate = calm_1pm2
        change = rate * PATH_STEP_M
        new = min(max(wanted, curvature - change), curvature + change)
        middle = yaw + 0.25 * (curvature + new) * PATH_STEP_M
        x += np.cos(middle) * PATH_STEP_M
        y += np.sin(middle) * PATH_STEP_M
        yaw += 0.5 * (curvature + new) * PATH_STEP_M
        curvature = new
    return out
