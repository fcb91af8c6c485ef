"""Which road users the teacher may count, and what of them stands beside or in the way. World frame and (s, d)."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import to_child
from xiaolu.core.scene import Scene
from xiaolu.core.users import ON_FOOT, VULNERABLE, Gesture, Kind, Thing, Users
from xiaolu.expert.course import Course
from xiaolu.expert.forecast import STEP_S
from xiaolu.expert.path import FRONT_M
from xiaolu.world.ground import Ground
from xiaolu.world.town import LaneKind

AROUND_M = 85.0
LAYER_M, SLOPE = 3.0, 0.03  # so much higher or lower is another road; far away, ramps climb
MEETING = np.arange(0, 29, 2)  # of the forecast's moments
ALONGSIDE_SIN = 0.4
NEAR_M = 8.0  # in the immediate corridor everybody counts, seen or not
NEAR_BEHIND_M = 2.5  # of it behind the rear axle: who is still beside the tail; tuned
# Who is hidden is remembered so long; on foot longer: who went behind a parked car will come out from behind it.
REMEMBERED_NS, PEOPLE_REMEMBERED_NS = 1_000_000_000, 3_000_000_000
PASSED_NS, PASSED_M = 180_000_000_000, 50.0  # what stood beside its way is remembered as long as it may back up there
WALKS_ON_MPS = 0.5
GIVES_WAY_S = 25.0  # nobody gives way before a junction for longer; tuned
AT_NOSE_M = 1.0  # who stands so far behind its front is beside the ego, not before it
STANDING_MPS = 0.3
ABREAST_M = 0.5  # whose middle is so far before the rear axle is no longer behind; tuned
OTHER_LANE_M = 1.5  # middles this far apart: it drives beside our line, not on it
HESITATES_MPS, HESITATES_S = 0.7, 4.0
BACKS_NS = 6_000_000_000  # who has stopped backing for so long does not go on with it; tuned
UNDECIDED_NS = 1_000_000_000  # who has turned round on the spot is under way again before he heads anywhere; tuned
ON_CROSSING_S, CROSSING_REACH_M = 10.0, 2.0  # who stands on a crossing, within so much of its middle line
WAVES_ON = (Gesture.GO, Gesture.BECKON)
TALL_M = 1.75  # what stands and is taller hides people
OPEN_ARM_M = 0.6  # what is seen of a raised one
# Least and comfortable side gaps; DUT and nuScenes recordings give .2 to .9 m at town speeds.
PARKED_GAPS_M, VEHICLE_GAPS_M, TALL_GAPS_M = (0.25, 0.8), (0.36, 0.8), (0.3, 1.6)
_WALKS, _EXPOSED, _STEPS_OUT = (
    np.isin(np.arange(len(Kind)), kinds) for kinds in (ON_FOOT, VULNERABLE, (Kind.PEDESTRIAN, Kind.CHILD))
)
_WAVES_ON = np.isin(np.arange(len(Gesture)), WAVES_ON)
CYCLE_GAPS_M, PERSON_GAPS_M = (0.5, 1.2), (0.5, 1.2)
GAINS_MPS, COMES_UP_S = 0.5, 6.0  # a rider who comes up so much faster, and will have passed so soon; tuned
RIDER_ASIDE_M = 1.0  # a rider who stands so far beside the way is passed, not queued behind


@dataclass(frozen=True, slots=True)
class Counted:
    """Users that count now, (U,) each. ahead_m, left_m: in the ego frame; on_road: for people, where vehicles drive;
    on_crossing: for those who stand there, whether it is a crossing; stood_s: how long standing; visible: seen right
    now, else remembered or felt right ahead; hesitates: on foot in the road and just come to a stand, or on again from
    one: it may go either way, unless it waves us on; backs: drives backwards, or stands and did so a moment ago: it
    may well go on.
    """

    users: Users
    ahead_m: np.ndarray
    left_m: np.ndarray
    turned_rad: np.ndarray
    on_foot: np.ndarray
    vulnerable: np.ndarray
    parked: np.ndarray
    on_road: np.ndarray
    on_crossing: np.ndarray
    stood_s: np.ndarray
    visible: np.ndarray
    hesitates: np.ndarray
    backs: np.ndarray

    @property
    def at_flank(self) -> np.ndarray:
        """Return (N,) bool: who on foot stands beside the ego, behind its nose: by going on it comes no nearer to them,
        by waiting it keeps them there."""
        beside = (self.ahead_m > -EGO_BODY.rear_overhang_m) & (self.ahead_m < EGO_BODY.front_x_m - AT_NOSE_M)
        return self.on_foot & beside & (np.abs(self.users.speed_mps) < STANDING_MPS)


def counted(
    scene: Scene,
    ground: Ground,
    seen_ns: dict[int, int],
    stood_ns: dict[int, int],
    moved: set[int],
    hesitated_ns: dict[int, int],
    backed_ns: dict[int, int],
) -> Counted:
    """Return the users near enough that are visible, were so a moment ago, are right ahead, or stand parked behind
    where the ego saw them as it passed; none of those on a road above or below.

    Updates the memories, uid -> stamp: when a user was last visible, since when it stands, when it last hesitated, when
    it last drove backwards, and not on again since; and moved, the uids of those that were seen to move: whoever drove
    a moment ago waits, and is not parked.
    """
    users, now = scene.users, scene.stamp_ns
    ego = to_child(scene.ego_pose, np.stack([users.x_m, users.y_m], axis=1))
    near = users.active & (np.hypot(ego[:, 0], ego[:, 1]) < AROUND_M)
    near &= np.abs(users.z_m - scene.ego_z_m) < LAYER_M + SLOPE * np.maximum(np.hypot(ego[:, 0], ego[:, 1]) - 20.0, 0.0)
    slots = np.flatnonzero(near)
    reach = NEAR_M + 0.5 * users.length_m + 3.75
    right_ahead = (ego[:, 0] > -NEAR_BEHIND_M) & (ego[:, 0] < reach) & (np.abs(ego[:, 1]) < 2.2)
    goes = np.abs(users.speed_mps) > STANDING_MPS
    still = (users.lane < 0) & (np.abs(users.speed_mps) < 0.05) & ~_EXPOSED[users.kind]
    beside = still & (ego[:, 0] > -PASSED_M) & (ego[:, 0] < 0.0)
    kept_ns = np.where(_WALKS[users.kind[slots]], PEOPLE_REMEMBERED_NS, REMEMBERED_NS)
    columns = slots, users.uid[slots], scene.visible[slots], goes[slots], right_ahead[slots], beside[slots], kept_ns
    keep = []
    for slot, uid, visible, moves, ahead, passed, most_ns in zip(*(c.tolist() for c in columns), strict=True):
        if visible:
            seen_ns[uid] = now
        if moves:
            stood_ns.pop(uid, None)
            if visible:
                moved.add(uid)
        else:
            stood_ns.setdefault(uid, now)
        unseen_ns = now - seen_ns.get(uid, -(10**18))
        if ahead or unseen_ns <= most_ns or (passed and unseen_ns <= PASSED_NS):
            keep.append(slot)
    chosen = np.array(keep, np.int64)
    table = users[chosen]
    waits = np.array([uid in moved for uid in table.uid.tolist()], bool)
    stood = np.array([(now - stood_ns.get(u, now)) / 1e9 for u in table.uid.tolist()])
    turned = (table.yaw_rad - scene.ego_pose[2] + np.pi) % (2 * np.pi) - np.pi
    on_foot, vulnerable = _WALKS[table.kind], _EXPOSED[table.kind]
    on_road = ~on_foot
    if on_foot.any():
        places = np.stack([table.x_m[on_foot], table.y_m[on_foot]], axis=1)
        on_road[on_foot] = ground.off_road_m(places) < 0.1
    stands = on_foot & on_road & (np.abs(table.speed_mps) < HESITATES_MPS)
    on_crossing = np.array(
        [w and _on_crossing(ground, x, y) for w, x, y in zip(stands, table.x_m, table.y_m, strict=True)], bool
    )
    just = stood < np.where(on_crossing, ON_CROSSING_S, HESITATES_S)
    may_step = on_foot & on_road & _STEPS_OUT[table.kind] & ~_WAVES_ON[table.gesture]
    hesitates = stands & just & may_step
    hesitated_ns |= dict.fromkeys(table.uid[hesitates].tolist(), now)
    since_ns = now - np.array([hesitated_ns.get(uid, -UNDECIDED_NS) for uid in table.uid.tolist()], np.int64)
    speed = table.speed_mps
    backed_ns |= dict.fromkeys(table.uid[speed < -STANDING_MPS].tolist(), now)
    for uid in table.uid[speed > STANDING_MPS].tolist():
        backed_ns.pop(uid, None)
    backed = np.array([now - backed_ns.get(uid, -BACKS_NS) for uid in table.uid.tolist()], np.int64)
    return Counted(
        table,
        ego[chosen, 0],
        ego[chosen, 1],
        turned,
        on_foot,
        vulnerable,
        (table.lane < 0) & (np.abs(table.speed_mps) < 0.05) & ~vulnerable & ~waits,
        on_road,
        on_crossing,
        stood,
        np.asarray(scene.visible, bool)[chosen],
        hesitates | (may_step & (since_ns < UNDECIDED_NS)),
        (backed < BACKS_NS) & ~on_foot,
    )


def _on_crossing(ground: Ground, x_m: float, y_m: float) -> bool:
    return len(ground.lanes_near(float(x_m), float(y_m), CROSSING_REACH_M, (LaneKind.CROSSING,))) > 0


@njit(cache=True)
def frenet(xy, yaw, step_m, first, last, px, py):
    """Return (s, d) of points (k,): nearest of the route's points first..last, refined along its heading."""
    s, d = np.empty(len(px)), np.empty(len(px))
    for k in range(len(px)):
        near, best = first, 1e18
        for i in range(first, last):
            gap = (xy[i, 0] - px[k]) ** 2 + (xy[i, 1] - py[k]) ** 2
            if gap < best:
                near, best = i, gap
        cos, sin = np.cos(yaw[near]), np.sin(yaw[near])
        dx, dy = px[k] - xy[near, 0], py[k] - xy[near, 1]
        s[k] = near * step_m + cos * dx + sin * dy
        d[k] = -sin * dx + cos * dy
    return s, d


