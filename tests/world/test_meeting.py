"""What a user would lose: streets that do not lock up: meeting in a narrow lane, full junctions, queues."""

import dataclasses
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tests.world.test_world import moving, overlaps
from xiaolu.core.users import Kind
from xiaolu.world.against import lanes_against
from xiaolu.world.contact import boxes_meet
from xiaolu.world.state import WorldState, map_arrays
from xiaolu.world.town import PropKind, Town, load_town
from xiaolu.world.world import World

BESIDE = np.array([60.0, 60.0, 0.0])  # an ego beside the road, in nobody's way


@pytest.fixture(scope="module")
def narrow_town(small_town) -> Town:
    """The small town, its narrow street 3.6 m wide: no two cars pass each other there. Its upper end is a dead end."""
    width = np.array(small_town.lane_width_m)
    for name in ("narrow_in", "narrow_out"):
        width[small_town.meta["lanes"][name]] = 1.2
    kept = small_town.prop_kind != PropKind.PARKED_CAR
    props = {name: getattr(small_town, name)[kept] for name in ("prop_kind", "prop_pose", "prop_style", "prop_layer")}
    return dataclasses.replace(small_town, lane_width_m=width, **props)


@pytest.fixture(scope="module")
def narrow(narrow_town) -> World:
    return World(narrow_town, users=8, density=0.0)


def placed(world: World, cars: list[tuple[str, float, float]], ego=BESIDE, parked=()) -> WorldState:
    """Return a state with attentive cars only: (lane's name, m along it, speed m/s); `parked`: those that are."""
    state = map_arrays(np.copy, world.start(3, np.asarray(ego)))
    users, minds = state.users, state.minds
    for slot, (lane_name, along, speed) in enumerate(cars):
        lane = world.town.meta["lanes"][lane_name]
        x, y, _, yaw = world.town.pose_at(lane, along)
        for table, values in (
            (users, {"uid": slot, "active": True, "kind": Kind.CAR, "x_m": x, "y_m": y, "yaw_rad": yaw, "lane": lane}),
            (users, {"s_m": along, "speed_mps": speed, "length_m": 4.6, "width_m": 1.82, "height_m": 1.5}),
            (minds, {"haste": 1.0, "headway_s": 1.5, "reaction_s": 0.5, "attentive": True, "way": lane}),
            (minds, {"along_m": along, "actor": -1, "parked": slot in parked}),
            (minds, {"vigour": 1.0, "room": 1.0, "margin_s": 1.0}),
        ):
            for name, value in values.items():
                getattr(table, name)[0, slot] = value
    minds.seen[:] = 100
    return dataclasses.replace(state, next_uid=state.next_uid + len(cars))


def watch(world: World, state: WorldState, seconds: float) -> list[WorldState]:
    states = [state]
    for _ in range(round(seconds * 10)):
        states.append(world.step(states[-1], moving(states[-1], 0.0)))
        assert not overlaps(states[-1]) and not states[-1].touching.any()
    return states


def column(states: list[WorldState], name: str, slot: int) -> np.ndarray:
    return np.array([getattr(state.users, name)[0, slot] for state in states])


def test_of_two_that_meet_in_a_narrow_lane_one_backs_out_and_both_get_through(narrow):
    """One comes down from the dead end and has no wide place behind it: the other backs up, round the corner."""
    states = watch(narrow, placed(narrow, [("narrow_in", 30.0, 3.0), ("narrow_out", 40.0, 3.0)]), 90.0)
    down, up = column(states, "speed_mps", 0), column(states, "speed_mps", 1)
    assert up.min() < -0.8 and up.min() > -1.6
    assert down.min() > -0.1
    gone = [s for s in states if s.users.y_m[0, 0] < 4.0 or not s.users.active[0, 0]]
    assert gone, "the one that came down never got out"


def test_whoever_queues_behind_backs_up_too(narrow):
    start = placed(narrow, [("narrow_in", 30.0, 3.0), ("narrow_out", 45.0, 3.0), ("narrow_out", 36.0, 3.0)])
    states = watch(narrow, start, 120.0)
    assert column(states, "speed_mps", 1).min() < -0.5 and column(states, "speed_mps", 2).min() < -0.5
    assert any(s.users.y_m[0, 0] < 4.0 or not s.users.active[0, 0] for s in states)


