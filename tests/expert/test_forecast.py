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


def test_a_car_that_backs_out_across_the_street_may_swing_round_to_either_side(small_town: Town):
    ordinary = (small_town.lane_kind == LaneKind.DRIVE) & (small_town.lane_junction < 0)
    lane = int(np.flatnonzero(ordinary & (small_town.lane_length_m > 40.0))[0])
    x, y, _, along = small_town.pose_at(lane, 12.0)
    yaw = along - 0.5 * np.pi  # nose towards the kerb on the right, as out of a gateway

    def one(value, kind=np.float64):
        return np.array([value], kind)

    colours = np.full(int(small_town.lane_signal.max()) + 2, int(LampColour.NONE))
    owner, certain, _, poses = forecasts(
        lanes_of(small_town), colours, one(int(Kind.CAR), np.int64), one(x), one(y), one(yaw), one(-1.6), one(0.0),
        one(4.6), one(lane, np.int64), one(12.0), one(0.0), one(0, np.int64),
    )  # fmt: skip
    assert len(owner) == 3 and not certain.any()
    ahead = (poses[:, -1, 0] - x) * np.cos(along) + (poses[:, -1, 1] - y) * np.sin(along)
    aside = -(poses[:, -1, 0] - x) * np.sin(along) + (poses[:, -1, 1] - y) * np.cos(along)
    # 1.6 m/s for 7 s are 11.2 m: a quarter round of 6 m takes 9.42 m, the rest goes straight. The axle, 0.28 * 4.6 m
    # = 1.29 m behind the middle, ends 7.78 m along; the middle is then 1.29 m nearer.
    assert sorted(ahead) == pytest.approx([-6.49, 0.0, 6.49], abs=0.02)
    assert aside[np.argmin(np.abs(ahead))] == pytest.approx(1.6 * BACKS_S)
    assert aside[np.argmax(np.abs(ahead))] == pytest.approx(6.0 + 1.29, abs=0.02)
    turned = np.abs((poses[:, -1, 2] - yaw + np.pi) % (2 * np.pi) - np.pi)
    assert sorted(turned) == pytest.approx([0.0, 0.5 * np.pi, 0.5 * np.pi])
