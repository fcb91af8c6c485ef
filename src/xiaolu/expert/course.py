"""What a teacher knows of its route before the ride: the line, the room beside it, stop lines, who goes first.

World frame, metres. Everything is sampled once per metre of the way, and goes on beyond the goal, where a plan ends.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath, RoutePlan
from xiaolu.world.sight import Walls, first_wall, walls_of
from xiaolu.world.signals import heads_of, kindest, ordered_by, straight_beside
from xiaolu.world.town import LaneKind, Town, Turn

BEYOND_M = 75.0
ROOM_STEP_M = 0.25
ROOM_REACH_M = 6.0
OVERLAP_M = 0.3
# The way keeps every tyre this far from the kerb where the road leaves room, front and rear ones, in turns too.
KERB_ROOM_M = 0.35
TYRE_M = 0.8  # a tyre's outer edge from the car's middle
LOOK_OUT_M = 14.0  # who comes is to be seen this far before the junction
RUNS_FROM_M, STOPS_IN_M = 14.0, 12.0  # who runs a red is to be seen so far before the junction, from so far before it
CREEPS_M, FIRST_READY_M = 1.5, 6.0  # it is slow from so far before a blind junction; sooner where others have to stop
EYE_M = 1.6  # the cameras, ahead of the rear axle
BOW_M = 0.8  # the way is bent by no more than this for it
BOW_SIGMA_M = 2.5
BOW_ROUNDS = 12
# From one bend into another lateral acceleration changes by so much in so long: what `measures.comfort` sees. Tuned.
SWAY_MPS2, SWAY_S = 1.9, 1.4
SWAY_STEP_MPS = 0.25
SWAY_SPEEDS_MPS = np.arange(2.5, 12.0, SWAY_STEP_MPS)
# Before a signal lanes are kept, where their lines are solid: the ego's side is over them by so much at most.
SOLID_M, LEANS_M = 12.0, 0.3
BENT_M, SWAYS_M = 5, 7  # curvature is averaged over the one; the speed is kept over the other


@dataclass(frozen=True, slots=True)
class StopLine:
    """A signalled entry: where its line lies along the way, the lane before it, the junction lane it governs, and its
    heads.

    beside: before a left-turn waiting area the column of the straight lanes, whose green lets one in, else -1. second:
    it is the line at the far end of such an area.
    """

    s_m: float
    before: int
    lane: int
    column: int
    heads: np.ndarray
    turn: Turn
    beside: int = -1
    second: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A junction lane of the way: from where to where, and which lanes it lets go first."""

    from_s_m: float
    to_s_m: float
    lane: int
    first: frozenset[int]
    signalled: bool
    turn: Turn


@njit(cache=True)
def steady_speeds(curvature_1pm, step_m):
    """Return (n,) m/s at which a way of curvatures (n,) every step_m sways a passenger no more than so; inf where any
    speed does."""
    n, around, along = len(curvature_1pm), round(0.5 * (BENT_M - 1) / step_m), round(0.5 * (SWAYS_M - 1) / step_m)
    bent, steady, out = np.zeros(n), np.full(n, np.inf), np.empty(n)
    for i in range(n):
        for k in range(-around, around + 1):
            bent[i] += curvature_1pm[min(max(i + k, 0), n - 1)] / (2 * around + 1)
    for i in range(n):
        for m in range(len(SWAY_SPEEDS_MPS)):
            speed = SWAY_SPEEDS_MPS[m]
            half = 0.5 * SWAY_S * speed / step_m
            ends = 0.0
            for way in (-1.0, 1.0):
                at = min(max(i + way * half, 0.0), n - 1.000001)
                low = int(at)
                ends += way * (bent[low] + (at - low) * (bent[low + 1] - bent[low]))
            if speed * speed * abs(ends) > SWAY_MPS2:
                steady[i] = speed - SWAY_STEP_MPS
                break
    for i in range(n):
        out[i] = steady[max(i - along, 0) : min(i + along, n - 1) + 1].min()
    return out


@lru_cache(maxsize=4)
def _walls(town: Town) -> Walls:
    return walls_of(town)


def _before(town: Town, lanes: list[int]) -> list[int]:
    """Return the lanes that lead straight into any of some lanes."""
    wanted = np.isin(town.next_lane, lanes)
    owner = np.repeat(np.arange(len(town.next_start) - 1), np.diff(town.next_start))
    return [int(lane) for lane in np.unique(owner[wanted])]


