"""What hands ask of the ego: whose sign counts, whom it is meant for, and where it binds.

Priority (this project's choice): an officer, a road worker, signals, a passer-by. A passer-by may only make the ego
more careful; hailing, phoning, thanking and pointing mean nothing to it. Police commands bind by where the officer
faces (Chinese traffic police's eight commands, in force since October 2007). Ego frame at the rear axle; metres.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.frames import wrap_angle
from xiaolu.core.users import Gesture, Kind
from xiaolu.expert.bodies import Counted
from xiaolu.expert.reasons import NAMES
from xiaolu.world.town import Turn

COMMAND_M, PASSER_BY_M = 55.0, 25.0  # read this far ahead
ASIDE_M, PASSER_BY_ASIDE_M = 14.0, 4.0
FACES_RAD, SECTOR_RAD = np.deg2rad(60.0), np.deg2rad(50.0)
HELD_NS = 4_000_000_000  # a command holds this long after its hands were last seen moving so
SHORT_M = 3.0  # the ego stops this far before who holds it

STOPS = (Gesture.STOP, Gesture.POLICE_STOP, Gesture.PADDLE_STOP)
SLOWS = (Gesture.SLOW_DOWN, Gesture.PADDLE_SLOW, Gesture.POLICE_SLOW, Gesture.POLICE_CHANGE_LANE)
DIRECTS = (Gesture.POLICE_STRAIGHT, Gesture.POLICE_LEFT, Gesture.POLICE_LEFT_WAITING, Gesture.POLICE_RIGHT)
WAVES_ON = (Gesture.GO, Gesture.PADDLE_GO, Gesture.BECKON)


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody asks for now. stop: halt before them (officers: before the junction), slow: pass slowly, go: free
    to go whatever lamps show. ahead_m, left_m: where they stand; who: their name."""

    who: str
    kind: int
    stop: bool
    slow: bool
    go: bool
    ahead_m: float
    left_m: float


@dataclass(slots=True)
class Seen:
    """The last command of one person, by uid."""

    gesture: int
    stamp_ns: int


def _sector(from_yaw_rad: float, to_ego_rad: float, middle_rad: float) -> bool:
    """Whether the ego stands in a person's sector around `middle_rad`, left of where they face."""
    return abs(float(wrap_angle(to_ego_rad - from_yaw_rad - middle_rad))) < SECTOR_RAD


def _police(gesture: int, yaw_rad: float, to_ego_rad: float, turn: Turn) -> tuple[bool, bool, bool]:
    """Return (stop, slow, go) of an officer's command for an ego that is about to turn so."""
    front = _sector(yaw_rad, to_ego_rad, 0.0)
    left, right = (_sector(yaw_rad, to_ego_rad, side * np.pi / 2) for side in (1.0, -1.0))
    if gesture in (Gesture.POLICE_STOP, Gesture.STOP):
        return front, False, False
    if gesture in SLOWS:
        return False, front or _sector(yaw_rad, to_ego_rad, -np.pi / 4), False
    if gesture in WAVES_ON:
        return False, False, front
    if gesture not in DIRECTS:
        return False, False, False
    allowed = {
        Gesture.POLICE_STRAIGHT: right and turn in (Turn.STRAIGHT, Turn.NONE),
        Gesture.POLICE_LEFT: left and turn == Turn.LEFT,
        Gesture.POLICE_RIGHT: right and turn == Turn.RIGHT,
        Gesture.POLICE_LEFT_WAITING: False,
    }[Gesture(gesture)]
    return not allowed, False, allowed


def commands(
    here: Counted, ego_pose: np.ndarray, turn: Turn, seen: dict[int, Seen], stamp_ns: int
) -> tuple[Command, ...]:
    """Return what hands ask of the ego now, the most binding first. Updates the memory of commands by uid.

    turn: what the ego is about to do at the next junction.
    """
    u, out = here.users, []
    for k in np.flatnonzero(here.on_foot & (here.ahead_m > 0.5) & (here.ahead_m < COMMAND_M)):
        kind, gesture, uid = int(u.kind[k]), int(u.gesture[k]), int(u.uid[k])
        if abs(here.left_m[k]) > ASIDE_M:
            continue
        official = kind in (Kind.OFFICER, Kind.WORKER)
        if official and gesture in (*STOPS, *SLOWS, *DIRECTS, *WAVES_ON):
            seen[uid] = Seen(gesture, stamp_ns)
        elif official and uid in seen and stamp_ns - seen[uid].stamp_ns < HELD_NS:
            gesture = seen[uid].gesture
        to_ego = float(np.arctan2(ego_pose[1] - u.y_m[k], ego_pose[0] - u.x_m[k]))
        faces = abs(float(wrap_angle(to_ego - u.yaw_rad[k]))) < FACES_RAD
        if kind == Kind.OFFICER:
            stop, slow, go = _police(gesture, float(u.yaw_rad[k]), to_ego, turn)
        elif kind == Kind.WORKER:
            stop, slow, go = faces and gesture in STOPS, faces and gesture in SLOWS, faces and gesture in WAVES_ON
        else:
            near = here.ahead_m[k] < PASSER_BY_M and abs(here.left_m[k]) < PASSER_BY_ASIDE_M and faces
            stop, slow, go = near and gesture == Gesture.STOP, near and gesture == Gesture.SLOW_DOWN, False
        if stop or slow or go:
            where = float(here.ahead_m[k]), float(here.left_m[k])
            out.append(Command(NAMES[Kind(kind)], kind, bool(stop), bool(slow), bool(go), *where))
    rank = {int(Kind.OFFICER): 0, int(Kind.WORKER): 1}
    return tuple(sorted(out, key=lambda c: (rank.get(c.kind, 2), not c.stop, c.ahead_m)))
