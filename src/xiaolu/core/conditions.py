"""Weather and light of a ride, as the cameras show them."""

from dataclasses import dataclass

from xiaolu.core.check import within


@dataclass(frozen=True, slots=True)
class Conditions:
    """Sun elevation and azimuth in radians (azimuth from world x, to the left); cloud, rain and fog from 0 to 1."""

    sun_elevation_rad: float = 0.9
    sun_azimuth_rad: float = 0.8
    cloud: float = 0.0
    rain: float = 0.0
    fog: float = 0.0

    def __post_init__(self) -> None:
        within("Conditions.sun_elevation_rad", self.sun_elevation_rad, -1.6, 1.6, "rad")
        within("Conditions.sun_azimuth_rad", self.sun_azimuth_rad, -7.0, 7.0, "rad")
        for name in ("cloud", "rain", "fog"):
            within(f"Conditions.{name}", getattr(self, name), 0.0, 1.0, "(share)")


SUN = Conditions()
OVERCAST = Conditions(sun_elevation_rad=0.8, cloud=1.0)
DUSK = Conditions(sun_elevation_rad=0.06, cloud=0.3)
RAIN = Conditions(sun_elevation_rad=0.6, cloud=1.0, rain=0.8, fog=0.25)

CONDITIONS = {"sun": SUN, "overcast": OVERCAST, "dusk": DUSK, "rain": RAIN}
