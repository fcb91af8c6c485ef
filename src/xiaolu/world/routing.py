"""Where a ride goes. In: a town, two places or a seed; out: a sequence of lanes, and the line through them.

World frame, metres. Rides keep off motorways and trunk roads; small streets are preferred.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from xiaolu.core.chance import Purpose, generator
from xiaolu.core.check import freeze
from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import wrap_angle
from xiaolu.core.observation import Manoeuvre
from xiaolu.world.ground import Ground
from xiaolu.world.reference_line import blended, runs_of, smooth_line
from xiaolu.world.shortest import grow_tree, sum_along
from xiaolu.world.town import LaneKind, RoadClass, Town, Turn

# What a metre on a road class costs, in metres of a residential street. Tuned so that a ride leaves a small street
# for a big one only when the way round is half as long again.
CLASS_COST = {
    RoadClass.MOTORWAY: np.inf,
    RoadClass.TRUNK: np.inf,
    RoadClass.PRIMARY: 1.8,
    RoadClass.SECONDARY: 1.2,
    RoadClass.TERTIARY: 1.05,
    RoadClass.RESIDENTIAL: 1.0,
    RoadClass.LIVING: 1.0,
    RoadClass.SERVICE: 1.1,
}
TURN_COST_M = {Turn.NONE: 0.0, Turn.STRAIGHT: 2.0, Turn.LEFT: 20.0, Turn.RIGHT: 8.0, Turn.U_TURN: 400.0}
CHANGE_COST_M = 15.0
OTHER_LAYER_COST = 3.0  # factor for bridges and tunnels
START_CLASSES = (
    RoadClass.SECONDARY,
    RoadClass.TERTIARY,
    RoadClass.RESIDENTIAL,
    RoadClass.LIVING,
    RoadClass.SERVICE,
)
START_LANE_M = 25.0
START_MARGIN_M = 8.0  # no ride begins nearer than this to a junction
EGO_AHEAD_M = 4.0  # the front bumper is this far ahead of the rear axle, which is what starts at start_s_m
GOAL_MARGIN_M = 12.0
GOAL_CROSSING_M = 10.0
LENGTH_TOLERANCE = 0.15
TRIES = 80
DRAWN_CURVATURE_1PM = 1 / 5.0  # a drawn ride with a tighter corner is drawn again: no car turns it in one go
WHEEL_OFFSET_M = 0.8  # a tyre's middle, from the car's
KERB_M = 0.15  # nor one on whose line a tyre's middle leaves the road by more
HAIRPIN_RAD = 2.4  # a junction lane that turns by more is a U-turn, whatever the map calls it

MANOEUVRE_OF_TURN = {
    Turn.NONE: Manoeuvre.STRAIGHT,
    Turn.STRAIGHT: Manoeuvre.STRAIGHT,
    Turn.LEFT: Manoeuvre.TURN_LEFT,
    Turn.RIGHT: Manoeuvre.TURN_RIGHT,
    Turn.U_TURN: Manoeuvre.U_TURN,
}


@dataclass(frozen=True, slots=True, eq=False)
class RoutePlan:
    """lanes (R,) int32: each leads to the next one, or lies beside it (a lane change, made early in that stretch).

    The way begins start_s_m into the first lane and ends goal_s_m into the last; length_m is what is driven.
    """

    lanes: np.ndarray
    start_s_m: float
    goal_s_m: float
    length_m: float

    def __post_init__(self) -> None:
        freeze(self, "lanes", (None,), np.int32)
        if not len(self.lanes):
            raise ValueError("RoutePlan.lanes: empty, a way has one lane at least")


def _bend(town: Town) -> np.ndarray:
    """Return (L,) by how much each lane's heading changes in all, radians, left positive."""
    step = np.diff(town.points[:, :2], axis=0)
    heading = np.arctan2(step[:, 1], step[:, 0])
    change = wrap_angle(np.diff(heading))
    # Changes between the last piece of one lane and the first of the next, and across the gap, do not count.
    total = np.concatenate([[0.0, 0.0], np.cumsum(change)])
    first, last = town.point_start[:-1], town.point_start[1:] - 1
    return np.where(last - first >= 2, total[last] - total[np.minimum(first + 1, last)], 0.0)


