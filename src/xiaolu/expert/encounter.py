"""How a forecast meets the ego's path: across it, along it, towards the ego, or coming up beside it."""

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.expert.bodies import ABREAST_M, STANDING_MPS, Counted, frenet
from xiaolu.expert.conflict import occupancy
from xiaolu.expert.course import Course
from xiaolu.expert.forecast import MOMENTS, MOMENTS_S, Moves
from xiaolu.expert.path import FRONT_M, PATH_STEP_M

FACING_RAD = 2.0  # heading apart by more than this where the two would meet: it comes down our own way
NEARER_M = 2.0
FROM_SIDE_RAD, ASIDE_M = 0.4, 2.5  # tuned
BEHIND_RAD = 1.2  # who comes from behind heads no further off than so
COMES_UP_S, CUTS_OFF_SIN = 4.0, 0.35  # who comes up beside the ego, and whose way it would then cross; tuned
LET_BY_M, LET_BY_S = 0.8, 4.0  # who passes so near beside a standing ego, and how soon; tuned
OWN_HALF_M, OWN_HALF_LOOK_M = 0.4, 40.0  # it waits so far before the place where it would leave its own half
_SIDE_M = 0.5 * EGO_BODY.width_m


def from_behind(here: Counted, k: int) -> bool:
    """Whether a vehicle comes from behind, or drives beside the ego: it sees the ego. Who comes from the side, out of
    another street, sees it as well, but may have to be given way to."""
    turned, aside_m = abs(here.turned_rad[k]), abs(here.left_m[k])
    if here.ahead_m[k] >= ABREAST_M or turned > BEHIND_RAD:
        return False
    return bool(turned < FROM_SIDE_RAD or aside_m < max(ASIDE_M, -here.ahead_m[k]))


