"""How far a ride has come along its way, and whether it has ended. World frame, metres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xiaolu.core.episode import Event
from xiaolu.core.rates import ticks_of
from xiaolu.world.routing import RoutePath

END = "end"  # kind of the event that closes a ride, with the reason as its detail
STANDING_MPS = 0.1
ARRIVED_M = 10.0
ARRIVED_S = 1.0
OFF_ROUTE_M = 30.0  # CARLA leaderboard
STUCK_S = 180.0  # CARLA leaderboard


@dataclass(frozen=True, slots=True)
class RideEnd:
    """How a ride ended. reason: "arrived", "off route", "stuck", "time is up", "interrupted", or "minimal-risk stop: "
    and why. arrived is True for the first only. events: what the loop itself noticed, END last; driven_m: along it."""

    reason: str
    arrived: bool
    events: tuple[Event, ...]
    took_s: float
    driven_m: float


@dataclass(frozen=True, slots=True)
class Progress:
    """s_m: along the way; offset_m: left of it; away_m: from it; standing: ticks in a row at standstill."""

    s_m: float = 0.0
    offset_m: float = 0.0
    away_m: float = 0.0
    standing: int = 0

    def after(self, path: RoutePath, pose: np.ndarray, speed_mps: float) -> "Progress":
        """Return the progress one tick later, for the ego's pose (3,) and speed then."""
        return progress_after(path, [self], np.asarray(pose)[None], np.array([speed_mps]))[0]

    def ended(self, path: RoutePath) -> str:
        """Return why the ride is over, "" when it goes on."""
        if self.standing >= ticks_of(ARRIVED_S) and path.length_m - self.s_m < ARRIVED_M and self.away_m < ARRIVED_M:
            return "arrived"
        if self.away_m > OFF_ROUTE_M:
            return "off route"
        if self.standing >= ticks_of(STUCK_S):
            return "stuck"
        return ""


def progress_after(
    path: RoutePath, before: Sequence[Progress], pose: np.ndarray, speed_mps: np.ndarray
) -> list[Progress]:
    """Return the progress of each of B egos one tick later, for their poses (B, 3) and speeds (B,) then."""
    near = np.array([progress.s_m for progress in before])
    s_m, offset_m = path.project(pose[:, 0], pose[:, 1], near)
    place = path.point_at(s_m)
    away_m = np.hypot(pose[:, 0] - place[:, 0], pose[:, 1] - place[:, 1])
    still = np.abs(speed_mps) < STANDING_MPS
    return [
        Progress(float(s_m[b]), float(offset_m[b]), float(away_m[b]), progress.standing + 1 if still[b] else 0)
        for b, progress in enumerate(before)
    ]
