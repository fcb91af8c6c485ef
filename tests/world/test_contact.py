"""What a user would lose: a contact that is missed because somebody was fast, or one that never was."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import box_corners
from xiaolu.core.rates import SUBSTEPS
from xiaolu.world.contact import boxes_meet, touches_ego

finite = st.floats(-8.0, 8.0)
angle = st.floats(-3.14, 3.14)


def still(x: float = 0.0, y: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    return np.tile(np.array([x, y, yaw]), (SUBSTEPS + 1, 1))


def outline(x: float, y: float, yaw: float, length: float, width: float) -> Polygon:
    return Polygon(box_corners(*(np.asarray(v) for v in (x, y, yaw, length, width))))


@settings(max_examples=150, deadline=None)
@given(finite, finite, angle, st.floats(0.3, 6.0), st.floats(0.3, 2.5))
def test_standing_outlines_touch_exactly_when_they_overlap(x, y, yaw, length, width):
    ego = outline(EGO_BODY.centre_x_m, 0.0, 0.0, EGO_BODY.length_m, EGO_BODY.width_m)
    other = outline(x, y, yaw, length, width)
    if ego.distance(other) > 1e-6:
        assert not touches_ego(still(), x, y, yaw, x, y, yaw, length, width)
    elif ego.intersection(other).area > 1e-6:
        assert touches_ego(still(), x, y, yaw, x, y, yaw, length, width)


@settings(max_examples=150, deadline=None)
@given(st.floats(20.0, 400.0), st.floats(-0.9, 3.7), st.floats(-1.5, 1.5), st.floats(0.1, 0.5))
def test_nothing_tunnels_however_fast_it_crosses(speed_mps, through_x, heading, size):
    """A body that starts on one side and ends on the other, having crossed the car, is always caught."""
    reach = max(speed_mps * 0.1 / 2, 8.0)
    dx, dy = reach * np.sin(heading), reach * np.cos(heading)
    start, end = (through_x - dx, -dy), (through_x + dx, dy)
    yaw = np.arctan2(dy, dx)
    assert touches_ego(still(), start[0], start[1], yaw, end[0], end[1], yaw, size, size)


@settings(max_examples=100, deadline=None)
@given(finite, finite, angle, st.floats(-30, 30), st.floats(-30, 30))
def test_the_order_of_the_two_does_not_matter(x, y, yaw, mx, my):
    ours = boxes_meet(0.0, 0.0, 0.3, 2.3, 0.9, x, y, yaw, 0.9, 0.3, mx, my)
    theirs = boxes_meet(x, y, yaw, 0.9, 0.3, 0.0, 0.0, 0.3, 2.3, 0.9, -mx, -my)
    assert ours == theirs


def test_a_fast_ego_is_swept_as_well():
    pose = np.stack([np.linspace(0.0, 4.0, SUBSTEPS + 1), np.zeros(SUBSTEPS + 1), np.zeros(SUBSTEPS + 1)], axis=-1)
    front = EGO_BODY.front_x_m
    assert touches_ego(pose, front + 3.5, 0.0, 0.0, front + 3.5, 0.0, 0.0, 0.3, 0.3)
    assert not touches_ego(pose, front + 4.5, 0.0, 0.0, front + 4.5, 0.0, 0.0, 0.3, 0.3)
