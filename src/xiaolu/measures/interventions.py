"""Which moments of a ride would have needed a person: decided by rule, fixed before any run.

Each detector takes per-tick arrays and returns Events with their span. Critical: contact, a wheel off the drivable
area, the stop line crossed on red, wrong way, a vulnerable user's clearance or time to collision breached, own braking
beyond 5 m/s². Efficiency: stuck with a free way, a manoeuvre of the route missed. `interventions` then keeps one
event in each window, since after an event somebody else would be driving.
"""

from collections.abc import Sequence

import numpy as np

from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Event
from xiaolu.core.rates import SECOND_NS, TICK_S
from xiaolu.measures.comfort import spans

CONTACT = "contact"
CONTACT_BY_USER = "contact_by_user"
OFF_ROAD = "off_road"
RED_LINE = "red_line"
WRONG_WAY = "wrong_way"
VULNERABLE = "vulnerable_too_close"
HARD_BRAKE = "hard_brake"
HARD_BRAKE_PROVOKED = "hard_brake_provoked"  # by somebody else: see `measures.provoked`
STUCK = "stuck"
MISSED = "missed_manoeuvre"

CRITICAL = (CONTACT, OFF_ROAD, RED_LINE, WRONG_WAY, VULNERABLE, HARD_BRAKE)
EFFICIENCY = (STUCK, MISSED)
COUNTED_APART = (CONTACT_BY_USER, HARD_BRAKE_PROVOKED)

WINDOW_S = 10.0  # the teacher takes over for this long after an event [this project's choice]
SAME_CONTACT_S = 5.0  # a second touch of the same body within this is the same one (CARLA leaderboard)
OFF_ROAD_M = 0.05  # a tyre's edge on the line is not off the road
WRONG_WAY_RAD = np.deg2rad(120.0)
WRONG_WAY_M = 40.0  # passing a stopped bus over the opposite lane takes less: 12 m of bus, 12 m out, 12 m back
HARD_BRAKE_MPS2 = 5.0
STUCK_S, STUCK_MPS = 30.0, 0.1
MISSED_M = 5.0
MOVING_MPS = 1.0
TTC_S = 0.95  # nuPlan's bound
# The 5th percentile of drivers among walkers (DUT recordings, 320 passes): side gap to a walker's middle 0.26, 0.53,
# 0.69 and 1.18 m at 0.5-1.5, 1.5-3, 3-4.5 and 4.5-9 m/s, less 0.25 m of body, at each bin's upper end (1 in the first).
CLEARANCE_SPEEDS_MPS = (1.0, 3.0, 4.5, 9.0)
CLEARANCE_BOUNDS_M = (0.01, 0.28, 0.44, 0.93)


def _events(kind: str, stamp_ns: np.ndarray, found: np.ndarray, detail: str = "") -> list[Event]:
    return [Event(kind, int(stamp_ns[a]), int(stamp_ns[b]), detail) for a, b in found]


def contacts(stamp_ns: np.ndarray, uid: np.ndarray, touching: np.ndarray, by_user: np.ndarray) -> list[Event]:
    """Return contacts: stamp_ns (T,); uid (T, N), touching and by_user (T, N) bool. One event a body in 5 s.

    A contact is the user's when it was so at its first tick.
    """
    out: list[Event] = []
    for body in np.unique(uid[touching]):
        slot = (uid == body) & touching
        for a, b in spans(slot.any(axis=1), round(SAME_CONTACT_S / TICK_S)):
            kind = CONTACT_BY_USER if (slot[a] & by_user[a]).any() else CONTACT
            out.append(Event(kind, int(stamp_ns[a]), int(stamp_ns[b]), f"uid {body}"))
    return sorted(out, key=lambda event: event.from_ns)


def off_road(stamp_ns: np.ndarray, off_road_m: np.ndarray) -> list[Event]:
    """Return spans in which any wheel (T, 4) is further than 5 cm off the drivable surface, metres."""
    found = spans(np.any(off_road_m > OFF_ROAD_M, axis=1), 10)
    return [
        Event(OFF_ROAD, int(stamp_ns[a]), int(stamp_ns[b]), f"{off_road_m[a : b + 1].max():.2f} m") for a, b in found
    ]


def red_line(
    stamp_ns: np.ndarray,
    line_ahead_m: np.ndarray,
    colour: np.ndarray,
    right_turn: np.ndarray,
    officer: np.ndarray | None = None,
) -> list[Event]:
    """Return crossings of a stop line on red, or against an officer who ordered to stop.

    line_ahead_m: (T,) from the front bumper to the nearest governing line, negative once past, NaN without one;
    colour: (T,) LampColour of its signal; right_turn: (T,) bool, a right turn on a round red, which the law allows;
    officer: (T,) bool, the colour is what an officer's command means: GREEN for go, RED for stop.
    The crossing is where the distance turns from positive to negative by less than 5 m a tick: a jump is a new line.
    """
    before, after = line_ahead_m[:-1], line_ahead_m[1:]
    with np.errstate(invalid="ignore"):
        crossed = (before > 0.0) & (after <= 0.0) & (before - after < 5.0)
    red = (colour[:-1] == LampColour.RED) & (colour[1:] == LampColour.RED) & ~right_turn[1:]
    told = np.zeros(len(stamp_ns), bool) if officer is None else officer
    return [
        Event(RED_LINE, int(stamp_ns[k]), int(stamp_ns[k]), "against an officer" if told[k] else "")
        for k in np.flatnonzero(crossed & red) + 1
    ]


