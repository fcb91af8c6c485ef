"""What a ride is, before it begins. Same config, same driver, same machine: same ride, bit for bit."""

import platform
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from xiaolu import __version__
from xiaolu.core.conditions import SUN, Conditions
from xiaolu.core.episode import Header
from xiaolu.core.rates import DECISION_LATENCY_NS
from xiaolu.core.seeds import split_of
from xiaolu.ride.passenger import WORDINGS
from xiaolu.world.routing import RoutePlan, draw_ride
from xiaolu.world.scenarios.ambient import ambient_of, drawn
from xiaolu.world.scenarios.format import load_family
from xiaolu.world.scenarios.sample import Scenario, scenario_again
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.script import Script
from xiaolu.world.signal_faults import SignalFault, faults_from_text, faults_to_text
from xiaolu.world.town import Town


@dataclass(frozen=True, slots=True)
class RideConfig:
    """seed: start, goal, traffic and all chance follow from it. route: drawn from the seed, length_m long, if None.

    latency_ns: a decision takes effect this long after its stamp. driver_every: the driver is asked every so many
    ticks. route_absent: there is no phone; a passenger says the way instead, in `wishes` wordings ("train" or "test").
    users, density: how many road users at most, and how full the streets are (1 is ordinary). max_s: the ride is
    called off after this long. script: actors that take part; scenario: (family, seed) it was made from, for the
    header. start_pose: x, y, yaw of the rear axle, None: at the route's beginning; start_mps: how fast it begins.
    faults: what is wrong with signals; signals_start_s: their clock when the ride begins, None: drawn from the seed.
    """

    town: Town
    seed: int
    length_m: float = 400.0
    route: RoutePlan | None = None
    conditions: Conditions = SUN
    latency_ns: int = DECISION_LATENCY_NS
    driver_every: int = 1
    route_absent: bool = False
    wishes: str = "train"
    users: int = 40
    density: float = 1.0
    max_s: float = 600.0
    script: Script | None = None
    scenario: tuple[str, int] | None = None
    start_pose: tuple[float, float, float] | None = None
    start_mps: float = 0.0
    faults: tuple[SignalFault, ...] = ()
    signals_start_s: float | None = None

    def __post_init__(self) -> None:
        split_of(self.seed)
        if self.driver_every < 1:
            raise ValueError(f"RideConfig.driver_every: {self.driver_every}, must be at least 1 tick")
        if self.latency_ns < 0:
            raise ValueError(f"RideConfig.latency_ns: {self.latency_ns}, a decision cannot act before it is made")
        if self.wishes not in WORDINGS:
            raise ValueError(f"RideConfig.wishes: {self.wishes!r}, known wordings are {', '.join(WORDINGS)}")
        if not self.length_m > 0.0 or not self.max_s > 0.0:
            raise ValueError(f"RideConfig: length {self.length_m} m and limit {self.max_s} s must be positive")

    def with_route(self) -> "RideConfig":
        """Return the same config with its route drawn. Raises ValueError when the town has no such ride."""
        return self if self.route is not None else replace(self, route=draw_ride(self.town, self.seed, self.length_m))

    @property
    def name(self) -> str:
        """The ride's name: its scenario's or its town's, and the seed."""
        if self.scenario is not None:
            return f"{Path(self.scenario[0]).stem}-{self.scenario[1]}"
        return f"{self.town.meta.get('name', 'town')}-{self.seed}"

    def header(self, driver: str) -> Header:
        """Return the header of this ride (its route drawn) for a driver's name: enough to make the ride again."""
        route = self.with_route().route
        assert route is not None
        versions = {
            "xiaolu": __version__,
            "numpy": np.__version__,
            "machine": platform.machine(),
            "driver_every": str(self.driver_every),
            "route_absent": str(int(self.route_absent)),
            "wishes": self.wishes,
            "users": str(self.users),
            "density": repr(self.density),
            "max_s": repr(self.max_s),
            "faults": faults_to_text(self.faults),
            "signals_start_s": "" if self.signals_start_s is None else repr(self.signals_start_s),
            "route_length_m": repr(route.length_m),
        }
        if self.scenario is not None:
            versions |= {"scenario": self.scenario[0], "scenario_seed": str(self.scenario[1])}
        return Header(
            ride=self.name,
            town=str(self.town.meta.get("name", "town")),
            town_digest=self.town.digest(),
            seed=self.seed,
            driver=driver,
            conditions=self.conditions,
            start_lane=int(route.lanes[0]),
            start_s_m=route.start_s_m,
            route_lanes=route.lanes,
            goal_s_m=route.goal_s_m,
            latency_ns=self.latency_ns,
            versions=versions,
        )


def config_of(header: Header, town: Town) -> RideConfig:
    """Return the config that a header stands for. Raises ValueError when the town is not the one that was driven in."""
    if town.digest() != header.town_digest:
        raise ValueError(
            f"ride {header.ride} was driven in town {header.town} ({header.town_digest}), this one is {town.digest()}"
        )
    kept = header.versions
    length_m = float(kept["route_length_m"])
    plain = RideConfig(
        town=town,
        seed=header.seed,
        length_m=length_m,
        route=RoutePlan(np.asarray(header.route_lanes), header.start_s_m, header.goal_s_m, length_m),
        conditions=header.conditions,
        latency_ns=header.latency_ns,
        driver_every=int(kept["driver_every"]),
        route_absent=kept["route_absent"] == "1",
        wishes=kept["wishes"],
        users=int(kept["users"]),
        density=float(kept["density"]),
        max_s=float(kept["max_s"]),
        # Rides of before there were faults had none.
        faults=faults_from_text(kept["faults"]) if "faults" in kept else (),
        signals_start_s=float(kept["signals_start_s"]) if kept.get("signals_start_s") else None,
    )
    if "scenario" not in kept:
        return plain
    scenario = scenario_again(load_family(kept["scenario"]), int(kept["scenario_seed"]), town)
    again = scenario_config(scenario)
    return replace(
        plain, script=again.script, scenario=again.scenario, start_pose=again.start_pose, start_mps=again.start_mps
    )


def ambient_config(family: str, seed: int, towns: Towns | None = None) -> RideConfig:
    """Return an ambient ride in a town family: town, conditions, route and traffic follow from the seed."""
    row = ambient_of(family)
    town, conditions = drawn(family, seed, towns)
    return RideConfig(
        town=town, seed=seed, length_m=row.length_m, conditions=conditions, users=row.users, density=row.density
    )


def scenario_config(scenario: Scenario) -> RideConfig:
    """Return the ride that a scenario is."""
    return RideConfig(
        town=scenario.town,
        seed=scenario.ride_seed,
        length_m=scenario.plan.length_m,
        route=scenario.plan,
        conditions=scenario.conditions,
        route_absent=scenario.route_absent,
        users=scenario.users,
        density=scenario.density,
        max_s=scenario.time_limit_s,
        script=scenario.script,
        scenario=(scenario.family.source, scenario.seed),
        start_pose=scenario.start_pose,
        start_mps=scenario.start_mps,
        faults=scenario.faults,
        signals_start_s=scenario.signals_start_s,
    )
