"""A user would lose: a teacher that brakes hard where it could have known, drives into a gap too small, never backs up,
or says what it does not do."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.expert.loop import drive, people, scene_of
from tests.expert.test_teacher import LANE_Y, gaps, heads, start_of
from xiaolu.core.decision import Cause, LampColour, Pace, PathMode, Strategy
from xiaolu.core.users import Gesture, Kind
from xiaolu.expert.forecast import forecasts, lanes_of
from xiaolu.expert.held import Held
from xiaolu.expert.scoring import HORIZON, Scorer, foresee
from xiaolu.expert.teacher import Teacher
from xiaolu.measures.comfort import NOTICED, breaches, motion_of
from xiaolu.measures.interventions import required_clearance_m
from xiaolu.measures.words import claim_holds, claims_of
from xiaolu.world.routing import Router
from xiaolu.world.town import Turn


def straight(n: int = 161) -> np.ndarray:
    path = np.zeros((n, 4))
    path[:, 0] = np.arange(n) * 0.5
    return path


def test_what_is_foreseen_are_the_gaps_that_really_come():
    """Along the x axis at 5 m/s past a walker who stands 2 m left of the middle, 20 m ahead: 2 - 0.94 - 0.25 m."""
    poses = np.tile([20.0, 2.0, 0.0], (1, HORIZON + 2, 1))
    speed = np.full(HORIZON, 5.0)
    sigma = 5.0 * 0.25 * np.arange(HORIZON)
    one = np.ones(1, bool)
    gap, soon = foresee(straight(), sigma, speed, 4.7, 1.88, poses, np.array([[0.4, 0.5]]), one, one, 0.25)
    assert gap[0].min() == pytest.approx(2.0 - 0.94 - 0.25, abs=1e-6)
    assert not soon.any()
    poses[..., 1] = 0.0
    gap, soon = foresee(straight(), sigma, speed, 4.7, 1.88, poses, np.array([[0.4, 0.5]]), one, one, 0.25)
    assert gap[0].min() == 0.0 and soon[0, 8:11].any() and not soon[0, :5].any()


def test_who_crosses_a_quarter_second_sooner_than_forecast_is_still_missed():
    """At 5 m/s along the x axis; a car comes down at x = 12 with 10 m/s. Timed exactly it passes 1 m behind the ego,
    a moment sooner it does not."""
    sigma, speed = 5.0 * 0.25 * np.arange(HORIZON), np.full(HORIZON, 5.0)
    poses = np.zeros((1, HORIZON + 2, 3))
    poses[0, :, 0], poses[0, :, 2] = 12.0, -0.5 * np.pi
    no, size = np.zeros(1, bool), np.array([[4.6, 1.8]])

    def least(late_m: float) -> float:
        poses[0, :, 1] = 30.0 + late_m - 2.5 * np.arange(HORIZON + 2)
        return foresee(straight(), sigma, speed, 4.7, 1.88, poses, size, no, no, 0.25)[0].min()

    assert least(3.0) == 0.0 and least(8.0) > 0.5


def test_where_a_contact_cannot_be_avoided_to_brake_is_still_better(ways):
    """A car comes out across the way 4 m before the bumper: at 8 m/s both profiles meet it, one of them slower."""
    teacher = ways("Win", "Eout", 50.0)
    users = people((Kind.CAR, -90.0, LANE_Y, np.pi / 2, 1.0))
    scene = scene_of(teacher.town, teacher.route, 0, np.array([-99.0, LANE_Y, 0.0]), 8.0, users)
    tick = teacher.moment(scene)
    path = straight()
    path[:, 0] -= 99.0
    path[:, 1] = LANE_Y
    time = np.arange(71) * 0.1
    stops = np.minimum(time, 8.0 / 4.0)
    scorer = Scorer(tick, frozenset(), False)
    goes = scorer.score(path, 8.0 * time, np.full(71, 8.0))
    brakes = scorer.score(path, 8.0 * stops - 2.0 * stops**2, 8.0 - 4.0 * stops)
    assert 0.0 < brakes.risk < 0.95 * goes.risk


def test_who_would_drive_into_the_ego_that_stands_is_trusted_to_see_it_in_time(ways):
    """Else it braked with 2.7 m/s² to stand a metre further back of where somebody might be in four seconds."""

    def risk(away_m: float) -> float:
        teacher = ways("Win", "Eout", 50.0)
        users = people((Kind.CAR, -95.0 + away_m, LANE_Y, np.pi, 5.0))
        scene = scene_of(teacher.town, teacher.route, 0, np.array([-99.0, LANE_Y, 0.0]), 0.0, users)
        path = straight()
        path[:, 0] -= 99.0
        path[:, 1] = LANE_Y
        return Scorer(teacher.moment(scene), frozenset(), False).score(path, np.zeros(71), np.zeros(71)).risk

    assert 10.0 * risk(19.0) < risk(9.0)


def test_nobody_on_foot_walks_into_the_ego_that_stands(ways):
    """Else it fled from somebody who comes up to its side, and into the bus that had stopped for it."""
    teacher = ways("Win", "Eout", 50.0)
    users = people((Kind.PEDESTRIAN, -98.0, LANE_Y - 4.0, np.pi / 2, 1.6))
    scene = scene_of(teacher.town, teacher.route, 0, np.array([-99.0, LANE_Y, 0.0]), 0.0, users)
    path = straight()
    path[:, 0] -= 99.0
    path[:, 1] = LANE_Y
    assert Scorer(teacher.moment(scene), frozenset(), False).score(path, np.zeros(71), np.zeros(71)).risk < 20.0


@pytest.mark.parametrize(("behind_m", "faster_mps", "cuts_off"), [(2.0, 3.0, True), (30.0, 1.0, False)])
@pytest.mark.parametrize("kind", [Kind.CAR, Kind.BICYCLE])
def test_it_does_not_move_over_before_who_comes_up_in_the_next_lane(ways, kind, behind_m, faster_mps, cuts_off):
    """In its own lane whoever comes from behind keeps the distance; where the ego moves over he could not."""
    risks = []
    for over_m in (0.0, 3.0):
        teacher = ways("Win", "Eout", 50.0)
        users = people((kind, -99.0 - behind_m, LANE_Y + 3.0, 0.0, 4.0 + faster_mps))
        scene = scene_of(teacher.town, teacher.route, 0, np.array([-99.0, LANE_Y, 0.0]), 4.0, users)
        path = straight()
        path[:, 0] -= 99.0
        path[:, 1] = LANE_Y + over_m * np.clip(np.arange(len(path)) * 0.5 / 10.0, 0.0, 1.0)
        path[:, 2] = np.arctan(np.gradient(path[:, 1], 0.5))
        time = np.arange(71) * 0.1
        scorer = Scorer(teacher.moment(scene), frozenset(), False)
        risks.append(scorer.score(path, 4.0 * time, np.full(71, 4.0)).risk)
    stays, moves = risks
    assert stays == 0.0
    assert moves > 100.0 if cuts_off else moves < 20.0


def test_it_is_slow_before_a_child_that_stands_at_the_kerb_and_faces_the_road(ways):
    def before(yaw: float) -> float:
        users = people((Kind.CHILD, -40.0, LANE_Y - 2.6, yaw, 0.0))
        teacher = ways("Win", "Eout", 50.0)
        trace = drive(
            teacher, start_of(teacher), 14.0, lambda _: users, speed=8.0, colour=heads(teacher, LampColour.GREEN)
        )
        near = np.abs(trace.front[:, 0] + 45.0) < 1.0
        assert near.any()
        return float(trace.speed_mps[near].max())

    assert before(np.pi / 2) < 4.5 < before(0.0)


def test_a_walker_who_crosses_in_sight_costs_no_hard_braking_and_keeps_his_gap(ways):
    def users(time: float):
        return people((Kind.PEDESTRIAN, -40.0, -8.0 + 1.3 * max(time - 2.0, 0.0), np.pi / 2, 1.3 * (time > 2.0)))

    teacher = ways("Win", "Eout", 50.0)
    trace = drive(teacher, start_of(teacher), 18.0, users, speed=8.0, colour=heads(teacher, LampColour.GREEN))
    assert trace.acceleration_mps2.min() > -3.0
    moving = trace.speed_mps > 1.0
    assert (gaps(trace)[moving] > required_clearance_m(trace.speed_mps[moving])).all()
    named = [d.limited_by for d in trace.decisions if d.cause == Cause.PEDESTRIAN]
    assert named and all(limit is not None and limit.uid == 1 and limit.visible for limit in named)


def test_who_hesitates_in_the_road_is_not_driven_past_at_speed(ways):
    """A walker comes halfway, stands for two seconds, and goes on: the ego has waited."""

    def users(time: float):
        far = min(time, 4.0) + max(time - 6.0, 0.0)
        speed = 0.0 if 4.0 < time < 6.0 else 1.2
        return people((Kind.PEDESTRIAN, -50.0, 3.5 - 1.2 * far * 0.5, -np.pi / 2, speed * 0.5))

    teacher = ways("Win", "Eout", 60.0)
    trace = drive(teacher, start_of(teacher), 14.0, users, speed=5.0, colour=heads(teacher, LampColour.GREEN))
    assert gaps(trace)[trace.speed_mps > 1.0].min() > 0.4
    assert trace.acceleration_mps2.min() > -3.0


def test_an_officer_who_pulls_it_over_is_stopped_for_at_the_side(ways):
    def users(time: float):
        table = people((Kind.OFFICER, -60.0, -4.0, np.pi, 0.0))
        table.gesture[:] = Gesture.POLICE_PULL_OVER if time < 14.0 else Gesture.NONE
        return table

    teacher = ways("Win", "Eout", 60.0)
    trace = drive(teacher, start_of(teacher), 26.0, users, colour=heads(teacher, LampColour.GREEN))
    held = int(np.flatnonzero(trace.time_s >= 13.0)[0])
    assert trace.speed_mps[held] < 0.1 and 1.0 < -60.0 - trace.front[held, 0] < 30.0
    assert trace.decisions[held].why == "Waiting at the officer's sign"
    assert trace.speed_mps[-1] > 1.0  # let go, it drives on


def test_face_to_face_in_a_narrow_street_it_makes_room_backwards(ways, small_town):
    """Between a parked row and the kerb, a van that stands and cannot go back: the ego leaves the row backwards."""
    teacher = ways("Eout", "narrow_out", 20.0, 60.0)
    path = teacher.course.path
    end = teacher.course.goal_s_m - 25.0
    pose = np.array(path.point_at(end - 18.0))
    van = path.point_at(end)
    left = np.array([-np.sin(van[2]), np.cos(van[2])])
    row = []
    for k in range(3):
        place = path.point_at(end - 16.0 + 6.0 * k)[:2] + 2.15 * left
        row.append((Kind.CAR, *place, van[2] + np.pi, 0.0))
    ahead = (Kind.VAN, *van[:2], van[2] + np.pi, 0.0, int(small_town.meta["lanes"]["narrow_in"]), 10.0, 0.0)
    trace = drive(teacher, pose, 25.0, lambda _: people(ahead, *row))
    backwards = [d for d in trace.decisions if d.strategy.path == PathMode.REVERSE]
    assert backwards and backwards[0].limited_by.uid == 1  # the van
    assert trace.speed_mps.min() < -0.5
    assert "Backing up to let the oncoming van through" in {d.why for d in backwards}
    assert gaps(trace).min() > 0.0


def test_who_stands_too_near_to_swing_out_backs_off_and_goes_round(ways):
    """A car stands 0.8 m before the bumper, in the way by all its width; to the left the road is free."""
    teacher = ways("Win", "Eout", 60.0)
    pose = start_of(teacher)
    car = (Kind.CAR, pose[0] + 3.75 + 0.8 + 2.3, pose[1] - 0.3, 0.0, 0.0)
    trace = drive(teacher, pose, 45.0, lambda _: people(car), colour=heads(teacher, LampColour.GREEN))
    assert any(d.why == "Backing off from the car to go round" for d in trace.decisions)
    assert trace.pose[-1, 0] > car[1] + 5.0 and gaps(trace).min() > 0.1


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([Kind.CAR, Kind.PEDESTRIAN, Kind.BICYCLE, Kind.VAN, Kind.CHILD]),
            st.floats(-80.0, -20.0),
            st.floats(-6.0, 6.0),
            st.floats(-np.pi, np.pi),
            st.floats(0.0, 6.0),
        ),
        max_size=5,
    ),
    st.floats(0.0, 9.0),
)
def test_no_words_contradict_the_trajectory_they_come_with(ways, rows, speed):
    def users(time: float):
        return people(*((k, x + np.cos(a) * v * time, y + np.sin(a) * v * time, a, v) for k, x, y, a, v in rows))

    teacher = ways("Win", "Eout", 50.0)
    trace = drive(teacher, start_of(teacher), 3.0, users, speed=speed, colour=heads(teacher, LampColour.GREEN))
    for decision, now in zip(trace.decisions, trace.speed_mps, strict=True):
        plan, words = decision.plan.speed_mps, decision.why
        for claim in claims_of(words):
            assert claim_holds(claim, plan, now, np.zeros(1), bool(plan.min() < 0.0)), (words, now, plan)
        if words.startswith("Driving on"):
            assert plan[:8].min() > now - 0.6, (words, now, plan)
        limit = decision.limited_by
        assert (limit is None) == (decision.cause == Cause.FREE)
        if limit is not None and limit.uid >= 0:
            assert 1 <= limit.uid <= len(rows)


@pytest.mark.parametrize(
    ("strategy", "holds"),
    [
        (Strategy(PathMode.KEEP, Pace.STOP), lambda trace: trace.speed_mps[-1] < 0.1),
        (Strategy(PathMode.KEEP, Pace.CREEP), lambda trace: 0.3 < trace.speed_mps[-1] < 1.7),
        (Strategy(PathMode.KEEP, Pace.GO), lambda trace: trace.speed_mps[-1] > 5.0),
        (Strategy(PathMode.NUDGE_LEFT, Pace.GO), lambda trace: trace.pose[-1, 1] > -1.625 + 0.4),
    ],
)
def test_held_to_a_strategy_it_drives_that_one(ways, strategy, holds):
    teacher = ways("Win", "Eout", 50.0)
    held = Held(teacher, strategy, teacher.snapshot())
    held.town, held.route = teacher.town, teacher.route
    trace = drive(held, start_of(teacher), 6.0, speed=5.0, colour=heads(teacher, LampColour.GREEN))
    assert holds(trace), (trace.speed_mps[-1], trace.pose[-1])


@pytest.mark.parametrize(("speed", "braking", "runs"), [(6.0, 0.0, False), (13.0, 0.0, True), (13.0, -4.0, False)])
def test_who_comes_too_fast_for_its_red_and_does_not_brake_is_expected_to_run_it(ways, speed, braking, runs):
    """20 m before its line, 13 m/s needs 13² / 40 = 4.2 m/s² to stop there, 6 m/s needs 0.9."""
    teacher = ways("Win", "Eout", 60.0)
    town = teacher.town
    lane = town.meta["lanes"]["Sin"]
    line_s_m = float(town.stop_s_m[lane])
    x, y, _, yaw = town.pose_at(lane, line_s_m - 22.3)  # its front is 2.3 m further on
    table = people((Kind.CAR, x, y, yaw, speed, lane, line_s_m - 22.3, 0.0))
    table.acceleration_mps2[0] = braking
    red = np.full(len(town.signal_program) + 1, LampColour.RED, np.int8)
    columns = (table.kind.astype(np.int64), table.x_m, table.y_m, table.yaw_rad, table.speed_mps,
               table.acceleration_mps2, table.length_m, table.lane.astype(np.int64), table.s_m, table.offset_m,
               table.lights.astype(np.int64))  # fmt: skip
    _, _, _, poses = forecasts(lanes_of(town), red, *columns)
    place = town.pose_at(lane, line_s_m)
    beyond_m = (poses[:, -1, 0] - place[0]) * np.cos(yaw) + (poses[:, -1, 1] - place[1]) * np.sin(yaw)
    assert bool((beyond_m > 5.0).any()) is runs


def test_who_heads_out_of_its_lane_is_expected_in_the_next_one(ways):
    """At 5 m/s and 0.3 rad to the right: 5 sin 0.3 = 1.48 m/s aside. Who keeps its offset is expected to go on so."""
    town = ways("Win", "Eout", 60.0).town
    lane, free = town.meta["lanes"]["Win"], np.full(len(town.signal_program) + 1, LampColour.GREEN, np.int8)
    x, y, _, yaw = town.pose_at(lane, 30.0)

    def aside_m(turned: float) -> float:
        table = people((Kind.CAR, x - 3.0 * np.sin(yaw), y + 3.0 * np.cos(yaw), yaw + turned, 5.0, lane, 30.0, 3.0))
        columns = (table.kind.astype(np.int64), table.x_m, table.y_m, table.yaw_rad, table.speed_mps,
                   table.acceleration_mps2, table.length_m, table.lane.astype(np.int64), table.s_m, table.offset_m,
                   table.lights.astype(np.int64))  # fmt: skip
        poses = forecasts(lanes_of(town), free, *columns)[3]
        dx, dy = poses[0, 6, 0] - x, poses[0, 6, 1] - y
        return float(-np.sin(yaw) * dx + np.cos(yaw) * dy)

    assert aside_m(0.0) == pytest.approx(3.0, abs=0.05)
    assert aside_m(-0.3) == pytest.approx(3.0 - 1.5 * 5.0 * np.sin(0.3), abs=0.1)


def test_on_green_it_is_slower_where_houses_hide_who_may_run_the_red(small_town, ways):
    """Houses at all four corners, 2 m from the road: from 12 m before the junction its arms cannot be seen."""
    corners = np.array([(6.0, 6.0), (40.0, 6.0), (40.0, 40.0), (6.0, 40.0)])
    rings = np.concatenate([corners * [x, y] for x in (-1, 1) for y in (-1, 1)])
    quick = replace(small_town, lane_limit_mps=np.full(small_town.lanes, 14.0, small_town.lane_limit_mps.dtype),
                    building_start=np.zeros(1, np.int64), building_points=np.zeros((0, 2)),
                    building_height_m=np.zeros(0), building_style=np.zeros(0, np.int32))  # fmt: skip
    hidden = replace(quick, building_start=np.arange(0, 17, 4), building_points=rings,
                     building_height_m=np.full(4, 9.0), building_style=np.zeros(4, np.int32))  # fmt: skip
    route = ways("Win", "Eout", 30.0, 110.0).route
    for town, slower in ((quick, False), (hidden, True)):
        teacher = Teacher(town, route)
        trace = drive(teacher, start_of(teacher), 13.0, speed=10.0, colour=heads(teacher, LampColour.GREEN))
        enters = np.abs(trace.front[:, 0] + 6.0) < 3.0
        assert enters.any() and bool(trace.speed_mps[enters].max() < 8.8) is slower


def test_it_enters_the_waiting_area_on_the_straight_green_and_stops_at_its_second_line(small_town):
    waiting = np.full(small_town.lanes, np.nan)
    waiting[(small_town.lane_turn == Turn.LEFT) & (small_town.lane_signal >= 0)] = 9.0
    town = replace(small_town, waiting_s_m=waiting)
    lanes = town.meta["lanes"]
    teacher = Teacher(town, Router(town).plan(lanes["Win"], 60.0, lanes["Nout"], 50.0))
    first, second = (line.s_m for line in teacher.course.stop_lines)
    assert second - first > 8.0
    signal = town.lane_signal[town.head_lane]
    straight = np.where(signal == town.lane_signal[lanes["Win>Eout"]], LampColour.GREEN, LampColour.RED)
    path = teacher.course.path
    ends = {}
    for name, colour in (("red", heads(teacher, LampColour.RED)), ("straight", straight.astype(np.int8))):
        teacher.reset(0)
        trace = drive(teacher, start_of(teacher), 22.0, lambda _: people(), colour=colour)
        assert trace.speed_mps[-1] < 0.1
        ends[name] = path.project(float(trace.front[-1, 0]), float(trace.front[-1, 1]), first)[0]
    assert 0.2 < first - ends["red"] < 2.5
    assert 0.2 < second - ends["straight"] < 2.5


def test_it_goes_on_from_the_profile_it_gave_so_that_jerk_stays_as_planned(ways):
    """From 9 m/s towards a red line, with nobody about, what people notice is never exceeded."""
    teacher = ways("Win", "Eout", 60.0)
    trace = drive(
        teacher, start_of(teacher), 14.0, lambda _: people(), speed=9.0, colour=heads(teacher, LampColour.RED)
    )
    assert trace.speed_mps[-1] < 0.1
    motion = motion_of(trace.speed_mps, trace.pose[:, 2])
    assert not breaches(motion, NOTICED)[3:].any()
