"""Without these, the guardian would call the road a pavement, a flyover the street below, and scores would lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon
from shapely.ops import unary_union

from tests.towns import crossroads
from xiaolu.world.ground import REACH_M, Ground
from xiaolu.world.town import LaneKind

TOWN = crossroads()
GROUND = Ground(TOWN)
PLACES = st.tuples(st.floats(-170, 170), st.floats(-170, 170))


def strips(town, layer=0):
    kinds = (LaneKind.DRIVE, LaneKind.CYCLE)
    lanes = [n for n in range(town.lanes) if town.lane_kind[n] in kinds and town.lane_layer[n] == layer]
    areas = [LineString(town.line(n)[:, :2]).buffer(town.lane_width_m[n] / 2, 64) for n in lanes]
    outlines = np.split(town.junction_points, town.junction_start[1:-1])
    return unary_union([*areas, *[Polygon(o) for o in outlines]])


SURFACE = strips(TOWN)


@settings(deadline=None, max_examples=200)
@given(PLACES)
def test_distance_off_the_road_is_the_true_one(place):
    true = Point(place).distance(SURFACE)
    told = GROUND.off_road_m(np.array([place]))[0]
    assert told == pytest.approx(true, abs=0.02) if true < REACH_M - 0.1 else told >= REACH_M - 0.1


@settings(deadline=None, max_examples=100)
@given(PLACES)
def test_nearest_lane_is_the_nearest(place):
    lane, s, offset, distance = GROUND.nearest(*place)
    drive = np.flatnonzero(TOWN.lane_kind == LaneKind.DRIVE)
    gaps = [LineString(TOWN.line(n)[:, :2]).distance(Point(place)) for n in drive]
    assert distance == pytest.approx(min(gaps), abs=1e-6)
    x, y, _, _ = TOWN.pose_at(lane, s)
    assert np.hypot(place[0] - x, place[1] - y) == pytest.approx(distance, abs=1e-2)
    assert abs(offset) <= distance + 1e-6


@settings(deadline=None, max_examples=50)
@given(PLACES, st.floats(0, 60))
def test_lanes_near_are_those_within_the_radius(place, radius):
    near = set(GROUND.lanes_near(*place, radius, (LaneKind.DRIVE, LaneKind.FOOT)).tolist())
    for lane in np.flatnonzero((TOWN.lane_kind == LaneKind.DRIVE) | (TOWN.lane_kind == LaneKind.FOOT)):
        gap = LineString(TOWN.line(lane)[:, :2]).distance(Point(place))
        if abs(gap - radius) > 1e-6:
            assert (lane in near) == (gap < radius)


def test_offset_is_positive_to_the_left():
    lane = TOWN.meta["lanes"]["Wout"]
    x, y, _, yaw = TOWN.pose_at(lane, 50.0)
    left = x - 0.4 * np.sin(yaw), y + 0.4 * np.cos(yaw)
    found, s, offset, _ = GROUND.nearest(*left)
    assert (found, s, offset) == (lane, pytest.approx(50.0), pytest.approx(0.4))


def test_heading_picks_the_lane_of_ones_own_direction():
    names = TOWN.meta["lanes"]
    middle = (90.0, 60.0)  # of the narrow street: both directions are equally near
    assert GROUND.nearest(*middle, yaw=np.pi / 2)[0] == names["narrow_out"]
    assert GROUND.nearest(*middle, yaw=-np.pi / 2)[0] == names["narrow_in"]


def test_a_layer_that_is_not_there_has_no_lane_and_no_road():
    lane, _, _, distance = GROUND.nearest(0.0, 0.0, layer=1)
    assert lane == -1 and distance == np.inf
    assert GROUND.off_road_m(np.zeros((1, 2)), layer=1)[0] >= REACH_M


def test_far_outside_the_town_is_off_the_road():
    assert GROUND.off_road_m(np.array([[1e5, 1e5], [-1e5, 3.0]])).min() >= REACH_M
    assert GROUND.nearest(1000.0, 0.0)[3] == pytest.approx(850.0, abs=2.0)


def test_a_flyover_is_no_road_on_the_ground(shanghai):
    ground = Ground(shanghai)
    high = [n for n in np.flatnonzero(shanghai.lane_layer == 1) if shanghai.line(n)[:, 2].min() > 4.0]
    assert high, "Shanghai has elevated roads"
    middles = np.array([shanghai.pose_at(n, shanghai.lane_length_m[n] / 2)[:2] for n in high])
    assert ground.off_road_m(middles, layer=1).max() == 0.0
    assert np.mean(ground.off_road_m(middles, layer=0) > 0.5) > 0.1


def test_a_hair_between_two_strips_is_no_edge_and_a_corner_of_the_kerb_is_one():
    """A seam 0.16 m wide along the x axis; a kerb corner over the quarter x, y > 10 m; a road's end at x < -10 m."""

    class Surface(Ground):
        def __init__(self) -> None: ...

        def _off_strips_m(self, points, layer):
            x, y = points.T
            seam = np.where(np.abs(y) < 0.08, 0.08 - np.abs(y), 0.0)
            corner = np.where((x > 10.0) & (y > 10.0), np.minimum(x - 10.0, y - 10.0), 0.0)
            return np.maximum.reduce([seam, corner, -10.0 - x, np.zeros(len(x))])

    places = np.array([[0.0, 0.0], [3.0, 0.05], [10.1, 10.1], [-10.1, 3.0], [12.0, 10.1]])
    assert Surface().off_road_m(places) == pytest.approx([0.0, 0.0, 0.1, 0.1, 0.1])
