"""Without the guardian, one bad answer of a driver moves two tonnes."""

import numpy as np
import pytest

from xiaolu.core.decision import Cause, Decision, Pace, PathMode, Strategy
from xiaolu.core.observation import EgoState, RangeScan
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS, SPEED_TIMES_S, Plan
from xiaolu.core.rates import TICK_NS
from xiaolu.runtime.guardian import MOUNTS_M, Guardian, carried
from xiaolu.world.ranging import CONES

STRAIGHT = np.column_stack([PATH_DISTANCES_M, np.zeros_like(PATH_DISTANCES_M)])


def ego(speed_mps=5.0, tick=0, x_m=0.0, steering_rad=0.0):
    return EgoState(tick * TICK_NS, speed_mps, 0.0, 0.0, steering_rad, np.array([x_m, 0.0, 0.0]))


def decision(speed_mps=5.0, tick=0, path=STRAIGHT):
    speed = np.full(SPEED_KNOTS, speed_mps) if np.ndim(speed_mps) == 0 else speed_mps
    return Decision(tick * TICK_NS, Plan(path, speed), Strategy(PathMode.KEEP, Pace.GO))


def scan(tick=0, **cones):
    ranges = np.full(12, 5.0)
    for name, value in cones.items():
        ranges[int(name[1:])] = value
    return RangeScan(tick * TICK_NS, CONES[:, 2], ranges)


def arc(radius_m):
    angle = PATH_DISTANCES_M / radius_m
    return np.column_stack([np.sin(angle), 1.0 - np.cos(angle)]) * radius_m


def test_the_cones_are_where_the_guardian_believes_they_are():
    assert np.allclose(MOUNTS_M, CONES[:, :2])


def test_a_sound_decision_goes_through_untouched():
    made = decision()
    assert Guardian().check(made, ego(), scan()) == (made, "")


def broken(**changes):
    """A decision as a faulty driver might forge it, past the checks of the types."""
    made = decision()
    for name, value in changes.items():
        object.__setattr__(made.plan, name, value)
    return made


@pytest.mark.parametrize(
    ("rubbish", "words"),
    [
        (None, "not a decision"),
        ({"plan": 1}, "not a decision"),
        (broken(path=np.full_like(STRAIGHT, np.nan)), "not finite"),
        (broken(speed_mps=np.full(SPEED_KNOTS, np.inf)), "not finite"),
        (broken(path=STRAIGHT[:3]), "shape"),
        (decision(tick=9), "old"),
        (decision(tick=-20), "old"),
        (decision(30.0), "30 m/s"),
        (decision(12.0), "grows by"),
        (decision(np.linspace(4.0, -4.0, SPEED_KNOTS)), "against the path"),
        (decision(path=STRAIGHT * [1.0, 0.0] + [0.0, 30.0]), "jumps"),
    ],
)
def test_rubbish_ends_in_a_stop_with_its_reason(rubbish, words):
    answer, reason = Guardian().check(rubbish, ego())
    assert words in reason and words in answer.why
    assert answer.cause == Cause.GUARDIAN and answer.strategy.pace == Pace.STOP
    assert answer.plan.speed_mps[-1] == 0.0
    knots = np.concatenate([[5.0], answer.plan.speed_mps])
    assert np.diff(knots).min() / 0.5 >= -4.0 - 1e-9


def test_one_slip_is_forgiven_a_second_of_them_is_not():
    guardian = Guardian()
    assert guardian.check(None, ego())[1]
    assert guardian.check(decision(tick=1), ego(tick=1))[1] == ""
    for tick in range(2, 13):
        guardian.check(None, ego(tick=tick))
    assert guardian.failed
    assert guardian.check(decision(tick=13), ego(tick=13))[1] == guardian.failed
    guardian.reset()
    assert guardian.check(decision(tick=14), ego(tick=14))[1] == ""


