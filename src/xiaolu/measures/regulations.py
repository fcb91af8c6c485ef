"""Rules that stand for a regulation: each with its document, clause and how far that document was read.

A ruling of ours is made in simulation and certifies nothing. In: arrays of a ride; out: a `Ruling` whose Score holds
the figure that was measured, its unit and the span of the ride that is its evidence. Clause numbers are those of the
project's notes on the documents; "-" where the notes name none.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from xiaolu.core.decision import LampColour
from xiaolu.core.rates import SECOND_NS, TICK_S
from xiaolu.core.score import Score
from xiaolu.measures.comfort import JERK_WINDOW, motion_of, spans
from xiaolu.measures.interventions import red_line

GREEN = (LampColour.GREEN, LampColour.FLASHING_GREEN)
STANDS_MPS, MOVES_MPS = 0.1, 0.5
LINE_REACH_M = 40.0  # a line farther ahead is not yet the ego's
LATERAL_SHORT_MPS2, LATERAL_SHORT_S = 3.3, 2.0
JERK_OVER_S = 0.5


class Status(StrEnum):
    """How far a rule's source was read."""

    TEXT = "text"  # in full or in part
    DRAFT = "draft"  # a draft of the named standard
    SECOND = "second"  # a secondary source
    OURS = "ours"  # no regulation: an engineering choice of this project


@dataclass(frozen=True, slots=True)
class Rule:
    """bound: what the measured figure may at most be, in unit."""

    name: str
    document: str
    clause: str
    status: Status
    about: str
    bound: float
    unit: str

    @property
    def source(self) -> str:
        return f"{self.document}, {self.clause} [{self.status.value}]"


@dataclass(frozen=True, slots=True)
class Ruling:
    """holds: None where there was nothing to judge by; score.why says it."""

    rule: Rule
    holds: bool | None
    score: Score


_LAW = "Implementing Regulations of the PRC Road Traffic Safety Law"
_SITE = "GB/T 41798-2022"
_L2 = "GB 47955-2026, draft of 2025-04"
RULES = {
    rule.name: rule
    for rule in (
        Rule("red_line", _LAW, "art. 38", Status.SECOND, "red forbids passing the line", 0.0, "count"),
        Rule("signal_stop_gap", _SITE, "6.1.4", Status.SECOND, "stops at most so far before the line", 2.0, "m"),
        Rule("signal_start", _SITE, "6.1.4", Status.SECOND, "starts at most so long after green", 3.0, "s"),
        Rule("emergency_braking", _L2, "4.1.11", Status.DRAFT, "more is emergency control", 5.0, "m/s²"),
        Rule("lateral_acceleration", _L2, "4.6.1", Status.DRAFT, "3.3 for up to 2 s is allowed", 3.0, "m/s²"),
        Rule("lateral_jerk", _L2, "4.6.1", Status.DRAFT, "averaged over 0.5 s", 5.0, "m/s³"),
        Rule("minimal_risk_braking", "UN R157", "-", Status.TEXT, "a minimal-risk stop aims at no more", 4.0, "m/s²"),
        Rule("creep", "this project", "creep", Status.OURS, "speed on red over what the gap allows", 0.0, "m/s"),
        Rule("hard_braking", "this project", "comfort", Status.OURS, "beyond it braking is hard", 3.0, "m/s²"),
    )
}
# Creep towards a red that is about to turn: top speed, braking, its delay, the margin to the line.
CREEP_MPS, CREEP_MPS2, CREEP_LATE_S, CREEP_MARGIN_M = 1.0, 2.0, 0.5, 0.3
# UN R157's careful driver avoids a cut-in with more time than v_rel / (2 x 6 m/s²) + 0.35 s [text].
CUT_IN_MPS2, CUT_IN_LATE_S = 6.0, 0.35
FOLLOWING_MPS, FOLLOWING_S = (2.0, 60.0 / 3.6), (1.0, 1.6)  # UN R157's following gap [text]: 7.2 km/h to 60 km/h
HAND_MPS2, HAND_LATE_S = 2.0, 0.5  # this project's, for reading a hand in time


