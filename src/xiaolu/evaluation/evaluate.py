"""Seeded rides -> scores. A ride counts as passed when it arrives and nobody would have had to step in."""

import hashlib
import io
import json
import multiprocessing
import os
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from xiaolu import __version__
from xiaolu.cameras.renderer import Renderer
from xiaolu.core.conditions import CONDITIONS
from xiaolu.core.episode import Event
from xiaolu.core.rates import ticks_of
from xiaolu.evaluation.journal import Journal
from xiaolu.evaluation.referee import Judgement, Referee
from xiaolu.measures import interventions as rules
from xiaolu.measures.rates import distance_per_event_m, rate_per_km, share_interval
from xiaolu.ride.config import RideConfig
from xiaolu.ride.drivers import make_driver
from xiaolu.ride.ride import Ride
from xiaolu.world.ground import Ground
from xiaolu.world.routing import RoutePath, draw_ride
from xiaolu.world.town import Town, load_town
from xiaolu.world.world import World

SCHEMA = 1
PARENT_CHECK_S = 1.0
MAX_S_PER_M = 0.9  # a ride is called off after this long for each metre of its route: 4 km/h on average


@dataclass(frozen=True, slots=True)
class Bench:
    """What rides in one town share, made once a process."""

    town: Town
    ground: Ground
    world: World
    renderer: Renderer | None


def bench_of(town: Town, cameras: bool) -> Bench:
    """Return the shared parts; a renderer only where a driver looks."""
    return Bench(town, Ground(town), World(town), Renderer(town) if cameras else None)


def judged_ride(bench: Bench, driver: str, seed: int, length_m: float, conditions: str, threads: int = 2) -> Judgement:
    """Drive one seeded ride to its end and judge it.

    After an intervention the teacher drives for `measures.interventions.WINDOW_S`, then hands back: that distance is
    not the driver's. Raises ValueError for an unknown driver or conditions.
    """
    town = bench.town
    route = draw_ride(town, seed, length_m)
    own = make_driver(driver, town, route, threads=threads)
    path = RoutePath(town, route)
    config = RideConfig(town=town, seed=seed, route=route, conditions=CONDITIONS[conditions])
    ride = Ride(config, own, bench.renderer, world=bench.world)
    referee = Referee(town, path, bench.ground)
    teacher_until = -1
    limit = ticks_of(max(60.0, MAX_S_PER_M * route.length_m))
    for tick in range(limit):
        if ride.done:
            break
        if tick == teacher_until:
            ride.driver = own
        referee.on_step(ride.step())
        if tick > teacher_until and referee.fresh_intervention() is not None:
            ride.driver = make_driver("teacher", town, route)
            teacher_until = tick + ticks_of(rules.WINDOW_S)
    end = ride.end
    return referee.judge(end.arrived if end else False, end.reason if end else "called off: too slow")


def row_of(seed: int, judgement: Judgement) -> dict[str, Any]:
    """Return one ride's entry of the JSON; its fields are documented in docs/evaluation.md."""

    def told(events: tuple[Event, ...]) -> list[dict[str, Any]]:
        return [{"kind": e.kind, "from_s": e.from_ns / 1e9, "to_s": e.to_ns / 1e9, "detail": e.detail} for e in events]

    return {
        "seed": seed,
        "arrived": judgement.arrived,
        "passed": judgement.arrived and not judgement.counted,
        "reason": judgement.reason,
        "duration_s": judgement.duration_s,
        "route_m": judgement.route_m,
        "progress_m": judgement.progress_m,
        "own_m": judgement.own_m,
        "interventions": told(judgement.counted),
        "events": told(judgement.events),
        "scores": {
            s.name: {"value": s.value, "unit": s.unit, "valid": s.valid, "why": s.why} for s in judgement.scores
        },
    }


_bench: Bench | None = None


def _start_worker(town: Path, cameras: bool) -> None:
    global _bench
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _bench = bench_of(load_town(town), cameras)


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone: a killed evaluation leaves nobody driving on."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


def _work(driver: str, seed: int, length_m: float, conditions: str, threads: int) -> tuple[dict[str, Any], np.ndarray]:
    assert _bench is not None
    judgement = judged_ride(_bench, driver, seed, length_m, conditions, threads)
    return row_of(seed, judgement), judgement.track.column("wall_s")


