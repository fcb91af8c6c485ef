"""The renderer: a scene in, frames and label images out. World frame; row 0 of an image is its top."""

from collections.abc import Sequence
from dataclasses import dataclass

import moderngl
import numpy as np

from xiaolu.cameras.cast import Cast, cast_of, with_ego
from xiaolu.cameras.context import open_context
from xiaolu.cameras.flow import flow_of
from xiaolu.cameras.light import Light, light_of
from xiaolu.cameras.projection import clip_from_camera, corner_rays, depth_of, planes_of
from xiaolu.cameras.rig import RIG, camera_named, shifted, world_from_camera
from xiaolu.cameras.signal_mesh import shown_by
from xiaolu.cameras.stage import Stage
from xiaolu.cameras.town_mesh import FAR_M, mesh_of
from xiaolu.core.camera import CameraFrame, CameraModel
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.scene import Scene
from xiaolu.world.town import Town

SAMPLES = 4  # a lamp of four pixels and an arm of two need smooth edges
HEAD_FAR_M = 160.0


@dataclass(frozen=True, slots=True)
class Pixels:
    """All that is known of an image's pixels: image (H, W, 3) uint8 RGB; classes (H, W) uint8 PixelClass; uid (H, W)
    int64, -1 where no user is; depth_m (H, W) float32 along the optical axis, inf in the sky; flow (H, W, 2) float32
    or None."""

    image: np.ndarray
    classes: np.ndarray
    uid: np.ndarray
    depth_m: np.ndarray
    flow: np.ndarray | None = None


class _Canvas:
    """Framebuffers of one size: smooth colour, what it is resolved into, and labels with depth (made when asked)."""

    def __init__(self, context: moderngl.Context, width: int, height: int) -> None:
        self._context, self.size = context, (width, height)
        self._parts: list = []
        samples = min(SAMPLES, context.max_samples)
        self.smooth = self._framebuffer([context.renderbuffer(self.size, 4, samples=samples)], samples)
        self.flat = self._framebuffer([context.renderbuffer(self.size, 4)], 0)
        self._labels: moderngl.Framebuffer | None = None

    def _framebuffer(self, colours: list, samples: int) -> moderngl.Framebuffer:
        depth = self._context.depth_renderbuffer(self.size, samples=samples)
        framebuffer = self._context.framebuffer(colours, depth)
        self._parts += [framebuffer, depth, *colours]
        return framebuffer

    def labels(self) -> moderngl.Framebuffer:
        if self._labels is None:
            self._labels = self._framebuffer([self._context.renderbuffer(self.size, 1, dtype="u4")], 0)
        return self._labels

    def release(self) -> None:
        for part in self._parts:
            part.release()
        self._parts.clear()


