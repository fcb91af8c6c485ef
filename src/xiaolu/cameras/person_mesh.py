"""People as limbs: skeletons of joints, dressed, with what they hold."""

from functools import lru_cache

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.held import add_held
from xiaolu.cameras.limb import Limbs
from xiaolu.cameras.skeleton import Joint, Skeletons, cross, skeletons_of
from xiaolu.cameras.traits import Traits, traits_of
from xiaolu.cameras.wardrobe import BAND, CAP, COURIERS, NAVY, Clothes, clothes_of
from xiaolu.core.users import Users

MEANT_FOR_M = 45.0  # who gestures at a driver nearer than this means the ego, and turns to it; beyond it fades

_LEFT = np.array([0.0, 1.0, 0.0])
_UP = np.array([0.0, 0.0, 1.0])
_LEGS = [(Joint.LEFT_HIP, Joint.LEFT_KNEE), (Joint.RIGHT_HIP, Joint.RIGHT_KNEE)]
_LEGS += [(Joint.LEFT_KNEE, Joint.LEFT_ANKLE), (Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE)]
_ARMS = [(Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW), (Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW)]
_ARMS += [(Joint.LEFT_ELBOW, Joint.LEFT_WRIST), (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST)]
_RODS = np.array(_LEGS + _ARMS)
_ROD_RADII = np.array([[0.088, 0.062]] * 2 + [[0.068, 0.060]] * 2 + [[0.060, 0.050]] * 2 + [[0.047, 0.037]] * 2)
_HAND_M, _HAND_FLAT = 0.050, 0.38  # half as broad as a hand is, gloves and the camera's blur included; 0.085 m bare


