"""How fast the teacher answers "what if", and whether its short cuts change the answer: JSON out.

    python benchmarks/what_if.py --rides 8 --out FILE.json
    python benchmarks/what_if.py --rides 0 --families cut-in jaywalker --towns runs/towns --out FILE.json

States of validation rides that the teacher drives. The reference drives each strategy alone, asks the teacher at every
tick and leaves nobody out. Time is the process's own: of one core, whoever else is at work on the machine.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from xiaolu.core.rates import ticks_of
from xiaolu.expert.teacher import Teacher
from xiaolu.measures.imagination import Outcome, worths
from xiaolu.ride.config import RideConfig, scenario_config
from xiaolu.ride.drivers import BUNDLED_TOWN
from xiaolu.ride.ride import Ride
from xiaolu.ride.what_if import STRATEGIES, what_if
from xiaolu.world.scenarios.format import load_family
from xiaolu.world.scenarios.sample import scenario_of
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import load_town

SEED = 800_001  # validation
APART_S, STATES = 3.5, 5  # states of a ride: so far apart, so many at most
LITTLE = 0.01  # of worth: 10 cm of 10 m progress, or 0.07 s of time to collision
FLAGS = ("contact", "off_road", "red")


def states_of(config: RideConfig, apart_s: float = APART_S, states: int = STATES) -> Iterator[tuple[Ride, Teacher]]:
    """Yield a ride of the teacher's at several of its moments."""
    config = config.with_route()
    assert config.route is not None
    teacher = Teacher(config.town, config.route)
    ride = Ride(config, teacher)
    for _ in range(states):
        for _ in range(ticks_of(apart_s)):
            if not ride.done:
                ride.step()
        if ride.done:
            return
        yield ride, teacher


def configs_of(rides: int, families: list[str], seeds: int, towns: Path | None) -> Iterator[RideConfig]:
    """Yield rides in the bundled town, and of scenario families."""
    town = load_town(BUNDLED_TOWN)
    for seed in range(SEED, SEED + rides):
        yield RideConfig(town, seed)
    for name in families:
        for seed in range(SEED, SEED + seeds):
            yield scenario_config(scenario_of(load_family(name), seed, Towns(towns)))


def answered(ride: Ride, teacher: Teacher, **how: Any) -> tuple[list[Outcome], float]:
    """Return the outcomes of all strategies, and the seconds that took."""
    began = time.process_time()
    tried = what_if(ride, teacher, STRATEGIES, **how)
    return [t.outcome for t in tried], time.process_time() - began


def reference(ride: Ride, teacher: Teacher) -> list[Outcome]:
    """Return the outcomes of strategies driven one by one, asked at every tick, with everybody there."""
    return [what_if(ride, teacher, (s,), every=1, longest=0, culled=False)[0].outcome for s in STRATEGIES]


def flags(outcome: Outcome) -> tuple[bool, bool, bool]:
    return outcome.first_contact_s is not None, outcome.off_road, outcome.red


def agreement(real: list[list[Outcome]], found: list[list[Outcome]]) -> dict[str, Any]:
    """Return how far answers (a list of outcomes a state) agree with the reference.

    preferred_same: share of states in which the same strategy is worth most, preferred_as_good: in which the preferred
    one is worth the best or LITTLE less by the reference; regret: what that says is lost by it; flags: share of
    branches that agree, and in how many of the reference there is one.
    """
    worth = [(worths(a), worths(b)) for a, b in zip(real, found, strict=True)]
    pairs = [pair for a, b in zip(real, found, strict=True) for pair in zip(a, b, strict=True)]
    regret = [a.max() - a[b.argmax()] for a, b in worth]
    said = np.array([[flags(a), flags(b)] for a, b in pairs])
    progress = np.abs([a.progress_m - b.progress_m for a, b in pairs])
    ends = [np.hypot(*(a.trajectory[-1, :2] - b.trajectory[-1, :2])) for a, b in pairs]
    gaps = np.abs(np.concatenate([a - b for a, b in worth]))
    return {
        "states": len(real),
        "preferred_same": float(np.mean([a.argmax() == b.argmax() for a, b in worth])),
        "preferred_as_good": float(np.mean(np.array(regret) < LITTLE)),
        "regret": {"mean": float(np.mean(regret)), "most": float(np.max(regret))},
        "flags": {
            name: {"same": float((said[:, 0, n] == said[:, 1, n]).mean()), "in_reference": int(said[:, 0, n].sum())}
            for n, name in enumerate(FLAGS)
        },
        "progress_apart_m": {"mean": float(progress.mean()), "p90": float(np.quantile(progress, 0.9))},
        "ends_apart_m": {"median": float(np.median(ends)), "p90": float(np.quantile(ends, 0.9))},
        "worth_apart": {"mean": float(gaps.mean()), "p90": float(np.quantile(gaps, 0.9))},
    }


def what_if_speed(configs: Iterator[RideConfig], ways: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return states a second and agreement with the reference, for each way of asking (arguments of `what_if`)."""
    real: list[list[Outcome]] = []
    found: dict[str, list[list[Outcome]]] = {name: [] for name in ways}
    took: dict[str, list[float]] = {name: [] for name in ways}
    for config in configs:
        for ride, teacher in states_of(config):
            if not real:
                answered(ride, teacher)  # compiles, or loads what is compiled
            for name, how in ways.items():
                outcomes, seconds = answered(ride, teacher, **how)
                found[name].append(outcomes)
                took[name].append(seconds)
            real.append(reference(ride, teacher))
    return {
        name: {"states_per_s": len(real) / sum(took[name]), "strategies": len(STRATEGIES)}
        | agreement(real, found[name])
        for name in ways
    }


WAYS: dict[str, dict[str, Any]] = {
    "as_it_is": {},
    "twice_a_second": {"longest": 0},
    "every_tick": {"every": 1, "longest": 0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rides", type=int, default=8, help="rides in the bundled town")
    parser.add_argument("--families", nargs="*", default=[], help="scenario families as well")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of each family")
    parser.add_argument("--towns", type=Path, default=None, help="folder of generated towns")
    parser.add_argument("--out", type=Path, default=Path("runs/what_if.json"))
    options = parser.parse_args()
    result = what_if_speed(configs_of(options.rides, options.families, options.seeds, options.towns), WAYS)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
