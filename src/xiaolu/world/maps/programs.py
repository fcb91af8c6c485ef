"""Signal programs made plausible: protected left turns, cycles by a junction's size, green waves along an arterial.

Comes in: programs as tables of lamp colours, and the lanes they rule. Goes out: the same, with other phases. Programs
that a map's author wrote (in a SUMO net) are left as they are; netconvert's guesses for other maps all have one form.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.chance import Purpose, generator
from xiaolu.core.decision import LampColour
from xiaolu.world.maps.lanes import INNER_M, Lane, length_of
from xiaolu.world.town import LaneKind, RoadClass, Turn

RED, YELLOW, GREEN = int(LampColour.RED), int(LampColour.YELLOW), int(LampColour.GREEN)
YELLOW_S, ALL_RED_S = 3.0, 2.0
PERMISSIVE_SHARE, LEAD_SHARE = 0.15, 0.3  # of junctions that could have left arrows: have none; have them first
ARROW_S = (10.0, 18.0)
# Cycles by how many lanes come in, s: small, middling and big junctions [usual practice, tuned by eye].
CYCLES_S = ((5, (50.0, 75.0)), (9, (70.0, 100.0)), (99, (85.0, 130.0)))
CROWDED_S = 90.0  # a program that takes this long at least rules a knot of junctions, and stays as it is
LONG_PHASE_S = 8.0  # what is shorter clears the junction, and keeps its length
WAVE_SHARE_OF_LIMIT = 0.85
WAVE_REACH_M = 500.0


@dataclass(slots=True)
class Program:
    """links: the net's link of each column; seconds (F,); table (F, n) LampColour; it runs at time t + offset_s."""

    links: list[int]
    seconds: np.ndarray
    table: np.ndarray
    offset_s: float


def shaped(programs: dict[str, Program], lanes: list[Lane], seed: int) -> None:
    """Give programs protected left turns, cycles and offsets, in place; all chance comes from the map's seed."""
    before = {n: number for number, lane in enumerate(lanes) if not lane.junction for n in lane.nexts}
    ways: dict[str, list[int]] = {name: [] for name in programs}
    for number, lane in enumerate(lanes):
        if lane.signal and lane.signal[0] in ways and lane.signal[1] in programs[lane.signal[0]].links:
            ways[lane.signal[0]].append(number)
    cycles = {}
    for number, name in enumerate(sorted(programs)):
        chance = generator(seed, Purpose.SIGNAL, number)
        program = programs[name]
        program.offset_s = float(chance.integers(0, 600))
        if least_cycle_s(program) > CROWDED_S:
            continue
        if chance.random() >= PERMISSIVE_SHARE:
            protect_lefts(program, lanes, ways[name], before, chance)
        coming = len({before[n] for n in ways[name] if n in before and lanes[n].kind == LaneKind.DRIVE})
        low, high = next(span for most, span in CYCLES_S if coming <= most)
        cycles[name] = max(float(round(chance.uniform(low, high))), least_cycle_s(program))
    coordinate(programs, lanes, ways, before, cycles)


def protect_lefts(
    program: Program, lanes: list[Lane], ways: list[int], before: dict[int, int], chance: np.random.Generator
) -> None:
    """Give left turns that have a lane of their own an arrow of their own, after the straight phase or before it."""
    column = {link: place for place, link in enumerate(program.links)}
    groups: dict[bytes, list[int]] = {}
    for n in ways:
        if own_lane(lanes, n, before) and not leads_on(lanes, n, ways):
            groups.setdefault(program.table[:, column[lanes[n].link]].tobytes(), []).append(n)
    lead = bool(chance.random() < LEAD_SHARE)
    for members in groups.values():
        arrow_s = float(round(chance.uniform(*ARROW_S)))
        if any(a in lanes[b].crosses for a in members for b in members):
            continue
        mine = sorted({column[lanes[n].link] for n in members})
        edges = {lanes[before[n]].edge for n in members}
        beside = [w for w in ways if w in before and lanes[before[w]].edge in edges and lanes[w].turn == Turn.STRAIGHT]
        shows = program.table[:, mine[0]]
        if not any((program.table[:, column[lanes[w].link]] == shows).all() for w in beside):
            continue  # no straight way goes with it, or it has an arrow already
        insert_arrow(program, mine, arrow_s, lead)


def own_lane(lanes: list[Lane], way: int, before: dict[int, int]) -> bool:
    """Whether a left turn has a lane of its own on its approach."""
    if lanes[way].turn != Turn.LEFT or lanes[way].kind != LaneKind.DRIVE or way not in before:
        return False
    return {lanes[n].turn for n in lanes[before[way]].nexts} <= {Turn.LEFT, Turn.U_TURN}


def leads_on(lanes: list[Lane], way: int, ways: list[int]) -> bool:
    """Whether behind a turn a short street leads to another stop line of the same crossroads."""
    onward = [m for n in lanes[way].nexts for m in lanes[n].nexts if length_of(lanes[n].line) < INNER_M]
    return bool(set(onward) & set(ways))


