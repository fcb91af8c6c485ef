"""The room that is kept: before and beside others, by what they are and do, and what of it is left when they come up
late."""

import numpy as np
from numba import njit

from xiaolu.core.users import Kind
from xiaolu.expert.bodies import STANDING_MPS, Counted
from xiaolu.expert.course import Course
from xiaolu.expert.forecast import MOMENTS_S, STEP_S, Moves
from xiaolu.expert.limits import FIRM_BRAKE_MPS2

PATIENCE_S = 6.0  # who has waited so long takes less room beside what stands
EASY_BRAKE_MPS2 = 1.2
LATE_S = 0.3  # a plan acts, and the brakes come on, this late
LEAST_GAP_M = 0.25  # what a late stop leaves of the margin
ACROSS_SIN, SWINGS_BACK_M = 0.5, 4.0  # tuned
SWING_M, NO_SWING_M = 3.5, 30.0  # kept before a parked vehicle to swing out past it; not so near the goal
# How far apart the ego and a vehicle that comes towards it pass, by how fast that one is: tuned.
_PASSING_MPS, _PASSING_M = np.array([1.0, 3.0, 8.0]), np.array([0.22, 0.4, 0.6])


def margins(here: Counted, moves: Moves, waited_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (along (H,), across (H,)): metres that are kept before the bumpers and beside the ego for hypotheses."""
    return _margins_of(
        moves.owner, here.on_foot, here.vulnerable, here.parked, here.users.speed_mps, here.turned_rad, here.stood_s,
        waited_s,
    )  # fmt: skip


@njit(cache=True)
def _margins_of(owner, on_foot, vulnerable, parked, speed_mps, turned_rad, stood_s, waited_s):
    along, across = np.empty(len(owner)), np.empty(len(owner))
    for h in range(len(owner)):
        k = owner[h]
        walks, rider, still = on_foot[k], vulnerable[k], abs(speed_mps[k]) < STANDING_MPS
        before = 0.9 if rider else 0.3 if parked[k] else 0.5
        beside = 0.5 if walks else 0.4 if rider else 0.12 if parked[k] else 0.25
        if still:
            beside = min(beside, 0.3)
        if abs(turned_rad[k]) > 2.4 and not walks:  # it comes towards the ego
            if not still:
                before, beside = 1.2, 0.6 if rider else np.interp(abs(speed_mps[k]), _PASSING_MPS, _PASSING_M)
            elif not rider:
                beside = min(beside, _PASSING_M[0])
        if waited_s > PATIENCE_S and still and stood_s[k] > 4.0:
            # Who has waited long squeezes through where there is just room.
            before, beside = 0.3, 0.22 if walks else 0.12
        along[h], across[h] = before, beside
    return along, across


def too_late(here: Counted, moves: Moves, low: np.ndarray, along: np.ndarray, speed_mps: float) -> np.ndarray:
    """Return the hypotheses of who drives or rides that are or come onto the path so soon, and so near, that the ego
    would still roll up to them under firm braking. Who comes by once it stands is stood for with all of the margin."""
    slowed_s = np.clip(MOMENTS_S - LATE_S, 0.0, speed_mps / FIRM_BRAKE_MPS2)
    place_m = speed_mps * (np.minimum(MOMENTS_S, LATE_S) + slowed_s) - 0.5 * FIRM_BRAKE_MPS2 * slowed_s**2
    rolls = LATE_S + speed_mps / FIRM_BRAKE_MPS2 + STEP_S > MOMENTS_S
    room_m = low + np.maximum(along - LEAST_GAP_M, 0.0)[:, None]
    with np.errstate(invalid="ignore"):
        late = ((room_m < place_m) & rolls).any(axis=1)
    return np.flatnonzero(late & ~here.on_foot[moves.owner])


def swing_m(course: Course, here: Counted, k: int, s0_m: float, speed_mps: float, low: np.ndarray) -> float:
    """Return how much more the ego keeps before a parked vehicle in its way, to swing out past it later: as much as
    an easy stop leaves."""
    vehicle = here.parked[k] and here.users.kind[k] in (Kind.CAR, Kind.VAN, Kind.BUS)
    if not vehicle or course.goal_s_m - s0_m < NO_SWING_M or np.isnan(low[0]):
        return 0.0
    easy_m = LATE_S * speed_mps + 0.5 * speed_mps**2 / EASY_BRAKE_MPS2
    return float(np.clip(low[0] - easy_m, 0.0, SWING_M))


def swings_back_m(here: Counted, k: int) -> float:
    """Return how much nearer than its forecast a user may come: who backs out over the way swings round, most often
    towards the side from which the ego comes."""
    across = abs(np.sin(here.turned_rad[k])) > ACROSS_SIN
    return SWINGS_BACK_M if across and here.backs[k] else 0.0
