"""Counter-based chance: a draw is a pure function of (seed, user, tick, purpose), so that branches of one ride
differ only by what the ego did, and nothing depends on the order of calls.

The mixing function is the finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied once per key.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a draw is for. One number each, never reused: a new purpose gets a new number."""

    SPAWN = 1
    KIND = 2
    SHAPE = 3
    TEMPER = 4
    TURN = 5
    REACTION = 6
    LAPSE = 7
    LATERAL = 8
    SPEED = 9
    LOOK = 10
    GESTURE = 11
    WAIT = 12
    SIGNAL = 13
    ROUTE = 14
    PHONE = 15
    ODOMETRY = 16
    RANGE = 17
    WEATHER = 18
    PARKING = 19
    RIDE = 20
    TOWN = 21
    STYLE = 22
    SHIFT = 23
    NOISE = 24
    INSTRUCTION = 25
    SCENARIO = 40
    CAMERA = 50


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def mix(key: np.ndarray) -> np.ndarray:
    """Return the SplitMix64 finaliser of uint64 keys, any shape."""
    z = (key + _GOLDEN).astype(np.uint64)
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


def bits(seed, user, tick, purpose: int, draw=0) -> np.ndarray:
    """Return uint64 bits for the key; arguments broadcast. `draw` tells several draws of one purpose apart."""
    with np.errstate(over="ignore"):
        h = mix(np.atleast_1d(np.asarray(seed)).astype(np.uint64))
        for part in (user, tick, purpose, draw):
            h = mix(h ^ np.atleast_1d(np.asarray(part)).astype(np.int64).astype(np.uint64))
    return h


def uniform(seed, user, tick, purpose: int, draw=0) -> np.ndarray:
    """Return floats in [0, 1) with 53 random bits; shape of the broadcast arguments, at least (1,)."""
    return (bits(seed, user, tick, purpose, draw) >> _S11).astype(np.float64) * 2.0**-53


def normal(seed, user, tick, purpose: int, draw=0) -> np.ndarray:
    """Return standard normal floats (Box-Muller on two uniform draws); same shapes as `uniform`."""
    first = 1.0 - uniform(seed, user, tick, purpose, np.asarray(draw) * 2)
    second = uniform(seed, user, tick, purpose, np.asarray(draw) * 2 + 1)
    return np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)


def generator(seed: int, purpose: int, *parts: int) -> np.random.Generator:
    """Return a NumPy generator keyed by seed and purpose, for one-off work such as drawing a town."""
    return np.random.default_rng([int(seed) & 0xFFFFFFFFFFFFFFFF, int(purpose), *[int(p) for p in parts]])
