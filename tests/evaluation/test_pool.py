"""A worker that dies costs its own ride only, and that ride is a crash."""

import os

from xiaolu.evaluation import pool as room
from xiaolu.evaluation.suites import Task


def _dies_on_three(task: Task):
    if task.seed == 3:
        os._exit(1)
    return {"ride": task.label, "passed": True}, []


def test_a_dead_process_is_a_crash_of_the_one_ride_that_killed_it(monkeypatch):
    monkeypatch.setattr(room, "_work", _dies_on_three)
    monkeypatch.setattr(room, "_start", _ignore)
    tasks = [Task(f"t-{seed}", seed) for seed in range(5)]
    rows = {row["ride"]: row for row, _ in room.drive_all(tasks, "still", False, 2, None, None)}
    assert len(rows) == 5 and all(rows[f"t-{seed}"]["passed"] for seed in (0, 1, 2, 4))
    assert rows["t-3"]["outcome"] == "crash" and not rows["t-3"]["passed"] and rows["t-3"]["reason"] == room.DIED


def _ignore(*_setup):
    pass
