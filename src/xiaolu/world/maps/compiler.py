"""From lanes, signals and surroundings to the town's flat arrays."""

from collections.abc import Iterable

import numpy as np
import shapely
from shapely import LineString, Polygon, make_valid
from shapely.ops import unary_union

from xiaolu.world.maps.lanes import Lane
from xiaolu.world.maps.net import Net
from xiaolu.world.maps.surfaces import lane_surfaces
from xiaolu.world.town import LaneKind, Marking, RoadClass


def ragged(rows: Iterable[Iterable[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return (start (n + 1,), values) int32 of rows of indices."""
    listed = [list(row) for row in rows]
    start = np.concatenate([[0], np.cumsum([len(row) for row in listed])]).astype(np.int32)
    return start, np.array([value for row in listed for value in row], np.int32)


def junction_outlines(net: Net, lanes: list[Lane]) -> dict[str, np.ndarray]:
    """Return the outlines (n, 2) of all junctions by name: the surface that vehicles use, walking areas taken away."""
    areas: dict[str, list[Polygon]] = {}
    for edge in net.edges.values():
        if edge.function == "walkingarea":
            for lane in edge.lanes:
                if len(lane.shape) > 2:
                    outline = Polygon(lane.shape[:, :2])
                    areas.setdefault(edge.name.removeprefix(":").rsplit("_", 1)[0], []).append(outline)
    outlines: dict[str, np.ndarray] = {}
    for junction in net.junctions:
        if len(junction.shape) < 3 or not junction.links:
            continue
        surface = make_valid(Polygon(junction.shape[:, :2]))
        if junction.name in areas:
            surface = surface.difference(unary_union([make_valid(area) for area in areas[junction.name]]))
        parts = [part for part in getattr(surface, "geoms", [surface]) if part.geom_type == "Polygon"]
        if parts:
            largest = max(parts, key=lambda part: part.area)
            if largest.area > 0.5:
                outlines[junction.name] = np.array(largest.exterior.coords)[:-1]
    for name in sorted({lane.junction for lane in lanes if lane.junction} - set(outlines)):
        # A junction whose edges meet end to end has no surface of its own in the net.
        inside = [lane for lane in lanes if lane.junction == name]
        hull = unary_union([LineString(lane.line[:, :2]).buffer(lane.width_m / 2, cap_style="flat") for lane in inside])
        outlines[name] = np.array(hull.convex_hull.exterior.coords)[:-1]
    return outlines


def marking_of(lane: Lane, lanes: list[Lane], two_way: set[str]) -> Marking:
    """Return the line on a lane's left edge."""
    if lane.kind != LaneKind.DRIVE or lane.junction:
        return Marking.NONE
    if lane.left >= 0:
        return Marking.DASHED
    if lane.twin >= 0 or lane.road >= RoadClass.LIVING:
        return Marking.NONE
    if lane.edge not in two_way:
        return Marking.SOLID if lane.road < RoadClass.RESIDENTIAL else Marking.NONE
    wide = lane.right >= 0
    if lane.road >= RoadClass.RESIDENTIAL:
        return Marking.DASHED if lane.width_m >= 3.25 else Marking.NONE
    return Marking.DOUBLE if wide else Marking.SOLID if lane.road <= RoadClass.SECONDARY else Marking.DASHED


def drop_distant_foes(lanes: list[Lane]) -> None:
    """Forget, in place, foes whose swept surfaces never meet: the net's tables are about links, not about shapes."""
    surfaces = lane_surfaces(lanes, 0.15)
    shapely.prepare(surfaces)
    for number, lane in enumerate(lanes):
        foes = np.array(sorted(lane.crosses), int)
        if len(foes):
            apart = set(foes[~shapely.intersects(surfaces[number], surfaces[foes])].tolist())
            lane.crosses -= apart
            lane.yields -= apart


def lane_tables(net: Net, lanes: list[Lane], junctions: dict[str, np.ndarray]) -> tuple[dict, tuple[str, ...]]:
    """Return the arrays of the lane part, connections and junctions, and the names of the streets."""
    streets = tuple(sorted({lane.street for lane in lanes if lane.street}))
    street = {name: i for i, name in enumerate(streets)}
    edge = {name: i for i, name in enumerate(dict.fromkeys(lane.edge for lane in lanes))}
    names, outlines = list(junctions), list(junctions.values())
    junction = {name: i for i, name in enumerate(names)}
    pairs = {(e.start, e.end) for e in net.edges.values() if e.function == "normal"}
    two_way = {e.name for e in net.edges.values() if e.function == "normal" and (e.end, e.start) in pairs}
    layer_of: dict[int, list[int]] = {}
    for lane in lanes:
        if lane.junction in junction:
            layer_of.setdefault(junction[lane.junction], []).append(lane.layer)
    next_start, next_lane = ragged(lane.nexts for lane in lanes)
    yield_start, yield_lane = ragged(sorted(lane.yields) for lane in lanes)
    cross_start, cross_lane = ragged(sorted(lane.crosses) for lane in lanes)
    point_start = np.concatenate([[0], np.cumsum([len(lane.line) for lane in lanes])]).astype(np.int32)
    length = [float(np.hypot(*np.diff(lane.line[:, :2], axis=0).T).sum()) for lane in lanes]
    tables = {
        "lane_kind": np.array([lane.kind for lane in lanes], np.uint8),
        "lane_turn": np.array([lane.turn for lane in lanes], np.uint8),
        "lane_class": np.array([lane.road for lane in lanes], np.uint8),
        "lane_marking": np.array([marking_of(lane, lanes, two_way) for lane in lanes], np.uint8),
        "lane_width_m": np.array([lane.width_m for lane in lanes]),
        "lane_limit_mps": np.array([lane.limit_mps for lane in lanes]),
        "lane_length_m": np.array(length),
        "lane_street": np.array([street.get(lane.street, -1) for lane in lanes], np.int32),
        "lane_layer": np.array([lane.layer for lane in lanes], np.int8),
        "lane_edge": np.array([edge[lane.edge] for lane in lanes], np.int32),
        "lane_left": np.array([lane.left for lane in lanes], np.int32),
        "lane_right": np.array([lane.right for lane in lanes], np.int32),
        "lane_twin": np.array([lane.twin for lane in lanes], np.int32),
        "lane_junction": np.array([junction.get(lane.junction, -1) for lane in lanes], np.int32),
        "point_start": point_start,
        "points": np.concatenate([lane.line for lane in lanes]),
        "next_start": next_start,
        "next_lane": next_lane,
        "yield_start": yield_start,
        "yield_lane": yield_lane,
        "cross_start": cross_start,
        "cross_lane": cross_lane,
        "junction_start": np.concatenate([[0], np.cumsum([len(o) for o in outlines])]).astype(np.int32),
        "junction_points": np.concatenate(outlines) if outlines else np.zeros((0, 2)),
        "junction_layer": np.array([min(layer_of.get(i, [0]), key=abs) for i in range(len(names))], np.int8),
    }
    return tables, streets
