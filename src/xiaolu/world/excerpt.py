"""Excerpts: a state of the world with some of its road users only. Slots keep their order, so that ties fall alike."""

from dataclasses import replace

import numpy as np

from xiaolu.world.state import Minds, WorldState, map_arrays


def excerpt_of(state: WorldState, kept: np.ndarray) -> WorldState:
    """Return a state (B, n) of the slots kept (N,) bool of one (B, N). What its users wait for is renumbered."""
    slots = len(kept)
    new = np.full(slots + 1, -1, np.int32)
    new[:slots][kept], new[slots] = np.arange(kept.sum()), kept.sum()

    def some(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array[:, kept])

    minds = state.minds
    waits = np.where(minds.waits_for >= 0, new[np.maximum(minds.waits_for, 0)], minds.waits_for)
    fewer: Minds = map_arrays(some, replace(minds, waits_for=waits.astype(minds.waits_for.dtype)))
    fewer = replace(fewer, seen=np.ascontiguousarray(fewer.seen[:, :, np.append(kept, True)]))
    return replace(
        state,
        users=map_arrays(some, state.users),
        minds=fewer,
        touching=some(state.touching),
        caused_by_user=some(state.caused_by_user),
    )