class Renderer:
    """Draws a town and what moves in it. All cameras share one picture in graphics memory, read back once.

    Building it for 13,700 lanes takes about a second. Raises NoGraphics where no OpenGL context can be made. Not for
    use from several threads. `close()` gives its graphics memory back; a renderer is a context manager too.
    """

    def __init__(self, town: Town, rig: Sequence[CameraModel] = RIG) -> None:
        self.town, self.rig = town, tuple(rig)
        self._context = open_context()
        self._places, size = _atlas(self.rig)
        with self._context:
            self._stage = Stage(self._context, mesh_of(town))
            self._canvas = _Canvas(self._context, *size)
            self._views: dict[tuple[int, int], _Canvas] = {}

    def __enter__(self) -> "Renderer":
        return self

    def __exit__(self, *_error) -> None:
        self.close()

    def frames(
        self, scene: Scene, names: Sequence[str], shift: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[CameraFrame, ...]:
        """Return a frame of each named camera, in that order, exposed at the scene's stamp.

        shift: (metres to the left, radians to the left): what the cameras would see if the ego stood there; frames
        keep the rig's camera models, as a car that stood there would know no better. ValueError for unknown names.
        """
        cameras = [camera_named(self.rig, name) for name in names]
        with self._context:
            images = self._pictures(scene, cameras, shift)
        return tuple(CameraFrame(camera, scene.stamp_ns, image) for camera, image in zip(cameras, images, strict=True))

    def pixels(
        self,
        scene: Scene,
        names: Sequence[str],
        shift: tuple[float, float] = (0.0, 0.0),
        flow_from: Scene | None = None,
    ) -> dict[str, Pixels]:
        """Return images, the same bytes as in `frames`, with classes, users and depth of each pixel.

        flow_from: an earlier scene of the same ride, for optical flow since then.
        """
        cameras = [camera_named(self.rig, name) for name in names]
        with self._context:
            images = self._pictures(scene, cameras, shift)
            labels, depths = self._labels(scene, cameras, shift)
        uids = np.concatenate([[-1], np.asarray(scene.users.uid, np.int64)])
        out = {}
        for camera, image, label, depth in zip(cameras, images, labels, depths, strict=True):
            uid, depth_m = uids[label >> 8], depth_of(depth)
            flow = None
            if flow_from is not None:
                flow = flow_of(shifted(camera, *shift), self.town, scene, flow_from, depth_m, uid)
            out[camera.name] = Pixels(image, (label & 0xFF).astype(np.uint8), uid, depth_m, flow)
        return out

    def view(self, scene: Scene, camera: CameraModel) -> np.ndarray:
        """Return the image (H, W, 3) uint8 of any camera mounted in the ego frame, with the ego's body in it.

        For films and pictures: `pinhole("chase", 640, 360, 430.0, (-7.5, 0.0, 3.6, 0.0, 0.2))` looks over its roof.
        """
        size = (camera.width_px, camera.height_px)
        with self._context:
            if size not in self._views:
                self._views[size] = _Canvas(self._context, *size)
            canvas = self._views[size]
            light = light_of(scene.conditions)
            cast = with_ego(cast_of(self.town, scene, light), scene)
            self._draw(canvas.smooth, scene, light, cast, [(camera, (0, 0))], "picture")
            return _read(self._context, canvas)[:, :, :3].copy()

    def close(self) -> None:
        """Give all graphics memory back. Closing twice is fine."""
        with self._context:
            self._stage.release()
            for canvas in (self._canvas, *self._views.values()):
                canvas.release()
            self._views.clear()

    def _placed(self, cameras: Sequence[CameraModel], shift: tuple[float, float]):
        return [(shifted(camera, *shift), self._places[camera.name]) for camera in cameras]

    def _pictures(self, scene: Scene, cameras: Sequence[CameraModel], shift) -> list[np.ndarray]:
        light = light_of(scene.conditions)
        cast = cast_of(self.town, scene, light)
        self._draw(self._canvas.smooth, scene, light, cast, self._placed(cameras, shift), "picture")
        whole = _read(self._context, self._canvas)
        images = []
        for camera in cameras:
            image = np.ascontiguousarray(_cut(whole, self._places[camera.name], camera)[:, :, :3])
            image.flags.writeable = False
            images.append(image)
        return images

    def _labels(self, scene: Scene, cameras: Sequence[CameraModel], shift) -> tuple[list, list]:
        light = light_of(scene.conditions)
        framebuffer = self._canvas.labels()
        self._draw(framebuffer, scene, light, cast_of(self.town, scene, light), self._placed(cameras, shift), "labels")
        width, height = self._canvas.size
        label = np.frombuffer(framebuffer.read(components=1, dtype="u4"), np.uint32).reshape(height, width)
        depth = np.frombuffer(framebuffer.read(components=1, attachment=-1, dtype="f4"), np.float32)
        depth = depth.reshape(height, width)
        places = [(self._places[c.name], c) for c in cameras]
        return [_cut(label, *p) for p in places], [_cut(depth, *p) for p in places]

    def _draw(self, framebuffer, scene: Scene, light: Light, cast: Cast, placed, kind: str) -> None:
        context, stage = self._context, self._stage
        framebuffer.use()
        framebuffer.viewport = (0, 0, *framebuffer.size)
        framebuffer.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        context.front_face, context.depth_func = "cw", "<="
        stage.use()
        heads = self._heads_near(scene)
        shown = shown_by(self.town, scene, heads)
        head_ball = np.column_stack([self.town.head_pose[heads, :3], np.full(len(heads), 1.5)])
        eye = world_from_camera(placed[0][0], scene.ego_pose, scene.ego_z_m)[:3, 3] if placed else np.zeros(3)
        around = stage.town.near(eye)
        for camera, (x, y) in placed:
            framebuffer.viewport = (x, y, camera.width_px, camera.height_px)
            world = world_from_camera(camera, scene.ego_pose, scene.ego_z_m)
            clip = clip_from_camera(camera) @ np.linalg.inv(world)
            planes = planes_of(clip)
            stage.frame.write(_frame_bytes(clip, world[:3, 3], scene, light))
            seen = _seen(cast.ball, planes, world[:3, 3])
            stage.draw_cast(kind, cast, seen)
            stage.draw_instances(kind, stage.heads, shown[_seen(head_ball, planes, world[:3, 3])])
            stage.draw_town(kind, stage.town.inside(around, planes))
            if kind == "picture":
                self._draw_sky(camera, world)
                context.enable(moderngl.BLEND)
                context.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
                framebuffer.depth_mask = False
                stage.draw_instances(kind, stage.shadows, cast.shadow[seen])
                framebuffer.depth_mask = True
                context.disable(moderngl.BLEND)

    def _draw_sky(self, camera: CameraModel, world: np.ndarray) -> None:
        program = self._stage.kinds["picture"]["sky"]
        middle, right, down = corner_rays(camera, world)
        for name, ray in (("ray_z", middle), ("ray_x", right), ("ray_y", down)):
            program[name].value = (*ray, 0.0)
        # The covering triangle turns the other way from everything else.
        self._context.disable(moderngl.CULL_FACE)
        self._stage.sky.render(moderngl.TRIANGLES, vertices=3)
        self._context.enable(moderngl.CULL_FACE)

    def _heads_near(self, scene: Scene) -> np.ndarray:
        offset = self.town.head_pose[:, :2] - scene.ego_pose[:2]
        return np.flatnonzero((offset * offset).sum(-1) < HEAD_FAR_M**2)


def _seen(ball: np.ndarray, planes: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """Return (n,) bool: which balls (n, 4) reach into the view and are not lost in the fog."""
    inside = ball[:, :3] @ planes[:, :3].T + planes[:, 3] + ball[:, 3:] > 0.0
    return inside.all(-1) & (((ball[:, :3] - eye) ** 2).sum(-1) < FAR_M**2)


def _frame_bytes(clip: np.ndarray, eye: np.ndarray, scene: Scene, light: Light) -> bytes:
    """Return the uniform block of shaders/common.glsl."""
    seconds = scene.stamp_ns / SECOND_NS
    rows = [
        *clip.T,
        [*eye, seconds % 3600.0],
        [*light.sun, light.night],
        [*light.sun_light, light.wet],
        [*light.sky_light, light.rain],
        [*light.ground_light, seconds * 7.31 % 1.0],
        [*light.haze, light.fog_per_m],
        [*light.zenith, light.cloud],
        [*light.glow, light.shadow],
    ]
    return np.array(rows, np.float32).tobytes()


def _read(context: moderngl.Context, canvas: _Canvas) -> np.ndarray:
    """Return (H, W, 4) uint8 of a canvas, averaged over its samples."""
    context.copy_framebuffer(canvas.flat, canvas.smooth)
    width, height = canvas.size
    return np.frombuffer(canvas.flat.read(components=4), np.uint8).reshape(height, width, 4)


def _cut(whole: np.ndarray, place: tuple[int, int], camera: CameraModel) -> np.ndarray:
    x, y = place
    return whole[y : y + camera.height_px, x : x + camera.width_px]


def _atlas(rig: Sequence[CameraModel]) -> tuple[dict[str, tuple[int, int]], tuple[int, int]]:
    """Return where each camera's picture lies, and the size of the sheet: shelves, tallest first."""
    names = [camera.name for camera in rig]
    if len(set(names)) != len(names):
        raise ValueError(f"the cameras of a rig need names of their own, these are {', '.join(names)}")
    width = max([512, *(camera.width_px for camera in rig)])
    places, x, y, shelf = {}, 0, 0, 0
    for camera in sorted(rig, key=lambda c: -c.height_px):
        if x + camera.width_px > width:
            x, y, shelf = 0, y + shelf, 0
        places[camera.name] = (x, y)
        x, shelf = x + camera.width_px, max(shelf, camera.height_px)
    return places, (width, y + shelf)
