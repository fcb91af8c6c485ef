"""Backing up: two vehicles face each other where only one fits, and the ego makes room behind itself.

In: who stands before it, and what room the course has behind. Out: a place to back to, and the path and profile there.
World frame; s along the course, d left of it, metres.
"""

from dataclasses import dataclass, replace

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import to_child
from xiaolu.core.plan import Plan
from xiaolu.core.scene import Scene
from xiaolu.core.users import Kind
from xiaolu.expert.bodies import STANDING_MPS, Counted, extents
from xiaolu.expert.conflict import passing_gaps
from xiaolu.expert.course import TYRE_M, Course
from xiaolu.expert.forecast import MOMENTS
from xiaolu.expert.path import PATH_STEP_M, PATH_STEPS, PLANNED
from xiaolu.expert.speed import STEPS, rollout
from xiaolu.vehicle.pursuit import driven_out
from xiaolu.world.ground import Ground

RIDER_STOOD_S = 10.0
SETTLE_S = 3.0  # both have stood for so long before the ego backs up
MET_M, MET_ASIDE_M, WAITS_ASIDE_M = 13.0, 2.2, 4.0  # between bumpers; between middles
PRESSING_MPS, PASSES_M, COMES_BY_M = 1.5, -0.5, 0.6
FARTHEST_M, LEAST_M = 55.0, 2.5
LEASTS_M = (LEAST_M, 5.0, 8.0, 12.0)
BEFORE_START_M = 28.0  # beyond where its way begins it backs up so far at most
EDGE_M, BETWEEN_M = 0.12, 0.3  # from the road's edge; between two that pass at a walking pace
# Of the ego's bumper beyond the narrow place: the other one swings out of it; less at need.
CLEARS_M = (8.5, 6.0, 4.0, 1.5)
BEHIND_M, BEHIND_ASIDE_M = 9.0, 1.1  # who stands or comes in there is kept clear of
NEAR_BEHIND_M, BEHIND_S = 1.5, 2.0  # it stops so far before them, and as far as they come in so long
TOUCHED_M, TOUCHED_SHORT_M = 0.1, 0.2  # what would come so near is stopped so far before; tuned
PEOPLE_M = 0.5  # kept beside who walks or rides about it, wherever he gets to in BEHIND_S: its nose swings out; tuned
SHIFT_M = 9.0  # over so many metres it moves aside
STEEPEST_RAD = 0.7  # of the way back against the ego's heading at its start: no car backs out sideways; tuned
BACK_MPS = 1.4
GIVE_UP_NS, STANDS_NS = 25_000_000_000, 12_000_000_000  # it waits so long; and so long for one who does not come
# Who leads it, so near, and has stood so long and so near before who faces it, gets so much room to back up; tuned.
ALONG_RAD, QUEUED_M, LEADER_STOOD_S, LEADER_M = 0.8, 5.0, 8.0, 9.0
FACES_RAD, LEADER_MET_M = 2.0, 9.0
HALF_M = 0.5 * EGO_BODY.width_m
TYRE_ROOM_M, OFF_ROAD_M = 0.06, 0.02  # kept beside a tyre; what that may reach over the edge
WIDER_M = (0.0, 0.1, 0.2, 0.3)
AT_EDGE = 2  # steps of its path: where it is now it may be at the edge already
FURTHER_M = 4.0  # who did not come though there was room needs so much more of it; tuned
# Who stands so near before what does not go away, and so long, takes a run at it from further back; tuned.
STUCK_S, STUCK_STANDS_S, STUCK_M, STUCK_NS = 12.0, 8.0, 9.0, 15_000_000_000
BACKS_OFF_M, SAME_PLACE_M = (4.0, 6.0, 9.0), 12.0
MOTION_TICKS = 50  # what a plan reaches: 5 s
LENGTH_CELLS = 1.0  # metres between places that are tried


@dataclass(frozen=True, slots=True)
class Backing:
    """uid: for whom; what: its name; s_m, left_m: where the rear axle stops; since_ns: when it got there, or was last
    on its way; line: the way it has begun to go back, see `line_of`: begun anew from wherever the ego is it would give
    way to every error."""

    uid: int
    what: str
    s_m: float
    left_m: float
    since_ns: int
    line: tuple[float, float, float, float] | None = None


