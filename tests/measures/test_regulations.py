"""Rules that stand for regulations, with cases worked out by hand and their sources named."""

from pathlib import Path

import numpy as np
import pytest

from xiaolu.core.decision import LampColour
from xiaolu.measures.regulations import (
    RULES,
    Status,
    braking,
    creep_limit_mps,
    creeping,
    cut_in_avoidable,
    following_gap_s,
    hand_distance_m,
    lateral,
    no_red,
    signal_stops,
    table,
)

T = 200
STAMP = np.arange(T) * 100_000_000
NO = np.zeros(T, bool)


def test_the_page_on_scores_holds_the_table_as_it_is():
    page = (Path(__file__).parents[2] / "docs" / "scores.md").read_text(encoding="utf-8")
    assert table() in page


def test_every_rule_names_document_clause_and_status():
    for rule in RULES.values():
        assert rule.document and rule.clause and rule.status in Status and rule.unit
        assert f"| `{rule.name}` |" in table() and rule.clause in table()


def at_a_red(gap_m: float, green_at: int, off_after: int):
    """Return (line_ahead_m, colour, speed): 8 m/s up to a stand gap_m before a line, then off again."""
    speed = np.zeros(T)
    speed[:50] = 8.0
    speed[green_at + off_after :] = 3.0
    driven = np.cumsum(speed) * 0.1
    line = gap_m + driven[green_at] - driven
    colour = np.where(np.arange(T) < green_at, LampColour.RED, LampColour.GREEN)
    return line, colour, speed


@pytest.mark.parametrize(("gap_m", "holds"), [(1.9, True), (2.1, False)])
def test_the_stop_gap_at_a_red(gap_m, holds):
    gap, start = signal_stops(STAMP, *at_a_red(gap_m, 120, 20), NO)
    assert gap.holds is holds and gap.score.value == pytest.approx(gap_m)
    assert (gap.score.from_ns, gap.score.to_ns) == (50 * 10**8, 119 * 10**8)
    assert gap.rule.source == "GB/T 41798-2022, 6.1.4 [second]"
    # Green at 12.0 s, 3 m/s from 14.0 s on: two seconds.
    assert start.holds and start.score.value == pytest.approx(2.0)


def test_a_late_start_and_a_queue():
    _, start = signal_stops(STAMP, *at_a_red(1.0, 120, 31), NO)
    assert start.holds is False and start.score.value == pytest.approx(3.1)
    gap, start = signal_stops(STAMP, *at_a_red(9.0, 120, 31), ~NO)
    assert gap.holds is None and start.holds is None and not gap.score.valid


def test_a_red_line_crossed_and_none_there():
    line = np.linspace(10.0, -10.0, T)
    red = np.full(T, LampColour.RED)
    found = no_red(STAMP, line, red, NO, NO)
    assert found.holds is False and found.score.value == 1.0 and found.score.from_ns == 100 * 10**8
    assert no_red(STAMP, line, red, ~NO, NO).holds  # a right turn
    assert no_red(STAMP, np.full(T, np.nan), red, NO, NO).holds is None


def test_braking_has_three_bounds():
    acceleration = np.zeros(T)
    acceleration[80:90] = -4.5
    assert braking("emergency_braking", STAMP, acceleration).holds
    assert braking("minimal_risk_braking", STAMP, acceleration).holds is False
    hard = braking("hard_braking", STAMP, acceleration)
    assert hard.holds is False and hard.score.value == 4.5
    assert (hard.score.from_ns, hard.score.to_ns) == (80 * 10**8, 89 * 10**8)


@pytest.mark.parametrize(("mps2", "seconds", "holds"), [(2.9, 9.0, True), (3.2, 1.5, True), (3.2, 4.0, False)])
def test_lateral_acceleration_may_be_3_3_for_two_seconds(mps2, seconds, holds):
    # At 8 m/s a yaw rate of a/v; eased in and out over 2 s, so that the jerk stays at a / 2 s < 5 m/s³.
    ease = round(2.0 / 0.1)
    rate = np.zeros(T)
    shape = np.r_[np.linspace(0, 1, ease), np.ones(round(seconds / 0.1)), np.linspace(1, 0, ease)] * mps2 / 8.0
    rate[20 : 20 + len(shape)] = shape
    side, jerk = lateral(STAMP, np.full(T, 8.0), np.cumsum(rate) * 0.1)
    assert side.holds is holds and side.score.value == pytest.approx(mps2, abs=0.08)
    assert jerk.holds and jerk.score.value == pytest.approx(mps2 / 2.0, abs=0.25)


def test_a_jerked_wheel_is_found():
    rate = np.where(np.arange(T) < 100, 0.0, 0.8)  # 8 m/s x 0.8 rad/s = 6.4 m/s² at once
    assert lateral(STAMP, np.full(T, 8.0), np.cumsum(rate) * 0.1)[1].holds is False
    assert lateral(STAMP[:9], np.zeros(9), np.zeros(9))[0].holds is None


def test_creeping_is_bounded_by_the_gap():
    # a tau = 1; at a gap of 1.3 m: sqrt(1 + 4 x 1) - 1 = 1.236, so 1; at 0.6 m: sqrt(1 + 1.2) - 1 = 0.483; at 0.3: 0.
    assert creep_limit_mps(np.array([1.3, 0.6, 0.3, 0.1])) == pytest.approx([1.0, 0.48324, 0.0, 0.0], abs=1e-5)
    speed = np.where(np.arange(T) < 100, 0.0, 0.4)
    line = 3.0 - np.cumsum(speed) * 0.1
    red = np.full(T, LampColour.RED)
    assert creeping(STAMP[:150], line[:150], red[:150], speed[:150]).holds  # to 1 m before it
    late = creeping(STAMP, line, red, speed)  # on over the margin
    assert late.holds is False and late.score.value > 0.2
    assert creeping(STAMP, line, red, np.zeros(T)).holds is None


def test_formulas_of_the_careful_driver():
    # v_rel 6 m/s: 6 / 12 + 0.35 = 0.85 s.
    assert cut_in_avoidable(0.86, 6.0) and not cut_in_avoidable(0.84, 6.0)
    assert following_gap_s(np.array([2.0, 60 / 3.6])) == pytest.approx([1.0, 1.6])
    # 30 km/h, understood after 1 s: 8.33 x 1.5 + 8.33² / 4 = 12.5 + 17.4 = 29.9 m.
    assert hand_distance_m(30 / 3.6, 1.0) == pytest.approx(29.86, abs=0.01)
