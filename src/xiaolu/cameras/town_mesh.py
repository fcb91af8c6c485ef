"""A town as blocks of triangles, so that each camera can be given just what it may see, nearest first."""

from dataclasses import dataclass

import numpy as np

from xiaolu.cameras.building_mesh import building_meshes
from xiaolu.cameras.culling import box_distances, boxes_inside
from xiaolu.cameras.marking_mesh import marking_meshes
from xiaolu.cameras.mesh import VERTEX, Detail, Mesh, Pass
from xiaolu.cameras.pillar_mesh import pillar_meshes
from xiaolu.cameras.prop_mesh import prop_meshes
from xiaolu.cameras.road_mesh import road_meshes
from xiaolu.cameras.strips import strips_of
from xiaolu.world.town import Town

CELL_M = 64.0
FAR_M = 215.0  # beyond this everything is fog
FINE_M_PER_PX, FINE_M = 0.12, (12.0, 70.0)  # kerbs' faces, branches: 0.12 m is a pixel at 0.12 m times the focal length
FLAT_PX = 0.75  # so near below the horizon no pixel's middle lies in the rig's cameras, or the air is thick
THIN_M_PER_PX = 1.7  # trees and poles: with 53 px to 90 m, with 600 px as far as one sees


@dataclass(frozen=True, slots=True)
class TownMesh:
    """vertices (V,) VERTEX; indices (I,) uint32, block by block; K blocks: first and count into indices,
    middle (K, 3) and half size (K, 3) of a box around each, the middle (K, 2) of its cell, its pass and its detail."""

    vertices: np.ndarray
    indices: np.ndarray
    first: np.ndarray
    count: np.ndarray
    middle: np.ndarray
    half: np.ndarray
    cell_middle: np.ndarray
    drawn_by: np.ndarray
    detail: np.ndarray

    def around(self, x_m: float, y_m: float, margin_m: float) -> np.ndarray:
        """Return the blocks (k,) within sight of any eye up to margin_m from a place."""
        gap = np.maximum(np.abs(self.middle[:, :2] - [x_m, y_m]) - self.half[:, :2], 0.0)
        return np.flatnonzero((gap * gap).sum(-1) < (FAR_M + margin_m) ** 2)

    def near(self, eye: np.ndarray, focal_px: float, among: np.ndarray, far_m: float = FAR_M) -> np.ndarray:
        """Return those blocks `among` (k,) that an eye (3,) is to be shown, whichever way it looks, nearest first.

        focal_px: fine things are shown up to where they are smaller than a pixel. far_m: as far as the air lets it see.
        """
        fine_m = float(np.clip(FINE_M_PER_PX * focal_px, *FINE_M))
        thin_m = min(THIN_M_PER_PX * focal_px, far_m)
        distance = box_distances(among, self.middle, self.half, eye)
        among = among[distance < far_m]
        distance = distance[distance < far_m]
        detail, drawn_by = self.detail[among], self.drawn_by[among]
        low_m, high_m = (self.middle[among, 2] + side * self.half[among, 2] for side in (-1.0, 1.0))
        shown = (drawn_by != Pass.PLAIN) | (distance < thin_m)
        # Level ground far away lies between the last row of pixels and the horizon: no row shows it.
        level = (drawn_by == Pass.GROUND) & (detail != Detail.BACKDROP) & (high_m < eye[2])
        shown &= ~level | (distance * FLAT_PX < (eye[2] - low_m) * focal_px)
        # The change from fine to coarse goes by cells, so that never both or neither are there.
        offset = self.cell_middle[among] - eye[:2]
        is_fine = (offset * offset).sum(-1) < (fine_m + CELL_M / 2) ** 2
        shown &= np.where(detail == Detail.NEAR, is_fine, (detail != Detail.FAR) | ~is_fine)
        shown &= (detail != Detail.ROOF) | (eye[2] > low_m)
        late = (detail == Detail.BACKDROP) * 1e6
        order = np.argsort((distance + late)[shown], kind="stable")
        return among[shown][order]

    def inside(self, block: np.ndarray, planes: np.ndarray) -> np.ndarray:
        """Return those of the blocks that reach into a frustum of planes (n, 4), inside positive."""
        return boxes_inside(block, self.middle, self.half, planes)


def _split(mesh: Mesh, first_vertex: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return triangles with their vertices' place in the whole, their cells (t, 2), and their order key."""
    place = mesh.vertices["position"][:, :2]
    middle = place[mesh.triangles].mean(1)
    cell = np.floor(middle / CELL_M).astype(np.int64)
    return (
        mesh.triangles.astype(np.uint32) + np.uint32(first_vertex),
        cell,
        np.full(len(cell), mesh.drawn_by * 8 + mesh.detail, np.int64),
    )


def mesh_of(town: Town) -> TownMesh:
    """Return all of a town that never moves. 13,700 lanes take about a second."""
    strips = strips_of(town)
    meshes = [*road_meshes(town, strips, CELL_M), *marking_meshes(town), *building_meshes(town)]
    meshes += [*pillar_meshes(town), *prop_meshes(town)]
    vertices = np.concatenate([m.vertices for m in meshes]) if meshes else np.zeros(0, VERTEX)
    offsets = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    parts = [_split(m, int(o)) for m, o in zip(meshes, offsets, strict=False)]
    del meshes
    triangles, cell, way = (np.concatenate([p[k] for p in parts]) for k in range(3))
    low = cell.min(0)
    span = cell.max(0) - low + 1
    key = (way * span[0] + (cell[:, 0] - low[0])) * span[1] + (cell[:, 1] - low[1])
    order = np.argsort(key, kind="stable")
    triangles, key, way = triangles[order], key[order], way[order]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    corner = vertices["position"][triangles.reshape(-1)]
    low_corner = np.minimum.reduceat(corner, first * 3)
    high_corner = np.maximum.reduceat(corner, first * 3)
    return TownMesh(
        vertices,
        triangles.reshape(-1),
        first * 3,
        np.diff(np.r_[first, len(triangles)]) * 3,
        ((low_corner + high_corner) / 2).astype(np.float64),
        ((high_corner - low_corner) / 2).astype(np.float64),
        (cell[order[first]] + 0.5) * CELL_M,
        (way[first] // 8).astype(np.int8),
        (way[first] % 8).astype(np.int8),
    )
