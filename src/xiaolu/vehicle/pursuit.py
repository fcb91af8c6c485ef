"""Pursuit: plans driven out by tracker and car in one compiled loop, with nobody about.

World frame, SI units; P plans, T ticks of 0.1 s. As `Tracker` and `dynamics.advance` would have it, to rounding.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from xiaolu.core.plan import Plan
from xiaolu.core.rates import SUBSTEPS, TICK_S
from xiaolu.vehicle.dynamics import constants_of, substeps
from xiaolu.vehicle.parameters import EGO_VEHICLE, VehicleParameters
from xiaolu.vehicle.tracker import (
    TrackerSettings,
    command,
    gains_of,
    is_reverse,
    knots_s,
    smoothed_each,
    steering_rate_radps,
)

_SUBSTEPS = int(SUBSTEPS)


@njit(cache=True)
def asked_of(knots_s, line, profile, sense, at, elapsed_s, motion, before, gains):
    """Return (steering, acceleration) that a plan asks of a car (8,), see `dynamics.substeps`, for the coming tick.

    line, profile, sense: see `tracker.command`; at (3,): the ego's pose when the plan was made; before (2,): the last
    command.
    """
    pose = np.empty(3)
    cos, sin = np.cos(at[2]), np.sin(at[2])
    dx, dy = motion[0] - at[0], motion[1] - at[1]
    pose[0], pose[1] = sense * (cos * dx + sin * dy), sense * (-sin * dx + cos * dy)
    pose[2] = (motion[2] - at[2] + np.pi) % (2.0 * np.pi) - np.pi
    speed = sense * motion[3]
    rate = steering_rate_radps(gains, speed)
    return command(
        knots_s, line, profile, sense, pose, elapsed_s, speed, motion[6], rate, (before[0], before[1]), gains
    )


@njit(cache=True)
def _pursue(knots_s, lines, profiles, sense, motion, pending, reverse, before, gains, constants, poses, speeds):
    count = len(lines)
    steering, acceleration, back = np.empty(count), np.empty(count), sense < 0.0
    at, within = motion[:, :3].copy(), np.empty((count, _SUBSTEPS + 1, 3))
    poses[:, 0], speeds[:, 0] = motion[:, :3], motion[:, 3]
    for k in range(poses.shape[1] - 1):
        for p in range(count):
            steering[p], acceleration[p] = asked_of(
                knots_s, lines[p], profiles[p], sense[p], at[p], k * TICK_S, motion[p], before[p], gains
            )
            before[p, 0], before[p, 1] = steering[p], acceleration[p]
        substeps(motion, pending, reverse, within, steering, acceleration, back, constants)
        poses[:, k + 1], speeds[:, k + 1] = motion[:, :3], motion[:, 3]


def driven_out(
    plans: Sequence[Plan], motion: np.ndarray, ticks: int, parameters: VehicleParameters = EGO_VEHICLE
) -> tuple[np.ndarray, np.ndarray]:
    """Return (poses (P, T + 1, 3), speeds (P, T + 1)) of the rear axle, each plan tracked from the same state.

    motion (8,): x, y, yaw, speed, acceleration, side speed, yaw rate, steering; its steering and acceleration count as
    the last command.
    """
    count = len(plans)
    sense = np.array([-1.0 if is_reverse(plan) else 1.0 for plan in plans])
    lines = smoothed_each(np.stack([plan.path for plan in plans]) * sense[:, None, None])
    profiles = np.stack([np.concatenate([[motion[3]], plan.speed_mps]) for plan in plans]) * sense[:, None]
    poses, speeds = np.empty((count, ticks + 1, 3)), np.empty((count, ticks + 1))
    pending = np.full((count, parameters.steering_delay_steps), motion[7])
    _pursue(
        knots_s(), lines, profiles, sense, np.tile(motion, (count, 1)), pending, np.full(count, motion[3] < 0.0),
        np.tile(motion[[7, 4]], (count, 1)), gains_of(parameters, TrackerSettings()), constants_of(parameters), poses,
        speeds,
    )  # fmt: skip
    return poses, speeds
