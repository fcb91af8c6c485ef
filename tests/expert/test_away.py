"""What a user would lose: an ego that has come to stand askew beside something, and never gets away from there."""

import numpy as np
import pytest

from tests.expert.loop import drive, people
from xiaolu.core.control import EGO_BODY
from xiaolu.core.users import Kind
from xiaolu.measures.geometry import box_clearance

ASKEW_RAD, BEYOND_M, GAP_M = (
    0.127,
    2.6,
    0.04,
)  # its heading off the lane; of the parked car's tail ahead of its rear axle


@pytest.mark.parametrize("aside_m", [0.25, 0.5])
def test_from_beside_a_corner_it_swings_out(ways, aside_m):
    """It stands a hand's breadth from a parked car's corner, its nose past it: there is a lane's width to the left."""
    teacher = ways("Win", "Eout")
    at = np.array(teacher.course.path.point_at(40.0))
    ahead, left = np.array([np.cos(at[2]), np.sin(at[2])]), np.array([-np.sin(at[2]), np.cos(at[2])])
    pose = np.array([*(at[:2] + aside_m * left), at[2] + ASKEW_RAD])
    side_m = aside_m + BEYOND_M * np.sin(ASKEW_RAD) - 0.5 * EGO_BODY.width_m - GAP_M - 0.91
    x, y = at[:2] + (BEYOND_M + 2.3) * ahead + side_m * left
    users = people((Kind.CAR, x, y, at[2], 0.0))
    users.lane[:] = -1
    trace = drive(teacher, pose, 16.0, lambda _: users)
    box, corners = np.array([x, y, at[2], users.length_m[0], users.width_m[0]]), np.empty((4, 2))
    assert min(box_clearance(ego, box, corners) for ego in trace.boxes) > 0.0
    assert np.hypot(*(trace.pose[-1, :2] - pose[:2])) > 8.0, "it still stands there"
