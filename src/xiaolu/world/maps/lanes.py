"""A net's records become the town's lanes: one lane a connection inside junctions, paths on foot, right of way.

Comes in: a `Net`. Goes out: a `Network` of Python lists and NumPy arrays in the order of the town's lane table.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from xiaolu.core.frames import wrap_angle
from xiaolu.world.maps.net import Net, NetLane
from xiaolu.world.maps.widths import class_of_limit, class_of_type, mark_of_type
from xiaolu.world.town import SPACING_M, LaneKind, RoadClass, Turn

TURNS = {"s": Turn.STRAIGHT, "l": Turn.LEFT, "r": Turn.RIGHT, "t": Turn.U_TURN}
TURN_FROM_RAD = np.deg2rad(38.0)  # a junction lane that bends less goes straight on, whatever the net calls it
NARROW_M = 5.5  # a two-way street below this is one surface
CLOSED = "closed"  # the mark of a way between bollards: for people and those who cycle
CAR_STORE_M = 8.0
DOUBLE_CROSSING_M = 5.5
INNER_M = 30.0  # a street shorter than this between two nodes of one signal lies inside the crossroads
FARTHEST_CORNER_M = 30.0  # walking areas that span more are seams of the net, not corners
FOOT_BEND = 0.35  # how far the handles of a walked corner reach, as a share of its chord
KINK_RAD = 0.33  # from one point of a junction lane to the next, 1.5 m on: a radius under 4.5 m asks for a better line
IMPOSSIBLE_RAD = 0.8  # and one under 1.9 m is a seam of the net, not a way


@dataclass(slots=True)
class Lane:
    """One lane to be. line: (n, 3). signal: (program, link) or None. nexts: indices, filled when all are known.

    mark: the generator's word for its way, "" on lanes of real maps and where two ways differ.
    """

    name: str
    kind: LaneKind
    line: np.ndarray
    width_m: float
    limit_mps: float
    road: RoadClass
    layer: int
    edge: str
    street: str
    turn: Turn = Turn.NONE
    junction: str = ""
    signal: tuple[str, int] | None = None
    nexts: list[int] = field(default_factory=list)
    left: int = -1
    right: int = -1
    twin: int = -1
    yields: set[int] = field(default_factory=set)
    crosses: set[int] = field(default_factory=set)
    mark: str = ""

    @property
    def link(self) -> int:
        """The link of the signal program that rules the lane, which has to have one."""
        assert self.signal is not None, self.name
        return self.signal[1]


def length_of(line: np.ndarray) -> float:
    return float(np.hypot(*np.diff(line[:, :2], axis=0).T).sum())


def resample(line: np.ndarray, spacing_m: float = SPACING_M) -> np.ndarray:
    """Return a line (n, 3) as evenly spaced points at most `spacing_m` apart, first and last exact."""
    step = np.hypot(*np.diff(line[:, :2], axis=0).T)
    keep = np.concatenate([[True], step > 1e-6])
    line, s = line[keep], np.concatenate([[0.0], np.cumsum(step[step > 1e-6])])
    count = max(2, int(np.ceil(s[-1] / spacing_m - 1e-9)) + 1)
    at = np.linspace(0.0, s[-1], count)
    even = np.stack([np.interp(at, s, line[:, axis]) for axis in range(3)], axis=-1)
    even[0], even[-1] = line[0], line[-1]
    return even


def bearing(line: np.ndarray, at_end: bool) -> float:
    """Return the yaw of a line at its start or end, radians."""
    step = line[-1] - line[-2] if at_end else line[1] - line[0]
    return float(np.arctan2(step[1], step[0]))


def corner(start: np.ndarray, start_yaw: float, end: np.ndarray, end_yaw: float, share: float) -> np.ndarray:
    """Return a path (n, 3) that leaves `start` along start_yaw and comes into `end` along end_yaw: a cubic Bezier.

    share: how far its handles reach, as a share of the chord.
    """
    reach = share * float(np.hypot(*(end - start)[:2]))
    a = start + reach * np.array([np.cos(start_yaw), np.sin(start_yaw), 0.0])
    b = end - reach * np.array([np.cos(end_yaw), np.sin(end_yaw), 0.0])
    t = np.linspace(0.0, 1.0, 25)[:, None]
    return (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t**2 * b + t**3 * end


def peak_bend(line: np.ndarray, start_yaw: float, end_yaw: float) -> float:
    """Return the sharpest change of direction along an evenly spaced line, joints at both ends included, radians."""
    step = np.diff(line[:, :2], axis=0)
    yaw = np.concatenate([[start_yaw], np.arctan2(step[:, 1], step[:, 0]), [end_yaw]])
    return float(np.abs(wrap_angle(np.diff(yaw))).max())


def turning_line(raw: np.ndarray, start_yaw: float, end_yaw: float) -> np.ndarray | None:
    """Return a junction lane's centre line: the net's own, or a smoother one where that has kinks; None: no car can."""
    best = resample(raw)
    if peak_bend(best, start_yaw, end_yaw) > KINK_RAD:
        options = [corner(raw[0], start_yaw, raw[-1], end_yaw, reach) for reach in (0.3, 0.36, 0.42, 0.5, 0.6, 0.75)]
        evens = [best, *[resample(option) for option in options]]
        best = min(evens, key=lambda line: peak_bend(line, start_yaw, end_yaw))
    return best if peak_bend(best, start_yaw, end_yaw) < IMPOSSIBLE_RAD else None


def kind_of(lane: NetLane) -> LaneKind | None:
    if lane.function == "crossing":
        return LaneKind.CROSSING
    if lane.cars:
        return LaneKind.DRIVE
    if lane.feet:
        return LaneKind.FOOT
    return LaneKind.CYCLE if lane.bikes else None


def build_lanes(net: Net) -> list[Lane]:
    """Return the town's lanes: ordinary ones, then junction lanes, crossings, and ways across walking areas."""
    lanes: list[Lane] = []
    index: dict[str, int] = {}
    by_name = {lane.name: lane for edge in net.edges.values() for lane in edge.lanes}
    for edge in net.edges.values():
        if edge.function not in ("normal", "connector", ""):
            continue
        known = bool(edge.kind)
        road, layer = class_of_type(edge.kind)
        fastest = max((lane.limit_mps for lane in edge.lanes if lane.cars), default=8.0)
        road = road if known and edge.kind.startswith("highway.") else class_of_limit(fastest)
        for lane in edge.lanes:
            kind = kind_of(lane)
            if kind is None or length_of(lane.shape) < 0.05:
                continue
            index[lane.name] = len(lanes)
            line = resample(lane.shape)
            mark = mark_of_type(edge.kind)
            kind = LaneKind.CYCLE if kind == LaneKind.DRIVE and mark == CLOSED else kind
            new = Lane(lane.name, kind, line, lane.width_m, lane.limit_mps, road, layer, edge.name, edge.street)
            new.mark = mark
            lanes.append(new)
        for lane in edge.lanes:
            for name, side, open_to in (
                (f"{edge.name}_{lane.index + 1}", "left", lane.change_left),
                (f"{edge.name}_{lane.index - 1}", "right", lane.change_right),
            ):
                if lane.name in index and name in index and open_to:
                    mine, other = lanes[index[lane.name]], index[name]
                    if mine.kind == lanes[other].kind == LaneKind.DRIVE:
                        setattr(mine, side, other)
    add_junction_lanes(net, lanes, index, by_name)
    add_crossings(net, lanes, index, by_name)
    add_right_of_way(net, lanes, index)
    find_twins(net, lanes, index)
    order_nexts(lanes)
    return lanes


