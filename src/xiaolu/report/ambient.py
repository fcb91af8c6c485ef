"""`xiaolu scenario ambient`: what is met per km on ambient rides, counted on rides that follow the way.

They stop for red and for who is in the way, and drive through what is parked: it is met, and holds up nobody's count.
"""

from collections import Counter
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.episode import Step
from xiaolu.core.frames import to_child, wrap_angle
from xiaolu.core.rates import ticks_of
from xiaolu.core.users import ON_FOOT, Kind
from xiaolu.ride.config import ambient_config
from xiaolu.ride.follower import Follower
from xiaolu.ride.ride import Ride
from xiaolu.world.routing import RoutePath
from xiaolu.world.scenarios.ambient import FILE
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import LaneKind, PropKind, Town
from xiaolu.world.world import World

NEAR_M = 12.0  # who comes abreast within this is met
NARROW_M = 5.5  # of both directions together
IN_WAY_M = 2.2  # to the sides of the ego's middle: who is that near ahead of it is in its way
AHEAD_M = 25.0
WAITS_S, STANDS_MPS = 90.0, 0.1  # a red may last that long; who stands longer is stuck, and the next ride begins
MOST_RIDES_PER_KM = 20
PLURAL = {Kind.BUS: "buses", Kind.CHILD: "children"}


class Measured(NamedTuple):
    """What was met per km; how many km that was, in how many rides."""

    per_km: dict[str, float]
    km: float
    rides: int


def met(town: Town, path: RoutePath, steps: list[Step]) -> Counter[str]:
    """Return how often what was met on a ride: each road user once, each thing of the town once."""
    out: Counter[str] = Counter()
    abreast: set[int] = set()
    ahead: set[int] = set()
    for step in steps:
        users = step.scene.users
        index = np.flatnonzero(users.active)
        place = to_child(step.scene.ego_pose, np.stack([users.x_m[index], users.y_m[index]], axis=-1))
        for n, (x, y) in zip(index, place, strict=True):
            uid, kind = int(users.uid[n]), Kind(int(users.kind[n]))
            on_foot = kind in ON_FOOT
            if uid not in ahead and on_foot and 0.0 < x - EGO_BODY.front_x_m < AHEAD_M and abs(y) < IN_WAY_M:
                ahead.add(uid)
                out["people_in_the_way"] += 1
            if uid in abreast or not (abs(x) < 3.0 and abs(y) < NEAR_M):
                continue
            abreast.add(uid)
            parked = uid >= 1 << 40
            if kind == Kind.OBJECT:
                continue
            out["parked_cars" if parked else PLURAL.get(kind, f"{kind.name.lower()}s")] += 1
            towards = abs(wrap_angle(users.yaw_rad[n] - step.scene.ego_pose[2])) > 2.3
            if not parked and not on_foot and towards and abs(y) < 6.0:
                out["oncoming"] += 1
                ego_x, ego_y = (float(value) for value in step.scene.ego_pose[:2])
                lane = path.lane_at(float(path.project(ego_x, ego_y, 0.0, path.length_m)[0]))
                out["oncoming_in_a_narrow_lane"] += town.lane_twin[lane] >= 0
    driven = path.lane_index[np.searchsorted(path.s_m, _driven_m(path, steps)) - 1]
    lanes = path.plan.lanes[: int(driven) + 1]
    entered = {int(lane) for _, _, lane in path.junctions if lane in lanes}
    out["junctions"] += len(entered)
    out["signals"] += sum(town.lane_signal[lane] >= 0 for lane in entered)
    for lane in entered:
        meets = town.cross_lane[town.cross_start[lane] : town.cross_start[lane + 1]]
        out["crossings"] += bool((town.lane_kind[meets] == LaneKind.CROSSING).any())
    solid = np.isin(town.prop_kind, (PropKind.BOLLARD, PropKind.STALL, PropKind.GATE))
    for x, y, _ in town.prop_pose[solid]:
        out["bollards_stalls_gates"] += bool(np.hypot(path.points[:, 0] - x, path.points[:, 1] - y).min() < 4.0)
    return out


def _driven_m(path: RoutePath, steps: list[Step]) -> float:
    s_m = 0.0
    for step in steps[::5]:
        s_m = float(path.project(step.scene.ego_pose[0], step.scene.ego_pose[1], s_m)[0])
    return max(s_m, 1.0)


def measure_ambient(
    family: str, km: float, seed: int, towns: Towns, on_ride: Callable[[float], None] = lambda km: None
) -> Measured:
    """Return what is met per km, over so many km of rides in a town family's towns: seeds from `seed` on.

    on_ride: told after every ride how many km that was.
    """
    total: Counter[str] = Counter()
    driven_m, rides = 0.0, 0
    worlds: dict[str, World] = {}
    while driven_m < km * 1000.0 and rides < MOST_RIDES_PER_KM * max(km, 1.0):
        config = ambient_config(family, seed + rides, towns).with_route()
        assert config.route is not None
        key = config.town.digest()
        worlds.setdefault(key, World(config.town, users=config.users, density=config.density))
        driver = Follower(config.town, config.route, None, heeds=True, through_parked=True)
        ride = Ride(config, driver, world=worlds[key])
        steps: list[Step] = []
        stood = 0
        while not ride.done and ride.stamp_ns < config.max_s * 1e9 and stood < ticks_of(WAITS_S):
            steps.append(ride.step())
            stood = stood + 1 if steps[-1].scene.ego_speed_mps < STANDS_MPS and len(steps) > 20 else 0
        path = RoutePath(config.town, config.route)
        total += met(config.town, path, steps)
        ridden_m = _driven_m(path, steps)
        driven_m += ridden_m
        rides += 1
        on_ride(ridden_m / 1000.0)
    per_km = {name: round(1000.0 * count / driven_m, 2) for name, count in sorted(total.items())}
    return Measured(per_km, driven_m / 1000.0, rides)


def write_measured(path: Path, family: str, met_per_km: dict[str, float], note: str) -> None:
    """Put a family's measured figures into a table's file, in place of those it held; where there is no such file yet,
    into a copy of the table that comes with the package."""
    table = path if path.exists() else resources.files("xiaolu").joinpath(*FILE)
    lines, kept, skipping = table.read_text(encoding="utf-8").splitlines(), [], False
    for line in lines:
        if line.startswith("["):
            skipping = line.strip() == f"[{family}.met_per_km]"
        if not skipping:
            kept.append(line)
    while kept and not kept[-1].strip():
        kept.pop()
    kept += ["", f"[{family}.met_per_km]", f"# {note}", *(f"{name} = {value}" for name, value in met_per_km.items())]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
