"""Simple polygons become triangles, by cutting off ears."""

import numpy as np
from numba import njit


@njit(cache=True)
def _cross(points, a, b, c):
    return (points[b, 0] - points[a, 0]) * (points[c, 1] - points[a, 1]) - (points[b, 1] - points[a, 1]) * (
        points[c, 0] - points[a, 0]
    )


@njit(cache=True)
def triangulate(points: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return triangles (T, 3) int32, counter-clockwise, of polygons: points (P, 2), polygon k is start[k]:start[k + 1].

    Either turning direction, no closing point. A polygon that crosses itself is filled as far as ears can be found.
    """
    out = np.empty((len(points), 3), np.int32)
    found = 0
    for k in range(len(start) - 1):
        first, count = start[k], start[k + 1] - start[k]
        if count < 3:
            continue
        area = 0.0
        for i in range(count):
            a, b = first + i, first + (i + 1) % count
            area += points[a, 0] * points[b, 1] - points[b, 0] * points[a, 1]
        ring = np.empty(count, np.int32)
        for i in range(count):
            ring[i] = first + i if area > 0 else first + count - 1 - i
        left, i, tried = count, 0, 0
        while left > 3 and tried < left:
            a, b, c = ring[(i + left - 1) % left], ring[i % left], ring[(i + 1) % left]
            ear = _cross(points, a, b, c) > 0.0
            if ear:
                for j in range(left):
                    p = ring[j]
                    if p in (a, b, c):
                        continue
                    if (
                        _cross(points, a, b, p) >= 0.0
                        and _cross(points, b, c, p) >= 0.0
                        and _cross(points, c, a, p) >= 0.0
                    ):
                        ear = False
                        break
            if ear or (_cross(points, a, b, c) == 0.0):
                if ear:
                    out[found, 0], out[found, 1], out[found, 2] = a, b, c
                    found += 1
                for j in range(i % left, left - 1):
                    ring[j] = ring[j + 1]
                left -= 1
                tried = 0
                i = i % left
            else:
                i = (i + 1) % left
                tried += 1
        if left == 3 and _cross(points, ring[0], ring[1], ring[2]) > 0.0:
            out[found, 0], out[found, 1], out[found, 2] = ring[0], ring[1], ring[2]
            found += 1
    return out[:found]
