"""How high lanes lie where a source only says "bridge" or "tunnel", and how their corners are rounded.

A bridge rises from where it leaves the ground with an even, smoothed grade until it is high enough to pass over a
street; what hangs on nothing but other bridges lies at full height.
"""

import heapq
from collections import defaultdict

import numpy as np

from xiaolu.world.maps.lanes import Lane, resample
from xiaolu.world.town import LaneKind

CLEAR_M = 6.0  # a bridge's road above the street below it (JTG B01 asks 5 m of clearance, and a deck has its depth)
GRADE = 0.045  # mean grade of a ramp; the smoothing makes it 1.5 times as steep half-way
ROUNDING = 10  # passes of a 1-2-1 filter over the corners of a digitised street: about 3.4 m of rounding; tuned by eye


def round_corners(lanes: list[Lane]) -> None:
    """Smooth the kinks of ordinary lanes in place; their ends, and the direction there, stay."""
    for lane in lanes:
        if lane.junction or lane.kind == LaneKind.CROSSING or len(lane.line) < 6:
            continue
        line = lane.line.copy()
        for _ in range(ROUNDING):
            line[2:-2] = 0.25 * line[1:-3] + 0.5 * line[2:-2] + 0.25 * line[3:-1]
        lane.line = resample(line)


def raise_bridges(lanes: list[Lane]) -> None:
    """Give lanes on layers other than the ground their z, in place."""
    if not any(lane.layer for lane in lanes):
        return
    root = list(range(2 * len(lanes)))  # lane i starts at node 2 i and ends at node 2 i + 1

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    sides: dict[str, int] = {}
    for i, lane in enumerate(lanes):
        for n in lane.nexts:
            root[find(2 * i + 1)] = find(2 * n)
        if not lane.junction:
            first = sides.setdefault(lane.edge, i)
            root[find(2 * i)] = find(2 * first)
            root[find(2 * i + 1)] = find(2 * first + 1)
    arms: dict[int, list[tuple[int, float]]] = defaultdict(list)
    far: dict[int, float] = {}
    lengths = [float(np.hypot(*np.diff(lane.line[:, :2], axis=0).T).sum()) for lane in lanes]
    for i, lane in enumerate(lanes):
        a, b = find(2 * i), find(2 * i + 1)
        if lane.layer == 0:
            far[a] = far[b] = 0.0
        else:
            arms[a].append((b, lengths[i]))
            arms[b].append((a, lengths[i]))
    queue = [(0.0, node) for node in sorted(far)]
    while queue:
        distance, node = heapq.heappop(queue)
        if distance > far.get(node, np.inf):
            continue
        for other, length in arms[node]:
            if distance + length < far.get(other, np.inf):
                far[other] = distance + length
                heapq.heappush(queue, (distance + length, other))
    for i, lane in enumerate(lanes):
        if lane.layer:
            s = np.linspace(0.0, lengths[i], len(lane.line))
            near = np.minimum(far.get(find(2 * i), np.inf) + s, far.get(find(2 * i + 1), np.inf) + s[::-1])
            t = np.minimum(near * GRADE / CLEAR_M, 1.0)
            lane.line = lane.line.copy()
            lane.line[:, 2] += lane.layer * CLEAR_M * t * t * (3.0 - 2.0 * t)
