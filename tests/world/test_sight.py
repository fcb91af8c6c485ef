"""What a user would lose: somebody seen through a house or a bus, or not seen in the open."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon

from xiaolu.world.sight import Sight, first_wall

HOUSES = [
    np.array([[20.0, 20.0], [45.0, 22.0], [44.0, 40.0], [21.0, 38.0]]),
    np.array([[-30.0, 15.0], [-18.0, 15.0], [-18.0, 60.0], [-30.0, 60.0]]),
    np.array([[5.0, -50.0], [12.0, -50.0], [12.0, -20.0], [5.0, -20.0]]),
]


@pytest.fixture(scope="module")
def sight(small_town) -> Sight:
    """The crossroads with three houses of our own."""
    start = np.cumsum([0, *(len(house) for house in HOUSES)])
    return Sight(
        dataclasses.replace(
            small_town,
            building_start=start,
            building_points=np.concatenate(HOUSES),
            building_height_m=np.full(len(HOUSES), 9.0),
            building_style=np.zeros(len(HOUSES), np.int32),
        )
    )


place = st.tuples(st.floats(-80, 80), st.floats(-80, 80))


@settings(max_examples=200, deadline=None)
@given(place, place)
def test_sight_ends_at_walls_and_only_there(sight, eye, target):
    line = LineString([eye, target])
    walls = [Polygon(house).exterior for house in HOUSES]
    if any(0.0 < line.distance(wall) < 1e-6 for wall in walls) or line.length < 1e-3:
        return
    hidden = any(line.intersects(wall) for wall in walls)
    assert bool(sight.visible(np.array(eye), np.array([target]))[0]) is not hidden


def test_sight_goes_both_ways(sight):
    rng = np.random.default_rng(3)
    places = rng.uniform(-80, 80, (60, 2))
    for a in places[:12]:
        there = sight.visible(a, places)
        back = np.array([sight.visible(b, a[None])[0] for b in places])
        assert np.array_equal(there, back)


def test_a_van_hides_whom_it_stands_before_but_not_itself(sight):
    van = np.array([[10.0, 0.0, 0.0, 5.2, 1.9]])
    eye = np.zeros(2)
    targets = np.array([[20.0, 0.0], [20.0, 8.0], [10.0, 0.0]])
    assert sight.visible(eye, targets, van).tolist() == [False, True, False]
    assert sight.visible(eye, targets, van, np.array([-1, -1, 0])).tolist() == [False, True, True]


def test_sight_beyond_the_map_is_free(sight):
    assert sight.visible(np.array([5000.0, 5000.0]), np.array([[5100.0, 5000.0]])).all()


def test_whether_a_wall_is_there_and_where_the_first_one_is_agree(small_town):
    """Road users ask the first, which is quicker; the ego's ranging and the referee the second."""
    walls = Sight(small_town).walls
    ends = np.random.default_rng(4).uniform(-120.0, 120.0, (3000, 4))
    first = np.array([first_wall(walls, *end) for end in ends])
    some = np.array([first_wall(walls, *end, 1.0) for end in ends])
    assert np.array_equal(first <= 1.0, some <= 1.0) and (some >= first).all()
    assert 300 < (first <= 1.0).sum() < 2900
