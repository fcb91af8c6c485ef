"""What if: futures of one moment are what rides would do, strategies do what they say, and imagining is judged."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Decision, Imagined, Pace, PathMode, Strategy
from xiaolu.core.plan import SPEED_KNOTS
from xiaolu.expert.held import BACK_M, CREEP_MPS, LAG_S, STOP_MPS2, Held
from xiaolu.expert.kerb import DOOR_M
from xiaolu.expert.teacher import Teacher
from xiaolu.ride.branches import ALERT_S, CHANGES_M, _Branches, futures
from xiaolu.ride.config import RideConfig
from xiaolu.ride.drivers import BUNDLED_TOWN
from xiaolu.ride.follower import Follower
from xiaolu.ride.ride import Ride
from xiaolu.ride.what_if import (
    ASKED_EVERY,
    LONGEST,
    ROLLOUT,
    STRATEGIES,
    Tried,
    _Measured,
    foreseen,
    imagination,
    what_if,
    within_reach,
)
from xiaolu.world.town import load_town
from xiaolu.world.world import World

KEEP_GO, KEEP_STOP = Strategy(PathMode.KEEP, Pace.GO), Strategy(PathMode.KEEP, Pace.STOP)
SET_OFF = 40  # ticks after which the ego drives


@pytest.fixture(scope="module")
def world(small_town):
    return World(small_town, users=4, density=0.0)


@pytest.fixture(scope="module")
def driving(small_town, world):
    """A teacher's ride on an empty street, 4 s after it set off, and the teacher."""
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0).with_route()
    teacher = Teacher(small_town, config.route)
    ride = Ride(config, teacher, world=world)
    for _ in range(SET_OFF):
        ride.step()
    return ride, teacher


def of(tried, strategy):
    return next(t for t in tried if t.strategy == strategy)


def held(driving, strategy, seconds):
    """The futures (one branch) of a strategy."""
    ride, teacher = driving
    return futures(ride, [Held(teacher, strategy, ride.memory)], round(seconds * 10), ASKED_EVERY)


def test_branches_do_what_forks_of_the_ride_do(driving):
    """Driven one by one through the whole loop, guardian and drifting odometry included, they end up where they did."""
    ride, teacher = driving
    strategies = (KEEP_GO, KEEP_STOP, STRATEGIES[6])
    memory = ride.memory
    found = futures(ride, [Held(teacher, s, memory) for s in strategies], 50, ASKED_EVERY)
    for b, strategy in enumerate(strategies):
        twin = ride.fork(1)[0]
        twin.config = replace(twin.config, driver_every=ASKED_EVERY)
        twin.driver = Held(teacher, strategy, memory)
        for _ in range(50):
            twin.step()
        assert not twin.state.events, "the guardian had nothing to say"
        there = twin.state.vehicle
        assert np.hypot(*(there.pose[0, :2] - found.pose[-1, b, :2])) < 0.25
        assert there.speed_mps[0] == pytest.approx(found.speed_mps[-1, b], abs=0.15)


def test_a_fork_driven_on_does_not_change_what_comes_of_the_ride(driving):
    """The teacher drives both; what it remembers of the one is not what it knows of the other."""
    ride, teacher = driving
    before = what_if(ride, teacher, (KEEP_GO,), 2.0)[0].outcome
    other = ride.fork(1)[0]
    for _ in range(30):
        other.step()
    after = what_if(ride, teacher, (KEEP_GO,), 2.0)[0].outcome
    assert np.array_equal(before.trajectory, after.trajectory)


def test_the_ride_goes_on_untouched_and_the_answer_is_always_the_same(driving):
    ride, teacher = driving
    before, memory = ride.state, ride.memory
    one, two = (what_if(ride, teacher, (KEEP_GO, KEEP_STOP), 2.0) for _ in range(2))
    assert ride.state is before and ride.memory.s_m == memory.s_m
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.outcome.trajectory, b.outcome.trajectory) and a.outcome.key == b.outcome.key
    assert one[0].outcome.key == (one[0].outcome.episode, SET_OFF, "keep / go", ROLLOUT)


