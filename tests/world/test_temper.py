"""What a user would lose: streets on which people differ, and on which who can go on does not wait for its own tail."""

import numpy as np
import pytest

from xiaolu.core.users import ON_FOOT, Kind
from xiaolu.world.looking import BODY
from xiaolu.world.motion import turns_back
from xiaolu.world.paths import PATH, PATH_POINT, POINTS, Paths
from xiaolu.world.table import ROW
from xiaolu.world.temper import STANDSTILL_GAP_M
from xiaolu.world.town import LaneKind
from xiaolu.world.ways import ways_of
from xiaolu.world.world import World
from xiaolu.world.yielding import follow_gap, in_the_way

AT = np.array([60.0, 60.0, 0.0])


@pytest.fixture(scope="module")
def drivers(small_town) -> dict[str, np.ndarray]:
    """Tempers of some two hundred drivers."""
    world = World(small_town, users=30, density=4.0)
    columns: dict[str, list] = {name: [] for name in ("haste", "headway_s", "vigour", "room", "margin_s")}
    for seed in range(30):
        state = world.start(seed, AT)
        users, minds = state.users[0], state.minds
        chosen = users.active & ~minds.parked[0] & (users.kind <= Kind.BUS)
        assert chosen.any()
        for name, values in columns.items():
            values.append(getattr(minds, name)[0, chosen])
    return {name: np.concatenate(values) for name, values in columns.items()}


def test_drivers_differ_as_measured_ones_do(drivers):
    gap_m = STANDSTILL_GAP_M[Kind.CAR] * drivers["room"]
    low, middle, high = np.percentile(gap_m, [5, 50, 95])
    assert 1.4 < low < 2.1 and 2.2 < middle < 3.0 and 3.6 < high < 5.6  # measured: 2.1, 4.2, 6.8 m; in Boston 1.7 m
    assert 0.9 < np.median(drivers["headway_s"]) < 1.4 and drivers["headway_s"].min() >= 0.6
    assert np.std(drivers["vigour"]) > 0.1 and np.std(drivers["margin_s"]) > 0.2


def test_who_is_in_a_hurry_is_so_in_all_it_does(drivers):
    assert np.corrcoef(drivers["haste"], drivers["vigour"])[0, 1] > 0.2
    for name in ("headway_s", "room", "margin_s"):
        assert np.corrcoef(drivers["haste"], drivers[name])[0, 1] < -0.2


def test_temper_shows_in_how_one_starts_and_how_far_behind_one_stops():
    starts = [follow_gap(Kind.CAR, 0.5, 10.0, np.inf, 0.0, 1.2, 1.0, vigour) for vigour in (0.7, 1.4)]
    assert starts[1] > 1.9 * starts[0]
    creeps = [follow_gap(Kind.CAR, 0.0, 10.0, 3.0, 0.0, 1.2, room) for room in (0.8, 2.0)]
    assert creeps[0] > 0.0 > creeps[1]  # 3 m behind a standing car one moves up, the other would rather not


def test_of_two_that_come_towards_each_other_each_brakes_for_its_share():
    """Both at 5 m/s, 14 m apart: half of the gap is each one's own, and 2 m/s² or so does it."""
    assert -4.0 < follow_gap(Kind.CAR, 5.0, 8.0, 14.0, 10.0, 1.2) < -1.5
    assert follow_gap(Kind.CAR, 5.0, 8.0, 4.0, 5.0, 1.2) < -3.5  # what stands is another matter


def turning(x: float, y: float, side: float) -> tuple[np.ndarray, Paths]:
    """Return bodies of a car that turns to a side with a radius of 8 m, and of one that stands at x, y beside it."""
    bodies, paths = np.zeros(2, BODY), Paths(np.zeros(2, PATH), np.zeros((2, POINTS), PATH_POINT))
    bodies["half_length"], bodies["half_width"], bodies["cos"], bodies["present"] = 2.3, 0.9, 1.0, True
    bodies["x"][1], bodies["y"][1] = x, y
    s = np.arange(POINTS) * 0.4
    yaw = side * s / 8.0
    point = paths.point[0]
    point["x"], point["y"] = 8.0 * np.sin(s / 8.0), side * 8.0 * (1.0 - np.cos(s / 8.0))
    point["yaw"], point["cos"], point["sin"] = yaw, np.cos(yaw), np.sin(yaw)
    row = paths.row
    row["count"][0], row["step"][0] = POINTS, 0.4
    row["low_x"][0], row["low_y"][0], row["high_x"][0], row["high_y"][0] = -30.0, -30.0, 30.0, 30.0
    return bodies, paths


def test_nobody_waits_for_who_stands_beside_its_own_tail():
    """Turning left, the tail swings to the right; two that merge would else wait for each other for ever."""
    bodies, paths = turning(-2.0, -1.9, 1.0)
    assert in_the_way(bodies, paths, 0, 1, 0.12)[0] == np.inf


def test_who_stands_beside_the_front_is_waited_for_in_a_turn_towards_it():
    bodies, paths = turning(1.5, -1.9, -1.0)
    assert in_the_way(bodies, paths, 0, 1, 0.12)[0] < 3.0


def test_people_turn_round_where_their_way_ends(small_town):
    ways = ways_of(small_town)
    way = ways.way.copy()
    end = int(np.flatnonzero((way["kind"] == LaneKind.FOOT) & (ways.twin >= 0) & (way["length"] > 30.0))[0])
    way["next_end"][end] = way["next_start"][end]
    ways = ways._replace(way=way)
    row = np.zeros(1, ROW)
    row["kind"], row["way"], row["waits_for"] = int(ON_FOOT[0]), end, -1
    row["along_m"] = way["length"][end] - 1.0
    assert all(turns_back(ways, row[0], seed, 10) for seed in range(20))
    row["along_m"] -= 20.0
    assert not any(turns_back(ways, row[0], seed, 10) for seed in range(20))
