"""Open-loop figures on held-out moments. They say whether training works, not how well it drives."""

import numpy as np
import torch

from xiaolu.core.decision import LampColour
from xiaolu.core.plan import PATH_DISTANCES_M
from xiaolu.model.network import Network
from xiaolu.training.loader import MemoryLoader

MOST = 4096
BATCH = 128


def validate(network: Network, loader: MemoryLoader, numbers: np.ndarray, device: torch.device) -> dict[str, float]:
    """Return errors of the chosen proposals on moments `numbers`; empty when there are none.

    path_10m_m, path_20m_m: mean distance between points 10 and 20 m along; speed_mae_mps; shares right: choice, pace,
    signal (balanced over the colours that occur); moments.
    """
    if not len(numbers):
        return {}
    network.eval()
    numbers = numbers[:: max(len(numbers) // MOST, 1)][:MOST]
    gathered: dict[str, list[np.ndarray]] = {}
    rng = np.random.default_rng(0)
    for start in range(0, len(numbers), BATCH):
        batch = loader.batch(numbers[start : start + BATCH], None, rng)
        with torch.inference_mode():
            inputs = [torch.from_numpy(np.ascontiguousarray(value)).to(device) for value in batch.inputs]
            answer = {name: value.cpu().numpy() for name, value in network.decide(*inputs).items()}
        rows = np.arange(len(batch.numbers))
        choice, pace = answer["path_logits"].argmax(axis=1), answer["pace_logits"].argmax(axis=1)
        found = {
            "path": answer["paths"][rows, choice],
            "speed_mps": answer["speeds_mps"][rows, pace],
            "choice": choice,
            "pace": pace,
            "signal": answer["signal_logits"].argmax(axis=1),
        }
        for name, value in found.items():
            gathered.setdefault(name, []).append(value)
    got = {name: np.concatenate(parts) for name, parts in gathered.items()}
    true = loader.columns.targets(numbers)
    off = np.linalg.norm(got["path"] - true["path"], axis=-1)
    figures = {
        "path_10m_m": off[:, np.searchsorted(PATH_DISTANCES_M, 10.0)].mean(),
        "path_20m_m": off[:, np.searchsorted(PATH_DISTANCES_M, 20.0)].mean(),
        "speed_mae_mps": np.abs(got["speed_mps"] - true["speed_mps"]).mean(),
        "choice_right": (got["choice"] == true["choice"]).mean(),
        "pace_right": balanced_right(got["pace"], true["pace"]),
        "signal_right": balanced_right(got["signal"], true["signal"]),
    }
    for colour in np.unique(true["signal"]):
        of_colour = true["signal"] == colour
        figures[f"signal_{LampColour(colour).name.lower()}"] = (got["signal"][of_colour] == colour).mean()
    return {name: round(float(value), 4) for name, value in figures.items()} | {"moments": float(len(numbers))}


def balanced_right(found: np.ndarray, true: np.ndarray) -> float:
    """Return the share of right answers, averaged over the classes that occur."""
    return float(np.mean([(found[true == kind] == kind).mean() for kind in np.unique(true)]))
