"""What the network is told must not depend on where the ride began, and no text or route may break it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiaolu.codec.ego import EGO_SIZE, ego_vector
from xiaolu.codec.route import ROUTE_SIZE, nearest_on_line, route_vector, sample_line
from xiaolu.codec.text import TEXT_BUCKETS, TEXT_IDS, text_ids
from xiaolu.core.frames import compose, to_parent
from xiaolu.core.observation import EgoState, Manoeuvre, Route

LINE = np.array([[-20.0, 3.0], [20.0, 3.0], [20.0, 60.0]])


def ego_at(odometry: np.ndarray, speed_mps: float = 5.0, stamp_ns: int = 0) -> EgoState:
    return EgoState(stamp_ns, speed_mps, 0.0, 0.0, 0.0, odometry)


@settings(max_examples=40, deadline=None)
@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(-3.1, 3.1))
def test_the_route_looks_the_same_wherever_odometry_began(x: float, y: float, yaw: float) -> None:
    origin = np.array([x, y, yaw])
    here = np.array([2.0, 1.0, 0.1])
    one = route_vector(Route(0, Manoeuvre.TURN_LEFT, 20.0, LINE), ego_at(here))
    moved = Route(0, Manoeuvre.TURN_LEFT, 20.0, to_parent(origin, LINE))
    other = route_vector(moved, ego_at(compose(origin, here)))
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert one.shape == (ROUTE_SIZE,)


def test_a_turn_ahead_shows_as_a_heading_to_the_left() -> None:
    vector = route_vector(Route(0, Manoeuvre.TURN_LEFT, 20.0, LINE), ego_at(np.zeros(3)))
    samples = vector[-48:].reshape(12, 4)
    np.testing.assert_allclose(samples[2, 2:], [1.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(samples[-1, 2:], [0.0, 1.0], atol=1e-5)


def test_the_distance_to_the_turn_shrinks_between_refreshes() -> None:
    route = Route(0, Manoeuvre.TURN_LEFT, 20.0, LINE)
    early = route_vector(route, ego_at(np.zeros(3)))
    late = route_vector(route, ego_at(np.zeros(3), stamp_ns=1_000_000_000))
    assert (late[7:10] > early[7:10]).all()


@pytest.mark.parametrize("line", [np.zeros((0, 2)), np.zeros((1, 2)), np.zeros((5, 2))])
def test_a_route_without_a_line_is_still_a_route(line: np.ndarray) -> None:
    vector = route_vector(Route(0, Manoeuvre.ARRIVE, 5.0, line), ego_at(np.zeros(3)))
    assert np.isfinite(vector).all() and vector[0] == 1.0


def test_no_route_is_told_from_any_route() -> None:
    assert not route_vector(None, ego_at(np.zeros(3))).any()


def test_lines_are_sampled_beyond_their_ends() -> None:
    line = np.array([[0.0, 0.0], [10.0, 0.0]])
    np.testing.assert_allclose(sample_line(line, np.array([-2.0, 5.0, 13.0])), [[-2, 0], [5, 0], [13, 0]])
    assert nearest_on_line(line - np.array([4.0, 0.0])) == pytest.approx(4.0)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=600))
def test_any_text_becomes_ids_in_range(text: str) -> None:
    ids = text_ids(text)
    assert ids.shape == (TEXT_IDS,) and ids.min() >= 0 and ids.max() < TEXT_BUCKETS


def test_half_a_megabyte_is_read_as_fast_as_a_wish() -> None:
    np.testing.assert_array_equal(text_ids("turn left " * 50_000), text_ids("turn left " * 40))


def test_case_and_width_do_not_change_a_wish_but_words_do() -> None:
    np.testing.assert_array_equal(text_ids("Turn LEFT, please!"), text_ids("turn left please"))
    assert (text_ids("前面左转") != text_ids("前面右转")).any()
    assert not text_ids(" \x00\x07 ").any()


def test_an_unknown_speed_is_not_a_standing_car() -> None:
    assert not ego_vector(None).any()
    standing = ego_vector(ego_at(np.zeros(3), 0.0))
    assert standing.shape == (EGO_SIZE,) and standing[0] == 1.0 and standing[2] == 1.0
