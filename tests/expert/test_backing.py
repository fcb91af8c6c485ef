"""What a user would lose: an ego that backs onto a parked car, or onto who stands or rides behind it."""

import numpy as np
import pytest

from tests.expert.loop import people, scene_of
from xiaolu.core.control import EGO_BODY
from xiaolu.core.users import Kind
from xiaolu.expert.backing import (
    NEAR_BEHIND_M,
    Backing,
    drivable,
    driven_back,
    opponent,
    path_back,
    roll_back,
    room_behind,
)

S_M = 40.0
LONG_M, WIDE_M = 4.6, 1.82  # of `people`'s cars, nearly


def room_m(teacher, kind: Kind, ahead_m: float, left_m: float, *driven, aside_m: float = 0.0) -> float:
    """Return how far an ego in its lane may back up with somebody about, ahead_m and left_m of its rear axle.

    driven: his speed, lane, place along and in it, if somebody sits at the wheel; aside_m: to the left of where it is
    now, that it backs to.
    """
    pose = np.array(teacher.course.path.point_at(S_M))
    c, s = np.cos(pose[2]), np.sin(pose[2])
    x, y = pose[0] + c * ahead_m - s * left_m, pose[1] + s * ahead_m + c * left_m
    scene = scene_of(teacher.town, teacher.route, 0, pose, 0.0, people((kind, x, y, pose[2], *(driven or (0.0,)))))
    teacher._memory.s_m = S_M
    tick = teacher._tick(scene)
    place = Backing(0, "car", S_M - 15.0, aside_m, 0)
    return room_behind(tick.here, path_back(teacher.course, pose, tick.s0_m, tick.d0_m, place))


def test_it_stops_short_of_who_stands_or_comes_behind_it(ways):
    teacher = ways("Win", "Eout")
    gap_m = 6.0
    behind = -EGO_BODY.rear_overhang_m - gap_m - 0.5 * LONG_M
    stands, comes = (room_m(teacher, Kind.CAR, behind, 0.0, mps, 0, 20.0, 0.0) for mps in (0.0, 1.5))
    assert stands == pytest.approx(gap_m - NEAR_BEHIND_M, abs=0.6)
    assert stands - comes == pytest.approx(3.0, abs=0.1), "two seconds of its way"


@pytest.mark.parametrize("gap_m", [0.3, 0.8, 1.4, 3.0])
def test_it_never_backs_onto_the_corner_of_what_stands_beside_its_way(ways, gap_m):
    """A body stands 0.1 m into its way: whatever the gap to it, the room ends before, and by less than 1.3 m."""
    teacher = ways("Win", "Eout")
    beside = -(0.5 * EGO_BODY.width_m + 0.5 * WIDE_M - 0.1)
    room = room_m(teacher, Kind.CAR, -EGO_BODY.rear_overhang_m - gap_m - 0.5 * LONG_M, beside)
    assert gap_m - 1.3 - NEAR_BEHIND_M <= room < gap_m
    assert room_m(teacher, Kind.CAR, -12.0, -4.0) == np.inf


@pytest.mark.parametrize("kind", [Kind.CHILD, Kind.BICYCLE])
def test_its_nose_never_swings_out_onto_who_is_beside_it(ways, kind):
    """Backing over to the right its nose swings to the left, where somebody walks or rides beside it."""
    teacher = ways("Win", "Eout")
    beside = 0.5 * EGO_BODY.width_m + 0.7
    assert room_m(teacher, kind, 3.0, beside, 0.0) == np.inf, "straight back it does not come nearer"
    assert room_m(teacher, kind, 3.0, beside, 0.0, aside_m=-1.2) < 5.0
    assert room_m(teacher, kind, -1.5, beside, 1.2, aside_m=-1.2) < 5.0, "he will be there by then"


