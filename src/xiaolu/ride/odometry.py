"""What the wheels and the gyroscope say about the way since the ride began: right at first, 1 % wrong in the end.

Poses are x, y, yaw of the rear axle; the odometry frame is the ego's pose at the start of the ride.
"""

import numpy as np

from xiaolu.core.chance import Purpose, normal
from xiaolu.core.frames import compose, relative

SCALE = 0.01  # tyre radius: one error for the whole ride
TURN_PER_M = 2e-4  # gyroscope drift, rad per metre driven: about a degree in 100 m
TICK_NOISE = 0.003  # share of the way in each tick; a fifth of it sideways


def advance_odometry(
    odometry: np.ndarray, before_pose: np.ndarray, after_pose: np.ndarray, seed: int, tick: int
) -> np.ndarray:
    """Return the odometry pose (3,) after a tick that took the ego from one world pose (3,) to another.

    Pure: errors are keyed by (seed, tick). A standing car's odometry does not move.
    """
    moved = relative(before_pose, after_pose)
    way_m = float(np.hypot(moved[0], moved[1]))
    when, which = np.array([0, 0, tick, tick]), np.arange(4)  # two errors for the whole ride, two for this tick
    scale, turn, *jitter = np.clip(normal(seed, 0, when, Purpose.ODOMETRY, which), -2.5, 2.5)
    felt = moved * (1.0 + SCALE * scale) + TICK_NOISE * np.array([jitter[0], jitter[1] * 0.2, 0.0]) * way_m
    felt[2] = moved[2] + TURN_PER_M * turn * way_m
    return compose(odometry, felt)
