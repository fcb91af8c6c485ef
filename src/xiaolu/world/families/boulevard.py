"""Boulevards: arterials of six and eight lanes with medians, cycle lanes, bus stops, arrows and waiting areas.

In: a seed; out: map, lanes put right, furniture. Left turns have their own lane and arrow; at most big junctions they
wait ahead of the crossroads' middle while the straight way beside them is green.
"""

import numpy as np
import shapely

from xiaolu.core.chance import Purpose, generator
from xiaolu.core.frames import wrap_angle
from xiaolu.world.extract import signal_points
from xiaolu.world.families.narrow import move_aside
from xiaolu.world.families.program import entered_from, protected, rewrite_programs, separate_turns
from xiaolu.world.families.surface import Row, both, prop_arrays
from xiaolu.world.families.written import written
from xiaolu.world.maps.buildings import HEIGHTS, Round, place_buildings
from xiaolu.world.maps.furnish import Furniture, Site
from xiaolu.world.maps.lanes import Lane, bearing, length_of
from xiaolu.world.maps.net import Net
from xiaolu.world.maps.roadside import place_parked, place_pickups, place_props
from xiaolu.world.maps.surfaces import at, by_edge, lane_surfaces
from xiaolu.world.street_map import round_bends, street_map
from xiaolu.world.street_names import StreetNames
from xiaolu.world.street_plan import Border, Profile, StreetPlan
from xiaolu.world.town import LaneKind, PropKind, RoadClass, Turn

AVENUE, ROAD, SIDE = "avenue", "road", "side"
MEDIAN_M = 1.8
PLANTER_EVERY_M = 3.2
MEDIAN_ENDS_M = 14.0  # before a junction the median ends
BUS_STOPS = 0.75
WAITING_SHARE = 0.7  # of the left turns that have room for one
WAITING_LEAST_M = 6.0  # a waiting area is long enough for a car
CAR_HALF_M = 1.2  # half a car's width and some room
ROUNDS = (
    Round((16.0, 42.0), (12.0, 22.0), (1.5, 8.0), (1.0, 9.0)),
    Round((9.0, 16.0), (8.0, 13.0), (0.9, 4.0), (0.5, 4.0)),
    Round((14.0, 30.0), (10.0, 18.0), (28.0, 40.0), (5.0, 16.0)),
)
HEIGHTS_M = {**HEIGHTS, RoadClass.PRIMARY: (18.0, 42.0), RoadClass.SECONDARY: (14.0, 40.0)}
NOTES = (
    "Boulevard: avenues have 3.3 m lanes, a median of 1.8 m and cycle lanes of 2.6 to 3.4 m. The leftmost lane of a "
    "signalled approach is for left turns alone; they have an arrow and a phase of their own.",
    "Waiting areas end 0.8 m before the oncoming straight way, at 70 % of the left turns that have 6 m of room.",
)


class BoulevardPlan(StreetPlan):
    """Avenues every 300 m, roads between them, few small streets."""

    size_between_m = (640.0, 820.0)
    diagonals = False
    narrow_share = 0.15

    def _edge(self) -> Border:
        return Border(0.0, self._profile(0 if self._roll(0.4) else 1) if self._roll(0.8) else None)

    def _profile(self, rank: int) -> Profile:
        draw = self.chance.uniform
        walk_m, cycle_m = round(float(draw(3.0, 5.0)), 1), round(float(draw(2.6, 3.4)), 1)
        if rank == 0:
            self.avenues += 1
            lanes, highway = (8, "primary") if self.avenues == 1 and self._roll(0.6) else (6, "secondary")
            return Profile(highway, lanes, width_m=3.3 * lanes, mark=AVENUE, sidewalk_m=walk_m, cycle_m=cycle_m)
        if rank == 1:
            cycle_m = cycle_m if self._roll(0.7) else 0.0
            return Profile("tertiary", 4, width_m=13.2, mark=ROAD, sidewalk_m=walk_m - 0.8, cycle_m=cycle_m)
        if rank == 2:
            if self._roll(0.3):
                return Profile("tertiary", 2, width_m=7.0, mark=ROAD, sidewalk_m=2.5, cycle_m=2.5)
            return Profile("residential", 2, width_m=round(float(draw(6.0, 8.0)), 1), mark=SIDE, sidewalk_m=3.0)
        return Profile("residential", 1, width_m=round(float(draw(4.4, 5.4)), 1), mark=SIDE, sidewalk_m=1.5)


