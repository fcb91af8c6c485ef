"""Commands as key poses: the eight of Chinese traffic police, and a road worker's with a paddle.

Poses, their order, and how often an arm swings follow the police gestures in force in China since 1 October 2007. That
text gives no times. Adults were measured to raise an arm from 10 to 90 % of its height in 0.33 to 0.60 s, at up to 1.2
to 3.4 m/s of the wrist, which 0.60 s for all of the way comes near; moves between poses, how long a pose rests, and the
1 to 4 s between two repetitions are tuned. Where stills of
officers at work differ from the text, the spread is theirs: a stop's arm at 109 to 130 degrees instead of 135, an arm
that pulls over swinging at 50 to 70 degrees instead of 45, straight's folded arm with its elbow half out to the side,
and a head that turns in 11 of 19 for slow. Paddles follow the flagging rules of the United States' MUTCD, 11th edition.
"""

from dataclasses import replace

from xiaolu.cameras.key_poses import Arm, Held, Key, Motion, mirrored
from xiaolu.core.users import Gesture

RAISE_S, MOVE_S, REST_S = 0.60, 0.50, 0.15
SINGLE_SHARE = 0.2  # of officers who swing once instead of twice; tuned
HEAD_TURN_SHARE = 11 / 19  # measured on stills of slow down
PAUSE_S = (1.0, 4.0)
TEMPO = (0.75, 1.30)

_UP = Arm((135.0, 90.0), wrist_deg=45.0, palm="down")  # hand upright, palm to the front
_PALM_AHEAD = Arm((90.0, 90.0), wrist_deg=68.0, palm="down")
_OUT = Arm((90.0, 0.0), palm="forward")
_FOLDED = Arm((88.0, 42.0), fore=(90.0, 172.0), palm="back")
_OPENED = Arm((88.0, 60.0), fore=(90.0, 95.0), palm="in")
_LOW_ACROSS = Arm((45.0, 115.0), palm="in")
_SIDE_HIGH, _SIDE_LOW = Arm((45.0, 2.0), palm="down"), Arm((15.0, 2.0), palm="down")
_AHEAD, _ACROSS = Arm((90.0, 90.0), palm="in"), Arm((90.0, 135.0), palm="in")
_SLOW_HIGH, _SLOW_LOW = Arm((90.0, 45.0), palm="down"), Arm((45.0, 45.0), palm="down")
_WAIST_AHEAD, _WAIST_ACROSS = Arm((45.0, 90.0), palm="in"), Arm((45.0, 135.0), palm="in")


def _swings(start_s: float, to: Arm | None, back: Arm | None, times: int) -> list[tuple[float, Arm | None]]:
    """Return (time, pose) of an arm that goes from `back`, where it rests at start_s, to `to` and back, so often."""
    poses: list[tuple[float, Arm | None]] = [(start_s, back)]
    for _ in range(times):
        for goal in (to, back):
            poses += [(poses[-1][0] + MOVE_S, goal), (poses[-1][0] + MOVE_S + REST_S, goal)]
    return poses


def _turn_left(swings: int) -> Motion:
    low = _swings(RAISE_S + 0.35, _LOW_ACROSS, None, swings)
    held = [Key(t, left=arm, right=_PALM_AHEAD, yaw_deg=45.0) for t, arm in [(RAISE_S, None), *low]]
    # The low arm drifts up to the chest with some; the held palm sinks with others.
    return Motion(
        Gesture.POLICE_LEFT,
        (Key(0.0), *held, Key(low[-1][0] + RAISE_S)),
        droop_deg=((-14.0, 3.0), (-2.0, 10.0)),
    )


def _one_arm(gesture: Gesture, start: Arm, swung: Arm, left: bool, yaw_deg: float, swings: int, **how) -> Motion:
    """Return a command of one arm: out to `start`, swung away and back, and down from where the last swing ends."""
    swung_first = _swings(RAISE_S + REST_S, swung, start, swings)[:-2]
    posed = [
        Key(t, arm if left else None, None if left else arm, yaw_deg) for t, arm in [(RAISE_S, start), *swung_first]
    ]
    return Motion(gesture, (Key(0.0), *posed, Key(posed[-1].t_s + RAISE_S)), **how)


def _pull_over(swings: int) -> Motion:
    keys = [Key(0.0), Key(MOVE_S, right=_WAIST_AHEAD), Key(MOVE_S + REST_S, right=_WAIST_AHEAD)]
    low = _swings(keys[-1].t_s + RAISE_S, _WAIST_ACROSS, _WAIST_AHEAD, swings)
    keys += [Key(t, left=_UP, right=arm) for t, arm in low]
    keys.append(Key(low[-1][0] + RAISE_S))
    return Motion(Gesture.POLICE_PULL_OVER, tuple(keys), droop_deg=((0.0, 25.0), (-25.0, -5.0)))


