"""PDMS-, EPDMS- and nuPlan-style scores against cases worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.measures.pdm import (
    Parts,
    at_fault,
    comfortable,
    ego_progress,
    epdms,
    extended_comfort,
    lane_keeping,
    no_collision,
    nuplan_closed_loop,
    pdms,
    projected_time_to_collision,
    speed_compliance,
)

T = 40
CAR = (4.6, 1.8)
WELL = Parts(1.0, 1.0, 1.0, 1.0, 1.0)


def driving(speed: float, x: float = 0.0) -> np.ndarray:
    """A car (T, 5) along x at a steady speed."""
    boxes = np.zeros((T, 5))
    boxes[:, 0], boxes[:, 3:] = x + speed * 0.1 * np.arange(T), CAR
    return boxes


def test_who_runs_into_whom() -> None:
    ego, speed = driving(5.0), np.full(T, 5.0)
    ahead, behind = driving(0.0, x=12.0)[:, None], driving(10.0, x=-8.0)[:, None]
    # The gap to the car ahead is 12 - 4.6 = 7.4 m, closed after 1.48 s: first touched at sample 15.
    assert np.flatnonzero(at_fault(ego, speed, ahead).any(axis=1))[0] == 15
    # The one behind closes 3.4 m at 5 m/s, and that is its own doing until it has driven through.
    assert not at_fault(ego, speed, behind)[:8].any()
    assert not at_fault(driving(0.0), np.zeros(T), driving(2.0, x=-6.0)[:, None]).any()


@pytest.mark.parametrize(("hit", "value"), [((False, False), 1.0), ((True, False), 0.0), ((False, True), 0.5)])
def test_an_object_costs_half_and_a_user_all(hit: tuple[bool, bool], value: float) -> None:
    faults = np.zeros((T, 2), bool)
    faults[3] = hit
    assert no_collision(faults, np.array([True, False])) == value


@pytest.mark.parametrize(("gap_m", "value"), [(4.4, 0.0), (4.6, 1.0)])
def test_projection_reaches_nine_tenths_of_a_second_ahead(gap_m: float, value: float) -> None:
    # At 5 m/s, 0.9 s are 4.5 m: a standing car nearer than that would be met.
    ego = driving(0.0)[:1]
    other = driving(0.0, x=4.6 + gap_m)[:1, None]
    found = projected_time_to_collision(ego, np.array([5.0]), other, np.zeros((1, 1, 2)))
    assert found == value


def test_progress_is_a_share_of_what_was_safe() -> None:
    assert ego_progress(12.0, 16.0) == pytest.approx(0.75)
    assert ego_progress(0.0, 4.9) == 1.0  # next to no progress was to be had
    assert ego_progress(20.0, 16.0) == 1.0


def test_lane_keeping_fails_after_two_seconds_off_the_middle() -> None:
    offset = np.where(np.arange(T) < 19, 0.6, 0.0)
    assert lane_keeping(offset, np.zeros(T, bool)) == 1.0
    offset[19] = 0.6  # twenty samples of 0.1 s
    assert lane_keeping(offset, np.zeros(T, bool)) == 0.0
    assert lane_keeping(offset, np.arange(T) < 10) == 1.0  # half of it in a junction


def test_speeding_by_2_23_all_the_time_is_worth_nothing() -> None:
    assert speed_compliance(np.full(T, 12.23), np.full(T, 10.0)) == pytest.approx(0.0)
    assert speed_compliance(np.where(np.arange(T) < 20, 11.115, 9.0), np.full(T, 10.0)) == pytest.approx(0.75)


def test_comfort_and_the_agreement_of_plans() -> None:
    steady = (np.full(T, 8.0), np.zeros(T))
    assert comfortable(*steady) == 1.0
    assert comfortable(8.0 - 0.5 * np.arange(T), np.zeros(T)) == 0.0  # 5 m/s² of braking
    assert extended_comfort(steady, steady) == 1.0
    assert extended_comfort(steady, (8.0 - 0.1 * np.arange(T), np.zeros(T))) == 0.0  # 1 m/s² apart, 0.7 is allowed


def test_the_sums_as_published() -> None:
    # PDMS: 0.5 x 1 x (5 x 0.75 + 5 x 1 + 2 x 0) / 12 = 0.5 x 8.75 / 12.
    some = replace(WELL, no_collision=0.5, progress=0.75, comfort=0.0)
    assert pdms(some).value == pytest.approx(0.5 * 8.75 / 12.0)
    # EPDMS: (5 + 5 + 2 x (0 + 1 + 1)) / 16 = 14 / 16; a red light run makes it nothing.
    assert epdms(replace(WELL, lane_keeping=0.0)).value == pytest.approx(14.0 / 16.0)
    assert epdms(replace(WELL, traffic_light=0.0)).value == 0.0
    # nuPlan: (5 + 0 + 4 x 0.5 + 2) / 16 = 9 / 16.
    assert nuplan_closed_loop(replace(WELL, time_to_collision=0.0, speed=0.5)).value == pytest.approx(9.0 / 16.0)


@pytest.mark.parametrize("score", [pdms, epdms, nuplan_closed_loop])
def test_everything_well_is_one_and_nothing_to_judge_is_no_score(score) -> None:
    assert score(WELL, 5, 9).value == 1.0
    missing = score(replace(WELL, progress=float("nan")), 5, 9)
    assert not missing.valid and missing.value is None and (missing.from_ns, missing.to_ns) == (5, 9)
