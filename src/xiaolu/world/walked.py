"""Walked: ways on foot along drive lanes that have no sidewalk (`lane_walked`), near the edge of the road.

Of every such lane one way in its direction and one back; between those that follow each other a curve over the
junction; where none follows, one across the road to the other edge.
"""

import numpy as np

from xiaolu.world.town import LaneKind, Town, Turn

EDGE_M = 0.5  # between the edge of the surface and the line that people walk along
CURVE_WIDTH_M = 1.6


def curve(arrive: np.ndarray, depart: np.ndarray, gap: float) -> np.ndarray:
    """Return a Bezier curve (n, 3) from arrive[1] to depart[0], along both directions."""

    def direction(pair):
        step = pair[1] - pair[0]
        return step / max(float(np.hypot(step[0], step[1])), 1e-9)

    a, d = arrive[1], depart[0]
    b, c = a + direction(arrive) * gap * 0.35, d - direction(depart) * gap * 0.35
    t = np.linspace(0.0, 1.0, max(int(np.ceil(gap / 0.5)), 3) + 1)[:, None]
    line = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t * t * c + t**3 * d
    line[:, 2] = (a[2] + (d[2] - a[2]) * t)[:, 0]
    return line


def _beside(town: Town, lane: int, right_m: float) -> np.ndarray:
    """Return a lane's line (n, 3), moved to the right."""
    line = np.array(town.line(lane))
    ahead = np.gradient(line[:, :2], axis=0)
    ahead /= np.maximum(np.hypot(*ahead.T), 1e-9)[:, None]
    line[:, :2] += right_m * np.stack([ahead[:, 1], -ahead[:, 0]], axis=-1)
    return line


def along_roads(town: Town, way: np.ndarray, base: int) -> tuple[np.ndarray, list[np.ndarray], list[list[int]]]:
    """Return the ways (K,) of WAY that people walk on the road, their points (n, 3) each, and where each leads.

    way (W,): the town's ways so far; base: the index that the first of the new ones gets. Start, end, length and
    spacing are the caller's to set.
    """
    lanes = np.flatnonzero(town.lane_walked & (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0))
    number = {int(lane): n for n, lane in enumerate(lanes)}
    lines = [_beside(town, int(lane), float(way["right_room"][lane]) - EDGE_M) for lane in lanes]
    owners = [int(lane) for lane in lanes]
    following: list[list[int]] = [[] for _ in lanes]
    for lane in lanes:
        n = number[int(lane)]
        targets = [
            (int(over), number[int(beyond)])
            for over in town.following(int(lane))
            if town.lane_kind[over] == LaneKind.DRIVE and town.lane_turn[over] != Turn.U_TURN
            for beyond in ([over] if int(over) in number else town.following(int(over)))
            if int(beyond) in number
        ]
        if not targets and int(town.lane_twin[lane]) in number:
            targets = [(int(lane), number[int(town.lane_twin[lane])])]
        for over, target in targets:
            gap = float(np.hypot(*(lines[target][0] - lines[n][-1])[:2]))
            following[n].append(base + len(lines))
            lines.append(curve(lines[n][-2:], lines[target][:2], max(gap, 0.3)))
            owners.append(over)
            following.append([base + target])
    rows = way[owners].copy()
    link = np.arange(len(owners)) >= len(lanes)
    rows["kind"] = np.where(link, LaneKind.FOOT_AREA, LaneKind.FOOT)
    across = rows["left_room"] + rows["right_room"] - EDGE_M
    rows["left_room"] = np.where(link, CURVE_WIDTH_M / 2, np.maximum(across, 0.5))
    rows["right_room"] = np.where(link, CURVE_WIDTH_M / 2, EDGE_M - 0.05)
    for name, value in (("keep_right", 0.0), ("look", np.inf), ("wait_s", np.inf), ("turn", Turn.NONE), ("signal", -1)):
        rows[name] = value
    for name in ("back", "red_right", "shared", "on_road", "dead"):
        rows[name] = False
    back = rows.copy()
    back["left_room"], back["right_room"], back["back"] = rows["right_room"], rows["left_room"], True
    earlier: list[list[int]] = [[] for _ in lines]
    for n, after in enumerate(following):
        for target in after:
            earlier[target - base].append(base + len(lines) + n)
    for n in range(len(lanes)):
        if not earlier[n]:
            earlier[n] = [base + n]  # the way's beginning, come from behind: one turns round there
    return np.concatenate([rows, back]), lines + [line[::-1] for line in lines], following + earlier
