"""What would come of a proposal: the ego's motion along it, set against everybody's forecasts, by the measures that
judge drivers.

Motion: the path's poses at the speed profile's places; both obey the vehicle's limits by the way they are made
(`path.drive_line`, `speed.rollout`). Gaps, times to collision, comfort and progress are those of `xiaolu.measures`.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.expert.bodies import STANDING_MPS
from xiaolu.expert.conflict import CENTRE_M
from xiaolu.expert.forecast import MOMENTS, STEP_S
from xiaolu.expert.margins import PATIENCE_S
from xiaolu.expert.path import PATH_STEP_M
from xiaolu.expert.speed import DT_S
from xiaolu.expert.tick import Tick
from xiaolu.measures.geometry import box_clearance, boxes_overlap
from xiaolu.measures.interventions import MOVING_MPS, TTC_S, required_clearance_m

HORIZON = 21  # moments looked at: 5 s
SPARE_M = 0.15  # more side gap than the measure asks for: forecasts err by so much
VEHICLE_GAP_M, STANDING_GAP_M, PARKED_GAP_M, ROLLING_GAP_M, LEAST_GAP_M = 0.45, 0.32, 0.2, 0.12, 0.03
# Weights: tuned on validation rides and families. A certain contact now outweighs everything else.
CONTACT, PERSON_SHORT, OTHER_SHORT, TTC = 400.0, 60.0, 14.0, 40.0
PROGRESS, BRAKE, HARD, JERK, SIDEWAYS, SWITCH = 0.5, 0.5, 12.0, 0.15, 0.6, 1.2
COMFORT_BRAKE_MPS2, HARD_BRAKE_MPS2 = 2.0, 2.8
UNEASY, UNEASY_MPS2, NOT_EASY_MPS2 = 2.0, 1.9, 2.2  # braking beyond comfort costs that much, from the one to the other
CROSSES_SIN = 0.5
SLOW_SHARE, SEVERE_MPS = 0.5, 8.0  # a contact at a stand counts so much of one at this speed or more
FADE_S = 3.0  # what is forecast to happen later counts less
# Who would come against the ego that stands, or from behind where it moves over, and has this long to see it, and need
# brake no harder: he will. Tuned.
SEES_S, SEEN_BRAKE_MPS2, SEEN = 1.0, 1.5, 0.03
MAYBE, TRUSTED = 0.25, 0.12  # weights of what somebody may do, of who has to and can give way
IN_LINE_M = 0.2  # who overlaps the ego's width or is as near to that drives in its line; tuned


@njit(cache=True)
def foresee(path, sigma, speed, length, width, poses, sizes, vulnerable, on_road, step_s):
    """Return (gap (H, K) m, soon (H, K) bool): metres between the moving ego and each forecast at each moment (of a
    vehicle that crosses: up to step_s sooner or later), and whether it would meet a vulnerable one within TTC_S if
    both held their speeds.

    path (n, 4); sigma, speed (K,): the ego's place along it and its speed, signed; length, width: its outline; poses
    (H, >= K, 3), sizes (H, 2).
    """
    moments, hypotheses = len(sigma), len(poses)
    gap = np.full((hypotheses, moments), 99.0)
    soon = np.zeros((hypotheses, moments), np.bool_)
    ego, other, later, later_other = np.empty(5), np.empty(5), np.empty(5), np.empty(5)
    corners = np.empty((4, 2))
    last = len(path) - 1
    for k in range(moments):
        at = min(max(abs(sigma[k]) / PATH_STEP_M, 0.0), last - 1e-6)
        i = int(at)
        share = at - i
        yaw = path[i, 2] + share * (path[i + 1, 2] - path[i, 2])
        ego[0] = path[i, 0] + share * (path[i + 1, 0] - path[i, 0]) + CENTRE_M * np.cos(yaw)
        ego[1] = path[i, 1] + share * (path[i + 1, 1] - path[i, 1]) + CENTRE_M * np.sin(yaw)
        ego[2], ego[3], ego[4] = yaw, length, width
        for h in range(hypotheses):
            other[0], other[1], other[2] = poses[h, k, 0], poses[h, k, 1], poses[h, k, 2]
            other[3], other[4] = sizes[h, 0], sizes[h, 1]
            away = np.hypot(ego[0] - other[0], ego[1] - other[1])
            reach = 0.5 * (np.hypot(length, width) + np.hypot(other[3], other[4]))
            if away > reach + 12.0:
                continue
            gap[h, k] = away - reach if away > reach + 2.5 else box_clearance(ego, other, corners)
            if not vulnerable[h] and away < reach + 5.0 and abs(np.sin(other[2] - yaw)) > CROSSES_SIN:
                # Nobody is on the second: who crosses may be there a moment sooner or later.
                for beside in (k - 1, k + 1):
                    if 0 <= beside < poses.shape[1]:
                        later_other[:] = other
                        later_other[0], later_other[1] = poses[h, beside, 0], poses[h, beside, 1]
                        later_other[2] = poses[h, beside, 2]
                        gap[h, k] = min(gap[h, k], box_clearance(ego, later_other, corners))
            if not (vulnerable[h] and on_road[h]) or abs(speed[k]) < MOVING_MPS or k + 1 >= poses.shape[1]:
                continue
            vx = (poses[h, k + 1, 0] - poses[h, k, 0]) / step_s
            vy = (poses[h, k + 1, 1] - poses[h, k, 1]) / step_s
            curvature = path[i, 3]
            for part in range(1, 5):
                t = TTC_S * part / 4.0
                turned = yaw + curvature * speed[k] * t
                middle = yaw + 0.5 * curvature * speed[k] * t
                later[:] = ego
                rear_x, rear_y = ego[0] - CENTRE_M * np.cos(yaw), ego[1] - CENTRE_M * np.sin(yaw)
                later[0] = rear_x + speed[k] * t * np.cos(middle) + CENTRE_M * np.cos(turned)
                later[1] = rear_y + speed[k] * t * np.sin(middle) + CENTRE_M * np.sin(turned)
                later[2] = turned
                later_other[:] = other
                later_other[0] += vx * t
                later_other[1] += vy * t
                if boxes_overlap(later, later_other):
                    soon[h, k] = True
                    break
    return gap, soon


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is foreseen of a proposal. cost: lower is better; risk: its part for contacts and gaps; least_mps2: its
    hardest braking; progress_m: how far it comes in 5 s; user: the counted user that costs most, -1 for none."""

    cost: float
    risk: float
    least_mps2: float
    progress_m: float
    user: int


