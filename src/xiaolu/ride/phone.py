"""The route as a phone tells it: once a second, roughly right, now and then wrong.

In: where the ego really is along its way; out: a Route in the odometry frame, none on the private roads of parks. The
street's centre line has a corner every 15 m and is offset by an error that drifts slowly (Ornstein-Uhlenbeck, 5 m per
axis); 2 % of refreshes name a wrong manoeuvre. Everything is keyed by the ride's seed and the tick.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.chance import Purpose, normal, uniform
from xiaolu.core.check import freeze
from xiaolu.core.frames import to_child, to_parent
from xiaolu.core.observation import Manoeuvre, Route
from xiaolu.core.rates import PHONE_HZ, TICK_HZ, TICK_NS
from xiaolu.world.routing import RoutePath
from xiaolu.world.town import LaneKind, Town

REFRESH_TICKS = TICK_HZ // PHONE_HZ
CORNER_M = 15.0
AHEAD_CORNERS = 9  # 120 m at least
SIGMA_M = 5.0
CORRELATION_S = 60.0
WRONG = 0.02


@dataclass(frozen=True, slots=True)
class PhoneState:
    """offset_m (2,): the present error of the phone's position, world axes; route: what it last said."""

    offset_m: np.ndarray
    route: Route | None

    def __post_init__(self) -> None:
        freeze(self, "offset_m", (2,))


class Phone:
    """A phone that knows one way. It holds no state of its own: PhoneState goes in and comes out."""

    def __init__(self, path: RoutePath, seed: int) -> None:
        self.path = path
        self.seed = seed
        self.street = street_line(path)

    def start(self) -> PhoneState:
        return PhoneState(SIGMA_M * normal(self.seed, 0, 0, Purpose.PHONE, np.array([0, 1])), None)

    def refresh(self, state: PhoneState, tick: int, s_m: float, pose: np.ndarray, odometry: np.ndarray) -> PhoneState:
        """Return the phone after a refresh, for the ego at s metres along its way.

        pose, odometry: (3,) the ego in the world, and in the odometry frame.
        """
        keep = np.exp(-1.0 / (PHONE_HZ * CORRELATION_S))
        kick = normal(self.seed, 0, tick + 1, Purpose.PHONE, np.array([0, 1]))
        offset = keep * state.offset_m + SIGMA_M * np.sqrt(1.0 - keep**2) * kick
        if self.path.town.lane_private[self.path.lane_at(s_m)]:
            return PhoneState(offset, None)
        at_s_m, manoeuvre, _ = self.path.next_manoeuvre(s_m)
        heading = np.array([np.cos(pose[2]), np.sin(pose[2])])
        distance = max(at_s_m - s_m - float(offset @ heading), 0.0)
        slip, other = uniform(self.seed, 0, tick, Purpose.PHONE, np.array([4, 5]))
        if slip < WRONG:
            others = [m for m in Manoeuvre if m not in (Manoeuvre.NONE, manoeuvre)]
            manoeuvre = others[int(other * len(others))]
        corners_s_m = (np.floor(s_m / CORNER_M) + np.arange(AHEAD_CORNERS + 1)) * CORNER_M
        corners_s_m = np.minimum(corners_s_m[corners_s_m < self.path.length_m + CORNER_M], self.path.length_m)
        world = np.stack([np.interp(corners_s_m, self.path.s_m, self.street[:, i]) for i in (0, 1)], axis=-1) + offset
        centre_line = to_parent(odometry, to_child(pose, world))
        return PhoneState(offset, Route(tick * TICK_NS, manoeuvre, distance, centre_line))


def street_line(path: RoutePath) -> np.ndarray:
    """Return the middle of the street (n, 2) beside every point of a way: what a street map draws as one line."""
    town, lanes = path.town, path.plan.lanes
    per_lane = np.zeros(len(lanes))
    for position, lane in enumerate(lanes):
        if town.lane_junction[lane] < 0:
            per_lane[position] = _middle_left_m(town, int(lane))
    left = per_lane[path.lane_index]
    ordinary = town.lane_junction[path.lane] < 0
    if ordinary.any():
        left = np.interp(path.s_m, path.s_m[ordinary], left[ordinary])
    width = 15
    left = np.convolve(np.pad(left, width // 2, mode="edge"), np.ones(width) / width, mode="valid")[: len(left)]
    return path.points[:, :2] + left[:, None] * np.column_stack([-np.sin(path.yaw_rad), np.cos(path.yaw_rad)])


def _middle_left_m(town: Town, lane: int) -> float:
    """Return how far left of a lane's centre line the middle of its street lies."""
    place = town.pose_at(lane, town.lane_length_m[lane] / 2)
    twin = int(town.lane_twin[lane])
    if twin >= 0:
        other = town.pose_at(twin, town.lane_length_m[twin] / 2)
        return float(-np.sin(place[3]) * (other[0] - place[0]) + np.cos(place[3]) * (other[1] - place[1])) / 2
    to_left, beside = town.lane_width_m[lane] / 2, int(town.lane_left[lane])
    while beside >= 0:
        to_left += town.lane_width_m[beside]
        beside = int(town.lane_left[beside])
    to_right, beside = town.lane_width_m[lane] / 2, int(town.lane_right[lane])
    while beside >= 0:
        to_right += town.lane_width_m[beside]
        beside = int(town.lane_right[beside])
    return float(to_left if _has_opposite(town, place, to_left) else (to_left - to_right) / 2)


def _has_opposite(town: Town, place: np.ndarray, to_left_m: float) -> bool:
    """Whether a lane of the other direction runs just beyond the left edge of a carriageway."""
    seek = place[:2] + (to_left_m + 1.6) * np.array([-np.sin(place[3]), np.cos(place[3])])
    near = np.flatnonzero(np.hypot(*(town.points[:, :2] - seek).T) < 3.0)
    for index in near:
        lane = int(np.searchsorted(town.point_start, index, "right")) - 1
        if town.lane_kind[lane] != LaneKind.DRIVE or index + 1 >= town.point_start[lane + 1]:
            continue
        ahead = town.points[index + 1] - town.points[index]
        if np.cos(np.arctan2(ahead[1], ahead[0]) - place[3]) < -0.7:
            return True
    return False
