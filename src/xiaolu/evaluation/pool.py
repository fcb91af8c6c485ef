"""Tasks over processes: each is done once, finished rows come in as they are ready, and a dead worker is a crash.

A killed parent leaves nobody driving on. What a task comes to does not depend on how many workers there are.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from xiaolu.evaluation.driven import CRASHED, Benches, row_of_task, row_without_ride
from xiaolu.evaluation.suites import Task
from xiaolu.world.scenarios.towns import Towns

PARENT_CHECK_S = 1.0
Row = tuple[dict[str, Any], np.ndarray]
DIED = "its process died"

_worker: tuple[str, Benches, Towns, Path | None] | None = None


def _start(driver: str, cameras: bool, towns: Path | None, logs: Path | None) -> None:
    global _worker
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _worker = (driver, Benches(cameras), Towns(towns), logs)


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


def _work(task: Task) -> Row:
    assert _worker is not None
    driver, benches, towns, logs = _worker
    return row_of_task(task, driver, benches, towns, logs)


def drive_all(
    tasks: Sequence[Task], driver: str, cameras: bool, workers: int, towns: Path | None, logs: Path | None
) -> Iterator[Row]:
    """Yield (row, wall_s) of each task, in the order they finish.

    When a worker dies, all that were not finished are done again one at a time, so that the one to blame is found:
    its row is a crash.
    """
    setup = (driver, cameras, towns, logs)
    left = list(tasks)
    try:
        for row in _drive(left, setup, max(1, min(workers, len(left)))):
            left = [task for task in left if task.label != row[0]["ride"]]
            yield row
    except BrokenProcessPool:
        for task in left:
            try:
                yield from _drive([task], setup, 1)
            except BrokenProcessPool:
                yield row_without_ride(task, CRASHED, DIED), np.empty(0)


def _drive(tasks: Sequence[Task], setup: tuple, workers: int) -> Iterator[Row]:
    if not tasks:
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, _start, setup) as pool:
        jobs = [pool.submit(_work, task) for task in tasks]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
