"""What the ego's cameras could show: rays from each camera to points of every body, hidden by buildings and vehicles.

World frame, metres. A body counts as visible when it would fill enough pixels of one camera: a person ten, anything
else four, by rays that reach it. Rays agree with rendered id images in 95 of 100 cases or more: a test.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from xiaolu.core.users import ON_FOOT, Kind, Users
from xiaolu.world.sight import Walls, first_wall
from xiaolu.world.temper import HIDES


class Eye(NamedTuple):
    """A camera of the rig: its place and direction on the ego (x forward, y left, z up; pitch down), in metres and
    radians, and its focal length and picture size in pixels."""

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float
    pitch_rad: float
    focal_px: float
    width_px: float
    height_px: float


_TURN, _WIDE = float(np.deg2rad(75.0)), float(np.tan(np.deg2rad(50.0)))
_DOWN = float(np.deg2rad(8.0))
# The rig of `xiaolu.cameras.rig`, which this room does not know; a test holds the two together.
EYES = (
    Eye(1.6, 0.0, 1.5, 0.0, float(np.deg2rad(-3.0)), 600.0, 320.0, 160.0),
    Eye(1.6, 0.0, 1.5, 0.0, float(np.deg2rad(5.0)), 96.0 / _WIDE, 192.0, 96.0),
    Eye(1.6, 0.9, 1.2, _TURN, _DOWN, 64.0 / _WIDE, 128.0, 64.0),
    Eye(1.6, -0.9, 1.2, -_TURN, _DOWN, 64.0 / _WIDE, 128.0, 64.0),
    Eye(-0.8, 0.0, 1.2, float(np.pi), _DOWN, 64.0 / _WIDE, 128.0, 64.0),
)
_EYES = np.array(EYES)
_WALKS = np.isin(np.arange(len(Kind)), ON_FOOT)

PERSON_PX, BODY_PX = 10.0, 4.0  # LEAD's experts count a pedestrian from 10 pixels on
PERSON_FILL, BODY_FILL = 0.45, 0.75  # of the box around it: tuned against rendered ids
FARTHEST_M = 160.0
# Rays go to these shares of a body's apparent width, left and right of its middle, and of its height.
SIDES = (0.18, -0.18, 0.54, -0.54, 0.9, -0.9)
HEIGHTS = (0.3, 0.65, 0.92)
# A car hides what is lower than its bonnet and boot; above them, what is behind its cabin: shares of its height, length
# and width, as the cars of `cameras.vehicle_mesh` are drawn.
HULL, CABIN_MIDDLE, CABIN_LENGTH, CABIN_WIDTH = 0.61, -0.09, 0.5, 0.81
LAYER_M = 3.5  # what lies so much higher or lower is on another road


@njit(cache=True)
def _through(ax, ay, bx, by, x, y, yaw, length, width):
    """Return the shares of the segment a -> b at which it enters and leaves a box; (2, 2) where it misses."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    px, py = cos * (ax - x) + sin * (ay - y), -sin * (ax - x) + cos * (ay - y)
    qx, qy = cos * (bx - ax) + sin * (by - ay), -sin * (bx - ax) + cos * (by - ay)
    enter, leave = 0.0, 1.0
    for p, q, half in ((px, qx, 0.5 * length), (py, qy, 0.5 * width)):
        if abs(q) < 1e-12:
            if abs(p) > half:
                return 2.0, 2.0
        else:
            first, second = (-half - p) / q, (half - p) / q
            enter, leave = max(enter, min(first, second)), min(leave, max(first, second))
    return (enter, leave) if enter <= leave else (2.0, 2.0)


@njit(cache=True)
def _hidden(walls, body, hides, car, n, ax, ay, az, bx, by, bz):
    """Whether a ray a -> b to body n is cut by a wall or by another body that hides."""
    if first_wall(walls, ax, ay, bx, by, 1.0) < 1.0:
        return True
    for m in range(len(body)):
        if m == n or not hides[m] or abs(body[m, 2] - body[n, 2]) > LAYER_M:
            continue
        reach = 0.5 * (body[m, 4] + body[m, 5])
        if min(ax, bx) - reach > body[m, 0] or max(ax, bx) + reach < body[m, 0]:
            continue
        if min(ay, by) - reach > body[m, 1] or max(ay, by) + reach < body[m, 1]:
            continue
        enter, leave = _through(ax, ay, bx, by, body[m, 0], body[m, 1], body[m, 3], body[m, 4], body[m, 5])
        if enter > 1.0 or enter <= 0.0:
            continue
        lowest = min(az + enter * (bz - az), az + leave * (bz - az))
        if lowest > body[m, 2] + body[m, 6]:
            continue
        if not car[m] or lowest < body[m, 2] + HULL * body[m, 6]:
            return True
        back = CABIN_MIDDLE * body[m, 4]
        x, y = body[m, 0] + back * np.cos(body[m, 3]), body[m, 1] + back * np.sin(body[m, 3])
        length, width = CABIN_LENGTH * body[m, 4], CABIN_WIDTH * body[m, 5]
        enter, leave = _through(ax, ay, bx, by, x, y, body[m, 3], length, width)
        if enter < 1.0 and min(az + enter * (bz - az), az + leave * (bz - az)) < body[m, 2] + body[m, 6]:
            return True
    return False