def test_failure_stops_along_the_last_good_path():
    guardian = Guardian()
    guardian.check(decision(path=arc(20.0)), ego())
    answer = guardian.fail("the computer burnt", ego(tick=1, x_m=0.5))
    assert answer.plan.path[9, 1] > 1.5 and "burnt" in answer.why


def test_failure_without_any_path_holds_the_steering():
    answer = Guardian().fail("nothing came", ego(steering_rad=0.2))
    assert answer.plan.path[5, 1] > 0.5
    assert Guardian().fail("nothing came", ego(-2.0)).plan.path[0, 0] < 0.0


def test_minimal_risk_stays_within_four_metres_per_second_squared():
    plan = Guardian().minimal_risk(Plan(STRAIGHT, np.full(SPEED_KNOTS, 12.0)), ego(12.0))
    assert np.allclose(plan.speed_mps, np.maximum(12.0 - 4.0 * SPEED_TIMES_S, 0.0))


def test_an_emergency_stop_is_the_driver_s_right():
    made = decision(0.0)
    assert Guardian().check(made, ego(12.0)) == (made, "")


def test_brakes_for_what_the_bumper_hears():
    answer, reason = Guardian().check(decision(), ego(), scan(c0=1.2, c1=1.2))
    assert "in the way" in reason and answer.plan.speed_mps[0] < 2.5


def test_does_not_set_off_into_something_at_the_bumper():
    guardian = Guardian()
    guardian.check(decision(0.0), ego(0.0), scan(c0=0.3, c1=0.3))
    speeds = np.linspace(0.5, 3.0, SPEED_KNOTS)
    assert guardian.check(decision(speeds, tick=1), ego(0.0, tick=1), scan(1, c0=0.3, c1=0.3))[1]


def test_leaves_a_parked_row_and_a_leader_alone():
    guardian = Guardian()
    for tick in range(20):
        row = scan(tick, c0=2.4, c1=2.4, c2=0.7, c3=0.7, c8=0.5, c9=0.5, c10=0.5, c11=0.5)
        assert guardian.check(decision(tick=tick), ego(tick=tick), row)[1] == ""
    guardian = Guardian()
    for tick in range(20):
        far = max(4.5 - 0.1 * tick, 2.7)
        leader = scan(tick, c0=far, c1=far)
        assert guardian.check(decision(tick=tick), ego(tick=tick), leader)[1] == ""


def test_a_stop_that_is_already_planned_is_left_to_the_driver():
    braking = np.maximum(2.0 - 4.0 * SPEED_TIMES_S, 0.0)
    assert Guardian().check(decision(braking), ego(2.0), scan(c0=1.0, c1=1.0))[1] == ""


def test_slows_a_plan_that_would_slide():
    answer, reason = Guardian().check(decision(10.0, path=arc(10.0)), ego(10.0), scan())
    assert "too fast for the bend" in reason
    assert (answer.plan.speed_mps[2:] ** 2 / 10.0).max() < 4.0
    assert Guardian().check(decision(5.0, path=arc(10.0)), ego(5.0), scan())[1] == ""


def test_carrying_a_plan_keeps_its_place_in_the_world():
    plan = Plan(arc(20.0), np.linspace(5.0, 3.0, SPEED_KNOTS))
    angle = 4.0 / 20.0
    now = EgoState(8 * TICK_NS, 4.0, 0.0, 0.0, 0.0, np.array([20 * np.sin(angle), 20 * (1 - np.cos(angle)), angle]))
    later = carried(plan, ego(), now)
    # Interpolating between points 1 m and 2 m apart cuts the circle by millimetres.
    assert np.allclose(later.path[:12], arc(20.0)[:12], atol=0.06)
    assert later.speed_mps[0] == pytest.approx(float(plan.speed_at(1.3, 5.0)))


def test_snapshot_carries_a_failure_over():
    guardian, twin = Guardian(), Guardian()
    guardian.fail("gone", ego())
    twin.restore(guardian.snapshot())
    assert twin.check(decision(), ego())[1] == "gone"
