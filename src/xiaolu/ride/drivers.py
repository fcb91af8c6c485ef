"""Drivers by name: the shipped one, the teacher, or a folder with an exported driver of your own."""

from importlib.resources import files
from pathlib import Path

from xiaolu.core.protocols import Driver, SceneDriver
from xiaolu.expert.teacher import Teacher
from xiaolu.runtime.driver import OnnxDriver
from xiaolu.world.routing import RoutePlan
from xiaolu.world.town import Town

ASSETS = Path(str(files("xiaolu"))) / "assets"
BUNDLED_TOWN = ASSETS / "town.town"
SHIPPED = "vla2-nano"


def known_drivers() -> list[str]:
    """Return the names that `make_driver` takes, besides a folder's path."""
    shipped = sorted(folder.parent.name for folder in ASSETS.glob("*/contract.json"))
    return ["teacher", *shipped]


def make_driver(name: str, town: Town, route: RoutePlan, threads: int = 2) -> Driver | SceneDriver:
    """Return a driver for one ride. `name`: "teacher", a shipped driver's name, or the folder of an exported one.

    Raises ValueError naming what is known, for a name that is neither.
    """
    if name == "teacher":
        return Teacher(town, route)
    for folder in (ASSETS / name, Path(name)):
        if (folder / "contract.json").exists():
            return OnnxDriver(folder, threads=threads)
    raise ValueError(
        f"no driver {name!r}: known are {', '.join(known_drivers())}, or the folder that `xiaolu export` wrote"
    )
