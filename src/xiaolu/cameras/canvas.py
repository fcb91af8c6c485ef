"""Framebuffers: a sheet on which several cameras' pictures lie side by side, drawn and read back together."""

from collections.abc import Sequence

import moderngl
import numpy as np

from xiaolu.core.camera import CameraModel

SMOOTH_FROM_PX = 300.0  # focal length from which edges are smoothed
SAMPLES = 4


class Canvas:
    """One sheet in graphics memory. picture: colour (several samples a pixel if smooth); labels: class and slot."""

    def __init__(self, context: moderngl.Context, cameras: Sequence[CameraModel], smooth: bool) -> None:
        self._context = context
        self.places, self.size = placed(cameras)
        self._parts: list = []
        samples = min(SAMPLES, context.max_samples) if smooth else 0
        self.picture = self._framebuffer([context.renderbuffer(self.size, 4, samples=samples)], samples)
        self._resolved = self._framebuffer([context.renderbuffer(self.size, 4)], 0) if samples else self.picture
        self._labels: moderngl.Framebuffer | None = None

    def _framebuffer(self, colours: list, samples: int) -> moderngl.Framebuffer:
        depth = self._context.depth_renderbuffer(self.size, samples=samples)
        framebuffer = self._context.framebuffer(colours, depth)
        self._parts += [framebuffer, depth, *colours]
        return framebuffer

    @property
    def labels(self) -> moderngl.Framebuffer:
        """The framebuffer of labels, made when first asked for: one sample a pixel, at its middle."""
        if self._labels is None:
            self._labels = self._framebuffer([self._context.renderbuffer(self.size, 1, dtype="u4")], 0)
        return self._labels

    def colours(self) -> np.ndarray:
        """Return (H, W, 4) uint8 of the whole sheet, averaged over the samples."""
        if self._resolved is not self.picture:
            self._context.copy_framebuffer(self._resolved, self.picture)
        width, height = self.size
        return np.frombuffer(self._resolved.read(components=4), np.uint8).reshape(height, width, 4)

    def labels_and_depth(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the whole sheet's labels (H, W) uint32 and depth buffer (H, W) float32, 0 to 1."""
        width, height = self.size
        label = np.frombuffer(self.labels.read(components=1, dtype="u4"), np.uint32)
        depth = np.frombuffer(self.labels.read(components=1, attachment=-1, dtype="f4"), np.float32)
        return label.reshape(height, width), depth.reshape(height, width)

    def cut(self, whole: np.ndarray, camera: CameraModel) -> np.ndarray:
        """Return the part (h, w, ...) of a sheet that is this camera's."""
        x, y = self.places[camera.name]
        return whole[y : y + camera.height_px, x : x + camera.width_px]

    def release(self) -> None:
        for part in self._parts:
            part.release()
        self._parts.clear()


def is_smooth(camera: CameraModel) -> bool:
    """Return whether a camera's edges are worth four samples a pixel: where lamps of four pixels are to be read."""
    return camera.focal_px >= SMOOTH_FROM_PX


def placed(cameras: Sequence[CameraModel]) -> tuple[dict[str, tuple[int, int]], tuple[int, int]]:
    """Return where each camera's picture lies (x, y), and the size of the sheet: shelves, tallest first."""
    width = max(camera.width_px for camera in cameras)
    places, x, y, shelf = {}, 0, 0, 0
    for camera in sorted(cameras, key=lambda c: -c.height_px):
        if x + camera.width_px > width:
            x, y, shelf = 0, y + shelf, 0
        places[camera.name] = (x, y)
        x, shelf = x + camera.width_px, max(shelf, camera.height_px)
    return places, (width, y + shelf)