def extents(course: Course, s0_m: float, x, y, yaw, length, width) -> np.ndarray:
    """Return (k, 4) s from, s to (from the ego's place), d from, d to of boxes (k,)."""
    first = max(int((s0_m - 25.0) / course.step_m), 0)
    last = min(int((s0_m + 90.0) / course.step_m), course.n)
    return _extents(course.xy, course.yaw_rad, course.step_m, first, last, s0_m, x, y, yaw, length, width)


@njit(cache=True)
def _extents(xy, yaw_rad, step_m, first, last, s0_m, x, y, yaw, length, width):
    out, px, py = np.empty((len(x), 4)), np.empty(4), np.empty(4)
    for k in range(len(x)):
        cos, sin = np.cos(yaw[k]), np.sin(yaw[k])
        for corner in range(4):
            along = length[k] * (0.5 if corner in (0, 3) else -0.5)
            across = width[k] * (0.5 if corner < 2 else -0.5)
            px[corner] = x[k] + cos * along - sin * across
            py[corner] = y[k] + sin * along + cos * across
        s, d = frenet(xy, yaw_rad, step_m, first, last, px, py)
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = s.min() - s0_m, s.max() - s0_m, d.min(), d.max()
    return out


def in_the_way(
    course: Course,
    scene: Scene,
    here: Counted,
    s0_m: float,
    d0_m: float,
    owner: np.ndarray,
    poses: np.ndarray,
    follows: bool = False,
) -> np.ndarray:
    """Return bodies (M, 7) for `choose_offsets`: what to pass beside, and what to keep out of the lane next to ours.

    The last column is the user that stands there, -1 where the place is a forecast. owner, poses: forecasts, see
    `forecast.forecasts`. A vehicle that waits in its lane is not passed but followed, unless it has stood for long
    with nothing before it. follows: nor is who walks on before the ego, at the end of its way.
    """
    u, v_ego = here.users, max(scene.ego_speed_mps, 3.0)
    if not len(u):
        return np.empty((0, 7))
    box = extents(course, s0_m, u.x_m, u.y_m, u.yaw_rad, u.length_m, u.width_m)
    index = ((s0_m + 0.5 * (box[:, 0] + box[:, 1])) / course.step_m).astype(np.int64)
    index = np.minimum(np.maximum(index, 0), course.n - 1)
    toward = (u.yaw_rad - course.yaw_rad[index] + np.pi) % (2 * np.pi) - np.pi
    along, across = u.speed_mps * np.cos(toward), u.speed_mps * np.sin(toward)
    over_the_line = d0_m > course.line_left_m[min(max(round(s0_m / course.step_m), 0), course.n - 1)]
    out, hesitates = [], here.hesitates.tolist()
    kind, speed, stood = u.kind.tolist(), u.speed_mps.tolist(), here.stood_s.tolist()
    parked, on_foot, along, across = here.parked.tolist(), here.on_foot.tolist(), along.tolist(), across.tolist()
    for k, (low_s, high_s, low_d, high_d) in enumerate(box.tolist()):
        gains_mps = along[k] - scene.ego_speed_mps
        if kind[k] in (Kind.BICYCLE, Kind.E_BIKE) and low_s < FRONT_M and gains_mps > GAINS_MPS:
            # It comes up beside the ego: that does not draw over towards it until it has passed.
            beside_m = max(low_d - d0_m, d0_m - high_d) - 0.5 * EGO_BODY.width_m
            passed_s = (FRONT_M - low_s) / gains_mps
            if beside_m > 0.0 and passed_s < COMES_UP_S:
                out.append((-1.0, scene.ego_speed_mps * passed_s + 4.0, low_d, high_d, *CYCLE_GAPS_M, -1))
                continue
        if high_s < -3.0 or low_s > 72.0 or low_d > 5.5 or high_d < -5.5:
            continue
        if kind[k] == Kind.OBJECT and u.style[k] == Thing.GATE_ARM and u.length_m[k] > OPEN_ARM_M:
            continue  # a lowered arm bids to stop: nobody drives around its end
        if parked[k]:
            tall = u.height_m[k] > TALL_M and kind[k] != Kind.OBJECT
            out.append((low_s, high_s, low_d, high_d, *(TALL_GAPS_M if tall else PARKED_GAPS_M), k))
        elif on_foot[k]:
            if follows and along[k] > WALKS_ON_MPS and low_s > 0.0:
                continue
            if abs(across[k]) < 0.4 and not (hesitates[k] and low_d < 2.0 and high_d > -2.0):
                who = k if abs(speed[k]) < STANDING_MPS else -1
                out.append((low_s - 1.0, high_s + 1.0 + 2.0 * max(along[k], 0.0), low_d, high_d, *PERSON_GAPS_M, who))
        elif abs(speed[k]) < STANDING_MPS:
            rider = kind[k] in (Kind.BICYCLE, Kind.E_BIKE)
            aside = rider and abs(0.5 * (low_d + high_d)) > RIDER_ASIDE_M
            left_alone = stood[k] > 12.0 and abs(low_d) < 4.5 and not queueing(course, here, k, s0_m + high_s)
            across_us = abs(np.sin(toward[k])) > 0.6 and stood[k] > 4.0
            abreast = abs(0.5 * (low_d + high_d) - d0_m) > 1.6 and low_s < 10.0
            if left_alone or across_us or abreast or aside or np.cos(toward[k]) < -0.7:
                beside_m = TALL_GAPS_M if u.height_m[k] > TALL_M else VEHICLE_GAPS_M
                out.append((low_s, high_s, low_d, high_d, *(CYCLE_GAPS_M if rider else beside_m), k))
        elif along[k] < -0.5:
            for h in np.flatnonzero(owner == k):
                out.extend(_met(course, s0_m, poses[h], u.length_m[k], u.width_m[k], v_ego))
        elif kind[k] in (Kind.BICYCLE, Kind.E_BIKE) and low_s > 0.0 and along[k] < 0.65 * v_ego:
            caught = min(low_s * v_ego / (v_ego - along[k]), 60.0)
            out.append((low_s - 1.0, caught + 6.0, low_d, high_d, *CYCLE_GAPS_M, -1))
        elif abs(0.5 * (low_d + high_d) - d0_m) > OTHER_LANE_M and low_s < 14.0:
            belongs = over_the_line and abs(0.5 * (low_d + high_d)) < OTHER_LANE_M and not _EXPOSED[kind[k]]
            if belongs and here.ahead_m[k] > ABREAST_M:
                continue  # it drives ahead where the ego belongs: the ego falls in behind, and does not overtake
            at, gaps_m = poses[int(np.argmax(owner == k))], CYCLE_GAPS_M if _EXPOSED[kind[k]] else VEHICLE_GAPS_M
            out.extend(_beside(course, s0_m, d0_m, at, u.length_m[k], u.width_m[k], scene.ego_speed_mps, gaps_m))
    return np.array(out, np.float64).reshape(-1, 7)


