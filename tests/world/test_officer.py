"""What a user would lose: traffic that obeys officers, dark signals and waiting areas, each as the rules have it."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.core.control import EgoMotion
from xiaolu.core.decision import LampColour
from xiaolu.core.rates import SUBSTEPS
from xiaolu.core.users import Gesture, Kind, empty_users
from xiaolu.world.officer import Command, command_at, meaning
from xiaolu.world.paths import choose_next
from xiaolu.world.signal_faults import FaultKind
from xiaolu.world.signals import clock_showing, entry_lamp, fault_at, lamp, line_ahead, programs_of
from xiaolu.world.state import WorldState, map_arrays
from xiaolu.world.town import Town, Turn
from xiaolu.world.ways import ways_of
from xiaolu.world.world import World

FACES = 0.0  # the officer looks east: his right is the south
FROM_FRONT, FROM_RIGHT, FROM_BEHIND, FROM_LEFT = np.pi, np.pi / 2, 0.0, -np.pi / 2
WAITING_M = 9.0
SEED = 3
LEFT, STRAIGHT, RIGHT = Turn.LEFT, Turn.STRAIGHT, Turn.RIGHT
ELSEWHERE = np.array([-1.6, -60.0, -np.pi / 2])  # southwards, away from the crossroads


@pytest.mark.parametrize(
    ("gesture", "heading", "turn", "command"),
    [
        (Gesture.POLICE_STOP, FROM_FRONT, STRAIGHT, Command.STOP),
        (Gesture.POLICE_STOP, FROM_BEHIND, STRAIGHT, Command.NONE),
        (Gesture.POLICE_STOP, FROM_RIGHT, STRAIGHT, Command.NONE),
        (Gesture.POLICE_STRAIGHT, FROM_RIGHT, STRAIGHT, Command.PASS),
        (Gesture.POLICE_STRAIGHT, FROM_RIGHT, LEFT, Command.NONE),
        (Gesture.POLICE_STRAIGHT, FROM_FRONT, STRAIGHT, Command.STOP),
        (Gesture.POLICE_LEFT, FROM_LEFT, LEFT, Command.PASS),
        (Gesture.POLICE_LEFT, FROM_LEFT, Turn.U_TURN, Command.PASS),
        (Gesture.POLICE_LEFT, FROM_LEFT, STRAIGHT, Command.NONE),
        (Gesture.POLICE_LEFT, FROM_FRONT, STRAIGHT, Command.STOP),
        (Gesture.POLICE_LEFT_WAITING, FROM_LEFT, LEFT, Command.ADVANCE),
        (Gesture.POLICE_LEFT_WAITING, FROM_FRONT, LEFT, Command.NONE),
        (Gesture.POLICE_RIGHT, FROM_RIGHT, RIGHT, Command.PASS),
        (Gesture.POLICE_RIGHT, FROM_FRONT, RIGHT, Command.STOP),
        (Gesture.POLICE_CHANGE_LANE, FROM_FRONT, STRAIGHT, Command.SLOW),
        (Gesture.POLICE_SLOW, FROM_RIGHT - np.pi / 4 + np.pi / 2, STRAIGHT, Command.SLOW),
        (Gesture.POLICE_SLOW, FROM_LEFT, STRAIGHT, Command.NONE),
        (Gesture.POLICE_PULL_OVER, FROM_FRONT, STRAIGHT, Command.PULL_OVER),
        (Gesture.PADDLE_GO, FROM_FRONT, STRAIGHT, Command.PASS),
        (Gesture.WAVE, FROM_FRONT, STRAIGHT, Command.NONE),
        (Gesture.NONE, FROM_FRONT, STRAIGHT, Command.NONE),
    ],
)
def test_a_command_means_what_the_regulation_says_to_whom(gesture, heading, turn, command):
    for turned in np.linspace(-np.pi, np.pi, 7):  # it is the same wherever north is
        assert meaning(FACES + turned, int(gesture), heading + turned, int(turn)) == command


def test_a_command_binds_near_its_line_and_only_from_those_who_may_give_one(small_town):
    lane, onward = (small_town.meta["lanes"][name] for name in ("Win", "Win>Eout"))
    users = empty_users(1)
    users.active[0], users.gesture[0], users.yaw_rad[0], users.y_m[0] = True, Gesture.POLICE_STOP, np.pi, -5.0
    for kind, x, command in (
        (Kind.OFFICER, -5.0, Command.STOP),
        (Kind.OFFICER, 25.0, Command.NONE),
        (Kind.PEDESTRIAN, -5.0, Command.NONE),
    ):
        users.kind[0], users.x_m[0] = kind, x
        assert command_at(small_town, lane, onward, users, np.ones(1, bool)) == command
    users.kind[0], users.x_m[0] = Kind.OFFICER, -5.0
    assert command_at(small_town, lane, onward, users, np.zeros(1, bool)) == Command.NONE


@pytest.fixture(scope="module")
def waiting_town(small_town) -> Town:
    """The crossroads with a waiting area for left turns on every approach."""
    waiting = np.full(small_town.lanes, np.nan)
    waiting[(small_town.lane_turn == Turn.LEFT) & (small_town.lane_signal >= 0)] = WAITING_M
    return replace(small_town, waiting_s_m=waiting)


def with_user(state: WorldState, slot: int, **values) -> WorldState:
    """Return the state with a user put into a slot; values: fields of Users and Minds."""
    out = map_arrays(np.copy, state)
    for name, value in {"active": True, "uid": 10_000 + slot, **values}.items():
        table = out.users if hasattr(out.users, name) else out.minds
        getattr(table, name)[0, slot] = value
    return out


def car_from_the_west(world: World, turn: Turn, gap_m: float = 55.0) -> WorldState:
    """Return an empty world with one car (slot 0) on its way to the crossroads; the ego stands far off."""
    town = world.town
    ways, lane = ways_of(town), town.meta["lanes"]["Win"]
    uid = next(u for u in range(5000) if town.lane_turn[choose_next(ways, lane, SEED, u, 0, int(Kind.CAR))] == turn)
    along = float(town.stop_s_m[lane]) - gap_m
    x, y, z, yaw = town.pose_at(lane, along)
    return with_user(
        world.start(SEED, ELSEWHERE), 0, uid=uid, kind=Kind.CAR, x_m=x, y_m=y, z_m=z, yaw_rad=yaw, speed_mps=8.0,
        length_m=4.6, width_m=1.8, height_m=1.5, way=lane, along_m=along, lane=lane, haste=1.0, headway_s=1.2,
        reaction_s=0.6, attentive=True, vigour=1.0, room=1.0, margin_s=1.0,
    )  # fmt: skip


def fronts(world: World, state: WorldState, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (metres from the car's front to the end of the approach, speed), (ticks,) each; negative beyond."""
    away, speed = [], []
    z = np.zeros(1)
    for _ in range(ticks):
        pose = np.repeat(ELSEWHERE[None, None], SUBSTEPS + 1, axis=1)
        state = world.step(state, EgoMotion(pose, z, z, z, z, z.astype(np.int8)))
        heading = np.array([np.cos(state.users.yaw_rad[0, 0]), np.sin(state.users.yaw_rad[0, 0])])
        front = np.array([state.users.x_m[0, 0], state.users.y_m[0, 0]]) + 2.3 * heading
        away.append(-14.0 - front[0])
        speed.append(state.users.speed_mps[0, 0])
    return np.array(away), np.array(speed)


