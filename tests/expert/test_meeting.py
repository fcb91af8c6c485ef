"""A user would lose: a ride in which the brakes are saved for what is near in time, not for what may come later."""

import numpy as np

from tests.expert.loop import people, scene_of
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause
from xiaolu.core.users import Kind
from xiaolu.expert.forecast import MOMENTS, MOMENTS_S, Moves
from xiaolu.expert.limits import Limits
from xiaolu.expert.reasons import Reason
from xiaolu.expert.road import road_limits
from xiaolu.expert.speed import DT_S
from xiaolu.expert.tick import Memory
from xiaolu.expert.ways import KINDS
from xiaolu.expert.yielding import resolve

SPEED_MPS, PASSES_AT_M, FROM_M = 4.6, 1.9, 13.4


def rolled(teacher, comes_s: float, from_m: float = FROM_M) -> np.ndarray:
    """Return the speeds planned before a car that turns into the ego's road in so many seconds, and drives by it."""
    pose = np.array(teacher.course.path.point_at(0.0))
    ahead, left = np.array([np.cos(pose[2]), np.sin(pose[2])]), np.array([-np.sin(pose[2]), np.cos(pose[2])])
    start = pose[:2] + from_m * ahead + 25.0 * left
    car = people((Kind.CAR, *start, pose[2] - 0.5 * np.pi, 8.0))
    tick = teacher._tick(scene_of(teacher.town, teacher.route, 0, pose, SPEED_MPS, car))
    away = pose[:2] + (from_m - 9.5 * (MOMENTS_S - comes_s))[:, None] * ahead + PASSES_AT_M * left
    poses = np.column_stack([away, np.full(MOMENTS, pose[2] + np.pi)])
    poses[comes_s > MOMENTS_S] = (*start, pose[2] - 0.5 * np.pi)
    moves = Moves(np.zeros(1, np.int64), np.zeros(1, bool), np.full((1, 10), -1), poses[None])
    way = teacher._ways.propose(KINDS[0], tick, np.empty((0, 7)), Memory())
    limits = road_limits(teacher.course, tick, way.path, teacher.course.goal_s_m)
    return resolve(teacher.course, way.path, 0.0, SPEED_MPS, 0.0, tick.here, moves, limits, 0.0)[1]


def test_it_stops_gently_for_who_gets_there_after_it_stands(ways):
    """The car would pass where the ego is now, seconds after the ego has come to a stand anyway."""
    speed = rolled(ways("Win", "Eout"), 3.25)
    assert np.diff(speed).min() / DT_S > -2.7, "it slammed on the brakes for a car that is 3 s away"
    stands = int(np.argmax(speed < 0.3))
    assert stands and np.sum(speed[:stands]) * DT_S < FROM_M - 5.0, "it drove on to where the car comes"


def test_it_brakes_hard_for_who_is_there_before(ways):
    assert np.diff(rolled(ways("Win", "Eout"), 0.25, 9.0)).min() / DT_S < -3.0


def rider(teacher, aside_m: float, ahead_m: float = 7.0) -> tuple[np.ndarray, Moves, object, np.ndarray]:
    """Return (path, forecasts, tick, pose) with a bicycle that comes towards the ego, so far left of its middle."""
    pose = np.array(teacher.course.path.point_at(0.0))
    ahead, left = np.array([np.cos(pose[2]), np.sin(pose[2])]), np.array([-np.sin(pose[2]), np.cos(pose[2])])
    start = pose[:2] + ahead_m * ahead + (aside_m + 2.0) * left
    tick = teacher._tick(
        scene_of(teacher.town, teacher.route, 0, pose, SPEED_MPS, people((Kind.BICYCLE, *start, pose[2] + np.pi, 4.0)))
    )
    # It swerves in at once: from then on it rides so far left of the ego's middle.
    at = pose[:2] + (ahead_m - 4.0 * MOMENTS_S)[:, None] * ahead + aside_m * left
    at[0] = start
    poses = np.column_stack([at, np.full(MOMENTS, pose[2] + np.pi)])
    moves = Moves(np.zeros(1, np.int64), np.ones(1, bool), np.full((1, 10), -1), poses[None])
    way = teacher._ways.propose(KINDS[0], tick, np.empty((0, 7)), Memory())
    return way.path, moves, tick, pose


