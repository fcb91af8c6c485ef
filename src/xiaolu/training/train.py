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
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, distributed

from xiaolu.codec.contract import contract_for
from xiaolu.codec.moment import MomentSource
from xiaolu.model.checkpoint import load_checkpoint, round_to_half, save_checkpoint
from xiaolu.model.config import config_for
from xiaolu.model.export import export_onnx
from xiaolu.model.network import Network
from xiaolu.training.interest import interest_of, people_near
from xiaolu.training.labels import columns_of, held_out_moments
from xiaolu.training.loader import FrameStore, MemoryLoader, prefetched
from xiaolu.training.losses import total
from xiaolu.training.probe import linear_probe
from xiaolu.training.recipe import Recipe, same_recipe, save_recipe
from xiaolu.training.stages import Run, Stage, class_weights, stage_one, stage_two
from xiaolu.training.tokens import cache_tokens
from xiaolu.training.validate import validate
from xiaolu.training.workers import Workers

MOST_PROBED = 2000  # held-out moments on which the linear probe is fitted and measured


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
    torch.manual_seed(recipe.seed)
    rank, ranks = join_others(recipe.device)
    device = torch.device(recipe.device)
    with bar(rank) as track:
        columns = columns_of(source, track("reading"))
        network = first_network(source, recipe, start_from).to(device)
        network.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        caches = folder / f"rank{rank}" if ranks > 1 else folder
        store = FrameStore(source, caches, columns.fingerprint())
        store.fill_all(track("frames"))
        apart = held_out_moments(columns, recipe.held_out_share, recipe.seed)
        held_out = np.flatnonzero(apart & columns.usable)
        interest = np.where(apart, 0.0, interest_of(columns, people_near(store)))
        classes = class_weights(columns, store, interest, device)
        run = Run(recipe, folder, network, columns, store, interest, held_out, classes, device, rank, ranks)
        started = time.perf_counter()
        workers = Workers(network, recipe.threads if device.type == "cpu" else 1)
        shares = len(workers.networks)
        stage(run, 1, stage_one(run, shares), workers, track("stage 1"))
        # From here on the backbone is what the checkpoint will hold, to the bit.
        round_to_half(network)
        tokens = cache_tokens(workers, store, caches, columns.fingerprint(), device, track("tokens"))
        if rank == 0 and len(held_out):
            few = held_out[:: max(len(held_out) // MOST_PROBED, 1)]
            run.log(stage="probe", **linear_probe(network.contract, store, tokens, few, folder / "probe.json"))
        loader = MemoryLoader(network.contract, columns, tokens)
        stage(run, 2, stage_two(run, loader, shares), workers, track("stage 2"))
        workers.close()
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


def stage(run: Run, number: int, plan: Stage, workers: Workers, progress: Callable[[int, int], None]) -> None:
    """Run one stage from where it stopped: AdamW, linear warm-up, cosine to nothing."""
    recipe, steps = run.recipe, run.recipe.steps(number)
    if steps == 0:
        return
    parameters = list(plan.part(run.network).parameters())
    optimizer = torch.optim.AdamW(groups_of(parameters, recipe.weight_decay), lr=recipe.rate(number), betas=(0.9, 0.98))
    first = resume(run, number, optimizer)
    workers.follow()
    workers.train(plan.part)

    def weigh(losses: dict[str, Tensor]) -> Tensor:
        return total(losses, recipe.weights)

    sums: dict[str, float] = {}
    counted, since = 0, time.perf_counter()
    for step, made in enumerate(prefetched(plan.make, first, steps), start=first):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(number) * schedule(step / steps, recipe.warmup_share)
        losses = workers.gradients(plan.losses, weigh, made, parameters, run.device)
        average_gradients(parameters, run.ranks)
        norm = torch.nn.utils.clip_grad_norm_(parameters, recipe.clip_norm)
        if torch.isfinite(norm):  # one bad batch must not cost the run
            optimizer.step()
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value
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
