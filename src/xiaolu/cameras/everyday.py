"""Everybody's hands as key poses: what passers-by and workers mean by them, and what means nothing.

Waves follow motion capture of five kinds of person (Bandai-Namco's public recordings): elevations, rates and sweeps of
each. Rates of patting, beckoning and hailing have no timed source; they span what was seen or described of them.
Motions are written for a right-handed person; a gesture towards somebody is turned to where that one stands.
"""

from xiaolu.cameras.key_poses import Arm, Held, Key, Motion
from xiaolu.core.users import Gesture

RAISE_S = 0.60  # see `commands`
# Recorded waves were acted; in the street people gesture smaller. Half to four fifths of it is a guess, not measured.
ACTED = (0.5, 0.8)

_PALM_OUT = Arm((80.0, 66.0), fore=(128.0, 80.0), wrist_deg=52.0, palm="down")
_PALM_FAR = Arm((94.0, 72.0), fore=(106.0, 82.0), wrist_deg=68.0, palm="down")
_FROM_CAR = Arm((58.0, 46.0), fore=(88.0, 36.0), palm="in")
_TO_FREE_WAY = Arm((58.0, 78.0), fore=(94.0, 152.0), palm="in")
_BY_CHEST = Arm((54.0, 68.0), fore=(98.0, 136.0), palm="back")
_TO_SIDE = Arm((68.0, 24.0), fore=(84.0, 12.0), palm="up")
_PAT_HIGH = Arm((72.0, 46.0), fore=(94.0, 56.0), wrist_deg=6.0, palm="down")
_PAT_LOW = Arm((50.0, 48.0), fore=(60.0, 58.0), wrist_deg=6.0, palm="down")
_CALL_OUT = Arm((88.0, 22.0), fore=(102.0, 24.0), palm="down")
_CALL_IN = Arm((82.0, 24.0), fore=(62.0, 40.0), palm="down")
_CALL_HIGH = Arm((126.0, 18.0), fore=(146.0, 20.0), palm="forward")
_KERB_AHEAD = Arm((62.0, 78.0), fore=(78.0, 84.0), palm="in")
_KERB_OUT = Arm((66.0, 8.0), fore=(74.0, 2.0), palm="down")
_FLAP_OUT = Arm((58.0, 68.0), fore=(92.0, 78.0), wrist_deg=24.0, palm="down")
_FLAP_IN = Arm((54.0, 66.0), fore=(80.0, 82.0), wrist_deg=-70.0, palm="down")
_CURL_OUT = Arm((42.0, 66.0), fore=(84.0, 80.0), palm="up")
_CURL_IN = Arm((36.0, 62.0), fore=(146.0, 84.0), palm="back")
_THANKS = Arm((40.0, 44.0), fore=(166.0, 44.0), palm="forward")
_AT_EAR = Arm((44.0, 64.0), fore=(212.0, 46.0), palm="back")
_READS = Arm((22.0, 50.0), fore=(104.0, 112.0), palm="back")
_SHAFT = Arm((26.0, 52.0), fore=(112.0, 104.0), palm="in")
_BAG_HANGS = Arm((7.0, 10.0), fore=(9.0, 30.0), palm="in")
_BOX_HELD = Arm((26.0, 72.0), fore=(84.0, 106.0), palm="in")


def _loop(*poses: tuple[float, Arm], both: bool = False) -> tuple[Key, ...]:
    """Return keys: the arm rises to the first pose, then passes through the others and back to the first.

    Each pose comes with the share of the loop, 1 s long, at which it is reached; the first with 0.
    """
    keys = [Key(0.0)]
    for share, arm in (*poses, (1.0, poses[0][1])):
        keys.append(Key(RAISE_S + share, arm if both else None, arm))
    return tuple(keys)


def _held(arm: Arm, both: bool = False, other: Arm | None = None, pitch_deg: float = 0.0) -> tuple[Key, ...]:
    return (Key(0.0), Key(RAISE_S, arm if both else other, arm, 0.0, pitch_deg))


