"""Surfaces too narrow for two cars: both directions drive near the middle, and only two bicycles pass each other.

Comes in: lanes as the net has them, each direction on its own half. Changed in place.
"""

import numpy as np

from xiaolu.world.maps.lanes import Lane, resample
from xiaolu.world.maps.net import Net
from xiaolu.world.maps.surfaces import offset_points
from xiaolu.world.town import LaneKind

KEEP_M = 1.25  # a car's middle stays this far from the surface's edge where it can: half its width and 0.3 m


def share_narrow(net: Net, lanes: list[Lane]) -> list[Lane]:
    """Move the lines of narrow twins towards the middle of their surface, in place, and widen their lanes to it.

    A surface of w metres has lines w / 4 from its edges as it comes; here they lie KEEP_M from them, or in the middle.
    """
    left = np.zeros(len(lanes))
    for number, lane in enumerate(lanes):
        if lane.twin >= 0:
            half = lane.width_m  # of the whole surface, which the two directions share equally
            left[number] = max(min(KEEP_M, half) - half / 2, 0.0)
    move_aside(lanes, left)
    for number, lane in enumerate(lanes):
        lane.width_m += 2 * left[number]
    for _, lane, before, after in inside_junctions(lanes):
        if left[before] or left[after]:
            lane.width_m = min(lanes[before].width_m, lanes[after].width_m)
    return lanes


def inside_junctions(lanes: list[Lane]) -> list[tuple[int, Lane, int, int]]:
    """Return (number, lane, the lane before it, the lane after it) of every lane across a junction."""
    into: dict[int, int] = {}
    for number, lane in enumerate(lanes):
        for after in lane.nexts:
            into[after] = number
    return [
        (number, lane, into[number], lane.nexts[0])
        for number, lane in enumerate(lanes)
        if lane.junction and lane.kind != LaneKind.CROSSING and number in into and lane.nexts
    ]


def move_aside(lanes: list[Lane], left_m: np.ndarray) -> None:
    """Move ordinary lanes to their left, in place: left_m (L,) metres. Lanes across junctions go from one to other."""
    for number, lane, before, after in inside_junctions(lanes):
        if left_m[before] or left_m[after]:
            moved(lanes[number], np.linspace(left_m[before], left_m[after], len(lane.line)))
    for number, lane in enumerate(lanes):
        if left_m[number]:
            moved(lane, np.full(len(lane.line), left_m[number]))


def moved(lane: Lane, left_m: np.ndarray) -> None:
    """Move a lane's line to its left, in place: left_m (n,) metres at each of its points."""
    lane.line = resample(np.column_stack([offset_points(lane.line, left_m), lane.line[:, 2]]))