def cut_off(here: Counted, moves: Moves, h: int, path: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Return the moments at which the ego would come across the way of a rider who comes up beside it: the one who
    turns gives way to those who go straight on (Implementing Regulations, art. 51). None for anybody else."""
    k = int(moves.owner[h])
    some = ~np.isnan(low) & (MOMENTS_S < COMES_UP_S)
    if not here.vulnerable[k] or here.on_foot[k] or not some.any():
        return np.zeros(MOMENTS, bool)
    at = np.clip((np.where(some, low, 0.0) + FRONT_M) / PATH_STEP_M, 0, len(path) - 1).astype(np.int64)
    return some & (np.abs(np.sin(path[at, 2] - moves.poses[h, :, 2])) > CUTS_OFF_SIN)


def let_by(here: Counted, moves: Moves, path: np.ndarray) -> list[tuple[int, float]]:
    """Return (user, s) of who drives up from behind and passes close by where the ego stands, and how long that lasts:
    who sets off from the kerb lets them by."""
    u = here.users
    comes = (np.abs(here.turned_rad) < BEHIND_RAD) & (u.speed_mps > STANDING_MPS) & ~here.on_foot
    comes &= here.ahead_m < FRONT_M + 0.5 * u.length_m
    which = np.flatnonzero(comes[moves.owner])
    owner = moves.owner[which]
    size = np.full(len(which), 0.3), np.full(len(which), LET_BY_M)
    body = EGO_BODY.length_m, EGO_BODY.width_m
    low, _ = occupancy(path[:1], PATH_STEP_M, 1, *body, moves.poses[which], u.length_m[owner], u.width_m[owner], *size)
    beside = ~np.isnan(low)
    soon = np.flatnonzero((beside & (MOMENTS_S < LET_BY_S)).any(axis=1))
    return [(int(owner[h]), float(MOMENTS_S[beside[h]][-1])) for h in soon.tolist()]


def crosses(poses: np.ndarray, path: np.ndarray, sigma_m: float) -> bool:
    """Whether a body that is on the path now moves across it and off it again, rather than along it."""
    moved = poses[8, :2] - poses[0, :2]
    distance = np.hypot(*moved)
    if distance < 0.6:
        return False
    yaw = path[min(int(sigma_m / PATH_STEP_M) + 5, len(path) - 1), 2]
    return abs(-np.sin(yaw) * moved[0] + np.cos(yaw) * moved[1]) > 0.6 * distance


@njit(cache=True)
def tail_of(low, poses, path):
    """Return low (MOMENTS,) of somebody who drives on along the ego's path (n, 4), by its poses (MOMENTS, 3), counted
    to its tail from the first: who comes in at a slant is met at its nose first, and would seem to come back as the
    tail follows."""
    out = low.copy()
    there = np.flatnonzero(~np.isnan(low))
    for k in range(there[-1] - 1, there[0] - 1, -1):
        at = min(max(int((out[k + 1] + FRONT_M) / PATH_STEP_M), 0), len(path) - 1)
        ahead_x, ahead_y = np.cos(path[at, 2]), np.sin(path[at, 2])
        moved = (poses[k + 1, 0] - poses[k, 0]) * ahead_x + (poses[k + 1, 1] - poses[k, 1]) * ahead_y
        before = out[k + 1] - max(moved, 0.0)
        if np.isnan(low[k]) or moved > 0.0:
            out[k] = before if np.isnan(low[k]) else min(low[k], before)
    return out


def own_half_m(course: Course, path: np.ndarray, s0_m: float) -> float:
    """Return how far along its path (n, 4) the ego may go and be in its own half of the road; inf where it stays in it
    for OWN_HALF_LOOK_M, or is out of it."""
    first = max(int((s0_m - 5.0) / course.step_m), 0)
    last = min(int((s0_m + OWN_HALF_LOOK_M + 15.0) / course.step_m) + 2, course.n)
    look = path[: int(OWN_HALF_LOOK_M / PATH_STEP_M)]
    out = _first_out(look, course.xy, course.yaw_rad, course.step_m, first, last, course.line_left_m)
    return np.inf if out <= 0 else max(float(out) * PATH_STEP_M - OWN_HALF_M, 0.0)


@njit(cache=True)
def _first_out(path, xy, yaw_rad, step_m, first, last, line_left_m):
    """Return the first of path's points where the ego's left front corner is beyond the line; -1 for none."""
    x, y = np.empty(1), np.empty(1)
    for i in range(len(path)):
        cos, sin = np.cos(path[i, 2]), np.sin(path[i, 2])
        x[0] = path[i, 0] + FRONT_M * cos - _SIDE_M * sin
        y[0] = path[i, 1] + FRONT_M * sin + _SIDE_M * cos
        s, d = frenet(xy, yaw_rad, step_m, first, last, x, y)
        if d[0] > line_left_m[min(max(int(np.rint(s[0] / step_m)), 0), len(line_left_m) - 1)]:
            return i
    return -1


def faces(moves: Moves, h: int, path: np.ndarray, low: np.ndarray) -> bool:
    """Whether a hypothesis ends heading towards the ego on its own road, where their ways meet last."""
    last = int(np.flatnonzero(~np.isnan(low))[-1])
    at = min(max(int((low[last] + FRONT_M) / PATH_STEP_M), 0), len(path) - 1)
    return abs((moves.poses[h, last, 2] - path[at, 2] + np.pi) % (2.0 * np.pi) - np.pi) > FACING_RAD


def comes_at_us(here: Counted, moves: Moves, h: int, path: np.ndarray, low: np.ndarray, met: int) -> bool:
    """Whether a vehicle comes down our own way, to where the ego is now or beyond the forecast's end.

    One that crosses our way comes near it along a slant, too, but is gone before it reaches us.
    """
    valid = np.flatnonzero(~np.isnan(low))
    at = min(max(int((low[met] + FRONT_M) / PATH_STEP_M), 0), len(path) - 1)
    apart = abs((moves.poses[h, met, 2] - path[at, 2] + np.pi) % (2.0 * np.pi) - np.pi)
    if apart < FACING_RAD or low[met] - low[valid[-1]] < NEARER_M:
        return False
    if valid[-1] == MOMENTS - 1:
        return True
    k = moves.owner[h : h + 1]
    size, little = (here.users.length_m[k], here.users.width_m[k]), np.full(1, 0.05)
    body = EGO_BODY.length_m, EGO_BODY.width_m
    here_low, _ = occupancy(path[:1], PATH_STEP_M, 1, *body, moves.poses[h : h + 1], *size, little, little)
    return bool((~np.isnan(here_low)).any())
