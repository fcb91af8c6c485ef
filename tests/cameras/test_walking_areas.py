"""What a user would lose: a way into a park, or over a junction, without a kerb across it."""

from dataclasses import replace

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.road_mesh import road_meshes
from xiaolu.cameras.strips import strips_of
from xiaolu.world.town import LaneKind, Town


def raised(town: Town) -> np.ndarray:
    """Return (n, 2) the corners of all kerbs and sidewalks."""
    meshes = [mesh.vertices for mesh in road_meshes(town, strips_of(town), 40.0)]
    vertices = np.concatenate(meshes)
    of_walk = np.isin(vertices["code"][:, 1], (PixelClass.KERB, PixelClass.SIDEWALK))
    return vertices["position"][of_walk, :2]


def test_a_walking_area_that_reaches_over_a_road_leaves_the_road_open(small_town):
    lane = small_town.meta["lanes"]["crossE"]
    kind = small_town.lane_kind.copy()
    kind[lane] = LaneKind.FOOT_AREA
    line = small_town.line(lane)
    middle = line[len(line) // 2, :2]

    def near(town: Town) -> int:
        return int((np.abs(raised(town) - middle) < [2.5, 2.0]).all(axis=1).sum())

    assert near(small_town) == 0
    assert near(replace(small_town, lane_kind=kind)) == 0
    # The same area in a meadow stays: it is the road that makes the difference.
    away = np.array(small_town.points)
    away[small_town.point_start[lane] : small_town.point_start[lane + 1], 0] += 500.0
    meadow = replace(small_town, lane_kind=kind, points=away)
    middle = middle + np.array([500.0, 0.0])
    assert near(meadow) > 0
