"""People: a skeleton of limbs, walking, gesturing or riding, in clothes of their own.

Proportions are those of an adult of 1.72 m: shoulders 1.41 m high and 0.44 m wide, upper arm 0.32, forearm 0.25, hand
0.19 m; everything scales with the height. A child's head is larger for its body.
"""

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.gestures import arms_of
from xiaolu.cameras.limb import LIMB, Limbs
from xiaolu.core.users import Kind, Users

REFERENCE_M = 1.72
TOPS = (
    np.array(
        [
            [52, 70, 110], [160, 44, 48], [210, 208, 202], [44, 46, 50], [86, 120, 92], [196, 150, 60],
            [120, 92, 140], [70, 130, 160], [104, 62, 88], [228, 180, 186], [96, 100, 108], [34, 84, 84],
        ]
    )
    / 255.0
)  # fmt: skip
TROUSERS = np.array([[44, 52, 74], [36, 36, 40], [96, 88, 74], [70, 74, 82], [58, 80, 112], [124, 112, 96]]) / 255.0
SKIN = np.array([[232, 190, 160], [222, 176, 142], [206, 158, 124], [188, 140, 108]]) / 255.0
HAIR = np.array([[26, 22, 22], [40, 30, 26], [30, 28, 30], [110, 108, 106]]) / 255.0
UNIFORM, VEST, CAP, GLOVE = (0.11, 0.14, 0.22), (0.78, 0.92, 0.16), (0.88, 0.89, 0.90), (0.94, 0.94, 0.94)
WORK_VEST, HELMET, HEDGE = (1.0, 0.44, 0.08), (0.96, 0.80, 0.12), (0.22, 0.26, 0.34)
SHOE = (0.12, 0.11, 0.11)


def _lit(own: np.ndarray, kind, officer, worker) -> np.ndarray:
    """Return colours (n, 3): one's own, or the uniform's."""
    out = np.where((kind == Kind.OFFICER)[:, None], officer, own)
    return np.where((kind == Kind.WORKER)[:, None], worker, out)


