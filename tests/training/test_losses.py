"""A loss must be nothing for the teacher's own plan, and must not average two ways into a third."""

import numpy as np
import torch

from xiaolu.codec.proposals import output_shapes
from xiaolu.core.plan import PATH_DISTANCES_M
from xiaolu.training.losses import ClassWeights, Weights, balanced, dense_losses, path_weights, plan_losses, total

CLASSES = ClassWeights(torch.ones(4), torch.ones(6), torch.ones(8), torch.ones(24))


def example() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    answer = {name: torch.zeros(2, *shape) for name, shape in output_shapes().items()}
    straight = torch.stack([torch.tensor(PATH_DISTANCES_M.copy()), torch.zeros(26)], dim=-1).float()
    answer["paths"] += straight
    target = {
        "path": straight.repeat(2, 1, 1),
        "speed_mps": torch.zeros(2, 10),
        "choice": torch.tensor([0, 3]),
        "pace": torch.tensor([0, 3]),
        "cause": torch.tensor([0, 1]),
        "signal": torch.tensor([0, 1]),
        "signal_near": torch.zeros(2),
        "hazard_near": torch.zeros(2),
    }
    return answer, target


def test_the_teachers_plan_costs_nothing() -> None:
    losses = plan_losses(*example(), CLASSES)
    assert losses["path"] < 0.011 and losses["heading"] == 0.0 and losses["speed"] == 0.0 and losses["near"] == 0.0


def test_only_the_teachers_choice_is_taught() -> None:
    answer, target = example()
    answer["paths"][:, 5] += 9.0
    answer["speeds_mps"][:, 1] += 9.0
    losses = plan_losses(answer, target, CLASSES)
    assert losses["path"] < 0.011 and losses["speed"] == 0.0


def test_a_metre_nearby_costs_more_than_a_metre_far_away() -> None:
    weights = path_weights(torch.device("cpu"))
    density = weights.numpy() / np.diff(PATH_DISTANCES_M, prepend=0.0)
    assert (np.diff(density) < 0).all() and abs(float(weights.sum()) - 1.0) < 1e-6


def test_rare_classes_count_more_and_unseen_ones_not_at_all() -> None:
    weights = balanced(torch.tensor([900.0, 100.0, 0.0]))
    assert weights[1] > 2 * weights[0] and weights[2] == 0.0


def test_depth_is_only_taught_where_it_is_known() -> None:
    depth = torch.tensor([[[float("inf"), 10.0]]])
    losses = dense_losses(
        torch.zeros(1, 24, 1, 2),
        torch.full((1, 1, 2), float(np.log(10.0))),
        torch.ones(1, 1, 2).long(),
        depth,
        CLASSES.cells,
    )
    assert losses["depth"] < 1e-6 and losses["cells"] > 3.0
    assert torch.isfinite(total(losses, Weights()))