def opponent(here: Counted, waits_for: int = -1) -> int:
    """Return the row of the nearest vehicle that faces the ego and has met it, -1 if there is none.

    A rider goes round by himself; one who has stood for long cannot. waits_for: the uid for whom the ego stands, who
    may be further aside.
    """
    u = here.users
    gap_m = here.ahead_m - EGO_BODY.front_x_m - 0.5 * u.length_m
    drives = np.isin(u.kind, (Kind.CAR, Kind.VAN, Kind.BUS))
    rides = np.isin(u.kind, (Kind.BICYCLE, Kind.E_BIKE)) & (here.stood_s > RIDER_STOOD_S)
    faces = (np.abs(here.turned_rad) > 2.4) & (drives | rides) & ~here.parked
    aside_m = np.where(u.uid == waits_for, WAITS_ASIDE_M, MET_ASIDE_M)
    near = (gap_m < MET_M) & (here.ahead_m > 0.0) & (np.abs(here.left_m) < aside_m)
    comes_by = (gap_m < PASSES_M) & (u.speed_mps > STANDING_MPS)  # it has room, and makes use of it
    met = np.flatnonzero(faces & near & ~comes_by & (np.abs(u.speed_mps) < PRESSING_MPS))
    return int(met[np.argmin(gap_m[met])]) if len(met) else -1


def locked_leader(here: Counted) -> int:
    """Return the row of the vehicle right ahead that has long stood face to face with another, or backs up towards the
    ego; -1 for none."""
    u = here.users
    gap_m = here.ahead_m - EGO_BODY.front_x_m - 0.5 * u.length_m
    drives = np.isin(u.kind, (Kind.CAR, Kind.VAN, Kind.BUS)) & ~here.parked & (np.abs(u.speed_mps) < PRESSING_MPS)
    leads = drives & (np.abs(here.turned_rad) < ALONG_RAD) & (gap_m > 0.0) & (gap_m < QUEUED_M)
    for k in np.flatnonzero(leads & (np.abs(here.left_m) < MET_ASIDE_M)).tolist():
        dx, dy = u.x_m - u.x_m[k], u.y_m - u.y_m[k]
        cos, sin = np.cos(u.yaw_rad[k]), np.sin(u.yaw_rad[k])
        between_m = dx * cos + dy * sin - 0.5 * (u.length_m + u.length_m[k])
        turned = (u.yaw_rad - u.yaw_rad[k] + np.pi) % (2.0 * np.pi) - np.pi
        met = drives & (np.abs(turned) > FACES_RAD) & (between_m > -1.0) & (between_m < LEADER_MET_M)
        met &= np.abs(dy * cos - dx * sin) < MET_ASIDE_M
        if met.any() and (here.stood_s[k] > LEADER_STOOD_S or u.speed_mps[k] < -STANDING_MPS):
            return k
    return -1


def room_behind(here: Counted, path: np.ndarray, stops_m: float = 0.0) -> float:
    """Return how many metres the ego can follow its way back until it, or its nose, is near somebody, or would touch
    what stands or comes by.

    path (PATH_STEPS + 1, 4): see `driven_back`; stops_m: what it takes to come to a stand with ease.
    """
    u = here.users
    gap_m = -here.ahead_m - EGO_BODY.rear_overhang_m - 0.5 * u.length_m
    beside = np.abs(here.left_m) - 0.5 * u.width_m < BEHIND_ASIDE_M
    behind = (here.ahead_m < 0.0) & (gap_m < BEHIND_M) & beside & ~here.parked
    closing_mps = np.maximum(u.speed_mps * np.cos(here.turned_rad), 0.0)
    room_m = float((gap_m - NEAR_BEHIND_M - BEHIND_S * closing_mps)[behind].min(initial=np.inf))
    abreast = np.abs(here.ahead_m - EGO_BODY.centre_x_m) < 0.5 * (EGO_BODY.length_m + u.length_m)
    abreast &= np.abs(here.left_m) - 0.5 * u.width_m < HALF_M + COMES_BY_M
    if (abreast & (np.abs(u.speed_mps) > STANDING_MPS) & ~here.on_foot).any():
        room_m = min(room_m, stops_m)  # it is let by first
    counts = (np.abs(u.speed_mps) < STANDING_MPS) | here.vulnerable
    beside = np.flatnonzero(counts & (np.abs(here.ahead_m) < FARTHEST_M))
    goes_m = np.where(here.vulnerable, BEHIND_S * u.speed_mps, 0.0)
    x_m, y_m = u.x_m + 0.5 * goes_m * np.cos(u.yaw_rad), u.y_m + 0.5 * goes_m * np.sin(u.yaw_rad)
    boxes = np.stack([x_m, y_m, u.yaw_rad, u.length_m + np.abs(goes_m), u.width_m], axis=1)[beside]
    gaps = passing_gaps(path, PATH_STEP_M, 1, EGO_BODY.length_m, EGO_BODY.width_m, boxes, 1.0)
    least_m = np.where(here.vulnerable[beside], PEOPLE_M, TOUCHED_M)[:, None]
    touched = ((gaps < least_m) & (gaps < gaps[:, :1] - 0.01)).any(axis=0)
    if touched.any():
        room_m = min(room_m, PATH_STEP_M * (float(np.argmax(touched)) - 1.0) - TOUCHED_SHORT_M)
    return max(room_m, 0.0)


