"""Every rate and duration of the loop, in one table. Time is int64 nanoseconds of the ride."""

SECOND_NS = 1_000_000_000

VEHICLE_HZ = 100  # ego dynamics and swept contact
TICK_HZ = 10  # road users, cameras, driver, log
TICK_NS = SECOND_NS // TICK_HZ
TICK_S = 1.0 / TICK_HZ
VEHICLE_STEP_S = 1.0 / VEHICLE_HZ
SUBSTEPS = VEHICLE_HZ // TICK_HZ

PHONE_HZ = 1  # the route is refreshed once a second
TRAINING_HZ = 2  # a recorded moment for training, all cameras once
MEMORY_S = 2.0  # how far back the driver remembers
DECISION_LATENCY_NS = 100_000_000  # a Decision takes effect this long after its stamp
PLAN_HORIZON_S = 5.0


def ticks_of(seconds: float) -> int:
    """Return the whole number of ticks nearest to a duration in seconds."""
    return round(seconds * TICK_HZ)
