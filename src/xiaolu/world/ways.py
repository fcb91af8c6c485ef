"""Ways: what road users walk and drive along, as flat arrays for compiled loops.

A way is a lane in its own direction; a footway or crossing counts twice, once in each direction; and a short curve
joins the ends of footways that meet in one walking area. Where people walk on the road there are ways along its edges
(`xiaolu.world.walked`), and some riders come against the flow (`xiaolu.world.against`). Nothing below needs to ask
which it is.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from xiaolu.world.against import turned_round
from xiaolu.world.standing import narrowest_m
from xiaolu.world.town import LaneKind, Town, Turn
from xiaolu.world.walked import along_roads, curve

LINK_WIDTH_M = 1.6
LOOK_FOR_VEHICLES_MPS, LOOK_FOR_PEOPLE_MPS = 3.5, 6.5  # tuned by eye, in narrow streets with blind corners
_OVER_THE_LINE_M = 0.3  # how far a driver leans over its lane's left edge to pass something, tuned by eye


WAY = np.dtype(
    [
        ("start", np.int64),
        ("end", np.int64),
        ("next_start", np.int64),
        ("next_end", np.int64),
        ("spacing", np.float64),
        ("length", np.float64),
        ("limit", np.float64),
        ("look", np.float64),
        ("stop_s", np.float64),
        ("wait_s", np.float64),
        ("left_room", np.float64),
        ("right_room", np.float64),
        ("keep_right", np.float64),
        ("over", np.float64),
        ("free", np.float64),
        ("lane", np.int32),
        ("signal", np.int32),
        ("junction", np.int32),
        ("kind", np.int8),
        ("road", np.int8),
        ("turn", np.int8),
        ("back", np.bool_),
        ("red_right", np.bool_),
        ("shared", np.bool_),
        ("on_road", np.bool_),
        ("dead", np.bool_),
    ],
    align=True,
)
POINT = np.dtype([("x", np.float64), ("y", np.float64), ("z", np.float64), ("yaw", np.float64)])


class Ways(NamedTuple):
    """way (W,) of WAY, point (P,) of POINT, next_way (K,); yield_start (L + 1,), yield_lane: by lane, as in Town.

    before_start (W + 1,), before_way: where a way comes from; twin (W,): the other direction of its surface or footway,
    or -1.

    Of a way: start, end: its points, evenly spaced by `spacing`; next_start, next_end: where it leads, in next_way;
    lane: the town's lane (of a link: its walking area's, or -1); back: walked against the lane's own direction;
    signal: the signal column that governs entering it, -1 without; red_right: may be entered on red while yielding;
    stop_s: where one stops on it before a signal (its end where there is no stop line); wait_s: where the second
    line of a left turn with a waiting area lies on it, infinite without; left_room, right_room: how far the surface
    goes either side of the line; keep_right: where on a shared surface one keeps, left of the line; over: how much
    further to the left the lane of those who come towards one goes, 0 where there is none; free: how wide a shared
    surface is at its narrowest between what stands on it, infinite for others; look: the speed in m/s at which one
    enters it, ready to let others go first; on_road: a footway that the map lays over a carriageway, which people
    avoid; dead: it leads to nothing but ends, and nobody drives into it who has a choice.
    """

    way: np.ndarray
    point: np.ndarray
    next_way: np.ndarray
    before_start: np.ndarray
    before_way: np.ndarray
    twin: np.ndarray
    yield_start: np.ndarray
    yield_lane: np.ndarray


def ways_of(town: Town) -> Ways:
    """Return the ways of a town. The first L are its lanes, in order."""
    lanes = town.lanes
    kind = town.lane_kind
    walked = np.flatnonzero((kind == LaneKind.FOOT) | (kind == LaneKind.CROSSING)).tolist()
    backward = np.full(lanes, -1)
    backward[walked] = lanes + np.arange(len(walked))
    ends = _foot_ends(town)
    lines = [town.line(lane)[::-1] for lane in walked]
    links, areas, following = _links(town, backward, ends, first=lanes + len(walked))
    lines += links
    next_lists = _next_of_lanes(town) + [[] for _ in range(len(walked) + len(links))]
    for way, target in following:
        next_lists[way].append(target)
    for lane in walked:  # at a dead end people turn round
        for way, other in ((lane, backward[lane]), (backward[lane], lane)):
            if not next_lists[way]:
                next_lists[way].append(int(other))

    count = lanes + len(lines)
    extra = count - lanes - len(walked)
    counts = np.concatenate([np.diff(town.point_start), [len(line) for line in lines]]).astype(np.int64)
    points = np.concatenate([town.points, *lines]) if lines else np.asarray(town.points)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    step = np.hypot(*np.diff(points[:, :2], axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(step)])
    length = np.maximum(along[start[1:] - 1] - along[start[:-1]], 1e-3)

    def spread(values, link):
        values = np.asarray(values)
        return np.concatenate([values, values[walked], np.full(extra, link, values.dtype)])

    width = spread(town.lane_width_m, LINK_WIDTH_M).astype(np.float64)
    way_kind = spread(kind, LaneKind.FOOT_AREA).astype(np.int64)
    turn = spread(town.lane_turn, Turn.NONE).astype(np.int64)
    junction = spread(town.lane_junction, -1).astype(np.int64)
    signal = spread(town.lane_signal, -1).astype(np.int64)
    left, right, keep, shared = _rooms(town, width, way_kind, turn)
    _widen_junctions(next_lists, junction, signal, left, right, shared)
    stop_s = length.copy()
    stop_s[:lanes] = np.where(np.isnan(town.stop_s_m), length[:lanes], np.minimum(town.stop_s_m, length[:lanes]))
    next_start = np.concatenate([[0], np.cumsum([len(n) for n in next_lists])]).astype(np.int64)
    way = np.zeros(count, WAY)
    way["start"], way["end"] = start[:-1], start[1:]
    way["next_start"], way["next_end"] = next_start[:-1], next_start[1:]
    way["spacing"], way["length"] = length / np.maximum(counts - 1, 1), length
    way["limit"] = np.maximum(spread(town.lane_limit_mps, 10.0), 2.0)
    way["stop_s"], way["left_room"], way["right_room"], way["keep_right"] = stop_s, left, right, keep
    way["free"] = np.inf
    both = np.flatnonzero(shared[:lanes] & (junction[:lanes] < 0) & (way_kind[:lanes] == LaneKind.DRIVE))
    way["free"][both] = narrowest_m(town, both, left[both], right[both])
    way["lane"] = np.concatenate([np.arange(lanes), walked, areas])
    way["signal"], way["junction"], way["kind"], way["turn"] = signal, junction, way_kind, turn
    way["road"] = spread(town.lane_class, 7)
    way["back"] = np.arange(count) >= lanes
    way["red_right"], way["shared"] = _red_right(town, turn, signal), shared
    way["look"] = np.where((signal < 0) & (way_kind == LaneKind.DRIVE), spread(_look_speeds(town), np.inf), np.inf)
    way["wait_s"] = np.inf
    way["wait_s"][:lanes] = np.where(np.isnan(town.waiting_s_m), np.inf, town.waiting_s_m)
    point = np.zeros(len(points), POINT)
    point["x"], point["y"], point["z"], point["yaw"] = *points.T, _tangents(points, start)
    way["on_road"] = _on_road(way, point)
    way["over"] = _oncoming_room(town, way, point)
    rows, walks, led = along_roads(town, way, count)
    more_rows, more_lines, more_led = turned_round(town, way, count + len(walks))
    rows, walks, led = np.concatenate([rows, more_rows]), walks + more_lines, led + more_led
    if walks:
        begins = np.concatenate([[0], np.cumsum([len(line) for line in walks])]).astype(np.int64)
        walked_points = np.concatenate(walks)
        more = np.zeros(len(walked_points), POINT)
        more["x"], more["y"], more["z"], more["yaw"] = *walked_points.T, _tangents(walked_points, begins)
        steps = np.hypot(*np.diff(walked_points[:, :2], axis=0).T)
        gone_m = np.concatenate([[0.0], np.cumsum(steps)])
        rows["start"], rows["end"] = begins[:-1] + len(point), begins[1:] + len(point)
        rows["length"] = np.maximum(gone_m[begins[1:] - 1] - gone_m[begins[:-1]], 1e-3)
        rows["stop_s"], rows["spacing"] = rows["length"], rows["length"] / (np.diff(begins) - 1)
        next_lists += led
        next_end = np.cumsum([len(n) for n in next_lists])
        rows["next_end"] = next_end[count:]
        rows["next_start"] = next_end[count:] - [len(n) for n in led]
        way, point = np.concatenate([way, rows]), np.concatenate([point, more])
    way["dead"] = _dead(next_lists)
    following_way = np.array([way for ways in next_lists for way in ways], np.int64)
    twin = np.concatenate([town.lane_twin, np.full(len(way) - lanes, -1)]).astype(np.int64)
    twin[walked], twin[backward[walked]] = backward[walked], walked
    half = len(walks) - len(more_lines)
    forth = count + np.arange(half // 2)
    twin[forth], twin[forth + half // 2] = forth + half // 2, forth
    return Ways(
        way,
        point,
        following_way,
        *befores(way, following_way),
        twin,
        np.ascontiguousarray(town.yield_start, np.int64),
        np.ascontiguousarray(town.yield_lane, np.int64),
    )


def befores(way: np.ndarray, next_way: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return before_start (W + 1,) and before_way (K,) of ways (W,) that lead to next_way, backwards."""
    came = np.repeat(np.arange(len(way)), way["next_end"] - way["next_start"])
    led = np.concatenate([next_way[one["next_start"] : one["next_end"]] for one in way])
    order = np.argsort(led, kind="stable")
    return np.searchsorted(led[order], np.arange(len(way) + 1)).astype(np.int64), came[order].astype(np.int64)


