"""How fast training, its loader and the car's driver run here. Every function returns plain figures."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from xiaolu.cameras.rig import RIG
from xiaolu.codec.contract import contract_for
from xiaolu.codec.moment import CELL_PX, Moment, MomentSource
from xiaolu.core.camera import CameraFrame, CameraModel
from xiaolu.core.decision import Cause, Pace, PathMode, Strategy
from xiaolu.core.observation import EgoState, Manoeuvre, Observation, Route
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS
from xiaolu.core.rates import SECOND_NS, TICK_NS, TRAINING_HZ
from xiaolu.model.checkpoint import save_checkpoint
from xiaolu.model.config import config_for
from xiaolu.model.export import export_onnx
from xiaolu.model.network import Network
from xiaolu.runtime.driver import OnnxDriver
from xiaolu.training.interest import interest_of, people_near
from xiaolu.training.labels import columns_of
from xiaolu.training.loader import FrameStore, MemoryLoader
from xiaolu.training.losses import total
from xiaolu.training.recipe import RECIPES, Recipe
from xiaolu.training.stages import Run, Stage, class_weights, stage_one, stage_two
from xiaolu.training.workers import Workers

ROUTE_LINE = np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 40.0]])


def per_second(work: Callable[[int], object], items: int, seconds: float) -> float:
    """Return items/s of work(step), repeated for about so long, the first call not counted."""
    work(0)
    started, step = time.perf_counter(), 1
    while time.perf_counter() - started < seconds:
        work(step)
        step += 1
    return items * (step - 1) / (time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class NoiseMoments:
    """A MomentSource of noise, as large as real moments and as quick as can be."""

    count: int = 64
    cameras: tuple[CameraModel, ...] = RIG

    def __len__(self) -> int:
        return self.count

    def moment(self, number: int, pixels: bool = True) -> Moment:
        rng = np.random.default_rng(number)
        cameras = self.cameras if pixels else ()
        cells = {c.name: (c.height_px // CELL_PX, c.width_px // CELL_PX) for c in cameras}
        stamp_ns = number * SECOND_NS // TRAINING_HZ
        return Moment(
            episode=0,
            index=number,
            window=0,
            stamp_ns=stamp_ns,
            images={c.name: rng.integers(0, 256, (c.height_px, c.width_px, 3)).astype(np.uint8) for c in cameras},
            ego=EgoState(stamp_ns, 5.0, 0.0, 0.0, 0.0, np.zeros(3)),
            route=Route(stamp_ns, Manoeuvre.TURN_LEFT, 30.0, ROUTE_LINE),
            instruction="",
            path=np.stack([PATH_DISTANCES_M, 0.0 * PATH_DISTANCES_M], axis=-1),
            speed_mps=np.full(SPEED_KNOTS, 5.0),
            strategy=Strategy(PathMode.KEEP, Pace.GO),
            cause=Cause.FREE,
            class_map={name: rng.integers(0, 18, shape).astype(np.uint8) for name, shape in cells.items()},
            depth_map={name: np.full(shape, 20.0, np.float16) for name, shape in cells.items()},
        )


@contextmanager
def trial(source: MomentSource, recipe: Recipe) -> Iterator[tuple[Workers, dict[str, Stage]]]:
    """Yield workers and both stages of a throw-away run on an untrained network."""
    torch.manual_seed(recipe.seed)
    config = config_for(recipe.size)
    network = Network(config, contract_for(source.cameras, config.token_dim))
    network.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    device = torch.device("cpu")
    with TemporaryDirectory() as folder:
        columns = columns_of(source)
        store = FrameStore(source, Path(folder), columns.fingerprint())
        store.fill_all()
        interest = interest_of(columns, people_near(store))
        classes = class_weights(columns, store, interest, device)
        none = np.zeros(0, np.int64)
        run = Run(recipe, Path(folder), network, columns, store, interest, none, classes, device)
        tokens = np.zeros((len(source), network.decider.rays_PF.shape[0], config.token_dim), np.float16)
        workers = Workers(network, recipe.threads)
        shares = len(workers.networks)
        loader = MemoryLoader(network.contract, columns, tokens)
        yield workers, {"stage1": stage_one(run, shares), "stage2": stage_two(run, loader, shares)}
        workers.close()


def training_speed(
    source: MomentSource | None = None, recipe: Recipe = RECIPES["nano"], seconds: float = 8.0
) -> dict[str, float]:
    """Return samples/s of both stages' steps, loading not counted: stage1_samples_per_s, stage2_samples_per_s."""
    figures = {}
    with trial(source or NoiseMoments(), recipe) as (workers, stages):
        for name, stage in stages.items():
            made = stage.make(0)
            parameters = list(stage.part(workers.networks[0]).parameters())
            workers.train(stage.part)

            def step(_: int, stage=stage, made=made, parameters=parameters) -> None:
                device = parameters[0].device
                workers.gradients(stage.losses, lambda found: total(found, recipe.weights), made, parameters, device)

            figures[f"{name}_samples_per_s"] = round(per_second(step, stage.batch, seconds), 1)
    return figures


def loader_speed(
    source: MomentSource | None = None, recipe: Recipe = RECIPES["nano"], seconds: float = 3.0
) -> dict[str, float]:
    """Return samples/s of both stages' loaders alone, frames decoded before; keys as in `training_speed`."""
    with trial(source or NoiseMoments(), recipe) as (_, stages):
        return {
            f"{name}_samples_per_s": round(per_second(stage.make, stage.batch, seconds), 1)
            for name, stage in stages.items()
        }


def driver_latency(folder: Path, threads: int = 2, ticks: int = 200) -> dict[str, float]:
    """Return frame-to-decision times of a checkpoint on noise, ms: p50, p99, worst; every camera new every tick."""
    driver = OnnxDriver(folder, threads)
    rng = np.random.default_rng(0)
    cameras = driver.contract.cameras
    images = [rng.integers(0, 256, (c.height_px, c.width_px, 3)).astype(np.uint8) for c in cameras]
    took = []
    for tick in range(ticks + 20):
        now_ns = tick * TICK_NS
        frames = tuple(CameraFrame(c, now_ns, image) for c, image in zip(cameras, images, strict=True))
        ego = EgoState(now_ns, 5.0, 0.0, 0.0, 0.0, np.zeros(3))
        started = time.perf_counter()
        driver.drive(Observation(now_ns, frames, ego, Route(now_ns, Manoeuvre.TURN_LEFT, 30.0, ROUTE_LINE)))
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
