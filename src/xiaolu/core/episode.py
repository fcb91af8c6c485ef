"""The record of a ride: a header, and a Step for every pass of the loop."""

from dataclasses import dataclass, field

import numpy as np

from xiaolu.core.conditions import Conditions
from xiaolu.core.control import Control
from xiaolu.core.decision import Decision
from xiaolu.core.observation import Observation, RangeScan
from xiaolu.core.scene import Scene

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Header:
    """Everything that makes a ride again: same header, same machine, same ride."""

    ride: str
    town: str
    town_digest: str
    seed: int
    driver: str
    conditions: Conditions
    start_lane: int
    start_s_m: float
    route_lanes: np.ndarray
    goal_s_m: float
    latency_ns: int
    versions: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: `kind` is one of the names in `measures`, span in ride time."""

    kind: str
    from_ns: int
    to_ns: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One pass of the loop. The decision was made on the observation; the control is what drove the tick that
    followed it (from the decision in force then, which latency makes an earlier one). vetoed: the guardian stepped in.
    """

    index: int
    observation: Observation
    decision: Decision
    control: Control
    scene: Scene
    range_scan: RangeScan | None = None
    vetoed: str = ""
