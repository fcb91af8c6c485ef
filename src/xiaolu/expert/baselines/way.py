"""A route as baselines drive it: where the ego is, a drivable path beside the line, and what lies ahead on it.

World frame, metres. sigma is metres along a path from the ego's rear axle now.
"""

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, Decision, LampColour
from xiaolu.core.frames import to_child
from xiaolu.core.plan import PATH_DISTANCES_M, Plan
from xiaolu.core.scene import Scene
from xiaolu.core.users import Users
from xiaolu.expert.bodies import frenet
from xiaolu.expert.course import Course
from xiaolu.expert.path import PATH_STEP_M, PATH_STEPS, S_CELLS, drive_line, target_line
from xiaolu.measures.strategy import strategy_of
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePlan
from xiaolu.world.town import Town

HALF_WIDTH_M = 0.5 * EGO_BODY.width_m + 0.1  # what is nearer than this to the line is on the way
SEEN_M = 60.0  # nobody beyond matters within four seconds
LATERAL_MPS2 = 2.0  # bends are taken no faster
HOLDS = (LampColour.RED, LampColour.YELLOW)


class Way:
    """The way of one ride. Its only memory is how far the ego has come."""

    def __init__(self, town: Town, route: RoutePlan, ground: Ground | None = None) -> None:
        self.ground = ground or Ground(town)
        self.course = Course(town, route, self.ground)
        self.s_m = 0.0

    def locate(self, scene: Scene) -> tuple[float, float]:
        """Return (s_m, d_m): how far along the line the rear axle is, and how far left of it."""
        course = self.course
        place = scene.ego_pose[None, :2]
        for first, last in (
            (max(int((self.s_m - 15.0) / course.step_m), 0), min(int((self.s_m + 25.0) / course.step_m) + 2, course.n)),
            (0, course.n),
        ):
            s, d = frenet(course.xy, course.yaw_rad, course.step_m, first, last, place[:, 0], place[:, 1])
            if abs(d[0]) < 8.0:
                break
        self.s_m = float(max(s[0], 0.0))
        return self.s_m, float(d[0])

    def path(self, scene: Scene, s_m: float, offset_m: float = 0.0) -> np.ndarray:
        """Return (PATH_STEPS + 1, 4) x, y, yaw, curvature every PATH_STEP_M: a car following the line, so far left."""
        course = self.course
        first = max(int((s_m - 4.0) / course.step_m), 0)
        count = min(int((PATH_STEPS * PATH_STEP_M + 8.0) / course.step_m), course.n - first)
        line = target_line(course.xy, course.yaw_rad, course.step_m, first, count, s_m, np.full(S_CELLS, offset_m))
        curvature = float(np.tan(scene.ego_steering_rad) / EGO_BODY.wheelbase_m)
        settle_m = float(np.clip(3.5 + 0.8 * scene.ego_speed_mps, 4.5, 11.0))
        x, y, yaw = scene.ego_pose
        return drive_line(float(x), float(y), float(yaw), curvature, line, settle_m)

    def limit_mps(self, path: np.ndarray, s_m: float) -> np.ndarray:
        """Return (PATH_STEPS + 1,) m/s: what the road allows along a path, bends included."""
        sigma = np.arange(PATH_STEPS + 1) * PATH_STEP_M
        index = np.clip(((s_m + sigma) / self.course.step_m).astype(np.int64), 0, self.course.n - 1)
        bend = np.sqrt(LATERAL_MPS2 / np.maximum(np.convolve(np.abs(path[:, 3]), np.full(5, 0.2), "same"), 1e-4))
        return np.minimum(self.course.limit_mps[index], bend)

    def goal_ahead_m(self, s_m: float) -> float:
        """Return how far the rear axle still has to go."""
        return self.course.goal_s_m - s_m

    def line_ahead_m(self, scene: Scene, s_m: float) -> float:
        """Return sigma of the next stop line whose lamp holds the front bumper, infinite where none does."""
        colours = self.course.colours(scene.signal_colour, scene.signal_countdown_s)
        for line in self.course.stop_lines:
            ahead = line.s_m - s_m
            if ahead > EGO_BODY.front_x_m and self.course.ruling(line, colours) in HOLDS:
                return ahead
        return np.inf

    def decision(self, scene: Scene, path: np.ndarray, s_m: float, speed_mps: np.ndarray, cause: Cause, why: str):
        """Return the Decision for a path and a speed profile (SPEED_KNOTS,)."""
        index = np.rint(PATH_DISTANCES_M / PATH_STEP_M).astype(np.int64)
        at, course = path[index], self.course
        plan = Plan(to_child(scene.ego_pose, at[:, :2]), np.ascontiguousarray(speed_mps))
        first, last = max(int((s_m - 12.0) / course.step_m), 0), min(int((s_m + 80.0) / course.step_m), course.n)
        _, left = frenet(course.xy, course.yaw_rad, course.step_m, first, last, at[:, 0], at[:, 1])
        return Decision(scene.stamp_ns, plan, strategy_of(plan, scene.ego_speed_mps, left), cause, why)


