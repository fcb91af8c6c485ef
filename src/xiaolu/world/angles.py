"""Angles in compiled loops: remainders to a turn, bit for bit those of `%`, without the processor's slow division.

Python's `%` calls the C library's `fmod`, whose exact division is slow on most processors. Within
two turns either way the same number comes out of one addition or subtraction, which is exact there (Sterbenz 1974).
"""

import numpy as np
from numba import njit

_TURN = 2.0 * np.pi


@njit(cache=True)
def full_turn(angle_rad):
    """Return angle_rad % (2 pi), from 0 to 2 pi."""
    if 0.0 <= angle_rad < _TURN:
        return angle_rad + 0.0  # as with %, -0.0 becomes 0.0
    if _TURN <= angle_rad < 2.0 * _TURN:
        return angle_rad - _TURN
    if -_TURN < angle_rad < 0.0:
        return angle_rad + _TURN
    return angle_rad % _TURN


@njit(cache=True)
def half_turn(angle_rad):
    """Return the angle from -pi to pi that points the same way: (angle_rad + pi) % (2 pi) - pi."""
    return full_turn(angle_rad + np.pi) - np.pi
