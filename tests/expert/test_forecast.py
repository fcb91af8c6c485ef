"""What a user would lose: a teacher that drives beside a car that backs up, and is run into when it swings out."""

import numpy as np
import pytest

from xiaolu.core.decision import LampColour
from xiaolu.core.users import Kind
from xiaolu.expert.forecast import BACKS_S, MOMENTS_S, forecasts, lanes_of
from xiaolu.world.town import LaneKind, Town


@pytest.mark.parametrize("speed_mps", [-1.2, 0.0, 3.0])
def test_a_car_is_foreseen_where_it_goes_backwards_too(small_town: Town, speed_mps: float):
    ordinary = (small_town.lane_kind == LaneKind.DRIVE) & (small_town.lane_junction < 0)
    lane = int(np.flatnonzero(ordinary & (small_town.lane_length_m > 40.0))[0])
    x, y, _, yaw = small_town.pose_at(lane, 12.0)

    def one(value, kind=np.float64):
        return np.array([value], kind)

    colours = np.full(int(small_town.lane_signal.max()) + 2, int(LampColour.NONE))
    owner, certain, _, poses = forecasts(
        lanes_of(small_town), colours, one(int(Kind.CAR), np.int64), one(x), one(y), one(yaw), one(speed_mps), one(0.0),
        one(4.6), one(lane, np.int64), one(12.0), one(0.0), one(0, np.int64),
    )  # fmt: skip
    assert len(owner) == 1 and certain.all()
    along = (poses[0, :, 0] - x) * np.cos(yaw) + (poses[0, :, 1] - y) * np.sin(yaw)
    short = MOMENTS_S <= BACKS_S
    assert along[short] == pytest.approx(speed_mps * MOMENTS_S[short], abs=0.15)
