"""Pillars under bridges: where a deck is high enough and no street runs below. World frame, metres."""

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.mesh import Mesh, boxes
from xiaolu.world.town import LaneKind, Town

APART_M = 26.0  # usual spans of city viaducts are 20 to 30 m
LOWEST_M = 3.0  # a deck below this rests on walls
DECK_M = 0.6  # from the road to the deck's underside
SIZE_M = 1.1
CLEAR_M = 1.2  # from a street's edge
CONCRETE = np.array([0.56, 0.56, 0.55])


def _free(place: np.ndarray, town: Town) -> np.ndarray:
    """Return (n,) bool: which places (n, 2) are off every way on the ground."""
    lane_of_point = np.repeat(np.arange(town.lanes), np.diff(town.point_start))
    low = (town.lane_layer <= 0)[lane_of_point]
    points, reach = town.points[low, :2], town.lane_width_m[lane_of_point[low]] / 2 + CLEAR_M + SIZE_M / 2
    free = np.ones(len(place), bool)
    for k, (x, y) in enumerate(place):
        near = np.abs(points[:, 0] - x) < 8.0
        gap = np.hypot(points[near, 0] - x, points[near, 1] - y)
        free[k] = not (gap < reach[near]).any()
    return free


def pillar_meshes(town: Town) -> list[Mesh]:
    """Return the pillars, in a row under the outer lanes of each deck."""
    outer = (town.lane_kind == LaneKind.DRIVE) & (town.lane_layer > 0) & (town.lane_junction < 0)
    outer &= (town.lane_left < 0) | (town.lane_right < 0)
    poses = []
    for lane in np.flatnonzero(outer):
        for s_m in np.arange(APART_M / 2, float(town.lane_length_m[lane]), APART_M):
            poses.append(town.pose_at(int(lane), float(s_m)))
    pose = np.array(poses).reshape(-1, 4)
    pose = pose[pose[:, 2] > LOWEST_M]
    pose = pose[_free(pose[:, :2], town)] if len(pose) else pose
    if not len(pose):
        return []
    foot = np.column_stack([pose[:, :2], np.full(len(pose), -0.2)])
    height = pose[:, 2] - DECK_M + 0.2
    shaft = np.stack([np.full(len(pose), SIZE_M), np.full(len(pose), SIZE_M), height], -1)
    head = np.column_stack([pose[:, :2], pose[:, 2] - DECK_M - 0.7])
    return [
        boxes(foot, shaft, pose[:, 3], CONCRETE, PixelClass.OTHER, top=False),
        boxes(head, (1.4, 2.6, 0.7), pose[:, 3], CONCRETE * 0.96, PixelClass.OTHER, top=False),
    ]
