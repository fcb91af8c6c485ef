"""Weather and the hour become numbers for the shaders: how bright the sun, which colour the sky, how thick the air."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xiaolu.core.conditions import Conditions

VISUAL_RANGE = -float(np.log(0.02))
CITY_GLOW = np.array([0.060, 0.050, 0.042])  # what streets throw back at the clouds; tuned by eye


@dataclass(frozen=True, slots=True)
class Light:
    """Colours are RGB (3,), 0 to 1 and above. night and wet from 0 to 1; fog_per_m thickens the air; shadow 0 to 1.

    lamps: how bright lit lamps stand out, 0 where none is lit; shadows: how much of the sun buildings take away;
    glare: of the sun in the lens; slant: metres of shadow per metre of height, at most.
    """

    sun: np.ndarray
    sun_light: np.ndarray
    sky_light: np.ndarray
    ground_light: np.ndarray
    haze: np.ndarray
    zenith: np.ndarray
    glow: np.ndarray
    night: float
    wet: float
    rain: float
    cloud: float
    fog_per_m: float
    shadow: float
    lamps: float
    shadows: float
    glare: float
    slant: float

    @property
    def visual_range_m(self) -> float:
        """From how far on the air leaves less than 2 % of a thing's contrast: nobody sees it [Koschmieder 1924]."""
        return VISUAL_RANGE / self.fog_per_m


def _mix(a, b, share: float) -> np.ndarray:
    return np.asarray(a) * (1.0 - share) + np.asarray(b) * share


@lru_cache(maxsize=64)
def light_of(conditions: Conditions) -> Light:
    """Return the light of some conditions. All colours were tuned by eye on rendered streets."""
    elevation, azimuth = conditions.sun_elevation_rad, conditions.sun_azimuth_rad
    sun = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    day = float(np.clip((elevation + 0.12) / 0.42, 0.0, 1.0))  # full daylight from 17 degrees
    low = float(np.clip(1.0 - elevation / 0.35, 0.0, 1.0)) * day  # how golden
    cloud = float(np.clip(max(conditions.cloud, conditions.rain), 0.0, 1.0))
    dark = float(np.clip(-elevation / 0.25, 0.0, 1.0))  # from sunset to night
    bright = 0.16 + 0.84 * day - 0.075 * dark
    lamps = 0.0
    if conditions.lamps:
        lamps = float(np.clip(0.35 + 0.65 * dark + 0.25 * (1.0 - day), 0.0, 1.0))
    sun_light = _mix([0.66, 0.63, 0.56], [0.74, 0.46, 0.24], low) * day * (1.0 - 0.92 * cloud)
    sky_light = _mix(_mix([0.52, 0.58, 0.70], [0.42, 0.42, 0.55], low), [0.80, 0.82, 0.84], cloud) * bright
    ground_light = _mix([0.42, 0.41, 0.38], [0.50, 0.50, 0.50], cloud) * bright
    haze = _mix(_mix([0.76, 0.83, 0.90], [0.86, 0.66, 0.50], low), [0.76, 0.78, 0.80], cloud) * (0.14 + 0.86 * day)
    zenith = _mix(_mix([0.30, 0.50, 0.78], [0.26, 0.34, 0.56], low), [0.64, 0.67, 0.71], cloud) * (0.10 + 0.90 * day)
    # Where shadows are drawn the sun does what it does in the open: on level ground more than all of the sky.
    sun_light *= 1.0 + 2.6 * conditions.shadows
    sky_light *= 1.0 - 0.22 * conditions.shadows
    ground_light *= 1.0 - 0.30 * conditions.shadows
    gloom = 1.0 - 0.22 * conditions.rain
    return Light(
        sun=sun,
        sun_light=sun_light,
        sky_light=sky_light * gloom,
        ground_light=ground_light * gloom,
        haze=haze * gloom * (1.0 - 0.45 * dark) + dark * (0.30 + 0.70 * cloud) * CITY_GLOW,
        zenith=zenith * gloom * (1.0 - 0.75 * dark) + 0.5 * dark * cloud * CITY_GLOW,
        glow=np.array([1.0, 0.86, 0.62]) * (1.0 - cloud) * day,
        night=float(np.clip((0.30 - elevation) / 0.30, 0.0, 1.0)),
        wet=conditions.rain,
        rain=conditions.rain,
        cloud=cloud,
        fog_per_m=0.0012 + 0.004 * conditions.rain + 0.030 * conditions.fog**2,
        shadow=0.30 + 0.30 * (1.0 - cloud) * day,
        lamps=lamps,
        shadows=conditions.shadows if elevation > 0.0 else 0.0,
        glare=conditions.glare * (1.0 - cloud) if elevation > 0.0 else 0.0,
        slant=2.0 + 5.0 * conditions.shadows,
    )
