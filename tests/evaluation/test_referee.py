"""The referee decides what counts: it must see every fault that is staged, and none where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.core.decision import Cause, LampColour
from xiaolu.core.frames import to_child, to_parent
from xiaolu.core.users import Gesture, Kind, empty_users
from xiaolu.evaluation.referee import Referee
from xiaolu.evaluation.track import WHEELS_M, Track, overtakes
from xiaolu.measures import interventions as rules
from xiaolu.ride.config import RideConfig
from xiaolu.ride.follower import Follower
from xiaolu.ride.ride import Ride
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath, RoutePlan
from xiaolu.world.town import Turn
from xiaolu.world.world import World


@pytest.fixture(scope="module")
def ride_steps(small_town):
    """Steps of an empty road: a follower drives its line for 12 s."""
    config = RideConfig(small_town, 3, length_m=180.0, users=4, density=0.0).with_route()
    ride = Ride(config, Follower(small_town, config.route), world=World(small_town, users=4, density=0.0))
    steps = []
    while not ride.done and len(steps) < 120:
        steps.append(ride.step())
    return config, steps


def referee_of(config, steps):
    referee = Referee(config.town, RoutePath(config.town, config.route), Ground(config.town))
    for step in steps:
        referee.on_step(step)
    return referee


def with_scene(step, **changes):
    return replace(step, scene=replace(step.scene, **changes))


def kinds(events):
    return [event.kind for event in events]


def test_a_clean_ride_has_no_intervention(ride_steps):
    config, steps = ride_steps
    judgement = referee_of(config, steps).judge(True, "arrived")
    assert [k for k in kinds(judgement.events) if k in rules.CRITICAL and k != rules.RED_LINE] == []
    assert judgement.own_m == pytest.approx(judgement.progress_m, abs=12.0)
    assert [score.name for score in judgement.scores if not score.valid] == ["word_action_consistency"], "it is silent"


def test_a_wheel_on_the_pavement_is_seen(ride_steps):
    config, steps = ride_steps
    x, y, yaw = steps[60].scene.ego_pose
    beside = np.array([x + 2.5 * np.sin(yaw), y - 2.5 * np.cos(yaw), yaw])
    staged = [*steps[:60], with_scene(steps[60], ego_pose=beside), *steps[61:80]]
    assert rules.OFF_ROAD in kinds(referee_of(config, staged).judge(False, "").counted)


@pytest.mark.parametrize(
    ("kind", "ahead_m", "left_m", "speed_mps", "yaw_rad", "expected"),
    [
        (Kind.E_BIKE, 20.0, -2.5, 3.0, 0.0, True),
        (Kind.BICYCLE, -5.0, -2.5, 3.0, 0.0, True),
        (Kind.E_BIKE, 40.0, -2.5, 3.0, 0.0, False),  # far ahead
        (Kind.E_BIKE, 20.0, 2.5, 3.0, 0.0, False),  # on the left
        (Kind.E_BIKE, 20.0, -2.5, 9.0, 0.0, False),  # it rides away
        (Kind.E_BIKE, 20.0, -2.5, 0.0, 0.0, False),  # it stands
        (Kind.E_BIKE, 20.0, -2.5, 3.0, np.pi, False),  # it comes
        (Kind.CAR, 20.0, -2.5, 3.0, 0.0, False),  # a queue is not overtaken like this
    ],
)
def test_who_overtakes_riders_is_known(ride_steps, kind, ahead_m, left_m, speed_mps, yaw_rad, expected):
    _, steps = ride_steps
    scene, users = steps[50].scene, empty_users(1)
    place = to_parent(scene.ego_pose, np.array([ahead_m, left_m]))
    users.uid[0], users.active[0], users.kind[0], users.speed_mps[0] = 1, True, kind, speed_mps
    users.x_m[0], users.y_m[0], users.yaw_rad[0] = *place, scene.ego_pose[2] + yaw_rad
    assert overtakes(replace(scene, users=users, ego_speed_mps=7.0)) == expected


@pytest.mark.parametrize(
    ("kind", "ahead_m", "visible", "share"),
    [
        (Kind.OFFICER, 20.0, True, 1.0),
        (Kind.OFFICER, 20.0, False, 0.0),  # no camera sees it
        (Kind.OFFICER, -20.0, True, 0.0),  # it is behind
        (Kind.PEDESTRIAN, 20.0, True, 0.0),  # a passer-by is no signal
    ],
)
def test_an_officials_sign_is_a_cause_where_no_stop_line_is(ride_steps, kind, ahead_m, visible, share):
    config, steps = ride_steps
    unlit = np.full_like(config.town.lane_signal, -1)
    town = replace(config.town, stop_s_m=np.full_like(config.town.stop_s_m, np.nan), lane_signal=unlit)
    staged = []
    for step in steps[40:60]:
        users = empty_users(1)
        place = to_parent(step.scene.ego_pose, np.array([ahead_m, 2.0]))
        users.uid[0], users.active[0], users.kind[0] = 1, True, kind
        users.x_m[0], users.y_m[0] = place
        said = replace(
            step.decision,
            why="Slowing for the officer's sign 16 m ahead",
            cause=Cause.SIGNAL,
            plan=replace(step.decision.plan, speed_mps=np.linspace(step.scene.ego_speed_mps, 0.0, 10)),
        )
        staged.append(replace(with_scene(step, users=users, visible=np.array([visible])), decision=said))
    referee = Referee(town, RoutePath(town, config.route), Ground(town))
    for step in staged:
        referee.track.add(step)
    column = referee.track.column
    assert column("claims").all() and column("claims_hold").all()
    assert float((column("cause_exists") & column("cause_visible")).mean()) == share


@pytest.mark.parametrize("by_user", [False, True])
def test_a_contact_is_counted_unless_the_user_caused_it(ride_steps, by_user):
    config, steps = ride_steps
    users = steps[50].scene.users
    touching = np.zeros(len(users), bool)
    touching[2] = True
    users = replace(users, uid=np.arange(len(users)), active=np.zeros(len(users), bool))
    hit = with_scene(steps[50], touching=touching, caused_by_user=touching & by_user, users=users)
    judgement = referee_of(config, [*steps[:50], hit, *steps[51:80]]).judge(False, "")
    assert (rules.CONTACT in kinds(judgement.counted)) is not by_user
    assert (rules.CONTACT_BY_USER in kinds(judgement.events)) is by_user


def test_braking_beyond_the_bound_is_seen_at_once(ride_steps):
    config, steps = ride_steps
    referee = Referee(config.town, RoutePath(config.town, config.route), Ground(config.town))
    seen = []
    for number, step in enumerate(steps[:90]):
        referee.on_step(with_scene(step, ego_acceleration_mps2=-6.5) if number == 40 else step)
        event = referee.fresh_intervention()
        if event is not None:
            seen.append((number, event.kind))
    assert seen == [(40, rules.HARD_BRAKE)]


def named(step):
    users = step.scene.users
    return with_scene(step, users=replace(users, uid=np.where(users.active, 1 + np.arange(len(users)), -1)))


def test_braking_for_who_left_no_room_is_not_the_egos_own(ride_steps):
    """Somebody stands across its way all at once; the rule itself has its cases in `measures`."""
    config, steps = ride_steps
    ahead = 3.75 + 0.9 + 3.0
    staged = [
        *steps[:58],
        *[named(around(step, (ahead - k * 0.6, 0.0, np.pi / 2, 4.6, 1.8))) for k, step in enumerate(steps[58:61])],
    ]
    staged[-1] = with_scene(staged[-1], ego_acceleration_mps2=-6.5)
    found = kinds(referee_of(config, staged).judge(False, "").events)
    assert rules.HARD_BRAKE_PROVOKED in found and rules.HARD_BRAKE not in found
    assert rules.HARD_BRAKE not in kinds(referee_of(config, staged).judge(False, "").counted)


def test_the_distance_after_an_intervention_is_not_the_drivers(ride_steps):
    config, steps = ride_steps
    clean = referee_of(config, steps).judge(True, "arrived")
    staged = [*steps[:30], with_scene(steps[30], ego_acceleration_mps2=-6.5), *steps[31:]]
    judged = referee_of(config, staged).judge(True, "arrived")
    window = sum(abs(step.scene.ego_speed_mps) * 0.1 for step in steps[31 : 31 + int(rules.WINDOW_S * 10)])
    assert judged.own_m == pytest.approx(clean.own_m - window, abs=0.5)


def test_the_signal_column_shows_what_the_approach_shows(ride_steps):
    """Where a stop line governs, the track's colour is one that the route's connection really has at that time."""
    config, steps = ride_steps
    track = Track(config.town, RoutePath(config.town, config.route), Ground(config.town))
    for step in steps:
        track.add(step)
    governed = np.isfinite(track.column("line_ahead_m"))
    assert governed.any(), "the hand-made crossroads has signals on every approach"
    assert set(track.column("signal_colour")[governed]) <= {int(c) for c in LampColour} - {int(LampColour.NONE)}


def around(step, *places):
    """The step with users (ahead, left, turned, length, width) placed in the ego's frame, and nobody else."""
    users = step.scene.users
    fresh = replace(
        users, active=np.arange(len(users)) < len(places), **{n: np.array(getattr(users, n)) for n in POSED}
    )
    x, y, yaw = step.scene.ego_pose
    for k, (ahead, left, turned, length, width) in enumerate(places):
        fresh.x_m[k] = x + np.cos(yaw) * ahead - np.sin(yaw) * left
        fresh.y_m[k] = y + np.sin(yaw) * ahead + np.cos(yaw) * left
        fresh.yaw_rad[k], fresh.length_m[k], fresh.width_m[k] = yaw + turned, length, width
    return with_scene(step, users=fresh)


