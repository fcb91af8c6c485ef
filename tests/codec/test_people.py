"""Whatever the network wants, the car passes people as slowly as their distance asks, and stops before them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xiaolu.cameras.rig import RIG, camera_named
from xiaolu.codec.moment import CELL_PX
from xiaolu.codec.people import ALONG_M, STOP_GAP_M, agreed, free_speed_mps, lasting, people_seen
from xiaolu.codec.proposals import bounded_speeds
from xiaolu.core.camera import CameraModel
from xiaolu.core.control import EGO_BODY
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS, SPEED_TIMES_S

STRAIGHT = np.stack([PATH_DISTANCES_M, 0.0 * PATH_DISTANCES_M], axis=-1)
SIDE_M = 0.5 * EGO_BODY.width_m + 0.2  # of the car, and of a body


@pytest.mark.parametrize("camera", RIG, ids=lambda camera: camera.name)
@pytest.mark.parametrize("out_m", [4.0, 9.0, 14.0])
def test_a_cell_becomes_the_place_it_shows(camera: CameraModel, out_m: float) -> None:
    rows, columns = camera.height_px // CELL_PX, camera.width_px // CELL_PX
    certainty, depth = np.zeros((rows, columns)), np.full((rows, columns), out_m)
    row, column = rows // 2, columns // 2
    certainty[row, column] = 0.9
    (point,) = people_seen(camera, certainty, depth)
    middle = camera.ego_from_camera @ np.array([0.0, 0.0, out_m, 1.0])  # the optical axis, half a cell away
    half_cell_m = 0.5 * np.sqrt(2.0) * CELL_PX / camera.focal_px * out_m
    assert np.linalg.norm(point - middle[:2]) <= half_cell_m + 1e-9


def test_unsure_far_and_high_cells_show_nobody() -> None:
    camera = camera_named(RIG, "wide")
    certainty, depth = np.full((12, 24), 0.9), np.full((12, 24), 8.0)
    assert len(people_seen(camera, 0.4 * certainty, depth)) == 0
    assert len(people_seen(camera, certainty, depth + 40.0)) == 0
    rows_down = 12 - np.nonzero(certainty)[0].min()
    assert 0 < len(people_seen(camera, certainty, depth)) < 24 * rows_down  # the top rows look above every head


def test_the_nearer_of_two_sights_of_one_person_counts() -> None:
    narrow, wide = np.array([[15.6, 0.3]]), np.array([[9.6, 0.2], [6.0, -4.0]])
    points = agreed([narrow, wide], (1.6, 0.0))
    np.testing.assert_allclose(points[1:], wide)  # nobody else is in their directions, or further away
    assert np.hypot(*(points[0] - (1.6, 0.0))) == pytest.approx(np.hypot(8.0, 0.2))
    assert len(agreed([], (0.0, 0.0))) == 0


def test_one_glimpse_is_nobody() -> None:
    now = np.array([[10.0, 0.5], [8.0, -4.0]])
    assert lasting(now, np.array([[9.0, 0.6]]), (1.6, 0.0)).tolist() == [[10.0, 0.5]]
    assert len(lasting(now, np.zeros((0, 2)), (1.6, 0.0))) == 0


def test_past_somebody_the_speed_follows_the_gap() -> None:
    # 0.48 m of free side gap allow 3 m/s from when the bumper is a metre short of him until the rear axle is past.
    free = free_speed_mps(STRAIGHT, np.array([[15.0, SIDE_M + 0.48]]))
    from_m = 15.0 - EGO_BODY.front_x_m - 1.0
    beside = (from_m <= ALONG_M) & (ALONG_M <= 16.0)
    assert free[beside] == pytest.approx(3.0)
    # From 3 m/s backwards at 1.8 m/s2: sqrt(3^2 + 2 * 1.8 * 5) = 5.2 m/s five metres before.
    first = int(np.argmax(beside))
    assert free[first - 10] == pytest.approx(np.sqrt(9.0 + 18.0))
    assert np.isinf(free[-1])


def test_nobody_and_somebody_behind_do_not_slow() -> None:
    assert np.isinf(free_speed_mps(STRAIGHT, np.zeros((0, 2)))).all()
    assert np.isinf(free_speed_mps(STRAIGHT, np.array([[-3.0, 0.0]]))).all()


@given(
    st.floats(EGO_BODY.front_x_m + 3.0, 24.0),
    st.floats(-0.9, 0.9),
    st.floats(0.0, 6.0),
    st.floats(-0.03, 0.03),
)
def test_the_car_stands_before_somebody_in_the_way(
    at_m: float, off_m: float, speed_mps: float, bend_1pm: float
) -> None:
    turn = bend_1pm * PATH_DISTANCES_M
    path = np.stack([PATH_DISTANCES_M * np.sinc(turn / np.pi), 0.5 * turn * PATH_DISTANCES_M], axis=-1)
    at = np.interp(at_m, PATH_DISTANCES_M, path[:, 0]), np.interp(at_m, PATH_DISTANCES_M, path[:, 1]) + off_m
    free = free_speed_mps(path, np.array([at]))
    stop_m = ALONG_M[int(np.argmax(free == 0.0))]
    assert abs(stop_m - (at_m - EGO_BODY.front_x_m - STOP_GAP_M)) <= 1.0
    speeds = bounded_speeds(np.full(SPEED_KNOTS, 10.0), path, speed_mps, 4.0, free)
    knots = np.concatenate([[speed_mps], speeds])
    travelled = np.sum(0.5 * (knots[1:] + knots[:-1]) * np.diff(np.concatenate([[0.0], SPEED_TIMES_S])))
    can_stop = speed_mps**2 / (2.0 * 3.3) < stop_m
    # Where along the path he is: in a bend, who is off to the side is abreast of another place than at_m.
    along_m = np.linspace(0.0, 30.0, 3001)
    line = np.stack([np.interp(along_m, PATH_DISTANCES_M, path[:, k]) for k in (0, 1)], axis=-1)
    abreast_m = float(along_m[np.hypot(*(line - at).T).argmin()])
    assert not can_stop or travelled + EGO_BODY.front_x_m < abreast_m
