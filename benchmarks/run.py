"""Speed and memory, measured on this machine in one run: JSON out.

    python benchmarks/run.py --out FILE.json

Run it alone on the machine. Figures are medians of several repeats; compare ratios within one run, not absolute
numbers between machines.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from what_if import WAYS, configs_of, what_if_speed

from xiaolu import __version__
from xiaolu.cameras import renderer as renderer_module
from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG
from xiaolu.core.conditions import CONDITIONS
from xiaolu.core.control import EgoMotion
from xiaolu.core.rates import SUBSTEPS, TICK_S
from xiaolu.core.scene import Scene
from xiaolu.report.drive import drive_and_report
from xiaolu.ride.config import RideConfig
from xiaolu.ride.drivers import BUNDLED_TOWN, SHIPPED, make_driver
from xiaolu.ride.ride import Ride
from xiaolu.vehicle.proving import prove
from xiaolu.world.routing import RoutePath, draw_ride
from xiaolu.world.state import fork
from xiaolu.world.town import load_town
from xiaolu.world.world import World

SEED = 850_000
RIG_USERS = 30
RIG_CONDITIONS = ("sun", "night", "night-rain", "low-sun", "fog")
PROCESS_S = 6.0  # how long each process draws when processes are compared


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


def scenes_of(count: int = 25) -> list[Scene]:
    """Return scenes of a teacher's ride, each with the RIG_USERS road users nearest to the ego."""
    ride = ride_of("teacher")
    scenes = []
    for step in range(4 * count):
        scene = ride.step().scene
        if step % 4 == 0:
            users = scene.users
            away = np.hypot(users.x_m - scene.ego_pose[0], users.y_m - scene.ego_pose[1])
            nearest = np.argsort(np.where(users.active, away, np.inf))[:RIG_USERS]
            near = np.isin(np.arange(len(users)), nearest)
            scenes.append(replace(scene, users=replace(users, active=users.active & near)))
    return scenes


def rig_parts(scenes: list[Scene], conditions: str, repeats: int = 5) -> dict[str, object]:
    """Whole-rig renders per second of one core's time, and the share of each part of it.

    cast: users become tables; lamps: who shines (by night); map: of their light, or of long shadows; calls: culling,
    tables to the card, vertices; pixels: what is left to be drawn when pictures are read back, and reading them;
    sensor: exposure, noise, blur, rain and drops; rest: packing frames.
    """
    spent: dict[str, float] = {}

    def timed(part: str, function: Callable) -> Callable:
        def run(*arguments: object, **named: object) -> object:
            inside = sum(spent.values())
            began = time.process_time()
            answer = function(*arguments, **named)
            own = time.process_time() - began - (sum(spent.values()) - inside)
            spent[part] = spent.get(part, 0.0) + own
            return answer

        return run

    parts = {"cast_of": "cast", "lamps_of": "lamps", "taken": "sensor"}
    whole = {name: getattr(renderer_module, name) for name in parts}
    weather = [replace(scene, conditions=CONDITIONS[conditions]) for scene in scenes]
    names = tuple(camera.name for camera in RIG)
    best, shares = np.inf, {}
    try:
        for name, part in parts.items():
            setattr(renderer_module, name, timed(part, whole[name]))
        with Renderer(load_town(BUNDLED_TOWN)) as renderer:
            for name, part in {"_draw": "calls", "_map_lamps": "map", "_map_shadows": "map"}.items():
                setattr(renderer, name, timed(part, getattr(renderer, name)))
            canvas = renderer._canvas
            canvas.images = timed("pixels", canvas.images)  # type: ignore[method-assign]
            for scene in weather[:3]:
                renderer.frames(scene, names)
            for _ in range(repeats):
                spent.clear()
                began = time.process_time()
                for scene in weather:
                    renderer.frames(scene, names)
                took = time.process_time() - began
                if took < best:
                    best = took
                    shares = {part: seconds / took for part, seconds in spent.items()}
    finally:
        for name, function in whole.items():
            setattr(renderer_module, name, function)
    shares["rest"] = 1.0 - sum(shares.values())
    return {"rigs_per_core_s": len(weather) / best, "ms": best / len(weather) * 1e3, "share": shares}


def rig_speed() -> dict[str, object]:
    """Whole-rig renders per second of one core, RIG_USERS users around, in several conditions: the best of repeats."""
    scenes = scenes_of()
    users = float(np.mean([scene.users.active.sum() for scene in scenes]))
    return {"users": users} | {name: rig_parts(scenes, name) for name in RIG_CONDITIONS}


def peak_mib() -> float:
    """Return this process's peak memory in MiB. rusage would count the process that started this one, too."""
    status = Path("/proc/self/status")
    if status.exists():
        return (
            float(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # macOS counts bytes


def _render_alone(scenes: list[Scene], start: Any, answers: Any) -> None:
    """Draw for some seconds from when all are ready; report rigs per second and peak memory in MiB."""
    names = tuple(camera.name for camera in RIG)
    with Renderer(load_town(BUNDLED_TOWN)) as renderer:
        for scene in scenes:
            renderer.frames(scene, names)
        start.wait()
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < PROCESS_S:
            renderer.frames(scenes[count % len(scenes)], names)
            count += 1
        rate = count / (time.perf_counter() - began)
    answers.put((rate, peak_mib()))


def rig_processes() -> dict[str, object]:
    """What two processes draw together, as a multiple of what one does; and a drawing process's peak memory."""
    scenes = scenes_of(10)
    spawn = multiprocessing.get_context("spawn")
    rates: dict[int, float] = {}
    peak_mib = 0.0
    for count in (1, 2):
        start, answers = spawn.Barrier(count), spawn.Queue()
        workers = [spawn.Process(target=_render_alone, args=(scenes, start, answers)) for _ in range(count)]
        for worker in workers:
            worker.start()
        told = [answers.get(timeout=300.0) for _ in workers]
        for worker in workers:
            worker.join()
        rates[count] = sum(rate for rate, _ in told)
        peak_mib = max(peak_mib, *(memory for _, memory in told))
    return {"one": rates[1], "two": rates[2], "ratio": rates[2] / rates[1], "peak_mib": peak_mib}


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


def _drive_alone(folder: str, answers: Any) -> None:
    """Take a ride as `xiaolu drive` does; report peak memory in MiB."""
    drive_and_report(BUNDLED_TOWN, SHIPPED, 850_000, 400.0, "sun", 40.0, Path(folder), film=False)
    answers.put(peak_mib())


def drive_memory() -> dict[str, float]:
    """Peak memory of `xiaolu drive --no-film` as a process."""
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    with tempfile.TemporaryDirectory() as folder:
        worker = spawn.Process(target=_drive_alone, args=(folder, answers))
        worker.start()
        peak = float(answers.get(timeout=600.0))
        worker.join()
    return {"peak_mib": peak}


def training_speed() -> dict[str, object]:
    """Training and loading, samples per second; skipped with the reason where PyTorch is not installed."""
    try:
        from xiaolu.training.speed import loader_speed, training_speed
    except ModuleNotFoundError as error:
        return {"skipped": f"{error.name} is not installed"}
    return {"training": training_speed(), "loader": loader_speed()}


PARTS: dict[str, Callable[[], object]] = {
    "world_steps_per_s": world_speed,
    "rig": rig_speed,
    "rig_processes": rig_processes,
    "loop": lambda: loop_speed(SHIPPED),
    "teacher_loop_without_cameras": lambda: {"steps_per_s": median_rate(lambda: teacher_steps())},
    "what_if": lambda: what_if_speed(configs_of(8, [], 1, None), WAYS),
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
