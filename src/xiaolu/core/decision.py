"""What a driver answers: the chosen plan, the strategies it imagined, what it perceived, and why."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from xiaolu.core.check import freeze
from xiaolu.core.plan import Plan


class PathMode(IntEnum):
    KEEP = 0
    NUDGE_LEFT = 1
    NUDGE_RIGHT = 2
    CHANGE_LEFT = 3
    CHANGE_RIGHT = 4
    PULL_OVER = 5
    REVERSE = 6


class Pace(IntEnum):
    GO = 0
    YIELD = 1
    CREEP = 2
    STOP = 3


@dataclass(frozen=True, slots=True)
class Strategy:
    path: PathMode
    pace: Pace

    def __str__(self) -> str:
        return f"{self.path.name.lower().replace('_', '-')} / {self.pace.name.lower()}"


class LampColour(IntEnum):
    """What a signal head shows, or that there is none."""

    NONE = 0
    RED = 1
    YELLOW = 2
    GREEN = 3
    FLASHING_GREEN = 4
    DARK = 5


class Cause(IntEnum):
    """What limited the plan."""

    FREE = 0
    CURVE = 1
    LEAD = 2
    SIGNAL = 3
    RIGHT_OF_WAY = 4
    PEDESTRIAN = 5
    OBSTACLE = 6
    ARRIVAL = 7
    WISH = 8
    GUARDIAN = 9


@dataclass(frozen=True, slots=True)
class Imagined:
    """One strategy tried in the mind. risk: (SPEED_KNOTS,) chance of contact per knot; the rest are expectations."""

    strategy: Strategy
    plan: Plan
    score: float
    risk: np.ndarray
    progress_m: float
    comfort: float
    rule_keeping: float

    def __post_init__(self) -> None:
        freeze(self, "risk", (None,))


@dataclass(frozen=True, slots=True)
class Perceived:
    """What the driver read from its cameras, with how sure it is (0 to 1). people: (x, y) in the ego frame, m."""

    signal: LampColour = LampColour.NONE
    signal_certainty: float = 0.0
    hazard_m: float = float("inf")
    notes: tuple[str, ...] = ()
    people: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Limited:
    """What held a plan back. uid: the road user, -1 where it was none; away_m: how far along the path; visible: seen by
    a camera at that moment, False for one that is remembered."""

    uid: int
    away_m: float
    visible: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one Observation. It takes effect at stamp_ns plus the configured latency.

    imagined holds a fixed number of alternatives; imagined_valid (same length, bool) says which are real.
    wall_s is what the computation took on this machine's clock: measured, never used. limited_by is a teacher's: the
    thing in the scene behind `cause`.
    """

    stamp_ns: int
    plan: Plan
    strategy: Strategy
    cause: Cause = Cause.FREE
    why: str = ""
    perceived: Perceived = field(default_factory=Perceived)
    imagined: tuple[Imagined, ...] = ()
    imagined_valid: tuple[bool, ...] = ()
    wall_s: float = 0.0
    limited_by: Limited | None = None

    def __post_init__(self) -> None:
        if len(self.imagined) != len(self.imagined_valid):
            raise ValueError(
                f"Decision: {len(self.imagined)} imagined plans but {len(self.imagined_valid)} validity flags"
            )
