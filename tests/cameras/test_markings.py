"""Paint and pillars: an arrow that points the wrong way, or a pillar in a lane, teaches what no street has."""

import numpy as np
import pytest

from tests.cameras.scenes import scene_of
from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.marking_mesh import ARROWS, marking_meshes, turns_of
from xiaolu.cameras.pillar_mesh import SIZE_M, pillar_meshes
from xiaolu.world.town import LaneKind, Turn


def area(shape):
    x, y = np.array(shape)[..., 0], np.array(shape)[..., 1]
    return 0.5 * (x * np.roll(y, -1, -1) - np.roll(x, -1, -1) * y).sum(-1)


@pytest.mark.parametrize("turn", ARROWS)
def test_an_arrow_points_where_it_says_and_is_seen_from_above(turn):
    shape = np.array(ARROWS[turn], float)
    assert (area(shape) > 0.0).all(), "a quad that turns the other way is not drawn"
    right_most, left_most = shape[..., 1].min(), shape[..., 1].max()
    side = {Turn.STRAIGHT: 0.0, Turn.RIGHT: -1.0}.get(turn, 1.0)
    assert np.sign(round(float(left_most + right_most), 6)) == side


def test_arrows_lie_in_their_lanes_before_the_stop_line(small_town):
    meshes = marking_meshes(small_town)
    assert meshes, "the crossroads has signals, so it has arrows"
    place = np.concatenate([mesh.vertices["position"] for mesh in meshes]).astype(float)
    approaches = np.flatnonzero(np.isfinite(small_town.stop_s_m))
    inside = np.zeros(len(place), bool)
    for lane in approaches:
        x, y, z, yaw = small_town.pose_at(int(lane), float(small_town.stop_s_m[lane]))
        ahead = (place[:, 0] - x) * np.cos(yaw) + (place[:, 1] - y) * np.sin(yaw)
        left = -(place[:, 0] - x) * np.sin(yaw) + (place[:, 1] - y) * np.cos(yaw)
        inside |= (ahead < -3.0) & (np.abs(left) < small_town.lane_width_m[lane] / 2)
        assert np.abs(place[:, 2] - z).max() < 0.05
    assert inside.all()


def test_turns_are_what_the_lanes_beyond_the_line_do(small_town):
    for lane in np.flatnonzero(np.isfinite(small_town.stop_s_m)):
        following = small_town.following(int(lane))
        assert set(turns_of(small_town, int(lane))) == {Turn(t) for t in small_town.lane_turn[following]}


def test_arrows_are_paint_to_whoever_learns_from_labels(renderer, small_town):
    lane = int(np.flatnonzero(np.isfinite(small_town.stop_s_m))[0])
    x, y, _, yaw = small_town.pose_at(lane, float(small_town.stop_s_m[lane]) - 18.0)
    seen = renderer.pixels(scene_of(small_town, (float(x), float(y), float(yaw))), ["wide"])["wide"]
    middle = seen.classes[50:80, 90:103]
    assert (middle == PixelClass.MARKING).sum() > 8


def test_no_pillar_stands_in_a_street(shanghai):
    meshes = pillar_meshes(shanghai)
    assert meshes, "Shanghai has elevated roads"
    corner = meshes[0].vertices["position"].astype(float)
    place = np.unique(np.round(corner[:, :2], 2), axis=0)
    low = (shanghai.lane_layer == 0) & (shanghai.lane_kind == LaneKind.DRIVE)
    lane_of_point = np.repeat(np.arange(shanghai.lanes), np.diff(shanghai.point_start))
    street = low[lane_of_point]
    points, half_m = shanghai.points[street, :2], shanghai.lane_width_m[lane_of_point[street]] / 2
    for x, y in place[:: max(len(place) // 200, 1)]:
        gap = np.hypot(points[:, 0] - x, points[:, 1] - y)
        assert (gap > half_m).all()
    assert corner[:, 2].max() > 3.0 and SIZE_M > 0.5
