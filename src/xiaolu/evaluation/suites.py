"""Suites: which rides an evaluation is made of. In: a suite's name, a split, which seeds of it; out: tasks in order.

The suites of scenarios are the tags of their families, and "all"; "ambient" is rides without a script in every town
family, for distance per intervention. Nothing is tuned on test.
"""

from dataclasses import dataclass
from pathlib import Path

from xiaolu.core.seeds import Split, seeds_from
from xiaolu.world.scenarios.family import TAGS, TOWNS
from xiaolu.world.scenarios.format import family_names, load_family

ALL, AMBIENT = "all", "ambient"
SUITES = (*TAGS, ALL, AMBIENT)
SPLITS = (Split.TRAIN, Split.VALIDATION, Split.TEST)


@dataclass(frozen=True, slots=True)
class Task:
    """One ride to drive: a scenario of `family`, an ambient ride in a town family; without one, a ride in `town`."""

    label: str
    seed: int
    family: str = ""
    ambient: bool = False
    town: Path | None = None
    length_m: float = 0.0
    conditions: str = ""

    @property
    def scenario(self) -> bool:
        return bool(self.family) and not self.ambient


def families_of(suite: str) -> tuple[str, ...]:
    """Return the families of a suite, by name. Raises ValueError for one that is unknown."""
    if suite not in SUITES:
        raise ValueError(f"no suite {suite!r}; known are {', '.join(SUITES)}")
    if suite == AMBIENT:
        return TOWNS
    return tuple(name for name in family_names() if suite == ALL or suite in load_family(name).tags)


def seeds_of(split: str, seeds: int, seed: int | None = None) -> range:
    """Return so many seeds of a split, from `seed` on; from its first one on if none is given.

    Raises ValueError for a split that is not for evaluation, and for seeds that leave it.
    """
    if split not in SPLITS:
        raise ValueError(f"no split {split!r} to evaluate on; known are {', '.join(SPLITS)}")
    return seeds_from(Split(split), seeds, seed)


def tasks_of(suite: str, split: str, seeds: int, only: tuple[str, ...] = (), seed: int | None = None) -> list[Task]:
    """Return a suite's tasks, family by family, on so many seeds from `seed` on; `only` these families, if any."""
    families = families_of(suite)
    wrong = sorted(set(only) - set(families))
    if wrong:
        raise ValueError(f"{', '.join(wrong)} not in the suite {suite}; it holds {', '.join(families)}")
    ambient = suite == AMBIENT
    return [
        Task(f"{'ambient-' if ambient else ''}{family}-{each}", each, family, ambient)
        for family in families
        if not only or family in only
        for each in seeds_of(split, seeds, seed)
    ]


def rides_of(town: Path, rides: int, length_m: float, seed: int, conditions: str) -> list[Task]:
    """Return the tasks of so many rides in one town, ride i of seed + i."""
    return [Task(f"{town.stem}-{s}", s, "", False, town, length_m, conditions) for s in range(seed, seed + rides)]
