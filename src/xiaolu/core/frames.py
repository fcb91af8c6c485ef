"""Planar and spatial frames, ISO 8855: x forward, y left, z up, yaw positive to the left.

A pose is (x, y, yaw) in metres and radians. A transform is named `a_from_b`, so that chains read by
cancellation: `p_world = world_from_ego @ p_ego`. The ego frame's origin is on the ground below the rear axle's
centre. Camera frame: x right, y down, z forward.
"""

import numpy as np

# Columns: where the camera's x, y, z axes point in a forward-left-up frame.
BODY_FROM_CAMERA_AXES = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def wrap_angle(angle_rad: np.ndarray | float) -> np.ndarray:
    """Return the same angle in [-pi, pi), radians, any shape."""
    return (np.asarray(angle_rad) + np.pi) % (2.0 * np.pi) - np.pi


def to_parent(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return points (..., 2) of a child frame in its parent, for the child's pose (3,) in the parent."""
    cos, sin = np.cos(pose[2]), np.sin(pose[2])
    points = np.asarray(points)
    x, y = points[..., 0], points[..., 1]
    return np.stack([pose[0] + cos * x - sin * y, pose[1] + sin * x + cos * y], axis=-1)


def to_child(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return points (..., 2) of a parent frame in the child, for the child's pose (3,) in the parent."""
    cos, sin = np.cos(pose[2]), np.sin(pose[2])
    points = np.asarray(points)
    x, y = points[..., 0] - pose[0], points[..., 1] - pose[1]
    return np.stack([cos * x + sin * y, -sin * x + cos * y], axis=-1)


def compose(parent_pose: np.ndarray, child_pose: np.ndarray) -> np.ndarray:
    """Return in the grandparent frame the pose (3,) of a child known in the parent frame."""
    x, y = to_parent(parent_pose, np.asarray(child_pose)[:2])
    return np.array([x, y, wrap_angle(parent_pose[2] + child_pose[2])])


def relative(parent_pose: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Return `pose` (3,), known in the grandparent frame, as seen from the frame at `parent_pose`."""
    x, y = to_child(parent_pose, np.asarray(pose)[:2])
    return np.array([x, y, wrap_angle(pose[2] - parent_pose[2])])


def matrix_of_pose(x_m: float, y_m: float, yaw_rad: float, z_m: float = 0.0) -> np.ndarray:
    """Return parent_from_child (4, 4) for a child at x, y, z turned left by yaw."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[cos, -sin, 0.0, x_m], [sin, cos, 0.0, y_m], [0.0, 0.0, 1.0, z_m], [0.0, 0.0, 0.0, 1.0]])


def ego_from_camera(x_m: float, y_m: float, z_m: float, yaw_rad: float, pitch_rad: float = 0.0) -> np.ndarray:
    """Return (4, 4) for a camera mounted at x, y, z in the ego frame, looking along yaw; pitch positive downwards."""
    cos, sin = np.cos(pitch_rad), np.sin(pitch_rad)
    pitch = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    transform = matrix_of_pose(x_m, y_m, yaw_rad, z_m)
    transform[:3, :3] = transform[:3, :3] @ pitch @ BODY_FROM_CAMERA_AXES
    return transform


def mirror_points(points: np.ndarray) -> np.ndarray:
    """Return points (..., 2) mirrored left to right: y becomes -y."""
    return np.asarray(points) * np.array([1.0, -1.0])


def box_corners(
    x_m: np.ndarray, y_m: np.ndarray, yaw_rad: np.ndarray, length_m: np.ndarray, width_m: np.ndarray
) -> np.ndarray:
    """Return corners (..., 4, 2) of boxes given by their centres; front-left first, then counter-clockwise."""
    cos, sin = np.cos(yaw_rad)[..., None], np.sin(yaw_rad)[..., None]
    along = np.asarray(length_m)[..., None] * np.array([0.5, -0.5, -0.5, 0.5])
    across = np.asarray(width_m)[..., None] * np.array([0.5, 0.5, -0.5, -0.5])
    x = np.asarray(x_m)[..., None] + cos * along - sin * across
    y = np.asarray(y_m)[..., None] + sin * along + cos * across
    return np.stack([x, y], axis=-1)
