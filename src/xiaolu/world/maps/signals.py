"""Signal programs as tables of lamp colours, the heads that show them, and where one stops for them.

Comes in: the net's programs and the lanes with their (program, link). Goes out: the arrays of the town's signal part.
"""

from collections import defaultdict

import numpy as np
import shapely

from xiaolu.core.decision import LampColour
from xiaolu.world.maps.lanes import Lane, bearing, length_of
from xiaolu.world.maps.net import Net
from xiaolu.world.maps.programs import Program, shaped
from xiaolu.world.maps.surfaces import at, lane_surfaces
from xiaolu.world.town import LaneKind, Turn

COLOURS = {
    "r": LampColour.RED,
    "s": LampColour.RED,
    "u": LampColour.RED,  # there is no red with yellow in China
    "y": LampColour.YELLOW,
    "Y": LampColour.YELLOW,
    "g": LampColour.GREEN,
    "G": LampColour.GREEN,
    "o": LampColour.DARK,
    "O": LampColour.DARK,
}
LONGEST_CYCLE_S = 130.0
LEAST_GREEN_S = 8.0
STOP_BEFORE_M = 1.0
HEAD_Z_M, WALK_HEAD_Z_M = 4.6, 2.6
FARTHEST_HEAD_M = 34.0
# Who waits at the line sees the head: at least 40 ft beyond it [MUTCD 2009, 4D.14], and as far as a long lens that
# looks 10 degrees up still holds a lamp 3 m above it.
NEAREST_HEAD_M = 14.0
HEAD_RIGHT_M = 2.0
HEAD_ASIDE_M = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
HEAD_SPACING_M = 1.1
COUNTDOWN_SHARE = 0.8


