"""The sheet of signals: a junction's heads in every state and fault, cut out of real frames of the narrow camera."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.sheets.paper import grid, labelled, stacked
from xiaolu.cameras.sheets.stand import cut_about, scene_at
from xiaolu.core.decision import LampColour
from xiaolu.world.signal_faults import FaultKind, SignalFault
from xiaolu.world.signals import clock_showing, fault_at, head_states, heads_of, siblings
from xiaolu.world.town import LaneKind, Town, Turn

AWAY_M = ((26.0, 2), (45.0, 2))  # from the head, and how many times larger its pixels are shown
CELL_PX, BOX_M = 164, 3.0
_RED, _GREEN, _YELLOW = LampColour.RED, LampColour.GREEN, LampColour.YELLOW


def approach(town: Town) -> tuple[int, int, int, np.ndarray]:
    """Return (lane in, its straight way, the left one beside it, the heads' middle (3,)) of one with an arrow.

    Both heads have digits; the lane in is straight and long enough for the farther picture. ValueError without any.
    """
    owner = np.repeat(np.arange(town.lanes), np.diff(town.next_start))
    best: tuple[float, int, int, int, np.ndarray] | None = None
    for way in np.flatnonzero((town.lane_turn == Turn.STRAIGHT) & (town.lane_signal >= 0)):
        lane = int(owner[town.next_lane == way][0])
        if town.lane_kind[way] != LaneKind.DRIVE or town.lane_length_m[lane] < 50.0:
            continue
        lefts = [
            int(s) for s in siblings(town, int(way)) if town.lane_turn[s] == Turn.LEFT and town.lane_signal[s] >= 0
        ]
        heads = [heads_of(town, int(way)), *(heads_of(town, left) for left in lefts[:1])]
        if len(heads) < 2 or not (len(heads[0]) and len(heads[1])):
            continue
        pair = np.array([heads[0][0], heads[1][0]])
        digits = np.asarray(town.head_countdown)[pair].all() and pair[0] != pair[1]
        if not digits or town.head_arrow[pair[1]] != Turn.LEFT:
            continue
        end = town.line(lane)[-1]
        apart = float(np.hypot(*(town.head_pose[pair[0], :2] - town.head_pose[pair[1], :2])))
        from_line = float(np.hypot(*(town.head_pose[pair[0], :2] - end[:2])))
        if apart < 2.5 and from_line < 40.0 and (best is None or from_line < best[0]):
            best = (from_line, lane, int(way), lefts[0], town.head_pose[pair, :3].mean(axis=0))
    if best is None:
        raise ValueError(f"{town.meta.get('name', 'this town')} has no approach with an arrow and digits on both heads")
    return best[1:]


def states(town: Town, straight: int, left: int) -> Iterator[tuple[str, tuple[SignalFault, ...], float, float]]:
    """Yield (name, faults, signal clock at the start, s since then) of what the sheet shows of the two ways' heads."""

    def clock(lane: int, colour: LampColour, left_s: float) -> float:
        found = clock_showing(town, lane, [colour], left_s)
        if found is None:
            raise ValueError(f"sheet of signals: lane {lane} never shows {colour.name} for {left_s:g} s more")
        return found

    red_s = clock(straight, _RED, 8.4)
    yield "red", (), red_s, 0.0
    yield "green", (), clock(straight, _GREEN, 12.4), 0.0
    yield "flashing green, lit", (), clock(straight, _GREEN, 2.9), 0.0
    yield "flashing green, unlit", (), clock(straight, _GREEN, 2.4), 0.0
    yield "yellow", (), clock(straight, _YELLOW, 1.4), 0.0
    yield "left arrow green", (), clock(left, _GREEN, 6.4), 0.0
    faults = (
        ("red extended", FaultKind.RED_EXTENDED, 15.0, 12.0),
        ("digits of another lane", FaultKind.COUNTDOWN_OF_OTHER, 0.0, 0.0),
        ("digits hidden", FaultKind.COUNTDOWN_HIDDEN, 0.0, 0.0),
        ("digits jump up 15 s", FaultKind.COUNTDOWN_JUMPS, 15.0, 0.0),
        ("dark", FaultKind.DARK, 0.0, 0.0),
        ("flashing yellow, lit", FaultKind.FLASHING_YELLOW, 0.0, 0.0),
    )
    for name, kind, seconds, later_s in faults:
        whole = True if kind == FaultKind.DARK else None
        yield name, (fault_at(town, straight, kind, seconds, whole=whole),), red_s, later_s


def signals_sheet(renderer: Renderer) -> Image.Image:
    """Return the sheet for a renderer's town: near and far of each state, six states in a row."""
    town = renderer.town
    lane, straight, left, middle = approach(town)
    cells = []
    line = town.line(lane)
    for name, faults, start_s, later_s in states(town, straight, left):
        colour, countdown = head_states(town, later_s, 1, faults, start_s)
        stamp_ns = 500_000_000 if name.endswith("unlit") else 0  # flashing green blinks once a second
        rows = []
        for away_m, zoom in AWAY_M:
            place = line[int(np.argmin(np.abs(np.hypot(*(line[:, :2] - middle[:2]).T) - away_m)))]
            yaw = np.arctan2(*(line[-1] - line[-2])[1::-1])
            scene = scene_at(
                town,
                np.array([*place[:2], yaw, place[2]]),
                signal_colour=colour,
                signal_countdown_s=countdown,
                stamp_ns=stamp_ns,
            )
            cut = cut_about(renderer.images(scene, ["narrow"])["narrow"], scene, middle, BOX_M, zoom)
            rows.append(labelled(cut.resize((CELL_PX, CELL_PX), Image.Resampling.NEAREST), f"{name}, {away_m:g} m"))
        cells.append(stacked(rows))
    return grid(cells, 6)
