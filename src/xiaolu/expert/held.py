"""The teacher held to one strategy: it goes on obeying law and hands, and braking for whom it would run into, but
drives the path mode and the pace it is told. For "what if".

What a strategy means follows from the moment it is held from: YIELD gives up half of the speed driven then, or waits a
moment where it stood; PULL_OVER draws up at one place at the road's edge; REVERSE stops, then backs up some metres.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from xiaolu.core.decision import Cause, Decision, Pace, PathMode, Strategy
from xiaolu.core.observation import Observation
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.scene import Scene
from xiaolu.expert.backing import Backing
from xiaolu.expert.kerb import PARALLEL_M, Berth, beside
from xiaolu.expert.limits import Limits
from xiaolu.expert.reasons import Reason
from xiaolu.expert.scoring import Outlook
from xiaolu.expert.teacher import Proposal, Teacher
from xiaolu.expert.tick import Memory, Tick
from xiaolu.expert.ways import KINDS

KIND_OF = {
    PathMode.NUDGE_LEFT: KINDS[3],
    PathMode.NUDGE_RIGHT: KINDS[4],
    PathMode.CHANGE_LEFT: replace(KINDS[3], lean_m=3.2),
    PathMode.CHANGE_RIGHT: replace(KINDS[4], lean_m=-3.2),
}
YIELD_SHARE, WAITS_S, SLOW_MPS = 0.5, 1.5, 2.0  # who goes no faster than this yields by waiting so long
CREEP_MPS = 1.2
STOP_MPS2, LAG_S = 1.5, 0.5
BACK_M, STANDING_MPS = 6.0, 0.1
SETTLES_M, ALONG_PER_ASIDE = 6.0, 7.5  # to the edge: metres driven, and for each metre moved over
COMES_TO_A_STAND = Strategy(PathMode.KEEP, Pace.STOP)  # what REVERSE is until it stands
WISH = Reason(Cause.WISH, "strategy it is held to", 0.0)


@dataclass(slots=True)
class Company:
    """Those who are held from one moment of one ride, each in its own branch. Who has decided the same things so far is
    where the others are, and sees what they see: what one of them finds there holds for all.

    looked, decided: by what has been done so far, the moment, and for decisions what is held to then.
    """

    members: list["Held"] = field(default_factory=list)
    looked: dict[tuple, tuple[Tick, Memory]] = field(default_factory=dict)
    decided: dict[tuple, tuple[Decision, Any, object]] = field(default_factory=dict)


class Held:
    """A SceneDriver. teacher: whose course and eyes are used, and lent; memory: what it remembers at the start;
    company: whom it shares its work with, none by default."""

    cameras: tuple[str, ...] = ()

    def __init__(self, teacher: Teacher, strategy: Strategy, memory: Memory, company: Company | None = None) -> None:
        self.teacher, self.strategy = teacher, strategy
        self.name = f"teacher, {strategy}"
        self._start, self._company = memory, company or Company()
        self._company.members.append(self)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begin again with what was remembered at the start; the seed changes nothing."""
        self._memory = self._start  # copied when it first drives
        self._done: object = None  # stands for all that it has decided: the same object for all who have decided so
        self._since: tuple[int, float, float] | None = None  # from when it is held, and speed and place then

    def snapshot(self) -> Any:
        return self._memory.copy(), self._since

    def restore(self, snapshot: Any) -> None:
        memory, self._since = snapshot
        self._memory = memory.copy()

    def drive_scene(self, scene: Scene, observation: Observation) -> Decision:
        """Return the plan of this strategy for the moment. Law, hands and whoever is in the way limit it, too."""
        backs, company = self._backs(scene), self._company
        key = self._done, scene.stamp_ns, self.strategy, backs
        if self.strategy.path == PathMode.REVERSE and not backs:
            key = self._done, scene.stamp_ns, COMES_TO_A_STAND, False
        kept = company.decided.pop(key, None)
        if kept is not None:
            decision, snapshot, self._done = kept
            self.restore(snapshot)
            return decision
        decision, done = self._drive(scene, backs), object()
        if key[2] == COMES_TO_A_STAND and sum(other._done is self._done for other in company.members) > 1:
            company.decided[key] = decision, self.snapshot(), done
        self._done = done
        return decision

    def _backs(self, scene: Scene) -> bool:
        return self.strategy.path == PathMode.REVERSE and scene.ego_speed_mps < STANDING_MPS

    def _drive(self, scene: Scene, backs: bool) -> Decision:
        tick = self._look(scene)
        with self.teacher.remembering(self._memory):
            return self._decide(scene, tick, backs)

    def _look(self, scene: Scene) -> Tick:
        """Return what it knows now; at the start all know the same."""
        if self._since is not None:
            with self.teacher.remembering(self._memory):
                return self.teacher.moment(scene)
        looked, key = self._company.looked, (self._done, scene.stamp_ns)
        if key not in looked:
            memory = self._start.copy()
            with self.teacher.remembering(memory):
                looked[key] = self.teacher.moment(scene), memory
        tick, memory = looked[key]
        self._memory = memory.copy()
        return tick

    def _decide(self, scene: Scene, tick: Tick, backs: bool) -> Decision:
        teacher, memory, mode = self.teacher, self._memory, self.strategy.path
        if self._since is None:
            self._since = scene.stamp_ns, tick.speed_mps, tick.s0_m
            memory.aside = self._edge(tick) if mode == PathMode.PULL_OVER else None
        if backs:
            if memory.backing is None:
                place = tick.s0_m - BACK_M, tick.d0_m
                memory.backing = Backing(-1, "other road users", *place, scene.stamp_ns)
            return teacher.backed(tick, memory.backing)
        way, limits, alone, perceived = teacher.proposed(tick, KIND_OF.get(mode, KINDS[0]))
        self._hold(tick, limits)
        rolled = limits.roll(tick.speed_mps, tick.acceleration_mps2)
        return teacher.decided(tick, Proposal(way, limits, alone, perceived, *rolled, Outlook(0.0, 0.0, 0.0, 0.0, -1)))

    def _hold(self, tick: Tick, limits: Limits) -> None:
        """Add what the strategy asks for to a path's limits."""
        assert self._since is not None
        since_ns, then_mps, there_m = self._since
        now, aside = tick.speed_mps, self._memory.aside
        if aside is not None:
            limits.stop(aside.s_m - tick.s0_m, 0.0, np.inf, WISH)
        elif self.strategy.path == PathMode.REVERSE or self.strategy.pace == Pace.STOP:
            # A place that stays where it is: one told anew from each moment's speed would flee before the car.
            limits.stop(there_m + 0.5 * then_mps**2 / STOP_MPS2 + LAG_S * then_mps - tick.s0_m, 0.0, np.inf, WISH)
        elif self.strategy.pace == Pace.CREEP:
            limits.slow(80.0, CREEP_MPS, now, WISH, STOP_MPS2)
        elif self.strategy.pace == Pace.YIELD and then_mps > SLOW_MPS:
            limits.slow(80.0, max(YIELD_SHARE * then_mps, CREEP_MPS), now, WISH, STOP_MPS2)
        elif self.strategy.pace == Pace.YIELD:
            left_s = WAITS_S - (tick.scene.stamp_ns - since_ns) / SECOND_NS
            if left_s > 0.0:
                limits.stop(0.5 * now**2 / STOP_MPS2, 0.0, left_s, WISH)

    def _edge(self, tick: Tick) -> Berth:
        """Return the nearest place at the road's edge that can be reached by an ordinary stop."""
        course, now = self.teacher.course, tick.speed_mps
        stop_m = 0.5 * now**2 / STOP_MPS2 + LAG_S * now
        aside_m = tick.d0_m - beside(course, tick.s0_m, tick.s0_m + stop_m).left_m
        reach_m = max(stop_m, PARALLEL_M + SETTLES_M + ALONG_PER_ASIDE * max(aside_m, 0.0))
        return beside(course, tick.s0_m, tick.s0_m + reach_m)
