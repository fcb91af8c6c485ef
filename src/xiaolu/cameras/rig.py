"""The rig: which cameras the ego carries, where they sit and how wide they see. Mounts are in the ego frame."""

import math

import numpy as np

from xiaolu.core.camera import CameraModel, pinhole
from xiaolu.core.frames import matrix_of_pose


def _focal_px(width_px: int, field_of_view_deg: float) -> float:
    """Return the focal length of a camera whose whole width spans a horizontal angle."""
    return width_px / 2 / math.tan(math.radians(field_of_view_deg) / 2)


# The narrow camera's 600 px give 15 px per metre at 40 m: a lamp of 0.36 m is 5 px there, an arm 11 px. It looks 3
# degrees up, because signal heads hang above the horizon. The others show what is near, so they look slightly down.
RIG: tuple[CameraModel, ...] = (
    pinhole("narrow", 320, 160, 600.0, (1.6, 0.0, 1.5, 0.0, math.radians(-3.0))),
    pinhole("wide", 192, 96, _focal_px(192, 100.0), (1.6, 0.0, 1.5, 0.0, math.radians(5.0))),
    pinhole("left", 128, 64, _focal_px(128, 100.0), (1.6, 0.9, 1.2, math.radians(75.0), math.radians(8.0))),
    pinhole("right", 128, 64, _focal_px(128, 100.0), (1.6, -0.9, 1.2, math.radians(-75.0), math.radians(8.0))),
    pinhole("rear", 128, 64, _focal_px(128, 100.0), (-0.8, 0.0, 1.2, math.pi, math.radians(8.0))),
)


def shifted(camera: CameraModel, lateral_m: float, yaw_rad: float) -> CameraModel:
    """Return the camera as it would see if the ego stood lateral_m further left, turned left by yaw_rad.

    The transform stays relative to where the ego really is, so a frame of it can be drawn from the same scene.
    """
    if lateral_m == 0.0 and yaw_rad == 0.0:
        return camera
    ego_from_shifted_ego = matrix_of_pose(0.0, lateral_m, yaw_rad)
    return CameraModel(
        camera.name, camera.width_px, camera.height_px, camera.intrinsics, ego_from_shifted_ego @ camera.ego_from_camera
    )


def camera_named(rig: tuple[CameraModel, ...], name: str) -> CameraModel:
    """Return the camera of that name; ValueError naming the known ones."""
    for camera in rig:
        if camera.name == name:
            return camera
    raise ValueError(f"no camera named {name!r}; this rig has {', '.join(c.name for c in rig)}")


def world_from_camera(camera: CameraModel, ego_pose: np.ndarray, ego_z_m: float) -> np.ndarray:
    """Return (4, 4) for a camera on an ego at ego_pose (x, y, yaw), standing on ground at ego_z_m."""
    x_m, y_m, yaw_rad = (float(v) for v in ego_pose)
    return matrix_of_pose(x_m, y_m, yaw_rad, ego_z_m) @ camera.ego_from_camera


def project(camera: CameraModel, camera_from_world: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pixel places (..., 2) (u right, v down, pixel centres at .5) and depths (...) of world points (..., 3).

    Depth is along the optical axis; places of points with depth <= 0 mean nothing.
    """
    in_camera = np.asarray(points) @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    depth = in_camera[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        image = in_camera @ camera.intrinsics.T
        return image[..., :2] / image[..., 2:], depth
