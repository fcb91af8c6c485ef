"""A checkpoint is a folder: config.json, model.safetensors, contract.json, README.md. Never a pickle.

Matrices are stored, and from then on used, in half precision: it costs nothing that a drive could show, and the
exported graphs are then exactly the network that was saved.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from xiaolu.codec.contract import load_contract, save_contract
from xiaolu.model.config import from_json, to_json
from xiaolu.model.network import Network

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"


def halved(value: torch.Tensor) -> torch.Tensor:
    """Return matrices and kernels in half precision, vectors and statistics as they are."""
    return value.half() if value.is_floating_point() and value.ndim >= 2 else value


def round_to_half(network: Network) -> Network:
    """Round a network's weights in place to what a checkpoint keeps of them."""
    with torch.no_grad():
        for value in network.state_dict().values():
            value.copy_(halved(value))
    return network


def save_checkpoint(network: Network, folder: Path, about: dict[str, Any] | None = None) -> None:
    """Write a checkpoint folder. about: what the card should say of the training, heading -> value."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: halved(value).contiguous() for name, value in network.state_dict().items()}
    partial = folder / (WEIGHTS + ".part")
    save_file(weights, partial)
    partial.replace(folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(to_json(network.config), indent=1) + "\n", encoding="utf-8")
    save_contract(network.contract, folder)
    (folder / CARD).write_text(card(network, about or {}), encoding="utf-8")


def load_checkpoint(folder: Path) -> Network:
    """Read a checkpoint folder, in evaluation mode.

    Raises FileNotFoundError naming the missing file, ContractError on a contract that this code does not keep,
    ValueError on a configuration or weights that do not fit.
    """
    folder = Path(folder)
    for name in (CONFIG, WEIGHTS, "contract.json"):
        if not (folder / name).exists():
            raise FileNotFoundError(f"{folder / name} is missing: {folder} is not a checkpoint folder")
    config = from_json(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    network = Network(config, load_contract(folder))
    try:
        weights = load_file(folder / WEIGHTS)
    except SafetensorError as error:
        raise ValueError(f"{folder / WEIGHTS}: {error}; the file is damaged") from error
    wrong = sorted(set(weights) ^ set(network.state_dict()))
    if wrong:
        raise ValueError(f"{folder / WEIGHTS}: {', '.join(wrong[:5])} missing or unknown")
    network.load_state_dict(weights)
    return network.eval()


def card(network: Network, about: dict[str, Any]) -> str:
    """Return the model card in Markdown."""
    config, contract = network.config, network.contract
    rig = ", ".join(f"{camera.name} {camera.width_px}x{camera.height_px}" for camera in contract.cameras)
    lines = [
        f"# {config.name}",
        "",
        "A driver of the second generation: cameras, a phone's route and a passenger's words in; a path, a speed",
        "profile and the alternatives it weighed out, through implicit tokens, without words on the driving path.",
        "",
        "Trained and tested in simulation only. It is a reference system, not for public roads.",
        "",
        f"- Parameters: {network.parameters_count():,}, matrices in half precision",
        f"- Cameras: {rig}, at {contract.camera_hz} Hz",
        f"- Memory: {', '.join(f'{name} {age:g} s' for name, age in contract.slots)}",
        f"- Codec: {contract.codec}",
        *[f"- {heading}: {value}" for heading, value in about.items()],
        "",
        "Files: `config.json` (shape), `model.safetensors` (weights), `contract.json` (what the car must agree on),",
        "`encode_*.onnx` and `decide.onnx` (the same network for ONNX Runtime).",
    ]
    return "\n".join(lines) + "\n"
