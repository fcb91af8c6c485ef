"""Signals: a town's programs, a ride's faults and a moment of it become lamp colours, countdowns, and what they order.

The sequence is the Chinese one: red, green, flashing green for the last 3 s of a green, yellow 3 s, red. Times of
compiled functions are on the ride's signal clock (`clock_s`); those of the others are seconds into the ride.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.decision import LampColour
from xiaolu.world.signal_faults import FaultKind, SignalFault, fault_rows
from xiaolu.world.town import LaneKind, Town, Turn

FLASHING_S = 3.0  # how long the end of a green flashes (usual practice under GB 14886)
LEAST_GREEN_S = 5.0  # a green that an extended red would leave shorter than this is left out [this project's choice]
HELD_DIGIT_S = 1.0  # what the digits of an extended red show
BLINK_S = 0.5  # a flashing yellow is lit for so long, then dark for so long

_GREEN, _FLASHING, _NONE = int(LampColour.GREEN), int(LampColour.FLASHING_GREEN), int(LampColour.NONE)
_RED, _YELLOW, _DARK = int(LampColour.RED), int(LampColour.YELLOW), int(LampColour.DARK)
_EXTENDED, _OF_OTHER = int(FaultKind.RED_EXTENDED), int(FaultKind.COUNTDOWN_OF_OTHER)
_HIDDEN, _JUMPS = int(FaultKind.COUNTDOWN_HIDDEN), int(FaultKind.COUNTDOWN_JUMPS)
_DARK_HEAD, _STUCK = int(FaultKind.DARK), int(FaultKind.STUCK)
_FLASHING_YELLOW = int(FaultKind.FLASHING_YELLOW)
_YELLOW_S = 3.0
# How far a colour opens the way, by LampColour: of two that both let one in, the more open one counts.
_OPEN = np.array([-1, 0, 1, 3, 2, -1], np.int64)


class Programs(NamedTuple):
    """The signal tables of a town as plain arrays for compiled loops; see `Town` for their meaning.

    straight (S,): for a left turn with a waiting area, the signal of the straight lanes beside it, else -1: its green
    opens the first line. fault (R,) of FAULT: what is wrong on this ride.
    """

    program: np.ndarray
    column: np.ndarray
    start: np.ndarray
    phase_s: np.ndarray
    offset_s: np.ndarray
    state: np.ndarray
    straight: np.ndarray
    fault: np.ndarray


def programs_of(
    town: Town, faults: tuple[SignalFault, ...] = (), seed: int = 0, start_s: float | None = None
) -> Programs:
    """Return the signal tables of a town, and of the faults of the ride of that seed; start_s: see `clock_s`."""
    return _programs(town, faults, clock_s(0.0, seed, start_s) if faults else 0.0)


@lru_cache(maxsize=8)
def _programs(town: Town, faults: tuple[SignalFault, ...], start_s: float) -> Programs:
    state = np.ascontiguousarray(town.phase_state, np.uint8)
    signals = len(town.signal_program)
    return Programs(
        np.ascontiguousarray(town.signal_program, np.int64),
        np.ascontiguousarray(town.signal_column, np.int64),
        np.ascontiguousarray(town.program_start, np.int64),
        np.ascontiguousarray(town.phase_s, np.float64),
        np.ascontiguousarray(town.signal_offset_s, np.float64),
        state if state.ndim == 2 else state.reshape(len(town.phase_s), -1),
        _straight_beside(town),
        fault_rows(faults, start_s, signals),
    )


def _straight_beside(town: Town) -> np.ndarray:
    out = np.full(len(town.signal_program), -1, np.int64)
    for lane in np.flatnonzero(np.isfinite(town.waiting_s_m) & (town.lane_signal >= 0)):
        beside = siblings(town, int(lane))
        straight = beside[(town.lane_turn[beside] == Turn.STRAIGHT) & (town.lane_signal[beside] >= 0)]
        if len(straight):
            out[town.lane_signal[lane]] = town.lane_signal[straight[0]]
    return out


@njit(cache=True)
def _planned(programs, signal, time_s):
    """Return (colour, seconds to its end, seconds since it began) by the program alone; green in one piece."""
    program = programs.program[signal]
    column = programs.column[signal]
    first, last = programs.start[program], programs.start[program + 1]
    if first == last:
        return np.int64(_NONE), np.inf, np.inf
    cycle = 0.0
    for phase in range(first, last):
        cycle += programs.phase_s[phase]
    rest = (time_s + programs.offset_s[program]) % cycle
    now = first
    while now < last - 1 and rest >= programs.phase_s[now]:
        rest -= programs.phase_s[now]
        now += 1
    colour = np.int64(programs.state[now, column])
    left, age = programs.phase_s[now] - rest, rest
    phase = now
    for _ in range(last - first - 1):
        phase = phase - 1 if phase > first else last - 1
        if programs.state[phase, column] != colour:
            break
        age += programs.phase_s[phase]
    phase = now
    for _ in range(last - first - 1):
        phase = phase + 1 if phase + 1 < last else first
        if programs.state[phase, column] != colour:
            return colour, left, age
        left += programs.phase_s[phase]
    return colour, np.inf, np.inf


@njit(cache=True)
def _extended(programs, signal, time_s, colour, left, age, seconds, from_s, to_s):
    """Return whether an extended red still shows where the program has gone on to green or yellow."""
    if colour not in (_GREEN, _YELLOW) or left == np.inf:
        return False
    since, rest = age, left
    if colour == _YELLOW:
        before, _, shown_s = _planned(programs, signal, time_s - age - 1e-6)
        if before != _GREEN:
            return False
        since += shown_s
    else:
        after, yellow_s, _ = _planned(programs, signal, time_s + left + 1e-6)
        if after == _YELLOW:
            rest += yellow_s
    ended_s = time_s - since
    if not from_s <= ended_s < to_s:
        return False
    return since < seconds or seconds > since + rest - LEAST_GREEN_S - _YELLOW_S


@njit(cache=True)
def lamp(programs, signal, time_s):
    """Return (colour, what its digits count) of one signal at a time of the ride's signal clock, faults and all.

    Green and flashing green count as one colour for the countdown. Digits: the seconds to the next change; NaN where
    a fault hides them; infinite where there is nothing to count to. A flashing yellow is given as DARK: neither orders
    anything.
    """
    now_s = time_s
    for row in programs.fault:
        if row.signal == signal and row.kind == _STUCK and row.from_s <= time_s < row.to_s:
            now_s = row.from_s
    colour, left, age = _planned(programs, signal, now_s)
    digits = left
    for row in programs.fault:
        if row.signal != signal:
            continue
        if row.kind == _EXTENDED:
            if _extended(programs, signal, now_s, colour, left, age, row.seconds, row.from_s, row.to_s):
                colour, digits = np.int64(_RED), HELD_DIGIT_S
            continue
        if not row.from_s <= time_s < row.to_s:
            continue
        if row.kind in (_DARK_HEAD, _FLASHING_YELLOW):
            return np.int64(_DARK), np.inf
        if row.kind == _HIDDEN:
            digits = np.nan
        elif row.kind == _OF_OTHER:
            digits = _planned(programs, row.other, now_s)[1]
        elif row.kind == _JUMPS and now_s - age <= row.from_s:
            digits = max(digits + row.seconds, 0.0)
    if colour == _GREEN and left <= FLASHING_S:
        colour = np.int64(_FLASHING)
    return colour, digits


@njit(cache=True)
def kindest(own, straight):
    """Return the colour that rules the line before a waiting area, from the turn's own and the straight lanes'."""
    return straight if _OPEN[own] >= 0 and _OPEN[straight] > _OPEN[own] else own


@njit(cache=True)
def entry_lamp(programs, signal, time_s):
    """Return the colour that rules the stop line before a junction lane with this signal, on the signal clock.

    Before a left-turn waiting area that is the straight lanes' colour too (the turn's own then rules a second line).
    """
    colour = lamp(programs, signal, time_s)[0]
    beside = programs.straight[signal]
    return colour if beside < 0 else kindest(colour, lamp(programs, beside, time_s)[0])


@njit(cache=True)
def _lamps(programs, signals, time_s):
    colours = np.zeros(len(signals), np.int8)
    left = np.full(len(signals), np.nan)
    for index in range(len(signals)):
        if signals[index] >= 0:
            colours[index], left[index] = lamp(programs, signals[index], time_s)
    return colours, left


def clock_s(time_s: float, seed: int = 0, start_s: float | None = None) -> float:
    """Return the time on a ride's signal clock: rides of different seeds meet the lights at different moments.

    start_s: the clock when the ride begins; None: drawn from the seed.
    """
    return time_s + (_drawn_start_s(seed) if start_s is None else start_s)


@lru_cache(maxsize=1024)
def _drawn_start_s(seed: int) -> float:
    """Return what the signal clock shows when the ride of a seed begins."""
    return float(np.floor(float(uniform(seed, 0, 0, Purpose.SIGNAL)[0]) * 600.0))


def lane_colour(
    town: Town,
    time_s: float,
    seed: int = 0,
    faults: tuple[SignalFault, ...] = (),
    start_s: float | None = None,
    signals: np.ndarray | None = None,
) -> np.ndarray:
    """Return (S,) int8 LampColour that signals (S,) order, all of them if none are named, `time_s` seconds into the
    ride of that seed."""
    programs = programs_of(town, faults, seed, start_s)
    asked = np.arange(len(programs.program)) if signals is None else signals
    return _lamps(programs, asked, clock_s(time_s, seed, start_s))[0]


def head_states(
    town: Town,
    time_s: float,
    seed: int = 0,
    faults: tuple[SignalFault, ...] = (),
    start_s: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (colour (H,) int8 LampColour, countdown (H,) s) of every head, `time_s` into the ride of that seed.

    The countdown runs to the next change of colour and is NaN where the head shows none. It is infinite where a head
    orders nothing: it is dark, or its yellow flashes (then the colour alternates between YELLOW and DARK). Both are
    read-only: what was asked last is kept.
    """
    return _head_states(town, time_s, seed, faults, start_s)


