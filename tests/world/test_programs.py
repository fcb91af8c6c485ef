"""What a user would lose: signals that never let two ways meet, arrows that mean what they say, waves of green."""

import numpy as np
import pytest

from tests.world.small_maps import node, way
from xiaolu.core.decision import LampColour
from xiaolu.world.maps.programs import (
    GREEN,
    LONG_PHASE_S,
    RED,
    YELLOW,
    Program,
    green_from_s,
    green_rows,
    insert_arrow,
    least_cycle_s,
    retime,
)  # fmt: skip
from xiaolu.world.signals import heads_of, lamp, programs_of
from xiaolu.world.town import LaneKind, Town, Turn

R, Y, G = RED, YELLOW, GREEN


def two_phases() -> Program:
    """Columns: straight and left of one street, the other street, a crossing beside the first street."""
    rows = [
        (29.0, [G, G, R, G]),
        (3.0, [G, G, R, Y]),
        (5.0, [G, G, R, R]),
        (3.0, [Y, Y, R, R]),
        (32.0, [R, R, G, R]),
        (3.0, [R, R, Y, R]),
    ]
    return Program([0, 1, 2, 3], np.array([r[0] for r in rows]), np.array([r[1] for r in rows], np.uint8), 0.0)


def sequence_holds(table: np.ndarray) -> bool:
    after = np.roll(table, -1, axis=0)
    jumps = ((table == G) & (after == R)) | ((table == R) & (after == Y)) | ((table == Y) & (after == G))
    return not jumps.any()


@pytest.mark.parametrize("lead", [False, True])
def test_an_arrow_has_a_phase_of_its_own(lead):
    program = two_phases()
    before = program.table[:, [0, 2, 3]].tolist()
    insert_arrow(program, [1], 12.0, lead)
    alone = program.table[:, 1] == G
    assert program.seconds[alone].sum() == 12.0
    assert (program.table[alone][:, [0, 2, 3]] == R).all()
    assert sequence_holds(program.table)
    assert [row for row in program.table[:, [0, 2, 3]].tolist() if row in before][: len(before)]
    straight, arrow = green_from_s(program, 0), green_from_s(program, 1)
    assert (arrow < straight) == lead


def test_nothing_moves_where_a_green_would_have_to_jump():
    program = two_phases()
    program.table[:, 2] = G  # a right turn that is always green
    table = program.table.copy()
    insert_arrow(program, [1], 12.0, False)
    np.testing.assert_array_equal(program.table, table)


@pytest.mark.parametrize("cycle_s", [50.0, 75.0, 120.0])
def test_a_cycle_is_stretched_by_its_greens_alone(cycle_s):
    program = two_phases()
    was, rows = program.seconds.copy(), green_rows(program)
    assert least_cycle_s(program) <= cycle_s
    retime(program, cycle_s)
    assert program.seconds.sum() == cycle_s
    np.testing.assert_array_equal(program.seconds[~rows], was[~rows])
    assert (program.seconds[rows] >= LONG_PHASE_S).all()


def avenue_osm() -> str:
    """Return a one-way avenue with a lane for left turns, and two streets across it, 150 m apart; signals at both."""
    light = '<tag k="highway" v="traffic_signals"/>'
    places = {
        1: (0, 0),
        2: (150, 0),
        3: (-200, 0),
        4: (350, 0),
        5: (0, 150),
        6: (0, -150),
        7: (150, 150),
        8: (150, -150),
    }
    places |= {9: (-70, 0), 10: (80, 0)}
    nodes = [node(n, x, y, light if n < 3 else "") for n, (x, y) in places.items()]
    # One lane more before each junction than behind it: the leftmost leads to the left only.
    parts = [([3, 9], "2"), ([9, 1], "3"), ([1, 10], "2"), ([10, 2], "3"), ([2, 4], "2")]
    ways = [
        *[
            way(110 + k, refs, highway="secondary", name="East Road", oneway="yes", lanes=count)
            for k, (refs, count) in enumerate(parts)
        ],
        way(101, [5, 1, 6], highway="tertiary", name="North Road", oneway="no", lanes="2"),
        way(102, [7, 2, 8], highway="tertiary", name="Well Lane", oneway="no", lanes="2"),
    ]  # fmt: skip
    return '<?xml version="1.0"?><osm version="0.6">' + "".join([*nodes, *ways]) + "</osm>"


