"""One recorded ride: driven by the teacher, by a teacher whose hand is nudged, or by a student with the teacher beside.

Moments are drafted while driving, at TRAINING_HZ, and drawn when the ride has turned out well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG
from xiaolu.cameras.sensor import lost
from xiaolu.codec.moment import Moment
from xiaolu.core.camera import CameraFrame
from xiaolu.core.chance import Purpose, generator
from xiaolu.core.conditions import DUSK, OVERCAST, RAIN, Conditions
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Step
from xiaolu.core.frames import box_corners, to_parent
from xiaolu.core.protocols import Driver
from xiaolu.core.rates import SECOND_NS, TICK_HZ, TRAINING_HZ, ticks_of
from xiaolu.core.scene import Scene
from xiaolu.expert.teacher import Teacher
from xiaolu.ride.config import RideConfig
from xiaolu.ride.ride import Ride
from xiaolu.training import moments as making
from xiaolu.training.lamps import signal_ahead
from xiaolu.training.moments import Draft, Looks
from xiaolu.training.shift import NONE, Shifts, room_for
from xiaolu.training.sway import SwayedTeacher
from xiaolu.world.ground import Ground
from xiaolu.world.routing import draw_ride
from xiaolu.world.signals import heads_of
from xiaolu.world.town import Town, Turn
from xiaolu.world.world import World

EVERY_TICKS = TICK_HZ // TRAINING_HZ
NAMES = tuple(camera.name for camera in RIG)
BEFORE_CONTACT_S = 1.0  # this much before a contact is not learned from
AWAY_M, OFF_ROAD_M = 2.5, 0.4  # a student further from the line, or off the road, is taken over from
IDLE_S = 8.0  # a student that stands this long while the teacher would drive is helped
GO_MPS = 1.5
TAKEOVER_S = 4.0
TAKEOVERS = 3
STUCK_S = 90.0  # longer than any red
KEPT = ("arrived", "time is up", "stuck")  # ends of a teacher's own ride that leave what was driven before worth it


@dataclass(frozen=True, slots=True)
class Outline:
    """What a ride is like, drawn from its seed."""

    length_m: float
    conditions: Conditions
    density: float
    route_absent: bool
    sway: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """moments in time order, none if the ride was dropped; why it ended or was dropped; takeovers of a student."""

    moments: list[Moment]
    why: str
    takeovers: int = 0


@dataclass(slots=True)
class Stage:
    """What rides in one town share."""

    town: Town
    ground: Ground
    world: World
    renderer: Renderer
    density: float


def outline_of(
    seed: int, length_m: tuple[float, float], route_absent_share: float, sway_share: float, density: float
) -> Outline:
    """Return what the ride of a seed is like. Weather: half sunny, the rest overcast, dusk, rain."""
    draw = generator(seed, Purpose.RIDE, 1)
    weather = generator(seed, Purpose.WEATHER)
    azimuth_rad = float(weather.uniform(-np.pi, np.pi))
    kind = weather.random()
    if kind < 0.5:
        conditions = Conditions(float(weather.uniform(0.25, 1.2)), azimuth_rad, float(weather.uniform(0.0, 0.5)))
    elif kind < 0.7:
        conditions = replace(OVERCAST, sun_azimuth_rad=azimuth_rad)
    elif kind < 0.83:
        conditions = replace(DUSK, sun_azimuth_rad=azimuth_rad, cloud=float(weather.uniform(0.0, 0.7)))
    else:
        rain, fog = float(weather.uniform(0.3, 1.0)), float(weather.uniform(0.0, 0.35))
        conditions = replace(RAIN, sun_azimuth_rad=azimuth_rad, rain=rain, fog=fog)
    return Outline(
        length_m=float(draw.uniform(*length_m)),
        conditions=conditions,
        density=density,
        route_absent=bool(draw.random() < route_absent_share),
        sway=float(draw.uniform(0.5, 1.0)) if draw.random() < sway_share else 0.0,
    )


class RigSource:
    """A ride's frame source that keeps what the whole rig saw last, so that no moment is drawn twice."""

    def __init__(self, renderer: Renderer) -> None:
        self.renderer = renderer
        self.stamp_ns = -1
        self.pixels: dict = {}

    def frames(
        self, scene: Scene, names: tuple[str, ...], shift: tuple[float, float] = NONE
    ) -> tuple[CameraFrame, ...]:
        self.pixels, self.stamp_ns = self.renderer.pixels(scene, NAMES), scene.stamp_ns
        cameras = {camera.name: camera for camera in RIG}
        arrived = [name for name in names if not lost(scene, name)]
        return tuple(CameraFrame(cameras[name], scene.stamp_ns, self.pixels[name].image) for name in arrived)