@lru_cache(maxsize=8)
def _head_states(
    town: Town, time_s: float, seed: int, faults: tuple[SignalFault, ...], start_s: float | None
) -> tuple[np.ndarray, np.ndarray]:
    programs, now_s = programs_of(town, faults, seed, start_s), clock_s(time_s, seed, start_s)
    signals = town.lane_signal[town.head_lane].astype(np.int64)
    colours, left = _lamps(programs, signals, now_s)
    shown = np.where(np.asarray(town.head_countdown, bool) & np.isfinite(left), left, np.nan)
    shown[colours == _DARK] = np.inf
    if time_s % (2.0 * BLINK_S) < BLINK_S:
        for row in programs.fault[programs.fault["kind"] == _FLASHING_YELLOW]:
            if row["from_s"] <= now_s < row["to_s"]:
                colours[(signals == row["signal"]) & ~np.asarray(town.head_walk, bool)] = _YELLOW
    colours.flags.writeable = shown.flags.writeable = False
    return colours, shown


def siblings(town: Town, lane: int) -> np.ndarray:
    """Return the lanes (n,) that one may enter from the carriageway leading into a junction lane, itself included."""
    edges = town.lane_edge[_owners(town)[town.next_lane == lane]]
    return np.unique(town.next_lane[np.isin(town.lane_edge[_owners(town)], edges)])


