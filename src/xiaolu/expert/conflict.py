"""Whose swept shape meets the ego's path, where along it and when.

The ego's path is (n, >= 3) x, y, yaw of its rear axle every `step_m`; a place on it is sigma, metres from the ego.
"""

import numpy as np
from numba import njit

from xiaolu.measures.geometry import box_clearance, boxes_overlap

CENTRE_M = 1.40  # the middle of the ego's outline ahead of its rear axle


@njit(cache=True)
def occupancy(path, step_m, every, ego_length, ego_width, poses, length, width, margin_along, margin_across):
    """Return (low, high) (H, K): which sigma of the ego meet each hypothesis at each moment, NaN where none do.

    path is looked at every `every` points, then refined to a tenth of that. poses (H, K, 3); length, width, margins
    (H,): the ego's outline is grown by the margins on each side.
    """
    hypotheses, moments = poses.shape[0], poses.shape[1]
    low = np.full((hypotheses, moments), np.nan)
    high = np.full((hypotheses, moments), np.nan)
    n = len(path)
    ego, other = np.empty(5), np.empty(5)
    centre = np.empty((n, 2))
    for i in range(n):
        centre[i, 0] = path[i, 0] + CENTRE_M * np.cos(path[i, 2])
        centre[i, 1] = path[i, 1] + CENTRE_M * np.sin(path[i, 2])
    for h in range(hypotheses):
        ego[3] = ego_length + 2.0 * margin_along[h]
        ego[4] = ego_width + 2.0 * margin_across[h]
        other[3], other[4] = length[h], width[h]
        reach = 0.5 * (np.hypot(ego[3], ego[4]) + np.hypot(length[h], width[h]))
        for k in range(moments):
            x, y, yaw = poses[h, k, 0], poses[h, k, 1], poses[h, k, 2]
            if k > 0 and x == other[0] and y == other[1] and yaw == other[2]:
                low[h, k], high[h, k] = low[h, k - 1], high[h, k - 1]  # it stands
                continue
            other[0], other[1], other[2] = x, y, yaw
            first, last = -1, -1
            i = 0
            while i < n:
                cx, cy = centre[i]
                gap = np.hypot(cx - other[0], cy - other[1])
                if gap > reach:
                    # The path advances step_m an index at most, so that nothing nearer is skipped.
                    skip = int((gap - reach) / step_m)
                    i += max(skip - skip % every, every)
                    continue
                ego[0], ego[1], ego[2] = cx, cy, path[i, 2]
                if boxes_overlap(ego, other):
                    if first < 0:
                        first = i
                    last = i
                elif first >= 0:
                    break
                i += every
            if first < 0:
                continue
            start = float(first)
            if first >= every:
                near, far = first - every, first
                low_share, high_share = 0.0, 1.0
                for _ in range(5):
                    middle = 0.5 * (low_share + high_share)
                    for c in range(3):
                        ego[c] = path[near, c] + middle * (path[far, c] - path[near, c])
                    ego[0] += CENTRE_M * np.cos(ego[2])
                    ego[1] += CENTRE_M * np.sin(ego[2])
                    if boxes_overlap(ego, other):
                        high_share = middle
                    else:
                        low_share = middle
                start = near + high_share * every
            low[h, k] = start * step_m
            high[h, k] = (last + every) * step_m
    return low, high


@njit(cache=True)
def passing_gaps(path, step_m, every, ego_length, ego_width, boxes, reach_m):
    """Return (M, n // every + 1) metres between boxes (M, 5) and the ego at each place looked at, inf beyond reach."""
    count = (len(path) - 1) // every + 1
    gaps = np.full((len(boxes), count), np.inf)
    ego, corners = np.empty(5), np.empty((4, 2))
    ego[3], ego[4] = ego_length, ego_width
    centre = np.empty((count, 2))
    for c in range(count):
        yaw = path[c * every, 2]
        centre[c, 0] = path[c * every, 0] + CENTRE_M * np.cos(yaw)
        centre[c, 1] = path[c * every, 1] + CENTRE_M * np.sin(yaw)
    for m in range(len(boxes)):
        far = 0.5 * (np.hypot(ego_length, ego_width) + np.hypot(boxes[m, 3], boxes[m, 4])) + reach_m
        for c in range(count):
            ego[0], ego[1], ego[2] = centre[c, 0], centre[c, 1], path[c * every, 2]
            if np.hypot(ego[0] - boxes[m, 0], ego[1] - boxes[m, 1]) < far:
                gaps[m, c] = box_clearance(ego, boxes[m], corners)
    return gaps
