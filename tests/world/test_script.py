"""What a user would lose: actors who do what a script says when it says so, seen and avoided like anybody."""

from dataclasses import replace

import numpy as np
import pytest

from tests.world.test_world import START, moving, same
from xiaolu.core.decision import LampColour
from xiaolu.core.users import Gesture, Kind, Thing
from xiaolu.world.scenarios.streets import streets_of
from xiaolu.world.script import FACE_EGO, Act, Actor, Heed, Hinge, Script, When
from xiaolu.world.state import fork, pick
from xiaolu.world.world import World

SIZE = {
    Kind.CAR: (4.6, 1.8, 1.5), Kind.CHILD: (0.35, 0.4, 1.2), Kind.PEDESTRIAN: (0.4, 0.5, 1.7),
    Kind.OBJECT: (1.0, 0.1, 1.0), Kind.OFFICER: (0.4, 0.55, 1.75),
}  # fmt: skip


def actor(name, kind, x, y, yaw, *acts, line=None, **more):
    lines = () if line is None else (np.column_stack([np.array(line, float), np.zeros(len(line))]),)
    length, width, height = SIZE[kind]
    return Actor(name, kind, (x, y, 0.0, yaw), length, width, height, lines=lines, acts=acts, **more)


@pytest.fixture(scope="module")
def empty(small_town) -> World:
    return World(small_town, users=6, density=0.0)


def play(world, seconds, speed_mps=0.0, seed=3, state=None):
    """Return the states of a ride, tick by tick; speed_mps a number or a function of the time."""
    state = world.start(seed, START) if state is None else state
    states = [state]
    for tick in range(round(seconds * 10)):
        speed = speed_mps(tick / 10) if callable(speed_mps) else speed_mps
        states.append(world.step(states[-1], moving(states[-1], speed)))
    return states


def column(states, name, n=0):
    return np.array([getattr(state.users, name)[0, n] for state in states])


def act_of(states, n=0):
    return np.array([state.minds.act[0, n] for state in states])


def test_a_child_runs_when_the_ego_is_near_and_stands_until_then(empty):
    child = actor("child", Kind.CHILD, -20.0, -6.0, np.pi / 2, Act(speed_mps=0.0),
                  Act("runs", When.EGO_ARRIVES_S, 2.0, speed_mps=2.5, acceleration_mps2=3.0, heeds=Heed.NONE),
                  line=[(-20.0, -6.0), (-20.0, 6.0)])  # fmt: skip
    states = play(empty.staged(Script((child,))), 12.0, 5.0)
    y, x = column(states, "y_m"), np.array([s.ego.x_m[0] for s in states])
    started = int(np.argmax(act_of(states) == 2))
    front = x[started - 1] + 3.75
    assert started > 0 and 4.0 < -20.0 - front < 10.6
    assert np.abs(y[:started] + 6.0).max() < 0.1
    assert column(states, "speed_mps")[started + 12] == pytest.approx(2.5, abs=0.05)
    assert y[-1] > 5.0


def test_who_waits_round_a_bend_does_not_come_while_the_ego_is_abreast_of_it_in_another_street(empty):
    """Straight on, an ego in the street before the bend is abreast of it long before it gets there."""
    acts = [Act(speed_mps=0.0), Act("runs", When.EGO_ARRIVES_S, 2.0, speed_mps=2.5)]
    line = [(-40.0, -36.0), (-30.0, -36.0)]
    near = actor("near", Kind.CHILD, -40.0, -36.0, 0.0, *acts, line=line)
    there = replace(acts[1], gate=(-35.0, -36.0, -np.pi / 2))
    round_it = actor("round", Kind.CHILD, -40.0, -36.0, 0.0, acts[0], there, line=line)
    assert act_of(play(empty.staged(Script((near,))), 8.0, 5.0))[-1] == 2
    assert act_of(play(empty.staged(Script((round_it,))), 8.0, 5.0))[-1] == 1
    meets = replace(acts[1], gate=(-30.0, -1.6, 0.0))
    states = play(
        empty.staged(Script((actor("on", Kind.CHILD, -40.0, -36.0, 0.0, acts[0], meets, line=line),))), 8.0, 5.0
    )
    started = int(np.argmax(act_of(states) == 2))
    front = states[started - 1].ego.x_m[0] + 3.75
    assert started > 0 and 8.0 < -30.0 - front < 10.6


