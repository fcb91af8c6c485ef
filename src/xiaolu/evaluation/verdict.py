"""The verdict on a scenario's ride: PASS, FAIL, or INVALID where a check had nothing to judge by (GB/T 41798's three
outcomes). In: the scenario and the referee's judgement of the ride; out: a finding for every check.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from xiaolu.core.episode import Event
from xiaolu.core.score import Score
from xiaolu.evaluation.account import Account, account_of
from xiaolu.evaluation.checks import JUDGES, Cast, Finding
from xiaolu.evaluation.referee import Judgement
from xiaolu.measures import interventions as rules


class Outcome(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    INVALID = "invalid"


class Asked(Protocol):
    """One check of a scenario, resolved: places in metres along the way, numbers drawn."""

    @property
    def name(self) -> str: ...
    @property
    def values(self) -> Mapping[str, Any]: ...


class Judged(Protocol):
    """What of a `Scenario` a verdict needs; see docs/scenarios.md."""

    @property
    def anchor_s_m(self) -> float: ...
    @property
    def actors(self) -> Mapping[str, int]: ...
    @property
    def acts(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def checks(self) -> Sequence[Asked]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """findings: one a check, in the scenario's order; those about an actor that this draw has not are left out."""

    outcome: Outcome
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASS

    @property
    def scores(self) -> tuple[Score, ...]:
        return tuple(finding.score for finding in self.findings)

    @property
    def broken(self) -> tuple[str, ...]:
        """What did not hold or could not be judged, in words."""
        return tuple(f"{f.check}: {f.score.why}" for f in self.findings if not f.holds)


def judge(scenario: Judged, judgement: Judgement) -> Verdict:
    """Return the verdict on a ride. Raises ValueError for a check that nobody can judge, or a ride without steps."""
    return judged(scenario, judgement, account_of(judgement.track, scenario.anchor_s_m))


def judged(scenario: Judged, judgement: Judgement, account: Account) -> Verdict:
    """Return the verdict on a ride whose account is drawn up already."""
    cast = Cast(scenario.actors, scenario.acts)
    findings = []
    for asked in scenario.checks:
        actor = asked.values.get("actor")
        if actor and not cast.members(actor):
            continue
        if asked.name in JUDGES and not (asked.name == "no_contact" and not actor):
            findings.append(JUDGES[asked.name](asked.name, account, cast, asked.values))
        else:
            findings.append(_of_ride(asked.name, judgement, asked.values))
    return Verdict(outcome_of(findings), tuple(findings))


def outcome_of(findings: Sequence[Finding]) -> Outcome:
    """Return FAIL where a check does not hold, else INVALID where one could not be judged or there is none."""
    if any(finding.holds is False for finding in findings):
        return Outcome.FAIL
    return Outcome.PASS if findings and all(finding.holds for finding in findings) else Outcome.INVALID


def _of_ride(name: str, judgement: Judgement, values: Mapping[str, Any]) -> Finding:
    """Judge what concerns the whole ride and is known to the referee."""
    if name == "arrives":
        left_m = max(judgement.route_m - judgement.progress_m, 0.0)
        why = judgement.reason or "still under way"
        return _finding(name, judgement, judgement.arrived, left_m, "m", f"{why}, {left_m:.0f} m before the goal")
    if name == "time_limit_s":
        most_s, took_s = float(values["most_s"]), judgement.duration_s
        return _finding(name, judgement, took_s <= most_s, took_s, "s", f"{took_s:.1f} s, at most {most_s:g} s")
    events = {
        "intervention_free": judgement.counted,
        "no_contact": _of_kind(judgement, rules.CONTACT),
        "no_red_line": _of_kind(judgement, rules.RED_LINE),
        "no_off_road": _of_kind(judgement, rules.OFF_ROAD),
    }
    if name not in events:
        raise ValueError(
            f"no check {name!r}; known are {', '.join(sorted({*JUDGES, *events, 'arrives', 'time_limit_s'}))}"
        )
    found = events[name]
    told = ", ".join(f"{e.kind} at {e.from_ns / 1e9:.1f} s{f' ({e.detail})' if e.detail else ''}" for e in found)
    return _finding(name, judgement, not found, float(len(found)), "count", told or "none", found)


def _of_kind(judgement: Judgement, kind: str) -> tuple[Event, ...]:
    return tuple(event for event in judgement.events if event.kind == kind)


def _finding(
    name: str, judgement: Judgement, holds: bool, value: float, unit: str, why: str, found: Sequence[Event] = ()
) -> Finding:
    stamp = judgement.track.column("stamp_ns")
    first, last = (found[0].from_ns, found[-1].to_ns) if found else (int(stamp[0]), int(stamp[-1]))
    return Finding(name, holds, Score(name, value, unit, why=why, from_ns=first, to_ns=last))
