"""The world: a town with road users, stepped purely: state and the ego's motion over a tick in, the next state out."""

import copy

import numpy as np
from numba import njit

from xiaolu.core.conditions import Conditions
from xiaolu.core.control import EGO_BODY, EgoMotion
from xiaolu.core.observation import Instruction, RangeScan
from xiaolu.core.rates import TICK_S
from xiaolu.core.scene import Scene
from xiaolu.core.users import empty_users
from xiaolu.world.acting import enter
from xiaolu.world.borrowing import borrowed
from xiaolu.world.ego_view import visible
from xiaolu.world.excerpt import excerpt_of
from xiaolu.world.motion import tick_branch
from xiaolu.world.parking import Parking, park, parked_slots, parking_of, without
from xiaolu.world.places import WayGrid, ego_way, way_grid
from xiaolu.world.ranging import measure
from xiaolu.world.script import Script, Stage, empty_stage, stage
from xiaolu.world.sight import Sight, Walls
from xiaolu.world.signal_faults import SignalFault
from xiaolu.world.signals import Programs, clock_s, head_states, programs_of
from xiaolu.world.spawn import Spots, appear, leave, spots_of
from xiaolu.world.state import Ego, WorldState, empty_minds, fork, map_arrays
from xiaolu.world.table import split, table_of
from xiaolu.world.town import Town
from xiaolu.world.ways import Ways, ways_of

_CENTRE = EGO_BODY.centre_x_m


@njit(cache=True)
def _tick_all(ways, programs, walls, grid, spots, parking, stage, table, users, density, seed, tick, clock, uid, z,
              pose, ego, touching, caused):  # fmt: skip
    """Advance every branch in place: table, uid (B,), z (B,), and touching and caused (B, slots)."""
    slots = len(table.row) // len(seed)
    for b in range(len(seed)):
        o = b * slots
        tick_branch(
            ways, programs, walls, grid, stage, table, o, slots, seed[b], tick[b], clock[b], pose[b], ego[b], z[b],
            touching[b], caused[b],
        )  # fmt: skip
        last = pose[b, -1]
        x, y = last[0] + _CENTRE * np.cos(last[2]), last[1] + _CENTRE * np.sin(last[2])
        z[b] = ego_way(ways, grid, x, y, z[b], last[2])[3]
        leave(ways, walls, table, o, users, slots, x, y)
        uid[b] = appear(
            ways, walls, spots, stage.clear, table, o, users, slots, seed[b], tick[b], uid[b],
            np.array([x, y, last[2]]), z[b], density, 3, False,
        )  # fmt: skip
        if tick[b] % 5 == 0:
            park(parking, table, o, users, slots, seed[b], np.array([x, y, last[2]]), False)


@njit(cache=True)
def tick_branches(ways, programs, walls, grid, spots, parking, stage, table, users, density, seed, tick, clock, uid, z,
                  pose, ego, touching, caused):  # fmt: skip
    """Do what `_tick_all` does with arrays that the caller holds."""
    _tick_all(
        borrowed(ways), borrowed(programs), borrowed(walls), borrowed(grid), borrowed(spots), borrowed(parking),
        borrowed(stage), borrowed(table), users, density, borrowed(seed), borrowed(tick), borrowed(clock),
        borrowed(uid), borrowed(z), borrowed(pose), borrowed(ego), borrowed(touching), borrowed(caused),
    )  # fmt: skip


