"""The film of a ride: what the cameras saw, with the plan drawn in, and why the car did what it did."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG
from xiaolu.core.camera import CameraModel, pinhole
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Step
from xiaolu.core.plan import Plan
from xiaolu.core.rates import TICK_HZ

WIDTH_PX, HEIGHT_PX = 960, 544  # multiples of 16, as H.264 likes them
INK, PAPER, MUTED = (236, 240, 244), (18, 22, 28), (140, 150, 160)
RIBBON = {"go": (64, 214, 140), "yield": (255, 196, 60), "creep": (255, 196, 60), "stop": (255, 92, 82)}
SEEN = (255, 120, 40)  # where the driver saw people and riders
LAMPS = {LampColour.RED: (255, 70, 60), LampColour.YELLOW: (255, 200, 60), LampColour.GREEN: (70, 220, 120)}
LAMPS[LampColour.FLASHING_GREEN] = LAMPS[LampColour.GREEN]

# Behind and above the car, looking a little down: where a passenger's eye would be in a video game.
CHASE = pinhole("chase", 640, 360, 430.0, (-7.5, 0.0, 3.6, 0.0, 0.20))

# Where each camera's picture goes: x, y, width, height.
LAYOUT = {
    "chase": (0, 0, 640, 360),
    "narrow": (640, 0, 320, 160),
    "wide": (640, 160, 320, 160),
    "left": (640, 320, 106, 54),
    "rear": (747, 320, 106, 54),
    "right": (854, 320, 106, 54),
}


def ribbon(plan: Plan, camera: CameraModel, half_width_m: float = 0.55) -> list[tuple[float, float]]:
    """Return the outline, in pixels, of the plan's path laid on the ground before `camera`; [] when out of sight.

    It begins below the front bumper; only what will be driven within the plan's horizon is drawn, 3 m at least.
    """
    path = np.concatenate([[[0.0, 0.0]], plan.path])
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    s = np.concatenate([[0.0], np.cumsum(steps)])
    first = EGO_BODY.front_x_m
    reach = first + max(float(np.abs(plan.speed_mps).mean()) * 5.0, 3.0)
    at = np.linspace(first, min(reach, s[-1]), 40)
    centre = np.stack([np.interp(at, s, path[:, 0]), np.interp(at, s, path[:, 1])], axis=-1)
    tangent = np.gradient(centre, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    sides = []
    camera_from_ego = np.linalg.inv(camera.ego_from_camera)
    for sign in (1.0, -1.0):
        ground = centre + sign * half_width_m * normal
        points = np.column_stack([ground, np.full(len(ground), 0.02), np.ones(len(ground))]) @ camera_from_ego.T
        pixels = points[:, :3] @ camera.intrinsics.T
        sides.append((pixels[:, :2] / np.maximum(pixels[:, 2:3], 1e-6), points[:, 2] > 0.4))
    ahead = sides[0][1] & sides[1][1]
    if ahead.sum() < 2:
        return []
    left, right = sides[0][0][ahead], sides[1][0][ahead]
    return [tuple(p) for p in left] + [tuple(p) for p in right[::-1]]


def rings(people: np.ndarray, camera: CameraModel, radius_m: float = 0.35) -> list[tuple[float, float, float, float]]:
    """Return boxes (left, top, right, bottom) in pixels of flat rings on the ground under people (K, 2), ego frame."""
    ground = (
        np.column_stack([people, np.zeros(len(people)), np.ones(len(people))]) @ np.linalg.inv(camera.ego_from_camera).T
    )
    boxes = []
    for x_m, y_m, z_m, _ in ground[ground[:, 2] > 1.0]:
        u, v, _ = camera.intrinsics @ np.array([x_m, y_m, z_m]) / z_m
        wide, flat = camera.focal_px * radius_m / z_m, 0.4 * camera.focal_px * radius_m / z_m
        boxes.append((u - wide, v - flat, u + wide, v + flat))
    return boxes


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


class Film:
    """Composes a frame for each step. Holds the renderer's picture cache only; close the renderer yourself."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._fonts = {size: _font(size) for size in (15, 20, 44)}
        self._models = {camera.name: camera for camera in (*RIG, CHASE)}

    def frame(self, step: Step) -> np.ndarray:
        """Return the picture (HEIGHT_PX, WIDTH_PX, 3) uint8 of one step; cameras the log lacks are rendered again."""
        canvas = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
        pictures = {frame.camera.name: frame.image for frame in step.observation.frames}
        missing = [name for name in LAYOUT if name not in pictures and name != "chase"]
        pictures |= self._renderer.images(step.scene, missing)
        pictures["chase"] = self._renderer.view(step.scene, CHASE)
        colour = RIBBON[step.decision.strategy.pace.name.lower()]
        for name, (x, y, width, height) in LAYOUT.items():
            picture = Image.fromarray(pictures[name])
            if name in ("chase", "narrow", "wide"):
                self._lay_ribbon(picture, ribbon(step.decision.plan, self._models[name]), colour)
                for box in rings(np.reshape(step.decision.perceived.people, (-1, 2)), self._models[name]):
                    ImageDraw.Draw(picture).ellipse(box, outline=SEEN)
            canvas.paste(picture.resize((width, height), Image.Resampling.BILINEAR), (x, y))
        self._write(ImageDraw.Draw(canvas), step)
        return np.asarray(canvas)

    @staticmethod
    def _lay_ribbon(picture: Image.Image, outline: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        if outline:
            glass = Image.new("RGBA", picture.size, (0, 0, 0, 0))
            ImageDraw.Draw(glass).polygon(outline, fill=(*colour, 105), outline=(*colour, 220))
            picture.paste(glass, (0, 0), glass)

    def _write(self, draw: ImageDraw.ImageDraw, step: Step) -> None:
        ego, decision = step.observation.ego, step.decision
        for name, (x, y, _width, _height) in LAYOUT.items():
            if name != "chase":
                draw.text((x + 5, y + 3), name, INK, self._fonts[15], stroke_width=1, stroke_fill=PAPER)
        draw.text((18, 376), f"{abs(ego.speed_mps) * 3.6:3.0f}", INK, self._fonts[44])
        draw.text((102, 398), "km/h", MUTED, self._fonts[20])
        draw.text((180, 380), str(decision.strategy), RIBBON[decision.strategy.pace.name.lower()], self._fonts[20])
        for row, line in enumerate(wrapped(decision.why, 52)[:2]):
            draw.text((180, 408 + 22 * row), line, INK, self._fonts[20])
        lamp = decision.perceived.signal
        draw.text((18, 470), "signal", MUTED, self._fonts[15])
        draw.ellipse((75, 469, 93, 487), fill=LAMPS.get(lamp, (52, 58, 66)))
        draw.text((102, 470), lamp.name.lower().replace("_", " "), MUTED, self._fonts[15])
        route = step.observation.route
        said = "no route: " + (step.observation.instruction.text if step.observation.instruction else "straight on")
        if route is not None:
            said = f"{route.manoeuvre.name.lower().replace('_', ' ')} in {max(route.distance_m, 0.0):.0f} m"
        draw.text((300, 470), said, MUTED, self._fonts[15])
        draw.text((18, 510), f"t = {step.observation.stamp_ns / 1e9:5.1f} s", MUTED, self._fonts[15])
        if step.vetoed:
            draw.text((180, 510), f"guardian: {step.vetoed}", RIBBON["stop"], self._fonts[15])
        self._draw_pedals(draw, ego.acceleration_mps2)

    def _draw_pedals(self, draw: ImageDraw.ImageDraw, acceleration_mps2: float) -> None:
        """A bar for acceleration: to the right when gaining speed, to the left when braking; 3 m/s² is full."""
        middle, top = 800, 420
        draw.text((660, top - 26), "braking", MUTED, self._fonts[15])
        draw.text((890, top - 26), "gas", MUTED, self._fonts[15])
        draw.rectangle((660, top, 940, top + 12), fill=(40, 46, 54))
        end = middle + float(np.clip(acceleration_mps2 / 3.0, -1.0, 1.0)) * 140
        draw.rectangle(
            (min(middle, end), top, max(middle, end), top + 12), fill=RIBBON["go" if end >= middle else "stop"]
        )


def wrapped(text: str, width: int) -> list[str]:
    """Return the text cut into lines of at most `width` characters, at spaces."""
    lines: list[str] = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line]


def shoot(film: Film, steps: Iterable[Step], advance: Callable[[], None] | None = None) -> Iterator[np.ndarray]:
    """Yield a picture for each step, calling `advance` after each (for a progress bar)."""
    for step in steps:
        yield film.frame(step)
        if advance is not None:
            advance()


def write_mp4(frames: Iterable[np.ndarray], path: Path, fps: int = TICK_HZ, crf: int = 28) -> None:
    """Write pictures (H, W, 3) uint8 as an H.264 film that browsers play; nothing is left behind on failure."""
    partial = path.with_name(path.name + ".part")
    try:
        with av.open(str(partial), "w", format="mp4", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=fps, options={"crf": str(crf), "preset": "veryfast"})
            stream.pix_fmt = "yuv420p"
            for number, picture in enumerate(frames):
                if number == 0:
                    stream.height, stream.width = picture.shape[:2]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