def add_junction_lanes(net: Net, lanes: list[Lane], index: dict[str, int], by_name: dict[str, NetLane]) -> None:
    """Add one lane a connection. A way that the net splits at a waiting point inside the junction becomes whole."""
    cramped = inner_edges(net, CAR_STORE_M)
    onward = {c.start: c for c in net.connections if c.start.startswith(":") and c.via}
    for link in net.connections:
        if link.start not in index or link.end not in index or link.start.startswith(":"):
            continue
        before, after = lanes[index[link.start]], lanes[index[link.end]]
        if {before.kind, after.kind} - {LaneKind.DRIVE, LaneKind.CYCLE} or link.direction == "t":
            continue
        parts, via, names = [], link.via, []
        limit = before.limit_mps
        while via and via in by_name and via not in names:
            names.append(via)
            parts.append(by_name[via].shape)
            limit = min(limit, by_name[via].limit_mps)
            via = onward[via].via if via in onward else ""
        raw = np.concatenate([before.line[-1:], *parts, after.line[:1]])
        if length_of(raw) < 0.1:
            before.nexts.append(index[link.end])
            continue
        line = turning_line(raw, bearing(before.line, True), bearing(after.line, False))
        if line is None:
            continue
        bend = float(wrap_angle(bearing(after.line, False) - bearing(before.line, True)))
        turn = TURNS.get(link.direction, Turn.STRAIGHT)
        if link.direction != "s" or abs(bend) > np.pi / 3:
            turn = Turn.STRAIGHT if abs(bend) < TURN_FROM_RAD else Turn.LEFT if bend > 0 else Turn.RIGHT
        number = len(lanes)
        for name in names or [f"{link.start}>{link.end}"]:
            index[name] = number
        junction = names[0].removeprefix(":").rsplit("_", 2)[0] if names else net.edges[before.edge].end
        lanes.append(
            Lane(
                names[0] if names else f"{link.start}>{link.end}",
                max(before.kind, after.kind),  # from a cycle lane into a street and back go only those who cycle
                line,
                min(before.width_m, after.width_m),
                limit,
                max(before.road, after.road),
                before.layer if before.layer == after.layer else 0,
                f"{before.edge}>{after.edge}",
                before.street if before.street == after.street else "",
                turn,
                junction,
                # Between the halves of a crossroads, where no car has room to wait, right of way decides.
                (link.signal, link.link) if link.signal and before.edge not in cramped else None,
                [index[link.end]],
                mark=before.mark if before.mark == after.mark else "",
            )
        )
        before.nexts.append(number)


