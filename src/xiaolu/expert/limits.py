"""Limits: what the ego's speed along a path must respect, collected from road, law, hands and others.

A limit is a top speed, a stop (a place not to be passed until a time) or a lead (a place to stay behind at every
moment).
"""

from dataclasses import dataclass, field

import numpy as np

from xiaolu.expert.forecast import MOMENTS
from xiaolu.expert.path import PATH_STEP_M
from xiaolu.expert.reasons import Reason
from xiaolu.expert.speed import ENVELOPE_MPS2, HARDEST_MPS2, easy_stop_m, rollout

EASED_MPS2 = 1.75  # braking that stays in comfort, with what the car makes of it
FIRM_BRAKE_MPS2 = 2.5  # what others who drive are braked for, not harder; tuned


@dataclass(slots=True)
class Limits:
    """What the rollout must respect. stops: (sigma, from s, until s, above 0: braked for early); lows: (MOMENTS,) each;
    reasons by number."""

    allowed: np.ndarray
    ruling: np.ndarray
    reasons: list[Reason]
    stops: list[tuple[float, float, float, float]] = field(default_factory=list)
    stop_cause: list[int] = field(default_factory=list)
    lows: list[np.ndarray] = field(default_factory=list)
    low_cause: list[int] = field(default_factory=list)

    given: dict[int, float] = field(default_factory=dict)  # uids that the ego gives way to, where along the course
    trusted: set[int] = field(default_factory=set)  # uids that have to give way to the ego, and can

    def copy(self) -> "Limits":
        """Return limits that can be added to without changing these."""
        return Limits(
            self.allowed.copy(), self.ruling.copy(), list(self.reasons), list(self.stops), list(self.stop_cause),
            list(self.lows), list(self.low_cause), dict(self.given), set(self.trusted),
        )  # fmt: skip

    def possible(self, orders: int, speed_mps: float) -> "Limits | None":
        """Return these without the stops for others that cannot be made any more, None where all can be made: by firm
        braking, for people and riders by the hardest there is.

        orders: so many stops come first that are not for others; they stay.
        """
        ways_m = 0.5 * speed_mps**2 / np.array([FIRM_BRAKE_MPS2, HARDEST_MPS2])
        keep = [k for k, stop in enumerate(self.stops) if k < orders or stop[0] >= ways_m[int(stop[3])]]
        if len(keep) == len(self.stops):
            return None
        some = self.copy()
        some.stops, some.stop_cause = [self.stops[k] for k in keep], [self.stop_cause[k] for k in keep]
        return some

    def eased(self, orders: int, speed_mps: float, acceleration_mps2: float) -> "Limits | None":
        """Return these with the stops for others that need more than comfort so far out that they do not, None where
        none does.

        orders: so many stops come first that are not for others; they stay.
        """
        easy_m = easy_stop_m(speed_mps, acceleration_mps2, EASED_MPS2)
        hard = [k for k, stop in enumerate(self.stops) if k >= orders and stop[0] < easy_m]
        if not hard:
            return None
        some = self.copy()
        for k in hard:
            some.stops[k] = (easy_m, *self.stops[k][1:3], 0.0)
        return some

    def stop(self, sigma_m: float, from_s: float, until_s: float, reason: Reason, early: bool = False) -> None:
        self.stops.append((sigma_m, from_s, until_s, float(early)))
        self.stop_cause.append(len(self.reasons))
        self.reasons.append(reason)

    def slow(
        self, until_m: float, speed_mps: float, now_mps: float, reason: Reason, braking_mps2: float = ENVELOPE_MPS2
    ) -> None:
        """Cap the speed from here on to until_m along the path, come down to gently from the speed now."""
        sigma = np.arange(len(self.allowed)) * PATH_STEP_M
        top = np.sqrt(np.maximum(now_mps**2 - 2.0 * braking_mps2 * sigma, speed_mps**2))
        lower = (sigma <= until_m) & (top < self.allowed)
        self.ruling[lower] = len(self.reasons)
        self.allowed[lower] = top[lower]
        self.reasons.append(reason)

    def lead(self, low_m: np.ndarray, reason: Reason) -> None:
        self.lows.append(low_m)
        self.low_cause.append(len(self.reasons))
        self.reasons.append(reason)

    def roll(self, speed_mps: float, acceleration_mps2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (sigma, speed, cause), see `speed.rollout`."""
        return rollout(
            speed_mps,
            acceleration_mps2,
            self.allowed,
            self.ruling,
            PATH_STEP_M,
            np.array(self.stops, np.float64).reshape(-1, 4),
            np.array(self.stop_cause, np.int64),
            np.array(self.lows, np.float64).reshape(-1, MOMENTS),
            np.array(self.low_cause, np.int64),
        )
