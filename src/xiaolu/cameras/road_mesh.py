"""The ground of a town: lanes with their paint, junctions, crossings, sidewalks with kerbs, and bridges' decks."""

from enum import IntEnum

import numpy as np
import shapely

from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.mesh import Detail, Mesh, Pass, pack, quads
from xiaolu.cameras.strips import Strips
from xiaolu.cameras.triangulate import triangulate
from xiaolu.world.town import LaneKind, Marking, RoadClass, Town

KERB_M = 0.12
CROSSING_RAISE_M = 0.02  # what lies on the road is lifted a little, so that the depth buffer can tell them apart
JUNCTION_SINK_M = 0.02
GROUND_SINK_M = 0.07
VERGE_M = 1.2
OVERLAP_M = (
    0.4  # a walking area may reach so far into a road, or lie so near to one, before the road counts as under it
)


class Layer(IntEnum):
    """Texture layers of the ground, in the order of `textures.ground_layers`."""

    ASPHALT = 0
    PAVING = 1
    GRASS = 2
    PAINT = 3


class Line(IntEnum):
    """Paint on a surface, as the ground shader draws it: see shaders/ground.glsl for widths and periods."""

    NONE = 0
    WHITE_DASHED = 1
    WHITE_DASHED_WIDE = 2
    WHITE_SOLID = 3
    YELLOW_DASHED = 4
    YELLOW_SOLID = 5
    YELLOW_DOUBLE = 6
    ZEBRA = 7
    KERBSTONE = 8


ASPHALT = np.array([0.33, 0.335, 0.345])
SMALL_ROAD = np.array([0.42, 0.415, 0.40])
CYCLE = np.array([0.37, 0.32, 0.30])
PAVING = np.array([0.60, 0.575, 0.54])
KERBSTONE = np.array([0.66, 0.655, 0.64])
CONCRETE = np.array([0.56, 0.56, 0.55])
VERGE = np.array([0.50, 0.49, 0.47])
GRASS = np.array([0.44, 0.47, 0.36])


def _line_of(town: Town) -> np.ndarray:
    """Return (L,) Line on the left edge: white between lanes of one direction, yellow against oncoming traffic."""
    big = town.lane_class <= RoadClass.TERTIARY
    white = np.select(
        [town.lane_marking == Marking.DASHED, town.lane_marking >= Marking.SOLID],
        [np.where(big, Line.WHITE_DASHED_WIDE, Line.WHITE_DASHED), np.full(town.lanes, Line.WHITE_SOLID)],
        Line.NONE,
    )
    yellow = np.select(
        [town.lane_marking == Marking.DASHED, town.lane_marking == Marking.SOLID, town.lane_marking == Marking.DOUBLE],
        [Line.YELLOW_DASHED, Line.YELLOW_SOLID, Line.YELLOW_DOUBLE],
        Line.NONE,
    )
    left_most = (town.lane_left < 0) & (town.lane_kind == LaneKind.DRIVE)
    return np.where(left_most, yellow, white)


def _strip(strips: Strips, chosen, half_m, raise_m, colour, layer, pixel_class, but=(), **code) -> Mesh:
    """Return the flat strips of the chosen lanes; half_m (L,) half widths, colour (L, 3); uv is (across, along).

    but: first points of quads that are left out.
    """
    first = np.setdiff1d(strips.of(chosen), but)
    lane = strips.lane
    left = strips.edge(half_m[lane], raise_m)
    right = strips.edge(-half_m[lane], raise_m)
    corner = np.stack([left[first], right[first], right[first + 1], left[first + 1]], 1)
    along = code.pop("along", strips.s_m)
    width = 2 * half_m[lane[first]]
    uv = np.zeros((len(first), 4, 2))
    uv[:, 1:3, 0] = width[:, None]
    uv[:, :2, 1] = along[first][:, None]
    uv[:, 2:, 1] = along[first + 1][:, None]
    lanewise = {k: np.asarray(v)[lane[first]][:, None] if np.ndim(v) else v for k, v in code.items()}
    vertices = pack(
        corner,
        [0.0, 0.0, 1.0],
        np.broadcast_to(colour, (len(half_m), 3))[lane[first]][:, None],
        uv,
        layer,
        pixel_class,
        width_m=width[:, None],
        **lanewise,
    )
    return quads(vertices, Pass.GROUND)


