"""If pictures and camera models disagree, every label, every projected path and every learned depth is wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cameras.scenes import scene_of
from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.projection import FARTHEST_M, NEAREST_M, depth_of
from xiaolu.cameras.rig import RIG, camera_named, project, shifted, world_from_camera
from xiaolu.core.frames import to_parent
from xiaolu.core.users import Kind

POSE = (-74.0, -1.6, 0.0)  # clear of trees and lamps
PLACE = {"narrow": (30.0, 0.5), "wide": (14.0, -2.0), "left": (4.0, 7.0), "right": (4.0, -7.0), "rear": (-11.0, 1.0)}


def middle_of(mask: np.ndarray) -> tuple[float, float]:
    """Return the middle (u, v) of a mask's outline, in pixels."""
    v, u = np.nonzero(mask)
    return (u.min() + u.max() + 1) / 2, (v.min() + v.max() + 1) / 2


@pytest.mark.parametrize("camera", RIG, ids=lambda c: c.name)
def test_a_known_thing_appears_where_the_camera_model_says(renderer, small_town, camera):
    x, y = to_parent(np.array(POSE), np.array(PLACE[camera.name]))
    # A person who faces the camera squarely is symmetric about its own axis.
    eye = world_from_camera(camera, np.array(POSE), 0.0)[:2, 3]
    yaw = np.arctan2(eye[1] - y, eye[0] - x)
    scene = scene_of(small_town, POSE, [{"kind": Kind.PEDESTRIAN, "x_m": x, "y_m": y, "yaw_rad": yaw, "uid": 77}])
    seen = renderer.pixels(scene, [camera.name])[camera.name]
    camera_from_world = np.linalg.inv(world_from_camera(camera, scene.ego_pose, scene.ego_z_m))
    ends, depth = project(camera, camera_from_world, np.array([[x, y, 0.0], [x, y, 1.72]]))
    mask = seen.uid == 77
    assert mask.any(), "the person is in view of this camera"
    u, _ = middle_of(mask)
    assert u == pytest.approx(ends[:, 0].mean(), abs=1.0)
    v = np.nonzero(mask)[0]
    if ends[0, 1] < camera.height_px:
        assert v.max() + 1 == pytest.approx(ends[0, 1], abs=1.6)
    assert v.min() == pytest.approx(max(ends[1, 1], 0.0), abs=1.6)
    waist, _ = project(camera, camera_from_world, np.array([x, y, 1.1]))
    row, column = int(waist[1]), int(waist[0])
    assert seen.depth_m[row, column] == pytest.approx(depth.mean(), rel=0.03)
    assert seen.classes[row, column] in (PixelClass.PERSON, PixelClass.PERSON_ARM_RAISED)


@pytest.mark.parametrize("camera", RIG, ids=lambda c: c.name)
def test_depth_of_the_road_is_true_to_one_percent(renderer, small_town, camera):
    scene = scene_of(small_town, (-70.0, 1.2, 0.0))  # far enough left for the right camera to see some road
    seen = renderer.pixels(scene, [camera.name])[camera.name]
    road = np.isin(seen.classes, (PixelClass.ROAD, PixelClass.MARKING))
    v, u = np.nonzero(road & (seen.depth_m < 60.0))
    assert len(v) > 50
    k = camera.intrinsics
    depth = seen.depth_m[v, u].astype(float)
    local = np.stack([(u + 0.5 - k[0, 2]) / k[0, 0] * depth, (v + 0.5 - k[1, 2]) / k[1, 1] * depth, depth], -1)
    world = world_from_camera(camera, scene.ego_pose, scene.ego_z_m)
    height = (local @ world[:3, :3].T + world[:3, 3])[:, 2]
    error_m = np.abs(height) * depth / (world[2, 3] - height)
    assert (error_m < 0.01 * depth + 0.25).all(), "points on the road lie on the ground"
    assert np.median(np.abs(height)) < 0.03


def test_a_shifted_camera_sees_what_a_shifted_ego_would(renderer, small_town):
    here = renderer.frames(scene_of(small_town, POSE), ["wide"], shift=(0.8, 0.1))[0]
    there = renderer.frames(scene_of(small_town, (POSE[0], POSE[1] + 0.8, 0.1)), ["wide"])[0]
    assert np.abs(here.image.astype(int) - there.image).mean() < 1.0
    assert here.camera.ego_from_camera is camera_named(RIG, "wide").ego_from_camera


@given(st.floats(-2.0, 2.0), st.floats(-0.5, 0.5))
def test_a_shift_and_its_inverse_cancel(lateral_m, yaw_rad):
    camera = RIG[1]
    there = shifted(camera, lateral_m, yaw_rad)
    assert np.linalg.det(there.ego_from_camera) == pytest.approx(1.0)
    back = np.linalg.inv(shifted(camera, lateral_m, yaw_rad).ego_from_camera) @ there.ego_from_camera
    assert np.allclose(back, np.eye(4))
    moved = there.ego_from_camera[:3, 3] - shifted(camera, 0.0, yaw_rad).ego_from_camera[:3, 3]
    assert np.allclose(moved, [0.0, lateral_m, 0.0])


@given(st.floats(NEAREST_M, FARTHEST_M - 1.0))
def test_depth_comes_back_from_the_depth_buffer(metres):
    span = FARTHEST_M - NEAREST_M
    ndc = (FARTHEST_M + NEAREST_M) / span - 2 * FARTHEST_M * NEAREST_M / span / metres
    assert depth_of(np.array(0.5 * ndc + 0.5)) == pytest.approx(metres, rel=1e-3)


def test_an_unknown_camera_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="narrow, wide, left, right, rear"):
        camera_named(RIG, "front")


def test_flow_of_a_standing_world_is_what_the_ego_did(renderer, small_town):
    before = scene_of(small_town, (-70.0, -1.6, 0.0), [{"kind": Kind.CAR, "x_m": -50.0, "y_m": 1.6}])
    now = scene_of(small_town, (-69.0, -1.6, 0.0), [{"kind": Kind.CAR, "x_m": -49.0, "y_m": 1.6}])
    seen = renderer.pixels(now, ["wide"], flow_from=before)["wide"]
    car = seen.uid == 1000
    assert np.abs(seen.flow[car]).max() < 0.1, "who drives along with the ego stands still in its picture"
    road = (seen.classes == PixelClass.ROAD) & (seen.depth_m < 15.0)
    assert (seen.flow[..., 1][road] > 0.0).all(), "the road comes towards the camera: downwards in the picture"
    assert np.isnan(seen.flow[seen.classes == PixelClass.SKY]).all()