POSED = ("x_m", "y_m", "yaw_rad", "length_m", "width_m")


def test_who_is_on_a_bridge_above_is_neither_passed_nor_in_the_way(ride_steps):
    """Below an elevated road every rider up there would be one that was passed too closely."""
    config, steps = ride_steps
    for higher, counts in ((0.0, True), (6.0, False)):
        track = Track(config.town, RoutePath(config.town, config.route), Ground(config.town))
        step = around(steps[20], (5.0, 0.0, 0.0, 1.8, 0.7))
        users = step.scene.users
        rider = np.full(len(users), Kind.E_BIKE, users.kind.dtype)
        track.add(with_scene(step, users=replace(users, kind=rider, z_m=users.z_m * 0.0 + higher)))
        assert bool(np.isfinite(track.column("clearance_m")[0]).any()) is counts
        assert bool(track.column("way_free")[0]) is not counts


@pytest.mark.parametrize(
    ("place", "free"),
    [
        ((9.0, 0.0, 0.0, 4.6, 1.8), False),  # right ahead
        ((8.0, 2.9, np.pi / 2, 4.6, 1.8), False),  # across the way: its middle is beside it, its nose is not
        ((8.0, 2.9, 0.0, 4.6, 1.8), True),  # in the next lane
        ((8.0, 4.2, np.pi / 2, 4.6, 1.8), True),  # across, but short of the way
        ((-4.0, 0.0, 0.0, 4.6, 1.8), True),  # behind
        ((20.0, 0.0, 0.0, 4.6, 1.8), True),  # far enough to start
    ],
)
def test_the_way_is_free_unless_an_outline_reaches_into_it(ride_steps, place, free):
    config, steps = ride_steps
    track = Track(config.town, RoutePath(config.town, config.route), Ground(config.town))
    track.add(around(steps[20], place))
    assert bool(track.column("way_free")[0]) is free


