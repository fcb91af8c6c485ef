"""A user would lose: stops that come up late and yet stay gentle, to the last metre.

The loop is the real one without a town: rollout, plan, a tick of latency, tracker, vehicle, on a straight road.
"""

import numpy as np
import pytest

from tests.expert.loop import drive, people
from tests.expert.test_teacher import heads, start_of
from xiaolu.core.decision import Cause, LampColour
from xiaolu.core.observation import EgoState
from xiaolu.core.plan import PATH_DISTANCES_M, Plan
from xiaolu.core.rates import TICK_NS, TICK_S
from xiaolu.core.users import Kind
from xiaolu.expert.course import steady_speeds
from xiaolu.expert.encounter import tail_of
from xiaolu.expert.forecast import MOMENTS, STEP_S
from xiaolu.expert.limits import Limits
from xiaolu.expert.path import PATH_STEP_M, PATH_STEPS, S_CELLS, choose_offsets, drive_line
from xiaolu.expert.reasons import Reason
from xiaolu.expert.road import LATERAL_MPS2
from xiaolu.expert.speed import DT_S, SPEED_UP_MPS2, easy_stop_m, rollout
from xiaolu.measures.comfort import NOTICED, breaches, motion_of
from xiaolu.vehicle.dynamics import advance, start
from xiaolu.vehicle.tracker import Tracker

APPEARS_S = 2.0
SHAKES_RADPS = 0.022  # 0.032 when the offsets began at the ego
NONE = np.empty((0, 4)), np.empty(0, np.int64)


def stopped(
    speed_mps: float, needed_mps2: float, seconds: float = 12.0, body: bool = False, speeds_up: bool = False
) -> tuple[np.ndarray, float]:
    """Return (speed (T,), metres left) of an ego before which, at APPEARS_S, a place to stop turns up, or a body that
    stands there.

    needed_mps2: what braking at once, without any delay, would take to stop there; speeds_up: it has come to its speed
    by speeding up all the while.
    """
    stop_m = speed_mps * APPEARS_S + 0.5 * speed_mps**2 / needed_mps2
    top_mps = speed_mps
    if speeds_up:
        speed_mps -= SPEED_UP_MPS2 * APPEARS_S
        stop_m -= 0.5 * SPEED_UP_MPS2 * APPEARS_S**2
        top_mps += 5.0
    path = Plan(np.column_stack([PATH_DISTANCES_M, np.zeros_like(PATH_DISTANCES_M)]), np.zeros(10)).path
    state, tracker, last = start(np.zeros((1, 3)), speed_mps), Tracker(), None
    in_force, speeds = None, []
    for tick in range(round(seconds / TICK_S)):
        place, speed, felt = (float(x[0]) for x in (state.pose[:, 0], state.speed_mps, state.acceleration_mps2))
        begun = felt if last is None else float(np.clip((last[1] - last[0]) / TICK_S, felt - 0.6, felt + 0.6))
        there, one = tick * TICK_S >= APPEARS_S, np.zeros(1, np.int64)
        stop = (np.array([[stop_m - place, 0.0, np.inf, 0.0]]), one) if there and not body else NONE
        allowed = np.full(PATH_STEPS + 1, top_mps)
        lows = (np.full((1, MOMENTS), stop_m - place), one) if there and body else (np.empty((0, MOMENTS)), one[:0])
        _, last, _ = rollout(speed, begun, allowed, np.zeros(PATH_STEPS + 1, np.int64), PATH_STEP_M, *stop, *lows)
        ego = EgoState(tick * TICK_NS, speed, felt, 0.0, 0.0, state.pose[0].copy())
        fresh = Plan(path, np.ascontiguousarray(last[5:51:5])), ego
        control = tracker.control(*(in_force or fresh), ego, (tick + 2) * TICK_NS)
        in_force = fresh
        speeds.append(speed)
        state, _ = advance(state, [control])
    return np.array(speeds), stop_m - float(state.pose[0, 0])


@pytest.mark.parametrize(("speed_mps", "needed_mps2"), [(2.0, 1.1), (3.0, 1.4), (6.0, 1.5), (9.0, 1.6)])
def test_a_stop_that_turns_up_late_is_made_in_comfort(speed_mps, needed_mps2):
    """The delay of plan and brakes costs a fifth or so; nothing else may be wasted, and the mark is not run over."""
    speed, left_m = stopped(speed_mps, needed_mps2)
    motion = motion_of(speed, np.zeros_like(speed))
    assert motion.longitudinal_mps2.min() > NOTICED.longitudinal_low_mps2
    assert np.abs(motion.longitudinal_jerk_mps3).max() < NOTICED.longitudinal_jerk_mps3
    assert speed[-1] == 0.0 and -0.1 < left_m < 0.2


