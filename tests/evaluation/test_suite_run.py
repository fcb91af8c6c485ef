"""A suite over processes: the same figures however many, and after a kill."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.test_evaluate import without_clock
from xiaolu.core.seeds import Split
from xiaolu.evaluation.evaluate import evaluate_suite
from xiaolu.evaluation.journal import Journal
from xiaolu.evaluation.summary import table
from xiaolu.world.generate import Family
from xiaolu.world.kept_towns import town_path
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import save_town

ONLY = ("crosswalk", "jaywalker")


@pytest.fixture(scope="module")
def towns(small_town, tmp_path_factory):
    """A folder in which every validation town is the hand-made one: no SUMO is needed."""
    folder = tmp_path_factory.mktemp("towns")
    for family in Family:
        for seed in (*Towns.seeds(Split.VALIDATION), *Towns.further_seeds(Split.VALIDATION)):
            save_town(small_town, town_path(seed, folder, family))
    return folder


def test_a_killed_suite_goes_on_and_two_workers_find_what_one_did(towns, tmp_path):
    whole = evaluate_suite("all", "validation", 2, "constant", 1, tmp_path / "one.json", towns, ONLY)
    assert [row["ride"] for row in whole["rides"]] == [f"{f}-{800_000 + k}" for f in ONLY for k in range(2)]
    # The hand-made town has streets to jaywalk in, but no crossing of the kind that the other family asks for.
    assert [row["outcome"] == "invalid" for row in whole["rides"]] == [True, True, False, False]
    assert list(whole["summary"]["families"]) == list(ONLY) and "jaywalker" in table(whole)
    lines = (tmp_path / "one.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 4 and json.loads((tmp_path / "one.json").read_text(encoding="utf-8")) == whole

    out = tmp_path / "again" / "one.json"
    words = ["evaluate", "--suite", "all", "--only", *ONLY, "--seeds", "2", "--driver", "constant", "--workers", "2"]
    words += ["--towns", str(towns), "--out", str(out), "--no-films"]
    going = subprocess.Popen([sys.executable, "-m", "xiaolu", *words], env=dict(os.environ), stderr=subprocess.DEVNULL)
    journal, limit = Path(f"{out}.rides"), time.monotonic() + 400.0
    while going.poll() is None and time.monotonic() < limit:
        if journal.exists() and len(journal.read_text(encoding="utf-8").splitlines()) > 1:
            break
        time.sleep(0.2)
    going.kill()
    going.wait()
    assert not out.exists(), "it was killed after the first ride"
    kept = len(journal.read_text(encoding="utf-8").splitlines()) - 1
    assert kept >= 1
    again = evaluate_suite("all", "validation", 2, "constant", 2, out, towns, ONLY)
    assert without_clock(again) == without_clock(whole) and not journal.exists()


def test_a_suite_from_another_seed_says_so_and_goes_on_with_its_own_rides_only(towns, tmp_path):
    out = tmp_path / "later.json"
    later = evaluate_suite("all", "validation", 2, "constant", 1, out, towns, ("crosswalk",), 800_003)
    assert (later["seed"], later["seeds"]) == (800_003, 2)
    assert [row["ride"] for row in later["rides"]] == ["crosswalk-800003", "crosswalk-800004"]

    key = {name: later[name] for name in later if name not in ("summary", "rides")}
    with Journal(Path(f"{out}.rides"), {**key, "driver_digest": ""}) as killed:
        killed.add({**later["rides"][0], "progress_m": 12.5}, np.zeros(1))
    again = evaluate_suite("all", "validation", 2, "constant", 1, out, towns, ("crosswalk",), 800_003)
    assert [row["progress_m"] == 12.5 for row in again["rides"]] == [True, False]

    with Journal(Path(f"{out}.rides"), {**key, "driver_digest": ""}) as killed:
        killed.add({**later["rides"][0], "progress_m": 12.5}, np.zeros(1))
    other = evaluate_suite("all", "validation", 2, "constant", 1, out, towns, ("crosswalk",), 800_002)
    assert [row["progress_m"] == 12.5 for row in other["rides"]] == [False, False]
