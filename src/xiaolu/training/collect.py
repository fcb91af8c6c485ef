"""Collecting: seeds to rides to Moments on disk, by several processes, each with a data set of its own.

A seed fixes its town, its ride and everything in it. Seeds already tried are skipped, so a collection can be stopped
(Ctrl-C) and taken up again; what is lost is the rides in hand.
"""

import multiprocessing
import os
import queue
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG
from xiaolu.core.chance import Purpose, uniform
from xiaolu.core.protocols import Driver
from xiaolu.core.seeds import RANGES, Split, require
from xiaolu.episodes.dataset import Dataset, DatasetWriter, seeds_tried
from xiaolu.episodes.lerobot import INFO, read_info
from xiaolu.episodes.lock import Lock
from xiaolu.runtime.driver import OnnxDriver
from xiaolu.training.recording import Recorded, Recording, Stage, outline_of
from xiaolu.world.ground import Ground
from xiaolu.world.kept_towns import town_of
from xiaolu.world.town import load_town
from xiaolu.world.world import World

FAILURES_IN_A_ROW = 8  # rides that raise, one after the other, before a worker gives up
WAIT_S = 0.2


@dataclass(frozen=True)
class CollectConfig:
    """What to record, and where to."""

    out: Path = Path("runs/moments")
    """Folder of the data set; each worker writes a part of its own in it."""
    moments: int = 45_000
    """How many moments there shall be in the folder in the end, those of earlier runs included."""
    split: Split = Split.TRAIN
    """Whose seeds to use: train, or validation. Towns and rides come from the same split."""
    driver: Path | None = None
    """Folder of an exported driver that drives while the teacher answers (on-policy); none: the teacher drives."""
    towns: int = 24
    """How many generated towns to ride in."""
    town_files: tuple[Path, ...] = ()
    """Compiled towns to ride in instead of generated ones."""
    town_folder: Path = Path("runs/towns")
    """Where generated towns are kept."""
    first_seed: int = 0
    """The first ride's place in the split's seeds. On-policy rounds should begin elsewhere than the rides before."""
    rides_per_town: int = 6
    """Rides in one town before a worker moves on to the next."""
    length_m: tuple[float, float] = (300.0, 600.0)
    """Shortest and longest way."""
    density: tuple[float, float] = (0.4, 1.5)
    """Least and most traffic; 1 is ordinary."""
    route_absent: float = 0.15
    """Share of rides without a phone's route, in which the passenger says the way."""
    sway: float = 0.3
    """Share of the teacher's rides in which its hand is nudged now and then."""
    workers: int = 2
    """Processes. One core each."""

    def __post_init__(self) -> None:
        require(RANGES[self.split].start, Split.TRAIN, Split.VALIDATION)
        if self.workers < 1 or self.towns < 1 or self.rides_per_town < 1 or self.moments < 1:
            raise ValueError("CollectConfig: workers, towns, rides_per_town and moments must be at least 1")

    def town_name(self, block: int) -> int:
        """Return which town the rides of a block are driven in: an index into town_files, or a town's seed."""
        if self.town_files:
            return block % len(self.town_files)
        return RANGES[self.split].start + block % self.towns


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says after a ride: its seed, how many moments it gave, how it ended, and how long it took."""

    worker: int
    seed: int
    moments: int
    why: str
    took_s: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection came to. rides: kept ones; ends: how rides ended, and how many did so."""

    moments: int
    rides: int
    ends: dict[str, int]
    took_s: float


class Told:
    """Whether a worker has been told to stop: by the event, or by the death of the process that started it."""

    def __init__(self, stop: Event) -> None:
        self._stop, self._parent = stop, os.getppid()

    def is_set(self) -> bool:
        return self._stop.is_set() or os.getppid() != self._parent


def collect(config: CollectConfig, quiet: bool = False) -> Collected:
    """Record until the folder holds config.moments, showing progress unless quiet. Ctrl-C ends it with nothing broken.

    Raises RuntimeError when a worker gives up, with what stopped it; BlockingIOError when the folder is being collected
    into already, which would record the same seeds twice.
    """
    lock = Lock(config.out / ".collect.lock")
    try:
        return _collect(config, quiet)
    finally:
        lock.release()


def _collect(config: CollectConfig, quiet: bool) -> Collected:
    tried = seeds_tried(config.out)
    have = moments_in(config.out)
    began, ends, rides, added = time.monotonic(), dict[str, int](), 0, 0
    if have >= config.moments:
        return Collected(have, 0, ends, 0.0)
    context = multiprocessing.get_context("spawn")
    reports: Any = context.Queue()
    stop, next_block = context.Event(), context.Value("q", 0)
    os.environ.setdefault("LP_NUM_THREADS", "0")
    workers = [
        context.Process(target=_work, args=(config, n, tried, next_block, stop, reports), daemon=True)
        for n in range(config.workers)
    ]
    error = ""
    with _bar(quiet) as bar:
        task = bar.add_task("moments", total=config.moments, completed=min(have, config.moments), rate="")
        for worker in workers:
            worker.start()
        try:
            while have + added < config.moments and not error:
                report = _next_report(reports, workers)
                if report is None:
                    break
                error = report.error
                ends[report.why] = ends.get(report.why, 0) + 1
                rides += report.moments > 0
                added += report.moments
                rate = added / max(time.monotonic() - began, 1e-9)
                bar.update(task, completed=have + added, rate=f"{rate:.1f}/s")
        except KeyboardInterrupt:
            bar.console.print("stopping; everything up to the rides in hand is kept")
        finally:
            stop.set()
            _join(workers, reports)
    if error:
        raise RuntimeError(error)
    return Collected(moments_in(config.out), rides, ends, time.monotonic() - began)


