"""Which indicators to show, from the decision and the route: what other road users are told."""

from xiaolu.core.control import Indicator
from xiaolu.core.decision import Cause, Decision, PathMode
from xiaolu.core.observation import Manoeuvre, Route

INDICATE_M = 30.0  # before a turn: the Implementing Regulations, art. 57, ask for "in advance" [this project's figure]

BY_PATH = {
    PathMode.CHANGE_LEFT: Indicator.LEFT,
    PathMode.CHANGE_RIGHT: Indicator.RIGHT,
    PathMode.PULL_OVER: Indicator.RIGHT,
    PathMode.NUDGE_LEFT: Indicator.LEFT,
}
BY_MANOEUVRE = {
    Manoeuvre.TURN_LEFT: Indicator.LEFT,
    Manoeuvre.U_TURN: Indicator.LEFT,
    Manoeuvre.TURN_RIGHT: Indicator.RIGHT,
}


def indicator_of(decision: Decision, route: Route | None, failed: bool = False) -> Indicator:
    """Return what to show. failed: a minimal-risk stop is under way, which is done with hazard lights (UN R157)."""
    if failed:
        return Indicator.HAZARD
    if decision.cause != Cause.GUARDIAN and decision.strategy.path in BY_PATH:
        return BY_PATH[decision.strategy.path]
    if route is not None and route.distance_m < INDICATE_M:
        return BY_MANOEUVRE.get(route.manoeuvre, Indicator.OFF)
    return Indicator.OFF