def test_the_way_bends_with_the_route(ride_steps):
    """Who stands straight ahead, where the route turns off, blocks nothing; who stands round the corner does."""
    config, steps = ride_steps
    path = RoutePath(config.town, config.route)
    turning = int(np.abs(path.curvature_1pm).argmax())
    s_m = max(path.s_m[turning] - 5.0, 0.0)
    pose = path.point_at(s_m)
    step = with_scene(steps[20], ego_pose=np.array(pose))
    there = path.point_at(s_m + 11.0)
    ahead, left = to_child(np.array(pose), there[None, :2])[0]
    assert abs(left) > 2.5, "the hand-made route turns sharply"
    for place, free in (((ahead, left, 0.0, 0.5, 0.5), False), ((ahead + 6.0, 0.0, 0.0, 0.5, 0.5), True)):
        track = Track(config.town, path, Ground(config.town))
        track._s_m = s_m  # as if it had driven there
        track.add(around(step, place))
        assert bool(track.column("way_free")[0]) is free


def test_beside_a_ramp_the_wheels_are_judged_on_the_routes_own_layer(small_town, ride_steps):
    """A ramp that rises beside the lane and passes nearer to the ego than its own lane's middle is not its ground."""
    config, steps = ride_steps
    town, path = small_town, RoutePath(small_town, config.route)
    own, ramp = path.lane_at(20.0), small_town.meta["lanes"]["narrow_out"]
    first, last = int(town.point_start[ramp]), int(town.point_start[ramp + 1])
    line = town.line(int(own))
    along = np.linspace(0.0, len(line) - 1.0, last - first)
    raised = np.stack([np.interp(along, np.arange(len(line)), c) for c in line.T], axis=1)
    way = raised[-1] - raised[0]
    raised[:, :2] += 1.2 * np.array([-way[1], way[0]]) / np.hypot(way[0], way[1])
    points = np.array(town.points)
    points[first:last] = raised + np.array([0.0, 0.0, 6.0])
    layer, width, length = np.array(town.lane_layer), np.array(town.lane_width_m), np.array(town.lane_length_m)
    layer[ramp], width[ramp] = 1, 2.0
    length[ramp] = np.hypot(*np.diff(raised[:, :2], axis=0).T).sum()
    with_ramp = replace(town, points=points, lane_layer=layer, lane_width_m=width, lane_length_m=length)
    x, y, yaw = path.point_at(20.0)
    beside = np.array([x - 0.65 * np.sin(yaw), y + 0.65 * np.cos(yaw), yaw])
    ground = Ground(with_ramp)
    assert ground.nearest(*to_parent(beside, np.array([1.4, 0.0])), yaw=yaw)[0] == ramp
    assert ground.off_road_m(to_parent(beside, WHEELS_M), 1).max() > rules.OFF_ROAD_M
    track = Track(with_ramp, path, ground)
    track.add(with_scene(steps[20], ego_pose=beside))
    assert track.column("off_road_m").max() == 0.0


