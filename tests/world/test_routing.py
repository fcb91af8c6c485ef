"""Without these, rides would start in junctions, jump lanes, ask for turns no car makes, or lose their place."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.towns import crossroads
from xiaolu.core.frames import to_parent, wrap_angle
from xiaolu.core.observation import Manoeuvre
from xiaolu.world.ground import Ground
from xiaolu.world.routing import GOAL_MARGIN_M, START_CLASSES, RoutePath, RoutePlan, Router, draw_ride
from xiaolu.world.town import LaneKind, RoadClass, Town, Turn

LENGTHS_M = (150.0, 400.0, 800.0)


def rides(town: Town, count: int = 25, lengths_m: tuple[float, ...] = LENGTHS_M) -> list[RoutePlan]:
    return [draw_ride(town, seed, lengths_m[seed % len(lengths_m)]) for seed in range(count)]


@lru_cache(maxsize=1)
def small_path() -> RoutePath:
    town = crossroads()
    return RoutePath(town, draw_ride(town, 3, 200.0))


def assert_connected(town: Town, plan: RoutePlan) -> None:
    for lane, after in zip(plan.lanes[:-1], plan.lanes[1:], strict=True):
        assert after in town.following(lane) or after in (town.lane_left[lane], town.lane_right[lane])


def assert_drivable(path: RoutePath) -> None:
    step = np.hypot(*np.diff(path.points[:, :2], axis=0).T)
    assert step.max() < 1.6 and step.min() > 0.3
    assert np.abs(path.curvature_1pm).max() <= 1 / 5.0
    assert np.all(np.diff(path.s_m) > 0) and np.all(np.diff(path.lane_index) >= 0)
    assert path.manoeuvres[-1][1] == Manoeuvre.ARRIVE
    assert [m[0] for m in path.manoeuvres] == sorted(m[0] for m in path.manoeuvres)


def assert_sensible(town: Town, plan: RoutePlan, length_m: float) -> None:
    start, goal = int(plan.lanes[0]), int(plan.lanes[-1])
    for lane in (start, goal):
        assert town.lane_kind[lane] == LaneKind.DRIVE and town.lane_junction[lane] < 0
        assert town.lane_class[lane] in START_CLASSES and town.lane_layer[lane] == 0
    assert 8.0 <= plan.start_s_m <= town.lane_length_m[start] - 8.0
    assert GOAL_MARGIN_M <= plan.goal_s_m <= town.lane_length_m[goal] - GOAL_MARGIN_M
    right = town.lane_right[goal]
    assert right < 0 or town.lane_kind[right] != LaneKind.DRIVE
    assert not np.isin(town.lane_class[plan.lanes], (RoadClass.MOTORWAY, RoadClass.TRUNK)).any()
    assert (town.lane_layer[plan.lanes] == 0).all() and (town.lane_turn[plan.lanes] != Turn.U_TURN).all()
    assert abs(plan.length_m - length_m) <= 0.15 * length_m + 1e-6


def test_a_ride_through_shanghai_is_connected_sensible_and_drivable(shanghai: Town) -> None:
    turns = 0
    for seed, plan in enumerate(rides(shanghai, 40)):
        assert_connected(shanghai, plan)
        assert_sensible(shanghai, plan, LENGTHS_M[seed % 3])
        path = RoutePath(shanghai, plan)
        assert_drivable(path)
        turns += len(path.manoeuvres) > 1
    assert turns >= 36, "a ride with nothing to decide teaches nothing"


def test_no_wheel_climbs_the_kerb_on_the_line_of_a_ride(shanghai: Town) -> None:
    ground = Ground(shanghai)
    for plan in rides(shanghai, 20):
        path = RoutePath(shanghai, plan)
        left = np.stack([-np.sin(path.yaw_rad), np.cos(path.yaw_rad)], axis=1) * 0.8
        rear = np.concatenate([path.points[:, :2] + left, path.points[:, :2] - left])
        assert ground.off_road_m(rear).max() < 0.2


def test_the_line_stays_on_the_lanes_it_stands_for(shanghai: Town) -> None:
    for plan in rides(shanghai, 12):
        path = RoutePath(shanghai, plan)
        surface = np.concatenate([shanghai.line(int(lane))[:, :2] for lane in plan.lanes])
        gap_m = np.hypot(*(path.points[:, None, :2] - surface).transpose(2, 0, 1)).min(axis=1)
        assert gap_m.max() < 2.6  # half a lane change, or a corner rounded


def test_the_same_seed_is_the_same_ride_even_with_a_new_router(small_town: Town) -> None:
    for seed in range(8):
        first, second = draw_ride(small_town, seed, 200.0), Router(small_town).draw(seed, 200.0)
        assert first.lanes.tolist() == second.lanes.tolist()
        assert (first.start_s_m, first.goal_s_m) == (second.start_s_m, second.goal_s_m)
    starts = {(int(p.lanes[0]), p.start_s_m) for p in (draw_ride(small_town, s, 200.0) for s in range(8))}
    assert len(starts) == 8


def test_a_town_without_room_for_the_ride_says_so(small_town: Town) -> None:
    with pytest.raises(ValueError, match="no ride of about 5000 m"):
        draw_ride(small_town, 0, 5000.0)


def test_rides_on_the_small_town_turn_and_arrive(small_town: Town) -> None:
    for plan in rides(small_town, 12, (180.0,)):
        assert_connected(small_town, plan)
        assert_drivable(RoutePath(small_town, plan))


def test_turns_are_announced_the_way_they_go(shanghai: Town) -> None:
    seen = 0
    for plan in rides(shanghai, 20, (600.0,)):
        path = RoutePath(shanghai, plan)
        for s_m, manoeuvre, lane in path.manoeuvres[:-1]:
            length_m = float(shanghai.lane_length_m[lane])
            bend = float(path.point_at(s_m + length_m + 6.0)[2] - path.point_at(s_m - 6.0)[2])
            if abs(bend) > 0.7:
                assert (manoeuvre == Manoeuvre.TURN_LEFT) == (bend > 0)
                seen += 1
    assert seen > 15


def test_the_next_manoeuvre_is_the_one_ahead() -> None:
    path = small_path()
    for s_m, manoeuvre, lane in path.manoeuvres:
        assert path.next_manoeuvre(s_m - 0.5) == (s_m, manoeuvre, lane)
    assert path.next_manoeuvre(path.length_m)[1] == Manoeuvre.ARRIVE


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0.02, 0.98), offset_m=st.floats(-2.0, 2.0), drift_m=st.floats(-12.0, 12.0))
def test_a_place_beside_the_way_is_found_again(share: float, offset_m: float, drift_m: float) -> None:
    path = small_path()
    s_m = share * path.length_m
    x, y = to_parent(path.point_at(s_m), np.array([0.0, offset_m]))
    found_s_m, found_offset_m = path.project(float(x), float(y), s_m + drift_m)
    assert abs(found_s_m - s_m) < 0.8 and abs(found_offset_m - offset_m) < 0.15


def loop_town() -> tuple[Town, RoutePlan]:
    """A lane that runs east, curls round to the left through its own beginning, and goes on south-east."""
    angle = np.linspace(0.0, 1.5 * np.pi, 60)
    curl = np.stack([40.0 + 12.0 * np.sin(angle), 12.0 - 12.0 * np.cos(angle)], axis=1)
    line = np.concatenate([np.stack([np.arange(0.0, 40.0, 1.0), np.zeros(40)], axis=1), curl])
    line = np.concatenate([line, line[-1] + np.stack([np.zeros(30), -np.arange(1.0, 31.0)], axis=1)])
    town = crossroads()
    lane = int(np.flatnonzero(town.lane_kind == LaneKind.DRIVE)[0])
    start = town.point_start.copy()
    grown = len(line) - (start[lane + 1] - start[lane])
    points = np.concatenate(
        [town.points[: start[lane]], np.column_stack([line, np.zeros(len(line))]), town.points[start[lane + 1] :]]
    )
    start[lane + 1 :] += grown
    length_m = town.lane_length_m.copy()
    length_m[lane] = np.hypot(*np.diff(line, axis=0).T).sum()
    looped = replace(town, points=points, point_start=start, lane_length_m=length_m)
    return looped, RoutePlan(np.array([lane]), 1.0, length_m[lane] - 1.0, length_m[lane] - 2.0)


def test_a_way_that_crosses_itself_keeps_its_order() -> None:
    path = RoutePath(*loop_town())
    near_m = 0.0
    for s_m in np.arange(1.0, path.length_m - 1.0, 1.0):
        x, y, _ = path.point_at(s_m)
        near_m, offset_m = path.project(float(x), float(y), near_m)
        assert abs(near_m - s_m) < 1.0 and abs(offset_m) < 0.2


def test_arrays_are_looked_up_as_single_places_are() -> None:
    path = small_path()
    s_m = np.linspace(0.0, path.length_m, 17)
    poses = path.point_at(s_m)
    found_m, offset_m = path.project(poses[:, 0], poses[:, 1], s_m)
    assert np.allclose(found_m, s_m, atol=0.1) and np.abs(offset_m).max() < 0.1
    assert path.lane_at(s_m).tolist() == [path.lane_at(float(s)) for s in s_m]
    assert path.lanes_from(0.0).tolist() == path.plan.lanes.tolist()
    assert path.lanes_from(path.length_m).tolist() == [path.plan.lanes[-1]]


def test_lane_changes_take_25_m_and_end_on_the_new_lane(shanghai: Town) -> None:
    edge_lanes = np.flatnonzero(
        (shanghai.lane_kind == LaneKind.DRIVE)
        & (shanghai.lane_left >= 0)
        & (shanghai.lane_length_m > 70)
        & (shanghai.lane_layer == 0)
        & (shanghai.lane_class > RoadClass.TRUNK)
    )
    router = Router(shanghai)
    for lane in edge_lanes[:20]:
        left = int(shanghai.lane_left[lane])
        plan = router.plan(int(lane), 5.0, left, 60.0)
        assert plan is not None and plan.lanes.tolist() == [int(lane), left]
        path = RoutePath(shanghai, plan)
        assert np.abs(path.curvature_1pm).max() < 0.05
        end = shanghai.pose_at(left, 60.0)
        assert np.hypot(*(path.points[-1, :2] - end[:2])) < 0.05
        assert abs(float(wrap_angle(path.yaw_rad[-1] - end[3]))) < 0.1
        assert path.lane_index[-1] == 1 and path.lane_index[0] == 0


def test_a_plan_whose_lanes_do_not_meet_is_refused(small_town: Town) -> None:
    drive = np.flatnonzero((small_town.lane_kind == LaneKind.DRIVE) & (small_town.lane_junction < 0))
    first = int(drive[0])
    stranger = int(next(lane for lane in drive if lane != first and lane not in small_town.following(first)))
    with pytest.raises(ValueError, match="neither follows"):
        RoutePath(small_town, RoutePlan(np.array([first, stranger]), 0.0, 5.0, 50.0))


def test_no_way_is_none_and_round_the_block_is_found(shanghai: Town, small_town: Town) -> None:
    drive = np.flatnonzero((small_town.lane_kind == LaneKind.DRIVE) & (small_town.lane_junction < 0))
    dead_end = int(next(lane for lane in drive if not len(small_town.following(int(lane)))))
    assert Router(small_town).plan(dead_end, 1.0, int(drive[drive != dead_end][0]), 5.0) is None
    router, found = Router(shanghai), 0
    for lane in router.start_lanes[::20]:
        plan = router.plan(int(lane), 20.0, int(lane), 10.0)
        if plan is not None:
            assert_connected(shanghai, plan)
            assert plan.lanes[0] == plan.lanes[-1] == lane and plan.length_m > 50.0
            found += 1
    assert found > 10
