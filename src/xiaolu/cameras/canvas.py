"""Framebuffers: a sheet on which all cameras' pictures lie side by side, drawn and read back together."""

from collections.abc import Callable, Sequence

import moderngl
import numpy as np
from numba import njit

from xiaolu.core.camera import CameraModel

SMOOTH_FROM_PX = 300.0  # focal length from which a lamp of four pixels is to be read


@njit(cache=True)
def _halved(whole: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    """Return (height, width, 3): the mean of every two by two pixels of the part of a sheet that begins at x, y."""
    out = np.empty((height, width, 3), np.uint8)
    for v in range(height):
        for u in range(width):
            for c in range(3):
                top = np.uint32(whole[y + 2 * v, x + 2 * u, c]) + whole[y + 2 * v, x + 2 * u + 1, c]
                low = np.uint32(whole[y + 2 * v + 1, x + 2 * u, c]) + whole[y + 2 * v + 1, x + 2 * u + 1, c]
                out[v, u, c] = (top + low + 2) >> 2
    return out


def fineness(camera: CameraModel) -> int:
    """Return how many samples a pixel's side has: two for long lenses, where small things matter.

    On Mesa's llvmpipe this costs half of what multisampling does, and smooths patterns as well as edges.
    """
    return 2 if camera.focal_px >= SMOOTH_FROM_PX else 1


class Canvas:
    """One sheet in graphics memory for pictures, and one for labels, which is made when first asked for."""

    def __init__(self, context: moderngl.Context, cameras: Sequence[CameraModel]) -> None:
        self._context, self._cameras = context, tuple(cameras)
        self._parts: list = []
        self.picture_boxes, size = boxes_of(cameras, fineness)
        self.picture = self._framebuffer(context.renderbuffer(size, 4))
        self.label_boxes, self._label_size = boxes_of(cameras, lambda _camera: 1)
        self._labels: moderngl.Framebuffer | None = None

    def _framebuffer(self, colour: moderngl.Renderbuffer) -> moderngl.Framebuffer:
        depth = self._context.depth_renderbuffer(colour.size)
        framebuffer = self._context.framebuffer([colour], depth)
        self._parts += [framebuffer, depth, colour]
        return framebuffer

    @property
    def labels(self) -> moderngl.Framebuffer:
        """The framebuffer of labels: one sample a pixel, at its middle."""
        if self._labels is None:
            self._labels = self._framebuffer(self._context.renderbuffer(self._label_size, 1, dtype="u4"))
        return self._labels

    def images(self, cameras: Sequence[CameraModel]) -> dict[str, np.ndarray]:
        """Return each camera's picture (H, W, 3) uint8, row 0 on top, read-only."""
        width, height = self.picture.size
        whole = np.frombuffer(self.picture.read(components=4), np.uint8).reshape(height, width, 4)
        images = {}
        for camera in cameras:
            x, y, w, h = self.picture_boxes[camera.name]
            if fineness(camera) == 2:
                image = _halved(whole, x, y, camera.width_px, camera.height_px)
            else:
                image = np.ascontiguousarray(whole[y : y + h, x : x + w, :3])
            image.flags.writeable = False
            images[camera.name] = image
        return images

    def labels_and_depth(self, cameras: Sequence[CameraModel]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return each camera's labels (H, W) uint32 and depth buffer (H, W) float32, 0 to 1."""
        width, height = self._label_size
        label = np.frombuffer(self.labels.read(components=1, dtype="u4"), np.uint32).reshape(height, width)
        depth = np.frombuffer(self.labels.read(components=1, attachment=-1, dtype="f4"), np.float32)
        depth = depth.reshape(height, width)
        cut = {}
        for camera in cameras:
            x, y, w, h = self.label_boxes[camera.name]
            cut[camera.name] = label[y : y + h, x : x + w], depth[y : y + h, x : x + w]
        return cut

    def release(self) -> None:
        """Give its graphics memory back."""
        for part in self._parts:
            part.release()
        self._parts.clear()


def boxes_of(
    cameras: Sequence[CameraModel], scale: Callable[[CameraModel], int]
) -> tuple[dict[str, tuple[int, int, int, int]], tuple[int, int]]:
    """Return each camera's place x, y, width, height on a sheet, and the sheet's size: shelves, tallest first."""
    sizes = {camera.name: (camera.width_px * scale(camera), camera.height_px * scale(camera)) for camera in cameras}
    sheet = max(width for width, _ in sizes.values())
    boxes, x, y, shelf = {}, 0, 0, 0
    for name in sorted(sizes, key=lambda n: -sizes[n][1]):
        width, height = sizes[name]
        if x + width > sheet:
            x, y, shelf = 0, y + shelf, 0
        boxes[name] = (x, y, width, height)
        x, shelf = x + width, max(shelf, height)
    return boxes, (sheet, y + shelf)
