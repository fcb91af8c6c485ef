"""The light map: a picture of the ground from above, around the ego, of what lamps add or buildings take away.

One look at it tells any place what all lamps give it, however many there are; see shaders/near.glsl.
"""

import moderngl
import numpy as np

from xiaolu.cameras.light import Light
from xiaolu.core.scene import Scene
from xiaolu.world.town import PropKind, Town

SIDE_PX = 256
TEXEL_M = 0.75
AHEAD_M = 50.0  # the map's middle lies ahead of the ego: it sees further that way
GRID_M = 8.0  # the map moves in steps, so that its texels stay where they are
WALL = np.dtype([("wall", "f4", 4), ("height", "f4", 2)])
TREE_M, TREE_HALF_M = 4.6, 1.6  # a tree's crown as prop_mesh grows it: its top and its radius at scale 1


class LightMap:
    """Owns the map's texture: bytes, of which 255 stands for brightness 2 or a height of 100 m (see shaders/near.glsl).

    Drawing into it is the renderer's business.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self.texture = context.texture((SIDE_PX, SIDE_PX), 4)
        self.texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self.texture.repeat_x = self.texture.repeat_y = False
        self.framebuffer = context.framebuffer([self.texture])

    def release(self) -> None:
        """Give its graphics memory back."""
        self.framebuffer.release()
        self.texture.release()


def corner_of(scene: Scene) -> np.ndarray:
    """Return (2,) the map's corner in the world for a moment."""
    x, y, yaw = (float(v) for v in scene.ego_pose)
    middle = np.array([x + AHEAD_M * np.cos(yaw), y + AHEAD_M * np.sin(yaw)])
    return np.round(middle / GRID_M) * GRID_M - 0.5 * SIDE_PX * TEXEL_M


def slant_of(light: Light) -> tuple[float, np.ndarray]:
    """Return the length of a shadow a metre of height, and the direction (2,) it falls."""
    level = float(np.hypot(*light.sun[:2]))
    return min(level / max(float(light.sun[2]), 1e-3), light.slant), -light.sun[:2] / max(level, 1e-6)


class Walls:
    """All of a town that casts long shadows: building walls that face the sun, and trees."""

    def __init__(self, town: Town) -> None:
        points, start = np.asarray(town.building_points, np.float64), town.building_start.astype(np.int64)
        count = np.diff(start)
        following = np.arange(1, len(points) + 1)
        following[start[1:][count > 0] - 1] = start[:-1][count > 0]
        self.ends = np.concatenate([points, points[following]], 1).reshape(-1, 4)
        self.top_m = np.asarray(town.building_height_m, np.float64)[np.repeat(np.arange(len(count)), count)]
        trees = (town.prop_kind == PropKind.TREE) & (town.prop_layer == 0)
        self.tree = np.asarray(town.prop_pose[trees, :2], np.float64)
        self.tree_scale = 0.8 + 0.12 * (np.abs(np.asarray(town.prop_style[trees], np.int64)) % 5)

    def near(self, corner: np.ndarray, away: np.ndarray) -> np.ndarray:
        """Return (n,) WALL of what may cast a shadow on a map with that corner, when shadows fall towards `away`."""
        low, high = corner - 120.0, corner + SIDE_PX * TEXEL_M + 120.0

        def inside(place: np.ndarray) -> np.ndarray:
            return np.logical_and.reduce((place > low) & (place < high), axis=-1)

        side = self.ends[:, 2:] - self.ends[:, :2]
        sunny = side[:, 1] * away[0] - side[:, 0] * away[1] < 0.0
        chosen = np.flatnonzero(sunny & inside(self.ends[:, :2]))
        tree = np.flatnonzero(inside(self.tree))
        out = np.zeros(len(chosen) + len(tree), WALL)
        out["wall"][: len(chosen)], out["height"][: len(chosen), 1] = self.ends[chosen], self.top_m[chosen]
        across = np.array([-away[1], away[0]]) * (TREE_HALF_M * self.tree_scale[tree])[:, None]
        out["wall"][len(chosen) :] = np.concatenate([self.tree[tree] - across, self.tree[tree] + across], 1)
        out["height"][len(chosen) :, 1] = TREE_M * self.tree_scale[tree]
        return out
