"""What stands about: trees, lamps, bollards, benches, bus stops, stalls, gates, and the poles of signal heads."""

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.mesh import Detail, Mesh, Pass, boxes, pack
from xiaolu.world.town import PropKind, Town

TRUNK = np.array([0.36, 0.29, 0.23])
STEEL = np.array([0.47, 0.48, 0.50])
POLE = np.array([0.55, 0.56, 0.58])
LEAVES = np.array([[0.30, 0.42, 0.20], [0.26, 0.38, 0.20], [0.36, 0.45, 0.22], [0.33, 0.41, 0.25]])
DARK, TYRE, RED, WHITE = (0.20, 0.21, 0.23), (0.10, 0.10, 0.11), (0.72, 0.14, 0.12), (0.86, 0.86, 0.84)
SCOOTERS = np.array(
    [[0.20, 0.30, 0.52], [0.74, 0.72, 0.68], [0.62, 0.16, 0.16], [0.16, 0.42, 0.34], [0.24, 0.24, 0.26]]
)
FLOWERS = np.array([[0.30, 0.46, 0.22], [0.52, 0.30, 0.34], [0.40, 0.46, 0.20]])
# Props made of boxes: forward, left and up of each box's foot; its length, width, height; colour, None for the
# style's own; class; how far it is shown. Metres in the prop's frame.
PARTS: dict[PropKind, tuple] = {
    PropKind.PARKED_E_BIKE: (
        ((-0.62, 0.0, 0.0), (0.48, 0.10, 0.48), TYRE, PixelClass.TWO_WHEELER, Detail.ALWAYS),
        ((0.62, 0.0, 0.0), (0.48, 0.10, 0.48), TYRE, PixelClass.TWO_WHEELER, Detail.ALWAYS),
        ((0.0, 0.0, 0.22), (0.72, 0.26, 0.12), DARK, PixelClass.TWO_WHEELER, Detail.NEAR),
        ((-0.36, 0.0, 0.34), (0.72, 0.28, 0.34), None, PixelClass.TWO_WHEELER, Detail.ALWAYS),
        ((-0.34, 0.0, 0.68), (0.62, 0.26, 0.10), DARK, PixelClass.TWO_WHEELER, Detail.NEAR),
        ((0.46, 0.0, 0.30), (0.16, 0.34, 0.56), None, PixelClass.TWO_WHEELER, Detail.ALWAYS),
        ((0.44, 0.0, 0.94), (0.10, 0.62, 0.07), DARK, PixelClass.TWO_WHEELER, Detail.NEAR),
        ((-0.76, 0.0, 0.70), (0.30, 0.34, 0.28), DARK, PixelClass.TWO_WHEELER, Detail.NEAR),
    ),
    PropKind.GATE: (
        ((0.0, 0.0, 0.0), (0.38, 0.46, 1.10), (0.85, 0.62, 0.14), PixelClass.OTHER, Detail.ALWAYS),
        ((0.0, 0.0, 1.10), (0.30, 0.38, 0.08), DARK, PixelClass.OTHER, Detail.NEAR),
        ((0.0, -0.9, 0.0), (1.60, 1.30, 2.40), (0.80, 0.80, 0.78), PixelClass.OTHER, Detail.ALWAYS),
        ((0.0, -0.9, 1.05), (1.64, 1.34, 0.85), (0.28, 0.36, 0.42), PixelClass.OTHER, Detail.ALWAYS),
        ((0.0, -0.9, 2.40), (2.00, 1.70, 0.16), (0.36, 0.38, 0.42), PixelClass.OTHER, Detail.ALWAYS),
    ),
    PropKind.PLANTER: (
        ((0.0, 0.0, 0.0), (1.20, 0.50, 0.45), (0.62, 0.58, 0.54), PixelClass.OTHER, Detail.ALWAYS),
        ((0.0, 0.0, 0.45), (1.08, 0.40, 0.34), None, PixelClass.VEGETATION, Detail.ALWAYS),
    ),
    PropKind.PICKUP_SIGN: (
        ((0.0, 0.0, 0.0), (0.08, 0.08, 2.60), POLE, PixelClass.POLE, Detail.ALWAYS),
        ((0.04, 0.0, 1.90), (0.06, 0.60, 0.70), (0.10, 0.34, 0.66), PixelClass.OTHER, Detail.ALWAYS),
        ((0.08, 0.0, 2.02), (0.03, 0.30, 0.42), WHITE, PixelClass.OTHER, Detail.NEAR),
    ),
}  # fmt: skip
STYLES = {PropKind.PARKED_E_BIKE: SCOOTERS, PropKind.PLANTER: FLOWERS}
WALK_HEAD_BELOW_M = 3.4  # a head lower than this stands on its own pole; higher ones hang from an arm