def braking(teacher, aside_m: float) -> float:
    path, moves, tick, _ = rider(teacher, aside_m)
    limits = road_limits(teacher.course, tick, path, teacher.course.goal_s_m)
    speed = resolve(teacher.course, path, 0.0, SPEED_MPS, 0.0, tick.here, moves, limits, 0.0)[1]
    return float(-np.diff(speed).min() / DT_S)


def test_a_margin_that_can_no_longer_be_kept_by_stopping_is_no_reason_to_slam_on_the_brakes(ways):
    """A bicycle swerves in just before the bumper. With 0.55 m left beside it it is passed, with none braked for."""
    half_m = 0.94 + 0.3
    assert braking(ways("Win", "Eout"), half_m + 0.55) < 1.9
    assert braking(ways("Win", "Eout"), half_m - 0.3) > 3.0


def test_what_can_no_longer_be_stopped_for_is_left_out_and_orders_are_not():
    limits = Limits(np.full(161, 8.0), np.zeros(161, np.int64), [Reason(Cause.FREE, "speed limit", 0.0)])
    red, bicycle, car = (Reason(Cause.SIGNAL, name, 0.0) for name in ("red light", "bicycle", "car"))
    limits.stop(0.5, 0.0, np.inf, red)
    limits.stop(0.9, 0.0, 3.0, bicycle)
    limits.stop(9.0, 0.0, np.inf, car)
    some = limits.possible(1, SPEED_MPS)
    assert some is not None and [stop[0] for stop in some.stops] == [0.5, 9.0]
    assert [some.reasons[k].what for k in some.stop_cause] == ["red light", "car"]
    assert len(limits.stops) == 3 and limits.possible(1, 0.5) is None


def test_who_is_given_way_to_is_not_let_go_of_for_a_single_moment(ways):
    """The forecast of a car that is waited for drops out once: the ego does not let go of the brake in between."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(0.0))
    car = people((Kind.CAR, pose[0] + 20.0 * np.cos(pose[2]), pose[1] + 20.0 * np.sin(pose[2]) + 9.0, -np.pi / 2, 3.0))
    tick = teacher._tick(scene_of(teacher.town, teacher.route, 0, pose, SPEED_MPS, car))
    way = teacher._ways.propose(KINDS[0], tick, np.empty((0, 7)), Memory())
    nothing = Moves(np.zeros(1, np.int64), np.ones(1, bool), np.full((1, 10), -1), np.full((1, MOMENTS, 3), 500.0))

    def ends_mps(held: dict[int, float]) -> float:
        limits = road_limits(teacher.course, tick, way.path, teacher.course.goal_s_m)
        args = (teacher.course, way.path, 0.0, SPEED_MPS, 0.0, tick.here, nothing, limits, 0.0)
        return float(resolve(*args, held=held)[1][40])

    assert ends_mps({}) > SPEED_MPS and ends_mps({1: 15.0}) < 2.0
    assert ends_mps({1: 4.0}) > SPEED_MPS, "a stop that would be hard by now is not held on to"
    assert ends_mps({7: 15.0}) > SPEED_MPS, "who is not there any more is not waited for"


def test_who_walks_towards_it_just_beside_its_way_is_passed_at_a_pace_to_stop_from(ways):
    """Both may step to the same side. Who walks on before it the same way is no such matter."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(0.0))
    ahead, left = np.array([np.cos(pose[2]), np.sin(pose[2])]), np.array([-np.sin(pose[2]), np.cos(pose[2])])

    def slowest(turned_rad: float, aside_m: float) -> float:
        walker = (Kind.PEDESTRIAN, *(pose[:2] + 12.0 * ahead + aside_m * left), pose[2] + turned_rad, 1.3)
        tick = teacher._tick(scene_of(teacher.town, teacher.route, 0, pose, SPEED_MPS, people(walker)))
        way = teacher._ways.propose(KINDS[0], tick, np.empty((0, 7)), Memory())
        return float(road_limits(teacher.course, tick, way.path, teacher.course.goal_s_m).allowed[:40].min())

    assert slowest(np.pi, 1.8) < 1.5 < 2.9 < slowest(0.0, 1.8)
    assert slowest(np.pi, 2.6) > 4.0