@lru_cache(maxsize=4)
def _owners(town: Town) -> np.ndarray:
    return np.repeat(np.arange(town.lanes), np.diff(town.next_start))


@lru_cache(maxsize=4)
def same_lights(town: Town) -> np.ndarray:
    """Return (S,) one number for all signals of a program that always show the same colour."""
    numbers: dict[tuple[int, bytes], int] = {}
    out = np.zeros(len(town.signal_program), np.int64)
    for signal, program in enumerate(town.signal_program):
        rows = slice(town.program_start[program], town.program_start[program + 1])
        shows = town.phase_state[rows, town.signal_column[signal]].tobytes()
        out[signal] = numbers.setdefault((int(program), shows), len(numbers))
    return out


@lru_cache(maxsize=4)
def _head_table(town: Town) -> dict[int, np.ndarray]:
    light, walk = same_lights(town), np.asarray(town.head_walk, bool)
    shows = light[town.lane_signal[town.head_lane]] if len(town.head_lane) else np.zeros(0, np.int64)
    table = {}
    for lane in np.flatnonzero(town.lane_signal >= 0).tolist():
        if town.lane_kind[lane] == LaneKind.CROSSING:
            heads = np.flatnonzero((town.head_lane == lane) & walk)
        else:
            heads = np.flatnonzero(
                np.isin(town.head_lane, siblings(town, lane)) & (shows == light[town.lane_signal[lane]]) & ~walk
            )
        heads.flags.writeable = False
        table[lane] = heads
    return table


