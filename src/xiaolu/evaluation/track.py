"""A ride as arrays: what the measures need of every step, taken from its scene while the ride goes on."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, Decision, LampColour
from xiaolu.core.episode import Step
from xiaolu.core.frames import to_child, to_parent, wrap_angle
from xiaolu.core.plan import PATH_DISTANCES_M
from xiaolu.core.scene import Scene
from xiaolu.core.users import VULNERABLE, Kind, Users
from xiaolu.evaluation.stop_line import DRIVE, StopLine
from xiaolu.measures.closed_loop import TTC_HORIZON_S
from xiaolu.measures.geometry import clearance_m, time_to_collision_s, time_to_collision_turning_s
from xiaolu.measures.interventions import MISSED_M
from xiaolu.measures.pdm import STANDING_MPS
from xiaolu.measures.strategy import deviation_m
from xiaolu.measures.words import claim_holds, claims_of
from xiaolu.world.ground import Ground
from xiaolu.world.looking import FORGET_Z_M
from xiaolu.world.routing import RoutePath
from xiaolu.world.town import PropKind, Town

# Outer edges of the tyres' contact patches: x on the axles, y at the half track.
WHEELS_M = np.array([[EGO_BODY.wheelbase_m, 0.8], [EGO_BODY.wheelbase_m, -0.8], [0.0, 0.8], [0.0, -0.8]])
NEAR_M = 25.0  # users farther away than this cannot breach anything within a tick
AHEAD_M, ASIDE_M = 12.0, 0.3  # whoever reaches into the next metres of the way, so far beside the ego, blocks it
BEHIND_M, BEHIND_ASIDE_M = 45.0, 2.0  # who is within this box behind follows the ego
SIGNAL_REACH_M = 25.0
PARKED_M = (5.0, 2.0)
BAY_REACH_M, BAY_MARGIN_M = 10.0, 0.6  # bays are drawn smaller than what is paved, the gap to the lane included
BEGAN_M, LEFT_OVER_M = 0.5, 3.5  # the bay that the ride began in, and how far about it one may leave it
CORNERS_M = np.array(
    [[x, y] for x in (EGO_BODY.front_x_m, -EGO_BODY.rear_overhang_m) for y in (0.94, -0.94)]
)  # of the outline
BEHIND_RAD = np.deg2rad(150.0)  # who is met in this cone behind runs into the ego, not the ego into it
# Riders and walkers that the ego overtakes: so far ahead of its rear axle, behind it, and to its right.
TO_OVERTAKE_M, OVERTAKEN_M, OVERTAKES_ASIDE_M = 30.0, 8.0, 6.0
CAUSE_M = 70.0  # what a driver gives as its cause is no farther than this
JUNCTION_M = 30.0  # a junction is no longer than this
# Of whom a cause speaks, and how far behind the ego they may be.
CAUSE_OF = {
    Cause.SIGNAL: (0.0, [int(Kind.OFFICER), int(Kind.WORKER)]),  # where no stop line is: an official's sign
    Cause.LEAD: (0.0, [int(k) for k in Kind]),
    Cause.RIGHT_OF_WAY: (-CAUSE_M, [int(k) for k in Kind]),
    Cause.PEDESTRIAN: (-2.0, [int(k) for k in VULNERABLE]),
    Cause.OBSTACLE: (-6.0, [int(k) for k in Kind]),
}


class Track:
    """Grows by one row a step. Rows are plain numbers and short arrays; `column` stacks them over time."""

    def __init__(self, town: Town, path: RoutePath, ground: Ground | None = None) -> None:
        self._town, self._path = town, path
        self._ground = ground or Ground(town)
        parked = town.prop_pose[town.prop_kind == PropKind.PARKED_CAR]
        places = np.column_stack([parked, np.tile(PARKED_M, (len(parked), 1))])
        self._bays = np.concatenate([np.column_stack([town.bay_pose, town.bay_size_m]), places])
        self._bay_margin_m = np.full(len(self._bays), BAY_MARGIN_M)
        self._no_actors = Actors(np.empty((0, 5)), np.empty(0), np.empty(0, bool), np.empty(0, np.int32))
        self._route_edges = set(town.lane_edge[path.plan.lanes].tolist())
        self._lamps_s_m = path.lane_from_s_m[town.lane_signal[path.plan.lanes] >= 0]
        self._s_m = 0.0
        self.layer = 0  # on which the ego was at the last step
        self.stop_line = StopLine(town, path, self._ground)
        self._columns: dict[str, list] = {}
        self._stacked: dict[str, np.ndarray] = {}
        self._ticks = 0

    def __len__(self) -> int:
        return self._ticks

    @property
    def progress_m(self) -> float:
        """How far along the route the ego has come."""
        return self._s_m

    @property
    def path(self) -> RoutePath:
        return self._path

    @property
    def town(self) -> Town:
        return self._town

    @property
    def ground(self) -> Ground:
        return self._ground

    def column(self, name: str) -> np.ndarray:
        """Return one quantity over the ride, (T, ...); KeyError with the known names for any other."""
        if name not in self._columns:
            raise KeyError(f"no column {name!r} in a track; known are {sorted(self._columns)}")
        fresh = self._columns[name]
        if fresh:
            # Rows are put into a table that doubles when it is full: asking every tick costs one row.
            rows, before = np.asarray(fresh), self._ticks - len(fresh)
            table = self._stacked.get(name)
            if table is None or len(table) < self._ticks:
                grown = np.empty((max(2 * self._ticks, 256), *rows.shape[1:]), rows.dtype)
                if table is not None:
                    grown[:before] = table[:before]
                self._stacked[name] = table = grown
            table[before : self._ticks] = rows
            fresh.clear()
        view = self._stacked[name][: self._ticks]
        view.flags.writeable = False
        return view

    def add(self, step: Step) -> None:
        """Append what one step shows. Who is on a road above or below is not there."""
        scene = step.scene
        level = scene.users.active & (np.abs(scene.users.z_m - scene.ego_z_m) < FORGET_Z_M)
        scene = replace(scene, users=replace(scene.users, active=level))
        yaw = float(scene.ego_pose[2])
        middle = to_parent(scene.ego_pose, np.array([EGO_BODY.centre_x_m, 0.0]))
        lane, _s_m, lane_offset_m, distance = self._ground.nearest(float(middle[0]), float(middle[1]), DRIVE, yaw=yaw)
        if not self._ticks:
            began_in = np.hypot(*(self._bays[:, :2] - middle).T) < BEGAN_M
            self._bay_margin_m[began_in] = LEFT_OVER_M
        self._s_m, offset_m = self._path.project(float(middle[0]), float(middle[1]), self._s_m)
        # Near its route the ego is on the route's layer, even where a ramp passes closer by.
        below = self._path.lane_at(self._s_m) if abs(offset_m) < MISSED_M else lane
        self.layer = layer = int(self._town.lane_layer[below]) if below >= 0 else 0
        row: dict[str, Any] = {
            "stamp_ns": scene.stamp_ns,
            "pose": scene.ego_pose,
            "speed_mps": scene.ego_speed_mps,
            "acceleration_mps2": scene.ego_acceleration_mps2,
            "yaw_rate_radps": scene.ego_yaw_rate_radps,
            "wall_s": step.decision.wall_s,
            "vetoed": bool(step.vetoed),
            "progress_m": self._s_m,
            "uid": scene.users.uid,
            "kind": scene.users.kind,
            "user_box": np.stack(_outline(scene.users), axis=-1),
            "user_mps": scene.users.speed_mps,
            "user_there": scene.users.active,
            "touching": scene.touching,
            "by_user": scene.caused_by_user,
            "off_road_m": self.off_road_m(to_parent(scene.ego_pose, WHEELS_M), layer),
            "heading_error_rad": self._heading_error(yaw, middle),
            "overtakes": overtakes(scene),
            "route_distance_m": 0.0 if self._on_route(lane, distance) else abs(float(offset_m)),
        }
        row |= self.stop_line.follow(scene, self._s_m) | self._vulnerable(scene, layer)
        row["in_way"] = self._in_way(scene.users, scene.ego_pose, float(offset_m))
        row["braking_behind_mps2"] = braking_behind_mps2(scene.users, scene.ego_pose)
        opens = row["signal_colour"] in (LampColour.GREEN, LampColour.DARK)
        row["held_by_signal"] = bool(not opens and 0.0 < row["line_ahead_m"] < SIGNAL_REACH_M)
        row["way_free"] = not row["in_way"].any() and not row["held_by_signal"]
        actors = self._actors(scene)
        row |= {f"actor_{name}": getattr(actors, name) for name in actors._fields}
        row |= self._lane(lane, float(lane_offset_m), distance, layer, scene)
        row |= self._words(step, float(offset_m))
        for name, value in row.items():
            self._columns.setdefault(name, []).append(value)
        self._ticks += 1

    def off_road_m(self, points: np.ndarray, layer: int) -> np.ndarray:
        """Return (..., W) metres that points (..., W, 2) are off the drivable surface; W: of one car at one moment.

        Places to park in are made to be driven on.
        About the one that the ride began in, so is what lies before the lane.
        """
        shape = points.shape[:-1]
        cars = points.reshape(-1, shape[-1], 2)
        out = self._ground.off_road_m(cars.reshape(-1, 2), layer).reshape(-1, shape[-1])
        for k in np.flatnonzero((out > 0.0).any(axis=1)):
            for bay in np.flatnonzero(np.hypot(*(self._bays[:, :2] - cars[k, 0]).T) < BAY_REACH_M):
                inside = (
                    np.abs(to_child(self._bays[bay, :3], cars[k])) <= self._bays[bay, 3:] / 2 + self._bay_margin_m[bay]
                )
                out[k] = np.where(inside.all(axis=-1), 0.0, out[k])
        return out.reshape(shape)

    def lanes_below(self, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return, of an ego at poses (n, 3), (n,) each: metres left of its lane's middle, NaN off lanes; in a junction;
        angle to the best-fitting lane."""
        offset, junction, error = np.full(len(pose), np.nan), np.zeros(len(pose), bool), np.zeros(len(pose))
        for k, place in enumerate(pose):
            middle = to_parent(place, np.array([EGO_BODY.centre_x_m, 0.0]))
            lane, _, aside_m, away_m = self._ground.nearest(
                float(middle[0]), float(middle[1]), DRIVE, yaw=float(place[2])
            )
            if lane >= 0 and away_m <= float(self._town.lane_width_m[lane]) / 2.0:
                offset[k], junction[k] = aside_m, self._town.lane_junction[lane] >= 0
            error[k] = self._heading_error(float(place[2]), middle)
        return offset, junction, error

    def _lane(self, lane: int, offset_m: float, distance_m: float, layer: int, scene: Scene) -> dict:
        """Where in its lane the ego is, what may be driven there, its corners, and who lies straight ahead of it."""
        half_m = float(self._town.lane_width_m[lane]) / 2.0 if lane >= 0 else 0.0
        in_lane = distance_m <= half_m
        return {
            "lane_offset_m": offset_m if in_lane else np.nan,
            "in_junction": bool(in_lane and self._town.lane_junction[lane] >= 0),
            "outside_lane": not in_lane,
            "limit_mps": float(np.interp(self._s_m, self._path.s_m, self._path.limit_mps)),
            "corner_off_m": self.off_road_m(to_parent(scene.ego_pose, CORNERS_M), layer),
            "straight_ttc_s": straight_ttc_s(scene),
        }

    def _words(self, step: Step, offset_m: float) -> dict:
        """Whether what the driver said holds in its plan, and whether its cause is there and can be seen."""
        decision, scene = step.decision, step.scene
        claims = claims_of(decision.why)
        path = self._path.point_at(np.minimum(self._s_m + PATH_DISTANCES_M, self._path.length_m))
        line = to_child(scene.ego_pose, path[:, :2])
        left_m = deviation_m(decision.plan.path, line) - offset_m if len(np.unique(line, axis=0)) > 1 else np.zeros(1)
        backwards = bool(decision.plan.path[0, 0] < 0.0)
        speeds, now = decision.plan.speed_mps, scene.ego_speed_mps
        exists, visible = self._cause(scene, decision)
        return {
            "claims": bool(claims),
            "claims_hold": all(claim_holds(claim, speeds, now, left_m, backwards) for claim in claims),
            "cause_exists": exists,
            "cause_visible": visible,
        }

    def _cause(self, scene: Scene, decision: Decision) -> tuple[bool, bool]:
        """Whether something of the kind a cause names is there, and whether one such is in sight of the ego's eye."""
        cause, by = decision.cause, decision.limited_by
        if cause == Cause.SIGNAL and (np.isfinite(self.stop_line.now.ahead_m) or self._lamp_ahead()):
            return True, True
        if cause not in CAUSE_OF:
            return True, True  # the road itself, or the goal
        if cause == Cause.RIGHT_OF_WAY and by is not None and by.uid == -1:
            there = any(-JUNCTION_M < at_m - self._s_m < CAUSE_M for at_m, _, _ in self._path.junctions)
            return there, there  # a place where others may go first
        users = scene.users
        place = to_child(scene.ego_pose, np.stack([users.x_m, users.y_m], axis=-1))
        back_m, kinds = CAUSE_OF[cause]
        fits = users.active & np.isin(users.kind, kinds) & (place[:, 0] > back_m) & (np.hypot(*place.T) < CAUSE_M)
        return bool(fits.any()), bool((fits & scene.visible).any())

    def _lamp_ahead(self) -> bool:
        """Whether a signal of the route is ahead: some lanes on, its line is none of the ego's yet."""
        return any(0.0 < at_m - self._s_m < CAUSE_M for at_m in self._lamps_s_m)

    def _on_route(self, lane: int, distance_m: float) -> bool:
        """Whether the ego is on a carriageway of its route, on whichever lane: a lane too far is no missed turn."""
        return lane >= 0 and distance_m < 2.0 and int(self._town.lane_edge[lane]) in self._route_edges

    def _heading_error(self, yaw_rad: float, middle: np.ndarray) -> float:
        """Angle to the best-fitting lane below the ego; 0 in junctions and where no lane lies below."""
        town = self._town
        below = self._ground.lanes_near(float(middle[0]), float(middle[1]), 1.0, DRIVE)
        if len(below) == 0 or (town.lane_junction[below] >= 0).any():
            return 0.0
        errors = [abs(float(wrap_angle(self._lane_yaw(int(n), middle) - yaw_rad))) for n in below]
        return min(errors)

    def _lane_yaw(self, lane: int, place: np.ndarray) -> float:
        line = self._town.line(lane)[:, :2]
        nearest = min(int(np.argmin(np.sum((line - place) ** 2, axis=1))), len(line) - 2)
        ahead = line[nearest + 1] - line[nearest]
        return float(np.arctan2(ahead[1], ahead[0]))

    def _vulnerable(self, scene: Scene, layer: int) -> dict:
        users = scene.users
        near = np.flatnonzero(
            users.active
            & np.isin(users.kind, [int(k) for k in VULNERABLE])
            & (np.hypot(users.x_m - scene.ego_pose[0], users.y_m - scene.ego_pose[1]) < NEAR_M)
        )
        clearance, ttc = np.full(len(users), np.inf), np.full(len(users), np.inf)
        on_road, beside = np.zeros(len(users), bool), np.zeros(len(users), bool)
        if len(near):
            x, y = to_parent(scene.ego_pose, np.array([EGO_BODY.centre_x_m, 0.0]))
            yaw, speed = scene.ego_pose[2], scene.ego_speed_mps
            ego = np.array([x, y, yaw, EGO_BODY.length_m, EGO_BODY.width_m])
            some = users[near]
            boxes = np.stack([some.x_m, some.y_m, some.yaw_rad, some.length_m, some.width_m], axis=-1)
            heading = np.stack([np.cos(some.yaw_rad), np.sin(some.yaw_rad)], axis=-1)
            clearance[near] = clearance_m(ego, boxes)
            # Along the arc it drives: straight on, a car that turns a corner would meet everybody who waits there.
            ttc[near] = time_to_collision_turning_s(
                ego,
                EGO_BODY.centre_x_m,
                speed,
                scene.ego_yaw_rate_radps,
                boxes,
                some.speed_mps[:, None] * heading,
            )
            on_road[near] = self._ground.off_road_m(np.stack([some.x_m, some.y_m], axis=-1), layer) <= 0.0
            along = to_child(scene.ego_pose, np.stack([some.x_m, some.y_m], axis=-1))[:, 0]
            faster = some.speed_mps * np.cos(some.yaw_rad - yaw) > speed
            beside[near] = (along > 0.0) & ~faster
        return {"clearance_m": clearance, "ttc_s": ttc, "on_road": on_road, "beside_or_ahead": beside}

    def _in_way(self, users: Users, ego_pose: np.ndarray, offset_m: float) -> np.ndarray:
        """Whose outlines (N,) bool reach into what the ego would sweep over the next AHEAD_M of its route.

        offset_m: how far left of the route it is; off the route it would go straight on.
        """
        along = np.arange(0.5, AHEAD_M, 1.0)
        if abs(offset_m) < MISSED_M:
            pose = self._path.point_at(np.minimum(self._s_m + EGO_BODY.length_m / 2 + along, self._path.length_m))
            x, y = pose[:, 0] - offset_m * np.sin(pose[:, 2]), pose[:, 1] + offset_m * np.cos(pose[:, 2])
            yaw = pose[:, 2]
        else:
            x, y = to_parent(ego_pose, np.stack([EGO_BODY.front_x_m + along, np.zeros_like(along)], axis=-1)).T
            yaw = np.full_like(along, ego_pose[2])
        near = users.active & (np.hypot(users.x_m - ego_pose[0], users.y_m - ego_pose[1]) < NEAR_M)
        out = np.zeros(len(users), bool)
        if not near.any():
            return out
        some = users[np.flatnonzero(near)]
        boxes = np.stack([some.x_m, some.y_m, some.yaw_rad, some.length_m, some.width_m], axis=-1)
        size = np.ones_like(along), np.full_like(along, EGO_BODY.width_m + 2.0 * ASIDE_M)
        swept = np.stack([x, y, yaw, *size], axis=-1)
        out[near] = (clearance_m(swept[:, None], boxes[None]) <= 0.0).any(axis=0)
        return out

    def _actors(self, scene: Scene) -> "Actors":
        """The scenario's actors, who are the users of uid 0, 1, ...; nobody where the ride has no script."""
        if scene.acts is None or not len(scene.acts):
            return self._no_actors
        users, count = scene.users, len(scene.acts)
        box, speed, there = np.full((count, 5), np.nan), np.zeros(count), np.zeros(count, bool)
        slot = np.flatnonzero(users.active & (users.uid >= 0) & (users.uid < count))
        uid = users.uid[slot]
        box[uid] = np.stack([column[slot] for column in _outline(users)], axis=-1)
        speed[uid], there[uid] = users.speed_mps[slot], True
        return Actors(box, speed, there, np.asarray(scene.acts, np.int32))


