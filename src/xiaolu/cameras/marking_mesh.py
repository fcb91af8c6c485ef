"""Paint on roads beside lane lines: turn arrows, and boxes at bus stops. World frame, metres.

Shapes and sizes follow GB 5768.3 (China's road markings), a little broader where it makes them readable in few pixels.
"""

from itertools import pairwise

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.mesh import Mesh, Pass, pack, quads
from xiaolu.cameras.road_mesh import CROSSING_RAISE_M, Layer
from xiaolu.world.town import LaneKind, PropKind, RoadClass, Town, Turn

WHITE, YELLOW = np.array([0.86, 0.86, 0.84]), np.array([0.84, 0.68, 0.20])
LINE_M = 0.15
ARROW_M = 5.0  # between the 3 m of slow roads and the 6 m of fast ones
ARROW_GAP_M = 4.0  # from an arrow's tip to the stop line
ARROW_AGAIN_M = 34.0  # from one arrow to the one before it
SHORT_LANE_M = 16.0  # shorter lanes have no arrow
BUS_BOX_M = (17.0, 2.6)
BUS_ROW_M = 9.0  # how far a shelter stands from the middle of the lane it serves, at most
RAISE_M = CROSSING_RAISE_M / 2

Quad = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


def _triangle(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> Quad:
    return (a, b, c, c)


def _box(x0: float, x1: float, y0: float, y1: float) -> Quad:
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def _mirrored(shape: list[Quad]) -> list[Quad]:
    return [tuple((x, -y) for x, y in quad[::-1]) for quad in shape]  # type: ignore[misc]


# (ahead, left) in metres from the arrow's tail; counter-clockwise seen from above.
_SHAFT = _box(0.0, 2.2, -0.14, 0.14)
_STRAIGHT = [_box(2.2, 3.5, -0.14, 0.14), _triangle((3.3, -0.48), (5.0, 0.0), (3.3, 0.48))]
_LEFT = [
    ((1.7, -0.14), (2.5, -0.14), (2.95, 0.62), (2.35, 0.62)),
    _triangle((1.75, 0.55), (3.55, 0.55), (2.65, 1.25)),
]
_U_TURN = [
    _box(2.2, 4.2, -0.14, 0.14),
    _box(3.9, 4.4, -0.14, 0.95),
    _box(2.6, 4.2, 0.67, 0.95),
    _triangle((2.7, 0.36), (2.7, 1.26), (1.1, 0.81)),
]
ARROWS: dict[Turn, list[Quad]] = {
    Turn.STRAIGHT: _STRAIGHT,
    Turn.LEFT: _LEFT,
    Turn.RIGHT: _mirrored(_LEFT),
    Turn.U_TURN: _U_TURN,
}


def _painted(corner: np.ndarray, colour: np.ndarray) -> Mesh:
    """Return flat quads, corner (n, 4, 3) counter-clockwise from above."""
    vertices = pack(corner, [0.0, 0.0, 1.0], colour, layer=Layer.PAINT, pixel_class=PixelClass.MARKING)
    return quads(vertices, Pass.GROUND)


def _placed(shape: list[Quad], pose: np.ndarray) -> np.ndarray:
    """Return (n, 4, 3) corners of a shape at a pose x, y, z, yaw."""
    local = np.array(shape, float)
    cos, sin = np.cos(pose[3]), np.sin(pose[3])
    out = np.full((*local.shape[:2], 3), pose[2] + RAISE_M)
    out[..., 0] = pose[0] + cos * local[..., 0] - sin * local[..., 1]
    out[..., 1] = pose[1] + sin * local[..., 0] + cos * local[..., 1]
    return out


def turns_of(town: Town, lane: int) -> tuple[Turn, ...]:
    """Return the ways that a lane leads into a junction, in the order of Turn; none where it leads into none."""
    following = town.following(lane)
    inside = following[town.lane_junction[following] >= 0]
    return tuple(Turn(t) for t in np.unique(town.lane_turn[inside]) if t != Turn.NONE)


def _arrows(town: Town) -> list[Mesh]:
    """Return turn arrows before the stop lines of roads with more than one lane a direction, or with signals."""
    corners = []
    several = (town.lane_left >= 0) | (town.lane_right >= 0)
    drive = (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0) & (town.lane_class <= RoadClass.TERTIARY)
    for lane in np.flatnonzero(drive & np.isfinite(town.stop_s_m) & (several | (town.lane_length_m > 40.0))):
        turns = turns_of(town, int(lane))
        if not turns or town.lane_length_m[lane] < SHORT_LANE_M:
            continue
        shape = [_SHAFT, *(quad for turn in turns for quad in ARROWS[turn])]
        tail_m = float(town.stop_s_m[lane]) - ARROW_GAP_M - ARROW_M
        while tail_m > 3.0:
            corners.append(_placed(shape, town.pose_at(int(lane), tail_m)))
            tail_m -= ARROW_AGAIN_M
            if float(town.stop_s_m[lane]) - tail_m > 2.0 * ARROW_AGAIN_M:
                break
    return [_painted(np.concatenate(corners), WHITE)] if corners else []


def _frame(length_m: float, width_m: float, line_m: float) -> list[Quad]:
    """Return the outline of a rectangle around the origin."""
    x, y = length_m / 2, width_m / 2
    return [
        _box(-x, x, y - line_m, y),
        _box(-x, x, -y, line_m - y),
        _box(-x, line_m - x, line_m - y, y - line_m),
        _box(x - line_m, x, line_m - y, y - line_m),
    ]


def _bus_stops(town: Town) -> list[Mesh]:
    """Return yellow boxes with a zigzag on the lane beside each shelter."""
    stops = np.flatnonzero((town.prop_kind == PropKind.BUS_STOP) & (town.prop_layer == 0))
    outer = (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0) & (town.lane_right < 0)
    outer &= town.lane_layer == 0
    lane_of_point = np.repeat(np.arange(town.lanes), np.diff(town.point_start))
    candidates = np.flatnonzero(outer[lane_of_point])
    if not len(candidates):
        return []
    length_m, width_m = BUS_BOX_M
    steps = np.linspace(-length_m / 2 + 1.0, length_m / 2 - 1.0, 8)
    corners = []
    for stop in stops:
        gap = np.hypot(*(town.points[candidates, :2] - town.prop_pose[stop, :2]).T)
        nearest = candidates[np.argmin(gap)]
        lane = int(lane_of_point[nearest])
        share = (nearest - town.point_start[lane]) / max(town.point_start[lane + 1] - town.point_start[lane] - 1, 1)
        s_m = share * float(town.lane_length_m[lane])
        if gap.min() > BUS_ROW_M or not length_m / 2 < s_m < town.lane_length_m[lane] - length_m / 2:
            continue
        right_m = max(float(town.lane_width_m[lane]) / 2 - 0.15 - width_m / 2, 0.0)
        shape = _frame(length_m, width_m, LINE_M)
        side = width_m / 2 - 0.35
        for k, (a, b) in enumerate(pairwise(steps)):
            y = side if k % 2 == 0 else -side
            shape.append(((a, y - 0.09), (b, -y - 0.09), (b, -y + 0.09), (a, y + 0.09)))
        pose = town.pose_at(lane, s_m)
        pose[0] += np.sin(pose[3]) * right_m
        pose[1] -= np.cos(pose[3]) * right_m
        corners.append(_placed(shape, pose))
    return [_painted(np.concatenate(corners), YELLOW)] if corners else []


def marking_meshes(town: Town) -> list[Mesh]:
    """Return the paint that `road_mesh` does not lay."""
    return [*_arrows(town), *_bus_stops(town)]
