"""What the driver may know of its own motion, as numbers.

Only the speed: a network that is handed its own yaw rate and steering learns to go on doing what it does.
"""

import numpy as np

from xiaolu.core.observation import EgoState

EGO_SIZE = 4
SPEED_SCALE_MPS = 10.0
STANDING_MPS = 0.1


def ego_vector(ego: EgoState | None) -> np.ndarray:
    """Return (EGO_SIZE,) float32: known, speed / 10, standing, slow (fades out over 3 m/s); all zero when unknown.

    Training hides the speed from time to time with None; the car always knows it.
    """
    if ego is None:
        return np.zeros(EGO_SIZE, np.float32)
    speed = abs(ego.speed_mps)
    return np.array(
        [1.0, min(speed, 40.0) / SPEED_SCALE_MPS, speed < STANDING_MPS, np.exp(-speed / 3.0)], dtype=np.float32
    )
