"""A passenger gets out at the kerb: near enough to step onto it, parallel to it, and not where somebody stands."""

import numpy as np
import pytest

from tests.expert.loop import drive, people
from tests.expert.test_teacher import heads, start_of
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.frames import to_parent
from xiaolu.core.users import Kind
from xiaolu.expert.kerb import Berth, free_berth
from xiaolu.world.ground import Ground

SIDE = np.array([[x, -EGO_BODY.width_m / 2] for x in (-0.5, 1.4, 3.4)])


def gap_to_kerb(town, pose) -> np.ndarray:
    """Metres from places along the car's right side to the edge of the road, straight to the right."""
    out = np.arange(0.0, 4.0, 0.02)
    right = np.array([np.sin(pose[2]), -np.cos(pose[2])])
    sides = to_parent(pose, SIDE)
    return np.array([out[(Ground(town).off_road_m(p + out[:, None] * right) > 0.0).argmax()] for p in sides])


def test_it_draws_up_at_the_kerb_within_the_tolerance(ways, small_town):
    teacher = ways("Win", "Eout", 100.0, 60.0)
    trace = drive(teacher, start_of(teacher), 45.0, colour=heads(teacher, LampColour.GREEN))
    assert trace.speed_mps[-1] == 0.0
    gaps = gap_to_kerb(small_town, trace.pose[-1])
    assert gaps.min() > 0.15 and gaps.max() < 0.5
    assert abs(np.degrees(trace.pose[-1, 2])) < 3.0
    goal = teacher.course.path.point_at(teacher.course.goal_s_m)
    assert np.hypot(*(goal[:2] - trace.pose[-1, :2])) < 1.5


@pytest.mark.parametrize("taken", [74.0, 78.0])
def test_where_the_kerb_is_taken_it_stops_at_the_next_free_place(ways, small_town, taken):
    teacher = ways("Win", "Eout", 100.0, 60.0)  # the goal lies at x = 74
    parked = people((Kind.CAR, taken, -2.25, 0.0, 0.0))
    trace = drive(teacher, start_of(teacher), 45.0, lambda _: parked, colour=heads(teacher, LampColour.GREEN))
    assert trace.speed_mps[-1] == 0.0
    x = trace.pose[-1, 0]
    assert abs(x - 74.0) < 9.0
    assert x + EGO_BODY.front_x_m < taken - 2.3 or x - EGO_BODY.rear_overhang_m > taken + 2.3
    gaps = gap_to_kerb(small_town, trace.pose[-1])
    assert gaps.min() > 0.15 and gaps.max() < 0.5


def test_it_does_not_keep_away_from_the_passenger_it_stops_for(ways, small_town):
    """Who waits half a metre from the kerb is a step from the door, not somebody to pass with room."""
    teacher = ways("Win", "Eout", 100.0, 60.0)
    waits = people((Kind.PEDESTRIAN, 75.5, -4.0 - 0.5, 1.6, 0.0))
    trace = drive(teacher, start_of(teacher), 45.0, lambda _: waits, colour=heads(teacher, LampColour.GREEN))
    gaps = gap_to_kerb(small_town, trace.pose[-1])
    assert trace.speed_mps[-1] == 0.0 and gaps.min() > 0.15 and gaps.max() < 0.5


def test_it_lets_those_behind_go_before_it_pulls_out(ways):
    teacher = ways("Win", "Eout", 20.0)
    start = np.array([-120.0, -2.0, 0.0]) + np.array([0.0, -0.45, 0.0])

    def behind(time: float):
        x = -150.0 + 8.0 * time
        return people((Kind.CAR, x, -1.2, 0.0, 8.0, 11, 150.0 + x, 0.4))

    trace = drive(teacher, start, 8.0, behind, colour=heads(teacher, LampColour.GREEN))
    passes = np.array([-150.0 + 8.0 * t for t in trace.time_s])
    beside = passes < trace.pose[:, 0] + EGO_BODY.front_x_m
    assert np.abs(trace.pose[beside, 1] - start[1]).max() < 0.3  # still at the kerb
    assert trace.pose[-1, 0] > start[0] + 3.0  # and then it goes


