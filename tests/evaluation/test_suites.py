"""Suites: which rides, of which seeds."""

import pytest

from xiaolu.core.seeds import Split, split_of
from xiaolu.evaluation.suites import SUITES, families_of, seeds_of, tasks_of


def test_every_suite_has_families_and_all_holds_them():
    everything = set(families_of("all"))
    for suite in SUITES[:-2]:
        found = families_of(suite)
        assert len(found) >= 4 and set(found) <= everything
    assert len(everything) >= 45


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_seeds_are_of_their_split(split):
    assert {split_of(seed) for seed in seeds_of(split, 20)} == {Split(split)}


def test_held_out_seeds_can_be_asked_for():
    assert list(seeds_of("validation", 3, 800_020)) == [800_020, 800_021, 800_022]
    tasks = tasks_of("hands", "test", 2, ("hail",), 850_040)
    assert [task.label for task in tasks] == ["hail-850040", "hail-850041"]


@pytest.mark.parametrize(("seed", "seeds"), [(799_999, 3), (849_999, 2), (850_000, 1), (20, 1)])
def test_seeds_that_leave_their_split_are_refused_with_the_way_out(seed, seeds):
    told = f"seeds {seed} to {seed + seeds - 1} are not all validation seeds, which are 800000 to 849999: give --seed"
    with pytest.raises(ValueError, match=told):
        seeds_of("validation", seeds, seed)
    with pytest.raises(ValueError, match="--seeds 0: at least 1"):
        seeds_of("validation", 0, 800_000)


def test_a_suite_is_its_families_times_seeds():
    tasks = tasks_of("hands", "validation", 3, ("hail", "hand-phone"))
    assert [task.label for task in tasks] == [f"{f}-{800_000 + k}" for f in ("hail", "hand-phone") for k in range(3)]
    assert all(task.scenario for task in tasks)
    ambient = tasks_of("ambient", "test", 1)
    assert ambient[0].label == "ambient-village-850000" and not ambient[0].scenario


def test_what_is_unknown_is_named_with_what_is_known():
    with pytest.raises(ValueError, match="no suite 'lights'; known are small-roads, signals"):
        families_of("lights")
    with pytest.raises(ValueError, match="no split 'reserved' to evaluate on"):
        seeds_of("reserved", 3)
    with pytest.raises(ValueError, match="gate not in the suite hands; it holds"):
        tasks_of("hands", "validation", 1, ("gate",))
