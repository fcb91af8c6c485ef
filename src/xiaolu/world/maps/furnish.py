"""What stands along the streets of a real map. Families of generated towns have their own."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from xiaolu.world.maps.buildings import place_buildings
from xiaolu.world.maps.lanes import Lane
from xiaolu.world.maps.net import Net
from xiaolu.world.maps.netconvert import CORNER_M
from xiaolu.world.maps.roadside import place_parked, place_pickups, place_props
from xiaolu.world.maps.signals import FARTHEST_HEAD_M


@dataclass(frozen=True, slots=True)
class Site:
    """Where things are to be put. lanes: may be moved in place; outlines: of junctions, (n, 2) each, metres;
    own: the source's buildings, (outline (n, 2), height in metres or None) each; seed: of all chance."""

    lanes: list[Lane]
    outlines: list[np.ndarray]
    own: list
    seed: int


@dataclass(slots=True)
class Furniture:
    """arrays: what the town has besides lanes and signals, by the names of `Town`; places: the pick-ups' names."""

    arrays: dict[str, np.ndarray]
    places: tuple[str, ...]
    notes: list[str] = field(default_factory=list)


def furnish_streets(site: Site) -> Furniture:
    """Return buildings, props and pick-ups drawn along a real map's streets; sidewalks make way for parked cars."""
    lanes, seed = site.lanes, site.seed
    parked = place_parked(lanes, seed)
    buildings = place_buildings(lanes, site.outlines, site.own, seed)
    pickups, places = place_pickups(lanes, parked)
    return Furniture(buildings | place_props(lanes, parked, seed) | pickups, places)


@dataclass(frozen=True, slots=True)
class Making:
    """How a town is made of a map. The defaults are for real ones.

    corner_m: radius of the kerbs at junctions; crossings: guess where people cross; prepare: returns the lanes as
    they are to be, before anything is put beside them, and may change the net's signal programs; furnish: puts it
    there; ground: what lies between the streets, "grass" or "paved"; farthest_head_m: from a stop line to its heads.
    """

    corner_m: float = CORNER_M
    ground: str = "grass"
    farthest_head_m: float = FARTHEST_HEAD_M
    crossings: bool = True
    options: tuple[str, ...] = ()
    prepare: Callable[[Net, list[Lane]], list[Lane]] = lambda net, lanes: lanes
    furnish: Callable[[Site], Furniture] = furnish_streets