class World:
    """Road users in one town. The object holds tables only: all that changes is in the `WorldState`.

    users: how many moving road users there may be at once; density: factor on how many there are (0: none). faults:
    what is wrong with its signals; signals_start_s: the signal clock when a ride begins, None: drawn from its seed.
    """

    def __init__(
        self,
        town: Town,
        users: int = 40,
        density: float = 1.0,
        faults: tuple[SignalFault, ...] = (),
        signals_start_s: float | None = None,
    ) -> None:
        if users < 0 or not 0.0 <= density <= 10.0:
            raise ValueError(f"World: users {users} must be at least 0 and density {density} within 0 to 10")
        self.town = town
        self.users = users
        self.density = float(density)
        self.sight = Sight(town)
        self._ways = ways_of(town)
        self._grid = way_grid(self._ways)
        self._spots = spots_of(self._ways)
        self._parking = parking_of(town)
        self._parked_slots = parked_slots(self._parking)
        self.slots = users + self._parked_slots
        self._stage = empty_stage()
        self.faults, self.signals_start_s = tuple(faults), signals_start_s
        programs_of(town, self.faults)  # names a fault of a signal that the town does not have

    def with_signals(self, faults: tuple[SignalFault, ...], signals_start_s: float | None = None) -> "World":
        """Return a world that shares this one's tables, with other faults and another start of the signal clock."""
        other = copy.copy(self)
        other.faults, other.signals_start_s = tuple(faults), signals_start_s
        programs_of(self.town, other.faults)
        return other

    def staged(self, script: Script, users: int | None = None, density: float | None = None) -> "World":
        """Return a world in which the script's actors take part; it shares this one's tables.

        Raises ValueError when there are more actors than places for users.
        """
        world = copy.copy(self)
        world.users = self.users if users is None else users
        world.density = self.density if density is None else float(density)
        world.slots = world.users + self._parked_slots
        if len(script.actors) > world.users:
            raise ValueError(f"World.staged: {len(script.actors)} actors, and places for {world.users} road users")
        world._stage, world._ways = stage(script, self._ways)
        world._parking = without(self._parking, script.parked_clear)
        return world

    def excerpt(self, state: WorldState, kept: np.ndarray) -> tuple["World", WorldState]:
        """Return a world of some of this one's slots, kept (N,) bool, in which nobody new appears, and a state in it.

        What is left out is gone for everybody. Actors of a script are always kept.
        """
        kept = kept | (state.minds.actor >= 0).any(axis=0)
        world = copy.copy(self)
        world.users, world.density, world.slots = int(kept[: self.users].sum()), 0.0, int(kept.sum())
        world._parking = Parking(*(column[:0] for column in self._parking))
        return world, excerpt_of(state, kept)

    def tables(self, seed: int) -> tuple[Ways, Programs, Walls, WayGrid, Spots, Parking, Stage]:
        """Return what `tick_branches` reads, in its order, for the ride of a seed."""
        programs = programs_of(self.town, self.faults, seed, self.signals_start_s)
        return self._ways, programs, self.sight.walls, self._grid, self._spots, self._parking, self._stage

    def start(
        self,
        seed: int,
        ego_pose: np.ndarray,
        branches: int = 1,
        ego_speed_mps: float = 0.0,
        ego_z_m: float | None = None,
    ) -> WorldState:
        """Return the state in which a ride of that seed begins, in so many equal branches.

        ego_pose (3,): x, y, yaw of the rear axle; ego_z_m: the height of its lane, None: of the lane nearest to the
        ground there. Nobody is within 12 m of the ego's middle.
        """
        x, y, yaw = (float(value) for value in ego_pose)
        table = table_of(empty_users(1, self.slots), empty_minds(1, self.slots))
        middle = np.array([x + _CENTRE * np.cos(yaw), y + _CENTRE * np.sin(yaw), yaw])
        z = self._height(middle) if ego_z_m is None else ego_z_m
        enter(self._ways, self._stage, table, 0, self.slots)
        park(self._parking, table, 0, self.users, self.slots, seed, middle, True)
        uid = appear(
            self._ways, self.sight.walls, self._spots, self._stage.clear, table, 0, self.users, self.slots, seed, 0,
            len(self._stage.actor), middle, z,
            self.density, 60 * self.users, True,
        )  # fmt: skip
        users, minds = split(table, 1)
        zero = np.zeros(branches)
        whole = np.zeros(branches, np.int64)
        speed = zero + ego_speed_mps
        ego = Ego(zero + x, zero + y, zero + z, zero + yaw, speed, zero, zero, zero, whole.astype(np.int8))
        clear = np.zeros((1, self.slots), bool)
        one = WorldState(
            whole[:1] + seed,
            whole[:1],
            whole[:1] + uid,
            map_arrays(lambda array: array[:1], ego),
            users,
            minds,
            clear,
            clear,
        )
        return fork(one, 0, branches)

    def _height(self, middle: np.ndarray) -> float:
        """Return the height of the lane at a place, the one nearest to the ground where roads lie above each other."""
        guesses = np.unique(np.round(self.town.points[:, 2] / 3.0)) * 3.0
        found = [ego_way(self._ways, self._grid, middle[0], middle[1], float(z), middle[2]) for z in guesses]
        heights = [float(one[3]) for one in found if one[0] >= 0] or [float(one[3]) for one in found]
        return min(heights, key=abs, default=0.0)

    def step(self, state: WorldState, motion: EgoMotion) -> WorldState:
        """Return the state one tick later, the ego having moved as given. Pure; branches do not know each other."""
        branches = state.branches
        if motion.pose.shape[0] != branches:
            raise ValueError(f"World.step: motion of {motion.pose.shape[0]} branches for a state of {branches}")
        table = table_of(state.users, state.minds)
        tick = state.tick + 1
        if self.faults and (state.seed != state.seed[0]).any():
            raise ValueError("World.step: signal faults begin by the clock of one ride, the branches are of several")
        starts = zip(tick, state.seed, strict=True)
        clock = np.array([clock_s(float(t) * TICK_S, int(s), self.signals_start_s) for t, s in starts])
        uid, z = state.next_uid.copy(), state.ego.z_m.copy()
        was = state.ego
        columns = (
            was.x_m + _CENTRE * np.cos(was.yaw_rad),
            was.y_m + _CENTRE * np.sin(was.yaw_rad),
            was.yaw_rad,
            was.speed_mps,
            was.yaw_rate_radps,
            was.indicator.astype(np.float64),
        )
        ego = np.ascontiguousarray(np.stack(columns, axis=-1))
        touching, caused = np.zeros((2, branches, self.slots), bool)
        pose = np.ascontiguousarray(motion.pose)
        tick_branches(
            *self.tables(int(state.seed[0])), table, self.users, self.density, state.seed, tick, clock, uid, z, pose,
            ego, touching, caused,
        )  # fmt: skip
        users, minds = split(table, branches)
        last = pose[:, -1]
        now = Ego(
            last[:, 0].copy(),
            last[:, 1].copy(),
            z,
            last[:, 2].copy(),
            motion.speed_mps,
            motion.acceleration_mps2,
            motion.yaw_rate_radps,
            motion.steering_rad,
            motion.indicator,
        )
        return WorldState(state.seed, tick, uid, now, users, minds, touching, caused)

    def scene(
        self,
        state: WorldState,
        branch: int,
        stamp_ns: int,
        route_lanes: np.ndarray,
        goal_s_m: float,
        conditions: Conditions,
        instruction: Instruction | None = None,
    ) -> Scene:
        """Return the ground truth of one branch at this moment."""
        ego, seed = state.ego, int(state.seed[branch])
        pose = np.array([ego.x_m[branch], ego.y_m[branch], ego.yaw_rad[branch]])
        colour, countdown = head_states(
            self.town, float(state.tick[branch]) * TICK_S, seed, self.faults, self.signals_start_s
        )
        return Scene(
            stamp_ns=stamp_ns,
            seed=seed,
            town=str(self.town.meta.get("name", "")),
            ego_pose=pose,
            ego_z_m=float(ego.z_m[branch]),
            ego_speed_mps=float(ego.speed_mps[branch]),
            ego_acceleration_mps2=float(ego.acceleration_mps2[branch]),
            ego_yaw_rate_radps=float(ego.yaw_rate_radps[branch]),
            ego_steering_rad=float(ego.steering_rad[branch]),
            ego_indicator=int(ego.indicator[branch]),
            users=state.users[branch],
            visible=visible(self.sight.walls, state.users[branch], pose, float(ego.z_m[branch])),
            touching=state.touching[branch],
            caused_by_user=state.caused_by_user[branch],
            signal_colour=colour,
            signal_countdown_s=countdown,
            route_lanes=np.asarray(route_lanes),
            goal_s_m=float(goal_s_m),
            conditions=conditions,
            instruction=instruction,
            acts=self._acts(state, branch),
        )

    def _acts(self, state: WorldState, branch: int) -> np.ndarray | None:
        actors = len(self._stage.actor)
        if not actors:
            return None
        here = state.minds.actor[branch, :actors] == np.arange(actors)
        return np.where(here, state.minds.act[branch, :actors] - 1, -2).astype(np.int32)

    def range_scan(self, state: WorldState, branch: int, stamp_ns: int) -> RangeScan:
        """Return what the twelve cones measure around the ego of one branch."""
        ego = state.ego
        pose = np.array([ego.x_m[branch], ego.y_m[branch], ego.yaw_rad[branch]])
        seed, tick = int(state.seed[branch]), int(state.tick[branch])
        bearing, distance = measure(self.sight.walls, pose, float(ego.z_m[branch]), state.users[branch], seed, tick)
        return RangeScan(stamp_ns, bearing, distance)
