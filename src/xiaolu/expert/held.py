"""The teacher held to one strategy: it goes on obeying law and hands, and braking for whom it would run into, but
drives the path mode and the pace it is told. For "what if"."""

from copy import deepcopy
from typing import Any

from xiaolu.core.decision import Decision, Strategy
from xiaolu.core.observation import Observation
from xiaolu.core.scene import Scene
from xiaolu.expert.teacher import Teacher


class Held:
    """A SceneDriver. teacher: whose course and eyes are used, and lent; memory: what it remembers at the start."""

    cameras: tuple[str, ...] = ()

    def __init__(self, teacher: Teacher, strategy: Strategy, memory: Any) -> None:
        self.teacher, self.strategy = teacher, strategy
        self.name = f"teacher, {strategy}"
        self._start = memory
        self._memory = deepcopy(memory)

    def reset(self, seed: int) -> None:
        """Begin again with what was remembered at the start; the seed changes nothing."""
        self._memory = deepcopy(self._start)

    def snapshot(self) -> Any:
        return deepcopy(self._memory)

    def restore(self, snapshot: Any) -> None:
        self._memory = deepcopy(snapshot)

    def drive_scene(self, scene: Scene, observation: Observation) -> Decision:
        """Return the plan of this strategy for the moment."""
        return self.teacher.drive_as(self.strategy, scene, self._memory)
