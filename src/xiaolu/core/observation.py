"""What the driver is given: frames, its own state, a phone's route, a passenger's wish. Nothing privileged."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from xiaolu.core.camera import CameraFrame
from xiaolu.core.check import freeze


class Manoeuvre(IntEnum):
    """The next thing a route asks for."""

    NONE = 0
    STRAIGHT = 1
    TURN_LEFT = 2
    TURN_RIGHT = 3
    U_TURN = 4
    ARRIVE = 5


@dataclass(frozen=True, slots=True)
class EgoState:
    """What the car knows of itself. odometry: pose (3,) x, y, yaw in m and rad since the ride began, drifting 1 %.

    speed is signed, negative in reverse; acceleration is along x; steering angle is the front wheels', left positive.
    """

    stamp_ns: int
    speed_mps: float
    acceleration_mps2: float
    yaw_rate_radps: float
    steering_rad: float
    odometry: np.ndarray

    def __post_init__(self) -> None:
        freeze(self, "odometry", (3,))


@dataclass(frozen=True, slots=True)
class Route:
    """What a phone knows, refreshed once a second.

    centre_line: (K, 2) metres in the *odometry* frame, the street ahead simplified to 15 m and offset by a slowly
    drifting error, so that it can be carried along between refreshes; (0, 2) inside parks. distance_m: to the
    manoeuvre, along the street.
    """

    stamp_ns: int
    manoeuvre: Manoeuvre
    distance_m: float
    centre_line: np.ndarray

    def __post_init__(self) -> None:
        freeze(self, "centre_line", (None, 2))


class WishState(IntEnum):
    PENDING = 0
    DOING = 1
    DONE = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True)
class Instruction:
    """The active wish. age_s and junctions_passed count from when it was said; state is what the driver reported."""

    text: str
    age_s: float
    distance_m: float
    junctions_passed: int
    state: WishState = WishState.PENDING


@dataclass(frozen=True, slots=True)
class RangeScan:
    """Twelve ultrasonic cones around the ego. bearing (12,) rad and range (12,) m, 5.0 where nothing answers."""

    stamp_ns: int
    bearing_rad: np.ndarray
    range_m: np.ndarray

    def __post_init__(self) -> None:
        freeze(self, "bearing_rad", (12,))
        freeze(self, "range_m", (12,))


@dataclass(frozen=True, slots=True)
class Observation:
    """stamp; the frames that arrived since the last call (any number, any order); ego; route and wish if any."""

    stamp_ns: int
    frames: tuple[CameraFrame, ...]
    ego: EgoState
    route: Route | None = None
    instruction: Instruction | None = None
