"""Bodies of cars, vans, buses and two-wheelers, and the colours they come in; and all bodies together."""

from enum import IntEnum

import numpy as np

from xiaolu.cameras.object_mesh import things
from xiaolu.cameras.shape import Part, Shape


class Body(IntEnum):
    """A shape that road users share."""

    SEDAN = 0
    TALL_CAR = 1
    VAN = 2
    BUS = 3
    BICYCLE = 4
    E_BIKE = 5
    CONE = 6
    BARRIER = 7
    BOX = 8
    CAR_DOOR = 9
    GATE_ARM = 10


PAINTS = (
    np.array(
        [
            [236, 236, 234], [38, 40, 44], [168, 172, 176], [96, 100, 106], [150, 34, 34], [34, 62, 120],
            [226, 226, 222], [60, 64, 70], [186, 178, 160], [40, 96, 84], [214, 214, 216], [196, 120, 40],
        ]
    )
    / 255.0
)  # fmt: skip
BUS_PAINTS = np.array([[0.86, 0.86, 0.84], [0.22, 0.50, 0.34], [0.20, 0.42, 0.66], [0.80, 0.62, 0.22]])
VAN_PAINTS = np.array([[0.90, 0.90, 0.89], [0.84, 0.84, 0.82], [0.55, 0.58, 0.60], [0.30, 0.42, 0.58]])
BIKE_PAINTS = np.array(
    [[0.16, 0.16, 0.18], [0.95, 0.72, 0.15], [0.18, 0.55, 0.80], [0.75, 0.16, 0.14], [0.25, 0.62, 0.45]]
)


def _lamps(shape: Shape, front: float, rear: float, z_front, z_rear, y_front, y_rear, bumper: float) -> None:
    """Add lamps on both ends: z and y are (from, to); indicators sit outermost."""
    for x, facing, (z0, z1), (y0, y1), lamp in (
        (front + 0.004, 1, z_front, y_front, Part.HEADLAMP),
        (rear - 0.004, -1, z_rear, y_rear, Part.TAIL_LAMP),
    ):
        split = y1 - 0.28 * (y1 - y0)
        for low, high, left, right in (
            (y0, split, lamp, lamp),
            (split, y1, Part.LEFT_INDICATOR, Part.RIGHT_INDICATOR),
        ):
            face = [(x, low, z0), (x, high, z0), (x, high, z1), (x, low, z1)]
            shape.faces(face if facing > 0 else face[::-1], left, right)
    plate = [
        (rear - 0.003, -0.13, bumper),
        (rear - 0.003, 0.13, bumper),
        (rear - 0.003, 0.13, bumper + 0.085),
        (rear - 0.003, -0.13, bumper + 0.085),
    ]
    shape.face(plate[::-1], Part.PLATE)
    shape.face([(front + 0.003, y, z) for _, y, z in plate], Part.PLATE)


def _windows(shape: Shape, low, high, split: float) -> None:
    """Add side windows between a low edge (x rear, x front, z, half width) and a high one, with a pillar at `split`."""
    (r0, f0, z0, w0), (r1, f1, z1, w1) = low, high

    def at(share: float, level: float) -> tuple[float, float, float]:
        rear, front = r0 + (r1 - r0) * level, f0 + (f1 - f0) * level
        return rear + (front - rear) * share, w0 + (w1 - w0) * level + 0.006, z0 + (z1 - z0) * level

    for a, b in ((0.10, split - 0.02), (split + 0.02, 0.90)):
        shape.mirrored(at(b, 0.08), at(a, 0.08), at(a, 0.88), at(b, 0.88), Part.GLASS)


