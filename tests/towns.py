"""A small town made by hand, so that rooms can be tested without SUMO.

A crossroads at the origin: a street along x and a street along y, 150 m arms, one 3.25 m lane each way, sidewalks,
signals and crossings; and a narrow street (4.8 m, one surface with two directions) that leaves the eastern arm
northwards at x = 90 through an unsignalled junction. Right-hand traffic. All on layer 0, z = 0.
"""

from dataclasses import dataclass, field

import numpy as np

from xiaolu.core.decision import LampColour
from xiaolu.world.town import SPACING_M, LaneKind, Marking, PropKind, RoadClass, Town, Turn, without_extras

ARM_M, MOUTH_M, LANE_M, WALK_M = 150.0, 14.0, 3.25, 2.5
NARROW_X_M, NARROW_LANE_M, NARROW_MOUTH_M = 90.0, 2.4, 7.0
CROSSING_AT_M = 11.0  # from the crossroads' middle; stop lines lie at the mouth, behind it
EAST, NORTH, WEST, SOUTH = range(4)
NAMES = ("East Road", "North Road", "West Road", "South Road")
HEADING = (0.0, np.pi / 2, np.pi, -np.pi / 2)


@dataclass
class Draft:
    kind: LaneKind
    line: np.ndarray
    width_m: float
    edge: int
    street: int = -1
    road: RoadClass = RoadClass.TERTIARY
    turn: Turn = Turn.NONE
    junction: int = -1
    signal: int = -1
    marking: Marking = Marking.NONE
    limit_mps: float = 11.11
    stop_s_m: float = np.nan
    twin: int = -1
    nexts: list[int] = field(default_factory=list)
    yields: list[int] = field(default_factory=list)
    crosses: list[int] = field(default_factory=list)


def even(points: np.ndarray) -> np.ndarray:
    """Return points (n, 2) as an evenly spaced line (m, 3)."""
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0.0, s[-1], max(2, int(np.ceil(s[-1] / SPACING_M)) + 1))
    return np.stack([np.interp(at, s, points[:, 0]), np.interp(at, s, points[:, 1]), np.zeros(len(at))], axis=-1)


def straight(a: tuple[float, float], b: tuple[float, float]) -> np.ndarray:
    return even(np.array([a, b], float))


