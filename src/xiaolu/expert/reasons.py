"""Why a plan is as it is: the limit that rules it, in a word of `Cause` and in a sentence a passenger understands."""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.decision import Cause, Limited
from xiaolu.core.users import Kind
from xiaolu.expert.bodies import Counted
from xiaolu.expert.path import FRONT_M

NAMES = {
    Kind.CAR: "car",
    Kind.VAN: "van",
    Kind.BUS: "bus",
    Kind.BICYCLE: "bicycle",
    Kind.E_BIKE: "e-bike",
    Kind.PEDESTRIAN: "pedestrian",
    Kind.CHILD: "child",
    Kind.OFFICER: "officer",
    Kind.WORKER: "worker",
    Kind.OBJECT: "obstacle",
}


def standing(kind: Kind) -> str:
    """Return what a passenger calls something that stands at the roadside."""
    return NAMES[kind] if kind == Kind.OBJECT else f"parked {NAMES[kind]}"


@dataclass(frozen=True, slots=True)
class Reason:
    """A limit on speed. what: the thing itself ("red light", "parked car"); side: "left", "right" or "";
    sigma_m: where along the path the ego meets it; uid: the road user it is, -1 for none; visible: seen right now."""

    cause: Cause
    what: str
    sigma_m: float
    side: str = ""
    uid: int = -1
    visible: bool = True


def reason_of(here: Counted, k: int) -> Reason:
    """Return the reason that is counted user k itself, whatever it does."""
    u = here.users
    cause = Cause.PEDESTRIAN if here.on_foot[k] else Cause.OBSTACLE if here.parked[k] else Cause.RIGHT_OF_WAY
    side = "left" if here.left_m[k] > 1.0 else "right" if here.left_m[k] < -1.0 else ""
    away_m = float(max(np.hypot(here.ahead_m[k], here.left_m[k]) - FRONT_M, 0.0))
    name = NAMES[Kind(int(u.kind[k]))]
    return Reason(cause, name, away_m, "" if here.on_foot[k] else side, int(u.uid[k]), bool(here.visible[k]))


def limited_by(reason: Reason | None) -> Limited | None:
    """Return what a decision carries of a reason."""
    return None if reason is None else Limited(reason.uid, reason.sigma_m, reason.visible)


def backing_sentence(what: str, moves: bool, to_swing: bool = False) -> str:
    """Return the sentence for making room backwards: while it moves, and while it then waits; to_swing: not for the
    other, but to have room to go round."""
    if to_swing:
        return f"Backing off from the {what} to go round" if moves else f"Waiting before the {what}"
    return f"Backing up to let the {what} through" if moves else f"Waiting for the {what}"


def sentence(reason: Reason | None, standing: bool, stopping: bool, slowing: bool) -> str:
    """Return the sentence for a limit, None for a free way.

    standing: the ego stands and stays for now; stopping: its plan ends standing; slowing: it gives up speed within the
    coming seconds. The words say no more than these: who holds its speed is not said to slow.
    """
    if reason is None:
        return "Slowing to the speed limit" if slowing else "Driving on, the way is free"
    ahead = f" {reason.sigma_m:.0f} m ahead" if reason.sigma_m > 0.5 else ""
    side = f" from the {reason.side}" if reason.side else ""
    on = f" on the {reason.side}" if reason.side else ""
    what = reason.what
    verb = "Stopping" if stopping and slowing else "Slowing" if slowing else ""
    if reason.cause == Cause.SIGNAL:
        if standing:
            return f"Waiting at the {what}"
        return f"{verb} for the {what}{ahead}" if verb else f"Rolling up to the {what}{ahead}"
    if reason.cause == Cause.LEAD:
        return f"Waiting behind the {what} ahead" if standing else f"Following the {what}{ahead}"
    if reason.cause == Cause.RIGHT_OF_WAY and reason.uid < 0:  # a place where others may go first
        return (
            f"Waiting at the {what}"
            if standing
            else f"{'Slowing' if slowing else 'Going slowly'} for the {what}{ahead}"
        )
    if reason.cause == Cause.RIGHT_OF_WAY:
        return f"{'Waiting for' if standing else 'Giving way to' if slowing else 'Watching'} the {what}{side}"
    if reason.cause == Cause.PEDESTRIAN:
        if standing:
            return f"Waiting for the {what} to cross"
        return f"{verb} for the {what}{ahead}" if verb else f"Passing the {what} slowly"
    if reason.cause == Cause.OBSTACLE:
        if standing:
            return f"Waiting before the {what}{on}"
        if not slowing:
            return f"Passing the {what}{on} slowly"
        return f"{'Stopping before' if stopping else 'Slowing to pass'} the {what}{on}{ahead}"
    if reason.cause == Cause.ARRIVAL:
        if standing:
            return "Standing at the destination"
        return f"{verb} for the {what}{ahead}" if verb else f"Drawing up at the {what}{ahead}"
    return f"{'Slowing for' if slowing else 'Going slowly for'} the {what}{ahead}"
