"""What a user would lose: faults that do what they say, no more, and not before their moment."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.core.decision import LampColour
from xiaolu.ride.config import RideConfig, config_of
from xiaolu.world.signal_faults import FaultKind, SignalFault, faults_from_text, faults_to_text
from xiaolu.world.signals import (
    HELD_DIGIT_S,
    clock_s,
    clock_showing,
    fault_at,
    head_states,
    heads_of,
    lamp,
    lane_colour,
    ordered_by,
    programs_of,
)
from xiaolu.world.world import World

SEED, FROM_S, TO_S = 5, 50.0, 110.0
TIMES_S = np.arange(0.0, 260.0, 0.25)
OPEN = (LampColour.GREEN, LampColour.FLASHING_GREEN)


def lane_named(town, name: str) -> int:
    return town.meta["lanes"][name]


def shown(town, faults=(), signal: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (colour (T,), digits (T,)) of a signal over the ride."""
    programs = programs_of(town, tuple(faults), SEED)
    rows = [lamp(programs, signal, clock_s(t, SEED)) for t in TIMES_S]
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def every_fault(town) -> list[SignalFault]:
    lane = lane_named(town, "Win>Eout")
    seconds = {FaultKind.RED_EXTENDED: 6.0, FaultKind.COUNTDOWN_JUMPS: 9.0}
    return [fault_at(town, lane, kind, seconds.get(kind, 0.0), FROM_S, TO_S) for kind in FaultKind]


def test_before_and_after_its_time_a_fault_is_not_there(small_town):
    for fault in every_fault(small_town):
        for signal in range(len(small_town.signal_program)):
            sound, ill = shown(small_town, (), signal), shown(small_town, (fault,), signal)
            # A red that is extended outlasts the fault by that much at most, a jump ends with the colour.
            late = TO_S + fault.seconds if fault.kind == FaultKind.RED_EXTENDED else TO_S
            out = (TIMES_S < FROM_S) | (late < TIMES_S)
            np.testing.assert_array_equal(sound[0][out], ill[0][out])
            np.testing.assert_array_equal(sound[1][out], ill[1][out])
            if signal not in fault.signals:
                np.testing.assert_array_equal(sound[0], ill[0])
                np.testing.assert_array_equal(sound[1], ill[1])


def test_every_fault_can_be_seen_in_its_time(small_town):
    for fault in every_fault(small_town):
        (colour, digits), (ill, wrong) = shown(small_town), shown(small_town, (fault,))
        assert not (np.array_equal(colour, ill) and np.array_equal(digits, wrong, equal_nan=True)), fault.kind


def test_faults_of_digits_leave_the_colours_alone(small_town):
    for fault in every_fault(small_town):
        if fault.kind.name.startswith("COUNTDOWN"):
            np.testing.assert_array_equal(shown(small_town)[0], shown(small_town, (fault,))[0])


def test_an_extended_red_lasts_so_much_longer_and_eats_of_the_green(small_town):
    fault = fault_at(small_town, lane_named(small_town, "Win>Eout"), FaultKind.RED_EXTENDED, 6.0)
    (colour, _), (ill, digits) = shown(small_town), shown(small_town, (fault,))
    held = (ill == LampColour.RED) & (colour != LampColour.RED)
    starts = np.flatnonzero(held & ~np.roll(held, 1))[:3]
    for k in starts:
        assert colour[k - 1] == LampColour.RED and np.isin(colour[k], OPEN)
        length = np.argmin(held[k:])
        assert length * 0.25 == pytest.approx(6.0, abs=0.25)
        assert (digits[k : k + length] == HELD_DIGIT_S).all()
        assert ill[k + length] == LampColour.GREEN
    assert (ill[~held] == colour[~held]).all()


def test_a_green_that_would_be_cut_too_short_is_left_out(small_town):
    fault = fault_at(small_town, lane_named(small_town, "Win>Eout"), FaultKind.RED_EXTENDED, 18.0)
    later = TIMES_S > 80.0  # a red that ended before the ride began is not extended
    assert set(shown(small_town, (fault,))[0][later]) == {LampColour.RED}


def test_digits_jump_by_what_was_said_until_the_colour_changes(small_town):
    lane = lane_named(small_town, "Win>Eout")
    fault = fault_at(small_town, lane, FaultKind.COUNTDOWN_JUMPS, 9.0, FROM_S)
    (colour, digits), (_, wrong) = shown(small_town), shown(small_town, (fault,))
    off = wrong != digits
    same = colour.copy()
    same[colour == LampColour.FLASHING_GREEN] = LampColour.GREEN
    begin = np.searchsorted(TIMES_S, FROM_S)
    end = begin + np.argmax(same[begin:] != same[begin])
    np.testing.assert_array_equal(np.flatnonzero(off), np.arange(begin, end))
    np.testing.assert_allclose(wrong[off], digits[off] + 9.0)


