"""Sampling: (family, seed) -> Scenario, a pure function. The seed says everything; the town is of its split."""

import zlib
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from xiaolu.core.chance import Purpose, generator
from xiaolu.core.conditions import CONDITIONS, Conditions
from xiaolu.core.decision import LampColour
from xiaolu.core.seeds import split_of
from xiaolu.world.generate import Family as TownFamily
from xiaolu.world.routing import RoutePath, RoutePlan
from xiaolu.world.scenarios import checks as catalogue
from xiaolu.world.scenarios.actor_ways import Drawn, MisfitError
from xiaolu.world.scenarios.family import Family, FixedRide, SiteQuery
from xiaolu.world.scenarios.frame import RouteFrame
from xiaolu.world.scenarios.sites import Place, Site, place_of, places
from xiaolu.world.scenarios.staging import Staging
from xiaolu.world.scenarios.streets import streets_of
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.scenarios.values import Value
from xiaolu.world.script import Script
from xiaolu.world.signal_faults import FaultKind, SignalFault
from xiaolu.world.signals import cycle_s, fault_at, lamp, longest_red_s, programs_of, straight_beside
from xiaolu.world.town import Town, load_town

USERS = 40
FREE_MPS, FREE_MPS2 = 8.0, 1.2  # how a driver with a free way comes up to a signal: tuned on the teacher
LAMP_AT_M = 30.0
TRIES_IN_TOWN = 6


@dataclass(frozen=True, slots=True)
class Check:
    """name: one of `checks.CHECKS`; values: its parameters, places in metres along the ride's RoutePath."""

    name: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What happens where.

    anchor_s_m: along the RoutePath of `plan`; actors: name -> uid; acts: actor -> its acts' names.

    parameters: as drawn. signals_start_s: the signal clock at the start, None: the ride seed's. start_pose: where the
    rear axle begins, None: at the route's beginning.
    """

    family: Family
    seed: int
    town_family: str
    town_seed: int
    town: Town
    plan: RoutePlan
    anchor_s_m: float
    parameters: dict[str, float | str]
    script: Script
    actors: dict[str, int]
    acts: dict[str, tuple[str, ...]]
    checks: tuple[Check, ...]
    conditions: Conditions
    condition_name: str
    density: float
    ride_seed: int
    time_limit_s: float
    route_absent: bool = False
    signal: int = -1
    faults: tuple[SignalFault, ...] = ()
    signals_start_s: float | None = None
    start_pose: tuple[float, float, float] | None = None
    start_mps: float = 0.0
    users: int = USERS
    marks: dict[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.family.name}-{self.seed}"


def scenario_of(family: Family, seed: int, towns: Towns | None = None) -> Scenario:
    """Return the scenario a family and a seed stand for. Pure, given the towns' generators.

    Raises ValueError where no town of the seed's split has such a place.
    """
    if isinstance(family.site, FixedRide):
        return _recorded(family, seed, towns or Towns())
    towns = towns or Towns()
    misfits: set[str] = set()
    for town_family, town_seed in town_order(family, seed):
        found = scenario_in(family, seed, towns.get(town_family, town_seed), town_family, town_seed, misfits)
        if found is not None:
            return found
    numbers = [number for _, number in town_order(family, seed)]
    tried = f"{', '.join(family.towns)} {min(numbers)} to {max(numbers)}"
    why = f" ({'; '.join(sorted(misfits))})" if misfits else ""
    raise ValueError(
        f"{family.name}: no {split_of(seed).value} town has a place for it{why}; looked in {tried} "
        "for [site] as the family's file asks"
    )


def town_order(family: Family, seed: int) -> list[tuple[str, int]]:
    """Return the towns (family, seed) a scenario is looked for in, in order: the split's own, then further ones."""
    split, out = split_of(seed), []
    for part, seeds in ((0, Towns.seeds(split)), (4, Towns.further_seeds(split))):
        towns = [(name, number) for name in family.towns if name in set(TownFamily) for number in seeds]
        out += [towns[k] for k in _chance(family, seed, part).permutation(len(towns))]
    return out


def _chance(family: Family, seed: int, part: int) -> np.random.Generator:
    return generator(seed, Purpose.SCENARIO, zlib.crc32(family.name.encode()), part)


def draw(family: Family, seed: int) -> Drawn:
    """Return a family's parameters for a seed."""
    chance = _chance(family, seed, 1)
    numbers: dict[str, float] = {}
    words: dict[str, str] = {}
    for parameter in family.parameters:
        share = float(chance.random())
        if parameter.words:
            words[parameter.name] = parameter.words[int(share * len(parameter.words))]
        elif parameter.numbers:
            numbers[parameter.name] = parameter.numbers[int(share * len(parameter.numbers))]
        else:
            numbers[parameter.name] = parameter.low + share * (parameter.high - parameter.low)
    return Drawn(numbers, words)


