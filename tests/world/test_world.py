"""What a user would lose: a world that is the same each time, forks that mean something, users to drive among."""

import dataclasses

import numpy as np
import pytest
from shapely import STRtree, polygons

from xiaolu.core import chance
from xiaolu.core.conditions import SUN
from xiaolu.core.control import EGO_BODY, EgoMotion
from xiaolu.core.frames import box_corners
from xiaolu.core.rates import SUBSTEPS, TICK_NS
from xiaolu.core.users import ON_FOOT, VULNERABLE, Kind
from xiaolu.world.draws import draw, draw_normal
from xiaolu.world.parking import PARKED_UID
from xiaolu.world.state import WorldState, fork, map_arrays, pick
from xiaolu.world.town import LaneKind
from xiaolu.world.world import World

START = np.array([-60.0, -1.6, 0.0])  # westwards of the crossroads, in the lane that leads there


def moving(state: WorldState, speed_mps, yaw_rate_radps=0.0) -> EgoMotion:
    """Return a straight or turning motion of every branch at its own steady speed."""
    speed = np.broadcast_to(np.asarray(speed_mps, float), (state.branches,))
    turn = np.broadcast_to(np.asarray(yaw_rate_radps, float), (state.branches,))
    t = np.linspace(0.0, 0.1, SUBSTEPS + 1)
    yaw = state.ego.yaw_rad[:, None] + turn[:, None] * t
    x = state.ego.x_m[:, None] + speed[:, None] * t * np.cos(yaw)
    y = state.ego.y_m[:, None] + speed[:, None] * t * np.sin(yaw)
    zero = np.zeros(state.branches)
    return EgoMotion(np.stack([x, y, yaw], axis=-1), speed, zero, turn, zero, zero)


def same(a: WorldState, b: WorldState) -> bool:
    equal: list[bool] = []
    map_arrays(lambda x, y: equal.append(np.array_equal(x, y, equal_nan=x.dtype.kind == "f")), a, b)
    return all(equal)


def overlaps(state: WorldState) -> set[tuple[int, int]]:
    """Return pairs of uids whose boxes overlap, two parked cars left out."""
    users, parked = state.users[0], state.minds.parked[0]
    index = np.flatnonzero(users.active)
    columns = (users.x_m, users.y_m, users.yaw_rad, users.length_m, users.width_m)
    boxes = polygons(box_corners(*(column[index] for column in columns)))
    a, b = STRtree(boxes).query(boxes, predicate="intersects")
    keep = (a < b) & ~(parked[index[a]] & parked[index[b]])
    keep &= np.abs(users.z_m[index[a]] - users.z_m[index[b]]) < 3.0
    return {(int(users.uid[index[i]]), int(users.uid[index[j]])) for i, j in zip(a[keep], b[keep], strict=True)}


@pytest.fixture(scope="module")
def world(small_town) -> World:
    return World(small_town, users=30, density=1.5)


@pytest.fixture(scope="module")
def lived_in(world) -> WorldState:
    """Twenty seconds into a ride."""
    state = world.start(11, START)
    for _ in range(200):
        state = world.step(state, moving(state, 0.0))
    return state


def test_compiled_draws_are_those_of_core():
    for seed, user, tick, purpose, number in ((0, 0, 0, 1, 0), (7, -1, 12, 5, 3), (850_000, 2**40 + 3, 99, 19, 1)):
        assert draw(seed, user, tick, purpose, number) == chance.uniform(seed, user, tick, purpose, number)[0]
        assert draw_normal(seed, user, tick, purpose, number) == pytest.approx(
            chance.normal(seed, user, tick, purpose, number)[0], abs=1e-12
        )


def test_a_ride_starts_with_people_about_but_nobody_near(world):
    for seed in range(5):
        state = world.start(seed, START)
        users = state.users[0]
        middle = START[:2] + EGO_BODY.centre_x_m * np.array([1.0, 0.0])
        away = np.hypot(users.x_m - middle[0], users.y_m - middle[1])[users.active & ~state.minds.parked[0]]
        assert len(away) > 8 and away.min() >= 12.0
        kinds = users.kind[users.active]
        assert {Kind.CAR, Kind.PEDESTRIAN} <= set(kinds.tolist())
        assert not overlaps(state)


