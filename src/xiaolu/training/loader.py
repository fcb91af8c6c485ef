"""Batches as pure functions of (seed, stage, step), so that a killed run goes on exactly where it stopped.

Stage one reads frames and cell labels of single moments; stage two reads cached tokens of moments and their memory.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xiaolu.codec.contract import Contract
from xiaolu.codec.memory import MemoryLayout
from xiaolu.codec.moment import CELL_PX, MomentSource
from xiaolu.training.labels import Columns, ages_of, memory_links, steps_of

READERS = 4  # threads that fetch moments: a cold disk keeps one waiting most of the time
AHEAD = 3  # batches prepared while one is trained on


@dataclass(frozen=True, slots=True)
class Dropout:
    """How often an input is hidden, so that the driver learns to do without it."""

    speed: float = 0.25
    route: float = 0.12
    text: float = 0.05
    history: float = 0.10  # all slots but the newest
    slot: float = 0.08  # one older slot
    side: float = 0.05  # one of the cameras that do not look ahead
    front: float = 0.03  # the newest frame of one of those that do


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """numbers (B,); per camera: images (B, H, W, 3) uint8, classes (B, h, w) uint8, depths (B, h, w) float16."""

    numbers: np.ndarray
    images: dict[str, np.ndarray]
    classes: dict[str, np.ndarray]
    depths: dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class DecideBatch:
    """numbers (B,); the inputs of `decide`, by position, batch first."""

    numbers: np.ndarray
    inputs: tuple[np.ndarray, ...]


class FrameStore:
    """Decoded frames and cell labels in one flat file, filled as moments are first asked for. Survives a kill.

    Decoding costs several times what reading back does, and every moment is looked at several times.
    """

    def __init__(self, source: MomentSource, folder: Path, fingerprint: str) -> None:
        """Open or make frames.u8 in a folder; fingerprint: of the source, see Columns.fingerprint."""
        self.source, self.count = source, len(source)
        self.parts: list[tuple[str, str, int, int, tuple[int, ...]]] = []
        at = 0
        for camera in source.cameras:
            cells = (camera.height_px // CELL_PX, camera.width_px // CELL_PX)
            image = (camera.height_px, camera.width_px, 3)
            for field, shape, size in (("images", image, 1), ("classes", cells, 1), ("depths", cells, 2)):
                length = int(np.prod(shape)) * size
                self.parts.append((field, camera.name, at, at + length, shape))
                at += length
        self.bytes = at
        self.readers = ThreadPoolExecutor(READERS)
        begin_cache(folder, "frames", fingerprint)
        self.data = flat_file(folder / "frames.u8", (self.count, self.bytes), np.uint8)
        self.present = flat_file(folder / "frames.present", (self.count,), np.uint8)

    def fill(self, number: int) -> None:
        """Decode one moment into the file."""
        moment = self.source.moment(number)
        maps = {"images": moment.images, "classes": moment.class_map, "depths": moment.depth_map}
        for field, name, start, end, shape in self.parts:
            value = np.ascontiguousarray(maps[field][name], np.float16 if field == "depths" else np.uint8)
            if value.shape != shape:
                raise ValueError(f"moment {number}: {field} of {name} is {value.shape}, expected {shape}")
            self.data[number, start:end] = value.reshape(-1).view(np.uint8)
        self.present[number] = 1

    def fill_all(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Decode every moment that is not in the file yet. progress(done, of) is called now and then."""
        missing = np.flatnonzero(self.present == 0).tolist()
        for done, _ in enumerate(self.readers.map(self.fill, missing)):
            if progress and done % 200 == 0:
                progress(done, len(missing))

    def shows(self, camera: str, classes: tuple[int, ...], within_m: float) -> np.ndarray:
        """Return (N,) how many cells of a camera show one of the classes nearer than within_m, of a filled store."""
        spans = {(field, name): (start, end) for field, name, start, end, _ in self.parts}
        counts = np.zeros(self.count, np.int64)
        for first in range(0, self.count, 4096):
            rows = slice(first, first + 4096)
            start, end = spans["classes", camera]
            cls = np.ascontiguousarray(self.data[rows, start:end])
            start, end = spans["depths", camera]
            depth_m = np.ascontiguousarray(self.data[rows, start:end]).view(np.float16)
            counts[rows] = (np.isin(cls, classes) & (depth_m < within_m)).sum(axis=1)
        return counts

    def batch(self, numbers: np.ndarray, labels: bool = True) -> FrameBatch:
        """Return the frames, and the cell labels if wanted, of moments `numbers` (B,)."""
        missing = np.unique(numbers[self.present[numbers] == 0])
        if len(missing):
            list(self.readers.map(self.fill, missing.tolist()))
        rows = self.data[numbers]
        out: dict[str, dict[str, np.ndarray]] = {"images": {}, "classes": {}, "depths": {}}
        for field, name, start, end, shape in self.parts:
            if field == "images" or labels:
                piece = np.ascontiguousarray(rows[:, start:end])
                piece = piece.view(np.float16) if field == "depths" else piece
                out[field][name] = piece.reshape(len(numbers), *shape)
        return FrameBatch(numbers, **out)


