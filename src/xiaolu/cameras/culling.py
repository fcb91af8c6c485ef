"""What a camera is shown at all: balls and boxes against its view. World frame, metres; for compiled loops."""

import numpy as np
from numba import njit


@njit(cache=True)
def balls_seen(ball, planes, eye, far_m):
    """Return (n,) bool: which balls (n, 4) reach into a view of planes (m, 4), inside positive, nearer than far_m."""
    seen = np.ones(len(ball), np.bool_)
    for i in range(len(ball)):
        x, y, z, radius = ball[i, 0], ball[i, 1], ball[i, 2], ball[i, 3]
        if (x - eye[0]) ** 2 + (y - eye[1]) ** 2 + (z - eye[2]) ** 2 >= far_m * far_m:
            seen[i] = False
            continue
        for p in range(len(planes)):
            if x * planes[p, 0] + y * planes[p, 1] + z * planes[p, 2] + planes[p, 3] + radius <= 0.0:
                seen[i] = False
                break
    return seen


@njit(cache=True)
def boxes_inside(box, middle, half, planes):
    """Return those of boxes (k,) of middles and half sizes (K, 3) that reach into a view of planes (m, 4)."""
    out = np.empty(len(box), box.dtype)
    count = 0
    for b in box:
        inside = True
        for p in range(len(planes)):
            nx, ny, nz = planes[p, 0], planes[p, 1], planes[p, 2]
            reach = half[b, 0] * abs(nx) + half[b, 1] * abs(ny) + half[b, 2] * abs(nz)
            if middle[b, 0] * nx + middle[b, 1] * ny + middle[b, 2] * nz + planes[p, 3] + reach <= 0.0:
                inside = False
                break
        if inside:
            out[count] = b
            count += 1
    return out[:count]


@njit(cache=True)
def box_distances(box, middle, half, eye):
    """Return (k,) metres from an eye (3,) to the nearest point of boxes (k,) of middles and half sizes (K, 3)."""
    out = np.empty(len(box))
    for i in range(len(box)):
        total = 0.0
        for axis in range(3):
            gap = max(abs(middle[box[i], axis] - eye[axis]) - half[box[i], axis], 0.0)
            total += gap * gap
        out[i] = np.sqrt(total)
    return out