def test_who_does_not_heed_the_ego_drives_on_and_who_does_waits(small_town):
    for heed, waits in ((Heed.ALL, True), (Heed.NONE, False)):
        car = actor("car", Kind.CAR, -30.0, -10.0, np.pi / 2, Act(speed_mps=4.0, heeds=heed),
                    line=[(-30.0, -10.0), (-30.0, 12.0)])  # fmt: skip
        world = World(small_town, users=2, density=0.0).staged(Script((car,)))
        start = world.start(1, np.array([-33.0, -1.6, 0.0]))
        states = play(world, 8.0, 0.0, state=start)
        assert (column(states, "y_m")[-1] < -3.0) == waits


def test_a_car_backs_up_along_its_line_and_comes_again(empty):
    car = actor("car", Kind.CAR, -20.0, 1.6, np.pi, Act(speed_mps=3.0),
                Act("back", When.OWN_M, 9.0, speed_mps=-1.5), Act("again", When.AFTER_S, 6.0, speed_mps=3.0),
                line=[(-20.0, 1.6), (-60.0, 1.6)], speed_mps=0.0)  # fmt: skip
    states = play(empty.staged(Script((car,))), 16.0)
    x, yaw, speed = column(states, "x_m"), column(states, "yaw_rad"), column(states, "speed_mps")
    assert np.abs(np.cos(yaw) + 1.0).max() < 0.01  # it never turns round
    assert speed.min() == pytest.approx(-1.5, abs=0.05)
    assert np.abs(np.diff(x) + 0.05 * (speed[1:] + speed[:-1])).max() < 0.02  # no jump: it moves as its speed says
    assert x[act_of(states) == 2].max() - x[act_of(states) == 1].min() > 2.0 and x[-1] < x[act_of(states) == 2].max()


def test_a_walker_turns_back_midway(empty):
    walker = actor("walker", Kind.PEDESTRIAN, -40.0, -6.0, np.pi / 2,
                   Act("back", When.OWN_M, 5.0, turns_back=True), line=[(-40.0, -6.0), (-40.0, 6.0)])  # fmt: skip
    y = column(play(empty.staged(Script((walker,))), 14.0), "y_m")
    assert -1.5 < y.max() < 0.5 and y[-1] < -4.5


def test_a_hand_is_shown_to_whom_it_is_meant_for(empty):
    officer = actor("officer", Kind.OFFICER, -30.0, 4.0, 0.0, Act(faces_rad=FACE_EGO),
                    Act("stop", When.EGO_WITHIN_M, 25.0, gesture=int(Gesture.POLICE_STOP)),
                    Act("go", When.EGO_STANDS_S, 2.0, gesture=int(Gesture.POLICE_STRAIGHT)),
                    Act("done", When.EGO_GOES, gesture=-1))  # fmt: skip
    states = play(empty.staged(Script((officer,))), 14.0, lambda t: 4.0 if t < 4.0 or t > 8.0 else 0.0)
    gesture, gesture_s = column(states, "gesture"), column(states, "gesture_s")
    order = [int(g) for g in dict.fromkeys(gesture)]
    assert order == [Gesture.NONE, Gesture.POLICE_STOP, Gesture.POLICE_STRAIGHT]
    assert gesture[-1] == Gesture.NONE and act_of(states)[-1] == 4
    first = int(np.argmax(gesture == Gesture.POLICE_STRAIGHT))
    assert gesture_s[first] == 0.0 and gesture_s[first + 10] == pytest.approx(1.0)
    last = states[first]
    towards = np.arctan2(last.ego.y_m[0] - 4.0, last.ego.x_m[0] + 1.4 + 30.0)
    assert np.cos(column(states, "yaw_rad")[first] - towards) > 0.99


def test_a_door_opens_about_its_hinge_and_stands_in_the_way(empty):
    door = actor("door", Kind.OBJECT, -30.0, -3.3, 0.0, Act("opens", When.EGO_PAST, gate=(-45.0, -1.6, 0.0),
                 yaw_rad=-1.1, in_s=0.8), style=int(Thing.CAR_DOOR), parked=True, hinge=Hinge.FRONT)  # fmt: skip
    states = play(empty.staged(Script((door,))), 8.0, 4.0)
    x, y, yaw = (column(states, name) for name in ("x_m", "y_m", "yaw_rad"))
    hinge = np.stack([x + 0.5 * np.cos(yaw), y + 0.5 * np.sin(yaw)], -1)
    assert np.abs(hinge - [-29.5, -3.3]).max() < 1e-6
    assert yaw[0] == 0.0 and yaw[-1] == pytest.approx(-1.1)
    opened = int(np.argmax(yaw < 0.0))
    assert -45.3 < states[opened - 2].ego.x_m[0] + 3.75 < -44.0


