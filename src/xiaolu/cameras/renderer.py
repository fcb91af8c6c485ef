"""The renderer: a scene in, frames and label images out. World frame; row 0 of an image is its top."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import moderngl
import numpy as np

from xiaolu.cameras.canvas import Canvas, fineness
from xiaolu.cameras.cast import Cast, cast_of, with_ego
from xiaolu.cameras.context import open_context
from xiaolu.cameras.culling import balls_seen
from xiaolu.cameras.flow import flow_of
from xiaolu.cameras.lamps import Lamps, ego_glows, lamps_of, street_lamps
from xiaolu.cameras.light import Light, light_of
from xiaolu.cameras.light_map import SIDE_PX, TEXEL_M, Walls, corner_of, slant_of
from xiaolu.cameras.projection import clip_from_camera, corner_rays, depth_of, inverse_of, planes_of
from xiaolu.cameras.rig import RIG, camera_named, shifted, world_from_camera
from xiaolu.cameras.sensor import lost, taken
from xiaolu.cameras.signal_mesh import shown_by
from xiaolu.cameras.stage import Stage
from xiaolu.cameras.town_mesh import FAR_M, mesh_of
from xiaolu.core.camera import CameraFrame, CameraModel
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.scene import Scene
from xiaolu.world.town import Town

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


class Renderer:
    """Draws a town and what moves in it. All cameras share one picture in graphics memory, read back once.

    Building it for 13,700 lanes takes about a second. Raises NoGraphicsError where no OpenGL context can be made.
    Not for use from several threads. `close()` gives its graphics memory back; a renderer is a context manager too.
    """

    def __init__(self, town: Town, rig: Sequence[CameraModel] = RIG) -> None:
        self.town, self.rig = town, tuple(rig)
        self._context = open_context()
        names = [camera.name for camera in self.rig]
        if len(set(names)) != len(names):
            raise ValueError(f"the cameras of a rig need names of their own, these are {', '.join(names)}")
        self._views: dict[tuple[int, int, int], Canvas] = {}
        self._streets = street_lamps(town)
        self._walls: Walls | None = None
        self._mapped: tuple | None = None
        with self._context:
            self._stage = Stage(self._context, mesh_of(town))
            self._canvas = Canvas(self._context, self.rig)

    def __enter__(self) -> "Renderer":
        return self

    def __exit__(self, *_error) -> None:
        self.close()

    def frames(
        self, scene: Scene, names: Sequence[str], shift: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[CameraFrame, ...]:
        """Return a frame of each named camera, in that order, exposed at the scene's stamp; but for those that the
        conditions lose on the way.

        shift: (metres to the left, radians to the left): what the cameras would see if the ego stood there; frames
        keep the rig's camera models, as a car that stood there would know no better. ValueError for unknown names.
        """
        images = self.images(scene, [name for name in names if not lost(scene, name)], shift)
        return tuple(CameraFrame(camera_named(self.rig, name), scene.stamp_ns, image) for name, image in images.items())

    def images(
        self, scene: Scene, names: Sequence[str], shift: tuple[float, float] = (0.0, 0.0)
    ) -> dict[str, np.ndarray]:
        """Return what each named camera sees, (H, W, 3) uint8 by name, whether or not its frame then arrives."""
        cameras = [camera_named(self.rig, name) for name in names]
        if not cameras:
            return {}
        light = light_of(scene.conditions)
        with self._context:
            return self._pictures(scene, light, cast_of(self.town, scene, light), cameras, shift)

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
        light = light_of(scene.conditions)
        cast = cast_of(self.town, scene, light)
        with self._context:
            images = self._pictures(scene, light, cast, cameras, shift)
            labels = self._labels(scene, light, cast, cameras, shift)
        uids = np.concatenate([[-1], np.asarray(scene.users.uid, np.int64)])
        out = {}
        for camera in cameras:
            label, depth = labels[camera.name]
            uid, depth_m = uids[label >> 8], depth_of(depth)
            flow = None
            if flow_from is not None:
                flow = flow_of(shifted(camera, *shift), self.town, scene, flow_from, depth_m, uid)
            out[camera.name] = Pixels(images[camera.name], (label & 0xFF).astype(np.uint8), uid, depth_m, flow)
        return out

    def view(self, scene: Scene, camera: CameraModel) -> np.ndarray:
        """Return the image (H, W, 3) uint8 of any camera mounted in the ego frame, with the ego's body in it.

        For films and pictures: `pinhole("chase", 640, 360, 430.0, (-7.5, 0.0, 3.6, 0.0, 0.2))` looks over its roof.
        """
        key = (camera.width_px, camera.height_px, fineness(camera))
        light = light_of(scene.conditions)
        cast = with_ego(cast_of(self.town, scene, light), scene)
        with self._context:
            if key not in self._views:
                self._views[key] = Canvas(self._context, [replace(camera, name="view")])
            canvas = self._views[key]
            placed = [(camera, canvas.picture_boxes["view"])]
            self._draw(canvas.picture, scene, light, cast, placed, _kind_of(light), outside=True)
            return canvas.images([replace(camera, name="view")])["view"]

    def close(self) -> None:
        """Give all graphics memory back. Closing twice is fine."""
        with self._context:
            self._stage.release()
            for canvas in (self._canvas, *self._views.values()):
                canvas.release()
            self._views.clear()

    def _pictures(self, scene: Scene, light: Light, cast: Cast, cameras, shift) -> dict[str, np.ndarray]:
        canvas = self._canvas
        placed = [(shifted(camera, *shift), canvas.picture_boxes[camera.name]) for camera in cameras]
        self._draw(canvas.picture, scene, light, cast, placed, _kind_of(light))
        images = canvas.images(cameras)
        return {camera.name: taken(images[camera.name], camera, scene, light) for camera in cameras}

    def _labels(self, scene: Scene, light: Light, cast: Cast, cameras, shift) -> dict[str, tuple]:
        canvas = self._canvas
        placed = [(shifted(camera, *shift), canvas.label_boxes[camera.name]) for camera in cameras]
        self._draw(canvas.labels, scene, light, cast, placed, "labels")
        return canvas.labels_and_depth(cameras)

    def _draw(
        self, framebuffer, scene: Scene, light: Light, cast: Cast, placed, kind: str, outside: bool = False
    ) -> None:
        """Draw a scene for each (camera, box) placed. outside: the cameras look at the ego from outside."""
        context, stage = self._context, self._stage
        heads = self._heads_near(scene)
        shown = shown_by(self.town, scene, heads)
        head_ball = np.column_stack([self.town.head_pose[heads, :3], np.full(len(heads), 1.5)])
        common = _common_rows(scene, light)
        stage.use()
        lamps = None
        if kind == "lit":
            lamps = lamps_of(scene, self._streets, self.town.head_pose[heads], shown["state"][:, 0])
            if outside:
                lamps = replace(lamps, glows=np.concatenate([lamps.glows, ego_glows(scene)]))
            glow_ball = lamps.glows["place"] * np.array([1.0, 1.0, 1.0, 2.0])
            self._map_lamps(lamps, common)
        elif kind == "shaded":
            self._map_shadows(scene, light, common)
        framebuffer.use()
        framebuffer.viewport = (0, 0, *framebuffer.size)
        framebuffer.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        context.front_face, context.depth_func = "cw", "<="
        around: dict[float, np.ndarray] = {}
        far_m = min(light.visual_range_m, FAR_M)
        for camera, box in placed:
            framebuffer.viewport = box
            world = world_from_camera(camera, scene.ego_pose, scene.ego_z_m)
            to_clip = clip_from_camera(camera)
            clip = to_clip @ inverse_of(world)
            planes = planes_of(clip)
            eye = world[:3, 3]
            per_metre = [to_clip[0, 0], to_clip[1, 1], 2.0 / box[2], 2.0 / box[3]]
            rows = [*clip.T, [*eye, scene.stamp_ns / SECOND_NS % 3600.0], *common, per_metre]
            stage.frame.write(np.array(rows, np.float32).tobytes())
            seen = balls_seen(cast.ball, planes, eye, far_m)
            stage.draw_cast(kind, cast, seen)
            stage.draw_instances(kind, stage.heads, shown[balls_seen(head_ball, planes, eye, FAR_M)])
            if camera.focal_px not in around:
                around[camera.focal_px] = stage.blocks_near(eye, camera.focal_px, far_m)
            stage.draw_town(kind, camera.name, stage.town.inside(around[camera.focal_px], planes))
            if kind == "labels":
                continue
            self._cover(kind, "sky", camera, world)
            framebuffer.depth_mask = False
            context.enable(moderngl.BLEND)
            context.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
            stage.draw_instances(kind, stage.shadows, cast.shadow[seen])
            context.blend_func = moderngl.ONE, moderngl.ONE
            if lamps is not None:
                self._draw_glows(lamps, glow_ball, planes, eye, light)
            if light.glare > 0.0 and float(world[:3, 2] @ light.sun) > 0.2:
                context.disable(moderngl.DEPTH_TEST)
                self._cover(kind, "glare", camera, world)
                context.enable(moderngl.DEPTH_TEST)
            framebuffer.depth_mask = True
            context.disable(moderngl.BLEND)

    def _cover(self, kind: str, name: str, camera: CameraModel, world: np.ndarray) -> None:
        """Draw the sky, or what lies over the whole picture."""
        program, triangle = self._stage.cover(kind, name)
        middle, right, down = corner_rays(camera, world)
        for name, ray in (("ray_z", middle), ("ray_x", right), ("ray_y", down)):
            program[name] = (*ray, 0.0)
        # The covering triangle turns the other way from everything else.
        self._context.disable(moderngl.CULL_FACE)
        triangle.render(moderngl.TRIANGLES, vertices=3)
        self._context.enable(moderngl.CULL_FACE)

    def _draw_glows(self, lamps: Lamps, ball: np.ndarray, planes: np.ndarray, eye: np.ndarray, light: Light) -> None:
        context, stage = self._context, self._stage
        context.disable(moderngl.CULL_FACE)
        stage.draw_instances("lit", stage.glows, lamps.glows[balls_seen(ball, planes, eye, FAR_M)])
        if light.wet > 0.0:
            stage.draw_instances("lit", stage.gleams, lamps.glows)
        context.enable(moderngl.CULL_FACE)

    def _map_lamps(self, lamps: Lamps, common: list) -> None:
        """Draw what lamps light into the light map."""
        self._mapped = None
        with self._light_map(common):
            self._context.blend_func = moderngl.ONE, moderngl.ONE
            self._stage.draw_instances("lit", self._stage.spills, lamps.spills)

    def _map_shadows(self, scene: Scene, light: Light, common: list) -> None:
        """Draw how high shadows reach into the light map, if it holds other ones."""
        corner = corner_of(scene)
        slant, away = slant_of(light)
        key = (*corner, slant, *away)
        if self._mapped == key:
            return
        if self._walls is None:
            self._walls = Walls(self.town)
        with self._light_map(common):
            self._context.blend_equation = moderngl.MAX  # type: ignore[assignment]
            self._stage.draw_instances("shaded", self._stage.eclipses, self._walls.near(corner, away))
            self._context.blend_equation = moderngl.FUNC_ADD  # type: ignore[assignment]
        self._mapped = key

    @contextmanager
    def _light_map(self, common: list) -> Iterator[None]:
        """Make the light map the place to draw to, emptied, and blending with what is there."""
        stage = self._stage
        rows = [*np.eye(4), [0.0] * 4, *common, [0.0] * 4]
        stage.frame.write(np.array(rows, np.float32).tobytes())
        framebuffer = stage.light_map.framebuffer
        framebuffer.use()
        framebuffer.viewport = (0, 0, *framebuffer.size)
        framebuffer.clear(0.0, 0.0, 0.0, 0.0)
        framebuffer.scissor = (1, 1, SIDE_PX - 2, SIDE_PX - 2)  # a black rim
        self._context.enable_only(moderngl.BLEND)
        yield
        framebuffer.scissor = None
        self._context.disable(moderngl.BLEND)

    def _heads_near(self, scene: Scene) -> np.ndarray:
        offset = self.town.head_pose[:, :2] - scene.ego_pose[:2]
        return np.flatnonzero((offset * offset).sum(-1) < HEAD_FAR_M**2)


def _kind_of(light: Light) -> str:
    """Return the kind of drawing (programs.KINDS) that a light asks for."""
    return "lit" if light.lamps > 0.0 else "shaded" if max(light.shadows, light.glare) > 0.0 else "picture"


def _common_rows(scene: Scene, light: Light) -> list:
    """Return those rows of the uniform block of shaders/common.glsl that are the same for all cameras, in order."""
    seconds = scene.stamp_ns / SECOND_NS
    slant, away = slant_of(light)
    return [
        [*light.sun, light.night],
        [*light.sun_light, light.wet],
        [*light.sky_light, light.rain],
        [*light.ground_light, seconds * 7.31 % 1.0],
        [*light.haze, light.fog_per_m],
        [*light.zenith, light.cloud],
        [*light.glow, light.shadow],
        [*corner_of(scene), 1.0 / (SIDE_PX * TEXEL_M), slant],
        [light.lamps, light.shadows, light.glare, 0.0],
        [*away, scene.ego_z_m, 0.0],
    ]
