"""What arms do: a gesture and the seconds since it began become directions of arms, hands and head.

A pure function of who somebody is, of gesture_s, and of the walk. Body frame: x ahead, y left, z up, unit vectors;
[:, 0] is the left arm, [:, 1] the right. `key_poses` says how motions are written down.

While a gesture ends, and arms come down, gesture_s is negative: see `xiaolu.world.hands`.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from xiaolu.cameras.commands import COMMANDS
from xiaolu.cameras.everyday import EVERYDAY, HANGING_SHARE, IDLE, IDLE_GROUP
from xiaolu.cameras.key_poses import (
    ARM_CHANNELS,
    FORE_A,
    FORE_E,
    HEAD_PITCH,
    HEAD_YAW,
    PALM_X,
    PALM_Z,
    UPPER_A,
    UPPER_E,
    WEIGHT,
    WRIST,
    MotionTable,
    compiled,
)
from xiaolu.cameras.traits import SEED, Draw, Traits
from xiaolu.core.chance import Purpose
from xiaolu.core.users import Gesture, Kind
from xiaolu.world.draws import draw as drawn
from xiaolu.world.hands import coming_down

ELDERLY_TEMPO = 0.5  # raising takes the elderly 0.9 to 1.1 s
JITTER_CYCLES = 0.08  # gives half periods a coefficient of variation near 0.07, the measured median
JITTER_SIZE = 0.12  # uniform to either side: again 0.07
POSE_DEG = 7.0  # people's own elevations and planes differ by up to so much to either side; tuned
ASIDE_RAD = 0.7  # who stands further aside than this is addressed with the arm of that side
TWIST_RAD = 1.75  # arms turn no further
SIDES = np.array([1.0, -1.0])
_GESTURE = int(Purpose.GESTURE)
# An officer's plain stop, slow down and pull over are the commands.
FORMAL = np.arange(len(Gesture))
FORMAL[Gesture.STOP] = Gesture.POLICE_STOP
FORMAL[Gesture.SLOW_DOWN] = Gesture.POLICE_SLOW
FORMAL[Gesture.PULL_OVER] = Gesture.POLICE_PULL_OVER


@dataclass(frozen=True, slots=True)
class Poses:
    """n people. upper, fore, hand, palm (n, 2, 3): directions of upper arms, forearms and fingers, and where palms
    look; head_yaw_rad to the left and head_pitch_rad down (n,); weight (n, 2): 0 where an arm hangs or swings, 1 where
    it poses; raised (n, 2) bool: it is up with a message; held (n,) of `Held`, in the arm leading (n,)."""

    upper: np.ndarray
    fore: np.ndarray
    hand: np.ndarray
    palm: np.ndarray
    head_yaw_rad: np.ndarray
    head_pitch_rad: np.ndarray
    weight: np.ndarray
    raised: np.ndarray
    held: np.ndarray
    leading: np.ndarray


@cache
def all_motions() -> MotionTable:
    """Return every motion there is: commands of officers, workers' paddles, everybody's hands, and idle arms."""
    return compiled((*COMMANDS, *EVERYDAY, *IDLE), IDLE_GROUP + 1)


def direction(elevation_deg, plane_deg, side) -> np.ndarray:
    """Return unit vectors (..., 3) in the body frame; side 1 is the left arm, -1 the right."""
    e, a = np.radians(elevation_deg), np.radians(plane_deg)
    sin = np.sin(e)
    return np.stack([sin * np.sin(a), side * sin * np.cos(a), -np.cos(e)], -1)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (..., 3) at length 1; none is the zero vector."""
    return vectors / np.sqrt(np.maximum((vectors * vectors).sum(-1, keepdims=True), 1e-12))


def eased(share: np.ndarray) -> np.ndarray:
    """Return shares from 0 to 1 that begin and end gently."""
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _between(ranges: np.ndarray, draw: np.ndarray) -> np.ndarray:
    return ranges[..., 0] + (ranges[..., 1] - ranges[..., 0]) * draw


@njit(cache=True)
def _wobble(style, cycles):
    """Return (2, n) smooth noise from -1 to 1, new with every cycle and 0 where the first begins."""
    out = np.empty((2, len(style)))
    for i in range(len(style)):
        whole = np.floor(cycles[i])
        share = cycles[i] - whole
        share = share * share * (3.0 - 2.0 * share)
        for k in range(2):
            first = 2.0 * drawn(SEED, style[i], int(whole), _GESTURE, k) - 1.0 if whole > 0.0 else 0.0
            last = 2.0 * drawn(SEED, style[i], int(whole) + 1, _GESTURE, k) - 1.0
            out[k, i] = first + (last - first) * share
    return out


def _chosen(group: np.ndarray, draw: np.ndarray) -> np.ndarray:
    table = all_motions()
    way = (draw[:, None] >= table.share[group]).sum(-1)
    return table.first[group] + np.minimum(way, table.ways[group] - 1)