def test_an_unknown_column_names_the_known_ones(small_town, ride_steps):
    config, _ = ride_steps
    track = Track(small_town, RoutePath(small_town, config.route), Ground(small_town))
    with pytest.raises(KeyError, match="known are"):
        track.column("velocity")


def by_signals(town, steps, shows, officers=()):
    """Return the steps with every head showing what `shows` (signal -> colour) says, and officers standing about."""
    colour = np.array([shows[int(signal)] for signal in town.lane_signal[town.head_lane]], np.int8)
    users = empty_users(4)
    for slot, (gesture, yaw) in enumerate(officers):
        users.uid[slot], users.active[slot], users.kind[slot] = slot, True, Kind.OFFICER
        users.gesture[slot], users.yaw_rad[slot], users.x_m[slot], users.y_m[slot] = gesture, yaw, 4.0, 7.0
    nothing = np.zeros(4, bool)
    changed = {"signal_colour": colour, "signal_countdown_s": np.full(len(colour), np.nan), "users": users}
    changed |= {"visible": users.active, "touching": nothing, "caused_by_user": nothing}
    return [with_scene(step, **changed) for step in steps]


@pytest.fixture(scope="module")
def left_turn(small_town):
    """A left turn from the west over an empty crossroads that has waiting areas; the follower heeds no signal."""
    waiting = np.full(small_town.lanes, np.nan)
    waiting[(small_town.lane_turn == Turn.LEFT) & (small_town.lane_signal >= 0)] = 9.0
    town = replace(small_town, waiting_s_m=waiting)
    lanes = [town.meta["lanes"][name] for name in ("Win", "Win>Nout", "Nout")]
    length = 40.0 + float(town.lane_length_m[lanes[1]]) + 40.0
    route = RoutePlan(np.array(lanes), float(town.lane_length_m[lanes[0]]) - 40.0, 40.0, length)
    config = RideConfig(town, 3, length_m=length, route=route, users=4, density=0.0)
    ride = Ride(config, Follower(town, route), world=World(town, users=4, density=0.0))
    steps = []
    while not ride.done and len(steps) < 200:
        steps.append(ride.step())
    return config, steps


