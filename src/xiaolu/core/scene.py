"""Full ground truth of one moment. Teachers, label makers and evaluation may see it; no driver ever does.

It shares no base class with Observation, and nothing in an Observation leads to it.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.conditions import Conditions
from xiaolu.core.observation import Instruction
from xiaolu.core.users import Users


@dataclass(frozen=True, slots=True)
class Scene:
    """World frame throughout.

    ego_pose (3,): rear axle x, y, yaw; z is the ground below it. users: (N,) table, empty slots included.
    visible (N,) bool: one of the ego's cameras shows the user. touching (N,) bool: in contact with the ego
    during the last tick; caused_by_user (N,) bool: that contact was the user's doing. signal_colour (H,) int8
    LampColour per head of the town; signal_countdown_s (H,): what its digits count to the next change, NaN where it
    has none, infinite where it orders nothing: it is dark, or its yellow flashes (then YELLOW and DARK in turn).
    acts (A,) int32: in a scenario, the act that each actor is at, -1 before its first and -2 once it is gone; actor n
    is the user of uid n.
    route_lanes (R,): the lanes still to be driven, the present one first; goal_s_m: where on the last one it ends.
    """

    stamp_ns: int
    seed: int
    town: str
    ego_pose: np.ndarray
    ego_z_m: float
    ego_speed_mps: float
    ego_acceleration_mps2: float
    ego_yaw_rate_radps: float
    ego_steering_rad: float
    ego_indicator: int
    users: Users
    visible: np.ndarray
    touching: np.ndarray
    caused_by_user: np.ndarray
    signal_colour: np.ndarray
    signal_countdown_s: np.ndarray
    route_lanes: np.ndarray
    goal_s_m: float
    conditions: Conditions
    instruction: Instruction | None = None
    acts: np.ndarray | None = None
