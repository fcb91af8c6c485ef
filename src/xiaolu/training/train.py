"""The one training loop. From stored moments to a checkpoint folder with its exported graphs.

A run is a folder: recipe.json, log.jsonl, resume.pt, caches, and `checkpoint/` when it is done. A killed run goes on
from its last save: batches are pure functions of the step, so that nothing else needs to be remembered.
Several processes: start with `torchrun`; gradients are averaged over them.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, distributed

from xiaolu.codec.contract import CELL_CLASSES, contract_for
from xiaolu.codec.memory import MemoryLayout
from xiaolu.codec.moment import MomentSource
from xiaolu.codec.proposals import PathChoice
from xiaolu.core.decision import LampColour, Pace
from xiaolu.model.backbone import grid_of
from xiaolu.model.checkpoint import load_checkpoint, round_to_half, save_checkpoint
from xiaolu.model.config import config_for
from xiaolu.model.export import export_onnx
from xiaolu.model.network import Network
from xiaolu.training.labels import Columns, columns_of, split_episodes
from xiaolu.training.loader import (
    DecideBatch,
    FrameBatch,
    FrameStore,
    MemoryLoader,
    batch_numbers,
    prefetched,
    side_inputs,
)
from xiaolu.training.losses import ClassWeights, balanced, dense_losses, plan_losses, total
from xiaolu.training.probe import linear_probe
from xiaolu.training.recipe import Recipe, same_recipe, save_recipe
from xiaolu.training.tokens import cache_tokens, cameras_of_kind, pixels_of
from xiaolu.training.validate import validate

MOST_PROBED = 2000  # held-out moments on which the linear probe is fitted and measured
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


def train(source: MomentSource, recipe: Recipe, folder: Path, start_from: Path | None = None) -> Path:
    """Train a driver on a source of moments and return its checkpoint folder, exported and ready to drive.

    folder: of the run; an interrupted run in it goes on. start_from: a checkpoint to begin with, as on-policy rounds
    do; with recipe.stage1_passes = 0 its backbone stays as it is. Raises ValueError on an empty source, and
    on a folder in which a run of another recipe was begun.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "resume.pt").exists() and not same_recipe(recipe, folder / "recipe.json"):
        raise ValueError(f"{folder} holds a run of another recipe: finish it with that one, or name another folder")
    save_recipe(recipe, folder / "recipe.json")
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    rank, ranks = join_others(recipe.device)
    device = torch.device(recipe.device)
    with bar(rank) as track:
        columns = columns_of(source, track("reading"))
        network = first_network(source, recipe, start_from).to(device)
        network.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        interest, held_out = split_episodes(columns, recipe.held_out_share, recipe.seed)
        caches = folder / f"rank{rank}" if ranks > 1 else folder
        store = FrameStore(source, caches, columns.fingerprint())
        classes = class_weights(columns, store, interest, device)
        run = Run(recipe, folder, network, columns, store, interest, held_out, classes, device, rank, ranks)
        started = time.perf_counter()
        stage(run, 1, stage_one(run), track("stage 1"))
        # From here on the backbone is what the checkpoint will hold, to the bit.
        round_to_half(network)
        tokens = cache_tokens(network, store, caches, columns.fingerprint(), device, track("tokens"))
        if rank == 0 and len(held_out):
            few = held_out[:: max(len(held_out) // MOST_PROBED, 1)]
            run.log(stage="probe", **linear_probe(network.contract, store, tokens, few, folder / "probe.json"))
        loader = MemoryLoader(network.contract, columns, tokens)
        stage(run, 2, stage_two(run, loader), track("stage 2"))
        round_to_half(network)
        figures = validate(network, loader, held_out, device)
    run.log(stage="done", minutes=(time.perf_counter() - started) / 60.0, **figures)
    if rank == 0:
        about = {"Trained on": f"{len(columns):,} moments", "Held-out": json.dumps(figures)}
        save_checkpoint(network, folder / "checkpoint", about)
        export_onnx(load_checkpoint(folder / "checkpoint"), folder / "checkpoint")
    return folder / "checkpoint"


def join_others(device: str) -> tuple[int, int]:
    """Return this process's rank and how many there are; joins them when `torchrun` started several."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    if distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def first_network(source: MomentSource, recipe: Recipe, start_from: Path | None) -> Network:
    """Return the network to begin with: a checkpoint's, or a new one for the source's rig."""
    if start_from is not None:
        return load_checkpoint(start_from)
    if recipe.stage1_passes == 0:
        raise ValueError("stage1_passes = 0 keeps a backbone: say which with start_from")
    config = config_for(recipe.size)
    return Network(config, contract_for(source.cameras, config.token_dim))


def class_weights(columns: Columns, store: FrameStore, interest: np.ndarray, device: torch.device) -> ClassWeights:
    """Return the weights of classes, from what will be shown."""

    def counted(values: np.ndarray, kinds: int) -> Tensor:
        return torch.as_tensor(np.bincount(values, weights=interest, minlength=kinds)[:kinds])

    shown = np.flatnonzero(interest)
    sample = store.batch(shown[:: max(len(shown) // SAMPLED_FOR_CELLS, 1)][:SAMPLED_FOR_CELLS])
    cells = sum(np.bincount(c.ravel(), minlength=CELL_CLASSES)[:CELL_CLASSES] for c in sample.classes.values())
    # A class that the sample missed still counts, as a rare one.
    return ClassWeights(
        balanced(counted(columns.pace, len(Pace))).to(device),
        balanced(counted(columns.signal, len(LampColour)) + 1.0).to(device),
        balanced(counted(columns.choice, len(PathChoice)), power=0.3).to(device),
        balanced(torch.as_tensor(cells) + 1.0, power=0.4, most=12.0).to(device),
    )


Step = Callable[[Any], dict[str, Tensor]]


@dataclass(frozen=True, slots=True)
class Stage:
    """What is trained, what a step's batch is, and what it costs."""

    parts: tuple[torch.nn.Module, ...]
    make: Callable[[int], Any]
    losses: Step
    batch: int


def stage_one(run: Run) -> Stage:
    """Everything, on single moments: dense cells and depth, and the plan from the newest frames alone."""
    network, recipe, device = run.network, run.recipe, run.device
    layout = MemoryLayout(network.contract)
    place = torch.arange(layout.places, device=device)

    def make(step: int) -> tuple[FrameBatch, tuple[np.ndarray, ...], dict[str, np.ndarray]]:
        rng = np.random.default_rng([recipe.seed, 2, step, run.rank])
        numbers = batch_numbers(run.interest, recipe.seed + run.rank, step, recipe.stage1_batch)
        light = 1.0 + recipe.brightness * rng.uniform(-1.0, 1.0, (recipe.stage1_batch, 1))
        tint = 1.0 + 0.2 * recipe.brightness * rng.uniform(-1.0, 1.0, (recipe.stage1_batch, 3))
        sides = side_inputs(run.columns, numbers, recipe.dropout, rng)
        return run.store.batch(numbers), sides, {"light": (light * tint).astype(np.float32)}

    def losses(made: tuple[FrameBatch, tuple[np.ndarray, ...], dict[str, np.ndarray]]) -> dict[str, Tensor]:
        batch, sides, augment = made
        light = torch.from_numpy(augment["light"]).to(device)
        parts, dense = {}, []
        for kind, names in cameras_of_kind(network.contract).items():
            x_BCHW = pixels_of(batch, names, device).permute(0, 3, 1, 2).float() * (2.0 / 255.0)
            x_BCHW = x_BCHW * light.repeat(len(names), 1)[:, :, None, None] - 1.0
            tokens = network.backbone.tokens(x_BCHW, kind)
            camera = network.contract.camera(names[0])
            logits, log_depth = network.dense(tokens, *grid_of(camera.width_px, camera.height_px))
            cls = torch.from_numpy(np.concatenate([batch.classes[name] for name in names])).long().to(device)
            depth = torch.from_numpy(np.concatenate([batch.depths[name] for name in names])).float().to(device)
            dense.append((dense_losses(logits, log_depth, cls, depth, run.classes.cells), cls.numel()))
            parts.update(dict(zip(names, tokens.chunk(len(names)), strict=True)))
        tokens = torch.cat([parts[camera.name] for camera in network.contract.cameras], dim=1)
        count, length = tokens.shape[:2]
        ones = torch.ones(count, length, device=device)
        inputs = (tokens, 0.0 * ones, place.expand(count, -1), ones, *to_tensors(sides, device))
        out = plan_losses(network.decide(*inputs), target_tensors(run, batch.numbers), run.classes)
        every = sum(size for _, size in dense)
        for name in ("cells", "depth"):
            out[name] = torch.stack([part[name] * (size / every) for part, size in dense]).sum()
        return out

    return Stage((network,), make, losses, recipe.stage1_batch)


def stage_two(run: Run, loader: MemoryLoader) -> Stage:
    """What is above the tokens, with memory, on cached tokens."""
    recipe = run.recipe

    def make(step: int) -> DecideBatch:
        rng = np.random.default_rng([recipe.seed, 3, step, run.rank])
        numbers = batch_numbers(run.interest, recipe.seed + run.rank, step, recipe.stage2_batch)
        return loader.batch(numbers, recipe.dropout, rng)

    def losses(batch: DecideBatch) -> dict[str, Tensor]:
        answer = run.network.decide(*to_tensors(batch.inputs, run.device))
        return plan_losses(answer, target_tensors(run, batch.numbers), run.classes)

    return Stage((run.network.decider,), make, losses, recipe.stage2_batch)


def to_tensors(arrays: tuple[np.ndarray, ...], device: torch.device) -> tuple[Tensor, ...]:
    """Return arrays as tensors on a device."""
    return tuple(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays)


def target_tensors(run: Run, numbers: np.ndarray) -> dict[str, Tensor]:
    """Return what the losses compare with."""
    return {name: torch.from_numpy(value).to(run.device) for name, value in run.columns.targets(numbers).items()}


def stage(run: Run, number: int, plan: Stage, progress: Callable[[int, int], None]) -> None:
    """Run one stage from where it stopped: AdamW, linear warm-up, cosine to nothing."""
    recipe, steps = run.recipe, run.recipe.steps(number)
    if steps == 0:
        return
    parameters = [p for part in plan.parts for p in part.parameters()]
    optimizer = torch.optim.AdamW(groups_of(parameters, recipe.weight_decay), lr=recipe.rate(number), betas=(0.9, 0.98))
    first = resume(run, number, optimizer)
    run.network.eval()
    for part in plan.parts:
        part.train()
    sums: dict[str, float] = {}
    counted, since = 0, time.perf_counter()
    for step, made in enumerate(prefetched(plan.make, first, steps), start=first):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(number) * schedule(step / steps, recipe.warmup_share)
        with torch.autocast(run.device.type, torch.bfloat16):
            losses = plan.losses(made)
        optimizer.zero_grad(set_to_none=True)
        total(losses, recipe.weights).backward()
        average_gradients(parameters, run.ranks)
        norm = torch.nn.utils.clip_grad_norm_(parameters, recipe.clip_norm)
        if torch.isfinite(norm):  # one bad batch must not cost the run
            optimizer.step()
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
        counted += 1
        if (step + 1) % recipe.log_every == 0 or step + 1 == steps:
            rate = counted * plan.batch * run.ranks / max(time.perf_counter() - since, 1e-9)
            means = {name: round(value / counted, 5) for name, value in sums.items()}
            run.log(stage=number, step=step + 1, samples_per_s=round(rate, 1), grad_norm=round(float(norm), 4), **means)
            sums, counted, since = {}, 0, time.perf_counter()
        if (step + 1) % recipe.save_every == 0 or step + 1 == steps:
            save_resume(run, number, step + 1, optimizer)
        progress(step + 1, steps)
    average_statistics(run)


def groups_of(parameters: list[torch.nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Return optimiser groups: matrices decay, vectors do not."""
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


def schedule(share: float, warmup: float) -> float:
    """Return the factor on the learning rate at a share of the stage: up over `warmup`, then a cosine to 0."""
    if share < warmup:
        return (share + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1.0 + math.cos(math.pi * (share - warmup) / (1.0 - warmup)))


def average_gradients(parameters: list[torch.nn.Parameter], ranks: int) -> None:
    """Average gradients over all processes."""
    if ranks > 1:
        for parameter in parameters:
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= ranks


def average_statistics(run: Run) -> None:
    """Average the norms' statistics over all processes: each has seen other moments."""
    if run.ranks > 1:
        for buffer in run.network.buffers():
            if buffer.is_floating_point():
                distributed.all_reduce(buffer)
                buffer /= run.ranks


def save_resume(run: Run, number: int, step: int, optimizer: torch.optim.Optimizer) -> None:
    """Write resume.pt, whole or not at all. It never leaves the run's folder: shipped weights are safetensors."""
    if run.rank == 0:
        partial = run.folder / "resume.pt.part"
        state = {
            "stage": number,
            "step": step,
            "network": run.network.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        torch.save(state, partial)
        partial.replace(run.folder / "resume.pt")


def resume(run: Run, number: int, optimizer: torch.optim.Optimizer) -> int:
    """Return the step at which a stage goes on, with weights and optimiser as they were; 0 for a fresh one."""
    path = run.folder / "resume.pt"
    if not path.exists():
        return 0
    state = torch.load(path, map_location=run.device, weights_only=True)
    if state["stage"] < number:
        return 0
    run.network.load_state_dict(state["network"])
    if state["stage"] > number:
        return run.recipe.steps(number)
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


@contextmanager
def bar(rank: int) -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Yield track(name) -> progress(done, of), shown as bars on the first process."""
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=rank != 0) as progress:

        def track(name: str) -> Callable[[int, int], None]:
            task = progress.add_task(name, total=None)
            return lambda done, of: progress.update(task, completed=done, total=of)

        yield track
