"""Phone, passenger and odometry: too good, and a driver learns to trust what no car has."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from xiaolu.core.frames import relative, to_child, to_parent
from xiaolu.core.observation import Manoeuvre
from xiaolu.ride.config import RideConfig
from xiaolu.ride.odometry import advance_odometry
from xiaolu.ride.passenger import WORDINGS, Passenger, PassengerState
from xiaolu.ride.phone import SIGMA_M, Phone, street_line
from xiaolu.world.routing import RoutePath


@pytest.fixture(scope="module")
def path(small_town):
    config = RideConfig(small_town, 3, length_m=180.0).with_route()
    return RoutePath(small_town, config.route)


def said(path, seed, seconds=60, speed_mps=2.0):
    phone = Phone(path, seed)
    state, out = phone.start(), []
    for second in range(seconds):
        s_m = second * speed_mps
        pose = path.point_at(s_m)
        state = phone.refresh(state, second * 10, s_m, pose, relative(path.point_at(0.0), pose))
        out.append((s_m, pose, state))
    return out


def test_the_phone_says_how_far_the_turn_is(path):
    at_s_m, manoeuvre, _ = path.next_manoeuvre(0.0)
    for s_m, pose, state in said(path, seed=1):
        if s_m < at_s_m - 1.0:
            error = state.route.distance_m - (at_s_m - s_m)
            ahead = -state.offset_m @ [np.cos(pose[2]), np.sin(pose[2])]
            assert error == pytest.approx(max(ahead, s_m - at_s_m), abs=1e-6)
    assert manoeuvre in (Manoeuvre.TURN_LEFT, Manoeuvre.TURN_RIGHT, Manoeuvre.ARRIVE)


def test_the_phone_knows_no_way_on_private_ground(small_town, path):
    private = small_town.lane_private.copy()
    private[path.plan.lanes[-1]] = True
    park = RoutePath(replace(small_town, lane_private=private), path.plan)
    routes = [(s_m, state.route) for s_m, _, state in said(park, seed=1, seconds=85)]
    inside_m = path.lane_from_s_m[-1]
    assert all((route is None) == (s_m > inside_m) for s_m, route in routes if abs(s_m - inside_m) > 1.5)
    assert any(route is None for _, route in routes)


def test_the_phone_errs_about_five_metres_slowly_and_two_per_cent_wrongly(path):
    offsets, steps, wrong, total = [], [], 0, 0
    for seed in range(40):
        states = said(path, seed, seconds=40)
        offsets += [state.offset_m for *_, state in states]
        steps += [np.hypot(*(b[2].offset_m - a[2].offset_m)) for a, b in pairwise(states)]
        wrong += sum(state.route.manoeuvre != path.next_manoeuvre(s_m)[1] for s_m, _, state in states)
        total += len(states)
    assert 3.5 < np.std(offsets) < 6.5
    assert np.mean(steps) < 0.35 * SIGMA_M
    assert 0.005 < wrong / total < 0.04


def test_the_phone_s_line_is_coarse_and_lies_along_the_street(path):
    s_m, pose, state = said(path, seed=2)[5]
    odometry = relative(path.point_at(0.0), pose)
    world = to_parent(pose, to_child(odometry, state.route.centre_line)) - state.offset_m
    street = street_line(path)
    gaps = np.min(np.hypot(*(world[:, None] - street[None]).transpose(2, 0, 1)), axis=1)
    assert gaps.max() < 0.6
    assert np.hypot(*np.diff(world, axis=0).T).max() < 15.1
    assert len(world) >= 5 and s_m == 10.0


def test_the_street_s_middle_is_left_of_the_lane(path):
    street = street_line(path)
    normal = np.column_stack([-np.sin(path.yaw_rad), np.cos(path.yaw_rad)])
    left = ((street - path.points[:, :2]) * normal).sum(axis=1)
    assert left[3] == pytest.approx(3.25 / 2, abs=0.05)
    assert left.min() > -0.1


def test_odometry_drifts_about_one_per_cent_and_not_at_standstill():
    errors = []
    for seed in range(50):
        odometry, pose = np.zeros(3), np.zeros(3)
        for tick in range(40):
            after = pose + np.array([2.5, 0.0, 0.0])
            odometry = advance_odometry(odometry, pose, after, seed, tick)
            pose = after
        errors.append(odometry[0] - 100.0)
        assert np.array_equal(advance_odometry(odometry, pose, pose, seed, 200), odometry)
    assert 0.5 < np.std(errors) < 1.6


def test_train_and_test_wordings_are_disjoint_and_cover_the_same_wishes():
    train, test = WORDINGS["train"], WORDINGS["test"]
    assert set(train) == set(test) == set(Manoeuvre) - {Manoeuvre.NONE}
    assert not {w for words in train.values() for w in words} & {w for words in test.values() for w in words}
    for words in (*train.values(), *test.values()):
        assert any(w.isascii() for w in words) and any(not w.isascii() for w in words)


@pytest.mark.parametrize("wishes", ["train", "test"])
def test_the_passenger_names_each_junction_once_and_then_the_stop(path, wishes):
    passenger, state, heard = Passenger(path, 4, wishes), PassengerState(), []
    for tick, s_m in enumerate(np.arange(0.0, path.length_m, 0.5)):
        before = state
        state = passenger.listen(state, tick, float(s_m))
        if state is not before:
            heard.append(state.manoeuvre)
            assert state.text in WORDINGS[wishes][state.manoeuvre]
            assert passenger.instruction(state, tick, float(s_m)).age_s == 0.0
    junctions = [manoeuvre for _, manoeuvre, _ in path.junctions]
    assert heard[: len(junctions)] == junctions and heard[-1] == Manoeuvre.ARRIVE