def evaluate_rides(
    town: Path, driver: str, rides: int, length_m: float, seed: int, workers: int, conditions: str, out: Path
) -> dict[str, Any]:
    """Drive `rides` seeded rides over `workers` processes, write JSON to `out` and return it.

    The rows do not depend on `workers`, latencies aside. Finished rides are kept beside `out` as they come in: called
    again with the same arguments after Ctrl-C or a kill, it goes on with the others.
    """
    loaded = load_town(town)
    cameras = bool(make_driver(driver, loaded, draw_ride(loaded, seed, length_m)).cameras)
    workers = max(1, min(workers, rides))
    threads = 1 if workers > 1 else 2
    asked = {
        "schema": SCHEMA,
        "version": __version__,
        "driver": driver,
        "town": town.stem,
        "town_digest": loaded.digest(),
        "seed": seed,
        "length_m": length_m,
        "conditions": conditions,
    }
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    spawn = multiprocessing.get_context("spawn")
    seeds = range(seed, seed + rides)
    with (
        Journal(out.with_name(out.name + ".rides"), {**asked, "driver_digest": driver_digest(driver)}) as journal,
        Progress(*columns, console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(workers, spawn, _start_worker, (town, cameras)) as pool,
    ):
        left = [s for s in seeds if s not in journal.rows]
        task = progress.add_task(f"{driver} in {town.stem}", total=rides, completed=rides - len(left))
        jobs = [pool.submit(_work, driver, s, length_m, conditions, threads) for s in left]
        try:
            for job in as_completed(jobs):
                journal.add(*job.result())
                passed = sum(row["passed"] for row in journal.rows.values())
                told = f"{driver} in {town.stem}: {passed} of {len(journal.rows)} passed"
                progress.update(task, advance=1, description=told)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        ordered = [journal.rows[s] for s in seeds]
        walls = np.concatenate([journal.walls[s] for s in seeds])
        evaluation = {**asked, "summary": summary_of(ordered, walls), "rides": ordered}
        partial = out.with_name(out.name + ".part")
        partial.write_text(json.dumps(evaluation, indent=1), encoding="utf-8")
        partial.replace(out)
        journal.done()
    return evaluation


def driver_digest(driver: str) -> str:
    """Return a short hash of what a driver's folder holds, empty for one that is known by name."""
    folder = Path(driver)
    if not folder.is_dir():
        return ""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.onnx")):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def summary_of(rows: list[dict[str, Any]], wall_s: np.ndarray) -> dict[str, Any]:
    """Return the figures over all rides: counts with exact 95 % intervals, comfort, latency."""
    rides = len(rows)
    own_m = sum(row["own_m"] for row in rows)
    kinds = Counter(event["kind"] for row in rows for event in row["interventions"])
    critical = sum(count for kind, count in kinds.items() if kind in rules.CRITICAL)

    def share(name: str) -> dict[str, Any]:
        hits = sum(bool(row[name]) for row in rows)
        interval = share_interval(hits, rides)
        return {"count": hits, "share": interval.value, "low": interval.low, "high": interval.high}

    def per_km(count: int) -> dict[str, Any]:
        rate = rate_per_km(count, own_m) if own_m > 0.0 else None
        return {"count": count} | ({"per_km": rate.value, "low": rate.low, "high": rate.high} if rate else {})

    def distance(count: int) -> dict[str, Any]:
        """Metres per event; null where no event bounds it from above."""
        if own_m <= 0.0:
            return {"value_m": None, "low_m": None, "high_m": None}
        d = distance_per_event_m(count, own_m)
        return {
            k: v if np.isfinite(v) else None for k, v in (("value_m", d.value), ("low_m", d.low), ("high_m", d.high))
        }

    def mean(name: str) -> float | None:
        values = [row["scores"][name]["value"] for row in rows if row["scores"][name]["valid"]]
        return float(np.mean(values)) if values else None

    total = sum(kinds.values())
    return {
        "rides": rides,
        "arrived": share("arrived"),
        "passed": share("passed"),
        "own_km": own_m / 1000.0,
        "interventions": per_km(total) | {"by_kind": {kind: per_km(count) for kind, count in sorted(kinds.items())}},
        "critical": per_km(critical),
        "distance_per_intervention": distance(total),
        "distance_per_critical_intervention": distance(critical),
        "contacts_by_users": sum(e["kind"] == rules.CONTACT_BY_USER for row in rows for e in row["events"]),
        "comfort_noticed_time_share": mean("comfort_noticed_time_share"),
        "comfort_nuplan_style_time_share": mean("comfort_nuplan_style_time_share"),
        "comfort_nuplan_style_rides": mean("comfort_nuplan_style_ride"),
        "hard_brakes_per_km": None if own_m <= 0.0 else (mean("hard_brakes") or 0.0) * rides / own_m * 1000.0,
        "mean_speed_mps": sum(r["progress_m"] for r in rows) / max(sum(r["duration_s"] for r in rows), 1e-9),
        "latency_p50_ms": float(np.percentile(wall_s * 1e3, 50)),
        "latency_p99_ms": float(np.percentile(wall_s * 1e3, 99)),
    }


def table(evaluation: dict[str, Any]) -> str:
    """Return the rides and the summary as text, for a terminal."""
    console = Console(width=118, file=io.StringIO(), record=True)
    grid = Table(title=f"{evaluation['driver']} in {evaluation['town']}", title_justify="left")
    for name in ("seed", "ride", "m", "s", "why it ended", "interventions"):
        grid.add_column(name, justify="left" if name in ("why it ended", "interventions") else "right")
    for row in evaluation["rides"]:
        verdict = "passed" if row["passed"] else "arrived" if row["arrived"] else "failed"
        what = ", ".join(f"{e['kind']} {e['from_s']:.0f}s" for e in row["interventions"])
        grid.add_row(
            str(row["seed"]), verdict, f"{row['progress_m']:.0f}", f"{row['duration_s']:.0f}", row["reason"], what
        )
    console.print(grid)
    s = evaluation["summary"]
    rate = s["interventions"]
    console.print(
        f"passed {s['passed']['count']} of {s['rides']}, arrived {s['arrived']['count']}; {s['own_km']:.2f} km own"
    )
    if "per_km" in rate:
        console.print(f"interventions {rate['per_km']:.2f} per km ({rate['low']:.2f} to {rate['high']:.2f}, 95 %)")
        for kind, figure in rate["by_kind"].items():
            console.print(f"  {kind:22} {figure['count']:3}  {figure['per_km']:.2f} per km")
    console.print(
        f"comfort {100 * (s['comfort_noticed_time_share'] or 0):.1f} % of time inside what people notice; "
        f"latency p50 {s['latency_p50_ms']:.1f} ms, p99 {s['latency_p99_ms']:.1f} ms"
    )
    return console.export_text()
