"""What a proposal costs, in metres, metres per second and nats."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from xiaolu.codec.contract import CELL_CLASSES
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS

NEAR_FIELD_M = 6.0  # tuned on nothing yet: half the weight of a path lies within the first dozen metres
FARTHEST_DEPTH_M = 120.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part counts."""

    path: float = 1.0
    heading: float = 2.0
    choice: float = 0.3
    speed: float = 0.5
    pace: float = 0.5
    signal: float = 1.0
    cause: float = 0.2
    near: float = 1.0
    cells: float = 1.0
    depth: float = 0.3


@dataclass(frozen=True, slots=True)
class ClassWeights:
    """Weights of classes in cross-entropies: pace (4,), signal (6,), choice (C,), cells (CELL_CLASSES,)."""

    pace: Tensor
    signal: Tensor
    choice: Tensor
    cells: Tensor


def balanced(counts: Tensor, power: float = 0.5, most: float = 8.0) -> Tensor:
    """Return class weights: frequency to the minus power, 1 for the average draw, at most `most`; 0 where unseen."""
    share = counts.double() / counts.sum().clamp(min=1)
    raw = torch.where(share > 0, share.clamp(min=1e-9) ** -power, torch.zeros_like(share))
    return (raw / (raw * share).sum().clamp(min=1e-9)).clamp(max=most).float()


def path_weights(device: torch.device) -> Tensor:
    """Return (PATH_POINTS,) weights of points, near ones most, summing to 1; denser points count less each."""
    distances = torch.tensor(PATH_DISTANCES_M.copy(), dtype=torch.float32, device=device)
    spacing = torch.diff(distances, prepend=torch.zeros(1, device=device))
    weights = spacing / (1.0 + distances / NEAR_FIELD_M) ** 2
    return weights / weights.sum()


def directions(path_BN2: Tensor) -> Tensor:
    """Return the unit vectors along a path's steps, from the ego on."""
    steps = torch.diff(path_BN2, dim=1, prepend=torch.zeros_like(path_BN2[:, :1]))
    return steps / steps.norm(dim=-1, keepdim=True).clamp(min=1e-3)


def of_choice(values: Tensor, choice_B: Tensor) -> Tensor:
    """Return the values (B, ...) of each row's choice from (B, C, ...)."""
    return values[torch.arange(len(values), device=values.device), choice_B]


def plan_losses(answer: dict[str, Tensor], target: dict[str, Tensor], classes: ClassWeights) -> dict[str, Tensor]:
    """Return the mean loss of each part of the proposals, unweighted, by the names of `Weights`.

    Only the path and the profile of the teacher's own choice are taught: alternatives are not averaged into it.
    """
    weights = path_weights(target["path"].device)
    path = of_choice(answer["paths"], target["choice"])
    off = ((path - target["path"]).square().sum(dim=-1) + 1e-4).sqrt()
    turned = (directions(path) - directions(target["path"])).abs().sum(dim=-1)
    speed = of_choice(answer["speeds_mps"], target["pace"])
    early = torch.linspace(1.5, 0.5, SPEED_KNOTS, device=speed.device)
    near = functional.l1_loss(answer["signal_near"][:, 0], target["signal_near"]) + functional.l1_loss(
        answer["hazard_near"][:, 0], target["hazard_near"]
    )
    return {
        "path": (off * weights).sum(dim=-1).mean(),
        "heading": (turned * weights).sum(dim=-1).mean(),
        "choice": functional.cross_entropy(answer["path_logits"], target["choice"], classes.choice),
        "speed": ((speed - target["speed_mps"]).abs() * early).mean(),
        "pace": functional.cross_entropy(answer["pace_logits"], target["pace"], classes.pace),
        "signal": functional.cross_entropy(answer["signal_logits"], target["signal"], classes.signal),
        "cause": functional.cross_entropy(answer["cause_logits"], target["cause"]),
        "near": near,
    }


def dense_losses(
    logits_BCHW: Tensor, log_depth_BHW: Tensor, cls_BHW: Tensor, depth_BHW: Tensor, weight_C: Tensor
) -> dict[str, Tensor]:
    """Return the losses `cells` (cross-entropy) and `depth` (L1 of log metres, where it is known), weighted by class.

    A person is a few cells before a street that fills the picture: unweighted, the network gives him its depth.
    """
    cls_BHW = cls_BHW.clamp(max=CELL_CLASSES - 1)
    counts = (torch.isfinite(depth_BHW) & (depth_BHW < FARTHEST_DEPTH_M)) * weight_C[cls_BHW]
    true = depth_BHW.clamp(0.3, FARTHEST_DEPTH_M).log()
    error = ((log_depth_BHW - true).abs() * counts).sum() / counts.sum().clamp(min=1e-6)
    return {"cells": functional.cross_entropy(logits_BCHW.float(), cls_BHW, weight_C), "depth": error}


def total(losses: dict[str, Tensor], weights: Weights) -> Tensor:
    """Return the weighted sum."""
    return torch.stack([getattr(weights, name) * value for name, value in losses.items()]).sum()