def _ball(rings: int, sides: int) -> tuple[np.ndarray, np.ndarray]:
    """Return unit sphere points (n, 3) and triangles (t, 3), counter-clockwise seen from outside."""
    points = [[0.0, 0.0, -1.0]]
    for ring in range(1, rings):
        polar = np.pi * ring / rings
        for side in range(sides):
            angle = 2 * np.pi * (side + 0.5 * (ring % 2)) / sides
            points.append([np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), -np.cos(polar)])
    points.append([0.0, 0.0, 1.0])
    triangles, last = [], len(points) - 1
    for side in range(sides):
        following = (side + 1) % sides
        triangles.append([0, 1 + following, 1 + side])
        top = 1 + (rings - 2) * sides
        triangles.append([last, top + side, top + following])
        for ring in range(rings - 2):
            a, b = 1 + ring * sides + side, 1 + ring * sides + following
            triangles += [[a, b, b + sides], [a, b + sides, a + sides]]
    return np.array(points), np.array(triangles, np.int32)


def _crowns(place, radius, height, colour, rings: int, sides: int, detail: Detail, rough: float) -> Mesh:
    """Return egg-shaped crowns around the points place (n, 3), bumpy by `rough`, darker below."""
    unit, triangles = _ball(rings, sides)
    bump = 1.0 + rough * np.sin(np.arange(len(unit)) * 2.4 + place[:, :1] * 1.7 + place[:, 1:2] * 2.3)
    size = np.stack([radius, radius, height], -1)
    position = place[:, None] + unit[None] * size[:, None] * bump[..., None]
    shade = 0.80 + 0.28 * (unit[:, 2] * 0.5 + 0.5)
    normal = unit * [1, 1, 0.8] + [0, 0, 0.3]
    normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    vertices = pack(position, normal, colour[:, None] * shade[:, None], pixel_class=PixelClass.VEGETATION)
    first = np.arange(len(place), dtype=np.int32)[:, None, None] * len(unit)
    return Mesh(vertices.reshape(-1), (triangles[None] + first).reshape(-1, 3), Pass.PLAIN, detail)


def _trees(place: np.ndarray, style: np.ndarray) -> list[Mesh]:
    scale = 0.8 + 0.12 * (style % 5)
    colour = LEAVES[style % len(LEAVES)] * (0.92 + 0.04 * (style % 3))[:, None]
    trunk = np.stack([0.26 * scale, 0.26 * scale, 2.9 * scale], -1)
    radius, half = 1.75 * scale, 2.0 * scale
    middle = place + np.stack([0 * scale, 0 * scale, 2.4 * scale + half * 0.82], -1)
    lower = middle + np.stack(
        [0.7 * radius * np.cos(style * 1.3), 0.7 * radius * np.sin(style * 1.3), -0.45 * half], -1
    )
    return [
        boxes(place, trunk, style * 0.7, TRUNK, PixelClass.VEGETATION, top=False),
        _crowns(middle, radius, half, colour, 4, 7, Detail.NEAR, 0.13),
        _crowns(lower, radius * 0.62, half * 0.55, colour * 0.94, 3, 6, Detail.NEAR, 0.13),
        _crowns(middle, radius, half, colour, 3, 5, Detail.FAR, 0.1),
    ]


def _along(pose: np.ndarray, forward_m, left_m, up_m) -> np.ndarray:
    """Return points (n, 3) at offsets from poses (n, 3) x, y, yaw standing on the ground."""
    cos, sin = np.cos(pose[:, 2]), np.sin(pose[:, 2])
    x = pose[:, 0] + cos * forward_m - sin * left_m
    y = pose[:, 1] + sin * forward_m + cos * left_m
    return np.stack([x, y, np.broadcast_to(up_m, len(pose))], -1)


