"""Ambient rides: what they are made of in each town family, and what is met there per km. In: assets/ambient.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from xiaolu.core.chance import Purpose, generator
from xiaolu.core.conditions import CONDITIONS, Conditions
from xiaolu.core.seeds import split_of
from xiaolu.world.scenarios.family import TOWNS
from xiaolu.world.scenarios.reading import Fields, Names
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import Town

FILE = ("assets", "ambient.toml")


@dataclass(frozen=True, slots=True)
class Ambient:
    """Of one town family: how long its rides are, how full its streets, shares of conditions; what was met per km."""

    length_m: float
    users: int
    density: float
    conditions: dict[str, float]
    met_per_km: dict[str, float]


def read_ambient(text: str) -> dict[str, Ambient]:
    """Return the table a file's text stands for, by town family. Raises ValueError naming field and valid range."""
    top = Fields(tomllib.loads(text), "ambient.toml: ", Names())
    out = {}
    for family in TOWNS:
        fields = Fields(top.take(family), f"ambient.toml: {family}.", Names())
        shares = Fields(fields.take("conditions"), f"ambient.toml: {family}.conditions.", Names())
        conditions = {name: shares.number(name, 0.0, 1000.0, 0.0) for name in CONDITIONS}
        shares.done()
        met = fields.take("met_per_km", {})
        out[family] = Ambient(
            length_m=fields.number("length_m", 50.0, 5000.0),
            users=int(fields.number("users", 0, 200)),
            density=fields.number("density", 0.0, 10.0),
            conditions={name: share for name, share in conditions.items() if share > 0.0},
            met_per_km={str(name): float(value) for name, value in met.items()},
        )
        fields.done()
    top.done()
    return out


@cache
def ambient() -> dict[str, Ambient]:
    """Return the table that comes with the package."""
    return read_ambient(resources.files("xiaolu").joinpath(*FILE).read_text(encoding="utf-8"))


def ambient_of(family: str) -> Ambient:
    """Return one town family's row. Raises ValueError for a family that is none."""
    if family not in ambient():
        raise ValueError(f"no ambient rides in {family!r}; known town families are {', '.join(ambient())}")
    return ambient()[family]


def drawn(family: str, seed: int, towns: Towns | None = None) -> tuple[Town, Conditions]:
    """Return the town, of the seed's split, and the conditions of an ambient ride."""
    row = ambient_of(family)
    chance = generator(seed, Purpose.SCENARIO, TOWNS.index(family))
    seeds = Towns.seeds(split_of(seed))
    town = (towns or Towns()).get(family, seeds[int(chance.integers(len(seeds)))])
    names, shares = list(row.conditions), np.array(list(row.conditions.values()))
    return town, CONDITIONS[names[int(chance.choice(len(names), p=shares / shares.sum()))]]