class Recording:
    """One ride being recorded. `run` drives it to its end and returns its moments."""

    def __init__(self, stage: Stage, seed: int, outline: Outline, student: Driver | None = None) -> None:
        """Raises ValueError when the town has no ride of this seed and length."""
        self.stage, self.seed, self.student = stage, seed, student
        route = draw_ride(stage.town, seed, outline.length_m)
        self.teacher = Teacher(stage.town, route, stage.ground)
        self.seat = SwayedTeacher(self.teacher, seed, outline.sway)
        self.forgiving = student is not None or outline.sway > 0.0
        self.source = RigSource(stage.renderer)
        config = RideConfig(
            stage.town,
            seed,
            length_m=outline.length_m,
            route=route,
            conditions=outline.conditions,
            driver_every=EVERY_TICKS if student is not None else 1,
            route_absent=outline.route_absent,
            density=outline.density,
            max_s=120.0 + outline.length_m / 2.0,
        )
        self.ride = Ride(config, self.seat, self.source, stage.world)
        if student is not None:
            self.ride.driver = student
        self.shifts = Shifts(seed, 0.0 if student is not None else 0.5)
        self.drafts: list[Draft] = []
        self.takeovers = 0
        self._until_ns = 0
        self._idle = 0
        self._s_m = 0.0

    def run(self, stopped: Callable[[], bool] = lambda: False) -> Recorded:
        """Drive, draft and draw. stopped: asked now and then; once it says so, nothing is kept."""
        why = ""
        while not self.ride.done and not why:
            if stopped():
                return Recorded([], "stopped")
            if self.ride.stamp_ns > self.ride.config.max_s * SECOND_NS:
                self.ride.stop("time is up")
            if self.ride.state.progress.standing > ticks_of(STUCK_S):
                self.ride.stop("stuck")
            if self.ride.done:
                break
            s_m = self.ride.state.progress.s_m
            step = self.ride.step()
            if step.index % EVERY_TICKS == 0:
                self._draft(step, s_m)
            why = self._ended_badly(step, s_m)
        end = self.ride.end
        why = why or (end.reason if end is not None else "")
        if why not in KEPT and not self.forgiving:
            return Recorded([], why, self.takeovers)
        kept = making.without_long_stands(self._before(why))
        found: list[Moment] = []
        for draft in kept:
            if stopped():
                return Recorded([], "stopped")
            found.append(making.moment_of(self._looked_at(draft)))
        return Recorded(found, why, self.takeovers)

    def _draft(self, step: Step, s_m: float) -> None:
        """Add what this step teaches, if anything, and mind the student."""
        driving = self.ride.driver is self.seat
        answer = self.seat.answer if driving else self.teacher.drive_scene(step.scene, step.observation)
        assert answer is not None
        window, shift = self.shifts.at(step.scene)
        if shift != NONE:
            scene = making.shifted_scene(step.scene, shift)
            layer = int(self.stage.town.lane_layer[step.scene.route_lanes[0]])
            if room_for(scene.ego_pose, scene, self.stage.ground, layer):
                memory = self.teacher.snapshot()
                answer = self.teacher.drive_scene(scene, making.shifted_observation(step.observation, shift))
                self.teacher.restore(memory)
            else:
                window, shift = 0, NONE
        scene = making.shifted_scene(step.scene, shift)
        ahead = signal_ahead(self.stage.town, self.teacher.course.stop_lines, s_m)
        observation = making.shifted_observation(step.observation, shift)
        draft = Draft(step.index // EVERY_TICKS, window, scene, observation, answer, ahead)
        vetoed = bool(step.vetoed) and driving
        if making.sane(draft) and not vetoed:
            fresh = self.source.stamp_ns == step.scene.stamp_ns
            self.drafts.append(replace(draft, looks=self._looks(draft, self.source.pixels)) if fresh else draft)
        if self.student is not None:
            self._mind_the_student(step, answer.plan.speed_mps)

    def _mind_the_student(self, step: Step, teacher_mps: np.ndarray) -> None:
        """Hand the wheel to the teacher for a while when the student has gone astray, and back again."""
        assert self.student is not None
        driving = self.ride.driver is not self.seat
        if not driving:
            if step.scene.stamp_ns >= self._until_ns and self._off_road_m(step.scene) == 0.0:
                self.ride.driver = self.student
                self._idle = 0
            return
        idle = step.scene.ego_speed_mps < 0.3 and teacher_mps.max() > GO_MPS
        self._idle = self._idle + 1 if idle else 0
        astray = self.ride.state.progress.away_m > AWAY_M or self._off_road_m(step.scene) > OFF_ROAD_M
        if astray or self._idle > IDLE_S * TRAINING_HZ or self.ride.guardian.failed:
            self.takeovers += 1
            self._until_ns = step.scene.stamp_ns + round(TAKEOVER_S * SECOND_NS)
            self.ride.driver = self.seat

    def _off_road_m(self, scene: Scene) -> float:
        middle = to_parent(scene.ego_pose, np.array([EGO_BODY.centre_x_m, 0.0]))
        corners = box_corners(
            middle[0], middle[1], scene.ego_pose[2], np.array(EGO_BODY.length_m), np.array(EGO_BODY.width_m)
        )
        layer = int(self.stage.town.lane_layer[scene.route_lanes[0]])
        return float(self.stage.ground.off_road_m(corners, layer).max())

    def _ended_badly(self, step: Step, s_m: float) -> str:
        """Return why the ride must not go on, "" when it may."""
        own = step.scene.touching & ~step.scene.caused_by_user
        if own.any():
            return "contact"
        if step.scene.touching.any():
            return "contact by a user"
        if self.takeovers > TAKEOVERS:
            return "too many takeovers"
        if self.student is None and self._ran_red(step.scene, s_m):
            return "red line"
        return ""

    def _ran_red(self, scene: Scene, s_m: float) -> bool:
        front_m, before_m = s_m + EGO_BODY.front_x_m, self._s_m
        self._s_m = front_m
        for line in self.teacher.course.stop_lines:
            if before_m < line.s_m <= front_m and before_m > 0.0 and line.turn is not Turn.RIGHT:
                heads = heads_of(self.stage.town, line.lane)
                return len(heads) > 0 and int(scene.signal_colour[heads[0]]) == LampColour.RED
        return False

    def _before(self, why: str) -> Sequence[Draft]:
        """Return the drafts that are worth it: without the last second before a contact, without an endless wait."""
        drafts = self.drafts
        if "contact" in why and drafts:
            last_ns = self.ride.stamp_ns - round(BEFORE_CONTACT_S * SECOND_NS)
            drafts = [d for d in drafts if d.scene.stamp_ns <= last_ns]
        if why != "arrived":
            moving = [i for i, d in enumerate(drafts) if abs(d.observation.ego.speed_mps) >= making.STANDING_MPS]
            drafts = drafts[: moving[-1] + 1 + making.STANDING_FIRST] if moving else []
        return drafts

    def _looked_at(self, draft: Draft) -> Draft:
        if draft.looks is not None:
            return draft
        return replace(draft, looks=self._looks(draft, self.stage.renderer.pixels(draft.scene, NAMES)))

    def _looks(self, draft: Draft, pixels: dict) -> Looks:
        return making.looks_of(pixels, draft.scene, RIG, self.stage.town, draft.ahead)
