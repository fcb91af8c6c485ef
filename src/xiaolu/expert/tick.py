"""What the teacher knows at one moment, and what it carries from one to the next."""

from dataclasses import dataclass, field

import numpy as np

from xiaolu.core.scene import Scene
from xiaolu.expert.backing import Backing
from xiaolu.expert.bodies import Counted
from xiaolu.expert.forecast import Moves
from xiaolu.expert.hands import Order, Seen
from xiaolu.expert.kerb import Berth

FORESEEN_STEPS = 5  # a speed profile of a moment ago is gone on from for so many of its steps: tuned


@dataclass(frozen=True, slots=True)
class Tick:
    """One moment. here, moves: the users that count and their forecasts; colours (S + 1,): what signals order, see
    `Course.colours`; s0_m, d0_m: the ego along and left of its way; speed_mps >= 0; acceleration_mps2: what its profile
    goes on from; waited_s: how long it has stood for somebody; orders: what hands ask; humble: junction lanes of the
    way taken on red; unlit: those whose lamp orders nothing; given: uids that the ego gave way to a moment ago; held:
    those of only just now, and where along the way it would have stopped.
    """

    scene: Scene
    here: Counted
    moves: Moves
    colours: np.ndarray
    s0_m: float
    d0_m: float
    speed_mps: float
    acceleration_mps2: float
    waited_s: float
    orders: tuple[Order, ...]
    humble: frozenset[int]
    unlit: frozenset[int]
    given: frozenset[int]
    held: dict[int, float]


@dataclass(slots=True)
class Memory:
    """Everything the teacher carries from call to call."""

    s_m: float = 0.0
    offsets_s0_m: float = 0.0
    offsets_m: np.ndarray | None = None
    seen_ns: dict[int, int] = field(default_factory=dict)
    stood_ns: dict[int, int] = field(default_factory=dict)
    hesitated_ns: dict[int, int] = field(default_factory=dict)
    backed_ns: dict[int, int] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    waits_since_ns: int = -1
    waits_for: int = -1  # the user for whom it stands
    committed_lane: int = -1
    waved_lane: int = -1  # the last junction lane that an official's hand waved it into
    given_ns: dict[int, int] = field(default_factory=dict)
    given_s_m: dict[int, float] = field(default_factory=dict)
    berth: Berth | None = None
    aside: Berth | None = None
    orders: dict[int, Seen] = field(default_factory=dict)
    countdown_s: dict[int, tuple[int, float]] = field(default_factory=dict)
    way: str = ""
    path: np.ndarray | None = None
    speed_stamp_ns: int = -1
    speed_mps: np.ndarray | None = None
    sets_off: bool = False
    under_way: bool = False  # it has driven: before that it is parked, wherever it stands
    backing: Backing | None = None
    too_near_s_m: float = np.inf  # where it made room in vain
    makes_room: tuple[int, int, int] = (-1, -1, -1)  # who was last seen to back up before it, since and until when, ns
    backed_off: tuple[int, float] = (0, 0.0)  # how often it has backed off before the same thing, and where

    def copy(self) -> "Memory":
        """Return a memory of its own: tables and sets, which change in place, are copied; all else is only ever
        replaced, and shared."""
        own = Memory()
        for name in Memory.__slots__:
            value = getattr(self, name)
            setattr(own, name, value.copy() if isinstance(value, dict | set | list) else value)
        return own
