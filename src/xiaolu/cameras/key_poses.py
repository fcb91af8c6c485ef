"""Motions of arms as data: key poses at times, which of them repeat, and how far people differ in doing them.

Angles in degrees, as anatomists count them. An arm's direction is (elevation, plane): elevation 0 hanging, 90 level,
180 straight up; plane 0 out to the own side, 90 straight ahead, over 90 across the body. An elevation beyond 180
has passed the vertical and comes down on the other side, so that angles between two key poses can be mixed evenly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise

import numpy as np

from xiaolu.core.users import Gesture

# Where a palm looks while the wrist is straight, for the left arm (x ahead, y left, z up); the right one mirrors y.
PALMS = {
    "in": (0.0, -1.0, 0.0),
    "forward": (1.0, 0.0, 0.0),
    "back": (-1.0, 0.0, 0.0),
    "down": (0.0, 0.0, -1.0),
    "up": (0.0, 0.0, 1.0),
}
# Channels of an arm in a compiled key pose; weight is 0 where the arm hangs or swings with the walk, 1 where it poses.
UPPER_E, UPPER_A, FORE_E, FORE_A, WRIST, PALM_X, PALM_Y, PALM_Z, WEIGHT = range(9)
ARM_CHANNELS = 9
HEAD_YAW, HEAD_PITCH = 18, 19
CHANNELS = 20


class Held(IntEnum):
    """What a gesture holds in its leading hand."""

    NOTHING = 0
    PHONE = 1
    PADDLE_STOP = 2
    PADDLE_SLOW = 3
    UMBRELLA = 4
    BAG = 5
    BAGS = 6
    BOX = 7


@dataclass(frozen=True, slots=True)
class Arm:
    """A key pose of one arm. fore: the forearm's direction, the upper arm's unless given; wrist_deg: bent back
    towards the back of the hand; palm: where it looks while the wrist is straight, a name in PALMS."""

    upper: tuple[float, float]
    fore: tuple[float, float] | None = None
    wrist_deg: float = 0.0
    palm: str = "in"


@dataclass(frozen=True, slots=True)
class Key:
    """A moment of a motion. None is an arm that hangs. yaw_deg: the head's, to the own left; pitch_deg: bent down."""

    t_s: float
    left: Arm | None = None
    right: Arm | None = None
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Motion:
    """One way of making a gesture; pairs are ranges that people are drawn from evenly.

    keys: from t_s = 0. loop_from_s: from there to the last key it repeats, and both ends are one pose; None: the last
    pose is kept. rate_hz: of the loop; without it tempo, a factor on the keys' times, rules it. pause_s: rest at the
    loop's end. size: factor on the loop's swing about its middle. droop_deg: how far arms (left, right) stay below the
    key poses; bend_deg: forearms bent forward. head_share: of people who turn the head at all. share: of people who
    make the gesture this way. handed: mirrored for the left-handed; addressed: made towards somebody, who may stand
    aside. raises: the arms are a message (else a pixel of them is a person's like any other).
    """

    gesture: Gesture
    keys: tuple[Key, ...]
    loop_from_s: float | None = None
    rate_hz: tuple[float, float] | None = None
    tempo: tuple[float, float] = (0.75, 1.15)
    pause_s: tuple[float, float] = (0.0, 0.0)
    size: tuple[float, float] = (1.0, 1.0)
    droop_deg: tuple[tuple[float, float], tuple[float, float]] = ((-4.0, 4.0), (-4.0, 4.0))
    bend_deg: tuple[float, float] = (0.0, 6.0)
    head_share: float = 1.0
    share: float = 1.0
    held: Held = Held.NOTHING
    handed: bool = True
    addressed: bool = False
    raises: bool = True


def mirrored(motion: Motion, gesture: Gesture) -> Motion:
    """Return the motion with left and right exchanged, as another gesture."""
    keys = tuple(replace(k, left=k.right, right=k.left, yaw_deg=-k.yaw_deg) for k in motion.keys)
    return replace(motion, gesture=gesture, keys=keys, droop_deg=motion.droop_deg[::-1])


def _channels(arms: Sequence[Arm | None], side: float) -> np.ndarray:
    """Return (keys, ARM_CHANNELS) of one arm; while it hangs it keeps the planes and the palm of the nearest pose."""
    out = np.zeros((len(arms), ARM_CHANNELS))
    posed = [k for k, arm in enumerate(arms) if arm is not None]
    for k, arm in enumerate(arms):
        near = arms[min(posed, key=lambda p: (abs(p - k), p))] if posed else Arm((5.0, 20.0))
        assert near is not None
        fore = near.fore or near.upper
        palm = np.array(PALMS[near.palm]) * (1.0, side, 1.0)
        if arm is None:
            out[k] = 5.0, near.upper[1], 14.0, fore[1], 0.0, *palm, 0.0
        else:
            out[k] = *near.upper, *fore, near.wrist_deg, *palm, 1.0
    return out


