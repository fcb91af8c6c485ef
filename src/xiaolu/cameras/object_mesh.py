"""Things that lie or stand on roads: cones, barriers, boxes, an opened door, the arm of a gate."""

import numpy as np

from xiaolu.cameras.shape import Part, Shape
from xiaolu.core.users import Thing

# Main colour and second colour of each thing; a door has its car's.
PAINT = np.array([[0.94, 0.32, 0.07], [0.80, 0.12, 0.09], [0.62, 0.46, 0.30], [0.60, 0.61, 0.63], [0.82, 0.11, 0.08]])
SECOND = np.array([[0.95, 0.95, 0.93], [0.93, 0.93, 0.91], [0.78, 0.68, 0.48], [0.20, 0.21, 0.23], [0.93, 0.93, 0.91]])
SIDES = 10


def _turned(shape: Shape, rings: list[tuple[float, float]], parts: list[Part]) -> None:
    """Add a round body: rings from below, each (height, radius) as shares; one part between two of them."""
    angle = np.arange(SIDES + 1) * 2 * np.pi / SIDES
    for (z0, r0), (z1, r1), part in zip(rings[:-1], rings[1:], parts, strict=True):
        for k in range(SIDES):
            a, b = angle[k], angle[k + 1]
            corners = [(r0, z0, a), (r0, z0, b), (r1, z1, b), (r1, z1, a)]
            shape.face([(r * np.cos(t), r * np.sin(t), z) for r, z, t in corners], part)


def _block(shape: Shape, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], part: Part) -> None:
    """Add an upright block without a floor."""
    (x0, x1), (y0, y1), (z0, z1) = x, y, z
    shape.quad((x0, y1, z1), (x0, y0, z1), (x1, y0, z1), (x1, y1, z1), part)
    shape.quad((x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1), part)
    shape.quad((x0, y1, z0), (x0, y0, z0), (x0, y0, z1), (x0, y1, z1), part)
    shape.quad((x1, y1, z0), (x0, y1, z0), (x0, y1, z1), (x1, y1, z1), part)
    shape.quad((x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1), part)


def _cone() -> Shape:
    """Return a road cone of 0.7 m with two white bands, on a dark foot."""
    shape = Shape((0.4, 0.4, 0.7))
    _block(shape, (-0.5, 0.5), (-0.5, 0.5), (0.0, 0.05), Part.DARK)
    rings = [(0.05, 0.36), (0.32, 0.27), (0.50, 0.21), (0.62, 0.17), (0.78, 0.115), (1.0, 0.05)]
    _turned(shape, rings, [Part.PAINT, Part.SECOND, Part.PAINT, Part.SECOND, Part.PAINT])
    shape.quad((0.04, 0.04, 0.998), (-0.04, 0.04, 0.998), (-0.04, -0.04, 0.998), (0.04, -0.04, 0.998), Part.DARK)
    return shape


def _barrier() -> Shape:
    """Return a barrier filled with water: blocks of red and white, broad at the foot."""
    shape = Shape((2.0, 0.5, 1.0))
    count = 4
    for k in range(count):
        part = Part.PAINT if k % 2 == 0 else Part.SECOND
        rear, front = -0.5 + k / count, -0.5 + (k + 1) / count
        for low, p, high, q in ((0.0, 0.5, 0.20, 0.5), (0.20, 0.5, 0.45, 0.26), (0.45, 0.26, 1.0, 0.20)):
            shape.loft([(rear, low, p, high, q), (front, low, p, high, q)], part, caps=k in (0, count - 1))
    for x in (-0.25, 0.25):  # where a fork lifts it
        shape.mirrored(
            (x + 0.06, 0.505, 0.03),
            (x - 0.06, 0.505, 0.03),
            (x - 0.06, 0.505, 0.13),
            (x + 0.06, 0.505, 0.13),
            Part.DARK,
        )
    return shape