_STOP = Motion(
    Gesture.POLICE_STOP, (Key(0.0), Key(RAISE_S, left=_UP)), droop_deg=((0.0, 25.0), (0.0, 0.0)), bend_deg=(0.0, 0.0)
)
_STRAIGHT = Motion(
    Gesture.POLICE_STRAIGHT,
    (
        Key(0.0),
        Key(0.55, left=_OUT, yaw_deg=45.0),
        Key(0.90, left=_OUT, yaw_deg=45.0),
        Key(1.40, left=_OUT, right=_OUT, yaw_deg=-45.0),
        Key(1.75, left=_OUT, right=_OUT, yaw_deg=-45.0),
        Key(2.30, left=_OUT, right=_FOLDED, yaw_deg=50.0),
        Key(2.55, left=_OUT, right=_FOLDED, yaw_deg=50.0),
        Key(3.00, left=_OUT, right=_OPENED, yaw_deg=50.0),
        Key(3.25, left=_OUT, right=_OPENED, yaw_deg=50.0),
        Key(3.70, left=_OUT, right=_FOLDED, yaw_deg=50.0),
        Key(3.95, left=_OUT, right=_FOLDED, yaw_deg=50.0),
        Key(4.40, left=_OUT),
        Key(4.55, left=_OUT),
        Key(5.00),
    ),
    droop_deg=((-5.0, 10.0), (-5.0, 10.0)),
    bend_deg=(0.0, 30.0),
)


def _commands(swings: int) -> tuple[Motion, ...]:
    left = _turn_left(swings)
    return (
        left,
        mirrored(left, Gesture.POLICE_RIGHT),
        _one_arm(Gesture.POLICE_LEFT_WAITING, _SIDE_HIGH, _SIDE_LOW, True, 45.0, swings),
        _one_arm(Gesture.POLICE_CHANGE_LANE, _AHEAD, _ACROSS, False, 0.0, swings, droop_deg=((0, 0), (-8.0, 8.0))),
        _one_arm(
            Gesture.POLICE_SLOW,
            _SLOW_HIGH,
            _SLOW_LOW,
            False,
            -45.0,
            swings,
            droop_deg=((0, 0), (-8.0, 8.0)),
            head_share=HEAD_TURN_SHARE,
        ),
        _pull_over(swings),
    )


_POLICE = (
    _STOP,
    replace(_STRAIGHT, loop_from_s=0.0),
    *(replace(m, loop_from_s=0.0, share=1.0 - SINGLE_SHARE) for m in _commands(2)),
    *(replace(m, loop_from_s=0.0, share=SINGLE_SHARE) for m in _commands(1)),
)

_PADDLE = Arm((48.0, 12.0), fore=(84.0, 48.0), palm="in")  # the paddle's arm out, stationary
_FREE_PALM = Arm((84.0, 62.0), fore=(128.0, 82.0), wrist_deg=52.0, palm="down")
_ALERT_HIGH, _ALERT_LOW = Arm((88.0, 52.0), palm="down"), Arm((54.0, 52.0), palm="down")
_ON_FAR, _ON_NEAR = Arm((66.0, 25.0), fore=(78.0, 22.0)), Arm((58.0, 70.0), fore=(96.0, 150.0))

_WORKER = (
    Motion(
        Gesture.PADDLE_STOP,
        (Key(0.0, right=_PADDLE), Key(RAISE_S, left=_FREE_PALM, right=_PADDLE)),
        held=Held.PADDLE_STOP,
        droop_deg=((-6.0, 4.0), (-6.0, 6.0)),
    ),
    Motion(
        Gesture.PADDLE_SLOW,
        (
            Key(0.0, right=_PADDLE),
            Key(RAISE_S, left=_ALERT_HIGH, right=_PADDLE),
            Key(RAISE_S + 0.60, left=_ALERT_LOW, right=_PADDLE),
            Key(RAISE_S + 1.35, left=_ALERT_HIGH, right=_PADDLE),
        ),
        loop_from_s=RAISE_S,
        rate_hz=(0.5, 1.0),
        size=(0.75, 1.15),
        held=Held.PADDLE_SLOW,
    ),
    Motion(
        Gesture.PADDLE_GO,
        (
            Key(0.0, right=_PADDLE),
            Key(RAISE_S, left=_ON_FAR, right=_PADDLE),
            Key(RAISE_S + 0.50, left=_ON_NEAR, right=_PADDLE),
            Key(RAISE_S + 0.65, left=_ON_NEAR, right=_PADDLE),
            Key(RAISE_S + 1.25, left=_ON_FAR, right=_PADDLE),
        ),
        loop_from_s=RAISE_S,
        rate_hz=(0.6, 1.0),
        size=(0.8, 1.1),
        held=Held.PADDLE_SLOW,
    ),
)

COMMANDS: tuple[Motion, ...] = (
    *(replace(m, handed=False, tempo=TEMPO, pause_s=PAUSE_S if m.loop_from_s == 0.0 else (0.0, 0.0)) for m in _POLICE),
    *_WORKER,
)
