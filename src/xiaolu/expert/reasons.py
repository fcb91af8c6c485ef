"""Why a plan is as it is: the limit that rules it, in a word of `Cause` and in a sentence a passenger understands."""

from dataclasses import dataclass

from xiaolu.core.decision import Cause
from xiaolu.core.users import Kind

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


@dataclass(frozen=True, slots=True)
class Reason:
    """A limit on speed. what: the thing itself ("red light", "parked car"); side: "left", "right" or "";
    sigma_m: where along the path the ego meets it."""

    cause: Cause
    what: str
    sigma_m: float
    side: str = ""


def sentence(reason: Reason | None, standing: bool, stopping: bool) -> str:
    """Return the sentence for a limit, None for a free way; standing: the ego stands, stopping: its plan ends so."""
    if reason is None:
        return "Driving on, the way is free"
    ahead = f"{max(reason.sigma_m, 0.0):.0f} m ahead"
    side = f" from the {reason.side}" if reason.side else ""
    what = reason.what
    if reason.cause == Cause.SIGNAL:
        if standing:
            return f"Waiting at the {what}"
        return f"{'Stopping' if stopping else 'Slowing'} for the {what} {ahead}"
    if reason.cause == Cause.LEAD:
        return f"Waiting behind the {what} ahead" if standing else f"Following the {what} {ahead}"
    if reason.cause == Cause.RIGHT_OF_WAY:
        return f"{'Waiting for' if standing else 'Giving way to'} the {what}{side}"
    if reason.cause == Cause.PEDESTRIAN:
        if standing:
            return f"Waiting for the {what} to cross"
        return f"{'Stopping' if stopping else 'Slowing'} for the {what} {ahead}"
    if reason.cause == Cause.OBSTACLE:
        on = f" on the {reason.side}" if reason.side else ""
        if standing:
            return f"Waiting before the {what}{on}"
        return f"{'Stopping before' if stopping else 'Slowing to pass'} the {what}{on} {ahead}"
    if reason.cause == Cause.ARRIVAL:
        return "Standing at the destination" if standing else f"Stopping at the destination {ahead}"
    if reason.cause == Cause.CURVE:
        return f"Slowing for the {what} {ahead}"
    return f"Slowing for the {what} {ahead}"
