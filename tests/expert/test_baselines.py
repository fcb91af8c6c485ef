"""Baselines do what their names say, or the scores beside them mean nothing."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.core.decision import Cause, LampColour
from xiaolu.core.users import Kind, empty_users
from xiaolu.expert.baselines.idm import along_path_mps, follow
from xiaolu.expert.baselines.pdm_closed import OFFSETS_M, SHARES
from xiaolu.expert.baselines.way import meetings
from xiaolu.ride.config import RideConfig
from xiaolu.ride.drivers import PRIVILEGED, make_driver
from xiaolu.ride.ride import Ride
from xiaolu.world.world import World

BASELINES = ("still", "constant", "idm", "teacher-blind", "pdm-closed")


@pytest.fixture(scope="module")
def empty(small_town):
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0).with_route()
    return config, World(small_town, users=4, density=0.0)


def ride_of(name, empty):
    config, world = empty
    return Ride(config, make_driver(name, config.town, config.route), world=world)


def straight(length_m=60.0):
    s = np.arange(0.0, length_m, 0.5)
    return np.stack([s, np.zeros_like(s), np.zeros_like(s), np.zeros_like(s)], axis=1)


def test_every_baseline_is_a_driver_with_a_memory(empty):
    for name in BASELINES:
        ride = ride_of(name, empty)
        step = ride.step()
        assert step.decision.plan.speed_mps.shape == (10,) and ride.driver.name == name
        again = ride.driver.snapshot()
        ride.driver.restore(again)
    assert set(BASELINES) < set(PRIVILEGED)


def test_still_stands_and_constant_keeps_its_speed(empty):
    still, constant = ride_of("still", empty), ride_of("constant", empty)
    for _ in range(60):
        still.step()
        speed = constant.step().scene.ego_speed_mps
    assert still.state.progress.s_m < 0.1
    assert speed == pytest.approx(6.0, abs=0.4)


def test_a_strip_meets_who_stands_in_it_and_who_comes_into_it():
    # A car across the path at 20 m: its width 1.8 m spans 19.1 to 20.9, half_width 1 m before and after: 18.1 to 21.9.
    boxes = np.array([[20.0, 0.0, np.pi / 2, 4.6, 1.8], [30.0, 8.0, -np.pi / 2, 4.6, 1.8]])
    velocity = np.array([[0.0, 0.0], [0.0, -5.0]])
    met = meetings(straight(), 0.5, boxes, velocity, 1.0, 41, 0.1)
    assert met[0, 0] == pytest.approx([18.5, 21.5], abs=0.51)
    # The other's nose is 8 - 2.3 = 5.7 m off; it reaches the strip (1 m) after 4.7 m at 5 m/s: 0.94 s.
    assert np.isnan(met[9, 1, 0]) and np.isfinite(met[10, 1, 0])
    assert along_path_mps(straight(), 0.5, met, velocity) == pytest.approx([0.0, 0.0], abs=1e-9)


def test_idm_stops_behind_a_standing_car_and_speeds_up_to_its_share():
    met = np.full((81, 1, 2), np.nan)
    met[:, 0] = (30.0, 40.0)
    limit = np.full(120, 10.0)
    sigma, speed = follow(8.0, limit, 0.5, 1.0, met, np.zeros(1), np.inf, 3.75, 80)
    assert speed[-1] < 0.5 and sigma[-1] + 3.75 < 30.0
    free = np.full((81, 0, 2), np.nan)
    _, speed = follow(2.0, limit, 0.5, 0.4, free, np.zeros(0), np.inf, 3.75, 80)
    assert speed.max() == pytest.approx(4.0, abs=0.1)
    # 1.5 x (1 - (2 / 4)^4) = 1.406 m/s² in the first tick.
    assert speed[1] - speed[0] == pytest.approx(0.1406, abs=1e-3)


def placed(scene, ahead_m, left_m=0.0, **more):
    """The scene with one standing car ahead of the ego, in sight."""
    users = empty_users(1)
    x, y, yaw = scene.ego_pose
    values = {
        "uid": 0, "active": True, "kind": Kind.CAR, "length_m": 4.6, "width_m": 1.8, "yaw_rad": yaw,
        "x_m": x + ahead_m * np.cos(yaw) - left_m * np.sin(yaw),
        "y_m": y + ahead_m * np.sin(yaw) + left_m * np.cos(yaw), **more,
    }  # fmt: skip
    for name, value in values.items():
        getattr(users, name)[0] = value
    return replace(scene, users=users, visible=np.array([True]), touching=np.zeros(1, bool))


def test_pdm_closed_weighs_fifteen_proposals_and_brakes_for_a_wall(empty):
    ride = ride_of("pdm-closed", empty)
    for _ in range(40):
        step = ride.step()
    driver, scene = ride.driver, step.scene
    free = driver.drive_scene(replace(scene, users=empty_users(1), visible=np.zeros(1, bool)), step.observation)
    assert len(free.imagined) == len(SHARES) * len(OFFSETS_M) == 15 and all(free.imagined_valid)
    assert free.plan.speed_mps[-1] > scene.ego_speed_mps - 0.5
    blocked = driver.drive_scene(placed(scene, 22.0), step.observation)
    assert blocked.plan.speed_mps[-1] < 0.6 * free.plan.speed_mps[-1]
    near = driver.drive_scene(placed(scene, 8.5), step.observation)
    assert near.cause == Cause.OBSTACLE and near.plan.speed_mps[0] < scene.ego_speed_mps - 1.5


def test_a_red_light_holds_idm_and_pdm_closed(empty):
    for name in ("idm", "pdm-closed"):
        ride = ride_of(name, empty)
        step = ride.step()
        lines = ride.driver._way.course.stop_lines
        assert lines, "the hand-made route goes through signals"
        pose = ride.path.point_at(lines[0].s_m - 25.0)
        red = np.full(len(step.scene.signal_colour), LampColour.RED, np.int8)
        scene = replace(step.scene, ego_pose=pose, ego_speed_mps=6.0, signal_colour=red, users=empty_users(1),
                        visible=np.zeros(1, bool))  # fmt: skip
        ride.driver._way.s_m = lines[0].s_m - 25.0
        held = ride.driver.drive_scene(scene, step.observation)
        travelled = np.abs(held.plan.trajectory(6.0).speed_mps).sum() * 0.1
        assert travelled < 25.0 - 3.75 and held.plan.speed_mps[-1] < 1.5, name
