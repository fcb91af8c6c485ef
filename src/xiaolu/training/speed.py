"""How fast training, its loader and the car's driver run here. Every function returns plain figures."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from xiaolu.codec.contract import contract_for
from xiaolu.codec.moment import MomentSource
from xiaolu.core.camera import CameraFrame, CameraModel
from xiaolu.core.observation import EgoState, Manoeuvre, Observation, Route
from xiaolu.core.rates import TICK_NS
from xiaolu.model.checkpoint import save_checkpoint
from xiaolu.model.config import config_for
from xiaolu.model.export import export_onnx
from xiaolu.model.network import Network
from xiaolu.runtime.driver import OnnxDriver
from xiaolu.training.labels import columns_of
from xiaolu.training.loader import FrameStore, MemoryLoader
from xiaolu.training.losses import total
from xiaolu.training.recipe import Recipe
from xiaolu.training.stages import Run, class_weights, stage_one, stage_two
from xiaolu.training.workers import Workers


def per_second(work: Callable[[int], object], items: int, seconds: float) -> float:
    """Return items/s of work(step), repeated for about so long, the first call not counted."""
    work(0)
    started, step = time.perf_counter(), 1
    while time.perf_counter() - started < seconds:
        work(step)
        step += 1
    return items * (step - 1) / (time.perf_counter() - started)


def training_speed(source: MomentSource, recipe: Recipe, seconds: float = 10.0) -> dict[str, float]:
    """Return samples/s of both stages' steps and of their loaders alone, on moments of a source.

    Keys: stage1, stage2 (forward and backward), stage1_loader (frames read back), stage1_decode (first time),
    stage2_loader.
    """
    torch.manual_seed(recipe.seed)
    config = config_for(recipe.size)
    network = Network(config, contract_for(source.cameras, config.token_dim))
    network.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    device = torch.device("cpu")
    with TemporaryDirectory() as folder:
        columns = columns_of(source)
        store = FrameStore(source, Path(folder), columns.fingerprint())
        started = time.perf_counter()
        store.batch(np.arange(len(source)))
        figures = {"stage1_decode": len(source) / (time.perf_counter() - started)}
        classes = class_weights(columns, store, columns.interest, device)
        none = np.zeros(0, np.int64)
        run = Run(recipe, Path(folder), network, columns, store, columns.interest, none, classes, device)
        tokens = np.zeros((len(source), network.decider.rays_PF.shape[0], config.token_dim), np.float16)
        workers = Workers(network, recipe.threads)
        shares = len(workers.networks)
        stages = {
            "stage1": stage_one(run, shares),
            "stage2": stage_two(run, MemoryLoader(network.contract, columns, tokens), shares),
        }
        for name, stage in stages.items():
            made = stage.make(0)
            parameters = list(stage.part(network).parameters())
            workers.train(stage.part)

            def step(_: int, stage=stage, made=made, parameters=parameters) -> None:
                workers.gradients(stage.losses, lambda found: total(found, recipe.weights), made, parameters, device)

            figures[name] = per_second(step, stage.batch, seconds)
            figures[f"{name}_loader"] = per_second(stage.make, stage.batch, seconds / 4)
        workers.close()
    return {name: round(value, 1) for name, value in figures.items()}


def driver_latency(folder: Path, threads: int = 2, ticks: int = 200) -> dict[str, float]:
    """Return frame-to-decision times of a checkpoint on noise, ms: p50, p99, worst; every camera new every tick."""
    driver = OnnxDriver(folder, threads)
    rng = np.random.default_rng(0)
    cameras = driver.contract.cameras
    images = [rng.integers(0, 256, (c.height_px, c.width_px, 3)).astype(np.uint8) for c in cameras]
    line = np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 40.0]])
    took = []
    for tick in range(ticks + 20):
        now_ns = tick * TICK_NS
        frames = tuple(CameraFrame(c, now_ns, image) for c, image in zip(cameras, images, strict=True))
        ego = EgoState(now_ns, 5.0, 0.0, 0.0, 0.0, np.zeros(3))
        started = time.perf_counter()
        driver.drive(Observation(now_ns, frames, ego, Route(now_ns, Manoeuvre.TURN_LEFT, 30.0, line)))
        took.append(1e3 * (time.perf_counter() - started))
    measured = np.array(took[20:])
    return {
        "p50_ms": round(float(np.percentile(measured, 50)), 2),
        "p99_ms": round(float(np.percentile(measured, 99)), 2),
        "worst_ms": round(float(measured.max()), 2),
    }


def fresh_latency(cameras: Sequence[CameraModel], size: str = "nano", threads: int = 2) -> dict[str, float]:
    """Return `driver_latency` of an untrained network for a rig: what a size would cost in the car."""
    config = config_for(size)
    with TemporaryDirectory() as folder:
        network = Network(config, contract_for(cameras, config.token_dim)).eval()
        save_checkpoint(network, Path(folder))
        export_onnx(network, Path(folder))
        return driver_latency(Path(folder), threads)
