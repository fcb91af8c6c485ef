"""A user would lose: an ego that takes who waits for parked, meets others in the gap, or speeds by those who cross."""

from dataclasses import replace

import numpy as np
import pytest

from tests.expert.loop import people, scene_of
from xiaolu.core.users import Kind
from xiaolu.expert.backing import Backing, kept_on_road
from xiaolu.expert.bodies import in_the_way, queueing
from xiaolu.expert.encounter import own_half_m
from xiaolu.expert.margins import margins
from xiaolu.expert.road import road_limits
from xiaolu.expert.ways import KINDS, S_STEP_M, centred

S_M = 30.0


def ego(teacher) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return its pose, and the directions ahead of it and to its left."""
    pose = np.array(teacher.course.path.point_at(S_M))
    teacher._memory.s_m = S_M
    return pose, np.array([np.cos(pose[2]), np.sin(pose[2])]), np.array([-np.sin(pose[2]), np.cos(pose[2])])


def tick_with(teacher, kind: Kind, ahead_m: float, left_m: float, turned_rad: float, speed_mps: float, tick: int = 0):
    pose, ahead, left = ego(teacher)
    place = pose[:2] + ahead_m * ahead + left_m * left
    users = people((kind, *place, pose[2] + turned_rad, speed_mps))
    return teacher._tick(scene_of(teacher.town, teacher.route, tick, pose, 3.0, users))


def test_who_drove_a_moment_ago_waits_and_is_not_parked(ways):
    teacher = ways("Win", "Eout")
    assert tick_with(teacher, Kind.CAR, 20.0, 3.0, np.pi, 0.0).here.parked[0]
    tick_with(teacher, Kind.CAR, 20.0, 3.0, np.pi, 3.0, 1)
    assert not tick_with(teacher, Kind.CAR, 19.7, 3.0, np.pi, 0.0, 2).here.parked[0]


def test_the_faster_one_comes_the_more_room_it_is_given(ways):
    teacher = ways("Win", "Eout")
    gaps = []
    for speed_mps in (0.0, 1.0, 3.0, 8.0):
        tick = tick_with(teacher, Kind.CAR, 30.0, 3.0, np.pi, speed_mps)
        gaps.append(margins(tick.here, tick.moves, 0.0)[1][0])
    assert gaps[1] < gaps[2] < gaps[3] and gaps[3] > 0.4
    assert gaps[1] <= 0.22, "two that creep past each other in a lane need no more"


@pytest.mark.parametrize("out_m", [0.0, 2.5])
def test_it_knows_where_its_way_out_of_its_own_half_begins(ways, out_m):
    """The path leaves the lane's middle 12 m ahead, over 10 m: the corner is out before the rear axle begins to move
    over, and not before it comes there."""
    teacher = ways("Win", "Eout")
    pose, ahead, left = ego(teacher)
    way = np.arange(161) * 0.5
    aside = out_m * np.clip((way - 12.0) / 10.0, 0.0, 1.0)
    yaw = pose[2] + np.gradient(aside, 0.5)
    path = np.column_stack([pose[:2] + way[:, None] * ahead + aside[:, None] * left, yaw, np.zeros(161)])
    found = own_half_m(teacher.course, path, S_M)
    assert found == np.inf if out_m == 0.0 else 7.0 < found < 18.0


def test_who_walks_away_across_the_road_is_passed_slower_than_who_walks_along_it(ways):
    """He may turn back into the way that he has just left."""
    teacher = ways("Win", "Eout")
    slowest = []
    for turned_rad in (0.5 * np.pi, 0.0):
        tick = tick_with(teacher, Kind.PEDESTRIAN, 15.0, 2.6, turned_rad, 1.3)
        _, ahead, _ = ego(teacher)
        path = np.zeros((161, 4))
        path[:, :2] = tick.scene.ego_pose[:2] + np.arange(161)[:, None] * 0.5 * ahead
        path[:, 2] = tick.scene.ego_pose[2]
        slowest.append(road_limits(teacher.course, tick, path, teacher.course.goal_s_m).allowed[:60].min())
    across, along = slowest
    assert across < 2.2, "from so slow it can still stop for him"
    assert along > across + 2.0


def test_it_keeps_off_a_rider_who_comes_up_beside_it(ways):
    """It has no eyes for the mirror while it draws back to the right: the rider would be squeezed against the kerb."""
    teacher = ways("Win", "Eout")
    bodies = []
    for speed in (7.0, 2.0):
        tick = tick_with(teacher, Kind.BICYCLE, -6.0, -1.9, 0.0, speed)
        bodies.append(
            in_the_way(teacher.course, tick.scene, tick.here, tick.s0_m, tick.d0_m, tick.moves.owner, tick.moves.poses)
        )
    coming, falling_back = bodies
    assert len(coming) == 1 and coming[0, 0] < 0.0 < coming[0, 1] and coming[0, 4] >= 0.5
    assert not len(falling_back), "who is slower than the ego stays behind"


@pytest.mark.parametrize(
    ("kind", "out_m", "beside_m"), [(Kind.CAR, 3.0, -3.0), (Kind.BICYCLE, 3.0, -3.0), (Kind.CAR, 0.0, 3.0)]
)
def test_what_drives_where_it_belongs_it_falls_in_behind(ways, kind, out_m, beside_m):
    """Out in the other half of the road, abreast of a car in its own lane, it would overtake that car all along the
    street. A rider it overtakes there, and in its lane it goes on beside a car in the next one."""
    teacher = ways("Win", "Eout")
    pose, ahead, left = ego(teacher)
    pose = np.array([*(pose[:2] + out_m * left), pose[2]])
    place = pose[:2] + 2.0 * ahead + beside_m * left
    scene = scene_of(teacher.town, teacher.route, 0, pose, 5.0, people((kind, *place, pose[2], 5.0)))
    tick = teacher._tick(scene)
    bodies = in_the_way(teacher.course, scene, tick.here, tick.s0_m, tick.d0_m, tick.moves.owner, tick.moves.poses)
    falls_in = out_m > 0.0 and kind == Kind.CAR
    assert (len(bodies) == 0) == falls_in
    if falls_in:
        way = teacher._ways.propose(KINDS[0], tick, bodies, teacher._memory)
        assert abs(way.offsets_m[20]) < 0.5


def test_who_comes_up_where_it_belongs_it_lets_by_before_it_falls_in(ways):
    """It would drive back into its lane in front of who is beside its tail."""
    teacher = ways("Win", "Eout")
    pose, ahead, left = ego(teacher)
    pose = np.array([*(pose[:2] + 3.0 * left), pose[2]])
    place = pose[:2] - 1.0 * ahead - 3.0 * left
    scene = scene_of(teacher.town, teacher.route, 0, pose, 2.0, people((Kind.CAR, *place, pose[2], 4.0)))
    tick = teacher._tick(scene)
    bodies = in_the_way(teacher.course, scene, tick.here, tick.s0_m, tick.d0_m, tick.moves.owner, tick.moves.poses)
    assert len(bodies) and teacher._ways.propose(KINDS[0], tick, bodies, teacher._memory).offsets_m[2] > 2.0


def test_a_gap_little_wider_than_the_car_is_driven_through_in_its_middle():
    """Posts at 1.1 m on the left and -1.4 m on the right, 10 m ahead: the middle is at -0.15 m, between two cells."""
    posts = np.array([[10.0, 10.2, 1.1, 1.3, 0.25, 0.8, 0], [10.0, 10.2, -1.6, -1.4, 0.25, 0.8, 1]])
    offsets = centred(np.zeros(36), posts)
    assert offsets[round(10.0 / S_STEP_M)] == pytest.approx(-0.15)
    assert offsets[0] == 0.0 and (offsets[9:] == 0.0).all()
    posts[0, 2:4] += 3.0
    assert (centred(np.zeros(36), posts) == 0.0).all(), "where there is room it keeps its line"


def test_backing_beyond_where_its_way_began_it_keeps_off_an_edge_it_did_not_reckon_with(ways):
    """The road's right edge is 0.95 m from the middle of its way, a tyre's outside 0.8 m: a place 0.2 m to the right
    would hang over it."""
    teacher = ways("Win", "Eout")
    pose, _, left = ego(teacher)

    class Edge:
        def off_road_m(self, points):
            return np.maximum(-((points - pose[:2]) @ left) - 0.95, 0.0)

    for left_m, kept_m in ((-0.2, -0.1), (0.0, 0.0)):
        place = kept_on_road(teacher.course, Edge(), pose, S_M, 0.0, Backing(1, "car", S_M - 18.0, left_m, 0))
        assert place.left_m == pytest.approx(kept_m)


def test_it_does_not_back_where_its_nose_would_swing_over_the_other_kerb(ways):
    """Its wheels are 0.3 m from the left edge: it may go 0.4 m to the right behind itself, not 2.4 m."""
    teacher = ways("Win", "Eout")
    pose, _, left = ego(teacher)

    class Edge:
        def off_road_m(self, points):
            return np.maximum((points - pose[:2]) @ left - 1.1, 0.0)

    for left_m, fits in ((-2.4, False), (-0.4, True)):
        place = Backing(1, "car", S_M - 16.0, left_m, 0)
        assert (kept_on_road(teacher.course, Edge(), pose, S_M, 0.0, place) is not None) == fits


def test_who_has_stood_for_long_before_a_junction_without_a_signal_waits_no_more(ways):
    teacher = ways("Eout", "narrow_out", 20.0, 40.0)
    entry = teacher.course.entries[0]
    assert not entry.signalled
    x, y, yaw = teacher.course.path.point_at(entry.from_s_m - 6.0)
    pose = np.array(teacher.course.path.point_at(entry.from_s_m - 20.0))
    scene = scene_of(teacher.town, teacher.route, 100, pose, 0.0, people((Kind.CAR, x, y, yaw, 0.0)))
    here = teacher._tick(scene).here
    waits = [
        queueing(teacher.course, replace(here, stood_s=np.full(1, stood_s)), 0, entry.from_s_m - 4.0)
        for stood_s in (10.0, 40.0)
    ]
    assert waits == [True, False]


def test_the_lane_is_kept_before_a_signal_though_the_way_has_just_changed_lanes(ways):
    """Who stays in the old lane there crosses the line under another lamp."""
    course = ways("Win", "Eout", 60.0).course
    line = course.stop_lines[0]
    course.change[:] = 1
    keep_m = course._kept_lanes()
    rear_s = np.arange(course.n) * course.step_m
    near = (rear_s > line.s_m - 12.0) & (rear_s < line.s_m - 4.0)
    assert near.any() and (keep_m[near] < 1.5).all()


def test_who_turns_round_in_the_road_is_still_undecided_when_he_begins_to_walk(ways):
    """He has crossed, stands, and turns: for a moment he heads along the road at a walk."""
    teacher = ways("Win", "Eout")
    hesitates = []
    for tick, (turned_rad, speed_mps) in enumerate([(1.6, 1.3), (1.6, 0.3), (0.4, 0.6), (-0.4, 1.0), (-1.5, 1.4)]):
        hesitates.append(
            bool(tick_with(teacher, Kind.PEDESTRIAN, 12.0, 2.6, turned_rad, speed_mps, tick).here.hesitates[0])
        )
    assert hesitates == [False, True, True, True, True]
    assert not tick_with(teacher, Kind.PEDESTRIAN, 12.0, 2.6, 0.0, 1.3, 20).here.hesitates[0]
