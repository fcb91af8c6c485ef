"""The sheet of weather and light: one moment of a street through the narrow and the wide camera, in all conditions.

The sun stands almost ahead, where it dazzles most.
"""

from dataclasses import replace

import numpy as np
from PIL import Image

from xiaolu.cameras.sheets.paper import beside, grid, labelled
from xiaolu.cameras.sheets.stand import Stand, scene_at, users_before
from xiaolu.core.conditions import CONDITIONS
from xiaolu.core.users import Gesture, Kind

SIZE_PX = (320, 160)
BESIDE_RAD = 0.12  # of the sun, left of the way ahead
_WALKS = {"gesture": Gesture.WALK, "gesture_s": 3.0, "speed_mps": 1.2}
# Who is on the street, as `users_before` takes them: metres from the camera, turned from facing it.
STREET = (
    {"kind": Kind.CAR, "ahead_m": 32.0, "left_m": 3.4, "speed_mps": 6.0, "style": 20},
    {"kind": Kind.CAR, "ahead_m": 24.0, "yaw_rad": np.pi, "speed_mps": 5.0, "lights": 1, "style": 7},
    {"kind": Kind.VAN, "ahead_m": 55.0, "yaw_rad": np.pi, "speed_mps": 5.0, "style": 3},
    {"kind": Kind.E_BIKE, "ahead_m": 17.0, "left_m": -2.0, "yaw_rad": np.pi, "speed_mps": 4.0, "style": 11},
    {"kind": Kind.PEDESTRIAN, "ahead_m": 20.0, "left_m": -4.2, "yaw_rad": 0.2, "style": 77, **_WALKS},
    {"kind": Kind.CHILD, "ahead_m": 20.5, "left_m": -4.8, "yaw_rad": 0.2, "style": 5, **_WALKS},
)


def weather_sheet(stand: Stand) -> Image.Image:
    """Return the sheet: two pictures and a name for each of the conditions, two of them in a row."""
    users = users_before(stand.place, STREET)
    cells = []
    for name in CONDITIONS:
        light = replace(CONDITIONS[name], sun_azimuth_rad=float(stand.place[2]) + BESIDE_RAD)
        scene = scene_at(stand.town, stand.place, users, conditions=light)
        seen = stand.renderer.images(scene, ["narrow", "wide"])
        pictures = [Image.fromarray(seen[camera]) for camera in ("narrow", "wide")]
        cells.append(labelled(beside([p.resize(SIZE_PX, Image.Resampling.LANCZOS) for p in pictures]), name))
    return grid(cells, 2)
