"""What a user would lose: rides that stay the same, bit for bit, whichever way a remainder is worked out."""

import numpy as np

from xiaolu.world.angles import full_turn, half_turn

TURN = 2.0 * np.pi


def test_remainders_are_those_of_percent_bit_for_bit():
    ends = np.concatenate([[0.0, -0.0, 1e-300, -1e-300, 5e-17], np.arange(-4, 5) * np.pi])
    ends = np.concatenate([ends, np.nextafter(ends, np.inf), np.nextafter(ends, -np.inf)])
    angles = np.concatenate([ends, np.random.default_rng(1).uniform(-30.0, 30.0, 20_000)])
    wanted = np.array([float(angle) % TURN for angle in angles])
    assert np.array([full_turn(angle) for angle in angles]).tobytes() == wanted.tobytes()
    wanted = np.array([(float(angle) + np.pi) % TURN - np.pi for angle in angles])
    assert np.array([half_turn(angle) for angle in angles]).tobytes() == wanted.tobytes()
