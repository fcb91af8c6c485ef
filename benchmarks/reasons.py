"""Why a road user stands: whom it waits for, whom that one waits for, and so on to what holds up the first of them."""

from collections.abc import Sequence

import numpy as np

RED, PASSING, RING, ALONE, BLOCKED = "red", "passing traffic", "ring", "alone", "parked"
# What holds others up by right: a red light, and those that go by. Who waits in a ring, before what will never leave,
# or for nobody at all stands without a cause.
CAUSES = (RED, PASSING)
GOES_BY_MPS = 1.0  # who goes slower, or backwards, is part of a jam
MEANING = {
    RED: "a red light, or a sign to stop",
    PASSING: "somebody who goes by",
    RING: "each waits for the next, and the last for the first",
    BLOCKED: "something parked",
    ALONE: "nobody",
}


def chain_of(waits_for: np.ndarray, parked: np.ndarray, slot: int) -> list[int]:
    """Return whom a user waits for, one after the other, itself first; a ring ends with the one it closes on.

    waits_for (N,): see `Minds`; below 0 or N (the ego) nobody comes after, nor after what is parked (N,).
    """
    chain = [slot]
    while not parked[slot] and 0 <= (slot := int(waits_for[slot])) < len(waits_for):
        chain.append(slot)
        if slot in chain[:-1]:
            break
    return chain


def reason(waits_for: np.ndarray, speed_mps: np.ndarray, parked: np.ndarray, chain: Sequence[int]) -> str:
    """Return what holds up the first of a chain: one of the keys of `MEANING`. All (N,)."""
    first = chain[-1]
    if first in chain[:-1]:
        return RING
    if parked[first]:
        return BLOCKED
    if int(waits_for[first]) == -2:
        return RED
    if len(chain) > 1 and speed_mps[first] > GOES_BY_MPS:
        return PASSING
    return ALONE
