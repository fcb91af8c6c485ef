"""Rehearsals: is a scenario a fair test? Before anybody is judged by it, some try it who can drive nothing.

In: a family and a seed; out: where it takes place, who overlaps whom at its start, which acts came, and the verdicts on
one who stands still and one who keeps 6 m/s whatever comes. The first must never pass and the second rarely; the acts
must come for the second, or for a third who drives at the limit and stops for what is in its way (`ride.follower`).
"""

import json
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.rates import ticks_of
from xiaolu.core.users import Kind, Thing, Users
from xiaolu.evaluation.referee import Judgement, Referee
from xiaolu.evaluation.track import Track
from xiaolu.evaluation.verdict import Outcome, judge
from xiaolu.measures.geometry import clearance_m
from xiaolu.ride.config import scenario_config
from xiaolu.ride.follower import Follower
from xiaolu.ride.ride import Ride
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath
from xiaolu.world.scenarios.family import Family, SiteQuery
from xiaolu.world.scenarios.format import BUILT_IN, load_family
from xiaolu.world.scenarios.frame import RouteFrame
from xiaolu.world.scenarios.sample import Scenario, scenario_of, town_order
from xiaolu.world.scenarios.streets import streets_of
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.script import When
from xiaolu.world.town import Town
from xiaolu.world.world import World

STEADY_MPS = 6.0
STANDS_S = 2.0  # standing at the goal for 1 s is arriving; who has not arrived by then by standing never will
WAITS_S, MOST_S = 25.0, 120.0  # the heedful one gives up after standing so long, or driving so long
LOOKS_S = 2.0  # how often it is asked whether enough has been seen of a ride

DRIVE_ON = "does_not_stop_for"  # where that is asked, it is right to drive on, and a constant speed may pass

