"""Without these, a village might have no alleys a car fits through, or a boulevard no arrow to wait for."""

import ast
import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import shapely
from shapely.ops import substring

from xiaolu.core.decision import LampColour
from xiaolu.core.frames import box_corners
from xiaolu.world.generate import Family, generate_town
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath, draw_ride
from xiaolu.world.standing import standing_of
from xiaolu.world.town import LaneKind, Marking, PropKind, RoadClass, Town, Turn
from xiaolu.world.ways import ways_of

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


def test_nothing_narrows_an_alley_where_cars_turn_into_it(towns: dict[Family, Town]) -> None:
    town = towns[Family.VILLAGE]
    tree = shapely.STRtree(obstacles(town))
    mouths = []
    for lane in np.flatnonzero(ordinary(town) & (town.lane_twin >= 0) & (town.lane_length_m > 12.0)):
        line = shapely.LineString(town.line(lane)[:, :2])
        for part in (substring(line, 0.0, 5.5), substring(line, line.length - 5.5, line.length)):
            mouths.append(shapely.buffer(part, town.lane_width_m[lane] / 2 - 0.2, cap_style="flat"))
    assert len(mouths) > 40
    assert not len(tree.query(mouths, predicate="intersects")[0])


def test_streets_know_how_narrow_what_stands_in_them_makes_them(towns: dict[Family, Town]) -> None:
    """Cars seldom drive where two do not pass. Without the parked cars and stalls it would be the bare width."""
    town = towns[Family.VILLAGE]
    way = ways_of(town).way
    shared = np.isfinite(way["free"]) & (way["kind"] == LaneKind.DRIVE)
    bare = (way["left_room"] + way["right_room"])[shared]
    assert shared.sum() > 100 and (way["free"][shared] <= bare + 1e-9).all()
    assert way["free"][shared].min() > FREE_M - 0.01, "a car gets through everywhere"
    assert (way["free"][shared] < bare - 0.3).mean() > 0.2
    nothing = dataclasses.replace(town, prop_kind=np.full_like(town.prop_kind, PropKind.LAMP))
    assert ways_of(nothing).way["free"][shared] == pytest.approx(bare)


def test_a_cars_middle_keeps_off_the_walls_of_an_alley(towns: dict[Family, Town]) -> None:
    town = towns[Family.VILLAGE]
    narrow = ordinary(town) & (town.lane_twin >= 0)
    assert (town.lane_width_m[narrow] / 2 >= min(1.25, 1.5) - 0.01).all()


def greens(town: Town, lane: int) -> np.ndarray:
    """Return in which phases of its program a lane's signal is green."""
    signal = town.lane_signal[lane]
    program = town.signal_program[signal]
    rows = slice(town.program_start[program], town.program_start[program + 1])
    return town.phase_state[rows, town.signal_column[signal]] == LampColour.GREEN


def test_a_boulevard_has_arrows_countdowns_cycle_lanes_bus_stops_and_many_lanes(towns: dict[Family, Town]) -> None:
    town = towns[Family.BOULEVARD]
    heads = ~town.head_walk
    assert {Turn.LEFT, Turn.STRAIGHT, Turn.RIGHT} <= set(town.head_arrow[heads].tolist())
    assert town.head_countdown[heads].mean() > 0.3
    assert town.lane_length_m[town.lane_kind == LaneKind.CYCLE].sum() > 2000.0
    assert (town.prop_kind == PropKind.BUS_STOP).sum() >= 5
    third = np.flatnonzero(ordinary(town) & (town.lane_left >= 0))
    assert (town.lane_left[town.lane_left[third]] >= 0).any(), "three lanes a direction and more"


def test_left_arrows_of_a_boulevard_are_protected(towns: dict[Family, Town]) -> None:
    town = towns[Family.BOULEVARD]
    arrows = town.head_lane[(town.head_arrow == Turn.LEFT) & ~town.head_walk]
    assert len(arrows) > 10
    for lane in arrows:
        for foe in town.cross_lane[town.cross_start[lane] : town.cross_start[lane + 1]]:
            if town.lane_signal[foe] >= 0 and town.lane_turn[foe] == Turn.STRAIGHT:
                assert not (greens(town, lane) & greens(town, foe)).any()
    for lane in np.flatnonzero(town.lane_signal >= 0):
        assert greens(town, lane).any(), "nobody waits for ever"