def test_who_came_past_a_parked_car_backs_out_the_way_it_came(small_town):
    """Face to face, and behind the one that must back stands a parked car beside its way: not over to its own side at
    once, where it would scrape along it, but back along the middle first, and aside behind it."""
    width = np.array(small_town.lane_width_m)
    for name in ("narrow_in", "narrow_out"):
        width[small_town.meta["lanes"][name]] = 1.7
    kept = small_town.prop_kind != PropKind.PARKED_CAR
    props = {name: getattr(small_town, name)[kept] for name in ("prop_kind", "prop_pose", "prop_style", "prop_layer")}
    world = World(dataclasses.replace(small_town, lane_width_m=width, **props), users=8, density=0.0)
    cars = [("narrow_out", 45.0, 0.0), ("narrow_in", 54.0, 0.0), ("narrow_out", 40.2, 0.0), ("narrow_in", 54.0, 0.0)]
    poses = [
        (89.6, 52.0, np.radians(102)),
        (88.86, 57.3, -np.pi / 2),
        (91.91, 48.1, np.pi / 2),
        (88.9, 62.4, -np.pi / 2),
    ]
    state = placed(world, cars, parked=(2, 3))
    users, minds = state.users, state.minds
    for slot, (x, y, yaw) in enumerate(poses):
        lane_x, lane_y, _, lane_yaw = world.town.pose_at(int(users.lane[0, slot]), float(minds.along_m[0, slot]))
        cos, sin, dx, dy = np.cos(lane_yaw), np.sin(lane_yaw), x - lane_x, y - lane_y
        users.x_m[0, slot], users.y_m[0, slot], users.yaw_rad[0, slot] = x, y, yaw
        minds.along_m[0, slot] += dx * cos + dy * sin
        users.s_m[0, slot] = minds.along_m[0, slot]
        users.offset_m[0, slot] = minds.offset_target_m[0, slot] = dy * cos - dx * sin
    states = watch(world, state, 60.0)
    assert column(states, "y_m", 0).min() < 44.0, "it never got back beyond the parked car"
    assert column(states, "y_m", 1).min() < 20.0, "the other one never came through"


def test_a_car_that_faces_a_standing_ego_in_a_narrow_lane_makes_way(narrow):
    """The ego stands there coming down: the car that came up backs off after a while, and not before."""
    ego = np.array([90.0 - 0.6, 60.0, -np.pi / 2])
    states = watch(narrow, placed(narrow, [("narrow_out", 35.0, 3.0)], ego), 60.0)
    speed = column(states, "speed_mps", 0)
    assert speed.min() < -0.5
    standing = np.flatnonzero(np.abs(speed) < 0.05)
    assert np.flatnonzero(speed < -0.3)[0] - standing[0] > 20
    assert column(states, "y_m", 0).min() < 7.0  # all the way out: there is no wide place in between


def test_a_car_whose_way_an_ego_bars_from_aside_makes_way_as_well(narrow):
    """The ego stands askew, its middle more than two half widths off the car's line, and its tail in the way."""
    yaw = -np.pi / 2 - 0.6
    middle = np.array([88.4, 58.0])
    ego = np.array([*(middle - 1.4 * np.array([np.cos(yaw), np.sin(yaw)])), yaw])
    state = placed(narrow, [("narrow_out", 35.0, 3.0)], ego)
    states = watch(narrow, state, 60.0)
    x, y = column(states, "x_m", 0), column(states, "y_m", 0)
    assert (x - middle[0])[np.argmax(y)] > 2.1, "it has come up aside of the ego's nose"
    assert y.max() < 58.0
    assert y[np.argmax(y) :].min() < y.max() - 8.0, "it has to go back"


def test_whoever_queues_behind_an_ego_that_is_met_makes_room_for_it(narrow):
    """The ego stands there coming up, before a car out of the dead end, which has no way back: who stands behind the
    ego drives back, so that the ego can."""
    ego = np.array([90.0 + 0.6, 40.0, np.pi / 2])
    behind = [("narrow_in", 62.0, 0.0), ("narrow_out", 26.5, 0.0)]
    states = watch(narrow, placed(narrow, behind, ego), 40.0)
    assert column(states, "speed_mps", 0).min() > -0.3, "it has nowhere to go"
    speed = column(states, "speed_mps", 1)
    assert speed.min() < -0.5
    assert column(states, "y_m", 1).min() < 30.0, "far enough for the ego to follow"


def test_nobody_stands_in_a_junction_that_it_cannot_leave(small_town):
    """The ego blocks the street beyond the crossroads: a queue grows back to it, and no car stops on the crossing."""
    world = World(small_town, users=40, density=3.0)
    ego = np.array([40.0, -1.6, 0.0])
    state, inside_s = world.start(5, ego), {}
    junction = small_town.lane_junction
    for _ in range(900):
        state = world.step(state, moving(state, 0.0))
        users = state.users[0]
        still = users.active & (users.kind <= Kind.BUS) & (users.speed_mps < 0.2) & ~state.minds.parked[0]
        for i in np.flatnonzero(still & (users.lane >= 0)):
            if junction[users.lane[i]] == 0:
                inside_s[int(users.uid[i])] = inside_s.get(int(users.uid[i]), 0.0) + 0.1
    queue = state.users.active[0] & (np.abs(state.users.y_m[0] + 1.6) < 1.0) & (state.users.x_m[0] < 40.0)
    assert queue.any()
    assert max(inside_s.values(), default=0.0) < 25.0, inside_s  # a left turn waits for those that come towards it


