"""The shortest-path tree over a town's lanes. In: the lane graph as flat arrays; out: flat arrays, one entry a lane."""

import heapq

import numpy as np
from numba import njit

CHANGE_M = 25.0  # the least length a lane change is given; tuned on comfort at 8 m/s: 0.4 m/s² sideways


@njit(cache=True)
def grow_tree(
    next_start, next_lane, left, right, length_m, cost_per_m, entry_cost, change_cost, source, start_s_m, reach_m
):
    """Return (cost, before, reached_m, used_m) of the cheapest ways from `start_s_m` on lane `source`, (L,) each.

    cost: inf where a lane cannot be reached, or lies further than reach_m; before: the lane before it, -1 for none;
    reached_m: driven length when the way passes the lane's start (negative for the source: it begins inside);
    used_m: how much of the lane has passed by the time the car is fully on it (after lane changes).
    cost_per_m is inf for lanes that must not be used; entry_cost is paid when a lane is entered from the one before.
    """
    lanes = len(length_m)
    cost = np.full(lanes, np.inf)
    before = np.full(lanes, -1, np.int32)
    reached_m = np.full(lanes, np.inf)
    used_m = np.zeros(lanes)
    done = np.zeros(lanes, np.bool_)
    cost[source] = 0.0
    reached_m[source] = -start_s_m
    used_m[source] = start_s_m
    heap = [(0.0, np.int64(source))]
    while len(heap) > 0:
        so_far, lane = heapq.heappop(heap)
        if done[lane]:
            continue
        done[lane] = True
        after_m = reached_m[lane] + length_m[lane]
        if after_m <= reach_m:
            onward = so_far + cost_per_m[lane] * length_m[lane]
            for k in range(next_start[lane], next_start[lane + 1]):
                other = next_lane[k]
                total = onward + entry_cost[other]
                if np.isfinite(cost_per_m[other]) and total < cost[other]:
                    cost[other] = total
                    before[other] = lane
                    reached_m[other] = after_m
                    used_m[other] = 0.0
                    heapq.heappush(heap, (total, np.int64(other)))
        if length_m[lane] - used_m[lane] >= CHANGE_M:
            for other in (left[lane], right[lane]):
                if other >= 0 and np.isfinite(cost_per_m[other]) and so_far + change_cost < cost[other]:
                    cost[other] = so_far + change_cost
                    before[other] = lane
                    reached_m[other] = reached_m[lane]
                    used_m[other] = used_m[lane] + CHANGE_M
                    heapq.heappush(heap, (so_far + change_cost, np.int64(other)))
    return cost, before, reached_m, used_m


@njit(cache=True)
def sum_along(cost, before, value):
    """Return (L,) the sum of `value` (L,) over each reached lane's way from the source, both ends included.

    Lanes that were not reached stay at 0. Walks the tree outwards, by rising cost.
    """
    total = np.zeros(len(value))
    # Mergesort is stable: lanes of equal cost keep their order, and a way's lanes never tie unless they cost nothing.
    for lane in np.argsort(cost, kind="mergesort"):
        if not np.isfinite(cost[lane]):
            break
        parent = before[lane]
        total[lane] = value[lane] + (total[parent] if parent >= 0 else 0.0)
    return total
