"""Who goes first where two ways of the town meet: the town's rules, and the law's where a lamp orders nothing."""

import numpy as np

from xiaolu.expert.course import Course, Entry
from xiaolu.expert.encounter import FACING_RAD
from xiaolu.world.town import Turn

FROM_SIDE_RAD = 0.5


def entry_at(course: Course, s_from_m: float, s_to_m: float) -> Entry | None:
    """Return the junction that the ego enters about a stretch of its course, None for none."""
    for entry in course.entries:
        if entry.to_s_m + 6.0 > s_from_m and entry.from_s_m - 3.0 < s_to_m:
            return entry
    return None


def priority(
    course: Course,
    entry: Entry | None,
    chain: np.ndarray,
    humble: frozenset[int],
    unlit: frozenset[int],
    towards_rad: float,
) -> int:
    """Return 1 where the ego goes first by the town's rules, -1 where the other does, 0 where they do not say.

    towards_rad: the other's heading against the ego's where they would meet. Where a lamp orders nothing, who
    comes from the right goes first, and whoever turns left gives way to who comes towards it (Implementing Regulations,
    art. 52).
    """
    if entry is None:
        return 0
    if entry.lane in humble:
        return -1
    if entry.lane in unlit:
        turned = (towards_rad + np.pi) % (2.0 * np.pi) - np.pi
        if abs(turned) > FACING_RAD:
            return -1 if entry.turn == Turn.LEFT else 0
        return -1 if turned > FROM_SIDE_RAD else 0
    town = course.town
    lanes = [int(lane) for lane in chain if lane >= 0]
    if any(lane in entry.first for lane in lanes):
        return -1
    for lane in lanes:
        if entry.lane in town.yield_lane[town.yield_start[lane] : town.yield_start[lane + 1]]:
            return 1
    return 0
