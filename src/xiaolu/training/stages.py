"""The two stages of training: what a step's batch is, and what it costs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xiaolu.codec.contract import CELL_CLASSES
from xiaolu.codec.proposals import PathChoice
from xiaolu.core.decision import LampColour, Pace
from xiaolu.model.backbone import grid_of
from xiaolu.model.network import Network
from xiaolu.training.labels import Columns
from xiaolu.training.loader import DecideBatch, FrameBatch, FrameStore, MemoryLoader, batch_numbers, side_inputs
from xiaolu.training.losses import ClassWeights, balanced, dense_losses, plan_losses
from xiaolu.training.recipe import Recipe
from xiaolu.training.tokens import cameras_of_kind, pixels_of

SAMPLED_FOR_CELLS = 300  # moments whose cell labels are counted for the class weights


@dataclass(slots=True)
class Run:
    """What the two stages share. rank, ranks: of this process among those of `torchrun`."""

    recipe: Recipe
    folder: Path
    network: Network
    columns: Columns
    store: FrameStore
    interest: np.ndarray
    held_out: np.ndarray
    classes: ClassWeights
    device: torch.device
    rank: int = 0
    ranks: int = 1

    def log(self, **values: Any) -> None:
        """Append one line to log.jsonl."""
        if self.rank == 0:
            with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")


def class_weights(columns: Columns, store: FrameStore, interest: np.ndarray, device: torch.device) -> ClassWeights:
    """Return the weights of classes, from what will be shown."""

    def counted(values: np.ndarray, kinds: int) -> Tensor:
        return torch.as_tensor(np.bincount(values, weights=interest, minlength=kinds)[:kinds])

    shown = np.flatnonzero(interest)
    sample = store.batch(shown[:: max(len(shown) // SAMPLED_FOR_CELLS, 1)][:SAMPLED_FOR_CELLS])
    cells = sum(np.bincount(c.ravel(), minlength=CELL_CLASSES)[:CELL_CLASSES] for c in sample.classes.values())
    # A class that the sample missed still counts, as a rare one.
    return ClassWeights(
        balanced(counted(columns.pace, len(Pace)), power=0.25).to(device),
        balanced(counted(columns.signal, len(LampColour)) + 1.0, power=0.4).to(device),
        balanced(counted(columns.choice, len(PathChoice)), power=0.3).to(device),
        balanced(torch.as_tensor(cells) + 1.0, power=0.4, most=12.0).to(device),
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """What is trained; what a step's batch is, as shares for the workers; what a share costs; moments a step."""

    part: Callable[[Network], nn.Module]
    make: Callable[[int], list[Any]]
    losses: Callable[[Network, Any], dict[str, Tensor]]
    batch: int


@dataclass(frozen=True, slots=True)
class FrameShare:
    """frames of some moments; their ego, route and text; light (B, 3), the factor on each colour."""

    frames: FrameBatch
    sides: tuple[np.ndarray, ...]
    light: np.ndarray


def stage_one(run: Run, shares: int = 1) -> Stage:
    """Everything, on single moments: dense cells and depth, and the plan from the newest frames alone."""
    recipe, device = run.recipe, run.device

    def make(step: int) -> list[FrameShare]:
        rng = np.random.default_rng([recipe.seed, 2, step, run.rank])
        made = []
        for numbers in np.array_split(
            batch_numbers(run.interest, recipe.seed + run.rank, step, recipe.stage1_batch), shares
        ):
            light = 1.0 + recipe.brightness * rng.uniform(-1.0, 1.0, (len(numbers), 1))
            tint = 1.0 + 0.2 * recipe.brightness * rng.uniform(-1.0, 1.0, (len(numbers), 3))
            sides = side_inputs(run.columns, numbers, recipe.dropout, rng)
            made.append(FrameShare(run.store.batch(numbers), sides, (light * tint).astype(np.float32)))
        return made

    def losses(network: Network, share: FrameShare) -> dict[str, Tensor]:
        light = torch.from_numpy(share.light).to(device)
        tokens, dense = {}, []
        for kind, names in cameras_of_kind(network.contract).items():
            x_BCHW = pixels_of(share.frames, names, device).permute(0, 3, 1, 2).float() * (2.0 / 255.0)
            x_BCHW = x_BCHW * light.repeat(len(names), 1)[:, :, None, None] - 1.0
            of_kind = network.backbone.tokens(x_BCHW, kind)
            camera = network.contract.camera(names[0])
            logits, log_depth = network.dense(of_kind, *grid_of(camera.width_px, camera.height_px))
            cls = torch.from_numpy(np.concatenate([share.frames.classes[name] for name in names])).long().to(device)
            depth = torch.from_numpy(np.concatenate([share.frames.depths[name] for name in names])).float().to(device)
            dense.append((dense_losses(logits, log_depth, cls, depth, run.classes.cells), cls.numel()))
            tokens.update(dict(zip(names, of_kind.chunk(len(names)), strict=True)))
        every = sum(size for _, size in dense)
        out = plan_losses(newest_only(network, tokens, share.sides), targets(run, share.frames.numbers), run.classes)
        for name in ("cells", "depth"):
            out[name] = torch.stack([part[name] * (size / every) for part, size in dense]).sum()
        return out

    return Stage(lambda network: network, make, losses, recipe.stage1_batch)


def newest_only(network: Network, tokens: dict[str, Tensor], sides: tuple[np.ndarray, ...]) -> dict[str, Tensor]:
    """Return what is decided from the newest tokens (B, T, D) of every camera, with no memory."""
    all_BLD = torch.cat([tokens[camera.name] for camera in network.contract.cameras], dim=1)
    count, length = all_BLD.shape[:2]
    ones = torch.ones(count, length, device=all_BLD.device)
    place = torch.arange(length, device=all_BLD.device).expand(count, -1)
    return network.decide(all_BLD, 0.0 * ones, place, ones, *to_tensors(sides, all_BLD.device))


def stage_two(run: Run, loader: MemoryLoader, shares: int = 1) -> Stage:
    """What is above the tokens, with memory, on cached tokens."""
    recipe = run.recipe

    def make(step: int) -> list[DecideBatch]:
        rng = np.random.default_rng([recipe.seed, 3, step, run.rank])
        numbers = batch_numbers(run.interest, recipe.seed + run.rank, step, recipe.stage2_batch)
        return [loader.batch(part, recipe.dropout, rng) for part in np.array_split(numbers, shares)]

    def losses(network: Network, share: DecideBatch) -> dict[str, Tensor]:
        answer = network.decide(*to_tensors(share.inputs, run.device))
        return plan_losses(answer, targets(run, share.numbers), run.classes)

    return Stage(lambda network: network.decider, make, losses, recipe.stage2_batch)


def to_tensors(arrays: tuple[np.ndarray, ...], device: torch.device) -> tuple[Tensor, ...]:
    """Return arrays as tensors on a device."""
    return tuple(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays)


def targets(run: Run, numbers: np.ndarray) -> dict[str, Tensor]:
    """Return what the losses compare with."""
    return {name: torch.from_numpy(value).to(run.device) for name, value in run.columns.targets(numbers).items()}
