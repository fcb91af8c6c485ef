"""The probe must find what is in the tokens and must not find what is not."""

import json
from pathlib import Path

import numpy as np

from tests.made_moments import SMALL_RIG, MadeMoments
from xiaolu.codec.contract import contract_for
from xiaolu.training.loader import FrameStore
from xiaolu.training.probe import auc, linear_probe
from xiaolu.training.recipe import Recipe
from xiaolu.training.speed import NoiseMoments, fresh_latency, loader_speed, training_speed


def test_what_tokens_hold_is_found_and_what_they_do_not_hold_is_not(tmp_path: Path) -> None:
    source = MadeMoments(128)
    store = FrameStore(source, tmp_path, "a")
    red = store.batch(np.arange(128)).classes["narrow"][:, 0, 0] == 12
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(128, 10, 8)).astype(np.float16)
    blind = linear_probe(contract_for(SMALL_RIG, 8), store, tokens, np.arange(128))
    tokens[:, 0, 3] += 4.0 * red
    seeing = linear_probe(contract_for(SMALL_RIG, 8), store, tokens, np.arange(128), tmp_path / "probe.json")
    assert seeing["red"]["auc"] > 0.95 and seeing["red"]["recall"] > 0.8 > blind["red"]["auc"]
    assert json.loads((tmp_path / "probe.json").read_text()) == seeing
    assert "yellow" not in seeing


def test_auc_of_a_perfect_and_a_reversed_order() -> None:
    true = np.array([False, False, True, True])
    assert auc(np.array([0.1, 0.2, 0.3, 0.4]), true) == 1.0 and auc(-np.array([0.1, 0.2, 0.3, 0.4]), true) == 0.0


def test_speeds_are_measured(monkeypatch) -> None:
    from tests.made_network import TINY
    from xiaolu.model import config

    monkeypatch.setitem(config.SIZES, "tiny", TINY)
    recipe = Recipe(size="tiny", threads=1, stage1_batch=4, stage2_batch=4)
    for figures in (
        training_speed(NoiseMoments(16, SMALL_RIG), recipe, 0.1),
        loader_speed(MadeMoments(16), recipe, 0.1),
    ):
        assert set(figures) == {"stage1_samples_per_s", "stage2_samples_per_s"}
        assert all(value > 0.0 for value in figures.values())
    assert 0.0 < fresh_latency(SMALL_RIG, "tiny", 1)["p50_ms"] < 1000.0