def begin_cache(folder: Path, name: str, fingerprint: str) -> None:
    """Drop the cache files NAME.* of a folder unless they were made of the moments with this fingerprint."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / f"{name}.key"
    if mark.exists() and mark.read_text() == fingerprint:
        return
    for file in folder.glob(f"{name}.*"):
        file.unlink()
    mark.write_text(fingerprint)


def flat_file(path: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    """Open a flat file of an array for reading and writing; made anew when its size does not fit."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    fresh = not path.exists() or path.stat().st_size != size
    return np.memmap(path, dtype, "w+" if fresh else "r+", shape=shape)


def draws(interest: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Return one epoch: about as many numbers as have interest, each as often as its interest says, shuffled.

    Low-variance sampling: within one of its expected count, whatever the chance.
    """
    rng = np.random.default_rng([seed, 1, epoch])
    count = int(np.count_nonzero(interest))
    if count == 0:
        raise ValueError("no moment is usable for training")
    along = np.cumsum(interest, dtype=np.float64)
    numbers = np.searchsorted(along, (np.arange(count) + rng.random()) / count * along[-1], side="right")
    return rng.permutation(np.minimum(numbers, len(interest) - 1))


def batch_numbers(interest: np.ndarray, seed: int, step: int, batch: int) -> np.ndarray:
    """Return the numbers (batch,) of a step; epochs follow each other without a gap."""
    epoch_length = int(np.count_nonzero(interest))
    at = np.arange(step * batch, (step + 1) * batch)
    out = np.empty(batch, np.int64)
    for epoch in np.unique(at // max(epoch_length, 1)):
        rows = at // epoch_length == epoch
        out[rows] = draws(interest, seed, int(epoch))[at[rows] % epoch_length]
    return out


class MemoryLoader:
    """Fills memory slots from cached tokens (N, places, D), as the car's memory would be filled."""

    def __init__(self, contract: Contract, columns: Columns, tokens: np.ndarray) -> None:
        self.layout, self.columns, self.tokens = MemoryLayout(contract), columns, tokens
        self.slot_steps = steps_of(self.layout.slot_age_s)
        self.links = memory_links(columns, int(self.slot_steps.max(initial=0)))

    def batch(self, numbers: np.ndarray, dropout: Dropout | None, rng: np.random.Generator) -> DecideBatch:
        """Return the inputs of `decide` for moments `numbers` (B,), some hidden if dropout is given."""
        layout, count = self.layout, len(numbers)
        earlier = self.links[numbers][:, self.slot_steps]
        age_s = ages_of(self.columns, numbers, earlier)
        there = earlier >= 0
        if dropout is not None:
            there &= ~hidden_slots(layout, count, dropout, rng)
        tokens = np.zeros((count, layout.length, layout.token_dim), np.float32)
        ages, mask = np.zeros((2, count, layout.length), np.float32)
        for slot, (start, end) in enumerate(layout.slot_span):
            rows = np.flatnonzero(there[:, slot])
            first, last = layout.camera_span[layout.slot_camera[slot]]
            tokens[rows, start:end] = self.tokens[earlier[rows, slot], first:last]
            ages[rows, start:end] = age_s[rows, slot, None]
            mask[rows, start:end] = 1.0
        place = np.broadcast_to(layout.place, (count, layout.length))
        return DecideBatch(numbers, (tokens, ages, place, mask, *side_inputs(self.columns, numbers, dropout, rng)))


def hidden_slots(layout: MemoryLayout, count: int, dropout: Dropout, rng: np.random.Generator) -> np.ndarray:
    """Return (count, slots) bool: which slots are hidden."""
    older = np.array(layout.slot_age_s) > 0.0
    chance = np.where(older, dropout.slot, dropout.side)
    front = np.isin(layout.slot_camera, ("narrow", "wide"))
    chance[front & ~older] = 0.0
    hidden = rng.random((count, len(older))) < chance
    hidden |= older & (rng.random((count, 1)) < dropout.history)
    newest_front = np.flatnonzero(front & ~older)
    if len(newest_front) > 1:
        lost = np.flatnonzero(rng.random(count) < dropout.front)
        hidden[lost, rng.choice(newest_front, len(lost))] = True
    return hidden


def side_inputs(
    columns: Columns, numbers: np.ndarray, dropout: Dropout | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ego, route and text of moments, some hidden if dropout is given."""
    ego, route, text = columns.ego[numbers], columns.route[numbers], columns.text[numbers]
    if dropout is not None:
        shape = (len(numbers), 1)
        # A speed that is a little wrong cannot simply be continued.
        ego = ego * np.where(np.arange(ego.shape[1]) == 1, 1.0 + 0.05 * rng.standard_normal(shape), 1.0)
        ego = (ego * (rng.random(shape) >= dropout.speed)).astype(np.float32)
        route = (route * (rng.random(shape) >= dropout.route)).astype(np.float32)
        text = text * (rng.random(shape) >= dropout.text)
    return ego, route, text


def prefetched(make: Callable[[int], object], first: int, last: int) -> Iterator:
    """Yield make(step) for steps first to last - 1, prepared ahead on one thread."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make, step) for step in range(first, min(first + AHEAD, last))]
        try:
            for step in range(first, last):
                ready = waiting.pop(0)
                if step + AHEAD < last:
                    waiting.append(pool.submit(make, step + AHEAD))
                yield ready.result()
        finally:
            for future in waiting:
                future.cancel()
