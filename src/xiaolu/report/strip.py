"""Film strips of scenarios: a few moments side by side, through the wide and the narrow camera and from above."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from xiaolu.cameras.renderer import Renderer
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Step
from xiaolu.core.frames import box_corners, to_child
from xiaolu.core.users import Kind
from xiaolu.report.film import Film, shoot, write_mp4
from xiaolu.ride.config import scenario_config
from xiaolu.ride.drivers import make_driver
from xiaolu.ride.ride import Ride
from xiaolu.world.routing import RoutePath
from xiaolu.world.scenarios.format import family_names, load_family
from xiaolu.world.scenarios.picture import colour_of
from xiaolu.world.scenarios.sample import Scenario, scenario_of
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.show import strips_of
from xiaolu.world.town import LaneKind, Town
from xiaolu.world.world import World

MOMENTS, CELL_PX = 6, 200
AHEAD_M, BACK_M = 42.0, 14.0  # what the picture from above shows of the ego's way
MOST_BYTES = 60_000
PAPER, INK, MUTED = (250, 250, 247), (38, 42, 48), (112, 120, 128)
GROUND, ROAD, WALK = (226, 229, 220), (104, 112, 122), (196, 196, 188)
LAMPS = {LampColour.RED: (226, 50, 40), LampColour.YELLOW: (232, 180, 40), LampColour.GREEN: (40, 170, 90)}


def drive_scenario(scenario: Scenario, driver: str = "teacher", world: World | None = None) -> tuple[list[Step], str]:
    """Return the steps of a scenario's ride, without pictures, and how it ended."""
    config = scenario_config(scenario)
    ride = Ride(config, make_driver(driver, scenario.town, scenario.plan), world=world)
    steps: list[Step] = []
    while not ride.done and ride.stamp_ns < config.max_s * 1e9:
        steps.append(ride.step())
    return steps, ride.state.end or "time is up"


def moments_of(scenario: Scenario, steps: list[Step]) -> list[int]:
    """Return the indices of the moments that tell the scenario: from shortly before it begins until it is over."""
    path = RoutePath(scenario.town, scenario.plan)
    place, at = [], 0.0
    for step in steps:
        at = float(path.project(step.scene.ego_pose[0], step.scene.ego_pose[1], at)[0])
        place.append(at - scenario.anchor_s_m)
    s_m = np.array(place)
    near = np.flatnonzero((s_m > -32.0) & (s_m < 14.0))
    first = int(near[0]) if len(near) else 0
    last = int(near[-1]) if len(near) else len(steps) - 1
    acts = [step.scene.acts for step in steps]
    if acts[0] is not None and len(acts[0]):
        table = np.stack([a for a in acts if a is not None])
        changes = np.flatnonzero((np.diff(table, axis=0) != 0).any(axis=1)) + 1
        shown = changes[changes > 15]
        if len(shown):
            first = min(first, max(int(shown[0]) - 10, 0))
            last = max(last, min(int(shown[-1]) + 25, len(steps) - 1))
    moments = np.linspace(first, last, MOMENTS).round().astype(int)
    return [int(moment) for moment in moments]


Outlines = list[tuple[np.ndarray, tuple[int, int, int]]]


def outlines_of(town: Town) -> Outlines:
    """Return what of a town is seen from above: outlines (n, 2) and their colours, the lowest first."""
    out = [(o, WALK) for o in strips_of(town, np.flatnonzero(town.lane_kind == LaneKind.FOOT))]
    out += [
        (town.junction_points[a:b], ROAD)
        for a, b in zip(town.junction_start[:-1], town.junction_start[1:], strict=True)
        if b - a > 2
    ]
    return out + [(o, ROAD) for o in strips_of(town, np.flatnonzero(town.lane_kind == LaneKind.DRIVE))]


def from_above(path: RoutePath, actors: int, step: Step, outlines: Outlines) -> Image.Image:
    """Return the picture from above (CELL_PX wide and high), the ego's way up; actors: how many users are scripted."""
    scene, scale = step.scene, 2.0 * CELL_PX / (AHEAD_M + BACK_M)
    size = (2 * CELL_PX, round(2 * CELL_PX * 1.0))
    picture = Image.new("RGB", size, GROUND)
    draw = ImageDraw.Draw(picture)

    def pixels(points: np.ndarray) -> list[tuple[float, float]]:
        own = to_child(scene.ego_pose, points)
        return [(size[0] / 2 - y * scale, (AHEAD_M - x) * scale) for x, y in own]

    for outline, colour in outlines:
        if np.hypot(*(outline - scene.ego_pose[:2]).T).min() < 75.0:
            draw.polygon(pixels(outline), fill=colour)
    draw.line(pixels(path.points[:, :2]), fill=(150, 185, 235), width=3)
    users = scene.users
    for n in np.flatnonzero(users.active):
        one = [
            np.array([v]) for v in (users.x_m[n], users.y_m[n], users.yaw_rad[n], users.length_m[n], users.width_m[n])
        ]
        actor = users.uid[n] < actors
        paint = colour_of(int(users.kind[n])) if actor else "#8b949e"
        one[3], one[4] = np.maximum(one[3], 0.7), np.maximum(one[4], 0.7)
        draw.polygon(pixels(box_corners(*one)[0]), fill=paint, outline="white" if actor else None)
        if actor and users.kind[n] != Kind.OBJECT:
            tip = np.array([[users.x_m[n], users.y_m[n]]])
            ahead = tip + (0.5 * users.length_m[n] + 1.2) * np.array(
                [[np.cos(users.yaw_rad[n]), np.sin(users.yaw_rad[n])]]
            )
            draw.line(pixels(np.concatenate([tip, ahead])), fill=paint, width=3)
    x, y, yaw = scene.ego_pose
    middle = EGO_BODY.centre_x_m
    ego = [
        np.array([v])
        for v in (x + middle * np.cos(yaw), y + middle * np.sin(yaw), yaw, EGO_BODY.length_m, EGO_BODY.width_m)
    ]
    draw.polygon(pixels(box_corners(*ego)[0]), fill="#2f7de1", outline="white")
    return picture.resize((CELL_PX, round(size[1] / 2)), Image.Resampling.LANCZOS)


