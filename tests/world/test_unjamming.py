"""What a user would lose: junctions in which two that touch almost stand for ever, and streets whose ends fill up."""

import dataclasses
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tests.world.test_meeting import column, placed, watch
from tests.world.test_waiting import queue
from xiaolu.core.users import Kind
from xiaolu.world.facing import code_of
from xiaolu.world.looking import gather
from xiaolu.world.meeting import _ego_backs_for as ego_backs_for
from xiaolu.world.motion import _straighten as straighten
from xiaolu.world.motion import place_on_way
from xiaolu.world.paths import choose_next
from xiaolu.world.table import table_of
from xiaolu.world.town import LaneKind, Town, Turn, load_town
from xiaolu.world.waiting import RING_S, under_orders, waved_through
from xiaolu.world.ways import ways_of
from xiaolu.world.world import World
from xiaolu.world.yielding import in_the_way


def beside(sweeps_rad: float):
    """Return bodies and paths: a car (0) at the origin that turns left, somebody on foot (1) at its left flank."""
    bodies, paths = queue([1, 0], [0.0, 9.0], [np.inf, np.inf])
    bodies["half_length"][:2], bodies["half_width"][:2] = (2.3, 0.2), (0.9, 0.25)
    bodies["x"][1], bodies["y"][1] = 1.5, 1.3
    bodies["kind"][1] = Kind.PEDESTRIAN
    bodies["cos"] = 1.0
    row, point = paths.row, paths.point
    row["count"][0], row["step"][0] = 20, 0.5
    row["low_x"][0], row["low_y"][0], row["high_x"][0], row["high_y"][0] = -50.0, -50.0, 50.0, 50.0
    yaw = np.minimum(np.arange(20) * 0.1, 1.0) + sweeps_rad
    point["cos"][0, :20], point["sin"][0, :20] = np.cos(yaw), np.sin(yaw)
    point["x"][0, 1:20] = np.cumsum(0.5 * np.cos(yaw))[:-1]
    point["y"][0, 1:20] = np.cumsum(0.5 * np.sin(yaw))[:-1]
    return bodies, paths


def test_who_has_stood_beside_somebody_goes_on_and_only_what_is_before_it_counts():
    """A car whose turn would sweep over somebody at its flank waits; not for ever: that one may wait for the car."""
    bodies, paths = beside(0.0)
    assert in_the_way(bodies, paths, 0, 1, 0.12)[0] < 1.0
    bodies["waited"][0] = RING_S + 0.1
    assert in_the_way(bodies, paths, 0, 1, 0.12)[0] == np.inf
    bodies["x"][2], bodies["y"][2], bodies["half_length"][2], bodies["half_width"][2] = 1.5, 1.3, 0.2, 0.25
    assert in_the_way(bodies, paths, 0, 2, 0.12)[0] < 1.0, "the ego is never pushed past"
    bodies["x"][1], bodies["y"][1] = 2.8, 0.1
    assert in_the_way(bodies, paths, 0, 1, 0.12)[0] < 0.6, "that one is before it"


def test_who_queues_behind_an_ego_makes_room_where_who_faces_it_does_not_manage_to():
    """A car that faces the ego is to back up, and stands all the same: after long the ego counts as one that is to."""
    bodies, _ = queue([1, 0], [0.0, 0.0], [np.inf, np.inf])
    bodies["half_length"], bodies["half_width"], bodies["cos"] = 2.3, 0.9, 1.0
    bodies["x"][:], bodies["y"][:] = (8.0, 60.0, 0.0), 0.0
    bodies["cos"][0], bodies["backs_for"][0], bodies["uid"][:] = -1.0, 1, (7, 8, -1)
    bodies["waited"][0] = 10.0
    assert ego_backs_for(bodies, 2) == 0, "it has only just begun"
    bodies["waited"][0] = 20.0
    assert ego_backs_for(bodies, 2) == code_of(7)
    bodies["speed"][0] = -0.5
    assert ego_backs_for(bodies, 2) == 0, "it backs up"


def test_a_car_lies_as_it_lies_though_its_path_has_turned_already():
    """Its path heads 0.5 rad to the left of it: who stands at its flank is not in contact with it for that."""
    bodies, paths = beside(0.5)
    bodies["waited"][0] = RING_S + 0.1
    assert in_the_way(bodies, paths, 0, 1, 0.12)[0] == np.inf


def test_a_light_further_on_than_who_stands_in_the_way_keeps_no_ring_together():
    """0 and 1 wait for each other in a junction; a second light 4 m before 1 is red. Its bumper is at 0's door."""
    bodies, paths = queue([1, 0], [9.0, 12.0], [5.0, 2.0])
    paths.row["ordered"][1], paths.row["stop"][:2] = 1, (np.inf, 6.0)
    bodies["half_length"][:2] = 2.0
    assert not under_orders(bodies, paths, 1)
    assert waved_through(bodies, paths, 2, 1) and not waved_through(bodies, paths, 2, 0)
    bodies["lead_gap"][1] = np.inf
    assert under_orders(bodies, paths, 1)
    assert waved_through(bodies, paths, 2, 0), "who stands at a red light is not the one to go"


def narrowed(town: Town, turn: Turn) -> tuple[World, str, float]:
    """Return a world whose first lane that turns so is as wide as a car, that lane, and how far along its middle is."""
    lanes = town.meta["lanes"]
    lane = next(
        name
        for name, number in lanes.items()
        if town.lane_turn[number] == turn and town.lane_kind[number] == LaneKind.DRIVE
    )
    width = np.array(town.lane_width_m)
    width[lanes[lane]] = 1.7
    world = World(dataclasses.replace(town, lane_width_m=width), users=8, density=0.0)
    return world, lane, 0.5 * float(town.lane_length_m[lanes[lane]])


