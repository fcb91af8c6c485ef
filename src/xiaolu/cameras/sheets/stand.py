"""A stand: a street with the ego at one end, and road users set up in front of its cameras."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG, camera_named, project, world_from_camera
from xiaolu.core.conditions import SUN
from xiaolu.core.scene import Scene
from xiaolu.core.users import Users, empty_users
from xiaolu.world.temper import HEIGHT_M, LENGTH_M, WIDTH_M
from xiaolu.world.town import LaneKind, Town

NARROW = camera_named(RIG, "narrow")
CAMERA_M = 1.6  # the camera is so far ahead of the ego's rear axle
BOX_M = 2.2  # of a cut: arms to both sides, a paddle above the head


def straight_lane(town: Town, length_m: float = 75.0) -> np.ndarray:
    """Return (x, y, yaw, z) where a street begins that is straight for so long."""
    best, least = np.zeros(4), np.inf
    for lane in np.flatnonzero((town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0)):
        points = town.line(int(lane))
        way = points[-1] - points[0]
        length = float(np.hypot(*way[:2]))
        off = np.abs((points - points[0])[:, :2] @ np.array([-way[1], way[0]]) / max(length, 1e-6)).max()
        if length >= length_m and off < least:
            best, least = np.array([*points[0][:2], np.arctan2(way[1], way[0]), points[0][2]]), off
    if not np.isfinite(least):
        raise ValueError(f"{town.meta.get('name', 'this town')} has no street that is straight for {length_m:.0f} m")
    return best


def scene_at(town: Town, place: np.ndarray, users: Users | None = None, **more: Any) -> Scene:
    """Return a scene with the ego at a place (4,) x, y, yaw, z; more: fields of the scene (conditions, signals)."""
    users = empty_users(1) if users is None else users
    none, heads = np.zeros(len(users), bool), len(town.head_lane)
    fields: dict[str, Any] = {
        "stamp_ns": 0, "seed": 1, "town": "sheet", "ego_pose": np.asarray(place[:3]), "ego_z_m": float(place[3]),
        "ego_speed_mps": 0.0, "ego_acceleration_mps2": 0.0, "ego_yaw_rate_radps": 0.0, "ego_steering_rad": 0.0,
        "ego_indicator": 0, "users": users, "visible": none, "touching": none, "caused_by_user": none,
        "signal_colour": np.zeros(heads, np.int8), "signal_countdown_s": np.full(heads, np.nan),
        "route_lanes": np.zeros(1, np.int32), "goal_s_m": 0.0, "conditions": SUN,
    }  # fmt: skip
    return Scene(**(fields | more))


def users_before(place: np.ndarray, rows: Sequence[dict]) -> Users:
    """Return road users set up before a camera at a place (4,).

    A row's ahead_m and left_m count from the camera, its yaw_rad from facing it; bodies are those of its kind.
    """
    x, y, yaw, z = place
    users = empty_users(max(len(rows), 1))
    for n, row in enumerate(rows):
        columns = dict(row)
        ahead, left = columns.pop("ahead_m") + CAMERA_M, columns.pop("left_m", 0.0)
        kind = columns["kind"]
        users.uid[n], users.active[n], users.z_m[n] = n, True, z
        users.x_m[n] = x + ahead * np.cos(yaw) - left * np.sin(yaw)
        users.y_m[n] = y + ahead * np.sin(yaw) + left * np.cos(yaw)
        users.length_m[n], users.width_m[n], users.height_m[n] = LENGTH_M[kind], WIDTH_M[kind], HEIGHT_M[kind]
        users.yaw_rad[n] = yaw + np.pi + columns.pop("yaw_rad", 0.0)
        for name, value in columns.items():
            getattr(users, name)[n] = value
    return users


class Stand:
    """A straight street of a town with the ego at its beginning."""

    def __init__(self, town: Town) -> None:
        self.town, self.renderer, self.place = town, Renderer(town), straight_lane(town)

    def cut(self, row: dict, zoom: int, seed: int = 1) -> Image.Image:
        """Return a person as the narrow camera sees it, in a box of BOX_M, every pixel zoom pixels wide."""
        users = users_before(self.place, [row])
        scene = scene_at(self.town, self.place, users, seed=seed)
        foot = np.array([users.x_m[0], users.y_m[0], users.z_m[0] + 1.0])
        return cut_about(self.renderer.images(scene, ["narrow"])["narrow"], scene, foot, BOX_M, zoom)


def cut_about(image: np.ndarray, scene: Scene, point: np.ndarray, box_m: float, zoom: int) -> Image.Image:
    """Return what the narrow camera's image shows about a world point (3,), in a box so wide and high, zoomed."""
    camera_from_world = np.linalg.inv(world_from_camera(NARROW, scene.ego_pose, scene.ego_z_m))
    (u, v), depth = (a[0] for a in project(NARROW, camera_from_world, point[None]))
    half = round(float(NARROW.focal_px * box_m / 2 / depth))
    cut = Image.fromarray(image).crop((int(u) - half, int(v) - half, int(u) + half, int(v) + half))
    return cut.resize((cut.width * zoom, cut.height * zoom), Image.Resampling.NEAREST)
