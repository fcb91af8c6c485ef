"""A checkpoint to ONNX: one `encode` graph for each camera size, one `decide` graph. Equal to torch within 1e-3."""

import shutil
import warnings
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from xiaolu.cameras.classes import PixelClass
from xiaolu.codec.contract import FILE as CONTRACT
from xiaolu.codec.contract import Contract
from xiaolu.codec.ego import EGO_SIZE
from xiaolu.codec.memory import MemoryLayout
from xiaolu.codec.proposals import OUTPUTS
from xiaolu.codec.route import ROUTE_SIZE
from xiaolu.codec.text import TEXT_IDS
from xiaolu.core.camera import CameraModel
from xiaolu.model.backbone import grid_of, kind_of
from xiaolu.model.checkpoint import CARD, CONFIG, WEIGHTS, load_checkpoint
from xiaolu.model.network import Network, kinds_of

OPSET = 17
VULNERABLE = [PixelClass.PERSON, PixelClass.PERSON_ARM_RAISED, PixelClass.TWO_WHEELER]
ENCODE_OUTPUTS = ("tokens", "people", "depth_m")
DECIDE_INPUTS = ("tokens", "age_s", "place", "mask", "ego", "route", "text")


class EncodeGraph(nn.Module):
    """The first graph: frames (B, H, W, 3) uint8 to tokens (B, T, D), and what the dense head reads from these.

    people (B, h, w): chance that a cell shows a person or a rider; depth_m (B, h, w): how far it is.
    """

    def __init__(self, network: Network, camera: CameraModel) -> None:
        super().__init__()
        self.backbone, self.dense = network.backbone, network.dense
        self.grid = grid_of(camera.width_px, camera.height_px)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        tokens = self.backbone(frames)
        logits, log_depth = self.dense(tokens, *self.grid)
        return tokens, logits.softmax(dim=1)[:, VULNERABLE].sum(dim=1), log_depth.exp()


class DecideGraph(nn.Module):
    """The second graph, its outputs in the order of codec.proposals.OUTPUTS."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.decider = network.decider

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        answer = self.decider(*inputs)
        return tuple(answer[name] for name in OUTPUTS)


def example_inputs(contract: Contract, batch: int = 1) -> tuple[Tensor, ...]:
    """Return inputs of the decide graph with everything masked, in the order of DECIDE_INPUTS."""
    layout = MemoryLayout(contract)
    return (
        torch.zeros(batch, layout.length, layout.token_dim),
        torch.zeros(batch, layout.length),
        torch.as_tensor(layout.place).repeat(batch, 1),
        torch.zeros(batch, layout.length),
        torch.zeros(batch, EGO_SIZE),
        torch.zeros(batch, ROUTE_SIZE),
        torch.zeros(batch, TEXT_IDS, dtype=torch.int64),
    )


def export_onnx(network: Network, folder: Path) -> tuple[Path, ...]:
    """Write encode_WxH.onnx for each camera size and decide.onnx into a folder; return the files.

    The batch axis of every input is free. The network should come from a checkpoint (weights rounded to half).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    network = network.eval()
    files = []
    for kind in kinds_of(network.contract):
        camera = next(c for c in network.contract.cameras if kind_of(c.width_px, c.height_px) == kind)
        frames = torch.zeros(1, camera.height_px, camera.width_px, 3, dtype=torch.uint8)
        path = folder / f"encode_{kind}.onnx"
        write_graph(EncodeGraph(network, camera), (frames,), path, ("frames",), ENCODE_OUTPUTS)
        files.append(path)
    path = folder / "decide.onnx"
    write_graph(DecideGraph(network), example_inputs(network.contract), path, DECIDE_INPUTS, OUTPUTS)
    return (*files, path)


def write_graph(
    graph: nn.Module, inputs: tuple[Tensor, ...], path: Path, names_in: tuple[str, ...], names_out: tuple[str, ...]
) -> None:
    """Trace a graph and write it, whole or not at all, weights in half precision where that is exact."""
    partial = path.with_name(path.name + ".part")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated; the newer one needs one more package
        torch.onnx.export(
            graph.eval(),
            inputs,
            str(partial),
            dynamo=False,
            opset_version=OPSET,
            # Norms stay as they are: folded into half-precision kernels they would no longer be exact. The runtime
            # folds them when it loads the graph.
            training=torch.onnx.TrainingMode.PRESERVE,
            input_names=list(names_in),
            output_names=list(names_out),
            dynamic_axes={name: {0: "batch"} for name in (*names_in, *names_out)},
        )
    model = onnx.load(str(partial))
    store_in_half(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(partial))
    partial.replace(path)


def store_in_half(model: onnx.ModelProto) -> None:
    """Keep initialisers that half precision holds exactly as such, with a cast that the runtime folds at load."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        value = numpy_helper.to_array(tensor)
        half = value.astype("float16")
        if not (half.astype("float32") == value).all():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, name + ".half"))
        casts.append(helper.make_node("Cast", [name + ".half"], [name], name + ".cast", to=TensorProto.FLOAT))
    for position, cast in enumerate(casts):
        model.graph.node.insert(position, cast)


def export_folder(checkpoint: Path, out: Path) -> Path:
    """Write what the car needs of a checkpoint into a folder, graphs made anew; return it.

    Raises what `load_checkpoint` raises on a folder that is no checkpoint.
    """
    network = load_checkpoint(checkpoint)
    out.mkdir(parents=True, exist_ok=True)
    for name in (CONFIG, WEIGHTS, CONTRACT, CARD):
        if checkpoint.resolve() != out.resolve():
            shutil.copyfile(checkpoint / name, out / name)
    export_onnx(network, out)
    return out