class Router:
    """Cheapest ways over a town's lanes. Built once a town; asking changes nothing."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.ground = Ground(town)
        drivable = town.lane_kind == LaneKind.DRIVE
        per_class = np.array([CLASS_COST[c] for c in RoadClass])
        self.cost_per_m = np.where(drivable, per_class[town.lane_class], np.inf)
        self.cost_per_m[town.lane_layer != 0] *= OTHER_LAYER_COST
        self.left, self.right = (
            np.where((side >= 0) & drivable[side], side, -1).astype(np.int32)
            for side in (town.lane_left, town.lane_right)
        )
        inside = town.lane_junction >= 0
        # A turn is paid for once, where the junction is entered; some junctions are crossed in several pieces.
        source = np.repeat(np.arange(town.lanes), np.diff(town.next_start))
        entered = np.zeros(town.lanes, bool)
        entered[town.next_lane[~inside[source]]] = True
        hairpin = inside & (np.abs(_bend(town)) > HAIRPIN_RAD)
        self.turn = np.where(inside & entered, np.where(hairpin, Turn.U_TURN, town.lane_turn), Turn.NONE)
        self.entry_cost_m = np.array([TURN_COST_M[t] for t in Turn])[self.turn]
        self.continues = np.zeros(town.lanes, bool)
        self.continues[source[drivable[town.next_lane]]] = True
        ordinary = drivable & ~inside & (town.lane_layer == 0)
        ordinary &= np.isin(town.lane_class, START_CLASSES)
        self.start_lanes = np.flatnonzero(ordinary & self.continues & (town.lane_length_m >= START_LANE_M))
        self.may_end = ordinary & (self.right < 0) & (town.lane_length_m >= 2 * GOAL_MARGIN_M)
        self.unsuitable = ((town.lane_layer != 0) | (town.lane_turn == Turn.U_TURN) | hairpin).astype(np.float64)
        self.crossing_points = np.concatenate(
            [np.empty((0, 3)), *(town.line(int(lane)) for lane in np.flatnonzero(town.lane_kind == LaneKind.CROSSING))]
        )[:, :2]

    def tree(self, lane: int, s_m: float, reach_m: float = np.inf, weights: np.ndarray | None = None):
        """Return (cost, before, reached_m, used_m), (L,) each, of the cheapest ways from a place: see `grow_tree`.

        weights (L,): factors on the cost of each lane, 1 when absent.
        """
        town = self.town
        return grow_tree(
            town.next_start,
            town.next_lane,
            self.left,
            self.right,
            town.lane_length_m,
            self.cost_per_m if weights is None else self.cost_per_m * weights,
            self.entry_cost_m,
            CHANGE_COST_M,
            int(lane),
            float(s_m),
            float(reach_m),
        )

    def plan(self, start_lane: int, start_s_m: float, goal_lane: int, goal_s_m: float) -> RoutePlan | None:
        """Return the cheapest way between two places on drive lanes, or None where there is none."""
        cost, before, _, used_m = self.tree(start_lane, start_s_m)
        if goal_lane == start_lane and goal_s_m > start_s_m:
            return self._plan([start_lane], start_s_m, goal_s_m)
        if goal_lane == start_lane:
            # Round the block: the tree ends in a lane that leads back here.
            source = np.repeat(np.arange(self.town.lanes), np.diff(self.town.next_start))
            back = source[self.town.next_lane == goal_lane]
            onward = cost[back] + (self.cost_per_m * self.town.lane_length_m)[back]
            if not len(back) or not np.isfinite(onward.min()):
                return None
            return self._plan([*self._way(before, int(back[onward.argmin()])), goal_lane], start_s_m, goal_s_m)
        if not np.isfinite(cost[goal_lane]) or goal_s_m < used_m[goal_lane]:
            return None
        return self._plan(self._way(before, goal_lane), start_s_m, goal_s_m)

    @staticmethod
    def _way(before: np.ndarray, lane: int) -> list[int]:
        way = [int(lane)]
        while before[way[-1]] >= 0:
            way.append(int(before[way[-1]]))
        return way[::-1]

    def _plan(self, way: list[int], start_s_m: float, goal_s_m: float) -> RoutePlan:
        lanes = np.array(way, np.int32)
        last_of_run = [run[-1] for run in runs_of(self.town, lanes)]
        lengths = self.town.lane_length_m[lanes[last_of_run]]
        return RoutePlan(lanes, float(start_s_m), float(goal_s_m), float(lengths[:-1].sum() + goal_s_m - start_s_m))

    def draw(self, seed: int, length_m: float) -> RoutePlan:
        """Return a ride of about length_m (15 % either way) that this seed stands for: see `draw_ride`."""
        chance = generator(seed, Purpose.ROUTE)
        if not len(self.start_lanes):
            raise ValueError("this town has no street to start a ride on: no drive lane of 25 m outside its junctions")
        spare: RoutePlan | None = None
        for _ in range(TRIES):
            lane = int(chance.choice(self.start_lanes))
            front_m = self.town.lane_length_m[lane] - START_MARGIN_M - EGO_AHEAD_M
            stop_m = self.town.stop_s_m[lane]
            if np.isfinite(stop_m):
                front_m = min(front_m, stop_m - START_MARGIN_M - EGO_AHEAD_M)
            start_s_m = START_MARGIN_M + chance.random() * max(front_m - START_MARGIN_M, 0.0)
            # Every street weighs a little more or less than it measures: rides wander, as people's do.
            per_edge = np.exp(0.35 * chance.standard_normal(int(self.town.lane_edge.max(initial=0)) + 2))
            found = self._draw_from(lane, start_s_m, length_m, per_edge[self.town.lane_edge], chance)
            if found is not None:
                plan, turns = found
                if not self._drivable(RoutePath(self.town, plan)):
                    continue
                if turns:
                    return plan
                spare = spare or plan
        if spare is None:
            raise ValueError(f"no ride of about {length_m:.0f} m fits into this town in {TRIES} tries; ask for less")
        return spare

    def _drivable(self, path: "RoutePath") -> bool:
        """Whether a car can follow a path: no corner too tight, no wheel up the kerb."""
        if np.abs(path.curvature_1pm).max() > DRAWN_CURVATURE_1PM:
            return False
        ahead = np.stack([np.cos(path.yaw_rad), np.sin(path.yaw_rad)], axis=1)
        side = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) * WHEEL_OFFSET_M
        axles = (path.points[:, :2], path.points[:, :2] + EGO_BODY.wheelbase_m * ahead)
        wheels = np.concatenate([axle + sign * side for axle in axles for sign in (-1, 1)])
        return bool(self.ground.off_road_m(wheels).max() <= KERB_M)

    def _draw_from(self, lane, start_s_m, length_m, weights, chance) -> tuple[RoutePlan, int] | None:
        town = self.town
        low_m, high_m = (1 - LENGTH_TOLERANCE) * length_m, (1 + LENGTH_TOLERANCE) * length_m
        cost, before, reached_m, used_m = self.tree(lane, start_s_m, high_m, weights)
        first_m = np.maximum(GOAL_MARGIN_M, used_m + GOAL_MARGIN_M)
        from_m = np.maximum(first_m, low_m - reached_m)
        to_m = np.minimum(town.lane_length_m - GOAL_MARGIN_M, high_m - reached_m)
        fits = self.may_end & np.isfinite(cost) & (to_m > from_m)
        fits[fits] = sum_along(cost, before, self.unsuitable)[fits] == 0
        lanes = np.flatnonzero(fits)
        if not len(lanes):
            return None
        turning = (self.turn == Turn.LEFT) | (self.turn == Turn.RIGHT)
        turns = sum_along(cost, before, turning.astype(np.float64))[lanes]
        weight = np.where(turns > 0, 1.0 + np.minimum(turns, 4.0), 1e-6)
        weight *= np.where(self.continues[lanes], 1.0, 0.01)  # a dead end is a poor place to go to
        here, there = town.points[town.point_start[lane], :2], town.points[town.point_start[lanes], :2]
        weight *= 0.1 + np.hypot(*(there - here).T) / length_m  # nobody takes a car round the block
        for _ in range(4):
            pick = int(chance.choice(len(lanes), p=weight / weight.sum()))
            goal = int(lanes[pick])
            goal_s_m = from_m[goal] + chance.random() * (to_m[goal] - from_m[goal])
            place = town.pose_at(goal, goal_s_m)[:2]
            if len(self.crossing_points):
                gap_m = np.hypot(*(self.crossing_points - place).T).min()
                if gap_m < GOAL_CROSSING_M:
                    continue
            plan = self._plan(self._way(before, goal), start_s_m, goal_s_m)
            if low_m <= plan.length_m <= high_m:
                return plan, int(turns[pick])
        return None


@lru_cache(maxsize=4)
def router_of(town: Town) -> Router:
    """Return the town's router, built at the first asking."""
    return Router(town)