def insert_arrow(program: Program, mine: list[int], arrow_s: float, lead: bool) -> None:
    """Move columns out of the phase they share into one of their own, after it or before; in place.

    Nothing changes where other columns would have to go from green to red at once.
    """
    table, count = program.table, len(program.table)
    shows = table[:, mine[0]]
    ends = np.flatnonzero((shows == YELLOW) & (np.roll(shows, -1) == RED))
    starts = np.flatnonzero((shows == GREEN) & (np.roll(shows, 1) != GREEN))
    if len(ends) != 1 or len(starts) != 1:
        return
    place = int(starts[0]) if lead else int(ends[0]) + 1
    if (table[place - 1] == GREEN).any():
        return
    straight = table.copy()
    straight[:, mine] = RED
    arrow = np.full((3, table.shape[1]), RED, table.dtype)
    arrow[0, mine], arrow[1, mine] = GREEN, YELLOW
    seconds = np.array([arrow_s, YELLOW_S, ALL_RED_S])
    at = place % count if lead else place
    program.table = np.concatenate([straight[:at], arrow, straight[at:]])
    program.seconds = np.concatenate([program.seconds[:at], seconds, program.seconds[at:]])


def green_rows(program: Program) -> np.ndarray:
    """Return (F,) bool: phases that may be made longer or shorter."""
    return (
        (program.table == GREEN).any(axis=1)
        & ~(program.table == YELLOW).any(axis=1)
        & (program.seconds >= LONG_PHASE_S)
    )


def least_cycle_s(program: Program) -> float:
    """Return the shortest cycle that leaves every green phase LONG_PHASE_S."""
    return float(np.where(green_rows(program), LONG_PHASE_S, program.seconds).sum())


def retime(program: Program, cycle_s: float) -> None:
    """Make the cycle so long, in whole seconds, by its green phases; in place."""
    rows = green_rows(program)
    if not rows.any():
        return
    spare = cycle_s - least_cycle_s(program)
    above = np.where(rows, program.seconds - LONG_PHASE_S, 0.0)
    share = above / above.sum() if above.sum() > 0.0 else rows / rows.sum()
    seconds = np.where(rows, np.floor(LONG_PHASE_S + spare * share), program.seconds)
    seconds[int(np.argmax(np.where(rows, seconds, -1.0)))] += cycle_s - seconds.sum()
    program.seconds = seconds


def green_from_s(program: Program, column: int) -> float:
    """Return when in its cycle a column turns green, s; 0 where it never does."""
    shows = program.table[:, column]
    starts = np.flatnonzero((shows == GREEN) & (np.roll(shows, 1) != GREEN))
    return float(program.seconds[: starts[0]].sum()) if len(starts) else 0.0


def coordinate(
    programs: dict[str, Program],
    lanes: list[Lane],
    ways: dict[str, list[int]],
    before: dict[int, int],
    cycles: dict[str, float],
) -> None:
    """Give the signals in `cycles` that lie along one arterial a common cycle, and offsets for a green wave; in place.

    The wave runs at 0.85 of the limit, in one direction of each street; which one follows from the lanes' order.
    """
    stretches = sorted(
        (int(lanes[before[n]].road), round(away_s, 1), name, n, other, m)
        for name in sorted(cycles)
        for n in ways[name]
        for other, m, away_s in onward(lanes, ways, n, name, before)
        if other in cycles
    )
    group = {name: name for name in cycles}

    def find(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    chosen = []
    for _, away_s, name, n, other, m in stretches:
        if find(name) != find(other):
            group[find(other)] = find(name)
            chosen.append((name, n, other, m, away_s))
    for name in cycles:
        retime(programs[name], max(cycles[other] for other in cycles if find(other) == find(name)))
    placed = {name for name in cycles if find(name) == name}
    while chosen:
        held = []
        for name, n, other, m, away_s in chosen:
            if (name in placed) == (other in placed):
                held.append((name, n, other, m, away_s))
                continue
            here, there = programs[name], programs[other]
            first = green_from_s(here, here.links.index(lanes[n].link))
            second = green_from_s(there, there.links.index(lanes[m].link))
            apart = second - first - away_s
            if other in placed:
                here.offset_s = float(round((there.offset_s - apart) % here.seconds.sum()))
            else:
                there.offset_s = float(round((here.offset_s + apart) % there.seconds.sum()))
            placed |= {name, other}
        chosen = held


def onward(
    lanes: list[Lane], ways: dict[str, list[int]], way: int, name: str, before: dict[int, int]
) -> list[tuple[str, int, float]]:
    """Return (program, way, seconds to drive there) of the next signal straight on along an arterial, if any."""
    first = lanes[way]
    if first.turn != Turn.STRAIGHT or first.kind != LaneKind.DRIVE or way not in before:
        return []
    if lanes[before[way]].road > RoadClass.TERTIARY:
        return []
    at, metres, seconds = way, 0.0, 0.0
    while metres < WAVE_REACH_M:
        length = length_of(lanes[at].line)
        metres, seconds = metres + length, seconds + length / (WAVE_SHARE_OF_LIMIT * max(lanes[at].limit_mps, 3.0))
        ahead = [n for n in lanes[at].nexts if lanes[n].kind == LaneKind.DRIVE]
        straight = [n for n in ahead if not lanes[n].junction or lanes[n].turn == Turn.STRAIGHT]
        if not straight:
            return []
        at = straight[0]
        signal = lanes[at].signal
        if signal and signal[0] != name:
            return [(signal[0], at, seconds)] if at in ways.get(signal[0], ()) else []
        if signal:
            return []
    return []
