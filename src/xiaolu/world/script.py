"""Scripts: what the actors of a ride do, and when. World frame.

An actor is an ordinary road user with a list of acts. An act is a trigger (`When`) and what holds from then on; what it
leaves open is as before it. `stage` turns a script into flat tables for compiled loops (`xiaolu.world.acting`), and
appends the actors' own ways to the town's.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from xiaolu.core.users import Gesture, Kind
from xiaolu.world.joining import joins, led_to
from xiaolu.world.temper import ON_FOOT, OWN_SPEED_MPS, TWO_WHEELER
from xiaolu.world.town import LaneKind, RoadClass, Turn
from xiaolu.world.ways import POINT, WAY, Ways, befores

LINE_SPACING_M = 0.5
ROUNDING_M = {True: 0.6, False: 4.0}  # how far either side of it a corner of a line is rounded: on foot, else; tuned
ROOM_M = {True: 0.8, False: 0.4}  # room beside a line beyond the body's half width, to pass what stands there; tuned
BEHIND_M = 60.0  # so far behind where it begins an actor knows the lanes: it may have to back up for somebody; tuned
U_TURN_RAD = 2.4
NEAREST_LANE = -2
KEEP = -1


class When(IntEnum):
    """What an act waits for; `value` is in the unit named here."""

    AT_ONCE = 0
    AFTER_S = 1
    EGO_WITHIN_M = 2
    EGO_ARRIVES_S = 3  # the ego's front comes to `gate` in less than `value`; NaN: abreast of the actor, straight on
    EGO_PAST = 4  # the ego's front is past `gate` (x, y, yaw)
    EGO_STANDS_S = 5
    EGO_GOES = 6
    OWN_M = 7
    LAMP = 8  # signal column `signal` shows the LampColour `value`
    ACTOR = 9  # actor `other` has come to its act `other_act`
    AHEAD_OF_EGO_M = 10  # the actor's middle, less half its length, is so far ahead of the ego's front


class Heed(IntEnum):
    """Whom an actor gives way to."""

    ALL = 0
    NOT_EGO = 1
    NOT_SIGNALS = 2
    NONE = 3


class Hinge(IntEnum):
    """Which end of a thing stays where it is when it turns or changes size."""

    MIDDLE = 0
    FRONT = 1
    BACK = 2


FACE_EGO = "ego"


@dataclass(frozen=True, slots=True, eq=False)
class Act:
    """None: as before this act. speed_mps: NaN is its own mind's; negative is backwards. line: index into the actor's
    lines, or NEAREST_LANE. faces_rad: a yaw, FACE_EGO, or NaN for the way's. gesture, lights: -1 for its own. yaw_rad,
    length_m, width_m, height_m: reached after in_s, of a thing. within_m: the ego must be so near as well.
    """

    name: str = ""
    when: When = When.AT_ONCE
    value: float = 0.0
    gate: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    signal: int = -1
    other: int = -1
    other_act: int = -1
    within_m: float = np.inf
    speed_mps: float | None = None
    acceleration_mps2: float | None = None
    heeds: Heed | None = None
    line: int = KEEP
    turns_back: bool = False
    offset_m: float | None = None
    sideways_mps: float | None = None
    faces_rad: float | str | None = None
    gesture: int | None = None
    lights: int | None = None
    yaw_rad: float | None = None
    length_m: float | None = None
    width_m: float | None = None
    height_m: float | None = None
    in_s: float = 1.0
    style: int | None = None
    vanishes: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """pose (4,): x, y, z, yaw of its middle at the start. lines: (n, 3) each, its own; the first is what it goes along.

    lanes: instead, the town's lanes it goes along (then as chance has it), from along_m into the first; the lines are
    then for its acts. With neither it stands. then_lane: a line leads on into the nearest lane. speed_mps: at the
    start; NaN: what a first act at once says, else its own mind's.
    """

    name: str
    kind: Kind
    pose: tuple[float, float, float, float]
    length_m: float
    width_m: float
    height_m: float
    style: int = -1
    parked: bool = False
    hinge: Hinge = Hinge.MIDDLE
    lines: tuple[np.ndarray, ...] = ()
    lanes: tuple[int, ...] = ()
    along_m: float = 0.0
    offset_m: float = 0.0
    then_lane: bool = False
    speed_mps: float = np.nan
    reaction_s: float = np.nan
    headway_s: float = np.nan
    acts: tuple[Act, ...] = ()

    def __post_init__(self) -> None:
        if self.parked and (self.lines or self.lanes):
            raise ValueError(f"Actor {self.name}: it is parked and has a way to go along")


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """actors: actor n becomes the road user of uid n.

    clear (K, 3): x, y, radius in which nobody else begins; parked_clear: in which no parked car's middle is.
    """

    actors: tuple[Actor, ...] = ()
    clear: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    parked_clear: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))


ACT = np.dtype(
    [(name, np.float64) for name in ("value", "gate_x", "gate_y", "gate_cos", "gate_sin", "within")]
    + [(name, np.float64) for name in ("speed", "acceleration", "offset", "sideways", "faces")]
    + [(name, np.float64) for name in ("yaw", "length", "width", "height", "in_s")]
    + [(name, np.int32) for name in ("signal", "other", "other_act", "way", "style", "from_way", "at_way")]
    + [(name, np.int8) for name in ("when", "heed", "facing", "gesture", "lights", "twin")]
    + [(name, np.bool_) for name in ("backwards", "vanishes")],
    align=True,
)
ACTOR = np.dtype(
    [(name, np.float64) for name in ("x", "y", "z", "yaw", "length", "width", "height", "along", "offset", "speed")]
    + [(name, np.float64) for name in ("reaction", "headway")]
    + [("way", np.int32), ("style", np.int32), ("kind", np.int8), ("hinge", np.int8), ("parked", np.bool_)],
    align=True,
)


class Stage(NamedTuple):
    """actor (A,) of ACTOR, act (K,) of ACT: those of actor a are act[start[a]:start[a + 1]], the first one before any.

    twin (W,): of an actor's own way the same way back, -1 for others; second (W,): it is such a way back; clear (C, 3).
    facing: 0 as its way goes, 1 to `faces`, 2 to the ego. An act's `twin` says which of the two ways it is done on.
    from_way, at_way: of how far to go along the town's lanes, its hindmost way and the one that `value` counts on;
    -1 along a line.
    """

    actor: np.ndarray
    act: np.ndarray
    start: np.ndarray
    twin: np.ndarray
    second: np.ndarray
    clear: np.ndarray


def empty_stage() -> Stage:
    """Return the stage of a world without actors."""
    none = np.empty(0, np.int32)
    return Stage(
        np.zeros(0, ACTOR), np.zeros(0, ACT), np.zeros(1, np.int64), none, np.empty(0, np.bool_), np.empty((0, 3))
    )


def rounded(points: np.ndarray, reach_m: float) -> np.ndarray:
    """Return a polyline (n, 3) as evenly spaced points (m, 3), its corners rounded within reach_m; ends are exact."""
    points = np.asarray(points, np.float64)
    keep = np.concatenate([[True], np.hypot(*np.diff(points[:, :2], axis=0).T) > 1e-6])
    points = points[keep]
    if len(points) < 2:
        raise ValueError("a line needs two points that are apart")
    out = [points[:1]]
    for before, corner, after in zip(points[:-2], points[1:-1], points[2:], strict=True):
        back, on = before - corner, after - corner
        cut = min(reach_m, 0.45 * np.hypot(*back[:2]), 0.45 * np.hypot(*on[:2]))
        a, b = corner + back * cut / np.hypot(*back[:2]), corner + on * cut / np.hypot(*on[:2])
        t = np.linspace(0.0, 1.0, 9)[:, None]
        out.append((1 - t) ** 2 * a + 2 * (1 - t) * t * corner + t**2 * b)
    line = np.concatenate([*out, points[-1:]])
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line[:, :2], axis=0).T))])
    at = np.linspace(0.0, s[-1], max(int(np.ceil(s[-1] / LINE_SPACING_M)), 1) + 1)
    return np.stack([np.interp(at, s, column) for column in line.T], axis=-1)


class _Builder:
    """Collects the ways and points of a stage behind those of the town."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.rows: list[Any] = []
        self.points: list[np.ndarray] = []
        self.next: list[int] = []
        self.twin: list[int] = []
        self.point_count = len(ways.point)

    @property
    def count(self) -> int:
        return len(self.ways.way) + len(self.rows)

    def add(self, row: Any, following: list[int], twin: int) -> int:
        row["next_start"] = len(self.ways.next_way) + len(self.next)
        row["next_end"] = row["next_start"] + len(following)
        self.next += following
        self.rows.append(row)
        self.twin.append(twin)
        return self.count - 1

    def add_points(self, row: Any, line: np.ndarray) -> None:
        """Give a way row its own points (n, 3)."""
        block = np.zeros(len(line), POINT)
        step = np.gradient(line[:, :2], axis=0)
        block["x"], block["y"], block["z"] = line.T
        block["yaw"] = np.arctan2(step[:, 1], step[:, 0])
        length = float(np.hypot(*np.diff(line[:, :2], axis=0).T).sum())
        row["start"], row["end"] = self.point_count, self.point_count + len(line)
        row["length"], row["spacing"] = length, length / (len(line) - 1)
        row["stop_s"] = length
        self.points.append(block)
        self.point_count += len(line)

    def line(self, actor: Actor, line: np.ndarray) -> int:
        """Add a line of an actor's own and the same one backwards; return the way's index."""
        walks = bool(ON_FOOT[actor.kind])
        kind = LaneKind.FOOT if walks else (LaneKind.CYCLE if TWO_WHEELER[actor.kind] else LaneKind.DRIVE)
        joined, point = joins(self.ways, line, actor.kind) if actor.then_lane else (-1, 0)
        onward: list[int] = []
        if joined >= 0:
            begins = self.ways.point[self.ways.way["start"][joined] + point]
            line = led_to(line, np.array([begins["x"], begins["y"], begins["z"]]))
            onward = [joined if point == 0 else self._rest_of(joined, point)]
        points = rounded(line, ROUNDING_M[walks])
        room = actor.width_m / 2 + ROOM_M[walks]
        offsets = [abs(act.offset_m) for act in actor.acts if act.offset_m is not None]
        first = -1
        for number, run in enumerate((points, points[::-1])):
            row = np.zeros(1, WAY)[0]
            self.add_points(row, run)
            row["lane"] = row["signal"] = row["junction"] = -1
            row["kind"], row["turn"], row["road"] = kind, Turn.NONE, RoadClass.LIVING
            row["limit"], row["look"], row["wait_s"] = 8.3, np.inf, np.inf
            row["left_room"] = row["right_room"] = room + max(offsets, default=0.0)
            way = self.add(row, onward if number == 0 else [], self.count + 1 if number == 0 else self.count - 1)
            first = way if number == 0 else first
        return first

    def _rest_of(self, way: int, first: int) -> int:
        """Add what is left of one of the town's ways from its first-th point on; return the new way."""
        row = self.ways.way[way : way + 1].copy()[0]
        span = self.ways.point[row["start"] + first : row["end"]]
        onward = self.ways.next_way[row["next_start"] : row["next_end"]].tolist()
        stop_s = float(row["stop_s"]) - first * float(row["spacing"])
        self.add_points(row, np.stack([span["x"], span["y"], span["z"]], axis=-1))
        row["stop_s"] = stop_s
        return self.add(row, onward, -1)

    def chain(self, actor: Actor) -> tuple[int, int]:
        """Add copies of the town's lanes that an actor goes along, each leading to the next, and before them of those
        that it could back up into; return the first way of these, and the one that it begins on.

        They are as wide as its acts ask for: who changes lanes goes as far as that, not to its own lane's edge.
        """
        base = self.count
        behind = self._behind(actor.lanes[0])
        lanes = [*behind, *actor.lanes]
        offsets = [0.0, actor.offset_m, *(act.offset_m for act in actor.acts if act.offset_m is not None)]
        half = actor.width_m / 2 + ROOM_M[False]
        left, right = (max(offsets) + half if max(offsets) else 0.0), (half - min(offsets) if min(offsets) else 0.0)
        for number, lane in enumerate(lanes):
            row = self.ways.way[lane : lane + 1].copy()[0]
            row["left_room"], row["right_room"] = max(row["left_room"], left), max(row["right_room"], right)
            onward = self.ways.next_way[row["next_start"] : row["next_end"]].tolist()
            following = [base + 2 * (number + 1)] if number + 1 < len(lanes) else onward
            self.add(row, following, base + 2 * number + 1)
            back = self.ways.way[lane : lane + 1].copy()[0]
            span = self.ways.point[back["start"] : back["end"]][::-1]
            self.add_points(back, np.stack([span["x"], span["y"], span["z"]], axis=-1))
            back["signal"], back["back"], back["look"] = -1, True, np.inf
            back["left_room"], back["right_room"] = row["right_room"], row["left_room"]
            back["keep_right"] = -row["keep_right"]
            self.add(back, [base + 2 * number - 1] if number else [], base + 2 * number)
        return base, base + 2 * len(behind)

    def _behind(self, lane: int) -> list[int]:
        """Return the town's ways that lead to a lane, as far as one would back up, in order: round a corner where there
        is one, out of the way of who goes straight on."""
        way, point, length_m = self.ways.way, self.ways.point, 0.0
        found: list[int] = []
        while length_m < BEHIND_M:
            came = self.ways.before_way[self.ways.before_start[lane] : self.ways.before_start[lane + 1]]
            before = [int(b) for b in came if way["kind"][b] == LaneKind.DRIVE and not way["back"][b]]
            if not before:
                break
            turns = np.array([point["yaw"][way["end"][b] - 1] - point["yaw"][way["start"][b]] for b in before])
            turns = np.abs((turns + np.pi) % (2 * np.pi) - np.pi)
            lane = before[int(np.argmax(np.where(turns < U_TURN_RAD, turns, -turns)))]
            found.insert(0, lane)
            length_m += float(way["length"][lane])
        return found

    def finish(self) -> tuple[Ways, np.ndarray, np.ndarray]:
        """Return the ways, and twin (W,) and second (W,), see `Stage`."""
        old = self.ways
        town = len(old.way)
        twin = np.concatenate([np.full(town, -1), self.twin]).astype(np.int32)
        second = np.arange(len(twin)) > twin
        second[twin < 0] = False
        way = np.concatenate([old.way, np.array(self.rows, WAY)]) if self.rows else old.way
        next_way = np.concatenate([old.next_way, np.array(self.next, np.int64)])
        ways = Ways(
            way,
            np.concatenate([old.point, *self.points]) if self.points else old.point,
            next_way,
            *befores(way, next_way),
            np.concatenate([old.twin, np.full(len(way) - town, -1)]).astype(np.int64),
            old.yield_start,
            old.yield_lane,
        )
        return ways, twin, second


