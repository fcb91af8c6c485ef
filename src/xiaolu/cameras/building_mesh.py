"""Buildings: walls in bays and storeys over a ground floor of shops or doors, and a roof."""

import numpy as np

from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.mesh import Detail, Mesh, Pass, pack, quads
from xiaolu.cameras.triangulate import triangulate
from xiaolu.world.town import Town

BAY_M = 3.3
STOREY_M = 3.1
SHOP_M = 3.8
WALL_M = 3.0  # what is lower has no windows: a garden wall, a shed
FACADES = 6  # wall textures, after which come the ground floors
SHOPS = 3
PALETTE = (
    np.array(
        [
            [218, 206, 184], [196, 178, 156], [176, 122, 96], [206, 196, 190], [186, 170, 150], [150, 108, 88],
            [226, 220, 208], [168, 166, 164], [198, 160, 128], [188, 196, 198], [212, 188, 150], [160, 140, 122],
        ]
    )
    / 255.0
)  # fmt: skip


def building_meshes(town: Town) -> list[Mesh]:
    """Return walls (two quads an edge: ground floor, storeys) and roofs of all buildings."""
    points, start = np.asarray(town.building_points, np.float64), town.building_start.astype(np.int64)
    count = np.diff(start)
    if not len(points):
        return []
    building = np.repeat(np.arange(len(count)), count)
    following = np.arange(1, len(points) + 1)
    following[start[1:][count > 0] - 1] = start[:-1][count > 0]
    a, b = points, points[following]
    side = b - a
    length = np.linalg.norm(side, axis=-1)
    normal = np.column_stack([side[:, 1], -side[:, 0], np.zeros(len(side))]) / np.maximum(length, 1e-9)[:, None]
    height = np.asarray(town.building_height_m, np.float64)
    style = np.asarray(town.building_style, np.int64)
    colour = PALETTE[(style * 7 + np.arange(len(style)) * 5) % len(PALETTE)]
    shop_top = np.minimum(SHOP_M, height)[building]
    top = height[building]
    bays = np.maximum(np.round(length / BAY_M), 1.0)
    storeys = np.maximum(np.round((top - shop_top) / STOREY_M), 1.0)

    def wall(low, high, rows, layer, tint, rows_from=0.0):
        corner = np.stack(
            [
                np.column_stack([a, low]),
                np.column_stack([b, low]),
                np.column_stack([b, high]),
                np.column_stack([a, high]),
            ],
            1,
        )
        # Pattern coordinates count whole bays and storeys, so that no window is cut by a corner.
        uv = np.zeros((len(a), 4, 2))
        uv[:, 1:3, 0] = bays[:, None]
        uv[:, 2:, 1] = rows[:, None]
        uv[..., 0] += (building * 3)[:, None]
        uv[..., 1] += rows_from
        return pack(corner, normal[:, None], tint[building][:, None], uv, layer[:, None], PixelClass.BUILDING)

    floor = np.full(len(a), -0.2)
    shops = wall(floor, shop_top, np.ones(len(a)), FACADES + (style % SHOPS)[building], colour)
    upper = wall(shop_top, top, storeys, (style % FACADES)[building], colour)
    roof = pack(
        np.column_stack([points, top]), [0, 0, 1], colour[building] * 0.6 + 0.1, pixel_class=PixelClass.BUILDING
    )
    low = top < WALL_M
    plain = shops[low]
    plain["code"][..., 0] = 0
    return [
        quads(shops[~low], Pass.FACADE),
        quads(plain, Pass.PLAIN),
        quads(upper[top - shop_top > 0.5], Pass.FACADE),
        Mesh(roof, triangulate(points, start), Pass.PLAIN, Detail.ROOF),
    ]
