"""A user would lose: a teacher that can be trusted to drive, and whose words are true. The loop is the real vehicle and
tracker; the town is the hand-made crossroads."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.expert.loop import drive, people, scene_of
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, LampColour, Pace, PathMode
from xiaolu.core.observation import EgoState, Observation
from xiaolu.core.plan import PATH_DISTANCES_M
from xiaolu.core.protocols import SceneDriver
from xiaolu.core.users import Kind
from xiaolu.expert.bodies import counted
from xiaolu.expert.orders import signals
from xiaolu.expert.road import road_limits
from xiaolu.expert.teacher import Teacher
from xiaolu.measures.geometry import clearance_m
from xiaolu.world.ground import Ground

LANE_Y = -1.625  # the eastbound lane's centre


def start_of(teacher: Teacher) -> np.ndarray:
    return np.array(teacher.course.path.point_at(0.0))


def heads(teacher: Teacher, colour: LampColour) -> np.ndarray:
    return np.full(len(teacher.town.head_lane), colour, np.int8)


def gaps(trace) -> np.ndarray:
    """Clearance to the nearest user, (T,)."""
    boxes = [np.stack([u.x_m, u.y_m, u.yaw_rad, u.length_m, u.width_m], axis=1) for u in trace.users]
    return np.array([clearance_m(ego, box).min() for ego, box in zip(trace.boxes, boxes, strict=True)])


def decide(teacher: Teacher, pose, speed=5.0, users=None, **more):
    ego = EgoState(0, speed, 0.0, 0.0, 0.0, np.zeros(3))
    scene = scene_of(teacher.town, teacher.route, 0, pose, speed, users, **more)
    return teacher.drive_scene(scene, Observation(0, (), ego))


def test_it_is_a_scene_driver_without_cameras(ways):
    assert isinstance(ways("Win", "Eout"), SceneDriver)
    assert Teacher.cameras == ()


@pytest.mark.parametrize(("first", "last"), [("Win", "Eout"), ("Win", "Nout"), ("Sin", "Eout"), ("Eout", "narrow_out")])
def test_it_arrives_at_the_mark_in_comfort_and_on_the_road(ways, small_town, first, last):
    teacher = ways(first, last, 20.0 if first == "Eout" else 60.0, 40.0)
    trace = drive(teacher, start_of(teacher), 60.0, colour=heads(teacher, LampColour.GREEN))
    goal = teacher.course.path.point_at(teacher.course.goal_s_m)
    assert np.hypot(*(goal[:2] - trace.pose[-1, :2])) < 1.0
    assert trace.speed_mps[-1] < 0.05
    assert trace.acceleration_mps2.min() > -1.8 and trace.acceleration_mps2.max() < 1.3
    lateral = trace.speed_mps[1:] * np.diff(np.unwrap(trace.pose[:, 2])) / 0.1
    assert np.abs(lateral).max() < 2.2
    cos, sin = np.cos(trace.pose[:, 2]), np.sin(trace.pose[:, 2])
    for along in (0.0, EGO_BODY.wheelbase_m):
        for side in (-0.8, 0.8):
            wheel = np.stack(
                [trace.pose[:, 0] + cos * along - sin * side, trace.pose[:, 1] + sin * along + cos * side], 1
            )
            assert Ground(small_town).off_road_m(wheel).max() <= 0.05
    assert trace.decisions[-1].cause == Cause.ARRIVAL


def test_it_stops_before_the_red_line_says_so_and_starts_on_green(ways):
    teacher = ways("Win", "Eout")
    line = teacher.course.stop_lines[0].s_m
    dark = np.full(len(teacher.town.head_lane), np.nan)  # no digits: nothing to roll up for
    red = drive(teacher, start_of(teacher), 25.0, colour=heads(teacher, LampColour.RED), countdown=dark)
    line_x = teacher.course.path.point_at(line)[0]
    gap = line_x - red.front[-1, 0]
    assert 0.3 < gap <= 2.0
    assert red.speed_mps[-1] == 0.0
    told = {d.why for d in red.decisions if d.cause == Cause.SIGNAL}
    assert "Waiting at the red light" in told
    assert any(w.startswith("Stopping for the red light") for w in told)
    assert all(d.perceived.signal == LampColour.RED for d in red.decisions)
    green = drive(teacher, red.pose[-1], 3.0, colour=heads(teacher, LampColour.GREEN))
    assert green.speed_mps[-1] > 1.0  # under way within 3 s


def test_at_a_red_light_it_waits_in_its_lane_behind_riders_who_wait_there(ways):
    """Beside them, over the line, it would stand before another lane's lamp. What is parked there it still passes."""
    teacher = ways("Win", "Eout")
    x = teacher.course.path.point_at(teacher.course.stop_lines[0].s_m)[0]
    row = teacher.town.meta["lanes"]["Win"]
    riders = people(*((Kind.BICYCLE, x - 1.2, LANE_Y + aside, 0.0, 0.0, row, 0.0, 0.0) for aside in (-0.2, -1.1)))
    fixed = {"colour": heads(teacher, LampColour.RED), "countdown": np.full(len(teacher.town.head_lane), np.nan)}
    # For as long as it keeps its lane: it stands after 17 s, and goes round after 12 more.
    waits = drive(teacher, start_of(teacher), 28.0, lambda t: riders, **fixed)
    assert waits.speed_mps[-1] == 0.0
    assert abs(waits.pose[-1, 1] - LANE_Y) < 1.2 and waits.front[-1, 0] < x - 2.0

    teacher = ways("Win", "Eout")
    van = people((Kind.VAN, x - 7.0, LANE_Y - 0.5, 0.0, 0.0))
    passes = drive(teacher, start_of(teacher), 40.0, lambda t: van, colour=heads(teacher, LampColour.GREEN))
    assert passes.front[-1, 0] > x


