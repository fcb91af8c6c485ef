"""A user would lose: a ride in which the brakes are saved for what is near in time, not for what may come later."""

import numpy as np

from tests.expert.loop import people, scene_of
from xiaolu.core.users import Kind
from xiaolu.expert.forecast import MOMENTS, MOMENTS_S
from xiaolu.expert.road import road_limits
from xiaolu.expert.speed import DT_S
from xiaolu.expert.tick import Memory
from xiaolu.expert.ways import KINDS
from xiaolu.expert.yielding import Moves, resolve

SPEED_MPS, PASSES_AT_M, FROM_M = 4.6, 1.9, 13.4


def rolled(teacher, comes_s: float, from_m: float = FROM_M) -> np.ndarray:
    """Return the speeds planned before a car that turns into the ego's road in so many seconds, and drives by it."""
    pose = np.array(teacher.course.path.point_at(0.0))
    ahead, left = np.array([np.cos(pose[2]), np.sin(pose[2])]), np.array([-np.sin(pose[2]), np.cos(pose[2])])
    start = pose[:2] + from_m * ahead + 25.0 * left
    car = people((Kind.CAR, *start, pose[2] - 0.5 * np.pi, 8.0))
    tick = teacher._tick(scene_of(teacher.town, teacher.route, 0, pose, SPEED_MPS, car))
    away = pose[:2] + (from_m - 9.5 * (MOMENTS_S - comes_s))[:, None] * ahead + PASSES_AT_M * left
    poses = np.column_stack([away, np.full(MOMENTS, pose[2] + np.pi)])
    poses[comes_s > MOMENTS_S] = (*start, pose[2] - 0.5 * np.pi)
    moves = Moves(np.zeros(1, np.int64), np.zeros(1, bool), np.full((1, 10), -1), poses[None])
    way = teacher._ways.propose(KINDS[0], tick, np.empty((0, 7)), Memory())
    limits = road_limits(teacher.course, tick, way.path, teacher.course.goal_s_m)
    return resolve(teacher.course, way.path, 0.0, SPEED_MPS, 0.0, tick.here, moves, limits, 0.0)[1]


def test_it_stops_gently_for_who_gets_there_after_it_stands(ways):
    """The car would pass where the ego is now, seconds after the ego has come to a stand anyway."""
    speed = rolled(ways("Win", "Eout"), 3.25)
    assert np.diff(speed).min() / DT_S > -2.7, "it slammed on the brakes for a car that is 3 s away"
    stands = int(np.argmax(speed < 0.3))
    assert stands and np.sum(speed[:stands]) * DT_S < FROM_M - 5.0, "it drove on to where the car comes"


def test_it_brakes_hard_for_who_is_there_before(ways):
    assert np.diff(rolled(ways("Win", "Eout"), 0.25, 9.0)).min() / DT_S < -3.0
