"""What hands ask of the ego: whose sign counts, whom it is meant for, and where it binds.

Priority (this project's choice): an officer, a road worker, signals, a passer-by. A passer-by may only make the ego
more careful; hailing, phoning, thanking and pointing mean nothing to it. What an official's hand means is told by
`xiaolu.world.officer`, for the teacher as for everybody. Ego frame at the rear axle; metres.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.frames import wrap_angle
from xiaolu.core.users import Gesture, Kind
from xiaolu.expert.bodies import Counted
from xiaolu.expert.reasons import NAMES
from xiaolu.world.officer import Command, commands, meaning
from xiaolu.world.town import Turn

COMMAND_M, PASSER_BY_M = 55.0, 25.0  # read this far ahead
ASIDE_M, PASSER_BY_ASIDE_M = 14.0, 4.0
FACES_RAD = np.deg2rad(60.0)
HELD_NS = 4_000_000_000  # a command holds this long after its hands were last seen moving so
SHORT_M = 3.0  # the ego stops this far before who holds it
AT_WORK_M, PASSED_M = 18.0, 6.0  # slow until so far beyond an official, who stands before what it is about; a passer-by

DIRECTS = (Gesture.POLICE_STRAIGHT, Gesture.POLICE_LEFT, Gesture.POLICE_LEFT_WAITING, Gesture.POLICE_RIGHT)


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks for now. stop: halt before them (officers: before the junction), aside: at the kerb; slow:
    pass slowly, until beyond_m behind them; go: free to go whatever lamps show. ahead_m, left_m: where they stand."""

    who: str
    kind: int
    uid: int
    stop: bool
    slow: bool
    go: bool
    aside: bool
    ahead_m: float
    left_m: float

    @property
    def beyond_m(self) -> float:
        return AT_WORK_M if self.kind in (Kind.OFFICER, Kind.WORKER) else PASSED_M


@dataclass(slots=True)
class Seen:
    """The last command of one person, by uid."""

    gesture: int
    stamp_ns: int


def _official(gesture: int, yaw_rad: float, ego_yaw_rad: float, turn: Turn) -> tuple[bool, bool, bool, bool]:
    """Return (stop, slow, go, aside) of an official's command for an ego that is about to turn so.

    Who directs traffic and does not mean the ego holds it: it waits for its own sign.
    """
    said = Command(meaning(yaw_rad, gesture, ego_yaw_rad, int(Turn.STRAIGHT if turn == Turn.NONE else turn)))
    held = said in (Command.STOP, Command.PULL_OVER) or (gesture in DIRECTS and said != Command.PASS)
    return held, said == Command.SLOW, said == Command.PASS, said == Command.PULL_OVER


def orders_of(
    here: Counted, ego_pose: np.ndarray, turn: Turn, seen: dict[int, Seen], stamp_ns: int
) -> tuple[Order, ...]:
    """Return what hands ask of the ego now, the most binding first. Updates the memory of commands by uid.

    turn: what the ego is about to do at the next junction.
    """
    u, out = here.users, []
    for k in np.flatnonzero(here.on_foot & (here.ahead_m > -AT_WORK_M) & (here.ahead_m < COMMAND_M)):
        kind, gesture, uid = int(u.kind[k]), int(u.gesture[k]), int(u.uid[k])
        if abs(here.left_m[k]) > ASIDE_M:
            continue
        if commands(kind, gesture):
            seen[uid] = Seen(gesture, stamp_ns)
        elif uid in seen and stamp_ns - seen[uid].stamp_ns < HELD_NS:
            gesture = seen[uid].gesture
        aside = False
        if kind in (Kind.OFFICER, Kind.WORKER):
            stop, slow, go, aside = _official(gesture, float(u.yaw_rad[k]), float(ego_pose[2]), turn)
        else:
            to_ego = float(np.arctan2(ego_pose[1] - u.y_m[k], ego_pose[0] - u.x_m[k]))
            faces = abs(float(wrap_angle(to_ego - u.yaw_rad[k]))) < FACES_RAD
            near = here.ahead_m[k] < PASSER_BY_M and abs(here.left_m[k]) < PASSER_BY_ASIDE_M and faces
            stop, slow, go = near and gesture == Gesture.STOP, near and gesture == Gesture.SLOW_DOWN, False
        ahead = here.ahead_m[k] > 0.5
        if (ahead and (stop or go)) or slow:
            where = float(here.ahead_m[k]), float(here.left_m[k])
            stop, go = bool(stop and ahead), bool(go and ahead)
            out.append(Order(NAMES[Kind(kind)], kind, uid, stop, bool(slow), go, bool(aside), *where))
    rank = {int(Kind.OFFICER): 0, int(Kind.WORKER): 1}
    return tuple(sorted(out, key=lambda c: (rank.get(c.kind, 2), not c.stop, c.ahead_m)))
