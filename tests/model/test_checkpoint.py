"""What is shipped is what was trained: a checkpoint comes back to the bit, and its graphs answer as torch does."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from tests.made_network import tiny_network
from xiaolu.codec.contract import ContractError
from xiaolu.codec.proposals import OUTPUTS
from xiaolu.model.checkpoint import load_checkpoint, save_checkpoint
from xiaolu.model.export import DECIDE_INPUTS, example_inputs, export_onnx


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint")
    network = tiny_network()
    save_checkpoint(network, path, {"Trained on": "nothing"})
    export_onnx(load_checkpoint(path), path)
    return path


def test_weights_come_back_to_the_bit(folder: Path) -> None:
    kept, loaded = tiny_network().state_dict(), load_checkpoint(folder).state_dict()
    assert all(torch.equal(kept[name], loaded[name]) for name in kept)


def test_the_card_says_what_it_is_and_nothing_is_a_pickle(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    assert "vla2-tiny" in card and "Trained on: nothing" in card and "not for public roads" in card
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors", ".md", ".onnx"}


@pytest.mark.parametrize("batch", [1, 3])
def test_onnx_answers_as_torch_does(folder: Path, batch: int) -> None:
    network = load_checkpoint(folder)
    torch.manual_seed(3)
    tokens = []
    for camera in network.contract.cameras:
        frames = torch.randint(0, 256, (batch, camera.height_px, camera.width_px, 3), dtype=torch.uint8)
        session = onnxruntime.InferenceSession(folder / f"encode_{camera.width_px}x{camera.height_px}.onnx")
        got = session.run(None, {"frames": frames.numpy()})[0]
        with torch.no_grad():
            tokens.append(network.encode(frames))
        np.testing.assert_allclose(got, tokens[-1].numpy(), atol=1e-3)
    given = list(example_inputs(network.contract, batch))
    given[0], given[3] = torch.randn_like(given[0]), (torch.rand_like(given[3]) > 0.5).float()
    given[4], given[5] = torch.rand_like(given[4]), torch.rand_like(given[5])
    given[6] = torch.randint(0, 4096, given[6].shape)
    session = onnxruntime.InferenceSession(folder / "decide.onnx")
    answer = session.run(list(OUTPUTS), dict(zip(DECIDE_INPUTS, (value.numpy() for value in given), strict=True)))
    with torch.no_grad():
        expected = network.decide(*given)
    for name, value in zip(OUTPUTS, answer, strict=True):
        np.testing.assert_allclose(value, expected[name].numpy(), atol=1e-3, err_msg=name)


def test_weights_are_kept_in_half_precision_in_the_graphs(folder: Path) -> None:
    model = onnx.load(folder / "decide.onnx")
    halves = sum(np.prod(t.dims) for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT16)
    floats = sum(np.prod(t.dims) for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)
    assert halves > 5 * floats


def test_a_damaged_or_foreign_folder_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        load_checkpoint(tmp_path)
    for name in ("config.json", "contract.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(tmp_path)
    contract = (folder / "contract.json").read_text().replace('"training_hz": 2', '"training_hz": 4')
    (tmp_path / "contract.json").write_text(contract)
    with pytest.raises(ContractError, match="training_hz"):
        load_checkpoint(tmp_path)
