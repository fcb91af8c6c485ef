"""Standing still, constant speed along the route, and IDM on the route: what any driver has to beat."""

from collections.abc import Callable

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, Decision
from xiaolu.core.observation import Observation
from xiaolu.core.plan import SPEED_KNOTS, SPEED_TIMES_S
from xiaolu.core.scene import Scene
from xiaolu.expert.baselines.idm import DT_S, STANDSTILL_M, along_path_mps, follow
from xiaolu.expert.baselines.way import HALF_WIDTH_M, Way, WayDriver, boxes_of, meetings, near_users
from xiaolu.expert.path import PATH_STEP_M
from xiaolu.world.routing import RoutePlan
from xiaolu.world.town import Town

CONSTANT_MPS = 6.0
UP_MPS2, DOWN_MPS2, ARRIVE_MPS2 = 1.5, 2.5, 1.2
STEPS = round(SPEED_TIMES_S[-1] / DT_S)

Pace = Callable[[Scene, Way, np.ndarray, float], tuple[np.ndarray, Cause, str]]


class RouteDriver(WayDriver):
    """A SceneDriver that keeps to its route's line; `pace` says how fast, why, and in which words."""

    def __init__(self, name: str, pace: Pace, town: Town, route: RoutePlan) -> None:
        super().__init__(town, route)
        self.name, self._pace = name, pace

    def drive_scene(self, scene: Scene, observation: Observation) -> Decision:
        s_m, _ = self._way.locate(scene)
        path = self._way.path(scene, s_m)
        speed, cause, why = self._pace(scene, self._way, path, s_m)
        return self._way.decision(scene, path, s_m, speed, cause, why)


def stand(scene: Scene, way: Way, path: np.ndarray, s_m: float) -> tuple[np.ndarray, Cause, str]:
    """Brake to a stand, and stay."""
    speed = np.maximum(scene.ego_speed_mps - DOWN_MPS2 * SPEED_TIMES_S, 0.0)
    return speed, Cause.FREE, "Standing still"


def keep_speed(scene: Scene, way: Way, path: np.ndarray, s_m: float) -> tuple[np.ndarray, Cause, str]:
    """Drive at a constant speed whoever comes, slower in bends only, and stop at the goal."""
    left_m = max(way.goal_ahead_m(s_m), 0.0)
    near = path[: round(2.0 * CONSTANT_MPS / PATH_STEP_M)]
    bend = float(np.sqrt(2.0 / np.maximum(np.abs(near[:, 3]).max(), 1e-4)))
    wish = min(CONSTANT_MPS, bend, float(np.sqrt(2.0 * ARRIVE_MPS2 * left_m)))
    now = scene.ego_speed_mps
    speed = np.clip(wish, now - DOWN_MPS2 * SPEED_TIMES_S, now + UP_MPS2 * SPEED_TIMES_S).clip(0.0)
    return speed, Cause.FREE, "Driving on at a constant speed"


def follow_lead(scene: Scene, way: Way, path: np.ndarray, s_m: float) -> tuple[np.ndarray, Cause, str]:
    """Follow whoever is on the way now, hold at red and at the goal; nobody is forecast, nobody passed."""
    boxes, velocity = boxes_of(near_users(scene))
    met = meetings(path, PATH_STEP_M, boxes, velocity, HALF_WIDTH_M, 1, DT_S)
    along = along_path_mps(path, PATH_STEP_M, met, velocity)
    # Whoever is on the way goes on along it.
    moments = np.arange(STEPS + 1)[:, None, None] * DT_S
    ahead = np.repeat(met, STEPS + 1, axis=0) + moments * np.maximum(along, 0.0)[None, :, None]
    line = way.line_ahead_m(scene, s_m)
    goal = way.goal_ahead_m(s_m) + EGO_BODY.front_x_m + STANDSTILL_M
    _, speed = follow(
        scene.ego_speed_mps, way.limit_mps(path, s_m), PATH_STEP_M, 1.0, ahead, along, min(line, goal),
        EGO_BODY.front_x_m, STEPS,
    )  # fmt: skip
    profile = speed[np.rint(SPEED_TIMES_S / DT_S).astype(np.int64)]
    lead = float(np.nanmin(met[0, :, 0])) if len(boxes) and np.isfinite(met[0, :, 0]).any() else np.inf
    if min(lead, line, goal) > SPEED_KNOTS * 6.0:
        return profile, Cause.FREE, "Driving on, the way is free"
    nearest = min(lead, line, goal)
    if nearest == line:
        return profile, Cause.SIGNAL, f"Rolling up to the red light {line:.0f} m ahead"
    if nearest == goal:
        return profile, Cause.ARRIVAL, f"Drawing up at the destination {goal:.0f} m ahead"
    return profile, Cause.LEAD, f"Following who is {lead:.0f} m ahead"
