"""A camera's model and what it delivers. Camera frame: x right, y down, z forward."""

from dataclasses import dataclass

import numpy as np

from xiaolu.core.check import freeze
from xiaolu.core.frames import ego_from_camera


@dataclass(frozen=True, slots=True)
class CameraModel:
    """A pinhole camera. intrinsics (3, 3) in pixels; ego_from_camera (4, 4) in metres."""

    name: str
    width_px: int
    height_px: int
    intrinsics: np.ndarray
    ego_from_camera: np.ndarray

    def __post_init__(self) -> None:
        freeze(self, "intrinsics", (3, 3))
        freeze(self, "ego_from_camera", (4, 4))
        if self.width_px <= 0 or self.height_px <= 0:
            raise ValueError(f"CameraModel {self.name}: size {self.width_px} x {self.height_px} px is empty")

    @property
    def focal_px(self) -> float:
        return float(self.intrinsics[0, 0])


def pinhole(name: str, width_px: int, height_px: int, focal_px: float, mount: tuple[float, ...]) -> CameraModel:
    """Return a camera with square pixels and a centred principal point; mount is (x, y, z, yaw, pitch), m and rad."""
    intrinsics = np.array([[focal_px, 0.0, width_px / 2], [0.0, focal_px, height_px / 2], [0.0, 0.0, 1.0]])
    return CameraModel(name, width_px, height_px, intrinsics, ego_from_camera(*mount))


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One exposure: image (H, W, 3) uint8 RGB, when it was exposed, and the camera that took it."""

    camera: CameraModel
    exposed_ns: int
    image: np.ndarray

    def __post_init__(self) -> None:
        freeze(self, "image", (self.camera.height_px, self.camera.width_px, 3), np.uint8)
