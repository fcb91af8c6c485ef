"""What a user would lose: drivers who know when to back up, how far, and when there is no point in it."""

import numpy as np
import pytest

from tests.world.test_meeting import BESIDE, narrow_town, placed
from xiaolu.core.users import Kind
from xiaolu.world.backing import LEAST_M
from xiaolu.world.behind import NOWHERE_S, place_behind
from xiaolu.world.facing import code_of
from xiaolu.world.looking import gather
from xiaolu.world.meeting import EGO_LOCKED_S, EGO_NEAR_M, cost_of_backing, settle
from xiaolu.world.paths import PATH, PATH_POINT, POINTS, Paths, choose_next
from xiaolu.world.table import table_of
from xiaolu.world.world import World

__all__ = ["narrow_town"]  # a fixture


@pytest.fixture(scope="module")
def narrow(narrow_town) -> World:
    return World(narrow_town, users=8, density=0.0)


def standing(world: World, cars: list[tuple[str, float]], ego=BESIDE, parked=(), waited_s: float = 0.0):
    """Return (ways, table, bodies, paths, first slot, slots, seed) of cars that stand on (lane, m along it)."""
    state = placed(world, [(lane, along, 0.0) for lane, along in cars], ego, parked)
    state.minds.waited_s[0, : len(cars)] = waited_s
    middle = np.array([ego[0] + 1.4 * np.cos(ego[2]), ego[1] + 1.4 * np.sin(ego[2]), ego[2], 0.0, 0.0, 0.0])
    table, n = table_of(state.users, state.minds), world.slots
    bodies = gather(table, 0, n, middle, 0.0)
    return world._ways, table, bodies, Paths(np.zeros(n + 1, PATH), np.zeros((n + 1, POINTS), PATH_POINT)), 0, n, 3


def test_round_the_corner_where_the_other_wants_to_go_only_who_has_stood_for_long_backs(narrow):
    """All streets are too narrow for two. Up the narrow street came one out of another that the one who faces it is
    going to take."""
    lanes = narrow.town.meta["lanes"]
    ways, table, bodies, paths, o, n, seed = standing(narrow, [("narrow_out", 20.0), ("narrow_in", 60.0)])
    way, twin = ways.way.copy(), ways.twin.copy()
    for there, back in (("Eout", "Ein"), ("Ein2", "Eout2")):
        way["shared"][lanes[there]], way["left_room"][lanes[there]] = True, 1.0
        twin[lanes[there]] = lanes[back]
    ways = ways._replace(way=way, twin=twin)
    down, found = lanes["narrow_in"], {}
    for uid in range(20):
        following = choose_next(ways, down, seed, uid, 0, int(Kind.CAR))
        found[int(choose_next(ways, following, seed, uid, 1, int(Kind.CAR)))] = uid
    backs = {}
    for goes, uid in found.items():
        table.row["uid"][1] = bodies["uid"][1] = uid
        for waited in (1.0, NOWHERE_S + 0.1):
            bodies["waited"][0] = waited
            backs[goes, waited] = place_behind(ways, table, bodies, paths, o, n, seed, 0, 1, 0.0)[0] < np.inf
    assert len(found) == 2
    assert all(backs[goes, NOWHERE_S + 0.1] for goes in found)
    assert sorted(backs[goes, 1.0] for goes in found) == [False, True]
    taken = next(goes for goes in found if not backs[goes, 1.0])
    table.row["uid"][1] = bodies["uid"][1] = found[taken]
    bodies["waited"][0], bodies["backs_for"][0] = 1.0, code_of(found[taken])
    assert place_behind(ways, table, bodies, paths, o, n, seed, 0, 1, 0.0)[0] < np.inf, "it has begun, and goes on"


def test_who_stands_farther_before_an_ego_than_one_meets_backs_after_eight_seconds(narrow):
    """The ego has stopped early. A car comes up to it and keeps off: it waits for it a while, not for ever."""
    ego = np.array([90.0, 53.0, -np.pi / 2])
    for waited, backs in ((EGO_LOCKED_S - 0.5, False), (EGO_LOCKED_S + 0.5, True)):
        scene = standing(narrow, [("narrow_out", 32.0)], ego, waited_s=waited)
        bodies = scene[2]
        front = bodies["y"][0] + bodies["half_length"][0]
        assert EGO_NEAR_M < bodies["y"][-1] - bodies["half_length"][-1] - front < 10.0
        settle(*scene)
        assert (bodies["backs_for"][0] != 0) == backs


def test_who_has_something_parked_close_behind_does_not_begin_to_back(narrow):
    """Two face each other in the narrow street; what stands behind one of them leaves it half a metre, or three."""
    for room, begins in ((0.5 * LEAST_M, False), (3.0, True)):
        cars = [("narrow_out", 40.0), ("narrow_in", 50.0), ("narrow_out", 40.0 - 4.6 - room)]
        scene = standing(narrow, cars, parked=(2,), waited_s=10.0)
        assert (cost_of_backing(*scene, 0, 1) < np.inf) == begins


def test_nobody_makes_room_for_one_who_makes_room_itself(narrow):
    """Two queues face each other. 0 has backed up for 1; now that one makes room for somebody else: 0 goes on."""
    for other_backs in (False, True):
        scene = standing(narrow, [("narrow_out", 40.0), ("narrow_in", 50.0)], waited_s=1.0)
        bodies = scene[2]
        bodies["backs_for"][0] = code_of(bodies["uid"][1])
        bodies["backs_for"][1] = code_of(99) if other_backs else 0
        settle(*scene)
        assert (bodies["backs_for"][0] == 0) == other_backs
