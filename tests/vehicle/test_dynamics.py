"""A car that drives differently left than right, or turns into nonsense, would spoil everything built on it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaolu.core.control import Control, Indicator
from xiaolu.core.rates import SUBSTEPS, TICK_NS
from xiaolu.vehicle.dynamics import VehicleState, advance, start
from xiaolu.vehicle.parameters import EGO_VEHICLE

FOREVER_NS = 2**62
command = st.tuples(st.floats(-1.0, 1.0), st.floats(-12.0, 6.0), st.booleans())


def drive(commands, pose=(0.0, 0.0, 0.0), speed_mps=0.0):
    state, motions = start(np.array([pose]), speed_mps), []
    for steering, acceleration, reverse in commands:
        state, motion = advance(state, [Control(steering, acceleration, FOREVER_NS, reverse)])
        motions.append(motion)
    return state, motions


@settings(max_examples=40, deadline=None)
@given(st.lists(command, min_size=1, max_size=60), st.floats(0.0, 25.0))
def test_mirrored_commands_give_exactly_the_mirrored_ride(commands, speed_mps):
    state, _ = drive(commands, speed_mps=speed_mps)
    other, _ = drive([(-s, a, r) for s, a, r in commands], speed_mps=speed_mps)
    assert np.array_equal(state.pose[0] * [1, -1, -1], other.pose[0])
    assert state.speed_mps == other.speed_mps and state.yaw_rate_radps == -other.yaw_rate_radps


@settings(max_examples=40, deadline=None)
@given(st.lists(command, min_size=1, max_size=100), st.floats(-3.0, 40.0))
def test_no_command_leads_outside_physics(commands, speed_mps):
    state, motions = drive(commands, speed_mps=speed_mps)
    before = speed_mps
    for motion in motions:
        assert np.isfinite(motion.pose).all()
        assert np.abs(np.diff(motion.pose[0, :, :2], axis=0)).max() <= 0.45
        step = float(motion.speed_mps[0]) - before
        assert -0.81 <= step <= 0.81
        before = float(motion.speed_mps[0])
        assert abs(motion.steering_rad[0]) <= EGO_VEHICLE.steering_max_rad
    assert np.isfinite(state.pose).all()


def test_poses_join_from_tick_to_tick():
    _, motions = drive([(0.1, 1.0, False)] * 20)
    assert motions[0].pose.shape == (1, SUBSTEPS + 1, 3)
    for one, two in pairwise(motions):
        assert np.array_equal(one.pose[0, -1], two.pose[0, 0])


def test_branches_do_not_touch_each_other():
    alone, _ = drive([(0.2, 1.0, False)] * 30)
    both = start(np.zeros((2, 3)))
    for _ in range(30):
        both, _ = advance(both, [Control(-0.4, 2.0, FOREVER_NS), Control(0.2, 1.0, FOREVER_NS)])
    assert np.array_equal(both.pick(1).pose, alone.pose)


def test_brakes_hold_at_standstill_and_never_drive_backwards():
    state, _ = drive([(0.0, -8.0, False)] * 30, speed_mps=5.0)
    assert state.speed_mps[0] == 0.0 and state.acceleration_mps2[0] == 0.0
    stood = state.pose.copy()
    state, _ = advance(state, [Control(0.0, 0.0, FOREVER_NS)])
    assert np.array_equal(state.pose, stood)


def test_reverse_goes_in_only_at_standstill():
    moving, motions = drive([(0.0, 1.0, True)] * 10, speed_mps=4.0)
    assert 0.0 < moving.speed_mps[0] < 4.0 and not moving.reverse[0]
    stopped, _ = drive([(0.0, 1.0, True)] * 60, speed_mps=4.0)
    assert stopped.reverse[0] and stopped.speed_mps[0] < -0.5
    assert all(m.speed_mps[0] >= 0.0 for m in motions)


def test_backing_up_retraces_the_way():
    out, _ = drive([(0.3, 0.5, False)] * 30 + [(0.3, -4.0, False)] * 20)
    state = out
    while state.speed_mps[0] <= 0.0 and np.hypot(*state.pose[0, :2]) > 0.3:
        state, _ = advance(state, [Control(0.3, 0.5, FOREVER_NS, reverse=True)])
    # The wheels had to turn at the start, so the two arcs differ by a hand's width there.
    assert np.hypot(*state.pose[0, :2]) < 0.35


def test_slow_circle_has_the_radius_of_its_steering():
    angle = 0.3
    _, motions = drive([(angle, 0.0, False)] * 30, speed_mps=2.0)
    radius = 2.0 / motions[-1].yaw_rate_radps[0]
    assert radius == pytest.approx(EGO_VEHICLE.wheelbase_m / np.tan(angle), rel=1e-3)


def test_fast_circle_understeers_as_the_linear_tyres_say():
    angle, speed = 0.03, 15.0
    state = start(np.zeros((1, 3)), speed)
    for _ in range(50):
        state, motion = advance(state, [Control(angle, 0.0, FOREVER_NS)])
    expected = speed * angle / (EGO_VEHICLE.wheelbase_m + EGO_VEHICLE.understeer_s2pm * speed**2)
    assert motion.yaw_rate_radps[0] == pytest.approx(expected, rel=0.02)


def test_tyres_let_go_before_the_impossible():
    _, motions = drive([(0.6, 0.0, False)] * 20, speed_mps=20.0)
    assert max(abs(m.speed_mps[0] * m.yaw_rate_radps[0]) for m in motions[10:]) < 0.95 * 9.81 * 1.1


def test_steering_is_late_and_limited_in_rate():
    state, motions = drive([(0.5, 0.0, False)], speed_mps=2.0)
    assert 0.0 < motions[0].steering_rad[0] <= 0.07 * EGO_VEHICLE.steering_rate_radps / 0.7
    assert isinstance(state, VehicleState)


def test_a_control_that_ran_out_brakes_by_itself():
    state = start(np.zeros((1, 3)), 6.0)
    for _ in range(20):
        state, _ = advance(state, [Control(0.0, 2.0, TICK_NS, indicator=Indicator.LEFT)])
    assert state.speed_mps[0] == 0.0


def test_wrong_number_of_controls_is_refused():
    with pytest.raises(ValueError, match="2 controls for 1 branches"):
        advance(start(np.zeros((1, 3))), [Control(0, 0, 1), Control(0, 0, 1)])