def _met(course: Course, s0_m: float, poses: np.ndarray, length: float, width: float, v_ego: float) -> list:
    """Return the body (none or one) for a user that comes towards us, at the place where we meet it.

    What crosses the way there is not passed beside: that is a matter of time, see `yielding`.
    """
    many = np.full(MEETING.size, length), np.full(MEETING.size, width)
    at = poses[MEETING]
    box = extents(course, s0_m, at[:, 0], at[:, 1], at[:, 2], *many)
    passed = np.flatnonzero(0.5 * (box[:, 0] + box[:, 1]) <= v_ego * MEETING * STEP_S + 1.4)
    if not len(passed):
        return []
    k = int(passed[0])
    index = min(max(int((s0_m + max(box[k, 0], 0.0)) / course.step_m), 0), course.n - 1)
    if abs(np.sin(at[k, 2] - course.yaw_rad[index])) > ALONGSIDE_SIN:
        return []
    before = box[max(k - 1, 0)]
    low_s, high_s = float(min(box[k, 0], before[0])), float(max(box[k, 1], before[1]))
    if low_s > 72.0:
        return []
    return [(max(low_s, 0.0), high_s, float(box[k, 2]), float(box[k, 3]), *VEHICLE_GAPS_M, -1)]


def _beside(
    course: Course,
    s0_m: float,
    d0_m: float,
    poses: np.ndarray,
    length: float,
    width: float,
    v_ego: float,
    gaps_m: tuple[float, float],
) -> list:
    """Return bodies for a user in the lane next to ours, where it and the ego would be abreast in the next 3 s.

    Who is coming over into our lane ahead of the ego is followed, not passed on its other side: none for that one.
    """
    moments = np.array([0, 4, 8, 12])
    at = poses[moments]
    many = np.full(len(moments), length), np.full(len(moments), width)
    box = extents(course, s0_m, at[:, 0], at[:, 1], at[:, 2], *many)
    comes_over = np.abs(0.5 * (box[:, 2] + box[:, 3]) - d0_m).min() < OTHER_LANE_M
    if comes_over and box[0, 0] > FRONT_M - 0.5 * length:
        return []
    middle = 0.5 * (box[:, 0] + box[:, 1]) - 1.4
    abreast = np.abs(middle - v_ego * moments * STEP_S) < 0.5 * length + 7.0
    return [(b[0] - 3.0, b[1] + 3.0, b[2], b[3], *gaps_m, -1) for b in box[abreast]]


def queueing(course: Course, here: Counted, k: int, front_s_m: float) -> bool:
    """Whether a standing vehicle waits for something: a stop line or a junction before it, or another in its lane.

    Nobody waits for ever before a junction without a signal: who has stood there for long is as good as parked.
    """
    for line in course.stop_lines:
        if -2.0 < line.s_m - front_s_m < 45.0:
            return True
    for entry in course.entries:
        if not entry.signalled and here.stood_s[k] > GIVES_WAY_S:
            continue
        if -1.0 < entry.from_s_m - front_s_m < 8.0 or entry.from_s_m < front_s_m < entry.to_s_m:
            return True
    u = here.users
    dx, dy = u.x_m - u.x_m[k], u.y_m - u.y_m[k]
    ahead = np.cos(u.yaw_rad[k]) * dx + np.sin(u.yaw_rad[k]) * dy
    aside = -np.sin(u.yaw_rad[k]) * dx + np.cos(u.yaw_rad[k]) * dy
    blocked = (ahead > 1.0) & (ahead < 12.0) & (np.abs(aside) < 1.5) & ~here.parked
    return bool(blocked.any())
