"""Batches are pure functions of the step, and fill the memory as the car would."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made_moments import SMALL_RIG, MadeMoments
from xiaolu.codec.contract import contract_for
from xiaolu.codec.memory import TokenMemory
from xiaolu.training.labels import columns_of
from xiaolu.training.loader import Dropout, FrameStore, MemoryLoader, batch_numbers, draws, prefetched

CONTRACT = contract_for(SMALL_RIG, 4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.35, 1.0, 2.5]), min_size=3, max_size=60), st.integers(0, 5))
def test_an_epoch_shows_each_moment_as_often_as_its_interest_says(interest: list[float], epoch: int) -> None:
    weights = np.array(interest)
    if not weights.any():
        with pytest.raises(ValueError, match="usable"):
            draws(weights, 0, epoch)
        return
    shown = np.bincount(draws(weights, 0, epoch), minlength=len(weights))
    expected = weights / weights.sum() * np.count_nonzero(weights)
    assert (np.abs(shown - expected) < 1.0 + 1e-9).all()


def test_steps_of_a_batch_follow_each_other_through_the_epochs() -> None:
    interest = np.ones(10)
    numbers = np.concatenate([batch_numbers(interest, 0, step, 4) for step in range(5)])
    assert sorted(numbers[:10]) == sorted(numbers[10:]) == list(range(10))
    assert numbers[:10].tolist() != numbers[10:].tolist()


def test_the_loader_remembers_what_the_car_would_remember() -> None:
    columns = columns_of(MadeMoments(16))
    layout = MemoryLoader(CONTRACT, columns, np.zeros((0,))).layout
    tokens = np.random.default_rng(0).normal(size=(16, layout.places, 4)).astype(np.float16)
    loader = MemoryLoader(CONTRACT, columns, tokens)
    for number in (0, 1, 5, 11):
        car = TokenMemory(layout, 2.0)
        for earlier in range(number // 8 * 8, number + 1):
            for name, (start, end) in layout.camera_span.items():
                car.add(name, int(columns.stamp_ns[earlier]), tokens[earlier, start:end].astype(np.float32))
        expected = car.gather(int(columns.stamp_ns[number]))
        got = loader.batch(np.array([number]), None, np.random.default_rng(0)).inputs
        for have, want in zip(got[:4], (expected.tokens, expected.age_s, expected.place, expected.mask), strict=True):
            np.testing.assert_allclose(have[0], want, atol=1e-6)


def test_dropout_hides_what_it_says_and_never_all_that_looks_ahead() -> None:
    columns = columns_of(MadeMoments(64))
    tokens = np.ones((64, 10, 4), np.float16)
    loader = MemoryLoader(CONTRACT, columns, tokens)
    everything = Dropout(speed=1.0, route=1.0, text=1.0, history=1.0, slot=1.0, side=1.0, front=1.0)
    batch = loader.batch(np.arange(64), everything, np.random.default_rng(1))
    mask, ego, route, text = batch.inputs[3], *batch.inputs[4:]
    assert not ego.any() and not route.any() and not text.any()
    newest = mask[:, [0, 24]]  # the first place of the newest narrow and of the newest wide slot
    assert (newest.sum(axis=1) == 1.0).all() and 0.2 < newest[:, 0].mean() < 0.8
    assert mask.sum(axis=1).max() == 6.0


def test_frames_come_back_from_the_store_as_they_were_and_only_once_decoded(tmp_path: Path) -> None:
    source = MadeMoments(8)
    store = FrameStore(source, tmp_path, "a")
    first = store.batch(np.array([5, 2]))
    for row, number in enumerate((5, 2)):
        moment = source.moment(number)
        for camera in SMALL_RIG:
            np.testing.assert_array_equal(first.images[camera.name][row], moment.images[camera.name])
            np.testing.assert_array_equal(first.classes[camera.name][row], moment.class_map[camera.name])
            np.testing.assert_array_equal(first.depths[camera.name][row], moment.depth_map[camera.name])
    again = FrameStore(source, tmp_path, "a")
    assert again.present.sum() == 2
    assert FrameStore(source, tmp_path, "b").present.sum() == 0  # other moments: nothing of it is believed


def test_prefetching_keeps_the_order_and_hands_errors_on() -> None:
    assert list(prefetched(lambda step: step * step, 2, 9)) == [n * n for n in range(2, 9)]
    with pytest.raises(ZeroDivisionError):
        list(prefetched(lambda step: 1 // (step - 3), 0, 6))