def film_strip(scenario: Scenario, steps: list[Step], renderer: Renderer) -> Image.Image:
    """Return the strip: a column a moment; wide camera, narrow camera, from above; what the driver says below."""
    moments = moments_of(scenario, steps)
    path, actors = RoutePath(scenario.town, scenario.plan), len(scenario.script.actors)
    outlines = outlines_of(scenario.town)
    heights = (CELL_PX // 2, CELL_PX // 2, CELL_PX)
    top, foot = 24, 30
    strip = Image.new("RGB", (MOMENTS * (CELL_PX + 4) + 4, top + sum(heights) + 12 + foot), PAPER)
    draw = ImageDraw.Draw(strip)
    font, small = ImageFont.load_default(14), ImageFont.load_default(11)
    draw.text((6, 4), f"{scenario.family.title} (seed {scenario.seed})", INK, font)
    for column, moment in enumerate(moments):
        step, x, y = steps[moment], 4 + column * (CELL_PX + 4), top
        pictures = {f.camera.name: f.image for f in renderer.frames(step.scene, ("wide", "narrow"))}
        for name, height in zip(("wide", "narrow"), heights[:2], strict=True):
            strip.paste(Image.fromarray(pictures[name]).resize((CELL_PX, height), Image.Resampling.LANCZOS), (x, y))
            y += height + 4
        strip.paste(from_above(path, actors, step, outlines).crop((0, 0, CELL_PX, heights[2])), (x, y))
        y += heights[2] + 3
        lamp = step.decision.perceived.signal
        if lamp in LAMPS:
            draw.ellipse((x + CELL_PX - 14, y + 1, x + CELL_PX - 4, y + 11), fill=LAMPS[lamp])
        draw.text((x, y), f"{step.index / 10:.1f} s   {step.scene.ego_speed_mps * 3.6:.0f} km/h", INK, small)
        draw.text((x, y + 13), step.decision.why[:36], MUTED, small)
    return strip


def save_strip(strip: Image.Image, out: Path, most_bytes: int = MOST_BYTES) -> None:
    """Write a strip as WebP of at most so many bytes, or as PNG. Raises ValueError for another format."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        strip.save(out)
        return
    if out.suffix != ".webp":
        raise ValueError(f"{out}: no strip format; the suffix must be .webp, .png or .mp4")
    import io

    for quality in (80, 70, 60, 50, 40, 30, 20, 10):
        buffer = io.BytesIO()
        strip.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= most_bytes:
            break
    out.write_bytes(buffer.getvalue())


def render_scenario(scenario: Scenario, out: Path, driver: str = "teacher", world: World | None = None) -> str:
    """Drive a scenario and write its strip (.webp, .png) or its film (.mp4); return how the ride ended."""
    if out.suffix not in (".webp", ".png", ".mp4"):
        raise ValueError(f"{out}: no strip format; the suffix must be .webp, .png or .mp4")
    steps, end = drive_scenario(scenario, driver, world)
    with Renderer(scenario.town) as renderer:
        if out.suffix == ".mp4":
            out.parent.mkdir(parents=True, exist_ok=True)
            write_mp4(shoot(Film(renderer), steps), out)
        else:
            save_strip(film_strip(scenario, steps, renderer), out)
    return end


def render_all(folder: Path, seed: int, driver: str, towns: Towns) -> Iterator[str]:
    """Write a strip of every family into a folder; yield a line for each: its name and how the ride ended.

    What has a strip already is left alone. A family that finds no place says so.
    """
    worlds: dict[str, World] = {}
    for name in family_names():
        out = folder / f"{name}.webp"
        if out.exists():
            continue
        try:
            scenario = scenario_of(load_family(name), seed, towns)
        except ValueError as error:
            yield f"{name}: {error}"
            continue
        key = str(scenario.town.meta["name"])
        if key not in worlds:
            worlds[key] = World(scenario.town)
        yield f"{name}: {render_scenario(scenario, out, driver, worlds[key])}"