@pytest.mark.parametrize(("aside_m", "own", "beside", "stops"), [
    (0.0, "GREEN", "RED", False), (3.0, "GREEN", "RED", True), (3.0, "RED", "GREEN", False),
    (1.9, "RED", "GREEN", True), (1.9, "GREEN", "RED", True),
])  # fmt: skip
def test_who_comes_to_the_line_in_the_next_lane_keeps_to_its_lamp(ways, aside_m, own, beside, stops):
    """Else it crossed on red where it had found no gap to change lanes in, when its own lane's arrow turned green."""
    teacher = ways("Win", "Eout")
    course, lanes = teacher.course, teacher.town.meta["lanes"]
    line = course.stop_lines[0]
    left = course.town.lane_left.copy()
    left[line.before] = lanes["Sin"]  # as good a neighbour as any: another lamp
    course.town = replace(course.town, lane_left=left)
    x = course.path.point_at(line.s_m)[0] - 12.0
    pose = np.array([x, LANE_Y + aside_m, 0.0])
    teacher._memory.s_m = line.s_m - 12.0
    tick = teacher._tick(scene_of(teacher.town, teacher.route, 0, pose, 3.0))
    colours = tick.colours.copy()
    for onward in course.town.following(lanes["Sin"]):
        colours[course.town.lane_signal[onward]] = LampColour[beside]
    colours[line.column] = LampColour[own]
    path = np.zeros((161, 4))
    path[:, 0], path[:, 1] = x + 0.5 * np.arange(161), pose[1]
    limits = road_limits(course, tick, path, course.goal_s_m)
    before = len(limits.stops)
    perceived = signals(course, replace(tick, colours=colours), teacher._memory, limits, path)
    assert (len(limits.stops) > before) == stops
    assert (perceived.signal == LampColour.RED) == stops


def test_yellow_is_stopped_for_only_where_that_is_comfortable(ways):
    near, far = ways("Win", "Eout"), ways("Win", "Eout")
    x = near.course.path.point_at(near.course.stop_lines[0].s_m)[0]
    yellow = heads(near, LampColour.YELLOW)
    assert decide(near, (x - EGO_BODY.front_x_m - 8.0, LANE_Y, 0.0), 9.0, colour=yellow).cause != Cause.SIGNAL
    assert decide(far, (x - EGO_BODY.front_x_m - 40.0, LANE_Y, 0.0), 9.0, colour=yellow).cause == Cause.SIGNAL


def test_it_follows_a_slow_car_and_stands_behind_one_that_stops(ways):
    teacher = ways("Win", "Eout", 20.0, 60.0)

    def lead(time: float):
        x = -90.0 + 4.0 * min(time, 8.0)
        return people((Kind.CAR, x, LANE_Y, 0.0, 4.0 if time < 8.0 else 0.0, 11, 150.0 + x, 0.0))

    trace = drive(teacher, start_of(teacher), 22.0, lead, colour=heads(teacher, LampColour.GREEN))
    assert gaps(trace).min() > 1.0
    assert gaps(trace)[-1] < 4.0
    assert trace.acceleration_mps2.min() > -3.0
    assert trace.decisions[-1].why == "Waiting behind the car ahead"


