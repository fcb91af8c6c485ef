"""People and riders that the cameras show, as points on the ground, and how fast a path may be driven past them.

The dense head reads them from each frame's tokens, cell by cell, with how far away they are. The bound on speed knows
nothing but these points: it holds for every proposal, whatever the network wanted.
"""

from collections.abc import Sequence

import numpy as np

from xiaolu.codec.moment import CELL_PX
from xiaolu.core.camera import CameraModel
from xiaolu.core.control import EGO_BODY
from xiaolu.core.frames import wrap_angle
from xiaolu.core.plan import PATH_DISTANCES_M

SURE = 0.5  # a cell shows somebody when the network is surer than this
RANGE_M = 25.0  # further away a cell is wider than a person
TALLEST_M = 2.3  # what is higher above the ground is no person
SAME_WAY_RAD = np.deg2rad(3.0)
LASTING_RAD = np.deg2rad(6.0)  # between two frames
BODY_M = 0.2  # from the point seen to the side of the body
STOP_GAP_M = 0.7  # between bumper and somebody in the way
CREEP_GAP_M, CREEP_MPS = 1.7, 0.6  # from here on no faster than this: most people step aside, and a mirage dissolves
SLOWING_MPS2 = 1.8  # comfortable
# When somebody is seen late. Cells are too coarse for an emergency stop alone: two validation rides braked
# beyond 5 m/s2 for detections that flickered. It is the guardian's, who feels 5 m ahead.
HURRIED_MPS2 = 3.5
# Free side gap and the greatest speed past it: what 95 % of drivers keep among walkers (DUT recordings: 0.01, 0.28,
# 0.44 and 0.93 m at 1, 3, 4.5 and 9 m/s), and 0.2 m more, because a cell is not a tape measure.
PASSING_GAP_M = (0.2, 0.48, 0.64, 1.13, 1.6)
PASSING_MPS = (1.0, 3.0, 4.5, 9.0, 20.0)
IN_THE_WAY_M = 0.0  # a smaller side gap than this is none
GRID_M = 0.5
ALONG_M = np.arange(0.0, 40.0 + GRID_M, GRID_M)  # where along a path its speed is bounded, from the rear axle


def people_seen(camera: CameraModel, certainty_HW: np.ndarray, depth_HW: np.ndarray) -> np.ndarray:
    """Return points (K, 2) in the ego frame, metres, of the cells that show a person or a rider.

    certainty, depth: on the camera's grid of CELL_PX cells; depth in metres along its optical axis.
    """
    rows, columns = np.nonzero((certainty_HW > SURE) & (depth_HW < RANGE_M))
    pixels = np.stack([(columns + 0.5) * CELL_PX, (rows + 0.5) * CELL_PX, np.ones(len(rows))])
    in_camera = np.linalg.solve(camera.intrinsics, pixels) * depth_HW[rows, columns]
    in_ego = camera.ego_from_camera[:3, :3] @ in_camera + camera.ego_from_camera[:3, 3:]
    return in_ego[:2, in_ego[2] < TALLEST_M].T.copy()


def agreed(points: Sequence[np.ndarray], eye: tuple[float, float]) -> np.ndarray:
    """Return all points (K, 2) that several cameras show, each as near as any of them shows somebody in its direction.

    A long lens that cannot see somebody's feet takes him for further away than he is; the wide one knows better.
    eye: (x, y) from where directions are taken, ego frame.
    """
    every = np.concatenate([np.zeros((0, 2)), *points]) - eye
    angle, range_m = np.arctan2(every[:, 1], every[:, 0]), np.hypot(every[:, 0], every[:, 1])
    same = np.abs(wrap_angle(angle[:, None] - angle)) < SAME_WAY_RAD
    nearest_m = np.where(same, range_m, np.inf).min(axis=1, initial=np.inf)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1) * nearest_m[:, None] + eye


def lasting(points: np.ndarray, before: np.ndarray, eye: tuple[float, float]) -> np.ndarray:
    """Return those of points (K, 2) in whose direction somebody was seen a moment before too: one glimpse is nobody."""
    ways, earlier = points - eye, before - eye
    turned = np.arctan2(ways[:, 1], ways[:, 0])[:, None] - np.arctan2(earlier[:, 1], earlier[:, 0])
    return points[(np.abs(wrap_angle(turned)) < LASTING_RAD).any(axis=1)]


def free_speed_mps(path: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return the greatest speed (len(ALONG_M),) at which a path (PATH_POINTS, 2) may be driven past people (K, 2).

    Slow enough beside them, standing before those in the way, and from where on to slow down for it. inf when free.
    """
    limit = np.full(len(ALONG_M), np.inf)
    if not len(people):
        return limit
    s = np.concatenate([[0.0], PATH_DISTANCES_M])
    xy = np.concatenate([[[0.0, 0.0]], path])
    line = np.stack([np.interp(ALONG_M, s, xy[:, axis]) for axis in (0, 1)], axis=-1)
    away = people[:, None] - line
    nearest = np.argmin((away**2).sum(axis=-1), axis=1)
    heading = np.gradient(line, axis=0)[nearest]
    heading /= np.maximum(np.linalg.norm(heading, axis=-1, keepdims=True), 1e-9)
    off = away[np.arange(len(people)), nearest]
    at_m = ALONG_M[nearest] + (off * heading).sum(axis=-1)
    side_m = np.abs(heading[:, 0] * off[:, 1] - heading[:, 1] * off[:, 0])
    gap_m = side_m - 0.5 * EGO_BODY.width_m - BODY_M
    for at, gap in zip(at_m, gap_m, strict=True):
        if not 0.0 <= at <= ALONG_M[-1]:
            continue
        if gap < IN_THE_WAY_M:
            if at > EGO_BODY.front_x_m:  # somebody between bumper and rear axle is beside the car, whatever a cell says
                bumper_m = at - EGO_BODY.front_x_m
                creeping = bumper_m - CREEP_GAP_M <= ALONG_M
                limit[creeping] = np.minimum(limit[creeping], CREEP_MPS)
                limit[bumper_m - STOP_GAP_M <= ALONG_M] = 0.0
            continue
        beside = (at - EGO_BODY.front_x_m - 1.0 <= ALONG_M) & (at + 1.0 >= ALONG_M)
        limit[beside] = np.minimum(limit[beside], np.interp(gap, PASSING_GAP_M, PASSING_MPS))
    for i in range(len(limit) - 2, -1, -1):
        limit[i] = min(limit[i], np.sqrt(limit[i + 1] ** 2 + 2.0 * SLOWING_MPS2 * GRID_M))
    return limit


def stopping_mps(stop_m: float) -> np.ndarray:
    """Return the greatest speed (len(ALONG_M),) for a stop at stop_m along the path; 0 all along where it is behind."""
    return np.sqrt(2.0 * SLOWING_MPS2 * np.maximum(stop_m - ALONG_M, 0.0))


def braking_for_mps2(free_mps: np.ndarray, speed_now_mps: float) -> float:
    """Return how hard to brake from the present speed to keep below a limit (len(ALONG_M),), HURRIED_MPS2 at most."""
    over = np.maximum(speed_now_mps**2 - np.minimum(free_mps, 1e3) ** 2, 0.0)
    return min(1.2 * float((over / (2.0 * np.maximum(ALONG_M, GRID_M))).max()), HURRIED_MPS2)