class Actors(NamedTuple):
    """A scenario's actors at one step: box (A, 5) x, y, yaw, length, width, NaN once gone; speed (A,) m/s; there (A,)
    bool; act (A,) which one they are at, -1 before the first."""

    box: np.ndarray
    speed: np.ndarray
    there: np.ndarray
    act: np.ndarray


def _outline(users: Users) -> tuple[np.ndarray, ...]:
    return users.x_m, users.y_m, users.yaw_rad, users.length_m, users.width_m


def overtakes(scene: Scene) -> bool:
    """Whether the ego drives past riders or walkers who go its way on its right: those it is behind, beside, or just
    past."""
    users = scene.users
    place = to_child(scene.ego_pose, np.stack([users.x_m, users.y_m], axis=-1))
    with_it = np.isin(users.kind, [int(k) for k in VULNERABLE]) & (np.cos(users.yaw_rad - scene.ego_pose[2]) > 0.7)
    slower = (users.speed_mps > STANDING_MPS) & (users.speed_mps < scene.ego_speed_mps)
    along = (place[:, 0] > -OVERTAKEN_M) & (place[:, 0] < TO_OVERTAKE_M)
    beside = (place[:, 1] < 0.0) & (place[:, 1] > -OVERTAKES_ASIDE_M)
    return bool((users.active & with_it & slower & along & beside).any())


