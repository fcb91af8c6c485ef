"""The account of a real ride: what the checks look at must agree with what the steps hold."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import to_parent
from xiaolu.evaluation.account import _corners_along, account_of, corners_of, kerb_gap_m
from xiaolu.evaluation.referee import Referee
from xiaolu.ride.config import RideConfig
from xiaolu.ride.follower import Follower
from xiaolu.ride.ride import Ride
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath, Router
from xiaolu.world.world import World


@pytest.fixture(scope="module")
def accounted(small_town):
    """A ride of 6 s on an empty road, a made actor 3 m left of the way, 20 m along it, added to its scenes."""
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0).with_route()
    ride = Ride(config, Follower(small_town, config.route), world=World(small_town, users=4, density=0.0))
    path = RoutePath(small_town, config.route)
    x, y, yaw = path.point_at(20.0)
    place = to_parent(np.array([x, y, yaw]), np.array([0.0, 3.0]))
    referee = Referee(small_town, path, Ground(small_town))
    for _ in range(60):
        step = ride.step()
        table = {name: getattr(step.scene.users, name).copy() for name in ("uid", "active", "x_m", "y_m", "yaw_rad",
                                                                          "length_m", "width_m")}  # fmt: skip
        made = (0, True, *place, yaw + np.pi, 4.0, 1.8)
        for name, value in zip(table, made, strict=True):
            table[name][0] = value
        users = replace(step.scene.users, **table)
        referee.on_step(replace(step, scene=replace(step.scene, users=users, acts=np.array([2], np.int32))))
    return path, account_of(referee.track, 30.0)


def test_the_front_goes_ahead_of_the_rear_axle_along_the_way(accounted):
    path, account = accounted
    assert account.front_s_m[0] == pytest.approx(EGO_BODY.front_x_m, abs=0.3)
    driven = np.abs(account.speed_mps).sum() * 0.1
    assert account.front_s_m[-1] - account.front_s_m[0] == pytest.approx(driven, rel=0.05, abs=0.3)
    assert np.abs(account.left_m).max() < 1.0
    assert account.end_s_m == path.length_m


def test_an_actor_is_found_where_it_is(accounted):
    _, account = accounted
    assert account.there.all() and (account.act == 2).all()
    assert account.actor_s_m[:, 0] == pytest.approx(20.0, abs=0.2)
    assert account.actor_left_m[:, 0] == pytest.approx(3.0, abs=0.2)
    assert np.abs(account.actor_yaw_rad[:, 0]) == pytest.approx(np.pi, abs=0.05)
    assert account.actor_size_m[0, 0].tolist() == [4.0, 1.8]
    passed = account.front_s_m - EGO_BODY.length_m / 2 > account.actor_s_m[:, 0]
    assert (account.ahead_m[passed, 0] < 0.2).all()
    assert account.clearance_m[:, 0].min() >= 3.0 - 0.94 - 0.9 - 0.2


def test_the_kerb_is_as_far_as_the_lane_is_wide(small_town):
    """From the middle of a lane 3.25 m wide, the kerb on the right is 1.625 - 0.94 m from the door."""
    ground = Ground(small_town)
    lane = int(np.argmax(small_town.lane_length_m * (small_town.lane_junction < 0) * (small_town.lane_kind == 0)))
    x, y, _, yaw = small_town.pose_at(lane, small_town.lane_length_m[lane] / 2)
    width_m = small_town.lane_width_m[lane]
    assert kerb_gap_m(ground, np.array([x, y, yaw])) == pytest.approx(width_m / 2 - 0.94, abs=0.06)
    turned = kerb_gap_m(ground, np.array([x, y, yaw - 0.1]))
    assert turned < width_m / 2 - 0.94 - 0.2


def test_round_a_bend_a_body_reaches_as_far_along_the_way_as_its_corners_do(small_town):
    """A car stands across the end of a right turn: straight on from its middle, its near end would be over the turn."""
    lanes = small_town.meta["lanes"]
    path = RoutePath(small_town, Router(small_town).plan(lanes["Win"], 60.0, lanes["Sout"], 50.0))
    at = np.arange(0.0, path.length_m, 0.5)
    turning = at[np.abs(np.gradient(np.unwrap(path.point_at(at)[:, 2]), 0.5)) > 0.05]
    x, y, yaw = path.point_at(float(turning[-1]) + 1.0)
    middle = to_parent(np.array([x, y, yaw]), np.array([0.0, 4.0]))
    box = np.array([[[*middle, yaw + 0.5 * np.pi, 4.6, 1.8]]])
    s_m, left_m = _corners_along(path, box, np.array([[turning[-1] + 1.0]]))
    places = path.point_at(s_m[0, 0])
    back = places[:, :2] + left_m[0, 0, :, None] * np.stack([-np.sin(places[:, 2]), np.cos(places[:, 2])], axis=-1)
    assert back == pytest.approx(corners_of(box)[0, 0], abs=0.1)
