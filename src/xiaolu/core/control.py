"""What reaches the actuators, and how the ego then moved."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from xiaolu.core.check import freeze
from xiaolu.core.rates import SUBSTEPS


class Indicator(IntEnum):
    OFF = 0
    LEFT = 1
    RIGHT = 2
    HAZARD = 3


@dataclass(frozen=True, slots=True)
class Control:
    """Targets for the actuators, held until valid_until_ns. Steering is the front wheels' angle, left positive.

    acceleration is along the direction of `reverse`: negative always brakes, whichever gear is in.
    """

    steering_rad: float
    acceleration_mps2: float
    valid_until_ns: int
    reverse: bool = False
    indicator: Indicator = Indicator.OFF

    def __post_init__(self) -> None:
        if not (np.isfinite(self.steering_rad) and np.isfinite(self.acceleration_mps2)):
            raise ValueError(
                f"Control: steering {self.steering_rad} rad, acceleration {self.acceleration_mps2} m/s² is not finite"
            )


@dataclass(frozen=True, slots=True)
class EgoBody:
    """The ego's outline, metres. The origin is below the rear axle's centre."""

    length_m: float = 4.7
    width_m: float = 1.88
    height_m: float = 1.6
    wheelbase_m: float = 2.8
    rear_overhang_m: float = 0.95

    @property
    def centre_x_m(self) -> float:
        """How far the outline's centre lies ahead of the rear axle."""
        return self.length_m / 2 - self.rear_overhang_m

    @property
    def front_x_m(self) -> float:
        """How far the front bumper lies ahead of the rear axle."""
        return self.length_m - self.rear_overhang_m


EGO_BODY = EgoBody()


@dataclass(frozen=True, slots=True)
class EgoMotion:
    """The ego over one tick, for B branches, in the world frame.

    pose: (B, SUBSTEPS + 1, 3) x, y, yaw of the rear axle at 100 Hz, the tick's start included. The rest is at the
    tick's end, (B,) each.
    """

    pose: np.ndarray
    speed_mps: np.ndarray
    acceleration_mps2: np.ndarray
    yaw_rate_radps: np.ndarray
    steering_rad: np.ndarray
    indicator: np.ndarray

    def __post_init__(self) -> None:
        freeze(self, "pose", (None, SUBSTEPS + 1, 3))
        branches = self.pose.shape[0]
        for name in ("speed_mps", "acceleration_mps2", "yaw_rate_radps", "steering_rad"):
            freeze(self, name, (branches,))
        freeze(self, "indicator", (branches,), np.int8)