def test_waiting_areas_lie_inside_the_junction_clear_of_who_goes_straight_on(towns: dict[Family, Town]) -> None:
    town = towns[Family.BOULEVARD]
    waiting = np.flatnonzero(np.isfinite(town.waiting_s_m))
    assert len(waiting) >= 3
    source = np.repeat(np.arange(town.lanes), np.diff(town.next_start))
    for lane in waiting:
        assert town.lane_turn[lane] == Turn.LEFT and town.lane_signal[lane] >= 0 and town.lane_junction[lane] >= 0
        assert 5.0 < town.waiting_s_m[lane] < 0.8 * town.lane_length_m[lane]
        x, y, _, yaw = town.pose_at(int(lane), float(town.waiting_s_m[lane]))
        front = shapely.LineString(
            [(x - 0.95 * side * np.sin(yaw), y + 0.95 * side * np.cos(yaw)) for side in (-1.0, 1.0)]
        )
        edge = town.lane_edge[source[town.next_lane == lane][0]]
        for foe in town.cross_lane[town.cross_start[lane] : town.cross_start[lane + 1]]:
            straight = town.lane_turn[foe] == Turn.STRAIGHT and town.lane_kind[foe] == LaneKind.DRIVE
            if straight and (greens(town, foe) & before(town, lane)).any() and town.lane_edge[foe] != edge:
                assert shapely.LineString(town.line(foe)[:, :2]).distance(front) > 1.5


def before(town: Town, lane: int) -> np.ndarray:
    """Return the phases, none of them its own, in which a lane's neighbours on the same approach go straight on."""
    source = np.repeat(np.arange(town.lanes), np.diff(town.next_start))
    approach = source[town.next_lane == lane][0]
    beside = np.flatnonzero(town.lane_edge == town.lane_edge[approach])
    onward = [n for b in beside for n in town.following(b) if town.lane_turn[n] == Turn.STRAIGHT]
    return np.any([greens(town, n) for n in onward if town.lane_kind[n] == LaneKind.DRIVE], axis=0)


def test_old_towns_are_what_they_were() -> None:
    assert generate_town(5).digest() == generate_town(5, Family.OLD_TOWN).digest()
    assert generate_town(5).meta["name"] == "town-5" and "family" not in generate_town(5).meta


def test_a_park_has_gates_bays_signs_and_private_roads_beside_public_streets(towns: dict[Family, Town]) -> None:
    town = towns[Family.PARK]
    private = ordinary(town) & town.lane_private
    metres = town.lane_length_m
    assert metres[private].sum() > 800.0 and metres[ordinary(town) & ~town.lane_private].sum() > 800.0
    assert (town.lane_marking[private] == Marking.NONE).all() and town.lane_walked[private].all()
    assert len(town.gate_lane) >= 4 and town.lane_private[town.gate_lane].all()
    assert ((town.gate_s_m > 0.0) & (town.gate_s_m < metres[town.gate_lane])).all()
    assert (town.prop_kind == PropKind.PICKUP_SIGN).any() and (town.prop_kind == PropKind.GATE).any()
    signed = town.lane_private[town.pickup_lane]
    assert signed.any() and not signed.all()


def test_every_way_into_a_park_has_a_gate(towns: dict[Family, Town]) -> None:
    town = towns[Family.PARK]
    drive = np.flatnonzero(ordinary(town))
    source = np.repeat(np.arange(town.lanes), np.diff(town.next_start))
    gated = set(town.lane_edge[town.gate_lane].tolist())
    for lane in drive[town.lane_private[drive]]:
        mouths = source[town.next_lane == lane]
        outside = [b for m in mouths for b in source[town.next_lane == m] if not town.lane_private[b]]
        assert not len(outside) or int(town.lane_edge[lane]) in gated


def test_bays_lie_beside_their_lane_and_can_be_driven_on(towns: dict[Family, Town]) -> None:
    town = towns[Family.PARK]
    assert len(town.bay_lane) > 30
    ground = Ground(town)
    assert ground.off_road_m(town.bay_pose[:, :2]).max() == 0.0
    bays = shapely.polygons(town.bay_corners())
    pairs = shapely.STRtree(shapely.buffer(bays, -0.1)).query(shapely.buffer(bays, -0.1), predicate="intersects").T
    assert all(a == b for a, b in pairs), "no two bays share ground"
    for lane, (x, y, yaw), (length, _) in zip(town.bay_lane, town.bay_pose, town.bay_size_m, strict=True):
        line = shapely.LineString(town.line(int(lane))[:, :2])
        rear = shapely.Point(x - np.cos(yaw) * length / 2, y - np.sin(yaw) * length / 2)
        assert line.distance(rear) == pytest.approx(town.lane_width_m[lane] / 2, abs=0.5)
        assert line.distance(shapely.Point(x, y)) > line.distance(rear), "its nose points away from the road"
