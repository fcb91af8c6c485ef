"""Counter-based chance inside compiled loops: the same numbers as `xiaolu.core.chance`, one at a time."""

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@njit(cache=True, inline="always")
def _mix(key):
    z = key + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def draw(seed, user, tick, purpose, number):
    """Return a float in [0, 1): `chance.uniform(seed, user, tick, purpose, number)` for scalars."""
    h = _mix(np.uint64(seed))
    h = _mix(h ^ np.uint64(np.int64(user)))
    h = _mix(h ^ np.uint64(np.int64(tick)))
    h = _mix(h ^ np.uint64(np.int64(purpose)))
    h = _mix(h ^ np.uint64(np.int64(number)))
    return np.float64(h >> np.uint64(11)) * 2.0**-53


@njit(cache=True)
def draw_normal(seed, user, tick, purpose, number):
    """Return a standard normal float: `chance.normal(seed, user, tick, purpose, number)` for scalars."""
    first = 1.0 - draw(seed, user, tick, purpose, number * 2)
    second = draw(seed, user, tick, purpose, number * 2 + 1)
    return np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)
