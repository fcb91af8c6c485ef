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
    """Collects limbs of many people, a few each or many; rows belong to people by index."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._owners: list[np.ndarray] = []

    def add(self, who: np.ndarray, start, end, side, radius_start, radius_end, flat, colour, label) -> None:
        """Add limbs of the people who (m,): every other argument is (m,), (m, 3), (m, k) or (m, k, 3), or broadcasts.

        side: where the width points; flat: thickness as a share of the width; colour: RGB, 0 to 1, and with a fourth
        number how far it shines on all sides, as bright cloth that is made to be seen does.
        """
        start = np.asarray(start)
        part = np.zeros(start.shape[:-1], LIMB)
        part["start"], part["end"], part["side"] = start, end, side
        shape = part["shape"]
        shape[..., 0], shape[..., 1], shape[..., 2] = radius_start, radius_end, flat
        colour = np.asarray(colour)
        part["colour"][..., : colour.shape[-1]] = np.clip(colour * 255.0, 0, 255)
        part["label"] = label
        self._parts.append(part.reshape(-1))
        self._owners.append(np.repeat(who, part.size // max(len(who), 1)))

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (limbs,) LIMB and (limbs,) the people they belong to."""
        if not self._parts:
            return np.zeros(0, LIMB), np.zeros(0, np.int64)
        return np.concatenate(self._parts), np.concatenate(self._owners)
