"""A planner built to the published description of PDM-Closed (Dauner et al. 2023), for something known to compare with.

Proposals: IDM at five shares of the limit times three offsets from the centre line. Each is simulated for 4 s, others
at constant velocity, scored like PDMS, and the best is driven; a collision within 2 s in it means emergency braking.
What differs from the paper: a kinematic car that follows the line stands for its bicycle model and LQR, and it stops at
the goal, which nuPlan does not ask for. It sees only users in sight, knows no hands, does not pass and never backs up.
"""

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, Decision, Imagined
from xiaolu.core.frames import to_child
from xiaolu.core.observation import Observation
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS, SPEED_TIMES_S, Plan
from xiaolu.core.scene import Scene
from xiaolu.core.users import Kind
from xiaolu.expert.baselines.idm import DT_S, STANDSTILL_M, along_path_mps, follow
from xiaolu.expert.baselines.way import HALF_WIDTH_M, WayDriver, boxes_of, meetings, near_users
from xiaolu.expert.path import PATH_STEP_M
from xiaolu.measures import pdm
from xiaolu.measures.strategy import strategy_of

SHARES, OFFSETS_M = (0.2, 0.4, 0.6, 0.8, 1.0), (0.0, -1.0, 1.0)  # of equals, the first: the middle
HORIZON_S, EMERGENCY_S, EMERGENCY_MPS2 = 4.0, 2.0, 4.5
STEPS = round(SPEED_TIMES_S[-1] / DT_S)  # simulated a second longer than scored: a plan holds for 5 s
SCORED = round(HORIZON_S / DT_S) + 1
EVERY = 2  # of the samples, for who is met and where the road ends
SIDE_M = 0.94