@pytest.mark.parametrize(("speed_mps", "needed_mps2"), [(5.0, 1.3), (7.0, 1.35), (9.0, 1.35)])
def test_who_is_speeding_up_when_a_stop_turns_up_lets_off_without_a_jerk(speed_mps, needed_mps2):
    """The accelerator let go at once and the brakes on together threw people forward by 2.1 m/s³ and more."""
    speed, left_m = stopped(speed_mps, needed_mps2, 14.0, speeds_up=True)
    motion = motion_of(speed, np.zeros_like(speed))
    assert speed.max() > speed_mps - 0.4, "it does speed up"
    assert motion.longitudinal_jerk_mps3.min() > -NOTICED.longitudinal_jerk_mps3
    assert speed[-1] == 0.0 and -0.2 < left_m < 0.3


@pytest.mark.parametrize("speed_mps", [3.0, 4.0, 6.0])
@pytest.mark.parametrize("speeds_up", [False, True])
def test_where_an_easy_stop_ends_it_stands_without_a_jerk(speed_mps, speeds_up):
    """Told from the speed alone the place was 3 m nearer to who was speeding up: a jerk of 2.1 to 2.4 m/s³."""
    room_m = easy_stop_m(speed_mps, SPEED_UP_MPS2 if speeds_up else 0.0, 1.7)
    speed, left_m = stopped(speed_mps, 0.5 * speed_mps**2 / room_m, 14.0, speeds_up=speeds_up)
    assert not breaches(motion_of(speed, np.zeros_like(speed)), NOTICED).any()
    assert speed[-1] == 0.0 and -0.1 < left_m < 0.4


def test_a_stop_that_needs_more_is_made_with_more():
    speed, left_m = stopped(8.0, 3.0)
    assert np.diff(speed).min() / TICK_S < -3.0 and left_m > -0.2


@pytest.mark.parametrize(("speed_mps", "acceleration_mps2"), [(2.5, 1.0), (4.0, 0.8), (6.0, -0.5)])
def test_a_stop_for_others_that_needs_more_than_comfort_is_offered_where_comfort_ends(speed_mps, acceleration_mps2):
    """Tried further out; what law or road order is not moved."""
    who = Reason(Cause.RIGHT_OF_WAY, "car", 0.0)
    limits = Limits(np.full(161, 11.0), np.zeros(161, np.int64), [Reason(Cause.FREE, "speed limit", 0.0)])
    limits.stop(40.0, 0.0, np.inf, who)
    assert limits.eased(0, speed_mps, acceleration_mps2) is None, "all can be made with ease"
    near_m = 0.5 * speed_mps**2 / 2.5
    limits.stop(near_m, 0.0, np.inf, who, early=True)
    assert limits.eased(2, speed_mps, acceleration_mps2) is None, "an order stays where it is"
    eased = limits.eased(1, speed_mps, acceleration_mps2)
    hard, easy = (np.diff(x.roll(speed_mps, acceleration_mps2)[1]) / DT_S for x in (limits, eased))
    assert hard.min() < -2.2 and -1.95 < easy.min() < -1.5
    assert np.diff(easy[easy.cumsum() * DT_S > 0.3 - speed_mps]).min() / DT_S > -2.0, "until it all but stands"
    assert eased.roll(speed_mps, acceleration_mps2)[1][-1] < 0.01 and limits.stops[1][0] == near_m


def test_bends_that_follow_one_another_the_other_way_are_driven_slower():
    """An S of 10 m radius, whose halves meet; a single bend asks for no more than its own lateral limit does."""
    single, double = np.zeros(80), np.zeros(80)
    single[20:40] = double[20:40] = 0.1
    double[40:60] = -0.1
    alone, both = steady_speeds(single, 1.0), steady_speeds(double, 1.0)
    assert alone.min() > np.sqrt(LATERAL_MPS2 / 0.1) - 0.3
    assert both[37:44].max() < 3.6 and both[5] > 7.0 and both[75] > 7.0
    assert steady_speeds(-double, 1.0) == pytest.approx(both)


@pytest.mark.parametrize(("speed_mps", "needed_mps2"), [(3.0, 1.0), (6.0, 1.3), (9.0, 1.3)])
def test_a_body_that_turns_up_late_is_stopped_behind_in_comfort(speed_mps, needed_mps2):
    """The gap that is kept behind it is given up before comfort is; some of it always stays."""
    speed, left_m = stopped(speed_mps, needed_mps2, body=True)
    assert motion_of(speed, np.zeros_like(speed)).longitudinal_mps2.min() > NOTICED.longitudinal_low_mps2
    assert speed[-1] == 0.0 and 0.3 < left_m < 1.7


def test_no_wheel_leaves_the_road_to_make_room():
    """Who comes fills the street but for 1 m: the line stays on the road, where the ego then has to stop."""
    cells = np.zeros(S_CELLS)
    low, high = cells - 0.1, cells + 0.1
    who = np.array([[6.0, 40.0, -0.5, 2.0, 0.3, 0.7]])
    chosen = choose_offsets(
        0.0, low, high, cells + 0.2, cells * np.nan, cells, cells + 0.12, cells, cells + np.inf, who
    )
    assert chosen.min() > -0.41
    roomy = choose_offsets(
        0.0, low - 3.0, high, cells + 0.2, cells * np.nan, cells, cells + 0.12, cells, cells + np.inf, who
    )
    assert roomy.min() < -1.5, "where there is road it passes"


