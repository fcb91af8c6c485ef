"""The one loop: world -> cameras -> Observation -> driver -> guardian -> tracker -> vehicle -> world.

At tick t the driver is asked; its decision is in force from t plus the latency; the control for [t, t + 1) comes from
the newest decision in force. A veto of the guardian is in force at once. Everything a ride carries from tick to tick is
in `RideState` and in three snapshots (driver, tracker, guardian), so that a fork is a copy of those.
"""

import copy
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from xiaolu.core.camera import CameraFrame
from xiaolu.core.control import Control
from xiaolu.core.decision import Decision
from xiaolu.core.episode import Event, Step
from xiaolu.core.observation import EgoState, Instruction, Observation, RangeScan
from xiaolu.core.protocols import Driver, SceneDriver, Snapshots, Subscriber
from xiaolu.core.rates import SECOND_NS, TICK_NS
from xiaolu.core.scene import Scene
from xiaolu.ride.config import RideConfig
from xiaolu.ride.odometry import advance_odometry
from xiaolu.ride.passenger import Passenger, PassengerState
from xiaolu.ride.phone import REFRESH_TICKS, Phone, PhoneState
from xiaolu.ride.progress import END, Progress, RideEnd
from xiaolu.runtime.guardian import Guardian, carried
from xiaolu.runtime.lamps import indicator_of
from xiaolu.vehicle.dynamics import VehicleState, advance, start
from xiaolu.vehicle.tracker import Tracker
from xiaolu.world.routing import RoutePath
from xiaolu.world.state import WorldState
from xiaolu.world.world import World

MINIMAL_RISK = "minimal-risk stop"
INTERRUPTED = "interrupted"


