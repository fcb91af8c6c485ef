"""A student imitates these paths: each tyre keeps off the kerb wherever the road leaves room, in turns above all."""

import numpy as np
import pytest

from tests.expert.loop import scene_of
from xiaolu.core.frames import to_parent
from xiaolu.expert.course import Course
from xiaolu.expert.path import PATH_STEP_M, S_CELLS, drive_line, target_line
from xiaolu.expert.teacher import Teacher
from xiaolu.expert.ways import KINDS
from xiaolu.world.generate import Family, generate_town
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


def test_a_car_that_stands_with_its_wheels_turned_turns_them_before_it_is_far():
    """It stands along a straight line, its wheels to the right after backing up: it stays near it."""
    line = np.zeros((80, 4))
    line[:, 0] = np.arange(80.0) - 4.0
    stands, rolls = (drive_line(0.0, 0.0, 0.0, -0.2, line, 4.5, speed_mps=v)[:24, 1].min() for v in (0.0, 5.0))
    assert -0.1 < stands <= 0.0 and rolls < 4.0 * stands


def test_tyres_keep_off_the_inside_of_a_bend_though_the_ego_has_turned_too_far_in_it():
    """In the alleys of a village the ego is 0.2 m too far inside a bend, and 0.15 rad too far round."""
    town = generate_town(3, Family.VILLAGE)
    ground, cut = Ground(town), []
    for seed in range(16):
        teacher = Teacher(town, draw_ride(town, seed, 300.0), ground)
        course = teacher.course
        for i in range(20, int(course.goal_s_m) - 25, 2):
            bent = course.curvature_1pm[i : i + 6].mean()
            if not 0.08 < abs(bent) < 0.17:
                continue
            side = np.sign(bent)
            inside_m = (course.room_left_m if bent > 0.0 else course.room_right_m)[i]
            aside_m, yaw = min(inside_m - 0.9, 0.2) * side, course.yaw_rad[i]
            x, y = course.xy[i] + aside_m * np.array([-np.sin(yaw), np.cos(yaw)])
            teacher._memory.s_m = i * course.step_m
            steering = float(np.arctan(2.8 * bent))
            scene = scene_of(town, teacher.route, 0, (x, y, yaw + 0.15 * side), 2.5, steering=steering)
            tick = teacher._tick(scene)
            way = teacher._ways.propose(KINDS[0], tick, np.empty((0, 7)), teacher._memory)
            plain = teacher._ways._path(tick, way.offsets_m)
            was, now = (ground.off_road_m(tyres_of(path)).max() for path in (plain, way.path))
            assert now <= was + 0.01
            if was > 0.04:
                cut.append((was, now))
    assert len(cut) >= 10
    was_m, now_m = np.array(cut).T
    assert now_m.mean() < 0.6 * was_m.mean() and (now_m < 0.05).sum() >= 0.4 * len(cut)


def tyres_of(path: np.ndarray) -> np.ndarray:
    """Return (n, 2) where the tyres of a car are along the second to the twelfth metre of a path."""
    tyres = np.array([[x, side * 0.8] for x in (0.0, 2.8) for side in (-1, 1)])
    return np.concatenate([to_parent(pose, tyres) for pose in path[4:24, :3]])