def _over_roads(town: Town, strips: Strips, half_m: np.ndarray) -> np.ndarray:
    """Return the first points of walking areas' quads that reach over a road: there people walk on the road itself."""
    first = strips.of(town.lane_kind == LaneKind.FOOT_AREA)
    drive = np.flatnonzero(town.lane_kind == LaneKind.DRIVE)
    if not len(first) or not len(drive):
        return first[:0]
    lines = [shapely.LineString(town.line(int(lane))[:, :2]) for lane in drive]
    middle = 0.5 * (strips.point[first, :2] + strips.point[first + 1, :2])
    over = np.zeros(len(first), bool)
    for things, spare_m in (
        (shapely.linestrings(np.stack([strips.point[first, :2], strips.point[first + 1, :2]], 1)), -OVERLAP_M),
        (shapely.points(middle), OVERLAP_M),  # what lies between the two directions
    ):
        roads = shapely.buffer(lines, half_m[drive] + spare_m, quad_segs=1, cap_style="flat")
        quad, road = shapely.STRtree(roads).query(things, predicate="intersects")
        over[quad[town.lane_layer[strips.lane[first[quad]]] == town.lane_layer[drive[road]]]] = True
    return first[over]


def _wall(top_a, top_b, drop_m, colour, pixel_class, detail) -> Mesh:
    """Return upright faces below the edges a -> b (n, 3), seen from the right of that direction."""
    down = np.zeros_like(top_a)
    down[:, 2] = drop_m
    along = (top_b - top_a)[:, :2]
    along = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    normal = np.stack([along[:, 1], -along[:, 0], np.zeros(len(along))], -1)
    corner = np.stack([top_a - down, top_b - down, top_b, top_a], 1)
    return quads(pack(corner, normal[:, None], colour, pixel_class=pixel_class), Pass.PLAIN, detail)


def _verges(town: Town, strips: Strips, half_m: np.ndarray) -> Mesh:
    """Return paved strips along the right of small streets: walls and sidewalks seldom leave grass there."""
    beside = (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0) & (town.lane_right < 0)
    first = strips.of(beside & (town.lane_class >= RoadClass.TERTIARY))
    half = half_m[strips.lane]
    inner, outer = strips.edge(-half, -0.03), strips.edge(-(half + VERGE_M), -0.03)
    corner = np.stack([inner[first], outer[first], outer[first + 1], inner[first + 1]], 1)
    code = (Layer.PAVING, PixelClass.GROUND)
    return quads(pack(corner, [0.0, 0.0, 1.0], VERGE, (0.0, 0.0), *code), Pass.GROUND)


def _junctions(town: Town) -> Mesh:
    """Return the junctions' outlines as asphalt, at the height of the lanes that run through them."""
    points, start = np.asarray(town.junction_points, np.float64), town.junction_start.astype(np.int64)
    count = np.diff(start)
    height = np.zeros(len(count))
    inside = np.flatnonzero((town.lane_junction >= 0) & (np.diff(town.point_start) > 0))
    height[town.lane_junction[inside]] = town.points[town.point_start[inside], 2]
    z = np.repeat(height, count) - JUNCTION_SINK_M
    vertices = pack(np.column_stack([points, z]), [0, 0, 1], ASPHALT, layer=Layer.ASPHALT, pixel_class=PixelClass.ROAD)
    return Mesh(vertices, triangulate(points, start), Pass.GROUND, Detail.ALWAYS)


def _bars(town: Town, lanes: np.ndarray, s_m: np.ndarray, side: np.ndarray, size: tuple[float, float] | None) -> Mesh:
    """Return white bars on lanes (n,), ending s_m (n,) along them; size: length and width, None for right across.

    side (n,): how far left of the middle, as a share of half the lane's width.
    """
    pose = np.array([town.pose_at(int(lane), float(s)) for lane, s in zip(lanes, s_m, strict=True)]).reshape(-1, 4)
    ahead = np.stack([np.cos(pose[:, 3]), np.sin(pose[:, 3]), 0 * pose[:, 3]], -1)
    left = np.stack([-ahead[:, 1], ahead[:, 0], ahead[:, 2]], -1)
    half = town.lane_width_m[lanes, None] / 2 - 0.1
    length, reach = (0.3, half) if size is None else (size[0], np.full_like(half, size[1] / 2))
    middle = pose[:, :3] + [0.0, 0.0, CROSSING_RAISE_M / 2] + left * half * side[:, None]
    back, front = middle - length * ahead, middle
    left = left * reach
    corner = np.stack([front + left, back + left, back - left, front - left], 1)
    vertices = pack(corner, [0, 0, 1], [0.86, 0.86, 0.84], layer=Layer.PAINT, pixel_class=PixelClass.MARKING)
    return quads(vertices, Pass.GROUND)


