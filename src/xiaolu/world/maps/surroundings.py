"""What stands along the streets: buildings, trees, lamps, places for parked cars, kerbs to be picked up at."""

import numpy as np


def no_surroundings() -> dict[str, np.ndarray]:
    return {
        "building_start": np.zeros(1, np.int32),
        "building_points": np.zeros((0, 2)),
        "building_height_m": np.zeros(0),
        "building_style": np.zeros(0, np.int32),
        "prop_kind": np.zeros(0, np.uint8),
        "prop_pose": np.zeros((0, 3)),
        "prop_style": np.zeros(0, np.int32),
        "prop_layer": np.zeros(0, np.int8),
        "pickup_lane": np.zeros(0, np.int32),
        "pickup_s_m": np.zeros(0),
        "pickup_name": np.zeros(0, np.int32),
    }
