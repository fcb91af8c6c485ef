"""From a sequence of lanes to a smooth line that a car can follow. World frame, metres."""

import numpy as np
from numba import njit

from xiaolu.world.shortest import CHANGE_M
from xiaolu.world.town import Town

SPACING_M = 1.0
MAX_CURVATURE_1PM = 1 / 5.6  # the ego's turning circle is 5.4 m (0.48 rad of steering); a little is kept for tracking
MAX_ROUNDING_M = 1.5  # rounding a corner never takes the line further than this from the lanes
# How far the line may swing out around a corner. On 180 rides in training towns 0, 2, 5, 7, 8, 9: a wheel leaves the
# road by more than 0.15 m in 15 rides without swing, 10 with 0.9 m, 6 with 1.2 m, which reaches into the next lane.
MAX_SWING_M = 0.9
SWING_SIGMA_M = 4.0
SWING_ROUNDS = 6
CHANGE_LEAD_M = 4.0  # a lane change begins this far into the stretch, where there is room
CHANGE_LONGEST_M = 35.0


def runs_of(town: Town, lanes: np.ndarray) -> list[list[int]]:
    """Return positions in `lanes` grouped: the lanes of one group lie side by side, the next group follows it.

    Raises ValueError naming the two lanes when consecutive ones are neither.
    """
    runs = [[0]]
    for position in range(1, len(lanes)):
        last, lane = int(lanes[position - 1]), int(lanes[position])
        if lane in town.following(last):
            runs.append([position])
        elif lane in (town.lane_left[last], town.lane_right[last]):
            runs[-1].append(position)
        else:
            raise ValueError(f"lane {lane} neither follows lane {last} nor lies beside it")
    return runs


def _on_line(line: np.ndarray, share: np.ndarray) -> np.ndarray:
    place = np.clip(share, 0.0, 1.0) * (len(line) - 1)
    index = np.minimum(place.astype(np.int64), len(line) - 2)
    return line[index] + (place - index)[:, None] * (line[index + 1] - line[index])


def blended(town: Town, lanes: np.ndarray, from_share: float, to_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return points (n, 3) from the first lane's line over to the last one's, and which lane each lies on (n,).

    lanes: side by side; shares: where on them the stretch begins and ends, 0 to 1. Every change takes CHANGE_M or
    more where the stretch allows, and happens early.
    """
    length_m = float(town.lane_length_m[lanes].max())
    span_m = max((to_share - from_share) * length_m, 0.05)
    along_m = np.linspace(0.0, span_m, max(int(np.ceil(span_m / 0.75)), 1) + 1)
    share = from_share + along_m / length_m
    points = _on_line(town.line(int(lanes[0])), share)
    position = np.zeros(len(share), np.int64)
    changes = len(lanes) - 1
    if changes:
        lead_m = min(CHANGE_LEAD_M, max(span_m - changes * CHANGE_M, 0.0))
        each_m = min(CHANGE_LONGEST_M, (span_m - lead_m) / changes)
        for k in range(changes):
            part = np.clip((along_m - lead_m - k * each_m) / each_m, 0.0, 1.0)
            weight = part**3 * (10 - 15 * part + 6 * part**2)
            old, new = (_on_line(town.line(int(lane)), share) for lane in lanes[k : k + 2])
            points = points + weight[:, None] * (new - old)
            position[weight >= 0.5] = k + 1
    return points, position


@njit(cache=True)
def _relax(points, limit_1pm, furthest_m, rounds):
    """Round corners sharper than the limit, in place: points near one move to the middle of their neighbours.

    A point that would end up further than furthest_m from where it began stays: a hairpin must not melt away.
    """
    count = len(points)
    first = points.copy()
    moving = np.zeros(count, np.bool_)
    for _ in range(rounds):
        sharp = False
        moving[:] = False
        for i in range(1, count - 1):
            ax, ay = points[i, 0] - points[i - 1, 0], points[i, 1] - points[i - 1, 1]
            bx, by = points[i + 1, 0] - points[i, 0], points[i + 1, 1] - points[i, 1]
            bend = abs(np.arctan2(ax * by - ay * bx, ax * bx + ay * by))
            step = 0.5 * (np.hypot(ax, ay) + np.hypot(bx, by))
            if bend > limit_1pm * step:
                sharp = True
                for j in range(max(i - 4, 1), min(i + 5, count - 1)):
                    moving[j] = True
        if not sharp:
            return
        old = points.copy()
        for i in range(1, count - 1):
            if moving[i]:
                x = 0.25 * old[i - 1, 0] + 0.5 * old[i, 0] + 0.25 * old[i + 1, 0]
                y = 0.25 * old[i - 1, 1] + 0.5 * old[i, 1] + 0.25 * old[i + 1, 1]
                if np.hypot(x - first[i, 0], y - first[i, 1]) <= furthest_m:
                    points[i, 0], points[i, 1] = x, y


def _rounded(line: np.ndarray) -> np.ndarray:
    """Return the line (n, D) with its sharp corners rounded, x and y only.

    Rounding alone cuts corners, and the inner rear wheel would climb the kerb. So the line swings out a little around
    every corner it cuts, as drivers do, until it passes the corner where the lane does or the swing is used up.
    """
    swing = np.zeros((len(line), 2))
    reach = int(3 * SWING_SIGMA_M)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SWING_SIGMA_M) ** 2)
    kernel /= kernel.sum()
    # The ends stay where they are: a ride begins and stops on its lane.
    fade = np.clip(np.minimum(np.arange(len(line)), np.arange(len(line))[::-1]) / 8.0, 0.0, 1.0)[:, None]
    for _ in range(SWING_ROUNDS + 1):
        out = line.copy()
        out[:, :2] += swing * fade
        _relax(out, MAX_CURVATURE_1PM, MAX_ROUNDING_M, 400)
        cut = out[:, :2] - line[:, :2]
        if np.abs(cut).max() < 0.2:
            break
        swing -= np.stack([np.convolve(np.pad(c, reach), kernel, "valid") for c in cut.T], axis=1)
        swing *= np.minimum(1.0, MAX_SWING_M / np.maximum(np.hypot(*swing.T), 1e-9))[:, None]
    return out


def resampled(points: np.ndarray, spacing_m: float) -> np.ndarray:
    """Return the polyline (n, D) resampled evenly by its length in x and y, at most `spacing_m` apart."""
    step = np.hypot(*np.diff(points[:, :2], axis=0).T)
    keep = np.concatenate([[True], step > 1e-6])
    points = points[keep]
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points[:, :2], axis=0).T))])
    count = max(int(np.ceil(s[-1] / spacing_m)), 1)
    at = np.linspace(0.0, s[-1], count + 1)
    return np.stack([np.interp(at, s, column) for column in points.T], axis=1)


def smooth_line(points: np.ndarray, marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the line (n, 3) evenly spaced, its kinks rounded to a drivable curvature, and `marks` carried along.

    marks (m,): a rising number per input point (its length along the input, say); out (n,), interpolated.
    """
    line = resampled(np.column_stack([points, marks]), 0.5)
    if len(line) > 9:
        # A light average takes the noise of digitised maps out of the heading: 1 m either side, ends kept.
        kernel = np.array([0.1, 0.25, 0.3, 0.25, 0.1])
        inner = np.stack([np.convolve(line[:, c], kernel, "valid") for c in range(2)], axis=1)
        line[2:-2, :2] = inner
    line = _rounded(resampled(line, SPACING_M))
    line = resampled(line, SPACING_M)
    return line[:, :3], line[:, 3]
