"""What arms do: a gesture and the seconds since it began become directions of upper arms and forearms.

Angles are as anatomists count them: elevation of the arm (0 hanging, 90 level, 180 up) in a plane (0 out to the own
side, 90 straight ahead, over 90 across the body). Poses and times follow the eight commands of Chinese traffic police
(in force since October 2007) for officers, and measured everyday gestures for everyone else.
"""

import numpy as np

from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.users import Gesture, Kind

RAISE_S = 0.45  # the middle of what was measured of adults, 0.33 to 0.60
RAISES_RIGHT = (Gesture.GO, Gesture.SLOW_DOWN, Gesture.HAIL, Gesture.WAVE)


def direction(elevation_deg, plane_deg, side: float) -> np.ndarray:
    """Return unit vectors (..., 3) in the body frame (x ahead, y left, z up); side 1 is the left arm, -1 the right."""
    e, a = np.radians(elevation_deg), np.radians(plane_deg)
    out = np.empty((*np.broadcast_shapes(np.shape(e), np.shape(a)), 3))
    sin = np.sin(e)
    out[..., 0], out[..., 1], out[..., 2] = sin * np.sin(a), side * sin * np.cos(a), -np.cos(e)
    return out


def _eased(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def arms_of(kind, gesture, gesture_s, style, stride_rad, walking) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 2, 2, 3): left and right, upper arm and forearm, unit directions in the body frame; and (n, 2) bool:
    which arms a gesture raises.

    kind, gesture, style (n,) ints; gesture_s, stride_rad (n,); walking (n,) 0 standing to 1 at walking pace.
    """
    count = len(kind)
    gesture = np.asarray(gesture)
    officer = np.isin(kind, (Kind.OFFICER,))
    swing = np.sin(stride_rad) * walking
    arms = np.empty((count, 2, 2, 3))
    raised = np.zeros((count, 2), bool)
    for arm, (side, phase) in enumerate(((1.0, 1.0), (-1.0, -1.0))):
        # Arms swing against the leg of their side, a little more forward than back.
        ahead = 6.0 - 24.0 * swing * phase
        out = np.full(count, 0.13 * side)
        forward = np.radians(ahead)
        upper = np.stack([np.sin(forward), out, -np.cos(forward)], -1)
        bent = forward + np.radians(12.0 + 14.0 * walking)
        fore = np.stack([np.sin(bent), 0.5 * out, -np.cos(bent)], -1)
        arms[:, arm, 0] = upper / np.linalg.norm(upper, axis=-1, keepdims=True)
        arms[:, arm, 1] = fore / np.linalg.norm(fore, axis=-1, keepdims=True)
    if not (gesture >= Gesture.STOP).any():
        return arms, raised
    up = _eased(np.asarray(gesture_s) / RAISE_S)
    own = uniform(7, style, 0, Purpose.GESTURE, 1) - 0.5  # everybody's own size and pace
    time = np.asarray(gesture_s) * (1.0 + 0.2 * own)

    def put(which, arm: int, upper: np.ndarray, fore: np.ndarray, raises: bool = True) -> None:
        share = up[which][:, None]
        for joint, goal in ((0, upper[which]), (1, fore[which])):
            mixed = arms[which, arm, joint] * (1.0 - share) + goal * share
            arms[which, arm, joint] = mixed / np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-6)
        raised[which, arm] = raises

    def swinging(hz) -> np.ndarray:
        return np.sin(2.0 * np.pi * hz * time)

    stop, go, slow = gesture == Gesture.STOP, gesture == Gesture.GO, gesture == Gesture.SLOW_DOWN
    # Stop: an officer's left arm straight, 135 degrees up ahead, hand upright; others hold a palm out, elbow bent a
    # little, the hand above the shoulder.
    put(stop & officer, 0, direction(130.0 + 12.0 * own, 88.0, 1.0), direction(137.0 + 12.0 * own, 90.0, 1.0))
    palm = direction(82.0 + 20.0 * own, 72.0, 1.0), direction(118.0 + 20.0 * own, 84.0, 1.0)
    put(stop & ~officer, 0, *palm)
    # Go: an officer's left arm level to the side, the right one folding in to the chest and out again (0.55 Hz);
    # others sweep the right forearm from before the body across to the free way (0.9 Hz).
    fold = 0.5 - 0.5 * np.cos(2.0 * np.pi * 0.55 * time)
    put(go & officer, 0, direction(np.full(count, 90.0), 2.0, 1.0), direction(np.full(count, 90.0), 2.0, 1.0))
    put(go & officer, 1, direction(90.0, 4.0 + 40.0 * fold, -1.0), direction(90.0, 4.0 + 150.0 * fold, -1.0))
    sweep = swinging(0.9)
    put(
        go & ~officer,
        1,
        direction(64.0 + 6.0 * own, 62.0 + 22.0 * sweep, -1.0),
        direction(86.0, 62.0 + 55.0 * sweep, -1.0),
    )
    # Slow down: the right arm level, down and up again: 0.6 Hz for an officer, patting at 1.3 Hz for others.
    beat = 0.5 + 0.5 * swinging(np.where(officer, 0.6, 1.3))
    lift = np.where(officer, 90.0 - 45.0 * beat, 84.0 - 34.0 * beat)
    put(
        slow,
        1,
        direction(lift, np.where(officer, 45.0, 55.0), -1.0),
        direction(lift + 2.0, np.where(officer, 45.0, 62.0), -1.0),
    )
    # Hailing: the right arm out to the side, a little above level, the hand beating.
    hail = gesture == Gesture.HAIL
    put(hail, 1, direction(96.0 + 18.0 * own, 24.0, -1.0), direction(108.0 + 16.0 * swinging(1.1), 26.0, -1.0))
    phone = gesture == Gesture.PHONE
    ear = np.broadcast_to(np.array([0.16, 0.30, 0.94]), (count, 3))
    put(phone, 1, direction(np.full(count, 34.0), 48.0, -1.0), ear, raises=False)
    # Waving: arm at 140 degrees, the forearm tilting 36 degrees to either side at 1.36 Hz.
    wave = gesture == Gesture.WAVE
    tilt = np.radians(38.0 * swinging(1.36))
    palm_up = np.stack([np.full(count, 0.25), -np.sin(tilt), np.cos(tilt)], -1)
    put(wave, 1, direction(128.0 + 20.0 * own, 24.0, -1.0), palm_up)
    return arms, raised