def test_a_bus_goes_round_what_stands_just_before_it(small_town):
    """It looks ahead from its front, which is 5 m before its middle."""
    world = World(small_town, users=8, density=0.0)
    state = placed(world, [("Wout", 60.0, 0.0), ("Wout", 74.0, 0.0)], parked=(1,), ego=(-60.0, 40.0, 0.0))
    users = state.users
    users.kind[0, 0], users.length_m[0, 0], users.width_m[0, 0] = Kind.BUS, 10.3, 2.5
    state.minds.room[0, 0] = 2.2  # it keeps far off what it stands behind
    users.y_m[0, 1] += 2.0  # it leaves less than the lane's width
    start = users.x_m[0, 0]
    states = watch(world, state, 20.0)
    assert abs(column(states, "x_m", 0) - start).max() > 30.0


def test_vehicles_queue_behind_what_can_move_and_pass_what_is_parked(small_town):
    """At a red light a car stands near the kerb. The next one could squeeze by: it waits, unless that car is parked."""
    world = World(small_town, users=8, density=0.0)
    aside = {}
    for parked in ((), (0,)):
        state = placed(world, [("Win", 120.0, 0.0), ("Win", 90.0, 5.0)], parked=parked, ego=(-60.0, 40.0, 0.0))
        users, minds = state.users, state.minds
        users.y_m[0, 0] -= 1.2
        users.offset_m[0, 0] = minds.offset_target_m[0, 0] = -1.2
        behind = [float(state.users.offset_m[0, 1])]
        for _ in range(200):
            state = world.step(state, moving(state, 0.0))
            if not state.users.active[0, 0] or (not parked and state.users.speed_mps[0, 0] > 0.5):
                break  # it turned green
            behind.append(float(state.users.offset_m[0, 1]))
        aside[bool(parked)] = max(behind)
    assert aside[False] < 0.3
    assert aside[True] > 0.7


def test_nobody_touches_anybody_even_if_nobody_looks(small_town):
    """Everyone is of the kind that looks away: cars still brake in time, and no harder than tyres allow."""
    world = World(small_town, users=30, density=4.0)
    for seed in (1, 2):
        state = map_arrays(np.copy, world.start(seed, BESIDE))
        state.minds.attentive[:] = False
        hardest = 0.0
        for _ in range(300):
            state = world.step(state, moving(state, 0.0))
            assert not overlaps(state)
            cars = state.users.active[0] & (state.users.kind[0] <= Kind.BUS)
            hardest = min(hardest, float(state.users.acceleration_mps2[0][cars].min(initial=0.0)))
        assert hardest > -15.1, hardest


def test_newcomers_have_room_around_them(small_town):
    world = World(small_town, users=40, density=8.0)
    for seed in range(12):
        users = world.start(seed, BESIDE).users[0]
        wider = dataclasses.replace(users, length_m=users.length_m + 0.6, width_m=users.width_m + 0.6)
        free = users.active & (np.arange(len(users)) < world.users)
        boxes = [
            (wider.x_m[i], wider.y_m[i], wider.yaw_rad[i], 0.5 * wider.length_m[i], 0.5 * users.width_m[i])
            for i in np.flatnonzero(free)
        ]
        for a, one in enumerate(boxes):
            assert not any(boxes_meet(*one, *other, 0.0, 0.0) for other in boxes[a + 1 :])


def test_cars_go_round_what_blocks_their_lane_by_the_oncoming_one_when_that_is_free(small_town):
    """The ego stands in its lane for good. Who comes up behind waits a little, then passes on the left."""
    world = World(small_town, users=8, density=0.0)
    state = placed(world, [("Win", 40.0, 5.0)], ego=(-80.0, -1.6, 0.0))
    states = watch(world, state, 60.0)
    y, x = column(states, "y_m", 0), column(states, "x_m", 0)
    assert y.max() > 0.3, "it never pulled out"
    assert x.max() > -70.0, "it never got past"


def test_some_riders_come_against_the_flow_and_keep_to_the_kerb(small_town):
    """On a road with room for it, e-bikes and cycles ride against the traffic; they hug their left-hand kerb."""
    world = World(small_town, users=40, density=4.0)
    against = set()
    for seed in range(24):
        users = world.start(seed, np.array([-60.0, -1.6, 0.0])).users[0]
        for i in np.flatnonzero(users.active & np.isin(users.kind, (Kind.E_BIKE, Kind.BICYCLE)) & (users.lane >= 0)):
            lane = int(users.lane[i])
            x, y, _, yaw = small_town.pose_at(lane, float(users.s_m[i]))
            if np.cos(yaw - users.yaw_rad[i]) < -0.9:
                aside = -(users.x_m[i] - x) * np.sin(yaw) + (users.y_m[i] - y) * np.cos(yaw)
                against.add((seed, int(users.uid[i])))
                assert aside < -0.5 * small_town.lane_width_m[lane] + 1.0
    assert against


def test_riders_against_the_flow_never_come_to_an_end_in_the_road(small_town):
    """One who does stands there for good, face to face with the first car, and so does everybody behind it."""
    for streets in (small_town, load_town(Path(str(files("xiaolu") / "assets" / "town.town")))):
        lanes = lanes_against(streets)
        onward = {int(n) for lane in lanes for n in streets.following(int(lane))}
        anywhere = set(streets.next_lane.tolist())
        assert len(lanes)
        assert [int(lane) for lane in lanes if lane in anywhere and lane not in onward] == []
