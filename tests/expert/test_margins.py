"""A user would lose: room before who swings round as he backs out, and getting on past who has been waited for."""

import numpy as np
import pytest

from tests.expert.loop import people, scene_of
from tests.expert.test_small_roads import tick_with
from xiaolu.core.control import EGO_BODY
from xiaolu.core.users import Kind
from xiaolu.expert.forecast import MOMENTS, Moves
from xiaolu.expert.margins import PATIENCE_S, swings_back_m
from xiaolu.expert.road import road_limits
from xiaolu.expert.tick import Memory
from xiaolu.expert.ways import KINDS
from xiaolu.expert.yielding import resolve


@pytest.mark.parametrize(
    ("turned_rad", "speed_mps", "swings"), [(0.5 * np.pi, -1.0, True), (0.5 * np.pi, 1.0, False), (0.0, -1.0, False)]
)
def test_who_backs_out_across_the_way_is_given_room_to_swing_round(ways, turned_rad, speed_mps, swings):
    """It may come half its length nearer than straight back; who goes forward, or backs along the way, does not."""
    tick = tick_with(ways("Win", "Eout"), Kind.CAR, 15.0, -4.0, turned_rad, speed_mps)
    room_m = swings_back_m(tick.here, 0)
    assert room_m > 2.0 if swings else room_m == 0.0


@pytest.mark.parametrize(("then_mps", "after_s", "room"), [(0.0, 3.0, True), (0.0, 6.5, False), (1.0, 0.5, False)])
def test_who_stops_while_he_backs_out_may_go_on_with_it(ways, then_mps, after_s, room):
    """He stands half over the way for somebody else: the room to swing is kept, for a while, or until he drives off."""
    teacher = ways("Win", "Eout")
    x, y, yaw = teacher.course.path.point_at(40.0)
    car = (x + 15.0 * np.cos(yaw) + 4.0 * np.sin(yaw), y + 15.0 * np.sin(yaw) - 4.0 * np.cos(yaw), yaw + 0.5 * np.pi)
    teacher._memory.s_m = 40.0
    for ticks, mps in ((0, -1.0), (round(10 * after_s), then_mps)):
        users = people((Kind.CAR, *car, mps))
        tick = teacher._tick(scene_of(teacher.town, teacher.route, ticks, (x, y, yaw), 0.0, users))
    assert (swings_back_m(tick.here, 0) > 2.0) == room


@pytest.mark.parametrize(("gap_m", "waited_s", "goes"), [(0.22, 0.0, False), (0.22, 1.0, True), (0.12, 1.0, False)])
def test_past_who_stands_beside_its_way_it_goes_with_little_room_only_after_it_has_waited(ways, gap_m, waited_s, goes):
    """waited_s: beyond its patience. Nearer than a hand's breadth it passes nobody, however long it has waited."""
    teacher = ways("Win", "Eout")
    pose = np.array(teacher.course.path.point_at(0.0))
    ahead, left = np.array([np.cos(pose[2]), np.sin(pose[2])]), np.array([-np.sin(pose[2]), np.cos(pose[2])])
    place = pose[:2] + 4.5 * ahead + (0.5 * EGO_BODY.width_m + 0.25 + gap_m) * left
    tick = teacher._tick(
        scene_of(teacher.town, teacher.route, 0, pose, 0.0, people((Kind.PEDESTRIAN, *place, pose[2], 0.0)))
    )
    poses = np.tile([*place, pose[2]], (MOMENTS, 1))
    moves = Moves(np.zeros(1, np.int64), np.ones(1, bool), np.full((1, 10), -1), poses[None])
    path = teacher._ways.propose(KINDS[0], tick, np.empty((0, 7)), Memory()).path
    limits = road_limits(teacher.course, tick, path, teacher.course.goal_s_m)
    waited_s += PATIENCE_S if waited_s else 0.0
    sigma = resolve(teacher.course, path, 0.0, 0.0, 0.0, tick.here, moves, limits, waited_s)[0]
    assert (sigma[50] > 1.0) == goes