def prop_meshes(town: Town) -> list[Mesh]:
    """Return all props but parked cars, which are road users."""
    on_ground = town.prop_layer == 0
    meshes: list[Mesh] = []

    def poses(kind: PropKind) -> tuple[np.ndarray, np.ndarray]:
        chosen = (town.prop_kind == kind) & on_ground
        return np.asarray(town.prop_pose[chosen], np.float64), np.abs(np.asarray(town.prop_style[chosen], np.int64))

    pose, style = poses(PropKind.TREE)
    if len(pose):
        meshes += _trees(_along(pose, 0, 0, 0.0), style)
    pose, style = poses(PropKind.LAMP)
    if len(pose):
        meshes.append(boxes(_along(pose, 0, 0, 0.0), (0.16, 0.16, 7.2), pose[:, 2], STEEL, PixelClass.POLE, top=False))
        meshes.append(
            boxes(_along(pose, 0.8, 0, 7.1), (1.7, 0.09, 0.09), pose[:, 2], STEEL, PixelClass.POLE, Detail.NEAR)
        )
        # A colour of full white marks what glows at dusk.
        meshes.append(
            boxes(_along(pose, 1.6, 0, 7.02), (0.7, 0.26, 0.10), pose[:, 2], (1.0, 1.0, 1.0), PixelClass.POLE)
        )
    pose, style = poses(PropKind.BOLLARD)
    if len(pose):
        meshes.append(
            boxes(
                _along(pose, 0, 0, 0.0),
                (0.16, 0.16, 0.75),
                pose[:, 2],
                (0.32, 0.32, 0.33),
                PixelClass.OTHER,
                Detail.NEAR,
            )
        )
        meshes.append(
            boxes(
                _along(pose, 0, 0, 0.75),
                (0.17, 0.17, 0.16),
                pose[:, 2],
                (0.85, 0.72, 0.16),
                PixelClass.OTHER,
                Detail.NEAR,
            )
        )
    pose, style = poses(PropKind.BENCH)
    if len(pose):
        meshes.append(
            boxes(
                _along(pose, 0, 0, 0.40),
                (0.45, 1.6, 0.07),
                pose[:, 2],
                (0.50, 0.36, 0.24),
                PixelClass.OTHER,
                Detail.NEAR,
            )
        )
        meshes.append(
            boxes(
                _along(pose, -0.2, 0, 0.45),
                (0.06, 1.6, 0.42),
                pose[:, 2],
                (0.50, 0.36, 0.24),
                PixelClass.OTHER,
                Detail.NEAR,
            )
        )
        meshes.append(
            boxes(_along(pose, 0, 0, 0.0), (0.35, 1.4, 0.4), pose[:, 2], (0.3, 0.3, 0.3), PixelClass.OTHER, Detail.NEAR)
        )
    pose, style = poses(PropKind.BUS_STOP)
    if len(pose):
        meshes.append(
            boxes(_along(pose, -0.6, 0, 2.4), (1.6, 4.2, 0.12), pose[:, 2], (0.30, 0.36, 0.42), PixelClass.OTHER)
        )
        meshes.append(
            boxes(_along(pose, -1.3, 0, 0.1), (0.06, 4.0, 2.2), pose[:, 2], (0.55, 0.62, 0.66), PixelClass.OTHER)
        )
        meshes.append(
            boxes(_along(pose, -0.2, 1.9, 0.0), (0.9, 0.10, 2.4), pose[:, 2], (0.18, 0.42, 0.62), PixelClass.OTHER)
        )
        meshes.append(boxes(_along(pose, 0.3, -2.6, 0.0), (0.08, 0.08, 2.9), pose[:, 2], STEEL, PixelClass.POLE))
        meshes.append(
            boxes(_along(pose, 0.3, -2.6, 2.3), (0.08, 0.55, 0.6), pose[:, 2], (0.15, 0.35, 0.65), PixelClass.OTHER)
        )
    pose, style = poses(PropKind.STALL)
    if len(pose):
        awning = np.array([[0.72, 0.25, 0.20], [0.22, 0.45, 0.62], [0.30, 0.52, 0.32], [0.82, 0.62, 0.22]])[style % 4]
        meshes.append(boxes(_along(pose, 0, 0, 0.0), (1.0, 1.9, 0.9), pose[:, 2], (0.55, 0.45, 0.36), PixelClass.OTHER))
        meshes.append(boxes(_along(pose, 0.1, 0, 2.1), (1.7, 2.4, 0.14), pose[:, 2], awning, PixelClass.OTHER))
        for left in (-1.0, 1.0):
            meshes.append(
                boxes(
                    _along(pose, -0.4, left, 0.0), (0.07, 0.07, 2.1), pose[:, 2], STEEL, PixelClass.OTHER, Detail.NEAR
                )
            )
        goods = np.array([[0.80, 0.45, 0.18], [0.70, 0.70, 0.25], [0.60, 0.22, 0.22], [0.35, 0.55, 0.25]])[
            (style + 1) % 4
        ]
        meshes.append(boxes(_along(pose, 0.05, 0, 0.9), (0.8, 1.7, 0.18), pose[:, 2], goods, PixelClass.OTHER))
    for kind, parts in PARTS.items():
        pose, style = poses(kind)
        if len(pose):
            own = STYLES.get(kind, np.zeros((1, 3)))
            for place, size, colour, group, detail in parts:
                tint = own[style % len(own)] if colour is None else np.array(colour)
                meshes.append(boxes(_along(pose, *place), size, pose[:, 2], tint, group, detail))
    return meshes + _signal_poles(town)