def _greatest(value: Value, family: Family) -> float:
    ranges = {p.name: p.span for p in family.parameters if not p.words}
    span = value.interval(ranges | {"site_from_m": (-20.0, 0.0), "site_to_m": (0.0, 40.0)})
    return span[1] if span is not None else 60.0


def scenario_in(
    family: Family, seed: int, town: Town, town_family: str, town_seed: int, misfits: set[str] | None = None
) -> Scenario | None:
    """Return the scenario in one town, None where it has no place for it; misfits: filled with what was lacking."""
    query = family.site
    assert isinstance(query, SiteQuery)
    ego, drawn = family.ego, draw(family, seed)
    before, after = _greatest(ego.start_before_m, family), _greatest(ego.goal_after_m, family)
    fitting = places(town, query, before, after, ego.start)
    chance = _chance(family, seed, 2)
    order: list[int] = chance.permutation(len(fitting)).tolist() if fitting else []
    for index in order[:TRIES_IN_TOWN]:
        site = fitting[index]

        known = {**drawn.numbers, "site_from_m": site.from_m, "site_to_m": site.to_m}
        start_m, goal_m = (value.at(known.__getitem__) for value in (ego.start_before_m, ego.goal_after_m))
        place = place_of(town, query, site, start_m, goal_m, ego.start)
        if place is None:
            continue
        try:
            return _staged(family, seed, town, town_family, town_seed, place, drawn)
        except MisfitError as misfit:
            if misfits is not None:
                misfits.add(str(misfit))
    return None


def _staged(
    family: Family, seed: int, town: Town, town_family: str, town_seed: int, place: Place, drawn: Drawn
) -> Scenario:
    chance = _chance(family, seed, 3)
    streets = streets_of(town)
    lane = place.site.junction_lane
    signal = int(town.lane_signal[lane]) if lane >= 0 else -1
    staging = Staging(family, place, drawn, streets, signal, int(chance.integers(1_000_000)))
    rolls = {actor.name: float(chance.random()) for actor in family.actors}
    shares = {actor.name: staging.ways.number(actor.when_share) for actor in family.actors}
    script, actors = staging.script(lambda name: rolls[name] < shares[name])
    if len(script.actors) > USERS:
        raise ValueError(f"{family.name}: {len(script.actors)} actors; valid is up to {USERS}")
    limit_s = family.time_limit_s + _reds_s(town, place.plan, signal if _sets_green(family, staging) else -1)
    names, weights = list(family.conditions), np.array(list(family.conditions.values()))
    condition = names[int(chance.choice(len(names), p=weights / weights.sum()))]
    start_mps = staging.ways.number(family.ego.start_mps)
    clock, faults = _signals(family, town, place, staging, signal, start_mps, float(chance.random()))
    return Scenario(
        family=family,
        seed=seed,
        town_family=town_family,
        town_seed=town_seed,
        town=town,
        plan=place.plan,
        anchor_s_m=place.frame.anchor_s_m,
        parameters={**drawn.numbers, **drawn.words},
        script=script,
        actors=actors,
        acts=_act_names(family, actors),
        checks=_checks(family, staging, actors, limit_s),
        conditions=CONDITIONS[condition],
        condition_name=condition,
        density=staging.ways.number(family.around.density),
        ride_seed=seed,
        time_limit_s=limit_s,
        route_absent=family.ego.told == "passenger",
        signal=signal,
        faults=faults,
        signals_start_s=clock,
        start_pose=place.start_pose,
        start_mps=start_mps,
        marks=dict(place.frame.marks),
    )


def _act_names(family: Family, actors: dict[str, int]) -> dict[str, tuple[str, ...]]:
    out = {}
    for spec in family.actors:
        members = [name for name in actors if name == spec.name or (spec.repeat and name.startswith(f"{spec.name}-"))]
        out.update({name: tuple(act.name for act in spec.acts) for name in members})
    return out


def _sets_green(family: Family, staging: Staging) -> bool:
    """Whether the family decides when its signal turns green. After yellow comes all of the red, however long, and a
    red that is extended may take the place of a short green."""
    spec = family.signals
    if spec is None:
        return False
    lamp_word, fault = staging.drawn.word(spec.lamp), staging.drawn.word(spec.fault)
    return lamp_word != "yellow" and fault != "red_extended"


