"""One task driven to its end and judged. In: a task and a driver's name; out: its row of the JSON, and the record.

After an intervention the teacher drives for `measures.interventions.WINDOW_S`, then hands back.
"""

import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from xiaolu.cameras.renderer import Renderer
from xiaolu.core.conditions import CONDITIONS
from xiaolu.core.episode import Event, Header, Step
from xiaolu.core.protocols import Driver, SceneDriver
from xiaolu.core.rates import ticks_of
from xiaolu.core.score import Score
from xiaolu.episodes.rides import Pictures, RideWriter
from xiaolu.evaluation.referee import Judgement, Referee
from xiaolu.evaluation.suites import Task
from xiaolu.evaluation.verdict import Outcome, Verdict, judge
from xiaolu.measures import interventions as rules
from xiaolu.ride.config import RideConfig, ambient_config, scenario_config
from xiaolu.ride.drivers import make_driver
from xiaolu.ride.ride import Ride
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath, RoutePlan
from xiaolu.world.scenarios.format import load_family
from xiaolu.world.scenarios.sample import Scenario, scenario_of
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import Town, load_town
from xiaolu.world.world import World

MAX_S_PER_M = 0.9  # a ride is called off after this long for each metre of its route: 4 km/h on average
LEAST_S = 60.0
CALLED_OFF = "called off: too slow"
CRASHED = "crash"
BENCHES = 5  # towns kept at hand
Takeover = Callable[[Town, RoutePlan], Driver | SceneDriver]


@dataclass(frozen=True, slots=True)
class Bench:
    """What rides in one town share."""

    ground: Ground
    world: World
    renderer: Renderer | None


class Benches:
    """Keeps the parts of the towns that were ridden in last."""

    def __init__(self, cameras: bool) -> None:
        self._cameras = cameras
        self._kept: OrderedDict[tuple, Bench] = OrderedDict()
        self._towns: dict[Path, Town] = {}

    def town(self, path: Path) -> Town:
        """Return the town in a file, read once."""
        if path not in self._towns:
            self._towns[path] = load_town(path)
        return self._towns[path]

    def of(self, config: RideConfig) -> Bench:
        """Return what a ride shares with others in its town; a renderer only where a driver looks."""
        town = config.town
        key = (town.digest(), config.users, config.density)
        if key not in self._kept:
            while len(self._kept) >= BENCHES:
                _, old = self._kept.popitem(last=False)
                if old.renderer is not None:
                    old.renderer.close()
            world = World(town, users=config.users, density=config.density)
            self._kept[key] = Bench(Ground(town), world, Renderer(town) if self._cameras else None)
        self._kept.move_to_end(key)
        return self._kept[key]


@dataclass(frozen=True, slots=True)
class Driven:
    """A ride that was driven: its header, steps without pictures, and what was made of it."""

    header: Header
    steps: list[Step]
    end: tuple[Event, ...]
    judgement: Judgement
    verdict: Verdict | None


def judged_ride(
    config: RideConfig,
    bench: Bench,
    own: Driver | SceneDriver,
    scenario: Scenario | None = None,
    takeover: Takeover = lambda town, route: make_driver("teacher", town, route),
) -> Driven:
    """Drive one ride to its end and judge it; `takeover` makes who takes the wheel after an intervention."""
    config = config.with_route()
    town, route = config.town, config.route
    assert route is not None
    ride = Ride(config, own, bench.renderer, world=bench.world)
    referee = Referee(town, RoutePath(town, route), bench.ground)
    steps: list[Step] = []
    resumes = -1
    for tick in range(ticks_of(config.max_s)):
        if ride.done:
            break
        if tick == resumes:
            ride.driver = own
        step = ride.step()
        steps.append(replace(step, observation=replace(step.observation, frames=())))
        referee.on_step(step)
        if tick > resumes and referee.fresh_intervention() is not None:
            ride.driver = takeover(town, route)
            resumes = tick + ticks_of(rules.WINDOW_S)
    if not ride.done:
        ride.stop(CALLED_OFF)
    end = ride.end
    assert end is not None
    judgement = referee.judge(end.arrived, end.reason)
    verdict = judge(scenario, judgement) if scenario is not None else None
    return Driven(config.header(own.name), steps, end.events, judgement, verdict)


def config_of_task(task: Task, benches: Benches, towns: Towns) -> tuple[RideConfig, Scenario | None]:
    """Return the ride a task stands for. Raises ValueError where no town has a place for it."""
    if task.scenario:
        scenario = scenario_of(load_family(task.family), task.seed, towns)
        return scenario_config(scenario), scenario
    if task.ambient:
        config = ambient_config(task.family, task.seed, towns)
    else:
        assert task.town is not None
        config = RideConfig(
            benches.town(task.town), task.seed, length_m=task.length_m, conditions=CONDITIONS[task.conditions]
        )
    config = config.with_route()
    assert config.route is not None
    return replace(config, max_s=max(LEAST_S, MAX_S_PER_M * config.route.length_m)), None


