"""What if: from any moment of a ride, each strategy's plan, and what really comes of it when the teacher, held to that
strategy, drives on for five seconds while everybody else reacts; and what an imagination of it was worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Decision, LampColour, Pace, PathMode, Strategy
from xiaolu.core.frames import to_child, wrap_angle
from xiaolu.core.plan import Plan
from xiaolu.core.rates import PLAN_HORIZON_S, TICK_S, ticks_of
from xiaolu.core.score import Score
from xiaolu.expert.held import Company, Held
from xiaolu.expert.teacher import Teacher
from xiaolu.measures.imagination import Outcome, weighed
from xiaolu.ride.branches import Futures, futures
from xiaolu.ride.ride import Ride
from xiaolu.world.signals import head_states

ROLLOUT = 3  # the version of these rollouts: outcomes of different versions are not compared
ASKED_EVERY, LONGEST = 5, 20  # ticks between two plans of a branch: where it has something to decide, and where not
# Who matters: tuned on validation rides until outcomes were those with everybody, see docs/teacher.md.
REACH_M, BEHIND_M, WAY_STEP_M = 30.0, 10.0, 4.0
SPEEDS_UP_MPS2, FASTEST_MPS = 1.2, 11.0  # the teacher's
OFF_ROAD_M = 0.05  # as the referee's
WHEELS_M = np.array([[EGO_BODY.wheelbase_m, 0.8], [EGO_BODY.wheelbase_m, -0.8], [0.0, 0.8], [0.0, -0.8]])
STRATEGIES = (
    Strategy(PathMode.KEEP, Pace.GO),
    Strategy(PathMode.KEEP, Pace.YIELD),
    Strategy(PathMode.KEEP, Pace.CREEP),
    Strategy(PathMode.KEEP, Pace.STOP),
    Strategy(PathMode.NUDGE_LEFT, Pace.GO),
    Strategy(PathMode.NUDGE_RIGHT, Pace.GO),
    Strategy(PathMode.PULL_OVER, Pace.STOP),
    Strategy(PathMode.REVERSE, Pace.CREEP),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """A strategy, its plan as proposed at the first moment, and what came of it."""

    strategy: Strategy
    plan: Plan
    outcome: Outcome


def what_if(
    ride: Ride,
    teacher: Teacher,
    strategies: Sequence[Strategy] = STRATEGIES,
    seconds: float = PLAN_HORIZON_S,
    every: int = ASKED_EVERY,
    culled: bool = True,
    longest: int = LONGEST,
) -> tuple[Tried, ...]:
    """Return what comes of each strategy from the present moment of a ride, which itself goes on untouched.

    teacher: one for the ride's town and route; if it has been driving, what it remembers counts. every: ticks between
    two of its plans. Raises ValueError for a ride that has ended.
    """
    memory = ride.memory if ride.driver is teacher else teacher.snapshot()
    company = Company()
    drivers = [Held(teacher, strategy, memory, company) for strategy in strategies]
    found = futures(ride, drivers, ticks_of(seconds), every, within_reach(ride, seconds) if culled else None, longest)
    measured = _Measured.of(ride, teacher, found)
    return tuple(
        Tried(
            strategy, found.first[b].plan, measured.outcome(found, b, ride.config.name, ride.state.tick, str(strategy))
        )
        for b, strategy in enumerate(strategies)
    )


def within_reach(ride: Ride, seconds: float) -> np.ndarray:
    """Return (slots,) bool: the road users who may matter to the ego within so many seconds.

    Those who would come within REACH_M of the way that it may drive by then if they went straight there.
    """
    progress, speed = ride.state.progress, float(ride.state.vehicle.speed_mps[0])
    ahead_m = min(max(speed, 0.0) * seconds + 0.5 * SPEEDS_UP_MPS2 * seconds**2, FASTEST_MPS * seconds)
    way = ride.path.point_at(np.arange(progress.s_m - BEHIND_M, progress.s_m + ahead_m + WAY_STEP_M, WAY_STEP_M))
    u = ride.state.world.users[0]
    dx, dy = way[:, 0] - u.x_m[:, None], way[:, 1] - u.y_m[:, None]
    gap = np.hypot(dx, dy)
    near = np.arange(len(gap)), gap.argmin(axis=1)
    least = gap[near]
    towards = u.speed_mps * (np.cos(u.yaw_rad) * dx[near] + np.sin(u.yaw_rad) * dy[near]) / np.maximum(least, 1.0)
    return u.active & (least - np.maximum(towards, 0.0) * seconds < REACH_M)


def imagination(decision: Decision, tried: Sequence[Tried], stamp_ns: int = 0) -> tuple[Score, Score]:
    """Return (ranking, regret) of what a driver imagined and chose at the moment from which strategies were tried.

    Of several that it imagined of one strategy the best counts. See `measures.imagination.weighed`.
    """
    expected: dict[str, float] = {}
    for imagined, valid in zip(decision.imagined, decision.imagined_valid, strict=True):
        if valid:
            name = str(imagined.strategy)
            expected[name] = max(imagined.score, expected.get(name, -np.inf))
    return weighed(expected, str(decision.strategy), [t.outcome for t in tried], stamp_ns)


def foreseen(decision: Decision, tried: Sequence[Tried]) -> tuple[np.ndarray, np.ndarray]:
    """Return (risk (n,), happened (n,) bool) of each valid alternative that was driven as well: the greatest chance of
    contact that the driver saw in it, and whether there was one.

    Of many moments together they are what `measures.imagination.calibration_error` and `brier` take.
    """
    came = {t.strategy: t.outcome.first_contact_s is not None for t in tried}
    both = [
        (float(imagined.risk.max(initial=0.0)), came[imagined.strategy])
        for imagined, valid in zip(decision.imagined, decision.imagined_valid, strict=True)
        if valid and imagined.strategy in came
    ]
    return np.array([risk for risk, _ in both], np.float64), np.array([hit for _, hit in both], bool)


@dataclass(frozen=True, slots=True)
class _Measured:
    """(T, B) each, of the moments after the start: touched by its own doing, least time to collision, furthest wheel
    off the road, over a red line."""

    touched: np.ndarray
    ttc_s: np.ndarray
    off_road_m: np.ndarray
    red: np.ndarray

    @classmethod
    def of(cls, ride: Ride, teacher: Teacher, found: Futures) -> "_Measured":
        layer = int(ride.world.town.lane_layer[ride.path.lane_at(ride.state.progress.s_m)])
        wheels = _placed(found.pose[1:], WHEELS_M)
        off_m = teacher.ground.off_road_m(wheels.reshape(-1, 2), layer).reshape(wheels.shape[:-1]).max(axis=-1)
        return cls(found.touched, found.ttc_s, off_m, _over_red(ride, teacher, found))

    def outcome(self, found: Futures, b: int, ride: str, tick: int, strategy: str) -> Outcome:
        """Return the record of branch b, of the ticks until its ride ended."""
        lasts = int(found.lasts[b])
        start, pose = found.pose[0, b], found.pose[1 : lasts + 1, b]
        turned = wrap_angle(pose[:, 2] - start[2])
        contact = np.flatnonzero(self.touched[:lasts, b])
        jerk = np.diff(found.acceleration_mps2[: lasts + 1, b]) / TICK_S
        return Outcome(
            episode=ride,
            step=tick,
            strategy=strategy,
            rollout_version=ROLLOUT,
            trajectory=np.column_stack([to_child(start, pose[:, :2]), turned]),
            first_contact_s=float(contact[0] + 1) * TICK_S if len(contact) else None,
            least_ttc_s=float(self.ttc_s[:lasts, b].min()),
            off_road=bool(self.off_road_m[:lasts, b].max() > OFF_ROAD_M),
            red=bool(self.red[:lasts, b].any()),
            progress_m=float(found.progress_m[lasts, b] - found.progress_m[0, b]),
            jerk_mps3=float(np.sqrt(np.mean(jerk**2))),
            cut_short=lasts < len(self.touched),
        )


def _placed(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return (..., k, 2) in the world: points (k, 2) of the ego's frame at poses (..., 3)."""
    cos, sin = np.cos(pose[..., 2, None]), np.sin(pose[..., 2, None])
    x = pose[..., 0, None] + cos * points[:, 0] - sin * points[:, 1]
    return np.stack([x, pose[..., 1, None] + sin * points[:, 0] + cos * points[:, 1]], axis=-1)


def _over_red(ride: Ride, teacher: Teacher, found: Futures) -> np.ndarray:
    """Return (T, B) bool: the front passed a stop line of the way while its lamp was red and no turn on red allowed."""
    course = teacher.course
    front = _placed(found.pose, np.array([[EGO_BODY.front_x_m, 0.0]]))[..., 0, :]
    out = np.zeros((len(front) - 1, front.shape[1]), bool)
    for line in course.stop_lines:
        place = course.path.point_at(line.s_m)
        ahead = (place[0] - front[..., 0]) * np.cos(place[2]) + (place[1] - front[..., 1]) * np.sin(place[2])
        near = np.hypot(front[..., 0] - place[0], front[..., 1] - place[1]) < 8.0
        for k, b in np.argwhere((ahead[:-1] > 0.0) & (ahead[1:] <= 0.0) & near[1:]):
            world, time_s = ride.world, float(ride.state.tick + k + 1) * TICK_S
            seed = int(ride.state.world.seed[0])
            colours = course.colours(*head_states(world.town, time_s, seed, world.faults, world.signals_start_s))
            humble = teacher.humble(colours, line.s_m)
            out[k, b] |= course.ruling(line, colours) == LampColour.RED and line.lane not in humble
    return out
