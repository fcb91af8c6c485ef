"""What the phone knows, carried by odometry to where the ego is now, as numbers.

The line's place is uncertain by metres, its shape is not: headings along it say more than its points.
"""

import numpy as np

from xiaolu.core.frames import to_child
from xiaolu.core.observation import EgoState, Manoeuvre, Route
from xiaolu.core.rates import SECOND_NS

# Metres along the centre line from the point nearest to the ego.
ROUTE_SAMPLES_M = (-8.0, 0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 25.0, 30.0, 40.0, 50.0, 70.0)
ROUTE_SIZE = 1 + len(Manoeuvre) + 3 + 1 + 1 + 4 * len(ROUTE_SAMPLES_M)
POINT_SCALE_M = 30.0
HEADING_SPAN_M = 3.0  # a heading is taken across this much line on either side: the line's corners are artefacts
FADE_M = (8.0, 25.0, 80.0)  # a distance is told on three scales


def nearest_on_line(line: np.ndarray) -> float:
    """Return how far along a polyline (K, 2), in metres, lies its point nearest to the origin."""
    start, span = line[:-1], np.diff(line, axis=0)
    length = np.hypot(span[:, 0], span[:, 1])
    share = np.clip(-(start * span).sum(axis=1) / np.maximum(length**2, 1e-9), 0.0, 1.0)
    place = start + share[:, None] * span
    segment = int(np.argmin((place**2).sum(axis=1)))
    return float(length[:segment].sum() + share[segment] * length[segment])


def sample_line(line: np.ndarray, at_m: np.ndarray) -> np.ndarray:
    """Return points (n, 2) at distances (n,) along a polyline (K, 2); straight on beyond either end."""
    span = np.diff(line, axis=0)
    length = np.hypot(span[:, 0], span[:, 1])
    line, length = line[np.concatenate([[True], length > 1e-6])], length[length > 1e-6]
    if len(line) < 2:
        return np.repeat(line[:1], len(at_m), axis=0)
    along = np.concatenate([[0.0], np.cumsum(length)])
    points = np.stack([np.interp(at_m, along, line[:, 0]), np.interp(at_m, along, line[:, 1])], axis=-1)
    before, after = np.minimum(at_m, 0.0), np.maximum(at_m - along[-1], 0.0)
    points += before[:, None] * (line[1] - line[0]) / length[0]
    points += after[:, None] * (line[-1] - line[-2]) / length[-1]
    return points


def route_vector(route: Route | None, ego: EgoState) -> np.ndarray:
    """Return (ROUTE_SIZE,) float32; all zero when there is no route.

    In order: present; manoeuvre one-hot; distance to it on three scales, as driven down since the route's stamp; age
    in s; whether there is a line; then per sample along the line x, y (by 30 m, ego frame) and the line's heading
    as cos, sin.
    """
    vector = np.zeros(ROUTE_SIZE, np.float32)
    if route is None:
        return vector
    line = to_child(ego.odometry, route.centre_line)
    age_s = np.clip((ego.stamp_ns - route.stamp_ns) / SECOND_NS, 0.0, 5.0)
    distance = np.clip(route.distance_m - age_s * abs(ego.speed_mps), 0.0, 1e4)
    vector[0] = 1.0
    vector[1 + int(route.manoeuvre)] = 1.0
    head = 1 + len(Manoeuvre)
    vector[head : head + 3] = np.exp(-distance / np.array(FADE_M))
    vector[head + 3] = age_s
    if len(line) < 2:
        return vector
    vector[head + 4] = 1.0
    at = nearest_on_line(line) + np.array(ROUTE_SAMPLES_M)
    points = sample_line(line, at)
    across = sample_line(line, at + HEADING_SPAN_M) - sample_line(line, at - HEADING_SPAN_M)
    across /= np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-6)[:, None]
    vector[head + 5 :] = np.concatenate([np.clip(points / POINT_SCALE_M, -4.0, 4.0), across], axis=1).ravel()
    return vector