def motion_of(people: Traits, gesture: np.ndarray) -> np.ndarray:
    """Return the motion (n,) of `all_motions` by which each makes a gesture, -1 where there is none to make."""
    gesture = np.where(people.kind == Kind.OFFICER, FORMAL[gesture], gesture)
    return np.where(gesture <= Gesture.WALK, -1, _chosen(np.maximum(gesture, Gesture.STOP), people.draw[Draw.WAY]))


def idle_of(people: Traits) -> np.ndarray:
    """Return the motion (n,) of arms that do nothing else: in pockets, folded; -1 where they hang."""
    own = (people.draw[Draw.IDLE] - HANGING_SHARE) / (1.0 - HANGING_SHARE)
    idle = _chosen(np.full(len(own), IDLE_GROUP), own)
    return np.where((people.kind == Kind.PEDESTRIAN) & (own >= 0.0), idle, -1)


def _posed(people: Traits, motion: np.ndarray, gesture_s: np.ndarray) -> np.ndarray:
    """Return the channels (n, CHANNELS) of motions (n,) at gesture_s."""
    table, draw = all_motions(), people.draw
    fast = np.where(people.elderly, ELDERLY_TEMPO, 1.0)
    tempo = _between(table.tempo[motion], draw[Draw.TEMPO]) * fast
    rate = _between(table.rate_hz[motion], draw[Draw.RATE])
    pause = _between(table.pause_s[motion], draw[Draw.PAUSE])
    start, loop = table.loop_from_s[motion], table.loop_s[motion]
    swing_s = np.where(rate > 0.0, 1.0 / np.maximum(rate, 1e-9), np.maximum(loop, 1e-6) / tempo)
    period = swing_s + pause
    t, left = coming_down(gesture_s)
    cycles = np.where(loop > 0.0, np.maximum(t - start / tempo, 0.0) / period, 0.0)
    wobble = _wobble(people.style, cycles)
    cycles = cycles + JITTER_CYCLES * wobble[0]
    inside = np.clip((cycles - np.floor(cycles)) * period / swing_s, 0.0, 1.0) * loop
    at = np.where((loop > 0.0) & (t >= start / tempo), start + inside, np.minimum(t * tempo, table.end_s[motion]))

    times = table.time_s[motion]
    last = np.maximum((at[:, None] >= times).sum(-1) - 1, 0)
    following = np.minimum(last + 1, times.shape[1] - 1)
    row = np.arange(len(motion))
    span = times[row, following] - times[row, last]
    share = eased((at - times[row, last]) / np.where(np.isfinite(span) & (span > 0.0), span, np.inf))[:, None]
    size = (_between(table.size[motion], draw[Draw.SIZE]) * (1.0 + JITTER_SIZE * wobble[1]))[:, None]
    middle = table.middle[motion]
    ends = []
    for key in (last, following):
        pose = table.pose[motion, key]
        inner = table.in_loop[motion, key] & (rate > 0.0)
        ends.append(np.where(inner[:, None], middle + size * (pose - middle), pose))
    pose = ends[0] + (ends[1] - ends[0]) * share
    first = table.pose[motion, 0]
    return first + (pose - first) * eased(left)[:, None]