def draw_boulevard(seed: int) -> str:
    """Return the OpenStreetMap XML of the boulevard town a seed stands for: some 750 m square."""
    chance = generator(seed, Purpose.TOWN, 12)
    plan = BoulevardPlan(chance)
    built = street_map(plan, chance)
    round_bends(built, 22.0)
    signals = signal_points(built, chance)
    namer = StreetNames(chance)
    return written(built, lambda line: namer.draw(line.profile.highway), signals)


def prepare_boulevard(net: Net, lanes: list[Lane]) -> list[Lane]:
    """Return the lanes with medians between them and turns kept apart; the net's signals get programs of our own."""
    lanes = separate_turns(lanes)
    aside = np.array([-MEDIAN_M / 2 if lane.mark == AVENUE and not lane.junction else 0.0 for lane in lanes])
    aside[[lane.kind == LaneKind.CROSSING for lane in lanes]] = 0.0
    move_aside(lanes, aside)
    seed = sum(map(ord, "".join(sorted(net.programs)))) + len(lanes)
    rewrite_programs(net, lanes, generator(seed, Purpose.SIGNAL, 12))
    return lanes


def waiting_areas(lanes: list[Lane], seed: int) -> np.ndarray:
    """Return waiting_s_m (L,): where a protected left turn's waiting area ends, NaN where it has none."""
    chance = generator(seed, Purpose.SIGNAL, 13)
    strips, before = lane_surfaces(lanes), entered_from(lanes)
    waiting = np.full(len(lanes), np.nan)
    for number, lane in enumerate(lanes):
        if not lane.signal or lane.turn != Turn.LEFT or not protected(lanes, number, before):
            continue
        yaw = bearing(lane.line, False)
        oncoming = [
            n
            for n in lane.crosses
            if lanes[n].turn in (Turn.STRAIGHT, Turn.LEFT)
            and abs(float(wrap_angle(bearing(lanes[n].line, False) - yaw))) > 2.2
        ]
        if not any(lanes[n].turn == Turn.STRAIGHT for n in oncoming):
            continue
        line = shapely.LineString(lane.line[:, :2])
        taken = shapely.union_all([shapely.buffer(strips[n], CAR_HALF_M, quad_segs=2) for n in oncoming])
        met = shapely.intersection(line, taken)
        first = line.project(shapely.Point(met.coords[0] if met.geom_type == "LineString" else met.centroid.coords[0]))
        s = min(float(first), line.length) - 0.8
        if s > WAITING_LEAST_M and chance.random() < WAITING_SHARE:
            waiting[number] = round(s, 2)
    return waiting


def medians(lanes: list[Lane], seed: int) -> list[Row]:
    """Return prop rows: planters, and lamps between them, along the medians of avenues."""
    chance = generator(seed, Purpose.STYLE, 12)
    rows: list[Row] = []
    for edge, numbers in by_edge(lanes).items():
        inner = lanes[numbers[-1]]
        if inner.mark != AVENUE or edge.startswith("-") or inner.kind != LaneKind.DRIVE:
            continue
        length = length_of(inner.line)
        lamp = chance.uniform(10.0, 25.0)
        for s in np.arange(MEDIAN_ENDS_M, length - MEDIAN_ENDS_M, PLANTER_EVERY_M):
            x, y, yaw = at(inner.line, float(s))
            out = inner.width_m / 2 + MEDIAN_M / 2
            kind = PropKind.PLANTER if (s + lamp) % 35.0 > PLANTER_EVERY_M else PropKind.LAMP
            rows.append((kind, x - np.sin(yaw) * out, y + np.cos(yaw) * out, yaw, int(chance.integers(2**31 - 1))))
    return rows


def furnish_boulevard(site: Site) -> Furniture:
    """Return what stands along boulevards whose streets have been compiled."""
    lanes, seed = site.lanes, site.seed
    parked = place_parked(lanes, seed)
    buildings = place_buildings(lanes, site.outlines, site.own, seed, ROUNDS, HEIGHTS_M)
    props = both(place_props(lanes, parked, seed, BUS_STOPS), prop_arrays(medians(lanes, seed)))
    pickups, places = place_pickups(lanes, parked)
    arrays = buildings | props | pickups | {"waiting_s_m": waiting_areas(lanes, seed)}
    return Furniture(arrays, places, list(NOTES))
