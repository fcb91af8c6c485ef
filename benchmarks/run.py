"""Speed and memory, measured on this machine in one run: JSON out.

    python benchmarks/run.py --out FILE.json

Run it alone on the machine. Figures are medians of several repeats; compare ratios within one run, not absolute
numbers between machines.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from xiaolu import __version__
from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG
from xiaolu.core.control import EgoMotion
from xiaolu.core.rates import SUBSTEPS, TICK_S
from xiaolu.ride.config import RideConfig
from xiaolu.ride.drivers import BUNDLED_TOWN, SHIPPED, make_driver
from xiaolu.ride.ride import Ride
from xiaolu.vehicle.proving import prove
from xiaolu.world.routing import RoutePath, draw_ride
from xiaolu.world.state import fork
from xiaolu.world.town import load_town
from xiaolu.world.world import World

SEED = 850_000


def median_rate(work: Callable[[], int], repeats: int = 5) -> dict[str, float]:
    """Return items per second over repeats of `work`, which returns how many it did: median, lowest, highest."""
    rates = []
    for _ in range(repeats):
        began = time.perf_counter()
        count = work()
        rates.append(count / (time.perf_counter() - began))
    return {"median": float(np.median(rates)), "low": min(rates), "high": max(rates)}


def along(path: RoutePath, tick: int, branches: int) -> EgoMotion:
    """Return an ego driving its route at 6 m/s: the world's own work, without a driver."""
    s = 6.0 * TICK_S * (tick + np.arange(SUBSTEPS + 1) / SUBSTEPS)
    pose = np.repeat(path.point_at(s)[None], branches, axis=0)
    each = np.full(branches, 6.0)
    nought = np.zeros(branches)
    return EgoMotion(pose, each, nought, nought, nought, np.zeros(branches, np.int8))


def world_speed() -> dict[str, object]:
    """World steps per second, 40 users, no cameras: alone, and branch-steps at 64 branches."""
    town = load_town(BUNDLED_TOWN)
    route = draw_ride(town, SEED, 400.0)
    path = RoutePath(town, route)
    world = World(town)
    one = world.start(SEED, path.point_at(0.0))
    out: dict[str, object] = {}
    for branches, ticks in ((1, 300), (64, 30)):

        def work(branches: int = branches, ticks: int = ticks) -> int:
            state = fork(one, 0, branches)
            for tick in range(ticks):
                state = world.step(state, along(path, tick, branches))
            return ticks * branches

        work()
        out[f"branches_{branches}"] = median_rate(work)
    out["users_alive"] = int(one.users.active.sum())
    return out


def ride_of(driver: str, renderer: Renderer | None = None) -> Ride:
    town = load_town(BUNDLED_TOWN)
    route = draw_ride(town, SEED, 400.0)
    return Ride(RideConfig(town=town, seed=SEED, route=route), make_driver(driver, town, route), renderer)


def rig_speed() -> dict[str, float]:
    """Whole-rig renders per second of scenes from a ride, one core."""
    ride = ride_of("teacher")
    scenes = []
    for _ in range(100):
        scenes.append(ride.step().scene)
    renderer = Renderer(load_town(BUNDLED_TOWN))
    names = tuple(camera.name for camera in RIG)

    def work() -> int:
        for scene in scenes[::4]:
            renderer.frames(scene, names)
        return len(scenes[::4])

    work()
    rates = median_rate(work)
    renderer.close()
    return rates


def loop_speed(driver: str) -> dict[str, object]:
    """The whole loop with all cameras and the driver on two cores: real-time factor, latency, share of each room."""
    renderer = Renderer(load_town(BUNDLED_TOWN))
    ride = ride_of(driver, renderer)
    spent = {"cameras": 0.0, "driver": 0.0, "world": 0.0}

    def timed(room: str, function: Callable) -> Callable:
        def run(*arguments: object, **named: object) -> object:
            began = time.perf_counter()
            answer = function(*arguments, **named)
            spent[room] += time.perf_counter() - began
            return answer

        return run

    renderer.frames = timed("cameras", renderer.frames)  # type: ignore[method-assign]
    ride.world.step = timed("world", ride.world.step)  # type: ignore[method-assign]
    ride.world.scene = timed("world", ride.world.scene)  # type: ignore[method-assign]
    for _ in range(20):
        ride.step()
    spent.update(dict.fromkeys(spent, 0.0))
    walls, steps = [], 0
    began = time.perf_counter()
    while not ride.done and steps < 600:
        walls.append(ride.step().decision.wall_s)
        steps += 1
    total = time.perf_counter() - began
    spent["driver"] = float(np.sum(walls))
    spent["rest"] = total - sum(spent.values())
    renderer.close()
    return {
        "steps_per_s": steps / total,
        "real_time_factor": steps * TICK_S / total,
        "frame_to_decision_ms": {
            "p50": float(np.percentile(walls, 50) * 1e3),
            "p99": float(np.percentile(walls, 99) * 1e3),
        },
        "share_of_a_step": {room: seconds / total for room, seconds in spent.items()},
    }


def drive_memory() -> dict[str, float]:
    """Peak memory of `xiaolu drive` as a process, without the film and with it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "xiaolu", "drive", "--out", folder, "--max-s", "40", "--no-film"]
        subprocess.run(command, check=True, capture_output=True)
    return {"peak_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}


def training_speed() -> dict[str, object]:
    """Training and loading, samples per second; skipped with the reason where PyTorch is not installed."""
    try:
        from xiaolu.training.speed import loader_speed, training_speed
    except ModuleNotFoundError as error:
        return {"skipped": f"{error.name} is not installed"}
    return {"training": training_speed(), "loader": loader_speed()}


PARTS: dict[str, Callable[[], object]] = {
    "world_steps_per_s": world_speed,
    "rig_renders_per_s": rig_speed,
    "loop": lambda: loop_speed(SHIPPED),
    "teacher_loop_without_cameras": lambda: {"steps_per_s": median_rate(lambda: teacher_steps())},
    "drive": drive_memory,
    "training": training_speed,
    "vehicle": prove,
}


def teacher_steps() -> int:
    ride = ride_of("teacher")
    for _ in range(150):
        ride.step()
    return 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark.json"))
    parser.add_argument("--only", nargs="*", choices=sorted(PARTS), default=sorted(PARTS))
    options = parser.parse_args()
    result: dict[str, object] = {
        "schema": 1,
        "version": __version__,
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
    }
    for name in PARTS:
        if name in options.only:
            print(f"{name} ...", file=sys.stderr, flush=True)
            result[name] = PARTS[name]()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
