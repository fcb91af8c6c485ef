"""Without these, a village might have no alleys a car fits through, or a boulevard no arrow to wait for."""

import ast
import subprocess
import sys

import numpy as np
import pytest
import shapely

from xiaolu.core.frames import box_corners
from xiaolu.world.generate import Family, generate_town
from xiaolu.world.routing import RoutePath, draw_ride
from xiaolu.world.standing import standing_of
from xiaolu.world.town import LaneKind, Marking, PropKind, RoadClass, Town

pytest.importorskip("sumo", reason='needs netconvert: pip install "xiaolu[maps]"')

NEW = tuple(family for family in Family if family != Family.OLD_TOWN)
FREE_M = 2.3  # a car of 1.9 m, and 0.2 m on either side
PARKED_M = (4.6, 1.84)


@pytest.fixture(scope="module")
def towns() -> dict[Family, Town]:
    return {family: generate_town(800_011, family) for family in NEW}


def ordinary(town: Town) -> np.ndarray:
    return (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0)


def obstacles(town: Town) -> np.ndarray:
    """Return (n,) polygons of all that stands in the road, every parked car counted as being there."""
    prop, size = standing_of(town)
    cars = np.flatnonzero(town.prop_kind == PropKind.PARKED_CAR)
    both = np.concatenate([prop, cars])
    sizes = np.concatenate([size[:, :2], np.tile(PARKED_M, (len(cars), 1))])
    x, y, yaw = town.prop_pose[both].T
    return shapely.polygons(box_corners(x, y, yaw, sizes[:, 0], sizes[:, 1]))


@pytest.mark.parametrize("family", NEW)
def test_every_family_carries_rides(towns: dict[Family, Town], family: Family) -> None:
    lengths = [RoutePath(towns[family], draw_ride(towns[family], seed, 400.0)).length_m for seed in range(12)]
    assert min(lengths) > 330.0 and max(lengths) < 470.0


@pytest.mark.parametrize("family", NEW)
def test_another_seed_is_another_town_and_the_same_seed_the_same_in_another_process(
    towns: dict[Family, Town], family: Family
) -> None:
    code = "from xiaolu.world.generate import Family, generate_town; "
    code += f"print([generate_town(s, Family({family.value!r})).digest() for s in (800_011, 800_012)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    same, other = ast.literal_eval(done.stdout)
    assert same == towns[family].digest() != other


@pytest.mark.parametrize("family", NEW)
def test_a_car_fits_through_between_all_that_stands_in_a_road(towns: dict[Family, Town], family: Family) -> None:
    """Across every street, at every metre: the widest gap between obstacles, kerbs counted as such, lets a car pass."""
    town = towns[family]
    things = obstacles(town)
    tree = shapely.STRtree(things)
    surface = shapely.union_all(
        [
            shapely.buffer(shapely.LineString(town.line(n)[:, :2]), town.lane_width_m[n] / 2 + 0.01, cap_style="flat")
            for n in np.flatnonzero(town.lane_kind == LaneKind.DRIVE)
        ]
    )
    shapely.prepare(surface)
    tight = []
    for lane in np.flatnonzero(ordinary(town)):
        for s in np.arange(1.0, town.lane_length_m[lane] - 1.0, 1.0):
            x, y, _, yaw = town.pose_at(int(lane), float(s))
            left = np.array([-np.sin(yaw), np.cos(yaw)])
            across = shapely.LineString([np.array([x, y]) - 8.0 * left, np.array([x, y]) + 8.0 * left])
            near = tree.query(across, predicate="intersects")
            if not len(near):
                continue
            open_ = shapely.difference(shapely.intersection(across, surface), shapely.union_all(things[near]))
            widest = max((part.length for part in getattr(open_, "geoms", [open_])), default=0.0)
            if widest < FREE_M:
                tight.append((int(lane), float(s), widest))
    assert not tight


@pytest.mark.parametrize("family", NEW)
def test_no_house_stands_in_the_road_and_no_thing_in_a_house(towns: dict[Family, Town], family: Family) -> None:
    town = towns[family]
    corners = zip(town.building_start[:-1], town.building_start[1:], strict=True)
    houses = np.array([shapely.Polygon(town.building_points[a:b]) for a, b in corners])
    roads = [shapely.LineString(town.line(n)[:, :2]) for n in np.flatnonzero(town.lane_kind == LaneKind.DRIVE)]
    half = town.lane_width_m[town.lane_kind == LaneKind.DRIVE] / 2
    tree = shapely.STRtree(houses)
    assert not len(tree.query(shapely.buffer(roads, half, cap_style="flat"), predicate="intersects")[0])
    assert not len(tree.query(shapely.points(town.prop_pose[:, :2]), predicate="within")[0])


# What makes each family what it is.


def test_a_village_is_alleys(towns: dict[Family, Town]) -> None:
    town = towns[Family.VILLAGE]
    lanes = np.flatnonzero(ordinary(town) & (town.lane_twin >= 0))
    widths = []
    for lane in lanes:
        x, y, _, yaw = town.pose_at(int(lane), town.lane_length_m[lane] / 2)
        ox, oy = town.pose_at(int(town.lane_twin[lane]), town.lane_length_m[town.lane_twin[lane]] / 2)[:2]
        apart = abs(-np.sin(yaw) * (ox - x) + np.cos(yaw) * (oy - y))
        widths.append(apart + town.lane_width_m[lane])
    assert min(widths) > 2.95 and max(widths) < 6.2 and np.ptp(widths) > 1.5
    metres = town.lane_length_m
    assert metres[lanes].sum() > 0.6 * metres[ordinary(town)].sum(), "most of a village is alleys"
    assert (town.lane_marking[lanes] == Marking.NONE).all() and not (town.lane_signal >= 0).any()
    assert town.lane_walked[lanes].mean() > 0.5, "where there is no sidewalk, people walk on the road"
    dead_ends = (np.diff(town.next_start) == 0) & ordinary(town)
    assert dead_ends.sum() >= 3
    kinds = set(town.prop_kind.tolist())
    assert {PropKind.PARKED_CAR, PropKind.PARKED_E_BIKE, PropKind.BOLLARD, PropKind.PLANTER} <= kinds
    assert (town.lane_class[lanes] >= RoadClass.RESIDENTIAL).all()


def test_a_cars_middle_keeps_off_the_walls_of_an_alley(towns: dict[Family, Town]) -> None:
    town = towns[Family.VILLAGE]
    narrow = ordinary(town) & (town.lane_twin >= 0)
    assert (town.lane_width_m[narrow] / 2 >= min(1.25, 1.5) - 0.01).all()


def test_old_towns_are_what_they_were() -> None:
    assert generate_town(5).digest() == generate_town(5, Family.OLD_TOWN).digest()
    assert generate_town(5).meta["name"] == "town-5" and "family" not in generate_town(5).meta
