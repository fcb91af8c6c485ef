"""Drivers for tests: one that follows the way, one that is out of order in a way of one's choice."""

import numpy as np

from xiaolu.core.decision import Decision, Pace, PathMode, Strategy
from xiaolu.core.frames import to_child
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_TIMES_S, Plan
from xiaolu.world.routing import RoutePath


def rolling(speed_mps, wish_mps, up_mps2=1.2, down_mps2=2.0):
    """Return a profile (SPEED_KNOTS,) from one speed towards another."""
    return np.clip(wish_mps, speed_mps - down_mps2 * SPEED_TIMES_S, speed_mps + up_mps2 * SPEED_TIMES_S).clip(0.0)


class Follower:
    """Follows a way at a moderate speed and stops at its end; sees nobody."""

    name = "follower"
    cameras = ()

    def __init__(self, town, route, speed_mps=6.0):
        self.path = RoutePath(town, route)
        self.speed_mps = speed_mps

    def reset(self, seed):
        self.s_m = 0.0

    def drive_scene(self, scene, observation):
        pose = scene.ego_pose
        self.s_m, offset_m = self.path.project(float(pose[0]), float(pose[1]), self.s_m)
        ahead = self.s_m + PATH_DISTANCES_M
        poses = self.path.point_at(ahead)
        beyond = np.maximum(ahead - self.path.length_m, 0.0)[:, None]
        rejoin = offset_m * np.clip(1.0 - PATH_DISTANCES_M / 8.0, 0.0, 1.0) ** 2
        direction = np.column_stack([np.cos(poses[:, 2]), np.sin(poses[:, 2])])
        normal = np.column_stack([-direction[:, 1], direction[:, 0]])
        points = poses[:, :2] + beyond * direction + rejoin[:, None] * normal
        bend = np.abs(np.interp(ahead[:15], self.path.s_m, self.path.curvature_1pm)).max()
        left_m = max(self.path.length_m - 2.0 - self.s_m, 0.0)
        wish = min(self.speed_mps, np.sqrt(1.5 / max(bend, 1e-3)), np.sqrt(2.0 * 1.2 * left_m))
        plan = Plan(to_child(pose, points), rolling(scene.ego_speed_mps, wish))
        return Decision(observation.stamp_ns, plan, Strategy(PathMode.KEEP, Pace.GO))


class Remembering(Follower):
    """A follower that is shared among forks: its memory goes in and out."""

    def snapshot(self):
        return self.s_m

    def restore(self, snapshot):
        self.s_m = snapshot


class Blind:
    """Knows an Observation only, and drives straight on. `fault(index)` may return or raise anything instead."""

    name = "blind"

    def __init__(self, speed_mps=4.0, cameras=(), fault=None):
        self.speed_mps, self.cameras, self.fault = speed_mps, cameras, fault
        self.seen = []
        self.resets = 0

    def reset(self, seed):
        self.calls = 0
        self.resets += 1

    def drive(self, observation):
        self.calls += 1
        self.seen.append(observation)
        if self.fault is not None and (answer := self.fault(self.calls)) != "fine":
            return answer
        path = np.column_stack([PATH_DISTANCES_M, np.zeros_like(PATH_DISTANCES_M)])
        plan = Plan(path, rolling(observation.ego.speed_mps, self.speed_mps))
        return Decision(observation.stamp_ns, plan, Strategy(PathMode.KEEP, Pace.GO))