def world_showing(town: Town, name: str, colour: LampColour, left_s: float, **more) -> World:
    start_s = clock_showing(town, town.meta["lanes"][name], (colour,), left_s)
    return World(town, users=4, density=0.0, signals_start_s=start_s, **more)


def officer(state: WorldState, gesture: Gesture, yaw: float) -> WorldState:
    return with_user(
        state, 1, kind=Kind.OFFICER, x_m=4.0, y_m=7.0, yaw_rad=yaw, length_m=0.4, width_m=0.55, height_m=1.75,
        gesture=gesture, parked=True,
    )  # fmt: skip


def test_users_go_on_red_when_an_officer_sends_them(small_town):
    world = world_showing(small_town, "Win>Eout", LampColour.RED, 30.0)
    state = car_from_the_west(world, Turn.STRAIGHT)
    held, _ = fronts(world, state, 200)
    assert 0.0 < held[-1] < 4.0
    sent, _ = fronts(world, officer(state, Gesture.POLICE_STRAIGHT, -np.pi / 2), 200)
    assert sent[-1] < -20.0


def test_users_stop_at_green_when_an_officer_holds_them(small_town):
    world = world_showing(small_town, "Win>Eout", LampColour.GREEN, 20.0)
    state = car_from_the_west(world, Turn.STRAIGHT)
    free, _ = fronts(world, state, 150)
    assert free[-1] < -20.0
    held, speed = fronts(world, officer(state, Gesture.POLICE_STOP, np.pi), 150)
    assert 0.0 < held[-1] < 4.0 and speed[-1] < 0.1
    unheeded, _ = fronts(world, officer(state, Gesture.POLICE_STOP, 0.0), 150)
    np.testing.assert_array_equal(unheeded, free)  # his back is turned to this car