Enough = Callable[[Referee], bool]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One scenario tried. town: empty where no place was found, `why` then says so.

    overlaps: pairs that are in each other at the start. missed: actors whose first act with a trigger never came.
    outcomes: by who drove (`stands`, `steady`); judged: check -> what it said of each of them, 1 holds, 0 not,
    None could not be said. reset_ms: CPU time from family and seed to the first scene, the town being there.
    room_m: what stays free beside what stands in the road, see `room_to_spare_m`; None where nothing does.
    file: which text of the family it was.
    """

    family: str
    seed: int
    town: str = ""
    why: str = ""
    reset_ms: float = 0.0
    overlaps: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    outcomes: dict[str, str] = field(default_factory=dict)
    judged: dict[str, list[int | None]] = field(default_factory=dict)
    room_m: float | None = None
    file: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """What rides in one town share."""

    town: Town
    world: World
    ground: Ground


def overlaps(scenario: Scenario, users: Users, ego_pose: np.ndarray) -> tuple[str, ...]:
    """Return pairs of road users, the ego among them, whose outlines overlap; a door belongs in its car."""
    names = {uid: name for name, uid in scenario.actors.items()}
    index = np.flatnonzero(users.active)
    some = users[index]
    label = [
        "ego",
        *(names.get(int(uid), Kind(int(k)).name.lower()) for uid, k in zip(some.uid, some.kind, strict=True)),
    ]
    door = np.append(False, (some.kind == Kind.OBJECT) & (some.style == Thing.CAR_DOOR))
    props = np.append(False, (some.kind == Kind.OBJECT) & (some.style == Thing.PROP))
    yaw = float(ego_pose[2])
    middle = ego_pose[:2] + EGO_BODY.centre_x_m * np.array([np.cos(yaw), np.sin(yaw)])
    ego = np.array([[*middle, yaw, EGO_BODY.length_m, EGO_BODY.width_m]])
    box = np.stack([some.x_m, some.y_m, some.yaw_rad, some.length_m, some.width_m], axis=-1)
    box = np.concatenate([ego, box])
    meets = clearance_m(box[:, None], box[None]) <= 0.0
    meets &= ~(door[:, None] | door[None]) & ~(props[:, None] & props[None])
    return tuple(f"{label[i]} {label[j]}" for i, j in np.argwhere(np.triu(meets, 1)))


def room_to_spare_m(scenario: Scenario) -> float:
    """Return the least room left beside what stands in the road, once the ego and the clearances asked for have theirs.

    Infinite where nothing that a clearance is asked to stands there; below 0 no driver could pass it as asked.
    """
    asked = {c.values["actor"]: float(c.values["least_m"]) for c in scenario.checks
             if c.name == "keeps_clearance_m" and c.values.get("actor")}  # fmt: skip
    path = RoutePath(scenario.town, scenario.plan)
    frame = RouteFrame(scenario.town, path, scenario.anchor_s_m, streets_of(scenario.town).ground, scenario.marks)
    standing = []
    for name, uid in scenario.actors.items():
        actor = scenario.script.actors[uid]
        moves = actor.lines or actor.lanes or any(act.speed_mps or act.offset_m for act in actor.acts)
        if moves:
            continue
        s_m, left_m = frame.of(actor.pose[0], actor.pose[1], 0.0, 200.0)
        yaw = actor.pose[3] - frame.pose(s_m)[3]
        along, across = abs(np.cos(yaw)), abs(np.sin(yaw))
        row = name.rsplit("-", 1)[0] if name not in asked and name.rsplit("-", 1)[-1].isdigit() else name
        half = 0.5 * (across * actor.length_m + along * actor.width_m)
        reach = 0.5 * (along * actor.length_m + across * actor.width_m)
        standing.append((s_m, left_m - half, left_m + half, reach, asked.get(row, 0.0), row in asked))
    least = np.inf
    for s_m, _, _, reach, _, matters in standing:
        right, left = frame.edges(s_m)
        beside = [one for one in standing if abs(one[0] - s_m) < reach + one[3] and one[2] > right and one[1] < left]
        if not matters or not beside:
            continue
        walls = [(right, right, 0.0), *sorted((one[1], one[2], one[4]) for one in beside), (left, left, 0.0)]
        best, end, keep = -np.inf, right, 0.0
        for low, high, clear in walls:
            best = max(best, low - end - keep - clear - EGO_BODY.width_m)
            if high >= end:
                end, keep = high, clear
        least = min(least, best)
    return float(least)


def drive(scenario: Scenario, stage: Stage, driver: Follower, most_s: float, enough: Enough | None = None) -> Judgement:
    """Return the judgement of a ride that goes to its end, or until somebody has seen enough of it."""
    config = scenario_config(scenario)
    ride = Ride(config, driver, world=stage.world)
    referee = Referee(scenario.town, ride.path, stage.ground, plans=False)
    stood = 0
    for tick in range(ticks_of(min(most_s, config.max_s))):
        if ride.done:
            break
        step = ride.step()
        referee.on_step(step)
        stood = stood + 1 if abs(step.scene.ego_speed_mps) < 0.1 and tick > ticks_of(STANDS_S) else 0
        if stood > ticks_of(WAITS_S) or (enough and tick % ticks_of(LOOKS_S) == 0 and enough(referee)):
            break
    end = ride.end
    return referee.judge(bool(end and end.arrived), end.reason if end else "called off")


def missed_acts(scenario: Scenario, *tracks: Track) -> tuple[str, ...]:
    """Return the actors whose first act with a trigger came in none of the rides."""
    came = np.max([track.column("actor_act").max(axis=0, initial=-1) for track in tracks], axis=0)
    out = []
    for name, uid in scenario.actors.items():
        waiting = [k for k, act in enumerate(scenario.script.actors[uid].acts) if act.when != When.AT_ONCE]
        if waiting and came[uid] < waiting[0]:
            out.append(name)
    return tuple(out)


def rehearse(family: Family, seed: int, towns: Towns, stage_of: Callable[[Town], Stage], file: int = 0) -> Rehearsal:
    """Return what a family's seed comes to. stage_of: the shared parts of a town, kept by whoever asks."""
    try:
        scenario = scenario_of(family, seed, towns)
    except ValueError as error:
        return Rehearsal(family.name, seed, why=str(error), file=file)
    stage = stage_of(scenario.town)
    config = scenario_config(scenario)
    began_s = time.process_time()
    scenario = scenario_of(family, seed, towns)
    first = Ride(config, Follower(scenario.town, scenario.plan, 0.0), world=stage.world).scene()
    reset_ms = (time.process_time() - began_s) * 1e3

    def follower(speed_mps: float | None, heeds: bool = False) -> Follower:
        return Follower(scenario.town, scenario.plan, speed_mps, heeds)

    def lost(referee: Referee) -> bool:
        return not missed_acts(scenario, referee.track) and referee.fresh_intervention() is not None

    rides = {
        "stands": drive(scenario, stage, follower(0.0), STANDS_S),
        "steady": drive(scenario, stage, follower(STEADY_MPS), MOST_S, lost),
    }
    missed = missed_acts(scenario, rides["steady"].track)
    if missed:
        track = rides["steady"].track
        heeds = drive(
            scenario, stage, follower(None, True), MOST_S, lambda r: not missed_acts(scenario, track, r.track)
        )
        missed = missed_acts(scenario, track, heeds.track)
    verdicts = {who: judge(scenario, ride) for who, ride in rides.items()}
    judged: dict[str, list[int | None]] = {}
    for verdict in verdicts.values():
        for number, finding in enumerate(verdict.findings):
            holds = None if finding.holds is None else int(finding.holds)
            judged.setdefault(f"{number} {finding.check}", []).append(holds)
    room_m = room_to_spare_m(scenario)
    return Rehearsal(
        family.name,
        seed,
        town=f"{scenario.town_family} {scenario.town_seed}",
        reset_ms=round(reset_ms, 1),
        overlaps=overlaps(scenario, first.users, first.ego_pose),
        missed=missed,
        outcomes={who: str(verdict.outcome) for who, verdict in verdicts.items()},
        judged=judged,
        room_m=round(room_m, 2) if np.isfinite(room_m) else None,
        file=file,
    )


