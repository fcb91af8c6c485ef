"""Where a line of its own leads on into the town's ways: where one begins, or beside one that goes by. Metres."""

import numpy as np

from xiaolu.world.temper import TWO_WHEELER
from xiaolu.world.town import LaneKind
from xiaolu.world.ways import Ways

JOINS_OVER, JOINED_M = 4.0, 0.3  # a line joins a lane over so many metres for each one aside; so near it has joined it
BEGINS_M, BESIDE_M = 8.0, 4.0  # so near the line's end a way begins, or goes by
TURNED_RAD, AWAY_M = 0.8, 3.0  # and turned no more than so; a radian counts as so many metres
LEFT_M = 8.0  # of a way that is joined beside, so much is left at least


def joins(ways: Ways, line: np.ndarray, kind: int) -> tuple[int, int]:
    """Return (way, point of it) of the town's way, for a kind of user, that a line (n, 3) leads on into; (-1, 0) where
    there is none. Who rides may take a cycle lane."""
    end, before = line[-1], line[-2]
    yaw = np.arctan2(end[1] - before[1], end[0] - before[0])
    lanes = (LaneKind.DRIVE, LaneKind.CYCLE) if TWO_WHEELER[kind] else (LaneKind.DRIVE,)
    drive = np.flatnonzero(np.isin(ways.way["kind"], lanes) & ~ways.way["back"])
    if not len(drive):
        return -1, 0
    fits = _fits(ways.point[ways.way["start"][drive]], end, yaw, BEGINS_M)
    if np.isfinite(fits.min()):
        return int(drive[fits.argmin()]), 0
    best, found = np.inf, (-1, 0)
    for way in drive:
        span = ways.point[ways.way["start"][way] : ways.way["end"][way]]
        fits = _fits(span, end, yaw, BESIDE_M)
        near, spacing = int(fits.argmin()), float(ways.way["spacing"][way])
        onto = near + int(np.ceil(JOINS_OVER * np.hypot(span["x"][near] - end[0], span["y"][near] - end[1]) / spacing))
        if fits[near] < best and (len(span) - onto) * spacing > LEFT_M:
            best, found = float(fits[near]), (int(way), onto)
    return found


def _fits(points: np.ndarray, end: np.ndarray, yaw: float, reach_m: float) -> np.ndarray:
    """Return how far points of ways are from a line's end, a turn counted in; infinite for what does not fit."""
    turn = np.abs((points["yaw"] - yaw + np.pi) % (2 * np.pi) - np.pi)
    gap = np.hypot(points["x"] - end[0], points["y"] - end[1])
    return np.where((turn < TURNED_RAD) & (gap < reach_m), gap + AWAY_M * turn, np.inf)


def led_to(line: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return a line (n, 3) that leads on to a place (3,) ahead: it leaves its own course so far before that it moves
    aside by no more than one metre in JOINS_OVER."""
    yaw = np.arctan2(line[-1, 1] - line[-2, 1], line[-1, 0] - line[-2, 0])
    dx, dy = end[0] - line[-1, 0], end[1] - line[-1, 1]
    ahead_m, aside_m = dx * np.cos(yaw) + dy * np.sin(yaw), -dx * np.sin(yaw) + dy * np.cos(yaw)
    if np.hypot(dx, dy) < JOINED_M:
        return line
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line[:, :2], axis=0).T))])
    until_m = max(along[-1] - max(JOINS_OVER * abs(aside_m) - ahead_m, 0.0), JOINED_M)
    last = np.array([np.interp(until_m, along, line[:, axis]) for axis in range(3)])
    return np.concatenate([line[along < until_m - JOINED_M], [last, end]])