def bend(a: np.ndarray, yaw_a: float, b: np.ndarray, yaw_b: float) -> np.ndarray:
    """Return a cubic Bezier from a to b with the given yaws at its ends, evenly spaced."""
    reach = 0.55 * np.hypot(*(b - a)) / np.sqrt(2.0) if abs(np.sin(yaw_b - yaw_a)) > 0.1 else np.hypot(*(b - a)) / 3
    p, q = a + reach * np.array([np.cos(yaw_a), np.sin(yaw_a)]), b - reach * np.array([np.cos(yaw_b), np.sin(yaw_b)])
    t = np.linspace(0, 1, 41)[:, None]
    return even((1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * p + 3 * (1 - t) * t**2 * q + t**3 * b)


def turned(arm: int, along: float, left: float) -> tuple[float, float]:
    """Return the point `along` metres out on an arm and `left` metres to its left, seen going outwards."""
    cos, sin = np.round(np.cos(HEADING[arm]), 12), np.round(np.sin(HEADING[arm]), 12)
    return float(cos * along - sin * left), float(sin * along + cos * left)


def crossroads() -> Town:
    """Return the town. Lane indices: `town.meta["lanes"]` names the ones that tests like to ask for."""
    lanes: list[Draft] = []
    names: dict[str, int] = {}

    def add(name: str, draft: Draft) -> int:
        names[name] = len(lanes)
        lanes.append(draft)
        return names[name]

    half, walk = LANE_M / 2, LANE_M + WALK_M / 2
    for arm in range(4):
        word = "ENWS"[arm]
        pieces = [(MOUTH_M, ARM_M)]
        if arm == EAST:
            pieces = [(MOUTH_M, NARROW_X_M - NARROW_MOUTH_M), (NARROW_X_M + NARROW_MOUTH_M, ARM_M)]
        for piece, (near, far) in enumerate(pieces):
            tail = "" if piece == 0 else "2"
            line = Marking.SOLID
            signalled = piece == 0
            add(
                f"{word}in{tail}",
                Draft(
                    LaneKind.DRIVE,
                    straight(turned(arm, far, half), turned(arm, near, half)),
                    LANE_M,
                    len(lanes),
                    arm,
                    marking=line,
                    stop_s_m=far - near - 1.0 if signalled else np.nan,
                ),
            )
            out = straight(turned(arm, near, -half), turned(arm, far, -half))
            add(f"{word}out{tail}", Draft(LaneKind.DRIVE, out, LANE_M, len(lanes), arm, marking=line))
        breaks = pieces if arm == EAST else [(MOUTH_M, ARM_M)]
        for piece, (near, far) in enumerate(breaks):
            tail = "" if piece == 0 else "2"
            left = straight(turned(arm, far, walk), turned(arm, near, walk))
            add(f"{word}walkin{tail}", Draft(LaneKind.FOOT, left, WALK_M, len(lanes), arm, limit_mps=2.78))
        right = straight(turned(arm, MOUTH_M, -walk), turned(arm, ARM_M, -walk))
        add(f"{word}walkout", Draft(LaneKind.FOOT, right, WALK_M, len(lanes), arm, limit_mps=2.78))

    x, off = NARROW_X_M, NARROW_LANE_M / 2
    top, bottom = 110.0, NARROW_MOUTH_M
    narrow = {"limit_mps": 5.56, "road": RoadClass.LIVING, "street": 4}
    down = Draft(LaneKind.DRIVE, straight((x - off, top), (x - off, bottom)), NARROW_LANE_M, len(lanes), **narrow)
    up = Draft(LaneKind.DRIVE, straight((x + off, bottom), (x + off, top)), NARROW_LANE_M, len(lanes) + 1, **narrow)
    first, second = add("narrow_in", down), add("narrow_out", up)
    lanes[first].twin, lanes[second].twin = second, first

    def connect(before: str, after: str, turn: Turn, junction: int, signal: int = -1) -> int:
        a, b = lanes[names[before]], lanes[names[after]]
        yaw_a = np.arctan2(*(a.line[-1] - a.line[-2])[1::-1])
        yaw_b = np.arctan2(*(b.line[1] - b.line[0])[1::-1])
        line = bend(a.line[-1, :2], yaw_a, b.line[0, :2], yaw_b)
        limit = 8.0 if turn == Turn.STRAIGHT else 5.5
        width = min(a.width_m, b.width_m)
        draft = Draft(LaneKind.DRIVE, line, width, len(lanes), turn=turn, junction=junction, signal=signal)
        draft.limit_mps, draft.nexts = min(limit, a.limit_mps, b.limit_mps), [names[after]]
        number = add(f"{before}>{after}", draft)
        a.nexts.append(number)
        return number

    # The crossroads. Signal columns: 0, 1 the street along x (ahead and right; left), 2, 3 the street along y,
    # 4 crossings of the eastern and western arms, 5 those of the northern and southern ones.
    for arm in range(4):
        for steps, turn in ((2, Turn.STRAIGHT), (1, Turn.RIGHT), (3, Turn.LEFT)):
            # Coming in on `arm` one turns right into the arm a quarter turn further counter-clockwise.
            column = (0 if arm % 2 == 0 else 2) + (turn == Turn.LEFT)
            connect(f"{'ENWS'[arm]}in", f"{'ENWS'[(arm + steps) % 4]}out", turn, 0, column)
    for arm in range(4):
        line = straight(turned(arm, CROSSING_AT_M, -walk), turned(arm, CROSSING_AT_M, walk))
        column = 4 if arm % 2 == 0 else 5
        draft = Draft(LaneKind.CROSSING, line, 4.0, len(lanes), junction=0, signal=column, limit_mps=2.78)
        add(f"cross{'ENWS'[arm]}", draft)
    for arm in range(4):
        # Feet: in along one arm's left-hand side, over that arm or round the corner to the next one.
        this, following = "ENWS"[arm], "ENWS"[(arm + 1) % 4]
        corner_area(lanes, names, f"{this}walkin", f"{following}walkout", add)
        corner_area(lanes, names, f"{this}walkin", f"cross{following}", add)
        corner_area(lanes, names, f"cross{this}", f"{following}walkout", add)
        corner_area(lanes, names, f"cross{this}", f"cross{following}", add)

    # The narrow street's mouth, no signals: out of it one yields to the road, into it to those who come towards one.
    connect("Ein2", "Ein", Turn.STRAIGHT, 1)
    connect("Eout", "Eout2", Turn.STRAIGHT, 1)
    connect("Ein2", "narrow_out", Turn.RIGHT, 1)
    connect("Eout", "narrow_out", Turn.LEFT, 1)
    connect("narrow_in", "Ein", Turn.RIGHT, 1)
    connect("narrow_in", "Eout2", Turn.LEFT, 1)
    yields = {
        "Eout>narrow_out": ["Ein2>Ein", "Ein2>narrow_out"],
        "narrow_in>Ein": ["Ein2>Ein"],
        "narrow_in>Eout2": ["Ein2>Ein", "Eout>Eout2", "Eout>narrow_out"],
    }
    crossed = [*((a, b) for a, others in yields.items() for b in others)]
    for arm in range(4):
        a, right, across, left = ("ENWS"[(arm + k) % 4] for k in range(4))
        ahead, turns_left, turns_right = f"{a}in>{across}out", f"{a}in>{left}out", f"{a}in>{right}out"
        yields[turns_left] = [f"{across}in>{a}out", f"{across}in>{left}out"]
        crossed += [(turns_left, other) for other in yields[turns_left]]
        crossed += [(ahead, f"{left}in>{right}out"), (ahead, f"{left}in>{across}out"), (ahead, f"{right}in>{left}out")]
        crossed += [
            (turns_left, f"{right}in>{left}out"),
            (turns_left, f"{left}in>{right}out"),
            (turns_right, f"{left}in>{right}out"),
        ]
        for lane in (ahead, turns_left, turns_right):
            out = lane.split(">")[1][0]
            for arms in (a, out):
                yields.setdefault(lane, []).append(f"cross{arms}")
                crossed.append((lane, f"cross{arms}"))
        # Right turns give way to who comes from the left, straight on or turning left into the same street.
        yields[turns_right] += [f"{left}in>{right}out", f"{across}in>{right}out"]
        crossed.append((turns_right, f"{across}in>{right}out"))
    for lane, others in yields.items():
        lanes[names[lane]].yields += [names[other] for other in others]
    for a, b in crossed:
        for one, other in ((a, b), (b, a)):
            if names[other] not in lanes[names[one]].crosses:
                lanes[names[one]].crosses.append(names[other])
    return assemble(lanes, names)


def corner_area(lanes: list[Draft], names: dict[str, int], before: str, after: str, add) -> None:
    a, b = lanes[names[before]], lanes[names[after]]
    gap = float(np.hypot(*(b.line[0] - a.line[-1])[:2]))
    if gap < 0.1:
        a.nexts.append(names[after])
        return
    line = straight(tuple(a.line[-1, :2]), tuple(b.line[0, :2]))
    draft = Draft(LaneKind.FOOT_AREA, line, WALK_M, len(lanes), junction=0, limit_mps=2.78, nexts=[names[after]])
    a.nexts.append(add(f"{before}>{after}", draft))


def programs() -> tuple[np.ndarray, np.ndarray]:
    """Return (phase_s (F,), state (F, 6)): ahead and right, left, other street the same; crossings go with the street
    they run along."""
    red, yellow, green = LampColour.RED, LampColour.YELLOW, LampColour.GREEN
    rows = [
        (22.0, green, red, red, red, red, green),
        (3.0, yellow, red, red, red, red, red),
        (8.0, red, green, red, red, red, red),
        (3.0, red, yellow, red, red, red, red),
        (2.0, red, red, red, red, red, red),
        (22.0, red, red, green, red, green, red),
        (3.0, red, red, yellow, red, red, red),
        (8.0, red, red, red, green, red, red),
        (3.0, red, red, red, yellow, red, red),
        (2.0, red, red, red, red, red, red),
    ]
    return np.array([row[0] for row in rows]), np.array([row[1:] for row in rows], np.uint8)


def flat(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    start = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
    return start, np.array([value for row in rows for value in row], np.int32)


def assemble(lanes: list[Draft], names: dict[str, int]) -> Town:
    """Return the Town of these lanes, with heads, buildings, trees, parked cars and pick-up points."""
    phase_s, state = programs()
    heads: list[tuple[int, float, float, float, float, int, bool]] = []
    for arm in range(4):
        word, across, left = "ENWS"[arm], "ENWS"[(arm + 2) % 4], "ENWS"[(arm + 3) % 4]
        # Far side, right of the incoming lane: on the opposite arm, whose left is this driver's right.
        x, y = turned((arm + 2) % 4, MOUTH_M, -(LANE_M / 2) - 2.0)
        inner = turned((arm + 2) % 4, MOUTH_M, -(LANE_M / 2) - 1.0)
        heads.append((names[f"{word}in>{across}out"], x, y, 4.6, HEADING[arm], int(Turn.NONE), False))
        heads.append((names[f"{word}in>{left}out"], *inner, 4.6, HEADING[arm], int(Turn.LEFT), False))
        line = lanes[names[f"cross{word}"]].line
        yaw = float(np.arctan2(*(line[-1] - line[0])[1::-1]))
        for end, facing in ((line[-1], yaw + np.pi), (line[0], yaw)):
            place = end[:2] + 2.3 * np.array([np.cos(HEADING[arm]), np.sin(HEADING[arm])])
            heads.append((names[f"cross{word}"], float(place[0]), float(place[1]), 2.6, facing, 0, True))
    corner_m = LANE_M + 1.0
    octagon = [turned(arm, MOUTH_M, side) for arm in range(4) for side in (-LANE_M, LANE_M)]
    corners = []
    for arm in range(4):
        corners += octagon[2 * arm : 2 * arm + 2]
        diagonal = turned(arm, corner_m, corner_m)
        corners.append(diagonal)
    x = NARROW_X_M
    mouth = [(x - NARROW_MOUTH_M, -LANE_M), (x + NARROW_MOUTH_M, -LANE_M), (x + NARROW_MOUTH_M, LANE_M)]
    mouth += [(x + NARROW_LANE_M, NARROW_MOUTH_M), (x - NARROW_LANE_M, NARROW_MOUTH_M), (x - NARROW_MOUTH_M, LANE_M)]
    buildings, heights = [], []
    for sx in (-1, 1):
        for sy in (-1, 1):
            for place in range(5):
                low = 12.0 + 15.0 * place
                buildings.append([(sx * low, sy * 9.0), (sx * (low + 12.0), sy * 9.0 + sy * 10.0)])
                heights.append(6.0 + 3.0 * place)
    boxes = []
    for (ax, ay), (bx, by) in buildings:
        low, high = (min(ax, bx), min(ay, by)), (max(ax, bx), max(ay, by))
        if high[0] > x - 5.0 and low[0] < x + 5.0 and high[1] > 0:
            continue
        boxes.append([low, (high[0], low[1]), high, (low[0], high[1])])
    heights = heights[: len(boxes)]
    props = [(PropKind.TREE, -30.0 - 12.0 * k, LANE_M + WALK_M - 0.4, 0.0) for k in range(8)]
    props += [(PropKind.LAMP, -36.0 - 30.0 * k, -LANE_M - WALK_M + 0.4, np.pi / 2) for k in range(4)]
    kerb = NARROW_X_M + NARROW_LANE_M + 0.95 - 0.3
    props += [(PropKind.PARKED_CAR, kerb, 40.0 + 7.0 * k, np.pi / 2) for k in range(4)]
    count = len(lanes)
    next_start, next_lane = flat([lane.nexts for lane in lanes])
    yield_start, yield_lane = flat([lane.yields for lane in lanes])
    cross_start, cross_lane = flat([lane.crosses for lane in lanes])
    none = np.full(count, -1, np.int32)
    outlines = [np.array(corners), np.array(mouth)]
    return Town(
        meta={"name": "crossroads", "source": "tests/towns.py", "inference": [], "origin": {}, "lanes": names},
        streets=(*NAMES, "Well Lane"),
        places=("West Road 12", "Well Lane 7"),
        lane_kind=np.array([lane.kind for lane in lanes], np.uint8),
        lane_turn=np.array([lane.turn for lane in lanes], np.uint8),
        lane_class=np.array([lane.road for lane in lanes], np.uint8),
        lane_marking=np.array([lane.marking for lane in lanes], np.uint8),
        lane_width_m=np.array([lane.width_m for lane in lanes]),
        lane_limit_mps=np.array([lane.limit_mps for lane in lanes]),
        lane_length_m=np.array([float(np.hypot(*np.diff(lane.line[:, :2], axis=0).T).sum()) for lane in lanes]),
        lane_street=np.array([lane.street for lane in lanes], np.int32),
        lane_layer=np.zeros(count, np.int8),
        lane_edge=np.array([lane.edge for lane in lanes], np.int32),
        lane_left=none,
        lane_right=none.copy(),
        lane_twin=np.array([lane.twin for lane in lanes], np.int32),
        lane_junction=np.array([lane.junction for lane in lanes], np.int32),
        point_start=np.concatenate([[0], np.cumsum([len(lane.line) for lane in lanes])]).astype(np.int32),
        points=np.concatenate([lane.line for lane in lanes]),
        next_start=next_start,
        next_lane=next_lane,
        yield_start=yield_start,
        yield_lane=yield_lane,
        cross_start=cross_start,
        cross_lane=cross_lane,
        lane_signal=np.array([lane.signal for lane in lanes], np.int32),
        signal_program=np.zeros(6, np.int32),
        signal_column=np.arange(6, dtype=np.int32),
        program_start=np.array([0, len(phase_s)], np.int32),
        phase_s=phase_s,
        signal_offset_s=np.zeros(1),
        phase_state=state,
        head_lane=np.array([head[0] for head in heads], np.int32),
        head_pose=np.array([head[1:5] for head in heads]),
        head_arrow=np.array([head[5] for head in heads], np.uint8),
        head_countdown=np.array([not head[6] for head in heads]),
        head_walk=np.array([head[6] for head in heads]),
        stop_s_m=np.array([lane.stop_s_m for lane in lanes]),
        junction_start=np.concatenate([[0], np.cumsum([len(o) for o in outlines])]).astype(np.int32),
        junction_points=np.concatenate(outlines),
        junction_layer=np.zeros(2, np.int8),
        building_start=np.arange(0, 4 * len(boxes) + 1, 4, dtype=np.int32),
        building_points=np.array(boxes).reshape(-1, 2),
        building_height_m=np.array(heights),
        building_style=np.arange(len(boxes), dtype=np.int32),
        prop_kind=np.array([prop[0] for prop in props], np.uint8),
        prop_pose=np.array([prop[1:] for prop in props]),
        prop_style=np.arange(len(props), dtype=np.int32),
        prop_layer=np.zeros(len(props), np.int8),
        pickup_lane=np.array([names["Wout"], names["narrow_out"]], np.int32),
        pickup_s_m=np.array([60.0, 50.0]),
        pickup_name=np.array([0, 1], np.int32),
        **without_extras(count),
    )