def straight_ttc_s(scene: Scene) -> float:
    """Return the least time to collision, s, everybody going straight on; infinite beyond 3 s.

    Who is met from behind, and whoever meets an ego that stands, does not count: that is not the ego's doing.
    """
    users, speed = scene.users, scene.ego_speed_mps
    near = np.flatnonzero(
        users.active
        & (np.hypot(users.x_m - scene.ego_pose[0], users.y_m - scene.ego_pose[1]) < NEAR_M + 3.0 * abs(speed))
    )
    if not len(near) or abs(speed) < STANDING_MPS:
        return np.inf
    x, y = to_parent(scene.ego_pose, np.array([EGO_BODY.centre_x_m, 0.0]))
    yaw = scene.ego_pose[2]
    some = users[near]
    toward = np.arctan2(some.y_m - y, some.x_m - x) - yaw - (np.pi if speed < 0.0 else 0.0)
    ahead = np.abs(wrap_angle(toward)) <= BEHIND_RAD
    if not ahead.any():
        return np.inf
    boxes = np.stack(_outline(some), axis=-1)[ahead]
    heading = np.stack([np.cos(some.yaw_rad), np.sin(some.yaw_rad)], axis=-1)
    ego = np.array([x, y, yaw, EGO_BODY.length_m, EGO_BODY.width_m])
    own = speed * np.array([np.cos(yaw), np.sin(yaw)])
    found = time_to_collision_s(ego, own, boxes, (some.speed_mps[:, None] * heading)[ahead], TTC_HORIZON_S)
    return float(found.min())


def braking_behind_mps2(users: Users, ego_pose: np.ndarray) -> float:
    """Return the hardest braking of a vehicle that follows the ego, m/s²; 0 where none does."""
    place = to_child(ego_pose, np.stack([users.x_m, users.y_m], axis=-1))
    behind = (place[:, 0] < 0.0) & (place[:, 0] > -BEHIND_M) & (np.abs(place[:, 1]) < BEHIND_ASIDE_M)
    follows = users.active & behind & (np.cos(users.yaw_rad - ego_pose[2]) > 0.7) & (users.speed_mps > 0.0)
    return float((-users.acceleration_mps2[follows]).max(initial=0.0))
