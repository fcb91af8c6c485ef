"""Bodies that are drawn many times: quads in a box of one by one by one, each with the part it belongs to."""

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

import numpy as np

PART_VERTEX = np.dtype([("position", "f4", 3), ("normal", "i1", 4), ("part", "u1", 4)])


class Part(IntEnum):
    """What a face of a vehicle is made of; shaders/rigid.vert gives each its colour and glow."""

    PAINT = 0
    GLASS = 1
    RUBBER = 2
    HEADLAMP = 3
    TAIL_LAMP = 4
    LEFT_INDICATOR = 5
    RIGHT_INDICATOR = 6
    METAL = 7
    SECOND = 8
    PLATE = 9
    DARK = 10


class Shape:
    """Collects quads. Coordinates: x from -0.5 (rear) to 0.5, y from -0.5 (right) to 0.5, z from 0 to 1 (roof).

    size_m: length, width and height the shape is meant for; faces' normals are true for it.
    """

    def __init__(self, size_m: tuple[float, float, float]) -> None:
        self._size = np.array(size_m)
        self._corners: list[np.ndarray] = []
        self._parts: list[int] = []

    def face(self, corners: Sequence, part: Part) -> None:
        """Add a face of four corners, counter-clockwise seen from outside."""
        self._corners.append(np.array(corners, float))
        self._parts.append(part)

    def faces(self, corners: Sequence, left: Part, right: Part | None = None) -> None:
        """Add a face on the left side and its mirror image on the right."""
        self.face(corners, left)
        self.face([np.array(p) * [1.0, -1.0, 1.0] for p in corners[::-1]], left if right is None else right)

    def quad(self, a, b, c, d, part: Part) -> None:
        """Add the face a, b, c, d."""
        self.face((a, b, c, d), part)

    def mirrored(self, a, b, c, d, left: Part, right: Part | None = None) -> None:
        """Add the face a, b, c, d and its mirror image."""
        self.faces((a, b, c, d), left, right)

    def loft(self, sections, part: Part, side: Part | None = None, caps: bool = True, floor: bool = False) -> None:
        """Add a hull through sections from rear to front, each (x, z low, half width low, z high, half width high)."""
        side = part if side is None else side
        for (x0, l0, p0, h0, q0), (x1, l1, p1, h1, q1) in pairwise(sections):
            self.quad((x0, q0, h0), (x0, -q0, h0), (x1, -q1, h1), (x1, q1, h1), part)
            self.mirrored((x1, p1, l1), (x0, p0, l0), (x0, q0, h0), (x1, q1, h1), side)
            if floor:
                self.quad((x0, p0, l0), (x1, p1, l1), (x1, -p1, l1), (x0, -p0, l0), Part.DARK)
        if caps:
            for x, low, p, high, q, front in ((*sections[-1], True), (*sections[0], False)):
                face = [(x, -p, low), (x, p, low), (x, q, high), (x, -q, high)]
                self.face(face if front else face[::-1], part)

    def wheel(self, x: float, radius_m: float, y_out: float, width_m: float, hub: bool = True) -> None:
        """Add a pair of wheels, left and right, standing on the ground at x."""
        radius_x, radius_z = radius_m / self._size[0], radius_m / self._size[2]
        inner = y_out - width_m / self._size[1]
        angle = np.arange(9) * 2 * np.pi / 8
        rim = np.column_stack([x + radius_x * np.cos(angle), np.zeros(9), radius_z * (1 + np.sin(angle))])
        hub_rim = np.column_stack(
            [x + 0.6 * radius_x * np.cos(angle), np.zeros(9), radius_z * (1 + 0.6 * np.sin(angle))]
        )
        out, inside = np.array([0, y_out, 0]), np.array([0, inner, 0])
        lift = np.array([0, 0.004, 0])
        for k in range(0, 8, 2):
            # Seen from the left, x runs leftwards, so growing angles run clockwise.
            a, b, c = rim[k], rim[k + 1], rim[k + 2]
            self.mirrored(np.array([x, y_out, radius_z]), c + out, b + out, a + out, Part.RUBBER)
            if hub:
                a, b, c = hub_rim[k], hub_rim[k + 1], hub_rim[k + 2]
                self.mirrored(
                    np.array([x, y_out, radius_z]) + lift, c + out + lift, b + out + lift, a + out + lift, Part.METAL
                )
        for k in range(8):
            if np.sin(angle[k] + np.pi / 8) < 0.5:
                self.mirrored(rim[k] + out, rim[k + 1] + out, rim[k + 1] + inside, rim[k] + inside, Part.RUBBER)

    def built(self) -> tuple[np.ndarray, np.ndarray]:
        """Return vertices (V,) PART_VERTEX and triangles (T, 3) int32."""
        corner = np.stack(self._corners)
        metres = corner * self._size
        normal = np.cross(metres[:, 2] - metres[:, 0], metres[:, 3] - metres[:, 1])
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
        vertices = np.zeros((len(corner), 4), PART_VERTEX)
        vertices["position"] = corner
        vertices["normal"][..., :3] = np.round(normal * 127)[:, None]
        vertices["part"][..., 0] = np.array(self._parts)[:, None]
        first = np.arange(len(corner), dtype=np.int32)[:, None, None] * 4
        triangles = (first + np.array([[0, 1, 2], [0, 2, 3]], np.int32)).reshape(-1, 3)
        return vertices.reshape(-1), triangles