_NO_HEADS = np.zeros(0, np.int64)


def heads_of(town: Town, lane: int) -> np.ndarray:
    """Return the heads (n,) that face those who are about to enter a junction lane or crossing, and show its colour.

    One head serves all movements of an approach that light up together. Empty for a lane without a signal.
    """
    return _head_table(town).get(int(lane), _NO_HEADS)


@lru_cache(maxsize=4)
def _head_of_signal(town: Town) -> np.ndarray:
    out = np.full(len(town.signal_program), -1, np.int64)
    for lane, heads in _head_table(town).items():
        if len(heads):
            out[town.lane_signal[lane]] = heads[0]
    return out


def ordered_by(town: Town, head_colour: np.ndarray, countdown_s: np.ndarray) -> np.ndarray:
    """Return (S,) int8 LampColour that every signal orders, from what the heads of a scene show, (H,) each.

    Flashing yellow is DARK: it orders nothing. NONE where a signal has no head, which is nowhere in a compiled town.
    """
    head = _head_of_signal(town)
    orders = np.append(np.where(np.isposinf(countdown_s), _DARK, head_colour), _NONE).astype(np.int8)
    return orders[head]


class Line(NamedTuple):
    """A line to stop at: lane it lies on, s_m along that lane, ahead_m from where one is, and the colour that rules."""

    lane: int
    s_m: float
    ahead_m: float
    colour: LampColour


def cycle_s(town: Town, signal: int) -> float:
    """Return how long the program of a signal takes, s."""
    programs = programs_of(town)
    program = int(programs.program[signal])
    return float(programs.phase_s[programs.start[program] : programs.start[program + 1]].sum())


def longest_red_s(town: Town, signal: int) -> float:
    """Return how long one may have to wait at a signal's red, s; 0 where it is never red."""
    programs = programs_of(town)
    shown = [lamp(programs, signal, float(second)) for second in range(int(cycle_s(town, signal)) + 1)]
    return max((float(left) for colour, left in shown if colour == _RED and np.isfinite(left)), default=0.0)


def straight_beside(town: Town, signal: int) -> int:
    """Return the signal of the straight lanes beside a left turn with a waiting area, -1 for any other signal."""
    return int(programs_of(town).straight[signal])


def entry_colour(town: Town, colours: np.ndarray, onward: int) -> LampColour:
    """Return the colour that rules the stop line before a junction lane; colours (S,) as for `line_ahead`.

    Before a left-turn waiting area the green of the straight lanes beside it lets one in too.
    """
    signal = int(town.lane_signal[onward])
    beside = straight_beside(town, signal)
    own = int(colours[signal])
    return LampColour(own if beside < 0 else int(kindest(own, int(colours[beside]))))


