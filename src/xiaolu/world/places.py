"""Places: which way the ego is on, found through a grid over the points of drive lanes."""

from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.world.angles import half_turn
from xiaolu.world.town import LaneKind
from xiaolu.world.ways import Ways

CELL_M = 12.0


class WayGrid(NamedTuple):
    """Points of drive ways by cell: `item` indexes the point, `way` the way it is on, cells as in `start`."""

    low_x: float
    low_y: float
    columns: int
    rows: int
    start: np.ndarray
    item: np.ndarray
    way: np.ndarray


def way_grid(ways: Ways) -> WayGrid:
    """Return the grid over all points of drive ways."""
    drive = np.flatnonzero(ways.way["kind"] == LaneKind.DRIVE)
    way = np.repeat(drive, (ways.way["end"] - ways.way["start"])[drive])
    item = np.concatenate([np.arange(ways.way["start"][w], ways.way["end"][w]) for w in drive])
    x, y = ways.point["x"][item], ways.point["y"][item]
    low_x, low_y = float(x.min()), float(y.min())
    columns, rows = int((x.max() - low_x) / CELL_M) + 1, int((y.max() - low_y) / CELL_M) + 1
    cell = ((y - low_y) / CELL_M).astype(np.int64) * columns + ((x - low_x) / CELL_M).astype(np.int64)
    order = np.argsort(cell, kind="stable")
    start = np.searchsorted(cell[order], np.arange(columns * rows + 1)).astype(np.int64)
    return WayGrid(low_x, low_y, columns, rows, start, item[order].astype(np.int64), way[order].astype(np.int64))


@njit(cache=True)
def ego_way(ways, grid, x, y, z, yaw):
    """Return (way, along m, offset m, z) of the drive way that a middle and heading fit best; way -1 off the road.

    Within 2.2 m of the line and 0.7 rad of its direction; z is then the line's height, else that of any near line,
    or the one handed in.
    """
    best, way, item = np.inf, -1, -1
    nearest, height = np.inf, z
    column, row = int(np.floor((x - grid.low_x) / CELL_M)), int(np.floor((y - grid.low_y) / CELL_M))
    for r in range(max(row - 1, 0), min(row + 1, grid.rows - 1) + 1):
        for c in range(max(column - 1, 0), min(column + 1, grid.columns - 1) + 1):
            cell = r * grid.columns + c
            for index in range(grid.start[cell], grid.start[cell + 1]):
                p = grid.item[index]
                dx, dy = x - ways.point[p].x, y - ways.point[p].y
                square = dx * dx + dy * dy
                if square > 36.0 or abs(ways.point[p].z - z) > 4.0:
                    continue
                if square < nearest:
                    nearest, height = square, ways.point[p].z
                turn = abs(half_turn(yaw - ways.point[p].yaw))
                if turn > 0.7:
                    continue
                offset = -dx * np.sin(ways.point[p].yaw) + dy * np.cos(ways.point[p].yaw)
                if abs(offset) > 2.2:
                    continue
                cost = square + 4.0 * turn + 0.5 * (ways.way[grid.way[index]].junction >= 0)
                if cost < best:
                    best, way, item = cost, grid.way[index], p
    out = np.array([-1.0, 0.0, 0.0, height])
    if way >= 0:
        yaw = ways.point[item].yaw
        dx, dy = x - ways.point[item].x, y - ways.point[item].y
        ahead = dx * np.cos(yaw) + dy * np.sin(yaw)
        along = (item - ways.way[way].start) * ways.way[way].spacing + ahead
        out[0], out[1] = way, min(max(along, 0.0), ways.way[way].length)
        out[2], out[3] = -dx * np.sin(yaw) + dy * np.cos(yaw), ways.point[item].z
    return out