def test_triggers_of_signals_and_of_other_actors(empty, small_town):
    signal = int(small_town.lane_signal[small_town.meta["lanes"]["Win>Eout"]])
    first = actor("first", Kind.PEDESTRIAN, -30.0, 8.0, 0.0,
                  Act("green", When.LAMP, int(LampColour.GREEN), signal=signal))  # fmt: skip
    second = actor("second", Kind.PEDESTRIAN, -30.0, 9.0, 0.0, Act("too", When.ACTOR, other=0, other_act=1))
    world = empty.staged(Script((first, second)))
    states = play(world, 90.0)
    came = int(np.argmax(act_of(states) == 1))
    head = int(np.flatnonzero(small_town.head_lane == small_town.meta["lanes"]["Win>Eout"])[0])

    def colour(tick):
        return world.scene(states[tick], 0, 0, np.zeros(1), 0.0, None).signal_colour[head]

    assert came > 1 and colour(came) == LampColour.GREEN and colour(came - 1) != LampColour.GREEN
    assert act_of(states, 1)[came] == 1
    scene = world.scene(states[-1], 0, 0, np.zeros(1), 0.0, None)
    assert scene.acts.tolist() == [0, 0]


def test_who_overtakes_pulls_in_once_it_is_ahead_however_fast_the_ego_is(empty):
    for ego_mps in (3.0, 6.0):
        car = actor("car", Kind.CAR, -80.0, 1.6, 0.0, Act(speed_mps=9.0, heeds=Heed.NONE),
                     Act("pulls in", When.AHEAD_OF_EGO_M, 3.0, offset_m=-3.2),
                     line=[(-80.0, 1.6), (120.0, 1.6)])  # fmt: skip
        states = play(empty.staged(Script((car,))), 15.0, ego_mps)
        began = int(np.argmax(act_of(states) == 2))
        front = states[began - 1].ego.x_m[0] + 3.75
        ahead = column(states, "x_m")[began - 1] - 0.5 * SIZE[Kind.CAR][0] - front
        assert began > 10 and 3.0 <= ahead < 4.0
        assert column(states, "y_m")[began - 1] == pytest.approx(1.6, abs=0.02)


def test_a_cut_in_moves_over_and_a_walker_is_gone_once_out_of_sight(empty):
    car = actor("car", Kind.CAR, -70.0, 1.6, 0.0, Act(speed_mps=8.0, heeds=Heed.NONE),
                Act("cuts in", When.OWN_M, 20.0, offset_m=-3.2, sideways_mps=1.2),
                line=[(-70.0, 1.6), (60.0, 1.6)])  # fmt: skip
    walker = actor("walker", Kind.PEDESTRIAN, -40.0, 12.0, 0.0, Act(vanishes=True), line=[(-40.0, 12.0), (60.0, 12.0)])
    states = play(empty.staged(Script((car, walker))), 12.0)
    y = column(states, "y_m")
    assert y[0] == pytest.approx(1.6) and y[-1] == pytest.approx(-1.6, abs=0.05)
    assert np.abs(np.diff(y)).max() < 0.13
    assert not column(states, "active", 1)[-1] or np.hypot(column(states, "x_m", 1)[-1] + 58.6, 13.6) < 60.0


def test_forks_and_repeats_are_the_same_bit_for_bit(small_town):
    world = World(small_town, users=20, density=1.0)
    child = actor("child", Kind.CHILD, -20.0, -6.0, np.pi / 2, Act(speed_mps=0.0),
                  Act("runs", When.EGO_ARRIVES_S, 2.0, speed_mps=2.5), line=[(-20.0, -6.0), (-20.0, 6.0)])  # fmt: skip
    script = Script((child,), clear=np.array([[-20.0, 0.0, 20.0]]))
    one, two = play(world.staged(script), 6.0, 4.0), play(world.staged(script), 6.0, 4.0)
    assert same(one[-1], two[-1])
    both = fork(one[30], 0, 2)
    on = play(world.staged(script), 3.0, 4.0, state=both)[-1]
    assert same(pick(on, 1), one[-1])
    start = one[0]
    others = start.users.active[0] & (start.minds.actor[0] < 0) & ~start.minds.parked[0]
    assert others.sum() > 3
    assert np.hypot(start.users.x_m[0][others] + 20.0, start.users.y_m[0][others]).min() > 20.0