@dataclass(frozen=True, slots=True)
class MotionTable:
    """M motions as arrays. time_s (M, K), inf after the last key; pose (M, K, CHANNELS); in_loop (M, K) bool; middle
    (M, CHANNELS): the loop's mean pose; loop_from_s, loop_s, end_s (M,): 0 s long where nothing repeats; ranges (M, 2):
    rate_hz (0 where tempo rules), tempo, pause_s, size, bend_deg; droop_deg (M, 2 arms, 2); head_share, held, leading
    (0 the left arm leads, 1 the right), handed, addressed, raises (M,).
    first (gestures,), ways (gestures,), share (gestures, V): a gesture's motions, and their shares added up."""

    time_s: np.ndarray
    pose: np.ndarray
    in_loop: np.ndarray
    middle: np.ndarray
    loop_from_s: np.ndarray
    loop_s: np.ndarray
    end_s: np.ndarray
    rate_hz: np.ndarray
    tempo: np.ndarray
    pause_s: np.ndarray
    size: np.ndarray
    bend_deg: np.ndarray
    droop_deg: np.ndarray
    head_share: np.ndarray
    held: np.ndarray
    handed: np.ndarray
    addressed: np.ndarray
    raises: np.ndarray
    first: np.ndarray
    ways: np.ndarray
    share: np.ndarray


def compiled(motions: Sequence[Motion], groups: int) -> MotionTable:
    """Return motions as arrays; those of one gesture lie together, in the order given. groups: how many gestures."""
    ordered = sorted(motions, key=lambda m: m.gesture)
    count, most = len(ordered), max(len(m.keys) for m in ordered)
    time = np.full((count, most), np.inf)
    pose = np.zeros((count, most, CHANNELS))
    in_loop = np.zeros((count, most), bool)
    middle = np.zeros((count, CHANNELS))
    loop_from, loop, end = np.zeros(count), np.zeros(count), np.zeros(count)
    for m, motion in enumerate(ordered):
        keys = motion.keys
        used = len(keys)
        assert keys[0].t_s == 0.0 and all(a.t_s < b.t_s for a, b in pairwise(keys)), motion
        time[m, :used] = [k.t_s for k in keys]
        pose[m, :used, :ARM_CHANNELS] = _channels([k.left for k in keys], 1.0)
        pose[m, :used, ARM_CHANNELS : 2 * ARM_CHANNELS] = _channels([k.right for k in keys], -1.0)
        pose[m, :used, HEAD_YAW] = [k.yaw_deg for k in keys]
        pose[m, :used, HEAD_PITCH] = [k.pitch_deg for k in keys]
        pose[m, used:] = pose[m, used - 1]
        end[m] = keys[-1].t_s
        loop_from[m] = end[m] if motion.loop_from_s is None else motion.loop_from_s
        if motion.loop_from_s is not None:
            loop[m] = end[m] - motion.loop_from_s
            in_loop[m, :used] = time[m, :used] >= motion.loop_from_s
            inside = np.flatnonzero(in_loop[m])
            ends = pose[m, inside[[0, -1]], : 2 * ARM_CHANNELS].reshape(2, 2, ARM_CHANNELS)
            seen = ends * ends[..., WEIGHT:]  # a hanging arm has no other angles
            assert np.allclose(seen[0], seen[1]), f"{motion} does not end where it began"
            middle[m] = pose[m, inside[:-1]].mean(0)
    index = np.array([m.gesture for m in ordered])
    first, ways = np.searchsorted(index, np.arange(groups)), np.bincount(index, minlength=groups)
    share = np.ones((groups, max(int(ways.max()), 1)))
    for g in range(groups):
        mine = np.array([m.share for m in ordered[first[g] : first[g] + ways[g]]])
        share[g, : ways[g]] = np.cumsum(mine) / max(mine.sum(), 1e-9)

    def column(name: str) -> np.ndarray:
        return np.array([getattr(m, name) for m in ordered])

    return MotionTable(
        time_s=time,
        pose=pose,
        in_loop=in_loop,
        middle=middle,
        loop_from_s=loop_from,
        loop_s=loop,
        end_s=end,
        rate_hz=np.array([m.rate_hz or (0.0, 0.0) for m in ordered]),
        tempo=column("tempo"),
        pause_s=column("pause_s"),
        size=column("size"),
        bend_deg=column("bend_deg"),
        droop_deg=column("droop_deg"),
        head_share=column("head_share"),
        held=column("held"),
        handed=column("handed"),
        addressed=column("addressed"),
        raises=column("raises"),
        first=first,
        ways=ways,
        share=share,
    )