def test_it_moves_over_for_a_parked_car_and_comes_back(ways):
    teacher = ways("Win", "Eout", 40.0)
    trace = drive(
        teacher,
        start_of(teacher),
        16.0,
        lambda _: people((Kind.CAR, -70.0, -2.7, 0.0, 0.0)),
        colour=heads(teacher, LampColour.GREEN),
    )
    assert gaps(trace).min() > 0.25
    assert trace.pose[-1, 0] > -50.0
    assert abs(trace.pose[-1, 1] - LANE_Y) < 0.35
    assert PathMode.NUDGE_LEFT in {d.strategy.path for d in trace.decisions}


def test_it_waits_for_somebody_who_walks_across(ways):
    teacher = ways("Win", "Eout", 60.0)

    def walker(time: float):
        return people((Kind.PEDESTRIAN, -62.0, -7.0 + 1.3 * time, np.pi / 2, 1.3))

    trace = drive(teacher, start_of(teacher), 15.0, walker, colour=heads(teacher, LampColour.GREEN))
    assert gaps(trace).min() > 1.0
    assert trace.acceleration_mps2.min() > -4.0
    assert Cause.PEDESTRIAN in {d.cause for d in trace.decisions}
    assert trace.pose[-1, 0] > -60.0  # and goes on


def test_a_left_turn_lets_oncoming_traffic_go_first(ways, small_town):
    teacher = ways("Win", "Nout", 118.0)
    lane, out = small_town.meta["lanes"]["Ein"], small_town.meta["lanes"]["Ein>Wout"]

    def oncoming(time: float):
        x = 70.0 - 8.0 * time
        place = (lane, small_town.line(lane)[0, 0] - x, 0.0) if x > 14.0 else (out, 14.0 - x, 0.0)
        return people((Kind.CAR, x, 1.625, np.pi, 8.0, *place)) if x > -14.0 else people()

    trace = drive(teacher, start_of(teacher), 25.0, oncoming, colour=heads(teacher, LampColour.GREEN))
    active = np.array([u.active.any() for u in trace.users])
    assert gaps(trace)[active].min() > 0.3
    assert Cause.RIGHT_OF_WAY in {d.cause for d in trace.decisions}
    assert trace.pose[-1, 1] > 20.0


@pytest.mark.parametrize(("last", "waits"), [("Sout", True), ("Eout", False)])
def test_turning_right_it_lets_a_rider_from_behind_go_on_first(ways, last, waits):
    """He rides up on its right at 7 m/s: straight on they share the road, in a right turn it would cut him off."""
    teacher = ways("Win", last, 118.0)

    start = start_of(teacher)

    def rider(time: float):
        return people((Kind.BICYCLE, start[0] - 6.0 + 6.0 * time, LANE_Y - 2.2, 0.0, 6.0))

    trace = drive(teacher, start, 10.0, rider, speed=4.0, colour=heads(teacher, LampColour.GREEN))
    assert gaps(trace).min() > 0.4
    told = [d for d in trace.decisions if d.cause == Cause.RIGHT_OF_WAY and d.limited_by and d.limited_by.uid == 1]
    assert bool(told) == waits


def test_whom_it_cannot_see_it_does_not_count_unless_right_ahead(ways):
    teacher = ways("Win", "Eout")
    car = people((Kind.CAR, -60.0, LANE_Y, 0.0, 0.0, 11, 90.0, 0.0))
    scene = scene_of(
        teacher.town, teacher.route, 0, (-90.0, LANE_Y, 0.0), 6.0, car, colour=heads(teacher, LampColour.GREEN)
    )
    blind = type(scene)(**{n: getattr(scene, n) for n in scene.__slots__} | {"visible": np.zeros(1, bool)})
    ego = Observation(0, (), EgoState(0, 6.0, 0.0, 0.0, 0.0, np.zeros(3)))
    assert teacher.drive_scene(blind, ego).cause == Cause.FREE
    assert ways("Win", "Eout").drive_scene(scene, ego).cause == Cause.LEAD


@pytest.mark.parametrize(("ahead_m", "goes_on"), [(0.4, True), (3.4, False)])
def test_who_stands_at_its_flank_does_not_keep_it_there_but_who_stands_at_its_nose_does(ways, ahead_m, goes_on):
    """A walker squeezed between the ego and a wall stood and waited for the ego, and the ego for him."""
    teacher = ways("Win", "Eout", 50.0)
    aside_m = 1.31 if goes_on else 0.8
    walker = people((Kind.PEDESTRIAN, -99.0 + ahead_m, LANE_Y - aside_m, np.pi - 0.3, 0.0))
    ego = Observation(0, (), EgoState(0, 0.0, 0.0, 0.0, 0.0, np.zeros(3)))
    fastest, lamps = [], heads(teacher, LampColour.GREEN)
    for tenth in range(110):
        scene = scene_of(teacher.town, teacher.route, tenth, (-99.0, LANE_Y, 0.0), 0.0, walker, colour=lamps)
        fastest.append(teacher.drive_scene(scene, ego).plan.speed_mps.max())
    assert (max(fastest[100:]) > 0.3) == goes_on


