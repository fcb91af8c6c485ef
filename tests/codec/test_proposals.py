"""A proposal becomes a plan that a car can drive, and a decision whose words follow from its action."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made_moments import arc
from xiaolu.codec.decision import IMAGINED, PATIENCE_S, STOPPING_MPS2, blind_decision, decision_of, stands_for_nothing
from xiaolu.codec.proposals import (
    MAX_ACCELERATION_MPS2,
    MAX_BRAKING_MPS2,
    MAX_LATERAL_MPS2,
    PathChoice,
    Proposals,
    bounded_speeds,
    distance_of,
    nearness,
    output_shapes,
    path_choice,
    path_curvature,
)
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, LampColour, Pace, PathMode
from xiaolu.core.observation import EgoState
from xiaolu.core.plan import SPEED_KNOTS

EGO = EgoState(7, 6.0, 0.0, 0.0, 0.1, np.zeros(3))


def made(choice: PathChoice, pace: Pace, cause: Cause = Cause.FREE, red: bool = False) -> Proposals:
    values = {name: np.zeros(shape, np.float32) for name, shape in output_shapes().items()}
    values["paths"] = np.stack([arc(0.01 * i) for i in range(len(PathChoice))])
    values["speeds_mps"][:] = np.array([[8.0], [4.0], [1.0], [0.0]])
    values["path_logits"][choice] = 6.0
    values["pace_logits"][pace] = 6.0
    values["cause_logits"][cause] = 6.0
    values["signal_logits"][LampColour.RED if red else LampColour.NONE] = 6.0
    values["signal_near"][:] = nearness(18.0 if red else np.inf)
    values["hazard_near"][:] = nearness(12.0)
    return Proposals(**values)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.0, 30.0), min_size=SPEED_KNOTS, max_size=SPEED_KNOTS),
    st.floats(-0.2, 0.2),
    st.floats(0.0, 15.0),
)
def test_a_profile_never_asks_for_more_than_the_car_can(wanted: list[float], curvature: float, now: float) -> None:
    speeds = bounded_speeds(np.array(wanted), arc(curvature), now)
    change = np.diff(np.concatenate([[now], speeds])) / 0.5
    assert change.max() <= MAX_ACCELERATION_MPS2 + 1e-9 and change.min() >= -MAX_BRAKING_MPS2 - 1e-9
    assert speeds.min() >= 0.0
    braked_to = max(now - MAX_BRAKING_MPS2 * 5.0, 0.0)
    assert speeds[-1] ** 2 * abs(curvature) <= MAX_LATERAL_MPS2 * 1.05 or speeds[-1] <= braked_to + 1e-6


def test_next_to_nothing_means_standing() -> None:
    assert not bounded_speeds(np.full(SPEED_KNOTS, 0.1), arc(0.0), 0.0).any()


@pytest.mark.parametrize("curvature", [-0.15, -0.02, 0.0, 0.05, 0.2])
def test_curvature_is_read_off_a_path(curvature: float) -> None:
    np.testing.assert_allclose(path_curvature(arc(curvature))[1:10], curvature, atol=2e-3)


def test_a_kept_lane_is_told_apart_by_where_it_goes() -> None:
    assert path_choice(PathMode.KEEP, arc(0.0)) == PathChoice.KEEP_AHEAD
    assert path_choice(PathMode.KEEP, arc(0.08)) == PathChoice.KEEP_LEFT
    assert path_choice(PathMode.KEEP, arc(-0.08)) == PathChoice.KEEP_RIGHT
    assert path_choice(PathMode.NUDGE_LEFT, arc(0.0)) == PathChoice.NUDGE_LEFT
    assert path_choice(PathMode.NUDGE_LEFT, arc(-0.08)) == PathChoice.KEEP_RIGHT  # a turn first
    assert path_choice(PathMode.PULL_OVER, arc(0.0)) == PathChoice.PULL_OVER
    with pytest.raises(ValueError, match="reverse"):
        path_choice(PathMode.REVERSE, arc(0.0))


def test_distances_come_back_from_nearness() -> None:
    np.testing.assert_allclose(distance_of(nearness(np.array([0.0, 7.0, 59.0]))), [0.0, 7.0, 59.0])
    assert distance_of(nearness(np.inf)) == np.inf


@pytest.mark.parametrize("choice", list(PathChoice))
@pytest.mark.parametrize("pace", list(Pace))
def test_the_decision_is_the_likeliest_proposal_and_is_among_the_imagined(choice: PathChoice, pace: Pace) -> None:
    decision = decision_of(made(choice, pace), EGO, 7)
    assert decision.strategy.pace == pace
    np.testing.assert_allclose(decision.plan.path, arc(0.01 * choice))
    assert len(decision.imagined) == len(decision.imagined_valid) == IMAGINED
    chosen = [i for i, one in enumerate(decision.imagined) if one.plan is decision.plan]
    assert len(chosen) == 1 and decision.imagined_valid[chosen[0]]


def test_words_say_what_was_seen_and_done() -> None:
    decision = decision_of(made(PathChoice.KEEP_AHEAD, Pace.STOP, Cause.SIGNAL, red=True), EGO, 7)
    assert decision.why == "Stopping: the signal shows red."
    assert decision.perceived.signal == LampColour.RED and decision.perceived.signal_certainty > 0.9
    assert decision.perceived.hazard_m == pytest.approx(12.0, rel=1e-3)


def test_to_imagine_driving_on_at_red_breaks_a_rule_and_near_a_hazard_is_risky() -> None:
    decision = decision_of(made(PathChoice.KEEP_AHEAD, Pace.STOP, Cause.SIGNAL, red=True), EGO, 7)
    go, stop = decision.imagined[Pace.GO], decision.imagined[Pace.STOP]
    assert go.rule_keeping < 0.1 and stop.rule_keeping == 1.0
    assert go.risk[-1] > stop.risk[-1] and go.progress_m > stop.progress_m


@pytest.mark.parametrize(
    ("line_m", "pace"), [(18.0, Pace.STOP), (58.0, Pace.YIELD), (1.0, Pace.GO)], ids=["ahead", "far ahead", "passed"]
)
def test_a_red_lamp_outweighs_the_wish_to_go_on_over_its_line_only(line_m: float, pace: Pace) -> None:
    """The network finds going on ten times likelier than stopping, and the lamp is surely red."""
    unsure = made(PathChoice.KEEP_AHEAD, Pace.GO, Cause.SIGNAL, red=True)
    unsure.pace_logits[Pace.STOP] = unsure.pace_logits[Pace.GO] - np.log(10.0)
    unsure.signal_logits[LampColour.RED] = 10.0
    unsure.signal_near[:] = nearness(line_m)
    assert decision_of(unsure, EGO, 7).strategy.pace == pace


def test_a_plan_that_would_roll_over_a_surely_red_line_stops_short_of_it() -> None:
    rolling = made(PathChoice.KEEP_AHEAD, Pace.STOP, Cause.LEAD, red=True)
    rolling.speeds_mps[:] = 3.0  # five seconds of it are 15 m; the line is 11 m ahead of the rear axle
    rolling.signal_near[:] = nearness(11.0)
    decision = decision_of(rolling, replace(EGO, speed_mps=3.0), 7)
    knots = np.concatenate([[3.0], decision.plan.speed_mps])
    travelled = np.sum(0.25 * (knots[1:] + knots[:-1]))
    assert 11.0 - EGO_BODY.front_x_m - 4.0 < travelled < 11.0 - EGO_BODY.front_x_m - 2.0
    assert decision.cause == Cause.SIGNAL and decision.strategy.pace == Pace.STOP
    unsure = replace(rolling, signal_logits=0.3 * rolling.signal_logits)
    assert decision_of(unsure, replace(EGO, speed_mps=3.0), 7).plan.speed_mps[-1] > 2.0
    assert not decision_of(unsure, replace(EGO, speed_mps=0.0), 7).plan.speed_mps.any()  # it stands: it stays


def test_a_round_red_does_not_hold_a_right_turn_that_the_network_wants_to_make() -> None:
    """Art. 38: on red a vehicle may turn right while it gives way; the network is taught when."""
    for choice, goes in ((PathChoice.KEEP_AHEAD, False), (PathChoice.KEEP_LEFT, False), (PathChoice.KEEP_RIGHT, True)):
        wants = made(choice, Pace.GO, red=True)
        wants.signal_near[:] = nearness(EGO_BODY.front_x_m + 1.0)
        decision = decision_of(wants, replace(EGO, speed_mps=0.0), 7)
        assert bool(decision.plan.speed_mps.any()) == goes and (decision.cause == Cause.SIGNAL) != goes


def test_words_name_the_limit_that_slows_the_plan_most() -> None:
    """A red line far ahead and a person right before the bumper: it stops for the person."""
    driving = made(PathChoice.KEEP_AHEAD, Pace.GO, red=True)
    driving.paths[PathChoice.KEEP_AHEAD] = arc(0.0)
    driving.signal_near[:] = nearness(40.0)
    decision = decision_of(driving, replace(EGO, speed_mps=3.0), 7, np.array([[EGO_BODY.front_x_m + 4.0, 0.0]]))
    assert decision.cause == Cause.PEDESTRIAN and decision.strategy.pace == Pace.STOP


def test_who_stands_for_nothing_creeps_on_and_who_sees_a_reason_stands() -> None:
    standing, somebody = replace(EGO, speed_mps=0.0), np.array([[EGO_BODY.front_x_m + 0.6, 0.0]])
    proposals = made(PathChoice.KEEP_AHEAD, Pace.STOP, Cause.LEAD)
    proposals.paths[PathChoice.KEEP_AHEAD] = arc(0.0)
    stands = decision_of(proposals, standing, 7)
    assert stands.strategy.pace == Pace.STOP and stands_for_nothing(stands, standing)
    impatient = decision_of(proposals, standing, 7, stood_s=PATIENCE_S + 0.1)
    assert impatient.strategy.pace == Pace.CREEP and 0.3 < impatient.plan.speed_mps[-1] <= 1.0
    assert not decision_of(proposals, standing, 7, somebody, PATIENCE_S + 0.1).plan.speed_mps.any()

    near = made(PathChoice.KEEP_AHEAD, Pace.STOP, Cause.LEAD)
    near.hazard_near[:] = nearness(5.0)
    red = made(PathChoice.KEEP_AHEAD, Pace.STOP, Cause.LEAD, red=True)
    for reason in (near, red, made(PathChoice.KEEP_AHEAD, Pace.STOP, Cause.ARRIVAL)):
        assert not stands_for_nothing(decision_of(reason, standing, 7), standing)
    assert not stands_for_nothing(stands, EGO)  # it drives


def test_blind_it_stops_on_the_arc_it_is_on() -> None:
    decision = blind_decision(EGO, 7, "no front camera shows anything")
    assert decision.strategy.pace == Pace.STOP and decision.plan.speed_mps[-1] == 0.0
    assert decision.plan.path[10, 1] > 0.0 and not any(decision.imagined_valid)


@pytest.mark.parametrize(
    ("hazard_m", "hardest"), [(np.inf, STOPPING_MPS2), (40.0, STOPPING_MPS2), (7.0, MAX_BRAKING_MPS2)]
)
def test_it_brakes_hard_only_for_what_it_has_seen(hazard_m: float, hardest: float) -> None:
    proposals = made(PathChoice.KEEP_AHEAD, Pace.STOP)
    proposals.hazard_near[:] = nearness(hazard_m)
    speeds = decision_of(proposals, EgoState(7, 10.0, 0.0, 0.0, 0.0, np.zeros(3)), 7).plan.speed_mps
    assert (10.0 - speeds[0]) / 0.5 == pytest.approx(hardest)