def test_the_faster_it_drives_the_more_gently_it_goes_over_to_another_line():
    line = np.zeros((120, 4))
    line[:, 0], line[:, 1] = np.arange(120) - 4.0, 1.5
    calm, brisk = drive_line(0.0, 0.0, 0.0, 0.0, line, 8.0, 0.012, 8.0), drive_line(0.0, 0.0, 0.0, 0.0, line, 8.0)
    first = slice(0, round(8.0 / PATH_STEP_M))
    assert np.abs(np.diff(calm[first, 3])).max() / PATH_STEP_M <= 0.012 + 1e-9
    assert np.abs(np.diff(brisk[first, 3])).max() / PATH_STEP_M > 0.03
    assert calm[-1, 1] == pytest.approx(1.5, abs=0.05), "and it gets there"


def test_the_path_stands_still_while_the_ego_drives_along_it(ways):
    """Offsets were told from the ego's own place on, and the line shook with every metre: so did the wheel."""
    teacher = ways("Win", "Eout", 40.0)
    parked = people((Kind.CAR, -70.0, -2.7, 0.0, 0.0))
    trace = drive(teacher, start_of(teacher), 12.0, lambda _: parked, 7.0, colour=heads(teacher, LampColour.GREEN))
    turning = np.diff(trace.pose[:, 2]) / TICK_S
    assert np.abs(turning).max() > 0.05, "it goes round the car"
    shaking = np.abs(np.diff(turning, 2))
    assert np.percentile(shaking, 90) < SHAKES_RADPS


@pytest.mark.parametrize("speed_mps", [7.0, 8.5])
def test_it_goes_round_what_is_parked_without_swaying(ways, speed_mps):
    teacher = ways("Win", "Eout", 40.0)
    parked = people((Kind.CAR, -70.0, -2.3, 0.0, 0.0))
    trace = drive(
        teacher, start_of(teacher), 12.0, lambda _: parked, speed_mps, colour=heads(teacher, LampColour.GREEN)
    )
    motion = motion_of(trace.speed_mps, trace.pose[:, 2])
    assert np.abs(motion.lateral_mps2).max() > 0.3, "it goes round the car"
    assert np.abs(motion.lateral_jerk_mps3).max() < NOTICED.lateral_jerk_mps3
    assert not breaches(motion, NOTICED).any()


def test_the_tail_of_who_cuts_in_does_not_seem_to_come_back():
    """Its nose is over the ego's way first, 4 m further on than its tail: told by what meets the way it stood there for
    a second, and was braked for as if it did."""
    path = np.zeros((PATH_STEPS + 1, 4))
    path[:, 0] = np.arange(PATH_STEPS + 1) * PATH_STEP_M
    poses = np.zeros((MOMENTS, 3))
    poses[:, 0] = 20.0 + 4.0 * STEP_S * np.arange(MOMENTS)
    low = poses[:, 0] - 8.0
    low[:3] = 16.0, np.nan, 14.5
    tail = tail_of(low, poses, path)
    assert np.diff(tail) / STEP_S == pytest.approx(4.0) and tail[0] == pytest.approx(12.0)
    poses[:, 0] = 20.0 - 2.0 * STEP_S * np.arange(MOMENTS)
    oncoming = poses[:, 0] - 8.0
    assert tail_of(oncoming, poses, path) == pytest.approx(oncoming), "who does come nearer is met where it is"


@pytest.mark.parametrize(("speed_mps", "needed_mps2"), [(3.2, 1.7), (6.0, 2.0)])
def test_before_people_it_brakes_early_so_that_nobody_is_frightened(speed_mps, needed_mps2):
    """To the same place, but the time to collision with who stands 0.5 m beyond it falls less far on the way."""
    stop_m = 0.5 * speed_mps**2 / needed_mps2
    soon_s = []
    for early in (0.0, 1.0):
        allowed = np.full(PATH_STEPS + 1, speed_mps)
        stop = np.array([[stop_m, 0.0, np.inf, early]]), np.zeros(1, np.int64)
        none = np.empty((0, MOMENTS)), np.empty(0, np.int64)
        sigma, speed, _ = rollout(
            speed_mps, 0.0, allowed, np.zeros(PATH_STEPS + 1, np.int64), PATH_STEP_M, *stop, *none
        )
        moving = speed > 0.5
        soon_s.append(float(((stop_m + 0.5 - sigma)[moving] / speed[moving]).min()))
    assert soon_s[1] > soon_s[0] + 0.05, soon_s


def test_bends_are_driven_below_the_sway_that_is_noticed_not_at_it():
    bent = np.zeros(80)
    bent[20:35], bent[45:60] = 0.12, -0.12
    speed = steady_speeds(bent, 1.0)
    slowest = speed.min()
    half = round(0.5 * 1.4 * slowest)
    change = np.array([abs(bent[i + half] - bent[i - half]) for i in range(half, 80 - half)])
    assert 2.0 < slowest < 6.0 and slowest**2 * change.max() <= 2.0
