"""A user would lose: trust in every clearance and time to collision reported."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaolu.measures.geometry import clearance_m, time_to_collision_s, time_to_collision_turning_s

CAR = np.array([0.0, 0.0, 0.0, 4.0, 2.0])


@pytest.mark.parametrize(
    ("other", "gap"),
    [
        ([10.0, 0.0, 0.0, 4.0, 2.0], 6.0),  # in front: 10 - 2 - 2
        ([0.0, 3.0, 0.0, 4.0, 2.0], 1.0),  # beside: 3 - 1 - 1
        ([5.0, 5.0, 0.0, 4.0, 2.0], np.hypot(1.0, 3.0)),  # corner to corner
        ([3.0, 0.0, np.pi / 4, 2.0, 2.0], 0.0),  # a square on its tip reaches 1.41 back: overlaps
        ([4.0, 0.0, np.pi / 4, 2.0, 2.0], 2.0 - np.sqrt(2.0)),
    ],
)
def test_clearance_by_hand(other, gap):
    assert clearance_m(CAR, np.array(other)) == pytest.approx(gap, abs=1e-9)


def test_time_to_collision_by_hand():
    still = np.array([26.0, 0.0, 0.0, 4.0, 2.0])
    assert time_to_collision_s(CAR, np.array([10.0, 0.0]), still, np.zeros(2)) == pytest.approx(2.2)  # 22 m at 10
    # A walker 0.5 m square, 8 m ahead and 3 m to the side at 1.5 m/s: reaches the side (1 + 0.25) after 1.1667 s.
    walker = np.array([8.0, -3.0, 0.0, 0.5, 0.5])
    time = time_to_collision_s(CAR, np.array([4.0, 0.0]), walker, np.array([0.0, 1.5]))
    assert time == pytest.approx(max(1.75 / 1.5, 5.75 / 4.0))
    assert time_to_collision_s(CAR, np.array([10.0, 0.0]), still + np.array([0, 2.5, 0, 0, 0]), np.zeros(2)) == np.inf
    assert time_to_collision_s(CAR, np.zeros(2), CAR, np.zeros(2)) == 0.0


BOX = st.tuples(
    st.floats(-15, 15), st.floats(-15, 15), st.floats(-3.1, 3.1), st.floats(0.4, 12), st.floats(0.4, 3)
).map(np.array)


@settings(max_examples=60, deadline=None)
@given(BOX, BOX, st.floats(-3.1, 3.1))
def test_clearance_is_symmetric_and_turns_with_the_world(a, b, turn):
    cos, sin = np.cos(turn), np.sin(turn)

    def turned(box):
        return np.array([cos * box[0] - sin * box[1], sin * box[0] + cos * box[1], box[2] + turn, box[3], box[4]])

    assert clearance_m(a, b) == pytest.approx(clearance_m(b, a), abs=1e-9)
    assert clearance_m(turned(a), turned(b)) == pytest.approx(clearance_m(a, b), abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(BOX, BOX, st.floats(-8, 8), st.floats(-8, 8))
def test_at_the_time_of_collision_the_boxes_touch_and_not_before(a, b, vx, vy):
    time = float(time_to_collision_s(a, np.array([vx, vy]), b, np.zeros(2)))
    if not np.isfinite(time):
        return
    at = a + np.array([vx * time, vy * time, 0, 0, 0])
    assert clearance_m(at, b) == pytest.approx(0.0, abs=1e-6)
    if time > 0.01:
        assert clearance_m(a + np.array([vx, vy, 0, 0, 0]) * time * 0.9, b) > 0.0


def test_turning_away_from_somebody_at_the_corner_is_no_collision_course():
    walker = np.array([[9.0, 0.0, 0.0, 0.4, 0.5]])
    still = np.zeros((1, 2))
    straight = time_to_collision_turning_s(CAR, 1.4, 5.0, 0.0, walker, still)
    assert straight == pytest.approx((9.0 - 0.2 - 2.0) / 5.0, abs=0.05)  # 6.8 m at 5 m/s
    assert time_to_collision_turning_s(CAR, 1.4, 5.0, 0.9, walker, still) == np.inf  # radius 5.6 m, to the left
    assert time_to_collision_turning_s(CAR, 1.4, 5.0, 0.0, walker, np.array([[5.0, 0.0]])) == np.inf