def _reds_s(town: Town, plan: RoutePlan, own: int) -> float:
    """Return how long a ride may stand at the reds of its way at most, s; own: a signal that is left out."""
    columns = {int(town.lane_signal[lane]) for lane in plan.lanes} - {-1, own}
    return sum(longest_red_s(town, signal) for signal in columns)


def _checks(family: Family, staging: Staging, actors: dict[str, int], limit_s: float) -> tuple[Check, ...]:
    out = [Check(name, values) for name, values in catalogue.default_checks(limit_s)]
    present = {
        spec.name for spec in family.actors if any(n == spec.name or n.startswith(f"{spec.name}-") for n in actors)
    }
    for spec in family.checks:
        if "actor" in spec.values and spec.values["actor"] not in present:
            continue  # it did not come this time
        values: dict[str, Any] = {}
        for name, value in spec.values.items():
            rule = catalogue.CHECKS[spec.check].parameters[name]
            if isinstance(rule, catalogue.Place):
                values[name] = staging.ways.number(value) + staging.frame.anchor_s_m
            elif isinstance(value, Value):
                values[name] = staging.ways.number(value)
            elif isinstance(rule, catalogue.Word):
                values[name] = staging.drawn.word(value)
            else:
                values[name] = value
        out = [kept for kept in out if kept.name != spec.check or kept.values.get("actor") != values.get("actor")]
        out.append(Check(spec.check, values))
    return tuple(out)


def free_time_s(distance_m: float, start_mps: float) -> float:
    """Return how long a driver with a free way takes over a distance."""
    run_up = (FREE_MPS**2 - start_mps**2) / (2 * FREE_MPS2)
    if distance_m <= run_up:
        return float((np.sqrt(start_mps**2 + 2 * FREE_MPS2 * max(distance_m, 0.0)) - start_mps) / FREE_MPS2)
    return float((FREE_MPS - start_mps) / FREE_MPS2 + (distance_m - run_up) / FREE_MPS)


def _signals(
    family: Family, town: Town, place: Place, staging: Staging, signal: int, start_mps: float, share: float
) -> tuple[float | None, tuple[SignalFault, ...]]:
    """Return (signal clock at the start, faults)."""
    spec = family.signals
    if spec is None:
        return None, ()
    if signal < 0:
        raise MisfitError("no signal there")
    line = place.frame.marks["stop_line_m"] + place.frame.anchor_s_m
    way = [int(lane) for lane in place.plan.lanes]
    # Another lamp on the way there would decide when the ego comes, and what this one shows then.
    before = way[: way.index(place.site.junction_lane)] if place.site.junction_lane in way else []
    if any(town.lane_signal[lane] not in (-1, signal) for lane in before):
        raise MisfitError("another signal comes first")
    arrive_s = free_time_s(line - LAMP_AT_M - 3.75, start_mps)
    clock = None
    if spec.lamp:
        wanted = {"red": LampColour.RED, "yellow": LampColour.YELLOW, "green": LampColour.GREEN}
        clock = _clock(town, signal, int(wanted[staging.drawn.word(spec.lamp)]), spec.left_s, arrive_s, share)
        if clock is None:
            raise MisfitError(f"its signal never shows {spec.lamp} for {spec.left_s[0]:g} to {spec.left_s[1]:g} s")
    fault = staging.drawn.word(spec.fault)
    if not fault or fault == "none":
        return clock, ()
    kind = FaultKind[fault.upper()]
    from_s = max(arrive_s + staging.ways.number(spec.fault_from_s), 0.0)
    if kind is FaultKind.COUNTDOWN_JUMPS and from_s == 0.0:
        from_s = arrive_s + 3.0
    lane = int(np.flatnonzero(town.lane_signal == signal)[0])
    try:
        return clock, (fault_at(town, lane, kind, staging.ways.number(spec.fault_s), from_s),)
    except ValueError as error:
        raise MisfitError(str(error)) from error


def _clock(town: Town, signal: int, colour: int, left_s, arrive_s: float, share: float) -> float | None:
    """Return a signal clock at which a ride begins so that its signal shows a colour on arrival, None if none does.

    Before a left-turn waiting area red means that the straight lanes' lamp, too, keeps the line closed so long.
    """
    programs = programs_of(town)
    beside = straight_beside(town, signal)
    fits = []
    for start in np.arange(0.0, max(cycle_s(town, signal), 1.0), 0.5):
        now, left = lamp(programs, signal, start + arrive_s)
        if beside >= 0 and colour == LampColour.RED:
            also, until = lamp(programs, beside, start + arrive_s)
            now, left = (now, min(left, until)) if also == LampColour.RED else (also, until)
        if now == LampColour.FLASHING_GREEN:
            now = LampColour.GREEN
        if now == colour and left_s[0] <= left <= left_s[1]:
            fits.append(float(start))
    return fits[int(share * len(fits))] if fits else None


