"""A scenario's ride in the route's frame: what the checks look at. In: a `Track`; out: an `Account` of plain arrays.

s_m is metres along the ride's `RoutePath`, left_m metres left of its line, yaw against the line's direction there.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import to_parent, wrap_angle
from xiaolu.evaluation.track import Track
from xiaolu.measures.geometry import clearance_m
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath

NEAR_M = 40.0  # of actors farther away than this only the middles' distance is taken
CORNER_REACH_M = 15.0  # a corner is no farther along the way from a body's middle
KERB_REACH_M, KERB_STEP_M = 4.0, 0.02
KERB_OFF_M = 0.02  # this far off the road counts as the kerb
HALF_WIDTH_M = EGO_BODY.width_m / 2


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """T steps, A actors (actor n is the road user of uid n).

    stamp_ns (T,); front_s_m, left_m, yaw_rad (T,): the ego's front bumper along the way, its rear axle's offset and
    heading; speed_mps (T,) signed; pose (T, 3) in the world. end_s_m: the way's length.
    line_ahead_m, colour (T,): to the stop line that governs and what its lamp says; held_by_signal (T,) bool.
    in_way (T, N) bool: who stands right before the bumper, of users uid (T, N); touching (T, N) bool.
    heading_error_rad (T,): to the best-fitting lane; braking_behind_mps2 (T,): hardest braking of a follower.
    there (T, A) bool; act (T, A): -1 before the first; actor_s_m, actor_left_m, actor_yaw_rad (T, A): its middle, NaN
    where it is not there; corner_s_m, corner_left_m (T, A, 4): its corners in turn, each where it is along the way;
    actor_size_m (T, A, 2): length, width; ahead_m, aside_m (T, A): its middle in the frame of
    the ego's middle; clearance_m (T, A): between outlines.
    kerb_gap_m: from the ego's right side to the kerb at the end, NaN where none is within 4 m.
    """

    stamp_ns: np.ndarray
    front_s_m: np.ndarray
    left_m: np.ndarray
    yaw_rad: np.ndarray
    speed_mps: np.ndarray
    pose: np.ndarray
    end_s_m: float
    line_ahead_m: np.ndarray
    colour: np.ndarray
    held_by_signal: np.ndarray
    in_way: np.ndarray
    uid: np.ndarray
    touching: np.ndarray
    heading_error_rad: np.ndarray
    braking_behind_mps2: np.ndarray
    there: np.ndarray
    act: np.ndarray
    actor_s_m: np.ndarray
    actor_left_m: np.ndarray
    actor_yaw_rad: np.ndarray
    corner_s_m: np.ndarray
    corner_left_m: np.ndarray
    actor_size_m: np.ndarray
    ahead_m: np.ndarray
    aside_m: np.ndarray
    clearance_m: np.ndarray
    kerb_gap_m: float

    def __len__(self) -> int:
        return len(self.stamp_ns)


def account_of(track: Track, anchor_s_m: float) -> Account:
    """Return a ride's account. anchor_s_m: where along the way the scenario takes place; actors are looked for there.

    Raises ValueError for a track without steps.
    """
    if not len(track):
        raise ValueError("account_of: the track has no steps, nothing can be said of the ride")
    c, path = track.column, track.path
    pose, progress = c("pose"), c("progress_m")
    front = _world(pose, EGO_BODY.front_x_m)
    front_s, _ = _along(path, front, progress)
    rear_s, left = _along(path, pose[:, :2], progress)
    box, there = c("actor_box"), c("actor_there")
    actor_s, actor_left = _actors_along(path, box, there, anchor_s_m)
    corner_s, corner_left = _corners_along(path, box, actor_s)
    ahead, aside, clearance = account_frames(pose, box, there)
    yaw_there = path.point_at(np.nan_to_num(actor_s))[..., 2]
    return Account(
        stamp_ns=c("stamp_ns"),
        front_s_m=front_s,
        left_m=left,
        yaw_rad=wrap_angle(pose[:, 2] - path.point_at(rear_s)[:, 2]),
        speed_mps=c("speed_mps"),
        pose=pose,
        end_s_m=path.length_m,
        line_ahead_m=c("line_ahead_m"),
        colour=c("signal_colour"),
        held_by_signal=c("held_by_signal"),
        in_way=c("in_way"),
        uid=c("uid"),
        touching=c("touching"),
        heading_error_rad=c("heading_error_rad"),
        braking_behind_mps2=c("braking_behind_mps2"),
        there=there,
        act=c("actor_act"),
        actor_s_m=actor_s,
        actor_left_m=actor_left,
        actor_yaw_rad=wrap_angle(box[..., 2] - yaw_there),
        corner_s_m=corner_s,
        corner_left_m=corner_left,
        actor_size_m=box[..., 3:],
        ahead_m=ahead,
        aside_m=aside,
        clearance_m=clearance,
        kerb_gap_m=kerb_gap_m(track.ground, pose[-1]),
    )


def account_frames(pose: np.ndarray, box: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return (ahead_m, aside_m, clearance_m), (T, A) each, for the ego's poses (T, 3) and actors' boxes (T, A, 5)."""
    middle = _world(pose, EGO_BODY.centre_x_m)
    dx, dy = box[..., 0] - middle[:, None, 0], box[..., 1] - middle[:, None, 1]
    cos, sin = np.cos(pose[:, 2])[:, None], np.sin(pose[:, 2])[:, None]
    return cos * dx + sin * dy, -sin * dx + cos * dy, _clearances(middle, pose[:, 2], box, there)