def stage(script: Script, ways: Ways) -> tuple[Stage, Ways]:
    """Return a script as tables, and the town's ways with the actors' own ways behind them."""
    builder = _Builder(ways)
    actors, acts, start = np.zeros(len(script.actors), ACTOR), [], [0]
    for number, actor in enumerate(script.actors):
        row = actors[number]
        row["x"], row["y"], row["z"], row["yaw"] = actor.pose
        row["length"], row["width"], row["height"] = actor.length_m, actor.width_m, actor.height_m
        row["kind"], row["style"], row["hinge"], row["parked"] = actor.kind, actor.style, actor.hinge, actor.parked
        row["along"], row["offset"], row["speed"] = actor.along_m, actor.offset_m, actor.speed_mps
        lines = actor.lines if actor.lines or actor.lanes else (_spot(actor.pose),)
        own = [builder.line(actor, np.asarray(line, np.float64)) for line in lines]
        back, row["way"] = builder.chain(actor) if actor.lanes else (KEEP, own[0])
        _temper(row, actor, number, ways)
        rows = _acts_of(actor, own)
        if actor.lanes:
            _along_lanes(rows, actor, back, int(row["way"]), ways)
        acts += rows
        start.append(len(acts))
    extended, twin, second = builder.finish()
    table = np.concatenate(acts) if acts else np.zeros(0, ACT)
    return Stage(actors, table, np.array(start), twin, second, np.asarray(script.clear, np.float64)), extended