def scenario_again(family: Family, seed: int, town: Town) -> Scenario:
    """Return a scenario in the town it took place in. Raises ValueError where that town has no place for it."""
    if isinstance(family.site, FixedRide):
        return _in_its_town(family, seed, town, family.site.town, -1)
    found = scenario_in(family, seed, town, str(town.meta.get("name", "town")), -1)
    if found is None:
        raise ValueError(f"{family.name} {seed} did not take place in the town {town.meta.get('name')}")
    return found


def _recorded(family: Family, seed: int, towns: Towns) -> Scenario:
    """Return the scenario of a family that was cut out of a ride: always in its own town."""
    fixed = family.site
    assert isinstance(fixed, FixedRide)
    return _in_its_town(family, seed, *_town_named(fixed.town, towns))


def _in_its_town(family: Family, seed: int, town: Town, town_family: str, town_seed: int) -> Scenario:
    fixed = family.site
    assert isinstance(fixed, FixedRide)
    if town.digest() != fixed.digest:
        raise ValueError(f"{family.source}: site.digest: {fixed.digest!r}; the town {fixed.town} is {town.digest()}")
    lengths = town.lane_length_m[list(fixed.lanes)]
    length = float(lengths[:-1].sum() + fixed.goal_s_m - fixed.start_s_m)
    plan = RoutePlan(np.array(fixed.lanes, np.int32), fixed.start_s_m, fixed.goal_s_m, length)
    path = RoutePath(town, plan)
    marks = {"site_from_m": -10.0, "site_to_m": 10.0, "stop_line_m": -1.0}
    frame = RouteFrame(town, path, fixed.anchor_s_m, streets_of(town).ground, marks)
    pose = (fixed.start_pose[0], fixed.start_pose[1], fixed.start_pose[2]) if fixed.start_pose else None
    place = Place(Site(fixed.lanes, 0, 0.0), plan, path, frame, None, pose)
    found = _staged(family, seed, town, town_family, town_seed, place, draw(family, seed))
    return replace(found, ride_seed=fixed.ride_seed, signals_start_s=fixed.signals_start_s)


def _town_named(name: str, towns: Towns) -> tuple[Town, str, int]:
    """Return the town a file names: `family-seed`, "bundled", or the path of a town file."""
    if name == "bundled":
        with resources.as_file(resources.files("xiaolu").joinpath("assets", "town.town")) as path:
            return load_town(path), name, -1
    if name.endswith(".town"):
        return load_town(Path(name)), name, -1
    family, _, number = name.rpartition("-")
    family = "old-town" if family == "town" else family
    if not number.isdigit():
        raise ValueError(
            f"site.town: {name!r}; valid is a town's family and seed, as in old-town-850000, or a .town file"
        )
    return towns.get(family, int(number)), family, int(number)


def described(scenario: Scenario) -> str:
    """Return a scenario in words: what was drawn, who takes part, what is checked."""
    family = scenario.family
    lines = [f"{family.title} ({family.name}, seed {scenario.seed})", family.about, ""]
    lines += [f"town        {scenario.town_family} {scenario.town_seed} ({scenario.town.meta.get('name', '')})"]
    lines += [
        f"ride        {scenario.plan.length_m:.0f} m, anchor at {scenario.anchor_s_m:.1f} m, {scenario.condition_name}"
    ]
    for name, value in scenario.parameters.items():
        lines.append(f"  {name:18} {value:.2f}" if isinstance(value, float) else f"  {name:18} {value}")
    if scenario.signals_start_s is not None:
        faults = ", ".join(fault.kind.name.lower() for fault in scenario.faults) or "none"
        lines.append(f"signals     clock {scenario.signals_start_s:.1f} s at the start, faults: {faults}")
    for name, uid in scenario.actors.items():
        actor = scenario.script.actors[uid]
        acts = ", ".join(act for act in scenario.acts.get(name, ()) if act)
        lines.append(f"actor       {name} ({actor.kind.name.lower()})" + (f": {acts}" if acts else ""))
    for check in scenario.checks:
        values = ", ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in check.values.items())
        lines.append(f"check       {check.name}" + (f": {values}" if values else ""))
    return "\n".join(lines)