def _car(tall: bool) -> Shape:
    shape = Shape((4.6, 1.85, 1.65 if tall else 1.48))
    deck = 0.64 if tall else 0.61
    rear_deck = deck if tall else deck - 0.01
    shape.loft(
        [
            (-0.500, 0.27, 0.42, rear_deck - 0.10, 0.43),
            (-0.480, 0.17, 0.47, rear_deck, 0.46),
            (-0.300, 0.14, 0.495, deck + 0.01, 0.485),
            (0.240, 0.14, 0.495, deck - 0.01, 0.480),
            (0.430, 0.16, 0.48, 0.53, 0.44),
            (0.490, 0.19, 0.44, 0.47, 0.41),
            (0.500, 0.26, 0.40, 0.40, 0.39),
        ],
        Part.PAINT,
    )
    low = (-0.47, 0.25, deck, 0.455) if tall else (-0.415, 0.255, deck, 0.455)
    high = (-0.40, 0.06, 0.975, 0.37) if tall else (-0.265, 0.06, 0.975, 0.355)
    (r0, f0, z0, w0), (r1, f1, z1, w1) = low, high
    shape.quad((r1, w1, z1), (r1, -w1, z1), (f1, -w1, z1), (f1, w1, z1), Part.PAINT)
    shape.quad(
        (r1 + 0.03, w1 * 0.8, 1.0),
        (r1 + 0.03, -w1 * 0.8, 1.0),
        (f1 - 0.02, -w1 * 0.8, 1.0),
        (f1 - 0.02, w1 * 0.8, 1.0),
        Part.PAINT,
    )
    shape.mirrored((f0, w0, z0), (r0, w0, z0), (r1, w1, z1), (f1, w1, z1), Part.PAINT)
    shape.quad((f0, -w0, z0), (f0, w0, z0), (f1, w1, z1), (f1, -w1, z1), Part.GLASS)
    shape.quad((r0, w0, z0), (r0, -w0, z0), (r1, -w1, z1), (r1, w1, z1), Part.GLASS)
    _windows(shape, low, high, 0.5)
    shape.wheel(0.305, 0.34 if tall else 0.32, 0.495, 0.22)
    shape.wheel(-0.295, 0.34 if tall else 0.32, 0.495, 0.22)
    _lamps(
        shape, 0.490, -0.500, (0.385, 0.465), (rear_deck - 0.17, rear_deck - 0.05), (0.17, 0.42), (0.16, 0.435), 0.30
    )
    # Bumpers and the grille break up the paint.
    shape.quad((0.503, -0.22, 0.22), (0.503, 0.22, 0.22), (0.503, 0.22, 0.30), (0.503, -0.22, 0.30), Part.DARK)
    shape.quad((-0.503, 0.36, 0.19), (-0.503, -0.36, 0.19), (-0.503, -0.36, 0.27), (-0.503, 0.36, 0.27), Part.DARK)
    return shape


def _van() -> Shape:
    shape = Shape((5.3, 1.95, 2.1))
    shape.loft(
        [
            (-0.50, 0.14, 0.47, 0.96, 0.43),
            (-0.47, 0.11, 0.495, 1.0, 0.45),
            (0.24, 0.11, 0.495, 0.99, 0.45),
            (0.38, 0.12, 0.49, 0.58, 0.46),
            (0.47, 0.13, 0.47, 0.48, 0.44),
            (0.50, 0.16, 0.43, 0.40, 0.41),
        ],
        Part.PAINT,
    )
    shape.quad((0.372, -0.43, 0.615), (0.372, 0.43, 0.615), (0.252, 0.41, 0.945), (0.252, -0.41, 0.945), Part.GLASS)
    shape.mirrored((0.33, 0.485, 0.60), (0.12, 0.492, 0.60), (0.12, 0.462, 0.90), (0.22, 0.462, 0.90), Part.GLASS)
    shape.quad((-0.506, 0.36, 0.62), (-0.506, -0.36, 0.62), (-0.504, -0.34, 0.88), (-0.504, 0.34, 0.88), Part.GLASS)
    shape.wheel(0.30, 0.35, 0.495, 0.22)
    shape.wheel(-0.30, 0.35, 0.495, 0.22)
    _lamps(shape, 0.496, -0.500, (0.30, 0.39), (0.30, 0.48), (0.24, 0.44), (0.32, 0.47), 0.20)
    return shape


def _bus() -> Shape:
    shape = Shape((10.5, 2.5, 3.1))
    shape.loft(
        [
            (-0.50, 0.11, 0.48, 0.97, 0.47),
            (-0.49, 0.10, 0.5, 1.0, 0.48),
            (0.49, 0.10, 0.5, 1.0, 0.48),
            (0.50, 0.11, 0.48, 0.97, 0.47),
        ],
        Part.PAINT,
    )
    shape.quad((0.503, -0.45, 0.38), (0.503, 0.45, 0.38), (0.503, 0.44, 0.84), (0.503, -0.44, 0.84), Part.GLASS)
    shape.quad((0.504, -0.36, 0.86), (0.504, 0.36, 0.86), (0.504, 0.36, 0.94), (0.504, -0.36, 0.94), Part.DARK)
    shape.quad((-0.503, 0.42, 0.50), (-0.503, -0.42, 0.50), (-0.503, -0.41, 0.84), (-0.503, 0.41, 0.84), Part.GLASS)
    shape.mirrored(
        (0.485, 0.503, 0.20), (-0.485, 0.503, 0.20), (-0.485, 0.503, 0.33), (0.485, 0.503, 0.33), Part.SECOND
    )
    for k in range(6):
        rear = -0.46 + k * 0.155
        shape.mirrored(
            (rear + 0.138, 0.502, 0.45),
            (rear, 0.502, 0.45),
            (rear, 0.492, 0.83),
            (rear + 0.138, 0.492, 0.83),
            Part.GLASS,
        )
    for x in (0.40, -0.06):  # doors, on the right
        shape.quad(
            (x - 0.05, -0.506, 0.12),
            (x + 0.05, -0.506, 0.12),
            (x + 0.05, -0.5, 0.84),
            (x - 0.05, -0.5, 0.84),
            Part.GLASS,
        )
    shape.wheel(0.27, 0.48, 0.495, 0.3)
    shape.wheel(-0.28, 0.48, 0.495, 0.3)
    _lamps(shape, 0.500, -0.500, (0.17, 0.24), (0.20, 0.30), (0.26, 0.46), (0.28, 0.46), 0.13)
    return shape


