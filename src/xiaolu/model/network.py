"""The whole network: `encode` once per frame, `decide` once per tick, and the dense head that training needs."""

from torch import Tensor, nn

from xiaolu.codec.contract import Contract
from xiaolu.model.backbone import Backbone, DenseHead, kind_of, standard_init
from xiaolu.model.config import ModelConfig
from xiaolu.model.decider import Decider


def kinds_of(contract: Contract) -> tuple[str, ...]:
    """Return the kinds of camera in a rig, one for each image size, in the order they appear."""
    return tuple(dict.fromkeys(kind_of(camera.width_px, camera.height_px) for camera in contract.cameras))


class Network(nn.Module):
    """A driver of the family vla2. config says how large, contract for which rig."""

    def __init__(self, config: ModelConfig, contract: Contract) -> None:
        super().__init__()
        if config.token_dim != contract.token_dim:
            raise ValueError(f"token_dim is {config.token_dim} in the config and {contract.token_dim} in the contract")
        self.config, self.contract = config, contract
        self.backbone = Backbone(config, kinds_of(contract))
        self.dense = DenseHead(config)
        self.decider = Decider(config, contract)
        standard_init(self)
        self.decider.small_outputs()

    def encode(self, frames_BHWC: Tensor) -> Tensor:
        """Return tokens (B, T, D) of uint8 frames (B, H, W, 3), all of one camera size."""
        return self.backbone(frames_BHWC)

    def decide(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Return proposals; inputs as in Decider.forward."""
        return self.decider(*inputs)

    def parameters_count(self) -> int:
        """Return how many numbers were trained."""
        return sum(parameter.numel() for parameter in self.parameters())
