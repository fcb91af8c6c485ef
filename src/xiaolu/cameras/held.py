"""Things in hands: a phone, a bag or a box, an umbrella, and a road worker's paddle with its two faces."""

import numpy as np

from xiaolu.cameras.key_poses import Held
from xiaolu.cameras.limb import Limbs
from xiaolu.cameras.skeleton import Joint, Skeletons, cross
from xiaolu.cameras.wardrobe import Clothes

STOP_RED, SLOW_ORANGE, WHITE = (0.85, 0.05, 0.08, 1.0), (1.0, 0.56, 0.05, 1.0), (0.97, 0.97, 0.96, 1.0)
BLACK = (0.08, 0.08, 0.08)
PADDLE_M = 0.25  # half its width; rules ask for 0.45 m across at least, and letters 0.15 m high
PADDLE_RAISE_M = 0.42  # its middle above the hand
CANOPY_M = 0.52
BAGS = np.array([[0.92, 0.92, 0.90], [0.72, 0.16, 0.18], [0.20, 0.22, 0.26], [0.66, 0.52, 0.34]])


def add_held(limbs: Limbs, body: Skeletons, clothes: Clothes, label: np.ndarray, style: np.ndarray) -> None:
    """Add what each of n people holds. label (n,) uint32."""
    for held, add in _MAKERS.items():
        who = np.flatnonzero(body.poses.held == held)
        if len(who):
            add(limbs, body, clothes, label, style, who, body.poses.leading[who])


def _wrist(body: Skeletons, who: np.ndarray, arm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the palm's middle and the hand's direction (m, 3) in the body frame."""
    wrist, tip = body.joint[who, Joint.LEFT_WRIST + arm], body.joint[who, Joint.LEFT_TIP + arm]
    return 0.45 * wrist + 0.55 * tip, body.poses.hand[who, arm]


def _rod(limbs: Limbs, body: Skeletons, who, label, start, end, side, radii, flat, colour) -> None:
    """Add one limb for each of who between places (m, 3) of the body frame; radii (start, end) in adult's metres."""
    scale = body.scale[who]
    points = body.placed(np.stack([start, end], 1), who)
    across = body.turned(np.broadcast_to(side, start.shape), who)
    first, last = (np.asarray(r) * scale for r in radii)
    limbs.add(who, points[:, 0], points[:, 1], across, first, last, flat, colour, label[who])


def _phone(limbs, body, _clothes, label, _style, who, arm) -> None:
    grip, hand = _wrist(body, who, arm)
    palm = body.poses.palm[who, arm]
    middle = grip + 0.03 * palm
    across = cross(palm, hand)
    _rod(limbs, body, who, label, middle - 0.075 * hand, middle + 0.085 * hand, across, (0.042, 0.042), 0.25, BLACK)


def _bags(limbs, body, _clothes, label, style, who, arm) -> None:
    _bag(limbs, body, _clothes, label, style, who, arm)
    _bag(limbs, body, _clothes, label, style // 7, who, 1 - arm)


def _bag(limbs, body, _clothes, label, style, who, arm) -> None:
    grip, _ = _wrist(body, who, arm)
    size = (0.10 + 0.05 * (style[who] // 5 % 4) / 3.0)[:, None]
    top, low = grip - [0.0, 0.0, 0.10], grip - np.array([0.0, 0.0, 0.12]) - [0.0, 0.0, 2.1] * size
    colour = BAGS[style[who] // 3 % len(BAGS)]
    _rod(limbs, body, who, label, low, top, (1.0, 0.0, 0.0), (1.15 * size[:, 0], size[:, 0]), 0.5, colour)


def _box(limbs, body, _clothes, label, _style, who, _arm) -> None:
    wrists = body.joint[who, Joint.LEFT_WRIST : Joint.RIGHT_WRIST + 1].mean(1)
    middle = wrists + np.array([0.04, 0.0, 0.06])
    up = np.array([0.0, 0.0, 0.17])
    _rod(limbs, body, who, label, middle - up, middle + up, (0.0, 1.0, 0.0), (0.21, 0.21), 0.8, (0.70, 0.55, 0.36))


def _umbrella(limbs, body, clothes, label, _style, who, arm) -> None:
    grip, _ = _wrist(body, who, arm)
    # The shaft leans so that the canopy is over the head.
    head = body.joint[who, Joint.HEAD]
    top = np.stack([0.5 * (grip[:, 0] + head[:, 0]), 0.2 * grip[:, 1], head[:, 2] + 0.29], -1)
    side = (0.0, 1.0, 0.0)
    _rod(limbs, body, who, label, grip - 0.1 * (top - grip), top, side, (0.013, 0.013), 1.0, BLACK)
    axis = top - grip
    axis = axis / np.sqrt((axis * axis).sum(-1, keepdims=True))
    rim = top - 0.24 * axis
    _rod(limbs, body, who, label, top, rim, side, (0.16, CANOPY_M), 1.0, clothes.thing[who])


def _paddle(front, back, letters_front, letters_back):
    def add(limbs, body, _clothes, label, _style, who, arm) -> None:
        grip, _ = _wrist(body, who, arm)
        up, side = np.array([0.0, 0.0, 1.0]), (0.0, 1.0, 0.0)
        middle = grip + PADDLE_RAISE_M * up
        _rod(limbs, body, who, label, grip - 0.25 * up, middle, side, (0.018, 0.018), 1.0, (0.75, 0.75, 0.74))
        for facing, colour, letters in ((1.0, front, letters_front), (-1.0, back, letters_back)):
            plate = middle + np.array([0.014 * facing, 0.0, 0.0])
            ends = plate - PADDLE_M * up, plate + PADDLE_M * up
            _rod(limbs, body, who, label, *ends, side, (1.08 * PADDLE_M,) * 2, 0.04, colour)
            # Letters, too small to be read: a bright or dark band of their size.
            line = middle + np.array([0.034 * facing, 0.0, 0.0])
            ends = line - 0.085 * up, line + 0.085 * up
            _rod(limbs, body, who, label, *ends, side, (0.72 * PADDLE_M,) * 2, 0.05, letters)

    return add


_MAKERS = {
    Held.PHONE: _phone,
    Held.BAG: _bag,
    Held.BAGS: _bags,
    Held.BOX: _box,
    Held.UMBRELLA: _umbrella,
    Held.PADDLE_STOP: _paddle(STOP_RED, SLOW_ORANGE, WHITE, BLACK),
    Held.PADDLE_SLOW: _paddle(SLOW_ORANGE, STOP_RED, BLACK, WHITE),
}