def shortened(phases: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Return the phases with long greens cut so that a cycle is one that a person would wait for."""
    total = sum(seconds for seconds, _ in phases)
    if total <= LONGEST_CYCLE_S:
        return phases
    spare = sum(max(seconds - LEAST_GREEN_S, 0.0) for seconds, _ in phases)
    keep = max(0.0, 1.0 - (total - LONGEST_CYCLE_S) / spare) if spare else 1.0
    return [
        (float(round(s if s <= LEAST_GREEN_S else LEAST_GREEN_S + keep * (s - LEAST_GREEN_S))), w) for s, w in phases
    ]


def yellow_after_green(states: list[str], durations: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return (phase_s (F,), states (F, links) LampColour): between green and red there are always 3 s of yellow."""
    rows = [np.array([COLOURS.get(letter, LampColour.RED) for letter in state], np.uint8) for state in states]
    seconds: list[float] = []
    table: list[np.ndarray] = []
    for i, row in enumerate(rows):
        after = rows[(i + 1) % len(rows)]
        ending = (row == LampColour.GREEN) & (after == LampColour.RED)
        if ending.any() and durations[i] > 6.0:
            last = row.copy()
            last[ending] = LampColour.YELLOW
            seconds += [durations[i] - 3.0, 3.0]
            table += [row, last]
        elif ending.any():
            last = row.copy()
            last[ending] = LampColour.YELLOW
            seconds += [durations[i], 3.0]
            table += [row, last]
        else:
            seconds.append(durations[i])
            table.append(row)
    shown = np.array(table)
    for _ in range(2):
        before, after = np.roll(shown, 1, axis=0), np.roll(shown, -1, axis=0)
        yellow = shown == LampColour.YELLOW
        # Yellow comes after green and before red, or not at all.
        shown[yellow & (after == LampColour.GREEN) & (before == LampColour.GREEN)] = LampColour.GREEN
        shown[yellow & (before == LampColour.RED)] = LampColour.RED
    return np.array(seconds), shown


def signal_tables(net: Net, lanes: list[Lane], seed: int | None = None) -> dict[str, np.ndarray]:
    """Return the town's signal arrays. Programs that control no lane we kept are left out.

    seed: by which programs are made plausible (see `programs.shaped`); None: they stay as the net has them.
    """
    used: dict[str, set[int]] = defaultdict(set)
    for lane in lanes:
        if lane.signal and lane.signal[0] in net.programs and net.programs[lane.signal[0]].phases:
            width = min(len(state) for _, state in net.programs[lane.signal[0]].phases)
            if 0 <= lane.signal[1] < width:
                used[lane.signal[0]].add(lane.signal[1])
    programs: dict[str, Program] = {}
    for name in sorted(used):
        links = sorted(used[name])
        phases = shortened(net.programs[name].phases)
        lasts, table = yellow_after_green([state for _, state in phases], [s for s, _ in phases])
        programs[name] = Program(links, lasts, table[:, links], net.programs[name].offset_s)
    if seed is not None:
        shaped(programs, lanes, seed)
    number: dict[tuple[str, int], int] = {}
    program: list[int] = []
    column: list[int] = []
    starts = [0]
    for which, (name, own) in enumerate(programs.items()):
        for place, link in enumerate(own.links):
            number[name, link] = len(program)
            program.append(which)
            column.append(place)
        starts.append(starts[-1] + len(own.seconds))
    widest = max((own.table.shape[1] for own in programs.values()), default=0)
    padded = [np.pad(own.table, ((0, 0), (0, widest - own.table.shape[1]))) for own in programs.values()]
    return {
        "lane_signal": np.array([number.get(lane.signal, -1) if lane.signal else -1 for lane in lanes], np.int32),
        "signal_program": np.array(program, np.int32),
        "signal_column": np.array(column, np.int32),
        "program_start": np.array(starts, np.int32),
        "phase_s": np.concatenate([own.seconds for own in programs.values()]) if programs else np.zeros(0),
        "signal_offset_s": np.array([own.offset_s for own in programs.values()], np.float64),
        "phase_state": np.concatenate(padded) if padded else np.zeros((0, 0), np.uint8),
    }


def stop_lines(lanes: list[Lane], lane_signal: np.ndarray) -> np.ndarray:
    """Return stop_s_m (L,): a metre before the end of lanes that lead into a signal, or before a crossing that lies
    across that place; NaN elsewhere.
    """
    stop = np.full(len(lanes), np.nan)
    zebras = [lane for lane in lanes if lane.kind == LaneKind.CROSSING]
    tree = shapely.STRtree(lane_surfaces(zebras, 0.4) if zebras else np.array([], dtype=object))
    for number, lane in enumerate(lanes):
        if lane.kind == LaneKind.DRIVE and not lane.junction and any(lane_signal[n] >= 0 for n in lane.nexts):
            length = length_of(lane.line)
            s = max(length - STOP_BEFORE_M, 0.3 * length)
            back = s
            while back > 0.0 and len(tree.query(shapely.Point(at(lane.line, back)[:2]), predicate="intersects")):
                back -= 0.5
            stop[number] = back if back > 0.0 else s
    return stop


def history(tables: dict[str, np.ndarray], signal: int) -> bytes:
    """Return what a column shows over its program, as bytes to compare."""
    program = tables["signal_program"][signal]
    rows = slice(tables["program_start"][program], tables["program_start"][program + 1])
    return tables["phase_state"][rows, tables["signal_column"][signal]].tobytes()


def signal_heads(
    lanes: list[Lane], tables: dict[str, np.ndarray], stop: np.ndarray, farthest_m: float = FARTHEST_HEAD_M
) -> dict[str, np.ndarray]:
    """Return the head arrays: for every approach, one head a group of movements that light up together, far side.

    farthest_m: from a stop line to its heads, where the far side is further off.
    """
    approaches: dict[str, list[int]] = defaultdict(list)
    for number, lane in enumerate(lanes):
        if not np.isnan(stop[number]):
            approaches[lane.edge].append(number)
    rows: list[tuple[int, float, float, float, float, int, bool]] = []
    lane_signal = tables["lane_signal"]
    roads = shapely.STRtree(
        lane_surfaces([lane for lane in lanes if lane.kind == LaneKind.DRIVE and lane.layer == 0], 0.2)
    )
    for edge in sorted(approaches):
        members = approaches[edge]
        groups: dict[bytes, dict[int, int]] = defaultdict(dict)
        reach = 0.0
        for number in members:
            for follow in lanes[number].nexts:
                if lane_signal[follow] >= 0:
                    shows = history(tables, lane_signal[follow])
                    groups[shows].setdefault(int(lanes[follow].turn), follow)
                    if lanes[follow].turn == Turn.STRAIGHT:
                        reach = max(reach, length_of(lanes[follow].line))
        rightmost = min(members, key=lambda m: int(lanes[m].name.rsplit("_", 1)[1]))
        line = lanes[rightmost].line
        yaw = bearing(line, True)
        heading = np.array([np.cos(yaw), np.sin(yaw)])
        right = np.array([heading[1], -heading[0]])
        wanted = min(max(reach + 1.0, NEAREST_HEAD_M), farthest_m - STOP_BEFORE_M)
        base = pole(line[-1, :2], heading, right, wanted, roads, farthest_m)
        z = float(line[-1, 2]) + HEAD_Z_M
        order = sorted(groups.items(), key=lambda item: min(side_rank(turn) for turn in item[1]))
        for place, (_, turns) in enumerate(reversed(order)):
            arrow = Turn.NONE if len(groups) == 1 or len(turns) > 1 else Turn(next(iter(turns)))
            first = turns.get(int(Turn.STRAIGHT), next(iter(turns.values())))
            x, y = base - right * HEAD_SPACING_M * place * min(1.0, 2.0 / max(len(order) - 1, 1))
            rows.append((first, float(x), float(y), z, yaw + np.pi, int(arrow), False))
    for number, lane in enumerate(lanes):
        if lane.kind == LaneKind.CROSSING and lane_signal[number] >= 0:
            for end, sign in ((lane.line[-1], 1.0), (lane.line[0], -1.0)):
                yaw = bearing(lane.line, sign > 0) + (0.0 if sign > 0 else np.pi)
                side = np.array([np.sin(yaw), -np.cos(yaw)]) * (lane.width_m / 2 + 0.3)
                x, y = end[:2] + 0.5 * np.array([np.cos(yaw), np.sin(yaw)]) + side
                rows.append(
                    (number, float(x), float(y), float(end[2]) + WALK_HEAD_Z_M, yaw + np.pi, int(Turn.NONE), True)
                )
    table = np.array([[row[1], row[2], row[3], row[4]] for row in rows]).reshape(-1, 4)
    table[:, 3] = (table[:, 3] + np.pi) % (2 * np.pi) - np.pi
    shown = np.array([lane_signal[row[0]] for row in rows], np.int64)
    program = tables["signal_program"][shown] if len(shown) else np.zeros(0, np.int64)
    return {
        "head_lane": np.array([row[0] for row in rows], np.int32),
        "head_pose": table,
        "head_arrow": np.array([row[5] for row in rows], np.uint8),
        # By program, so that all heads of a junction are of one make.
        "head_countdown": (program.astype(np.int64) * 40503 % 97 < COUNTDOWN_SHARE * 97).astype(bool),
        "head_walk": np.array([row[6] for row in rows], bool),
    }


def pole(
    end: np.ndarray,
    heading: np.ndarray,
    right: np.ndarray,
    wanted_m: float,
    roads: shapely.STRtree,
    farthest_m: float,
) -> np.ndarray:
    """Return where (2,) the pole of an approach stands: beside the far side's right kerb, on no lane where it can be.

    end: where the approach's right-hand lane ends; wanted_m: how far ahead of there the far side lies.
    """
    ahead, aside = (
        grid.ravel()
        for grid in np.meshgrid(np.arange(NEAREST_HEAD_M, farthest_m - STOP_BEFORE_M + 0.1, 1.0), HEAD_ASIDE_M)
    )
    places = end + ahead[:, None] * heading + aside[:, None] * right
    cost = 0.25 * np.abs(ahead - wanted_m) + np.abs(aside - HEAD_RIGHT_M)
    cost[np.unique(roads.query(shapely.points(places), predicate="intersects")[0])] += 100.0
    return places[int(np.argmin(cost))]


def side_rank(turn: int) -> int:
    """Left to right, as an approach sees its movements."""
    return {int(Turn.U_TURN): 0, int(Turn.LEFT): 1, int(Turn.STRAIGHT): 2, int(Turn.RIGHT): 3}.get(turn, 2)