def _wave(share: float, upper: tuple[float, float], swing_deg: float, hz: tuple[float, float], **how) -> Motion:
    """Return a wave: the forearm tilts to both sides of upright, swing_deg in all, about a mean that leans out."""
    middle, plane = how.pop("middle_deg", 176.0), how.pop("plane_deg", 12.0)
    out, across = ((middle + half * swing_deg, plane) for half in (-0.5, 0.5))
    keys = _loop((0.0, Arm(upper, out, palm="forward")), (0.5, Arm(upper, across, palm="forward")))
    return Motion(Gesture.WAVE, keys, RAISE_S, hz, size=how.pop("size", ACTED), share=share, **how)


def _point(share: float, plane_deg: float) -> Motion:
    """Return pointing at something in a plane, arm and head turned to it, for 0.5 to 2 s."""
    arm = Arm((82.0, plane_deg), fore=(88.0, plane_deg + 4.0), palm="down")
    yaw = max(min(plane_deg - 90.0, 60.0), -60.0)
    keys = (Key(0.0), Key(0.55, right=arm, yaw_deg=yaw), Key(1.80, right=arm, yaw_deg=yaw), Key(2.40))
    return Motion(Gesture.POINT, keys, 0.0, tempo=(0.7, 1.4), pause_s=(1.0, 4.0), share=share)


def _to_driver(gesture: Gesture, keys: tuple[Key, ...], hz=None, **how) -> Motion:
    """Return a gesture made towards a driver; it repeats at hz from the raised pose on, or is held without it."""
    return Motion(gesture, keys, None if hz is None else RAISE_S, hz, addressed=True, **how)


