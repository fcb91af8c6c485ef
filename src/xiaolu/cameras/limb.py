"""Limbs: tapered, rounded rods between two points. People, riders and cones are made of them."""

import numpy as np

LIMB = np.dtype(
    [
        ("start", "f4", 3),
        ("end", "f4", 3),
        ("side", "f4", 3),
        ("shape", "f4", 3),  # radius at the start and at the end, thickness as a share of the width
        ("colour", "u1", 4),
        ("label", "u4"),
    ]
)
# Share of the length, share of the radius: a rod with rounded ends.
ROD = ((0.0, 0.55), (0.12, 1.0), (0.88, 1.0), (1.0, 0.55))
BALL = ((0.0, 0.45), (0.2, 0.88), (0.5, 1.0), (0.82, 0.84), (1.0, 0.40))
LIMB_VERTEX = np.dtype([("unit", "f4", 3), ("radius", "f4")])


def rod(profile, sides: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V,) LIMB_VERTEX and triangles (T, 3); unit is cosine, sine and share of the length."""
    vertices = np.zeros(len(profile) * sides + 2, LIMB_VERTEX)
    angle = (np.arange(sides) + 0.5) * 2 * np.pi / sides
    for ring, (share, radius) in enumerate(profile):
        part = vertices[ring * sides : (ring + 1) * sides]
        part["unit"] = np.column_stack([np.cos(angle), np.sin(angle), np.full(sides, share)])
        part["radius"] = radius
    vertices["unit"][-2:] = [[0, 0, 0], [0, 0, 1]]
    triangles = []
    bottom, top, last = len(vertices) - 2, len(vertices) - 1, (len(profile) - 1) * sides
    for k in range(sides):
        n = (k + 1) % sides
        triangles += [[bottom, n, k], [top, last + k, last + n]]
        for ring in range(len(profile) - 1):
            a, b = ring * sides + k, ring * sides + n
            triangles += [[a, b, b + sides], [a, b + sides, a + sides]]
    return vertices, np.array(triangles, np.int32)


class Limbs:
    """Collects limbs of many people at once; every argument is per person, (n, 3) or (n,), or one for all."""

    def __init__(self, people: int) -> None:
        self._people = people
        self._parts: list[np.ndarray] = []

    def add(self, start, end, side, radius_start, radius_end, colour, label, flat=1.0) -> None:
        """Add one limb a person. flat: thickness as a share of the width; side (n, 3): where the width points."""
        part = np.zeros(self._people, LIMB)
        part["start"], part["end"], part["side"] = start, end, side
        part["shape"][:, 0], part["shape"][:, 1], part["shape"][:, 2] = radius_start, radius_end, flat
        part["colour"][:, :3] = np.clip(np.asarray(colour) * 255.0, 0, 255)
        part["label"] = label
        self._parts.append(part)

    def all(self) -> np.ndarray:
        """Return (people, limbs each) LIMB."""
        return np.stack(self._parts, 1) if self._parts else np.zeros((self._people, 0), LIMB)
