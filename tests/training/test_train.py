"""Training must work on what it is given, go on after a kill as if nothing had happened, and end with a driver."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.made_moments import SMALL_RIG, MadeMoments
from tests.made_network import TINY
from xiaolu.core.camera import CameraFrame
from xiaolu.core.decision import Pace
from xiaolu.core.observation import Observation
from xiaolu.model import config as sizes
from xiaolu.runtime.driver import OnnxDriver
from xiaolu.training import train as loop
from xiaolu.training.loader import Dropout
from xiaolu.training.recipe import Recipe
from xiaolu.training.train import train

SHORT = Recipe(
    size="tiny",
    threads=2,
    stage1_passes=96,
    stage1_batch=16,
    stage2_passes=96,
    stage2_batch=16,
    save_every=2,
    log_every=2,
)
ALL = Dropout(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(autouse=True)
def tiny_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sizes.SIZES, "tiny", TINY)


def logged(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_handful_of_moments_is_learnt_by_heart_and_driven(tmp_path: Path) -> None:
    source = MadeMoments(16)
    recipe = replace(
        SHORT,
        threads=1,
        stage1_passes=2000,
        stage2_passes=2400,
        stage1_rate=4e-3,
        stage2_rate=2e-3,
        held_out_share=0.0,
        dropout=ALL,
    )
    driver = OnnxDriver(train(source, recipe, tmp_path), threads=1)
    last = [line for line in logged(tmp_path) if line["stage"] == 2][-1]
    assert last["path"] < 0.15 and last["pace"] < 0.1 and last["signal"] < 0.1 and last["speed"] < 0.4
    for number in (0, 3, 5, 9):
        moment = source.moment(number)
        driver.reset(0)
        for earlier in range(number // 8 * 8, number + 1):  # the frames before it are its memory
            past = source.moment(earlier)
            frames = tuple(CameraFrame(camera, past.stamp_ns, past.images[camera.name]) for camera in SMALL_RIG)
            decision = driver.drive(Observation(past.stamp_ns, frames, past.ego, past.route))
        assert decision.strategy.pace == moment.strategy.pace and decision.perceived.signal == moment.signal
        assert np.abs(decision.plan.path[9] - moment.path[9]).max() < 0.6
        assert (decision.plan.speed_mps[-1] < 1.0) == (moment.strategy.pace == Pace.STOP)


def test_a_killed_run_ends_with_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = MadeMoments(32)
    whole = load_file(train(source, SHORT, tmp_path / "whole") / "model.safetensors")
    saved = loop.save_resume
    for victim in ((1, 4), (2, 2)):

        def killed(run, number, step, optimizer, victim=victim) -> None:
            saved(run, number, step, optimizer)
            if (number, step) == victim:
                raise KeyboardInterrupt

        monkeypatch.setattr(loop, "save_resume", killed)
        with pytest.raises(KeyboardInterrupt):
            train(source, SHORT, tmp_path / "killed")
    monkeypatch.setattr(loop, "save_resume", saved)
    again = load_file(train(source, SHORT, tmp_path / "killed") / "model.safetensors")
    assert all(np.array_equal(whole[name], again[name]) for name in whole)


def test_another_round_keeps_the_backbone_and_begins_with_the_driver(tmp_path: Path) -> None:
    first = train(MadeMoments(32), SHORT, tmp_path / "first")
    recipe = replace(SHORT, stage1_passes=0, stage2_passes=32)
    second = train(MadeMoments(40, seed=1), recipe, tmp_path / "second", start_from=first)
    before, after = load_file(first / "model.safetensors"), load_file(second / "model.safetensors")
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed and all(name.startswith("decider.") for name in changed)
    with pytest.raises(ValueError, match="start_from"):
        train(MadeMoments(8), recipe, tmp_path / "third")


def test_a_folder_with_another_run_in_it_is_not_mixed_up(tmp_path: Path) -> None:
    train(MadeMoments(16), SHORT, tmp_path)
    with pytest.raises(ValueError, match="another recipe"):
        train(MadeMoments(16), replace(SHORT, seed=5), tmp_path)


def test_no_moments_are_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no moments"):
        train(MadeMoments(0), SHORT, tmp_path)


def test_held_out_episodes_are_measured(tmp_path: Path) -> None:
    train(MadeMoments(64), replace(SHORT, held_out_share=0.25), tmp_path)
    done = logged(tmp_path)[-1]
    assert done["stage"] == "done" and done["moments"] == 16.0 and 0.0 <= done["pace_right"] <= 1.0