def kerb_gap_m(ground: Ground, pose: np.ndarray, layer: int = 0) -> float:
    """Return how far the kerb is from the right side of an ego at pose (3,), at the nearer axle; NaN beyond 4 m."""
    out_m = np.arange(0.0, KERB_REACH_M, KERB_STEP_M)
    gaps = []
    for axle_m in (0.0, EGO_BODY.wheelbase_m):
        beside = np.stack([np.full(len(out_m), axle_m), -HALF_WIDTH_M - out_m], axis=-1)
        off = np.flatnonzero(ground.off_road_m(to_parent(pose, beside), layer) > KERB_OFF_M)
        gaps.append(out_m[off[0]] if len(off) else np.nan)
    return float(np.nanmin(gaps)) if np.isfinite(gaps).any() else float("nan")


def _world(pose: np.ndarray, ahead_m: float) -> np.ndarray:
    """Return (T, 2): a point ahead of the rear axle, for poses (T, 3)."""
    return pose[:, :2] + ahead_m * np.stack([np.cos(pose[:, 2]), np.sin(pose[:, 2])], axis=-1)


def _along(path: RoutePath, place: np.ndarray, near_s_m: np.ndarray, window_m: float = 30.0):
    """Return (s_m, left_m) of places (k, 2); straight on beyond the way's ends, where `RoutePath.project` clamps."""
    s, left = path.project(place[:, 0], place[:, 1], near_s_m, window_m)
    ends = np.where(s <= 0.0, 0.0, path.length_m)
    end = path.point_at(ends)
    over = (place[:, 0] - end[:, 0]) * np.cos(end[:, 2]) + (place[:, 1] - end[:, 1]) * np.sin(end[:, 2])
    return np.where(s <= 0.0, np.minimum(over, 0.0), np.where(s >= path.length_m, s + np.maximum(over, 0.0), s)), left


def _actors_along(path: RoutePath, box: np.ndarray, there: np.ndarray, anchor_s_m: float):
    """Return (s_m, left_m), (T, A) each, of boxes (T, A, 5): followed step by step from where they begin."""
    s, left = np.full(there.shape, np.nan), np.full(there.shape, np.nan)
    near = np.full(there.shape[1], np.nan)
    for tick, here in enumerate(there):
        fresh = np.flatnonzero(here & np.isnan(near))
        if len(fresh):
            start = np.full(len(fresh), anchor_s_m)
            near[fresh], _ = path.project(box[tick, fresh, 0], box[tick, fresh, 1], start, path.length_m)
        who = np.flatnonzero(here)
        if len(who):
            s[tick, who], left[tick, who] = _along(path, box[tick, who, :2], near[who])
            near[who] = s[tick, who]
    return s, left


def corners_of(box: np.ndarray) -> np.ndarray:
    """Return the corners (..., 4, 2) of boxes (..., 5), in turn."""
    ahead = 0.5 * box[..., 3:4] * np.array([1.0, 1.0, -1.0, -1.0])
    aside = 0.5 * box[..., 4:5] * np.array([1.0, -1.0, -1.0, 1.0])
    cos, sin = np.cos(box[..., 2:3]), np.sin(box[..., 2:3])
    return box[..., None, :2] + np.stack([cos * ahead - sin * aside, sin * ahead + cos * aside], axis=-1)


def _corners_along(path: RoutePath, box: np.ndarray, actor_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (s_m, left_m), (T, A, 4) each, of the corners of boxes (T, A, 5): where the way bends a body that crosses
    it is not over as much of it as straight on from its middle."""
    s, left = np.full((*actor_s.shape, 4), np.nan), np.full((*actor_s.shape, 4), np.nan)
    here = np.isfinite(actor_s)
    if here.any():
        places = corners_of(box[here]).reshape(-1, 2)
        found = _along(path, places, np.repeat(actor_s[here], 4), CORNER_REACH_M)
        s[here], left[here] = (column.reshape(-1, 4) for column in found)
    return s, left


def _clearances(middle: np.ndarray, yaw: np.ndarray, box: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return (T, A) gaps between outlines, exact where an actor is near, infinite where it is not there."""
    away = np.hypot(box[..., 0] - middle[:, None, 0], box[..., 1] - middle[:, None, 1])
    out = np.where(there, away, np.inf)
    tick, actor = np.nonzero(there & (away < NEAR_M))
    if len(tick):
        size = np.full(len(tick), EGO_BODY.length_m), np.full(len(tick), EGO_BODY.width_m)
        ego = np.stack([middle[tick, 0], middle[tick, 1], yaw[tick], *size], axis=-1)
        out[tick, actor] = clearance_m(ego, box[tick, actor])
    return out