def test_stepping_is_pure_and_repeats_itself(world, lived_in):
    before = map_arrays(np.copy, lived_in)
    first = world.step(lived_in, moving(lived_in, 4.0))
    second = world.step(lived_in, moving(lived_in, 4.0))
    assert same(first, second) and same(before, lived_in)
    with pytest.raises(ValueError, match="read-only"):
        first.users.x_m[0, 0] = 1.0


def test_eight_futures_differ_only_by_what_the_ego_did(world, lived_in):
    alike = differing = fork(lived_in, 0, 8)
    speeds = np.array([0.0, 0.0, 3.0, 6.0, 9.0, 0.0, 3.0, 9.0])
    for _ in range(50):
        alike = world.step(alike, moving(alike, 3.0))
        differing = world.step(differing, moving(differing, speeds))
    assert all(same(pick(alike, 0), pick(alike, branch)) for branch in range(1, 8))
    assert same(pick(differing, 0), pick(differing, 1))
    assert same(pick(differing, 2), pick(differing, 6))
    assert not np.array_equal(differing.users.x_m[0], differing.users.x_m[4])


def test_a_batch_is_the_same_as_its_branches_alone(world, lived_in):
    batch = fork(lived_in, 0, 8)
    speeds = np.linspace(0.0, 10.0, 8)
    singles = [pick(lived_in, 0) for _ in speeds]
    for _ in range(25):
        batch = world.step(batch, moving(batch, speeds, 0.05))
        singles = [world.step(one, moving(one, v, 0.05)) for one, v in zip(singles, speeds, strict=True)]
    assert all(same(pick(batch, branch), one) for branch, one in enumerate(singles))


def test_nobody_drives_through_anybody_and_attentive_users_stop_at_red(world, lived_in):
    state, met = lived_in, set()
    for _ in range(900):
        state = world.step(state, moving(state, 0.0))
        met |= overlaps(state)
        ran = state.minds.ran_red[0] & state.minds.attentive[0] & state.users.active[0]
        assert not ran.any()
    assert len(met) <= 1, met
    uids = state.users.uid[0][state.users.active[0]]
    assert len(set(uids.tolist())) == len(uids)


def test_users_stop_for_a_standing_ego(world):
    """The ego stands in a lane for a minute: a queue forms, nobody runs into it."""
    state = world.start(4, START)
    for _ in range(600):
        state = world.step(state, moving(state, 0.0))
        assert not state.touching.any()
    users = state.users[0]
    behind = users.active & (users.x_m < START[0]) & (np.abs(users.y_m - START[1]) < 1.8)
    assert not behind.any() or users.speed_mps[behind].min() < 0.5


def test_whoever_is_run_into_while_standing_is_not_to_blame(world, lived_in):
    """The ego drives on blindly until it hits somebody; then it was not the standing one's doing."""
    users = lived_in.users[0]
    cars = np.flatnonzero(users.active & (users.kind == Kind.CAR) & ~lived_in.minds.parked[0])
    target = cars[0]
    yaw = users.yaw_rad[target]
    behind = users.length_m[target] / 2 + EGO_BODY.front_x_m + 0.4
    place = np.array([users.x_m[target] - behind * np.cos(yaw), users.y_m[target] - behind * np.sin(yaw)])
    ego = dataclasses.replace(
        lived_in.ego, x_m=place[:1], y_m=place[1:], yaw_rad=np.array([yaw]), speed_mps=np.array([12.0])
    )
    state = dataclasses.replace(lived_in, ego=ego)
    for _ in range(8):
        state = world.step(state, moving(state, 14.0))
        if state.touching[0, target]:
            break
    assert state.touching[0, target] and not state.caused_by_user[0, target]


def test_people_walk_both_ways_on_their_own_ground(world, lived_in, small_town):
    state, directions = lived_in, set()
    for _ in range(100):
        state = world.step(state, moving(state, 0.0))
    users = state.users[0]
    walking = np.flatnonzero(users.active & np.isin(users.kind, ON_FOOT))
    assert len(walking) > 2
    for i in walking:
        lane = int(users.lane[i])
        if lane < 0:
            continue
        assert small_town.lane_kind[lane] in (LaneKind.FOOT, LaneKind.CROSSING, LaneKind.FOOT_AREA)
        if small_town.lane_kind[lane] == LaneKind.FOOT:
            along = small_town.pose_at(lane, float(users.s_m[i]))
            assert np.hypot(along[0] - users.x_m[i], along[1] - users.y_m[i]) < 0.5 * small_town.lane_width_m[lane]
            directions.add(bool(np.cos(along[3] - users.yaw_rad[i]) > 0))
    assert directions == {True, False}
    assert np.ptp(state.users.stride_rad[0][walking]) > 0.0


