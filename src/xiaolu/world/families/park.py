"""Parks: industrial and campus grounds beside public streets. In: a seed; out: map, furniture.

Inside run private roads without markings, shared with people on foot, behind gates: a ring, roads between the
buildings, bays across the roads' edges, loading yards, pick-up points with a sign. Buildings stand back from the road.
"""

from dataclasses import replace

import numpy as np
import shapely

from xiaolu.core.chance import Purpose, generator
from xiaolu.world.extract import signal_points
from xiaolu.world.families.narrow import inside_junctions
from xiaolu.world.families.surface import Surface, Things, both, surfaces_of
from xiaolu.world.families.written import written
from xiaolu.world.maps.buildings import HEIGHTS, Round, place_buildings
from xiaolu.world.maps.furnish import Furniture, Site
from xiaolu.world.maps.roadside import place_parked, place_pickups, place_props
from xiaolu.world.maps.surfaces import at
from xiaolu.world.street_map import Bent, Line, round_bends, street_map
from xiaolu.world.street_names import StreetNames
from xiaolu.world.street_plan import Block, Border, Profile, StreetPlan
from xiaolu.world.town import LaneKind, PropKind, RoadClass

PUBLIC, PARK, GATE = "public", "park", "gate"
PRIVATE = (PARK, GATE)
LEAST_PARK_M = 130.0
BAY_M, YARD_M = (5.3, 2.5), (11.0, 3.6)  # length and width: of a bay for cars (GB 50763 and usual practice), for trucks
BAYS_TAKEN = 0.75  # of the bays where a car may stand; rides fill a share of these
CORNER_M = 9.0  # no bay is nearer to a junction
SIGN_OUT_M = 0.6
BENT = Bent(waves_m=(400.0, 1100.0), steep=(0.0, 0.07), shift_m=0.5, most_shift_m=1.2, piece_m=28.0)
ROUNDS = (
    Round((26.0, 58.0), (16.0, 32.0), (8.0, 15.0), (8.0, 22.0)),
    Round((14.0, 26.0), (12.0, 20.0), (6.5, 10.0), (5.0, 14.0)),
    Round((8.0, 14.0), (7.0, 12.0), (3.0, 7.0), (6.0, 18.0)),
)
HEIGHTS_M = {**HEIGHTS, RoadClass.SERVICE: (6.0, 24.0)}
NOTES = (
    "Park: roads of 5.6 to 7.4 m (and some of 4.8 to 5.4 m, one surface with two directions) without markings and "
    "sidewalks, on private ground; phones know no route there. Bays are 5.3 x 2.5 m, loading bays 11 x 3.6 m.",
)


class ParkPlan(StreetPlan):
    """A frame of public streets; in most of its blocks a park with a road round it and two or three ways in."""

    size_between_m = (400.0, 560.0)
    diagonals = False
    narrow_share = 0.2

    def __init__(self, chance: np.random.Generator) -> None:
        self.park_of: dict[int, int] = {}
        self.parks = 0
        super().__init__(chance)

    def _edge(self) -> Border:
        return Border(0.0, self._profile(1) if self._roll(0.85) else None)

    def _profile(self, rank: int) -> Profile:
        draw = self.chance.uniform
        if rank <= 1:
            lanes = 4 if self._roll(0.35) else 2
            return Profile("tertiary", lanes, width_m=3.3 * lanes, mark=PUBLIC, sidewalk_m=2.5)
        return Profile("residential", 2, width_m=round(float(draw(6.0, 7.5)), 1), mark=PUBLIC, sidewalk_m=2.0)

    def _private(self, mark: str = PARK) -> Profile:
        narrow = mark == PARK and self._roll(0.25)
        width_m = self.chance.uniform(4.8, 5.4) if narrow else self.chance.uniform(5.6, 7.4)
        return Profile("service", 1 if narrow else 2, width_m=round(float(width_m), 1), mark=mark, sidewalk_m=0.0)

    def _divide(self, block: Block) -> None:
        size = (block.size(0), block.size(1))
        fits = min(size) > LEAST_PARK_M and any(b.profile for axis in (0, 1) for b in block.sides(axis))
        if fits and max(size) < 330.0 and (self.parks == 0 or self._roll(0.7)):
            self._lay_park(block)
            return
        super()._divide(block)

    def _step(self, longest_m: float) -> tuple[int, float] | None:
        if longest_m < 115.0:
            return None
        return (1, 100.0) if longest_m > 270.0 else (2, 50.0)

    def _lay_park(self, block: Block) -> None:
        """Lay a ring road inside a block, ways in through its public borders, and roads across."""
        number, profile = self.parks, self._private()
        self.parks += 1
        first = self.names
        inset = float(self.chance.uniform(26.0, 36.0))
        (u0, u1), (v0, v1) = ((low + inset, high - inset) for low, high in (block.inside(0), block.inside(1)))
        ring = {"west": u0, "east": u1, "south": v0, "north": v1}
        inner = Block(**{side: Border(at_m, profile) for side, at_m in ring.items()})
        for side, at_m in ring.items():
            axis = 0 if side in ("west", "east") else 1
            self._lay(axis, at_m, (v0, v1) if axis == 0 else (u0, u1), profile, self._new_name())
        self._divide_park(inner)
        ways_in = 0
        for k in self.chance.permutation(4).tolist():
            side = tuple(ring)[k]
            outside, inside = getattr(block, side), getattr(inner, side)
            if outside.profile is None or (ways_in >= 2 and self._roll(0.5)):
                continue
            ways_in += self._way_in(side, outside, inside, inner)
        for name in range(first, self.names):
            self.park_of[name] = number

    def _way_in(self, side: str, outside: Border, inside: Border, inner: Block) -> bool:
        """Lay a way from a public street to a park's ring road, clear of what meets them; False without room."""
        axis = 1 if side in ("west", "east") else 0
        low, high = inner.inside(axis)
        for _ in range(20):
            at_m = float(self.chance.uniform(low + 22.0, high - 22.0))
            aligned = [p[0] for p in inside.ports if abs(p[0] - at_m) < 22.0]
            at_m = aligned[0] if aligned else at_m
            if self._gap(outside, at_m, 0.0) < self.clear_m or not low + 12.0 < at_m < high - 12.0:
                continue
            profile, name = self._private(GATE), self._new_name()
            # Said to be of the first rank, so that no public street carries on from it.
            for border in (outside, inside):
                border.ports.append((at_m, replace(profile, highway="primary"), name))
            span = sorted((outside.at_m, inside.at_m))
            self._lay(axis, at_m, (span[0], span[1]), profile, name)
            return True
        return False

    def _divide_park(self, block: Block) -> None:
        size = (block.size(0), block.size(1))
        if max(size) < self.chance.uniform(80.0, 130.0):
            return
        axis = int(size[1] > size[0])
        low, high = block.inside(axis)
        for _ in range(10):
            at_m = float(self.chance.uniform(0.3, 0.7) * (high - low) + low)
            ends = block.sides(1 - axis)
            if all(self._gap(border, at_m, 0.0) >= self.clear_m for border in ends):
                profile, name = self._private(), self._new_name()
                for border in ends:
                    border.ports.append((at_m, profile, name))
                self._lay(axis, at_m, (ends[0].at_m, ends[1].at_m), profile, name)
                border = Border(at_m, profile)
                for side in ("east", "west") if axis == 0 else ("north", "south"):
                    self._divide_park(replace(block, **{side: border}))
                return


