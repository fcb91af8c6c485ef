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


def test_it_says_why_somebody_stands_and_a_ring_is_no_cause(streets):
    """0 -> 1 -> 2, who stands at a red light; 3 and 4 wait for each other and 5 for them; 6 for one that drives by;
    8 for a parked car; 10 for nobody; 11 for one that backs up."""
    reasons = sys.modules["reasons"]
    waits_for = np.array([1, 2, -2, 4, 3, 3, 7, -1, 9, 0, -1, 12, -1])
    speed, parked = np.zeros(13), np.zeros(13, bool)
    speed[7], speed[12], parked[9] = 5.0, -1.0, True
    chains = [reasons.chain_of(waits_for, parked, slot) for slot in range(13)]
    assert chains[0] == [0, 1, 2] and chains[5] == [5, 3, 4, 3]
    found = [reasons.reason(waits_for, speed, parked, chains[n]) for n in (0, 1, 2, 3, 4, 5, 6, 8, 10, 11)]
    assert found == ["red"] * 3 + ["ring"] * 3 + ["passing traffic", "parked", "alone", "alone"]
    assert {*found} - {*reasons.CAUSES} == {"ring", "parked", "alone"}


def test_who_stands_for_long_is_told_with_its_cause_or_as_stuck(streets, small_town, monkeypatch):
    """The crossroads' lights hold people up for seconds: with a minute of 3 s they are told, and none as stuck. Where
    no reason is a cause the same people are."""
    monkeypatch.setattr(streets, "STUCK_S", 3.0)
    seen = streets.watch(small_town, "x", streets.FIRST_SEED + 1, 40.0, 30, 2.0)
    caused = seen["stood_with_cause"]
    assert caused and all({*one["reasons"]} <= {*streets.CAUSES} and one["seconds"] == 0.0 for one in caused)
    monkeypatch.setattr(streets, "CAUSES", ())
    other = streets.watch(small_town, "x", streets.FIRST_SEED + 1, 40.0, 30, 2.0)
    assert {one["uid"] for one in caused} <= {one["uid"] for one in other["stuck"]}
    assert not other["stood_with_cause"]