def _ring(shape: Shape, x: float, radius_m: float, inner: float, part: Part) -> None:
    """Add a thin wheel in the middle plane, seen from both sides."""
    radius_x, radius_z = radius_m / shape._size[0], radius_m / shape._size[2]
    angle = np.arange(11) * 2 * np.pi / 10
    for k in range(10):
        a, b = angle[k], angle[k + 1]
        points = [
            (x + radius_x * r * np.cos(t), 0.03, radius_z * (1 + r * np.sin(t)))
            for r, t in ((1, b), (1, a), (inner, a), (inner, b))
        ]
        shape.faces(points, part)


def _bar(shape: Shape, a: tuple[float, float], b: tuple[float, float], thick: float, wide: float, part: Part) -> None:
    """Add a beam in the middle plane between (x, z) places; thick in z, wide in y, as shares of the box."""
    shape.loft(
        [(a[0], a[1] - thick, wide, a[1] + thick, wide), (b[0], b[1] - thick, wide, b[1] + thick, wide)],
        part,
        caps=False,
        floor=True,
    )


def _bicycle() -> Shape:
    shape = Shape((1.75, 0.6, 1.72))
    for x in (-0.31, 0.31):
        _ring(shape, x, 0.33, 0.82, Part.RUBBER)
    for a, b in (
        ((-0.31, 0.19), (-0.02, 0.17)),
        ((-0.31, 0.19), (-0.10, 0.46)),
        ((-0.02, 0.17), (0.24, 0.44)),
        ((-0.10, 0.45), (0.22, 0.47)),
    ):
        _bar(shape, a, b, 0.013, 0.035, Part.PAINT)
    _bar(shape, (0.20, 0.56), (0.31, 0.19), 0.020, 0.03, Part.METAL)
    shape.loft([(-0.19, 0.49, 0.10, 0.53, 0.12), (-0.03, 0.50, 0.04, 0.53, 0.05)], Part.DARK)
    shape.loft([(0.17, 0.565, 0.42, 0.585, 0.42), (0.21, 0.565, 0.42, 0.585, 0.42)], Part.METAL)
    shape.loft([(0.26, 0.42, 0.26, 0.56, 0.30), (0.44, 0.44, 0.26, 0.56, 0.30)], Part.METAL)
    shape.quad((-0.36, 0.10, 0.34), (-0.36, -0.10, 0.34), (-0.36, -0.10, 0.39), (-0.36, 0.10, 0.39), Part.TAIL_LAMP)
    return shape


def _e_bike() -> Shape:
    shape = Shape((1.75, 0.7, 1.65))
    for x in (-0.33, 0.34):
        _ring(shape, x, 0.25, 0.45, Part.RUBBER)
    shape.loft(
        [(-0.50, 0.36, 0.12, 0.44, 0.14), (-0.34, 0.22, 0.20, 0.47, 0.22), (-0.05, 0.16, 0.20, 0.46, 0.20)],
        Part.PAINT,
        floor=True,
    )
    shape.loft([(-0.06, 0.15, 0.20, 0.21, 0.22), (0.20, 0.15, 0.20, 0.21, 0.22)], Part.DARK, floor=True)
    shape.loft(
        [(0.17, 0.16, 0.20, 0.60, 0.18), (0.25, 0.18, 0.24, 0.64, 0.22), (0.32, 0.30, 0.10, 0.58, 0.12)],
        Part.PAINT,
        floor=True,
    )
    shape.loft([(-0.44, 0.46, 0.16, 0.51, 0.17), (-0.02, 0.45, 0.14, 0.50, 0.16)], Part.DARK)
    shape.loft([(0.17, 0.62, 0.48, 0.645, 0.48), (0.21, 0.62, 0.48, 0.645, 0.48)], Part.DARK)
    _bar(shape, (0.28, 0.42), (0.36, 0.15), 0.03, 0.05, Part.METAL)
    shape.quad((0.325, -0.10, 0.48), (0.325, 0.10, 0.48), (0.325, 0.10, 0.56), (0.325, -0.10, 0.56), Part.HEADLAMP)
    shape.quad((-0.505, 0.12, 0.36), (-0.505, -0.12, 0.36), (-0.505, -0.12, 0.43), (-0.505, 0.12, 0.43), Part.TAIL_LAMP)
    return shape


def bodies() -> dict[Body, Shape]:
    """Return every body's shape."""
    return {
        Body.SEDAN: _car(tall=False),
        Body.TALL_CAR: _car(tall=True),
        Body.VAN: _van(),
        Body.BUS: _bus(),
        Body.BICYCLE: _bicycle(),
        Body.E_BIKE: _e_bike(),
    } | {Body[thing.name]: shape for thing, shape in things().items()}
