"""Imaginary towns. In: a seed; out: a compiled town, or the OpenStreetMap file it is compiled from.

A generated town goes the way of a real one: its streets are written down as an OpenStreetMap extract, tagged as
sparsely as extracts of Chinese cities are, and imported. What a driver learns here it can meet in a real extract.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import numpy as np

from xiaolu.core.chance import Purpose, generator
from xiaolu.core.seeds import split_of
from xiaolu.world.extract import Extract, signal_points
from xiaolu.world.families.boulevard import draw_boulevard, furnish_boulevard, prepare_boulevard
from xiaolu.world.families.narrow import share_narrow
from xiaolu.world.families.park import draw_park, furnish_park
from xiaolu.world.families.village import draw_village, furnish_village
from xiaolu.world.maps import Making, import_map
from xiaolu.world.street_map import RANK, Line, StreetMap, add_roundabout, open_one_ways, street_map
from xiaolu.world.street_names import StreetNames
from xiaolu.world.street_plan import Profile, StreetPlan
from xiaolu.world.town import Town

# How often a way says its lanes, as counted in an extract of central Shanghai (46 % overall).
LANES_TOLD = {"primary": 0.8, "secondary": 0.75, "tertiary": 0.7, "residential": 0.45, "living_street": 0.3}
LIMITS_KMH = {"primary": (50, 60), "secondary": (40, 50), "tertiary": (30, 40), "residential": (20, 30, 30)}
APPROACH_M = 11.0  # where signals stand on the approaches instead of in the junction's middle: a fifth of them do


def _move_to_approaches(extract: Extract, built: StreetMap, signals: set[int], chance: np.random.Generator) -> None:
    """Tag signal nodes: most in the junction's middle, some on its approaches, as mappers do."""
    where = np.array(built.points)
    busy = np.array(sorted(set(np.flatnonzero(built.branches() > 2).tolist())))
    for point in sorted(signals):
        near = np.hypot(*(where[busy] - where[point]).T)
        alone = np.sort(near)[1] > 45.0 if len(busy) > 1 else True
        if not alone or chance.random() < 0.75:
            extract.node_tags[point] = "traffic_signals"
            continue
        for line in built.lines:
            if point not in line.points:
                continue
            k = line.points.index(point)
            both = [(k - 1, k)] if line.profile.oneway else [(k - 1, k), (k + 1, k + 1)]
            for other, insert_at in sorted(both, key=lambda pair: -pair[1]):
                if 0 <= other < len(line.points):
                    away = where[line.points[other]] - where[point]
                    if np.hypot(*away) > 2.5 * APPROACH_M:
                        x, y = where[point] + away * APPROACH_M / np.hypot(*away)
                        line.points.insert(insert_at, extract.add_point(float(x), float(y)))
                        extract.node_tags[line.points[insert_at]] = "traffic_signals"
            where = np.array(built.points)


def _tags(line: Line, name: str | None, told: bool, chance: np.random.Generator) -> dict[str, str]:
    profile: Profile = line.profile
    tags = {"highway": profile.highway, "oneway": "yes" if profile.oneway else "no"}
    if name and profile.highway != "service":
        tags["name"] = name
    if line.roundabout:
        tags["junction"] = "roundabout"
    if told or line.roundabout:
        tags["lanes"] = str(profile.lanes)
    if profile.width_m is not None:
        tags["width"] = f"{profile.width_m:.1f}"
    if profile.highway in LIMITS_KMH and chance.random() < 0.12:
        tags["maxspeed"] = str(int(chance.choice(LIMITS_KMH[profile.highway])))
    return tags


def _widened(profile: Profile) -> Profile:
    """Return the profile with one lane more each way, as before a big junction."""
    return replace(profile, lanes=profile.lanes + (1 if profile.oneway else 2))