def rehearse_all(names: list[str], seeds: range, out: Path, towns: Towns) -> Iterator[Rehearsal]:
    """Yield the rehearsals of families and seeds, a line of `out` each; those that stand there already are not redone.

    They come town by town, so that each town is made ready once.
    """
    families = {family.name: family for family in map(load_family, names)}
    files = {family.name: _file_of(name) for name, family in zip(names, families.values(), strict=True)}
    known = {(r.family, r.seed): r for r in read_rehearsals(out) if files.get(r.family) == r.file}
    wanted = [(name, seed) for name in families for seed in seeds]
    yield from (known[key] for key in wanted if key in known)
    stages: dict[str, Stage] = {}

    def stage_of(town: Town) -> Stage:
        key = town.digest()
        if key not in stages:
            stages.clear()
            stages[key] = Stage(town, World(town), Ground(town))
        return stages[key]

    def place(key: tuple[str, int]) -> tuple:
        family = families[key[0]]
        first = town_order(family, key[1])[0] if isinstance(family.site, SiteQuery) else ("", 0)
        return (*first, *key)

    out.parent.mkdir(parents=True, exist_ok=True)
    for name, seed in sorted((key for key in wanted if key not in known), key=place):
        row = rehearse(families[name], seed, towns, stage_of, files[name])
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")
        yield row


def read_rehearsals(path: Path) -> list[Rehearsal]:
    """Return the rehearsals that a file holds, the last one of a family and seed; none where there is no file."""
    rows: dict[tuple[str, int], Rehearsal] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            raw = json.loads(line)
        except json.JSONDecodeError:
            continue  # the line a kill cut short
        row = Rehearsal(**{**raw, "overlaps": tuple(raw["overlaps"]), "missed": tuple(raw["missed"])})
        rows[row.family, row.seed] = row
    return list(rows.values())


def _file_of(name: str) -> int:
    """Return what tells one text of a family's file from another."""
    path = Path(name) if name.endswith(".toml") else None
    text = path.read_bytes() if path else resources.files("xiaolu").joinpath(BUILT_IN, f"{name}.toml").read_bytes()
    return zlib.crc32(text)


def faults(rows: list[Rehearsal]) -> list[str]:
    """Return what is wrong with one family, in words; nothing where its rehearsals show it to be a fair test."""
    found = []
    staged = [row for row in rows if row.town]
    if len(staged) < len(rows):
        found.append(f"no place for {len(rows) - len(staged)} of {len(rows)} seeds")
    if not staged:
        return found
    pairs = sorted({pair for row in staged for pair in row.overlaps})
    if pairs:
        hit = sum(bool(row.overlaps) for row in staged)
        found.append(f"overlap at the start in {hit}: {', '.join(pairs[:3])}")
    narrow = [row.room_m for row in staged if row.room_m is not None and row.room_m < 0.0]
    if narrow:
        found.append(f"no room to keep the clearance asked for in {len(narrow)}, short of {-min(narrow):.1f} m")
    missed = sorted({name for row in staged for name in row.missed})
    if missed:
        found.append(f"acts of {', '.join(missed[:3])} never came in {sum(bool(row.missed) for row in staged)}")
    still = sum(row.outcomes["stands"] == Outcome.PASS for row in staged)
    if still:
        found.append(f"standing still passes {still}")
    steady = sum(row.outcomes["steady"] == Outcome.PASS for row in staged)
    drives_on = any(check.endswith(DRIVE_ON) for row in staged for check in row.judged)
    if steady > 0.5 * len(staged) and not drives_on:
        found.append(f"a constant {STEADY_MPS:g} m/s passes {steady} of {len(staged)}")
    said: dict[str, set[int | None]] = {}
    for row in staged:
        for check, values in row.judged.items():
            said.setdefault(check.split(" ", 1)[1], set()).update(values)
    unasked = sorted(check for check, values in said.items() if values == {None})
    if unasked:
        found.append(f"never had anything to judge: {', '.join(unasked)}")
    return found


def table(rows: list[Rehearsal]) -> str:
    """Return a line a family: places found, staged without overlap, acts that came, who passed, reset time, faults."""
    lines = [f"{'family':26} {'places':>7} {'clean':>6} {'acts':>5} {'stands':>7} {'steady':>7} "
             f"{'reset ms':>9}  towns; faults"]  # fmt: skip
    for name in sorted({row.family for row in rows}):
        own = [row for row in rows if row.family == name]
        staged = [row for row in own if row.town]
        passes = [sum(row.outcomes.get(who) == Outcome.PASS for row in staged) for who in ("stands", "steady")]
        towns: dict[str, int] = {}
        for row in staged:
            kind = row.town.split(" ")[0]
            towns[kind] = towns.get(kind, 0) + 1
        reset = np.median([row.reset_ms for row in staged]) if staged else np.nan
        told = ", ".join(f"{kind} {count}" for kind, count in sorted(towns.items()))
        lines.append(
            f"{name:26} {len(staged):3}/{len(own):<3} {sum(not row.overlaps for row in staged):6} "
            f"{sum(not row.missed for row in staged):5} {passes[0]:7} {passes[1]:7} {reset:9.0f}  {told}"
            + "".join(f"; {fault}" for fault in faults(own))
        )
    return "\n".join(lines)