@njit(cache=True)
def _shown(walls, eyes, pose, ego_z, body, hides, car, fill, needed):
    """Return (N,) bool: whether one camera shows at least needed (N,) pixels of a body.

    eyes (C, 8): see `Eye`; pose (3,): the ego's; body (N, 7): x, y, z, yaw, length, width, height; hides, car (N,)
    bool; fill (N,): the share of its box that a body fills.
    """
    out = np.zeros(len(body), np.bool_)
    cos, sin = np.cos(pose[2]), np.sin(pose[2])
    rays = len(SIDES) * len(HEIGHTS)
    for n in range(len(body)):
        if abs(body[n, 2] - ego_z) > 2.0 * LAYER_M:
            continue
        c, s = np.cos(body[n, 3]), np.sin(body[n, 3])
        for e in range(len(eyes)):
            if out[n]:
                break
            ax = pose[0] + cos * eyes[e, 0] - sin * eyes[e, 1]
            ay = pose[1] + sin * eyes[e, 0] + cos * eyes[e, 1]
            az = ego_z + eyes[e, 2]
            dx, dy = body[n, 0] - ax, body[n, 1] - ay
            away = max(np.hypot(dx, dy), 1.0)
            if away > FARTHEST_M:
                continue
            across = (abs(body[n, 4] * (c * dy - s * dx)) + abs(body[n, 5] * (c * dx + s * dy))) / away
            full = fill[n] * across * body[n, 6] * (eyes[e, 5] / away) ** 2
            if full < needed[n]:
                continue
            look_c, look_s = np.cos(pose[2] + eyes[e, 3]), np.sin(pose[2] + eyes[e, 3])
            pitch_c, pitch_s = np.cos(eyes[e, 4]), np.sin(eyes[e, 4])
            seen = 0
            for side in SIDES:
                bx, by = body[n, 0] - 0.5 * side * across * dy / away, body[n, 1] + 0.5 * side * across * dx / away
                for share in HEIGHTS:
                    bz = body[n, 2] + share * body[n, 6]
                    ahead = look_c * (bx - ax) + look_s * (by - ay)
                    left, up = -look_s * (bx - ax) + look_c * (by - ay), bz - az
                    depth = pitch_c * ahead - pitch_s * up
                    up = pitch_s * ahead + pitch_c * up
                    if depth < 0.2 or abs(left) * eyes[e, 5] > 0.5 * eyes[e, 6] * depth:
                        continue
                    if abs(up) * eyes[e, 5] > 0.5 * eyes[e, 7] * depth:
                        continue
                    if not _hidden(walls, body, hides, car, n, ax, ay, az, bx, by, bz):
                        seen += 1
                if full * seen >= needed[n] * rays:
                    out[n] = True
                    break
    return out


def visible(walls: Walls, users: Users, ego_pose: np.ndarray, ego_z_m: float) -> np.ndarray:
    """Return (N,) bool: is a user shown by any of the ego's cameras. Empty slots are not."""
    out = np.zeros(len(users), bool)
    index = np.flatnonzero(users.active)
    if not len(index):
        return out
    u, kind = users, users.kind[index]
    columns = u.x_m, u.y_m, u.z_m, u.yaw_rad, u.length_m, u.width_m, u.height_m
    body = np.stack([column[index] for column in columns], axis=-1)
    on_foot = _WALKS[kind]
    fill = np.where(on_foot, PERSON_FILL, BODY_FILL)
    pose = np.ascontiguousarray(ego_pose, np.float64)
    needed = np.where(on_foot, PERSON_PX, BODY_PX)
    out[index] = _shown(walls, _EYES, pose, float(ego_z_m), body, HIDES[kind] > 0, kind == Kind.CAR, fill, needed)
    return out