EVERYDAY: tuple[Motion, ...] = (
    _to_driver(Gesture.STOP, _held(_PALM_OUT), share=0.60),
    _to_driver(Gesture.STOP, _held(_PALM_FAR), share=0.25, droop_deg=((-8, 0), (-8, 0))),
    _to_driver(Gesture.STOP, _held(_PALM_OUT, both=True), share=0.15),
    # The stroke takes 0.4 s; a moment's rest follows at its end.
    _to_driver(Gesture.GO, _loop((0.0, _FROM_CAR), (0.42, _TO_FREE_WAY), (0.58, _TO_FREE_WAY)), (0.7, 1.2), share=0.55),
    _to_driver(Gesture.GO, _loop((0.0, _BY_CHEST), (0.42, _TO_SIDE), (0.58, _TO_SIDE)), (0.7, 1.2), share=0.45),
    # Beats go down faster than up.
    _to_driver(Gesture.SLOW_DOWN, _loop((0.0, _PAT_HIGH), (0.38, _PAT_LOW)), (1.0, 2.0), size=(0.65, 1.25), share=0.7),
    _to_driver(
        Gesture.SLOW_DOWN,
        _loop((0.0, _PAT_HIGH), (0.38, _PAT_LOW), both=True),
        (1.0, 2.0),
        size=(0.65, 1.25),
        share=0.3,
    ),
    Motion(
        Gesture.HAIL,
        _loop((0.0, _CALL_OUT), (0.45, _CALL_IN)),
        RAISE_S,
        (0.8, 1.5),
        size=(0.6, 1.2),
        share=0.5,
        droop_deg=((-20.0, 8.0), (-20.0, 8.0)),
    ),
    Motion(Gesture.HAIL, _held(_CALL_OUT), share=0.2, droop_deg=((-20.0, 8.0), (-20.0, 8.0))),
    Motion(Gesture.HAIL, _held(_CALL_HIGH), share=0.3, droop_deg=((-8.0, 15.0), (-8.0, 15.0))),
    # Kind of wave: upper arm, sweep of the forearm with the hand's own added, rate.
    _wave(0.40, (141.0, 24.0), 84.0, (1.26, 1.50)),
    _wave(0.15, (136.0, 22.0), 92.0, (1.25, 1.36)),
    _wave(0.12, (140.0, 9.0), 70.0, (1.26, 1.36), middle_deg=158.0),
    _wave(0.15, (59.0, 49.0), 44.0, (0.84, 1.06), middle_deg=170.0, plane_deg=40.0),
    _wave(0.18, (15.0, 16.0), 22.0, (2.14, 2.50), middle_deg=160.0, plane_deg=40.0, size=(0.7, 1.0)),
    # Where traffic keeps right, the kerb is to the left of whom faces it: the left arm sweeps out there.
    _to_driver(
        Gesture.PULL_OVER,
        tuple(
            Key(t, left, right)
            for t, left, right in (
                (0.0, None, None),
                (RAISE_S, _KERB_AHEAD, _PALM_OUT),
                (RAISE_S + 0.40, _KERB_OUT, _PALM_OUT),
                (RAISE_S + 0.62, _KERB_OUT, _PALM_OUT),
                (RAISE_S + 1.00, _KERB_AHEAD, _PALM_OUT),
            )
        ),
        (0.6, 0.9),
        handed=False,
    ),
    _to_driver(Gesture.BECKON, _loop((0.0, _FLAP_OUT), (0.45, _FLAP_IN)), (1.5, 3.0), size=(0.7, 1.1), share=0.6),
    _to_driver(Gesture.BECKON, _loop((0.0, _CURL_OUT), (0.45, _CURL_IN)), (1.0, 2.0), size=(0.6, 1.0), share=0.4),
    # Once, with a nod of 10 to 20 degrees in 0.28 to 0.57 s.
    _to_driver(
        Gesture.THANK,
        (
            Key(0.0),
            Key(0.55, right=_THANKS),
            Key(0.75, right=_THANKS, pitch_deg=16.0),
            Key(1.00, right=_THANKS),
            Key(1.25, right=_THANKS),
            Key(1.80),
        ),
    ),
    _point(0.40, 22.0),
    _point(0.35, 62.0),
    _point(0.25, 108.0),
    Motion(Gesture.PHONE, _held(_AT_EAR, pitch_deg=4.0), held=Held.PHONE, raises=False),
    # Heads bend by 31 degrees with one hand at the phone, by 38 with two (medians of people walking).
    Motion(Gesture.READ_PHONE, _held(_READS, pitch_deg=31.0), held=Held.PHONE, raises=False, share=0.6),
    Motion(Gesture.READ_PHONE, _held(_READS, both=True, pitch_deg=38.0), held=Held.PHONE, raises=False, share=0.4),
    Motion(Gesture.CARRY, _held(_BAG_HANGS), held=Held.BAG, raises=False, share=0.55),
    Motion(Gesture.CARRY, _held(_BAG_HANGS, both=True), held=Held.BAGS, raises=False, share=0.20),
    Motion(Gesture.CARRY, _held(_BOX_HELD, both=True), held=Held.BOX, raises=False, share=0.25),
    Motion(Gesture.UMBRELLA, _held(_SHAFT), held=Held.UMBRELLA, raises=False),
)

# What arms do that say nothing at all, by person. Shares tuned; the rest let them hang.
IDLE_GROUP = len(Gesture)
_POCKET = Arm((10.0, 10.0), fore=(34.0, 100.0), palm="in")
_BEHIND = Arm((12.0, 0.0), fore=(38.0, 215.0), palm="back")
_FOLDED_LOW = Arm((20.0, 40.0), fore=(88.0, 158.0), palm="back")


def _idle(arm: Arm, share: float, both: bool = True) -> Motion:
    keys = (Key(0.0), Key(RAISE_S, arm if both else None, arm))
    return Motion(IDLE_GROUP, keys, share=share, raises=False)  # type: ignore[arg-type]


IDLE: tuple[Motion, ...] = (
    _idle(_POCKET, 0.10),
    _idle(_POCKET, 0.08, both=False),
    _idle(_BEHIND, 0.06),
    _idle(_FOLDED_LOW, 0.06),
)
HANGING_SHARE = 0.70