def draw_park(seed: int) -> str:
    """Return the OpenStreetMap XML of the park town a seed stands for: some 500 m square, one to four parks in it."""
    chance = generator(seed, Purpose.TOWN, 14)
    plan = ParkPlan(chance)
    built = street_map(plan, chance, BENT)
    round_bends(built, 12.0)
    signals = signal_points(built, chance)
    namer = StreetNames(chance)
    parks = [namer.draw("park") for _ in range(plan.parks)]

    def name_of(line: Line) -> str:
        park = plan.park_of.get(line.name)
        return parks[park] if park is not None else namer.draw(line.profile.highway)

    return written(built, name_of, signals)


class Park:
    """Furnishes the parks of one town: bays, gates, signs, trees and lamps; what is public is furnished as ever."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.chance = generator(site.seed, Purpose.PARKING, 14)
        self.things = Things(site.lanes)
        self.bays: list[tuple[int, float, float, float, float, float]] = []
        self.gates: list[tuple[int, float]] = []
        self._cells: dict[tuple[int, int], list[shapely.Polygon]] = {}

    def furnish(self) -> Furniture:
        """Return everything that stands in and around the parks."""
        lanes, seed = self.site.lanes, self.site.seed
        public = [lane for lane in lanes if lane.mark not in PRIVATE]
        parked = place_parked(public, seed)
        for surface in surfaces_of(lanes):
            mark = lanes[surface.numbers[0]].mark
            if mark == GATE:
                self._gate(surface)
            if mark == PARK:
                self._bays(surface)
                self._greenery(surface)
        pickups, places = place_pickups(lanes, [*parked, *[row[1:4] for row in self.bays]], 12.0)
        for number, s in zip(pickups["pickup_lane"], pickups["pickup_s_m"], strict=True):
            lane = lanes[number]
            if lane.mark == PARK:
                x, y, yaw = at(lane.line, float(s) + 1.0)
                out = lane.width_m / 2 + SIGN_OUT_M
                pose = (x + np.sin(yaw) * out, y - np.cos(yaw) * out, yaw + np.pi)
                self.things.add(PropKind.PICKUP_SIGN, pose, (0.3, 0.6), lane.edge, 0, 0.2)
        grounds = [self.things.outline(x, y, yaw, length, width) for _, x, y, yaw, length, width in self.bays]
        keep_off = [*self.things.ground, *[shapely.buffer(ground, 1.2) for ground in grounds]]
        buildings = place_buildings(lanes, self.site.outlines, self.site.own, seed, ROUNDS, HEIGHTS_M, 0.6, keep_off)
        props = both(self.things.arrays(), place_props(public, parked, seed))
        bays = np.array([row[1:] for row in self.bays]).reshape(-1, 5)
        private = np.array([lane.mark in PRIVATE for lane in lanes])
        for number, _, before, after in inside_junctions(lanes):
            private[number] = private[before] and private[after]
        drive = np.array([lane.kind == LaneKind.DRIVE for lane in lanes])
        arrays = {
            "lane_private": private,
            "lane_walked": private & drive,
            "bay_lane": np.array([row[0] for row in self.bays], np.int32),
            "bay_pose": np.round(bays[:, :3], 3),
            "bay_size_m": bays[:, 3:],
            "gate_lane": np.array([lane for lane, _ in self.gates], np.int32),
            "gate_s_m": np.array([s for _, s in self.gates], np.float64),
        }
        return Furniture(buildings | props | pickups | arrays, places, list(NOTES))

    def _gate(self, surface: Surface) -> None:
        """Put a gate half-way along a way in: an arm across both directions, and a hut on the right of each."""
        s = 0.5 * surface.length_m
        lanes = self.site.lanes
        for number, side, along in ((surface.numbers[0], -1, s), (surface.numbers[-1], 1, surface.length_m - s)):
            self.gates.append((number, float(along)))
            pose = surface.pose(side, s, 0.45)
            hut = surface.pose(side, s, 1.0)
            if self.things.add(PropKind.GATE, hut, (1.7, 2.0), lanes[number].edge, 0, 0.4):
                kind, _, _, _, style = self.things.rows[-1]
                self.things.rows[-1] = (kind, *pose, style)

    def _bays(self, surface: Surface) -> None:
        """Lay rows of bays across both edges; a few rows are loading bays."""
        chance, lanes = self.chance, self.site.lanes
        for side in (-1, 1):
            s = CORNER_M + chance.uniform(0.0, 20.0)
            while s < surface.length_m - CORNER_M:
                yard = chance.random() < 0.12
                length, width = YARD_M if yard else BAY_M
                for _ in range(int(chance.integers(2, 5) if yard else chance.integers(3, 13))):
                    if s > surface.length_m - CORNER_M:
                        break
                    x, y, yaw = surface.pose(side, s, length / 2)
                    nose_in = yaw - np.pi / 2
                    if surface.put(side, s, width / 2 - 0.05, 0.0, 0.0) and self._free(x, y, nose_in, length, width):
                        own = surface.numbers[0] if side < 0 else surface.numbers[-1]
                        self.bays.append((own, x, y, nose_in, length, width))
                        car = (x, y, nose_in + np.pi * (chance.random() < 0.35) + chance.normal(0.0, 0.02))
                        if not yard and chance.random() < BAYS_TAKEN:
                            style = int(chance.integers(2**31 - 1))
                            self.things.add(PropKind.PARKED_CAR, car, (4.6, 1.84), lanes[own].edge, style, 0.0)
                    s += width
                s += chance.uniform(8.0, 45.0)

    def _free(self, x: float, y: float, yaw: float, length: float, width: float) -> bool:
        """Whether a bay lies clear of every road but its own, of other bays and of things."""
        outline = self.things.outline(x, y, yaw, length, width - 0.1)
        inner = self.things.outline(x, y, yaw, length - 0.3, width - 0.1)
        if not self.things.clear(inner) or any(outline.intersects(other) for other in self._near(x, y)):
            return False
        self._row(x, y).append(outline)
        return True

    def _row(self, x: float, y: float) -> list[shapely.Polygon]:
        return self._cells.setdefault((int(x // 12.0), int(y // 12.0)), [])

    def _near(self, x: float, y: float) -> list[shapely.Polygon]:
        return [o for i in (-1, 0, 1) for j in (-1, 0, 1) for o in self._row(x + 12.0 * i, y + 12.0 * j)]

    def _greenery(self, surface: Surface) -> None:
        """Put trees on the lawns and lamps at the edge, where there is no bay."""
        chance, own = self.chance, self.site.lanes[surface.numbers[0]].edge
        for side in (-1, 1):
            lamp_at = chance.uniform(4.0, 28.0)
            spacing = chance.uniform(7.0, 13.0)
            for s in np.arange(4.0, surface.length_m - 4.0, spacing):
                if chance.random() < 0.7 and surface.put(side, float(s), 0.6, 0.0, 0.0):
                    pose = surface.pose(side, float(s), chance.uniform(1.4, 2.6))
                    self.things.add(PropKind.TREE, pose, (0.6, 0.6), own, int(chance.integers(2**31 - 1)), 1.2)
            for s in np.arange(lamp_at, surface.length_m - 3.0, 30.0):
                if side < 0 and surface.put(side, float(s), 0.4, 0.0, 0.0):
                    x, y, yaw = surface.pose(side, float(s), 0.6)
                    self.things.add(PropKind.LAMP, (x, y, yaw + np.pi / 2), (0.3, 0.3), own, 0, 0.2)


def furnish_park(site: Site) -> Furniture:
    """Return what stands in and around parks whose streets have been compiled."""
    return Park(site).furnish()
