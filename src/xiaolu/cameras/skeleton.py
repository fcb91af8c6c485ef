"""Skeletons: where people's joints are while they stand, walk, run or ride. Lengths in an adult's metres (1.72 m tall).

Proportions: shoulders 1.41 m high and 0.44 m wide, upper arm 0.32, forearm 0.25, hand 0.19 m (usual anthropometric
ratios); everything scales with the height. A child's head is larger for its body.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from xiaolu.cameras.gestures import SIDES, Poses, poses_of
from xiaolu.cameras.traits import Draw, Traits
from xiaolu.core.users import Kind, Users

REFERENCE_M = 1.72
TRUNK_M, THIGH_M, SHIN_M, SOLE_M = 0.51, 0.43, 0.41, 0.065
UPPER_M, FORE_M, HAND_M = 0.31, 0.25, 0.18
WALK_MPS, RUN_MPS = 1.2, 1.9  # full steps from the first; from the second on walking turns into running
RUNNERS_LEG_M = 0.79  # hips of who runs sink no lower than to legs of this length: then they fly
_STEP_RAD, _RUN_STEP_RAD = 0.44, 0.72  # a thigh's swing: what carries 0.72 m a step, as people's strides are counted


class Joint(IntEnum):
    """Joints of a skeleton; those with a left and a right one name the left, the right one is the next."""

    HIP = 0  # the middle of both
    NECK = 1
    HEAD = 2  # the head's middle
    FACE = 3  # 1 m from the head's middle to where the face looks
    CROWN = 4  # 1 m up from the head's middle
    LEFT_HIP = 5
    RIGHT_HIP = 6
    LEFT_KNEE = 7
    RIGHT_KNEE = 8
    LEFT_ANKLE = 9
    RIGHT_ANKLE = 10
    LEFT_TOE = 11
    RIGHT_TOE = 12
    LEFT_SHOULDER = 13
    RIGHT_SHOULDER = 14
    LEFT_ELBOW = 15
    RIGHT_ELBOW = 16
    LEFT_WRIST = 17
    RIGHT_WRIST = 18
    LEFT_TIP = 19
    RIGHT_TIP = 20


@dataclass(frozen=True, slots=True)
class Skeletons:
    """n people. joint (n, Joint, 3) in the body frame, an adult's metres, z from the ground; head_m (n,): the head's
    radius; place (n, 3), yaw as cosine and sine (n,), scale (n,): from the body frame to the world's."""

    joint: np.ndarray
    head_m: np.ndarray
    poses: Poses
    place: np.ndarray
    cos: np.ndarray
    sin: np.ndarray
    scale: np.ndarray

    def turned(self, vectors: np.ndarray, who=slice(None)) -> np.ndarray:
        """Return vectors (m, ..., 3) of some people's body frames in the world frame."""
        shape = (-1,) + (1,) * (vectors.ndim - 2)
        cos, sin = self.cos[who].reshape(shape), self.sin[who].reshape(shape)
        x, y, out = vectors[..., 0], vectors[..., 1], np.empty(vectors.shape)
        out[..., 0], out[..., 1], out[..., 2] = cos * x - sin * y, sin * x + cos * y, vectors[..., 2]
        return out

    def placed(self, points: np.ndarray, who=slice(None)) -> np.ndarray:
        """Return points (m, k, 3) of some people's body frames in the world frame."""
        return self.place[who][:, None] + self.turned(points, who) * self.scale[who][:, None, None]


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cross products of vectors (..., 3)."""
    out = np.empty(a.shape)
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        out[..., k] = a[..., i] * b[..., j] - a[..., j] * b[..., i]
    return out


def skeletons_of(users: Users, people: Traits, lift_m: np.ndarray, bearing_rad: np.ndarray) -> Skeletons:
    """Return the skeletons of n users on foot or on two wheels. lift_m (n,): added to their z; bearing_rad: as in
    `gestures.poses_of`."""
    kind, count = people.kind, len(people.kind)
    bicycle, e_bike = kind == Kind.BICYCLE, kind == Kind.E_BIKE
    rides = bicycle | e_bike
    speed = np.where(rides, 0.0, np.abs(users.speed_mps))
    walking = np.clip(speed / WALK_MPS, 0.0, 1.15)
    running = np.clip((speed - RUN_MPS) / 0.9, 0.0, 1.0)
    stride = np.where(rides, users.stride_rad, users.stride_rad % (2.0 * np.pi))
    poses = poses_of(people, users.gesture, users.gesture_s, stride, walking, running, bearing_rad)

    joint = np.zeros((count, len(Joint), 3))
    hip_z = _legs(joint, people, users.stride_rad, walking, running, bicycle, e_bike)
    stoop = np.where(people.elderly, 0.06 + 0.16 * people.draw[Draw.STANCE], 0.0)
    lean = np.select([bicycle, e_bike], [0.28 + 0.2 * people.draw[Draw.STANCE], 0.06], 0.03 * walking + 0.13 * running)
    lean = lean + stoop
    hip, neck = joint[:, Joint.HIP], joint[:, Joint.NECK]
    hip[:, 2] = hip_z
    neck[:, 0] = hip[:, 0] + TRUNK_M * np.sin(lean)
    neck[:, 2] = hip[:, 2] + TRUNK_M * np.cos(lean)

    yaw, pitch = poses.head_yaw_rad, poses.head_pitch_rad
    crown = np.stack([np.sin(pitch) * np.cos(yaw), np.sin(pitch) * np.sin(yaw), np.cos(pitch)], -1)
    face = np.stack([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), -np.sin(pitch)], -1)
    joint[:, Joint.HEAD] = neck + [0.015, 0.0, 0.06] + crown * np.where(people.child, 0.145, 0.128)[:, None]
    joint[:, Joint.HEAD] += 0.015 * face
    joint[:, Joint.FACE], joint[:, Joint.CROWN] = face, crown

    shoulder = joint[:, Joint.LEFT_SHOULDER : Joint.RIGHT_SHOULDER + 1]
    shoulder[:] = neck[:, None]
    shoulder[..., 1] = SIDES * (0.155 + 0.05 * people.build)[:, None]
    # A raised arm takes its shoulder up with it.
    shoulder[..., 2] += 0.012 + 0.03 * np.clip(poses.upper[..., 2], 0.0, 1.0)
    elbow = shoulder + UPPER_M * poses.upper
    wrist = elbow + FORE_M * poses.fore
    hand = poses.hand.copy()
    if rides.any():
        grip = np.where(bicycle[:, None], [0.33, 0.24, 0.99], [0.30, 0.28, 1.03])[:, None] * np.stack(
            [np.ones(2), SIDES, np.ones(2)], -1
        )
        holds = (rides[:, None] * (1.0 - poses.weight))[..., None]
        bent = (shoulder + grip) / 2 + np.stack([np.full(2, -0.03), 0.09 * SIDES, np.full(2, -0.09)], -1)
        elbow = elbow + holds * (bent - elbow)
        wrist = wrist + holds * (grip - wrist)
        hand = hand + holds * (0.5 * (wrist - elbow) / FORE_M - hand)
    joint[:, Joint.LEFT_ELBOW : Joint.RIGHT_ELBOW + 1] = elbow
    joint[:, Joint.LEFT_WRIST : Joint.RIGHT_WRIST + 1] = wrist
    joint[:, Joint.LEFT_TIP : Joint.RIGHT_TIP + 1] = wrist + HAND_M * hand

    place = np.stack([users.x_m, users.y_m, users.z_m + lift_m], -1).reshape(count, 3)
    scale = np.where(rides, 1.0, np.maximum(users.height_m, 0.5) / REFERENCE_M)
    head_m = np.where(people.child, 0.125, 0.098)
    return Skeletons(joint, head_m, poses, place, np.cos(users.yaw_rad), np.sin(users.yaw_rad), scale)


def _legs(joint, people: Traits, stride_rad, walking, running, bicycle, e_bike) -> np.ndarray:
    """Fill the joints from the hips down and return the height of the hips (n,): the lower foot is on the ground, but
    for runners' moments in the air."""
    rides = bicycle | e_bike
    swing = np.sin(stride_rad)[:, None] * SIDES
    rising = np.clip(np.cos(stride_rad)[:, None] * SIDES, 0.0, None)
    step = (walking * (_STEP_RAD + (_RUN_STEP_RAD - _STEP_RAD) * running))[:, None]
    # Who stands rests on one leg more than on the other, and has the feet more or less apart.
    stance = people.draw[Draw.STANCE]
    slack = (np.maximum(1.0 - walking, 0.0) * np.where(people.kind == Kind.OFFICER, 0.0, 0.30))[:, None]
    slack = slack * np.clip(np.stack([stance - 0.4, 0.6 - stance], -1), 0.0, 0.5)
    thigh = step * swing + 0.03 + slack + 0.22 * running[:, None] * rising
    bend = walking[:, None] * (0.10 + (0.72 + 0.85 * running[:, None]) * rising) + 2.0 * slack
    bend += np.where(people.elderly, 0.10, 0.0)[:, None]
    shin = thigh - bend
    down = THIGH_M * np.cos(thigh) + SHIN_M * np.cos(shin)
    stands = down.max(-1)
    stands += running * np.maximum(RUNNERS_LEG_M - stands, 0.0)
    hip_z = np.select([bicycle, e_bike], [0.93, 0.86], stands + SOLE_M)
    hip_x = np.select([bicycle, e_bike], [-0.20, -0.42], 0.0)
    joint[:, Joint.HIP, 0] = hip_x

    hips = joint[:, Joint.LEFT_HIP : Joint.RIGHT_HIP + 1]
    knees = joint[:, Joint.LEFT_KNEE : Joint.RIGHT_KNEE + 1]
    ankles = joint[:, Joint.LEFT_ANKLE : Joint.RIGHT_ANKLE + 1]
    toes = joint[:, Joint.LEFT_TOE : Joint.RIGHT_TOE + 1]
    hips[..., 0], hips[..., 1], hips[..., 2] = hip_x[:, None], 0.092 * SIDES, hip_z[:, None]
    apart = (np.maximum(1.0 - walking, 0.0) * (0.01 + 0.06 * people.draw[Draw.SHAPE]))[:, None] * SIDES
    knees[:], ankles[:] = hips, hips
    knees[..., 0] += THIGH_M * np.sin(thigh)
    knees[..., 1] += 0.5 * apart
    knees[..., 2] -= THIGH_M * np.cos(thigh)
    ankles[..., 0] = knees[..., 0] + SHIN_M * np.sin(shin)
    ankles[..., 1] += apart
    ankles[..., 2] = knees[..., 2] - SHIN_M * np.cos(shin)
    if rides.any():
        # Pedals turn about the bottom bracket; an e-bike's rider rests both feet on the board.
        spin = np.asarray(stride_rad)[:, None] + np.array([0.0, np.pi])
        pedal = np.stack([-0.02 + 0.17 * np.cos(spin), 0.12 * SIDES + 0 * spin, 0.38 - 0.17 * np.sin(spin)], -1)
        board = np.stack([np.full(2, 0.14), 0.13 * SIDES, np.full(2, 0.36)], -1)
        foot = np.where(bicycle[:, None, None], pedal, board)
        span = foot - hips
        reach = np.maximum(np.hypot(span[..., 0], span[..., 2]), 1e-6)
        bow = np.sqrt(np.maximum(THIGH_M**2 - (reach / 2) ** 2, 0.0))
        bent = (hips + foot) / 2
        bent[..., 0] -= span[..., 2] / reach * bow
        bent[..., 2] += span[..., 0] / reach * bow
        bent[..., 1] = np.where(e_bike, 0.16, 0.12)[:, None] * SIDES
        knees[:] = np.where(rides[:, None, None], bent, knees)
        ankles[:] = np.where(rides[:, None, None], foot, ankles)
    toes[:] = ankles
    # The foot lies flat while it carries, and points down as it leaves the ground.
    drop = np.where(rides[:, None], 0.0, np.clip(-shin - 0.25, 0.0, 1.0))
    toes[..., 0] += np.where(rides[:, None], 0.16, 0.17 * np.cos(drop))
    toes[..., 2] -= 0.03 + 0.15 * np.sin(drop)
    return hip_z
