"""The teacher without forecasting: everybody is taken to stay where he is now. What looking ahead is worth."""

from dataclasses import replace

import numpy as np

from xiaolu.expert.bodies import Counted
from xiaolu.expert.forecast import Moves
from xiaolu.expert.teacher import Teacher


class BlindTeacher(Teacher):
    """A SceneDriver for one route of one town."""

    name = "teacher-blind"

    def _forecast(self, here: Counted, colours: np.ndarray, s0_m: float) -> Moves:
        moves = super()._forecast(here, colours, s0_m)
        return replace(moves, poses=np.repeat(moves.poses[:, :1], moves.poses.shape[1], axis=1))