def driven_back(scene: Scene, path: np.ndarray) -> np.ndarray:
    """Return a way back (n, 4) as tracker and car drive it from where the ego is, as far as a plan reaches: its wheels
    may not stand as the way begins, and its nose swings out the more."""
    _, speed = roll_back(scene.ego_speed_mps, np.inf, scene.ego_acceleration_mps2)
    plan = Plan(to_child(scene.ego_pose, path[PLANNED, :2]), np.ascontiguousarray(speed[5:51:5]))
    motion = np.array([*scene.ego_pose, scene.ego_speed_mps, scene.ego_acceleration_mps2, 0.0, scene.ego_yaw_rate_radps,
                       scene.ego_steering_rad])  # fmt: skip
    poses = driven_out([plan], motion, MOTION_TICKS)[0][0]
    way_m = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(poses[:, :2], axis=0).T))])
    out, steps = path.copy(), np.arange(int(way_m[-1] / PATH_STEP_M) + 1)
    for column in range(3):
        out[steps, column] = np.interp(steps * PATH_STEP_M, way_m, poses[:, column])
    return out


def place_behind(
    course: Course, here: Counted, s0_m: float, width_m: float, least_m: float = LEAST_M
) -> tuple[float, float] | None:
    """Return (s, d) of the nearest place at least so far behind where a vehicle of a width can pass the ego, None for
    none."""
    u = here.users
    still = np.flatnonzero((np.abs(u.speed_mps) < STANDING_MPS) & ~here.on_foot & (here.ahead_m < MET_M))
    still = still[(np.abs(here.turned_rad[still]) < 2.4) | here.parked[still] | (here.ahead_m[still] < 0.0)]
    some = u[still]
    boxes = extents(course, s0_m, some.x_m, some.y_m, some.yaw_rad, some.length_m, some.width_m)
    boxes[:, :2] += s0_m
    for clear_m in CLEARS_M:
        for back_m in np.arange(least_m, min(FARTHEST_M, s0_m + BEFORE_START_M), LENGTH_CELLS):
            d_m = _room_at(course, boxes, s0_m - back_m, clear_m, width_m)
            if d_m is not None:
                return float(s0_m - back_m), d_m
    return None


def _room_at(course: Course, boxes: np.ndarray, s_m: float, clear_m: float, width_m: float) -> float | None:
    """Return the offset at which the ego stands at a place where a vehicle of a width can pass it, None for no room.

    boxes (k, 4): s from, s to, d from, d to of what stands; clear_m: so far ahead of its bumper there is room, too.
    """
    low_m, high_m = s_m - EGO_BODY.rear_overhang_m, s_m + EGO_BODY.front_x_m + clear_m
    first, last = (int(np.clip(m / course.step_m, 0, course.n - 1)) for m in (low_m, high_m))
    right = -float(course.room_right_m[first : last + 1].min())
    left = float(course.room_left_m[first : last + 1].min())
    for box in boxes[(boxes[:, 0] < high_m) & (boxes[:, 1] > low_m)]:
        if box[2] + box[3] > 0.0:
            left = min(left, box[2])
        else:
            right = max(right, box[3])
    d_m = right + EDGE_M + HALF_M
    fits = left - (d_m + HALF_M) > width_m + BETWEEN_M + EDGE_M
    return float(min(d_m, 0.0)) if fits else None