def limbs_of_people(users: Users, label: np.ndarray, raised_label: np.ndarray, lift_m: np.ndarray) -> np.ndarray:
    """Return (n, limbs) LIMB for n users on foot or on two wheels; labels (n,) uint32; lift_m: added to their z."""
    kind, style = np.asarray(users.kind), np.abs(np.asarray(users.style, np.int64))
    rides = (kind == Kind.BICYCLE) | (kind == Kind.E_BIKE)
    count = len(kind)
    scale = np.where(rides, 1.0, np.maximum(users.height_m, 0.5) / REFERENCE_M)
    walking = np.where(rides, 0.0, np.clip(np.abs(users.speed_mps) / 1.2, 0.0, 1.3))
    cos, sin = np.cos(users.yaw_rad), np.sin(users.yaw_rad)
    origin = np.stack([users.x_m, users.y_m, users.z_m + lift_m], -1)

    def world(local: np.ndarray) -> np.ndarray:
        """Return (n, 3) world places of body places (n, 3) in an adult's metres."""
        x, y = local[:, 0] * scale, local[:, 1] * scale
        out = origin.copy()
        out[:, 0] += cos * x - sin * y
        out[:, 1] += sin * x + cos * y
        out[:, 2] += local[:, 2] * scale
        return out

    def at(x, y, z) -> np.ndarray:
        out = np.empty((count, 3))
        out[:, 0], out[:, 1], out[:, 2] = x, y, z
        return out

    side = np.stack([-sin, cos, 0 * cos], -1)
    swing = np.sin(users.stride_rad)
    child = kind == Kind.CHILD
    bicycle, e_bike = kind == Kind.BICYCLE, kind == Kind.E_BIKE
    # Riders sit: hips behind the middle, trunk leaning to the handlebar.
    hip_z = np.select([bicycle, e_bike], [0.93, 0.86], 0.90 - 0.02 * walking * np.abs(np.cos(users.stride_rad)))
    hip_x = np.select([bicycle, e_bike], [-0.20, -0.42], 0.0)
    lean = np.select([bicycle, e_bike], [0.40, 0.06], 0.03 * walking)
    trunk = 0.51
    neck_x, neck_z = hip_x + trunk * np.sin(lean), hip_z + trunk * np.cos(lean)

    top = _lit(TOPS[(style * 5 + 3) % len(TOPS)], kind, VEST, WORK_VEST)
    sleeve = _lit(TOPS[(style * 5 + 3) % len(TOPS)] * 0.92, kind, UNIFORM, HEDGE)
    trousers = _lit(TROUSERS[(style * 3 + 1) % len(TROUSERS)], kind, UNIFORM, HEDGE)
    skin = SKIN[(style // 3) % len(SKIN)]
    hair = np.where((rides & (style % 4 != 0))[:, None], TOPS[(style * 3) % len(TOPS)], HAIR[(style // 2) % len(HAIR)])
    hair = _lit(hair, kind, CAP, HELMET)
    hand = _lit(skin, kind, GLOVE, skin)
    short_sleeves = ((style % 3 == 0) & ~np.isin(kind, (Kind.OFFICER, Kind.WORKER)))[:, None]

    limbs = Limbs(count)
    limbs.add(
        world(at(hip_x, 0, hip_z - 0.08)),
        world(at(hip_x, 0, hip_z + 0.12)),
        side,
        0.165 * scale,
        0.155 * scale,
        trousers,
        label,
        0.72,
    )
    limbs.add(
        world(at(hip_x, 0, hip_z + 0.02)),
        world(at(neck_x, 0, neck_z + 0.08)),
        side,
        0.158 * scale,
        0.205 * scale,
        top,
        label,
        0.58,
    )
    limbs.add(
        world(at(neck_x, 0, neck_z)),
        world(at(neck_x + 0.02, 0, neck_z + 0.14)),
        side,
        0.055 * scale,
        0.055 * scale,
        skin,
        label,
    )
    head_r = np.where(child, 0.125, 0.098) * scale
    head_z = neck_z + np.where(child, 0.20, 0.185)
    head = world(at(neck_x + 0.03, 0, head_z))
    up = np.zeros((count, 3))
    up[:, 2] = 1.0
    ahead = np.stack([cos, sin, 0 * cos], -1)
    limbs.add(
        head - up * (head_r * 1.18)[:, None],
        head + up * (head_r * 1.18)[:, None],
        side,
        head_r,
        head_r,
        skin,
        label,
        1.08,
    )
    cap = head - ahead * (0.018 * scale)[:, None]
    limbs.add(
        cap - up * (head_r * 0.30)[:, None],
        cap + up * (head_r * 1.36)[:, None],
        side,
        head_r * 1.10,
        head_r * 1.02,
        hair,
        label,
        1.08,
    )

    for leg in (1.0, -1.0):
        phase = swing * leg
        thigh = 0.44 * phase * walking + 0.03
        knee_bend = walking * (0.10 + 0.72 * np.clip(np.cos(users.stride_rad) * leg, 0.0, None))
        spin = users.stride_rad + (0.0 if leg > 0 else np.pi)
        hip = at(hip_x, 0.092 * leg, hip_z)
        knee = hip + at(0.43 * np.sin(thigh), 0, -0.43 * np.cos(thigh))
        shin = thigh - knee_bend
        ankle = knee + at(0.41 * np.sin(shin), 0, -0.41 * np.cos(shin))
        # Pedals turn about the bottom bracket; an e-bike's rider rests both feet on the board.
        pedal = at(-0.02 + 0.17 * np.cos(spin), 0.12 * leg, 0.38 - 0.17 * np.sin(spin))
        ankle = np.where(bicycle[:, None], pedal, np.where(e_bike[:, None], at(0.14, 0.13 * leg, 0.36), ankle))
        knee_out = np.where(e_bike, 0.16, 0.12) * leg
        span = ankle - hip
        reach = np.maximum(np.linalg.norm(span, axis=-1), 1e-6)
        bow = np.sqrt(np.maximum(0.43**2 - (reach / 2) ** 2, 0.0))
        sitting = (hip + ankle) / 2 + at(-span[:, 2] / reach * bow, 0, span[:, 0] / reach * bow)
        sitting[:, 1] = knee_out
        knee = np.where(rides[:, None], sitting, knee)
        toe = ankle + at(np.where(rides, 0.16, 0.17 * np.cos(shin * 0.4)), 0, np.where(rides, -0.03, -0.03))
        limbs.add(world(hip), world(knee), side, 0.088 * scale, 0.062 * scale, trousers, label)
        limbs.add(world(knee), world(ankle), side, 0.060 * scale, 0.045 * scale, trousers * 0.94, label)
        limbs.add(
            world(ankle - at(0.06, 0, 0.035)),
            world(toe - at(0, 0, 0.01)),
            side,
            0.045 * scale,
            0.042 * scale,
            SHOE,
            label,
        )

    arms, raised = arms_of(kind, users.gesture, users.gesture_s, style, users.stride_rad, walking)
    for arm, leg in enumerate((1.0, -1.0)):
        shoulder = at(neck_x, 0.205 * leg, neck_z - 0.01)
        grip = np.where(bicycle[:, None], at(0.33, 0.24 * leg, 0.99), at(0.30, 0.28 * leg, 1.03))
        elbow = shoulder + 0.31 * arms[:, arm, 0]
        wrist = elbow + 0.25 * arms[:, arm, 1]
        held = (shoulder + grip) / 2 + at(-0.03, 0.09 * leg, -0.09)
        holds = (rides & ~raised[:, arm])[:, None]
        elbow, wrist = np.where(holds, held, elbow), np.where(holds, grip, wrist)
        ray = wrist - elbow
        ray /= np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-6)
        finger = wrist + np.where(holds, 0.09, 0.18) * ray
        mark = np.where(raised[:, arm], raised_label, label)
        limbs.add(world(shoulder + at(0, 0, 0.02)), world(elbow), side, 0.062 * scale, 0.050 * scale, sleeve, mark)
        limbs.add(
            world(elbow), world(wrist), side, 0.048 * scale, 0.038 * scale, np.where(short_sleeves, skin, sleeve), mark
        )
        limbs.add(world(wrist - 0.02 * ray), world(finger), side, 0.046 * scale, 0.036 * scale, hand, mark, 0.55)
    return limbs.all()


def person_label(slot: np.ndarray, raised: bool) -> np.ndarray:
    """Return labels (n,) uint32 of people in slots."""
    pixel_class = PixelClass.PERSON_ARM_RAISED if raised else PixelClass.PERSON
    return (np.uint32(pixel_class) | ((np.asarray(slot).astype(np.uint32) + np.uint32(1)) << np.uint32(8))).astype(
        np.uint32
    )


__all__ = ["LIMB", "limbs_of_people", "person_label"]
