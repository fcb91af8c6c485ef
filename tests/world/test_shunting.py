"""What a user would lose: drivers who get off again what they have driven up against."""

import numpy as np

from tests.world.test_meeting import column, placed, watch
from tests.world.test_waiting import queue
from xiaolu.world.shunting import WEDGED_M, WEDGED_S, room_to_turn, wedged
from xiaolu.world.world import World


def before_a_post(gap: float, aside: float = 0.0):
    """Return bodies: a car (0) at the origin that heads along x, a post (1) so far before its bumper, the ego (2)."""
    bodies, _ = queue([1, -1], [WEDGED_S + 0.1, 0.0], [gap, np.inf])
    bodies["moving"][1], bodies["leader"], bodies["cos"] = False, [1, -1, -1], 1.0
    bodies["half_length"], bodies["half_width"] = [2.3, 0.1, 2.3], [0.9, 0.1, 0.9]
    bodies["x"], bodies["y"] = [0.0, 2.4 + gap, -50.0], [0.0, aside, 50.0]
    return bodies


def test_only_who_has_stood_close_to_what_will_not_leave_is_wedged():
    assert wedged(before_a_post(0.2), 2, 0) == 1
    assert wedged(before_a_post(WEDGED_M + 0.1), 2, 0) == -1
    early = before_a_post(0.2)
    early["waited"][0] = WEDGED_S - 0.1
    assert wedged(early, 2, 0) == -1
    queued = before_a_post(0.2)
    queued["moving"][1] = True
    assert wedged(queued, 2, 0) == -1, "that one will drive on"


def test_it_needs_half_its_length_before_its_nose_and_all_of_it_where_its_path_leads_there():
    assert np.isclose(room_to_turn(before_a_post(0.2), 0, 1), 4.4)
    free = before_a_post(2.0)
    free["leader"][0] = -1
    assert np.isclose(room_to_turn(free, 0, 1), 2.3), "its path leads round it, its nose does not yet"
    for gap, aside in ((2.5, 0.0), (0.2, 1.5)):
        free = before_a_post(gap, aside)
        free["leader"][0] = -1
        assert room_to_turn(free, 0, 1) == 0.0


def test_a_car_with_its_nose_against_a_parked_one_drives_back_and_round_it(small_town):
    """It heads for the parked car's tail, a hand's breadth before it, and has room on its left."""
    world = World(small_town, users=8, density=0.0)
    state = placed(world, [("Wout", 60.0, 0.0), ("Wout", 65.0, 0.0)], parked=(1,), ego=(-60.0, 40.0, 0.0))
    users = state.users
    users.y_m[0, 1] += 1.1
    users.yaw_rad[0, 0] -= 0.5
    start = users.x_m[0, 0]
    states = watch(world, state, WEDGED_S + 25.0)
    speed, gone = column(states, "speed_mps", 0), np.abs(column(states, "x_m", 0) - start)
    assert speed.min() < -0.3
    assert gone.max() > 15.0


def test_a_gap_a_hand_wider_than_the_car_on_both_sides_is_driven_through(small_town):
    """Cars stand across the whole street; one gap, right in its lane, leaves 0.105 m on both sides."""
    world = World(small_town, users=8, density=0.0)
    rows = [("Wout", 40.0, 3.0), *(("Wout", 55.0, 0.0) for _ in range(3))]
    state = placed(world, rows, parked=(1, 2, 3), ego=(-60.0, 40.0, 0.0))
    users, aside = state.users, 1.82 + 0.105
    left = np.array([-np.sin(users.yaw_rad[0, 0]), np.cos(users.yaw_rad[0, 0])])
    for slot, by in ((1, aside), (2, -aside), (3, aside + 1.9)):
        users.x_m[0, slot], users.y_m[0, slot] = np.array([users.x_m[0, slot], users.y_m[0, slot]]) + by * left
    states = watch(world, state, 30.0)
    assert np.hypot(column(states, "x_m", 0) - users.x_m[0, 0], column(states, "y_m", 0) - users.y_m[0, 0]).max() > 25.0
