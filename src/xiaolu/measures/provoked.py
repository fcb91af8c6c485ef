"""Hard braking that somebody else provoked: what a careful driver in the ego's place could not have spared himself.

He is UN R157's, as far as that says: he sees 0.4 s after the other's way begins to meet his, brakes 0.75 s later, and
keeps that regulation's gap to who is before him; and he drives no faster than the limit. He brakes at 3 m/s², beyond
which braking is hard. Where he, too, would have touched the other, the ego's braking was provoked. Nothing else is: not
who is driven at too fast, nor who is followed too near, nor what one could see coming.

Everything is decided by what was so until the braking began; from there on the other is taken to go straight on.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.frames import to_child, wrap_angle
from xiaolu.core.rates import TICK_S
from xiaolu.measures.geometry import clearance_m, time_to_collision_turning_s

REACTS_S = 0.4 + 0.75  # UN R157's careful driver: risk perceived, and until the brakes act [text]
BRAKES_MPS2 = 3.0  # beyond it braking is hard [ours]
# UN R157's following gap [text]
FOLLOWS_MPS, FOLLOWS_S = (7.2 / 3.6, 60.0 / 3.6), (1.0, 1.6)
CAUSE_S, CAUSE_TICKS = 3.0, 5  # whom it would have met within this, as seen in the last half second, is the cause
LOOK_S, GAP_TICKS = 6.0, 3  # the danger is looked for so far back; for so many ticks it may seem gone
DRIVEN_S = 6.0  # the careful driver's braking is over by then
# On green it may trust that who comes from the side holds at his red, for as long as he can at BRAKES_MPS2.
TRUST_FROM_M, TRUST_S = 40.0, 8.0
STRAIGHT_RAD, SIDE_SIN = np.deg2rad(30.0), 0.7
SAME_WAY_COS = 0.7
_GREEN = (int(LampColour.GREEN), int(LampColour.FLASHING_GREEN))


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """T ticks of the ego among N users: pose (T, 3) of its rear axle; speed_mps, yaw_rate_radps, limit_mps (T,); uid
    (T, N), -1 for nobody; box (T, N, 5), user_mps (T, N) along their yaw; drives (T, N) bool: not on foot, no thing;
    green (T,) bool: see `has_green`."""

    pose: np.ndarray
    speed_mps: np.ndarray
    yaw_rate_radps: np.ndarray
    limit_mps: np.ndarray
    uid: np.ndarray
    box: np.ndarray
    user_mps: np.ndarray
    drives: np.ndarray
    green: np.ndarray


def has_green(line_ahead_m: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Return (T,) bool: its lamp is green and the ego's line (T,) m ahead is near, or just passed on green."""
    with np.errstate(invalid="ignore"):
        comes = (line_ahead_m > 0.0) & (line_ahead_m < TRUST_FROM_M) & np.isin(colour, _GREEN)
        passes = comes[:-1] & (line_ahead_m[:-1] < 2.0) & ~(line_ahead_m[1:] > 0.0)
    out = comes.copy()
    for tick in np.flatnonzero(passes) + 1:
        out[tick : tick + round(TRUST_S / TICK_S)] = True
    return out


def provoked_by(scenes: Scenes, tick: int) -> int:
    """Return the uid of who provoked the hard braking that begins at a tick; -1 for nobody: it is the ego's own."""
    cause = _cause(scenes, tick)
    if cause < 0:
        return -1
    ticks, slot = _followed(scenes, tick, cause)
    ttc = np.array([_meets_s(scenes, t, n) for t, n in zip(ticks, slot, strict=True)])
    first = _begins(ttc)
    first = _no_longer_holds(scenes, ticks, slot, ttc, first)
    return cause if _touches(scenes, ticks[first:], slot[first:]) else -1


def _cause(scenes: Scenes, tick: int) -> int:
    """Return the uid of who was about to be met first; -1 for nobody within CAUSE_S."""
    best, cause = CAUSE_S, -1
    for t in range(max(tick - CAUSE_TICKS, 0), tick + 1):
        there = np.flatnonzero(scenes.uid[t] >= 0)
        if len(there):
            times = _meetings_s(scenes, t, there)
            n = int(times.argmin())
            if times[n] < best:
                best, cause = float(times[n]), int(scenes.uid[t, there[n]])
    return cause


