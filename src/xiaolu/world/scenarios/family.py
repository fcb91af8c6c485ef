"""A scenario family as it is written down: what `format.read_family` makes of a file, and `sample` draws from."""

from dataclasses import dataclass, field
from typing import Any

from xiaolu.world.scenarios.values import Interval, Value

TAGS = ("small-roads", "signals", "hands", "kerb", "park", "traffic")
TOWNS = ("village", "park", "boulevard", "old-town")
MEASURES_ALONG = ("start_m", "goal_m", "site_from_m", "site_to_m", "stop_line_m")
MEASURES_ACROSS = (
    "right_edge_m", "left_edge_m", "right_walk_m", "left_walk_m", "oncoming_m", "left_lane_m", "right_lane_m",
    "width_m", "lane_width_m",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """low to high, drawn evenly; or one of `words` or `numbers`."""

    name: str
    low: float = 0.0
    high: float = 0.0
    numbers: tuple[float, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def span(self) -> Interval:
        return (min(self.numbers), max(self.numbers)) if self.numbers else (self.low, self.high)


@dataclass(frozen=True, slots=True)
class SiteQuery:
    """What kind of place; None: it does not matter. See docs/scenarios.md for each field."""

    kind: str
    width_m: Interval | None = None
    lanes: Interval | None = None
    length_m: Interval | None = None
    clear_m: float = 25.0
    two_way: bool | None = None
    shared: bool | None = None
    sidewalk: str | None = None
    parked: str | None = None
    classes: tuple[str, ...] = ()
    limit_mps: Interval | None = None
    bend_deg: Interval | None = None
    kerb_m: Interval = (-4.0, 3.0)
    blind: bool | None = None
    turn: str = "any"
    signal: bool | None = None
    arrow: bool | None = None
    countdown: bool | None = None
    crossing: bool | None = None
    arms: Interval | None = None
    has: tuple[str, ...] = ()
    marked: bool | None = None
    roundabout: bool = False
    waiting_area: bool | None = None
    gives_way: bool | None = None
    private: bool | None = None


@dataclass(frozen=True, slots=True)
class FixedRide:
    """A ride that was cut out of a recorded one: its very town, lanes and clock in place of a site."""

    town: str
    digest: str
    lanes: tuple[int, ...]
    start_s_m: float
    goal_s_m: float
    anchor_s_m: float
    ride_seed: int
    signals_start_s: float
    start_pose: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class EgoSpec:
    start_before_m: Value
    goal_after_m: Value
    start_mps: Value
    start: str = "lane"
    told: str = "phone"


@dataclass(frozen=True, slots=True)
class AroundSpec:
    density: Value
    clear_m: Value
    parked: bool = True


@dataclass(frozen=True, slots=True)
class SignalSpec:
    fault_s: Value
    fault_from_s: Value
    lamp: str = ""
    left_s: Interval = (0.0, 120.0)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class PlaceSpec:
    """A pose in the route frame; or one on an arm of the junction, so far out, or so far before the ego's way."""

    s_m: Value
    left_m: Value
    heading_deg: Value
    arm: str = ""
    out_m: Value | None = None
    meets_m: Value | None = None


@dataclass(frozen=True, slots=True)
class GoesSpec:
    """kind: stands, ego, oncoming, lane, arm, line, walk."""

    kind: str
    to: str = ""
    side: str = ""
    line: tuple[tuple[Value, Value], ...] = ()
    then_lane: bool = False


@dataclass(frozen=True, slots=True)
class RepeatSpec:
    count: Value
    step_s_m: Value
    step_left_m: Value


@dataclass(frozen=True, slots=True)
class ActSpec:
    """numbers: the value fields that are named; words: the word fields. line: a line, or "lane"."""

    name: str
    when: str
    value: Value | None = None
    within_m: Value | None = None
    lamp: str = ""
    actor: str = ""
    act: str = ""
    numbers: dict[str, Value] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    faces_ego: bool = False
    heeds: str = ""
    gesture: str = ""
    lights: tuple[str, ...] | None = None
    line: tuple[tuple[Value, Value], ...] | str | None = None
    turns_back: bool = False
    vanishes: bool | None = None


@dataclass(frozen=True, slots=True)
class ActorSpec:
    name: str
    kind: str
    at: PlaceSpec | None
    goes: GoesSpec
    parked: bool
    hinge: str
    when_share: Value
    numbers: dict[str, Value]
    repeat: RepeatSpec | None
    acts: tuple[ActSpec, ...]


@dataclass(frozen=True, slots=True)
class CheckSpec:
    check: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    title: str
    about: str
    tags: tuple[str, ...]
    towns: tuple[str, ...]
    time_limit_s: float
    parameters: tuple[Parameter, ...]
    site: SiteQuery | FixedRide
    ego: EgoSpec
    around: AroundSpec
    conditions: dict[str, float]
    signals: SignalSpec | None
    actors: tuple[ActorSpec, ...]
    checks: tuple[CheckSpec, ...]
    source: str = ""
