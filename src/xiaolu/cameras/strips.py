"""Lane centre lines become strips: thinned out where they are straight, then widened to both sides."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from xiaolu.world.town import LaneKind, Town

TOLERANCE_M = 0.04  # a thinned line stays this close to the full one: less than a paint line's width
LONGEST_M = 40.0  # a strip's quads are no longer than this, so that fog, light and culling stay local


@njit(cache=True)
def _thin(points: np.ndarray, start: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return (P,) bool: the points to keep, so that no dropped one lies further than TOLERANCE_M from its chord.

    whole (L,) bool: lanes of which all are kept.
    """
    keep = np.zeros(len(points), np.bool_)
    for lane in range(len(start) - 1):
        first, last = start[lane], start[lane + 1] - 1
        if last < first:
            continue
        keep[first] = True
        keep[last] = True
        anchor = first
        while anchor < last:
            ahead = anchor + 1
            while ahead < last and not whole[lane]:
                candidate = ahead + 1
                d = points[candidate] - points[anchor]
                length = np.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
                good = 1e-6 < length <= LONGEST_M
                if good:
                    for i in range(anchor + 1, candidate):
                        r = points[i] - points[anchor]
                        along = (r[0] * d[0] + r[1] * d[1] + r[2] * d[2]) / length
                        off = r[0] * r[0] + r[1] * r[1] + r[2] * r[2] - along * along
                        if off > TOLERANCE_M * TOLERANCE_M:
                            good = False
                            break
                if not good:
                    break
                ahead = candidate
            keep[ahead] = True
            anchor = ahead
    return keep


@dataclass(frozen=True, slots=True)
class Strips:
    """Thinned points of all lanes, (p,) each, and the quads between neighbours of one lane.

    point (p, 3); lane (p,); s_m (p,) along the lane; left (p, 2): unit normal to the left, longer in bends so that a
    strip keeps its width; quad (q,): index of each quad's first point, its second is the next one.
    """

    point: np.ndarray
    lane: np.ndarray
    s_m: np.ndarray
    left: np.ndarray
    quad: np.ndarray

    def edge(self, offset_m: np.ndarray, raise_m: np.ndarray | float = 0.0) -> np.ndarray:
        """Return (p, 3): the line offset_m (p,) to the left of the centre, lifted by raise_m."""
        shifted = self.point.copy()
        shifted[:, :2] += self.left * np.asarray(offset_m)[:, None]
        shifted[:, 2] += raise_m
        return shifted

    def of(self, chosen: np.ndarray) -> np.ndarray:
        """Return the first points of the quads whose lane is chosen, (L,) bool."""
        return self.quad[chosen[self.lane[self.quad]]]


def strips_of(town: Town) -> Strips:
    """Return the strips of all lanes of a town. Walking areas are not thinned: parts of them lie across roads."""
    areas = town.lane_kind == LaneKind.FOOT_AREA
    keep = _thin(np.ascontiguousarray(town.points), town.point_start.astype(np.int64), areas)
    count = np.diff(town.point_start)
    lane_of_point = np.repeat(np.arange(town.lanes), count)
    step = np.zeros(len(town.points))
    step[1:] = np.linalg.norm(np.diff(town.points, axis=0), axis=-1)
    step[town.point_start[:-1][count > 0]] = 0.0
    total = np.cumsum(step)
    s_m = total - total[town.point_start[:-1].clip(max=len(total) - 1)][lane_of_point]
    point, lane, s_m = town.points[keep], lane_of_point[keep], s_m[keep]

    same = lane[1:] == lane[:-1]
    ahead = np.zeros((len(point), 2))
    ahead[:-1][same] = (point[1:] - point[:-1])[same, :2]
    ahead /= np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
    behind = np.zeros_like(ahead)
    behind[1:][same] = ahead[:-1][same]
    mean = ahead + behind
    mean /= np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-9)
    one = np.where(np.any(ahead, axis=-1, keepdims=True), ahead, behind)
    # A mitred corner reaches further out than the width; a hairpin must not reach to infinity.
    reach = 1.0 / np.maximum(np.abs(np.sum(mean * one, axis=-1, keepdims=True)), 0.5)
    left = np.stack([-mean[:, 1], mean[:, 0]], -1) * reach
    return Strips(point, lane, s_m, left, np.flatnonzero(same))