def _stop_lines(town: Town) -> list[Mesh]:
    """Return the stop lines: 0.3 m of white across their lane; waiting areas have dashes on both sides."""
    stop, wait = (np.flatnonzero(np.isfinite(s_m)) for s_m in (town.stop_s_m, town.waiting_s_m))
    none = np.zeros(len(stop))
    meshes = [_bars(town, stop, town.stop_s_m[stop], none, None)] if len(stop) else []
    if len(wait):
        meshes.append(_bars(town, wait, town.waiting_s_m[wait], np.zeros(len(wait)), None))
        dashes = [(lane, s) for lane in wait for s in np.arange(1.0, town.waiting_s_m[lane], 1.5)]
        lanes, s_m = np.array([lane for lane, _ in dashes]), np.array([s for _, s in dashes])
        meshes += [_bars(town, lanes, s_m, np.full(len(lanes), side), (0.75, 0.15)) for side in (-1.0, 1.0)]
    return meshes


def _bays(town: Town) -> list[Mesh]:
    """Return the parking bays: asphalt, with a white line 0.1 m wide along both sides."""
    corner = town.bay_corners()
    if not len(corner):
        return []
    z = np.zeros((len(corner), 4, 1))
    ground = np.concatenate([corner, z - JUNCTION_SINK_M], -1)
    meshes = [quads(pack(ground, [0, 0, 1], ASPHALT, layer=Layer.ASPHALT, pixel_class=PixelClass.ROAD), Pass.GROUND)]
    inward = (corner[:, 3] - corner[:, 0]) / np.maximum(town.bay_size_m[:, 1:], 1e-6) * 0.1
    for rear, front, way in ((0, 1, inward), (3, 2, -inward)):
        a, b = corner[:, rear], corner[:, front]
        row = np.stack([a, b, b + way, a + way] if rear == 0 else [a + way, b + way, b, a], 1)
        line = np.concatenate([row, z + CROSSING_RAISE_M / 2], -1)
        vertices = pack(line, [0, 0, 1], [0.86, 0.86, 0.84], layer=Layer.PAINT, pixel_class=PixelClass.MARKING)
        meshes.append(quads(vertices, Pass.GROUND))
    return meshes


def _bridges(town: Town, strips: Strips, half_m: np.ndarray) -> list[Mesh]:
    """Return decks' sides and parapets of lanes well above the ground."""
    drive = (town.lane_kind == LaneKind.DRIVE) & (town.lane_layer > 0)
    first = strips.of(drive)
    first = first[strips.point[first, 2] > 0.3]
    if not len(first):
        return []
    lane = strips.lane
    meshes = []
    for side, outermost in ((1.0, town.lane_left < 0), (-1.0, town.lane_right < 0)):
        edge = strips.edge(side * (half_m + 0.1)[lane], 0.0)
        outer = first[(outermost & (town.lane_junction < 0))[lane[first]]]
        a, b = (edge[outer], edge[outer + 1]) if side < 0 else (edge[outer + 1], edge[outer])
        thickness = np.minimum(1.2, np.maximum(edge[outer, 2], 0.3))
        meshes.append(_wall(a, b, thickness, CONCRETE, PixelClass.OTHER, Detail.ALWAYS))
        if side < 0:
            rail = np.array([0.0, 0.0, 0.9])
            meshes.append(_wall(a + rail, b + rail, 0.9, CONCRETE, PixelClass.OTHER, Detail.ALWAYS))
            meshes.append(_wall(b + rail, a + rail, 0.9, CONCRETE, PixelClass.OTHER, Detail.ALWAYS))
    left, right = strips.edge((half_m + 0.1)[lane], -0.6), strips.edge(-(half_m + 0.1)[lane], -0.6)
    corner = np.stack([left[first], left[first + 1], right[first + 1], right[first]], 1)
    meshes.append(quads(pack(corner, [0, 0, -1], CONCRETE, pixel_class=PixelClass.OTHER), Pass.PLAIN))
    return meshes


