"""Standing: the town's own props that reach into the road, and that nothing drives through."""

import numpy as np
import shapely
from numpy.typing import NDArray

from xiaolu.core.frames import box_corners
from xiaolu.world.town import SOLID_M, LaneKind, PropKind, Town

PARKED_M = (4.6, 1.82)
WINDOW_M = 5.0  # things this near to each other along a street narrow it together
NEAR_M = 0.1  # a prop this near to the surface of a drive lane reaches into it


def standing_of(town: Town) -> tuple[np.ndarray, np.ndarray]:
    """Return (prop (n,) int64, size (n, 3) length, width, height in metres) of the solid props in the road.

    What stands further away is no obstacle to a car on the road: a car that reaches it has left the road before.
    """
    solid = np.isin(town.prop_kind, [int(kind) for kind in SOLID_M]) & (town.prop_layer == 0)
    prop = np.flatnonzero(solid).astype(np.int64)
    size = np.array([SOLID_M[PropKind(int(kind))] for kind in town.prop_kind[prop]]).reshape(-1, 3)
    if not len(prop):
        return prop, size
    drive = np.flatnonzero((town.lane_kind == LaneKind.DRIVE) & (town.lane_layer == 0))
    lines = [shapely.LineString(town.line(int(lane))[:, :2]) for lane in drive]
    road = shapely.buffer(lines, town.lane_width_m[drive] / 2 + NEAR_M, quad_segs=2, cap_style="flat")
    x, y, yaw = town.prop_pose[prop].T
    outlines = shapely.polygons(box_corners(x, y, yaw, size[:, 0], size[:, 1]))
    reaching = np.unique(shapely.STRtree(road).query(outlines, predicate="intersects")[0])
    return prop[reaching], size[reaching]


def narrowest_m(town: Town, lanes: NDArray[np.int64], left_m: np.ndarray, right_m: np.ndarray) -> np.ndarray:
    """Return (n,) metres: how wide each lane's surface is where it is narrowest, between all that stands on it.

    left_m, right_m (n,): how far the surface goes either side of the lane's line. Every place for a parked car counts
    as taken.
    """
    out = left_m + right_m
    solid, size = standing_of(town)
    cars = np.flatnonzero((town.prop_kind == PropKind.PARKED_CAR) & (town.prop_layer == 0))
    prop = np.concatenate([solid, cars])
    if not len(prop):
        return out
    long, wide = np.concatenate([size[:, :2], np.tile(PARKED_M, (len(cars), 1))]).T
    x, y, yaw = town.prop_pose[prop].T
    outlines = shapely.polygons(box_corners(x, y, yaw, long, wide))
    lines = [shapely.LineString(town.line(int(lane))[:, :2]) for lane in lanes]
    on, thing = shapely.STRtree(outlines).query(
        shapely.buffer(lines, np.maximum(left_m, right_m), quad_segs=2, cap_style="flat"), predicate="intersects"
    )
    for n in np.unique(on):
        near = thing[on == n]
        s_m = shapely.line_locate_point(lines[n], shapely.points(x[near], y[near]))
        spans = []
        for k, s in zip(near, s_m, strict=True):
            px, py, _, way_yaw = town.pose_at(int(lanes[n]), float(s))
            lateral_m = -(x[k] - px) * np.sin(way_yaw) + (y[k] - py) * np.cos(way_yaw)
            turned = yaw[k] - way_yaw
            across_m = 0.5 * (abs(np.sin(turned)) * long[k] + abs(np.cos(turned)) * wide[k])
            spans.append((lateral_m - across_m, lateral_m + across_m))
        for s in s_m:
            beside = sorted(span for span, at in zip(spans, s_m, strict=True) if abs(at - s) < WINDOW_M)
            free_m, reached_m = 0.0, -right_m[n]
            for low_m, high_m in (*beside, (left_m[n], left_m[n])):
                free_m, reached_m = max(free_m, min(low_m, left_m[n]) - reached_m), max(reached_m, high_m)
            out[n] = min(out[n], free_m)
    return out
