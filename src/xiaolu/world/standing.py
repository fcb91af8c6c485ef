"""Standing: the town's own props that reach into the road, and that nothing drives through."""

import numpy as np
import shapely

from xiaolu.core.frames import box_corners
from xiaolu.world.town import SOLID_M, LaneKind, PropKind, Town

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
