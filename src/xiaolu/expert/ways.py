"""Where the ego might drive: the paths it proposes, from offsets that pass what stands in the way.

World frame; s along the course, d left of it, metres.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.core.scene import Scene
from xiaolu.expert.bodies import STANDING_MPS, Counted, extents, in_the_way
from xiaolu.expert.conflict import passing_gaps
from xiaolu.expert.course import TYRE_M, Course
from xiaolu.expert.forecast import Moves
from xiaolu.expert.kerb import Berth, berths, free_berth
from xiaolu.expert.path import (
    CURVATURE_RATE_1PM2,
    D_REACH_M,
    D_STEP_M,
    FRONT_M,
    HALF_WIDTH_M,
    MAX_CURVATURE_1PM,
    OFF_CENTRE,
    PATH_STEP_M,
    PATH_STEPS,
    PREVIEW_M,
    REAR_M,
    S_CELLS,
    S_STEP_M,
    choose_offsets,
    drive_line,
    target_line,
)
from xiaolu.expert.tick import Memory, Tick
from xiaolu.world.ground import Ground
from xiaolu.world.town import Town

SIDE_ROOM_M = 0.1  # kept between the outline and the edge of the road; `path.EDGE_BAND_M` more where there is room
LOOKED_AT_M, LOOKS = 24.0, 4
LOOKS_WIDER_M, ENOUGH_M = 0.06, 0.02  # of a path more is asked than of what is driven; so little less will do; tuned
KEEPS_M = 14.0  # what a line of a moment ago passed well is passed along it, so far ahead; tuned
DRAW_UP_COST = 1.5
REACH_SPARE_M = 1.0  # to spare, when another berth is chosen
# A tyre so far over the edge within so far, where the path bends more than so, is looked at; tuned.
TYRE_SPARE_M, TYRE_OVER_M, BENDS_WITHIN_M, BENDS_1PM, TURNS_OUT_M = 0.08, 0.02, 12.0, 0.08, (0.0, 0.25, 0.5)
BACK_IN_M = 0.4  # so far at once from the edge, where the ego has come to be too near it
BERTH_FROM_M, BERTH_KEPT_M = 60.0, 14.0  # a berth is chosen within the one, and kept from the other on
TIGHT_GAP_M = 0.45  # with less on both sides the ego keeps to the middle of a gap
# Sideways it goes over to another line no more abruptly than so, for so long from now on: tuned in closed loop.
SWAY_MPS3, SWAY_S, CALMEST_1PM2 = 2.7, 1.0, 0.004
KEEPS_LANE_S = 12.0  # who has waited so long in its lane, for nothing that a signal asks, goes round
LEAN_M, LEAN_COST = 0.8, 0.6  # a proposal that keeps to one side


@dataclass(frozen=True, slots=True)
class Kind:
    """How a proposed path differs from the ordinary one: wider gaps (m), nobody passed, or leaning to one side (m)."""

    name: str
    wider_m: float = 0.0
    passes: bool = True
    lean_m: float = 0.0


KINDS = (Kind("way"), Kind("roomy", wider_m=0.35), Kind("keep", passes=False), Kind("left", lean_m=LEAN_M),
         Kind("right", lean_m=-LEAN_M))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """offsets_m (S_CELLS,) along the course, from from_s_m on; path (n, 4) x, y, yaw, curvature every PATH_STEP_M, from
    the ego on."""

    kind: str
    from_s_m: float
    offsets_m: np.ndarray
    path: np.ndarray


@njit(cache=True)
def centred(offsets_m: np.ndarray, bodies: np.ndarray) -> np.ndarray:
    """Return offsets (S_CELLS,), where they lead through a gap little wider than the car moved to its middle.

    bodies (M, 7): see `in_the_way`. By a step of the grid at most: what is further off was chosen for some reason.
    """
    out = offsets_m.copy()
    for i in range(len(offsets_m)):
        s, offset, left, right = i * S_STEP_M, offsets_m[i], np.inf, -np.inf
        for m in range(len(bodies)):
            if s < bodies[m, 0] - FRONT_M - 1.0 or s > bodies[m, 1] + REAR_M + 1.0:
                continue
            if bodies[m, 2] + bodies[m, 3] > 2.0 * offset:
                left = min(left, bodies[m, 2])
            else:
                right = max(right, bodies[m, 3])
        if left - right < 2.0 * (HALF_WIDTH_M + TIGHT_GAP_M):
            out[i] = min(max(0.5 * (left + right), offset - D_STEP_M), offset + D_STEP_M)
    return out


class Ways:
    """The paths of one ride."""

    def __init__(self, course: Course, ground: Ground, town: Town) -> None:
        self.course, self._ground, self._town = course, ground, town
        self._berths = berths(course, ground, town)

    @property
    def likely_berth(self) -> Berth | None:
        """The place to draw up at if nothing stands there, None where the kerb has none."""
        return self._berths[0] if self._berths else None

    def berth(self, here: Counted, s0_m: float, d0_m: float, memory: Memory) -> Berth | None:
        """Return where to draw up, None while that is far; chosen anew when somebody has taken it, and farther on when
        the ego was kept out, by somebody whom it passed, until it is too near for the move over."""
        course, kept = self.course, memory.berth
        if s0_m < course.goal_s_m - BERTH_FROM_M:
            return None
        later: tuple[Berth, ...] = ()
        if kept is not None and kept.s_m - s0_m < BERTH_KEPT_M:
            if kept.s_m - s0_m >= kept.needs_m(d0_m):
                return kept
            later = tuple(b for b in self._berths if b.s_m - s0_m > b.needs_m(d0_m) + REACH_SPARE_M)
            if not later:
                return kept
            later = tuple(sorted(later, key=lambda b: b.s_m))
        u = here.users
        still = np.flatnonzero((np.abs(u.speed_mps) < STANDING_MPS) & (here.ahead_m > -6.0))
        some = u[still]
        boxes = extents(course, s0_m, some.x_m, some.y_m, some.yaw_rad, some.length_m, some.width_m)
        boxes[:, :2] += s0_m
        if later:
            found = free_berth(later, course.goal_s_m, boxes)
            return found if found in later else kept
        options = self._berths if kept is None else (kept, *(b for b in self._berths if b.s_m > s0_m + BERTH_KEPT_M))
        return free_berth(options, course.goal_s_m, boxes)

    def bodies(self, scene: Scene, here: Counted, moves: Moves, s0_m: float, d0_m: float, memory: Memory) -> np.ndarray:
        """Return what stands in the way, see `in_the_way`; what it stops before it does not pass.

        Beside who waits where it stops it needs no more than the least gap: it comes to a stand there.
        """
        stop = memory.aside or memory.berth
        # At the end of its way it follows who walks there: past him it would come to stand out in the road.
        follows = stop is not None and stop.s_m - s0_m < BERTH_KEPT_M
        bodies = in_the_way(self.course, scene, here, s0_m, d0_m, moves.owner, moves.poses, follows)
        if stop is None:
            return bodies
        front_m = stop.s_m - s0_m + FRONT_M
        bodies = bodies[bodies[:, 0] < front_m + 0.5]
        beside = bodies[:, 1] > front_m - EGO_BODY.length_m
        bodies[beside, 5] = bodies[beside, 4]
        return bodies

    def propose(self, kind: Kind, tick: Tick, bodies: np.ndarray, memory: Memory) -> Way:
        """Return the path of a kind past bodies (M, 7).

        Offsets are chosen in (s, d), where a turning car is only nearly its shape. So the path is looked at, and what
        it would touch is passed with as much more room, as long as that helps.
        """
        bodies = bodies.copy() if kind.passes else bodies[:0]
        bodies[:, 4] += 0.5 * kind.wider_m
        bodies[:, 5] += 1.5 * kind.wider_m
        offsets = self._offsets(kind, bodies, tick, memory)
        path = self._path(tick, offsets)
        before = self._kept(kind, offsets, tick, memory)
        stands = np.flatnonzero((bodies[:, 6] >= 0) & (bodies[:, 0] < LOOKED_AT_M) & (bodies[:, 1] > -1.0))
        u, who = tick.here.users, bodies[stands, 6].astype(np.int64)
        boxes = np.stack([u.x_m, u.y_m, u.yaw_rad, u.length_m, u.width_m], axis=1)[who]
        least_m = bodies[stands, 4] + LOOKS_WIDER_M
        best, chosen = np.inf, (offsets, path)
        for look in range(LOOKS):
            short = _short_m(path, boxes, least_m)
            if short.max(initial=0.0) < best:
                best, chosen = float(short.max(initial=0.0)), (offsets, path)
            if look == 0 and best > ENOUGH_M and before is not None:
                again = self._path(tick, before)
                kept_short = _short_m(again, boxes, least_m)
                if kept_short.max() < best:
                    best, chosen = float(kept_short.max()), (before, again)
            if best < ENOUGH_M:
                break
            bodies[stands, 2] -= np.where(short > 0.0, short + 0.2, 0.0)
            bodies[stands, 3] += np.where(short > 0.0, short + 0.2, 0.0)
            offsets = self._offsets(kind, bodies, tick, memory)
            path = self._path(tick, offsets)
        offsets, path = chosen
        return Way(kind.name, _from_s_m(tick), offsets, self._on_road(tick, offsets, path, boxes, least_m))

    def _on_road(
        self, tick: Tick, offsets: np.ndarray, path: np.ndarray, boxes: np.ndarray, least_m: np.ndarray
    ) -> np.ndarray:
        """Return the path along offsets, or, where that takes a tyre over the inside of a bend, one that turns later,
        or further out, and comes no nearer to boxes."""
        near_1pm = path[: int(BENDS_WITHIN_M / PATH_STEP_M), 3]
        bend_1pm = near_1pm[np.abs(near_1pm).argmax()]
        if abs(bend_1pm) < BENDS_1PM:
            return path
        inner = np.sign(bend_1pm)
        off_m = self._off_road_m(tick, path, inner)
        if off_m <= TYRE_OVER_M:
            return path
        ahead_m = _from_s_m(tick) - tick.s0_m + np.arange(S_CELLS) * S_STEP_M
        out = -inner * np.interp(ahead_m, [BENDS_WITHIN_M, 2.0 * BENDS_WITHIN_M], [1.0, 0.0])
        short_m = max(_short_m(path, boxes, least_m).max(initial=0.0), ENOUGH_M)
        for out_m in TURNS_OUT_M:
            other = self._path(tick, offsets + out * out_m, 0.0)
            other_m = max(self._off_road_m(tick, other, inner), self._off_road_m(tick, other, -inner))
            if other_m < off_m and _short_m(other, boxes, least_m).max(initial=0.0) <= short_m:
                path, off_m = other, other_m
            if off_m <= TYRE_OVER_M:
                break
        return path

    def _off_road_m(self, tick: Tick, path: np.ndarray, side: float) -> float:
        """Return how far the tyres of one side (1 left, -1 right), and what they should have to spare, leave the road
        along a path near by, m."""
        near = path[: int(BENDS_WITHIN_M / PATH_STEP_M)]
        ahead = np.stack([np.cos(near[:, 2]), np.sin(near[:, 2])], axis=1)
        aside = side * (TYRE_M + TYRE_SPARE_M) * np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
        axles = near[:, :2], near[:, :2] + EGO_BODY.wheelbase_m * ahead
        tyres = np.stack([axle + aside for axle in axles])
        layer = int(
            self._town.lane_layer[self.course.lane[min(int(tick.s0_m / self.course.step_m), self.course.n - 1)]]
        )
        return float(self._ground.off_road_m(tyres.reshape(-1, 2), layer).max())

    def _kept(self, kind: Kind, offsets: np.ndarray, tick: Tick, memory: Memory) -> np.ndarray | None:
        """Return offsets (S_CELLS,) that go on along the line of a moment ago before they go over to these, None where
        there was no line of this kind.

        A line that begins anew from wherever the ego is recedes before a car that is still turning its wheel.
        """
        if memory.offsets_m is None or memory.way != kind.name:
            return None
        at_s = _from_s_m(tick) + np.arange(S_CELLS) * S_STEP_M
        old = np.interp(at_s, memory.offsets_s0_m + np.arange(S_CELLS) * S_STEP_M, memory.offsets_m)
        return np.where(at_s < tick.s0_m + KEEPS_M, old, offsets)

    def _offsets(self, kind: Kind, bodies: np.ndarray, tick: Tick, memory: Memory) -> np.ndarray:
        course, from_s_m = self.course, _from_s_m(tick)
        at_s = from_s_m + np.arange(S_CELLS) * S_STEP_M
        bodies = bodies.copy()
        bodies[:, :2] += tick.s0_m - from_s_m
        index = np.minimum(np.maximum(np.rint(at_s / course.step_m).astype(np.int64), 0), course.n - 1)
        edge = HALF_WIDTH_M + SIDE_ROOM_M
        high, low = course.room_left_m[index] - edge, edge - course.room_right_m[index]
        # Where the road leaves no choice the way itself is best: it has been bowed off the kerbs.
        high, low = np.minimum(np.maximum(high, 0.1), D_REACH_M), np.minimum(np.maximum(low, -D_REACH_M), -0.1)
        habit = np.full(S_CELLS, np.nan)
        if memory.offsets_m is not None:
            old_s = memory.offsets_s0_m + np.arange(S_CELLS) * S_STEP_M
            habit = np.interp(at_s, old_s, memory.offsets_m, right=np.nan)
        wish, pull = np.full(S_CELLS, kind.lean_m), np.full(S_CELLS, LEAN_COST if kind.lean_m else OFF_CENTRE)
        stop = memory.aside or memory.berth
        if stop is not None:
            wish = stop.offset_m(at_s)
            pull = np.where(wish < 0.0, DRAW_UP_COST, OFF_CENTRE)
            low = np.minimum(low, wish)
        line = course.line_left_m[index] - HALF_WIDTH_M
        bent = np.minimum(np.maximum(course.curvature_1pm[index], -MAX_CURVATURE_1PM), MAX_CURVATURE_1PM)
        swing = 0.5 * FRONT_M**2 * bent
        keep = course.keep_m[index]
        if stop is not None or tick.waited_s > KEEPS_LANE_S or _parked_in(keep, bodies, tick.here):
            keep = np.full(S_CELLS, np.inf)
        offsets = choose_offsets(
            tick.d0_m, low, high, np.maximum(line, 0.0), habit, wish, pull, swing, keep, bodies[:, :6]
        )
        # A line that begins wherever the ego is would leave it there, though that is too near the edge.
        inside = min(max(offsets[0], low[0]), high[0])
        offsets[0] += min(max(inside - offsets[0], -BACK_IN_M), BACK_IN_M)
        # In a gap and at the kerb the grid's 0.2 m are too coarse.
        offsets = centred(offsets, bodies)
        return np.where((pull == DRAW_UP_COST) & (np.abs(offsets - wish) < 0.25), wish, offsets)

    def _path(self, tick: Tick, offsets: np.ndarray, preview_m: float = PREVIEW_M) -> np.ndarray:
        course, scene = self.course, tick.scene
        first = max(int((tick.s0_m - 4.0) / course.step_m), 0)
        count = min(int((PATH_STEPS * PATH_STEP_M + 8.0) / course.step_m), course.n - first)
        line = target_line(course.xy, course.yaw_rad, course.step_m, first, count, _from_s_m(tick), offsets)
        curvature = np.tan(scene.ego_steering_rad) / EGO_BODY.wheelbase_m
        settle_m = min(max(3.5 + 0.8 * float(scene.ego_speed_mps), 4.5), 11.0)
        x, y, yaw = scene.ego_pose
        slow, speed = abs(float(scene.ego_speed_mps)), max(float(scene.ego_speed_mps), 1.0)
        calm = min(max(SWAY_MPS3 / speed**3, CALMEST_1PM2), CURVATURE_RATE_1PM2)
        return drive_line(
            float(x), float(y), float(yaw), float(curvature), line, settle_m, calm, SWAY_S * speed, slow, preview_m
        )


def _parked_in(keep_m: np.ndarray, bodies: np.ndarray, here: Counted) -> bool:
    """Whether something is parked where lanes are kept, keep_m (S_CELLS,), that cannot be passed within the lane."""
    kept = np.flatnonzero(np.isfinite(keep_m))
    if not len(kept):
        return False
    from_s, to_s = kept[0] * S_STEP_M - REAR_M, kept[-1] * S_STEP_M + FRONT_M
    for low_s, high_s, low_d, high_d, gap_m, _, k in bodies.tolist():
        if k < 0 or not here.parked[int(k)] or high_s < from_s or low_s > to_s:
            continue
        room_m = keep_m[kept].min() - HALF_WIDTH_M - gap_m
        if high_d > room_m and low_d < -room_m:
            return True
    return False


def _short_m(path: np.ndarray, boxes: np.ndarray, least_m: np.ndarray) -> np.ndarray:
    """Return (k,) how much is missing of the least gaps (k,) beside boxes (k, 5) on the first LOOKED_AT_M of a path."""
    if not len(boxes):
        return np.empty(0)
    near = path[: int(LOOKED_AT_M / PATH_STEP_M)]
    gaps = passing_gaps(near, PATH_STEP_M, 1, EGO_BODY.length_m, EGO_BODY.width_m, boxes, 1.0).min(axis=1)
    return np.maximum(least_m - gaps, 0.0)


def _from_s_m(tick: Tick) -> float:
    """Return where offsets begin: at places that do not move with the ego, so that its path does not either."""
    return S_STEP_M * float(np.floor(tick.s0_m / S_STEP_M))
