"""Triangles in the making: vertices that never move, and what each of them is made of. World frame, metres."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from xiaolu.cameras.classes import PixelClass

# normal: signed bytes, 127 is 1.0. uv: what the surface's pattern is keyed by (metres across and along a lane, bays and
# storeys of a wall). colour: RGB, and the width of a lane in WIDTH_UNIT_M. code: texture layer, PixelClass, Line, edge
# line or not.
VERTEX = np.dtype([("position", "f4", 3), ("normal", "i1", 4), ("uv", "f4", 2), ("colour", "u1", 4), ("code", "u1", 4)])
WIDTH_UNIT_M = 0.05


class Pass(IntEnum):
    """Which program draws a surface, in drawing order: what stands up first, so that it hides the ground behind it."""

    PLAIN = 0
    FACADE = 1
    GROUND = 2


class Detail(IntEnum):
    """From how far away a surface is shown."""

    ALWAYS = 0
    NEAR = 1  # only in the eye's neighbourhood
    FAR = 2  # stands in for NEAR beyond it
    BACKDROP = 3  # always, drawn last: everything else lies on it
    ROOF = 4  # only for eyes above it


@dataclass(frozen=True, slots=True)
class Mesh:
    """vertices (V,) VERTEX; triangles (T, 3) int32, counter-clockwise seen from outside; one pass and detail."""

    vertices: np.ndarray
    triangles: np.ndarray
    drawn_by: Pass
    detail: Detail


def pack(position, normal, colour, uv=(0.0, 0.0), layer=0, pixel_class=PixelClass.OTHER, **code) -> np.ndarray:
    """Return (n,) VERTEX for positions (n, 3); the other arguments broadcast. code: line, edge, width_m."""
    position = np.asarray(position)
    vertices = np.zeros(position.shape[:-1], VERTEX)
    vertices["position"] = position
    vertices["normal"][..., :3] = np.round(np.asarray(normal) * 127.0)
    vertices["uv"] = uv
    vertices["colour"][..., :3] = np.clip(np.round(np.asarray(colour) * 255.0), 0, 255)
    vertices["colour"][..., 3] = np.clip(np.round(np.asarray(code.get("width_m", 0.0)) / WIDTH_UNIT_M), 0, 255)
    vertices["code"][..., 0] = layer
    vertices["code"][..., 1] = pixel_class
    vertices["code"][..., 2] = code.get("line", 0)
    vertices["code"][..., 3] = code.get("edge", 0)
    return vertices


def quads(vertices: np.ndarray, drawn_by: Pass, detail: Detail = Detail.ALWAYS) -> Mesh:
    """Return the mesh of quads given as vertices (n, 4), counter-clockwise."""
    corner = np.arange(len(vertices), dtype=np.int32)[:, None] * 4
    triangles = (corner[:, None] + np.array([[0, 1, 2], [0, 2, 3]], np.int32)).reshape(-1, 3)
    return Mesh(vertices.reshape(-1), triangles, drawn_by, detail)


def boxes(middle, size, yaw_rad, colour, pixel_class, detail: Detail = Detail.ALWAYS, top: bool = True) -> Mesh:
    """Return upright boxes: middle (n, 3) of the floor, size (n, 3) length, width, height; no floor face."""
    middle, size = np.atleast_2d(middle), np.broadcast_to(size, np.atleast_2d(middle).shape)
    yaw = np.broadcast_to(yaw_rad, len(middle))
    colour = np.broadcast_to(colour, (len(middle), 3))
    cos, sin = np.cos(yaw), np.sin(yaw)
    forward = np.stack([cos, sin, 0 * cos], -1) * size[:, :1] / 2
    left = np.stack([-sin, cos, 0 * cos], -1) * size[:, 1:2] / 2
    up = np.stack([0 * cos, 0 * cos, size[:, 2]], -1)
    corners = [middle + forward + left, middle - forward + left, middle - forward - left, middle + forward - left]
    faces, normals = [], []
    for k in range(4):
        a, b = corners[k], corners[(k + 1) % 4]
        faces.append(np.stack([a, b, b + up, a + up], 1))
        side = [left, -forward, -left, forward][k]
        normals.append(side / np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9))
    if top:
        faces.append(np.stack([c + up for c in corners], 1))
        normals.append(np.broadcast_to([0.0, 0.0, 1.0], middle.shape))
    position = np.stack(faces, 1)
    normal = np.stack(normals, 1)[:, :, None, :]
    return quads(
        pack(position, normal, colour[:, None, None, :], pixel_class=pixel_class).reshape(-1, 4), Pass.PLAIN, detail
    )
