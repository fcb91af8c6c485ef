"""Late, dropped and out-of-order frames are ordinary: a frame is remembered by its age, not by when it came."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made_moments import SMALL_RIG
from xiaolu.codec.contract import contract_for
from xiaolu.codec.memory import AGE_TOLERANCE_S, MemoryLayout, TokenMemory

LAYOUT = MemoryLayout(contract_for(SMALL_RIG, 8))
SECOND = 1_000_000_000


def tokens(camera: str, value: float) -> np.ndarray:
    start, end = LAYOUT.camera_span[camera]
    return np.full((end - start, 8), value, np.float32)


def test_the_layout_gives_every_slot_its_cameras_places() -> None:
    assert LAYOUT.places == 6 + 2 + 2
    assert LAYOUT.length == 4 * 6 + 3 * 2 + 2 == len(LAYOUT.place)
    assert set(LAYOUT.place[:6]) == set(range(6))


def test_ten_frames_a_second_fill_slots_half_a_second_apart() -> None:
    memory = TokenMemory(LAYOUT, 2.0)
    for tick in range(21):
        memory.add("narrow", tick * SECOND // 10, tokens("narrow", tick))
    held = memory.gather(2 * SECOND)
    got = [held.tokens[start, 0] for start, _ in LAYOUT.slot_span[:4]]
    assert got == [20.0, 15.0, 10.0, 5.0]
    np.testing.assert_allclose([held.age_s[s] for s, _ in LAYOUT.slot_span[:4]], [0.0, 0.5, 1.0, 1.5])
    assert held.mask[: 4 * 6].all() and not held.mask[4 * 6 :].any()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 20), unique=True, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(ticks: list[int], random) -> None:
    shuffled = ticks.copy()
    random.shuffle(shuffled)
    one, other = TokenMemory(LAYOUT, 2.0), TokenMemory(LAYOUT, 2.0)
    for memory, order in ((one, ticks), (other, shuffled)):
        for tick in order:
            memory.add("wide", tick * SECOND // 10, tokens("wide", tick))
    first, second = one.gather(2 * SECOND), other.gather(2 * SECOND)
    np.testing.assert_array_equal(first.tokens, second.tokens)
    np.testing.assert_array_equal(first.mask, second.mask)
    for slot, (start, _) in enumerate(LAYOUT.slot_span):
        if first.mask[start]:
            assert abs(first.age_s[start] - LAYOUT.slot_age_s[slot]) <= AGE_TOLERANCE_S + 1e-6


def test_a_late_frame_tells_its_real_age_and_an_old_one_is_forgotten() -> None:
    memory = TokenMemory(LAYOUT, 2.0)
    memory.add("wide", 0, tokens("wide", 1.0))
    start = LAYOUT.slot_span[4][0]
    assert memory.gather(SECOND // 5).age_s[start] == np.float32(0.2)
    assert memory.age_s("wide", SECOND // 5) == 0.2
    memory.forget(3 * SECOND)
    assert not memory.gather(3 * SECOND).mask.any() and memory.age_s("wide", 3 * SECOND) == float("inf")


def test_a_frame_from_the_future_is_not_seen() -> None:
    memory = TokenMemory(LAYOUT, 2.0)
    memory.add("wide", SECOND, tokens("wide", 1.0))
    assert not memory.gather(0).mask.any()


def test_a_snapshot_does_not_change_with_what_comes_later() -> None:
    memory = TokenMemory(LAYOUT, 2.0)
    memory.add("wide", 0, tokens("wide", 1.0))
    kept = memory.snapshot()
    memory.add("wide", SECOND // 10, tokens("wide", 2.0))
    memory.restore(kept)
    assert memory.gather(SECOND // 10).tokens.max() == 1.0
