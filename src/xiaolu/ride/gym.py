"""A ride as a Gymnasium environment, "xiaolu/Ride-v0": `gymnasium.make("xiaolu/Ride-v0", town=...)`.

Observation (a Dict): one uint8 image (H, W, 3) for each camera; "ego" (6,): speed, acceleration, yaw rate, steering
angle, and the two parts of the last action; "route" (26,): a one-hot manoeuvre (6), the distance to it in 100 m,
whether there is a route, and the street's centre line as nine points in the ego frame, in 100 m. SI units otherwise.
Action (a Box, -1 to 1): how the road bends (curvature, left positive, CURVATURE_1PM at 1) and how fast to go (-1 is
standing, 1 is SPEED_MPS). An action becomes a plan, and passes through the same latency, guardian and controller as any
driver's.
Reward, a step: metres gained along the way, less penalties for harsh driving, speeding, leaving the road, crossing a
stop line on red, and contact. info: "events", the names of what was penalised in this step; "vetoed", "progress_m",
"end".
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG
from xiaolu.core.camera import CameraModel
from xiaolu.core.chance import Purpose, bits
from xiaolu.core.conditions import SUN, Conditions
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Decision, LampColour, Pace, PathMode, Strategy
from xiaolu.core.frames import to_child, to_parent
from xiaolu.core.observation import Manoeuvre, Observation
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_TIMES_S, Plan
from xiaolu.core.rates import DECISION_LATENCY_NS, SECOND_NS
from xiaolu.core.seeds import RANGES, Split
from xiaolu.ride.config import RideConfig
from xiaolu.ride.ride import Ride
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath
from xiaolu.world.signals import entry_colour, ordered_by
from xiaolu.world.town import LaneKind, Town, Turn, load_town
from xiaolu.world.world import World

CURVATURE_1PM = 0.22  # 4.5 m radius: nearly full lock
SPEED_MPS = 15.0
BEND_M = 12.0  # the bend of an action; straight on from there
SPEED_UP_MPS2, SLOW_DOWN_MPS2 = 1.5, 4.0
LINE_POINTS = 9
ROUTE_SIZE = len(Manoeuvre) + 2 + 2 * LINE_POINTS
WHEELS_M = np.array([[2.8, 0.8], [2.8, -0.8], [0.0, 0.8], [0.0, -0.8]])  # where tyres touch, ego frame
ASSET = Path(__file__).parents[1] / "assets" / "town.town"

# Penalties in metres of way, a step unless said: this project's choice, in the order of how bad things are.
CONTACT, RED_LINE, OFF_ROAD, SPEEDING, HARSH = 50.0, 20.0, 0.5, 0.1, 0.05
HARSH_MPS2 = 3.0


class _Hands:
    """The driver a learner is: its decision is its last action."""

    name = "learner"

    def __init__(self, cameras: tuple[str, ...]) -> None:
        self.cameras = cameras
        self.action = np.array([0.0, -1.0])

    def reset(self, seed: int) -> None:
        self.action = np.array([0.0, -1.0])

    def drive(self, observation: Observation) -> Decision:
        plan = plan_of(self.action, observation.ego.speed_mps)
        pace = Pace.STOP if plan.speed_mps[-1] <= 0.0 else Pace.GO
        return Decision(observation.stamp_ns, plan, Strategy(PathMode.KEEP, pace))

    def snapshot(self) -> np.ndarray:
        return self.action.copy()

    def restore(self, snapshot: np.ndarray) -> None:
        self.action = snapshot.copy()


class RideEnv(gymnasium.Env):
    """See the module. One step is one tick of 0.1 s; an episode is a ride, drawn from the environment's seed."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012 (Gymnasium's own convention)

    def __init__(
        self,
        town: Town | Path | str | None = None,
        cameras: Sequence[str] = ("narrow", "wide"),
        length_m: float = 200.0,
        max_s: float = 120.0,
        conditions: Conditions = SUN,
        latency_ns: int = DECISION_LATENCY_NS,
        users: int = 40,
        density: float = 1.0,
        render_mode: str | None = None,
    ) -> None:
        """town: a Town or a town file; the bundled town if None. Raises ValueError for unknown cameras."""
        known = {camera.name: camera for camera in RIG}
        if unknown := [name for name in cameras if name not in known]:
            raise ValueError(f"cameras {', '.join(unknown)} are not in the rig; it has {', '.join(known)}")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode {render_mode!r}; this environment has rgb_array")
        self.town = town if isinstance(town, Town) else load_town(Path(town) if town is not None else ASSET)
        self.render_mode = render_mode
        self.cameras = tuple(cameras)
        self._template = RideConfig(
            self.town,
            seed=0,
            length_m=length_m,
            conditions=conditions,
            latency_ns=latency_ns,
            users=users,
            density=density,
            max_s=max_s,
        )
        self.observation_space = gymnasium.spaces.Dict(
            {
                **{name: _image_box(known[name]) for name in self.cameras},
                "ego": gymnasium.spaces.Box(-100.0, 100.0, (6,), np.float32),
                "route": gymnasium.spaces.Box(-3.0, 3.0, (ROUTE_SIZE,), np.float32),
            }
        )
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._world = World(self.town, users=users, density=density)
        self._ground = Ground(self.town)
        self._hands = _Hands(self.cameras)
        self._renderer: Renderer | None = None
        self._ride: Ride | None = None
        self._lines: list[tuple[float, int, bool, bool]] = []
        self._touching: set[int] = set()

    @property
    def ride(self) -> Ride:
        """The ride under way. Raises RuntimeError before the first reset."""
        if self._ride is None:
            raise RuntimeError("no ride yet: call reset() first")
        return self._ride

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        """Begin a ride. The seed picks it, from the training seeds; options: {"ride_seed": n} names one exactly."""
        super().reset(seed=seed)
        ride_seed = (options or {}).get("ride_seed")
        if ride_seed is None:
            drawn = self.np_random.integers(0, 2**62)
            train = RANGES[Split.TRAIN]
            ride_seed = int(bits(int(drawn), 0, 0, Purpose.RIDE)[0] % np.uint64(len(train)))
        if self._renderer is None and (self.cameras or self.render_mode):
            self._renderer = Renderer(self.town)
        self._ride = Ride(replace(self._template, seed=ride_seed), self._hands, self._renderer, self._world)
        self._hands.reset(ride_seed)
        self._frames = {c.name: np.zeros((c.height_px, c.width_px, 3), np.uint8) for c in RIG if c.name in self.cameras}
        self._lines = stop_lines(self.ride.path)
        self._touching = set()
        return self._observation(), self._info([], "")

    def step(self, action: np.ndarray) -> tuple[dict, float, bool, bool, dict]:
        ride = self.ride
        self._hands.action = np.clip(np.asarray(action, np.float64), -1.0, 1.0)
        before_m = ride.state.progress.s_m
        step = ride.step()
        gained_m = ride.state.progress.s_m - before_m
        penalties = self._penalties(before_m)
        reward = gained_m - sum(penalties.values())
        end = ride.end
        truncated = end is None and ride.stamp_ns >= ride.config.max_s * SECOND_NS
        contact = "contact" in penalties
        terminated = end is not None or contact
        return self._observation(), float(reward), terminated, truncated, self._info(list(penalties), step.vetoed)

    def render(self) -> np.ndarray | None:
        """Return the wide camera's image (96, 192, 3) uint8 in render_mode "rgb_array", else None."""
        if self.render_mode is None or self._renderer is None:
            return None
        return np.array(self._renderer.images(self.ride.scene(), ("wide",))["wide"])

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _observation(self) -> dict[str, np.ndarray]:
        observation = self.ride.observation
        ego = observation.ego
        measured = [ego.speed_mps, ego.acceleration_mps2, ego.yaw_rate_radps, ego.steering_rad, *self._hands.action]
        # A frame that never arrived leaves its camera's last one in place; before the first one there is black.
        self._frames |= {frame.camera.name: np.array(frame.image) for frame in observation.frames}
        return {**self._frames, "ego": np.array(measured, np.float32), "route": route_vector(observation)}

    def _info(self, events: list[str], vetoed: str) -> dict[str, Any]:
        ride = self.ride
        return {
            "events": events,
            "vetoed": vetoed,
            "progress_m": ride.state.progress.s_m,
            "length_m": ride.path.length_m,
            "end": ride.state.end,
        }

    def _penalties(self, before_m: float) -> dict[str, float]:
        """Return what the last tick cost, by name; before_m: where along the way it began."""
        ride, found = self.ride, {}
        scene = ride.scene()
        touching = set(scene.users.uid[scene.touching & ~scene.caused_by_user].tolist())
        if touching - self._touching:
            found["contact"] = CONTACT
        self._touching = touching
        at_m = ride.state.progress.s_m + EGO_BODY.front_x_m
        for line_m, onward, inside, free_right in self._lines:
            if before_m + EGO_BODY.front_x_m <= line_m < at_m and not free_right:
                orders = ordered_by(self.town, scene.signal_colour, scene.signal_countdown_s)
                own = LampColour(int(orders[self.town.lane_signal[onward]]))
                if (own if inside else entry_colour(self.town, orders, onward)) == LampColour.RED:
                    found["red_line"] = RED_LINE
        wheels = to_parent(scene.ego_pose, WHEELS_M)
        lane = ride.path.lane_at(ride.state.progress.s_m)
        if self._ground.off_road_m(wheels, int(self.town.lane_layer[lane])).max() > 0.05:
            found["off_road"] = OFF_ROAD
        over = abs(scene.ego_speed_mps) / max(float(self.town.lane_limit_mps[lane]), 1.0) - 1.05
        if over > 0.0:
            found["speeding"] = SPEEDING * (1.0 + over)
        harsh = max(abs(scene.ego_acceleration_mps2), abs(scene.ego_speed_mps * scene.ego_yaw_rate_radps))
        if harsh > HARSH_MPS2:
            found["harsh"] = HARSH * (harsh - HARSH_MPS2)
        return found