def add_crossings(net: Net, lanes: list[Lane], index: dict[str, int], by_name: dict[str, NetLane]) -> None:
    """Add crossings, and a short way across each walking area from everything that ends there to what begins there."""
    into: dict[str, list[str]] = defaultdict(list)
    out_of: dict[str, list[str]] = defaultdict(list)
    signals: dict[str, tuple[str, int]] = {}
    for link in net.connections:
        if link.end.startswith(":") and net.edges[link.end.rsplit("_", 1)[0]].function == "walkingarea":
            into[link.end].append(link.start)
        if link.start.startswith(":") and net.edges[link.start.rsplit("_", 1)[0]].function == "walkingarea":
            out_of[link.start].append(link.end)
            if link.signal:
                signals[link.end] = (link.signal, link.link)
    inner = inner_edges(net, INNER_M)
    middles: dict[str, list[np.ndarray]] = defaultdict(list)
    for lane in by_name.values():
        if lane.function != "crossing" or length_of(lane.shape) < 0.5 or inner.issuperset(net.edges[lane.edge].crossed):
            continue
        middle = 0.5 * (lane.shape[0] + lane.shape[-1])[:2]
        if any(np.hypot(*(middle - other)) < DOUBLE_CROSSING_M for other in middles[lane.edge.rsplit("_", 1)[0]]):
            continue  # signals between two junctions get one crossing, not one on each side of their node
        middles[lane.edge.rsplit("_", 1)[0]].append(middle)
        index[lane.name] = len(lanes)
        junction = lane.edge.removeprefix(":").rsplit("_", 1)[0]
        lanes.append(
            Lane(
                lane.name,
                LaneKind.CROSSING,
                resample(lane.shape),
                lane.width_m,
                lane.limit_mps,
                RoadClass.RESIDENTIAL,
                0,
                lane.edge,
                "",
                Turn.NONE,
                junction,
                signals.get(lane.name),
            )
        )
    for area in sorted(into):
        for start in into[area]:
            for end in out_of.get(area, []):
                if start not in index or end not in index:
                    continue
                a, b = lanes[index[start]], lanes[index[end]]
                gap = float(np.hypot(*(b.line[0] - a.line[-1])[:2]))
                if gap > FARTHEST_CORNER_M:
                    continue
                if gap < 0.1:
                    a.nexts.append(index[end])
                    continue
                line = corner(a.line[-1], bearing(a.line, True), b.line[0], bearing(b.line, False), FOOT_BEND)
                a.nexts.append(len(lanes))
                junction = area.removeprefix(":").rsplit("_", 2)[0]
                lanes.append(
                    Lane(
                        f"{start}>{end}",
                        LaneKind.FOOT_AREA,
                        resample(line),
                        min(a.width_m, b.width_m, 2.0),
                        a.limit_mps,
                        a.road,
                        a.layer if a.layer == b.layer else 0,
                        area.rsplit("_", 1)[0],
                        "",
                        Turn.NONE,
                        junction,
                        None,
                        [index[end]],
                    )
                )


