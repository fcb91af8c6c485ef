"""Sight: who can see whom, against building footprints (edges in a grid) and the boxes of vehicles in between.

World frame, metres. Boxes are (x, y, yaw, length, width).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.world.town import Town

CELL_M = 16.0


class Walls(NamedTuple):
    """Building edges (E, 4) ax, ay, bx, by, and which of them touch which cell of a grid of `columns` x `rows`."""

    low_x: float
    low_y: float
    columns: int
    rows: int
    start: np.ndarray
    item: np.ndarray
    edges: np.ndarray


def walls_of(town: Town) -> Walls:
    """Return the building edges of a town, sorted into a grid."""
    edges = []
    for building in range(len(town.building_start) - 1):
        ring = town.building_points[town.building_start[building] : town.building_start[building + 1]]
        edges.append(np.hstack([ring, np.roll(ring, -1, axis=0)]))
    table = np.ascontiguousarray(np.vstack(edges) if edges else np.zeros((0, 4)), np.float64)
    if not len(table):
        return Walls(0.0, 0.0, 1, 1, np.zeros(2, np.int64), np.zeros(0, np.int64), table)
    low = np.minimum(table[:, :2], table[:, 2:]).min(axis=0) - CELL_M
    high = np.maximum(table[:, :2], table[:, 2:]).max(axis=0) + CELL_M
    columns, rows = (int(n) for n in np.ceil((high - low) / CELL_M))
    start, item = _sort_into_cells(table, low[0], low[1], columns, rows)
    return Walls(float(low[0]), float(low[1]), columns, rows, start, item, table)


@njit(cache=True)
def _sort_into_cells(edges, low_x, low_y, columns, rows):
    start = np.zeros(columns * rows + 1, np.int64)
    item = np.zeros(0, np.int64)
    for writing in range(2):
        if writing:
            start = np.concatenate((np.zeros(1, np.int64), np.cumsum(start[:-1])))
            item = np.zeros(start[-1], np.int64)
        fill = start.copy()
        for e in range(len(edges)):
            ax, ay, bx, by = edges[e]
            c0, c1 = int((min(ax, bx) - low_x) / CELL_M), int((max(ax, bx) - low_x) / CELL_M)
            r0, r1 = int((min(ay, by) - low_y) / CELL_M), int((max(ay, by) - low_y) / CELL_M)
            for row in range(max(r0, 0), min(r1, rows - 1) + 1):
                for column in range(max(c0, 0), min(c1, columns - 1) + 1):
                    cell = row * columns + column
                    if writing:
                        item[fill[cell]] = e
                        fill[cell] += 1
                    else:
                        start[cell] += 1
    return start, item


@njit(cache=True)
def first_wall(walls, ax, ay, bx, by, enough=-1.0):
    """Return the share (0 to 1) of the segment a -> b that is free of buildings; 2.0 where nothing is in the way.

    enough: any share down to this will do, the first that is found. With 1.0: is there a building at all.
    """
    if len(walls.edges) == 0:
        return 2.0
    dx, dy = bx - ax, by - ay
    column, row = int(np.floor((ax - walls.low_x) / CELL_M)), int(np.floor((ay - walls.low_y) / CELL_M))
    last_column, last_row = int(np.floor((bx - walls.low_x) / CELL_M)), int(np.floor((by - walls.low_y) / CELL_M))
    step_c, step_r = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
    width_t = CELL_M / abs(dx) if dx != 0.0 else np.inf
    height_t = CELL_M / abs(dy) if dy != 0.0 else np.inf
    edge_x = walls.low_x + (column + (1 if dx > 0 else 0)) * CELL_M
    edge_y = walls.low_y + (row + (1 if dy > 0 else 0)) * CELL_M
    next_c = (edge_x - ax) / dx if dx != 0.0 else np.inf
    next_r = (edge_y - ay) / dy if dy != 0.0 else np.inf
    best = 2.0
    for _ in range(abs(last_column - column) + abs(last_row - row) + 1):
        if 0 <= column < walls.columns and 0 <= row < walls.rows:
            cell = row * walls.columns + column
            for index in range(walls.start[cell], walls.start[cell + 1]):
                e = walls.item[index]
                ox, oy = walls.edges[e, 0] - ax, walls.edges[e, 1] - ay
                ex, ey = walls.edges[e, 2] - walls.edges[e, 0], walls.edges[e, 3] - walls.edges[e, 1]
                cross = dx * ey - dy * ex
                sign = 1.0 if cross > 0.0 else -1.0
                along, aside, whole = sign * (ox * ey - oy * ex), sign * (ox * dy - oy * dx), sign * cross
                # Shares compared before they are divided: most edges are missed, and division is slow.
                if 0.0 <= along <= whole and 0.0 <= aside <= whole and whole > 0.0:
                    best = min(best, along / whole)
                    if best <= enough:
                        return best
        if best <= min(next_c, next_r):
            return best
        if next_c < next_r:
            next_c += width_t
            column += step_c
        else:
            next_r += height_t
            row += step_r
    return best


@njit(cache=True)
def enters_box(ax, ay, bx, by, x, y, yaw, length, width):
    """Return the share (0 to 1) of the segment a -> b at which it enters the box; 2.0 where it misses."""
    return enters_turned_box(ax, ay, bx, by, x, y, np.cos(yaw), np.sin(yaw), 0.5 * length, 0.5 * width)


@njit(cache=True)
def enters_turned_box(ax, ay, bx, by, x, y, cos, sin, half_length, half_width):
    """Return what `enters_box` does; cos, sin: of the box's yaw."""
    px, py = cos * (ax - x) + sin * (ay - y), -sin * (ax - x) + cos * (ay - y)
    qx, qy = cos * (bx - ax) + sin * (by - ay), -sin * (bx - ax) + cos * (by - ay)
    enter, leave = 0.0, 1.0
    for p, q, half in ((px, qx, half_length), (py, qy, half_width)):
        if abs(q) < 1e-12:
            if abs(p) > half:
                return 2.0
        else:
            first, second = (-half - p) / q, (half - p) / q
            enter, leave = max(enter, min(first, second)), min(leave, max(first, second))
    return enter if enter <= leave else 2.0


