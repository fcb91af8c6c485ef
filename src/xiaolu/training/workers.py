"""One thread a core, each with a share of the batch. The cores then never wait for each other within an operation,
which on a machine that does anything else besides costs several times the work itself.
"""

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

from xiaolu.model.network import Network


def twin(network: Network) -> Network:
    """Return a network with the very same parameters, and buffers (the norms' statistics) of its own."""
    other = copy.deepcopy(network)
    for module, copied in zip(network.modules(), other.modules(), strict=True):
        for name, parameter in module.named_parameters(recurse=False):
            setattr(copied, name, parameter)
    return other


def statistics_of(network: nn.Module) -> list[Tensor]:
    """Return the buffers that change while training."""
    return [buffer for name, buffer in network.named_buffers() if "running_" in name]


class Workers:
    """Shares work out to `count` threads; 1 keeps it on the calling one. torch's own threads are set to one each."""

    def __init__(self, network: Network, count: int) -> None:
        # On the calling thread too: otherwise the workers' operations still spin, and take twice the time.
        torch.set_num_threads(1)
        self.networks = [network, *(twin(network) for _ in range(count - 1))]
        self.pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) if count > 1 else None

    def close(self) -> None:
        """End the threads."""
        if self.pool is not None:
            self.pool.shutdown()

    def map(self, work: Callable[[Network, Any], Any], shares: Sequence[Any]) -> list[Any]:
        """Return work(network, share) for every share (one for each worker at most), in order."""
        networks = self.networks[: len(shares)]
        if self.pool is None:
            return [work(network, share) for network, share in zip(networks, shares, strict=True)]
        return list(self.pool.map(work, networks, shares))

    def gradients(
        self,
        losses: Callable[[Network, Any], dict[str, Tensor]],
        weigh: Callable[[dict[str, Tensor]], Tensor],
        shares: Sequence[Any],
        parameters: Sequence[nn.Parameter],
        device: torch.device,
    ) -> dict[str, float]:
        """Set every parameter's gradient to the mean over the shares; return the losses' means by name.

        The order in which threads finish does not change a bit of the result.
        """

        def one(network: Network, share: Any) -> tuple[dict[str, float], tuple[Tensor, ...]]:
            # The cache of casts is shared by all threads: with it, the result would depend on who came first.
            with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
                found = losses(network, share)
                cost = weigh(found)
            got = torch.autograd.grad(cost, parameters, allow_unused=True, materialize_grads=True)
            return {name: float(value.detach()) for name, value in found.items()}, got

        results = self.map(one, shares)
        sums = [gradient.clone() for gradient in results[0][1]]
        for _, gradients in results[1:]:
            torch._foreach_add_(sums, list(gradients))
        torch._foreach_mul_(sums, 1.0 / len(results))
        for parameter, gradient in zip(parameters, sums, strict=True):
            parameter.grad = gradient
        self.agree()
        return {name: sum(found[name] for found, _ in results) / len(results) for name in results[0][0]}

    def agree(self) -> None:
        """Give all networks the mean of their statistics."""
        first, *others = [statistics_of(network) for network in self.networks]
        for other in others:
            torch._foreach_add_(first, other)
        torch._foreach_mul_(first, 1.0 / len(self.networks))
        self.follow()

    def follow(self) -> None:
        """Give all networks the statistics of the first: it may have been loaded from a file since."""
        first, *others = [statistics_of(network) for network in self.networks]
        for other in others:
            torch._foreach_copy_(other, first)

    def train(self, part: Callable[[Network], nn.Module]) -> None:
        """Put one part of every network in training mode, and the rest in evaluation mode."""
        for network in self.networks:
            network.eval()
            part(network).train()