def test_a_car_whose_tail_would_swing_into_a_corner_goes_straight_on_first(small_town):
    """It turns right, and at its left flank, behind its middle, is the corner of a bus that stands there."""
    world, lane, middle = narrowed(small_town, Turn.RIGHT)
    state = placed(world, [(lane, middle, 0.0), (lane, middle, 0.0)], parked=(1,), ego=(-60.0, 40.0, 0.0))
    users = state.users
    x, y, yaw = users.x_m[0, 0], users.y_m[0, 0], users.yaw_rad[0, 0]
    long, wide, gap = 10.4, 2.5, 0.03
    # The bus's front right corner: 1.5 m behind the car's middle, `gap` off its flank; it heads 0.6 rad to its right.
    corner = np.array([-1.5, 0.91 + gap])
    turn = -0.6
    from_corner = np.array([-0.5 * long, 0.5 * wide])
    centre = corner + np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ from_corner
    cos, sin = np.cos(yaw), np.sin(yaw)
    users.x_m[0, 1], users.y_m[0, 1] = x + centre[0] * cos - centre[1] * sin, y + centre[0] * sin + centre[1] * cos
    users.yaw_rad[0, 1], users.length_m[0, 1], users.width_m[0, 1] = yaw + turn, long, wide
    users.kind[0, 1] = Kind.BUS
    states = watch(world, state, 6.0)  # before it steps aside from what it stands against
    gone = np.hypot(column(states, "x_m", 0) - x, column(states, "y_m", 0) - y)
    assert gone.max() > 4.0


def test_who_goes_straight_on_first_keeps_off_whom_it_would_have_turned_into(small_town):
    """A metre on without turning, past somebody to its left or to its right: 0.3 m further from that one."""
    for turn in (Turn.LEFT, Turn.RIGHT):
        world, lane, middle = narrowed(small_town, turn)
        for side in (1.0, -1.0):
            state = placed(world, [(lane, middle, 0.0)], ego=(-60.0, 40.0, 0.0))
            table = table_of(state.users, state.minds)
            ego = np.array([-60.0, 40.0, 0.0, 0.0, 0.0, 0.0])
            bodies = gather(table, 0, world.slots, ego, 0.0)
            row = table.row[0]
            x, y, yaw = float(row["x_m"]), float(row["y_m"]), float(row["yaw_rad"])
            cos, sin = np.cos(yaw), np.sin(yaw)
            row["along_m"] += 1.0
            place_on_way(world._ways, table, 0, 0.0, 0.0)
            assert straighten(world._ways, table, bodies, 0, 0, 1.0, x, y, x - side * 2.0 * sin, y + side * 2.0 * cos)
            gone = -(row["x_m"] - x) * sin + (row["y_m"] - y) * cos
            assert -side * gone == pytest.approx(0.3, abs=0.05)


def test_a_car_whose_corner_is_against_a_post_steps_aside_from_it(small_town):
    """It turns left; the post stands beside its narrow lane, and before the right end of its bumper."""
    world, lane, middle = narrowed(small_town, Turn.LEFT)
    state = placed(world, [(lane, middle, 0.0), (lane, middle, 0.0)], parked=(1,), ego=(-60.0, 40.0, 0.0))
    users = state.users
    x, y, yaw = users.x_m[0, 0], users.y_m[0, 0], users.yaw_rad[0, 0]
    cos, sin = np.cos(yaw), np.sin(yaw)
    users.x_m[0, 1], users.y_m[0, 1] = x + 2.44 * cos + 0.85 * sin, y + 2.44 * sin - 0.85 * cos
    users.length_m[0, 1] = users.width_m[0, 1] = 0.2
    users.yaw_rad[0, 1], users.kind[0, 1] = yaw, Kind.OBJECT
    states = watch(world, state, 40.0)
    gone = np.hypot(column(states, "x_m", 0) - x, column(states, "y_m", 0) - y)
    assert gone.max() > 4.0


def test_into_what_leads_nowhere_one_does_not_drive_even_where_one_can_only_turn_round():
    """At a fork between a dead end and turning back into an alley, drivers turn back."""
    ways = ways_of(load_town(Path(str(files("xiaolu") / "assets" / "town.town"))))
    drives = ways.way["kind"] == LaneKind.DRIVE
    for way in np.flatnonzero(drives & (ways.way["next_end"] - ways.way["next_start"] == 2)):
        nowhere, back = ways.next_way[ways.way["next_start"][way] :][:2]
        if drives[nowhere] and drives[back] and ways.way["junction"][back] >= 0:
            break
    table = ways.way.copy()
    table["dead"][[nowhere, back]] = True, False
    table["turn"][[nowhere, back]] = Turn.NONE, Turn.U_TURN
    beyond = ways.next_way[ways.way["next_start"][back]]
    table["free"][beyond] = 3.0
    ways = ways._replace(way=table)
    taken = {int(choose_next(ways, way, 7, uid, 0, int(Kind.CAR))) for uid in range(1500)}
    assert taken == {int(back)}


def test_who_rides_against_the_flow_to_where_a_street_ends_is_known_to_come_to_nothing(small_town):
    """Every arm of the small crossroads ends somewhere, against the flow as well: so nobody is sent there by chance."""
    way = ways_of(small_town).way
    against = way["back"] & (way["kind"] == LaneKind.CYCLE)
    assert against.any() and way["dead"][against].all()
