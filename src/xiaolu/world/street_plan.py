"""Draws the streets of an imaginary town. In: chance; out: straight streets in a planning frame (u, v), metres.

A town grows by division: a square is cut by avenues, the parts by smaller streets, down to blocks of 60 to 250 m.
Where a cut meets a street, it may carry on what arrives there from the other side (a crossroads) or not (a T). The
planning frame is bent and turned later, so that nothing in the finished town is straight or square.
"""

from dataclasses import dataclass, field, replace

import numpy as np

CLEAR_M = 26.0  # two streets never meet a third nearer to each other than this, but for the odd staggered crossing
MIN_BLOCK_M = 58.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A street's cross-section as OpenStreetMap would tag it. lanes: all of them, both directions.

    median_m: 0 for one surface, else the distance between the middles of two one-way carriageways. mark, sidewalk_m,
    cycle_m: for families that say these themselves; see `widths.StreetType`.
    """

    highway: str
    lanes: int
    oneway: bool = False
    median_m: float = 0.0
    width_m: float | None = None
    mark: str = ""
    sidewalk_m: float | None = None
    cycle_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Street:
    """One straight street (or carriageway) in the planning frame. bow_m: how far its middle is pushed to the left."""

    start: tuple[float, float]
    end: tuple[float, float]
    profile: Profile
    name: int
    bow_m: float = 0.0


@dataclass(slots=True)
class Border:
    """A street seen from the blocks beside it, or the open edge of the town (no profile).

    at_m: where its middle lies across; ports: streets that end on it, as (place along it, profile, name).
    """

    at_m: float
    profile: Profile | None
    ports: list[tuple[float, Profile, int]] = field(default_factory=list)

    @property
    def half_m(self) -> float:
        return self.profile.median_m / 2 if self.profile else 0.0


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle between four borders: west, east, south, north."""

    west: Border
    east: Border
    south: Border
    north: Border

    def sides(self, axis: int) -> tuple[Border, Border]:
        """Return the low and the high border across an axis (0: west and east)."""
        return (self.west, self.east) if axis == 0 else (self.south, self.north)

    def inside(self, axis: int) -> tuple[float, float]:
        low, high = self.sides(axis)
        return low.at_m + low.half_m, high.at_m - high.half_m

    def size(self, axis: int) -> float:
        low, high = self.inside(axis)
        return high - low


