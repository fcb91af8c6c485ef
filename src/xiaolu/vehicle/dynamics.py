"""How the ego moves: Control in, poses of the rear axle at 100 Hz out, world frame, B branches at once.

Single-track model. From 5 m/s up, side forces come from tyre slip (linear, saturating at the friction limit); below
3 m/s and in reverse the wheels roll without slip; in between the two are blended, because slip angles divide by speed.
Steering: dead time, then first-order lag within a rate limit. Acceleration: first-order lag within limits; the brakes
hold at standstill. All of it is odd in the left-right axis: a mirrored command gives exactly the mirrored ride.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from xiaolu.core.check import freeze, frozen
from xiaolu.core.control import Control, EgoMotion
from xiaolu.core.rates import SUBSTEPS, TICK_NS, VEHICLE_STEP_S
from xiaolu.vehicle.parameters import EGO_VEHICLE, VehicleParameters

GRAVITY_MPS2 = 9.81


@dataclass(frozen=True, slots=True)
class VehicleState:
    """B branches. pose (B, 3): x, y, yaw of the rear axle in the world; the rest is (B,) unless said.

    speed is signed along x, acceleration along x; lateral_mps: side speed of the centre of gravity; pending (B, D):
    steering commands on their way through the dead time, oldest first; reverse: the gear that is in.
    """

    stamp_ns: np.ndarray
    pose: np.ndarray
    speed_mps: np.ndarray
    acceleration_mps2: np.ndarray
    lateral_mps: np.ndarray
    yaw_rate_radps: np.ndarray
    steering_rad: np.ndarray
    pending_rad: np.ndarray
    reverse: np.ndarray
    indicator: np.ndarray

    def __post_init__(self) -> None:
        freeze(self, "pose", (None, 3))
        branches = len(self.pose)
        freeze(self, "stamp_ns", (branches,), np.int64)
        for name in ("speed_mps", "acceleration_mps2", "lateral_mps", "yaw_rate_radps", "steering_rad"):
            freeze(self, name, (branches,))
        freeze(self, "pending_rad", (branches, None))
        freeze(self, "reverse", (branches,), np.bool_)
        freeze(self, "indicator", (branches,), np.int8)

    @property
    def branches(self) -> int:
        return len(self.pose)

    def pick(self, branch: int) -> "VehicleState":
        """Return the state of one branch, as a state of one branch."""
        chosen = slice(branch, branch + 1)
        return VehicleState(*(getattr(self, name)[chosen] for name in self.__slots__))


def start(
    pose: np.ndarray, speed_mps: float = 0.0, stamp_ns: int = 0, parameters: VehicleParameters = EGO_VEHICLE
) -> VehicleState:
    """Return the ego at rear axle poses (B, 3) in the world, wheels straight, rolling at `speed_mps`."""
    pose = frozen("start.pose", np.atleast_2d(np.asarray(pose, np.float64)), (None, 3))
    branches = len(pose)
    still = np.zeros(branches)
    return VehicleState(
        stamp_ns=np.full(branches, stamp_ns, np.int64),
        pose=pose,
        speed_mps=np.full(branches, float(speed_mps)),
        acceleration_mps2=still,
        lateral_mps=still,
        yaw_rate_radps=still,
        steering_rad=still,
        pending_rad=np.zeros((branches, parameters.steering_delay_steps)),
        reverse=np.full(branches, speed_mps < 0.0),
        indicator=np.zeros(branches, np.int8),
    )


def advance(
    state: VehicleState, controls: Sequence[Control], parameters: VehicleParameters = EGO_VEHICLE
) -> tuple[VehicleState, EgoMotion]:
    """Return the state one tick (0.1 s) later and the motion in between; pure.

    controls: one for each branch. A Control that has run out by the tick's start means braking with the steering held.
    Raises ValueError when their number differs from the branches.
    """
    if len(controls) != state.branches:
        raise ValueError(f"advance: {len(controls)} controls for {state.branches} branches; one for each is needed")
    fresh = np.array([control.valid_until_ns for control in controls], np.int64) > state.stamp_ns
    held = state.pending_rad[:, -1] if state.pending_rad.shape[1] else state.steering_rad
    asked_steering = np.where(fresh, np.array([control.steering_rad for control in controls]), held)
    asked_acceleration = np.where(
        fresh, np.array([control.acceleration_mps2 for control in controls]), -parameters.stale_brake_mps2
    )
    asked_reverse = np.where(fresh, np.array([control.reverse for control in controls], np.bool_), state.reverse)

    motion = np.stack(
        [
            *state.pose.T,
            state.speed_mps,
            state.acceleration_mps2,
            state.lateral_mps,
            state.yaw_rate_radps,
            state.steering_rad,
        ],
        axis=1,
    )
    pending = state.pending_rad.copy()
    reverse = state.reverse.copy()
    poses = np.empty((state.branches, SUBSTEPS + 1, 3))
    substeps(
        motion, pending, reverse, poses, asked_steering, asked_acceleration, asked_reverse, constants_of(parameters)
    )
    indicator = np.array([int(control.indicator) for control in controls], np.int8)
    after = VehicleState(
        stamp_ns=state.stamp_ns + TICK_NS,
        pose=motion[:, :3],
        speed_mps=motion[:, 3],
        acceleration_mps2=motion[:, 4],
        lateral_mps=motion[:, 5],
        yaw_rate_radps=motion[:, 6],
        steering_rad=motion[:, 7],
        pending_rad=pending,
        reverse=reverse,
        indicator=indicator,
    )
    moved = EgoMotion(
        poses, after.speed_mps, after.acceleration_mps2, after.yaw_rate_radps, after.steering_rad, indicator
    )
    return after, moved


def constants_of(p: VehicleParameters) -> np.ndarray:
    return np.array(
        [
            p.front_axle_m, p.rear_axle_m, p.mass_kg, p.yaw_inertia_kgm2, p.front_stiffness_nprad,
            p.rear_stiffness_nprad, p.friction, p.steering_max_rad, p.steering_rate_radps, p.steering_lag_s,
            p.drive_max_mps2, p.brake_max_mps2, p.drive_lag_s, p.brake_lag_s, p.reverse_max_mps, p.speed_max_mps,
            p.kinematic_below_mps, p.dynamic_above_mps, p.gear_brake_mps2,
        ]
    )  # fmt: skip


@njit(cache=True)
def substeps(motion, pending, reverse, poses, asked_steering, asked_acceleration, asked_reverse, constants):
    """Advance each branch by SUBSTEPS steps in place. motion (B, 8): x, y, yaw, speed, acceleration, side speed, yaw
    rate, steering. poses (B, SUBSTEPS + 1, 3) is filled.
    """
    (front_m, rear_m, mass, inertia, front_stiff, rear_stiff, friction, steer_max, steer_rate, steer_lag,
     drive_max, brake_max, drive_lag, brake_lag, reverse_max, speed_max, slow, fast,
     gear_brake) = constants  # fmt: skip
    dt = VEHICLE_STEP_S
    wheelbase = front_m + rear_m
    delay = pending.shape[1]
    for b in range(motion.shape[0]):
        x, y, yaw, speed, accel, side, rate, steering = motion[b]
        command = min(max(asked_steering[b], -steer_max), steer_max)
        poses[b, 0, 0], poses[b, 0, 1], poses[b, 0, 2] = x, y, yaw
        for step in range(SUBSTEPS):
            # Steering: dead time, lag, rate limit.
            target = command
            if delay > 0:
                target = pending[b, 0]
                for i in range(delay - 1):
                    pending[b, i] = pending[b, i + 1]
                pending[b, delay - 1] = command
            turn = min(max((target - steering) / steer_lag, -steer_rate), steer_rate)
            steering = min(max(steering + turn * dt, -steer_max), steer_max)

            # Gear and acceleration, along the direction of the gear.
            wanted = asked_acceleration[b]
            if asked_reverse[b] != reverse[b]:
                if speed == 0.0:
                    reverse[b] = asked_reverse[b]
                else:
                    wanted = min(wanted, -gear_brake)
            wanted = min(max(wanted, -brake_max), drive_max)
            way = -1.0 if reverse[b] else 1.0
            along = accel * way
            lag = brake_lag if wanted < along else drive_lag
            along += (wanted - along) * min(dt / lag, 1.0)
            before = speed * way
            if before <= 0.0 and wanted <= 0.0:
                after = 0.0
                along = 0.0
            else:
                top = reverse_max if reverse[b] else speed_max
                after = before + along * dt
                if after > top and along > 0.0:
                    after = max(before, top)
                    along = (after - before) / dt
                if after <= 0.0:
                    after = 0.0
                    # A car that has stopped has no acceleration; one that sets off builds it up from here.
                    along = max(along, 0.0)
            middle = 0.5 * (before + after) * way
            speed = after * way
            accel = along * way

            # Yaw rate and side speed.
            rolling_rate = speed * np.tan(steering) / wheelbase
            rolling_side = rolling_rate * rear_m
            share = min(max((speed - slow) / (fast - slow), 0.0), 1.0)
            if share > 0.0:
                slip_front = steering - np.arctan2(side + front_m * rate, speed)
                slip_rear = -np.arctan2(side - rear_m * rate, speed)
                grip_front = friction * mass * GRAVITY_MPS2 * rear_m / wheelbase
                grip_rear = friction * mass * GRAVITY_MPS2 * front_m / wheelbase
                force_front = grip_front * np.tanh(front_stiff * slip_front / grip_front) * np.cos(steering)
                force_rear = grip_rear * np.tanh(rear_stiff * slip_rear / grip_rear)
                slid_side = side + ((force_front + force_rear) / mass - speed * rate) * dt
                slid_rate = rate + (front_m * force_front - rear_m * force_rear) / inertia * dt
                side_after = share * slid_side + (1.0 - share) * rolling_side
                rate_after = share * slid_rate + (1.0 - share) * rolling_rate
            else:
                side_after = rolling_side
                rate_after = rolling_rate

            # The rear axle's velocity; yaw at the middle of the step, so that reversing retraces the way.
            drift = 0.5 * ((side - rear_m * rate) + (side_after - rear_m * rate_after))
            if share == 0.0:
                drift = 0.0
            turned = 0.5 * (rate + rate_after) if share > 0.0 else middle * np.tan(steering) / wheelbase
            heading = yaw + 0.5 * turned * dt
            cos, sin = np.cos(heading), np.sin(heading)
            x += (middle * cos - drift * sin) * dt
            y += (middle * sin + drift * cos) * dt
            yaw += turned * dt
            side, rate = side_after, rate_after
            poses[b, step + 1, 0], poses[b, step + 1, 1], poses[b, step + 1, 2] = x, y, yaw
        # Not the remainder: it rounds differently left and right, and the mirror would no longer be exact.
        if yaw >= np.pi:
            yaw -= 2.0 * np.pi
        elif yaw < -np.pi:
            yaw += 2.0 * np.pi
        motion[b, 0], motion[b, 1], motion[b, 2], motion[b, 3] = x, y, yaw, speed
        motion[b, 4], motion[b, 5], motion[b, 6], motion[b, 7] = accel, side, rate, steering
