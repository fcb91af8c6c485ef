"""A student imitates these paths: each tyre keeps off the kerb wherever the road leaves room, in turns above all."""

import numpy as np
import pytest

from xiaolu.core.frames import to_parent
from xiaolu.expert.course import Course
from xiaolu.expert.path import PATH_STEP_M, S_CELLS, drive_line, target_line
from xiaolu.world.generate import generate_town
from xiaolu.world.ground import Ground
from xiaolu.world.routing import draw_ride

KEPT_M = 0.25
TYRES = np.array([[x, side * (0.8 + KEPT_M)] for x in (0.0, 2.8) for side in (-1, 1)])


@pytest.fixture(scope="module")
def town():
    return generate_town(3)


def driven(course: Course) -> np.ndarray:
    """Poses (n, 3) of a car that follows the empty way to its goal, 20 m of each path."""
    x, y, yaw, curvature = *course.xy[0], course.yaw_rad[0], 0.0
    poses = []
    for s0 in np.arange(0.0, course.goal_s_m - 2.0, 20.0):
        first = max(int((s0 - 4.0) / course.step_m), 0)
        count = min(int(88.0 / course.step_m), course.n - first)
        line = target_line(course.xy, course.yaw_rad, course.step_m, first, count, s0, np.zeros(S_CELLS))
        path = drive_line(x, y, yaw, curvature, line, 6.0)
        take = round(20.0 / PATH_STEP_M)
        poses.extend(path[:take, :3])
        x, y, yaw, curvature = path[take]
    return np.array(poses)


def test_every_tyre_keeps_a_quarter_of_a_metre_from_the_kerb_in_nearly_all_rides(town):
    ground, near = Ground(town), []
    for seed in range(40):
        course = Course(town, draw_ride(town, seed, 300.0), ground)
        places = np.concatenate([to_parent(pose, TYRES) for pose in driven(course)])
        out = ground.off_road_m(places).max()
        assert out < KEPT_M + 0.05, f"ride {seed}: a tyre leaves the road"
        near.append(out > 0.03)
    assert np.mean(near) <= 0.1


def test_the_way_is_bowed_no_further_than_it_must(town):
    """A lane's middle is where others expect us: only where a tyre would touch does the way leave it."""
    plan = draw_ride(town, 1, 300.0)
    course = Course(town, plan, Ground(town))
    moved = np.hypot(*(course.xy[: len(course.path.points)] - course.path.points[:, :2]).T)
    assert moved.max() <= 0.81
    assert np.median(moved) < 0.05
