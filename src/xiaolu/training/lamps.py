"""Which signal heads govern a ride's stop lines, for labels. One head serves all movements that light up together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.expert.course import StopLine
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


@lru_cache(maxsize=512)
def heads_of(town: Town, lane: int) -> np.ndarray:
    """Return the heads (n,) that face those who are about to enter a junction lane, and show its colour."""
    light = same_lights(town)
    owner = np.repeat(np.arange(town.lanes), np.diff(town.next_start))
    edges = town.lane_edge[owner[town.next_lane == lane]]
    siblings = town.next_lane[np.isin(town.lane_edge[owner], edges)]
    shows = light[town.lane_signal[town.head_lane]]
    mine = light[town.lane_signal[lane]]
    return np.flatnonzero(np.isin(town.head_lane, siblings) & (shows == mine) & ~town.head_walk)


@lru_cache(maxsize=4)
def same_lights(town: Town) -> np.ndarray:
    """Return (S,) one number for all signal columns of a program that always show the same colour."""
    numbers: dict[tuple[int, bytes], int] = {}
    out = np.zeros(len(town.signal_program), np.int64)
    for column, program in enumerate(town.signal_program):
        rows = slice(town.program_start[program], town.program_start[program + 1])
        shows = town.phase_state[rows, town.signal_column[column]].tobytes()
        out[column] = numbers.setdefault((int(program), shows), len(numbers))
    return out
