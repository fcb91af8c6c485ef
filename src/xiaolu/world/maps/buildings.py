"""Buildings: those of the source, and, where it has none, ones drawn along its streets by chance of the source itself.

Comes in: lanes and junction outlines, footprints of the source. Goes out: the building arrays of a town. No building
touches a surface that somebody moves on.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import shapely

from xiaolu.core.chance import Purpose, generator
from xiaolu.world.maps.lanes import Lane, length_of
from xiaolu.world.maps.surfaces import at, by_edge, lane_surfaces, outline_surfaces
from xiaolu.world.town import LaneKind, RoadClass

MARGIN_M = 0.6
NEAR_REAL_M = 25.0  # where the source has buildings, none is invented this close to them
MEDIAN_M = 30.0  # carriageways nearer to each other than this have no houses between them
DEEP_M = 5.0  # houses stand on a tunnel only where it is this far down
HEIGHTS = {  # metres, low and high, by the class of the street in front
    RoadClass.MOTORWAY: (9.0, 24.0),
    RoadClass.TRUNK: (9.0, 30.0),
    RoadClass.PRIMARY: (12.0, 40.0),
    RoadClass.SECONDARY: (9.0, 34.0),
    RoadClass.TERTIARY: (7.0, 24.0),
    RoadClass.RESIDENTIAL: (6.0, 18.0),
    RoadClass.LIVING: (4.0, 9.5),
    RoadClass.SERVICE: (3.5, 8.0),
}


class Round(NamedTuple):
    """One round of drawing buildings along streets, metres: low and high of each figure.

    back: from the street's edge to the front; gap: to the next one; height: in place of the street's own.
    """

    width: tuple[float, float]
    depth: tuple[float, float]
    back: tuple[float, float]
    gap: tuple[float, float]
    height: tuple[float, float] | None = None


# Later rounds fill what earlier ones left free; the last is the second row.
ROUNDS = (
    Round((10.0, 26.0), (9.0, 17.0), (0.9, 3.5), (0.4, 5.0)),
    Round((6.0, 10.0), (5.0, 9.0), (0.9, 2.5), (0.4, 3.0)),
    Round((10.0, 22.0), (8.0, 14.0), (20.0, 28.0), (4.0, 14.0)),
)


def frontages(lanes: list[Lane]) -> list[tuple[np.ndarray, float, RoadClass]]:
    """Return (line, metres from it to the street's edge, class) for each side of a street, the outside on its right."""
    found = []
    roads = [lane for lane in lanes if lane.kind == LaneKind.DRIVE]
    tree = shapely.STRtree(lane_surfaces(roads))
    for numbers in by_edge(lanes).values():
        members = [lanes[n] for n in numbers]
        if members[0].layer != 0 or length_of(members[0].line) < 8.0:
            continue
        road = members[0].road
        found.append((members[0].line, members[0].width_m / 2, road))
        inner = members[-1]
        if inner.kind == LaneKind.DRIVE and not across(inner, tree):
            found.append((inner.line[::-1], inner.width_m / 2, road))
    return found


def across(lane: Lane, roads: shapely.STRtree) -> bool:
    """Whether there is another road on a lane's left: the other carriageway, with at most a median between."""
    x, y, yaw = at(lane.line, 0.5 * length_of(lane.line))
    reach = np.array([[lane.width_m / 2 + 0.6], [MEDIAN_M]]) * np.array([-np.sin(yaw), np.cos(yaw)])
    return bool(len(roads.query(shapely.LineString(reach + np.array([x, y])), predicate="intersects")))


def draw_round(
    which: int, drawn: Round, heights_m: Mapping[RoadClass, tuple[float, float]], fronts: list, seed: int
) -> tuple[np.ndarray, list[float]]:
    """Return candidate boxes (n, 4, 2), counter-clockwise, and their heights, along all frontages."""
    chance = generator(seed, Purpose.TOWN, 1, which)
    boxes, heights = [], []
    for line, half, road in fronts:
        length = length_of(line)
        low, high = drawn.height or heights_m[road]
        row_m = low + (high - low) * chance.random() ** 1.6
        s = chance.uniform(0.0, 4.0)
        while True:
            width = chance.uniform(*drawn.width)
            depth, back, gap, storeys = (
                chance.uniform(*drawn.depth),
                chance.uniform(*drawn.back),
                chance.uniform(*drawn.gap),
                chance.normal(),
            )
            if s + width > length + 2.0:
                break
            (ax, ay, _), (bx, by, _) = at(line, s), at(line, s + width)
            along = np.array([bx - ax, by - ay])
            chord = float(np.hypot(*along))
            s += width + gap
            if chord < 0.8 * width:
                continue
            along /= chord
            out = np.array([along[1], -along[0]])
            front = np.array([ax, ay]) + out * (half + back)
            boxes.append([front, front + out * depth, front + out * depth + along * chord, front + along * chord])
            tall_m = float(np.clip(row_m * np.exp(0.28 * storeys), 3.0, 42.0))
            heights.append(tall_m if drawn.height is None else row_m)
    return np.array(boxes).reshape(-1, 4, 2), heights


def first_come(shapes: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return which of the free shapes stand when each in turn gives way to those before it."""
    candidates = np.flatnonzero(free)
    left, right = shapely.STRtree(shapes[candidates]).query(shapes[candidates], predicate="intersects")
    earlier: dict[int, list[int]] = {}
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        if b < a:
            earlier.setdefault(a, []).append(b)
    stands = np.zeros(len(candidates), bool)
    for i in range(len(candidates)):
        stands[i] = not any(stands[j] for j in earlier.get(i, ()))
    return candidates[stands]


def touching(shapes: np.ndarray, obstacles: np.ndarray, within_m: float = 0.0) -> np.ndarray:
    """Return (n,) bool: shapes that come within a distance of any obstacle."""
    mask = np.zeros(len(shapes), bool)
    if len(obstacles) and len(shapes):
        hits = shapely.STRtree(obstacles).query(shapes, predicate="dwithin", distance=max(within_m, 1e-3))
        mask[hits[0]] = True
    return mask


def real_buildings(outlines: list, surfaces: np.ndarray) -> tuple[list[np.ndarray], list[float | None]]:
    """Return footprints (n, 2) and heights of the source's own buildings; what reaches into a street is cut off."""
    if not outlines:
        return [], []
    tree = shapely.STRtree(surfaces)
    kept, heights = [], []
    for points, height in outlines:
        shape = shapely.make_valid(shapely.Polygon(points))
        near = tree.query(shape, predicate="intersects")
        whole = shape.area
        if len(near):
            shape = shapely.difference(shape, shapely.union_all(surfaces[near]))
        parts = [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon"]
        if not parts:
            continue
        largest = shapely.simplify(max(parts, key=lambda part: part.area), 0.1)
        if largest.area < max(8.0, 0.4 * whole) or largest.exterior is None:
            continue
        kept.append(np.array(shapely.geometry.polygon.orient(largest).exterior.coords)[:-1])
        heights.append(height)
    return kept, heights


def with_wing(box: np.ndarray, share_x: float, share_y: float) -> np.ndarray:
    """Return an L-shaped footprint (6, 2): a box (4, 2) with one rear corner taken away."""
    a, b, c, d = box
    along, out = d - a, b - a
    return np.array([a, a + out * (1 - share_y), a + out * (1 - share_y) + along * share_x, b + along * share_x, c, d])


def place_buildings(
    lanes: list[Lane],
    outlines: list[np.ndarray],
    real: list,
    seed: int,
    rounds: Sequence[Round] = ROUNDS,
    heights_m: Mapping[RoadClass, tuple[float, float]] = HEIGHTS,
    margin_m: float = MARGIN_M,
    keep_off: Sequence[shapely.Geometry] = (),
) -> dict[str, np.ndarray]:
    """Return the town's building arrays. real: (outline (n, 2), height or None) of the source, in the town's frame.

    margin_m: what stays free beside every lane; keep_off: other places where nothing is built.
    """
    surfaces = np.concatenate([lane_surfaces(lanes, margin_m), outline_surfaces(outlines)])
    shallow = [lane.layer >= 0 or float(lane.line[:, 2].max()) > -DEEP_M for lane in lanes]
    ground = np.concatenate([shallow, np.ones(len(outlines), bool)])
    surfaces = np.concatenate([surfaces[ground], np.array([*keep_off, None], dtype=object)[:-1]])
    footprints, told = real_buildings(real, surfaces)
    chance = generator(seed, Purpose.TOWN, 2)
    heights = [h if h else float(chance.uniform(6.0, 20.0)) for h in told]
    standing = np.array([shapely.Polygon(f) for f in footprints], dtype=object)
    near_real = standing
    fronts = frontages(lanes)
    for which, drawn in enumerate(rounds):
        boxes, tall = draw_round(which, drawn, heights_m, fronts, seed)
        if not len(boxes):
            continue
        shapes = shapely.polygons(boxes)
        free = (
            ~touching(shapes, surfaces) & ~touching(shapes, standing, 0.3) & ~touching(shapes, near_real, NEAR_REAL_M)
        )
        if not free.any():
            continue
        for i in first_come(shapes, free):
            wing = chance.random(3)
            box = boxes[i]
            if wing[0] < 0.22 and tall[i] < 25.0 and drawn.depth[1] > 9.0 and drawn.height is None:
                box = with_wing(box, 0.3 + 0.3 * wing[1], 0.3 + 0.3 * wing[2])
            footprints.append(box)
            heights.append(tall[i])
        standing = np.array([shapely.Polygon(f) for f in footprints], dtype=object)
    counts = [len(f) for f in footprints]
    styles = generator(seed, Purpose.STYLE, 2).integers(0, 2**31 - 1, len(footprints))
    return {
        "building_start": np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        "building_points": np.concatenate(footprints) if footprints else np.zeros((0, 2)),
        "building_height_m": np.round(np.array(heights, np.float64), 2),
        "building_style": styles.astype(np.int32),
    }