@pytest.mark.parametrize(("past_m", "waits"), [(2.3, True), (4.5, False)])
def test_parked_in_its_lane_it_lets_by_who_swings_out_round_it(ways, past_m, waits):
    """Where the street is too narrow to stand beside the lane, cars from behind come past with little room."""
    teacher = ways("Win", "Eout", 20.0)
    start = start_of(teacher)

    def behind(time: float):
        x = start[0] - 24.0 + 7.0 * time
        return people((Kind.CAR, x, start[1] + past_m, start[2], 7.0))

    trace = drive(teacher, start, 8.0, behind, colour=heads(teacher, LampColour.GREEN))
    tail = np.array([behind(t).x_m[0] for t in trace.time_s]) - 2.3
    beside = tail < trace.pose[:, 0] + EGO_BODY.front_x_m
    assert (trace.speed_mps[beside].max() < 0.1) == waits
    assert trace.pose[-1, 0] > start[0] + 1.0  # and then it goes


def test_under_way_it_does_not_wait_for_who_comes_from_behind(ways):
    """Who follows sees it: an ego that stopped for followers would never get on."""
    teacher = ways("Win", "Eout", 20.0)
    start = start_of(teacher)

    def behind(time: float):
        x = start[0] - 60.0 + 7.0 * time if time > 6.0 else start[0] - 100.0
        return people((Kind.CAR, x, start[1], start[2], 7.0))

    trace = drive(teacher, start, 9.0, behind, colour=heads(teacher, LampColour.GREEN))
    assert np.diff(trace.speed_mps[55:]).min() > -0.1


def test_behind_a_parked_car_it_goes_on_to_where_there_is_room_to_draw_up(ways, small_town):
    """Straight in behind what it has just gone round, a car ends up slantwise: a longer kerb is a better one."""
    options = tuple(Berth(100.0 + shift, -0.7, 76.0 + shift) for shift in (0.0, -2.0, 2.0, 4.0, 6.0))
    car = np.array([[84.0, 88.0, -1.9, 0.0]])
    assert free_berth(options, 100.0, np.empty((0, 4))) == options[0]
    assert free_berth(options, 100.0, car - [[20.0, 20.0, 0.0, 0.0]]) == options[0]
    assert free_berth(options, 100.0, car) == options[4]
    assert free_berth(options[:3], 100.0, car) == options[2]


def test_how_late_it_can_still_move_over():
    """1.05 m aside, 0.4 of which may be left, at the steepest 0.25: 1.5 / 0.25 x 0.65 m, and 3 m to end with."""
    assert Berth(100.0, -0.7, 76.0).needs_m(0.35) == pytest.approx(6.9)
    assert Berth(100.0, -0.7, 76.0).needs_m(-0.4) == 0.0


def test_at_the_end_of_its_way_it_stays_behind_who_walks_there(ways, small_town):
    """It passed a child that walked along the kerb, and then stood out in the road at a slant."""
    teacher = ways("Win", "Eout", 100.0, 60.0)  # the goal lies at x = 74

    def walks(time: float):
        return people((Kind.CHILD, 48.0 + 1.4 * time, -2.7, 0.0, 1.4))

    start = start_of(teacher) + np.array([100.0, 0.0, 0.0])
    trace = drive(teacher, start, 40.0, walks, colour=heads(teacher, LampColour.GREEN))
    gaps = gap_to_kerb(small_town, trace.pose[-1])
    assert trace.speed_mps[-1] == 0.0 and gaps.min() > 0.1 and gaps.max() < 0.6
    assert abs(np.degrees(trace.pose[-1, 2])) < 4.0


def test_a_stream_of_riders_from_behind_does_not_hold_it_in_its_lane_for_ever(ways):
    teacher = ways("Win", "Eout", 60.0)
    start = start_of(teacher)

    def riders(time: float):
        places = [start[0] - 14.0 * n + 5.0 * time for n in range(1, 16)]
        return people(*((Kind.BICYCLE, x, start[1] - 1.85, start[2], 5.0) for x in places))

    trace = drive(teacher, start, 28.0, riders, colour=heads(teacher, LampColour.GREEN))
    assert trace.pose[-1, 0] > start[0] + 15.0
