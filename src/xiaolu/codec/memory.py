"""What the driver remembers: tokens of frames by camera and exposure, picked into slots by their age.

A slot's age is an input of the network, its index is not. Late, dropped and out-of-order frames are ordinary: a
frame goes where its age fits, and an empty slot is masked.
"""

from dataclasses import dataclass

import numpy as np

from xiaolu.codec.contract import TOKEN_PX, Contract
from xiaolu.core.rates import SECOND_NS

AGE_TOLERANCE_S = 0.26  # half the slots' spacing, and a little: every frame of the last two seconds fits one slot


@dataclass(frozen=True, slots=True)
class MemoryTensors:
    """tokens (L, D) float32, age_s (L,) float32, place (L,) int64 (camera and cell), mask (L,) float32: 1 is real."""

    tokens: np.ndarray
    age_s: np.ndarray
    place: np.ndarray
    mask: np.ndarray


class MemoryLayout:
    """Where tokens lie. A place is one cell of one camera, counted camera by camera, row by row; P places in all.

    slot_camera, slot_age_s: one entry a slot; slot_span: its (start, end) in the L memory tokens; place (L,).
    """

    def __init__(self, contract: Contract) -> None:
        self.token_dim = contract.token_dim
        self.camera_span: dict[str, tuple[int, int]] = {}
        places = 0
        for camera in contract.cameras:
            count = (camera.width_px // TOKEN_PX) * (camera.height_px // TOKEN_PX)
            self.camera_span[camera.name] = (places, places + count)
            places += count
        self.places = places
        self.slot_camera = tuple(name for name, _ in contract.slots)
        self.slot_age_s = tuple(age for _, age in contract.slots)
        spans, parts, at = [], [], 0
        for name in self.slot_camera:
            start, end = self.camera_span[name]
            spans.append((at, at + end - start))
            parts.append(np.arange(start, end))
            at += end - start
        self.slot_span = tuple(spans)
        self.length = at
        self.place = np.concatenate(parts).astype(np.int64)
        self.cameras = tuple(dict.fromkeys(self.slot_camera))

    def empty(self) -> MemoryTensors:
        """Return writable tensors in which nothing is remembered."""
        return MemoryTensors(
            np.zeros((self.length, self.token_dim), np.float32),
            np.zeros(self.length, np.float32),
            self.place,
            np.zeros(self.length, np.float32),
        )


class TokenMemory:
    """Tokens of the frames of the last `memory_s`, by camera and exposure stamp."""

    def __init__(self, layout: MemoryLayout, memory_s: float) -> None:
        self.layout = layout
        self.memory_ns = round(memory_s * SECOND_NS)
        self.frames: dict[str, dict[int, np.ndarray]] = {name: {} for name in layout.cameras}

    def holds(self, camera: str, exposed_ns: int) -> bool:
        """Return whether that exposure is remembered already."""
        return exposed_ns in self.frames[camera]

    def add(self, camera: str, exposed_ns: int, tokens: np.ndarray) -> None:
        """Remember the tokens (T, D) of one exposure."""
        self.frames[camera][exposed_ns] = tokens

    def forget(self, now_ns: int) -> None:
        """Drop what is older than the memory reaches."""
        for frames in self.frames.values():
            for stamp in [s for s in frames if now_ns - s > self.memory_ns]:
                del frames[stamp]

    def age_s(self, camera: str, now_ns: int) -> float:
        """Return the age of a camera's newest frame, inf when there is none (frames from the future do not count)."""
        past = [s for s in self.frames.get(camera, {}) if s <= now_ns]
        return (now_ns - max(past)) / SECOND_NS if past else float("inf")

    def gather(self, now_ns: int) -> MemoryTensors:
        """Return every slot filled with the frame nearest to its age, if one is within AGE_TOLERANCE_S."""
        memory = self.layout.empty()
        for camera, age_s, (start, end) in zip(
            self.layout.slot_camera, self.layout.slot_age_s, self.layout.slot_span, strict=True
        ):
            ages = [((now_ns - stamp) / SECOND_NS, stamp) for stamp in self.frames[camera] if stamp <= now_ns]
            if not ages:
                continue
            nearest, stamp = min(ages, key=lambda pair: (abs(pair[0] - age_s), pair[0]))
            if abs(nearest - age_s) <= AGE_TOLERANCE_S:
                memory.tokens[start:end] = self.frames[camera][stamp]
                memory.age_s[start:end] = nearest
                memory.mask[start:end] = 1.0
        return memory

    def snapshot(self) -> dict[str, dict[int, np.ndarray]]:
        """Return a copy that later frames do not change."""
        return {name: dict(frames) for name, frames in self.frames.items()}

    def restore(self, snapshot: dict[str, dict[int, np.ndarray]]) -> None:
        """Go back to a snapshot."""
        self.frames = {name: dict(frames) for name, frames in snapshot.items()}
