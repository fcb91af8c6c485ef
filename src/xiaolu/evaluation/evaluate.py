"""Rides of a suite, or of one town, over processes -> JSON and CSV. A killed evaluation goes on where it was."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from xiaolu import __version__
from xiaolu.core.conditions import CONDITIONS
from xiaolu.evaluation.journal import Journal
from xiaolu.evaluation.pool import drive_all
from xiaolu.evaluation.suites import AMBIENT, Task, rides_of, tasks_of
from xiaolu.evaluation.summary import summary_of, write_csv
from xiaolu.ride.drivers import wants_cameras
from xiaolu.world.scenarios.ambient import ambient
from xiaolu.world.town import load_town

SCHEMA = 1


def evaluate_rides(
    town: Path, driver: str, rides: int, length_m: float, seed: int, workers: int, conditions: str, out: Path
) -> dict[str, Any]:
    """Drive `rides` seeded rides in one town over `workers` processes, write JSON and CSV to `out` and return it.

    The rows do not depend on `workers`, latencies aside. Raises ValueError for an unknown driver or conditions.
    """
    if conditions not in CONDITIONS:
        raise ValueError(f"no conditions {conditions!r}; known are {', '.join(CONDITIONS)}")
    asked = {
        "town": town.stem,
        "town_digest": load_town(town).digest(),
        "seed": seed,
        "length_m": length_m,
        "conditions": conditions,
    }
    return _evaluate(rides_of(town, rides, length_m, seed, conditions), driver, asked, workers, None, out)


def evaluate_suite(
    suite: str,
    split: str,
    seeds: int,
    driver: str,
    workers: int,
    out: Path,
    towns: Path | None = None,
    only: tuple[str, ...] = (),
    seed: int | None = None,
) -> dict[str, Any]:
    """Drive so many seeds of a split of every family of a suite, write JSON and CSV to `out` and return it.

    towns: folder of generated towns; `only` these families of the suite; seed: the first one, else the split's first.
    Raises ValueError for an unknown suite, split, family or driver, and for seeds that leave the split.
    """
    tasks = tasks_of(suite, split, seeds, only, seed)
    families = list(dict.fromkeys(t.family for t in tasks))
    asked = {"suite": suite, "split": split, "seed": tasks[0].seed, "seeds": seeds, "families": families}
    return _evaluate(tasks, driver, asked, workers, towns, out)


def _evaluate(
    tasks: Sequence[Task], driver: str, asked: dict[str, Any], workers: int, towns: Path | None, out: Path
) -> dict[str, Any]:
    cameras = wants_cameras(driver)
    asked = {"schema": SCHEMA, "version": __version__, "driver": driver, **asked}
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    where = asked.get("suite") or asked["town"]
    logs = out.with_name(out.stem + ".logs")
    with (
        Journal(out.with_name(out.name + ".rides"), {**asked, "driver_digest": driver_digest(driver)}) as journal,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        left = [task for task in tasks if task.label not in journal.rows]
        bar = progress.add_task(f"{driver} in {where}", total=len(tasks), completed=len(tasks) - len(left))
        for row, wall_s in drive_all(left, driver, cameras, workers, towns, logs):
            journal.add(row, wall_s)
            passed = sum(row["passed"] for row in journal.rows.values())
            told = f"{driver} in {where}: {passed} of {len(journal.rows)} passed"
            progress.update(bar, advance=1, description=told)
        ordered = [journal.rows[task.label] for task in tasks]
        walls = np.concatenate([journal.walls[task.label] for task in tasks])
        evaluation = {**asked, "summary": summary_of(ordered, walls), "rides": ordered}
        if asked.get("suite") == AMBIENT:
            evaluation["met_per_km"] = {name: ambient()[name].met_per_km for name in asked["families"]}
        partial = out.with_name(out.name + ".part")
        partial.write_text(json.dumps(evaluation, indent=1), encoding="utf-8")
        partial.replace(out)
        write_csv(evaluation, out.with_suffix(".csv"))
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