def draw_ride(town: Town, seed: int, length_m: float) -> RoutePlan:
    """Return the ride that a seed stands for: a pure function of its arguments.

    It starts and ends on ordinary lanes of small streets (never inside a junction or near a stop line; the goal on a
    rightmost lane, clear of crossings), is length_m long within 15 %, turns at least once where the town lets it, and
    has no U-turn, bridge or tunnel. Raises ValueError when the town has no such ride.
    """
    return router_of(town).draw(seed, length_m)


@njit(cache=True)
def project_each(points, step_m, x, y, first, last, near_s_m, s_out, offset_out):
    for k in range(len(x)):
        best, best_gap = first[k], np.inf
        for i in range(first[k], last[k]):
            mx, my = 0.5 * (points[i, 0] + points[i + 1, 0]), 0.5 * (points[i, 1] + points[i + 1, 1])
            away = (i + 0.5) * step_m - near_s_m[k]
            # Where the way crosses itself, the piece nearer along the way wins.
            gap = (x[k] - mx) ** 2 + (y[k] - my) ** 2 + 0.01 * away * away
            if gap < best_gap:
                best, best_gap = i, gap
        best_d2 = np.inf
        for i in range(max(best - 6, first[k]), min(best + 7, last[k])):
            dx, dy = points[i + 1, 0] - points[i, 0], points[i + 1, 1] - points[i, 1]
            px, py = x[k] - points[i, 0], y[k] - points[i, 1]
            length = np.hypot(dx, dy)
            t = min(max((px * dx + py * dy) / (length * length), 0.0), 1.0)
            d2 = (px - t * dx) ** 2 + (py - t * dy) ** 2
            if d2 < best_d2:
                best_d2 = d2
                s_out[k] = (i + t) * step_m
                offset_out[k] = (dx * py - dy * px) / length