def plan_of(action: np.ndarray, speed_mps: float) -> Plan:
    """Return the plan that an action (2,) stands for, for the ego's speed."""
    curvature = float(action[0]) * CURVATURE_1PM
    wanted = 0.5 * (float(action[1]) + 1.0) * SPEED_MPS
    fine = np.arange(0.05, PATH_DISTANCES_M[-1], 0.1)
    heading = curvature * np.minimum(fine, BEND_M)
    line = np.cumsum(np.column_stack([np.cos(heading), np.sin(heading)]), axis=0) * 0.1
    path = line[np.rint(PATH_DISTANCES_M / 0.1).astype(int) - 1]
    speed_mps = max(speed_mps, 0.0)
    reachable = np.clip(wanted, speed_mps - SLOW_DOWN_MPS2 * SPEED_TIMES_S, speed_mps + SPEED_UP_MPS2 * SPEED_TIMES_S)
    return Plan(path, np.maximum(reachable, 0.0))


def route_vector(observation: Observation) -> np.ndarray:
    """Return (ROUTE_SIZE,) float32, see the module; zeros where there is no route."""
    out = np.zeros(ROUTE_SIZE, np.float32)
    route = observation.route
    if route is None:
        return out
    out[int(route.manoeuvre)] = 1.0
    out[len(Manoeuvre)] = min(route.distance_m, 200.0) / 100.0
    out[len(Manoeuvre) + 1] = 1.0
    if len(route.centre_line):
        line = to_child(observation.ego.odometry, route.centre_line)
        padded = np.concatenate([line, np.repeat(line[-1:], LINE_POINTS, axis=0)])[:LINE_POINTS]
        out[len(Manoeuvre) + 2 :] = np.clip(padded / 100.0, -3.0, 3.0).ravel()
    return out


def stop_lines(path: RoutePath) -> list[tuple[float, int, bool, bool]]:
    """Return (s along the way, junction lane, inside, whether red lets one pass: a right turn) of signalled lines.

    inside: the second line of a left turn with a waiting area.
    """
    town, lanes, out = path.town, path.plan.lanes, []
    for position in range(len(lanes) - 1):
        lane, following = int(lanes[position]), int(lanes[position + 1])
        stop_m, column = float(town.stop_s_m[lane]), int(town.lane_signal[following])
        if np.isfinite(stop_m) and column >= 0 and town.lane_kind[lane] == LaneKind.DRIVE:
            at_m = float(path.lane_to_s_m[position]) - (float(town.lane_length_m[lane]) - stop_m)
            out.append((at_m, following, False, bool(town.lane_turn[following] == Turn.RIGHT)))
            if np.isfinite(town.waiting_s_m[following]):
                second_m = float(path.lane_from_s_m[position + 1]) + float(town.waiting_s_m[following])
                out.append((second_m, following, True, False))
    return out


def _image_box(camera: CameraModel) -> gymnasium.spaces.Box:
    return gymnasium.spaces.Box(0, 255, (camera.height_px, camera.width_px, 3), np.uint8)
