"""Optical flow: how far what a pixel shows has moved in the picture since an earlier scene."""

import numpy as np

from xiaolu.cameras.cast import lifted
from xiaolu.cameras.rig import project, world_from_camera
from xiaolu.core.camera import CameraModel
from xiaolu.core.scene import Scene
from xiaolu.world.town import Town


def flow_of(
    camera: CameraModel, town: Town, now: Scene, before: Scene, depth_m: np.ndarray, uid: np.ndarray
) -> np.ndarray:
    """Return (H, W, 2) float32 pixels to the right and down, NaN where unknown (sky, or who was not there before).

    depth_m and uid (H, W) as rendered now. Users move as rigid bodies: limbs' own swing is not in it. camera: as it
    was rendered, with its shift; the earlier picture is taken with the same one.
    """
    world_from_now = world_from_camera(camera, now.ego_pose, now.ego_z_m)
    before_from_world = np.linalg.inv(world_from_camera(camera, before.ego_pose, before.ego_z_m))
    v, u = np.mgrid[: camera.height_px, : camera.width_px] + 0.5
    k = camera.intrinsics
    known = np.isfinite(depth_m)
    depth = np.where(known, depth_m, 1.0).astype(np.float64)
    local = np.stack([(u - k[0, 2]) / k[0, 0] * depth, (v - k[1, 2]) / k[1, 1] * depth, depth], -1)
    points = local @ world_from_now[:3, :3].T + world_from_now[:3, 3]
    slot_before = {int(i): s for s, i in enumerate(before.users.uid) if before.users.active[s]}
    lift_now, lift_before = lifted(town, now.users), lifted(town, before.users)
    for s in np.flatnonzero(now.users.active):
        mine = uid == now.users.uid[s]
        if not mine.any():
            continue
        p = slot_before.get(int(now.users.uid[s]))
        if p is None:
            known &= ~mine
            continue
        turn = before.users.yaw_rad[p] - now.users.yaw_rad[s]
        cos, sin = np.cos(turn), np.sin(turn)
        offset = points[mine] - [now.users.x_m[s], now.users.y_m[s], now.users.z_m[s] + lift_now[s]]
        rotated = offset @ np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
        points[mine] = rotated + np.array(
            [before.users.x_m[p], before.users.y_m[p], before.users.z_m[p] + lift_before[p]]
        )
    place, ahead = project(camera, before_from_world, points)
    known &= ahead > 0.0
    return np.where(known[..., None], np.stack([u, v], -1) - place, np.nan).astype(np.float32)