def kept_on_road(
    course: Course, ground: Ground, pose: np.ndarray, s0_m: float, d0_m: float, backing: Backing
) -> Backing | None:
    """Return the place with as much more room to the right as keeps the wheels on the road all the way there, None
    where nothing does.

    Behind where its way begins the ego knows of the road only what it sees: there it may bend, or narrow.
    """
    for more_m in WIDER_M:
        place = replace(backing, left_m=backing.left_m + more_m, line=None)
        path = path_back(course, pose, s0_m, d0_m, place)[: int((s0_m - backing.s_m) / PATH_STEP_M) + 1]
        ahead = np.stack([np.cos(path[:, 2]), np.sin(path[:, 2])], axis=1)
        aside = (TYRE_M + TYRE_ROOM_M) * np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
        axles = path[:, :2], path[:, :2] + EGO_BODY.wheelbase_m * ahead  # the nose swings out to the other side
        tyres = np.stack([axle + side * aside for axle in axles for side in (1.0, -1.0)])
        off_m = ground.off_road_m(tyres[:, AT_EDGE:].reshape(-1, 2))
        if off_m.max(initial=0.0) <= OFF_ROAD_M:
            return place
    return None


def line_of(
    course: Course, pose: np.ndarray, s0_m: float, d0_m: float, backing: Backing
) -> tuple[float, float, float, float]:
    """Return (s, d, slope, reach): from where, and how, a way back goes over to the place's offset: in `reach` metres,
    after it has left along the ego's heading."""
    turned = (pose[2] - course.yaw_rad[int(np.clip(s0_m / course.step_m, 0.0, course.n - 2.0))] + np.pi) % (2 * np.pi)
    slope = np.tan(np.clip(turned - np.pi, -0.5, 0.5))
    return s0_m, d0_m, float(slope), float(np.clip(s0_m - backing.s_m - 1.0, 3.0, SHIFT_M))


def path_back(course: Course, pose: np.ndarray, s0_m: float, d0_m: float, backing: Backing) -> np.ndarray:
    """Return (PATH_STEPS + 1, 4) x, y, yaw, curvature of the ego every PATH_STEP_M on its way back; yaw is its own.

    It leaves along the ego's heading and goes over to the place's offset, or goes on with what it has begun.
    """
    s = s0_m - np.arange(PATH_STEPS + 1) * PATH_STEP_M
    index = np.clip(s / course.step_m, 0.0, course.n - 2.0)
    low = index.astype(np.int64)
    share = (index - low)[:, None]
    xy = course.xy[low] * (1.0 - share) + course.xy[low + 1] * share
    yaw = course.yaw_rad[low] + share[:, 0] * (course.yaw_rad[low + 1] - course.yaw_rad[low])
    beyond = np.minimum(s, 0.0)[:, None]
    xy = xy + beyond * np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    from_s_m, from_d_m, slope, reach_m = backing.line or line_of(course, pose, s0_m, d0_m, backing)
    back_m = from_s_m - s
    part = np.clip(back_m / reach_m, 0.0, 1.0)
    ease = part * part * (3.0 - 2.0 * part)
    d = from_d_m + (backing.left_m - from_d_m) * ease - slope * back_m * (1.0 - part) ** 2
    points = xy + d[:, None] * np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
    step = np.gradient(points, axis=0)
    heading = np.unwrap(np.arctan2(-step[:, 1], -step[:, 0]))
    return np.column_stack([points, heading, np.gradient(heading, PATH_STEP_M)])


def drivable(path: np.ndarray, pose: np.ndarray) -> bool:
    """Return whether the ego can follow a way back (n, >= 2) from its pose: it leaves along the ego's heading."""
    steps = np.diff(path[:, :2], axis=0)
    aside = (np.arctan2(steps[:4, 1], steps[:4, 0]) - pose[2]) % (2.0 * np.pi)
    off = np.abs(aside - np.pi)  # backwards is half a turn from its heading
    return bool(np.hypot(*steps.T).max() < 1.4 * PATH_STEP_M and off.max() < STEEPEST_RAD)


def roll_back(speed_mps: float, left_m: float, acceleration_mps2: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return (sigma, speed), (STEPS + 1,) each, both negative: from a signed speed and acceleration to a stop left_m
    metres behind."""
    count = PATH_STEPS + 1
    sigma, speed, _ = rollout(
        max(-speed_mps, 0.0), -acceleration_mps2, np.full(count, BACK_MPS), np.zeros(count, np.int64), PATH_STEP_M,
        np.array([[max(left_m, 0.0), 0.0, np.inf, 0.0]]), np.zeros(1, np.int64),
        np.empty((0, MOMENTS)), np.zeros(0, np.int64),
    )  # fmt: skip
    assert len(speed) == STEPS + 1
    return -sigma, -speed