def poses_of(people: Traits, gesture, gesture_s, stride_rad, walking, running, bearing_rad) -> Poses:
    """Return the poses of n people.

    gesture (n,) ints; gesture_s, stride_rad (n,); walking (n,): 0 standing to 1 at walking pace; running (n,): 0 to 1;
    bearing_rad (n,): where the one whom a gesture is meant for stands, to the left of straight ahead; officers and
    workers always speak to where they face.
    """
    count = len(people.kind)
    gesture, gesture_s = np.asarray(gesture, np.int64), np.asarray(gesture_s, float)
    upper, fore = _resting(people, stride_rad, walking, running)
    palm = np.zeros((count, 2, 3))
    palm[..., 0], palm[..., 1] = 0.25, -SIDES
    wrist, weight, raised = np.zeros((count, 2)), np.zeros((count, 2)), np.zeros((count, 2), bool)
    yaw, pitch = np.zeros(count), np.where(people.elderly, 8.0, 0.0)
    held, leading = np.zeros(count, np.int64), np.where(people.left_handed, 0, 1)
    table = all_motions()
    long_ago = np.full(count, 60.0)
    still = 1.0 - np.clip(walking, 0.0, 1.0)
    # A gesture takes the arms it needs from pockets; the other stays.
    for motion, seconds, part in (
        (idle_of(people), long_ago, still),
        (motion_of(people, gesture), gesture_s, np.ones(count)),
    ):
        posing = np.flatnonzero(motion >= 0)
        if not len(posing):
            continue
        who, motion = people[posing], motion[posing]
        channel = _posed(who, motion, seconds[posing])
        aside = np.where(table.addressed[motion] & (who.kind <= Kind.CHILD), np.asarray(bearing_rad)[posing], 0.0)
        aside = np.clip(aside, -TWIST_RAD, TWIST_RAD)
        flipped = table.handed[motion] & np.where(np.abs(aside) > ASIDE_RAD, aside > 0.0, who.left_handed)
        arm = channel[:, : 2 * ARM_CHANNELS].reshape(-1, 2, ARM_CHANNELS)
        arm = np.where(flipped[:, None, None], arm[:, ::-1], arm)
        own = (2.0 * who.draw[[Draw.ELEVATION, Draw.PLANE]] - 1.0) * POSE_DEG
        droop = _between(table.droop_deg[motion], who.draw[Draw.DROOP][:, None])
        lift = 0.5 * own[0][:, None] - np.where(flipped[:, None], droop[:, ::-1], droop)
        turned = own[1][:, None] - np.degrees(aside)[:, None] * SIDES
        bend = _between(table.bend_deg[motion], who.draw[Draw.BEND])[:, None]
        # A hanging arm's key pose lies near to where arms rest, so mixing is over before the arm is far up.
        share = np.clip(3.0 * arm[..., WEIGHT], 0.0, 1.0) * part[posing][:, None]
        lift, turned, bend = (share * own for own in (lift, turned, bend))
        goal_upper = direction(arm[..., UPPER_E] + lift, arm[..., UPPER_A] + turned, SIDES)
        goal_fore = direction(arm[..., FORE_E] + lift, arm[..., FORE_A] + turned + bend, SIDES)
        x, y = arm[..., PALM_X], arm[..., PALM_X + 1] * np.where(flipped, -1.0, 1.0)[:, None]
        cos, sin = np.cos(aside)[:, None], np.sin(aside)[:, None]
        goal_palm = np.stack([cos * x - sin * y, sin * x + cos * y, arm[..., PALM_Z]], -1)
        mix = share[..., None]
        upper[posing] = unit(upper[posing] * (1.0 - mix) + goal_upper * mix)
        fore[posing] = unit(fore[posing] * (1.0 - mix) + goal_fore * mix)
        palm[posing] = palm[posing] * (1.0 - mix) + goal_palm * mix
        wrist[posing] = wrist[posing] * (1.0 - share) + arm[..., WRIST] * share
        weight[posing] = np.maximum(weight[posing], arm[..., WEIGHT] * part[posing][:, None])
        up = np.maximum(arm[..., UPPER_E], np.minimum(arm[..., FORE_E], 180.0)) > 30.0
        raised[posing] = table.raises[motion][:, None] & (arm[..., WEIGHT] > 0.3) & up
        turns = np.where(who.draw[Draw.HEAD] < table.head_share[motion], 1.0, 0.12) * np.where(flipped, -1.0, 1.0)
        attends = arm[..., WEIGHT].max(-1)
        yaw[posing] += turns * channel[:, HEAD_YAW] + np.degrees(np.clip(aside, -1.2, 1.2)) * attends
        pitch[posing] += channel[:, HEAD_PITCH]
        held[posing], leading[posing] = table.held[motion], np.where(flipped, 0, 1)

    # The palm is square to the forearm; bending the wrist back turns fingers away from it, and the palm to the front.
    palm = unit(palm - (palm * fore).sum(-1, keepdims=True) * fore)
    c, s = np.cos(np.radians(wrist))[..., None], np.sin(np.radians(wrist))[..., None]
    hand, palm = c * fore - s * palm, s * fore + c * palm
    return Poses(upper, fore, hand, palm, np.radians(yaw), np.radians(pitch), weight, raised, held, leading)


def _resting(people: Traits, stride_rad, walking, running) -> tuple[np.ndarray, np.ndarray]:
    """Return upper arms and forearms (n, 2, 3) that hang, or swing against the leg of their side.

    A wrist swings through 19 to 93 degrees in all as people walk, 52 in the middle.
    """
    walking, running = np.asarray(walking), np.asarray(running)
    half = 9.5 + 36.0 * people.draw[Draw.SWING] ** 1.1
    swing = (np.sin(stride_rad) * walking * (half * (1.0 - running) + 46.0 * running))[:, None] * SIDES
    ahead = np.radians(4.0 + 4.0 * running[:, None] - swing)
    out = (0.10 + 0.10 * (people.build - 0.88))[:, None] * np.ones(2)
    bent = (
        ahead + np.radians(12.0 + 12.0 * walking + 62.0 * running)[:, None] + 0.25 * np.maximum(-np.radians(swing), 0)
    )
    upper = np.stack([np.sin(ahead), out * SIDES, -np.cos(ahead)], -1)
    fore = np.stack([np.sin(bent), 0.4 * out * SIDES, -np.cos(bent)], -1)
    return unit(upper), unit(fore)
