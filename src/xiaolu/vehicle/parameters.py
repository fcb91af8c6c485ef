"""The numbers of the ego: a compact electric family car with EGO_BODY's outline, on dry asphalt.

Mass, inertia and cornering stiffness are those of a mid-size car in the single-track literature (Rajamani, Vehicle
Dynamics and Control, 2nd ed., ch. 2), scaled to the wheelbase; actuator lags are of the order that by-wire retrofits
report. Nothing here was fitted to a particular car.
"""

from dataclasses import dataclass

from xiaolu.core.control import EGO_BODY


@dataclass(frozen=True, slots=True)
class VehicleParameters:
    """Stiffness is per axle (both tyres), N/rad. Steering is the front wheels' angle. Lags are time constants."""

    wheelbase_m: float = EGO_BODY.wheelbase_m
    front_axle_m: float = 1.35  # centre of gravity to the front axle; a little nose-heavy, so it understeers
    mass_kg: float = 1650.0
    yaw_inertia_kgm2: float = 2700.0
    front_stiffness_nprad: float = 135_000.0
    rear_stiffness_nprad: float = 150_000.0
    friction: float = 0.9
    steering_max_rad: float = 0.60  # 4.1 m radius at the rear axle, 10.9 m turning circle between kerbs
    steering_rate_radps: float = 0.70  # about 640 deg/s at the wheel, with a ratio of 16
    steering_lag_s: float = 0.06
    steering_delay_steps: int = 4  # steps of the 100 Hz dynamics: 40 ms of dead time
    drive_max_mps2: float = 3.0
    brake_max_mps2: float = 8.0
    drive_lag_s: float = 0.20
    brake_lag_s: float = 0.12
    reverse_max_mps: float = 3.0
    speed_max_mps: float = 40.0
    kinematic_below_mps: float = 3.0  # slip angles are ill-defined near standstill: rolling without slip below
    dynamic_above_mps: float = 5.0  # tyres only above; linear blend in between
    stale_brake_mps2: float = 4.0  # what the actuators do by themselves once a Control has run out (UN R157's bound)
    gear_brake_mps2: float = 2.0  # while moving, asking for the other gear means: stop first

    @property
    def rear_axle_m(self) -> float:
        """Centre of gravity to the rear axle."""
        return self.wheelbase_m - self.front_axle_m

    @property
    def understeer_s2pm(self) -> float:
        """Return K in yaw_rate = v steering / (wheelbase + K v²), in s²/m x m: the linear tyres' understeer."""
        share = self.rear_axle_m / self.front_stiffness_nprad - self.front_axle_m / self.rear_stiffness_nprad
        return self.mass_kg * share / self.wheelbase_m

    @property
    def steering_latency_s(self) -> float:
        """Return how late the wheels follow a slow command: dead time plus lag."""
        return self.steering_delay_steps * 0.01 + self.steering_lag_s


EGO_VEHICLE = VehicleParameters()