def test_ambient_users_brake_for_an_actor(small_town):
    blocked = actor("box", Kind.OBJECT, -60.0, 1.62, 0.0, style=int(Thing.BOX), parked=True)
    world = World(small_town, users=30, density=3.0)
    staged = world.staged(Script((blocked,)))
    state, nearest = staged.start(5, START), np.inf
    for tick in range(1200):
        if tick % 400 == 0:
            state = staged.start(5 + tick // 400, START)
        state = staged.step(state, moving(state, 0.0))
        others = state.users.active[0] & (state.minds.actor[0] < 0)
        dx, dy = state.users.x_m[0][others] + 60.0, state.users.y_m[0][others] - 1.62
        cars = state.users.kind[0][others] == Kind.CAR
        nearest = min(nearest, np.hypot(dx, dy)[cars].min(initial=np.inf))
        assert not (np.hypot(dx, dy) < 0.4).any()
    assert nearest < 12.0


def test_too_many_actors_are_refused(small_town):
    people = tuple(actor(f"p{n}", Kind.PEDESTRIAN, -30.0 + n, 9.0, 0.0) for n in range(5))
    with pytest.raises(ValueError, match="5 actors, and places for 4"):
        World(small_town, users=4).staged(Script(people))


def test_how_far_an_actor_has_gone_is_counted_over_the_lanes_it_drives_through(small_town):
    streets = streets_of(small_town)
    first = next(lane for lane in np.flatnonzero(streets.ordinary) if len(streets.on_from(int(lane), 60.0)) > 1)
    lanes = [int(first), *streets.on_from(int(first), 60.0)]
    along = float(small_town.lane_length_m[first]) - 20.0
    x, y, z, yaw = (float(v) for v in small_town.pose_at(int(first), along))
    car = Actor("car", Kind.CAR, (x, y, z, yaw), *SIZE[Kind.CAR], lanes=tuple(lanes), along_m=along,
                acts=(Act(speed_mps=5.0, heeds=Heed.NONE), Act("stops", When.OWN_M, 50.0, speed_mps=0.0)))  # fmt: skip
    states = play(World(small_town, users=2, density=0.0).staged(Script((car,))), 14.0)
    gone = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(column(states, "x_m")), np.diff(column(states, "y_m"))))])
    came = int(np.argmax(act_of(states) == 2))
    assert came > 0 and 49.0 < gone[came] < 51.5, (
        "neither at the first lane's own 50 m, which it began beyond, nor later"
    )


def test_who_changes_lanes_goes_as_far_as_its_act_says_not_to_its_own_lanes_edge(small_town):
    lane = next(int(n) for n in np.flatnonzero(streets_of(small_town).ordinary) if small_town.lane_length_m[n] > 80.0)
    x, y, z, yaw = (float(v) for v in small_town.pose_at(lane, 10.0))
    car = Actor("car", Kind.CAR, (x, y, z, yaw), *SIZE[Kind.CAR], lanes=(lane,), along_m=10.0,
                acts=(Act(speed_mps=7.0, heeds=Heed.NONE),
                      Act("changes", When.OWN_M, 10.0, offset_m=3.3, sideways_mps=2.0)))  # fmt: skip
    states = play(World(small_town, users=2, density=0.0).staged(Script((car,))), 6.0)
    assert column(states, "offset_m")[-1] == pytest.approx(3.3, abs=0.1)


def test_a_car_of_a_script_can_back_out_of_the_lane_it_began_on(small_town):
    """Else whoever meets it in a narrow street stands before it for ever."""
    first = next(int(n) for n in np.flatnonzero(streets_of(small_town).ordinary) if (small_town.next_lane == n).any())
    x, y, z, yaw = (float(v) for v in small_town.pose_at(first, 5.0))
    car = Actor("car", Kind.CAR, (x, y, z, yaw), *SIZE[Kind.CAR], lanes=(first,), along_m=5.0)
    world = World(small_town, users=2, density=0.0).staged(Script((car,)))
    ways, way = world._ways, int(world._stage.actor["way"][0])
    before = ways.before_way[ways.before_start[way] : ways.before_start[way + 1]]
    assert len(before) and small_town.next_lane[small_town.next_start[ways.way["lane"][before[0]]] :][0] == first


