"""The network must stay within what can be driven, wherever its weights are, and must not mind what it cannot see."""

import numpy as np
import pytest
import torch

from tests.made_moments import SMALL_RIG
from tests.made_network import TINY, tiny_network
from xiaolu.cameras.rig import RIG
from xiaolu.codec.contract import contract_for
from xiaolu.codec.proposals import MAX_CURVATURE_1PM, MAX_PLANNED_MPS, output_shapes, path_curvature
from xiaolu.core.plan import PATH_DISTANCES_M
from xiaolu.model.config import ModelConfig, config_for, from_json, to_json
from xiaolu.model.decider import place_rays
from xiaolu.model.export import example_inputs
from xiaolu.model.network import Network


def inputs(network: Network, batch: int = 2) -> list[torch.Tensor]:
    torch.manual_seed(1)
    values = list(example_inputs(network.contract, batch))
    for index in (0, 1, 4, 5):
        values[index] = torch.rand_like(values[index])
    values[3] = (torch.rand_like(values[3]) > 0.3).float()
    values[6] = torch.randint(0, 4096, values[6].shape)
    return values


def test_outputs_have_the_shapes_the_codec_expects() -> None:
    network = tiny_network()
    answer = network.decide(*inputs(network))
    assert {name: tuple(value.shape[1:]) for name, value in answer.items()} == output_shapes()


def test_every_proposal_can_be_driven_however_wild_the_weights() -> None:
    network = tiny_network()
    with torch.no_grad():
        network.decider.path_out.weight.normal_(std=30.0)
        network.decider.speed_out.weight.normal_(std=30.0)
        answer = network.decide(*inputs(network))
    paths, speeds = answer["paths"].numpy(), answer["speeds_mps"].numpy()
    steps = np.diff(np.concatenate([np.zeros_like(paths[..., :1, :]), paths], axis=-2), axis=-2)
    np.testing.assert_allclose(
        np.linalg.norm(steps, axis=-1), np.diff(PATH_DISTANCES_M, prepend=0.0) + 0 * steps[..., 0], rtol=1e-4
    )
    near = np.abs([path_curvature(path)[1:10] for path in paths.reshape(-1, *paths.shape[-2:])])
    assert near.max() <= MAX_CURVATURE_1PM * 1.01
    assert speeds.min() >= 0.0 and speeds.max() <= MAX_PLANNED_MPS


def test_what_is_masked_changes_nothing() -> None:
    network = tiny_network()
    given = inputs(network)
    with torch.no_grad():
        one = network.decide(*given)
        hidden = given[3][..., None] == 0
        given[0] = torch.where(hidden, torch.full_like(given[0], 7.0), given[0])
        other = network.decide(*given)
    for name in one:
        torch.testing.assert_close(one[name], other[name])


def test_seeing_nothing_at_all_still_gives_numbers() -> None:
    network = tiny_network()
    with torch.no_grad():
        answer = network.decide(*example_inputs(network.contract))
    assert all(torch.isfinite(value).all() for value in answer.values())


def test_a_slots_age_is_read_and_its_index_is_not() -> None:
    network = tiny_network()
    given = inputs(network, 1)
    with torch.no_grad():
        one = network.decide(*given)["paths"]
        order = torch.randperm(given[0].shape[1])
        turned = [value[:, order] if i < 4 else value for i, value in enumerate(given)]
        torch.testing.assert_close(network.decide(*turned)["paths"], one, atol=1e-4, rtol=1e-4)
        aged = [value + 0.5 if i == 1 else value for i, value in enumerate(given)]
        assert not torch.equal(network.decide(*aged)["paths"], one)


def test_the_rays_look_where_the_cameras_look() -> None:
    rays = place_rays(contract_for(RIG, 8)).numpy()
    assert rays.shape == (50 + 18 + 8 * 3, 7)
    assert (rays[:50, 0] > 0.9).all()  # narrow: ahead
    assert (rays[68:76, 1] > 0.2).all() and (rays[76:84, 1] < -0.2).all()  # left, right
    assert (rays[84:, 0] < -0.3).all()  # rear


def test_a_configuration_survives_its_record_and_a_wrong_one_is_named() -> None:
    assert from_json(to_json(TINY)) == TINY
    with pytest.raises(ValueError, match="layers"):
        from_json({k: v for k, v in to_json(TINY).items() if k != "layers"})
    with pytest.raises(ValueError, match="nano"):
        config_for("huge")
    with pytest.raises(ValueError, match="heads"):
        ModelConfig(dim=30, heads=4)
    with pytest.raises(ValueError, match="token_dim"):
        Network(TINY, contract_for(SMALL_RIG, 99))
