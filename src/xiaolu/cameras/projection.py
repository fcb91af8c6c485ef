"""From the world to a picture's place and back, in the conventions of the graphics card.

Row 0 of what is read back is the top of the picture: the camera's y, which points down, is the card's upwards.
"""

import numpy as np

from xiaolu.core.camera import CameraModel

NEAREST_M, FARTHEST_M = 0.3, 450.0


def clip_from_camera(camera: CameraModel) -> np.ndarray:
    """Return (4, 4) for homogeneous points; the depth buffer spans NEAREST_M to FARTHEST_M along the optical axis."""
    width, height, k = camera.width_px, camera.height_px, camera.intrinsics
    span = FARTHEST_M - NEAREST_M
    return np.array(
        [
            [2 * k[0, 0] / width, 2 * k[0, 1] / width, 2 * k[0, 2] / width - 1, 0],
            [0, 2 * k[1, 1] / height, 2 * k[1, 2] / height - 1, 0],
            [0, 0, (FARTHEST_M + NEAREST_M) / span, -2 * FARTHEST_M * NEAREST_M / span],
            [0, 0, 1, 0],
        ]
    )


def depth_of(buffer: np.ndarray) -> np.ndarray:
    """Return metres along the optical axis for depth buffer values from 0 to 1; infinite where nothing was drawn."""
    ndc = 2.0 * buffer - 1.0
    with np.errstate(divide="ignore"):
        metres = 2.0 * FARTHEST_M * NEAREST_M / (FARTHEST_M + NEAREST_M - ndc * (FARTHEST_M - NEAREST_M))
    return np.where(buffer >= 1.0, np.inf, metres).astype(np.float32)


def inverse_of(transform: np.ndarray) -> np.ndarray:
    """Return the inverse (4, 4) of a turn and a move."""
    out = np.eye(4)
    out[:3, :3] = transform[:3, :3].T
    out[:3, 3] = -(out[:3, :3] @ transform[:3, 3])
    return out


def planes_of(clip_from_world: np.ndarray) -> np.ndarray:
    """Return (5, 4) planes of the view: left, right, top, bottom and near, unit normals, inside positive."""
    rows = clip_from_world
    planes = np.stack([rows[3] + rows[0], rows[3] - rows[0], rows[3] + rows[1], rows[3] - rows[1], rows[3] + rows[2]])
    return planes / np.linalg.norm(planes[:, :3], axis=-1, keepdims=True)


def corner_rays(camera: CameraModel, world_from_camera: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return world directions (3,): to the picture's middle, half a width to the right, half a height down."""
    k = camera.intrinsics
    half_w, half_h = camera.width_px / 2, camera.height_px / 2
    turn = world_from_camera[:3, :3]
    middle = turn @ np.array([(half_w - k[0, 2]) / k[0, 0], (half_h - k[1, 2]) / k[1, 1], 1.0])
    return middle, turn @ np.array([half_w / k[0, 0], 0, 0]), turn @ np.array([0, half_h / k[1, 1], 0])
