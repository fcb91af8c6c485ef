"""Hands outrank lamps where an official moves them, and only there. The town is the hand-made crossroads: the ego comes
from the west and goes straight on, east."""

import numpy as np
import pytest

from tests.expert.loop import drive, people
from tests.expert.test_teacher import LANE_Y, heads, start_of
from xiaolu.core.decision import Cause, LampColour
from xiaolu.core.users import Gesture, Kind, Users
from xiaolu.expert.orders import LINE_GAP_M, short_of

WEST, EAST, NORTH, SOUTH = np.pi, 0.0, np.pi / 2, -np.pi / 2


def somebody(kind: Kind, gesture: Gesture, x: float, y: float, yaw: float) -> Users:
    users = people((kind, x, y, yaw, 0.0))
    users.gesture[:] = gesture
    return users


def front_after(teacher, users: Users, colour: LampColour, seconds: float = 14.0):
    trace = drive(teacher, start_of(teacher), seconds, lambda _: users, colour=heads(teacher, colour))
    return trace, float(trace.front[-1, 0])


@pytest.mark.parametrize(
    ("gesture", "yaw", "lamp", "goes"),
    [
        (Gesture.POLICE_STOP, WEST, LampColour.GREEN, False),  # it faces us
        (Gesture.POLICE_STOP, EAST, LampColour.GREEN, True),  # it holds those who come towards us
        (Gesture.POLICE_STRAIGHT, NORTH, LampColour.GREEN, False),  # for those from its right; we come from its left
        (Gesture.POLICE_STRAIGHT, SOUTH, LampColour.RED, True),  # we come from its right: police outranks the lamp
        (Gesture.POLICE_LEFT, WEST, LampColour.GREEN, False),  # its palm holds the front
        (Gesture.NONE, WEST, LampColour.GREEN, True),
        (Gesture.NONE, WEST, LampColour.RED, False),
    ],
)
def test_an_officer_in_the_junction_is_obeyed_by_where_he_faces(ways, gesture, yaw, lamp, goes):
    teacher = ways("Win", "Eout", 110.0)
    users = somebody(Kind.OFFICER, gesture, -3.0, 4.0, yaw)
    trace, front = front_after(teacher, users, lamp)
    line = float(teacher.course.path.point_at(teacher.course.stop_lines[0].s_m)[0])
    assert (front > line + 3.0) is goes
    if not goes:
        assert 0.2 < line - front < 2.5
    if not goes and lamp == LampColour.GREEN:
        assert trace.decisions[-1].cause == Cause.SIGNAL
        assert trace.decisions[-1].why == "Waiting at the officer's sign"


def test_who_has_stopped_for_an_officer_stands_until_he_lets_it_go(ways):
    """Not a creep up to the line and over it, a few decimetres at a time."""
    teacher = ways("Win", "Eout", 110.0)
    trace, _ = front_after(teacher, somebody(Kind.OFFICER, Gesture.POLICE_STOP, -3.0, 4.0, WEST), LampColour.GREEN)
    first = int(np.argmax((trace.speed_mps < 0.05) & (trace.time_s > 3.0)))
    assert first > 0 and trace.front[-1, 0] - trace.front[first, 0] < 0.3


@pytest.mark.parametrize("line_m", [0.5, 1.0, 5.0])
def test_before_a_line_it_stops_short_and_does_not_use_up_what_is_left(line_m):
    assert short_of(line_m, 0.0) == pytest.approx(max(line_m - LINE_GAP_M, 0.0))
    assert short_of(line_m, 3.0) <= line_m - 0.35 + 1e-9, "never over it, however late it comes"


def test_a_road_workers_paddle_holds_and_slows(ways):
    held = ways("Win", "Eout", 60.0)
    trace, front = front_after(held, somebody(Kind.WORKER, Gesture.PADDLE_STOP, -60.0, -3.6, WEST), LampColour.GREEN)
    assert 1.0 < -60.0 - front < 5.0 and trace.speed_mps[-1] == 0.0
    slowed = ways("Win", "Eout", 40.0)
    worker = somebody(Kind.WORKER, Gesture.PADDLE_SLOW, -60.0, -4.3, WEST)
    trace, front = front_after(slowed, worker, LampColour.GREEN, 22.0)
    beside = np.abs(trace.front[:, 0] + 60.0) < 3.0
    assert front > -50.0 and trace.speed_mps[beside].max() < 4.5
    assert trace.acceleration_mps2.min() > -2.2


@pytest.mark.parametrize("gesture", [Gesture.HAIL, Gesture.WAVE, Gesture.THANK, Gesture.PHONE, Gesture.POINT])
def test_a_passer_by_who_means_something_else_changes_nothing(ways, gesture):
    def speeds(g):
        users = somebody(Kind.PEDESTRIAN, g, -70.0, -4.6, NORTH)
        return front_after(ways("Win", "Eout", 60.0), users, LampColour.GREEN, 6.0)[0].speed_mps

    assert np.array_equal(speeds(gesture), speeds(Gesture.NONE))


def test_a_passer_by_never_waves_the_ego_over_a_red_line(ways):
    teacher = ways("Win", "Eout", 110.0)
    users = somebody(Kind.PEDESTRIAN, Gesture.GO, -5.0, -5.5, WEST)
    _, front = front_after(teacher, users, LampColour.RED)
    assert front < teacher.course.path.point_at(teacher.course.stop_lines[0].s_m)[0]


def test_a_passer_by_who_asks_it_to_stop_is_stopped_for(ways):
    teacher = ways("Win", "Eout", 60.0)
    users = somebody(Kind.PEDESTRIAN, Gesture.STOP, -60.0, LANE_Y - 1.6, WEST)
    trace, front = front_after(teacher, users, LampColour.GREEN, 12.0)
    assert front < -61.0 and trace.speed_mps[-1] == 0.0


def test_what_a_worker_asked_for_holds_while_he_is_hidden(ways):
    """He shows the slow sign for three seconds, and a van then hides him: the ego is slow where he stands."""
    shows = somebody(Kind.WORKER, Gesture.PADDLE_SLOW, -45.0, -4.3, WEST)
    teacher = ways("Win", "Eout", 30.0)
    trace = drive(teacher, start_of(teacher), 16.0, lambda t: shows if t < 3.0 else people(),
                  colour=heads(teacher, LampColour.GREEN), speed=8.0)  # fmt: skip
    beside = np.abs(trace.front[:, 0] + 45.0) < 3.0
    assert beside.any() and trace.speed_mps[beside].max() < 4.6
    assert trace.acceleration_mps2.min() > -2.2
