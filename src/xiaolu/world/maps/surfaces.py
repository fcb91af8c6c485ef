"""What vehicles and people move on, as shapes: so that nothing else is put there."""

import numpy as np
import shapely

from xiaolu.world.maps.lanes import Lane
from xiaolu.world.town import LaneKind


def lane_surfaces(lanes: list[Lane], margin_m: float = 0.0) -> np.ndarray:
    """Return (L,) polygons: each lane's strip, `margin_m` wider on both sides."""
    counts = [len(lane.line) for lane in lanes]
    points = np.concatenate([lane.line[:, :2] for lane in lanes])
    lines = shapely.linestrings(points, indices=np.repeat(np.arange(len(lanes)), counts))
    half = np.array([lane.width_m / 2 for lane in lanes]) + margin_m
    return shapely.buffer(lines, half, quad_segs=2, cap_style="flat", join_style="mitre", mitre_limit=1.5)


def outline_surfaces(outlines: list[np.ndarray]) -> np.ndarray:
    """Return (J,) polygons of junction outlines."""
    return np.array([shapely.make_valid(shapely.Polygon(outline)) for outline in outlines], dtype=object)


def offset_points(line: np.ndarray, left_m: np.ndarray | float) -> np.ndarray:
    """Return (n, 2): a line's points (n, 2 or 3) moved to their left."""
    ahead = np.gradient(line[:, :2], axis=0)
    ahead /= np.maximum(np.hypot(*ahead.T), 1e-9)[:, None]
    return line[:, :2] + np.stack([-ahead[:, 1], ahead[:, 0]], axis=-1) * np.reshape(left_m, (-1, 1))


def at(line: np.ndarray, s_m: float) -> tuple[float, float, float]:
    """Return (x, y, yaw) on an evenly spaced line, s metres from its start."""
    length = float(np.hypot(*np.diff(line[:, :2], axis=0).T).sum())
    place = min(max(s_m / max(length, 1e-6), 0.0), 1.0) * (len(line) - 1)
    i = min(int(place), len(line) - 2)
    step = line[i + 1, :2] - line[i, :2]
    x, y = line[i, :2] + (place - i) * step
    return float(x), float(y), float(np.arctan2(step[1], step[0]))


def by_edge(lanes: list[Lane]) -> dict[str, list[int]]:
    """Return the ordinary lanes of each carriageway, right to left."""
    edges: dict[str, list[int]] = {}
    for number, lane in enumerate(lanes):
        if not lane.junction and lane.kind != LaneKind.CROSSING:
            edges.setdefault(lane.edge, []).append(number)
    return edges
