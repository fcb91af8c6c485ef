"""Tokens of every moment, encoded once by the frozen backbone: (N, places, D) half precision in one flat file."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from xiaolu.codec.contract import Contract
from xiaolu.codec.memory import MemoryLayout
from xiaolu.model.backbone import kind_of
from xiaolu.model.network import Network, kinds_of
from xiaolu.training.loader import FrameBatch, FrameStore, begin_cache, flat_file, prefetched
from xiaolu.training.workers import Workers

CACHE_BATCH = 64


def cameras_of_kind(contract: Contract) -> dict[str, list[str]]:
    """Return the camera names of each kind, in the contract's order."""
    groups: dict[str, list[str]] = {kind: [] for kind in kinds_of(contract)}
    for camera in contract.cameras:
        groups[kind_of(camera.width_px, camera.height_px)].append(camera.name)
    return groups


def pixels_of(batch: FrameBatch, names: list[str], device: torch.device) -> Tensor:
    """Return the frames (cameras * B, H, W, 3) uint8 of cameras of one kind, camera by camera."""
    return torch.from_numpy(np.concatenate([batch.images[name] for name in names])).to(device)


def encode_moments(network: Network, batch: FrameBatch, device: torch.device) -> Tensor:
    """Return tokens (B, places, D) of all cameras, in the order of places."""
    parts = {}
    for names in cameras_of_kind(network.contract).values():
        tokens = network.encode(pixels_of(batch, names, device)).chunk(len(names))
        parts.update(dict(zip(names, tokens, strict=True)))
    return torch.cat([parts[camera.name] for camera in network.contract.cameras], dim=1)


def weights_hash(network: Network) -> str:
    """Return a short hash of the backbone's weights: tokens of another backbone are other tokens."""
    total = hashlib.sha256()
    for value in network.backbone.state_dict().values():
        total.update(value.cpu().contiguous().numpy().tobytes())
    return total.hexdigest()[:16]


def cache_tokens(
    workers: Workers,
    store: FrameStore,
    folder: Path,
    fingerprint: str,
    device: torch.device,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Return the tokens of every moment of a store as a memory map; goes on where an earlier call stopped."""
    network = workers.networks[0]
    layout = MemoryLayout(network.contract)
    begin_cache(folder, "tokens", f"{fingerprint}-{weights_hash(network)}")
    tokens = flat_file(folder / "tokens.f16", (store.count, layout.places, layout.token_dim), np.float16)
    done = flat_file(folder / "tokens.done", (1,), np.int64)
    shares = len(workers.networks)
    workers.follow()
    for one in workers.networks:
        one.eval()

    def make(step: int) -> list[FrameBatch]:
        numbers = np.arange(step * CACHE_BATCH, min((step + 1) * CACHE_BATCH, store.count))
        return [store.batch(part, labels=False) for part in np.array_split(numbers, shares) if len(part)]

    def encode(network: Network, batch: FrameBatch) -> np.ndarray:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
            return encode_moments(network, batch, device).float().cpu().numpy()

    steps = range(int(done[0]) // CACHE_BATCH, -(-store.count // CACHE_BATCH))
    for step, batches in enumerate(prefetched(make, steps.start, steps.stop), start=steps.start):
        for batch, encoded in zip(batches, workers.map(encode, batches), strict=True):
            tokens[batch.numbers] = encoded
        done[0] = min((step + 1) * CACHE_BATCH, store.count)
        if progress:
            progress(int(done[0]), store.count)
    return tokens
