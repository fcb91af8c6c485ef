"""Temper and bodies: figures by kind of road user, in one table each, indexed by `Kind`.

Sources: Treiber and Kesting, Traffic Flow Dynamics (2013), ch. 11, for the intelligent driver model; walking speeds,
following gaps and lateral accelerations from public recordings (DUT, nuScenes, WOMD); the rest tuned by eye.
"""

import numpy as np

from xiaolu.core.users import Kind

_KINDS = len(Kind)


def _table(**values: float) -> np.ndarray:
    table = np.array([values.get(kind.name.lower(), values["other"]) for kind in Kind], np.float64)
    table.flags.writeable = False
    return table


ACCELERATION_MPS2 = _table(other=1.5, van=1.3, bus=1.0, bicycle=0.8, e_bike=1.1, pedestrian=1.0, child=1.2)
BRAKING_MPS2 = _table(other=2.0, bus=1.5, pedestrian=1.5, child=1.5)
EMERGENCY_MPS2 = _table(other=7.0, bus=6.0, bicycle=4.5, e_bike=4.5, pedestrian=4.0, child=4.0)
STANDSTILL_GAP_M = _table(other=2.0, bicycle=1.0, e_bike=1.0, pedestrian=0.4, child=0.4, officer=0.4, worker=0.4)
LATERAL_MPS2 = _table(other=1.6, bus=1.2)
OWN_SPEED_MPS = _table(other=40.0, bicycle=4.0, e_bike=5.6, pedestrian=1.33, child=1.25, officer=1.3, worker=1.3)
SPEED_SPREAD = _table(other=0.08, bicycle=0.15, e_bike=0.15, pedestrian=0.15, child=0.2)
TURN_RATE_RADPS = _table(other=1.2, bus=0.8, bicycle=2.0, e_bike=2.0, pedestrian=4.0, child=4.0)
# The least radius that bodies turn with; who walks turns on the spot.
TURN_RADIUS_M = _table(other=3.5, van=4.0, bus=6.0, bicycle=0.8, e_bike=0.8)
LENGTH_M = _table(
    other=4.6, van=5.2, bus=10.5, bicycle=1.75, e_bike=1.75, pedestrian=0.4, child=0.35, officer=0.4, worker=0.4
)
WIDTH_M = _table(
    other=1.82, van=1.92, bus=2.5, bicycle=0.6, e_bike=0.7, pedestrian=0.5, child=0.4, officer=0.55, worker=0.55
)
HEIGHT_M = _table(
    other=1.48, van=2.0, bus=3.1, bicycle=1.7, e_bike=1.65, pedestrian=1.68, child=1.2, officer=1.75, worker=1.75
)
STRIDE_M = _table(other=4.0, bicycle=3.0, e_bike=9.0, pedestrian=1.45, child=1.1, officer=1.45, worker=1.45)
ON_FOOT = np.array([kind in (Kind.PEDESTRIAN, Kind.CHILD, Kind.OFFICER, Kind.WORKER) for kind in Kind])
TWO_WHEELER = np.array([kind in (Kind.BICYCLE, Kind.E_BIKE) for kind in Kind])
HIDES = np.array([2, 2, 2, 0, 0, 0, 0, 0, 0, 0])  # 2: vehicles hide; whom a car hides is a matter of height
HASTE = 0.97  # the mean factor on limits and own speeds
# How users differ, besides in speed. Time gaps of 1.0 to 4.5 s between cars (5 to 95 %, WOMD; nuScenes 0.8 to 3.6),
# standstill gaps of 2.1 to 6.8 m, peak accelerations of 0.7 to 2.1 m/s²; a gap of time holds the standstill gap too.
HEADWAY_S, HEADWAY_SPREAD_S = 1.15, 0.35
VIGOUR_SPREAD, ROOM_SPREAD, MARGIN_SPREAD_S = 0.2, 0.35, 0.35
ALIKE = 0.5  # correlation of each of these with being in a hurry, tuned by eye
# The time gap at which half of the people step out before a vehicle, and its spread between people: a logistic of
# 0.35 s as a normal (DUT: 0 of 19 below 2 s, 82 % at 2 to 3 s, 95 % at 3 to 4 s).
GAP_S, GAP_SPREAD_S = 2.2, 0.63
TURN_BACK_PER_S, TURN_BACK_HESITATING_PER_S = 0.0015, 0.04  # people change their minds; tuned by eye
TURN_BACK_WAITED_S, TURN_BACK_BLOCKED_PER_S = 6.0, 0.25  # and go another way where they cannot get on
INATTENTIVE_SHARE = 0.05
LAPSE_S = 4.0  # an inattentive user looks away half of the time, this long each
