"""A passenger would lose: knowing whether a ride was smooth."""

import numpy as np
import pytest

from xiaolu.measures.comfort import NOTICED, NUPLAN, breaches, comfort, hard_brakes, motion_of, spans


def ramp(acceleration: float, seconds: float = 6.0, start: float = 12.0) -> np.ndarray:
    return start + acceleration * np.arange(0.0, seconds, 0.1)


def test_constant_acceleration_is_read_exactly():
    motion = motion_of(ramp(-1.7), np.zeros(60))
    assert np.allclose(motion.longitudinal_mps2, -1.7)
    assert np.allclose(motion.longitudinal_jerk_mps3, 0.0, atol=1e-9)


def test_a_circle_has_lateral_acceleration_v_squared_over_r():
    speed = np.full(60, 6.0)
    motion = motion_of(speed, np.arange(60) * 0.1 * 6.0 / 20.0)  # radius 20 m
    assert np.allclose(motion.lateral_mps2, 36.0 / 20.0)


def test_linear_acceleration_has_its_jerk():
    time = np.arange(0.0, 6.0, 0.1)
    motion = motion_of(5.0 + 0.5 * 0.8 * time**2, np.zeros(60))  # jerk 0.8
    assert np.allclose(motion.longitudinal_jerk_mps3[8:-8], 0.8, atol=1e-6)


def test_the_outer_bounds_are_lenient_and_the_noticed_ones_are_not():
    motion = motion_of(ramp(-3.0), np.zeros(60))
    assert not breaches(motion, NUPLAN).any()
    assert breaches(motion, NOTICED).all()


def test_two_separate_hard_brakes_count_twice():
    accel = np.zeros(120)
    accel[20:32] = accel[80:92] = -3.6
    speed = 12.0 + np.cumsum(accel) * 0.1
    assert len(hard_brakes(speed)) == 2
    assert len(hard_brakes(np.full(5, 3.0))) == 0


def test_spans_join_over_short_gaps():
    condition = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1], bool)
    assert spans(condition).tolist() == [[1, 2], [4, 4], [8, 8]]
    assert spans(condition, 1).tolist() == [[1, 4], [8, 8]]
    assert spans(condition, 3).tolist() == [[1, 8]]


def test_scores_of_a_smooth_ride_and_of_one_too_short():
    stamp = np.arange(60) * 100_000_000
    by_name = {s.name: s for s in comfort(ramp(0.5), np.zeros(60), stamp)}
    assert by_name["comfort_noticed_time_share"].value == 1.0
    assert by_name["hard_brakes"].value == 0.0
    assert by_name["hard_brakes"].to_ns == 5_900_000_000
    assert all(not s.valid and s.value is None for s in comfort(ramp(0.5)[:9], np.zeros(9), stamp[:9]))
    with pytest.raises(ValueError, match="15"):
        motion_of(np.zeros(9), np.zeros(9))
