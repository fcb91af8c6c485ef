"""Creeping up to a red line about to turn green gains a second, and must never cost the line."""

import numpy as np

from tests.expert.loop import drive, people
from tests.expert.test_teacher import heads, start_of
from xiaolu.core.decision import LampColour
from xiaolu.core.users import Kind


def run(teacher, countdown, seconds=24.0, users=None):
    """Drive towards a red line whose digits are a function of time; return how far the front is from it, and speed."""
    line = float(teacher.course.path.point_at(teacher.course.stop_lines[0].s_m)[0])
    answer = teacher.drive_scene

    def shown(scene, observation):
        digits = np.full(len(teacher.town.head_lane), countdown(scene.stamp_ns / 1e9))
        fields = {n: getattr(scene, n) for n in scene.__slots__} | {"signal_countdown_s": digits}
        return answer(type(scene)(**fields), observation)

    teacher.drive_scene = shown
    trace = drive(teacher, start_of(teacher), seconds, users, colour=heads(teacher, LampColour.RED))
    return line - trace.front[:, 0], trace.speed_mps


def test_it_rolls_up_while_the_digits_run_down_and_stops_before_the_line_when_green_does_not_come(ways):
    gap, speed = run(ways("Win", "Eout", 110.0), lambda t: max(np.ceil(18.0 - t), 1.0))
    waiting, done = gap[140], gap[-1]
    assert 0.7 < waiting < 1.6
    assert 0.25 < done < waiting - 0.2
    assert speed[150:].max() <= 1.0 and speed[-1] < 0.05
    assert gap.min() > 0.25


def test_it_stands_still_without_digits_or_when_they_jump_back(ways):
    for countdown in (lambda t: np.nan, lambda t: 3.0 if int(t) % 2 else 6.0, lambda t: 2.0):
        gap, _ = run(ways("Win", "Eout", 110.0), countdown)
        assert abs(gap[-1] - gap[140]) < 0.1


def test_it_stands_still_while_somebody_crosses(ways):
    walker = people((Kind.PEDESTRIAN, -9.0, -1.0, np.pi / 2, 0.0))
    gap, _ = run(ways("Win", "Eout", 110.0), lambda t: max(np.ceil(18.0 - t), 1.0), users=lambda _: walker)
    assert abs(gap[-1] - gap[140]) < 0.1