def test_nobody_on_foot_steps_towards_a_car_that_drives_by(empty):
    """A walker who has stepped aside wants back to his line as the ego is abreast of him."""
    x, y, _ = START
    line_y = y - 0.94 - 0.25 - 0.3
    walker = actor("walker", Kind.PEDESTRIAN, x + 30.0, line_y - 0.6, np.pi, Act(speed_mps=1.2, offset_m=0.6),
                   Act("back", When.EGO_WITHIN_M, 4.0, offset_m=0.0, sideways_mps=0.5),
                   line=[(x + 30.0, line_y), (x - 20.0, line_y)], offset_m=0.6)  # fmt: skip
    states = play(empty.staged(Script((walker,))), 12.0, 3.0)
    ego_x = np.array([s.ego.x_m[0] for s in states])
    beside = np.abs(column(states, "x_m") - ego_x - 1.4) < 2.3
    gap = np.abs(column(states, "y_m") - y) - 0.94 - 0.25
    assert beside.any() and gap[beside].min() > 0.5


def test_nobody_on_foot_walks_into_the_side_of_a_car_even_if_he_insists_on_his_way(empty):
    """A walker who heeds no car before it stepped off as the ego's nose had passed his line, and stood in its door."""
    x, y, _ = START
    walker = actor("walker", Kind.PEDESTRIAN, x + 1.4, y - 5.0, np.pi / 2, Act(speed_mps=1.2, heeds=Heed.NOT_EGO),
                   line=[(x + 1.4, y - 5.0), (x + 1.4, y + 6.0)])  # fmt: skip
    standing = play(empty.staged(Script((walker,))), 8.0, 0.0)
    assert not any(state.touching.any() for state in standing)
    assert column(standing, "y_m").max() < y - 0.94
    ahead = replace(walker, pose=(x + 7.0, y - 5.0, 0.0, np.pi / 2), lines=(walker.lines[0] + [5.6, 0.0, 0.0],))
    assert column(play(empty.staged(Script((ahead,))), 8.0, 0.0), "y_m").max() > y + 2.0


def test_nobody_drives_into_an_ego_that_stands_in_his_way_even_if_he_insists_on_it(empty):
    """A car that gave way to nobody went right through an ego that had stopped for it, in the middle of a junction."""
    x, y, _ = START
    car = actor("car", Kind.CAR, x + 1.4, y - 30.0, np.pi / 2, Act(speed_mps=6.0, heeds=Heed.NOT_EGO),
                line=[(x + 1.4, y - 30.0), (x + 1.4, y + 30.0)])  # fmt: skip
    standing = play(empty.staged(Script((car,))), 10.0, 0.0)
    assert not any(state.touching.any() for state in standing)
    assert y - 8.0 < column(standing, "y_m").max() < y - 0.94
    free = replace(car, pose=(x + 12.0, y - 30.0, 0.0, np.pi / 2), lines=(car.lines[0] + [10.6, 0.0, 0.0],))
    assert column(play(empty.staged(Script((free,))), 10.0, 0.0), "y_m").max() > y + 20.0


def test_whose_line_ends_beside_a_lane_rides_over_into_it_and_does_not_jump(empty):
    bike = actor("bike", Kind.CAR, -70.0, -5.6, 0.0, Act(speed_mps=6.0, heeds=Heed.NONE),
                 line=[(-70.0, -5.6), (-16.0, -5.6)], then_lane=True)  # fmt: skip
    states = play(empty.staged(Script((bike,))), 11.0)
    x, y = column(states, "x_m"), column(states, "y_m")
    steps = np.hypot(np.diff(x), np.diff(y))
    assert (column(states, "lane") >= 0).any(), "it has come into a lane"
    assert steps.max() < 0.75
    assert np.abs(np.diff(y)).max() < 0.25


def test_whose_line_ends_halfway_along_a_lane_goes_on_in_it(empty):
    """It stood at its line's end in the middle of the street, and the ego behind it."""
    car = actor("car", Kind.CAR, -90.0, -2.4, 0.0, Act(speed_mps=5.0, heeds=Heed.NONE),
                 line=[(-90.0, -2.4), (-70.0, -2.4)], then_lane=True)  # fmt: skip
    states = play(empty.staged(Script((car,))), 11.0)
    x, y = column(states, "x_m"), column(states, "y_m")
    assert x[-1] > -50.0 and (column(states, "lane")[-20:] >= 0).all()
    assert np.hypot(np.diff(x), np.diff(y)).max() < 0.6 and np.abs(np.diff(y)).max() < 0.25
