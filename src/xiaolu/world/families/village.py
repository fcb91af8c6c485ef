"""Villages in the city: alleys of 3 to 6 m between houses that stand at their edge. In: a seed; out: map, furniture.

One main street, a few lanes, many alleys; dead ends, ways that bollards close to cars, one or two market lanes. No
signals, no markings beyond the main street; people walk on the road wherever there is no sidewalk.
"""

import numpy as np

from xiaolu.core.chance import Purpose, generator
from xiaolu.world.families.surface import Surface, Things, surfaces_of
from xiaolu.world.families.written import written
from xiaolu.world.maps.buildings import Round, place_buildings
from xiaolu.world.maps.furnish import Furniture, Site
from xiaolu.world.maps.lanes import CLOSED, Lane, length_of
from xiaolu.world.maps.roadside import place_pickups
from xiaolu.world.maps.surfaces import at
from xiaolu.world.street_map import Bent, Line, round_bends, street_map
from xiaolu.world.street_names import StreetNames
from xiaolu.world.street_plan import Border, Profile, StreetPlan
from xiaolu.world.town import SOLID_M, LaneKind, PropKind, RoadClass

MAIN, LANE, ALLEY, MARKET = "main", "lane", "alley", "market"
SHARED = (LANE, ALLEY, MARKET)
CAR_M = (4.6, 1.84)
STAYS_FREE_M = {MAIN: 5.2, LANE: 2.95, MARKET: 3.1, ALLEY: 2.6}  # a car of 1.9 m and what a careful driver needs
CARS_SHARE = {MAIN: 1.0, LANE: 1.0, MARKET: 0.3, ALLEY: 0.4}  # of streets that cars park in, where there is room
BOLLARD_GAP_M = 2.6
BOLLARDS_IN_M = 9.0  # so far in from a street's end: a car that turns in is straight by then
BENT = Bent(waves_m=(70.0, 260.0), steep=(0.02, 0.13), shift_m=1.4, most_shift_m=3.0, piece_m=11.0)
HEIGHTS_M = dict.fromkeys(RoadClass, (5.0, 15.0)) | {RoadClass.SERVICE: (3.4, 11.0), RoadClass.LIVING: (3.6, 13.0)}
# Houses at the edge; then behind what stands there; walls round yards; then the insides of blocks.
ROUNDS = (
    Round((6.5, 12.0), (7.0, 11.0), (0.15, 0.5), (0.15, 0.7)),
    Round((3.6, 7.0), (5.0, 8.0), (0.15, 0.6), (0.15, 0.4)),
    Round((5.5, 10.0), (6.0, 10.0), (1.2, 2.4), (0.15, 0.6)),
    Round((3.2, 5.5), (4.0, 7.0), (0.4, 2.2), (0.15, 0.4)),
    Round((2.0, 7.0), (0.24, 0.28), (0.15, 0.4), (0.1, 1.5), (2.0, 2.6)),
    Round((6.0, 10.0), (6.0, 9.0), (8.5, 12.0), (0.4, 2.0)),
    Round((5.0, 8.0), (5.0, 7.0), (13.0, 18.0), (0.6, 4.0)),
    Round((6.0, 12.0), (6.0, 10.0), (20.0, 26.0), (1.0, 6.0)),
)
NOTES = (
    "Village: alleys of 3.0 to 4.4 m, lanes of 4.4 to 6.0 m, each one surface with two directions; a way of 2.6 m "
    "(alleys), 2.95 m (lanes) or 3.1 m (markets) stays free between all that stands in them.",
    "Without a sidewalk people walk on the road. Ways between bollards are for people and those who cycle.",
)


class VillagePlan(StreetPlan):
    """Blocks of 20 to 60 m, down to the last alley."""

    clear_m = 10.0
    size_between_m = (260.0, 380.0)
    diagonals = False
    narrow_share = 0.6

    def _edge(self) -> Border:
        return Border(0.0, self._profile(1) if self._roll(0.75) else None)

    def _profile(self, rank: int) -> Profile:
        draw = self.chance.uniform
        if rank == 0:
            width_m, walk_m = round(float(draw(6.0, 8.0)), 1), round(float(draw(1.5, 2.6)), 1)
            return Profile("residential", 2, width_m=width_m, mark=MAIN, sidewalk_m=walk_m)
        if rank == 1:
            width_m, walk_m = round(float(draw(4.4, 6.0)), 1), 1.2 if self._roll(0.3) else 0.0
            mark = MARKET if width_m > 4.9 and not walk_m and self._roll(0.6) else LANE
            return Profile("living_street", 1, width_m=width_m, mark=mark, sidewalk_m=walk_m)
        width_m = round(float(draw(3.0, 4.4)), 1)
        closed = rank == 2 and width_m < 3.7 and self._roll(0.22)
        return Profile("service", 1, width_m=width_m, mark=CLOSED if closed else ALLEY, sidewalk_m=0.0)

    def _step(self, longest_m: float) -> tuple[int, float] | None:
        if longest_m > 230.0:
            return 0, 90.0
        if longest_m > 92.0 * self.grain:
            return 1, 24.0
        return (2, 16.0) if longest_m > self.chance.uniform(38.0, 62.0) * self.grain else None