def test_users_pass_a_dark_signal_with_care(small_town):
    fault = fault_at(small_town, small_town.meta["lanes"]["Win>Eout"], FaultKind.DARK, whole=True)
    world = world_showing(small_town, "Win>Eout", LampColour.RED, 30.0, faults=(fault,))
    away, speed = fronts(world, car_from_the_west(world, Turn.STRAIGHT), 250)
    assert away[-1] < -20.0
    sound = world_showing(small_town, "Win>Eout", LampColour.GREEN, 20.0)
    freely, fast = fronts(sound, car_from_the_west(sound, Turn.STRAIGHT), 250)
    entry = [v[np.argmin(np.abs(a))] for a, v in ((away, speed), (freely, fast))]
    assert entry[0] < 8.0 < entry[1]


def test_left_turners_wait_beyond_the_line_while_straight_is_green(waiting_town, small_town):
    for town, line_m in ((waiting_town, -WAITING_M), (small_town, 1.0)):
        world = world_showing(town, "Win>Eout", LampColour.GREEN, 20.0)
        away, speed = fronts(world, car_from_the_west(world, Turn.LEFT), 180)
        assert speed[-1] < 0.1
        assert line_m < away[-1] < line_m + 3.0
        turned, _ = fronts(world, car_from_the_west(world, Turn.LEFT), 400)  # then comes the arrow
        assert turned[-1] < -WAITING_M - 2.0


def test_left_turners_do_not_enter_the_area_on_red(waiting_town):
    world = world_showing(waiting_town, "Win>Eout", LampColour.RED, 22.0)
    away, speed = fronts(world, car_from_the_west(world, Turn.LEFT), 150)
    assert speed[-1] < 0.1 and 1.0 < away[-1] < 4.0


def test_which_line_governs_says_the_same_to_everybody(waiting_town):
    names = waiting_town.meta["lanes"]
    approach, left, ahead = names["Win"], names["Win>Nout"], names["Win>Eout"]
    programs, stop = programs_of(waiting_town), float(waiting_town.stop_s_m[names["Win"]])
    length = float(waiting_town.lane_length_m[approach])
    for clock in np.arange(0.0, 80.0, 0.5):
        colours = np.array([lamp(programs, s, clock)[0] for s in range(6)])
        own = LampColour(int(colours[waiting_town.lane_signal[left]]))
        first = line_ahead(waiting_town, colours, approach, left, stop - 10.0)
        assert (first.lane, first.ahead_m) == (approach, pytest.approx(10.0))
        assert first.colour == entry_lamp(programs, waiting_town.lane_signal[left], clock)
        open_ = (LampColour.GREEN, LampColour.FLASHING_GREEN)
        assert (first.colour in open_) == (own in open_ or colours[waiting_town.lane_signal[ahead]] in open_)
        passed = line_ahead(waiting_town, colours, approach, left, stop + 0.5)
        assert (passed.lane, passed.colour) == (left, own)
        assert passed.ahead_m == pytest.approx(length - stop - 0.5 + WAITING_M)
        inside = line_ahead(waiting_town, colours, left, names["Nout"], 4.0)
        assert (inside.colour, inside.ahead_m) == (own, pytest.approx(WAITING_M - 4.0))
        straight = line_ahead(waiting_town, colours, approach, ahead, stop + 0.5)
        assert straight.ahead_m == pytest.approx(-0.5)
    assert line_ahead(waiting_town, colours, names["narrow_in"], -1, 3.0) is None