def limbs_of_people(
    users: Users,
    label: np.ndarray,
    raised_label: np.ndarray,
    lift_m: np.ndarray,
    driver: tuple[float, float] | None = None,
    warmth: float = 0.6,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (limbs,) LIMB of n users on foot or on two wheels, and (limbs,) whose they are, in 0 to n - 1.

    Labels (n,) uint32; raised_label: of arms raised with a message; lift_m (n,): added to their z. driver: x, y of the
    one whom gestures to a driver are meant for; warmth: of the season, 0 winter to 1 summer.
    """
    kind, style = (np.asarray(column, np.int64).tobytes() for column in (users.kind, users.style))
    people, clothes = _dressed(kind, style, warmth)
    body = skeletons_of(users, people, lift_m, _bearing_rad(users, driver))
    limbs = Limbs()
    if len(people.kind):
        _add_bodies(limbs, body, clothes, people, label, raised_label)
        _add_pieces(limbs, body, clothes, people, label)
        add_held(limbs, body, clothes, label, people.style)
    return limbs.all()


@lru_cache(maxsize=1)
def _dressed(kind: bytes, style: bytes, warmth: float) -> tuple[Traits, Clothes]:
    """Return who people of kinds and styles (n,) int64 are, and what they wear: the same ones are about for a while."""
    people = traits_of(np.frombuffer(kind, np.int64), np.frombuffer(style, np.int64))
    return people, clothes_of(people, warmth)


def _bearing_rad(users: Users, driver: tuple[float, float] | None) -> np.ndarray:
    """Return where the driver is, to the left of straight ahead, (n,); fading to 0 for one who is far away."""
    if driver is None:
        return np.zeros(len(users.uid))
    dx, dy = driver[0] - users.x_m, driver[1] - users.y_m
    bearing = (np.arctan2(dy, dx) - users.yaw_rad + np.pi) % (2.0 * np.pi) - np.pi
    return bearing * np.clip((MEANT_FOR_M + 10.0 - np.hypot(dx, dy)) / 10.0, 0.0, 1.0)


def _add_bodies(limbs: Limbs, body: Skeletons, clothes: Clothes, people: Traits, label, raised_label) -> None:
    """Add what everybody has: trunk, head, legs, arms, hands, feet."""
    joint, count, build = body.joint, len(label), people.build
    wide = build * clothes.bulk
    rods = joint[:, _RODS]  # (n, 8, 2, 3)
    hip, neck, head = joint[:, Joint.HIP], joint[:, Joint.NECK], joint[:, Joint.HEAD]
    crown, face = joint[:, Joint.CROWN], joint[:, Joint.FACE]
    r = body.head_m[:, None]
    ankle, toe = (joint[:, j : j + 2] for j in (Joint.LEFT_ANKLE, Joint.LEFT_TOE))
    wrist, tip = (joint[:, j : j + 2] for j in (Joint.LEFT_WRIST, Joint.LEFT_TIP))
    scalp = head - 0.20 * r * face
    size = clothes.crown_size[:, None]
    starts = np.concatenate(
        [
            np.stack([hip - 0.08 * _UP, hip + 0.02 * _UP, neck, head - 1.18 * r * crown, scalp - 0.30 * r * crown], 1),
            rods[:, :, 0],
            ankle - [0.06, 0.0, 0.035],
            wrist - 0.12 * (tip - wrist),
        ],
        1,
    )
    ends = np.concatenate(
        [
            np.stack(
                [
                    hip + 0.12 * _UP,
                    neck + 0.08 * _UP,
                    neck + 0.6 * (head - neck),
                    head + 1.18 * r * crown,
                    scalp + 1.36 * r * size * crown,
                ],
                1,
            ),
            rods[:, :, 1],
            toe - [0.0, 0.0, 0.01],
            tip,
        ],
        1,
    )
    radii = np.empty((count, starts.shape[1], 2))
    radii[:, 0] = wide[:, None] * [0.165, 0.155]
    radii[:, 1] = wide[:, None] * [0.158, 0.190]
    radii[:, 1, 1] += 0.015
    radii[:, 2] = 0.055
    radii[:, 3] = r
    radii[:, 4] = r * size * [1.10, 1.02]
    radii[:, 5:13] = _ROD_RADII * (0.45 + 0.55 * wide)[:, None, None]
    radii[:, 7:9] *= np.where(clothes.bare, 0.78, 1.0)[:, None, None]
    radii[:, 13:15] = [0.052, 0.048]
    radii[:, 15:17] = [_HAND_M, 0.82 * _HAND_M]
    radii *= body.scale[:, None, None]
    flat = np.array([0.72, 0.58, 1.0, 1.08, 1.08, *[1.0] * 10, _HAND_FLAT, _HAND_FLAT])
    side = np.empty_like(starts)
    side[:] = _LEFT
    side[:, 15:17] = cross(body.poses.palm, body.poses.hand)
    c = clothes
    hem = np.where((c.tail_m > 0.0)[:, None], c.tail, c.trousers)
    colour = np.zeros((count, starts.shape[1], 4))
    colour[..., :3] = np.stack(
        [
            *(hem, c.top, c.skin, c.skin, c.crown, c.trousers, c.trousers, c.shin, c.shin),
            *(c.sleeve, c.sleeve, c.forearm, c.forearm, c.shoe, c.shoe, c.hand, c.hand),
        ],
        1,
    )
    colour[:, 1, 3] = c.bands  # vests
    colour[:, 15:17, 3] = c.cap[:, None]  # white gloves
    marks = np.repeat(label[:, None], starts.shape[1], 1)
    arm = np.where(body.poses.raised, raised_label[:, None], label[:, None])
    marks[:, 9:11] = marks[:, 11:13] = marks[:, 15:17] = arm
    limbs.add(
        np.arange(count),
        body.placed(starts),
        body.placed(ends),
        body.turned(side),
        radii[..., 0],
        radii[..., 1],
        flat,
        colour,
        marks,
    )


def _add_pieces(limbs: Limbs, body: Skeletons, clothes: Clothes, people: Traits, label) -> None:
    """Add what some wear: coats and skirts, caps and brims, bands of vests, packs, long hair, a courier's box."""
    joint = body.joint
    wide = people.build * clothes.bulk

    def add(who, start, end, radii, flat, colour, side=_LEFT) -> None:
        points = body.placed(np.stack([start, end], 1), who)
        across = body.turned(np.broadcast_to(side, start.shape), who)
        scale = body.scale[who]
        limbs.add(who, points[:, 0], points[:, 1], across, radii[0] * scale, radii[1] * scale, flat, colour, label[who])

    who = np.flatnonzero(clothes.tail_m > 0.0)
    if len(who):
        hip = joint[who, Joint.HIP]
        low = hip - clothes.tail_m[who][:, None] * _UP
        knees = joint[who, Joint.LEFT_KNEE : Joint.RIGHT_KNEE + 1, 0]
        low[:, 0] = 0.5 * (hip[:, 0] + knees.mean(1))
        add(who, low, hip + 0.10 * _UP, (0.20 * wide[who], 0.165 * wide[who]), 0.85, clothes.tail[who])
    who = np.flatnonzero(clothes.cap)
    if len(who):
        head, crown, face = joint[who, Joint.HEAD], joint[who, Joint.CROWN], joint[who, Joint.FACE]
        r = body.head_m[who][:, None]
        add(who, head + 0.50 * r * crown, head + 0.85 * r * crown, (1.10 * r[:, 0],) * 2, 1.08, NAVY)
        top = head + 0.10 * r * face
        add(who, top + 0.75 * r * crown, top + 1.45 * r * crown, (1.20 * r[:, 0], 1.45 * r[:, 0]), 1.08, CAP)
        brow = head + 0.45 * r * crown
        across = cross(crown, face)
        add(who, brow + 0.7 * r * face, brow + 1.55 * r * face, (0.9 * r[:, 0],) * 2, 0.16, (0.06,) * 3, across)
    who = np.flatnonzero(clothes.brim)
    if len(who):
        head, crown, r = joint[who, Joint.HEAD], joint[who, Joint.CROWN], body.head_m[who][:, None]
        add(who, head + 0.42 * r * crown, head + 0.62 * r * crown, (2.1 * r[:, 0],) * 2, 1.0, clothes.crown[who])
    who = np.flatnonzero(clothes.bands)
    if len(who):
        hip, spine = joint[who, Joint.HIP], joint[who, Joint.NECK] - joint[who, Joint.HIP]
        for share, radius in ((0.22, 0.172), (0.62, 0.193)):
            middle = hip + share * spine
            radii = (radius * wide[who] + 0.012,) * 2
            add(who, middle - 0.05 * spine, middle + 0.05 * spine, radii, 0.60, (*BAND, 1.0))
    who = np.flatnonzero(clothes.pack)
    if len(who):
        back = joint[who, Joint.NECK] - [0.17, 0.0, 0.0]
        colour = clothes.thing[who]
        add(who, back - 0.40 * _UP, back - 0.02 * _UP, (0.155, 0.135), 0.62, colour)
    who = np.flatnonzero(clothes.long_hair)
    if len(who):
        head, face, r = joint[who, Joint.HEAD], joint[who, Joint.FACE], body.head_m[who][:, None]
        nape = head - 0.55 * r * face
        radii = (0.90 * r[:, 0], 0.80 * r[:, 0])
        add(who, nape + 0.5 * r * _UP, nape - 2.5 * r * _UP, radii, 0.62, clothes.hair[who])
    who = np.flatnonzero(clothes.courier)
    if len(who):
        seat = joint[who, Joint.HIP] + [-0.38, 0.0, -0.02]
        colour = COURIERS[(np.abs(clothes.top[who] - COURIERS[:, None]).sum(-1)).argmin(0)]
        add(who, seat, seat + 0.42 * _UP, (0.24, 0.24), 0.85, colour)


def person_label(slot: np.ndarray, raised: bool) -> np.ndarray:
    """Return labels (n,) uint32 of people in slots."""
    pixel_class = PixelClass.PERSON_ARM_RAISED if raised else PixelClass.PERSON
    return (np.uint32(pixel_class) | ((np.asarray(slot).astype(np.uint32) + np.uint32(1)) << np.uint32(8))).astype(
        np.uint32
    )
