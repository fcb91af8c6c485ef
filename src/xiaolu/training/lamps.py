"""What governs a ride's next stop line, for labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.expert.course import StopLine
from xiaolu.world.signals import heads_of
from xiaolu.world.town import Town

SIGNAL_REACH_M = 60.0
LINE_BEHIND_M = 0.5  # a bumper this far over the line still obeys its signal


@dataclass(frozen=True, slots=True)
class Ahead:
    """The signal that governs: its heads (n,) as indices of the town's, and metres from the rear axle to its line."""

    heads: np.ndarray
    line_m: float


NO_SIGNAL = Ahead(np.zeros(0, np.int64), float("inf"))


def signal_ahead(town: Town, lines: Sequence[StopLine], s_m: float) -> Ahead:
    """Return what governs an ego s_m along its course: the next stop line within SIGNAL_REACH_M, or NO_SIGNAL."""
    for line in lines:
        line_m = line.s_m - s_m
        if line_m > EGO_BODY.front_x_m - LINE_BEHIND_M:
            return Ahead(heads_of(town, line.lane), line_m) if line_m <= SIGNAL_REACH_M else NO_SIGNAL
    return NO_SIGNAL