def test_with_its_wheels_turned_the_nose_swings_out_as_it_really_will(ways):
    """The wheels stand to the right as it begins to back up straight: its nose swings left first, to a car there."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(S_M))
    path = path_back(teacher.course, pose, S_M, 0.0, Backing(0, "car", S_M - 15.0, 0.0, 0))
    ahead, left = np.array([np.cos(pose[2]), np.sin(pose[2])]), np.array([-np.sin(pose[2]), np.cos(pose[2])])
    nose = {}
    for steering in (0.0, -0.6):
        scene = scene_of(teacher.town, teacher.route, 0, pose, -1.0, steering=steering)
        real = driven_back(scene, path)
        assert np.allclose(real[0, :3], pose) and np.allclose(
            np.hypot(*np.diff(real[:12, :2], axis=0).T), 0.5, atol=0.02
        )
        front = real[:12, :2] + EGO_BODY.front_x_m * np.stack([np.cos(real[:12, 2]), np.sin(real[:12, 2])], axis=1)
        nose[steering] = ((front - pose[:2]) @ left).max()
    assert nose[0.0] < 0.05 and nose[-0.6] > 0.2
    assert ((real[:12, :2] - pose[:2]) @ ahead).min() < -5.0


def test_whom_it_waits_for_it_has_met_though_he_stands_askew(ways):
    """A car that faces the ego from 3 m aside, in a bend, is no opponent, unless it is the one in the way."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(S_M))
    x, y = (
        pose[:2]
        + 9.0 * np.array([np.cos(pose[2]), np.sin(pose[2])])
        + 3.0 * np.array([-np.sin(pose[2]), np.cos(pose[2])])
    )
    users = people((Kind.CAR, x, y, pose[2] + np.pi, 0.0, 0, 20.0, 0.0))
    here = teacher._tick(scene_of(teacher.town, teacher.route, 0, pose, 0.0, users)).here
    assert opponent(here) == -1 and opponent(here, waits_for=1) == 0


@pytest.mark.parametrize("locked", [True, False])
def test_it_makes_room_for_a_leader_that_cannot_get_on_nor_back(ways, locked):
    """The car 2 m ahead stands face to face with another: the ego, right behind it, backs up, and stays there while
    that car backs up. It does not where the road before that car is free."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(S_M))
    ahead = np.array([np.cos(pose[2]), np.sin(pose[2])])

    def decided(ticks: int, at, mps: float = 0.0):
        (x, y), (far_x, far_y) = pose[:2] + 8.05 * ahead, pose[:2] + (15.0 if locked else 40.0) * ahead
        rows = (
            (Kind.CAR, x, y, pose[2], mps, 0, 20.0, 0.0),
            (Kind.CAR, far_x, far_y, pose[2] + np.pi, 0.0, 0, 30.0, 0.0),
        )
        teacher._memory.waits_since_ns = 0
        tick = teacher._tick(scene_of(teacher.town, teacher.route, ticks, at, 0.0, people(*rows)))
        return teacher._retreat.decide(tick, teacher._memory)

    teacher._memory.s_m = S_M
    assert decided(0, pose) is None, "both have only just come to a stand"
    made = decided(100, pose)
    assert (made is not None) == locked
    if made is not None:
        assert made.plan.speed_mps.min() < -0.3 and "Backing up" in made.why
        back = pose - np.array([*(7.0 * ahead), 0.0])
        assert decided(150, back, -0.5) is not None, "it comes back: the ego keeps its distance"
        assert decided(152, back) is not None and decided(300, back) is None, "nothing came of it"


def test_who_stands_across_its_way_or_aside_of_it_has_no_way_back(ways):
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(S_M))
    place = Backing(0, "car", S_M - 6.0, 0.0, 0)
    across = pose + np.array([0.0, 0.0, 1.3])
    assert drivable(path_back(teacher.course, pose, S_M, 0.0, place), pose)
    assert not drivable(path_back(teacher.course, across, S_M, 0.0, place), across)


def test_who_is_about_to_set_off_backs_up_for_nobody(ways):
    """A car that faces the ego 4 m before it, in a road where the ego's own way round it is free."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(S_M))
    x, y = pose[:2] + 10.0 * np.array([np.cos(pose[2]), np.sin(pose[2])])
    scene = scene_of(
        teacher.town, teacher.route, 100, pose, 0.0, people((Kind.CAR, x, y, pose[2] + np.pi, 0.0, 0, 20.0, 0.0))
    )
    teacher._memory.s_m, teacher._memory.waits_since_ns = S_M, 0
    tick = teacher._tick(scene)
    assert teacher._retreat._room_for(tick, teacher._memory) is not None
    teacher._memory.sets_off = True
    assert teacher._retreat._room_for(tick, teacher._memory) is None


