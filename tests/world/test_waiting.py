"""What a user would lose: junctions in which three wait for each other for ever; alleys without people."""

import dataclasses

import numpy as np
import pytest

from tests.world.test_alarm import on_foot
from tests.world.test_world import moving
from xiaolu.core.users import Kind
from xiaolu.world.looking import BODY
from xiaolu.world.paths import PATH, PATH_POINT, POINTS, Paths
from xiaolu.world.town import LaneKind, Town
from xiaolu.world.waiting import RING, WAVED, ring_of, waved_through
from xiaolu.world.ways import ways_of
from xiaolu.world.world import World


def queue(waits_for: list[int], waited: list[float], gaps: list[float]):
    """Return bodies that stand, the ego last, and empty paths."""
    n = len(waits_for)
    bodies = np.zeros(n + 1, BODY)
    bodies["waited_for"], bodies["lead_gap"] = [*waits_for, -1], [*gaps, np.inf]
    bodies["waited"], bodies["uid"] = [*waited, 0.0], [*range(n), -1]
    bodies["present"] = bodies["moving"] = True
    return bodies, Paths(np.zeros(n + 1, PATH), np.zeros((n + 1, POINTS), PATH_POINT))


def test_of_a_ring_exactly_one_is_waved_through_and_stays_so_until_it_goes():
    """1 -> 2 -> 3 -> 1, and 0 queues behind 1. Who has somebody close in front of it cannot be the one."""
    bodies, paths = queue([1, 2, 3, 1], [9.0, 6.0, 8.0, 5.0], [2.0, np.inf, 0.8, np.inf])
    ring = np.zeros(RING, np.int64)
    assert [ring_of(bodies, 4, i, ring) for i in range(4)] == [0, 3, 3, 3]
    assert [waved_through(bodies, paths, 4, i) for i in range(4)] == [False, True, False, False]
    bodies["waited_for"][1], bodies["speed"][1] = WAVED, 0.5
    assert waved_through(bodies, paths, 4, 1)
    bodies["speed"][1] = 2.0
    assert not waved_through(bodies, paths, 4, 1)


def test_a_queue_at_a_red_light_is_no_ring():
    bodies, paths = queue([1, 2, -2], [30.0, 30.0, 30.0], [2.0, 2.0, np.inf])
    assert not any(waved_through(bodies, paths, 3, i) for i in range(3))


def test_who_waits_in_vain_for_an_ego_that_stands_goes_first():
    """0 -> 1 -> the ego, which stands before 1: nobody can know whom it waits for. While it drives they wait."""
    bodies, paths = queue([1, 2], [9.0, 9.0], [np.inf, 0.4])
    assert [waved_through(bodies, paths, 2, i) for i in range(2)] == [True, False]
    bodies["waited"][0] = 4.0
    assert not waved_through(bodies, paths, 2, 0), "it may be about to go"
    bodies["waited"][0], bodies["speed"][2] = 9.0, 2.0
    assert not waved_through(bodies, paths, 2, 0)


@pytest.fixture(scope="module")
def alley(small_town) -> Town:
    """The small town, its narrow street without a sidewalk."""
    walked = np.zeros(small_town.lanes, bool)
    for name in ("narrow_in", "narrow_out"):
        walked[small_town.meta["lanes"][name]] = True
    return dataclasses.replace(small_town, lane_walked=walked)


def test_where_there_is_no_sidewalk_people_walk_on_the_road(alley, small_town):
    ways, before = ways_of(alley), ways_of(small_town)
    foot, foot_before = (w.way[w.way["kind"] == LaneKind.FOOT] for w in (ways, before))
    assert len(foot) == len(foot_before) + 4  # both edges, both ways
    assert (foot["next_end"] > foot["next_start"]).all()
    assert (ways.next_way < len(ways.way)).all()
    lane = alley.meta["lanes"]["narrow_in"]
    users = [World(alley, density=6.0).start(seed, np.array([60.0, 60.0, 0.0])).users[0] for seed in range(8)]
    walkers = [(u, i) for u in users for i in np.flatnonzero(u.active & (u.kind == Kind.PEDESTRIAN) & (u.lane == lane))]
    assert walkers
    for u, i in walkers:
        x, y, _, yaw = alley.pose_at(lane, float(u.s_m[i]))
        aside = -(u.x_m[i] - x) * np.sin(yaw) + (u.y_m[i] - y) * np.cos(yaw)
        assert -0.5 * alley.lane_width_m[lane] < aside < 0.0  # at the edge, not in the middle


def test_nobody_chooses_a_street_that_leads_nowhere(small_town):
    """Every arm of the small crossroads ends somewhere: there it makes no difference."""
    ways = ways_of(small_town).way
    drive = ways["kind"] == LaneKind.DRIVE
    assert ways["dead"][drive].all()


def test_who_walks_over_a_crossing_goes_round_an_ego_that_stands_on_it(small_town):
    """The ego stands on the western crossing for good. Somebody on foot walks round it, off the crossing if need be."""
    world = World(small_town, users=8, density=0.0)
    state = on_foot(world, 2.0, 0.5)
    ego = dataclasses.replace(state.ego, x_m=np.array([-12.4]), y_m=np.array([-1.6]), speed_mps=np.zeros(1))
    state = dataclasses.replace(state, ego=ego)
    for _ in range(400):
        state = world.step(state, moving(state, 0.0))
        assert not state.touching.any()
        if not state.users.active[0, 0] or state.users.y_m[0, 0] < -4.0:
            return
    raise AssertionError(f"it still stands at {state.users.x_m[0, 0]:.1f}, {state.users.y_m[0, 0]:.1f}")