def _signal_poles(town: Town) -> list[Mesh]:
    """Return what heads hang from: heads that face one way and lie near each other share a pole and an arm."""
    head = np.asarray(town.head_pose, np.float64).reshape(-1, 4)
    if not len(head):
        return []
    low = head[:, 2] < WALK_HEAD_BELOW_M
    single = head[low][:, [0, 1, 3]]
    meshes = (
        [
            boxes(
                _along(single, -0.16, 0, 0.0),
                np.stack([0 * head[low, 2] + 0.11, 0 * head[low, 2] + 0.11, head[low, 2] + 0.3], -1),
                single[:, 2],
                POLE,
                PixelClass.POLE,
            )
        ]
        if low.any()
        else []
    )
    rest = head[~low]
    if not len(rest):
        return meshes
    # Gather gantries greedily: same facing (30 degrees), less than 12 m apart sideways, 2 m along.
    free, poles, arms = np.ones(len(rest), bool), [], []
    for k in range(len(rest)):
        if not free[k]:
            continue
        near = free & (np.hypot(rest[:, 0] - rest[k, 0], rest[:, 1] - rest[k, 1]) < 14.0)
        cos, sin = np.cos(rest[k, 3]), np.sin(rest[k, 3])
        forward = (rest[:, 0] - rest[k, 0]) * cos + (rest[:, 1] - rest[k, 1]) * sin
        left = -(rest[:, 0] - rest[k, 0]) * sin + (rest[:, 1] - rest[k, 1]) * cos
        group = near & (np.abs(forward) < 2.5) & (np.cos(rest[:, 3] - rest[k, 3]) > 0.85)
        free &= ~group
        # The head looks towards traffic, so traffic's right is the head's left.
        far_left, far_right = left[group].max() + 2.6, left[group].min()
        top = rest[group, 2].max() + 0.55
        poles.append(
            [rest[k, 0] - 0.22 * cos - sin * far_left, rest[k, 1] - 0.22 * sin + cos * far_left, rest[k, 3], top]
        )
        middle = (far_left + far_right) / 2
        arms.append(
            [
                rest[k, 0] - 0.22 * cos - sin * middle,
                rest[k, 1] - 0.22 * sin + cos * middle,
                rest[k, 3],
                top,
                far_left - far_right,
            ]
        )
    pole, arm = np.array(poles), np.array(arms)
    upright = np.stack([0 * pole[:, 3] + 0.22, 0 * pole[:, 3] + 0.22, pole[:, 3]], -1)
    across = np.stack([0 * arm[:, 3] + 0.14, arm[:, 4] + 0.3, 0 * arm[:, 3] + 0.14], -1)
    return [
        *meshes,
        boxes(_along(pole[:, :3], 0, 0, 0.0), upright, pole[:, 2], POLE, PixelClass.POLE),
        boxes(_along(arm[:, :3], 0, 0, arm[:, 3] - 0.14), across, arm[:, 2], POLE, PixelClass.POLE),
    ]
