"""What a user would lose: a red line that no tick falls on is still a red line, and its lamp is known before it."""

from types import SimpleNamespace

import numpy as np
import pytest

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.evaluation.stop_line import StopLine

ENDS_M = np.array([20.0, 20.2, 40.0, 90.0])  # of the lanes 0 to 3; the line is painted on the shortest


@pytest.fixture
def line(monkeypatch):
    def nearest(x, y, kinds, yaw=None):
        lane = min(int(np.searchsorted(ENDS_M, x, "right")), 3)
        return lane, x - (ENDS_M[lane - 1] if lane else 0.0), 0.0, 0.0

    town = SimpleNamespace(
        stop_s_m=np.array([np.nan, 0.1, np.nan, np.nan]),
        waiting_s_m=np.full(4, np.nan),
        lane_signal=np.array([-1, -1, 0, -1]),
        lane_length_m=np.diff(ENDS_M, prepend=0.0),
        following=lambda lane: [lane + 1] if lane < 3 else [],
    )
    path = SimpleNamespace(plan=SimpleNamespace(lanes=np.arange(4)))
    monkeypatch.setattr(StopLine, "ruling", lambda *_: (LampColour.RED, False, False))
    monkeypatch.setattr(StopLine, "_ordered", lambda *_: None)
    return StopLine(town, path, SimpleNamespace(nearest=nearest))


def ahead(line, front_m, speed_mps):
    pose = np.array([front_m - EGO_BODY.front_x_m, 0.0, 0.0])
    return line.follow(SimpleNamespace(ego_pose=pose, ego_speed_mps=speed_mps), 0.0)["line_ahead_m"]


def test_a_line_on_a_lane_shorter_than_a_tick_is_seen_before_and_behind(line):
    fronts = np.arange(10.7, 25.0, 0.8)  # none of these lies on the line's own lane
    assert not ((fronts > 20.0) & (fronts < 20.2)).any()
    found = np.array([ahead(line, float(front), 8.0) for front in fronts])
    before = fronts < 20.0
    assert np.abs(found[before] - (20.1 - fronts[before])).max() < 1e-6
    assert (np.diff(np.sign(found)) != 0).sum() == 1 and found[before].min() > 0.0, "crossed once"
    after = fronts[~before][found[~before] <= 0.0]
    assert len(after) >= 5 and after[0] < 21.0


@pytest.fixture
def beside(monkeypatch):
    """A route along lane 0, and lane 1 beside it, 3.2 m to the left, with a line at 60 m: the route has none."""
    straight = np.column_stack([np.arange(0.0, 101.0, 2.0), np.zeros((51, 2))])

    def nearest(x, y, kinds, yaw=None):
        lane = int(y > 1.6)
        return lane, x, y - 3.2 * lane, abs(y - 3.2 * lane)

    town = SimpleNamespace(
        stop_s_m=np.array([np.nan, 60.0, np.nan]),
        waiting_s_m=np.full(3, np.nan),
        lane_signal=np.array([-1, -1, 0]),
        lane_length_m=np.full(3, 100.0),
        following=lambda lane: [2] if lane == 1 else [],
        line=lambda lane: straight + np.array([0.0, 3.2 * (lane == 1), 0.0]),
    )
    path = SimpleNamespace(
        plan=SimpleNamespace(lanes=np.array([0])), project=lambda x, y, near: (x, y), lane_at=lambda s_m: 0
    )
    monkeypatch.setattr(StopLine, "ruling", lambda *_: (LampColour.RED, False, False))
    monkeypatch.setattr(StopLine, "_ordered", lambda *_: None)
    return StopLine(town, path, SimpleNamespace(nearest=nearest))


def along(line, x_m, left_m):
    pose = np.array([x_m - EGO_BODY.front_x_m, left_m, 0.0])
    return line.follow(SimpleNamespace(ego_pose=pose, ego_speed_mps=5.0), 0.0)["line_ahead_m"]


def test_who_leans_over_the_next_lane_or_has_left_it_again_is_not_held_by_its_line(beside):
    assert np.isnan(along(beside, 30.0, 1.8)), "only leaning"
    assert along(beside, 30.5, 3.0) == pytest.approx(29.5)
    found = [along(beside, float(x), 0.2) for x in np.arange(31.0, 65.0, 0.5)]
    assert np.isnan(found).all(), "back in its own lane"
