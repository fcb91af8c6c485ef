"""Surfaces too narrow for two cars: both directions drive near the middle, and only two bicycles pass each other.

Comes in: lanes as the net has them, each direction on its own half. Changed in place.
"""

import numpy as np

from xiaolu.world.maps.lanes import Lane, resample
from xiaolu.world.maps.surfaces import offset_points

KEEP_M = 1.25  # a car's middle stays this far from the surface's edge where it can: half its width and 0.3 m


def share_narrow(lanes: list[Lane]) -> None:
    """Move the lines of narrow twins towards the middle of their surface, in place, and widen their lanes to it.

    A surface of w metres has lines w / 4 from its edges as it comes; here they lie KEEP_M from them, or in the
    middle. Junction lanes go from one shift to the other.
    """
    shift = np.zeros(len(lanes))
    for number, lane in enumerate(lanes):
        if lane.twin >= 0:
            half = lane.width_m  # of the whole surface, which the two directions share equally
            shift[number] = max(min(KEEP_M, half) - half / 2, 0.0)
    into: dict[int, int] = {}
    for number, lane in enumerate(lanes):
        for after in lane.nexts:
            if lanes[after].junction:
                into[after] = number
    for number, lane in enumerate(lanes):
        if lane.junction and number in into and lane.nexts:
            a, b = into[number], lane.nexts[0]
            if shift[a] or shift[b]:
                moved(lane, np.linspace(shift[a], shift[b], len(lane.line)))
                lane.width_m = min(lanes[a].width_m + 2 * shift[a], lanes[b].width_m + 2 * shift[b])
    for number, lane in enumerate(lanes):
        if shift[number]:
            moved(lane, np.full(len(lane.line), shift[number]))
            lane.width_m += 2 * shift[number]


def moved(lane: Lane, left_m: np.ndarray) -> None:
    """Move a lane's line to its left, in place: left_m (n,) metres at each of its points."""
    lane.line = resample(np.column_stack([offset_points(lane.line, left_m), lane.line[:, 2]]))
