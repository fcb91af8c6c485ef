"""The route frame: s metres along a route from an anchor, metres left of its line, headings against its direction.

In: a town, a path, the anchor; out: places in the world, and the measures that scenario files may name.
"""

import numpy as np

from xiaolu.core.frames import wrap_angle
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath
from xiaolu.world.town import LaneKind, Town

EDGE_STEP_M, EDGE_REACH_M = 0.1, 22.0
FOOT_GAP_M = 0.7  # where there is no footway people walk this far beyond the edge
OPPOSITE_RAD = 2.4
_FOOT = (int(LaneKind.FOOT),)
_DRIVE = (int(LaneKind.DRIVE),)


class RouteFrame:
    """marks: names of places along the route, in s_m."""

    def __init__(self, town: Town, path: RoutePath, anchor_s_m: float, ground: Ground, marks: dict[str, float]) -> None:
        self.town, self.path, self.anchor_s_m, self._ground = town, path, anchor_s_m, ground
        self.marks = {"start_m": -anchor_s_m, "goal_m": path.length_m - anchor_s_m, **marks}
        self._edges: dict[float, tuple[float, float]] = {}

    def pose(self, s_m: float, left_m: float = 0.0, heading_rad: float = 0.0) -> tuple[float, float, float, float]:
        """Return (x, y, z, yaw) of a place; beyond the route's ends the line goes straight on."""
        at = self.anchor_s_m + s_m
        x, y, yaw = self.path.point_at(at)
        beyond = at - min(max(at, 0.0), self.path.length_m)
        x, y = x + beyond * np.cos(yaw), y + beyond * np.sin(yaw)
        z = float(np.interp(at, self.path.s_m, self.path.points[:, 2]))
        return (
            float(x - left_m * np.sin(yaw)),
            float(y + left_m * np.cos(yaw)),
            z,
            float(wrap_angle(yaw + heading_rad)),
        )

    def of(self, x: float, y: float, near_s_m: float, window_m: float = 60.0) -> tuple[float, float]:
        """Return (s_m, left_m) of a place in the world, looking near s_m."""
        s_m, left_m = self.path.project(x, y, self.anchor_s_m + near_s_m, window_m)
        end = self.path.point_at(s_m)
        if s_m <= 0.0 or s_m >= self.path.length_m:
            dx, dy = x - end[0], y - end[1]
            s_m += float(dx * np.cos(end[2]) + dy * np.sin(end[2]))
            left_m = float(-dx * np.sin(end[2]) + dy * np.cos(end[2]))
        return float(s_m - self.anchor_s_m), float(left_m)

    def measure(self, name: str, s_m: float = 0.0) -> float:
        """Return a site's measure by name, across ones taken at s_m. Raises KeyError for a name that is none."""
        if name in self.marks:
            return self.marks[name]
        lane = self.path.lane_at(self.anchor_s_m + s_m)
        width = float(self.town.lane_width_m[lane])
        match name:
            case "right_edge_m":
                return self.edges(s_m)[0]
            case "left_edge_m":
                return self.edges(s_m)[1]
            case "width_m":
                right, left = self.edges(s_m)
                return left - right
            case "lane_width_m":
                return width
            case "right_walk_m":
                return self._walk(s_m, -1.0)
            case "left_walk_m":
                return self._walk(s_m, 1.0)
            case "oncoming_m":
                found = self.oncoming(s_m)
                return found[1] if found else self.edges(s_m)[1] - 1.3
            case "left_lane_m":
                return self._beside(int(self.town.lane_left[lane]), s_m, width)
            case "right_lane_m":
                return self._beside(int(self.town.lane_right[lane]), s_m, -width)
        raise KeyError(name)

    def edges(self, s_m: float) -> tuple[float, float]:
        """Return (right, left): how far the drivable surface goes, in left_m."""
        key = round(s_m, 1)
        if key not in self._edges:
            x, y, _, yaw = self.pose(key)
            offsets = np.arange(0.0, EDGE_REACH_M, EDGE_STEP_M)
            out = []
            for sign in (-1.0, 1.0):
                across = sign * offsets
                points = np.stack([x - across * np.sin(yaw), y + across * np.cos(yaw)], axis=-1)
                off = np.flatnonzero(self._ground.off_road_m(points) > 0.02)
                free = offsets[max(int(off[0]) - 1, 0)] if len(off) else EDGE_REACH_M
                out.append(sign * float(free))
            least = 0.5 * float(self.town.lane_width_m[self.path.lane_at(self.anchor_s_m + key)])
            self._edges[key] = (min(out[0], -0.5 * least), max(out[1], 0.5 * least))
        return self._edges[key]

    def oncoming(self, s_m: float) -> tuple[int, float] | None:
        """Return (lane, left_m) of the nearest lane the other way on the same surface, None where there is none."""
        return self._across(s_m, self.edges(s_m)[1] + 0.5)

    def opposite(self, s_m: float) -> tuple[int, float] | None:
        """Return (lane, left_m) of the nearest lane the other way, beyond a median as well."""
        return self._across(s_m, 18.0)

    def _across(self, s_m: float, most_m: float) -> tuple[int, float] | None:
        x, y, _, yaw = self.pose(s_m)
        best: tuple[int, float] | None = None
        for lane in self._ground.lanes_near(x, y, most_m + 1.0, _DRIVE):
            lane_yaw, left_m, along_m = self._lateral(int(lane), x, y, yaw)
            if abs(wrap_angle(lane_yaw - yaw)) < OPPOSITE_RAD or abs(along_m) > 2.0 or not -0.5 < left_m < most_m:
                continue
            if self.town.lane_junction[lane] >= 0 and best is not None:
                continue
            if best is None or left_m < best[1]:
                best = (int(lane), left_m)
        return best

    def walkway(self, s_m: float, side: float) -> int:
        """Return the footway's lane on a side (1: left, -1: right), -1 where there is none."""
        right, left = self.edges(s_m)
        x, y, _, _ = self.pose(s_m, (left if side > 0 else right) + 1.25 * side)
        lane, _, _, distance = self._ground.nearest(x, y, _FOOT)
        return int(lane) if lane >= 0 and distance < 2.4 else -1

    def _walk(self, s_m: float, side: float) -> float:
        right, left = self.edges(s_m)
        edge = left if side > 0 else right
        lane = self.walkway(s_m, side)
        if lane < 0:
            return edge + FOOT_GAP_M * side
        x, y, _, yaw = self.pose(s_m)
        return self._lateral(lane, x, y, yaw)[1]

    def _beside(self, lane: int, s_m: float, without_m: float) -> float:
        if lane < 0:
            return without_m
        x, y, _, yaw = self.pose(s_m)
        return self._lateral(lane, x, y, yaw)[1]

    def _lateral(self, lane: int, x: float, y: float, yaw: float) -> tuple[float, float, float]:
        """Return (yaw of the lane, left_m, ahead_m) of a lane's nearest place as seen from a pose."""
        line = self.town.line(lane)[:, :2]
        a, b = line[:-1], line[1:]
        step = b - a
        share = np.clip(((x - a[:, 0]) * step[:, 0] + (y - a[:, 1]) * step[:, 1]) / np.sum(step**2, axis=1), 0.0, 1.0)
        near = a + share[:, None] * step
        n = int(np.argmin((near[:, 0] - x) ** 2 + (near[:, 1] - y) ** 2))
        dx, dy = near[n, 0] - x, near[n, 1] - y
        ahead, left = dx * np.cos(yaw) + dy * np.sin(yaw), -dx * np.sin(yaw) + dy * np.cos(yaw)
        return float(np.arctan2(step[n, 1], step[n, 0])), float(left), float(ahead)

    def bend_rad(self, s_m: float, reach_m: float = 30.0) -> float:
        """Return by how much the route turns within reach_m of a place, at most, radians."""
        index = np.abs(self.path.s_m - self.anchor_s_m - s_m) <= reach_m
        yaw = self.path.yaw_rad[index]
        return float(yaw.max() - yaw.min()) if len(yaw) else 0.0