def moments_in(folder: Path) -> int:
    """Return how many moments lie in the data sets of a folder."""
    return sum(read_info(path.parents[1])["total_frames"] for path in folder.glob(f"*/{INFO}"))


def _bar(quiet: bool) -> Progress:
    return Progress(
        TextColumn("collecting"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        disable=quiet,
    )


def _next_report(reports: Any, workers: list) -> Report | None:
    """Wait for a report; None when no worker is left to make one."""
    while True:
        alive = any(worker.is_alive() for worker in workers)
        try:
            return reports.get(timeout=WAIT_S)
        except queue.Empty:
            if not alive:
                return None


def _join(workers: list, reports: Any) -> None:
    """Wait for the workers to end, emptying the queue meanwhile: a process does not end on a full one."""
    until = time.monotonic() + 60.0
    while any(worker.is_alive() for worker in workers) and time.monotonic() < until:
        try:
            reports.get(timeout=WAIT_S)
        except queue.Empty:
            continue
    for worker in workers:
        if worker.is_alive():
            worker.terminate()
        worker.join()


def _blocks(config: CollectConfig, tried: set[int], next_block: Any) -> Iterator[tuple[int, list[int]]]:
    """Yield (block, seeds not tried yet), each block to one worker only, until the split's seeds run out."""
    seeds = RANGES[config.split]
    while True:
        with next_block.get_lock():
            block = next_block.value
            next_block.value += 1
        start = seeds.start + config.first_seed + block * config.rides_per_town
        left = [seed for seed in range(start, min(start + config.rides_per_town, seeds.stop)) if seed not in tried]
        if start >= seeds.stop:
            return
        if left:
            yield block, left


def _work(config: CollectConfig, worker: int, tried: set[int], next_block: Any, stop: Event, reports: Any) -> None:
    """Be one worker: record block after block into a part of the folder that nobody else writes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    told = Told(stop)
    try:
        with _own_part(config.out) as writer:
            failures = 0
            for block, seeds in _blocks(config, tried, next_block):
                stage = stage_of(config, block)
                student: Driver | None = OnnxDriver(config.driver, threads=1) if config.driver else None
                for seed in seeds:
                    if told.is_set():
                        return
                    began = time.monotonic()
                    try:
                        recorded = record(config, stage, seed, student, told)
                        failures = 0
                    except Exception as error:
                        recorded, failures = Recorded([], f"{type(error).__name__}: {error}"), failures + 1
                        if failures >= FAILURES_IN_A_ROW:
                            raise
                    if recorded.why == "stopped":
                        return
                    keep(writer, seed, recorded, stage, config)
                    took_s = time.monotonic() - began
                    reports.put(Report(worker, seed, len(recorded.moments), recorded.why, took_s))
                stage.renderer.close()
    except Exception:
        reports.put(Report(worker, -1, 0, "worker failed", 0.0, f"worker {worker} failed:\n{traceback.format_exc()}"))


def _own_part(out: Path) -> DatasetWriter:
    """Return a writer for the first part of a folder that no other process writes."""
    number = 0
    while True:
        try:
            return DatasetWriter(out / f"part-{number:02d}", RIG)
        except BlockingIOError:
            number += 1


def stage_of(config: CollectConfig, block: int) -> Stage:
    """Return the town of a block, ready to be ridden in."""
    name = config.town_name(block)
    town = load_town(config.town_files[name]) if config.town_files else town_of(name, config.town_folder)
    low, high = config.density
    density = low + (high - low) * float(uniform(config.first_seed + block, 0, 0, Purpose.RIDE)[0])
    world = World(town, density=density)
    return Stage(town, Ground(town), world, Renderer(town), density)


def record(
    config: CollectConfig, stage: Stage, seed: int, student: Driver | None, told: Told | None = None
) -> Recorded:
    """Record one ride. Raises ValueError for a seed of another split, or when the town has no such ride."""
    require(seed, config.split)
    sway = config.sway if student is None else 0.0
    outline = outline_of(seed, config.length_m, config.route_absent, sway, stage.density)
    return Recording(stage, seed, outline, student).run(told.is_set if told is not None else lambda: False)


def keep(writer: DatasetWriter, seed: int, recorded: Recorded, stage: Stage, config: CollectConfig) -> None:
    """Write a ride's moments, or remember that it gave none."""
    if not recorded.moments:
        writer.drop(seed, recorded.why)
        return
    driver = config.driver.name if config.driver else "teacher"
    about = {
        "town": str(stage.town.meta.get("name", "")),
        "town_digest": stage.town.digest(),
        "driver": driver,
        "end": recorded.why,
        "takeovers": str(recorded.takeovers),
    }
    writer.append(recorded.moments, seed, about)


def open_collected(out: Path, split: Split = Split.TRAIN) -> Dataset:
    """Return the moments of a collection, all parts of it."""
    return Dataset(out, split)
