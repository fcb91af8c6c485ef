"""The contract itself, on drivers that are known to be good or bad."""

import numpy as np
import pytest

from tests.ride.contract import check_driver, drive_of
from tests.ride.followers import Blind
from xiaolu.cameras.rig import RIG


def test_a_plain_driver_keeps_it():
    check_driver(lambda: Blind(5.0, cameras=("narrow", "rear")), RIG)


class Forgetful(Blind):
    """Does not start anew at reset."""

    drift = 0.0

    def drive(self, observation):
        self.drift += 0.1
        self.speed_mps = 4.0 + self.drift
        return super().drive(observation)


class Greedy(Blind):
    """Cannot do without a frame."""

    def drive(self, observation):
        assert observation.frames[0].image.mean() >= 0
        return super().drive(observation)


@pytest.mark.parametrize("bad", [Forgetful, Greedy])
def test_bad_drivers_are_found_out(bad):
    with pytest.raises((AssertionError, IndexError)):
        check_driver(lambda: bad(5.0, cameras=("wide",)), RIG)


def test_made_observations_are_as_a_ride_gives_them():
    observation = drive_of(4, RIG)
    assert len(observation.frames) == len(RIG) and np.isfinite(observation.route.centre_line).all()