class Scorer:
    """The forecasts of one moment, prepared; `score` sets a proposal against them."""

    def __init__(self, tick: Tick, trusted: frozenset[int], pulls_out: bool) -> None:
        """trusted: users whose duty it is to give way, and who can."""
        here, moves, u = tick.here, tick.moves, tick.here.users
        owner = moves.owner
        behind = (here.ahead_m < 0.5) & (np.abs(here.turned_rad) < 1.2) | (here.ahead_m < -1.0 - 0.5 * u.length_m)
        near = np.hypot(here.ahead_m, here.left_m) < 60.0
        in_line = np.abs(here.left_m) < 0.5 * (EGO_BODY.width_m + u.width_m) + IN_LINE_M
        keep = np.flatnonzero((near & ~(behind & in_line & (not pulls_out)))[owner])
        self.owner, self.poses = owner[keep], moves.poses[keep]
        self.sizes = np.stack([u.length_m, u.width_m], axis=1)[self.owner]
        self.vulnerable, self.on_road = here.vulnerable[self.owner], here.on_road[self.owner]
        still = np.abs(u.speed_mps) < STANDING_MPS
        # On foot, straight on is what a body does now; lanes are what it may do.
        first = np.ones(len(keep), bool)
        first[1:] = self.owner[1:] != self.owner[:-1]
        sure = moves.certain[keep] | (first & here.on_foot[self.owner] & here.on_road[self.owner])
        weight = np.where(sure, 1.0, MAYBE)
        weight = np.where([int(uid) in trusted for uid in u.uid[self.owner]], np.minimum(weight, TRUSTED), weight)
        self.weight = np.where(still[self.owner], 1.0, weight)
        self.still = still[self.owner] & ~self.vulnerable
        self.at_flank = here.at_flank[self.owner] & (tick.waited_s > PATIENCE_S)
        self.poses[self.at_flank] = self.poses[self.at_flank, :1]
        self.parked = here.parked[self.owner]
        # Who comes from behind keeps its distance; but it is not cut off, where it could not stop with ease.
        self.comes_up = behind[self.owner] & (not pulls_out)
        can_stop = _can_stop(self.poses[:, :HORIZON], u.speed_mps[self.owner])
        self.stops_for_us = can_stop & (self.comes_up | ~self.vulnerable)[:, None]
        self.on_foot = here.on_foot[self.owner]
        self.fade = np.exp(-np.arange(HORIZON) * STEP_S / FADE_S)

    def score(
        self,
        path: np.ndarray,
        sigma: np.ndarray,
        speed: np.ndarray,
        before: np.ndarray | None = None,
        wanted_m: float = 0.0,
    ) -> Outlook:
        """Return the outlook of driving a path (n, 4) by a rollout sigma, speed (>= 51,) every DT_S.

        before (n, 2): the path chosen a moment ago, changes from which cost; wanted_m: what the rules would have come
        to in 5 s: only falling behind it costs.
        """
        at = np.minimum(np.arange(HORIZON) * STEP_S / DT_S, len(sigma) - 1.0)
        steps = np.arange(len(sigma))
        place, pace = np.interp(at, steps, sigma), np.interp(at, steps, speed)
        acceleration = np.diff(speed[:51]) / DT_S
        least = float(acceleration.min())
        jerk = np.diff(acceleration[::2]) / (2 * DT_S)
        progress_m = float(abs(sigma[50]))
        cost = PROGRESS * max(wanted_m - progress_m, 0.0)
        cost += BRAKE * float(np.square(np.maximum(-acceleration - COMFORT_BRAKE_MPS2, 0.0)).sum())
        cost += UNEASY * min(max((-least - UNEASY_MPS2) / (NOT_EASY_MPS2 - UNEASY_MPS2), 0.0), 1.0)
        cost += HARD * max(-least - HARD_BRAKE_MPS2, 0.0) + JERK * float(np.abs(jerk).mean())
        if before is not None:
            cost += SWITCH * float(np.hypot(*(path[:40, :2] - before[:40]).T).mean())
        cost += SIDEWAYS * float(np.abs(np.diff(path[:40, 3])).sum())
        if not len(self.owner):
            return Outlook(cost, 0.0, least, progress_m, -1)
        gap, soon = foresee(path, place, pace, EGO_BODY.length_m, EGO_BODY.width_m, self.poses, self.sizes,
                            self.vulnerable, self.on_road, STEP_S)  # fmt: skip
        moving = np.abs(pace) > MOVING_MPS
        person = np.where(moving, required_clearance_m(np.abs(pace)) + SPARE_M, 0.1)
        apart = np.where(self.still, STANDING_GAP_M, VEHICLE_GAP_M)[:, None]
        other = np.where(moving, apart, ROLLING_GAP_M)
        parked = np.where(moving, PARKED_GAP_M, ROLLING_GAP_M)
        need = np.where(self.vulnerable[:, None], person, np.where(self.parked[:, None], parked, other))
        sees_us = self.stops_for_us
        if abs(pace[0]) < MOVING_MPS:
            sees_us = sees_us | self.on_foot[:, None]  # nobody on foot walks into a car that stands already
            # Who stands too near beside something gets away from there: no more room is asked than there is.
            near = self.still | self.at_flank
            need = np.where(near[:, None], np.minimum(need, np.maximum(gap[:, :1], LEAST_GAP_M)), need)
        short = np.where(self.comes_up[:, None], 0.0, np.maximum(need - gap, 0.0) / need)
        # Who stands is not run into by standing: it counts while the ego moves.
        moves = np.abs(pace) > 0.2
        # A contact, or a fright, is the worse the faster the ego: where none can be avoided it still brakes.
        severity = SLOW_SHARE + (1.0 - SLOW_SHARE) * np.minimum(np.abs(pace) / SEVERE_MPS, 1.0)
        hit = ((gap <= 0.01) & (moves | ~self.still[:, None])) * severity
        worth = np.where(self.vulnerable, PERSON_SHORT, OTHER_SHORT)[:, None]
        hit = np.where(sees_us & (~moves | self.comes_up[:, None]), SEEN * hit, hit)
        fright = soon & ~self.comes_up[:, None] & moving
        harm = worth * short * moves + TTC * fright * severity + CONTACT * hit
        harm = (harm * self.fade).max(axis=1) * self.weight
        worst = int(np.argmax(harm))
        risk = float(harm.sum())
        return Outlook(cost + risk, risk, least, progress_m, int(self.owner[worst]) if harm[worst] > 0.0 else -1)


def _can_stop(poses: np.ndarray, speed_mps: np.ndarray) -> np.ndarray:
    """Return (H, K): whether those with these poses (H, K, 3) and speeds (H,) could stop with ease before each."""
    way_m = np.zeros(poses.shape[:2])
    way_m[:, 1:] = np.cumsum(np.hypot(*np.moveaxis(np.diff(poses[..., :2], axis=1), 2, 0)), axis=1)
    speed = np.abs(speed_mps)[:, None]
    return speed**2 < 2.0 * SEEN_BRAKE_MPS2 * np.maximum(way_m - SEES_S * speed, 0.0)


assert MOMENTS > HORIZON
