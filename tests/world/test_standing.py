"""Without these, the ego would drive through bollards and market stalls as if they were painted on the road."""

from dataclasses import replace

import numpy as np
import pytest

from tests.world.test_world import START, moving
from xiaolu.core.users import Kind, Thing
from xiaolu.world.parking import LEAST_PARKED_SLOTS, MOST_PARKED_SLOTS, parked_slots, parking_of
from xiaolu.world.standing import standing_of
from xiaolu.world.town import SOLID_M, PropKind, Town
from xiaolu.world.world import World

AHEAD_M = 12.0


@pytest.fixture(scope="module")
def blocked(small_town: Town) -> Town:
    """The small town with a bollard in the lane that the ego stands in, and another on the lawn."""
    pose = np.array([[START[0] + AHEAD_M, START[1], 0.0], [START[0] + AHEAD_M, START[1] - 9.0, 0.0]])
    return replace(
        small_town,
        prop_kind=np.append(small_town.prop_kind, [PropKind.BOLLARD, PropKind.BOLLARD]).astype(np.uint8),
        prop_pose=np.vstack([small_town.prop_pose, pose]),
        prop_style=np.append(small_town.prop_style, [0, 0]).astype(np.int32),
        prop_layer=np.append(small_town.prop_layer, [0, 0]).astype(np.int8),
    )


def test_only_what_reaches_into_the_road_is_an_obstacle(blocked: Town, small_town: Town) -> None:
    prop, size = standing_of(blocked)
    assert prop.tolist() == [len(small_town.prop_kind)]
    assert size.tolist() == [list(SOLID_M[PropKind.BOLLARD])]
    assert len(standing_of(small_town)[0]) == 0


def test_the_ego_hits_a_bollard_in_its_lane(blocked: Town) -> None:
    world = World(blocked, users=4, density=0.0)
    state = world.start(7, START)
    users = state.users[0]
    there = np.flatnonzero(users.active & (users.kind == Kind.OBJECT))
    assert len(there) == 1 and users.style[there[0]] == Thing.PROP
    assert users.x_m[there[0]] == pytest.approx(START[0] + AHEAD_M)
    touched = []
    for _ in range(20):
        state = world.step(state, moving(state, 8.0))
        touched.append(bool(state.touching[0].any()))
    assert any(touched) and not touched[0]


def lined(town: Town, apart_m: float) -> Town:
    """The town with bollards along a lane's edge, so far apart."""
    s = np.arange(0.0, 120.0, apart_m)
    pose = np.stack([START[0] + s, np.full_like(s, START[1] - 1.5), np.zeros_like(s)], axis=-1)
    return replace(
        town,
        prop_kind=np.full(len(s), PropKind.BOLLARD, np.uint8),
        prop_pose=pose,
        prop_style=np.zeros(len(s), np.int32),
        prop_layer=np.zeros(len(s), np.int8),
    )


def test_where_more_stands_there_is_room_for_more(small_town: Town) -> None:
    """Of a market's stalls only the nearest were there, and the ego drove through the others."""
    few, many = (lined(small_town, apart_m) for apart_m in (10.0, 2.2))
    slots = [parked_slots(parking_of(town)) for town in (small_town, few, many)]
    assert slots[0] == slots[1] == LEAST_PARKED_SLOTS < slots[2] <= MOST_PARKED_SLOTS
    users = World(many, users=4, density=0.0).start(7, START).users[0]
    shown = users.x_m[users.active & (users.kind == Kind.OBJECT)] - START[0]
    assert len(shown) > LEAST_PARKED_SLOTS and np.ptp(shown) > 50.0


def test_cars_are_seen_from_further_away_than_bollards(small_town: Town) -> None:
    town = lined(small_town, 2.2)
    car = np.array([[START[0] + 95.0, START[1] - 3.0, 0.0]] * 12) + np.arange(12)[:, None] * [0.0, 0.1, 0.0]
    more = replace(
        town,
        prop_kind=np.append(town.prop_kind, np.full(12, PropKind.PARKED_CAR)).astype(np.uint8),
        prop_pose=np.vstack([town.prop_pose, car]),
        prop_style=np.append(town.prop_style, np.arange(12)).astype(np.int32),
        prop_layer=np.append(town.prop_layer, np.zeros(12)).astype(np.int8),
    )
    users = World(more, users=4, density=0.0).start(7, START).users[0]
    parked = users.active & (users.uid >= 1 << 40)
    assert (users.kind[parked] == Kind.CAR).any(), "75 m ahead of the place that is looked from"
    props = users.x_m[parked & (users.kind == Kind.OBJECT)]
    assert (props - START[0] < 20.0 + 1.4 + 42.5 + 0.1).all()
