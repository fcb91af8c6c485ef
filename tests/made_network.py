"""A network small enough to build in a test, for the small rig."""

import torch

from tests.made_moments import SMALL_RIG
from xiaolu.codec.contract import contract_for
from xiaolu.model.checkpoint import round_to_half
from xiaolu.model.config import ModelConfig
from xiaolu.model.network import Network

TINY = ModelConfig("vla2-tiny", (8, 8, 16, 16), (1, 1, 1, 1), 16, 32, 2, 2, 8, 16)


def tiny_network(seed: int = 0) -> Network:
    """Return a tiny network, its norms' statistics away from where they start, rounded as a checkpoint is."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    network = Network(TINY, contract_for(SMALL_RIG, TINY.token_dim))
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2.0)
        elif name.endswith("running_mean"):
            value.normal_(std=0.2)
    return round_to_half(network).eval()
