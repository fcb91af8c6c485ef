"""What a user would lose: lights that follow the Chinese sequence, and countdowns that tell the truth."""

from itertools import pairwise

import numpy as np
import pytest

from xiaolu.core.decision import LampColour
from xiaolu.world.signals import FLASHING_S, clock_s, head_states, lamp, lane_colour, programs_of

STEP_S = 0.1


def history(town, column: int, seconds: float = 200.0) -> list[int]:
    programs = programs_of(town)
    return [int(lamp(programs, column, k * STEP_S)[0]) for k in range(round(seconds / STEP_S))]


def runs(colours: list[int]) -> list[tuple[int, int]]:
    out: list[list[int]] = []
    for colour in colours:
        if out and out[-1][0] == colour:
            out[-1][1] += 1
        else:
            out.append([colour, 1])
    return [(colour, length) for colour, length in out]


def test_the_sequence_is_red_green_flashing_yellow_red(small_town):
    allowed = {
        (LampColour.RED, LampColour.GREEN),
        (LampColour.GREEN, LampColour.FLASHING_GREEN),
        (LampColour.FLASHING_GREEN, LampColour.YELLOW),
        (LampColour.FLASHING_GREEN, LampColour.RED),  # heads for people have no yellow
        (LampColour.YELLOW, LampColour.RED),
    }
    for column in range(len(small_town.signal_program)):
        colours = history(small_town, column)
        assert LampColour.GREEN in colours and LampColour.RED in colours
        changes = {(a, b) for a, b in pairwise(colours) if a != b}
        assert changes <= allowed


def test_green_flashes_for_its_last_three_seconds_and_yellow_lasts_three(small_town):
    for column in range(len(small_town.signal_program)):
        whole = runs(history(small_town, column))[1:-1]
        for colour, length in whole:
            if colour == LampColour.FLASHING_GREEN:
                assert length * STEP_S == pytest.approx(FLASHING_S, abs=STEP_S)
            if colour == LampColour.YELLOW:
                assert length * STEP_S == pytest.approx(3.0, abs=STEP_S)


def test_countdown_reaches_zero_when_the_colour_changes(small_town):
    programs = programs_of(small_town)
    for column in range(len(small_town.signal_program)):
        colour, left = lamp(programs, column, 12.34)
        after = lamp(programs, column, 12.34 + left + 1e-6)[0]
        before = lamp(programs, column, 12.34 + left - 1e-6)[0]
        assert after != before
        if colour in (LampColour.GREEN, LampColour.FLASHING_GREEN):
            assert before == LampColour.FLASHING_GREEN  # a green counts to its end, flashing included


def test_heads_show_what_their_lane_obeys(small_town):
    for time_s in (0.0, 7.7, 31.0, 64.2):
        colour, countdown = head_states(small_town, time_s, seed=5)
        columns = lane_colour(small_town, time_s, seed=5)
        assert np.array_equal(colour, columns[small_town.lane_signal[small_town.head_lane]])
        assert np.all(np.isnan(countdown[~small_town.head_countdown.astype(bool)]))
        assert np.all(countdown[small_town.head_countdown.astype(bool)] >= 0.0)


def test_rides_meet_the_lights_at_different_moments():
    assert len({clock_s(0.0, seed) for seed in range(20)}) > 10