def _ground(town: Town, cell_m: float) -> Mesh:
    """Return the ground under everything, a square a cell, as low as the lowest street near it."""
    low = np.floor((town.points[:, :2].min(0) - 220.0) / cell_m).astype(int)
    high = np.ceil((town.points[:, :2].max(0) + 220.0) / cell_m).astype(int)
    size = high - low + 1
    corner_z = np.full((size[0], size[1]), np.inf)
    on_ground = np.repeat(town.lane_layer == 0, np.diff(town.point_start))
    street = town.points[on_ground]
    cell = np.floor(street[:, :2] / cell_m).astype(int) - low
    for dx in (0, 1):
        for dy in (0, 1):
            np.minimum.at(corner_z, (cell[:, 0] + dx, cell[:, 1] + dy), street[:, 2])
    corner_z = np.where(np.isfinite(corner_z), corner_z, 0.0) - GROUND_SINK_M
    i, j = (a.reshape(-1) for a in np.meshgrid(np.arange(size[0] - 1), np.arange(size[1] - 1), indexing="ij"))
    corner = np.stack(
        [
            np.column_stack([(low[0] + i + dx) * cell_m, (low[1] + j + dy) * cell_m, corner_z[i + dx, j + dy]])
            for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))
        ],
        1,
    )
    paved = town.meta.get("ground") == "paved"
    colour, layer = (VERGE, Layer.PAVING) if paved else (GRASS, Layer.GRASS)
    vertices = pack(corner, [0, 0, 1], colour, layer=layer, pixel_class=PixelClass.GROUND)
    return quads(vertices, Pass.GROUND, Detail.BACKDROP)


def road_meshes(town: Town, strips: Strips, cell_m: float) -> list[Mesh]:
    """Return everything flat of a town, and what holds it up."""
    kind = town.lane_kind
    half = town.lane_width_m.astype(np.float64) / 2
    chord = town.points[(town.point_start[1:] - 1).clip(min=0)] - town.points[town.point_start[:-1]]
    # Both directions of a street count their dashes from the same end, so that the two halves of a line meet.
    backwards = (chord[:, 0] < 0) | ((chord[:, 0] == 0) & (chord[:, 1] < 0))
    along = np.where(backwards[strips.lane], town.lane_length_m[strips.lane] - strips.s_m, strips.s_m)

    drive, inside = kind == LaneKind.DRIVE, town.lane_junction >= 0
    small = town.lane_class >= RoadClass.LIVING
    road_colour = np.where(small[:, None], SMALL_ROAD, ASPHALT)
    line = np.where(inside, Line.NONE, _line_of(town))
    edge = drive & ~inside & (town.lane_right < 0) & (town.lane_class <= RoadClass.TERTIARY)
    walk = (kind == LaneKind.FOOT) | (kind == LaneKind.FOOT_AREA)
    open_road = _over_roads(town, strips, half)
    # The sidewalk reaches a little under the road's edge, so that no grass shows between the two.
    road = (Layer.ASPHALT, PixelClass.ROAD)
    meshes = [
        _strip(strips, drive & ~inside, half + 0.05, 0.0, road_colour, *road, along=along, line=line, edge=edge),
        _strip(strips, drive & inside, half, -JUNCTION_SINK_M / 2, ASPHALT, *road),
        _strip(strips, (kind == LaneKind.CYCLE) & ~inside, half + 0.02, 0.005, CYCLE, *road, line=line),
        _strip(strips, (kind == LaneKind.CYCLE) & inside, half, -JUNCTION_SINK_M / 2, ASPHALT, *road),
        _strip(strips, kind == LaneKind.CROSSING, half, CROSSING_RAISE_M, ASPHALT, *road, line=Line.ZEBRA),
        _strip(
            strips, kind == LaneKind.FOOT, half, KERB_M, PAVING, Layer.PAVING, PixelClass.SIDEWALK, line=Line.KERBSTONE
        ),
        _strip(
            strips,
            kind == LaneKind.FOOT_AREA,
            half,
            KERB_M - 0.01,
            PAVING,
            Layer.PAVING,
            PixelClass.SIDEWALK,
            but=open_road,
        ),
        _verges(town, strips, half),
        _junctions(town),
        *_stop_lines(town),
        *_bays(town),
        _ground(town, cell_m),
        *_bridges(town, strips, half),
    ]
    first = np.setdiff1d(strips.of(walk), open_road)
    for side in (1.0, -1.0):
        line_m = strips.edge(side * half[strips.lane], KERB_M)
        a, b = (line_m[first], line_m[first + 1]) if side < 0 else (line_m[first + 1], line_m[first])
        meshes.append(_wall(a, b, KERB_M + GROUND_SINK_M, KERBSTONE, PixelClass.KERB, Detail.NEAR))
    return meshes
