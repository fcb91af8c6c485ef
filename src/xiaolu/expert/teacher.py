"""The teacher: Scene and route in, Decision out, ten times a second. World frame inside, the ego's frame in the plan.

It counts only users it can see. Its memory is small: how far along the route it is, the offsets it chose a moment ago,
who was seen when, and since when it waits.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, Decision, LampColour, Perceived
from xiaolu.core.frames import to_child
from xiaolu.core.observation import Observation
from xiaolu.core.plan import PATH_DISTANCES_M, Plan
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.scene import Scene
from xiaolu.core.users import Kind
from xiaolu.expert.bodies import STANDING_MPS, Counted, counted, extents, frenet, in_the_way
from xiaolu.expert.conflict import passing_gaps
from xiaolu.expert.course import Course, StopLine
from xiaolu.expert.forecast import forecasts, lanes_of
from xiaolu.expert.hands import COMMAND_M, SHORT_M, Command, Seen, commands
from xiaolu.expert.kerb import Berth, berths, free_berth
from xiaolu.expert.path import (
    D_REACH_M,
    FRONT_M,
    HALF_WIDTH_M,
    MAX_CURVATURE_1PM,
    OFF_CENTRE,
    PATH_STEP_M,
    PATH_STEPS,
    S_CELLS,
    S_STEP_M,
    choose_offsets,
    drive_line,
    target_line,
)
from xiaolu.expert.reasons import NAMES, Reason, sentence, standing
from xiaolu.expert.speed import FREE, envelope
from xiaolu.expert.yielding import GIVEN_NS, HUMBLE_MPS, Limits, Moves, resolve
from xiaolu.measures.strategy import strategy_of
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePlan
from xiaolu.world.town import Town, Turn

TOP_MPS = 11.0  # a plan's path reaches 60 m in its 5 s
LATERAL_MPS2 = 1.6
SIDE_ROOM_M = 0.3  # kept between the outline and the edge of the road
LINE_GAP_M = 1.0  # front bumper to stop line
AMBER_BRAKE_MPS2 = 2.2  # a stop for yellow that needs more than this is not made
RUN_OUT_S = 3.0  # the shortest flashing green
LOOKED_AT_M, LOOKS = 24.0, 4
SIGN_MPS = 4.0  # past somebody who asks for it
# Creeping up to a red line that is about to turn green: this project's written specification.
CREEP_S, CREEP_SEEN_S, CREEP_MPS, CREEP_MPS2, CREEP_LATE_S, CREEP_MARGIN_M, CREEP_FROM_M = (
    3.0,
    1.0,
    1.0,
    2.0,
    0.5,
    0.3,
    6.0,
)
DRAW_UP_COST = 1.5
BERTH_FROM_M, BERTH_KEPT_M = 60.0, 14.0  # a berth is chosen within the one, and kept from the other on
PULLS_OUT_M, PULLS_OUT_MPS = 0.5, 4.0
GIVE_WAY_MPS, OPEN_JUNCTION_MPS = 4.0, 7.5
# Speed past somebody or something at a side gap: DUT drivers near walkers, nuScenes past standing cars.
PERSON_GAPS_M, PERSON_SPEEDS_MPS = (0.2, 0.4, 0.7, 1.2, 2.0), (0.8, 2.0, 4.0, 7.0, 11.0)
PARKED_GAPS_M, PARKED_SPEEDS_MPS = (0.1, 0.3, 0.6, 1.0), (1.5, 3.5, 6.5, 9.0)


@dataclass(slots=True)
class Memory:
    """Everything the teacher carries from call to call."""

    s_m: float = 0.0
    offsets_s0_m: float = 0.0
    offsets_m: np.ndarray | None = None
    seen_ns: dict[int, int] = field(default_factory=dict)
    stood_ns: dict[int, int] = field(default_factory=dict)
    waits_since_ns: int = -1
    committed_lane: int = -1
    given_ns: dict[int, int] = field(default_factory=dict)
    berth: Berth | None = None
    commands: dict[int, Seen] = field(default_factory=dict)
    countdown_s: dict[int, tuple[int, float]] = field(default_factory=dict)


class Teacher:
    """A SceneDriver for one route of one town. Works from any pose near its route."""

    name = "teacher"
    cameras: tuple[str, ...] = ()

    def __init__(self, town: Town, route: RoutePlan, ground: Ground | None = None) -> None:
        self.town, self.route = town, route
        self._ground = ground or Ground(town)
        self.course = Course(town, route, self._ground)
        self._lanes = lanes_of(town)
        self._berths = berths(self.course, self._ground, town)
        self._memory = Memory()

    def reset(self, seed: int) -> None:
        """Forget the ride. The seed changes nothing: the teacher draws no chance."""
        self._memory = Memory()

    def snapshot(self) -> Any:
        return deepcopy(self._memory)

    def restore(self, snapshot: Any) -> None:
        self._memory = deepcopy(snapshot)

    def drive_scene(self, scene: Scene, observation: Observation) -> Decision:
        """Return the plan for the moment of the scene, with its strategy and the limit that rules it."""
        memory, course = self._memory, self.course
        s0_m, d0_m = self._locate(scene)
        here = counted(scene, self._ground, memory.seen_ns, memory.stood_ns)
        colours = course.colours(scene.signal_colour, scene.signal_countdown_s)
        moves = self._forecast(here, colours)
        memory.berth = self._berth(here, s0_m)
        offsets, path = self._way(scene, here, moves, s0_m, d0_m)
        humble = self._humble(colours, s0_m)
        limits = self._limits(scene, here, path, s0_m, humble)
        motion = max(scene.ego_speed_mps, 0.0), scene.ego_acceleration_mps2
        orders = self._orders(scene, here, s0_m)
        perceived = self._signals(scene, here, colours, s0_m, limits, humble, orders)
        self._obey(orders, s0_m, motion[0], limits)
        waited_s = (scene.stamp_ns - memory.waits_since_ns) / SECOND_NS if memory.waits_since_ns >= 0 else 0.0
        # At the kerb and about to leave it: those who come from behind cannot know.
        pulls_out = (
            motion[0] < PULLS_OUT_MPS
            and d0_m < -PULLS_OUT_M
            and bool(offsets[: S_CELLS // 3].max() > d0_m + PULLS_OUT_M)
        )
        given = frozenset(uid for uid, stamp in memory.given_ns.items() if scene.stamp_ns - stamp < GIVEN_NS)
        _, speed, cause = resolve(course, path, s0_m, *motion, here, moves, limits, waited_s, given, humble, pulls_out)
        memory.given_ns = {uid: memory.given_ns[uid] for uid in given} | dict.fromkeys(limits.given, scene.stamp_ns)
        plan = self._plan(scene, path, speed)
        reason = self._ruling(limits, speed, cause, motion[0])
        waits = motion[0] < 0.3 and reason is not None and reason.cause not in (Cause.SIGNAL, Cause.ARRIVAL)
        if waits and memory.waits_since_ns < 0:
            memory.waits_since_ns = scene.stamp_ns
        elif not waits and motion[0] > 1.0:
            memory.waits_since_ns = -1
        memory.s_m, memory.offsets_s0_m, memory.offsets_m = s0_m, s0_m, offsets
        index = np.rint(PATH_DISTANCES_M / PATH_STEP_M).astype(np.int64)
        at = path[index]
        first, last = self._window(s0_m)
        _, deviation = frenet(course.xy, course.yaw_rad, course.step_m, first, last, at[:, 0], at[:, 1])
        ahead = course.change[int(s0_m / course.step_m) : int((s0_m + 25.0) / course.step_m)]
        change = int(ahead[np.flatnonzero(ahead)[0]]) if ahead.any() else 0
        why = sentence(reason, motion[0] < 0.3 and speed[10] < 0.3, speed[50] < 0.3, _slows(speed, motion[0]))
        return Decision(
            scene.stamp_ns,
            plan,
            strategy_of(plan, motion[0], deviation, change),
            Cause.FREE if reason is None else reason.cause,
            why,
            perceived,
        )

    def _window(self, s0_m: float) -> tuple[int, int]:
        course = self.course
        return max(int((s0_m - 12.0) / course.step_m), 0), min(int((s0_m + 80.0) / course.step_m), course.n)

    def _locate(self, scene: Scene) -> tuple[float, float]:
        course, near = self.course, self._memory.s_m
        first = max(int((near - 15.0) / course.step_m), 0)
        last = min(int((near + 25.0) / course.step_m) + 2, course.n)
        place = scene.ego_pose[None, :2]
        s, d = frenet(course.xy, course.yaw_rad, course.step_m, first, last, place[:, 0], place[:, 1])
        if abs(d[0]) > 8.0:
            s, d = frenet(course.xy, course.yaw_rad, course.step_m, 0, course.n, place[:, 0], place[:, 1])
        return float(max(s[0], 0.0)), float(d[0])

    def _forecast(self, here: Counted, colours: np.ndarray) -> Moves:
        u = here.users
        return Moves(
            *forecasts(
                self._lanes,
                colours,
                u.kind.astype(np.int64),
                u.x_m,
                u.y_m,
                u.yaw_rad,
                u.speed_mps,
                u.acceleration_mps2,
                u.length_m,
                u.lane.astype(np.int64),
                u.s_m,
                u.offset_m,
                u.lights.astype(np.int64),
            )
        )

    def _berth(self, here: Counted, s0_m: float) -> Berth | None:
        """Return where to draw up, None while that is far; chosen anew when somebody has taken it."""
        course, kept = self.course, self._memory.berth
        if s0_m < course.goal_s_m - BERTH_FROM_M:
            return None
        if kept is not None and kept.s_m - s0_m < BERTH_KEPT_M:
            return kept
        u = here.users
        still = np.flatnonzero((np.abs(u.speed_mps) < STANDING_MPS) & (here.ahead_m > -6.0))
        some = u[still]
        boxes = extents(course, s0_m, some.x_m, some.y_m, some.yaw_rad, some.length_m, some.width_m)
        boxes[:, :2] += s0_m
        options = self._berths if kept is None else (kept, *(b for b in self._berths if b.s_m > s0_m + BERTH_KEPT_M))
        return free_berth(options, course.goal_s_m, boxes)

    def _way(
        self, scene: Scene, here: Counted, moves: Moves, s0_m: float, d0_m: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the offsets and the path that pass what stands in the way.

        Offsets are chosen in (s, d), where a turning car is only nearly its shape. So the path is looked at, and what
        it would touch is passed with as much more room, as long as that helps.
        """
        bodies = in_the_way(self.course, scene, here, s0_m, d0_m, moves.owner, moves.poses)
        berth = self._memory.berth
        if berth is not None:
            bodies = bodies[bodies[:, 0] < berth.s_m - s0_m + FRONT_M + 0.5]  # what it stops before it does not pass
        offsets = self._offsets(bodies, s0_m, d0_m)
        path = self._path(scene, offsets, s0_m)
        stands = np.flatnonzero((bodies[:, 6] >= 0) & (bodies[:, 0] < LOOKED_AT_M) & (bodies[:, 1] > -1.0))
        if not len(stands):
            return offsets, path
        u, who = here.users, bodies[stands, 6].astype(np.int64)
        boxes = np.stack([u.x_m, u.y_m, u.yaw_rad, u.length_m, u.width_m], axis=1)[who]
        best, chosen = -np.inf, (offsets, path)
        for _ in range(LOOKS):
            near = path[: int(LOOKED_AT_M / PATH_STEP_M)]
            gaps = passing_gaps(near, PATH_STEP_M, 2, EGO_BODY.length_m, EGO_BODY.width_m, boxes, 1.0).min(axis=1)
            short = np.maximum(bodies[stands, 4] - gaps, 0.0)
            if -short.max() > best:
                best, chosen = -float(short.max()), (offsets, path)
            if short.max() < 0.05:
                break
            bodies[stands, 2] -= np.where(short > 0.0, short + 0.2, 0.0)
            bodies[stands, 3] += np.where(short > 0.0, short + 0.2, 0.0)
            offsets = self._offsets(bodies, s0_m, d0_m)
            path = self._path(scene, offsets, s0_m)
        return chosen

    def _offsets(self, bodies: np.ndarray, s0_m: float, d0_m: float) -> np.ndarray:
        course, memory = self.course, self._memory
        at_s = s0_m + np.arange(S_CELLS) * S_STEP_M
        index = np.clip(np.rint(at_s / course.step_m).astype(np.int64), 0, course.n - 1)
        edge = HALF_WIDTH_M + SIDE_ROOM_M
        high, low = course.room_left_m[index] - edge, edge - course.room_right_m[index]
        # Where the road leaves no choice the way itself is best: it has been bowed off the kerbs.
        high, low = np.clip(high, 0.1, D_REACH_M), np.clip(low, -D_REACH_M, -0.1)
        habit = np.full(S_CELLS, np.nan)
        if memory.offsets_m is not None:
            old_s = memory.offsets_s0_m + np.arange(S_CELLS) * S_STEP_M
            habit = np.interp(at_s, old_s, memory.offsets_m, right=np.nan)
        wish, pull = np.zeros(S_CELLS), np.full(S_CELLS, OFF_CENTRE)
        berth = memory.berth
        if berth is not None:
            wish = berth.offset_m(at_s)
            pull = np.where(wish < 0.0, DRAW_UP_COST, pull)
            low = np.minimum(low, wish)
        line = course.line_left_m[index] - HALF_WIDTH_M
        swing = 0.5 * FRONT_M**2 * np.clip(course.curvature_1pm[index], -MAX_CURVATURE_1PM, MAX_CURVATURE_1PM)
        offsets = choose_offsets(d0_m, low, high, np.maximum(line, 0.0), habit, wish, pull, swing, bodies[:, :6])
        # At the kerb the grid's 0.2 m are too coarse.
        return np.where((pull > OFF_CENTRE) & (np.abs(offsets - wish) < 0.25), wish, offsets)

    def _path(self, scene: Scene, offsets: np.ndarray, s0_m: float) -> np.ndarray:
        course = self.course
        first = max(int((s0_m - 4.0) / course.step_m), 0)
        count = min(int((PATH_STEPS * PATH_STEP_M + 8.0) / course.step_m), course.n - first)
        line = target_line(course.xy, course.yaw_rad, course.step_m, first, count, s0_m, offsets)
        curvature = np.tan(scene.ego_steering_rad) / EGO_BODY.wheelbase_m
        settle_m = float(np.clip(3.5 + 0.8 * scene.ego_speed_mps, 4.5, 11.0))
        x, y, yaw = scene.ego_pose
        return drive_line(float(x), float(y), float(yaw), float(curvature), line, settle_m)

    def _plan(self, scene: Scene, path: np.ndarray, speed: np.ndarray) -> Plan:
        index = np.rint(PATH_DISTANCES_M / PATH_STEP_M).astype(np.int64)
        return Plan(to_child(scene.ego_pose, path[index, :2]), np.ascontiguousarray(speed[5:51:5]))

    def _limits(self, scene: Scene, here: Counted, path: np.ndarray, s0_m: float, humble: frozenset[int]) -> Limits:
        """Return the limits that do not depend on how others move: the road's, and what is passed beside."""
        course = self.course
        sigma = np.arange(PATH_STEPS + 1) * PATH_STEP_M
        index = np.clip(((s0_m + sigma) / course.step_m).astype(np.int64), 0, course.n - 1)
        reasons = [Reason(Cause.FREE, "speed limit", 0.0)]
        allowed = np.minimum(course.limit_mps[index], TOP_MPS)
        ruling = np.zeros(len(allowed), np.int64)

        def cap(limit: np.ndarray, reason: Reason) -> None:
            lower = limit < allowed
            if lower.any():
                allowed[lower] = limit[lower]
                ruling[lower] = len(reasons)
                reasons.append(Reason(reason.cause, reason.what, float(sigma[np.argmin(limit)]), reason.side))

        curvature = np.convolve(np.abs(path[:, 3]), np.full(5, 0.2), "same")
        cap(np.sqrt(LATERAL_MPS2 / np.maximum(curvature, 1e-4)), Reason(Cause.CURVE, "bend", 0.0))
        for entry in course.entries:
            at_m = entry.from_s_m - s0_m - FRONT_M
            on_red = entry.lane in humble
            if not -8.0 < at_m < 70.0 or (entry.signalled and not on_red):
                continue
            top = HUMBLE_MPS if on_red else GIVE_WAY_MPS if entry.first else OPEN_JUNCTION_MPS
            inside = (sigma > at_m - 1.0) & (sigma < at_m + 6.0)
            cap(np.where(inside, top, np.inf), Reason(Cause.RIGHT_OF_WAY, "junction", at_m))
        self._beside(here, path, scene.ego_speed_mps, cap)
        allowed, ruling = envelope(allowed, ruling, PATH_STEP_M)
        limits = Limits(allowed, ruling, reasons)
        goal_m = (course.goal_s_m if self._memory.berth is None else self._memory.berth.s_m) - s0_m
        if goal_m < 75.0:
            limits.stop(goal_m, 0.0, np.inf, Reason(Cause.ARRIVAL, "destination", goal_m))
        return limits

    def _beside(self, here: Counted, path: np.ndarray, speed_mps: float, cap) -> None:
        u = here.users
        slow = np.flatnonzero(here.vulnerable | here.parked)
        slow = slow[(here.ahead_m[slow] > -3.0) & (here.ahead_m[slow] < 70.0)]
        if not len(slow):
            return
        boxes = np.stack([u.x_m, u.y_m, u.yaw_rad, u.length_m, u.width_m], axis=1)[slow]
        # A cyclist rides on while the ego catches up: where they are abreast is what matters.
        along = u.speed_mps[slow] * np.cos(here.turned_rad[slow])
        until_s = np.clip((here.ahead_m[slow] - FRONT_M) / np.maximum(max(speed_mps, 4.0) - along, 1.0), 0.0, 4.0)
        rides = np.where(here.on_foot[slow], 0.0, u.speed_mps[slow] * until_s)
        boxes[:, 0] += np.cos(boxes[:, 2]) * 0.5 * rides
        boxes[:, 1] += np.sin(boxes[:, 2]) * 0.5 * rides
        boxes[:, 3] += rides
        gaps = passing_gaps(path, PATH_STEP_M, 2, EGO_BODY.length_m, EGO_BODY.width_m, boxes, 2.0)
        full = np.repeat(gaps, 2, axis=1)[:, : len(path)]
        for row, k in zip(full, slow, strict=True):
            if not np.isfinite(row).any():
                continue
            name, side = NAMES[Kind(int(u.kind[k]))], "left" if here.left_m[k] > 0 else "right"
            # What is struck is not passed: there the ego stops, by `resolve`.
            row = np.where(row <= 0.0, 0.1, row)
            if here.parked[k]:
                limit = np.where(row < 1.0, np.interp(row, PARKED_GAPS_M, PARKED_SPEEDS_MPS), np.inf)
                cap(limit, Reason(Cause.OBSTACLE, standing(Kind(int(u.kind[k]))), 0.0, side))
            else:
                limit = np.where(row < 2.0, np.interp(row, PERSON_GAPS_M, PERSON_SPEEDS_MPS), np.inf)
                if here.on_foot[k]:
                    cap(limit, Reason(Cause.PEDESTRIAN, name, 0.0, side))
                else:
                    # Never slower than it rides: then the ego follows instead.
                    pace = max(float(u.speed_mps[k] * np.cos(here.turned_rad[k])) - 0.5, 1.0)
                    cap(np.maximum(limit, pace), Reason(Cause.OBSTACLE, name, 0.0, side))

    def _humble(self, colours: np.ndarray, s0_m: float) -> frozenset[int]:
        """Return the junction lanes of the way that may be taken on red: right turns on a round lamp.

        Allowed while giving way (Implementing Regulations of the PRC road traffic law, art. 38).
        """
        out = set()
        for line in self.course.stop_lines:
            near = -25.0 < line.s_m - s0_m < 90.0 and line.turn == Turn.RIGHT
            arrow = (self.town.head_arrow[line.heads] == Turn.RIGHT).any()
            if near and not arrow and colours[line.column] == LampColour.RED:
                out.add(line.lane)
        return frozenset(out)

    def _orders(self, scene: Scene, here: Counted, s0_m: float) -> tuple[Command, ...]:
        """Return what hands ask of the ego: of officials the highest only, and every passer-by's."""
        turn = Turn.NONE
        for entry in self.course.entries:
            if entry.from_s_m > s0_m + 1.0:
                turn = entry.turn if entry.from_s_m - s0_m < COMMAND_M else Turn.NONE
                break
        found = commands(here, scene.ego_pose, turn, self._memory.commands, scene.stamp_ns)
        officials = [c for c in found if c.kind in (Kind.OFFICER, Kind.WORKER)]
        return (*officials[:1], *(c for c in found if c.kind not in (Kind.OFFICER, Kind.WORKER)))

    def _obey(self, orders: tuple[Command, ...], s0_m: float, now_mps: float, limits: Limits) -> None:
        """Add what hands ask for to the limits: a stop before them (an officer's: at the line), or a slow pass."""
        course = self.course
        for order in orders:
            official = order.kind in (Kind.OFFICER, Kind.WORKER)
            cause = Cause.SIGNAL if official else Cause.PEDESTRIAN
            away_m = max(order.ahead_m - FRONT_M, 0.0)
            what = f"{order.who}'s sign" if official else f"{order.who} who asks it to"
            if order.stop:
                stop_m = away_m - SHORT_M
                if order.kind == Kind.OFFICER:
                    lines = [line.s_m - s0_m - FRONT_M for line in course.stop_lines]
                    lines += [entry.from_s_m - s0_m - FRONT_M for entry in course.entries if not entry.signalled]
                    ahead = [m for m in lines if -0.3 < m < away_m]
                    if ahead:
                        stop_m = min(ahead) - min(LINE_GAP_M, max(min(ahead) - 0.3, 0.0))
                limits.stop(max(stop_m, 0.0), 0.0, np.inf, Reason(cause, what, away_m))
            elif order.slow:
                limits.slow(away_m + FRONT_M + 6.0, SIGN_MPS, now_mps, Reason(cause, what, away_m))

    def _signals(
        self,
        scene: Scene,
        here: Counted,
        colours: np.ndarray,
        s0_m: float,
        limits: Limits,
        humble: frozenset[int],
        orders: tuple[Command, ...],
    ) -> Perceived:
        """Add the stops for signals, and return what the next one shows. Who directs traffic outranks them."""
        perceived = Perceived()
        speed = max(scene.ego_speed_mps, 0.0)
        waved_on_m = max((c.ahead_m + 15.0 for c in orders if c.go), default=-np.inf)
        for line in self.course.stop_lines:
            front_m = line.s_m - s0_m - FRONT_M
            if front_m < -0.3 or front_m > 90.0:
                continue
            colour = LampColour(int(colours[line.column]))
            if perceived.signal == LampColour.NONE:
                perceived = Perceived(colour, 1.0)
            if line.lane in humble or front_m < waved_on_m:
                continue
            if self._must_stop(scene, line, colour, front_m, speed):
                word = {LampColour.RED: "red light", LampColour.YELLOW: "yellow light"}.get(
                    colour, "ending green light"
                )
                reason = Reason(Cause.SIGNAL, word, max(front_m, 0.0))
                stop_m = front_m - LINE_GAP_M if front_m > 0.9 * LINE_GAP_M else front_m - 0.35
                if self._may_creep(scene, here, line, colour, front_m):
                    stop_m = front_m - CREEP_MARGIN_M
                    left_m = np.maximum(stop_m - np.arange(len(limits.allowed)) * PATH_STEP_M, 0.0)
                    reach = CREEP_MPS2 * CREEP_LATE_S
                    top = np.sqrt(reach**2 + 2.0 * CREEP_MPS2 * left_m) - reach
                    limits.allowed[:] = np.minimum(limits.allowed, np.minimum(top, CREEP_MPS))
                limits.stop(stop_m, 0.0, np.inf, reason)
        return perceived

    def _may_creep(self, scene: Scene, here: Counted, line: StopLine, colour: LampColour, front_m: float) -> bool:
        """Whether the ego may roll up to a red line that is about to be given free.

        The written specification of this project: the countdown of the governing head shows 3 s or less and has run
        down evenly, nobody is on the crossing or the way, and the front never comes nearer to the line than a margin.
        """
        kept, shown = self._memory.countdown_s, scene.signal_countdown_s[line.heads]
        seen = shown[np.isfinite(shown)]
        before = kept.pop(line.lane, None)
        if colour != LampColour.RED or not len(seen) or np.ptp(seen) > 0.5:
            return False
        now_s, even_s = float(seen[0]), 0.0
        if before is not None:
            since, first = before
            expected = first - (scene.stamp_ns - since) / SECOND_NS
            steady = abs(expected - now_s) < 1.1  # digits are whole seconds
            kept[line.lane] = before if steady else (scene.stamp_ns, now_s)
            even_s = (scene.stamp_ns - since) / SECOND_NS if steady else 0.0
        else:
            kept[line.lane] = (scene.stamp_ns, now_s)
        if now_s > CREEP_S or even_s < CREEP_SEEN_S or not CREEP_MARGIN_M < front_m < CREEP_FROM_M:
            return False
        before_us = (here.ahead_m > 0.5) & (here.ahead_m < FRONT_M + 14.0) & (np.abs(here.left_m) < 5.0)
        people = before_us & here.on_foot & here.on_road
        lead = before_us & ~here.on_foot & (np.abs(here.left_m) < 1.5) & (here.ahead_m < FRONT_M + 8.0)
        return not (people | lead).any()

    def _must_stop(self, scene: Scene, line: StopLine, colour: LampColour, front_m: float, speed: float) -> bool:
        memory = self._memory
        braking = speed**2 / (2.0 * max(front_m - 0.3, 0.05))
        if colour == LampColour.RED:
            memory.committed_lane = -1
            return True
        if colour == LampColour.YELLOW:
            if memory.committed_lane == line.lane and braking > 1.2:
                return False
            if braking > AMBER_BRAKE_MPS2:
                memory.committed_lane = line.lane
                return False
            return True
        if colour == LampColour.FLASHING_GREEN:
            countdown = scene.signal_countdown_s[line.heads] if len(line.heads) else np.array([np.nan])
            left_s = float(countdown[0]) if np.isfinite(countdown[0]) else 0.5 * RUN_OUT_S
            reach_m = speed * left_s + 0.5 * max(8.0 - speed, 0.0) * min(left_s, 1.0)
            if front_m < reach_m or braking > AMBER_BRAKE_MPS2:
                memory.committed_lane = line.lane
                return False
            return braking < 1.6
        return False

    def _ruling(self, limits: Limits, speed: np.ndarray, cause: np.ndarray, now_mps: float) -> Reason | None:
        """Return the limit that rules the coming 3 s, None where the way is free.

        Where the plan gives up speed it is the one that rules while it does; else the one that holds it back longest.
        """
        soon, falls = cause[:31], np.diff(speed[:32]) < -0.02
        named = soon[soon != FREE]
        if _slows(speed, now_mps) and (soon[falls] != FREE).any():
            named = soon[falls & (soon != FREE)]
        elif not len(named) or (len(named) < 4 and now_mps > 1.0):
            return None
        numbers, counts = np.unique(named, return_counts=True)
        reason = limits.reasons[int(numbers[np.argmax(counts)])]
        if reason.cause == Cause.FREE:
            return None
        held = _slows(speed, now_mps) or now_mps < 0.5 or speed[30] < 0.7 * limits.allowed[0]
        return reason if held or reason.cause == Cause.LEAD else None


def _slows(speed: np.ndarray, now_mps: float) -> bool:
    """Whether a rollout's speed falls noticeably within 4 s."""
    return bool(speed[:41].min() < now_mps - 0.3)
