"""Without these, the ego would drive through bollards and market stalls as if they were painted on the road."""

from dataclasses import replace

import numpy as np
import pytest

from tests.world.test_world import START, moving
from xiaolu.core.users import Kind, Thing
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