def row_of_task(
    task: Task, driver: str, benches: Benches, towns: Towns, logs: Path | None = None, threads: int = 1
) -> tuple[dict[str, Any], np.ndarray]:
    """Return (row, wall_s (T,)) of a task. Whatever goes wrong makes a row that did not pass; nothing is raised.

    A scenario without a place is invalid; any other exception is a crash, told with its last lines. With `logs`, the
    ride log of everything that did not pass is left there.
    """
    try:
        config, scenario = config_of_task(task, benches, towns)
    except ValueError as error:
        return row_without_ride(task, Outcome.INVALID.value, str(error)), np.empty(0)
    except Exception:
        return row_without_ride(task, CRASHED, told_error()), np.empty(0)
    try:
        assert config.route is not None
        own = make_driver(driver, config.town, config.route, threads=threads)
        driven = judged_ride(config, benches.of(config), own, scenario)
    except Exception:
        return row_without_ride(task, CRASHED, told_error(), config), np.empty(0)
    row = row_of(task, driven.judgement, driven.verdict, config)
    if scenario is not None:
        row["parameters"] = scenario.parameters
    if logs is not None and not row["passed"]:
        write_log(logs / f"{task.label}.mcap", driven)
        row["log"] = f"{logs.name}/{task.label}.mcap"
    return row, driven.judgement.track.column("wall_s")


def write_log(path: Path, driven: Driven) -> None:
    """Leave the ride log of a ride, without pictures; the referee's events stand in it beside the ride's own."""
    writer = RideWriter(path, pictures=Pictures.NONE)
    writer.on_start(driven.header)
    for step in driven.steps:
        writer.on_step(step)
    writer.on_end(driven.end)


def told_error() -> str:
    """Return the present exception in one line: what it is and where."""
    lines = [line.strip() for line in traceback.format_exc().strip().splitlines()]
    place = next((line for line in reversed(lines) if line.startswith("File ")), "")
    return f"{lines[-1]} ({place.replace('File ', '').replace(chr(34), '')})"


def _events(events: tuple[Event, ...]) -> list[dict[str, Any]]:
    return [{"kind": e.kind, "from_s": e.from_ns / 1e9, "to_s": e.to_ns / 1e9, "detail": e.detail} for e in events]


def _score(score: Score) -> dict[str, Any]:
    return {
        "value": score.value,
        "unit": score.unit,
        "valid": score.valid,
        "why": score.why,
        "from_s": score.from_ns / 1e9,
        "to_s": score.to_ns / 1e9,
    }


def _of_task(task: Task, config: RideConfig | None) -> dict[str, Any]:
    return {
        "ride": task.label,
        "seed": task.seed,
        "family": task.family,
        "town": str(config.town.meta.get("name", "town")) if config else "",
        "town_digest": config.town.digest() if config else "",
        "conditions": next((n for n, c in CONDITIONS.items() if c == config.conditions), "") if config else "",
    }


def row_of(task: Task, judgement: Judgement, verdict: Verdict | None, config: RideConfig) -> dict[str, Any]:
    """Return one ride's entry of the JSON; its fields are documented in docs/evaluation.md."""
    if verdict is not None:
        outcome = verdict.outcome
    else:
        outcome = Outcome.PASS if judgement.arrived and not judgement.counted else Outcome.FAIL
    findings = verdict.findings if verdict is not None else ()
    return _of_task(task, config) | {
        "outcome": outcome.value,
        "arrived": judgement.arrived,
        "passed": outcome is Outcome.PASS,
        "reason": judgement.reason,
        "broken": list(verdict.broken) if verdict is not None else [],
        "duration_s": judgement.duration_s,
        "route_m": judgement.route_m,
        "progress_m": judgement.progress_m,
        "own_m": judgement.own_m,
        "interventions": _events(judgement.counted),
        "taken_s": [stamp / 1e9 for stamp in judgement.taken_ns],
        "events": _events(judgement.events),
        "scores": {score.name: _score(score) for score in judgement.scores},
        "rules": {
            ruling.rule.name: {"holds": ruling.holds, "source": ruling.rule.source} | _score(ruling.score)
            for ruling in judgement.rulings
        },
        "checks": [{"check": f.check, "holds": f.holds} | _score(f.score) for f in findings],
        "parameters": {},
        "log": "",
    }


def row_without_ride(task: Task, outcome: str, reason: str, config: RideConfig | None = None) -> dict[str, Any]:
    """Return the entry of a task that came to no end: it crashed, or there is no place for it. It never passes."""
    return _of_task(task, config) | {
        "outcome": outcome,
        "arrived": False,
        "passed": False,
        "reason": reason,
        "broken": [reason],
        "duration_s": 0.0,
        "route_m": 0.0,
        "progress_m": 0.0,
        "own_m": 0.0,
        "interventions": [],
        "taken_s": [],
        "events": [],
        "scores": {},
        "rules": {},
        "checks": [],
        "parameters": {},
        "log": "",
    }