def met(
    teacher, own_mps: float, ahead_m: float, aside_m: float, comes_mps: float, turned_rad: float = np.pi, out_m=0.0
):
    """Return (sigma, speed) planned at a car whose middle is ahead of the rear axle and left of the ego, and goes
    straight on; out_m: the path moves over to the left by so much, from 22 m ahead on, within 10 m."""
    s_m = 30.0
    pose = np.array(teacher.course.path.point_at(s_m))
    ahead, left = np.array([np.cos(pose[2]), np.sin(pose[2])]), np.array([-np.sin(pose[2]), np.cos(pose[2])])
    way = np.arange(161) * 0.5
    over = out_m * np.clip((way - 22.0) / 10.0, 0.0, 1.0)
    path = np.column_stack(
        [pose[:2] + way[:, None] * ahead + over[:, None] * left, pose[2] + np.gradient(over, 0.5), np.zeros(161)]
    )
    start, yaw = pose[:2] + ahead_m * ahead + aside_m * left, pose[2] + turned_rad
    teacher._memory.s_m = s_m
    tick = teacher._tick(
        scene_of(teacher.town, teacher.route, 0, pose, own_mps, people((Kind.CAR, *start, yaw, comes_mps)))
    )
    at = start + (comes_mps * MOMENTS_S)[:, None] * np.array([np.cos(yaw), np.sin(yaw)])
    poses = np.column_stack([at, np.full(MOMENTS, yaw)])
    moves = Moves(np.zeros(1, np.int64), np.ones(1, bool), np.full((1, 10), -1), poses[None])
    limits = Limits(np.full(161, 9.0), np.zeros(161, np.int64), [Reason(Cause.FREE, "speed limit", 0.0)])
    return resolve(teacher.course, path, s_m, own_mps, 0.0, tick.here, moves, limits, 0.0)[:2]


def test_it_waits_in_its_own_half_for_who_comes_where_braking_firmly_reaches(ways):
    """It would leave its half 22 m ahead, to pass something: 1.2 m/s² is not enough from 7.5 m/s, 2.2 m/s² is."""
    sigma, speed = met(ways("Win", "Eout"), 7.5, 60.0, 2.5, 7.0, out_m=2.5)
    assert sigma[-1] < 23.0
    assert np.diff(speed).min() / DT_S > -2.7


def test_who_comes_by_close_after_it_can_stand_is_stood_for(ways):
    """0.35 m would be left between them, less than is kept beside who comes at 8 m/s."""
    aside_m = 0.5 * EGO_BODY.width_m + 0.91 + 0.35
    assert met(ways("Win", "Eout"), 3.0, 30.0, aside_m, 8.0)[1][20:28].max() < 0.4


def test_from_a_crawl_it_does_not_set_off_past_who_is_just_coming_by(ways):
    aside_m = 0.5 * EGO_BODY.width_m + 0.91 + 0.28
    assert met(ways("Win", "Eout"), 0.8, 7.0, aside_m, 7.0)[1][8:12].max() < 0.3


def test_it_does_not_roll_up_to_a_car_that_crosses_trusting_that_it_will_be_gone(ways):
    """When the car's tail leaves its way the ego could still stop before where that was."""
    sigma, speed = met(ways("Win", "Eout"), 4.2, 8.5, -6.0, 10.0, 0.5 * np.pi)
    left = round((6.0 + 2.3 + 1.0) / 10.0 / DT_S)
    assert speed[left] ** 2 / (2.0 * 3.0) < 8.5 - 0.91 - EGO_BODY.front_x_m - sigma[left]
