"""The teacher: Scene and route in, Decision out, ten times a second. World frame inside, the ego's frame in the plan.

It proposes paths and speed profiles, sets each against everybody's forecasts by the measures that judge drivers, and
drives the best one: see docs/teacher.md. What the law and hands order are limits that every proposal keeps. It counts
only users that the ego's cameras can see. Its memory is small: how far along the route it is, the offsets and the path
it chose a moment ago, who was seen when, and since when it waits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xiaolu.core.decision import Cause, Decision, Perceived
from xiaolu.core.frames import to_child
from xiaolu.core.observation import Observation
from xiaolu.core.plan import Plan
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.scene import Scene
from xiaolu.expert.backing import Backing
from xiaolu.expert.bodies import STANDING_MPS, Counted, counted, frenet
from xiaolu.expert.course import Course
from xiaolu.expert.forecast import MAX_CHAIN, MOMENTS, MOMENTS_S, Moves, forecasts, lanes_of
from xiaolu.expert.kerb import beside
from xiaolu.expert.limits import Limits
from xiaolu.expert.orders import hands, humble_lanes, obey, signals, unlit_lanes
from xiaolu.expert.path import FRONT_M, PLANNED, S_CELLS
from xiaolu.expert.reasons import Reason, limited_by, reason_of, sentence
from xiaolu.expert.retreat import Retreat
from xiaolu.expert.road import road_limits
from xiaolu.expert.scoring import UNEASY_MPS2, Outlook, Scorer
from xiaolu.expert.speed import DT_S, FREE, stops_m
from xiaolu.expert.tick import FORESEEN_STEPS, Memory, Tick
from xiaolu.expert.ways import KINDS, Way, Ways
from xiaolu.expert.ways import Kind as PathKind
from xiaolu.expert.yielding import GIVEN_NS, HELD_NS, LAST_PATIENCE_S, resolve
from xiaolu.measures.strategy import strategy_of
from xiaolu.measures.words import FREE_SHARE
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePlan
from xiaolu.world.town import Town

PULLS_OUT_M, PULLS_OUT_MPS, UNDER_WAY_MPS = 0.5, 4.0, 0.3
# A proposal whose foreseen risk is below this, and that brakes no harder, is as good as any; a path of another kind
# than a moment ago must be better by so much: tuned with the weights of `scoring`.
CALM, EASY_MPS2, OTHER_WAY = 0.6, 2.1, 0.8
PRESSES = 4.0  # what it costs to go on where the rules would have it wait: less than any contact
# Other profiles of a path, as caps on its speed against the one now.
CAPS, CREEP_CAP_MPS = (0.8, 0.55, 0.3), 1.2
LAGS_MPS2 = 0.6  # the car's acceleration lags by so much: tuned
SETS_OFF_STEPS, SETS_OFF_MPS = 10, 0.3  # who will be so fast in a second is not held: it does not back up for anybody
RULES_STEPS, PLAN_STEPS = 31, 50  # of a rollout: what rules it now, and what a plan holds
STANDS_MPS = 0.3
PASSED = (Cause.OBSTACLE, Cause.PEDESTRIAN)
DRAWS_UP_M = 0.3  # who stops so far beside its way draws up to there
BEFORE_START_M = 30.0  # it may back up beyond where its way begins
HESITATES_M, WALK_MPS, LEAVES_SIN = 6.0, 1.2, 0.7  # who stands in the road so near may walk on, unless he walks away


@dataclass(frozen=True, slots=True)
class Proposal:
    """A path and a speed profile, with the limits it keeps, those that hold if nobody else is heeded, and what is
    foreseen of it."""

    way: Way
    limits: Limits
    alone: Limits
    perceived: Perceived
    sigma: np.ndarray
    speed: np.ndarray
    cause: np.ndarray
    outlook: Outlook


class Teacher:
    """A SceneDriver for one route of one town. Works from any pose near its route."""

    name = "teacher"
    cameras: tuple[str, ...] = ()

    def __init__(self, town: Town, route: RoutePlan, ground: Ground | None = None) -> None:
        self.town, self.route = town, route
        self.ground = ground or Ground(town)
        self.course = Course(town, route, self.ground)
        self._lanes = lanes_of(town)
        self._ways = Ways(self.course, self.ground, town)
        self._retreat = Retreat(self.course, self.ground)
        self._memory = Memory()

    def reset(self, seed: int) -> None:
        """Forget the ride. The seed changes nothing: the teacher draws no chance."""
        self._memory = Memory()

    def snapshot(self) -> Any:
        return self._memory.copy()

    def restore(self, snapshot: Any) -> None:
        self._memory = snapshot.copy()

    def drive_scene(self, scene: Scene, observation: Observation) -> Decision:
        """Return the plan for the moment of the scene, with its strategy and the limit that rules it."""
        memory = self._memory
        tick = self._tick(scene)
        backed = self._retreat.decide(tick, memory)
        if backed is not None:
            return backed
        memory.berth = self._ways.berth(tick.here, tick.s0_m, tick.d0_m, memory)
        memory.aside = self._aside(tick)
        best = self._best(tick)
        return self.decided(tick, best)

    @contextmanager
    def remembering(self, memory: Memory) -> Iterator[None]:
        """Work with another memory than its own for a while; what is remembered meanwhile goes into that one."""
        own, self._memory = self._memory, memory
        try:
            yield
        finally:
            self._memory = own

    def moment(self, scene: Scene) -> Tick:
        """Return what it knows now."""
        return self._tick(scene)

    def proposed(self, tick: Tick, kind: PathKind) -> tuple[Way, Limits, Limits, Perceived]:
        """Return the path of a kind, with its limits, those of road, law and hands alone, and what signals show."""
        memory = self._memory
        memory.backing, memory.berth = None, self._ways.berth(tick.here, tick.s0_m, tick.d0_m, memory)
        bodies = self._ways.bodies(tick.scene, tick.here, tick.moves, tick.s0_m, tick.d0_m, memory)
        way = self._ways.propose(kind, tick, bodies, memory)
        limits, alone, perceived, _ = self._limited(tick, way)
        return way, limits, alone, perceived

    def decided(self, tick: Tick, best: Proposal) -> Decision:
        """Return the decision for a proposal, which is remembered as the one that was chosen."""
        reason = _ruling(best.limits, best.speed, best.cause, tick.speed_mps)
        self._remember(tick, best, reason)
        return self._decision(tick, best, reason)

    def backed(self, tick: Tick, place: Backing) -> Decision:
        """Return the decision of driving back to a place, for nobody in particular."""
        return self._retreat.towards(tick, place, self._memory)

    def humble(self, colours: np.ndarray, s0_m: float) -> frozenset[int]:
        """Return the junction lanes about s0_m that may be taken on red, see `orders.humble_lanes`."""
        return humble_lanes(self.course, colours, s0_m)

    def _tick(self, scene: Scene) -> Tick:
        memory, course = self._memory, self.course
        s0_m, d0_m = self._locate(scene)
        here = counted(
            scene, self.ground, memory.seen_ns, memory.stood_ns, memory.moved, memory.hesitated_ns, memory.backed_ns
        )
        colours = course.colours(scene.signal_colour, scene.signal_countdown_s)
        waited_s = (scene.stamp_ns - memory.waits_since_ns) / SECOND_NS if memory.waits_since_ns >= 0 else 0.0
        given = frozenset(uid for uid, stamp in memory.given_ns.items() if scene.stamp_ns - stamp < GIVEN_NS)
        held = {uid: memory.given_s_m[uid] for uid in given if scene.stamp_ns - memory.given_ns[uid] < HELD_NS}
        return Tick(
            scene, here, self._forecast(here, colours, s0_m), colours, s0_m, d0_m, max(scene.ego_speed_mps, 0.0),
            self._acceleration(scene), waited_s,
            hands(course, scene, here, s0_m, memory), humble_lanes(course, colours, s0_m),
            unlit_lanes(course, colours, s0_m), given, held,
        )  # fmt: skip

    def _acceleration(self, scene: Scene) -> float:
        """Return the acceleration that the last profile has by now, the measured one where the car is not near it.

        The measured one lags behind what was asked for: a profile that went on from there would ask for more and more.
        """
        memory, measured = self._memory, scene.ego_acceleration_mps2
        if memory.speed_mps is None:
            return measured
        step = round((scene.stamp_ns - memory.speed_stamp_ns) / SECOND_NS / DT_S)
        if not 1 <= step <= FORESEEN_STEPS:
            return measured
        foreseen = float(memory.speed_mps[step] - memory.speed_mps[step - 1]) / DT_S
        return min(max(foreseen, measured - LAGS_MPS2), measured + LAGS_MPS2)

    def _locate(self, scene: Scene) -> tuple[float, float]:
        course, near = self.course, self._memory.s_m
        first = max(int((near - 15.0) / course.step_m), 0)
        last = min(int((near + 25.0) / course.step_m) + 2, course.n)
        place = scene.ego_pose[None, :2]
        s, d = frenet(course.xy, course.yaw_rad, course.step_m, first, last, place[:, 0], place[:, 1])
        if abs(d[0]) > 8.0:
            s, d = frenet(course.xy, course.yaw_rad, course.step_m, 0, course.n, place[:, 0], place[:, 1])
        return float(max(s[0], -BEFORE_START_M)), float(d[0])

    def _with_crossing(self, here: Counted, known: Moves, s0_m: float) -> Moves:
        """Return the forecasts and, for who stands hesitating in the road, one that walks on over the ego's way."""
        near = np.abs(here.left_m) < HESITATES_M
        leaves = (here.users.speed_mps > STANDING_MPS) & (np.sign(here.left_m) * np.sin(here.turned_rad) > LEAVES_SIN)
        who = np.flatnonzero(here.hesitates & ~leaves & near & (here.ahead_m > FRONT_M) & (here.ahead_m < 35.0))
        if not len(who):
            return known
        course, u = self.course, here.users[who]
        first = max(int((s0_m - 5.0) / course.step_m), 0)
        last = min(int((s0_m + 60.0) / course.step_m) + 2, course.n)
        s, d = frenet(course.xy, course.yaw_rad, course.step_m, first, last, u.x_m, u.y_m)
        index = np.clip(np.rint(s / course.step_m).astype(np.int64), 0, course.n - 1)
        yaw = course.yaw_rad[index] - 0.5 * np.pi * np.sign(d)
        way = WALK_MPS * MOMENTS_S
        poses = np.stack(
            [
                u.x_m[:, None] + np.cos(yaw)[:, None] * way,
                u.y_m[:, None] + np.sin(yaw)[:, None] * way,
                np.broadcast_to(yaw[:, None], (len(who), MOMENTS)),
            ],
            axis=-1,
        )
        return Moves(
            np.concatenate([known.owner, who]),
            np.concatenate([known.certain, np.zeros(len(who), bool)]),
            np.concatenate([known.chain, np.full((len(who), MAX_CHAIN), -1, np.int64)]),
            np.concatenate([known.poses, poses]),
        )

    def _forecast(self, here: Counted, colours: np.ndarray, s0_m: float) -> Moves:
        u = here.users
        known = Moves(
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
        return self._with_crossing(here, known, s0_m)

    def _aside(self, tick: Tick):
        """Return the place at the kerb where an official's hand wants the ego, None without such a sign."""
        asked = [order for order in tick.orders if order.aside]
        if not asked:
            return None
        kept = self._memory.aside
        if kept is not None:
            return kept
        return beside(self.course, tick.s0_m, tick.s0_m + max(asked[0].ahead_m - FRONT_M - 4.0, 4.0))

    def _best(self, tick: Tick) -> Proposal:
        """Return the best of the proposals: the ordinary one where it is calm, else whatever is foreseen to do least
        harm, smooth first."""
        best: Proposal | None = None
        for proposal in self._proposals(tick):
            if best is None or proposal.outlook.cost < best.outlook.cost:
                best = proposal
        assert best is not None
        return best

    def _proposals(self, tick: Tick) -> Iterator[Proposal]:
        memory = self._memory
        bodies = self._ways.bodies(tick.scene, tick.here, tick.moves, tick.s0_m, tick.d0_m, memory)
        scorer, before, wanted_m = None, self._before(tick), 0.0
        kept = next((kind for kind in KINDS if kind.name == memory.way), KINDS[0])
        made, leaves = [], False
        for kind in (KINDS[0], *(k for k in KINDS[1:] if k == kept), *(k for k in KINDS[1:] if k != kept)):
            if (memory.aside or memory.berth) is not None and kind.lean_m:
                continue
            way = self._ways.propose(kind, tick, bodies, memory)
            limits, alone, perceived, rolled = self._limited(tick, way)
            if scorer is None:
                leaves = self._pulls_out(tick, way)
                scorer = Scorer(tick, frozenset(limits.trusted), leaves)
                wanted_m = float(rolled[0][50])
            outlook = scorer.score(way.path, rolled[0], rolled[1], before, wanted_m)
            if kind != kept:
                outlook = replace(outlook, cost=outlook.cost + OTHER_WAY)
            first = Proposal(way, limits, alone, perceived, *rolled, outlook)
            made.append(first)
            yield first
            eased = None if leaves else limits.eased(len(alone.stops), tick.speed_mps, tick.acceleration_mps2)
            if eased is not None and outlook.least_mps2 < -UNEASY_MPS2:
                rolled = eased.roll(tick.speed_mps, tick.acceleration_mps2)
                outlook = scorer.score(way.path, rolled[0], rolled[1], before, wanted_m)
                if kind != kept:
                    outlook = replace(outlook, cost=outlook.cost + OTHER_WAY)
                made.append(Proposal(way, eased, alone, perceived, *rolled, outlook))
                yield made[-1]
            if any(p.outlook.risk < CALM and p.outlook.least_mps2 > -EASY_MPS2 for p in made):
                return
            if leaves:
                break  # from the kerb nobody is pressed, nor met on another line
        assert scorer is not None
        made.sort(key=lambda p: p.outlook.cost)
        for first in made[:2]:
            # What can no longer be stopped for may be passed in time, while others are still given way to.
            some = first.limits.possible(len(first.alone.stops), tick.speed_mps)
            pressing = [] if leaves else [first.alone, *([some] if some is not None else [])]
            for slower in (*pressing, *self._slower(tick, first)):
                sigma, speed, cause = slower.roll(tick.speed_mps, tick.acceleration_mps2)
                outlook = scorer.score(first.way.path, sigma, speed, before, wanted_m)
                if any(slower is p for p in pressing):
                    outlook = replace(outlook, cost=outlook.cost + PRESSES)
                yield Proposal(first.way, slower, first.alone, first.perceived, sigma, speed, cause, outlook)

    def _slower(self, tick: Tick, first: Proposal) -> Iterator[Limits]:
        """Yield the limits of a proposal with a lower top speed, or with a stop as soon as comfort, then need allow."""
        who = self._risk_of(tick, first)
        now = tick.speed_mps
        for cap in {round(max(now * share, CREEP_CAP_MPS), 2) for share in CAPS}:
            if cap < now + 0.5:
                slower = first.limits.copy()
                slower.slow(80.0, cap, now, who)
                yield slower
        for stop_m in stops_m(now, tick.acceleration_mps2):
            slower = first.limits.copy()
            slower.stop(stop_m, 0.0, np.inf, who)
            yield slower

    def _risk_of(self, tick: Tick, proposal: Proposal) -> Reason:
        """Return whom a proposal is slower for: who costs it most."""
        k = proposal.outlook.user
        return Reason(Cause.CURVE, "way ahead", 0.0) if k < 0 else reason_of(tick.here, k)

    def _limited(
        self, tick: Tick, way: Way
    ) -> tuple[Limits, Limits, Perceived, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return a path's limits, those of road, law and hands alone, what the next signal shows, and the rollout under
        all that others ask for."""
        course, memory = self.course, self._memory
        berth = memory.berth
        goal_s_m = course.goal_s_m if berth is None else berth.s_m
        likely = berth or self._ways.likely_berth  # whichever it will be, it slows for that in time
        draws_up_s_m = likely.from_s_m if likely is not None and likely.left_m < -DRAWS_UP_M else np.inf
        limits = road_limits(course, tick, way.path, goal_s_m, draws_up_s_m)
        perceived = signals(course, tick, memory, limits, way.path)
        obey(course, tick, limits)
        alone = limits.copy()
        rolled = resolve(
            course, way.path, tick.s0_m, tick.speed_mps, tick.acceleration_mps2, tick.here, tick.moves,
            limits, tick.waited_s, tick.given, tick.humble, tick.unlit, self._pulls_out(tick, way), tick.held,
        )  # fmt: skip
        return limits, alone, perceived, rolled

    def _pulls_out(self, tick: Tick, way: Way) -> bool:
        """Whether it sets off from where it was parked, or is at the kerb and about to leave it: those who come from
        behind cannot know. Who rolls is seen; and in a lane nobody waits for ever for those who go round it."""
        leaves = bool(way.offsets_m[: S_CELLS // 3].max() > tick.d0_m + PULLS_OUT_M)
        at_kerb = tick.speed_mps < PULLS_OUT_MPS and tick.d0_m < -PULLS_OUT_M and leaves
        return at_kerb or not (self._memory.under_way or tick.waited_s > LAST_PATIENCE_S)

    def _before(self, tick: Tick) -> np.ndarray | None:
        """Return the path chosen a moment ago from the ego's place on, (n, 2), None for none."""
        path = self._memory.path
        if path is None or len(path) < 60:
            return None
        near = int(np.argmin(np.hypot(*(path[:30] - tick.scene.ego_pose[:2]).T)))
        return path[near : near + 40] if len(path) >= near + 40 else None

    def _remember(self, tick: Tick, best: Proposal, reason: Reason | None) -> None:
        memory, stamp = self._memory, tick.scene.stamp_ns
        memory.given_ns = {uid: memory.given_ns[uid] for uid in tick.given} | dict.fromkeys(best.limits.given, stamp)
        memory.given_s_m = {uid: memory.given_s_m[uid] for uid in tick.given} | best.limits.given
        memory.s_m, memory.offsets_s0_m = tick.s0_m, best.way.from_s_m
        memory.offsets_m, memory.way, memory.path = best.way.offsets_m, best.way.kind, best.way.path[:, :2].copy()
        memory.speed_stamp_ns, memory.speed_mps = stamp, best.speed[: FORESEEN_STEPS + 1].copy()
        memory.under_way |= tick.speed_mps > UNDER_WAY_MPS
        memory.waits_for = reason.uid if reason is not None and tick.speed_mps < 0.3 else -1
        memory.sets_off = bool(best.speed[SETS_OFF_STEPS] > SETS_OFF_MPS)
        waits = tick.speed_mps < 0.3 and reason is not None and reason.cause not in (Cause.SIGNAL, Cause.ARRIVAL)
        if waits and memory.waits_since_ns < 0:
            memory.waits_since_ns = stamp
        elif not waits and tick.speed_mps > 1.0:
            memory.waits_since_ns = -1

    def _decision(self, tick: Tick, best: Proposal, reason: Reason | None) -> Decision:
        course, now, speed = self.course, tick.speed_mps, best.speed
        at = best.way.path[PLANNED]
        plan = Plan(to_child(tick.scene.ego_pose, at[:, :2]), np.ascontiguousarray(speed[5:51:5]))
        first = max(int((tick.s0_m - 12.0) / course.step_m), 0)
        last = min(int((tick.s0_m + 80.0) / course.step_m), course.n)
        _, deviation = frenet(course.xy, course.yaw_rad, course.step_m, first, last, at[:, 0], at[:, 1])
        ahead = course.change[int(tick.s0_m / course.step_m) : int((tick.s0_m + 25.0) / course.step_m)]
        change = int(ahead[np.flatnonzero(ahead)[0]]) if ahead.any() else 0
        why = sentence(
            reason, now < STANDS_MPS and speed[10] < STANDS_MPS, speed[PLAN_STEPS] < STANDS_MPS, _slows(speed, now)
        )
        strategy = strategy_of(plan, now, deviation, change)
        cause = Cause.FREE if reason is None else reason.cause
        return Decision(tick.scene.stamp_ns, plan, strategy, cause, why, best.perceived, limited_by=limited_by(reason))


def _ruling(limits: Limits, speed: np.ndarray, cause: np.ndarray, now_mps: float) -> Reason | None:
    """Return the limit that rules the coming 3 s, or all of a plan that slows or ends standing; None for a free way.

    Where the plan gives up speed it is the one that rules while it does; else the one that holds it back longest.
    """
    slows = _slows(speed, now_mps) or speed[PLAN_STEPS] < STANDS_MPS
    steps = PLAN_STEPS if slows else RULES_STEPS
    soon, falls = cause[:steps], np.diff(speed[: steps + 1]) < -0.02
    asks = np.array([reason.cause != Cause.FREE for reason in limits.reasons])[soon] & (soon != FREE)
    named = soon[soon != FREE]
    if slows and (falls & asks).any():
        named = soon[falls & asks]
    elif not len(named) or (len(named) < 4 and now_mps > 1.0):
        return None
    reason = limits.reasons[int(np.argmax(np.bincount(named)))]
    if reason.cause == Cause.FREE:
        return None
    if not slows and reason.cause in PASSED and reason.sigma_m > DT_S * speed[:PLAN_STEPS].sum():
        return None  # it gets there later than it plans
    held = slows or now_mps < 0.5 or speed[30] < 0.7 * limits.allowed[0]
    return reason if held or reason.cause == Cause.LEAD else None


def _slows(speed: np.ndarray, now_mps: float) -> bool:
    """Whether a rollout gives up speed: noticeably within 4 s, or by its end more than who has a free way."""
    return bool(speed[:41].min() < now_mps - 0.3) or bool(speed[PLAN_STEPS] < FREE_SHARE * now_mps)
