"""Weather, light and the state of the lenses on a ride, as the cameras show them."""

from dataclasses import dataclass

from xiaolu.core.check import within

SHARES = (
    "cloud", "rain", "fog", "streaks", "shadows", "glare", "metering", "noise", "blur", "lens_drops", "frame_drop",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conditions:
    """Sun elevation and azimuth in radians (azimuth from world x, to the left); all else from 0 to 1.

    Street: cloud, rain (wet roads, grey light) and fog; streaks: drops seen falling; shadows: what buildings and trees
    cast. Below the horizon of the sun, and from LAMPS_FOG on, lamps are lit.
    Camera: glare of the sun in the lens; metering: how far exposure follows the brightness of the picture; noise of
    the sensor; blur by motion and focus; lens_drops: water on the glass; frame_drop: the share of frames that never
    arrive. The camera's faults follow from the ride's seed, the moment and the camera alone.
    """

    sun_elevation_rad: float = 0.9
    sun_azimuth_rad: float = 0.8
    cloud: float = 0.0
    rain: float = 0.0
    fog: float = 0.0
    streaks: float = 0.0
    shadows: float = 0.0
    glare: float = 0.0
    metering: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    lens_drops: float = 0.0
    frame_drop: float = 0.0

    def __post_init__(self) -> None:
        within("Conditions.sun_elevation_rad", self.sun_elevation_rad, -1.6, 1.6, "rad")
        within("Conditions.sun_azimuth_rad", self.sun_azimuth_rad, -7.0, 7.0, "rad")
        for name in SHARES:
            within(f"Conditions.{name}", getattr(self, name), 0.0, 1.0, "(share)")

    @property
    def lamps(self) -> bool:
        """Whether it is dark or thick enough that everybody drives with lamps on."""
        return self.sun_elevation_rad < 0.0 or self.fog >= LAMPS_FOG


LAMPS_FOG = 0.4  # about 300 m of sight: fog lamps are due from 200 m (China's road traffic regulations, article 81)

SUN = Conditions()
OVERCAST = Conditions(sun_elevation_rad=0.8, cloud=1.0)
DUSK = Conditions(sun_elevation_rad=0.06, cloud=0.3)
RAIN = Conditions(sun_elevation_rad=0.6, cloud=1.0, rain=0.8, fog=0.25)
LOW_SUN = Conditions(sun_elevation_rad=0.17, sun_azimuth_rad=0.3, shadows=1.0, glare=1.0, metering=0.8, noise=0.1)
NIGHT = Conditions(sun_elevation_rad=-0.3, cloud=0.4, metering=0.6, noise=0.5, blur=0.35)
NIGHT_RAIN = Conditions(
    sun_elevation_rad=-0.3,
    cloud=1.0,
    rain=0.9,
    fog=0.3,
    streaks=0.7,
    metering=0.6,
    noise=0.5,
    blur=0.4,
    lens_drops=0.4,
    frame_drop=0.01,
)
FOG = Conditions(sun_elevation_rad=0.5, cloud=1.0, fog=0.9, metering=0.5, noise=0.15, blur=0.15)
HEAVY_RAIN = Conditions(
    sun_elevation_rad=0.45,
    cloud=1.0,
    rain=1.0,
    fog=0.42,
    streaks=1.0,
    metering=0.5,
    noise=0.25,
    blur=0.3,
    lens_drops=0.7,
    frame_drop=0.02,
)

CONDITIONS = {
    "sun": SUN,
    "overcast": OVERCAST,
    "dusk": DUSK,
    "rain": RAIN,
    "low-sun": LOW_SUN,
    "night": NIGHT,
    "night-rain": NIGHT_RAIN,
    "fog": FOG,
    "heavy-rain": HEAVY_RAIN,
}
