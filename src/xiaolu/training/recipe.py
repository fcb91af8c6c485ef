"""How a driver is trained: a recipe in Python is the whole configuration."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from xiaolu.training.loader import Dropout
from xiaolu.training.losses import Weights


@dataclass(frozen=True, slots=True)
class Recipe:
    """passes: how many moments a stage looks at, repeats counted; batch: moments a step (on each process).

    stage 1 trains everything on single moments, with dense supervision; stage 2 freezes the backbone, caches its
    tokens, and trains what is above them with memory. stage1_passes = 0 keeps the backbone of `start_from`.
    threads: on a CPU, each with a share of every batch. device: "cpu" or "cuda".
    """

    size: str = "nano"
    seed: int = 0
    device: str = "cpu"
    threads: int = 2
    stage1_passes: int = 120_000
    stage1_batch: int = 32
    stage1_rate: float = 1.0e-3
    stage2_passes: int = 320_000
    stage2_batch: int = 128
    stage2_rate: float = 7e-4
    weight_decay: float = 0.03
    warmup_share: float = 0.04
    clip_norm: float = 1.0
    held_out_share: float = 0.03
    save_every: int = 200
    log_every: int = 20
    brightness: float = 0.25
    dropout: Dropout = field(default_factory=Dropout)
    weights: Weights = field(default_factory=Weights)

    def steps(self, stage: int) -> int:
        """Return how many optimiser steps a stage takes."""
        passes, batch = ((self.stage1_passes, self.stage1_batch), (self.stage2_passes, self.stage2_batch))[stage - 1]
        return -(-passes // batch)

    def rate(self, stage: int) -> float:
        """Return the highest learning rate of a stage."""
        return (self.stage1_rate, self.stage2_rate)[stage - 1]


# Passes are what fits: about 35 minutes on two cores of a server for the first, a minute for the second.
RECIPES = {
    "nano": Recipe(),
    "smoke": Recipe(
        stage1_passes=1_024, stage1_batch=16, stage2_passes=2_048, stage2_batch=32, save_every=20, log_every=5
    ),
}


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write the recipe beside what it made."""
    path.write_text(json.dumps(asdict(recipe), indent=1) + "\n", encoding="utf-8")


def same_recipe(recipe: Recipe, path: Path) -> bool:
    """Return whether the recipe in a file is this one."""
    return path.exists() and json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(asdict(recipe)))


def recipe_of(name: str) -> Recipe:
    """Return the recipe of a name; ValueError with the known ones for any other."""
    if name not in RECIPES:
        raise ValueError(f"no recipe {name!r}; known are {', '.join(sorted(RECIPES))}")
    return RECIPES[name]
