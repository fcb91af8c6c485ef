"""A yardstick that is no driver: follows the way's line at a speed, and knows nothing of hands, priority or gaps.

In: the scene; out: decisions. `heeds` makes it brake for a red lamp and for what stands or drives in its way.
"""

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Decision, LampColour, Pace, PathMode, Strategy
from xiaolu.core.frames import to_child
from xiaolu.core.observation import Observation
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_TIMES_S, Plan
from xiaolu.core.scene import Scene
from xiaolu.measures.geometry import clearance_m
from xiaolu.world.parking import PARKED_UID
from xiaolu.world.routing import RoutePath, RoutePlan
from xiaolu.world.signals import entry_colour, ordered_by
from xiaolu.world.town import Town

UP_MPS2, DOWN_MPS2, BRAKES_MPS2 = 1.2, 2.0, 1.3
HEEDS_MPS2 = 3.5  # most that who heeds brakes with
ACROSS_MPS2 = 1.5  # most in a bend
LOOK_M, ASIDE_M, GAP_M, BEFORE_LINE_M = 40.0, 0.3, 3.0, 1.5
STOPS = (LampColour.RED, LampColour.YELLOW)


def rolling(speed_mps: float, wish_mps: float, up_mps2: float = UP_MPS2, down_mps2: float = DOWN_MPS2) -> np.ndarray:
    """Return a profile (SPEED_KNOTS,) from one speed towards another."""
    least, most = speed_mps - down_mps2 * SPEED_TIMES_S, speed_mps + up_mps2 * SPEED_TIMES_S
    return np.clip(wish_mps, least, most).clip(0.0)


class Follower:
    """speed_mps: the speed it keeps, but for bends and the goal; None: each lane's limit. 0: it stands for ever."""

    name = "follower"
    cameras: tuple[str, ...] = ()

    def __init__(
        self,
        town: Town,
        route: RoutePlan,
        speed_mps: float | None = 6.0,
        heeds: bool = False,
        through_parked: bool = False,
    ) -> None:
        """through_parked: what is parked is not heeded: rides that count what is met need not pass it."""
        self.town, self.path = town, RoutePath(town, route)
        self.speed_mps, self.heeds, self.through_parked = speed_mps, heeds, through_parked

    def reset(self, seed: int) -> None:
        self.s_m = 0.0

    def drive_scene(self, scene: Scene, observation: Observation) -> Decision:
        """Return the plan along the way; off its line it comes back to it within 8 m."""
        pose, path = scene.ego_pose, self.path
        self.s_m, offset_m = path.project(float(pose[0]), float(pose[1]), self.s_m)
        ahead = self.s_m + PATH_DISTANCES_M
        poses = path.point_at(ahead)
        beyond = np.maximum(ahead - path.length_m, 0.0)[:, None]
        rejoin = offset_m * np.clip(1.0 - PATH_DISTANCES_M / 8.0, 0.0, 1.0) ** 2
        direction = np.column_stack([np.cos(poses[:, 2]), np.sin(poses[:, 2])])
        normal = np.column_stack([-direction[:, 1], direction[:, 0]])
        points = poses[:, :2] + beyond * direction + rejoin[:, None] * normal
        bend = np.abs(np.interp(ahead[:15], path.s_m, path.curvature_1pm)).max()
        left_m = max(path.length_m - 2.0 - self.s_m, 0.0)
        own = float(self.town.lane_limit_mps[path.lane_at(self.s_m)]) if self.speed_mps is None else self.speed_mps
        wish = min(own, float(np.sqrt(ACROSS_MPS2 / max(bend, 1e-3))), float(np.sqrt(2.0 * UP_MPS2 * left_m)))
        if self.heeds:
            wish = min(wish, self._before_line(scene), self._behind(scene))
        down = HEEDS_MPS2 if self.heeds else DOWN_MPS2
        plan = Plan(to_child(pose, points), rolling(scene.ego_speed_mps, wish, down_mps2=down))
        return Decision(observation.stamp_ns, plan, Strategy(PathMode.KEEP, Pace.GO))

    def _before_line(self, scene: Scene) -> float:
        """Return the speed at which it still stops before the next line whose lamp says so, m/s."""
        town, path = self.town, self.path
        colours = None
        for entry_m, _, lane in path.junctions:
            front_m = self.s_m + EGO_BODY.front_x_m
            if town.lane_signal[lane] < 0 or entry_m < front_m - 1.0 or entry_m > front_m + LOOK_M:
                continue
            colours = ordered_by(town, scene.signal_colour, scene.signal_countdown_s) if colours is None else colours
            position = int(np.flatnonzero(path.plan.lanes == lane)[0])
            before = int(path.plan.lanes[max(position - 1, 0)])
            stop = float(town.stop_s_m[before])
            line_m = entry_m - (float(town.lane_length_m[before]) - stop if np.isfinite(stop) else 0.0)
            if front_m < line_m + 0.5 and entry_colour(town, colours, lane) in STOPS:
                return float(np.sqrt(2.0 * BRAKES_MPS2 * max(line_m - BEFORE_LINE_M - front_m, 0.0)))
        return float("inf")

    def _behind(self, scene: Scene) -> float:
        """Return the speed that leaves it GAP_M behind what is in its way now or in a second, m/s."""
        users, (x, y, _) = scene.users, scene.ego_pose
        looked_at = users.active & ~(self.through_parked & (users.uid >= PARKED_UID))
        near = np.flatnonzero(looked_at & (np.hypot(users.x_m - x, users.y_m - y) < LOOK_M + 5.0))
        if not len(near):
            return float("inf")
        some, along = users[near], np.arange(EGO_BODY.front_x_m + 0.5, LOOK_M, 1.0)
        swept = self.path.point_at(np.minimum(self.s_m + along, self.path.length_m))
        size = np.ones_like(along), np.full_like(along, EGO_BODY.width_m + 2.0 * ASIDE_M)
        way = np.column_stack([swept, *size])
        ahead_x, ahead_y = some.speed_mps * np.cos(some.yaw_rad), some.speed_mps * np.sin(some.yaw_rad)
        wish = float("inf")
        for in_s in (0.0, 1.0):
            boxes = np.stack([some.x_m + in_s * ahead_x, some.y_m + in_s * ahead_y, some.yaw_rad, some.length_m,
                              some.width_m], axis=-1)  # fmt: skip
            meets = clearance_m(way[:, None], boxes[None]) <= 0.0
            for k in np.flatnonzero(meets.any(axis=0)):
                first = int(np.argmax(meets[:, k]))
                gap = max(along[first] - 0.5 - EGO_BODY.front_x_m - GAP_M, 0.0)
                leads = max(float(some.speed_mps[k] * np.cos(some.yaw_rad[k] - swept[first, 2])), 0.0)
                wish = min(wish, float(np.sqrt(leads**2 + 2.0 * BRAKES_MPS2 * gap)))
        return wish