class FrameSource(Protocol):
    """What a ride needs of a renderer."""

    def frames(
        self, scene: Scene, names: tuple[str, ...], shift: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[CameraFrame, ...]: ...


@dataclass(frozen=True, slots=True)
class InForce:
    """A decision, the ego it was made for, and from when on it may act."""

    decision: Decision
    ego: EgoState
    from_ns: int


@dataclass(frozen=True, slots=True)
class Look:
    """The present moment, as the truth, as the driver gets it, and as phone and passenger have it."""

    scene: Scene
    observation: Observation
    scan: RangeScan
    phone: PhoneState
    passenger: PassengerState


@dataclass(frozen=True, slots=True)
class RideState:
    """Everything that a ride carries from tick to tick, but for the memories of driver, tracker and guardian.

    made: the last decision and its ego, for the ticks on which the driver is not asked; queue: decisions in force and
    about to be, oldest first.
    """

    tick: int
    world: WorldState
    vehicle: VehicleState
    odometry: np.ndarray
    phone: PhoneState
    passenger: PassengerState
    progress: Progress
    queue: tuple[InForce, ...] = ()
    made: InForce | None = None
    events: tuple[Event, ...] = ()
    end: str = ""


class Ride:
    """One ride, from pick-up to the kerb. `step` it, or `run` it with subscribers."""

    def __init__(
        self,
        config: RideConfig,
        driver: Driver | SceneDriver,
        renderer: FrameSource | None = None,
        world: World | None = None,
    ) -> None:
        """renderer: needed when the driver wants cameras. world: one to share among rides in the same town.

        Raises ValueError when the town has no such ride, or when cameras are wanted and there is no renderer.
        """
        self.config = config = config.with_route()
        assert config.route is not None
        self.renderer = renderer
        world = world if world is not None else World(config.town, users=config.users, density=config.density)
        own = config.faults or config.signals_start_s is not None
        self.world = world.with_signals(config.faults, config.signals_start_s) if own else world
        self.path = RoutePath(config.town, config.route)
        self.phone = Phone(self.path, config.seed)
        self.passenger = Passenger(self.path, config.seed, config.wishes)
        self.tracker, self.guardian = Tracker(), Guardian()
        self.watched: tuple[str, ...] = ()
        self._seen: tuple[RideState, Look] | None = None
        self._met: list[Any] = []
        self._memory: Any = None
        self._memories: dict[int, Any] = {}
        self._shared = False
        self._take_seat(driver)
        pose = self.path.point_at(0.0) if config.start_pose is None else np.array(config.start_pose)
        z_m = float(config.town.pose_at(int(config.route.lanes[0]), config.route.start_s_m)[2])
        if config.script is not None:
            self.world = self.world.staged(config.script, config.users, config.density)
        self.state = RideState(
            tick=0,
            world=self.world.start(config.seed, pose, ego_speed_mps=config.start_mps, ego_z_m=z_m),
            vehicle=start(pose[None], config.start_mps),
            odometry=np.zeros(3),
            phone=self.phone.start(),
            passenger=PassengerState(),
            progress=Progress(),
        )

    @property
    def driver(self) -> Driver | SceneDriver:
        """Who drives. Assign another one to take over; one that is new to this ride is reset with the ride's seed.

        Taking over clears a failure of the driver before.
        """
        return self._driver

    @driver.setter
    def driver(self, driver: Driver | SceneDriver) -> None:
        if self.guardian.failed:
            self.guardian.reset()
        if self._shared:
            self._memories[id(self._driver)] = self._memory
        known = self._take_seat(driver)
        if isinstance(driver, Snapshots):
            # Whoever takes over may be driving other rides as well: from here on each has its own memory.
            kept = self._memories.get(id(driver)) if known else None
            self._shared, self._memory = True, kept if kept is not None else driver.snapshot()

    @property
    def memory(self) -> Any:
        """What the driver remembers of this ride, of a driver with snapshots; it may be driving others as well."""
        assert isinstance(self._driver, Snapshots)
        return copy.deepcopy(self._memory) if self._shared else self._driver.snapshot()

    @property
    def done(self) -> bool:
        return bool(self.state.end)

    @property
    def stamp_ns(self) -> int:
        return self.state.tick * TICK_NS

    @property
    def end(self) -> RideEnd | None:
        """How the ride ended; None while it goes on."""
        state = self.state
        if not state.end:
            return None
        took_s = state.tick * TICK_NS / SECOND_NS
        events = (*state.events, Event(END, self.stamp_ns, self.stamp_ns, state.end))
        return RideEnd(state.end, state.end == "arrived", events, took_s, state.progress.s_m)

    def step(self) -> Step:
        """Drive one tick (0.1 s) and return its Step. Raises RuntimeError once the ride has ended."""
        state, config = self.state, self.config
        if state.end:
            raise RuntimeError(f"the ride has ended: {state.end}; make a new Ride to drive on")
        stamp_ns = self.stamp_ns
        asked = state.tick % config.driver_every == 0
        look = self._look()
        scene, observation, scan, ego = look.scene, look.observation, look.scan, look.observation.ego
        made, decision, vetoed = self._decide(scene, observation, scan, asked)
        effective_ns = stamp_ns if vetoed or made is None else made.from_ns
        pending = () if vetoed else state.queue  # what was on its way is not to be trusted either
        fresh = asked or bool(vetoed)
        queue = acting((*pending, InForce(decision, ego, effective_ns)) if fresh else pending, stamp_ns)
        control = self._control(queue, ego, observation)
        vehicle, motion = advance(state.vehicle, [control])
        world = self.world.step(state.world, motion)
        odometry = advance_odometry(state.odometry, state.vehicle.pose[0], vehicle.pose[0], config.seed, state.tick)
        progress = state.progress.after(self.path, vehicle.pose[0], float(vehicle.speed_mps[0]))
        after = RideState(
            state.tick + 1, world, vehicle, odometry, look.phone, look.passenger, progress, queue, made,
            self._noted(vetoed, stamp_ns),
        )  # fmt: skip
        self.state = replace(after, end=self._ended(after))
        return Step(state.tick, observation, decision, control, scene, scan, vetoed)

    def run(
        self,
        *subscribers: Subscriber,
        max_s: float | None = None,
        progress: Callable[["Ride", Step], None] | None = None,
    ) -> RideEnd:
        """Drive to the end, or for max_s of ride time at most ("time is up"), and return how it ended.

        Every subscriber is told of the start, each step and the end; of the end also when something raises, which then
        goes on to the caller. Ctrl-C ends the ride as "interrupted" and is swallowed: nothing is lost, and whoever
        drives many rides looks at the reason. A subscriber with an attribute `cameras` has those rendered as well; only
        the driver's own are shown to the driver. progress(ride, step) is called after a step.
        """
        header = self.config.header(self._driver.name)
        self.watched = tuple(name for s in subscribers for name in getattr(s, "cameras", ()))
        self._seen = None
        limit_ns = self.stamp_ns + round((self.config.max_s if max_s is None else max_s) * SECOND_NS)
        started: list[Subscriber] = []
        try:
            for subscriber in subscribers:
                started.append(subscriber)
                subscriber.on_start(header)
            while not self.done:
                step = self.step()
                for subscriber in subscribers:
                    subscriber.on_step(step)
                if progress is not None:
                    progress(self, step)
                if self.stamp_ns >= limit_ns and not self.done:
                    self.stop("time is up")
        except KeyboardInterrupt:
            self.stop(INTERRUPTED)
        except BaseException as error:
            self.stop(f"stopped by {type(error).__name__}")
            raise
        finally:
            self.watched = ()
            end = self.end
            assert end is not None
            _tell_end(started, end.events)
        return end

    def stop(self, reason: str) -> None:
        """Call the ride off, for a reason in words. Does nothing to a ride that has ended."""
        if not self.state.end:
            self.state = replace(self.state, end=reason)

    def fork(self, copies: int) -> list["Ride"]:
        """Return independent rides that go on from here: left alone, each does exactly what this one will do.

        World, path and renderer are shared, they hold nothing of a ride. A driver with snapshot and restore is shared
        and handed its own memory for each ride; one without is deep-copied.
        """
        return [self._forked() for _ in range(copies)]

    @property
    def observation(self) -> Observation:
        """What the driver is about to be given at the present moment (rendered once, however often it is asked for)."""
        return self._look().observation

    def scene(self, instruction: Instruction | None = None) -> Scene:
        """Return the full truth of the present moment."""
        assert self.config.route is not None
        return self.world.scene(
            self.state.world,
            0,
            self.stamp_ns,
            self.path.lanes_from(self.state.progress.s_m),
            self.config.route.goal_s_m,
            self.config.conditions,
            instruction,
        )

    def _forked(self) -> "Ride":
        twin = copy.copy(self)
        twin.tracker, twin.guardian = Tracker(), Guardian()
        twin.tracker.restore(self.tracker.snapshot())
        twin.guardian.restore(self.guardian.snapshot())
        twin.watched = ()
        if isinstance(self._driver, Snapshots):
            if not self._shared:
                self._memory, self._shared = self._driver.snapshot(), True
            twin._memory, twin._shared = self._memory, True
            twin._met, twin._memories = list(self._met), dict(self._memories)
        else:
            twin._driver, twin._memories = copy.deepcopy(self._driver), dict(self._memories)
            twin._met = [twin._driver if met is self._driver else met for met in self._met]
        return twin

    def _take_seat(self, driver: Driver | SceneDriver) -> bool:
        """Put a driver at the wheel, reset it if it is new to this ride, and return whether it was known."""
        if driver.cameras and self.renderer is None:
            raise ValueError(
                f"driver {driver.name} wants cameras {', '.join(driver.cameras)}: give the Ride a renderer "
                "(xiaolu.cameras.renderer.Renderer)"
            )
        self._driver: Driver | SceneDriver = driver
        self._shared, self._memory, self._seen = False, None, None
        known = any(met is driver for met in self._met)
        if not known:
            driver.reset(self.config.seed)
            self._met.append(driver)
        return known

    def _look(self) -> "Look":
        if self._seen is not None and self._seen[0] is self.state:
            return self._seen[1]
        state, config = self.state, self.config
        ego = self._ego()
        phone, passenger = self._company(ego)
        instruction = self.passenger.instruction(passenger, state.tick, state.progress.s_m)
        scene = self.scene(instruction if config.route_absent else None)
        observation = Observation(
            self.stamp_ns,
            self._frames(scene) if state.tick % config.driver_every == 0 else (),
            ego,
            None if config.route_absent else phone.route,
            instruction if config.route_absent else None,
        )
        scan = self.world.range_scan(state.world, 0, self.stamp_ns)
        self._seen = (state, Look(scene, observation, scan, phone, passenger))
        return self._seen[1]

    def _ego(self) -> EgoState:
        vehicle = self.state.vehicle
        return EgoState(
            self.stamp_ns,
            float(vehicle.speed_mps[0]),
            float(vehicle.acceleration_mps2[0]),
            float(vehicle.yaw_rate_radps[0]),
            float(vehicle.steering_rad[0]),
            self.state.odometry,
        )

    def _company(self, ego: EgoState) -> tuple[PhoneState, PassengerState]:
        state = self.state
        if self.config.route_absent:
            return state.phone, self.passenger.listen(state.passenger, state.tick, state.progress.s_m)
        if state.tick % REFRESH_TICKS:
            return state.phone, state.passenger
        pose = state.vehicle.pose[0]
        return self.phone.refresh(state.phone, state.tick, state.progress.s_m, pose, ego.odometry), state.passenger

    def _frames(self, scene: Scene) -> tuple[CameraFrame, ...]:
        names = tuple(dict.fromkeys((*self._driver.cameras, *self.watched)))
        if not names or self.renderer is None:
            return ()
        return self.renderer.frames(scene, names)

    def _decide(
        self, scene: Scene, observation: Observation, scan: RangeScan, asked: bool
    ) -> tuple[InForce | None, Decision, str]:
        """Return what the driver last made (None once it has failed), the decision after the guardian, and its veto."""
        ego, made = observation.ego, self.state.made
        if self.guardian.failed:
            decision, vetoed = self.guardian.check(None, ego, scan)
            return None, decision, vetoed
        if asked or made is None:
            began = time.perf_counter()
            try:
                answer = self._ask(scene, observation)
            except Exception as error:
                reason = f"driver {self._driver.name} raised {type(error).__name__}: {error}"
                return None, self.guardian.fail(reason, ego), reason
            if isinstance(answer, Decision):
                answer = replace(answer, wall_s=time.perf_counter() - began)
            decision, vetoed = self.guardian.check(answer, ego, scan)
            return InForce(decision, ego, ego.stamp_ns + self.config.latency_ns), decision, vetoed
        rest = replace(made.decision, plan=carried(made.decision.plan, made.ego, ego))
        checked, vetoed = self.guardian.check(rest, ego, scan)
        return made, checked if vetoed else made.decision, vetoed

    def _ask(self, scene: Scene, observation: Observation) -> Any:
        driver = self._driver
        if self._shared and isinstance(driver, Snapshots):
            driver.restore(self._memory)
        if isinstance(driver, SceneDriver):
            answer: Any = driver.drive_scene(scene, observation)
        else:
            if self.watched:
                own = tuple(frame for frame in observation.frames if frame.camera.name in driver.cameras)
                observation = replace(observation, frames=own)
            answer = driver.drive(observation)
        if self._shared and isinstance(driver, Snapshots):
            self._memory = driver.snapshot()
        return answer

    def _control(self, queue: tuple[InForce, ...], ego: EgoState, observation: Observation) -> Control:
        until_ns = ego.stamp_ns + TICK_NS
        if not queue or queue[0].from_ns > ego.stamp_ns:
            return Control(0.0, -1.0, until_ns)  # nothing has been decided yet: stand still
        acting = queue[0]
        control = self.tracker.control(acting.decision.plan, acting.ego, ego, until_ns)
        lamps = indicator_of(acting.decision, observation.route, bool(self.guardian.failed))
        return replace(control, indicator=lamps)

    def _noted(self, vetoed: str, stamp_ns: int) -> tuple[Event, ...]:
        """Return the ride's events with this tick's veto in them: one event for a run of the same kind."""
        events = self.state.events
        if not vetoed:
            return events
        kind = "minimal_risk" if self.guardian.failed else "guardian_veto"
        if events and events[-1].kind == kind and stamp_ns - events[-1].to_ns <= TICK_NS:
            return (*events[:-1], replace(events[-1], to_ns=stamp_ns))
        return (*events, Event(kind, stamp_ns, stamp_ns, vetoed))

    def _ended(self, after: RideState) -> str:
        reason = after.progress.ended(self.path)
        if reason != "arrived" and self.guardian.failed and after.vehicle.speed_mps[0] == 0.0:
            return f"{MINIMAL_RISK}: {self.guardian.failed}"
        return reason


def acting(queue: tuple[InForce, ...], stamp_ns: int) -> tuple[InForce, ...]:
    """Return the queue (oldest first) without the decisions that a newer one in force has replaced."""
    acting = [i for i, entry in enumerate(queue) if entry.from_ns <= stamp_ns]
    return queue[acting[-1] :] if acting else queue


def _tell_end(subscribers: Iterable[Subscriber], events: tuple[Event, ...]) -> None:
    """Tell every subscriber of the end, and raise the first error among them only when all have been told."""
    first: BaseException | None = None
    for subscriber in subscribers:
        try:
            subscriber.on_end(events)
        except Exception as error:
            first = first or error
    if first is not None:
        raise first
