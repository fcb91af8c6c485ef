"""Shifted windows: for a few seconds, cameras and labels as if the ego stood beside its line or turned away from it.

Whoever only ever sees a teacher that drives well never learns to come back. A window is one rig: its shift is constant.
"""

import numpy as np

from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import box_corners, compose, to_parent
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.scene import Scene
from xiaolu.measures.geometry import clearance_m
from xiaolu.world.ground import Ground

WINDOW_S = 5.0
SHIFTED_SHARE = 0.5
LATERAL_M = 1.0
YAW_RAD = np.deg2rad(12.0)
FULL_YAW_MPS = 4.0  # up to this speed a car is turned away that far; beyond, in proportion less
CLEARANCE_M = 0.2  # a shifted ego keeps this from everybody
OFF_ROAD_M = 0.5  # and no corner is further off the road

NONE = (0.0, 0.0)
Shift = tuple[float, float]  # (lateral m, yaw rad), both to the left


class Shifts:
    """Which shift a ride's moments are seen with: a pure function of the ride's seed, its time, and the speed."""

    def __init__(self, seed: int, share: float = SHIFTED_SHARE) -> None:
        self.seed, self.share = seed, share
        self._drawn: dict[int, Shift] = {}

    def at(self, scene: Scene) -> tuple[int, Shift]:
        """Return (window, shift) for a scene; window 0 is the unshifted rig. The speed counts where a window begins."""
        window = scene.stamp_ns // round(WINDOW_S * SECOND_NS)
        if window not in self._drawn:
            draw = [float(uniform(self.seed, 0, window, Purpose.SHIFT, n)[0]) for n in range(3)]
            yaw_rad = YAW_RAD * min(1.0, FULL_YAW_MPS / max(scene.ego_speed_mps, FULL_YAW_MPS))
            shifted = draw[0] < self.share
            self._drawn[window] = ((2 * draw[1] - 1) * LATERAL_M, (2 * draw[2] - 1) * yaw_rad) if shifted else NONE
        shift = self._drawn[window]
        return (0, NONE) if shift == NONE else (window + 1, shift)


def shifted_pose(pose: np.ndarray, shift: Shift) -> np.ndarray:
    """Return a pose (3,) moved to its left and turned left."""
    return compose(pose, np.array([0.0, shift[0], shift[1]]))


def room_for(pose: np.ndarray, scene: Scene, ground: Ground, layer: int) -> bool:
    """Return whether the ego could stand at a pose (3,) of the scene: clear of everybody, and about on the road."""
    middle = to_parent(pose, np.array([EGO_BODY.centre_x_m, 0.0]))
    corners = box_corners(middle[0], middle[1], pose[2], np.array(EGO_BODY.length_m), np.array(EGO_BODY.width_m))
    if ground.off_road_m(corners, layer).max() > OFF_ROAD_M:
        return False
    users = scene.users
    near = np.flatnonzero(users.active & (np.hypot(users.x_m - middle[0], users.y_m - middle[1]) < 12.0))
    if not len(near):
        return True
    body = np.array([middle[0], middle[1], pose[2], EGO_BODY.length_m, EGO_BODY.width_m])
    others = np.stack([users.x_m, users.y_m, users.yaw_rad, users.length_m, users.width_m], axis=-1)[near]
    return bool(clearance_m(body, others).min() > CLEARANCE_M)