def _extended(town: Town, plan: RoutePlan) -> RoutePlan:
    """Return the plan going on for BEYOND_M behind its goal, straight on, as far as lanes lead."""
    lanes, goal_s_m, length_m = list(plan.lanes), plan.goal_s_m, plan.length_m
    missing = BEYOND_M
    while missing > 0.0:
        left = max(float(town.lane_length_m[lanes[-1]]) - goal_s_m, 0.0)
        step = min(left, missing)
        goal_s_m, missing, length_m = goal_s_m + step, missing - step, length_m + step
        onward = [n for n in town.following(int(lanes[-1])) if town.lane_kind[n] == LaneKind.DRIVE]
        onward = [n for n in onward if town.lane_turn[n] != Turn.U_TURN and town.lane_length_m[n] > 0.5]
        if missing <= 0.0 or not onward:
            break
        lanes.append(int(onward[0]))
        goal_s_m = 0.0
    if goal_s_m <= 0.0 and len(lanes) > len(plan.lanes):
        lanes.pop()
        goal_s_m = float(town.lane_length_m[lanes[-1]])
    return RoutePlan(np.array(lanes, np.int32), plan.start_s_m, goal_s_m, length_m)


def _onward(values: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([values, np.repeat(values[-1:], count, axis=0)])


class Course:
    """The way of one ride, prepared. n points a metre apart.

    xy (n, 2), yaw_rad, curvature_1pm, steady_mps (see `steady_speeds`), limit_mps, half_lane_m, line_left_m (n,):
    where the opposite direction begins; room_left_m, room_right_m (n,): drivable surface
    beside the line; keep_m (n,): how far from the line the ego's middle may be while it comes up to a signal, inf
    elsewhere; lane (n,): the town's lane; change (n,) int8: 1 where the line changes to the lane on the left, -1
    to the right; shared (n,) bool: a surface with two directions; goal_s_m; stop_lines, entries in order; blind (n,)
    int: where the cameras cannot see down the arms of the junction ahead, see `_blind`.
    """

    def __init__(self, town: Town, plan: RoutePlan, ground: Ground | None = None) -> None:
        self.town, self.plan = town, plan
        path = RoutePath(town, _extended(town, plan))
        self.path = path
        self.step_m = float(path.s_m[1])
        beyond = max(int(np.ceil((plan.length_m + BEYOND_M - path.length_m) / self.step_m)), 2)
        ahead = np.arange(1, beyond + 1)[:, None] * self.step_m
        last = np.array([np.cos(path.yaw_rad[-1]), np.sin(path.yaw_rad[-1])])
        self.xy = np.concatenate([path.points[:, :2], path.points[-1, :2] + ahead * last])
        self.n = len(self.xy)
        self.lane = _onward(path.lane, beyond)
        ground = ground or Ground(town)
        self.xy, self.yaw_rad = self._off_kerbs(ground, _onward(path.yaw_rad, beyond))
        self.curvature_1pm = np.gradient(self.yaw_rad, self.step_m)
        self.steady_mps = steady_speeds(self.curvature_1pm, self.step_m)
        self.limit_mps = _onward(path.limit_mps, beyond)
        self.half_lane_m = _onward(path.width_m, beyond) / 2.0
        self.line_left_m = self._opposite_from()
        self.shared = _onward(town.lane_twin[path.lane] >= 0, beyond)
        goal = town.pose_at(int(plan.lanes[-1]), plan.goal_s_m)
        self.goal_s_m, _ = path.project(float(goal[0]), float(goal[1]), min(plan.length_m, path.length_m))
        self.change = self._changes()
        self.room_left_m, self.room_right_m = self._room(ground)
        self.entries = self._entries()
        self.stop_lines = self._stop_lines()
        self.keep_m = self._kept_lanes()
        self.blind = self._blind()
        self._heads: tuple[np.ndarray | None, np.ndarray | None] = None, None
        self._ordered = np.empty(0, np.int8)
        self.lane_set = frozenset(int(lane) for lane in path.plan.lanes)

    def _off_road_m(self, ground: Ground, points: np.ndarray) -> np.ndarray:
        """Return (n, k) metres off the road of places (n, k, 2) beside each point of the way, on its layer."""
        off, layers = np.empty(points.shape[:2]), self.town.lane_layer[self.lane]
        for layer in np.unique(layers):
            chosen = layers == layer
            off[chosen] = ground.off_road_m(points[chosen].reshape(-1, 2), int(layer)).reshape(-1, points.shape[1])
        return off

    def _off_kerbs(self, ground: Ground, yaw_rad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (xy (n, 2), yaw_rad (n,)): the line bowed away from kerbs that a tyre would come too near to."""
        aside = np.stack([-np.sin(yaw_rad), np.cos(yaw_rad)], axis=1)
        reach = int(np.ceil(3 * BOW_SIGMA_M / self.step_m))
        bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) * self.step_m / BOW_SIGMA_M) ** 2)
        front = round(EGO_BODY.wheelbase_m / self.step_m)
        bow, xy = np.zeros(self.n), self.xy
        for _ in range(BOW_ROUNDS):
            ahead = np.stack([np.cos(yaw_rad), np.sin(yaw_rad)], axis=1)
            left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) * (TYRE_M + KERB_ROOM_M)
            axles = xy, xy + EGO_BODY.wheelbase_m * ahead
            tyres = np.stack([axle + side * left for axle in axles for side in (1.0, -1.0)], axis=1)
            off = self._off_road_m(ground, tyres)
            push = off[:, 1] - off[:, 0]
            push[front:] += (off[:, 3] - off[:, 2])[:-front]
            if np.abs(push).max() < 0.02:
                break
            bow += np.convolve(push, bell / bell.sum(), "same")
            bow = np.clip(bow, -BOW_M, BOW_M)
            xy = self.xy + bow[:, None] * aside
            tangent = np.gradient(xy, axis=0)
            yaw_rad = np.unwrap(np.arctan2(tangent[:, 1], tangent[:, 0]))
        return xy, yaw_rad

    def _changes(self) -> np.ndarray:
        change, path, town = np.zeros(self.n, np.int8), self.path, self.town
        for position in range(1, len(path.plan.lanes)):
            before, lane = int(path.plan.lanes[position - 1]), int(path.plan.lanes[position])
            side = 1 if town.lane_left[before] == lane else -1 if town.lane_right[before] == lane else 0
            if side:
                middle = path.lane_from_s_m[position]
                index = np.arange(self.n) * self.step_m
                change[np.abs(index - middle) < 10.0] = side
        return change

    def _opposite_from(self) -> np.ndarray:
        """Return how far left of each point the surface for the opposite direction begins."""
        town = self.town
        width = np.zeros(self.n)
        for lane in np.unique(self.lane):
            total, beside = town.lane_width_m[lane] / 2.0, int(town.lane_left[lane])
            while beside >= 0 and total < ROOM_REACH_M:
                total, beside = total + float(town.lane_width_m[beside]), int(town.lane_left[beside])
            width[self.lane == lane] = total
        return width

    def _room(self, ground: Ground) -> tuple[np.ndarray, np.ndarray]:
        """Return how far drivable surface reaches to the left and right of each point, up to ROOM_REACH_M.

        The least of both axles counts: where the way turns, the front one runs further out.
        """
        offsets = np.arange(ROOM_STEP_M, ROOM_REACH_M + 1e-9, ROOM_STEP_M)
        ahead = np.stack([np.cos(self.yaw_rad), np.sin(self.yaw_rad)], axis=1)
        left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
        rooms = []
        for side in (1.0, -1.0):
            beside = side * offsets[:, None] * left[:, None]
            rear = self._off_road_m(ground, self.xy[:, None] + beside)
            front = self._off_road_m(ground, (self.xy + EGO_BODY.wheelbase_m * ahead)[:, None] + beside)
            on = np.maximum(rear, front) <= 0.02
            count = np.where(on.all(axis=1), len(offsets), on.argmin(axis=1))
            room = count * ROOM_STEP_M
            # A bay or a gap shorter than the car gives no room: the least within a few metres counts.
            least = np.min([np.roll(room, k) for k in range(-4, 5)], axis=0)
            least[:4], least[-4:] = room[:4], room[-4:]
            rooms.append(least)
        return rooms[0], rooms[1]

    def _entries(self) -> tuple[Entry, ...]:
        town, path, out = self.town, self.path, []
        for position, lane in enumerate(path.plan.lanes):
            if town.lane_junction[lane] < 0 and town.lane_turn[lane] == Turn.NONE:
                continue
            first = frozenset(int(x) for x in town.yield_lane[town.yield_start[lane] : town.yield_start[lane + 1]])
            from_s, to_s = float(path.lane_from_s_m[position]), float(path.lane_to_s_m[position])
            signalled = bool(town.lane_signal[lane] >= 0)
            out.append(Entry(from_s, to_s, int(lane), first, signalled, Turn(town.lane_turn[lane])))
        return tuple(out)

    def _blind(self) -> np.ndarray:
        """Return (n,) int8: where, about to enter a junction, houses hide who may come to it: 1 where those have to
        give way, 2 where they need not, 3 where a lamp is to hold them."""
        blind, walls, town = np.zeros(self.n, np.int8), _walls(self.town), self.town
        if not len(walls.edges):
            return blind
        for entry in self.entries:
            junction = int(town.lane_junction[entry.lane])
            if junction < 0:
                continue
            inside = np.flatnonzero((town.lane_junction == junction) & (town.lane_kind == LaneKind.DRIVE))
            own = set(town.following(int(self.lane[max(int((entry.from_s_m - 1.0) / self.step_m), 0)])))
            comes = [int(lane) for lane in inside if int(lane) not in own]
            coming, look_out_m = [], RUNS_FROM_M if entry.signalled else LOOK_OUT_M
            for lane in _before(town, comes):
                length = float(town.lane_length_m[lane])
                place = town.pose_at(lane, max(length - look_out_m, 0.0))[:2]
                away = float(np.hypot(*(place - self.xy[min(int(entry.from_s_m / self.step_m), self.n - 1)])))
                if away < look_out_m + 20.0:
                    coming.append(place)
            first = not entry.first and any(
                entry.lane in town.yield_lane[town.yield_start[lane] : town.yield_start[lane + 1]] for lane in comes
            )
            ready_m = FIRST_READY_M if first else CREEPS_M
            from_s, to_s = entry.from_s_m - EGO_BODY.front_x_m - ready_m, min(entry.from_s_m + 3.0, entry.to_s_m)
            if entry.signalled:
                from_s = entry.from_s_m - EGO_BODY.front_x_m - STOPS_IN_M
                eyes = [int(from_s / self.step_m)] if from_s >= 0.0 else []
            else:
                eyes = list(range(max(int(from_s / self.step_m), 0), min(int(to_s / self.step_m) + 1, self.n)))
            for k in eyes:
                eye = self.xy[k] + EYE_M * np.array([np.cos(self.yaw_rad[k]), np.sin(self.yaw_rad[k])])
                if any(first_wall(walls, eye[0], eye[1], place[0], place[1], 1.0) < 1.0 for place in coming):
                    if entry.signalled:
                        blind[k : min(int(to_s / self.step_m) + 1, self.n)] = 3
                    else:
                        blind[k] = 1 if first else 2
        return blind

    def _stop_lines(self) -> tuple[StopLine, ...]:
        town, path, out = self.town, self.path, []
        for position, lane in enumerate(path.plan.lanes):
            column = int(town.lane_signal[lane])
            before = int(path.plan.lanes[position - 1])
            if column < 0 or position == 0 or town.lane_signal[before] == column:
                continue
            s_m = float(path.lane_from_s_m[position])
            line = float(town.stop_s_m[before])
            if np.isfinite(line):
                place = town.pose_at(before, line)
                s_m, _ = path.project(float(place[0]), float(place[1]), s_m, 40.0)
            heads, turn = heads_of(town, int(lane)), Turn(town.lane_turn[lane])
            out.append(StopLine(s_m, before, int(lane), column, heads, turn, straight_beside(town, column)))
            if np.isfinite(town.waiting_s_m[lane]):
                second_s_m = float(path.lane_from_s_m[position] + town.waiting_s_m[lane])
                out.append(StopLine(second_s_m, before, int(lane), column, heads, turn, second=True))
        return tuple(out)

    def _kept_lanes(self) -> np.ndarray:
        keep = np.full(self.n, np.inf)
        rear_s = np.arange(self.n) * self.step_m
        for line in self.stop_lines:
            to_line = line.s_m - EGO_BODY.front_x_m - rear_s
            near = (to_line > -self.step_m) & (to_line < SOLID_M) & ~self.shared
            keep[near] = np.maximum(self.half_lane_m[near] - 0.5 * EGO_BODY.width_m + LEANS_M, LEANS_M)
        return keep

    def ruling(self, line: StopLine, colours: np.ndarray) -> LampColour:
        """Return what a line's lamp says; colours (S + 1,): see `colours`."""
        own = int(colours[line.column])
        return LampColour(own if line.beside < 0 else int(kindest(own, int(colours[line.beside]))))

    def colours(self, signal_colour: np.ndarray, countdown_s: np.ndarray) -> np.ndarray:
        """Return (S + 1,) LampColour that every signal orders, by the heads (H,); last NONE, for lanes without.

        Branches of one ride are shown the same heads: what was found last is kept, if those cannot be written to.
        """
        if self._heads[0] is not signal_colour or self._heads[1] is not countdown_s:
            self._ordered = np.append(ordered_by(self.town, signal_colour, countdown_s), LampColour.NONE)
            fixed = not (signal_colour.flags.writeable or countdown_s.flags.writeable)
            self._heads = (signal_colour, countdown_s) if fixed else (None, None)
        return self._ordered.astype(np.int8)