def _box() -> Shape:
    """Return a cardboard box with its tape."""
    shape = Shape((0.5, 0.5, 0.5))
    _block(shape, (-0.5, 0.5), (-0.5, 0.5), (0.0, 1.0), Part.PAINT)
    shape.quad((-0.5, 0.07, 1.004), (-0.5, -0.07, 1.004), (0.5, -0.07, 1.004), (0.5, 0.07, 1.004), Part.SECOND)
    for x, sign in ((0.503, 1.0), (-0.503, -1.0)):
        y = 0.07 * sign
        shape.quad((x, -y, 0.70), (x, y, 0.70), (x, y, 1.0), (x, -y, 1.0), Part.SECOND)
    shape.mirrored((0.22, 0.503, 0.18), (-0.06, 0.503, 0.18), (-0.06, 0.503, 0.42), (0.22, 0.503, 0.42), Part.DARK)
    return shape


def _door() -> Shape:
    """Return an open car door: the panel from 0.25 m up, the window above it, lining on the inner side."""
    shape = Shape((1.1, 0.14, 1.35))
    sill, belt, top = 0.19, 0.66, 0.98
    outline = [(-0.5, sill, 0.4, belt, 0.4), (0.42, sill, 0.4, belt, 0.4), (0.5, sill + 0.12, 0.4, belt - 0.02, 0.4)]
    shape.loft(outline, Part.PAINT)
    # The lining fills the right side but for a rim of paint; the handle is on the left.
    lining = [
        (-0.44, -0.41, sill + 0.05),
        (0.38, -0.41, sill + 0.05),
        (0.38, -0.41, belt - 0.04),
        (-0.44, -0.41, belt - 0.04),
    ]
    shape.face(lining, Part.DARK)
    shape.quad(
        (-0.26, 0.42, belt - 0.12),
        (-0.44, 0.42, belt - 0.12),
        (-0.44, 0.42, belt - 0.07),
        (-0.26, 0.42, belt - 0.07),
        Part.METAL,
    )
    pane = [(0.40, 0.1, belt), (-0.44, 0.1, belt), (-0.42, 0.1, top - 0.04), (0.10, 0.1, top - 0.04)]
    shape.faces(pane, Part.GLASS)
    for a, b in (((-0.5, belt), (-0.46, top)), ((-0.46, top), (0.12, top)), ((0.12, top), (0.44, belt))):
        step = (0.0, 0.045) if a[1] == b[1] else (0.05, 0.0)
        low = [
            (a[0], 0.2, a[1]),
            (b[0], 0.2, b[1]),
            (b[0] - step[0], 0.2, b[1] - step[1]),
            (a[0] - step[0], 0.2, a[1] - step[1]),
        ]
        shape.faces(low, Part.PAINT)
        shape.faces(low[::-1], Part.PAINT)
    shape.loft([(0.30, 0.64, 0.0, 0.74, 0.0), (0.36, 0.64, 1.3, 0.74, 1.3)], Part.DARK)
    return shape


def _gate_arm() -> Shape:
    """Return a gate's arm, striped, level at about 0.9 m, with the post that it hangs from at its rear end."""
    shape = Shape((4.0, 0.3, 1.1))
    _block(shape, (-0.5, -0.425), (-0.5, 0.5), (0.0, 0.97), Part.METAL)
    _block(shape, (-0.503, -0.422), (-0.52, 0.52), (0.97, 1.0), Part.DARK)
    count = 10
    for k in range(count):
        rear = -0.425 + 0.925 * k / count
        front = -0.425 + 0.925 * (k + 1) / count
        part = Part.PAINT if k % 2 == 0 else Part.SECOND
        shape.loft(
            [(rear, 0.76, 0.14, 0.87, 0.14), (front, 0.76, 0.14, 0.87, 0.14)], part, caps=k == count - 1, floor=True
        )
    return shape


def things() -> dict[Thing, Shape]:
    """Return the shape of every thing."""
    return {
        Thing.CONE: _cone(),
        Thing.BARRIER: _barrier(),
        Thing.BOX: _box(),
        Thing.CAR_DOOR: _door(),
        Thing.GATE_ARM: _gate_arm(),
    }