def test_of_two_that_meet_one_backs_up(ways):
    """A car that faces the ego 4 m before it, and backs up: the ego gives up its own backing, and waits with the next
    until that car has stood for long."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(S_M))
    x, y = pose[:2] + 10.0 * np.array([np.cos(pose[2]), np.sin(pose[2])])

    def decided(ticks: int, mps: float):
        car = (Kind.CAR, x, y, pose[2] + np.pi, mps, 0, 20.0, 0.0)
        teacher._memory.waits_since_ns = 0
        tick = teacher._tick(scene_of(teacher.town, teacher.route, ticks, pose, 0.0, people(car)))
        return teacher._retreat.decide(tick, teacher._memory)

    teacher._memory.s_m = S_M
    assert decided(100, 0.0) is not None, "it stands: the ego backs up"
    assert decided(101, -0.5) is None and teacher._memory.backing is None, "it backs up itself"
    assert decided(102, 0.0) is None
    assert decided(102 + 130, 0.0) is not None, "it has stood for 13 s, and nothing came of it"


def test_who_brakes_while_it_backs_goes_on_braking():
    """Begun anew from nothing at every moment, the brake would come too late, and then hard."""
    _, speed = roll_back(-1.4, 0.9, 0.9)
    assert speed[0] == -1.4 and (speed[1] - speed[0]) / 0.1 > 0.7


@pytest.mark.parametrize(("turned_rad", "backs_off"), [(np.pi, True), (0.0, False)])
def test_who_faces_it_before_a_light_is_no_queue_to_wait_in(ways, turned_rad, backs_off):
    """Both stand too near to swing round each other: it backs off. Behind who waits at the light it waits."""
    teacher = ways("Win", "Eout")
    line_m = teacher.course.stop_lines[0].s_m
    pose = np.array(teacher.course.path.point_at(line_m - 25.0))
    ahead, left = np.array([np.cos(pose[2]), np.sin(pose[2])]), np.array([-np.sin(pose[2]), np.cos(pose[2])])
    x, y = pose[:2] + 8.0 * ahead + 1.9 * left
    teacher._memory.s_m = line_m - 25.0
    teacher._memory.moved.add(1)  # it drove until now: it is not parked
    teacher._memory.stood_ns[1] = 0
    teacher._memory.waits_for, teacher._memory.waits_since_ns = 1, 0
    car = (Kind.CAR, x, y, pose[2] + turned_rad, 0.0, 0, 20.0, 0.0)
    tick = teacher._tick(scene_of(teacher.town, teacher.route, 140, pose, 0.0, people(car)))
    assert (teacher._retreat._room_to_swing(tick, teacher._memory) is not None) == backs_off


def test_who_gives_up_rolling_back_comes_to_a_stand_along_its_way_back_first(ways):
    """It backs to the left for a car that is gone all at once. Wheels turned for a way forward lead astray."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(S_M))
    teacher._memory.s_m = S_M
    teacher._memory.backing = Backing(7, "car", S_M - 12.0, 0.3, 0)
    rolls = teacher.drive_scene(scene_of(teacher.town, teacher.route, 20, pose, -1.3, acceleration=-0.1), None)
    assert (rolls.plan.path[:, 0] < 0.0).all() and (np.diff(rolls.plan.path[:, 0]) < 0.0).all()
    assert rolls.plan.speed_mps[0] < -0.5 and rolls.plan.speed_mps[-1] == 0.0
    pose = np.array(teacher.course.path.point_at(S_M - 0.7))
    stands = teacher.drive_scene(scene_of(teacher.town, teacher.route, 40, pose, 0.0), None)
    assert teacher._memory.backing is None and (stands.plan.path[:, 0] > 0.0).all()


@pytest.mark.parametrize(("mps", "gap_m", "room"), [(1.2, 0.4, False), (0.0, 0.4, True), (1.2, 1.5, True)])
def test_who_comes_by_abreast_is_let_by_before_it_backs(ways, mps, gap_m, room):
    """A car that faces it drives past its flank: backing up now would swing the nose into it."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(S_M))
    left_m = 0.5 * EGO_BODY.width_m + 0.5 * WIDE_M + gap_m
    x, y = (
        pose[:2]
        + 1.5 * np.array([np.cos(pose[2]), np.sin(pose[2])])
        + left_m * np.array([-np.sin(pose[2]), np.cos(pose[2])])
    )
    car = people((Kind.CAR, x, y, pose[2] + np.pi, mps, 0, 20.0, 0.0))
    teacher._memory.s_m = S_M
    tick = teacher._tick(scene_of(teacher.town, teacher.route, 0, pose, 0.0, car))
    back = path_back(teacher.course, pose, tick.s0_m, tick.d0_m, Backing(0, "car", S_M - 15.0, 0.0, 0))
    assert (room_behind(tick.here, back) > 5.0) == room
    assert (room_behind(tick.here, back, 0.6) > 5.0) == room, "who rolls already comes to a stand with ease"
    assert room_behind(tick.here, back, 0.6) >= 0.6
