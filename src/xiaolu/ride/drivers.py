"""Drivers by name: the shipped one, the teacher, the baselines, or a folder with an exported driver of your own."""

from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path

from xiaolu.core.protocols import Driver, SceneDriver
from xiaolu.expert.baselines.blind import BlindTeacher
from xiaolu.expert.baselines.pdm_closed import PdmClosed
from xiaolu.expert.baselines.simple import RouteDriver, follow_lead, keep_speed, stand
from xiaolu.expert.teacher import Teacher
from xiaolu.runtime.driver import OnnxDriver
from xiaolu.world.routing import RoutePlan
from xiaolu.world.town import Town

ASSETS = Path(str(files("xiaolu"))) / "assets"
BUNDLED_TOWN = ASSETS / "town.town"
SHIPPED = "vla2-nano"

# Drivers that are shown the scene: they need no cameras and no learning.
PRIVILEGED: dict[str, Callable[[Town, RoutePlan], SceneDriver]] = {
    "teacher": Teacher,
    "teacher-blind": BlindTeacher,
    "pdm-closed": PdmClosed,
    "idm": partial(RouteDriver, "idm", follow_lead),
    "constant": partial(RouteDriver, "constant", keep_speed),
    "still": partial(RouteDriver, "still", stand),
}


def known_drivers() -> list[str]:
    """Return the names that `make_driver` takes, besides a folder's path."""
    return [*PRIVILEGED, *sorted(folder.parent.name for folder in ASSETS.glob("*/contract.json"))]


def folder_of(name: str) -> Path:
    """Return the folder of a driver that looks. Raises ValueError naming what is known, where there is none."""
    for folder in (ASSETS / name, Path(name)):
        if (folder / "contract.json").exists():
            return folder
    raise ValueError(
        f"no driver {name!r}: known are {', '.join(known_drivers())}, or the folder that `xiaolu export` wrote"
    )


def wants_cameras(name: str) -> bool:
    """Return whether a driver looks through cameras. Raises ValueError for an unknown one."""
    return name not in PRIVILEGED and bool(folder_of(name))


def make_driver(name: str, town: Town, route: RoutePlan, threads: int = 2) -> Driver | SceneDriver:
    """Return a driver for one ride. `name`: one of `known_drivers`, or the folder of an exported one.

    Raises ValueError naming what is known, for a name that is neither.
    """
    if name in PRIVILEGED:
        return PRIVILEGED[name](town, route)
    return OnnxDriver(folder_of(name), threads=threads)
