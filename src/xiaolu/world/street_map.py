"""Turns a plan of straight streets into a map of bent ones. In: a StreetPlan; out: points, pieces and who meets whom.

The map frame is metres east and north of the town's middle.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xiaolu.world.street_plan import Profile, Street, StreetPlan, meeting

MERGE_M = 1.0  # meetings nearer to each other than this are one
RANK = {"primary": 4, "secondary": 3, "tertiary": 2, "residential": 1, "living_street": 0, "service": 0}


@dataclass(slots=True)
class Line:
    """A way in the making: a row of point numbers, driven in that order. roundabout: it is a ring."""

    points: list[int]
    profile: Profile
    name: int
    roundabout: bool = False


@dataclass(slots=True)
class StreetMap:
    """points: [x, y] in metres; lines through them; joints: how many line ends and passages each point has."""

    points: list[tuple[float, float]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def branches(self) -> np.ndarray:
        """Return (P,) how many street branches leave each point: 1 a dead end, 2 a bend, 3 a T."""
        count = np.zeros(len(self.points), np.int64)
        for line in self.lines:
            np.add.at(count, line.points[1:], 1)
            np.add.at(count, line.points[:-1], 1)
        return count


@dataclass(frozen=True, slots=True)
class Bent:
    """How crooked streets are: the lengths of three waves that push the plane about, and how steep they are; how far
    junctions are shifted (standard deviation, most), and how closely a street between two of them is drawn. Metres."""

    waves_m: tuple[float, float] = (350.0, 1100.0)
    steep: tuple[float, float] = (0.03, 0.17)
    shift_m: float = 1.6
    most_shift_m: float = 3.5
    piece_m: float = 28.0


class Bending:
    """A smooth displacement of the plane with a turn on top: what makes straight plans look grown."""

    def __init__(self, chance: np.random.Generator, bent: "Bent | None" = None) -> None:
        bent = bent or Bent()
        self.turn_rad = chance.uniform(0.0, 2 * np.pi)
        waves = 3
        length_m = chance.uniform(*bent.waves_m, waves)
        heading = chance.uniform(0.0, 2 * np.pi, waves)
        steep = chance.uniform(*bent.steep, waves)
        self.wave = (np.stack([np.cos(heading), np.sin(heading)]) * 2 * np.pi / length_m).T
        self.push_m = (steep * length_m / (2 * np.pi))[:, None] * np.stack([-np.sin(heading), np.cos(heading)], axis=1)
        self.phase = chance.uniform(0.0, 2 * np.pi, waves)

    def __call__(self, uv: np.ndarray) -> np.ndarray:
        """Return map points (n, 2) of planning points (n, 2)."""
        bent = uv + np.sin(uv @ self.wave.T + self.phase) @ self.push_m
        cos, sin = np.cos(self.turn_rad), np.sin(self.turn_rad)
        return bent @ np.array([[cos, sin], [-sin, cos]])


def street_map(plan: StreetPlan, chance: np.random.Generator, bent: Bent | None = None) -> StreetMap:
    """Return the map of a plan: streets cut where they meet, shifted, bent and turned."""
    bent = bent or Bent()
    streets = plan.streets
    starts, ends = (np.array([getattr(s, side) for s in streets]) for side in ("start", "end"))
    lengths = np.hypot(*(ends - starts).T)
    places: list[np.ndarray] = []
    on_street: list[list[tuple[float, int]]] = [[] for _ in streets]

    def place(uv: np.ndarray) -> int:
        for number, other in enumerate(places):
            if abs(other[0] - uv[0]) < MERGE_M and abs(other[1] - uv[1]) < MERGE_M:
                return number
        places.append(uv)
        return len(places) - 1

    for i in range(len(streets)):
        for j in range(i + 1, len(streets)):
            hit = meeting(starts[i], ends[i], starts[j], ends[j])
            if hit is not None:
                number = place(starts[i] + hit[0] * (ends[i] - starts[i]))
                on_street[i].append((hit[0], number))
                on_street[j].append((hit[1], number))
    for i in range(len(streets)):
        on_street[i] += [(0.0, place(starts[i])), (1.0, place(ends[i]))]

    uv = np.array(places)
    shift = chance.normal(0.0, bent.shift_m, uv.shape).clip(-bent.most_shift_m, bent.most_shift_m)
    divided = np.zeros(len(uv), bool)
    for street, on in zip(streets, on_street, strict=True):
        divided[[number for _, number in on]] |= street.profile.median_m > 0
    shift[divided] *= 0.3  # two carriageways stay side by side
    for i, street in enumerate(streets):
        for share, number in {number: (share, number) for share, number in on_street[i]}.values():
            shift[number] += _bow(street, starts[i], ends[i], np.array([share]))[0]
    bending = Bending(chance, bent)
    built = StreetMap([(float(x), float(y)) for x, y in bending(uv + shift)])
    for i, street in enumerate(streets):
        row: list[int] = []
        stops = sorted({number: share for share, number in on_street[i]}.items(), key=lambda stop: stop[1])
        for (number, share), (after, share_after) in pairwise(stops):
            row.append(number)
            pieces = int((share_after - share) * lengths[i] // bent.piece_m)
            part = np.linspace(0.0, 1.0, pieces + 1)[1:-1] if pieces > 1 else np.empty(0)
            shares = share + part * (share_after - share)
            line = starts[i] + shares[:, None] * (ends[i] - starts[i]) + _bow(street, starts[i], ends[i], shares)
            # Between meetings the shift fades from one to the other; the bow is already in both.
            own = shift[[number, after]] - _bow(street, starts[i], ends[i], np.array([share, share_after]))
            line = line + own[0] + part[:, None] * (own[1] - own[0])
            for point in bending(line):
                built.points.append((float(point[0]), float(point[1])))
                row.append(len(built.points) - 1)
        row.append(stops[-1][0])
        built.lines.append(Line(_plain(row, built.points, len(places)), street.profile, street.name))
    return built


def _bow(street: Street, start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    along = (end - start) / np.hypot(*(end - start))
    return (street.bow_m * 4 * share * (1 - share))[:, None] * np.array([-along[1], along[0]])


def _plain(row: list[int], points: list[tuple[float, float]], joints: int) -> list[int]:
    """Return a row without the shape points that lie within 0.5 m of the straight line past them."""
    kept = [row[0]]
    for number, after in pairwise(row[1:]):
        a, p, b = (np.array(points[n]) for n in (kept[-1], number, after))
        along = (b - a) / max(np.hypot(*(b - a)), 1e-9)
        if number < joints or abs(along[0] * (p - a)[1] - along[1] * (p - a)[0]) > 0.5:
            kept.append(number)
    return [*kept, row[-1]]


def open_one_ways(built: StreetMap, share: float = 0.93) -> None:
    """Make one-way streets two-way, in place, until this share of the town can be driven round and round."""
    branches = built.branches()
    for _ in range(len(built.lines)):
        tail, head, owner, length = [], [], [], []
        for number, line in enumerate(built.lines):
            stops = [k for k, p in enumerate(line.points) if branches[p] > 2 or k in (0, len(line.points) - 1)]
            for a, b in pairwise(stops):
                row = np.array([built.points[p] for p in line.points[a : b + 1]])
                metres = float(np.hypot(*np.diff(row, axis=0).T).sum())
                ways = [(a, b)] if line.profile.oneway else [(a, b), (b, a)]
                for first, last in ways:
                    tail.append(line.points[first])
                    head.append(line.points[last])
                    owner.append(number)
                    length.append(metres if branches[[line.points[a], line.points[b]]].min() > 1 else 0.0)
        heads, tails, owners, lengths = np.array(head), np.array(tail), np.array(owner), np.array(length)
        follows = (heads[:, None] == tails) & ~((heads == tails[:, None]) & (owners == owners[:, None]))
        graph = coo_array(follows.astype(np.int8))
        label = connected_components(graph, directed=True, connection="strong")[1]
        weight = np.bincount(label, lengths)
        lost = label != weight.argmax()
        if lengths[~lost].sum() >= share * lengths.sum():
            return
        shut = [
            k
            for k in dict.fromkeys(owners[lost & (lengths > 0)])
            if built.lines[k].profile.oneway and not built.lines[k].profile.median_m and not built.lines[k].roundabout
        ]
        if not shut:
            return
        line = built.lines[shut[0]]
        line.profile = replace(line.profile, oneway=False, lanes=max(2, line.profile.lanes))


def add_roundabout(built: StreetMap, chance: np.random.Generator) -> bool:
    """Put a roundabout on one crossing of small two-way streets, in place; False where none has the room."""
    branches = built.branches()
    where = np.array(built.points)
    candidates = []
    for number in np.flatnonzero(branches >= 3):
        lines = [line for line in built.lines if number in line.points]
        fit = all(RANK[ln.profile.highway] in (1, 2) and not ln.profile.oneway for ln in lines)
        near = np.hypot(*(where - where[number]).T)
        if fit and near[(branches != 2) & (near > 0)].min() > 42.0:
            candidates.append(int(number))
    if not candidates:
        return False
    centre = candidates[int(chance.integers(len(candidates)))]
    middle, radius_m = where[centre], float(chance.uniform(12.5, 17.0))
    arms: list[tuple[float, int]] = []
    for line in list(built.lines):
        if centre not in line.points:
            continue
        k = line.points.index(centre)
        built.lines.remove(line)
        for row in (line.points[k:], line.points[k::-1]):
            outside = [p for p in row[1:] if np.hypot(*(where[p] - middle)) > radius_m + 6.0]
            if not outside:
                continue
            away = where[outside[0]] - middle
            gate = middle + away * radius_m / np.hypot(*away)
            built.points.append((float(gate[0]), float(gate[1])))
            arms.append((float(np.arctan2(away[1], away[0])), len(built.points) - 1))
            built.lines.append(Line([len(built.points) - 1, *outside], line.profile, line.name))
    arms.sort()
    ring: list[int] = []
    for (angle, gate_point), after in zip(arms, [*arms[1:], (arms[0][0] + 2 * np.pi, arms[0][1])], strict=True):
        ring.append(gate_point)
        steps = max(int(np.ceil((after[0] - angle) / 0.5)), 1)
        for between in np.linspace(angle, after[0], steps + 1)[1:-1]:
            x, y = middle + radius_m * np.array([np.cos(between), np.sin(between)])
            built.points.append((float(x), float(y)))
            ring.append(len(built.points) - 1)
    built.lines.append(Line([*ring, ring[0]], Profile("tertiary", 1, True), -1, roundabout=True))
    return True


def round_bends(built: StreetMap, tangent_m: float) -> None:
    """Put curves, in place, where two two-way streets meet end to end at an angle: lanes side by side need room there.

    tangent_m: how far from the corner a curve begins, less where there is no room.
    """
    branches = built.branches()
    for point in np.flatnonzero(branches == 2).tolist():
        ends = [line for line in built.lines if point in (line.points[0], line.points[-1])]
        if len(ends) != 2 or any(line.profile.oneway or line.roundabout for line in ends):
            continue
        corner = np.array(built.points[point])
        ways = []
        for line in ends:
            beside = np.array(built.points[line.points[1] if line.points[0] == point else line.points[-2]]) - corner
            ways.append((beside, float(np.hypot(*beside))))
        (a, a_m), (b, b_m) = ways
        if (a @ b) / (a_m * b_m) < -0.9:
            continue
        reach = min(tangent_m, 0.7 * a_m, 0.7 * b_m)
        start, end = corner + a * reach / a_m, corner + b * reach / b_m
        row = []
        for t in np.linspace(0.0, 1.0, 7):
            x, y = (1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end
            built.points.append((float(x), float(y)))
            row.append(len(built.points) - 1)
        for line, place in zip(ends, (row[0], row[-1]), strict=True):
            line.points[0 if line.points[0] == point else -1] = place
        built.lines.append(Line(row, ends[0].profile, ends[0].name))