RED, GREEN = LampColour.RED, LampColour.GREEN
ALL_RED, ALL_GREEN = dict.fromkeys(range(6), RED), dict.fromkeys(range(6), GREEN)
STRAIGHT_GREEN = ALL_RED | {0: GREEN}  # signal 0: straight on along x; 1: left from there
FROM_WEST_FACED, FROM_WEST_LEFT = np.pi, np.pi / 2  # where an officer looks who has traffic from the west there


def red_lines(config, steps):
    return [e for e in referee_of(config, steps).judge(True, "arrived").events if e.kind == rules.RED_LINE]


def test_beyond_the_waiting_area_the_second_line_counts(left_turn):
    config, steps = left_turn
    assert red_lines(config, by_signals(config.town, steps, ALL_GREEN)) == []
    first, second = red_lines(config, by_signals(config.town, steps, ALL_RED))
    only = red_lines(config, by_signals(config.town, steps, STRAIGHT_GREEN))
    assert [event.from_ns for event in only] == [second.from_ns] and first.from_ns < second.from_ns
    without = replace(config, town=replace(config.town, waiting_s_m=np.full(config.town.lanes, np.nan)))
    assert [e.from_ns for e in red_lines(without, by_signals(config.town, steps, STRAIGHT_GREEN))] == [first.from_ns]


def test_an_officer_outranks_the_lamps(left_turn):
    config, steps = left_turn
    go = [(Gesture.POLICE_LEFT, FROM_WEST_LEFT)]
    stop = [(Gesture.POLICE_STOP, FROM_WEST_FACED)]
    behind = [(Gesture.POLICE_STOP, 0.0)]
    assert red_lines(config, by_signals(config.town, steps, ALL_RED, go)) == []
    held = red_lines(config, by_signals(config.town, steps, ALL_GREEN, stop))
    assert held and all(event.detail == "against an officer" for event in held)
    assert red_lines(config, by_signals(config.town, steps, ALL_GREEN, behind)) == []


def test_whom_an_officer_let_go_is_not_held_by_the_second_lamp_once_he_is_out_of_sight(left_turn):
    config, steps = left_turn
    first, second = red_lines(config, by_signals(config.town, steps, ALL_RED))
    go = by_signals(config.town, steps, ALL_RED, [(Gesture.POLICE_LEFT, FROM_WEST_LEFT)])
    wait = by_signals(config.town, steps, ALL_RED, [(Gesture.POLICE_LEFT_WAITING, FROM_WEST_LEFT)])
    alone = by_signals(config.town, steps, ALL_RED)
    over = next(k for k, step in enumerate(steps) if step.scene.stamp_ns > first.from_ns) + 2
    assert red_lines(config, go[:over] + alone[over:]) == []
    assert [e.from_ns for e in red_lines(config, wait[:over] + alone[over:])] == [second.from_ns]


def test_a_dark_signal_forbids_nothing(left_turn):
    config, steps = left_turn
    dark = dict.fromkeys(range(6), LampColour.DARK)
    assert red_lines(config, by_signals(config.town, steps, dark)) == []
