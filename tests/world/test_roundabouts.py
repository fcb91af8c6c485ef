"""What a user would lose: roundabouts to rehearse in, and blocks of houses that are not taken for one."""

from types import SimpleNamespace

import numpy as np
import pytest

from xiaolu.world.scenarios.streets import Streets


def loop(corners, facing_m=np.inf):
    """Return what `Streets` knows of a closed loop of lanes between corners; facing_m: how near others come to it."""
    ends = [*corners[1:], corners[0]]
    lines = [np.column_stack([np.linspace(a, b, 12), np.zeros(12)]) for a, b in zip(corners, ends, strict=True)]
    yaws = [float(np.arctan2(*(line[-1] - line[0])[1::-1])) for line in lines]

    def pose_at(lane, s_m):
        middle = lines[lane % 100].mean(axis=0)
        return (*middle, yaws[lane % 100] + (np.pi if lane >= 100 else 0.0))

    def nearest(x, y, kinds, yaw):
        lane = next(n for n, line in enumerate(lines) if np.hypot(*(line.mean(axis=0)[:2] - [x, y])) < 1e-6)
        return (100 + lane, 0.0, 0.0, facing_m) if facing_m < 20.0 else (lane, 0.0, 0.0, 0.0)

    town = SimpleNamespace(line=lambda lane: lines[lane], pose_at=pose_at, lane_length_m=np.full(len(lines), 10.0))
    return SimpleNamespace(town=town, ordinary=np.ones(len(lines), bool), ground=SimpleNamespace(nearest=nearest))


def circle(radius_m, pieces=12):
    turn = 2 * np.pi * np.arange(pieces) / pieces
    return [tuple(radius_m * np.array([np.cos(a), np.sin(a)])) for a in turn]


BLOCK = [(0.0, 0.0), (40.0, 0.0), (40.0, 18.0), (0.0, 18.0)]


@pytest.mark.parametrize(
    ("what", "found"),
    [(loop(circle(13.0)), True), (loop(circle(13.0), facing_m=3.3), False), (loop(BLOCK), False)],
    ids=["ring", "two-way streets round a square", "one-way streets round a block"],
)
def test_a_one_way_circle_is_a_roundabout_and_nothing_else_is(what, found):
    assert Streets._is_round(what, list(range(len(what.ordinary)))) is found