def near_users(scene: Scene) -> Users:
    """Return the users within SEEN_M of the ego that it can see."""
    users = scene.users
    away = np.hypot(users.x_m - scene.ego_pose[0], users.y_m - scene.ego_pose[1])
    return users[np.flatnonzero(users.active & scene.visible & (away < SEEN_M))]


def boxes_of(users: Users) -> tuple[np.ndarray, np.ndarray]:
    """Return (boxes (U, 5), velocity (U, 2)) of users."""
    boxes = np.stack([users.x_m, users.y_m, users.yaw_rad, users.length_m, users.width_m], axis=-1)
    return boxes, users.speed_mps[:, None] * np.stack([np.cos(users.yaw_rad), np.sin(users.yaw_rad)], axis=-1)


@njit(cache=True)
def meetings(path, step_m, boxes, velocity, half_width_m, moments, dt_s):
    """Return (moments, U, 2): from and to which sigma a path's strip meets each box, moved at constant velocity.

    path (P, 4); boxes (U, 5); velocity (U, 2). NaN where it does not meet it.
    """
    out = np.full((moments, len(boxes), 2), np.nan)
    for k in range(moments):
        for u in range(len(boxes)):
            x = boxes[u, 0] + velocity[u, 0] * k * dt_s
            y = boxes[u, 1] + velocity[u, 1] * k * dt_s
            cos, sin = np.cos(boxes[u, 2]), np.sin(boxes[u, 2])
            reach = 0.5 * np.hypot(boxes[u, 3], boxes[u, 4]) + half_width_m
            i = 0
            while i < len(path):
                dx, dy = path[i, 0] - x, path[i, 1] - y
                away = np.hypot(dx, dy) - reach
                if away > 0.0:
                    i += max(int(away / step_m), 1)
                    continue
                along = max(abs(cos * dx + sin * dy) - 0.5 * boxes[u, 3], 0.0)
                across = max(abs(-sin * dx + cos * dy) - 0.5 * boxes[u, 4], 0.0)
                if along * along + across * across < half_width_m * half_width_m:
                    if np.isnan(out[k, u, 0]):
                        out[k, u, 0] = i * step_m
                    out[k, u, 1] = i * step_m
                i += 1
    return out


class WayDriver:
    """What the drivers along a way share: they see nothing but the scene, and remember only how far they have come."""

    cameras: tuple[str, ...] = ()

    def __init__(self, town: Town, route: RoutePlan, ground: Ground | None = None) -> None:
        self._way = Way(town, route, ground)

    def reset(self, seed: int) -> None:
        """Begin at the start of the way. The seed changes nothing: no chance is drawn."""
        self._way.s_m = 0.0

    def snapshot(self) -> float:
        return self._way.s_m

    def restore(self, snapshot: float) -> None:
        self._way.s_m = snapshot
