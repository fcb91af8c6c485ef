"""A teacher whose hand is nudged now and then, so that recordings hold recoveries that were really driven."""

from dataclasses import replace

import numpy as np

from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.decision import Decision, Pace
from xiaolu.core.observation import Observation
from xiaolu.core.plan import PATH_DISTANCES_M, Plan
from xiaolu.core.protocols import SceneDriver
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.scene import Scene

PERIOD_S = 9.0  # one nudge in each
NUDGE_S = 3.5  # this long; then the teacher is alone again and comes back
SIDE_M = 0.7  # at most this far aside
GROWN_M = 6.0  # a nudge bends the path over this length
PACE_SHARE = 0.25  # and its speed is up to this much off


class SwayedTeacher:
    """A SceneDriver: the teacher's plan with smooth noise, or as it is (`strength` 0).

    `answer` is what the teacher itself said last: the label.
    """

    def __init__(self, teacher: SceneDriver, seed: int, strength: float) -> None:
        self.name, self.cameras = teacher.name, teacher.cameras
        self.teacher, self.seed, self.strength = teacher, seed, strength
        self.answer: Decision | None = None

    def reset(self, seed: int) -> None:
        self.teacher.reset(seed)

    def drive_scene(self, scene: Scene, observation: Observation) -> Decision:
        self.answer = self.teacher.drive_scene(scene, observation)
        if not self.strength:
            return self.answer
        side_m, pace = self._nudge(scene.stamp_ns)
        return replace(self.answer, plan=self._swayed(self.answer, side_m, pace))

    def _nudge(self, stamp_ns: int) -> tuple[float, float]:
        """Return (metres to the left, factor on speed) at a moment: one smooth bump a period."""
        period, into_s = divmod(stamp_ns / SECOND_NS, PERIOD_S)
        if into_s >= NUDGE_S:
            return 0.0, 1.0
        side, pace = (float(uniform(self.seed, 0, int(period), Purpose.NOISE, n)[0]) * 2 - 1 for n in (0, 1))
        bump = float(np.sin(np.pi * into_s / NUDGE_S))
        return self.strength * SIDE_M * side * bump, 1.0 + self.strength * PACE_SHARE * pace * bump

    def _swayed(self, answer: Decision, side_m: float, pace: float) -> Plan:
        plan = answer.plan
        if plan.path[0, 0] < 0.0 or not (side_m or pace != 1.0):
            return plan
        tangent = np.gradient(plan.path, PATH_DISTANCES_M, axis=0)
        left = np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)
        grown = side_m * (1.0 - np.exp(-((PATH_DISTANCES_M / GROWN_M) ** 2)))
        speed = plan.speed_mps * (pace if answer.strategy.pace is Pace.GO else min(pace, 1.0))
        return Plan(plan.path + grown[:, None] * left, speed)