def test_a_branch_knows_nothing_of_its_neighbours(driving):
    ride, teacher = driving
    alone = what_if(ride, teacher, (KEEP_STOP,), 3.0)[0].outcome
    among = of(what_if(ride, teacher, STRATEGIES, 3.0), KEEP_STOP).outcome
    assert np.array_equal(alone.trajectory, among.trajectory)


@pytest.fixture(scope="module")
def busy():
    """A teacher's ride in the traffic of the bundled town, and the teacher."""
    town = load_town(BUNDLED_TOWN)
    config = RideConfig(town, 800_002).with_route()
    teacher = Teacher(town, config.route)
    ride = Ride(config, teacher)
    for _ in range(150):
        ride.step()
    return ride, teacher


def test_who_cannot_come_near_changes_nothing(busy):
    """Most road users are left out; what comes of each strategy is as with everybody there, bit for bit. Only of whom
    it would meet more than 5 s later somebody may be missed."""
    ride, teacher = busy
    kept, everybody = within_reach(ride, 5.0), ride.state.world.users.active[0]
    assert kept.sum() < 0.5 * everybody.sum() and not (kept & ~everybody).any()
    some, all_of_them = (what_if(ride, teacher, STRATEGIES, 5.0, culled=culled) for culled in (True, False))
    for a, b in zip(some, all_of_them, strict=True):
        assert np.array_equal(a.outcome.trajectory, b.outcome.trajectory), a.strategy
        assert min(a.outcome.least_ttc_s, 5.0) == min(b.outcome.least_ttc_s, 5.0)
    assert min(t.outcome.least_ttc_s for t in some) < 5.0, "somebody is about"


def test_who_comes_towards_the_way_is_within_reach(busy):
    ride, _ = busy
    u, state = ride.state.world.users, ride.state
    ego = state.vehicle.pose[0]
    far = np.flatnonzero(u.active[0] & ~within_reach(ride, 5.0))
    assert len(far)
    columns = {name: getattr(u, name).copy() for name in ("x_m", "y_m", "yaw_rad", "speed_mps")}
    for name, value in (("x_m", ego[0] + 60.0), ("y_m", ego[1]), ("yaw_rad", np.pi), ("speed_mps", 12.0)):
        columns[name][0, far[0]] = value
    twin = ride.fork(1)[0]
    twin.state = replace(state, world=replace(state.world, users=replace(u, **columns)))
    assert within_reach(twin, 5.0)[far[0]], "60 m away and 12 m/s towards the ego"


def test_the_same_state_gives_the_same_records_whatever_is_driven_beside(busy):
    ride, teacher = busy
    for strategy in (STRATEGIES[5], STRATEGIES[7]):
        alone = what_if(ride, teacher, (strategy,))[0].outcome
        among = of(what_if(ride, teacher, STRATEGIES[::-1]), strategy).outcome
        assert np.array_equal(alone.trajectory, among.trajectory)
        assert (alone.least_ttc_s, alone.red, alone.jerk_mps3) == (among.least_ttc_s, among.red, among.jerk_mps3)


def test_a_stop_is_a_place_however_often_one_thinks_of_it(driving):
    """Told anew from each moment's speed, it fled before the car: the more often it was asked, the further it went."""
    ride, teacher = driving
    speed = ride.state.vehicle.speed_mps[0]
    ends = []
    for every in (1, ASKED_EVERY, 10):
        held_to = Held(teacher, KEEP_STOP, ride.memory)
        found = futures(ride, [held_to], 90, every)
        assert found.speed_mps[-1, 0] < 0.1
        ends.append(found.progress_m[-1, 0] - found.progress_m[0, 0])
    assert max(ends) - min(ends) < 0.8
    assert ends[0] == pytest.approx(0.5 * speed**2 / STOP_MPS2 + LAG_S * speed, abs=1.0)


