"""Signal programs with protected left turns, as big Chinese junctions have them. In: lanes; out: phases per program.

Each axis of a junction has its straight traffic (with those who walk along it), then its left arrow, then 2 s of red.
"""

from collections import defaultdict

import numpy as np

from xiaolu.core.frames import wrap_angle
from xiaolu.world.maps.lanes import Lane, bearing
from xiaolu.world.maps.net import Net
from xiaolu.world.town import LaneKind, Turn

STRAIGHT_S, LEFT_S, ALL_RED_S = (26.0, 38.0), (11.0, 17.0), 2.0
OPPOSITE_RAD, SAME_RAD = 0.9, 0.5  # approaches that make one axis
ARROWS_SHARE = 0.55  # of junctions that have arrows for all three ways; the rest have one for the left turn only


def entered_from(lanes: list[Lane]) -> dict[int, int]:
    """Return which ordinary lane leads into each lane across a junction."""
    return {n: number for number, lane in enumerate(lanes) if not lane.junction for n in lane.nexts}


def separate_turns(lanes: list[Lane]) -> list[Lane]:
    """Return the lanes with the leftmost lane of every signalled approach for left turns alone, where others go on."""
    approaches: dict[str, list[int]] = defaultdict(list)
    for number, lane in enumerate(lanes):
        if lane.kind == LaneKind.DRIVE and not lane.junction and any(lanes[n].signal for n in lane.nexts):
            approaches[lane.edge].append(number)
    gone: set[int] = set()
    for members in approaches.values():
        left = next((m for m in members if lanes[m].left < 0), members[-1])
        rest = [m for m in members if m != left]
        turns = {lanes[n].turn for n in lanes[left].nexts}
        onward = {lanes[n].turn for m in rest for n in lanes[m].nexts}
        if Turn.LEFT not in turns or not rest or Turn.STRAIGHT not in onward | turns:
            continue
        if Turn.STRAIGHT in turns and Turn.STRAIGHT not in onward:
            continue  # nobody else goes straight on: it stays as it is
        gone |= {n for n in lanes[left].nexts if lanes[n].turn != Turn.LEFT}
        gone |= {n for m in rest for n in lanes[m].nexts if lanes[n].turn == Turn.LEFT}
    return without(lanes, gone)


def without(lanes: list[Lane], gone: set[int]) -> list[Lane]:
    """Return the lanes less those that are gone, all their numbers put right."""
    new = {old: number for number, old in enumerate(n for n in range(len(lanes)) if n not in gone)}
    kept = [lane for number, lane in enumerate(lanes) if number not in gone]
    for lane in kept:
        lane.nexts = [new[n] for n in lane.nexts if n in new]
        lane.yields = {new[n] for n in lane.yields if n in new}
        lane.crosses = {new[n] for n in lane.crosses if n in new}
        lane.left, lane.right, lane.twin = (new.get(n, -1) for n in (lane.left, lane.right, lane.twin))
    return kept


def rewrite_programs(net: Net, lanes: list[Lane], chance: np.random.Generator) -> None:
    """Give every signal program of the net phases of our own, in place."""
    members: dict[str, list[int]] = defaultdict(list)
    for number, lane in enumerate(lanes):
        if lane.signal:
            members[lane.signal[0]].append(number)
    before = entered_from(lanes)
    for name in sorted(members):
        if name in net.programs:
            phases = phases_of(lanes, members[name], before, chance)
            width = 1 + max(lanes[n].link for n in members[name])
            net.programs[name].phases = [(s, letters(lanes, green, width)) for s, green in phases]
            net.programs[name].offset_s = float(chance.integers(0, 90))


def letters(lanes: list[Lane], green: set[int], width: int) -> str:
    """Return a phase as the net writes it: G where a link is green, r where not."""
    links = {lanes[n].link for n in green}
    return "".join("G" if link in links else "r" for link in range(width))


def protected(lanes: list[Lane], number: int, before: dict[int, int]) -> bool:
    """Whether a left turn has a lane of its own, and so an arrow of its own."""
    if lanes[number].turn not in (Turn.LEFT, Turn.U_TURN) or number not in before:
        return False
    own = {lanes[n].turn for n in lanes[before[number]].nexts}
    return lanes[before[number]].kind == LaneKind.DRIVE and own <= {Turn.LEFT, Turn.U_TURN}


def axes_of(lanes: list[Lane], driven: list[int]) -> list[list[int]]:
    """Return the ways through a junction by axis, the busiest axis first: approaches that face each other."""
    approaches: dict[str, list[int]] = defaultdict(list)
    for n in driven:
        approaches[lanes[n].edge.split(">")[0]].append(n)
    axes: list[tuple[float, list[int]]] = []
    for edge in sorted(approaches, key=lambda e: (-len(approaches[e]), e)):
        yaw = bearing(lanes[approaches[edge][0]].line, False)
        for axis_yaw, own in axes:
            turned = abs(float(wrap_angle(yaw - axis_yaw)))
            if turned > np.pi - OPPOSITE_RAD or turned < SAME_RAD:
                own.extend(approaches[edge])
                break
        else:
            axes.append((yaw, list(approaches[edge])))
    return [own for _, own in axes]


def phases_of(
    lanes: list[Lane], members: list[int], before: dict[int, int], chance: np.random.Generator
) -> list[tuple[float, set[int]]]:
    """Return (seconds, green lanes) of a junction's phases, in order. members: lanes with signals, crossings too."""
    driven = [n for n in members if lanes[n].kind != LaneKind.CROSSING]
    walked = [n for n in members if lanes[n].kind == LaneKind.CROSSING]
    arrows = bool(chance.random() < ARROWS_SHARE)
    axes = axes_of(lanes, driven)
    phases: list[tuple[float, set[int]]] = []
    turning: list[tuple[int, set[int]]] = []  # left phases: which axis, its place in phases
    for place, own in enumerate(axes):
        straight = {n for n in own if lanes[n].turn == Turn.STRAIGHT}
        left = {n for n in own if protected(lanes, n, before)} if straight else set()
        if left:  # who cycles turns left with the arrow too
            left |= {n for n in own if lanes[n].kind == LaneKind.CYCLE and lanes[n].turn == Turn.LEFT}
        through = set(own) - left
        # Turning cars give way to people on crossings; nobody walks across a straight way that is green.
        along = {
            w for w in walked if not straight & lanes[w].crosses and not any(w in lanes[n].crosses for n in straight)
        }
        phases += [(float(np.round(chance.uniform(*STRAIGHT_S))), through | along), (ALL_RED_S, set())]
        if left:
            phases += [(float(np.round(chance.uniform(*LEFT_S))), left), (ALL_RED_S, set())]
            turning.append((place, left))
    if arrows:
        # A right arrow is green beside the other axis's left arrow too: their ways do not meet.
        for place, left in turning:
            left |= {n for k, own in enumerate(axes) if k != place for n in own if lanes[n].turn == Turn.RIGHT}
    return phases