def _dead(next_lists: list[list[int]]) -> np.ndarray:
    """Return (W,) bool: ways from which one only comes to ends."""
    left = [len(after) for after in next_lists]
    came: list[list[int]] = [[] for _ in next_lists]
    for way, after in enumerate(next_lists):
        for onward in after:
            came[onward].append(way)
    dead = np.zeros(len(next_lists), bool)
    ends = [way for way, after in enumerate(left) if after == 0]
    while ends:
        way = ends.pop()
        dead[way] = True
        for earlier in came[way]:
            left[earlier] -= 1
            if left[earlier] == 0:
                ends.append(earlier)
    return dead


def _look_speeds(town: Town) -> np.ndarray:
    """Return (L,) m/s: slow where vehicles go first, less so where only people on a crossing do."""
    speed = np.full(town.lanes, np.inf)
    lane = np.repeat(np.arange(town.lanes), np.diff(town.yield_start))
    speed[lane] = LOOK_FOR_PEOPLE_MPS
    speed[lane[town.lane_kind[town.yield_lane] != LaneKind.CROSSING]] = LOOK_FOR_VEHICLES_MPS
    return speed


def _on_road(way: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return (W,) bool: footways of which three points in ten lie on an ordinary drive lane of the same height."""
    drive = np.flatnonzero((way["kind"] == LaneKind.DRIVE) & (way["turn"] == Turn.NONE))
    foot = np.flatnonzero((way["kind"] == LaneKind.FOOT) | (way["kind"] == LaneKind.FOOT_AREA))
    inside = np.zeros(len(way), bool)
    if not len(drive) or not len(foot):
        return inside
    road = np.concatenate([np.arange(way["start"][w], way["end"][w]) for w in drive])
    half = np.repeat(way["right_room"][drive], (way["end"] - way["start"])[drive])
    tree = cKDTree(np.stack([point["x"][road], point["y"][road], 10.0 * point["z"][road]], axis=-1))
    walked = np.concatenate([np.arange(way["start"][w], way["end"][w]) for w in foot])
    place = np.stack([point["x"][walked], point["y"][walked], 10.0 * point["z"][walked]], axis=-1)
    distance, nearest = tree.query(place, distance_upper_bound=4.0)
    over = np.append(half, 0.0)[nearest] > distance
    counts = (way["end"] - way["start"])[foot]
    share = np.add.reduceat(over.astype(np.float64), np.cumsum(counts) - counts) / counts
    inside[foot] = share > 0.3
    return inside


def _oncoming_room(town: Town, way: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return (W,) m: the width of the oncoming lane left of an ordinary drive lane, 0 where there is none."""
    room = np.zeros(len(way))
    drive = np.flatnonzero((way["kind"] == LaneKind.DRIVE) & (way["junction"] < 0) & ~way["back"] & ~way["shared"])
    if not len(drive):
        return room
    half = town.lane_width_m[way["lane"][drive]] / 2
    points = np.concatenate([np.arange(way["start"][w], way["end"][w]) for w in drive])
    owner = np.repeat(np.arange(len(drive)), (way["end"] - way["start"])[drive])
    tree = cKDTree(np.stack([point["x"][points], point["y"][points], 10.0 * point["z"][points]], axis=-1))
    middle = point[(way["start"][drive] + way["end"][drive]) // 2]
    x, y = middle["x"] - (half + 1.6) * np.sin(middle["yaw"]), middle["y"] + (half + 1.6) * np.cos(middle["yaw"])
    distance, nearest = tree.query(np.stack([x, y, 10.0 * middle["z"]], axis=-1), distance_upper_bound=1.8)
    found = np.isfinite(distance)
    nearest = np.where(found, nearest, 0)
    opposite = np.cos(point["yaw"][points[nearest]] - middle["yaw"]) < -0.8
    room[drive] = np.where(found & opposite, 2.0 * half[owner[nearest]], 0.0)
    return room


def _tangents(points: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the direction of the line at every point: of the chord to both neighbours within its way."""
    index = np.arange(len(points))
    first, last = np.zeros(len(points), bool), np.zeros(len(points), bool)
    first[start[:-1]], last[start[1:] - 1] = True, True
    before, after = np.where(first, index, index - 1), np.where(last, index, index + 1)
    return np.arctan2(points[after, 1] - points[before, 1], points[after, 0] - points[before, 0])


def _next_of_lanes(town: Town) -> list[list[int]]:
    vehicles = (town.lane_kind == LaneKind.DRIVE) | (town.lane_kind == LaneKind.CYCLE)
    return [
        [int(n) for n in town.following(lane) if vehicles[n]] if vehicles[lane] else [] for lane in range(town.lanes)
    ]


def _foot_ends(town: Town) -> list[tuple[int, list[tuple[int, int]]]]:
    """Return meeting places of footways: the area's lane or -1, and (lane, end) pairs, 0 its start and 1 its end."""
    kind = town.lane_kind
    foot = (kind == LaneKind.FOOT) | (kind == LaneKind.CROSSING) | (kind == LaneKind.FOOT_AREA)
    around: dict[int, set[int]] = {}
    places: list[tuple[int, list[tuple[int, int]]]] = []
    for lane in np.flatnonzero(foot).tolist():
        for other in town.following(int(lane)):
            if not foot[other]:
                continue
            a, b = int(lane), int(other)
            if kind[a] == LaneKind.FOOT_AREA:
                around.setdefault(a, set()).add(b)
            elif kind[b] == LaneKind.FOOT_AREA:
                around.setdefault(b, set()).add(a)
            else:
                places.append((-1, _nearest_ends(town, a, b)))
    for area, members in sorted(around.items()):
        middle = town.line(area)[:, :2]
        place = []
        for lane in sorted(m for m in members if kind[m] != LaneKind.FOOT_AREA):
            line = town.line(lane)[:, :2]
            gaps = [np.hypot(*(middle - line[end]).T).min() for end in (0, -1)]
            place.append((lane, int(gaps[1] < gaps[0])))
        places.append((area, place))
    return places


def _nearest_ends(town: Town, a: int, b: int) -> list[tuple[int, int]]:
    first, second = town.line(a)[[0, -1], :2], town.line(b)[[0, -1], :2]
    gaps = np.hypot(*(first[:, None] - second[None]).transpose(2, 0, 1))
    i, j = np.unravel_index(int(gaps.argmin()), (2, 2))
    return [(a, int(i)), (b, int(j))]


def _links(town: Town, backward: np.ndarray, places, first: int):
    """Return curves between footway ends that meet, their areas' lanes, and (way, next way) pairs.

    Links are numbered from `first`.
    """
    links: list[np.ndarray] = []
    areas: list[int] = []
    following: list[tuple[int, int]] = []
    done: set[tuple[int, int]] = set()
    for area, place in places:
        for lane, end in place:
            for other, other_end in place:
                leaving = int(lane if end == 1 else backward[lane])
                entering = int(other if other_end == 0 else backward[other])
                if lane == other or (leaving, entering) in done:
                    continue
                done.add((leaving, entering))
                line = town.line(lane) if end == 1 else town.line(lane)[::-1]
                onward = town.line(other) if other_end == 0 else town.line(other)[::-1]
                gap = float(np.hypot(*(onward[0] - line[-1])[:2]))
                if gap < 0.3:
                    following.append((leaving, entering))
                    continue
                links.append(
                    curve(line[-2:], onward[:2], gap) if gap < 12.0 else _across(town, area, line[-1], onward[0])
                )
                areas.append(area)
                way = first + len(links) - 1
                following += [(leaving, way), (way, entering)]
    return links, areas, following


def _across(town: Town, area: int, leave: np.ndarray, enter: np.ndarray) -> np.ndarray:
    """Return a way over a large walking area: its own line where that leads there, else straight on."""
    line = town.line(area) if area >= 0 else np.stack([leave, enter])
    for own in (line, line[::-1]):
        if max(np.hypot(*(own[0] - leave)[:2]), np.hypot(*(own[-1] - enter)[:2])) < 2.0:
            return own
    t = np.linspace(0.0, 1.0, int(np.hypot(*(enter - leave)[:2])) + 3)[:, None]
    return leave + (enter - leave) * t


def _rooms(town: Town, width, kind, turn):
    """Return per way: room left and right of the line, where to keep, and whether two directions share the surface."""
    left, right = width / 2, width / 2
    keep, shared = np.zeros(len(width)), np.zeros(len(width), bool)
    ordinary = (kind == LaneKind.DRIVE) & (turn == Turn.NONE)
    left = left + np.where(ordinary, _OVER_THE_LINE_M, 0.0)
    for lane in np.flatnonzero(town.lane_twin >= 0):
        twin = int(town.lane_twin[lane])
        x, y, _, yaw = town.pose_at(int(lane), town.lane_length_m[lane] / 2)
        ox, oy, _, _ = town.pose_at(twin, town.lane_length_m[twin] / 2)
        apart = max(-np.sin(yaw) * (ox - x) + np.cos(yaw) * (oy - y), 0.0)
        left[lane] = max(width[lane] / 2, apart + width[twin] / 2)
        keep[lane] = -right[lane] + (left[lane] + right[lane]) / 4
        shared[lane] = True
    return left, right, keep, shared


def _widen_junctions(next_lists, junction, signal, left, right, shared) -> None:
    """Let ways over an unmarked junction be as wide as the shared surfaces they join: there is no line on it."""
    before = np.full(len(left), -1)
    for way, after in enumerate(next_lists):
        for onward in after:
            if junction[way] < 0 and junction[onward] >= 0:
                before[onward] = way
    for way in np.flatnonzero((junction >= 0) & (signal < 0) & (before >= 0)).tolist():
        after = next_lists[way]
        if len(after) == 1 and junction[after[0]] < 0 and shared[before[way]] and shared[after[0]]:
            left[way] = max(left[way], min(left[before[way]], left[after[0]]))
            right[way] = max(right[way], min(right[before[way]], right[after[0]]))


def _red_right(town: Town, turn: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Return where a right turn on red is allowed: those whose own head is round (PRC regulations, art. 38)."""
    arrowed = np.zeros(town.lanes, bool)
    arrowed[town.head_lane[town.head_arrow == Turn.RIGHT]] = True
    allowed = (turn == Turn.RIGHT) & (signal >= 0)
    allowed[: town.lanes] &= ~arrowed
    allowed[town.lanes :] = False
    return allowed