def test_it_is_asked_more_often_where_somebody_is_about_to_be_met(driving, busy):
    ride, teacher = driving
    drivers = [Held(teacher, KEEP_GO, ride.memory)]
    assert futures(ride, drivers, 50, ASKED_EVERY, longest=LONGEST).asked.tolist() == [3], "at 0, 2 and 4 s"
    later, teacher = busy[0].fork(1)[0], busy[1]
    alert, asked = [], []
    for _ in range(6):
        for _ in range(20):
            later.step()
        found = futures(later, [Held(teacher, KEEP_GO, later.memory)], 50, ASKED_EVERY, longest=LONGEST)
        # One tick of it just before it would be asked anyway adds nothing.
        alert.append(bool((found.ttc_s[:35] < ALERT_S).sum() > 2))
        asked.append(int(found.asked[0]))
    assert any(alert) and all(times > 3 for times, met in zip(asked, alert, strict=True) if met)


def test_it_is_asked_again_when_somebody_near_shows_something_new(busy):
    """A car that sets its indicator, or takes another lane, may turn in front of the ego before a plan is old."""
    ride, teacher = busy
    branches = _Branches(ride, 1, 10, None)
    assert branches.due(LONGEST).all()
    branches.ask(0, Held(teacher, KEEP_GO, ride.memory))
    row, (x, y, yaw) = branches.table.row, branches.cars.motion[0, :3]
    away = np.hypot(row["x_m"] - x, row["y_m"] - y)
    ahead = np.cos(yaw) * (row["x_m"] - x) + np.sin(yaw) * (row["y_m"] - y) > 0.0
    near, far = (np.flatnonzero(row["active"] & ahead & where) for where in (away < CHANGES_M, away > CHANGES_M))
    assert not branches.due(LONGEST).any()
    row["lights"][far] ^= 2
    assert len(far) and not branches.due(LONGEST).any()
    row["lights"][near[0]] ^= 2
    assert branches.due(LONGEST).all()


def test_yielding_gives_up_half_the_speed_once(driving):
    """It was halved again at every plan, down to a creep."""
    ride, _ = driving
    then = ride.state.vehicle.speed_mps[0]
    assert then > 3.0
    found = held(driving, Strategy(PathMode.KEEP, Pace.YIELD), 8.0)
    assert found.speed_mps[-1, 0] == pytest.approx(0.5 * then, abs=0.4)
    assert found.speed_mps[:, 0].min() > 0.5 * then - 0.4 > CREEP_MPS
    assert found.first[0].strategy.pace == Pace.YIELD


def test_who_yields_from_a_stand_waits_a_moment_and_goes(small_town, world):
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0).with_route()
    teacher = Teacher(small_town, config.route)
    standing = Ride(config, teacher, world=world), teacher
    found = held(standing, Strategy(PathMode.KEEP, Pace.YIELD), 5.0)
    goes = held(standing, KEEP_GO, 5.0)
    assert found.speed_mps[13, 0] < 0.3 < goes.speed_mps[13, 0], "1.3 s after the start"
    assert found.speed_mps[-1, 0] > 1.5


def test_pulling_over_ends_at_the_edge_and_stands(driving):
    """It stopped in the middle of its lane: the place fled before it."""
    ride, teacher = driving
    found = held(driving, Strategy(PathMode.PULL_OVER, Pace.STOP), 9.0)
    _, begins_m = ride.path.project(*found.pose[0, 0, :2], found.progress_m[0, 0])
    _, ends_m = ride.path.project(*found.pose[-1, 0, :2], found.progress_m[-1, 0])
    assert found.speed_mps[-1, 0] < 0.1
    assert ends_m < begins_m - 0.15, "to the right"
    room = teacher.course.room_right_m[int(found.progress_m[-1, 0] / teacher.course.step_m)]
    assert room + ends_m - 0.5 * EGO_BODY.width_m == pytest.approx(DOOR_M, abs=0.1)
    assert not _Measured.of(ride, teacher, found).off_road_m.max() > 0.05


def test_backing_up_begins_from_a_stand(driving):
    """It asked a moving car for reverse, which the guardian takes for nonsense."""
    found = held(driving, Strategy(PathMode.REVERSE, Pace.CREEP), 14.0)
    speed = found.speed_mps[:, 0]
    turns = int(np.argmax(speed < -0.05))
    assert turns > 0 and speed[turns - 5 : turns].max() < 0.3, "it stood first"
    assert (np.diff(speed[:turns]) > -0.35).all(), "and braked ordinarily before that"
    back = np.hypot(*(found.pose[-1, 0, :2] - found.pose[turns, 0, :2]))
    assert back == pytest.approx(BACK_M, abs=1.0) and abs(speed[-1]) < 0.2
    assert found.progress_m[-1, 0] < found.progress_m[turns, 0]