class RoutePath:
    """The line through a plan's lanes, evenly spaced at most 1 m apart; n points, in the world frame.

    points (n, 3); yaw_rad (n,) unwrapped; s_m (n,); curvature_1pm (n,) left positive; lane_index (n,): position in
    plan.lanes; lane (n,): the town's lane; width_m, limit_mps (n,): of that lane. lane_from_s_m, lane_to_s_m (R,):
    where the way enters and leaves each lane of the plan. manoeuvres: (s_m, Manoeuvre, junction lane) for every turn
    at a junction where there was a choice, in order, ARRIVE last (with the goal's lane); junctions: the same for every
    junction that is crossed, STRAIGHT ones included, ARRIVE left out.
    """

    def __init__(self, town: Town, plan: RoutePlan) -> None:
        """Raises ValueError when consecutive lanes of the plan are neither connected nor neighbours."""
        self.town, self.plan = town, plan
        pieces, positions = [], []
        runs = runs_of(town, plan.lanes)
        for number, run in enumerate(runs):
            lanes = plan.lanes[run]
            from_share = plan.start_s_m / town.lane_length_m[lanes[0]] if number == 0 else 0.0
            to_share = plan.goal_s_m / town.lane_length_m[lanes[-1]] if number == len(runs) - 1 else 1.0
            points, inside = blended(town, lanes, from_share, to_share)
            pieces.append(points)
            positions.append(np.asarray(run)[inside])
        raw, position = np.concatenate(pieces), np.concatenate(positions)
        raw_s_m = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(raw[:, :2], axis=0).T))])
        self.points, marks = smooth_line(raw, raw_s_m)
        step = np.hypot(*np.diff(self.points[:, :2], axis=0).T)
        self.length_m = float(step.sum())
        self.s_m = np.linspace(0.0, self.length_m, len(self.points))
        tangent = np.gradient(self.points[:, :2], axis=0)
        self.yaw_rad = np.unwrap(np.arctan2(tangent[:, 1], tangent[:, 0]))
        self.curvature_1pm = np.gradient(self.yaw_rad, self.s_m)
        self.lane_index = position[np.clip(np.searchsorted(raw_s_m, marks + 1e-9, "right") - 1, 0, len(raw) - 1)]
        self.lane = plan.lanes[self.lane_index]
        self.width_m = town.lane_width_m[self.lane]
        self.limit_mps = town.lane_limit_mps[self.lane]
        begins_m = np.interp(raw_s_m, marks, self.s_m)
        first = np.searchsorted(position, np.arange(len(plan.lanes)))
        self.lane_from_s_m = begins_m[np.minimum(first, len(raw) - 1)]
        self.lane_to_s_m = np.append(self.lane_from_s_m[1:], self.length_m)
        self.junctions = self._junctions()
        turns = [m for m in self.junctions if m[1] != Manoeuvre.STRAIGHT and self._has_choice(m[2])]
        self.manoeuvres = (*turns, (self.length_m, Manoeuvre.ARRIVE, int(plan.lanes[-1])))
        for array in (self.points, self.yaw_rad, self.s_m, self.curvature_1pm, self.lane_index, self.lane):
            array.flags.writeable = False

    def _junctions(self) -> tuple[tuple[float, Manoeuvre, int], ...]:
        crossed, junction = [], -1
        for position, lane in enumerate(self.plan.lanes):
            now = int(self.town.lane_junction[lane])
            if now >= 0 and now != junction:
                manoeuvre = MANOEUVRE_OF_TURN[Turn(self.town.lane_turn[lane])]
                crossed.append((float(self.lane_from_s_m[position]), manoeuvre, int(lane)))
            junction = now
        return tuple(crossed)

    def _has_choice(self, junction_lane: int) -> bool:
        """Whether the carriageway that leads into a junction lane goes on in more than one direction."""
        town = self.town
        position = int(np.flatnonzero(self.plan.lanes == junction_lane)[0])
        if position == 0:
            return True
        edge = town.lane_edge[self.plan.lanes[position - 1]]
        ways = {
            int(town.lane_turn[other])
            for lane in np.flatnonzero(town.lane_edge == edge)
            for other in town.following(int(lane))
            if town.lane_turn[other] != Turn.U_TURN
        }
        return len(ways) > 1

    def _index(self, s_m):
        if isinstance(s_m, float):
            return min(max(round(s_m / float(self.s_m[1])), 0), len(self.s_m) - 1)
        return np.clip(np.rint(np.asarray(s_m) / self.s_m[1]).astype(np.int64), 0, len(self.s_m) - 1)

    def lane_at(self, s_m):
        """Return the town's lane at s metres along the way: an int, or (k,) for an array."""
        lane = self.lane[self._index(s_m)]
        return int(lane) if np.ndim(s_m) == 0 else lane

    def lanes_from(self, s_m: float) -> np.ndarray:
        """Return the lanes still to be driven, the present one first: what a Scene calls route_lanes."""
        return self.plan.lanes[self.lane_index[self._index(s_m)] :]

    def point_at(self, s_m):
        """Return (x, y, yaw) at s metres along the way, (3,), or (k, 3) for an array; clamped to the way."""
        at = np.clip(np.asarray(s_m, np.float64), 0.0, self.length_m)
        columns = (self.points[:, 0], self.points[:, 1], self.yaw_rad)
        return np.stack([np.interp(at, self.s_m, column) for column in columns], axis=-1)

    def project(self, x_m, y_m, near_s_m, window_m: float = 30.0):
        """Return (s_m, offset_m) of a place: where along the way it is, and how far left of it.

        Looks only within window_m of near_s_m, so that a way which crosses or repeats itself stays in order. s is
        clamped to the way. Scalars give floats, arrays (k,) give arrays.
        """
        x, y, near = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.float64)) for v in (x_m, y_m, near_s_m)))
        step_m = self.s_m[1]
        segments = len(self.s_m) - 1
        near = np.clip(near, 0.0, self.length_m)
        first = np.clip(np.floor((near - window_m) / step_m).astype(np.int64), 0, segments - 1)
        last = np.clip(np.ceil((near + window_m) / step_m).astype(np.int64), first + 1, segments)
        s, offset = np.empty(len(x)), np.empty(len(x))
        project_each(self.points, step_m, x, y, first, last, near, s, offset)
        if np.ndim(x_m) == 0 and np.ndim(near_s_m) == 0:
            return float(s[0]), float(offset[0])
        return s, offset

    def next_manoeuvre(self, s_m: float) -> tuple[float, Manoeuvre, int]:
        """Return (s_m, Manoeuvre, lane) of the next manoeuvre at or after s metres along the way."""
        for manoeuvre in self.manoeuvres[:-1]:
            if manoeuvre[0] >= s_m:
                return manoeuvre
        return self.manoeuvres[-1]
