"""Where a place is on the ground of a town: which lanes are near, and how far from anything that may be driven on.

World frame, metres, radians. Lane segments and junction outlines lie in a grid; the loops are compiled.
"""

from collections.abc import Iterable

import numpy as np
from numba import njit

from xiaolu.world.angles import half_turn
from xiaolu.world.town import LaneKind, Town

CELL_M = 12.0
REACH_M = 12.0  # how far beyond its own strip a lane is listed in the grid's cells
SEAM_Z_M = 1.2  # a ramp this near to the ground still counts as ground
# Between the strips of two lanes in a bend, or a lane and a junction, a hair stays open where the map has one surface.
SEAM_M, SEAM_LOOK_M = 0.15, 0.35
AROUND = np.stack([np.cos(np.arange(8) * np.pi / 4.0), np.sin(np.arange(8) * np.pi / 4.0)], axis=1)
ALIGNED_M = 6.0  # what `nearest` holds against a lane that runs the other way, as metres per half turn


class Ground:
    """Answers about places in one town. Immutable once built; safe to share."""

    def __init__(self, town: Town) -> None:
        """Index a town's lanes and junctions. Takes some tenths of a second for a city."""
        self.town = town
        starts = segment_starts(town)
        self._lane = np.repeat(np.arange(town.lanes, dtype=np.int32), np.diff(town.point_start) - 1)
        a, b = town.points[starts], town.points[starts + 1]
        self._a, self._b = np.ascontiguousarray(a[:, :2]), np.ascontiguousarray(b[:, :2])
        step = np.hypot(*(self._b - self._a).T)
        along = np.concatenate([[0.0], np.cumsum(step)])[:-1]
        first = np.concatenate([[0], np.cumsum(np.diff(town.point_start) - 1)])[:-1]
        self._s = along - along[first][self._lane]
        half = town.lane_width_m[self._lane] / 2
        layer = town.lane_layer[self._lane].astype(np.int64)
        ground = np.minimum(np.abs(a[:, 2]), np.abs(b[:, 2])) < SEAM_Z_M
        kind = town.lane_kind[self._lane]
        drivable = (kind == LaneKind.DRIVE) | (kind == LaneKind.CYCLE)
        self._half = np.where(drivable, half, -1.0)
        self._kind_bit = (1 << kind.astype(np.int64)).astype(np.int64)
        self._layer_bits = layer_bits(town, self._lane, layer, ground)
        low, high = np.minimum(self._a, self._b), np.maximum(self._a, self._b)
        pad = (half + REACH_M)[:, None]
        edge_low, edge_high = (low - pad).min(axis=0), (high + pad).max(axis=0)
        self._origin = edge_low
        self._shape = np.maximum(np.ceil((edge_high - edge_low) / CELL_M).astype(np.int64) + 1, 1)
        self._cell_start, self._cell_items = self._grid(low - pad, high + pad)
        self._line_start, self._line_items = self._grid(low, high)
        near, far = outline_bounds(town)
        bays = town.bay_corners()
        near, far = np.concatenate([near, bays.min(axis=1)]), np.concatenate([far, bays.max(axis=1)])
        self._area_start, self._area_items = self._grid(near - REACH_M, far + REACH_M)
        points = np.concatenate([town.junction_points.reshape(-1, 2), bays.reshape(-1, 2)])
        self._area_points = np.ascontiguousarray(points, dtype=np.float64)
        first = town.junction_start.astype(np.int64)
        self._area_first = np.concatenate([first, first[-1] + 4 * np.arange(1, len(bays) + 1)])
        self._area_bits = np.concatenate([junction_bits(town), np.full(len(bays), layer_bit(0), np.int64)])

    def _grid(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (cell_start, items): which boxes (n, 2) to (n, 2) touch each cell."""
        first = np.clip(((low - self._origin) // CELL_M).astype(np.int64), 0, self._shape - 1)
        last = np.clip(((high - self._origin) // CELL_M).astype(np.int64), 0, self._shape - 1)
        return fill_grid(first, last, int(self._shape[0]), int(self._shape[1]))

    def lanes_near(self, x: float, y: float, radius_m: float, kinds: Iterable[int] = (LaneKind.DRIVE,)) -> np.ndarray:
        """Return the lanes (n,) int32, in order, whose centre line comes within radius_m of (x, y)."""
        bits = sum(1 << int(kind) for kind in set(kinds))
        reach = np.array([x, y])
        first = np.clip(((reach - radius_m - self._origin) // CELL_M).astype(np.int64), 0, self._shape - 1)
        last = np.clip(((reach + radius_m - self._origin) // CELL_M).astype(np.int64), 0, self._shape - 1)
        found = lanes_within(
            float(x),
            float(y),
            float(radius_m),
            bits,
            first,
            last,
            int(self._shape[1]),
            self._a,
            self._b,
            self._lane,
            self._kind_bit,
            self._line_start,
            self._line_items,
            self.town.lanes,
        )
        return np.flatnonzero(found).astype(np.int32)

    def nearest(
        self,
        x: float,
        y: float,
        kinds: Iterable[int] = (LaneKind.DRIVE,),
        layer: int | None = None,
        yaw: float | None = None,
    ) -> tuple[int, float, float, float]:
        """Return (lane, s_m, offset_m, distance_m) of the nearest lane; lane -1 and distance inf where none is.

        offset is positive to the left of the lane; distance is to the centre line. With `layer`, only lanes of that
        layer (and ramps that touch it) count. With `yaw`, a lane that runs that way is preferred to one that does not.
        """
        bits = sum(1 << int(kind) for kind in set(kinds))
        wanted = -1 if layer is None else layer_bit(layer)
        facing = np.nan if yaw is None else float(yaw)
        found, s, offset, distance = nearest_segment(
            float(x),
            float(y),
            facing,
            bits,
            wanted,
            self._a,
            self._b,
            self._s,
            self._kind_bit,
            self._layer_bits,
            self._origin,
            self._shape,
            self._line_start,
            self._line_items,
        )
        return (int(self._lane[found]) if found >= 0 else -1), float(s), float(offset), float(distance)

    def off_road_m(self, points: np.ndarray, layer: int = 0) -> np.ndarray:
        """Return (n,) metres from points (n, 2) to the drivable surface of a layer; 0 on it.

        Drivable are the strips of car and cycle lanes, junction-internal ones too, junction outlines and parking bays.
        A seam between two of them, with surface close by on both sides, is no edge.
        Exact up to REACH_M; beyond that the answer is at least REACH_M.
        """
        points = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, 2)
        off_m = self._off_strips_m(points, layer)
        near = np.flatnonzero((off_m > 0.0) & (off_m <= SEAM_M))
        if len(near):
            around = (points[near, None] + SEAM_LOOK_M * AROUND).reshape(-1, 2)
            on = self._off_strips_m(around, layer).reshape(-1, len(AROUND)) <= 0.0
            # Along a seam there is none; at a corner of the kerb it lies on both sides in one direction alone.
            off_m[near[(on[:, :4] & on[:, 4:]).sum(axis=1) > 1]] = 0.0
        return off_m

    def _off_strips_m(self, points: np.ndarray, layer: int) -> np.ndarray:
        """Return (n,) metres from points (n, 2) to the nearest strip or outline of a layer."""
        return off_road(
            points,
            layer_bit(layer),
            self._a,
            self._b,
            self._half,
            self._layer_bits,
            self._origin,
            self._shape,
            self._cell_start,
            self._cell_items,
            self._area_start,
            self._area_items,
            self._area_first,
            self._area_points,
            self._area_bits,
        )


def layer_bit(layer: int) -> int:
    return 1 << (int(layer) + 1)


def segment_starts(town: Town) -> np.ndarray:
    """Return the index of the first point of every lane segment of a town."""
    last = np.zeros(len(town.points), bool)
    last[town.point_start[1:] - 1] = True
    return np.flatnonzero(~last)


def layer_bits(town: Town, lane: np.ndarray, layer: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Return (segments,) int64: the layers a segment belongs to, as bits. Seams belong to both sides.

    lane, layer (segments,); low (segments,) bool: near the ground's height.
    """
    bits = np.left_shift(1, layer + 1)
    bits[low & (layer != 0)] |= layer_bit(0)
    before = np.repeat(np.arange(town.lanes), np.diff(town.next_start))
    own = np.left_shift(1, town.lane_layer.astype(np.int64) + 1)
    seam = own.copy()
    np.bitwise_or.at(seam, before, own[town.next_lane])
    np.bitwise_or.at(seam, town.next_lane, own[before])
    return np.where(layer == 0, bits | seam[lane], bits)


def junction_bits(town: Town) -> np.ndarray:
    """Return (J,) int64: the layers of the lanes that lie in each junction, as bits."""
    bits = np.left_shift(1, town.junction_layer.astype(np.int64) + 1)
    inside = np.flatnonzero(town.lane_junction >= 0)
    np.bitwise_or.at(bits, town.lane_junction[inside], np.left_shift(1, town.lane_layer[inside].astype(np.int64) + 1))
    return bits


def outline_bounds(town: Town) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners (J, 2), (J, 2) of the boxes around the junction outlines."""
    if not len(town.junction_layer):
        return np.zeros((0, 2)), np.zeros((0, 2))
    starts = town.junction_start[:-1]
    return np.minimum.reduceat(town.junction_points, starts), np.maximum.reduceat(town.junction_points, starts)


@njit(cache=True)
def fill_grid(first, last, columns, rows):
    """Return (start, items) of a grid of columns * rows cells; first, last (n, 2) are each box's corner cells."""
    count = np.zeros(columns * rows + 1, np.int64)
    for i in range(len(first)):
        for cx in range(first[i, 0], last[i, 0] + 1):
            for cy in range(first[i, 1], last[i, 1] + 1):
                count[cx * rows + cy + 1] += 1
    start = np.cumsum(count)
    place = start[:-1].copy()
    items = np.empty(start[-1], np.int32)
    for i in range(len(first)):
        for cx in range(first[i, 0], last[i, 0] + 1):
            for cy in range(first[i, 1], last[i, 1] + 1):
                cell = cx * rows + cy
                items[place[cell]] = i
                place[cell] += 1
    return start, items


@njit(cache=True)
def closest(x, y, ax, ay, bx, by):
    """Return (distance, share along the segment) of the point of a-b nearest to (x, y)."""
    ux, uy = bx - ax, by - ay
    square = ux * ux + uy * uy
    t = 0.0 if square <= 0.0 else ((x - ax) * ux + (y - ay) * uy) / square
    t = min(max(t, 0.0), 1.0)
    dx, dy = x - ax - t * ux, y - ay - t * uy
    return np.sqrt(dx * dx + dy * dy), t


@njit(cache=True)
def lanes_within(x, y, radius, kinds, first, last, rows, a, b, lane, kind_bit, start, items, lanes):
    """Return (lanes,) bool: lanes of the given kinds that come within a radius; first, last: corner cells to search."""
    found = np.zeros(lanes, np.bool_)
    for cx in range(first[0], last[0] + 1):
        for cy in range(first[1], last[1] + 1):
            cell = cx * rows + cy
            for k in range(start[cell], start[cell + 1]):
                i = items[k]
                if (kind_bit[i] & kinds) == 0 or found[lane[i]]:
                    continue
                if closest(x, y, a[i, 0], a[i, 1], b[i, 0], b[i, 1])[0] <= radius:
                    found[lane[i]] = True
    return found


@njit(cache=True)
def nearest_segment(x, y, facing, kinds, layers, a, b, s, kind_bit, layer_bits, origin, shape, start, items):
    """Return (segment, s, offset, distance), searching ring after ring of cells; segment -1 where there is none."""
    cx = min(max(int(np.floor((x - origin[0]) / CELL_M)), 0), shape[0] - 1)
    cy = min(max(int(np.floor((y - origin[1]) / CELL_M)), 0), shape[1] - 1)
    best, best_cost, best_s, best_offset, best_distance = -1, np.inf, 0.0, 0.0, np.inf
    outside = max(
        max(origin[0] - x, x - origin[0] - shape[0] * CELL_M), max(origin[1] - y, y - origin[1] - shape[1] * CELL_M)
    )
    spare = max(outside, 0.0)
    for ring in range(max(shape[0], shape[1]) + 1):
        if best >= 0 and best_cost <= ring * CELL_M - CELL_M - spare:
            break
        for ix in range(max(cx - ring, 0), min(cx + ring, shape[0] - 1) + 1):
            edge = ix == cx - ring or ix == cx + ring
            for iy in range(max(cy - ring, 0), min(cy + ring, shape[1] - 1) + 1):
                if not edge and iy != cy - ring and iy != cy + ring:
                    continue
                cell = ix * shape[1] + iy
                for k in range(start[cell], start[cell + 1]):
                    i = items[k]
                    if (kind_bit[i] & kinds) == 0 or (layers >= 0 and (layer_bits[i] & layers) == 0):
                        continue
                    distance, t = closest(x, y, a[i, 0], a[i, 1], b[i, 0], b[i, 1])
                    cost = distance
                    ux, uy = b[i, 0] - a[i, 0], b[i, 1] - a[i, 1]
                    if not np.isnan(facing):
                        turn = half_turn(np.arctan2(uy, ux) - facing)
                        cost += ALIGNED_M * abs(turn) / np.pi
                    if cost < best_cost or (cost == best_cost and i < best):
                        length = np.sqrt(ux * ux + uy * uy)
                        side = (ux * (y - a[i, 1]) - uy * (x - a[i, 0])) / max(length, 1e-9)
                        best, best_cost, best_distance = i, cost, distance
                        best_s, best_offset = s[i] + t * length, side
    return best, best_s, best_offset, best_distance


@njit(cache=True)
def off_road(
    points,
    layers,
    a,
    b,
    half,
    layer_bits,
    origin,
    shape,
    start,
    items,
    area_start,
    area_items,
    first,
    corners,
    area_bits,
):
    """Return (n,) distances of points (n, 2) to the drivable surface; see Ground.off_road_m."""
    out = np.empty(len(points))
    for p in range(len(points)):
        x, y = points[p, 0], points[p, 1]
        cx, cy = int(np.floor((x - origin[0]) / CELL_M)), int(np.floor((y - origin[1]) / CELL_M))
        best = REACH_M
        if 0 <= cx < shape[0] and 0 <= cy < shape[1]:
            cell = cx * shape[1] + cy
            for k in range(start[cell], start[cell + 1]):
                i = items[k]
                if half[i] >= 0.0 and (layer_bits[i] & layers) != 0:
                    best = min(best, closest(x, y, a[i, 0], a[i, 1], b[i, 0], b[i, 1])[0] - half[i])
                    if best <= 0.0:
                        break
            k = area_start[cell]
            while best > 0.0 and k < area_start[cell + 1]:
                j = area_items[k]
                if (area_bits[j] & layers) != 0:
                    best = min(best, outline_distance(x, y, corners, first[j], first[j + 1]))
                k += 1
        out[p] = max(best, 0.0)
    return out


@njit(cache=True)
def outline_distance(x, y, corners, low, high):
    """Return the distance from (x, y) to the polygon corners[low:high], 0 inside."""
    inside, best = False, np.inf
    before = high - 1
    for i in range(low, high):
        ax, ay, bx, by = corners[before, 0], corners[before, 1], corners[i, 0], corners[i, 1]
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
        best = min(best, closest(x, y, ax, ay, bx, by)[0])
        before = i
    return 0.0 if inside else best
