"""Streets of a town as scenarios ask for them: what leads where, the arms of junctions, routes past a place."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import wrap_angle
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath, RoutePlan
from xiaolu.world.sight import Sight
from xiaolu.world.town import LaneKind, Town, Turn

END_MARGIN_M = 4.0  # no ride begins or ends nearer than this to a junction
GOAL_ROOM_M = EGO_BODY.front_x_m + 0.5  # of street before the goal: no bumper stands out into a junction or off its end
LEAST_SHARE = 0.5  # of the run-up that is asked for; with less, a place does not serve
RING_M = 160.0
OUT_OF_ROUND, FACING_M = 1.6, 6.0  # a circle's greatest radius by its least; lanes of a two-way street are so near
OUT_OF_RING_M = 30.0  # a ride does not end in a roundabout, but so far beyond it
HAIRPIN_RAD = 2.3
TIGHT_1PM = 1 / 5.0  # a route with a tighter corner is not taken
KERB_M, WHEEL_M = 0.25, 0.8  # nor one on whose line a wheel leaves the road by more

Arm = str


@dataclass(frozen=True, slots=True)
class Arms:
    """Of a junction, as one comes into it: lanes that lead in and out of it, by arm."""

    into: dict[Arm, list[int]]
    out: dict[Arm, list[int]]

    @property
    def names(self) -> set[Arm]:
        return {arm for arm in (*self.into, *self.out) if self.into.get(arm) or self.out.get(arm)}


class Streets:
    """Tables over one town, built once; asking changes nothing."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.ground, self.sight = Ground(town), Sight(town)
        self.drive = town.lane_kind == LaneKind.DRIVE
        self.ordinary = self.drive & (town.lane_junction < 0)
        self.before: list[list[int]] = [[] for _ in range(town.lanes)]
        for lane in np.flatnonzero(self.drive):
            for onward in town.following(int(lane)):
                if self.drive[onward]:
                    self.before[int(onward)].append(int(lane))
        self.ring = self._ring_lanes()
        self.crossings = np.flatnonzero(town.lane_kind == LaneKind.CROSSING)

    def after(self, lane: int) -> list[int]:
        """Return the drive lanes a lane leads to, straight-on first, hairpins left out."""
        town = self.town
        onward = [int(n) for n in town.following(lane) if self.drive[n] and town.lane_turn[n] != Turn.U_TURN]
        kept = [n for n in onward if abs(self._turned(n)) < HAIRPIN_RAD or not town.lane_junction[n] >= 0]
        return sorted(kept, key=lambda n: abs(self._turned(n)) > 0.6)

    def _turned(self, lane: int) -> float:
        line = self.town.line(lane)[:, :2]
        first, last = line[1] - line[0], line[-1] - line[-2]
        return float(wrap_angle(np.arctan2(last[1], last[0]) - np.arctan2(first[1], first[0])))

    def _ring_lanes(self) -> set[int]:
        """Return the lanes of roundabouts: short one-way loops that turn left all the way round."""
        town, ring = self.town, set[int]()
        for lane in np.flatnonzero(self.ordinary & (town.lane_length_m < 60.0)):
            if int(lane) in ring:
                continue
            way, length = [int(lane)], float(town.lane_length_m[lane])
            turned = self._turned(int(lane))
            while length < RING_M and len(way) < 24:
                here = way[-1]
                yaw = town.pose_at(here, town.lane_length_m[here])[3]
                onward = [int(n) for n in town.following(here) if self.drive[n]]
                if not onward:
                    break
                # Round the ring one keeps to the leftmost way that is not a hairpin.
                turn = [self._turned(n) for n in onward]
                fit = [k for k in range(len(onward)) if -0.6 < turn[k] < HAIRPIN_RAD]
                if not fit:
                    break
                nearest = onward[max(fit, key=lambda k: turn[k])]
                gap = float(wrap_angle(town.pose_at(nearest, 0.0)[3] - yaw))
                turned += self._turned(nearest) + gap
                length += float(town.lane_length_m[nearest])
                if nearest == int(lane):
                    if 5.0 < turned < 7.6 and self._is_round(way):
                        ring |= {n for n in way if self.ordinary[n]}
                    break
                way.append(nearest)
        return ring

    def _is_round(self, loop: list[int]) -> bool:
        """Whether a loop of lanes is a one-way circle rather than the way round a block of houses."""
        town = self.town
        points = np.concatenate([town.line(lane)[:, :2] for lane in loop])
        points = points[np.concatenate([[True], np.hypot(*np.diff(points, axis=0).T) > 0.05])]
        radius = np.hypot(*(points - 0.5 * (points.min(axis=0) + points.max(axis=0))).T)
        if radius.max() > OUT_OF_ROUND * radius.min():
            return False
        for lane in loop:
            if self.ordinary[lane]:
                x, y, _, yaw = (float(v) for v in town.pose_at(lane, 0.5 * town.lane_length_m[lane]))
                beside, s_m, _, away_m = self.ground.nearest(x, y, (int(LaneKind.DRIVE),), yaw=yaw + np.pi)
                faces = abs(float(wrap_angle(town.pose_at(beside, s_m)[3] - yaw))) > HAIRPIN_RAD
                if faces and away_m < FACING_M:
                    return False
        return True

    def through(self, junction_lane: int) -> list[list[int]]:
        """Return lane chains [approach, junction lanes..., exit] that go over a junction lane entered from a street."""
        out = []
        for approach in self.before[junction_lane]:
            if not self.ordinary[approach]:
                continue
            chain, lane = [approach, junction_lane], junction_lane
            while not self.ordinary[lane]:
                onward = self.after(lane)
                if not onward or len(chain) > 8:
                    break
                lane = onward[0]
                chain.append(lane)
            if self.ordinary[chain[-1]]:
                out.append(chain)
        return out

    def arms(self, chain: list[int]) -> Arms:
        """Return the arms of the junction that a chain [approach, junction lanes..., exit] goes through.

        Into a roundabout, the ring comes from the left and goes on to the right.
        """
        town, approach = self.town, chain[0]
        heading = float(town.pose_at(approach, town.lane_length_m[approach])[3])
        junctions = {int(town.lane_junction[lane]) for lane in chain[1:-1]}
        inside = np.flatnonzero(self.drive & np.isin(town.lane_junction, list(junctions)))
        into: dict[Arm, list[int]] = {}
        out: dict[Arm, list[int]] = {}
        enters = chain[-1] in self.ring and approach not in self.ring
        for lane in inside:
            for other in self.before[int(lane)]:
                if self.ordinary[other]:
                    yaw = town.pose_at(other, town.lane_length_m[other])[3] + np.pi
                    arm = "left" if enters and other in self.ring else _arm(yaw - heading)
                    self._note(into, "behind" if other == approach else arm, other)
            for other in town.following(int(lane)):
                if self.ordinary[other]:
                    yaw = town.pose_at(int(other), 0.0)[3]
                    ring = enters and int(other) in self.ring
                    self._note(out, "right" if ring else _arm(yaw - heading), int(other))
        return Arms(into, out)

    @staticmethod
    def _note(arms: dict[Arm, list[int]], arm: Arm, lane: int) -> None:
        lanes = arms.setdefault(arm, [])
        if lane not in lanes:
            lanes.append(lane)

    def between(self, approach: int, exits: list[int]) -> list[int]:
        """Return the shortest chain [approach, junction lanes..., exit] to one of the exits; empty where none is."""
        paths = [[approach]]
        for _ in range(6):
            grown = []
            for path in paths:
                for onward in self.town.following(path[-1]):
                    if self.drive[onward]:
                        if int(onward) in exits:
                            return [*path, int(onward)]
                        if not self.ordinary[onward]:
                            grown.append([*path, int(onward)])
            paths = grown
        return []

    def back_from(self, lane: int, need_m: float, turns: bool = False) -> list[int]:
        """Return lanes that lead to `lane`, oldest first, together need_m long where the town allows it; from a ring
        they lead back round it."""
        way: list[int] = []
        have = 0.0
        while (have < need_m or (way and not self.ordinary[way[0]])) and len(way) < 24:
            here = way[0] if way else lane
            options = [n for n in self.before[here] if n not in way and n != lane]
            options = [
                n for n in options if self.town.lane_turn[n] != Turn.U_TURN and abs(self._turned(n)) < HAIRPIN_RAD
            ]
            if not options:
                break
            in_ring = here in self.ring
            options.sort(key=lambda n: (in_ring and not self._from_ring(n), abs(self._turned(n)) > 0.6, n))
            way.insert(0, options[0])
            have += float(self.town.lane_length_m[options[0]])
        while way and not self.ordinary[way[0]]:
            way.pop(0)
        return way

    def on_from(self, lane: int, need_m: float) -> list[int]:
        """Return lanes that follow `lane`, together need_m long where the town allows it; rings are left in time."""
        way: list[int] = []
        have, exits = 0.0, 0
        while (have < need_m or (way and not self.ordinary[way[-1]])) and len(way) < 24:
            here = way[-1] if way else lane
            options = [n for n in self.after(here) if n not in way and n != lane]
            if here in self.ring:
                leaving = [n for n in options if not self._to_ring(n)]
                exits += bool(leaving)
                options = leaving if leaving and exits >= 2 else [n for n in options if n not in leaving] or options
            if not options:
                break
            way.append(options[0])
            if have == 0.0 or here not in self.ring:
                have += float(self.town.lane_length_m[options[0]])
        while way and not self.ordinary[way[-1]]:
            way.pop()
        return way

    def _from_ring(self, lane: int) -> bool:
        return lane in self.ring or any(before in self.ring for before in self.before[lane])

    def _to_ring(self, lane: int) -> bool:
        for _ in range(4):
            if self.ordinary[lane]:
                return lane in self.ring
            onward = self.after(lane)
            if not onward:
                return False
            lane = onward[0]
        return False

    def route(self, core: list[int], at: int, s_m: float, before_m: float, after_m: float) -> RoutePlan | None:
        """Return a route past s_m on lane core[at], from before_m before it to after_m after it; None if none fits.

        It begins and ends on streets, at most as much further away as the next street is.
        """
        length = self.town.lane_length_m
        have = s_m + float(length[core[:at]].sum())
        head = self.back_from(core[0], before_m - have) if before_m > have else []
        lanes = [*head, *core]
        at += len(head)
        place = s_m + float(length[lanes[:at]].sum())
        rest = float(length[lanes].sum()) - place
        need_m = after_m + END_MARGIN_M - rest
        if lanes[-1] in self.ring:
            need_m = max(need_m, OUT_OF_RING_M)
        if need_m > 0.0:
            lanes += self.on_from(lanes[-1], need_m)
        edge = np.concatenate([[0.0], np.cumsum(length[lanes])])
        start, goal = place - before_m, place + after_m
        first = int(np.clip(np.searchsorted(edge, start, "right") - 1, 0, len(lanes) - 1))
        while first > 0 and not self.ordinary[lanes[first]]:
            first -= 1
        start = min(max(start, edge[first] + 1.0), edge[first + 1] - EGO_BODY.front_x_m - END_MARGIN_M)
        last = int(np.clip(np.searchsorted(edge, goal, "right") - 1, 0, len(lanes) - 1))
        from_m = np.where(np.arange(len(lanes)) > 0, edge[:-1] + END_MARGIN_M + 2.0, 0.0)
        to_m = edge[1:] - GOAL_ROOM_M
        while last < len(lanes) - 1 and (
            not self.ordinary[lanes[last]] or lanes[last] in self.ring or to_m[last] < from_m[last]
        ):
            last += 1
        goal = max(min(goal, to_m[last]), from_m[last])
        if start < edge[first] + 0.5 or goal > to_m[last] or not self.ordinary[lanes[last]] or lanes[last] in self.ring:
            return None
        least_m = LEAST_SHARE * after_m if after_m > 0.0 else after_m - GOAL_ROOM_M  # at the end of a dead end
        if place - start < LEAST_SHARE * before_m or goal - place < least_m:
            return None
        if goal - start < 20.0:
            return None
        chosen = np.array(lanes[first : last + 1], np.int32)
        return RoutePlan(chosen, float(start - edge[first]), float(goal - edge[last]), float(goal - start))

    def drivable(self, path: RoutePath) -> bool:
        """Whether a car can follow a path: no corner too tight, no wheel up the kerb."""
        if np.abs(path.curvature_1pm).max() > TIGHT_1PM:
            return False
        ahead = np.stack([np.cos(path.yaw_rad), np.sin(path.yaw_rad)], axis=1)
        side = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) * WHEEL_M
        axles = (path.points[:, :2], path.points[:, :2] + EGO_BODY.wheelbase_m * ahead)
        wheels = np.concatenate([axle[:-3] + sign * side[:-3] for axle in axles for sign in (-1, 1)])
        return bool(self.ground.off_road_m(wheels).max() <= KERB_M)


def _arm(angle: float) -> Arm:
    turn = float(wrap_angle(angle))
    if abs(turn) < np.pi / 4:
        return "ahead"
    if abs(turn) > 3 * np.pi / 4:
        return "behind"
    return "left" if turn > 0 else "right"


@lru_cache(maxsize=4)
def streets_of(town: Town) -> Streets:
    """Return a town's streets, worked out at the first asking."""
    return Streets(town)