def _ruling(
    name: str, stamp_ns: np.ndarray, holds: bool | None, value: float | None, why: str, ticks: np.ndarray | None = None
) -> Ruling:
    rule = RULES[name]
    some = ticks if ticks is not None and len(ticks) else np.array([0, max(len(stamp_ns) - 1, 0)])
    first, last = (int(stamp_ns[some[0]]), int(stamp_ns[some[-1]])) if len(stamp_ns) else (0, 0)
    known = value is not None
    return Ruling(rule, holds, Score(f"rule_{name}", value, rule.unit, known, why, first, last))


def no_red(
    stamp_ns: np.ndarray, line_ahead_m: np.ndarray, colour: np.ndarray, right_turn: np.ndarray, officer: np.ndarray
) -> Ruling:
    """Rule on crossings of a stop line on red; arrays as in `interventions.red_line`. Not judged without a line."""
    if not np.isfinite(line_ahead_m).any():
        return _ruling("red_line", stamp_ns, None, None, "no stop line on the way")
    events = red_line(stamp_ns, line_ahead_m, colour, right_turn, officer)
    ticks = np.searchsorted(stamp_ns, [event.from_ns for event in events])
    return _ruling("red_line", stamp_ns, not events, float(len(events)), "", ticks)


def signal_stops(
    stamp_ns: np.ndarray, line_ahead_m: np.ndarray, colour: np.ndarray, speed_mps: np.ndarray, lead: np.ndarray
) -> tuple[Ruling, Ruling]:
    """Rule on (the gap at a stand before red, the time from green to moving off), the worst of the ride each.

    line_ahead_m, colour, speed_mps (T,); lead (T,) bool: somebody stands or drives before the ego, who then cannot
    reach the line nor start: such stands are not judged.
    """
    before = (line_ahead_m > 0.0) & (line_ahead_m < LINE_REACH_M)
    stands = before & (colour == LampColour.RED) & (np.abs(speed_mps) < STANDS_MPS)
    gaps, waits = [], []
    for first, last in spans(stands, round(1.0 / TICK_S)):
        if lead[first : last + 1].any():
            continue
        gaps.append((float(np.nanmin(line_ahead_m[first : last + 1])), first, last))
        after = np.flatnonzero(np.isin(colour[last:], GREEN))
        if len(after) and np.all(before[last : last + after[0] + 1]):
            green = last + int(after[0])
            off = np.flatnonzero(np.abs(speed_mps[green:]) > MOVES_MPS)
            end = green + int(off[0]) if len(off) else len(stamp_ns) - 1
            waits.append((float(stamp_ns[end] - stamp_ns[green]) / SECOND_NS, green, end))
    out = []
    for name, found, none in (
        ("signal_stop_gap", gaps, "never first at a red"),
        ("signal_start", waits, "no green after a stand"),
    ):
        if not found:
            out.append(_ruling(name, stamp_ns, None, None, none))
            continue
        value, first, last = max(found)
        out.append(_ruling(name, stamp_ns, value <= RULES[name].bound, value, "", np.array([first, last])))
    return out[0], out[1]


def braking(name: str, stamp_ns: np.ndarray, acceleration_mps2: np.ndarray) -> Ruling:
    """Rule on the hardest braking (T,) by the bound of "emergency_braking", "minimal_risk_braking", "hard_braking"."""
    if not len(stamp_ns):
        return _ruling(name, stamp_ns, None, None, "a ride without a tick")
    most = max(float(-acceleration_mps2.min()), 0.0)
    over = np.flatnonzero(acceleration_mps2 < -RULES[name].bound)
    return _ruling(name, stamp_ns, not len(over), most, "", over)


