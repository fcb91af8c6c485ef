"""What a user would lose: people who are surprised. A driver who does not give way has to meet their reaction times."""

import dataclasses

import numpy as np
import pytest

from tests.world.test_meeting import placed
from tests.world.test_world import moving
from xiaolu.core.users import Kind
from xiaolu.world.alarm import CALM_S
from xiaolu.world.state import WorldState, map_arrays
from xiaolu.world.world import World

CAR_Y_M = -1.6  # the lane that leads to the crossroads from the west


@pytest.fixture(scope="module")
def street(small_town) -> World:
    return World(small_town, users=8, density=0.0)


def reacting(state: WorldState, reaction_s: float, **minds) -> WorldState:
    state = map_arrays(np.copy, state)
    state.minds.reaction_s[:] = reaction_s
    for name, value in minds.items():
        getattr(state.minds, name)[:] = value
    return state


def first_hard_s(world: World, state: WorldState) -> float:
    """Return after how long the car of slot 0 brakes harder than 3 m/s² for an ego that comes at it at 8 m/s."""
    for tick in range(1, 30):
        state = world.step(state, moving(state, 8.0))
        if state.users.acceleration_mps2[0, 0] < -3.01:
            return tick / 10.0
    return np.inf


def test_a_driver_brakes_hard_for_an_ego_in_its_lane_only_after_its_reaction_time(street):
    """The ego is in the oncoming lane, 35 m off: 16 m/s of closing. Gently at once, hard 0.5 and 1.2 s later."""
    start = placed(street, [("Win", 60.0, 8.0)], ego=(0.0, 60.0, 0.0))
    x = float(start.users.x_m[0, 0])
    facing = placed(street, [("Win", 60.0, 8.0)], ego=(x + 35.0, CAR_Y_M, np.pi))
    quick, slow = (first_hard_s(street, reacting(facing, reaction_s)) for reaction_s in (0.5, 1.2))
    assert 0.5 <= quick <= 0.7
    assert 1.2 <= slow <= 1.4
    on_guard = reacting(facing, 1.2, alarmed_s=1.2)
    assert first_hard_s(street, on_guard) <= 0.3


def test_the_alarm_ends_and_whoever_looks_away_is_not_alarmed(street):
    start = placed(street, [("Win", 60.0, 8.0)], ego=(0.0, 60.0, 0.0))
    state = reacting(start, 0.5, alarmed_s=0.5 + CALM_S)
    state.minds.seen[:] = 100
    for _ in range(round((0.5 + CALM_S) * 10) + 1):
        state.minds.seen.flags.writeable = True
        state.minds.seen[:] = 100  # it sees the ego all the while, which does nothing
        state = street.step(state, moving(state, 0.0))
    assert state.minds.alarmed_s[0, 0] == 0.0


def on_foot(world: World, gap_s: float, reaction_s: float) -> WorldState:
    """Return a state with somebody who walks over the western crossing, 2 m before the way of an ego at 8 m/s."""
    town = world.town
    lane = town.meta["lanes"]["crossW"]
    line = town.line(lane)
    state = map_arrays(np.copy, world.start(3, np.array([0.0, 60.0, 0.0])))
    length = float(town.lane_length_m[lane])
    along = next(s for s in np.linspace(0.0, length, 400) if abs(town.pose_at(lane, s)[1] - CAR_Y_M) < 3.6)
    x, y, _, yaw = town.pose_at(lane, along)
    users, minds = state.users, state.minds
    for table, name, value in (
        (users, "uid", 0), (users, "active", True), (users, "kind", Kind.PEDESTRIAN), (users, "lane", lane),
        (users, "x_m", x), (users, "y_m", y), (users, "yaw_rad", yaw), (users, "s_m", along),
        (users, "speed_mps", 1.3), (users, "length_m", 0.4), (users, "width_m", 0.5), (users, "height_m", 1.7),
        (minds, "haste", 1.0), (minds, "headway_s", 1.0), (minds, "reaction_s", reaction_s), (minds, "vigour", 1.0),
        (minds, "attentive", True), (minds, "way", lane), (minds, "along_m", along), (minds, "room", 1.0),
        (minds, "margin_s", 1.0), (minds, "actor", -1),
    ):  # fmt: skip
        getattr(table, name)[0, 0] = value
    minds.seen[:] = 100
    ego_x = float(line[:, 0].mean()) - 8.0 * gap_s - 3.9  # its front bumper is so many seconds away
    ego = dataclasses.replace(state.ego, x_m=np.array([ego_x]), y_m=np.array([CAR_Y_M]), yaw_rad=np.zeros(1))
    return dataclasses.replace(
        state, ego=dataclasses.replace(ego, speed_mps=np.array([8.0])), next_uid=state.next_uid + 1
    )


def test_who_walks_on_a_crossing_goes_on_for_its_reaction_time_before_an_ego_that_does_not_brake(street):
    """Somebody quick stays before the lane; somebody slow has walked into it by the time the ego is there."""
    farthest = {}
    for reaction_s in (0.4, 1.5):
        state = on_foot(street, 2.1, reaction_s)
        y = [float(state.users.y_m[0, 0])]
        for _ in range(19):
            state = street.step(state, moving(state, 8.0))
            y.append(float(state.users.y_m[0, 0]))
        farthest[reaction_s] = abs(y[-1] - y[0])
    assert farthest[0.4] + 0.5 < farthest[1.5], farthest