def line_ahead(town: Town, colours: np.ndarray, lane: int, onward: int, s_m: float) -> Line | None:
    """Return the line that governs a vehicle whose front is s_m along a lane, on its way into `onward`; None without.

    colours (S,): what the signals order now, of `lane_colour` or `ordered_by`. onward: the junction lane it takes next,
    -1 if none. The first line lies before the junction. A left turn with a waiting area has a second one inside: the
    first may then be passed on the straight lanes' green, the second on the turn's own only; once the front is over the
    first line, the second governs. ahead_m is negative once the last line is behind.
    """
    if town.lane_signal[lane] >= 0 and np.isfinite(town.waiting_s_m[lane]):
        second = float(town.waiting_s_m[lane])
        return Line(int(lane), second, second - s_m, LampColour(int(colours[town.lane_signal[lane]])))
    stop = float(town.stop_s_m[lane])
    if not np.isfinite(stop) or onward < 0 or town.lane_signal[onward] < 0:
        return None
    second = float(town.waiting_s_m[onward])
    if s_m > stop and np.isfinite(second):
        ahead = float(town.lane_length_m[lane]) - s_m + second
        return Line(int(onward), second, ahead, LampColour(int(colours[town.lane_signal[onward]])))
    return Line(int(lane), stop, stop - s_m, entry_colour(town, colours, onward))


def fault_at(
    town: Town,
    lane: int,
    kind: FaultKind,
    seconds: float = 0.0,
    from_s: float = 0.0,
    to_s: float = float("inf"),
    whole: bool | None = None,
) -> SignalFault:
    """Return a fault of the signal that governs a junction lane or crossing: of all signals its head stands for.

    whole: of the junction's whole program instead; None: where the fault is one of the controller (STUCK,
    FLASHING_YELLOW). COUNTDOWN_OF_OTHER shows the digits of another signal of the approach, or else of the junction.
    Raises ValueError for a lane without a signal, or without another signal that differs.
    """
    signal = int(town.lane_signal[lane])
    if signal < 0:
        raise ValueError(f"fault_at: lane {lane} of {town.meta.get('name', 'the town')} has no signal")
    program = town.signal_program[signal]
    light = same_lights(town)
    beside = town.lane_signal[siblings(town, lane)] if town.lane_kind[lane] != LaneKind.CROSSING else np.array([signal])
    beside = np.unique(beside[beside >= 0])
    if whole if whole is not None else kind in (FaultKind.STUCK, FaultKind.FLASHING_YELLOW):
        hit = np.flatnonzero(town.signal_program == program)
    else:
        hit = beside[light[beside] == light[signal]]
    other = -1
    if kind == FaultKind.COUNTDOWN_OF_OTHER:
        near = beside[light[beside] != light[signal]]
        used = np.unique(town.lane_signal[town.lane_kind == LaneKind.DRIVE])
        far = used[(used >= 0) & (town.signal_program[used] == program) & (light[used] != light[signal])]
        if not len(near) and not len(far):
            raise ValueError(f"fault_at: at lane {lane} all signals show the same, there are no other digits to show")
        other = int(near[0] if len(near) else far[0])
    return SignalFault(kind, tuple(int(s) for s in hit), seconds, other, from_s, to_s)


def clock_showing(town: Town, lane: int, colours: Sequence[LampColour], left_s: float) -> float | None:
    """Return the earliest signal clock at which a junction lane's signal shows one of `colours` for left_s more, s.

    None where it never does so long. Flashing green counts as the end of green.
    """
    programs, signal = programs_of(town), int(town.lane_signal[lane])
    program = int(town.signal_program[signal])
    phases = programs.phase_s[town.program_start[program] : town.program_start[program + 1]]
    wanted = {_GREEN if c == LampColour.FLASHING_GREEN else int(c) for c in colours}
    at = np.concatenate([[0.0], np.cumsum(phases)[:-1]]) - programs.offset_s[program]
    found = []
    for begin_s in at % phases.sum():
        colour, left, age = _planned(programs, signal, begin_s + 1e-6)
        if int(colour) in wanted and left_s <= left + age < np.inf:
            found.append((begin_s + 1e-6 + left - left_s) % phases.sum())
    return float(min(found)) if found else None