@njit(cache=True)
def _visible(walls, eye_x, eye_y, targets, boxes, target_box):
    seen = np.ones(len(targets), np.bool_)
    for t in range(len(targets)):
        x, y = targets[t, 0], targets[t, 1]
        if first_wall(walls, eye_x, eye_y, x, y, 1.0) <= 1.0:
            seen[t] = False
            continue
        for b in range(len(boxes)):
            if b == target_box[t]:
                continue
            entry = enters_box(eye_x, eye_y, x, y, boxes[b, 0], boxes[b, 1], boxes[b, 2], boxes[b, 3], boxes[b, 4])
            if 0.0 < entry <= 1.0:
                seen[t] = False
                break
    return seen


class Sight:
    """Lines of sight in one town. Buildings hide whatever their height; so do the vehicle boxes handed in."""

    def __init__(self, town: Town) -> None:
        self.walls = walls_of(town)

    def visible(
        self,
        eye_xy: np.ndarray,
        targets: np.ndarray,
        boxes: np.ndarray | None = None,
        target_box: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return (n,) bool: is there a free line from the eye (2,) to each target (n, 2).

        boxes (m, 5) x, y, yaw, length, width of vehicles that hide; target_box (n,) int: the box a target belongs to
        and which therefore does not hide it, -1 for none. A box that the eye is inside of does not hide.
        """
        targets = np.ascontiguousarray(np.asarray(targets, np.float64).reshape(-1, 2))
        hiding = np.zeros((0, 5)) if boxes is None else np.ascontiguousarray(boxes, np.float64)
        own = np.full(len(targets), -1, np.int64) if target_box is None else np.asarray(target_box, np.int64)
        return _visible(self.walls, float(eye_xy[0]), float(eye_xy[1]), targets, hiding, own)
