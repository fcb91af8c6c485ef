"""What hands ask of the ego: whose sign counts, whom it is meant for, and where it binds.

Priority (this project's choice): an officer, a road worker, signals, a passer-by. A passer-by may only make the ego
more careful; hailing, phoning, thanking and pointing mean nothing to it. What an official's hand means is told by
`xiaolu.world.officer`, for the teacher as for everybody. Ego frame at the rear axle; metres.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.frames import to_child, wrap_angle
from xiaolu.core.users import Gesture, Kind
from xiaolu.expert.bodies import Counted
from xiaolu.expert.reasons import NAMES
from xiaolu.world.officer import Command, commands, meaning
from xiaolu.world.town import Turn

COMMAND_M, PASSER_BY_M = 60.0, 25.0  # read this far ahead
ASIDE_M, PASSER_BY_ASIDE_M = 14.0, 4.0
FACES_RAD = np.deg2rad(60.0)
HELD_NS = 4_000_000_000  # a command holds this long after its hands were last seen moving so
SLOW_HELD_NS = 30_000_000_000  # to go slowly holds until past who asked for it
SHORT_M = 3.0  # the ego stops this far before who holds it
AT_WORK_M, PASSED_M = 18.0, 6.0  # slow until so far beyond an official, who stands before what it is about; a passer-by

AHEAD_M = 0.5  # of the rear axle: who is nearer has been passed
OFFICIALS = (Kind.OFFICER, Kind.WORKER)
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
        return AT_WORK_M if self.kind in OFFICIALS else PASSED_M


@dataclass(slots=True)
class Seen:
    """The last command of one official, by uid, and where he then was."""

    gesture: int
    stamp_ns: int
    kind: int
    pose: np.ndarray  # x, y, yaw


def _official(gesture: int, yaw_rad: float, ego_yaw_rad: float, turn: Turn) -> tuple[bool, bool, bool, bool]:
    """Return (stop, slow, go, aside) of an official's command for an ego that is about to turn so.

    Who directs traffic and does not mean the ego holds it: it waits for its own sign.
    """
    said = Command(meaning(yaw_rad, gesture, ego_yaw_rad, int(Turn.STRAIGHT if turn == Turn.NONE else turn)))
    held = said in (Command.STOP, Command.PULL_OVER) or (gesture in DIRECTS and said != Command.PASS)
    return held, said == Command.SLOW, said == Command.PASS, said == Command.PULL_OVER


def _commanded(seen: Seen, ego_yaw_rad: float, turn: Turn, stamp_ns: int) -> int:
    """Return the gesture that an official's last command still stands for, NONE once it is too long ago."""
    slow = _official(seen.gesture, float(seen.pose[2]), ego_yaw_rad, turn)[1]
    return seen.gesture if stamp_ns - seen.stamp_ns < (SLOW_HELD_NS if slow else HELD_NS) else int(Gesture.NONE)


def orders_of(
    here: Counted, ego_pose: np.ndarray, comes_rad: float, turn: Turn, seen: dict[int, Seen], stamp_ns: int
) -> tuple[Order, ...]:
    """Return what hands ask of the ego now, the most binding first. Updates the memory of commands by uid.

    comes_rad: the heading with which the ego comes to the junction; turn: what it is about to do there. An official who
    is hidden for a while has not taken back what he asked for.
    """
    u, out = here.users, []
    for k in np.flatnonzero(here.on_foot):
        kind, gesture, uid = int(u.kind[k]), int(u.gesture[k]), int(u.uid[k])
        pose = np.array([u.x_m[k], u.y_m[k], u.yaw_rad[k]])
        where = float(here.ahead_m[k]), float(here.left_m[k])
        if kind in OFFICIALS:
            if commands(kind, gesture) and _near(*where):
                seen[uid] = Seen(gesture, stamp_ns, kind, pose)
            elif uid in seen:
                seen[uid].pose = pose
        elif _near(*where):
            to_ego = float(np.arctan2(ego_pose[1] - pose[1], ego_pose[0] - pose[0]))
            faces = abs(float(wrap_angle(to_ego - pose[2]))) < FACES_RAD
            near = where[0] < PASSER_BY_M and abs(where[1]) < PASSER_BY_ASIDE_M and faces
            stop, slow = near and gesture == Gesture.STOP, near and gesture == Gesture.SLOW_DOWN
            out.append(Order(NAMES[Kind(kind)], kind, uid, stop and where[0] > AHEAD_M, slow, False, False, *where))
    for uid, known in seen.items():
        ahead_m, left_m = (float(m) for m in to_child(ego_pose, known.pose[None, :2])[0])
        gesture = _commanded(known, comes_rad, turn, stamp_ns)
        if gesture == Gesture.NONE or not _near(ahead_m, left_m):
            continue
        stop, slow, go, aside = _official(gesture, float(known.pose[2]), comes_rad, turn)
        ahead = ahead_m > AHEAD_M
        out.append(
            Order(NAMES[Kind(known.kind)], known.kind, uid, stop and ahead, slow, go and ahead, aside, ahead_m, left_m)
        )
    rank = {int(Kind.OFFICER): 0, int(Kind.WORKER): 1}
    asked = [order for order in out if order.stop or order.slow or order.go]
    return tuple(sorted(asked, key=lambda c: (rank.get(c.kind, 2), not c.stop, c.ahead_m)))


def _near(ahead_m: float, left_m: float) -> bool:
    return -AT_WORK_M < ahead_m < COMMAND_M and abs(left_m) <= ASIDE_M