def _followed(scenes: Scenes, tick: int, uid: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (ticks, slots) of a user over the last LOOK_S up to a tick."""
    ticks, slots = [], []
    for t in range(max(tick - round(LOOK_S / TICK_S), 0), tick + 1):
        found = np.flatnonzero(scenes.uid[t] == uid)
        if len(found):
            ticks.append(t)
            slots.append(int(found[0]))
    return np.array(ticks), np.array(slots)


def _meetings_s(scenes: Scenes, tick: int, slots: np.ndarray) -> np.ndarray:
    """Return seconds until the ego, holding speed and steering, meets users that hold theirs; infinite after LOOK_S."""
    boxes, yaw = scenes.box[tick, slots], scenes.box[tick, slots, 2]
    velocity = scenes.user_mps[tick, slots, None] * np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    own = (
        _ego_box(scenes.pose[tick]),
        EGO_BODY.centre_x_m,
        float(scenes.speed_mps[tick]),
        float(scenes.yaw_rate_radps[tick]),
    )
    return time_to_collision_turning_s(*own, boxes, velocity, LOOK_S)


def _meets_s(scenes: Scenes, tick: int, slot: int) -> float:
    return float(_meetings_s(scenes, tick, np.array([slot]))[0])


def _begins(ttc_s: np.ndarray) -> int:
    """Return where the last stretch of ticks at which they would meet begins."""
    first, gone = len(ttc_s) - 1, 0
    for k in range(len(ttc_s) - 1, -1, -1):
        gone = 0 if np.isfinite(ttc_s[k]) else gone + 1
        if gone > GAP_TICKS:
            break
        if gone == 0:
            first = k
    return first


def _no_longer_holds(scenes: Scenes, ticks: np.ndarray, slot: np.ndarray, ttc_s: np.ndarray, first: int) -> int:
    """Return from where on it was clear that who comes from the side would not hold at his red; first for others."""
    while first < len(ticks) - 1:
        t, n = int(ticks[first]), int(slot[first])
        turned = float(wrap_angle(scenes.pose[int(ticks[-1]), 2] - scenes.pose[t, 2]))
        aside = abs(np.sin(scenes.box[t, n, 2] - scenes.pose[t, 2])) > SIDE_SIN
        if not (scenes.green[t] and scenes.drives[t, n] and aside and abs(turned) < STRAIGHT_RAD):
            break
        # What he still has to go is his speed times ttc_s, and he needs half his speed squared over the braking.
        if scenes.user_mps[t, n] > 2.0 * BRAKES_MPS2 * ttc_s[first]:
            break
        first += 1
    return first


def _touches(scenes: Scenes, ticks: np.ndarray, slot: np.ndarray) -> bool:
    """Whether the careful driver, for whom the danger begins at the first of these ticks, touches the other."""
    t, n = int(ticks[0]), int(slot[0])
    speed = min(float(scenes.speed_mps[t]), float(scenes.limit_mps[t]))
    time_s = np.arange(round(DRIVEN_S / TICK_S) + 1) * TICK_S
    braking_s = np.clip(time_s - REACTS_S, 0.0, speed / BRAKES_MPS2)
    gone_m = speed * (np.minimum(time_s, REACTS_S) + braking_s) - 0.5 * BRAKES_MPS2 * braking_s**2
    gone_m -= max(_too_near_m(scenes, t, n, speed), 0.0)
    own = np.array([_ego_box(pose) for pose in _driven_on(scenes, ticks, gone_m)])
    moves = time_s < REACTS_S + speed / BRAKES_MPS2
    return bool((clearance_m(own, _goes_on(scenes, ticks, slot, time_s))[moves] <= 0.0).any())


def _too_near_m(scenes: Scenes, tick: int, slot: int, speed_mps: float) -> float:
    """Return how much nearer than R157's gap the ego follows a user; -inf for who is not before it in its way."""
    ahead, left = to_child(scenes.pose[tick], scenes.box[tick, slot, :2][None])[0]
    length, width = scenes.box[tick, slot, 3:]
    turned = scenes.box[tick, slot, 2] - scenes.pose[tick, 2]
    if abs(left) > 0.5 * (EGO_BODY.width_m + width) or np.cos(turned) < SAME_WAY_COS or ahead < EGO_BODY.front_x_m:
        return -np.inf
    gap_m = ahead - EGO_BODY.front_x_m - 0.5 * length
    return speed_mps * float(np.interp(speed_mps, FOLLOWS_MPS, FOLLOWS_S)) - gap_m


def _driven_on(scenes: Scenes, ticks: np.ndarray, gone_m: np.ndarray) -> np.ndarray:
    """Return the poses (k, 3) after metres gone from the first tick, along the way the ego drove until the last, and
    straight on before and after."""
    way = scenes.pose[int(ticks[0]) : int(ticks[-1]) + 1]
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way[:, :2], axis=0).T))])
    out = np.stack([np.interp(gone_m, s, column) for column in (way[:, 0], way[:, 1], np.unwrap(way[:, 2]))], axis=-1)
    beyond = gone_m - np.clip(gone_m, 0.0, s[-1])
    out[:, :2] += beyond[:, None] * np.stack([np.cos(out[:, 2]), np.sin(out[:, 2])], axis=-1)
    return out


def _goes_on(scenes: Scenes, ticks: np.ndarray, slot: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Return the other's boxes (k, 5) from the first tick on: as he went until the last, and straight on after it."""
    known = scenes.box[ticks, slot]
    at = np.minimum(np.rint(time_s / TICK_S).astype(int), int(ticks[-1] - ticks[0]))
    out = known[np.searchsorted(ticks - ticks[0], at).clip(max=len(known) - 1)]
    later_m = float(scenes.user_mps[ticks[-1], slot[-1]]) * np.maximum(time_s - (ticks[-1] - ticks[0]) * TICK_S, 0.0)
    out[:, :2] += later_m[:, None] * np.stack([np.cos(out[:, 2]), np.sin(out[:, 2])], axis=-1)
    return out


def _ego_box(pose: np.ndarray) -> np.ndarray:
    x, y, yaw = pose
    ahead = EGO_BODY.centre_x_m
    return np.array([x + ahead * np.cos(yaw), y + ahead * np.sin(yaw), yaw, EGO_BODY.length_m, EGO_BODY.width_m])
