"""What if: from any moment of a ride, each strategy's plan, and what really comes of it when the teacher, held to that
strategy, drives on for five seconds while everybody else reacts. World frame, SI units.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour, Pace, PathMode, Strategy
from xiaolu.core.episode import Step
from xiaolu.core.frames import to_parent
from xiaolu.core.plan import Plan
from xiaolu.core.rates import PLAN_HORIZON_S, SECOND_NS, TICK_S
from xiaolu.expert.held import Held
from xiaolu.expert.teacher import Teacher
from xiaolu.measures.geometry import time_to_collision_s
from xiaolu.ride.ride import Ride

ROLLOUT = 1  # the version of these rollouts: outcomes of different versions are not compared
NEAR_M = 40.0
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
class Outcome:
    """What came of a strategy, keyed by (ride, tick, strategy, version).

    plan: as proposed at the first moment; trajectory (T, 5): x, y, yaw, signed speed and acceleration a tick from then
    on; contact_s: when it first touched somebody by its own doing, least_ttc_s: the smallest time to collision, both
    infinite where there was none; off_road_m: the furthest a wheel left the road; red: it went over a red line;
    progress_m along the way; jerk_mps3: root mean square; cut_short: the ride ended before the time was up.
    """

    ride: str
    tick: int
    strategy: Strategy
    version: int
    plan: Plan
    trajectory: np.ndarray
    contact_s: float
    least_ttc_s: float
    off_road_m: float
    red: bool
    progress_m: float
    jerk_mps3: float
    cut_short: bool


def what_if(
    ride: Ride,
    teacher: Teacher,
    strategies: tuple[Strategy, ...] = STRATEGIES,
    seconds: float = PLAN_HORIZON_S,
) -> tuple[Outcome, ...]:
    """Return the outcome of each strategy from the present moment of a ride, which itself goes on untouched.

    teacher: one for the ride's town and route; if it has been driving, what it remembers counts.
    """
    memory = ride.driver.snapshot() if ride.driver is teacher else teacher.snapshot()
    return tuple(_driven(ride, Held(teacher, strategy, memory), strategy, seconds) for strategy in strategies)


def _driven(ride: Ride, held: Held, strategy: Strategy, seconds: float) -> Outcome:
    twin = ride.fork(1)[0]
    twin.driver = held
    tick, from_m = twin.state.tick, twin.state.progress.s_m
    steps: list[Step] = []
    for _ in range(round(seconds / TICK_S)):
        if twin.done:
            break
        steps.append(twin.step())
    if not steps:
        raise ValueError("what_if: the ride has ended, nothing can be driven from here")
    scenes = [step.scene for step in steps]
    trajectory = np.array([(*s.ego_pose, s.ego_speed_mps, s.ego_acceleration_mps2) for s in scenes])
    first_ns = scenes[0].stamp_ns
    touched = [s.stamp_ns for s in scenes if (s.touching & ~s.caused_by_user).any()]
    jerk = np.diff(trajectory[:, 4]) / TICK_S
    return Outcome(
        ride=ride.config.header(ride.driver.name).ride,
        tick=tick,
        strategy=strategy,
        version=ROLLOUT,
        plan=steps[0].decision.plan,
        trajectory=trajectory,
        contact_s=(touched[0] - first_ns) / SECOND_NS if touched else float("inf"),
        least_ttc_s=min(_least_ttc_s(scene) for scene in scenes),
        off_road_m=max(_off_road_m(held, scene) for scene in scenes),
        red=_over_red(held, scenes),
        progress_m=twin.state.progress.s_m - from_m,
        jerk_mps3=float(np.sqrt(np.mean(jerk**2))) if len(jerk) else 0.0,
        cut_short=len(steps) < round(seconds / TICK_S),
    )


def _least_ttc_s(scene) -> float:
    u = scene.users
    near = u.active & (np.hypot(u.x_m - scene.ego_pose[0], u.y_m - scene.ego_pose[1]) < NEAR_M)
    if not near.any():
        return float("inf")
    u = u[np.flatnonzero(near)]
    x, y = to_parent(scene.ego_pose, np.array([EGO_BODY.centre_x_m, 0.0]))
    yaw = float(scene.ego_pose[2])
    ego = np.array([x, y, yaw, EGO_BODY.length_m, EGO_BODY.width_m])
    heading = np.stack([np.cos(u.yaw_rad), np.sin(u.yaw_rad)], axis=-1)
    boxes = np.stack([u.x_m, u.y_m, u.yaw_rad, u.length_m, u.width_m], axis=-1)
    velocity = scene.ego_speed_mps * np.array([np.cos(yaw), np.sin(yaw)])
    return float(time_to_collision_s(ego, velocity, boxes, u.speed_mps[:, None] * heading).min())


def _off_road_m(held: Held, scene) -> float:
    return float(held.teacher.ground.off_road_m(to_parent(scene.ego_pose, WHEELS_M)).max())


def _over_red(held: Held, scenes) -> bool:
    """Whether the front passed a stop line of the way while its lamp was red and no turn on red was allowed."""
    course = held.teacher.course
    fronts = np.array([to_parent(s.ego_pose, np.array([EGO_BODY.front_x_m, 0.0])) for s in scenes])
    for line in course.stop_lines:
        place = course.path.point_at(line.s_m)
        ahead = (place[0] - fronts[:, 0]) * np.cos(place[2]) + (place[1] - fronts[:, 1]) * np.sin(place[2])
        near = np.hypot(*(fronts - place[:2]).T) < 8.0
        for k in np.flatnonzero((ahead[:-1] > 0.0) & (ahead[1:] <= 0.0) & near[1:]) + 1:
            colours = course.colours(scenes[k].signal_colour, scenes[k].signal_countdown_s)
            if colours[line.column] == LampColour.RED and line.lane not in held.teacher.humble(colours, line.s_m):
                return True
    return False