class PdmClosed(WayDriver):
    """A SceneDriver for one route of one town."""

    name = "pdm-closed"

    def drive_scene(self, scene: Scene, observation: Observation) -> Decision:
        way = self._way
        s_m, _ = way.locate(scene)
        users = near_users(scene)
        boxes, velocity = boxes_of(users)
        line, goal = way.line_ahead_m(scene, s_m), way.goal_ahead_m(s_m) + EGO_BODY.front_x_m + STANDSTILL_M
        paths, sigmas, speeds = [], [], []
        for offset_m in OFFSETS_M:
            path = way.path(scene, s_m, offset_m)
            met = meetings(path, PATH_STEP_M, boxes, velocity, HALF_WIDTH_M, STEPS + 1, DT_S)
            along = along_path_mps(path, PATH_STEP_M, met, velocity)
            limit = way.limit_mps(path, s_m)
            for share in SHARES:
                sigma, speed = follow(
                    scene.ego_speed_mps, limit, PATH_STEP_M, share, met, along, min(line, goal),
                    EGO_BODY.front_x_m, STEPS,
                )  # fmt: skip
                paths.append(path)
                sigmas.append(sigma)
                speeds.append(speed)
        parts, hits_s = self._judge(scene, paths, sigmas, speeds, boxes, velocity, users.kind != Kind.OBJECT)
        scores = np.array([pdm.pdms(part).value for part in parts], np.float64)
        best = int(np.argmax(scores))
        knots = np.rint(SPEED_TIMES_S / DT_S).astype(np.int64)
        profile, cause, why = speeds[best][knots], Cause.FREE, "Driving on, the way is free"
        if hits_s[best] <= EMERGENCY_S:
            profile = np.maximum(scene.ego_speed_mps - EMERGENCY_MPS2 * SPEED_TIMES_S, 0.0)
            cause, why = Cause.OBSTACLE, "Braking, a collision is near on every proposal"
        elif profile[-1] < 0.3 or profile.min() < scene.ego_speed_mps - 0.5:
            near = min((line, Cause.SIGNAL), (goal, Cause.ARRIVAL), key=lambda pair: pair[0])
            cause = near[1] if near[0] < 30.0 else Cause.LEAD
            why = {Cause.SIGNAL: "Slowing for the red light", Cause.ARRIVAL: "Drawing up at the destination"}.get(
                cause, "Following who is ahead"
            )
        decided = way.decision(scene, paths[best], s_m, profile, cause, why)
        imagined = tuple(
            self._imagined(scene, path, speed[knots], float(sigma[SCORED - 1]), part, float(score), hit_s)
            for path, speed, sigma, part, score, hit_s in zip(paths, speeds, sigmas, parts, scores, hits_s, strict=True)
        )
        return Decision(decided.stamp_ns, decided.plan, decided.strategy, cause, why, imagined=imagined,
                        imagined_valid=(True,) * len(imagined))  # fmt: skip

    def _judge(self, scene, paths, sigmas, speeds, boxes, velocity, is_user) -> tuple[list[pdm.Parts], list[float]]:
        """Return each proposal's parts, and after how many seconds it would be at fault in a collision (infinite)."""
        moments = np.arange(0, SCORED, EVERY)
        others = np.repeat(boxes[None], len(moments), axis=0)
        others[..., :2] += (moments * DT_S)[:, None, None] * velocity
        theirs = np.broadcast_to(velocity, (len(moments), *velocity.shape))
        found, hits_s = [], []
        for path, sigma, speed in zip(paths, sigmas, speeds, strict=True):
            place = np.clip(sigma[:SCORED] / PATH_STEP_M, 0.0, len(path) - 1.0)
            grid = np.arange(len(path))
            x, y, yaw = (np.interp(place, grid, path[:, k]) for k in (0, 1, 2))
            middle = EGO_BODY.centre_x_m
            ego = np.stack([x + middle * np.cos(yaw), y + middle * np.sin(yaw), yaw, np.full(SCORED, EGO_BODY.length_m),
                            np.full(SCORED, EGO_BODY.width_m)], axis=-1)[moments]  # fmt: skip
            faults = pdm.at_fault(ego, speed[moments], others)
            when = np.flatnonzero(faults.any(axis=1))
            hits_s.append(float(moments[when[0]]) * DT_S if len(when) else np.inf)
            found.append(
                pdm.Parts(
                    no_collision=pdm.no_collision(faults, is_user),
                    drivable_area=pdm.drivable_area(self._off_m(x[moments], y[moments], yaw[moments])),
                    progress=float(sigma[SCORED - 1]),
                    time_to_collision=pdm.projected_time_to_collision(ego, speed[moments], others, theirs),
                    comfort=pdm.comfortable(speed[:SCORED], yaw),
                )
            )
        safe = [p.progress for p in found if p.no_collision == 1.0 and p.drivable_area == 1.0]
        best_m = max(safe, default=0.0)
        return [
            pdm.Parts(p.no_collision, p.drivable_area, pdm.ego_progress(p.progress, best_m), p.time_to_collision,
                      p.comfort)
            for p in found
        ], hits_s  # fmt: skip

    def _off_m(self, x: np.ndarray, y: np.ndarray, yaw: np.ndarray) -> np.ndarray:
        """Return (T, 4) m: how far the outline's corners are off the road."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        corners = []
        for ahead in (EGO_BODY.front_x_m, -EGO_BODY.rear_overhang_m):
            for left in (SIDE_M, -SIDE_M):
                corners.append(np.stack([x + ahead * cos - left * sin, y + ahead * sin + left * cos], axis=-1))
        points = np.stack(corners, axis=1)
        course = self._way.course
        layer = int(course.town.lane_layer[course.lane[min(int(self._way.s_m / course.step_m), course.n - 1)]])
        return self._way.ground.off_road_m(points.reshape(-1, 2), layer).reshape(len(x), 4)

    @staticmethod
    def _imagined(
        scene: Scene, path: np.ndarray, speed: np.ndarray, far_m: float, part: pdm.Parts, score: float, hit_s: float
    ) -> Imagined:
        index = np.rint(PATH_DISTANCES_M / PATH_STEP_M).astype(np.int64)
        plan = Plan(to_child(scene.ego_pose, path[index, :2]), np.ascontiguousarray(speed))
        risk = (hit_s <= SPEED_TIMES_S).astype(np.float64)
        assert len(risk) == SPEED_KNOTS
        strategy = strategy_of(plan, scene.ego_speed_mps, np.zeros(len(PATH_DISTANCES_M)))
        return Imagined(strategy, plan, score, risk, far_m, part.comfort, part.drivable_area)
