"""What a driver's plans would have come to: PDMS- and EPDMS-style scores of a ride, NAVSIM's way.

Once a second the plan in force is driven out for 4 s by the tracker and the car, while everybody else does what they
really did: they do not react. Beside it the plan that PDM-Closed makes of the same moment says what progress could be
had safely. A ride's figure is the mean over its plans. World frame, SI units; T = 41 samples at 10 Hz.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Step
from xiaolu.core.frames import wrap_angle
from xiaolu.core.rates import TICK_NS, TICK_S, ticks_of
from xiaolu.core.scene import Scene
from xiaolu.core.score import Score
from xiaolu.core.users import Kind
from xiaolu.evaluation.stop_line import Governing
from xiaolu.evaluation.track import CORNERS_M, Track
from xiaolu.expert.baselines.pdm_closed import PdmClosed
from xiaolu.measures import pdm
from xiaolu.measures.closed_loop import CORNER_M
from xiaolu.measures.geometry import clearance_m
from xiaolu.measures.interventions import WRONG_WAY_RAD, outside_windows
from xiaolu.vehicle.parameters import EGO_VEHICLE
from xiaolu.vehicle.pursuit import driven_out
from xiaolu.world.looking import FORGET_Z_M

HORIZON_S, EVERY_S, BEFORE_S = 4.0, 1.0, 0.5
TICKS, EVERY, BEFORE = ticks_of(HORIZON_S), ticks_of(EVERY_S), ticks_of(BEFORE_S)
LOOK = 5  # of the samples, for the lane below: twice a second
NEAR_M = 60.0  # nobody farther from the ego can be met in 4 s
GONE_M = 1e6
PARTS = ("no_collision", "drivable_area", "direction", "traffic_light", "progress", "time_to_collision", "lane_keeping",
         "comfort", "extended_comfort")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """One plan's parts, and the moment it was made."""

    stamp_ns: int
    parts: pdm.Parts


class Moment(NamedTuple):
    """A step, and what the track made of it: how far along the route, on which layer, and the stop line."""

    step: Step
    progress_m: float
    layer: int
    line: Governing


class Plans:
    """Keeps the last 4 s of a ride and judges each second's plan once these have passed. Ask after `Track.add`."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._reference = PdmClosed(track.town, track.path.plan, track.ground)
        self._kept: deque[Moment] = deque(maxlen=BEFORE + TICKS + 1)
        self._ticks = 0
        self.judged: list[Judged] = []

    def add(self, step: Step) -> None:
        """Take the next step, which the track has just taken."""
        track = self._track
        self._kept.append(Moment(step, track.progress_m, track.layer, track.stop_line.now))
        made = self._ticks - TICKS
        if made >= BEFORE and made % EVERY == 0:
            kept = tuple(self._kept)
            before, now, after = kept[0].step, kept[BEFORE], [moment.step.scene for moment in kept[BEFORE:]]
            if all(s.decision.stamp_ns == s.scene.stamp_ns for s in (before, now.step)):  # else nobody was asked then
                self.judged.append(Judged(now.step.scene.stamp_ns, self._judge(before, now, after)))
        self._ticks += 1

    def _judge(self, before: Step, now: Moment, scenes: Sequence[Scene]) -> pdm.Parts:
        """Return the parts of the plan of `now`; before: half a second earlier; scenes (T,) from then on."""
        step, scene = now.step, now.step.scene
        self._reference.restore(now.progress_m)
        reference = self._reference.drive_scene(scene, step.observation).plan
        poses, speeds = driven_out((step.decision.plan, reference), moving(scene), TICKS)
        others = Others.of(scenes)
        own, safe = (self._parts(poses[k], speeds[k], others, scenes, now) for k in range(2))
        best_m = max((parts.progress for parts in (own, safe) if _sound(parts)), default=0.0)
        agreement = _agreement(before, step)
        return replace(own, progress=pdm.ego_progress(own.progress, best_m), extended_comfort=agreement)

    def _parts(
        self, pose: np.ndarray, speed: np.ndarray, others: "Others", scenes: Sequence[Scene], now: Moment
    ) -> pdm.Parts:
        """Return the parts of one motion (T, 3), (T,); progress is in metres yet."""
        path = self._track.path
        middle = _beside(pose, np.array([[EGO_BODY.centre_x_m, 0.0]]))[:, 0]
        box = np.column_stack([middle, pose[:, 2], np.tile((EGO_BODY.length_m, EGO_BODY.width_m), (len(pose), 1))])
        apart = clearance_m(box[0], others.box[0]) > 0.0  # whoever it overlaps at the start is no doing of the plan
        boxes, velocity = others.box[:, apart], others.velocity[:, apart]
        faults = pdm.at_fault(box, speed, boxes)
        along = path.project(middle[[0, -1], 0], middle[[0, -1], 1], np.full(2, now.progress_m))[0]
        offset, junction, error = self._track.lanes_below(pose[::LOOK])
        against = pdm.against_lane_m(error > WRONG_WAY_RAD, speed[::LOOK], LOOK * TICK_S)
        corner_off_m = self._track.off_road_m(_beside(pose, CORNERS_M), now.layer)
        return pdm.Parts(
            no_collision=pdm.no_collision(faults.reshape(1, -1), others.is_user[:, apart].ravel()),
            drivable_area=pdm.drivable_area(corner_off_m - CORNER_M),
            progress=float(along[1] - along[0]),
            time_to_collision=pdm.projected_time_to_collision(box, speed, boxes, velocity),
            comfort=pdm.comfortable(speed, pose[:, 2]),
            direction=pdm.driving_direction(against),
            traffic_light=float(not self._on_red(middle, scenes, now.line)),
            lane_keeping=pdm.lane_keeping(np.nan_to_num(offset), junction | np.isnan(offset), LOOK * TICK_S),
        )

    def _on_red(self, middle: np.ndarray, scenes: Sequence[Scene], line: Governing) -> bool:
        """Whether the front passes the governing line while its lamp, as it really was then, is red."""
        if line.approach < 0 or not line.ahead_m > 0.0:
            return False
        driven = np.cumsum(np.hypot(*np.diff(middle, axis=0).T))
        over = np.flatnonzero(driven > line.ahead_m)
        if not len(over):
            return False
        colours = [self._track.stop_line.ruling(scenes[over[0] + k], line) for k in (0, 1)]
        return all(colour == LampColour.RED for colour, _, _ in colours) and not colours[1][1]

    def scores(self, taken_ns: Sequence[int] = ()) -> tuple[Score, ...]:
        """Return the ride's scores: PDMS-style, EPDMS-style, and the mean of each part.

        taken_ns: when somebody else took the wheel for a window; plans made in one are left out. Evidence: from the
        first plan that is worth less than the best of the ride to 4 s after the last such.
        """
        stamps = np.array([judged.stamp_ns for judged in self.judged], np.int64)
        own = [self.judged[k] for k in np.flatnonzero(outside_windows(stamps, taken_ns))]
        found = {"pdms_style": [pdm.pdms(j.parts).value for j in own]}
        found["epdms_style"] = [pdm.epdms(j.parts).value for j in own]
        found |= {f"epdms_style_{part}": [getattr(j.parts, part) for j in own] for part in PARTS}
        stamps = np.array([judged.stamp_ns for judged in own], np.int64)
        return tuple(_mean(name, np.array(values, np.float64), stamps) for name, values in found.items())


def _sound(parts: pdm.Parts) -> bool:
    return min(parts.no_collision, parts.drivable_area, parts.direction, parts.traffic_light) == 1.0


def _agreement(before: Step, now: Step) -> float:
    """Return 1 when the plan agrees with that of half a second ago, both as they say they will be driven."""
    old = before.decision.plan.trajectory(before.scene.ego_speed_mps)
    new = now.decision.plan.trajectory(now.scene.ego_speed_mps)
    turned = float(wrap_angle(before.scene.ego_pose[2] - now.scene.ego_pose[2]))
    span = slice(BEFORE, BEFORE + TICKS)
    return pdm.extended_comfort(
        (old.speed_mps[span], old.yaw_rad[span] + turned), (new.speed_mps[:TICKS], new.yaw_rad[:TICKS])
    )


def _beside(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return (T, k, 2) in the world: points (k, 2) of the ego's frame at poses (T, 3)."""
    cos, sin = np.cos(pose[:, 2, None]), np.sin(pose[:, 2, None])
    x, y = pose[:, 0, None] + cos * points[:, 0] - sin * points[:, 1], pose[:, 1, None] + sin * points[:, 0]
    return np.stack([x, y + cos * points[:, 1]], axis=-1)


