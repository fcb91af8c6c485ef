"""Drivers for tests: one that remembers, one that is out of order in a way of one's choice."""

import numpy as np

from xiaolu.core.decision import Decision, Pace, PathMode, Strategy
from xiaolu.core.plan import PATH_DISTANCES_M, Plan
from xiaolu.ride.follower import Follower, rolling


class Remembering(Follower):
    """A follower that is shared among forks: its memory goes in and out."""

    def snapshot(self):
        return self.s_m

    def restore(self, snapshot):
        self.s_m = snapshot


class Blind:
    """Knows an Observation only, and drives straight on. `fault(index)` may return or raise anything instead."""

    name = "blind"

    def __init__(self, speed_mps=4.0, cameras=(), fault=None):
        self.speed_mps, self.cameras, self.fault = speed_mps, cameras, fault
        self.seen = []
        self.resets = 0

    def reset(self, seed):
        self.calls = 0
        self.resets += 1

    def drive(self, observation):
        self.calls += 1
        self.seen.append(observation)
        if self.fault is not None and (answer := self.fault(self.calls)) != "fine":
            return answer
        path = np.column_stack([PATH_DISTANCES_M, np.zeros_like(PATH_DISTANCES_M)])
        plan = Plan(path, rolling(observation.ego.speed_mps, self.speed_mps))
        return Decision(observation.stamp_ns, plan, Strategy(PathMode.KEEP, Pace.GO))
