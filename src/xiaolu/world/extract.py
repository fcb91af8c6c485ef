"""Streets written down as an OpenStreetMap extract. In: points and ways in metres; out: XML."""

from xml.sax.saxutils import quoteattr

import numpy as np

from xiaolu.world.street_map import RANK, StreetMap

ORIGIN_LAT, ORIGIN_LON = 31.0, 121.0  # where all generated towns lie; nothing real is meant
METRES_A_DEGREE = 111_320.0
# Chance of signals where the two greatest streets of a junction have these ranks (see street_map.RANK).
SIGNALS = {
    (4, 4): 1.0, (4, 3): 1.0, (4, 2): 0.95, (4, 1): 0.55,
    (3, 3): 1.0, (3, 2): 0.9, (3, 1): 0.5, (2, 2): 0.75, (2, 1): 0.25, (1, 1): 0.03,
}  # fmt: skip


class Extract:
    """Collects nodes and ways, and writes them down as OpenStreetMap XML."""

    def __init__(self, built: StreetMap) -> None:
        self.points = built.points
        self.node_tags: dict[int, str] = {}
        self.ways: list[tuple[list[int], dict[str, str]]] = []

    def add_point(self, x: float, y: float) -> int:
        self.points.append((x, y))
        return len(self.points) - 1

    def xml(self) -> str:
        east = METRES_A_DEGREE * np.cos(np.radians(ORIGIN_LAT))
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6" generator="xiaolu">']
        for number in sorted({number for row, _ in self.ways for number in row}):
            x, y = self.points[number]
            place = f'id="{number + 1}" lat="{ORIGIN_LAT + y / METRES_A_DEGREE:.7f}" lon="{ORIGIN_LON + x / east:.7f}"'
            tag = self.node_tags.get(number)
            inner = f'<tag k="highway" v="{tag}"/>' if tag else ""
            lines.append(f'<node {place} version="1">{inner}</node>')
        for number, (row, tags) in enumerate(self.ways):
            shape = "".join(f'<nd ref="{point + 1}"/>' for point in row)
            tagged = "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())
            lines.append(f'<way id="{number + 1}" version="1">{shape}{tagged}</way>')
        return "\n".join([*lines, "</osm>", ""])


def signal_points(built: StreetMap, chance: np.random.Generator) -> set[int]:
    """Return the points that carry signals. Two carriageways of one avenue decide together."""
    at: dict[int, dict[int, int]] = {}
    for line in built.lines:
        for point in line.points:
            at.setdefault(point, {})[line.name] = -1 if line.roundabout else RANK[line.profile.highway]
    branches = built.branches()
    decided: dict[tuple[int, ...], bool] = {}
    chosen = set()
    for point in sorted(at):
        ranks = sorted(at[point].items(), key=lambda item: (-item[1], item[0]))
        if branches[point] < 3 or len(ranks) < 2 or ranks[1][1] < 1:
            continue
        key = tuple(sorted(name for name, _ in ranks[:2]))
        share = SIGNALS[ranks[0][1], ranks[1][1]] * (1.0 if branches[point] > 3 else 0.8)
        roll = bool(chance.random() < share)
        if decided.setdefault(key, roll):
            chosen.add(point)
    return chosen