class StreetPlan:
    """Grows the streets of one town. Read `streets` when it is made; `names` counts how many names it needs.

    Families of towns are subclasses that have other figures and cross-sections.
    """

    clear_m = CLEAR_M
    size_between_m = (700.0, 1000.0)
    diagonals = True
    narrow_share = 0.4  # of the smallest blocks that have a narrow lane led into them

    def __init__(self, chance: np.random.Generator) -> None:
        self.chance = chance
        self.streets: list[Street] = []
        self.names = 0
        self.size_m = chance.uniform(*self.size_between_m)
        self.align = chance.uniform(0.35, 0.75)  # how often a street carries on across another one
        self.grain = chance.uniform(1.0, 1.6)  # fine or coarse blocks
        self.one_way = chance.uniform(0.12, 0.4)
        self.avenues = 0
        sides = [self._edge() for _ in range(4)]
        half = self.size_m / 2
        wide = chance.uniform(0.8, 1.0)
        sides[0].at_m, sides[1].at_m = -half * wide, half * wide
        sides[2].at_m, sides[3].at_m = -half, half
        block = Block(*sides)
        for axis in (0, 1):
            for border in block.sides(axis):
                if border.profile is not None:
                    low, high = (side.at_m for side in block.sides(1 - axis))
                    self._lay(axis, border.at_m, (low, high), border.profile, self._new_name())
        self._divide(block)
        if self.diagonals:
            self._lay_diagonals(half * wide, half)

    def _roll(self, share: float) -> bool:
        return bool(self.chance.random() < share)

    def _pick(self, *weighted: tuple[float, Profile]) -> Profile:
        weights = np.array([weight for weight, _ in weighted])
        return weighted[int(self.chance.choice(len(weighted), p=weights / weights.sum()))][1]

    def _new_name(self) -> int:
        self.names += 1
        return self.names - 1

    def _edge(self) -> Border:
        """Return one of the town's four edges: a ring street, or open, as where an extract was cut out of a city."""
        return Border(0.0, self._profile(1) if self._roll(0.7) else None)

    def _profile(self, rank: int) -> Profile:
        """Return a cross-section for a rank: 0 avenue, 1 street, 2 side street, 3 narrow lane."""
        one_way = self.one_way
        if rank == 0:
            self.avenues += 1
            highway = "primary" if self.avenues <= 2 and self._roll(0.35) else "secondary"
            if self._roll(0.5 if highway == "primary" else 0.3):
                lanes = int(self.chance.choice([2, 2, 3, 3, 4]))
                return Profile(highway, lanes, True, float(self.chance.uniform(3.6 * lanes + 2.5, 3.6 * lanes + 8.0)))
            return self._pick(
                (0.5, Profile(highway, 4)),
                (0.2, Profile(highway, 6)),
                (0.15, Profile(highway, 2)),
                (0.5 * one_way, Profile(highway, 3, True)),
                (0.3 * one_way, Profile(highway, 4, True)),
            )
        if rank == 1:
            return self._pick(
                (0.5, Profile("tertiary", 2)),
                (0.22, Profile("tertiary", 4)),
                (0.7 * one_way, Profile("tertiary", 2, True)),
                (0.2 * one_way, Profile("tertiary", 3, True)),
                (0.3 * one_way, Profile("tertiary", 1, True)),
            )
        if rank == 2:
            narrow_m = round(float(self.chance.uniform(4.2, 5.4)), 1)
            wide_m = round(float(self.chance.uniform(6.0, 9.0)), 1)
            return self._pick(
                (0.42, Profile("residential", 2)),
                (0.1, Profile("residential", 2, width_m=wide_m)),
                (0.18, Profile("residential", 1, width_m=narrow_m)),
                (0.8 * one_way, Profile("residential", 1, True)),
                (0.3 * one_way, Profile("residential", 2, True)),
            )
        narrow_m = round(float(self.chance.uniform(3.4, 5.2)), 1)
        return self._pick(
            (0.45, Profile("living_street", 1, width_m=narrow_m)),
            (0.25, Profile("service", 1, width_m=narrow_m)),
            (0.2, Profile("residential", 1, width_m=narrow_m)),
            (0.1, Profile("living_street", 1, True, width_m=narrow_m)),
        )

    def _blind_profile(self) -> Profile:
        """Return the cross-section of a street that ends blind."""
        return replace(self._profile(3), oneway=False)

    def _lay(self, axis: int, at_m: float, span: tuple[float, float], profile: Profile, name: int) -> None:
        """Add a street at `at_m` across `axis`, running along the other one over span; two if it has a median."""
        low, high = span
        bow_m = 0.0
        if profile.median_m == 0 and self._roll(0.35):
            bow_m = float(self.chance.uniform(-0.07, 0.07)) * (high - low)
        for side in (1, -1) if profile.median_m else (0,):
            across = at_m + side * profile.median_m / 2
            # Traffic keeps right: going along +v that is the greater u, going along +u the lesser v.
            upward = bool(name % 2) if side == 0 else (side > 0) == (axis == 0)
            ends = (low, high) if upward else (high, low)
            first, last = ((across, end) if axis == 0 else (end, across) for end in ends)
            self.streets.append(Street(first, last, profile, name, bow_m if upward else -bow_m))

    def _end_at(self, border: Border, outward: int, met: bool) -> float:
        """Return where a street that runs outward (+1 or -1) ends on a border; met: something goes on beyond it."""
        if border.profile is None:
            return border.at_m + outward * float(self.chance.uniform(5.0, 70.0))
        across = met or self._roll(0.5)
        return border.at_m + outward * border.half_m * (1 if across else -1)

    @staticmethod
    def _gap(border: Border, place_m: float, half_m: float) -> float:
        """Return the clear distance along a border from a place to the nearest street that ends there."""
        return min((abs(place_m - at) - half_m - p.median_m / 2 for at, p, _ in border.ports), default=np.inf)

    def _place(self, block: Block, axis: int, margin_m: float, rank: int) -> tuple[float, Profile, int] | None:
        """Return (place across axis, profile, name) for a street through a block, or None if there is no room."""
        low, high = block.inside(axis)
        low, high = low + margin_m, high - margin_m
        if high <= low:
            return None
        ends = block.sides(1 - axis)
        ports = [port for border in ends for port in border.ports if low <= port[0] <= high]
        ports = [p for p in ports if (p[1].highway in ("primary", "secondary")) == (rank == 0)]
        if ports and self._roll(self.align):
            at, profile, name = ports[int(self.chance.integers(len(ports)))]
            others = [g for border in ends for g in border.ports if g[0] != at]
            if all(abs(g[0] - at) >= self.clear_m for g in others):
                return (at, profile, name) if self._roll(0.8) else (at, self._plain(profile, rank), self._new_name())
        profile = self._profile(rank)
        clear_m = 9.0 if self._roll(0.08) else self.clear_m
        for _ in range(10):
            at = float(self.chance.uniform(low, high) + self.chance.uniform(low, high)) / 2
            if all(self._gap(border, at, profile.median_m / 2) >= clear_m for border in ends):
                return at, profile, self._new_name()
        return None

    def _plain(self, profile: Profile, rank: int) -> Profile:
        """Return another profile of a rank that may meet the given one head on: medians must agree."""
        return profile if profile.median_m else replace(self._profile(rank), median_m=0.0)

    def _cut(self, block: Block, axis: int, rank: int, margin_m: float) -> Border | None:
        """Lay a street through a block, across an axis; return the border it makes, or None where it has no room."""
        placed = self._place(block, axis, margin_m, rank)
        if placed is None:
            return None
        at, profile, name = placed
        low, high = block.sides(1 - axis)
        met_low, met_high = (any(port[0] == at for port in border.ports) for border in (low, high))
        self._lay(axis, at, (self._end_at(low, -1, met_low), self._end_at(high, 1, met_high)), profile, name)
        for border in (low, high):
            border.ports.append((at, profile, name))
        return Border(at, profile)

    def _step(self, longest_m: float) -> tuple[int, float] | None:
        """Return the rank of the street that cuts a block so long, and its distance from what is there; None: none."""
        if longest_m > 430:
            return 0, 170.0
        if longest_m > 240 * self.grain:
            return (1 if self._roll(0.55) else 2), 80.0
        return (2, MIN_BLOCK_M) if longest_m > self.chance.uniform(115, 200) * self.grain else None

    def _divide(self, block: Block) -> None:
        """Cut a block in two, and its parts again, until it is small or has no room for a street."""
        size = (block.size(0), block.size(1))
        longest = max(size)
        step = self._step(longest)
        if step is None:
            self._add_narrow_lane(block)
            return
        rank, margin_m = step
        axis = int(size[1] > size[0]) if longest > 1.35 * min(size) else int(self.chance.integers(2))
        for way in (axis, 1 - axis):
            border = self._cut(block, way, rank, margin_m)
            if border is not None:
                parts = ("east", "west") if way == 0 else ("north", "south")
                for side in parts:
                    self._divide(replace(block, **{side: border}))
                return
        self._add_narrow_lane(block)

    def _add_narrow_lane(self, block: Block) -> None:
        """Sometimes lead a narrow lane into a block: through it, or to a dead end."""
        axis = int(self.chance.integers(2))
        if not self._roll(self.narrow_share) or block.size(axis) < 2 * self.clear_m + 6:
            return
        low, high = block.sides(1 - axis)
        if self._roll(0.5):
            profile = self._profile(3)
            border = self._cut(block, axis, 3, self.clear_m + 2)
            if border is not None:
                return
        else:
            profile = self._blind_profile()
        start = low if (self._roll(0.5) or high.profile is None) else high
        if start.profile is None:
            return
        inside = block.inside(axis)
        at = float(self.chance.uniform(inside[0] + self.clear_m, inside[1] - self.clear_m))
        if self._gap(start, at, 0.0) < self.clear_m:
            return
        inward = 1 if start is low else -1
        from_m = self._end_at(start, -inward, False)
        to_m = start.at_m + inward * block.size(1 - axis) * float(self.chance.uniform(0.45, 0.75))
        name = self._new_name()
        start.ports.append((at, profile, name))
        self._lay(axis, at, (min(from_m, to_m), max(from_m, to_m)), profile, name)

    def _lay_diagonals(self, half_u: float, half_v: float) -> None:
        """Sometimes drive an avenue slantwise through everything, where it makes the fewest cramped corners."""
        for _ in range(int(self.chance.choice([0, 1, 1, 2], p=[0.45, 0.3, 0.15, 0.1]))):
            best, best_cramped = None, np.inf
            for _ in range(40):
                angle = float(self.chance.choice([-1, 1])) * self.chance.uniform(0.5, 1.07)
                u, v = self.chance.uniform(-0.3, 0.3, 2) * (half_u, half_v)
                along = np.array([np.cos(angle), np.sin(angle)])
                reach = min(half_u / abs(along[0]), half_v / abs(along[1]))
                start, end = np.array([u, v]) - along * reach * 0.85, np.array([u, v]) + along * reach * 0.85
                cramped = self._cramped(start, end)
                if cramped < best_cramped:
                    best, best_cramped = (start, end), cramped
            if best is None or best_cramped > 3:
                continue
            profile = self._pick(
                (0.5, Profile("secondary", 4)), (0.3, Profile("tertiary", 2)), (0.2, Profile("secondary", 3, True))
            )
            start, end = best
            hits = [meeting(start, end, np.array(s.start), np.array(s.end)) for s in self.streets]
            shares = [hit[0] for hit in hits if hit is not None]
            if len(shares) > 2:
                first, last = start + min(shares) * (end - start), start + max(shares) * (end - start)
                ends = (float(first[0]), float(first[1])), (float(last[0]), float(last[1]))
                self.streets.append(Street(*ends, profile, self._new_name()))

    def _cramped(self, start: np.ndarray, end: np.ndarray) -> int:
        """Return how many pieces under 34 m a street between two places would cut itself or others into."""
        own, cramped = [], 0
        for street in self.streets:
            hit = meeting(start, end, np.array(street.start), np.array(street.end))
            if hit is not None:
                own.append(hit[0] * np.hypot(*(end - start)))
                along = hit[1] * np.hypot(street.end[0] - street.start[0], street.end[1] - street.start[1])
                length = np.hypot(street.end[0] - street.start[0], street.end[1] - street.start[1])
                cramped += int(min(along, length - along) < 34.0)
        return cramped + int((np.diff(np.sort(own)) < 34.0).sum())


def meeting(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, slack_m: float = 0.3):
    """Return where the segments a-b and c-d meet, as shares of each (0 to 1), or None. Ends within slack_m count."""
    first, second, gap = b - a, d - c, c - a
    cross = first[0] * second[1] - first[1] * second[0]
    if abs(cross) < 1e-9:
        return None
    s = (gap[0] * second[1] - gap[1] * second[0]) / cross
    t = (gap[0] * first[1] - gap[1] * first[0]) / cross
    s_slack, t_slack = slack_m / np.hypot(*first), slack_m / np.hypot(*second)
    if -s_slack <= s <= 1 + s_slack and -t_slack <= t <= 1 + t_slack:
        return float(np.clip(s, 0.0, 1.0)), float(np.clip(t, 0.0, 1.0))
    return None