def wrong_way(
    stamp_ns: np.ndarray, heading_error_rad: np.ndarray, speed_mps: np.ndarray, overtakes: np.ndarray
) -> list[Event]:
    """Return stretches of more than 40 m driven against the lane, not counting those beside riders it overtakes.

    heading_error_rad: (T,) least angle between the ego and any lane under its middle, 0 in junctions, off lanes and on
    a shared surface with two directions (whose twin then fits); overtakes: (T,) bool.
    """
    found = spans((np.abs(heading_error_rad) > WRONG_WAY_RAD) & (speed_mps > 0.2), 20)
    counted_m = np.where(overtakes, 0.0, speed_mps) * TICK_S
    far = [(a, b) for a, b in found if np.sum(counted_m[a : b + 1]) > WRONG_WAY_M]
    return _events(WRONG_WAY, stamp_ns, np.array(far, np.int64).reshape(-1, 2))


def required_clearance_m(speed_mps: np.ndarray) -> np.ndarray:
    """Return the side gap to a vulnerable user below which passing at this speed counts as a breach; any shape."""
    return np.interp(speed_mps, CLEARANCE_SPEEDS_MPS, CLEARANCE_BOUNDS_M)


def vulnerable_too_close(
    stamp_ns: np.ndarray,
    uid: np.ndarray,
    clearance_m: np.ndarray,
    ttc_s: np.ndarray,
    speed_mps: np.ndarray,
    on_road: np.ndarray,
    beside_or_ahead: np.ndarray,
) -> list[Event]:
    """Return breaches of a vulnerable user's clearance or time to collision while the ego moves faster than 1 m/s.

    uid, clearance_m, ttc_s: (T, N) for vulnerable users, infinite for all others; on_road: (T, N) bool, on a surface
    the ego may drive on (a walker heading for the kerb will stop there: its time to collision does not count);
    beside_or_ahead: (T, N) bool, further on than the ego's rear axle and not faster along its heading (one who
    overtakes the ego chooses the gap himself).
    """
    moving = (speed_mps > MOVING_MPS)[:, None]
    near = clearance_m < required_clearance_m(speed_mps)[:, None]
    soon = (ttc_s < TTC_S) & on_road
    bad = moving & beside_or_ahead & (near | soon)
    out: list[Event] = []
    for body in np.unique(uid[bad]):
        slot = (uid == body) & bad
        for a, b in spans(slot.any(axis=1), round(SAME_CONTACT_S / TICK_S)):
            gap = clearance_m[a : b + 1][slot[a : b + 1]].min()
            time_s = ttc_s[a : b + 1][slot[a : b + 1]].min()
            out.append(
                Event(VULNERABLE, int(stamp_ns[a]), int(stamp_ns[b]), f"uid {body}, {gap:.2f} m, TTC {time_s:.1f} s")
            )
    return sorted(out, key=lambda event: event.from_ns)


def hard_braking(stamp_ns: np.ndarray, acceleration_mps2: np.ndarray) -> list[Event]:
    """Return spans of braking beyond 5 m/s², whoever caused it, from (T,) acceleration along x (as driven)."""
    return _events(HARD_BRAKE, stamp_ns, spans(acceleration_mps2 < -HARD_BRAKE_MPS2, 20))


def stuck(stamp_ns: np.ndarray, speed_mps: np.ndarray, way_free: np.ndarray) -> list[Event]:
    """Return spans of standing longer than 30 s with a free way. way_free: (T,) bool, nobody ahead and no red."""
    found = spans((np.abs(speed_mps) < STUCK_MPS) & way_free)
    return _events(STUCK, stamp_ns, found[(found[:, 1] - found[:, 0]) * TICK_S > STUCK_S])


def missed_manoeuvre(stamp_ns: np.ndarray, route_distance_m: np.ndarray, limit_m: float = MISSED_M) -> list[Event]:
    """Return spans in which the ego is further than `limit_m` from the route's line; route_distance_m (T,) >= 0."""
    return _events(MISSED, stamp_ns, spans(route_distance_m > limit_m, 50))


def interventions(events: list[Event], window_s: float = WINDOW_S) -> list[Event]:
    """Return the events that count: in time order, one in each window after an event's start.

    What a user caused, a contact or hard braking, is counted apart: it is left out, and opens no window.
    """
    out: list[Event] = []
    for event in sorted(events, key=lambda e: (e.from_ns, e.kind)):
        if event.kind in COUNTED_APART:
            continue
        if not out or event.from_ns - out[-1].from_ns >= window_s * SECOND_NS:
            out.append(event)
    return out


def distance_outside_windows_m(
    stamp_ns: np.ndarray, speed_mps: np.ndarray, taken_ns: Sequence[int], window_s: float = WINDOW_S
) -> float:
    """Return the metres driven (T,) by the driver itself: the window after each takeover (ns) is left out."""
    own = outside_windows(stamp_ns, taken_ns, window_s)
    return float(np.sum(np.abs(speed_mps)[own]) * TICK_S)


def outside_windows(stamp_ns: np.ndarray, taken_ns: Sequence[int], window_s: float = WINDOW_S) -> np.ndarray:
    """Return (T,) bool: the driver itself is at the wheel, not whoever took over for a window."""
    own = np.ones(len(stamp_ns), bool)
    for taken in taken_ns:
        own &= ~((stamp_ns > taken) & (stamp_ns <= taken + window_s * SECOND_NS))
    return own
