"""Ranging: what twelve ultrasonic cones around the ego measure, against road users and buildings."""

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose, normal
from xiaolu.core.control import EGO_BODY
from xiaolu.core.users import Users
from xiaolu.world.looking import FORGET_Z_M
from xiaolu.world.sight import Walls, enters_box, first_wall

MAX_RANGE_M = 5.0
NOISE_M = 0.02  # standard deviation of one echo, plus one per cent of the range (data sheets of parking sensors)
_HALF_CONE_RAD = 0.35
_RAYS = 7

_FRONT, _REAR, _SIDE = EGO_BODY.front_x_m, -EGO_BODY.rear_overhang_m, EGO_BODY.width_m / 2
# x, y, bearing in the ego frame: four in the front bumper, four in the rear, two on either side.
CONES = np.array(
    [
        (_FRONT, 0.35, 0.12),
        (_FRONT, -0.35, -0.12),
        (_FRONT - 0.15, 0.8, 0.75),
        (_FRONT - 0.15, -0.8, -0.75),
        (_REAR, 0.35, np.pi - 0.12),
        (_REAR, -0.35, -np.pi + 0.12),
        (_REAR + 0.15, 0.8, np.pi - 0.75),
        (_REAR + 0.15, -0.8, -np.pi + 0.75),
        (_FRONT - 0.8, _SIDE, np.pi / 2),
        (_FRONT - 0.8, -_SIDE, -np.pi / 2),
        (_REAR + 0.8, _SIDE, np.pi / 2),
        (_REAR + 0.8, -_SIDE, -np.pi / 2),
    ]
)
CONES.flags.writeable = False


@njit(cache=True)
def _ranges(walls, x, y, yaw, boxes):
    out = np.full(len(CONES), MAX_RANGE_M)
    cos, sin = np.cos(yaw), np.sin(yaw)
    for c in range(len(CONES)):
        ax, ay = x + cos * CONES[c, 0] - sin * CONES[c, 1], y + sin * CONES[c, 0] + cos * CONES[c, 1]
        for ray in range(_RAYS):
            angle = yaw + CONES[c, 2] + _HALF_CONE_RAD * (2.0 * ray / (_RAYS - 1) - 1.0)
            bx, by = ax + MAX_RANGE_M * np.cos(angle), ay + MAX_RANGE_M * np.sin(angle)
            free = first_wall(walls, ax, ay, bx, by)
            for b in range(len(boxes)):
                free = min(
                    free, enters_box(ax, ay, bx, by, boxes[b, 0], boxes[b, 1], boxes[b, 2], boxes[b, 3], boxes[b, 4])
                )
            out[c] = min(out[c], free * MAX_RANGE_M)
    return out


def measure(
    walls: Walls, pose: np.ndarray, z_m: float, users: Users, seed: int, tick: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return (bearing (12,) rad in the ego frame, range (12,) m) as measured from a rear-axle pose (3,) in the world.

    z_m: the ground there; who is on a road above or below gives no echo. users: one branch's table (N,). 5.0 m where
    nothing answers; noise is keyed by seed and tick.
    """
    near = users.active & (np.hypot(users.x_m - pose[0], users.y_m - pose[1]) < 20.0)
    near &= np.abs(users.z_m - z_m) < FORGET_Z_M
    columns = (users.x_m, users.y_m, users.yaw_rad, users.length_m, users.width_m)
    boxes = np.ascontiguousarray(np.stack([column[near] for column in columns], axis=-1))
    exact = _ranges(walls, float(pose[0]), float(pose[1]), float(pose[2]), boxes)
    noisy = exact + (NOISE_M + 0.01 * exact) * normal(seed, np.arange(len(CONES)), tick, Purpose.RANGE)
    return CONES[:, 2].copy(), np.where(exact >= MAX_RANGE_M, MAX_RANGE_M, np.clip(noisy, 0.0, MAX_RANGE_M))