def test_who_drives_over_a_red_line_is_seen(small_town, world):
    """Somebody who heeds nothing drives on through the crossroads, whatever its lamp shows."""
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0).with_route()
    teacher = Teacher(small_town, config.route)
    ride = Ride(config, Follower(small_town, config.route), world=world)
    found = futures(ride, [ride.driver], 230, ASKED_EVERY)
    over = {}
    for start_s in np.arange(0.0, 120.0, 8.0):
        ride.world = world.with_signals((), float(start_s))  # nobody is about, and he heeds no lamp: it drives the same
        over[start_s] = np.flatnonzero(_Measured.of(ride, teacher, found).red[:, 0])
    reds = [ticks for ticks in over.values() if len(ticks)]
    assert 0 < len(reds) < len(over), "red for some starts of the clock, not for others"
    assert len({tuple(ticks) for ticks in reds}) == 1 and len(reds[0]) == 1, "one crossing, at one moment"


def test_a_ride_that_ends_cuts_the_outcome_short(driving):
    ride, teacher = driving
    ended = ride.fork(1)[0]
    ended.stop("called off")
    with pytest.raises(ValueError, match="called off"):
        what_if(ended, teacher)


def imagined(tried: Tried, score: float) -> Imagined:
    return Imagined(tried.strategy, tried.plan, score, np.zeros(SPEED_KNOTS), 0.0, 1.0, 1.0)


def test_imagining_is_held_against_what_came_of_it(driving):
    """On an empty street going is worth more than stopping: who thinks so has no regret, who thinks otherwise has."""
    ride, teacher = driving
    tried = what_if(ride, teacher, (KEEP_GO, KEEP_STOP, Strategy(PathMode.KEEP, Pace.CREEP)))
    progress = [t.outcome.progress_m for t in tried]
    assert progress[0] > progress[2] > progress[1] * 0.9 and progress[0] > progress[1] + 5.0
    plan = tried[0].plan
    for sign, chosen, tau, regrets in ((1.0, KEEP_GO, 1.0, False), (-1.0, KEEP_STOP, -1.0, True)):
        thought = tuple(imagined(t, sign * t.outcome.progress_m) for t in tried)
        decision = Decision(0, plan, chosen, imagined=thought, imagined_valid=(True,) * 3)
        ranking, regret = imagination(decision, tried)
        assert ranking.value == pytest.approx(tau)
        assert (regret.value > 0.1) if regrets else (regret.value == 0.0)


def test_alternatives_that_are_not_valid_are_not_ranked(driving):
    ride, teacher = driving
    tried = what_if(ride, teacher, (KEEP_GO, KEEP_STOP), 2.0)
    thought = tuple(imagined(t, 1.0) for t in tried)
    decision = Decision(0, tried[0].plan, STRATEGIES[4], imagined=thought, imagined_valid=(True, False))
    ranking, regret = imagination(decision, tried)
    assert not ranking.valid and not regret.valid and "nudge-left / go was not driven" in regret.why


def test_what_was_foreseen_is_paired_with_what_happened(driving):
    ride, teacher = driving
    tried = what_if(ride, teacher, (KEEP_GO, KEEP_STOP), 1.0)
    hit = replace(tried[0], outcome=replace(tried[0].outcome, first_contact_s=0.8))
    fears = np.linspace(0.0, 0.7, SPEED_KNOTS)
    thought = (
        replace(imagined(tried[0], 1.0), risk=fears),
        imagined(tried[1], 1.0),
        imagined(tried[1], 1.0),
        replace(imagined(tried[0], 1.0), strategy=STRATEGIES[4]),
    )
    decision = Decision(0, tried[0].plan, KEEP_GO, imagined=thought, imagined_valid=(True, True, False, True))
    risk, happened = foreseen(decision, [hit, tried[1]])
    assert risk.tolist() == [0.7, 0.0] and happened.tolist() == [True, False], (
        "the invalid and the untried are left out"
    )
