"""A street's surface from edge to edge, and how much of it is taken: things stand on both sides, a way stays free.

World frame, metres. s runs along the middle of the surface; side +1 is its left edge, -1 its right one.
"""

from dataclasses import dataclass, field

import numpy as np
import shapely

from xiaolu.core.frames import box_corners, wrap_angle
from xiaolu.world.maps.lanes import Lane, length_of, resample
from xiaolu.world.maps.surfaces import at, lane_surfaces
from xiaolu.world.town import LaneKind, PropKind

STEP_M = 0.5
CELL_M = 7.0  # nothing is longer than this
APART_M = 0.12
# Where cars turn, at a street's ends and in its sharp bends, nothing may narrow it: they need its whole width. Tuned:
# without, a car alone in a village could not get through on 3 of 40 rides.
MOUTH_M, SHARP_RAD = 6.0, 0.35
WINDOW_M = 5.0  # the way stays free between things on both sides that lie this near to each other along the street

Row = tuple[PropKind, float, float, float, int]  # a prop: kind, x, y, yaw, style


@dataclass(slots=True)
class Surface:
    """One street between two junctions. numbers: its lanes for cars, one or both directions; middle (n, 3);
    half_m: from the middle to an edge; taken (2, n): how far things reach in from the right and the left edge."""

    numbers: list[int]
    middle: np.ndarray
    half_m: float
    walk: tuple[Lane | None, Lane | None]
    taken: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.taken = np.zeros((2, int(length_of(self.middle) / STEP_M) + 2))

    @property
    def length_m(self) -> float:
        return length_of(self.middle)

    def free_m(self, from_s_m: float, to_s_m: float) -> np.ndarray:
        """Return the free width (k,) along a stretch, each place with what lies WINDOW_M around it counted in."""
        reach = int(WINDOW_M / STEP_M)
        first, last = self._span(from_s_m, to_s_m)
        low = max(first - reach, 0)
        part = self.taken[:, low : last + reach + 1]
        span = range(first - low, last - low + 1)
        most = np.array([part[:, max(i - reach, 0) : i + reach + 1].max(axis=1) for i in span])
        return 2 * self.half_m - most.sum(axis=1)

    def put(self, side: int, s_m: float, half_length_m: float, into_m: float, clear_m: float) -> bool:
        """Take up a stretch of a side, if a way of clear_m stays free beside it and it is free itself."""
        if not half_length_m <= s_m <= self.length_m - half_length_m:
            return False
        first, last = self._span(s_m - half_length_m, s_m + half_length_m)
        row = 0 if side < 0 else 1
        if self.taken[row, first : last + 1].any():
            return False
        self.taken[row, first : last + 1] = max(into_m, 1e-3)
        if into_m > 0 and self.free_m(s_m - half_length_m, s_m + half_length_m).min() < clear_m:
            self.taken[row, first : last + 1] = 0.0
            return False
        return True

    def turns(self, s_m: float, half_length_m: float) -> bool:
        """Whether cars turn beside a stretch: near an end of the street, or where it bends sharply within WINDOW_M."""
        if min(s_m, self.length_m - s_m) - half_length_m < MOUTH_M:
            return True
        before, after = (at(self.middle, s_m + by)[2] for by in (-WINDOW_M, WINDOW_M))
        return bool(abs(wrap_angle(after - before)) > SHARP_RAD)

    def pose(self, side: int, s_m: float, out_m: float) -> tuple[float, float, float]:
        """Return (x, y, yaw) out_m outwards of an edge (negative: on the surface), yaw along the traffic there."""
        x, y, yaw = at(self.middle, s_m)
        left = side * (self.half_m + out_m)
        return x - np.sin(yaw) * left, y + np.cos(yaw) * left, yaw + (np.pi if side > 0 else 0.0)

    def _span(self, from_s_m: float, to_s_m: float) -> tuple[int, int]:
        last = self.taken.shape[1] - 1
        return max(int(from_s_m / STEP_M), 0), min(int(np.ceil(to_s_m / STEP_M)), last)


def opposite(edge: str) -> str:
    """Return the name of the other direction of an edge that netconvert made of a two-way street."""
    return edge[1:] if edge.startswith("-") else f"-{edge}"