def draw_village(seed: int) -> str:
    """Return the OpenStreetMap XML of the village a seed stands for: some 300 m square."""
    chance = generator(seed, Purpose.TOWN, 10)
    plan = VillagePlan(chance)
    built = street_map(plan, chance, BENT)
    round_bends(built, 7.0)
    namer = StreetNames(chance)

    def name_of(line: Line) -> str:
        unnamed = line.profile.highway == "service" and chance.random() < 0.5
        return "" if unnamed else namer.draw(line.profile.highway)

    return written(built, name_of)


class Village:
    """Furnishes one village. Places are tried by chance; what would narrow the way too far is left out."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.chance = generator(site.seed, Purpose.PARKING, 10)
        self.things = Things(site.lanes)
        self.cars: list[tuple[float, float, float]] = []

    def furnish(self) -> Furniture:
        """Return everything that stands in the village."""
        lanes, seed = self.site.lanes, self.site.seed
        for surface in surfaces_of(lanes):
            mark = lanes[surface.numbers[0]].mark
            if mark == MARKET:
                self._stalls(surface)
            if mark == ALLEY and self.chance.random() < 0.3:
                self._bollard_gap(surface)
            if self.chance.random() < CARS_SHARE[mark]:
                self._parked_cars(surface, mark)
            self._small_things(surface, mark)
            if mark != ALLEY:
                self._lamps(surface)
        for number, lane in enumerate(lanes):
            if lane.kind == LaneKind.CYCLE and not lane.junction and number < lane.twin:
                self._close(lane)
        buildings = place_buildings(
            lanes, self.site.outlines, self.site.own, seed, ROUNDS, HEIGHTS_M, 0.12, self.things.ground
        )
        pickups, places = place_pickups(lanes, self.cars, 12.0)
        walked = np.array([lane.kind == LaneKind.DRIVE and lane.mark in SHARED for lane in lanes])
        beside = {lane.edge for lane in lanes if lane.kind == LaneKind.FOOT and not lane.junction}
        walked &= np.array([lane.edge not in beside for lane in lanes])
        arrays = buildings | self.things.arrays() | pickups | {"lane_walked": walked}
        return Furniture(arrays, places, list(NOTES))

    def _put(
        self, surface: Surface, mark: str, kind: PropKind, side: int, s_m: float, into_m: float, turned_rad: float
    ) -> bool:
        """Put one thing at the edge of a surface, turned against the traffic's direction, reaching into_m into it."""
        length, width = CAR_M if kind == PropKind.PARKED_CAR else SOLID_M[kind][:2]
        along = abs(np.cos(turned_rad)) * length + abs(np.sin(turned_rad)) * width
        across = abs(np.sin(turned_rad)) * length + abs(np.cos(turned_rad)) * width
        if surface.turns(s_m, along / 2):
            into_m = min(into_m, -0.1)
        x, y, yaw = surface.pose(side, s_m, across / 2 - into_m)
        before = surface.taken.copy()
        if not surface.put(side, s_m, along / 2, into_m, STAYS_FREE_M[mark]):
            return False
        own = self.site.lanes[surface.numbers[0]].edge
        style = int(self.chance.integers(2**31 - 1))
        if not self.things.add(kind, (x, y, yaw + turned_rad), (length, width), own, style):
            surface.taken[:] = before
            return False
        if kind == PropKind.PARKED_CAR:
            self.cars.append((x, y, yaw + turned_rad))
        return True

    def _parked_cars(self, surface: Surface, mark: str) -> None:
        """Park cars in runs on both sides, half outside the surface; where they stand is no sidewalk of 1.2 m."""
        chance = self.chance
        if mark != MAIN and surface.walk != (None, None):
            return
        for side in (-1, 1):
            s = chance.uniform(5.0, 16.0)
            while s < surface.length_m - 5.0:
                for _ in range(int(chance.integers(1, 5))):
                    most = max(2 * surface.half_m - STAYS_FREE_M[mark] - 0.05, 0.15)
                    into = chance.uniform(0.12, min(most, 1.2))
                    turned = np.pi * (chance.random() < 0.25) + chance.normal(0.0, 0.025)
                    self._put(surface, mark, PropKind.PARKED_CAR, side, s, into, turned)
                    s += chance.uniform(5.2, 6.4)
                s += chance.uniform(4.0, 20.0)

    def _small_things(self, surface: Surface, mark: str) -> None:
        """Put e-bikes and planters along both edges: in rows on main streets, along the wall in alleys."""
        chance = self.chance
        for side in (-1, 1):
            s = chance.uniform(2.0, 14.0)
            while s < surface.length_m - 2.0:
                bikes = chance.random() < 0.75
                kind = PropKind.PARKED_E_BIKE if bikes else PropKind.PLANTER
                in_row = bikes and mark != ALLEY and chance.random() < 0.6
                spare = 2 * surface.half_m - STAYS_FREE_M[mark]
                into = chance.uniform(-0.1, np.clip(0.6 * spare, 0.0, 0.5))
                if mark == MAIN:
                    into = -chance.uniform(0.15, 0.4) if surface.walk == (None, None) else -1.7
                for _ in range(int(chance.integers(2, 8) if in_row else chance.integers(1, 4))):
                    turned = (np.pi / 2) * side * (1 if chance.random() < 0.8 else -1) if in_row else 0.0
                    turned += chance.normal(0.0, 0.12 if bikes else 0.03)
                    depth = 0.0 if in_row else into
                    self._put(surface, mark, kind, side, s, min(depth, into), turned)
                    s += chance.uniform(0.8, 1.0) if in_row else chance.uniform(1.9, 2.4)
                s += chance.uniform(4.0, 22.0)

    def _stalls(self, surface: Surface) -> None:
        """Put market stalls on both sides, their counters to the road."""
        chance = self.chance
        for side in (-1, 1):
            s = chance.uniform(4.0, 8.0)
            while s < surface.length_m - 4.0:
                spare = 2 * surface.half_m - STAYS_FREE_M[MARKET]
                into = chance.uniform(0.1, max(0.45 * spare, 0.15))
                self._put(surface, MARKET, PropKind.STALL, side, s, into, np.pi / 2 + chance.normal(0.0, 0.05))
                s += chance.uniform(2.7, 4.2) if chance.random() < 0.8 else chance.uniform(6.0, 14.0)

    def _bollard_gap(self, surface: Surface) -> None:
        """Put bollards across an alley that leave a gap for one car."""
        width, size = 2 * surface.half_m, SOLID_M[PropKind.BOLLARD]
        if width < BOLLARD_GAP_M + 2 * size[1] or surface.length_m < 2 * BOLLARDS_IN_M:
            return
        s = BOLLARDS_IN_M if self.chance.random() < 0.5 else surface.length_m - BOLLARDS_IN_M
        left = BOLLARD_GAP_M / 2 + size[1] / 2
        reach = surface.half_m - left + size[1] / 2
        if surface.put(-1, s, 1.0, reach, BOLLARD_GAP_M - 0.01):
            surface.put(1, s, 1.0, reach, BOLLARD_GAP_M - 0.01)
            own = self.site.lanes[surface.numbers[0]].edge
            for side in (-1, 1):
                pose = surface.pose(side, s, left - surface.half_m)
                self.things.add(PropKind.BOLLARD, pose, size[:2], own, 0, 0.05)

    def _close(self, lane: Lane) -> None:
        """Put bollards across both ends of a way that is closed to cars."""
        twin = self.site.lanes[lane.twin]
        for s in (1.0, length_of(lane.line) - 1.0):
            x, y, yaw = at(lane.line, s)
            ox, oy, _ = at(twin.line, length_of(twin.line) - s)
            apart = -np.sin(yaw) * (ox - x) + np.cos(yaw) * (oy - y)
            low, high = -lane.width_m / 2 + 0.3, apart + twin.width_m / 2 - 0.3
            for left in np.linspace(low, high, max(round((high - low) / 1.2), 1) + 1):
                pose = (x - np.sin(yaw) * left, y + np.cos(yaw) * left, yaw)
                self.things.add(PropKind.BOLLARD, pose, SOLID_M[PropKind.BOLLARD][:2], lane.edge, 0, 0.05)

    def _lamps(self, surface: Surface) -> None:
        """Put street lamps along one side, and the odd tree."""
        own, side = self.site.lanes[surface.numbers[0]].edge, int(self.chance.choice((-1, 1)))
        walk = surface.walk[0 if side < 0 else 1]
        out = 0.35 if walk is None else walk.width_m - 0.3
        for s in np.arange(self.chance.uniform(3.0, 18.0), surface.length_m - 3.0, 24.0):
            x, y, yaw = surface.pose(side, float(s), out)
            kind = PropKind.TREE if self.chance.random() < 0.3 else PropKind.LAMP
            self.things.add(kind, (x, y, yaw + np.pi / 2), (0.3, 0.3), own, int(self.chance.integers(2**31 - 1)), 0.05)


def furnish_village(site: Site) -> Furniture:
    """Return what stands in a village whose streets have been compiled."""
    return Village(site).furnish()
