"""What a user would lose: the figures that say how the simulated streets compare with recorded ones."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from xiaolu.core.users import Kind, empty_users
from xiaolu.world.town import save_town

_BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def streets():
    sys.path.insert(0, str(_BENCHMARKS))
    try:
        return importlib.import_module("streets")
    finally:
        sys.path.remove(str(_BENCHMARKS))


def test_a_short_run_says_the_same_again_and_is_not_run_twice(streets, small_town, tmp_path, monkeypatch):
    """Two rides of 20 s in a given town: figures come, the parts are kept, and a second call only reads them."""
    path = tmp_path / "crossroads.town"
    save_town(small_town, path)
    monkeypatch.setattr(streets, "towns_of", lambda family, folder: [path] * streets.TOWNS)
    family = next(iter(streets.Family))
    figures = streets.run([family], 20.0 / 3600.0, tmp_path / "parts", users=30, density=2.0)
    one = figures["families"][family.value]
    assert one["user_hours"] > 0.05
    walking = one["distributions"]["free walking speed"]
    assert walking["n"] > 3 and 0.8 < walking["simulated"][2] < 1.8
    monkeypatch.setattr(streets, "watch", lambda *_: pytest.fail("it was watched again"))
    assert streets.run([family], 20.0 / 3600.0, tmp_path / "parts", users=30, density=2.0) == figures
    monkeypatch.undo()
    seen = [streets.watch(small_town, "x", streets.FIRST_SEED, 5.0, 20, 1.0) for _ in range(2)]
    assert seen[0] == seen[1]


def test_contacts_are_seen_and_two_parked_cars_do_not_count(streets):
    users = empty_users(4)
    for slot, (x, y) in enumerate(((0.0, 0.0), (4.0, 0.5), (50.0, 0.0), (53.0, 0.0))):
        users.active[slot], users.kind[slot], users.uid[slot] = True, Kind.CAR, slot
        users.x_m[slot], users.y_m[slot], users.length_m[slot], users.width_m[slot] = x, y, 4.6, 1.8
    assert streets.touching(users, np.array([True, True, False, False])) == [(0, 1)]


def test_a_queue_has_a_cause_when_its_head_stands_at_a_red_light(streets):
    waits_for = np.array([1, 2, -2, 4, 3, -1])
    assert [streets.has_cause(waits_for, slot) for slot in range(6)] == [True, True, True, False, False, False]