def _along_lanes(rows: list[np.ndarray], actor: Actor, back: int, first: int, ways: Ways) -> None:
    """Turn how far an actor has gone along its lanes into a lane of them and how far along that one, in place.

    back, first: the way furthest back and the one that its first lane has become, see `_Builder.chain`.
    """
    ends = np.cumsum(ways.way["length"][list(actor.lanes)])
    for row in rows:
        if row["when"][0] == When.OWN_M:
            gone_m = actor.along_m + float(row["value"][0])
            lane = min(int(np.searchsorted(ends, gone_m)), len(ends) - 1)
            row["value"] = gone_m - (ends[lane - 1] if lane else 0.0)
            row["from_way"], row["at_way"] = back, first + 2 * lane


def _temper(row: np.ndarray, actor: Actor, number: int, ways: Ways) -> None:
    """Fill what a script leaves open: an ordinary temper, a look, and the speed that fits kind and way."""
    quick = bool(ON_FOOT[actor.kind] or TWO_WHEELER[actor.kind])
    row["reaction"] = 0.6 if np.isnan(actor.reaction_s) else actor.reaction_s
    row["headway"] = (0.7 if quick else 1.4) if np.isnan(actor.headway_s) else actor.headway_s
    row["style"] = actor.style if actor.style >= 0 else 104_729 * (number + 1) % 1_000_003
    first = actor.acts[0] if actor.acts and actor.acts[0].when == When.AT_ONCE else None
    if (
        np.isnan(actor.speed_mps)
        and first is not None
        and first.speed_mps is not None
        and not np.isnan(first.speed_mps)
    ):
        row["speed"] = max(first.speed_mps, 0.0)
    elif np.isnan(actor.speed_mps):
        limit = 0.8 * float(ways.way["limit"][actor.lanes[0]]) if actor.lanes else np.inf
        row["speed"] = min(float(OWN_SPEED_MPS[actor.kind]), limit, 8.3) if actor.lines or actor.lanes else 0.0


