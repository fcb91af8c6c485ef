"""Film strips of hands, as the narrow camera sees them: what a person must be able to read, the driver can learn.

Rows are gestures, columns are moments; each person is cut out of real frames of the rig's narrow camera at 15 m and at
30 m, facing it and turned away from it, the latter at twice its size. One sheet for officers, one for road workers and
commands of passers-by, one for hands that mean nothing, one for the variety of people.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from xiaolu.cameras.cast import warmth_of
from xiaolu.cameras.sheets.paper import beside, labelled, stacked
from xiaolu.cameras.sheets.stand import Stand
from xiaolu.core.users import Gesture, Kind

MOMENTS = 6
TURNED_RAD = 0.9
VIEWS = ((15.0, 0.0, 1), (15.0, TURNED_RAD, 1), (30.0, 0.0, 2), (30.0, TURNED_RAD, 2))  # metres, turn, zoom
POLICE = [(Kind.OFFICER, g) for g in Gesture if g >= Gesture.POLICE_STOP]
MEANT = [
    (Kind.WORKER, Gesture.PADDLE_STOP),
    (Kind.WORKER, Gesture.PADDLE_SLOW),
    (Kind.WORKER, Gesture.PADDLE_GO),
    (Kind.PEDESTRIAN, Gesture.STOP),
    (Kind.PEDESTRIAN, Gesture.GO),
    (Kind.PEDESTRIAN, Gesture.SLOW_DOWN),
    (Kind.PEDESTRIAN, Gesture.PULL_OVER),
    (Kind.PEDESTRIAN, Gesture.HAIL),
    (Kind.PEDESTRIAN, Gesture.BECKON),
]
MEANINGLESS = [
    (Kind.PEDESTRIAN, Gesture.WALK),
    (Kind.CHILD, Gesture.WALK),
    (Kind.PEDESTRIAN, Gesture.WAVE),
    (Kind.PEDESTRIAN, Gesture.THANK),
    (Kind.PEDESTRIAN, Gesture.POINT),
    (Kind.PEDESTRIAN, Gesture.PHONE),
    (Kind.PEDESTRIAN, Gesture.READ_PHONE),
    (Kind.PEDESTRIAN, Gesture.CARRY),
    (Kind.PEDESTRIAN, Gesture.UMBRELLA),
]
LAST_S = {Gesture.THANK: 1.8, Gesture.POLICE_STOP: 2.0, Gesture.STOP: 1.6, Gesture.POLICE_STRAIGHT: 6.0}
LONG_S, SHORT_S = 4.6, 2.4
STYLE = 20_261  # first of the people's styles


def ride_of_warmth(warmth: float) -> int:
    """Return the first seed whose ride lies in a season about so warm, 0 winter to 1 summer."""
    return next(seed for seed in range(10_000) if abs(warmth_of(seed) - warmth) < 0.03)


def acts_sheet(stand: Stand, acts: Sequence[tuple[Kind, Gesture]]) -> Image.Image:
    """Return a sheet: a row an act, blocks of moments for every view."""
    rows = []
    for n, (kind, gesture) in enumerate(acts):
        last_s = LAST_S.get(gesture, LONG_S if gesture >= Gesture.POLICE_STOP else SHORT_S)
        walks = gesture == Gesture.WALK
        running = 2.9 if kind == Kind.CHILD else 1.3
        blocks = []
        for ahead_m, turn, zoom in VIEWS:
            moments = []
            for seconds in np.linspace(0.0, last_s, MOMENTS):
                row = {
                    "kind": kind, "gesture": gesture, "gesture_s": float(seconds), "ahead_m": ahead_m, "yaw_rad": turn,
                    "style": STYLE + 101 * n, "speed_mps": running if walks else 0.0,
                    "stride_rad": 2.0 * np.pi * 0.9 * seconds if walks else 0.0,
                }  # fmt: skip
                moments.append(stand.cut(row, zoom))
            blocks.append(beside(moments, 0))
        label = f"{kind.name.lower()}: {gesture.name.lower().replace('_', ' ')}, 0 to {last_s:.1f} s"
        rows.append(labelled(beside(blocks), label))
    return stacked(rows, 0)


def people_sheet(stand: Stand) -> Image.Image:
    """Return a sheet of many people at 16 m, from the front and from behind, in summer, spring and winter."""
    cast = [Kind.PEDESTRIAN] * 12 + [Kind.CHILD] * 3 + [Kind.OFFICER] * 2 + [Kind.WORKER] * 2
    cast += [Kind.BICYCLE] * 2 + [Kind.E_BIKE] * 4
    rows = []
    for turn, warmth in ((0.4, 0.95), (0.4, 0.5), (0.4, 0.05), (np.pi - 0.5, 0.95), (np.pi - 0.5, 0.05)):
        people = []
        for n, kind in enumerate(cast):
            moves = n % 3 == 0 or kind <= Kind.E_BIKE
            row = {"kind": kind, "ahead_m": 16.0, "yaw_rad": turn, "style": STYLE + 37 * n, "stride_rad": 0.7 * n}
            row |= {"speed_mps": 1.2 if moves else 0.0, "gesture": Gesture.WALK, "gesture_s": 3.0}
            people.append(stand.cut(row, 1, seed=ride_of_warmth(warmth)))
        rows.append(beside(people, 0))
    return stacked(rows, 0)