def surfaces_of(lanes: list[Lane]) -> list[Surface]:
    """Return the surfaces of all ordinary streets, in the order of their lanes."""
    edges: dict[str, list[int]] = {}
    for number, lane in enumerate(lanes):
        if not lane.junction and lane.kind != LaneKind.CROSSING:
            edges.setdefault(lane.edge, []).append(number)
    found = []
    for edge, members in edges.items():
        mine = [n for n in members if lanes[n].kind == LaneKind.DRIVE]
        across = edges.get(opposite(edge), [])
        theirs = [n for n in across if lanes[n].kind == LaneKind.DRIVE]
        if not mine or (theirs and min(theirs) < min(mine)):
            continue
        walks = [next((lanes[n] for n in row if lanes[n].kind == LaneKind.FOOT), None) for row in (members, across)]
        right = lanes[mine[0]]
        if theirs:
            count = max(len(right.line), 3)
            share = np.linspace(0.0, 1.0, count)
            here, there = (evened(line, share) for line in (right.line, lanes[theirs[0]].line[::-1]))
            half = 0.5 * float(np.median(np.hypot(*(here - there)[:, :2].T))) + right.width_m / 2
            middle = resample(0.5 * (here + there))
        else:
            left = lanes[mine[-1]]
            share = np.linspace(0.0, 1.0, max(len(right.line), 3))
            here, there = evened(right.line, share), evened(left.line, share)
            half = 0.5 * float(np.median(np.hypot(*(here - there)[:, :2].T))) + right.width_m / 2
            middle = resample(0.5 * (here + there))
        found.append(Surface([*mine, *theirs], middle, half, (walks[0], walks[1])))
    return found


def evened(line: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return points (k, 3) at shares (0 to 1) of a line's points."""
    place = share * (len(line) - 1)
    return np.stack([np.interp(place, np.arange(len(line)), column) for column in line.T], axis=1)


class Things:
    """What is put down, row by row: props, and the ground they cover. `arrays` is the town's prop tables."""

    def __init__(self, lanes: list[Lane]) -> None:
        self.rows: list[Row] = []
        self.ground: list[shapely.Polygon] = []
        self._near: dict[tuple[int, int], list[shapely.Polygon]] = {}
        inside = [lane for lane in lanes if lane.kind == LaneKind.CROSSING]
        strips = lane_surfaces(inside, 1.0) if inside else np.zeros(0, object)
        self._no = shapely.STRtree(strips)
        drive = [lane for lane in lanes if lane.kind in (LaneKind.DRIVE, LaneKind.CYCLE)]
        self._edges = [lane.edge.removeprefix("-") if not lane.junction else "" for lane in drive]
        self._strips = lane_surfaces(drive)
        self._roads = shapely.STRtree(self._strips)

    def outline(self, x: float, y: float, yaw: float, length: float, width: float) -> shapely.Polygon:
        corners = box_corners(*(np.array([v]) for v in (x, y, yaw, length, width)))[0]
        return shapely.Polygon(corners)

    def clear(self, outline: shapely.Polygon) -> bool:
        """Whether a piece of ground lies clear of every road and crossing."""
        tree = (self._no, self._roads)
        return not any(len(t.query(outline, predicate="intersects")) for t in tree)

    def add(
        self,
        kind: PropKind,
        pose: tuple[float, float, float],
        size: tuple[float, float],
        own: str,
        style: int,
        room_m: float = 0.15,
    ) -> bool:
        """Put a thing down, unless it stands on another street, a junction, a crossing or another thing.

        own: the edge it belongs to, whose surface it may reach into; room_m: what stays free around it.
        """
        outline = self.outline(*pose, *size)
        if len(self._no.query(outline, predicate="intersects")):
            return False
        for near in self._roads.query(outline, predicate="intersects"):
            if self._edges[near] != own.removeprefix("-"):
                return False
        column, row = int(pose[0] // CELL_M), int(pose[1] // CELL_M)
        around = [(column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        if any(outline.distance(other) < APART_M for cell in around for other in self._near.get(cell, ())):
            return False
        self.rows.append((kind, *pose, style))
        self._near.setdefault((column, row), []).append(outline)
        self.ground.append(shapely.buffer(outline, room_m, quad_segs=1))
        return True

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the town's prop arrays."""
        return prop_arrays(self.rows)


def prop_arrays(rows: list[Row]) -> dict[str, np.ndarray]:
    """Return the town's prop arrays of rows: kind, x, y, yaw, style."""
    pose = np.array([row[1:4] for row in rows]).reshape(-1, 3)
    pose[:, 2] = wrap_angle(pose[:, 2])
    return {
        "prop_kind": np.array([int(row[0]) for row in rows], np.uint8),
        "prop_pose": np.round(pose, 3),
        "prop_style": np.array([row[4] for row in rows], np.int32),
        "prop_layer": np.zeros(len(rows), np.int8),
    }


def both(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return two sets of prop arrays as one."""
    return {name: np.concatenate([one[name], other[name]]) for name in one}