def lateral(stamp_ns: np.ndarray, speed_mps: np.ndarray, yaw_rad: np.ndarray) -> tuple[Ruling, Ruling]:
    """Rule on (lateral acceleration, lateral jerk averaged over 0.5 s), smoothed as in `comfort`.

    Acceleration holds up to 3 m/s², and up to 3.3 for no longer than 2 s on end.
    """
    if len(stamp_ns) < JERK_WINDOW:
        why = f"{len(stamp_ns)} ticks, the smoothing needs {JERK_WINDOW}"
        return (
            _ruling("lateral_acceleration", stamp_ns, None, None, why),
            _ruling("lateral_jerk", stamp_ns, None, None, why),
        )
    side = motion_of(speed_mps, yaw_rad).lateral_mps2
    over = np.abs(side) > RULES["lateral_acceleration"].bound
    bad = np.abs(side) > LATERAL_SHORT_MPS2
    for first, last in spans(over):
        bad[first : last + 1] |= (last - first + 1) * TICK_S > LATERAL_SHORT_S + 1e-9
    ticks = round(JERK_OVER_S / TICK_S)
    jerk = np.abs(side[ticks:] - side[:-ticks]) / JERK_OVER_S
    sharp = np.flatnonzero(jerk > RULES["lateral_jerk"].bound)
    return (
        _ruling("lateral_acceleration", stamp_ns, not bad.any(), float(np.abs(side).max()), "", np.flatnonzero(bad)),
        _ruling("lateral_jerk", stamp_ns, not len(sharp), float(jerk.max()), "", sharp),
    )


def creep_limit_mps(gap_m: np.ndarray) -> np.ndarray:
    """Return how fast one may creep at a gap to the line (any shape): stopping short of the margin stays possible."""
    room = np.maximum(np.asarray(gap_m, np.float64) - CREEP_MARGIN_M, 0.0)
    late = CREEP_MPS2 * CREEP_LATE_S
    return np.minimum(CREEP_MPS, np.sqrt(late**2 + 2.0 * CREEP_MPS2 * room) - late)


def creeping(stamp_ns: np.ndarray, line_ahead_m: np.ndarray, colour: np.ndarray, speed_mps: np.ndarray) -> Ruling:
    """Rule on how a red line is crept up to once the ego has stood at it: the most it was too fast by."""
    red = (colour == LampColour.RED) & (line_ahead_m > 0.0) & (line_ahead_m < LINE_REACH_M)
    stood = red & (np.abs(speed_mps) < STANDS_MPS)
    crept = np.zeros(len(stamp_ns), bool)
    for first, last in spans(red):
        stand = np.flatnonzero(stood[first : last + 1])
        if len(stand):
            crept[first + stand[0] : last + 1] = True
    crept &= speed_mps > STANDS_MPS
    if not crept.any():
        return _ruling("creep", stamp_ns, None, None, "never crept")
    over = np.where(crept, speed_mps - creep_limit_mps(line_ahead_m), -np.inf)
    bad = np.flatnonzero(over > 0.05)
    return _ruling("creep", stamp_ns, not len(bad), max(float(over.max()), 0.0), "",
                   bad if len(bad) else np.flatnonzero(crept))  # fmt: skip


def cut_in_avoidable(ttc_s: float, closing_mps: float) -> bool:
    """Return whether a careful driver avoids a cut-in: time to collision above v_rel / (2 x 6) + 0.35 s (UN R157)."""
    return ttc_s > closing_mps / (2.0 * CUT_IN_MPS2) + CUT_IN_LATE_S


def following_gap_s(speed_mps: np.ndarray) -> np.ndarray:
    """Return the least time gap to who drives ahead: 1.0 s at 7.2 km/h to 1.6 s at 60 km/h (UN R157), any shape."""
    return np.interp(speed_mps, FOLLOWING_MPS, FOLLOWING_S)


def hand_distance_m(speed_mps: float, understood_s: float) -> float:
    """Return how far off a hand must be read to stop before it: v (t + 0.5 s) + v² / 2a with a = 2 m/s² [ours]."""
    return speed_mps * (understood_s + HAND_LATE_S) + speed_mps**2 / (2.0 * HAND_MPS2)


def table() -> str:
    """Return the rules with their sources, for the documentation (Markdown)."""
    rows = ["| rule | bound | what | document | clause | status |", "|---|---|---|---|---|---|"]
    for rule in RULES.values():
        rows.append(
            f"| `{rule.name}` | {rule.bound:g} {rule.unit} | {rule.about} | {rule.document} | {rule.clause} | "
            f"{rule.status.value} |"
        )
    return "\n".join(rows)
