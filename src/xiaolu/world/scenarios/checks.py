"""Checks: what a scenario may ask of a ride, by name. Declared here, with ranges; judged in evaluation."""

from dataclasses import dataclass, field
from typing import Any

ALWAYS = ("intervention_free", "no_contact", "no_off_road", "no_red_line")


@dataclass(frozen=True, slots=True)
class Number:
    """A number within low to high; default None: it must be given."""

    low: float
    high: float
    default: float | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """One of some words; default None: it must be given."""

    known: tuple[str, ...]
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A value in s_m, metres along the route from the anchor."""


@dataclass(frozen=True, slots=True)
class ActorName:
    """An actor, or a row of actors; needed: it must be given."""

    needed: bool = True


@dataclass(frozen=True, slots=True)
class ActName:
    """An act of the check's actor; needed: it must be given."""

    needed: bool = False


@dataclass(frozen=True, slots=True)
class CheckKind:
    about: str
    parameters: dict[str, Any] = field(default_factory=dict)


_STAND = Number(0.0, 120.0)
CHECKS: dict[str, CheckKind] = {
    "arrives": CheckKind("the ride ends at its goal"),
    "intervention_free": CheckKind("no counted intervention (`measures.interventions`)"),
    "no_contact": CheckKind(
        "nobody is touched; with an actor: that one is not, whoever is to blame", {"actor": ActorName(False)}
    ),
    "no_red_line": CheckKind("no stop line is crossed on red"),
    "no_off_road": CheckKind("no wheel leaves the drivable surface"),
    "no_wrong_way": CheckKind(
        "not driven against the lane for further than this", {"beyond_m": Number(0.0, 200.0, 40.0)}
    ),
    "time_limit_s": CheckKind("the ride takes no longer", {"most_s": Number(5.0, 600.0)}),
    "keeps_clearance_m": CheckKind(
        "the gap between outlines never falls below this while the ego moves faster than `above_mps`; without an "
        "actor: to any actor",
        {"actor": ActorName(False), "least_m": Number(0.0, 5.0), "above_mps": Number(0.0, 20.0, 0.3)},
    ),
    "slower_than": CheckKind(
        "the ego is no faster than this while its front is between two places",
        {"most_mps": Number(0.0, 25.0), "from_m": Place(), "to_m": Place()},
    ),
    "stops_before": CheckKind(
        "comes to a stand with its front at a gap before the place within this range, or behind others who wait at its "
        "lamp, before ever passing it",
        {"place_m": Place(), "least_gap_m": Number(0.0, 30.0, 0.0), "most_gap_m": Number(0.0, 60.0, 2.0)},
    ),
    "starts_within_s": CheckKind(
        "moves off (over 0.5 m/s) no later than this after the ego's lamp turns green, or after an actor comes to an "
        "act; holds if it was moving then",
        {"after": Word(("green", "act"), "green"), "actor": ActorName(False), "act": ActName(), "most_s": _STAND},
    ),
    "creeps": CheckKind(
        "moves at least so far while its lamp is red, after having stood, and never over the line",
        {"least_m": Number(0.1, 10.0, 0.5)},
    ),
    "waits_for": CheckKind(
        "the ego's front does not pass the place before the actor comes to the act, or, without an act, pass the place "
        "and come within 1 m of where the actor comes through before the "
        "actor's outline has left the ego's swept way ahead",
        {"actor": ActorName(), "act": ActName(), "place_m": Place()},
    ),
    "goes_before": CheckKind(
        "the ego's front passes the place before the actor does so within 3 m of the route's line, or comes to the act",
        {"actor": ActorName(), "act": ActName(), "place_m": Place()},
    ),
    "does_not_stop_for": CheckKind(
        "the ego stands no longer than this in all within 25 m of the actor, reds and others in its way left out",
        {"actor": ActorName(), "most_stand_s": Number(0.0, 30.0, 1.0)},
    ),
    "stops_for_hand": CheckKind(
        "comes to a stand before reaching the actor, with its front at a gap within this range, no later than `most_s` "
        "after the act began; and stands until the act is over, where there is a next one",
        {
            "actor": ActorName(),
            "act": ActName(True),
            "least_gap_m": Number(0.0, 30.0, 1.0),
            "most_gap_m": Number(0.0, 80.0, 25.0),
            "most_s": Number(0.5, 60.0, 15.0),
        },
    ),
    "backs_up": CheckKind("goes backwards at least so far in all", {"least_m": Number(0.2, 100.0)}),
    "passes": CheckKind(
        "passes the actor with it on that side of the ego (`right`: the actor is right of it), outlines abreast",
        {"actor": ActorName(), "side": Word(("left", "right", "any"), "any")},
    ),
    "stays_behind": CheckKind(
        "the ego's front stays behind the actor's rear by at least this, along the route, for as long as the actor is "
        "on the route (within 2.5 m of its line)",
        {"actor": ActorName(), "least_gap_m": Number(0.0, 50.0, 0.5)},
    ),
    "comfortable": CheckKind(
        "braking and jerk (smoothed as in `measures.comfort`) stay within this",
        {"most_braking_mps2": Number(0.5, 9.0, 3.0), "most_jerk_mps3": Number(0.5, 30.0, 8.0)},
    ),
    "kerb_stop": CheckKind(
        "stands at the goal with its right side at a gap to the kerb within this range, and as straight as this",
        {
            "least_gap_m": Number(0.0, 2.0, 0.1),
            "most_gap_m": Number(0.05, 3.0, 0.5),
            "most_yaw_deg": Number(0.5, 45.0, 3.0),
        },
    ),
    "pulls_out": CheckKind(
        "leaves its bay or kerb for the lane (within 0.5 m of the route's line), and nobody behind has to brake harder "
        "than this for it",
        {"most_braking_mps2": Number(0.5, 9.0, 3.0)},
    ),
}


def default_checks(time_limit_s: float) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return (name, values) of the checks that hold for every family."""
    return (*((name, {}) for name in ALWAYS), ("time_limit_s", {"most_s": time_limit_s}))


def table() -> str:
    """Return the table of all checks for the documentation (Markdown)."""
    rows = ["| check | what must hold | parameters |", "|---|---|---|"]
    for name, kind in CHECKS.items():
        words = []
        for parameter, rule in kind.parameters.items():
            if isinstance(rule, Number):
                given = "" if rule.default is None else f", default {rule.default:g}"
                words.append(f"`{parameter}` {rule.low:g} to {rule.high:g}{given}")
            elif isinstance(rule, Word):
                words.append(
                    f"`{parameter}` {', '.join(rule.known)}" + (f"; default {rule.default}" if rule.default else "")
                )
            elif isinstance(rule, Place):
                words.append(f"`{parameter}` a place")
            else:
                words.append(f"`{parameter}`" + ("" if rule.needed else " (may be absent)"))
        rows.append(f"| `{name}` | {kind.about} | {'; '.join(words)} |")
    return "\n".join(rows)