def test_digits_of_another_lane_are_those_of_another_lane(small_town):
    fault = fault_at(small_town, lane_named(small_town, "Win>Eout"), FaultKind.COUNTDOWN_OF_OTHER)
    assert fault.other not in fault.signals
    np.testing.assert_array_equal(shown(small_town, (fault,))[1], shown(small_town, (), fault.other)[1])


def test_a_stuck_junction_stays_as_it_was(small_town):
    fault = fault_at(small_town, lane_named(small_town, "Win>Eout"), FaultKind.STUCK, 0.0, FROM_S)
    assert set(fault.signals) == set(range(len(small_town.signal_program)))
    after = TIMES_S >= FROM_S
    for signal in fault.signals:
        colour, digits = shown(small_town, (fault,), signal)
        assert len(set(colour[after])) == 1 and len(set(digits[after])) == 1


def test_a_dark_head_shows_nothing_and_orders_nothing(small_town):
    lane = lane_named(small_town, "Win>Eout")
    faults = (fault_at(small_town, lane, FaultKind.DARK, from_s=FROM_S),)
    colour, countdown = head_states(small_town, FROM_S + 1.0, SEED, faults)
    heads = heads_of(small_town, lane)
    assert (colour[heads] == LampColour.DARK).all() and np.isposinf(countdown[heads]).all()
    left = heads_of(small_town, lane_named(small_town, "Win>Nout"))
    assert (colour[left] != LampColour.DARK).all()  # the arrow has a head of its own
    assert lane_colour(small_town, FROM_S + 1.0, SEED, faults)[small_town.lane_signal[lane]] == LampColour.DARK


def test_flashing_yellow_blinks_on_every_vehicle_head_and_orders_nothing(small_town):
    lane = lane_named(small_town, "Win>Eout")
    faults = (fault_at(small_town, lane, FaultKind.FLASHING_YELLOW),)
    vehicles = ~np.asarray(small_town.head_walk, bool)
    seen = [head_states(small_town, t, SEED, faults) for t in np.arange(0.0, 2.0, 0.1)]
    lit = np.array([(colour[vehicles] == LampColour.YELLOW).all() for colour, _ in seen])
    dark = np.array([(colour[vehicles] == LampColour.DARK).all() for colour, _ in seen])
    assert (lit ^ dark).all() and lit.sum() == dark.sum() == 10
    assert all((colour[~vehicles] == LampColour.DARK).all() for colour, _ in seen)
    for colour, countdown in seen:
        assert (ordered_by(small_town, colour, countdown) == LampColour.DARK).all()


def test_what_heads_show_is_what_signals_order(small_town):
    for fault in every_fault(small_town):
        for time_s in np.arange(40.0, 130.0, 3.3):
            heads = head_states(small_town, time_s, SEED, (fault,))
            np.testing.assert_array_equal(
                ordered_by(small_town, *heads), lane_colour(small_town, time_s, SEED, (fault,))
            )


def test_the_clock_can_be_set_to_what_a_scene_needs(small_town):
    lane = lane_named(small_town, "Win>Eout")
    for colour in (LampColour.RED, LampColour.GREEN, LampColour.YELLOW):
        start_s = clock_showing(small_town, lane, (colour,), 2.5)
        found, left = lamp(programs_of(small_town), small_town.lane_signal[lane], start_s)
        assert left == pytest.approx(2.5)
        assert found == (LampColour.FLASHING_GREEN if colour == LampColour.GREEN else colour)
    assert clock_showing(small_town, lane, (LampColour.YELLOW,), 20.0) is None


def test_nonsense_is_refused(small_town):
    lane = lane_named(small_town, "Win>Eout")
    with pytest.raises(ValueError, match="extended by 0 to 600"):
        fault_at(small_town, lane, FaultKind.RED_EXTENDED)
    with pytest.raises(ValueError, match="not by 0"):
        fault_at(small_town, lane, FaultKind.COUNTDOWN_JUMPS)
    with pytest.raises(ValueError, match="from_s < to_s"):
        fault_at(small_town, lane, FaultKind.DARK, from_s=9.0, to_s=3.0)
    with pytest.raises(ValueError, match="has no signal"):
        fault_at(small_town, lane_named(small_town, "narrow_in"), FaultKind.DARK)
    with pytest.raises(ValueError, match="signals 0 to 5"):
        World(small_town, faults=(SignalFault(FaultKind.DARK, (77,)),))


def test_faults_stay_with_a_ride(small_town):
    faults = (*every_fault(small_town), SignalFault(FaultKind.DARK, (2,)))
    assert faults_from_text(faults_to_text(faults)) == faults
    config = RideConfig(small_town, 7, length_m=150.0, faults=faults, signals_start_s=12.5).with_route()
    again = config_of(config.header("test"), small_town)
    assert again.faults == faults and again.signals_start_s == 12.5
    plain = replace(config, faults=(), signals_start_s=None)
    assert config_of(plain.header("test"), small_town).faults == ()