@pytest.mark.parametrize(("kind", "kept_s"), [(Kind.CHILD, 3.0), (Kind.CAR, 1.0)])
def test_a_child_that_ran_behind_a_parked_car_is_expected_to_come_out(ways, kind, kept_s):
    teacher = ways("Win", "Eout")
    known = people((kind, -60.0, LANE_Y - 6.0, np.pi / 2, 1.5))
    seen_ns, counts = {}, []
    for tenth in range(40):
        scene = scene_of(teacher.town, teacher.route, tenth, (-90.0, LANE_Y, 0.0), 6.0, known)
        scene = replace(scene, visible=np.array([tenth == 0]))
        counts.append(len(counted(scene, teacher.ground, seen_ns, {}, set(), {}, {}).users))
    assert sum(counts) == round(kept_s * 10) + 1 and counts[0] == 1


@settings(max_examples=25, deadline=None)
@given(st.floats(-1.0, 1.0), st.floats(-0.21, 0.21), st.floats(0.0, 10.0), st.floats(-100.0, -45.0))
@example(-0.5, -0.125, 0.0, -45.0)
def test_from_any_pose_near_its_route_the_path_is_tangent_drivable_and_leads_back(ways, left, turn, speed, x):
    teacher = ways("Win", "Eout", 20.0)
    plan = decide(teacher, (x, LANE_Y + left, turn), speed, colour=heads(teacher, LampColour.GREEN)).plan
    assert abs(np.arctan2(plan.path[0, 1], plan.path[0, 0])) < 0.1  # tangent to the ego
    cos, sin = np.cos(turn), np.sin(turn)
    world_y = LANE_Y + left + sin * plan.path[:, 0] + cos * plan.path[:, 1]
    assert abs(world_y[PATH_DISTANCES_M >= 30.0] - LANE_Y).max() < 0.4
    full = np.concatenate([[[0.0, 0.0]], plan.path])
    step = np.diff(full, axis=0)
    assert np.hypot(*step.T) == pytest.approx(np.diff(np.r_[0.0, PATH_DISTANCES_M]), rel=0.06)
    heading = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    assert np.abs(np.diff(heading)[:9]).max() < 1.0 / 5.0  # per metre


def test_a_snapshot_brings_the_same_decision_back(ways):
    teacher = ways("Win", "Eout")
    car = people((Kind.CAR, -70.0, -2.7, 0.0, 0.0))
    decide(teacher, (-90.0, LANE_Y, 0.0), 5.0, car)
    kept = teacher.snapshot()
    first = decide(teacher, (-89.0, LANE_Y, 0.0), 5.0, car)
    decide(teacher, (-60.0, LANE_Y, 0.0), 8.0)
    teacher.restore(kept)
    again = decide(teacher, (-89.0, LANE_Y, 0.0), 5.0, car)
    assert np.array_equal(first.plan.path, again.plan.path)
    assert np.array_equal(first.plan.speed_mps, again.plan.speed_mps)
    assert first.why == again.why


def test_a_stop_that_is_planned_is_named_stop(ways):
    teacher = ways("Win", "Eout")
    x = teacher.course.path.point_at(teacher.course.stop_lines[0].s_m)[0]
    decision = decide(teacher, (x - 12.0, LANE_Y, 0.0), 4.0, colour=heads(teacher, LampColour.RED))
    assert decision.strategy.pace == Pace.STOP
    assert decision.plan.speed_mps[-1] < 0.3


def test_who_drives_on_a_bridge_above_is_not_waited_for(ways):
    """Under an elevated road it would brake for every car up there, and stand below the queue of a red light."""
    teacher = ways("Win", "Eout")
    pose = start_of(teacher)
    ahead = people((Kind.CAR, pose[0] + 12.0, LANE_Y, 0.0, 0.0), (Kind.PEDESTRIAN, pose[0] + 20.0, LANE_Y, 1.57, 0.0))
    below = decide(teacher, pose, users=ahead)
    teacher.reset(0)
    above = decide(teacher, pose, users=replace(ahead, z_m=ahead.z_m + 6.0))
    teacher.reset(0)
    alone = decide(teacher, pose)
    assert below.plan.speed_mps.max() < alone.plan.speed_mps.max() - 1.0
    assert np.array_equal(above.plan.speed_mps, alone.plan.speed_mps) and above.why == alone.why