@pytest.fixture(scope="module")
def avenues(tmp_path_factory) -> list[Town]:
    """The same avenue from files that differ, so that chance gives them different programs."""
    pytest.importorskip("sumo", reason='needs netconvert: pip install "xiaolu[maps]"')
    from xiaolu.world.maps import import_map

    towns = []
    for number in range(4):
        path = tmp_path_factory.mktemp("map") / "avenue.osm"
        path.write_text(avenue_osm() + f"<!-- {number} -->", encoding="utf-8")
        towns.append(import_map(path))
    return towns


def pairs_that_meet(town: Town) -> list[tuple[int, int]]:
    """Return signalled lanes of one program whose surfaces meet."""
    out = []
    for lane in np.flatnonzero(town.lane_signal >= 0):
        for other in town.cross_lane[town.cross_start[lane] : town.cross_start[lane + 1]]:
            if lane < other and town.lane_signal[other] >= 0 and program_of(town, lane) == program_of(town, other):
                out.append((int(lane), int(other)))
    return out


def program_of(town: Town, lane: int) -> int:
    return int(town.signal_program[town.lane_signal[lane]])


def yields(town: Town, lane: int, other: int) -> bool:
    return other in town.yield_lane[town.yield_start[lane] : town.yield_start[lane + 1]]


def shown(town: Town, lane: int) -> np.ndarray:
    program = program_of(town, lane)
    rows = slice(town.program_start[program], town.program_start[program + 1])
    return town.phase_state[rows, town.signal_column[town.lane_signal[lane]]]


def test_ways_that_meet_are_green_together_only_where_a_turn_gives_way(avenues, small_town):
    for town in (*avenues, small_town):
        met = pairs_that_meet(town)
        assert len(met) > 20
        for lane, other in met:
            if not ((shown(town, lane) == G) & (shown(town, other) == G)).any():
                continue
            turning = {int(town.lane_turn[n]) for n in (lane, other)} & {Turn.LEFT, Turn.RIGHT, Turn.U_TURN}
            assert turning and (yields(town, lane, other) or yields(town, other, lane))


def test_a_left_arrow_is_alone_with_what_it_meets(avenues):
    arrows = 0
    for town in avenues:
        for lane, other in pairs_that_meet(town):
            for one, two in ((lane, other), (other, lane)):
                left = town.lane_turn[one] == Turn.LEFT
                if left and (town.head_arrow[heads_of(town, one)] == Turn.LEFT).any():
                    arrows += 1
                    assert not ((shown(town, one) == G) & (shown(town, two) == G)).any()
    assert arrows > 0


def test_the_sequence_holds_in_every_program(avenues):
    for town in avenues:
        for lane in np.flatnonzero(town.lane_signal >= 0):
            assert sequence_holds(shown(town, lane)[:, None])
            assert (shown(town, lane) == G).any()
        yellow = (town.phase_state == LampColour.YELLOW).any(axis=1)
        assert (town.phase_s[yellow] == 3.0).all()


def test_programs_differ_from_map_to_map(avenues):
    told = {(t.phase_s.tobytes(), t.phase_state.tobytes(), t.signal_offset_s.tobytes()) for t in avenues}
    assert len(told) > 1


def green_start_s(town: Town, lane: int) -> float:
    """Return when a lane's signal turns green, on the signal clock."""
    programs, signal = programs_of(town), town.lane_signal[lane]
    clock = np.arange(0.0, 200.0, 0.5)
    green = np.array([lamp(programs, signal, t)[0] in (LampColour.GREEN, LampColour.FLASHING_GREEN) for t in clock])
    return float(clock[1 + np.flatnonzero(green[1:] & ~green[:-1])[0]])


def test_one_meets_green_after_green_along_an_arterial(avenues):
    """The two signals of the avenue have one cycle; driven at the wave's speed, a green start is met at the next."""
    for town in avenues:
        ahead = (town.lane_signal >= 0) & (town.lane_turn == Turn.STRAIGHT) & (town.lane_kind == LaneKind.DRIVE)
        avenue = np.array([n >= 0 and town.streets[n] == "East Road" for n in town.lane_street])
        straight = np.flatnonzero(ahead & avenue)
        along = [float(town.line(n)[0, 0]) for n in straight]
        first, second = int(straight[np.argmin(along)]), int(straight[np.argmax(along)])
        lasts = [
            town.phase_s[town.program_start[p] : town.program_start[p + 1]].sum()
            for p in (program_of(town, first), program_of(town, second))
        ]
        assert program_of(town, first) != program_of(town, second) and lasts[0] == lasts[1]
        travel = (town.line(second)[0, 0] - town.line(first)[0, 0]) / (0.85 * town.lane_limit_mps[first])
        slip = green_start_s(town, second) - green_start_s(town, first) - travel
        assert abs((slip + lasts[0] / 2) % lasts[0] - lasts[0] / 2) < 2.5
