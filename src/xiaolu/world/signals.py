"""Signals: a town's programs and a moment of the ride become lamp colours and countdowns.

The sequence is the Chinese one: red, green, flashing green for the last 3 s of a green, yellow 3 s, red.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.decision import LampColour
from xiaolu.world.town import Town

FLASHING_S = 3.0  # how long the end of a green flashes (usual practice under GB 14886)

_GREEN, _FLASHING, _NONE = int(LampColour.GREEN), int(LampColour.FLASHING_GREEN), int(LampColour.NONE)


class Programs(NamedTuple):
    """The signal tables of a town as plain arrays for compiled loops; see `Town` for their meaning."""

    program: np.ndarray
    column: np.ndarray
    start: np.ndarray
    phase_s: np.ndarray
    offset_s: np.ndarray
    state: np.ndarray


def programs_of(town: Town) -> Programs:
    """Return the signal tables of a town."""
    state = np.ascontiguousarray(town.phase_state, np.uint8)
    return Programs(
        np.ascontiguousarray(town.signal_program, np.int64),
        np.ascontiguousarray(town.signal_column, np.int64),
        np.ascontiguousarray(town.program_start, np.int64),
        np.ascontiguousarray(town.phase_s, np.float64),
        np.ascontiguousarray(town.signal_offset_s, np.float64),
        state if state.ndim == 2 else state.reshape(len(town.phase_s), -1),
    )


@njit(cache=True)
def lamp(programs, signal, time_s):
    """Return (colour, seconds to the next change) of one signal column at a time of the ride's signal clock.

    Green and flashing green count as one colour for the countdown. A column that never changes counts to infinity.
    """
    program = programs.program[signal]
    column = programs.column[signal]
    first, last = programs.start[program], programs.start[program + 1]
    if first == last:
        return _NONE, np.inf
    cycle = 0.0
    for phase in range(first, last):
        cycle += programs.phase_s[phase]
    rest = (time_s + programs.offset_s[program]) % cycle
    now = first
    while now < last - 1 and rest >= programs.phase_s[now]:
        rest -= programs.phase_s[now]
        now += 1
    colour = programs.state[now, column]
    left = programs.phase_s[now] - rest
    phase = now
    for _ in range(last - first - 1):
        phase = phase + 1 if phase + 1 < last else first
        if programs.state[phase, column] != colour:
            if colour == _GREEN and left <= FLASHING_S:
                return _FLASHING, left
            return np.int64(colour), left
        left += programs.phase_s[phase]
    return np.int64(colour), np.inf


@njit(cache=True)
def _lamps(programs, signals, time_s):
    colours = np.zeros(len(signals), np.int8)
    left = np.full(len(signals), np.nan)
    for index in range(len(signals)):
        if signals[index] >= 0:
            colours[index], left[index] = lamp(programs, signals[index], time_s)
    return colours, left


def clock_s(time_s: float, seed: int = 0) -> float:
    """Return the time on a ride's signal clock: rides of different seeds meet the lights at different moments."""
    return time_s + np.floor(float(uniform(seed, 0, 0, Purpose.SIGNAL)[0]) * 600.0)


def lane_colour(town: Town, time_s: float, seed: int = 0) -> np.ndarray:
    """Return (S,) int8 LampColour of every signal column, `time_s` seconds into the ride of that seed."""
    programs = programs_of(town)
    return _lamps(programs, np.arange(len(programs.program)), clock_s(time_s, seed))[0]


def head_states(town: Town, time_s: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (colour (H,) int8 LampColour, countdown (H,) s) of every head, `time_s` into the ride of that seed.

    The countdown runs to the next change of colour and is NaN where the head has no digits or never changes.
    """
    colours, left = _lamps(programs_of(town), town.lane_signal[town.head_lane].astype(np.int64), clock_s(time_s, seed))
    return colours, np.where(np.asarray(town.head_countdown, bool) & np.isfinite(left), left, np.nan)