def inner_edges(net: Net, longest_m: float) -> set[str]:
    """Return the edges that lie inside one signalled crossroads, e.g. between the two halves of a divided road."""
    signals: dict[str, set[str]] = defaultdict(set)
    for link in net.connections:
        if link.signal and not link.start.startswith(":"):
            signals[net.edges[link.start.rsplit("_", 1)[0]].end].add(link.signal)
    return {
        edge.name
        for edge in net.edges.values()
        if edge.lanes and signals[edge.start] & signals[edge.end] and length_of(edge.lanes[-1].shape) < longest_m
    }


def add_right_of_way(net: Net, lanes: list[Lane], index: dict[str, int]) -> None:
    """Fill yields and crosses from the junctions' tables. Whoever drives yields to whoever is on a crossing."""
    for junction in net.junctions:
        numbers = [index.get(name, -1) for name in junction.links]
        for i, j in zip(*np.nonzero(junction.foes | junction.response), strict=True):
            if i >= len(numbers) or j >= len(numbers) or numbers[i] < 0 or numbers[j] < 0 or numbers[i] == numbers[j]:
                continue
            mine, other = lanes[numbers[i]], lanes[numbers[j]]
            if mine.kind == LaneKind.CROSSING and other.kind == LaneKind.CROSSING:
                continue
            mine.crosses.add(numbers[j])
            other.crosses.add(numbers[i])
            if other.kind == LaneKind.CROSSING or (junction.response[i, j] and mine.kind != LaneKind.CROSSING):
                mine.yields.add(numbers[j])


def find_twins(net: Net, lanes: list[Lane], index: dict[str, int]) -> None:
    """Tie the two lanes of every street that is one surface with two directions."""
    ends: dict[tuple[str, str], list[int]] = defaultdict(list)
    for edge in net.edges.values():
        cars = [index[lane.name] for lane in edge.lanes if lane.cars and lane.name in index]
        if edge.function == "normal" and len(cars) == 1:
            ends[edge.start, edge.end].append(cars[0])
    for (start, end), mine in ends.items():
        for a in mine:
            for b in ends.get((end, start), []):
                first, second = lanes[a], lanes[b]
                total = first.width_m + second.width_m
                gap = np.hypot(*(first.line[len(first.line) // 2] - second.line[len(second.line) // 2])[:2])
                if a != b and total < NARROW_M and gap < total / 2 + 1.5 and first.layer == second.layer:
                    first.twin, second.twin = b, a


def order_nexts(lanes: list[Lane]) -> None:
    """Sort what each lane leads to: the one that bends least first."""
    for lane in lanes:
        yaw = bearing(lane.line, True)
        rank = {}
        for number in lane.nexts:
            other = lanes[number]
            end = bearing(other.line, True) if other.junction else bearing(other.line, False)
            rank[number] = (abs(float(wrap_angle(end - yaw))), number)
        lane.nexts = sorted(dict.fromkeys(lane.nexts), key=rank.__getitem__)