def _mean(name: str, values: np.ndarray, stamps: np.ndarray) -> Score:
    """A score over plans (n,) made at stamps (n,)."""
    if not len(values):
        return Score(name, None, "share", False, f"no plan of its own with {HORIZON_S:g} s of ride after it")
    low = np.flatnonzero(values < values.max())
    first, last = (low[0], low[-1]) if len(low) else (0, -1)
    span = int(stamps[first]), int(stamps[last]) + TICKS * TICK_NS
    return Score(name, float(values.mean()), "share", True, f"{len(values)} plans", *span)


@dataclass(frozen=True, slots=True, eq=False)
class Others:
    """Who is about: box (T, N, 5) and velocity (T, N, 2), far away where a slot is empty; is_user (T, N): no thing."""

    box: np.ndarray
    velocity: np.ndarray
    is_user: np.ndarray

    @classmethod
    def of(cls, scenes: Sequence[Scene]) -> "Others":
        """Return everybody who is near the ego's first place at some moment of the scenes (T,)."""
        users = [scene.users for scene in scenes]
        x, y = (np.stack([getattr(u, name) for u in users]) for name in ("x_m", "y_m"))
        # Who is on a road above or below is not there.
        level = [np.abs(s.users.z_m - s.ego_z_m) < FORGET_Z_M for s in scenes]
        active = np.stack([u.active for u in users]) & np.stack(level)
        pose = scenes[0].ego_pose
        here = active & (np.hypot(x - pose[0], y - pose[1]) < NEAR_M)
        slots = np.flatnonzero(here.any(axis=0))

        def column(name: str) -> np.ndarray:
            return np.stack([getattr(u, name)[slots] for u in users])

        box = np.stack([column(n) for n in ("x_m", "y_m", "yaw_rad", "length_m", "width_m")], axis=-1)
        box[~active[:, slots], :2] = GONE_M
        heading = np.stack([np.cos(box[..., 2]), np.sin(box[..., 2])], axis=-1)
        return cls(box, column("speed_mps")[..., None] * heading, column("kind") != Kind.OBJECT)


def moving(scene: Scene) -> np.ndarray:
    """Return (8,) how the ego moves in a scene, see `pursuit.driven_out`."""
    side_mps = scene.ego_yaw_rate_radps * EGO_VEHICLE.rear_axle_m
    return np.array([
        *scene.ego_pose, scene.ego_speed_mps, scene.ego_acceleration_mps2, side_mps, scene.ego_yaw_rate_radps,
        scene.ego_steering_rad,
    ])  # fmt: skip