def draw_osm(seed: int) -> str:
    """Return the OpenStreetMap XML of the town a seed stands for: some 0.7 to 1.1 km square, 30 to 90 junctions.

    A pure function of the seed. Raises ValueError for a seed that is no seed.
    """
    split_of(seed)
    chance = generator(seed, Purpose.TOWN)
    plan = StreetPlan(chance)
    built = street_map(plan, chance)
    if chance.random() < 0.3:
        add_roundabout(built, chance)
    open_one_ways(built)
    extract = Extract(built)
    signals = signal_points(built, chance)
    _move_to_approaches(extract, built, signals, chance)
    branches = built.branches()
    namer, names = StreetNames(chance), {}
    for line in built.lines:
        if line.name not in names and not line.roundabout:
            unnamed = line.profile.highway in ("residential", "living_street") and chance.random() < 0.15
            names[line.name] = None if unnamed else namer.draw(line.profile.highway)
    told_by_name: dict[int, bool] = {}
    for line in built.lines:
        told = told_by_name.setdefault(
            line.name, bool(chance.random() < LANES_TOLD.get(line.profile.highway, 0.3)) or line.profile.lanes > 2
        )
        if line.profile.width_m is not None and not line.profile.oneway:
            told = line.profile.lanes == 1
        name = None if line.roundabout else names[line.name]
        cuts = [0, len(line.points) - 1]
        if not line.roundabout:
            inner = [k for k in range(1, len(line.points) - 1) if branches[line.points[k]] > 2]
            cuts = [0, *(k for k in inner if chance.random() < 0.45), len(line.points) - 1]
        for first, last in pairwise(cuts):
            piece = line
            if told and line.profile.lanes > 1 and RANK[line.profile.highway] > 1 and chance.random() < 0.1:
                piece = replace(line, profile=_widened(line.profile))
            extract.ways.append((line.points[first : last + 1], _tags(piece, name, told, chance)))
        for point in line.points[1:-1]:
            if branches[point] == 2 and chance.random() < 0.06:
                extract.node_tags.setdefault(point, "crossing")
    return extract.xml()


class Family(StrEnum):
    """What kind of place a generated town is."""

    VILLAGE = "village"
    PARK = "park"
    BOULEVARD = "boulevard"
    OLD_TOWN = "old-town"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a family's towns come about: draw a seed's map (XML), and how it is made into a town."""

    draw: Callable[[int], str]
    making: Making


RECIPES = {
    Family.VILLAGE: Recipe(
        draw_village,
        Making(
            corner_m=2.2,
            crossings=False,
            options=("--junctions.join-dist=4",),
            prepare=share_narrow,
            furnish=furnish_village,
            ground="paved",
        ),
    ),
    Family.PARK: Recipe(draw_park, Making(corner_m=5.0, furnish=furnish_park)),
    Family.BOULEVARD: Recipe(
        draw_boulevard, Making(prepare=prepare_boulevard, furnish=furnish_boulevard, farthest_head_m=50.0)
    ),
    Family.OLD_TOWN: Recipe(draw_osm, Making()),
}


def name_of(seed: int, family: Family) -> str:
    """Return the name of a generated town, e.g. village-000012; old towns are called town-12, as they always were."""
    return f"town-{seed}" if family == Family.OLD_TOWN else f"{family.value}-{seed:06d}"


def generate_town(seed: int, family: Family = Family.OLD_TOWN) -> Town:
    """Return the town of a family that a seed stands for: the same seed gives the same digest with the same SUMO.

    Raises ValueError for a seed that is no seed, MapError (a ValueError) where SUMO's netconvert is not installed.
    """
    split_of(seed)
    recipe, name = RECIPES[family], name_of(seed, family)
    xml = recipe.draw(seed)
    with tempfile.TemporaryDirectory(prefix="xiaolu-town-") as folder:
        source = Path(folder) / f"{name}.osm"
        source.write_text(xml, encoding="utf-8")
        town = import_map(source, making=recipe.making)
    said = {} if family == Family.OLD_TOWN else {"family": family.value}
    return replace(town, meta={**town.meta, "name": name, "source": f"generated from seed {seed}", **said})