def test_users_come_and_go_out_of_sight(world):
    """Nobody appears or vanishes before the ego's eyes: it happens 90 m away or behind a building."""
    state = world.start(2, START)
    middle = START[:2] + EGO_BODY.centre_x_m * np.array([1.0, 0.0])
    changes = 0
    for _ in range(300):
        following = world.step(state, moving(state, 0.0))
        for one, other in ((state, following), (following, state)):
            users, others = one.users[0], other.users[0]
            gone = users.active & ~np.isin(users.uid, others.uid[others.active]) & (users.uid < PARKED_UID)
            for i in np.flatnonzero(gone):
                place = np.array([users.x_m[i], users.y_m[i]])
                assert np.hypot(*(place - middle)) > 85.0 or not world.sight.visible(middle, place[None])[0]
                changes += 1
        state = following
    assert changes > 0


def test_the_scene_tells_what_the_state_holds(world, lived_in, small_town):
    scene = world.scene(lived_in, 0, 200 * TICK_NS, np.array([0, 1]), 12.0, SUN)
    assert len(scene.users) == world.slots == len(scene.visible)
    assert not scene.visible[~scene.users.active].any()
    assert scene.visible.any()
    assert len(scene.signal_colour) == len(small_town.head_lane)
    assert scene.ego_pose.tolist() == [lived_in.ego.x_m[0], lived_in.ego.y_m[0], lived_in.ego.yaw_rad[0]]
    assert {Kind(k) for k in scene.users.kind[scene.users.active]} & set(VULNERABLE)


def test_range_scan_feels_a_car_that_stands_close(world, lived_in):
    free = world.range_scan(lived_in, 0, 0)
    assert free.range_m.shape == (12,) and free.range_m.max() == 5.0
    users = lived_in.users
    x = users.x_m.copy()
    y = users.y_m.copy()
    yaw = users.yaw_rad.copy()
    i = int(np.flatnonzero(users.active[0] & (users.kind[0] == Kind.CAR))[0])
    x[0, i] = START[0] + EGO_BODY.front_x_m + 2.0 + users.length_m[0, i] / 2
    y[0, i], yaw[0, i] = START[1], 0.0
    close = dataclasses.replace(lived_in, users=dataclasses.replace(users, x_m=x, y_m=y, yaw_rad=yaw))
    scan = world.range_scan(close, 0, 0)
    ahead = np.abs(scan.bearing_rad) < 0.3
    assert scan.range_m[ahead].min() == pytest.approx(2.0, abs=0.2)
    assert np.array_equal(scan.range_m, world.range_scan(close, 0, 0).range_m)
    above = dataclasses.replace(close, users=dataclasses.replace(close.users, z_m=users.z_m + 6.0))
    assert world.range_scan(above, 0, 0).range_m.min() == 5.0, "it felt a car on a bridge"


def test_refuses_what_makes_no_sense(small_town, world, lived_in):
    with pytest.raises(ValueError, match="density"):
        World(small_town, density=-1.0)
    with pytest.raises(ValueError, match="branches"):
        world.step(lived_in, moving(fork(lived_in, 0, 2), 0.0))


def test_a_ride_above_a_tunnel_begins_on_its_street_and_one_below_in_it(small_town):
    """Else the car sets out under the town: it sees no road, and nobody sees it."""
    lane = int(np.flatnonzero(small_town.lane_kind == LaneKind.DRIVE)[0])
    line = small_town.line(lane)
    same = np.diff(small_town.point_start) == len(line)
    other = int(np.flatnonzero(same & (small_town.lane_kind == LaneKind.DRIVE))[-1])
    assert other != lane
    points = small_town.points.copy()
    points[small_town.point_start[other] : small_town.point_start[other + 1]] = line - [0.0, 0.0, 6.0]
    lengths = small_town.lane_length_m.copy()
    lengths[other] = lengths[lane]
    world = World(dataclasses.replace(small_town, points=points, lane_length_m=lengths), users=2)
    x, y, z, yaw = small_town.pose_at(lane, 0.5 * lengths[lane])
    assert world.start(1, np.array([x, y, yaw])).ego.z_m[0] == z == 0.0
    assert world.start(1, np.array([x, y, yaw]), ego_z_m=-6.0).ego.z_m[0] == -6.0