def _spot(pose: tuple[float, float, float, float]) -> np.ndarray:
    """Return a line (2, 3) of a metre for an actor that stands, from its place the way it faces."""
    x, y, z, yaw = pose
    return np.array([[x, y, z], [x + np.cos(yaw), y + np.sin(yaw), z]])


def _acts_of(actor: Actor, own: list[int]) -> list[np.ndarray]:
    """Return an actor's acts as rows (1,) of ACT, with what holds before the first one in front."""
    stands = not actor.lines and not actor.lanes
    now = np.zeros(1, ACT)
    now["speed"] = 0.0 if stands or actor.parked else np.nan
    now["acceleration"] = now["offset"] = np.nan
    now["sideways"], now["within"], now["in_s"] = 1.0, np.inf, 1.0
    now["gesture"] = now["lights"] = -1
    now["way"], now["style"] = KEEP, -1
    now["from_way"] = now["at_way"] = -1
    now["yaw"], now["length"] = actor.pose[3], actor.length_m
    now["width"], now["height"] = actor.width_m, actor.height_m
    rows = [now]
    for act in actor.acts:
        row = rows[-1].copy()
        row["when"], row["value"], row["signal"] = act.when, act.value, act.signal
        row["gate_x"], row["gate_y"] = act.gate[:2]
        row["gate_cos"], row["gate_sin"] = np.cos(act.gate[2]), np.sin(act.gate[2])
        row["other"], row["other_act"], row["within"] = act.other, act.other_act, act.within_m
        row["way"] = own[act.line] if act.line >= 0 else act.line
        if act.line != KEEP:
            row["twin"] = 0
        if act.turns_back:
            row["twin"] = 1 - row["twin"]
        if act.speed_mps is not None:
            backwards = act.speed_mps < 0.0
            if backwards != bool(row["backwards"][0]):
                row["twin"], row["backwards"] = 1 - row["twin"], backwards
            row["speed"] = abs(act.speed_mps)
        for name, value in (
            ("acceleration", act.acceleration_mps2), ("heed", act.heeds), ("offset", act.offset_m),
            ("sideways", act.sideways_mps), ("gesture", act.gesture), ("lights", act.lights), ("yaw", act.yaw_rad),
            ("length", act.length_m), ("width", act.width_m), ("height", act.height_m), ("style", act.style),
            ("vanishes", act.vanishes), ("in_s", act.in_s),
        ):  # fmt: skip
            if value is not None:
                row[name] = value
        if act.faces_rad is not None:
            ego = act.faces_rad == FACE_EGO
            row["facing"] = 2 if ego else (0 if np.isnan(float(act.faces_rad)) else 1)
            row["faces"] = 0.0 if ego else float(act.faces_rad)
        rows.append(row)
    return rows


GESTURES = {gesture.name.lower(): int(gesture) for gesture in Gesture}
