"""A user would lose: a name for what the car is doing that agrees with what it does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaolu.core.decision import Pace, PathMode
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_TIMES_S, Plan
from xiaolu.measures.strategy import deviation_m, pace_of, path_mode_of, strategy_of

S = PATH_DISTANCES_M
STRAIGHT = np.stack([np.arange(-5.0, 80.0), np.zeros(85)], axis=1)


def plan(y, speed=8.0) -> Plan:
    return Plan(np.stack([S, np.broadcast_to(y, S.shape)], axis=1), np.broadcast_to(speed, SPEED_TIMES_S.shape))


def mode(y, speed=8.0, change=0) -> PathMode:
    made = plan(y, speed)
    return path_mode_of(made, deviation_m(made.path, STRAIGHT), change)


def test_deviation_is_signed_distance():
    line = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])  # turns left
    points = np.array([[5.0, 1.0], [5.0, -2.0], [11.0, 5.0], [9.0, 5.0]])
    assert deviation_m(points, line) == pytest.approx([1.0, -2.0, -1.0, 1.0])


def test_path_modes():
    bump = np.exp(-(((S - 20.0) / 8.0) ** 2))
    assert mode(0.0) == PathMode.KEEP
    assert mode(0.9 * bump) == PathMode.NUDGE_LEFT
    assert mode(-0.9 * bump) == PathMode.NUDGE_RIGHT
    assert mode(1.0 - np.clip(S / 15.0, 0, 1)) == PathMode.KEEP  # only comes back
    assert mode(0.0, change=1) == PathMode.CHANGE_LEFT
    assert mode(0.0, change=-1) == PathMode.CHANGE_RIGHT
    kerb = -1.2 * np.clip(S / 20.0, 0, 1)
    assert mode(kerb, np.linspace(5, 0, 10)) == PathMode.PULL_OVER
    assert path_mode_of(Plan(plan(0.0).path * -1.0, -plan(0.0).speed_mps), np.zeros(len(S))) == PathMode.REVERSE


def test_paces():
    assert pace_of(plan(0.0), 8.0) == Pace.GO
    assert pace_of(plan(0.0, np.linspace(7, 0, 10)), 8.0) == Pace.STOP
    assert pace_of(plan(0.0, 1.3), 1.0) == Pace.CREEP
    assert pace_of(plan(0.0, np.r_[np.linspace(7, 3, 5), np.linspace(3.5, 6, 5)]), 8.0) == Pace.YIELD
    assert pace_of(plan(0.0, np.r_[0, 0, 0, 0, np.linspace(0.5, 4, 6)]), 0.0) == Pace.YIELD
    assert pace_of(plan(0.0, np.linspace(0.6, 5, 10)), 0.0) == Pace.GO


@settings(max_examples=50, deadline=None)
@given(st.floats(-2.0, 2.0), st.floats(5.0, 30.0), st.floats(0.0, 12.0), st.floats(0.0, 12.0))
def test_a_mirror_swaps_left_and_right_and_nothing_else(size, where, first, last):
    made = plan(size * np.exp(-(((S - where) / 6.0) ** 2)), np.linspace(first, last, 10))
    here = strategy_of(made, first, deviation_m(made.path, STRAIGHT))
    there = strategy_of(made.mirrored(), first, deviation_m(made.mirrored().path, STRAIGHT))
    swap = {PathMode.NUDGE_LEFT: PathMode.NUDGE_RIGHT, PathMode.NUDGE_RIGHT: PathMode.NUDGE_LEFT}
    assert here.pace == there.pace
    if PathMode.PULL_OVER not in (here.path, there.path):
        assert there.path == swap.get(here.path, here.path)
